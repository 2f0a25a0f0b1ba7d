/*
 * Which column of delimited text becomes which field (private to lib/source): by name with a header, else in order.
 */
#ifndef LK_SOURCE_COLUMNS_H
#define LK_SOURCE_COLUMNS_H

#include "source/package.h"

#define LK_COLUMNS_MAX 100000
#define LK_NOT_TAKEN -1

struct lk_columns {
	size_t width;	      /* of a record: columns, but for those at the end of a header that have no name */
	int *field_of;	      /* by column: index of the field, or LK_NOT_TAKEN */
	struct lk_str *names; /* by column, without blanks at their ends; NULL without a header */
	size_t name_count;
};

/* Makes it a header of at least so many columns; names of new ones are empty. */
enum lk_status lk_columns_widen(struct lk_columns *c, size_t count, struct lk_error *err) LK_CHECKED;

/* Finds the fields of a header whose names are there. What keeps it from being one of the resource's becomes text in *wrong,
 * without the values that a file without a header would have there. */
enum lk_status lk_columns_match(
	struct lk_columns *c, const struct lk_resource *r, struct lk_str *wrong, struct lk_error *err) LK_CHECKED;

/* Without a header the fields are the columns. */
enum lk_status lk_columns_assume(
	struct lk_columns *c, const struct lk_resource *r, struct lk_error *err) LK_CHECKED;

void lk_columns_release(struct lk_columns *c);

#endif
