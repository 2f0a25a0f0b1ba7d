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
#include "lake/snapshot.h"

enum lk_schema_mode {
	LK_SCHEMA_FREEZE, /* an existing table's columns are as they are */
	LK_SCHEMA_ADD,	  /* new columns are added at the end, optional */
	LK_SCHEMA_WIDEN,  /* and int becomes long, decimals get a larger precision */
};

/* Changes a table's next metadata in place: schemas, specs, properties, references, snapshots. It is called at every try, so it
 * decides by what it finds there: LK_CONFLICT when the change does not apply (any more). */
typedef enum lk_status lk_metadata_edit(void *context, json_t *root, struct lk_error *err);

struct lk_target {
	char *namespace_name, *name;
	char *branch; /* whose head a snapshot becomes; malloc'd; NULL: main */
	int64_t began_ms; /* the time of main that the branch began with */
	char *base_location; /* NULL: the table is new */
	json_t *base;	     /* its metadata there; NULL when new */
	char uuid[LK_UUID_SIZE]; /* of the base, or of the table that will be */
	json_t *schema;	     /* by which rows are written */
	bool schema_changed;
	int64_t last_column_id;
	json_t *properties; /* of a new table */
	char *data_uri, *metadata_uri; /* folders */
	mode_t mode;		       /* of its files; its folders follow */

	/* what is to be done */
	struct lk_data_file *files; /* of rows, to be added */
	size_t file_count, file_cap;
	int64_t rows, bytes;
	struct lk_data_file *deletes; /* of rows of the base (lake/deletes.h), to be added */
	size_t delete_count, delete_cap;
	int64_t deleted; /* rows that they delete */
	struct lk_removed_file {
		char *uri;
		bool found; /* in the base, by this try */
	} *removed; /* files of the base, of rows or deletes, to be taken out */
	size_t removed_count, removed_cap;
	bool watched;  /* after every rebase, the transaction asks for it all again (tx.rebased), also where nothing is removed; and it may
			  not move during a try, also where nothing of it is to be written */
	bool redone;   /* what is to be done was changed: what an earlier try built of it is built anew */
	bool replaces; /* the files that come hold the same rows as those that go */
	int64_t since; /* the table's last sequence number when it was opened: deletes behind it were not seen by who replaces files */
	lk_metadata_edit *edit; /* may be NULL */
	void *edit_context;
	json_t *summary; /* further keys of the snapshot's summary, text to text; may be NULL */

	/* what the transaction made */
	struct lk_made made;
	char *metadata_path, *new_location;
	json_t *dropped_log; /* entries of the metadata log that fell out of it */
	bool folders_synced;
};

/* name: "ns.table", or "table" in `main`. LK_DATA for a new table whose name is not lower-case snake, LK_MISSING for
 * one that lk cannot write (format v1, not local). */
enum lk_status lk_target_open(struct lk_target *t, struct lk_lake *lake, const char *name, struct lk_error *err) LK_CHECKED;
void lk_target_release(struct lk_target *t);

/* Has the snapshot go on a branch (NULL: main) instead of main. LK_DATA when the branch has expired. */
enum lk_status lk_target_branch(struct lk_target *t, struct lk_lake *lake, const char *branch, struct lk_error *err) LK_CHECKED;

/* Whether it is the table of that name: "ns.table", or "table" in `main`. */
bool lk_target_is(const struct lk_target *t, const char *name);

/* Whether it is one of lk's own tables: lk.files, lk.rejects, lk.versions, quarantine.rejects. */
bool lk_target_is_own(const struct lk_target *t);

/* Whether a column of the stream goes into this table. */
typedef bool lk_column_filter(const char *name);

/* Fits the target's columns to those of a stream (filter NULL: all, but for that of lk.op where lk.load is upsert or full); LK_DATA with the difference when they do not. */
enum lk_status lk_target_fit(struct lk_target *t, const struct ArrowSchema *schema, lk_column_filter *filter,
	enum lk_schema_mode mode, struct lk_error *err) LK_CHECKED;

/* After lk_target_fit: the columns of a data file and for each the child of the stream's rows that it is taken from (-1: null).
 * Both are malloc'd; names are borrowed until the next lk_target_fit. */
enum lk_status lk_target_columns(const struct lk_target *t, const struct ArrowSchema *schema, lk_column_filter *filter,
	struct lk_parquet_column **columns, int **source, int *count, struct lk_error *err) LK_CHECKED;

/* Makes the table's folders. */
enum lk_status lk_target_make_folders(struct lk_target *t, struct lk_error *err) LK_CHECKED;

/* Takes over *file, of rows or of position deletes, emptying it. */
enum lk_status lk_target_add_file(struct lk_target *t, struct lk_data_file *file, struct lk_error *err) LK_CHECKED;
enum lk_status lk_target_add_deletes(struct lk_target *t, struct lk_data_file *file, struct lk_error *err) LK_CHECKED;

/* Takes a live file out of the table, by its uri as manifests have it. Deletes that name only it as their data file go with it. */
enum lk_status lk_target_remove_file(struct lk_target *t, const char *uri, struct lk_error *err) LK_CHECKED;

/* Forgets what is to be deleted and removed, and removes the files of deletes: to find it all again in a new base. */
void lk_target_clear_deletes(struct lk_target *t);

/* For who makes the snapshot: begin, ask for each live file, and see whether all were met. */
void lk_target_begin_removing(struct lk_target *t);
bool lk_target_removes(const struct lk_target *t, const char *uri, bool found);
const char *lk_target_not_removed(const struct lk_target *t); /* one that was not met; NULL: none */

/* Writes and syncs <metadata folder>/<name>. path (may be NULL) takes its local path, malloc'd; its location is added to *uri. */
enum lk_status lk_target_write(const struct lk_target *t, const char *name, const void *data, size_t len, char **path,
	struct lk_str *uri, struct lk_error *err) LK_CHECKED;

/* Removes the files that gathered here. */
void lk_target_discard(struct lk_target *t);

/* Takes the table as it is now in the catalog for a new base, keeping the files. LK_CONFLICT when what was written by the old
 * one does not fit any more. */
enum lk_status lk_target_rebase(struct lk_target *t, struct lk_lake *lake, struct lk_error *err) LK_CHECKED;

/* The same, taking over the schema as it is now too. */
enum lk_status lk_target_refresh(struct lk_target *t, struct lk_lake *lake, struct lk_error *err) LK_CHECKED;

#endif
