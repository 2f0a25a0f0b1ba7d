/*
 * Constants of a statement: expressions without columns, whose values are asked of DuckDB before the statement runs (private to
 * lib/sql).
 *
 * Only what is known to be harmless and to give the same value when the statement runs is taken: literals, casts, arithmetic and a
 * few functions of dates, and with them the present moment, which can only have gone on by then.
 */
#ifndef LK_SQL_CONSTANT_H
#define LK_SQL_CONSTANT_H

#include <jansson.h>

#include "base/mem.h"
#include "lake/primitive.h"
#include "sql/sql.h"

/* One to be evaluated for comparison with a column. */
struct lk_constant {
	const char *sql;
	bool literal;	    /* a text that takes the column's type */
	const char *type;   /* the column's, as Iceberg writes it */
	bool as_date;	    /* the column is cast to a date, so the value is the first moment of one */
	int days;	    /* added to that date */
	struct lk_str value; /* the result: a single value (lake/value.h), data NULL where there is none that compares as the expression
				does: it is null, or of a type that the column would be cast to */
};

struct lk_constants {
	struct lk_constant *items;
	size_t count, cap;
};

/* The SQL of an expression of the parse tree, in the arena; NULL where it is not taken. *moving is set where the present moment is
 * part of it, so that its value grows. may_name says whether a word could be a column (current_date is one to the parser). */
typedef bool lk_may_name_fn(const void *context, const char *word);
const char *lk_constant_sql(const json_t *expression, struct lk_arena *arena, lk_may_name_fn *may_name, const void *context, bool *moving);

/* Evaluates all in one statement. Where that fails as a whole, which will be told when the statement of the person runs, no constant
 * has a value. */
enum lk_status lk_constants_evaluate(struct lk_constants *c, struct lk_sql *sql, struct lk_arena *arena, struct lk_error *err) LK_CHECKED;

#endif
