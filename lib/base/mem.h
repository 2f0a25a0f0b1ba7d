/*
 * An arena: many small allocations that end together.
 *
 * Blocks never move, so pointers stay valid until lk_arena_clear or lk_arena_release. Clear keeps the first block, so
 * that an arena which is cleared for every batch soon allocates nothing at all.
 *
 *	blocks -> [ header | used ....... | free ... ] -> [ header | used | free ] -> NULL
 */
#ifndef LK_BASE_MEM_H
#define LK_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct lk_arena_block;

struct lk_arena {
	struct lk_arena_block *blocks; /* the newest first; NULL when nothing was allocated yet */
	size_t used_bytes;	       /* given out since the last clear, for budgets */
};

#define LK_ARENA_INIT {NULL, 0}

/* size bytes aligned for any type, zeroed; NULL when out of memory. */
void *lk_arena_alloc(struct lk_arena *arena, size_t size);

/* A copy of len bytes with a NUL after them; NULL when out of memory. */
char *lk_arena_strndup(struct lk_arena *arena, const char *s, size_t len);
char *lk_arena_strdup(struct lk_arena *arena, const char *s);
char *lk_arena_printf(struct lk_arena *arena, const char *fmt, ...) LK_PRINTF(2, 3);

/* Everything given out ends; memory is kept for the next round. */
void lk_arena_clear(struct lk_arena *arena);

/* Everything given out ends; memory goes back. The arena may be used again. */
void lk_arena_release(struct lk_arena *arena);

/*
 * Grows an array so that it holds at least `need` elements: *items (NULL at first), its capacity in elements *cap.
 * Returns false, with nothing changed, when out of memory. New elements are not initialised.
 */
bool lk_grow(void **items, size_t *cap, size_t need, size_t item_size) LK_CHECKED;

#endif
