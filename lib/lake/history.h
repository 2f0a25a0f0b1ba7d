/*
 * Tables that keep rows of the past (property lk.history, lk-lake(7)): a row is a version of its key and the time for which it held.
 *
 *	valid_from  when it began to; null: not known
 *	valid_to    when it ended; null: it has not
 *	current	    whether it holds now
 *
 * Times are those of versions: the order column where that is a date or time and comes first (lk.load upsert), or else lk_sent. The
 * columns are the merge's alone (sql/history.h): what rows with a lk.load have in them is not taken.
 * A package that has fields of these names cannot have lk.history.
 */
#ifndef LK_LAKE_HISTORY_H
#define LK_LAKE_HISTORY_H

#include "change/spec.h"

#define LK_COLUMN_FROM "valid_from"
#define LK_COLUMN_TO "valid_to"
#define LK_COLUMN_CURRENT "current"

/* Whether a table's properties ask for it. */
bool lk_history_wanted(const json_t *properties);

/* Whether it is one of the three columns. */
bool lk_history_column(const char *name);

/* Whether versions' times are those of an order column of this type (Iceberg's; NULL: there is none), or else lk_sent. */
bool lk_history_by_order(enum lk_load load, const char *order_type);

#endif
