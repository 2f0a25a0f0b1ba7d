/* Making tables ready for rows: metadata only, in a transaction of their own. */
#ifndef LK_LAKE_PREPARE_H
#define LK_LAKE_PREPARE_H

#include "lake/target.h"

/* Creates the table, or changes its columns as mode allows, so that rows of this schema fit. Races with other writers are run
 * again. */
enum lk_status lk_prepare_table(struct lk_lake *lake, const char *table, const struct ArrowSchema *schema,
	lk_column_filter *filter, enum lk_schema_mode mode, struct lk_error *err) LK_CHECKED;

#endif
