/*
 * Predicates: what is asked of a table's rows, as far as files can be left out for it ("Scan Planning" of Iceberg's specification).
 *
 * A predicate is true of every row that is wanted, and perhaps of more. Files and whole manifests are left out where what is told
 * of them (partition values, bounds and counts of columns, the manifest list's summaries) says that it is true of none of their
 * rows; where nothing is told, they stay.
 */
#ifndef LK_LAKE_PREDICATE_H
#define LK_LAKE_PREDICATE_H

#include "lake/lake.h"
#include "lake/primitive.h"

enum lk_predicate_kind {
	LK_PREDICATE_ANY, /* nothing is known: true of all rows */
	LK_PREDICATE_AND,
	LK_PREDICATE_OR,
	LK_PREDICATE_COLUMN,
};

/* Nulls and NaN are as in SQL here: a null compares with nothing, NaN is above all numbers. */
enum lk_comparison {
	LK_IS_IN, /* equal to one of the values */
	LK_IS_BELOW,
	LK_IS_AT_MOST,
	LK_IS_ABOVE,
	LK_IS_AT_LEAST,
	LK_IS_NULL,
	LK_IS_NOT_NULL,
	LK_HAS_PREFIX,
};

/* Lies in an arena. */
struct lk_predicate {
	enum lk_predicate_kind kind;
	const struct lk_predicate **children; /* of AND, which is true, and OR, which is false without any */
	int child_count;
	/* of LK_PREDICATE_COLUMN: */
	int32_t field_id;
	struct lk_primitive type; /* the column's, which values are single values of (lake/value.h) */
	enum lk_comparison comparison;
	const struct lk_str *values; /* one but for LK_IS_IN; none for nulls */
	int value_count;
	int leaf; /* their number within the whole */
};

/*
 * A predicate made ready for a table's files: comparisons of columns are carried over to the partition fields made of them, once
 * for each spec. All of it lies in the arena; the filter is valid as long as that.
 */
struct lk_pruner;
enum lk_status lk_pruner_make(const struct lk_predicate *predicate, int leaves, const struct lk_lake_table *table,
	struct lk_arena *arena, struct lk_pruner **out, struct lk_error *err) LK_CHECKED;

/* For lk_lake_table_read, with LK_LOAD_METRICS. */
struct lk_lake_filter lk_pruner_filter(struct lk_pruner *pruner);

/* ---- parts (private to lib/lake) ---- */

/* What is known of the values of a column in a file, or of a partition field in a manifest. */
struct lk_value_range {
	const struct lk_str *lower, *upper; /* NULL: not known */
	bool no_null, all_null; /* both false: not known */
	bool no_nan;
};

/* Whether a value within the range may be true to the comparison. */
bool lk_range_may_match(const struct lk_predicate *leaf, const struct lk_value_range *range);

/*
 * Carries a comparison over to a partition field of the column: *out is true of the field's value wherever the leaf is true of
 * the column's. LK_PREDICATE_ANY where nothing can be said.
 */
enum lk_status lk_predicate_project(const struct lk_predicate *leaf, const struct lk_partition_field *field, struct lk_arena *arena,
	struct lk_predicate *out, struct lk_error *err) LK_CHECKED;

#endif
