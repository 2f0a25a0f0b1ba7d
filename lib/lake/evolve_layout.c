#include "lake/evolve.h"

#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "lake/primitive.h"
#include "lake/transform.h"

#define FIRST_FIELD_ID 1000 /* of partition fields */

/* ---- terms ---- */

static enum lk_status find_source(struct lk_evolve *e, const struct lk_term *term, const struct lk_tree_node **source,
	struct lk_error *err)
{
	const char *path = lk_str_text(&term->path);
	struct lk_primitive type;

	LK_TRY(lk_evolve_find(e, path, source, err));
	if (!json_is_string((*source)->type))
		return lk_error_set(err, LK_DATA, "column '%s' is nested; what is inside of it may be used", path);
	if (lk_tree_repeated(&e->tree, *source))
		return lk_error_set(err, LK_DATA, "column '%s' is inside of a list or map, and has many values a row", path);
	type = lk_primitive_read(json_string_value((*source)->type));
	if (!lk_transform_takes(term->transform, &type)) {
		struct lk_str text = LK_STR_INIT;

		lk_term_write(term, &text);
		lk_error_set(err, LK_DATA, "%s does not go with column '%s', which is %s", lk_str_text(&text), path,
			json_string_value((*source)->type));
		lk_str_release(&text);
		return LK_DATA;
	}
	return LK_OK;
}

static json_t *word_of(const struct lk_term *term)
{
	struct lk_str word = LK_STR_INIT;
	json_t *out;

	lk_transform_word(term->transform, term->width, &word);
	out = json_string(lk_str_text(&word));
	lk_str_release(&word);
	return out;
}

/* ---- partitions ---- */

static bool same_term(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "source-id"), json_object_get(b, "source-id")) &&
	       json_equal(json_object_get(a, "transform"), json_object_get(b, "transform"));
}

static bool is_time(const json_t *field)
{
	const char *word = lk_metadata_text(field, "transform");

	return !strcmp(word, "year") || !strcmp(word, "month") || !strcmp(word, "day") || !strcmp(word, "hour");
}

/* A field of the same term, and of that name where one is given, in any spec that the table has or had. */
static json_t *find_old(const struct lk_evolve *e, const json_t *field, const char *name)
{
	json_t *spec, *old;
	size_t i, k;

	json_array_foreach(json_object_get(e->root, "partition-specs"), i, spec)
		json_array_foreach(json_object_get(spec, "fields"), k, old)
			if (same_term(old, field) && (!name || !strcmp(name, lk_metadata_text(old, "name"))))
				return old;
	return NULL;
}

/* The field of that name among those that will be, and where it stands. */
static json_t *find_named(const struct lk_evolve *e, const char *name, size_t *index)
{
	for (*index = 0; *index < json_array_size(e->spec); ++*index)
		if (!strcmp(lk_metadata_text(json_array_get(e->spec, *index), "name"), name))
			return json_array_get(e->spec, *index);
	return NULL;
}

/* A field's name is a column in a table's files, and must not be taken for another column of the table. */
static enum lk_status check_column(const struct lk_evolve *e, const json_t *field, bool fresh, struct lk_error *err)
{
	const char *name = lk_metadata_text(field, "name");
	const struct lk_tree_node *column = lk_tree_find(&e->tree, name);
	bool own = column && column->id == lk_metadata_number(field, "source-id", 0);

	if (!column || (own && (!fresh || !strcmp(lk_metadata_text(field, "transform"), "identity"))))
		return LK_OK;
	return lk_error_set(err, LK_DATA, "partition field '%s' and a column have the same name", name);
}

static enum lk_status check_new(const struct lk_evolve *e, const json_t *field, struct lk_error *err)
{
	const char *name = lk_metadata_text(field, "name");
	json_t *other;
	size_t i;

	if (find_named(e, name, &i))
		return lk_error_set(err, LK_DATA, "there is a partition field '%s' already", name);
	json_array_foreach(e->spec, i, other) {
		if (same_term(other, field))
			return lk_error_set(err, LK_DATA, "partition field '%s' is the same", lk_metadata_text(other, "name"));
		if (is_time(other) && is_time(field) && !json_object_get(other, "field-id") &&
			json_equal(json_object_get(other, "source-id"), json_object_get(field, "source-id")))
			return lk_error_set(err, LK_DATA, "partition fields '%s' and '%s' say the same of one column",
				lk_metadata_text(other, "name"), name);
	}
	return check_column(e, field, true, err);
}

static json_t *make_field(const struct lk_tree_node *source, const struct lk_term *term, const char *name)
{
	json_t *field = json_pack("{s:I, s:o}", "source-id", (json_int_t)source->id, "transform", word_of(term));
	struct lk_str own = LK_STR_INIT;

	if (!name) {
		lk_term_name(term, &own);
		name = lk_str_text(&own);
	}
	if (field && json_object_set_new(field, "name", json_string(name))) {
		json_decref(field);
		field = NULL;
	}
	lk_str_release(&own);
	return field;
}

enum lk_status lk_evolve_add_partition(struct lk_evolve *e, const struct lk_term *term, const char *name, struct lk_error *err)
{
	const struct lk_tree_node *source;
	enum lk_status status;
	json_t *field, *old;

	LK_TRY(find_source(e, term, &source, err));
	if (term->transform == LK_TRANSFORM_VOID)
		return lk_error_set(err, LK_DATA, "void keeps nothing apart; a partition field is dropped instead");
	field = make_field(source, term, name);
	if (!field)
		return lk_error_nomem(err);
	old = find_old(e, field, name);
	if (old && !name)
		json_object_set(field, "name", json_object_get(old, "name"));
	status = check_new(e, field, err);
	if (!status && json_array_append(e->spec, field))
		status = lk_error_nomem(err);
	json_decref(field);
	return status;
}

enum lk_status lk_evolve_drop_partition(struct lk_evolve *e, const struct lk_term *term, struct lk_error *err)
{
	const char *path = lk_str_text(&term->path);
	const struct lk_tree_node *source = lk_tree_find(&e->tree, path);
	struct lk_str text = LK_STR_INIT;
	json_t *field, *wanted;
	size_t i;

	if (source) {
		LK_TRY(lk_evolve_find(e, path, &source, err));
		wanted = make_field(source, term, NULL);
		json_array_foreach(e->spec, i, field)
			if (same_term(field, wanted))
				break;
		json_decref(wanted);
		if (i < json_array_size(e->spec))
			return json_array_remove(e->spec, i) ? lk_error_nomem(err) : LK_OK;
	}
	if (term->transform == LK_TRANSFORM_IDENTITY && find_named(e, path, &i))
		return json_array_remove(e->spec, i) ? lk_error_nomem(err) : LK_OK;
	lk_term_write(term, &text);
	lk_error_set(err, LK_DATA, "the table is not partitioned by %s", lk_str_text(&text));
	lk_str_release(&text);
	return LK_DATA;
}

enum lk_status lk_evolve_rename_partition(struct lk_evolve *e, const char *from, const char *to, struct lk_error *err)
{
	size_t i, k;
	json_t *field = find_named(e, from, &i);

	if (!field)
		return lk_error_set(err, LK_DATA, "there is no partition field '%s'", from);
	if (!*to)
		return lk_error_set(err, LK_DATA, "a partition field's name must not be empty");
	if (find_named(e, to, &k) && k != i)
		return lk_error_set(err, LK_DATA, "there is a partition field '%s' already", to);
	if (json_object_set_new(field, "name", json_string(to)))
		return lk_error_set(err, LK_DATA, "a partition field's name is UTF-8");
	return check_column(e, field, true, err);
}

enum lk_status lk_evolve_unpartition(struct lk_evolve *e, struct lk_error *err)
{
	return json_array_clear(e->spec) ? lk_error_nomem(err) : LK_OK;
}

/* ---- sort order ---- */

enum lk_status lk_evolve_unsort(struct lk_evolve *e, struct lk_error *err)
{
	return json_array_clear(e->order) ? lk_error_nomem(err) : LK_OK;
}

enum lk_status lk_evolve_sort_by(struct lk_evolve *e, const struct lk_term *term, bool descending, bool nulls_last,
	struct lk_error *err)
{
	const struct lk_tree_node *source;
	json_t *field, *other;
	size_t i;

	LK_TRY(find_source(e, term, &source, err));
	if (term->transform == LK_TRANSFORM_VOID)
		return lk_error_set(err, LK_DATA, "void puts nothing in order");
	field = json_pack("{s:o, s:I, s:s, s:s}", "transform", word_of(term), "source-id", (json_int_t)source->id, "direction",
		descending ? "desc" : "asc", "null-order", nulls_last ? "nulls-last" : "nulls-first");
	if (!field)
		return lk_error_nomem(err);
	json_array_foreach(e->order, i, other)
		if (same_term(other, field)) {
			json_decref(field);
			return lk_error_set(err, LK_DATA, "the table cannot be sorted by column '%s' twice", source->path);
		}
	return json_array_append_new(e->order, field) ? lk_error_nomem(err) : LK_OK;
}

/* ---- the end ---- */

static int64_t highest(const json_t *list, const char *key, int64_t least)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (lk_metadata_number(item, key, least) > least)
			least = lk_metadata_number(item, key, least);
	return least;
}

static json_t *list_of(json_t *root, const char *key)
{
	json_t *list = json_object_get(root, key);

	if (!json_is_array(list)) {
		json_object_set_new(root, key, json_array());
		list = json_object_get(root, key);
	}
	return list;
}

/* As the reference implementation compares specs: by source, transform and name, field by field. */
static bool same_spec(const json_t *a, const json_t *b)
{
	size_t i;
	json_t *field;

	json_array_foreach(a, i, field)
		if (!same_term(field, json_array_get(b, i)) ||
			!json_equal(json_object_get(field, "name"), json_object_get(json_array_get(b, i), "name")))
			return false;
	return json_array_size(a) == json_array_size(b);
}

/* The highest id of any spec, as other engines may have given out more than last-partition-id says. */
static int64_t last_field_id(const json_t *root)
{
	int64_t last = lk_metadata_number(root, "last-partition-id", FIRST_FIELD_ID - 1);
	json_t *spec;
	size_t i;

	json_array_foreach(json_object_get(root, "partition-specs"), i, spec)
		last = highest(json_object_get(spec, "fields"), "field-id", last);
	return last < FIRST_FIELD_ID - 1 ? FIRST_FIELD_ID - 1 : last;
}

static bool id_taken(const json_t *fields, const json_t *id)
{
	json_t *field;
	size_t i;

	json_array_foreach(fields, i, field)
		if (json_equal(json_object_get(field, "field-id"), (json_t *)id))
			return true;
	return false;
}

/* An equal field of before lends its id; others get new ones. */
static enum lk_status number_fields(struct lk_evolve *e, struct lk_error *err)
{
	int64_t last = last_field_id(e->root);
	json_t *field;
	size_t i;

	json_array_foreach(e->spec, i, field) {
		const json_t *old = find_old(e, field, lk_metadata_text(field, "name")), *id = json_object_get(old, "field-id");

		if (json_object_get(field, "field-id"))
			continue;
		if (id && !id_taken(e->spec, id) && json_object_set(field, "field-id", (json_t *)id))
			return lk_error_nomem(err);
		if (!json_object_get(field, "field-id") && json_object_set_new(field, "field-id", json_integer(++last)))
			return lk_error_nomem(err);
	}
	if (last > INT32_MAX)
		return lk_error_set(err, LK_DATA, "its ids of partition fields are used up");
	return json_object_set_new(e->root, "last-partition-id", json_integer(last)) ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status finish_spec(struct lk_evolve *e, struct lk_error *err)
{
	json_t *specs = list_of(e->root, "partition-specs"), *spec;
	int64_t id = highest(specs, "spec-id", -1) + 1;
	size_t i;

	if (same_spec(json_object_get(lk_metadata_spec(e->root), "fields"), e->spec))
		return LK_OK;
	json_array_foreach(specs, i, spec)
		if (same_spec(json_object_get(spec, "fields"), e->spec))
			return json_object_set(e->root, "default-spec-id", json_object_get(spec, "spec-id")) ? lk_error_nomem(err)
													   : LK_OK;
	LK_TRY(number_fields(e, err));
	if (json_array_append_new(specs, json_pack("{s:I, s:O}", "spec-id", (json_int_t)id, "fields", e->spec)) ||
		json_object_set_new(e->root, "default-spec-id", json_integer(id)))
		return lk_error_nomem(err);
	return LK_OK;
}

static enum lk_status finish_order(struct lk_evolve *e, struct lk_error *err)
{
	json_t *orders = list_of(e->root, "sort-orders"), *order;
	int64_t id = json_array_size(e->order) ? highest(orders, "order-id", 0) + 1 : 0;
	size_t i;

	json_array_foreach(orders, i, order)
		if (lk_metadata_number(order, "order-id", -1) == lk_metadata_number(e->root, "default-sort-order-id", 0) &&
			json_equal(json_object_get(order, "fields"), e->order))
			return LK_OK;
	json_array_foreach(orders, i, order)
		if (json_equal(json_object_get(order, "fields"), e->order))
			return json_object_set(e->root, "default-sort-order-id", json_object_get(order, "order-id"))
				       ? lk_error_nomem(err)
				       : LK_OK;
	if (json_array_append_new(orders, json_pack("{s:I, s:O}", "order-id", (json_int_t)id, "fields", e->order)) ||
		json_object_set_new(e->root, "default-sort-order-id", json_integer(id)))
		return lk_error_nomem(err);
	return LK_OK;
}

enum lk_status lk_evolve_check_specs(const struct lk_evolve *e, struct lk_error *err)
{
	json_t *spec, *field;
	size_t i, k;

	json_array_foreach(json_object_get(e->root, "partition-specs"), i, spec)
		json_array_foreach(json_object_get(spec, "fields"), k, field)
			LK_TRY(check_column(e, field, false, err));
	return LK_OK;
}

enum lk_status lk_evolve_finish_layout(struct lk_evolve *e, struct lk_error *err)
{
	LK_TRY(finish_spec(e, err));
	return finish_order(e, err);
}
