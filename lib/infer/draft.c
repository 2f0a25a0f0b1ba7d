#include "infer/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "infer/words.h"
#include "source/package.h"

/* Jansson answers NULL and takes NULL when memory is short, so that only the last answer needs a look. */

static int set_text(json_t *object, const char *key, const char *text)
{
	return json_object_set_new(object, key, json_string(text));
}

/* Sets a property unless it is an empty object. */
static int set_object(json_t *object, const char *key, json_t *value)
{
	if (value && !json_object_size(value)) {
		json_decref(value);
		return 0;
	}
	return json_object_set_new(object, key, value);
}

/* The object, or nothing where something failed on the way. */
static json_t *whole(json_t *object, int failures)
{
	if (!failures)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *texts_json(const char *const *texts, int count)
{
	json_t *list = json_array();
	int failures = 0;

	for (int i = 0; i < count; i++)
		failures |= json_array_append_new(list, json_string(texts[i]));
	return whole(list, failures);
}

/* ---- fields ---- */

static json_t *boolean_words(const struct lk_profile *p, int falses)
{
	json_t *list = json_array();

	for (int i = falses; i < LK_BOOLEAN_WORDS; i += 2)
		if (p->booleans & (UINT32_C(1) << i) && json_array_append_new(list, json_string(lk_boolean_words[i])))
			return whole(list, 1);
	return list;
}

/* Words that the standard does not take by itself; a list is never empty. */
static int set_booleans(json_t *field, const struct lk_profile *p)
{
	uint32_t own = UINT32_C(0x3f); /* true and false in the three ways that it knows */
	int failures = 0;

	if (!(p->booleans & ~own))
		return 0;
	if (p->booleans & 0x55555555u)
		failures |= json_object_set_new(field, "trueValues", boolean_words(p, 0));
	if (p->booleans & 0xaaaaaaaau)
		failures |= json_object_set_new(field, "falseValues", boolean_words(p, 1));
	return failures;
}

static int set_missing(json_t *field, const struct lk_profile *p, const struct lk_choice *choice, uint32_t named)
{
	json_t *list = NULL;
	int failures = 0;

	for (int i = 0; i < LK_NULL_WORDS; i++) {
		if (!lk_choice_needs_word(choice, p, i) || named & (UINT32_C(1) << i))
			continue;
		if (!list) {
			list = json_pack("[s]", "");
			for (int j = 0; j < LK_NULL_WORDS; j++) /* they stand in the place of the schema's */
				if (named & (UINT32_C(1) << j))
					failures |= json_array_append_new(list, json_string(lk_null_words[j].word));
		}
		failures |= json_array_append_new(list, json_string(lk_null_words[i].word));
	}
	return list ? failures | json_object_set_new(field, "missingValues", list) : failures;
}

static int set_type(json_t *field, const struct lk_profile *p, const struct lk_choice *choice)
{
	const struct lk_maybe *m = choice->id >= 0 ? &lk_maybes[choice->id] : NULL;
	int failures = set_text(field, "type", m ? m->type : "string");

	if (!m)
		return failures;
	if (strcmp(m->format, "default"))
		failures |= set_text(field, "format", m->format);
	if (m->decimal)
		failures |= set_text(field, "decimalChar", m->decimal);
	if (m->group)
		failures |= set_text(field, "groupChar", m->group);
	if (m->around)
		failures |= json_object_set_new(field, "bareNumber", json_false());
	return choice->id == LK_MAYBE_BOOLEAN ? failures | set_booleans(field, p) : failures;
}

static json_t *field_lk(const struct lk_table_column *c, const struct lk_choice *choice)
{
	json_t *lk = json_object();
	int failures = 0;

	if (c->path)
		failures |= set_text(lk, "path", c->path);
	if (c->alias_count)
		failures |= json_object_set_new(lk, "aliases", texts_json(c->aliases, c->alias_count));
	if (choice->privacy)
		failures |= set_text(lk, "phi", choice->privacy);
	if (choice->precision)
		failures |= json_object_set_new(lk, "decimal", json_pack("[ii]", choice->precision, choice->scale));
	if (choice->id >= 0 && lk_maybes[choice->id].zone)
		failures |= set_text(lk, "timezone", "UTC");
	return whole(lk, failures);
}

json_t *lk_draft_field(const struct lk_table_column *c, const struct lk_choice *choice, uint32_t words)
{
	json_t *field = json_object();
	int failures = set_text(field, "name", c->name);

	failures |= set_type(field, c->profile, choice);
	failures |= set_missing(field, c->profile, choice, words);
	failures |= set_object(field, "lk", field_lk(c, choice));
	return whole(field, failures);
}

/* ---- names of columns ---- */

/* Columns whose names become one, or lk's own, get a name of their own. */
static int name_columns(json_t *fields)
{
	struct lk_arena arena = LK_ARENA_INIT;
	json_t *field, *taken = json_object();
	int failures = !taken;
	size_t i;

	json_array_foreach(fields, i, field)
	{
		const char *name = lk_column_name(&arena, json_string_value(json_object_get(field, "name")));
		char other[160];
		json_t *lk;

		failures |= !name;
		if (failures)
			break;
		snprintf(other, sizeof(other), "%s", name);
		if (!*name || !strncmp(name, "lk_", 3))
			snprintf(other, sizeof(other), "column_%zu%s%.100s", i + 1, *name ? "_" : "", name);
		for (int n = 2; json_object_get(taken, other); n++)
			snprintf(other, sizeof(other), "%.100s_%d", *name ? name : "column", n);
		failures |= json_object_set_new(taken, other, json_true());
		if (!strcmp(other, name))
			continue;
		lk = json_object_get(field, "lk");
		if (!lk) {
			lk = json_object();
			failures |= json_object_set_new(field, "lk", lk);
		}
		failures |= set_text(lk, "column", other);
	}
	json_decref(taken);
	lk_arena_release(&arena);
	return failures;
}

/* ---- the schema ---- */

/* A word is missing wherever it stands unquoted, and a text where it is quoted: all other texts are quoted. */
static bool tells_by_quotes(const struct lk_table *t, const struct lk_choice *choices, int word)
{
	int64_t bare = 0, quoted = 0, unquoted = 0, empty = 0;

	for (int i = 0; i < t->count; i++) {
		const struct lk_profile *p = t->columns[i].profile;

		bare += p->words[word][0];
		if (choices[i].id < 0) {
			quoted += p->quoted;
			unquoted += p->values - p->quoted;
		} else {
			empty += p->empty_quoted + p->words[word][1];
		}
	}
	return bare && quoted && !unquoted && !empty;
}

/* Words that are missing values wherever they stand in the table. */
static uint32_t schema_words(const struct lk_table *t, const struct lk_choice *choices, bool *by_quotes)
{
	uint32_t words = 0;

	*by_quotes = false;
	for (int word = 0; word < LK_NULL_WORDS; word++) {
		bool needed = false;

		if (tells_by_quotes(t, choices, word)) {
			*by_quotes = true;
			words |= UINT32_C(1) << word;
		}
		for (int i = 0; i < t->count; i++)
			needed |= lk_choice_needs_word(&choices[i], t->columns[i].profile, word);
		if (needed && lk_null_words[word].plain)
			words |= UINT32_C(1) << word;
	}
	return words;
}

static json_t *missing_values(uint32_t words)
{
	json_t *list = json_pack("[s]", "");
	int failures = 0;

	for (int i = 0; i < LK_NULL_WORDS; i++)
		if (words & (UINT32_C(1) << i))
			failures |= json_array_append_new(list, json_string(lk_null_words[i].word));
	return whole(list, failures);
}

/* The first column that has a value in each record, none of them twice, and the name of a key. */
static const struct lk_table_column *find_key(const struct lk_table *t)
{
	for (int i = 0; i < t->count; i++) {
		const struct lk_table_column *c = &t->columns[i];
		const char *privacy = lk_name_privacy(c->name);

		if (c->always && c->profile->is_unique && c->profile->values > 1 && lk_name_is_id(c->name) &&
			(!privacy || !strcmp(privacy, "id")))
			return c;
	}
	return NULL;
}

static int set_fields(json_t *schema, const struct lk_table *t, const struct lk_choice *choices, uint32_t words,
	const struct lk_table_column *key)
{
	json_t *fields = json_array();
	int failures = 0;

	for (int i = 0; i < t->count; i++) {
		json_t *field = lk_draft_field(&t->columns[i], &choices[i], words), *lk;

		if (field && &t->columns[i] == key) { /* before lk, which closes a field */
			lk = json_incref(json_object_get(field, "lk"));
			json_object_del(field, "lk");
			failures |= json_object_set_new(field, "constraints", json_pack("{sb}", "required", 1));
			if (lk)
				failures |= json_object_set_new(field, "lk", lk);
		}
		failures |= json_array_append_new(fields, field);
	}
	failures |= name_columns(fields);
	return failures | json_object_set_new(schema, "fields", fields);
}

static bool is_optional(const struct lk_table *t)
{
	for (int i = 0; i < t->count; i++)
		if (!t->columns[i].always)
			return true;
	return false;
}

static json_t *draft_schema(const struct lk_table *t, const struct lk_choice *choices, bool *by_quotes)
{
	const struct lk_table_column *key = find_key(t);
	uint32_t words = schema_words(t, choices, by_quotes);
	json_t *schema = json_object();
	int failures = set_fields(schema, t, choices, words, key);

	if (key)
		failures |= set_text(schema, "primaryKey", key->name);
	if (words)
		failures |= json_object_set_new(schema, "missingValues", missing_values(words));
	if (t->has_header && is_optional(t))
		failures |= set_text(schema, "fieldsMatch", "superset");
	else if (t->has_header && !t->same_order)
		failures |= set_text(schema, "fieldsMatch", "equal");
	return whole(schema, failures);
}

/* ---- resources ---- */


/* All but the schema. */
static json_t *draft_head(const struct lk_table *t, const char *name, const char *const *paths, int path_count)
{
	json_t *resource = json_object();
	int failures = set_text(resource, "name", name);

	failures |= json_object_set_new(
		resource, "path", path_count == 1 ? json_string(paths[0]) : texts_json(paths, path_count));
	if (t->format)
		failures |= set_text(resource, "format", t->format);
	if (t->encoding_count == 1 && strcasecmp(t->encodings[0], "utf-8"))
		failures |= set_text(resource, "encoding", t->encodings[0]);
	if (t->dialect)
		failures |= set_object(resource, "dialect", json_deep_copy(t->dialect));
	return whole(resource, failures);
}

/* What the resource says of itself beside the standard; NULL when out of memory. */
static json_t *draft_lk(const struct lk_table *t, bool by_quotes)
{
	json_t *lk = t->lk ? json_deep_copy(t->lk) : json_object();
	int failures = 0;

	if (t->encoding_count > 1)
		failures |= json_object_set_new(lk, "encodings", texts_json(t->encodings, t->encoding_count));
	if (t->padded)
		failures |= set_text(lk, "ragged", "pad");
	if (t->surplus)
		failures |= json_object_set_new(lk, "rest", json_true());
	if (t->mended || t->flawed)
		failures |= set_text(lk, "quotes", "mend");
	if (by_quotes)
		failures |= set_text(lk, "missing", "unquoted");
	return whole(lk, failures);
}

json_t *lk_draft_resource(const struct lk_table *t, const char *name, const char *const *paths, int path_count)
{
	struct lk_choice *choices = calloc((size_t)t->count + 1, sizeof(*choices));
	json_t *resource;
	bool by_quotes = false;
	int failures = 0;

	if (!choices)
		return NULL;
	for (int i = 0; i < t->count; i++)
		lk_choice_make(&choices[i], t->columns[i].name, t->columns[i].profile);
	resource = draft_head(t, name, paths, path_count);
	failures |= json_object_set_new(resource, "schema", draft_schema(t, choices, &by_quotes));
	failures |= set_object(resource, "lk", draft_lk(t, by_quotes));
	free(choices);
	return whole(resource, failures);
}

/* A resource in which nothing is known of the values. */
static json_t *plain_resource(const struct lk_table *t)
{
	static const char *const any = "*";
	json_t *resource = draft_head(t, "sample", &any, 1), *fields = json_array();
	int failures = 0;

	for (int i = 0; i < t->count; i++) {
		const struct lk_table_column *c = &t->columns[i];
		json_t *lk = json_object();
		char column[32];

		snprintf(column, sizeof(column), "c%d", i + 1);
		failures |= set_text(lk, "column", column);
		if (c->path)
			failures |= set_text(lk, "path", c->path);
		failures |= json_array_append_new(fields, json_pack("{ss so}", "name", c->name, "lk", lk));
	}
	failures |= json_object_set_new(resource, "schema", json_pack("{so}", "fields", fields));
	if (t->lk)
		failures |= json_object_set_new(resource, "lk", json_deep_copy(t->lk));
	else if (t->dialect) /* delimited: what is odd is taken, and counted */
		failures |= json_object_set_new(
			resource, "lk", json_pack("{ss sb ss}", "ragged", "pad", "rest", 1, "quotes", "mend"));
	return whole(resource, failures);
}

char *lk_draft_plain(const struct lk_table *t)
{
	json_t *package = json_pack("{ss s[o]}", "name", "sample", "resources", plain_resource(t));
	char *text = package ? json_dumps(package, JSON_COMPACT) : NULL;

	json_decref(package);
	return text;
}
