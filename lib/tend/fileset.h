/*
 * Sets of files, 16 bytes each, so that the files of a large lake fit into memory.
 *
 * A file on disk is known by its device and inode: however many names lead to it (file:/x, file:///x, a link in the path), it is one.
 * A file that is only named is known by a hash of its name (XXH3, 128 bits).
 */
#ifndef LK_TEND_FILESET_H
#define LK_TEND_FILESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

struct lk_filekey {
	uint64_t a, b; /* both 0: a free slot */
};

struct lk_fileset {
	struct lk_filekey *slots;
	size_t count, cap; /* cap: a power of 2 */
};

struct lk_filekey lk_filekey_of(const struct stat *st);
struct lk_filekey lk_filekey_of_name(const char *name);

/* *fresh (may be NULL): it was not in the set before. */
enum lk_status lk_fileset_add(struct lk_fileset *set, struct lk_filekey key, bool *fresh, struct lk_error *err) LK_CHECKED;
bool lk_fileset_has(const struct lk_fileset *set, struct lk_filekey key);
void lk_fileset_release(struct lk_fileset *set);

#endif
