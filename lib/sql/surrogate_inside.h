/* What the parts of lk-surrogate's work share (private to lib/sql): surrogate_plan.c knows which rules
 * are for a stream, surrogate.c gathers keys, surrogate_write.c writes. */
#ifndef LK_SQL_SURROGATE_INSIDE_H
#define LK_SQL_SURROGATE_INSIDE_H

#include "change/natural.h"
#include "change/store.h"
#include "sql/surrogate.h"
#include "stream/build.h"

struct lk_surrogate_map {
	struct lk_keymap *keys;
	int64_t rows, without, unknown;
};

/* A rule as it is for the columns of one Arrow stream. */
struct lk_surrogate_use {
	const struct lk_surrogate_rule *rule;
	size_t map; /* which of the maps; they may move as more come */
	struct lk_natural naturals[LK_SURROGATE_KEYS]; /* the keys whose columns are there */
	int number[LK_SURROGATE_KEYS]; /* what the map calls them */
	int count;
	int given; /* import: the column of the surrogates */
};

/* What is to be done with the rows of one Arrow stream. */
struct lk_surrogate_plan {
	uint64_t stream;
	bool is_made;
	struct lk_surrogate_use *uses; /* in an arena of their own */
	int count;
	int file, row; /* the columns lk_file and lk_row, or -1 */
};

struct lk_surrogates {
	const struct lk_surrogate_options *o;
	struct lk_arena arena;
	struct lk_surrogate_rule *rules; /* of the options */
	bool *used;			  /* of them, those that a table has the columns of */
	const char *missing, *missing_of; /* a column that a table lacks, and the table, for messages */
	bool any_data, named; /* a table of data came; the one that is named did */
	struct lk_surrogate_map *maps;
	size_t map_count, map_cap;
	struct lk_store *store;
	struct lk_surrogate_plan plan;
	struct lk_arena plan_arena; /* cleared for each */
	struct lk_str key; /* room for one */
	int64_t place;	   /* rows so far, for messages */
	struct lk_surrogate_counts *counts;
};

/* Makes s->plan that of the batch's Arrow stream; with no uses where its rows are to pass. */
enum lk_status lk_surrogates_plan(struct lk_surrogates *s, const struct lk_batch *batch, struct lk_error *err) LK_CHECKED;

/* Whether a table of this name is the one that is named. */
bool lk_surrogates_means(const char *name, const char *table);

#endif
