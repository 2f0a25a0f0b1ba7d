/*
 * Dates and times by patterns of strptime's kind, without its locales and without a struct tm.
 *
 * %Y %m %d %e %j %y %b %B %h %H %I %p %M %S %f %z, %a %A (a weekday, which is not compared with the date), %T
 * (%H:%M:%S), %R (%H:%M), %F (%Y-%m-%d), %D (%m/%d/%y), %%; other characters stand for themselves, blanks for any
 * white space. Numbers take up to as many digits as they can have, so `%m/%d/%Y` reads 1/31/2026 too. Names are
 * English, of three letters or in full.
 */
#ifndef LK_SOURCE_PATTERN_H
#define LK_SOURCE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LK_PATTERN_LETTERS "%Y %m %d %H %M %S %y %b %B %j %f %z %I %p %a %A %e %h %T %R %F %D"

struct lk_moment {
	int64_t days;	/* since 1970-01-01 */
	int64_t us;	/* of the day */
	int64_t offset; /* microseconds east of UTC, where has_offset */
	bool has_offset;
	bool has_time; /* an hour at least */
};

/* Parts that a pattern names. */
enum lk_pattern_part {
	LK_PATTERN_DATE = 1, /* a whole date */
	LK_PATTERN_TIME = 2, /* an hour at least */
	LK_PATTERN_ZONE = 4,
};

/* Which parts a pattern names, or -1 when it is not one. */
int lk_pattern_parts(const char *pattern);

/* Takes the whole of <s, len> or nothing. A date that the pattern does not name is 1970-01-01, a time
 * midnight. */
bool lk_pattern_parse(const char *pattern, const char *s, size_t len, struct lk_moment *out);

/* The compact forms of HL7, and of ISO 8601 with a T: YYYYMMDD[[T]HH[MM[SS[.f]]]][+ZZZZ], and HH[MM[SS[.f]]] for lk_compact_time.
 * *has_time: more than a date. */
bool lk_compact_parse(const char *s, size_t len, struct lk_moment *out);
bool lk_compact_time(const char *s, size_t len, int64_t *us);

/* How much a partial date says. */
enum lk_precision {
	LK_PRECISION_YEAR,
	LK_PRECISION_MONTH,
	LK_PRECISION_DAY,
	LK_PRECISION_HOUR,
	LK_PRECISION_MINUTE,
	LK_PRECISION_SECOND,
};
extern const char *const lk_precision_names[]; /* "year" ... "second" */

/* Dates that may end early: YYYY[-MM[-DD[THH[:MM[:SS[.f]]][zone]]]], and with compact YYYY[MM[DD[HH[MM[SS[.f]]]]]][zone]
 * too. *out is the first moment of what is named. */
bool lk_partial_parse(const char *s, size_t len, bool compact, struct lk_moment *out, enum lk_precision *precision);

#endif
