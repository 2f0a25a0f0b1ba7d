/*
 * Lake folders, told from others by the catalog.db in them; for tools that know no more of lakes than to stay out of them.
 */
#ifndef LK_BASE_LAKEDIR_H
#define LK_BASE_LAKEDIR_H

#include "base/error.h"

/* The lake that an absolute path without links and dots lies in or is: the nearest folder upward, path among them, that holds a
 * catalog.db. malloc'd; NULL when there is none, or no memory. */
char *lk_lake_above(const char *path);

/* LK_NOPERM when path, a file or folder to be written that need not exist yet, lies in a lake or is one, also by way of links:
 * what lies there is for lk-commit to write. */
enum lk_status lk_lake_keep_out(const char *path, struct lk_error *err) LK_CHECKED;

#endif
