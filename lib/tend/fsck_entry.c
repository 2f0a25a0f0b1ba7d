#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "lake/metadata.h"
#include "lake/value.h"
#include "tend/fsck_table.h"

#define DELETE_PATH 2147483546 /* the columns of files of position deletes */
#define DELETE_POSITION 2147483545

/* ---- partitions ---- */

/* Floor of a / b. */
static int64_t floor_of(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/*
 * Transforms that keep the order give, of the bounds of a column, bounds of the partition's value. What there is no need to know
 * exactly (years and months by the day) is left out: *known is false.
 */
static int64_t transformed(const struct lk_fsck_spec_field *f, int64_t v, bool *known)
{
	bool date = !strcmp(f->source_type, "date");

	*known = true;
	switch (f->transform) {
	case LK_TRANSFORM_IDENTITY: return v;
	case LK_TRANSFORM_TRUNCATE:
		*known = v >= INT64_MIN + f->width;
		return *known ? v - (v % f->width + f->width) % f->width : 0;
	case LK_TRANSFORM_DAY: return date ? v : floor_of(v, INT64_C(86400000000));
	case LK_TRANSFORM_HOUR: return floor_of(v, INT64_C(3600000000));
	default: *known = false; return 0;
	}
}

static const struct lk_column_metrics *metrics_of(const struct lk_data_file *file, int32_t id)
{
	for (int i = 0; i < file->metrics.column_count; i++)
		if (file->metrics.columns[i].field_id == id)
			return &file->metrics.columns[i];
	return NULL;
}

/* The value of a partition lies between what its transform makes of the column's bounds. */
static bool fits_bounds(const struct lk_fsck_spec_field *f, const struct lk_str *value, const struct lk_column_metrics *c)
{
	int64_t v, bound;
	bool known;

	if (!f->source_type || lk_value_kind(f->source_type) != LK_VALUE_INTEGER || (value->len != 4 && value->len != 8))
		return true;
	if (strstr(f->source_type, "_ns"))
		return true;
	v = lk_value_integer(value->data, value->len);
	if (c->has_lower && (c->lower.len == 4 || c->lower.len == 8)) {
		bound = transformed(f, lk_value_integer(c->lower.data, c->lower.len), &known);
		if (known && bound > v)
			return false;
	}
	if (c->has_upper && (c->upper.len == 4 || c->upper.len == 8)) {
		bound = transformed(f, lk_value_integer(c->upper.data, c->upper.len), &known);
		if (known && bound < v)
			return false;
	}
	return true;
}

static void check_partition_field(struct lk_fsck_table *t, const struct lk_data_file *file, const struct lk_fsck_spec_field *f)
{
	const struct lk_partition_value *v = lk_data_file_partition(file, f->field_id);
	const struct lk_column_metrics *c = metrics_of(file, f->source_id);
	enum lk_value_kind kind = lk_value_kind(f->result_type);

	if (!v) {
		lk_fsck_found(t, "partition", file->uri, "has no value of partition field %d", (int)f->field_id);
		return;
	}
	if (f->transform == LK_TRANSFORM_VOID && !v->null)
		lk_fsck_found(t, "partition", file->uri, "has a value of partition field %d, which is void", (int)f->field_id);
	if (v->null && c && file->content == LK_FILE_DATA && f->transform != LK_TRANSFORM_VOID && c->value_count > 0 && c->null_count == 0)
		lk_fsck_found(t, "partition", file->uri, "has no value of partition field %d, whose column has no nulls", (int)f->field_id);
	if (v->null || kind == LK_VALUE_NONE)
		return;
	if (!lk_value_sound(kind, v->value.len)) {
		lk_fsck_found(t, "partition", file->uri, "has a value of partition field %d that is no %s", (int)f->field_id, f->result_type);
		return;
	}
	if (f->transform == LK_TRANSFORM_BUCKET && kind == LK_VALUE_INTEGER) {
		int64_t n = lk_value_integer(v->value.data, v->value.len);

		if (n < 0 || n >= f->width)
			lk_fsck_found(t, "partition", file->uri, "is in no bucket of partition field %d", (int)f->field_id);
	}
	if (file->content != LK_FILE_DATA || !c)
		return;
	if (c->value_count >= 0 && c->null_count == c->value_count && c->value_count > 0)
		lk_fsck_found(t, "partition", file->uri, "has a value of partition field %d, whose column has nothing but nulls",
			(int)f->field_id);
	else if (!fits_bounds(f, &v->value, c))
		lk_fsck_found(t, "partition", file->uri, "has a value of partition field %d that is not its column's", (int)f->field_id);
}

static void check_partition(struct lk_fsck_table *t, const struct lk_data_file *file)
{
	const struct lk_fsck_spec *spec = lk_fsck_spec_of(t, file->spec_id);

	if (!spec)
		return;
	for (int i = 0; i < spec->count; i++)
		check_partition_field(t, file, &spec->fields[i]);
	if (file->partition_count > spec->count)
		lk_fsck_found(t, "partition", file->uri, "has %d partition values, its spec %d fields", file->partition_count, spec->count);
}

/* ---- metrics ---- */

static void check_bounds(struct lk_fsck_table *t, const char *uri, const struct lk_column_metrics *c, const char *name,
	const char *type)
{
	enum lk_value_kind kind = lk_value_kind(type);
	bool sound = true;

	if (kind == LK_VALUE_NONE)
		return;
	if (c->has_lower && !lk_value_sound(kind, c->lower.len))
		sound = false;
	if (c->has_upper && !lk_value_sound(kind, c->upper.len))
		sound = false;
	if (!strcmp(type, "boolean") && ((c->has_lower && c->lower.len != 1) || (c->has_upper && c->upper.len != 1)))
		sound = false;
	if (!sound)
		lk_fsck_found(t, "bounds", uri, "has a bound of column %s that is no %s", name, type);
	else if (c->has_lower && c->has_upper &&
		lk_value_compare(kind, c->lower.data, c->lower.len, c->upper.data, c->upper.len) > 0)
		lk_fsck_found(t, "bounds", uri, "has a lower bound of column %s that is above the upper one", name);
	if (c->value_count >= 0 && c->null_count == c->value_count && (c->has_lower || c->has_upper) && c->value_count > 0)
		lk_fsck_found(t, "bounds", uri, "has a bound of column %s, of which all values are null", name);
}

static void check_column(struct lk_fsck_table *t, const struct lk_data_file *file, const struct lk_column_metrics *c)
{
	bool is_delete = c->field_id == DELETE_PATH || c->field_id == DELETE_POSITION;
	const struct lk_fsck_field *f = lk_fsck_field_of(t, c->field_id);
	const char *name = f ? f->name : "";
	const char *type = c->field_id == DELETE_PATH ? "string" : c->field_id == DELETE_POSITION ? "long" : f ? f->type : NULL;

	if (!f && !is_delete && (c->field_id < 1 || (c->field_id > t->last_column && c->field_id < 2147483447))) {
		lk_fsck_found(t, "metrics", file->uri, "tells of field %d, which there never was", (int)c->field_id);
		return;
	}
	if ((c->value_count >= 0 && c->null_count > c->value_count) || (c->value_count >= 0 && c->nan_count > c->value_count))
		lk_fsck_found(t, "metrics", file->uri, "has more nulls than values in column %s", name);
	if (f && f->type && f->top && !f->repeated && c->value_count >= 0 && c->value_count != file->metrics.rows)
		lk_fsck_found(t, "metrics", file->uri, "has %" PRId64 " rows and %" PRId64 " values in column %s", file->metrics.rows,
			c->value_count, name);
	if (f && f->current && f->required && f->top && c->null_count > 0)
		lk_fsck_found(t, "metrics", file->uri, "has nulls in column %s, which is required", name);
	if (type)
		check_bounds(t, file->uri, c, name, type);
}

/* ---- the rest of an entry ---- */

static bool is_format(const char *format)
{
	static const char *const known[] = {"parquet", "avro", "orc", "puffin"};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcasecmp(format, known[i]))
			return true;
	return false;
}

static void check_splits(struct lk_fsck_table *t, const struct lk_data_file *file)
{
	const struct lk_file_metrics *m = &file->metrics;

	for (int i = 0; i < m->split_count; i++)
		if (m->split_offsets[i] < 0 || m->split_offsets[i] >= m->file_bytes || (i && m->split_offsets[i] <= m->split_offsets[i - 1])) {
			lk_fsck_found(t, "splits", file->uri, "has split offsets that do not ascend within the file");
			return;
		}
}

static bool has_sort_order(const struct lk_fsck_table *t, int64_t id)
{
	json_t *order;
	size_t i;

	if (id <= 0)
		return true;
	json_array_foreach(json_object_get(t->root, "sort-orders"), i, order)
		if (lk_metadata_number(order, "order-id", -1) == id)
			return true;
	return false;
}

static void check_kind(struct lk_fsck_table *t, const struct lk_data_file *file)
{
	bool equality = file->content == LK_FILE_EQUALITY_DELETES;

	if (!file->format || !is_format(file->format))
		lk_fsck_found(t, "entry", file->uri, "is of format '%.20s', which there is not", file->format ? file->format : "");
	if (equality != (file->equality_count > 0))
		lk_fsck_found(t, "entry", file->uri, equality ? "has equality deletes by no column" : "has equality ids, and no such deletes");
	for (int i = 0; i < file->equality_count; i++)
		if (!lk_fsck_field_of(t, file->equality_ids[i]))
			lk_fsck_found(t, "entry", file->uri, "deletes by field %d, which there is not", (int)file->equality_ids[i]);
	if (!has_sort_order(t, file->sort_order))
		lk_fsck_found(t, "sort-order", file->uri, "is of sort order %d, which there is not", (int)file->sort_order);
}

static uint64_t mix(uint64_t h, const struct lk_str *s)
{
	return XXH3_64bits_withSeed(lk_str_text(s), s->len, h + s->len);
}

/* What an entry says, as a number that is another one when it says something else; never 0. */
static uint64_t print_of(const struct lk_data_file *file)
{
	const struct lk_file_metrics *m = &file->metrics;
	int64_t numbers[] = {m->rows, m->file_bytes, file->content, file->spec_id, file->sort_order, m->column_count, m->split_count};
	uint64_t h = XXH3_64bits(numbers, sizeof(numbers));

	if (m->split_count)
		h = XXH3_64bits_withSeed(m->split_offsets, (size_t)m->split_count * sizeof(*m->split_offsets), h);
	for (int i = 0; i < m->column_count; i++) {
		const struct lk_column_metrics *c = &m->columns[i];
		int64_t counts[] = {c->field_id, c->value_count, c->null_count, c->nan_count, c->has_lower, c->has_upper};

		h = mix(mix(XXH3_64bits_withSeed(counts, sizeof(counts), h), &c->lower), &c->upper);
	}
	for (int i = 0; i < file->partition_count; i++) {
		int64_t head[] = {file->partition[i].field_id, file->partition[i].null};

		h = mix(XXH3_64bits_withSeed(head, sizeof(head), h), &file->partition[i].value);
	}
	return h | 1;
}

enum lk_status lk_fsck_entry(struct lk_fsck_table *t, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	const struct lk_data_file *file = &entry->file;
	uint64_t print = print_of(file);
	struct lk_fsck_file *f = &t->files[lk_index_find(&t->file_index, file->uri, strlen(file->uri))];

	if (f->print == print)
		return LK_OK;
	if (!f->print)
		t->bytes += file->metrics.file_bytes;
	f->print = print;
	check_kind(t, file);
	check_partition(t, file);
	check_splits(t, file);
	for (int i = 0; i < file->metrics.column_count; i++)
		check_column(t, file, &file->metrics.columns[i]);
	return lk_fsck_file(t, file, &f->there, err);
}
