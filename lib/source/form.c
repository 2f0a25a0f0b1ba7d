#include "source/form.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/value.h"
#include "source/convert.h"

/* ---- strings ---- */

bool lk_form_email(const char *s, size_t len)
{
	const char *at = memchr(s, '@', len);

	return at && at > s && at + 1 < s + len && !memchr(at + 1, '@', (size_t)(s + len - at - 1)) &&
	       !memchr(s, ' ', len);
}

/* Scheme ":" and something after it, no blanks. */
bool lk_form_uri(const char *s, size_t len)
{
	size_t i = 0;

	if (!len || !isalpha((unsigned char)*s) || memchr(s, ' ', len))
		return false;
	while (i < len && (isalnum((unsigned char)s[i]) || strchr("+-.", s[i])))
		i++;
	return i < len && s[i] == ':' && i + 1 < len;
}

bool lk_form_uuid(const char *s, size_t len)
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

bool lk_form_base64(const char *s, size_t len)
{
	size_t digits = 0, i = 0;

	for (; i < len && (isalnum((unsigned char)s[i]) || s[i] == '+' || s[i] == '/' || lk_is_white(s[i]));
		i++)
		digits += !lk_is_white(s[i]);
	for (; i < len && (s[i] == '=' || lk_is_white(s[i])); i++)
		digits += !lk_is_white(s[i]);
	return i == len && digits % 4 == 0;
}

bool lk_form_yearmonth(const char *s, size_t len)
{
	int month;

	if (len != 7 || s[4] != '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (i != 4 && !isdigit((unsigned char)s[i]))
			return false;
	month = (s[5] - '0') * 10 + s[6] - '0';
	return month >= 1 && month <= 12;
}

/* ---- durations ---- */

/* Digits, and a fraction in millionths where there is one. */
static bool take_quantity(const char **p, const char *end, int64_t *whole, int64_t *millionths)
{
	const char *start = *p;
	int64_t scale = 100000;

	*whole = *millionths = 0;
	for (; *p < end && isdigit((unsigned char)**p); ++*p)
		if (*p - start >= 10)
			return false;
		else
			*whole = *whole * 10 + (**p - '0');
	if (*p == start || *p == end || (**p != '.' && **p != ','))
		return *p > start;
	start = ++*p;
	for (; *p < end && isdigit((unsigned char)**p); ++*p, scale /= 10)
		*millionths += (**p - '0') * scale;
	return *p > start;
}

bool lk_duration_of(const char *s, size_t len, struct lk_duration *out)
{
	static const struct {
		char letter;
		bool time, months;
		int64_t size; /* months, or seconds */
	} units[] = {{'Y', false, true, 12}, {'M', false, true, 1}, {'W', false, false, 604800}, {'D', false, false, 86400},
		{'H', true, false, 3600}, {'M', true, false, 60}, {'S', true, false, 1}};
	const char *p = s, *end = s + len;
	bool negative = len && *s == '-', time = false, any = false, last = false;
	lk_int128 us = 0;
	size_t unit = 0;

	*out = (struct lk_duration){0, 0};
	p += negative;
	if (p == end || *p++ != 'P')
		return false;
	while (p < end) {
		int64_t whole, millionths;

		if (*p == 'T' && !time) {
			time = true;
			any = false; /* something must follow */
			p++;
			continue;
		}
		if (last || !take_quantity(&p, end, &whole, &millionths) || p == end)
			return false;
		while (unit < 7 && (units[unit].letter != *p || units[unit].time != time))
			unit++;
		if (unit == 7)
			return false;
		last = millionths || p[-1] == '.';
		if (units[unit].months)
			out->months += whole * units[unit].size + millionths * units[unit].size / 1000000;
		else
			us += (lk_int128)units[unit].size * (whole * 1000000 + millionths);
		if (units[unit].letter == 'W' && (any || p + 1 < end))
			return false; /* weeks stand alone */
		any = true;
		unit++;
		p++;
	}
	out->us = (int64_t)us;
	if (negative) {
		out->months = -out->months;
		out->us = -out->us;
	}
	return any && us <= INT64_MAX;
}

bool lk_form_duration(const char *s, size_t len)
{
	struct lk_duration duration;

	return lk_duration_of(s, len, &duration);
}

/* ---- JSON ---- */

static json_t *json_of(const char *s, size_t len)
{
	return json_loadb(s, len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
}

bool lk_form_object(const char *s, size_t len)
{
	json_t *value = json_of(s, len);
	bool fits = json_is_object(value);

	json_decref(value);
	return fits;
}

bool lk_form_array(const char *s, size_t len)
{
	json_t *value = json_of(s, len);
	bool fits = json_is_array(value);

	json_decref(value);
	return fits;
}

int64_t lk_form_count(const char *s, size_t len)
{
	json_t *value = json_of(s, len);
	int64_t count = json_is_array(value)    ? (int64_t)json_array_size(value)
			: json_is_object(value) ? (int64_t)json_object_size(value)
						: -1;

	json_decref(value);
	return count;
}

bool lk_form_canonical(const char *s, size_t len, struct lk_str *out)
{
	json_t *value = json_of(s, len);
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;

	json_decref(value);
	if (text)
		lk_str_adds(out, text);
	free(text);
	return text && !out->failed;
}

/* ---- places ---- */

static bool is_degree(double value, double most)
{
	return value >= -most && value <= most;
}

bool lk_form_geopoint(const char *s, size_t len)
{
	const char *comma = memchr(s, ',', len), *lat;
	double x, y;
	size_t left, right;

	if (!comma)
		return false;
	left = (size_t)(comma - s);
	lat = comma + 1;
	right = len - left - 1;
	lk_text_trim(&s, &left);
	lk_text_trim(&lat, &right);
	return lk_float64_parse(s, left, &x) && lk_float64_parse(lat, right, &y) && is_degree(x, 180) && is_degree(y, 90);
}

static bool is_place(const json_t *lon, const json_t *lat)
{
	return json_is_number(lon) && json_is_number(lat) && is_degree(json_number_value(lon), 180) &&
	       is_degree(json_number_value(lat), 90);
}

bool lk_form_geopoint_array(const char *s, size_t len)
{
	json_t *value = json_of(s, len);
	bool fits = json_array_size(value) == 2 && is_place(json_array_get(value, 0), json_array_get(value, 1));

	json_decref(value);
	return fits;
}

bool lk_form_geopoint_object(const char *s, size_t len)
{
	json_t *value = json_of(s, len);
	bool fits = json_object_size(value) == 2 && is_place(json_object_get(value, "lon"), json_object_get(value, "lat"));

	json_decref(value);
	return fits;
}

static bool is_position(const json_t *value)
{
	size_t count = json_array_size(value), i;
	json_t *item;

	json_array_foreach((json_t *)value, i, item)
	{
		if (!json_is_number(item))
			return false;
	}
	return count >= 2;
}

/* Positions within lists: depth 0 is a position, 1 a list of them, of at least `least` each. closed: a ring. */
static bool are_positions(const json_t *value, int depth, size_t least, bool closed)
{
	size_t i;
	json_t *item;

	if (!depth)
		return is_position(value);
	if (!json_is_array(value))
		return false;
	json_array_foreach((json_t *)value, i, item)
	{
		if (!are_positions(item, depth - 1, least, closed))
			return false;
	}
	return depth > 1 || (json_array_size(value) >= least &&
				    (!closed || json_equal(json_array_get(value, 0),
							json_array_get(value, json_array_size(value) - 1))));
}

static bool is_geometry(const json_t *value);

static bool all_of(const json_t *list, bool (*check)(const json_t *value))
{
	size_t i;
	json_t *item;

	if (!json_is_array(list))
		return false;
	json_array_foreach((json_t *)list, i, item)
	{
		if (!check(item))
			return false;
	}
	return true;
}

/* jansson bounds how deep a text nests, and so how deep collections of geometries do. */
static bool is_geometry(const json_t *value)
{
	static const struct {
		const char *type;
		int depth;
		size_t least;
		bool closed;
	} kinds[] = {{"Point", 0, 0, false}, {"MultiPoint", 1, 0, false}, {"LineString", 1, 2, false},
		{"MultiLineString", 2, 2, false}, {"Polygon", 2, 4, true}, {"MultiPolygon", 3, 4, true}};
	const char *type = json_string_value(json_object_get(value, "type"));

	if (!type)
		return false;
	if (!strcmp(type, "GeometryCollection"))
		return all_of(json_object_get(value, "geometries"), is_geometry);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(type, kinds[i].type))
			return are_positions(json_object_get(value, "coordinates"), kinds[i].depth, kinds[i].least,
				kinds[i].closed);
	return false;
}

static bool is_feature(const json_t *value)
{
	const char *type = json_string_value(json_object_get(value, "type"));
	const json_t *geometry = json_object_get(value, "geometry"), *properties = json_object_get(value, "properties");

	return type && !strcmp(type, "Feature") && (json_is_null(geometry) || is_geometry(geometry)) &&
	       (json_is_null(properties) || json_is_object(properties));
}

bool lk_form_geojson(const char *s, size_t len)
{
	json_t *value = json_of(s, len);
	const char *type = json_string_value(json_object_get(value, "type"));
	bool fits = type && (!strcmp(type, "FeatureCollection") ? all_of(json_object_get(value, "features"), is_feature)
							       : is_feature(value) || is_geometry(value));

	json_decref(value);
	return fits;
}

static bool is_arc(const json_t *value)
{
	return are_positions(value, 1, 2, false);
}

bool lk_form_topojson(const char *s, size_t len)
{
	json_t *value = json_of(s, len);
	const char *type = json_string_value(json_object_get(value, "type"));
	bool fits = type && !strcmp(type, "Topology") && json_is_object(json_object_get(value, "objects")) &&
		    all_of(json_object_get(value, "arcs"), is_arc);

	json_decref(value);
	return fits;
}
