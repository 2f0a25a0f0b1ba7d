/*
 * Schemas: what a table's columns are called and hold, on nanoarrow's ArrowSchema.
 *
 * The types that lk writes. What else arrives on a stream (dictionaries, large utf8, narrow integers, float32,
 * lists, structs, ...) is told by nanoarrow's own ArrowSchemaView; lk_type_of maps what it can to one of these.
 */
#ifndef LK_STREAM_SCHEMA_H
#define LK_STREAM_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "nanoarrow/nanoarrow.h"

#include "base/error.h"
#include "base/str.h"

enum lk_type {
	LK_BOOL,
	LK_INT32,
	LK_INT64,
	LK_FLOAT64,
	LK_DECIMAL128,
	LK_UTF8,
	LK_BINARY,
	LK_DATE32,	/* days */
	LK_TIME64,	/* microseconds of the day */
	LK_TIMESTAMP,	/* microseconds, no zone */
	LK_TIMESTAMPTZ, /* microseconds, UTC */
	LK_OTHER,	/* anything else: lists, structs, ... */
};

/* One key and value of schema or field metadata, under `lk.` where it is ours. */
struct lk_meta {
	const char *key, *value;
};

/* A column as a tool describes it; tables of these are ended by name NULL where no count is given. */
struct lk_field {
	const char *name;
	enum lk_type type;
	int precision, scale; /* of LK_DECIMAL128 */
	bool required;	      /* never null */
	const struct lk_meta *meta; /* ended by key NULL; may be NULL */
};

/* Makes a struct schema of these fields. meta is ended by key NULL and may be NULL. The caller releases *out. */
enum lk_status lk_schema_make(struct ArrowSchema *out, const struct lk_field *fields, int count,
	const struct lk_meta *meta, struct lk_error *err) LK_CHECKED;

/* What a column's schema is of our types, with precision and scale for decimals (may be NULL). Narrower integers are
 * LK_INT32 or LK_INT64 only when exactly that; large utf8 and large binary count as LK_UTF8 and LK_BINARY;
 * timestamps only in microseconds. */
enum lk_type lk_type_of(const struct ArrowSchema *column, int *precision, int *scale);

/* The word for a type in messages and in --schema: "int64", "decimal(9,2)", "timestamp[us, UTC]", "list<utf8>". */
void lk_type_name(const struct ArrowSchema *column, struct lk_str *out);

/* A value of schema or field metadata, or false. *value is borrowed from the schema and NOT NUL-terminated. */
bool lk_meta_get(const struct ArrowSchema *schema, const char *key, struct ArrowStringView *value);
/* The same as a C string in out (size bytes); false when absent or too long. */
bool lk_meta_text(const struct ArrowSchema *schema, const char *key, char *out, size_t size);
/* Sets or, with value NULL, removes one. */
enum lk_status lk_meta_set(struct ArrowSchema *schema, const char *key, const char *value,
	struct lk_error *err) LK_CHECKED;

/* Index of the column of that name, or -1. */
int lk_schema_find(const struct ArrowSchema *schema, const char *name);

/* Same columns in the same order with the same types and nullability; metadata are not looked at. */
bool lk_schema_equal(const struct ArrowSchema *a, const struct ArrowSchema *b);

/* A nanoarrow code and message as a status of ours. what: "cannot read 'x'" or NULL. */
enum lk_status lk_arrow_status(int code, const struct ArrowError *arrow, enum lk_status otherwise, const char *what,
	struct lk_error *err);

#endif
