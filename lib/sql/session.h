/* The session behind struct lk_sql (private to lib/sql). */
#ifndef LK_SQL_SESSION_H
#define LK_SQL_SESSION_H

#include "sql/duckdb.h"
#include "sql/sql.h"

/*
 * A Parquet file without rows. DuckDB reads several files by all its threads, and one whose columns it is told by one thread only,
 * however many row groups it has: so this one stands behind it (sql/nothing.c).
 */
struct lk_nothing {
	int fd;		/* -1: not open */
	char path[32]; /* "": it cannot be had */
};
void lk_nothing_open(struct lk_nothing *nothing);
void lk_nothing_close(struct lk_nothing *nothing);

struct lk_sql {
	struct lk_duckdb duckdb;
	struct lk_nothing nothing;
	void *db, *connection;
	struct lk_str allowed; /* literals of the files that may be read, each followed by a comma */
	bool locked;
	int functions; /* of our own, that were made: for their names */
};

/*
 * Makes an error of what DuckDB said, which is JSON here (errors_as_json): one line, with the line and column of `text` where
 * DuckDB knows them. what: "standard input" and the like before the reason, or NULL; text and its name may be NULL.
 */
enum lk_status lk_sql_error(const char *said, const char *text, const char *text_name, struct lk_error *err);

#endif
