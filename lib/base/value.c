#include "base/value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Civil calendar by eras of 400 years that start on March 1st, so that the leap day ends the year. */
int64_t lk_days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void lk_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day = (unsigned)(of_year - (153 * m + 2) / 5 + 1);
	*month = (unsigned)(m < 10 ? m + 3 : m - 9);
	*year = y + era * 400 + (*month <= 2);
}

bool lk_civil_valid(int64_t year, unsigned month, unsigned day)
{
	static const unsigned char lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= lengths[month - 1] + (unsigned)(month == 2 && leap);
}

static char *put_digits(char *p, unsigned value, int width)
{
	for (int i = width - 1; i >= 0; i--, value /= 10)
		p[i] = (char)('0' + value % 10);
	return p + width;
}

static char *put_date(char *p, int64_t days)
{
	int64_t year;
	unsigned month, day;

	lk_civil_from_days(days, &year, &month, &day);
	if (year >= 0 && year <= 9999)
		p = put_digits(p, (unsigned)year, 4);
	else
		p += snprintf(p, LK_VALUE_TEXT / 2, "%s%04lld", year < 0 ? "-" : "+", (long long)(year < 0 ? -year : year));
	*p++ = '-';
	p = put_digits(p, month, 2);
	*p++ = '-';
	return put_digits(p, day, 2);
}

static char *put_time(char *p, int64_t us)
{
	unsigned fraction = (unsigned)(us % 1000000);
	unsigned seconds = (unsigned)(us / 1000000);

	p = put_digits(p, seconds / 3600, 2);
	*p++ = ':';
	p = put_digits(p, seconds / 60 % 60, 2);
	*p++ = ':';
	p = put_digits(p, seconds % 60, 2);
	if (fraction) {
		*p++ = '.';
		p = put_digits(p, fraction, 6);
		while (p[-1] == '0')
			p--;
	}
	return p;
}

size_t lk_date_text(int32_t days, char *out)
{
	char *p = put_date(out, days);

	*p = '\0';
	return (size_t)(p - out);
}

size_t lk_time_text(int64_t us, char *out)
{
	char *p;

	if (us < 0 || us >= LK_DAY_US)
		return (size_t)snprintf(out, LK_VALUE_TEXT, "%lldus", (long long)us);
	p = put_time(out, us);
	*p = '\0';
	return (size_t)(p - out);
}

size_t lk_timestamp_text(int64_t us, bool zone, bool iso, char *out)
{
	int64_t days = us / LK_DAY_US - (us % LK_DAY_US < 0);
	const char *suffix = !zone ? "" : iso ? "Z" : "+00";
	size_t len = strlen(suffix);
	char *p = put_date(out, days);

	*p++ = iso ? 'T' : ' ';
	p = put_time(p, us - days * LK_DAY_US);
	memcpy(p, suffix, len + 1);
	return (size_t)(p - out) + len;
}

/* A cursor over <s, len> for the parsers. */
struct cursor {
	const char *p, *end;
};

static bool take_digits(struct cursor *c, int width, unsigned *out)
{
	if (c->end - c->p < width)
		return false;
	*out = 0;
	for (int i = 0; i < width; i++) {
		unsigned digit = (unsigned)(c->p[i] - '0');

		if (digit > 9)
			return false;
		*out = *out * 10 + digit;
	}
	c->p += width;
	return true;
}

static bool take_char(struct cursor *c, char wanted)
{
	if (c->p == c->end || *c->p != wanted)
		return false;
	c->p++;
	return true;
}

static bool take_date(struct cursor *c, int64_t *days)
{
	unsigned year, month, day;

	if (!take_digits(c, 4, &year) || !take_char(c, '-') || !take_digits(c, 2, &month) || !take_char(c, '-') ||
		!take_digits(c, 2, &day) || !lk_civil_valid(year, month, day))
		return false;
	*days = lk_days_from_civil(year, month, day);
	return true;
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

static bool take_time(struct cursor *c, int64_t *us)
{
	unsigned hour, minute, second = 0;
	int64_t fraction = 0;

	if (!take_digits(c, 2, &hour) || !take_char(c, ':') || !take_digits(c, 2, &minute))
		return false;
	if (take_char(c, ':')) {
		if (!take_digits(c, 2, &second))
			return false;
		if (take_char(c, '.') && !take_fraction(c, &fraction))
			return false;
	}
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*us = ((hour * 60 + minute) * INT64_C(60) + second) * 1000000 + fraction;
	return true;
}

static bool take_zone(struct cursor *c, int64_t *offset_us, bool *zone)
{
	unsigned hour, minute = 0;
	int sign;

	*offset_us = 0;
	*zone = c->p < c->end;
	if (!*zone || take_char(c, 'Z') || take_char(c, 'z'))
		return true;
	sign = take_char(c, '+') ? 1 : take_char(c, '-') ? -1 : 0;
	if (!sign || !take_digits(c, 2, &hour))
		return false;
	if (c->p < c->end) {
		take_char(c, ':');
		if (!take_digits(c, 2, &minute))
			return false;
	}
	if (hour > 18 || minute > 59)
		return false;
	*offset_us = sign * (int64_t)(hour * 60 + minute) * 60000000;
	return true;
}

bool lk_date_parse(const char *s, size_t len, int32_t *days)
{
	struct cursor c = {s, s + len};
	int64_t d;

	if (!take_date(&c, &d) || c.p != c.end)
		return false;
	*days = (int32_t)d;
	return true;
}

bool lk_time_parse(const char *s, size_t len, int64_t *us)
{
	struct cursor c = {s, s + len};

	return take_time(&c, us) && c.p == c.end;
}

bool lk_timestamp_parse(const char *s, size_t len, int64_t *us, bool *zone)
{
	struct cursor c = {s, s + len};
	int64_t days, time, offset;

	if (!take_date(&c, &days) || !(take_char(&c, 'T') || take_char(&c, ' ') || take_char(&c, 't')) ||
		!take_time(&c, &time) || !take_zone(&c, &offset, zone) || c.p != c.end)
		return false;
	*us = days * LK_DAY_US + time - offset;
	return true;
}

/* Adds a digit; false when the value would pass 38 digits. */
static bool push_digit(lk_int128 *value, int *digits, unsigned digit)
{
	if (*digits || digit)
		++*digits;
	if (*digits > 38)
		return false;
	*value = *value * 10 + digit;
	return true;
}

static bool take_exponent(struct cursor *c, int *exponent)
{
	int sign;

	*exponent = 0;
	if (c->p == c->end || (*c->p != 'e' && *c->p != 'E'))
		return true;
	c->p++;
	sign = take_char(c, '-') ? -1 : 1;
	if (sign > 0)
		take_char(c, '+');
	if (c->p == c->end)
		return false;
	for (; c->p < c->end && isdigit((unsigned char)*c->p); c->p++)
		if ((*exponent = *exponent * 10 + (*c->p - '0')) > 1000)
			return false;
	*exponent *= sign;
	return true;
}

bool lk_decimal_parse(const char *s, size_t len, int precision, int scale, lk_int128 *out)
{
	struct cursor c = {s, s + len};
	bool negative = take_char(&c, '-'), point = false, any = false;
	int digits = 0, fraction = 0, exponent, shift;
	lk_int128 value = 0;

	if (!negative)
		take_char(&c, '+');
	for (; c.p < c.end; c.p++) {
		if (*c.p == '.' && !point) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)*c.p))
			break;
		any = true;
		fraction += point;
		if (!push_digit(&value, &digits, (unsigned)(*c.p - '0')))
			return false;
	}
	if (!any || !take_exponent(&c, &exponent) || c.p != c.end)
		return false;
	shift = scale - fraction + exponent;
	for (; shift < 0 && value; shift++, value /= 10, digits--)
		if (value % 10)
			return false;
	for (; shift > 0 && value; shift--)
		if (!push_digit(&value, &digits, 0))
			return false;
	if (digits > precision)
		return false;
	*out = negative ? -value : value;
	return true;
}

size_t lk_decimal_text(lk_int128 value, int scale, char *out)
{
	char digits[48], *p = out;
	unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
	int n = 0;

	do
		digits[n++] = (char)('0' + (int)(rest % 10));
	while ((rest /= 10) || n <= scale);
	if (value < 0)
		*p++ = '-';
	while (n) {
		if (n == scale)
			*p++ = '.';
		*p++ = digits[--n];
	}
	*p = '\0';
	return (size_t)(p - out);
}

bool lk_int64_parse(const char *s, size_t len, int64_t *out)
{
	bool negative = len && *s == '-';
	uint64_t value = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	size_t i = len && (*s == '-' || *s == '+');

	if (i == len)
		return false;
	for (; i < len; i++) {
		unsigned digit = (unsigned)(s[i] - '0');

		if (digit > 9 || value > (limit - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = negative ? (int64_t)-value : (int64_t)value;
	return true;
}

bool lk_float64_parse(const char *s, size_t len, double *out)
{
	char text[400], *end;

	if (!len || len >= sizeof(text) || isspace((unsigned char)*s) || memchr(s, 'x', len) || memchr(s, 'X', len) ||
		memchr(s, '(', len) || memchr(s, '\0', len))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	errno = 0;
	*out = strtod(text, &end);
	return end == text + len && !(errno == ERANGE && isinf(*out));
}

size_t lk_float64_text(double value, char *out)
{
	int n = 0;

	if (isnan(value))
		return (size_t)snprintf(out, LK_VALUE_TEXT, "nan");
	if (isinf(value))
		return (size_t)snprintf(out, LK_VALUE_TEXT, "%s", value < 0 ? "-inf" : "inf");
	for (int precision = 15; precision <= 17; precision++) {
		n = snprintf(out, LK_VALUE_TEXT, "%.*g", precision, value);
		if (strtod(out, NULL) == value)
			break;
	}
	if (!strpbrk(out, ".e"))
		n += snprintf(out + n, LK_VALUE_TEXT - (size_t)n, ".0");
	return (size_t)n;
}

size_t lk_int64_text(int64_t value, char *out)
{
	return (size_t)snprintf(out, LK_VALUE_TEXT, "%lld", (long long)value);
}
