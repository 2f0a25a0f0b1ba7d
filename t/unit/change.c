/* What a change stream says of itself: to its schema and back, and what is not sound. */
#include <stdlib.h>

#include "change/change.h"
#include "stream/side.h"
#include "tap.h"

static struct lk_error err;

static struct ArrowSchema make_schema(const char *change)
{
	static const struct lk_field fields[] = {{"id", LK_INT64, .required = true}, {NULL}};
	const struct lk_meta meta[] = {{LK_META_CHANGE, change}, {NULL}};
	struct ArrowSchema schema;

	if (lk_schema_make(&schema, fields, 1, change ? meta : NULL, &err))
		abort();
	return schema;
}

static enum lk_status read_text(struct lk_change *c, const char *text, struct lk_arena *arena, bool *is)
{
	struct ArrowSchema schema = make_schema(text);
	enum lk_status status = lk_change_read(c, &schema, arena, is, &err);

	ArrowSchemaRelease(&schema);
	return status;
}

static void test_round(void)
{
	int32_t ids[] = {1, 7};
	const char *scope[] = {"facility"}, *files[] = {"file:///a b.parquet", "file:///\xc3\xa4.parquet"}, *columns[] = {"weight"};
	struct lk_change c = {.uuid = "u", .branch = "main", .base = INT64_MAX, .facts = -1, .load = LK_LOAD_FULL, .key_ids = ids,
		.key_count = 2, .scope = scope, .scope_count = 1, .files = files, .file_count = 2, .columns = columns, .column_count = 1};
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_str text = LK_STR_INIT;
	struct lk_change got;
	bool is;

	ok(lk_change_write(&c, &text, &err) == LK_OK, "a change is written");
	ok(read_text(&got, lk_str_text(&text), &arena, &is) == LK_OK && is, "and read: %s", err.message);
	is_text(got.uuid, "u", "its table");
	is_int(got.base, INT64_MAX, "its base, of 63 bits");
	is_int(got.facts, -1, "no facts");
	ok(got.load == LK_LOAD_FULL && !got.patch, "how it loads");
	ok(got.key_count == 2 && got.key_ids[1] == 7, "its key");
	ok(got.scope_count == 1 && !strcmp(got.scope[0], "facility"), "its scope");
	ok(got.file_count == 2 && !strcmp(got.files[1], files[1]), "its files");
	ok(got.column_count == 1 && !strcmp(got.columns[0], "weight"), "its columns");
	c = (struct lk_change){.branch = "b", .base = -1, .facts = 3, .patch = true};
	lk_str_clear(&text);
	ok(lk_change_write(&c, &text, &err) == LK_OK && read_text(&got, lk_str_text(&text), &arena, &is) == LK_OK && !got.uuid &&
			got.base == -1 && got.facts == 3 && got.patch, "one of a table that is not there: %s", lk_str_text(&text));
	lk_str_release(&text);
	lk_arena_release(&arena);
}

static void test_unsound(void)
{
	static const char *const texts[] = {
		"", "[]", "{}", "{\"branch\":\"main\",\"load\":\"append\"}", "{\"branch\":\"main\",\"load\":\"full\",\"base\":17}",
		"{\"branch\":\"main\",\"load\":\"full\",\"base\":\"-2\"}", "{\"branch\":\"main\",\"load\":\"full\",\"base\":\"9223372036854775808\"}",
		"{\"branch\":\"main\",\"load\":\"full\",\"files\":[1]}", "{\"branch\":\"main\",\"load\":\"full\",\"keyIds\":[0]}",
		"{\"branch\":\"main\",\"load\":\"full\",\"columns\":{\"a\":1}}", "{\"branch\":\"main\",\"load\":\"full\"",
	};
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_change c;
	bool is;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		ok(read_text(&c, texts[i], &arena, &is) == LK_DATA, "not sound: '%s': %s", texts[i], err.message);
	ok(read_text(&c, NULL, &arena, &is) == LK_OK && !is, "rows that are no change");
	lk_arena_release(&arena);
}

int main(void)
{
	test_round();
	test_unsound();
	return done();
}
