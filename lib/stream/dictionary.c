#include <stdlib.h>
#include <string.h>

#include "nanoarrow/ipc/flatcc_generated.h"

#include "base/mem.h"
#include "stream/ipc.h"

#define ns(x) FLATBUFFERS_WRAP_NAMESPACE(org_apache_arrow_flatbuf, x)

/*
 * A dictionary's values are kept as the batches that they came in (a delta adds one), each already decoded: no
 * dictionary inside is left.
 *
 *	chunks[0]: values 0 .. 99    chunks[1]: values 100 .. 119    ...
 */
struct chunk {
	struct ArrowArray array;    /* of the dictionary's `values` */
	struct ArrowArrayView view; /* over it */
	int64_t start;
	int64_t bytes; /* that it holds */
};

struct lk_dictionary {
	struct lk_dictionary *next;
	int64_t id;
	struct ArrowSchema *wire;	/* the value type as sent; borrowed from the stream's schema */
	struct ArrowSchema storage;	/* a schema of this one column, nested dictionaries as their indices */
	struct ArrowSchema values;	/* the same, as their values */
	struct ArrowIpcDecoder decoder; /* set to storage */
	struct chunk *chunks;
	size_t count, cap;
};

/* The bytes that they held. */
static int64_t drop_chunks(struct lk_dictionary *d)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < d->count; i++) {
		bytes += d->chunks[i].bytes;
		ArrowArrayViewReset(&d->chunks[i].view);
		ArrowArrayRelease(&d->chunks[i].array);
	}
	d->count = 0;
	return bytes;
}

static void dictionary_free(struct lk_dictionary *d)
{
	drop_chunks(d);
	free(d->chunks);
	if (d->decoder.private_data)
		ArrowIpcDecoderReset(&d->decoder);
	if (d->storage.release)
		ArrowSchemaRelease(&d->storage);
	if (d->values.release)
		ArrowSchemaRelease(&d->values);
	free(d);
}

void lk_dictionaries_free(struct lk_dictionary *list)
{
	while (list) {
		struct lk_dictionary *next = list->next;

		dictionary_free(list);
		list = next;
	}
}

static struct lk_dictionary *find(const struct lk_ipc *ipc, int64_t id)
{
	struct lk_dictionary *d = ipc->dictionaries;

	while (d && d->id != id)
		d = d->next;
	return d;
}

/* ---- schemas ---- */

static bool has_dictionary(const struct ArrowSchema *schema)
{
	bool found = schema->dictionary != NULL;

	for (int64_t i = 0; i < schema->n_children && !found; i++)
		found = has_dictionary(schema->children[i]);
	return found;
}

/* Takes the dictionaries off, so that only the indices stay. */
static void to_storage(struct ArrowSchema *schema)
{
	if (schema->dictionary) {
		ArrowSchemaRelease(schema->dictionary);
		ArrowFree(schema->dictionary);
		schema->dictionary = NULL;
		schema->flags &= ~(int64_t)ARROW_FLAG_DICTIONARY_ORDERED;
	}
	for (int64_t i = 0; i < schema->n_children; i++)
		to_storage(schema->children[i]);
}

/* Puts the values' type in the place of the indices': name, metadata and nullability are the field's. */
static int to_values(struct ArrowSchema *schema)
{
	struct ArrowSchema values;
	int code;

	for (int64_t i = 0; i < schema->n_children; i++)
		NANOARROW_RETURN_NOT_OK(to_values(schema->children[i]));
	if (!schema->dictionary)
		return NANOARROW_OK;
	NANOARROW_RETURN_NOT_OK(to_values(schema->dictionary));
	ArrowSchemaMove(schema->dictionary, &values);
	values.flags = (values.flags & ~(int64_t)ARROW_FLAG_NULLABLE) | (schema->flags & ARROW_FLAG_NULLABLE);
	code = ArrowSchemaSetName(&values, schema->name);
	if (code == NANOARROW_OK)
		code = ArrowSchemaSetMetadata(&values, schema->metadata);
	ArrowSchemaRelease(schema);
	ArrowSchemaMove(&values, schema);
	return code;
}

static int one_column(const struct ArrowSchema *column, struct ArrowSchema *out)
{
	ArrowSchemaInit(out);
	NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(out, 1));
	ArrowSchemaRelease(out->children[0]);
	return ArrowSchemaDeepCopy(column, out->children[0]);
}

static int dictionary_init(struct lk_dictionary *d)
{
	NANOARROW_RETURN_NOT_OK(one_column(d->wire, &d->storage));
	to_storage(&d->storage);
	NANOARROW_RETURN_NOT_OK(one_column(d->wire, &d->values));
	NANOARROW_RETURN_NOT_OK(to_values(&d->values));
	/* fields may share a dictionary, so its own values may always be null */
	d->values.children[0]->flags |= ARROW_FLAG_NULLABLE;
	NANOARROW_RETURN_NOT_OK(ArrowIpcDecoderInit(&d->decoder));
	return ArrowIpcDecoderSetSchema(&d->decoder, &d->storage, NULL);
}

static enum lk_status add_dictionary(struct lk_ipc *ipc, const struct ArrowIpcDictionaryEncoding *encoding,
	struct lk_error *err)
{
	struct lk_dictionary *d = find(ipc, encoding->id);

	if (d && !lk_schema_equal(d->wire, encoding->schema->dictionary))
		return lk_error_set(err, LK_DATA, "dictionary %lld has two types of values", (long long)encoding->id);
	if (d)
		return LK_OK;
	d = calloc(1, sizeof(*d));
	if (!d)
		return lk_error_nomem(err);
	d->id = encoding->id;
	d->wire = encoding->schema->dictionary;
	d->next = ipc->dictionaries;
	ipc->dictionaries = d;
	return lk_arrow_status(dictionary_init(d), NULL, LK_DATA, "it has a dictionary that lk cannot read", err);
}

enum lk_status lk_dictionary_schemas(struct lk_ipc *ipc, struct lk_error *err)
{
	const struct ArrowIpcDictionaryEncoding *encodings = (const void *)ipc->encodings.encodings.data;
	int64_t count = ipc->encodings.encodings.size_bytes / (int64_t)sizeof(*encodings);
	int code;

	ipc->encoded = has_dictionary(&ipc->wire);
	code = ArrowSchemaDeepCopy(&ipc->wire, &ipc->storage);
	if (code == NANOARROW_OK)
		code = ArrowSchemaDeepCopy(&ipc->wire, &ipc->schema);
	if (code == NANOARROW_OK) {
		to_storage(&ipc->storage);
		code = to_values(&ipc->schema);
	}
	LK_TRY(lk_arrow_status(code, NULL, LK_DATA, "it has a schema that lk cannot read", err));
	for (int64_t i = 0; i < count; i++)
		LK_TRY(add_dictionary(ipc, &encodings[i], err));
	return LK_OK;
}

/* ---- values ---- */

/* What is being decoded: budget is what the result may still grow by, since a short index may stand for a long value. */
struct copy {
	struct lk_ipc *ipc;
	int64_t budget;
	struct lk_error *err;
	const struct ArrowSchema *field; /* the encoded field seen last, and its dictionary: columns come in a row */
	const struct lk_dictionary *dictionary;
};

static enum lk_status spend(struct copy *c, int64_t bytes)
{
	if (bytes > c->budget)
		return lk_error_set(c->err, LK_DATA, "a batch would be larger than %lld MiB once its dictionaries are decoded",
			(long long)(LK_IPC_DECODED_MAX >> 20));
	c->budget -= bytes;
	return LK_OK;
}

static enum lk_status code_status(struct copy *c, int code)
{
	return lk_arrow_status(code, NULL, LK_DATA, "cannot decode a dictionary", c->err);
}

static enum lk_status append(struct copy *c, const struct ArrowSchema *wire, const struct ArrowArrayView *view,
	int64_t row, struct ArrowArray *out);

/* What a null takes: those of fixed-size lists and structs have children. Neither factor is above 2^31. */
static int64_t null_cost(const struct ArrowArrayView *view)
{
	int64_t cost = 16;

	if (view->storage_type == NANOARROW_TYPE_STRUCT)
		for (int64_t i = 0; i < view->n_children; i++)
			cost += null_cost(view->children[i]);
	else if (view->storage_type == NANOARROW_TYPE_FIXED_SIZE_LIST)
		cost += view->layout.child_size_elements * null_cost(view->children[0]);
	return cost < LK_IPC_DECODED_MAX ? cost : LK_IPC_DECODED_MAX + 1;
}

static const struct chunk *find_chunk(const struct lk_dictionary *d, int64_t index)
{
	size_t low = 0, high = d->count;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		*(d->chunks[middle].start <= index ? &low : &high) = middle;
	}
	return d->count && index >= 0 && index - d->chunks[low].start < d->chunks[low].view.length ? &d->chunks[low] :
												      NULL;
}

static const struct lk_dictionary *dictionary_of(struct copy *c, const struct ArrowSchema *field)
{
	const struct ArrowIpcDictionaryEncoding *encoding;

	if (c->field != field) {
		encoding = ArrowIpcDictionaryEncodingsFind(&c->ipc->encodings, field);
		c->field = field;
		c->dictionary = encoding ? find(c->ipc, encoding->id) : NULL;
	}
	return c->dictionary;
}

static enum lk_status append_encoded(struct copy *c, const struct ArrowSchema *wire, const struct ArrowArrayView *view,
	int64_t row, struct ArrowArray *out)
{
	const struct lk_dictionary *d = dictionary_of(c, wire);
	int64_t index = ArrowArrayViewGetIntUnsafe(view, row);
	const struct chunk *chunk = d ? find_chunk(d, index) : NULL;

	if (!chunk)
		return lk_error_set(c->err, LK_DATA, "column '%s' holds the index %lld, which its dictionary does not have",
			wire->name ? wire->name : "", (long long)index);
	/* the chunk's values hold no dictionaries any more: values' own schema is their wire */
	return append(c, d->values.children[0], chunk->view.children[0], index - chunk->start, out);
}

static enum lk_status append_range(struct copy *c, const struct ArrowSchema *wire, const struct ArrowArrayView *view,
	int64_t from, int64_t to, struct ArrowArray *out)
{
	for (int64_t i = from; i < to; i++)
		LK_TRY(append(c, wire->children[0], view->children[0], i, out->children[0]));
	return code_status(c, ArrowArrayFinishElement(out));
}

static int append_fixed(const struct ArrowArrayView *view, int64_t row, struct ArrowArray *out)
{
	int64_t width = view->layout.element_size_bits[1] / 8;

	NANOARROW_RETURN_NOT_OK(
		ArrowBufferAppend(ArrowArrayBuffer(out, 1), view->buffer_views[1].data.as_uint8 + row * width, width));
	if (ArrowArrayValidityBitmap(out)->buffer.data)
		NANOARROW_RETURN_NOT_OK(ArrowBitmapAppend(ArrowArrayValidityBitmap(out), 1, 1));
	out->length++;
	return NANOARROW_OK;
}

static enum lk_status append_bytes(struct copy *c, const struct ArrowArrayView *view, int64_t row,
	struct ArrowArray *out)
{
	struct ArrowBufferView bytes = ArrowArrayViewGetBytesUnsafe(view, row);

	LK_TRY(spend(c, bytes.size_bytes));
	return code_status(c, ArrowArrayAppendBytes(out, bytes));
}

/* One value, dictionaries decoded, at the end of out. view has no offset. */
static enum lk_status append(struct copy *c, const struct ArrowSchema *wire, const struct ArrowArrayView *view,
	int64_t row, struct ArrowArray *out)
{
	int64_t size = view->layout.child_size_elements;

	if (ArrowArrayViewIsNull(view, row)) {
		LK_TRY(spend(c, null_cost(view)));
		return code_status(c, ArrowArrayAppendNull(out, 1));
	}
	LK_TRY(spend(c, 16));
	if (wire->dictionary)
		return append_encoded(c, wire, view, row, out);
	switch (view->storage_type) {
	case NANOARROW_TYPE_STRING:
	case NANOARROW_TYPE_LARGE_STRING:
	case NANOARROW_TYPE_BINARY:
	case NANOARROW_TYPE_LARGE_BINARY:
		return append_bytes(c, view, row, out);
	case NANOARROW_TYPE_BOOL:
		return code_status(c, ArrowArrayAppendInt(out, ArrowArrayViewGetIntUnsafe(view, row)));
	case NANOARROW_TYPE_STRUCT:
		for (int64_t i = 0; i < view->n_children; i++)
			LK_TRY(append(c, wire->children[i], view->children[i], row, out->children[i]));
		return code_status(c, ArrowArrayFinishElement(out));
	case NANOARROW_TYPE_LIST:
	case NANOARROW_TYPE_LARGE_LIST:
	case NANOARROW_TYPE_MAP:
		return append_range(c, wire, view, ArrowArrayViewListChildOffset(view, row),
			ArrowArrayViewListChildOffset(view, row + 1), out);
	case NANOARROW_TYPE_FIXED_SIZE_LIST:
		return append_range(c, wire, view, row * size, (row + 1) * size, out);
	default:
		LK_TRY(spend(c, view->layout.element_size_bits[1] / 8));
		return code_status(c, append_fixed(view, row, out));
	}
}

/* All columns: those without a dictionary anywhere are moved as they are. */
static enum lk_status copy_columns(struct copy *c, struct ArrowSchema *const *wire, const struct ArrowArrayView *view,
	struct ArrowArray *storage, struct ArrowArray *out)
{
	for (int64_t i = 0; i < view->n_children; i++) {
		if (!has_dictionary(wire[i])) {
			ArrowArrayRelease(out->children[i]);
			ArrowArrayMove(storage->children[i], out->children[i]);
			continue;
		}
		for (int64_t row = 0; row < view->children[i]->length; row++)
			LK_TRY(append(c, wire[i], view->children[i], row, out->children[i]));
	}
	out->length = view->length;
	return code_status(c, ArrowArrayFinishBuildingDefault(out, NULL));
}

static enum lk_status decode_with_view(struct ArrowSchema *const *wire, const struct ArrowSchema *schema,
	struct ArrowArrayView *view, struct ArrowArray *storage, struct ArrowArray *out, struct copy *c)
{
	LK_TRY(code_status(c, ArrowArrayViewSetArray(view, storage, NULL)));
	LK_TRY(code_status(c, ArrowArrayInitFromSchema(out, schema, NULL)));
	LK_TRY(code_status(c, ArrowArrayStartAppending(out)));
	return copy_columns(c, wire, view, storage, out);
}

/* storage_schema's columns, sent as `wire`, into those of `schema`. *storage is released, *out is the caller's. */
static enum lk_status decode(struct copy *c, struct ArrowSchema *const *wire, const struct ArrowSchema *storage_schema,
	const struct ArrowSchema *schema, struct ArrowArray *storage, struct ArrowArray *out)
{
	struct ArrowArrayView view;
	enum lk_status status;
	int code = ArrowArrayViewInitFromSchema(&view, storage_schema, NULL);

	out->release = NULL;
	status = code_status(c, code);
	if (!status)
		status = decode_with_view(wire, schema, &view, storage, out, c);
	if (code == NANOARROW_OK)
		ArrowArrayViewReset(&view);
	ArrowArrayRelease(storage);
	return status;
}

enum lk_status lk_dictionary_decode(struct lk_ipc *ipc, struct ArrowArray *storage, struct ArrowArray *out,
	struct lk_error *err)
{
	struct copy c = {.ipc = ipc, .budget = LK_IPC_DECODED_MAX, .err = err};

	return decode(&c, ipc->wire.children, &ipc->storage, &ipc->schema, storage, out);
}

/* ---- dictionary batches ---- */

/* The record batch inside a dictionary batch as a message of its own, for the decoder of record batches. */
static bool build_batch_message(flatcc_builder_t *b, const void *message, ns(RecordBatch_table_t) batch)
{
	return !flatcc_builder_init(b) && !ns(Message_start_as_root(b)) &&
		!ns(Message_version_add(b, ns(Message_version(message)))) &&
		!ns(Message_header_RecordBatch_clone(b, batch)) &&
		!ns(Message_bodyLength_add(b, ns(Message_bodyLength(message)))) && ns(Message_end_as_root(b));
}

/* A prefix as of a message, then the header that the builder holds. */
static enum lk_status copy_header(flatcc_builder_t *b, struct ArrowBuffer *out, struct lk_error *err)
{
	int32_t prefix[2] = {-1, (int32_t)flatcc_builder_get_buffer_size(b)};

	if (ArrowBufferAppend(out, prefix, sizeof(prefix)) != NANOARROW_OK ||
		ArrowBufferReserve(out, prefix[1]) != NANOARROW_OK ||
		!flatcc_builder_copy_buffer(b, out->data + sizeof(prefix), (size_t)prefix[1]))
		return lk_error_nomem(err);
	out->size_bytes += prefix[1];
	return LK_OK;
}

static enum lk_status batch_header(const struct lk_message *m, struct ArrowBuffer *out, struct lk_error *err)
{
	const void *message = ns(Message_as_root(m->bytes.data + 8));
	ns(DictionaryBatch_table_t) dictionary = ns(Message_header_get(message));
	flatcc_builder_t b = {0};
	enum lk_status status;

	if (build_batch_message(&b, message, ns(DictionaryBatch_data(dictionary))))
		status = copy_header(&b, out, err);
	else
		status = lk_error_nomem(err);
	flatcc_builder_clear(&b);
	return status;
}

/* A new chunk out of the message, not yet counted. */
static enum lk_status decode_chunk(struct lk_ipc *ipc, struct lk_dictionary *d, const struct lk_message *m,
	struct ArrowBuffer *header, struct chunk *chunk, struct lk_error *err)
{
	struct copy c = {.ipc = ipc, .budget = LK_IPC_DECODED_MAX - ipc->dictionary_bytes, .err = err};
	struct ArrowBufferView view;
	struct ArrowArray storage;

	LK_TRY(lk_ipc_check_layout(m, &chunk->bytes, err));
	LK_TRY(spend(&c, chunk->bytes));
	LK_TRY(batch_header(m, header, err));
	view = (struct ArrowBufferView){.data.data = header->data, .size_bytes = header->size_bytes};
	LK_TRY(lk_ipc_decode(&d->decoder, m, view, &storage, err));
	LK_TRY(decode(&c, &d->wire, &d->storage, &d->values, &storage, &chunk->array));
	chunk->bytes = LK_IPC_DECODED_MAX - ipc->dictionary_bytes - c.budget;
	LK_TRY(code_status(&c, ArrowArrayViewInitFromSchema(&chunk->view, &d->values, NULL)));
	LK_TRY(code_status(&c, ArrowArrayViewSetArray(&chunk->view, &chunk->array, NULL)));
	return lk_ipc_check_values(&d->values, &chunk->view, &chunk->array, err);
}

static enum lk_status add_chunk(struct lk_ipc *ipc, struct lk_dictionary *d, const struct chunk *chunk, bool delta, struct lk_error *err)
{
	int64_t start;

	if (!lk_grow((void **)&d->chunks, &d->cap, d->count + 1, sizeof(*d->chunks)))
		return lk_error_nomem(err);
	if (!delta)
		ipc->dictionary_bytes -= drop_chunks(d);
	ipc->dictionary_bytes += chunk->bytes;
	start = d->count ? d->chunks[d->count - 1].start + d->chunks[d->count - 1].view.length : 0;
	d->chunks[d->count] = *chunk;
	d->chunks[d->count++].start = start;
	return LK_OK;
}

enum lk_status lk_ipc_dictionary(struct lk_ipc *ipc, const struct lk_message *m, struct lk_error *err)
{
	ns(DictionaryBatch_table_t) batch = ns(Message_header_get(ns(Message_as_root(m->bytes.data + 8))));
	struct chunk chunk = {.array.release = NULL};
	struct lk_dictionary *d;
	struct ArrowBuffer header;
	enum lk_status status;

	if (!batch)
		return lk_error_set(err, LK_DATA, "a dictionary is damaged: it is empty");
	d = find(ipc, ns(DictionaryBatch_id(batch)));
	if (!d)
		return lk_error_set(err, LK_DATA, "it holds dictionary %lld, which no column uses",
			(long long)ns(DictionaryBatch_id(batch)));
	ArrowBufferInit(&header);
	ArrowArrayViewInitFromType(&chunk.view, NANOARROW_TYPE_UNINITIALIZED);
	status = decode_chunk(ipc, d, m, &header, &chunk, err);
	if (!status)
		status = add_chunk(ipc, d, &chunk, ns(DictionaryBatch_isDelta(batch)), err);
	if (status) {
		ArrowArrayViewReset(&chunk.view);
		if (chunk.array.release)
			ArrowArrayRelease(&chunk.array);
	}
	ArrowBufferReset(&header);
	return status;
}
