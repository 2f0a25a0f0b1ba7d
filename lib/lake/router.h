/*
 * A router: tells of each row which partition it is of.
 *
 * Partitions are numbered from 0 in the order in which they are met. Values that are no numbers are numbered too, so that a row's
 * partition is a tuple of numbers, which a hash table finds:
 *
 *	row -> transform of each field -> (number, number, ...) + a bit for each null -> partition
 */
#ifndef LK_LAKE_ROUTER_H
#define LK_LAKE_ROUTER_H

#include "lake/partition.h"
#include "nanoarrow/nanoarrow.h"

#define LK_PARTITIONS_MAX 100000 /* of one commit and table: each becomes a file at least */
#define LK_ROUTER_FIELDS 64

struct lk_router;

/* spec must outlive the router, and be one that lk_partition_spec_check takes. LK_MISSING for one of too many fields. */
enum lk_status lk_router_create(struct lk_router **out, const struct lk_partition_spec *spec, struct lk_error *err) LK_CHECKED;
void lk_router_free(struct lk_router *r); /* NULL is fine */

/* Tells the partitions of rows [at, at + n) of a view. source[i] is the child of the view that field i's column is, or -1 for
 * nulls. LK_DATA where there are more than LK_PARTITIONS_MAX of them. */
enum lk_status lk_router_route(struct lk_router *r, const struct ArrowArrayView *view, const int *source, int64_t at, int64_t n,
	uint32_t *partitions, struct lk_error *err) LK_CHECKED;

/* Partitions met so far, and the values of one in the order of the spec's fields; borrowed until the router is freed. */
size_t lk_router_count(const struct lk_router *r);
const struct lk_partition_value *lk_router_values(const struct lk_router *r, uint32_t partition);

#endif
