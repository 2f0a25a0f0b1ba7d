#include "source/package.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "source/pattern.h"
#include "source/property.h"
#include "source/xml_path.h"
#include "stream/stream.h"

#define PACKAGE_BYTES (16 * 1024 * 1024)

/* What the standard knows, versions 1 and 2: others are ignored, but those that look like one of these are typing errors. */
static const char *const package_properties[] = {"$schema", "name", "id", "profile", "title", "description", "homepage",
	"version", "created", "keywords", "image", "licenses", "contributors", "sources", "resources", "missingValues", NULL};
static const char *const resource_properties[] = {"$schema", "name", "path", "data", "type", "profile", "title",
	"description", "homepage", "format", "mediatype", "encoding", "bytes", "hash", "sources", "licenses", "dialect",
	"schema", "compression", NULL};
static const char *const dialect_properties[] = {"$schema", "name", "title", "description", "header", "headerRows",
	"headerJoin", "commentRows", "commentChar", "delimiter", "lineTerminator", "quoteChar", "doubleQuote", "escapeChar",
	"nullSequence", "skipInitialSpace", "caseSensitiveHeader", "csvddfVersion", "property", "itemType", "itemKeys",
	"sheetNumber", "sheetName", "table", NULL};
static const char *const schema_properties[] = {"$schema", "name", "title", "description", "fields", "fieldsMatch",
	"missingValues", "primaryKey", "uniqueKeys", "foreignKeys", NULL};
static const char *const field_properties[] = {"name", "type", "format", "title", "description", "example", "examples",
	"constraints", "missingValues", "rdfType", "categories", "categoriesOrdered", "trueValues", "falseValues",
	"decimalChar", "groupChar", "bareNumber", "itemType", "delimiter", NULL};
static const char *const constraint_properties[] = {"required", "unique", "minLength", "maxLength", "minimum", "maximum",
	"exclusiveMinimum", "exclusiveMaximum", "jsonSchema", "pattern", "enum", NULL};

/* Properties of an enclosing object that resources and fields fall back to. */
struct defaults {
	const json_t *missing;
	const char *timezone, *root;
	const json_t *namespaces;
};

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

static enum lk_status load_table(struct lk_load *l, const json_t *lk, const char *at, struct lk_resource *r)
{
	const char *given = NULL;
	char *table;

	LK_TRY(lk_prop_text(l, lk, lk_prop_at(l, at, "lk"), "table", &given));
	table = lk_arena_strdup(l->arena, given ? given : r->name);
	if (!table)
		return lk_error_nomem(l->err);
	for (char *p = table; !given && *p; p++)
		if (*p == '-')
			*p = '_';
	if (!is_table_name(table))
		return lk_prop_wrong(l, lk_prop_at(l, at, given ? "lk.table" : "name"),
			"'%s' is not the name of a table: small letters, "
			"digits and underscores, with or without a namespace and a dot before it",
			table);
	if (!strncmp(table, "lk.", 3) || !strncmp(table, "quarantine.", 11))
		return lk_prop_wrong(
			l, lk_prop_at(l, at, "lk.table"), "the namespace of '%s' is taken", table);
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
	struct lk_load *l, const json_t *lk, const char *at, const struct defaults *d, struct lk_convert *c)
{
	const char *zone = NULL;

	LK_TRY(lk_prop_text(l, lk, lk_prop_at(l, at, "lk"), "timezone", &zone));
	if (zone && c->kind != LK_CONVERT_DATETIME)
		return lk_prop_wrong(
			l, lk_prop_at(l, at, "lk.timezone"), "only a field of type datetime has one");
	if (!zone)
		zone = d->timezone;
	if (!zone || c->kind != LK_CONVERT_DATETIME)
		return LK_OK;
	if (!parse_zone(zone, &c->zone_us))
		return lk_prop_wrong(l, lk_prop_at(l, at, "lk.timezone"),
			"'%s' must be UTC or an offset such as +01:00", zone);
	c->zone = true;
	return LK_OK;
}

static enum lk_status load_decimal(struct lk_load *l, const json_t *lk, const char *at, struct lk_convert *c)
{
	const json_t *list = json_object_get(lk, "decimal"), *precision = json_array_get(list, 0),
		     *scale = json_array_get(list, 1);
	const char *place = lk_prop_at(l, at, "lk.decimal");

	if (!list)
		return LK_OK;
	if (c->kind != LK_CONVERT_NUMBER)
		return lk_prop_wrong(l, place, "only a field of type number has one");
	if (json_array_size(list) != 2 || !json_is_integer(precision) || !json_is_integer(scale) ||
		json_integer_value(precision) < 1 || json_integer_value(precision) > 38 ||
		json_integer_value(scale) < 0 || json_integer_value(scale) > json_integer_value(precision))
		return lk_prop_wrong(l, place,
			"must be [precision, scale] with 1 <= precision <= 38 and 0 <= scale <= precision");
	c->kind = LK_CONVERT_DECIMAL;
	c->precision = (int)json_integer_value(precision);
	c->scale = (int)json_integer_value(scale);
	return LK_OK;
}

static enum lk_status load_type(struct lk_load *l, const json_t *field, const json_t *lk, const char *at,
	const struct defaults *d, struct lk_convert *c)
{
	static struct lk_text trues[] = {{"true", 4}, {"True", 4}, {"TRUE", 4}, {"1", 1}};
	static struct lk_text falses[] = {{"false", 5}, {"False", 5}, {"FALSE", 5}, {"0", 1}};
	const char *type = "string", *format = "default", *problem;

	LK_TRY(lk_prop_text(l, field, at, "type", &type));
	LK_TRY(lk_prop_text(l, field, at, "format", &format));
	if (!lk_convert_init(c, type, format, &problem)) {
		if (problem)
			return lk_prop_wrong(l, lk_prop_at(l, at, "format"), "'%s' %s", format, problem);
		return lk_prop_wrong(l, lk_prop_at(l, at, "type"), "there is no type '%s'", type);
	}
	c->trues = (struct lk_texts){trues, 4};
	c->falses = (struct lk_texts){falses, 4};
	LK_TRY(lk_prop_texts(l, field, at, "trueValues", false, &c->trues));
	LK_TRY(lk_prop_texts(l, field, at, "falseValues", false, &c->falses));
	LK_TRY(lk_prop_char(l, field, at, "decimalChar", false, &c->decimal_char));
	LK_TRY(lk_prop_char(l, field, at, "groupChar", true, &c->group_char));
	LK_TRY(lk_prop_bool(l, field, at, "bareNumber", &c->bare));
	LK_TRY(load_decimal(l, lk, at, c));
	return load_timezone(l, lk, at, d, c);
}

static enum lk_status load_map(struct lk_load *l, const json_t *lk, const char *at, struct lk_source_field *f)
{
	const char *key, *place = lk_prop_at(l, at, "lk.map");
	const json_t *map;
	json_t *value;

	LK_TRY(lk_prop_object(l, lk, lk_prop_at(l, at, "lk"), "map", &map));
	f->map = lk_arena_alloc(l->arena, (json_object_size(map) + 1) * sizeof(*f->map));
	if (!f->map)
		return lk_error_nomem(l->err);
	json_object_foreach((json_t *)map, key, value)
	{
		struct lk_map_entry *entry = &f->map[f->map_count++];

		entry->from.data = lk_arena_strdup(l->arena, key);
		if (!entry->from.data)
			return lk_error_nomem(l->err);
		entry->from.len = strlen(key);
		entry->to_missing = json_is_null(value);
		if (entry->to_missing)
			continue;
		LK_TRY(lk_prop_copy_text(l, lk_prop_at(l, place, key), value, &entry->to.data));
		entry->to.len = strlen(entry->to.data);
	}
	return LK_OK;
}

static enum lk_status check_group(struct lk_load *l, const char *at, const char *group)
{
	if (!l->package->delivery)
		return lk_prop_wrong(l, at, "the package has no lk.delivery to take '%s' from", group);
	if (pcre2_substring_number_from_name(l->package->delivery, (PCRE2_SPTR)group) < 0)
		return lk_prop_wrong(l, at, "lk.delivery has no group '%s'", group);
	return LK_OK;
}

static enum lk_status load_path(
	struct lk_load *l, const json_t *lk, const char *at, bool is_xml, struct lk_source_field *f)
{
	static const char *const member[] = {"name", "path", "modified"};
	const char *place = lk_prop_at(l, at, "lk.path");

	f->path = f->name;
	if (!json_object_get(lk, "path"))
		return LK_OK;
	LK_TRY(lk_prop_text(l, lk, lk_prop_at(l, at, "lk"), "path", &f->path));
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
		return lk_prop_wrong(
			l, place, "'%s' is none of member:name, member:path, member:modified", f->path);
	}
	if (!is_xml)
		return lk_prop_wrong(l, place,
			"'%s' is none of delivery:GROUP, member:name, member:path, member:modified; XPaths are for XML",
			f->path);
	return LK_OK;
}

static enum lk_status load_column(
	struct lk_load *l, const json_t *lk, const char *at, struct lk_source_field *f)
{
	const char *given = NULL;

	LK_TRY(lk_prop_text(l, lk, lk_prop_at(l, at, "lk"), "column", &given));
	f->column = given ? given : lk_column_name(l->arena, f->name);
	if (!f->column)
		return lk_error_nomem(l->err);
	for (const char *p = given; p && *p; p++)
		if (!is_name_char(*p) || (p == given && isdigit((unsigned char)*p)))
			return lk_prop_wrong(l, lk_prop_at(l, at, "lk.column"),
				"'%s' must be of small letters, digits and underscores", given);
	if (!*f->column)
		return lk_prop_wrong(l, lk_prop_at(l, at, "name"),
			"'%s' leaves nothing to name the column by: give it an lk.column", f->name);
	if (!strncmp(f->column, "lk_", 3))
		return lk_prop_wrong(
			l, lk_prop_at(l, at, "name"), "columns that begin with lk_ are lk's own");
	return LK_OK;
}

static enum lk_status load_missing(struct lk_load *l, const json_t *field, const char *at,
	const struct defaults *d, const char *null_sequence, struct lk_source_field *f)
{
	static struct lk_text empty[] = {{"", 0}};
	struct lk_texts list = {empty, 1};

	if (json_object_get(field, "missingValues"))
		LK_TRY(lk_prop_texts(l, field, at, "missingValues", false, &list));
	else if (d->missing)
		LK_TRY(lk_prop_copy_texts(l, "missingValues", d->missing, false, &list));
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

static enum lk_status load_field(struct lk_load *l, const json_t *field, const char *at,
	const struct defaults *d, const struct lk_resource *r, const char *null_sequence,
	struct lk_source_field *f)
{
	static const char *const known[] = {"path", "column", "aliases", "phi", "decimal", "trim", "map",
		"bad", "timezone", "join", NULL};
	static const char *const bad_words[] = {"reject", "null", NULL};
	const json_t *lk, *constraints;
	const char *place;
	int bad = 0;

	if (!json_is_object(field))
		return lk_prop_wrong(l, at, "must be an object");
	LK_TRY(lk_prop_text(l, field, at, "name", &f->name));
	if (!f->name || !*f->name)
		return lk_prop_wrong(l, at, "a field needs a name");
	LK_TRY(lk_prop_lk(l, field, at, known, &lk));
	place = lk_prop_at(l, at, "lk");
	LK_TRY(load_type(l, field, lk, at, d, &f->convert));
	LK_TRY(load_missing(l, field, at, d, null_sequence, f));
	LK_TRY(load_path(l, lk, at, r->is_xml, f));
	LK_TRY(load_column(l, lk, at, f));
	LK_TRY(load_map(l, lk, at, f));
	LK_TRY(lk_prop_texts(l, lk, place, "aliases", false, &f->aliases));
	LK_TRY(lk_prop_text(l, lk, place, "phi", &f->phi));
	LK_TRY(lk_prop_text(l, lk, place, "join", &f->join));
	f->trim = r->is_xml;
	LK_TRY(lk_prop_bool(l, lk, place, "trim", &f->trim));
	LK_TRY(lk_prop_word(l, lk, place, "bad", bad_words, &bad));
	f->bad_is_null = bad == 1;
	LK_TRY(lk_prop_text(l, field, at, "description", &f->doc));
	LK_TRY(lk_prop_object(l, field, at, "constraints", &constraints));
	lk_prop_typo(l, field, at, field_properties);
	lk_prop_typo(l, constraints, lk_prop_at(l, at, "constraints"), constraint_properties);
	return lk_prop_bool(l, constraints, lk_prop_at(l, at, "constraints"), "required", &f->required);
}

static enum lk_status load_fields(struct lk_load *l, const json_t *schema, const char *at,
	const struct defaults *d, const char *null_sequence, struct lk_resource *r)
{
	const json_t *list = json_object_get(schema, "fields");
	const char *place = lk_prop_at(l, at, "fields");
	size_t count = json_array_size(list);

	if (!count)
		return lk_prop_wrong(l, place, "must be a list of at least one field");
	r->fields = lk_arena_alloc(l->arena, count * sizeof(*r->fields));
	if (!r->fields)
		return lk_error_nomem(l->err);
	for (size_t i = 0; i < count; i++) {
		struct lk_source_field *f = &r->fields[i];

		LK_TRY(load_field(
			l, json_array_get(list, i), lk_prop_item(l, place, i), d, r, null_sequence, f));
		for (size_t j = 0; j < i; j++)
			if (!strcmp(f->column, r->fields[j].column))
				return lk_prop_wrong(l, lk_prop_item(l, place, i),
					"'%s' and '%s' both become the column '%s'", r->fields[j].name,
					f->name, f->column);
		r->field_count++;
	}
	return LK_OK;
}

/* ---- delimited text and XML ---- */

static enum lk_status load_dialect(struct lk_load *l, const json_t *resource, const char *at, int format,
	const char **null_sequence, struct lk_dialect *d)
{
	static const char *const terminators[] = {"\n", "\r", "\r\n", "\n\r", NULL};
	const json_t *object, *rows;
	const char *place = lk_prop_at(l, at, "dialect");
	int terminator;

	*d = (struct lk_dialect){
		.delimiter = format == 1 ? '\t' : ',', .quote = '"', .double_quote = true, .header = true};
	LK_TRY(lk_prop_object(l, resource, at, "dialect", &object));
	lk_prop_typo(l, object, place, dialect_properties);
	LK_TRY(lk_prop_char(l, object, place, "delimiter", false, &d->delimiter));
	LK_TRY(lk_prop_char(l, object, place, "quoteChar", true, &d->quote));
	LK_TRY(lk_prop_char(l, object, place, "escapeChar", true, &d->escape));
	LK_TRY(lk_prop_char(l, object, place, "commentChar", true, &d->comment));
	LK_TRY(lk_prop_bool(l, object, place, "doubleQuote", &d->double_quote));
	LK_TRY(lk_prop_bool(l, object, place, "header", &d->header));
	LK_TRY(lk_prop_bool(l, object, place, "skipInitialSpace", &d->skip_initial_space));
	LK_TRY(lk_prop_bool(l, object, place, "caseSensitiveHeader", &d->case_sensitive));
	LK_TRY(lk_prop_text(l, object, place, "nullSequence", null_sequence));
	LK_TRY(lk_prop_word(l, object, place, "lineTerminator", terminators, &terminator));
	rows = json_object_get(object, "headerRows");
	if (rows && (json_array_size(rows) != 1 || json_integer_value(json_array_get(rows, 0)) != 1))
		return lk_prop_wrong(l, lk_prop_at(l, place, "headerRows"), "only [1] is supported");
	if (json_array_size(json_object_get(object, "commentRows")))
		return lk_prop_wrong(l, lk_prop_at(l, place, "commentRows"), "is not supported");
	if (d->escape && d->escape == d->quote)
		d->escape = 0;
	if (d->delimiter == d->quote || d->delimiter == d->escape ||
		(d->comment && (d->comment == d->quote || d->comment == d->delimiter)))
		return lk_prop_wrong(
			l, place, "delimiter, quoteChar, escapeChar and commentChar must differ");
	return LK_OK;
}

static enum lk_status load_encoding(struct lk_load *l, const json_t *resource, const char *at, bool is_xml)
{
	const char *encoding = "utf-8";

	LK_TRY(lk_prop_text(l, resource, at, "encoding", &encoding));
	if (is_xml || !strcasecmp(encoding, "utf-8") || !strcasecmp(encoding, "utf8") ||
		!strcasecmp(encoding, "us-ascii") || !strcasecmp(encoding, "ascii"))
		return LK_OK;
	return lk_prop_wrong(l, lk_prop_at(l, at, "encoding"), "'%s' is not supported, only utf-8", encoding);
}

static enum lk_status add_namespaces(
	struct lk_load *l, const json_t *object, const char *at, struct lk_resource *r)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		struct lk_namespace *ns = &r->namespaces[r->namespace_count];
		bool known = false;

		for (int i = 0; i < r->namespace_count; i++)
			known |= !strcmp(r->namespaces[i].prefix, key);
		if (known)
			continue;
		ns->prefix = lk_arena_strdup(l->arena, key);
		if (!ns->prefix)
			return lk_error_nomem(l->err);
		LK_TRY(lk_prop_copy_text(l, lk_prop_at(l, at, key), value, &ns->uri));
		r->namespace_count++;
	}
	return LK_OK;
}

static enum lk_status load_xml(
	struct lk_load *l, const json_t *lk, const char *at, const struct defaults *d, struct lk_resource *r)
{
	const char *place = lk_prop_at(l, at, "lk");
	const json_t *own;

	LK_TRY(lk_prop_object(l, lk, place, "namespaces", &own));
	r->namespaces = lk_arena_alloc(l->arena,
		(json_object_size(own) + json_object_size(d->namespaces) + 1) * sizeof(*r->namespaces));
	if (!r->namespaces)
		return lk_error_nomem(l->err);
	LK_TRY(add_namespaces(l, own, lk_prop_at(l, place, "namespaces"), r));
	LK_TRY(add_namespaces(l, d->namespaces, "lk.namespaces", r));
	if (!r->record)
		return lk_prop_wrong(l, place, "XML needs lk.record, the XPath of its records");
	r->root = d->root;
	return lk_prop_text(l, lk, place, "root", &r->root);
}

static enum lk_status compile_paths(struct lk_load *l, const char *at, struct lk_resource *r)
{
	const char *problem, *place;
	int field;

	if (lk_xml_program_make(l->arena, r, &r->program, &field, &problem))
		return LK_OK;
	if (!problem)
		return lk_error_nomem(l->err);
	if (field < 0)
		return lk_prop_wrong(l, lk_prop_at(l, at, "lk.record"), "'%s' %s", r->record, problem);
	place = lk_prop_item(l, lk_prop_at(l, at, "schema.fields"), (size_t)field);
	return lk_prop_wrong(l, lk_prop_at(l, place, "lk.path"), "'%s' %s", r->fields[field].path, problem);
}

/* ---- resources ---- */

static enum lk_status load_match(
	struct lk_load *l, const json_t *schema, const json_t *lk, const char *at, struct lk_resource *r)
{
	static const char *const words[] = {"exact", "equal", "subset", "superset", "partial", NULL};
	int match = -1;

	LK_TRY(lk_prop_bool(l, lk, lk_prop_at(l, at, "lk"), "rest", &r->rest));
	LK_TRY(lk_prop_word(l, schema, lk_prop_at(l, at, "schema"), "fieldsMatch", words, &match));
	r->match = match >= 0 ? (enum lk_fields_match)match : r->rest ? LK_FIELDS_SUBSET : LK_FIELDS_EXACT;
	if (r->rest && (r->is_xml || !r->dialect.header ||
			       (r->match != LK_FIELDS_SUBSET && r->match != LK_FIELDS_PARTIAL)))
		return lk_prop_wrong(l, lk_prop_at(l, at, "lk.rest"),
			"needs delimited text with a header and fieldsMatch subset or partial");
	return LK_OK;
}

static enum lk_status load_resource(
	struct lk_load *l, const json_t *resource, const char *at, struct defaults d, struct lk_resource *r)
{
	static const char *const known[] = {"table", "record", "root", "order", "op", "load", "scope",
		"partition", "timezone", "namespaces", "rest", "missing", NULL};
	static const char *const formats[] = {"csv", "tsv", "txt", "xml", NULL};
	static const char *const missing_words[] = {"any", "unquoted", NULL};
	const json_t *lk, *schema;
	const char *place = lk_prop_at(l, at, "lk"), *null_sequence = NULL;
	int format, missing = 0;

	if (!json_is_object(resource))
		return lk_prop_wrong(l, at, "must be an object");
	r->package = l->package;
	LK_TRY(lk_prop_text(l, resource, at, "name", &r->name));
	if (!r->name || !*r->name)
		return lk_prop_wrong(l, at, "a resource needs a name");
	LK_TRY(lk_prop_lk(l, resource, at, known, &lk));
	LK_TRY(load_table(l, lk, at, r));
	LK_TRY(lk_prop_strings(l, resource, at, "path", true, &r->paths, &r->path_count));
	if (!r->path_count)
		return lk_prop_wrong(
			l, lk_prop_at(l, at, "path"), "a resource needs a glob of its members' names");
	LK_TRY(lk_prop_text(l, lk, place, "record", &r->record));
	format = r->record ? 3 : 0;
	LK_TRY(lk_prop_word(l, resource, at, "format", formats, &format));
	r->is_xml = format == 3;
	if (r->record && !r->is_xml)
		return lk_prop_wrong(l, lk_prop_at(l, place, "record"), "only XML has one");
	LK_TRY(load_encoding(l, resource, at, r->is_xml));
	LK_TRY(load_dialect(l, resource, at, format, &null_sequence, &r->dialect));
	LK_TRY(lk_prop_text(l, lk, place, "timezone", &d.timezone));
	LK_TRY(lk_prop_word(l, lk, place, "missing", missing_words, &missing));
	r->missing_unquoted = missing == 1;
	if (r->is_xml)
		LK_TRY(load_xml(l, lk, at, &d, r));
	LK_TRY(lk_prop_object(l, resource, at, "schema", &schema));
	if (!schema)
		return lk_prop_wrong(l, lk_prop_at(l, at, "schema"), "a resource needs one");
	lk_prop_typo(l, resource, at, resource_properties);
	lk_prop_typo(l, schema, lk_prop_at(l, at, "schema"), schema_properties);
	LK_TRY(load_match(l, schema, lk, at, r));
	if (json_object_get(resource, "missingValues"))
		d.missing = json_object_get(resource, "missingValues");
	if (json_object_get(schema, "missingValues"))
		d.missing = json_object_get(schema, "missingValues");
	LK_TRY(load_fields(l, schema, lk_prop_at(l, at, "schema"), &d, null_sequence, r));
	if (r->is_xml)
		LK_TRY(compile_paths(l, at, r));
	return lk_package_schema(l, lk, schema, at, r);
}

static enum lk_status load_resources(struct lk_load *l, const json_t *root, const struct defaults *d)
{
	const json_t *list = json_object_get(root, "resources");
	struct lk_package *p = l->package;
	size_t count = json_array_size(list);

	if (!count)
		return lk_prop_wrong(l, "resources", "must be a list of at least one resource");
	p->resources = lk_arena_alloc(l->arena, count * sizeof(*p->resources));
	if (!p->resources)
		return lk_error_nomem(l->err);
	for (size_t i = 0; i < count; i++) {
		const char *at = lk_prop_item(l, "resources", i);

		LK_TRY(load_resource(l, json_array_get(list, i), at, *d, &p->resources[p->resource_count++]));
		for (size_t j = 0; j < i; j++)
			if (!strcmp(p->resources[i].name, p->resources[j].name))
				return lk_prop_wrong(
					l, at, "there is another resource '%s'", p->resources[i].name);
	}
	return LK_OK;
}

/* ---- the package ---- */

static enum lk_status load_delivery(struct lk_load *l, const json_t *lk)
{
	struct lk_package *p = l->package;
	PCRE2_UCHAR message[256];
	PCRE2_SIZE offset;
	int code;

	LK_TRY(lk_prop_text(l, lk, "lk", "delivery", &p->delivery_text));
	if (!p->delivery_text)
		return LK_OK;
	p->delivery =
		pcre2_compile((PCRE2_SPTR)p->delivery_text, PCRE2_ZERO_TERMINATED, 0, &code, &offset, NULL);
	if (p->delivery)
		return LK_OK;
	pcre2_get_error_message(code, message, sizeof(message));
	return lk_prop_wrong(
		l, "lk.delivery", "%s at character %zu", (const char *)message, (size_t)offset + 1);
}

/* What a package without a name is called: its folder when the file is a datapackage.json in one, else its
 * file. */
static const char *default_name(struct lk_load *l)
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

static enum lk_status load_package(struct lk_load *l, const json_t *root)
{
	static const char *const known[] = {"delivery", "ignore", "namespaces", "root", "timezone", NULL};
	struct defaults d = {.missing = json_object_get(root, "missingValues")};
	struct lk_package *p = l->package;
	const json_t *lk;

	if (!json_is_object(root))
		return lk_prop_wrong(l, "", "must be an object");
	p->name = default_name(l);
	if (!p->name)
		return lk_error_nomem(l->err);
	LK_TRY(lk_prop_text(l, root, "", "name", &p->name));
	lk_prop_typo(l, root, "", package_properties);
	LK_TRY(lk_prop_lk(l, root, "", known, &lk));
	LK_TRY(load_delivery(l, lk));
	LK_TRY(lk_prop_strings(l, lk, "lk", "ignore", true, &p->ignore, &p->ignore_count));
	LK_TRY(lk_prop_object(l, lk, "lk", "namespaces", &d.namespaces));
	LK_TRY(lk_prop_text(l, lk, "lk", "root", &d.root));
	LK_TRY(lk_prop_text(l, lk, "lk", "timezone", &d.timezone));
	return load_resources(l, root, &d);
}

enum lk_status lk_package_load(
	struct lk_arena *arena, const char *file, struct lk_package **out, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	struct lk_package *p = lk_arena_alloc(arena, sizeof(*p));
	struct lk_load l = {arena, p, err};
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
