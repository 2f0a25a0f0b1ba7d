/*
 * A file as manifests tell of it ("data_file" of Iceberg's specification): rows, or deletes of rows.
 *
 * Its strings are its own, but for one that a manifest's reader hands out: all of that lies in the reader's arena.
 */
#ifndef LK_LAKE_DATA_FILE_H
#define LK_LAKE_DATA_FILE_H

#include "lake/partition.h"
#include "parquet/parquet.h"

enum { LK_FILE_DATA, LK_FILE_POSITION_DELETES, LK_FILE_EQUALITY_DELETES }; /* content */

struct lk_data_file {
	char *path; /* local; NULL where the uri is not */
	char *uri;  /* exactly as the manifest has it: engines compare it byte by byte */
	int content;
	int32_t spec_id;
	struct lk_partition_value *partition; /* in the order of the spec, where lk made it; in a manifest's, where one was read */
	int partition_count;
	struct lk_file_metrics metrics; /* counts that are not said are -1 */
	char *referenced;		/* the only data file that position deletes are about; NULL: not said */
	int32_t *equality_ids;		/* of equality deletes */
	int equality_count;
	int32_t sort_order;   /* -1: not said, as of deletes */
	const char *format;   /* NULL: PARQUET; borrowed */
	struct lk_str key_metadata; /* of an encrypted file, which lk carries and does not read */
};

/* Of one whose strings are its own. */
void lk_data_file_release(struct lk_data_file *file);

/* The value of a field in a file's partition; NULL when it has none. */
const struct lk_partition_value *lk_data_file_partition(const struct lk_data_file *file, int32_t field_id);

/* Whether two files are of the same partition of the same spec. */
bool lk_data_file_same_partition(const struct lk_data_file *a, const struct lk_data_file *b);

/* Gives `to` a copy of the partition (and spec) of `from`. */
enum lk_status lk_data_file_copy_partition(struct lk_data_file *to, const struct lk_data_file *from, struct lk_error *err) LK_CHECKED;

#endif
