/*
 * Sets of rows of a table's data files, by position: a bit for each row of the files that are met (private to lib/lake).
 */
#ifndef LK_LAKE_ROWSET_H
#define LK_LAKE_ROWSET_H

#include "lake/deletes.h"

struct lk_rowset_file {
	const struct lk_lake_file *file;
	uint64_t *bits; /* NULL: none of its rows */
	int64_t count;
};

struct lk_rowset {
	struct lk_rowset_file *files; /* in the order of their uris */
	int count;
	struct lk_rowset_file *last; /* met last */
	int64_t rows;
};

/* An empty set over the files of a table, which are borrowed and stay where they are. */
enum lk_status lk_rowset_init(struct lk_rowset *s, const struct lk_lake_table *table, struct lk_error *err) LK_CHECKED;
void lk_rowset_release(struct lk_rowset *s);

/* The file of that uri, or NULL; quickest for the one asked for last. */
struct lk_rowset_file *lk_rowset_find(struct lk_rowset *s, const char *uri);

/* Adds a row of a file of the set. LK_DATA for a position that the file does not have, and for a row that is in the set. */
enum lk_status lk_rowset_add(struct lk_rowset *s, struct lk_rowset_file *f, int64_t position, struct lk_error *err) LK_CHECKED;

bool lk_rowset_has(const struct lk_rowset_file *f, int64_t position);
/* Whether all rows that the file was written with are in the set. */
bool lk_rowset_whole(const struct lk_rowset_file *f);

/* Writes deletes of all its rows, but for those of files that are in it whole. prefix: as lk_deletes_begin has it. */
enum lk_status lk_rowset_delete(const struct lk_rowset *s, struct lk_target *t, const char *prefix, struct lk_error *err) LK_CHECKED;

#endif
