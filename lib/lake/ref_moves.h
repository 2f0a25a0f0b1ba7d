/*
 * Moves of refs: of several tables, and of the ledger with them, in one transaction.
 *
 * Each is decided again by the metadata that it finds (lk_metadata_edit): where main is not what was seen when the move was
 * planned, nothing is changed. This header is lib/lake's own.
 */
#ifndef LK_LAKE_REF_MOVES_H
#define LK_LAKE_REF_MOVES_H

#include "lake/refs.h"
#include "lake/transaction.h"

enum { LK_MOVE_NOT = -2, LK_MOVE_TO_MAIN = -3 }; /* in place of a snapshot id */

struct lk_ref_move {
	struct lk_target target;
	int64_t expected; /* what main must be; LK_MOVE_NOT: anything */
	bool forward;	  /* what main is must have led to `to` */
	const char *ref;  /* that is made or moved */
	const char *branch; /* that main becomes what it is, for messages */
	bool tag;
	int64_t to; /* LK_MOVE_TO_MAIN: main as it is then, if it has a snapshot; LK_MOVE_NOT: it is not made or moved */
	const struct lk_ref_retention *retention;
	const char *remove; /* a ref that goes; NULL: none */
};

struct lk_ref_moves {
	struct lk_lake *lake;
	struct lk_ref_move **items;
	size_t count, cap;
	char run[LK_UUID_SIZE];
};

enum lk_status lk_ref_moves_init(struct lk_ref_moves *m, struct lk_lake *lake, struct lk_error *err) LK_CHECKED;
/* A move of a table that does nothing yet, the caller's to fill. */
enum lk_status lk_ref_moves_add(struct lk_ref_moves *m, const struct lk_lake_table *table, struct lk_ref_move **out,
	struct lk_error *err) LK_CHECKED;
/* hook writes the ledger, with tables to move or without. *now_ms (may be NULL) is when it happens; set before the hook runs. */
enum lk_status lk_ref_moves_run(struct lk_ref_moves *m, lk_ledger_hook *hook, void *context, int64_t *now_ms,
	struct lk_error *err) LK_CHECKED;
/* LK_CONFLICT, with what main did. */
enum lk_status lk_ref_moves_conflict(const struct lk_ref_move *move, struct lk_error *err);
void lk_ref_moves_release(struct lk_ref_moves *m);

#endif
