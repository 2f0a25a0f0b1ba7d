#include "lake/transaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/tool.h"
#include "lake/cursors.h"
#include "lake/metadata.h"
#include "lake/retention.h"
#include "lake/table_layout.h"

#define MAX_TRIES 40
#define RETRY_MS 5 /* times the number of the try, at random */

/* ---- building ---- */

static bool wanted(const struct lk_target *t)
{
	bool new = !t->base && json_array_size(json_object_get(t->schema, "fields"));

	return lk_snapshot_wanted(t) || t->schema_changed || new || t->edit;
}

/* The table's location is where its folders are: the parent of `metadata`. */
static json_t *new_root(const struct lk_target *t)
{
	char *location = strndup(t->metadata_uri, strlen(t->metadata_uri) - strlen("/metadata"));
	json_t *root = NULL;

	if (location)
		root = lk_metadata_new(t->uuid, location, t->schema, t->last_column_id, t->properties);
	free(location);
	return root;
}

static enum lk_status partition(const struct lk_target *t, json_t *root, struct lk_error *err)
{
	enum lk_status status = lk_table_layout_new(root, err);

	return status && err ? lk_error_prefix(err, "table %s.%s", t->namespace_name, t->name) : status;
}

static enum lk_status next_root(const struct lk_transaction *tx, struct lk_target *t, json_t **out, struct lk_error *err)
{
	json_t *root = t->base ? json_incref(t->base) : new_root(t);

	json_decref(t->dropped_log);
	t->dropped_log = json_array();
	*out = root ? lk_metadata_next(root, t->base_location, tx->now_ms, t->dropped_log) : NULL;
	json_decref(root);
	if (!*out)
		return lk_error_nomem(err);
	if (t->base && t->schema_changed)
		LK_TRY(lk_metadata_add_schema(*out, t->schema, t->last_column_id, err));
	if (!t->base)
		LK_TRY(partition(t, *out, err));
	return t->edit ? t->edit(t->edit_context, *out, err) : LK_OK;
}

/* Each commit thins the history by the table's own policy. */
static enum lk_status expire(struct lk_lake *lake, json_t *root, struct lk_error *err)
{
	struct lk_retention policy;
	enum lk_status status;
	json_t *pinned;

	LK_TRY(lk_retention_read(root, &policy, err));
	if (!lk_retention_is_set(&policy))
		return LK_OK;
	status = lk_lake_cursor_snapshots(lake, lk_metadata_text(root, "table-uuid"), &pinned, err);
	policy.pinned = pinned;
	if (!status)
		status = lk_retention_apply(root, &policy, lk_metadata_number(root, "last-updated-ms", 0), NULL, err);
	json_decref(pinned);
	return status;
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
	status = lk_target_write(t, name, text, strlen(text), &t->metadata_path, &uri, err);
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
	if (t->file_count || t->delete_count) {
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

static enum lk_status build_root(const struct lk_transaction *tx, struct lk_target *t, json_t *root, int try, struct lk_error *err)
{
	if (lk_snapshot_wanted(t)) {
		LK_TRY(lk_snapshot_make(t, root, tx->run, try, err));
		LK_TRY(expire(tx->lake, root, err));
	}
	return write_root(t, root, err);
}

static enum lk_status build(const struct lk_transaction *tx, struct lk_target *t, int try, struct lk_error *err)
{
	enum lk_status status;
	json_t *root = NULL;

	LK_TRY(lk_target_make_folders(t, err));
	status = next_root(tx, t, &root, err);
	if (!status)
		status = build_root(tx, t, root, try, err);
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
	lk_snapshot_unmake(t);
	remove_one(&t->metadata_path);
	free(t->new_location);
	t->new_location = NULL;
}

static void take_back(struct lk_transaction *tx)
{
	for (size_t i = 0; i < tx->count; i++) {
		unbuild(tx->targets[i]);
		lk_snapshot_drop(tx->targets[i], LK_CONTENT_DATA);
		lk_snapshot_drop(tx->targets[i], LK_CONTENT_DELETES);
	}
}

/* ---- swapping ---- */

enum swap { SWAP_DONE, SWAP_NOTHING, SWAP_LOST };

/* Whether the table is where the target has it from. */
static enum lk_status is_at_base(const struct lk_transaction *tx, const struct lk_target *t, bool *same, struct lk_error *err)
{
	char *location;

	LK_TRY(lk_catalog_find(tx->lake, t->namespace_name, t->name, &location, err));
	*same = location && t->base_location ? !strcmp(location, t->base_location) : location == t->base_location;
	free(location);
	return LK_OK;
}

static enum lk_status swap_table(struct lk_transaction *tx, const struct lk_target *t, bool *moved, struct lk_error *err)
{
	*moved = true;
	if (t->new_location)
		return lk_catalog_swap(tx->lake, t->namespace_name, t->name, t->base_location, t->new_location, moved, err);
	return t->watched ? is_at_base(tx, t, moved, err) : LK_OK;
}

static enum lk_status swap_tables(struct lk_transaction *tx, enum swap *result, struct lk_error *err)
{
	bool go = true, moved;

	if (tx->hook)
		LK_TRY(tx->hook(tx->context, tx->lake, &go, err));
	*result = go ? SWAP_DONE : SWAP_NOTHING;
	for (size_t i = 0; go && i < tx->count; i++) {
		LK_TRY(swap_table(tx, tx->targets[i], &moved, err));
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
		bool same;

		LK_TRY(is_at_base(tx, t, &same, err));
		if (same)
			continue;
		unbuild(t);
		if (!t->base || t->schema_changed)
			lk_snapshot_drop(t, LK_CONTENT_DATA); /* its schema may have become another one, or another's number */
		lk_snapshot_drop(t, LK_CONTENT_DELETES);
		status = lk_target_rebase(t, tx->lake, err);
		if (!status && tx->rebased && (t->delete_count || t->removed_count || t->watched))
			status = tx->rebased(tx->context, t, go, err);
		if (status || !*go)
			return status;
	}
	return LK_OK;
}

/* What was built of targets that have something else to do now is of no use. */
static enum lk_status make_ready(struct lk_transaction *tx, struct lk_error *err)
{
	if (tx->ready)
		LK_TRY(tx->ready(tx->context, err));
	for (size_t i = 0; i < tx->count; i++) {
		struct lk_target *t = tx->targets[i];

		if (!t->redone)
			continue;
		unbuild(t);
		lk_snapshot_drop(t, LK_CONTENT_DATA);
		lk_snapshot_drop(t, LK_CONTENT_DELETES);
		t->redone = false;
	}
	return LK_OK;
}

void lk_transaction_pause(int try)
{
	unsigned char dice = 128;
	struct timespec wait;

	(void)!lk_random(&dice, 1, NULL);
	wait = (struct timespec){0, (long)RETRY_MS * 1000000 * (try < 20 ? try : 20) * dice / 256};
	nanosleep(&wait, NULL);
}

/* One try: from where the tables are now. *done: there is nothing more to try. */
static enum lk_status attempt(struct lk_transaction *tx, int try, bool *done, struct lk_error *err)
{
	enum swap result = SWAP_LOST;
	bool any = tx->force, go = true;

	*done = true;
	LK_TRY(rebase(tx, &go, err));
	if (!go)
		return LK_OK;
	LK_TRY(make_ready(tx, err));
	for (size_t i = 0; i < tx->count; i++) {
		struct lk_target *t = tx->targets[i];

		any |= wanted(t);
		if (wanted(t) && !t->new_location)
			LK_TRY(build(tx, t, try, err));
	}
	if (!any)
		return LK_OK;
	LK_TRY(swap(tx, &result, err));
	*done = result != SWAP_LOST;
	return LK_OK;
}

static enum lk_status run(struct lk_transaction *tx, struct lk_error *err)
{
	bool done;

	for (tx->tries = 1; tx->tries <= MAX_TRIES; tx->tries++) {
		LK_TRY(attempt(tx, tx->tries, &done, err));
		if (done)
			return LK_OK;
		lk_transaction_pause(tx->tries);
	}
	return lk_error_set(err, LK_CONFLICT, "other writers were first %d times; nothing was changed, try again", MAX_TRIES);
}

/* ---- after it ---- */

/* The version beside the metadata, for engines that have no catalog: only a hint, so it is not synced and may fail. */
static void write_hint(const struct lk_target *t)
{
	const char *name = lk_path_base(t->new_location), *end = strstr(name, ".metadata.json");
	struct lk_str path = LK_STR_INIT;

	lk_str_addf(&path, "%s/version-hint.text", lk_uri_path(t->metadata_uri));
	if (end && !path.failed)
		(void)!lk_file_hint(path.data, t->mode, name, (size_t)(end - name), NULL);
	lk_str_release(&path);
}

/* Whether a file lies in the folder of the table's metadata itself: a log that others wrote may name any file there is. */
static bool is_beside(const struct lk_target *t, const char *path)
{
	const char *folder = lk_uri_path(t->metadata_uri), *name = lk_path_base(path);
	size_t len = strlen(folder);

	return name > path && (size_t)(name - path) == len + 1 && !strncmp(path, folder, len) && strcmp(name, "..");
}

/* Old versions that fell out of the log, where the table's properties say that they go. Those elsewhere are left. */
static void remove_old_versions(const struct lk_target *t)
{
	const char *remove = lk_metadata_property(t->base, "write.metadata.delete-after-commit.enabled");
	json_t *entry;
	size_t i;

	if (!remove || strcmp(remove, "true"))
		return;
	json_array_foreach(t->dropped_log, i, entry) {
		const char *path = lk_uri_path(lk_metadata_text(entry, "metadata-file"));

		if (path && is_beside(t, path))
			(void)!lk_remove(path, NULL);
	}
}

static void finish(const struct lk_transaction *tx)
{
	for (size_t i = 0; i < tx->count; i++) {
		const struct lk_target *t = tx->targets[i];

		if (!t->new_location)
			continue;
		write_hint(t);
		if (t->base)
			remove_old_versions(t);
	}
}

enum lk_status lk_transaction_run(struct lk_transaction *tx, struct lk_error *err)
{
	int lock = tx->locked ? -1 : lk_catalog_lock(tx->lake);
	enum lk_status status;

	tx->outcome = LK_OUTCOME_UNCHANGED;
	tx->now_ms = lk_now_us() / 1000;
	status = run(tx, err);
	if (tx->outcome == LK_OUTCOME_DONE)
		finish(tx);
	lk_catalog_unlock(lock);
	if (tx->outcome == LK_OUTCOME_UNCHANGED)
		take_back(tx);
	if (tx->outcome == LK_OUTCOME_UNKNOWN && err)
		lk_error_prefix(err, "it is not known whether the commit was made");
	return status;
}
