/* Predicates on columns to predicates on what partition fields make of them. */
#include <stdlib.h>
#include <string.h>

#include "base/value.h"
#include "lake/predicate.h"
#include "lake/transform.h"
#include "lake/value.h"

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static enum lk_status set_bytes(struct lk_str *out, struct lk_arena *arena, const void *data, size_t len, struct lk_error *err)
{
	*out = (struct lk_str){.data = lk_arena_strndup(arena, data, len), .len = len};
	return out->data ? LK_OK : lk_error_nomem(err);
}

static enum lk_status set_integer(struct lk_str *out, struct lk_arena *arena, int64_t value, size_t len, struct lk_error *err)
{
	char bytes[8];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)((uint64_t)value >> (8 * i));
	return set_bytes(out, arena, bytes, len, err);
}

static lk_int128 decimal_value(const struct lk_str *value)
{
	const unsigned char *p = (const unsigned char *)value->data;
	unsigned __int128 n = value->len && *p >= 0x80 ? ~(unsigned __int128)0 : 0;

	for (size_t i = 0; i < value->len; i++)
		n = n << 8 | p[i];
	return (lk_int128)n;
}

static enum lk_status set_decimal(struct lk_str *out, struct lk_arena *arena, lk_int128 value, struct lk_error *err)
{
	unsigned char bytes[16];
	size_t padding;

	for (int i = 0; i < 16; i++)
		bytes[i] = (unsigned char)((unsigned __int128)value >> (8 * (15 - i)));
	padding = lk_value_padding(bytes, 16);
	return set_bytes(out, arena, bytes + padding, 16 - padding, err);
}

/* ---- one value ---- */

static int32_t bucket_hash(const struct lk_primitive *type, const struct lk_str *value)
{
	switch (type->kind) {
	case LK_PRIMITIVE_DECIMAL: return lk_bucket_hash_decimal(decimal_value(value));
	case LK_PRIMITIVE_STRING:
	case LK_PRIMITIVE_UUID:
	case LK_PRIMITIVE_FIXED:
	case LK_PRIMITIVE_BINARY: return lk_bucket_hash_bytes(value->data, value->len);
	default: return lk_bucket_hash_int(lk_value_integer(value->data, value->len));
	}
}

/* The first `width` characters, or bytes of binary. */
static size_t truncated_length(const struct lk_primitive *type, const struct lk_str *value, int32_t width)
{
	const unsigned char *p = (const unsigned char *)value->data, *end = p + value->len;

	if (type->kind != LK_PRIMITIVE_STRING)
		return value->len < (size_t)width ? value->len : (size_t)width;
	for (; width && p < end; width--) {
		size_t len = lk_utf8_len(p, end);

		p += len ? len : 1;
	}
	return (size_t)(p - (const unsigned char *)value->data);
}

static enum lk_status truncate_value(const struct lk_primitive *type, int32_t width, const struct lk_str *value, struct lk_arena *arena,
	struct lk_str *out, struct lk_error *err)
{
	lk_int128 n;

	switch (type->kind) {
	case LK_PRIMITIVE_INT:
	case LK_PRIMITIVE_LONG:
		n = lk_value_integer(value->data, value->len);
		n -= ((n % width) + width) % width;
		return set_integer(out, arena, (int64_t)n, 8, err);
	case LK_PRIMITIVE_DECIMAL:
		n = decimal_value(value);
		return set_decimal(out, arena, n - ((n % width) + width) % width, err);
	default:
		return set_bytes(out, arena, value->data, truncated_length(type, value, width), err);
	}
}

static int64_t months_of(int64_t days)
{
	unsigned month, day;
	int64_t year;

	lk_civil_from_days(days, &year, &month, &day);
	return (year - 1970) * 12 + month - 1;
}

static enum lk_status time_value(enum lk_transform transform, const struct lk_primitive *type, const struct lk_str *value,
	struct lk_arena *arena, struct lk_str *out, struct lk_error *err)
{
	int64_t n = lk_value_integer(value->data, value->len);
	int64_t days = type->kind == LK_PRIMITIVE_DATE ? n : floor_div(n, LK_DAY_US);

	switch (transform) {
	case LK_TRANSFORM_YEAR: n = floor_div(months_of(days), 12); break;
	case LK_TRANSFORM_MONTH: n = months_of(days); break;
	case LK_TRANSFORM_DAY: n = days; break;
	default: n = floor_div(n, LK_DAY_US / 24);
	}
	return set_integer(out, arena, n, 4, err);
}

static enum lk_status transform_value(const struct lk_partition_field *field, const struct lk_primitive *type,
	const struct lk_str *value, struct lk_arena *arena, struct lk_str *out, struct lk_error *err)
{
	switch (field->transform) {
	case LK_TRANSFORM_IDENTITY: *out = *value; return LK_OK;
	case LK_TRANSFORM_BUCKET: return set_integer(out, arena, (bucket_hash(type, value) & INT32_MAX) % field->width, 4, err);
	case LK_TRANSFORM_TRUNCATE: return truncate_value(type, field->width, value, arena, out, err);
	default: return time_value(field->transform, type, value, arena, out, err);
	}
}

/* ---- comparisons ---- */

/* Whether values of the column's type and of the field's source are of one order and unit: they are the same, or one was widened
 * to the other. */
static bool is_same_family(const struct lk_primitive *a, const struct lk_primitive *b)
{
	enum lk_primitive_kind x = a->kind, y = b->kind;

	if (x == LK_PRIMITIVE_DECIMAL && y == x)
		return a->scale == b->scale;
	return x == y || (x == LK_PRIMITIVE_INT && y == LK_PRIMITIVE_LONG) || (x == LK_PRIMITIVE_LONG && y == LK_PRIMITIVE_INT) ||
	       (x == LK_PRIMITIVE_FLOAT && y == LK_PRIMITIVE_DOUBLE) || (x == LK_PRIMITIVE_DOUBLE && y == LK_PRIMITIVE_FLOAT);
}

/* A transform that is not the identity makes values equal, so that what is below may become equal. */
static enum lk_comparison widen(enum lk_comparison comparison)
{
	switch (comparison) {
	case LK_IS_BELOW: return LK_IS_AT_MOST;
	case LK_IS_ABOVE: return LK_IS_AT_LEAST;
	default: return comparison;
	}
}

/* How the comparison goes on; false where it does not. */
static bool carry(const struct lk_predicate *leaf, const struct lk_partition_field *field, enum lk_comparison *out)
{
	*out = leaf->comparison;
	switch (field->transform) {
	case LK_TRANSFORM_IDENTITY:
		return true;
	case LK_TRANSFORM_BUCKET:
		return *out == LK_IS_IN || *out == LK_IS_NULL || *out == LK_IS_NOT_NULL;
	case LK_TRANSFORM_TRUNCATE:
		/* A prefix that is cut is all of what is left of the value. */
		if (*out == LK_HAS_PREFIX && truncated_length(&leaf->type, leaf->values, field->width) < leaf->values->len)
			*out = LK_IS_IN;
		*out = widen(*out);
		return true;
	case LK_TRANSFORM_YEAR: case LK_TRANSFORM_MONTH: case LK_TRANSFORM_DAY: case LK_TRANSFORM_HOUR:
		*out = widen(*out);
		return *out != LK_HAS_PREFIX;
	default:
		return false;
	}
}

enum lk_status lk_predicate_project(const struct lk_predicate *leaf, const struct lk_partition_field *field, struct lk_arena *arena,
	struct lk_predicate *out, struct lk_error *err)
{
	struct lk_primitive source = lk_primitive_read(field->source_type);
	enum lk_comparison comparison;
	struct lk_str *values;

	*out = (struct lk_predicate){.kind = LK_PREDICATE_ANY};
	if (field->transform == LK_TRANSFORM_VOID || field->transform == LK_TRANSFORM_UNKNOWN || !is_same_family(&leaf->type, &source) ||
		!carry(leaf, field, &comparison) || (field->transform != LK_TRANSFORM_IDENTITY && !lk_transform_takes(field->transform, &source)))
		return LK_OK;
	values = lk_arena_alloc(arena, (size_t)(leaf->value_count + 1) * sizeof(*values));
	if (!values)
		return lk_error_nomem(err);
	for (int i = 0; i < leaf->value_count; i++)
		LK_TRY(transform_value(field, &leaf->type, &leaf->values[i], arena, &values[i], err));
	*out = (struct lk_predicate){.kind = LK_PREDICATE_COLUMN, .type = lk_primitive_read(field->result_type),
		.comparison = comparison, .values = values, .value_count = leaf->value_count};
	if (out->type.kind == LK_PRIMITIVE_NONE)
		out->kind = LK_PREDICATE_ANY;
	return LK_OK;
}
