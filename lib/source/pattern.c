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

static bool take_month(struct cursor *c, int *month)
{
	static const char *const names[] = {"january", "february", "march", "april", "may", "june", "july",
		"august", "september", "october", "november", "december"};

	for (int i = 0; i < 12; i++) {
		size_t left = (size_t)(c->end - c->p), full = strlen(names[i]);

		if (left < 3 || strncasecmp(c->p, names[i], 3))
			continue;
		c->p += left >= full && !strncasecmp(c->p, names[i], full) ? full : 3;
		*month = i + 1;
		return true;
	}
	return false;
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

static bool take(struct cursor *c, const char *pattern, struct parts *parts)
{
	for (; *pattern; pattern++) {
		bool good = true;

		if (*pattern != '%') {
			if (c->p == c->end || *c->p++ != *pattern)
				return false;
			continue;
		}
		switch (*++pattern) {
		case 'Y':
			good = take_exactly(c, 4, &parts->year);
			break;
		case 'y':
			good = take_exactly(c, 2, &parts->year);
			parts->year += parts->year < 69 ? 2000 : 1900;
			break;
		case 'm':
			good = take_number(c, 2, &parts->month);
			break;
		case 'b':
		case 'B':
			good = take_month(c, &parts->month);
			break;
		case 'd':
			good = take_number(c, 2, &parts->day);
			break;
		case 'j':
			good = take_number(c, 3, &parts->day_of_year);
			break;
		case 'H':
		case 'I':
			good = take_number(c, 2, &parts->hour) &&
			       (*pattern == 'H' || (parts->hour >= 1 && parts->hour <= 12));
			break;
		case 'p':
			good = take_half(c, &parts->half);
			break;
		case 'M':
			good = take_number(c, 2, &parts->minute);
			break;
		case 'S':
			good = take_number(c, 2, &parts->second);
			break;
		case 'f':
			good = take_fraction(c, &parts->fraction_us);
			break;
		case 'z':
			good = take_offset(c, parts);
			break;
		case 'T':
			good = take(c, "%H:%M:%S", parts);
			break;
		case 'F':
			good = take(c, "%Y-%m-%d", parts);
			break;
		case '%':
			good = c->p < c->end && *c->p++ == '%';
			break;
		}
		if (!good)
			return false;
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
		if (!*++pattern || !strchr("YymbBdjHIpMSfzTF%", *pattern))
			return -1;
		year |= strchr("YyF", *pattern) != NULL;
		month |= strchr("mbBF", *pattern) != NULL;
		day |= strchr("dF", *pattern) != NULL;
		day_of_year |= *pattern == 'j';
		hour |= strchr("HIT", *pattern) != NULL;
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
	if (c.p < c.end && isdigit((unsigned char)*c.p) && !take_compact_time(&c, &parts))
		return false;
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
