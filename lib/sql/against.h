/*
 * Which rows of a stream a lake has just so already: what change/dedup.h asks for, by the resolver (sql/resolve.h).
 *
 * A row that has a value in a column that the lake's table does not have is none of its rows.
 */
#ifndef LK_SQL_AGAINST_H
#define LK_SQL_AGAINST_H

#include "change/dedup.h"

struct lk_against;

/* Opens the lake at path, as it is now, and fills *dedup, which is valid until it is closed. */
enum lk_status lk_against_open(struct lk_against **out, const char *path, struct lk_dedup_against *dedup, struct lk_error *err) LK_CHECKED;
void lk_against_close(struct lk_against *a); /* NULL is fine */

#endif
