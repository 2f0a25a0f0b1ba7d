#include "archive/zip_crypto.h"

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

void lk_zip_crypto_apply(struct lk_zip_crypto *k, unsigned char *data, size_t len)
{
	const z_crc_t *table = get_crc_table();
	struct lk_zip_crypto keys = *k;

	for (size_t i = 0; i < len; i++) {
		uint32_t mix = (keys.key2 | 2) & 0xffff;

		data[i] ^= (unsigned char)(mix * (mix ^ 1) >> 8);
		move_on(&keys, table, data[i]);
	}
	*k = keys;
}
