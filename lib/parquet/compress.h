/* Page compression: the codecs of parquet.thrift that lk writes. */
#ifndef LK_PARQUET_COMPRESS_H
#define LK_PARQUET_COMPRESS_H

#include <stddef.h>

#include "base/str.h"
#include "parquet/parquet.h"

struct ZSTD_CCtx_s;
struct libdeflate_compressor;

struct lk_compressor {
	enum lk_codec codec;
	int level; /* 0: the codec's own */
	struct ZSTD_CCtx_s *zstd;	     /* NULL until something is compressed */
	struct libdeflate_compressor *gzip; /* the same */
};

/* Puts the compressed bytes into *out, in place of what it held. */
enum lk_status lk_compress(struct lk_compressor *c, const void *data, size_t len, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* Bytes held by the compressor, and giving them back; it can be used again. */
size_t lk_compressor_memory(const struct lk_compressor *c);
void lk_compressor_release(struct lk_compressor *c);

/* Snappy's raw format ("Snappy compressed format description"), appended to *out. */
enum lk_status lk_snappy_compress(const void *data, size_t len, struct lk_str *out, struct lk_error *err) LK_CHECKED;

#endif
