/*
 * What DuckDB's columns become on their way out: types of ours where there is a nearest one (private to lib/sql).
 *
 *	wire   [ int32 | uint64  | text | enum ]    as DuckDB hands it out
 *	out    [ int32 | dec(20) | text | text ]    columns that fit are shown as they are; the others are built anew
 */
#ifndef LK_SQL_RECAST_H
#define LK_SQL_RECAST_H

#include "stream/build.h"

struct lk_recast {
	struct ArrowSchema schema;    /* of what comes out */
	struct lk_builder built;      /* the columns that change */
	int *built_index;	      /* for each column its place in built, or -1 */
	struct ArrowArrayView out;    /* borrows its columns; never reset */
	struct ArrowArrayView **columns;
};

/* exact: 32-bit floats become 64-bit ones. */
enum lk_status lk_recast_init(struct lk_recast *c, const struct ArrowSchema *wire, bool exact,
	struct lk_error *err) LK_CHECKED;
/* *out is borrowed from c and from view. LK_DATA for a value that its new type cannot hold. */
enum lk_status lk_recast_batch(struct lk_recast *c, const struct ArrowSchema *wire, struct ArrowArrayView *view,
	const struct ArrowArrayView **out, struct lk_error *err) LK_CHECKED;
void lk_recast_release(struct lk_recast *c);

/* "1 year 2 months 3 days 04:05:06.5", as DuckDB writes intervals. */
void lk_interval_text(int64_t months, int64_t days, int64_t us, struct lk_str *out);

#endif
