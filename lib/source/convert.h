/*
 * Conversion: the text of one value to its typed column, as a field of a data package says (lk-source(5),
 * Types).
 *
 * A conversion is made once, when the package is loaded, and is constant afterwards. What it points to
 * belongs to whoever made it.
 */
#ifndef LK_SOURCE_CONVERT_H
#define LK_SOURCE_CONVERT_H

#include <stdbool.h>

#include "source/pattern.h"
#include "stream/build.h"

struct lk_timezone;

enum lk_convert_kind {
	LK_CONVERT_TEXT,    /* as it stands */
	LK_CONVERT_CHECKED, /* text that must have a form, see `check` */
	LK_CONVERT_LIST,    /* text: items with a delimiter between them */
	LK_CONVERT_INTEGER,
	LK_CONVERT_NUMBER,
	LK_CONVERT_DECIMAL,
	LK_CONVERT_BOOLEAN,
	LK_CONVERT_DATE,
	LK_CONVERT_TIME,
	LK_CONVERT_DATETIME,
	LK_CONVERT_YEAR,
};

/* A list of texts with their lengths. */
struct lk_text {
	const char *data;
	size_t len;
};
struct lk_texts {
	struct lk_text *items;
	int count;
};

/* Which constraints of the standard a type takes, beside required, unique and enum. */
enum lk_convert_takes {
	LK_TAKES_LENGTH = 1,  /* minLength, maxLength: characters, or items where `json` or a list */
	LK_TAKES_ORDER = 2,   /* minimum, maximum and their exclusive twins */
	LK_TAKES_PATTERN = 4, /* pattern */
};

struct lk_convert {
	enum lk_convert_kind kind;
	bool (*check)(const char *s, size_t len); /* LK_CONVERT_CHECKED */
	const char *noun;			  /* what it is not, when it does not fit: "a date" */
	const char *pattern;			  /* of strptime's kind; NULL for ISO 8601 */
	bool any;				  /* the compact forms too */
	bool partial;				  /* values that name a year, a month, ... fit too */
	bool zone;				  /* LK_CONVERT_DATETIME: an instant */
	int64_t zone_us;			  /* east of UTC: where values without an offset are, */
	const struct lk_timezone *timezone;	  /* or the time zone; NULL for zone_us */
	int precision, scale;			  /* LK_CONVERT_DECIMAL */
	struct lk_text decimal, group;		  /* decimal character; group of length 0: none */
	bool bare;				  /* numbers stand alone; else what is around them goes */
	struct lk_texts trues, falses;
	struct lk_text delimiter; /* LK_CONVERT_LIST */
	const struct lk_convert *item;
	bool json;	  /* the text is JSON */
	bool keeps_white; /* blanks around a value are part of it */
	unsigned takes; /* enum lk_convert_takes */
};

/* The value of a type whose values do not stay text. */
struct lk_scalar {
	union {
		int64_t integer; /* integers, booleans, days, microseconds, years */
		double number;
		lk_int128 decimal;
	};
	enum lk_precision precision; /* of a partial date or datetime */
};

/* The column's type. */
enum lk_type lk_convert_type(const struct lk_convert *c);

/* Appends the value of <s, len> to the column. False, with nothing appended, when it does not fit; *reason
 * then says more than that, or is NULL where "is not NOUN" is all. The text must be valid UTF-8 without
 * NUL. */
bool lk_convert_append(
	const struct lk_convert *c, const char *s, size_t len, struct lk_column *column, const char **reason);

/* The same in two steps: whether it fits, with its value where the type has scalars, and its appending. */
bool lk_convert_scalar(const struct lk_convert *c, const char *s, size_t len, struct lk_scalar *out, const char **reason);
void lk_convert_put(const struct lk_convert *c, const char *s, size_t len, const struct lk_scalar *value,
	struct lk_column *column);

/* The conversion of a type of the Table Schema standard and its format: kind, check, noun, pattern, any, takes, with the
 * standard's defaults for all else; a list's items are texts between commas.
 * false when there is no such type (*problem is NULL) or the format does not suit it (*problem says why). */
bool lk_convert_init(struct lk_convert *c, const char *type, const char *format, const char **problem);

/* The name of the i-th type; NULL behind the last. */
const char *lk_convert_type_name(size_t i);

/* Whether text is in the list. */
bool lk_texts_have(const struct lk_texts *list, const char *s, size_t len);

/* Whether the column holds the text itself. */
static inline bool lk_convert_is_text(const struct lk_convert *c)
{
	return c->kind <= LK_CONVERT_LIST;
}

static inline bool lk_is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes blanks, tabs and line ends off both ends. */
static inline void lk_text_trim(const char **s, size_t *len)
{
	while (*len && lk_is_white(**s)) {
		++*s;
		--*len;
	}
	while (*len && lk_is_white((*s)[*len - 1]))
		--*len;
}

#endif
