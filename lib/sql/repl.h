/*
 * lk-query on a terminal: statements are typed, run and answered, one after the other, each over the lake as it is then.
 *
 *	line editing, history, completion (sql/repl_line.h) ─► statement until `;` ─► lk_query_run ─► terminal, pager or file
 *	                                                   └─► command: \dt, \d, \timing, \o, \f, \q, \?
 */
#ifndef LK_SQL_REPL_H
#define LK_SQL_REPL_H

#include "sql/query.h"

/* What a session does not say itself. */
struct lk_repl {
	struct lk_query query; /* lake, at, threads, memory, workspace, format; its text is set for each statement */
	void (*say)(const char *fmt, ...) LK_PRINTF(1, 2); /* errors: they do not end the session */
	bool quiet; /* no greeting */
};

enum lk_status lk_repl_run(struct lk_repl *repl, struct lk_error *err) LK_CHECKED;

/* Whether text is whole: the last of it, but for blanks and comments, is a `;` that ends a statement. */
bool lk_repl_is_whole(const char *text);

#endif
