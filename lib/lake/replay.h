/*
 * Replays: rejects that were read again leave lk.rejects and quarantine.rejects in the commit that brings what became of them
 * (inside of lib/lake).
 *
 * The stream names each of them in lk.replayed. All of them must be live rows of lk.rejects, at the moment of the commit: where
 * none is of those that became rows, they were replayed before and nothing is to do; where some are not, nothing may be done, for
 * the stream does not tell whose rows they are. They are taken out by position deletes on the tables as the commit found them, and looked for again when
 * another writer was first: so a reject lands once, whoever runs what, how often and when.
 */
#ifndef LK_LAKE_REPLAY_H
#define LK_LAKE_REPLAY_H

#include "lake/commit.h"
#include "lake/deletes.h"

struct lk_replay {
	const struct lk_reject_finder *finder; /* NULL: nothing was replayed so far */
	const char *run, *branch;
	int64_t count;	/* of rejects, so far */
	struct lk_replay_counts counts;
	int next_search; /* names their files */
};

/* A batch of lk.replayed. finder may be NULL, which is LK_USAGE. */
enum lk_status lk_replay_take(struct lk_replay *r, const struct lk_reject_finder *finder, struct lk_batch *batch,
	struct lk_error *err) LK_CHECKED;

/* Looks for the rejects in lk.rejects and in quarantine.rejects, and gives both targets their deletes. *go false: none is there
 * any more. LK_CONFLICT: some are not. */
enum lk_status lk_replay_find(struct lk_replay *r, struct lk_target *rejects, struct lk_target *quarantine, bool *go,
	struct lk_error *err) LK_CHECKED;

/* The same for one of them that was based anew. */
enum lk_status lk_replay_find_again(struct lk_replay *r, struct lk_target *target, bool *go, struct lk_error *err) LK_CHECKED;

/* Within the catalog's transaction: what landed is no longer rejected, says the ledger. */
enum lk_status lk_replay_record(const struct lk_replay *r, struct lk_lake *lake, struct lk_error *err) LK_CHECKED;

#endif
