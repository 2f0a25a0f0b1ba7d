/*
 * The merges of a commit: what becomes of rows that came for tables with one row for each key (lake/merge.h; private to lib/lake).
 *
 *	add, add, ... -> gather -> ready (again at every try of the transaction) -> finish, or discard
 *
 * Files that came stay as they are until the commit is made: the target has those of them that have rows which are to be, or files
 * in their place, and the others are kept aside, for another base may want them.
 */
#ifndef LK_LAKE_MERGES_H
#define LK_LAKE_MERGES_H

#include "change/change.h"
#include "lake/deliveries.h"
#include "lake/facts.h"
#include "lake/rowset.h"

#define LK_MERGE_PREFIX (LK_UUID_SIZE + 32) /* room for how names of files begin */

/* Of a table. */
struct lk_merge {
	struct lk_target *target;
	struct lk_spec spec;
	bool announced; /* whether its rows are of a change stream is known: */
	const struct lk_change *change; /* the rows are of a change stream; NULL: they are not */
	struct lk_pin given_pin;
	struct lk_lake_table given_table; /* of a change stream that was resolved against the table as it is: that; */
	struct lk_rowset given;		  /* the rows of it that go; */
	bool has_given;
	struct lk_rowset_file **given_files; /* of the change's files, each; NULL: it is not the table's */
	struct lk_merge_counts given_counts; /* and what its rows are */
	bool resolved;
	uint64_t base, facts; /* what it was resolved against last */
	struct lk_data_file *aside; /* files that came, and are not to be named */
	size_t aside_count, aside_cap;
	char facts_prefix[LK_MERGE_PREFIX]; /* how the files begin that have the facts it made; "" for none */
	bool rewritten; /* the target's files hold what lives of those aside */
	struct lk_merge_counts counts;
	int64_t dead; /* rows of the target's files that are deleted */
};

struct lk_merges {
	struct lk_lake *lake;
	const struct lk_merger *merger; /* NULL: tables that need it are refused */
	const char *run, *branch;
	const struct lk_deliveries *deliveries;
	bool replayed; /* rows are of rejects that were replayed: no list of them is complete */
	struct lk_arena arena; /* of specs */
	struct lk_merge **items;
	size_t count, cap;
	struct lk_target *versions; /* lk.versions, once anything is merged */
	size_t facts_came;	    /* of its files, those that came with the rows */
	int next_file;
};

/* The merge of a target, or NULL. */
struct lk_merge *lk_merges_find(const struct lk_merges *ms, const struct lk_target *t);

/* Has the rows of a target be merged; what spec points to lives in the arena of ms. LK_DATA where rows of the target
 * were announced by another spec before, or the table's own is another. */
enum lk_status lk_merges_add(struct lk_merges *ms, struct lk_target *t, const struct lk_spec *spec, struct lk_merge **out,
	struct lk_error *err) LK_CHECKED;

/* The rows of a merge are those of a change stream, or of none (NULL): the same for all of them. Where the table is what the stream says,
 * the rows that go are taken from it. */
enum lk_status lk_merges_change(struct lk_merges *ms, struct lk_merge *m, const struct lk_change *change, struct lk_error *err) LK_CHECKED;

/* A row of a change stream. */
struct lk_merge_row {
	char op;      /* I, U or D */
	int64_t file; /* of the stream's list; -1: no row goes */
	int64_t position;
};
enum lk_status lk_merge_given(struct lk_merge *m, const struct lk_merge_row *row, struct lk_error *err) LK_CHECKED;

/* How a table's rows are loaded, by its properties. */
enum lk_status lk_merges_spec(struct lk_merges *ms, const json_t *metadata, struct lk_spec *spec, struct lk_error *err) LK_CHECKED;

/* For a takeout (lake/takeout.h): whether rows of the table are found by their key. Then they are merged, perhaps with none that came. */
enum lk_status lk_merges_instead(struct lk_merges *ms, const struct lk_lake_table *table, lk_target_getter *get, void *context,
	bool *instead, struct lk_error *err) LK_CHECKED;

/* All rows have come, into files of the targets; versions: the target of lk.versions. */
enum lk_status lk_merges_gather(struct lk_merges *ms, struct lk_target *versions, struct lk_error *err) LK_CHECKED;

/* Decides what the targets are to do, by the bases that they have; nothing where these are those of before. */
enum lk_status lk_merges_ready(struct lk_merges *ms, struct lk_error *err) LK_CHECKED;

/* Fills what a request says of deliveries, into the arena. */
enum lk_status lk_merges_tell(const struct lk_merges *ms, const struct lk_target *t, struct lk_arena *arena,
	struct lk_merge_request *request, struct lk_error *err) LK_CHECKED;

/* ---- of one (merge.c) ---- */

enum lk_status lk_merge_ready(struct lk_merges *ms, struct lk_merge *m, struct lk_error *err) LK_CHECKED;
/* Its target has the files that came, and nothing else to do; facts that it made are forgotten. */
enum lk_status lk_merge_undo(struct lk_merges *ms, struct lk_merge *m, struct lk_error *err) LK_CHECKED;

/* ---- change streams (merge_change.c) ---- */

/* Whether table and facts still are what a change stream was resolved against. facts_mark: of the facts as they are. */
enum lk_status lk_merge_stands(struct lk_merges *ms, struct lk_merge *m, uint64_t facts_mark, bool *stands, struct lk_error *err) LK_CHECKED;
/* LK_DATA when a row that is to go is gone already. */
enum lk_status lk_merge_check_alive(struct lk_merges *ms, struct lk_merge *m, struct lk_error *err) LK_CHECKED;
/* LK_CONFLICT for one that cannot be resolved again. */
enum lk_status lk_merge_check_again(const struct lk_merge *m, struct lk_error *err) LK_CHECKED;

/* ---- tables (merge_load.c) ---- */

/* Loads a target's table: a snapshot, or (-1) as the branch has it. *has false: there is none. filter may be NULL. */
enum lk_status lk_merge_load(const struct lk_merges *ms, const struct lk_target *t, int64_t snapshot_id, const struct lk_lake_filter *filter,
	struct lk_pin *pin, struct lk_lake_table *table, bool *has, struct lk_error *err) LK_CHECKED;

#define LK_MERGE_NO_FACTS UINT64_C(1) /* the mark of none */

/* Loads what of lk.versions may be about the target's table, without what the commit takes out; *mark tells it from other states. */
enum lk_status lk_merge_facts(const struct lk_merges *ms, const struct lk_target *of, int64_t snapshot_id, struct lk_pin *pin,
	struct lk_lake_table *facts, bool *has, uint64_t *mark, struct lk_error *err) LK_CHECKED;

/* ---- the end ---- */

/* After the commit was made: files that came and are not named go. */
void lk_merges_finish(struct lk_merges *ms);
/* It was not made: the targets' files are those that came, and what was made beside goes. */
void lk_merges_discard(struct lk_merges *ms);
void lk_merges_release(struct lk_merges *ms);

#endif
