#include <stdlib.h>
#include <string.h>

#include "lake/catalog.h"
#include "lake/lake.h"

static enum lk_status add_table(struct lk_pin *pin, size_t *cap, struct lk_lake_table **tables, sqlite3_stmt *stmt,
	struct lk_error *err)
{
	struct lk_lake_table *t;

	if (!lk_grow((void **)tables, cap, (size_t)pin->table_count + 1, sizeof(*t)))
		return lk_error_nomem(err);
	t = &(*tables)[pin->table_count++];
	*t = (struct lk_lake_table){.snapshot_id = -1};
	t->namespace_name = lk_arena_strdup(&pin->arena, lk_catalog_text(stmt, 0));
	t->name = lk_arena_strdup(&pin->arena, lk_catalog_text(stmt, 1));
	t->metadata_location = lk_arena_strdup(&pin->arena, lk_catalog_text(stmt, 2));
	return t->namespace_name && t->name && t->metadata_location ? LK_OK : lk_error_nomem(err);
}

static enum lk_status pin_tables(struct lk_lake *lake, struct lk_pin *pin, struct lk_error *err)
{
	struct lk_lake_table *tables = NULL;
	enum lk_status status;
	sqlite3_stmt *stmt;
	size_t cap = 0;
	bool row;

	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		lake->has_type ? "SELECT table_namespace, table_name, metadata_location FROM iceberg_tables"
				 " WHERE catalog_name = 'lk' AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL) ORDER BY 1, 2"
			       : "SELECT table_namespace, table_name, metadata_location FROM iceberg_tables"
				 " WHERE catalog_name = 'lk' ORDER BY 1, 2",
		""));
	while (!(status = lk_catalog_step(lake, stmt, &row, err)) && row)
		if ((status = add_table(pin, &cap, &tables, stmt, err)))
			break;
	lk_catalog_done(lake, stmt);
	if (!status && pin->table_count) {
		pin->tables = lk_arena_alloc(&pin->arena, (size_t)pin->table_count * sizeof(*tables));
		if (pin->tables)
			memcpy(pin->tables, tables, (size_t)pin->table_count * sizeof(*tables));
		else
			status = lk_error_nomem(err);
	}
	free(tables);
	return status;
}

enum lk_status lk_lake_pin(struct lk_lake *lake, struct lk_pin *pin, struct lk_error *err)
{
	enum lk_status status = LK_OK;

	*pin = (struct lk_pin){.arena = LK_ARENA_INIT};
	if (lake->has_tables)
		status = pin_tables(lake, pin, err);
	if (status)
		lk_pin_release(pin);
	return status;
}

void lk_pin_release(struct lk_pin *pin)
{
	json_decref(pin->metadata);
	lk_arena_release(&pin->arena);
	*pin = (struct lk_pin){.arena = LK_ARENA_INIT};
}
