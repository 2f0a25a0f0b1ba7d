/*
 * Filters: what a script asks of the rows of the tables it names, found in its parse tree, so that files without such rows need not
 * be opened.
 *
 * A table's name may stand in many places; its predicate is true of every row that any of them needs. Conjunctions and disjunctions
 * of comparisons of a column with constants count, in WHERE and in the conditions of joins, as far as they filter that table
 * before anything else happens to its rows: not on the side of an outer join that may be filled with nulls, and not behind
 * samples. In doubt all rows are needed.
 */
#ifndef LK_SQL_FILTER_H
#define LK_SQL_FILTER_H

#include "lake/predicate.h"
#include "sql/script.h"

struct lk_filter {
	const struct lk_lake_table *table; /* what the name means, opened; NULL: it is not filtered */
	const struct lk_predicate *predicate; /* NULL: all rows are needed */
	int leaves;			      /* of the predicate */
};

/* filters: one for each of the script's names, whose table is set. Predicates go into the arena. */
enum lk_status lk_filter_find(const struct lk_script *script, struct lk_sql *sql, struct lk_filter *filters, struct lk_arena *arena,
	struct lk_error *err) LK_CHECKED;

#endif
