#include "source/distinct.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/hash.h"

#define FIRST_SLOTS 1024

enum lk_status lk_distinct_hash(
	struct lk_distinct *u, const void *data, size_t len, struct lk_hash128 *out, struct lk_error *err)
{
	XXH128_hash_t hash;

	if (!u->seeded)
		LK_TRY(lk_random(&u->seed, sizeof(u->seed), err));
	u->seeded = true;
	hash = XXH3_128bits_withSeed(data, len, u->seed);
	*out = (struct lk_hash128){hash.low64, hash.high64};
	if (!out->low && !out->high)
		out->low = 1;
	return LK_OK;
}

/* The slot of a hash, or the free one where it belongs. */
static struct lk_hash128 *find(struct lk_hash128 *slots, size_t cap, const struct lk_hash128 *hash)
{
	size_t i = (size_t)hash->low & (cap - 1);

	while ((slots[i].low || slots[i].high) && (slots[i].low != hash->low || slots[i].high != hash->high))
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

bool lk_distinct_has(const struct lk_distinct *u, const struct lk_hash128 *hash)
{
	const struct lk_hash128 *slot = u->cap ? find(u->slots, u->cap, hash) : NULL;

	return slot && (slot->low || slot->high);
}

/* An empty table in a file of its own; blocks are taken at once, for a full disk must not end the process later. */
static enum lk_status map_file(size_t bytes, void **out, struct lk_error *err)
{
	const char *folder = getenv("TMPDIR");
	int fd, code;

	if (!folder || !*folder)
		folder = "/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (fd < 0)
		return lk_error_sys(err, LK_CANTCREATE, "cannot make a file in '%s' for values that must be unique", folder);
	code = posix_fallocate(fd, 0, (off_t)bytes);
	*out = code ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (*out == MAP_FAILED)
		return lk_error_set(err, LK_IO, "no room for %zu bytes in '%s' for values that must be unique", bytes, folder);
	return LK_OK;
}

static enum lk_status map_table(const struct lk_distinct *u, size_t bytes, void **out, struct lk_error *err)
{
	if (bytes > (u->memory ? u->memory : LK_DISTINCT_MEMORY))
		return map_file(bytes, out, err);
	*out = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return *out == MAP_FAILED ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status grow(struct lk_distinct *u, struct lk_error *err)
{
	size_t cap = u->cap ? 2 * u->cap : FIRST_SLOTS;
	void *slots;

	LK_TRY(map_table(u, cap * sizeof(*u->slots), &slots, err));
	for (size_t i = 0; i < u->cap; i++)
		if (u->slots[i].low || u->slots[i].high)
			*find(slots, cap, &u->slots[i]) = u->slots[i];
	if (u->slots)
		munmap(u->slots, u->cap * sizeof(*u->slots));
	u->slots = slots;
	u->cap = cap;
	return LK_OK;
}

enum lk_status lk_distinct_add(struct lk_distinct *u, const struct lk_hash128 *hash, struct lk_error *err)
{
	if (u->count + u->count / 3 >= u->cap)
		LK_TRY(grow(u, err));
	*find(u->slots, u->cap, hash) = *hash;
	u->count++;
	return LK_OK;
}

void lk_distinct_release(struct lk_distinct *u)
{
	if (u->slots)
		munmap(u->slots, u->cap * sizeof(*u->slots));
	*u = (struct lk_distinct){NULL};
}
