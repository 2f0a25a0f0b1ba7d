#include "lake/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "lake/history.h"
#include "lake/ledger_history.h"
#include "lake/metadata.h"
#include "lake/retention.h"
#include "lake/table_layout.h"
#include "lake/types.h"
#include "stream/side.h"

#define DEFAULT_NAMESPACE "main"
#define OWN "lk"
#define QUARANTINE "quarantine"
#define NAME_MAX_BYTES 200
#define MAX_COLUMNS 10000 /* each is looked for among all */

/* ---- names ---- */

/* Lower-case snake: engines fold cases differently, and the name is a folder too. */
static bool good_level(const char *s, size_t len)
{
	if (!len || len > NAME_MAX_BYTES || (*s >= '0' && *s <= '9'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '_'))
			return false;
	return true;
}

static bool good_name(const char *name)
{
	for (;;) {
		size_t len = strcspn(name, ".");

		if (!good_level(name, len))
			return false;
		if (!name[len])
			return true;
		name += len + 1;
	}
}

/* The namespace itself, or one inside of it. */
static bool is_in(const struct lk_target *t, const char *outer)
{
	size_t len = strlen(outer);

	return !strncmp(t->namespace_name, outer, len) && (!t->namespace_name[len] || t->namespace_name[len] == '.');
}

bool lk_target_is(const struct lk_target *t, const char *name)
{
	const char *dot = strrchr(name, '.'), *outer = dot ? name : DEFAULT_NAMESPACE;
	size_t len = dot ? (size_t)(dot - name) : strlen(outer);

	return strlen(t->namespace_name) == len && !strncmp(t->namespace_name, outer, len) && !strcmp(t->name, dot ? dot + 1 : name);
}

bool lk_target_is_own(const struct lk_target *t)
{
	return is_in(t, OWN) || is_in(t, QUARANTINE);
}

static enum lk_status split_name(struct lk_target *t, const char *name, struct lk_error *err)
{
	const char *dot = strrchr(name, '.');

	t->namespace_name = dot ? strndup(name, (size_t)(dot - name)) : strdup(DEFAULT_NAMESPACE);
	t->name = strdup(dot ? dot + 1 : name);
	if (!t->namespace_name || !t->name)
		return lk_error_nomem(err);
	/* Raw text of rejects is private: nobody else reads the folder. */
	t->mode = is_in(t, QUARANTINE) ? 0600 : 0666;
	return LK_OK;
}

/* ---- opening ---- */

static enum lk_status refuse(const struct lk_target *t, enum lk_status status, const char *why, struct lk_error *err)
{
	return lk_error_set(err, status, "table %s.%s: %s", t->namespace_name, t->name, why);
}

static enum lk_status check_base(const struct lk_target *t, struct lk_error *err)
{
	if (lk_metadata_version(t->base) != 2)
		return refuse(t, LK_MISSING,
			lk_metadata_version(t->base) < 2 ? "it is of Iceberg format v1; lk writes v2"
							 : "it is of a format of Iceberg behind v2; lk writes v2",
			err);
	if (!lk_uri_path(t->data_uri) || !lk_uri_path(t->metadata_uri))
		return refuse(t, LK_MISSING, "it is not on local disk", err);
	return LK_OK;
}

/* Takes the base's schema and folders. */
static enum lk_status adopt_base(struct lk_target *t, struct lk_error *err)
{
	json_decref(t->schema);
	free(t->data_uri);
	free(t->metadata_uri);
	snprintf(t->uuid, sizeof(t->uuid), "%s", lk_metadata_text(t->base, "table-uuid"));
	t->schema = json_deep_copy(lk_metadata_schema(t->base));
	t->last_column_id = lk_metadata_number(t->base, "last-column-id", 0);
	t->data_uri = lk_metadata_folder(t->base, false);
	t->metadata_uri = lk_metadata_folder(t->base, true);
	if (!t->schema || !t->data_uri || !t->metadata_uri)
		return lk_error_nomem(err);
	return check_base(t, err);
}

/* The folder of a new table: that of its name, unless a table that was renamed has it still. */
static enum lk_status choose_folder(const struct lk_target *t, struct lk_lake *lake, struct lk_str *folder, struct lk_error *err)
{
	char uuid[LK_UUID_SIZE];
	bool taken;

	lk_str_addf(folder, "file://%s/%s/%s/", lake->path, t->namespace_name, t->name);
	LK_TRY(lk_str_check(folder, err));
	LK_TRY(lk_catalog_has_below(lake, folder->data, &taken, err));
	if (!taken)
		return LK_OK;
	LK_TRY(lk_uuid(uuid, err));
	lk_str_clear(folder);
	lk_str_addf(folder, "file://%s/%s/%s-%.8s/", lake->path, t->namespace_name, t->name, uuid);
	return lk_str_check(folder, err);
}

static enum lk_status begin_new(struct lk_target *t, struct lk_lake *lake, struct lk_error *err)
{
	struct lk_str folder = LK_STR_INIT, data = LK_STR_INIT, metadata = LK_STR_INIT;
	enum lk_status status = choose_folder(t, lake, &folder, err);

	if (!status) {
		lk_str_addf(&data, "%sdata", folder.data);
		lk_str_addf(&metadata, "%smetadata", folder.data);
		t->data_uri = data.data;
		t->metadata_uri = metadata.data;
	}
	lk_str_release(&folder);
	LK_TRY(status);
	LK_TRY(lk_uuid(t->uuid, err));
	t->schema = json_pack("{s:s, s:i, s:[]}", "type", "struct", "schema-id", 0, "fields");
	t->properties = json_pack("{s:s, s:s, s:s}", "write.format.default", "parquet", "write.parquet.compression-codec", "zstd",
		"write.metadata.delete-after-commit.enabled", "true");
	if (t->properties)
		LK_TRY(lk_retention_write(t->properties, &(struct lk_retention)LK_RETENTION_DEFAULT, err));
	return data.failed || metadata.failed || !t->schema || !t->properties ? lk_error_nomem(err) : LK_OK;
}

enum lk_status lk_target_open(struct lk_target *t, struct lk_lake *lake, const char *name, struct lk_error *err)
{
	*t = (struct lk_target){.made = {.snapshot_id = -1}};
	LK_TRY(split_name(t, name, err));
	LK_TRY(lk_catalog_find(lake, t->namespace_name, t->name, &t->base_location, err));
	if (!t->base_location && !good_name(name)) /* other engines' tables may have any */
		return lk_error_set(err, LK_DATA,
			"'%s' is no name for a table: letters a to z, digits and underscores, with a dot behind each namespace", name);
	if (!t->base_location)
		return begin_new(t, lake, err);
	LK_TRY(lk_metadata_read(t->base_location, &t->base, err));
	t->since = lk_metadata_number(t->base, "last-sequence-number", 0);
	return adopt_base(t, err);
}

static void forget_deletes(struct lk_target *t)
{
	for (size_t i = 0; i < t->delete_count; i++)
		lk_data_file_release(&t->deletes[i]);
	for (size_t i = 0; i < t->removed_count; i++)
		free(t->removed[i].uri);
	t->delete_count = t->removed_count = 0;
	t->deleted = 0;
}

enum lk_status lk_target_branch(struct lk_target *t, struct lk_lake *lake, const char *branch, struct lk_error *err)
{
	free(t->branch);
	t->branch = NULL;
	if (!branch || !strcmp(branch, LK_METADATA_MAIN))
		return LK_OK;
	t->branch = strdup(branch);
	if (!t->branch)
		return lk_error_nomem(err);
	LK_TRY(lk_ledger_began(lake, branch, &t->began_ms, err));
	t->began_ms /= 1000;
	if (t->base && !strcmp(t->namespace_name, OWN) && !strcmp(t->name, "files"))
		return lk_ledger_check_head(lake, branch, t->base, err);
	return LK_OK;
}

void lk_target_release(struct lk_target *t)
{
	for (size_t i = 0; i < t->file_count; i++)
		lk_data_file_release(&t->files[i]);
	free(t->files);
	forget_deletes(t);
	free(t->deletes);
	free(t->removed);
	free(t->branch);
	json_decref(t->summary);
	json_decref(t->dropped_log);
	lk_made_release(&t->made);
	free(t->namespace_name);
	free(t->name);
	free(t->base_location);
	free(t->data_uri);
	free(t->metadata_uri);
	free(t->metadata_path);
	free(t->new_location);
	json_decref(t->base);
	json_decref(t->schema);
	json_decref(t->properties);
	*t = (struct lk_target){0};
}

/* ---- columns ---- */

static json_t *fields_of(const struct lk_target *t)
{
	return json_object_get(t->schema, "fields");
}

/* The field of that name; *other_case tells of one that differs only in case. */
static json_t *find_field(const struct lk_target *t, const char *name, bool *other_case)
{
	json_t *field;
	size_t i;

	json_array_foreach(fields_of(t), i, field) {
		const char *other = lk_metadata_text(field, "name");

		if (!strcmp(other, name))
			return field;
		*other_case |= !strcasecmp(other, name);
	}
	return NULL;
}

static struct lk_column_type type_of(const struct ArrowSchema *column)
{
	struct lk_column_type type = {0};

	type.type = lk_type_of(column, &type.precision, &type.scale);
	return type;
}

/* A value of the metadata of a schema or column, where there is one, as a text in an object. */
static void copy_meta(const struct ArrowSchema *schema, const char *key, json_t *object, const char *name)
{
	struct ArrowStringView value;

	if (lk_meta_get(schema, key, &value) && value.size_bytes > 0)
		json_object_set_new(object, name, json_stringn(value.data, (size_t)value.size_bytes));
}

static enum lk_status add_field(struct lk_target *t, const struct ArrowSchema *column, const struct lk_column_type *type,
	struct lk_error *err)
{
	bool required = !t->base && !t->file_count && !(column->flags & ARROW_FLAG_NULLABLE);
	char word[LK_TYPE_TEXT];
	json_t *field;

	lk_type_write(type, word);
	field = json_pack("{s:I, s:s, s:b, s:s}", "id", (json_int_t)(t->last_column_id + 1), "name", column->name, "required",
		required, "type", word);
	copy_meta(column, LK_META_DOC, field, "doc");
	if (t->properties) {
		struct lk_str key = LK_STR_INIT;

		lk_str_addf(&key, LK_META_PHI ".%s", column->name);
		copy_meta(column, LK_META_PHI, t->properties, lk_str_text(&key));
		lk_str_release(&key);
	}
	if (!field || json_array_append_new(fields_of(t), field))
		return lk_error_nomem(err);
	t->last_column_id++;
	t->schema_changed = true;
	return LK_OK;
}

/* A list of what keeps a stream from going into a table, for one sentence. */
struct difference {
	struct lk_str text;
	bool add_helps, widen_helps, hopeless;
};

static void differ(struct difference *d, const char *fmt, ...) LK_PRINTF(2, 3);
static void differ(struct difference *d, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	lk_str_addf(&d->text, "%s%s", d->text.len ? "; " : "", text);
}

static enum lk_status fit_column(struct lk_target *t, const struct ArrowSchema *column, enum lk_schema_mode mode,
	struct difference *d, struct lk_error *err)
{
	struct lk_column_type type = type_of(column), own;
	struct lk_str word = LK_STR_INIT;
	bool other_case = false;
	char text[LK_TYPE_TEXT];
	json_t *field;

	lk_type_name(column, &word);
	field = column->name ? find_field(t, column->name, &other_case) : NULL;
	own = lk_type_read(json_string_value(json_object_get(field, "type")));
	if (!column->name || !*column->name || !lk_utf8_valid(column->name, strlen(column->name))) {
		differ(d, "a column has no name in UTF-8");
		d->hopeless = true;
	} else if (type.type == LK_OTHER) {
		differ(d, "column %s is %s, a type that lk does not store", column->name, lk_str_text(&word));
		d->hopeless = true;
	} else if (other_case) {
		differ(d, "column %s is there in other letters", column->name);
		d->hopeless = true;
	} else if (!field && t->base && mode == LK_SCHEMA_FREEZE) {
		differ(d, "column %s (%s) is not in the table", column->name, lk_str_text(&word));
		d->add_helps = true;
	} else if (!field) {
		lk_str_release(&word);
		return add_field(t, column, &type, err);
	} else if (lk_type_fit(&own, &type) == LK_FIT_NOT) {
		differ(d, "column %s is %s in the stream and %s in the table", column->name, lk_str_text(&word),
			own.type == LK_OTHER && !json_is_string(json_object_get(field, "type")) ? "nested"
												: lk_metadata_text(field, "type"));
		d->hopeless = true;
	} else if (lk_type_fit(&own, &type) == LK_FIT_WIDEN && mode != LK_SCHEMA_WIDEN) {
		differ(d, "column %s is %s in the stream and %s in the table", column->name, lk_str_text(&word),
			lk_metadata_text(field, "type"));
		d->widen_helps = true;
	} else if (lk_type_fit(&own, &type) == LK_FIT_WIDEN) {
		lk_type_write(&type, text);
		json_object_set_new(field, "type", json_string(text));
		t->schema_changed = true;
	}
	lk_str_release(&word);
	return LK_OK;
}

static bool meta_is(const struct ArrowSchema *schema, const char *key, const char *text)
{
	struct ArrowStringView value;

	return lk_meta_get(schema, key, &value) && (size_t)value.size_bytes == strlen(text) &&
	       !memcmp(value.data, text, strlen(text));
}

static bool is_versioned(const struct ArrowSchema *schema)
{
	return meta_is(schema, LK_META_LOAD, "upsert") || meta_is(schema, LK_META_LOAD, "full");
}

static bool keeps_history(const struct lk_target *t)
{
	return lk_history_wanted(t->base ? json_object_get(t->base, "properties") : t->properties);
}

/* Whether a column of the stream is one of the table too. What says what a row does to its key (lk.op) travels, and goes no further. */
static bool is_stored(const struct lk_target *t, const struct ArrowSchema *schema, lk_column_filter *filter, const char *name)
{
	return (!filter || filter(name)) && !(lk_history_column(name) && is_versioned(schema) && keeps_history(t)) &&
	       !(meta_is(schema, LK_META_OP, name) && is_versioned(schema));
}

static int find_column(const struct lk_target *t, const struct ArrowSchema *schema, lk_column_filter *filter, const char *name)
{
	return is_stored(t, schema, filter, name) ? lk_schema_find(schema, name) : -1;
}

static void check_required(const struct lk_target *t, const struct ArrowSchema *schema, lk_column_filter *filter,
	struct difference *d)
{
	json_t *field;
	size_t i;

	json_array_foreach(fields_of(t), i, field) {
		const char *name = lk_metadata_text(field, "name");

		if (json_is_true(json_object_get(field, "required")) && find_column(t, schema, filter, name) < 0) {
			differ(d, "column %s is required by the table and not in the stream", name);
			d->hopeless = true;
		}
	}
}

static json_t *parse_meta(const struct ArrowSchema *schema, const char *key)
{
	struct ArrowStringView value;

	if (!lk_meta_get(schema, key, &value) || value.size_bytes <= 0)
		return NULL;
	return json_loadb(value.data, (size_t)value.size_bytes, 0, NULL);
}

/* The key's columns identify a row where they are never null ("Identifier Field IDs"; floating point may not). */
static void set_identifiers(struct lk_target *t, const struct ArrowSchema *schema)
{
	json_t *key = parse_meta(schema, LK_META_KEY), *ids = json_array(), *name;
	bool good = json_array_size(key) > 0, ignored = false;
	size_t i;

	json_array_foreach(key, i, name) {
		const char *text = json_string_value(name);
		json_t *field = text ? find_field(t, text, &ignored) : NULL;

		good = good && json_is_true(json_object_get(field, "required")) &&
		       strcmp(lk_metadata_text(field, "type"), "double");
		json_array_append(ids, json_object_get(field, "id"));
	}
	if (good)
		json_object_set(t->schema, "identifier-field-ids", ids);
	json_decref(ids);
	json_decref(key);
}

/* What later steps want to know of a table stands in its properties. */
static void note_properties(struct lk_target *t, const struct ArrowSchema *schema)
{
	static const char *const keys[] = {LK_META_KEY, LK_META_ORDER, LK_META_LOAD, LK_META_SCOPE, LK_META_PARTITION,
		LK_META_HISTORY};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		copy_meta(schema, keys[i], t->properties, keys[i]);
}

/* The column of that name, which is made where it is not there. */
static enum lk_status keep_column(struct lk_target *t, const char *name, const char *type, struct difference *d, struct lk_error *err)
{
	bool other_case = false;
	json_t *field = find_field(t, name, &other_case);

	if (field && strcmp(lk_metadata_text(field, "type"), type))
		differ(d, "column %s is %s, and lk.history needs it to be %s", name, lk_metadata_text(field, "type"), type);
	d->hopeless |= d->text.len > 0;
	if (field)
		return LK_OK;
	field = json_pack("{s:I, s:s, s:b, s:s}", "id", (json_int_t)(t->last_column_id + 1), "name", name, "required", false, "type", type);
	if (!field || json_array_append_new(fields_of(t), field))
		return lk_error_nomem(err);
	t->last_column_id++;
	t->schema_changed = true;
	return LK_OK;
}

/* What a table that keeps rows of the past has besides: it asked for them itself, whatever the mode. */
static enum lk_status keep_history(struct lk_target *t, const struct ArrowSchema *schema, struct difference *d, struct lk_error *err)
{
	enum lk_load load = meta_is(schema, LK_META_LOAD, "full") ? LK_LOAD_FULL : LK_LOAD_UPSERT;
	const char *type = "timestamptz", *order_type;
	struct ArrowStringView order;
	bool ignored;
	json_t *field;
	char *name;

	if (lk_meta_get(schema, LK_META_ORDER, &order) && order.size_bytes > 0) {
		name = strndup(order.data, (size_t)order.size_bytes);
		if (!name)
			return lk_error_nomem(err);
		field = find_field(t, name, &ignored);
		free(name);
		order_type = json_string_value(json_object_get(field, "type"));
		if (lk_history_by_order(load, order_type))
			type = order_type;
	}
	LK_TRY(keep_column(t, LK_COLUMN_FROM, type, d, err));
	LK_TRY(keep_column(t, LK_COLUMN_TO, type, d, err));
	return keep_column(t, LK_COLUMN_CURRENT, "boolean", d, err);
}

static enum lk_status fit(struct lk_target *t, const struct ArrowSchema *schema, lk_column_filter *filter,
	enum lk_schema_mode mode, struct difference *d, struct lk_error *err)
{
	bool first = !t->base && !json_array_size(fields_of(t));

	if (schema->n_children > MAX_COLUMNS)
		return lk_error_set(err, LK_DATA, "table %s.%s: the stream has %lld columns, and lk stores %d at most",
			t->namespace_name, t->name, (long long)schema->n_children, MAX_COLUMNS);
	for (int64_t i = 0; i < schema->n_children; i++) {
		const struct ArrowSchema *column = schema->children[i];

		if (column->name && lk_schema_find(schema, column->name) != i) {
			differ(d, "column %s is there twice", column->name);
			d->hopeless = true;
		} else if (!column->name || is_stored(t, schema, filter, column->name)) {
			LK_TRY(fit_column(t, column, mode, d, err));
		}
	}
	if (!json_array_size(fields_of(t)))
		differ(d, "it has no columns");
	check_required(t, schema, filter, d);
	if (first) {
		set_identifiers(t, schema);
		note_properties(t, schema);
	}
	if (keeps_history(t) && is_versioned(schema))
		LK_TRY(keep_history(t, schema, d, err));
	return lk_str_check(&d->text, err);
}

enum lk_status lk_target_fit(struct lk_target *t, const struct ArrowSchema *schema, lk_column_filter *filter,
	enum lk_schema_mode mode, struct lk_error *err)
{
	struct difference d = {LK_STR_INIT};
	enum lk_status status = fit(t, schema, filter, mode, &d, err);

	if (!status && d.text.len)
		status = lk_error_set(err, LK_DATA, "table %s.%s does not take the stream's columns: %s%s", t->namespace_name,
			t->name, d.text.data,
			d.hopeless	? ""
			: d.widen_helps ? " (--schema widen changes the table)"
			: d.add_helps	? " (--schema add changes the table)"
					: "");
	lk_str_release(&d.text);
	return status;
}

enum lk_status lk_target_columns(const struct lk_target *t, const struct ArrowSchema *schema, lk_column_filter *filter,
	struct lk_parquet_column **columns, int **source, int *count, struct lk_error *err)
{
	size_t n = json_array_size(fields_of(t)), i;
	json_t *field;

	*count = 0;
	*columns = calloc(n, sizeof(**columns));
	*source = calloc(n, sizeof(**source));
	if (!*columns || !*source)
		return lk_error_nomem(err); /* the caller frees both */
	json_array_foreach(fields_of(t), i, field) {
		struct lk_column_type type = lk_type_read(json_string_value(json_object_get(field, "type")));
		const char *name = lk_metadata_text(field, "name");

		if (type.type == LK_OTHER)
			continue; /* optional, by lk_target_fit: a file without the column reads as nulls */
		(*columns)[*count] = (struct lk_parquet_column){.name = name,
			.field_id = (int32_t)lk_metadata_number(field, "id", 0),
			.type = type.type,
			.precision = type.precision,
			.scale = type.scale,
			.required = json_is_true(json_object_get(field, "required"))};
		(*source)[(*count)++] = find_column(t, schema, filter, name);
	}
	return LK_OK;
}

/* ---- files ---- */

enum lk_status lk_target_make_folders(struct lk_target *t, struct lk_error *err)
{
	mode_t mode = t->mode == 0600 ? 0700 : 0777;

	LK_TRY(lk_mkdirs(lk_uri_path(t->data_uri), mode, err));
	return lk_mkdirs(lk_uri_path(t->metadata_uri), mode, err);
}

enum lk_status lk_target_add_file(struct lk_target *t, struct lk_data_file *file, struct lk_error *err)
{
	if (!lk_grow((void **)&t->files, &t->file_cap, t->file_count + 1, sizeof(*t->files)))
		return lk_error_nomem(err);
	t->rows += file->metrics.rows;
	t->bytes += file->metrics.file_bytes;
	t->files[t->file_count++] = *file;
	*file = (struct lk_data_file){0};
	return LK_OK;
}

enum lk_status lk_target_add_deletes(struct lk_target *t, struct lk_data_file *file, struct lk_error *err)
{
	if (!lk_grow((void **)&t->deletes, &t->delete_cap, t->delete_count + 1, sizeof(*t->deletes)))
		return lk_error_nomem(err);
	t->deleted += file->metrics.rows;
	t->deletes[t->delete_count++] = *file;
	*file = (struct lk_data_file){0};
	return LK_OK;
}

static void remove_files(const struct lk_data_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)!lk_remove(files[i].path, NULL);
}

void lk_target_discard(struct lk_target *t)
{
	remove_files(t->files, t->file_count);
	remove_files(t->deletes, t->delete_count);
}

void lk_target_clear_deletes(struct lk_target *t)
{
	remove_files(t->deletes, t->delete_count);
	forget_deletes(t);
}

enum lk_status lk_target_write(const struct lk_target *t, const char *name, const void *data, size_t len, char **path,
	struct lk_str *uri, struct lk_error *err)
{
	size_t before = uri->len;
	const char *local;

	lk_str_addf(uri, "%s/%s", t->metadata_uri, name);
	LK_TRY(lk_str_check(uri, err));
	local = lk_uri_path(uri->data + before);
	LK_TRY(lk_file_create(local, t->mode, data, len, err));
	if (path)
		*path = strdup(local);
	return !path || *path ? LK_OK : lk_error_nomem(err);
}

/* ---- files that go ---- */

enum lk_status lk_target_remove_file(struct lk_target *t, const char *uri, struct lk_error *err)
{
	char *copy = strdup(uri);

	if (!copy || !lk_grow((void **)&t->removed, &t->removed_cap, t->removed_count + 1, sizeof(*t->removed))) {
		free(copy);
		return lk_error_nomem(err);
	}
	t->removed[t->removed_count++] = (struct lk_removed_file){copy, false};
	return LK_OK;
}

static int compare_removed(const void *a, const void *b)
{
	return strcmp(((const struct lk_removed_file *)a)->uri, ((const struct lk_removed_file *)b)->uri);
}

void lk_target_begin_removing(struct lk_target *t)
{
	if (t->removed_count)
		qsort(t->removed, t->removed_count, sizeof(*t->removed), compare_removed);
	for (size_t i = 0; i < t->removed_count; i++)
		t->removed[i].found = false;
}

bool lk_target_removes(const struct lk_target *t, const char *uri, bool found)
{
	struct lk_removed_file key = {(char *)uri, false}, *hit = NULL;

	if (t->removed_count)
		hit = bsearch(&key, t->removed, t->removed_count, sizeof(*t->removed), compare_removed);
	if (hit && found)
		hit->found = true;
	return hit != NULL;
}

const char *lk_target_not_removed(const struct lk_target *t)
{
	for (size_t i = 0; i < t->removed_count; i++)
		if (!t->removed[i].found && (!i || strcmp(t->removed[i].uri, t->removed[i - 1].uri)))
			return t->removed[i].uri;
	return NULL;
}

/* ---- rebasing ---- */

/* Whether every column that rows were written by is there, with the same id, name and (perhaps widened) type. */
static bool has_columns(const json_t *schema, const json_t *ours)
{
	const json_t *theirs = json_object_get(schema, "fields");
	json_t *mine, *field;
	size_t i, k;

	json_array_foreach(json_object_get(ours, "fields"), i, mine) {
		bool found = false;

		json_array_foreach(theirs, k, field)
			if (json_equal(json_object_get(field, "id"), json_object_get(mine, "id"))) {
				struct lk_column_type to = lk_type_read(json_string_value(json_object_get(field, "type")));
				struct lk_column_type from = lk_type_read(json_string_value(json_object_get(mine, "type")));

				found = json_equal(json_object_get(field, "name"), json_object_get(mine, "name")) &&
					(json_equal(json_object_get(field, "type"), json_object_get(mine, "type")) ||
						lk_type_fit(&to, &from) == LK_FIT_AS_IS) &&
					(json_is_true(json_object_get(mine, "required")) ||
						!json_is_true(json_object_get(field, "required")));
			}
		if (!found)
			return false;
	}
	return true;
}

static enum lk_status conflict(const struct lk_target *t, const char *what, struct lk_error *err)
{
	return lk_error_set(err, LK_CONFLICT, "another writer %s table %s.%s meanwhile; nothing was changed, try again", what,
		t->namespace_name, t->name);
}

/* base is the metadata as they were. */
static enum lk_status check_rebase(struct lk_target *t, const json_t *base, struct lk_error *err)
{
	const json_t *now = lk_metadata_schema(t->base);

	if (base && strcmp(lk_metadata_text(base, "table-uuid"), lk_metadata_text(t->base, "table-uuid")))
		return conflict(t, "replaced", err);
	if (!t->file_count && !t->schema_changed)
		return adopt_base(t, err);
	if (!base && t->file_count && !lk_table_layout_same(t, t->base))
		return conflict(t, "made", err);
	if (base && !t->schema_changed) {
		if (!lk_metadata_schema_of(t->base, lk_metadata_number(t->schema, "schema-id", -1)))
			return conflict(t, "changed the schema of", err);
		return check_base(t, err);
	}
	if (has_columns(now, t->schema)) {
		t->schema_changed = false;
		return adopt_base(t, err);
	}
	if (base && json_equal(now, lk_metadata_schema(base)) &&
		json_equal(json_object_get(base, "last-column-id"), json_object_get(t->base, "last-column-id")))
		return check_base(t, err);
	return conflict(t, base ? "changed the schema of" : "made", err);
}

enum lk_status lk_target_rebase(struct lk_target *t, struct lk_lake *lake, struct lk_error *err)
{
	json_t *base = t->base;
	enum lk_status status;
	char *location;

	LK_TRY(lk_catalog_find(lake, t->namespace_name, t->name, &location, err));
	if (!location && !t->base_location)
		return LK_OK;
	if (!location)
		return conflict(t, "dropped", err);
	free(t->base_location);
	t->base_location = location;
	t->base = NULL;
	status = lk_metadata_read(location, &t->base, err);
	if (!status)
		status = check_rebase(t, base, err);
	json_decref(base);
	return status;
}

enum lk_status lk_target_refresh(struct lk_target *t, struct lk_lake *lake, struct lk_error *err)
{
	LK_TRY(lk_target_rebase(t, lake, err));
	return t->base ? adopt_base(t, err) : LK_OK;
}
