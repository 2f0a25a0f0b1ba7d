/*
 * The encoding of a text, guessed from its bytes: byte order marks, where NUL bytes are, what is valid UTF-8, and which
 * characters the other bytes would be.
 */
#ifndef LK_INFER_GUESS_ENCODING_H
#define LK_INFER_GUESS_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

/* The name of the encoding as iconv and a resource's `encoding` know it. whole: no character is cut at the end. */
const char *lk_encoding_guess(const char *data, size_t len, bool whole);

/* Appends data as UTF-8 without a byte order mark; bytes that are wrong become U+FFFD. */
enum lk_status lk_encoding_text(
	const char *data, size_t len, const char *encoding, struct lk_str *out, struct lk_error *err) LK_CHECKED;

#endif
