/*
 * All the care that a lake needs from time to time, in one go: compaction, expiry by the tables' own policies, garbage. Two runs
 * never overlap: the second finds the first's lock.
 */
#ifndef LK_TEND_MAINTAIN_H
#define LK_TEND_MAINTAIN_H

#include "tend/compact.h"
#include "tend/expire.h"
#include "tend/gc.h"

struct lk_maintain_options {
	const char *const *tables; /* "ns.table", or "table" in `main` */
	size_t table_count;	   /* 0: all, and what is of no table */
	int64_t grace_ms;	   /* of expiry and garbage */
	const char *const *staged; /* folders of staged runs whose files are spared */
	size_t staged_count;
	int64_t threads, memory_bytes; /* of compaction; as in struct lk_sql_options */
	bool dry_run;
	void (*progress)(void *context, const char *table, int64_t bytes, int64_t all_bytes); /* of compaction; may be NULL */
};

struct lk_maintain {
	int lock; /* -1 when it is not held */
	struct lk_compact compact;
	struct lk_expire expire;
	struct lk_gc gc;
};

/* LK_CONFLICT when another one is at work on the lake. Release m in any case. */
enum lk_status lk_maintain_run(struct lk_maintain *m, struct lk_lake *lake, const struct lk_maintain_options *options,
	struct lk_error *err) LK_CHECKED;
void lk_maintain_release(struct lk_maintain *m);

/* The outcome as one JSON object. */
enum lk_status lk_maintain_json(const struct lk_maintain *m, const struct lk_maintain_options *options, struct lk_str *out,
	struct lk_error *err) LK_CHECKED;

#endif
