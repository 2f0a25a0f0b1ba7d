/* The folders of partitions, in the words of the reference implementation. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/value.h"
#include "lake/partition.h"
#include "lake/primitive.h"
#include "lake/value.h"

#define PART_MAX 200  /* bytes of a folder's name: file systems take 255 */
#define PATH_MAX_BYTES 1500 /* of all of them: paths end at 4096 */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static void add_date(int64_t days, struct lk_str *out)
{
	char text[LK_VALUE_TEXT];

	lk_date_text((int32_t)days, text);
	lk_str_adds(out, text);
}

/* 2017-11 of a count of months; a date without its day. */
static void add_month(int64_t months, struct lk_str *out)
{
	int64_t year = 1970 + floor_div(months, 12);
	char text[LK_VALUE_TEXT];

	if (year < -9999 || year > 9999) {
		lk_str_addf(out, "%" PRId64 "-%02d", year, (int)(months - floor_div(months, 12) * 12) + 1);
		return;
	}
	lk_date_text((int32_t)lk_days_from_civil(year, (unsigned)(months - floor_div(months, 12) * 12) + 1, 1), text);
	lk_str_add(out, text, strlen(text) - strlen("-01"));
}

static void add_hour(int64_t hours, struct lk_str *out)
{
	add_date(floor_div(hours, 24), out);
	lk_str_addf(out, "-%02d", (int)(hours - floor_div(hours, 24) * 24));
}

static void add_timestamp(int64_t us, bool zone, struct lk_str *out)
{
	char text[LK_VALUE_TEXT];
	size_t len = lk_timestamp_text(us, zone, true, text);

	if (zone && len && text[len - 1] == 'Z')
		lk_str_addf(out, "%.*s+00:00", (int)len - 1, text);
	else
		lk_str_adds(out, text);
}

static void add_base64(const struct lk_str *value, struct lk_str *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)lk_str_text(value);
	size_t n = value->len < PART_MAX ? value->len : PART_MAX;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t word = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);

		lk_str_addc(out, digits[word >> 18]);
		lk_str_addc(out, digits[word >> 12 & 63]);
		lk_str_addc(out, left > 1 ? digits[word >> 6 & 63] : '=');
		lk_str_addc(out, left > 2 ? digits[word & 63] : '=');
	}
}

static void add_decimal(const struct lk_str *value, int scale, struct lk_str *out)
{
	lk_int128 n = (unsigned char)value->data[0] >= 0x80 ? -1 : 0;
	char text[LK_VALUE_TEXT];

	for (size_t i = 0; i < value->len; i++)
		n = (lk_int128)((unsigned __int128)n << 8 | (unsigned char)value->data[i]);
	lk_decimal_text(n, scale, text);
	lk_str_adds(out, text);
}

static void add_uuid(const struct lk_str *value, struct lk_str *out)
{
	char hex[33];

	lk_hex(value->data, 16, hex);
	lk_str_addf(out, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static void add_float(const struct lk_str *value, struct lk_str *out)
{
	char text[LK_VALUE_TEXT];

	lk_float64_text(lk_value_double(value->data, value->len), text);
	lk_str_adds(out, text);
}

/* By the type of the transform's result. */
static void add_typed(const struct lk_primitive *type, const struct lk_str *value, struct lk_str *out)
{
	int64_t n = value->len == 4 || value->len == 8 ? lk_value_integer(value->data, value->len) : 0;
	char text[LK_VALUE_TEXT];

	switch (type->kind) {
	case LK_PRIMITIVE_BOOLEAN:
		lk_str_adds(out, value->data[0] ? "true" : "false");
		break;
	case LK_PRIMITIVE_FLOAT:
	case LK_PRIMITIVE_DOUBLE:
		add_float(value, out);
		break;
	case LK_PRIMITIVE_DECIMAL:
		add_decimal(value, type->scale, out);
		break;
	case LK_PRIMITIVE_DATE:
		add_date(n, out);
		break;
	case LK_PRIMITIVE_TIME:
		lk_time_text(n, text);
		lk_str_adds(out, text);
		break;
	case LK_PRIMITIVE_TIMESTAMP:
	case LK_PRIMITIVE_TIMESTAMPTZ:
		add_timestamp(n, type->kind == LK_PRIMITIVE_TIMESTAMPTZ, out);
		break;
	case LK_PRIMITIVE_STRING:
		lk_str_add(out, value->data, value->len < PART_MAX ? value->len : PART_MAX);
		break;
	case LK_PRIMITIVE_UUID:
		add_uuid(value, out);
		break;
	case LK_PRIMITIVE_FIXED:
	case LK_PRIMITIVE_BINARY:
		add_base64(value, out);
		break;
	default:
		lk_str_addf(out, "%" PRId64, n);
	}
}

/* Whether the value has as many bytes as its type, so that it can be read. */
static bool is_sound(const struct lk_primitive *type, const struct lk_str *value)
{
	switch (type->kind) {
	case LK_PRIMITIVE_NONE:
		return false;
	case LK_PRIMITIVE_BOOLEAN:
		return value->len == 1;
	case LK_PRIMITIVE_UUID:
		return value->len == 16;
	case LK_PRIMITIVE_DECIMAL:
		return value->len >= 1 && value->len <= 16;
	case LK_PRIMITIVE_STRING:
	case LK_PRIMITIVE_FIXED:
	case LK_PRIMITIVE_BINARY:
		return true;
	default:
		return value->len == 4 || value->len == 8;
	}
}

static void add_value(const struct lk_partition_field *f, const struct lk_partition_value *v, struct lk_str *out)
{
	struct lk_primitive type = lk_primitive_read(f->result_type);
	int64_t n;

	if (v->null || !is_sound(&type, &v->value)) {
		lk_str_adds(out, "null");
		return;
	}
	n = v->value.len == 4 || v->value.len == 8 ? lk_value_integer(v->value.data, v->value.len) : 0;
	switch (f->transform) {
	case LK_TRANSFORM_YEAR:
		lk_str_addf(out, "%04" PRId64, 1970 + n);
		break;
	case LK_TRANSFORM_MONTH:
		add_month(n, out);
		break;
	case LK_TRANSFORM_HOUR:
		add_hour(n, out);
		break;
	default:
		add_typed(&type, &v->value, out);
	}
}

/* As Java's URLEncoder does: letters, digits and .-*_ stay, a blank is +, all else is %XX. Ends before a byte that would make the
 * name longer than PART_MAX. */
static void add_encoded(const char *text, size_t len, size_t start, struct lk_str *out)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
			     c == '*' || c == '_';

		if (out->len - start > PART_MAX - 3)
			return;
		if (plain || c == ' ')
			lk_str_addc(out, c == ' ' ? '+' : (char)c);
		else
			lk_str_addf(out, "%%%02X", c);
	}
}

void lk_partition_path(const struct lk_partition_spec *spec, const struct lk_partition_value *values, struct lk_str *out)
{
	struct lk_str text = LK_STR_INIT;
	size_t begin = out->len;

	for (int i = 0; i < spec->count && out->len - begin <= PATH_MAX_BYTES - PART_MAX; i++) {
		const struct lk_partition_field *f = &spec->fields[i];
		size_t start;

		if (i)
			lk_str_addc(out, '/');
		start = out->len;
		lk_str_clear(&text);
		add_value(f, &values[i], &text);
		add_encoded(f->name, strlen(f->name) < PART_MAX / 2 ? strlen(f->name) : PART_MAX / 2, start, out);
		lk_str_addc(out, '=');
		add_encoded(lk_str_text(&text), text.len, start, out);
	}
	if (text.failed)
		out->failed = true;
	lk_str_release(&text);
}
