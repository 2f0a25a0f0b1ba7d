/*
 * Builders: rows to columns, with no allocation a value.
 *
 * A builder owns a schema and one growing column for each field. A row is built by appending exactly one value to
 * each column and then calling lk_builder_end_row; a row that turns out bad half way is taken back by
 * lk_builder_undo_row. Columns keep their memory when the builder is cleared, so a builder that is reused for every
 * batch soon allocates nothing.
 *
 *	rows:     0 .. rows-1 are whole | the row being built
 *	column:   validity bits, data (or offsets and data), length = rows or rows + 1
 *
 * Appending never returns an error: when memory runs out, or a text column would pass 2 GiB, the builder is marked
 * failed and lk_builder_check tells, so a tool checks once a row or once a batch.
 */
#ifndef LK_STREAM_BUILD_H
#define LK_STREAM_BUILD_H

#include "stream/schema.h"
#include "base/value.h"

#define LK_BATCH_ROWS 65536
#define LK_BATCH_BYTES (16 * 1024 * 1024)

struct lk_column {
	enum lk_type type;
	int64_t length;	    /* values appended */
	int64_t null_count; /* of them null */
	struct ArrowBitmap validity; /* empty while null_count is 0 */
	struct ArrowBuffer offsets;  /* int32, length + 1 of them; of LK_UTF8 and LK_BINARY only */
	struct ArrowBuffer data;     /* values; bits for LK_BOOL */
	bool failed;
};

struct lk_builder {
	struct ArrowSchema schema; /* owned */
	struct lk_column *columns;
	int column_count;
	int64_t rows;
	struct ArrowArrayView view; /* over the columns; filled by lk_builder_view */
};

/* fields as for lk_schema_make. */
enum lk_status lk_builder_init(struct lk_builder *b, const struct lk_field *fields, int count,
	const struct lk_meta *meta, struct lk_error *err) LK_CHECKED;
/* Takes over *schema, whose columns must all be of the types above LK_OTHER, and empties it. */
enum lk_status lk_builder_init_schema(struct lk_builder *b, struct ArrowSchema *schema,
	struct lk_error *err) LK_CHECKED;
void lk_builder_release(struct lk_builder *b);

/* Appends one value; the function's type must be the column's. LK_BOOL takes 0 and 1; dates take days. */
void lk_column_null(struct lk_column *c);
void lk_column_bool(struct lk_column *c, bool value);
void lk_column_int32(struct lk_column *c, int32_t value); /* LK_INT32, LK_DATE32 */
void lk_column_int64(struct lk_column *c, int64_t value); /* LK_INT64, LK_TIME64, LK_TIMESTAMP, LK_TIMESTAMPTZ */
void lk_column_float64(struct lk_column *c, double value);
void lk_column_decimal(struct lk_column *c, lk_int128 value);
void lk_column_bytes(struct lk_column *c, const void *data, size_t len); /* LK_UTF8, LK_BINARY */
void lk_column_text(struct lk_column *c, const char *text);		 /* the same; NULL is null */

/* Finishes the row: every column must have got one value, else LK_BUG. */
enum lk_status lk_builder_end_row(struct lk_builder *b, struct lk_error *err) LK_CHECKED;
/* Takes back what was appended since the last end_row. */
void lk_builder_undo_row(struct lk_builder *b);
/* LK_OK, or what went wrong in any append since the last clear. */
enum lk_status lk_builder_check(const struct lk_builder *b, struct lk_error *err) LK_CHECKED;

/* Bytes held by the rows so far. */
size_t lk_builder_bytes(const struct lk_builder *b);
/* Whether a batch should be sent now: LK_BATCH_ROWS rows or LK_BATCH_BYTES bytes. */
bool lk_builder_full(const struct lk_builder *b);

/* The rows as an Arrow array view; borrowed until the next append or clear. */
enum lk_status lk_builder_view(struct lk_builder *b, const struct ArrowArrayView **view,
	struct lk_error *err) LK_CHECKED;
/* No rows; memory kept. */
void lk_builder_clear(struct lk_builder *b);

#endif
