#include "stream/encode.h"

#include <stdlib.h>
#include <string.h>

#include "nanoarrow/ipc/flatcc_generated.h"

#include "stream/schema.h"

#define ns(x) FLATBUFFERS_WRAP_NAMESPACE(org_apache_arrow_flatbuf, x)
#define ALIGN 64

static const unsigned char zeros[ALIGN];

enum lk_status lk_encoder_init(struct lk_encoder *e, struct lk_error *err)
{
	*e = (struct lk_encoder){.scratch = LK_ARENA_INIT};
	ArrowBufferInit(&e->header);
	ArrowBufferInit(&e->nodes);
	ArrowBufferInit(&e->buffers);
	e->builder = calloc(1, sizeof(flatcc_builder_t));
	if (e->builder && !flatcc_builder_init(e->builder))
		return LK_OK;
	lk_encoder_release(e);
	return lk_error_nomem(err);
}

void lk_encoder_release(struct lk_encoder *e)
{
	if (e->builder)
		flatcc_builder_clear(e->builder);
	free(e->builder);
	ArrowBufferReset(&e->header);
	ArrowBufferReset(&e->nodes);
	ArrowBufferReset(&e->buffers);
	lk_arena_release(&e->scratch);
	free(e->pieces);
	*e = (struct lk_encoder){0};
}

static enum lk_status encode_schema(struct ArrowIpcEncoder *encoder, const struct ArrowSchema *schema,
	struct ArrowBuffer *out, struct lk_error *err)
{
	struct ArrowError arrow = {""};
	int code = ArrowIpcEncoderEncodeSchema(encoder, schema, &arrow);

	if (code == NANOARROW_OK)
		code = ArrowIpcEncoderFinalizeBuffer(encoder, true, out);
	return lk_arrow_status(code, &arrow, LK_BUG, "cannot encode a schema", err);
}

enum lk_status lk_encode_schema(const struct ArrowSchema *schema, struct ArrowBuffer *out, struct lk_error *err)
{
	struct ArrowIpcEncoder encoder;
	enum lk_status status;

	if (ArrowIpcEncoderInit(&encoder) != NANOARROW_OK)
		return lk_error_nomem(err);
	status = encode_schema(&encoder, schema, out, err);
	ArrowIpcEncoderReset(&encoder);
	return status;
}

/* ---- the body ---- */

static enum lk_status add_piece(struct lk_encoder *e, const void *data, size_t len, struct lk_error *err)
{
	if (!len)
		return LK_OK;
	if (!lk_grow((void **)&e->pieces, &e->piece_cap, e->piece_count + 1, sizeof(*e->pieces)))
		return lk_error_nomem(err);
	e->pieces[e->piece_count++] = (struct iovec){(void *)data, len};
	return LK_OK;
}

static enum lk_status add_buffer(struct lk_encoder *e, const void *data, int64_t len, struct lk_error *err)
{
	ns(Buffer_t) buffer = {e->body, len};
	int64_t padded = (len + ALIGN - 1) / ALIGN * ALIGN;

	if (ArrowBufferAppend(&e->buffers, &buffer, sizeof(buffer)) != NANOARROW_OK)
		return lk_error_nomem(err);
	LK_TRY(add_piece(e, data, (size_t)len, err));
	LK_TRY(add_piece(e, zeros, (size_t)(padded - len), err));
	e->body += padded;
	return LK_OK;
}

/* A buffer without bytes may be NULL, to which nothing can be added. */
static const uint8_t *at_byte(const uint8_t *data, int64_t at)
{
	return data ? data + at : NULL;
}

/* count bits from bit `first` on; a copy when they do not begin a byte, or do not fill the last one: what its other bits
 * are was never set, and would go out as the heap had them. */
static enum lk_status add_bits(struct lk_encoder *e, const uint8_t *bits, int64_t first, int64_t count,
	struct lk_error *err)
{
	int64_t bytes = (count + 7) / 8;
	uint8_t *copy;

	if (first % 8 == 0 && count % 8 == 0)
		return add_buffer(e, at_byte(bits, first / 8), bytes, err);
	copy = lk_arena_alloc(&e->scratch, (size_t)bytes + 1);
	if (!copy)
		return lk_error_nomem(err);
	if (first % 8 == 0)
		memcpy(copy, bits + first / 8, (size_t)bytes);
	else
		for (int64_t i = 0; i < count; i++)
			copy[i / 8] |= (uint8_t)(ArrowBitGet(bits, first + i) << (i % 8));
	if (count % 8)
		copy[bytes - 1] &= (uint8_t)(0xff >> (8 - count % 8));
	return add_buffer(e, copy, bytes, err);
}

static int64_t offset_at(const struct ArrowArrayView *view, int64_t i)
{
	return view->layout.element_size_bits[1] == 32 ? view->buffer_views[1].data.as_int32[i] :
							 view->buffer_views[1].data.as_int64[i];
}

/* The offsets of values [first, first + count), moved so that they begin at 0, in *from and *to where they pointed. */
static enum lk_status add_offsets(struct lk_encoder *e, const struct ArrowArrayView *view, int64_t first, int64_t count,
	int64_t *from, int64_t *to, struct lk_error *err)
{
	int64_t width = view->layout.element_size_bits[1] / 8;
	unsigned char *moved;

	*from = *to = 0;
	if (count == 0)
		return add_buffer(e, zeros, width, err);
	*from = offset_at(view, first);
	*to = offset_at(view, first + count);
	if (*from == 0)
		return add_buffer(e, view->buffer_views[1].data.as_uint8 + first * width, (count + 1) * width, err);
	moved = lk_arena_alloc(&e->scratch, (size_t)((count + 1) * width));
	if (!moved)
		return lk_error_nomem(err);
	for (int64_t i = 0; i <= count; i++) {
		int64_t offset = offset_at(view, first + i) - *from; /* little-endian: the low half comes first */

		memcpy(moved + i * width, &offset, (size_t)width);
	}
	return add_buffer(e, moved, (count + 1) * width, err);
}

static int64_t count_nulls(const struct ArrowArrayView *view, int64_t first, int64_t count)
{
	if (view->storage_type == NANOARROW_TYPE_NA)
		return count;
	if (view->null_count == 0 || !view->buffer_views[0].size_bytes)
		return 0;
	return count - ArrowBitCountSet(view->buffer_views[0].data.as_uint8, first, count);
}

static enum lk_status add_values(struct lk_encoder *e, const struct ArrowArrayView *view, int64_t first, int64_t count,
	struct lk_error *err);

/* What follows the validity: offsets, data, children. */
static enum lk_status add_data(struct lk_encoder *e, const struct ArrowArrayView *view, int64_t first, int64_t count,
	struct lk_error *err)
{
	const uint8_t *data = view->buffer_views[1].data.as_uint8;
	int64_t bits = view->layout.element_size_bits[1], from, to;

	switch (view->storage_type) {
	case NANOARROW_TYPE_NA:
		return LK_OK;
	case NANOARROW_TYPE_STRUCT:
		for (int64_t i = 0; i < view->n_children; i++)
			LK_TRY(add_values(e, view->children[i], first, count, err));
		return LK_OK;
	case NANOARROW_TYPE_FIXED_SIZE_LIST:
		return add_values(e, view->children[0], first * view->layout.child_size_elements,
			count * view->layout.child_size_elements, err);
	case NANOARROW_TYPE_LIST:
	case NANOARROW_TYPE_LARGE_LIST:
	case NANOARROW_TYPE_MAP:
		LK_TRY(add_offsets(e, view, first, count, &from, &to, err));
		return add_values(e, view->children[0], from, to - from, err);
	case NANOARROW_TYPE_STRING:
	case NANOARROW_TYPE_BINARY:
	case NANOARROW_TYPE_LARGE_STRING:
	case NANOARROW_TYPE_LARGE_BINARY:
		LK_TRY(add_offsets(e, view, first, count, &from, &to, err));
		return add_buffer(e, at_byte(view->buffer_views[2].data.as_uint8, from), to - from, err);
	case NANOARROW_TYPE_BOOL:
		return add_bits(e, data, first, count, err);
	case NANOARROW_TYPE_SPARSE_UNION:
	case NANOARROW_TYPE_DENSE_UNION:
	case NANOARROW_TYPE_RUN_END_ENCODED:
	case NANOARROW_TYPE_BINARY_VIEW:
	case NANOARROW_TYPE_STRING_VIEW:
	case NANOARROW_TYPE_LIST_VIEW:
	case NANOARROW_TYPE_LARGE_LIST_VIEW:
		return lk_error_set(err, LK_DATA, "a column of type %s cannot be written",
			ArrowTypeString(view->storage_type));
	default:
		return add_buffer(e, count ? data + first * (bits / 8) : data, count * (bits / 8), err);
	}
}

/* Values [first, first + count) of a column, counted from its own offset. */
static enum lk_status add_values(struct lk_encoder *e, const struct ArrowArrayView *view, int64_t first, int64_t count,
	struct lk_error *err)
{
	ns(FieldNode_t) node;

	first += view->offset;
	node = (ns(FieldNode_t)){count, count_nulls(view, first, count)};
	if (view->dictionary)
		return lk_error_set(err, LK_BUG, "a dictionary-encoded column cannot be written");
	if (ArrowBufferAppend(&e->nodes, &node, sizeof(node)) != NANOARROW_OK)
		return lk_error_nomem(err);
	if (view->layout.buffer_type[0] == NANOARROW_BUFFER_TYPE_VALIDITY) {
		if (node.null_count)
			LK_TRY(add_bits(e, view->buffer_views[0].data.as_uint8, first, count, err));
		else
			LK_TRY(add_buffer(e, NULL, 0, err));
	}
	return add_data(e, view, first, count, err);
}

/* ---- the header ---- */

static bool build_header(struct lk_encoder *e, int64_t rows)
{
	flatcc_builder_t *b = e->builder;

	return !flatcc_builder_reset(b) && !ns(Message_start_as_root(b)) &&
		!ns(Message_version_add(b, ns(MetadataVersion_V5))) && !ns(Message_header_RecordBatch_start(b)) &&
		!ns(RecordBatch_length_add(b, rows)) &&
		!ns(RecordBatch_nodes_create(b, (ns(FieldNode_t) *)e->nodes.data,
			(size_t)e->nodes.size_bytes / sizeof(ns(FieldNode_t)))) &&
		!ns(RecordBatch_buffers_create(b, (ns(Buffer_t) *)e->buffers.data,
			(size_t)e->buffers.size_bytes / sizeof(ns(Buffer_t)))) &&
		!ns(Message_header_RecordBatch_end(b)) && !ns(Message_bodyLength_add(b, e->body)) &&
		ns(Message_end_as_root(b));
}

/* The prefix, the flatbuffer and zeros, so that the body begins at a multiple of ALIGN from the message's start. */
static enum lk_status finish_header(struct lk_encoder *e, struct lk_error *err)
{
	size_t size = flatcc_builder_get_buffer_size(e->builder);
	size_t padded = (8 + size + ALIGN - 1) / ALIGN * ALIGN;
	int32_t prefix[2] = {-1, (int32_t)(padded - 8)};

	if (ArrowBufferResize(&e->header, (int64_t)padded, false) != NANOARROW_OK)
		return lk_error_nomem(err);
	memset(e->header.data, 0, padded);
	memcpy(e->header.data, prefix, 8);
	if (!flatcc_builder_copy_buffer(e->builder, e->header.data + 8, size))
		return lk_error_nomem(err);
	e->pieces[0] = (struct iovec){e->header.data, padded};
	return LK_OK;
}

enum lk_status lk_encode_batch(struct lk_encoder *e, const struct ArrowArrayView *view, struct lk_error *err)
{
	e->nodes.size_bytes = e->buffers.size_bytes = 0;
	e->piece_count = 0;
	e->body = 0;
	lk_arena_clear(&e->scratch);
	LK_TRY(add_piece(e, zeros, 1, err)); /* the header's place */
	for (int64_t i = 0; i < view->n_children; i++)
		LK_TRY(add_values(e, view->children[i], view->offset, view->length, err));
	if (!build_header(e, view->length))
		return lk_error_nomem(err);
	return finish_header(e, err);
}
