/*
 * Replacing partitions: the files of every partition that a commit brings rows for go in the same snapshot ("dynamic overwrite"); of
 * a table without partitions, all files. Deletes of rows go with the partition that they are of.
 *
 * What goes is what was there when the commit's stream began. Where another writer changed a replaced partition since, nobody saw
 * the rows that would go, and the commit ends with LK_CONFLICT; what others did to other partitions stays.
 */
#ifndef LK_LAKE_REPLACE_H
#define LK_LAKE_REPLACE_H

#include "lake/target.h"

/* Gives the target the files to be removed, by the files that were added to it; none where it has no files. LK_DATA where the table
 * has files of other partition specs than those that come, of which it cannot be told what they hold. */
enum lk_status lk_replace_partitions(struct lk_target *t, struct lk_error *err) LK_CHECKED;

/* The same for one that was based anew. */
enum lk_status lk_replace_again(struct lk_target *t, struct lk_error *err) LK_CHECKED;

#endif
