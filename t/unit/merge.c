/* Merges: what becomes of rows that a stand-in for the merger says are not to be, and of files, when other writers are first. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lake/keyed.h"
#include "lake/metadata.h"
#include "lake/transaction.h"
#include "stream/side.h"
#include "tap.h"

static char dir[] = "/tmp/lk-unit-merge.XXXXXX";
static struct lk_error err;
static struct lk_lake *lake;

/* ---- a merger that does as it is told ---- */

struct place {
	int file; /* of the table, by uri */
	int64_t position;
};
static struct told {
	struct place old[8], new[8];
	int old_count, new_count;
	bool small;   /* rows of base go that are alone in their file */
	bool all_new; /* none of the rows that came is to be */
	int facts;
	/* what it was asked */
	int asked;
	int base_files, added_files, fact_files, added_fact_files;
} told;

static enum lk_status visit_places(const struct lk_lake_table *t, const struct place *places, int count, lk_place_visitor *visit, void *context)
{
	enum lk_status status = LK_OK;

	for (int i = 0; !status && i < count; i++)
		status = visit(context, &t->files[places[i].file], places[i].position, &err);
	return status;
}

static enum lk_status merge(void *self, const struct lk_merge_request *request, const struct lk_merge_visitor *visitor,
	struct lk_merge_counts *counts, struct lk_error *e)
{
	enum lk_status status = LK_OK;

	(void)self;
	told.asked++;
	told.base_files = request->base ? request->base->file_count : 0;
	told.added_files = request->added->file_count;
	told.fact_files = request->facts ? request->facts->file_count : 0;
	told.added_fact_files = request->added_facts ? request->added_facts->file_count : 0;
	*counts = (struct lk_merge_counts){.updated = told.old_count, .unchanged = told.new_count};
	if (request->base)
		status = visit_places(request->base, told.old, told.old_count, visitor->old, visitor->context);
	for (int f = 0; !status && told.small && f < request->base->file_count; f++)
		if (request->base->files[f].rows == 1)
			status = visitor->old(visitor->context, &request->base->files[f], 0, e);
	if (!status)
		status = visit_places(request->added, told.new, told.new_count, visitor->new, visitor->context);
	for (int f = 0; !status && told.all_new && f < request->added->file_count; f++)
		for (int64_t i = 0; !status && i < request->added->files[f].rows; i++)
			status = visitor->new(visitor->context, &request->added->files[f], i, e);
	for (int i = 0; !status && i < told.facts; i++) {
		struct lk_fact fact = {.kind = LK_FACT_CONFIRMED, .key = "k", .key_len = 1, .version = "v", .version_len = 1};

		status = visitor->fact(visitor->context, &fact, e);
	}
	return status;
}

static const struct lk_field fields[] = {{"id", LK_INT64, .required = true}, {"text", LK_UTF8}};

/* Gives one row with the id 1000, whatever is asked. */
static enum lk_status read_rows(void *self, const struct lk_lake_table *table, lk_rows_visitor *visit, void *context, struct lk_error *e)
{
	const struct ArrowArrayView *view;
	struct lk_builder b;
	enum lk_status status = lk_builder_init(&b, fields, 2, NULL, e);

	(void)self;
	(void)table;
	lk_column_int64(&b.columns[0], 1000);
	lk_column_null(&b.columns[1]);
	if (!status)
		status = lk_builder_end_row(&b, e);
	if (!status)
		status = lk_builder_view(&b, &view, e);
	if (!status)
		status = visit(context, &b.schema, view, e);
	lk_builder_release(&b);
	return status;
}

static const struct lk_merger merger = {NULL, merge, read_rows};

/* ---- a commit ---- */

struct commit {
	char run[LK_UUID_SIZE];
	struct lk_data_writers writers;
	struct lk_deliveries deliveries;
	struct lk_merges merges;
	struct lk_keyed keyed;
	struct lk_target *rows, *versions;
};

static const struct lk_meta upsert[] = {{LK_META_LOAD, "upsert"}, {LK_META_KEY, "[\"id\"]"}, {LK_META_OP, "text"}, {NULL}};

/* Rows of ids, as many as given; with op D for those below 0. */
static void write_batch(struct commit *c, const int64_t *ids, int count)
{
	const struct ArrowArrayView *view;
	struct lk_builder b;
	struct lk_batch batch = {.table = "state", .stream = 1, .rows = count};
	enum lk_status status = lk_builder_init(&b, fields, 2, upsert, &err);

	for (int i = 0; !status && i < count; i++) {
		lk_column_int64(&b.columns[0], ids[i] < 0 ? -ids[i] : ids[i]);
		lk_column_text(&b.columns[1], ids[i] < 0 ? "D" : "I");
		status = lk_builder_end_row(&b, &err);
	}
	if (!status)
		status = lk_builder_view(&b, &view, &err);
	batch.schema = &b.schema;
	batch.view = view;
	if (!status)
		status = lk_keyed_write(&c->keyed, "state", &batch, &err);
	is_int(status, LK_OK, "%d rows are written: %s", count, status ? err.message : "");
	lk_builder_release(&b);
}

static void begin(struct commit *c, const int64_t *ids, int count)
{
	enum lk_status status;

	*c = (struct commit){.run = ""};
	status = lk_uuid(c->run, &err);
	c->writers = (struct lk_data_writers){.lake = lake, .run = c->run};
	c->merges = (struct lk_merges){.lake = lake, .merger = &merger, .run = c->run, .deliveries = &c->deliveries};
	c->keyed = (struct lk_keyed){.merges = &c->merges, .writers = &c->writers};
	write_batch(c, ids, count);
	if (!status)
		status = lk_keyed_finish(&c->keyed, &err);
	if (!status)
		status = lk_data_writers_finish(&c->writers, &err);
	if (!status)
		status = lk_data_writers_target(&c->writers, "state", NULL, &c->rows, &err);
	if (!status)
		status = lk_data_writers_target(&c->writers, LK_TABLE_VERSIONS, NULL, &c->versions, &err);
	if (!status)
		status = lk_merges_gather(&c->merges, c->versions, &err);
	if (!status)
		status = lk_merges_ready(&c->merges, &err);
	is_int(status, LK_OK, "and merged: %s", status ? err.message : "");
}

static enum lk_status ready(void *context, struct lk_error *e)
{
	return lk_merges_ready(&((struct commit *)context)->merges, e);
}

static enum lk_status keep(void *context, struct lk_target *target, bool *go, struct lk_error *e)
{
	(void)context;
	(void)target;
	(void)go;
	(void)e;
	return LK_OK;
}

static enum lk_status finish(struct commit *c)
{
	struct lk_target *targets[] = {c->rows, c->versions};
	struct lk_transaction tx = {.lake = lake, .run = c->run, .targets = targets, .count = 2, .ready = ready, .rebased = keep, .context = c};
	enum lk_status status = lk_transaction_run(&tx, &err);

	if (tx.outcome == LK_OUTCOME_UNCHANGED) {
		lk_merges_discard(&c->merges);
		lk_data_writers_discard(&c->writers);
	} else {
		lk_merges_finish(&c->merges);
	}
	return status;
}

static void release(struct commit *c)
{
	lk_keyed_release(&c->keyed);
	lk_merges_release(&c->merges);
	lk_data_writers_release(&c->writers);
	lk_deliveries_release(&c->deliveries);
	told = (struct told){.asked = 0};
}

static int count_files(const char *what)
{
	char command[600];
	int n = -1;
	FILE *f;

	snprintf(command, sizeof(command), "find '%s'/lake/%s -type f -name '*.parquet' 2>/dev/null | wc -l", dir, what);
	f = popen(command, "r");
	if (!f || fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		pclose(f);
	return n;
}

/* The newest summary's number of a name. */
static int64_t summary(const struct commit *c, const char *key)
{
	json_t *root = NULL;
	int64_t n = -1;

	if (!lk_metadata_read(c->rows->new_location ? c->rows->new_location : c->rows->base_location, &root, &err)) {
		const json_t *s = lk_metadata_snapshot(root, lk_metadata_snapshot_id(root));

		n = strtoll(lk_metadata_text(json_object_get(s, "summary"), key), NULL, 10);
	}
	json_decref(root);
	return n;
}

/* ---- tests ---- */

static const int64_t ten[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static void test_new(void)
{
	struct commit c;

	begin(&c, ten, 10);
	is_int(told.asked, 1, "the merger is asked");
	ok(!told.base_files && told.added_files == 1, "with no base");
	is_int(finish(&c), LK_OK, "a new table");
	is_int(told.asked, 1, "nothing moved, so it is not asked again");
	is_int(count_files("lk/versions"), 0, "no facts, no table of them");
	is_int(summary(&c, "added-records"), 10, "ten rows");
	release(&c);
}

static void test_deletes(void)
{
	struct commit c;

	told = (struct told){.old = {{0, 3}}, .old_count = 1, .new = {{0, 0}, {0, 9}}, .new_count = 2, .facts = 2};
	begin(&c, ten, 10);
	is_int(told.base_files, 1, "the table is the base");
	is_int(finish(&c), LK_OK, "rows of both go");
	is_int(summary(&c, "added-position-deletes"), 3, "by position");
	is_int(summary(&c, "added-data-files"), 1, "of a file that comes");
	is_int(c.merges.items[0]->dead, 2, "two of what came");
	is_int(count_files("lk/versions"), 1, "facts are kept");
	release(&c);
}

static void test_nothing(void)
{
	int before = count_files("main/state");
	struct commit c;

	told = (struct told){.all_new = true, .facts = 1};
	begin(&c, ten, 10);
	is_int(told.fact_files, 1, "the facts of before are told");
	is_int(finish(&c), LK_OK, "no row is to be");
	is_int(c.rows->made.snapshot_id, -1, "no snapshot");
	is_int(count_files("main/state"), before, "and no file");
	is_int(count_files("lk/versions"), 2, "but a fact");
	release(&c);
}

static void test_few(void)
{
	int before = count_files("main/state");
	struct commit c;

	told = (struct told){.old = {{0, 0}}, .old_count = 1, .new = {{0, 0}, {0, 1}}, .new_count = 2};
	begin(&c, ten, 3);
	is_int(finish(&c), LK_OK, "one of three rows is to be");
	is_int(summary(&c, "added-records"), 1, "it alone is written");
	is_int(summary(&c, "added-position-deletes"), 1, "and only the base has deletes");
	is_int(count_files("main/state"), before + 2, "what came is gone");
	release(&c);
}

static void test_whole(void)
{
	static const int64_t one[] = {77};
	struct commit c;

	begin(&c, one, 1);
	is_int(finish(&c), LK_OK, "a file of one row");
	release(&c);
	told.small = true;
	begin(&c, one, 1);
	is_int(finish(&c), LK_OK, "whose row goes");
	ok(summary(&c, "deleted-data-files") >= 1 && summary(&c, "added-position-deletes") == 0, "and with it the file, not by position");
	release(&c);
}

/* Another one commits between the merge and the transaction. */
static void test_race(void)
{
	struct commit first, second;
	int before;

	told = (struct told){.new = {{0, 0}, {0, 1}, {0, 2}}, .new_count = 3, .facts = 1};
	begin(&first, ten, 4);
	ok(first.merges.items[0]->rewritten, "what lives is written anew");
	before = told.base_files;
	told = (struct told){.facts = 1};
	begin(&second, ten, 2);
	is_int(finish(&second), LK_OK, "another writer is first");
	told = (struct told){.old = {{0, 5}}, .old_count = 1, .facts = 3};
	is_int(finish(&first), LK_OK, "and then this one");
	is_int(told.asked, 1, "the merger is asked again");
	is_int(told.base_files, before + 1, "with what the other one brought");
	ok(!first.merges.items[0]->rewritten && summary(&first, "added-records") == 4, "and all rows are to be now");
	is_int(summary(&first, "added-position-deletes"), 1, "with other deletes");
	release(&first);
	release(&second);
}

/* Only lk.versions moves; the table itself has nothing to write. */
static void test_facts_move(void)
{
	struct commit first, second;

	told = (struct told){.all_new = true};
	begin(&first, ten, 2);
	told = (struct told){.all_new = true, .facts = 1};
	begin(&second, ten, 2);
	is_int(finish(&second), LK_OK, "another writer has a fact, and no row");
	told = (struct told){.asked = 0};
	is_int(finish(&first), LK_OK, "who had nothing to do");
	ok(told.asked == 1 && summary(&first, "added-records") == 2, "is asked again, and has");
	release(&first);
	release(&second);
}

static void test_deleted(void)
{
	static const int64_t ids[] = {5, -6, 7, -8};
	struct commit c;

	begin(&c, ids, 4);
	is_int(told.added_fact_files, 1, "rows of op D are facts");
	is_int(c.versions->rows, 2, "one for each");
	is_int(c.rows->rows, 2, "and no rows");
	is_int(finish(&c), LK_OK, "they are committed");
	release(&c);
}

static void test_discard(void)
{
	int rows = count_files("main/state"), facts = count_files("lk/versions");
	struct commit c;

	told = (struct told){.old = {{0, 1}}, .old_count = 1, .new = {{0, 0}, {0, 1}}, .new_count = 2, .facts = 1};
	begin(&c, ten, 3);
	lk_merges_discard(&c.merges);
	lk_data_writers_discard(&c.writers);
	is_int(count_files("main/state"), rows, "a merge that is not committed leaves no rows");
	is_int(count_files("lk/versions"), facts, "and no facts");
	release(&c);
}

static void test_wrong(void)
{
	struct lk_rowset set;
	struct lk_lake_file file = {.uri = "u", .rows = 3};
	struct lk_lake_table table = {.files = &file, .file_count = 1};

	is_int(lk_rowset_init(&set, &table, &err), LK_OK, "a set of rows");
	is_int(lk_rowset_add(&set, &set.files[0], 3, &err), LK_DATA, "a row behind the last: %s", err.message);
	is_int(lk_rowset_add(&set, &set.files[0], -1, &err), LK_DATA, "before the first: %s", err.message);
	is_int(lk_rowset_add(&set, &set.files[0], 2, &err), LK_OK, "the last");
	is_int(lk_rowset_add(&set, &set.files[0], 2, &err), LK_DATA, "once more: %s", err.message);
	ok(lk_rowset_has(&set.files[0], 2) && !lk_rowset_has(&set.files[0], 1) && !lk_rowset_whole(&set.files[0]), "it is in the set, alone");
	ok(!lk_rowset_find(&set, "v") && lk_rowset_find(&set, "u"), "files are found by uri");
	lk_rowset_release(&set);
}

int main(void)
{
	char path[64], command[64];

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/lake", dir);
	if (lk_lake_open(&lake, path, LK_LAKE_CREATE, &err))
		return 1;
	test_wrong();
	test_new();
	test_deletes();
	test_nothing();
	test_few();
	test_whole();
	test_race();
	test_facts_move();
	test_deleted();
	test_discard();
	lk_lake_close(lake);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ok(system(command) == 0, "nothing is left behind");
	return done();
}
