#include <stdlib.h>
#include <string.h>

#include "base/value.h"
#include "lake/list.h"
#include "lake/metadata.h"
#include "lake/schema_text.h"
#include "lake/table.h"
#include "lake/transform.h"
#include "stream/build.h"
#include "stream/format.h"

/* What is described, and where it goes. */
struct telling {
	const json_t *root;
	struct lk_tree tree; /* of the current schema */
	json_t *out;
};

/* A text that is taken over, emptying it. */
static json_t *text_of(struct lk_str *s)
{
	json_t *text = s->failed ? NULL : json_string(lk_str_text(s));

	lk_str_release(s);
	return text;
}

/* ---- columns ---- */

static json_t *tell_column(const struct lk_tree_node *n, const json_t *keys)
{
	const char *doc = json_string_value(json_object_get(n->holder, "doc"));
	struct lk_str type = LK_STR_INIT;
	bool key = false;
	json_t *out;

	for (size_t i = 0; i < json_array_size(keys); i++)
		key |= json_integer_value(json_array_get(keys, i)) == n->id;
	lk_schema_write_type(n->type, &type);
	out = json_pack("{s:I, s:s, s:o, s:b, s:b}", "id", (json_int_t)n->id, "column", n->path, "type", text_of(&type), "required",
		n->required, "key", key);
	json_object_set_new(out, "comment", doc && n->siblings ? json_string(doc) : json_null());
	return out;
}

static enum lk_status tell_columns(struct telling *t, struct lk_error *err)
{
	const json_t *keys = json_object_get(lk_metadata_schema(t->root), "identifier-field-ids");
	json_t *columns = json_array();

	json_object_set_new(t->out, "columns", columns);
	for (size_t i = 0; i < t->tree.count; i++)
		if (json_array_append_new(columns, tell_column(&t->tree.nodes[i], keys)))
			return lk_error_nomem(err);
	return LK_OK;
}

/* ---- partitions and order ---- */

/* A term as people write it, of a source that may be gone. */
static json_t *tell_term(const struct telling *t, const char *transform, int64_t source_id)
{
	const struct lk_tree_node *source = lk_tree_by_id(&t->tree, source_id);
	struct lk_term term = {LK_STR_INIT, LK_TRANSFORM_UNKNOWN, 0};
	struct lk_str text = LK_STR_INIT;

	lk_str_adds(&term.path, source ? source->path : "?");
	if (!lk_transform_read(transform, &term.transform, &term.width) || term.transform == LK_TRANSFORM_UNKNOWN)
		lk_str_addf(&text, "%s(%s)", transform, lk_str_text(&term.path));
	else
		lk_term_write(&term, &text);
	lk_term_release(&term);
	return text_of(&text);
}

static enum lk_status tell_partitions(struct telling *t, struct lk_error *err)
{
	int64_t spec_id = lk_metadata_number(t->root, "default-spec-id", 0);
	const json_t *spec = lk_metadata_spec(t->root);
	const json_t *from = spec ? json_object_get(spec, "fields") : json_object_get(t->root, "partition-spec"), *field;
	json_t *fields = json_array();
	size_t i;

	json_array_foreach(from, i, field) {
		const char *transform = lk_metadata_text(field, "transform");
		int64_t source = lk_metadata_number(field, "source-id", 0);

		if (json_array_append_new(fields, json_pack("{s:I, s:s, s:o, s:s, s:I}", "field_id",
							  (json_int_t)lk_metadata_number(field, "field-id", 1000 + (int64_t)i), "name",
							  lk_metadata_text(field, "name"), "term", tell_term(t, transform, source),
							  "transform", transform, "source_id", (json_int_t)source)))
			return lk_error_nomem(err);
	}
	json_object_set_new(t->out, "partitions", json_pack("{s:I, s:o}", "spec_id", (json_int_t)spec_id, "fields", fields));
	return LK_OK;
}

static const json_t *find_order(const json_t *root, int64_t id)
{
	const json_t *order;
	size_t i;

	json_array_foreach(json_object_get(root, "sort-orders"), i, order)
		if (lk_metadata_number(order, "order-id", -1) == id)
			return order;
	return NULL;
}

static enum lk_status tell_order(struct telling *t, struct lk_error *err)
{
	int64_t id = lk_metadata_number(t->root, "default-sort-order-id", 0);
	const json_t *field;
	json_t *fields = json_array();
	size_t i;

	json_array_foreach(json_object_get(find_order(t->root, id), "fields"), i, field)
		if (json_array_append_new(fields,
			    json_pack("{s:o, s:s, s:s}", "term",
				    tell_term(t, lk_metadata_text(field, "transform"), lk_metadata_number(field, "source-id", 0)),
				    "direction", lk_metadata_text(field, "direction"), "null_order",
				    lk_metadata_text(field, "null-order"))))
			return lk_error_nomem(err);
	json_object_set_new(t->out, "sort", json_pack("{s:I, s:o}", "order_id", (json_int_t)id, "fields", fields));
	return LK_OK;
}

/* ---- the rest ---- */

static json_t *time_of(int64_t ms)
{
	char text[LK_VALUE_TEXT];

	lk_timestamp_text(ms * 1000, true, true, text);
	return json_string(text);
}

static json_t *number_or_null(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

/* The current snapshot with the totals of its summary, as far as it says them. */
static json_t *tell_snapshot(const json_t *root)
{
	const json_t *snapshot = lk_metadata_snapshot(root, lk_metadata_snapshot_id(root));

	if (!snapshot)
		return json_null();
	return json_pack("{s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)lk_metadata_snapshot_id(root), "time",
		time_of(lk_metadata_number(snapshot, "timestamp-ms", 0)), "operation",
		lk_metadata_text(json_object_get(snapshot, "summary"), "operation"), "rows",
		number_or_null(lk_summary_number(snapshot, "total-records")), "deleted",
		number_or_null(lk_summary_number(snapshot, "total-position-deletes")), "files",
		number_or_null(lk_summary_number(snapshot, "total-data-files")), "delete_files",
		number_or_null(lk_summary_number(snapshot, "total-delete-files")), "bytes",
		number_or_null(lk_summary_number(snapshot, "total-files-size")));
}

static json_t *copy_or_empty(const json_t *root, const char *key)
{
	const json_t *value = json_object_get(root, key);

	return json_is_object(value) ? json_deep_copy(value) : json_object();
}

static enum lk_status tell(struct telling *t, const char *table, const char *location, struct lk_error *err)
{
	const json_t *root = t->root;

	LK_TRY(lk_tree_make(&t->tree, lk_metadata_schema(root), err));
	t->out = json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:I}", "table", table, "format_version", lk_metadata_version(root),
		"uuid", lk_metadata_text(root, "table-uuid"), "location", lk_metadata_text(root, "location"), "metadata_location",
		location, "updated", time_of(lk_metadata_number(root, "last-updated-ms", 0)), "snapshot", tell_snapshot(root),
		"schema_id", (json_int_t)lk_metadata_number(lk_metadata_schema(root), "schema-id", 0));
	if (!t->out)
		return lk_error_nomem(err);
	LK_TRY(tell_columns(t, err));
	LK_TRY(tell_partitions(t, err));
	LK_TRY(tell_order(t, err));
	if (json_object_set_new(t->out, "properties", copy_or_empty(root, "properties")) ||
		json_object_set_new(t->out, "refs", copy_or_empty(root, "refs")))
		return lk_error_nomem(err);
	return LK_OK;
}

enum lk_status lk_table_describe(const char *table, const char *location, const json_t *root, json_t **out, struct lk_error *err)
{
	struct telling t = {.root = root};
	enum lk_status status = tell(&t, table, location, err);

	lk_tree_release(&t.tree);
	*out = t.out;
	if (status) {
		json_decref(t.out);
		*out = NULL;
	}
	return status;
}

/* ---- for people ---- */

static void line(struct lk_str *out, const char *what, const char *value)
{
	lk_str_addf(out, "%-11s ", what);
	lk_str_add_shown(out, value);
	lk_str_addc(out, '\n');
}

static void add_total(struct lk_str *out, const json_t *snapshot, const char *key, const char *word)
{
	if (lk_metadata_number(snapshot, key, 0))
		lk_str_addf(out, "%s%lld %s", out->len ? ", " : "", (long long)lk_metadata_number(snapshot, key, 0), word);
}

static void show_snapshot(struct lk_str *out, const json_t *snapshot)
{
	struct lk_str text = LK_STR_INIT;

	if (json_is_null(snapshot)) {
		line(out, "snapshot", "none yet");
		return;
	}
	lk_str_addf(&text, "%lld (%s) %s", (long long)lk_metadata_number(snapshot, "id", 0), lk_metadata_text(snapshot, "operation"),
		lk_metadata_text(snapshot, "time"));
	line(out, "snapshot", lk_str_text(&text));
	lk_str_clear(&text);
	add_total(&text, snapshot, "rows", "rows");
	add_total(&text, snapshot, "deleted", "deleted");
	add_total(&text, snapshot, "files", "files");
	add_total(&text, snapshot, "delete_files", "files of deletes");
	add_total(&text, snapshot, "bytes", "bytes");
	if (text.len)
		line(out, "holds", text.data);
	lk_str_release(&text);
}

static void show_partitions(struct lk_str *out, const json_t *partitions)
{
	struct lk_str text = LK_STR_INIT;
	const json_t *field;
	size_t i;

	json_array_foreach(json_object_get(partitions, "fields"), i, field) {
		lk_str_addf(&text, "%s%s", i ? ", " : "", lk_metadata_text(field, "term"));
		if (strcmp(lk_metadata_text(field, "term"), lk_metadata_text(field, "name")))
			lk_str_addf(&text, " as %s", lk_metadata_text(field, "name"));
	}
	line(out, "partitions", text.len ? text.data : "none");
	lk_str_release(&text);
}

static void show_order(struct lk_str *out, const json_t *sort)
{
	struct lk_str text = LK_STR_INIT;
	const json_t *field;
	size_t i;

	json_array_foreach(json_object_get(sort, "fields"), i, field)
		lk_str_addf(&text, "%s%s %s nulls %s", i ? ", " : "", lk_metadata_text(field, "term"),
			lk_metadata_text(field, "direction"),
			strcmp(lk_metadata_text(field, "null_order"), "nulls-last") ? "first" : "last");
	line(out, "sort", text.len ? text.data : "none");
	lk_str_release(&text);
}

static void show_refs(struct lk_str *out, const json_t *refs)
{
	struct lk_str text = LK_STR_INIT;
	const char *name;
	json_t *ref;

	json_object_foreach((json_t *)refs, name, ref) {
		lk_str_clear(&text);
		lk_str_addf(&text, "%s at %lld", name, (long long)lk_metadata_number(ref, "snapshot-id", 0));
		line(out, lk_metadata_text(ref, "type"), lk_str_text(&text));
	}
	lk_str_release(&text);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum lk_status show_properties(struct lk_str *out, const json_t *properties, struct lk_error *err)
{
	const char **names = calloc(json_object_size(properties) + 1, sizeof(*names)), *name;
	size_t count = 0;
	json_t *value;

	if (!names)
		return lk_error_nomem(err);
	json_object_foreach((json_t *)properties, name, value)
		names[count++] = name;
	qsort(names, count, sizeof(*names), by_name);
	lk_str_adds(out, count ? "\n" : "");
	for (size_t i = 0; i < count; i++) {
		lk_str_add_shown(out, names[i]);
		lk_str_adds(out, " = ");
		lk_str_add_shown(out, lk_metadata_text(properties, names[i]));
		lk_str_addc(out, '\n');
	}
	free(names);
	return LK_OK;
}

static enum lk_status put(FILE *f, struct lk_str *s, struct lk_error *err)
{
	LK_TRY(lk_str_check(s, err));
	fputs(lk_str_text(s), f);
	lk_str_clear(s);
	return LK_OK;
}

enum { ID, COLUMN, TYPE, REQUIRED, KEY, COMMENT };

static const struct lk_field column_fields[] = {
	{.name = "id", .type = LK_INT64, .required = true},
	{.name = "column", .type = LK_UTF8, .required = true},
	{.name = "type", .type = LK_UTF8, .required = true},
	{.name = "null", .type = LK_UTF8, .required = true},
	{.name = "key", .type = LK_UTF8, .required = true},
	{.name = "comment", .type = LK_UTF8, .required = true},
};

static enum lk_status fill_columns(struct lk_builder *b, const json_t *columns, struct lk_error *err)
{
	const json_t *c;
	size_t i;

	json_array_foreach(columns, i, c) {
		lk_column_int64(&b->columns[ID], lk_metadata_number(c, "id", 0));
		lk_column_text(&b->columns[COLUMN], lk_metadata_text(c, "column"));
		lk_column_text(&b->columns[TYPE], lk_metadata_text(c, "type"));
		lk_column_text(&b->columns[REQUIRED], json_is_true(json_object_get(c, "required")) ? "no" : "");
		lk_column_text(&b->columns[KEY], json_is_true(json_object_get(c, "key")) ? "yes" : "");
		lk_column_text(&b->columns[COMMENT], lk_metadata_text(c, "comment"));
		LK_TRY(lk_builder_end_row(b, err));
	}
	return lk_builder_check(b, err);
}

static enum lk_status show_columns(const json_t *columns, FILE *out, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	struct lk_builder b;
	enum lk_status status;

	LK_TRY(lk_builder_init(&b, column_fields, sizeof(column_fields) / sizeof(*column_fields), NULL, err));
	status = fill_columns(&b, columns, err);
	if (!status)
		status = lk_builder_view(&b, &view, err);
	if (!status)
		status = lk_format_all(LK_FORMAT_TABLE, out, &b.schema, view, err);
	lk_builder_release(&b);
	return status;
}

static enum lk_status show(const json_t *d, FILE *out, struct lk_str *s, struct lk_error *err)
{
	line(s, "table", lk_metadata_text(d, "table"));
	line(s, "location", lk_metadata_text(d, "location"));
	show_snapshot(s, json_object_get(d, "snapshot"));
	show_partitions(s, json_object_get(d, "partitions"));
	show_order(s, json_object_get(d, "sort"));
	show_refs(s, json_object_get(d, "refs"));
	lk_str_addc(s, '\n');
	LK_TRY(put(out, s, err));
	LK_TRY(show_columns(json_object_get(d, "columns"), out, err));
	LK_TRY(show_properties(s, json_object_get(d, "properties"), err));
	return put(out, s, err);
}

enum lk_status lk_table_describe_text(const json_t *description, FILE *out, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status = show(description, out, &s, err);

	lk_str_release(&s);
	return status;
}
