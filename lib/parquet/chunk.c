#include "parquet/chunk.h"

#include <libdeflate.h>
#include <stdlib.h>

#include "base/mem.h"
#include "parquet/encode.h"
#include "parquet/thrift.h"

/* What all columns together may hold in dictionaries and in open pages; each gets its share, but no less than LEAST. */
#define ALL_COLUMNS_BYTES (64 << 20)
#define LEAST_BYTES (64 << 10)

enum page_type { DATA_PAGE = 0, DICTIONARY_PAGE = 2 };

static int64_t share(int64_t wanted, int columns)
{
	int64_t most = ALL_COLUMNS_BYTES / (columns ? columns : 1);

	if (most < LEAST_BYTES)
		most = LEAST_BYTES;
	return wanted < most ? wanted : most;
}

enum lk_status lk_scratch_init(struct lk_scratch *s, const struct lk_parquet_options *options, int columns,
	struct lk_error *err)
{
	s->page_rows = options->page_rows;
	s->page_bytes = share(options->page_bytes, columns);
	s->dictionary_bytes = (size_t)share(options->dictionary_bytes, columns);
	s->compressor = (struct lk_compressor){.codec = options->codec, .level = options->level};
	return lk_str_reserve(&s->levels, LK_LEVELS_ROOM(s->page_rows)) ? LK_OK : lk_error_nomem(err);
}

void lk_scratch_shrink(struct lk_scratch *s)
{
	lk_compressor_release(&s->compressor);
	lk_str_release(&s->packed);
}

size_t lk_scratch_memory(const struct lk_scratch *s)
{
	return lk_compressor_memory(&s->compressor) + s->packed.cap;
}

void lk_scratch_release(struct lk_scratch *s)
{
	lk_scratch_shrink(s);
	lk_str_release(&s->levels);
	lk_str_release(&s->header);
}

/* Bytes that the unscaled value of a decimal needs. */
static int decimal_width(int precision)
{
	lk_int128 most = 1;
	int width = 1;

	while (precision-- > 0)
		most *= 10;
	while (width < 16 && (most - 1) >> (8 * width - 1))
		width++;
	return width;
}

static void choose_form(struct lk_chunk *c)
{
	switch (c->column.type) {
	case LK_BOOL:
		c->kind = LK_KIND_BOOL;
		c->physical = LK_PHYSICAL_BOOLEAN;
		break;
	case LK_FLOAT64:
		c->kind = LK_KIND_FLOAT;
		c->physical = LK_PHYSICAL_DOUBLE;
		c->width = 8;
		break;
	case LK_UTF8:
	case LK_BINARY:
		c->kind = LK_KIND_BYTES;
		c->physical = LK_PHYSICAL_BYTE_ARRAY;
		break;
	case LK_DECIMAL128:
		if (c->column.precision > 18) {
			c->kind = LK_KIND_WIDE;
			c->physical = LK_PHYSICAL_FIXED;
			c->width = decimal_width(c->column.precision);
			break;
		}
		c->kind = LK_KIND_INT;
		c->physical = c->column.precision > 9 ? LK_PHYSICAL_INT64 : LK_PHYSICAL_INT32;
		c->width = c->column.precision > 9 ? 8 : 4;
		break;
	default:
		c->kind = LK_KIND_INT;
		c->width = c->column.type == LK_INT32 || c->column.type == LK_DATE32 ? 4 : 8;
		c->physical = c->width == 4 ? LK_PHYSICAL_INT32 : LK_PHYSICAL_INT64;
	}
	c->statistics_form = c->iceberg_form =
		(struct lk_bound_form){.width = c->width, .text = c->column.type == LK_UTF8};
	c->iceberg_form.points = c->column.points ? c->column.points : LK_BOUND_POINTS;
	c->statistics_form.whole = c->column.full_bounds;
	c->iceberg_form.whole = c->column.full_bounds || c->column.metrics == LK_METRICS_FULL;
	if (c->column.type == LK_DECIMAL128)
		c->iceberg_form.width = 0;
}

enum lk_status lk_chunk_init(struct lk_chunk *c, const struct lk_parquet_column *column, struct lk_error *err)
{
	bool whole;

	*c = (struct lk_chunk){.column = *column};
	c->column.name = strdup(column->name);
	if (!c->column.name)
		return lk_error_nomem(err);
	choose_form(c);
	whole = c->iceberg_form.whole || c->iceberg_form.points > LK_BOUND_POINTS;
	lk_range_init(&c->page_range, c->kind, whole);
	lk_range_init(&c->range, c->kind, whole);
	lk_range_init(&c->total_range, c->kind, whole);
	return LK_OK;
}

/* Gives back what the row group took. */
static void release_group(struct lk_chunk *c)
{
	free(c->levels);
	c->levels = NULL;
	free(c->indices);
	c->indices = NULL;
	c->fixed_bytes = 0;
	lk_str_release(&c->body);
	lk_dictionary_release(&c->dictionary);
	lk_str_release(&c->pages);
	lk_str_release(&c->bounds);
	free(c->page);
	c->page = NULL;
	c->page_count = c->page_cap = 0;
}

void lk_chunk_release(struct lk_chunk *c)
{
	release_group(c);
	free((char *)c->column.name);
	c->column.name = NULL;
	lk_range_release(&c->page_range);
	lk_range_release(&c->range);
	lk_range_release(&c->total_range);
}

/* ---- pages ---- */

/* The header of the page in s->packed, left in s->header. */
static enum lk_status make_header(struct lk_scratch *s, enum page_type type, size_t plain_len, int64_t values,
	enum lk_encoding encoding, struct lk_error *err)
{
	struct lk_thrift t;

	lk_str_clear(&s->header);
	t = lk_thrift_start(&s->header);
	lk_thrift_i32(&t, 1, type);
	lk_thrift_i32(&t, 2, (int32_t)plain_len);
	lk_thrift_i32(&t, 3, (int32_t)s->packed.len);
	lk_thrift_i32(&t, 4, (int32_t)libdeflate_crc32(0, s->packed.data, s->packed.len));
	lk_thrift_struct(&t, type == DATA_PAGE ? 5 : 7);
	lk_thrift_i32(&t, 1, (int32_t)values);
	lk_thrift_i32(&t, 2, encoding);
	if (type == DATA_PAGE) {
		lk_thrift_i32(&t, 3, LK_ENCODING_RLE);
		lk_thrift_i32(&t, 4, LK_ENCODING_RLE);
	}
	lk_thrift_end(&t);
	lk_thrift_end(&t);
	return lk_str_check(&s->header, err);
}

/* Bits of the largest index. No value needs none; a single one takes a bit all the same, as readers are used to. */
static int index_width(const struct lk_dictionary *d)
{
	return d->count < 2 ? (int)d->count : 32 - __builtin_clz(d->count - 1);
}

static enum lk_status narrow_words(const int64_t *values, size_t n, struct lk_str *out, struct lk_error *err)
{
	if (!lk_str_reserve(out, n * 4))
		return lk_error_nomem(err);
	for (size_t i = 0; i < n; i++) {
		int32_t value = (int32_t)values[i];

		memcpy(out->data + out->len + 4 * i, &value, 4);
	}
	out->len += n * 4;
	return LK_OK;
}

/* Adds the dictionary's entries, or those of `indices` where it is given, as PLAIN values. */
static enum lk_status add_entries(struct lk_chunk *c, const uint32_t *indices, size_t n, struct lk_str *out,
	struct lk_error *err)
{
	const struct lk_dictionary *d = &c->dictionary;

	for (size_t i = 0; i < n; i++) {
		uint32_t index = indices ? indices[i] : (uint32_t)i;

		if (d->words && c->width == 4) {
			LK_TRY(narrow_words(&d->values[index], 1, out, err));
		} else if (d->words) {
			lk_str_add(out, &d->values[index], 8);
		} else {
			struct lk_bytes value = lk_dictionary_get(d, index);
			size_t prefix = c->kind == LK_KIND_BYTES ? 4 : 0;

			lk_str_add(out, value.data - prefix, value.len + prefix);
		}
	}
	return lk_str_check(out, err);
}

enum lk_status lk_chunk_leave_dictionary(struct lk_chunk *c, struct lk_error *err)
{
	LK_TRY(add_entries(c, c->indices, (size_t)c->page_value_count, &c->body, err));
	c->dictionary_on = false;
	if (!c->dictionary_pages)
		lk_dictionary_release(&c->dictionary);
	return LK_OK;
}

/* Whether the open page and the dictionary are smaller than the values as they are. */
static bool dictionary_pays(const struct lk_chunk *c)
{
	const struct lk_dictionary *d = &c->dictionary;
	size_t values = d->words && c->width == 4 ? d->bytes / 2 : d->bytes;
	size_t indices = (size_t)c->page_value_count * (size_t)index_width(d) / 8;

	return values + indices < c->page_plain_bytes;
}

static enum lk_status encode_indices(struct lk_chunk *c, struct lk_error *err)
{
	int width = index_width(&c->dictionary);

	if (!lk_str_reserve(&c->body, LK_INDICES_ROOM(c->page_value_count, width)))
		return lk_error_nomem(err);
	c->body.len += lk_encode_indices(c->indices, c->page_value_count, width, (uint8_t *)c->body.data + c->body.len);
	return LK_OK;
}

/* Encodes the levels into the head of the body; returns where the page's bytes begin. */
static size_t put_levels(struct lk_chunk *c, struct lk_scratch *s)
{
	uint32_t len;
	size_t start;

	if (c->column.required)
		return c->head;
	len = (uint32_t)lk_encode_levels(c->levels, c->page_row_count, c->page_value_count, (uint8_t *)s->levels.data);
	start = c->head - len - 4;
	memcpy(c->body.data + start, &len, 4);
	memcpy(c->body.data + start + 4, s->levels.data, len);
	return start;
}

/* Records the page that starts at the end of `pages`. */
static enum lk_status add_page(struct lk_chunk *c, size_t size, struct lk_error *err)
{
	struct lk_page *page;
	bool low, high, exact;

	if (!lk_grow((void **)&c->page, &c->page_cap, c->page_count + 1, sizeof(*c->page)))
		return lk_error_nomem(err);
	page = &c->page[c->page_count++];
	*page = (struct lk_page){.offset = (int64_t)c->pages.len,
		.first_row = c->row_count,
		.null_count = c->page_null_count,
		.size = (int32_t)size,
		.empty = !c->page_value_count,
		.low_at = c->bounds.len};
	low = lk_range_low(&c->page_range, &c->statistics_form, &c->bounds, &exact);
	page->low_len = c->bounds.len - page->low_at;
	high = lk_range_high(&c->page_range, &c->statistics_form, &c->bounds, &exact);
	page->high_len = c->bounds.len - page->low_at - page->low_len;
	page->bounded = low && high;
	lk_range_join(&c->range, &c->page_range);
	return lk_str_check(&c->bounds, err);
}

static enum lk_status finish_page(struct lk_chunk *c, struct lk_scratch *s, struct lk_error *err)
{
	enum lk_encoding encoding = c->dictionary_on ? LK_ENCODING_DICTIONARY : LK_ENCODING_PLAIN;
	size_t start, len;

	if (c->dictionary_on)
		LK_TRY(encode_indices(c, err));
	start = put_levels(c, s);
	len = c->body.len - start;
	LK_TRY(lk_compress(&s->compressor, c->body.data + start, len, &s->packed, err));
	LK_TRY(make_header(s, DATA_PAGE, len, c->page_row_count, encoding, err));
	LK_TRY(add_page(c, s->header.len + s->packed.len, err));
	lk_str_add(&c->pages, s->header.data, s->header.len);
	lk_str_add(&c->pages, s->packed.data, s->packed.len);
	c->uncompressed_bytes += (int64_t)(s->header.len + len);
	if (c->dictionary_on)
		c->dictionary_pages++;
	else
		c->plain_pages++;
	return lk_str_check(&c->pages, err);
}

enum lk_status lk_chunk_end_page(struct lk_chunk *c, struct lk_scratch *s, struct lk_error *err)
{
	if (!c->page_row_count)
		return LK_OK;
	if (c->dictionary_on && !c->dictionary_kept && c->page_value_count) {
		if (dictionary_pays(c))
			c->dictionary_kept = true;
		else
			LK_TRY(lk_chunk_leave_dictionary(c, err));
	}
	LK_TRY(finish_page(c, s, err));
	c->row_count += c->page_row_count;
	c->null_count += c->page_null_count;
	c->page_row_count = c->page_value_count = c->page_null_count = 0;
	c->page_plain_bytes = 0;
	c->page_serial++;
	c->body.len = c->head;
	lk_range_clear(&c->page_range);
	return LK_OK;
}

enum lk_status lk_chunk_dictionary_page(struct lk_chunk *c, struct lk_scratch *s, struct lk_error *err)
{
	lk_str_clear(&s->packed);
	lk_str_clear(&s->header);
	if (!c->dictionary_pages)
		return LK_OK;
	lk_str_clear(&c->body);
	LK_TRY(add_entries(c, NULL, c->dictionary.count, &c->body, err));
	LK_TRY(lk_compress(&s->compressor, lk_str_text(&c->body), c->body.len, &s->packed, err));
	LK_TRY(make_header(s, DICTIONARY_PAGE, c->body.len, c->dictionary.count, LK_ENCODING_PLAIN, err));
	c->uncompressed_bytes += (int64_t)(s->header.len + c->body.len);
	return LK_OK;
}

size_t lk_chunk_memory(const struct lk_chunk *c)
{
	return c->fixed_bytes + c->body.cap + c->pages.cap + c->bounds.cap + c->page_cap * sizeof(*c->page) +
		lk_dictionary_memory(&c->dictionary);
}

int64_t lk_chunk_size(const struct lk_chunk *c)
{
	int64_t open = c->dictionary_on ? c->page_value_count : (int64_t)c->page_plain_bytes / 2;

	return (int64_t)c->pages.len + (int64_t)c->dictionary.bytes / 2 + open;
}

void lk_chunk_next(struct lk_chunk *c)
{
	lk_range_join(&c->total_range, &c->range);
	lk_range_clear(&c->range);
	c->total_rows += c->row_count;
	c->total_nulls += c->null_count;
	c->row_count = c->null_count = c->uncompressed_bytes = 0;
	c->plain_pages = c->dictionary_pages = 0;
	c->dictionary_on = c->dictionary_kept = false;
	release_group(c);
}
