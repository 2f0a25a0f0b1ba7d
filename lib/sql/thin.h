/*
 * Thinning of facts (lake/merge.h): finding rows of lk.versions that say nothing any more (lk-lake(7), "Facts about keys").
 *
 * A finder of rows (lake/takeout.h) for that one table: what goes is found in it as it is, and in the tables as they are then. Facts are only
 * ever added, and what makes one superfluous stays, so what goes goes whatever comes meanwhile.
 */
#ifndef LK_SQL_THIN_H
#define LK_SQL_THIN_H

#include "lake/takeout.h"

#define LK_THIN_DAYS "lk.versions.keep-days"
#define LK_THIN_DAYS_DEFAULT 400

struct lk_thinner;

/* finder->self is *out. */
enum lk_status lk_thinner_open(struct lk_thinner **out, struct lk_row_finder *finder, struct lk_lake *lake, struct lk_error *err) LK_CHECKED;
void lk_thinner_close(struct lk_thinner *t); /* NULL is fine */

#endif
