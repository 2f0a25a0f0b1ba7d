#include "source/convert.h"

#include <ctype.h>
#include <string.h>

#include "source/pattern.h"

bool lk_texts_have(const struct lk_texts *list, const char *s, size_t len)
{
	for (int i = 0; i < list->count; i++)
		if (list->items[i].len == len && !memcmp(list->items[i].data, s, len))
			return true;
	return false;
}

/* ---- forms of text ---- */

static bool is_email(const char *s, size_t len)
{
	const char *at = memchr(s, '@', len);

	return at && at > s && at + 1 < s + len && !memchr(at + 1, '@', (size_t)(s + len - at - 1)) &&
	       !memchr(s, ' ', len);
}

/* RFC 3986: scheme ":" and something after it, no blanks. */
static bool is_uri(const char *s, size_t len)
{
	size_t i = 0;

	if (!len || !isalpha((unsigned char)*s) || memchr(s, ' ', len))
		return false;
	while (i < len && (isalnum((unsigned char)s[i]) || strchr("+-.", s[i])))
		i++;
	return i < len && s[i] == ':' && i + 1 < len;
}

static bool is_uuid(const char *s, size_t len)
{
	if (len != 36)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	}
	return true;
}

static bool is_base64(const char *s, size_t len)
{
	size_t digits = 0, i = 0;

	for (; i < len && (isalnum((unsigned char)s[i]) || s[i] == '+' || s[i] == '/' || lk_is_white(s[i]));
		i++)
		digits += !lk_is_white(s[i]);
	for (; i < len && (s[i] == '=' || lk_is_white(s[i])); i++)
		digits += !lk_is_white(s[i]);
	return i == len && digits % 4 == 0;
}

static bool is_yearmonth(const char *s, size_t len)
{
	struct lk_moment moment;

	return len == 7 &&
	       lk_pattern_parse("%Y-%m-%d", (char[]){s[0], s[1], s[2], s[3], s[4], s[5], s[6], '-', '0', '1'},
		       10, &moment);
}

/* ---- from the standard's words ---- */

static const struct type {
	const char *name;
	enum lk_convert_kind kind;
	const char *noun;
	int parts; /* that a pattern must name; 0: has no formats */
} types[] = {
	{"string", LK_CONVERT_TEXT, "a text", 0},
	{"integer", LK_CONVERT_INTEGER, "an integer of 64 bits", 0},
	{"number", LK_CONVERT_NUMBER, "a number", 0},
	{"boolean", LK_CONVERT_BOOLEAN, "a boolean", 0},
	{"date", LK_CONVERT_DATE, "a date", LK_PATTERN_DATE},
	{"time", LK_CONVERT_TIME, "a time", LK_PATTERN_TIME},
	{"datetime", LK_CONVERT_DATETIME, "a date and time", LK_PATTERN_DATE},
	{"year", LK_CONVERT_YEAR, "a year", 0},
	{"yearmonth", LK_CONVERT_CHECKED, "a year and month", 0},
	{"duration", LK_CONVERT_TEXT, "a text", 0},
	{"geopoint", LK_CONVERT_TEXT, "a text", 0},
	{"geojson", LK_CONVERT_TEXT, "a text", 0},
	{"object", LK_CONVERT_TEXT, "a text", 0},
	{"array", LK_CONVERT_TEXT, "a text", 0},
	{"list", LK_CONVERT_TEXT, "a text", 0},
	{"any", LK_CONVERT_TEXT, "a text", 0},
};

static const struct form {
	const char *name, *noun;
	bool (*check)(const char *s, size_t len);
} forms[] = {
	{"email", "an email address", is_email},
	{"uri", "a URI", is_uri},
	{"uuid", "a UUID", is_uuid},
	{"binary", "base64", is_base64},
};

static bool init_string(struct lk_convert *c, const char *format, const char **problem)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!strcmp(format, forms[i].name)) {
			c->kind = LK_CONVERT_CHECKED;
			c->check = forms[i].check;
			c->noun = forms[i].noun;
			return true;
		}
	*problem = "must be default, email, uri, uuid or binary";
	return false;
}

static bool init_pattern(
	struct lk_convert *c, const struct type *type, const char *format, const char **problem)
{
	int parts = lk_pattern_parts(format);

	if (!strcmp(format, "any")) {
		c->any = true;
		return true;
	}
	if (parts < 0 || (parts & type->parts) != type->parts) {
		*problem =
			parts < 0
				? "must be default, any or a pattern of %Y %m %d %H %M %S %y %b %B %j %f %z %I %p %T %F"
				: "names too little for this type";
		return false;
	}
	c->pattern = format;
	c->zone = c->kind == LK_CONVERT_DATETIME && (parts & LK_PATTERN_ZONE);
	return true;
}

bool lk_convert_init(struct lk_convert *c, const char *name, const char *format, const char **problem)
{
	*c = (struct lk_convert){.decimal_char = '.', .bare = true};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const struct type *type = &types[i];

		if (strcmp(name, type->name))
			continue;
		c->kind = type->kind;
		c->noun = type->noun;
		c->check = type->kind == LK_CONVERT_CHECKED ? is_yearmonth : NULL;
		if (!strcmp(format, "default"))
			return true;
		if (type->parts)
			return init_pattern(c, type, format, problem);
		return strcmp(name, "string") || init_string(c, format, problem);
	}
	*problem = NULL;
	return false;
}

const char *lk_convert_type_name(size_t i)
{
	return i < sizeof(types) / sizeof(*types) ? types[i].name : NULL;
}

enum lk_type lk_convert_type(const struct lk_convert *c)
{
	switch (c->kind) {
	case LK_CONVERT_INTEGER:
		return LK_INT64;
	case LK_CONVERT_NUMBER:
		return LK_FLOAT64;
	case LK_CONVERT_DECIMAL:
		return LK_DECIMAL128;
	case LK_CONVERT_BOOLEAN:
		return LK_BOOL;
	case LK_CONVERT_DATE:
		return LK_DATE32;
	case LK_CONVERT_TIME:
		return LK_TIME64;
	case LK_CONVERT_DATETIME:
		return c->zone ? LK_TIMESTAMPTZ : LK_TIMESTAMP;
	case LK_CONVERT_YEAR:
		return LK_INT32;
	default:
		return LK_UTF8;
	}
}

/* ---- values ---- */

#define NUMBER_SIZE 400

/* Whether a byte can be part of a number, for values with something around it ("$12.50", "95 %"). */
static bool is_numeric(const struct lk_convert *c, char ch)
{
	return isdigit((unsigned char)ch) || ch == '-' || ch == '+' || ch == c->decimal_char ||
	       (c->group_char && ch == c->group_char);
}

/* The number in plain form: groups out, a point for the decimal character, and without what stands around it.
 * Points *s into `room` where that changes anything. */
static bool plain_number(const struct lk_convert *c, char room[NUMBER_SIZE], const char **s, size_t *len)
{
	size_t n = 0;

	if (!c->bare) {
		while (*len && !is_numeric(c, **s)) {
			++*s;
			--*len;
		}
		while (*len && !isdigit((unsigned char)(*s)[*len - 1]))
			--*len;
	}
	if (*len >= NUMBER_SIZE)
		return false;
	for (size_t i = 0; i < *len; i++) {
		if (c->group_char && (*s)[i] == c->group_char)
			continue;
		if ((*s)[i] == '.' && c->decimal_char != '.')
			return false;
		room[n++] = (*s)[i] == c->decimal_char ? '.' : (*s)[i];
	}
	*s = room;
	*len = n;
	return true;
}

static const int64_t powers_of_ten[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
	1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
	1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000};

/* Digits with at most one point and a minus, 18 of them at most: their value as if there were no point, and
 * how many stand after it. False when it is not so simple. */
static inline bool simple_number(const char *s, size_t len, int64_t *value, int *fraction)
{
	bool negative = len && *s == '-';
	size_t point = len;
	int digits = 0;
	int64_t v = 0;

	for (size_t i = negative; i < len; i++) {
		unsigned digit = (unsigned)(s[i] - '0');

		if (digit <= 9 && digits++ < 18)
			v = v * 10 + digit;
		else if (s[i] == '.' && point == len)
			point = i;
		else
			return false;
	}
	*fraction = point < len ? (int)(len - point - 1) : 0;
	*value = negative ? -v : v;
	return digits > 0;
}

/* Exact, so in one division: up to 15 digits and 10^22 are. */
static bool fast_float64(const char *s, size_t len, double *out)
{
	int64_t value;
	int fraction;

	if (!simple_number(s, len, &value, &fraction) || value > 999999999999999 || value < -999999999999999 ||
		(!value && *s == '-'))
		return false;
	*out = fraction ? (double)value / (double)powers_of_ten[fraction] : (double)value;
	return true;
}

static bool fast_int64(const char *s, size_t len, int64_t *out)
{
	int fraction;

	return simple_number(s, len, out, &fraction) && (!fraction && s[len - 1] != '.');
}

static bool fast_decimal(const struct lk_convert *c, const char *s, size_t len, lk_int128 *out)
{
	int fraction, missing;
	int64_t value;

	if (!simple_number(s, len, &value, &fraction))
		return false;
	missing = c->scale - fraction;
	if (missing < 0 || missing > 18 || c->precision > 18)
		return false;
	*out = (lk_int128)value * powers_of_ten[missing];
	return *out < powers_of_ten[c->precision] && *out > -powers_of_ten[c->precision];
}

static bool append_number(
	const struct lk_convert *c, const char *s, size_t len, struct lk_column *column, const char **reason)
{
	char room[NUMBER_SIZE];
	lk_int128 decimal;
	int64_t integer;
	double number;

	if ((!c->bare || c->group_char || c->decimal_char != '.') && !plain_number(c, room, &s, &len))
		return false;
	switch (c->kind) {
	case LK_CONVERT_INTEGER:
		if (!fast_int64(s, len, &integer) && !lk_int64_parse(s, len, &integer))
			return false;
		lk_column_int64(column, integer);
		return true;
	case LK_CONVERT_DECIMAL:
		if (!fast_decimal(c, s, len, &decimal) &&
			!lk_decimal_parse(s, len, c->precision, c->scale, &decimal)) {
			if (lk_float64_parse(s, len, &number))
				*reason = "does not fit the decimal's precision and scale";
			return false;
		}
		lk_column_decimal(column, decimal);
		return true;
	default:
		if (!fast_float64(s, len, &number) && !lk_float64_parse(s, len, &number))
			return false;
		lk_column_float64(column, number);
		return true;
	}
}

static bool append_boolean(const struct lk_convert *c, const char *s, size_t len, struct lk_column *column)
{
	bool value = lk_texts_have(&c->trues, s, len);

	if (!value && !lk_texts_have(&c->falses, s, len))
		return false;
	lk_column_bool(column, value);
	return true;
}

static bool append_date(const struct lk_convert *c, const char *s, size_t len, struct lk_column *column)
{
	struct lk_moment moment;
	int64_t us;
	int32_t days;
	bool zone;

	if (c->pattern) {
		if (!lk_pattern_parse(c->pattern, s, len, &moment))
			return false;
		days = (int32_t)moment.days;
	} else if (!lk_date_parse(s, len, &days)) {
		if (!c->any)
			return false;
		if (lk_compact_parse(s, len, &moment))
			days = (int32_t)moment.days;
		else if (len < 10 || !lk_timestamp_parse(s, len, &us, &zone) || !lk_date_parse(s, 10, &days))
			return false;
	}
	lk_column_int32(column, days);
	return true;
}

static bool append_time(const struct lk_convert *c, const char *s, size_t len, struct lk_column *column)
{
	struct lk_moment moment;
	int64_t us;

	if (c->pattern) {
		if (!lk_pattern_parse(c->pattern, s, len, &moment))
			return false;
		us = moment.us;
	} else if (!lk_time_parse(s, len, &us) && !(c->any && lk_compact_time(s, len, &us))) {
		return false;
	}
	lk_column_int64(column, us);
	return true;
}

/* A date and time as microseconds, UTC where it has an offset. */
static bool datetime_of(const struct lk_convert *c, const char *s, size_t len, int64_t *us, bool *zone)
{
	struct lk_moment moment;
	int32_t days;

	if (!c->pattern && lk_timestamp_parse(s, len, us, zone))
		return true;
	if (!c->pattern && c->any && lk_date_parse(s, len, &days)) {
		*us = days * LK_DAY_US;
		*zone = false;
		return true;
	}
	if (c->pattern ? !lk_pattern_parse(c->pattern, s, len, &moment)
		       : !c->any || !lk_compact_parse(s, len, &moment))
		return false;
	*us = moment.days * LK_DAY_US + moment.us - moment.offset;
	*zone = moment.has_offset;
	return true;
}

static bool append_datetime(
	const struct lk_convert *c, const char *s, size_t len, struct lk_column *column, const char **reason)
{
	int64_t us;
	bool zone;

	if (!datetime_of(c, s, len, &us, &zone))
		return false;
	if (zone && !c->zone) {
		*reason = "has an offset from UTC; the package must give the field an lk.timezone";
		return false;
	}
	lk_column_int64(column, zone ? us : us - c->zone_us);
	return true;
}

static bool append_year(const char *s, size_t len, struct lk_column *column)
{
	int64_t year;

	if (!lk_int64_parse(s, len, &year) || year < -9999 || year > 9999)
		return false;
	lk_column_int32(column, (int32_t)year);
	return true;
}

static bool append_typed(
	const struct lk_convert *c, const char *s, size_t len, struct lk_column *column, const char **reason)
{
	switch (c->kind) {
	case LK_CONVERT_BOOLEAN:
		return append_boolean(c, s, len, column);
	case LK_CONVERT_DATE:
		return append_date(c, s, len, column);
	case LK_CONVERT_TIME:
		return append_time(c, s, len, column);
	case LK_CONVERT_DATETIME:
		return append_datetime(c, s, len, column, reason);
	case LK_CONVERT_YEAR:
		return append_year(s, len, column);
	default:
		return append_number(c, s, len, column, reason);
	}
}

bool lk_convert_append(
	const struct lk_convert *c, const char *s, size_t len, struct lk_column *column, const char **reason)
{
	*reason = NULL;
	if (c->kind == LK_CONVERT_TEXT || (c->kind == LK_CONVERT_CHECKED && c->check(s, len))) {
		lk_column_bytes(column, s, len);
		return true;
	}
	if (c->kind == LK_CONVERT_CHECKED)
		return false;
	lk_text_trim(&s, &len);
	return append_typed(c, s, len, column, reason);
}
