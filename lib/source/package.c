#include "source/package.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "source/pattern.h"
#include "source/xml_path.h"
#include "stream/side.h"
#include "stream/stream.h"

#define PACKAGE_BYTES (16 * 1024 * 1024)

/* What loading one file needs everywhere. Places in it ("resources[0].name") are texts in the arena. */
struct load {
	struct lk_arena *arena;
	struct lk_package *package;
	struct lk_error *err;
};

/* Properties of an enclosing object that resources and fields fall back to. */
struct defaults {
	const json_t *missing;
	const char *timezone, *root;
	const json_t *namespaces;
};

static enum lk_status wrong(struct load *l, const char *at, const char *fmt, ...) LK_PRINTF(3, 4);
static enum lk_status wrong(struct load *l, const char *at, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return lk_error_set(l->err, LK_CONFIG, "'%s': %s%s%s", l->package->file, at, *at ? ": " : "", text);
}

/* The place of a property: "" is the package itself. */
static const char *at_key(struct load *l, const char *at, const char *key)
{
	const char *place = lk_arena_printf(l->arena, "%s%s%s", at, *at ? "." : "", key);

	return place ? place : key;
}

static const char *at_index(struct load *l, const char *at, size_t index)
{
	const char *place = lk_arena_printf(l->arena, "%s[%zu]", at, index);

	return place ? place : at;
}

/* ---- properties of known types: an absent one leaves *out as it is ---- */

static enum lk_status check_text(struct load *l, const char *at, const json_t *value)
{
	if (!json_is_string(value))
		return wrong(l, at, "must be a text");
	if (strlen(json_string_value(value)) != json_string_length(value))
		return wrong(l, at, "must not hold a NUL");
	return LK_OK;
}

static enum lk_status copy_text(struct load *l, const char *at, const json_t *value, const char **out)
{
	LK_TRY(check_text(l, at, value));
	*out = lk_arena_strndup(l->arena, json_string_value(value), json_string_length(value));
	return *out ? LK_OK : lk_error_nomem(l->err);
}

static enum lk_status get_text(
	struct load *l, const json_t *object, const char *at, const char *key, const char **out)
{
	const json_t *value = json_object_get(object, key);

	return value ? copy_text(l, at_key(l, at, key), value, out) : LK_OK;
}

static enum lk_status get_bool(struct load *l, const json_t *object, const char *at, const char *key, bool *out)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return LK_OK;
	if (!json_is_boolean(value))
		return wrong(l, at_key(l, at, key), "must be true or false");
	*out = json_is_true(value);
	return LK_OK;
}

/* One ASCII character; null and "" are none where that is allowed. */
static enum lk_status get_char(
	struct load *l, const json_t *object, const char *at, const char *key, bool may_be_none, char *out)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	if (!value)
		return LK_OK;
	if (may_be_none && (json_is_null(value) || (text && !*text))) {
		*out = 0;
		return LK_OK;
	}
	if (!text || json_string_length(value) != 1 || !*text || (unsigned char)*text > 0x7f ||
		*text == '\n' || *text == '\r')
		return wrong(l, at_key(l, at, key), "must be one ASCII character that ends no line");
	*out = *text;
	return LK_OK;
}

/* A word of a list: *out is its index. */
static enum lk_status get_word(struct load *l, const json_t *object, const char *at, const char *key,
	const char *const *words, int *out)
{
	const char *text = NULL;
	struct lk_str all = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(get_text(l, object, at, key, &text));
	if (!text)
		return LK_OK;
	for (int i = 0; words[i]; i++)
		if (!strcmp(text, words[i])) {
			*out = i;
			return LK_OK;
		}
	for (int i = 0; words[i]; i++)
		lk_str_addf(&all, "%s%s", i ? ", " : "", words[i]);
	status = wrong(l, at_key(l, at, key), "'%s' is none of %s", text, lk_str_text(&all));
	lk_str_release(&all);
	return status;
}

/* A list of texts, or objects with a `value` (missing values of version 2); or one text where that is
 * allowed. */
static enum lk_status copy_texts(
	struct load *l, const char *at, const json_t *list, bool one, struct lk_texts *out)
{
	size_t count = json_is_array(list) ? json_array_size(list) : 1;

	if (!json_is_array(list) && !(one && json_is_string(list)))
		return wrong(l, at, one ? "must be a text or a list of texts" : "must be a list of texts");
	out->items = lk_arena_alloc(l->arena, (count + 1) * sizeof(*out->items));
	if (!out->items)
		return lk_error_nomem(l->err);
	out->count = 0;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_is_array(list) ? json_array_get(list, i) : list;
		struct lk_text *text = &out->items[out->count++];

		if (json_is_object(item))
			item = json_object_get(item, "value");
		LK_TRY(copy_text(l, json_is_array(list) ? at_index(l, at, i) : at, item, &text->data));
		text->len = strlen(text->data);
	}
	return LK_OK;
}

static enum lk_status get_texts(struct load *l, const json_t *object, const char *at, const char *key, bool one,
	struct lk_texts *out)
{
	const json_t *list = json_object_get(object, key);

	return list ? copy_texts(l, at_key(l, at, key), list, one, out) : LK_OK;
}

/* The same as C strings. */
static enum lk_status get_strings(struct load *l, const json_t *object, const char *at, const char *key,
	bool one, const char ***out, int *count)
{
	struct lk_texts texts = {NULL, 0};

	LK_TRY(get_texts(l, object, at, key, one, &texts));
	*out = lk_arena_alloc(l->arena, (size_t)(texts.count + 1) * sizeof(**out));
	if (!*out)
		return lk_error_nomem(l->err);
	for (int i = 0; i < texts.count; i++)
		(*out)[i] = texts.items[i].data;
	*count = texts.count;
	return LK_OK;
}

static enum lk_status get_object(
	struct load *l, const json_t *object, const char *at, const char *key, const json_t **out)
{
	*out = json_object_get(object, key);
	if (json_is_string(*out))
		return wrong(l, at_key(l, at, key),
			"references to other files are not supported: write it in place");
	if (*out && !json_is_object(*out))
		return wrong(l, at_key(l, at, key), "must be an object");
	return LK_OK;
}

/* The `lk` of an object, all of whose properties must be known. */
static enum lk_status get_lk(
	struct load *l, const json_t *object, const char *at, const char *const *known, const json_t **out)
{
	const char *key, *place = at_key(l, at, "lk");
	json_t *value;

	LK_TRY(get_object(l, object, at, "lk", out));
	json_object_foreach((json_t *)*out, key, value) {
		bool found = false;

		for (int i = 0; known[i] && !found; i++)
			found = !strcmp(key, known[i]);
		if (!found)
			return wrong(l, at_key(l, place, key), "there is no such property");
	}
	return LK_OK;
}

/* ---- names ---- */

char *lk_column_name(struct lk_arena *arena, const char *name)
{
	size_t len = strlen(name), n = 0;
	char *out = lk_arena_alloc(arena, 2 * len + 3);

	if (!out)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];
		bool word = isalnum(c) || c > 0x7f;

		if (n && out[n - 1] != '_' && (!word || (isupper(c) && islower((unsigned char)name[i - 1]))))
			out[n++] = '_';
		if (!word)
			continue;
		if (!n && isdigit(c)) {
			out[n++] = 'c';
			out[n++] = '_';
		}
		out[n++] = (char)tolower(c);
	}
	while (n && out[n - 1] == '_')
		n--;
	out[n] = '\0';
	return out;
}

static bool is_name_char(char c)
{
	return islower((unsigned char)c) || isdigit((unsigned char)c) || c == '_';
}

/* `table` or `namespace.table`, each of small letters, digits and underscores that begins with a letter. */
static bool is_table_name(const char *table)
{
	int dots = 0;

	for (const char *p = table; *p; p++) {
		bool first = p == table || p[-1] == '.';

		if (*p == '.'   ? first || !p[1] || dots++
			: first ? !islower((unsigned char)*p)
				: !is_name_char(*p))
			return false;
	}
	return *table;
}

static enum lk_status load_table(struct load *l, const json_t *lk, const char *at, struct lk_resource *r)
{
	const char *given = NULL;
	char *table;

	LK_TRY(get_text(l, lk, at_key(l, at, "lk"), "table", &given));
	table = lk_arena_strdup(l->arena, given ? given : r->name);
	if (!table)
		return lk_error_nomem(l->err);
	for (char *p = table; !given && *p; p++)
		if (*p == '-')
			*p = '_';
	if (!is_table_name(table))
		return wrong(l, at_key(l, at, given ? "lk.table" : "name"),
			"'%s' is not the name of a table: small letters, "
			"digits and underscores, with or without a namespace and a dot before it",
			table);
	if (!strncmp(table, "lk.", 3) || !strncmp(table, "quarantine.", 11))
		return wrong(l, at_key(l, at, "lk.table"), "the namespace of '%s' is taken", table);
	r->table = table;
	return LK_OK;
}

/* ---- fields ---- */

/* "UTC", "Z", "+01:00": microseconds east of UTC. */
static bool parse_zone(const char *text, int64_t *us)
{
	struct lk_moment moment;

	*us = 0;
	if (!strcmp(text, "UTC"))
		return true;
	if (!lk_pattern_parse("%z", text, strlen(text), &moment))
		return false;
	*us = moment.offset;
	return true;
}

static enum lk_status load_timezone(
	struct load *l, const json_t *lk, const char *at, const struct defaults *d, struct lk_convert *c)
{
	const char *zone = NULL;

	LK_TRY(get_text(l, lk, at_key(l, at, "lk"), "timezone", &zone));
	if (zone && c->kind != LK_CONVERT_DATETIME)
		return wrong(l, at_key(l, at, "lk.timezone"), "only a field of type datetime has one");
	if (!zone)
		zone = d->timezone;
	if (!zone || c->kind != LK_CONVERT_DATETIME)
		return LK_OK;
	if (!parse_zone(zone, &c->zone_us))
		return wrong(l, at_key(l, at, "lk.timezone"), "'%s' must be UTC or an offset such as +01:00",
			zone);
	c->zone = true;
	return LK_OK;
}

static enum lk_status load_decimal(struct load *l, const json_t *lk, const char *at, struct lk_convert *c)
{
	const json_t *list = json_object_get(lk, "decimal"), *precision = json_array_get(list, 0),
		     *scale = json_array_get(list, 1);
	const char *place = at_key(l, at, "lk.decimal");

	if (!list)
		return LK_OK;
	if (c->kind != LK_CONVERT_NUMBER)
		return wrong(l, place, "only a field of type number has one");
	if (json_array_size(list) != 2 || !json_is_integer(precision) || !json_is_integer(scale) ||
		json_integer_value(precision) < 1 || json_integer_value(precision) > 38 ||
		json_integer_value(scale) < 0 || json_integer_value(scale) > json_integer_value(precision))
		return wrong(l, place,
			"must be [precision, scale] with 1 <= precision <= 38 and 0 <= scale <= precision");
	c->kind = LK_CONVERT_DECIMAL;
	c->precision = (int)json_integer_value(precision);
	c->scale = (int)json_integer_value(scale);
	return LK_OK;
}

static enum lk_status load_type(struct load *l, const json_t *field, const json_t *lk, const char *at,
	const struct defaults *d, struct lk_convert *c)
{
	static struct lk_text trues[] = {{"true", 4}, {"True", 4}, {"TRUE", 4}, {"1", 1}};
	static struct lk_text falses[] = {{"false", 5}, {"False", 5}, {"FALSE", 5}, {"0", 1}};
	const char *type = "string", *format = "default", *problem;

	LK_TRY(get_text(l, field, at, "type", &type));
	LK_TRY(get_text(l, field, at, "format", &format));
	if (!lk_convert_init(c, type, format, &problem)) {
		if (problem)
			return wrong(l, at_key(l, at, "format"), "'%s' %s", format, problem);
		return wrong(l, at_key(l, at, "type"), "there is no type '%s'", type);
	}
	c->trues = (struct lk_texts){trues, 4};
	c->falses = (struct lk_texts){falses, 4};
	LK_TRY(get_texts(l, field, at, "trueValues", false, &c->trues));
	LK_TRY(get_texts(l, field, at, "falseValues", false, &c->falses));
	LK_TRY(get_char(l, field, at, "decimalChar", false, &c->decimal_char));
	LK_TRY(get_char(l, field, at, "groupChar", true, &c->group_char));
	LK_TRY(get_bool(l, field, at, "bareNumber", &c->bare));
	LK_TRY(load_decimal(l, lk, at, c));
	return load_timezone(l, lk, at, d, c);
}

static enum lk_status load_map(struct load *l, const json_t *lk, const char *at, struct lk_source_field *f)
{
	const char *key, *place = at_key(l, at, "lk.map");
	const json_t *map;
	json_t *value;

	LK_TRY(get_object(l, lk, at_key(l, at, "lk"), "map", &map));
	f->map = lk_arena_alloc(l->arena, (json_object_size(map) + 1) * sizeof(*f->map));
	if (!f->map)
		return lk_error_nomem(l->err);
	json_object_foreach((json_t *)map, key, value) {
		struct lk_map_entry *entry = &f->map[f->map_count++];

		entry->from.data = lk_arena_strdup(l->arena, key);
		if (!entry->from.data)
			return lk_error_nomem(l->err);
		entry->from.len = strlen(key);
		entry->to_missing = json_is_null(value);
		if (entry->to_missing)
			continue;
		LK_TRY(copy_text(l, at_key(l, place, key), value, &entry->to.data));
		entry->to.len = strlen(entry->to.data);
	}
	return LK_OK;
}

static enum lk_status check_group(struct load *l, const char *at, const char *group)
{
	if (!l->package->delivery)
		return wrong(l, at, "the package has no lk.delivery to take '%s' from", group);
	if (pcre2_substring_number_from_name(l->package->delivery, (PCRE2_SPTR)group) < 0)
		return wrong(l, at, "lk.delivery has no group '%s'", group);
	return LK_OK;
}

static enum lk_status load_path(
	struct load *l, const json_t *lk, const char *at, bool is_xml, struct lk_source_field *f)
{
	static const char *const member[] = {"name", "path", "modified"};
	const char *place = at_key(l, at, "lk.path");

	f->path = f->name;
	if (!json_object_get(lk, "path"))
		return LK_OK;
	LK_TRY(get_text(l, lk, at_key(l, at, "lk"), "path", &f->path));
	if (!strncmp(f->path, "delivery:", 9)) {
		f->origin = LK_ORIGIN_DELIVERY;
		f->path += 9;
		return check_group(l, place, f->path);
	}
	if (!strncmp(f->path, "member:", 7)) {
		for (int i = 0; i < 3; i++)
			if (!strcmp(f->path + 7, member[i])) {
				f->origin = LK_ORIGIN_MEMBER_NAME + i;
				return LK_OK;
			}
		return wrong(l, place, "'%s' is none of member:name, member:path, member:modified", f->path);
	}
	if (!is_xml)
		return wrong(l, place,
			"'%s' is none of delivery:GROUP, member:name, member:path, member:modified; XPaths are for XML",
			f->path);
	return LK_OK;
}

static enum lk_status load_column(struct load *l, const json_t *lk, const char *at, struct lk_source_field *f)
{
	const char *given = NULL;

	LK_TRY(get_text(l, lk, at_key(l, at, "lk"), "column", &given));
	f->column = given ? given : lk_column_name(l->arena, f->name);
	if (!f->column)
		return lk_error_nomem(l->err);
	for (const char *p = given; p && *p; p++)
		if (!is_name_char(*p) || (p == given && isdigit((unsigned char)*p)))
			return wrong(l, at_key(l, at, "lk.column"),
				"'%s' must be of small letters, digits and underscores", given);
	if (!*f->column)
		return wrong(l, at_key(l, at, "name"),
			"'%s' leaves nothing to name the column by: give it an lk.column", f->name);
	if (!strncmp(f->column, "lk_", 3))
		return wrong(l, at_key(l, at, "name"), "columns that begin with lk_ are lk's own");
	return LK_OK;
}

static enum lk_status load_missing(struct load *l, const json_t *field, const char *at,
	const struct defaults *d, const char *null_sequence, struct lk_source_field *f)
{
	static struct lk_text empty[] = {{"", 0}};
	struct lk_texts list = {empty, 1};

	if (json_object_get(field, "missingValues"))
		LK_TRY(get_texts(l, field, at, "missingValues", false, &list));
	else if (d->missing)
		LK_TRY(copy_texts(l, "missingValues", d->missing, false, &list));
	if (null_sequence) {
		struct lk_text *items = lk_arena_alloc(l->arena, (size_t)(list.count + 1) * sizeof(*items));

		if (!items)
			return lk_error_nomem(l->err);
		memcpy(items, list.items, (size_t)list.count * sizeof(*items));
		items[list.count] = (struct lk_text){null_sequence, strlen(null_sequence)};
		list = (struct lk_texts){items, list.count + 1};
	}
	f->missing = list;
	f->empty_is_missing = list.count == 1 && list.items[0].len == 0;
	return LK_OK;
}

static enum lk_status load_field(struct load *l, const json_t *field, const char *at, const struct defaults *d,
	const struct lk_resource *r, const char *null_sequence, struct lk_source_field *f)
{
	static const char *const known[] = {"path", "column", "aliases", "phi", "decimal", "trim", "map",
		"bad", "timezone", "join", NULL};
	static const char *const bad_words[] = {"reject", "null", NULL};
	const json_t *lk, *constraints;
	const char *place;
	int bad = 0;

	if (!json_is_object(field))
		return wrong(l, at, "must be an object");
	LK_TRY(get_text(l, field, at, "name", &f->name));
	if (!f->name || !*f->name)
		return wrong(l, at, "a field needs a name");
	LK_TRY(get_lk(l, field, at, known, &lk));
	place = at_key(l, at, "lk");
	LK_TRY(load_type(l, field, lk, at, d, &f->convert));
	LK_TRY(load_missing(l, field, at, d, null_sequence, f));
	LK_TRY(load_path(l, lk, at, r->is_xml, f));
	LK_TRY(load_column(l, lk, at, f));
	LK_TRY(load_map(l, lk, at, f));
	LK_TRY(get_texts(l, lk, place, "aliases", false, &f->aliases));
	LK_TRY(get_text(l, lk, place, "phi", &f->phi));
	LK_TRY(get_text(l, lk, place, "join", &f->join));
	f->trim = r->is_xml;
	LK_TRY(get_bool(l, lk, place, "trim", &f->trim));
	LK_TRY(get_word(l, lk, place, "bad", bad_words, &bad));
	f->bad_is_null = bad == 1;
	LK_TRY(get_text(l, field, at, "description", &f->doc));
	LK_TRY(get_object(l, field, at, "constraints", &constraints));
	return get_bool(l, constraints, at_key(l, at, "constraints"), "required", &f->required);
}

static enum lk_status load_fields(struct load *l, const json_t *schema, const char *at,
	const struct defaults *d, const char *null_sequence, struct lk_resource *r)
{
	const json_t *list = json_object_get(schema, "fields");
	const char *place = at_key(l, at, "fields");
	size_t count = json_array_size(list);

	if (!count)
		return wrong(l, place, "must be a list of at least one field");
	r->fields = lk_arena_alloc(l->arena, count * sizeof(*r->fields));
	if (!r->fields)
		return lk_error_nomem(l->err);
	for (size_t i = 0; i < count; i++) {
		struct lk_source_field *f = &r->fields[i];

		LK_TRY(load_field(l, json_array_get(list, i), at_index(l, place, i), d, r, null_sequence, f));
		for (size_t j = 0; j < i; j++)
			if (!strcmp(f->column, r->fields[j].column))
				return wrong(l, at_index(l, place, i),
					"'%s' and '%s' both become the column '%s'", r->fields[j].name,
					f->name, f->column);
		r->field_count++;
	}
	return LK_OK;
}

/* ---- delimited text and XML ---- */

static enum lk_status load_dialect(struct load *l, const json_t *resource, const char *at, int format,
	const char **null_sequence, struct lk_dialect *d)
{
	static const char *const terminators[] = {"\n", "\r", "\r\n", "\n\r", NULL};
	const json_t *object, *rows;
	const char *place = at_key(l, at, "dialect");
	int terminator;

	*d = (struct lk_dialect){
		.delimiter = format == 1 ? '\t' : ',', .quote = '"', .double_quote = true, .header = true};
	LK_TRY(get_object(l, resource, at, "dialect", &object));
	LK_TRY(get_char(l, object, place, "delimiter", false, &d->delimiter));
	LK_TRY(get_char(l, object, place, "quoteChar", true, &d->quote));
	LK_TRY(get_char(l, object, place, "escapeChar", true, &d->escape));
	LK_TRY(get_char(l, object, place, "commentChar", true, &d->comment));
	LK_TRY(get_bool(l, object, place, "doubleQuote", &d->double_quote));
	LK_TRY(get_bool(l, object, place, "header", &d->header));
	LK_TRY(get_bool(l, object, place, "skipInitialSpace", &d->skip_initial_space));
	LK_TRY(get_bool(l, object, place, "caseSensitiveHeader", &d->case_sensitive));
	LK_TRY(get_text(l, object, place, "nullSequence", null_sequence));
	LK_TRY(get_word(l, object, place, "lineTerminator", terminators, &terminator));
	rows = json_object_get(object, "headerRows");
	if (rows && (json_array_size(rows) != 1 || json_integer_value(json_array_get(rows, 0)) != 1))
		return wrong(l, at_key(l, place, "headerRows"), "only [1] is supported");
	if (json_array_size(json_object_get(object, "commentRows")))
		return wrong(l, at_key(l, place, "commentRows"), "is not supported");
	if (d->escape && d->escape == d->quote)
		d->escape = 0;
	if (d->delimiter == d->quote || d->delimiter == d->escape ||
		(d->comment && (d->comment == d->quote || d->comment == d->delimiter)))
		return wrong(l, place, "delimiter, quoteChar, escapeChar and commentChar must differ");
	return LK_OK;
}

static enum lk_status load_encoding(struct load *l, const json_t *resource, const char *at, bool is_xml)
{
	const char *encoding = "utf-8";

	LK_TRY(get_text(l, resource, at, "encoding", &encoding));
	if (is_xml || !strcasecmp(encoding, "utf-8") || !strcasecmp(encoding, "utf8") ||
		!strcasecmp(encoding, "us-ascii") || !strcasecmp(encoding, "ascii"))
		return LK_OK;
	return wrong(l, at_key(l, at, "encoding"), "'%s' is not supported, only utf-8", encoding);
}

static enum lk_status add_namespaces(
	struct load *l, const json_t *object, const char *at, struct lk_resource *r)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		struct lk_namespace *ns = &r->namespaces[r->namespace_count];
		bool known = false;

		for (int i = 0; i < r->namespace_count; i++)
			known |= !strcmp(r->namespaces[i].prefix, key);
		if (known)
			continue;
		ns->prefix = lk_arena_strdup(l->arena, key);
		if (!ns->prefix)
			return lk_error_nomem(l->err);
		LK_TRY(copy_text(l, at_key(l, at, key), value, &ns->uri));
		r->namespace_count++;
	}
	return LK_OK;
}

static enum lk_status load_xml(
	struct load *l, const json_t *lk, const char *at, const struct defaults *d, struct lk_resource *r)
{
	const char *place = at_key(l, at, "lk");
	const json_t *own;

	LK_TRY(get_object(l, lk, place, "namespaces", &own));
	r->namespaces = lk_arena_alloc(l->arena,
		(json_object_size(own) + json_object_size(d->namespaces) + 1) * sizeof(*r->namespaces));
	if (!r->namespaces)
		return lk_error_nomem(l->err);
	LK_TRY(add_namespaces(l, own, at_key(l, place, "namespaces"), r));
	LK_TRY(add_namespaces(l, d->namespaces, "lk.namespaces", r));
	if (!r->record)
		return wrong(l, place, "XML needs lk.record, the XPath of its records");
	r->root = d->root;
	return get_text(l, lk, place, "root", &r->root);
}

static enum lk_status compile_paths(struct load *l, const char *at, struct lk_resource *r)
{
	const char *problem, *place;
	int field;

	if (lk_xml_program_make(l->arena, r, &r->program, &field, &problem))
		return LK_OK;
	if (!problem)
		return lk_error_nomem(l->err);
	if (field < 0)
		return wrong(l, at_key(l, at, "lk.record"), "'%s' %s", r->record, problem);
	place = at_index(l, at_key(l, at, "schema.fields"), (size_t)field);
	return wrong(l, at_key(l, place, "lk.path"), "'%s' %s", r->fields[field].path, problem);
}

/* ---- what downstream filters need: keys, order, load, scope, partition as metadata of the schema ---- */

static const struct lk_source_field *find_field(const struct lk_resource *r, const char *name, size_t len)
{
	for (int i = 0; i < r->field_count; i++)
		if (strlen(r->fields[i].name) == len && !memcmp(r->fields[i].name, name, len))
			return &r->fields[i];
	return NULL;
}

static enum lk_status field_column(struct load *l, const struct lk_resource *r, const char *at,
	const char *name, size_t len, const char **column)
{
	const struct lk_source_field *f = find_field(r, name, len);

	if (!f)
		return wrong(l, at, "there is no field '%.*s'", (int)len, name);
	*column = f->column;
	return LK_OK;
}

/* The transform with the column in place of the field: "day(Admitted)" is "day(admitted)". */
static enum lk_status add_transform(
	struct load *l, const struct lk_resource *r, const char *at, const char *text, struct lk_str *out)
{
	static const char *const words[] = {"year", "month", "day", "hour", "bucket", "truncate"};
	const char *open = strchr(text, '('), *name = open ? open + 1 : text, *end = text + strlen(text),
		   *column;
	int word = -1;
	long number = 0;

	for (int i = 0; open && i < 6; i++)
		if (strlen(words[i]) == (size_t)(open - text) &&
			!strncmp(text, words[i], (size_t)(open - text)))
			word = i;
	if (open && (word < 0 || end[-1] != ')'))
		return wrong(l, at,
			"'%s' must be FIELD, or year, month, day or hour(FIELD), or bucket or truncate(N, FIELD)",
			text);
	end -= open != NULL;
	if (word >= 4) {
		char *rest;

		number = strtol(name, &rest, 10);
		if (number < 1 || number > INT32_MAX || *rest != ',')
			return wrong(l, at, "'%s' must be %s(N, FIELD)", text, words[word]);
		name = rest + 1;
	}
	while (name < end && *name == ' ')
		name++;
	LK_TRY(field_column(l, r, at, name, (size_t)(end - name), &column));
	if (word < 0)
		lk_str_adds(out, column);
	else if (word >= 4)
		lk_str_addf(out, "%s(%ld, %s)", words[word], number, column);
	else
		lk_str_addf(out, "%s(%s)", words[word], column);
	return LK_OK;
}

/* A list of fields, or of transforms, as a JSON list of columns; *out stays NULL when there is none. */
static enum lk_status columns_json_impl(struct load *l, const struct lk_resource *r, const char *at,
	const struct lk_texts *list, bool transforms, struct lk_str *json, struct lk_str *item)
{
	for (int i = 0; i < list->count; i++) {
		const char *place = at_index(l, at, (size_t)i), *column;

		lk_str_clear(item);
		if (transforms) {
			LK_TRY(add_transform(l, r, place, list->items[i].data, item));
		} else {
			LK_TRY(field_column(l, r, place, list->items[i].data, list->items[i].len, &column));
			lk_str_adds(item, column);
		}
		lk_str_adds(json, i ? ", " : "[");
		lk_str_add_json(json, lk_str_text(item), item->len);
	}
	lk_str_adds(json, "]");
	return lk_str_check(json, l->err);
}

static enum lk_status columns_json(struct load *l, const struct lk_resource *r, const json_t *object,
	const char *at, const char *key, bool transforms, const char **out)
{
	struct lk_texts list = {NULL, 0};
	struct lk_str json = LK_STR_INIT, item = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(get_texts(l, object, at, key, true, &list));
	if (!list.count)
		return LK_OK;
	status = columns_json_impl(l, r, at_key(l, at, key), &list, transforms, &json, &item);
	if (status == LK_OK && !(*out = lk_arena_strdup(l->arena, lk_str_text(&json))))
		status = lk_error_nomem(l->err);
	lk_str_release(&json);
	lk_str_release(&item);
	return status;
}

static enum lk_status get_column(struct load *l, const struct lk_resource *r, const json_t *lk,
	const char *at, const char *key, const char **out)
{
	const char *name = NULL;

	LK_TRY(get_text(l, lk, at, key, &name));
	return name ? field_column(l, r, at_key(l, at, key), name, strlen(name), out) : LK_OK;
}

static enum lk_status load_meta(struct load *l, const json_t *lk, const json_t *schema, const char *at,
	struct lk_resource *r, struct lk_meta meta[], int *count)
{
	static const char *const loads[] = {"append", "upsert", "full", NULL};
	const char *place = at_key(l, at, "lk"), *key = NULL, *order = NULL, *op = NULL, *scope = NULL,
		   *partition = NULL;
	int load = 0, n = 0;

	LK_TRY(columns_json(l, r, schema, at_key(l, at, "schema"), "primaryKey", false, &key));
	LK_TRY(get_column(l, r, lk, place, "order", &order));
	LK_TRY(get_column(l, r, lk, place, "op", &op));
	LK_TRY(get_word(l, lk, place, "load", loads, &load));
	LK_TRY(columns_json(l, r, lk, place, "scope", false, &scope));
	LK_TRY(columns_json(l, r, lk, place, "partition", true, &partition));
	if (load == 1 && !key)
		return wrong(l, at_key(l, place, "load"), "upsert needs a schema.primaryKey");
	meta[n++] = (struct lk_meta){LK_META_TABLE, r->table};
	meta[n++] = (struct lk_meta){"lk.package", l->package->name};
	meta[n++] = (struct lk_meta){LK_META_LOAD, loads[load]};
	if (key)
		meta[n++] = (struct lk_meta){LK_META_KEY, key};
	if (order)
		meta[n++] = (struct lk_meta){LK_META_ORDER, order};
	if (op)
		meta[n++] = (struct lk_meta){"lk.op", op};
	if (scope)
		meta[n++] = (struct lk_meta){LK_META_SCOPE, scope};
	if (partition)
		meta[n++] = (struct lk_meta){LK_META_PARTITION, partition};
	meta[n] = (struct lk_meta){NULL, NULL};
	*count = n;
	return LK_OK;
}

static enum lk_status make_schema(struct load *l, const struct lk_meta *meta, struct lk_resource *r)
{
	struct lk_field *fields = lk_arena_alloc(l->arena, (size_t)(r->field_count + 4) * sizeof(*fields));
	int n = r->field_count;

	if (!fields)
		return lk_error_nomem(l->err);
	for (int i = 0; i < n; i++) {
		const struct lk_source_field *f = &r->fields[i];
		struct lk_meta *own = lk_arena_alloc(l->arena, 3 * sizeof(*own));
		int k = 0;

		if (!own)
			return lk_error_nomem(l->err);
		if (f->phi)
			own[k++] = (struct lk_meta){LK_META_PHI, f->phi};
		if (f->doc)
			own[k++] = (struct lk_meta){LK_META_DOC, f->doc};
		fields[i] = (struct lk_field){f->column, lk_convert_type(&f->convert), f->convert.precision,
			f->convert.scale, f->required, own};
	}
	fields[n++] = (struct lk_field){LK_COLUMN_FILE, LK_UTF8, .required = true};
	fields[n++] = (struct lk_field){LK_COLUMN_ROW, LK_INT64, .required = true};
	if (r->rest)
		fields[n++] = (struct lk_field){LK_COLUMN_REST, LK_UTF8};
	return lk_schema_make(&r->schema, fields, n, meta, l->err);
}

/* ---- resources ---- */

static enum lk_status load_match(
	struct load *l, const json_t *schema, const json_t *lk, const char *at, struct lk_resource *r)
{
	static const char *const words[] = {"exact", "equal", "subset", "superset", "partial", NULL};
	int match = -1;

	LK_TRY(get_bool(l, lk, at_key(l, at, "lk"), "rest", &r->rest));
	LK_TRY(get_word(l, schema, at_key(l, at, "schema"), "fieldsMatch", words, &match));
	r->match = match >= 0 ? (enum lk_fields_match)match : r->rest ? LK_FIELDS_SUBSET : LK_FIELDS_EXACT;
	if (r->rest && (r->is_xml || !r->dialect.header ||
			       (r->match != LK_FIELDS_SUBSET && r->match != LK_FIELDS_PARTIAL)))
		return wrong(l, at_key(l, at, "lk.rest"),
			"needs delimited text with a header and fieldsMatch subset or partial");
	return LK_OK;
}

static enum lk_status load_resource(
	struct load *l, const json_t *resource, const char *at, struct defaults d, struct lk_resource *r)
{
	static const char *const known[] = {"table", "record", "root", "order", "op", "load", "scope",
		"partition", "timezone", "namespaces", "rest", "missing", NULL};
	static const char *const formats[] = {"csv", "tsv", "txt", "xml", NULL};
	static const char *const missing_words[] = {"any", "unquoted", NULL};
	const json_t *lk, *schema;
	const char *place = at_key(l, at, "lk"), *null_sequence = NULL;
	struct lk_meta meta[10];
	int format, missing = 0, meta_count;

	if (!json_is_object(resource))
		return wrong(l, at, "must be an object");
	r->package = l->package;
	LK_TRY(get_text(l, resource, at, "name", &r->name));
	if (!r->name || !*r->name)
		return wrong(l, at, "a resource needs a name");
	LK_TRY(get_lk(l, resource, at, known, &lk));
	LK_TRY(load_table(l, lk, at, r));
	LK_TRY(get_strings(l, resource, at, "path", true, &r->paths, &r->path_count));
	if (!r->path_count)
		return wrong(l, at_key(l, at, "path"), "a resource needs a glob of its members' names");
	LK_TRY(get_text(l, lk, place, "record", &r->record));
	format = r->record ? 3 : 0;
	LK_TRY(get_word(l, resource, at, "format", formats, &format));
	r->is_xml = format == 3;
	if (r->record && !r->is_xml)
		return wrong(l, at_key(l, place, "record"), "only XML has one");
	LK_TRY(load_encoding(l, resource, at, r->is_xml));
	LK_TRY(load_dialect(l, resource, at, format, &null_sequence, &r->dialect));
	LK_TRY(get_text(l, lk, place, "timezone", &d.timezone));
	LK_TRY(get_word(l, lk, place, "missing", missing_words, &missing));
	r->missing_unquoted = missing == 1;
	if (r->is_xml)
		LK_TRY(load_xml(l, lk, at, &d, r));
	LK_TRY(get_object(l, resource, at, "schema", &schema));
	if (!schema)
		return wrong(l, at_key(l, at, "schema"), "a resource needs one");
	LK_TRY(load_match(l, schema, lk, at, r));
	if (json_object_get(resource, "missingValues"))
		d.missing = json_object_get(resource, "missingValues");
	if (json_object_get(schema, "missingValues"))
		d.missing = json_object_get(schema, "missingValues");
	LK_TRY(load_fields(l, schema, at_key(l, at, "schema"), &d, null_sequence, r));
	if (r->is_xml)
		LK_TRY(compile_paths(l, at, r));
	LK_TRY(load_meta(l, lk, schema, at, r, meta, &meta_count));
	return make_schema(l, meta, r);
}

static enum lk_status load_resources(struct load *l, const json_t *root, const struct defaults *d)
{
	const json_t *list = json_object_get(root, "resources");
	struct lk_package *p = l->package;
	size_t count = json_array_size(list);

	if (!count)
		return wrong(l, "resources", "must be a list of at least one resource");
	p->resources = lk_arena_alloc(l->arena, count * sizeof(*p->resources));
	if (!p->resources)
		return lk_error_nomem(l->err);
	for (size_t i = 0; i < count; i++) {
		const char *at = at_index(l, "resources", i);

		LK_TRY(load_resource(l, json_array_get(list, i), at, *d, &p->resources[p->resource_count++]));
		for (size_t j = 0; j < i; j++)
			if (!strcmp(p->resources[i].name, p->resources[j].name))
				return wrong(l, at, "there is another resource '%s'", p->resources[i].name);
	}
	return LK_OK;
}

/* ---- the package ---- */

static enum lk_status load_delivery(struct load *l, const json_t *lk)
{
	struct lk_package *p = l->package;
	PCRE2_UCHAR message[256];
	PCRE2_SIZE offset;
	int code;

	LK_TRY(get_text(l, lk, "lk", "delivery", &p->delivery_text));
	if (!p->delivery_text)
		return LK_OK;
	p->delivery =
		pcre2_compile((PCRE2_SPTR)p->delivery_text, PCRE2_ZERO_TERMINATED, 0, &code, &offset, NULL);
	if (p->delivery)
		return LK_OK;
	pcre2_get_error_message(code, message, sizeof(message));
	return wrong(l, "lk.delivery", "%s at character %zu", (const char *)message, (size_t)offset + 1);
}

/* What a package without a name is called: its folder when the file is a datapackage.json in one, else its
 * file. */
static const char *default_name(struct load *l)
{
	const char *file = l->package->file, *base = lk_path_base(file), *dot = strrchr(base, '.');
	size_t len = dot ? (size_t)(dot - base) : strlen(base);

	if (!strcmp(base, "datapackage.json") && base > file + 1) {
		const char *end = base - 1, *start = end;

		while (start > file && start[-1] != '/')
			start--;
		return lk_arena_strndup(l->arena, start, (size_t)(end - start));
	}
	return lk_arena_strndup(l->arena, base, len);
}

static enum lk_status load_package(struct load *l, const json_t *root)
{
	static const char *const known[] = {"delivery", "ignore", "namespaces", "root", "timezone", NULL};
	struct defaults d = {.missing = json_object_get(root, "missingValues")};
	struct lk_package *p = l->package;
	const json_t *lk;

	if (!json_is_object(root))
		return wrong(l, "", "must be an object");
	p->name = default_name(l);
	if (!p->name)
		return lk_error_nomem(l->err);
	LK_TRY(get_text(l, root, "", "name", &p->name));
	LK_TRY(get_lk(l, root, "", known, &lk));
	LK_TRY(load_delivery(l, lk));
	LK_TRY(get_strings(l, lk, "lk", "ignore", true, &p->ignore, &p->ignore_count));
	LK_TRY(get_object(l, lk, "lk", "namespaces", &d.namespaces));
	LK_TRY(get_text(l, lk, "lk", "root", &d.root));
	LK_TRY(get_text(l, lk, "lk", "timezone", &d.timezone));
	return load_resources(l, root, &d);
}

enum lk_status lk_package_load(
	struct lk_arena *arena, const char *file, struct lk_package **out, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	struct lk_package *p = lk_arena_alloc(arena, sizeof(*p));
	struct load l = {arena, p, err};
	enum lk_status status;
	json_error_t problem;
	json_t *root = NULL;

	*out = p;
	if (!p || !(p->file = lk_arena_strdup(arena, file)))
		return lk_error_nomem(err);
	status = lk_file_read(file, PACKAGE_BYTES, &text, err);
	if (status == LK_OK)
		status = lk_sha256_of(lk_str_text(&text), text.len, p->sha256, err);
	if (status == LK_OK) {
		root = json_loadb(lk_str_text(&text), text.len, JSON_REJECT_DUPLICATES, &problem);
		status = root ? load_package(&l, root)
			      : lk_error_set(
					err, LK_CONFIG, "'%s' line %d: %s", file, problem.line, problem.text);
	}
	json_decref(root);
	lk_str_release(&text);
	return status;
}

void lk_package_release(struct lk_package *p)
{
	if (!p)
		return;
	pcre2_code_free(p->delivery);
	for (int i = 0; i < p->resource_count; i++) {
		lk_xml_program_release(p->resources[i].program);
		if (p->resources[i].schema.release)
			ArrowSchemaRelease(&p->resources[i].schema);
	}
}
