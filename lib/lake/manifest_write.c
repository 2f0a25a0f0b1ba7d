#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lake/avro_schema.h"
#include "lake/manifest.h"
#include "lake/value.h"

/* The schema of an entry: before the partition, whose fields are the spec's, and behind it. */
static const char schema_begin[] =
	"{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":["
	FIELD("status", "0", INT) ","
	OPTIONAL("snapshot_id", "1", "[\"null\",\"long\"]") ","
	OPTIONAL("sequence_number", "3", "[\"null\",\"long\"]") ","
	OPTIONAL("file_sequence_number", "4", "[\"null\",\"long\"]") ","
	"{\"name\":\"data_file\",\"field-id\":2,\"type\":{\"type\":\"record\",\"name\":\"r2\",\"fields\":["
	FIELD("content", "134", INT) ","
	FIELD("file_path", "100", TEXT) ","
	FIELD("file_format", "101", TEXT) ","
	"{\"name\":\"partition\",\"field-id\":102,\"type\":{\"type\":\"record\",\"name\":\"r102\",\"fields\":[";

static const char schema_end[] = "]}},"
	FIELD("record_count", "103", LONG) ","
	FIELD("file_size_in_bytes", "104", LONG) ","
	OPTIONAL("column_sizes", "108", PAIRS("117", "118", "long")) ","
	OPTIONAL("value_counts", "109", PAIRS("119", "120", "long")) ","
	OPTIONAL("null_value_counts", "110", PAIRS("121", "122", "long")) ","
	OPTIONAL("nan_value_counts", "137", PAIRS("138", "139", "long")) ","
	OPTIONAL("lower_bounds", "125", PAIRS("126", "127", "bytes")) ","
	OPTIONAL("upper_bounds", "128", PAIRS("129", "130", "bytes")) ","
	OPTIONAL("key_metadata", "131", "[\"null\",\"bytes\"]") ","
	OPTIONAL("split_offsets", "132", "[\"null\",{\"type\":\"array\",\"items\":\"long\",\"element-id\":133}]") ","
	OPTIONAL("equality_ids", "135", "[\"null\",{\"type\":\"array\",\"items\":\"int\",\"element-id\":136}]") ","
	OPTIONAL("sort_order_id", "140", "[\"null\",\"int\"]") ","
	OPTIONAL("referenced_data_file", "143", "[\"null\",\"string\"]")
	"]}}]}";

/* ---- the schema ---- */

/* What Avro takes in a name, and anything else as _x and its UTF-16 units in hex; a digit in front gets a _ before it. */
static void add_avro_name(struct lk_str *out, const char *name)
{
	const unsigned char *p = (const unsigned char *)name, *end = p + strlen(name);
	bool first = true;

	for (; p < end; first = false) {
		size_t len = lk_utf8_len(p, end);
		uint32_t c = len ? lk_utf8_point(p, len) : *p;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9'))
			lk_str_addf(out, "%s%c", first && c <= '9' ? "_" : "", (char)c);
		else if (c > 0xffff)
			lk_str_addf(out, "_x%X_x%X", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
		else
			lk_str_addf(out, "_x%X", c);
		p += len ? len : 1;
	}
}

static enum lk_status add_schema(const struct lk_partition_spec *spec, struct lk_str *out, struct lk_error *err)
{
	lk_str_adds(out, schema_begin);
	for (int i = 0; i < spec->count; i++) {
		const struct lk_partition_field *f = &spec->fields[i];
		struct lk_str name = LK_STR_INIT;

		add_avro_name(&name, f->name);
		lk_str_addf(out, "%s{\"name\":\"%s\",\"type\":[\"null\",", i ? "," : "", lk_str_text(&name));
		LK_TRY(lk_partition_avro_type(f, out, err));
		lk_str_addf(out, "],\"default\":null,\"field-id\":%" PRId32, f->field_id);
		if (strcmp(lk_str_text(&name), f->name)) {
			lk_str_adds(out, ",\"iceberg-field-name\":");
			lk_str_add_json(out, f->name, strlen(f->name));
		}
		lk_str_addc(out, '}');
		lk_str_release(&name);
	}
	lk_str_adds(out, schema_end);
	return lk_str_check(out, err);
}

static enum lk_status begin_avro(struct lk_manifest_writer *w, const char *schema, struct lk_error *err)
{
	const struct lk_manifest_table *t = w->table;
	char id[24], spec[24];
	struct lk_meta header[] = {{"avro.schema", schema}, {"schema", t->schema}, {"schema-id", id},
		{"partition-spec", t->spec_fields}, {"partition-spec-id", spec}, {"format-version", "2"},
		{"content", w->content == LK_CONTENT_DATA ? "data" : "deletes"}, {NULL, NULL}};

	snprintf(id, sizeof(id), "%" PRId64, t->schema_id);
	snprintf(spec, sizeof(spec), "%" PRId32, t->spec->spec_id);
	return lk_avro_begin(&w->avro, header, err);
}

enum lk_status lk_manifest_begin(struct lk_manifest_writer *w, const struct lk_manifest_table *table, enum lk_content content,
	struct lk_arena *arena, struct lk_error *err)
{
	size_t count = (size_t)table->spec->count;
	struct lk_partition_summary *summaries = lk_arena_alloc(arena, (count + 1) * sizeof(*summaries));
	struct lk_str schema = LK_STR_INIT;
	enum lk_status status;

	*w = (struct lk_manifest_writer){.table = table, .content = content, .arena = arena,
		.file = {.spec_id = table->spec->spec_id, .content = content, .sequence = -1, .min_sequence = -1, .snapshot_id = -1,
			.partitions = summaries, .partition_count = (int64_t)count}};
	if (!summaries)
		return lk_error_nomem(err);
	status = add_schema(table->spec, &schema, err);
	if (!status)
		status = begin_avro(w, lk_str_text(&schema), err);
	lk_str_release(&schema);
	return status;
}

/* ---- entries ---- */

static void add_optional_long(struct lk_str *out, int64_t value)
{
	lk_avro_long(out, value >= 0);
	if (value >= 0)
		lk_avro_long(out, value);
}

static void add_optional_bytes(struct lk_str *out, const char *data, size_t len)
{
	lk_avro_long(out, data != NULL);
	if (data)
		lk_avro_bytes(out, data, len);
}

enum metric { COLUMN_SIZES, VALUE_COUNTS, NULL_COUNTS, NAN_COUNTS, LOWER_BOUNDS, UPPER_BOUNDS, METRICS };

static bool has_metric(const struct lk_column_metrics *c, enum metric metric)
{
	switch (metric) {
	case COLUMN_SIZES: return c->compressed_bytes >= 0;
	case VALUE_COUNTS: return c->value_count >= 0;
	case NULL_COUNTS: return c->null_count >= 0;
	case NAN_COUNTS: return c->nan_count >= 0;
	case LOWER_BOUNDS: return c->has_lower;
	default: return c->has_upper;
	}
}

static void add_metric(struct lk_str *out, const struct lk_column_metrics *c, enum metric metric)
{
	lk_avro_long(out, c->field_id);
	switch (metric) {
	case COLUMN_SIZES: lk_avro_long(out, c->compressed_bytes); break;
	case VALUE_COUNTS: lk_avro_long(out, c->value_count); break;
	case NULL_COUNTS: lk_avro_long(out, c->null_count); break;
	case NAN_COUNTS: lk_avro_long(out, c->nan_count); break;
	case LOWER_BOUNDS: lk_avro_bytes(out, c->lower.data, c->lower.len); break;
	default: lk_avro_bytes(out, c->upper.data, c->upper.len); break;
	}
}

static void add_metrics(struct lk_str *out, const struct lk_file_metrics *m, enum metric metric)
{
	int64_t count = 0;

	for (int i = 0; i < m->column_count; i++)
		count += has_metric(&m->columns[i], metric);
	lk_avro_long(out, 1);
	if (count)
		lk_avro_long(out, count);
	for (int i = 0; i < m->column_count; i++)
		if (has_metric(&m->columns[i], metric))
			add_metric(out, &m->columns[i], metric);
	lk_avro_long(out, 0);
}

static enum lk_status add_partition(struct lk_str *out, const struct lk_partition_spec *spec, const struct lk_data_file *file,
	struct lk_error *err)
{
	for (int i = 0; i < spec->count; i++) {
		const struct lk_partition_value *v = lk_data_file_partition(file, spec->fields[i].field_id);

		lk_avro_long(out, v && !v->null);
		if (v && !v->null)
			LK_TRY(lk_partition_encode(&spec->fields[i], &v->value, out, err));
	}
	return LK_OK;
}

static void add_splits(struct lk_str *out, const struct lk_file_metrics *m)
{
	lk_avro_long(out, m->split_count > 0);
	if (!m->split_count)
		return;
	lk_avro_long(out, m->split_count);
	for (int i = 0; i < m->split_count; i++)
		lk_avro_long(out, m->split_offsets[i]);
	lk_avro_long(out, 0);
}

static void add_equality_ids(struct lk_str *out, const struct lk_data_file *file)
{
	lk_avro_long(out, file->equality_count > 0);
	if (!file->equality_count)
		return;
	lk_avro_long(out, file->equality_count);
	for (int i = 0; i < file->equality_count; i++)
		lk_avro_long(out, file->equality_ids[i]);
	lk_avro_long(out, 0);
}

static enum lk_status add_entry(struct lk_str *out, const struct lk_partition_spec *spec, const struct lk_manifest_entry *e,
	struct lk_error *err)
{
	const struct lk_data_file *f = &e->file;

	lk_avro_long(out, e->status);
	add_optional_long(out, e->snapshot_id);
	add_optional_long(out, e->sequence);
	add_optional_long(out, e->file_sequence);
	lk_avro_long(out, f->content);
	lk_avro_text(out, f->uri);
	lk_avro_text(out, f->format ? f->format : "PARQUET");
	LK_TRY(add_partition(out, spec, f, err));
	lk_avro_long(out, f->metrics.rows);
	lk_avro_long(out, f->metrics.file_bytes);
	for (int metric = 0; metric < METRICS; metric++)
		add_metrics(out, &f->metrics, (enum metric)metric);
	add_optional_bytes(out, f->key_metadata.data, f->key_metadata.len);
	add_splits(out, &f->metrics);
	add_equality_ids(out, f);
	add_optional_long(out, f->sort_order);
	add_optional_bytes(out, f->referenced, f->referenced ? strlen(f->referenced) : 0);
	return LK_OK;
}

/* ---- what the list says ---- */

static enum lk_status widen(struct lk_manifest_writer *w, const char **bound, size_t *len, const struct lk_str *value,
	enum lk_value_kind kind, int side, struct lk_error *err)
{
	if (*bound && lk_value_compare(kind, lk_str_text(value), value->len, *bound, *len) * side <= 0)
		return LK_OK;
	*bound = lk_arena_strndup(w->arena, lk_str_text(value), value->len);
	*len = value->len;
	return *bound ? LK_OK : lk_error_nomem(err);
}

static enum lk_status summarize(struct lk_manifest_writer *w, const struct lk_data_file *file, struct lk_error *err)
{
	for (int i = 0; i < w->table->spec->count; i++) {
		const struct lk_partition_field *f = &w->table->spec->fields[i];
		const struct lk_partition_value *v = lk_data_file_partition(file, f->field_id);
		struct lk_partition_summary *s = &w->file.partitions[i];
		enum lk_value_kind kind = lk_value_kind(f->result_type);
		double number;

		if (!v || v->null) {
			s->contains_null = 1;
			continue;
		}
		if (!lk_value_sound(kind, v->value.len))
			return lk_error_set(err, LK_DATA, "'%s' has a partition value %s that is none", file->uri, f->name);
		number = kind == LK_VALUE_FLOAT ? lk_value_double(v->value.data, v->value.len) : 0;
		if (number != number) {
			s->contains_nan = 1;
			continue;
		}
		LK_TRY(widen(w, &s->lower, &s->lower_len, &v->value, kind, -1, err));
		LK_TRY(widen(w, &s->upper, &s->upper_len, &v->value, kind, 1, err));
	}
	return LK_OK;
}

static void count(struct lk_manifest_file *m, const struct lk_manifest_entry *e)
{
	int64_t rows = e->file.metrics.rows;

	switch (e->status) {
	case LK_ENTRY_ADDED:
		m->added_files++;
		m->added_rows += rows;
		break;
	case LK_ENTRY_EXISTING:
		m->existing_files++;
		m->existing_rows += rows;
		break;
	default:
		m->deleted_files++;
		m->deleted_rows += rows;
		return;
	}
	if (e->sequence >= 0 && (m->min_sequence < 0 || e->sequence < m->min_sequence))
		m->min_sequence = e->sequence;
}

enum lk_status lk_manifest_add(struct lk_manifest_writer *w, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	LK_TRY(add_entry(&w->avro.block, w->table->spec, entry, err));
	LK_TRY(summarize(w, &entry->file, err));
	count(&w->file, entry);
	return lk_avro_end_record(&w->avro, err);
}

enum lk_status lk_manifest_finish(struct lk_manifest_writer *w, struct lk_str *out, struct lk_manifest_file *file,
	struct lk_error *err)
{
	size_t before = out->len;
	enum lk_status status = lk_avro_move(&w->avro, lk_avro_finish(&w->avro, err), out, err);

	*file = w->file;
	file->length = (int64_t)(out->len - before);
	return status;
}

void lk_manifest_writer_release(struct lk_manifest_writer *w)
{
	lk_avro_writer_release(&w->avro);
}
