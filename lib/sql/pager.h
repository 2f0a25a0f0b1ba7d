/* A pager for what is longer than the terminal: text is held back until it is, and then goes to $PAGER, else to the terminal. */
#ifndef LK_SQL_PAGER_H
#define LK_SQL_PAGER_H

#include <stdio.h>

#include "base/process.h"

struct lk_pager {
	const char *command; /* for a shell; NULL or "": everything goes to standard output at once */
	int lines;	     /* that fit without it */
	FILE *file;	     /* what is written here is paged */
	struct lk_str held;
	int held_lines;
	struct lk_child child;
	int pipe; /* to it; -1 before it was started */
	bool gone; /* it ended before we did: the rest is dropped */
};

/* The text of one result begins; p->file is to be written to. */
enum lk_status lk_pager_begin(struct lk_pager *p, const char *command, int lines, struct lk_error *err) LK_CHECKED;
/* It ends; waits until the pager was left. */
void lk_pager_end(struct lk_pager *p);

#endif
