/*
 * Keys: a set of encoded keys (change/cells.h), each with a number, counted from 0 in the order in which they came.
 *
 * Hashes find the slot, bytes decide. Finding is for many rows at a time, so that memory is asked for ahead, and may be done by several
 * threads at once as long as none is added.
 */
#ifndef LK_CHANGE_KEYS_H
#define LK_CHANGE_KEYS_H

#include "change/cells.h"

struct lk_keys;

enum lk_status lk_keys_create(struct lk_keys **out, struct lk_error *err) LK_CHECKED;
void lk_keys_free(struct lk_keys *keys); /* NULL is fine */

/* *number is its own, old or new; at most 2^32 - 2 of them. LK_MISSING when there are more. */
enum lk_status lk_keys_add(struct lk_keys *keys, uint64_t hash, const void *key, size_t len, uint32_t *number, bool *is_new,
	struct lk_error *err) LK_CHECKED;

/* The same of the keys of rows, all at once, which is quicker. hash: of the columns, by lk_cells_hash; is_new may be NULL. */
enum lk_status lk_keys_add_rows(struct lk_keys *keys, const struct lk_cells *columns, int column_count, const uint64_t *hash, int64_t count,
	int64_t *number, bool *is_new, struct lk_error *err) LK_CHECKED;

/* The number of each row's key, or -1. */
void lk_keys_find(const struct lk_keys *keys, const struct lk_cells *columns, int column_count, const uint64_t *hash, int64_t count,
	int64_t *number);

/* The number of an encoded key, or -1. */
int64_t lk_keys_number(const struct lk_keys *keys, uint64_t hash, const void *key, size_t len);

uint32_t lk_keys_count(const struct lk_keys *keys);
const void *lk_keys_at(const struct lk_keys *keys, uint32_t number, size_t *len);
uint64_t lk_keys_hash(const struct lk_keys *keys, uint32_t number); /* as it was given */
size_t lk_keys_bytes(const struct lk_keys *keys); /* of memory */

#endif
