/*
 * Making a snapshot of what a target is to add and remove: its manifests, the manifest list, and its place in the metadata
 * ("Snapshots", "Manifest Lists" and "Commit Conflict Resolution and Retry" of Iceberg's specification).
 *
 *	fresh	manifests of the files that it adds: written once, however often the commit is tried
 *	again	manifests of the base that have lost files, or that were small and many and are merged: of this try
 *
 * Manifests of the base are merged before they are many (commit.manifest.min-count-to-merge), the small ones only, so that what a
 * commit costs does not grow with the number of commits before it.
 */
#ifndef LK_LAKE_SNAPSHOT_H
#define LK_LAKE_SNAPSHOT_H

#include <jansson.h>

#include "lake/manifest.h"
#include "lake/metadata.h"

struct lk_target;

struct lk_made {
	int64_t snapshot_id; /* -1: none yet */
	struct lk_arena arena; /* of what the manifests' descriptions point to */
	struct lk_manifest_list fresh, again;
	struct lk_snapshot_counts counts;
	char *list_path;
	int manifest_number; /* of the next one */
};

/* Whether the target asks for a snapshot at all. */
bool lk_snapshot_wanted(const struct lk_target *t);

/* Writes the files of a snapshot on top of root, the target's next metadata, and adds it there. LK_CONFLICT when a file that is to be
 * removed is not there (any more), or, where the target replaces files, when rows of them may have been deleted meanwhile. */
enum lk_status lk_snapshot_make(struct lk_target *t, json_t *root, const char *run, int try, struct lk_error *err) LK_CHECKED;

/* Removes the files of the last try again; and the fresh manifests of a content. */
void lk_snapshot_unmake(struct lk_target *t);
void lk_snapshot_drop(struct lk_target *t, enum lk_content content);

/* Memory only. */
void lk_made_release(struct lk_made *made);

#endif
