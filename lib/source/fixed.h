/*
 * Windows: where the fields of a record of fixed width stand (private to lib/source).
 */
#ifndef LK_SOURCE_FIXED_H
#define LK_SOURCE_FIXED_H

#include <stdbool.h>
#include <stddef.h>

#include "source/lines.h"
#include "source/sink.h"

/* Characters of a line, or columns of delimited text: from `start` (the first is 0) up to `end`. */
struct lk_window {
	size_t start, end; /* end: SIZE_MAX where it goes to the line's end */
};

/* "START:WIDTH", from 1, or "START:" to the line's end. */
bool lk_window_parse(const char *text, struct lk_window *w);

/* A line whose characters can be counted. */
struct lk_ruler {
	const struct lk_line *line;
	size_t *offsets; /* of its characters, where they are not its bytes; the last is the line's end */
	size_t count, cap;
};

/* Measures the line as far as `end` characters. False when out of memory. */
bool lk_ruler_measure(struct lk_ruler *r, const struct lk_line *line, size_t end) LK_CHECKED;
/* What stands in a window: no text where the line ends before it. */
struct lk_value lk_ruler_value(const struct lk_ruler *r, const struct lk_window *w);
void lk_ruler_release(struct lk_ruler *r);

#endif
