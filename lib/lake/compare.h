/* Comparing: what sources would do to the tables of a lake, without doing it. */
#ifndef LK_LAKE_COMPARE_H
#define LK_LAKE_COMPARE_H

#include <stdio.h>

#include "lake/lake.h"

struct lk_compare_totals {
	int tables;
	int broken; /* those that lk-commit would refuse rows for */
};

/*
 * Fits schemas (lk.table names the table of each; several may feed one) to the lake's tables by the rules of lk-commit, and
 * writes a line for each table that would change: it is new, it gets columns, columns of it are filled no more, it breaks.
 * Nothing is changed.
 */
enum lk_status lk_lake_compare(struct lk_lake *lake, const struct ArrowSchema *const *schemas, int count, FILE *out,
	struct lk_compare_totals *totals, struct lk_error *err) LK_CHECKED;

#endif
