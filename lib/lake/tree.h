/*
 * The tree of a schema: every field, list element, map key and map value, found by its full name ("place.lat", "tags.element")
 * or by its id. It points into the JSON, and is made anew after a change.
 */
#ifndef LK_LAKE_TREE_H
#define LK_LAKE_TREE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

struct lk_tree_node {
	int64_t id;
	const char *path;     /* from the root, with dots; in the tree's arena */
	const char *name;     /* of a field; "element", "key" or "value" */
	json_t *holder;	      /* a field's object; for the others the list or map */
	json_t *siblings;     /* the fields among which a field stands; NULL for the others */
	const json_t *type;
	bool required;
	int parent; /* the node around it; -1: none */
};

struct lk_tree {
	struct lk_arena arena;
	struct lk_tree_node *nodes; /* depth first, so that what is inside of a node follows it */
	size_t count, cap;
	json_t *paths, *ids; /* to indexes */
};

/* LK_DATA for a schema that is not sound: no id, name or type, the same id or full name twice, nested too deep. */
enum lk_status lk_tree_make(struct lk_tree *tree, const json_t *schema, struct lk_error *err) LK_CHECKED;
void lk_tree_release(struct lk_tree *tree);

/* NULL when there is none. */
const struct lk_tree_node *lk_tree_find(const struct lk_tree *tree, const char *path);
const struct lk_tree_node *lk_tree_by_id(const struct lk_tree *tree, int64_t id);

const struct lk_tree_node *lk_tree_parent(const struct lk_tree *tree, const struct lk_tree_node *node);

/* Whether node is `outer` or stands somewhere inside of it. */
bool lk_tree_within(const struct lk_tree *tree, const struct lk_tree_node *node, const struct lk_tree_node *outer);

/* Whether a list or map is around it. */
bool lk_tree_repeated(const struct lk_tree *tree, const struct lk_tree_node *node);

/* Gives ids above *last to what is inside of a type (a schema's "struct" too), struct by struct as Java does: first all fields,
 * then what is inside of each. */
enum lk_status lk_tree_number(json_t *type, int64_t *last, struct lk_error *err) LK_CHECKED;

/* The highest id in use. */
int64_t lk_tree_last_id(const struct lk_tree *tree);

#endif
