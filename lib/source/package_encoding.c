/* Encodings of a resource: the standard's `encoding`, or lk.encodings, and what becomes of bytes that are in none. */
#include <string.h>

#include "source/format.h"
#include "source/property.h"

static enum lk_status add_encoding(struct lk_loading *l, const char *at, const char *name, struct lk_encodings *out)
{
	char known[LK_ENCODING_NAME];
	const char *copy;

	if (out->count == LK_ENCODINGS_MAX)
		return lk_prop_wrong(l, at, "there are more than %d", LK_ENCODINGS_MAX);
	if (!lk_encoding_known(name, known))
		return lk_prop_wrong(l, at, "'%s' is no encoding that this system's iconv knows", name);
	copy = lk_arena_strdup(l->arena, known);
	if (!copy)
		return lk_error_nomem(l->err);
	for (int i = 0; i < out->count; i++)
		if (!strcmp(out->names[i], copy))
			return lk_prop_wrong(l, at, "'%s' stands twice", name);
	out->names[out->count++] = copy;
	return LK_OK;
}

static enum lk_status add_list(
	struct lk_loading *l, const json_t *lk, const char *at, struct lk_encodings *out)
{
	const char *place = lk_prop_at(l, at, "encodings"), **names;
	int count;

	LK_TRY(lk_prop_strings(l, lk, at, "encodings", false, &names, &count));
	if (json_object_get(lk, "encodings") && !count)
		return lk_prop_wrong(l, place, "must name at least one");
	for (int i = 0; i < count; i++)
		LK_TRY(add_encoding(l, lk_prop_item(l, place, (size_t)i), names[i], out));
	return LK_OK;
}

/* A resource's own, of either kind, comes before the package's list. */
enum lk_status lk_package_encoding(struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r)
{
	static const char *const words[] = {"reject", "replace", NULL};
	const char *name = NULL, *place = lk_prop_at(l, json->at, "lk");
	struct lk_encodings *e = &r->encodings;
	int wrong = 0;

	*e = (struct lk_encodings){.count = 0};
	LK_TRY(lk_prop_text(l, json->resource, json->at, "encoding", &name));
	LK_TRY(lk_prop_word(l, l->package_lk, "lk", "wrongBytes", words, &wrong));
	LK_TRY(lk_prop_word(l, json->lk, place, "wrongBytes", words, &wrong));
	e->replace = wrong == 1;
	if (r->format->binary) /* it says so itself */
		name = NULL;
	if (name && json_object_get(json->lk, "encodings"))
		return lk_prop_wrong(l, lk_prop_at(l, place, "encodings"), "stands instead of encoding, not beside it");
	if (name)
		return add_encoding(l, lk_prop_at(l, json->at, "encoding"), name, e);
	LK_TRY(add_list(l, json->lk, place, e));
	if (!e->count)
		LK_TRY(add_list(l, l->package_lk, "lk", e));
	return e->count ? LK_OK : add_encoding(l, json->at, LK_UTF8_NAME, e);
}
