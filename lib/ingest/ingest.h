/*
 * The main job: a landing folder into a lake, by many workers (lk-ingest(1)).
 *
 *	find -> known? -> shares -> workers: lk-unpack | lk-parse | (lk-surrogate |) lk-commit --stage -> step: lk-commit --staged -> ledger
 *
 * This room only orchestrates: rows are never touched here. What must stay true:
 *
 *   - A delivery is in one share at a time, and a share in one step, which is one commit with a stage folder of its own.
 *   - A worker's lk-commit exits well only when the stream of its share was whole; only then is the share staged.
 *   - What became of a delivery is read from the ledger after the commit, never assumed: another process may have been
 *     first, and what it set aside is done again.
 *   - Children are ended by their process id, and die with this process.
 */
#ifndef LK_INGEST_INGEST_H
#define LK_INGEST_INGEST_H

#include "ingest/find.h"
#include "ingest/tally.h"

/* How far it is; borrowed for the call. */
struct lk_ingest_progress {
	int64_t deliveries, total_deliveries; /* handled; of those that are to be loaded as far as is known */
	int64_t bytes, total_bytes;	      /* of them */
	int64_t members, rows;		      /* staged or loaded */
	int64_t elapsed_ms;
};

#define LK_MAX_UNPACK_ARGS 8

struct lk_ingest_options {
	const char *lake, *sources;
	const char *branch; /* that is loaded to */
	const char *stage; /* only stage, into this folder; NULL to commit as well */
	const char *done;  /* where loaded deliveries are moved; NULL to leave them */
	const char *const *unpack_args; /* up to LK_MAX_UNPACK_ARGS options for lk-unpack, ended by NULL */
	int64_t jobs, commit_deliveries, commit_ms, settle_ms;
	const char *const *ignore;
	size_t ignore_count;
	bool retry;  /* deliveries that crashed a worker are tried again */
	bool again;  /* deliveries that are loaded are loaded anew, in place of what is there of them */
	int stop_fd; /* readable when the run is to end early; -1 for none */
	void (*warn)(const char *message, void *user);
	void (*detail)(const char *message, void *user);
	void (*progress)(const struct lk_ingest_progress *progress, void *user);
	void *user;
};

/* What came of a run. */
struct lk_ingest_result {
	struct lk_found found; /* each delivery has its fate */
	int64_t fates[LK_FATE_COUNT];
	int64_t bytes; /* of deliveries that were loaded or staged */
	int64_t commits, elapsed_ms;
	struct lk_tally tally; /* tables, rows, rejects */
	bool only_staged;	 /* nothing was committed */
	bool stopped;		 /* by stop_fd */
	bool began;		 /* the lake could be opened and the paths be read: the rest means something */
};

/* Runs. *result is filled as far as it went, whatever the status; the caller releases it. */
enum lk_status lk_ingest(const struct lk_ingest_options *options, const char *const *paths, size_t path_count,
	struct lk_ingest_result *result, struct lk_error *err) LK_CHECKED;
void lk_ingest_result_release(struct lk_ingest_result *result);

#endif
