/* The check of one table (private to lk_fsck_run's parts). */
#ifndef LK_TEND_FSCK_TABLE_H
#define LK_TEND_FSCK_TABLE_H

#include <jansson.h>

#include "base/mem.h"
#include "lake/manifest.h"
#include "tend/fsck.h"
#include "tend/index.h"

struct lk_verify; /* sql/verify.h */

/* A field of any schema of the table. */
struct lk_fsck_field {
	int32_t id;
	const char *name;
	const char *type; /* Iceberg's word; NULL of a nested one */
	bool required;
	bool top;	/* a column, not a part of one */
	bool repeated;	/* lies in a list or map, so that a row may have any number of values */
	bool current;	/* of the current schema */
};

struct lk_fsck_spec_field {
	int32_t source_id, field_id;
	enum lk_transform transform;
	int32_t width;
	const char *source_type, *result_type; /* NULL: not known */
};

struct lk_fsck_spec {
	int64_t id;
	struct lk_fsck_spec_field *fields;
	int count;
};

struct lk_fsck_snapshot {
	int64_t id, parent, sequence; /* -1: none */
	const json_t *json;
};

/* What a snapshot holds, or a commit brought: rows, files. */
struct lk_fsck_sums {
	int64_t data_files, delete_files, records, bytes, position_deletes, equality_deletes;
};

struct lk_fsck_entry {
	size_t file;
	int status;
	int64_t snapshot_id;
};

struct lk_fsck_manifest {
	const char *uri;
	bool readable;
	int64_t bytes;		      /* of the file */
	int64_t added_files, existing_files, deleted_files, added_rows, existing_rows, deleted_rows;
	int64_t min_sequence; /* of live entries; INT64_MAX when there are none */
	struct lk_fsck_sums live, added, deleted; /* of entries */
	struct lk_fsck_entry *entries;
	size_t entry_count, entry_cap;
};

struct lk_fsck_file {
	const char *uri, *path;
	int content;
	int64_t rows, bytes;
	uint64_t print; /* of what its entry said, so that another entry is checked when it says something else */
	bool there;	/* was found, and read as far as was asked */
	bool live;
	int64_t stamp; /* the number of the last snapshot that has it alive, from 1 */
	const char *referenced;
};

struct lk_fsck_table {
	const struct lk_fsck_options *options;
	struct lk_verify *verify; /* NULL: values are not read */
	const char *name, *location;
	struct lk_arena arena;
	struct lk_arena scratch; /* of the manifest at hand */
	json_t *root;
	int version;
	int64_t last_sequence, last_column;
	struct lk_fsck_finding *findings;
	size_t finding_count, finding_cap;
	bool no_memory; /* a finding was lost */

	struct lk_index field_index, snapshot_index, manifest_index, file_index;
	struct lk_fsck_field *fields;
	size_t field_cap;
	struct lk_fsck_spec *specs;
	size_t spec_count;
	struct lk_fsck_snapshot *snapshots;
	size_t snapshot_cap;
	struct lk_fsck_manifest *manifests;
	size_t manifest_cap;
	struct lk_fsck_file *files;
	size_t file_cap;
	int64_t bytes; /* of all files */
	bool mapped;   /* has a name mapping: files may lack field ids */
};

/* Adds a finding. object and what is printed may hold names and numbers, never values of columns. */
void lk_fsck_found(struct lk_fsck_table *t, const char *code, const char *object, const char *fmt, ...) LK_PRINTF(4, 5);

/* Reads t->location and checks what stands in it. t->root stays NULL when it cannot be gone on with. */
enum lk_status lk_fsck_metadata(struct lk_fsck_table *t, struct lk_error *err) LK_CHECKED;
/* Manifest lists, manifests, and by lk_fsck_entry all files of all snapshots. */
enum lk_status lk_fsck_snapshots(struct lk_fsck_table *t, struct lk_error *err) LK_CHECKED;
/* What an entry of a manifest says of a file, and the file. */
enum lk_status lk_fsck_entry(struct lk_fsck_table *t, const struct lk_manifest_entry *entry, struct lk_error *err) LK_CHECKED;
/* A file that lives, by what an entry says of it. */
enum lk_status lk_fsck_file(struct lk_fsck_table *t, const struct lk_data_file *file, bool *there, struct lk_error *err) LK_CHECKED;
/* After all files were seen: positions of deletes. */
void lk_fsck_deletes(struct lk_fsck_table *t);

/* NULL when no schema has it. */
const struct lk_fsck_field *lk_fsck_field_of(const struct lk_fsck_table *t, int32_t id);
const struct lk_fsck_spec *lk_fsck_spec_of(const struct lk_fsck_table *t, int64_t id);

/* Whether path is a plain file, and its size; a finding of the code otherwise. */
bool lk_fsck_there(struct lk_fsck_table *t, const char *uri, const char *code, const char *what, int64_t *bytes);

#endif
