#include "lake/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "lake/metadata.h"
#include "lake/schema_text.h"

#define ID_TEXT 24

static enum lk_status unsound(const char *path, const char *what, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "its schema is not sound: '%s' %s", path, what);
}

static enum lk_status walk_type(struct lk_tree *t, json_t *type, int parent, int depth, struct lk_error *err);

static bool enter(json_t *map, const char *key, size_t index, bool *twice)
{
	*twice = json_object_get(map, key);
	return !json_object_set_new(map, key, json_integer((json_int_t)index));
}

static enum lk_status add_node(struct lk_tree *t, struct lk_tree_node node, int depth, struct lk_error *err)
{
	const char *outer = node.parent < 0 ? NULL : t->nodes[node.parent].path;
	char number[ID_TEXT];
	bool twice;

	node.path = lk_arena_printf(&t->arena, "%s%s%s", outer ? outer : "", outer ? "." : "", node.name);
	if (!node.path || !lk_grow((void **)&t->nodes, &t->cap, t->count + 1, sizeof(*t->nodes)))
		return lk_error_nomem(err);
	if (node.id < 1 || node.id > INT32_MAX)
		return unsound(node.path, "has no id", err);
	if (t->count == LK_SCHEMA_COLUMNS_MAX)
		return lk_error_set(err, LK_DATA, "its schema has more than %d columns", LK_SCHEMA_COLUMNS_MAX);
	t->nodes[t->count++] = node;
	if (!enter(t->paths, node.path, t->count - 1, &twice))
		return lk_error_nomem(err);
	if (twice)
		return unsound(node.path, "is there twice", err);
	snprintf(number, sizeof(number), "%" PRId64, node.id);
	if (!enter(t->ids, number, t->count - 1, &twice))
		return lk_error_nomem(err);
	if (twice)
		return unsound(node.path, "has the id of another column", err);
	return walk_type(t, (json_t *)node.type, (int)t->count - 1, depth, err);
}

static enum lk_status walk_fields(struct lk_tree *t, json_t *fields, int parent, int depth, struct lk_error *err)
{
	json_t *field;
	size_t i;

	json_array_foreach(fields, i, field) {
		const char *name = json_string_value(json_object_get(field, "name"));

		if (!name)
			return unsound(parent < 0 ? "" : t->nodes[parent].path, "has a field without a name", err);
		LK_TRY(add_node(t,
			(struct lk_tree_node){.id = lk_metadata_number(field, "id", 0), .name = name, .holder = field,
				.siblings = fields, .type = json_object_get(field, "type"),
				.required = json_is_true(json_object_get(field, "required")), .parent = parent},
			depth, err));
	}
	return LK_OK;
}

/* The element of a list, the key or the value of a map. */
static enum lk_status walk_part(struct lk_tree *t, json_t *type, const char *part, int parent, int depth,
	struct lk_error *err)
{
	char id[16], required[24];

	snprintf(id, sizeof(id), "%s-id", part);
	snprintf(required, sizeof(required), "%s-required", part);
	return add_node(t,
		(struct lk_tree_node){.id = lk_metadata_number(type, id, 0), .name = part, .holder = type,
			.type = json_object_get(type, part), .parent = parent,
			.required = !strcmp(part, "key") || json_is_true(json_object_get(type, required))},
		depth, err);
}

static enum lk_status walk_type(struct lk_tree *t, json_t *type, int parent, int depth, struct lk_error *err)
{
	const char *kind = lk_metadata_text(type, "type"), *path = parent < 0 ? "" : t->nodes[parent].path;

	if (json_is_string(type))
		return LK_OK;
	if (depth > LK_SCHEMA_DEPTH)
		return unsound(path, "is nested too deep", err);
	if (!strcmp(kind, "struct") && json_is_array(json_object_get(type, "fields")))
		return walk_fields(t, json_object_get(type, "fields"), parent, depth + 1, err);
	if (!strcmp(kind, "list"))
		return walk_part(t, type, "element", parent, depth + 1, err);
	if (strcmp(kind, "map"))
		return unsound(path, "has no type", err);
	LK_TRY(walk_part(t, type, "key", parent, depth + 1, err));
	return walk_part(t, type, "value", parent, depth + 1, err);
}

enum lk_status lk_tree_make(struct lk_tree *tree, const json_t *schema, struct lk_error *err)
{
	enum lk_status status;

	*tree = (struct lk_tree){.arena = LK_ARENA_INIT, .paths = json_object(), .ids = json_object()};
	status = tree->paths && tree->ids ? LK_OK : lk_error_nomem(err);
	if (!status)
		status = walk_fields(tree, json_object_get(schema, "fields"), -1, 0, err);
	if (status)
		lk_tree_release(tree);
	return status;
}

void lk_tree_release(struct lk_tree *tree)
{
	lk_arena_release(&tree->arena);
	free(tree->nodes);
	json_decref(tree->paths);
	json_decref(tree->ids);
	*tree = (struct lk_tree){.arena = LK_ARENA_INIT};
}

static const struct lk_tree_node *node_at(const struct lk_tree *tree, const json_t *index)
{
	return index ? &tree->nodes[json_integer_value(index)] : NULL;
}

const struct lk_tree_node *lk_tree_find(const struct lk_tree *tree, const char *path)
{
	return node_at(tree, json_object_get(tree->paths, path));
}

const struct lk_tree_node *lk_tree_by_id(const struct lk_tree *tree, int64_t id)
{
	char number[ID_TEXT];

	snprintf(number, sizeof(number), "%" PRId64, id);
	return node_at(tree, json_object_get(tree->ids, number));
}

const struct lk_tree_node *lk_tree_parent(const struct lk_tree *tree, const struct lk_tree_node *node)
{
	return node->parent < 0 ? NULL : &tree->nodes[node->parent];
}

bool lk_tree_within(const struct lk_tree *tree, const struct lk_tree_node *node, const struct lk_tree_node *outer)
{
	while (node && node != outer)
		node = lk_tree_parent(tree, node);
	return node;
}

bool lk_tree_repeated(const struct lk_tree *tree, const struct lk_tree_node *node)
{
	while (node && node->siblings)
		node = lk_tree_parent(tree, node);
	return node;
}

int64_t lk_tree_last_id(const struct lk_tree *tree)
{
	int64_t last = 0;

	for (size_t i = 0; i < tree->count; i++)
		last = tree->nodes[i].id > last ? tree->nodes[i].id : last;
	return last;
}

static bool give(json_t *object, const char *key, int64_t *last)
{
	return !json_object_set_new(object, key, json_integer(++*last));
}

static bool number(json_t *type, int64_t *last, int depth)
{
	const char *kind = lk_metadata_text(type, "type");
	json_t *fields = json_object_get(type, "fields"), *field;
	size_t i;

	if (json_is_string(type) || depth > LK_SCHEMA_DEPTH)
		return true;
	if (!strcmp(kind, "list"))
		return give(type, "element-id", last) && number(json_object_get(type, "element"), last, depth + 1);
	if (!strcmp(kind, "map"))
		return give(type, "key-id", last) && give(type, "value-id", last) &&
		       number(json_object_get(type, "key"), last, depth + 1) &&
		       number(json_object_get(type, "value"), last, depth + 1);
	json_array_foreach(fields, i, field)
		if (!give(field, "id", last))
			return false;
	json_array_foreach(fields, i, field)
		if (!number(json_object_get(field, "type"), last, depth + 1))
			return false;
	return true;
}

enum lk_status lk_tree_number(json_t *type, int64_t *last, struct lk_error *err)
{
	return number(type, last, 0) ? LK_OK : lk_error_nomem(err);
}
