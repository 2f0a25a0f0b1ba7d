#include "lake/evolve.h"

#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "stream/side.h"

#define MAPPING "schema.name-mapping.default"

static json_t *properties_of(const struct lk_evolve *e)
{
	json_t *properties = json_object_get(e->root, "properties");

	if (!json_is_object(properties)) {
		json_object_set_new(e->root, "properties", json_object());
		properties = json_object_get(e->root, "properties");
	}
	return properties;
}

/* ---- set and unset ---- */

/* What Java keeps in properties of its own and never stores. */
static bool is_reserved(const char *key)
{
	static const char *const reserved[] = {"format-version", "uuid", "snapshot-count", "current-snapshot-id",
		"current-snapshot-summary", "current-snapshot-timestamp-ms", "current-schema", "default-partition-spec",
		"default-sort-order"};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (!strcmp(key, reserved[i]))
			return true;
	return false;
}

static bool is_mapping(const json_t *mapping, int depth);

enum lk_status lk_evolve_set(struct lk_evolve *e, const char *key, const char *value, struct lk_error *err)
{
	if (!*key || is_reserved(key))
		return lk_error_set(err, LK_DATA, "'%s' is not for properties; Iceberg keeps it elsewhere", key);
	if (!strcmp(key, MAPPING)) {
		json_t *mapping = json_loads(value, 0, NULL);
		bool good = is_mapping(mapping, 0);

		json_decref(mapping);
		if (!good)
			return lk_error_set(err, LK_DATA, "property '%s' is a JSON list of field ids and names", key);
	}
	if (json_object_set_new(properties_of(e), key, json_string(value)))
		return lk_error_set(err, LK_DATA, "property '%s' is not UTF-8", key);
	return LK_OK;
}

enum lk_status lk_evolve_unset(struct lk_evolve *e, const char *key, struct lk_error *err)
{
	if (json_object_del(properties_of(e), key))
		return lk_error_set(err, LK_DATA, "there is no property '%s'", key);
	return LK_OK;
}

/* ---- what became of columns ---- */

struct change {
	struct lk_evolve *e;
	struct lk_tree before;
};

static const struct lk_tree_node *now(const struct change *c, const struct lk_tree_node *was)
{
	return lk_tree_by_id(&c->e->tree, was->id);
}

/* ---- properties of columns ---- */

/* Property names that end in a column's full name. Those of Iceberg go with their column when it is dropped; a privacy class
 * stays, as snapshots of before still hold the values. */
static const struct {
	const char *prefix;
	bool stays;
} prefixes[] = {
	{"write.metadata.metrics.column.", false},
	{"write.parquet.bloom-filter-enabled.column.", false},
	{"write.parquet.bloom-filter-fpp.column.", false},
	{"write.parquet.bloom-filter-ndv.column.", false},
	{"write.parquet.stats-enabled.column.", false},
	{LK_META_PHI ".", true},
};

static bool move_property(json_t *properties, const char *prefix, bool stays, const char *from, const char *to,
	json_t *moved)
{
	struct lk_str key = LK_STR_INIT, target = LK_STR_INIT;
	json_t *value;
	bool good = true;

	lk_str_addf(&key, "%s%s", prefix, from);
	value = json_incref(json_object_get(properties, lk_str_text(&key)));
	if (value && to) {
		lk_str_addf(&target, "%s%s", prefix, to);
		good = !json_object_set(moved, lk_str_text(&target), value);
	}
	if (value && (to || !stays))
		json_object_del(properties, lk_str_text(&key));
	json_decref(value);
	good = good && !key.failed && !target.failed;
	lk_str_release(&key);
	lk_str_release(&target);
	return good;
}

/* All leave their old names before any takes its new one: two columns may change names with each other. */
static enum lk_status move_properties(struct change *c, struct lk_error *err)
{
	json_t *properties = properties_of(c->e), *moved = json_object();
	bool good = moved;

	for (size_t i = 0; i < c->before.count && good; i++) {
		const struct lk_tree_node *was = &c->before.nodes[i], *is = now(c, was);

		if (is && !strcmp(is->path, was->path))
			continue;
		for (size_t k = 0; k < sizeof(prefixes) / sizeof(*prefixes) && good; k++)
			good = move_property(properties, prefixes[k].prefix, prefixes[k].stays, was->path,
				is ? is->path : NULL, moved);
	}
	good = good && !json_object_update(properties, moved);
	json_decref(moved);
	return good ? LK_OK : lk_error_nomem(err);
}

/* ---- properties that name columns ---- */

/* The name that a column has now, or what is wrong. */
static enum lk_status rename_one(struct change *c, const char *key, const char *name, const char **to, struct lk_error *err)
{
	const struct lk_tree_node *was = lk_tree_find(&c->before, name), *is = was ? now(c, was) : NULL;

	*to = is ? is->path : name;
	if (was && !is)
		return lk_error_set(err, LK_DATA, "column '%s' is named by the table's property %s; unset that first", name, key);
	return LK_OK;
}

static enum lk_status rename_text(struct change *c, const char *key, struct lk_error *err)
{
	json_t *properties = properties_of(c->e);
	const char *text = json_string_value(json_object_get(properties, key)), *to;

	if (!text)
		return LK_OK;
	LK_TRY(rename_one(c, key, text, &to, err));
	if (to != text && json_object_set_new(properties, key, json_string(to)))
		return lk_error_nomem(err);
	return LK_OK;
}

static enum lk_status rename_items(struct change *c, const char *key, json_t *list, struct lk_error *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i)), *to;

		if (!name)
			continue;
		LK_TRY(rename_one(c, key, name, &to, err));
		if (to != name && json_array_set_new(list, i, json_string(to)))
			return lk_error_nomem(err);
	}
	return LK_OK;
}

/* A list of names, as JSON in a text. What is none is left as it is. */
static enum lk_status rename_list(struct change *c, const char *key, struct lk_error *err)
{
	json_t *properties = properties_of(c->e);
	const char *text = json_string_value(json_object_get(properties, key));
	json_t *list = text ? json_loads(text, 0, NULL) : NULL;
	enum lk_status status = LK_OK;
	char *written = NULL;

	if (json_is_array(list)) {
		status = rename_items(c, key, list, err);
		if (!status && (!(written = json_dumps(list, JSON_COMPACT)) ||
				       json_object_set_new(properties, key, json_string(written))))
			status = lk_error_nomem(err);
	}
	free(written);
	json_decref(list);
	return status;
}

/* ---- the name mapping ---- */

static bool is_mapping(const json_t *mapping, int depth)
{
	json_t *field, *name;
	size_t i, k;

	if (!json_is_array(mapping) || depth > 64)
		return false;
	json_array_foreach(mapping, i, field) {
		const json_t *id = json_object_get(field, "field-id"), *names = json_object_get(field, "names");
		const json_t *fields = json_object_get(field, "fields");

		if (!json_is_array(names) || (id && !json_is_integer(id)) || (fields && !is_mapping(fields, depth + 1)))
			return false;
		json_array_foreach(names, k, name)
			if (!json_is_string(name))
				return false;
	}
	return true;
}

/* The fields that a mapping has for what is inside of a column; the mapping itself for -1. */
static json_t *mapped_inside(json_t *mapping, int64_t id)
{
	json_t *field, *found = NULL;
	size_t i;

	if (id < 0)
		return mapping;
	for (i = 0; i < json_array_size(mapping) && !found; i++) {
		field = json_array_get(mapping, i);
		if (lk_metadata_number(field, "field-id", -1) != id) {
			found = mapped_inside(json_object_get(field, "fields"), id);
		} else {
			found = json_object_get(field, "fields");
			if (!found && !json_object_set_new(field, "fields", json_array()))
				found = json_object_get(field, "fields");
		}
	}
	return found;
}

static json_t *mapped_field(json_t *siblings, int64_t id)
{
	json_t *field;
	size_t i;

	json_array_foreach(siblings, i, field)
		if (lk_metadata_number(field, "field-id", -1) == id)
			return field;
	return NULL;
}

/* A name means one column only: who has it now takes it from whom it belonged to. */
static void take_name(json_t *siblings, const char *name)
{
	json_t *field;
	size_t i;

	json_array_foreach(siblings, i, field) {
		json_t *names = json_object_get(field, "names");

		for (size_t k = json_array_size(names); k-- > 0;)
			if (!strcmp(json_string_value(json_array_get(names, k)), name))
				json_array_remove(names, k);
	}
}

/* Columns keep the names that files of old know them by, and get those that they have now. */
static bool map_node(const struct change *c, json_t *mapping, const struct lk_tree_node *node)
{
	const struct lk_tree_node *was = lk_tree_by_id(&c->before, node->id), *outer = lk_tree_parent(&c->e->tree, node);
	json_t *siblings, *field;

	if (was && !strcmp(was->name, node->name))
		return true;
	siblings = mapped_inside(mapping, outer ? outer->id : -1);
	if (!siblings)
		return true; /* inside of what the mapping leaves out */
	take_name(siblings, node->name);
	field = mapped_field(siblings, node->id);
	if (field)
		return !json_array_append_new(json_object_get(field, "names"), json_string(node->name));
	return !json_array_append_new(siblings,
		json_pack("{s:I, s:[s]}", "field-id", (json_int_t)node->id, "names", node->name));
}

static enum lk_status map_names(struct change *c, struct lk_error *err)
{
	const char *text = lk_metadata_property(c->e->root, MAPPING);
	json_t *mapping = text ? json_loads(text, 0, NULL) : NULL;
	char *written = NULL;
	bool good = true;

	if (!text)
		return LK_OK;
	if (!is_mapping(mapping, 0)) {
		json_decref(mapping);
		return lk_error_set(err, LK_DATA, "its property %s is no name mapping; set or unset it first", MAPPING);
	}
	for (size_t i = 0; i < c->e->tree.count && good; i++)
		good = map_node(c, mapping, &c->e->tree.nodes[i]);
	if (good)
		written = json_dumps(mapping, JSON_COMPACT);
	good = written && !json_object_set_new(properties_of(c->e), MAPPING, json_string(written));
	free(written);
	json_decref(mapping);
	return good ? LK_OK : lk_error_nomem(err);
}

/* ---- the end ---- */

static enum lk_status finish(struct change *c, struct lk_error *err)
{
	LK_TRY(rename_list(c, LK_META_KEY, err));
	LK_TRY(rename_list(c, LK_META_SCOPE, err));
	LK_TRY(rename_text(c, LK_META_ORDER, err));
	LK_TRY(move_properties(c, err));
	return map_names(c, err);
}

enum lk_status lk_evolve_finish_names(struct lk_evolve *e, const json_t *before, struct lk_error *err)
{
	struct change c = {.e = e};
	enum lk_status status;

	LK_TRY(lk_tree_make(&c.before, before, err));
	status = finish(&c, err);
	lk_tree_release(&c.before);
	return status;
}
