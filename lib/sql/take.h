/*
 * Taking changes: writing them (sql/changes.h) to standard output, a file or a command, and moving a cursor (lake/cursors.h) once they
 * were taken.
 *
 *	lock the cursor --> note what is about to be taken --> write --> standard output: flushed, synced where it is a file, closed
 *	                                                                 a file: synced, renamed to its name
 *	                                                                 a command: its input is closed, and it ends well
 *	                                                       --> move
 *
 * A crash before the last step leaves the cursor where it was: the same changes come again, and none is lost. All rows of a table, and a
 * net difference, come again as of the same snapshot, though there may be later ones: these are for the next time.
 */
#ifndef LK_SQL_TAKE_H
#define LK_SQL_TAKE_H

#include "sql/changes.h"

struct lk_take {
	struct lk_changes_options changes;
	const char *cursor;		    /* NULL: none */
	const char *const *command; /* ended by NULL; NULL: none. It has the changes on its standard input */

	/* what was done */
	struct lk_changes_report report;
	bool moved; /* the cursor was, to `head` */
	int64_t head;
	char table[512];
	char again[24]; /* what is taken again: a snapshot's id */
};

/* Where a command fails, its exit status is the status. The lake must be open for writing where there is a cursor. Standard output is
 * closed afterwards where the changes went there. LK_CONFLICT when another process takes changes by this cursor. */
enum lk_status lk_take_run(struct lk_take *take, struct lk_lake *lake, struct lk_error *err) LK_CHECKED;

/* Puts a cursor to a moment, as if what was before had been taken. */
enum lk_status lk_take_reset(struct lk_lake *lake, const char *table, const char *cursor, const char *moment, struct lk_error *err) LK_CHECKED;

/* Forgets a cursor: it begins with all rows when it is next used. LK_NOINPUT when there is none. */
enum lk_status lk_take_forget(struct lk_lake *lake, const char *table, const char *cursor, struct lk_error *err) LK_CHECKED;

/* A row for each cursor of the lake. */
enum lk_status lk_take_list(struct lk_lake *lake, enum lk_format format, FILE *out, struct lk_error *err) LK_CHECKED;

#endif
