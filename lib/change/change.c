#include "change/change.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"
#include "stream/side.h"

/* ---- writing ---- */

static json_t *texts_json(const char *const *items, int count)
{
	json_t *list = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(list, json_string(items[i]));
	if (json_array_size(list) == (size_t)count)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *ids_json(const struct lk_change *c)
{
	json_t *list = json_array();

	for (int i = 0; i < c->key_count; i++)
		json_array_append_new(list, json_integer(c->key_ids[i]));
	return list;
}

/* As text: snapshot ids have 63 bits, and other programs' numbers fewer. */
static json_t *snapshot_json(int64_t id)
{
	char text[LK_VALUE_TEXT];

	if (id < 0)
		return json_null();
	lk_int64_text(id, text);
	return json_string(text);
}

enum lk_status lk_change_write(const struct lk_change *c, struct lk_str *out, struct lk_error *err)
{
	const char *load = c->patch ? "patch" : c->load == LK_LOAD_FULL ? "full" : "upsert";
	json_t *root = json_pack("{s:s?, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "uuid", c->uuid, "branch", c->branch, "base",
		snapshot_json(c->base), "facts", snapshot_json(c->facts), "keyIds", ids_json(c), "load", load, "scope",
		texts_json(c->scope, c->scope_count), "files", texts_json(c->files, c->file_count), "columns",
		texts_json(c->columns, c->column_count));
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	if (text)
		lk_str_adds(out, text);
	free(text);
	json_decref(root);
	return text ? lk_str_check(out, err) : lk_error_set(err, LK_DATA, "the names of a change are not UTF-8, or memory ran out");
}

/* ---- reading ---- */

static enum lk_status unsound(const char *what, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "the stream's " LK_META_CHANGE " is not sound: %s", what);
}

static enum lk_status read_texts(const json_t *list, const char *what, struct lk_arena *arena, const char ***out, int *count,
	struct lk_error *err)
{
	const json_t *item;
	size_t i;

	*count = 0;
	*out = lk_arena_alloc(arena, (json_array_size(list) + 1) * sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	if (list && !json_is_array(list))
		return unsound(what, err);
	json_array_foreach(list, i, item) {
		if (!json_is_string(item) || i >= INT32_MAX)
			return unsound(what, err);
		(*out)[i] = lk_arena_strdup(arena, json_string_value(item));
		if (!(*out)[(*count)++])
			return lk_error_nomem(err);
	}
	return LK_OK;
}

static enum lk_status read_ids(struct lk_change *c, const json_t *list, struct lk_arena *arena, struct lk_error *err)
{
	const json_t *item;
	size_t i;

	c->key_ids = lk_arena_alloc(arena, (json_array_size(list) + 1) * sizeof(*c->key_ids));
	if (!c->key_ids)
		return lk_error_nomem(err);
	json_array_foreach(list, i, item) {
		if (json_integer_value(item) < 1 || json_integer_value(item) > INT32_MAX)
			return unsound("keyIds", err);
		c->key_ids[c->key_count++] = (int32_t)json_integer_value(item);
	}
	return LK_OK;
}

static enum lk_status read_snapshot(const json_t *value, const char *what, int64_t *id, struct lk_error *err)
{
	const char *text = json_string_value(value);

	*id = -1;
	if (!value || json_is_null(value))
		return LK_OK;
	return text && lk_int64_parse(text, strlen(text), id) && *id >= 0 ? LK_OK : unsound(what, err);
}

static enum lk_status read_load(struct lk_change *c, const char *word, struct lk_error *err)
{
	c->patch = !strcmp(word, "patch");
	c->load = !strcmp(word, "full") ? LK_LOAD_FULL : LK_LOAD_UPSERT;
	return c->patch || c->load == LK_LOAD_FULL || !strcmp(word, "upsert") ? LK_OK : unsound("load", err);
}

static enum lk_status read_json(struct lk_change *c, const json_t *root, struct lk_arena *arena, struct lk_error *err)
{
	const char *branch, *load;
	json_t *uuid = NULL, *base = NULL, *facts = NULL, *ids = NULL, *scope = NULL, *files = NULL, *columns = NULL;

	if (json_unpack((json_t *)root, "{s?o, s:s, s?o, s?o, s?o, s:s, s?o, s?o, s?o}", "uuid", &uuid, "branch", &branch, "base",
		    &base, "facts", &facts, "keyIds", &ids, "load", &load, "scope", &scope, "files", &files, "columns", &columns))
		return unsound("a member is missing, or of another type", err);
	if (uuid && !json_is_null(uuid) && !json_is_string(uuid))
		return unsound("uuid", err);
	*c = (struct lk_change){.branch = lk_arena_strdup(arena, branch)};
	if (json_is_string(uuid))
		c->uuid = lk_arena_strdup(arena, json_string_value(uuid));
	if (!c->branch || (json_is_string(uuid) && !c->uuid))
		return lk_error_nomem(err);
	LK_TRY(read_load(c, load, err));
	LK_TRY(read_snapshot(base, "base", &c->base, err));
	LK_TRY(read_snapshot(facts, "facts", &c->facts, err));
	LK_TRY(read_ids(c, ids, arena, err));
	LK_TRY(read_texts(scope, "scope", arena, &c->scope, &c->scope_count, err));
	LK_TRY(read_texts(files, "files", arena, &c->files, &c->file_count, err));
	return read_texts(columns, "columns", arena, &c->columns, &c->column_count, err);
}

enum lk_status lk_change_read(struct lk_change *c, const struct ArrowSchema *schema, struct lk_arena *arena, bool *is_change,
	struct lk_error *err)
{
	struct ArrowStringView text;
	enum lk_status status;
	json_t *root;

	*c = (struct lk_change){.base = -1, .facts = -1};
	*is_change = lk_meta_get(schema, LK_META_CHANGE, &text);
	if (!*is_change)
		return LK_OK;
	root = json_loadb(text.data, (size_t)text.size_bytes, 0, NULL);
	status = root ? read_json(c, root, arena, err) : unsound("it is not JSON", err);
	json_decref(root);
	return status;
}
