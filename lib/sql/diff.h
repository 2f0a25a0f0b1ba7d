/*
 * Differences: the rows of a table that were added, removed and changed between two moments, or two lakes.
 *
 * A row is what its columns say, so the two sides are held against each other as multisets of rows, and what is left on both sides
 * under one key is a row that changed. Data files that both sides have, with the same deletes, are the same rows and are not read; of
 * those with other position deletes only the rows that these took out are.
 *
 *	from: files 1 2 3 \   rows of 2, 3, 4 -> sum by row, -1 and +1 -> what is not 0 -> by key: before and after
 *	to:   files 1 3' 4/   (3' has other deletes)
 *
 * Both sides are read by the table's present columns (of two lakes, by those that both have): a column that was dropped is not
 * compared, one that was added is null before. lk_file, lk_row and lk_sent say where a row came from and not what it is, and are left
 * out, so that a delivery that was loaded anew differs where its rows do.
 */
#ifndef LK_SQL_DIFF_H
#define LK_SQL_DIFF_H

#include "lake/lake.h"
#include "sql/output.h"

struct lk_sql_diff_options {
	const char *from, *to; /* moments (lake/at.h); NULL: now */
	const char *const *tables; /* names; none: all, or the one that a snapshot is of */
	int table_count;
	const char *key; /* columns, by commas; NULL: the table's own key, if it has one */
	bool trace;	 /* lk_file, lk_row and lk_sent are compared, too */
	bool stat;	 /* a row of counts for each table that differs, and not the rows */
	int64_t threads, memory_bytes;
	struct lk_sql_output_options output;
	void (*say)(const char *fmt, ...) LK_PRINTF(1, 2);	/* columns that only one side has */
	void (*detail)(const char *fmt, ...) LK_PRINTF(1, 2); /* how many files were read */
};

/* Writes the differences from `lake` to `other` (the same, or another one); *differs when there are any. LK_USAGE when rows of
 * several tables would go where only one has room. */
enum lk_status lk_sql_diff(struct lk_lake *lake, struct lk_lake *other, const struct lk_sql_diff_options *options, bool *differs,
	struct lk_error *err) LK_CHECKED;

#endif
