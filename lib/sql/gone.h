/*
 * Rows that are gone: what files of position deletes and of equality deletes say of a table's data files ("Scan Planning" of
 * Iceberg's specification; private to lib/sql).
 *
 *	position deletes	are about files of their partition that are not younger, or about the one file that they name
 *	equality deletes	about files of their partition, or of all where their spec has no fields, that are older
 */
#ifndef LK_SQL_GONE_H
#define LK_SQL_GONE_H

#include "sql/scan.h"

struct lk_gone {
	const struct lk_lake_table *table;
	int *key_of_file, *key_of_deletes, *key_of_equality; /* numbers of partitions; -1: one that no data file is of */
	bool *by_position, *by_value;	    /* of data files: whether deletes may be about it */
	int by_position_count, by_value_count;
	bool *deletes, *equality; /* of files of deletes: whether they may be about any of the data files */
	bool *is_global;	  /* of equality deletes: about all partitions */
};

enum lk_status lk_gone_init(struct lk_gone *gone, const struct lk_lake_table *table, struct lk_error *err) LK_CHECKED;
void lk_gone_release(struct lk_gone *gone);

/* Adds "SELECT uri, pos, d FROM ...": the rows of the files of position deletes that are set, with the number of their file among those. */
void lk_gone_add_rows(const struct lk_gone *gone, struct lk_str *s);

/* Adds "(SELECT f, pos FROM ...)": the places that position deletes name, by the number of the file. */
void lk_gone_add_places(const struct lk_gone *gone, struct lk_str *s);

/* Rows of a table's files: a bit for each that is meant. */
struct lk_row_bits {
	uint64_t **of_file; /* by the number of the file; NULL: none of its rows is meant */
	int64_t *rows;	    /* that the file has */
	int count;
};

/* Reads which rows are gone by position; *out is NULL where the deletes are about more rows than there is memory for. */
enum lk_status lk_gone_read(const struct lk_gone *gone, struct lk_sql *sql, struct lk_row_bits **out, struct lk_error *err) LK_CHECKED;
void lk_row_bits_free(struct lk_row_bits *bits); /* NULL is fine */

/* Takes out of both what both have; they are of the same files. */
void lk_row_bits_cancel(struct lk_row_bits *a, struct lk_row_bits *b);

/* How many rows of a file are meant. */
int64_t lk_row_bits_count(const struct lk_row_bits *bits, int file);

#define LK_GONE_NAME 32

/* Makes a function of the session which is true of f and pos where the row is meant, and takes over the bits, also where that
 * fails. They are there until the session ends. */
enum lk_status lk_row_bits_register(struct lk_row_bits *bits, struct lk_sql *sql, char name[LK_GONE_NAME], struct lk_error *err) LK_CHECKED;

/*
 * The same of the rows that are gone by position. Filtering by it is quicker than a join, and rows keep their order. The name is "" where
 * the deletes are about more rows than there is memory for.
 */
enum lk_status lk_gone_register(const struct lk_gone *gone, struct lk_sql *sql, char name[LK_GONE_NAME], struct lk_error *err) LK_CHECKED;

/* Adds " ANTI JOIN ..." for each set of columns that equality deletes go by, behind rows of the scan called l. */
enum lk_status lk_gone_add_joins(const struct lk_gone *gone, struct lk_file_scan *scan, struct lk_sql *sql, struct lk_str *s,
	struct lk_error *err) LK_CHECKED;

#endif
