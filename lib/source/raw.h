/*
 * Raw bytes as text, for lk.rejects.
 *
 * A byte that is no part of UTF-8, and NUL, are written as \xNN, and so is a backslash (\x5c) that stands before an x and two
 * hexadecimal digits: each text is one sequence of bytes then, and can be read again (lk_path_text does the same to paths).
 */
#ifndef LK_SOURCE_RAW_H
#define LK_SOURCE_RAW_H

#include "base/str.h"

/* Both add to *out. */
void lk_raw_text(struct lk_str *out, const char *data, size_t len);
void lk_raw_bytes(struct lk_str *out, const char *text, size_t len);

#endif
