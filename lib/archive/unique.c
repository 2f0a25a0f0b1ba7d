#include "archive/unique.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/file.h"

/* The place of hash, or the free one where it would stand. */
static struct lk_unique_name *place_of(struct lk_unique_name *names, size_t size, uint64_t hash)
{
	size_t i = (size_t)hash & (size - 1);

	while (names[i].hash && names[i].hash != hash)
		i = (i + 1) & (size - 1);
	return &names[i];
}

static enum lk_status grow(struct lk_unique *u, struct lk_error *err)
{
	size_t size = u->size ? 2 * u->size : 256;
	struct lk_unique_name *names = calloc(size, sizeof(*names));

	if (!names)
		return lk_error_nomem(err);
	for (size_t i = 0; i < u->size; i++)
		if (u->names[i].hash)
			*place_of(names, size, u->names[i].hash) = u->names[i];
	free(u->names);
	u->names = names;
	u->size = size;
	return LK_OK;
}

/* Takes note of the name: *is_new when it was not seen before. The place may move with the next one. */
static enum lk_status add(struct lk_unique *u, const char *name, bool *is_new, struct lk_unique_name **place,
	struct lk_error *err)
{
	uint64_t hash = XXH3_64bits(name, strlen(name));

	if (u->count >= u->size / 2)
		LK_TRY(grow(u, err));
	hash += !hash;
	*place = place_of(u->names, u->size, hash);
	*is_new = !(*place)->hash;
	u->count += *is_new;
	if (*is_new)
		**place = (struct lk_unique_name){hash, 2};
	return LK_OK;
}

enum lk_status lk_unique_name(struct lk_unique *u, const char *name, struct lk_str *out, struct lk_error *err)
{
	const char *dot = strrchr(lk_path_base(name), '.');
	size_t stem = dot && dot > lk_path_base(name) ? (size_t)(dot - name) : strlen(name);
	struct lk_unique_name *place;
	unsigned number;
	bool is_new;

	lk_str_clear(out);
	lk_str_adds(out, name);
	LK_TRY(lk_str_check(out, err));
	LK_TRY(add(u, name, &is_new, &place, err));
	if (is_new)
		return LK_OK;
	for (number = place->next; !is_new; number++) {
		lk_str_clear(out);
		lk_str_add(out, name, stem);
		lk_str_addf(out, " (%u)%s", number, name + stem);
		LK_TRY(lk_str_check(out, err));
		LK_TRY(add(u, lk_str_text(out), &is_new, &place, err));
	}
	LK_TRY(add(u, name, &is_new, &place, err));
	place->next = number;
	return LK_OK;
}

void lk_unique_clear(struct lk_unique *u)
{
	if (u->count)
		memset(u->names, 0, u->size * sizeof(*u->names));
	u->count = 0;
}

void lk_unique_release(struct lk_unique *u)
{
	free(u->names);
	*u = (struct lk_unique)LK_UNIQUE_INIT;
}
