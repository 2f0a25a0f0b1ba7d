/*
 * Sort orders ("Sorting" of Iceberg's specification), and keys of rows that sort as bytes do.
 *
 *	key: for each field [ nulls first or last | the value: big-endian, sign turned; texts ended by 00 00 ], all turned where it
 *	     is descending
 */
#ifndef LK_LAKE_SORT_ORDER_H
#define LK_LAKE_SORT_ORDER_H

#include <jansson.h>

#include "lake/partition.h"
#include "nanoarrow/nanoarrow.h"

struct lk_sort_field {
	int32_t source_id;
	enum lk_transform transform;
	int32_t width;
	bool descending, nulls_first;
};

struct lk_sort_order {
	int32_t order_id; /* 0: unsorted */
	struct lk_sort_field *fields;
	int count;
};

/* Reads the default order of table metadata into the arena. An order that lk cannot make (by a transform that it does not know, or a
 * nested column) counts as none: files may be unsorted, and say so. */
enum lk_status lk_sort_order_read(const json_t *root, struct lk_arena *arena, struct lk_sort_order **out,
	struct lk_error *err) LK_CHECKED;

/* Makes keys of a batch's rows. */
struct lk_sort_keys;
enum lk_status lk_sort_keys_create(struct lk_sort_keys **out, const struct lk_sort_order *order, struct lk_error *err) LK_CHECKED;
void lk_sort_keys_free(struct lk_sort_keys *k); /* NULL is fine */

/* Looks at rows [at, at + n) of a view; source[i] is the child that field i's column is, or -1 for nulls. */
enum lk_status lk_sort_keys_begin(struct lk_sort_keys *k, const struct ArrowArrayView *view, const int *source, int64_t at,
	int64_t n, struct lk_error *err) LK_CHECKED;
/* Adds the key of row at + i. */
void lk_sort_keys_add(const struct lk_sort_keys *k, int64_t i, struct lk_str *out);

#endif
