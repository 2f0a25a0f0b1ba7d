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

bool lk_metadata_is_keymap(const json_t *root)
{
	return lk_metadata_property(root, LK_METADATA_NEXT_SURROGATE) != NULL;
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

json_t *lk_metadata_spec_of(const json_t *root, int64_t spec_id)
{
	return find(root, "partition-specs", "spec-id", spec_id);
}

json_t *lk_metadata_spec(const json_t *root)
{
	return lk_metadata_spec_of(root, lk_metadata_number(root, "default-spec-id", -1));
}

int64_t lk_metadata_snapshot_id(const json_t *root)
{
	int64_t id = lk_metadata_number(root, "current-snapshot-id", -1);

	return id < 0 ? -1 : id;
}

int64_t lk_metadata_ref(const json_t *root, const char *ref)
{
	int64_t main_id = lk_metadata_snapshot_id(root);

	if (!strcmp(ref, LK_METADATA_MAIN))
		return main_id;
	return lk_metadata_number(json_object_get(json_object_get(root, "refs"), ref), "snapshot-id", -1);
}

int64_t lk_metadata_head(const json_t *root, const char *branch)
{
	int64_t id = branch ? lk_metadata_ref(root, branch) : -1;

	return id >= 0 ? id : lk_metadata_snapshot_id(root);
}

json_t *lk_metadata_snapshot(const json_t *root, int64_t id)
{
	return id < 0 ? NULL : find(root, "snapshots", "snapshot-id", id);
}

/* ---- the next version ---- */

int lk_metadata_set(json_t *object, const char *key, int64_t number)
{
	return json_object_set_new(object, key, json_integer(number));
}

json_t *lk_metadata_list(json_t *root, const char *key)
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

	if (!copy || lk_metadata_set(copy, "schema-id", 0)) {
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

/* Drops the oldest entries until at most max are left; dropped (may be NULL) takes them. */
static void trim(json_t *list, size_t max, json_t *dropped)
{
	while (json_array_size(list) > max) {
		if (dropped)
			json_array_append(dropped, json_array_get(list, 0));
		json_array_remove(list, 0);
	}
}

static int64_t latest(const json_t *root, const char *list)
{
	const json_t *log = json_object_get(root, list);

	return lk_metadata_number(json_array_get(log, json_array_size(log) - 1), "timestamp-ms", 0);
}

json_t *lk_metadata_next(const json_t *root, const char *location, int64_t now_ms, json_t *dropped)
{
	json_t *next = json_deep_copy(root), *log, *entry;
	const char *keep = lk_metadata_property(root, "write.metadata.previous-versions-max");
	int64_t updated = lk_metadata_number(root, "last-updated-ms", 0), max = keep ? atoll(keep) : LOG_MAX;

	if (!next)
		return NULL;
	if (location) {
		entry = json_pack("{s:I, s:s}", "timestamp-ms", (json_int_t)updated, "metadata-file", location);
		log = lk_metadata_list(next, "metadata-log");
		json_array_append_new(log, entry);
		trim(log, max > 0 ? (size_t)max : 1, dropped);
	}
	if (now_ms < updated)
		now_ms = updated;
	if (now_ms < latest(root, "snapshot-log"))
		now_ms = latest(root, "snapshot-log");
	lk_metadata_set(next, "last-updated-ms", now_ms);
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
	json_t *schemas = lk_metadata_list(root, "schemas"), *copy = json_deep_copy(schema);
	int64_t id = lk_metadata_next_schema_id(root);

	if (!copy || lk_metadata_set(copy, "schema-id", id) || json_array_append_new(schemas, copy) ||
		lk_metadata_set(root, "current-schema-id", id) || lk_metadata_set(root, "last-column-id", last_column_id))
		return lk_error_nomem(err);
	return LK_OK;
}

int64_t lk_metadata_next_sequence(const json_t *root)
{
	return lk_metadata_number(root, "last-sequence-number", 0) + 1;
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
