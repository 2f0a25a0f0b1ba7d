/*
 * Contents of a zip's members: decrypted, authenticated, inflated, compared with their CRC.
 *
 * A member that fits a piece is read whole, at once; a larger one block by block. Either way the last thing
 * that is said is whether every check held and every byte was used. A reader serves any number of zips and
 * uses its memory again.
 */
#ifndef LK_ARCHIVE_ZIP_READ_H
#define LK_ARCHIVE_ZIP_READ_H

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>

#include "archive/zip.h"
#include "archive/zip_aes.h"
#include "archive/zip_crypto.h"

enum lk_zip_result {
	LK_ZIP_ERROR = -1, /* not the archive's fault */
	LK_ZIP_OK = 0,
	LK_ZIP_END = 1, /* of lk_zip_block: that was all, and every check held */
	LK_ZIP_WRONG = 2, /* this passphrase is not the one */
	LK_ZIP_UNREAD = 3, /* something does not hold: ask libarchive what */
};

struct lk_zip_reader {
	struct lk_zip zip;
	struct lk_zip_ahead ahead;
	struct lk_zip_sides sides;
	struct lk_zip_crypto crypto;
	struct lk_zip_aes aes;
	struct libdeflate_decompressor *inflater; /* of whole members */
	struct inflate_state *stream; /* of those in blocks */
	struct lk_str packed; /* data of a whole member, or the next of them */
	unsigned char *block; /* content of a block */

	struct lk_zip_place place; /* of the present member */
	int64_t at, left; /* where its next data lie, and how many there are without what the cipher added */
	int64_t size; /* of its content so far */
	uint32_t crc;
	bool ended; /* no block is left */
};

/* Begins with a zip, as lk_zip_open. The reader is {0} at first. */
enum lk_status lk_zip_reader_open(
	struct lk_zip_reader *r, const struct lk_blob *input, struct lk_error *err) LK_CHECKED;

/* Reads all of a member into *out. passphrase (borrowed until the next open) is for an encrypted one. OK,
 * WRONG, UNREAD. */
enum lk_zip_result lk_zip_whole(struct lk_zip_reader *r, const struct lk_zip_place *place,
	const char *passphrase, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* To the beginning of a member that is read in blocks. OK, WRONG, UNREAD. */
enum lk_zip_result lk_zip_begin(struct lk_zip_reader *r, const struct lk_zip_place *place,
	const char *passphrase, struct lk_error *err) LK_CHECKED;

/* The next block, borrowed until the next call. OK, END, UNREAD. */
enum lk_zip_result lk_zip_block(
	struct lk_zip_reader *r, const void **data, size_t *len, struct lk_error *err) LK_CHECKED;

/* Bytes of the member's data used up so far. */
int64_t lk_zip_consumed(const struct lk_zip_reader *r);

void lk_zip_reader_close(struct lk_zip_reader *r); /* forgets the zip and all secrets; memory is kept */
void lk_zip_reader_release(struct lk_zip_reader *r); /* memory gone */

#endif
