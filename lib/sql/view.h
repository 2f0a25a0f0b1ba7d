/* A lake's tables as DuckDB's views: the files of a pinned snapshot, columns found by their field id. */
#ifndef LK_SQL_VIEW_H
#define LK_SQL_VIEW_H

#include "lake/lake.h"
#include "sql/sql.h"

/*
 * Makes schema.name a view over a table that lk_lake_table_load has read, and lets its files be opened. Columns have the names
 * and types of the table's schema, whatever the files call them (Iceberg, "Column Projection"); a file without a column gives
 * its default, or nulls; a table without files has its columns all the same. Rows that deletes take out are left out; where those
 * are by position, the others keep their order. LK_MISSING for what cannot be read: types and defaults that DuckDB does not have,
 * other formats than Parquet, encrypted files.
 */
enum lk_status lk_sql_view_create(struct lk_sql *sql, const char *schema, const char *name,
	const struct lk_lake_table *table, struct lk_error *err) LK_CHECKED;

/* The same of the rows that are meant, whatever deletes say; it takes over the bits. Of a few rows only what stands near them is read. */
struct lk_row_bits;
enum lk_status lk_sql_view_create_of(struct lk_sql *sql, const char *schema, const char *name, const struct lk_lake_table *table,
	struct lk_row_bits *bits, struct lk_error *err) LK_CHECKED;

/* Adds the SELECT of such a view, which stands by itself: it can be given to another DuckDB. */
enum lk_status lk_sql_add_rows(struct lk_sql *sql, const struct lk_lake_table *table, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* The same with the columns of where each row stands: lk_path, the path of its file, and lk_pos, its position there. The table must have
 * files. */
enum lk_status lk_sql_add_places(struct lk_sql *sql, const struct lk_lake_table *table, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* Adds the SELECT of those for which a condition holds, within this session, with columns called as in scans (sql/scan.h): c0, c1, ..., f and
 * pos, in the order of the files and of their rows. The table must have files. */
enum lk_status lk_sql_add_numbered(struct lk_sql *sql, const struct lk_lake_table *table, const char *where, struct lk_str *out,
	struct lk_error *err) LK_CHECKED;

/* DuckDB's type for one of Iceberg's, as its schema JSON writes it; appended. False when there is none. */
bool lk_sql_iceberg_type(const char *type, struct lk_str *out);

/* Adds a path as the literal that means it alone, for DuckDB takes every path for a pattern. */
void lk_sql_add_path(struct lk_str *out, const char *path);

#endif
