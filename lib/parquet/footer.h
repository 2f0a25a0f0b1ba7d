/*
 * What stands after the row groups: page indexes, then the file's metadata (FileMetaData in parquet.thrift).
 *
 * Row groups are encoded as they end, so that an open file holds some 100 bytes a page and nothing else of them.
 */
#ifndef LK_PARQUET_FOOTER_H
#define LK_PARQUET_FOOTER_H

#include "parquet/chunk.h"

struct lk_footer_chunk {
	size_t meta_at, meta_len;
	size_t column_index_at, column_index_len; /* len 0: there is none */
	size_t offset_index_at, offset_index_len;
};

struct lk_footer_group {
	int64_t offset, rows, uncompressed_bytes, compressed_bytes;
};

struct lk_footer {
	enum lk_codec codec;
	struct lk_str metas, column_indexes, offset_indexes; /* encoded structs, back to back */
	struct lk_footer_chunk *chunks;			     /* of all row groups, in order */
	size_t chunk_count, chunk_cap;
	struct lk_footer_group *groups;
	size_t group_count, group_cap;
};

void lk_footer_release(struct lk_footer *f);

enum lk_status lk_footer_begin_group(struct lk_footer *f, int64_t offset, int64_t rows, struct lk_error *err) LK_CHECKED;
/* A chunk of the last group begun: at `offset` in the file, its dictionary page taking dictionary_bytes (0: none). */
enum lk_status lk_footer_add_chunk(struct lk_footer *f, const struct lk_chunk *c, int64_t offset,
	int64_t dictionary_bytes, struct lk_error *err) LK_CHECKED;

/* Writes all that follows the row groups, to the file's last byte. */
enum lk_status lk_footer_write(struct lk_footer *f, const struct lk_chunk *columns, int count, int64_t rows,
	struct lk_out *out, struct lk_error *err) LK_CHECKED;

#endif
