/*
 * A resource's table as a schema: its columns, and as metadata what downstream filters need (keys, order,
 * load, scope, partition, ...), in which fields are called as their columns are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/property.h"
#include "stream/side.h"

#define META_MAX 12

struct lk_source_field *lk_package_field(const struct lk_resource *r, const char *name, size_t len)
{
	for (int i = 0; i < r->field_count; i++)
		if (strlen(r->fields[i].name) == len && !memcmp(r->fields[i].name, name, len))
			return &r->fields[i];
	return NULL;
}

enum lk_status lk_package_no_field(
	struct lk_loading *l, const struct lk_resource *r, const char *at, const char *name, size_t len)
{
	const char **names = lk_arena_alloc(l->arena, (size_t)(r->field_count + 1) * sizeof(*names));
	const char *typed = lk_arena_strndup(l->arena, name, len);

	if (!names || !typed)
		return lk_error_nomem(l->err);
	for (int i = 0; i < r->field_count; i++)
		names[i] = r->fields[i].name;
	return lk_prop_wrong(l, at, "there is no field '%s'%s", typed, lk_prop_near(l, names, typed));
}

static enum lk_status field_column(struct lk_loading *l, const struct lk_resource *r, const char *at,
	const char *name, size_t len, const char **column)
{
	const struct lk_source_field *f = lk_package_field(r, name, len);

	if (!f)
		return lk_package_no_field(l, r, at, name, len);
	*column = f->column;
	return LK_OK;
}

static const char *const transforms[] = {"year", "month", "day", "hour", "bucket", "truncate"};
enum transform { YEAR, MONTH, DAY, HOUR, BUCKET, TRUNCATE, TRANSFORMS };

/* "Partition Transforms" of Iceberg's specification. */
static bool takes(enum transform transform, enum lk_type type)
{
	bool stamp = type == LK_TIMESTAMP || type == LK_TIMESTAMPTZ;

	switch (transform) {
	case HOUR:
		return stamp;
	case BUCKET:
		return type != LK_BOOL && type != LK_FLOAT64;
	case TRUNCATE:
		return type == LK_INT32 || type == LK_INT64 || type == LK_DECIMAL128 || type == LK_UTF8 || type == LK_BINARY;
	default:
		return stamp || type == LK_DATE32;
	}
}

static enum lk_status check_transform(
	struct lk_loading *l, const struct lk_resource *r, const char *at, enum transform transform, const char *name, size_t len)
{
	const struct lk_source_field *f = lk_package_field(r, name, len);
	const char *what = transform == HOUR	 ? "a datetime" :
			   transform == BUCKET	 ? "no boolean and no number with a fraction that is not decimal" :
			   transform == TRUNCATE ? "an integer, a decimal or a text" :
						   "a date or datetime";

	if (takes(transform, lk_convert_type(&f->convert)))
		return LK_OK;
	return lk_prop_wrong(l, at, "'%s' of field '%s': it must be %s", transforms[transform], f->name, what);
}

/* The transform with the column in place of the field: "day(Admitted)" is "day(admitted)". */
static enum lk_status add_transform(
	struct lk_loading *l, const struct lk_resource *r, const char *at, const char *text, struct lk_str *out)
{
	const char *open = strchr(text, '('), *name = open ? open + 1 : text, *end = text + strlen(text),
		   *column = NULL;
	enum transform word = TRANSFORMS;
	long number = 0;

	for (int i = 0; open && i < TRANSFORMS; i++)
		if (strlen(transforms[i]) == (size_t)(open - text) &&
			!strncmp(text, transforms[i], (size_t)(open - text)))
			word = (enum transform)i;
	if (open && (word == TRANSFORMS || end[-1] != ')'))
		return lk_prop_wrong(l, at,
			"'%s' must be FIELD, or year, month, day or hour(FIELD), or bucket or truncate(N, FIELD)",
			text);
	end -= open != NULL;
	if (word == BUCKET || word == TRUNCATE) {
		char *rest;

		number = strtol(name, &rest, 10);
		if (number < 1 || number > INT32_MAX || *rest != ',')
			return lk_prop_wrong(l, at, "'%s' must be %s(N, FIELD)", text, transforms[word]);
		name = rest + 1;
	}
	while (name < end && *name == ' ')
		name++;
	LK_TRY(field_column(l, r, at, name, (size_t)(end - name), &column));
	if (word != TRANSFORMS)
		LK_TRY(check_transform(l, r, at, word, name, (size_t)(end - name)));
	if (word == TRANSFORMS)
		lk_str_adds(out, column);
	else if (number)
		lk_str_addf(out, "%s(%ld, %s)", transforms[word], number, column);
	else
		lk_str_addf(out, "%s(%s)", transforms[word], column);
	return LK_OK;
}

/* What may be there once only: year, month, day and hour of one column are one. */
static const char *sameness(const char *transform)
{
	for (int i = YEAR; i <= HOUR; i++)
		if (!strncmp(transform, transforms[i], strlen(transforms[i])) && transform[strlen(transforms[i])] == '(')
			return strchr(transform, '(');
	return transform;
}

static enum lk_status check_new(struct lk_loading *l, const char *at, const char *const *before, int count, const char *text)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(sameness(before[i]), sameness(text)))
			return lk_prop_wrong(l, at, "'%s' is there already, as '%s'", text, before[i]);
	return LK_OK;
}

/* A list of fields, or of transforms, as a JSON list of columns; *out stays NULL when there is none. */
static enum lk_status columns_json_impl(struct lk_loading *l, const struct lk_resource *r, const char *at,
	const struct lk_texts *list, bool one, bool terms, struct lk_str *json, struct lk_str *item)
{
	const char **before = lk_arena_alloc(l->arena, (size_t)(list->count + 1) * sizeof(*before));

	if (!before)
		return lk_error_nomem(l->err);
	for (int i = 0; i < list->count; i++) {
		const char *place = one ? at : lk_prop_item(l, at, (size_t)i), *column = NULL;

		lk_str_clear(item);
		if (terms) {
			LK_TRY(add_transform(l, r, place, list->items[i].data, item));
			LK_TRY(check_new(l, place, before, i, lk_str_text(item)));
			before[i] = lk_arena_strdup(l->arena, lk_str_text(item));
			if (!before[i])
				return lk_error_nomem(l->err);
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

static enum lk_status columns_json(struct lk_loading *l, const struct lk_resource *r, const char *at, const json_t *value,
	bool terms, const char **out)
{
	struct lk_texts list = {NULL, 0};
	struct lk_str json = LK_STR_INIT, item = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(lk_prop_copy_texts(l, at, value, true, &list));
	if (!list.count)
		return LK_OK;
	status = columns_json_impl(l, r, at, &list, json_is_string(value), terms, &json, &item);
	if (status == LK_OK && !(*out = lk_arena_strdup(l->arena, lk_str_text(&json))))
		status = lk_error_nomem(l->err);
	lk_str_release(&json);
	lk_str_release(&item);
	return status;
}

enum lk_status lk_package_columns(
	struct lk_loading *l, const struct lk_resource *r, const char *at, const json_t *value, const char **out)
{
	LK_TRY(columns_json(l, r, at, value, false, out));
	return *out ? LK_OK : lk_prop_wrong(l, at, "must name at least one field");
}

/* The same of a property, which may be absent. */
static enum lk_status get_columns(struct lk_loading *l, const struct lk_resource *r, const json_t *object, const char *at,
	const char *key, bool terms, const char **out)
{
	const json_t *value = json_object_get(object, key);

	return value ? columns_json(l, r, lk_prop_at(l, at, key), value, terms, out) : LK_OK;
}

static enum lk_status get_column(struct lk_loading *l, const struct lk_resource *r, const json_t *lk,
	const char *at, const char *key, const char **out)
{
	const char *name = NULL;

	LK_TRY(lk_prop_text(l, lk, at, key, &name));
	return name ? field_column(l, r, lk_prop_at(l, at, key), name, strlen(name), out) : LK_OK;
}

static enum lk_status load_meta(struct lk_loading *l, const json_t *lk, const json_t *schema, const char *at,
	struct lk_resource *r, struct lk_meta meta[META_MAX])
{
	const char *place = lk_prop_at(l, at, "lk"), *key = NULL, *order = NULL, *op = NULL, *scope = NULL,
		   *partition = NULL, *limit = NULL;
	bool history = false;
	int n = 0;

	LK_TRY(get_columns(l, r, schema, lk_prop_at(l, at, "schema"), "primaryKey", false, &key));
	LK_TRY(get_column(l, r, lk, place, "order", &order));
	LK_TRY(get_column(l, r, lk, place, "op", &op));
	LK_TRY(get_columns(l, r, lk, place, "scope", false, &scope));
	LK_TRY(get_columns(l, r, lk, place, "partition", true, &partition));
	LK_TRY(lk_prop_text(l, lk, place, "maxVanish", &limit));
	LK_TRY(lk_prop_bool(l, lk, place, "history", &history));
	meta[n++] = (struct lk_meta){LK_META_TABLE, r->table};
	meta[n++] = (struct lk_meta){LK_META_PACKAGE, l->package->name};
	meta[n++] = (struct lk_meta){LK_META_LOAD, lk_package_loads[r->load]};
	if (key)
		meta[n++] = (struct lk_meta){LK_META_KEY, key};
	if (order)
		meta[n++] = (struct lk_meta){LK_META_ORDER, order};
	if (op)
		meta[n++] = (struct lk_meta){LK_META_OP, op};
	if (scope)
		meta[n++] = (struct lk_meta){LK_META_SCOPE, scope};
	if (partition)
		meta[n++] = (struct lk_meta){LK_META_PARTITION, partition};
	if (limit)
		meta[n++] = (struct lk_meta){LK_META_MAX_VANISH, limit};
	if (history)
		meta[n++] = (struct lk_meta){LK_META_HISTORY, "true"};
	meta[n] = (struct lk_meta){NULL, NULL};
	return LK_OK;
}

/* The columns of one field: that of its value, and those beside it. */
static enum lk_status add_columns(struct lk_loading *l, const struct lk_source_field *f, struct lk_field *fields, int *n)
{
	struct lk_meta *own = lk_arena_alloc(l->arena, 3 * sizeof(*own));
	int k = 0;

	if (!own)
		return lk_error_nomem(l->err);
	if (f->phi)
		own[k++] = (struct lk_meta){LK_META_PHI, f->phi};
	if (f->doc)
		own[k++] = (struct lk_meta){LK_META_DOC, f->doc};
	fields[(*n)++] = (struct lk_field){f->column, lk_convert_type(&f->convert), f->convert.precision, f->convert.scale,
		f->required || f->key, own};
	if (f->precision_column)
		fields[(*n)++] = (struct lk_field){f->precision_column, LK_UTF8};
	if (f->text_column)
		fields[(*n)++] = (struct lk_field){f->text_column, LK_UTF8, .meta = own};
	return LK_OK;
}

static enum lk_status make_schema(struct lk_loading *l, const struct lk_meta *meta, struct lk_resource *r)
{
	struct lk_field *fields = lk_arena_alloc(l->arena, (size_t)(3 * r->field_count + 5) * sizeof(*fields));
	int n = 0;

	if (!fields)
		return lk_error_nomem(l->err);
	for (int i = 0; i < r->field_count; i++)
		LK_TRY(add_columns(l, &r->fields[i], fields, &n));
	if (r->load != LK_LOAD_APPEND)
		fields[n++] = (struct lk_field){LK_COLUMN_SENT, LK_TIMESTAMPTZ};
	fields[n++] = (struct lk_field){LK_COLUMN_FILE, LK_UTF8, .required = true};
	fields[n++] = (struct lk_field){LK_COLUMN_ROW, LK_INT64, .required = true};
	if (r->rest)
		fields[n++] = (struct lk_field){LK_COLUMN_REST, LK_UTF8};
	return lk_schema_make(&r->schema, fields, n, meta, l->err);
}

enum lk_status lk_package_schema(
	struct lk_loading *l, const json_t *lk, const json_t *schema, const char *at, struct lk_resource *r)
{
	struct lk_meta meta[META_MAX];

	LK_TRY(load_meta(l, lk, schema, at, r, meta));
	return make_schema(l, meta, r);
}
