/*
 * What lk-cat does with streams: shows their tables, says what is in them, makes streams of one kind out of another.
 *
 * csv, tsv, json, markdown and arrow have room for one table: the one that `table` names or, without it, the only one of
 * the input, lk.files and lk.rejects aside. A second one is an error. The aligned table and what --schema and --count
 * say have room for all.
 */
#ifndef LK_STREAM_CAT_H
#define LK_STREAM_CAT_H

#include <stdio.h>

#include "stream/format.h"

enum lk_cat_what {
	LK_CAT_ROWS,
	LK_CAT_SCHEMA, /* a row for each column of each table */
	LK_CAT_COUNT,  /* a row for each table */
};

struct lk_cat_options {
	enum lk_cat_what what;
	enum lk_format format; /* not LK_FORMAT_PARQUET */
	const char *table;     /* only this one, by its whole name or by what stands behind the dot; NULL for any */
	const char *as;	       /* write an lk stream of a table of this name, whatever the format; NULL for none */
	int64_t head;	       /* rows of each table to show, -1 for all */
	FILE *out;	       /* text */
	int fd;		       /* Arrow */
	const char *out_name;  /* for messages */
};

struct lk_cat;

enum lk_status lk_cat_open(struct lk_cat **out, const struct lk_cat_options *options, struct lk_error *err) LK_CHECKED;
/* One input, to its end, or until all that was asked for is there. fd is the caller's. */
enum lk_status lk_cat_input(struct lk_cat *c, int fd, const char *name, struct lk_error *err) LK_CHECKED;
/* Writes what is left and frees c. LK_NOINPUT when `table` never came. */
enum lk_status lk_cat_close(struct lk_cat *c, struct lk_error *err) LK_CHECKED;
void lk_cat_abort(struct lk_cat *c); /* NULL is fine */

#endif
