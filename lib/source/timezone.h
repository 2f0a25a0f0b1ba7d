/*
 * Time zones of the IANA database, as the system's zoneinfo has them: TZif files (RFC 8536), with the rule of their footer
 * for the years after their table.
 *
 * A zone is loaded once, from $TZDIR or /usr/share/zoneinfo, and constant afterwards; it lives in an arena. The C library's
 * own zone (TZ, tzset) is neither read nor changed.
 */
#ifndef LK_SOURCE_TIMEZONE_H
#define LK_SOURCE_TIMEZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct lk_timezone;

/* Whether text can be the name of a zone: words of letters, digits, `_ + -`, with slashes between them. */
bool lk_timezone_name(const char *name);

/* LK_CONFIG when there is no such zone, LK_MISSING without zoneinfo, LK_DATA when its file is damaged. */
enum lk_status lk_timezone_load(
	struct lk_arena *arena, const char *name, const struct lk_timezone **out, struct lk_error *err) LK_CHECKED;

/*
 * A local time as UTC, both in microseconds since 1970. A time that the clocks show twice is the first of the two. One
 * that they never show, as they were set forward over it, is false, with *us the moment at which they were.
 */
bool lk_timezone_utc(const struct lk_timezone *zone, int64_t local_us, int64_t *us);

/* How far east of UTC the zone's clocks are at a moment, in seconds. */
int64_t lk_timezone_offset(const struct lk_timezone *zone, int64_t utc_seconds);

#endif
