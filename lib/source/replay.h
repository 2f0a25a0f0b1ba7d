/*
 * Replays: rejects that are read again (lk-parse --replay).
 *
 * A row of lk.rejects tells where its record came from, by which resource it was read, its text, and what stood before it. From
 * these a little member is made and read as its own was, by that resource as it is now: one record, that becomes a row with the
 * lk_file and lk_row that it would have had, or a reject again. Each that was read is named in lk.replayed, for lk-commit; a
 * reject that cannot be read by itself is not, and stays as it is.
 */
#ifndef LK_SOURCE_REPLAY_H
#define LK_SOURCE_REPLAY_H

#include "source/source.h"

struct lk_replay_totals {
	int64_t landed, rejected;
	int64_t kept;			/* could not be read again */
	char why[LK_ERROR_SIZE]; /* the first of those, and why; "" when there is none */
};

/* Reads a stream of rejects at `in`, whatever its tables are called, and writes what becomes of them to `out`. LK_DATA when a table
 * has not the columns of lk.rejects that are needed. */
enum lk_status lk_replay_run(struct lk_sources *sources, int in, int out, struct lk_replay_totals *totals,
	struct lk_error *err) LK_CHECKED;

#endif
