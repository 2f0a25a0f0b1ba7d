#include "archive/enc.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "archive/kind.h"

#define MAGIC "Salted__"
#define HEADER 16 /* the magic and the salt */
#define SALT 8
#define BLOCK 16
#define KEY_MAX 32
#define HELD (256 * 1024)

/* rounds 0: not PBKDF2 but EVP_BytesToKey with one, what openssl did before -pbkdf2 and does without it. */
static const struct way {
	const char *digest;
	int rounds;
} ways[] = {
	{"SHA256", 10000}, /* -pbkdf2 */
	{"SHA256", 0},	   /* 1.1.0 and later without it */
	{"MD5", 0},	   /* before */
	{"SHA1", 10000},
	{"SHA512", 10000},
	{"SHA256", 1000},
	{"SHA256", 100000},
	{"SHA256", 600000},
	{"SHA256", 1000000},
};

#define WAYS ((int)(sizeof(ways) / sizeof(*ways)))

static const EVP_CIPHER *cipher_of(int which)
{
	switch (which) {
	case 0:
		return EVP_aes_256_cbc();
	case 1:
		return EVP_aes_128_cbc();
	default:
		return EVP_aes_192_cbc();
	}
}

#define CIPHERS 3

bool lk_enc_detect(const struct lk_blob *input)
{
	char head[sizeof(MAGIC) - 1];
	size_t got;

	return !lk_blob_read(input, 0, head, sizeof(head), &got, NULL) && got == sizeof(head) && !memcmp(head, MAGIC, got);
}

bool lk_enc_is_whole(const struct lk_blob *input)
{
	return input->size >= HEADER + BLOCK && (input->size - HEADER) % BLOCK == 0;
}

int lk_enc_ways(void)
{
	return WAYS;
}

int lk_enc_rounds(int way)
{
	return ways[way].rounds;
}

/* ---- keys ---- */

/* Key and initialization vector come out of one stream, so that ciphers of any key size share its beginning. */
static bool derive(const struct way *way, const char *passphrase, const unsigned char *salt, unsigned char out[KEY_MAX + BLOCK])
{
	const EVP_MD *digest = EVP_get_digestbyname(way->digest);
	int len = (int)strlen(passphrase);

	if (!digest)
		return false;
	if (way->rounds)
		return PKCS5_PBKDF2_HMAC(passphrase, len, salt, SALT, way->rounds, digest, KEY_MAX + BLOCK, out) == 1;
	return EVP_BytesToKey(EVP_aes_256_cbc(), digest, salt, (const unsigned char *)passphrase, len, 1, out, out + KEY_MAX) ==
	       KEY_MAX;
}

static bool set_key(struct lk_enc *e, const EVP_CIPHER *cipher, const unsigned char *stream)
{
	int key_len = EVP_CIPHER_key_length(cipher);

	memcpy(e->iv, stream + key_len, BLOCK);
	return EVP_DecryptInit_ex(e->cipher, cipher, NULL, stream, e->iv) == 1 && EVP_CIPHER_CTX_set_padding(e->cipher, 0) == 1;
}

/* ---- reading ---- */

/* Decrypts blocks from `first` on, as many as there are room for in `held` (with the one before them) and in the content. */
static enum lk_status decrypt(struct lk_enc *e, int64_t first, size_t blocks, unsigned char *out, struct lk_error *err)
{
	size_t before = first ? BLOCK : 0, want = before + blocks * BLOCK, got;
	const unsigned char *iv = first ? e->held : e->iv;
	int made;

	LK_TRY(lk_blob_read(e->input, HEADER + first * BLOCK - (int64_t)before, e->held, want, &got, err));
	if (got != want)
		return lk_error_set(err, LK_IO, "'%s' was changed while it was being read", e->input->name);
	if (EVP_DecryptInit_ex(e->cipher, NULL, NULL, NULL, iv) != 1 ||
		EVP_DecryptUpdate(e->cipher, out, &made, e->held + before, (int)(blocks * BLOCK)) != 1 ||
		(size_t)made != blocks * BLOCK)
		return lk_error_set(err, LK_MISSING, "OpenSSL does not decrypt AES");
	return LK_OK;
}

enum lk_status lk_enc_read(struct lk_enc *e, int64_t offset, void *buf, size_t len, size_t *got, struct lk_error *err)
{
	unsigned char *out = buf;

	*got = 0;
	if (offset >= e->size)
		return LK_OK;
	if ((uint64_t)(e->size - offset) < len)
		len = (size_t)(e->size - offset);
	while (*got < len) {
		int64_t at = offset + (int64_t)*got;
		size_t skip = (size_t)(at % BLOCK), left = len - *got, whole = left / BLOCK;

		if (whole > HELD / BLOCK - 1)
			whole = HELD / BLOCK - 1;
		if (!skip && whole) {
			LK_TRY(decrypt(e, at / BLOCK, whole, out + *got, err));
			*got += whole * BLOCK;
		} else {
			unsigned char block[BLOCK];
			size_t some = BLOCK - skip < left ? BLOCK - skip : left;

			LK_TRY(decrypt(e, at / BLOCK, 1, block, err));
			memcpy(out + *got, block + skip, some);
			*got += some;
		}
	}
	return LK_OK;
}

/* ---- opening ---- */

/* Reads the padding off the last block: false when it is none. */
static bool read_padding(struct lk_enc *e, struct lk_error *err, enum lk_status *status)
{
	int64_t last = (e->input->size - HEADER) / BLOCK - 1;
	unsigned char block[BLOCK];

	*status = decrypt(e, last, 1, block, err);
	if (*status || !block[BLOCK - 1] || block[BLOCK - 1] > BLOCK)
		return false;
	for (int i = BLOCK - block[BLOCK - 1]; i < BLOCK; i++)
		if (block[i] != block[BLOCK - 1])
			return false;
	e->size = (last + 1) * BLOCK - block[BLOCK - 1];
	return true;
}

/* Whether so much of text could be the beginning of a file that somebody encrypted: random bytes are no UTF-8 for so long. */
static bool is_text(const char *data, size_t len)
{
	if (len < 2 * BLOCK || memchr(data, '\0', len))
		return false;
	for (int cut = 0; cut < 4; cut++)
		if (lk_utf8_valid(data, len - (size_t)cut))
			return true;
	return false;
}

/* Whether the key that is set is the right one, as far as the ends of the content tell. */
static enum lk_enc_fit check(struct lk_enc *e, struct lk_error *err)
{
	enum lk_status status;
	char head[512];
	size_t got;

	if (!read_padding(e, err, &status))
		return status ? LK_ENC_ERROR : LK_ENC_NO;
	if (lk_enc_read(e, 0, head, sizeof(head), &got, err))
		return LK_ENC_ERROR;
	if (lk_kind_has_check(head, got))
		return LK_ENC_YES;
	return lk_kind_is_archive(head, got) || is_text(head, got) ? LK_ENC_UNCHECKED : LK_ENC_NO;
}

static enum lk_enc_fit try_ciphers(struct lk_enc *e, const unsigned char *stream, struct lk_error *err)
{
	enum lk_enc_fit fit = LK_ENC_NO;

	for (int i = 0; i < CIPHERS && fit == LK_ENC_NO; i++) {
		if (!set_key(e, cipher_of(i), stream)) {
			lk_error_set(err, LK_MISSING, "OpenSSL has no AES");
			return LK_ENC_ERROR;
		}
		fit = check(e, err);
	}
	return fit;
}

static enum lk_enc_fit open_impl(struct lk_enc *e, const char *passphrase, int way, struct lk_error *err)
{
	unsigned char header[HEADER], stream[KEY_MAX + BLOCK];
	enum lk_enc_fit fit;
	size_t got;

	e->cipher = EVP_CIPHER_CTX_new();
	e->held = malloc(HELD);
	if (!e->cipher || !e->held) {
		lk_error_nomem(err);
		return LK_ENC_ERROR;
	}
	if (lk_blob_read(e->input, 0, header, HEADER, &got, err))
		return LK_ENC_ERROR;
	if (got != HEADER || !derive(&ways[way], passphrase, header + sizeof(MAGIC) - 1, stream))
		return LK_ENC_NO;
	fit = try_ciphers(e, stream, err);
	OPENSSL_cleanse(stream, sizeof(stream));
	return fit;
}

enum lk_enc_fit lk_enc_open(struct lk_enc *e, const struct lk_blob *input, const char *name, const char *passphrase, int way,
	struct lk_error *err)
{
	enum lk_enc_fit fit;

	*e = (struct lk_enc){.input = input};
	fit = open_impl(e, passphrase, way, err);
	if (fit != LK_ENC_YES) {
		lk_enc_close(e);
		return fit;
	}
	e->content = (struct lk_blob){
		.name = name, .fd = -1, .enc = e, .size = e->size, .modified_us = input->modified_us};
	return fit;
}

void lk_enc_close(struct lk_enc *e)
{
	EVP_CIPHER_CTX_free(e->cipher);
	free(e->held);
	OPENSSL_cleanse(e->iv, sizeof(e->iv));
	e->cipher = NULL;
	e->held = NULL;
}
