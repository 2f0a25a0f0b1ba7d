/* What a resource's rows are to the table: lk.load, and what only some loads have. */
#include <string.h>

#include "source/property.h"
#include "source/sent.h"

const char *const lk_package_loads[] = {"append", "upsert", "full", NULL};

static enum lk_status mark_key(struct lk_loading *l, const struct lk_resource *r, const json_t *schema, const char *at,
	const char *load)
{
	const char *place = lk_prop_at(l, at, "primaryKey");
	struct lk_texts names = {NULL, 0};

	LK_TRY(lk_prop_texts(l, schema, at, "primaryKey", true, &names));
	if (!names.count)
		return lk_prop_wrong(l, place, "the resource '%s' needs one: lk.load is %s", r->name, load);
	for (int i = 0; i < names.count; i++) {
		struct lk_source_field *f = lk_package_field(r, names.items[i].data, names.items[i].len);

		if (!f)
			return lk_package_no_field(l, r, place, names.items[i].data, names.items[i].len);
		f->key = true;
	}
	return LK_OK;
}

/* The column that says what a record does to its key has words. */
static enum lk_status mark_op(struct lk_loading *l, const struct lk_resource *r, const json_t *lk, const char *at)
{
	const char *name = NULL, *place = lk_prop_at(l, at, "op");
	struct lk_source_field *f;

	LK_TRY(lk_prop_text(l, lk, at, "op", &name));
	if (!name)
		return LK_OK;
	f = lk_package_field(r, name, strlen(name));
	if (!f)
		return lk_package_no_field(l, r, place, name, strlen(name));
	if (f->convert.kind != LK_CONVERT_TEXT)
		return lk_prop_wrong(l, place, "field '%s' must be of type string", name);
	if (f->key)
		return lk_prop_wrong(l, place, "field '%s' is in schema.primaryKey, and is not kept", name);
	f->op = true;
	f->plain = false;
	return LK_OK;
}

static enum lk_status load_sent(struct lk_loading *l, const char *at, const struct lk_defaults *d, struct lk_resource *r)
{
	lk_sent_init(&r->sent);
	return d->timezone ? lk_package_zone(l, lk_prop_at(l, at, "timezone"), d->timezone, &r->sent) : LK_OK;
}

/* What means nothing where rows are only added. */
static enum lk_status check_append(struct lk_loading *l, const json_t *lk, const char *at)
{
	static const char *const names[] = {"scope", "maxVanish", "history", NULL};

	for (const char *const *name = names; *name; name++)
		if (json_object_get(lk, *name) && !json_is_false(json_object_get(lk, *name)))
			return lk_prop_wrong(l, lk_prop_at(l, at, *name), "is for the loads upsert and full, and this one is append");
	return LK_OK;
}

/* Columns that the table has besides (lake/history.h). */
static enum lk_status check_history(struct lk_loading *l, const struct lk_resource *r, const json_t *lk, const char *at)
{
	static const char *const names[] = {"valid_from", "valid_to", "current"};
	bool history = false;

	LK_TRY(lk_prop_bool(l, lk, at, "history", &history));
	for (int i = 0; history && i < r->field_count; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
			if (!strcmp(r->fields[i].column, names[k]))
				return lk_prop_wrong(l, lk_prop_at(l, at, "history"), "the table's own column '%s' is that of field '%s' too",
					names[k], r->fields[i].name);
	return LK_OK;
}

enum lk_status lk_package_load_of(struct lk_loading *l, const struct lk_resource_json *json, const struct lk_defaults *d,
	struct lk_resource *r)
{
	const char *place = lk_prop_at(l, json->at, "lk"), *limit = NULL;
	struct lk_limit ignored;
	int load = LK_LOAD_APPEND;

	LK_TRY(lk_prop_word(l, json->lk, place, "load", lk_package_loads, &load));
	LK_TRY(lk_prop_text(l, json->lk, place, "maxVanish", &limit));
	r->load = (enum lk_load)load;
	if (limit && !lk_limit_parse(limit, &ignored))
		return lk_prop_wrong(l, lk_prop_at(l, place, "maxVanish"), "'%s' must be a number of rows or a percentage: 20, 5%%", limit);
	if (r->load == LK_LOAD_APPEND)
		return check_append(l, json->lk, place);
	LK_TRY(mark_key(l, r, json->schema, lk_prop_at(l, json->at, "schema"), lk_package_loads[load]));
	LK_TRY(mark_op(l, r, json->lk, place));
	LK_TRY(check_history(l, r, json->lk, place));
	return load_sent(l, place, d, r);
}
