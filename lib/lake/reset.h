/*
 * Setting a lake back to a moment: main of its tables, and of the ledger (lk-lake(7), "History").
 *
 * Tables move by their refs alone, in one transaction; nothing is deleted, so that what is undone can be had back until it expires. A
 * table that had no snapshot then loses its rows by a snapshot that takes all files out. The ledger moves with the tables when all
 * that changed since are set back: where one keeps its rows, the deliveries that brought them are known still.
 */
#ifndef LK_LAKE_RESET_H
#define LK_LAKE_RESET_H

#include <jansson.h>

#include "lake/lake.h"

struct lk_reset_options {
	const char *to; /* time, snapshot or ref */
	const char *const *tables; /* names; none: all */
	int table_count;
	bool dry_run; /* only tells */
};

struct lk_reset_table {
	const char *table;
	int64_t from, to;	    /* snapshots; to -1: it had none */
	int64_t rows_from, rows_to; /* -1: not said */
};

struct lk_reset_report {
	struct lk_arena arena;
	char run[40];
	int64_t time_ms;
	struct lk_reset_table *tables; /* that move */
	int table_count;
	const char *keeps; /* a table that keeps its rows, for which the ledger stays; NULL: the ledger moves */
	json_t *deliveries; /* whose rows of the ledger change: sender, sha256, delivery, known (by then) */
};

/* LK_DATA when the moment is not there or has expired, LK_CONFLICT when another writer was first. Release the report in any case. */
enum lk_status lk_reset(struct lk_lake *lake, const struct lk_reset_options *options, struct lk_reset_report *report,
	struct lk_error *err) LK_CHECKED;
void lk_reset_report_release(struct lk_reset_report *r);

/* A line for each table and delivery; or one JSON object and a newline. */
void lk_reset_report_text(const struct lk_reset_report *r, struct lk_str *out);
void lk_reset_report_json(const struct lk_reset_report *r, bool dry_run, struct lk_str *out);

#endif
