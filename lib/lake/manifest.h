/*
 * Manifests and manifest lists ("Manifests", "Manifest Lists" of Iceberg's specification, format v2), in Avro.
 *
 * A snapshot's manifest list names manifests; a manifest names files. Both are written once and never changed: a commit
 * writes one manifest for the files that it adds, and a list of it and all manifests of the snapshot before.
 */
#ifndef LK_LAKE_MANIFEST_H
#define LK_LAKE_MANIFEST_H

#include "lake/avro.h"
#include "lake/data_file.h"

enum lk_content {
	LK_CONTENT_DATA = 0,
	LK_CONTENT_DELETES = 1, /* in a list; a file of a manifest tells which kind */
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

/* The snapshot before the list's own, as its header says; -1: none, or not said. */
enum lk_status lk_manifest_list_parent(const char *path, int64_t *id, struct lk_error *err) LK_CHECKED;

/* The bytes of a list, appended to *out. parent_id -1: none. Every count must be known. */
enum lk_status lk_manifest_list_write(const struct lk_manifest_file *items, size_t count, int64_t snapshot_id,
	int64_t parent_id, int64_t sequence, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* What a manifest tells of a file: that it lives, came or went, and since when. */
struct lk_manifest_entry {
	int status; /* LK_ENTRY_... */
	int64_t snapshot_id; /* which added it, or deleted it */
	int64_t sequence, file_sequence; /* -1: inherited from the manifest, of one to be written */
	struct lk_data_file file;
};
enum { LK_ENTRY_EXISTING, LK_ENTRY_ADDED, LK_ENTRY_DELETED };

/* The entry lies in the reader's arena, and lives as long. */
typedef enum lk_status lk_manifest_visitor(void *context, const struct lk_manifest_entry *entry, struct lk_error *err);

enum lk_manifest_flags {
	LK_MANIFEST_METRICS = 1, /* sizes, counts and bounds of columns, and split offsets, too */
};

/* Calls visit for each entry, deleted ones too, with what it inherits from the manifest filled in ("Sequence Number
 * Inheritance"). LK_MISSING where the manifest is not local. */
enum lk_status lk_manifest_read(const struct lk_manifest_file *manifest, unsigned flags, struct lk_arena *arena,
	lk_manifest_visitor *visit, void *context, struct lk_error *err) LK_CHECKED;

/* What a manifest says of the table that its files are of. All borrowed. */
struct lk_manifest_table {
	const char *schema; /* as JSON */
	int64_t schema_id;
	const struct lk_partition_spec *spec;
	const char *spec_fields; /* as JSON */
};

/*
 * A manifest being written: begin, add, add, ..., finish. All of its entries are of one content and one spec. It is made in
 * memory.
 */
struct lk_manifest_writer {
	const struct lk_manifest_table *table;
	enum lk_content content;
	struct lk_avro_writer avro;
	struct lk_manifest_file file; /* what the list will say of it, but for path and length */
	struct lk_arena *arena;	      /* where the summaries of its partitions lie */
};
enum lk_status lk_manifest_begin(struct lk_manifest_writer *w, const struct lk_manifest_table *table, enum lk_content content,
	struct lk_arena *arena, struct lk_error *err) LK_CHECKED;
enum lk_status lk_manifest_add(struct lk_manifest_writer *w, const struct lk_manifest_entry *entry, struct lk_error *err) LK_CHECKED;
/* Appends its bytes to *out, and fills *file: counts, summaries and length; the path is the caller's to set. Sequence numbers are
 * -1 where the commit's own will be it. Releases w whatever the status. */
enum lk_status lk_manifest_finish(struct lk_manifest_writer *w, struct lk_str *out, struct lk_manifest_file *file,
	struct lk_error *err) LK_CHECKED;
void lk_manifest_writer_release(struct lk_manifest_writer *w);

#endif
