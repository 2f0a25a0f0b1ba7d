/* How a target's rows are laid out in files: its partition spec and sort order, also of a table that is not there yet. */
#ifndef LK_LAKE_TABLE_LAYOUT_H
#define LK_LAKE_TABLE_LAYOUT_H

#include "lake/partition.h"
#include "lake/sort_order.h"
#include "lake/target.h"

/* Partitions the metadata of a new table as its property lk.partition says, a JSON list of terms (lake/term.h). LK_DATA where that
 * is none, or does not go with the columns. */
enum lk_status lk_table_layout_new(json_t *root, struct lk_error *err) LK_CHECKED;

/* What the target's files are written by, once its columns fit; in the arena. LK_MISSING where lk cannot. */
enum lk_status lk_table_layout_read(const struct lk_target *t, struct lk_arena *arena, struct lk_partition_spec **spec,
	struct lk_sort_order **order, struct lk_error *err) LK_CHECKED;

/* Whether files that were written for a table before it was made go into the one that another writer made: by the same spec. */
bool lk_table_layout_same(const struct lk_target *t, const json_t *made);

/* The properties that the target's files are written by. Borrowed; may be NULL. */
const json_t *lk_table_layout_properties(const struct lk_target *t);

#endif
