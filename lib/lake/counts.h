/*
 * What a run handled, as counts that add up: members by their status, and rejected records by table and column.
 *
 *	{"members": {"ok": 12, "unmatched": 1}, "rejects": {"main.people": {"born": 3}}}
 *
 * The key is "" for records that have no table, or are at fault as a whole.
 */
#ifndef LK_LAKE_COUNTS_H
#define LK_LAKE_COUNTS_H

#include <jansson.h>
#include <stdbool.h>

#include "stream/schema.h"

/* NULL when out of memory. */
json_t *lk_commit_counts_new(void);

/* The rows of a batch of lk.files that are kept. A member that fed several tables has several rows, one after the other, and counts
 * once for each status. */
enum lk_status lk_commit_counts_files(json_t *counts, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	const bool *keep, struct lk_error *err) LK_CHECKED;

/* The rows of a batch of lk.rejects. */
enum lk_status lk_commit_counts_rejects(json_t *counts, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	struct lk_error *err) LK_CHECKED;

/* Adds `more`, which need not be sound (it was read from a file) and may be NULL: what is no count is passed over. */
enum lk_status lk_commit_counts_add(json_t *counts, const json_t *more, struct lk_error *err) LK_CHECKED;

#endif
