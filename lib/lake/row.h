/* Rows as bytes, for the spill: a bit for each column that has a value, then the values in the order of the columns. */
#ifndef LK_LAKE_ROW_H
#define LK_LAKE_ROW_H

#include "parquet/parquet.h"
#include "stream/build.h"

struct lk_row_codec;

/* Of these columns, which are copied. */
enum lk_status lk_row_codec_create(struct lk_row_codec **out, const struct lk_parquet_column *columns, int count,
	struct lk_error *err) LK_CHECKED;
void lk_row_codec_free(struct lk_row_codec *c); /* NULL is fine */

/* Looks at a batch, whose columns are those of source as lk_parquet_write takes them. */
enum lk_status lk_row_begin(struct lk_row_codec *c, const struct ArrowArrayView *view, const int *source, struct lk_error *err) LK_CHECKED;
/* Adds row i of the batch. */
void lk_row_encode(const struct lk_row_codec *c, int64_t i, struct lk_str *out);

/* Adds a row to a builder of the same columns (lk_row_builder), without ending it. LK_BUG where the bytes are none of a row. */
enum lk_status lk_row_decode(const struct lk_row_codec *c, const uint8_t *data, size_t len, struct lk_builder *b,
	struct lk_error *err) LK_CHECKED;

enum lk_status lk_row_builder(const struct lk_row_codec *c, struct lk_builder *b, struct lk_error *err) LK_CHECKED;

#endif
