/*
 * Bits and little-endian words at any position, as Arrow's validity bitmaps and Parquet's levels have them: least
 * significant bit first. Kept inline for the loops over values.
 */
#ifndef LK_PARQUET_BITS_H
#define LK_PARQUET_BITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "values are copied to Parquet as they lie in memory: this needs a little-endian machine"
#endif

static inline uint64_t lk_load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static inline uint32_t lk_load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

/* n bits (1 to 64) from bit `at` on, the rest zero. Reads no byte that holds none of them. */
static inline uint64_t lk_bits_load(const uint8_t *bits, int64_t at, int n)
{
	const uint8_t *p = bits + (at >> 3);
	int shift = (int)(at & 7), bytes = (shift + n + 7) >> 3;
	uint64_t v = 0;

	if (bytes >= 8) {
		v = lk_load64(p) >> shift;
		if (bytes > 8)
			v |= (uint64_t)p[8] << (64 - shift);
	} else {
		for (int i = 0; i < bytes; i++)
			v |= (uint64_t)p[i] << (8 * i);
		v >>= shift;
	}
	return n == 64 ? v : v & ((UINT64_C(1) << n) - 1);
}

/* Puts n bits (1 to 64; v has no others) at bit `at` of a buffer with room for 9 bytes from there, whose bits from
 * `at` on are zero up to the end of that byte. */
static inline void lk_bits_store(uint8_t *bits, int64_t at, uint64_t v, int n)
{
	uint8_t *p = bits + (at >> 3);
	int shift = (int)(at & 7);
	uint64_t low = shift ? *p | v << shift : v;

	memcpy(p, &low, 8);
	p[8] = shift + n > 64 ? (uint8_t)(v >> (64 - shift)) : 0;
}

#endif
