#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "lake/types.h"
#include "sql/upsert_inside.h"
#include "stream/side.h"

/* ---- words: from the options, the stream, the lake's table ---- */

/* "a,b" as ["a","b"]; NULL when out of memory. */
static char *list_text(const char *commas)
{
	json_t *list = json_array();
	char *text = NULL;

	for (const char *at = commas; list; at++) {
		size_t len = strcspn(at, ",");

		if (json_array_append_new(list, json_stringn(at, len)))
			goto out;
		at += len;
		if (!*at)
			break;
	}
	text = list ? json_dumps(list, JSON_COMPACT) : NULL;
out:
	json_decref(list);
	return text;
}

/* The names of the table's identifier fields as a JSON list; NULL: it has none. */
static char *identifiers(const struct lk_lake_table *base)
{
	const json_t *ids = json_object_get(lk_metadata_schema(base->metadata), "identifier-field-ids"), *id;
	json_t *names = json_array();
	char *text = NULL;
	size_t i;

	json_array_foreach(ids, i, id)
		for (int c = 0; c < base->column_count; c++)
			if (base->columns[c].id == json_integer_value(id))
				json_array_append_new(names, json_string(base->columns[c].name));
	if (json_array_size(names) && json_array_size(names) == json_array_size(ids))
		text = json_dumps(names, JSON_COMPACT);
	json_decref(names);
	return text;
}

static bool has_meta(const struct ArrowSchema *schema, const char *key)
{
	struct ArrowStringView value;

	return lk_meta_get(schema, key, &value) && value.size_bytes > 0;
}

/* What the table's properties say stands where the stream says nothing. */
static enum lk_status add_property(struct ArrowSchema *schema, const struct lk_lake_table *base, const char *key, struct lk_error *err)
{
	const char *property = base && !has_meta(schema, key) ? lk_metadata_property(base->metadata, key) : NULL;

	return property ? lk_meta_set(schema, key, property, err) : LK_OK;
}

static enum lk_status set_list(struct ArrowSchema *schema, const char *key, const char *commas, struct lk_error *err)
{
	char *text;
	enum lk_status status;

	if (!commas)
		return LK_OK;
	text = list_text(commas);
	status = text ? lk_meta_set(schema, key, text, err) : lk_error_set(err, LK_USAGE, "'%s' is no list of columns", commas);
	free(text);
	return status;
}

static enum lk_status settle_key(struct ArrowSchema *schema, const struct lk_upsert_options *o, const struct lk_lake_table *base,
	struct lk_error *err)
{
	enum lk_status status = LK_OK;
	char *text;

	LK_TRY(set_list(schema, LK_META_KEY, o->key, err));
	LK_TRY(add_property(schema, base, LK_META_KEY, err));
	if (!base || has_meta(schema, LK_META_KEY))
		return LK_OK;
	text = identifiers(base);
	if (text)
		status = lk_meta_set(schema, LK_META_KEY, text, err);
	free(text);
	return status;
}

/* A list that has no names. */
static bool is_empty_list(const struct ArrowSchema *schema, const char *key)
{
	struct ArrowStringView value;

	return !lk_meta_get(schema, key, &value) || value.size_bytes <= 0 || (value.size_bytes == 2 && !memcmp(value.data, "[]", 2));
}

static bool is_append(const struct ArrowSchema *schema)
{
	char load[16];

	return lk_meta_text(schema, LK_META_LOAD, load, sizeof(load)) && !strcmp(load, "append");
}

static bool is_named(const struct lk_upsert_options *o, const char *table)
{
	const char *dot = strrchr(table, '.');

	for (size_t i = 0; i < o->table_count; i++)
		if (!strcmp(o->tables[i], table) || (dot && !strcmp(o->tables[i], dot + 1)))
			return true;
	return false;
}

enum lk_status lk_upsert_form_wanted(const struct lk_upsert_options *o, const struct lk_lake_table *base, const char *table,
	const struct ArrowSchema *schema, bool *wanted, struct lk_error *err)
{
	struct ArrowSchema copy;
	enum lk_status status;

	*wanted = is_named(o, table);
	if (o->table_count || lk_table_is_side(table))
		return LK_OK;
	*wanted = o->key != NULL;
	if (*wanted)
		return LK_OK;
	LK_TRY(lk_arrow_status(ArrowSchemaDeepCopy(schema, &copy), NULL, LK_BUG, "cannot copy a schema", err));
	status = add_property(&copy, base, LK_META_LOAD, err);
	if (!status)
		status = settle_key(&copy, o, base, err);
	*wanted = !status && !is_append(&copy) && !is_empty_list(&copy, LK_META_KEY);
	ArrowSchemaRelease(&copy);
	return status;
}

/* The load is what the options say, or the stream, or the table; rows that were asked for by name are upserted even so. */
static enum lk_status settle_load(struct ArrowSchema *schema, const struct lk_upsert_options *o, const struct lk_lake_table *base,
	struct lk_error *err)
{
	if (o->full || o->patch)
		return lk_meta_set(schema, LK_META_LOAD, o->full ? "full" : "upsert", err);
	LK_TRY(add_property(schema, base, LK_META_LOAD, err));
	if (!has_meta(schema, LK_META_LOAD) || is_append(schema))
		return lk_meta_set(schema, LK_META_LOAD, "upsert", err);
	return LK_OK;
}

static enum lk_status settle(struct ArrowSchema *schema, const struct lk_upsert_options *o, const struct lk_lake_table *base, struct lk_error *err)
{
	char limit[LK_LIMIT_TEXT];

	LK_TRY(settle_key(schema, o, base, err));
	if (is_empty_list(schema, LK_META_KEY))
		return lk_error_set(err, LK_DATA, "it has no key: --key names the columns that tell its rows apart");
	LK_TRY(settle_load(schema, o, base, err));
	LK_TRY(set_list(schema, LK_META_SCOPE, o->scope, err));
	LK_TRY(add_property(schema, base, LK_META_SCOPE, err));
	if (o->order)
		LK_TRY(lk_meta_set(schema, LK_META_ORDER, o->order, err));
	LK_TRY(add_property(schema, base, LK_META_ORDER, err));
	if (o->op)
		LK_TRY(lk_meta_set(schema, LK_META_OP, o->op, err));
	else if (!has_meta(schema, LK_META_OP) && lk_schema_find(schema, LK_COLUMN_OP) >= 0)
		LK_TRY(lk_meta_set(schema, LK_META_OP, LK_COLUMN_OP, err));
	if (o->limit)
		lk_limit_text(o->limit, limit);
	LK_TRY(o->limit ? lk_meta_set(schema, LK_META_MAX_VANISH, limit, err) : add_property(schema, base, LK_META_MAX_VANISH, err));
	return lk_meta_set(schema, LK_META_CHANGE, NULL, err);
}

/* ---- columns ---- */

/* Of a stream that is one of changes: what it says of these is not of the table. */
static bool is_of_change(const struct ArrowSchema *schema, const char *column)
{
	static const char *const names[] = {LK_COLUMN_OP, LK_COLUMN_OLD_FILE, LK_COLUMN_OLD_POS, "lk_snapshot", "lk_committed"};

	for (size_t i = 0; lk_schema_find(schema, LK_COLUMN_OP) >= 0 && i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(column, names[i]))
			return true;
	return false;
}

/* A struct of some of the columns of another, behind `before` of its own that are still to be set. */
static int copy_columns(const struct ArrowSchema *from, const int *columns, int count, int before, struct ArrowSchema *out)
{
	ArrowSchemaInit(out);
	NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(out, before + count));
	for (int i = 0; i < count; i++) {
		ArrowSchemaRelease(out->children[before + i]);
		NANOARROW_RETURN_NOT_OK(ArrowSchemaDeepCopy(from->children[columns[i]], out->children[before + i]));
	}
	return ArrowSchemaSetMetadata(out, from->metadata);
}

static enum lk_status copied(int code, struct lk_error *err)
{
	return lk_arrow_status(code, NULL, LK_BUG, "cannot copy a schema", err);
}

/* The columns that are looked at: the table's, and the one that says what a row does. */
static enum lk_status make_in(struct lk_upsert_form *f, const struct ArrowSchema *schema, const char *op, struct lk_error *err)
{
	int count = 0;

	f->source = calloc((size_t)schema->n_children + 1, sizeof(*f->source));
	if (!f->source)
		return lk_error_nomem(err);
	for (int64_t i = 0; i < schema->n_children; i++)
		if (!is_of_change(schema, schema->children[i]->name) || (op && !strcmp(op, schema->children[i]->name)))
			f->source[count++] = (int)i;
	return copied(copy_columns(schema, f->source, count, 0, &f->in), err);
}

static enum lk_status make_out(struct lk_upsert_form *f, const char *op, struct lk_error *err)
{
	static const struct lk_field marks[LK_CHANGE_COLUMNS] = {{LK_COLUMN_OP, LK_UTF8, .required = true},
		{LK_COLUMN_OLD_FILE, LK_INT32}, {LK_COLUMN_OLD_POS, LK_INT64}};
	struct ArrowSchema own;
	int count = 0;

	f->column = calloc((size_t)f->in.n_children + 1, sizeof(*f->column));
	if (!f->column)
		return lk_error_nomem(err);
	for (int64_t i = 0; i < f->in.n_children; i++)
		if (!op || strcmp(op, f->in.children[i]->name) != 0)
			f->column[count++] = (int)i;
	LK_TRY(copied(copy_columns(&f->in, f->column, count, LK_CHANGE_COLUMNS, &f->out), err));
	LK_TRY(lk_schema_make(&own, marks, LK_CHANGE_COLUMNS, NULL, err));
	for (int i = 0; i < LK_CHANGE_COLUMNS; i++) {
		ArrowSchemaRelease(f->out.children[i]);
		ArrowSchemaMove(own.children[i], f->out.children[i]);
	}
	ArrowSchemaRelease(&own);
	return lk_meta_set(&f->out, LK_META_OP, LK_COLUMN_OP, err);
}

static enum lk_status check_twice(const struct ArrowSchema *schema, struct lk_error *err)
{
	for (int64_t i = 0; i < schema->n_children; i++)
		if (lk_schema_find(schema, schema->children[i]->name) != i)
			return lk_error_set(err, LK_DATA, "column %s is there twice", schema->children[i]->name);
	return LK_OK;
}

/* That values go into the lake's columns, as they are or once those are widened. */
static enum lk_status check_fit(const struct lk_lake_table *base, const struct ArrowSchema *in, struct lk_error *err)
{
	struct lk_str word = LK_STR_INIT;

	for (int c = 0; base && c < base->column_count; c++) {
		int i = lk_schema_find(in, base->columns[c].name);
		struct lk_column_type own = lk_type_read(base->columns[c].type), came = {0};

		if (i < 0)
			continue;
		came.type = lk_type_of(in->children[i], &came.precision, &came.scale);
		if (lk_type_fit(&own, &came) != LK_FIT_NOT)
			continue;
		lk_type_name(in->children[i], &word);
		lk_error_set(err, LK_DATA, "column %s is %s in the lake, and %s does not fit it", base->columns[c].name, base->columns[c].type,
			lk_str_text(&word));
		lk_str_release(&word);
		return LK_DATA;
	}
	return LK_OK;
}

/* ---- forms ---- */

void lk_upsert_form_free(struct lk_upsert_form *f)
{
	if (!f)
		return;
	if (f->in.release)
		ArrowSchemaRelease(&f->in);
	if (f->out.release)
		ArrowSchemaRelease(&f->out);
	lk_gather_free(f->gather);
	free(f->source);
	free(f->column);
	free(f);
}

/* A patch may leave out the order, and the scope: the table's rows have them. */
static enum lk_status forget_absent(struct ArrowSchema *schema, const struct lk_upserting *t, struct lk_error *err)
{
	char order[256];

	if (!t->o->patch || t->o->order || !lk_meta_text(schema, LK_META_ORDER, order, sizeof(order)) || lk_schema_find(schema, order) >= 0)
		return LK_OK;
	return lk_meta_set(schema, LK_META_ORDER, NULL, err);
}

static enum lk_status form_make(struct lk_upserting *t, struct lk_upsert_form *f, const struct ArrowSchema *schema, struct lk_error *err)
{
	struct ArrowSchema settled;
	struct lk_spec spec;
	enum lk_status status;

	LK_TRY(check_twice(schema, err));
	LK_TRY(copied(ArrowSchemaDeepCopy(schema, &settled), err));
	status = settle(&settled, t->o, t->base, err);
	if (!status)
		status = forget_absent(&settled, t, err);
	if (!status)
		status = lk_spec_read(&spec, &settled, &t->arena, err);
	if (!status)
		status = make_in(f, &settled, spec.op, err);
	ArrowSchemaRelease(&settled);
	LK_TRY(status);
	if (t->form_count && !lk_spec_same(&t->spec, &spec))
		return lk_error_set(err, LK_DATA, "it comes with different keys, orders or loads");
	t->spec = spec;
	LK_TRY(check_fit(t->base, &f->in, err));
	return make_out(f, spec.op, err);
}

static bool is_same_type(const struct ArrowSchema *a, const struct ArrowSchema *b)
{
	return !strcmp(a->format, b->format);
}

static enum lk_status check_types(const struct lk_upserting *t, const struct ArrowSchema *in, struct lk_error *err)
{
	for (size_t f = 0; f < t->form_count; f++)
		for (int64_t i = 0; i < in->n_children; i++) {
			int before = lk_schema_find(&t->forms[f]->in, in->children[i]->name);

			if (before >= 0 && !is_same_type(t->forms[f]->in.children[before], in->children[i]))
				return lk_error_set(err, LK_DATA, "it comes with two types of column %s", in->children[i]->name);
		}
	return LK_OK;
}

static bool is_same_form(const struct lk_upsert_form *a, const struct lk_upsert_form *b)
{
	return lk_schema_equal(&a->in, &b->in) && !memcmp(a->source, b->source, (size_t)a->in.n_children * sizeof(*a->source));
}

enum lk_status lk_upsert_form_get(struct lk_upserting *t, const struct ArrowSchema *schema, struct lk_upsert_form **out, struct lk_error *err)
{
	struct lk_upsert_form *f = calloc(1, sizeof(*f));
	enum lk_status status;

	if (!f || !lk_grow((void **)&t->forms, &t->form_cap, t->form_count + 1, sizeof(f))) {
		free(f);
		return lk_error_nomem(err);
	}
	status = form_make(t, f, schema, err);
	if (!status)
		status = check_types(t, &f->in, err);
	for (size_t i = 0; !status && i < t->form_count; i++)
		if (is_same_form(t->forms[i], f)) {
			lk_upsert_form_free(f);
			*out = t->forms[i];
			return LK_OK;
		}
	if (status) {
		lk_upsert_form_free(f);
		return status;
	}
	*out = t->forms[t->form_count++] = f;
	return LK_OK;
}

/* ---- what is written ---- */

static enum lk_status key_ids(const struct lk_upserting *t, struct lk_change *change, struct lk_error *err)
{
	change->key_ids = calloc((size_t)t->spec.key_count + 1, sizeof(*change->key_ids));
	if (!change->key_ids)
		return lk_error_nomem(err);
	for (int i = 0; t->base && i < t->spec.key_count; i++)
		for (int c = 0; c < t->base->column_count; c++)
			if (!strcmp(t->base->columns[c].name, t->spec.key[i]))
				change->key_ids[change->key_count++] = t->base->columns[c].id;
	return LK_OK;
}

static enum lk_status set_files(const struct lk_upserting *t, struct lk_change *change, struct lk_error *err)
{
	change->files = calloc((size_t)t->goes_count + 1, sizeof(*change->files));
	if (!change->files)
		return lk_error_nomem(err);
	for (int i = 0; i < t->goes_count; i++)
		change->files[change->file_count++] = t->goes[i]->uri;
	return LK_OK;
}

/* Of a patch the columns that it sets: those that came with any of its rows. */
static enum lk_status set_columns(const struct lk_upserting *t, struct lk_change *change, struct lk_error *err)
{
	size_t most = 1;

	for (size_t f = 0; f < t->form_count; f++)
		most += (size_t)t->forms[f]->out.n_children;
	change->columns = calloc(most, sizeof(*change->columns));
	if (!change->columns)
		return lk_error_nomem(err);
	for (size_t f = 0; t->o->patch && f < t->form_count; f++)
		for (int64_t i = LK_CHANGE_COLUMNS; i < t->forms[f]->out.n_children; i++) {
			const char *name = t->forms[f]->out.children[i]->name;
			bool known = false;

			for (int c = 0; c < change->column_count; c++)
				known = known || !strcmp(change->columns[c], name);
			if (!known)
				change->columns[change->column_count++] = name;
		}
	return LK_OK;
}

static enum lk_status set_change(const struct lk_upserting *t, struct lk_change *change, struct ArrowSchema *out, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(set_files(t, change, err));
	LK_TRY(key_ids(t, change, err));
	LK_TRY(set_columns(t, change, err));
	status = lk_change_write(change, &text, err);
	if (!status)
		status = lk_meta_set(out, LK_META_CHANGE, lk_str_text(&text), err);
	lk_str_release(&text);
	return status;
}

enum lk_status lk_upsert_form_finish(struct lk_upserting *t, struct ArrowSchema *out, struct lk_error *err)
{
	struct lk_change change = {.uuid = t->base ? t->base->uuid : NULL, .branch = t->o->branch ? t->o->branch : LK_MAIN,
		.base = t->base ? t->base->snapshot_id : -1, .facts = t->facts, .patch = t->o->patch, .load = t->spec.load,
		.scope = t->spec.scope, .scope_count = t->spec.scope_count};
	enum lk_status status = set_change(t, &change, out, err);

	free(change.files);
	free(change.key_ids);
	free(change.columns);
	for (int64_t i = LK_CHANGE_COLUMNS; t->vanished_count && i < out->n_children; i++)
		out->children[i]->flags |= ARROW_FLAG_NULLABLE;
	return status;
}
