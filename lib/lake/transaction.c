#include "lake/transaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/tool.h"
#include "lake/metadata.h"

#define MAX_TRIES 40
#define RETRY_MS 5 /* times the number of the try, at random */

/* ---- building ---- */

static bool adds_snapshot(const struct lk_target *t)
{
	return t->file_count || t->deletes.path;
}

static bool wanted(const struct lk_target *t)
{
	return adds_snapshot(t) || t->schema_changed || !t->base;
}

static enum lk_status new_snapshot_id(int64_t *id, struct lk_error *err)
{
	uint64_t n;

	do {
		LK_TRY(lk_random(&n, sizeof(n), err));
		*id = (int64_t)(n & INT64_MAX);
	} while (*id == 0);
	return LK_OK;
}

/* Writes <metadata folder>/<name>: its local path is left in *path (malloc'd), its location in *uri where that is not NULL. */
static enum lk_status write_metadata_file(const struct lk_target *t, const char *name, const void *data, size_t len,
	char **path, struct lk_str *uri, struct lk_error *err)
{
	struct lk_str full = LK_STR_INIT;
	enum lk_status status;

	lk_str_addf(&full, "%s/%s", t->metadata_uri, name);
	status = lk_str_check(&full, err);
	if (!status)
		status = lk_file_create(lk_uri_path(full.data), t->mode, data, len, err);
	if (!status) {
		if (uri)
			lk_str_adds(uri, full.data);
		*path = strdup(lk_uri_path(full.data));
		status = *path ? LK_OK : lk_error_nomem(err);
	}
	lk_str_release(&full);
	return status;
}

/* The number under which lk_metadata_add_schema will add a changed schema: the manifest names it before that. */
static enum lk_status number_schema(struct lk_target *t, struct lk_error *err)
{
	if (!t->base || !t->schema_changed)
		return LK_OK;
	if (json_object_set_new(t->schema, "schema-id", json_integer(lk_metadata_next_schema_id(t->base))))
		return lk_error_nomem(err);
	return LK_OK;
}

/* Once for all tries, as long as the schema stays: a manifest of files that this commit adds. */
static enum lk_status build_manifest(const struct lk_transaction *tx, struct lk_target *t, const struct lk_data_file *files,
	size_t count, enum lk_content content, struct lk_target_manifest *m, struct lk_error *err)
{
	char *schema = json_dumps(t->schema, JSON_COMPACT), *path = NULL, name[LK_UUID_SIZE + 16];
	const json_t *spec_json = t->base ? lk_metadata_spec(t->base) : NULL;
	struct lk_partition_spec spec = {.spec_id = (int32_t)lk_metadata_number(spec_json, "spec-id", 0)};
	struct lk_manifest_table table = {schema, lk_metadata_number(t->schema, "schema-id", 0), &spec, "[]"};
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_str text = LK_STR_INIT;
	enum lk_status status = schema ? LK_OK : lk_error_nomem(err);
	struct lk_manifest_writer w = {0};

	if (!status)
		status = lk_manifest_begin(&w, &table, content, &arena, err);
	for (size_t i = 0; !status && i < count; i++) {
		struct lk_manifest_entry entry = {LK_ENTRY_ADDED, t->snapshot_id, -1, -1, files[i]};

		entry.file.content = content == LK_CONTENT_DATA ? LK_FILE_DATA : LK_FILE_POSITION_DELETES;
		entry.file.sort_order = content == LK_CONTENT_DATA ? 0 : -1;
		status = lk_manifest_add(&w, &entry, err);
	}
	if (!status)
		status = lk_manifest_finish(&w, &text, &m->file, err);
	lk_manifest_writer_release(&w);
	lk_arena_release(&arena);
	free(schema);
	snprintf(name, sizeof(name), "%s-m%d-%d.avro", tx->run, (int)content, t->manifest_number++);
	if (!status)
		status = write_metadata_file(t, name, text.data, text.len, &path, &m->uri, err);
	free(path);
	m->file.path = lk_str_text(&m->uri);
	m->file.snapshot_id = t->snapshot_id;
	lk_str_release(&text);
	return status;
}

static enum lk_status build_manifests(const struct lk_transaction *tx, struct lk_target *t, struct lk_error *err)
{
	if (t->snapshot_id < 0)
		LK_TRY(new_snapshot_id(&t->snapshot_id, err));
	if (t->file_count && !t->data_manifest.uri.len)
		LK_TRY(build_manifest(tx, t, t->files, t->file_count, LK_CONTENT_DATA, &t->data_manifest, err));
	if (t->deletes.path && !t->delete_manifest.uri.len)
		LK_TRY(build_manifest(tx, t, &t->deletes, 1, LK_CONTENT_DELETES, &t->delete_manifest, err));
	return LK_OK;
}

/* Behind those that are in the list: the manifests of the snapshot before, but for those in which nothing lives. */
static enum lk_status earlier_manifests(const struct lk_target *t, struct lk_arena *arena, struct lk_manifest_list *list,
	struct lk_error *err)
{
	const json_t *parent = t->base ? lk_metadata_snapshot(t->base, lk_metadata_snapshot_id(t->base)) : NULL;
	size_t fresh = list->count, kept = fresh;
	const char *path;

	if (!parent)
		return LK_OK;
	path = lk_uri_path(lk_metadata_text(parent, "manifest-list"));
	if (!path)
		return lk_error_set(err, LK_MISSING, "table %s.%s is not on local disk", t->namespace_name, t->name);
	LK_TRY(lk_manifest_list_read(path, arena, list, err));
	for (size_t i = fresh; i < list->count; i++)
		if (list->items[i].added_files != 0 || list->items[i].existing_files != 0)
			list->items[kept++] = list->items[i];
	list->count = kept;
	return LK_OK;
}

static enum lk_status add_manifest(struct lk_manifest_list *list, const struct lk_target_manifest *m, int64_t sequence,
	struct lk_error *err)
{
	struct lk_manifest_file *item;

	if (!m->uri.len)
		return LK_OK;
	if (!lk_grow((void **)&list->items, &list->cap, list->count + 1, sizeof(*list->items)))
		return lk_error_nomem(err);
	item = &list->items[list->count++];
	*item = m->file;
	item->sequence = item->min_sequence = sequence;
	return LK_OK;
}

static enum lk_status list_text(const struct lk_target *t, int64_t sequence, struct lk_str *text, struct lk_error *err)
{
	int64_t parent = t->base ? lk_metadata_snapshot_id(t->base) : -1;
	struct lk_manifest_list list = {0};
	struct lk_arena arena = LK_ARENA_INIT;
	enum lk_status status = add_manifest(&list, &t->data_manifest, sequence, err);

	if (!status)
		status = add_manifest(&list, &t->delete_manifest, sequence, err);
	if (!status)
		status = earlier_manifests(t, &arena, &list, err);
	if (!status)
		status = lk_manifest_list_write(list.items, list.count, t->snapshot_id, parent, sequence, text, err);
	lk_manifest_list_release(&list);
	lk_arena_release(&arena);
	return status;
}

static enum lk_status append_snapshot(const struct lk_transaction *tx, struct lk_target *t, json_t *root, int try,
	struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT, uri = LK_STR_INIT;
	char name[LK_UUID_SIZE + 64];
	enum lk_status status;

	status = list_text(t, lk_metadata_next_sequence(root), &text, err);
	snprintf(name, sizeof(name), "snap-%" PRId64 "-%d-%s.avro", t->snapshot_id, try, tx->run);
	if (!status)
		status = write_metadata_file(t, name, text.data, text.len, &t->list_path, &uri, err);
	if (!status)
		status = lk_str_check(&uri, err);
	if (!status) {
		struct lk_append append = {t->snapshot_id, (int64_t)t->file_count, t->rows, t->bytes, uri.data, tx->run,
			t->deletes.path != NULL, t->deletes.metrics.rows, t->deletes.metrics.file_bytes};

		status = lk_metadata_append(root, &append, err);
	}
	lk_str_release(&text);
	lk_str_release(&uri);
	return status;
}

/* The table's location is where its folders are: the parent of `metadata`. */
static json_t *new_root(const struct lk_target *t, struct lk_error *err)
{
	char uuid[LK_UUID_SIZE], *location = strndup(t->metadata_uri, strlen(t->metadata_uri) - strlen("/metadata"));
	json_t *root = NULL;

	if (location && !lk_uuid(uuid, err))
		root = lk_metadata_new(uuid, location, t->schema, t->last_column_id, t->properties);
	free(location);
	return root;
}

static enum lk_status next_root(const struct lk_target *t, json_t **out, struct lk_error *err)
{
	json_t *root = t->base ? json_incref(t->base) : new_root(t, err);

	*out = root ? lk_metadata_next(root, t->base_location, lk_now_us() / 1000) : NULL;
	json_decref(root);
	if (!*out)
		return lk_error_nomem(err);
	return t->base && t->schema_changed ? lk_metadata_add_schema(*out, t->schema, t->last_column_id, err) : LK_OK;
}

static enum lk_status write_root(struct lk_target *t, const json_t *root, struct lk_error *err)
{
	int64_t version = t->base_location ? lk_metadata_file_version(t->base_location) + 1 : 0;
	struct lk_str uri = LK_STR_INIT;
	char uuid[LK_UUID_SIZE], name[LK_UUID_SIZE + 64], *text;
	enum lk_status status;

	LK_TRY(lk_uuid(uuid, err));
	text = json_dumps(root, JSON_COMPACT);
	if (!text)
		return lk_error_nomem(err);
	snprintf(name, sizeof(name), "%05" PRId64 "-%s.metadata.json", version, uuid);
	status = write_metadata_file(t, name, text, strlen(text), &t->metadata_path, &uri, err);
	free(text);
	if (!status)
		status = lk_str_check(&uri, err);
	t->new_location = uri.data;
	return status;
}

/* Names of files outlive a crash once their folder is synced, and the folder's own once its parent is. */
static enum lk_status sync_folders(const struct lk_transaction *tx, struct lk_target *t, struct lk_error *err)
{
	const char *data = lk_uri_path(t->data_uri), *metadata = lk_uri_path(t->metadata_uri);
	struct lk_str path = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(lk_dir_sync(metadata, err));
	if (t->folders_synced)
		return LK_OK;
	t->folders_synced = true;
	if (adds_snapshot(t)) {
		LK_TRY(lk_dir_sync(data, err));
		LK_TRY(lk_parent_sync(data, err)); /* a table made by another engine may have had no data folder yet */
	}
	if (t->base)
		return LK_OK;
	LK_TRY(lk_parent_sync(metadata, err));
	lk_str_addf(&path, "%s/%s", tx->lake->path, t->namespace_name);
	status = lk_str_check(&path, err);
	if (!status)
		status = lk_dir_sync(path.data, err);
	lk_str_release(&path);
	return status ? status : lk_dir_sync(tx->lake->path, err);
}

static enum lk_status build(const struct lk_transaction *tx, struct lk_target *t, int try, struct lk_error *err)
{
	enum lk_status status;
	json_t *root;

	LK_TRY(lk_target_make_folders(t, err));
	LK_TRY(number_schema(t, err));
	if (adds_snapshot(t))
		LK_TRY(build_manifests(tx, t, err));
	status = next_root(t, &root, err);
	if (!status && adds_snapshot(t))
		status = append_snapshot(tx, t, root, try, err);
	if (!status)
		status = write_root(t, root, err);
	json_decref(root);
	return status ? status : sync_folders(tx, t, err);
}

/* ---- taking back ---- */

static void remove_one(char **path)
{
	if (*path)
		(void)!lk_remove(*path, NULL);
	free(*path);
	*path = NULL;
}

/* What a try wrote for one target, when the lake does not name it. */
static void unbuild(struct lk_target *t)
{
	remove_one(&t->list_path);
	remove_one(&t->metadata_path);
	free(t->new_location);
	t->new_location = NULL;
}

static void drop_manifest(struct lk_target_manifest *m)
{
	if (m->uri.len)
		(void)!lk_remove(lk_uri_path(m->uri.data), NULL);
	lk_str_clear(&m->uri);
}

static void take_back(struct lk_transaction *tx)
{
	for (size_t i = 0; i < tx->count; i++) {
		unbuild(tx->targets[i]);
		drop_manifest(&tx->targets[i]->data_manifest);
		drop_manifest(&tx->targets[i]->delete_manifest);
	}
}

/* ---- swapping ---- */

enum swap { SWAP_DONE, SWAP_NOTHING, SWAP_LOST };

static enum lk_status swap_tables(struct lk_transaction *tx, enum swap *result, struct lk_error *err)
{
	bool go = true, moved;

	if (tx->hook)
		LK_TRY(tx->hook(tx->context, tx->lake, &go, err));
	*result = go ? SWAP_DONE : SWAP_NOTHING;
	for (size_t i = 0; go && i < tx->count; i++) {
		struct lk_target *t = tx->targets[i];

		if (!t->new_location)
			continue;
		LK_TRY(lk_catalog_swap(tx->lake, t->namespace_name, t->name, t->base_location, t->new_location, &moved, err));
		if (!moved) {
			*result = SWAP_LOST;
			return LK_OK;
		}
	}
	return LK_OK;
}

/* After a COMMIT that failed in the middle: the catalog itself knows. */
static bool all_moved(struct lk_transaction *tx)
{
	bool all = true;

	for (size_t i = 0; all && i < tx->count; i++) {
		const struct lk_target *t = tx->targets[i];
		char *location = NULL;

		if (!t->new_location)
			continue;
		all = !lk_catalog_find(tx->lake, t->namespace_name, t->name, &location, NULL) && location &&
		      !strcmp(location, t->new_location);
		free(location);
	}
	return all;
}

static enum lk_status swap(struct lk_transaction *tx, enum swap *result, struct lk_error *err)
{
	enum lk_status status;
	bool unknown = false;

	LK_TRY(lk_catalog_begin(tx->lake, err));
	status = swap_tables(tx, result, err);
	if (status || *result != SWAP_DONE) {
		lk_catalog_rollback(tx->lake);
		return status;
	}
	status = lk_catalog_commit(tx->lake, &unknown, err);
	if (!status) {
		tx->outcome = LK_OUTCOME_DONE;
	} else if (unknown) {
		tx->outcome = LK_OUTCOME_UNKNOWN;
		if (all_moved(tx) && tx->count) {
			tx->outcome = LK_OUTCOME_DONE;
			return LK_OK;
		}
	}
	return status;
}

/* Targets whose table is not where it was are based on where it is now, and will be built again. */
static enum lk_status rebase(struct lk_transaction *tx, bool *go, struct lk_error *err)
{
	for (size_t i = 0; i < tx->count; i++) {
		struct lk_target *t = tx->targets[i];
		enum lk_status status;
		char *location;
		bool same;

		LK_TRY(lk_catalog_find(tx->lake, t->namespace_name, t->name, &location, err));
		same = location && t->base_location ? !strcmp(location, t->base_location) : location == t->base_location;
		free(location);
		if (same)
			continue;
		unbuild(t);
		if (!t->base || t->schema_changed)
			drop_manifest(&t->data_manifest); /* its schema may have become another one, or another's number */
		drop_manifest(&t->delete_manifest);
		status = lk_target_rebase(t, tx->lake, err);
		if (!status && t->deletes.path)
			status = tx->rebased(tx->context, t, go, err);
		if (status || !*go)
			return status;
	}
	return LK_OK;
}

static void pause_before(int try)
{
	unsigned char dice = 128;
	struct timespec wait;

	(void)!lk_random(&dice, 1, NULL);
	wait = (struct timespec){0, (long)RETRY_MS * 1000000 * (try < 20 ? try : 20) * dice / 256};
	nanosleep(&wait, NULL);
}

static enum lk_status run(struct lk_transaction *tx, struct lk_error *err)
{
	enum swap result = SWAP_LOST;
	bool any = tx->force, go = true;

	for (int try = 1; try <= MAX_TRIES; try++) {
		for (size_t i = 0; i < tx->count; i++)
			if (wanted(tx->targets[i]) && !tx->targets[i]->new_location) {
				LK_TRY(build(tx, tx->targets[i], try, err));
				any = true;
			}
		if (!any)
			return LK_OK;
		LK_TRY(swap(tx, &result, err));
		if (result != SWAP_LOST)
			return LK_OK;
		pause_before(try);
		LK_TRY(rebase(tx, &go, err));
		if (!go)
			return LK_OK;
	}
	return lk_error_set(err, LK_CONFLICT, "other writers were first %d times; nothing was changed, try again", MAX_TRIES);
}

enum lk_status lk_transaction_run(struct lk_transaction *tx, struct lk_error *err)
{
	enum lk_status status;

	tx->outcome = LK_OUTCOME_UNCHANGED;
	status = run(tx, err);
	if (tx->outcome == LK_OUTCOME_UNCHANGED)
		take_back(tx);
	if (tx->outcome == LK_OUTCOME_UNKNOWN && err)
		lk_error_prefix(err, "it is not known whether the commit was made");
	return status;
}
