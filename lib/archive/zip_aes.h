/*
 * WinZip AES (www.winzip.com/en/support/aes-encryption): data are | salt | 2 bytes that prove the passphrase
 * | content, by AES in counter mode | 10 bytes of its HMAC-SHA-1 |. The keys of a member come from the
 * passphrase and its salt (pbkdf2.h).
 */
#ifndef LK_ARCHIVE_ZIP_AES_H
#define LK_ARCHIVE_ZIP_AES_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "archive/zip.h"

#define LK_ZIP_AES_PROOF 2
#define LK_ZIP_AES_CODE 10
#define LK_ZIP_AES_SALT(strength) (4u + 4u * (strength)) /* 8, 12, 16 */
#define LK_ZIP_AES_KEY(strength) (8u + 8u * (strength)) /* 16, 24, 32 */
#define LK_ZIP_AES_KEYS 80 /* two keys and the proof of the strongest, in whole blocks */
#define LK_ZIP_AHEAD 16

/*
 * Keys derived ahead: for the members that come next, with the passphrase that fitted last, so that all lanes
 * have work. How far ahead doubles as long as all that was derived was used.
 */
struct lk_zip_ahead {
	const char *passphrase; /* borrowed; NULL when there is nothing */
	const struct lk_zip_member *members[LK_ZIP_AHEAD];
	unsigned char keys[LK_ZIP_AHEAD][LK_ZIP_AES_KEYS], proofs[LK_ZIP_AHEAD][LK_ZIP_AES_PROOF];
	int count, used;
};

/* The keys of a member, the cipher's before the MAC's; NULL when the passphrase is not the one. */
const unsigned char *lk_zip_aes_keys(struct lk_zip_ahead *ahead, const struct lk_zip *z,
	const struct lk_zip_place *place, const char *passphrase);

void lk_zip_ahead_wipe(struct lk_zip_ahead *ahead);

struct lk_zip_aes {
	EVP_CIPHER *ciphers[3]; /* by strength; NULL until used */
	EVP_CIPHER_CTX *cipher;
	EVP_MAC_CTX *mac;
	uint64_t counter;
	unsigned char stream[4096]; /* what bytes are to be combined with */
	size_t stream_used;
};

/* {0}, or used before, to the beginning of a member's content. */
enum lk_status lk_zip_aes_begin(
	struct lk_zip_aes *a, unsigned strength, const unsigned char *keys, struct lk_error *err) LK_CHECKED;

/* Decrypts the next len bytes in place. */
enum lk_status lk_zip_aes_apply(
	struct lk_zip_aes *a, unsigned char *data, size_t len, struct lk_error *err) LK_CHECKED;

/* Whether all that was decrypted is what the code was made of. */
enum lk_status lk_zip_aes_end(
	struct lk_zip_aes *a, const unsigned char *code, bool *good, struct lk_error *err) LK_CHECKED;

void lk_zip_aes_release(struct lk_zip_aes *a);

#endif
