/*
 * Which rows of delimited text are its header, which are records and which are neither (private to lib/source).
 */
#ifndef LK_SOURCE_HEADING_H
#define LK_SOURCE_HEADING_H

#include "source/columns.h"
#include "source/format.h"

struct lk_heading {
	bool done;		   /* the columns are known */
	struct lk_columns columns; /* of a record */
	struct lk_str wrong;	   /* what keeps the header from being the resource's; empty when nothing does */
	int64_t line;		   /* where the header begins */

	/* inside of heading.c */
	struct lk_sink *sink;
	int rows, comments; /* of those that the dialect lists, so many are behind us */
};

/* A zeroed struct, for the sink's resource. The splitter is told how many cells a row should have. */
enum lk_status lk_heading_begin(
	struct lk_heading *h, struct lk_sink *sink, struct lk_split *s, struct lk_error *err) LK_CHECKED;

/* Takes the row that s has just handed out: every one, in order. *record: it is one; else it is dealt with, and h->wrong may say
 * that the text is not for the resource. */
enum lk_status lk_heading_row(
	struct lk_heading *h, struct lk_split *s, bool blank, bool *record, struct lk_error *err) LK_CHECKED;

void lk_heading_release(struct lk_heading *h);

/* Whether a text that begins so has the resource's header; true where the resource has none. encoding: what the text was decoded
 * from. */
enum lk_status lk_heading_agrees(const struct lk_resource *r, const struct lk_head *head, const char *encoding, bool *agrees,
	struct lk_error *err) LK_CHECKED;

#endif
