/*
 * Editions: samples that hold the same table, in the same columns or with some that were added, dropped or renamed.
 *
 * They are known by the names of their files, or by the values of their key; columns go by their names, and a column that is
 * missing in one edition is one that the other lacks where it stands at the same place and has the same values.
 */
#ifndef LK_INFER_EDITIONS_H
#define LK_INFER_EDITIONS_H

#include "infer/table.h"

/* Whether two tables are editions of one. */
bool lk_tables_are_one(const struct lk_table *a, const struct lk_table *b);

/* Adds what another edition, whose profiles have ended, holds; it is left empty. */
enum lk_status lk_table_merge(
	struct lk_arena *arena, struct lk_table *into, struct lk_table *from, struct lk_error *err) LK_CHECKED;

/* Merges the tables that are one into the first of them; *count is how many are left. */
enum lk_status lk_tables_unite(struct lk_arena *arena, struct lk_table *tables, int *count, struct lk_error *err) LK_CHECKED;

/* The place of the column that goes by a name, by its own or an alias; -1 when there is none. */
int lk_table_find(const struct lk_table *t, const char *name);

#endif
