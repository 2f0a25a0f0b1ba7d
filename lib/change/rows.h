/*
 * Rows as keys: columns of a table by their names, over all Arrow streams of it that come, as cells that can be hashed and compared from
 * one batch to the next (private to lib/change).
 *
 * Columns only ever become more. A column that a stream does not have is null there, and its hash is as if there were no such column: so a
 * row's hash stays when the table gets columns that it does not have. Values that are no cells (lists, structs, intervals, ...) are compared
 * as their JSON.
 */
#ifndef LK_CHANGE_ROWS_H
#define LK_CHANGE_ROWS_H

#include "change/cells.h"

struct lk_row_column {
	char *name;
	char *word; /* the Iceberg type that values are taken as; NULL: only those of one type are the same */
	char *type; /* for people, and where there is no word for comparing */
	/* in the stream, and in the batch */
	int at; /* -1: the stream does not have it */
	bool json;
	struct lk_str text;
	int64_t *ends;
	size_t end_cap;
};

struct lk_rows {
	struct lk_row_column *columns;
	size_t count, cap;
	/* of the batch */
	struct lk_cells *cells;
	size_t cell_cap;
	uint64_t *hash, *column_hash;
	size_t hash_cap, column_hash_cap;
};

void lk_rows_release(struct lk_rows *r);

/* Adds the widest type of Iceberg's whose values a column's are; nothing where there is none. */
void lk_rows_add_word(const struct ArrowSchema *column, struct lk_str *out);

/* A stream begins. names: its columns that count, of which those that are new are added. LK_DATA where a column has another type than
 * before. */
enum lk_status lk_rows_stream(struct lk_rows *r, const struct ArrowSchema *schema, const char *const *names, int count, struct lk_error *err)
	LK_CHECKED;

/* Fills r->cells (r->count of them) and r->hash (one a row) from a batch of the stream. */
enum lk_status lk_rows_batch(struct lk_rows *r, const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
	LK_CHECKED;

#endif
