/* Inside of differences (private to lib/sql): what lk-diff, lk-changes and lk-log find out of two snapshots. */
#ifndef LK_SQL_DIFF_INSIDE_H
#define LK_SQL_DIFF_INSIDE_H

#include "sql/diff.h"
#include "sql/sql.h"

/* What a column is to a row: what tells it from others, what it says, or what only travels with it. */
enum lk_sql_diff_role { LK_DIFF_KEY, LK_DIFF_VALUE, LK_DIFF_CARRIED };

/* A column of both sides: its place in each, as their tables list columns. */
struct lk_sql_diff_column {
	const char *name;
	int from, to;
	enum lk_sql_diff_role role;
};

struct lk_sql_diff_columns {
	struct lk_sql_diff_column *items;
	int count, keys, carried;
};

/* ---- files ---- */

/*
 * Reads the files of two snapshots of one table that may differ: what stands in manifests that both name is left out where their files of
 * deletes are the same. Both are opened; filter says which data files are wanted, and may be NULL.
 */
enum lk_status lk_sql_diff_load(struct lk_pin *pin, struct lk_lake_table *from, struct lk_lake_table *to, unsigned flags,
	const struct lk_lake_filter *filter, struct lk_error *err) LK_CHECKED;

/* Files of both sides of which position deletes take out other rows. */
struct lk_sql_touched {
	struct lk_lake_file *files; /* malloc'd */
	int count;
};

/* Takes the files out of both tables that are the same rows in both, and those of which only some rows come or go. The lists of files are
 * the tables' own to change. */
enum lk_status lk_sql_diff_cancel(struct lk_lake_table *from, struct lk_lake_table *to, struct lk_sql_touched *touched,
	struct lk_error *err) LK_CHECKED;

/* ---- rows ---- */

enum lk_sql_diff_sides { LK_SIDE_FROM = 1, LK_SIDE_TO = 2 };

/* Makes the views lk_diff.from and lk_diff.to of the rows that are left: of touched files those alone that came or went. where is a
 * predicate over the columns' names, or NULL. *sides are those that may have rows. */
enum lk_status lk_sql_diff_views(struct lk_sql *sql, struct lk_lake_table *from, struct lk_lake_table *to,
	const struct lk_sql_touched *touched, const char *where, unsigned *sides, struct lk_error *err) LK_CHECKED;

enum lk_sql_diff_form {
	LK_DIFF_ROWS,	 /* lk_op (added, removed, before, after) and the columns */
	LK_DIFF_STAT,	 /* the counts of them: added, removed, changed */
	LK_DIFF_CHANGES, /* lk_op (I, U, D, B), lk_snapshot, lk_committed and the columns */
};

struct lk_sql_diff_select {
	enum lk_sql_diff_form form;
	const struct lk_sql_diff_columns *columns;
	int from_count, to_count; /* columns of the views */
	unsigned sides;
	int64_t snapshot_id, time_ms; /* of changes */
};

/* SELECT of all differences between the views. */
void lk_sql_diff_add_select(struct lk_str *s, const struct lk_sql_diff_select *select);

/* ---- columns ---- */

/* Whether a list of names, by commas, has this one. */
bool lk_sql_diff_is_listed(const char *list, const char *name);

/* Whether a column is of the table's own key: its identifier fields, or what its package says. */
bool lk_sql_diff_is_key(const struct lk_lake_table *t, const struct lk_lake_column *c);

/* LK_DATA when the key names a column that is not there, or is none of the columns'. */
enum lk_status lk_sql_diff_check_key(const struct lk_sql_diff_columns *columns, const char *key, const char *table,
	struct lk_error *err) LK_CHECKED;

#endif
