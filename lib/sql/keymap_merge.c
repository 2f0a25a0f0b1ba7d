/*
 * Key maps: which keys have the same surrogate, and which number that is.
 *
 * Keys that a row has both are linked. Where links bring together keys of several surrogates, the smaller is theirs from now on and
 * the others are merged into it; where they bring none, a new number is given, in the order in which the keys came.
 */
#include <stdlib.h>
#include <string.h>

#include "sql/keymap_inside.h"

/* ---- surrogates that are the same ---- */

void lk_keymap_nodes_release(struct lk_keymap_nodes *n)
{
	free(n->items);
	free(n->slots);
}

/* Where a surrogate is in the hash table, or would be. By the finalizer of SplitMix64. */
static uint32_t *find_slot(const struct lk_keymap_nodes *n, int64_t surrogate)
{
	uint64_t x = (uint64_t)surrogate + UINT64_C(0x9e3779b97f4a7c15);
	size_t at;

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	at = (size_t)(x ^ (x >> 31)) & (n->slot_count - 1);
	while (n->slots[at] && n->items[n->slots[at] - 1].surrogate != surrogate)
		at = (at + 1) & (n->slot_count - 1);
	return &n->slots[at];
}

static enum lk_status grow(struct lk_keymap_nodes *n, struct lk_error *err)
{
	size_t slots = n->slot_count ? 2 * n->slot_count : 64;

	if (!lk_grow((void **)&n->items, &n->cap, n->count + 1, sizeof(*n->items)))
		return lk_error_nomem(err);
	if (2 * (n->count + 1) <= n->slot_count)
		return LK_OK;
	free(n->slots);
	n->slots = calloc(slots, sizeof(*n->slots));
	n->slot_count = n->slots ? slots : 0;
	if (!n->slots || n->count >= UINT32_MAX - 1)
		return lk_error_nomem(err);
	for (size_t i = 0; i < n->count; i++)
		*find_slot(n, n->items[i].surrogate) = (uint32_t)i + 1;
	return LK_OK;
}

static enum lk_status get_node(struct lk_keymap_nodes *n, int64_t surrogate, uint32_t *node, struct lk_error *err)
{
	uint32_t *slot;

	LK_TRY(grow(n, err));
	slot = find_slot(n, surrogate);
	if (!*slot) {
		n->items[n->count] = (struct lk_keymap_node){surrogate, (uint32_t)n->count, LK_KEYMAP_NONE, -1};
		*slot = (uint32_t)++n->count;
	}
	*node = *slot - 1;
	return LK_OK;
}

static uint32_t find_node(struct lk_keymap_nodes *n, uint32_t i)
{
	while (n->items[i].parent != i) {
		n->items[i].parent = n->items[n->items[i].parent].parent;
		i = n->items[i].parent;
	}
	return i;
}

const struct lk_keymap_node *lk_keymap_nodes_root(struct lk_keymap_nodes *n, size_t node)
{
	return &n->items[find_node(n, (uint32_t)node)];
}

const struct lk_keymap_node *lk_keymap_nodes_find(const struct lk_keymap_nodes *n, int64_t surrogate)
{
	uint32_t slot = n->count ? *find_slot(n, surrogate) : 0;

	return slot ? &n->items[slot - 1] : NULL;
}

/* What a surrogate is merged into. */
static int64_t current(struct lk_keymap_nodes *n, int64_t surrogate)
{
	const struct lk_keymap_node *node = lk_keymap_nodes_find(n, surrogate);

	return node ? n->items[find_node(n, (uint32_t)(node - n->items))].surrogate : surrogate;
}

enum lk_status lk_keymap_nodes_add(struct lk_keymap_nodes *n, int64_t surrogate, int64_t into, struct lk_error *err)
{
	uint32_t a, b;

	LK_TRY(get_node(n, surrogate, &a, err));
	LK_TRY(get_node(n, into, &b, err));
	if (n->items[a].into == LK_KEYMAP_NONE || into < n->items[a].into)
		n->items[a].into = into;
	return LK_OK;
}

/* The smaller stays. */
static enum lk_status merge(struct lk_keymap_nodes *n, int64_t x, int64_t y, int link, struct lk_error *err)
{
	uint32_t a, b;
	bool less;

	LK_TRY(get_node(n, x, &a, err));
	LK_TRY(get_node(n, y, &b, err));
	a = find_node(n, a);
	b = find_node(n, b);
	if (a == b)
		return LK_OK;
	less = n->items[a].surrogate < n->items[b].surrogate;
	n->items[less ? b : a].parent = less ? a : b;
	n->items[less ? b : a].link = link;
	return LK_OK;
}

/* Only what the map has is merged. */
static enum lk_status begin_merging(struct lk_keymap_nodes *n, struct lk_error *err)
{
	for (size_t i = 0; i < n->count; i++)
		n->items[i].parent = (uint32_t)i;
	for (size_t i = 0; i < n->count; i++)
		if (n->items[i].into != LK_KEYMAP_NONE)
			LK_TRY(merge(n, n->items[i].surrogate, n->items[i].into, -1, err));
	for (size_t i = 0; i < n->count; i++)
		n->items[i].link = -1;
	return LK_OK;
}

/* ---- numbers ---- */

/* label: of each entry, a surrogate of those that it stands for, or NONE. */
static enum lk_status join(struct lk_keymap *m, int64_t *label, struct lk_error *err)
{
	for (size_t i = 0; i < m->count; i++) {
		m->entries[i].parent = (uint32_t)i;
		label[i] = m->entries[i].known;
	}
	for (size_t i = 0; i < m->link_count; i++) {
		uint32_t a = lk_keymap_linked(m, m->links[i].a), b = lk_keymap_linked(m, m->links[i].b);

		if (a == b)
			continue;
		if (label[a] != LK_KEYMAP_NONE && label[b] != LK_KEYMAP_NONE)
			LK_TRY(merge(&m->nodes, label[a], label[b], (int)i, err));
		if (label[a] == LK_KEYMAP_NONE)
			label[a] = label[b];
		m->entries[b].parent = a;
	}
	return LK_OK;
}

static enum lk_status next_number(struct lk_keymap *m, int64_t *out, struct lk_error *err)
{
	if (m->new_next == INT64_MAX)
		return lk_error_set(err, LK_DATA, "%s has no numbers left", m->table);
	*out = m->new_next++;
	m->issued++;
	return LK_OK;
}

static enum lk_status give_out(struct lk_keymap *m, int64_t *label, bool look_only, struct lk_error *err)
{
	for (size_t i = 0; i < m->count; i++) {
		struct lk_keymap_entry *e = &m->entries[i];
		uint32_t root = lk_keymap_linked(m, (uint32_t)i);

		if (label[root] == LK_KEYMAP_NONE && !look_only)
			LK_TRY(next_number(m, &label[root], err));
		e->result = label[root] == LK_KEYMAP_NONE ? LK_KEYMAP_NONE : current(&m->nodes, label[root]);
		m->made += e->known == LK_KEYMAP_NONE && !look_only;
	}
	for (size_t i = 0; i < m->nodes.count; i++)
		m->merged += m->nodes.items[i].into == LK_KEYMAP_NONE && find_node(&m->nodes, (uint32_t)i) != i;
	return LK_OK;
}

/* What was given is what the keys have, and must not be another than the map's. */
static enum lk_status take_given(struct lk_keymap *m, struct lk_error *err)
{
	for (size_t i = 0; i < m->count; i++) {
		struct lk_keymap_entry *e = &m->entries[i];

		if (e->known != LK_KEYMAP_NONE && e->known != e->given)
			return lk_error_set(err, LK_DATA, "row %lld: the key (%s) has the surrogate %lld here, and %lld in %s",
				(long long)e->place, m->sets[e->key].key->name, (long long)e->given, (long long)e->known, m->table);
		e->result = e->given;
		m->made += e->known == LK_KEYMAP_NONE;
		if (e->given >= m->new_next)
			m->new_next = e->given + 1;
	}
	return LK_OK;
}

enum lk_status lk_keymap_number(struct lk_keymap *m, bool look_only, struct lk_error *err)
{
	enum lk_status status;
	int64_t *label;

	m->made = m->issued = m->merged = 0;
	m->new_next = m->next;
	if (m->gives)
		return take_given(m, err);
	label = calloc(m->count + 1, sizeof(*label));
	if (!label)
		return lk_error_nomem(err);
	status = begin_merging(&m->nodes, err);
	if (!status)
		status = join(m, label, err);
	if (!status)
		status = give_out(m, label, look_only, err);
	free(label);
	return status;
}
