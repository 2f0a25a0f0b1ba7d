#include "parquet/range.h"

#include <math.h>

#include "parquet/bits.h"

void lk_range_init(struct lk_range *r, enum lk_kind kind, bool whole)
{
	*r = (struct lk_range){.kind = kind, .whole = whole};
}

void lk_range_clear(struct lk_range *r)
{
	r->set = false;
}

void lk_range_release(struct lk_range *r)
{
	lk_str_release(&r->bytes_low.bytes);
	lk_str_release(&r->bytes_high.bytes);
	r->set = false;
}

bool lk_range_failed(const struct lk_range *r)
{
	return r->bytes_low.bytes.failed || r->bytes_high.bytes.failed;
}

static void widen(struct lk_range *r, lk_int128 low, lk_int128 high)
{
	if (!r->set || low < r->low)
		r->low = low;
	if (!r->set || high > r->high)
		r->high = high;
	r->set = true;
}

void lk_range_add_ints(struct lk_range *r, const int64_t *values, int n)
{
	int64_t low, high;

	if (!n)
		return;
	low = high = values[0];
	for (int i = 1; i < n; i++) {
		low = values[i] < low ? values[i] : low;
		high = values[i] > high ? values[i] : high;
	}
	widen(r, low, high);
}

void lk_range_add_wides(struct lk_range *r, const lk_int128 *values, int n)
{
	for (int i = 0; i < n; i++)
		widen(r, values[i], values[i]);
}

static void widen_float(struct lk_range *r, double low, double high)
{
	if (!r->set || low < r->float_low)
		r->float_low = low;
	if (!r->set || high > r->float_high)
		r->float_high = high;
	r->set = true;
}

void lk_range_add_floats(struct lk_range *r, const double *values, int n)
{
	double low = INFINITY, high = -INFINITY;

	for (int i = 0; i < n; i++) { /* NaN is neither smaller nor larger */
		low = values[i] < low ? values[i] : low;
		high = values[i] > high ? values[i] : high;
	}
	if (low <= high)
		widen_float(r, low, high);
}

/* The first 8 bytes as a number that sorts as they do; shorter values count as ended by zeros. */
static inline uint64_t sort_key(const uint8_t *p, size_t len)
{
	if (len >= 8)
		return __builtin_bswap64(lk_load64(p));
	if (len >= 4)
		return (uint64_t)__builtin_bswap32(lk_load32(p)) << 32 |
			(uint64_t)__builtin_bswap32(lk_load32(p + len - 4)) << 8 * (8 - len);
	if (!len)
		return 0;
	return (uint64_t)p[0] << 56 | (uint64_t)p[len / 2] << (56 - 8 * (len / 2)) |
		(uint64_t)p[len - 1] << (56 - 8 * (len - 1));
}

/* An end that was cut stands for a longer value: it sorts after what equals it, and equal to what has it as a prefix. */
static int compare_to_end(const uint8_t *data, size_t len, bool cut, const struct lk_range_end *end)
{
	size_t common = len < end->bytes.len ? len : end->bytes.len;
	int order = common ? memcmp(data, end->bytes.data, common) : 0;

	if (order)
		return order;
	if (len != end->bytes.len)
		return len < end->bytes.len ? -1 : end->cut ? 0 : 1;
	return (int)cut - (int)end->cut;
}

static void set_end(struct lk_range_end *end, const uint8_t *data, size_t len, bool cut)
{
	lk_str_clear(&end->bytes);
	lk_str_add(&end->bytes, data, len);
	end->cut = cut;
}

static void widen_bytes(struct lk_range *r, const uint8_t *data, size_t len, bool cut)
{
	if (!r->whole && len > LK_RANGE_PREFIX) {
		len = LK_RANGE_PREFIX;
		cut = true;
	}
	if (!r->set || compare_to_end(data, len, cut, &r->bytes_low) < 0)
		set_end(&r->bytes_low, data, len, cut);
	if (!r->set || compare_to_end(data, len, cut, &r->bytes_high) > 0)
		set_end(&r->bytes_high, data, len, cut);
	r->set = true;
}

static uint64_t end_key(const struct lk_range_end *end)
{
	return end->bytes.len ? sort_key((const uint8_t *)end->bytes.data, end->bytes.len) : 0;
}

void lk_range_add_bytes(struct lk_range *r, const struct lk_bytes *values, int n)
{
	uint64_t low = r->set ? end_key(&r->bytes_low) : UINT64_MAX, high = r->set ? end_key(&r->bytes_high) : 0;

	for (int i = 0; i < n; i++) {
		uint64_t key = sort_key(values[i].data, values[i].len);

		if (key > low && key < high)
			continue;
		widen_bytes(r, values[i].data, values[i].len, false);
		low = end_key(&r->bytes_low);
		high = end_key(&r->bytes_high);
	}
}

void lk_range_join(struct lk_range *r, const struct lk_range *other)
{
	const struct lk_range_end *low = &other->bytes_low, *high = &other->bytes_high;

	if (!other->set)
		return;
	if (r->kind == LK_KIND_BYTES) {
		widen_bytes(r, (const uint8_t *)low->bytes.data, low->bytes.len, low->cut);
		widen_bytes(r, (const uint8_t *)high->bytes.data, high->bytes.len, high->cut);
	} else if (r->kind == LK_KIND_FLOAT) {
		widen_float(r, other->float_low, other->float_high);
	} else {
		widen(r, other->low, other->high);
	}
}

/* ---- as bytes ---- */

static size_t fewest_bytes(lk_int128 value)
{
	size_t len = 16;

	while (len > 1 && value >> (8 * (len - 1) - 1) == (value < 0 ? -1 : 0))
		len--;
	return len;
}

static void put_big_endian(struct lk_str *out, lk_int128 value, size_t len)
{
	for (size_t i = len; i-- > 0;)
		lk_str_addc(out, (char)(value >> (8 * i)));
}

/* How many bytes of <data, len> the first `points` code points take, or the code points that are whole in the first
 * max_bytes. What is not UTF-8 counts a byte a point. */
static size_t cut_text(const uint8_t *data, size_t len, int points, size_t max_bytes)
{
	size_t at = 0;

	for (int n = 0; at < len && (!points || n < points); n++) {
		size_t step = lk_utf8_len(data + at, data + len);

		if (!step)
			step = 1;
		if (at + step > max_bytes)
			break;
		at += step;
	}
	return at;
}

static size_t cut_end(const struct lk_range_end *end, const struct lk_bound_form *form)
{
	const uint8_t *data = (const uint8_t *)end->bytes.data;
	size_t len = end->bytes.len;

	if (!form->points)
		return len <= LK_RANGE_PREFIX && !end->cut ? len :
			form->text		      ? cut_text(data, len, 0, LK_RANGE_PREFIX) :
							LK_RANGE_PREFIX;
	if (form->text)
		return cut_text(data, len, form->points, SIZE_MAX);
	return len < (size_t)form->points ? len : (size_t)form->points;
}

static bool low_bytes(const struct lk_range *r, const struct lk_bound_form *form, struct lk_str *out, bool *exact)
{
	size_t len = form->whole ? r->bytes_low.bytes.len : cut_end(&r->bytes_low, form);

	*exact = !r->bytes_low.cut && len == r->bytes_low.bytes.len;
	lk_str_add(out, r->bytes_low.bytes.data, len);
	return true;
}

/* The shortest text that sorts after all that begin with <data, len>: the last code point that has a next one is
 * replaced by it, what follows is dropped. False when there is none. */
static bool add_next_text(struct lk_str *out, const uint8_t *data, size_t len)
{
	while (len) {
		size_t start = len - 1;
		uint32_t c;

		while (start && (data[start] & 0xc0) == 0x80)
			start--;
		c = lk_utf8_point(data + start, len - start);
		if (c < 0x10ffff) {
			lk_str_add(out, data, start);
			lk_str_add_point(out, c == 0xd7ff ? 0xe000 : c + 1);
			return true;
		}
		len = start;
	}
	return false;
}

static bool add_next_bytes(struct lk_str *out, const uint8_t *data, size_t len)
{
	while (len && data[len - 1] == 0xff)
		len--;
	if (!len)
		return false;
	lk_str_add(out, data, len - 1);
	lk_str_addc(out, (char)(data[len - 1] + 1));
	return true;
}

static bool high_bytes(const struct lk_range *r, const struct lk_bound_form *form, struct lk_str *out, bool *exact)
{
	const struct lk_range_end *end = &r->bytes_high;
	const uint8_t *data = (const uint8_t *)end->bytes.data;
	size_t len = form->whole ? end->bytes.len : cut_end(end, form);

	*exact = !end->cut && len == end->bytes.len;
	if (*exact) {
		lk_str_add(out, data, len);
		return true;
	}
	return form->text && lk_utf8_valid((const char *)data, len) ? add_next_text(out, data, len) :
								       add_next_bytes(out, data, len);
}

static bool add_int(lk_int128 value, const struct lk_range *r, const struct lk_bound_form *form, struct lk_str *out)
{
	uint64_t bits = (uint64_t)value;

	if (r->kind == LK_KIND_BOOL)
		lk_str_addc(out, (char)value);
	else if (!form->width)
		put_big_endian(out, value, fewest_bytes(value));
	else if (r->kind == LK_KIND_WIDE)
		put_big_endian(out, value, (size_t)form->width);
	else
		lk_str_add(out, &bits, (size_t)form->width);
	return true;
}

/* Readers may or may not tell the zeros apart: a lower bound of zero is -0.0, an upper one +0.0. */
static bool add_float(double value, double zero, struct lk_str *out)
{
	if (value == 0)
		value = zero;
	lk_str_add(out, &value, sizeof(value));
	return true;
}

bool lk_range_low(const struct lk_range *r, const struct lk_bound_form *form, struct lk_str *out, bool *exact)
{
	*exact = true;
	if (!r->set)
		return false;
	if (r->kind == LK_KIND_BYTES)
		return low_bytes(r, form, out, exact);
	if (r->kind == LK_KIND_FLOAT)
		return add_float(r->float_low, -0.0, out);
	return add_int(r->low, r, form, out);
}

bool lk_range_high(const struct lk_range *r, const struct lk_bound_form *form, struct lk_str *out, bool *exact)
{
	*exact = true;
	if (!r->set)
		return false;
	if (r->kind == LK_KIND_BYTES)
		return high_bytes(r, form, out, exact);
	if (r->kind == LK_KIND_FLOAT)
		return add_float(r->float_high, 0.0, out);
	return add_int(r->high, r, form, out);
}

int lk_bound_compare(enum lk_kind kind, struct lk_bytes a, struct lk_bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order;

	if (kind == LK_KIND_FLOAT) {
		double x, y;

		memcpy(&x, a.data, sizeof(x));
		memcpy(&y, b.data, sizeof(y));
		return (x > y) - (x < y);
	}
	if (kind == LK_KIND_INT) {
		int64_t x = a.len == 4 ? (int32_t)lk_load32(a.data) : (int64_t)lk_load64(a.data);
		int64_t y = b.len == 4 ? (int32_t)lk_load32(b.data) : (int64_t)lk_load64(b.data);

		return (x > y) - (x < y);
	}
	if (kind == LK_KIND_WIDE && (a.data[0] ^ b.data[0]) & 0x80)
		return a.data[0] & 0x80 ? -1 : 1;
	order = common ? memcmp(a.data, b.data, common) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}
