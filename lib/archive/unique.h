/*
 * Unique names: an archive may hold two members of one name, and what is loaded is known by its name. The second a.csv is
 * called "a (2).csv", and so on, in the order of the archive, so that the same bytes give the same names.
 */
#ifndef LK_ARCHIVE_UNIQUE_H
#define LK_ARCHIVE_UNIQUE_H

#include <stdint.h>

#include "base/str.h"

/* The names seen so far, as hashes: open addressing, 0 is a free place. */
struct lk_unique {
	uint64_t *hashes;
	size_t count, size; /* size is 0 or a power of 2 */
};

#define LK_UNIQUE_INIT {NULL, 0, 0}

/* Leaves in *out the name itself when it is new, else one made of it that is, and remembers it. */
enum lk_status lk_unique_name(struct lk_unique *u, const char *name, struct lk_str *out, struct lk_error *err) LK_CHECKED;

void lk_unique_clear(struct lk_unique *u); /* none seen; memory kept */
void lk_unique_release(struct lk_unique *u);

#endif
