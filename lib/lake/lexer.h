/*
 * The words of the little languages in which people write columns, partitions, sort orders and changes of a table:
 *
 *	name        a letter or `_`, then letters, digits, `_`, `$` and any character beyond ASCII; or anything in "..." or `...`,
 *		    where the quote is doubled to stand for itself. Keywords are names in any case, unquoted.
 *	path        names with dots between them
 *	number      digits
 *	text        '...', with '' for a quote
 *	punctuation one character
 *
 * Errors are LK_USAGE and show where in the text the trouble is.
 */
#ifndef LK_LAKE_LEXER_H
#define LK_LAKE_LEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct lk_lexer {
	const char *text; /* all of it */
	const char *at;	  /* what is to be read next */
};

/* Skips blanks; whether nothing is left. */
bool lk_lexer_end(struct lk_lexer *s);

/* Takes this character if it is next. */
bool lk_lexer_take(struct lk_lexer *s, char c);
enum lk_status lk_lexer_expect(struct lk_lexer *s, char c, struct lk_error *err) LK_CHECKED;

/* Takes this keyword (lower case) if it is next; lk_lexer_is only looks. */
bool lk_lexer_word(struct lk_lexer *s, const char *word);
bool lk_lexer_is(const struct lk_lexer *s, const char *word);

/* These add to *out, which the caller clears. what: "a column", for the message when there is none. */
enum lk_status lk_lexer_name(struct lk_lexer *s, const char *what, struct lk_str *out, struct lk_error *err) LK_CHECKED;
enum lk_status lk_lexer_path(struct lk_lexer *s, const char *what, struct lk_str *out, struct lk_error *err) LK_CHECKED;
enum lk_status lk_lexer_text(struct lk_lexer *s, struct lk_str *out, struct lk_error *err) LK_CHECKED;

enum lk_status lk_lexer_number(struct lk_lexer *s, int64_t max, int64_t *out, struct lk_error *err) LK_CHECKED;

/* LK_USAGE: what was expected, and what is there instead. */
enum lk_status lk_lexer_error(struct lk_lexer *s, const char *expected, struct lk_error *err);

#endif
