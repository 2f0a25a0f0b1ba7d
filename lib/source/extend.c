/*
 * Resolving a package: references to other files are replaced by what stands there, and a resource that extends another
 * one gets from it all that it does not say itself.
 *
 * Objects are merged property by property, at any depth; the fields of a schema are merged by their names; what is
 * neither stays as the resource that extends says it.
 */
#include <string.h>

#include "source/document.h"
#include "source/format.h"

#define MOST_STEPS 16 /* of a resource that extends one that extends one ... */

/* A resource that is resolved has RESOLVED + the steps below it. */
enum { RESOLVING = 1, RESOLVED };

/* A value in a document. */
struct spot {
	struct lk_document *document;
	json_t *value;
	const char *at;
};

static enum lk_status resolve_resource(struct lk_loading *l, struct lk_document *d, size_t i, int steps);

/* ---- references ---- */

/* A property that is a path becomes what the file holds. */
static enum lk_status resolve_reference(struct lk_loading *l, const struct spot *resource, const char *key)
{
	const json_t *value = json_object_get(resource->value, key);
	const char *at = lk_prop_at(l, resource->at, key), *path = NULL;
	struct lk_document *file;
	json_t *copy;

	if (!json_is_string(value))
		return LK_OK;
	LK_TRY(lk_prop_copy_text(l, at, value, &path));
	LK_TRY(lk_document_refer(l, resource->document, at, path, &file));
	copy = json_deep_copy(file->root);
	if (!copy || json_object_set_new(resource->value, key, copy))
		return lk_error_nomem(l->err);
	return lk_document_put_origin(l, resource->document, at, file->file, "", true);
}

/* ---- merging ---- */

static enum lk_status merge_objects(struct lk_loading *l, const struct spot *own, const struct spot *base);

/* Takes over the base's value. */
static enum lk_status inherit(struct lk_loading *l, const struct spot *own, const struct spot *base, const char *key)
{
	json_t *copy = json_deep_copy(json_object_get(base->value, key));

	if (!copy || json_object_set_new(own->value, key, copy))
		return lk_error_nomem(l->err);
	return lk_document_put_origin(
		l, own->document, lk_prop_at(l, own->at, key), base->document->file, lk_prop_at(l, base->at, key), false);
}

static bool is_dropped(const json_t *field)
{
	return json_is_true(json_object_get(json_object_get(field, "lk"), "drop"));
}

/* The list that a merge of fields makes. */
struct merged_fields {
	json_t *list;
	struct origin {
		const char *file, *place;
		bool final;
	} *origins;
};

static enum lk_status append_field(struct lk_loading *l, struct merged_fields *m, json_t *field, const struct spot *list, size_t i,
	bool is_own)
{
	struct origin *o = &m->origins[json_array_size(m->list)];

	*o = (struct origin){list->document->file, lk_prop_item(l, list->at, i), is_own};
	if (is_own) /* the places of the list are about to mean the merged one */
		lk_document_origin(l, list->document, o->place, &o->file, &o->place);
	return json_array_append(m->list, field) ? lk_error_nomem(l->err) : LK_OK;
}

/* Where each name stands in the list. */
static json_t *index_names(const json_t *list)
{
	json_t *names = json_object(), *field;
	size_t i;

	json_array_foreach((json_t *)list, i, field)
	{
		const char *name = json_string_value(json_object_get(field, "name"));

		if (name && !json_object_get(names, name))
			json_object_set_new(names, name, json_integer((json_int_t)i));
	}
	return names;
}

/* Fields of the base, those that own names again in their stead, then what only own has. */
static enum lk_status gather_fields(
	struct lk_loading *l, const struct spot *own, const struct spot *base, json_t *own_names, json_t *base_names,
	struct merged_fields *m)
{
	json_t *field;
	size_t i;

	json_array_foreach(base->value, i, field)
	{
		const json_t *at = json_object_get(own_names, json_string_value(json_object_get(field, "name")));
		size_t k = (size_t)json_integer_value(at);

		if (!at)
			LK_TRY(append_field(l, m, field, base, i, false));
		else if (!is_dropped(json_array_get(own->value, k)))
			LK_TRY(append_field(l, m, json_array_get(own->value, k), own, k, true));
	}
	json_array_foreach(own->value, i, field)
	{
		const char *name = json_string_value(json_object_get(field, "name"));
		bool again = json_object_get(base_names, name) &&
			     (size_t)json_integer_value(json_object_get(own_names, name)) == i;

		if (!json_object_get(base_names, name) && is_dropped(field))
			return lk_prop_wrong(l, lk_prop_item(l, own->at, i), "there is no field '%s' to drop", name ? name : "");
		if (!again)
			LK_TRY(append_field(l, m, field, own, i, true));
	}
	return LK_OK;
}

/* The gathered list takes own's place; each field that the base has too is merged with it. */
static enum lk_status settle_fields(struct lk_loading *l, const struct spot *own, const struct spot *base,
	const json_t *base_names, const struct merged_fields *m)
{
	json_t *field;
	size_t i;

	json_array_foreach(m->list, i, field)
	{
		const char *at = lk_prop_item(l, own->at, i);
		const json_t *number = json_object_get(base_names, json_string_value(json_object_get(field, "name")));
		size_t k = (size_t)json_integer_value(number);
		const struct origin *o = &m->origins[i];
		struct spot to = {own->document, field, at}, from = {base->document, json_array_get(base->value, k), NULL};

		LK_TRY(lk_document_put_origin(l, own->document, at, o->file, o->place, o->final));
		if (!number)
			continue;
		if (field == from.value) { /* the base keeps its own */
			field = json_deep_copy(field);
			if (!field || json_array_set_new(m->list, i, field))
				return lk_error_nomem(l->err);
			continue;
		}
		from.at = lk_prop_item(l, base->at, k);
		LK_TRY(merge_objects(l, &to, &from));
	}
	json_array_clear(own->value);
	return json_array_extend(own->value, m->list) ? lk_error_nomem(l->err) : LK_OK;
}

static enum lk_status merge_fields(struct lk_loading *l, const struct spot *own, const struct spot *base)
{
	size_t most = json_array_size(own->value) + json_array_size(base->value);
	struct merged_fields m = {.list = json_array(),
		.origins = lk_arena_alloc(l->arena, (most + 1) * sizeof(*m.origins))};
	json_t *own_names = index_names(own->value), *base_names = index_names(base->value);
	enum lk_status status = LK_OK;

	if (!m.list || !m.origins || !own_names || !base_names)
		status = lk_error_nomem(l->err);
	if (!status)
		status = gather_fields(l, own, base, own_names, base_names, &m);
	if (!status)
		status = settle_fields(l, own, base, base_names, &m);
	json_decref(own_names);
	json_decref(base_names);
	json_decref(m.list);
	return status;
}

static enum lk_status merge_objects(struct lk_loading *l, const struct spot *own, const struct spot *base)
{
	const char *key;
	json_t *value;

	json_object_foreach(base->value, key, value)
	{
		struct spot mine = {own->document, json_object_get(own->value, key), lk_prop_at(l, own->at, key)};
		struct spot theirs = {base->document, value, lk_prop_at(l, base->at, key)};

		if (!mine.value)
			LK_TRY(inherit(l, own, base, key));
		else if (json_is_object(mine.value) && json_is_object(value))
			LK_TRY(merge_objects(l, &mine, &theirs));
		else if (!strcmp(key, "fields") && json_is_array(mine.value) && json_is_array(value))
			LK_TRY(merge_fields(l, &mine, &theirs));
	}
	return LK_OK;
}

/* ---- extends ---- */

static const json_t *resources_of(const struct lk_document *d)
{
	return json_object_get(d->root, "resources");
}

static enum lk_status find_resource(
	struct lk_loading *l, const struct lk_document *d, const char *at, const char *name, size_t *found)
{
	size_t count = json_array_size(resources_of(d)), n = 0;
	const char **names = lk_arena_alloc(l->arena, (count + 1) * sizeof(*names));

	if (!names)
		return lk_error_nomem(l->err);
	for (*found = 0; *found < count; ++*found) {
		const char *other = json_string_value(json_object_get(json_array_get(resources_of(d), *found), "name"));

		if (other && !strcmp(other, name))
			return LK_OK;
		if (other)
			names[n++] = other;
	}
	return lk_prop_wrong(l, at, "'%s' has no resource '%s'%s", d->file, name, lk_prop_near(l, names, name));
}

/* The resource that a text names: NAME of the same document, or FILE#NAME. */
static enum lk_status find_base(struct lk_loading *l, struct lk_document *d, const char *at, const char *text, int steps,
	struct spot *base, int *level)
{
	const char *hash = strchr(text, '#');
	size_t i = 0;

	base->document = d;
	if (hash) {
		char *file = lk_arena_strndup(l->arena, text, (size_t)(hash - text));

		if (!file)
			return lk_error_nomem(l->err);
		LK_TRY(lk_document_refer(l, d, at, file, &base->document));
		text = hash + 1;
	}
	LK_TRY(find_resource(l, base->document, at, text, &i));
	if (base->document->states[i] == RESOLVING)
		return lk_prop_wrong(l, at, "'%s' extends itself, by one way or another", text);
	if (steps == MOST_STEPS || base->document->states[i] == RESOLVED + MOST_STEPS)
		return lk_prop_wrong(l, at, "goes through more than %d resources", MOST_STEPS);
	l->document = base->document;
	LK_TRY(resolve_resource(l, base->document, i, steps + 1));
	l->document = d;
	*level = base->document->states[i] - RESOLVED + 1;
	base->value = json_array_get(resources_of(base->document), i);
	base->at = lk_prop_item(l, "resources", i);
	return LK_OK;
}

static bool is_in(const char *const *list, const char *word)
{
	while (*list && strcmp(*list, word))
		list++;
	return *list;
}

/* Whether what stands under a package's lk may as well stand under a resource's. */
static bool is_of_resources(const char *word)
{
	bool is = is_in(lk_known_resource_lk, word);

	for (int i = 0; lk_file_format_at(i); i++)
		is = is || is_in(lk_file_format_at(i)->properties, word);
	return is;
}

/* What a resource of another package has from that package goes with it. */
static enum lk_status take_package(struct lk_loading *l, const struct spot *own, const struct lk_document *from)
{
	json_t *lk = json_object_get(own->value, "lk"), *schema = json_object_get(own->value, "schema"),
	       *missing = json_object_get(from->root, "missingValues");
	const char *key, *lk_at = lk_prop_at(l, own->at, "lk");
	json_t *value;

	json_object_foreach(json_object_get(from->root, "lk"), key, value)
	{
		if (!is_of_resources(key) || json_object_get(lk, key))
			continue;
		if (json_object_set_new(lk, key, json_deep_copy(value)))
			return lk_error_nomem(l->err);
		LK_TRY(lk_document_put_origin(
			l, own->document, lk_prop_at(l, lk_at, key), from->file, lk_prop_at(l, "lk", key), true));
	}
	if (missing && json_is_object(schema) && !json_object_get(schema, "missingValues") &&
		!json_object_get(own->value, "missingValues") &&
		json_object_set_new(schema, "missingValues", json_deep_copy(missing)))
		return lk_error_nomem(l->err);
	return LK_OK;
}

/* A variant is of its base's table, unless it says otherwise, but has a name of its own. */
static enum lk_status settle_identity(struct lk_loading *l, const struct spot *own, const struct spot *base, json_t *name)
{
	const char *base_name = json_string_value(json_object_get(base->value, "name"));
	json_t *lk = json_object_get(own->value, "lk");
	char *table;

	if (!name)
		json_object_del(own->value, "name");
	if (json_object_get(lk, "table"))
		return LK_OK;
	table = lk_arena_strdup(l->arena, base_name);
	for (char *p = table; p && *p; p++)
		if (*p == '-')
			*p = '_';
	return !table || json_object_set_new(lk, "table", json_string(table)) ? lk_error_nomem(l->err) : LK_OK;
}

static enum lk_status extend(struct lk_loading *l, const struct spot *own, int steps, int *level)
{
	const json_t *lk = json_object_get(own->value, "lk");
	json_t *name = json_object_get(own->value, "name");
	const char *at = lk_prop_at(l, own->at, "lk.extends"), *text = NULL;
	struct spot base;

	if (!json_is_object(lk) || !json_object_get(lk, "extends"))
		return LK_OK;
	LK_TRY(lk_prop_copy_text(l, at, json_object_get(lk, "extends"), &text));
	LK_TRY(find_base(l, own->document, at, text, steps, &base, level));
	LK_TRY(merge_objects(l, own, &base));
	if (base.document != own->document)
		LK_TRY(take_package(l, own, base.document));
	return settle_identity(l, own, &base, name);
}

/* ---- everything ---- */

static enum lk_status resolve_parts(struct lk_loading *l, const struct spot *own, int steps, int *level)
{
	json_t *field;
	size_t i;

	LK_TRY(resolve_reference(l, own, "schema"));
	LK_TRY(resolve_reference(l, own, "dialect"));
	LK_TRY(extend(l, own, steps, level));
	json_array_foreach(json_object_get(json_object_get(own->value, "schema"), "fields"), i, field)
		if (is_dropped(field))
			return lk_prop_wrong(l, lk_prop_at(l, lk_prop_item(l, lk_prop_at(l, own->at, "schema.fields"), i), "lk.drop"),
				"only a resource that extends one with this field drops it");
	return LK_OK;
}

static enum lk_status resolve_resource(struct lk_loading *l, struct lk_document *d, size_t i, int steps)
{
	struct spot own = {d, json_array_get(resources_of(d), i), lk_prop_item(l, "resources", i)};
	int level = 0;

	if (d->states[i] >= RESOLVED || !json_is_object(own.value))
		return LK_OK;
	d->states[i] = RESOLVING;
	LK_TRY(resolve_parts(l, &own, steps, &level));
	d->states[i] = (char)(RESOLVED + level);
	return LK_OK;
}

/* Where there is no format, the media type says it. */
static enum lk_status settle_format(struct lk_loading *l, json_t *resource, const char *at)
{
	const char *type = NULL, *word;

	LK_TRY(lk_prop_text(l, resource, at, "mediatype", &type));
	if (!type || json_object_get(resource, "format"))
		return LK_OK;
	word = lk_file_format_of_media(type);
	if (!word)
		return lk_prop_wrong(l, lk_prop_at(l, at, "mediatype"),
			"'%s' does not say which format this is: give the resource a format", type);
	return json_object_set_new(resource, "format", json_string(word)) ? lk_error_nomem(l->err) : LK_OK;
}

enum lk_status lk_documents_resolve(struct lk_loading *l)
{
	struct lk_document *d = l->documents;

	for (size_t i = 0; i < json_array_size(resources_of(d)); i++) {
		l->document = d;
		LK_TRY(resolve_resource(l, d, i, 0));
	}
	l->document = d;
	for (size_t i = 0; i < json_array_size(resources_of(d)); i++)
		LK_TRY(settle_format(l, json_array_get(resources_of(d), i), lk_prop_item(l, "resources", i)));
	return LK_OK;
}
