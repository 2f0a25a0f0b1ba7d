/*
 * The ledger's past: what each of its rows was before each change, so that the ledger of any moment can be had again, for a lake
 * that is set back and for a branch that begins at what was (lk-lake(7), "History").
 *
 *	lk_ledger_history   a row for each change: the delivery, the run that changed it, when, and what its row was before, as JSON
 *			    with its failed members (null: it was not known)
 *	lk_branch	    the branches that the ledger knows, besides main
 *
 * A moment is the number of the last change before it. What is set back is a change like all others: nothing is forgotten.
 * This header is lib/lake's own.
 */
#ifndef LK_LAKE_LEDGER_HISTORY_H
#define LK_LAKE_LEDGER_HISTORY_H

#include <jansson.h>

#include "lake/catalog.h"

/* Notes what the row of a delivery is, before it is changed in the same transaction. delivery: its path, as people know it; NULL:
 * as the row has it. */
enum lk_status lk_ledger_note(struct lk_lake *lake, const char *branch, const char *sender, const char *sha256,
	const char *delivery, const char *run, struct lk_error *err) LK_CHECKED;

/* The moment after all changes up to a time, and after those of some runs (keys of the object; may be NULL), whichever is later. */
enum lk_status lk_ledger_moment(struct lk_lake *lake, const char *branch, int64_t at_us, const json_t *runs, int64_t *moment,
	struct lk_error *err) LK_CHECKED;

/* The deliveries whose rows differ from those of that moment, as an array of objects with sender, sha256, delivery and known
 * (whether the moment knew them). *out is the caller's. */
enum lk_status lk_ledger_since(struct lk_lake *lake, const char *branch, int64_t moment, json_t **out, struct lk_error *err) LK_CHECKED;

/* Within a transaction: makes the ledger of a branch what it was at that moment, as a change by this run at this time: that of the
 * first table that moves with it, so that the time of any of them means the moment after it. */
enum lk_status lk_ledger_set_back(struct lk_lake *lake, const char *branch, int64_t moment, const char *run, int64_t at_us,
	struct lk_error *err) LK_CHECKED;

/* ---- branches ---- */

/* Whether the ledger knows the branch: main always. lk_ledger_check_branch (lake.h) asks for it. */
enum lk_status lk_ledger_has_branch(struct lk_lake *lake, const char *branch, bool *known, struct lk_error *err) LK_CHECKED;

/* files: metadata of lk.files. LK_DATA when deliveries were loaded on the branch and the table has it no more: it expired, and the
 * ledger knows deliveries whose rows are gone. */
enum lk_status lk_ledger_check_head(struct lk_lake *lake, const char *branch, const json_t *files, struct lk_error *err) LK_CHECKED;

/* Within a transaction: a branch begins with what main knew at that moment (-1: now), which was at this time. */
enum lk_status lk_ledger_branch(struct lk_lake *lake, const char *branch, int64_t moment, int64_t at_us, struct lk_error *err) LK_CHECKED;

/* The time of what a branch began with; INT64_MAX where the ledger does not know the branch. */
enum lk_status lk_ledger_began(struct lk_lake *lake, const char *branch, int64_t *at_us, struct lk_error *err) LK_CHECKED;

/* How many deliveries main would learn of, or forget, if the branch were published. whole: all of main becomes what the branch is,
 * so that its ledger does, too, also where main was set back since the branch began; else what was changed on the branch. */
enum lk_status lk_ledger_unpublished(struct lk_lake *lake, const char *branch, bool whole, int64_t *count,
	struct lk_error *err) LK_CHECKED;

/* Within a transaction: main learns that, as a change by this run at this time, as above. Changes made on the branch are kept under
 * no branch's name, for the log. */
enum lk_status lk_ledger_publish(struct lk_lake *lake, const char *branch, bool whole, const char *run, int64_t at_us,
	struct lk_error *err) LK_CHECKED;

/* Within a transaction: forgets the branch and all that it knew. */
enum lk_status lk_ledger_drop_branch(struct lk_lake *lake, const char *branch, struct lk_error *err) LK_CHECKED;

/* ---- for a log ---- */

/* What each run changed: an object of run to an array of objects (sender, sha256, delivery). Only runs that are keys of the
 * object `runs`. *out is the caller's. */
enum lk_status lk_ledger_of_runs(struct lk_lake *lake, const json_t *runs, json_t **out, struct lk_error *err) LK_CHECKED;

#endif
