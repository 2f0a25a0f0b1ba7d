/* Facts about keys that say nothing any more (sql/thin.h) leave lk.versions, in one commit of its own. */
#ifndef LK_TEND_VERSIONS_H
#define LK_TEND_VERSIONS_H

#include "lake/lake.h"

/* *facts: how many went, or in a dry run would go; 0 without such a table. LK_CONFLICT when other writers were first time and again. */
enum lk_status lk_versions_thin(struct lk_lake *lake, bool dry_run, int64_t *facts, struct lk_error *err) LK_CHECKED;

#endif
