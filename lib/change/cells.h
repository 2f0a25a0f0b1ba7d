/*
 * Cells: one column's values of a batch, from Arrow or from DuckDB, in one normal form, so that what is the same value in a table is the
 * same here, whatever type it came in: integers of all widths, dates and times are 64-bit integers, decimals have the table's scale,
 * a float's -0 is 0 and its NaNs are one.
 *
 *	hashes	 of a whole column at a time, folded into those of the columns before it
 *	encoded	 bytes that memcmp orders as values are ordered, that say where they end, and that can be read again:
 *		 00 null | 01 value; an integer 8 bytes, a decimal 16, a float 8, big endian with the sign turned;
 *		 text with 00 as 00 FF, ended by 00 00
 */
#ifndef LK_CHANGE_CELLS_H
#define LK_CHANGE_CELLS_H

#include "base/str.h"
#include "base/value.h"
#include "stream/schema.h"

enum lk_cells_kind { LK_CELLS_INT, LK_CELLS_DECIMAL, LK_CELLS_FLOAT, LK_CELLS_BYTES };

/* How the values lie in memory. */
enum lk_cells_layout {
	LK_CELLS_BITS, /* Arrow's booleans */
	LK_CELLS_I8, LK_CELLS_I16, LK_CELLS_I32, LK_CELLS_I64, LK_CELLS_I128, LK_CELLS_U8, LK_CELLS_U16, LK_CELLS_U32,
	LK_CELLS_F32, LK_CELLS_F64,
	LK_CELLS_TEXT32, LK_CELLS_TEXT64, /* Arrow's offsets, into text */
	LK_CELLS_FIXED,			  /* bytes of one width */
	LK_CELLS_DUCK,			  /* duckdb_string_t */
	LK_CELLS_NULL,			  /* all null */
};

struct lk_cells {
	enum lk_cells_kind kind;
	enum lk_cells_layout layout;
	const void *data, *text; /* text: what offsets point into */
	const uint8_t *valid;	 /* a bit for each value, set: it is not null; NULL: none is null */
	int64_t offset;		 /* where the first row is, in values and bits */
	int width;		 /* of LK_CELLS_FIXED */
	int64_t factor;		 /* values are multiplied by it: units of time, scales of decimals; 1 */
};

/* What kind of cells an Iceberg type's values are; false for nested types, and those that lk does not know. */
bool lk_cells_kind_of(const char *type, enum lk_cells_kind *kind);

/*
 * A column of Arrow (the view is the column's: rows count from its offset), as values of an Iceberg type ("long", "decimal(9, 2)", ...;
 * NULL: of its own, which no other unit or scale is compared with). LK_DATA where values of the one cannot be the other's without loss
 * (lake/types.h has what may widen), or are nested, unsigned of 64 bits, floats of 16 or decimals of 256.
 */
enum lk_status lk_cells_arrow(struct lk_cells *cells, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	const char *type, struct lk_error *err) LK_CHECKED;

bool lk_cells_is_null(const struct lk_cells *c, int64_t row);

/* Folds the hashes of rows 0..count-1 into hash[0..count-1]. Begin with zeros. Hashes are of this process: another one has others. */
void lk_cells_hash(const struct lk_cells *c, int64_t count, uint64_t *hash);

/* Appends a row's value, encoded. */
void lk_cells_encode(const struct lk_cells *c, int64_t row, struct lk_str *out);

/* The hash of encoded cells: what lk_cells_hash makes of the same values. False when they are not sound. kinds: of each cell. */
bool lk_encoded_hash(const void *data, size_t len, const enum lk_cells_kind *kinds, int count, uint64_t *hash);

/* Encoded cells as JSON text, an array: ["FAC1",17]; for people. Types as Iceberg writes them. */
bool lk_encoded_text(const void *data, size_t len, const char *const *types, int count, struct lk_str *out);

#endif
