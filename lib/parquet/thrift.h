/*
 * Thrift's compact protocol, writing only: what Parquet's metadata and page headers are made of.
 *
 * Fields of a struct are put in ascending order of their ids. Errors are those of the string written to: out of
 * memory, told by lk_str_check.
 */
#ifndef LK_PARQUET_THRIFT_H
#define LK_PARQUET_THRIFT_H

#include "base/str.h"

enum lk_thrift_type {
	LK_THRIFT_TRUE = 1,
	LK_THRIFT_FALSE = 2,
	LK_THRIFT_I32 = 5,
	LK_THRIFT_I64 = 6,
	LK_THRIFT_BINARY = 8,
	LK_THRIFT_STRUCT = 12,
};

#define LK_THRIFT_DEPTH 8

struct lk_thrift {
	struct lk_str *out;
	int depth;
	int last[LK_THRIFT_DEPTH]; /* id of the last field of each open struct */
};

/* Opens the outermost struct. */
struct lk_thrift lk_thrift_start(struct lk_str *out);

void lk_thrift_bool(struct lk_thrift *t, int id, bool value);
void lk_thrift_i16(struct lk_thrift *t, int id, int16_t value);
void lk_thrift_i32(struct lk_thrift *t, int id, int32_t value);
void lk_thrift_i64(struct lk_thrift *t, int id, int64_t value);
void lk_thrift_binary(struct lk_thrift *t, int id, const void *data, size_t len);

/* A field that is a struct: its fields follow, then lk_thrift_end. */
void lk_thrift_struct(struct lk_thrift *t, int id);
/* A field whose struct is already encoded, with its end. */
void lk_thrift_encoded(struct lk_thrift *t, int id, const void *data, size_t len);
void lk_thrift_end(struct lk_thrift *t);

/* A field that is a list of count elements, which follow: lk_thrift_element and lk_thrift_end around each struct, or
 * one lk_thrift_item_* each. */
void lk_thrift_list(struct lk_thrift *t, int id, enum lk_thrift_type element, size_t count);
void lk_thrift_element(struct lk_thrift *t);
void lk_thrift_item_bool(struct lk_thrift *t, bool value);
void lk_thrift_item_int(struct lk_thrift *t, int64_t value);
void lk_thrift_item_binary(struct lk_thrift *t, const void *data, size_t len);

#endif
