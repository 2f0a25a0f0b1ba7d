#include "lake/table_layout.h"

#include <string.h>

#include "lake/evolve.h"
#include "lake/metadata.h"
#include "stream/side.h"

static enum lk_status wrong(struct lk_error *err)
{
	lk_error_prefix(err, LK_META_PARTITION);
	err->status = LK_DATA;
	return LK_DATA;
}

static enum lk_status add_terms(json_t *root, const json_t *list, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	struct lk_evolve e;
	json_t *item;
	size_t i;

	status = lk_evolve_begin(&e, root, err);
	json_array_foreach(list, i, item) {
		struct lk_term term = {LK_STR_INIT};

		if (!status)
			status = lk_term_parse(json_is_string(item) ? json_string_value(item) : "", &term, err);
		if (!status)
			status = lk_evolve_add_partition(&e, &term, NULL, err);
		lk_term_release(&term);
	}
	if (!status)
		status = lk_evolve_finish(&e, err);
	lk_evolve_release(&e);
	return status;
}

/* The spec without fields, by which no file was ever written, is not kept: a new table has one spec, number 0. */
static enum lk_status keep_one_spec(json_t *root, struct lk_error *err)
{
	json_t *spec = json_incref(lk_metadata_spec(root));
	bool failed = !spec || json_object_set_new(spec, "spec-id", json_integer(0)) ||
		      json_object_set_new(root, "default-spec-id", json_integer(0)) ||
		      json_object_set_new(root, "partition-specs", json_pack("[O]", spec));

	json_decref(spec);
	return failed ? lk_error_nomem(err) : LK_OK;
}

enum lk_status lk_table_layout_new(json_t *root, struct lk_error *err)
{
	const char *text = lk_metadata_property(root, LK_META_PARTITION);
	json_t *list = text ? json_loads(text, 0, NULL) : NULL;
	enum lk_status status;

	if (!text)
		return LK_OK;
	if (!json_is_array(list)) {
		json_decref(list);
		return lk_error_set(err, LK_DATA, LK_META_PARTITION ": '%s' is no list of columns or transforms of them", text);
	}
	status = add_terms(root, list, err);
	json_decref(list);
	if (status)
		return status != LK_MISSING ? wrong(err) : status;
	return keep_one_spec(root, err);
}

/* ---- of a target ---- */

/* The base as it will be with the target's columns: a shallow copy. */
static json_t *changed_root(const struct lk_target *t)
{
	json_t *root = json_copy(t->base), *schemas = json_copy(json_object_get(t->base, "schemas"));
	json_t *schema = json_copy(t->schema);
	int64_t id = lk_metadata_next_schema_id(t->base);

	if (root && schemas && schema && !json_object_set_new(schema, "schema-id", json_integer(id)) &&
		!json_array_append(schemas, schema) && !json_object_set(root, "schemas", schemas) &&
		!json_object_set_new(root, "current-schema-id", json_integer(id))) {
		json_decref(schemas);
		json_decref(schema);
		return root;
	}
	json_decref(root);
	json_decref(schemas);
	json_decref(schema);
	return NULL;
}

static enum lk_status new_root(const struct lk_target *t, json_t **root, struct lk_error *err)
{
	*root = lk_metadata_new("", "", t->schema, t->last_column_id, t->properties);
	return *root ? lk_table_layout_new(*root, err) : lk_error_nomem(err);
}

static enum lk_status read_layout(const json_t *root, struct lk_arena *arena, struct lk_partition_spec **spec,
	struct lk_sort_order **order, struct lk_error *err)
{
	LK_TRY(lk_partition_spec_read(root, lk_metadata_number(root, "default-spec-id", 0), arena, spec, err));
	LK_TRY(lk_partition_spec_check(*spec, err));
	return lk_sort_order_read(root, arena, order, err);
}

enum lk_status lk_table_layout_read(const struct lk_target *t, struct lk_arena *arena, struct lk_partition_spec **spec,
	struct lk_sort_order **order, struct lk_error *err)
{
	json_t *root = NULL;
	enum lk_status status = LK_OK;

	if (!t->base)
		status = new_root(t, &root, err);
	else if (!(root = t->schema_changed ? changed_root(t) : json_incref(t->base)))
		status = lk_error_nomem(err);
	if (!status)
		status = read_layout(root, arena, spec, order, err);
	json_decref(root);
	return status;
}

bool lk_table_layout_same(const struct lk_target *t, const json_t *made)
{
	struct lk_error ignored;
	json_t *root = NULL;
	bool same = !new_root(t, &root, &ignored);
	const json_t *ours = same ? lk_metadata_spec(root) : NULL;

	same = same && json_equal(json_object_get(ours, "fields"),
			       json_object_get(lk_metadata_spec_of(made, lk_metadata_number(ours, "spec-id", 0)), "fields"));
	json_decref(root);
	return same;
}

const json_t *lk_table_layout_properties(const struct lk_target *t)
{
	return t->base ? json_object_get(t->base, "properties") : t->properties;
}
