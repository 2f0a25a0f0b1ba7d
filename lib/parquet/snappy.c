/*
 * Snappy, for tables that ask for it: the length, then literals and copies of what was before. A greedy match of four bytes
 * within blocks of 64 KiB, found by a table of hashes, as the format's authors have it.
 */
#include <string.h>

#include "parquet/bits.h"
#include "parquet/compress.h"

#define BLOCK ((size_t)1 << 16)
#define TABLE_BITS 14
#define MARGIN 15 /* matches end so far before a block does, so that loads stay inside */

struct sink {
	uint8_t *p;
};

static void put_literal(struct sink *s, const uint8_t *data, size_t len)
{
	size_t n = len - 1;

	if (!len)
		return;
	if (n < 60) {
		*s->p++ = (uint8_t)(n << 2);
	} else if (n < 256) {
		*s->p++ = 60 << 2;
		*s->p++ = (uint8_t)n;
	} else {
		*s->p++ = 61 << 2;
		*s->p++ = (uint8_t)n;
		*s->p++ = (uint8_t)(n >> 8);
	}
	memcpy(s->p, data, len);
	s->p += len;
}

static void put_copy_part(struct sink *s, size_t distance, size_t len)
{
	if (len >= 4 && len < 12 && distance < 2048) {
		*s->p++ = (uint8_t)(1 | (len - 4) << 2 | distance >> 8 << 5);
		*s->p++ = (uint8_t)distance;
	} else {
		*s->p++ = (uint8_t)(2 | (len - 1) << 2);
		*s->p++ = (uint8_t)distance;
		*s->p++ = (uint8_t)(distance >> 8);
	}
}

static void put_copy(struct sink *s, size_t distance, size_t len)
{
	for (; len >= 68; len -= 64)
		put_copy_part(s, distance, 64);
	if (len > 64) {
		put_copy_part(s, distance, 60);
		len -= 60;
	}
	put_copy_part(s, distance, len);
}

static inline uint32_t hash(uint32_t word)
{
	return word * 0x1e35a7bdu >> (32 - TABLE_BITS);
}

static size_t match_length(const uint8_t *a, const uint8_t *b, const uint8_t *end)
{
	const uint8_t *start = b;

	while (b + 8 <= end && lk_load64(a) == lk_load64(b)) {
		a += 8;
		b += 8;
	}
	while (b < end && *a == *b) {
		a++;
		b++;
	}
	return (size_t)(b - start);
}

/* The longer nothing matches, the larger the steps: what does not compress goes by quickly. */
static void compress_block(struct sink *s, const uint8_t *block, size_t len, uint16_t table[1 << TABLE_BITS])
{
	size_t at = 1, literal = 0, misses = 32;

	memset(table, 0, sizeof(*table) << TABLE_BITS);
	while (len > MARGIN && at < len - MARGIN) {
		uint32_t word = lk_load32(block + at), slot = hash(word);
		size_t candidate = table[slot];

		table[slot] = (uint16_t)at;
		if (lk_load32(block + candidate) != word || candidate >= at) {
			at += misses++ >> 5;
			continue;
		}
		put_literal(s, block + literal, at - literal);
		literal = at + 4 + match_length(block + candidate + 4, block + at + 4, block + len);
		put_copy(s, at - candidate, literal - at);
		at = literal;
		misses = 32;
	}
	put_literal(s, block + literal, len - literal);
}

enum lk_status lk_snappy_compress(const void *data, size_t len, struct lk_str *out, struct lk_error *err)
{
	uint16_t table[1 << TABLE_BITS];
	struct sink s;

	/* The worst case: all literals, with three bytes before each block, and copies never longer than what they stand for. */
	if (!lk_str_reserve(out, len + len / 6 + 32))
		return lk_error_nomem(err);
	s.p = (uint8_t *)out->data + out->len;
	for (size_t n = len;; n >>= 7) {
		*s.p++ = (uint8_t)((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
		if (n <= 0x7f)
			break;
	}
	for (size_t at = 0; at < len; at += BLOCK)
		compress_block(&s, (const uint8_t *)data + at, len - at < BLOCK ? len - at : BLOCK, table);
	out->len = (size_t)((char *)s.p - out->data);
	out->data[out->len] = '\0';
	return LK_OK;
}
