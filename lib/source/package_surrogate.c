/* lk.surrogate: how the surrogate keys of a resource's rows are made, which lk-surrogate does where the rows go by. */
#include <string.h>

#include "change/natural.h"
#include "source/property.h"

static enum lk_status check_key(struct lk_loading *l, const struct lk_resource *r, const char *at, const struct lk_surrogate_key *key)
{
	struct lk_natural ignored;
	const char *missing;

	if (!lk_surrogate_key_fits(key, &r->schema, &missing))
		return lk_prop_wrong(l, at, "there is no column '%s'", missing);
	if (lk_natural_init(&ignored, key, &r->schema, l->err)) {
		char why[LK_ERROR_SIZE];

		memcpy(why, l->err->message, sizeof(why));
		return lk_prop_wrong(l, at, "%s", why);
	}
	return LK_OK;
}

static enum lk_status check_rule(struct lk_loading *l, const struct lk_resource *r, const char *at, const char *text,
	struct lk_surrogate_rule *rule)
{
	if (lk_surrogate_parse(rule, text, l->arena, l->err)) {
		char why[LK_ERROR_SIZE];

		memcpy(why, l->err->message, sizeof(why));
		return l->err->status == LK_USAGE ? lk_prop_wrong(l, at, "%s", why) : l->err->status;
	}
	if (lk_schema_find(&r->schema, rule->column) >= 0)
		return lk_prop_wrong(l, at, "there is a field with the column '%s' already", rule->column);
	for (int i = 0; i < rule->count; i++)
		LK_TRY(check_key(l, r, at, &rule->keys[i]));
	return LK_OK;
}

static enum lk_status check_rules(struct lk_loading *l, const struct lk_resource *r, const char *at, const json_t *value,
	const struct lk_texts *list, const char **columns, struct lk_str *json)
{
	struct lk_surrogate_rule rule;

	for (int i = 0; i < list->count; i++) {
		const char *place = json_is_string(value) ? at : lk_prop_item(l, at, (size_t)i);
		const char *text = lk_arena_strndup(l->arena, list->items[i].data, list->items[i].len);

		if (!text)
			return lk_error_nomem(l->err);
		LK_TRY(check_rule(l, r, place, text, &rule));
		columns[i] = rule.column;
		for (int k = 0; k < i; k++)
			if (!strcmp(columns[k], rule.column))
				return lk_prop_wrong(l, place, "another rule makes a column '%s', too", rule.column);
		lk_str_adds(json, i ? ", " : "[");
		lk_str_add_json(json, text, strlen(text));
	}
	lk_str_adds(json, "]");
	return lk_str_check(json, l->err);
}

enum lk_status lk_package_surrogates(struct lk_loading *l, const json_t *lk, const char *at, struct lk_resource *r)
{
	const json_t *value = json_object_get(lk, "surrogate");
	struct lk_str json = LK_STR_INIT;
	struct lk_texts list = {NULL, 0};
	const char **columns;
	enum lk_status status;
	int ignored;

	if (!value)
		return LK_OK;
	at = lk_prop_at(l, lk_prop_at(l, at, "lk"), "surrogate");
	LK_TRY(lk_prop_copy_texts(l, at, value, true, &list));
	columns = lk_arena_alloc(l->arena, (size_t)(list.count + 1) * sizeof(*columns));
	if (!columns)
		return lk_error_nomem(l->err);
	status = check_rules(l, r, at, value, &list, columns, &json);
	if (!status)
		status = lk_surrogate_schema(&r->schema, columns, list.count, &r->stored, &ignored, l->err);
	if (!status)
		status = lk_meta_set(&r->schema, LK_META_SURROGATE, json.data, l->err);
	lk_str_release(&json);
	return status;
}
