#include "archive/unique.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/file.h"

/* The place of hash, or the free one where it would stand. */
static size_t place_of(const uint64_t *hashes, size_t size, uint64_t hash)
{
	size_t i = (size_t)hash & (size - 1);

	while (hashes[i] && hashes[i] != hash)
		i = (i + 1) & (size - 1);
	return i;
}

static enum lk_status grow(struct lk_unique *u, struct lk_error *err)
{
	size_t size = u->size ? 2 * u->size : 256;
	uint64_t *hashes = calloc(size, sizeof(*hashes));

	if (!hashes)
		return lk_error_nomem(err);
	for (size_t i = 0; i < u->size; i++)
		if (u->hashes[i])
			hashes[place_of(hashes, size, u->hashes[i])] = u->hashes[i];
	free(u->hashes);
	u->hashes = hashes;
	u->size = size;
	return LK_OK;
}

static enum lk_status add(struct lk_unique *u, const char *name, bool *is_new, struct lk_error *err)
{
	uint64_t hash = XXH3_64bits(name, strlen(name));
	size_t at;

	if (u->count >= u->size / 2)
		LK_TRY(grow(u, err));
	hash += !hash;
	at = place_of(u->hashes, u->size, hash);
	*is_new = !u->hashes[at];
	u->count += *is_new;
	u->hashes[at] = hash;
	return LK_OK;
}

enum lk_status lk_unique_name(struct lk_unique *u, const char *name, struct lk_str *out, struct lk_error *err)
{
	const char *dot = strrchr(lk_path_base(name), '.');
	size_t stem = dot && dot > lk_path_base(name) ? (size_t)(dot - name) : strlen(name);
	bool is_new;

	lk_str_clear(out);
	lk_str_adds(out, name);
	for (unsigned n = 2;; n++) {
		LK_TRY(lk_str_check(out, err));
		LK_TRY(add(u, lk_str_text(out), &is_new, err));
		if (is_new)
			return LK_OK;
		lk_str_clear(out);
		lk_str_add(out, name, stem);
		lk_str_addf(out, " (%u)%s", n, name + stem);
	}
}

void lk_unique_clear(struct lk_unique *u)
{
	if (u->count)
		memset(u->hashes, 0, u->size * sizeof(*u->hashes));
	u->count = 0;
}

void lk_unique_release(struct lk_unique *u)
{
	free(u->hashes);
	*u = (struct lk_unique)LK_UNIQUE_INIT;
}
