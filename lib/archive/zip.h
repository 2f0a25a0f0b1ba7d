/*
 * Zips by our own reader: where the members' bytes lie, for those that are of the usual kinds.
 *
 * This is the fast path of archive.c and nothing else. libarchive (walk.h) says which members there are and
 * what is to be known of each; this reader knows the central directory too (APPNOTE.TXT, section 4.3.12),
 * finds in it the member at which a walk stands, and reads its content faster. Whatever is odd is not for it:
 * it takes only directories in which every number fits every other, and of their members only those that are
 * stored or deflated, clear or encrypted by ZipCrypto or WinZip AES. What it does not take, or cannot read,
 * libarchive reads, and says what is wrong. One thing it reads that libarchive does not: members whose sizes follow their data,
 * where the local header has other figures than the directory.
 */
#ifndef LK_ARCHIVE_ZIP_H
#define LK_ARCHIVE_ZIP_H

#include "archive/blob.h"

enum lk_zip_cipher {
	LK_ZIP_CLEAR,
	LK_ZIP_CRYPTO,
	LK_ZIP_AES,
};

struct lk_zip_member {
	int64_t header; /* offset of its local header */
	int64_t packed; /* bytes of its data, with whatever a cipher adds */
	int64_t size; /* of its content */
	uint32_t crc;
	uint16_t flags, method; /* as in the headers */
	uint8_t cipher; /* enum lk_zip_cipher */
	uint8_t strength; /* of AES: 1 to 3 for keys of 128, 192, 256 bits */
	bool deflated, has_crc, ours; /* ours: of a kind that is read here */
};

struct lk_zip {
	const struct lk_blob *input;
	struct lk_zip_member *members; /* in the order of their headers */
	size_t count, cap;
	int64_t end; /* of all data: where the directory begins */
	struct lk_str directory; /* the directory's bytes, where the input is not in memory */
};

/* Where a member's data are, as its local header has it. */
struct lk_zip_place {
	const struct lk_zip_member *member;
	int64_t data;
	unsigned char check; /* last byte of ZipCrypto's header, decrypted */
};

/* Reads the central directory of input, which is borrowed. count stays 0 when there is none that this reader
 * takes. z is {0} or was used before: its memory is used again. */
enum lk_status lk_zip_open(struct lk_zip *z, const struct lk_blob *input, struct lk_error *err) LK_CHECKED;

/* The place of the member whose data begin at an offset, or of member `index` (< count); false when there is
 * none, or it is not ours. */
bool lk_zip_find(const struct lk_zip *z, int64_t data, struct lk_zip_place *place);
bool lk_zip_locate(const struct lk_zip *z, size_t index, struct lk_zip_place *place);

/* Whether its size and CRC stand behind its data, and not in the local header (section 4.3.9). */
bool lk_zip_has_descriptor(const struct lk_zip_member *m);

void lk_zip_release(struct lk_zip *z);

#endif
