#include "archive/zip_crypto.h"

#include <openssl/crypto.h>
#include <zlib.h>

static inline uint32_t crc_step(const z_crc_t *table, uint32_t crc, unsigned char byte)
{
	return crc >> 8 ^ (uint32_t)table[(crc ^ byte) & 0xff];
}

static inline void move_on(struct lk_zip_crypto *k, const z_crc_t *table, unsigned char byte)
{
	k->key0 = crc_step(table, k->key0, byte);
	k->key1 = (k->key1 + (k->key0 & 0xff)) * 134775813 + 1;
	k->key2 = crc_step(table, k->key2, (unsigned char)(k->key1 >> 24));
}

void lk_zip_crypto_begin(struct lk_zip_crypto *k, const char *passphrase)
{
	const z_crc_t *table = get_crc_table();

	*k = (struct lk_zip_crypto){305419896, 591751049, 878082192};
	for (; *passphrase; passphrase++)
		move_on(k, table, (unsigned char)*passphrase);
}

static inline void decrypt(struct lk_zip_crypto *k, const z_crc_t *table, unsigned char *byte)
{
	uint32_t mix = (k->key2 | 2) & 0xffff;

	*byte ^= (unsigned char)(mix * (mix ^ 1) >> 8);
	move_on(k, table, *byte);
}

void lk_zip_crypto_apply(struct lk_zip_crypto *k, unsigned char *data, size_t len)
{
	const z_crc_t *table = get_crc_table();
	struct lk_zip_crypto keys = *k;

	for (size_t i = 0; i < len; i++)
		decrypt(&keys, table, &data[i]);
	*k = keys;
}

/* One run of bytes, decrypted in place. */
struct run {
	struct lk_zip_crypto keys;
	unsigned char *data;
	size_t len;
};

/* n bytes of each of `count` runs, a number that the compiler knows, so that their keys stay in registers. */
static inline __attribute__((always_inline)) void step(struct run *runs, int count, size_t n)
{
	const z_crc_t *table = get_crc_table();
	struct lk_zip_crypto keys[LK_ZIP_CRYPTO_SIDES];

	for (int j = 0; j < count; j++)
		keys[j] = runs[j].keys;
	for (size_t i = 0; i < n; i++) {
		_Pragma("GCC unroll 4") for (int j = 0; j < count; j++)
		{
			decrypt(&keys[j], table, &runs[j].data[i]);
		}
	}
	for (int j = 0; j < count; j++) {
		runs[j].keys = keys[j];
		runs[j].data += n;
		runs[j].len -= n;
	}
}

/* Decrypts up to LK_ZIP_CRYPTO_SIDES runs side by side; they are used up. */
static void apply_all(struct run *runs, int count)
{
	while (count) {
		size_t shortest = runs[0].len;

		for (int j = 1; j < count; j++)
			if (runs[j].len < shortest)
				shortest = runs[j].len;
		if (count == 4)
			step(runs, 4, shortest);
		else if (count == 3)
			step(runs, 3, shortest);
		else if (count == 2)
			step(runs, 2, shortest);
		else
			step(runs, 1, shortest);
		for (int j = count - 1; j >= 0; j--)
			if (!runs[j].len)
				runs[j] = runs[--count];
	}
}

/* ---- small members ---- */

/* Finds up to `want` small members from `place` on, and how many bytes of data they have. */
static size_t gather(struct lk_zip_sides *s, const struct lk_zip *z, const struct lk_zip_place *place,
	int want, struct lk_zip_place *places)
{
	size_t from = (size_t)(place->member - z->members), total = 0;

	s->count = s->used = 0;
	for (size_t i = from; i < z->count && i < from + 4 * LK_ZIP_CRYPTO_SIDES && s->count < want; i++) {
		struct lk_zip_place *p = &places[s->count];

		if (!lk_zip_locate(z, i, p) || p->member->cipher != LK_ZIP_CRYPTO ||
			p->member->packed > LK_ZIP_CRYPTO_SMALL)
			continue;
		s->members[s->count++] = p->member;
		total += (size_t)p->member->packed;
	}
	return total;
}

/* Decrypts members from `place` on; count is 0 when that cannot be. */
static enum lk_status decrypt_sides(struct lk_zip_sides *s, const struct lk_zip *z,
	const struct lk_zip_place *place, int want, struct lk_error *err)
{
	struct lk_zip_place places[LK_ZIP_CRYPTO_SIDES];
	struct run runs[LK_ZIP_CRYPTO_SIDES];
	size_t total = gather(s, z, place, want, places), used = 0;
	struct lk_zip_crypto keys;

	lk_str_clear(&s->bytes);
	if (!lk_str_reserve(&s->bytes, total))
		return lk_error_nomem(err);
	lk_zip_crypto_begin(&keys, s->passphrase);
	for (int i = 0; i < s->count; i++) {
		size_t len = (size_t)places[i].member->packed, got;

		s->data[i] = (unsigned char *)s->bytes.data + used;
		LK_TRY(lk_blob_read(z->input, places[i].data, s->data[i], len, &got, err));
		if (got != len) {
			s->count = 0;
			return LK_OK;
		}
		runs[i] = (struct run){keys, s->data[i], len};
		used += len;
	}
	apply_all(runs, s->count);
	OPENSSL_cleanse(&keys, sizeof(keys));
	OPENSSL_cleanse(runs, sizeof(runs));
	return LK_OK;
}

static int find(const struct lk_zip_sides *s, const struct lk_zip_member *member, const char *passphrase)
{
	for (int i = 0; s->passphrase == passphrase && i < s->count; i++)
		if (s->members[i] == member)
			return i;
	return -1;
}

enum lk_status lk_zip_crypto_small(struct lk_zip_sides *s, const struct lk_zip *z,
	const struct lk_zip_place *place, const char *passphrase, const unsigned char **out,
	struct lk_error *err)
{
	int i = find(s, place->member, passphrase);

	*out = NULL;
	if (i < 0) {
		bool steady = s->passphrase == passphrase && s->used >= s->count;

		s->passphrase = passphrase;
		LK_TRY(decrypt_sides(s, z, place, steady ? LK_ZIP_CRYPTO_SIDES : 1, err));
		i = find(s, place->member, passphrase);
	}
	if (i < 0)
		return LK_OK;
	*out = s->data[i];
	s->used += s->data[i][LK_ZIP_CRYPTO_HEADER - 1] == place->check;
	return LK_OK;
}

void lk_zip_sides_wipe(struct lk_zip_sides *s)
{
	s->passphrase = NULL;
	s->count = s->used = 0;
}
