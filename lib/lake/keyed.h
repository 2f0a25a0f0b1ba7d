/*
 * Rows of a stream for tables with one row for each key (lake/merge.h), while they are read (private to lib/lake).
 *
 *	a row that is		I, U, or says nothing: into the table's files, without the column that says so
 *				D: a fact that its key was deleted, unless the stream is one of changes, whose facts travel beside
 *				B: nothing, what was before
 *
 * Rows of a change stream also say which rows of the table they replace (change/change.h). That is noted while the table is what the
 * stream says that it was, and checked against the table's files.
 */
#ifndef LK_LAKE_KEYED_H
#define LK_LAKE_KEYED_H

#include "lake/data_writer.h"
#include "lake/merges.h"
#include "stream/gather.h"

struct lk_keyed_table;

struct lk_keyed {
	struct lk_merges *merges;
	struct lk_data_writers *writers;
	bool stage; /* rows are staged: a change stream is not */
	struct lk_facts facts;
	struct lk_target *told; /* the table that facts of the stream were about last; NULL: there were none */
	struct lk_keyed_table **items;
	size_t count, cap;
	int64_t dropped; /* rows that went nowhere */
};

/* A batch of a table: into its files, whatever its schema says. */
enum lk_status lk_keyed_write(struct lk_keyed *k, const char *table, const struct lk_batch *batch, struct lk_error *err) LK_CHECKED;

/* A batch of lk.versions. */
enum lk_status lk_keyed_facts(struct lk_keyed *k, const struct lk_batch *batch, struct lk_error *err) LK_CHECKED;

/* After the last row. */
enum lk_status lk_keyed_finish(struct lk_keyed *k, struct lk_error *err) LK_CHECKED;
void lk_keyed_release(struct lk_keyed *k);

#endif
