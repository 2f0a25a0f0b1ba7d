#include "ingest/report.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stream/stream.h"

#define QUARANTINE "quarantine." /* the raw text of rejects, which lk.rejects counts */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct lk_report_table *)a)->name, ((const struct lk_report_table *)b)->name);
}

static struct lk_report_table *find_table(struct lk_report *r, const char *name)
{
	struct lk_report_table key = {.name = name};

	return r->table_count ? bsearch(&key, r->tables, r->table_count, sizeof(key), by_name) : NULL;
}

static enum lk_status add_table(
        struct lk_report *r, const char *name, struct lk_report_table **out, struct lk_error *err)
{
	struct lk_report_table table = {.name = lk_arena_strdup(&r->arena, name)};

	if (!table.name || !lk_grow((void **)&r->tables, &r->table_cap, r->table_count + 1, sizeof(table)))
		return lk_error_nomem(err);
	r->tables[r->table_count++] = table;
	qsort(r->tables, r->table_count, sizeof(table), by_name);
	*out = find_table(r, name);
	return LK_OK;
}

static enum lk_status take_table(struct lk_report *r, json_t *o, struct lk_error *err)
{
	struct lk_report_table *table;
	long long rows, files, bytes;
	const char *name;

	if (json_unpack(o, "{s:s, s:I, s:I, s:I}", "table", &name, "rows", &rows, "files", &files, "bytes",
	            &bytes))
		return lk_error_set(err, LK_BUG, "lk-commit --json says nothing that lk-ingest understands");
	if (!strcmp(name, LK_TABLE_FILES))
		r->members += rows;
	else if (!strcmp(name, LK_TABLE_REJECTS))
		r->rejected += rows;
	if (lk_table_is_side(name) || !strncmp(name, QUARANTINE, strlen(QUARANTINE)))
		return LK_OK;
	table = find_table(r, name);
	if (!table)
		LK_TRY(add_table(r, name, &table, err));
	table->rows += rows;
	table->files += files;
	table->bytes += bytes;
	r->rows += rows;
	return LK_OK;
}

enum lk_status lk_report_add(struct lk_report *r, const char *json, struct lk_error *err)
{
	json_error_t why;
	json_t *root = json_loads(json, 0, &why), *tables = json_object_get(root, "tables"), *table;
	enum lk_status status = LK_OK;
	size_t i;

	if (!json_is_array(tables))
		status = lk_error_set(err, LK_BUG,
		        "lk-commit --json says nothing that lk-ingest understands: %s", why.text);
	json_array_foreach(tables, i, table) if (!status) status = take_table(r, table, err);
	json_decref(root);
	return status;
}

void lk_report_release(struct lk_report *r)
{
	free(r->tables);
	lk_arena_release(&r->arena);
	*r = (struct lk_report){.arena = LK_ARENA_INIT};
}
