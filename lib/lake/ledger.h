/*
 * The ledger: which deliveries are loaded, in tables of lk's own in catalog.db, written in the transaction that moves the
 * tables (lk-lake(7)).
 *
 *	lk_ledger	   a row for each (branch, sender, sha256): state, counts, the run that wrote it last
 *	lk_ledger_failed   the members of it that failed; `rows` > 0 where a member was loaded in part, `sources_sha256`
 *			   what no resource of these sources takes
 *	lk_ledger_path	   files that are known by path, size and time
 *	lk_staged	   descriptions and segments committed, so that a crash before their removal is harmless
 *
 * and lk_ledger_history and lk_branch, which are of lake/ledger_history.h: whoever changes a row of lk_ledger notes it there first.
 *
 * What tools ask of it is in lake.h; this header is lib/lake's own.
 */
#ifndef LK_LAKE_LEDGER_H
#define LK_LAKE_LEDGER_H

#include <jansson.h>

#include "lake/catalog.h"

#define LK_DELIVERY_DIGITS 12 /* of the SHA-256 that lk_file has of a row's delivery */
#define LK_ONCE_SENDER "lk.once" /* of rows that are loaded once under a name of the caller's */

extern const char lk_ledger_ddl[];

/* A member that failed, or that fits no resource. */
struct lk_failed {
	const char *member, *error;
	const char *sources; /* the hash of the sources of which no resource takes it; "" of one that failed */
	int64_t rows; /* loaded from it all the same */
	bool again;   /* of one that failed before: the ledger forgets that */
	bool stays;   /* of one that failed before: it came and failed the same way */
};

/*
 * A delivery of a stream: first what the ledger knew when it was met, then what the stream says of it. All text lives
 * in the arena of whoever collects deliveries.
 */
struct lk_delivery {
	const char *sender, *sha256, *path; /* path as the stream has it */
	const char *absolute;		    /* where that is; "" when it is no file that can be seen */
	int64_t size, modified_us;

	enum lk_delivery_state seen; /* in the ledger */
	const char *seen_run;	     /* "" when unknown */
	int64_t seen_members, seen_rows, seen_rejected;
	struct lk_failed *was; /* failed then */
	size_t was_count;

	const char *package_sha256; /* "" when none */
	int64_t members, loaded, rows, rejected;
	struct lk_failed *failed; /* now */
	size_t failed_count, failed_cap;
	const char **rejecting; /* tables of which records were rejected */
	size_t rejecting_count, rejecting_cap;
	bool crashed;
	bool anew; /* it is loaded anew: what the ledger has of it is replaced, as the next generation, and its rows go */
	bool news; /* the stream has something of it that the ledger has not */
	const char *repeated; /* a member that is loaded already and came again, or NULL */
};

/* Adds the absolute form of a path as text (lk_path_text), as the ledger keeps it. */
enum lk_status lk_ledger_path_of(const char *path, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* Fills `seen` to `was` from the ledger. */
enum lk_status lk_ledger_look(struct lk_lake *lake, const char *branch, struct lk_delivery *d, struct lk_arena *arena,
	struct lk_error *err) LK_CHECKED;

/* Has a delivery that was looked for in the ledger be taken as one that it does not know; where it does, anew. */
void lk_ledger_forget(struct lk_delivery *d);

/* Within a transaction: whether the ledger still says what lk_ledger_look found. */
enum lk_status lk_ledger_unchanged(struct lk_lake *lake, const char *branch, const struct lk_delivery *d, bool *same,
	struct lk_error *err) LK_CHECKED;

/* Within a transaction: writes what the ledger is to say after this run. */
enum lk_status lk_ledger_record(struct lk_lake *lake, const char *branch, const struct lk_delivery *d, const char *run,
	struct lk_error *err) LK_CHECKED;

/* Within a transaction: the delivery is unknown from now on. */
enum lk_status lk_ledger_remove(struct lk_lake *lake, const char *branch, const struct lk_delivery *d, const char *run,
	struct lk_error *err) LK_CHECKED;

/* Within a transaction, after some were removed: the paths of those that are unknown, too. One pass over all paths. */
enum lk_status lk_ledger_remove_paths(struct lk_lake *lake, const char *branch, struct lk_error *err) LK_CHECKED;

/* Whether a staged description or segment is committed already; within a transaction, that it is now. */
enum lk_status lk_ledger_staged(struct lk_lake *lake, const char *id, bool *known, struct lk_error *err) LK_CHECKED;
enum lk_status lk_ledger_add_staged(struct lk_lake *lake, const char *id, const char *run,
	struct lk_error *err) LK_CHECKED;

#endif
