/*
 * Parquet's hybrid of run-length and bit-packed encoding ("RLE / Bit-Packing Hybrid" of parquet-format's Encodings),
 * for definition levels and for dictionary indices.
 */
#ifndef LK_PARQUET_ENCODE_H
#define LK_PARQUET_ENCODE_H

#include <stddef.h>
#include <stdint.h>

/* Room that n one-bit levels need at most. */
#define LK_LEVELS_ROOM(n) ((size_t)(n) / 8 + 32)
/* Room that n indices of this width need at most, the width byte included. */
#define LK_INDICES_ROOM(n, width) (((size_t)(n) / 8 + 1) * ((size_t)(width) + 1) + 32)

/* n levels of 0 or 1, given as bits of which set_count are 1; the bytes to the end of the last group of 8 are zero.
 * Returns the bytes written. */
size_t lk_encode_levels(const uint8_t *bits, int64_t n, int64_t set_count, uint8_t *out);

/* The width byte, then n indices of width bits (0 to 16) each. Returns the bytes written. */
size_t lk_encode_indices(const uint32_t *indices, int64_t n, int width, uint8_t *out);

#endif
