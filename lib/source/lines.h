/*
 * Lines: text that comes in pieces of any size, handed out line by line (private to lib/source).
 *
 *	buf: [ lines handed out | line at `start` ........ len | room ]
 *
 * The pieces are copied into one buffer; what is left of a line at the end of a piece moves to the front and waits for more.
 * A line may have 16 MiB: of one that is longer only the beginning is handed out, and the rest is passed over. A byte order
 * mark of UTF-8 at the very start is no part of the first line.
 */
#ifndef LK_SOURCE_LINES_H
#define LK_SOURCE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LK_LINE_BYTES (16 * 1024 * 1024)

/* What ends a line. */
enum lk_lines_end {
	LK_LINES_ANY, /* line feed, carriage return, or both in this order */
	LK_LINES_LF,  /* line feed; a carriage return before it goes, too */
	LK_LINES_MARK, /* a text of the caller's */
	LK_LINES_LENGTH, /* nothing: each has the same number of characters */
};

struct lk_line {
	const char *data; /* borrowed until lk_lines_add; no line end in it, but for LK_LINES_LENGTH */
	size_t len;
	int64_t number; /* from 1; 0 for LK_LINES_LENGTH */
	bool odd;	/* not all of it is plain ASCII: other characters, or NUL */
	bool too_long;	/* only its first bytes */
};

struct lk_lines {
	enum lk_lines_end end;
	size_t characters; /* of a line, for LK_LINES_LENGTH */
	const char *mark;  /* for LK_LINES_MARK, as long as mark_len; not copied */
	size_t mark_len;
	char *buf;
	size_t start, len, cap;
	size_t lf, cr; /* the first of each from start on, or of the mark; none in [start, lf) */
	int64_t number; /* of lines handed out */
	bool begun;	/* the byte order mark was looked for */
	bool skipping;	/* within a line that was too long */
};

/* Begins a text. What the struct holds from one before is used again; at first it is all zero. For LK_LINES_MARK the mark is set
 * after it. */
void lk_lines_begin(struct lk_lines *l, enum lk_lines_end end, size_t characters);
/* Gives back memory that the next text hardly needs. */
void lk_lines_clear(struct lk_lines *l);
void lk_lines_release(struct lk_lines *l);

/* Adds a piece. Lines that were handed out are gone. */
enum lk_status lk_lines_add(struct lk_lines *l, const char *data, size_t len, struct lk_error *err) LK_CHECKED;

/* The next line that is whole; last: nothing follows what was added. False when there is none. */
bool lk_lines_next(struct lk_lines *l, bool last, struct lk_line *line);

/* Bytes of the character at p, which is not behind the end: 1 also for a byte that is no UTF-8. */
size_t lk_lines_character(const char *p, const char *end);

#endif
