#include "infer/update.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "infer/draft.h"
#include "infer/like.h"
#include "infer/words.h"

#define RENAMED_FIELDS 64 /* among which the field is looked for that a column was */

struct update {
	const struct lk_table *t;
	const struct lk_resource *r;
	json_t *resource, *schema, *fields;
	bool *found;				/* by field: some column is it */
	const struct lk_source_field **renamed; /* by column: the field that it may have become; NULL for none */
	int failures;
};

/* ---- places in the package ---- */

static json_t *find_resource(json_t *package, const char *name)
{
	json_t *resource;
	size_t i;

	json_array_foreach(json_object_get(package, "resources"), i, resource)
	{
		const char *own = json_string_value(json_object_get(resource, "name"));

		if (own && !strcmp(own, name))
			return resource;
	}
	return NULL;
}

static int find_field(const struct update *u, const char *name)
{
	json_t *field;
	size_t i;

	json_array_foreach(u->fields, i, field)
	{
		const char *own = json_string_value(json_object_get(field, "name"));

		if (own && !strcmp(own, name))
			return (int)i;
	}
	return -1;
}

/* The `lk` of a resource or a field, made where it is missing. */
static json_t *lk_of(struct update *u, json_t *object)
{
	json_t *lk = json_object_get(object, "lk");

	if (lk)
		return lk;
	lk = json_object();
	u->failures |= json_object_set_new(object, "lk", lk);
	return lk;
}

static void set_text(struct update *u, json_t *object, const char *key, const char *text)
{
	u->failures |= json_object_set_new(object, key, json_string(text));
}

/* Adds a text to a list, which is made of `first` (not NULL) where it is missing. */
static void add_text(struct update *u, json_t *object, const char *key, json_t *first, const char *text)
{
	json_t *list = json_object_get(object, key), *item;
	size_t i;

	if (!json_is_array(list)) {
		list = json_deep_copy(first);
		u->failures |= json_object_set_new(object, key, list);
	}
	json_array_foreach(list, i, item)
	{
		const char *own = json_string_value(json_is_object(item) ? json_object_get(item, "value") : item);

		if (own && !strcmp(own, text))
			return;
	}
	u->failures |= json_array_append_new(list, json_string(text));
}

/* ---- types ---- */

/* Properties that belong to a type; the lower ones are of lk. */
static void drop_type(json_t *field)
{
	static const char *const own[] = {"format", "trueValues", "falseValues", "decimalChar", "groupChar", "bareNumber", NULL};
	json_t *lk = json_object_get(field, "lk");

	for (int i = 0; own[i]; i++)
		json_object_del(field, own[i]);
	json_object_del(lk, "decimal");
	json_object_del(lk, "timezone");
	json_object_del(lk, "bad");
	if (lk && !json_object_size(lk))
		json_object_del(field, "lk");
}

static const char *type_of(const json_t *field)
{
	const char *type = json_string_value(json_object_get(field, "type"));

	return type ? type : "string";
}

static bool same_property(const json_t *a, const json_t *b, const char *key)
{
	const json_t *of_a = json_object_get(a, key), *of_b = json_object_get(b, key);

	return of_a == of_b || json_equal(of_a, of_b);
}

/* Of one type and written in one way; words apart. */
static bool same_form(const json_t *a, const json_t *b)
{
	return !strcmp(type_of(a), type_of(b)) && same_property(a, b, "format") && same_property(a, b, "decimalChar") &&
	       same_property(a, b, "groupChar") && same_property(a, b, "bareNumber") &&
	       same_property(json_object_get(a, "lk"), json_object_get(b, "lk"), "timezone");
}

static void add_words(struct update *u, json_t *field, const json_t *drafted, const char *key, json_t *standard)
{
	json_t *word;
	size_t i;

	json_array_foreach(json_object_get(drafted, key), i, word)
		add_text(u, field, key, standard, json_string_value(word));
}

/* What the standard takes for true or false; a list of the field's stands in its place. */
static void add_booleans(struct update *u, json_t *field, const struct lk_profile *p)
{
	json_t *trues = json_pack("[ssss]", "true", "True", "TRUE", "1"), *falses = json_pack("[ssss]", "false", "False", "FALSE", "0");

	u->failures |= !trues || !falses;
	for (int i = 0; i < LK_BOOLEAN_WORDS && !u->failures; i++)
		if (p->booleans & (UINT32_C(1) << i) && (i >= 6 || json_object_get(field, i % 2 ? "falseValues" : "trueValues")))
			add_text(u, field, i % 2 ? "falseValues" : "trueValues", i % 2 ? falses : trues, lk_boolean_words[i]);
	json_decref(trues);
	json_decref(falses);
}

/* A decimal that holds both; a double where there is none. */
static void widen_decimal(struct update *u, json_t *field, const json_t *drafted)
{
	json_t *own = json_object_get(json_object_get(field, "lk"), "decimal");
	json_t *other = json_object_get(json_object_get(drafted, "lk"), "decimal");
	json_int_t scale, other_scale, whole, other_whole;

	if (!own || !other) {
		if (own)
			json_object_del(json_object_get(field, "lk"), "decimal");
		return;
	}
	scale = json_integer_value(json_array_get(own, 1));
	other_scale = json_integer_value(json_array_get(other, 1));
	whole = json_integer_value(json_array_get(own, 0)) - scale;
	other_whole = json_integer_value(json_array_get(other, 0)) - other_scale;
	scale = scale > other_scale ? scale : other_scale;
	whole = whole > other_whole ? whole : other_whole;
	whole = whole + scale > 38 ? 38 - scale : whole;
	u->failures |= json_object_set_new(json_object_get(field, "lk"), "decimal", json_pack("[II]", whole + scale, scale));
}

static bool is_pair(const json_t *a, const json_t *b, const char *one, const char *other)
{
	return (!strcmp(type_of(a), one) && !strcmp(type_of(b), other)) || (!strcmp(type_of(a), other) && !strcmp(type_of(b), one));
}

static bool is_plain(const json_t *field)
{
	return !json_object_get(field, "format") && !json_object_get(field, "decimalChar") && !json_object_get(field, "groupChar") &&
	       !json_object_get(field, "bareNumber");
}

/* A type that takes what the field's takes, and all values of the sample. */
static void widen_type(struct update *u, json_t *field, const json_t *drafted)
{
	bool plain = is_plain(field) && is_plain(drafted);

	if (same_form(field, drafted)) {
		if (!strcmp(type_of(field), "number"))
			widen_decimal(u, field, drafted);
	} else if (plain && is_pair(field, drafted, "integer", "number")) {
		drop_type(field);
		set_text(u, field, "type", "number");
	} else if (plain && is_pair(field, drafted, "date", "datetime")) {
		json_t *zone = json_incref(json_object_get(json_object_get(drafted, "lk"), "timezone"));

		set_text(u, field, "type", "datetime");
		set_text(u, field, "format", "any");
		if (zone)
			u->failures |= json_object_set_new(lk_of(u, field), "timezone", zone);
	} else {
		drop_type(field);
		set_text(u, field, "type", "string");
	}
}

/* ---- fields ---- */

static json_t *standard_missing(const struct update *u)
{
	json_t *list = json_object_get(u->schema, "missingValues");

	if (!list)
		list = json_object_get(u->resource, "missingValues");
	return json_is_array(list) ? json_deep_copy(list) : json_pack("[s]", "");
}

static void widen_values(struct update *u, json_t *field, const struct lk_table_column *c)
{
	struct lk_choice choice;
	json_t *drafted, *missing = standard_missing(u);

	lk_choice_make(&choice, c->name, c->profile);
	if (!strcmp(type_of(field), "boolean") && c->profile->fits[LK_MAYBE_BOOLEAN].fit == c->profile->values)
		choice.id = LK_MAYBE_BOOLEAN; /* one word for no is enough, where others were known */
	drafted = lk_draft_field(c, &choice, 0);
	u->failures |= !drafted || !missing;
	if (!u->failures) {
		widen_type(u, field, drafted);
		if (strcmp(type_of(field), "string"))
			add_words(u, field, drafted, "missingValues", missing);
		if (!strcmp(type_of(field), "boolean"))
			add_booleans(u, field, c->profile);
	}
	json_decref(drafted);
	json_decref(missing);
}

static void drop_required(struct update *u, json_t *field)
{
	json_t *constraints = json_object_get(field, "constraints");

	(void)u;
	json_object_del(constraints, "required");
	if (constraints && !json_object_size(constraints))
		json_object_del(field, "constraints");
}

/* The field, which the file lacks, that the column may have become: between the same neighbours, of which it is one of the first. */
static const struct lk_source_field *find_renamed(const struct update *u, int column)
{
	const struct lk_table *t = u->t;
	int low = -1, high = u->r->field_count;

	for (int i = column - 1; i >= 0 && low < 0; i--)
		if (t->columns[i].expected)
			low = (int)(t->columns[i].expected - u->r->fields);
	for (int i = column + 1; i < t->count && high == u->r->field_count; i++)
		if (t->columns[i].expected)
			high = (int)(t->columns[i].expected - u->r->fields);
	high = high > low + 1 + RENAMED_FIELDS ? low + 1 + RENAMED_FIELDS : high;
	for (int k = low + 1; k < high; k++)
		if (!u->found[k] && lk_names_alike(u->r->fields[k].name, t->columns[column].name) == 1)
			return &u->r->fields[k];
	return NULL;
}

/* Fields that a column is, and columns that became others: both known once, as they are asked for time and again. */
static bool know_fields(struct update *u)
{
	const struct lk_table *t = u->t;

	u->found = calloc((size_t)u->r->field_count + 1, sizeof(*u->found));
	u->renamed = calloc((size_t)t->count + 1, sizeof(*u->renamed));
	if (!u->found || !u->renamed)
		return false;
	for (int k = 0; k < u->r->field_count; k++)
		u->found[k] = u->r->fields[k].origin != LK_ORIGIN_RECORD;
	for (int i = 0; i < t->count; i++)
		if (t->columns[i].expected)
			u->found[t->columns[i].expected - u->r->fields] = true;
	for (int i = 0; i < t->count && t->has_header; i++)
		if (!t->columns[i].expected)
			u->renamed[i] = find_renamed(u, i);
	return true;
}

static void add_alias(struct update *u, const struct lk_source_field *f, const char *name)
{
	int at = find_field(u, f->name);
	json_t *none = json_array();

	u->failures |= !none || at < 0;
	if (!u->failures)
		add_text(u, lk_of(u, json_array_get(u->fields, (size_t)at)), "aliases", none, name);
	json_decref(none);
}

/* A column that the package has not: behind the one before it. */
static void add_column(struct update *u, int column, int behind)
{
	const struct lk_table_column *c = &u->t->columns[column];
	struct lk_choice choice;

	lk_choice_make(&choice, c->name, c->profile);
	u->failures |= json_array_insert_new(u->fields, (size_t)behind + 1, lk_draft_field(c, &choice, 0));
}

static enum lk_status update_columns(struct update *u, bool *added, struct lk_error *err)
{
	int behind = -1;

	for (int i = 0; i < u->t->count && !u->failures; i++) {
		const struct lk_table_column *c = &u->t->columns[i];
		const struct lk_source_field *renamed = u->renamed[i];
		int at = c->expected || renamed ? find_field(u, (c->expected ? c->expected : renamed)->name) : -1;

		if ((c->expected || renamed) && at < 0)
			return lk_error_set(err, LK_CONFIG, "the field '%s' is not in the package's own file",
				(c->expected ? c->expected : renamed)->name);
		if (renamed)
			add_alias(u, renamed, c->name);
		if (c->expected && c->misfits)
			widen_values(u, json_array_get(u->fields, (size_t)at), c);
		if (c->expected && c->expected->required && (c->missing || !c->always))
			drop_required(u, json_array_get(u->fields, (size_t)at));
		if (at < 0 && !u->r->rest) {
			add_column(u, i, behind);
			*added = true;
			at = behind + 1;
		}
		behind = at >= 0 ? at : behind;
	}
	return u->failures ? lk_error_nomem(err) : LK_OK;
}

/* ---- the resource ---- */

/* Fields that no column of the file is: those that are required cannot be any more. */
static bool drop_missing(struct update *u)
{
	bool missing = false;

	for (int i = 0; i < u->t->count; i++)
		if (u->renamed[i])
			u->found[u->renamed[i] - u->r->fields] = true;
	for (int k = 0; k < u->r->field_count; k++) {
		const struct lk_source_field *f = &u->r->fields[k];
		int at = u->found[k] || !f->required ? -1 : find_field(u, f->name);

		if (at >= 0)
			drop_required(u, json_array_get(u->fields, (size_t)at));
		missing |= !u->found[k];
	}
	return missing;
}

static bool in_order(const struct update *u)
{
	const struct lk_source_field *last = NULL;

	for (int i = 0; i < u->t->count; i++) {
		if (u->t->columns[i].expected && u->t->columns[i].expected < last)
			return false;
		if (u->t->columns[i].expected)
			last = u->t->columns[i].expected;
	}
	return true;
}

/* How far headers may differ from now on. */
static void update_match(struct update *u, bool added, bool missing)
{
	enum lk_fields_match match = u->r->match;

	if ((added || missing) && match <= LK_FIELDS_EQUAL)
		set_text(u, u->schema, "fieldsMatch", "superset");
	else if (missing && match == LK_FIELDS_SUBSET)
		set_text(u, u->schema, "fieldsMatch", "partial");
	else if (match == LK_FIELDS_EXACT && !in_order(u))
		set_text(u, u->schema, "fieldsMatch", "equal");
}

static void update_path(struct update *u, const char *const *globs, int count)
{
	for (int f = 0; f < u->t->file_count; f++) {
		json_t *path, *first;

		if (lk_globs_take(u->r->paths, u->r->path_count, u->t->files[f].member))
			continue;
		path = json_object_get(u->resource, "path");
		first = json_is_array(path) ? json_incref(path) : json_pack("[O]", path);
		u->failures |= !first;
		for (int i = 0; i < count && !u->failures; i++)
			add_text(u, u->resource, "path", first, globs[i]);
		json_decref(first);
		return;
	}
}

static void update_writing(struct update *u)
{
	const struct lk_table *t = u->t;

	if (t->encoding_count > u->r->encodings.count) {
		json_t *list = json_array();

		for (int i = 0; i < t->encoding_count; i++)
			u->failures |= json_array_append_new(list, json_string(t->encodings[i]));
		json_object_del(u->resource, "encoding");
		u->failures |= json_object_set_new(lk_of(u, u->resource), "encodings", list);
	}
	if (t->padded && !u->r->pads)
		set_text(u, lk_of(u, u->resource), "ragged", "pad");
	if (t->surplus && !u->r->rest)
		u->failures |= json_object_set_new(lk_of(u, u->resource), "rest", json_true());
	if (t->mended)
		set_text(u, lk_of(u, u->resource), "quotes", "mend");
}

static enum lk_status update_impl(struct update *u, const char *const *globs, int glob_count, struct lk_error *err)
{
	bool added = false, missing;

	if (!know_fields(u))
		return lk_error_nomem(err);
	LK_TRY(update_columns(u, &added, err));
	missing = u->t->has_header && drop_missing(u);
	if (u->t->has_header)
		update_match(u, added, missing);
	update_path(u, globs, glob_count);
	update_writing(u);
	return u->failures ? lk_error_nomem(err) : LK_OK;
}

enum lk_status lk_update(
	json_t *package, const struct lk_table *t, const char *const *globs, int glob_count, struct lk_error *err)
{
	struct update u = {.t = t, .r = t->like, .resource = find_resource(package, t->like->name)};
	enum lk_status status;

	u.schema = json_object_get(u.resource, "schema");
	u.fields = json_object_get(u.schema, "fields");
	if (!json_is_array(u.fields))
		return lk_error_set(err, LK_CONFIG, "the schema of the resource '%s' is not in the package's own file", t->like->name);
	status = update_impl(&u, globs, glob_count, err);
	free(u.found);
	free(u.renamed);
	return status;
}
