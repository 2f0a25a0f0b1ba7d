#include <stdlib.h>
#include <string.h>

#include "lake/deletes.h"
#include "sql/view.h"
#include "stream/build.h"
#include "tend/copy_files.h"

/* The rows of a file of deletes; the names in it are told by their field ids. */
static void add_rows(struct lk_str *s, const char *path)
{
	lk_str_adds(s, " FROM read_parquet(");
	lk_sql_add_path(s, path);
	lk_str_adds(s, ", hive_partitioning = false, schema = MAP {"
		"2147483546: {name: 'uri', type: 'VARCHAR', default_value: NULL}, "
		"2147483545: {name: 'pos', type: 'BIGINT', default_value: NULL}})");
}

/* Makes the table lk_moved of each location that the file names, and what it becomes. */
static enum lk_status add_names(struct lk_copy *c, struct lk_duckdb_result *names, struct lk_str *s, struct lk_error *err)
{
	struct lk_duckdb *d = &c->places.sql->duckdb;
	uint64_t count = d->row_count(names);
	const char *mapped;

	lk_str_adds(s, "CREATE OR REPLACE TEMP TABLE lk_moved AS SELECT * FROM (VALUES ");
	for (uint64_t row = 0; row < count; row++) {
		char *uri = d->value_varchar(names, 0, row);
		enum lk_status status;

		if (!uri)
			return lk_error_set(err, LK_DATA, "a file of position deletes has a row without a file");
		status = lk_copy_map(c, uri, &mapped, err);
		lk_str_adds(s, row ? ", (" : "(");
		lk_sql_add_literal(s, uri);
		d->free(uri);
		LK_TRY(status);
		lk_str_adds(s, ", ");
		lk_sql_add_literal(s, mapped);
		lk_str_addc(s, ')');
	}
	if (!count)
		lk_str_adds(s, "('', '')");
	lk_str_adds(s, ") AS m(uri, moved)");
	return lk_str_check(s, err);
}

static enum lk_status map_names(struct lk_copy *c, const char *from, struct lk_error *err)
{
	struct lk_duckdb_result names;
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	lk_str_adds(&s, "SELECT DISTINCT uri");
	add_rows(&s, from);
	status = lk_str_check(&s, err);
	if (!status) {
		status = lk_places_ask(&c->places, s.data, &names, err);
		lk_str_clear(&s);
		if (!status)
			status = add_names(c, &names, &s, err);
		c->places.sql->duckdb.destroy_result(&names);
	}
	if (!status)
		status = lk_sql_run(c->places.sql, s.data, err);
	lk_str_release(&s);
	return status;
}

static enum lk_status write_rows(struct lk_result *rows, struct lk_parquet *to, struct lk_error *err)
{
	static const int source[] = {0, 1};
	const struct ArrowArrayView *view;
	enum lk_next next;

	while ((next = lk_result_next(rows, &view, err)) == LK_NEXT_BATCH)
		LK_TRY(lk_parquet_write(to, view, source, err));
	return next == LK_NEXT_END ? LK_OK : err->status;
}

static enum lk_status write_file(struct lk_copy *c, const char *from, const char *to, mode_t mode, struct lk_file_metrics *metrics,
	struct lk_error *err)
{
	struct lk_parquet *writer = NULL;
	struct lk_result *rows = NULL;
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	lk_str_adds(&s, "SELECT m.moved AS file_path, d.pos AS pos FROM (SELECT uri, pos");
	add_rows(&s, from);
	lk_str_adds(&s, ") d JOIN lk_moved m USING (uri) ORDER BY encode(m.moved), d.pos");
	status = lk_str_check(&s, err);
	if (!status)
		status = lk_result_select(&rows, c->places.sql, s.data, true, err);
	if (!status)
		status = lk_parquet_create(&writer, to, mode, lk_delete_columns, 2, NULL, err);
	if (!status)
		status = write_rows(rows, writer, err);
	if (!status)
		status = lk_parquet_close(writer, metrics, err);
	else
		lk_parquet_abandon(writer);
	lk_result_close(rows);
	lk_str_release(&s);
	return status;
}

enum lk_status lk_copy_deletes(struct lk_copy *c, const char *from, const char *to, struct lk_file_metrics *metrics,
	struct lk_error *err)
{
	struct stat st;

	LK_TRY(lk_places_open(&c->places, err));
	if (stat(from, &st))
		return lk_error_sys(err, LK_NOINPUT, "cannot open '%s'", from);
	LK_TRY(map_names(c, from, err));
	return write_file(c, from, to, st.st_mode & 0777, metrics, err);
}
