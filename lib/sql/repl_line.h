/*
 * Lines typed on a terminal, by libedit: edited, remembered, completed (private to lk_repl_run).
 *
 * The history lies in ${XDG_STATE_HOME:-~/.local/state}/lk/query_history, which only its owner reads. What begins with a blank is not
 * remembered.
 */
#ifndef LK_SQL_REPL_LINE_H
#define LK_SQL_REPL_LINE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

struct lk_line;

/* Words that complete what was typed: called for each that begins with prefix, letter case aside. */
typedef void lk_line_add(void *to, const char *word);
typedef void lk_line_words(void *context, const char *prefix, lk_line_add *add, void *to);

enum lk_status lk_line_open(struct lk_line **out, lk_line_words *words, void *context, struct lk_error *err) LK_CHECKED;

enum lk_line_end { LK_LINE_READ, LK_LINE_CANCELLED, LK_LINE_END };
/* One line, without its end, appended to *out. */
enum lk_line_end lk_line_read(struct lk_line *line, const char *prompt, struct lk_str *out);

/* Remembers a statement. */
void lk_line_remember(struct lk_line *line, const char *statement);

void lk_line_close(struct lk_line *line); /* NULL is fine */

#endif
