#include "source/convert.h"

#include <ctype.h>
#include <string.h>

#include "source/form.h"
#include "source/timezone.h"

bool lk_texts_have(const struct lk_texts *list, const char *s, size_t len)
{
	for (int i = 0; i < list->count; i++)
		if (list->items[i].len == len && !memcmp(list->items[i].data, s, len))
			return true;
	return false;
}

/* ---- from the standard's words ---- */

#define COUNTED LK_TAKES_LENGTH
#define ORDERED LK_TAKES_ORDER

static const struct type {
	const char *name;
	enum lk_convert_kind kind;
	const char *noun;
	unsigned takes;
	int parts; /* that a pattern must name; 0: patterns are no formats of it */
} types[] = {
	{"string", LK_CONVERT_TEXT, "a text", LK_TAKES_LENGTH | LK_TAKES_PATTERN, 0},
	{"integer", LK_CONVERT_INTEGER, "an integer of 64 bits", ORDERED, 0},
	{"number", LK_CONVERT_NUMBER, "a number", ORDERED, 0},
	{"boolean", LK_CONVERT_BOOLEAN, "a boolean", 0, 0},
	{"date", LK_CONVERT_DATE, "a date", ORDERED, LK_PATTERN_DATE},
	{"time", LK_CONVERT_TIME, "a time", ORDERED, LK_PATTERN_TIME},
	{"datetime", LK_CONVERT_DATETIME, "a date and time", ORDERED, LK_PATTERN_DATE},
	{"year", LK_CONVERT_YEAR, "a year", ORDERED, 0},
	{"yearmonth", LK_CONVERT_CHECKED, "a year and month", ORDERED, 0},
	{"duration", LK_CONVERT_CHECKED, "a duration", ORDERED, 0},
	{"geopoint", LK_CONVERT_CHECKED, "a longitude and latitude", 0, 0},
	{"geojson", LK_CONVERT_CHECKED, "GeoJSON", 0, 0},
	{"object", LK_CONVERT_CHECKED, "a JSON object", COUNTED, 0},
	{"array", LK_CONVERT_CHECKED, "a JSON array", COUNTED, 0},
	{"list", LK_CONVERT_LIST, "a list", COUNTED, 0},
	{"any", LK_CONVERT_TEXT, "a text", 0, 0},
};

/* Formats whose values stay text. */
static const struct form {
	const char *type, *format, *noun;
	bool (*check)(const char *s, size_t len);
	bool json;
} forms[] = {
	{"string", "email", "an email address", lk_form_email, false},
	{"string", "uri", "a URI", lk_form_uri, false},
	{"string", "uuid", "a UUID", lk_form_uuid, false},
	{"string", "binary", "base64", lk_form_base64, false},
	{"yearmonth", "default", NULL, lk_form_yearmonth, false},
	{"duration", "default", NULL, lk_form_duration, false},
	{"geopoint", "default", NULL, lk_form_geopoint, false},
	{"geopoint", "array", "a JSON array of longitude and latitude", lk_form_geopoint_array, true},
	{"geopoint", "object", "a JSON object of lon and lat", lk_form_geopoint_object, true},
	{"geojson", "default", NULL, lk_form_geojson, true},
	{"geojson", "topojson", "TopoJSON", lk_form_topojson, true},
	{"object", "default", NULL, lk_form_object, true},
	{"array", "default", NULL, lk_form_array, true},
};

static bool init_form(struct lk_convert *c, const char *type, const char *format)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (strcmp(type, forms[i].type) || strcmp(format, forms[i].format))
			continue;
		c->kind = LK_CONVERT_CHECKED;
		c->check = forms[i].check;
		c->json = forms[i].json;
		if (forms[i].noun)
			c->noun = forms[i].noun;
		return true;
	}
	return false;
}

static bool init_pattern(struct lk_convert *c, const struct type *type, const char *format, const char **problem)
{
	int parts;

	if (!strcmp(format, "any")) {
		c->any = true;
		return true;
	}
	format += strncmp(format, "fmt:", 4) ? 0 : 4; /* as the standard's first drafts wrote them */
	parts = lk_pattern_parts(format);
	if (parts < 0 || (parts & type->parts) != type->parts) {
		*problem = parts < 0 ? "must be default, any or a pattern of " LK_PATTERN_LETTERS
				     : "names too little for this type";
		return false;
	}
	c->pattern = format;
	c->zone = c->kind == LK_CONVERT_DATETIME && (parts & LK_PATTERN_ZONE);
	return true;
}

static const char *formats_of(const char *type)
{
	return !strcmp(type, "string")	   ? "must be default, email, uri, uuid or binary"
	       : !strcmp(type, "geopoint") ? "must be default, array or object"
	       : !strcmp(type, "geojson")  ? "must be default or topojson"
					   : "must be default: this type has no other formats";
}

bool lk_convert_init(struct lk_convert *c, const char *name, const char *format, const char **problem)
{
	static struct lk_text trues[] = {{"true", 4}, {"True", 4}, {"TRUE", 4}, {"1", 1}};
	static struct lk_text falses[] = {{"false", 5}, {"False", 5}, {"FALSE", 5}, {"0", 1}};
	static const struct lk_convert text = {.kind = LK_CONVERT_TEXT, .noun = "a text", .keeps_white = true};

	*c = (struct lk_convert){.decimal = {".", 1}, .bare = true, .trues = {trues, 4}, .falses = {falses, 4},
		.delimiter = {",", 1}, .item = &text};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const struct type *type = &types[i];

		if (strcmp(name, type->name))
			continue;
		c->kind = type->kind;
		c->noun = type->noun;
		c->takes = type->takes;
		c->keeps_white = c->kind == LK_CONVERT_TEXT || c->kind == LK_CONVERT_LIST;
		if (init_form(c, name, format) || !strcmp(format, "default"))
			return true;
		if (type->parts)
			return init_pattern(c, type, format, problem);
		*problem = formats_of(name);
		return false;
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

static bool begins(const char *s, size_t len, const struct lk_text *with)
{
	return with->len && len >= with->len && !memcmp(s, with->data, with->len);
}

/* Whether a number may begin here, for values with something around it ("$12.50", "95 %"). */
static bool is_numeric(const struct lk_convert *c, const char *s, size_t len)
{
	return isdigit((unsigned char)*s) || *s == '-' || *s == '+' || begins(s, len, &c->decimal) ||
	       begins(s, len, &c->group);
}

/* The standard's words for what is not finite: in this form only. */
static bool is_infinite_word(const char *s, size_t len)
{
	return len >= 3 && len <= 4 && (!memcmp(s + len - 3, "INF", 3) || (len == 3 && !memcmp(s, "NaN", 3))) &&
	       (len == 3 || *s == '-');
}

/* The number in plain form: groups out, a point for the decimal character, and without what stands around it.
 * Points *s into `room` where that changes anything. */
static bool plain_number(const struct lk_convert *c, char room[NUMBER_SIZE], const char **s, size_t *len)
{
	size_t n = 0;

	if (!c->bare && !is_infinite_word(*s, *len)) {
		while (*len && !is_numeric(c, *s, *len)) {
			++*s;
			--*len;
		}
		while (*len && !isdigit((unsigned char)(*s)[*len - 1]))
			--*len;
	}
	if (*len >= NUMBER_SIZE)
		return false;
	for (size_t i = 0; i < *len;) {
		if (begins(*s + i, *len - i, &c->group)) {
			i += c->group.len;
		} else if (begins(*s + i, *len - i, &c->decimal)) {
			i += c->decimal.len;
			room[n++] = '.';
		} else if ((*s)[i] == '.') {
			return false;
		} else {
			room[n++] = (*s)[i++];
		}
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

/* Numbers as the standard writes them: "nan", "Infinity" and what else strtod takes are none. */
static bool slow_float64(const char *s, size_t len, double *out)
{
	bool sign = len && (*s == '-' || *s == '+');
	char first = len > sign ? s[sign] : '\0';

	return (isdigit((unsigned char)first) || first == '.' || is_infinite_word(s, len)) && lk_float64_parse(s, len, out);
}

static bool number_of(
	const struct lk_convert *c, const char *s, size_t len, struct lk_scalar *out, const char **reason)
{
	char room[NUMBER_SIZE];
	double number;

	if ((!c->bare || c->group.len || c->decimal.len != 1 || *c->decimal.data != '.') &&
		!plain_number(c, room, &s, &len))
		return false;
	switch (c->kind) {
	case LK_CONVERT_INTEGER:
		return fast_int64(s, len, &out->integer) || lk_int64_parse(s, len, &out->integer);
	case LK_CONVERT_DECIMAL:
		if (fast_decimal(c, s, len, &out->decimal) ||
			lk_decimal_parse(s, len, c->precision, c->scale, &out->decimal))
			return true;
		if (slow_float64(s, len, &number))
			*reason = "does not fit the decimal's precision and scale";
		return false;
	default:
		return fast_float64(s, len, &out->number) || slow_float64(s, len, &out->number);
	}
}

static bool boolean_of(const struct lk_convert *c, const char *s, size_t len, struct lk_scalar *out)
{
	out->integer = lk_texts_have(&c->trues, s, len);
	return out->integer || lk_texts_have(&c->falses, s, len);
}

static bool date_of(const struct lk_convert *c, const char *s, size_t len, struct lk_scalar *out)
{
	struct lk_moment moment;
	int64_t us;
	int32_t days;
	bool zone;

	out->precision = LK_PRECISION_DAY;
	if (c->pattern) {
		if (!lk_pattern_parse(c->pattern, s, len, &moment))
			return false;
		days = (int32_t)moment.days;
	} else if (!lk_date_parse(s, len, &days)) {
		if (c->partial && lk_partial_parse(s, len, c->any, &moment, &out->precision) &&
			(c->any || out->precision <= LK_PRECISION_DAY)) {
			days = (int32_t)moment.days;
			if (out->precision > LK_PRECISION_DAY)
				out->precision = LK_PRECISION_DAY;
		} else if (!c->any) {
			return false;
		} else if (lk_compact_parse(s, len, &moment)) {
			days = (int32_t)moment.days;
		} else if (len < 10 || !lk_timestamp_parse(s, len, &us, &zone) || !lk_date_parse(s, 10, &days)) {
			return false;
		}
	}
	out->integer = days;
	return true;
}

/* A time by the standard has seconds; "any" takes it without. */
static bool time_of(const struct lk_convert *c, const char *s, size_t len, struct lk_scalar *out, const char **reason)
{
	struct lk_moment moment;

	if (c->pattern) {
		if (!lk_pattern_parse(c->pattern, s, len, &moment))
			return false;
		out->integer = moment.us;
		return true;
	}
	if (lk_time_parse(s, len, &out->integer)) {
		if (!c->any && len < 8)
			*reason = "has no seconds, which only the format any takes";
		return c->any || len >= 8;
	}
	return c->any && lk_compact_time(s, len, &out->integer);
}

/* What a date and time says. */
struct instant {
	int64_t us;
	bool zone;     /* us is UTC, else local */
	bool has_time; /* more than a date */
};

/* 24:00:00 ends a day (XML Schema 1.1, 3.3.7.1). */
static bool end_of_day(const char *s, size_t len, struct instant *out)
{
	char text[LK_VALUE_TEXT];

	if (len < 19 || len >= sizeof(text) || memcmp(s + 11, "24:00:00", 8))
		return false;
	memcpy(text, s, len);
	text[11] = text[12] = '0';
	if (!lk_timestamp_parse(text, len, &out->us, &out->zone))
		return false;
	out->us += LK_DAY_US;
	return true;
}

static bool iso_of(const struct lk_convert *c, const char *s, size_t len, struct instant *out, const char **reason)
{
	if (!lk_timestamp_parse(s, len, &out->us, &out->zone))
		return end_of_day(s, len, out);
	if (c->any || (len >= 19 && s[16] == ':'))
		return true;
	*reason = "has no seconds, which only the format any and lk.partial take";
	return false;
}

static void of_moment(const struct lk_moment *moment, struct instant *out)
{
	out->us = moment->days * LK_DAY_US + moment->us - moment->offset;
	out->zone = moment->has_offset;
	out->has_time = moment->has_time;
}

static bool instant_of(const struct lk_convert *c, const char *s, size_t len, struct instant *out,
	enum lk_precision *precision, const char **reason)
{
	struct lk_moment moment;
	int32_t days;

	out->has_time = true;
	*precision = LK_PRECISION_SECOND;
	if (c->pattern || c->partial) {
		if (c->pattern ? !lk_pattern_parse(c->pattern, s, len, &moment)
			       : !lk_partial_parse(s, len, c->any, &moment, precision))
			return false;
		of_moment(&moment, out);
		return true;
	}
	if (iso_of(c, s, len, out, reason))
		return true;
	if (!c->any)
		return false;
	if (lk_date_parse(s, len, &days)) {
		*out = (struct instant){.us = days * LK_DAY_US};
		return true;
	}
	if (!lk_compact_parse(s, len, &moment))
		return false;
	of_moment(&moment, out);
	return true;
}

/* A local time as UTC. A day that begins with a jump of the clocks begins where they land. */
static bool to_utc(const struct lk_convert *c, const struct instant *instant, int64_t *us, const char **reason)
{
	if (!c->timezone) {
		*us = instant->us - c->zone_us;
		return true;
	}
	if (lk_timezone_utc(c->timezone, instant->us, us) || !instant->has_time)
		return true;
	*reason = "is no time in its zone: the clocks were set forward over it";
	return false;
}

static bool datetime_of(
	const struct lk_convert *c, const char *s, size_t len, struct lk_scalar *out, const char **reason)
{
	struct instant instant;

	if (!instant_of(c, s, len, &instant, &out->precision, reason))
		return false;
	if (instant.zone && !c->zone) {
		*reason = "has an offset from UTC; the package must give the field an lk.timezone";
		return false;
	}
	out->integer = instant.us;
	return instant.zone || to_utc(c, &instant, &out->integer, reason);
}

/* Four digits, and a minus for years before the first. */
static bool year_of(const char *s, size_t len, struct lk_scalar *out)
{
	return len == 4 + (size_t)(len && *s == '-') && isdigit((unsigned char)s[len - 4]) &&
	       lk_int64_parse(s, len, &out->integer);
}

static bool list_fits(const struct lk_convert *c, const char *s, size_t len, const char **reason)
{
	const char *end = s + len;

	if (c->item->kind == LK_CONVERT_TEXT)
		return true;
	for (;;) {
		const char *stop = memmem(s, (size_t)(end - s), c->delimiter.data, c->delimiter.len);
		struct lk_scalar ignored;

		if (!lk_convert_scalar(c->item, s, (size_t)((stop ? stop : end) - s), &ignored, reason)) {
			*reason = "is a list with an item of another type";
			return false;
		}
		if (!stop)
			return true;
		s = stop + c->delimiter.len;
	}
}

static bool text_fits(const struct lk_convert *c, const char *s, size_t len, const char **reason)
{
	return c->kind == LK_CONVERT_TEXT || (c->kind == LK_CONVERT_CHECKED ? c->check(s, len) : list_fits(c, s, len, reason));
}

static inline bool scalar_of(
	const struct lk_convert *c, const char *s, size_t len, struct lk_scalar *out, const char **reason)
{
	switch (c->kind) {
	case LK_CONVERT_BOOLEAN:
		return boolean_of(c, s, len, out);
	case LK_CONVERT_DATE:
		return date_of(c, s, len, out);
	case LK_CONVERT_TIME:
		return time_of(c, s, len, out, reason);
	case LK_CONVERT_DATETIME:
		return datetime_of(c, s, len, out, reason);
	case LK_CONVERT_YEAR:
		return year_of(s, len, out);
	default:
		return number_of(c, s, len, out, reason);
	}
}

bool lk_convert_scalar(const struct lk_convert *c, const char *s, size_t len, struct lk_scalar *out, const char **reason)
{
	*reason = NULL;
	if (lk_convert_is_text(c))
		return text_fits(c, s, len, reason);
	lk_text_trim(&s, &len);
	return scalar_of(c, s, len, out, reason);
}

static inline void put_scalar(const struct lk_convert *c, const struct lk_scalar *value, struct lk_column *column)
{
	switch (c->kind) {
	case LK_CONVERT_NUMBER:
		lk_column_float64(column, value->number);
		break;
	case LK_CONVERT_DECIMAL:
		lk_column_decimal(column, value->decimal);
		break;
	case LK_CONVERT_BOOLEAN:
		lk_column_bool(column, value->integer);
		break;
	case LK_CONVERT_DATE:
	case LK_CONVERT_YEAR:
		lk_column_int32(column, (int32_t)value->integer);
		break;
	default:
		lk_column_int64(column, value->integer);
		break;
	}
}

void lk_convert_put(const struct lk_convert *c, const char *s, size_t len, const struct lk_scalar *value,
	struct lk_column *column)
{
	if (lk_convert_is_text(c))
		lk_column_bytes(column, s, len);
	else
		put_scalar(c, value, column);
}

bool lk_convert_append(
	const struct lk_convert *c, const char *s, size_t len, struct lk_column *column, const char **reason)
{
	struct lk_scalar value;

	*reason = NULL;
	if (lk_convert_is_text(c)) {
		if (c->kind != LK_CONVERT_TEXT && !text_fits(c, s, len, reason))
			return false;
		lk_column_bytes(column, s, len);
		return true;
	}
	lk_text_trim(&s, &len);
	if (!scalar_of(c, s, len, &value, reason))
		return false;
	put_scalar(c, &value, column);
	return true;
}
