/*
 * Transforms ("Partition Transforms" of Iceberg's specification) of columns, a batch at a time.
 *
 * The result of a column lies in one of three arrays, by the form of its values; nulls are told beside them. In hash and
 * arithmetic they are what the reference implementation makes of them: floors towards minus infinity, timestamps in UTC,
 * murmur3_x86_32 with seed 0.
 */
#ifndef LK_LAKE_TRANSFORM_H
#define LK_LAKE_TRANSFORM_H

#include "nanoarrow/nanoarrow.h"

#include "base/value.h"
#include "lake/partition.h"
#include "lake/primitive.h"
#include "parquet/range.h"

enum lk_values_form {
	LK_VALUES_INT,	 /* integers, times, booleans; doubles as their bits */
	LK_VALUES_WIDE,	 /* decimals, unscaled */
	LK_VALUES_BYTES, /* text and binary; borrowed from the batch */
};

struct lk_values {
	enum lk_values_form form;
	int64_t *ints;
	lk_int128 *wides;
	struct lk_bytes *bytes;
	uint8_t *null; /* one a row, 1 where the value is null */
	bool any_null;
	bool floating;	/* ints are the bits of doubles */
	int64_t cap;
};

/* Transforms rows [first, first + n) of a column (physical rows: the view's own offset not added); column NULL is all nulls. The
 * array is reused from call to call, and released at the end. LK_BUG for a transform that does not go with the column's type. */
enum lk_status lk_transform_apply(enum lk_transform transform, int32_t width, const struct ArrowArrayView *column, int64_t first,
	int64_t n, struct lk_values *out, struct lk_error *err) LK_CHECKED;
void lk_values_release(struct lk_values *v);

/* Adds value i, which is not null, as a single value of the type (lake/value.h). */
void lk_values_single(const struct lk_values *v, int64_t i, const struct lk_primitive *type, struct lk_str *out);

/* Whether a transform takes columns of a type. */
bool lk_transform_takes(enum lk_transform transform, const struct lk_primitive *type);

/* Iceberg's word for it: "bucket[16]". */
void lk_transform_word(enum lk_transform transform, int32_t width, struct lk_str *out);

/* Of such a word; false where a width is missing or out of range. A word that is not known is LK_TRANSFORM_UNKNOWN. */
bool lk_transform_read(const char *word, enum lk_transform *transform, int32_t *width);

/* The hash of bucket: of an integer, date, time or timestamp; of bytes; of a decimal. */
int32_t lk_bucket_hash_int(int64_t value);
int32_t lk_bucket_hash_bytes(const void *data, size_t len);
int32_t lk_bucket_hash_decimal(lk_int128 value);

#endif
