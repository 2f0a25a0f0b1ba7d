/*
 * What the values of a column may be: types of the Table Schema standard, each with a format, tried on every value by the very
 * conversion that lk-parse will use.
 *
 * A conversion alone takes more than what it is for: 007 is an integer, 20 a year of four digits. So each has a shape that
 * a value must have, too, so that nothing of a value is lost by its type.
 */
#ifndef LK_INFER_MAYBE_H
#define LK_INFER_MAYBE_H

#include "source/convert.h"

#define LK_MAYBE_MAX 64 /* they are counted in the bits of a word */

struct lk_maybe {
	const char *type, *format;
	bool (*shape)(const char *s, size_t len); /* what is looked at is trimmed and not empty; NULL: any */
	const char *decimal, *group;	      /* NULL: a point; none */
	bool around;			      /* a currency or a percent sign stands around numbers */
	bool zone;			      /* instants: values have an offset from UTC, or are UTC */
};

/* Those that others must be told from, by their places in lk_maybes. The order is that of preference. */
enum lk_maybe_id {
	LK_MAYBE_BOOLEAN,
	LK_MAYBE_DATE_COMPACT,
	LK_MAYBE_DATETIME_COMPACT,
	LK_MAYBE_DATETIME_COMPACT_ZONE,
	LK_MAYBE_INTEGER,
	LK_MAYBE_NUMBER,
	LK_MAYBE_DATE,
	LK_MAYBE_DATETIME,
	LK_MAYBE_DATETIME_ZONE,
	LK_MAYBE_DATETIME_SHORT, /* without seconds, too */
	LK_MAYBE_DATETIME_SHORT_ZONE,
	LK_MAYBE_DATETIME_ANY, /* a date, or a date and time */
	LK_MAYBE_DATETIME_ANY_ZONE,
	LK_MAYBE_OTHERS, /* those that follow */
	LK_MAYBE_STRING = -1,
};

extern const struct lk_maybe lk_maybes[];
extern const int lk_maybe_count;

/* Conversions for all of them, to be made once. */
struct lk_maybe_converts {
	struct lk_convert items[LK_MAYBE_MAX];
};

enum lk_status lk_maybe_converts_init(struct lk_maybe_converts *c, struct lk_error *err) LK_CHECKED;

/* Whether a value, trimmed and not empty, fits. */
bool lk_maybe_fits(const struct lk_maybe_converts *c, int id, const char *s, size_t len);

/* The maybe that only takes day for month; LK_MAYBE_STRING when there is none. */
int lk_maybe_twin(int id);

/* Words for booleans: the word's number, or -1. Even numbers are true, the odd number that follows is its opposite. */
#define LK_BOOLEAN_WORDS 24
extern const char *const lk_boolean_words[LK_BOOLEAN_WORDS];
int lk_boolean_word(const char *s, size_t len);

/* Words for what is missing: the word's number, or -1. */
struct lk_null_word {
	const char *word;
	bool plain; /* means it wherever it stands */
};
#define LK_NULL_WORDS 26
extern const struct lk_null_word lk_null_words[LK_NULL_WORDS];
int lk_null_word(const char *s, size_t len);

#endif
