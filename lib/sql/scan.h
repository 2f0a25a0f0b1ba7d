/*
 * Scans: a table's data files as rows, each with the number of its file and its place there (private to lib/sql).
 *
 * The columns of a scan are called c0, c1, ..., for those of the table and then further ones that only deletes know, so that what
 * DuckDB tells of a file's rows is not hidden by a column of that name. Beside them are f, the number of the file in the table;
 * pos, the row's position in the file, from 0; and path, the file's.
 *
 * Files with field ids are found by these ("Column Projection" of Iceberg's specification), all in one read. Where a table has a
 * name mapping, or fields inside of columns were renamed, the footers of files are read, and files that are alike in it are a
 * group of their own, with an expression for each column (sql/project.c).
 */
#ifndef LK_SQL_SCAN_H
#define LK_SQL_SCAN_H

#include "lake/lake.h"
#include "sql/session.h"

struct lk_scan_group {
	int *files; /* their numbers, ascending; malloc'd */
	int file_count;
	char **expressions; /* one for each column, in which \1 stands for the number of the file; NULL: columns are found by id */
};

struct lk_file_scan {
	const struct lk_lake_table *table;
	const char *nothing; /* path of a file without rows, where the statement is for this session (sql/session.h); NULL: none */
	struct lk_lake_column *columns; /* the table's first; names and types are borrowed */
	int column_count;
	size_t column_cap;
	struct lk_scan_group *groups;
	size_t group_count, group_cap;
};

/* LK_MISSING for what is of a kind that lk does not read: formats of files, types, encryption. */
enum lk_status lk_scan_init(struct lk_file_scan *scan, struct lk_sql *sql, const struct lk_lake_table *table, struct lk_error *err) LK_CHECKED;
void lk_scan_release(struct lk_file_scan *scan);

/* The column's place, which is made when the scan does not have it; -1 when the table never had such a column at its top. */
int lk_scan_column(struct lk_file_scan *scan, int32_t field_id);

/* Whether one read by field id does for all files. */
bool lk_scan_is_plain(const struct lk_file_scan *scan);

/* Adds "SELECT c0, ..., f, pos, path FROM ..." of the files whose number is set in `only` (NULL: all); there must be one. */
enum lk_status lk_scan_add(const struct lk_file_scan *scan, const bool *only, struct lk_str *s, struct lk_error *err) LK_CHECKED;

/* Adds "MAP {1: {name: 'a', type: 'BIGINT', default_value: NULL}, ...}": numbered, or with the names that the view has. */
enum lk_status lk_scan_add_schema(const struct lk_file_scan *scan, bool numbered, struct lk_str *s, struct lk_error *err) LK_CHECKED;

/* Columns that differ in letter case alone are one name to SQL: the second is called NAME_1. */
void lk_scan_add_name(const struct lk_lake_table *t, int column, struct lk_str *out);

/* The type of a column, as SQL; LK_MISSING for one that cannot be read here. */
enum lk_status lk_scan_add_type(const struct lk_lake_table *t, const struct lk_lake_column *c, struct lk_str *out,
	struct lk_error *err) LK_CHECKED;

/* ---- values ---- */

/* Adds a single value (lake/value.h) as SQL. False for what is no such value. */
bool lk_sql_add_single(struct lk_str *out, const char *type, const struct lk_str *value);

/* Adds what rows have that are older than the column, as a literal. False where it cannot be said. */
bool lk_sql_add_default(struct lk_str *out, const struct lk_lake_column *column);

/* ---- files without what ids tell (sql/project.c) ---- */

/* Sorts a table's files into groups by their footers. */
enum lk_status lk_scan_project(struct lk_file_scan *scan, struct lk_sql *sql, struct lk_error *err) LK_CHECKED;

/* Adds "['a.parquet', ...]" of files by their numbers. by_ids: their columns are given by ids. */
void lk_scan_add_paths(const struct lk_file_scan *scan, const int *files, int count, bool by_ids, struct lk_str *s);

#endif
