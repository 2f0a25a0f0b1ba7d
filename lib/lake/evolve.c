#include "lake/evolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "lake/metadata.h"
#include "lake/schema_text.h"

#define COLUMN_ID_MAX 2000000000 /* Iceberg keeps those near INT32_MAX for itself */

/* ---- beginning ---- */

static enum lk_status look(struct lk_evolve *e, struct lk_error *err)
{
	lk_tree_release(&e->tree);
	return lk_tree_make(&e->tree, e->schema, err);
}

/* Other engines' metadata may have given out more ids than last-column-id says. */
static int64_t last_id(const json_t *root, const struct lk_tree *tree)
{
	int64_t said = lk_metadata_number(root, "last-column-id", 0), used = lk_tree_last_id(tree);

	return said > used ? said : used;
}

static json_t *current_order(const json_t *root)
{
	int64_t id = lk_metadata_number(root, "default-sort-order-id", 0);
	json_t *order;
	size_t i;

	json_array_foreach(json_object_get(root, "sort-orders"), i, order)
		if (lk_metadata_number(order, "order-id", 0) == id)
			return order;
	return NULL;
}

static json_t *copy_fields(const json_t *object)
{
	const json_t *fields = json_object_get(object, "fields");

	return fields ? json_deep_copy(fields) : json_array();
}

static enum lk_status begin(struct lk_evolve *e, struct lk_error *err)
{
	if (lk_metadata_version(e->root) != 2)
		return lk_error_set(err, LK_MISSING, "it is of Iceberg format v%d; lk changes tables of v2",
			lk_metadata_version(e->root));
	e->schema = json_deep_copy(lk_metadata_schema(e->root));
	e->spec = copy_fields(lk_metadata_spec(e->root));
	e->order = copy_fields(current_order(e->root));
	if (!e->schema || !e->spec || !e->order)
		return lk_error_nomem(err);
	LK_TRY(look(e, err));
	e->last_column_id = last_id(e->root, &e->tree);
	e->first_new_id = e->last_column_id + 1;
	return LK_OK;
}

enum lk_status lk_evolve_begin(struct lk_evolve *e, json_t *root, struct lk_error *err)
{
	enum lk_status status;

	*e = (struct lk_evolve){.root = root, .tree = {.arena = LK_ARENA_INIT}};
	status = begin(e, err);
	if (status)
		lk_evolve_release(e);
	return status;
}

void lk_evolve_release(struct lk_evolve *e)
{
	lk_tree_release(&e->tree);
	json_decref(e->schema);
	json_decref(e->spec);
	json_decref(e->order);
	free(e->used);
	*e = (struct lk_evolve){.tree = {.arena = LK_ARENA_INIT}};
}

/* ---- finding ---- */

static enum lk_status no_column(const struct lk_evolve *e, const char *path, struct lk_error *err)
{
	for (size_t i = 0; i < e->tree.count; i++)
		if (!strcasecmp(e->tree.nodes[i].path, path))
			return lk_error_set(err, LK_DATA, "there is no column '%s', but '%s'", path, e->tree.nodes[i].path);
	return lk_error_set(err, LK_DATA, "there is no column '%s'", path);
}

enum lk_status lk_evolve_find(struct lk_evolve *e, const char *path, const struct lk_tree_node **node, struct lk_error *err)
{
	*node = lk_tree_find(&e->tree, path);
	if (!*node)
		return no_column(e, path, err);
	if (!lk_grow((void **)&e->used, &e->used_cap, e->used_count + 1, sizeof(*e->used)))
		return lk_error_nomem(err);
	e->used[e->used_count++] = (*node)->id < e->first_new_id ? (*node)->id : 0;
	return LK_OK;
}

/* A column to be changed. Maps find their values by their keys, so that these stay as they are. */
static enum lk_status find_column(struct lk_evolve *e, const char *path, const struct lk_tree_node **node, struct lk_error *err)
{
	LK_TRY(lk_evolve_find(e, path, node, err));
	for (const struct lk_tree_node *n = *node; n; n = lk_tree_parent(&e->tree, n))
		if (!n->siblings && !strcmp(n->name, "key"))
			return lk_error_set(err, LK_DATA, "'%s' is a map's key, which stays as it is", path);
	return LK_OK;
}

/* A field of a struct, and not what a list or map holds. */
static enum lk_status find_field(struct lk_evolve *e, const char *path, const struct lk_tree_node **node, struct lk_error *err)
{
	LK_TRY(find_column(e, path, node, err));
	if (!(*node)->siblings)
		return lk_error_set(err, LK_DATA, "'%s' is no column but what the column around it is made of", path);
	return LK_OK;
}

/* Names in one struct must differ, and not in case only: many engines fold it. */
static enum lk_status check_name(const json_t *siblings, const json_t *self, const char *name, struct lk_error *err)
{
	json_t *field;
	size_t i;

	if (!*name || !lk_utf8_valid(name, strlen(name)))
		return lk_error_set(err, LK_DATA, "a column's name must not be empty, and is UTF-8");
	json_array_foreach(siblings, i, field) {
		const char *other = lk_metadata_text(field, "name");

		if (field != self && !strcmp(other, name))
			return lk_error_set(err, LK_DATA, "there is a column '%s' already", name);
		if (field != self && !strcasecmp(other, name))
			return lk_error_set(err, LK_DATA, "there is a column '%s' already, and '%s' differs in case only", other,
				name);
	}
	return LK_OK;
}

static enum lk_status find_sibling(const json_t *siblings, const char *name, size_t *index, struct lk_error *err)
{
	json_t *field;
	size_t i;

	json_array_foreach(siblings, i, field)
		if (!strcmp(lk_metadata_text(field, "name"), name)) {
			*index = i;
			return LK_OK;
		}
	return lk_error_set(err, LK_DATA, "there is no column '%s' beside it", name);
}

/* Puts a field, of which the caller holds a reference, where it is to stand. */
static enum lk_status insert(json_t *siblings, json_t *field, const struct lk_column_place *place, struct lk_error *err)
{
	size_t at = json_array_size(siblings);

	if (place->where == LK_PLACE_FIRST)
		at = 0;
	if (place->where == LK_PLACE_AFTER || place->where == LK_PLACE_BEFORE) {
		LK_TRY(find_sibling(siblings, place->sibling, &at, err));
		at += place->where == LK_PLACE_AFTER;
	}
	return json_array_insert(siblings, at, field) ? lk_error_nomem(err) : LK_OK;
}

/* ---- columns ---- */

/* The fields of a struct, or of the structs that a list or map holds. */
static enum lk_status find_struct(struct lk_evolve *e, const char *path, json_t **fields, struct lk_error *err)
{
	const struct lk_tree_node *node;
	const json_t *type;

	LK_TRY(find_column(e, path, &node, err));
	type = node->type;
	if (json_object_get(type, "element"))
		type = json_object_get(type, "element");
	else if (json_object_get(type, "value"))
		type = json_object_get(type, "value");
	*fields = json_object_get(type, "fields");
	if (!*fields)
		return lk_error_set(err, LK_DATA, "'%s' is no struct that a column could be added to", path);
	return LK_OK;
}

static enum lk_status number_field(struct lk_evolve *e, json_t *field, struct lk_error *err)
{
	if (json_object_set_new(field, "id", json_integer(++e->last_column_id)))
		return lk_error_nomem(err);
	LK_TRY(lk_tree_number(json_object_get(field, "type"), &e->last_column_id, err));
	if (e->last_column_id > COLUMN_ID_MAX)
		return lk_error_set(err, LK_DATA, "its column ids are used up");
	return LK_OK;
}

enum lk_status lk_evolve_add_column(struct lk_evolve *e, const char *parent, const json_t *field, const struct lk_column_place *place,
	struct lk_error *err)
{
	const char *name = lk_metadata_text(field, "name");
	json_t *siblings = json_object_get(e->schema, "fields"), *copy;
	enum lk_status status;

	if (parent)
		LK_TRY(find_struct(e, parent, &siblings, err));
	if (json_is_true(json_object_get(field, "required")))
		return lk_error_set(err, LK_DATA, "column '%s' cannot be required: rows that are there have no value for it", name);
	LK_TRY(check_name(siblings, NULL, name, err));
	copy = json_deep_copy(field);
	if (!copy)
		return lk_error_nomem(err);
	status = number_field(e, copy, err);
	if (!status)
		status = insert(siblings, copy, place, err);
	json_decref(copy);
	return status ? status : look(e, err);
}

/* Whether fields of a spec or a sort order are made of a column, or of one inside of it. */
static bool is_source(const struct lk_evolve *e, const json_t *fields, const struct lk_tree_node *outer)
{
	json_t *field;
	size_t i;

	json_array_foreach(fields, i, field) {
		const struct lk_tree_node *source = lk_tree_by_id(&e->tree, lk_metadata_number(field, "source-id", 0));

		if (source && lk_tree_within(&e->tree, source, outer) && strcmp(lk_metadata_text(field, "transform"), "void"))
			return true;
	}
	return false;
}

static bool identifies(const struct lk_evolve *e, const struct lk_tree_node *outer)
{
	json_t *id;
	size_t i;

	json_array_foreach(json_object_get(e->schema, "identifier-field-ids"), i, id) {
		const struct lk_tree_node *node = lk_tree_by_id(&e->tree, json_integer_value(id));

		if (node && lk_tree_within(&e->tree, node, outer))
			return true;
	}
	return false;
}

/* Java would not load a table with a spec, even one of old, whose column is gone. */
static enum lk_status check_unused(const struct lk_evolve *e, const struct lk_tree_node *node, struct lk_error *err)
{
	json_t *spec;
	size_t i;

	if (identifies(e, node))
		return lk_error_set(err, LK_DATA, "column '%s' is part of the key", node->path);
	if (is_source(e, e->spec, node))
		return lk_error_set(err, LK_DATA, "the table is partitioned by column '%s'", node->path);
	if (is_source(e, e->order, node))
		return lk_error_set(err, LK_DATA, "the table is sorted by column '%s'", node->path);
	json_array_foreach(json_object_get(e->root, "partition-specs"), i, spec)
		if (is_source(e, json_object_get(spec, "fields"), node))
			return lk_error_set(err, LK_DATA, "the table was partitioned by column '%s', and its spec %lld is still kept",
				node->path, (long long)lk_metadata_number(spec, "spec-id", 0));
	return LK_OK;
}

enum lk_status lk_evolve_drop_column(struct lk_evolve *e, const char *path, struct lk_error *err)
{
	const struct lk_tree_node *node;
	json_t *field;
	size_t i;

	LK_TRY(find_field(e, path, &node, err));
	LK_TRY(check_unused(e, node, err));
	if (json_array_size(node->siblings) == 1)
		return lk_error_set(err, LK_DATA, "column '%s' is the only one %s", path, node->parent < 0 ? "of the table" : "there");
	json_array_foreach(node->siblings, i, field)
		if (field == node->holder)
			break;
	json_array_remove(node->siblings, i);
	return look(e, err);
}

enum lk_status lk_evolve_rename_column(struct lk_evolve *e, const char *path, const char *name, struct lk_error *err)
{
	const struct lk_tree_node *node;

	LK_TRY(find_field(e, path, &node, err));
	LK_TRY(check_name(node->siblings, node->holder, name, err));
	if (json_object_set_new(node->holder, "name", json_string(name)))
		return lk_error_nomem(err);
	return look(e, err);
}

enum lk_status lk_evolve_move_column(struct lk_evolve *e, const char *path, const struct lk_column_place *place, struct lk_error *err)
{
	const struct lk_tree_node *node;
	enum lk_status status;
	json_t *field;
	size_t i;

	LK_TRY(find_field(e, path, &node, err));
	if (place->sibling && !strcmp(place->sibling, node->name))
		return lk_error_set(err, LK_DATA, "column '%s' cannot stand beside itself", path);
	if (place->sibling)
		LK_TRY(find_sibling(node->siblings, place->sibling, &i, err));
	json_array_foreach(node->siblings, i, field)
		if (field == node->holder)
			break;
	json_incref(node->holder);
	json_array_remove(node->siblings, i);
	status = insert(node->siblings, node->holder, place, err);
	json_decref(node->holder);
	return status ? status : look(e, err);
}

/* "decimal(9, 2)" in its parts. */
static bool read_decimal(const char *word, int *precision, int *scale)
{
	int end = 0;

	return sscanf(word, "decimal ( %d , %d ) %n", precision, scale, &end) == 2 && end && !word[end];
}

static bool may_widen(const char *from, const char *to)
{
	int p, s, p2, s2;

	if (!strcmp(from, "int") && !strcmp(to, "long"))
		return true;
	if (!strcmp(from, "float") && !strcmp(to, "double"))
		return true;
	return read_decimal(from, &p, &s) && read_decimal(to, &p2, &s2) && s == s2 && p2 > p && p2 <= 38;
}

static bool same_type(const json_t *a, const json_t *b)
{
	int p, s, p2, s2;

	if (json_equal((json_t *)a, (json_t *)b))
		return true;
	return json_is_string(a) && json_is_string(b) && read_decimal(json_string_value(a), &p, &s) &&
	       read_decimal(json_string_value(b), &p2, &s2) && p == p2 && s == s2;
}

static enum lk_status no_widening(const struct lk_tree_node *node, const json_t *type, struct lk_error *err)
{
	struct lk_str from = LK_STR_INIT, to = LK_STR_INIT;

	lk_schema_write_type(node->type, &from);
	lk_schema_write_type(type, &to);
	lk_error_set(err, LK_DATA,
		"column '%s' is %s and cannot become %s: only int becomes long, float double, and a decimal gets more digits before "
		"the point",
		node->path, lk_str_text(&from), lk_str_text(&to));
	lk_str_release(&from);
	lk_str_release(&to);
	return LK_DATA;
}

enum lk_status lk_evolve_widen_column(struct lk_evolve *e, const char *path, const json_t *type, struct lk_error *err)
{
	const struct lk_tree_node *node;
	const char *from, *to = json_string_value(type);

	LK_TRY(find_column(e, path, &node, err));
	from = json_string_value(node->type);
	if (same_type(node->type, type))
		return LK_OK;
	if (!from || !to || !may_widen(from, to))
		return no_widening(node, type, err);
	if (json_object_set_new(node->holder, node->siblings ? "type" : node->name, json_string(to)))
		return lk_error_nomem(err);
	return look(e, err);
}

enum lk_status lk_evolve_comment_column(struct lk_evolve *e, const char *path, const char *doc, struct lk_error *err)
{
	const struct lk_tree_node *node;

	LK_TRY(find_field(e, path, &node, err));
	if (!doc || !*doc)
		json_object_del(node->holder, "doc");
	else if (json_object_set_new(node->holder, "doc", json_string(doc)))
		return lk_error_set(err, LK_DATA, "the comment of column '%s' is not UTF-8", path);
	return LK_OK;
}

enum lk_status lk_evolve_make_optional(struct lk_evolve *e, const char *path, struct lk_error *err)
{
	const struct lk_tree_node *node;
	char key[24];

	LK_TRY(find_column(e, path, &node, err));
	if (identifies(e, node))
		return lk_error_set(err, LK_DATA, "column '%s' is part of the key, which is never null", path);
	snprintf(key, sizeof(key), "%s-required", node->name);
	if (json_object_set_new(node->holder, node->siblings ? "required" : key, json_false()))
		return lk_error_nomem(err);
	return look(e, err);
}

/* ---- the key ---- */

static enum lk_status check_key(const struct lk_evolve *e, const struct lk_tree_node *node, struct lk_error *err)
{
	const char *type = json_string_value(node->type), *what = NULL;

	if (!type)
		what = "it is nested";
	else if (!strcmp(type, "float") || !strcmp(type, "double"))
		what = "floating point does not identify";
	else if (lk_tree_repeated(&e->tree, node))
		what = "it is inside of a list or map";
	for (const struct lk_tree_node *n = node; n && !what; n = lk_tree_parent(&e->tree, n))
		if (!n->required)
			what = n == node ? "it may be null" : "what is around it may be null";
	return what ? lk_error_set(err, LK_DATA, "column '%s' cannot be part of the key: %s", node->path, what) : LK_OK;
}

static enum lk_status add_keys(struct lk_evolve *e, const char *const *paths, size_t count, json_t *ids, struct lk_error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct lk_tree_node *node;

		LK_TRY(lk_evolve_find(e, paths[i], &node, err));
		LK_TRY(check_key(e, node, err));
		for (size_t k = 0; k < json_array_size(ids); k++)
			if (json_integer_value(json_array_get(ids, k)) == node->id)
				return lk_error_set(err, LK_DATA, "column '%s' is in the key twice", paths[i]);
		if (json_array_append_new(ids, json_integer(node->id)))
			return lk_error_nomem(err);
	}
	return LK_OK;
}

enum lk_status lk_evolve_key_by(struct lk_evolve *e, const char *const *paths, size_t count, struct lk_error *err)
{
	json_t *ids = json_array();
	enum lk_status status = ids ? add_keys(e, paths, count, ids, err) : lk_error_nomem(err);

	if (!status && !count)
		json_object_del(e->schema, "identifier-field-ids");
	else if (!status && json_object_set(e->schema, "identifier-field-ids", ids))
		status = lk_error_nomem(err);
	json_decref(ids);
	return status;
}

/* ---- the end ---- */

static bool has_id(const json_t *ids, int64_t id)
{
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (json_integer_value(json_array_get(ids, i)) == id)
			return true;
	return false;
}

static bool same_ids(const json_t *a, const json_t *b)
{
	for (size_t i = 0; i < json_array_size(a); i++)
		if (!has_id(b, json_integer_value(json_array_get(a, i))))
			return false;
	return json_array_size(a) == json_array_size(b);
}

/* Whether two schemas differ in their number at most. */
static bool same_schema(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "fields"), json_object_get(b, "fields")) &&
	       same_ids(json_object_get(a, "identifier-field-ids"), json_object_get(b, "identifier-field-ids"));
}

static enum lk_status finish_schema(struct lk_evolve *e, struct lk_error *err)
{
	json_t *schema;
	size_t i;

	json_array_foreach(json_object_get(e->root, "schemas"), i, schema)
		if (same_schema(schema, e->schema)) {
			if (json_object_set(e->root, "current-schema-id", json_object_get(schema, "schema-id")) ||
				json_object_set_new(e->root, "last-column-id", json_integer(e->last_column_id)))
				return lk_error_nomem(err);
			return LK_OK;
		}
	return lk_metadata_add_schema(e->root, e->schema, e->last_column_id, err);
}

static enum lk_status finish(struct lk_evolve *e, const json_t *before, struct lk_error *err)
{
	bool same = same_schema(before, e->schema);

	if (!same)
		LK_TRY(lk_evolve_finish_names(e, before, err));
	LK_TRY(lk_evolve_finish_layout(e, err));
	if (same)
		return LK_OK;
	LK_TRY(lk_evolve_check_specs(e, err));
	return finish_schema(e, err);
}

enum lk_status lk_evolve_finish(struct lk_evolve *e, struct lk_error *err)
{
	json_t *before = json_incref(lk_metadata_schema(e->root));
	enum lk_status status = finish(e, before, err);

	json_decref(before);
	return status;
}
