/*
 * Unique names: an archive may hold two members of one name, and what is loaded is known by its name. The second a.csv is
 * called "a (2).csv", and so on, in the order of the archive, so that the same bytes give the same names.
 */
#ifndef LK_ARCHIVE_UNIQUE_H
#define LK_ARCHIVE_UNIQUE_H

#include <stdint.h>

#include "base/str.h"

/* A name seen: its hash, and the number that the next member of that name gets, so that a thousand members of one name do not
 * try all numbers before theirs. */
struct lk_unique_name {
	uint64_t hash; /* 0: a free place */
	unsigned next;
};

/* The names seen so far: open addressing. */
struct lk_unique {
	struct lk_unique_name *names;
	size_t count, size; /* size is 0 or a power of 2 */
};

#define LK_UNIQUE_INIT {NULL, 0, 0}

/* Leaves in *out the name itself when it is new, else one made of it that is, and remembers it. */
enum lk_status lk_unique_name(struct lk_unique *u, const char *name, struct lk_str *out, struct lk_error *err) LK_CHECKED;

void lk_unique_clear(struct lk_unique *u); /* none seen; memory kept */
void lk_unique_release(struct lk_unique *u);

#endif
