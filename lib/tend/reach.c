#include "tend/reach.h"

#include <unistd.h>

#include "lake/manifest.h"
#include "lake/metadata.h"

/* *fresh: not visited before. */
static enum lk_status visit(struct lk_reach *r, enum lk_reach_kind kind, const char *uri, bool *fresh, struct lk_error *err)
{
	LK_TRY(lk_fileset_add(&r->seen, lk_filekey_of_name(uri), fresh, err));
	return *fresh ? r->visit(r->context, kind, uri, err) : LK_OK;
}

static bool may_skip(const struct lk_reach *r, const char *path)
{
	return r->missing_ok && path && access(path, F_OK) < 0;
}

static enum lk_status visit_entry(void *context, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	struct lk_reach *r = context;
	bool fresh;

	if (entry->status == LK_ENTRY_DELETED && !r->deleted)
		return LK_OK;
	return visit(r, entry->file.content == LK_FILE_DATA ? LK_REACH_DATA : LK_REACH_DELETES, entry->file.uri, &fresh, err);
}

static enum lk_status reach_manifest(struct lk_reach *r, const struct lk_manifest_file *m, struct lk_arena *arena,
	struct lk_error *err)
{
	bool fresh;

	LK_TRY(visit(r, LK_REACH_MANIFEST, m->path, &fresh, err));
	if (!fresh || may_skip(r, lk_uri_path(m->path)))
		return LK_OK;
	lk_arena_clear(arena);
	return lk_manifest_read(m, 0, arena, visit_entry, r, err);
}

static enum lk_status reach_manifests(struct lk_reach *r, const struct lk_manifest_list *list, struct lk_error *err)
{
	struct lk_arena arena = LK_ARENA_INIT;
	enum lk_status status = LK_OK;

	for (size_t i = 0; !status && i < list->count; i++)
		status = reach_manifest(r, &list->items[i], &arena, err);
	lk_arena_release(&arena);
	return status;
}

static enum lk_status skip_list(struct lk_reach *r, const char *uri, struct lk_error *err)
{
	const char *path = uri ? lk_uri_path(uri) : NULL;
	struct lk_manifest_list list = {0};
	struct lk_arena arena = LK_ARENA_INIT;
	enum lk_status status;

	if (!path)
		return lk_error_set(err, LK_MISSING, "'%s' is not a local file; lk reads local tables only", uri ? uri : "");
	LK_TRY(lk_fileset_add(&r->seen, lk_filekey_of_name(uri), NULL, err));
	status = lk_manifest_list_read(path, &arena, &list, err);
	for (size_t i = 0; !status && i < list.count; i++)
		status = lk_fileset_add(&r->seen, lk_filekey_of_name(list.items[i].path), NULL, err);
	lk_manifest_list_release(&list);
	lk_arena_release(&arena);
	return status;
}

enum lk_status lk_reach_skip(struct lk_reach *r, const json_t *snapshots, struct lk_error *err)
{
	json_t *snapshot;
	size_t i;

	json_array_foreach(snapshots, i, snapshot)
		LK_TRY(skip_list(r, json_string_value(json_object_get(snapshot, "manifest-list")), err));
	return LK_OK;
}

enum lk_status lk_reach_list(struct lk_reach *r, const char *uri, struct lk_error *err)
{
	const char *path = lk_uri_path(uri);
	struct lk_manifest_list list = {0};
	struct lk_arena arena = LK_ARENA_INIT;
	enum lk_status status;
	bool fresh;

	if (!path)
		return lk_error_set(err, LK_MISSING, "'%s' is not a local file; lk reads local tables only", uri);
	LK_TRY(visit(r, LK_REACH_LIST, uri, &fresh, err));
	if (!fresh || may_skip(r, path))
		return LK_OK;
	status = lk_manifest_list_read(path, &arena, &list, err);
	if (!status)
		status = reach_manifests(r, &list, err);
	lk_manifest_list_release(&list);
	lk_arena_release(&arena);
	return status;
}

enum lk_status lk_reach_snapshots(struct lk_reach *r, const json_t *snapshots, struct lk_error *err)
{
	json_t *snapshot;
	size_t i;

	json_array_foreach(snapshots, i, snapshot) {
		const char *uri = json_string_value(json_object_get(snapshot, "manifest-list"));

		if (!uri)
			return lk_error_set(err, LK_MISSING, "a snapshot has no manifest list, as the oldest tables of format v1 had none");
		LK_TRY(lk_reach_list(r, uri, err));
	}
	return LK_OK;
}

static enum lk_status reach_named(struct lk_reach *r, const json_t *root, const char *list, const char *key,
	enum lk_reach_kind kind, int64_t snapshot_id, struct lk_error *err)
{
	json_t *item;
	size_t i;
	bool fresh;

	json_array_foreach(json_object_get(root, list), i, item) {
		const char *uri = json_string_value(json_object_get(item, key));

		if (uri && (snapshot_id < 0 || lk_metadata_number(item, "snapshot-id", -1) == snapshot_id))
			LK_TRY(visit(r, kind, uri, &fresh, err));
	}
	return LK_OK;
}

enum lk_status lk_reach_statistics(struct lk_reach *r, const json_t *root, int64_t snapshot_id, struct lk_error *err)
{
	LK_TRY(reach_named(r, root, "statistics", "statistics-path", LK_REACH_STATISTICS, snapshot_id, err));
	return reach_named(r, root, "partition-statistics", "statistics-path", LK_REACH_STATISTICS, snapshot_id, err);
}

enum lk_status lk_reach_table(struct lk_reach *r, const json_t *root, const char *location, struct lk_error *err)
{
	bool fresh;

	LK_TRY(visit(r, LK_REACH_METADATA, location, &fresh, err));
	LK_TRY(reach_named(r, root, "metadata-log", "metadata-file", LK_REACH_METADATA, -1, err));
	LK_TRY(lk_reach_statistics(r, root, -1, err));
	return lk_reach_snapshots(r, json_object_get(root, "snapshots"), err);
}

void lk_reach_release(struct lk_reach *r)
{
	lk_fileset_release(&r->seen);
}
