/*
 * What a row says, as one number: the same for rows that have the same values in the same columns, whatever columns of nulls they have
 * besides, and in whatever order (private to lib/sql). lk_file, lk_row and lk_sent, which say where a row came from, do not count.
 */
#ifndef LK_SQL_CONTENT_H
#define LK_SQL_CONTENT_H

#include "change/cells.h"
#include "lake/lake.h"

#define LK_CONTENT_ROWS 2048 /* that lk_content_columns takes at once, at most */

struct lk_row_content {
	char **names; /* columns that rows of Arrow had; malloc'd */
	size_t count, cap;
};
void lk_content_release(struct lk_row_content *content);

/* Whether a column of that name counts. */
bool lk_content_counts(const char *name);
bool lk_content_has(const struct lk_row_content *content, const char *name);

/* Whether values of an Iceberg type are text, or bytes. */
bool lk_content_is_text(const char *type);

/* Of rows of Arrow, as values of the columns of the table, which may be NULL; but for the column `op`, which may be NULL. What columns of text
 * say is told apart from all else. */
enum lk_status lk_content_arrow(struct lk_row_content *content, const struct lk_lake_table *table, const char *op, const struct ArrowSchema *schema,
	const struct ArrowArrayView *view, uint64_t *numbers, uint64_t *texts, struct lk_error *err) LK_CHECKED;

/* Of cells of columns of the table. */
void lk_content_columns(const struct lk_lake_table *table, const int *columns, const struct lk_cells *cells, int column_count, int64_t count,
	uint64_t *out);

#endif
