/* From a view's rows to a chunk's open page: the loops over values. */
#include <stdlib.h>

#include "parquet/bits.h"
#include "parquet/chunk.h"
#include "parquet/encode.h"

#define MAX_VALUE_BYTES (1 << 30)  /* a page's size is an int32 in its header */
#define TRIAL_VALUES 4096	   /* after so many values, a dictionary that hardly repeats is given up at once */
#define DICTIONARY_PAGE_FACTOR 4   /* a page of indices ends when its values pass so many times the limit of a page */

/* What a chunk needs for its first page. */
static enum lk_status begin_chunk(struct lk_chunk *c, struct lk_scratch *s, struct lk_error *err)
{
	size_t rows = (size_t)s->page_rows, levels = c->column.required ? 0 : rows / 8 + 16;
	size_t indices = c->kind == LK_KIND_BOOL ? 0 : (rows + 1) * sizeof(*c->indices);

	c->head = levels ? 4 + LK_LEVELS_ROOM(rows) : 0;
	c->levels = levels ? malloc(levels) : NULL;
	c->indices = indices ? malloc(indices) : NULL;
	c->fixed_bytes = levels + indices;
	if ((levels && !c->levels) || (indices && !c->indices) || !lk_str_reserve(&c->body, c->head))
		return lk_error_nomem(err);
	c->dictionary_on = indices != 0;
	lk_dictionary_init(&c->dictionary, c->kind == LK_KIND_INT || c->kind == LK_KIND_FLOAT, s->dictionary_bytes);
	c->body.len = c->head;
	c->page_serial++;
	return LK_OK;
}

/* The same as pick_rows for rows that do not follow each other: all of them with values are listed. */
static int pick_chosen(struct lk_chunk *c, struct lk_scratch *s, const struct ArrowArrayView *view, int64_t first,
	const int32_t *rows, int n)
{
	const uint8_t *validity = view->null_count ? view->buffer_views[0].data.as_uint8 : NULL;
	int listed = 0;

	for (int i = 0; i < n; i += 64) {
		int bits = n - i < 64 ? n - i : 64;
		uint64_t word = UINT64_MAX >> (64 - bits);

		for (int j = 0; validity && j < bits; j++)
			if (!ArrowBitGet(validity, first + rows[i + j]))
				word &= ~(UINT64_C(1) << j);
		if (c->levels)
			lk_bits_store(c->levels, c->page_row_count + i, word, bits);
		for (; word; word &= word - 1)
			s->picks[listed++] = rows[i + __builtin_ctzll(word)];
	}
	return listed;
}

/* Adds the block's levels to the page and lists its rows with values in s->picks (not filled when all have one, one after the
 * other). Returns their number. */
static int pick_rows(struct lk_chunk *c, struct lk_scratch *s, const struct ArrowArrayView *view, int64_t first, int n)
{
	const uint8_t *validity = view ? view->buffer_views[0].data.as_uint8 : NULL;
	int count = 0, listed = 0;

	if (view && (!validity || !view->null_count)) {
		if (c->levels)
			for (int i = 0; i < n; i += 64) {
				int bits = n - i < 64 ? n - i : 64;

				lk_bits_store(c->levels, c->page_row_count + i, UINT64_MAX >> (64 - bits), bits);
			}
		return n;
	}
	for (int i = 0; i < n; i += 64) {
		int bits = n - i < 64 ? n - i : 64;
		uint64_t word = view ? lk_bits_load(validity, first + i, bits) : 0;

		if (c->levels)
			lk_bits_store(c->levels, c->page_row_count + i, word, bits);
		count += __builtin_popcountll(word);
		for (; word; word &= word - 1)
			s->picks[listed++] = i + __builtin_ctzll(word);
	}
	return count;
}

/* ---- gathering: the block's values without its nulls ---- */

static const int64_t *gather_int32(struct lk_scratch *s, const int32_t *in, bool dense, int count)
{
	if (dense)
		for (int i = 0; i < count; i++)
			s->ints[i] = in[i];
	else
		for (int i = 0; i < count; i++)
			s->ints[i] = in[s->picks[i]];
	return s->ints;
}

static const int64_t *gather_int64(struct lk_scratch *s, const int64_t *in, bool dense, int count)
{
	if (dense && !((uintptr_t)in & 7))
		return in;
	for (int i = 0; i < count; i++)
		memcpy(&s->ints[i], in + (dense ? i : s->picks[i]), sizeof(*in));
	return s->ints;
}

/* Decimals as they are in Arrow, checked to have no more digits than the column. */
static enum lk_status gather_wides(struct lk_chunk *c, struct lk_scratch *s, const uint8_t *in, bool dense, int count,
	struct lk_error *err)
{
	lk_int128 most = 1;
	bool fits = true;

	for (int i = 0; i < c->column.precision; i++)
		most *= 10;
	for (int i = 0; i < count; i++) {
		memcpy(&s->wides[i], in + 16 * (dense ? i : s->picks[i]), 16);
		fits &= s->wides[i] < most && s->wides[i] > -most;
	}
	if (!fits)
		return lk_error_set(err, LK_DATA, "column '%s': a value has more than the %d digits of its type",
			c->column.name, c->column.precision);
	return LK_OK;
}

static enum lk_status gather_ints(struct lk_chunk *c, struct lk_scratch *s, const struct ArrowArrayView *view,
	int64_t first, bool dense, int count, const int64_t **out, struct lk_error *err)
{
	const union ArrowBufferViewData data = view->buffer_views[1].data;

	if (view->storage_type == NANOARROW_TYPE_INT32) {
		*out = gather_int32(s, data.as_int32 + first, dense, count);
	} else if (view->storage_type == NANOARROW_TYPE_DECIMAL128) {
		LK_TRY(gather_wides(c, s, data.as_uint8 + 16 * first, dense, count, err));
		for (int i = 0; i < count; i++)
			s->ints[i] = (int64_t)s->wides[i];
		*out = s->ints;
	} else {
		*out = gather_int64(s, data.as_int64 + first, dense, count);
	}
	return LK_OK;
}

/* Wide decimals as Parquet has them: big-endian, of the column's width. */
static void gather_fixed(struct lk_chunk *c, struct lk_scratch *s, int count)
{
	for (int i = 0; i < count; i++) {
		uint64_t low = __builtin_bswap64((uint64_t)s->wides[i]);
		uint64_t high = __builtin_bswap64((uint64_t)(s->wides[i] >> 64));
		uint8_t *p = s->fixed + 16 * i;

		memcpy(p, &high, 8);
		memcpy(p + 8, &low, 8);
		s->bytes[i] = (struct lk_bytes){p + 16 - c->width, (size_t)c->width};
	}
}

static bool is_large(const struct ArrowArrayView *view)
{
	return view->storage_type == NANOARROW_TYPE_LARGE_STRING || view->storage_type == NANOARROW_TYPE_LARGE_BINARY;
}

static int64_t bytes_offset(const struct ArrowArrayView *view, int64_t at)
{
	return is_large(view) ? view->buffer_views[1].data.as_int64[at] : view->buffer_views[1].data.as_int32[at];
}

static void gather_bytes(struct lk_scratch *s, const struct ArrowArrayView *view, int64_t first, bool dense, int count)
{
	const uint8_t *data = view->buffer_views[2].data.as_uint8;
	const int32_t *offsets = view->buffer_views[1].data.as_int32;
	const int64_t *large = view->buffer_views[1].data.as_int64;

	if (is_large(view))
		for (int i = 0; i < count; i++) {
			int64_t at = first + (dense ? i : s->picks[i]);

			s->bytes[i] = (struct lk_bytes){data + large[at], (size_t)(large[at + 1] - large[at])};
		}
	else if (dense)
		for (int i = 0; i < count; i++) {
			int32_t start = offsets[first + i];

			s->bytes[i] = (struct lk_bytes){data + start, (size_t)(offsets[first + i + 1] - start)};
		}
	else
		for (int i = 0; i < count; i++) {
			int64_t at = first + s->picks[i];

			s->bytes[i] = (struct lk_bytes){data + offsets[at], (size_t)(offsets[at + 1] - offsets[at])};
		}
}

/* ---- adding to the page ---- */

/* A memcpy for the short strings that most are. */
static inline void copy_bytes(char *to, const uint8_t *from, size_t len)
{
	if (len > 16) {
		memcpy(to, from, len);
	} else if (len >= 8) {
		uint64_t head = lk_load64(from), tail = lk_load64(from + len - 8);

		memcpy(to, &head, 8);
		memcpy(to + len - 8, &tail, 8);
	} else if (len >= 4) {
		uint32_t head = lk_load32(from), tail = lk_load32(from + len - 4);

		memcpy(to, &head, 4);
		memcpy(to + len - 4, &tail, 4);
	} else if (len) {
		to[0] = (char)from[0];
		to[len / 2] = (char)from[len / 2];
		to[len - 1] = (char)from[len - 1];
	}
}

static enum lk_status add_plain_bytes(struct lk_chunk *c, const struct lk_bytes *values, int n, struct lk_error *err)
{
	size_t prefix = c->kind == LK_KIND_BYTES ? 4 : 0, total = 0;
	char *to;

	for (int i = 0; i < n; i++)
		total += values[i].len + prefix;
	if (!lk_str_reserve(&c->body, total))
		return lk_error_nomem(err);
	to = c->body.data + c->body.len;
	for (int i = 0; i < n; i++) {
		uint32_t len = (uint32_t)values[i].len;

		if (prefix) {
			memcpy(to, &len, 4);
			to += 4;
		}
		copy_bytes(to, values[i].data, len);
		to += len;
	}
	c->body.len += total;
	return LK_OK;
}

static enum lk_status add_plain_words(struct lk_chunk *c, const int64_t *values, int n, struct lk_error *err)
{
	char *to;

	if (!lk_str_reserve(&c->body, (size_t)n * 8))
		return lk_error_nomem(err);
	to = c->body.data + c->body.len;
	if (c->width == 8)
		memcpy(to, values, (size_t)n * 8);
	else
		for (int i = 0; i < n; i++) {
			int32_t value = (int32_t)values[i];

			memcpy(to + 4 * i, &value, 4);
		}
	c->body.len += (size_t)n * (size_t)c->width;
	return LK_OK;
}

static enum lk_status add_words(struct lk_chunk *c, const int64_t *values, int n, struct lk_error *err)
{
	int done = 0;

	c->page_plain_bytes += (size_t)n * (size_t)c->width;
	if (c->dictionary_on) {
		LK_TRY(lk_dictionary_words(&c->dictionary, values, n, c->indices + c->page_value_count, &done, err));
		c->page_value_count += done;
		if (done == n)
			return LK_OK;
		LK_TRY(lk_chunk_leave_dictionary(c, err));
	}
	c->page_value_count += n - done;
	return add_plain_words(c, values + done, n - done, err);
}

/* The range of what the last n indices stand for, each value looked at once a page. */
static void add_seen_range(struct lk_chunk *c, int n)
{
	struct lk_dictionary *d = &c->dictionary;
	const uint32_t *indices = c->indices + c->page_value_count - n;

	for (int i = 0; i < n; i++) {
		struct lk_bytes value;

		if (d->seen[indices[i]] == c->page_serial)
			continue;
		d->seen[indices[i]] = c->page_serial;
		value = lk_dictionary_get(d, indices[i]);
		lk_range_add_bytes(&c->page_range, &value, 1);
	}
}

static enum lk_status add_bytes(struct lk_chunk *c, const struct lk_bytes *values, int n, struct lk_error *err)
{
	int done = 0;

	for (int i = 0; i < n; i++)
		c->page_plain_bytes += values[i].len + (c->kind == LK_KIND_BYTES ? 4 : 0);
	if (c->dictionary_on) {
		LK_TRY(lk_dictionary_bytes(&c->dictionary, values, n, c->indices + c->page_value_count, &done, err));
		c->page_value_count += done;
		if (c->kind == LK_KIND_BYTES)
			add_seen_range(c, done);
		if (done == n)
			return LK_OK;
		LK_TRY(lk_chunk_leave_dictionary(c, err));
	}
	c->page_value_count += n - done;
	if (c->kind == LK_KIND_BYTES)
		lk_range_add_bytes(&c->page_range, values + done, n - done);
	return add_plain_bytes(c, values + done, n - done, err);
}

static enum lk_status add_bools(struct lk_chunk *c, struct lk_scratch *s, const uint8_t *bits, int64_t first, bool dense,
	int count, struct lk_error *err)
{
	size_t room = (size_t)(c->page_value_count + count) / 8 + 16;
	int64_t ones = 0;

	if (!lk_str_reserve(&c->body, room))
		return lk_error_nomem(err);
	for (int i = 0; i < count; i += 64) {
		int some = count - i < 64 ? count - i : 64;
		uint64_t word = 0;

		if (dense)
			word = lk_bits_load(bits, first + i, some);
		else
			for (int j = 0; j < some; j++)
				word |= lk_bits_load(bits, first + s->picks[i + j], 1) << j;
		lk_bits_store((uint8_t *)c->body.data + c->head, c->page_value_count + i, word, some);
		ones += __builtin_popcountll(word);
	}
	c->page_value_count += count;
	c->page_plain_bytes = (size_t)(c->page_value_count + 7) / 8;
	c->body.len = c->head + c->page_plain_bytes;
	if (count)
		lk_range_add_ints(&c->page_range, (int64_t[]){ones == count, ones > 0}, 2);
	return LK_OK;
}

static enum lk_status add_floats(struct lk_chunk *c, struct lk_scratch *s, const struct ArrowArrayView *view,
	int64_t first, bool dense, int count, struct lk_error *err)
{
	const int64_t *words = gather_int64(s, view->buffer_views[1].data.as_int64 + first, dense, count);

	for (int i = 0; i < count; i++) {
		memcpy(&s->floats[i], &words[i], 8);
		c->total_nans += s->floats[i] != s->floats[i];
	}
	lk_range_add_floats(&c->page_range, s->floats, count);
	return add_words(c, words, count, err);
}

static enum lk_status add_block(struct lk_chunk *c, struct lk_scratch *s, const struct ArrowArrayView *view,
	int64_t first, bool dense, int count, struct lk_error *err)
{
	const int64_t *ints;

	switch (c->kind) {
	case LK_KIND_BOOL:
		return add_bools(c, s, view->buffer_views[1].data.as_uint8, first, dense, count, err);
	case LK_KIND_INT:
		LK_TRY(gather_ints(c, s, view, first, dense, count, &ints, err));
		lk_range_add_ints(&c->page_range, ints, count);
		return add_words(c, ints, count, err);
	case LK_KIND_FLOAT:
		return add_floats(c, s, view, first, dense, count, err);
	case LK_KIND_WIDE:
		LK_TRY(gather_wides(c, s, view->buffer_views[1].data.as_uint8 + 16 * first, dense, count, err));
		lk_range_add_wides(&c->page_range, s->wides, count);
		gather_fixed(c, s, count);
		return add_bytes(c, s->bytes, count, err);
	case LK_KIND_BYTES:
		gather_bytes(s, view, first, dense, count);
		return add_bytes(c, s->bytes, count, err);
	}
	return lk_error_set(err, LK_BUG, "column '%s' is of no kind", c->column.name);
}

/* ---- blocks and pages ---- */

static size_t page_limit(const struct lk_chunk *c, const struct lk_scratch *s)
{
	return (size_t)s->page_bytes * (c->dictionary_on ? DICTIONARY_PAGE_FACTOR : 1);
}

static int64_t block_bytes(const struct ArrowArrayView *view, int64_t first, const int32_t *rows, int64_t n)
{
	int64_t bytes = 0;

	if (!rows)
		return bytes_offset(view, first + n) - bytes_offset(view, first);
	for (int64_t i = 0; i < n; i++)
		bytes += bytes_offset(view, first + rows[i] + 1) - bytes_offset(view, first + rows[i]);
	return bytes;
}

/* How many of n rows to take so that the page hardly passes its limit: at least one. */
static enum lk_status block_rows(const struct lk_chunk *c, const struct lk_scratch *s, const struct ArrowArrayView *view,
	int64_t first, const int32_t *rows, int64_t n, int *out, struct lk_error *err)
{
	int64_t room = s->page_rows - c->page_row_count, bytes;

	n = n < LK_BLOCK_ROWS ? n : LK_BLOCK_ROWS;
	n = n < room ? n : room;
	if (view && c->kind == LK_KIND_BYTES) {
		size_t limit = page_limit(c, s) - c->page_plain_bytes;

		while ((bytes = block_bytes(view, first, rows, n)), n > 1 && (size_t)bytes > limit)
			n /= 2;
		if (bytes > MAX_VALUE_BYTES)
			return lk_error_set(err, LK_DATA, "column '%s': a value of %lld bytes is too long for a page",
				c->column.name, (long long)bytes);
	}
	*out = (int)n;
	return LK_OK;
}

static enum lk_status refuse_null(const struct lk_chunk *c, const struct lk_scratch *s, const int32_t *rows, int count,
	struct lk_error *err)
{
	int64_t row = c->total_rows + c->row_count + c->page_row_count + 1;

	for (int i = 0; i < count && s->picks[i] == (rows ? rows[i] : i); i++)
		row++;
	return lk_error_set(err, LK_DATA, "column '%s' is required, but row %lld of the table has none", c->column.name,
		(long long)row);
}

enum lk_status lk_chunk_append(struct lk_chunk *c, struct lk_scratch *s, const struct ArrowArrayView *view, int64_t first,
	const int32_t *rows, int64_t n, struct lk_error *err)
{
	while (n) {
		int block = 0, count;

		if (!c->body.data)
			LK_TRY(begin_chunk(c, s, err));
		LK_TRY(block_rows(c, s, view, first, rows, n, &block, err));
		count = rows && view ? pick_chosen(c, s, view, first, rows, block) : pick_rows(c, s, view, first, block);
		if (count < block && c->column.required)
			return refuse_null(c, s, rows, count, err);
		if (count)
			LK_TRY(add_block(c, s, view, first, !rows && count == block, count, err));
		c->page_row_count += block;
		c->page_null_count += block - count;
		if (c->dictionary_on && !c->dictionary_kept && c->page_value_count >= TRIAL_VALUES &&
			c->dictionary.count > c->page_value_count / 10 * 9)
			LK_TRY(lk_chunk_leave_dictionary(c, err));
		if (c->page_row_count >= s->page_rows || c->page_plain_bytes >= page_limit(c, s))
			LK_TRY(lk_chunk_end_page(c, s, err));
		if (rows)
			rows += block;
		else
			first += block;
		n -= block;
	}
	return LK_OK;
}
