#include "stream/build.h"

#include <stdlib.h>
#include <string.h>

static bool has_offsets(enum lk_type type)
{
	return type == LK_UTF8 || type == LK_BINARY;
}

/* Bytes a value takes in `data`; 0 where that depends on the value, or values are bits. */
static int width(enum lk_type type)
{
	switch (type) {
	case LK_INT32:
	case LK_DATE32:
		return 4;
	case LK_INT64:
	case LK_FLOAT64:
	case LK_TIME64:
	case LK_TIMESTAMP:
	case LK_TIMESTAMPTZ:
		return 8;
	case LK_DECIMAL128:
		return 16;
	default:
		return 0;
	}
}

static inline bool append(struct ArrowBuffer *buffer, const void *data, int64_t size)
{
	if (buffer->size_bytes + size > buffer->capacity_bytes && ArrowBufferReserve(buffer, size) != NANOARROW_OK)
		return false;
	if (size)
		memcpy(buffer->data + buffer->size_bytes, data, (size_t)size);
	buffer->size_bytes += size;
	return true;
}

/* One more validity bit, in a column that has nulls. */
static bool append_validity(struct lk_column *c, bool valid)
{
	struct ArrowBuffer *bits = &c->validity.buffer;

	if (!c->null_count && ArrowBitmapAppend(&c->validity, 1, c->length) != NANOARROW_OK)
		return false;
	if (c->length % 8 == 0 && !append(bits, "", 1))
		return false;
	ArrowBitSetTo(bits->data, c->length, valid);
	c->validity.size_bits = c->length + 1;
	return true;
}

/* Until the first null there is no bitmap at all. */
static inline void count_value(struct lk_column *c, bool valid)
{
	if (!valid || c->null_count)
		c->failed |= !append_validity(c, valid);
	c->null_count += !valid;
	c->length++;
}

/* Values of LK_BOOL are bits: bit i of byte i / 8, the lowest first. */
static bool append_bit(struct lk_column *c, bool value)
{
	if (c->length % 8 == 0 && !append(&c->data, "", 1))
		return false;
	c->data.data[c->length / 8] |= (uint8_t)(value << (c->length % 8));
	return true;
}

static inline void append_value(struct lk_column *c, const void *value, int64_t size)
{
	if (!append(&c->data, value, size))
		c->failed = true;
	else
		count_value(c, true);
}

void lk_column_null(struct lk_column *c)
{
	static const char zeros[16];
	bool stored;

	if (has_offsets(c->type)) {
		int32_t end; /* a copy: appending moves the buffer */

		memcpy(&end, c->offsets.data + c->offsets.size_bytes - 4, 4);
		stored = append(&c->offsets, &end, 4);
	} else if (c->type == LK_BOOL) {
		stored = append_bit(c, false);
	} else {
		stored = append(&c->data, zeros, width(c->type));
	}
	if (!stored)
		c->failed = true;
	else
		count_value(c, false);
}

void lk_column_bool(struct lk_column *c, bool value)
{
	if (!append_bit(c, value))
		c->failed = true;
	else
		count_value(c, true);
}

void lk_column_int32(struct lk_column *c, int32_t value)
{
	append_value(c, &value, sizeof(value));
}

void lk_column_int64(struct lk_column *c, int64_t value)
{
	append_value(c, &value, sizeof(value));
}

void lk_column_float64(struct lk_column *c, double value)
{
	append_value(c, &value, sizeof(value));
}

void lk_column_decimal(struct lk_column *c, lk_int128 value)
{
	append_value(c, &value, sizeof(value));
}

void lk_column_bytes(struct lk_column *c, const void *data, size_t len)
{
	int64_t end = c->data.size_bytes + (int64_t)len;
	int32_t offset = (int32_t)end;

	if (len > INT32_MAX || end > INT32_MAX || !append(&c->offsets, &offset, sizeof(offset))) {
		c->failed = true;
		return;
	}
	append_value(c, data, (int64_t)len);
}

void lk_column_text(struct lk_column *c, const char *text)
{
	if (text)
		lk_column_bytes(c, text, strlen(text));
	else
		lk_column_null(c);
}

static void column_clear(struct lk_column *c)
{
	c->length = c->null_count = 0;
	c->failed = false;
	c->data.size_bytes = 0;
	c->validity.size_bits = c->validity.buffer.size_bytes = 0;
	c->offsets.size_bytes = 0;
	if (has_offsets(c->type) && !append(&c->offsets, "\0\0\0", 4))
		c->failed = true;
}

/* Back to `rows` values, of which the column has that many or one more. */
static void column_cut(struct lk_column *c, int64_t rows)
{
	if (c->length <= rows)
		return;
	if (c->null_count) {
		c->null_count -= !ArrowBitGet(c->validity.buffer.data, rows);
		ArrowBitClear(c->validity.buffer.data, rows);
		c->validity.size_bits = rows;
		c->validity.buffer.size_bytes = (rows + 7) / 8;
		if (c->null_count == 0)
			c->validity.size_bits = c->validity.buffer.size_bytes = 0;
	}
	if (has_offsets(c->type)) {
		int32_t end;

		memcpy(&end, c->offsets.data + rows * 4, sizeof(end));
		c->offsets.size_bytes = (rows + 1) * 4;
		c->data.size_bytes = end;
	} else if (c->type == LK_BOOL) {
		c->data.size_bytes = (rows + 7) / 8;
		if (rows % 8)
			ArrowBitClear(c->data.data, rows);
	} else {
		c->data.size_bytes = rows * width(c->type);
	}
	c->length = rows;
}

static enum lk_status init_columns(struct lk_builder *b, struct lk_error *err)
{
	b->columns = calloc((size_t)b->schema.n_children + 1, sizeof(*b->columns));
	if (!b->columns)
		return lk_error_nomem(err);
	b->column_count = (int)b->schema.n_children;
	for (int i = 0; i < b->column_count; i++) {
		struct lk_column *c = &b->columns[i];

		c->type = lk_type_of(b->schema.children[i], NULL, NULL);
		if (c->type == LK_OTHER || !strcmp(b->schema.children[i]->format, "U") ||
			!strcmp(b->schema.children[i]->format, "Z"))
			return lk_error_set(err, LK_BUG, "column '%s' has a type that cannot be built",
				b->schema.children[i]->name);
		ArrowBitmapInit(&c->validity);
		ArrowBufferInit(&c->offsets);
		ArrowBufferInit(&c->data);
		column_clear(c);
	}
	return lk_arrow_status(ArrowArrayViewInitFromSchema(&b->view, &b->schema, NULL), NULL, LK_BUG,
		"cannot make a view", err);
}

enum lk_status lk_builder_init_schema(struct lk_builder *b, struct ArrowSchema *schema, struct lk_error *err)
{
	enum lk_status status;

	*b = (struct lk_builder){0};
	ArrowSchemaMove(schema, &b->schema);
	status = init_columns(b, err);
	if (status)
		lk_builder_release(b);
	return status;
}

enum lk_status lk_builder_init(struct lk_builder *b, const struct lk_field *fields, int count,
	const struct lk_meta *meta, struct lk_error *err)
{
	struct ArrowSchema schema;

	*b = (struct lk_builder){0};
	LK_TRY(lk_schema_make(&schema, fields, count, meta, err));
	return lk_builder_init_schema(b, &schema, err);
}

void lk_builder_release(struct lk_builder *b)
{
	for (int i = 0; i < b->column_count; i++) {
		ArrowBitmapReset(&b->columns[i].validity);
		ArrowBufferReset(&b->columns[i].offsets);
		ArrowBufferReset(&b->columns[i].data);
	}
	free(b->columns);
	ArrowArrayViewReset(&b->view);
	if (b->schema.release)
		ArrowSchemaRelease(&b->schema);
	*b = (struct lk_builder){0};
}

enum lk_status lk_builder_check(const struct lk_builder *b, struct lk_error *err)
{
	for (int i = 0; i < b->column_count; i++)
		if (b->columns[i].failed)
			return lk_error_set(err, LK_MISSING, "out of memory, or more than 2 GiB of text in one batch, in column '%s'",
				b->schema.children[i]->name);
	return LK_OK;
}

enum lk_status lk_builder_end_row(struct lk_builder *b, struct lk_error *err)
{
	for (int i = 0; i < b->column_count; i++) {
		if (b->columns[i].failed)
			return lk_builder_check(b, err);
		if (b->columns[i].length != b->rows + 1)
			return lk_error_set(err, LK_BUG, "column '%s' got %lld values in a row", b->schema.children[i]->name,
				(long long)(b->columns[i].length - b->rows));
	}
	b->rows++;
	return LK_OK;
}

void lk_builder_undo_row(struct lk_builder *b)
{
	for (int i = 0; i < b->column_count; i++)
		column_cut(&b->columns[i], b->rows);
}

size_t lk_builder_bytes(const struct lk_builder *b)
{
	size_t bytes = 0;

	for (int i = 0; i < b->column_count; i++) {
		const struct lk_column *c = &b->columns[i];

		bytes += (size_t)(c->data.size_bytes + c->offsets.size_bytes + c->validity.buffer.size_bytes);
	}
	return bytes;
}

bool lk_builder_full(const struct lk_builder *b)
{
	return b->rows >= LK_BATCH_ROWS || lk_builder_bytes(b) >= LK_BATCH_BYTES;
}

static void set_buffer(struct ArrowArrayView *view, int i, const struct ArrowBuffer *buffer)
{
	view->buffer_views[i].data.data = buffer->data;
	view->buffer_views[i].size_bytes = buffer->size_bytes;
}

enum lk_status lk_builder_view(struct lk_builder *b, const struct ArrowArrayView **view, struct lk_error *err)
{
	LK_TRY(lk_builder_check(b, err));
	b->view.length = b->rows;
	b->view.null_count = 0;
	for (int i = 0; i < b->column_count; i++) {
		const struct lk_column *c = &b->columns[i];
		struct ArrowArrayView *child = b->view.children[i];

		if (c->length != b->rows)
			return lk_error_set(err, LK_BUG, "a row is still being built");
		child->length = c->length;
		child->null_count = c->null_count;
		set_buffer(child, 0, &c->validity.buffer);
		if (has_offsets(c->type))
			set_buffer(child, 1, &c->offsets);
		set_buffer(child, has_offsets(c->type) ? 2 : 1, &c->data);
	}
	*view = &b->view;
	return LK_OK;
}

void lk_builder_clear(struct lk_builder *b)
{
	b->rows = 0;
	for (int i = 0; i < b->column_count; i++)
		column_clear(&b->columns[i]);
}
