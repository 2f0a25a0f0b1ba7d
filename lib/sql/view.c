#include "sql/view.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add_type(json_t *type, struct lk_str *out);

static bool add_primitive(const char *type, struct lk_str *out)
{
	static const char *const types[][2] = {
		{"boolean", "BOOLEAN"}, {"int", "INTEGER"}, {"long", "BIGINT"}, {"float", "FLOAT"}, {"double", "DOUBLE"},
		{"date", "DATE"}, {"time", "TIME"}, {"timestamp", "TIMESTAMP"}, {"timestamptz", "TIMESTAMPTZ"},
		{"timestamp_ns", "TIMESTAMP_NS"}, {"string", "VARCHAR"}, {"uuid", "UUID"}, {"binary", "BLOB"},
	};
	int precision, scale, length;
	char end;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(type, types[i][0])) {
			lk_str_adds(out, types[i][1]);
			return true;
		}
	if (sscanf(type, "decimal( %d , %d %c", &precision, &scale, &end) == 3 && end == ')') {
		lk_str_addf(out, "DECIMAL(%d,%d)", precision, scale);
		return true;
	}
	if (sscanf(type, "fixed[ %d %c", &length, &end) == 2 && end == ']') {
		lk_str_adds(out, "BLOB");
		return true;
	}
	return false;
}

static bool add_struct(json_t *type, struct lk_str *out)
{
	json_t *fields = json_object_get(type, "fields"), *field;
	size_t i;

	if (!json_array_size(fields))
		return false;
	lk_str_adds(out, "STRUCT(");
	json_array_foreach(fields, i, field) {
		const char *name = json_string_value(json_object_get(field, "name"));

		if (!name)
			return false;
		lk_str_adds(out, i ? ", " : "");
		lk_sql_add_identifier(out, name);
		lk_str_addc(out, ' ');
		if (!add_type(json_object_get(field, "type"), out))
			return false;
	}
	lk_str_addc(out, ')');
	return true;
}

static bool add_type(json_t *type, struct lk_str *out)
{
	const char *kind = json_string_value(json_object_get(type, "type"));
	bool known = true;

	if (json_is_string(type))
		return add_primitive(json_string_value(type), out);
	if (!kind)
		return false;
	if (!strcmp(kind, "struct"))
		return add_struct(type, out);
	if (!strcmp(kind, "list")) {
		known = add_type(json_object_get(type, "element"), out);
		lk_str_adds(out, "[]");
		return known;
	}
	if (strcmp(kind, "map"))
		return false;
	lk_str_adds(out, "MAP(");
	known = add_type(json_object_get(type, "key"), out);
	lk_str_adds(out, ", ");
	known = known && add_type(json_object_get(type, "value"), out);
	lk_str_addc(out, ')');
	return known;
}

bool lk_sql_iceberg_type(const char *type, struct lk_str *out)
{
	json_t *json;
	bool known;

	if (*type != '{')
		return add_primitive(type, out);
	json = json_loads(type, 0, NULL);
	known = add_type(json, out);
	json_decref(json);
	return known;
}

static enum lk_status add_column_type(const struct lk_lake_table *t, const struct lk_lake_column *c, struct lk_str *out,
	struct lk_error *err)
{
	if (lk_sql_iceberg_type(c->type, out))
		return LK_OK;
	return lk_error_set(err, LK_DATA, "table '%s.%s', column %s: type %s cannot be read here", t->namespace_name, t->name,
		c->name, c->type);
}

/* Columns that differ in letter case alone are one name to SQL: the second is called NAME_1. */
static void add_column_name(const struct lk_lake_table *t, int column, struct lk_str *out)
{
	int same = 0;

	for (int i = 0; i < column; i++)
		same += !strcasecmp(t->columns[i].name, t->columns[column].name);
	lk_str_adds(out, t->columns[column].name);
	if (same)
		lk_str_addf(out, "_%d", same);
}

/* SELECT of no rows, for a table without files. */
static enum lk_status add_empty(const struct lk_lake_table *t, struct lk_str *s, struct lk_error *err)
{
	struct lk_str name = LK_STR_INIT;
	enum lk_status status = LK_OK;

	lk_str_adds(s, "SELECT ");
	for (int i = 0; !status && i < t->column_count; i++) {
		lk_str_adds(s, i ? ", CAST(NULL AS " : "CAST(NULL AS ");
		status = add_column_type(t, &t->columns[i], s, err);
		lk_str_adds(s, ") AS ");
		lk_str_clear(&name);
		add_column_name(t, i, &name);
		lk_sql_add_identifier(s, lk_str_text(&name));
	}
	lk_str_release(&name);
	lk_str_adds(s, " WHERE false");
	return status;
}

/* MAP {1: {name: 'a', type: 'BIGINT', default_value: NULL}, ...}. numbered: the columns are called c0, c1, ..., so that what DuckDB
 * tells of a file's rows (filename, file_row_number) is not hidden by a column of that name. */
static enum lk_status add_schema(const struct lk_lake_table *t, bool numbered, struct lk_str *s, struct lk_error *err)
{
	struct lk_str type = LK_STR_INIT, name = LK_STR_INIT;
	enum lk_status status = LK_OK;

	lk_str_adds(s, "MAP {");
	for (int i = 0; !status && i < t->column_count; i++) {
		lk_str_clear(&type);
		lk_str_clear(&name);
		status = add_column_type(t, &t->columns[i], &type, err);
		if (numbered)
			lk_str_addf(&name, "c%d", i);
		else
			add_column_name(t, i, &name);
		lk_str_addf(s, "%s%d: {name: ", i ? ", " : "", t->columns[i].id);
		lk_sql_add_literal(s, lk_str_text(&name));
		lk_str_adds(s, ", type: ");
		lk_sql_add_literal(s, lk_str_text(&type));
		lk_str_adds(s, ", default_value: NULL}");
	}
	lk_str_addc(s, '}');
	lk_str_release(&type);
	lk_str_release(&name);
	return status;
}

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

/* Adds 'a.parquet' to a list that is open. */
static void add_path(const char *path, bool *first, struct lk_str *s)
{
	lk_str_adds(s, *first ? "" : ", ");
	lk_sql_add_path(s, path);
	*first = false;
}

/* What a view by field id would read wrong in silence. */
static enum lk_status check_readable(const struct lk_lake_table *t, struct lk_error *err)
{
	if (t->equality_count)
		return lk_error_set(err, LK_DATA, "table '%s.%s' has equality deletes (%d files), which lk does not apply; "
			"compact it with the engine that wrote them", t->namespace_name, t->name, t->equality_count);
	if (!t->column_count)
		return lk_error_set(err, LK_DATA, "table '%s.%s' has no columns", t->namespace_name, t->name);
	if (!t->nested_same)
		return lk_error_set(err, LK_DATA, "table '%s.%s' has renamed fields inside of columns, which cannot be read yet",
			t->namespace_name, t->name);
	return LK_OK;
}

/* Which of a table's data files are meant. */
enum files { ALL_FILES, FILES_WITH_DELETES, FILES_WITHOUT };

static int by_referenced(const void *a, const void *b)
{
	const struct lk_lake_deletes *x = *(const struct lk_lake_deletes *const *)a, *y = *(const struct lk_lake_deletes *const *)b;
	int order = strcmp(x->referenced, y->referenced);

	return order ? order : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* The youngest of those that are about the file; NULL when none is. sorted: by_referenced. */
static const struct lk_lake_deletes *find_referenced(const struct lk_lake_deletes **sorted, size_t count, const char *uri)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(sorted[middle]->referenced, uri) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low && !strcmp(sorted[low - 1]->referenced, uri) ? sorted[low - 1] : NULL;
}

/* Says of each data file whether a file of deletes may be about it; sorted has room for all of those. Returns how many there are. */
static int mark_deletes(const struct lk_lake_table *t, const struct lk_lake_deletes **sorted, bool *with)
{
	int64_t of_any = INT64_MIN;
	size_t count = 0;
	int marked = 0;

	for (int i = 0; i < t->deletes_count; i++) {
		const struct lk_lake_deletes *d = &t->deletes[i];

		if (d->referenced)
			sorted[count++] = d;
		else if (d->sequence > of_any)
			of_any = d->sequence;
	}
	qsort(sorted, count, sizeof(struct lk_lake_deletes *), by_referenced);
	for (int i = 0; i < t->file_count; i++) {
		const struct lk_lake_file *f = &t->files[i];
		const struct lk_lake_deletes *d = find_referenced(sorted, count, f->uri);

		with[i] = f->sequence <= of_any || (d && f->sequence <= d->sequence);
		marked += with[i];
	}
	return marked;
}

/* with: as mark_deletes says; not looked at for ALL_FILES. */
static bool is_meant(const bool *with, int file, enum files which)
{
	return which == ALL_FILES || with[file] == (which == FILES_WITH_DELETES);
}

/* ['a.parquet', 'b.parquet'] */
static void add_file_list(const struct lk_lake_table *t, const bool *with, enum files which, struct lk_str *s)
{
	bool first = true;

	lk_str_addc(s, '[');
	for (int i = 0; i < t->file_count; i++)
		if (is_meant(with, i, which))
			add_path(t->files[i].path, &first, s);
	lk_str_addc(s, ']');
}

static enum lk_status add_files(const struct lk_lake_table *t, const bool *with, enum files which, bool numbered,
	struct lk_str *s, struct lk_error *err)
{
	lk_str_adds(s, "FROM read_parquet(");
	add_file_list(t, with, which, s);
	lk_str_adds(s, ", hive_partitioning = false, schema = ");
	LK_TRY(add_schema(t, numbered, s, err));
	lk_str_addc(s, ')');
	return LK_OK;
}

/* ---- rows that are deleted ---- */

/* The rows of the files of position deletes, with the sequence number of their file. */
static void add_delete_rows(const struct lk_lake_table *t, struct lk_str *s)
{
	bool first = true;

	lk_str_adds(s, "(SELECT uri, pos, seq FROM (SELECT uri, pos, filename AS f FROM read_parquet([");
	for (int i = 0; i < t->deletes_count; i++)
		add_path(t->deletes[i].path, &first, s);
	lk_str_adds(s, "], hive_partitioning = false, schema = MAP {"
		"2147483546: {name: 'uri', type: 'VARCHAR', default_value: NULL}, "
		"2147483545: {name: 'pos', type: 'BIGINT', default_value: NULL}})) r JOIN (VALUES ");
	for (int i = 0; i < t->deletes_count; i++) {
		lk_str_adds(s, i ? ", (" : "(");
		lk_sql_add_literal(s, t->deletes[i].path);
		lk_str_addf(s, ", %lld)", (long long)t->deletes[i].sequence);
	}
	lk_str_adds(s, ") AS v(f, seq) USING (f))");
}

/* The places of deleted rows: f, a path as DuckDB names it, and pos. A delete names a data file by the very text that the
 * manifest has, and is about files that are not younger than itself ("Scan Planning"). */
static void add_deleted_places(const struct lk_lake_table *t, const bool *with, struct lk_str *s)
{
	bool first = true;

	lk_str_adds(s, "(SELECT f, pos FROM ");
	add_delete_rows(t, s);
	lk_str_adds(s, " d JOIN (VALUES ");
	for (int i = 0; i < t->file_count; i++) {
		const struct lk_lake_file *file = &t->files[i];

		if (!is_meant(with, i, FILES_WITH_DELETES))
			continue;
		lk_str_adds(s, first ? "(" : ", (");
		lk_sql_add_literal(s, file->uri);
		lk_str_adds(s, ", ");
		lk_sql_add_literal(s, file->path);
		lk_str_addf(s, ", %lld)", (long long)file->sequence);
		first = false;
	}
	lk_str_adds(s, ") AS w(uri, f, seq) ON w.uri = coalesce(d.uri, error('a file of position deletes lacks the field ids of its"
		       " columns')) AND w.seq <= d.seq)");
}

/* c0 AS "id", c1 AS "name", ... */
static void add_selection(const struct lk_lake_table *t, struct lk_str *s)
{
	struct lk_str name = LK_STR_INIT;

	for (int i = 0; i < t->column_count; i++) {
		lk_str_clear(&name);
		add_column_name(t, i, &name);
		lk_str_addf(s, "%sc%d AS ", i ? ", " : "", i);
		lk_sql_add_identifier(s, lk_str_text(&name));
	}
	lk_str_release(&name);
}

/* The rows that live in these files. place: with the columns lk_path and lk_pos, where each stands. */
static enum lk_status add_live_rows(const struct lk_lake_table *t, const bool *with, enum files which, bool place,
	struct lk_str *s, struct lk_error *err)
{
	lk_str_adds(s, "SELECT ");
	add_selection(t, s);
	lk_str_adds(s, place ? ", f AS lk_path, pos AS lk_pos" : "");
	lk_str_adds(s, " FROM (SELECT *, filename AS f, file_row_number AS pos ");
	LK_TRY(add_files(t, with, which, true, s, err));
	lk_str_adds(s, ") l");
	if (which == FILES_WITH_DELETES) {
		lk_str_adds(s, " ANTI JOIN ");
		add_deleted_places(t, with, s);
		lk_str_adds(s, " g ON l.f = g.f AND l.pos = g.pos");
	}
	return LK_OK;
}

/* Those without deletes by themselves, so that what their footers say still spares reading them. */
static enum lk_status add_parts(const struct lk_lake_table *t, const bool *with, int with_count, bool place, struct lk_str *s,
	struct lk_error *err)
{
	if (with_count)
		LK_TRY(add_live_rows(t, with, FILES_WITH_DELETES, place, s, err));
	if (with_count && with_count < t->file_count)
		lk_str_adds(s, " UNION ALL ");
	return with_count < t->file_count ? add_live_rows(t, with, FILES_WITHOUT, place, s, err) : LK_OK;
}

/* A table that has files. */
static enum lk_status add_live_table(const struct lk_lake_table *t, bool place, struct lk_str *s, struct lk_error *err)
{
	const struct lk_lake_deletes **sorted = calloc((size_t)t->deletes_count + 1, sizeof(*sorted));
	bool *with = calloc((size_t)t->file_count + 1, sizeof(*with));
	enum lk_status status;

	if (sorted && with)
		status = add_parts(t, with, mark_deletes(t, sorted, with), place, s, err);
	else
		status = lk_error_nomem(err);
	free(with);
	free(sorted);
	return status;
}

enum lk_status lk_sql_add_places(const struct lk_lake_table *table, struct lk_str *out, struct lk_error *err)
{
	LK_TRY(check_readable(table, err));
	return add_live_table(table, true, out, err);
}

/* ---- the view ---- */

static enum lk_status add_view(const char *schema, const char *name, const struct lk_lake_table *t, struct lk_str *s,
	struct lk_error *err)
{
	lk_str_adds(s, "CREATE SCHEMA IF NOT EXISTS ");
	lk_sql_add_identifier(s, schema);
	lk_str_adds(s, "; CREATE OR REPLACE VIEW ");
	lk_sql_add_identifier(s, schema);
	lk_str_addc(s, '.');
	lk_sql_add_identifier(s, name);
	lk_str_adds(s, " AS ");
	if (!t->file_count)
		LK_TRY(add_empty(t, s, err));
	else if (t->deletes_count)
		LK_TRY(add_live_table(t, false, s, err));
	else
		LK_TRY(add_files(t, NULL, ALL_FILES, false, s, err));
	return lk_str_check(s, err);
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

/* Where a table has a name mapping, its files may lack field ids, and all their columns would be null. */
static enum lk_status check_ids(struct lk_sql *sql, const struct lk_lake_table *t, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	if (!t->name_mapping || !t->file_count)
		return LK_OK;
	lk_str_adds(&s, "SELECT error('''' || file_name || ''' has no field ids, and cannot be read yet') FROM parquet_schema(");
	add_file_list(t, NULL, ALL_FILES, &s);
	lk_str_adds(&s, ") GROUP BY file_name HAVING count(field_id) = 0");
	status = lk_str_check(&s, err);
	if (!status && (status = lk_sql_run(sql, s.data, err)))
		lk_error_prefix(err, "table '%s.%s'", t->namespace_name, t->name);
	lk_str_release(&s);
	return status;
}

enum lk_status lk_sql_view_create(struct lk_sql *sql, const char *schema, const char *name, const struct lk_lake_table *t,
	struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(check_readable(t, err));
	LK_TRY(check_ids(sql, t, err));
	status = add_view(schema, name, t, &s, err);
	for (int i = 0; !status && i < t->file_count; i++)
		status = allow_file(sql, t->files[i].path, err);
	for (int i = 0; !status && i < t->deletes_count; i++)
		status = allow_file(sql, t->deletes[i].path, err);
	if (!status && (status = lk_sql_run(sql, s.data, err)))
		lk_error_prefix(err, "table '%s.%s'", t->namespace_name, t->name);
	lk_str_release(&s);
	return status;
}
