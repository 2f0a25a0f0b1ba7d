#include "lake/avro.h"

#include <jansson.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "lake/codec.h"

#define MAGIC "Obj\x01"
#define CODEC "deflate" /* of what is written */
#define BLOCK_BYTES (64 * 1024)
#define FILE_MAX ((size_t)1 << 30)
#define MAX_DEPTH 32
#define MAX_IDLE 100000

/* ---- writing ---- */

void lk_avro_long(struct lk_str *out, int64_t value)
{
	uint64_t n = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);

	for (; n >= 0x80; n >>= 7)
		lk_str_addc(out, (char)(n | 0x80));
	lk_str_addc(out, (char)n);
}

void lk_avro_bytes(struct lk_str *out, const void *data, size_t len)
{
	lk_avro_long(out, (int64_t)len);
	lk_str_add(out, data, len);
}

void lk_avro_text(struct lk_str *out, const char *text)
{
	lk_avro_bytes(out, text, strlen(text));
}

enum lk_status lk_avro_begin(struct lk_avro_writer *w, const struct lk_meta *header, struct lk_error *err)
{
	int64_t keys = 1;

	*w = (struct lk_avro_writer){LK_STR_INIT, LK_STR_INIT, 0, {0}};
	LK_TRY(lk_random(w->sync, sizeof(w->sync), err));
	for (const struct lk_meta *m = header; m->key; m++)
		keys++;
	lk_str_adds(&w->file, MAGIC);
	lk_avro_long(&w->file, keys);
	lk_avro_text(&w->file, "avro.codec");
	lk_avro_text(&w->file, CODEC);
	for (const struct lk_meta *m = header; m->key; m++) {
		lk_avro_text(&w->file, m->key);
		lk_avro_text(&w->file, m->value);
	}
	lk_avro_long(&w->file, 0);
	lk_str_add(&w->file, w->sync, sizeof(w->sync));
	return lk_str_check(&w->file, err);
}

static enum lk_status end_block(struct lk_avro_writer *w, struct lk_error *err)
{
	struct libdeflate_compressor *c;
	size_t bound, len;
	char *packed;

	LK_TRY(lk_str_check(&w->block, err));
	c = libdeflate_alloc_compressor(6);
	if (!c)
		return lk_error_nomem(err);
	bound = libdeflate_deflate_compress_bound(c, w->block.len);
	packed = malloc(bound);
	len = packed ? libdeflate_deflate_compress(c, w->block.data, w->block.len, packed, bound) : 0;
	libdeflate_free_compressor(c);
	if (len) {
		lk_avro_long(&w->file, w->records);
		lk_avro_bytes(&w->file, packed, len);
		lk_str_add(&w->file, w->sync, sizeof(w->sync));
		w->records = 0;
		lk_str_clear(&w->block);
	}
	free(packed);
	return len ? lk_str_check(&w->file, err) : lk_error_nomem(err);
}

enum lk_status lk_avro_end_record(struct lk_avro_writer *w, struct lk_error *err)
{
	w->records++;
	return w->block.len >= BLOCK_BYTES ? end_block(w, err) : lk_str_check(&w->block, err);
}

enum lk_status lk_avro_finish(struct lk_avro_writer *w, struct lk_error *err)
{
	return w->records ? end_block(w, err) : LK_OK;
}

void lk_avro_writer_release(struct lk_avro_writer *w)
{
	lk_str_release(&w->file);
	lk_str_release(&w->block);
}

enum lk_status lk_avro_move(struct lk_avro_writer *w, enum lk_status status, struct lk_str *out, struct lk_error *err)
{
	if (!status) {
		lk_str_add(out, w->file.data, w->file.len);
		status = lk_str_check(out, err);
	}
	lk_avro_writer_release(w);
	return status;
}

/* ---- the writer's schema ---- */

enum node_type {
	NODE_NULL, NODE_BOOLEAN, NODE_INT, NODE_LONG, NODE_FLOAT, NODE_DOUBLE, NODE_BYTES, NODE_STRING, /* as type_words */
	NODE_FIXED, NODE_ENUM, NODE_ARRAY, NODE_MAP, NODE_RECORD, NODE_UNION,
};

static const char *const type_words[] = {"null", "boolean", "int", "long", "float", "double", "bytes", "string",
	"fixed", "enum", "array", "map", "record"};

struct node {
	enum node_type type;
	const char *name;	/* of named types */
	struct node *next_name; /* the named type met before this one */
	size_t size;		/* of NODE_FIXED */
	bool decimal;		/* its logical type */
	int element_id;		/* of NODE_ARRAY; -1 when absent */
	int count;		/* children: fields, branches, or the one item */
	struct node **children;
	int *ids; /* of fields; -1 when absent */
};

struct decoder {
	const char *name; /* of the file */
	struct lk_arena arena;
	struct node *names; /* the last named type met */
	const unsigned char *p, *end;
	const unsigned char *seen; /* p at the last step, and the steps since it moved: a schema of parts without */
	int idle;		   /* bytes must not keep us busy for ever */
	struct lk_str block;
	lk_avro_visitor *visit;
	void *context;
	const struct lk_avro_editor *editor; /* NULL: the file is read, not written anew */
	struct lk_avro_writer *writer;	     /* of the editor */
	int dropped;			     /* values that we are inside of, and that are not written */
	struct lk_error *err;
};

static enum lk_status bad(struct decoder *d, const char *what)
{
	return lk_error_set(d->err, LK_DATA, "'%s' is not a sound Avro file: %s", d->name, what);
}

static int id_of(const json_t *object, const char *key)
{
	const json_t *id = json_object_get(object, key);
	json_int_t n = json_is_integer(id) ? json_integer_value(id) : -1;

	return n >= 0 && n <= INT32_MAX ? (int)n : -1;
}

static enum lk_status compile(struct decoder *d, const json_t *schema, int depth, struct node **out);

static enum lk_status compile_children(struct decoder *d, struct node *node, const json_t *list, int depth)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > 100000)
		return bad(d, "a record or union without its parts");
	node->children = lk_arena_alloc(&d->arena, n * sizeof(*node->children));
	node->ids = lk_arena_alloc(&d->arena, n * sizeof(*node->ids));
	if (!node->children || !node->ids)
		return lk_error_nomem(d->err);
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);

		node->ids[i] = -1;
		if (node->type == NODE_RECORD) {
			node->ids[i] = id_of(item, "field-id");
			item = json_object_get(item, "type");
		}
		LK_TRY(compile(d, item, depth, &node->children[i]));
	}
	node->count = (int)n;
	return LK_OK;
}

static bool is_decimal(const json_t *schema)
{
	const char *logical = json_string_value(json_object_get(schema, "logicalType"));

	return logical && !strcmp(logical, "decimal");
}

/* The simple name: Iceberg's writers use no two that differ in namespace only. */
static const char *simple_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

static enum lk_status compile_word(struct decoder *d, const char *word, struct node **out)
{
	struct node *node;

	for (int i = 0; i <= NODE_STRING; i++)
		if (!strcmp(word, type_words[i])) {
			node = lk_arena_alloc(&d->arena, sizeof(*node));
			if (!node)
				return lk_error_nomem(d->err);
			node->type = (enum node_type)i;
			*out = node;
			return LK_OK;
		}
	for (node = d->names; node; node = node->next_name)
		if (!strcmp(node->name, simple_name(word))) {
			*out = node;
			return LK_OK;
		}
	return bad(d, "its schema names an unknown type");
}

static enum lk_status compile_complex(struct decoder *d, const json_t *schema, const char *word, int depth,
	struct node *node)
{
	const char *name = json_string_value(json_object_get(schema, "name"));
	const json_t *items;
	json_int_t size;
	int type = NODE_FIXED;

	while (type < NODE_UNION && strcmp(word, type_words[type]))
		type++;
	if (type == NODE_UNION)
		return bad(d, "its schema names an unknown type");
	node->type = (enum node_type)type;
	if (node->type == NODE_ARRAY || node->type == NODE_MAP) {
		items = json_object_get(schema, node->type == NODE_ARRAY ? "items" : "values");
		node->element_id = id_of(schema, "element-id");
		node->count = 1;
		node->children = lk_arena_alloc(&d->arena, sizeof(*node->children));
		return node->children ? compile(d, items, depth, node->children) : lk_error_nomem(d->err);
	}
	if (!name)
		return bad(d, "its schema has a type without a name");
	node->name = lk_arena_strdup(&d->arena, simple_name(name));
	if (!node->name)
		return lk_error_nomem(d->err);
	node->next_name = d->names;
	d->names = node;
	if (node->type == NODE_RECORD)
		return compile_children(d, node, json_object_get(schema, "fields"), depth);
	if (node->type == NODE_ENUM)
		return LK_OK;
	size = json_integer_value(json_object_get(schema, "size"));
	if (size < 0 || size > INT32_MAX)
		return bad(d, "its schema has a fixed type of no sound size");
	node->size = (size_t)size;
	node->decimal = is_decimal(schema);
	return LK_OK;
}

static enum lk_status compile(struct decoder *d, const json_t *schema, int depth, struct node **out)
{
	const json_t *type = json_object_get(schema, "type");
	struct node *node;

	if (depth > MAX_DEPTH)
		return bad(d, "its schema is nested too deep");
	if (json_is_string(schema))
		return compile_word(d, json_string_value(schema), out);
	if (json_is_object(type) || json_is_array(type))
		return compile(d, type, depth + 1, out);
	if (json_is_string(type) && strcmp(json_string_value(type), "record"))
		for (int i = 0; i <= NODE_STRING; i++)
			if (!strcmp(json_string_value(type), type_words[i])) {
				LK_TRY(compile_word(d, type_words[i], out));
				(*out)->decimal = is_decimal(schema);
				return LK_OK;
			}
	node = lk_arena_alloc(&d->arena, sizeof(*node));
	if (!node)
		return lk_error_nomem(d->err);
	*out = node;
	if (json_is_array(schema)) {
		node->type = NODE_UNION;
		return compile_children(d, node, schema, depth + 1);
	}
	if (!json_is_string(type))
		return bad(d, "its schema has a part without a type");
	return compile_complex(d, schema, json_string_value(type), depth + 1, node);
}

/* ---- decoding ---- */

static enum lk_status read_long(struct decoder *d, int64_t *out)
{
	uint64_t n = 0;

	for (int shift = 0; shift < 64; shift += 7) {
		unsigned byte;

		if (d->p == d->end)
			return bad(d, "it ends inside a number");
		byte = *d->p++;
		n |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
			return LK_OK;
		}
	}
	return bad(d, "a number is too long");
}

/* len bytes that follow, as they lie there. */
static enum lk_status take(struct decoder *d, int64_t len, const char **out)
{
	*out = (const char *)d->p;
	if (len < 0 || len > d->end - d->p)
		return bad(d, "a length is larger than what is there");
	d->p += len;
	return LK_OK;
}

static enum lk_status emit(struct decoder *d, struct lk_avro_value v)
{
	return d->visit ? d->visit(d->context, &v, d->err) : LK_OK;
}

/* ---- what is written anew (lk_avro_edit) ---- */

static void write_long(struct decoder *d, int64_t n)
{
	if (d->editor && !d->dropped)
		lk_avro_long(&d->writer->block, n);
}

static void write_bytes(struct decoder *d, const void *data, size_t len)
{
	if (d->editor && !d->dropped)
		lk_str_add(&d->writer->block, data, len);
}

/* A scalar, as the editor would have it. */
static enum lk_status write_scalar(struct decoder *d, const struct node *node, struct lk_avro_value *v)
{
	size_t len = v->len;
	char byte;

	if (!d->editor || d->dropped)
		return LK_OK;
	if (v->kind == LK_AVRO_LONG || v->kind == LK_AVRO_BYTES)
		LK_TRY(d->editor->change(d->editor->context, v, d->err));
	if (v->kind == LK_AVRO_BYTES) {
		if (node->type != NODE_FIXED)
			write_long(d, (int64_t)v->len);
		else if (v->len != len)
			return lk_error_set(d->err, LK_BUG, "'%s': a fixed value has got another length", d->name);
	}
	if (v->kind == LK_AVRO_BYTES || v->kind == LK_AVRO_DOUBLE) {
		write_bytes(d, v->data, v->len);
	} else if (v->kind == LK_AVRO_LONG && node->type == NODE_BOOLEAN) {
		byte = v->number != 0;
		write_bytes(d, &byte, 1);
	} else if (v->kind == LK_AVRO_LONG) {
		write_long(d, v->number);
	}
	return LK_OK;
}

/* The branch of a union for null where the editor wants that, else -1. */
static int dropped_branch(struct decoder *d, const struct node *node, int id)
{
	if (!d->editor || d->dropped || !d->editor->drop(d->editor->context, id))
		return -1;
	for (int i = 0; i < node->count; i++)
		if (node->children[i]->type == NODE_NULL)
			return i;
	return -1;
}

/* A scalar that was read. */
static enum lk_status hand_out(struct decoder *d, const struct node *node, struct lk_avro_value v)
{
	LK_TRY(emit(d, v));
	return write_scalar(d, node, &v);
}

static enum lk_status decode(struct decoder *d, const struct node *node, int id, int depth);

/* Blocks of items until one of none; a negative count is followed by the block's size in bytes. */
static enum lk_status decode_items(struct decoder *d, const struct node *node, int id, int depth)
{
	int64_t count, n;
	const char *key;

	LK_TRY(emit(d, (struct lk_avro_value){.kind = LK_AVRO_ARRAY, .id = id}));
	for (;;) {
		LK_TRY(read_long(d, &count));
		if (!count) {
			write_long(d, 0);
			return LK_OK;
		}
		if (count < 0) {
			LK_TRY(read_long(d, &n));
			count = count == INT64_MIN ? INT64_MAX : -count;
		}
		if (count > d->end - d->p)
			return bad(d, "an array counts more items than fit");
		write_long(d, count);
		for (; count; count--) {
			if (node->type == NODE_MAP) {
				LK_TRY(read_long(d, &n));
				LK_TRY(take(d, n, &key));
				write_long(d, n);
				write_bytes(d, key, (size_t)n);
			}
			LK_TRY(emit(d, (struct lk_avro_value){.kind = LK_AVRO_ITEM, .id = id}));
			LK_TRY(decode(d, node->children[0], node->element_id, depth));
		}
	}
}

static enum lk_status decode_bytes(struct decoder *d, const struct node *node, int64_t len, int id)
{
	struct lk_avro_value v = {.kind = LK_AVRO_BYTES, .id = id, .len = (size_t)len, .decimal = node->decimal};

	LK_TRY(take(d, len, &v.data));
	return hand_out(d, node, v);
}

static enum lk_status decode_scalar(struct decoder *d, const struct node *node, int id)
{
	struct lk_avro_value v = {.kind = LK_AVRO_LONG, .id = id};
	const char *bytes;
	int64_t n;

	v.bits = node->type == NODE_LONG ? 64 : node->type == NODE_BOOLEAN ? 1 : 32;
	switch (node->type) {
	case NODE_NULL:
		v.kind = LK_AVRO_NULL;
		return hand_out(d, node, v);
	case NODE_BOOLEAN:
		LK_TRY(take(d, 1, &bytes));
		v.number = *bytes != 0;
		return hand_out(d, node, v);
	case NODE_FLOAT:
	case NODE_DOUBLE:
		v.len = node->type == NODE_FLOAT ? 4 : 8;
		LK_TRY(take(d, (int64_t)v.len, &v.data));
		v.kind = LK_AVRO_DOUBLE;
		return hand_out(d, node, v);
	case NODE_BYTES:
	case NODE_STRING:
		LK_TRY(read_long(d, &n));
		return decode_bytes(d, node, n, id);
	case NODE_FIXED:
		return decode_bytes(d, node, (int64_t)node->size, id);
	default: /* int, long, enum */
		LK_TRY(read_long(d, &v.number));
		return hand_out(d, node, v);
	}
}

static enum lk_status decode_branch(struct decoder *d, const struct node *node, int branch, int id, int depth)
{
	int null = dropped_branch(d, node, id);
	enum lk_status status;

	write_long(d, null >= 0 ? null : branch);
	d->dropped += null >= 0;
	status = decode(d, node->children[branch], id, depth + 1);
	d->dropped -= null >= 0;
	return status;
}

static enum lk_status decode(struct decoder *d, const struct node *node, int id, int depth)
{
	int64_t branch;

	d->idle = d->p == d->seen ? d->idle + 1 : 0;
	d->seen = d->p;
	if (depth > MAX_DEPTH || d->idle > MAX_IDLE)
		return bad(d, "it is nested too deep");
	switch (node->type) {
	case NODE_RECORD:
		for (int i = 0; i < node->count; i++)
			LK_TRY(decode(d, node->children[i], node->ids[i], depth + 1));
		return LK_OK;
	case NODE_ARRAY:
	case NODE_MAP:
		return decode_items(d, node, id, depth + 1);
	case NODE_UNION:
		LK_TRY(read_long(d, &branch));
		if (branch < 0 || branch >= node->count)
			return bad(d, "a union has no such branch");
		return decode_branch(d, node, (int)branch, id, depth);
	default:
		return decode_scalar(d, node, id);
	}
}

struct header {
	char codec[32];
	const char *schema; /* in the file; NULL before it was met */
	size_t schema_len;
	const char *key; /* another one that is wanted; NULL: none */
	const char *value;
	size_t value_len;
	int64_t pairs;
	bool has_codec;
};

/* A pair as it is written anew. */
static void write_header_pair(struct decoder *d, struct header *header, const char *key, int64_t key_len, const char *value, int64_t len)
{
	bool codec = key_len == 10 && !memcmp(key, "avro.codec", 10);

	if (!d->editor)
		return;
	header->pairs++;
	header->has_codec = header->has_codec || codec;
	lk_avro_bytes(&d->writer->block, key, (size_t)key_len);
	lk_avro_bytes(&d->writer->block, codec ? CODEC : value, codec ? strlen(CODEC) : (size_t)len);
}

/* All that stands before the first block. */
static enum lk_status write_header(struct decoder *d, struct header *header, const char *sync)
{
	struct lk_avro_writer *w = d->writer;

	if (!d->editor)
		return LK_OK;
	if (!header->has_codec)
		write_header_pair(d, header, "avro.codec", 10, "", 0);
	lk_str_adds(&w->file, MAGIC);
	lk_avro_long(&w->file, header->pairs);
	lk_str_add(&w->file, w->block.data, w->block.len);
	lk_avro_long(&w->file, 0);
	lk_str_add(&w->file, sync, LK_AVRO_SYNC);
	memcpy(w->sync, sync, LK_AVRO_SYNC);
	lk_str_clear(&w->block);
	return lk_str_check(&w->file, d->err);
}

static enum lk_status read_header_pair(struct decoder *d, struct header *header)
{
	const char *key, *value;
	int64_t key_len, len;

	LK_TRY(read_long(d, &key_len));
	LK_TRY(take(d, key_len, &key));
	LK_TRY(read_long(d, &len));
	LK_TRY(take(d, len, &value));
	write_header_pair(d, header, key, key_len, value, len);
	if (key_len == 11 && !memcmp(key, "avro.schema", 11)) {
		header->schema = value;
		header->schema_len = (size_t)len;
	} else if (key_len == 10 && !memcmp(key, "avro.codec", 10)) {
		if ((size_t)len >= sizeof(header->codec))
			return bad(d, "its codec has a very long name");
		memcpy(header->codec, value, (size_t)len);
		header->codec[len] = '\0';
	} else if (header->key && key_len == (int64_t)strlen(header->key) && !memcmp(key, header->key, (size_t)key_len)) {
		header->value = value;
		header->value_len = (size_t)len;
	}
	return LK_OK;
}

static enum lk_status read_header(struct decoder *d, struct header *header)
{
	const char *magic;
	int64_t count, bytes;

	if (d->end - d->p < 4 || take(d, 4, &magic) || memcmp(magic, MAGIC, 4))
		return bad(d, "it does not begin with Avro's mark");
	for (;;) {
		LK_TRY(read_long(d, &count));
		if (!count)
			return header->schema ? LK_OK : bad(d, "it has no schema");
		if (count < 0) {
			LK_TRY(read_long(d, &bytes));
			count = count == INT64_MIN ? INT64_MAX : -count;
		}
		for (; count; count--)
			LK_TRY(read_header_pair(d, header));
	}
}

static enum lk_status begin_record(struct decoder *d)
{
	struct lk_avro_value v = {.kind = LK_AVRO_RECORD, .id = -1};

	LK_TRY(emit(d, v));
	return d->editor ? d->editor->change(d->editor->context, &v, d->err) : LK_OK;
}

/* One block: the decoder reads the decompressed records as if they were the file, and then goes on behind them. */
static enum lk_status read_block(struct decoder *d, const struct node *root, const char *codec, const char *sync)
{
	const unsigned char *after, *file_end = d->end;
	const char *packed, *mark;
	int64_t records, len;

	LK_TRY(read_long(d, &records));
	LK_TRY(read_long(d, &len));
	LK_TRY(take(d, len, &packed));
	LK_TRY(take(d, LK_AVRO_SYNC, &mark));
	if (memcmp(mark, sync, LK_AVRO_SYNC))
		return bad(d, "a block does not end in the sync mark");
	after = d->p;
	lk_str_clear(&d->block);
	if (lk_block_decompress(codec, (const unsigned char *)packed, (size_t)len, &d->block, d->err))
		return lk_error_prefix(d->err, "'%s'", d->name);
	if (records < 0 || records > (int64_t)d->block.len)
		return bad(d, "a block counts more records than fit");
	d->p = (const unsigned char *)d->block.data;
	d->end = d->p + d->block.len;
	for (; records; records--) {
		LK_TRY(begin_record(d));
		LK_TRY(decode(d, root, -1, 0));
		LK_TRY(emit(d, (struct lk_avro_value){.kind = LK_AVRO_END, .id = -1}));
		if (d->editor)
			LK_TRY(lk_avro_end_record(d->writer, d->err));
	}
	if (d->p != d->end)
		return bad(d, "a block has bytes after its records");
	d->p = after;
	d->end = file_end;
	return LK_OK;
}

static enum lk_status read_file(struct decoder *d)
{
	struct header header = {.codec = "null"};
	enum lk_status status;
	struct node *root;
	const char *sync;
	json_t *schema;

	LK_TRY(read_header(d, &header));
	LK_TRY(take(d, LK_AVRO_SYNC, &sync));
	LK_TRY(write_header(d, &header, sync));
	schema = json_loadb(header.schema, header.schema_len, JSON_DECODE_ANY, NULL);
	status = compile(d, schema, 0, &root);
	json_decref(schema);
	while (!status && d->p < d->end)
		status = read_block(d, root, header.codec, sync);
	return status;
}

enum lk_status lk_avro_read(const void *data, size_t len, const char *name, lk_avro_visitor *visit, void *context,
	struct lk_error *err)
{
	struct lk_error own;
	struct decoder d = {.name = name, .p = data, .end = (const unsigned char *)data + len, .visit = visit,
		.context = context, .err = err ? err : &own};
	enum lk_status status = read_file(&d);

	lk_arena_release(&d.arena);
	lk_str_release(&d.block);
	return status;
}

enum lk_status lk_avro_edit(const void *data, size_t len, const char *name, const struct lk_avro_editor *editor, struct lk_str *out,
	struct lk_error *err)
{
	struct lk_avro_writer w = {LK_STR_INIT, LK_STR_INIT, 0, {0}};
	struct lk_error own;
	struct decoder d = {.name = name, .p = data, .end = (const unsigned char *)data + len, .editor = editor, .writer = &w,
		.err = err ? err : &own};
	enum lk_status status = read_file(&d);

	if (!status)
		status = lk_avro_finish(&w, d.err);
	lk_arena_release(&d.arena);
	lk_str_release(&d.block);
	return lk_avro_move(&w, status, out, d.err);
}

enum lk_status lk_avro_read_file(const char *path, lk_avro_visitor *visit, void *context, struct lk_error *err)
{
	struct lk_str file = LK_STR_INIT;
	enum lk_status status = lk_file_read(path, FILE_MAX, &file, err);

	if (!status)
		status = lk_avro_read(lk_str_text(&file), file.len, path, visit, context, err);
	lk_str_release(&file);
	return status;
}

enum lk_status lk_avro_header(const char *path, const char *key, struct lk_str *value, struct lk_error *err)
{
	struct header header = {.codec = "null", .key = key};
	struct lk_str file = LK_STR_INIT;
	struct lk_error own;
	struct decoder d = {.name = path, .err = err ? err : &own};
	enum lk_status status = lk_file_read(path, FILE_MAX, &file, err);

	d.p = (const unsigned char *)lk_str_text(&file);
	d.end = d.p + file.len;
	if (!status)
		status = read_header(&d, &header);
	if (!status && header.value) {
		lk_str_add(value, header.value, header.value_len);
		status = lk_str_check(value, err);
	}
	lk_str_release(&file);
	return status;
}
