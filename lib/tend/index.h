/*
 * An index: byte strings to numbers 0, 1, 2, ... in the order in which they came, for who keeps something of each of very many
 * names in an array beside it.
 *
 *	slots (open addressing): index + 1, or 0
 *	keys[index]: borrowed, to stay where they are
 */
#ifndef LK_TEND_INDEX_H
#define LK_TEND_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_index_key {
	const char *data;
	size_t len;
	uint64_t hash;
};

struct lk_index {
	size_t *slots, slot_count;
	struct lk_index_key *keys;
	size_t count, cap;
};

/* The number of a key, or SIZE_MAX. */
size_t lk_index_find(const struct lk_index *index, const void *key, size_t len);
/* The number of a key, which is a new one when *added. */
enum lk_status lk_index_add(struct lk_index *index, const void *key, size_t len, size_t *number, bool *added,
	struct lk_error *err) LK_CHECKED;
void lk_index_release(struct lk_index *index);

#endif
