/*
 * Dedup: leaves rows out of a stream that are in it already.
 *
 *	whole rows   all columns but lk_file, lk_row and lk_sent are the same; the first one stays, and goes on at once
 *	by key	     the newest version of each key stays (change/version.h); known when all have come
 *
 * Rows that stay go on in the order in which they came, table by table. Rows whose key has a null are none of any key, and stay. Side tables,
 * change streams and tables that are not asked for pass unchanged.
 *
 *	batch, batch, ... -> finish
 *
 * Memory is bounded: beyond it rows and keys go to files without names (change/store.h, change/best.h), and whole rows wait, too, from then on.
 */
#ifndef LK_CHANGE_DEDUP_H
#define LK_CHANGE_DEDUP_H

#include "change/spec.h"
#include "stream/stream.h"

struct lk_dedup;

/* Says which rows a lake has just so: lib/sql's, for lib/change knows no lake (sql/against.h). */
struct lk_dedup_against {
	void *self;
	/* Rows of a table come, anew: whether the lake has the table. spec is valid until run. */
	enum lk_status (*begin)(void *self, const char *table, const struct lk_spec *spec, bool *is_there, struct lk_error *err);
	enum lk_status (*take)(void *self, const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err);
	enum lk_status (*run)(void *self, struct lk_error *err);
	bool (*has)(void *self, int64_t row); /* of those taken, from 0 */
};

struct lk_dedup_options {
	const char *const *tables; /* as lk_table_is_named takes them; NULL: all */
	size_t table_count;
	bool whole;	   /* whole rows, also of tables with a key */
	const char **key;  /* instead of what the tables say; NULL: as they say, and whole rows where they do not */
	int key_count;
	const char *order; /* instead of what the tables say; NULL: as they say */
	size_t memory_bytes;
	const struct lk_dedup_against *against; /* NULL: no lake */
	struct lk_writer *dups;			/* where rows go that are left out; NULL: nowhere */
	void (*say)(const char *fmt, ...) LK_PRINTF(1, 2);
};

/* What was done with a table. */
struct lk_dedup_count {
	const char *table;
	int64_t read, repeated, known; /* known: to the lake */
	int64_t keyless;	       /* whose key has a null */
};

/* options and writers stay the caller's, and must outlive it. */
enum lk_status lk_dedup_open(struct lk_dedup **out, const struct lk_dedup_options *options, struct lk_writer *writer, struct lk_error *err) LK_CHECKED;
void lk_dedup_close(struct lk_dedup *d); /* NULL is fine */

/* Takes a batch, whose array it may move away. */
enum lk_status lk_dedup_batch(struct lk_dedup *d, struct lk_batch *batch, struct lk_error *err) LK_CHECKED;

/* All have come: writes what waits, and counts for the end marker. */
enum lk_status lk_dedup_finish(struct lk_dedup *d, struct lk_error *err) LK_CHECKED;

/* Of the table number i, as they came; false when there are no more. */
bool lk_dedup_counts(const struct lk_dedup *d, size_t i, struct lk_dedup_count *count);

#endif
