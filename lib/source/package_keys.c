/*
 * What relates rows to each other (Table Schema, "uniqueKeys", "foreignKeys"): kept as metadata of the schema, in which fields
 * are called as their columns are and resources as their tables, for filters further down. Nothing is looked up here.
 */
#include <string.h>

#include "source/property.h"
#include "stream/side.h"

/* ---- unique keys ---- */

static enum lk_status unique_json(struct lk_loading *l, const struct lk_resource *r, const char *at, const json_t *list,
	struct lk_str *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *columns = NULL;

		LK_TRY(lk_package_columns(l, r, lk_prop_item(l, at, i), json_array_get(list, i), &columns));
		lk_str_addf(out, "%s%s", i ? ", " : "[", columns);
	}
	lk_str_adds(out, "]");
	return lk_str_check(out, l->err);
}

/* ---- foreign keys ---- */

static enum lk_status find_target(
	struct lk_loading *l, struct lk_resource *r, const char *at, const char *name, const struct lk_resource **target)
{
	const struct lk_package *p = l->package;
	const char **names = lk_arena_alloc(l->arena, (size_t)(p->resource_count + 1) * sizeof(*names));

	*target = r;
	if (!name || !*name)
		return LK_OK;
	if (!names)
		return lk_error_nomem(l->err);
	for (int i = 0; i < p->resource_count; i++) {
		*target = &p->resources[i];
		names[i] = (*target)->name;
		if (!strcmp(names[i], name))
			return LK_OK;
	}
	return lk_prop_wrong(l, at, "there is no resource '%s'%s", name, lk_prop_near(l, names, name));
}

static size_t count_names(const json_t *value)
{
	return json_is_array(value) ? json_array_size(value) : 1;
}

static enum lk_status foreign_json_one(
	struct lk_loading *l, struct lk_resource *r, const char *at, const json_t *key, struct lk_str *out)
{
	const char *there = lk_prop_at(l, at, "reference"), *name = NULL, *own = NULL, *theirs = NULL;
	const struct lk_resource *target;
	const json_t *reference, *fields = json_object_get(key, "fields"), *other;

	if (!json_is_object(key))
		return lk_prop_wrong(l, at, "must be an object");
	if (!fields)
		return lk_prop_wrong(l, at, "a foreign key needs fields");
	LK_TRY(lk_prop_object(l, key, at, "reference", &reference));
	other = json_object_get(reference, "fields");
	if (!other)
		return lk_prop_wrong(l, there, "a foreign key needs the fields that it refers to");
	if (json_object_get(reference, "package"))
		return lk_prop_wrong(l, lk_prop_at(l, there, "package"), "keys into other packages are not supported");
	LK_TRY(lk_prop_text(l, reference, there, "resource", &name));
	LK_TRY(find_target(l, r, lk_prop_at(l, there, "resource"), name, &target));
	LK_TRY(lk_package_columns(l, r, lk_prop_at(l, at, "fields"), fields, &own));
	LK_TRY(lk_package_columns(l, target, lk_prop_at(l, there, "fields"), other, &theirs));
	if (count_names(fields) != count_names(other))
		return lk_prop_wrong(l, at, "has %zu fields and refers to %zu", count_names(fields), count_names(other));
	lk_str_addf(out, "{\"columns\": %s, \"table\": ", own);
	lk_str_add_json(out, target->table, strlen(target->table));
	lk_str_addf(out, ", \"reference\": %s}", theirs);
	return LK_OK;
}

static enum lk_status foreign_json(
	struct lk_loading *l, struct lk_resource *r, const char *at, const json_t *list, struct lk_str *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		lk_str_adds(out, i ? ", " : "[");
		LK_TRY(foreign_json_one(l, r, lk_prop_item(l, at, i), json_array_get(list, i), out));
	}
	lk_str_adds(out, "]");
	return lk_str_check(out, l->err);
}

/* ---- both ---- */

static enum lk_status load_impl(
	struct lk_loading *l, const json_t *schema, const char *at, struct lk_resource *r, struct lk_str *text)
{
	const json_t *unique = json_object_get(schema, "uniqueKeys"), *foreign = json_object_get(schema, "foreignKeys");
	const char *unique_at = lk_prop_at(l, at, "uniqueKeys"), *foreign_at = lk_prop_at(l, at, "foreignKeys");

	if (unique && !json_is_array(unique))
		return lk_prop_wrong(l, unique_at, "must be a list of lists of fields");
	if (foreign && !json_is_array(foreign))
		return lk_prop_wrong(l, foreign_at, "must be a list of foreign keys");
	if (json_array_size(unique)) {
		LK_TRY(unique_json(l, r, unique_at, unique, text));
		LK_TRY(lk_meta_set(&r->schema, LK_META_UNIQUE, lk_str_text(text), l->err));
	}
	lk_str_clear(text);
	if (!json_array_size(foreign))
		return LK_OK;
	LK_TRY(foreign_json(l, r, foreign_at, foreign, text));
	return lk_meta_set(&r->schema, LK_META_FOREIGN, lk_str_text(text), l->err);
}

enum lk_status lk_package_keys(struct lk_loading *l, const json_t *schema, const char *at, struct lk_resource *r)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status = load_impl(l, schema, at, r, &text);

	lk_str_release(&text);
	return status;
}
