#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "lake/codec.h"
#include "lake/metadata.h"

#define COLUMN_ID_MAX 2000000000 /* so that new columns have room; Iceberg keeps those near INT32_MAX for itself */
#define METADATA_MAX ((size_t)1 << 30)
#define SKEW_MS 60000 /* how far Java lets a clock go back */

struct check {
	const char *name;
	struct lk_error *err;
};

static enum lk_status wrong(const struct check *c, const char *what)
{
	return lk_error_set(c->err, LK_DATA, "'%s' is not sound table metadata: %s", c->name, what);
}

static bool has_integer(const json_t *root, const char *key)
{
	return json_is_integer(json_object_get(root, key));
}

static bool has_items(const json_t *root, const char *key)
{
	return json_array_size(json_object_get(root, key)) > 0;
}

static enum lk_status check_fields(const struct check *c, const json_t *schema)
{
	const json_t *fields = json_object_get(schema, "fields");
	json_t *field;
	size_t i;

	if (!json_is_array(fields))
		return wrong(c, "a schema has no fields");
	json_array_foreach(fields, i, field) {
		const json_t *type = json_object_get(field, "type");

		if (!has_integer(field, "id") || !json_is_string(json_object_get(field, "name")) ||
			!(json_is_string(type) || json_is_object(type)))
			return wrong(c, "a field of its schema has no id, name or type");
		if (lk_metadata_number(field, "id", 0) < 1 || lk_metadata_number(field, "id", 0) > INT32_MAX)
			return wrong(c, "a field of its schema has an id out of range");
	}
	return LK_OK;
}

static enum lk_status check_snapshots(const struct check *c, const json_t *root)
{
	const json_t *refs = json_object_get(root, "refs"), *snapshots = json_object_get(root, "snapshots");
	int64_t current = lk_metadata_snapshot_id(root);
	int64_t last = lk_metadata_number(root, "last-sequence-number", 0);
	const char *name;
	json_t *item;
	size_t i;

	json_array_foreach(snapshots, i, item) {
		if (!has_integer(item, "snapshot-id"))
			return wrong(c, "a snapshot has no id");
		if (lk_metadata_number(item, "sequence-number", 0) > last)
			return wrong(c, "a snapshot is newer than the last sequence number");
	}
	if (current >= 0 && !lk_metadata_snapshot(root, current))
		return wrong(c, "its current snapshot is missing");
	json_object_foreach((json_t *)refs, name, item) {
		int64_t id = lk_metadata_number(item, "snapshot-id", -1);

		if (!lk_metadata_snapshot(root, id))
			return wrong(c, "a reference names a missing snapshot");
		if (!strcmp(name, "main") && id != current)
			return wrong(c, "its branch main is not the current snapshot");
	}
	return LK_OK;
}

static enum lk_status check_log(const struct check *c, const json_t *root, const char *key)
{
	int64_t last = INT64_MIN, updated = lk_metadata_number(root, "last-updated-ms", 0);
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(root, key), i, item) {
		int64_t at = lk_metadata_number(item, "timestamp-ms", 0);

		if (last != INT64_MIN && at < last - SKEW_MS)
			return wrong(c, "its log is out of order");
		last = at;
	}
	if (last != INT64_MIN && updated < last - SKEW_MS)
		return wrong(c, "it is older than its log");
	return LK_OK;
}

static enum lk_status check_v2(const struct check *c, const json_t *root)
{
	if (!*lk_metadata_text(root, "table-uuid"))
		return wrong(c, "it has no table-uuid");
	if (!has_integer(root, "last-sequence-number") || !has_integer(root, "last-partition-id"))
		return wrong(c, "it has no last-sequence-number or last-partition-id");
	if (lk_metadata_number(root, "last-sequence-number", 0) < 0 ||
		lk_metadata_number(root, "last-sequence-number", 0) == INT64_MAX)
		return wrong(c, "its last-sequence-number is out of range");
	if (!has_items(root, "partition-specs") || !lk_metadata_spec(root))
		return wrong(c, "it has no default partition spec");
	if (!has_items(root, "sort-orders"))
		return wrong(c, "it has no sort orders");
	if (!has_items(root, "schemas"))
		return wrong(c, "it has no schemas");
	return LK_OK;
}

static enum lk_status check(const struct check *c, const json_t *root)
{
	int version = lk_metadata_version(root);

	if (version < 1)
		return wrong(c, "it has no format-version");
	if (version > 3)
		return lk_error_set(c->err, LK_MISSING, "'%s' is of Iceberg format v%d; lk reads v1 to v3", c->name, version);
	if (!*lk_metadata_text(root, "location"))
		return wrong(c, "it has no location");
	if (!has_integer(root, "last-column-id") || !has_integer(root, "last-updated-ms"))
		return wrong(c, "it has no last-column-id or last-updated-ms");
	if (lk_metadata_number(root, "last-column-id", 0) < 0 || lk_metadata_number(root, "last-column-id", 0) > COLUMN_ID_MAX)
		return wrong(c, "its last-column-id is out of range");
	if (version >= 2)
		LK_TRY(check_v2(c, root));
	if (!lk_metadata_schema(root))
		return wrong(c, "its current schema is missing");
	LK_TRY(check_fields(c, lk_metadata_schema(root)));
	LK_TRY(check_snapshots(c, root));
	LK_TRY(check_log(c, root, "snapshot-log"));
	return check_log(c, root, "metadata-log");
}

static enum lk_status parse(const char *text, size_t len, const char *name, json_t **root, struct lk_error *err)
{
	struct check c = {name, err};
	enum lk_status status;
	json_error_t why;

	*root = json_loadb(text, len, 0, &why);
	if (!*root)
		return lk_error_set(err, LK_DATA, "'%s' is not JSON: line %d: %s", name, why.line, why.text);
	status = check(&c, *root);
	if (status) {
		json_decref(*root);
		*root = NULL;
	}
	return status;
}

/* Compressed or not, whatever its name says: no JSON begins as gzip does. */
static enum lk_status unpack(struct lk_str *text, const char *name, struct lk_error *err)
{
	struct lk_str plain = LK_STR_INIT;
	enum lk_status status;

	if (text->len < 2 || memcmp(text->data, "\x1f\x8b", 2) != 0)
		return LK_OK;
	status = lk_gzip_decompress(text->data, text->len, METADATA_MAX, &plain, err);
	lk_str_release(text);
	*text = plain;
	return status ? lk_error_prefix(err, "'%s'", name) : LK_OK;
}

enum lk_status lk_metadata_read(const char *location, json_t **root, struct lk_error *err)
{
	const char *path = lk_uri_path(location);
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	*root = NULL;
	if (!path)
		return lk_error_set(err, LK_MISSING, "'%s' is not a local file; lk reads local tables only", location);
	status = lk_file_read(path, METADATA_MAX, &text, err);
	if (!status)
		status = unpack(&text, path, err);
	if (!status)
		status = parse(lk_str_text(&text), text.len, path, root, err);
	lk_str_release(&text);
	return status;
}
