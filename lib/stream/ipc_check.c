#include <stdlib.h>
#include <string.h>

#include "nanoarrow/ipc/flatcc_generated.h"

#include "stream/ipc.h"

#define ns(x) FLATBUFFERS_WRAP_NAMESPACE(org_apache_arrow_flatbuf, x)

#define WIDTH_MAX (1 << 24)	       /* bytes of a fixed-size binary value */
#define FREE_ROWS (INT64_C(1) << 20)   /* rows that a batch may claim beyond what its bytes could hold */
#define NODES_A_BYTE 64		       /* what columns without bytes of their own (null, struct) may add up to */

static const void *message_root(const struct lk_message *m)
{
	return ns(Message_as_root(m->bytes.data + 8));
}

/* What lk has no word for: the name of the type, or NULL for those that it reads. */
static const char *unreadable(int type)
{
	switch (type) {
	case ns(Type_Union):
		return "union";
	case ns(Type_RunEndEncoded):
		return "run-end encoded";
	case ns(Type_BinaryView):
		return "binary view";
	case ns(Type_Utf8View):
		return "utf8 view";
	case ns(Type_ListView):
		return "list view";
	case ns(Type_LargeListView):
		return "large list view";
	default:
		return type >= ns(Type_Null) && type <= ns(Type_LargeListView) ? NULL : "unknown";
	}
}

/* nanoarrow 0.9 takes the length of keys and values that are not there. */
static bool metadata_complete(ns(KeyValue_vec_t) pairs)
{
	for (size_t i = 0; i < ns(KeyValue_vec_len(pairs)); i++) {
		ns(KeyValue_table_t) pair = ns(KeyValue_vec_at(pairs, i));

		if (!ns(KeyValue_key_is_present(pair)) || !ns(KeyValue_value_is_present(pair)))
			return false;
	}
	return true;
}

static enum lk_status check_field(ns(Field_table_t) field, struct lk_error *err)
{
	const char *name = ns(Field_name_is_present(field)) ? ns(Field_name_get(field)) : "";
	int type = ns(Field_type_type(field));
	ns(Field_vec_t) children = ns(Field_children(field));

	if (!lk_utf8_valid(name, strlen(name)))
		return lk_error_set(err, LK_DATA, "it has a column whose name is not UTF-8");
	if (unreadable(type))
		return lk_error_set(err, LK_DATA, "column '%s' is of type %s, which lk does not read", name,
			unreadable(type));
	if (!metadata_complete(ns(Field_custom_metadata(field))))
		return lk_error_set(err, LK_DATA, "column '%s' has metadata without a key or a value", name);
	if (!ns(Field_type_get(field)))
		return lk_error_set(err, LK_DATA, "column '%s' has no type", name);
	if (ns(Field_dictionary_is_present(field)) && !ns(DictionaryEncoding_indexType_get(ns(Field_dictionary(field)))))
		return lk_error_set(err, LK_DATA, "column '%s' has a dictionary without a type of index", name);
	for (size_t i = 0; i < ns(Field_vec_len(children)); i++)
		LK_TRY(check_field(ns(Field_vec_at(children, i)), err));
	return LK_OK;
}

enum lk_status lk_ipc_check_types(const struct lk_message *m, struct lk_error *err)
{
	ns(Schema_table_t) schema = ns(Message_header_get(message_root(m)));
	ns(Field_vec_t) fields;

	if (!schema)
		return lk_error_set(err, LK_DATA, "it has a schema message without a schema");
	if (!metadata_complete(ns(Schema_custom_metadata(schema))))
		return lk_error_set(err, LK_DATA, "its schema has metadata without a key or a value");
	fields = ns(Schema_fields(schema));
	for (size_t i = 0; i < ns(Field_vec_len(fields)); i++)
		LK_TRY(check_field(ns(Field_vec_at(fields, i)), err));
	return LK_OK;
}

static enum lk_status check_width(const struct ArrowSchema *schema, struct lk_error *err)
{
	struct ArrowError arrow = {""};
	struct ArrowSchemaView view;
	int code = ArrowSchemaViewInit(&view, schema, &arrow);
	bool list;

	if (code != NANOARROW_OK)
		return lk_error_set(err, LK_DATA, "column '%s': %s", schema->name ? schema->name : "", arrow.message);
	list = view.type == NANOARROW_TYPE_FIXED_SIZE_LIST;
	if ((list || view.type == NANOARROW_TYPE_FIXED_SIZE_BINARY) &&
		(view.fixed_size < !list || view.fixed_size > WIDTH_MAX))
		return lk_error_set(err, LK_DATA, "column '%s' has values of a fixed size of %d, which lk does not read",
			schema->name ? schema->name : "", (int)view.fixed_size);
	return LK_OK;
}

enum lk_status lk_ipc_check_schema(const struct ArrowSchema *schema, struct lk_error *err)
{
	LK_TRY(check_width(schema, err));
	for (int64_t i = 0; i < schema->n_children; i++)
		LK_TRY(lk_ipc_check_schema(schema->children[i], err));
	return schema->dictionary ? lk_ipc_check_schema(schema->dictionary, err) : LK_OK;
}

/* The bytes that a buffer stands for once decompressed, or -1 when it does not fit the body. */
static int64_t buffer_size(ns(Buffer_struct_t) buffer, const uint8_t *body, int64_t body_size, bool compressed)
{
	int64_t offset = ns(Buffer_offset(buffer)), length = ns(Buffer_length(buffer)), size;

	if (length == 0)
		return 0;
	if (length < 0 || offset < 0 || offset % 8 || offset > body_size || length > body_size - offset)
		return -1;
	if (!compressed)
		return length;
	if (length < 8)
		return -1;
	memcpy(&size, body + offset, sizeof(size));
	if (size == -1)
		return length - 8;
	return size < 0 ? -1 : size;
}

/* *total: bytes of all buffers once decompressed. */
static enum lk_status check_buffers(ns(RecordBatch_table_t) batch, const uint8_t *body, int64_t body_size, int64_t *total,
	struct lk_error *err)
{
	ns(Buffer_vec_t) buffers = ns(RecordBatch_buffers(batch));
	bool compressed = ns(RecordBatch_compression_is_present(batch));
	int64_t used = 0;

	*total = 0;
	for (size_t i = 0; i < ns(Buffer_vec_len(buffers)); i++) {
		ns(Buffer_struct_t) buffer = ns(Buffer_vec_at(buffers, i));
		int64_t size = buffer_size(buffer, body, body_size, compressed);

		if (size < 0)
			return lk_error_set(err, LK_DATA, "a batch is damaged: a buffer lies outside of it or is not aligned");
		used += ns(Buffer_length(buffer));
		if (used > body_size)
			return lk_error_set(err, LK_DATA, "a batch is damaged: its buffers lie over each other");
		if (compressed && (size > LK_IPC_DECODED_MAX || *total + size > LK_IPC_DECODED_MAX))
			return lk_error_set(err, LK_DATA, "a batch would be larger than %lld MiB once decompressed",
				(long long)(LK_IPC_DECODED_MAX >> 20));
		*total += size;
	}
	return LK_OK;
}

enum lk_status lk_ipc_check_layout(const struct lk_message *m, int64_t *bytes, struct lk_error *err)
{
	ns(RecordBatch_table_t) batch = ns(Message_header_get(message_root(m)));
	ns(FieldNode_vec_t) nodes;
	int64_t limit, sum = 0;

	if (batch && m->kind == LK_MESSAGE_DICTIONARY)
		batch = ns(DictionaryBatch_data((ns(DictionaryBatch_table_t))batch));
	if (!batch)
		return lk_error_set(err, LK_DATA, "a batch is damaged: it is empty");
	LK_TRY(check_buffers(batch, m->bytes.data + m->body_at, m->bytes.size_bytes - m->body_at, bytes, err));
	limit = 8 * *bytes + FREE_ROWS;
	if (limit > INT32_MAX)
		limit = INT32_MAX;
	nodes = ns(RecordBatch_nodes(batch));
	for (size_t i = 0; i < ns(FieldNode_vec_len(nodes)); i++) {
		int64_t length = ns(FieldNode_length(ns(FieldNode_vec_at(nodes, i))));
		int64_t nulls = ns(FieldNode_null_count(ns(FieldNode_vec_at(nodes, i))));

		if (length < 0 || length > limit || nulls < -1 || nulls > length ||
			(sum += length) > NODES_A_BYTE * (8 * *bytes + FREE_ROWS))
			return lk_error_set(err, LK_DATA, "a batch is damaged: it claims more values than its bytes can hold");
	}
	if (ns(RecordBatch_length(batch)) < 0 || ns(RecordBatch_length(batch)) > limit)
		return lk_error_set(err, LK_DATA, "a batch is damaged: it claims %lld rows in %lld bytes",
			(long long)ns(RecordBatch_length(batch)), (long long)*bytes);
	return LK_OK;
}

/* The column that a message is about: the outermost one. */
struct where {
	const char *column;
	struct lk_error *err;
};

static enum lk_status check_nulls(const struct where *w, struct ArrowArrayView *view, struct ArrowArray *array)
{
	int64_t nulls = 0;

	if (view->storage_type == NANOARROW_TYPE_NA)
		view->null_count = nulls = view->length;
	else if (view->layout.buffer_type[0] == NANOARROW_BUFFER_TYPE_VALIDITY && view->buffer_views[0].size_bytes)
		nulls = view->length - ArrowBitCountSet(view->buffer_views[0].data.as_uint8, 0, view->length);
	if (view->null_count >= 0 && view->null_count != nulls)
		return lk_error_set(w->err, LK_DATA, "column '%s' claims %lld nulls but has %lld", w->column,
			(long long)view->null_count, (long long)nulls);
	view->null_count = array->null_count = nulls;
	return LK_OK;
}

static int64_t offset_at(const struct ArrowArrayView *view, int64_t i)
{
	return view->storage_type == NANOARROW_TYPE_STRING ? view->buffer_views[1].data.as_int32[i] :
							      view->buffer_views[1].data.as_int64[i];
}

/* All of it at once, then that no value begins inside a character. False does not say where. */
static bool all_utf8(const struct ArrowArrayView *view)
{
	const char *data = view->buffer_views[2].data.as_char;
	int64_t first = offset_at(view, 0), last = offset_at(view, view->length);

	if (lk_ascii(data + first, (size_t)(last - first)))
		return true;
	if (!lk_utf8_valid(data + first, (size_t)(last - first)))
		return false;
	for (int64_t i = 1; i < view->length; i++) {
		int64_t at = offset_at(view, i);

		if (at < last && ((unsigned char)data[at] & 0xc0) == 0x80)
			return false;
	}
	return true;
}

static enum lk_status check_utf8(const struct where *w, const struct ArrowArrayView *view)
{
	if (view->length == 0 || all_utf8(view))
		return LK_OK;
	for (int64_t i = 0; i < view->length; i++) {
		int64_t from = offset_at(view, i), to = offset_at(view, i + 1);

		if (!ArrowArrayViewIsNull(view, i) && to > from &&
			!lk_utf8_valid(view->buffer_views[2].data.as_char + from, (size_t)(to - from)))
			return lk_error_set(w->err, LK_DATA, "column '%s' holds text that is not UTF-8, in row %lld of a batch",
				w->column, (long long)i + 1);
	}
	return LK_OK;
}

static enum lk_status check_column(const struct where *w, struct ArrowArrayView *view, struct ArrowArray *array)
{
	LK_TRY(check_nulls(w, view, array));
	if (view->storage_type == NANOARROW_TYPE_STRING || view->storage_type == NANOARROW_TYPE_LARGE_STRING)
		LK_TRY(check_utf8(w, view));
	for (int64_t i = 0; i < view->n_children; i++)
		LK_TRY(check_column(w, view->children[i], array->children[i]));
	return LK_OK;
}

enum lk_status lk_ipc_check_values(const struct ArrowSchema *schema, struct ArrowArrayView *view,
	struct ArrowArray *array, struct lk_error *err)
{
	for (int64_t i = 0; i < schema->n_children; i++) {
		const struct ArrowSchema *column = schema->children[i];
		struct where w = {column->name ? column->name : "", err};

		if (view->children[i]->length != view->length)
			return lk_error_set(err, LK_DATA, "column '%s' has %lld values in a batch of %lld rows", w.column,
				(long long)view->children[i]->length, (long long)view->length);
		LK_TRY(check_column(&w, view->children[i], array->children[i]));
		if (!(column->flags & ARROW_FLAG_NULLABLE) && view->children[i]->null_count &&
			view->children[i]->storage_type != NANOARROW_TYPE_NA)
			return lk_error_set(err, LK_DATA, "column '%s' is said to have no nulls but has %lld", w.column,
				(long long)view->children[i]->null_count);
	}
	view->null_count = array->null_count = 0;
	return LK_OK;
}
