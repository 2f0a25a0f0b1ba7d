/*
 * A growing byte string.
 *
 * `data` is NUL-terminated at data[len] once anything was added, and NULL before. Appending never fails loudly: when
 * memory runs out the string is marked `failed`, later appends do nothing, and lk_str_check tells. So a caller builds
 * a whole text and checks once.
 */
#ifndef LK_BASE_STR_H
#define LK_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_str {
	char *data;
	size_t len, cap;
	bool failed;
};

#define LK_STR_INIT {NULL, 0, 0, false}

/* Room for `extra` more bytes (and a NUL); false when out of memory. */
bool lk_str_reserve(struct lk_str *s, size_t extra);

void lk_str_add(struct lk_str *s, const void *data, size_t len);
void lk_str_adds(struct lk_str *s, const char *text);
void lk_str_addc(struct lk_str *s, char c);
void lk_str_addf(struct lk_str *s, const char *fmt, ...) LK_PRINTF(2, 3);

/* What a word ends in behind a number of things: "s", or "" for one. */
const char *lk_plural(int64_t n);

/* Adds a JSON string literal, quotes included; bytes that are not UTF-8 become U+FFFD. */
void lk_str_add_json(struct lk_str *s, const char *text, size_t len);

/* Adds a character (a code point) that is not to be shown as it is: \n, \r, \t, \xNN or \u{N}. */
void lk_str_add_escape(struct lk_str *s, uint32_t c);

/* Adds text as it may be shown on a terminal: control characters, marks that turn the direction of text around, and bytes that
 * are not UTF-8 are escaped; all else stays. */
void lk_str_add_shown(struct lk_str *s, const char *text);

/* LK_OK, or out of memory when any append since the last clear failed. */
enum lk_status lk_str_check(const struct lk_str *s, struct lk_error *err) LK_CHECKED;

/* The text as a C string, "" when nothing was added. Borrowed until the next change. */
const char *lk_str_text(const struct lk_str *s);

void lk_str_clear(struct lk_str *s);   /* len 0, memory kept, failed reset */
void lk_str_release(struct lk_str *s); /* memory gone */

/* Adds a code point (up to U+10FFFF) in UTF-8. */
void lk_str_add_point(struct lk_str *s, uint32_t point);

/* Length in bytes of the valid UTF-8 sequence at p (1 to 4), or 0 when there is none. p < end. */
size_t lk_utf8_len(const unsigned char *p, const unsigned char *end);

/* The code point of the valid sequence of that length at p. */
uint32_t lk_utf8_point(const unsigned char *p, size_t len);

/* Whether a character moves the cursor, or does something else to a terminal than to appear at its place. */
bool lk_is_control(uint32_t c);

/* Whether all of data is valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool lk_utf8_valid(const char *data, size_t len);

/* Whether all of data is ASCII. */
bool lk_ascii(const char *data, size_t len);

/* Whether text matches a shell glob of `*`, `?` and `[...]`; `*` matches `/` too. */
bool lk_glob_match(const char *pattern, const char *text);

#endif
