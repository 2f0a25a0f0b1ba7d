#include <stdlib.h>
#include <string.h>

#include "lake/lake.h"
#include "lake/metadata.h"

#define FILE_PATH_ID 2147483546 /* of position deletes ("Reserved Field IDs") */

/* ---- metadata ---- */

static enum lk_status load_column(struct lk_arena *arena, struct lk_lake_column *c, const json_t *field, struct lk_error *err)
{
	const json_t *type = json_object_get(field, "type"), *initial = json_object_get(field, "initial-default");
	char *nested = json_is_string(type) ? NULL : json_dumps(type, JSON_COMPACT);
	char *value = initial && !json_is_null(initial) ? json_dumps(initial, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	const char *doc = json_string_value(json_object_get(field, "doc"));

	c->id = (int32_t)lk_metadata_number(field, "id", 0);
	c->name = lk_arena_strdup(arena, lk_metadata_text(field, "name"));
	c->type = lk_arena_strdup(arena, nested ? nested : lk_metadata_text(field, "type"));
	c->required = json_is_true(json_object_get(field, "required"));
	c->doc = doc ? lk_arena_strdup(arena, doc) : NULL;
	c->initial = value ? lk_arena_strdup(arena, value) : NULL;
	free(nested);
	free(value);
	return c->name && c->type && (!doc || c->doc) && (!value || c->initial) ? LK_OK : lk_error_nomem(err);
}

enum lk_status lk_lake_table_columns(struct lk_lake_table *t, struct lk_arena *arena, const json_t *schema, struct lk_error *err)
{
	const json_t *fields = json_object_get(schema, "fields"), *field;
	size_t i;

	t->column_count = 0;
	t->columns = lk_arena_alloc(arena, json_array_size(fields) * sizeof(*t->columns));
	if (!t->columns)
		return lk_error_nomem(err);
	json_array_foreach(fields, i, field)
		LK_TRY(load_column(arena, &t->columns[t->column_count++], field, err));
	return LK_OK;
}

/* The tree lives as long as the pin. */
static enum lk_status keep_metadata(struct lk_pin *pin, json_t *root, struct lk_error *err)
{
	if (!pin->metadata)
		pin->metadata = json_array();
	return json_array_append_new(pin->metadata, root) ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status open_table(struct lk_pin *pin, struct lk_lake_table *t, const struct lk_lake_at *at, struct lk_error *err)
{
	const json_t *schema;
	int64_t schema_id;
	json_t *root;

	LK_TRY(lk_metadata_read(t->metadata_location, &root, err));
	LK_TRY(keep_metadata(pin, root, err));
	t->metadata = root;
	t->uuid = lk_arena_strdup(&pin->arena, lk_metadata_text(root, "table-uuid"));
	if (!t->uuid)
		return lk_error_nomem(err);
	t->updated_ms = lk_metadata_number(root, "last-updated-ms", 0);
	t->name_mapping = lk_metadata_property(root, "schema.name-mapping.default") != NULL;
	t->nested_same = lk_metadata_nested_same(root);
	LK_TRY(lk_lake_at_resolve(root, lk_lake_at_of(root, at), &t->snapshot_id, &schema_id, err));
	schema = schema_id >= 0 ? lk_metadata_schema_of(root, schema_id) : NULL;
	return lk_lake_table_columns(t, &pin->arena, schema ? schema : lk_metadata_schema(root), err);
}

enum lk_status lk_lake_table_open(struct lk_pin *pin, struct lk_lake_table *t, const struct lk_lake_at *at, struct lk_error *err)
{
	enum lk_status status = open_table(pin, t, at, err);

	return status ? lk_error_prefix(err, "table %s.%s", t->namespace_name, t->name) : LK_OK;
}

/* ---- manifests ---- */

struct loader {
	struct lk_arena *arena;
	struct lk_lake_table *table;
	const struct lk_lake_filter *filter;
	unsigned flags; /* of lk_manifest_read */
	int manifest;	/* the one being read */
	struct lk_lake_file *files;
	struct lk_lake_deletes *deletes, *equality;
	size_t file_cap, deletes_cap, equality_cap;
};

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
	int number;

	l->table->all_files++;
	if (l->filter && !l->filter->file(l->filter->context, l->table, entry))
		return LK_OK;
	if (!lk_grow((void **)&l->files, &l->file_cap, (size_t)l->table->file_count + 1, sizeof(*l->files)))
		return lk_error_nomem(err);
	number = l->table->file_count++;
	l->files[number] = (struct lk_lake_file){.number = number, .path = f->path, .uri = f->uri, .rows = f->metrics.rows,
		.bytes = f->metrics.file_bytes, .sequence = entry->sequence, .snapshot_id = entry->snapshot_id,
		.spec_id = f->spec_id, .partition = f->partition, .partition_count = f->partition_count,
		.manifest = l->manifest, .entry = *f};
	return add_rows(&l->table->rows, entry, err);
}

/* The one data file that position deletes are about, where their manifest does not say so but has one bound of its path on both sides,
 * as the reference implementation takes it. */
static const char *referenced_by(const struct lk_data_file *f)
{
	for (int i = 0; !f->referenced && f->content == LK_FILE_POSITION_DELETES && i < f->metrics.column_count; i++) {
		const struct lk_column_metrics *c = &f->metrics.columns[i];

		if (c->field_id == FILE_PATH_ID && c->has_lower && c->has_upper && c->lower.len == c->upper.len &&
			!memcmp(c->lower.data, c->upper.data, c->lower.len))
			return c->lower.data;
	}
	return f->referenced;
}

static enum lk_status load_deletes(struct loader *l, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	const struct lk_data_file *f = &entry->file;
	bool equality = f->content == LK_FILE_EQUALITY_DELETES;
	struct lk_lake_deletes **items = equality ? &l->equality : &l->deletes;
	int *count = equality ? &l->table->equality_count : &l->table->deletes_count;

	if (!lk_grow((void **)items, equality ? &l->equality_cap : &l->deletes_cap, (size_t)*count + 1, sizeof(**items)))
		return lk_error_nomem(err);
	(*items)[(*count)++] = (struct lk_lake_deletes){.path = f->path, .uri = f->uri, .rows = f->metrics.rows,
		.sequence = entry->sequence, .snapshot_id = entry->snapshot_id, .referenced = referenced_by(f),
		.manifest = l->manifest, .entry = *f};
	return equality ? LK_OK : add_rows(&l->table->deleted, entry, err);
}

static enum lk_status load_entry(void *context, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	struct loader *l = context;

	if (entry->status == LK_ENTRY_DELETED)
		return LK_OK;
	if (!entry->file.path)
		return lk_error_set(err, LK_MISSING, "'%s' is not a local file; lk reads local tables only", entry->file.uri);
	return entry->file.content == LK_FILE_DATA ? load_data_file(l, entry, err) : load_deletes(l, entry, err);
}

/* Whether the filter has no use for any file of the manifest; those are counted all the same. */
static bool is_skipped(struct loader *l, const struct lk_manifest_file *m)
{
	if (m->content != LK_CONTENT_DATA || !l->filter || m->added_files < 0 || m->existing_files < 0 ||
		l->filter->manifest(l->filter->context, l->table, m))
		return false;
	l->table->all_files += m->added_files + m->existing_files;
	return true;
}

static enum lk_status load_manifests(struct loader *l, struct lk_error *err)
{
	for (l->manifest = 0; l->manifest < l->table->manifest_count; l->manifest++) {
		const struct lk_manifest_file *m = &l->table->manifests[l->manifest];

		/* Of deletes the bounds say which data files they are about. */
		unsigned flags = m->content == LK_CONTENT_DELETES ? LK_MANIFEST_METRICS : l->flags;

		if ((m->added_files != 0 || m->existing_files != 0) && !is_skipped(l, m))
			LK_TRY(lk_manifest_read(m, flags, l->arena, load_entry, l, err));
	}
	return LK_OK;
}

/* An array that has grown, into the arena. */
static enum lk_status keep(struct lk_arena *arena, void **out, const void *items, size_t bytes, struct lk_error *err)
{
	*out = NULL;
	if (!bytes)
		return LK_OK;
	*out = lk_arena_alloc(arena, bytes);
	if (!*out)
		return lk_error_nomem(err);
	memcpy(*out, items, bytes);
	return LK_OK;
}

/* Format v1 may name a snapshot's manifests in the metadata itself, and says nothing else of them. */
static enum lk_status list_inline(const json_t *paths, struct lk_manifest_list *list, struct lk_error *err)
{
	const json_t *path;
	size_t i;

	json_array_foreach(paths, i, path) {
		if (!json_is_string(path))
			return lk_error_set(err, LK_DATA, "the snapshot's list of manifests is not one of paths");
		if (!lk_grow((void **)&list->items, &list->cap, list->count + 1, sizeof(*list->items)))
			return lk_error_nomem(err);
		list->items[list->count++] = (struct lk_manifest_file){.path = json_string_value(path), .length = -1, .spec_id = -1,
			.snapshot_id = -1, .added_files = -1, .existing_files = -1, .deleted_files = -1, .added_rows = -1,
			.existing_rows = -1, .deleted_rows = -1, .partition_count = -1};
	}
	return LK_OK;
}

static enum lk_status read_list(struct lk_arena *arena, const json_t *snapshot, struct lk_manifest_list *list, struct lk_error *err)
{
	const char *location = lk_metadata_text(snapshot, "manifest-list"), *path = lk_uri_path(location);

	if (json_object_get(snapshot, "key-id"))
		return lk_error_set(err, LK_MISSING, "its manifest list '%s' is encrypted, which lk does not read", location);
	if (path)
		return lk_manifest_list_read(path, arena, list, err);
	if (!*location && json_is_array(json_object_get(snapshot, "manifests")))
		return list_inline(json_object_get(snapshot, "manifests"), list, err);
	return lk_error_set(err, LK_MISSING, "'%s' is not a local manifest list; lk reads local tables only", location);
}

static enum lk_status load_list(struct loader *l, const json_t *snapshot, struct lk_error *err)
{
	struct lk_lake_table *t = l->table;
	struct lk_manifest_list list = {0};
	enum lk_status status = read_list(l->arena, snapshot, &list, err);

	if (!status)
		status = keep(l->arena, (void **)&t->manifests, list.items, list.count * sizeof(*list.items), err);
	t->manifest_count = status ? 0 : (int)list.count;
	lk_manifest_list_release(&list);
	return status;
}

/* Older first, so that rows come in the order of their commits; within one as manifests have them. */
static int by_age(const void *a, const void *b)
{
	const struct lk_lake_file *x = a, *y = b;

	if (x->sequence != y->sequence)
		return x->sequence < y->sequence ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static enum lk_status load_files(struct loader *l, struct lk_error *err)
{
	struct lk_lake_table *t = l->table;
	const json_t *snapshot = lk_metadata_snapshot(t->metadata, t->snapshot_id);

	t->rows = t->deleted = t->all_files = 0;
	t->file_count = t->deletes_count = t->equality_count = t->manifest_count = 0;
	if (!snapshot)
		return LK_OK;
	LK_TRY(load_list(l, snapshot, err));
	LK_TRY(load_manifests(l, err));
	if (t->file_count)
		qsort(l->files, (size_t)t->file_count, sizeof(*l->files), by_age);
	LK_TRY(keep(l->arena, (void **)&t->files, l->files, (size_t)t->file_count * sizeof(*t->files), err));
	LK_TRY(keep(l->arena, (void **)&t->equality, l->equality, (size_t)t->equality_count * sizeof(*t->equality), err));
	return keep(l->arena, (void **)&t->deletes, l->deletes, (size_t)t->deletes_count * sizeof(*t->deletes), err);
}

enum lk_status lk_lake_table_read(struct lk_pin *pin, struct lk_lake_table *t, unsigned flags, const struct lk_lake_filter *filter,
	struct lk_error *err)
{
	struct loader l = {.arena = &pin->arena, .table = t, .filter = filter};
	enum lk_status status;

	l.flags = flags & LK_LOAD_METRICS ? LK_MANIFEST_METRICS : 0;
	status = load_files(&l, err);
	free(l.files);
	free(l.deletes);
	free(l.equality);
	return status ? lk_error_prefix(err, "table %s.%s", t->namespace_name, t->name) : LK_OK;
}

enum lk_status lk_lake_table_load_at(struct lk_pin *pin, struct lk_lake_table *t, const struct lk_lake_at *at, unsigned flags,
	struct lk_error *err)
{
	LK_TRY(lk_lake_table_open(pin, t, at, err));
	return lk_lake_table_read(pin, t, flags, NULL, err);
}

enum lk_status lk_lake_table_load(struct lk_pin *pin, struct lk_lake_table *table, struct lk_error *err)
{
	return lk_lake_table_load_at(pin, table, NULL, 0, err);
}
