/* lk-query's work: a script over a lake and a stream, its results written out. */
#ifndef LK_SQL_QUERY_H
#define LK_SQL_QUERY_H

#include "sql/output.h"
#include "sql/sql.h"

struct lk_query {
	const char *text, *text_name; /* SQL, and the file that it is from or NULL; text NULL lists the lake's tables */
	const char *lake;	      /* -l as it was given, or NULL */
	const char *at;		      /* the moment that tables are read at, or NULL */
	void (*detail)(const char *fmt, ...) LK_PRINTF(1, 2); /* what -v says; may be NULL */
	const char *as;		      /* what the result is called on a stream, or NULL */
	int64_t threads, memory_bytes;
	int input;		      /* the descriptor of the stream, -1 when there is none */
	struct lk_sql_output_options output;
	struct lk_workspace *workspace;
	/* Called with the session before statements run, and with NULL before it ends: for who may want to interrupt it. May be NULL. */
	void (*running)(void *context, struct lk_sql *sql);
	void *running_context;
	int64_t *rows; /* how many came out, added to; NULL: not asked for */
};

enum lk_status lk_query_run(const struct lk_query *q, struct lk_error *err) LK_CHECKED;

#endif
