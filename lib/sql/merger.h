/* What a merge means to a table, found by SQL (the merger of lake/merge.h): candidates are read from the files that come, and resolved
 * (sql/resolve.h) against the table as it is. DuckDB is loaded when the first question is asked. */
#ifndef LK_SQL_MERGER_H
#define LK_SQL_MERGER_H

#include "lake/merge.h"

struct lk_mergers;

/* merger->self is *out. */
enum lk_status lk_merger_open(struct lk_mergers **out, struct lk_merger *merger, struct lk_error *err) LK_CHECKED;
void lk_merger_close(struct lk_mergers *m); /* NULL is fine */

#endif
