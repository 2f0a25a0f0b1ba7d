/*
 * Key maps: surrogates that come from elsewhere.
 *
 * A number that the map has may get further keys only where those come with one of the keys that it has: else two things would have
 * the same surrogate by accident.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sql/keymap_inside.h"
#include "sql/lookup.h"

struct number {
	uint32_t entry; /* the first that it is given to */
	bool backed;	/* one of its keys is the map's */
};

struct numbers {
	struct lk_keymap *m;
	struct lk_keys *keys;
	struct number *items;
	size_t cap;
	const struct lk_keymap_entry *wrong; /* the first that is given another's; NULL: none */
	pthread_mutex_t lock;
};

static enum lk_status add_encoded(struct numbers *n, uint32_t entry, uint64_t hash, const struct lk_str *encoded, struct lk_error *err)
{
	const struct lk_keymap_entry *e = &n->m->entries[entry];
	uint32_t number;
	bool is_new;

	LK_TRY(lk_str_check(encoded, err));
	LK_TRY(lk_keys_add(n->keys, hash, encoded->data, encoded->len, &number, &is_new, err));
	if (is_new && !lk_grow((void **)&n->items, &n->cap, (size_t)number + 1, sizeof(*n->items)))
		return lk_error_nomem(err);
	if (is_new)
		n->items[number] = (struct number){entry, false};
	n->items[number].backed |= e->known == e->given;
	return LK_OK;
}

static enum lk_status add(struct numbers *n, uint32_t entry, struct lk_str *encoded, struct lk_error *err)
{
	const struct lk_cells cell = {.kind = LK_CELLS_INT, .layout = LK_CELLS_I64, .data = &n->m->entries[entry].given, .factor = 1};
	uint64_t hash = 0;

	lk_cells_hash(&cell, 1, &hash);
	lk_str_clear(encoded);
	lk_cells_encode(&cell, 0, encoded);
	return add_encoded(n, entry, hash, encoded, err);
}

/* Numbers that were never given out cannot be there. */
static enum lk_status gather(struct numbers *n, struct lk_error *err)
{
	struct lk_str encoded = LK_STR_INIT;
	enum lk_status status = LK_OK;

	for (size_t i = 0; i < n->m->count && !status; i++)
		if (n->m->entries[i].given < n->m->next)
			status = add(n, (uint32_t)i, &encoded, err);
	lk_str_release(&encoded);
	return status;
}

static void note_wrong(void *context, const struct lk_cells *cells, const int64_t *key, const int64_t *scope, int64_t count, int8_t *verdict)
{
	struct numbers *n = context;

	(void)cells, (void)scope;
	pthread_mutex_lock(&n->lock);
	for (int64_t i = 0; i < count; i++) {
		const struct number *number = key[i] < 0 ? NULL : &n->items[key[i]];
		const struct lk_keymap_entry *e = number && !number->backed ? &n->m->entries[number->entry] : NULL;

		verdict[i] = 0;
		if (e && (!n->wrong || e->place < n->wrong->place))
			n->wrong = e;
	}
	pthread_mutex_unlock(&n->lock);
}

static enum lk_status check(struct numbers *n, const struct lk_lake_table *t, struct lk_places *places, struct lk_error *err)
{
	int surrogate = 0;
	const struct lk_lookup lookup = {.table = t, .key = {&surrogate, 1}, .also = {&surrogate, 1}, .keys = n->keys, .weigh = note_wrong,
		.visit = lk_keymap_visit_nothing, .context = n};

	LK_TRY(gather(n, err));
	if (!lk_keys_count(n->keys))
		return LK_OK;
	while (strcmp(t->columns[surrogate].name, LK_KEYMAP_SURROGATE) != 0)
		surrogate++;
	LK_TRY(lk_lookup_run(&lookup, places, err));
	if (!n->wrong)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "row %lld: the surrogate %lld is that of other keys in %s", (long long)n->wrong->place,
		(long long)n->wrong->given, n->m->table);
}

enum lk_status lk_keymap_check_given(struct lk_keymap *m, const struct lk_lake_table *t, struct lk_places *places, struct lk_error *err)
{
	struct numbers n = {.m = m, .lock = PTHREAD_MUTEX_INITIALIZER};
	enum lk_status status = lk_keys_create(&n.keys, err);

	if (!status)
		status = check(&n, t, places, err);
	lk_keys_free(n.keys);
	free(n.items);
	return status;
}
