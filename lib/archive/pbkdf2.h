/*
 * PBKDF2 with HMAC-SHA-1 (RFC 8018, section 5.2), many blocks at once.
 *
 * An archive of small AES members spends nearly all its time here: 1,000 rounds for each 20 bytes of key, a
 * salt for each member. One derivation cannot be made parallel, but many can run side by side, one in each
 * lane of a vector: so a job is one block of one key, and jobs of any salts and passphrases are run together.
 */
#ifndef LK_ARCHIVE_PBKDF2_H
#define LK_ARCHIVE_PBKDF2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LK_PBKDF2_BLOCK 20
#define LK_PBKDF2_SALT 51 /* bytes of a salt at most: with the number of the block it is one block of SHA-1 \
			   */
#define LK_PBKDF2_KEY 64

struct lk_pbkdf2_job {
	const unsigned char *key; /* LK_PBKDF2_KEY bytes by lk_pbkdf2_key */
	const unsigned char *salt;
	unsigned salt_len;
	uint32_t block; /* which one of the derived key, from 1 */
	unsigned char out[LK_PBKDF2_BLOCK];
};

/* Makes a passphrase ready: as it is, or hashed when it is longer than a block, with zeros after it (RFC
 * 2104). */
void lk_pbkdf2_key(unsigned char key[LK_PBKDF2_KEY], const char *passphrase);

/* Fills in `out` of every job, with the widest vectors that this processor has. */
void lk_pbkdf2_run(struct lk_pbkdf2_job *jobs, size_t count, unsigned rounds);

/* As lk_pbkdf2_run, with vectors of so many lanes; false when this processor has none of them. For tests. */
bool lk_pbkdf2_run_wide(struct lk_pbkdf2_job *jobs, size_t count, unsigned rounds, int lanes);

#endif
