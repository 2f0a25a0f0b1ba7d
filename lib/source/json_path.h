/*
 * Paths into JSON: JSON Pointers (RFC 6901) and Relative JSON Pointers with `*` for all elements of an array (private to
 * lib/source).
 *
 *	/name/0/family	down from the record
 *	/name/0/given/X	all of them, X being the character *
 *	2/id		two levels out of the record, then down
 *	0#		which element of its array the record is, from 0; which member of its object, by name
 *	(nothing)	the record itself
 */
#ifndef LK_SOURCE_JSON_PATH_H
#define LK_SOURCE_JSON_PATH_H

#include "base/mem.h"
#include "source/convert.h"
#include "source/json_text.h"

#define LK_JSON_TOKENS 64

struct lk_json_path {
	bool relative;
	uint32_t up;  /* levels */
	bool place;   /* `#`: not the value, but where it stands */
	struct lk_text *tokens;
	bool *stars; /* by token */
	int count;
};

/* Compiles a path into the arena; *problem says what is wrong with one (NULL: out of memory). */
bool lk_json_path_compile(struct lk_arena *arena, const char *text, struct lk_json_path *path, const char **problem);
/* The path that is one member of the record. */
bool lk_json_path_member(struct lk_arena *arena, const char *name, struct lk_json_path *path);

/* Calls take with every node that the path yields from a node, in the order of the text, until it returns false. Returns false
 * then. */
typedef bool lk_json_take(void *arg, const struct lk_json_node *node);
bool lk_json_path_walk(struct lk_json *j, const struct lk_json_path *path, const struct lk_json_node *from, lk_json_take *take,
	void *arg);
/* The first such node, or NULL. */
const struct lk_json_node *lk_json_path_first(struct lk_json *j, const struct lk_json_path *path, const struct lk_json_node *from);

#endif
