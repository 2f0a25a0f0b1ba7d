#include "archive/zip_read.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define IN_SIZE (64 * 1024)
#define OUT_SIZE (256 * 1024)

enum lk_status lk_zip_reader_open(struct lk_zip_reader *r, const struct lk_blob *input, struct lk_error *err)
{
	lk_zip_ahead_wipe(&r->ahead);
	lk_zip_sides_wipe(&r->sides);
	return lk_zip_open(&r->zip, input, err);
}

/* LK_ZIP_OK, or LK_ZIP_ERROR for whatever is not the archive's fault. */
static enum lk_zip_result result_of(enum lk_status status)
{
	return status ? LK_ZIP_ERROR : LK_ZIP_OK;
}

static enum lk_zip_result out_of_memory(struct lk_error *err)
{
	return result_of(lk_error_nomem(err));
}

/* ---- data, as they lie in the archive ---- */

/* The next len bytes of data, decrypted. *out is borrowed until the next call. */
static enum lk_zip_result take(
	struct lk_zip_reader *r, size_t len, const unsigned char **out, struct lk_error *err)
{
	const struct lk_blob *input = r->zip.input;
	unsigned char *held;
	size_t got;

	if (r->place.member->cipher == LK_ZIP_CLEAR && input->data) {
		*out = input->data + r->at;
	} else {
		lk_str_clear(&r->packed);
		if (!lk_str_reserve(&r->packed, len))
			return out_of_memory(err);
		held = (unsigned char *)r->packed.data;
		if (lk_blob_read(input, r->at, held, len, &got, err))
			return LK_ZIP_ERROR;
		if (got != len)
			return LK_ZIP_UNREAD;
		if (r->place.member->cipher == LK_ZIP_CRYPTO)
			lk_zip_crypto_apply(&r->crypto, held, len);
		else if (r->place.member->cipher == LK_ZIP_AES && lk_zip_aes_apply(&r->aes, held, len, err))
			return LK_ZIP_ERROR;
		*out = held;
	}
	r->at += (int64_t)len;
	r->left -= (int64_t)len;
	return LK_ZIP_OK;
}

static enum lk_zip_result begin_crypto(struct lk_zip_reader *r, const char *passphrase, struct lk_error *err)
{
	const unsigned char *header;
	enum lk_zip_result result;

	if (r->left < LK_ZIP_CRYPTO_HEADER)
		return LK_ZIP_UNREAD;
	lk_zip_crypto_begin(&r->crypto, passphrase);
	result = take(r, LK_ZIP_CRYPTO_HEADER, &header, err);
	if (result == LK_ZIP_OK && header[LK_ZIP_CRYPTO_HEADER - 1] != r->place.check)
		return LK_ZIP_WRONG;
	return result;
}

static enum lk_zip_result begin_aes(struct lk_zip_reader *r, const char *passphrase, struct lk_error *err)
{
	unsigned strength = r->place.member->strength;
	size_t before = LK_ZIP_AES_SALT(strength) + LK_ZIP_AES_PROOF;
	const unsigned char *keys;

	if (r->left < (int64_t)before + LK_ZIP_AES_CODE)
		return LK_ZIP_UNREAD;
	keys = lk_zip_aes_keys(&r->ahead, &r->zip, &r->place, passphrase);
	if (!keys)
		return LK_ZIP_WRONG;
	r->at += (int64_t)before;
	r->left -= (int64_t)before + LK_ZIP_AES_CODE;
	return result_of(lk_zip_aes_begin(&r->aes, strength, keys, err));
}

static void start(struct lk_zip_reader *r, const struct lk_zip_place *place)
{
	r->place = *place;
	r->at = place->data;
	r->left = place->member->packed;
	r->size = 0;
	r->crc = 0;
}

static enum lk_zip_result begin(struct lk_zip_reader *r, const struct lk_zip_place *place,
	const char *passphrase, struct lk_error *err)
{
	start(r, place);
	if (place->member->cipher != LK_ZIP_CLEAR && !passphrase)
		return LK_ZIP_UNREAD;
	if (place->member->cipher == LK_ZIP_CRYPTO)
		return begin_crypto(r, passphrase, err);
	if (place->member->cipher == LK_ZIP_AES)
		return begin_aes(r, passphrase, err);
	return LK_ZIP_OK;
}

/* Adds content to what its checks are made of. */
static void count(struct lk_zip_reader *r, const void *data, size_t len)
{
	r->size += (int64_t)len;
	if (r->place.member->has_crc)
		r->crc = libdeflate_crc32(r->crc, data, len);
}

/* Whether the checks hold, once all data were taken. */
static enum lk_zip_result finish(struct lk_zip_reader *r, struct lk_error *err)
{
	const struct lk_zip_member *m = r->place.member;
	unsigned char code[LK_ZIP_AES_CODE];
	bool good = true;
	size_t got;

	if (r->left || r->size != m->size || (m->has_crc && r->crc != m->crc))
		return LK_ZIP_UNREAD;
	if (m->cipher != LK_ZIP_AES)
		return LK_ZIP_END;
	if (lk_blob_read(r->zip.input, r->at, code, sizeof(code), &got, err))
		return LK_ZIP_ERROR;
	if (got == sizeof(code) && lk_zip_aes_end(&r->aes, code, &good, err))
		return LK_ZIP_ERROR;
	return got == sizeof(code) && good ? LK_ZIP_END : LK_ZIP_UNREAD;
}

/* ---- whole members ---- */

/* Inflates all of <data, len> into *out, which must take all the one and fill all the other. */
static enum lk_zip_result inflate_whole(struct lk_zip_reader *r, const unsigned char *data, size_t len,
	struct lk_str *out, struct lk_error *err)
{
	size_t size = (size_t)r->place.member->size, used, made;

	if (!r->inflater)
		r->inflater = libdeflate_alloc_decompressor();
	if (!r->inflater)
		return out_of_memory(err);
	if (libdeflate_deflate_decompress_ex(r->inflater, data, len, out->data, size, &used, &made) !=
			LIBDEFLATE_SUCCESS ||
		used != len || made != size)
		return LK_ZIP_UNREAD;
	return LK_ZIP_OK;
}

/* All data of a member, those of a small one under ZipCrypto with those of others. */
static enum lk_zip_result take_whole(struct lk_zip_reader *r, const struct lk_zip_place *place,
	const char *passphrase, const unsigned char **data, size_t *len, struct lk_error *err)
{
	const struct lk_zip_member *m = place->member;
	enum lk_zip_result result;

	if (m->cipher == LK_ZIP_CRYPTO && passphrase && m->packed >= LK_ZIP_CRYPTO_HEADER &&
		m->packed <= LK_ZIP_CRYPTO_SMALL) {
		start(r, place);
		r->left = 0;
		*len = (size_t)m->packed - LK_ZIP_CRYPTO_HEADER;
		if (lk_zip_crypto_small(&r->sides, &r->zip, place, passphrase, data, err))
			return LK_ZIP_ERROR;
		if (!*data)
			return LK_ZIP_UNREAD;
		*data += LK_ZIP_CRYPTO_HEADER;
		return (*data)[-1] == place->check ? LK_ZIP_OK : LK_ZIP_WRONG;
	}
	result = begin(r, place, passphrase, err);
	*len = (size_t)r->left;
	return result == LK_ZIP_OK ? take(r, *len, data, err) : result;
}

enum lk_zip_result lk_zip_whole(struct lk_zip_reader *r, const struct lk_zip_place *place,
	const char *passphrase, struct lk_str *out, struct lk_error *err)
{
	size_t size = (size_t)place->member->size, len;
	const unsigned char *data;
	enum lk_zip_result result = take_whole(r, place, passphrase, &data, &len, err);

	if (result != LK_ZIP_OK)
		return result;
	if (!place->member->deflated && len != size)
		return LK_ZIP_UNREAD;
	lk_str_clear(out);
	if (!lk_str_reserve(out, size))
		return out_of_memory(err);
	if (place->member->deflated)
		result = inflate_whole(r, data, len, out, err);
	else
		memcpy(out->data, data, len);
	if (result != LK_ZIP_OK)
		return result;
	out->len = size;
	out->data[size] = '\0';
	count(r, out->data, size);
	result = finish(r, err);
	return result == LK_ZIP_END ? LK_ZIP_OK : result;
}

/* ---- in blocks ---- */

static enum lk_zip_result begin_inflate(struct lk_zip_reader *r, struct lk_error *err)
{
	if (!r->block)
		r->block = malloc(OUT_SIZE);
	if (!r->stream)
		r->stream = malloc(sizeof(*r->stream));
	if (!r->block || !r->stream)
		return out_of_memory(err);
	isal_inflate_init(r->stream);
	return LK_ZIP_OK;
}

enum lk_zip_result lk_zip_begin(struct lk_zip_reader *r, const struct lk_zip_place *place,
	const char *passphrase, struct lk_error *err)
{
	enum lk_zip_result result = begin(r, place, passphrase, err);

	r->ended = false;
	return result == LK_ZIP_OK && place->member->deflated ? begin_inflate(r, err) : result;
}

/* More data: none at their end. */
static enum lk_zip_result take_some(
	struct lk_zip_reader *r, const unsigned char **data, size_t *len, struct lk_error *err)
{
	*len = r->left < IN_SIZE ? (size_t)r->left : IN_SIZE;
	return take(r, *len, data, err);
}

static enum lk_zip_result next_stored(
	struct lk_zip_reader *r, const void **data, size_t *len, struct lk_error *err)
{
	const unsigned char *taken = NULL;
	enum lk_zip_result result = take_some(r, &taken, len, err);

	*data = taken;
	r->ended = !r->left;
	return result;
}

static enum lk_zip_result next_inflated(
	struct lk_zip_reader *r, const void **data, size_t *len, struct lk_error *err)
{
	struct inflate_state *z = r->stream;

	z->next_out = r->block;
	z->avail_out = OUT_SIZE;
	while (z->avail_out && z->block_state != ISAL_BLOCK_FINISH) {
		uint32_t room = z->avail_out;
		size_t got = z->avail_in;

		if (!got) {
			const unsigned char *in;
			enum lk_zip_result result = take_some(r, &in, &got, err);

			if (result != LK_ZIP_OK)
				return result;
			z->next_in = (unsigned char *)(uintptr_t)in;
			z->avail_in = (uint32_t)got;
		}
		if (isal_inflate(z) < 0)
			return LK_ZIP_UNREAD;
		if (!got && z->avail_out == room && z->block_state != ISAL_BLOCK_FINISH)
			return LK_ZIP_UNREAD;
	}
	r->ended = z->block_state == ISAL_BLOCK_FINISH;
	if (r->ended && z->avail_in + (uint32_t)z->read_in_length / 8)
		return LK_ZIP_UNREAD;
	*data = r->block;
	*len = OUT_SIZE - z->avail_out;
	return LK_ZIP_OK;
}

enum lk_zip_result lk_zip_block(struct lk_zip_reader *r, const void **data, size_t *len, struct lk_error *err)
{
	enum lk_zip_result result;

	if (r->ended)
		return finish(r, err);
	result =
		r->place.member->deflated ? next_inflated(r, data, len, err) : next_stored(r, data, len, err);
	if (result == LK_ZIP_OK)
		count(r, *data, *len);
	return result;
}

int64_t lk_zip_consumed(const struct lk_zip_reader *r)
{
	return r->at - r->place.data;
}

void lk_zip_reader_close(struct lk_zip_reader *r)
{
	lk_zip_ahead_wipe(&r->ahead);
	lk_zip_sides_wipe(&r->sides);
	OPENSSL_cleanse(&r->crypto, sizeof(r->crypto));
	r->zip.count = 0;
}

void lk_zip_reader_release(struct lk_zip_reader *r)
{
	lk_zip_reader_close(r);
	lk_zip_release(&r->zip);
	lk_zip_aes_release(&r->aes);
	libdeflate_free_decompressor(r->inflater);
	free(r->stream);
	lk_str_release(&r->packed);
	lk_str_release(&r->sides.bytes);
	free(r->block);
	*r = (struct lk_zip_reader){.size = 0};
}
