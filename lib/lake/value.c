#include "lake/value.h"

#include <endian.h>
#include <math.h>
#include <string.h>

enum lk_value_kind lk_value_kind(const char *type)
{
	static const struct {
		const char *type;
		enum lk_value_kind kind;
	} kinds[] = {
		{"int", LK_VALUE_INTEGER}, {"long", LK_VALUE_INTEGER}, {"date", LK_VALUE_INTEGER}, {"time", LK_VALUE_INTEGER},
		{"timestamp", LK_VALUE_INTEGER}, {"timestamptz", LK_VALUE_INTEGER}, {"timestamp_ns", LK_VALUE_INTEGER},
		{"timestamptz_ns", LK_VALUE_INTEGER}, {"float", LK_VALUE_FLOAT}, {"double", LK_VALUE_FLOAT},
		{"string", LK_VALUE_BYTES}, {"uuid", LK_VALUE_BYTES}, {"binary", LK_VALUE_BYTES}, {"boolean", LK_VALUE_BYTES},
	};

	for (size_t i = 0; type && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(type, kinds[i].type))
			return kinds[i].kind;
	if (type && !strncmp(type, "decimal(", 8))
		return LK_VALUE_DECIMAL;
	return type && !strncmp(type, "fixed[", 6) ? LK_VALUE_BYTES : LK_VALUE_NONE;
}

bool lk_value_sound(enum lk_value_kind kind, size_t len)
{
	switch (kind) {
	case LK_VALUE_INTEGER:
	case LK_VALUE_FLOAT: return len == 4 || len == 8;
	case LK_VALUE_DECIMAL: return len > 0;
	case LK_VALUE_BYTES: return true;
	default: return false;
	}
}

int64_t lk_value_integer(const void *data, size_t len)
{
	uint32_t narrow;
	uint64_t wide;

	if (len == 4) {
		memcpy(&narrow, data, 4);
		return (int32_t)le32toh(narrow);
	}
	memcpy(&wide, data, 8);
	return (int64_t)le64toh(wide);
}

double lk_value_double(const void *data, size_t len)
{
	uint32_t narrow;
	uint64_t wide;
	float f;
	double d;

	if (len == 4) {
		memcpy(&narrow, data, 4);
		narrow = le32toh(narrow);
		memcpy(&f, &narrow, 4);
		return f;
	}
	memcpy(&wide, data, 8);
	wide = le64toh(wide);
	memcpy(&d, &wide, 8);
	return d;
}

size_t lk_value_padding(const void *decimal, size_t len)
{
	const unsigned char *p = decimal;
	size_t n = 0;

	while (n + 1 < len && ((p[n] == 0x00 && p[n + 1] < 0x80) || (p[n] == 0xff && p[n + 1] >= 0x80)))
		n++;
	return n;
}

static int compare_floats(double a, double b)
{
	if (a == b)
		return signbit(b) - signbit(a) > 0 ? 1 : signbit(b) - signbit(a) < 0 ? -1 : 0;
	return a < b ? -1 : 1;
}

/* Of equal length two's complement compares as bytes, but for the sign bit. */
static int compare_decimals(const unsigned char *a, size_t a_len, const unsigned char *b, size_t b_len)
{
	bool a_negative = *a >= 0x80, b_negative = *b >= 0x80;
	size_t skip;

	if (a_negative != b_negative)
		return a_negative ? -1 : 1;
	skip = lk_value_padding(a, a_len);
	a += skip;
	a_len -= skip;
	skip = lk_value_padding(b, b_len);
	b += skip;
	b_len -= skip;
	if (a_len != b_len)
		return (a_len < b_len) == a_negative ? 1 : -1;
	return memcmp(a, b, a_len);
}

static int compare_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
	size_t common = a_len < b_len ? a_len : b_len;
	int order = common ? memcmp(a, b, common) : 0;

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

int lk_value_compare(enum lk_value_kind kind, const void *a, size_t a_len, const void *b, size_t b_len)
{
	int64_t x, y;

	switch (kind) {
	case LK_VALUE_INTEGER:
		x = lk_value_integer(a, a_len);
		y = lk_value_integer(b, b_len);
		return (x > y) - (x < y);
	case LK_VALUE_FLOAT:
		return compare_floats(lk_value_double(a, a_len), lk_value_double(b, b_len));
	case LK_VALUE_DECIMAL:
		return compare_decimals(a, a_len, b, b_len);
	default:
		return compare_bytes(a, a_len, b, b_len);
	}
}
