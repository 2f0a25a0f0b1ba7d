/*
 * Finding rejects in the lake by what lk.replayed says of them (the finder of lake/commit.h).
 *
 * The rows of lk.replayed are kept by DuckDB, which is loaded with the first of them, so that a commit without any never needs
 * it; beyond its memory they go to a private folder.
 */
#ifndef LK_SQL_REJECTS_H
#define LK_SQL_REJECTS_H

#include "lake/commit.h"

struct lk_rejects;

/* finder->self is *out. */
enum lk_status lk_rejects_open(struct lk_rejects **out, struct lk_reject_finder *finder, struct lk_error *err) LK_CHECKED;
void lk_rejects_close(struct lk_rejects *r); /* NULL is fine */

#endif
