#include "sql/places.h"

#include <stdlib.h>
#include <string.h>

#include "sql/view.h"

enum lk_status lk_places_open(struct lk_places *p, struct lk_error *err)
{
	struct lk_sql_options options = {0};

	if (p->sql)
		return LK_OK;
	if (!p->has_workspace) {
		LK_TRY(lk_workspace_init(&p->workspace, err));
		p->has_workspace = true;
	}
	options.scratch = p->workspace.folder;
	return lk_sql_open(&p->sql, &options, err);
}

void lk_places_close(struct lk_places *p)
{
	lk_sql_close(p->sql);
	if (p->has_workspace)
		lk_workspace_release(&p->workspace);
	p->sql = NULL;
	p->has_workspace = false;
}

enum lk_status lk_places_ask(struct lk_places *p, const char *statement, struct lk_duckdb_result *result, struct lk_error *err)
{
	*result = (struct lk_duckdb_result){{0}};
	if (p->sql->duckdb.query(p->sql->connection, statement, result))
		return lk_sql_error(p->sql->duckdb.result_error(result), NULL, NULL, err);
	return LK_OK;
}

bool lk_places_has_column(const struct lk_lake_table *table, const char *name)
{
	for (int i = 0; i < table->column_count; i++)
		if (!strcmp(table->columns[i].name, name))
			return true;
	return false;
}

/* ---- searching ---- */

static enum lk_status add_search(struct lk_places *p, const struct lk_search *search, const struct lk_lake_table *t, struct lk_str *s, struct lk_error *err)
{
	lk_str_addf(s, "SELECT w.file%s%s FROM (", *search->select ? ", " : "", search->select);
	if (search->by)
		lk_str_addf(s, "SELECT lk_path%s, count(*) AS n FROM (", search->by);
	if (search->where)
		lk_str_adds(s, "SELECT * FROM (");
	LK_TRY(lk_sql_add_places(p->sql, t, s, err));
	if (search->where) {
		lk_str_adds(s, ") ");
		lk_sql_add_identifier(s, t->name);
		lk_str_addf(s, " WHERE (%s\n)", search->where);
	}
	if (search->by)
		lk_str_adds(s, ") GROUP BY ALL");
	lk_str_addf(s, ") l JOIN (VALUES ");
	for (int i = 0; i < t->file_count; i++) {
		lk_str_adds(s, i ? ", (" : "(");
		lk_sql_add_literal(s, t->files[i].path);
		lk_str_addf(s, ", %d)", i);
	}
	lk_str_addf(s, ") AS w(path, file) ON w.path = l.lk_path %s %s ORDER BY ALL", search->rest, search->group);
	return lk_str_check(s, err);
}

static enum lk_status visit_all(struct lk_places *p, const struct lk_lake_table *t, struct lk_duckdb_result *result,
	lk_found_visitor *visit, void *context, struct lk_error *err)
{
	uint64_t count = p->sql->duckdb.row_count(result);

	for (uint64_t i = 0; i < count; i++) {
		int64_t file = p->sql->duckdb.value_int64(result, 0, i);

		if (file < 0 || file >= t->file_count)
			return lk_error_set(err, LK_BUG, "DuckDB found a row in no file");
		LK_TRY(visit(context, &t->files[file], result, i, err));
	}
	return LK_OK;
}

static int by_uri(const void *a, const void *b)
{
	return strcmp(((const struct lk_lake_file *)a)->uri, ((const struct lk_lake_file *)b)->uri);
}

/* The files that are meant, by their uris. */
static enum lk_status choose_files(const struct lk_search *search, struct lk_lake_table *t, struct lk_error *err)
{
	*t = *search->table;
	t->files = malloc(((size_t)t->file_count + 1) * sizeof(*t->files));
	if (!t->files)
		return lk_error_nomem(err);
	t->file_count = 0;
	for (int i = 0; i < search->table->file_count; i++)
		if (!search->only || search->only[i])
			t->files[t->file_count++] = search->table->files[i];
	qsort(t->files, (size_t)t->file_count, sizeof(*t->files), by_uri);
	return LK_OK;
}

static enum lk_status search_files(struct lk_places *p, const struct lk_search *search, const struct lk_lake_table *t,
	lk_found_visitor *visit, void *context, struct lk_error *err)
{
	struct lk_duckdb_result result = {{0}};
	struct lk_str s = LK_STR_INIT;
	enum lk_status status = add_search(p, search, t, &s, err);

	if (!status)
		status = lk_places_ask(p, s.data, &result, err);
	if (!status)
		status = visit_all(p, t, &result, visit, context, err);
	p->sql->duckdb.destroy_result(&result);
	lk_str_release(&s);
	return status;
}

enum lk_status lk_places_search(struct lk_places *p, const struct lk_search *search, lk_found_visitor *visit, void *context,
	struct lk_error *err)
{
	struct lk_lake_table chosen;
	enum lk_status status;

	LK_TRY(choose_files(search, &chosen, err));
	status = chosen.file_count ? search_files(p, search, &chosen, visit, context, err) : LK_OK;
	free(chosen.files);
	return status ? lk_error_prefix(err, "table %s.%s", chosen.namespace_name, chosen.name) : LK_OK;
}
