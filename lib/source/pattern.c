#include "source/pattern.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/value.h"

/* What was read so far; -1 where nothing was. */
struct parts {
	int year, month, day, day_of_year;
	int hour, minute, second, half; /* half: 0 am, 1 pm */
	int64_t fraction_us, offset_us;
	bool has_offset;
};

static const struct parts no_parts = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, false};

struct cursor {
	const char *p, *end;
};

/* 1 to max digits. */
static bool take_number(struct cursor *c, int max, int *out)
{
	int digits = 0;

	*out = 0;
	for (; digits < max && c->p < c->end && isdigit((unsigned char)*c->p); digits++)
		*out = *out * 10 + (*c->p++ - '0');
	return digits > 0;
}

static bool take_exactly(struct cursor *c, int digits, int *out)
{
	const char *start = c->p;

	return take_number(c, digits, out) && c->p - start == digits;
}

static bool take_fraction(struct cursor *c, int64_t *us)
{
	int64_t scale = 100000;
	const char *start = c->p;

	*us = 0;
	for (; c->p < c->end && isdigit((unsigned char)*c->p); c->p++, scale /= 10)
		*us += (*c->p - '0') * scale;
	return c->p > start;
}

/* One of the names, in full or its first three letters: *index from 1. */
static bool take_name(struct cursor *c, const char *const *names, int count, int *index)
{
	for (int i = 0; i < count; i++) {
		size_t left = (size_t)(c->end - c->p), full = strlen(names[i]);

		if (left < 3 || strncasecmp(c->p, names[i], 3))
			continue;
		c->p += left >= full && !strncasecmp(c->p, names[i], full) ? full : 3;
		*index = i + 1;
		return true;
	}
	return false;
}

static bool take_month(struct cursor *c, int *month)
{
	static const char *const names[] = {"january", "february", "march", "april", "may", "june", "july",
		"august", "september", "october", "november", "december"};

	return take_name(c, names, 12, month);
}

static bool take_weekday(struct cursor *c)
{
	static const char *const names[] = {
		"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
	int ignored;

	return take_name(c, names, 7, &ignored);
}

static bool take_white(struct cursor *c)
{
	const char *start = c->p;

	while (c->p < c->end && isspace((unsigned char)*c->p))
		c->p++;
	return c->p > start;
}

static bool take_half(struct cursor *c, int *half)
{
	if (c->end - c->p < 2 || tolower((unsigned char)c->p[1]) != 'm')
		return false;
	*half = tolower((unsigned char)c->p[0]) == 'p';
	if (!*half && tolower((unsigned char)c->p[0]) != 'a')
		return false;
	c->p += 2;
	return true;
}

/* Z, +HH, +HHMM, +HH:MM */
static bool take_offset(struct cursor *c, struct parts *parts)
{
	int sign, hour, minute = 0;

	parts->has_offset = true;
	parts->offset_us = 0;
	if (c->p < c->end && (*c->p == 'Z' || *c->p == 'z')) {
		c->p++;
		return true;
	}
	if (c->p == c->end || (*c->p != '+' && *c->p != '-'))
		return false;
	sign = *c->p++ == '-' ? -1 : 1;
	if (!take_exactly(c, 2, &hour))
		return false;
	if (c->p < c->end && (*c->p == ':' || isdigit((unsigned char)*c->p))) {
		c->p += *c->p == ':';
		if (!take_exactly(c, 2, &minute))
			return false;
	}
	if (hour > 18 || minute > 59)
		return false;
	parts->offset_us = sign * (int64_t)(hour * 60 + minute) * 60000000;
	return true;
}

static bool take(struct cursor *c, const char *pattern, struct parts *parts);

/* What a % and the letter stand for. */
static bool take_letter(struct cursor *c, char letter, struct parts *parts)
{
	switch (letter) {
	case 'Y':
		return take_exactly(c, 4, &parts->year);
	case 'y':
		if (!take_exactly(c, 2, &parts->year))
			return false;
		parts->year += parts->year < 69 ? 2000 : 1900;
		return true;
	case 'm':
		return take_number(c, 2, &parts->month);
	case 'b':
	case 'B':
	case 'h':
		return take_month(c, &parts->month);
	case 'a':
	case 'A':
		return take_weekday(c);
	case 'e':
		take_white(c);
		return take_number(c, 2, &parts->day);
	case 'd':
		return take_number(c, 2, &parts->day);
	case 'j':
		return take_number(c, 3, &parts->day_of_year);
	case 'H':
		return take_number(c, 2, &parts->hour);
	case 'I':
		return take_number(c, 2, &parts->hour) && parts->hour >= 1 && parts->hour <= 12;
	case 'p':
		return take_half(c, &parts->half);
	case 'M':
		return take_number(c, 2, &parts->minute);
	case 'S':
		return take_number(c, 2, &parts->second);
	case 'f':
		return take_fraction(c, &parts->fraction_us);
	case 'z':
		return take_offset(c, parts);
	case 'T':
		return take(c, "%H:%M:%S", parts);
	case 'R':
		return take(c, "%H:%M", parts);
	case 'F':
		return take(c, "%Y-%m-%d", parts);
	case 'D':
		return take(c, "%m/%d/%y", parts);
	default: /* %% */
		return c->p < c->end && *c->p++ == '%';
	}
}

static bool take(struct cursor *c, const char *pattern, struct parts *parts)
{
	for (; *pattern; pattern++) {
		if (*pattern == ' ') {
			while (pattern[1] == ' ')
				pattern++;
			if (!take_white(c))
				return false;
		} else if (*pattern == '%') {
			if (!take_letter(c, *++pattern, parts))
				return false;
		} else if (c->p == c->end || *c->p++ != *pattern) {
			return false;
		}
	}
	return true;
}

static bool date_of(const struct parts *parts, int64_t *days)
{
	*days = 0;
	if (parts->year < 0)
		return true;
	if (parts->day_of_year >= 0) {
		*days = lk_days_from_civil(parts->year, 1, 1) + parts->day_of_year - 1;
		return parts->day_of_year >= 1 && *days < lk_days_from_civil(parts->year + 1, 1, 1);
	}
	if (parts->month < 0 || parts->day < 0 ||
		!lk_civil_valid(parts->year, (unsigned)parts->month, (unsigned)parts->day))
		return false;
	*days = lk_days_from_civil(parts->year, (unsigned)parts->month, (unsigned)parts->day);
	return true;
}

static bool time_of(const struct parts *parts, int64_t *us)
{
	int hour = parts->hour < 0 ? 0 : parts->hour;
	int minute = parts->minute < 0 ? 0 : parts->minute;
	int second = parts->second < 0 ? 0 : parts->second;

	if (parts->half >= 0)
		hour = hour % 12 + 12 * parts->half;
	*us = ((hour * 60 + minute) * INT64_C(60) + second) * 1000000 + parts->fraction_us;
	return hour <= 23 && minute <= 59 && second <= 59;
}

static bool moment_of(const struct parts *parts, struct lk_moment *out)
{
	out->offset = parts->offset_us;
	out->has_offset = parts->has_offset;
	out->has_time = parts->hour >= 0;
	return date_of(parts, &out->days) && time_of(parts, &out->us);
}

bool lk_pattern_parse(const char *pattern, const char *s, size_t len, struct lk_moment *out)
{
	struct cursor c = {s, s + len};
	struct parts parts = no_parts;

	return take(&c, pattern, &parts) && c.p == c.end && moment_of(&parts, out);
}

int lk_pattern_parts(const char *pattern)
{
	bool year = false, month = false, day = false, day_of_year = false, hour = false, zone = false;

	for (; *pattern; pattern++) {
		if (*pattern != '%')
			continue;
		if (!*++pattern || !strchr("YymbBhdejHIpMSfzaATRFD%", *pattern))
			return -1;
		year |= strchr("YyFD", *pattern) != NULL;
		month |= strchr("mbBhFD", *pattern) != NULL;
		day |= strchr("deFD", *pattern) != NULL;
		day_of_year |= *pattern == 'j';
		hour |= strchr("HITR", *pattern) != NULL;
		zone |= *pattern == 'z';
	}
	return (year && (day_of_year || (month && day)) ? LK_PATTERN_DATE : 0) | (hour ? LK_PATTERN_TIME : 0) |
	       (zone ? LK_PATTERN_ZONE : 0);
}

/* HH[MM[SS[.f]]] as far as it goes. */
static bool take_compact_time(struct cursor *c, struct parts *parts)
{
	if (!take_exactly(c, 2, &parts->hour))
		return false;
	if (c->p == c->end || !isdigit((unsigned char)*c->p))
		return true;
	if (!take_exactly(c, 2, &parts->minute))
		return false;
	if (c->p == c->end || !isdigit((unsigned char)*c->p))
		return true;
	if (!take_exactly(c, 2, &parts->second))
		return false;
	if (c->p == c->end || *c->p != '.')
		return true;
	c->p++;
	return take_fraction(c, &parts->fraction_us);
}

bool lk_compact_parse(const char *s, size_t len, struct lk_moment *out)
{
	struct cursor c = {s, s + len};
	struct parts parts = no_parts;

	if (!take_exactly(&c, 4, &parts.year) || !take_exactly(&c, 2, &parts.month) ||
		!take_exactly(&c, 2, &parts.day))
		return false;
	if (c.p < c.end && (isdigit((unsigned char)*c.p) || *c.p == 'T')) {
		c.p += *c.p == 'T'; /* ISO 8601's basic form */
		if (!take_compact_time(&c, &parts))
			return false;
	}
	if (c.p < c.end && !take_offset(&c, &parts))
		return false;
	return c.p == c.end && moment_of(&parts, out);
}

bool lk_compact_time(const char *s, size_t len, int64_t *us)
{
	struct cursor c = {s, s + len};
	struct parts parts = no_parts;

	return take_compact_time(&c, &parts) && c.p == c.end && time_of(&parts, us);
}

/* ---- partial dates ---- */

const char *const lk_precision_names[] = {"year", "month", "day", "hour", "minute", "second"};

static bool take_if(struct cursor *c, char wanted)
{
	if (c->p == c->end || *c->p != wanted)
		return false;
	c->p++;
	return true;
}

static bool at_digit(const struct cursor *c)
{
	return c->p < c->end && isdigit((unsigned char)*c->p);
}

/* THH[:MM[:SS[.f]]] */
static bool take_iso_time(struct cursor *c, struct parts *parts)
{
	if (!take_exactly(c, 2, &parts->hour))
		return false;
	if (!take_if(c, ':'))
		return true;
	if (!take_exactly(c, 2, &parts->minute))
		return false;
	if (!take_if(c, ':'))
		return true;
	if (!take_exactly(c, 2, &parts->second))
		return false;
	return !take_if(c, '.') || take_fraction(c, &parts->fraction_us);
}

/* What follows the year. */
static bool take_iso(struct cursor *c, struct parts *parts)
{
	if (!take_if(c, '-'))
		return true;
	if (!take_exactly(c, 2, &parts->month))
		return false;
	if (!take_if(c, '-'))
		return true;
	if (!take_exactly(c, 2, &parts->day))
		return false;
	if (!take_if(c, 'T') && !take_if(c, ' '))
		return true;
	return take_iso_time(c, parts);
}

static bool take_compact(struct cursor *c, struct parts *parts)
{
	return take_exactly(c, 2, &parts->month) &&
	       (!at_digit(c) || (take_exactly(c, 2, &parts->day) && (!at_digit(c) || take_compact_time(c, parts))));
}

bool lk_partial_parse(const char *s, size_t len, bool compact, struct lk_moment *out, enum lk_precision *precision)
{
	struct cursor c = {s, s + len};
	struct parts parts = no_parts;

	if (!take_exactly(&c, 4, &parts.year))
		return false;
	if (compact && at_digit(&c) ? !take_compact(&c, &parts) : !take_iso(&c, &parts))
		return false;
	if (c.p < c.end && (parts.hour >= 0 || compact) && !take_offset(&c, &parts))
		return false;
	*precision = parts.month < 0    ? LK_PRECISION_YEAR
		     : parts.day < 0    ? LK_PRECISION_MONTH
		     : parts.hour < 0   ? LK_PRECISION_DAY
		     : parts.minute < 0 ? LK_PRECISION_HOUR
		     : parts.second < 0 ? LK_PRECISION_MINUTE
					: LK_PRECISION_SECOND;
	parts.month = parts.month < 0 ? 1 : parts.month;
	parts.day = parts.day < 0 ? 1 : parts.day;
	return c.p == c.end && moment_of(&parts, out);
}
