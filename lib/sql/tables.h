/* The lake's side of a query: which tables its names mean, and what the lake holds. */
#ifndef LK_SQL_TABLES_H
#define LK_SQL_TABLES_H

#include "lake/lake.h"
#include "sql/output.h"
#include "sql/script.h"

struct lk_tables {
	struct lk_sql *sql;
	const struct lk_script *script;
	struct lk_pin *pin;
	const struct lk_lake_at *at; /* NULL: now */
	void (*detail)(const char *fmt, ...) LK_PRINTF(1, 2); /* is told of files that are opened; may be NULL */
	const char *only; /* set to the name of the table that was named, when there was exactly one; else NULL */
};

/*
 * Makes every name of the script that is not the stream's a view over the pinned table that it means: NAMESPACE.TABLE, or TABLE
 * alone where one namespace has it (`main` before all others; `quarantine` never). Letter case does not count where no table is
 * spelled just so. A name that ends in '@' and a moment is the table at that moment (lake/at.h), and TABLE$files and the like tell of its
 * metadata (sql/metatable.h). Only these tables are loaded,
 * and of them only files that may have rows that the script wants. LK_DATA with the nearest names when a table is not there.
 */
enum lk_status lk_tables_resolve(struct lk_tables *tables, struct lk_error *err) LK_CHECKED;

/* A row for each table (lake/list.h). */
enum lk_status lk_tables_list(struct lk_pin *pin, struct lk_sql_output *out, struct lk_error *err) LK_CHECKED;

#endif
