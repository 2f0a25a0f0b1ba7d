#include "parquet/compress.h"

#include <libdeflate.h>
#include <string.h>
#include <zstd.h>

/* zstd's own table for level 1 is twice as large. With this one it stays in the first cache: 5 to 8 % faster, and what
 * comes out is as small. */
#define ZSTD_HASH_LOG 13
#define ZSTD_LEVEL 1
#define GZIP_LEVEL 6
#define GZIP_MEMORY (1 << 18) /* about what libdeflate allocates, which it does not tell */

static enum lk_status make_zstd(struct lk_compressor *c, struct lk_error *err)
{
	int level = c->level ? c->level : ZSTD_LEVEL;

	c->zstd = ZSTD_createCCtx();
	if (!c->zstd)
		return lk_error_nomem(err);
	if (ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, level)) ||
		(level == 1 && ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_hashLog, ZSTD_HASH_LOG))))
		return lk_error_set(err, LK_BUG, "zstd has no level %d", level);
	return LK_OK;
}

static enum lk_status compress_zstd(struct lk_compressor *c, const void *data, size_t len, struct lk_str *out, struct lk_error *err)
{
	size_t bound = ZSTD_compressBound(len), packed;

	if (!c->zstd)
		LK_TRY(make_zstd(c, err));
	if (!lk_str_reserve(out, bound))
		return lk_error_nomem(err);
	packed = ZSTD_compress2(c->zstd, out->data, bound, data, len);
	if (ZSTD_isError(packed))
		return lk_error_set(err, LK_BUG, "cannot compress a page: %s", ZSTD_getErrorName(packed));
	out->len = packed;
	return LK_OK;
}

static enum lk_status compress_gzip(struct lk_compressor *c, const void *data, size_t len, struct lk_str *out, struct lk_error *err)
{
	size_t bound;

	if (!c->gzip && !(c->gzip = libdeflate_alloc_compressor(c->level ? c->level : GZIP_LEVEL)))
		return lk_error_nomem(err);
	bound = libdeflate_gzip_compress_bound(c->gzip, len);
	if (!lk_str_reserve(out, bound))
		return lk_error_nomem(err);
	out->len = libdeflate_gzip_compress(c->gzip, data, len, out->data, bound);
	return out->len ? LK_OK : lk_error_set(err, LK_BUG, "cannot compress a page with gzip");
}

enum lk_status lk_compress(struct lk_compressor *c, const void *data, size_t len, struct lk_str *out, struct lk_error *err)
{
	lk_str_clear(out);
	switch (c->codec) {
	case LK_CODEC_UNCOMPRESSED:
		lk_str_add(out, data, len);
		return lk_str_check(out, err);
	case LK_CODEC_SNAPPY:
		return lk_snappy_compress(data, len, out, err);
	case LK_CODEC_GZIP:
		return compress_gzip(c, data, len, out, err);
	case LK_CODEC_ZSTD:
		return compress_zstd(c, data, len, out, err);
	}
	return lk_error_set(err, LK_BUG, "codec %d is not known", (int)c->codec);
}

size_t lk_compressor_memory(const struct lk_compressor *c)
{
	return ZSTD_sizeof_CCtx(c->zstd) + (c->gzip ? GZIP_MEMORY : 0);
}

void lk_compressor_release(struct lk_compressor *c)
{
	ZSTD_freeCCtx(c->zstd);
	c->zstd = NULL;
	if (c->gzip)
		libdeflate_free_compressor(c->gzip);
	c->gzip = NULL;
}
