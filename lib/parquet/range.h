/*
 * The smallest and the largest value of a page, a column chunk or a file, and their forms in Parquet's statistics and
 * Iceberg's bounds.
 *
 * Nulls and NaN have no part in it. Of byte strings only the first LK_RANGE_PREFIX bytes are kept, with a mark when
 * there was more: what is written is cut shorter than that anyway. `whole` keeps all.
 */
#ifndef LK_PARQUET_RANGE_H
#define LK_PARQUET_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/value.h"

/* 16 code points of 4 bytes, which is also what Parquet's own statistics are cut to. */
#define LK_RANGE_PREFIX 64
#define LK_BOUND_POINTS 16

enum lk_kind {
	LK_KIND_BOOL,  /* BOOLEAN */
	LK_KIND_INT,   /* INT32 and INT64, and whatever lies in them */
	LK_KIND_FLOAT, /* DOUBLE */
	LK_KIND_WIDE,  /* FIXED_LEN_BYTE_ARRAY: decimals of more than 18 digits */
	LK_KIND_BYTES, /* BYTE_ARRAY */
};

struct lk_bytes {
	const uint8_t *data;
	size_t len;
};

struct lk_range_end {
	struct lk_str bytes;
	bool cut; /* the value had more bytes */
};

struct lk_range {
	enum lk_kind kind;
	bool set;   /* false: no value yet */
	bool whole; /* byte strings are kept whole */
	lk_int128 low, high;	      /* LK_KIND_BOOL, _INT, _WIDE */
	double float_low, float_high; /* LK_KIND_FLOAT */
	struct lk_range_end bytes_low, bytes_high; /* LK_KIND_BYTES */
};

void lk_range_init(struct lk_range *r, enum lk_kind kind, bool whole);
void lk_range_clear(struct lk_range *r); /* no value; memory kept */
void lk_range_release(struct lk_range *r);

void lk_range_add_ints(struct lk_range *r, const int64_t *values, int n);
void lk_range_add_wides(struct lk_range *r, const lk_int128 *values, int n);
void lk_range_add_floats(struct lk_range *r, const double *values, int n);
void lk_range_add_bytes(struct lk_range *r, const struct lk_bytes *values, int n);
/* Widens r so that it holds all of other, which is of the same kind. */
void lk_range_join(struct lk_range *r, const struct lk_range *other);

/* Whether memory sufficed for all that was added. */
bool lk_range_failed(const struct lk_range *r);

/* How a bound is written. */
struct lk_bound_form {
	int width;   /* bytes of an INT (4 or 8) or WIDE value; 0: the fewest (Iceberg's decimals) */
	bool text;   /* bytes are UTF-8, to be cut between code points */
	int points;  /* cut to so many code points (or bytes, when not text); 0: to LK_RANGE_PREFIX bytes */
	bool whole;  /* not cut at all; the range must be `whole`, as it must for more than LK_BOUND_POINTS points */
};

/* Adds the lower or upper bound to *out. False, with nothing added, when there is none: no value, or an upper bound
 * that cannot be cut because nothing after it sorts higher. *exact tells whether the bound is a value that occurs. */
bool lk_range_low(const struct lk_range *r, const struct lk_bound_form *form, struct lk_str *out, bool *exact);
bool lk_range_high(const struct lk_range *r, const struct lk_bound_form *form, struct lk_str *out, bool *exact);

/* Compares two bounds of this form as their column sorts. */
int lk_bound_compare(enum lk_kind kind, struct lk_bytes a, struct lk_bytes b);

#endif
