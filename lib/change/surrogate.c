#include "change/surrogate.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "stream/side.h"

/* The rest of the text; an error is told with it. */
struct scanner {
	const char *text, *at;
	struct lk_arena *arena;
	struct lk_error *err;
};

static enum lk_status wrong(const struct scanner *s, const char *expected)
{
	return lk_error_set(s->err, LK_USAGE, "'%s': %s is expected %s%s", s->text, expected, *s->at ? "before " : "at the end", s->at);
}

static void skip_blanks(struct scanner *s)
{
	s->at += strspn(s->at, " \t\n");
}

static bool take(struct scanner *s, char c)
{
	skip_blanks(s);
	if (*s->at != c)
		return false;
	s->at++;
	return true;
}

static enum lk_status take_name(struct scanner *s, const char *what, const char **out)
{
	size_t len;

	skip_blanks(s);
	len = strcspn(s->at, " \t\n=(),|");
	if (!len)
		return wrong(s, what);
	*out = lk_arena_strndup(s->arena, s->at, len);
	s->at += len;
	return *out ? LK_OK : lk_error_nomem(s->err);
}

/* Names in the lake are lower-case snake, as those of its tables (lk-lake(7)). */
static bool is_snake(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0' && !(*name >= '0' && *name <= '9');
}

/* Columns that each map has (sql/keymap.h). */
static bool is_taken(const char *name)
{
	static const char *const names[] = {"surrogate", "natural_key", "merged_into", "first_file", "first_row", "first_seen"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return !strncmp(name, "lk_", 3);
}

static enum lk_status take_part(struct scanner *s, struct lk_surrogate_part *part)
{
	LK_TRY(take_name(s, "a column of the key", &part->name));
	part->column = part->name;
	if (take(s, '='))
		LK_TRY(take_name(s, "a column", &part->column));
	if (!is_snake(part->name))
		return lk_error_set(s->err, LK_USAGE, "'%s': '%s' is no name for a column of the map: letters a to z, digits and "
			"underscores; NAME = %s gives it one", s->text, part->name, part->column);
	if (is_taken(part->name))
		return lk_error_set(s->err, LK_USAGE, "'%s': '%s' is a column that maps have for themselves", s->text, part->name);
	return LK_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct lk_surrogate_part *)a)->name, ((const struct lk_surrogate_part *)b)->name);
}

static enum lk_status name_key(struct scanner *s, struct lk_surrogate_key *key)
{
	struct lk_str name = LK_STR_INIT;
	enum lk_status status;

	qsort(key->parts, (size_t)key->count, sizeof(*key->parts), by_name);
	for (int i = 0; i < key->count; i++) {
		if (i && !strcmp(key->parts[i].name, key->parts[i - 1].name)) {
			lk_str_release(&name);
			return lk_error_set(s->err, LK_USAGE, "'%s': a key names '%s' twice", s->text, key->parts[i].name);
		}
		lk_str_addf(&name, "%s%s", i ? ", " : "", key->parts[i].name);
	}
	status = lk_str_check(&name, s->err);
	if (!status && !(key->name = lk_arena_strdup(s->arena, name.data)))
		status = lk_error_nomem(s->err);
	lk_str_release(&name);
	return status;
}

static enum lk_status take_key(struct scanner *s, struct lk_surrogate_key *key)
{
	key->parts = lk_arena_alloc(s->arena, LK_SURROGATE_PARTS * sizeof(*key->parts));
	if (!key->parts)
		return lk_error_nomem(s->err);
	do {
		if (key->count == LK_SURROGATE_PARTS)
			return lk_error_set(s->err, LK_USAGE, "'%s': a key has %d columns at most", s->text, LK_SURROGATE_PARTS);
		LK_TRY(take_part(s, &key->parts[key->count++]));
	} while (take(s, ','));
	return name_key(s, key);
}

static enum lk_status check_keys(const struct scanner *s, const struct lk_surrogate_rule *rule)
{
	for (int i = 1; i < rule->count; i++)
		for (int k = 0; k < i; k++)
			if (!strcmp(rule->keys[i].name, rule->keys[k].name))
				return lk_error_set(s->err, LK_USAGE, "'%s': the key '%s' is there twice", s->text, rule->keys[i].name);
	return LK_OK;
}

static enum lk_status take_rule(struct scanner *s, struct lk_surrogate_rule *rule)
{
	LK_TRY(take_name(s, "the name of a column", &rule->column));
	if (!strncmp(rule->column, "lk_", 3))
		return lk_error_set(s->err, LK_USAGE, "'%s': names that begin with lk_ are lk's own", s->text);
	if (!take(s, '='))
		return wrong(s, "=");
	LK_TRY(take_name(s, "the name of a map", &rule->map));
	if (!take(s, '('))
		return wrong(s, "(");
	do {
		if (rule->count == LK_SURROGATE_KEYS)
			return lk_error_set(s->err, LK_USAGE, "'%s': a rule has %d keys at most", s->text, LK_SURROGATE_KEYS);
		LK_TRY(take_key(s, &rule->keys[rule->count++]));
	} while (take(s, '|'));
	if (!take(s, ')'))
		return wrong(s, ")");
	skip_blanks(s);
	return *s->at ? wrong(s, "nothing more") : check_keys(s, rule);
}

enum lk_status lk_surrogate_parse(struct lk_surrogate_rule *rule, const char *text, struct lk_arena *arena, struct lk_error *err)
{
	struct scanner s = {text, text, arena, err};

	*rule = (struct lk_surrogate_rule){.text = text, .keys = lk_arena_alloc(arena, LK_SURROGATE_KEYS * sizeof(*rule->keys))};
	return rule->keys ? take_rule(&s, rule) : lk_error_nomem(err);
}

static enum lk_status parse_list(const json_t *list, struct lk_surrogate_rule **rules, int *count, struct lk_arena *arena,
	struct lk_error *err)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > INT16_MAX)
		return lk_error_set(err, LK_DATA, LK_META_SURROGATE " is no list of rules");
	*rules = lk_arena_alloc(arena, (n + 1) * sizeof(**rules));
	if (!*rules)
		return lk_error_nomem(err);
	for (; (size_t)*count < n; ++*count) {
		const char *text = json_string_value(json_array_get(list, (size_t)*count));

		text = lk_arena_strdup(arena, text ? text : "");
		if (!text)
			return lk_error_nomem(err);
		if (lk_surrogate_parse(&(*rules)[*count], text, arena, err)) {
			lk_error_prefix(err, LK_META_SURROGATE);
			return err->status == LK_USAGE ? (err->status = LK_DATA) : err->status;
		}
	}
	return LK_OK;
}

enum lk_status lk_surrogate_of_schema(const struct ArrowSchema *schema, struct lk_surrogate_rule **rules, int *count,
	struct lk_arena *arena, struct lk_error *err)
{
	struct ArrowStringView value;
	enum lk_status status;
	json_t *list;

	*rules = NULL;
	*count = 0;
	if (!lk_meta_get(schema, LK_META_SURROGATE, &value))
		return LK_OK;
	list = json_loadb(value.data, (size_t)value.size_bytes, 0, NULL);
	status = parse_list(list, rules, count, arena, err);
	json_decref(list);
	return status;
}

bool lk_surrogate_key_fits(const struct lk_surrogate_key *key, const struct ArrowSchema *schema, const char **missing)
{
	for (int i = 0; i < key->count; i++)
		if (lk_schema_find(schema, key->parts[i].column) < 0) {
			if (missing)
				*missing = key->parts[i].column;
			return false;
		}
	return true;
}

/* ---- the schema with surrogates ---- */

/* lk_file, lk_row and the like stay at the end. */
static int place_of(const struct ArrowSchema *schema)
{
	int64_t at = schema->n_children;

	while (at && !strncmp(schema->children[at - 1]->name, "lk_", 3))
		at--;
	return (int)at;
}

static enum lk_status make_columns(const char *const *columns, int count, struct ArrowSchema *out, struct lk_error *err)
{
	static const struct lk_meta doc[] = {{LK_META_DOC, "surrogate key"}, {NULL, NULL}};
	struct lk_field *fields = calloc((size_t)count + 1, sizeof(*fields));
	enum lk_status status;

	if (!fields)
		return lk_error_nomem(err);
	for (int i = 0; i < count; i++)
		fields[i] = (struct lk_field){columns[i], LK_INT64, .meta = doc};
	status = lk_schema_make(out, fields, count, NULL, err);
	free(fields);
	return status;
}

static int insert(const struct ArrowSchema *from, const struct ArrowSchema *added, int at, struct ArrowSchema *out)
{
	int64_t count = from->n_children + added->n_children;

	ArrowSchemaInit(out);
	NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(out, count));
	for (int64_t i = 0; i < count; i++) {
		const struct ArrowSchema *child = i < at			? from->children[i]
						  : i < at + added->n_children ? added->children[i - at]
									       : from->children[i - added->n_children];

		ArrowSchemaRelease(out->children[i]);
		NANOARROW_RETURN_NOT_OK(ArrowSchemaDeepCopy(child, out->children[i]));
	}
	return ArrowSchemaSetMetadata(out, from->metadata);
}

enum lk_status lk_surrogate_schema(const struct ArrowSchema *from, const char *const *columns, int count, struct ArrowSchema *out,
	int *at, struct lk_error *err)
{
	struct ArrowSchema added;
	enum lk_status status;

	*at = place_of(from);
	LK_TRY(make_columns(columns, count, &added, err));
	status = lk_arrow_status(insert(from, &added, *at, out), NULL, LK_BUG, "cannot copy a schema", err);
	ArrowSchemaRelease(&added);
	if (!status)
		status = lk_meta_set(out, LK_META_SURROGATE, NULL, err);
	if (status && out->release)
		ArrowSchemaRelease(out);
	return status;
}
