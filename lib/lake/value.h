/*
 * Single values: how Iceberg writes one value of a type as bytes ("Appendix D: Single-value serialization", binary), as
 * bounds of columns, partition values and their summaries are.
 *
 *	int, date				4 bytes, little-endian (and 8 where the column was widened since, or the other way)
 *	long, time, timestamp, timestamptz	8 bytes, little-endian
 *	float, double				4 and 8 bytes, little-endian
 *	decimal					two's complement, big-endian, as few bytes as hold it
 *	string, uuid, fixed, binary, boolean	the bytes
 */
#ifndef LK_LAKE_VALUE_H
#define LK_LAKE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* By what values of a type are ordered. */
enum lk_value_kind {
	LK_VALUE_INTEGER,
	LK_VALUE_FLOAT, /* float and double */
	LK_VALUE_DECIMAL,
	LK_VALUE_BYTES,
	LK_VALUE_NONE, /* nested types, and those of later formats */
};

/* type: Iceberg's word, such as "long" or "decimal(9, 2)"; NULL is none. */
enum lk_value_kind lk_value_kind(const char *type);

/* Whether that many bytes can be a value of the kind. */
bool lk_value_sound(enum lk_value_kind kind, size_t len);

/* Below 0, 0, above 0. Both are sound; no NaN among them. -0.0 is before 0.0. */
int lk_value_compare(enum lk_value_kind kind, const void *a, size_t a_len, const void *b, size_t b_len);

/* Integers of 4 or 8 bytes, and floats of 4 or 8. */
int64_t lk_value_integer(const void *data, size_t len);
double lk_value_double(const void *data, size_t len);

/* How many bytes of a decimal at its front only repeat its sign, so that the rest is its shortest form. */
size_t lk_value_padding(const void *decimal, size_t len);

#endif
