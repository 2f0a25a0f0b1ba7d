/*
 * What the rows of a stream are to a table that holds one row for each key: the words that travel in a schema's metadata (lk.load,
 * lk.key, lk.order, lk.op, lk.scope, lk.maxVanish; lk-stream(5)).
 *
 *	append	rows are added; nothing is looked up
 *	upsert	each row is a version of its key; the newest one is the table's
 *	full	and each delivery is the complete list within each value of the scope that it has rows of
 */
#ifndef LK_CHANGE_SPEC_H
#define LK_CHANGE_SPEC_H

#include <jansson.h>

#include "base/mem.h"
#include "stream/side.h"

enum lk_load { LK_LOAD_APPEND, LK_LOAD_UPSERT, LK_LOAD_FULL };

/* How many rows a full list may take out of what its scope has. */
struct lk_limit {
	int64_t rows;	/* -1: as percent says */
	double percent; /* of the scope's rows */
};
#define LK_LIMIT_DEFAULT ((struct lk_limit){-1, 50})
#define LK_LIMIT_FREE 20 /* rows that may always go where the limit is a percentage */

struct lk_spec {
	enum lk_load load;
	const char **key;
	int key_count; /* 0: the rows have no key */
	const char *order; /* NULL: none */
	const char *op;	   /* the column of the rows that says insert, update or delete; NULL: none */
	const char **scope;
	int scope_count; /* 0: with full, the whole table */
	struct lk_limit limit;
};

/* Reads it; texts go into the arena. LK_DATA where the metadata are not sound, or name columns that the schema does not have. */
enum lk_status lk_spec_read(struct lk_spec *spec, const struct ArrowSchema *schema, struct lk_arena *arena, struct lk_error *err) LK_CHECKED;

/* As JSON and back: for descriptions of staged files. */
enum lk_status lk_spec_json(const struct lk_spec *spec, json_t **out, struct lk_error *err) LK_CHECKED;
enum lk_status lk_spec_parse(struct lk_spec *spec, const json_t *json, struct lk_arena *arena, struct lk_error *err) LK_CHECKED;
bool lk_spec_same(const struct lk_spec *a, const struct lk_spec *b);

/* "20", "5%", "100%", and back. */
#define LK_LIMIT_TEXT 72
bool lk_limit_parse(const char *text, struct lk_limit *out);
void lk_limit_text(const struct lk_limit *limit, char out[LK_LIMIT_TEXT]);
/* Whether that many rows may go, of so many. */
bool lk_limit_holds(const struct lk_limit *limit, int64_t vanish, int64_t of);

/* What a value of an op column means, in any case: I, C, R, "insert", "create", "read": 'I'; U, "update": 'U'; D, "delete": 'D'; B: 'B';
 * null or empty: 'I'. 0 for any other. */
char lk_op_of(const char *text, size_t len);

#endif
