/*
 * The Parquet writer: record batches to one data file.
 *
 * Implements the Apache Parquet format (parquet-format 2.x: file layout, thrift compact metadata, data page v1, PLAIN and
 * RLE_DICTIONARY encodings, RLE levels, ZSTD) as Apache Iceberg wants it ("Parquet" in its specification's appendix A):
 * a field_id on every column, Iceberg's physical and logical types, statistics in full and page indexes. It writes flat columns
 * only; what it wrote is described by metrics that go into the manifest as they are.
 */
#ifndef LK_PARQUET_PARQUET_H
#define LK_PARQUET_PARQUET_H

#include <sys/types.h>

#include "stream/schema.h"

/* What is said of a column in the metrics ("Metrics modes"). */
enum lk_metrics_mode {
	LK_METRICS_TRUNCATE, /* counts, and bounds cut to some code points or bytes */
	LK_METRICS_FULL,     /* counts and bounds */
	LK_METRICS_COUNTS,
	LK_METRICS_NONE, /* its size only */
};

struct lk_parquet_column {
	const char *name; /* borrowed until the writer is closed */
	int32_t field_id;
	enum lk_type type; /* not LK_OTHER */
	int precision, scale;
	bool required;
	bool full_bounds; /* bounds are never truncated, in statistics neither: file_path and pos of position deletes */
	enum lk_metrics_mode metrics;
	int points; /* of LK_METRICS_TRUNCATE; 0: 16 */
};

/* Parquet's numbers (parquet.thrift). */
enum lk_codec {
	LK_CODEC_UNCOMPRESSED = 0,
	LK_CODEC_SNAPPY = 1,
	LK_CODEC_GZIP = 2,
	LK_CODEC_ZSTD = 6,
};

struct lk_parquet_options {
	enum lk_codec codec;	 /* zstd */
	int level;		 /* 0: 1 of zstd, 6 of gzip */
	int64_t row_group_bytes; /* uncompressed, 128 MiB */
	int64_t page_bytes;	 /* uncompressed, 1 MiB */
	int64_t page_rows;	 /* 20000 */
	int64_t dictionary_bytes; /* 2 MiB: beyond it a column chunk goes on in PLAIN */
	int64_t row_group_rows;	  /* 500000; 0: as many as the bytes allow */
};
#define LK_PARQUET_DEFAULTS {LK_CODEC_ZSTD, 0, 128 << 20, 1 << 20, 20000, 2 << 20, 500000}

/* What Iceberg's manifest says of a column (data_file 108 to 128, 137). Bounds are Iceberg single-value binary, truncated by its
 * rules; NULL where there is none. */
struct lk_column_metrics {
	int32_t field_id;
	int64_t compressed_bytes, value_count, null_count; /* -1: not said */
	int64_t nan_count; /* -1 when the column is not floating point, too */
	bool has_lower, has_upper;
	struct lk_str lower, upper;
};

struct lk_file_metrics {
	int64_t rows, file_bytes;
	int64_t *split_offsets; /* where row groups start, ascending */
	int split_count;
	struct lk_column_metrics *columns;
	int column_count;
};
void lk_file_metrics_release(struct lk_file_metrics *m);

struct lk_parquet;

/* Creates the file (O_EXCL) with this mode. options may be NULL for the defaults; columns are copied. */
enum lk_status lk_parquet_create(struct lk_parquet **out, const char *path, mode_t mode,
	const struct lk_parquet_column *columns, int count, const struct lk_parquet_options *options,
	struct lk_error *err) LK_CHECKED;

/* Writes the rows of a struct view. source[i] is the child of view that column i is taken from, or -1 for nulls; its type must be
 * the column's (LK_INT32 widens to an LK_INT64 column, and decimals of the same scale to a wider precision). A null in a
 * required column is LK_DATA. */
enum lk_status lk_parquet_write(struct lk_parquet *w, const struct ArrowArrayView *view, const int *source,
	struct lk_error *err) LK_CHECKED;

/* The same for some of its rows, in this order: view's rows[0], rows[1], ... */
enum lk_status lk_parquet_write_rows(struct lk_parquet *w, const struct ArrowArrayView *view, const int *source,
	const int32_t *rows, int64_t count, struct lk_error *err) LK_CHECKED;

/* Bytes held in memory for the open row group. */
int64_t lk_parquet_buffered(const struct lk_parquet *w);
/* Ends the open row group, so that its memory is free. */
enum lk_status lk_parquet_flush(struct lk_parquet *w, struct lk_error *err) LK_CHECKED;
/* Bytes written so far plus an estimate of those buffered, for rolling to a new file. */
int64_t lk_parquet_size(const struct lk_parquet *w);

/* Writes the footer, syncs the file (not its directory), fills *metrics (the caller's to release) and frees w. On error the file
 * is removed and w freed all the same. */
enum lk_status lk_parquet_close(struct lk_parquet *w, struct lk_file_metrics *metrics, struct lk_error *err) LK_CHECKED;
/* Removes the file and frees w. NULL is fine. */
void lk_parquet_abandon(struct lk_parquet *w);

#endif
