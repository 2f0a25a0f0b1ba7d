/*
 * Finding where rows of a table stand: a DuckDB of our own, and searches over a table's live rows (private to lib/sql).
 *
 * Whoever looks for rows makes tables of what is wanted in the session, and joins the rows with them.
 */
#ifndef LK_SQL_PLACES_H
#define LK_SQL_PLACES_H

#include "lake/lake.h"
#include "sql/session.h"
#include "sql/workspace.h"

struct lk_places {
	struct lk_sql *sql; /* NULL before it is opened */
	struct lk_workspace workspace;
	bool has_workspace;
};

/* Opens the session, whose DuckDB is loaded now; once it is open, nothing. */
enum lk_status lk_places_open(struct lk_places *p, struct lk_error *err) LK_CHECKED;
void lk_places_close(struct lk_places *p);

/* Runs a statement and keeps its result, the caller's to destroy in any case. */
enum lk_status lk_places_ask(struct lk_places *p, const char *statement, struct lk_duckdb_result *result, struct lk_error *err) LK_CHECKED;

/* A row of a result: the file it stands in, and what the search selected, from column 1 on. */
typedef enum lk_status lk_found_visitor(void *context, const struct lk_lake_file *file, struct lk_duckdb_result *result,
	uint64_t row, struct lk_error *err);

struct lk_search {
	const struct lk_lake_table *table;
	const bool *only;   /* of its files, those that are meant; NULL: all */
	const char *select; /* further columns, as "l.lk_pos, count(*)" */
	const char *by;	    /* count rows first by lk_path and these columns (", a, b"): l has those, and n; NULL: do not */
	const char *where;  /* a predicate over the table's own columns; NULL: all rows */
	const char *rest;   /* what follows the rows, which are called l: joins and conditions; may be "" */
	const char *group;  /* behind the joins with the files, such as "GROUP BY 1"; may be "" */
};

/* SELECT <index of the file>, <select> FROM (<live rows with lk_path and lk_pos>) l <rest> <group>, visited in the order of the
 * uris of the files and then of <select>. Nothing for a table without such files. Errors name the table. */
enum lk_status lk_places_search(struct lk_places *p, const struct lk_search *search, lk_found_visitor *visit, void *context,
	struct lk_error *err) LK_CHECKED;

/* Whether the table has a column of that name now. */
bool lk_places_has_column(const struct lk_lake_table *table, const char *name);

#endif
