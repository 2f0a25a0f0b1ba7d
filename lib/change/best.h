/*
 * The best row of each key: the one with the newest version and, of equal versions, the one that came first (private to lib/change).
 *
 *	rows, rows, ... -> finish -> is_lost
 *
 * Rows are numbered, from 0, over all that come. A row is lost as soon as a better one of its key was seen; before finish that is known of
 * all rows as long as nothing was spilled. Once memory does not suffice, what is known goes to files by hashes of keys, and they are merged,
 * one after the other, in the end. Which rows are lost takes a bit a row.
 */
#ifndef LK_CHANGE_BEST_H
#define LK_CHANGE_BEST_H

#include "change/keys.h"

struct lk_best;

/* folder: for spilling; NULL: TMPDIR, or /tmp. */
enum lk_status lk_best_create(struct lk_best **out, const char *folder, struct lk_error *err) LK_CHECKED;
void lk_best_free(struct lk_best *b); /* NULL is fine */

/* Another set of keys, of so many cells; *set is its number. */
enum lk_status lk_best_set(struct lk_best *b, int cells, int *set, struct lk_error *err) LK_CHECKED;
/* Keys of a set have more cells now, that are null in those that came. */
enum lk_status lk_best_widen(struct lk_best *b, int set, int cells, struct lk_error *err) LK_CHECKED;

struct lk_best_rows {
	int set;
	const struct lk_cells *cells; /* of the keys, as many as the set's have */
	const uint64_t *hash;
	int64_t count;
	const uint64_t *version_ends; /* where each row's version ends; NULL: there are none */
	const char *versions;
	const bool *ignored; /* rows that no row is better than; NULL: there are none */
};

/* Rows come; *first is the number of the first of them. */
enum lk_status lk_best_add(struct lk_best *b, const struct lk_best_rows *rows, int64_t *first, struct lk_error *err) LK_CHECKED;

size_t lk_best_bytes(const struct lk_best *b); /* of memory */
enum lk_status lk_best_spill(struct lk_best *b, struct lk_error *err) LK_CHECKED;
bool lk_best_has_spilled(const struct lk_best *b);

/* All have come; no more memory than that is taken for what was spilled. */
enum lk_status lk_best_finish(struct lk_best *b, size_t memory_bytes, struct lk_error *err) LK_CHECKED;

bool lk_best_is_lost(const struct lk_best *b, int64_t row);

#endif
