/* Units of lib/sql: DuckDB behind closed doors, types, intervals, what is carried over. */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/metadata.h"
#include "sql/carry.h"
#include "sql/recast.h"
#include "sql/script.h"
#include "sql/session.h"
#include "sql/view.h"
#include "stream/side.h"
#include "tap.h"

static void test_types(void)
{
	static const char *const cases[][2] = {
		{"long", "BIGINT"},
		{"decimal(9, 2)", "DECIMAL(9,2)"},
		{"decimal(38,0)", "DECIMAL(38,0)"},
		{"timestamptz", "TIMESTAMPTZ"},
		{"fixed[16]", "BLOB"},
		{"{\"type\":\"list\",\"element-id\":2,\"element-required\":false,\"element\":\"int\"}", "INTEGER[]"},
		{"{\"type\":\"map\",\"key-id\":2,\"key\":\"string\",\"value-id\":3,\"value\":\"double\"}",
			"MAP(VARCHAR, DOUBLE)"},
		{"{\"type\":\"struct\",\"fields\":[{\"id\":2,\"name\":\"a \\\"b\\\"\",\"type\":\"date\"}]}",
			"STRUCT(\"a \"\"b\"\"\" DATE)"},
	};
	static const char *const wrong[] = {"", "geometry", "decimal(9", "{", "{}", "{\"type\":\"struct\",\"fields\":[]}",
		"{\"type\":\"list\"}"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lk_str out = LK_STR_INIT;

		ok(lk_sql_iceberg_type(cases[i][0], &out), "%s has a type", cases[i][0]);
		is_text(lk_str_text(&out), cases[i][1], "it is %s", cases[i][1]);
		lk_str_release(&out);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct lk_str out = LK_STR_INIT;

		ok(!lk_sql_iceberg_type(wrong[i], &out), "'%s' has none", wrong[i]);
		lk_str_release(&out);
	}
}

static void test_intervals(void)
{
	static const struct {
		int64_t months, days, us;
		const char *text;
	} cases[] = {
		{0, 0, 0, "00:00:00"},
		{14, -3, 14706500000, "1 year 2 months -3 days 04:05:06.5"},
		{-1, 0, 0, "-1 month"},
		{0, 1, -1, "1 day -00:00:00.000001"},
		{0, 0, INT64_MIN, "-2562047788:00:54.775808"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lk_str out = LK_STR_INIT;

		lk_interval_text(cases[i].months, cases[i].days, cases[i].us, &out);
		is_text(lk_str_text(&out), cases[i].text, "interval %s", cases[i].text);
		lk_str_release(&out);
	}
}

static void test_carry(void)
{
	static const struct lk_meta phi[] = {{LK_META_PHI, "name"}, {NULL, NULL}};
	static const struct lk_meta meta[] = {{LK_META_KEY, "[\"id\"]"}, {LK_META_ORDER, "seen"},
		{LK_META_PARTITION, "[\"bucket(16, id)\", \"day(at)\"]"}, {LK_META_LOAD, "upsert"}, {NULL, NULL}};
	static const struct lk_field before[] = {{"id", LK_INT64}, {"seen", LK_DATE32}, {"at", LK_DATE32},
		{"name", LK_UTF8, .meta = phi}};
	static const struct lk_field after[] = {{"name", LK_UTF8}, {"at", LK_DATE32}, {"id", LK_INT64}};
	struct ArrowSchema from, to;
	struct lk_error err;
	char text[64];

	ok(!lk_schema_make(&from, before, 4, meta, &err) && !lk_schema_make(&to, after, 3, NULL, &err), "two schemas");
	ok(!lk_carry_metadata(&from, &to, &err), "metadata are carried over");
	ok(lk_meta_text(&to, LK_META_KEY, text, sizeof(text)) && !strcmp(text, "[\"id\"]"), "a key whose column is there");
	ok(!lk_meta_text(&to, LK_META_ORDER, text, sizeof(text)), "not an order whose column is gone");
	ok(lk_meta_text(&to, LK_META_PARTITION, text, sizeof(text)), "transforms of columns that are there");
	ok(lk_meta_text(&to, LK_META_LOAD, text, sizeof(text)) && !strcmp(text, "upsert"), "the load mode");
	ok(lk_meta_text(to.children[0], LK_META_PHI, text, sizeof(text)) && !strcmp(text, "name"), "a column's privacy class");
	ArrowSchemaRelease(&from);
	ArrowSchemaRelease(&to);
}

static void test_nested(void)
{
	static const struct {
		const char *before, *after;
		bool same;
	} cases[] = {
		{"{\"id\":2,\"name\":\"x\",\"type\":\"int\"}", "{\"id\":2,\"name\":\"x\",\"type\":\"long\"}", true},
		{"{\"id\":2,\"name\":\"x\",\"type\":\"int\"}", "{\"id\":2,\"name\":\"y\",\"type\":\"int\"}", false},
		{"{\"id\":2,\"name\":\"x\",\"type\":\"int\"}", "{\"id\":3,\"name\":\"x\",\"type\":\"int\"}", false},
		{"{\"id\":2,\"name\":\"x\",\"type\":{\"type\":\"list\",\"element-id\":3,\"element\":\"int\"}}",
			"{\"id\":2,\"name\":\"x\",\"type\":{\"type\":\"list\",\"element-id\":4,\"element\":\"int\"}}", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *root = json_pack("{s:[{s:[{s:i,s:s,s:o}]},{s:[{s:i,s:s,s:o}]}]}", "schemas",
			"fields", "id", 1, "name", "a", "type", json_pack("{s:s,s:[o]}", "type", "struct", "fields",
				json_loads(cases[i].before, 0, NULL)),
			"fields", "id", 1, "name", "b", "type", json_pack("{s:s,s:[o]}", "type", "struct", "fields",
				json_loads(cases[i].after, 0, NULL)));

		is_int(lk_metadata_nested_same(root), cases[i].same, "%s then %s", cases[i].before, cases[i].after);
		json_decref(root);
	}
}

static void test_refusals(void)
{
	struct lk_lake_column columns[] = {{.id = 1, .name = "a", .type = "long"}, {.id = 2, .name = "b", .type = "variant"}};
	struct lk_lake_file file = {.rows = 1, .path = "/a.orc", .uri = "/a.orc", .entry = {.format = "orc", .uri = (char *)"/a.orc"}};
	struct lk_lake_deletes deletes = {.path = "/d.avro", .uri = "/d.avro", .entry = {.format = "AVRO", .uri = (char *)"/d.avro"}};
	struct lk_lake_table table = {.namespace_name = "main", .name = "t", .columns = columns, .column_count = 1,
		.files = &file, .file_count = 1, .nested_same = true};
	struct lk_error err = {0};

	is_int(lk_sql_view_create(NULL, "main", "t", &table, &err), LK_MISSING, "other formats are refused");
	ok(strstr(err.message, "data file '/a.orc' is in the format orc") != NULL, "by name: %s", err.message);
	file.entry.format = "PARQUET";
	table.deletes = &deletes;
	table.deletes_count = 1;
	is_int(lk_sql_view_create(NULL, "main", "t", &table, &err), LK_MISSING, "of deletes too: %s", err.message);
	deletes.entry.format = NULL;
	deletes.entry.key_metadata = (struct lk_str){.data = (char *)"k", .len = 1};
	is_int(lk_sql_view_create(NULL, "main", "t", &table, &err), LK_MISSING, "what is encrypted is refused: %s", err.message);
	table.deletes_count = 0;
	table.column_count = 2;
	is_int(lk_sql_view_create(NULL, "main", "t", &table, &err), LK_MISSING, "types of later formats are refused: %s", err.message);
	columns[1].type = "binary";
	columns[1].initial = "\"00ff\"";
	is_int(lk_sql_view_create(NULL, "main", "t", &table, &err), LK_MISSING, "and defaults of some types: %s", err.message);
}

/* A statement of ours must hold: it is a SELECT of one truth. */
static void holds(struct lk_sql *sql, const char *truth, const char *what)
{
	char statement[1000];
	struct lk_error err = {0};

	snprintf(statement, sizeof(statement), "SELECT if((%s) IS NOT TRUE, error('it does not hold'), 1)", truth);
	ok(!lk_sql_run(sql, statement, &err), "%s: %s", what, err.message);
}

/* Files that another engine added as they were, without field ids, are read by the table's mapping of names. */
static void test_ids(const char *dir)
{
	static const char nested[] = "{\"type\":\"struct\",\"fields\":[{\"id\":3,\"name\":\"x\",\"type\":\"long\"},{\"id\":4,\"name\":\"y\","
				     "\"type\":{\"type\":\"list\",\"element-id\":5,\"element\":{\"type\":\"struct\",\"fields\":[{\"id\":6,\"name\":"
				     "\"z\",\"type\":\"string\"},{\"id\":7,\"name\":\"new\",\"type\":\"date\"}]}}}]}";
	static const char metadata[] = "{\"properties\":{\"schema.name-mapping.default\":\"[{\\\"field-id\\\":1,\\\"names\\\":[\\\"old\\\",\\\"a\\\"]},"
		"{\\\"field-id\\\":2,\\\"names\\\":[\\\"s\\\"],\\\"fields\\\":[{\\\"field-id\\\":3,\\\"names\\\":[\\\"ex\\\"]},{\\\"field-id\\\":4,"
		"\\\"names\\\":[\\\"why\\\"],\\\"fields\\\":[{\\\"field-id\\\":5,\\\"names\\\":[\\\"element\\\"],\\\"fields\\\":[{\\\"field-id\\\":6,"
		"\\\"names\\\":[\\\"zed\\\"]}]}]}]}]\"},\"partition-specs\":[{\"spec-id\":1,\"fields\":[{\"source-id\":8,\"field-id\":1000,\"transform\":\"identity\","
		"\"name\":\"day\"}]}]}";
	struct lk_lake_column columns[] = {{.id = 1, .name = "a", .type = "long"}, {.id = 2, .name = "s", .type = nested},
		{.id = 8, .name = "day", .type = "date"}};
	struct lk_partition_value day = {.field_id = 1000, .value = {.data = (char *)"\1\0\0\0", .len = 4}};
	struct lk_lake_file files[3] = {{.rows = 1, .entry = {.spec_id = 1, .partition = &day, .partition_count = 1}}, {.rows = 1}, {.rows = 1}};
	struct lk_lake_table table = {.namespace_name = "main", .name = "t", .columns = columns, .column_count = 1, .metadata = json_object(),
		.files = files, .file_count = 1, .name_mapping = true, .nested_same = true};
	struct lk_sql_options options = {.threads = 1, .scratch = dir};
	char paths[3][512], statement[1200];
	struct lk_error err = {0};
	struct lk_sql *sql;

	for (int i = 0; i < 3; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/file%d.parquet", dir, i);
		files[i].path = files[i].uri = paths[i];
	}
	ok(!lk_sql_open(&sql, &options, &err), "DuckDB starts: %s", err.message);
	snprintf(statement, sizeof(statement), "COPY (SELECT 1 AS old, {'ex': 5, 'why': [{'zed': 'q'}, NULL]} AS s) TO '%s' (FORMAT parquet)", paths[0]);
	ok(!lk_sql_run(sql, statement, &err), "a file without field ids: %s", err.message);
	snprintf(statement, sizeof(statement), "COPY (SELECT DATE '2026-01-31' AS day, 2 AS a, NULL::STRUCT(ex INTEGER) AS s) TO '%s' (FORMAT parquet)", paths[1]);
	ok(!lk_sql_run(sql, statement, &err), "another one: %s", err.message);
	snprintf(statement, sizeof(statement), "COPY (SELECT 3 AS whatever, DATE '2026-02-01' AS d) TO '%s' (FORMAT parquet, FIELD_IDS {whatever: 1, d: 8})", paths[2]);
	ok(!lk_sql_run(sql, statement, &err), "one with them: %s", err.message);
	is_int(lk_sql_view_create(sql, "main", "t", &table, &err), LK_DATA, "without a mapping it is refused");
	ok(strstr(err.message, "has no field ids") != NULL, "for what it is: %s", err.message);
	json_decref((json_t *)table.metadata);
	table.metadata = json_loads(metadata, 0, NULL);
	table.column_count = 3;
	table.file_count = 3;
	ok(!lk_sql_view_create(sql, "main", "t", &table, &err), "with one all are taken: %s", err.message);
	holds(sql, "(SELECT list(a ORDER BY a) FROM main.t) = [1, 2, 3]", "by any of the names, and by id");
	holds(sql, "(SELECT s::VARCHAR FROM main.t WHERE a = 1) = '{''x'': 5, ''y'': [{''z'': q, ''new'': NULL}, NULL]}'", "nested too");
	holds(sql, "(SELECT count(s) FROM main.t) = 1", "nulls stay null");
	holds(sql, "(SELECT day FROM main.t WHERE a = 1) = DATE '1970-01-02'", "what a file lacks is the value of its partition");
	holds(sql, "(SELECT list(day ORDER BY day) FROM main.t) = [DATE '1970-01-02', DATE '2026-02-01', NULL]", "and what no mapping names is null");
	json_decref((json_t *)table.metadata);
	table.metadata = NULL;
	lk_sql_close(sql);
	for (int i = 0; i < 3; i++)
		unlink(paths[i]);
}

/* Fields inside of columns that were renamed, and others that took their names, are found by id. */
static void test_renamed(const char *dir)
{
	static const char type[] = "{\"type\":\"struct\",\"fields\":[{\"id\":2,\"name\":\"after\",\"type\":\"long\"},{\"id\":3,\"name\":\"before\","
				   "\"type\":\"string\"}]}";
	static const char map[] = "{\"type\":\"map\",\"key-id\":5,\"key\":\"string\",\"value-id\":6,\"value\":{\"type\":\"struct\",\"fields\":["
				  "{\"id\":7,\"name\":\"q\",\"type\":\"long\"}]}}";
	struct lk_lake_column columns[] = {{.id = 1, .name = "s", .type = type}, {.id = 4, .name = "m", .type = map}};
	struct lk_lake_file file = {.rows = 1};
	struct lk_lake_table table = {.namespace_name = "main", .name = "t", .columns = columns, .column_count = 2, .files = &file, .file_count = 1};
	struct lk_sql_options options = {.threads = 1, .scratch = dir};
	char path[512], statement[1200];
	struct lk_error err = {0};
	struct lk_sql *sql;

	snprintf(path, sizeof(path), "%s/renamed.parquet", dir);
	file.path = file.uri = path;
	ok(!lk_sql_open(&sql, &options, &err), "DuckDB starts: %s", err.message);
	snprintf(statement, sizeof(statement), "COPY (SELECT {'before': 5} AS s, MAP {'k': {'p': 6}} AS m) TO '%s' (FORMAT parquet, FIELD_IDS {s: {"
		"__duckdb_field_id: 1, before: 2}, m: {__duckdb_field_id: 4, key: 5, value: {__duckdb_field_id: 6, p: 7}}})", path);
	ok(!lk_sql_run(sql, statement, &err), "a file of before: %s", err.message);
	ok(!lk_sql_view_create(sql, "main", "t", &table, &err), "is read: %s", err.message);
	holds(sql, "(SELECT s.after = 5 AND s.before IS NULL FROM main.t)", "a field under its new name");
	holds(sql, "(SELECT m['k'].q = 6 FROM main.t)", "one within a map");
	holds(sql, "(SELECT typeof(m) FROM main.t) = 'MAP(VARCHAR, STRUCT(q BIGINT))'", "with the type of the table");
	lk_sql_close(sql);
	unlink(path);
}

/* Asks DuckDB directly, past the check of the parse tree. */
static enum lk_status ask(struct lk_sql *sql, struct lk_error *err, const char *statement)
{
	return lk_sql_run(sql, statement, err);
}

/* A Parquet file with field ids, of what a SELECT gives. */
static void make_file(struct lk_sql *sql, const char *path, const char *select, const char *ids)
{
	char statement[4000];
	struct lk_error err = {0};

	snprintf(statement, sizeof(statement), "COPY (%s) TO '%s' (FORMAT parquet, FIELD_IDS {%s})", select, path, ids);
	ok(!lk_sql_run(sql, statement, &err), "a file is made: %s", err.message);
}

static void has_rows(struct lk_sql *sql, const char *expect, const char *what)
{
	char statement[300];
	struct lk_error err = {0};

	snprintf(statement, sizeof(statement),
		"SELECT if(got <> '%s', error('got ' || got), got) FROM (SELECT coalesce(string_agg(filename, ' ' ORDER BY filename), '') AS "
		"got FROM main.t)", expect);
	ok(!lk_sql_run(sql, statement, &err), "%s: %s", what, err.message);
}

/* Deletes as other engines leave them: by the text of the manifest, for files that are not younger. */
static void test_deletes(const char *dir)
{
	struct lk_lake_column columns[] = {{.id = 1, .name = "filename", .type = "string"}, {.id = 2, .name = "pos", .type = "long"}};
	char paths[5][512], uris[3][600], select[2000];
	struct lk_lake_file files[3] = {{.rows = 3, .sequence = 1}, {.rows = 3, .sequence = 3}, {.rows = 1, .sequence = 1}};
	struct lk_lake_deletes deletes[4] = {{.sequence = 2}, {.sequence = 3}};
	struct lk_lake_table table = {.namespace_name = "main", .name = "t", .columns = columns, .column_count = 2, .files = files,
		.file_count = 3, .deletes = deletes, .nested_same = true};
	struct lk_sql_options options = {.threads = 1, .scratch = dir};
	struct lk_error err = {0};
	struct lk_sql *sql;

	ok(!lk_sql_open(&sql, &options, &err), "DuckDB starts: %s", err.message);
	for (int i = 0; i < 5; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/part[%d].parquet", dir, i);
	snprintf(uris[0], sizeof(uris[0]), "file://%s", paths[0]);
	snprintf(uris[1], sizeof(uris[1]), "file:%s", paths[1]);
	snprintf(uris[2], sizeof(uris[2]), "%s", paths[2]);
	for (int i = 0; i < 3; i++) {
		files[i].path = paths[i];
		files[i].uri = uris[i];
	}
	make_file(sql, paths[0], "SELECT * FROM (VALUES ('a', 7::BIGINT), ('b', 8), ('c', 9)) v(filename, pos)", "filename: 1, pos: 2");
	make_file(sql, paths[1], "SELECT * FROM (VALUES ('d', 7::BIGINT), ('e', 8), ('f', 9)) v(filename, pos)", "filename: 1, pos: 2");
	make_file(sql, paths[2], "SELECT 'g' AS filename, 0::BIGINT AS pos", "filename: 1, pos: 2");
	snprintf(select, sizeof(select), "SELECT * FROM (VALUES ('%s', 1::BIGINT), ('%s', 0), ('file:%s', 2)) v(file_path, pos)",
		uris[0], uris[1], paths[0]);
	make_file(sql, paths[3], select, "file_path: 2147483546, pos: 2147483545");
	snprintf(select, sizeof(select), "SELECT '%s' AS file_path, 2::BIGINT AS pos", uris[1]);
	make_file(sql, paths[4], select, "file_path: 2147483546, pos: 2147483545");
	deletes[0].path = deletes[0].uri = paths[3];
	deletes[1].path = deletes[1].uri = paths[4];
	deletes[1].referenced = uris[1];

	ok(!lk_sql_view_create(sql, "main", "t", &table, &err), "a table without deletes: %s", err.message);
	has_rows(sql, "a b c d e f g", "has all of its rows");
	table.deletes_count = 1;
	ok(!lk_sql_view_create(sql, "main", "t", &table, &err), "with deletes: %s", err.message);
	has_rows(sql, "a c d e f g", "a younger file, and a row by another text of its path, stay");
	table.deletes_count = 2;
	ok(!lk_sql_view_create(sql, "main", "t", &table, &err), "with more: %s", err.message);
	has_rows(sql, "a c d e g", "deletes of the same commit apply");
	deletes[3] = deletes[2] = deletes[1];
	deletes[2].sequence = 2;
	deletes[3].referenced = uris[2];
	table.deletes_count = 4;
	ok(!lk_sql_view_create(sql, "main", "t", &table, &err), "with some for one file, and for another: %s", err.message);
	has_rows(sql, "a c d e g", "the youngest decides");
	deletes[0] = deletes[2];
	deletes[1].sequence = 2;
	ok(!lk_sql_view_create(sql, "main", "t", &table, &err), "with none for most: %s", err.message);
	has_rows(sql, "a b c d e f g", "those that are older than the file do not apply");
	deletes[1].sequence = 3;
	make_file(sql, paths[4], select, "pos: 2147483545");
	is_int(lk_sql_view_create(sql, "main", "t", &table, &err), LK_DATA, "deletes without field ids are refused");
	ok(strstr(err.message, "lacks the field ids") != NULL, "for what they are: %s", err.message);
	lk_sql_close(sql);
	for (int i = 0; i < 5; i++)
		unlink(paths[i]);
}

/* Deletes by value: for files that are older, of the partition or of all. */
static void test_equality(const char *dir)
{
	struct lk_lake_column columns[] = {{.id = 1, .name = "k", .type = "long"}, {.id = 2, .name = "v", .type = "string"}};
	static const char metadata[] = "{\"schemas\":[{\"fields\":[{\"id\":9,\"name\":\"dropped\",\"type\":\"int\"}]}],\"partition-specs\":["
				       "{\"spec-id\":0,\"fields\":[]},{\"spec-id\":1,\"fields\":[{\"source-id\":2,\"field-id\":1000,\"transform\":\"identity\"}]}]}";
	struct lk_partition_value x = {.field_id = 1000, .value = {.data = (char *)"x", .len = 1}};
	int32_t key[] = {1}, both[] = {2, 1}, dropped[] = {9}, none[] = {77};
	char paths[5][512];
	struct lk_lake_file files[2] = {{.rows = 4, .sequence = 1, .entry = {.spec_id = 1, .partition = &x, .partition_count = 1}},
		{.rows = 2, .sequence = 3}};
	struct lk_lake_deletes equality[3] = {{.sequence = 2, .entry = {.content = 2, .equality_ids = key, .equality_count = 1}},
		{.sequence = 4, .entry = {.content = 2, .equality_ids = both, .equality_count = 2, .spec_id = 1, .partition = &x, .partition_count = 1}},
		{.sequence = 4, .entry = {.content = 2, .equality_ids = dropped, .equality_count = 1}}};
	struct lk_lake_table table = {.namespace_name = "main", .name = "t", .columns = columns, .column_count = 2, .files = files,
		.file_count = 2, .equality = equality, .nested_same = true, .metadata = json_loads(metadata, 0, NULL)};
	struct lk_sql_options options = {.threads = 1, .scratch = dir};
	struct lk_error err = {0};
	struct lk_sql *sql;

	ok(!lk_sql_open(&sql, &options, &err), "DuckDB starts: %s", err.message);
	for (int i = 0; i < 5; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/eq%d.parquet", dir, i);
		*(i < 2 ? &files[i].path : &equality[i - 2].path) = paths[i];
		*(i < 2 ? &files[i].uri : &equality[i - 2].uri) = paths[i];
	}
	make_file(sql, paths[0], "SELECT * FROM (VALUES (1::BIGINT, 'a', 7), (2, 'b', 8), (NULL, 'c', 9), (4, 'd', NULL)) v(k, v, gone)", "k: 1, v: 2, gone: 9");
	make_file(sql, paths[1], "SELECT * FROM (VALUES (1::BIGINT, 'e'), (4, 'd')) v(k, v)", "k: 1, v: 2");
	make_file(sql, paths[2], "SELECT * FROM (VALUES (1::INTEGER), (NULL)) v(k)", "k: 1");
	make_file(sql, paths[3], "SELECT * FROM (VALUES ('d', 4::BIGINT), ('b', 5)) v(v, k)", "k: 1, v: 2");
	make_file(sql, paths[4], "SELECT 8 AS gone", "gone: 9");
	table.equality_count = 1;
	ok(!lk_sql_view_create(sql, "main", "t", &table, &err), "deletes by one column: %s", err.message);
	holds(sql, "(SELECT list(v ORDER BY v, k) FROM main.t) = ['b', 'd', 'd', 'e']", "equal rows of older files go, nulls by nulls");
	table.equality_count = 2;
	ok(!lk_sql_view_create(sql, "main", "t", &table, &err), "and by two: %s", err.message);
	holds(sql, "(SELECT list(v ORDER BY v, k) FROM main.t) = ['b', 'd', 'e']", "only of their partition");
	table.equality_count = 3;
	ok(!lk_sql_view_create(sql, "main", "t", &table, &err), "and by one that was dropped since: %s", err.message);
	holds(sql, "(SELECT list(v ORDER BY v, k) FROM main.t) = ['d', 'e']", "which the table no longer has");
	holds(sql, "(SELECT count(*) FROM (DESCRIBE main.t)) = 2", "and does not show");
	equality[2].entry.equality_ids = none;
	is_int(lk_sql_view_create(sql, "main", "t", &table, &err), LK_MISSING, "an unknown field is refused: %s", err.message);
	table.equality_count = 1;
	make_file(sql, paths[2], "SELECT 1 AS k", "k: 2");
	is_int(lk_sql_view_create(sql, "main", "t", &table, &err), LK_DATA, "and a file that lacks the id: %s", err.message);
	json_decref((json_t *)table.metadata);
	lk_sql_close(sql);
	for (int i = 0; i < 5; i++)
		unlink(paths[i]);
}

static void test_doors(const char *dir)
{
	char path[512], statement[700], scratch[512];
	struct lk_sql_options options = {.threads = 1, .scratch = scratch};
	struct lk_sql *sql = NULL;
	struct lk_error err = {0};

	/* DuckDB lets statements into its folder of temporary files, so what is closed is elsewhere. */
	snprintf(scratch, sizeof(scratch), "%s/scratch", dir);
	ok(!mkdir(scratch, 0700), "a folder to spill to");
	ok(!lk_sql_open(&sql, &options, &err), "DuckDB starts: %s", err.message);
	snprintf(path, sizeof(path), "%s/open.csv", dir);
	ok(!lk_file_create(path, 0600, "a\n1\n", 4, &err), "a file that is to be read");
	ok(!lk_sql_allow(sql, path, &err) && !lk_sql_lock(sql, &err), "the doors close: %s", err.message);
	snprintf(statement, sizeof(statement), "FROM read_csv('%s')", path);
	ok(!ask(sql, &err, statement), "a file that is allowed is read");
	is_int(ask(sql, &err, "FROM read_text('/etc/passwd')"), LK_NOPERM, "closed to other files");
	is_int(ask(sql, &err, "FROM '/etc/passwd.csv'"), LK_NOPERM, "closed to other files by name");
	is_int(ask(sql, &err, "FROM glob('/etc/*')"), LK_NOPERM, "closed to listings");
	snprintf(statement, sizeof(statement), "COPY (SELECT 1) TO '%s/new.csv'", dir);
	is_int(ask(sql, &err, statement), LK_NOPERM, "closed to new files");
	snprintf(statement, sizeof(statement), "ATTACH '%s/new.db'", dir);
	ok(ask(sql, &err, statement) != LK_OK, "closed to other databases");
	ok(ask(sql, &err, "SET enable_external_access = true") != LK_OK, "locked");
	ok(ask(sql, &err, "SET lock_configuration = false") != LK_OK, "for good");
	ok(ask(sql, &err, "SET allowed_directories = ['/']") != LK_OK, "and in every setting");
	ok(ask(sql, &err, "INSTALL httpfs") != LK_OK && ask(sql, &err, "LOAD httpfs") != LK_OK, "closed to extensions");
	lk_sql_close(sql);
	unlink(path);
	rmdir(scratch);
}

/* The names that a text is found to use, in order, each followed by a blank. */
static void names_of(struct lk_sql *sql, const char *text, struct lk_str *out)
{
	struct lk_script script;
	struct lk_error err = {0};

	if (lk_script_parse(&script, sql, text, NULL, &err))
		lk_str_addf(out, "%s", err.message);
	for (size_t i = 0; i < script.name_count; i++)
		lk_str_addf(out, "%s.%s.%s ", script.names[i].catalog, script.names[i].schema, script.names[i].table);
	lk_script_release(&script);
}

static void test_names(const char *dir)
{
	static const char *const cases[][2] = {
		{"select * from a join b.c using (x) where y in (select z from \"D e\")", "..a .b.c ..D e "},
		{"with a as (from a), b as (from a) from b, a", "..a "},
		{"with recursive t as (select 1 union all from t) from t", ""},
		{"from (with c as (select 1) from c), c", "..c "},
		{"describe x; summarize y.z; from range(3)", "..x .y.z "},
		{"select (select max(a) from p.q.r), exists (from A) from a", "p.q.r ..A "},
	};
	struct lk_sql_options options = {.threads = 1, .scratch = dir};
	struct lk_error err = {0};
	struct lk_sql *sql;

	ok(!lk_sql_open(&sql, &options, &err), "DuckDB starts: %s", err.message);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lk_str out = LK_STR_INIT;

		names_of(sql, cases[i][0], &out);
		is_text(lk_str_text(&out), cases[i][1], "tables of %s", cases[i][0]);
		lk_str_release(&out);
	}
	lk_sql_close(sql);
}

/* What the parse tree alone must refuse, or list as a table that no lake has. */
static void test_attacks(const char *dir)
{
	static const char *const attacks[] = {
		"copy people from '/etc/passwd'",
		"explain copy (select 1) to '/tmp/stolen.csv'",
		"explain (format json) copy (select 1) to '/tmp/stolen.csv'",
		"explain select 1; copy (select 1) to '/tmp/stolen.csv'",
		"attach '/tmp/new.db' as c",
		"load httpfs",
		"load '/tmp/evil.so'",
		"pragma database_list",
		"pragma enable_profiling",
		"set lock_configuration = false",
		"reset allowed_paths",
		"set variable x = 1",
		"call range(3)",
		"create view v as select 1",
		"create macro m(x) as x",
		"create secret (type s3)",
		"delete from people",
		"update people set id = 1",
		"truncate people",
		"drop view people",
		"use main",
		"begin",
		"prepare p as select 1",
		"vacuum",
		"checkpoint",
		"with x as (insert into people values (1) returning *) from x",
		"from \"/etc/passwd\"",
		"from main.\"/lake/q.parquet\"",
		"from 'https://example.org/x.csv'",
		"from 's3://bucket/x.parquet'",
		"with \"/etc/passwd\" as (from \"/etc/passwd\") from \"/etc/passwd\"",
		"from READ_TEXT('/etc/passwd')",
		"from \"read_text\"('/etc/passwd')",
		"from system.main.read_text('/etc/passwd')",
		"from read_csv('/etc/passwd')",
		"from read_csv_auto('/etc/passwd')",
		"from read_json('/etc/passwd')",
		"from read_ndjson_objects('/etc/passwd')",
		"from sniff_csv('/etc/passwd')",
		"from read_duckdb('/tmp/x.db')",
		"from parquet_scan(['/lake/q.parquet'])",
		"from parquet_metadata('/lake/q.parquet')",
		"from parquet_schema('/lake/q.parquet')",
		"from parquet_kv_metadata('/lake/q.parquet')",
		"from parquet_file_metadata('/lake/q.parquet')",
		"from parquet_bloom_probe('/lake/q.parquet', 'a', 1)",
		"from query('from read_text(''/etc/passwd'')')",
		"from query_table('/lake/q.parquet')",
		"select json_serialize_plan('from read_text(''/etc/passwd'')')",
		"from people where exists (from read_text('/etc/passwd'))",
		"from range(1) t(i), lateral (from read_text('/etc/passwd'))",
		"select list_transform([1], x -> (select content from read_text('/etc/passwd')))",
		"with t as (from read_text('/etc/passwd')) from t",
		"with recursive t as (select 1 union all from read_blob('/etc/passwd')) from t",
		"select 1 union all from read_text('/etc/passwd')",
		"select 1 order by (select content from read_text('/etc/passwd'))",
		"select 1 limit (select size from read_text('/etc/passwd'))",
		"summarize from read_text('/etc/passwd')",
		"describe from read_text('/etc/passwd')",
		"from (pivot read_text('/etc/passwd') on content in ('a') using count(*))",
		"from (unpivot read_text('/etc/passwd') on content)",
		"values ((select content from read_text('/etc/passwd')))",
		"select current_setting('allowed_paths')",
		"select getenv('HOME')",
		"select write_log('x')",
		"from duckdb_settings()",
		"from duckdb_secrets()",
		"from duckdb_views()",
		"from duckdb_tables",
		"from pg_catalog.pg_settings",
		"from sqlite_master",
		"from pragma_table_info('people')",
		"from arrow_scan(1::pointer, 2::pointer, 3::pointer)",
		"from seq_scan('people')",
		"from enable_logging()",
		"from force_checkpoint()",
		"from sql_auto_complete('x')",
		"from histogram('people', 'id')",
		"show databases",
		"show all tables",
	};
	struct lk_sql_options options = {.threads = 1, .scratch = dir};
	struct lk_error err = {0};
	struct lk_sql *sql;

	ok(!lk_sql_open(&sql, &options, &err), "DuckDB starts: %s", err.message);
	for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++) {
		struct lk_script script;
		enum lk_status status = lk_script_parse(&script, sql, attacks[i], NULL, &err);

		ok(status == LK_NOPERM || status == LK_DATA ||
				(!status && script.name_count == 1 && strcmp(script.names[0].table, "people")),
			"refused: %s", attacks[i]);
		lk_script_release(&script);
	}
	lk_sql_close(sql);
}

/* The library where the build has it, seen from build/t/unit or build/sanitize/t/unit. */
static void find_duckdb(void)
{
	static const char *const places[] = {"../../deps", "../../../deps"};
	char *dir = lk_program_dir(), path[1024];

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%s/%s/duckdb/libduckdb.so", dir, places[i]);
		if (!access(path, R_OK))
			setenv("LK_DUCKDB", path, 0);
	}
	free(dir);
}

int main(void)
{
	char dir[] = "/tmp/lk-unit-sql-XXXXXX";

	test_types();
	test_intervals();
	test_carry();
	test_nested();
	test_refusals();
	find_duckdb();
	ok(mkdtemp(dir) != NULL, "a folder");
	test_deletes(dir);
	test_equality(dir);
	test_ids(dir);
	test_renamed(dir);
	test_doors(dir);
	test_names(dir);
	test_attacks(dir);
	ok(!rmdir(dir), "nothing is left in it");
	return done();
}
