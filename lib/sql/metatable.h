/*
 * A table's metadata as tables in SQL: "t$snapshots", "t$history", "t$refs", "t$manifests", "t$files", "t$partitions", with the columns
 * that Spark has for them ("Inspecting tables" of Iceberg's documentation; private to lib/sql).
 */
#ifndef LK_SQL_METATABLE_H
#define LK_SQL_METATABLE_H

#include "lake/lake.h"
#include "sql/sql.h"

/* Makes schema.name of what `kind` says of the table, which lk_lake_table_open has read. LK_DATA with the kinds that there are when it
 * is none. */
enum lk_status lk_metatable_create(struct lk_sql *sql, struct lk_pin *pin, struct lk_lake_table *table, const char *kind,
	const char *schema, const char *name, struct lk_error *err) LK_CHECKED;

#endif
