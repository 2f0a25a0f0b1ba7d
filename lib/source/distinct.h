/*
 * Sets of values that were seen: 128-bit hashes in one open-addressing table, 16 bytes each, at most three quarters full.
 *
 * Up to LK_DISTINCT_MEMORY the table is in memory; beyond, in a file without a name in TMPDIR, which the system keeps in
 * memory as far as there is some, and which is gone with the process. Hashes are seeded by random: what is in the file tells
 * nobody which values were seen.
 */
#ifndef LK_SOURCE_DISTINCT_H
#define LK_SOURCE_DISTINCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LK_DISTINCT_MEMORY (32 * 1024 * 1024)

struct lk_hash128 {
	uint64_t low, high; /* not both 0 */
};

/* Zeroed is empty. */
struct lk_distinct {
	struct lk_hash128 *slots; /* both 0: free */
	size_t cap, count;	  /* cap: a power of two */
	bool seeded;
	uint64_t seed;
	size_t memory; /* bytes before the file; 0: LK_DISTINCT_MEMORY */
};

enum lk_status lk_distinct_hash(struct lk_distinct *u, const void *data, size_t len, struct lk_hash128 *out,
	struct lk_error *err) LK_CHECKED;
bool lk_distinct_has(const struct lk_distinct *u, const struct lk_hash128 *hash);
/* A hash that is not in it. LK_CANTCREATE, LK_IO: the file cannot be made. */
enum lk_status lk_distinct_add(struct lk_distinct *u, const struct lk_hash128 *hash, struct lk_error *err) LK_CHECKED;
void lk_distinct_release(struct lk_distinct *u);

#endif
