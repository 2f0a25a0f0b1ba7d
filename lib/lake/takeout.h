/*
 * Taking rows out of tables. Which rows are meant a finder tells, which is lib/sql's, for lib/lake knows no SQL; what becomes of
 * them is decided here: a data file whose live rows all go is removed, and of others rows are deleted by position. Both go
 * into the target, so that they are part of its next snapshot, with the rows that come in the same commit.
 *
 * Rows are found in the table as the target's base has it. When another writer was first they are looked for again.
 */
#ifndef LK_LAKE_TAKEOUT_H
#define LK_LAKE_TAKEOUT_H

#include "lake/ledger.h"
#include "lake/target.h"

/* Where a row of a table stands: in which of its files, and its position there, from 0. */
typedef enum lk_status lk_place_visitor(void *context, const struct lk_lake_file *file, int64_t position, struct lk_error *err);

/* How many of a data file's live rows are meant, of how many. */
struct lk_file_rows {
	bool whole; /* set before the finder is asked: all of them are */
	int64_t meant, live; /* live is told where any are meant */
};

/*
 * Finds rows (sql/finder.h):
 *
 *	deliveries --> may_have, count, visit; for any table, as often as it is asked
 */
struct lk_row_finder {
	void *self;
	/* From now on the rows of these deliveries are meant. files: lk.files, loaded; NULL when there is none. LK_DATA when
	 * their rows cannot be found. */
	enum lk_status (*deliveries)(void *self, const struct lk_lake_table *files, struct lk_delivery *const *items, size_t count,
		struct lk_error *err);
	/* Whether such a table, loaded, can have rows that are meant. */
	bool (*may_have)(void *self, const struct lk_lake_table *table);
	/* rows: an element for each file of the table, whose files are in the order of their uris. LK_DATA when rows cannot be told from those of others. */
	enum lk_status (*count)(void *self, const struct lk_lake_table *table, struct lk_file_rows *rows, struct lk_error *err);
	/* Visits what is meant of the rows of those files that `only` says, by uri and by position, both ascending. */
	enum lk_status (*visit)(void *self, const struct lk_lake_table *table, const bool *only, lk_place_visitor *visit,
		void *context, struct lk_error *err);
};

struct lk_takeout_counts {
	int64_t rows;	   /* that go */
	int64_t files;	   /* data files that go whole */
	int64_t positions; /* of the rows, those that are deleted by position */
};

struct lk_takeout {
	const struct lk_row_finder *finder; /* NULL: nothing is taken out */
	const char *run;		    /* names files of deletes */
	const char *branch;		    /* whose rows; NULL: main's */
	/* Files all of whose rows are meant, whatever the finder says; may be NULL. */
	bool (*is_whole)(void *context, const struct lk_lake_table *table, const struct lk_lake_file *file);
	/* Whether rows of the table are not for it to take out, though they are meant; may be NULL. */
	enum lk_status (*instead)(void *context, const struct lk_lake_table *table, bool *instead, struct lk_error *err);
	void *context;
	int next_file;
};

/* The target of a table, which is opened for it where it is not. */
typedef enum lk_status lk_target_getter(void *context, const char *name, struct lk_target **out, struct lk_error *err);

/* Counts what would go of a table; it is loaded where it is not. */
enum lk_status lk_takeout_look(const struct lk_takeout *t, struct lk_pin *pin, struct lk_lake_table *table,
	struct lk_takeout_counts *counts, struct lk_error *err) LK_CHECKED;

/* Has the target take out what is meant of its base. */
enum lk_status lk_takeout_find(struct lk_takeout *t, struct lk_target *target, struct lk_takeout_counts *counts,
	struct lk_error *err) LK_CHECKED;

/* The same for a target that was based anew; what it was to take out before is forgotten. */
enum lk_status lk_takeout_find_again(struct lk_takeout *t, struct lk_target *target, struct lk_takeout_counts *counts,
	struct lk_error *err) LK_CHECKED;

/* LK_DATA when of the rows that the target adds any are not meant: they would not be found where they are to replace others. */
enum lk_status lk_takeout_check_added(const struct lk_takeout *t, const struct lk_target *target, struct lk_error *err) LK_CHECKED;

/* The files that a target adds, as a table of its columns, into the arena; by uri. */
enum lk_status lk_takeout_added(const struct lk_target *target, struct lk_arena *arena, struct lk_lake_table *table,
	struct lk_error *err) LK_CHECKED;

/* Tells the finder that the rows of these deliveries are meant, by the lake's lk.files as it is now. */
enum lk_status lk_takeout_mean(const struct lk_takeout *t, struct lk_pin *pin, struct lk_delivery *const *items, size_t count,
	struct lk_error *err) LK_CHECKED;

/* Has every table of the pin that has meant rows take them out: get is called for those. */
enum lk_status lk_takeout_all(struct lk_takeout *t, struct lk_pin *pin, lk_target_getter *get, void *context,
	struct lk_error *err) LK_CHECKED;

#endif
