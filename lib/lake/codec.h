/* Decompression of what foreign writers compressed: blocks of Avro, and table metadata. */
#ifndef LK_LAKE_CODEC_H
#define LK_LAKE_CODEC_H

#include "base/str.h"

/* More than any block of manifest entries has reason to hold. */
#define LK_BLOCK_MAX ((size_t)256 << 20)

/* Appends the block to *out. codec: "null", "deflate", "snappy", "zstandard"; another one is LK_MISSING, a damaged block
 * or one that grows beyond LK_BLOCK_MAX is LK_DATA. */
enum lk_status lk_block_decompress(const char *codec, const unsigned char *data, size_t len, struct lk_str *out,
	struct lk_error *err) LK_CHECKED;

/* Appends what a gzip file (one member) holds to *out; LK_DATA when it is damaged or longer than max_bytes. */
enum lk_status lk_gzip_decompress(const char *data, size_t len, size_t max_bytes, struct lk_str *out,
	struct lk_error *err) LK_CHECKED;

#endif
