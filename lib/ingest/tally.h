/* What lk-commit says with --json, summed over the workers and commits of a run. */
#ifndef LK_INGEST_TALLY_H
#define LK_INGEST_TALLY_H

#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "lake/merge.h"

struct lk_tally_table {
	const char *name;
	int64_t rows, files, bytes;
	bool merged; /* it has one row for each key: */
	struct lk_merge_counts counts;
};

struct lk_tally_reason { /* records rejected for the same column */
	const char *table, *field; /* "" for none */
	int64_t records;
};

struct lk_tally {
	struct lk_arena arena;
	struct lk_tally_table *tables; /* of data, in the order of their names */
	size_t table_count, table_cap;
	struct lk_tally_reason *reasons; /* in the order of table and field */
	size_t reason_count, reason_cap;
	int64_t rows;	   /* of all tables */
	int64_t came;	   /* rows that came for them: those that say nothing new, too */
	int64_t held;	   /* rows that full lists do not have, and that stay */
	int64_t rejected;  /* records */
	int64_t members;   /* handled */
	int64_t unmatched; /* of them: no resource takes them */
	int64_t failed;	   /* of them: could not be read, or ended their worker */
};

/* A delivery that an answer names. */
typedef void lk_tally_delivery(void *context, const char *sender, const char *sha256);

/* Adds one answer of lk-commit, and hands on the deliveries that it says are committed, and are to be done again. LK_BUG when
 * it is not what lk-commit says. */
enum lk_status lk_tally_add(struct lk_tally *tally, const char *json, lk_tally_delivery *committed,
	lk_tally_delivery *again, void *context, struct lk_error *err) LK_CHECKED;
void lk_tally_release(struct lk_tally *tally);

#endif
