#include "lake/metadata.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

#define LOG_MAX 100   /* write.metadata.previous-versions-max */

const char *lk_uri_path(const char *uri)
{
	if (!strncmp(uri, "file://", 7))
		uri += 7;
	else if (!strncmp(uri, "file:", 5))
		uri += 5;
	return *uri == '/' ? uri : NULL;
}

int lk_metadata_version(const json_t *root)
{
	return (int)lk_metadata_number(root, "format-version", 0);
}

const char *lk_metadata_text(const json_t *root, const char *key)
{
	const char *text = json_string_value(json_object_get(root, key));

	return text ? text : "";
}

int64_t lk_metadata_number(const json_t *root, const char *key, int64_t otherwise)
{
	const json_t *n = json_object_get(root, key);

	return json_is_integer(n) ? json_integer_value(n) : otherwise;
}

const char *lk_metadata_property(const json_t *root, const char *key)
{
	return json_string_value(json_object_get(json_object_get(root, "properties"), key));
}

/* The object in root[list] whose `key` is this number. */
static json_t *find(const json_t *root, const char *list, const char *key, int64_t number)
{
	const json_t *items = json_object_get(root, list);
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
		if (json_is_integer(json_object_get(item, key)) && lk_metadata_number(item, key, -1) == number)
			return item;
	return NULL;
}

json_t *lk_metadata_schema_of(const json_t *root, int64_t schema_id)
{
	return find(root, "schemas", "schema-id", schema_id);
}

json_t *lk_metadata_schema(const json_t *root)
{
	json_t *current = lk_metadata_schema_of(root, lk_metadata_number(root, "current-schema-id", -1));

	/* Format v1 may have but this, or have it beside a list without a current one. */
	if (!current && lk_metadata_version(root) == 1)
		current = json_object_get(root, "schema");
	return current;
}

json_t *lk_metadata_spec(const json_t *root)
{
	return find(root, "partition-specs", "spec-id", lk_metadata_number(root, "default-spec-id", -1));
}

int64_t lk_metadata_snapshot_id(const json_t *root)
{
	int64_t id = lk_metadata_number(root, "current-snapshot-id", -1);

	return id < 0 ? -1 : id;
}

json_t *lk_metadata_snapshot(const json_t *root, int64_t id)
{
	return id < 0 ? NULL : find(root, "snapshots", "snapshot-id", id);
}

/* ---- the next version ---- */

static int set(json_t *object, const char *key, int64_t number)
{
	return json_object_set_new(object, key, json_integer(number));
}

/* The array root[key], made when it is absent. */
static json_t *list_of(json_t *root, const char *key)
{
	json_t *list = json_object_get(root, key);

	if (json_is_array(list))
		return list;
	json_object_set_new(root, key, json_array());
	return json_object_get(root, key);
}

json_t *lk_metadata_new(const char *uuid, const char *location, const json_t *schema, int64_t last_column_id,
	const json_t *properties)
{
	json_t *copy = json_deep_copy(schema), *root;

	if (!copy || set(copy, "schema-id", 0)) {
		json_decref(copy);
		return NULL;
	}
	root = json_pack("{s:i, s:s, s:s, s:i, s:i, s:I, s:i, s:[o], s:i, s:[{s:i, s:[]}], s:i, s:i, s:[{s:i, s:[]}],"
			 " s:o, s:i, s:{}, s:[], s:[], s:[], s:[], s:[]}",
		"format-version", 2, "table-uuid", uuid, "location", location, "last-sequence-number", 0, "last-updated-ms", 0,
		"last-column-id", (json_int_t)last_column_id, "current-schema-id", 0, "schemas", copy, "default-spec-id", 0,
		"partition-specs", "spec-id", 0, "fields", "last-partition-id", 999, "default-sort-order-id", 0, "sort-orders",
		"order-id", 0, "fields", "properties", json_deep_copy(properties), "current-snapshot-id", -1, "refs",
		"snapshots", "statistics", "partition-statistics", "snapshot-log", "metadata-log");
	return root;
}

/* Drops the oldest entries until at most max are left. */
static void trim(json_t *list, size_t max)
{
	while (json_array_size(list) > max)
		json_array_remove(list, 0);
}

static int64_t latest(const json_t *root, const char *list)
{
	const json_t *log = json_object_get(root, list);

	return lk_metadata_number(json_array_get(log, json_array_size(log) - 1), "timestamp-ms", 0);
}

json_t *lk_metadata_next(const json_t *root, const char *location, int64_t now_ms)
{
	json_t *next = json_deep_copy(root), *log, *entry;
	const char *keep = lk_metadata_property(root, "write.metadata.previous-versions-max");
	int64_t updated = lk_metadata_number(root, "last-updated-ms", 0), max = keep ? atoll(keep) : LOG_MAX;

	if (!next)
		return NULL;
	if (location) {
		entry = json_pack("{s:I, s:s}", "timestamp-ms", (json_int_t)updated, "metadata-file", location);
		log = list_of(next, "metadata-log");
		json_array_append_new(log, entry);
		trim(log, max > 0 ? (size_t)max : 1);
	}
	if (now_ms < updated)
		now_ms = updated;
	if (now_ms < latest(root, "snapshot-log"))
		now_ms = latest(root, "snapshot-log");
	set(next, "last-updated-ms", now_ms);
	return next;
}

int64_t lk_metadata_next_schema_id(const json_t *root)
{
	const json_t *item;
	int64_t id = 0;
	size_t i;

	json_array_foreach(json_object_get(root, "schemas"), i, item)
		if (lk_metadata_number(item, "schema-id", 0) >= id)
			id = lk_metadata_number(item, "schema-id", 0) + 1;
	return id;
}

enum lk_status lk_metadata_add_schema(json_t *root, const json_t *schema, int64_t last_column_id, struct lk_error *err)
{
	json_t *schemas = list_of(root, "schemas"), *copy = json_deep_copy(schema);
	int64_t id = lk_metadata_next_schema_id(root);

	if (!copy || set(copy, "schema-id", id) || json_array_append_new(schemas, copy) ||
		set(root, "current-schema-id", id) || set(root, "last-column-id", last_column_id))
		return lk_error_nomem(err);
	return LK_OK;
}

int64_t lk_metadata_next_sequence(const json_t *root)
{
	return lk_metadata_number(root, "last-sequence-number", 0) + 1;
}

static int set_text_number(json_t *object, const char *key, int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, number);
	return json_object_set_new(object, key, json_string(text));
}

/* The total of the parent (0 without one) and what is added; left out when the parent does not know its own. */
static int add_total(json_t *summary, const json_t *parent, const char *key, int64_t added)
{
	const char *before = "0";
	int64_t n;
	char *end;

	if (parent)
		before = json_string_value(json_object_get(json_object_get(parent, "summary"), key));
	if (!before)
		return 0;
	n = strtoll(before, &end, 10);
	if (*end || end == before || n < 0 || n > INT64_MAX - added)
		return 0;
	return set_text_number(summary, key, n + added);
}

/* What is added and is nothing is left out. */
static int add_part(json_t *summary, const char *key, int64_t added)
{
	return added ? set_text_number(summary, key, added) : 0;
}

static const char *operation(const struct lk_append *a)
{
	if (!a->delete_files)
		return "append";
	return a->files ? "overwrite" : "delete";
}

static json_t *make_summary(const struct lk_append *a, const json_t *parent)
{
	json_t *s = json_pack("{s:s, s:s, s:s, s:s}", "operation", operation(a), "engine-name", "lk", "lk.run", a->run,
		"changed-partition-count", "1");
	int64_t bytes = a->bytes + a->delete_bytes;

	if (s && !add_part(s, "added-data-files", a->files) && !add_part(s, "added-records", a->rows) &&
		!add_part(s, "added-delete-files", a->delete_files) &&
		!add_part(s, "added-position-delete-files", a->delete_files) &&
		!add_part(s, "added-position-deletes", a->deletes) && !set_text_number(s, "added-files-size", bytes) &&
		!add_total(s, parent, "total-records", a->rows) && !add_total(s, parent, "total-files-size", bytes) &&
		!add_total(s, parent, "total-data-files", a->files) &&
		!add_total(s, parent, "total-delete-files", a->delete_files) &&
		!add_total(s, parent, "total-position-deletes", a->deletes) &&
		!add_total(s, parent, "total-equality-deletes", 0))
		return s;
	json_decref(s);
	return NULL;
}

static enum lk_status set_head(json_t *root, int64_t snapshot_id, int64_t at, struct lk_error *err)
{
	json_t *refs = json_object_get(root, "refs"), *main_ref;

	if (!json_is_object(refs)) {
		json_object_set_new(root, "refs", json_object());
		refs = json_object_get(root, "refs");
	}
	main_ref = json_object_get(refs, "main"); /* keeps its retention, if it has any */
	if (!main_ref) {
		json_object_set_new(refs, "main", json_pack("{s:I, s:s}", "snapshot-id", (json_int_t)0, "type", "branch"));
		main_ref = json_object_get(refs, "main");
	}
	if (!main_ref || set(main_ref, "snapshot-id", snapshot_id) || set(root, "current-snapshot-id", snapshot_id) ||
		json_array_append_new(list_of(root, "snapshot-log"), json_pack("{s:I, s:I}", "timestamp-ms", (json_int_t)at,
									    "snapshot-id", (json_int_t)snapshot_id)))
		return lk_error_nomem(err);
	return LK_OK;
}

enum lk_status lk_metadata_append(json_t *root, const struct lk_append *a, struct lk_error *err)
{
	int64_t parent_id = lk_metadata_snapshot_id(root), sequence = lk_metadata_next_sequence(root);
	int64_t at = lk_metadata_number(root, "last-updated-ms", 0);
	json_t *summary = make_summary(a, lk_metadata_snapshot(root, parent_id)), *snapshot;

	if (lk_metadata_snapshot(root, a->snapshot_id)) {
		json_decref(summary);
		return lk_error_set(err, LK_CONFLICT, "snapshot id %" PRId64 " is taken; try again", a->snapshot_id);
	}
	snapshot = json_pack("{s:I, s:I, s:I, s:o, s:s, s:I}", "sequence-number", (json_int_t)sequence, "snapshot-id",
		(json_int_t)a->snapshot_id, "timestamp-ms", (json_int_t)at, "summary", summary, "manifest-list",
		a->manifest_list, "schema-id", (json_int_t)lk_metadata_number(root, "current-schema-id", 0));
	if (!snapshot)
		return lk_error_nomem(err);
	if ((parent_id >= 0 && set(snapshot, "parent-snapshot-id", parent_id)) |
		json_array_append_new(list_of(root, "snapshots"), snapshot) | set(root, "last-sequence-number", sequence))
		return lk_error_nomem(err);
	return set_head(root, a->snapshot_id, at, err);
}

char *lk_metadata_folder(const json_t *root, bool metadata)
{
	const char *own = lk_metadata_property(root, metadata ? "write.metadata.path" : "write.data.path");
	const char *base = own ? own : lk_metadata_text(root, "location");
	struct lk_str s = LK_STR_INIT;
	size_t len = strlen(base);

	while (len > 1 && base[len - 1] == '/')
		len--;
	lk_str_add(&s, base, len);
	if (!own)
		lk_str_adds(&s, metadata ? "/metadata" : "/data");
	if (s.failed) {
		lk_str_release(&s);
		return NULL;
	}
	return s.data;
}

int64_t lk_metadata_file_version(const char *location)
{
	const char *name = lk_path_base(location);
	char *end;
	long long n;

	if (*name == 'v')
		name++;
	n = strtoll(name, &end, 10);
	return end == name || n < 0 || n > 1000000000 || (*end != '-' && *end != '.') ? -1 : n;
}
