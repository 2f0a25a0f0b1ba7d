/* Hashes: SHA-256 (FIPS 180-4) of deliveries and packages, hexadecimal, and random bytes for names. */
#ifndef LK_BASE_HASH_H
#define LK_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LK_SHA256_SIZE 32
#define LK_SHA256_HEX 65 /* with the NUL */
#define LK_UUID_SIZE 37	 /* 8-4-4-4-12 hexadecimal digits and the NUL */

struct lk_sha256 {
	void *ctx; /* OpenSSL's; NULL before init */
};

enum lk_status lk_sha256_init(struct lk_sha256 *h, struct lk_error *err) LK_CHECKED;
enum lk_status lk_sha256_add(struct lk_sha256 *h, const void *data, size_t len, struct lk_error *err) LK_CHECKED;
/* Leaves the digest in lower-case hexadecimal and releases h. */
enum lk_status lk_sha256_hex(struct lk_sha256 *h, char out[LK_SHA256_HEX], struct lk_error *err) LK_CHECKED;
void lk_sha256_release(struct lk_sha256 *h);

/* The digest of a whole buffer. */
enum lk_status lk_sha256_of(const void *data, size_t len, char out[LK_SHA256_HEX], struct lk_error *err) LK_CHECKED;

/* Reads fd from where it stands to its end; name is for messages. */
enum lk_status lk_sha256_fd(int fd, const char *name, char out[LK_SHA256_HEX], struct lk_error *err) LK_CHECKED;

/* len bytes as 2 * len lower-case digits and a NUL. */
void lk_hex(const void *data, size_t len, char *out);

/* Bytes from the system's random source. */
enum lk_status lk_random(void *out, size_t len, struct lk_error *err) LK_CHECKED;

/* A random (version 4) UUID, RFC 9562, lower case. */
enum lk_status lk_uuid(char out[LK_UUID_SIZE], struct lk_error *err) LK_CHECKED;

#endif
