/*
 * Data writers: rows of many tables to data files, under one budget of memory.
 *
 * Each table has a partition writer (lake/partition_writer.h). When what they hold in memory passes the budget together, the
 * largest part of it is written out.
 */
#ifndef LK_LAKE_DATA_WRITER_H
#define LK_LAKE_DATA_WRITER_H

#include "lake/partition_writer.h"

#define LK_DATA_WRITER_MEMORY (256 << 20)

struct lk_data_writer {
	char *table;
	struct lk_target target;
	lk_column_filter *filter;
	uint64_t stream; /* whose schema the columns below fit; 0 before the first */
	struct lk_parquet_column *columns;
	int *source, column_count;
	struct lk_partition_writer *writer; /* NULL before the first rows */
	int64_t rows;			    /* given to it */
};

struct lk_data_writers {
	struct lk_lake *lake;
	const char *run;
	const char *branch; /* that the tables' snapshots go on; NULL: main */
	enum lk_schema_mode mode;
	bool ahead; /* tables and columns are made before rows are written, so that ids need not be assigned in the commit */
	bool stretch; /* files may be somewhat larger than the table wants (lake/partition_writer.h) */
	struct lk_data_writer **items;
	size_t count, cap;
	int next_file;
};

/* Writes rows of a table. stream: a number that changes when the schema may. A view without rows makes the table known. */
enum lk_status lk_data_writers_write(struct lk_data_writers *s, const char *table, lk_column_filter *filter, uint64_t stream,
	const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err) LK_CHECKED;

/* The target of a table, without a row for it. */
enum lk_status lk_data_writers_target(struct lk_data_writers *s, const char *table, lk_column_filter *filter,
	struct lk_target **out, struct lk_error *err) LK_CHECKED;

/* Ends all files; they are in their targets then. */
enum lk_status lk_data_writers_finish(struct lk_data_writers *s, struct lk_error *err) LK_CHECKED;

/* Removes what was written. */
void lk_data_writers_discard(struct lk_data_writers *s);
void lk_data_writers_release(struct lk_data_writers *s);

#endif
