#include "tend/index.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/mem.h"

/* The slot of the key, or the empty one where it would be. */
static size_t slot_of(const struct lk_index *x, const void *key, size_t len, uint64_t hash)
{
	size_t i = hash & (x->slot_count - 1);

	for (; x->slots[i]; i = (i + 1) & (x->slot_count - 1)) {
		const struct lk_index_key *k = &x->keys[x->slots[i] - 1];

		if (k->hash == hash && k->len == len && !memcmp(k->data, key, len))
			break;
	}
	return i;
}

size_t lk_index_find(const struct lk_index *x, const void *key, size_t len)
{
	if (!x->slot_count)
		return SIZE_MAX;
	return x->slots[slot_of(x, key, len, XXH3_64bits(key, len))] - 1;
}

static enum lk_status enlarge(struct lk_index *x, struct lk_error *err)
{
	size_t count = x->slot_count ? x->slot_count * 2 : 64, *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return lk_error_nomem(err);
	free(x->slots);
	x->slots = slots;
	x->slot_count = count;
	for (size_t i = 0; i < x->count; i++)
		x->slots[slot_of(x, x->keys[i].data, x->keys[i].len, x->keys[i].hash)] = i + 1;
	return LK_OK;
}

enum lk_status lk_index_add(struct lk_index *x, const void *key, size_t len, size_t *number, bool *added, struct lk_error *err)
{
	uint64_t hash = XXH3_64bits(key, len);
	size_t slot;

	if ((x->count + 1) * 2 > x->slot_count)
		LK_TRY(enlarge(x, err));
	slot = slot_of(x, key, len, hash);
	*added = !x->slots[slot];
	if (*added) {
		if (!lk_grow((void **)&x->keys, &x->cap, x->count + 1, sizeof(*x->keys)))
			return lk_error_nomem(err);
		x->keys[x->count++] = (struct lk_index_key){key, len, hash};
		x->slots[slot] = x->count;
	}
	*number = x->slots[slot] - 1;
	return LK_OK;
}

void lk_index_release(struct lk_index *x)
{
	free(x->slots);
	free(x->keys);
	*x = (struct lk_index){0};
}
