/*
 * Dates and times by patterns of strptime's kind, without its locales and without a struct tm.
 *
 * %Y %m %d %j %y %b %B %H %I %p %M %S %f %z, %T (%H:%M:%S), %F (%Y-%m-%d), %%; other characters stand for
 * themselves. Numbers take up to as many digits as they can have, so `%m/%d/%Y` reads 1/31/2026 too. Month
 * names are English, of three letters or in full.
 */
#ifndef LK_SOURCE_PATTERN_H
#define LK_SOURCE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lk_moment {
	int64_t days;	/* since 1970-01-01 */
	int64_t us;	/* of the day */
	int64_t offset; /* microseconds east of UTC, where has_offset */
	bool has_offset;
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

/* The compact forms of HL7: YYYYMMDD[HH[MM[SS[.f]]]][+ZZZZ], and HH[MM[SS[.f]]] for lk_compact_time.
 * *has_time: more than a date. */
bool lk_compact_parse(const char *s, size_t len, struct lk_moment *out);
bool lk_compact_time(const char *s, size_t len, int64_t *us);

#endif
