/*
 * One cell's value in normal form (private to lib/change). layout is the cells' own; who gives it as a constant has a loop of its own for it.
 */
#ifndef LK_CHANGE_CELL_VALUE_H
#define LK_CHANGE_CELL_VALUE_H

#include <stddef.h>
#include <string.h>

#include "change/cells.h"

#define LK_CELL_INLINE static inline __attribute__((always_inline))

/* duckdb_string_t: text of up to twelve bytes stands in place of prefix and data. */
struct lk_cell_duck {
	uint32_t len;
	char prefix[4];
	const char *data;
};
#define LK_CELL_DUCK_INLINE 12

struct lk_cell_bytes {
	const char *data;
	size_t len;
};

LK_CELL_INLINE bool lk_cell_is_valid(const struct lk_cells *c, int64_t at)
{
	return !c->valid || (c->valid[at >> 3] >> (at & 7) & 1);
}

LK_CELL_INLINE int64_t lk_cell_int(const struct lk_cells *c, enum lk_cells_layout layout, int64_t at)
{
	switch (layout) {
	case LK_CELLS_BITS: return ((const uint8_t *)c->data)[at >> 3] >> (at & 7) & 1;
	case LK_CELLS_I8: return ((const int8_t *)c->data)[at];
	case LK_CELLS_I16: return ((const int16_t *)c->data)[at];
	case LK_CELLS_I32: return ((const int32_t *)c->data)[at];
	case LK_CELLS_I64: return ((const int64_t *)c->data)[at];
	case LK_CELLS_U8: return ((const uint8_t *)c->data)[at];
	case LK_CELLS_U16: return ((const uint16_t *)c->data)[at];
	case LK_CELLS_U32: return ((const uint32_t *)c->data)[at];
	default: return 0;
	}
}

/* With the factor: what does not fit wraps, which lk_cells_arrow sees to. */
LK_CELL_INLINE int64_t lk_cell_scaled_int(const struct lk_cells *c, enum lk_cells_layout layout, int64_t at)
{
	return (int64_t)((uint64_t)lk_cell_int(c, layout, at) * (uint64_t)c->factor);
}

LK_CELL_INLINE lk_int128 lk_cell_decimal(const struct lk_cells *c, enum lk_cells_layout layout, int64_t at)
{
	lk_int128 value;

	if (layout == LK_CELLS_I128)
		memcpy(&value, (const char *)c->data + 16 * at, sizeof(value));
	else
		value = lk_cell_int(c, layout, at);
	return (lk_int128)((unsigned __int128)value * (unsigned __int128)c->factor);
}

/* The bits of a double: one zero, and one NaN. */
LK_CELL_INLINE uint64_t lk_cell_float(const struct lk_cells *c, enum lk_cells_layout layout, int64_t at)
{
	double value = layout == LK_CELLS_F32 ? (double)((const float *)c->data)[at] : ((const double *)c->data)[at];
	uint64_t bits;

	if (value != value)
		return UINT64_C(0x7ff8000000000000);
	value = value == 0 ? 0 : value;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

LK_CELL_INLINE struct lk_cell_bytes lk_cell_bytes(const struct lk_cells *c, enum lk_cells_layout layout, int64_t at)
{
	const struct lk_cell_duck *duck;
	const int32_t *narrow;
	const int64_t *wide;

	switch (layout) {
	case LK_CELLS_TEXT32:
		narrow = (const int32_t *)c->data + at;
		return (struct lk_cell_bytes){(const char *)c->text + narrow[0], (size_t)(narrow[1] - narrow[0])};
	case LK_CELLS_TEXT64:
		wide = (const int64_t *)c->data + at;
		return (struct lk_cell_bytes){(const char *)c->text + wide[0], (size_t)(wide[1] - wide[0])};
	case LK_CELLS_FIXED:
		return (struct lk_cell_bytes){(const char *)c->data + c->width * at, (size_t)c->width};
	case LK_CELLS_DUCK:
		duck = (const struct lk_cell_duck *)c->data + at;
		if (duck->len <= LK_CELL_DUCK_INLINE)
			return (struct lk_cell_bytes){(const char *)duck + offsetof(struct lk_cell_duck, prefix), duck->len};
		return (struct lk_cell_bytes){duck->data, duck->len};
	default:
		return (struct lk_cell_bytes){"", 0};
	}
}

/* ---- encoded numbers: big endian, the sign turned, so that memcmp orders them as they are ---- */

#define LK_CELL_SIGN (UINT64_C(1) << 63)

static inline uint64_t lk_cell_get64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return __builtin_bswap64(value);
}

static inline void lk_cell_put64(uint8_t *p, uint64_t value)
{
	value = __builtin_bswap64(value);
	memcpy(p, &value, sizeof(value));
}

/* Of a double's bits, and back: negative ones are turned whole, for they grow downwards. */
static inline uint64_t lk_cell_float_order(uint64_t bits)
{
	return bits & LK_CELL_SIGN ? ~bits : bits | LK_CELL_SIGN;
}

static inline uint64_t lk_cell_float_bits(uint64_t order)
{
	return order & LK_CELL_SIGN ? order & ~LK_CELL_SIGN : ~order;
}

/* ---- inside of an encoded row ---- */

struct lk_cell_reader {
	const uint8_t *p, *end;
};

/* One cell of encoded ones. Text is as it stands there: 00 FF for 00; lk_encoded_add_text makes it what it was. */
struct lk_encoded_cell {
	bool null, escaped;
	uint64_t high, low; /* of a decimal; low: the value of an integer, or a double's bits */
	const uint8_t *data;
	size_t len;
};
/* False where there is none. */
bool lk_encoded_next(struct lk_cell_reader *r, enum lk_cells_kind kind, struct lk_encoded_cell *cell);
/* Appends the text of a cell. */
void lk_encoded_add_text(const struct lk_encoded_cell *cell, struct lk_str *out);

/* Whether a row's value is that of the encoded cell that r stands at, which is passed then. */
bool lk_cell_matches(const struct lk_cells *c, int64_t row, struct lk_cell_reader *r);

/* ---- hashes ---- */

/* Folds a value, or a null, into a hash; the hash of bytes, that is folded in turn. */
uint64_t lk_cell_fold(uint64_t hash, uint64_t value);
uint64_t lk_cell_fold_null(uint64_t hash);
uint64_t lk_cell_hash_bytes(const void *data, size_t len);

#endif
