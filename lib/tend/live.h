/*
 * What is alive in a lake: the files that any table of its catalog leads to, by whatever names, and those of the trial lakes that share
 * its files. Whoever removes files asks here.
 *
 * A table is understood when all that its metadata lead to could be read and found. One that is not makes nothing of the others
 * doubtful, but its own folders are fenced: nothing below them may be removed. So are the folders of views, of other lakes, and of
 * tables that say gc.enabled=false.
 */
#ifndef LK_TEND_LIVE_H
#define LK_TEND_LIVE_H

#include "base/mem.h"
#include "lake/catalog.h"
#include "tend/reach.h"

struct lk_live_table {
	const char *catalog, *namespace_name, *name;
	const char *metadata_location;
	bool view;
	const char *problem; /* why it is not understood; NULL when it is */
	bool kept;	     /* says gc.enabled=false */
	const char *location, *data, *metadata; /* folders, as real paths; NULL where there is none, or it is not known */
};

/* What a caller is about to make of a table's metadata: only what it leaves there leads to files. */
typedef enum lk_status lk_live_edit(void *context, const struct lk_live_table *table, json_t *root, struct lk_error *err);

struct lk_live {
	struct lk_arena arena;
	struct lk_fileset files; /* by device and inode */
	struct lk_live_table *tables; /* all rows of the catalog, of whatever catalog name */
	size_t table_count, table_cap;
	const char **fences; /* real paths */
	size_t fence_count, fence_cap;
	const char *problem; /* why nothing at all may be removed; NULL when something may */
	const char **gone;   /* trial lakes that are not there any more */
	int gone_count;
	/* set by the caller before it is loaded; may be NULL */
	lk_live_edit *edit;
	void *edit_context;
};

/* The file that a location means, whatever form it has: its local path (malloc'd) and status; NULL when there is none. */
char *lk_live_find(const char *uri, struct stat *st);

/* since_ms: what readers who came since then may still read is alive, too (their snapshots may be expired by now); INT64_MAX: only
 * what the tables lead to now. */
/* live: zeroed, but for what the caller sets. */
enum lk_status lk_live_load(struct lk_live *live, struct lk_lake *lake, int64_t since_ms, struct lk_error *err) LK_CHECKED;
void lk_live_release(struct lk_live *live);

/* Again for the tables that moved since it was loaded: what has become alive is added. *moved says whether any did. */
enum lk_status lk_live_refresh(struct lk_live *live, struct lk_lake *lake, bool *moved, struct lk_error *err) LK_CHECKED;

/* Adds the files that the descriptions in a folder of staged runs name. */
enum lk_status lk_live_add_staged(struct lk_live *live, const char *folder, struct lk_error *err) LK_CHECKED;

/* Whether path is inside of a folder (or is it) that must be left alone. */
bool lk_live_is_fenced(const struct lk_live *live, const char *path);

/* Whether a real path is this lake's to remove: below its folder, or in no lake's. A lake that was copied as plain files names
 * those of the other. */
bool lk_live_is_ours(const struct lk_lake *lake, const char *path);

/* Whether path is the folder or inside of it; both are real paths. */
bool lk_path_is_in(const char *path, const char *folder);

#endif
