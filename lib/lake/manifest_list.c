#include "lake/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"
#include "lake/avro.h"
#include "lake/avro_schema.h"

/* Field ids of the specification. */
enum {
	LIST_PATH = 500, LIST_LENGTH = 501, LIST_SPEC = 502, LIST_SNAPSHOT = 503, LIST_ADDED_FILES = 504,
	LIST_EXISTING_FILES = 505, LIST_DELETED_FILES = 506, LIST_PARTITIONS = 507, LIST_NULL = 509,
	LIST_LOWER = 510, LIST_UPPER = 511, LIST_ADDED_ROWS = 512, LIST_EXISTING_ROWS = 513, LIST_DELETED_ROWS = 514,
	LIST_SEQUENCE = 515, LIST_MIN_SEQUENCE = 516, LIST_CONTENT = 517, LIST_NAN = 518, LIST_KEY = 519,
};

static const char list_schema[] =
	"{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":["
	FIELD("manifest_path", "500", TEXT) ","
	FIELD("manifest_length", "501", LONG) ","
	FIELD("partition_spec_id", "502", INT) ","
	FIELD("content", "517", INT) ","
	FIELD("sequence_number", "515", LONG) ","
	FIELD("min_sequence_number", "516", LONG) ","
	FIELD("added_snapshot_id", "503", LONG) ","
	FIELD("added_files_count", "504", INT) ","
	FIELD("existing_files_count", "505", INT) ","
	FIELD("deleted_files_count", "506", INT) ","
	FIELD("added_rows_count", "512", LONG) ","
	FIELD("existing_rows_count", "513", LONG) ","
	FIELD("deleted_rows_count", "514", LONG) ","
	OPTIONAL("partitions", "507", "[\"null\",{\"type\":\"array\",\"element-id\":508,\"items\":"
		"{\"type\":\"record\",\"name\":\"r508\",\"fields\":["
		FIELD("contains_null", "509", "\"boolean\"") ","
		OPTIONAL("contains_nan", "518", "[\"null\",\"boolean\"]") ","
		OPTIONAL("lower_bound", "510", "[\"null\",\"bytes\"]") ","
		OPTIONAL("upper_bound", "511", "[\"null\",\"bytes\"]") "]}}]") ","
	OPTIONAL("key_metadata", "519", "[\"null\",\"bytes\"]")
	"]}";

/* ---- reading ---- */

struct list_reader {
	const char *path;
	struct lk_arena *arena;
	struct lk_manifest_list *list;
};

static enum lk_status begin_manifest(struct list_reader *r, struct lk_error *err)
{
	struct lk_manifest_list *list = r->list;

	if (!lk_grow((void **)&list->items, &list->cap, list->count + 1, sizeof(*list->items)))
		return lk_error_nomem(err);
	list->items[list->count++] = (struct lk_manifest_file){.length = -1, .snapshot_id = -1, .added_files = -1,
		.existing_files = -1, .deleted_files = -1, .added_rows = -1, .existing_rows = -1, .deleted_rows = -1,
		.partition_count = -1};
	return LK_OK;
}

static enum lk_status end_manifest(struct list_reader *r, const struct lk_manifest_file *m, struct lk_error *err)
{
	if (!m->path || m->length < 0)
		return lk_error_set(err, LK_DATA, "manifest list '%s' has an entry without path or length", r->path);
	if (m->content != LK_CONTENT_DATA && m->content != LK_CONTENT_DELETES)
		return lk_error_set(err, LK_DATA, "manifest list '%s' has an entry of unknown content", r->path);
	return LK_OK;
}

/* Summaries come one by one and their number is not known before: the array doubles in the arena. */
static enum lk_status begin_summary(struct list_reader *r, struct lk_manifest_file *m, struct lk_error *err)
{
	int64_t n = m->partition_count < 0 ? 0 : m->partition_count;

	if (!(n & (n - 1))) {
		size_t room = n ? (size_t)n * 2 : 1;
		struct lk_partition_summary *more = lk_arena_alloc(r->arena, room * sizeof(*more));

		if (!more)
			return lk_error_nomem(err);
		if (n)
			memcpy(more, m->partitions, (size_t)n * sizeof(*more));
		m->partitions = more;
	}
	m->partitions[n] = (struct lk_partition_summary){.contains_nan = -1};
	m->partition_count = n + 1;
	return LK_OK;
}

static int64_t *list_number(struct lk_manifest_file *m, int id)
{
	switch (id) {
	case LIST_LENGTH: return &m->length;
	case LIST_SPEC: return &m->spec_id;
	case LIST_SNAPSHOT: return &m->snapshot_id;
	case LIST_ADDED_FILES: return &m->added_files;
	case LIST_EXISTING_FILES: return &m->existing_files;
	case LIST_DELETED_FILES: return &m->deleted_files;
	case LIST_ADDED_ROWS: return &m->added_rows;
	case LIST_EXISTING_ROWS: return &m->existing_rows;
	case LIST_DELETED_ROWS: return &m->deleted_rows;
	case LIST_SEQUENCE: return &m->sequence;
	case LIST_MIN_SEQUENCE: return &m->min_sequence;
	case LIST_CONTENT: return &m->content;
	default: return NULL;
	}
}

static enum lk_status list_value(void *context, const struct lk_avro_value *v, struct lk_error *err)
{
	struct list_reader *r = context;
	struct lk_manifest_file *m;
	struct lk_partition_summary *s;
	const char *copy;
	int64_t *number;

	if (v->kind == LK_AVRO_RECORD)
		return begin_manifest(r, err);
	m = &r->list->items[r->list->count - 1];
	if (v->kind == LK_AVRO_END)
		return end_manifest(r, m, err);
	if (v->kind == LK_AVRO_ARRAY && v->id == LIST_PARTITIONS)
		m->partition_count = 0;
	if (v->kind == LK_AVRO_ITEM && v->id == LIST_PARTITIONS)
		return begin_summary(r, m, err);
	s = m->partition_count > 0 ? &m->partitions[m->partition_count - 1] : NULL;
	if (v->kind == LK_AVRO_LONG) {
		number = s && v->id == LIST_NULL  ? &s->contains_null
			 : s && v->id == LIST_NAN ? &s->contains_nan
						  : list_number(m, v->id);
		if (number)
			*number = v->number;
		return LK_OK;
	}
	if (v->kind != LK_AVRO_BYTES)
		return LK_OK;
	copy = lk_arena_strndup(r->arena, v->data, v->len);
	if (!copy)
		return lk_error_nomem(err);
	if (v->id == LIST_PATH) {
		m->path = copy;
	} else if (v->id == LIST_KEY) {
		m->key_metadata = copy;
		m->key_metadata_len = v->len;
	} else if (s && v->id == LIST_LOWER) {
		s->lower = copy;
		s->lower_len = v->len;
	} else if (s && v->id == LIST_UPPER) {
		s->upper = copy;
		s->upper_len = v->len;
	}
	return LK_OK;
}

enum lk_status lk_manifest_list_read(const char *path, struct lk_arena *arena, struct lk_manifest_list *list,
	struct lk_error *err)
{
	struct list_reader r = {path, arena, list};

	return lk_avro_read_file(path, list_value, &r, err);
}

void lk_manifest_list_release(struct lk_manifest_list *list)
{
	free(list->items);
	*list = (struct lk_manifest_list){0};
}

enum lk_status lk_manifest_list_parent(const char *path, int64_t *id, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status = lk_avro_header(path, "parent-snapshot-id", &text, err);

	if (status || !lk_int64_parse(lk_str_text(&text), text.len, id) || *id < 0)
		*id = -1;
	lk_str_release(&text);
	return status;
}

/* ---- writing ---- */

static void add_optional_bytes(struct lk_str *out, const char *data, size_t len)
{
	lk_avro_long(out, data != NULL);
	if (data)
		lk_avro_bytes(out, data, len);
}

static void add_summaries(struct lk_str *out, const struct lk_manifest_file *m)
{
	lk_avro_long(out, m->partition_count >= 0);
	if (m->partition_count > 0)
		lk_avro_long(out, m->partition_count);
	for (int64_t i = 0; i < m->partition_count; i++) {
		const struct lk_partition_summary *s = &m->partitions[i];

		lk_str_addc(out, s->contains_null ? 1 : 0);
		lk_avro_long(out, s->contains_nan >= 0);
		if (s->contains_nan >= 0)
			lk_str_addc(out, s->contains_nan ? 1 : 0);
		add_optional_bytes(out, s->lower, s->lower_len);
		add_optional_bytes(out, s->upper, s->upper_len);
	}
	if (m->partition_count >= 0)
		lk_avro_long(out, 0);
}

static void add_manifest(struct lk_str *out, const struct lk_manifest_file *m)
{
	lk_avro_text(out, m->path);
	lk_avro_long(out, m->length);
	lk_avro_long(out, m->spec_id);
	lk_avro_long(out, m->content);
	lk_avro_long(out, m->sequence);
	lk_avro_long(out, m->min_sequence);
	lk_avro_long(out, m->snapshot_id);
	lk_avro_long(out, m->added_files);
	lk_avro_long(out, m->existing_files);
	lk_avro_long(out, m->deleted_files);
	lk_avro_long(out, m->added_rows);
	lk_avro_long(out, m->existing_rows);
	lk_avro_long(out, m->deleted_rows);
	add_summaries(out, m);
	add_optional_bytes(out, m->key_metadata, m->key_metadata_len);
}

static enum lk_status write_list(struct lk_avro_writer *w, const struct lk_manifest_file *items, size_t count,
	const struct lk_meta *header, struct lk_error *err)
{
	LK_TRY(lk_avro_begin(w, header, err));
	for (size_t i = 0; i < count; i++) {
		add_manifest(&w->block, &items[i]);
		LK_TRY(lk_avro_end_record(w, err));
	}
	return lk_avro_finish(w, err);
}

enum lk_status lk_manifest_list_write(const struct lk_manifest_file *items, size_t count, int64_t snapshot_id,
	int64_t parent_id, int64_t sequence, struct lk_str *out, struct lk_error *err)
{
	struct lk_avro_writer w = {0};
	char id[24], parent[24] = "null", number[24];
	struct lk_meta header[] = {{"avro.schema", list_schema}, {"snapshot-id", id}, {"parent-snapshot-id", parent},
		{"sequence-number", number}, {"format-version", "2"}, {NULL, NULL}};

	for (size_t i = 0; i < count; i++) {
		const struct lk_manifest_file *m = &items[i];

		if (m->added_files < 0 || m->existing_files < 0 || m->deleted_files < 0 || m->added_rows < 0 ||
			m->existing_rows < 0 || m->deleted_rows < 0)
			return lk_error_set(err, LK_DATA, "manifest '%s' is listed without its counts", m->path);
	}
	snprintf(id, sizeof(id), "%" PRId64, snapshot_id);
	snprintf(number, sizeof(number), "%" PRId64, sequence);
	if (parent_id >= 0)
		snprintf(parent, sizeof(parent), "%" PRId64, parent_id);
	return lk_avro_move(&w, write_list(&w, items, count, header, err), out, err);
}
