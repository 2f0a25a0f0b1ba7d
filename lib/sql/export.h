/*
 * A lake as views in a DuckDB database file, for tools that speak DuckDB: a schema a namespace, a view a table, over the files of the
 * snapshots of one moment, by absolute paths. It is a pin: what is committed later is in the next one.
 */
#ifndef LK_SQL_EXPORT_H
#define LK_SQL_EXPORT_H

#include "sql/sql.h"
#include "sql/workspace.h"

struct lk_export {
	const char *lake; /* -l as it was given, or NULL */
	const char *at;	  /* the moment that tables are read at, or NULL */
	const char *path; /* of the database; what is there is replaced once the new one is whole */
	int64_t threads, memory_bytes;
	struct lk_workspace *workspace;
	void (*left_out)(const char *fmt, ...) LK_PRINTF(1, 2); /* is told which tables have no view, and why */

	int views, missing; /* set: tables with and without one */
};

/* Tables of `quarantine` get no views. LK_NOPERM when path lies in a lake. */
enum lk_status lk_export_views(struct lk_export *e, struct lk_error *err) LK_CHECKED;

#endif
