/* What completes a statement: commands, SQL's words, and the tables and columns of the lake as it is (private to lk_repl_run). */
#ifndef LK_SQL_REPL_NAMES_H
#define LK_SQL_REPL_NAMES_H

#include "lake/lake.h"
#include "sql/repl_line.h"

struct lk_repl_names {
	const char *lake; /* as it was given, or NULL */
	struct lk_lake *opened;
	struct lk_pin pin;
	bool loaded;
};

/* The words for lk_line_open; context is a struct lk_repl_names. The lake is looked at when it is first asked for. */
void lk_repl_words(void *context, const char *prefix, lk_line_add *add, void *to);

/* Forgets the lake, so that it is looked at again. */
void lk_repl_names_clear(struct lk_repl_names *names);

#endif
