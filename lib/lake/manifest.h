/*
 * Manifests and manifest lists ("Manifests", "Manifest Lists" of Iceberg's specification, format v2), in Avro.
 *
 * A snapshot's manifest list names manifests; a manifest names files. Both are written once and never changed: a commit
 * writes one manifest for the files that it adds, and a list of it and all manifests of the snapshot before.
 */
#ifndef LK_LAKE_MANIFEST_H
#define LK_LAKE_MANIFEST_H

#include "base/mem.h"
#include "parquet/parquet.h"

enum lk_content {
	LK_CONTENT_DATA = 0,
	LK_CONTENT_DELETES = 1, /* in a list; in a manifest 1 is position deletes and 2 equality deletes */
};

/* What a list says of the values of one partition field. */
struct lk_partition_summary {
	int64_t contains_null, contains_nan; /* contains_nan -1: not said */
	const char *lower, *upper;	     /* NULL: none */
	size_t lower_len, upper_len;
};

/* A manifest, as a list has it. */
struct lk_manifest_file {
	const char *path;
	int64_t length, spec_id, content, sequence, min_sequence, snapshot_id;
	int64_t added_files, existing_files, deleted_files; /* -1: the list does not say (format v1) */
	int64_t added_rows, existing_rows, deleted_rows;
	struct lk_partition_summary *partitions;
	int64_t partition_count; /* -1: not said */
	const char *key_metadata; /* NULL: none */
	size_t key_metadata_len;
};

struct lk_manifest_list {
	struct lk_manifest_file *items;
	size_t count, cap;
};

/* Reads a list into the arena; path is local. Releasing the list itself is lk_manifest_list_release. */
enum lk_status lk_manifest_list_read(const char *path, struct lk_arena *arena, struct lk_manifest_list *list,
	struct lk_error *err) LK_CHECKED;
void lk_manifest_list_release(struct lk_manifest_list *list);

/* The bytes of a list, appended to *out. parent_id -1: none. Every count must be known. */
enum lk_status lk_manifest_list_write(const struct lk_manifest_file *items, size_t count, int64_t snapshot_id,
	int64_t parent_id, int64_t sequence, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* A file of a manifest: its texts are borrowed until the callback returns. */
struct lk_manifest_entry {
	int64_t status, content, rows, bytes;
	int64_t sequence; /* data sequence number; -1: it is the manifest's own, as its list has it */
	const char *uri;
	const char *referenced; /* the only data file that a file of position deletes is about; NULL: not said */
};
enum { LK_ENTRY_EXISTING, LK_ENTRY_ADDED, LK_ENTRY_DELETED };
enum { LK_FILE_DATA, LK_FILE_POSITION_DELETES, LK_FILE_EQUALITY_DELETES }; /* content */
typedef enum lk_status lk_manifest_visitor(void *context, const struct lk_manifest_entry *entry, struct lk_error *err);

/* Calls visit for each entry, deleted ones too; path is local. */
enum lk_status lk_manifest_read(const char *path, lk_manifest_visitor *visit, void *context,
	struct lk_error *err) LK_CHECKED;

/* A file that a commit adds: rows, or position deletes. */
struct lk_data_file {
	char *path; /* local; malloc'd */
	char *uri;  /* as the lake will have it; malloc'd */
	struct lk_file_metrics metrics;
	char *referenced; /* of position deletes that are all about one data file, its uri; malloc'd or NULL */
};

/* What a manifest says of the table that its files are of. */
struct lk_manifest_table {
	const char *schema; /* as JSON */
	int64_t schema_id, spec_id, snapshot_id;
};

/* The bytes of a manifest of added files of an unpartitioned spec, all of them rows or all position deletes, appended to *out. */
enum lk_status lk_manifest_write(const struct lk_data_file *files, size_t count, enum lk_content content,
	const struct lk_manifest_table *table, struct lk_str *out, struct lk_error *err) LK_CHECKED;

#endif
