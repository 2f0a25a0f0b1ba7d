/* Inside of differences (private to lib/sql). */
#ifndef LK_SQL_DIFF_INSIDE_H
#define LK_SQL_DIFF_INSIDE_H

#include "sql/diff.h"
#include "sql/sql.h"

/* A column of both sides: its place in each, as their tables list columns. */
struct lk_sql_diff_column {
	const char *name;
	int from, to;
	bool key;
};

struct lk_sql_diff_columns {
	struct lk_sql_diff_column *items;
	int count, keys;
};

/* Takes the files out of both tables that are the same rows in both. The lists of files are the tables' own to change. */
enum lk_status lk_sql_diff_cancel(struct lk_lake_table *from, struct lk_lake_table *to, struct lk_error *err) LK_CHECKED;

/* SELECT of all differences between the views lk_diff.from and lk_diff.to: lk_op (added, removed, before, after) and the columns; or
 * with stat of their counts: added, removed, changed. */
void lk_sql_diff_add_select(struct lk_str *s, const struct lk_sql_diff_columns *columns, int from_count, int to_count, bool stat);

#endif
