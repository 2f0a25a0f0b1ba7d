#include "lake/codec.h"

#include <libdeflate.h>
#include <string.h>
#include <zstd.h>

static enum lk_status damaged(const char *codec, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "damaged %s block", codec);
}

/* Deflate does not say how long it becomes: a larger buffer is tried until it fits. */
static enum lk_status inflate_block(const unsigned char *data, size_t len, struct lk_str *out, struct lk_error *err)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	enum libdeflate_result result = LIBDEFLATE_INSUFFICIENT_SPACE;
	size_t got = 0;

	if (!d)
		return lk_error_nomem(err);
	for (size_t room = len * 4 + 4096; result == LIBDEFLATE_INSUFFICIENT_SPACE && room < 4 * LK_BLOCK_MAX; room *= 4) {
		if (room > LK_BLOCK_MAX)
			room = LK_BLOCK_MAX;
		if (!lk_str_reserve(out, room))
			break;
		result = libdeflate_deflate_decompress(d, data, len, out->data + out->len, room, &got);
		if (room == LK_BLOCK_MAX)
			break;
	}
	libdeflate_free_decompressor(d);
	LK_TRY(lk_str_check(out, err));
	if (result != LIBDEFLATE_SUCCESS)
		return damaged("deflate", err);
	out->len += got;
	out->data[out->len] = '\0';
	return LK_OK;
}

static enum lk_status unzstd_block(const unsigned char *data, size_t len, struct lk_str *out, struct lk_error *err)
{
	ZSTD_DCtx *ctx = ZSTD_createDCtx();
	ZSTD_inBuffer in = {data, len, 0};
	size_t rc = 1, start = out->len;
	enum lk_status status = LK_OK;

	if (!ctx)
		return lk_error_nomem(err);
	while (!status && rc) {
		ZSTD_outBuffer room;
		size_t before = in.pos;

		if (!lk_str_reserve(out, ZSTD_DStreamOutSize())) {
			status = lk_error_nomem(err);
			break;
		}
		room = (ZSTD_outBuffer){out->data + out->len, ZSTD_DStreamOutSize(), 0};
		rc = ZSTD_decompressStream(ctx, &room, &in);
		out->len += room.pos;
		out->data[out->len] = '\0';
		if (ZSTD_isError(rc) || out->len - start > LK_BLOCK_MAX || (rc && !room.pos && in.pos == before))
			status = damaged("zstandard", err);
	}
	ZSTD_freeDCtx(ctx);
	return status;
}

struct snappy {
	const unsigned char *p, *end;
	unsigned char *out;
	size_t size, done; /* bytes to make, bytes made */
};

static bool snappy_literal(struct snappy *s, unsigned tag)
{
	size_t n = tag >> 2;

	if (n >= 60) {
		size_t bytes = n - 59;

		if ((size_t)(s->end - s->p) < bytes)
			return false;
		n = 0;
		for (size_t i = 0; i < bytes; i++)
			n |= (size_t)*s->p++ << (8 * i);
	}
	n++;
	if (n > (size_t)(s->end - s->p) || n > s->size - s->done)
		return false;
	memcpy(s->out + s->done, s->p, n);
	s->p += n;
	s->done += n;
	return true;
}

static bool snappy_copy(struct snappy *s, unsigned tag)
{
	unsigned bytes = (tag & 3) == 1 ? 1 : (tag & 3) == 2 ? 2 : 4;
	size_t n = (tag & 3) == 1 ? (tag >> 2 & 7) + 4 : (tag >> 2) + 1;
	size_t distance = (tag & 3) == 1 ? (size_t)(tag >> 5) << 8 : 0;

	if ((size_t)(s->end - s->p) < bytes)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		distance |= (size_t)*s->p++ << (8 * i);
	if (!distance || distance > s->done || n > s->size - s->done)
		return false;
	for (; n; n--, s->done++)
		s->out[s->done] = s->out[s->done - distance];
	return true;
}

/* Snappy's raw format, then four bytes of CRC-32, big-endian, of the result. */
static enum lk_status unsnappy_block(const unsigned char *data, size_t len, struct lk_str *out, struct lk_error *err)
{
	struct snappy s = {.p = data};
	uint32_t crc;
	int shift = 0;

	if (len < 5)
		return damaged("snappy", err);
	s.end = data + len - 4;
	do {
		if (s.p == s.end || shift > 28)
			return damaged("snappy", err);
		s.size |= (size_t)(*s.p & 0x7f) << shift;
		shift += 7;
	} while (*s.p++ & 0x80);
	if (s.size > LK_BLOCK_MAX)
		return damaged("snappy", err);
	if (!lk_str_reserve(out, s.size))
		return lk_error_nomem(err);
	s.out = (unsigned char *)out->data + out->len;
	while (s.p < s.end) {
		unsigned tag = *s.p++;

		if (!(tag & 3 ? snappy_copy(&s, tag) : snappy_literal(&s, tag)))
			return damaged("snappy", err);
	}
	crc = (uint32_t)s.p[0] << 24 | (uint32_t)s.p[1] << 16 | (uint32_t)s.p[2] << 8 | s.p[3];
	if (s.done != s.size || libdeflate_crc32(0, s.out, s.size) != crc)
		return damaged("snappy", err);
	out->len += s.size;
	out->data[out->len] = '\0';
	return LK_OK;
}

enum lk_status lk_block_decompress(const char *codec, const unsigned char *data, size_t len, struct lk_str *out,
	struct lk_error *err)
{
	if (!strcmp(codec, "deflate"))
		return inflate_block(data, len, out, err);
	if (!strcmp(codec, "zstandard"))
		return unzstd_block(data, len, out, err);
	if (!strcmp(codec, "snappy"))
		return unsnappy_block(data, len, out, err);
	if (strcmp(codec, "null"))
		return lk_error_set(err, LK_MISSING, "Avro codec '%s' is not known", codec);
	lk_str_add(out, data, len);
	return lk_str_check(out, err);
}

/* The length that the trailer tells, modulo 2^32; deflate makes at most 1032 bytes of one. */
static size_t gzip_length(const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data + len - 4;

	return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

enum lk_status lk_gzip_decompress(const char *data, size_t len, size_t max_bytes, struct lk_str *out, struct lk_error *err)
{
	struct libdeflate_decompressor *d;
	enum libdeflate_result result;
	size_t room, got = 0;

	if (len < 18)
		return lk_error_set(err, LK_DATA, "damaged gzip file");
	room = gzip_length(data, len);
	if (room > max_bytes || room / 1032 > len)
		return lk_error_set(err, LK_DATA, "damaged gzip file: it tells a length of %zu bytes", room);
	d = libdeflate_alloc_decompressor();
	if (!d || !lk_str_reserve(out, room)) {
		libdeflate_free_decompressor(d);
		return lk_error_nomem(err);
	}
	result = libdeflate_gzip_decompress(d, data, len, out->data + out->len, room, &got);
	libdeflate_free_decompressor(d);
	if (result != LIBDEFLATE_SUCCESS)
		return lk_error_set(err, LK_DATA, "damaged gzip file");
	out->len += got;
	out->data[out->len] = '\0';
	return LK_OK;
}
