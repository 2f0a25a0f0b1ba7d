/* ZipCrypto, PKWARE's own cipher (APPNOTE.TXT, section 6.1): three keys that every byte of content moves on.
 */
#ifndef LK_ARCHIVE_ZIP_CRYPTO_H
#define LK_ARCHIVE_ZIP_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#define LK_ZIP_CRYPTO_HEADER 12 /* bytes before the data, the last of which is known */

struct lk_zip_crypto {
	uint32_t key0, key1, key2;
};

void lk_zip_crypto_begin(struct lk_zip_crypto *k, const char *passphrase);

/* Decrypts the next len bytes in place. */
void lk_zip_crypto_apply(struct lk_zip_crypto *k, unsigned char *data, size_t len);

#endif
