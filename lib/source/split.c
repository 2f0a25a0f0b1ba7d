/*
 * Text is copied into one buffer, in which whole records are found by a structural scan (scan.h) and split into cells; what is
 * left of a record at the end moves to the front and waits for more.
 *
 *	buf: [ records done | record at `start` ... `next` | ........ len | room, and LK_SCAN_BLOCK bytes for the scan ]
 *
 * Most dialects are of single bytes: splitting is compiled twice, once for these.
 */
#include <stdlib.h>

#include "source/split_inside.h"

#define KEPT_BYTES (1024 * 1024) /* of the buffer, for the next text */
#define NO_END SIZE_MAX
#define REREAD_FACTOR 8
#define REREAD_BYTES 65536

#define UNCLOSED "a quote is never closed: reading went on at the next line"

/* ---- what stands at a place ---- */

/* Whether a byte may begin a line end. */
static inline bool may_end_line(const struct lk_split *s, size_t at, const bool simple)
{
	char c = s->room[at];

	return simple || !s->terminator.len ? c == '\n' || c == '\r' : c == s->terminator.first || c == '\r';
}

/* A terminator other than any line end. A line feed is one after a carriage return, too. */
static size_t given_line_end(const struct lk_split *s, size_t at)
{
	bool feed = s->terminator.len == 1 && s->terminator.first == '\n';

	switch (lk_split_find(s, &s->terminator, at, false)) {
	case LK_FOUND_MORE:
		return 0;
	case LK_FOUND_NOT:
		if (!feed || s->room[at] != '\r')
			return NO_END;
		if (at + 1 == s->len)
			return s->last ? NO_END : 0;
		return s->room[at + 1] == '\n' ? at + 2 : NO_END;
	case LK_FOUND:
		break;
	}
	at += s->terminator.len;
	if (s->terminator.len > 1 || s->terminator.first != '\r')
		return at;
	if (at == s->len)
		return s->last ? at : 0;
	return s->room[at] == '\n' ? at + 1 : at;
}

/* A line end at `at`: where the next line begins, 0 when that cannot be told yet, NO_END when it is none. */
static inline size_t line_end(const struct lk_split *s, size_t at, const bool simple)
{
	if (!simple && s->terminator.len)
		return given_line_end(s, at);
	if (s->room[at] == '\n')
		return at + 1;
	if (at + 1 == s->len)
		return s->last ? at + 1 : 0;
	return s->room[at + 1] == '\n' ? at + 2 : at + 1;
}

static inline size_t cell_start(const struct lk_split *s, size_t at)
{
	if (s->skip_initial_space)
		while (at < s->len && s->room[at] == ' ')
			at++;
	return at;
}

/* ---- one record ---- */

/* The record that is being split. */
struct progress {
	struct lk_split_cell cell; /* that is open */
	bool in_quotes;
	size_t closed;	   /* its closing quote */
	size_t after;	   /* what follows that */
	size_t ignore;	   /* special bytes before this position are text */
	size_t first_end;  /* of the lines within the quotes; 0 when there is none */
	int64_t first_line; /* line ends before that one */
};

static void set_fault(struct lk_split *s, const char *what)
{
	if (s->fault)
		return;
	s->fault = what;
	s->fault_cell = s->cell_count;
}

enum step {
	STEP_ON,
	STEP_NOMEM,
	STEP_MORE,
	STEP_BLANK,
	STEP_RECORD,
};

/* The quote of the open cell is taken as one that was never closed: the record ends with its line, if it has gone on beyond
 * that. */
static enum step give_up_quote(struct lk_split *s, struct progress *p)
{
	size_t next = line_end(s, p->first_end, s->simple);

	set_fault(s, UNCLOSED);
	p->cell.quoted = false;
	p->cell.end = s->end = p->first_end;
	s->next = next;
	s->lines = p->first_line + 1;
	s->fresh = true;
	return lk_split_add(s, p->cell) ? STEP_RECORD : STEP_NOMEM;
}

/* Finishes the open cell at `end`. Nothing but blanks may stand between a closing quote and that. */
static inline enum step end_cell(struct lk_split *s, struct progress *p, size_t end)
{
	p->cell.end = end;
	if (p->cell.quoted) {
		p->cell.end = p->closed;
		for (size_t i = p->after; i < end; i++) {
			if (s->room[i] == ' ' || s->room[i] == '\t')
				continue;
			if (p->first_end)
				return give_up_quote(s, p);
			set_fault(s, "text follows a closing quote");
			break;
		}
	}
	return lk_split_add(s, p->cell) ? STEP_ON : STEP_NOMEM;
}

/* The record ends at `end`, the next one begins at `next`. */
static inline enum step end_record(struct lk_split *s, struct progress *p, size_t end, size_t next)
{
	enum step step;

	s->end = end;
	s->next = next;
	s->lines++;
	if (end == s->start && next > end)
		return STEP_BLANK;
	step = end_cell(s, p, end);
	return step == STEP_ON ? STEP_RECORD : step;
}

/* The text ends within the record. */
static enum step end_text(struct lk_split *s, struct progress *p)
{
	if (!p->in_quotes)
		return end_record(s, p, s->len, s->len);
	if (p->first_end)
		return give_up_quote(s, p);
	set_fault(s, "a quote is never closed");
	p->cell.quoted = false;
	return end_record(s, p, s->len, s->len);
}

/* The record is longer than may be held: it ends with this line, wherever that ends. */
static enum step end_long(struct lk_split *s, struct progress *p)
{
	if (p->in_quotes && p->first_end && line_end(s, p->first_end, s->simple))
		return give_up_quote(s, p);
	set_fault(s, "is longer than 16 MiB");
	s->end = s->len;
	s->next = s->len - (s->room[s->len - 1] == '\r');
	s->skipping = s->fresh = true;
	p->cell.quoted = false;
	p->cell.end = s->len;
	return lk_split_add(s, p->cell) ? STEP_RECORD : STEP_NOMEM;
}

/* No record ends in the buffer. */
static enum step want_more(struct lk_split *s, struct progress *p)
{
	return s->len - s->start > LK_SPLIT_RECORD_BYTES ? end_long(s, p) : STEP_MORE;
}

/* A special byte within quotes. */
static inline enum step pass_quoted(struct lk_split *s, struct progress *p, size_t at, const bool simple)
{
	size_t len = simple ? 1 : s->quote.len;

	switch (lk_split_find(s, &s->quote, at, simple)) {
	case LK_FOUND_MORE:
		return STEP_MORE;
	case LK_FOUND_NOT:
		break;
	case LK_FOUND:
		if (s->double_quote && at + len == s->len && !s->last)
			return STEP_MORE;
		if (s->double_quote && at + len < s->len) {
			enum lk_mark_found again = lk_split_find(s, &s->quote, at + len, simple);

			if (again == LK_FOUND_MORE)
				return STEP_MORE;
			if (again == LK_FOUND) {
				p->cell.marked = true;
				p->ignore = at + 2 * len;
				return STEP_ON;
			}
		}
		p->in_quotes = false;
		p->closed = at;
		p->after = p->ignore = at + len;
		return STEP_ON;
	}
	if (may_end_line(s, at, simple) && line_end(s, at, simple) != NO_END) {
		/* CRLF counts once, at its first byte */
		bool second = s->room[at] == '\n' && at > s->start && s->room[at - 1] == '\r';

		if (!p->first_end) {
			p->first_end = at;
			p->first_line = s->lines;
			if (!s->break_at) {
				s->break_at = at;
				s->break_lines = s->lines;
			}
		}
		s->lines += !second;
	}
	return STEP_ON;
}

/* A special byte that an escape, or a mark of several bytes, makes text. */
static void pass_ignored(struct lk_split *s, size_t at, const bool simple)
{
	if (at > s->start && may_end_line(s, at, simple))
		s->lines += s->room[at] != '\n' || s->room[at - 1] != '\r';
}

/* A special byte outside of quotes that is no escape. */
static inline __attribute__((always_inline)) enum step pass_plain(struct lk_split *s, struct progress *p, size_t at, const bool simple)
{
	enum lk_mark_found found;
	size_t next = NO_END;

	if (!simple && may_end_line(s, at, simple)) {
		next = line_end(s, at, simple);
		if (next != NO_END)
			return next ? end_record(s, p, at, next) : STEP_MORE;
	}
	found = lk_split_find(s, &s->delimiter, at, simple);
	if (found == LK_FOUND_MORE)
		return STEP_MORE;
	if (found == LK_FOUND) {
		enum step step = end_cell(s, p, at);

		if (!simple)
			p->ignore = at + s->delimiter.len;
		p->cell = (struct lk_split_cell){.start = cell_start(s, at + (simple ? 1 : s->delimiter.len))};
		if (s->skip_initial_space) /* which may be the delimiter, too */
			p->ignore = p->cell.start;
		p->first_end = 0;
		return step;
	}
	found = lk_split_find(s, &s->quote, at, simple);
	if (found == LK_FOUND_MORE)
		return STEP_MORE;
	if (found == LK_FOUND) {
		if (at == p->cell.start && !p->cell.quoted) {
			p->in_quotes = p->cell.quoted = true;
			p->cell.start = p->ignore = at + (simple ? 1 : s->quote.len);
		}
		return STEP_ON;
	}
	if (!simple || !may_end_line(s, at, simple))
		return STEP_ON;
	next = line_end(s, at, simple);
	return next ? end_record(s, p, at, next) : STEP_MORE;
}

/* Splits the record at s->start, where it is not empty. The scan stands there. */
static inline __attribute__((always_inline)) enum step split_as(struct lk_split *s, const bool simple)
{
	struct progress p = {.cell = {.start = cell_start(s, s->start)}};
	enum step step = STEP_ON;

	p.ignore = p.cell.start;
	for (;;) {
		size_t at = lk_scan_next(&s->scan);
		enum lk_mark_found escape;

		if (at == s->len)
			return s->last ? end_text(s, &p) : want_more(s, &p);
		if (at < p.ignore) {
			pass_ignored(s, at, simple);
			continue;
		}
		escape = lk_split_find(s, &s->escape, at, simple);
		if (escape == LK_FOUND) {
			p.cell.marked = true;
			p.ignore = at + s->escape.len + 1;
			continue;
		}
		step = escape == LK_FOUND_MORE ? STEP_MORE
		       : p.in_quotes	    ? pass_quoted(s, &p, at, simple)
					    : pass_plain(s, &p, at, simple);
		if (step != STEP_ON)
			return step == STEP_MORE ? want_more(s, &p) : step;
	}
}

static enum step split_simple(struct lk_split *s)
{
	return split_as(s, true);
}

static enum step split_any(struct lk_split *s)
{
	return split_as(s, false);
}

/* Goes to the end of the line that begins at `from`; s->next is behind it. The scan may still have the end of the line before. */
static enum step pass_line(struct lk_split *s, size_t from)
{
	for (;;) {
		size_t at = lk_scan_next(&s->scan), next;

		if (at == s->len) {
			s->next = s->end = s->len;
			return s->last ? STEP_BLANK : STEP_MORE;
		}
		if (at < from || !may_end_line(s, at, s->simple))
			continue;
		next = line_end(s, at, s->simple);
		if (next == NO_END)
			continue;
		s->end = at;
		s->next = next ? next : at;
		return next ? STEP_BLANK : STEP_MORE;
	}
}

/* ---- the buffer ---- */

/* What is left of a record that was too long: true when its line has come to its end. Nothing of it is kept. */
static bool skip_line(struct lk_split *s)
{
	if (s->fresh) {
		lk_scan_start(&s->scan, s->next);
		s->fresh = false;
	}
	if (pass_line(s, s->next) == STEP_MORE)
		return false;
	s->line++;
	s->skipping = false;
	return true;
}

/* A byte order mark: UTF-8's goes, others say that the text is not ours to read. */
static void look_for_mark(struct lk_split *s)
{
	s->begun = true;
	if (s->len >= 3 && !memcmp(s->room, "\xef\xbb\xbf", 3))
		s->next = 3;
	s->foreign_mark = s->len >= 2 && (!memcmp(s->room, "\xff\xfe", 2) || !memcmp(s->room, "\xfe\xff", 2));
}

static enum step split(struct lk_split *s)
{
	enum lk_mark_found comment;
	enum step step;

	s->cell_count = 0;
	s->fault = NULL;
	s->lines = 0;
	s->mended = false;
	s->break_at = 0;
	s->doubling = s->double_quote;
	if (s->fresh)
		lk_scan_start(&s->scan, s->start);
	s->fresh = false;
	lk_scan_mark(&s->scan);
	comment = lk_split_find(s, &s->comment, s->start, false);
	if (comment == LK_FOUND_MORE)
		return STEP_MORE;
	if (comment == LK_FOUND_NOT)
		return s->simple ? split_simple(s) : split_any(s);
	step = pass_line(s, s->start);
	s->lines = 1;
	return step;
}

/* The rest of the buffer is no whole record: it is not looked at again before there is twice as much of it. */
static void wait_for_more(struct lk_split *s)
{
	size_t left = s->len - s->start;

	s->next = s->start;
	s->fresh = true;
	s->patience = 2 * left < LK_SPLIT_RECORD_BYTES ? 2 * left : LK_SPLIT_RECORD_BYTES + 1;
}

/* A record of several lines that does not fit may have swallowed some: its first line is looked at alone. What would be read
 * again for that is limited, so that time stays linear. */
static enum lk_status mend_line(struct lk_split *s, struct lk_error *err)
{
	size_t end = s->end, next = s->next;

	if (s->again > REREAD_FACTOR * (s->done + REREAD_BYTES))
		return LK_OK;
	s->again += s->next - s->break_at;
	s->end = s->break_at;
	LK_TRY(lk_split_mend(s, err));
	s->fresh = true;
	if (s->mended) {
		s->next = line_end(s, s->break_at, s->simple);
		s->lines = s->break_lines + 1;
		return LK_OK;
	}
	s->end = end;
	s->next = next;
	return split(s) == STEP_NOMEM ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status mend(struct lk_split *s, struct lk_error *err)
{
	if (!s->width || s->skipping)
		return LK_OK;
	if (s->fault)
		return lk_split_mend(s, err);
	return s->break_at && !lk_split_fits(s) ? mend_line(s, err) : LK_OK;
}

enum lk_status lk_split_next(struct lk_split *s, enum lk_split_what *what, struct lk_error *err)
{
	enum step step;

	*what = LK_SPLIT_MORE;
	if (!s->begun) {
		if (s->len < 3 && !s->last)
			return LK_OK;
		look_for_mark(s);
	}
	if (!s->last && s->len - s->next < s->patience)
		return LK_OK;
	s->patience = 0;
	s->line += s->lines;
	s->lines = 0;
	if (s->skipping && !skip_line(s))
		return LK_OK;
	s->start = s->next;
	if (s->start == s->len) {
		*what = s->last ? LK_SPLIT_END : LK_SPLIT_MORE;
		return LK_OK;
	}
	step = split(s);
	if (step == STEP_NOMEM)
		return lk_error_nomem(err);
	s->buf = s->room;
	s->unchecked = s->scan.odd;
	if (step == STEP_MORE) {
		s->lines = 0;
		wait_for_more(s);
		return LK_OK;
	}
	if (s->mend && step == STEP_RECORD)
		LK_TRY(mend(s, err));
	s->done += s->next - s->start;
	s->row++;
	*what = step == STEP_BLANK ? LK_SPLIT_BLANK : LK_SPLIT_RECORD;
	return LK_OK;
}

static bool make_room(struct lk_split *s, size_t extra)
{
	size_t cap = s->cap ? s->cap : 4096;
	char *grown;

	if (s->next) {
		memmove(s->room, s->room + s->next, s->len - s->next);
		s->len -= s->next;
		s->next = 0;
	}
	while (cap < s->len + extra + LK_SCAN_BLOCK)
		cap *= 2;
	if (cap == s->cap)
		return true;
	grown = realloc(s->room, cap);
	if (!grown)
		return false;
	memset(grown + s->cap, 0, cap - s->cap);
	s->room = grown;
	s->cap = cap;
	return true;
}

enum lk_status lk_split_feed(struct lk_split *s, const char *data, size_t len, struct lk_error *err)
{
	if (!make_room(s, len))
		return lk_error_nomem(err);
	if (len)
		memcpy(s->room + s->len, data, len);
	s->len += len;
	s->buf = s->room;
	s->scan.data = (const unsigned char *)s->room;
	s->scan.len = s->len;
	s->fresh = true;
	return LK_OK;
}

void lk_split_end(struct lk_split *s)
{
	s->last = true;
	s->scan.data = (const unsigned char *)s->room;
	s->scan.len = s->len;
	s->fresh = true;
}

/* ---- cells ---- */

static bool is_twice(const struct lk_split *s, size_t at, size_t end)
{
	return s->doubling && at + s->quote.len < end && lk_split_find(s, &s->quote, at, false) == LK_FOUND &&
	       lk_split_find(s, &s->quote, at + s->quote.len, false) == LK_FOUND;
}

/* Where the next mark stands in [at, end), and which: an escape, or a quote, of which there are two. */
static size_t next_mark(const struct lk_split *s, bool quoted, size_t at, size_t end, const struct lk_split_mark **which)
{
	for (; at < end; at++) {
		if (!s->escape.len && s->quote.len == 1) {
			const char *found = memchr(s->room + at, s->quote.first, end - at);

			if (!found)
				return end;
			at = (size_t)(found - s->room);
		}
		*which = lk_split_find(s, &s->escape, at, false) == LK_FOUND ? &s->escape : &s->quote;
		if (*which == &s->escape || (quoted && is_twice(s, at, end)))
			return at;
	}
	return end;
}

const char *lk_split_unmark(struct lk_split *s, const struct lk_split_cell *cell, struct lk_str *room, size_t *len)
{
	size_t from = cell->start;
	char *out;

	lk_str_clear(room);
	if (!lk_str_reserve(room, cell->end - cell->start))
		return NULL;
	out = room->data;
	for (;;) {
		const struct lk_split_mark *mark = &s->quote;
		size_t at = next_mark(s, cell->quoted, from, cell->end, &mark), n;

		memcpy(out, s->room + from, at - from);
		out += at - from;
		if (at == cell->end)
			break;
		/* what follows the mark is text, a second quote whole; a mark at the end is text itself */
		from = at + mark->len < cell->end ? at + mark->len : at;
		n = mark == &s->quote && mark->len <= cell->end - from ? mark->len : 1;
		memcpy(out, s->room + from, n);
		out += n;
		from += n;
	}
	*len = room->len = (size_t)(out - room->data);
	return room->data;
}

/* ---- a splitter's life ---- */

static struct lk_split_mark mark_of(const char *text)
{
	if (!text || !*text)
		return (struct lk_split_mark){0};
	return (struct lk_split_mark){*text, strlen(text), text};
}

void lk_split_init(struct lk_split *s, const struct lk_dialect *d)
{
	unsigned char *specials = s->scan.specials;

	s->line = 1;
	s->delimiter = mark_of(d->delimiter);
	s->quote = mark_of(d->quote);
	s->escape = mark_of(d->escape);
	s->comment = mark_of(d->comment);
	s->terminator = mark_of(d->terminator);
	if (s->terminator.len == 2 && !memcmp(d->terminator, "\r\n", 2))
		s->terminator = mark_of(NULL);
	s->double_quote = d->double_quote;
	s->mend = d->mend;
	s->skip_initial_space = d->skip_initial_space;
	s->simple = s->delimiter.len == 1 && s->quote.len <= 1 && s->escape.len <= 1 && !s->terminator.len;
	memcpy(specials, "\n\n\n\n\r", LK_SCAN_SPECIALS);
	if (s->terminator.len && s->terminator.first != '\n' && s->terminator.first != '\r')
		memset(specials, s->terminator.first, LK_SCAN_SPECIALS);
	if (s->delimiter.len)
		specials[0] = (unsigned char)s->delimiter.first;
	if (s->quote.len)
		specials[1] = (unsigned char)s->quote.first;
	if (s->escape.len)
		specials[2] = (unsigned char)s->escape.first;
}

void lk_split_clear(struct lk_split *s)
{
	struct lk_split kept = {.room = s->room, .cap = s->cap, .cells = s->cells, .cell_cap = s->cell_cap};

	if (kept.cap > KEPT_BYTES) {
		free(kept.room);
		kept.room = NULL;
		kept.cap = 0;
	}
	*s = kept;
}

void lk_split_release(struct lk_split *s)
{
	free(s->cells);
	free(s->room);
	*s = (struct lk_split){0};
}
