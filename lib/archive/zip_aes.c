#include "archive/zip_aes.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <string.h>

#include "archive/pbkdf2.h"

#define ROUNDS 1000
#define BLOCK 16

/* ---- keys ---- */

/* Whether the 2 bytes after the salt are those after the two keys. */
static bool proves(const struct lk_zip_ahead *ahead, int i)
{
	const unsigned char *proof = ahead->keys[i] + 2 * LK_ZIP_AES_KEY(ahead->members[i]->strength);

	return !memcmp(proof, ahead->proofs[i], LK_ZIP_AES_PROOF);
}

/* Takes the salts of up to `want` AES members from `place` on. */
static void gather(struct lk_zip_ahead *ahead, const struct lk_zip *z, const struct lk_zip_place *place,
	int want, unsigned char salts[][LK_ZIP_AES_SALT(3) + LK_ZIP_AES_PROOF])
{
	size_t from = (size_t)(place->member - z->members);

	ahead->count = ahead->used = 0;
	for (size_t i = from; i < z->count && i < from + LK_ZIP_AHEAD && ahead->count < want; i++) {
		struct lk_zip_place p;
		size_t len, got;

		if (!lk_zip_locate(z, i, &p) || p.member->cipher != LK_ZIP_AES)
			continue;
		len = LK_ZIP_AES_SALT(p.member->strength);
		if (lk_blob_read(z->input, p.data, salts[ahead->count], len + LK_ZIP_AES_PROOF, &got, NULL) ||
			got != len + LK_ZIP_AES_PROOF)
			continue;
		memcpy(ahead->proofs[ahead->count], salts[ahead->count] + len, LK_ZIP_AES_PROOF);
		ahead->members[ahead->count++] = p.member;
	}
}

static void derive(
	struct lk_zip_ahead *ahead, const struct lk_zip *z, const struct lk_zip_place *place, int want)
{
	unsigned char key[LK_PBKDF2_KEY], salts[LK_ZIP_AHEAD][LK_ZIP_AES_SALT(3) + LK_ZIP_AES_PROOF];
	struct lk_pbkdf2_job jobs[LK_ZIP_AHEAD * LK_ZIP_AES_KEYS / LK_PBKDF2_BLOCK];
	size_t count = 0, done = 0;

	lk_pbkdf2_key(key, ahead->passphrase);
	gather(ahead, z, place, want, salts);
	for (int i = 0; i < ahead->count; i++) {
		unsigned strength = ahead->members[i]->strength;
		unsigned bytes = 2 * LK_ZIP_AES_KEY(strength) + LK_ZIP_AES_PROOF;

		for (uint32_t block = 1; (block - 1) * LK_PBKDF2_BLOCK < bytes; block++)
			jobs[count++] = (struct lk_pbkdf2_job){.key = key,
				.salt = salts[i],
				.salt_len = LK_ZIP_AES_SALT(strength),
				.block = block};
	}
	lk_pbkdf2_run(jobs, count, ROUNDS);
	for (int i = -1; done < count; done++) {
		i += jobs[done].block == 1;
		memcpy(ahead->keys[i] + (jobs[done].block - 1) * LK_PBKDF2_BLOCK, jobs[done].out,
			LK_PBKDF2_BLOCK);
	}
	OPENSSL_cleanse(jobs, sizeof(jobs));
	OPENSSL_cleanse(key, sizeof(key));
}

static int find(const struct lk_zip_ahead *ahead, const struct lk_zip_member *member, const char *passphrase)
{
	for (int i = 0; ahead->passphrase == passphrase && i < ahead->count; i++)
		if (ahead->members[i] == member)
			return i;
	return -1;
}

const unsigned char *lk_zip_aes_keys(struct lk_zip_ahead *ahead, const struct lk_zip *z,
	const struct lk_zip_place *place, const char *passphrase)
{
	int i = find(ahead, place->member, passphrase);

	if (i < 0) {
		bool steady = ahead->passphrase == passphrase && ahead->used >= ahead->count;
		int want = !steady ? 1 : ahead->count * 2 < LK_ZIP_AHEAD ? ahead->count * 2 : LK_ZIP_AHEAD;

		ahead->passphrase = passphrase;
		derive(ahead, z, place, want);
		i = find(ahead, place->member, passphrase);
	}
	if (i < 0 || !proves(ahead, i))
		return NULL;
	ahead->used++;
	return ahead->keys[i];
}

void lk_zip_ahead_wipe(struct lk_zip_ahead *ahead)
{
	OPENSSL_cleanse(ahead, sizeof(*ahead));
}

/* ---- content ---- */

static enum lk_status failed(struct lk_error *err)
{
	return lk_error_set(err, LK_MISSING, "OpenSSL cannot decrypt AES");
}

/* What is fetched once and used for every member. */
static enum lk_status prepare(struct lk_zip_aes *a, unsigned strength, struct lk_error *err)
{
	static const char *const names[] = {"AES-128-ECB", "AES-192-ECB", "AES-256-ECB"};

	if (!a->ciphers[strength - 1])
		a->ciphers[strength - 1] = EVP_CIPHER_fetch(NULL, names[strength - 1], NULL);
	if (!a->cipher)
		a->cipher = EVP_CIPHER_CTX_new();
	if (!a->mac) {
		char sha1[] = "SHA1";
		OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha1, 0),
			OSSL_PARAM_construct_end()};
		EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

		a->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
		EVP_MAC_free(hmac);
		if (a->mac && !EVP_MAC_CTX_set_params(a->mac, params))
			return failed(err);
	}
	return a->ciphers[strength - 1] && a->cipher && a->mac ? LK_OK : failed(err);
}

enum lk_status lk_zip_aes_begin(
	struct lk_zip_aes *a, unsigned strength, const unsigned char *keys, struct lk_error *err)
{
	size_t len = LK_ZIP_AES_KEY(strength);

	LK_TRY(prepare(a, strength, err));
	a->counter = 0;
	a->stream_used = sizeof(a->stream);
	if (!EVP_EncryptInit_ex2(a->cipher, a->ciphers[strength - 1], keys, NULL, NULL) ||
		!EVP_CIPHER_CTX_set_padding(a->cipher, 0) || !EVP_MAC_init(a->mac, keys + len, len, NULL))
		return failed(err);
	return LK_OK;
}

/* The next bytes of the key stream, no more than `len` asks for: the counter, from 1 and little-endian,
 * encrypted. */
static enum lk_status make_stream(struct lk_zip_aes *a, size_t len, struct lk_error *err)
{
	size_t want = len < sizeof(a->stream) ? (len + BLOCK - 1) / BLOCK * BLOCK : sizeof(a->stream);
	unsigned char *start = a->stream + sizeof(a->stream) - want;
	int got;

	memset(start, 0, want);
	for (size_t at = 0; at < want; at += BLOCK) {
		a->counter++;
		for (int i = 0; i < 8; i++)
			start[at + (size_t)i] = (unsigned char)(a->counter >> 8 * i);
	}
	if (!EVP_EncryptUpdate(a->cipher, start, &got, start, (int)want) || got != (int)want)
		return failed(err);
	a->stream_used = sizeof(a->stream) - want;
	return LK_OK;
}

static void combine(unsigned char *data, const unsigned char *stream, size_t len)
{
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		uint64_t x, y;

		memcpy(&x, data + i, 8);
		memcpy(&y, stream + i, 8);
		x ^= y;
		memcpy(data + i, &x, 8);
	}
	for (; i < len; i++)
		data[i] ^= stream[i];
}

enum lk_status lk_zip_aes_apply(struct lk_zip_aes *a, unsigned char *data, size_t len, struct lk_error *err)
{
	if (!EVP_MAC_update(a->mac, data, len))
		return failed(err);
	while (len) {
		size_t n;

		if (a->stream_used == sizeof(a->stream))
			LK_TRY(make_stream(a, len, err));
		n = sizeof(a->stream) - a->stream_used < len ? sizeof(a->stream) - a->stream_used : len;
		combine(data, a->stream + a->stream_used, n);
		a->stream_used += n;
		data += n;
		len -= n;
	}
	return LK_OK;
}

enum lk_status lk_zip_aes_end(
	struct lk_zip_aes *a, const unsigned char *code, bool *good, struct lk_error *err)
{
	unsigned char made[20];
	size_t len;

	if (!EVP_MAC_final(a->mac, made, &len, sizeof(made)) || len != sizeof(made))
		return failed(err);
	*good = !CRYPTO_memcmp(made, code, LK_ZIP_AES_CODE);
	return LK_OK;
}

void lk_zip_aes_release(struct lk_zip_aes *a)
{
	for (int i = 0; i < 3; i++)
		EVP_CIPHER_free(a->ciphers[i]);
	EVP_CIPHER_CTX_free(a->cipher);
	EVP_MAC_CTX_free(a->mac);
	OPENSSL_cleanse(a, sizeof(*a));
}
