/*
 * What a cell of text looks like, and what it costs to say.
 *
 * The guess of a dialect weighs readings of one text against each other by their length in bits, as a compressor would
 * (minimum description length): a number needs less than as many other characters, a date less than its digits, and what
 * a reading explains, such as delimiters where they are expected, needs next to nothing.
 */
#ifndef LK_INFER_GUESS_CELL_H
#define LK_INFER_GUESS_CELL_H

#include <stdbool.h>
#include <stddef.h>

enum lk_cell_kind {
	LK_CELL_EMPTY,
	LK_CELL_NULL, /* NA, null, nan, -, ... */
	LK_CELL_BOOLEAN,
	LK_CELL_INTEGER,
	LK_CELL_NUMBER, /* with a point or comma, groups, an exponent */
	LK_CELL_AMOUNT, /* a number with a sign of money or percent */
	LK_CELL_DATE,
	LK_CELL_TIME,
	LK_CELL_DATETIME,
	LK_CELL_ADDRESS, /* of the web, of mail, of a machine, of a file */
	LK_CELL_CODE,	 /* letters and digits without blanks, such as MG-8769 */
	LK_CELL_WORD,
	LK_CELL_TEXT,
	LK_CELL_KINDS
};

struct lk_cell_look {
	enum lk_cell_kind kind;
	double bits;
};

/* The look of a cell; blanks around it count as text. */
struct lk_cell_look lk_cell_look(const char *text, size_t len);

/* What len bytes cost as plain text. */
double lk_text_bits(const char *text, size_t len);

/* Whether the kind says what its cells mean: all but empty ones, codes, words and texts. */
bool lk_cell_typed(enum lk_cell_kind kind);

#endif
