/*
 * The parts of an upsert (private to lib/sql):
 *
 *	upsert.c	reads the stream, and takes one table after the other through the rest
 *	upsert_form.c	what the rows of a table are: its key, order, load, and the columns that come and go
 *	upsert_write.c	rows with what became of them, as they came
 *	upsert_wide.c	the same with what the table has: rows of before, and patches
 *	upsert_patch.c	several patches of one key
 *	upsert_base.c	rows of the table by their places
 *	upsert_facts.c	facts, to and from lk.versions
 *	upsert_wanting.c	deliveries of which not all came
 *	upsert_report.c	what is said of it all
 */
#ifndef LK_SQL_UPSERT_INSIDE_H
#define LK_SQL_UPSERT_INSIDE_H

#include "change/change.h"
#include "change/store.h"
#include "sql/resolve.h"
#include "sql/upsert.h"
#include "stream/gather.h"

/* In front of a table's own columns. */
enum lk_change_column { LK_CHANGE_OP, LK_CHANGE_FILE, LK_CHANGE_POS, LK_CHANGE_COLUMNS };

/* A form in which rows of a table came: one for each schema. */
struct lk_upsert_form {
	struct ArrowSchema in;	/* the table's columns, and the column that says what a row does; metadata are settled */
	int *source;		/* for each, its place in what came */
	struct ArrowSchema out; /* lk_op, lk_old_file, lk_old_pos, and the table's columns */
	int *column;		/* for each behind those three, its place in `in` */
	struct lk_gather *gather; /* of `in`; made when it is needed */
};

/* What becomes of a candidate, and the row of the base that it replaces. */
struct lk_upsert_outcome {
	enum lk_verdict verdict;
	int32_t file; /* by the stream's list; -1: none */
	int64_t position;
};

/* A table of the stream that is upserted. */
struct lk_upserting {
	const struct lk_upsert_options *o;
	char *name;
	struct lk_arena arena;
	struct lk_spec spec;
	struct lk_lake_table base_table;
	const struct lk_lake_table *base; /* NULL: the lake does not have it */
	struct lk_upsert_form **forms;
	size_t form_count, form_cap;
	int64_t rows;	 /* that came: candidates */
	int64_t written; /* of these */
	struct lk_upsert_batch { /* in which they came */
		int64_t first;
		const struct lk_upsert_form *form;
	} *batches;
	size_t batch_count, batch_cap;

	/* what is known when all rows are there */
	struct lk_places *places;
	struct lk_resolver *resolver;
	int64_t facts;		     /* snapshot of lk.versions; -1: none */
	struct lk_upsert_outcome *outcomes; /* of each candidate, where there were several passes; NULL: the resolver knows */
	struct lk_store *kept_facts; /* that passes found; NULL: there was one pass */
	struct lk_upsert_patches *patches; /* NULL: each key has one that counts */
	int64_t patched; /* rows that only older patches change */
	int32_t *listed;	     /* for each file of the base, by its number, that in the stream's list; -1: it is not there */
	const struct lk_lake_file **goes; /* the stream's list: files of which rows go */
	int goes_count;
	struct lk_base_place { /* rows of the base that go and that no row of the stream takes the place of */
		int32_t file;  /* by the list */
		int64_t position;
	} *vanished;
	size_t vanished_count, vanished_cap;
};

/* The rows of a table as they came (upsert.c): of each batch its form, and what that has `in`. They are borrowed until the next call. */
struct lk_upsert_rows;
enum lk_status lk_upsert_rewind(struct lk_upsert_rows *rows, const struct lk_upserting *t, struct lk_error *err) LK_CHECKED;
enum lk_next lk_upsert_next(struct lk_upsert_rows *rows, struct lk_upsert_form **form, const struct ArrowArrayView **in, struct lk_error *err) LK_CHECKED;

struct lk_upsert_outcome lk_upsert_outcome(struct lk_upserting *t, int64_t candidate);

/* ---- upsert_form.c ---- */

/* Settles the form of rows of this schema, which is made when it is new. The first one of a table decides what it is: LK_DATA where another
 * says something else, or columns do not fit the lake's table. */
enum lk_status lk_upsert_form_get(struct lk_upserting *t, const struct ArrowSchema *schema, struct lk_upsert_form **out, struct lk_error *err) LK_CHECKED;
void lk_upsert_form_free(struct lk_upsert_form *form);

/* Whether the rows of a table are upserted: it has a key, and neither the stream nor the lake says that they are just added. base may be NULL. */
enum lk_status lk_upsert_form_wanted(const struct lk_upsert_options *o, const struct lk_lake_table *base, const char *table,
	const struct ArrowSchema *schema, bool *wanted, struct lk_error *err) LK_CHECKED;

/* Sets lk.change in what is written, and lets columns be null where rows of the table itself are among them. */
enum lk_status lk_upsert_form_finish(struct lk_upserting *t, struct ArrowSchema *out, struct lk_error *err) LK_CHECKED;

/* ---- marks: what is in front of rows (upsert_write.c) ---- */

#define LK_MARK_BUFFERS 5
struct lk_marks {
	char *ops;
	int32_t *offsets, *files;
	int64_t *positions;
	uint8_t *valid; /* bits: a row of the base goes */
	int64_t rows, nulls;
	size_t cap;
};

/* No rows, and room for that many. */
enum lk_status lk_marks_reserve(struct lk_marks *m, int64_t rows, struct lk_error *err) LK_CHECKED;
void lk_marks_release(struct lk_marks *m);
/* file: -1: no row goes. */
void lk_marks_add(struct lk_marks *m, char op, int32_t file, int64_t position);
/* Has the first columns of a view of what is written show them. */
void lk_marks_show(const struct lk_marks *m, struct ArrowArrayView *const *columns);

/* Whether a column says which row of the table it is: of its key, or its order. */
bool lk_upsert_tells(const struct lk_upserting *t, const char *column);

/* 'I', 'U', 'D'; 0: it is not written. */
char lk_change_op(enum lk_verdict verdict);

/* Writes the table's rows in the order in which they came, and behind them those of the table that vanish. */
enum lk_status lk_upsert_write(struct lk_upserting *t, struct lk_upsert_rows *rows, struct lk_writer *out, struct lk_error *err) LK_CHECKED;

/* The same, value by value, in all columns that the table and the rows have: with what was before, and patches made whole. */
enum lk_status lk_upsert_write_wide(struct lk_upserting *t, struct lk_upsert_rows *rows, struct lk_writer *out, struct lk_error *err) LK_CHECKED;

/* ---- several patches of one key (upsert_patch.c) ---- */

struct lk_upsert_patches;

/* A patch that stands behind the newest one of its key. */
struct lk_upsert_link {
	int64_t newest; /* the candidate that is written */
	size_t version, version_len;
	const struct lk_upsert_form *form;
	int64_t row; /* of its values */
	bool deletes;
};

/* Gathers those of a pass, whose resolver has run. LK_MISSING where they are more than memory may hold. */
enum lk_status lk_upsert_collect(struct lk_upserting *t, struct lk_upsert_rows *rows, struct lk_error *err) LK_CHECKED;
void lk_upsert_patches_free(struct lk_upsert_patches *patches); /* NULL is fine */

/* Those behind a candidate, the newest first. */
enum lk_status lk_upsert_links(struct lk_upserting *t, int64_t candidate, const struct lk_upsert_link **links, size_t *count, struct lk_error *err) LK_CHECKED;

/* Lowers *count to those that are newer than a row of the table. */
enum lk_status lk_upsert_live_links(struct lk_upserting *t, const struct lk_upsert_link *links, size_t *count, const struct ArrowSchema *schema,
	const struct ArrowArrayView *base, int64_t row, struct lk_error *err) LK_CHECKED;

/* The column of a link; false where it does not have it. */
bool lk_upsert_link_value(const struct lk_upserting *t, const struct lk_upsert_link *link, const char *column, const struct ArrowArrayView **view);

/* ---- rows of the table (upsert_base.c) ---- */

struct lk_base_rows;

/* Those at these places, in that order; columns: of the table, by their number. */
enum lk_status lk_base_rows_open(struct lk_base_rows **out, struct lk_upserting *t, const struct lk_base_place *places, size_t count,
	const int *columns, int column_count, struct lk_error *err) LK_CHECKED;
/* The next one; the view's children are the columns asked for. Borrowed until the next call. */
enum lk_status lk_base_rows_next(struct lk_base_rows *b, const struct ArrowArrayView **view, int64_t *row, struct lk_error *err) LK_CHECKED;
const struct ArrowSchema *lk_base_rows_schema(const struct lk_base_rows *b);
void lk_base_rows_close(struct lk_base_rows *b); /* NULL is fine */

/* Appends a value of a column to one of a builder, whose type it fits. */
void lk_column_copy(struct lk_column *to, const struct ArrowArrayView *from, int64_t row);

/* ---- deliveries of which not all came (upsert_wanting.c) ---- */

#define LK_UPSERT_DIGITS 12 /* of a SHA-256, as lk_file has them */

struct lk_upsert_wanting {
	struct lk_upsert_part {
		char *table; /* NULL: any */
		char digits[LK_UPSERT_DIGITS + 1];
	} *items;
	size_t count, cap;
};
void lk_upsert_wanting_release(struct lk_upsert_wanting *wanting);

/* Looks at a batch of a side table. */
enum lk_status lk_upsert_note(struct lk_upsert_wanting *wanting, const struct lk_batch *batch, struct lk_error *err) LK_CHECKED;

/* The digits of those of a table, into the arena. */
enum lk_status lk_upsert_wanting_of(const struct lk_upsert_wanting *wanting, const char *table, struct lk_arena *arena, const char ***digits,
	size_t *count, struct lk_error *err) LK_CHECKED;

/* ---- facts (upsert_facts.c) ---- */

/* Tells the resolver what lk.versions (loaded; NULL: there is none) says of the table. */
enum lk_status lk_upsert_read_facts(struct lk_upserting *t, const struct lk_lake_table *versions, struct lk_error *err) LK_CHECKED;

/* Keeps those that the resolver found, until all passes are done. */
enum lk_status lk_upsert_keep_facts(struct lk_upserting *t, struct lk_error *err) LK_CHECKED;

/* Writes those that were kept or, where none were, those that the resolver found: behind the table's rows. */
enum lk_status lk_upsert_write_facts(struct lk_upserting *t, struct lk_writer *out, struct lk_error *err) LK_CHECKED;

#endif
