/*
 * Conditions of the parse tree as predicates of a table's columns (lake/predicate.h; private to lib/sql, for sql/filter.c).
 *
 * A condition stands in a scope, the tables and other things that FROM has; what it says is asked for one of them.
 */
#ifndef LK_SQL_CONDITION_H
#define LK_SQL_CONDITION_H

#include "sql/constant.h"
#include "sql/filter.h"

#define LK_SCOPE_MAX 100     /* items of FROM */
#define LK_CONDITIONS_MAX 20 /* of joins about one of them */

/* What stands in FROM: a table of ours, or something else. */
struct lk_scope_item {
	const struct lk_sql_name *name; /* NULL: not a table that is filtered */
	int number;			/* among the script's names */
	const char *schema, *alias;
	bool is_aliased;
	bool by_where; /* WHERE filters it */
	const json_t *conditions[LK_CONDITIONS_MAX];
	int condition_count;
};

struct lk_scope {
	struct lk_scope_item items[LK_SCOPE_MAX];
	int count;
	bool is_full; /* there are more */
};

/* A leaf of a predicate whose value is not known yet. */
struct lk_pending {
	struct lk_predicate *leaf;
	size_t first, count;	   /* constants that must all have a value */
	size_t value, value_count; /* those that are the leaf's */
};

struct lk_filter_finder {
	const struct lk_script *script;
	struct lk_filter *filters;
	struct lk_arena *arena;
	struct lk_constants constants;
	struct lk_pending *pendings;
	size_t pending_count, pending_cap;
	const struct lk_scope *scope; /* of the condition at hand */
	const struct lk_scope_item *item;
	bool failed; /* out of memory */
};

/* Says nothing; also by address. */
extern const struct lk_predicate lk_predicate_any;

/* Both, or either. */
const struct lk_predicate *lk_condition_join(struct lk_filter_finder *f, enum lk_predicate_kind kind, const struct lk_predicate *a,
	const struct lk_predicate *b);

/* What a condition says of the rows of f->item in f->scope. Its constants are noted, to be evaluated together. */
const struct lk_predicate *lk_condition_predicate(struct lk_filter_finder *f, const json_t *condition);

#endif
