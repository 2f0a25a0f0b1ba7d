#include "stream/gather.h"

#include <stdlib.h>
#include <string.h>

/* A column: what is gathered of it, and its children. */
struct column {
	struct ArrowBuffer buffers[3];
	struct ArrowBuffer rows; /* of its child, where one row here is not one there */
	struct column *children;
	int64_t child_count;
};

struct lk_gather {
	struct ArrowArrayView view;
	struct column top;
};

/* ---- making ---- */

static enum lk_status column_init(struct column *c, int64_t children, struct lk_error *err)
{
	for (int i = 0; i < 3; i++)
		ArrowBufferInit(&c->buffers[i]);
	ArrowBufferInit(&c->rows);
	c->children = calloc((size_t)children + 1, sizeof(*c->children));
	c->child_count = c->children ? children : 0;
	return c->children ? LK_OK : lk_error_nomem(err);
}

static enum lk_status column_make(struct column *c, const struct ArrowArrayView *view, struct lk_error *err)
{
	LK_TRY(column_init(c, view->n_children, err));
	for (int64_t i = 0; i < view->n_children; i++)
		LK_TRY(column_make(&c->children[i], view->children[i], err));
	return LK_OK;
}

static void column_release(struct column *c)
{
	for (int64_t i = 0; i < c->child_count; i++)
		column_release(&c->children[i]);
	for (int i = 0; i < 3; i++)
		ArrowBufferReset(&c->buffers[i]);
	ArrowBufferReset(&c->rows);
	free(c->children);
}

enum lk_status lk_gather_create(struct lk_gather **out, const struct ArrowSchema *schema, struct lk_error *err)
{
	struct lk_gather *g = calloc(1, sizeof(*g));
	struct ArrowError arrow = {""};
	enum lk_status status;

	*out = NULL;
	if (!g)
		return lk_error_nomem(err);
	status = lk_arrow_status(ArrowArrayViewInitFromSchema(&g->view, schema, &arrow), &arrow, LK_BUG, "cannot make a view", err);
	if (!status)
		status = column_make(&g->top, &g->view, err);
	if (status)
		lk_gather_free(g);
	else
		*out = g;
	return status;
}

void lk_gather_free(struct lk_gather *g)
{
	if (!g)
		return;
	column_release(&g->top);
	ArrowArrayViewReset(&g->view);
	free(g);
}

/* ---- buffers ---- */

/* Room for that many bytes, whose values are whatever they are. */
static enum lk_status make_room(struct ArrowBuffer *buffer, int64_t bytes, struct lk_error *err)
{
	buffer->size_bytes = 0;
	if (ArrowBufferReserve(buffer, bytes + 1) != NANOARROW_OK)
		return lk_error_nomem(err);
	buffer->size_bytes = bytes;
	return LK_OK;
}

static void show(struct ArrowArrayView *out, int i, const struct ArrowBuffer *buffer)
{
	out->buffer_views[i].data.data = buffer->data;
	out->buffer_views[i].size_bytes = buffer->size_bytes;
}

/* Bits of rows, of which as many are told as are set. */
static enum lk_status gather_bits(struct ArrowBuffer *to, const uint8_t *bits, int64_t offset, const int64_t *rows, int64_t count,
	int64_t *set, struct lk_error *err)
{
	LK_TRY(make_room(to, (count + 7) / 8, err));
	memset(to->data, 0, (size_t)to->size_bytes + 1);
	*set = 0;
	for (int64_t i = 0; i < count; i++) {
		int64_t bit = ArrowBitGet(bits, offset + rows[i]);

		to->data[i / 8] |= (uint8_t)(bit << (i % 8));
		*set += bit;
	}
	return LK_OK;
}

#define GATHER(type)                                                                                                  \
	do {                                                                                                          \
		const type *source = (const type *)from + offset;                                                     \
		type *target = (type *)to->data;                                                                      \
		for (int64_t i = 0; i < count; i++)                                                                   \
			target[i] = source[rows[i]];                                                                  \
	} while (0)

struct wide {
	uint64_t words[2];
};

static enum lk_status gather_fixed(struct ArrowBuffer *to, const uint8_t *from, int64_t width, int64_t offset, const int64_t *rows,
	int64_t count, struct lk_error *err)
{
	LK_TRY(make_room(to, count * width, err));
	switch (width) {
	case 1: GATHER(uint8_t); break;
	case 2: GATHER(uint16_t); break;
	case 4: GATHER(uint32_t); break;
	case 8: GATHER(uint64_t); break;
	case 16: GATHER(struct wide); break;
	default:
		for (int64_t i = 0; width && i < count; i++)
			memcpy(to->data + i * width, from + (offset + rows[i]) * width, (size_t)width);
	}
	return LK_OK;
}

/* ---- what has offsets ---- */

static int64_t offset_at(const struct ArrowArrayView *view, int64_t i)
{
	return view->layout.element_size_bits[1] == 32 ? view->buffer_views[1].data.as_int32[i] :
							 view->buffer_views[1].data.as_int64[i];
}

/* The new offsets; *total is the last of them. */
static enum lk_status gather_offsets(struct column *c, const struct ArrowArrayView *view, const int64_t *rows, int64_t count,
	int64_t *total, struct lk_error *err)
{
	bool narrow = view->layout.element_size_bits[1] == 32;
	int64_t end = 0;

	LK_TRY(make_room(&c->buffers[1], (count + 1) * (narrow ? 4 : 8), err));
	for (int64_t i = 0; i <= count; i++) {
		if (narrow)
			((int32_t *)c->buffers[1].data)[i] = (int32_t)end;
		else
			((int64_t *)c->buffers[1].data)[i] = end;
		if (i < count)
			end += offset_at(view, view->offset + rows[i] + 1) - offset_at(view, view->offset + rows[i]);
		if (narrow && end > INT32_MAX)
			return lk_error_set(err, LK_MISSING, "more than 2 GiB of values in a column of one batch");
	}
	*total = end;
	return LK_OK;
}

static enum lk_status gather_text(struct column *c, const struct ArrowArrayView *view, const int64_t *rows, int64_t count,
	struct lk_error *err)
{
	const uint8_t *text = view->buffer_views[2].data.as_uint8;
	int64_t total;
	uint8_t *to;

	LK_TRY(gather_offsets(c, view, rows, count, &total, err));
	LK_TRY(make_room(&c->buffers[2], total, err));
	to = c->buffers[2].data;
	for (int64_t i = 0; i < count; i++) {
		int64_t from = offset_at(view, view->offset + rows[i]), len = offset_at(view, view->offset + rows[i] + 1) - from;

		if (len)
			memcpy(to, text + from, (size_t)len);
		to += len;
	}
	return LK_OK;
}

static enum lk_status gather_column(struct column *c, const struct ArrowArrayView *view, const int64_t *rows, int64_t count,
	struct ArrowArrayView *out, struct lk_error *err);

/* The rows of a list's values. */
static enum lk_status gather_list(struct column *c, const struct ArrowArrayView *view, const int64_t *rows, int64_t count,
	struct ArrowArrayView *out, struct lk_error *err)
{
	int64_t total, at = 0, *values;

	LK_TRY(gather_offsets(c, view, rows, count, &total, err));
	LK_TRY(make_room(&c->rows, total * (int64_t)sizeof(*values), err));
	values = (int64_t *)c->rows.data;
	for (int64_t i = 0; i < count; i++)
		for (int64_t v = offset_at(view, view->offset + rows[i]); v < offset_at(view, view->offset + rows[i] + 1); v++)
			values[at++] = v;
	return gather_column(&c->children[0], view->children[0], values, total, out->children[0], err);
}

/* Where one row here is `times` rows of the child, of which the first rows are those at this one's offset. */
static enum lk_status gather_children(struct column *c, const struct ArrowArrayView *view, int64_t times, const int64_t *rows,
	int64_t count, struct ArrowArrayView *out, struct lk_error *err)
{
	int64_t *values;

	LK_TRY(make_room(&c->rows, count * times * (int64_t)sizeof(*values), err));
	values = (int64_t *)c->rows.data;
	for (int64_t i = 0; i < count; i++)
		for (int64_t v = 0; v < times; v++)
			values[i * times + v] = (view->offset + rows[i]) * times + v;
	for (int64_t i = 0; i < view->n_children; i++)
		LK_TRY(gather_column(&c->children[i], view->children[i], values, count * times, out->children[i], err));
	return LK_OK;
}

/* ---- columns ---- */

static enum lk_status gather_validity(struct column *c, const struct ArrowArrayView *view, const int64_t *rows, int64_t count,
	struct ArrowArrayView *out, struct lk_error *err)
{
	int64_t set;

	out->null_count = 0;
	c->buffers[0].size_bytes = 0;
	if (!view->null_count || !view->buffer_views[0].size_bytes)
		return LK_OK;
	LK_TRY(gather_bits(&c->buffers[0], view->buffer_views[0].data.as_uint8, view->offset, rows, count, &set, err));
	out->null_count = count - set;
	return LK_OK;
}

static enum lk_status gather_values(struct column *c, const struct ArrowArrayView *view, const int64_t *rows, int64_t count,
	struct ArrowArrayView *out, struct lk_error *err)
{
	const uint8_t *data = view->buffer_views[1].data.as_uint8;
	int64_t set;

	switch (view->storage_type) {
	case NANOARROW_TYPE_STRUCT:
		return gather_children(c, view, 1, rows, count, out, err);
	case NANOARROW_TYPE_FIXED_SIZE_LIST:
		return gather_children(c, view, view->layout.child_size_elements, rows, count, out, err);
	case NANOARROW_TYPE_LIST:
	case NANOARROW_TYPE_LARGE_LIST:
	case NANOARROW_TYPE_MAP:
		return gather_list(c, view, rows, count, out, err);
	case NANOARROW_TYPE_STRING:
	case NANOARROW_TYPE_BINARY:
	case NANOARROW_TYPE_LARGE_STRING:
	case NANOARROW_TYPE_LARGE_BINARY:
		return gather_text(c, view, rows, count, err);
	case NANOARROW_TYPE_BOOL:
		return gather_bits(&c->buffers[1], data, view->offset, rows, count, &set, err);
	default:
		return gather_fixed(&c->buffers[1], data, view->layout.element_size_bits[1] / 8, view->offset, rows, count, err);
	}
}

static enum lk_status gather_column(struct column *c, const struct ArrowArrayView *view, const int64_t *rows, int64_t count,
	struct ArrowArrayView *out, struct lk_error *err)
{
	out->length = count;
	out->null_count = count;
	if (view->storage_type == NANOARROW_TYPE_NA)
		return LK_OK;
	LK_TRY(gather_validity(c, view, rows, count, out, err));
	LK_TRY(gather_values(c, view, rows, count, out, err));
	for (int i = 0; i < 3; i++)
		show(out, i, &c->buffers[i]);
	return LK_OK;
}

enum lk_status lk_gather_rows(struct lk_gather *g, const struct ArrowArrayView *view, const int64_t *rows, int64_t count,
	const struct ArrowArrayView **out, struct lk_error *err)
{
	LK_TRY(gather_column(&g->top, view, rows, count, &g->view, err));
	*out = &g->view;
	return LK_OK;
}
