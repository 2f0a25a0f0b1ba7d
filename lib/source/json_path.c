#include "source/json_path.h"

#include <string.h>

/* ---- compiling ---- */

/* A token without its escapes. */
static bool add_token(struct lk_arena *arena, const char *text, size_t len, struct lk_json_path *path, const char **problem)
{
	char *token = lk_arena_alloc(arena, len + 1);
	size_t n = 0;

	if (!token)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '~' && (i + 1 == len || (text[i + 1] != '0' && text[i + 1] != '1'))) {
			*problem = "has a ~ that is neither ~0 nor ~1";
			return false;
		}
		token[n++] = text[i] != '~' ? text[i] : text[++i] == '0' ? '~' : '/';
	}
	path->stars[path->count] = len == 1 && *text == '*';
	path->tokens[path->count++] = (struct lk_text){token, n};
	return true;
}

static bool alloc_tokens(struct lk_arena *arena, size_t count, struct lk_json_path *path, const char **problem)
{
	if (count > LK_JSON_TOKENS) {
		*problem = "has more than 64 steps";
		return false;
	}
	path->tokens = lk_arena_alloc(arena, (count + 1) * sizeof(*path->tokens));
	path->stars = lk_arena_alloc(arena, (count + 1) * sizeof(*path->stars));
	return path->tokens && path->stars;
}

static bool compile_pointer(struct lk_arena *arena, const char *p, struct lk_json_path *path, const char **problem)
{
	size_t count = 0;

	for (const char *q = p; *q; q++)
		count += *q == '/';
	if (!alloc_tokens(arena, count, path, problem))
		return false;
	if (*p && *p != '/') {
		*problem = "is no JSON Pointer: /member/0/other, or 1/member relative to the record";
		return false;
	}
	while (*p) {
		size_t len = strcspn(++p, "/");

		if (!add_token(arena, p, len, path, problem))
			return false;
		p += len;
	}
	return true;
}

bool lk_json_path_compile(struct lk_arena *arena, const char *text, struct lk_json_path *path, const char **problem)
{
	*path = (struct lk_json_path){0};
	*problem = NULL;
	if (*text >= '0' && *text <= '9') {
		path->relative = true;
		for (; *text >= '0' && *text <= '9' && path->up <= LK_JSON_DEPTH; text++)
			path->up = path->up * 10 + (uint32_t)(*text - '0');
		if (!strcmp(text, "#")) {
			path->place = true;
			return true;
		}
	}
	return compile_pointer(arena, text, path, problem);
}

bool lk_json_path_member(struct lk_arena *arena, const char *name, struct lk_json_path *path)
{
	const char *problem;

	*path = (struct lk_json_path){0};
	if (!alloc_tokens(arena, 1, path, &problem))
		return false;
	path->tokens[path->count++] = (struct lk_text){name, strlen(name)};
	return true;
}

/* ---- walking ---- */

/* The element that a token names; arrays have no others. */
static const struct lk_json_node *element(const struct lk_json *j, const struct lk_json_node *array, const struct lk_text *token)
{
	size_t index = 0;

	if (!token->len || token->len > 9 || (token->len > 1 && *token->data == '0'))
		return NULL;
	for (size_t i = 0; i < token->len; i++) {
		if (token->data[i] < '0' || token->data[i] > '9')
			return NULL;
		index = index * 10 + (size_t)(token->data[i] - '0');
	}
	return lk_json_element(j, array, index);
}

static const struct lk_json_node *step(struct lk_json *j, const struct lk_json_node *node, const struct lk_text *token)
{
	if (node->type == LK_JSON_OBJECT)
		return lk_json_member(j, node, token->data, token->len);
	return node->type == LK_JSON_ARRAY ? element(j, node, token) : NULL;
}

/* From the i-th token on; as deep as there are tokens. */
static bool walk(struct lk_json *j, const struct lk_json_path *path, int i, const struct lk_json_node *node, lk_json_take *take,
	void *arg)
{
	const struct lk_json_node *child;

	for (; i < path->count; i++) {
		if (path->stars[i] && node->type == LK_JSON_ARRAY)
			break;
		node = step(j, node, &path->tokens[i]);
		if (!node)
			return true;
	}
	if (i == path->count)
		return take(arg, node);
	child = node + 1;
	for (uint32_t n = 0; n < node->count; n++, child = &j->nodes[child->next])
		if (!walk(j, path, i + 1, child, take, arg))
			return false;
	return true;
}

bool lk_json_path_walk(
	struct lk_json *j, const struct lk_json_path *path, const struct lk_json_node *from, lk_json_take *take, void *arg)
{
	for (uint32_t up = path->up; up; up--) {
		if (from->parent == lk_json_id(j, from))
			return true;
		from = &j->nodes[from->parent];
	}
	return walk(j, path, 0, from, take, arg);
}

static bool keep_first(void *arg, const struct lk_json_node *node)
{
	*(const struct lk_json_node **)arg = node;
	return false;
}

const struct lk_json_node *lk_json_path_first(struct lk_json *j, const struct lk_json_path *path, const struct lk_json_node *from)
{
	const struct lk_json_node *first = NULL;

	(void)lk_json_path_walk(j, path, from, keep_first, &first);
	return first;
}
