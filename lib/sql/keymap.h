/*
 * Key maps: surrogates of natural keys, in tables of the lake (lk-surrogate(1)).
 *
 *	create -> key ... -> add, link or give ... -> settle -> surrogate
 *
 * A map is an ordinary table, to which rows are added and none is taken out:
 *
 *	surrogate    int64
 *	natural_key  which of the map's natural keys this is ("facility, mrn"); null: a merge
 *	NAME ...     its parts as text; null where they are not of this key
 *	merged_into  of a merge: the smaller surrogate that is the same
 *	first_file, first_row, first_seen   the row that brought it, and when
 *
 * Keys are gathered first, and numbered all at once: what many rows say together decides, and one commit does. A map remembers in its
 * property lk.surrogate.next what was given out, so that a number is never given twice, whatever becomes of its rows; and is read and
 * written on main alone.
 *
 * Memory grows with the distinct keys that were added: about 150 bytes and the key.
 */
#ifndef LK_SQL_KEYMAP_H
#define LK_SQL_KEYMAP_H

#include "lake/lake.h"
#include "change/surrogate.h"

#define LK_KEYMAP_NAMESPACE "keys" /* of maps whose name has none */

struct lk_keymap;

/* name: as rules have it. LK_USAGE for what is no name of a table. */
enum lk_status lk_keymap_create(struct lk_keymap **out, const char *name, struct lk_error *err) LK_CHECKED;
void lk_keymap_free(struct lk_keymap *m); /* NULL is fine */

/* "keys.patient" */
const char *lk_keymap_table(const struct lk_keymap *m);

/* A natural key, known or new, which must outlive the map; *number is what it is called below. phi: of each part, its class of privacy
 * or NULL. */
enum lk_status lk_keymap_key(struct lk_keymap *m, const struct lk_surrogate_key *key, const char *const *phi, int *number,
	struct lk_error *err) LK_CHECKED;

/* Where a key was seen. */
struct lk_keymap_origin {
	const char *file; /* NULL: not known */
	size_t file_len;
	int64_t row; /* -1: not known */
	int64_t place; /* of the row in the input, from 1, for messages */
};

/* A key that lk_natural_encode made. *entry is its own, old or new. */
enum lk_status lk_keymap_add(struct lk_keymap *m, int key, const struct lk_str *encoded, const struct lk_keymap_origin *origin,
	uint32_t *entry, struct lk_error *err) LK_CHECKED;

/* One row has both: they are to have the same surrogate. */
enum lk_status lk_keymap_link(struct lk_keymap *m, uint32_t a, uint32_t b, const struct lk_keymap_origin *origin,
	struct lk_error *err) LK_CHECKED;

/* Says which surrogate a key has. LK_DATA where another one was said before. */
enum lk_status lk_keymap_give(struct lk_keymap *m, uint32_t entry, int64_t surrogate, const struct lk_keymap_origin *origin,
	struct lk_error *err) LK_CHECKED;

/*
 * Looks all keys up in the lake and, unless it only looks, makes those that are not there, of all maps in one transaction. LK_DATA where
 * what was given is not what the map has; LK_NOINPUT where a map is not there and nothing is to be made.
 */
enum lk_status lk_keymaps_settle(struct lk_keymap *const *maps, size_t count, struct lk_lake *lake, bool look_only,
	struct lk_error *err) LK_CHECKED;

/* After that: the surrogate of a key. False when there is none. */
bool lk_keymap_surrogate(const struct lk_keymap *m, uint32_t entry, int64_t *surrogate);

struct lk_keymap_counts {
	int64_t keys;	/* distinct natural keys that were added */
	int64_t made;	/* of them new in the map */
	int64_t issued; /* new surrogates among theirs */
	int64_t merged; /* surrogates that were found to be the same as smaller ones */
	int64_t unknown; /* keys that have none, where it only looked */
};
void lk_keymap_count(const struct lk_keymap *m, struct lk_keymap_counts *counts);

#endif
