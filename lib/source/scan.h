/*
 * The structural scan of delimited text: where its special bytes are, 64 bytes at a time.
 *
 *	text:  4,"a ""b""",x\n...
 *	bits:  .##...##.####.#        one for each delimiter, quote, escape, line feed or return
 *
 * A scan walks one buffer forward. It also tells whether bytes that are not plain ASCII text were among those
 * it passed, so that most records need no look at their UTF-8.
 */
#ifndef LK_SOURCE_SCAN_H
#define LK_SOURCE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LK_SCAN_BLOCK 64
#define LK_SCAN_SPECIALS 5

struct lk_scan {
	const unsigned char *data; /* the buffer; LK_SCAN_BLOCK bytes beyond its end may be read */
	size_t len;
	size_t base;   /* start of the current block */
	uint64_t mask; /* special bytes of the block that were not handed out yet */
	bool odd;	 /* a byte above 0x7f, or NUL, is in a block that was looked at since lk_scan_mark */
	bool odd_block; /* the current block has one */
	unsigned char specials[LK_SCAN_SPECIALS]; /* repeated where there are fewer */
#ifdef __SSE2__
	__m128i wanted[LK_SCAN_SPECIALS]; /* each special 16 times; filled by lk_scan_start */
#endif
};

#ifdef __SSE2__
/* The bits of 16 bytes. */
static inline unsigned lk_scan_bits16(const struct lk_scan *s, const unsigned char *p, unsigned *odd)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i found = _mm_or_si128(_mm_cmpeq_epi8(bytes, s->wanted[0]), _mm_cmpeq_epi8(bytes, s->wanted[1]));

	found = _mm_or_si128(found,
		_mm_or_si128(_mm_cmpeq_epi8(bytes, s->wanted[2]), _mm_cmpeq_epi8(bytes, s->wanted[3])));
	found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, s->wanted[4]));
	*odd = (unsigned)_mm_movemask_epi8(_mm_or_si128(bytes, _mm_cmpeq_epi8(bytes, _mm_setzero_si128())));
	return (unsigned)_mm_movemask_epi8(found);
}

static inline uint64_t lk_scan_bits(const struct lk_scan *s, const unsigned char *p, uint64_t *odd)
{
	unsigned odds[4];
	uint64_t low = lk_scan_bits16(s, p, &odds[0]) | (uint64_t)lk_scan_bits16(s, p + 16, &odds[1]) << 16;
	uint64_t high = lk_scan_bits16(s, p + 32, &odds[2]) | (uint64_t)lk_scan_bits16(s, p + 48, &odds[3])
								      << 16;

	*odd = odds[0] | odds[1] | odds[2] | odds[3] ?
		       odds[0] | (uint64_t)odds[1] << 16 | (uint64_t)odds[2] << 32 | (uint64_t)odds[3] << 48 :
		       0;
	return low | high << 32;
}
#else
static inline uint64_t lk_scan_bits(const struct lk_scan *s, const unsigned char *p, uint64_t *odd)
{
	uint64_t mask = 0;

	*odd = 0;
	for (int i = 0; i < LK_SCAN_BLOCK; i++) {
		bool found = false;

		for (int k = 0; k < LK_SCAN_SPECIALS; k++)
			found |= p[i] == s->specials[k];
		mask |= (uint64_t)found << i;
		*odd |= (uint64_t)(p[i] > 0x7f || p[i] == 0) << i;
	}
	return mask;
}
#endif

static inline void lk_scan_load(struct lk_scan *s)
{
	uint64_t odd, inside = UINT64_MAX;

	s->mask = lk_scan_bits(s, s->data + s->base, &odd);
	if (s->len - s->base < LK_SCAN_BLOCK)
		inside = (UINT64_C(1) << (s->len - s->base)) - 1;
	s->mask &= inside;
	s->odd_block = (odd & inside) != 0;
	s->odd |= s->odd_block;
}

/* From here on `odd` is asked. */
static inline void lk_scan_mark(struct lk_scan *s)
{
	s->odd = s->odd_block;
}

/* Begins at a position, which need not be where a block starts. */
static inline void lk_scan_start(struct lk_scan *s, size_t from)
{
#ifdef __SSE2__
	for (int k = 0; k < LK_SCAN_SPECIALS; k++)
		s->wanted[k] = _mm_set1_epi8((char)s->specials[k]);
#endif
	s->base = from;
	s->mask = 0;
	s->odd_block = false;
	if (from < s->len)
		lk_scan_load(s);
}

/* The next special byte's position; len at the end of the buffer. */
static inline size_t lk_scan_next(struct lk_scan *s)
{
	size_t at;

	while (!s->mask) {
		if (s->len - s->base <= LK_SCAN_BLOCK) {
			s->base = s->len;
			return s->len;
		}
		s->base += LK_SCAN_BLOCK;
		lk_scan_load(s);
	}
	at = s->base + (size_t)__builtin_ctzll(s->mask);
	s->mask &= s->mask - 1;
	return at;
}

#endif
