/*
 * What must stand around a record for it to be read by itself as it was in its text (lk-parse --replay; private to lib/source).
 *
 *	text:     {"id": 1, "name": [{"family": "A"}, {"family": "B"}], "sex": "f"}
 *	context:  {"id": 1,"sex": "f","name":[null,
 *	record:   {"family": "B"}
 *	closed:   ]}
 *
 * All members of the objects around it stay, but those that it is in. Elements before it are null, and so no records, where
 * something goes by which element it is (`0#`, or a number in the record's path); else they are left out: a long array would be
 * told again for each of its elements.
 */
#ifndef LK_SOURCE_JSON_CONTEXT_H
#define LK_SOURCE_JSON_CONTEXT_H

#include "source/json_path.h"

/* Whether a path from a record at `record` (or, unless it is relative, from the text) sees no more of it than its context has. */
bool lk_json_context_holds(const struct lk_json_path *record, const struct lk_json_path *path);
/* Sets what of the path to a record is to be counted for a path from it. */
void lk_json_context_count(const struct lk_json_path *record, const struct lk_json_path *path, bool counted[LK_JSON_TOKENS]);
/* Adds the context of a node that is not the whole text. counted: by token of the path to it. */
void lk_json_context_add(const struct lk_json *j, const struct lk_json_node *node, const bool counted[LK_JSON_TOKENS],
	struct lk_str *out);
/* Adds what closes the brackets that are open in a context. */
void lk_json_context_close(const char *context, size_t len, struct lk_str *out);

#endif
