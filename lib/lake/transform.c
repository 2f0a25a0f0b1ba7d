#include "lake/transform.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "parquet/bits.h"

#define HOUR_US INT64_C(3600000000)

/* ---- the hash of bucket: MurmurHash3_x86_32, seed 0 ---- */

static inline uint32_t rotate(uint32_t x, int bits)
{
	return x << bits | x >> (32 - bits);
}

static inline uint32_t mix_block(uint32_t k)
{
	return rotate(k * 0xcc9e2d51u, 15) * 0x1b873593u;
}

static inline uint32_t mix(uint32_t h, uint32_t k)
{
	return rotate(h ^ mix_block(k), 13) * 5 + 0xe6546b64u;
}

static inline int32_t finish(uint32_t h, size_t len)
{
	h ^= (uint32_t)len;
	h = (h ^ h >> 16) * 0x85ebca6bu;
	h = (h ^ h >> 13) * 0xc2b2ae35u;
	return (int32_t)(h ^ h >> 16);
}

int32_t lk_bucket_hash_int(int64_t value)
{
	return finish(mix(mix(0, (uint32_t)value), (uint32_t)((uint64_t)value >> 32)), 8);
}

int32_t lk_bucket_hash_bytes(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t h = 0, tail = 0;
	size_t i = 0;

	for (; i + 4 <= len; i += 4)
		h = mix(h, lk_load32(p + i));
	for (size_t j = len; j > i; j--)
		tail = tail << 8 | p[j - 1];
	return finish(i < len ? h ^ mix_block(tail) : h, len);
}

/* Two's complement, big-endian, as few bytes as hold it; returns how many. */
static size_t put_decimal(lk_int128 value, uint8_t out[16])
{
	size_t len = 16;

	while (len > 1 && value >> (8 * (len - 1) - 1) == (value < 0 ? -1 : 0))
		len--;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
	return len;
}

int32_t lk_bucket_hash_decimal(lk_int128 value)
{
	uint8_t bytes[16];

	return lk_bucket_hash_bytes(bytes, put_decimal(value, bytes));
}

static inline int64_t bucket(int32_t hash, int32_t count)
{
	return (hash & INT32_MAX) % count;
}

/* ---- arithmetic ---- */

static inline int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static inline int64_t truncate_int(int64_t v, int32_t width)
{
	int64_t rest = v % width;

	return (int64_t)((uint64_t)v - (uint64_t)(rest < 0 ? rest + width : rest));
}

static inline lk_int128 truncate_wide(lk_int128 v, int32_t width)
{
	lk_int128 rest = v % width;

	return v - (rest < 0 ? rest + width : rest);
}

/* The first `points` code points; what is not UTF-8 counts a byte a point. */
static size_t truncate_text(const uint8_t *data, size_t len, int32_t points)
{
	size_t at = 0;

	if (len <= (size_t)points)
		return len;
	for (int32_t n = 0; at < len && n < points; n++) {
		size_t step = lk_utf8_len(data + at, data + len);

		at += step ? step : 1;
	}
	return at;
}

static int64_t months_of(int64_t days)
{
	unsigned month, day;
	int64_t year;

	lk_civil_from_days(days, &year, &month, &day);
	return (year - 1970) * 12 + month - 1;
}

/* ---- from a column to values ---- */

static bool reserve(struct lk_values *v, int64_t n)
{
	size_t rows = (size_t)n;

	if (v->cap >= n)
		return true;
	free(v->ints);
	free(v->wides);
	free(v->bytes);
	free(v->null);
	v->ints = malloc(rows * sizeof(*v->ints));
	v->wides = malloc(rows * sizeof(*v->wides));
	v->bytes = malloc(rows * sizeof(*v->bytes));
	v->null = malloc(rows);
	v->cap = v->ints && v->wides && v->bytes && v->null ? n : 0;
	return v->cap >= n;
}

void lk_values_release(struct lk_values *v)
{
	free(v->ints);
	free(v->wides);
	free(v->bytes);
	free(v->null);
	*v = (struct lk_values){0};
}

static void all_null(struct lk_values *v, int64_t n)
{
	memset(v->null, 1, (size_t)n);
	memset(v->ints, 0, (size_t)n * sizeof(*v->ints));
	v->form = LK_VALUES_INT;
	v->any_null = n > 0;
}

static void read_nulls(const struct ArrowArrayView *column, int64_t first, int64_t n, struct lk_values *v)
{
	const uint8_t *validity = column->buffer_views[0].data.as_uint8;

	memset(v->null, 0, (size_t)n);
	if (!validity || !column->null_count)
		return;
	for (int64_t i = 0; i < n; i++) {
		v->null[i] = !ArrowBitGet(validity, first + i);
		v->any_null |= v->null[i];
	}
}

static void read_bytes(const struct ArrowArrayView *column, int64_t first, int64_t n, struct lk_values *v)
{
	const uint8_t *data = column->buffer_views[2].data.as_uint8;
	bool large = column->storage_type == NANOARROW_TYPE_LARGE_STRING ||
		     column->storage_type == NANOARROW_TYPE_LARGE_BINARY;
	const int32_t *narrow = column->buffer_views[1].data.as_int32 + first;
	const int64_t *wide = column->buffer_views[1].data.as_int64 + first;

	v->form = LK_VALUES_BYTES;
	for (int64_t i = 0; i < n; i++) {
		int64_t start = large ? wide[i] : narrow[i], end = large ? wide[i + 1] : narrow[i + 1];

		v->bytes[i] = v->null[i] ? (struct lk_bytes){(const uint8_t *)"", 0} :
					   (struct lk_bytes){data + start, (size_t)(end - start)};
	}
}

/* What a null's place in the buffer holds is of no account: it becomes 0. */
static enum lk_status read_values(const struct ArrowArrayView *column, int64_t first, int64_t n, struct lk_values *v,
	struct lk_error *err)
{
	const union ArrowBufferViewData data = column->buffer_views[1].data;

	v->form = LK_VALUES_INT;
	switch (column->storage_type) {
	case NANOARROW_TYPE_BOOL:
		for (int64_t i = 0; i < n; i++)
			v->ints[i] = ArrowBitGet(data.as_uint8, first + i);
		break;
	case NANOARROW_TYPE_INT32:
		for (int64_t i = 0; i < n; i++)
			v->ints[i] = data.as_int32[first + i];
		break;
	case NANOARROW_TYPE_INT64:
	case NANOARROW_TYPE_DOUBLE:
		memcpy(v->ints, data.as_int64 + first, (size_t)n * sizeof(*v->ints));
		v->floating = column->storage_type == NANOARROW_TYPE_DOUBLE;
		break;
	case NANOARROW_TYPE_DECIMAL128:
		memcpy(v->wides, data.as_uint8 + 16 * first, (size_t)n * sizeof(*v->wides));
		v->form = LK_VALUES_WIDE;
		break;
	case NANOARROW_TYPE_STRING:
	case NANOARROW_TYPE_LARGE_STRING:
	case NANOARROW_TYPE_BINARY:
	case NANOARROW_TYPE_LARGE_BINARY:
		read_bytes(column, first, n, v);
		return LK_OK;
	default:
		return lk_error_set(err, LK_BUG, "a column of Arrow type %d cannot be transformed", (int)column->storage_type);
	}
	for (int64_t i = 0; v->any_null && i < n; i++)
		if (v->null[i])
			v->ints[i] = v->wides[i] = 0;
	return LK_OK;
}

/* ---- from values to values ---- */

static void apply_bucket(struct lk_values *v, int64_t n, int32_t count)
{
	for (int64_t i = 0; v->form == LK_VALUES_INT && i < n; i++)
		v->ints[i] = bucket(lk_bucket_hash_int(v->ints[i]), count);
	for (int64_t i = 0; v->form == LK_VALUES_WIDE && i < n; i++)
		v->ints[i] = bucket(lk_bucket_hash_decimal(v->wides[i]), count);
	for (int64_t i = 0; v->form == LK_VALUES_BYTES && i < n; i++)
		v->ints[i] = bucket(lk_bucket_hash_bytes(v->bytes[i].data, v->bytes[i].len), count);
	v->form = LK_VALUES_INT;
}

static void apply_truncate(struct lk_values *v, int64_t n, int32_t width, bool text)
{
	for (int64_t i = 0; v->form == LK_VALUES_INT && i < n; i++)
		v->ints[i] = truncate_int(v->ints[i], width);
	for (int64_t i = 0; v->form == LK_VALUES_WIDE && i < n; i++)
		v->wides[i] = truncate_wide(v->wides[i], width);
	for (int64_t i = 0; v->form == LK_VALUES_BYTES && i < n; i++)
		v->bytes[i].len = text			       ? truncate_text(v->bytes[i].data, v->bytes[i].len, width) :
				  v->bytes[i].len > (size_t)width ? (size_t)width :
								    v->bytes[i].len;
}

/* Rows of one day tend to come together: its month is counted once. */
static void apply_months(struct lk_values *v, int64_t n, int64_t divide)
{
	int64_t day = 0, months = 0;

	for (int64_t i = 0; i < n; i++) {
		if (v->ints[i] != day) {
			day = v->ints[i];
			months = months_of(day);
		}
		v->ints[i] = floor_div(months, divide);
	}
}

static void apply_time(enum lk_transform transform, struct lk_values *v, int64_t n, bool days)
{
	int64_t unit = transform == LK_TRANSFORM_HOUR ? HOUR_US : LK_DAY_US;

	for (int64_t i = 0; !days && i < n; i++)
		v->ints[i] = floor_div(v->ints[i], unit);
	if (transform == LK_TRANSFORM_MONTH || transform == LK_TRANSFORM_YEAR)
		apply_months(v, n, transform == LK_TRANSFORM_YEAR ? 12 : 1);
}

static bool is_text(const struct ArrowArrayView *column)
{
	return column->storage_type == NANOARROW_TYPE_STRING || column->storage_type == NANOARROW_TYPE_LARGE_STRING;
}

enum lk_status lk_transform_apply(enum lk_transform transform, int32_t width, const struct ArrowArrayView *column, int64_t first,
	int64_t n, struct lk_values *out, struct lk_error *err)
{
	bool days = column && column->storage_type == NANOARROW_TYPE_INT32;

	if (!reserve(out, n))
		return lk_error_nomem(err);
	out->any_null = out->floating = false;
	if (!column || transform == LK_TRANSFORM_VOID) {
		all_null(out, n);
		return LK_OK;
	}
	read_nulls(column, first, n, out);
	LK_TRY(read_values(column, first, n, out, err));
	switch (transform) {
	case LK_TRANSFORM_IDENTITY:
		return LK_OK;
	case LK_TRANSFORM_BUCKET:
		apply_bucket(out, n, width);
		return LK_OK;
	case LK_TRANSFORM_TRUNCATE:
		apply_truncate(out, n, width, is_text(column));
		return LK_OK;
	case LK_TRANSFORM_YEAR:
	case LK_TRANSFORM_MONTH:
	case LK_TRANSFORM_DAY:
	case LK_TRANSFORM_HOUR:
		if (out->form == LK_VALUES_INT) {
			apply_time(transform, out, n, days);
			return LK_OK;
		}
		/* fall through */
	default:
		return lk_error_set(err, LK_BUG, "transform %d does not go with a column of Arrow type %d", (int)transform,
			(int)column->storage_type);
	}
}

void lk_values_single(const struct lk_values *v, int64_t i, const struct lk_primitive *type, struct lk_str *out)
{
	uint8_t decimal[16];
	float narrow;
	double wide;

	switch (type->kind) {
	case LK_PRIMITIVE_BOOLEAN:
		lk_str_addc(out, v->ints[i] != 0);
		break;
	case LK_PRIMITIVE_INT:
	case LK_PRIMITIVE_DATE:
		lk_str_add(out, &v->ints[i], 4);
		break;
	case LK_PRIMITIVE_FLOAT:
		memcpy(&wide, &v->ints[i], 8);
		narrow = (float)wide;
		lk_str_add(out, &narrow, 4);
		break;
	case LK_PRIMITIVE_DECIMAL:
		lk_str_add(out, decimal, put_decimal(v->wides[i], decimal));
		break;
	case LK_PRIMITIVE_STRING:
	case LK_PRIMITIVE_UUID:
	case LK_PRIMITIVE_FIXED:
	case LK_PRIMITIVE_BINARY:
		lk_str_add(out, v->bytes[i].data, v->bytes[i].len);
		if (!v->bytes[i].len)
			lk_str_adds(out, ""); /* an empty value is one all the same */
		break;
	default:
		lk_str_add(out, &v->ints[i], 8);
	}
}

/* ---- words ---- */

bool lk_transform_takes(enum lk_transform transform, const struct lk_primitive *type)
{
	enum lk_primitive_kind k = type->kind;
	bool stamp = k == LK_PRIMITIVE_TIMESTAMP || k == LK_PRIMITIVE_TIMESTAMPTZ;
	bool number = k == LK_PRIMITIVE_INT || k == LK_PRIMITIVE_LONG || k == LK_PRIMITIVE_DECIMAL;

	switch (transform) {
	case LK_TRANSFORM_IDENTITY:
	case LK_TRANSFORM_VOID:
		return k != LK_PRIMITIVE_NONE;
	case LK_TRANSFORM_BUCKET:
		return k != LK_PRIMITIVE_NONE && k != LK_PRIMITIVE_BOOLEAN && k != LK_PRIMITIVE_FLOAT &&
		       k != LK_PRIMITIVE_DOUBLE;
	case LK_TRANSFORM_TRUNCATE:
		return number || k == LK_PRIMITIVE_STRING || k == LK_PRIMITIVE_BINARY;
	case LK_TRANSFORM_HOUR:
		return stamp;
	case LK_TRANSFORM_YEAR:
	case LK_TRANSFORM_MONTH:
	case LK_TRANSFORM_DAY:
		return stamp || k == LK_PRIMITIVE_DATE;
	default:
		return false;
	}
}

static const char *const words[] = {
	[LK_TRANSFORM_IDENTITY] = "identity", [LK_TRANSFORM_BUCKET] = "bucket", [LK_TRANSFORM_TRUNCATE] = "truncate",
	[LK_TRANSFORM_YEAR] = "year",	      [LK_TRANSFORM_MONTH] = "month",	[LK_TRANSFORM_DAY] = "day",
	[LK_TRANSFORM_HOUR] = "hour",	      [LK_TRANSFORM_VOID] = "void",	[LK_TRANSFORM_UNKNOWN] = "unknown",
};

void lk_transform_word(enum lk_transform transform, int32_t width, struct lk_str *out)
{
	lk_str_adds(out, words[transform]);
	if (transform == LK_TRANSFORM_BUCKET || transform == LK_TRANSFORM_TRUNCATE)
		lk_str_addf(out, "[%d]", (int)width);
}

static bool read_width(const char *word, int32_t *width)
{
	long long n;
	char *end;

	if (*word != '[' || word[1] < '0' || word[1] > '9')
		return false;
	n = strtoll(word + 1, &end, 10);
	if (n < 1 || n > INT32_MAX || strcmp(end, "]"))
		return false;
	*width = (int32_t)n;
	return true;
}

bool lk_transform_read(const char *word, enum lk_transform *transform, int32_t *width)
{
	size_t len = strcspn(word, "[");

	*width = 0;
	*transform = LK_TRANSFORM_UNKNOWN;
	for (int i = 0; i < LK_TRANSFORM_UNKNOWN; i++)
		if (strlen(words[i]) == len && !strncmp(word, words[i], len))
			*transform = (enum lk_transform)i;
	if (*transform == LK_TRANSFORM_BUCKET || *transform == LK_TRANSFORM_TRUNCATE)
		return read_width(word + len, width);
	if (word[len])
		*transform = LK_TRANSFORM_UNKNOWN;
	return true;
}
