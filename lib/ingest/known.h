/*
 * What is known of a delivery before a worker touches it: from the lake's ledger, and from this run.
 */
#ifndef LK_INGEST_KNOWN_H
#define LK_INGEST_KNOWN_H

#include "ingest/find.h"
#include "lake/lake.h"
#include "source/source.h"

struct lk_known {
	struct lk_lake *lake;
	struct lk_sources *sources;
	const char *branch; /* whose ledger it is */
	bool retry;  /* deliveries that crashed a worker are tried again */
	bool again;  /* those that are loaded are loaded anew */
	int stop_fd; /* long reading ends early when this is readable; -1 for none */
	/* Known ones whose place the ledger does not know yet; indexes. */
	uint32_t *unplaced;
	size_t unplaced_count, unplaced_cap;
	/* Those of this run, by sender and SHA-256: slots hold an index + 1, 0 when free. */
	uint32_t *slots;
	size_t slot_count, used;
};

void lk_known_release(struct lk_known *k);

/* Asks the ledger for every delivery by path, size and time, without opening any. */
enum lk_status lk_known_by_path(struct lk_known *k, struct lk_found *found, struct lk_error *err) LK_CHECKED;

/* Finds out what found->items[index], which is waiting, is: reads it for its SHA-256 where that is not known yet, and
 * asks the ledger and this run. It is still waiting afterwards when it is to be loaded. */
enum lk_status lk_known_examine(struct lk_known *k, struct lk_found *found, uint32_t index,
	struct lk_error *err) LK_CHECKED;

/* The delivery of this run that has this sender and these bytes, or NULL. */
struct lk_landed *lk_known_find(const struct lk_known *k, struct lk_found *found, const char *sender, const char *sha256);

/* What the ledger says of a delivery that was examined. */
enum lk_status lk_known_entry(struct lk_known *k, const struct lk_landed *d, struct lk_ledger_entry *entry,
	struct lk_error *err) LK_CHECKED;

/* Has d->reason say what the ledger knows of a delivery that is partial, held or crashed. */
enum lk_status lk_known_reason(struct lk_known *k, struct lk_found *found, struct lk_landed *d, struct lk_error *err) LK_CHECKED;

/* Notes a known delivery, so that the ledger learns where it lies and the next run does not read it. */
enum lk_status lk_known_place(struct lk_known *k, uint32_t index, struct lk_error *err) LK_CHECKED;

/* Tells the ledger of those that were noted, in one transaction for many. */
enum lk_status lk_known_flush(struct lk_known *k, const struct lk_found *found, struct lk_error *err) LK_CHECKED;

#endif
