#include "sql/scan.h"

#include <stdlib.h>
#include <string.h>

#include "sql/view.h"

#define LARGE_ROWS 200000 /* of a file that may have several row groups */

/* ---- what can be read ---- */

static enum lk_status check_file(const struct lk_lake_table *t, const struct lk_data_file *file, const char *what, struct lk_error *err)
{
	if (file->format && strcasecmp(file->format, "parquet") != 0)
		return lk_error_set(err, LK_MISSING, "table '%s.%s': the %s '%s' is in the format %s, which lk does not read", t->namespace_name,
			t->name, what, file->uri, file->format);
	if (file->key_metadata.len)
		return lk_error_set(err, LK_MISSING, "table '%s.%s': the %s '%s' is encrypted, which lk does not read", t->namespace_name,
			t->name, what, file->uri);
	return LK_OK;
}

static enum lk_status check_readable(const struct lk_lake_table *t, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;

	if (!t->column_count)
		return lk_error_set(err, LK_DATA, "table '%s.%s' has no columns", t->namespace_name, t->name);
	for (int i = 0; i < t->file_count; i++)
		LK_TRY(check_file(t, &t->files[i].entry, "data file", err));
	for (int i = 0; i < t->deletes_count; i++)
		LK_TRY(check_file(t, &t->deletes[i].entry, "file of deletes", err));
	for (int i = 0; i < t->equality_count; i++)
		LK_TRY(check_file(t, &t->equality[i].entry, "file of deletes", err));
	for (int i = 0; i < t->column_count; i++) {
		const struct lk_lake_column *c = &t->columns[i];
		bool known = lk_sql_add_default(&s, c) && !strstr(c->type, "\"initial-default\"");

		lk_str_release(&s);
		if (!known)
			return lk_error_set(err, LK_MISSING, "table '%s.%s', column %s: its initial default cannot be read here",
				t->namespace_name, t->name, c->name);
	}
	return LK_OK;
}

enum lk_status lk_scan_add_type(const struct lk_lake_table *t, const struct lk_lake_column *c, struct lk_str *out, struct lk_error *err)
{
	if (lk_sql_iceberg_type(c->type, out))
		return LK_OK;
	return lk_error_set(err, LK_MISSING, "table '%s.%s', column %s: type %s cannot be read here", t->namespace_name, t->name, c->name,
		c->type);
}

void lk_scan_add_name(const struct lk_lake_table *t, int column, struct lk_str *out)
{
	int same = 0;

	for (int i = 0; i < column; i++)
		same += !strcasecmp(t->columns[i].name, t->columns[column].name);
	lk_str_adds(out, t->columns[column].name);
	if (same)
		lk_str_addf(out, "_%d", same);
}

/* ---- files and columns ---- */

static enum lk_status one_group(struct lk_file_scan *scan, struct lk_error *err)
{
	const struct lk_lake_table *t = scan->table;
	struct lk_scan_group *g;

	if (!t->file_count)
		return LK_OK;
	if (!lk_grow((void **)&scan->groups, &scan->group_cap, 1, sizeof(*scan->groups)))
		return lk_error_nomem(err);
	g = &scan->groups[scan->group_count++];
	*g = (struct lk_scan_group){malloc((size_t)t->file_count * sizeof(int)), t->file_count, NULL};
	if (!g->files)
		return lk_error_nomem(err);
	for (int i = 0; i < t->file_count; i++)
		g->files[i] = i;
	return LK_OK;
}

static bool add_column(struct lk_file_scan *scan, const struct lk_lake_column *c)
{
	if (!lk_grow((void **)&scan->columns, &scan->column_cap, (size_t)scan->column_count + 1, sizeof(*scan->columns)))
		return false;
	scan->columns[scan->column_count++] = *c;
	return true;
}

enum lk_status lk_scan_init(struct lk_file_scan *scan, struct lk_sql *sql, const struct lk_lake_table *t, struct lk_error *err)
{
	*scan = (struct lk_file_scan){.table = t};
	LK_TRY(check_readable(t, err));
	for (int i = 0; i < t->column_count; i++)
		if (!add_column(scan, &t->columns[i]))
			return lk_error_nomem(err);
	/* Columns of older schemas too, which deletes may still go by. */
	for (int i = 0; i < t->equality_count; i++)
		for (int j = 0; j < t->equality[i].entry.equality_count; j++)
			if (lk_scan_column(scan, t->equality[i].entry.equality_ids[j]) < 0)
				return lk_error_set(err, LK_MISSING, "table '%s.%s': '%s' deletes by a field (%d) that is no column, which cannot be "
					"applied here", t->namespace_name, t->name, t->equality[i].uri, t->equality[i].entry.equality_ids[j]);
	return t->name_mapping || !t->nested_same ? lk_scan_project(scan, sql, err) : one_group(scan, err);
}

void lk_scan_release(struct lk_file_scan *scan)
{
	for (size_t i = 0; i < scan->group_count; i++) {
		struct lk_scan_group *g = &scan->groups[i];

		for (int j = 0; g->expressions && j < scan->column_count; j++)
			free(g->expressions[j]);
		free(g->expressions);
		free(g->files);
	}
	free(scan->groups);
	free(scan->columns);
	*scan = (struct lk_file_scan){NULL};
}

/* A column that only an older schema has. Its name and type are borrowed from the metadata. */
static bool find_older(const struct lk_lake_table *t, int32_t field_id, struct lk_lake_column *out)
{
	const json_t *schemas = json_object_get(t->metadata, "schemas"), *schema, *field;
	size_t i, j;

	json_array_foreach(schemas, i, schema)
		json_array_foreach(json_object_get(schema, "fields"), j, field) {
			const char *type = json_string_value(json_object_get(field, "type"));

			if (json_integer_value(json_object_get(field, "id")) != field_id || !type)
				continue;
			*out = (struct lk_lake_column){.id = field_id, .name = json_string_value(json_object_get(field, "name")), .type = type};
			return true;
		}
	return false;
}

int lk_scan_column(struct lk_file_scan *scan, int32_t field_id)
{
	struct lk_lake_column c;

	for (int i = 0; i < scan->column_count; i++)
		if (scan->columns[i].id == field_id)
			return i;
	if (!find_older(scan->table, field_id, &c) || !add_column(scan, &c))
		return -1;
	return scan->column_count - 1;
}

bool lk_scan_is_plain(const struct lk_file_scan *scan)
{
	return scan->group_count == 1 && !scan->groups->expressions;
}

/* ---- SQL ---- */

enum lk_status lk_scan_add_schema(const struct lk_file_scan *scan, bool numbered, struct lk_str *s, struct lk_error *err)
{
	struct lk_str type = LK_STR_INIT, name = LK_STR_INIT;
	enum lk_status status = LK_OK;

	lk_str_adds(s, "MAP {");
	for (int i = 0; !status && i < scan->column_count; i++) {
		const struct lk_lake_column *c = &scan->columns[i];

		lk_str_clear(&type);
		lk_str_clear(&name);
		status = lk_scan_add_type(scan->table, c, &type, err);
		if (numbered)
			lk_str_addf(&name, "c%d", i);
		else
			lk_scan_add_name(scan->table, i, &name);
		lk_str_addf(s, "%s%d: {name: ", i ? ", " : "", c->id);
		lk_sql_add_literal(s, lk_str_text(&name));
		lk_str_adds(s, ", type: ");
		lk_sql_add_literal(s, lk_str_text(&type));
		lk_str_adds(s, ", default_value: ");
		lk_sql_add_default(s, c);
		lk_str_addc(s, '}');
	}
	lk_str_addc(s, '}');
	lk_str_release(&type);
	lk_str_release(&name);
	return status;
}

void lk_scan_add_paths(const struct lk_file_scan *scan, const int *files, int count, bool by_ids, struct lk_str *s)
{
	const struct lk_lake_file *first = &scan->table->files[files[0]];

	lk_str_addc(s, '[');
	for (int i = 0; i < count; i++) {
		lk_str_adds(s, i ? ", " : "");
		lk_sql_add_path(s, scan->table->files[files[i]].path);
	}
	if (count == 1 && by_ids && scan->nothing && *scan->nothing && first->rows > LARGE_ROWS) {
		lk_str_adds(s, ", ");
		lk_sql_add_path(s, scan->nothing);
	}
	lk_str_addc(s, ']');
}

/* The number of the file, of what DuckDB tells: its place in the list that is read. */
static void add_number(const int *files, int count, struct lk_str *s)
{
	if (files[count - 1] - files[0] == count - 1) {
		lk_str_addf(s, "(CAST(file_index AS BIGINT) + %d)", files[0]);
		return;
	}
	lk_str_adds(s, "([");
	for (int i = 0; i < count; i++)
		lk_str_addf(s, "%s%d", i ? ", " : "", files[i]);
	lk_str_adds(s, "]::BIGINT[])[CAST(file_index AS BIGINT) + 1]");
}

/* \1, where it is in no name or literal, is the number of the file. */
static void add_expression(const char *expression, const int *files, int count, struct lk_str *s)
{
	char quote = '\0';

	for (const char *p = expression; *p; p++) {
		if (quote ? *p == quote : *p == '\'' || *p == '"')
			quote = quote ? '\0' : *p;
		if (*p == '\1' && !quote)
			add_number(files, count, s);
		else
			lk_str_addc(s, *p);
	}
}

static enum lk_status add_group(const struct lk_file_scan *scan, const struct lk_scan_group *g, const int *files, int count, struct lk_str *s,
	struct lk_error *err)
{
	lk_str_adds(s, "SELECT ");
	for (int i = 0; i < scan->column_count; i++) {
		if (g->expressions) {
			add_expression(g->expressions[i], files, count, s);
			lk_str_adds(s, " AS ");
		}
		lk_str_addf(s, "c%d, ", i);
	}
	add_number(files, count, s);
	lk_str_adds(s, " AS f, file_row_number AS pos, filename AS path FROM read_parquet(");
	lk_scan_add_paths(scan, files, count, !g->expressions, s);
	lk_str_adds(s, ", hive_partitioning = false, can_have_nan = true");
	if (!g->expressions) {
		lk_str_adds(s, ", schema = ");
		LK_TRY(lk_scan_add_schema(scan, true, s, err));
	}
	lk_str_addc(s, ')');
	return LK_OK;
}

enum lk_status lk_scan_add(const struct lk_file_scan *scan, const bool *only, struct lk_str *s, struct lk_error *err)
{
	int *files = malloc(((size_t)scan->table->file_count + 1) * sizeof(*files));
	enum lk_status status = files ? LK_OK : lk_error_nomem(err);
	bool first = true;

	for (size_t i = 0; !status && i < scan->group_count; i++) {
		const struct lk_scan_group *g = &scan->groups[i];
		int count = 0;

		for (int j = 0; j < g->file_count; j++)
			if (!only || only[g->files[j]])
				files[count++] = g->files[j];
		if (!count)
			continue;
		lk_str_adds(s, first ? "" : " UNION ALL ");
		status = add_group(scan, g, files, count, s, err);
		first = false;
	}
	free(files);
	return status;
}
