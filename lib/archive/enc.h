/*
 * What `openssl enc` wrote: "Salted__", 8 bytes of salt, and AES in CBC mode, by a key that is made of a passphrase.
 *
 * The format says neither how the key was made nor by which cipher, and it has no check: a wrong key is known by what
 * comes out. So the ways that openssl has and had by default are tried, and those that people are told to take; and
 * content is taken only where it has a check of its own. A block of CBC can be decrypted anywhere, given the one before
 * it: the content is a blob (blob.h), decrypted as it is read, and of any size.
 *
 *	[ Salted__ | salt ][ block ][ block ] ... [ block, padded (PKCS #7) ]
 */
#ifndef LK_ARCHIVE_ENC_H
#define LK_ARCHIVE_ENC_H

#include "archive/blob.h"

struct lk_enc {
	const struct lk_blob *input;
	void *cipher; /* OpenSSL's context; NULL when closed */
	unsigned char iv[16];
	int64_t size; /* of the content */
	unsigned char *held; /* encrypted bytes on their way */
	struct lk_blob content;
};

enum lk_enc_fit {
	LK_ENC_ERROR = -1, /* not the input's fault; err is filled */
	LK_ENC_NO,	   /* this is not how it was encrypted */
	LK_ENC_YES,
	LK_ENC_UNCHECKED, /* it is, but what comes out has no check of its own */
};

/* Whether the input is encrypted so. */
bool lk_enc_detect(const struct lk_blob *input);

/* Whether its size is one that it can have. */
bool lk_enc_is_whole(const struct lk_blob *input);

/* How many ways there are to make a key of a passphrase; likely ones come first, and dear ones last. */
int lk_enc_ways(void);

/* What a key made in this way costs, in rounds of hashing: a second of a processor makes some millions. */
int lk_enc_rounds(int way);

/* Tries a passphrase in one of these ways. YES: e->content is what was encrypted, until lk_enc_close; name and input are borrowed
 * for as long. Otherwise *e is closed, and err is filled for ERROR alone. */
enum lk_enc_fit lk_enc_open(struct lk_enc *e, const struct lk_blob *input, const char *name, const char *passphrase, int way,
	struct lk_error *err);

/* As lk_blob_read, of the content. */
enum lk_status lk_enc_read(struct lk_enc *e, int64_t offset, void *buf, size_t len, size_t *got, struct lk_error *err) LK_CHECKED;

/* Wipes the key. */
void lk_enc_close(struct lk_enc *e);

#endif
