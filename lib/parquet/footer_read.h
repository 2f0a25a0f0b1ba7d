/*
 * What a Parquet file says of itself at its end (FileMetaData in parquet.thrift), and whether its pages are what was written: for
 * those who check files, whoever wrote them. Values are never decoded here.
 */
#ifndef LK_PARQUET_FOOTER_READ_H
#define LK_PARQUET_FOOTER_READ_H

#include <stdint.h>

#include "base/mem.h"

/* A node of the schema, in the order of the file: a group is followed by its children. The first is the root. */
struct lk_parquet_element {
	const char *name;
	int32_t field_id;   /* -1: none */
	int physical;	    /* enum lk_physical (parquet/chunk.h); 4 is FLOAT, 3 INT96; -1 of a group */
	int repetition;	    /* 0 required, 1 optional, 2 repeated */
	int32_t children;   /* of a group, else 0 */
	int32_t width;	    /* of fixed-length byte arrays */
};

struct lk_parquet_extent {
	int64_t offset; /* of a column chunk's first page, its dictionary's included */
	int64_t bytes;	/* of all its pages, compressed */
	int64_t values; /* nulls included */
};

struct lk_parquet_group {
	int64_t offset; /* of its first byte */
	int64_t rows;
	struct lk_parquet_extent *chunks;
	size_t chunk_count;
};

struct lk_parquet_footer {
	int64_t rows;
	int64_t offset; /* where it begins: pages lie before it */
	struct lk_parquet_element *elements;
	size_t element_count;
	struct lk_parquet_group *groups;
	size_t group_count;
};

/* Reads and checks it: magic at both ends, a sound schema, row groups that add up to the rows and lie within the file. All lies in
 * the arena. LK_DATA for a file that is no sound Parquet, LK_MISSING for an encrypted one. */
enum lk_status lk_parquet_footer_read(const char *path, struct lk_arena *arena, struct lk_parquet_footer *out,
	struct lk_error *err) LK_CHECKED;

/* Walks all pages: headers are sound, and bytes have the CRC-32 that their header tells, where it tells one. *checked (may be NULL)
 * is how many did. LK_DATA at the first that is not. */
enum lk_status lk_parquet_pages_check(const char *path, const struct lk_parquet_footer *footer, int64_t *checked,
	struct lk_error *err) LK_CHECKED;

#endif
