/* The walk over a lake's folders that finds garbage (private to lib/tend). */
#ifndef LK_TEND_WALK_H
#define LK_TEND_WALK_H

#include "tend/gc.h"

struct lk_gc_walk {
	struct lk_gc *gc;
	struct lk_lake *lake;
	int64_t cutoff_ms; /* what was changed after it stays */
	struct lk_fileset folders; /* that were walked, or belong to tables: by device and inode */
	/* of the folder at hand */
	const char *table;
	enum lk_orphan_why why;
};

/* The folders of a table. */
enum lk_status lk_gc_walk_table(struct lk_gc_walk *w, const struct lk_live_table *t, struct lk_error *err) LK_CHECKED;

/* What lies in the lake and is of no table; after all tables were walked. */
enum lk_status lk_gc_walk_rest(struct lk_gc_walk *w, struct lk_error *err) LK_CHECKED;

/* Makes the files that running ingests have staged alive. */
enum lk_status lk_gc_spare_staged(struct lk_gc_walk *w, struct lk_error *err) LK_CHECKED;

enum lk_status lk_gc_add_problem(struct lk_gc *gc, const char *table, const char *text, struct lk_error *err) LK_CHECKED;

#endif
