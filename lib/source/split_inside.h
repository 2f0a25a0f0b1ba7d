/*
 * What stands at a place in the buffer of a splitter (inside of split.c and mend.c).
 */
#ifndef LK_SOURCE_SPLIT_INSIDE_H
#define LK_SOURCE_SPLIT_INSIDE_H

#include <string.h>

#include "base/mem.h"
#include "source/split.h"

enum lk_mark_found {
	LK_FOUND_NOT,
	LK_FOUND,
	LK_FOUND_MORE, /* cannot be told yet */
};

static inline enum lk_mark_found lk_split_compare(const struct lk_split *s, const struct lk_split_mark *mark, size_t at)
{
	size_t left = s->len - at, n = left < mark->len ? left : mark->len;

	if (memcmp(s->room + at, mark->text, n))
		return LK_FOUND_NOT;
	return n == mark->len ? LK_FOUND : s->last ? LK_FOUND_NOT : LK_FOUND_MORE;
}

/* Whether the mark stands at `at`. simple: it has one byte or none, and the byte at `at` is special. */
static inline enum lk_mark_found lk_split_find(
	const struct lk_split *s, const struct lk_split_mark *mark, size_t at, const bool simple)
{
	if (simple) /* NUL, the first of no mark, is not special */
		return s->room[at] == mark->first ? LK_FOUND : LK_FOUND_NOT;
	if (!mark->len || s->room[at] != mark->first)
		return LK_FOUND_NOT;
	return mark->len == 1 ? LK_FOUND : lk_split_compare(s, mark, at);
}

/* A record of nothing but delimiters would take 24 times its size: what is beyond this is not kept, and the record is at fault. */
#define LK_SPLIT_CELLS 1000000

static inline bool lk_split_add(struct lk_split *s, struct lk_split_cell cell)
{
	if (s->cell_count >= LK_SPLIT_CELLS) {
		s->fault = "has more than a million fields";
		s->fault_cell = 0;
		return true;
	}
	if (s->cell_count == s->cell_cap &&
		!lk_grow((void **)&s->cells, &s->cell_cap, s->cell_count + 1, sizeof(*s->cells)))
		return false;
	s->cells[s->cell_count++] = cell;
	return true;
}

/* mend.c: whether the record has s->width cells, but for empty ones at its end. */
bool lk_split_fits(const struct lk_split *s);
/* mend.c: tries to read the record's text in other ways, so that it fits: s->mended then. Else its cells are of no use. */
enum lk_status lk_split_mend(struct lk_split *s, struct lk_error *err) LK_CHECKED;

#endif
