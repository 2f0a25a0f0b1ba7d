/*
 * Records whose quotes are wrong: a quote that was meant as text. Its text has several readings, and one that has as many cells
 * as a record should have is most likely what was meant:
 *
 *	1,"a 5" nail",x		a quote that stands before no delimiter is text		1 | a 5" nail | x
 *	1,"a 5"",x		a quote that stands before a delimiter ends the cell	1 | a 5"      | x
 *	1,"a,"b, c"		the quote that opened the cell at fault is text		1 | "a        | b, c
 *
 * They are tried in this order, within the text of the record.
 */
#include "source/split_inside.h"

struct reading {
	bool doubling;	   /* two quotes within quotes are one */
	bool inner_text;   /* quotes within quotes that stand before no delimiter are text */
	bool opening_text; /* where a cell cannot be closed its opening quote is text */
};

static bool stands(const struct lk_split *s, const struct lk_split_mark *mark, size_t at)
{
	return at + mark->len <= s->end && lk_split_find(s, mark, at, false) == LK_FOUND;
}

/* Whether a cell may end at `at`, but for blanks; *end is where its delimiter stands then. */
static bool ends_cell(const struct lk_split *s, size_t at, size_t *end)
{
	for (;; at++) {
		if (at == s->end || stands(s, &s->delimiter, at)) {
			*end = at;
			return true;
		}
		if (s->room[at] != ' ' && s->room[at] != '\t')
			return false;
	}
}

/* A cell that begins with a quote, at cell->start. False when it cannot be closed. */
static bool read_quoted(const struct lk_split *s, const struct reading *r, struct lk_split_cell *cell, size_t *end)
{
	size_t quote = s->quote.len;

	cell->start += quote;
	cell->quoted = true;
	for (size_t at = cell->start; at < s->end;) {
		if (stands(s, &s->escape, at)) {
			cell->marked = true;
			at += s->escape.len + 1;
		} else if (!stands(s, &s->quote, at)) {
			at++;
		} else if (r->doubling && stands(s, &s->quote, at + quote)) {
			cell->marked = true;
			at += 2 * quote;
		} else if (ends_cell(s, at + quote, end)) {
			cell->end = at;
			return true;
		} else if (r->inner_text) {
			at += quote;
		} else {
			return false;
		}
	}
	return false;
}

static void read_plain(const struct lk_split *s, struct lk_split_cell *cell, size_t *end)
{
	size_t at = cell->start;

	while (at < s->end && !stands(s, &s->delimiter, at)) {
		if (stands(s, &s->escape, at)) {
			cell->marked = true;
			at += s->escape.len;
		}
		at++;
	}
	cell->end = *end = at < s->end ? at : s->end;
}

bool lk_split_fits(const struct lk_split *s)
{
	if (s->cell_count < s->width)
		return false;
	for (size_t i = s->width; i < s->cell_count; i++)
		if (s->cells[i].quoted || s->cells[i].start < s->cells[i].end)
			return false;
	return true;
}

/* Splits the record's text anew; *fits says whether that makes a record. */
static enum lk_status read_as(struct lk_split *s, const struct reading *r, bool *fits, struct lk_error *err)
{
	size_t at = s->start, end = at;

	*fits = false;
	s->cell_count = 0;
	s->doubling = r->doubling;
	for (;;) {
		struct lk_split_cell cell = {0}, plain;

		while (s->skip_initial_space && at < s->end && s->room[at] == ' ')
			at++;
		cell.start = at;
		plain = cell;
		if (!stands(s, &s->quote, at)) {
			read_plain(s, &cell, &end);
		} else if (!read_quoted(s, r, &cell, &end)) {
			if (!r->opening_text)
				return LK_OK;
			cell = plain;
			read_plain(s, &cell, &end);
		}
		if (!lk_split_add(s, cell))
			return lk_error_nomem(err);
		if (end >= s->end)
			break;
		at = end + s->delimiter.len;
	}
	*fits = lk_split_fits(s);
	return LK_OK;
}

enum lk_status lk_split_mend(struct lk_split *s, struct lk_error *err)
{
	const struct reading readings[] = {
		{.doubling = s->double_quote, .inner_text = true},
		{.inner_text = true},
		{.doubling = s->double_quote, .opening_text = true},
	};
	bool fits = false;

	for (size_t i = 0; i < sizeof(readings) / sizeof(*readings) && !fits; i++)
		LK_TRY(read_as(s, &readings[i], &fits, err));
	s->mended = fits;
	if (fits)
		s->fault = NULL;
	return LK_OK;
}
