/*
 * Reading delimited text under a supposed dialect, leniently, and what that reading costs in bits.
 *
 * Unlike the reader of source/ this one never gives up: what does not follow the supposed rules is counted as a flaw.
 */
#ifndef LK_INFER_GUESS_FORM_H
#define LK_INFER_GUESS_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define LK_FORM_DELIMITER 4 /* bytes of the longest delimiter */

struct lk_form {
	char delimiter[LK_FORM_DELIMITER + 1];
	size_t delimiter_len; /* 0: none, each record is one cell */
	char quote;	      /* 0: none */
	char escape;	      /* 0: a quote is doubled */
	const char *comment;  /* NULL: none; lines that begin with it are no records */
	char terminator;      /* 0: a line feed, a carriage return or both */
};

struct lk_form_cell {
	const char *text; /* within the quotes; escapes stay */
	size_t len;
	bool quoted;
	bool flawed;   /* text after a closing quote, or no closing quote */
	size_t blanks; /* before the cell, skipped */
	bool last;     /* of its record */
};

struct lk_form_reader {
	const struct lk_form *form;
	const char *pos, *end;
	int unclosed; /* quotes without an end that were looked for to the end of the text */
};

/* The text stays the caller's. */
void lk_form_start(struct lk_form_reader *r, const struct lk_form *form, const char *text, size_t len);

/* Skips blank lines. Where the next line is a comment, gives it out and returns true. */
bool lk_form_comment(struct lk_form_reader *r, const char **line, size_t *len);

/* The next cell of a record, or false at the end of the text. */
bool lk_form_cell(struct lk_form_reader *r, struct lk_form_cell *out);

/* What text costs under form; once it is more than limit, anything above that. */
enum lk_status lk_form_bits(const struct lk_form *form, const char *text, size_t len, double limit, double *bits,
	struct lk_error *err) LK_CHECKED;

#endif
