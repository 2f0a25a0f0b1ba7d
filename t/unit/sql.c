/* Units of lib/sql: DuckDB behind closed doors, types, intervals, what is carried over. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
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

static void test_deletes(void)
{
	struct lk_lake_column column = {.id = 1, .name = "a", .type = "long"};
	struct lk_lake_table table = {.namespace_name = "main", .name = "t", .columns = &column, .column_count = 1,
		.delete_file_count = 2};
	struct lk_error err = {0};

	is_int(lk_sql_view_create(NULL, "main", "t", &table, &err), LK_DATA, "row-level deletes are refused");
	ok(strstr(err.message, "'main.t' has row-level deletes (2 files)") != NULL, "with the table's name");
}

/* Asks DuckDB directly, past the check of the parse tree. */
static enum lk_status ask(struct lk_sql *sql, struct lk_error *err, const char *statement)
{
	return lk_sql_run(sql, statement, err);
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
	test_deletes();
	find_duckdb();
	ok(mkdtemp(dir) != NULL, "a folder");
	test_doors(dir);
	test_names(dir);
	ok(!rmdir(dir), "nothing is left in it");
	return done();
}
