/* Fields of a resource: their types, where they come from, what their values must be. */
#include <ctype.h>
#include <string.h>

#include "source/format.h"
#include "source/pattern.h"
#include "source/property.h"
#include "source/timezone.h"

const char *const lk_known_field[] = {"name", "type", "format", "title", "description", "example", "examples",
	"constraints", "missingValues", "rdfType", "categories", "categoriesOrdered", "trueValues", "falseValues",
	"decimalChar", "groupChar", "bareNumber", "itemType", "delimiter", NULL};
const char *const lk_known_field_lk[] = {"path", "column", "aliases", "phi", "decimal", "trim", "pad", "map", "bad", "timezone", "join",
	"drop", "partial", NULL};

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

/* A zone of the IANA database, loaded once a package. */
static enum lk_status load_zone(struct lk_loading *l, const char *at, const char *name, const struct lk_timezone **out)
{
	struct lk_loaded_zone *zone = l->package->zones;

	while (zone && strcmp(zone->name, name))
		zone = zone->next;
	if (!zone) {
		zone = lk_arena_alloc(l->arena, sizeof(*zone));
		if (!zone)
			return lk_error_nomem(l->err);
		if (lk_timezone_load(l->arena, name, &zone->zone, l->err) != LK_OK)
			return lk_error_prefix(l->err, "'%s': %s", l->package->file, at);
		zone->name = name;
		zone->next = l->package->zones;
		l->package->zones = zone;
	}
	*out = zone->zone;
	return LK_OK;
}

enum lk_status lk_package_zone(struct lk_loading *l, const char *at, const char *zone, struct lk_convert *c)
{
	c->zone = true;
	if (parse_zone(zone, &c->zone_us))
		return LK_OK;
	if (!lk_timezone_name(zone))
		return lk_prop_wrong(
			l, at, "'%s' must be UTC, an offset such as +01:00 or a zone such as America/New_York", zone);
	return load_zone(l, at, zone, &c->timezone);
}

static enum lk_status load_timezone(
	struct lk_loading *l, const json_t *lk, const char *at, const struct lk_defaults *d, struct lk_convert *c)
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
	return lk_package_zone(l, lk_prop_at(l, at, "lk.timezone"), zone, c);
}

static enum lk_status load_decimal(struct lk_loading *l, const json_t *lk, const char *at, struct lk_convert *c)
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

static const char *near_type(struct lk_loading *l, const char *type)
{
	const char *names[32];
	size_t n = 0;

	while (n + 1 < sizeof(names) / sizeof(*names) && (names[n] = lk_convert_type_name(n)))
		n++;
	names[n] = NULL;
	return lk_prop_near(l, names, type);
}

/* A list: its items are of one of the types that the standard names. */
static enum lk_status load_items(struct lk_loading *l, const json_t *field, const char *at, struct lk_convert *c)
{
	static const char *const words[] = {"string", "integer", "boolean", "number", "datetime", "date", "time", NULL};
	struct lk_convert *item;
	const char *problem;
	int word = 0;

	if (c->kind != LK_CONVERT_LIST)
		return LK_OK;
	LK_TRY(lk_prop_mark(l, field, at, "delimiter", false, &c->delimiter));
	LK_TRY(lk_prop_word(l, field, at, "itemType", words, &word));
	item = lk_arena_alloc(l->arena, sizeof(*item));
	if (!item)
		return lk_error_nomem(l->err);
	lk_convert_init(item, words[word], "default", &problem);
	item->zone = true; /* it stays text: an offset is no matter */
	c->item = item;
	return LK_OK;
}

static enum lk_status load_partial(struct lk_loading *l, const json_t *lk, const char *at, struct lk_convert *c)
{
	const char *place = lk_prop_at(l, at, "lk");

	LK_TRY(lk_prop_bool(l, lk, place, "partial", &c->partial));
	if (c->partial && ((c->kind != LK_CONVERT_DATE && c->kind != LK_CONVERT_DATETIME) || c->pattern))
		return lk_prop_wrong(l, lk_prop_at(l, place, "partial"),
			"only a field of type date or datetime and format default or any has it");
	return LK_OK;
}

static enum lk_status load_type(struct lk_loading *l, const json_t *field, const json_t *lk, const char *at,
	const struct lk_defaults *d, struct lk_convert *c)
{
	static const char *const formats[] = {"default", "any", "email", "uri", "uuid", "binary", NULL};
	const char *type = "string", *format = "default", *problem;

	LK_TRY(lk_prop_text(l, field, at, "type", &type));
	LK_TRY(lk_prop_text(l, field, at, "format", &format));
	if (!lk_convert_init(c, type, format, &problem)) {
		if (problem)
			return lk_prop_wrong(l, lk_prop_at(l, at, "format"), "'%s' %s%s", format, problem,
				lk_prop_near(l, formats, format));
		return lk_prop_wrong(l, lk_prop_at(l, at, "type"), "there is no type '%s'%s", type,
			near_type(l, type));
	}
	LK_TRY(lk_prop_texts(l, field, at, "trueValues", false, &c->trues));
	LK_TRY(lk_prop_texts(l, field, at, "falseValues", false, &c->falses));
	LK_TRY(lk_prop_mark(l, field, at, "decimalChar", false, &c->decimal));
	LK_TRY(lk_prop_mark(l, field, at, "groupChar", true, &c->group));
	LK_TRY(lk_prop_bool(l, field, at, "bareNumber", &c->bare));
	LK_TRY(load_items(l, field, at, c));
	LK_TRY(load_partial(l, lk, at, c));
	LK_TRY(load_decimal(l, lk, at, c));
	return load_timezone(l, lk, at, d, c);
}

static enum lk_status load_map(struct lk_loading *l, const json_t *lk, const char *at, struct lk_source_field *f)
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

/* The names of the groups of lk.delivery; NULL when out of memory. */
static const char *const *list_groups(struct lk_loading *l)
{
	uint32_t count = 0, size = 0;
	const unsigned char *table = NULL;
	const char **names;

	pcre2_pattern_info(l->package->delivery, PCRE2_INFO_NAMECOUNT, &count);
	pcre2_pattern_info(l->package->delivery, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2_pattern_info(l->package->delivery, PCRE2_INFO_NAMETABLE, &table);
	names = lk_arena_alloc(l->arena, (count + 1) * sizeof(*names));
	for (uint32_t i = 0; names && i < count; i++)
		names[i] = (const char *)table + (size_t)i * size + 2; /* behind the group's number */
	return names;
}

static enum lk_status check_group(struct lk_loading *l, const char *at, const char *group)
{
	const char *const *groups;

	if (!l->package->delivery)
		return lk_prop_wrong(l, at, "the package has no lk.delivery to take '%s' from", group);
	if (pcre2_substring_number_from_name(l->package->delivery, (PCRE2_SPTR)group) >= 0)
		return LK_OK;
	groups = list_groups(l);
	if (!groups)
		return lk_error_nomem(l->err);
	return lk_prop_wrong(l, at, "lk.delivery has no group '%s'%s", group, lk_prop_near(l, groups, group));
}

/* Whether records of the format may have header records before them (control.h). */
static bool has_headers(const struct lk_file_format *format)
{
	for (const char *const *p = format->properties; *p; p++)
		if (!strcmp(*p, "header"))
			return true;
	return false;
}

static enum lk_status load_path(
	struct lk_loading *l, const json_t *lk, const char *at, const struct lk_file_format *format, struct lk_source_field *f)
{
	static const char *const member[] = {"name", "path", "modified", NULL};
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
			l, place, "'%s' is none of member:name, member:path, member:modified%s", f->path,
			lk_prop_near(l, member, f->path + 7));
	}
	if (!strncmp(f->path, "header:", 7) && has_headers(format)) {
		f->origin = LK_ORIGIN_HEADER;
		f->path += 7;
		return LK_OK;
	}
	if (!format->path_noun)
		return lk_prop_wrong(l, place,
			"'%s' is none of delivery:GROUP, member:name, member:path, member:modified, and %s has no other paths",
			f->path, format->words[0]);
	return LK_OK;
}

static enum lk_status load_column(
	struct lk_loading *l, const json_t *lk, const char *at, struct lk_source_field *f)
{
	const char *given = NULL;

	LK_TRY(lk_prop_text(l, lk, lk_prop_at(l, at, "lk"), "column", &given));
	f->column = given ? given : lk_column_name(l->arena, f->name);
	if (!f->column)
		return lk_error_nomem(l->err);
	for (const char *p = given; p && *p; p++)
		if (!lk_is_name_char(*p) || (p == given && isdigit((unsigned char)*p)))
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

static enum lk_status load_missing(struct lk_loading *l, const json_t *field, const char *at,
	const struct lk_defaults *d, struct lk_source_field *f)
{
	static struct lk_text empty[] = {{"", 0}};
	struct lk_texts list = {empty, 1};

	if (json_object_get(field, "missingValues"))
		LK_TRY(lk_prop_texts(l, field, at, "missingValues", false, &list));
	else if (d->missing)
		LK_TRY(lk_prop_copy_texts(l, "missingValues", d->missing, false, &list));
	if (d->null_sequence) {
		struct lk_text *items = lk_arena_alloc(l->arena, (size_t)(list.count + 1) * sizeof(*items));

		if (!items)
			return lk_error_nomem(l->err);
		memcpy(items, list.items, (size_t)list.count * sizeof(*items));
		items[list.count] = (struct lk_text){d->null_sequence, strlen(d->null_sequence)};
		list = (struct lk_texts){items, list.count + 1};
	}
	f->missing = list;
	f->empty_is_missing = list.count == 1 && list.items[0].len == 0;
	return LK_OK;
}

static enum lk_status load_pad(struct lk_loading *l, const json_t *lk, const char *at, struct lk_source_field *f)
{
	const json_t *pad = json_object_get(lk, "pad");
	const char *place = lk_prop_at(l, at, "lk.pad");

	if (!pad)
		return LK_OK;
	if (!json_is_integer(pad) || json_integer_value(pad) < 1 || json_integer_value(pad) > LK_PAD_MAX)
		return lk_prop_wrong(l, place, "must be a number of digits, 1 to %d", LK_PAD_MAX);
	if (f->convert.kind != LK_CONVERT_TEXT)
		return lk_prop_wrong(l, place, "only a string can keep zeros that stand before a number");
	f->pad = (int)json_integer_value(pad);
	return LK_OK;
}

/* What the value's column has beside it, and whether looking at it is simple. */
static enum lk_status load_besides(struct lk_loading *l, const struct lk_resource *r, struct lk_source_field *f)
{
	if (f->convert.partial)
		f->precision_column = lk_arena_printf(l->arena, "%s_precision", f->column);
	if (f->bad_is_text)
		f->text_column = lk_arena_printf(l->arena, "%s_text", f->column);
	if (f->convert.partial != (f->precision_column != NULL) || f->bad_is_text != (f->text_column != NULL))
		return lk_error_nomem(l->err);
	f->beside_count = f->convert.partial + f->bad_is_text;
	f->plain = f->empty_is_missing && !f->map_count && !f->trim && !f->pad && !r->missing_unquoted && !f->constraints &&
		   !f->beside_count;
	return LK_OK;
}

static enum lk_status load_field(struct lk_loading *l, const json_t *field, const char *at,
	const struct lk_defaults *d, const struct lk_resource *r, struct lk_source_field *f)
{
	static const char *const bad_words[] = {"reject", "null", "text", NULL};
	const json_t *lk;
	const char *place;
	int bad = 0;

	if (!json_is_object(field))
		return lk_prop_wrong(l, at, "must be an object");
	LK_TRY(lk_prop_text(l, field, at, "name", &f->name));
	if (!f->name || !*f->name)
		return lk_prop_wrong(l, at, "a field needs a name");
	LK_TRY(lk_prop_lk(l, field, at, lk_known_field_lk, &lk));
	place = lk_prop_at(l, at, "lk");
	LK_TRY(load_type(l, field, lk, at, d, &f->convert));
	LK_TRY(load_missing(l, field, at, d, f));
	LK_TRY(load_path(l, lk, at, r->format, f));
	LK_TRY(load_column(l, lk, at, f));
	LK_TRY(load_map(l, lk, at, f));
	LK_TRY(lk_prop_texts(l, lk, place, "aliases", false, &f->aliases));
	LK_TRY(lk_prop_text(l, lk, place, "phi", &f->phi));
	LK_TRY(lk_prop_text(l, lk, place, "join", &f->join));
	f->trim = r->format->trims;
	LK_TRY(lk_prop_bool(l, lk, place, "trim", &f->trim));
	LK_TRY(load_pad(l, lk, at, f));
	LK_TRY(lk_prop_word(l, lk, place, "bad", bad_words, &bad));
	f->bad_is_null = bad == 1;
	f->bad_is_text = bad == 2;
	LK_TRY(lk_prop_text(l, field, at, "description", &f->doc));
	lk_prop_typo(l, field, at, lk_known_field);
	LK_TRY(lk_package_constraints(l, field, at, f));
	if (f->required && bad)
		return lk_prop_wrong(l, lk_prop_at(l, place, "bad"), "a required value that does not fit can only be rejected");
	return load_besides(l, r, f);
}

/* The columns of a field: its own, then those beside it. Returns how many. */
static int columns_of(const struct lk_source_field *f, const char *columns[3])
{
	int n = 0;

	columns[n++] = f->column;
	if (f->precision_column)
		columns[n++] = f->precision_column;
	if (f->text_column)
		columns[n++] = f->text_column;
	return n;
}

/* taken: the fields before it, by their columns' names. */
static enum lk_status take_columns(
	struct lk_loading *l, const char *at, const struct lk_resource *r, const struct lk_source_field *f, json_t *taken)
{
	const char *columns[3];
	int n = columns_of(f, columns);

	for (int i = 0; i < n; i++) {
		const json_t *other = json_object_get(taken, columns[i]);

		if (other && r->fields + json_integer_value(other) != f)
			return lk_prop_wrong(l, at, "'%s' and '%s' both become the column '%s'",
				r->fields[json_integer_value(other)].name, f->name, columns[i]);
		if (json_object_set_new_nocheck(taken, columns[i], json_integer(f - r->fields)))
			return lk_error_nomem(l->err);
	}
	return LK_OK;
}

static enum lk_status load_fields(struct lk_loading *l, const json_t *list, const char *place, const struct lk_defaults *d,
	struct lk_resource *r, json_t *taken)
{
	size_t count = json_array_size(list);

	for (size_t i = 0; i < count; i++) {
		struct lk_source_field *f = &r->fields[i];
		const char *at = lk_prop_item(l, place, i);

		r->field_count++; /* even when it fails: what it holds is released with the others */
		LK_TRY(load_field(l, json_array_get(list, i), at, d, r, f));
		LK_TRY(take_columns(l, at, r, f, taken));
		r->constrained |= f->constraints != NULL;
	}
	return LK_OK;
}

enum lk_status lk_package_fields(
	struct lk_loading *l, const struct lk_resource_json *json, const struct lk_defaults *d, struct lk_resource *r)
{
	const json_t *list = json_object_get(json->schema, "fields");
	const char *place = lk_prop_at(l, json->at, "schema.fields");
	size_t count = json_array_size(list);
	enum lk_status status;
	json_t *taken;

	if (!count)
		return lk_prop_wrong(l, place, "must be a list of at least one field");
	r->fields = lk_arena_alloc(l->arena, count * sizeof(*r->fields));
	if (!r->fields)
		return lk_error_nomem(l->err);
	taken = json_object();
	status = taken ? load_fields(l, list, place, d, r, taken) : lk_error_nomem(l->err);
	json_decref(taken);
	return status;
}

