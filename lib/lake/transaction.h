/*
 * A transaction: the files gathered by several targets become visible together, with the ledger, in one transaction of the
 * catalog ("Optimistic Concurrency" of Iceberg's specification).
 *
 *	lock	lk's writers queue, instead of building what another one overtakes
 *	rebase	targets whose table is not where it was when they were opened are based on where it is now
 *	ready	what is to be done is decided, by all bases together
 *	build	each target's manifests, manifest list and metadata are written and synced, from its base
 *	swap	BEGIN IMMEDIATE; the ledger; each table's pointer is moved from its base, or nothing is; COMMIT
 *
 * The lock is advice: it keeps no other engine out, and a writer that cannot have it goes on without. Where another writer was first,
 * all is tried again from `rebase` on. Data files and manifests of added files are written once, however often it takes; manifest
 * lists and metadata once for each try.
 */
#ifndef LK_LAKE_TRANSACTION_H
#define LK_LAKE_TRANSACTION_H

#include "lake/target.h"

/* Called inside the catalog's transaction before the tables move. *go false: what there was to do is done already, and
 * nothing is changed. */
typedef enum lk_status lk_ledger_hook(void *context, struct lk_lake *lake, bool *go, struct lk_error *err);

/* Called for a target that deletes rows or removes files, or is watched, after it was based anew: what they name may be gone, or stand elsewhere.
 * *go as above. */
typedef enum lk_status lk_rebase_hook(void *context, struct lk_target *target, bool *go, struct lk_error *err);

/* Called at every try, after all targets have their bases: what they are to do may be decided by them. */
typedef enum lk_status lk_ready_hook(void *context, struct lk_error *err);

enum lk_outcome {
	LK_OUTCOME_UNCHANGED, /* the lake is as it was */
	LK_OUTCOME_DONE,
	LK_OUTCOME_UNKNOWN, /* nothing that it may name must be removed */
};

struct lk_transaction {
	struct lk_lake *lake;
	const char *run; /* a UUID; names the files */
	struct lk_target **targets;
	size_t count;
	lk_ledger_hook *hook; /* may be NULL */
	lk_rebase_hook *rebased; /* not NULL where a target has deletes of rows */
	lk_ready_hook *ready; /* may be NULL */
	void *context;
	int64_t now_ms; /* set by lk_transaction_run: when it happens, to all tables and to the ledger */
	bool locked; /* the caller has the lock of lk_catalog_lock, and keeps it */
	bool force; /* even with no table to move, the hook is called in a transaction */
	enum lk_outcome outcome;
	int tries; /* that it took */
};

/* What it wrote itself is removed again when the outcome is UNCHANGED; data files are the targets'. */
enum lk_status lk_transaction_run(struct lk_transaction *t, struct lk_error *err) LK_CHECKED;

/* Waits for a moment after a try (from 1 on), at random, and the longer the more there were. */
void lk_transaction_pause(int try);

#endif
