/*
 * Thrift's compact protocol, reading: Parquet's metadata and page headers, whoever wrote them.
 *
 * Nothing is trusted: what is not sound marks the reader as failed, after which it reads nothing more and every struct and list
 * is at its end. So a caller reads a whole struct and looks once.
 */
#ifndef LK_PARQUET_THRIFT_READ_H
#define LK_PARQUET_THRIFT_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lk_thrift_kind { /* on the wire */
	LK_WIRE_TRUE = 1, LK_WIRE_FALSE = 2, LK_WIRE_BYTE = 3, LK_WIRE_I16 = 4, LK_WIRE_I32 = 5, LK_WIRE_I64 = 6,
	LK_WIRE_DOUBLE = 7, LK_WIRE_BINARY = 8, LK_WIRE_LIST = 9, LK_WIRE_SET = 10, LK_WIRE_MAP = 11, LK_WIRE_STRUCT = 12,
};

struct lk_thrift_reader {
	const uint8_t *p, *end;
	bool failed;
	int depth; /* of structs and lists being skipped */
};

struct lk_thrift_field {
	int id;	  /* 0 before the first */
	int kind; /* of the value that follows */
};

/* The next field of a struct; false at its end. Its value must be read or skipped before the next call. */
bool lk_thrift_next(struct lk_thrift_reader *r, struct lk_thrift_field *field);

/* The value of a field of this kind; 0 and NULL, and the value skipped, when it is of another kind. */
int64_t lk_thrift_read_int(struct lk_thrift_reader *r, const struct lk_thrift_field *field);
const char *lk_thrift_read_binary(struct lk_thrift_reader *r, const struct lk_thrift_field *field, size_t *len);

/* Begins a list and returns how many elements follow, at most one for each byte that is left; *kind is theirs. */
size_t lk_thrift_read_list(struct lk_thrift_reader *r, const struct lk_thrift_field *field, int *kind);

void lk_thrift_skip(struct lk_thrift_reader *r, int kind);

#endif
