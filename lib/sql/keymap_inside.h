/* What the parts of key maps share (private to lib/sql): keymap.c gathers, keymap_merge.c numbers, keymap_find.c looks, keymap_write.c commits. */
#ifndef LK_SQL_KEYMAP_INSIDE_H
#define LK_SQL_KEYMAP_INSIDE_H

#include "change/keys.h"
#include "lake/target.h"
#include "sql/keymap.h"
#include "sql/places.h"

/* The columns that each map has beside those of its keys. */
#define LK_KEYMAP_SURROGATE "surrogate"
#define LK_KEYMAP_NATURAL "natural_key"
#define LK_KEYMAP_MERGED "merged_into"

#define LK_KEYMAP_NONE INT64_MIN /* no surrogate */

/* A distinct natural key that was added. */
struct lk_keymap_entry {
	int64_t known;	/* its surrogate in the map, or NONE */
	int64_t given;	/* that it is said to have, or NONE */
	int64_t result; /* its surrogate in the end: after merges */
	const char *file;
	int64_t row, place;
	uint32_t number; /* in its set */
	uint32_t parent; /* of those that are linked */
	int key;
};

struct lk_keymap_set {
	const struct lk_surrogate_key *key;
	const char **phi;
	enum lk_cells_kind *kinds; /* of its cells: the parts and the key's name, all text */
	struct lk_keys *keys;
	uint32_t *entries; /* of its numbers */
	size_t cap;
	int64_t unknown; /* of its entries, those that are not in the map */
};

struct lk_keymap_link {
	uint32_t a, b;
	const char *file;
	int64_t row;
};

/* A surrogate that is merged, or that others are merged into. */
struct lk_keymap_node {
	int64_t surrogate;
	uint32_t parent;
	int64_t into; /* what the map has of it, or NONE */
	int link;     /* that merged it now, or -1 */
};

/* Surrogates by their number, and which are the same. */
struct lk_keymap_nodes {
	struct lk_keymap_node *items;
	size_t count, cap;
	uint32_t *slots; /* a hash table of them: their number and 1, or 0 */
	size_t slot_count; /* a power of 2 */
};

struct lk_keymap {
	char *table;
	struct lk_arena arena; /* of names of files */
	const char *last_file;
	size_t last_file_len;
	struct lk_keymap_set *sets;
	int set_count;
	size_t set_cap;
	struct lk_keymap_entry *entries;
	size_t count, cap;
	struct lk_keymap_link *links;
	size_t link_count, link_cap;
	bool gives; /* surrogates were given */

	/* what is known of the lake (keymap_find.c) */
	bool there;
	char *location; /* of the metadata that were looked at */
	char **seen;	/* uris of files that were, ascending */
	size_t seen_count;
	int64_t next; /* above all that was given out */
	struct lk_keymap_nodes nodes;

	/* what is to be written (keymap_write.c) */
	struct lk_target target;
	bool writes;
	int64_t new_next;
	int64_t made, issued, merged;
};

/* The entry that stands for all that are linked with it. */
uint32_t lk_keymap_linked(struct lk_keymap *m, uint32_t entry);

/* ---- keymap_merge.c ---- */

void lk_keymap_nodes_release(struct lk_keymap_nodes *n);
/* What the map has: a surrogate was merged into another. */
enum lk_status lk_keymap_nodes_add(struct lk_keymap_nodes *n, int64_t surrogate, int64_t into, struct lk_error *err) LK_CHECKED;
/* NULL when it is not among them: neither merged nor merged into. */
const struct lk_keymap_node *lk_keymap_nodes_find(const struct lk_keymap_nodes *n, int64_t surrogate);
/* Which it is merged into in the end; itself for one that is not merged. */
const struct lk_keymap_node *lk_keymap_nodes_root(struct lk_keymap_nodes *n, size_t node);

/* By what is known now: the result of each entry, the next number, and which nodes are merged. With look_only, no number is given. As often as asked. */
enum lk_status lk_keymap_number(struct lk_keymap *m, bool look_only, struct lk_error *err) LK_CHECKED;

/* ---- keymap_find.c ---- */

/* Learns what the pinned lake has that was not looked at yet. places is opened where it has to be. */
enum lk_status lk_keymap_look(struct lk_keymap *m, struct lk_pin *pin, struct lk_places *places, struct lk_error *err) LK_CHECKED;

/* For lookups of which the weigher takes all that there is to know. */
enum lk_status lk_keymap_visit_nothing(void *context, const struct lk_lake_file *file, int64_t position, int64_t key, int64_t scope,
	int8_t verdict, struct lk_error *err) LK_CHECKED;

/* ---- keymap_given.c ---- */

/* Of t, which has files that were not looked at yet: LK_DATA when a surrogate that is given to a key is there that of other keys. */
enum lk_status lk_keymap_check_given(struct lk_keymap *m, const struct lk_lake_table *t, struct lk_places *places,
	struct lk_error *err) LK_CHECKED;

/* ---- keymap_write.c ---- */

/* Writes the rows that the map lacks into m->target; LK_CONFLICT when the table is not where it was looked at. m->writes tells whether there were any. */
enum lk_status lk_keymap_write(struct lk_keymap *m, struct lk_lake *lake, const char *run, int *next_file, struct lk_error *err) LK_CHECKED;

#endif
