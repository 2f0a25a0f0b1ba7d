#include "base/hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/file.h"

enum lk_status lk_sha256_init(struct lk_sha256 *h, struct lk_error *err)
{
	h->ctx = EVP_MD_CTX_new();
	if (!h->ctx)
		return lk_error_nomem(err);
	if (!EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL)) {
		lk_sha256_release(h);
		return lk_error_set(err, LK_MISSING, "OpenSSL has no SHA-256");
	}
	return LK_OK;
}

enum lk_status lk_sha256_add(struct lk_sha256 *h, const void *data, size_t len, struct lk_error *err)
{
	if (!EVP_DigestUpdate(h->ctx, data, len))
		return lk_error_set(err, LK_BUG, "SHA-256 failed");
	return LK_OK;
}

enum lk_status lk_sha256_hex(struct lk_sha256 *h, char out[LK_SHA256_HEX], struct lk_error *err)
{
	unsigned char digest[LK_SHA256_SIZE];
	int ok = EVP_DigestFinal_ex(h->ctx, digest, NULL);

	lk_sha256_release(h);
	if (!ok)
		return lk_error_set(err, LK_BUG, "SHA-256 failed");
	lk_hex(digest, sizeof(digest), out);
	return LK_OK;
}

void lk_sha256_release(struct lk_sha256 *h)
{
	EVP_MD_CTX_free(h->ctx);
	h->ctx = NULL;
}

enum lk_status lk_sha256_of(const void *data, size_t len, char out[LK_SHA256_HEX], struct lk_error *err)
{
	struct lk_sha256 h;
	enum lk_status status;

	LK_TRY(lk_sha256_init(&h, err));
	status = lk_sha256_add(&h, data, len, err);
	if (status) {
		lk_sha256_release(&h);
		return status;
	}
	return lk_sha256_hex(&h, out, err);
}

static enum lk_status add_fd(struct lk_sha256 *h, int fd, const char *name, struct lk_error *err)
{
	char buf[64 * 1024];
	size_t got;

	do {
		LK_TRY(lk_read(fd, name, buf, sizeof(buf), &got, err));
		LK_TRY(lk_sha256_add(h, buf, got, err));
	} while (got);
	return LK_OK;
}

enum lk_status lk_sha256_fd(int fd, const char *name, char out[LK_SHA256_HEX], struct lk_error *err)
{
	struct lk_sha256 h;
	enum lk_status status;

	LK_TRY(lk_sha256_init(&h, err));
	status = add_fd(&h, fd, name, err);
	if (status) {
		lk_sha256_release(&h);
		return status;
	}
	return lk_sha256_hex(&h, out, err);
}

void lk_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

enum lk_status lk_random(void *out, size_t len, struct lk_error *err)
{
	char *p = out;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0)
			return lk_error_sys(err, LK_MISSING, "no random bytes");
		p += n;
		len -= (size_t)n;
	}
	return LK_OK;
}

enum lk_status lk_uuid(char out[LK_UUID_SIZE], struct lk_error *err)
{
	unsigned char b[16];
	char hex[33];

	LK_TRY(lk_random(b, sizeof(b), err));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	lk_hex(b, sizeof(b), hex);
	snprintf(out, LK_UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return LK_OK;
}
