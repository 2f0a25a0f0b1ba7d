/* Adding a snapshot to metadata ("Snapshots" and appendix F, "Optional Snapshot Summary Fields", of Iceberg's specification). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "lake/metadata.h"

/* ---- the summary ---- */

static int set_text_number(json_t *object, const char *key, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	return json_object_set_new(object, key, json_string(text));
}

/* The total of the parent (0 without one) and what changed; left out when the parent does not know its own. */
static int add_total(json_t *summary, const json_t *parent, const char *key, int64_t added, int64_t removed)
{
	const char *before = "0";
	int64_t n;
	char *end;

	if (parent)
		before = json_string_value(json_object_get(json_object_get(parent, "summary"), key));
	if (!before)
		return 0;
	n = strtoll(before, &end, 10);
	if (*end || end == before || n < 0 || n > INT64_MAX - added || n + added < removed)
		return 0;
	return set_text_number(summary, key, n + added - removed);
}

/* What is nothing is left out, but for manifests and partitions: as the reference implementation has it. */
static int add_part(json_t *summary, const char *key, int64_t n)
{
	return n ? set_text_number(summary, key, n) : 0;
}

static const char *operation(const struct lk_snapshot *s)
{
	const struct lk_snapshot_counts *c = &s->counts;
	bool removes = c->removed_data_files || c->delete_files || c->removed_delete_files || c->removed_equality_files;

	if (s->replaces)
		return "replace";
	if (!removes)
		return "append";
	return c->data_files ? "overwrite" : "delete";
}

static int add_parts(json_t *s, const struct lk_snapshot_counts *c)
{
	int64_t removed_files = c->removed_delete_files + c->removed_equality_files;

	return add_part(s, "added-data-files", c->data_files) || add_part(s, "deleted-data-files", c->removed_data_files) ||
	       add_part(s, "added-records", c->rows) || add_part(s, "deleted-records", c->removed_rows) ||
	       add_part(s, "added-delete-files", c->delete_files) || add_part(s, "removed-delete-files", removed_files) ||
	       add_part(s, "added-position-delete-files", c->delete_files) ||
	       add_part(s, "removed-position-delete-files", c->removed_delete_files) ||
	       add_part(s, "removed-equality-delete-files", c->removed_equality_files) ||
	       add_part(s, "added-position-deletes", c->deletes) || add_part(s, "removed-position-deletes", c->removed_deletes) ||
	       add_part(s, "removed-equality-deletes", c->removed_equality_deletes) || add_part(s, "added-files-size", c->bytes) ||
	       add_part(s, "removed-files-size", c->removed_bytes) || set_text_number(s, "manifests-created", c->manifests_made) ||
	       set_text_number(s, "manifests-kept", c->manifests_kept) ||
	       set_text_number(s, "manifests-replaced", c->manifests_replaced) || set_text_number(s, "changed-partition-count", c->partitions);
}

static int add_totals(json_t *s, const struct lk_snapshot_counts *c, const json_t *parent)
{
	int64_t removed_files = c->removed_delete_files + c->removed_equality_files;

	return add_total(s, parent, "total-records", c->rows, c->removed_rows) ||
	       add_total(s, parent, "total-files-size", c->bytes, c->removed_bytes) ||
	       add_total(s, parent, "total-data-files", c->data_files, c->removed_data_files) ||
	       add_total(s, parent, "total-delete-files", c->delete_files, removed_files) ||
	       add_total(s, parent, "total-position-deletes", c->deletes, c->removed_deletes) ||
	       add_total(s, parent, "total-equality-deletes", 0, c->removed_equality_deletes);
}

static json_t *make_summary(const struct lk_snapshot *snapshot, const json_t *parent)
{
	json_t *s = json_pack("{s:s, s:s, s:s}", "operation", operation(snapshot), "engine-name", "lk", "engine-version", LK_VERSION);

	if (s && (!snapshot->run || !json_object_set_new(s, "lk.run", json_string(snapshot->run))) &&
		!add_parts(s, &snapshot->counts) && !add_totals(s, &snapshot->counts, parent) &&
		(!snapshot->more || !json_object_update_missing(s, (json_t *)snapshot->more)))
		return s;
	json_decref(s);
	return NULL;
}

/* ---- references ---- */

static enum lk_status set_ref(json_t *root, const char *name, int64_t snapshot_id, struct lk_error *err)
{
	json_t *refs = json_object_get(root, "refs"), *ref;

	if (!json_is_object(refs)) {
		json_object_set_new(root, "refs", json_object());
		refs = json_object_get(root, "refs");
	}
	ref = json_object_get(refs, name); /* keeps its retention, if it has any */
	if (!ref) {
		json_object_set_new(refs, name, json_pack("{s:I, s:s}", "snapshot-id", (json_int_t)0, "type", "branch"));
		ref = json_object_get(refs, name);
	} else if (strcmp(lk_metadata_text(ref, "type"), "branch")) {
		return lk_error_set(err, LK_DATA, "'%s' is a tag; commits go to branches", name);
	}
	return !ref || lk_metadata_set(ref, "snapshot-id", snapshot_id) ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status set_head(json_t *root, const char *branch, int64_t snapshot_id, int64_t at, struct lk_error *err)
{
	LK_TRY(set_ref(root, branch, snapshot_id, err));
	if (strcmp(branch, LK_METADATA_MAIN))
		return LK_OK;
	if (lk_metadata_set(root, "current-snapshot-id", snapshot_id) ||
		json_array_append_new(lk_metadata_list(root, "snapshot-log"), json_pack("{s:I, s:I}", "timestamp-ms", (json_int_t)at,
											  "snapshot-id", (json_int_t)snapshot_id)))
		return lk_error_nomem(err);
	return LK_OK;
}

enum lk_status lk_metadata_append(json_t *root, const struct lk_snapshot *s, struct lk_error *err)
{
	int64_t parent_id = lk_metadata_head(root, s->branch), sequence = lk_metadata_next_sequence(root);
	int64_t at = lk_metadata_number(root, "last-updated-ms", 0);
	json_t *summary, *snapshot;

	if (lk_metadata_snapshot(root, s->id))
		return lk_error_set(err, LK_CONFLICT, "snapshot id %" PRId64 " is taken; try again", s->id);
	summary = make_summary(s, lk_metadata_snapshot(root, parent_id));
	snapshot = json_pack("{s:I, s:I, s:I, s:o, s:s, s:I}", "sequence-number", (json_int_t)sequence, "snapshot-id",
		(json_int_t)s->id, "timestamp-ms", (json_int_t)at, "summary", summary, "manifest-list", s->manifest_list, "schema-id",
		(json_int_t)lk_metadata_number(root, "current-schema-id", 0));
	if (!snapshot)
		return lk_error_nomem(err);
	if ((parent_id >= 0 && lk_metadata_set(snapshot, "parent-snapshot-id", parent_id)) |
		json_array_append_new(lk_metadata_list(root, "snapshots"), snapshot) |
		lk_metadata_set(root, "last-sequence-number", sequence))
		return lk_error_nomem(err);
	return set_head(root, s->branch ? s->branch : LK_METADATA_MAIN, s->id, at, err);
}
