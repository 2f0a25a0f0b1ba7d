#include "tend/fileset.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define FIRST_CAP 1024

static bool is_free(struct lk_filekey key)
{
	return !key.a && !key.b;
}

struct lk_filekey lk_filekey_of(const struct stat *st)
{
	return (struct lk_filekey){(uint64_t)st->st_dev + 1, (uint64_t)st->st_ino};
}

struct lk_filekey lk_filekey_of_name(const char *name)
{
	XXH128_hash_t hash = XXH3_128bits(name, strlen(name));

	return (struct lk_filekey){hash.low64 | 1, hash.high64};
}

static struct lk_filekey *slot_of(struct lk_filekey *slots, size_t cap, struct lk_filekey key)
{
	size_t i = (size_t)((key.a * UINT64_C(0x9e3779b97f4a7c15)) ^ (key.b * UINT64_C(0xc2b2ae3d27d4eb4f)) >> 17) & (cap - 1);

	while (!is_free(slots[i]) && (slots[i].a != key.a || slots[i].b != key.b))
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

static bool grow(struct lk_fileset *set)
{
	size_t cap = set->cap ? set->cap * 2 : FIRST_CAP;
	struct lk_filekey *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < set->cap; i++)
		if (!is_free(set->slots[i]))
			*slot_of(slots, cap, set->slots[i]) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->cap = cap;
	return true;
}

enum lk_status lk_fileset_add(struct lk_fileset *set, struct lk_filekey key, bool *fresh, struct lk_error *err)
{
	struct lk_filekey *slot;

	if (set->count * 2 >= set->cap && !grow(set))
		return lk_error_nomem(err);
	slot = slot_of(set->slots, set->cap, key);
	if (fresh)
		*fresh = is_free(*slot);
	if (is_free(*slot)) {
		*slot = key;
		set->count++;
	}
	return LK_OK;
}

bool lk_fileset_has(const struct lk_fileset *set, struct lk_filekey key)
{
	return set->cap && !is_free(*slot_of(set->slots, set->cap, key));
}

void lk_fileset_release(struct lk_fileset *set)
{
	free(set->slots);
	*set = (struct lk_fileset){0};
}
