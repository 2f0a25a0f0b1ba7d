/*
 * Purging: the files of a table that is dropped, at once and not when lk-gc comes by.
 *
 * They are those that the table's metadata lead to, but for what another table or a trial lake leads to as well, what lies in a
 * folder that must be left alone, and what lies outside of the lake.
 *
 *	lk_purge_find --> lk_table_drop, at just the metadata that were looked at --> lk_purge_remove
 */
#ifndef LK_TEND_PURGE_H
#define LK_TEND_PURGE_H

#include "lake/table.h"
#include "tend/live.h"

struct lk_purge {
	struct lk_live live; /* what all other tables lead to */
	const struct lk_table_change *table;
	struct lk_purge_file {
		const char *path; /* real; in the arena of live */
		int64_t bytes;
		struct lk_filekey key;
		bool current; /* the table's current metadata, which its row in the catalog keeps alive until it is dropped */
	} *files;
	size_t count, cap;
	int64_t bytes;
	size_t spared; /* files that stay */
};

/* table: as lk_table_look found it; borrowed. LK_DATA where something of it cannot be read, or it says gc.enabled=false. Release p
 * in any case. */
enum lk_status lk_purge_find(struct lk_purge *p, struct lk_lake *lake, const struct lk_table_change *table,
	struct lk_error *err) LK_CHECKED;

/* Removes them, but for what has become alive since, and the folders that are empty then. */
enum lk_status lk_purge_remove(struct lk_purge *p, struct lk_lake *lake, struct lk_error *err) LK_CHECKED;

void lk_purge_release(struct lk_purge *p);

#endif
