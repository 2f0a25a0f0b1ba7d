/*
 * SQL over tables: one DuckDB, loaded at run time, in memory, with its doors closed before anything from a person runs.
 *
 *	lk_sql_open -> lk_script_parse      what does the text want? Only SELECT is taken, and every table it names is listed
 *	            -> views and tables     of ours: snapshots of a lake (sql/view.h), streams (sql/spool.h)
 *	            -> lk_sql_lock	    from here no file but those of the views can be opened, nor any setting changed
 *	            -> lk_result_open ...   the statements run, batch by batch
 *
 * Two locks guard the files: the parse tree is checked (statement kind, tables, table functions: sql/script.h), and DuckDB's own
 * external access is off but for the files of the views. Either alone would do; neither is trusted alone.
 */
#ifndef LK_SQL_SQL_H
#define LK_SQL_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "stream/stream.h"

struct lk_sql;
struct lk_script;

struct lk_sql_options {
	int64_t threads;      /* 0: one for each processor */
	int64_t memory_bytes; /* what queries may hold before they spill; 0: DuckDB's own share of the machine */
	const char *scratch;  /* private folder for what spills; the caller's to remove */
};

/* LK_MISSING when the library is not there. */
enum lk_status lk_sql_open(struct lk_sql **out, const struct lk_sql_options *options, struct lk_error *err) LK_CHECKED;
void lk_sql_close(struct lk_sql *sql); /* NULL is fine */

/* Ends the statement that runs, if one does, with an error; from any thread. */
void lk_sql_interrupt(struct lk_sql *sql);

/* Runs a statement of ours and drops its result. */
enum lk_status lk_sql_run(struct lk_sql *sql, const char *statement, struct lk_error *err) LK_CHECKED;

/* Adds a file that statements may read once the doors are closed. */
enum lk_status lk_sql_allow(struct lk_sql *sql, const char *path, struct lk_error *err) LK_CHECKED;

/* Closes the doors: external access off but for the files allowed, configuration locked. There is no way back. */
enum lk_status lk_sql_lock(struct lk_sql *sql, struct lk_error *err) LK_CHECKED;

/* Text for our own statements: "a ""b""" and 'it''s'. */
void lk_sql_add_identifier(struct lk_str *s, const char *name);
void lk_sql_add_literal(struct lk_str *s, const char *text);

/* ---- results ---- */

struct lk_result;

/*
 * Runs one statement of a script; rows come as they are computed. Columns are made types of ours where there is a nearest one:
 * narrow and unsigned integers widen (uint64 to decimal(20,0), as HUGEINT to decimal(38,0)), enums and intervals become text,
 * timestamps microseconds. exact: 32-bit floats become 64-bit too, for streams and files. Nested types pass.
 * Only after lk_sql_lock (else LK_BUG).
 */
enum lk_status lk_result_open(struct lk_result **out, struct lk_sql *sql, const struct lk_script *script, int statement,
	bool exact, struct lk_error *err) LK_CHECKED;
/* The same for a SELECT of our own making, with no text of a person's in it but quoted names and literals; the doors may be
 * open. exact: as above. */
enum lk_status lk_result_select(struct lk_result **out, struct lk_sql *sql, const char *select, bool exact,
	struct lk_error *err) LK_CHECKED;
/* Borrowed until the result is closed. */
const struct ArrowSchema *lk_result_schema(const struct lk_result *r);
/* *view is borrowed until the next call. */
enum lk_next lk_result_next(struct lk_result *r, const struct ArrowArrayView **view, struct lk_error *err) LK_CHECKED;
void lk_result_close(struct lk_result *r); /* NULL is fine */

#endif
