#include "sql/metatable.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/value.h"
#include "lake/metadata.h"
#include "lake/primitive.h"
#include "lake/value.h"
#include "sql/view.h"

struct snapshot {
	int64_t id;
	const json_t *json;
	bool ancestor; /* it led to the one that the table is read at, or is that */
};

/*
 * Rows are made as JSON, one a line, which DuckDB takes apart by a description of the fields:
 *
 *	SELECT r."content", ... FROM (SELECT from_json(x, '{"content": "INTEGER", ...}') AS r FROM <lines>)
 */
struct maker {
	struct lk_arena *arena;
	const struct lk_lake_table *table;
	struct snapshot *snapshots; /* by id */
	size_t snapshot_count;
	const struct lk_partition_field **fields; /* of all specs, each once */
	int field_count;
	struct lk_str lines, description, selection;
	bool first; /* field of the row at hand */
};

/* ---- fields and values ---- */

/* Describes a field. type: DuckDB's, or a description; expression: what becomes of r."name", NULL: it is as it is. */
static void add_field(struct maker *m, const char *name, const char *type, const char *expression)
{
	lk_str_adds(&m->description, m->description.len ? ", " : "{");
	lk_str_add_json(&m->description, name, strlen(name));
	lk_str_adds(&m->description, ": ");
	if (*type == '{')
		lk_str_adds(&m->description, type);
	else
		lk_str_add_json(&m->description, type, strlen(type));
	lk_str_adds(&m->selection, m->selection.len ? ", " : "");
	if (expression)
		lk_str_adds(&m->selection, expression);
	else
		lk_str_addf(&m->selection, "r.\"%s\"", name);
	lk_str_addf(&m->selection, " AS \"%s\"", name);
}

static void begin_row(struct maker *m)
{
	lk_str_addc(&m->lines, '{');
	m->first = true;
}

static void end_row(struct maker *m)
{
	lk_str_adds(&m->lines, "}\n");
}

static struct lk_str *add_name(struct maker *m, const char *name)
{
	lk_str_addf(&m->lines, "%s\"%s\":", m->first ? "" : ",", name);
	m->first = false;
	return &m->lines;
}

static void add_text(struct maker *m, const char *name, const char *text)
{
	struct lk_str *s = add_name(m, name);

	if (text)
		lk_str_add_json(s, text, strlen(text));
	else
		lk_str_adds(s, "null");
}

/* Below `least` it is null. */
static void add_number(struct maker *m, const char *name, int64_t value, int64_t least)
{
	struct lk_str *s = add_name(m, name);

	if (value >= least)
		lk_str_addf(s, "%" PRId64, value);
	else
		lk_str_adds(s, "null");
}

static void add_json_number(struct maker *m, const char *name, const json_t *object, const char *key)
{
	add_number(m, name, lk_metadata_number(object, key, INT64_MIN), INT64_MIN + 1);
}

static void add_hex(struct lk_str *s, const struct lk_str *value)
{
	char hex[3];

	lk_str_addc(s, '"');
	for (size_t i = 0; i < value->len; i++) {
		lk_hex(value->data + i, 1, hex);
		lk_str_adds(s, hex);
	}
	lk_str_addc(s, '"');
}

/* DuckDB's type for values that people read: binary is shown as its hexadecimal digits. NULL for what has none. */
static bool add_shown_type(struct lk_str *s, const char *type)
{
	enum lk_primitive_kind kind = lk_primitive_read(type).kind;

	if (kind == LK_PRIMITIVE_NONE)
		return false;
	if (kind == LK_PRIMITIVE_BINARY || kind == LK_PRIMITIVE_FIXED) {
		lk_str_adds(s, "VARCHAR");
		return true;
	}
	return lk_sql_iceberg_type(type, s);
}

static void add_decimal(struct lk_str *s, const struct lk_str *value, int scale)
{
	unsigned __int128 n = value->len && (unsigned char)*value->data >= 0x80 ? ~(unsigned __int128)0 : 0;
	char text[LK_VALUE_TEXT];

	for (size_t i = 0; i < value->len && i < 16; i++)
		n = n << 8 | (unsigned char)value->data[i];
	lk_decimal_text((lk_int128)n, scale, text);
	lk_str_addf(s, "\"%s\"", text);
}

/* A single value (lake/value.h) as JSON of such a type; null where it is not sound. */
static void add_single(struct lk_str *s, const char *word, const struct lk_str *value)
{
	struct lk_primitive type = lk_primitive_read(word);
	enum lk_value_kind kind = lk_value_kind(word);
	char text[LK_VALUE_TEXT];
	int64_t n;

	if (!lk_value_sound(kind, value->len)) {
		lk_str_adds(s, "null");
		return;
	}
	n = kind == LK_VALUE_INTEGER ? lk_value_integer(value->data, value->len) : 0;
	switch (type.kind) {
	case LK_PRIMITIVE_BOOLEAN: lk_str_adds(s, value->len && *value->data ? "true" : "false"); return;
	case LK_PRIMITIVE_STRING: lk_str_add_json(s, value->data, value->len); return;
	case LK_PRIMITIVE_DECIMAL: add_decimal(s, value, type.scale); return;
	case LK_PRIMITIVE_INT: case LK_PRIMITIVE_LONG: lk_str_addf(s, "%" PRId64, n); return;
	case LK_PRIMITIVE_DATE: lk_date_text((int32_t)n, text); break;
	case LK_PRIMITIVE_TIME: lk_time_text(n, text); break;
	case LK_PRIMITIVE_TIMESTAMP: lk_timestamp_text(n, false, false, text); break;
	case LK_PRIMITIVE_TIMESTAMPTZ: lk_timestamp_text(n, true, false, text); break;
	case LK_PRIMITIVE_FLOAT: case LK_PRIMITIVE_DOUBLE: lk_float64_text(lk_value_double(value->data, value->len), text); break;
	default: add_hex(s, value); return;
	}
	lk_str_addf(s, "\"%s\"", text);
}

/* ---- partitions ---- */

static bool has_field(const struct maker *m, int32_t field_id)
{
	for (int i = 0; i < m->field_count; i++)
		if (m->fields[i]->field_id == field_id)
			return true;
	return false;
}

/* The fields of all specs whose type is known, so that files of any have the same columns. */
static enum lk_status find_fields(struct maker *m, struct lk_error *err)
{
	const json_t *specs = json_object_get(m->table->metadata, "partition-specs"), *item;
	size_t cap = 0, i;

	json_array_foreach(specs, i, item) {
		struct lk_partition_spec *spec;

		LK_TRY(lk_partition_spec_read(m->table->metadata, lk_metadata_number(item, "spec-id", -1), m->arena, &spec, err));
		for (int j = 0; j < spec->count; j++) {
			if (has_field(m, spec->fields[j].field_id) || lk_primitive_read(spec->fields[j].result_type).kind == LK_PRIMITIVE_NONE)
				continue;
			if (!lk_grow((void **)&m->fields, &cap, (size_t)m->field_count + 1, sizeof(*m->fields)))
				return lk_error_nomem(err);
			m->fields[m->field_count++] = &spec->fields[j];
		}
	}
	return LK_OK;
}

static void describe_partition(struct maker *m)
{
	struct lk_str type = LK_STR_INIT;

	for (int i = 0; i < m->field_count; i++) {
		lk_str_adds(&type, i ? ", " : "{");
		lk_str_add_json(&type, m->fields[i]->name, strlen(m->fields[i]->name));
		lk_str_adds(&type, ": \"");
		add_shown_type(&type, m->fields[i]->result_type);
		lk_str_addc(&type, '"');
	}
	lk_str_addc(&type, '}');
	if (m->field_count)
		add_field(m, "partition", lk_str_text(&type), NULL);
	lk_str_release(&type);
}

static void add_partition(struct maker *m, const struct lk_data_file *file)
{
	struct lk_str *s = m->field_count ? add_name(m, "partition") : NULL;

	for (int i = 0; i < m->field_count; i++) {
		const struct lk_partition_value *v = lk_data_file_partition(file, m->fields[i]->field_id);

		lk_str_adds(s, i ? "," : "{");
		lk_str_add_json(s, m->fields[i]->name, strlen(m->fields[i]->name));
		lk_str_addc(s, ':');
		if (v && !v->null)
			add_single(s, m->fields[i]->result_type, &v->value);
		else
			lk_str_adds(s, "null");
	}
	if (s)
		lk_str_addc(s, '}');
}

/* ---- snapshots, history, refs ---- */

static int by_id(const void *a, const void *b)
{
	int64_t x = ((const struct snapshot *)a)->id, y = ((const struct snapshot *)b)->id;

	return (x > y) - (x < y);
}

/* NULL when there is none. */
static struct snapshot *find_snapshot(const struct maker *m, int64_t id)
{
	const struct snapshot key = {.id = id};

	return m->snapshot_count ? bsearch(&key, m->snapshots, m->snapshot_count, sizeof(key), by_id) : NULL;
}

/* Parents may go round in metadata that are not sound. */
static enum lk_status list_snapshots(struct maker *m, struct lk_error *err)
{
	const json_t *list = json_object_get(m->table->metadata, "snapshots"), *item;
	struct snapshot *s;
	size_t i;

	m->snapshots = lk_arena_alloc(m->arena, json_array_size(list) * sizeof(*m->snapshots) + 1);
	if (!m->snapshots)
		return lk_error_nomem(err);
	json_array_foreach(list, i, item)
		m->snapshots[m->snapshot_count++] = (struct snapshot){lk_metadata_number(item, "snapshot-id", -1), item, false};
	if (m->snapshot_count)
		qsort(m->snapshots, m->snapshot_count, sizeof(*m->snapshots), by_id);
	for (s = find_snapshot(m, m->table->snapshot_id); s && !s->ancestor;) {
		s->ancestor = true;
		s = find_snapshot(m, lk_metadata_number(s->json, "parent-snapshot-id", -1));
	}
	return LK_OK;
}

#define MOMENT(name) "make_timestamp(r." name " * 1000)::TIMESTAMPTZ"

static enum lk_status make_snapshots(struct maker *m, struct lk_error *err)
{
	const json_t *item;
	size_t i;

	(void)err;
	add_field(m, "committed_at", "BIGINT", MOMENT("committed_at"));
	add_field(m, "snapshot_id", "BIGINT", NULL);
	add_field(m, "parent_id", "BIGINT", NULL);
	add_field(m, "operation", "VARCHAR", NULL);
	add_field(m, "manifest_list", "VARCHAR", NULL);
	add_field(m, "summary", "MAP(VARCHAR, VARCHAR)", NULL);
	json_array_foreach(json_object_get(m->table->metadata, "snapshots"), i, item) {
		json_t *summary = json_object_get(item, "summary");
		const char *key;
		json_t *value;
		bool first = true;

		begin_row(m);
		add_json_number(m, "committed_at", item, "timestamp-ms");
		add_json_number(m, "snapshot_id", item, "snapshot-id");
		add_json_number(m, "parent_id", item, "parent-snapshot-id");
		add_text(m, "operation", json_string_value(json_object_get(summary, "operation")));
		add_text(m, "manifest_list", json_string_value(json_object_get(item, "manifest-list")));
		lk_str_adds(add_name(m, "summary"), "{");
		json_object_foreach(summary, key, value) {
			if (!json_is_string(value) || !strcmp(key, "operation"))
				continue;
			lk_str_adds(&m->lines, first ? "" : ",");
			lk_str_add_json(&m->lines, key, strlen(key));
			lk_str_addc(&m->lines, ':');
			lk_str_add_json(&m->lines, json_string_value(value), json_string_length(value));
			first = false;
		}
		lk_str_addc(&m->lines, '}');
		end_row(m);
	}
	return LK_OK;
}

static enum lk_status make_history(struct maker *m, struct lk_error *err)
{
	const json_t *item;
	size_t i;

	(void)err;
	add_field(m, "made_current_at", "BIGINT", MOMENT("made_current_at"));
	add_field(m, "snapshot_id", "BIGINT", NULL);
	add_field(m, "parent_id", "BIGINT", NULL);
	add_field(m, "is_current_ancestor", "BOOLEAN", NULL);
	json_array_foreach(json_object_get(m->table->metadata, "snapshot-log"), i, item) {
		const struct snapshot *s = find_snapshot(m, lk_metadata_number(item, "snapshot-id", -1));

		begin_row(m);
		add_json_number(m, "made_current_at", item, "timestamp-ms");
		add_json_number(m, "snapshot_id", item, "snapshot-id");
		add_json_number(m, "parent_id", s ? s->json : NULL, "parent-snapshot-id");
		lk_str_adds(add_name(m, "is_current_ancestor"), s && s->ancestor ? "true" : "false");
		end_row(m);
	}
	return LK_OK;
}

static enum lk_status make_refs(struct maker *m, struct lk_error *err)
{
	json_t *refs = json_object_get(m->table->metadata, "refs"), *item;
	const char *name, *type;

	(void)err;
	add_field(m, "name", "VARCHAR", NULL);
	add_field(m, "type", "VARCHAR", NULL);
	add_field(m, "snapshot_id", "BIGINT", NULL);
	add_field(m, "max_reference_age_in_ms", "BIGINT", NULL);
	add_field(m, "min_snapshots_to_keep", "INTEGER", NULL);
	add_field(m, "max_snapshot_age_in_ms", "BIGINT", NULL);
	json_object_foreach(refs, name, item) {
		type = lk_metadata_text(item, "type");
		begin_row(m);
		add_text(m, "name", name);
		add_text(m, "type", !strcmp(type, "branch") ? "BRANCH" : !strcmp(type, "tag") ? "TAG" : type);
		add_json_number(m, "snapshot_id", item, "snapshot-id");
		add_json_number(m, "max_reference_age_in_ms", item, "max-ref-age-ms");
		add_json_number(m, "min_snapshots_to_keep", item, "min-snapshots-to-keep");
		add_json_number(m, "max_snapshot_age_in_ms", item, "max-snapshot-age-ms");
		end_row(m);
	}
	return LK_OK;
}

/* ---- manifests ---- */

static void add_summaries(struct maker *m, const struct lk_manifest_file *file)
{
	struct lk_partition_spec *spec = NULL;
	struct lk_str *s = add_name(m, "partition_summaries");
	struct lk_error ignored;

	if (lk_partition_spec_read(m->table->metadata, file->spec_id, m->arena, &spec, &ignored))
		spec = NULL;
	lk_str_addc(s, '[');
	for (int64_t i = 0; i < file->partition_count; i++) {
		const struct lk_partition_summary *p = &file->partitions[i];
		const char *type = spec && i < spec->count ? spec->fields[i].result_type : NULL;
		struct lk_str lower = {.data = (char *)p->lower, .len = p->lower_len}, upper = {.data = (char *)p->upper, .len = p->upper_len};

		lk_str_addf(s, "%s{\"contains_null\":%s,\"contains_nan\":%s,\"lower_bound\":", i ? "," : "", p->contains_null ? "true" : "false",
			p->contains_nan < 0 ? "null" : p->contains_nan ? "true" : "false");
		if (type && p->lower)
			add_single(s, type, &lower);
		else
			lk_str_adds(s, "null");
		lk_str_adds(s, ",\"upper_bound\":");
		if (type && p->upper)
			add_single(s, type, &upper);
		else
			lk_str_adds(s, "null");
		lk_str_addc(s, '}');
	}
	lk_str_addc(s, ']');
}

static enum lk_status make_manifests(struct maker *m, struct lk_error *err)
{
	(void)err;
	add_field(m, "content", "INTEGER", NULL);
	add_field(m, "path", "VARCHAR", NULL);
	add_field(m, "length", "BIGINT", NULL);
	add_field(m, "partition_spec_id", "INTEGER", NULL);
	add_field(m, "added_snapshot_id", "BIGINT", NULL);
	add_field(m, "added_data_files_count", "INTEGER", NULL);
	add_field(m, "existing_data_files_count", "INTEGER", NULL);
	add_field(m, "deleted_data_files_count", "INTEGER", NULL);
	add_field(m, "added_delete_files_count", "INTEGER", NULL);
	add_field(m, "existing_delete_files_count", "INTEGER", NULL);
	add_field(m, "deleted_delete_files_count", "INTEGER", NULL);
	add_field(m, "partition_summaries", "STRUCT(contains_null BOOLEAN, contains_nan BOOLEAN, lower_bound VARCHAR, upper_bound VARCHAR)[]", NULL);
	for (int i = 0; i < m->table->manifest_count; i++) {
		const struct lk_manifest_file *f = &m->table->manifests[i];
		bool data = f->content == LK_CONTENT_DATA;

		begin_row(m);
		add_number(m, "content", f->content, 0);
		add_text(m, "path", f->path);
		add_number(m, "length", f->length, 0);
		add_number(m, "partition_spec_id", f->spec_id, 0);
		add_number(m, "added_snapshot_id", f->snapshot_id, 0);
		add_number(m, "added_data_files_count", data ? f->added_files : 0, 0);
		add_number(m, "existing_data_files_count", data ? f->existing_files : 0, 0);
		add_number(m, "deleted_data_files_count", data ? f->deleted_files : 0, 0);
		add_number(m, "added_delete_files_count", data ? 0 : f->added_files, 0);
		add_number(m, "existing_delete_files_count", data ? 0 : f->existing_files, 0);
		add_number(m, "deleted_delete_files_count", data ? 0 : f->deleted_files, 0);
		add_summaries(m, f);
		end_row(m);
	}
	return LK_OK;
}

/* ---- files ---- */

enum metric { SIZES, VALUES, NULLS, NANS, LOWER, UPPER };

static int64_t count_of(const struct lk_column_metrics *c, enum metric metric)
{
	switch (metric) {
	case SIZES: return c->compressed_bytes;
	case VALUES: return c->value_count;
	case NULLS: return c->null_count;
	default: return c->nan_count;
	}
}

static const struct lk_str *bound_of(const struct lk_column_metrics *c, enum metric metric)
{
	if (metric == LOWER)
		return c->has_lower ? &c->lower : NULL;
	return c->has_upper ? &c->upper : NULL;
}

static void add_metric(struct maker *m, const char *name, const struct lk_file_metrics *metrics, enum metric metric)
{
	struct lk_str *s = add_name(m, name);
	bool first = true;

	lk_str_addc(s, '{');
	for (int i = 0; i < metrics->column_count; i++) {
		const struct lk_column_metrics *c = &metrics->columns[i];
		const struct lk_str *bound = metric >= LOWER ? bound_of(c, metric) : NULL;

		if (metric >= LOWER ? !bound : count_of(c, metric) < 0)
			continue;
		lk_str_addf(s, "%s\"%d\":", first ? "" : ",", c->field_id);
		if (bound)
			add_hex(s, bound);
		else
			lk_str_addf(s, "%" PRId64, count_of(c, metric));
		first = false;
	}
	lk_str_addc(s, '}');
}

static const struct lk_column_metrics *metrics_of(const struct lk_file_metrics *metrics, int32_t field_id)
{
	for (int i = 0; i < metrics->column_count; i++)
		if (metrics->columns[i].field_id == field_id)
			return &metrics->columns[i];
	return NULL;
}

/* A struct for each column of the table that bounds can be of. */
static void describe_readable(struct maker *m)
{
	struct lk_str type = LK_STR_INIT, own = LK_STR_INIT;

	for (int i = 0; i < m->table->column_count; i++) {
		const struct lk_lake_column *c = &m->table->columns[i];

		lk_str_clear(&own);
		if (!add_shown_type(&own, c->type))
			continue;
		lk_str_adds(&type, type.len ? ", " : "{");
		lk_str_add_json(&type, c->name, strlen(c->name));
		lk_str_addf(&type, ": {\"column_size\": \"BIGINT\", \"value_count\": \"BIGINT\", \"null_value_count\": \"BIGINT\", "
			"\"nan_value_count\": \"BIGINT\", \"lower_bound\": \"%s\", \"upper_bound\": \"%s\"}", lk_str_text(&own), lk_str_text(&own));
	}
	lk_str_addc(&type, '}');
	if (type.len > 1)
		add_field(m, "readable_metrics", lk_str_text(&type), NULL);
	lk_str_release(&type);
	lk_str_release(&own);
}

static void add_readable(struct maker *m, const struct lk_file_metrics *metrics)
{
	static const char *const names[] = {"column_size", "value_count", "null_value_count", "nan_value_count", "lower_bound", "upper_bound"};
	struct lk_str *s = add_name(m, "readable_metrics");
	bool first = true;

	lk_str_addc(s, '{');
	for (int i = 0; i < m->table->column_count; i++) {
		const struct lk_column_metrics *c = metrics_of(metrics, m->table->columns[i].id);

		if (!c)
			continue;
		lk_str_adds(s, first ? "" : ",");
		lk_str_add_json(s, m->table->columns[i].name, strlen(m->table->columns[i].name));
		for (enum metric k = SIZES; k <= UPPER; k++) {
			lk_str_addf(s, "%s\"%s\":", k ? "," : ":{", names[k]);
			if (k >= LOWER && bound_of(c, k))
				add_single(s, m->table->columns[i].type, bound_of(c, k));
			else if (k < LOWER && count_of(c, k) >= 0)
				lk_str_addf(s, "%" PRId64, count_of(c, k));
			else
				lk_str_adds(s, "null");
		}
		lk_str_addc(s, '}');
		first = false;
	}
	lk_str_addc(s, '}');
}

static void add_lists(struct maker *m, const struct lk_data_file *f)
{
	struct lk_str *s = add_name(m, "split_offsets");

	lk_str_adds(s, f->metrics.split_count ? "[" : "null");
	for (int i = 0; i < f->metrics.split_count; i++)
		lk_str_addf(s, "%s%" PRId64, i ? "," : "", f->metrics.split_offsets[i]);
	lk_str_adds(s, f->metrics.split_count ? "]" : "");
	add_name(m, "equality_ids");
	lk_str_adds(s, f->equality_count ? "[" : "null");
	for (int i = 0; i < f->equality_count; i++)
		lk_str_addf(s, "%s%d", i ? "," : "", f->equality_ids[i]);
	lk_str_adds(s, f->equality_count ? "]" : "");
}

#define BYTES(name) "map_from_entries(list_transform(map_entries(r." name "), lambda e: struct_pack(k := e.key, v := from_hex(e.value))))"

static void add_file(struct maker *m, const struct lk_data_file *f)
{
	begin_row(m);
	add_number(m, "content", f->content, 0);
	add_text(m, "file_path", f->uri);
	add_text(m, "file_format", f->format ? f->format : "PARQUET");
	add_number(m, "spec_id", f->spec_id, 0);
	add_partition(m, f);
	add_number(m, "record_count", f->metrics.rows, 0);
	add_number(m, "file_size_in_bytes", f->metrics.file_bytes, 0);
	add_metric(m, "column_sizes", &f->metrics, SIZES);
	add_metric(m, "value_counts", &f->metrics, VALUES);
	add_metric(m, "null_value_counts", &f->metrics, NULLS);
	add_metric(m, "nan_value_counts", &f->metrics, NANS);
	add_metric(m, "lower_bounds", &f->metrics, LOWER);
	add_metric(m, "upper_bounds", &f->metrics, UPPER);
	if (f->key_metadata.len)
		add_hex(add_name(m, "key_metadata"), &f->key_metadata);
	add_lists(m, f);
	add_number(m, "sort_order_id", f->sort_order, 0);
	add_text(m, "referenced_data_file", f->referenced);
	add_readable(m, &f->metrics);
	end_row(m);
}

static enum lk_status make_files(struct maker *m, struct lk_error *err)
{
	const struct lk_lake_table *t = m->table;

	LK_TRY(find_fields(m, err));
	add_field(m, "content", "INTEGER", NULL);
	add_field(m, "file_path", "VARCHAR", NULL);
	add_field(m, "file_format", "VARCHAR", NULL);
	add_field(m, "spec_id", "INTEGER", NULL);
	describe_partition(m);
	add_field(m, "record_count", "BIGINT", NULL);
	add_field(m, "file_size_in_bytes", "BIGINT", NULL);
	add_field(m, "column_sizes", "MAP(INTEGER, BIGINT)", NULL);
	add_field(m, "value_counts", "MAP(INTEGER, BIGINT)", NULL);
	add_field(m, "null_value_counts", "MAP(INTEGER, BIGINT)", NULL);
	add_field(m, "nan_value_counts", "MAP(INTEGER, BIGINT)", NULL);
	add_field(m, "lower_bounds", "MAP(INTEGER, VARCHAR)", BYTES("lower_bounds"));
	add_field(m, "upper_bounds", "MAP(INTEGER, VARCHAR)", BYTES("upper_bounds"));
	add_field(m, "key_metadata", "VARCHAR", "from_hex(r.key_metadata)");
	add_field(m, "split_offsets", "BIGINT[]", NULL);
	add_field(m, "equality_ids", "INTEGER[]", NULL);
	add_field(m, "sort_order_id", "INTEGER", NULL);
	add_field(m, "referenced_data_file", "VARCHAR", NULL);
	describe_readable(m);
	for (int i = 0; i < t->file_count; i++)
		add_file(m, &t->files[i].entry);
	for (int i = 0; i < t->deletes_count; i++)
		add_file(m, &t->deletes[i].entry);
	for (int i = 0; i < t->equality_count; i++)
		add_file(m, &t->equality[i].entry);
	return LK_OK;
}

static void add_share(struct maker *m, const struct lk_data_file *f, int64_t snapshot_id)
{
	const struct snapshot *s = find_snapshot(m, snapshot_id);

	begin_row(m);
	add_partition(m, f);
	add_number(m, "spec_id", f->spec_id, 0);
	add_number(m, "content", f->content, 0);
	add_number(m, "rows", f->metrics.rows, 0);
	add_number(m, "bytes", f->metrics.file_bytes, 0);
	add_json_number(m, "at", s ? s->json : NULL, "timestamp-ms");
	add_number(m, "snapshot_id", snapshot_id, 0);
	end_row(m);
}

/* The same files, summed up; rows of data files are not lessened by deletes. */
static enum lk_status make_partitions(struct maker *m, struct lk_error *err)
{
	const struct lk_lake_table *t = m->table;

	LK_TRY(find_fields(m, err));
	describe_partition(m);
	for (size_t i = 0; i < 6; i++)
		add_field(m, (const char *const[]){"spec_id", "content", "rows", "bytes", "at", "snapshot_id"}[i], "BIGINT", NULL);
	lk_str_clear(&m->selection);
	if (m->field_count)
		lk_str_adds(&m->selection, "r.partition AS partition, r.spec_id::INTEGER AS spec_id, ");
	lk_str_adds(&m->selection, "coalesce(sum(r.rows) FILTER (r.content = 0), 0)::BIGINT AS record_count, "
		"count(*) FILTER (r.content = 0)::INTEGER AS file_count, "
		"coalesce(sum(r.bytes) FILTER (r.content = 0), 0)::BIGINT AS total_data_file_size_in_bytes, "
		"coalesce(sum(r.rows) FILTER (r.content = 1), 0)::BIGINT AS position_delete_record_count, "
		"count(*) FILTER (r.content = 1)::INTEGER AS position_delete_file_count, "
		"coalesce(sum(r.rows) FILTER (r.content = 2), 0)::BIGINT AS equality_delete_record_count, "
		"count(*) FILTER (r.content = 2)::INTEGER AS equality_delete_file_count, "
		"make_timestamp(max(r.at) * 1000)::TIMESTAMPTZ AS last_updated_at, arg_max(r.snapshot_id, r.at) AS last_updated_snapshot_id");
	for (int i = 0; i < t->file_count; i++)
		add_share(m, &t->files[i].entry, t->files[i].snapshot_id);
	for (int i = 0; i < t->deletes_count; i++)
		add_share(m, &t->deletes[i].entry, t->deletes[i].snapshot_id);
	for (int i = 0; i < t->equality_count; i++)
		add_share(m, &t->equality[i].entry, t->equality[i].snapshot_id);
	return LK_OK;
}

/* ---- the whole ---- */

static const struct kind {
	const char *name;
	enum lk_status (*make)(struct maker *m, struct lk_error *err);
	bool reads;	  /* manifests */
	const char *rest; /* behind the rows */
} kinds[] = {
	{"snapshots", make_snapshots, false, ""},
	{"history", make_history, false, ""},
	{"refs", make_refs, false, ""},
	{"manifests", make_manifests, true, ""},
	{"files", make_files, true, ""},
	{"partitions", make_partitions, true, " GROUP BY ALL ORDER BY ALL"},
};

static enum lk_status create(struct maker *m, const struct kind *kind, struct lk_sql *sql, const char *schema, const char *name,
	struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(list_snapshots(m, err));
	LK_TRY(kind->make(m, err));
	lk_str_addc(&m->description, '}');
	lk_str_adds(&s, "CREATE SCHEMA IF NOT EXISTS ");
	lk_sql_add_identifier(&s, schema);
	lk_str_adds(&s, "; CREATE OR REPLACE TABLE ");
	lk_sql_add_identifier(&s, schema);
	lk_str_addc(&s, '.');
	lk_sql_add_identifier(&s, name);
	lk_str_addf(&s, " AS SELECT %s FROM (SELECT from_json(x, ", lk_str_text(&m->selection));
	lk_sql_add_literal(&s, lk_str_text(&m->description));
	lk_str_adds(&s, ") AS r FROM (SELECT unnest(string_split(");
	lk_sql_add_literal(&s, lk_str_text(&m->lines));
	lk_str_addf(&s, ", chr(10))) AS x) WHERE x <> '')%s", kind->rest);
	status = m->lines.failed || m->description.failed || m->selection.failed ? lk_error_nomem(err) : lk_str_check(&s, err);
	if (!status)
		status = lk_sql_run(sql, s.data, err);
	lk_str_release(&s);
	return status;
}

enum lk_status lk_metatable_create(struct lk_sql *sql, struct lk_pin *pin, struct lk_lake_table *table, const char *word,
	const char *schema, const char *name, struct lk_error *err)
{
	struct maker m = {.arena = &pin->arena, .table = table};
	const struct kind *kind = NULL;
	enum lk_status status = LK_OK;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcasecmp(kinds[i].name, word))
			kind = &kinds[i];
	if (!kind)
		return lk_error_set(err, LK_DATA, "'%s': there is no '$%s'; there are $snapshots, $history, $refs, $manifests, $files and "
			"$partitions", name, word);
	if (kind->reads)
		status = lk_lake_table_read(pin, table, LK_LOAD_METRICS, NULL, err);
	if (!status && (status = create(&m, kind, sql, schema, name, err)))
		lk_error_prefix(err, "table '%s'", name);
	free(m.fields);
	lk_str_release(&m.lines);
	lk_str_release(&m.description);
	lk_str_release(&m.selection);
	return status;
}
