#include "change/spec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/value.h"
#include "stream/side.h"

static const char *const load_words[] = {"append", "upsert", "full"};

static bool find_load(const char *word, size_t len, enum lk_load *load)
{
	for (size_t i = 0; i < sizeof(load_words) / sizeof(*load_words); i++)
		if (strlen(load_words[i]) == len && !memcmp(load_words[i], word, len)) {
			*load = (enum lk_load)i;
			return true;
		}
	return false;
}

/* ---- metadata ---- */

struct reading {
	struct lk_spec *spec;
	const struct ArrowSchema *schema; /* NULL: there is none to hold names against */
	struct lk_arena *arena;
	struct lk_error *err;
};

static enum lk_status take_column(struct reading *r, const char *key, const char *name, size_t len, const char **out)
{
	*out = lk_arena_strndup(r->arena, name, len);
	if (!*out)
		return lk_error_nomem(r->err);
	if (strlen(*out) != len || (r->schema && lk_schema_find(r->schema, *out) < 0))
		return lk_error_set(r->err, LK_DATA, "%s names a column '%s' that is not there", key, *out);
	return LK_OK;
}

/* A JSON list of names of columns, none of them twice. */
static enum lk_status take_list(struct reading *r, const char *key, const json_t *list, const char ***out, int *count)
{
	const json_t *item;
	size_t i;

	*out = lk_arena_alloc(r->arena, (json_array_size(list) + 1) * sizeof(**out));
	if (!*out)
		return lk_error_nomem(r->err);
	json_array_foreach(list, i, item) {
		if (!json_is_string(item))
			break;
		LK_TRY(take_column(r, key, json_string_value(item), json_string_length(item), &(*out)[i]));
		for (size_t before = 0; before < i; before++)
			if (!strcmp((*out)[before], (*out)[i]))
				return lk_error_set(r->err, LK_DATA, "%s names column '%s' twice", key, (*out)[i]);
		*count = (int)i + 1;
	}
	if (!json_is_array(list) || i < json_array_size(list))
		return lk_error_set(r->err, LK_DATA, "%s is not a JSON list of columns", key);
	return LK_OK;
}

static enum lk_status read_list(struct reading *r, const char *key, const char ***out, int *count)
{
	struct ArrowStringView text;
	enum lk_status status;
	json_t *list;

	if (!lk_meta_get(r->schema, key, &text))
		return LK_OK;
	list = json_loadb(text.data, (size_t)text.size_bytes, 0, NULL);
	status = take_list(r, key, list, out, count);
	json_decref(list);
	return status;
}

static enum lk_status read_column(struct reading *r, const char *key, const char **out)
{
	struct ArrowStringView text;

	if (!lk_meta_get(r->schema, key, &text))
		return LK_OK;
	return take_column(r, key, text.data, (size_t)text.size_bytes, out);
}

static enum lk_status read_words(struct reading *r)
{
	struct ArrowStringView text;
	char limit[LK_VALUE_TEXT];

	if (lk_meta_get(r->schema, LK_META_LOAD, &text) && !find_load(text.data, (size_t)text.size_bytes, &r->spec->load))
		return lk_error_set(r->err, LK_DATA, "%s '%.*s' is none of append, upsert, full", LK_META_LOAD, (int)text.size_bytes, text.data);
	if (lk_meta_get(r->schema, LK_META_MAX_VANISH, &text) &&
		(!lk_meta_text(r->schema, LK_META_MAX_VANISH, limit, sizeof(limit)) || !lk_limit_parse(limit, &r->spec->limit)))
		return lk_error_set(r->err, LK_DATA, "%s '%.*s' is neither a number of rows nor a percentage", LK_META_MAX_VANISH,
			(int)text.size_bytes, text.data);
	return LK_OK;
}

static enum lk_status check(const struct lk_spec *spec, struct lk_error *err)
{
	if (spec->load == LK_LOAD_UPSERT && !spec->key_count)
		return lk_error_set(err, LK_DATA, "%s is upsert, and there is no %s", LK_META_LOAD, LK_META_KEY);
	return LK_OK;
}

enum lk_status lk_spec_read(struct lk_spec *spec, const struct ArrowSchema *schema, struct lk_arena *arena, struct lk_error *err)
{
	struct reading r = {spec, schema, arena, err};

	*spec = (struct lk_spec){.limit = LK_LIMIT_DEFAULT};
	LK_TRY(read_words(&r));
	LK_TRY(read_list(&r, LK_META_KEY, &spec->key, &spec->key_count));
	LK_TRY(read_list(&r, LK_META_SCOPE, &spec->scope, &spec->scope_count));
	LK_TRY(read_column(&r, LK_META_ORDER, &spec->order));
	LK_TRY(read_column(&r, LK_META_OP, &spec->op));
	return check(spec, err);
}

/* ---- JSON ---- */

static json_t *list_json(const char **names, int count)
{
	json_t *list = json_array();

	for (int i = 0; list && i < count; i++)
		if (json_array_append_new(list, json_string(names[i]))) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

void lk_limit_text(const struct lk_limit *limit, char out[LK_LIMIT_TEXT])
{
	size_t len;

	if (limit->rows >= 0) {
		lk_int64_text(limit->rows, out);
		return;
	}
	if (limit->percent == (double)(int64_t)limit->percent)
		len = lk_int64_text((int64_t)limit->percent, out);
	else
		len = lk_float64_text(limit->percent, out);
	memcpy(out + len, "%", 2);
}

enum lk_status lk_spec_json(const struct lk_spec *spec, json_t **out, struct lk_error *err)
{
	char limit[LK_LIMIT_TEXT];

	lk_limit_text(&spec->limit, limit);
	*out = json_pack("{s:s, s:o, s:s*, s:s*, s:o, s:s}", "load", load_words[spec->load], "key", list_json(spec->key, spec->key_count),
		"order", spec->order, "op", spec->op, "scope", list_json(spec->scope, spec->scope_count), "maxVanish", limit);
	return *out ? LK_OK : lk_error_set(err, LK_DATA, "names of columns are not UTF-8, or memory ran out");
}

static enum lk_status parse_column(struct reading *r, const json_t *json, const char *key, const char **out)
{
	const json_t *value = json_object_get(json, key);

	if (!value)
		return LK_OK;
	if (!json_is_string(value))
		return lk_error_set(r->err, LK_DATA, "%s is not a text", key);
	return take_column(r, key, json_string_value(value), json_string_length(value), out);
}

static enum lk_status parse_list(struct reading *r, const json_t *json, const char *key, const char ***out, int *count)
{
	const json_t *value = json_object_get(json, key);

	return value ? take_list(r, key, value, out, count) : LK_OK;
}

enum lk_status lk_spec_parse(struct lk_spec *spec, const json_t *json, struct lk_arena *arena, struct lk_error *err)
{
	struct reading r = {spec, NULL, arena, err};
	const char *load = json_string_value(json_object_get(json, "load")), *limit = json_string_value(json_object_get(json, "maxVanish"));

	*spec = (struct lk_spec){.limit = LK_LIMIT_DEFAULT};
	if (!load || !find_load(load, strlen(load), &spec->load))
		return lk_error_set(err, LK_DATA, "load is none of append, upsert, full");
	if (limit && !lk_limit_parse(limit, &spec->limit))
		return lk_error_set(err, LK_DATA, "maxVanish '%s' is neither a number of rows nor a percentage", limit);
	LK_TRY(parse_list(&r, json, "key", &spec->key, &spec->key_count));
	LK_TRY(parse_list(&r, json, "scope", &spec->scope, &spec->scope_count));
	LK_TRY(parse_column(&r, json, "order", &spec->order));
	LK_TRY(parse_column(&r, json, "op", &spec->op));
	return check(spec, err);
}

/* ---- comparing ---- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_list(const char **a, int a_count, const char **b, int b_count)
{
	for (int i = 0; i < a_count && i < b_count; i++)
		if (strcmp(a[i], b[i]))
			return false;
	return a_count == b_count;
}

bool lk_spec_same(const struct lk_spec *a, const struct lk_spec *b)
{
	return a->load == b->load && same_list(a->key, a->key_count, b->key, b->key_count) && same_text(a->order, b->order) &&
	       same_text(a->op, b->op) && same_list(a->scope, a->scope_count, b->scope, b->scope_count) && a->limit.rows == b->limit.rows &&
	       (a->limit.rows >= 0 || a->limit.percent == b->limit.percent);
}

/* ---- limits ---- */

bool lk_limit_parse(const char *text, struct lk_limit *out)
{
	size_t len = strlen(text);
	struct lk_limit limit = {-1, 0};
	bool fine;

	if (!len || !isdigit((unsigned char)text[0]))
		return false;
	if (text[len - 1] == '%')
		fine = lk_float64_parse(text, len - 1, &limit.percent) && limit.percent <= 100;
	else
		fine = lk_int64_parse(text, len, &limit.rows) && limit.rows >= 0;
	if (fine)
		*out = limit;
	return fine;
}

bool lk_limit_holds(const struct lk_limit *limit, int64_t vanish, int64_t of)
{
	if (limit->rows >= 0)
		return vanish <= limit->rows;
	return vanish <= LK_LIMIT_FREE || (double)vanish * 100 <= limit->percent * (double)of;
}

/* ---- ops ---- */

char lk_op_of(const char *text, size_t len)
{
	static const struct {
		const char *word;
		char op;
	} words[] = {{"i", 'I'}, {"c", 'I'}, {"r", 'I'}, {"insert", 'I'}, {"create", 'I'}, {"read", 'I'}, {"u", 'U'}, {"update", 'U'}, {"d", 'D'},
		{"delete", 'D'}, {"b", 'B'}};

	if (!text || !len)
		return 'I';
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i].word) == len && !strncasecmp(words[i].word, text, len))
			return words[i].op;
	return 0;
}
