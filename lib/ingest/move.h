/* Moving loaded deliveries out of the landing folder. */
#ifndef LK_INGEST_MOVE_H
#define LK_INGEST_MOVE_H

#include "base/error.h"

/*
 * Moves the file `from` to dir/relative, making folders as needed and keeping its time. It never replaces a file: where
 * the name is taken, .1, .2 and so on are added to it. Across file systems it is copied, and removed only once the copy
 * is durable. A file that is not there any more is fine.
 */
enum lk_status lk_move_away(const char *from, const char *dir, const char *relative, struct lk_error *err) LK_CHECKED;

/* Removes a folder and all in it; one that is not there is fine. */
enum lk_status lk_remove_tree(const char *path, struct lk_error *err) LK_CHECKED;

#endif
