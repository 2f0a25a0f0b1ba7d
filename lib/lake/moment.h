/*
 * A moment of the whole lake: what main of each table was at a time, behind a snapshot, or where a ref is.
 *
 * Tables of one run are taken together: a moment holds all of a run or nothing of it. The moment of a snapshot is the one right after
 * its run.
 */
#ifndef LK_LAKE_MOMENT_H
#define LK_LAKE_MOMENT_H

#include <jansson.h>

#include "lake/lake.h"

struct lk_lake_moment_table {
	struct lk_lake_table *table;
	const char *name;  /* with its namespace */
	int64_t now, then; /* main's snapshots; -1: none */
	bool exact;	   /* false: what it was then has expired, and `then` is what is left before it */
	bool pinned;	   /* by the ref or snapshot that was named */
};

struct lk_lake_moment {
	struct lk_pin pin;
	struct lk_lake_moment_table *tables; /* those of the pin */
	int count;
	int64_t time_ms;
	json_t *runs; /* keys: those that the tables' snapshots are of */
};

/* text: a time, snapshot or ref (lake/at.h); NULL: now. LK_DATA when it is nowhere in the lake. Release it in any case. */
enum lk_status lk_lake_moment_find(struct lk_lake_moment *m, struct lk_lake *lake, const char *text, struct lk_error *err) LK_CHECKED;
void lk_lake_moment_release(struct lk_lake_moment *m);

/* LK_DATA unless what the table was then is there still. */
enum lk_status lk_lake_moment_check(const struct lk_lake_moment *m, const struct lk_lake_moment_table *t, struct lk_error *err) LK_CHECKED;

/* Marks the tables that names mean (none: all): meant has room for all tables. */
enum lk_status lk_lake_moment_choose(struct lk_lake_moment *m, const char *const *names, int name_count, bool *meant,
	struct lk_error *err) LK_CHECKED;

#endif
