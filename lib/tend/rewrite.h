/* Writing groups of files again, and committing them (private to lk_compact_run's parts). */
#ifndef LK_TEND_REWRITE_H
#define LK_TEND_REWRITE_H

#include "lake/transaction.h"
#include "sql/sql.h"
#include "tend/plan.h"

/* A group that was written: which of the target's files are its. */
struct lk_rewritten {
	const struct lk_compact_group *group;
	size_t first, count;
	int64_t rows, bytes;
	bool lost; /* to another writer */
};

/* Groups that are committed together. */
struct lk_rewrite {
	struct lk_lake *lake;
	struct lk_sql *sql;
	const struct lk_compact_plan *plan;
	const char *name; /* of the table: "ns.table" */
	struct lk_target target;
	bool opened;
	struct lk_rewritten *groups;
	size_t count, cap;
	int64_t removed_deletes; /* files of deletes that go by name */
};

/* Writes a group's live rows into new files of the target. */
enum lk_status lk_rewrite_group(struct lk_rewrite *r, const struct lk_compact_group *group, struct lk_error *err) LK_CHECKED;

/* Puts the new files in the place of the old ones. Groups that are lost by then are marked, and their files removed; LK_CONFLICT when
 * all are, one way or the other. Deletes that apply to nothing any more go, even without a group. */
enum lk_status lk_rewrite_commit(struct lk_rewrite *r, struct lk_error *err) LK_CHECKED;

/* Drops what was written and not committed. */
void lk_rewrite_discard(struct lk_rewrite *r);
void lk_rewrite_release(struct lk_rewrite *r);

#endif
