/* Lists of paths: what --files-from holds, and the files of a folder. */
#ifndef LK_ARCHIVE_PATHS_H
#define LK_ARCHIVE_PATHS_H

#include "base/error.h"
#include "base/mem.h"

struct lk_paths {
	const char **items;
	size_t count, cap;
	struct lk_arena arena; /* holds those that were added by copy */
};

#define LK_PATHS_INIT {NULL, 0, 0, LK_ARENA_INIT}

/* Adds one; borrowed. */
enum lk_status lk_paths_add(struct lk_paths *paths, const char *path, struct lk_error *err) LK_CHECKED;

/* Adds the paths that a file ("-" is standard input) lists: ended by NUL when there is one in it, else by newline. */
enum lk_status lk_paths_add_list(struct lk_paths *paths, const char *file, struct lk_error *err) LK_CHECKED;

/* Adds path itself, or, when it is a folder, all files below it whose names do not begin with a dot, in the order of their
 * names; links to folders are not followed. */
enum lk_status lk_paths_add_tree(struct lk_paths *paths, const char *path, struct lk_error *err) LK_CHECKED;

void lk_paths_release(struct lk_paths *paths);

#endif
