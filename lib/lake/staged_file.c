#include "lake/staged_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "lake/metadata.h"

/* ---- writing ---- */

static json_t *hex_of(const struct lk_str *bytes)
{
	char *text = malloc(bytes->len * 2 + 1);
	json_t *value = NULL;

	if (text) {
		lk_hex(bytes->data, bytes->len, text);
		value = json_string(text);
	}
	free(text);
	return value;
}

static json_t *column_json(const struct lk_column_metrics *c)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:I}", "id", (json_int_t)c->field_id, "bytes", (json_int_t)c->compressed_bytes,
		"values", (json_int_t)c->value_count, "nulls", (json_int_t)c->null_count);
	int failed = !o;

	if (o && c->nan_count >= 0)
		failed |= json_object_set_new(o, "nans", json_integer(c->nan_count));
	if (o && c->has_lower)
		failed |= json_object_set_new(o, "lower", hex_of(&c->lower));
	if (o && c->has_upper)
		failed |= json_object_set_new(o, "upper", hex_of(&c->upper));
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}

/* Values in the order of the spec's fields, null or as hexadecimal digits. */
static json_t *partition_json(const struct lk_data_file *file)
{
	json_t *values = json_array();

	for (int i = 0; i < file->partition_count; i++)
		json_array_append_new(values, file->partition[i].null ? json_null() : hex_of(&file->partition[i].value));
	if (json_array_size(values) == (size_t)file->partition_count)
		return values;
	json_decref(values);
	return NULL;
}

/* json_pack takes a NULL part for a failure and gives NULL, so that a chain of these needs one check. */
json_t *lk_staged_file_write(const struct lk_data_file *file)
{
	json_t *splits = json_array(), *columns = json_array();

	for (int i = 0; i < file->metrics.split_count; i++)
		json_array_append_new(splits, json_integer(file->metrics.split_offsets[i]));
	for (int i = 0; i < file->metrics.column_count; i++)
		json_array_append_new(columns, column_json(&file->metrics.columns[i]));
	if (json_array_size(columns) != (size_t)file->metrics.column_count) {
		json_decref(splits);
		json_decref(columns);
		return NULL;
	}
	return json_pack("{s:s, s:I, s:I, s:i, s:o, s:i, s:o, s:o}", "path", file->uri, "rows", (json_int_t)file->metrics.rows, "bytes",
		(json_int_t)file->metrics.file_bytes, "spec-id", (int)file->spec_id, "partition", partition_json(file), "sort-order",
		(int)file->sort_order, "splits", splits, "columns", columns);
}

/* ---- reading ---- */

static bool unhex(const char *text, struct lk_str *out)
{
	static const char digits[] = "0123456789abcdef";

	for (; text[0] && text[1]; text += 2) {
		const char *high = strchr(digits, text[0]), *low = strchr(digits, text[1]);

		if (!high || !low)
			return false;
		lk_str_addc(out, (char)((high - digits) << 4 | (low - digits)));
	}
	return !*text;
}

static bool parse_bound(const json_t *column, const char *key, bool *has, struct lk_str *out)
{
	const json_t *text = json_object_get(column, key);

	*has = text != NULL;
	if (!text)
		return true;
	lk_str_adds(out, ""); /* an empty bound is one all the same */
	return json_is_string(text) && unhex(json_string_value(text), out);
}

static bool parse_column(struct lk_column_metrics *c, json_t *item)
{
	json_int_t id, bytes, values, nulls, nans = -1;

	if (json_unpack(item, "{s:I, s:I, s:I, s:I, s?I}", "id", &id, "bytes", &bytes, "values", &values, "nulls", &nulls, "nans",
		    &nans) ||
		id < 1 || id > INT32_MAX)
		return false;
	c->field_id = (int32_t)id;
	c->compressed_bytes = bytes;
	c->value_count = values;
	c->null_count = nulls;
	c->nan_count = nans;
	return parse_bound(item, "lower", &c->has_lower, &c->lower) && parse_bound(item, "upper", &c->has_upper, &c->upper);
}

static bool parse_metrics(struct lk_file_metrics *m, json_t *splits, json_t *columns)
{
	json_t *item;
	size_t i;

	m->split_offsets = calloc(json_array_size(splits) + 1, sizeof(*m->split_offsets));
	m->columns = calloc(json_array_size(columns) + 1, sizeof(*m->columns));
	if (!m->split_offsets || !m->columns)
		return false;
	json_array_foreach(splits, i, item)
		m->split_offsets[m->split_count++] = json_integer_value(item);
	json_array_foreach(columns, i, item)
		if (!parse_column(&m->columns[m->column_count++], item))
			return false;
	return true;
}

static enum lk_status parse_partition(struct lk_data_file *file, const json_t *root, const json_t *values, struct lk_error *err)
{
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_partition_spec *spec = NULL;
	enum lk_status status = lk_partition_spec_read(root, file->spec_id, &arena, &spec, err);
	const json_t *value;
	size_t i;

	if (!status && json_array_size(values) != (size_t)spec->count)
		status = LK_DATA;
	if (!status && !(file->partition = calloc((size_t)spec->count + 1, sizeof(*file->partition))))
		status = lk_error_nomem(err);
	for (i = 0; !status && i < json_array_size(values); i++) {
		struct lk_partition_value *v = &file->partition[file->partition_count++];

		value = json_array_get(values, i);
		*v = (struct lk_partition_value){.field_id = spec->fields[i].field_id, .null = json_is_null(value)};
		lk_str_adds(&v->value, "");
		if (!v->null && (!json_is_string(value) || !unhex(json_string_value(value), &v->value)))
			status = LK_DATA;
	}
	lk_arena_release(&arena);
	return status;
}

static enum lk_status read_file(const json_t *root, json_t *item, struct lk_data_file *file, struct lk_error *err)
{
	json_t *splits, *columns, *partition = NULL;
	json_int_t rows, bytes, spec = 0, order = 0;
	const char *uri;

	if (json_unpack(item, "{s:s, s:I, s:I, s?I, s?o, s?I, s:o, s:o}", "path", &uri, "rows", &rows, "bytes", &bytes, "spec-id",
		    &spec, "partition", &partition, "sort-order", &order, "splits", &splits, "columns", &columns) ||
		rows < 0 || bytes < 0 || spec < 0 || spec > INT32_MAX || order < 0 || order > INT32_MAX || !lk_uri_path(uri))
		return LK_DATA;
	file->metrics.rows = rows;
	file->metrics.file_bytes = bytes;
	file->spec_id = (int32_t)spec;
	file->sort_order = (int32_t)order;
	file->uri = strdup(uri);
	file->path = strdup(lk_uri_path(uri));
	if (!file->uri || !file->path)
		return lk_error_nomem(err);
	return parse_metrics(&file->metrics, splits, columns) ? parse_partition(file, root, partition, err) : LK_DATA;
}

enum lk_status lk_staged_file_read(const json_t *root, json_t *item, struct lk_data_file *file, struct lk_error *err)
{
	*file = (struct lk_data_file){0};
	return read_file(root, item, file, err);
}
