/*
 * ZipCrypto, PKWARE's own cipher (APPNOTE.TXT, section 6.1): three keys that every byte of content moves on.
 *
 * Each byte waits for the one before, so a processor is mostly idle over one member. Small members are
 * decrypted side by side: with one, those that come next, as long as all that was decrypted so was used.
 */
#ifndef LK_ARCHIVE_ZIP_CRYPTO_H
#define LK_ARCHIVE_ZIP_CRYPTO_H

#include "archive/zip.h"

#define LK_ZIP_CRYPTO_HEADER 12 /* bytes before the data, the last of which is known */
#define LK_ZIP_CRYPTO_SIDES 4
#define LK_ZIP_CRYPTO_SMALL (256 * 1024) /* data of a member that is decrypted beside others */

struct lk_zip_crypto {
	uint32_t key0, key1, key2;
};

/* Members decrypted together. */
struct lk_zip_sides {
	const char *passphrase; /* borrowed; NULL when there is nothing */
	const struct lk_zip_member *members[LK_ZIP_CRYPTO_SIDES];
	unsigned char *data[LK_ZIP_CRYPTO_SIDES]; /* in `bytes`, with their headers */
	struct lk_str bytes;
	int count, used;
};

void lk_zip_crypto_begin(struct lk_zip_crypto *k, const char *passphrase);

/* Decrypts the next len bytes in place. */
void lk_zip_crypto_apply(struct lk_zip_crypto *k, unsigned char *data, size_t len);

/* The data of a small member, decrypted, its header before them; NULL in *out when they cannot be read. */
enum lk_status lk_zip_crypto_small(struct lk_zip_sides *s, const struct lk_zip *z,
	const struct lk_zip_place *place, const char *passphrase, const unsigned char **out,
	struct lk_error *err) LK_CHECKED;

void lk_zip_sides_wipe(struct lk_zip_sides *s); /* memory is kept */

#endif
