#include <stdlib.h>
#include <string.h>

#include "lake/manifest.h"
#include "lake/metadata.h"
#include "lake/value.h"

/* Field ids of the specification. A partition's fields have ids of their own, from 1000. */
enum {
	ENTRY_STATUS = 0, ENTRY_SNAPSHOT = 1, ENTRY_SEQUENCE = 3, ENTRY_FILE_SEQUENCE = 4,
	FILE_PATH = 100, FILE_FORMAT = 101, FILE_ROWS = 103, FILE_BYTES = 104, FILE_KEY = 131, FILE_SPLITS = 133, FILE_CONTENT = 134,
	FILE_EQUALITY = 136, FILE_SORT = 140, FILE_REFERENCED = 143,
	SIZES_KEY = 117, SIZES = 118, VALUES_KEY = 119, VALUES = 120, NULLS_KEY = 121, NULLS = 122, NANS_KEY = 138, NANS = 139,
	LOWER_KEY = 126, LOWER = 127, UPPER_KEY = 129, UPPER = 130,
	PARTITION_FIRST = 1000,
};

#define MAX_COLUMNS 100000

/* Lists of the entry at hand, kept from one to the next. */
struct reader {
	const struct lk_manifest_file *manifest;
	unsigned flags;
	struct lk_arena *arena;
	lk_manifest_visitor *visit;
	void *context;
	struct lk_manifest_entry entry;
	struct lk_column_metrics *columns;
	size_t column_count, column_cap;
	size_t column; /* the one that a map's pair is about */
	int32_t *slots; /* a hash of field ids to their place in columns, + 1 */
	size_t slot_count;
	int64_t *splits;
	size_t split_count, split_cap;
	int32_t *equality;
	size_t equality_count, equality_cap;
	struct lk_partition_value *partition;
	size_t partition_count, partition_cap;
};

static enum lk_status unsound(const struct reader *r, const char *what, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "manifest '%s' %s", r->manifest->path, what);
}

/* ---- columns ---- */

static size_t slot_of(const struct reader *r, int32_t id)
{
	size_t i = (uint32_t)id * 2654435761u & (r->slot_count - 1);

	while (r->slots[i] && r->columns[r->slots[i] - 1].field_id != id)
		i = (i + 1) & (r->slot_count - 1);
	return i;
}

static enum lk_status more_slots(struct reader *r, struct lk_error *err)
{
	size_t count = r->slot_count ? r->slot_count * 2 : 64;
	int32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return lk_error_nomem(err);
	free(r->slots);
	r->slots = slots;
	r->slot_count = count;
	for (size_t i = 0; i < r->column_count; i++)
		r->slots[slot_of(r, r->columns[i].field_id)] = (int32_t)i + 1;
	return LK_OK;
}

/* A pair's key: the column that its value is of, made when it is new. Writers keep one order in all maps of a file. */
static enum lk_status choose_column(struct reader *r, int64_t key, struct lk_error *err)
{
	int32_t id = (int32_t)key;
	size_t slot;

	if (r->column + 1 < r->column_count && r->columns[r->column + 1].field_id == id) {
		r->column++;
		return LK_OK;
	}
	if (r->column_count >= MAX_COLUMNS)
		return unsound(r, "has a file of too many columns", err);
	if (r->column_count * 2 >= r->slot_count)
		LK_TRY(more_slots(r, err));
	slot = slot_of(r, id);
	if (!r->slots[slot]) {
		if (!lk_grow((void **)&r->columns, &r->column_cap, r->column_count + 1, sizeof(*r->columns)))
			return lk_error_nomem(err);
		r->columns[r->column_count++] = (struct lk_column_metrics){
			.field_id = id, .compressed_bytes = -1, .value_count = -1, .null_count = -1, .nan_count = -1};
		r->slots[slot] = (int32_t)r->column_count;
	}
	r->column = (size_t)r->slots[slot] - 1;
	return LK_OK;
}

static int64_t *count_of(struct lk_column_metrics *c, int id)
{
	switch (id) {
	case SIZES: return &c->compressed_bytes;
	case VALUES: return &c->value_count;
	case NULLS: return &c->null_count;
	default: return &c->nan_count;
	}
}

static enum lk_status copy_bytes(struct reader *r, const struct lk_avro_value *v, struct lk_str *out, struct lk_error *err)
{
	*out = (struct lk_str){.data = lk_arena_strndup(r->arena, v->data, v->len), .len = v->len};
	return out->data ? LK_OK : lk_error_nomem(err);
}

static enum lk_status metrics_value(struct reader *r, const struct lk_avro_value *v, struct lk_error *err)
{
	struct lk_column_metrics *c = r->column < r->column_count ? &r->columns[r->column] : NULL;

	switch (v->id) {
	case SIZES_KEY: case VALUES_KEY: case NULLS_KEY: case NANS_KEY: case LOWER_KEY: case UPPER_KEY:
		return v->kind == LK_AVRO_LONG ? choose_column(r, v->number, err) : LK_OK;
	case SIZES: case VALUES: case NULLS: case NANS:
		if (c && v->kind == LK_AVRO_LONG)
			*count_of(c, v->id) = v->number;
		return LK_OK;
	case LOWER: case UPPER:
		if (!c || v->kind != LK_AVRO_BYTES)
			return LK_OK;
		*(v->id == LOWER ? &c->has_lower : &c->has_upper) = true;
		return copy_bytes(r, v, v->id == LOWER ? &c->lower : &c->upper, err);
	case FILE_SPLITS:
		if (v->kind != LK_AVRO_LONG)
			return LK_OK;
		if (!lk_grow((void **)&r->splits, &r->split_cap, r->split_count + 1, sizeof(*r->splits)))
			return lk_error_nomem(err);
		r->splits[r->split_count++] = v->number;
		return LK_OK;
	default:
		return LK_OK;
	}
}

/* ---- the other values ---- */

/* A number as its single value: so many bytes as the type has, little-endian. */
static enum lk_status partition_number(struct reader *r, const struct lk_avro_value *v, struct lk_str *out, struct lk_error *err)
{
	char bytes[8];
	size_t len = v->bits == 1 ? 1 : (size_t)v->bits / 8;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)((uint64_t)v->number >> (8 * i));
	*out = (struct lk_str){.data = lk_arena_strndup(r->arena, bytes, len), .len = len};
	return out->data ? LK_OK : lk_error_nomem(err);
}

static enum lk_status partition_value(struct reader *r, const struct lk_avro_value *v, struct lk_error *err)
{
	struct lk_avro_value bytes = *v;
	struct lk_partition_value *p;
	size_t padding;

	if (!lk_grow((void **)&r->partition, &r->partition_cap, r->partition_count + 1, sizeof(*r->partition)))
		return lk_error_nomem(err);
	p = &r->partition[r->partition_count++];
	*p = (struct lk_partition_value){.field_id = v->id, .null = v->kind == LK_AVRO_NULL};
	if (v->kind == LK_AVRO_LONG)
		return partition_number(r, v, &p->value, err);
	if (p->null)
		return LK_OK;
	if (v->decimal) {
		padding = lk_value_padding(v->data, v->len);
		bytes.data += padding;
		bytes.len -= padding;
	}
	return copy_bytes(r, &bytes, &p->value, err);
}

static enum lk_status number_value(struct reader *r, const struct lk_avro_value *v, struct lk_error *err)
{
	struct lk_manifest_entry *e = &r->entry;

	switch (v->id) {
	case ENTRY_STATUS: e->status = v->number >= 0 && v->number <= LK_ENTRY_DELETED ? (int)v->number : -1; break;
	case ENTRY_SNAPSHOT: e->snapshot_id = v->number; break;
	case ENTRY_SEQUENCE: e->sequence = v->number; break;
	case ENTRY_FILE_SEQUENCE: e->file_sequence = v->number; break;
	case FILE_CONTENT: e->file.content = v->number >= 0 && v->number <= LK_FILE_EQUALITY_DELETES ? (int)v->number : -1; break;
	case FILE_ROWS: e->file.metrics.rows = v->number; break;
	case FILE_BYTES: e->file.metrics.file_bytes = v->number; break;
	case FILE_SORT: e->file.sort_order = (int32_t)v->number; break;
	case FILE_EQUALITY:
		if (!lk_grow((void **)&r->equality, &r->equality_cap, r->equality_count + 1, sizeof(*r->equality)))
			return lk_error_nomem(err);
		r->equality[r->equality_count++] = (int32_t)v->number;
		break;
	}
	return LK_OK;
}

static enum lk_status text_value(struct reader *r, const struct lk_avro_value *v, struct lk_error *err)
{
	struct lk_data_file *f = &r->entry.file;
	char *text;

	if (v->id == FILE_KEY)
		return copy_bytes(r, v, &f->key_metadata, err);
	if (v->id != FILE_PATH && v->id != FILE_FORMAT && v->id != FILE_REFERENCED)
		return LK_OK;
	text = lk_arena_strndup(r->arena, v->data, v->len);
	if (!text)
		return lk_error_nomem(err);
	if (v->id == FILE_PATH)
		f->uri = text;
	else if (v->id == FILE_FORMAT)
		f->format = text;
	else
		f->referenced = text;
	return LK_OK;
}

/* ---- entries ---- */

static void begin_entry(struct reader *r)
{
	r->entry = (struct lk_manifest_entry){.status = -1, .snapshot_id = -1, .sequence = -1, .file_sequence = -1,
		.file = {.spec_id = (int32_t)r->manifest->spec_id, .sort_order = -1, .metrics = {.rows = -1, .file_bytes = -1}}};
	r->column_count = r->split_count = r->equality_count = r->partition_count = 0;
	r->column = 0;
	if (r->slots)
		memset(r->slots, 0, r->slot_count * sizeof(*r->slots));
}

/* An array of the entry at hand, into the arena. */
static enum lk_status keep(struct reader *r, void **out, const void *items, size_t bytes, struct lk_error *err)
{
	if (!bytes)
		return LK_OK;
	*out = lk_arena_alloc(r->arena, bytes);
	if (!*out)
		return lk_error_nomem(err);
	memcpy(*out, items, bytes);
	return LK_OK;
}

static enum lk_status keep_lists(struct reader *r, struct lk_error *err)
{
	struct lk_data_file *f = &r->entry.file;

	LK_TRY(keep(r, (void **)&f->metrics.columns, r->columns, r->column_count * sizeof(*r->columns), err));
	LK_TRY(keep(r, (void **)&f->metrics.split_offsets, r->splits, r->split_count * sizeof(*r->splits), err));
	LK_TRY(keep(r, (void **)&f->equality_ids, r->equality, r->equality_count * sizeof(*r->equality), err));
	LK_TRY(keep(r, (void **)&f->partition, r->partition, r->partition_count * sizeof(*r->partition), err));
	f->metrics.column_count = (int)r->column_count;
	f->metrics.split_count = (int)r->split_count;
	f->equality_count = (int)r->equality_count;
	f->partition_count = (int)r->partition_count;
	return LK_OK;
}

static enum lk_status end_entry(struct reader *r, struct lk_error *err)
{
	struct lk_manifest_entry *e = &r->entry;
	bool fresh = e->status == LK_ENTRY_ADDED;

	if (!e->file.uri || !*e->file.uri || e->file.metrics.rows < 0 || e->file.metrics.file_bytes < 0 || e->status < 0 ||
		e->file.content < 0)
		return unsound(r, "has an entry without path, counts, content or status", err);
	if (e->snapshot_id < 0)
		e->snapshot_id = r->manifest->snapshot_id;
	if (e->sequence < 0)
		e->sequence = r->manifest->sequence;
	if (e->file_sequence < 0)
		e->file_sequence = fresh ? r->manifest->sequence : e->sequence;
	e->file.path = (char *)lk_uri_path(e->file.uri);
	LK_TRY(keep_lists(r, err));
	return r->visit(r->context, e, err);
}

static enum lk_status entry_value(void *context, const struct lk_avro_value *v, struct lk_error *err)
{
	struct reader *r = context;

	switch (v->kind) {
	case LK_AVRO_RECORD:
		begin_entry(r);
		return LK_OK;
	case LK_AVRO_END:
		return end_entry(r, err);
	case LK_AVRO_ARRAY: case LK_AVRO_ITEM:
		return LK_OK;
	default:
		break;
	}
	if (v->id >= PARTITION_FIRST)
		return partition_value(r, v, err);
	if ((r->flags & LK_MANIFEST_METRICS) && v->id >= SIZES_KEY && v->id != FILE_KEY && v->id != FILE_CONTENT)
		LK_TRY(metrics_value(r, v, err));
	if (v->kind == LK_AVRO_LONG)
		return number_value(r, v, err);
	return v->kind == LK_AVRO_BYTES ? text_value(r, v, err) : LK_OK;
}

enum lk_status lk_manifest_read(const struct lk_manifest_file *manifest, unsigned flags, struct lk_arena *arena,
	lk_manifest_visitor *visit, void *context, struct lk_error *err)
{
	struct reader r = {.manifest = manifest, .flags = flags, .arena = arena, .visit = visit, .context = context};
	const char *path = lk_uri_path(manifest->path);
	enum lk_status status;

	if (!path)
		return lk_error_set(err, LK_MISSING, "'%s' is not a local file; lk reads local tables only", manifest->path);
	status = lk_avro_read_file(path, entry_value, &r, err);
	free(r.columns);
	free(r.slots);
	free(r.splits);
	free(r.equality);
	free(r.partition);
	return status;
}
