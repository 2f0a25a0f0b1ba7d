/* The resolver against a table that does not exist yet: what candidates and facts mean among themselves. */
#include <string.h>

#include "sql/resolve.h"
#include "stream/build.h"
#include "tap.h"

static const struct lk_field fields[] = {
	{"id", LK_INT64}, {"op", LK_UTF8}, {"v", LK_INT64}, {"text", LK_UTF8}, {"lk_file", LK_UTF8}, {"lk_row", LK_INT64}, {NULL}};
static const char *const key[] = {"id"};
static const struct lk_spec spec = {.load = LK_LOAD_UPSERT, .key = (const char **)key, .key_count = 1, .order = "v", .op = "op",
	.limit = {-1, 50}};

static void row(struct lk_builder *b, int64_t id, const char *op, int64_t v, const char *text, int64_t number)
{
	struct lk_error err;

	lk_column_int64(&b->columns[0], id);
	lk_column_text(&b->columns[1], op);
	lk_column_int64(&b->columns[2], v);
	lk_column_text(&b->columns[3], text);
	lk_column_text(&b->columns[4], "a.zip@0123456789ab!a.csv");
	lk_column_int64(&b->columns[5], number);
	ok(!lk_builder_end_row(b, &err), "a row");
}

static enum lk_verdict verdict(struct lk_resolver *r, int64_t candidate)
{
	const struct lk_lake_file *file;
	int64_t position;

	return lk_resolver_verdict(r, candidate, &file, &position);
}

static enum lk_status count_fact(void *context, enum lk_fact_kind kind, const void *k, size_t key_len, const void *version, size_t version_len,
	int64_t candidate, struct lk_error *err)
{
	struct lk_version_origin origin = {.file = LK_STR_INIT};

	(void)k, (void)key_len, (void)err;
	ok(kind == LK_FACT_DELETED && candidate == 3, "the delete is a fact");
	ok(lk_version_origin(version, version_len, LK_LOAD_UPSERT, LK_CELLS_INT, &origin), "whose version can be read");
	ok(origin.has_row && origin.row == 4 && !strcmp(lk_str_text(&origin.file), "a.zip@0123456789ab!a.csv"), "with where it came from");
	lk_str_release(&origin.file);
	++*(int *)context;
	return LK_OK;
}

int main(void)
{
	const struct lk_resolver_options o = {.spec = &spec, .passes = 1};
	struct lk_merge_counts counts = {0};
	const struct ArrowArrayView *view;
	struct lk_places places = {NULL};
	struct lk_resolver *r;
	struct lk_builder b;
	struct lk_error err = {0};
	int facts = 0;

	ok(!lk_builder_init(&b, fields, 6, NULL, &err), "a builder");
	row(&b, 1, "I", 5, "five", 1);
	row(&b, 1, "U", 7, "seven", 2);
	row(&b, 1, "U", 6, "six", 3);
	row(&b, 2, "D", 9, NULL, 4);
	row(&b, 2, "I", 8, "eight", 5);
	row(&b, 3, NULL, 1, "one", 6);
	ok(!lk_builder_view(&b, &view, &err), "a view");
	ok(!lk_resolver_open(&r, &places, &o, &err) && !lk_resolver_take(r, &b.schema, view, &err) && !lk_resolver_run(r, &err),
		"they are resolved: %s", err.message);
	ok(verdict(r, 0) == LK_VERDICT_REPEATED && verdict(r, 2) == LK_VERDICT_REPEATED, "older versions of a key are repeated");
	ok(verdict(r, 1) == LK_VERDICT_INSERT, "the newest is inserted");
	ok(verdict(r, 3) == LK_VERDICT_DELETE && verdict(r, 4) == LK_VERDICT_REPEATED, "a delete wins over older rows");
	ok(verdict(r, 5) == LK_VERDICT_INSERT, "no operation is an insert");
	ok(!lk_resolver_facts(r, count_fact, &facts, &err) && facts == 1, "there is one fact");
	lk_resolver_counts(r, &counts);
	ok(counts.inserted == 2 && counts.repeated == 3 && counts.deleted == 0, "counts");
	lk_resolver_close(r);
	lk_builder_release(&b);
	return done();
}
