#include "lake/row.h"

#include <stdlib.h>
#include <string.h>

#define LONG 255 /* instead of a length, which follows in 8 bytes */

struct row_column {
	enum lk_type type;
	int width; /* bytes of a value; 0: bytes with their length */
	/* in the batch */
	const struct ArrowArrayView *view; /* NULL: all null */
	const uint8_t *validity;	   /* NULL: none is */
	int64_t first;
};

struct lk_row_codec {
	struct row_column *columns;
	struct lk_field *fields;
	int count;
	size_t bitmap;
};

static int width_of(enum lk_type type)
{
	switch (type) {
	case LK_BOOL:
		return 1;
	case LK_INT32:
	case LK_DATE32:
		return 4;
	case LK_DECIMAL128:
		return 16;
	case LK_UTF8:
	case LK_BINARY:
		return 0;
	default:
		return 8;
	}
}

static enum lk_status create(struct lk_row_codec *c, const struct lk_parquet_column *columns, int count, struct lk_error *err)
{
	c->columns = calloc((size_t)count + 1, sizeof(*c->columns));
	c->fields = calloc((size_t)count + 1, sizeof(*c->fields));
	if (!c->columns || !c->fields)
		return lk_error_nomem(err);
	c->bitmap = ((size_t)count + 7) / 8;
	for (; c->count < count; c->count++) {
		const struct lk_parquet_column *from = &columns[c->count];
		char *name = strdup(from->name);

		if (!name)
			return lk_error_nomem(err);
		c->columns[c->count] = (struct row_column){.type = from->type, .width = width_of(from->type)};
		c->fields[c->count] = (struct lk_field){.name = name, .type = from->type, .precision = from->precision,
			.scale = from->scale, .required = from->required};
	}
	return LK_OK;
}

enum lk_status lk_row_codec_create(struct lk_row_codec **out, const struct lk_parquet_column *columns, int count,
	struct lk_error *err)
{
	struct lk_row_codec *c = calloc(1, sizeof(*c));
	enum lk_status status = c ? create(c, columns, count, err) : lk_error_nomem(err);

	*out = status ? NULL : c;
	if (status)
		lk_row_codec_free(c);
	return status;
}

void lk_row_codec_free(struct lk_row_codec *c)
{
	if (!c)
		return;
	for (int i = 0; i < c->count; i++)
		free((char *)c->fields[i].name);
	free(c->fields);
	free(c->columns);
	free(c);
}

enum lk_status lk_row_builder(const struct lk_row_codec *c, struct lk_builder *b, struct lk_error *err)
{
	return lk_builder_init(b, c->fields, c->count, NULL, err);
}

/* ---- to bytes ---- */

/* Whether the batch's values are of the column's type, or an int for a long. */
static bool takes(const struct row_column *c, const struct ArrowArrayView *view)
{
	switch (view->storage_type) {
	case NANOARROW_TYPE_BOOL:
		return c->type == LK_BOOL;
	case NANOARROW_TYPE_INT32:
		return c->width == 4 || c->type == LK_INT64;
	case NANOARROW_TYPE_INT64:
		return c->width == 8 && c->type != LK_FLOAT64;
	case NANOARROW_TYPE_DOUBLE:
		return c->type == LK_FLOAT64;
	case NANOARROW_TYPE_DECIMAL128:
		return c->type == LK_DECIMAL128;
	case NANOARROW_TYPE_STRING:
	case NANOARROW_TYPE_LARGE_STRING:
		return c->type == LK_UTF8;
	case NANOARROW_TYPE_BINARY:
	case NANOARROW_TYPE_LARGE_BINARY:
		return c->type == LK_BINARY;
	default:
		return false;
	}
}

enum lk_status lk_row_begin(struct lk_row_codec *codec, const struct ArrowArrayView *view, const int *source, struct lk_error *err)
{
	for (int i = 0; i < codec->count; i++) {
		struct row_column *c = &codec->columns[i];

		c->view = source[i] < 0 ? NULL : view->children[source[i]];
		if (!c->view)
			continue;
		if (c->view->dictionary || !takes(c, c->view))
			return lk_error_set(err, LK_BUG, "column '%s': the batch has another type", codec->fields[i].name);
		c->first = view->offset + c->view->offset;
		c->validity = c->view->null_count ? c->view->buffer_views[0].data.as_uint8 : NULL;
	}
	return LK_OK;
}

static void encode_bytes(const struct row_column *c, int64_t at, struct lk_str *out)
{
	const union ArrowBufferViewData offsets = c->view->buffer_views[1].data;
	bool large = c->view->storage_type == NANOARROW_TYPE_LARGE_STRING || c->view->storage_type == NANOARROW_TYPE_LARGE_BINARY;
	int64_t start = large ? offsets.as_int64[at] : offsets.as_int32[at];
	int64_t end = large ? offsets.as_int64[at + 1] : offsets.as_int32[at + 1];
	uint64_t len = (uint64_t)(end - start);

	lk_str_addc(out, (char)(len < LONG ? len : LONG));
	if (len >= LONG)
		lk_str_add(out, &len, sizeof(len));
	lk_str_add(out, c->view->buffer_views[2].data.as_uint8 + start, len);
}

static void encode_value(const struct row_column *c, int64_t at, struct lk_str *out)
{
	const union ArrowBufferViewData data = c->view->buffer_views[1].data;

	if (!c->width) {
		encode_bytes(c, at, out);
	} else if (c->type == LK_BOOL) {
		lk_str_addc(out, ArrowBitGet(data.as_uint8, at));
	} else if (c->type == LK_INT64 && c->view->storage_type == NANOARROW_TYPE_INT32) {
		int64_t wide = data.as_int32[at];

		lk_str_add(out, &wide, sizeof(wide));
	} else {
		lk_str_add(out, data.as_uint8 + (int64_t)c->width * at, (size_t)c->width);
	}
}

void lk_row_encode(const struct lk_row_codec *codec, int64_t i, struct lk_str *out)
{
	size_t start = out->len;

	for (size_t b = 0; b < codec->bitmap; b++)
		lk_str_addc(out, 0);
	for (int n = 0; n < codec->count; n++) {
		const struct row_column *c = &codec->columns[n];

		if (!c->view || (c->validity && !ArrowBitGet(c->validity, c->first + i)))
			continue;
		if (!out->failed)
			out->data[start + (size_t)n / 8] |= (char)(1 << n % 8);
		encode_value(c, c->first + i, out);
	}
}

/* ---- from bytes ---- */

struct reader {
	const uint8_t *p, *end;
};

static bool take(struct reader *r, void *to, size_t len)
{
	if ((size_t)(r->end - r->p) < len)
		return false;
	memcpy(to, r->p, len);
	r->p += len;
	return true;
}

static bool decode_bytes(struct reader *r, struct lk_column *out)
{
	uint64_t len;
	uint8_t head;

	if (!take(r, &head, 1))
		return false;
	len = head;
	if (head == LONG && !take(r, &len, sizeof(len)))
		return false;
	if (len > (size_t)(r->end - r->p))
		return false;
	lk_column_bytes(out, r->p, len);
	r->p += len;
	return true;
}

static bool decode_value(const struct row_column *c, struct reader *r, struct lk_column *out)
{
	union {
		int32_t narrow;
		int64_t wide;
		double real;
		lk_int128 decimal;
		uint8_t byte;
	} v;

	if (!c->width)
		return decode_bytes(r, out);
	if (!take(r, &v, (size_t)c->width))
		return false;
	if (c->type == LK_BOOL)
		lk_column_bool(out, v.byte != 0);
	else if (c->type == LK_FLOAT64)
		lk_column_float64(out, v.real);
	else if (c->width == 16)
		lk_column_decimal(out, v.decimal);
	else if (c->width == 4)
		lk_column_int32(out, v.narrow);
	else
		lk_column_int64(out, v.wide);
	return true;
}

enum lk_status lk_row_decode(const struct lk_row_codec *codec, const uint8_t *data, size_t len, struct lk_builder *b,
	struct lk_error *err)
{
	struct reader r = {data + codec->bitmap, data + len};
	bool good = len >= codec->bitmap;

	for (int n = 0; good && n < codec->count; n++) {
		if (data[n / 8] >> n % 8 & 1)
			good = decode_value(&codec->columns[n], &r, &b->columns[n]);
		else
			lk_column_null(&b->columns[n]);
	}
	return good && r.p == r.end ? LK_OK : lk_error_set(err, LK_BUG, "a row came back from the spill damaged");
}
