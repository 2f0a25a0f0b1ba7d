/*
 * Rows of the past (lake/history.h): what versions that come mean to a table that keeps them.
 *
 * Of each key that comes, all that is known is gathered: rows of the table, rows that came, and facts. Sorted by their versions, they make a
 * chain, in which a version that says the same as the one before it says nothing; each that is left holds from its own time to that of the
 * next, or to that of a delete. What the chain says depends on nothing but what is in it, so it does not matter what came first:
 *
 *	late data	goes where it belongs, and shortens the time of the row before it
 *	resends		are `confirmed` facts, so that a late version between two that say the same is followed by the second one again
 *	deletes		close rows
 *
 * Where a newer version has an older time, it holds from that on: the one before it never did. Times that rows were closed at stay, also
 * when the facts that closed them are gone (lk-maintain).
 *
 * With full lists, a key is deleted by each complete list of its scope that it is not in; a row that was open when such a list came was in it.
 */
#ifndef LK_SQL_HISTORY_H
#define LK_SQL_HISTORY_H

#include "lake/merge.h"
#include "sql/places.h"

/* A merge of request->history. Of the counts, `late` are rows that came and held for a time in the past. p: opened. */
enum lk_status lk_history_merge(struct lk_places *p, const struct lk_merge_request *request, const struct lk_merge_visitor *visitor,
	struct lk_merge_counts *counts, struct lk_error *err) LK_CHECKED;

#endif
