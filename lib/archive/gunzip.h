/*
 * Gzip (RFC 1952) as a stream, with the check of CRC-32 and length that libarchive 3.6 leaves out. Members that follow each
 * other are one content, zeros after the last are padding, and anything else there is an error.
 */
#ifndef LK_ARCHIVE_GUNZIP_H
#define LK_ARCHIVE_GUNZIP_H

#include <zlib.h>

#include "archive/blob.h"

struct lk_gunzip {
	const struct lk_blob *input;
	int64_t offset; /* in the input: of the first byte not yet given to zlib */
	z_stream z;
	unsigned char *in; /* where the input's bytes stand when it is read from a file */
	int64_t modified_us; /* of the header; 0 when it does not say */
	bool between, ended; /* between two gzip members; at the end */
};

bool lk_gunzip_detect(const struct lk_blob *input);

enum lk_status lk_gunzip_open(struct lk_gunzip *g, const struct lk_blob *input, struct lk_error *err) LK_CHECKED;
/* Up to len bytes; *got is 0 at the end and only there. LK_DATA when the stream is damaged or cut. */
enum lk_status lk_gunzip_read(struct lk_gunzip *g, void *buf, size_t len, size_t *got, struct lk_error *err) LK_CHECKED;
void lk_gunzip_close(struct lk_gunzip *g);

#endif
