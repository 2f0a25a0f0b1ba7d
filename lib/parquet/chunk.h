/*
 * A column chunk being written: one column's share of the open row group.
 *
 *	values -> open page -> (full) -> encoded, compressed -> pages
 *
 *	open page:  levels (a bit a row) | indices into the dictionary, or PLAIN values in body
 *	body:       [ room for the encoded levels (head) | PLAIN values ... ]
 *	pages:      [ header | compressed body ] [ header | compressed body ] ...
 *
 * A chunk begins with a dictionary where its type has one, and goes on in PLAIN when that does not pay, or no longer
 * fits: the open page's indices are then turned back into values, so a page is always of one encoding.
 */
#ifndef LK_PARQUET_CHUNK_H
#define LK_PARQUET_CHUNK_H

#include "base/file.h"
#include "parquet/compress.h"
#include "parquet/dictionary.h"
#include "parquet/parquet.h"

#define LK_BLOCK_ROWS 1024 /* rows that go through a chunk's loops at a time, so that they stay in the first cache */

/* Parquet's numbers (parquet.thrift). */
enum lk_physical {
	LK_PHYSICAL_BOOLEAN = 0,
	LK_PHYSICAL_INT32 = 1,
	LK_PHYSICAL_INT64 = 2,
	LK_PHYSICAL_DOUBLE = 5,
	LK_PHYSICAL_BYTE_ARRAY = 6,
	LK_PHYSICAL_FIXED = 7,
};
enum lk_encoding {
	LK_ENCODING_PLAIN = 0,
	LK_ENCODING_RLE = 3,
	LK_ENCODING_DICTIONARY = 8,
};

/* What all chunks of a file share: limits, the compressor, and room for one block of values. */
struct lk_scratch {
	int64_t page_rows, page_bytes;
	size_t dictionary_bytes;
	struct lk_compressor compressor;
	struct lk_str packed, levels, header;
	int32_t picks[LK_BLOCK_ROWS]; /* which rows of the block have values */
	int64_t ints[LK_BLOCK_ROWS];
	double floats[LK_BLOCK_ROWS];
	lk_int128 wides[LK_BLOCK_ROWS];
	uint8_t fixed[LK_BLOCK_ROWS * 16];
	struct lk_bytes bytes[LK_BLOCK_ROWS];
};

/* A data page, for the page index. Its bounds lie in the chunk's `bounds`, low first. */
struct lk_page {
	int64_t offset; /* in the chunk's pages */
	int64_t first_row, null_count;
	int32_t size; /* header included */
	bool empty;   /* no value that is not null */
	bool bounded; /* false: it has values, but no bounds */
	size_t low_at, low_len, high_len;
};

struct lk_chunk {
	struct lk_parquet_column column; /* its name owned */
	enum lk_physical physical;
	enum lk_kind kind;
	int width; /* bytes of a value; 0 for BYTES and BOOL */
	struct lk_bound_form statistics_form, iceberg_form;

	/* the open page */
	int64_t page_row_count, page_value_count, page_null_count;
	size_t page_plain_bytes; /* of its values, were they PLAIN */
	size_t head;		 /* where values begin in body */
	uint8_t *levels;
	uint32_t *indices;
	size_t fixed_bytes; /* that these two take */
	struct lk_str body;
	struct lk_range page_range;

	/* the chunk */
	bool dictionary_on, dictionary_kept; /* values go to it; it was found to pay */
	struct lk_dictionary dictionary;
	struct lk_str pages, bounds;
	struct lk_page *page;
	size_t page_count, page_cap;
	uint32_t page_serial; /* of the open page, in the file */
	int32_t plain_pages, dictionary_pages;
	int64_t row_count, null_count;
	int64_t uncompressed_bytes; /* page headers included */
	struct lk_range range;

	/* the file */
	int64_t total_rows, total_nulls, total_nans, total_bytes;
	struct lk_range total_range;
};

enum lk_status lk_scratch_init(struct lk_scratch *s, const struct lk_parquet_options *options, int columns,
	struct lk_error *err) LK_CHECKED;
/* Gives back what the next row group makes anew; lk_scratch_memory is what that is. */
void lk_scratch_shrink(struct lk_scratch *s);
size_t lk_scratch_memory(const struct lk_scratch *s);
void lk_scratch_release(struct lk_scratch *s);

/* column is copied, its name too. */
enum lk_status lk_chunk_init(struct lk_chunk *c, const struct lk_parquet_column *column, struct lk_error *err) LK_CHECKED;
void lk_chunk_release(struct lk_chunk *c);

/* Appends n rows of a view, from its physical row `first` on, or those that stand `rows[i]` behind it; view NULL appends nulls. */
enum lk_status lk_chunk_append(struct lk_chunk *c, struct lk_scratch *s, const struct ArrowArrayView *view, int64_t first,
	const int32_t *rows, int64_t n, struct lk_error *err) LK_CHECKED;

/* Ends the open page, unless it has no rows. */
enum lk_status lk_chunk_end_page(struct lk_chunk *c, struct lk_scratch *s, struct lk_error *err) LK_CHECKED;

/* Adds the open page's indices to its body as PLAIN values; later values follow them. */
enum lk_status lk_chunk_leave_dictionary(struct lk_chunk *c, struct lk_error *err) LK_CHECKED;

/* The dictionary page, whole, in s->header and s->packed; nothing where the chunk needs none. */
enum lk_status lk_chunk_dictionary_page(struct lk_chunk *c, struct lk_scratch *s, struct lk_error *err) LK_CHECKED;

/* Bytes held in memory, and what the chunk will about take in the file. */
size_t lk_chunk_memory(const struct lk_chunk *c);
int64_t lk_chunk_size(const struct lk_chunk *c);

/* Adds the chunk to the file's totals and begins the next one, its memory freed. */
void lk_chunk_next(struct lk_chunk *c);

#endif
