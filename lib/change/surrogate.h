/*
 * Rules for surrogate keys, as lk-surrogate(1) takes them and lk.surrogate of a schema says them:
 *
 *	patient_sk = patient(facility, mrn | national_id)
 *	COLUMN       MAP     KEY           | KEY          what a row's surrogate is found by: each KEY that it has
 *
 * A part of a key is the name that it has in the map; NAME = COLUMN takes it from a column of another name. The names of a
 * key in the order of bytes are what the key is called in the map ("facility, mrn"), so they may be said in any order.
 */
#ifndef LK_CHANGE_SURROGATE_H
#define LK_CHANGE_SURROGATE_H

#include "base/mem.h"
#include "stream/schema.h"

#define LK_META_SURROGATE "lk.surrogate" /* a JSON list of rules */

#define LK_SURROGATE_KEYS 16  /* of a rule at most */
#define LK_SURROGATE_PARTS 16 /* of a key at most */

struct lk_surrogate_part {
	const char *name, *column;
};

struct lk_surrogate_key {
	const char *name; /* "facility, mrn" */
	struct lk_surrogate_part *parts; /* by their names, ascending */
	int count;
};

struct lk_surrogate_rule {
	const char *text, *column, *map;
	struct lk_surrogate_key *keys;
	int count;
};

/* Everything goes into the arena. LK_USAGE, with what is wrong and where, for what is no rule. */
enum lk_status lk_surrogate_parse(struct lk_surrogate_rule *rule, const char *text, struct lk_arena *arena,
	struct lk_error *err) LK_CHECKED;

/* The rules of a schema's metadata; none where it says nothing. LK_DATA where they are not sound. */
enum lk_status lk_surrogate_of_schema(const struct ArrowSchema *schema, struct lk_surrogate_rule **rules, int *count,
	struct lk_arena *arena, struct lk_error *err) LK_CHECKED;

/* Whether a schema has all columns of a key; *missing (may be NULL) is the first one that it has not. */
bool lk_surrogate_key_fits(const struct lk_surrogate_key *key, const struct ArrowSchema *schema, const char **missing);

/* A copy of a schema with such columns (int64), before those at its end whose names begin with lk_, and without lk.surrogate; *at is
 * where they are. The caller releases *out. */
enum lk_status lk_surrogate_schema(const struct ArrowSchema *from, const char *const *columns, int count, struct ArrowSchema *out,
	int *at, struct lk_error *err) LK_CHECKED;

#endif
