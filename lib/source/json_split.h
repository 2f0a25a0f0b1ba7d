/*
 * Documents of JSON in a text that comes in pieces: the elements of an array at the top, or values one after the other (private to
 * lib/source).
 *
 * Only brackets and strings are looked at, to find where each value ends; what is in it is not. One value of at most 16 MiB is
 * held; one that is longer is handed out as far as that.
 */
#ifndef LK_SOURCE_JSON_SPLIT_H
#define LK_SOURCE_JSON_SPLIT_H

#include "source/lines.h"

struct lk_json_split {
	char *buf;
	size_t start, len, cap;
	size_t at; /* looked at so far */
	int64_t line, begun_line;
	bool begun, array, ended; /* of the text; ended: behind the array */
	bool inside, in_string, escaped, scalar, skipping, comma;
	int64_t depth;
	const char *problem; /* why nothing more can be found; a constant */
};

void lk_json_split_begin(struct lk_json_split *s);
void lk_json_split_clear(struct lk_json_split *s);
void lk_json_split_release(struct lk_json_split *s);
enum lk_status lk_json_split_add(struct lk_json_split *s, const char *data, size_t len, struct lk_error *err) LK_CHECKED;
/* The next value that is whole, with the line it begins at; last: nothing follows. False when there is none, or a problem. */
bool lk_json_split_next(struct lk_json_split *s, bool last, struct lk_line *value);

#endif
