/*
 * Values as text and back: dates, times, timestamps and decimals.
 *
 * Days and microseconds count from 1970-01-01 in the proleptic Gregorian calendar, as Arrow, Parquet and Iceberg do.
 * The parsers take the whole of <s, len> or nothing: false means that it is not such a value, or out of range.
 */
#ifndef LK_BASE_VALUE_H
#define LK_BASE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LK_VALUE_TEXT 64 /* enough for any of the texts below, with the NUL */
#define LK_DAY_US INT64_C(86400000000)

typedef __int128 lk_int128;

int64_t lk_days_from_civil(int64_t year, unsigned month, unsigned day);
void lk_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);
/* Whether this day exists: 2023-02-29 does not. */
bool lk_civil_valid(int64_t year, unsigned month, unsigned day);

/* "2026-01-31", "23:59:59.5", "2026-01-31 23:59:59.5" and with zone "2026-01-31 23:59:59.5+00"; returns the length.
 * The fraction has 0 to 6 digits, as many as it needs. iso writes T and Z instead of blank and +00. */
size_t lk_date_text(int32_t days, char *out);
size_t lk_time_text(int64_t us, char *out);
size_t lk_timestamp_text(int64_t us, bool zone, bool iso, char *out);

/* ISO 8601 / RFC 3339 forms: YYYY-MM-DD; HH:MM[:SS[.f]]; date, then T or blank, then time, then nothing, Z, +HH:MM, +HHMM or +HH.
 * Where an offset is given the result is UTC and *zone true. More than 6 digits of fraction are cut. */
bool lk_date_parse(const char *s, size_t len, int32_t *days);
bool lk_time_parse(const char *s, size_t len, int64_t *us);
bool lk_timestamp_parse(const char *s, size_t len, int64_t *us, bool *zone);

/* Unscaled value of a decimal: "-12.50" with scale 2 is -1250. Exact: false when digits would be lost or precision
 * (1 to 38) is exceeded. Takes a sign, digits, a point and an exponent. */
bool lk_decimal_parse(const char *s, size_t len, int precision, int scale, lk_int128 *out);
size_t lk_decimal_text(lk_int128 value, int scale, char *out);

bool lk_int64_parse(const char *s, size_t len, int64_t *out);
/* Finite numbers, and nan, inf, infinity in any case with a sign. */
bool lk_float64_parse(const char *s, size_t len, double *out);
/* The shortest text that reads back as the same double. */
size_t lk_float64_text(double value, char *out);
size_t lk_int64_text(int64_t value, char *out);

#endif
