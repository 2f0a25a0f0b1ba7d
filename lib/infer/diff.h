/* Differences of two texts, line by line, as diff -u shows them. */
#ifndef LK_INFER_DIFF_H
#define LK_INFER_DIFF_H

#include "base/str.h"

/* Appends a unified diff under these names; nothing when the texts are equal. It is as short as can be up to 2,000 changed lines;
 * beyond that all between the first and the last of them is replaced as a whole. LK_OK, or out of memory. */
enum lk_status lk_diff(struct lk_str *out, const char *old_name, const char *old_text, const char *new_name, const char *new_text,
	struct lk_error *err) LK_CHECKED;

#endif
