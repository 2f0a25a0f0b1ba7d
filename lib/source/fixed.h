/*
 * Rulers: what stands in which columns of a line (private to lib/source).
 */
#ifndef LK_SOURCE_FIXED_H
#define LK_SOURCE_FIXED_H

#include "source/control.h"
#include "source/lines.h"

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
