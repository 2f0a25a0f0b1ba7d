/*
 * The life of a row: what became of the rows with one key, snapshot by snapshot, the newest first.
 *
 * It is what sql/changes.h finds, of that key alone: of each snapshot only those files are opened that it added, removed or took rows out
 * of, and that can have the key by what manifests say of their values.
 *
 * Values of private columns (lk.phi) are not shown unless that is asked for; that they changed is.
 */
#ifndef LK_SQL_LIFE_H
#define LK_SQL_LIFE_H

#include "lake/lake.h"
#include "sql/workspace.h"
#include "stream/format.h"

struct lk_life_options {
	const char *table;
	/* Each is COLUMN=VALUE, or the values of the table's key by commas, of which a key of one column takes all of the text. Columns that are
	 * named are the key then. */
	const char *const *keys;
	int key_count;
	const char *branch; /* or tag, whose history; NULL: main's */
	int64_t max_count;  /* lines; -1: all */
	bool show_private;
	enum lk_format format; /* text */
	FILE *out;
	struct lk_workspace *workspace;
	void (*say)(const char *fmt, ...) LK_PRINTF(1, 2);    /* what has expired */
	void (*detail)(const char *fmt, ...) LK_PRINTF(1, 2); /* how many files of each snapshot were read */
};

/* *lines are written. LK_DATA when the key does not fit the table; the error does not tell its values. */
enum lk_status lk_life_write(struct lk_lake *lake, const struct lk_life_options *options, int64_t *lines, struct lk_error *err) LK_CHECKED;

#endif
