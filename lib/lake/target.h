/*
 * A target: a table that a commit writes to, from the moment its first rows are seen until the catalog names its next version.
 *
 * It starts from the table's current metadata (the base), or from nothing when the table is new. Columns of the stream are
 * matched by name and get the table's field ids; what the table lacks is added where the schema mode allows it, with ids
 * behind the last one. Data files gather in it; the transaction turns them into a snapshot.
 */
#ifndef LK_LAKE_TARGET_H
#define LK_LAKE_TARGET_H

#include <jansson.h>

#include "base/hash.h"
#include "lake/catalog.h"
#include "lake/manifest.h"

enum lk_schema_mode {
	LK_SCHEMA_FREEZE, /* an existing table's columns are as they are */
	LK_SCHEMA_ADD,	  /* new columns are added at the end, optional */
	LK_SCHEMA_WIDEN,  /* and int becomes long, decimals get a larger precision */
};

struct lk_target {
	char *namespace_name, *name;
	char *base_location; /* NULL: the table is new */
	json_t *base;	     /* its metadata there; NULL when new */
	json_t *schema;	     /* by which rows are written */
	bool schema_changed;
	int64_t last_column_id;
	json_t *properties; /* of a new table */
	char *data_uri, *metadata_uri; /* folders */
	mode_t mode;		       /* of its files; its folders follow */
	struct lk_data_file *files;
	size_t file_count, file_cap;
	int64_t rows, bytes;
	struct lk_data_file deletes; /* of rows of the base (lake/deletes.h); its path is NULL when none are deleted */

	/* what the transaction made */
	int64_t snapshot_id; /* -1: nothing was added or deleted */
	struct lk_target_manifest {
		struct lk_str uri; /* empty: not written */
		struct lk_manifest_file file;
	} data_manifest, delete_manifest;
	char *list_path, *metadata_path, *new_location;
	bool folders_synced;
	int manifest_number; /* of the next one */
};

/* name: "ns.table", or "table" in `main`. LK_DATA for a name that is not lower-case snake, LK_MISSING for a table that lk cannot
 * write (format v1, partitioned, not local). */
enum lk_status lk_target_open(struct lk_target *t, struct lk_lake *lake, const char *name, struct lk_error *err) LK_CHECKED;
void lk_target_release(struct lk_target *t);

/* Whether it is one of lk's own tables: lk.files, lk.rejects, quarantine.rejects. */
bool lk_target_is_own(const struct lk_target *t);

/* Whether a column of the stream goes into this table. */
typedef bool lk_column_filter(const char *name);

/* Fits the target's columns to those of a stream (filter NULL: all); LK_DATA with the difference when they do not. */
enum lk_status lk_target_fit(struct lk_target *t, const struct ArrowSchema *schema, lk_column_filter *filter,
	enum lk_schema_mode mode, struct lk_error *err) LK_CHECKED;

/* After lk_target_fit: the columns of a data file and for each the child of the stream's rows that it is taken from (-1: null).
 * Both are malloc'd; names are borrowed until the next lk_target_fit. */
enum lk_status lk_target_columns(const struct lk_target *t, const struct ArrowSchema *schema, lk_column_filter *filter,
	struct lk_parquet_column **columns, int **source, int *count, struct lk_error *err) LK_CHECKED;

/* Makes the table's folders. */
enum lk_status lk_target_make_folders(struct lk_target *t, struct lk_error *err) LK_CHECKED;

/* Takes over *file, emptying it. */
enum lk_status lk_target_add_file(struct lk_target *t, struct lk_data_file *file, struct lk_error *err) LK_CHECKED;

/* Removes the files that gathered here. */
void lk_target_discard(struct lk_target *t);

/* Takes the table as it is now in the catalog for a new base, keeping the files. LK_CONFLICT when what was written by the old
 * one does not fit any more. */
enum lk_status lk_target_rebase(struct lk_target *t, struct lk_lake *lake, struct lk_error *err) LK_CHECKED;

/* The same, taking over the schema as it is now too. */
enum lk_status lk_target_refresh(struct lk_target *t, struct lk_lake *lake, struct lk_error *err) LK_CHECKED;

#endif
