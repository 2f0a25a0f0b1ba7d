/*
 * The catalog: an Iceberg SQL catalog in SQLite, in the very tables of Java's JdbcCatalog (schema V1) and PyIceberg's
 * SqlCatalog, catalog name `lk`; lk's ledger lies in tables of its own beside them.
 *
 * SQLite's rollback journal; statements are short and readers finish them at once, because Java's driver gives up on a
 * lock after 3 s. This header is lib/lake's own; tools use lake.h.
 */
#ifndef LK_LAKE_CATALOG_H
#define LK_LAKE_CATALOG_H

#include <sqlite3.h>

#include "lake/lake.h"

#define LK_CATALOG_NAME "lk"
#define LK_LOCATION_MAX 1000 /* what the catalog's columns hold */

#define LK_CATALOG_STATEMENTS 16

struct lk_lake {
	char *path; /* absolute */
	sqlite3 *db;
	struct {
		const char *sql; /* by its address: a literal */
		sqlite3_stmt *stmt;
		bool busy;
	} statements[LK_CATALOG_STATEMENTS]; /* kept, as a commit of many deliveries asks the same thousands of times */
	bool read_only;
	bool has_tables; /* the catalog's tables are there: not in a database just being made by another process */
	bool has_type;	 /* iceberg_tables has the column iceberg_type (V1) */
	bool has_ledger;
	bool has_history; /* of the ledger */
};

enum lk_status lk_catalog_open(struct lk_lake *lake, unsigned flags, struct lk_error *err) LK_CHECKED;

void lk_catalog_close(struct lk_lake *lake);

/* LK_DATA when the database is empty. A reader may take it for a lake without tables, as it may just be being made; whoever
 * removes files that no table leads to, backs up or vouches for the lake may not: its catalog may be lost. */
enum lk_status lk_catalog_check_whole(const struct lk_lake *lake, struct lk_error *err) LK_CHECKED;

/* A statement with its arguments bound: sql is a literal, format has a letter for each argument, `s` const char * (NULL is
 * null), `i` int64_t. The caller hands it back with lk_catalog_done. */
enum lk_status lk_catalog_prepare(struct lk_lake *lake, sqlite3_stmt **stmt, struct lk_error *err, const char *sql,
	const char *format, ...) LK_CHECKED;

/* Takes a statement back, so that it holds no lock. NULL is fine. */
void lk_catalog_done(struct lk_lake *lake, sqlite3_stmt *stmt);

/* The next row: *row false at the end. */
enum lk_status lk_catalog_step(struct lk_lake *lake, sqlite3_stmt *stmt, bool *row, struct lk_error *err) LK_CHECKED;

/* Runs a statement that gives no rows; *changed (may be NULL) is the number of rows it changed. */
enum lk_status lk_catalog_run(struct lk_lake *lake, int *changed, struct lk_error *err, const char *sql,
	const char *format, ...) LK_CHECKED;

/* A text of the current row, "" for null. Borrowed until the next step. */
const char *lk_catalog_text(sqlite3_stmt *stmt, int column);

/* Write transactions: begin takes the lock at once (LK_CONFLICT when others hold it for too long). */
enum lk_status lk_catalog_begin(struct lk_lake *lake, struct lk_error *err) LK_CHECKED;
/* *unknown (may be NULL) tells after a failure that the transaction may have been made all the same. */
enum lk_status lk_catalog_commit(struct lk_lake *lake, bool *unknown, struct lk_error *err) LK_CHECKED;
void lk_catalog_rollback(struct lk_lake *lake);

/* Where a table's metadata are; *location is malloc'd, NULL when there is no such table. A view of that name is LK_DATA. */
enum lk_status lk_catalog_find(struct lk_lake *lake, const char *namespace_name, const char *name, char **location,
	struct lk_error *err) LK_CHECKED;

/* Takes the lock by which lk's writers queue; -1 where it cannot be had, or not in time. It is let go by lk_catalog_unlock, and when
 * the process ends. */
int lk_catalog_lock(const struct lk_lake *lake);
void lk_catalog_unlock(int lock);

/* Within a transaction: moves a table from `old` (NULL: it must not exist) to `new` (NULL: it is dropped); *moved is false when it is
 * not at `old`. */
enum lk_status lk_catalog_swap(struct lk_lake *lake, const char *namespace_name, const char *name, const char *old,
	const char *new, bool *moved, struct lk_error *err) LK_CHECKED;

/* Within a transaction: gives a table another name; *moved is false when it is not there, or another table has that name. */
enum lk_status lk_catalog_rename(struct lk_lake *lake, const char *namespace_name, const char *name, const char *to_namespace,
	const char *to, bool *moved, struct lk_error *err) LK_CHECKED;

/* Whether the metadata of any table lie below a location. */
enum lk_status lk_catalog_has_below(struct lk_lake *lake, const char *prefix, bool *found, struct lk_error *err) LK_CHECKED;

#endif
