/*
 * Reverting: what a run or a delivery brought leaves the lake again, from every table and from the ledger, in one transaction.
 *
 * What a run brought are the deliveries that it loaded, as the ledger's past tells (lake/ledger_history.h), and all files that its
 * snapshots added, so far as those are kept. A delivery goes whole: with what a replay made of its rejects. One of which
 * other runs loaded other members is not taken apart: that is LK_DATA, with a hint, and nothing is changed.
 *
 * A delivery that was reverted is unknown to the ledger, and is loaded again when it comes again.
 */
#ifndef LK_LAKE_REVERT_H
#define LK_LAKE_REVERT_H

#include "lake/commit.h"

struct lk_revert_options {
	const char *const *runs; /* ids, or at least 8 characters that they begin with */
	size_t run_count;
	const char *const *deliveries; /* SHA-256, the same way */
	size_t delivery_count;
	const char *sender; /* of the deliveries; NULL: any */
	bool dry;	    /* only look */
	const struct lk_row_finder *rows;
};

struct lk_revert_table {
	const char *table;
	int64_t snapshot_id; /* -1: nothing was changed */
	struct lk_takeout_counts counts;
};

struct lk_revert_report {
	struct lk_arena arena; /* of all text in it */
	char run[LK_UUID_SIZE]; /* the revert's own */
	bool dry;
	const char **runs; /* in full */
	size_t run_count, run_cap;
	struct lk_commit_report_list deliveries;
	struct lk_revert_table *tables;
	size_t table_count, table_cap;
};

/* LK_NOINPUT when the lake never knew such a run or delivery; what was known and is not there any more is nothing to take out, and
 * LK_OK. LK_USAGE when a beginning is too short or not unique. */
enum lk_status lk_revert(struct lk_lake *lake, const struct lk_revert_options *options, struct lk_revert_report *report,
	struct lk_error *err) LK_CHECKED;
void lk_revert_report_release(struct lk_revert_report *r);

/* For people and for programs (one JSON object and a newline). */
void lk_revert_report_text(const struct lk_revert_report *r, struct lk_str *out);
void lk_revert_report_json(const struct lk_revert_report *r, struct lk_str *out);

#endif
