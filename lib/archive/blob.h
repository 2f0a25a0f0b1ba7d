/*
 * Blobs: the bytes of one delivery, which can be read at any place and more than once.
 *
 * A small delivery is held in memory, a larger file is read where it lies. What cannot be read twice (a pipe) is taken in
 * whole first: into memory up to LK_BLOB_HELD, beyond that into a file without a name in $TMPDIR, which only this process
 * can open and which is gone when it ends.
 */
#ifndef LK_ARCHIVE_BLOB_H
#define LK_ARCHIVE_BLOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

#define LK_BLOB_HELD (16 * 1024 * 1024)

struct lk_enc;

struct lk_blob {
	const char *name; /* as it was given; borrowed */
	int fd;		  /* -1 when it is not read from there */
	const unsigned char *data; /* NULL when not all of it is in memory */
	struct lk_enc *enc;	   /* that it is decrypted by as it is read (enc.h), or NULL */
	int64_t size;
	int64_t modified_us;	      /* time of last change; of a pipe, when it was read */
	char sha256[LK_SHA256_HEX];
	struct stat found;   /* what it was when it was opened, for lk_blob_check */
	struct lk_str held;  /* memory for data; kept from one delivery to the next */
};

#define LK_BLOB_INIT {.fd = -1}

/* Opens path ("-" is standard input), reads it once and hashes it. LK_NOINPUT when it is missing or a directory. in may have
 * been closed before: its memory is used again. */
enum lk_status lk_blob_open(struct lk_blob *in, const char *path, struct lk_error *err) LK_CHECKED;

/* The bytes <data, len> as an input; all is borrowed, and no hash is made. */
void lk_blob_memory(struct lk_blob *in, const char *name, const void *data, size_t len);

/* Up to len bytes from offset: *got < len only at the end. */
enum lk_status lk_blob_read(const struct lk_blob *in, int64_t offset, void *buf, size_t len, size_t *got,
	struct lk_error *err) LK_CHECKED;

/* LK_IO when a file was changed since it was opened: what was hashed is then not what was read, or not all there will be. */
enum lk_status lk_blob_check(const struct lk_blob *in, struct lk_error *err) LK_CHECKED;

void lk_blob_close(struct lk_blob *in);   /* memory is kept */
void lk_blob_release(struct lk_blob *in); /* memory gone */

#endif
