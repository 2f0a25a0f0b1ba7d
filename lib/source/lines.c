#include "source/lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define KEPT_BYTES (1024 * 1024) /* of a buffer, for the next text */

void lk_lines_begin(struct lk_lines *l, enum lk_lines_end end, size_t characters)
{
	*l = (struct lk_lines){.end = end, .characters = characters, .buf = l->buf, .cap = l->cap};
}

void lk_lines_release(struct lk_lines *l)
{
	free(l->buf);
	*l = (struct lk_lines){.end = l->end};
}

void lk_lines_clear(struct lk_lines *l)
{
	if (l->cap > KEPT_BYTES)
		lk_lines_release(l);
}

enum lk_status lk_lines_add(struct lk_lines *l, const char *data, size_t len, struct lk_error *err)
{
	size_t cap = l->cap ? l->cap : 4096;

	if (l->start) {
		memmove(l->buf, l->buf + l->start, l->len - l->start);
		l->len -= l->start;
		l->lf = l->lf > l->start ? l->lf - l->start : 0;
		l->cr = l->cr > l->start ? l->cr - l->start : 0;
		l->start = 0;
	}
	while (cap < l->len + len)
		cap *= 2;
	if (cap != l->cap) {
		char *grown = realloc(l->buf, cap);

		if (!grown)
			return lk_error_nomem(err);
		l->buf = grown;
		l->cap = cap;
	}
	if (len)
		memcpy(l->buf + l->len, data, len);
	l->len += len;
	return LK_OK;
}

size_t lk_lines_character(const char *p, const char *end)
{
	size_t n = (unsigned char)*p < 0x80 ? 1 : lk_utf8_len((const unsigned char *)p, (const unsigned char *)end);

	return n ? n : 1;
}

/* Where the first such byte at or behind `from` is: it was found before, or none is before that place; len when there is none. */
static size_t find(const struct lk_lines *l, size_t known, char c)
{
	size_t from = known > l->start ? known : l->start;
	const char *at;

	if (from < l->len && l->buf[from] == c)
		return from;
	at = from < l->len ? memchr(l->buf + from, c, l->len - from) : NULL;
	return at ? (size_t)(at - l->buf) : l->len;
}

/* The same for a mark, of which a part may stand at the end of what there is. */
static bool find_mark(struct lk_lines *l, bool last, size_t *at, size_t *next)
{
	size_t from = l->lf > l->start ? l->lf : l->start, left = l->len - from;
	const char *found = memmem(l->buf + from, left, l->mark, l->mark_len);

	if (found) {
		*at = l->lf = (size_t)(found - l->buf);
		*next = *at + l->mark_len;
		return true;
	}
	l->lf = left < l->mark_len ? from : l->len - l->mark_len + 1;
	*at = last ? l->len : l->lf;
	*next = l->len;
	return last;
}

/* The line end at or behind start: *at, and where the next line begins. False: there is none yet, or it cannot be told. */
static bool find_end(struct lk_lines *l, bool last, size_t *at, size_t *next)
{
	if (l->end == LK_LINES_MARK)
		return find_mark(l, last, at, next);
	l->lf = find(l, l->lf, '\n');
	*at = l->lf;
	if (l->end == LK_LINES_ANY) {
		l->cr = find(l, l->cr, '\r');
		if (l->cr < l->lf)
			*at = l->cr;
	}
	if (*at == l->len) {
		*next = l->len;
		return last;
	}
	*next = *at + 1;
	if (l->buf[*at] == '\r' && *next == l->len && !last)
		return false;
	if (l->buf[*at] == '\r' && *next < l->len && l->lf == *next)
		++*next;
	if (l->end == LK_LINES_LF && *at > l->start && l->buf[*at - 1] == '\r')
		--*at;
	return true;
}

/* The end of a line of a number of characters. */
static bool find_length(const struct lk_lines *l, bool last, size_t *at)
{
	size_t left = l->len - l->start, p = l->start;

	if (left >= l->characters && lk_ascii(l->buf + l->start, l->characters)) {
		*at = l->start + l->characters;
		return true;
	}
	for (size_t i = 0; i < l->characters && p < l->len; i++) {
		if (l->len - p < 4 && !last && (unsigned char)l->buf[p] > 0x7f)
			return false;
		p += lk_lines_character(l->buf + p, l->buf + l->len);
		if (p == l->len && i + 1 < l->characters && !last)
			return false;
	}
	*at = p;
	return p > l->start;
}

/* Passes over the rest of a line that was too long. False when its end has not come yet. */
static bool skip(struct lk_lines *l, bool last)
{
	size_t at, next;

	if (!find_end(l, last, &at, &next)) {
		l->start = at; /* a return whose line feed may follow stays */
		return false;
	}
	l->start = next;
	l->skipping = false;
	return true;
}

static void hand_out(struct lk_lines *l, size_t at, size_t next, struct lk_line *line)
{
	const char *data = l->buf + l->start;
	size_t len = at - l->start;

	*line = (struct lk_line){.data = data, .len = len, .odd = !lk_ascii(data, len) || memchr(data, '\0', len)};
	if (l->end != LK_LINES_LENGTH)
		line->number = ++l->number;
	l->start = next;
}

static bool next_line(struct lk_lines *l, bool last, struct lk_line *line)
{
	size_t at, next;
	bool found;

	if (l->skipping && !skip(l, last))
		return false;
	if (l->start == l->len)
		return false;
	found = find_end(l, last, &at, &next);
	if (found && at - l->start <= LK_LINE_BYTES) {
		hand_out(l, at, next, line);
		return true;
	}
	if (l->len - l->start <= LK_LINE_BYTES)
		return false;
	hand_out(l, l->start + LK_LINE_BYTES, l->start + LK_LINE_BYTES, line);
	line->too_long = l->skipping = true;
	return true;
}

bool lk_lines_next(struct lk_lines *l, bool last, struct lk_line *line)
{
	size_t at;

	if (!l->begun && l->len < 3 && !last)
		return false;
	if (!l->begun && l->len >= 3 && !memcmp(l->buf, "\xef\xbb\xbf", 3))
		l->start = 3;
	l->begun = true;
	if (l->end != LK_LINES_LENGTH)
		return next_line(l, last, line);
	if (!find_length(l, last, &at))
		return false;
	hand_out(l, at, at, line);
	return true;
}
