/* The session behind struct lk_sql (private to lib/sql). */
#ifndef LK_SQL_SESSION_H
#define LK_SQL_SESSION_H

#include "sql/duckdb.h"
#include "sql/sql.h"

struct lk_sql {
	struct lk_duckdb duckdb;
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
