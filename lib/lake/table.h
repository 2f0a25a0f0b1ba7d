/*
 * Tables as wholes: made, altered, renamed and dropped, each in one transaction of the catalog (lk-table(1)).
 *
 * Names of tables that are there may leave out the namespace (lk_pin_find). lk's own tables are not for this: of them only
 * properties may be set.
 */
#ifndef LK_LAKE_TABLE_H
#define LK_LAKE_TABLE_H

#include <stdio.h>

#include "lake/alter.h"
#include "lake/lake.h"

/* What was done, or would be. Zeroed before, and released in any case. */
struct lk_table_change {
	char *namespace_name, *name;
	char *location; /* of the metadata that the table has now, or had before it was dropped */
	json_t *root;	/* these metadata; after a dry run, as they would be; NULL where they cannot be read */
	bool changed;	/* false: it was so before */
};
void lk_table_change_release(struct lk_table_change *c);

/* The table as it is: a change that changed nothing. */
enum lk_status lk_table_look(struct lk_lake *lake, const char *name, struct lk_table_change *found, struct lk_error *err) LK_CHECKED;

/* Makes a table of these columns (lk_schema_read_columns), with these alterations made on it. LK_CANTCREATE when there is one,
 * unless `there_is_fine`. */
enum lk_status lk_table_create(struct lk_lake *lake, const char *name, const json_t *schema, struct lk_alter *alter,
	bool there_is_fine, struct lk_table_change *change, struct lk_error *err) LK_CHECKED;

/* All alterations in one commit, or none. LK_CONFLICT when another writer made a change that they do not go with. */
enum lk_status lk_table_alter(struct lk_lake *lake, const char *name, struct lk_alter *alter, bool dry_run,
	struct lk_table_change *change, struct lk_error *err) LK_CHECKED;

/* The files stay where they are. LK_CANTCREATE when there is a table of that name. */
enum lk_status lk_table_rename(struct lk_lake *lake, const char *from, const char *to, struct lk_table_change *change,
	struct lk_error *err) LK_CHECKED;

/* Takes the table out of the catalog; its files and the ledger stay. Whatever its metadata are, they need not be sound. only_at: not NULL, LK_CONFLICT
 * unless its metadata are there. */
enum lk_status lk_table_drop(struct lk_lake *lake, const char *name, bool dry_run, const char *only_at,
	struct lk_table_change *change, struct lk_error *err) LK_CHECKED;

/* What a table is, as lk-table(1) describes it under describe. LK_DATA when the metadata are not sound. */
enum lk_status lk_table_describe(const char *table, const char *location, const json_t *root, json_t **out,
	struct lk_error *err) LK_CHECKED;
/* The same for people. */
enum lk_status lk_table_describe_text(const json_t *description, FILE *out, struct lk_error *err) LK_CHECKED;

#endif
