/*
 * Gathering: some rows of a batch, in any order, as a batch of their own. Memory is kept from one batch to the next.
 *
 *	rows of batch   0 1 2 3 4 5
 *	gathered	1 2 5
 */
#ifndef LK_STREAM_GATHER_H
#define LK_STREAM_GATHER_H

#include "stream/schema.h"

struct lk_gather;

/* For batches of this schema, which may hold all that lk_reader_next hands out. */
enum lk_status lk_gather_create(struct lk_gather **out, const struct ArrowSchema *schema, struct lk_error *err) LK_CHECKED;
void lk_gather_free(struct lk_gather *g); /* NULL is fine */

/* The rows (from 0, in the order given) of a batch. *out is borrowed until the next call. */
enum lk_status lk_gather_rows(struct lk_gather *g, const struct ArrowArrayView *view, const int64_t *rows, int64_t count,
	const struct ArrowArrayView **out, struct lk_error *err) LK_CHECKED;

#endif
