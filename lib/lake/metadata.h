/*
 * Table metadata ("Table Metadata" of Iceberg's specification, format v2, and v1 and v3 to read): one JSON object for each version of a
 * table.
 *
 * It is held as the JSON tree that it is, so that what lk does not know (statistics, encryption keys, other engines'
 * additions) is carried from version to version. lk_metadata_read checks what Java's loader checks; the functions behind
 * it may then rely on it.
 */
#ifndef LK_LAKE_METADATA_H
#define LK_LAKE_METADATA_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* The local path that a location means: file:///a, file:/a or /a. NULL for any other scheme. Borrowed from uri. */
const char *lk_uri_path(const char *uri);

/* Reads and checks, compressed by gzip or not; *root is the caller's to json_decref. A format beyond v3 is LK_MISSING. */
enum lk_status lk_metadata_read(const char *location, json_t **root, struct lk_error *err) LK_CHECKED;

int lk_metadata_version(const json_t *root);
const char *lk_metadata_text(const json_t *root, const char *key); /* "" when absent */
int64_t lk_metadata_number(const json_t *root, const char *key, int64_t otherwise);
const char *lk_metadata_property(const json_t *root, const char *key); /* NULL when absent */

/* Of a map of surrogate keys (lk-surrogate(1)): the number that is given out next. Such a table is outside of the history of the others,
 * as what was given out stays so. */
#define LK_METADATA_NEXT_SURROGATE "lk.surrogate.next"
bool lk_metadata_is_keymap(const json_t *root);

/* The current schema, or the one of that id (NULL when there is none). Borrowed. */
json_t *lk_metadata_schema(const json_t *root);
json_t *lk_metadata_schema_of(const json_t *root, int64_t schema_id);

/* The default partition spec, or the one of that id (NULL when there is none). Borrowed. */
json_t *lk_metadata_spec(const json_t *root);
json_t *lk_metadata_spec_of(const json_t *root, int64_t spec_id);

/* Whether fields inside of columns (of structs, lists, maps) have the same names in all schemas, so that a reader that finds them
 * by name finds the same as one that goes by id. */
bool lk_metadata_nested_same(const json_t *root);

/* -1 and NULL when the table has no snapshot. */
int64_t lk_metadata_snapshot_id(const json_t *root);
json_t *lk_metadata_snapshot(const json_t *root, int64_t id);

/* The snapshot that a branch or tag names; -1: there is no such. */
#define LK_METADATA_MAIN "main"
int64_t lk_metadata_ref(const json_t *root, const char *ref);
/* What a commit to a branch (NULL: main) builds on: its head, or main's where there is no such branch yet. -1: nothing. */
int64_t lk_metadata_head(const json_t *root, const char *branch);

/* A new unpartitioned table of format v2 without rows. schema and properties are copied. NULL when out of memory. */
json_t *lk_metadata_new(const char *uuid, const char *location, const json_t *schema, int64_t last_column_id,
	const json_t *properties);

/* The next version of `root`, which was read at `location`: a deep copy with the log extended, updated at now_ms or, where clocks
 * went back, when the last version was. Entries that the log has no room for any more are added to dropped (may be NULL). NULL when
 * out of memory. */
json_t *lk_metadata_next(const json_t *root, const char *location, int64_t now_ms, json_t *dropped);

/* The number that lk_metadata_add_schema gives to the next schema. */
int64_t lk_metadata_next_schema_id(const json_t *root);
/* Adds a schema (its schema-id is set to a new one) and makes it current. */
enum lk_status lk_metadata_add_schema(json_t *root, const json_t *schema, int64_t last_column_id,
	struct lk_error *err) LK_CHECKED;

/* The sequence number that the next snapshot takes. */
int64_t lk_metadata_next_sequence(const json_t *root);

/* What a snapshot adds and removes, counted for its summary. */
struct lk_snapshot_counts {
	int64_t data_files, rows; /* added */
	int64_t removed_data_files, removed_rows;
	int64_t delete_files, deletes; /* of position deletes, added */
	int64_t removed_delete_files, removed_deletes;
	int64_t removed_equality_files, removed_equality_deletes;
	int64_t bytes, removed_bytes; /* of files of all kinds */
	int64_t partitions; /* that changed */
	int64_t manifests_made, manifests_kept, manifests_replaced;
};
struct lk_snapshot {
	int64_t id;
	const char *manifest_list; /* location */
	const char *run;
	const char *branch; /* whose head it becomes; NULL: main. It begins at main's head when it is new */
	bool replaces;	    /* the rows are the same, in other files: operation `replace` */
	const json_t *more; /* further keys of the summary, text to text; NULL: none */
	struct lk_snapshot_counts counts;
};
/* Adds the snapshot with its summary and makes it the head of its branch. LK_DATA when that is a tag. */
enum lk_status lk_metadata_append(json_t *root, const struct lk_snapshot *snapshot, struct lk_error *err) LK_CHECKED;

/* Sets root[key]; not 0 when out of memory. */
int lk_metadata_set(json_t *object, const char *key, int64_t number);
/* The array root[key], made when it is absent. Borrowed. */
json_t *lk_metadata_list(json_t *root, const char *key);

/* <location>/metadata or <location>/data, or where the table's properties say that new files go. malloc'd; NULL when out of
 * memory. */
char *lk_metadata_folder(const json_t *root, bool metadata);

/* The number in a metadata file's name (00003-<uuid>.metadata.json, v3.metadata.json), or -1. */
int64_t lk_metadata_file_version(const char *location);

#endif
