/*
 * Merging: rows with keys come into a table that has one row for each key (change/spec.h), in the commit that brings them.
 *
 * All rows that came are in data files first, as any others. Then it is found out which of them are not to be: older than what the table
 * has, the same as that, or there twice; and which rows of the table they replace. All those are deleted by position, of the new files as
 * of the old ones, in the same snapshot ("Position Delete Files" of Iceberg's specification: a file of deletes applies to data files of
 * its own sequence number too). So files are written once, and when another writer was first only the deletes are made anew.
 *
 * What rows cannot say are facts, in the lake's table lk.versions: which keys were deleted, and at which version, so that a row which comes
 * late does not bring them back (sql/resolve.h).
 *
 * Finding is lib/sql's, for lib/lake knows no SQL.
 */
#ifndef LK_LAKE_MERGE_H
#define LK_LAKE_MERGE_H

#include "change/spec.h"
#include "lake/takeout.h"

enum lk_fact_kind { LK_FACT_DELETED, LK_FACT_CONFIRMED, LK_FACT_COMPLETE };
extern const char *const lk_fact_words[]; /* "deleted", "confirmed", "complete" */

struct lk_merge_counts {
	int64_t inserted, updated, deleted;
	int64_t unchanged, late, repeated; /* rows that came and are not added */
	int64_t held;	   /* rows of the table that full lists do not have, and that stay, for they are more than the limit allows */
	int64_t held_scopes; /* values of the scope in which that is so */
};

/* The same by number: their names, in the order in which they are told, and where they are. */
#define LK_MERGE_COUNTS 8
extern const char *const lk_merge_words[LK_MERGE_COUNTS]; /* "inserted", "updated", ... "held_scopes" */
int64_t *lk_merge_count(struct lk_merge_counts *counts, int number);

/* A fact that is to be kept; sent (microseconds), file and row say where it came from, as the columns lk_sent, lk_file and lk_row do. */
struct lk_fact {
	enum lk_fact_kind kind;
	const void *key, *version; /* encoded (change/cells.h, change/version.h) */
	size_t key_len, version_len;
	bool has_sent, has_row;
	int64_t sent, row;
	const char *file; /* NULL: none */
};
typedef enum lk_status lk_fact_visitor(void *context, const struct lk_fact *fact, struct lk_error *err);

struct lk_merge_request {
	const struct lk_spec *spec;
	const struct lk_lake_table *base;  /* as it is, loaded with metrics; NULL: it is new */
	const struct lk_lake_table *added; /* the files that come, as a table of its columns, by their uris */
	const struct lk_lake_table *facts; /* lk.versions as it is, loaded; NULL: none */
	const struct lk_lake_table *added_facts; /* its files that come; NULL: none */
	const char *uuid;			 /* of the table: whose facts */
	int64_t since; /* the sequence number of the table that the rows were resolved against before: what it was confirmed to have is there still
			* where no younger file has the key. INT64_MAX: they were not */
	/* Deliveries by the first 12 digits of their SHA-256, as lk_file has them; ascending. */
	const char *const *wanting; /* whose lists are not complete: records were rejected, members failed, the rest came before */
	size_t wanting_count;
	bool all_wanting; /* none of the lists that come is complete */
	/* Loaded anew: their rows of base go where no candidate has the key, unless a newer version confirmed them. */
	const char *const *anew;
	size_t anew_count;
	bool history; /* the table keeps rows of the past (lk_history_wanted) */
};

/* Rows of a table; as lk_data_writers_write takes them. */
typedef enum lk_status lk_rows_visitor(void *context, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	struct lk_error *err);

/*
 * With history, none of the rows that came is added as it is: `rows` is given those that are, with the time for which they hold, and rows
 * of base that are closed; all rows of `added` go, and `new` is not called.
 */
struct lk_merge_visitor {
	lk_place_visitor *old; /* a row of base goes, */
	lk_place_visitor *new; /* or one of added; both by uri and by position, ascending */
	lk_fact_visitor *fact;
	lk_rows_visitor *rows; /* only with history */
	void *context;
};

/* Finds what a merge means (sql/merger.h), as often as it is asked. counts are set. */
struct lk_merger {
	void *self;
	enum lk_status (*merge)(void *self, const struct lk_merge_request *request, const struct lk_merge_visitor *visitor,
		struct lk_merge_counts *counts, struct lk_error *err);
	/* Visits the live rows of a table of files, with all its columns by its schema: what is left of rows that came, when most of
	 * them are not to be. */
	enum lk_status (*read)(void *self, const struct lk_lake_table *table, lk_rows_visitor *visit, void *context,
		struct lk_error *err);
};

#endif
