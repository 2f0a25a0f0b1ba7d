#include "lake/at.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "base/value.h"
#include "lake/metadata.h"

#define NAMES_SHOWN 10

static int64_t floor_ms(int64_t us)
{
	return us / 1000 - (us % 1000 < 0);
}

enum lk_status lk_lake_at_parse(const char *text, struct lk_lake_at *at, struct lk_error *err)
{
	size_t len = strlen(text);
	int64_t us;
	int32_t days;
	bool zone;

	*at = (struct lk_lake_at){.kind = LK_AT_REF, .text = text};
	if (!len)
		return lk_error_set(err, LK_USAGE, "a time, a snapshot or a ref is needed, not nothing");
	if (lk_date_parse(text, len, &days)) {
		at->kind = LK_AT_TIME;
		at->time_ms = days * (LK_DAY_US / 1000);
	} else if (lk_timestamp_parse(text, len, &us, &zone)) {
		at->kind = LK_AT_TIME;
		at->time_ms = floor_ms(us);
	} else if (strspn(text, "0123456789") == len && lk_int64_parse(text, len, &at->snapshot_id)) {
		at->kind = LK_AT_SNAPSHOT;
	}
	return LK_OK;
}

static void add_time(struct lk_str *s, int64_t ms)
{
	char text[LK_VALUE_TEXT];

	lk_timestamp_text(ms * 1000, true, true, text);
	lk_str_adds(s, text);
}

/* ---- what there is, for messages ---- */

static void add_refs(struct lk_str *s, const json_t *root)
{
	json_t *refs = json_object_get(root, "refs"), *ref;
	const char *name;
	size_t count = 0;

	json_object_foreach(refs, name, ref)
		if (count++ < NAMES_SHOWN)
			lk_str_addf(s, "%s%s", count == 1 ? "its refs are " : ", ", name);
	if (count > NAMES_SHOWN)
		lk_str_addf(s, " and %zu more", count - NAMES_SHOWN);
	if (!count)
		lk_str_adds(s, "it has no refs");
}

static void add_snapshot(struct lk_str *s, const json_t *snapshot)
{
	lk_str_addf(s, "%" PRId64 " of ", lk_metadata_number(snapshot, "snapshot-id", -1));
	add_time(s, lk_metadata_number(snapshot, "timestamp-ms", 0));
}

static void add_snapshots(struct lk_str *s, const json_t *root)
{
	const json_t *snapshots = json_object_get(root, "snapshots"), *first = json_array_get(snapshots, 0);
	size_t count = json_array_size(snapshots);

	if (!count) {
		lk_str_adds(s, "it has no snapshots");
		return;
	}
	lk_str_addf(s, "it has %zu snapshot%s ", count, count == 1 ? "," : "s, from");
	add_snapshot(s, first);
	if (count > 1) {
		lk_str_adds(s, " to ");
		add_snapshot(s, json_array_get(snapshots, count - 1));
	}
}

typedef void add_fn(struct lk_str *s, const json_t *root);

static enum lk_status not_there(const json_t *root, const struct lk_lake_at *at, const char *what, add_fn *add,
	struct lk_error *err)
{
	struct lk_str there = LK_STR_INIT;

	add(&there, root);
	lk_error_set(err, LK_DATA, "%s '%s'; %s", what, at->text, lk_str_text(&there));
	lk_str_release(&there);
	return LK_DATA;
}

/* ---- finding ---- */

/* The log's entries, or where there is no log the snapshots that led to the current one, by time. */
static bool find_in_log(const json_t *log, int64_t time_ms, int64_t *id)
{
	const json_t *entry;
	bool found = false;
	size_t i;

	json_array_foreach(log, i, entry)
		if (lk_metadata_number(entry, "timestamp-ms", INT64_MAX) <= time_ms) {
			*id = lk_metadata_number(entry, "snapshot-id", -1);
			found = true;
		}
	return found;
}

static bool find_ancestor(const json_t *root, int64_t time_ms, int64_t *id)
{
	const json_t *snapshot;
	size_t left = json_array_size(json_object_get(root, "snapshots")); /* parents may go round in metadata that is not sound */

	*id = lk_metadata_snapshot_id(root);
	while (left-- && (snapshot = lk_metadata_snapshot(root, *id))) {
		if (lk_metadata_number(snapshot, "timestamp-ms", INT64_MAX) <= time_ms)
			return true;
		*id = lk_metadata_number(snapshot, "parent-snapshot-id", -1);
	}
	return false;
}

static void add_log(struct lk_str *s, const json_t *root)
{
	const json_t *log = json_object_get(root, "snapshot-log"), *snapshots = json_object_get(root, "snapshots");
	const json_t *first = json_array_get(json_array_size(log) ? log : snapshots, 0);

	if (!first) {
		lk_str_adds(s, "it has no snapshots");
		return;
	}
	lk_str_adds(s, "what is known of it begins at ");
	add_time(s, lk_metadata_number(first, "timestamp-ms", 0));
}

static enum lk_status find_time(const json_t *root, const struct lk_lake_at *at, int64_t *id, struct lk_error *err)
{
	const json_t *log = json_object_get(root, "snapshot-log");
	bool found = json_array_size(log) ? find_in_log(log, at->time_ms, id) : find_ancestor(root, at->time_ms, id);

	if (!found)
		return not_there(root, at, "has nothing as of", add_log, err);
	if (!lk_metadata_snapshot(root, *id))
		return not_there(root, at, "has lost the snapshot that was current as of", add_snapshots, err);
	return LK_OK;
}

/* A snapshot's own schema; the current one where the snapshot does not say. */
static int64_t schema_of(const json_t *root, int64_t snapshot_id)
{
	return lk_metadata_number(lk_metadata_snapshot(root, snapshot_id), "schema-id", -1);
}

static enum lk_status resolve(const json_t *root, const struct lk_lake_at *at, int64_t *id, int64_t *schema_id, struct lk_error *err)
{
	const json_t *ref = json_object_get(json_object_get(root, "refs"), at->text);

	if (ref) {
		*id = lk_metadata_number(ref, "snapshot-id", -1);
		*schema_id = strcmp(lk_metadata_text(ref, "type"), "tag") ? -1 : schema_of(root, *id);
		return LK_OK;
	}
	if (!strcmp(at->text, "main"))
		return LK_OK; /* no refs in format v1, and no snapshot yet */
	switch (at->kind) {
	case LK_AT_REF:
		return not_there(root, at, "has no branch or tag", add_refs, err);
	case LK_AT_SNAPSHOT:
		*id = at->snapshot_id;
		if (!lk_metadata_snapshot(root, *id))
			return not_there(root, at, "has no snapshot", add_snapshots, err);
		break;
	case LK_AT_TIME:
		LK_TRY(find_time(root, at, id, err));
	}
	*schema_id = schema_of(root, *id);
	return LK_OK;
}

enum lk_status lk_lake_at_resolve(const json_t *root, const struct lk_lake_at *at, int64_t *snapshot_id, int64_t *schema_id,
	struct lk_error *err)
{
	int64_t schema = -1;
	enum lk_status status = LK_OK;

	*snapshot_id = lk_metadata_snapshot_id(root);
	if (at)
		status = resolve(root, at, snapshot_id, &schema, err);
	if (schema_id)
		*schema_id = schema;
	return status;
}

const struct lk_lake_at *lk_lake_at_of(const json_t *root, const struct lk_lake_at *at)
{
	bool lacks = at && at->kind == LK_AT_REF && !json_object_get(json_object_get(root, "refs"), at->text);

	return lacks && lk_metadata_is_keymap(root) ? NULL : at;
}
