/* The files of a copy: where they go, and what is written anew in them (private to lk_copy_run). */
#ifndef LK_TEND_COPY_FILES_H
#define LK_TEND_COPY_FILES_H

#include <jansson.h>

#include "sql/places.h"
#include "tend/copy.h"
#include "tend/fileset.h"
#include "tend/index.h"

/* By how much files of deletes that were written anew became longer: those alive in a manifest, and those that are new in it. */
struct lk_copy_growth {
	int64_t live, added;
};

struct lk_copy {
	const struct lk_copy_options *options;
	const char *from, *to; /* the lakes' absolute folders */
	const char *was;       /* where the source's files say that it lies, when it was moved as it is; NULL: there */
	struct lk_arena arena;
	struct lk_fileset done, folders; /* names of files that were handled; folders to be synced, each once */
	struct lk_index manifests;	 /* that were handled, by their location in the copy */
	struct lk_copy_growth *growth;	 /* of each */
	size_t growth_cap;
	const char **folder_names;
	size_t folder_count, folder_cap;
	struct lk_places places; /* opened when there are deletes to be written anew */
	struct lk_copy_table *table; /* at hand */
	const char *namespace_name, *name; /* of it */
};

/* Copies all files that metadata (changed already to what they are to be, but for locations) lead to, and writes the metadata with
 * the locations of the copy. *location is theirs, in the arena. */
enum lk_status lk_copy_files(struct lk_copy *c, json_t *root, const char *location, const char **new_location,
	struct lk_error *err) LK_CHECKED;

/* Syncs the folders of what was written. */
enum lk_status lk_copy_sync(struct lk_copy *c, struct lk_error *err) LK_CHECKED;

/* Where the file of a location lies now: the path itself or, in a lake that was moved as it is, below the source. In the arena.
 * LK_MISSING when it is not local. */
enum lk_status lk_copy_find(struct lk_copy *c, const char *uri, const char **path, struct lk_error *err) LK_CHECKED;

/* The location in the copy of what has this one in the source, in the arena. */
enum lk_status lk_copy_map(struct lk_copy *c, const char *uri, const char **mapped, struct lk_error *err) LK_CHECKED;

/* A file of position deletes, with the locations of the copy in it; *metrics is what it has now. to: a path, where nothing is. */
enum lk_status lk_copy_deletes(struct lk_copy *c, const char *from, const char *to, struct lk_file_metrics *metrics,
	struct lk_error *err) LK_CHECKED;

#endif
