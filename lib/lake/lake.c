#include "lake/lake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lakedir.h"
#include "lake/catalog.h"
#include "lake/manifest.h"
#include "lake/metadata.h"

/* ---- finding and opening ---- */

/* The nearest folder upward that holds a catalog.db; NULL when there is none. malloc'd. */
static char *find_upward(void)
{
	char *here = realpath(".", NULL), *lake = here ? lk_lake_above(here) : NULL;

	free(here);
	return lake;
}

enum lk_status lk_lake_find(const char *option, char **path, struct lk_error *err)
{
	const char *given = option ? option : getenv("LK_LAKE");

	if (given && *given) {
		*path = strdup(given);
		return *path ? LK_OK : lk_error_nomem(err);
	}
	*path = find_upward();
	if (*path)
		return LK_OK;
	return lk_error_set(err, LK_USAGE, "no lake: name one with -l or LK_LAKE, or go into a folder of one");
}

/* Characters that engines take for something else in a location, or that cannot stand in one line. */
static enum lk_status check_path(const char *path, struct lk_error *err)
{
	for (const char *p = path; *p; p++)
		if (strchr("?#%", *p) || (unsigned char)*p < ' ')
			return lk_error_set(err, LK_CANTCREATE,
				"cannot create a lake in '%s': engines do not take a '%c' in a path for what it is", path,
				(unsigned char)*p < ' ' ? '?' : *p);
	return LK_OK;
}

static enum lk_status open_at(struct lk_lake *lake, const char *path, unsigned flags, struct lk_error *err)
{
	struct lk_str file = LK_STR_INIT;
	bool there;

	if (flags & LK_LAKE_CREATE)
		LK_TRY(lk_mkdirs(path, 0777, err));
	LK_TRY(lk_path_absolute(path, &lake->path, err));
	lk_str_addf(&file, "%s/catalog.db", lake->path);
	there = file.data && !access(file.data, F_OK);
	lk_str_release(&file);
	if (!there && !(flags & LK_LAKE_CREATE))
		return lk_error_set(err, LK_NOINPUT, "there is no lake in '%s': it has no catalog.db", path);
	if (!there)
		LK_TRY(check_path(lake->path, err));
	return lk_catalog_open(lake, flags, err);
}

enum lk_status lk_lake_open(struct lk_lake **out, const char *path, unsigned flags, struct lk_error *err)
{
	struct lk_lake *lake = calloc(1, sizeof(*lake));
	enum lk_status status;

	*out = NULL;
	if (!lake)
		return lk_error_nomem(err);
	status = open_at(lake, path, flags, err);
	if (status)
		lk_lake_close(lake);
	else
		*out = lake;
	return status;
}

void lk_lake_close(struct lk_lake *lake)
{
	if (!lake)
		return;
	lk_catalog_close(lake);
	free(lake->path);
	free(lake);
}

const char *lk_lake_path(const struct lk_lake *lake)
{
	return lake->path;
}

/* ---- pinning ---- */

static enum lk_status add_table(struct lk_pin *pin, size_t *cap, struct lk_lake_table **tables, sqlite3_stmt *stmt,
	struct lk_error *err)
{
	struct lk_lake_table *t;

	if (!lk_grow((void **)tables, cap, (size_t)pin->table_count + 1, sizeof(*t)))
		return lk_error_nomem(err);
	t = &(*tables)[pin->table_count++];
	*t = (struct lk_lake_table){.snapshot_id = -1};
	t->namespace_name = lk_arena_strdup(&pin->arena, lk_catalog_text(stmt, 0));
	t->name = lk_arena_strdup(&pin->arena, lk_catalog_text(stmt, 1));
	t->metadata_location = lk_arena_strdup(&pin->arena, lk_catalog_text(stmt, 2));
	return t->namespace_name && t->name && t->metadata_location ? LK_OK : lk_error_nomem(err);
}

static enum lk_status pin_tables(struct lk_lake *lake, struct lk_pin *pin, struct lk_error *err)
{
	struct lk_lake_table *tables = NULL;
	enum lk_status status;
	sqlite3_stmt *stmt;
	size_t cap = 0;
	bool row;

	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		lake->has_type ? "SELECT table_namespace, table_name, metadata_location FROM iceberg_tables"
				 " WHERE catalog_name = 'lk' AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL) ORDER BY 1, 2"
			       : "SELECT table_namespace, table_name, metadata_location FROM iceberg_tables"
				 " WHERE catalog_name = 'lk' ORDER BY 1, 2",
		""));
	while (!(status = lk_catalog_step(lake, stmt, &row, err)) && row)
		if ((status = add_table(pin, &cap, &tables, stmt, err)))
			break;
	lk_catalog_done(lake, stmt);
	if (!status && pin->table_count) {
		pin->tables = lk_arena_alloc(&pin->arena, (size_t)pin->table_count * sizeof(*tables));
		if (pin->tables)
			memcpy(pin->tables, tables, (size_t)pin->table_count * sizeof(*tables));
		else
			status = lk_error_nomem(err);
	}
	free(tables);
	return status;
}

enum lk_status lk_lake_pin(struct lk_lake *lake, struct lk_pin *pin, struct lk_error *err)
{
	enum lk_status status = LK_OK;

	*pin = (struct lk_pin){LK_ARENA_INIT, NULL, 0};
	if (lake->has_tables)
		status = pin_tables(lake, pin, err);
	if (status)
		lk_pin_release(pin);
	return status;
}

void lk_pin_release(struct lk_pin *pin)
{
	lk_arena_release(&pin->arena);
	*pin = (struct lk_pin){LK_ARENA_INIT, NULL, 0};
}

/* ---- loading ---- */

struct loader {
	struct lk_arena *arena;
	struct lk_lake_table *table;
	struct lk_lake_file *files;
	size_t cap;
	struct lk_lake_deletes *deletes;
	size_t deletes_cap;
};

static enum lk_status load_columns(struct loader *l, const json_t *schema, struct lk_error *err)
{
	const json_t *fields = json_object_get(schema, "fields");
	struct lk_lake_column *c;
	json_t *field;
	size_t i;

	c = l->table->columns = lk_arena_alloc(l->arena, json_array_size(fields) * sizeof(*c));
	if (!c)
		return lk_error_nomem(err);
	json_array_foreach(fields, i, field) {
		const json_t *type = json_object_get(field, "type");
		char *nested = json_is_string(type) ? NULL : json_dumps(type, JSON_COMPACT);
		const char *doc = json_string_value(json_object_get(field, "doc"));

		c->id = (int32_t)lk_metadata_number(field, "id", 0);
		c->name = lk_arena_strdup(l->arena, lk_metadata_text(field, "name"));
		c->type = lk_arena_strdup(l->arena, nested ? nested : lk_metadata_text(field, "type"));
		c->required = json_is_true(json_object_get(field, "required"));
		c->doc = doc ? lk_arena_strdup(l->arena, doc) : NULL;
		free(nested);
		if (!c->name || !c->type || (doc && !c->doc))
			return lk_error_nomem(err);
		c++;
	}
	l->table->column_count = (int)json_array_size(fields);
	return LK_OK;
}

/* Adds up what manifests say, which foreign writers wrote. */
static enum lk_status add_rows(int64_t *sum, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	if (entry->file.metrics.rows > INT64_MAX - *sum)
		return lk_error_set(err, LK_DATA, "'%s' has more rows than can be counted", entry->file.uri);
	*sum += entry->file.metrics.rows;
	return LK_OK;
}

static enum lk_status load_data_file(struct loader *l, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	const struct lk_data_file *f = &entry->file;

	if (!lk_grow((void **)&l->files, &l->cap, (size_t)l->table->file_count + 1, sizeof(*l->files)))
		return lk_error_nomem(err);
	l->files[l->table->file_count++] =
		(struct lk_lake_file){f->path, f->uri, f->metrics.rows, f->metrics.file_bytes, entry->sequence};
	return add_rows(&l->table->rows, entry, err);
}

static enum lk_status load_deletes(struct loader *l, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	const struct lk_data_file *f = &entry->file;

	if (!lk_grow((void **)&l->deletes, &l->deletes_cap, (size_t)l->table->deletes_count + 1, sizeof(*l->deletes)))
		return lk_error_nomem(err);
	l->deletes[l->table->deletes_count++] =
		(struct lk_lake_deletes){f->path, f->uri, f->metrics.rows, entry->sequence, f->referenced};
	return add_rows(&l->table->deleted, entry, err);
}

static enum lk_status load_entry(void *context, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	struct loader *l = context;

	if (entry->status == LK_ENTRY_DELETED)
		return LK_OK;
	if (!entry->file.path)
		return lk_error_set(err, LK_MISSING, "'%s' is not a local file; lk reads local tables only", entry->file.uri);
	switch (entry->file.content) {
	case LK_FILE_DATA:
		return load_data_file(l, entry, err);
	case LK_FILE_POSITION_DELETES:
		return load_deletes(l, entry, err);
	default:
		l->table->equality_count++;
		return LK_OK;
	}
}

static enum lk_status load_manifests(struct loader *l, const struct lk_manifest_list *list, struct lk_error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct lk_manifest_file *m = &list->items[i];

		if (m->added_files != 0 || m->existing_files != 0)
			LK_TRY(lk_manifest_read(m, 0, l->arena, load_entry, l, err));
	}
	return LK_OK;
}

/* An array that has grown, into the arena. */
static enum lk_status keep(struct loader *l, void **out, const void *items, size_t bytes, struct lk_error *err)
{
	*out = NULL;
	if (!bytes)
		return LK_OK;
	*out = lk_arena_alloc(l->arena, bytes);
	if (!*out)
		return lk_error_nomem(err);
	memcpy(*out, items, bytes);
	return LK_OK;
}

static enum lk_status load_files(struct loader *l, const json_t *snapshot, struct lk_error *err)
{
	const char *location = lk_metadata_text(snapshot, "manifest-list"), *path = lk_uri_path(location);
	struct lk_manifest_list list = {0};
	enum lk_status status;

	if (!path)
		return lk_error_set(err, LK_MISSING, "'%s' is not a local manifest list; lk reads local tables only", location);
	status = lk_manifest_list_read(path, l->arena, &list, err);
	if (!status)
		status = load_manifests(l, &list, err);
	lk_manifest_list_release(&list);
	if (status)
		return status;
	LK_TRY(keep(l, (void **)&l->table->files, l->files, (size_t)l->table->file_count * sizeof(*l->files), err));
	return keep(l, (void **)&l->table->deletes, l->deletes, (size_t)l->table->deletes_count * sizeof(*l->deletes), err);
}

static enum lk_status load(struct loader *l, const json_t *root, struct lk_error *err)
{
	struct lk_lake_table *t = l->table;
	const json_t *snapshot;

	t->uuid = lk_arena_strdup(l->arena, lk_metadata_text(root, "table-uuid"));
	if (!t->uuid)
		return lk_error_nomem(err);
	t->snapshot_id = lk_metadata_snapshot_id(root);
	t->updated_ms = lk_metadata_number(root, "last-updated-ms", 0);
	t->name_mapping = lk_metadata_property(root, "schema.name-mapping.default") != NULL;
	t->nested_same = lk_metadata_nested_same(root);
	t->rows = t->deleted = t->file_count = t->deletes_count = t->equality_count = 0;
	LK_TRY(load_columns(l, lk_metadata_schema(root), err));
	snapshot = lk_metadata_snapshot(root, t->snapshot_id);
	return snapshot ? load_files(l, snapshot, err) : LK_OK;
}

enum lk_status lk_lake_table_load(struct lk_pin *pin, struct lk_lake_table *table, struct lk_error *err)
{
	struct loader l = {.arena = &pin->arena, .table = table};
	enum lk_status status;
	struct lk_error own;
	json_t *root;

	if (!err)
		err = &own;
	status = lk_metadata_read(table->metadata_location, &root, err);
	if (!status)
		status = load(&l, root, err);
	json_decref(root);
	free(l.files);
	free(l.deletes);
	return status ? lk_error_prefix(err, "table %s.%s", table->namespace_name, table->name) : LK_OK;
}
