#include "source/property.h"

#include <stdio.h>
#include <string.h>

#include "base/commands.h"
#include "source/document.h"

/* Where a place was written. */
static void find_place(struct lk_loading *l, const char *at, const char **file, const char **place)
{
	*file = l->package->file;
	*place = at;
	if (l->document)
		lk_document_origin(l, l->document, at, file, place);
}

enum lk_status lk_prop_wrong(struct lk_loading *l, const char *at, const char *fmt, ...)
{
	const char *file, *place;
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	find_place(l, at, &file, &place);
	return lk_error_set(l->err, LK_CONFIG, "'%s': %s%s%s", file, place, *place ? ": " : "", text);
}

const char *lk_prop_at(struct lk_loading *l, const char *at, const char *key)
{
	const char *place = lk_arena_printf(l->arena, "%s%s%s", at, *at ? "." : "", key);

	return place ? place : key;
}

const char *lk_prop_item(struct lk_loading *l, const char *at, size_t index)
{
	const char *place = lk_arena_printf(l->arena, "%s[%zu]", at, index);

	return place ? place : at;
}

static enum lk_status check_text(struct lk_loading *l, const char *at, const json_t *value)
{
	if (!json_is_string(value))
		return lk_prop_wrong(l, at, "must be a text");
	if (strlen(json_string_value(value)) != json_string_length(value))
		return lk_prop_wrong(l, at, "must not hold a NUL");
	return LK_OK;
}

enum lk_status lk_prop_copy_text(struct lk_loading *l, const char *at, const json_t *value, const char **out)
{
	LK_TRY(check_text(l, at, value));
	*out = lk_arena_strndup(l->arena, json_string_value(value), json_string_length(value));
	return *out ? LK_OK : lk_error_nomem(l->err);
}

enum lk_status lk_prop_text(
	struct lk_loading *l, const json_t *object, const char *at, const char *key, const char **out)
{
	const json_t *value = json_object_get(object, key);

	return value ? lk_prop_copy_text(l, lk_prop_at(l, at, key), value, out) : LK_OK;
}

enum lk_status lk_prop_bool(
	struct lk_loading *l, const json_t *object, const char *at, const char *key, bool *out)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return LK_OK;
	if (!json_is_boolean(value))
		return lk_prop_wrong(l, lk_prop_at(l, at, key), "must be true or false");
	*out = json_is_true(value);
	return LK_OK;
}

enum lk_status lk_prop_mark(
	struct lk_loading *l, const json_t *object, const char *at, const char *key, bool may_be_none, struct lk_text *out)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	if (!value)
		return LK_OK;
	if (may_be_none && (json_is_null(value) || (text && !*text))) {
		*out = (struct lk_text){NULL, 0};
		return LK_OK;
	}
	LK_TRY(lk_prop_copy_text(l, lk_prop_at(l, at, key), value, &out->data));
	out->len = strlen(out->data);
	return out->len ? LK_OK : lk_prop_wrong(l, lk_prop_at(l, at, key), "must not be empty");
}

enum lk_status lk_prop_copy_word(
	struct lk_loading *l, const char *at, const json_t *value, const char *const *words, int *out)
{
	const char *text = NULL;
	struct lk_str all = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(lk_prop_copy_text(l, at, value, &text));
	for (int i = 0; words[i]; i++)
		if (!strcmp(text, words[i])) {
			*out = i;
			return LK_OK;
		}
	for (int i = 0; words[i]; i++)
		lk_str_addf(&all, "%s%s", i ? ", " : "", words[i]);
	status = lk_prop_wrong(
		l, at, "'%s' is none of %s%s", text, lk_str_text(&all), lk_prop_near(l, words, text));
	lk_str_release(&all);
	return status;
}

enum lk_status lk_prop_word(struct lk_loading *l, const json_t *object, const char *at, const char *key,
	const char *const *words, int *out)
{
	const json_t *value = json_object_get(object, key);

	return value ? lk_prop_copy_word(l, lk_prop_at(l, at, key), value, words, out) : LK_OK;
}

enum lk_status lk_prop_copy_texts(
	struct lk_loading *l, const char *at, const json_t *list, bool one, struct lk_texts *out)
{
	size_t count = json_is_array(list) ? json_array_size(list) : 1;

	if (!json_is_array(list) && !(one && json_is_string(list)))
		return lk_prop_wrong(
			l, at, one ? "must be a text or a list of texts" : "must be a list of texts");
	out->items = lk_arena_alloc(l->arena, (count + 1) * sizeof(*out->items));
	if (!out->items)
		return lk_error_nomem(l->err);
	out->count = 0;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_is_array(list) ? json_array_get(list, i) : list;
		struct lk_text *text = &out->items[out->count++];

		if (json_is_object(item))
			item = json_object_get(item, "value");
		LK_TRY(lk_prop_copy_text(
			l, json_is_array(list) ? lk_prop_item(l, at, i) : at, item, &text->data));
		text->len = strlen(text->data);
	}
	return LK_OK;
}

enum lk_status lk_prop_texts(struct lk_loading *l, const json_t *object, const char *at, const char *key,
	bool one, struct lk_texts *out)
{
	const json_t *list = json_object_get(object, key);

	return list ? lk_prop_copy_texts(l, lk_prop_at(l, at, key), list, one, out) : LK_OK;
}

enum lk_status lk_prop_strings(struct lk_loading *l, const json_t *object, const char *at, const char *key,
	bool one, const char ***out, int *count)
{
	struct lk_texts texts = {NULL, 0};

	LK_TRY(lk_prop_texts(l, object, at, key, one, &texts));
	*out = lk_arena_alloc(l->arena, (size_t)(texts.count + 1) * sizeof(**out));
	if (!*out)
		return lk_error_nomem(l->err);
	for (int i = 0; i < texts.count; i++)
		(*out)[i] = texts.items[i].data;
	*count = texts.count;
	return LK_OK;
}

enum lk_status lk_prop_object(
	struct lk_loading *l, const json_t *object, const char *at, const char *key, const json_t **out)
{
	*out = json_object_get(object, key);
	if (*out && !json_is_object(*out))
		return lk_prop_wrong(l, lk_prop_at(l, at, key), "must be an object");
	return LK_OK;
}

static bool is_known(const char *const *known, const char *key)
{
	while (*known && strcmp(*known, key))
		known++;
	return *known;
}

const char *lk_prop_near(struct lk_loading *l, const char *const *names, const char *word)
{
	const char *near, *text = NULL;
	size_t count = 0;

	while (names[count])
		count++;
	near = lk_nearest(names, count, word);
	if (near)
		text = lk_arena_printf(l->arena, "; did you mean '%s'?", near);
	return text ? text : "";
}

enum lk_status lk_prop_lk(
	struct lk_loading *l, const json_t *object, const char *at, const char *const *known, const json_t **out)
{
	const char *key, *place = lk_prop_at(l, at, "lk");
	json_t *value;

	LK_TRY(lk_prop_object(l, object, at, "lk", out));
	json_object_foreach((json_t *)*out, key, value)
		if (!is_known(known, key))
			return lk_prop_wrong(l, lk_prop_at(l, place, key), "there is no such property%s",
				lk_prop_near(l, known, key));
	return LK_OK;
}

void lk_prop_typo(struct lk_loading *l, const json_t *object, const char *at, const char *const *known)
{
	const char *key, *near, *file, *place;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		if (l->package->typo || !strcmp(key, "lk") || is_known(known, key))
			continue;
		near = lk_prop_near(l, known, key);
		if (!*near)
			continue;
		find_place(l, lk_prop_at(l, at, key), &file, &place);
		l->package->typo =
			lk_arena_printf(l->arena, "'%s': %s: there is no such property%s", file, place, near);
	}
}
