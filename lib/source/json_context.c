#include "source/json_context.h"

#include <string.h>

bool lk_json_context_holds(const struct lk_json_path *record, const struct lk_json_path *path)
{
	uint32_t depth = (uint32_t)record->count, up = path->relative ? path->up : depth;
	const struct lk_text *into;

	if (!up || up > depth || path->place)
		return true;
	if (!path->count)
		return false; /* all of it */
	into = &record->tokens[depth - up];
	if (record->stars[depth - up] || (into->len && *into->data >= '0' && *into->data <= '9'))
		return false; /* other elements */
	return path->tokens[0].len != into->len || memcmp(path->tokens[0].data, into->data, into->len) != 0;
}

void lk_json_context_count(const struct lk_json_path *record, const struct lk_json_path *path, bool counted[LK_JSON_TOKENS])
{
	if (path->relative && path->place && path->up < (uint32_t)record->count)
		counted[(uint32_t)record->count - 1 - path->up] = true;
}

/* The members of an object but one; with a comma behind each. */
static void add_others(const struct lk_json *j, const struct lk_json_node *object, uint32_t but, struct lk_str *out)
{
	const struct lk_json_node *key = object + 1;

	for (uint32_t i = 0; i < object->count; i++, key = &j->nodes[key[1].next]) {
		size_t quote = key[1].type == LK_JSON_STRING;

		if (lk_json_id(j, key) == but)
			continue;
		lk_str_add(out, j->text + key->start - 1, key[1].end + quote - key->start + 1);
		lk_str_addc(out, ',');
	}
}

void lk_json_context_add(const struct lk_json *j, const struct lk_json_node *node, const bool counted[LK_JSON_TOKENS],
	struct lk_str *out)
{
	const struct lk_json_node *parent = &j->nodes[node->parent], *chain[LK_JSON_DEPTH + 1];
	int depth = 0, levels;

	for (; parent != node && depth <= LK_JSON_DEPTH; node = parent, parent = &j->nodes[node->parent])
		chain[depth++] = node;
	levels = depth;
	while (depth--) {
		bool counts = counted[levels - 1 - depth];

		node = chain[depth];
		parent = &j->nodes[node->parent];
		lk_str_addc(out, parent->type == LK_JSON_OBJECT ? '{' : '[');
		if (parent->type == LK_JSON_OBJECT) {
			const struct lk_json_node *key = &j->nodes[node->index];

			add_others(j, parent, node->index, out);
			lk_str_add(out, j->text + key->start - 1, key->end - key->start + 2);
			lk_str_addc(out, ':');
		}
		for (uint32_t i = 0; counts && parent->type == LK_JSON_ARRAY && i < node->index; i++)
			lk_str_adds(out, "null,");
	}
}

void lk_json_context_close(const char *context, size_t len, struct lk_str *out)
{
	char open[LK_JSON_DEPTH + 1];
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = context[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '[') && depth <= LK_JSON_DEPTH)
			open[depth++] = c == '{' ? '}' : ']';
		else if (!in_string && (c == '}' || c == ']') && depth)
			depth--;
	}
	while (depth)
		lk_str_addc(out, open[--depth]);
}
