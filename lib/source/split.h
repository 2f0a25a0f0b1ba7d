/*
 * Splitting delimited text: bytes to records, and records to cells, by a dialect (RFC 4180 and its relatives, lk-source(5)).
 *
 *	lk_split_init(&s, &dialect);
 *	while (more text) {
 *		lk_split_feed(&s, data, len, err);
 *		while (lk_split_next(&s, &what, err) == LK_OK && what <= LK_SPLIT_BLANK)
 *			... s.cells, lk_split_text(&s, &s.cells[i], &room, &len) ...
 *	}
 *	lk_split_end(&s);	and the records that are left, until LK_SPLIT_END
 *
 * It knows nothing of headers and fields: each row of the text is handed out in order, with its number and line. Every text
 * has a reading: where quotes are wrong the record says so (fault), and the next one begins at a line end.
 *
 * A quote that is never closed must not swallow the text. Where a quoted cell of several lines is followed by other text
 * than a delimiter, goes on to the end of the text, or makes its record longer than LK_SPLIT_RECORD_BYTES, its record ends
 * with the line on which the quote was opened, at fault, and the next one begins on the line after it. No byte is read more
 * than a few times for that: a quote that opens a cell would have closed the one before, so such cells do not overlap.
 */
#ifndef LK_SOURCE_SPLIT_H
#define LK_SOURCE_SPLIT_H

#include "base/str.h"
#include "source/scan.h"

#define LK_SPLIT_RECORD_BYTES (16 * 1024 * 1024)

/* Characters are UTF-8; NULL where there is none. Rows count from 1, as lk_split_next hands them out; lists ascend. */
struct lk_dialect {
	const char *delimiter; /* never NULL, may be several characters */
	const char *quote, *escape, *comment;
	const char *terminator; /* NULL: a line feed, a carriage return or both */
	const char *header_join;
	const int *header_rows, *comment_rows;
	int header_row_count, comment_row_count;
	bool double_quote, header, skip_initial_space, case_sensitive;
	bool mend; /* records whose quotes are wrong are read as what has the right number of cells */
};

struct lk_split_cell {
	size_t start, end; /* in buf, without its quotes */
	bool quoted;
	bool marked; /* doubled quotes or escapes stand in it, which are no part of the text */
};

enum lk_split_what {
	LK_SPLIT_RECORD,
	LK_SPLIT_BLANK, /* an empty line, or a comment: no record, but a row */
	LK_SPLIT_MORE,	/* what is left is no whole record: feed more */
	LK_SPLIT_END,
};

struct lk_split_mark {
	char first;
	size_t len; /* 0: there is none */
	const char *text;
};

struct lk_split {
	/* The record that was handed out last: borrowed until the next call. */
	struct lk_split_cell *cells;
	size_t cell_count;
	int64_t line;	   /* on which it begins, from 1 */
	int64_t row;	   /* its number, from 1 */
	size_t start, end; /* of its text in buf */
	const char *fault; /* what is wrong with it; NULL when nothing is */
	size_t fault_cell; /* the cell that is at fault */
	bool mended;	   /* it was at fault, but a reading was found that has `width` cells */
	bool unchecked;	   /* it may have bytes that are not plain ASCII, or NULs */
	const char *buf;
	bool foreign_mark; /* the text began with a byte order mark of UTF-16 */

	size_t width; /* set by the caller: how many cells a record should have; 0: who knows */

	/* inside of split.c */
	struct lk_split_mark delimiter, quote, escape, comment, terminator;
	bool simple; /* all of one byte, and lines end anyhow */
	bool double_quote, skip_initial_space, mend;
	bool doubling; /* of the record */
	struct lk_scan scan;
	char *room;
	size_t cell_cap;
	size_t len, cap;
	size_t next;	 /* where the next record begins */
	size_t patience; /* a record that is longer than the buffer is not tried again before len reaches this */
	int64_t lines;	 /* line ends in the record */
	size_t break_at; /* the first one within quotes; 0 when there is none */
	int64_t break_lines; /* line ends before that one */
	uint64_t done, again; /* bytes of records so far, and bytes that are read again to mend some */
	bool begun;	 /* a byte order mark has been looked for */
	bool last;	 /* no text follows what is in the buffer */
	bool skipping;	 /* within a line of a record that was too long */
	bool fresh;	 /* the scan must start again at `next` */
};

/* The dialect's texts must live as long as s. A zeroed struct, or one that was cleared. */
void lk_split_init(struct lk_split *s, const struct lk_dialect *dialect);
/* Adds text, which is copied. What was handed out is gone. */
enum lk_status lk_split_feed(struct lk_split *s, const char *data, size_t len, struct lk_error *err) LK_CHECKED;
/* There is no more. */
void lk_split_end(struct lk_split *s);
enum lk_status lk_split_next(struct lk_split *s, enum lk_split_what *what, struct lk_error *err) LK_CHECKED;

/* The text of a cell: in the buffer, or in `room` where marks are taken out of it. NULL when out of memory. */
const char *lk_split_unmark(struct lk_split *s, const struct lk_split_cell *cell, struct lk_str *room, size_t *len);
static inline const char *lk_split_text(
	struct lk_split *s, const struct lk_split_cell *cell, struct lk_str *room, size_t *len)
{
	if (cell->marked)
		return lk_split_unmark(s, cell, room, len);
	*len = cell->end - cell->start;
	return s->buf + cell->start;
}

/* Forgets the text, but not the memory that the next one will want again; the dialect must be given anew. */
void lk_split_clear(struct lk_split *s);
void lk_split_release(struct lk_split *s);

#endif
