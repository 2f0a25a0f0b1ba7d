#include "sql/view.h"

#include <stdlib.h>
#include <string.h>

#include "sql/gone.h"
#include "sql/scan.h"

#define LISTED_ROWS 4000 /* of so many rows and files their places stand in the statement */
#define LISTED_FILES 200

/* SELECT of no rows, for a table without files. */
static enum lk_status add_empty(const struct lk_lake_table *t, struct lk_str *s, struct lk_error *err)
{
	struct lk_str name = LK_STR_INIT;
	enum lk_status status = LK_OK;

	lk_str_adds(s, "SELECT ");
	for (int i = 0; !status && i < t->column_count; i++) {
		lk_str_adds(s, i ? ", CAST(NULL AS " : "CAST(NULL AS ");
		status = lk_scan_add_type(t, &t->columns[i], s, err);
		lk_str_adds(s, ") AS ");
		lk_str_clear(&name);
		lk_scan_add_name(t, i, &name);
		lk_sql_add_identifier(s, lk_str_text(&name));
	}
	lk_str_release(&name);
	lk_str_adds(s, " WHERE false");
	return status;
}

/* ---- paths ---- */

/*
 * A path as the pattern that means it alone, for DuckDB takes every path for one: [a] * is [[]a] [*]. Without such characters it
 * is the path itself.
 */
static void add_pattern(struct lk_str *out, const char *path)
{
	bool has_pattern = path[strcspn(path, "*?[")];

	for (; *path; path++) {
		if (has_pattern && strchr("*?[\\", *path))
			lk_str_addf(out, "[%c]", *path);
		else
			lk_str_addc(out, *path);
	}
}

void lk_sql_add_path(struct lk_str *s, const char *path)
{
	struct lk_str pattern = LK_STR_INIT;

	add_pattern(&pattern, path);
	lk_sql_add_literal(s, lk_str_text(&pattern));
	lk_str_release(&pattern);
}

/* ---- rows ---- */

/* How a table's rows are wanted. */
struct want {
	struct lk_sql *sql;
	bool places;  /* with the columns lk_path and lk_pos, where each row stands */
	bool session; /* within this session, and nowhere else */
	const char *numbered; /* columns as scans call them, with f and pos, of rows for which this holds; NULL: as the table calls them */
};

struct rows {
	const struct want *want;
	struct lk_file_scan scan;
	struct lk_gone gone;
	char function[LK_GONE_NAME]; /* which tells what is gone by position; "": a join does */
	bool *only;		     /* files of the part at hand */
};

/* c0 AS "id", c1 AS "name", ... */
static void add_selection(const struct rows *r, struct lk_str *s)
{
	const struct lk_lake_table *t = r->scan.table;
	struct lk_str name = LK_STR_INIT;

	lk_str_adds(s, r->want->numbered ? "SELECT l.*" : "SELECT ");
	for (int i = 0; i < t->column_count && !r->want->numbered; i++) {
		lk_str_clear(&name);
		lk_scan_add_name(t, i, &name);
		lk_str_addf(s, "%sl.c%d AS ", i ? ", " : "", i);
		lk_sql_add_identifier(s, lk_str_text(&name));
	}
	lk_str_adds(s, r->want->places ? ", l.path AS lk_path, l.pos AS lk_pos" : "");
	lk_str_release(&name);
}

/* The live rows of the files that are set in r->only. */
static enum lk_status add_part(struct rows *r, bool by_position, bool by_value, struct lk_str *s, struct lk_error *err)
{
	add_selection(r, s);
	lk_str_adds(s, " FROM (");
	LK_TRY(lk_scan_add(&r->scan, r->only, s, err));
	lk_str_adds(s, ") l");
	if (by_position && !*r->function) {
		lk_str_adds(s, " ANTI JOIN ");
		lk_gone_add_places(&r->gone, s);
		lk_str_adds(s, " g ON l.f = g.f AND l.pos = g.pos");
	}
	if (by_value)
		LK_TRY(lk_gone_add_joins(&r->gone, &r->scan, r->want->sql, s, err));
	lk_str_addf(s, " WHERE %s", r->want->numbered ? r->want->numbered : "true");
	if (by_position && *r->function)
		lk_str_addf(s, " AND NOT %s(l.f, l.pos)", r->function);
	return LK_OK;
}

/* Files that deletes are joined with by themselves, so that what footers of the others say still spares reading them. */
static enum lk_status add_parts(struct rows *r, struct lk_str *s, struct lk_error *err)
{
	bool joined = r->gone.by_position_count && !*r->function, first = true;

	for (int part = 0; part < 4; part++) {
		bool by_position = part & 1, by_value = part & 2;
		int count = 0;

		for (int i = 0; i < r->scan.table->file_count; i++) {
			r->only[i] = r->gone.by_value[i] == by_value && (!joined ? !by_position : r->gone.by_position[i] == by_position);
			count += r->only[i];
		}
		if (!count)
			continue;
		lk_str_adds(s, first ? "" : " UNION ALL ");
		LK_TRY(add_part(r, by_position || *r->function, by_value, s, err));
		first = false;
	}
	return LK_OK;
}

/* All files in one read, under the names of the columns. */
static enum lk_status add_plain(const struct rows *r, struct lk_str *s, struct lk_error *err)
{
	lk_str_adds(s, "FROM read_parquet(");
	lk_scan_add_paths(&r->scan, r->scan.groups->files, r->scan.groups->file_count, true, s);
	lk_str_adds(s, ", hive_partitioning = false, can_have_nan = true, schema = ");
	LK_TRY(lk_scan_add_schema(&r->scan, false, s, err));
	lk_str_addc(s, ')');
	return LK_OK;
}

static enum lk_status add_table(struct rows *r, struct lk_str *s, struct lk_error *err)
{
	const struct lk_lake_table *t = r->scan.table;

	LK_TRY(lk_gone_init(&r->gone, t, err));
	if (!r->want->places && !r->want->numbered && lk_scan_is_plain(&r->scan) && !r->gone.by_position_count && !r->gone.by_value_count &&
		r->scan.column_count == t->column_count)
		return add_plain(r, s, err);
	if (r->want->session && r->gone.by_position_count)
		LK_TRY(lk_gone_register(&r->gone, r->want->sql, r->function, err));
	return add_parts(r, s, err);
}

static enum lk_status add_rows(const struct want *want, const struct lk_lake_table *t, struct lk_str *s, struct lk_error *err)
{
	struct rows r = {.want = want};
	enum lk_status status = lk_scan_init(&r.scan, want->sql, t, err);

	if (want->session && want->sql)
		r.scan.nothing = want->sql->nothing.path;
	r.only = calloc((size_t)t->file_count + 1, sizeof(bool));
	if (!status && !r.only)
		status = lk_error_nomem(err);
	if (!status)
		status = t->file_count ? add_table(&r, s, err) : add_empty(t, s, err);
	lk_scan_release(&r.scan);
	lk_gone_release(&r.gone);
	free(r.only);
	return status;
}

enum lk_status lk_sql_add_places(struct lk_sql *sql, const struct lk_lake_table *table, struct lk_str *out, struct lk_error *err)
{
	struct want want = {sql, .places = true};

	return add_rows(&want, table, out, err);
}

enum lk_status lk_sql_add_numbered(struct lk_sql *sql, const struct lk_lake_table *table, const char *where, struct lk_str *out,
	struct lk_error *err)
{
	struct want want = {sql, .session = true, .numbered = where};

	return add_rows(&want, table, out, err);
}

enum lk_status lk_sql_add_rows(struct lk_sql *sql, const struct lk_lake_table *table, struct lk_str *out, struct lk_error *err)
{
	struct want want = {sql};

	return add_rows(&want, table, out, err);
}

/* ---- rows that are meant ---- */

/* DuckDB opens only the row groups, and decodes only the vectors, in which such places lie. */
static enum lk_status add_listed(struct rows *r, const struct lk_row_bits *bits, int file, struct lk_str *s, struct lk_error *err)
{
	bool first = true;

	memset(r->only, 0, (size_t)bits->count * sizeof(*r->only));
	r->only[file] = true;
	add_selection(r, s);
	lk_str_adds(s, " FROM (");
	LK_TRY(lk_scan_add(&r->scan, r->only, s, err));
	lk_str_adds(s, ") l WHERE l.pos IN (");
	for (int64_t i = 0; i < bits->rows[file]; i++) {
		if (!bits->of_file[file][i / 64]) {
			i |= 63;
		} else if (bits->of_file[file][i / 64] >> (i % 64) & 1) {
			lk_str_addf(s, "%s%lld", first ? "" : ", ", (long long)i);
			first = false;
		}
	}
	lk_str_addc(s, ')');
	return LK_OK;
}

/* Of many, all rows of their files are looked at. */
static enum lk_status add_marked(struct rows *r, struct lk_row_bits *bits, struct lk_str *s, struct lk_error *err)
{
	LK_TRY(lk_row_bits_register(bits, r->want->sql, r->function, err));
	add_selection(r, s);
	lk_str_adds(s, " FROM (");
	LK_TRY(lk_scan_add(&r->scan, r->only, s, err));
	lk_str_addf(s, ") l WHERE %s(l.f, l.pos)", r->function);
	return LK_OK;
}

/* *bits is NULL once they are taken over. */
static enum lk_status add_meant(struct rows *r, struct lk_row_bits **bits, struct lk_str *s, struct lk_error *err)
{
	struct lk_row_bits *b = *bits;
	int64_t rows = 0, files = 0;
	bool first = true;

	for (int i = 0; i < b->count; i++) {
		int64_t count = lk_row_bits_count(b, i);

		r->only[i] = count > 0;
		files += count > 0;
		rows += count;
	}
	if (!files)
		return add_empty(r->scan.table, s, err);
	if (rows > LISTED_ROWS || files > LISTED_FILES) {
		*bits = NULL;
		return add_marked(r, b, s, err);
	}
	for (int i = 0; i < b->count; i++) {
		if (!lk_row_bits_count(b, i))
			continue;
		lk_str_adds(s, first ? "" : " UNION ALL ");
		LK_TRY(add_listed(r, b, i, s, err));
		first = false;
	}
	return LK_OK;
}

static enum lk_status add_rows_of(struct lk_sql *sql, const struct lk_lake_table *t, struct lk_row_bits **bits, struct lk_str *s,
	struct lk_error *err)
{
	struct want want = {sql, .session = true};
	struct rows r = {.want = &want};
	enum lk_status status = lk_scan_init(&r.scan, sql, t, err);

	r.scan.nothing = sql->nothing.path;
	r.only = calloc((size_t)t->file_count + 1, sizeof(bool));
	if (!status && !r.only)
		status = lk_error_nomem(err);
	if (!status)
		status = add_meant(&r, bits, s, err);
	lk_scan_release(&r.scan);
	free(r.only);
	return status;
}

/* ---- the view ---- */

static void add_create(struct lk_str *s, const char *schema, const char *name)
{
	lk_str_adds(s, "CREATE SCHEMA IF NOT EXISTS ");
	lk_sql_add_identifier(s, schema);
	lk_str_adds(s, "; CREATE OR REPLACE VIEW ");
	lk_sql_add_identifier(s, schema);
	lk_str_addc(s, '.');
	lk_sql_add_identifier(s, name);
	lk_str_adds(s, " AS ");
}

/* DuckDB asks for the pattern, and then for the file that it found. */
static enum lk_status allow_file(struct lk_sql *sql, const char *path, struct lk_error *err)
{
	struct lk_str pattern = LK_STR_INIT;
	enum lk_status status = lk_sql_allow(sql, path, err);

	add_pattern(&pattern, path);
	if (!status && strcmp(lk_str_text(&pattern), path))
		status = lk_sql_allow(sql, lk_str_text(&pattern), err);
	lk_str_release(&pattern);
	return status;
}

static enum lk_status allow_files(struct lk_sql *sql, const struct lk_lake_table *t, struct lk_error *err)
{
	for (int i = 0; i < t->file_count; i++)
		LK_TRY(allow_file(sql, t->files[i].path, err));
	for (int i = 0; i < t->deletes_count; i++)
		LK_TRY(allow_file(sql, t->deletes[i].path, err));
	for (int i = 0; i < t->equality_count; i++)
		LK_TRY(allow_file(sql, t->equality[i].path, err));
	return LK_OK;
}

static enum lk_status create(struct lk_sql *sql, const struct lk_lake_table *t, const struct lk_str *s, struct lk_error *err)
{
	LK_TRY(lk_str_check(s, err));
	LK_TRY(allow_files(sql, t, err));
	if (lk_sql_run(sql, s->data, err))
		return lk_error_prefix(err, "table '%s.%s'", t->namespace_name, t->name);
	return LK_OK;
}

enum lk_status lk_sql_view_create(struct lk_sql *sql, const char *schema, const char *name, const struct lk_lake_table *t,
	struct lk_error *err)
{
	struct want want = {sql, .session = true};
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	add_create(&s, schema, name);
	status = add_rows(&want, t, &s, err);
	if (!status)
		status = create(sql, t, &s, err);
	lk_str_release(&s);
	return status;
}

enum lk_status lk_sql_view_create_of(struct lk_sql *sql, const char *schema, const char *name, const struct lk_lake_table *t,
	struct lk_row_bits *bits, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	add_create(&s, schema, name);
	status = add_rows_of(sql, t, &bits, &s, err);
	if (!status)
		status = create(sql, t, &s, err);
	lk_row_bits_free(bits);
	lk_str_release(&s);
	return status;
}
