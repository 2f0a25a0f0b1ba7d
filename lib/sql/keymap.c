/* Key maps: what is gathered. */
#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "lake/catalog.h"
#include "lake/transaction.h"
#include "sql/keymap_inside.h"

#define MAX_TRIES 40

/* ---- a map ---- */

static enum lk_status check_name(const char *name, struct lk_error *err)
{
	for (const char *level = name; level; level = strchr(level, '.') ? strchr(level, '.') + 1 : NULL) {
		size_t len = strcspn(level, "."), good = strspn(level, "abcdefghijklmnopqrstuvwxyz0123456789_");

		if (!len || good < len || (*level >= '0' && *level <= '9'))
			return lk_error_set(err, LK_USAGE,
				"'%s' is no name for a map: letters a to z, digits and underscores, with a dot behind a namespace", name);
	}
	if (!strncmp(name, "lk.", 3) || !strncmp(name, "quarantine.", 11))
		return lk_error_set(err, LK_USAGE, "'%s' is a name that lk keeps for its own tables", name);
	return LK_OK;
}

enum lk_status lk_keymap_create(struct lk_keymap **out, const char *name, struct lk_error *err)
{
	struct lk_str table = LK_STR_INIT;
	struct lk_keymap *m;

	*out = NULL;
	LK_TRY(check_name(name, err));
	lk_str_addf(&table, "%s%s", strchr(name, '.') ? "" : LK_KEYMAP_NAMESPACE ".", name);
	LK_TRY(lk_str_check(&table, err));
	m = calloc(1, sizeof(*m));
	if (!m) {
		lk_str_release(&table);
		return lk_error_nomem(err);
	}
	m->table = table.data;
	m->next = 1;
	*out = m;
	return LK_OK;
}

static void set_release(struct lk_keymap_set *s)
{
	lk_keys_free(s->keys);
	free(s->entries);
	free(s->kinds);
	free(s->phi);
}

void lk_keymap_free(struct lk_keymap *m)
{
	if (!m)
		return;
	for (int i = 0; i < m->set_count; i++)
		set_release(&m->sets[i]);
	for (size_t i = 0; i < m->seen_count; i++)
		free(m->seen[i]);
	free(m->seen);
	free(m->sets);
	free(m->entries);
	free(m->links);
	free(m->location);
	free(m->table);
	lk_keymap_nodes_release(&m->nodes);
	lk_target_release(&m->target);
	lk_arena_release(&m->arena);
	free(m);
}

const char *lk_keymap_table(const struct lk_keymap *m)
{
	return m->table;
}

/* ---- natural keys ---- */

static enum lk_status add_set(struct lk_keymap *m, const struct lk_surrogate_key *key, struct lk_error *err)
{
	struct lk_keymap_set *s;

	if (!lk_grow((void **)&m->sets, &m->set_cap, (size_t)m->set_count + 1, sizeof(*s)))
		return lk_error_nomem(err);
	s = &m->sets[m->set_count];
	*s = (struct lk_keymap_set){.key = key, .phi = calloc((size_t)key->count + 1, sizeof(*s->phi)),
		.kinds = calloc((size_t)key->count + 1, sizeof(*s->kinds))};
	m->set_count++;
	if (!s->phi || !s->kinds)
		return lk_error_nomem(err);
	for (int i = 0; i <= key->count; i++)
		s->kinds[i] = LK_CELLS_BYTES;
	return lk_keys_create(&s->keys, err);
}

enum lk_status lk_keymap_key(struct lk_keymap *m, const struct lk_surrogate_key *key, const char *const *phi, int *number,
	struct lk_error *err)
{
	for (*number = 0; *number < m->set_count; ++*number)
		if (!strcmp(m->sets[*number].key->name, key->name))
			break;
	if (*number == m->set_count)
		LK_TRY(add_set(m, key, err));
	for (int i = 0; i < key->count; i++)
		if (phi[i] && !m->sets[*number].phi[i])
			m->sets[*number].phi[i] = phi[i];
	return LK_OK;
}

/* The same text as of the row before is kept once. */
static enum lk_status keep_file(struct lk_keymap *m, const struct lk_keymap_origin *origin, const char **out, struct lk_error *err)
{
	*out = NULL;
	if (!origin->file)
		return LK_OK;
	if (!m->last_file || m->last_file_len != origin->file_len || memcmp(m->last_file, origin->file, origin->file_len) != 0) {
		m->last_file = lk_arena_strndup(&m->arena, origin->file, origin->file_len);
		m->last_file_len = origin->file_len;
	}
	*out = m->last_file;
	return *out ? LK_OK : lk_error_nomem(err);
}

static enum lk_status add_entry(struct lk_keymap *m, int key, uint32_t number, const struct lk_keymap_origin *origin, uint32_t *entry,
	struct lk_error *err)
{
	struct lk_keymap_set *s = &m->sets[key];
	struct lk_keymap_entry *e;

	if (m->count >= UINT32_MAX)
		return lk_error_set(err, LK_MISSING, "the input has more natural keys for %s than can be looked up at once", m->table);
	if (!lk_grow((void **)&m->entries, &m->cap, m->count + 1, sizeof(*m->entries)) ||
		!lk_grow((void **)&s->entries, &s->cap, (size_t)number + 1, sizeof(*s->entries)))
		return lk_error_nomem(err);
	e = &m->entries[m->count];
	*e = (struct lk_keymap_entry){.known = LK_KEYMAP_NONE, .given = LK_KEYMAP_NONE, .result = LK_KEYMAP_NONE, .row = origin->row,
		.place = origin->place, .number = number, .parent = (uint32_t)m->count, .key = key};
	LK_TRY(keep_file(m, origin, &e->file, err));
	*entry = s->entries[number] = (uint32_t)m->count++;
	s->unknown++;
	return LK_OK;
}

enum lk_status lk_keymap_add(struct lk_keymap *m, int key, const struct lk_str *encoded, const struct lk_keymap_origin *origin,
	uint32_t *entry, struct lk_error *err)
{
	struct lk_keymap_set *s = &m->sets[key];
	uint32_t number;
	uint64_t hash;
	bool is_new;

	LK_TRY(lk_str_check(encoded, err));
	if (!lk_encoded_hash(encoded->data, encoded->len, s->kinds, s->key->count + 1, &hash))
		return lk_error_set(err, LK_BUG, "a natural key of %s is not sound", m->table);
	LK_TRY(lk_keys_add(s->keys, hash, encoded->data, encoded->len, &number, &is_new, err));
	if (is_new)
		return add_entry(m, key, number, origin, entry, err);
	*entry = s->entries[number];
	return LK_OK;
}

/* ---- links ---- */

uint32_t lk_keymap_linked(struct lk_keymap *m, uint32_t e)
{
	while (m->entries[e].parent != e) {
		m->entries[e].parent = m->entries[m->entries[e].parent].parent;
		e = m->entries[e].parent;
	}
	return e;
}

enum lk_status lk_keymap_link(struct lk_keymap *m, uint32_t a, uint32_t b, const struct lk_keymap_origin *origin, struct lk_error *err)
{
	uint32_t x = lk_keymap_linked(m, a), y = lk_keymap_linked(m, b);
	struct lk_keymap_link *l;

	if (x == y)
		return LK_OK;
	if (!lk_grow((void **)&m->links, &m->link_cap, m->link_count + 1, sizeof(*m->links)))
		return lk_error_nomem(err);
	l = &m->links[m->link_count];
	*l = (struct lk_keymap_link){a, b, NULL, origin->row};
	LK_TRY(keep_file(m, origin, &l->file, err));
	m->link_count++;
	m->entries[y].parent = x;
	return LK_OK;
}

enum lk_status lk_keymap_give(struct lk_keymap *m, uint32_t entry, int64_t surrogate, const struct lk_keymap_origin *origin,
	struct lk_error *err)
{
	struct lk_keymap_entry *e = &m->entries[entry];

	if (surrogate == LK_KEYMAP_NONE || surrogate == INT64_MAX)
		return lk_error_set(err, LK_DATA, "row %lld: %lld is no surrogate: the ends of 64 bits are kept free",
			(long long)origin->place, (long long)surrogate);
	if (e->given != LK_KEYMAP_NONE && e->given != surrogate)
		return lk_error_set(err, LK_DATA, "row %lld: the key (%s) has the surrogate %lld here, and %lld in row %lld",
			(long long)origin->place, m->sets[e->key].key->name, (long long)surrogate, (long long)e->given,
			(long long)e->place);
	e->given = surrogate;
	m->gives = true;
	return LK_OK;
}

/* ---- the end ---- */

bool lk_keymap_surrogate(const struct lk_keymap *m, uint32_t entry, int64_t *surrogate)
{
	*surrogate = m->entries[entry].result;
	return *surrogate != LK_KEYMAP_NONE;
}

void lk_keymap_count(const struct lk_keymap *m, struct lk_keymap_counts *counts)
{
	*counts = (struct lk_keymap_counts){.keys = (int64_t)m->count, .made = m->made, .issued = m->issued, .merged = m->merged};
	for (size_t i = 0; i < m->count; i++)
		counts->unknown += m->entries[i].result == LK_KEYMAP_NONE;
}

/* ---- settling ---- */

struct settling {
	struct lk_keymap *const *maps;
	size_t count;
	struct lk_lake *lake;
	bool look_only;
	struct lk_places places;
	char run[LK_UUID_SIZE];
	int next_file;
};

/* Looks at the lake as it is now, and numbers by that. */
static enum lk_status look(struct settling *s, struct lk_error *err)
{
	struct lk_pin pin;
	enum lk_status status;

	LK_TRY(lk_lake_pin(s->lake, &pin, err));
	status = LK_OK;
	for (size_t i = 0; i < s->count && !status; i++)
		status = lk_keymap_look(s->maps[i], &pin, &s->places, err);
	lk_pin_release(&pin);
	for (size_t i = 0; i < s->count && !status; i++) {
		if (s->look_only && !s->maps[i]->there)
			status = lk_error_set(err, LK_NOINPUT, "there is no map %s in the lake", s->maps[i]->table);
		else
			status = lk_keymap_number(s->maps[i], s->look_only, err);
	}
	return status;
}

static bool is_settled(const struct settling *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->maps[i]->made || s->maps[i]->merged)
			return false;
	return true;
}

/* What was found holds for the tables as they were looked at. */
static enum lk_status was_first(void *context, struct lk_target *t, bool *go, struct lk_error *err)
{
	(void)context;
	(void)go;
	return lk_error_set(err, LK_CONFLICT, "another writer added to table %s.%s meanwhile", t->namespace_name, t->name);
}

static enum lk_status commit(struct settling *s, enum lk_outcome *outcome, struct lk_error *err)
{
	struct lk_target **targets = calloc(s->count + 1, sizeof(*targets));
	struct lk_transaction tx = {.lake = s->lake, .run = s->run, .targets = targets, .rebased = was_first, .locked = true};
	enum lk_status status = targets ? LK_OK : lk_error_nomem(err);

	for (size_t i = 0; i < s->count && !status; i++) {
		status = lk_keymap_write(s->maps[i], s->lake, s->run, &s->next_file, err);
		if (!status && s->maps[i]->writes)
			targets[tx.count++] = &s->maps[i]->target;
	}
	if (!status)
		status = lk_transaction_run(&tx, err);
	*outcome = tx.outcome;
	free(targets);
	return status;
}

/* One try, with other writers of lk waiting: what came since the first look is little. */
static enum lk_status attempt(struct settling *s, struct lk_error *err)
{
	enum lk_outcome outcome = LK_OUTCOME_UNCHANGED;
	enum lk_status status;

	LK_TRY(look(s, err));
	if (is_settled(s))
		return LK_OK;
	LK_TRY(lk_uuid(s->run, err));
	status = commit(s, &outcome, err);
	for (size_t i = 0; i < s->count; i++) {
		if (outcome == LK_OUTCOME_UNCHANGED)
			lk_target_discard(&s->maps[i]->target);
		lk_target_release(&s->maps[i]->target);
	}
	return status;
}

static enum lk_status settle(struct settling *s, struct lk_error *err)
{
	enum lk_status status;

	LK_TRY(look(s, err));
	if (s->look_only || is_settled(s))
		return LK_OK;
	for (int try = 1;; try++) {
		int lock = lk_catalog_lock(s->lake);

		status = attempt(s, err);
		lk_catalog_unlock(lock);
		if (status != LK_CONFLICT || try == MAX_TRIES)
			return status;
		lk_transaction_pause(try);
	}
}

enum lk_status lk_keymaps_settle(struct lk_keymap *const *maps, size_t count, struct lk_lake *lake, bool look_only, struct lk_error *err)
{
	struct settling s = {.maps = maps, .count = count, .lake = lake, .look_only = look_only};
	enum lk_status status = settle(&s, err);

	lk_places_close(&s.places);
	return status;
}
