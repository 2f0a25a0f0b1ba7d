#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (16 * 1024)
#define ALIGN 16

struct lk_arena_block {
	struct lk_arena_block *next;
	size_t size, used;
	_Alignas(ALIGN) char data[];
};

static struct lk_arena_block *block_new(size_t size, struct lk_arena_block *next)
{
	struct lk_arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->next = next;
	block->size = size;
	block->used = 0;
	return block;
}

/* Uncleared memory of the arena, or NULL. */
static void *take(struct lk_arena *arena, size_t size)
{
	struct lk_arena_block *block = arena->blocks;
	void *result;

	if (size > SIZE_MAX - ALIGN)
		return NULL;
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!block || block->size - block->used < size) {
		block = block_new(size > BLOCK_SIZE ? size : BLOCK_SIZE, arena->blocks);
		if (!block)
			return NULL;
		arena->blocks = block;
	}
	result = block->data + block->used;
	block->used += size;
	arena->used_bytes += size;
	return result;
}

void *lk_arena_alloc(struct lk_arena *arena, size_t size)
{
	void *p = take(arena, size ? size : 1);

	if (p)
		memset(p, 0, size);
	return p;
}

char *lk_arena_strndup(struct lk_arena *arena, const char *s, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		return NULL;
	copy = take(arena, len + 1);
	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *lk_arena_strdup(struct lk_arena *arena, const char *s)
{
	return lk_arena_strndup(arena, s, strlen(s));
}

char *lk_arena_printf(struct lk_arena *arena, const char *fmt, ...)
{
	va_list args, again;
	char *s = NULL;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	if (n >= 0)
		s = take(arena, (size_t)n + 1);
	if (s)
		vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(args);
	return s;
}

void lk_arena_clear(struct lk_arena *arena)
{
	struct lk_arena_block *block = arena->blocks;

	while (block && block->next) {
		struct lk_arena_block *next = block->next;

		free(block);
		block = next;
	}
	if (block)
		block->used = 0;
	arena->blocks = block;
	arena->used_bytes = 0;
}

void lk_arena_release(struct lk_arena *arena)
{
	lk_arena_clear(arena);
	free(arena->blocks);
	arena->blocks = NULL;
}

bool lk_grow(void **items, size_t *cap, size_t need, size_t item_size)
{
	size_t grown = *cap ? *cap : 8;
	void *p;

	if (need <= *cap)
		return true;
	while (grown < need) {
		if (grown > SIZE_MAX / 2)
			return false;
		grown *= 2;
	}
	if (grown > SIZE_MAX / item_size)
		return false;
	p = realloc(*items, grown * item_size);
	if (!p)
		return false;
	*items = p;
	*cap = grown;
	return true;
}
