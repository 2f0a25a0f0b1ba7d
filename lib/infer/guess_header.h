/*
 * Which rows of a text are what: rows before the header, the header's rows, and the records.
 */
#ifndef LK_INFER_GUESS_HEADER_H
#define LK_INFER_GUESS_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "source/split.h"

#define LK_LAYOUT_HEADER 5   /* rows of a header, at most */
#define LK_LAYOUT_SKIPPED 40 /* rows before it, at most */

struct lk_layout {
	size_t columns; /* of most records; 0 in an empty text */
	size_t records, usual; /* that were looked at; those with so many columns */
	bool flawed;	       /* quotes are wrong in some record */
	int skipped[LK_LAYOUT_SKIPPED]; /* rows at the start, from 1, that are no records: titles, notes; not blank ones */
	int skipped_count;
	int header[LK_LAYOUT_HEADER];
	int header_count;	      /* 0: there is no header */
	size_t cells, blank_cells;    /* looked at behind a delimiter, not empty; those that begin with a blank */
};

/* Looks at the rows of text, at the first ones closely, read by dialect (its header and rows are not asked for). whole: no
 * record is cut at the end. */
enum lk_status lk_layout_guess(const struct lk_dialect *dialect, const char *text, size_t len, bool whole,
	struct lk_layout *out, struct lk_error *err) LK_CHECKED;

#endif
