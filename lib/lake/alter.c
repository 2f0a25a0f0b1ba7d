#include "lake/alter.h"

#include <stdlib.h>
#include <string.h>

#include "lake/schema_text.h"

/* A term of a sort order has a direction, too. */
struct ordered_term {
	struct lk_term term;
	bool descending, nulls_last;
};

struct lk_action {
	const struct verb *verb;
	char *text;
	struct lk_str path, name, value; /* what each means is the verb's business */
	bool has_name, has_value;
	struct lk_column_place place;
	struct lk_str sibling;
	json_t *json; /* a field or a type */
	struct ordered_term *terms;
	size_t count, cap;
};

struct verb {
	const char *first, *second; /* its words; second may be NULL */
	enum lk_status (*parse)(struct lk_action *a, struct lk_lexer *s, struct lk_error *err);
	enum lk_status (*make)(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err);
};

/* ---- pieces ---- */

/* To the end as it stands, or a text in single quotes. */
static enum lk_status parse_comment(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	a->has_value = true;
	if (!lk_lexer_end(s) && *s->at == '\'')
		return lk_lexer_text(s, &a->value, err);
	lk_str_adds(&a->value, s->at);
	s->at += strlen(s->at);
	if (!lk_utf8_valid(lk_str_text(&a->value), a->value.len))
		return lk_error_set(err, LK_USAGE, "'%s': the comment is not UTF-8", s->text);
	return lk_str_check(&a->value, err);
}

static bool at_place(const struct lk_lexer *s)
{
	return lk_lexer_is(s, "first") || lk_lexer_is(s, "after") || lk_lexer_is(s, "before");
}

static enum lk_status parse_place(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	if (lk_lexer_word(s, "first")) {
		a->place.where = LK_PLACE_FIRST;
		return LK_OK;
	}
	if (!at_place(s))
		return lk_lexer_error(s, "first, after or before", err);
	a->place.where = lk_lexer_word(s, "after") ? LK_PLACE_AFTER : LK_PLACE_BEFORE;
	if (a->place.where == LK_PLACE_BEFORE && !lk_lexer_word(s, "before"))
		return lk_lexer_error(s, "before", err);
	LK_TRY(lk_lexer_name(s, "a column", &a->sibling, err));
	a->place.sibling = lk_str_text(&a->sibling);
	return LK_OK;
}

static enum lk_status parse_word(struct lk_lexer *s, const char *word, struct lk_error *err)
{
	return lk_lexer_word(s, word) ? LK_OK : lk_lexer_error(s, word, err);
}

static enum lk_status parse_as(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	a->has_name = lk_lexer_word(s, "as");
	return a->has_name ? lk_lexer_name(s, "a name", &a->name, err) : LK_OK;
}

static enum lk_status parse_term(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	if (!lk_grow((void **)&a->terms, &a->cap, a->count + 1, sizeof(*a->terms)))
		return lk_error_nomem(err);
	a->terms[a->count] = (struct ordered_term){.term = {.path = LK_STR_INIT}};
	return lk_term_read(s, &a->terms[a->count++].term, err);
}

/* "()" is none at all. */
static bool take_nothing(struct lk_lexer *s)
{
	struct lk_lexer ahead = *s;

	if (!lk_lexer_take(&ahead, '(') || !lk_lexer_take(&ahead, ')'))
		return false;
	*s = ahead;
	return true;
}

/* ---- columns ---- */

static enum lk_status parse_add_column(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	struct lk_lexer name = *s;

	/* The last name is the column's own; those before it say where it is added. */
	LK_TRY(lk_lexer_name(s, "a column", &a->name, err));
	while (lk_lexer_take(s, '.')) {
		lk_str_addf(&a->path, "%s%s", a->path.len ? "." : "", a->name.data);
		lk_str_clear(&a->name);
		name = *s;
		LK_TRY(lk_lexer_name(s, "a column", &a->name, err));
	}
	LK_TRY(lk_str_check(&a->path, err));
	*s = name;
	LK_TRY(lk_schema_read_field(s, &a->json, err));
	while (!lk_lexer_end(s)) {
		if (lk_lexer_word(s, "comment"))
			LK_TRY(parse_comment(a, s, err));
		else if (a->place.where == LK_PLACE_LAST && at_place(s))
			LK_TRY(parse_place(a, s, err));
		else
			break;
	}
	if (a->has_value && json_object_set_new(a->json, "doc", json_string(lk_str_text(&a->value))))
		return lk_error_nomem(err);
	return LK_OK;
}

static enum lk_status make_add_column(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	return lk_evolve_add_column(e, a->path.len ? a->path.data : NULL, a->json, &a->place, err);
}

static enum lk_status parse_path(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	return lk_lexer_path(s, "a column", &a->path, err);
}

static enum lk_status make_drop_column(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	return lk_evolve_drop_column(e, lk_str_text(&a->path), err);
}

static enum lk_status parse_rename(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	LK_TRY(lk_lexer_path(s, "a name", &a->path, err));
	LK_TRY(parse_word(s, "to", err));
	return lk_lexer_name(s, "a name", &a->name, err);
}

static enum lk_status make_rename_column(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	return lk_evolve_rename_column(e, lk_str_text(&a->path), lk_str_text(&a->name), err);
}

static enum lk_status parse_move(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	LK_TRY(parse_path(a, s, err));
	return parse_place(a, s, err);
}

static enum lk_status make_move_column(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	return lk_evolve_move_column(e, lk_str_text(&a->path), &a->place, err);
}

static enum lk_status parse_alter_column(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	LK_TRY(parse_path(a, s, err));
	if (lk_lexer_word(s, "type"))
		return lk_schema_read_type(s, &a->json, err);
	if (lk_lexer_word(s, "comment"))
		return parse_comment(a, s, err);
	if (lk_lexer_is(s, "set"))
		return lk_error_set(err, LK_USAGE, "'%s': a column that may be null cannot become required in Iceberg", s->text);
	if (!lk_lexer_word(s, "drop"))
		return lk_lexer_error(s, "type, comment or drop not null", err);
	LK_TRY(parse_word(s, "not", err));
	return parse_word(s, "null", err);
}

static enum lk_status make_alter_column(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	const char *path = lk_str_text(&a->path);

	if (a->json)
		return lk_evolve_widen_column(e, path, a->json, err);
	if (a->has_value)
		return lk_evolve_comment_column(e, path, lk_str_text(&a->value), err);
	return lk_evolve_make_optional(e, path, err);
}

/* ---- partitions, order, key ---- */

static enum lk_status parse_terms(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	if (take_nothing(s))
		return LK_OK;
	do
		LK_TRY(parse_term(a, s, err));
	while (lk_lexer_take(s, ','));
	return LK_OK;
}

static enum lk_status make_partition_by(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	LK_TRY(lk_evolve_unpartition(e, err));
	for (size_t i = 0; i < a->count; i++)
		LK_TRY(lk_evolve_add_partition(e, &a->terms[i].term, NULL, err));
	return LK_OK;
}

static enum lk_status parse_add_partition(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	LK_TRY(parse_term(a, s, err));
	return parse_as(a, s, err);
}

static enum lk_status make_add_partition(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	return lk_evolve_add_partition(e, &a->terms[a->count - 1].term, a->has_name ? a->name.data : NULL, err);
}

static enum lk_status make_drop_partition(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	return lk_evolve_drop_partition(e, &a->terms[0].term, err);
}

static enum lk_status parse_replace_partition(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	LK_TRY(parse_term(a, s, err));
	LK_TRY(parse_word(s, "with", err));
	return parse_add_partition(a, s, err);
}

static enum lk_status make_replace_partition(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	LK_TRY(make_drop_partition(a, e, err));
	return make_add_partition(a, e, err);
}

static enum lk_status make_rename_partition(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	return lk_evolve_rename_partition(e, lk_str_text(&a->path), lk_str_text(&a->name), err);
}

/* Nulls come first in ascending order and last in descending, as in Java, where nothing is said. */
static enum lk_status parse_direction(struct ordered_term *t, struct lk_lexer *s, struct lk_error *err)
{
	t->descending = lk_lexer_word(s, "desc");
	if (!t->descending)
		(void)lk_lexer_word(s, "asc");
	t->nulls_last = t->descending;
	if (!lk_lexer_word(s, "nulls"))
		return LK_OK;
	t->nulls_last = lk_lexer_word(s, "last");
	return t->nulls_last ? LK_OK : parse_word(s, "first", err);
}

static enum lk_status parse_sort_by(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	if (take_nothing(s))
		return LK_OK;
	do {
		LK_TRY(parse_term(a, s, err));
		LK_TRY(parse_direction(&a->terms[a->count - 1], s, err));
	} while (lk_lexer_take(s, ','));
	return LK_OK;
}

static enum lk_status make_sort_by(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	LK_TRY(lk_evolve_unsort(e, err));
	for (size_t i = 0; i < a->count; i++)
		LK_TRY(lk_evolve_sort_by(e, &a->terms[i].term, a->terms[i].descending, a->terms[i].nulls_last, err));
	return LK_OK;
}

static enum lk_status parse_key_by(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	LK_TRY(parse_terms(a, s, err));
	for (size_t i = 0; i < a->count; i++)
		if (a->terms[i].term.transform != LK_TRANSFORM_IDENTITY)
			return lk_error_set(err, LK_USAGE, "'%s': a key is made of columns, not of what is made of them", s->text);
	return LK_OK;
}

static enum lk_status make_key_by(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	const char **paths = calloc(a->count ? a->count : 1, sizeof(*paths));
	enum lk_status status;

	if (!paths)
		return lk_error_nomem(err);
	for (size_t i = 0; i < a->count; i++)
		paths[i] = lk_str_text(&a->terms[i].term.path);
	status = lk_evolve_key_by(e, paths, a->count, err);
	free(paths);
	return status;
}

/* ---- properties ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* KEY=VALUE, to the end as it stands; blanks around `=` do not count. */
static enum lk_status parse_set(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	const char *equals;
	size_t len;

	lk_lexer_end(s);
	equals = strchr(s->at, '=');
	if (!equals)
		return lk_lexer_error(s, "KEY=VALUE", err);
	for (len = (size_t)(equals - s->at); len && is_blank(s->at[len - 1]); len--)
		;
	lk_str_add(&a->name, s->at, len);
	s->at = equals + 1;
	lk_lexer_end(s);
	lk_str_adds(&a->value, s->at);
	s->at += strlen(s->at);
	LK_TRY(lk_str_check(&a->name, err));
	return lk_str_check(&a->value, err);
}

static enum lk_status make_set(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	return lk_evolve_set(e, lk_str_text(&a->name), lk_str_text(&a->value), err);
}

static enum lk_status parse_unset(struct lk_action *a, struct lk_lexer *s, struct lk_error *err)
{
	size_t len;

	if (lk_lexer_end(s))
		return lk_lexer_error(s, "a property", err);
	for (len = strlen(s->at); len && is_blank(s->at[len - 1]); len--)
		;
	lk_str_add(&a->name, s->at, len);
	s->at += strlen(s->at);
	return lk_str_check(&a->name, err);
}

static enum lk_status make_unset(const struct lk_action *a, struct lk_evolve *e, struct lk_error *err)
{
	return lk_evolve_unset(e, lk_str_text(&a->name), err);
}

/* ---- actions ---- */

static const struct verb verbs[] = {
	{"add", "column", parse_add_column, make_add_column},
	{"drop", "column", parse_path, make_drop_column},
	{"rename", "column", parse_rename, make_rename_column},
	{"move", "column", parse_move, make_move_column},
	{"alter", "column", parse_alter_column, make_alter_column},
	{"partition", "by", parse_terms, make_partition_by},
	{"add", "partition", parse_add_partition, make_add_partition},
	{"drop", "partition", parse_term, make_drop_partition},
	{"replace", "partition", parse_replace_partition, make_replace_partition},
	{"rename", "partition", parse_rename, make_rename_partition},
	{"sort", "by", parse_sort_by, make_sort_by},
	{"key", "by", parse_key_by, make_key_by},
	{"set", NULL, parse_set, make_set},
	{"unset", NULL, parse_unset, make_unset},
};

static const struct verb *take_verb(struct lk_lexer *s)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		struct lk_lexer ahead = *s;

		if (lk_lexer_word(&ahead, verbs[i].first) && (!verbs[i].second || lk_lexer_word(&ahead, verbs[i].second))) {
			*s = ahead;
			return &verbs[i];
		}
	}
	return NULL;
}

static void release_action(struct lk_action *a)
{
	free(a->text);
	lk_str_release(&a->path);
	lk_str_release(&a->name);
	lk_str_release(&a->value);
	lk_str_release(&a->sibling);
	json_decref(a->json);
	for (size_t i = 0; i < a->count; i++)
		lk_term_release(&a->terms[i].term);
	free(a->terms);
}

static enum lk_status parse(struct lk_action *a, struct lk_error *err)
{
	struct lk_lexer s = {a->text, a->text};

	a->verb = take_verb(&s);
	if (!a->verb)
		return lk_error_set(err, LK_USAGE,
			"'%s': it begins with none of add, drop, rename, move or alter column; add, drop, replace or rename "
			"partition; partition by, sort by, key by; set and unset",
			a->text);
	LK_TRY(a->verb->parse(a, &s, err));
	return lk_lexer_end(&s) ? LK_OK : lk_lexer_error(&s, "the end", err);
}

enum lk_status lk_alter_add(struct lk_alter *alter, const char *text, struct lk_error *err)
{
	struct lk_action *a;

	if (!lk_grow((void **)&alter->actions, &alter->cap, alter->count + 1, sizeof(*alter->actions)))
		return lk_error_nomem(err);
	a = &alter->actions[alter->count++];
	*a = (struct lk_action){.text = strdup(text)};
	return a->text ? parse(a, err) : lk_error_nomem(err);
}

enum lk_status lk_alter_add_words(struct lk_alter *alter, const char *words, const char *rest, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	lk_str_addf(&text, "%s %s", words, rest);
	status = lk_str_check(&text, err);
	if (!status)
		status = lk_alter_add(alter, text.data, err);
	lk_str_release(&text);
	return status;
}

void lk_alter_release(struct lk_alter *alter)
{
	for (size_t i = 0; i < alter->count; i++)
		release_action(&alter->actions[i]);
	free(alter->actions);
	free(alter->used);
	*alter = (struct lk_alter){0};
}

/* ---- making them ---- */

static enum lk_status make_all(const struct lk_alter *alter, struct lk_evolve *e, struct lk_error *err)
{
	for (size_t i = 0; i < alter->count; i++)
		if (alter->actions[i].verb->make(&alter->actions[i], e, err))
			return lk_error_prefix(err, "'%s'", alter->actions[i].text);
	return lk_evolve_finish(e, err);
}

/* The first time, what they fell upon is noted; later it must be the same. */
static bool same_columns(struct lk_alter *alter, struct lk_evolve *e)
{
	if (alter->made)
		return e->used_count == alter->used_count &&
		       (!e->used_count || !memcmp(e->used, alter->used, e->used_count * sizeof(*e->used)));
	alter->made = true;
	alter->used = e->used;
	alter->used_count = e->used_count;
	e->used = NULL;
	return true;
}

enum lk_status lk_alter_make(void *context, json_t *root, struct lk_error *err)
{
	struct lk_alter *alter = context;
	bool again = alter->made;
	struct lk_evolve e;
	enum lk_status status;

	LK_TRY(lk_evolve_begin(&e, root, err));
	status = make_all(alter, &e, err);
	if (!status && !same_columns(alter, &e))
		status = lk_error_set(err, LK_CONFLICT, "columns have other names now");
	lk_evolve_release(&e);
	if ((status == LK_DATA || status == LK_CONFLICT) && again) {
		err->status = LK_CONFLICT;
		return lk_error_prefix(err, "another writer changed the table meanwhile");
	}
	return status;
}
