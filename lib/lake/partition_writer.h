/*
 * A partition writer: rows of one table to its data files, each of one partition, in the table's sort order where it has one.
 *
 *	unpartitioned, unsorted		rows -> file
 *	up to 64 partitions, unsorted	rows -> router -> a file of each partition, all open
 *	beyond them, or sorted		rows -> router -> sorter (spills) ... -> one file after the other
 *
 * The first 64 partitions keep their files open; rows of others are sorted by partition first. A file that has got nothing for
 * long makes room for another, so that rows which come partition by partition are never sorted.
 *
 * A file ends when it has the size that the table's properties say.
 */
#ifndef LK_LAKE_PARTITION_WRITER_H
#define LK_LAKE_PARTITION_WRITER_H

#include "lake/target.h"

#define LK_OPEN_PARTITIONS 64
#define LK_SORTER_MEMORY (128 << 20)

struct lk_partition_writer;

/* By the layout and the properties of the target, whose columns fit. columns are copied. Files are called <run>-<number>.parquet; *next_file is the number of the next one. */
enum lk_status lk_partition_writer_create(struct lk_partition_writer **out, struct lk_target *t,
	const struct lk_parquet_column *columns, int count, const char *run, int *next_file, struct lk_error *err) LK_CHECKED;
/* Lets files pass the table's size by a quarter, so that rows that were counted to fit into one leave no crumb in another. */
void lk_partition_writer_stretch(struct lk_partition_writer *w);

/* source: as lk_parquet_write has it. */
enum lk_status lk_partition_writer_write(struct lk_partition_writer *w, const struct ArrowArrayView *view, const int *source,
	struct lk_error *err) LK_CHECKED;

/* Bytes held in memory, those of the largest part that can be freed, and freeing it: a row group or a run is written. */
int64_t lk_partition_writer_memory(const struct lk_partition_writer *w);
int64_t lk_partition_writer_largest(const struct lk_partition_writer *w);
enum lk_status lk_partition_writer_shrink(struct lk_partition_writer *w, struct lk_error *err) LK_CHECKED;

/* The end: open files are ended; then what was sorted is written, a batch with each call, until *more is false; then its files
 * and their folders are synced and in the target. */
enum lk_status lk_partition_writer_end(struct lk_partition_writer *w, struct lk_error *err) LK_CHECKED;
enum lk_status lk_partition_writer_drain(struct lk_partition_writer *w, bool *more, struct lk_error *err) LK_CHECKED;

/* Abandons what is open; NULL is fine. */
void lk_partition_writer_free(struct lk_partition_writer *w);

#endif
