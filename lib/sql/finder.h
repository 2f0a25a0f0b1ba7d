/*
 * Finding the rows that are to be taken out of a lake (the finder of lake/takeout.h): those of deliveries, or those for which a
 * predicate holds.
 *
 * A row of a delivery says in lk_file where it came from: "export.zip@3fa9c1d24b7e!census.csv", the delivery's base name, the first 12
 * digits of its SHA-256, and the member. lk.files has a row for each member of each delivery, so what lk_file must be is known
 * before a data file is opened; of data files only that column is read, and only where its bounds allow it. The rows of lk.files and of
 * rejects say sender and SHA-256 themselves.
 *
 * lk_file has no sender: where another sender's delivery has the same bytes and base name, data files tell them apart by the
 * process that wrote them, which wrote its rows of lk.files too. Where one process wrote both, or the files were written anew, it
 * is an error: nobody's rows are taken for another's.
 *
 * DuckDB is loaded when the first question is asked.
 */
#ifndef LK_SQL_FINDER_H
#define LK_SQL_FINDER_H

#include "lake/takeout.h"

struct lk_finder;

/* Of deliveries, told by finder->deliveries. finder->self is *out. */
enum lk_status lk_finder_open(struct lk_finder **out, struct lk_row_finder *finder, struct lk_error *err) LK_CHECKED;

/* Of the rows of one table for which a predicate over its columns holds: LK_DATA where it is not SQL, LK_NOPERM where it is more
 * than that: a subquery, a table function, a clause behind it. */
enum lk_status lk_finder_open_where(struct lk_finder **out, struct lk_row_finder *finder, const char *predicate,
	struct lk_error *err) LK_CHECKED;

void lk_finder_close(struct lk_finder *f); /* NULL is fine */

#endif
