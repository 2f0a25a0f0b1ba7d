/*
 * Decoders: text of any encoding that the system's iconv knows as UTF-8, in pieces of any size.
 *
 * Encodings of one byte a character become a table when the decoder is opened, and ASCII in them is passed on as it is. What
 * is no character of the encoding is read by a second one where there is one; else it becomes U+FFFD, or LK_WRONG_BYTE,
 * which no UTF-8 has, so that the value that holds it is found wrong where values are looked at. Nothing ends a decoder
 * but a lack of memory.
 */
#ifndef LK_SOURCE_DECODE_H
#define LK_SOURCE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define LK_WRONG_BYTE "\xff"
#define LK_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define LK_UTF8_NAME "UTF-8"

/* How a text is to be decoded. */
struct lk_decoding {
	const char *encoding; /* by lk_encoding_known; LK_UTF8_NAME: as it stands */
	const char *second;   /* for bytes that are no character of it, one byte a character; or NULL */
	bool replace;	      /* what is wrong in both becomes U+FFFD */
	size_t mark;	      /* bytes of a byte order mark at the start, which go */
};

struct lk_decoder;

/* The name of an encoding as iconv has it, in out; false when there is none. UTF-8 and its subset ASCII are LK_UTF8_NAME. */
#define LK_ENCODING_NAME 32
bool lk_encoding_known(const char *name, char out[LK_ENCODING_NAME]);

/* UTF-16 or UTF-32, with or without an order of bytes. */
bool lk_encoding_is_wide(const char *name);

/* The encoding that a text begins with a byte order mark of (*mark: its bytes), or that its NUL bytes tell: UTF-16 or
 * UTF-32 with their order of bytes, and with a mark UTF-8. NULL: it does not say. Static. */
const char *lk_encoding_of_head(const char *data, size_t len, size_t *mark);

/* How a text that begins so is decoded, whose encoding is one of these: what the head says comes first, then the first of them
 * that it allows. */
void lk_decoding_choose(const char *const *names, int count, bool replace, const char *data, size_t len, struct lk_decoding *out);
bool lk_decoding_equal(const struct lk_decoding *a, const struct lk_decoding *b);

/* For one text. LK_MISSING: iconv does not know the encoding. */
enum lk_status lk_decoder_open(struct lk_decoder **out, const struct lk_decoding *how, struct lk_error *err) LK_CHECKED;
void lk_decoder_close(struct lk_decoder *d); /* NULL is fine */

typedef enum lk_status (*lk_decoded)(void *arg, const char *text, size_t len, struct lk_error *err);

/* Hands on the text of a piece, the last but for what may be the start of a character. */
enum lk_status lk_decoder_feed(
	struct lk_decoder *d, const char *data, size_t len, lk_decoded to, void *arg, struct lk_error *err) LK_CHECKED;
/* The text ended. */
enum lk_status lk_decoder_finish(struct lk_decoder *d, lk_decoded to, void *arg, struct lk_error *err) LK_CHECKED;

/* How many wrong sequences of bytes there were: read by the second encoding, and by none. */
int64_t lk_decoder_seconded(const struct lk_decoder *d);
int64_t lk_decoder_wrong(const struct lk_decoder *d);

/* Appends a whole text; false, with out as it was, when some of it is no character, or out of memory (out->failed). */
bool lk_decoder_text(struct lk_decoder *d, const char *data, size_t len, struct lk_str *out);

#endif
