#include "infer/guess_header.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "infer/guess_cell.h"

#define ROWS 300	    /* that are looked at */
#define COLUMNS 2000	    /* of them that are looked at */
#define CELL_BYTES 100	    /* of a cell, at most, that are kept */
#define SEARCH 10	    /* rows after the first full one in which a header may follow */

struct cell {
	const char *text; /* without blanks around it */
	size_t len;
	enum lk_cell_kind kind;
	bool quoted;
};

struct row {
	struct cell *cells;
	size_t count, filled; /* cells, and those that are not empty */
	int number;
	bool faulty; /* its quotes are wrong */
};

struct table {
	struct lk_arena arena;
	struct row rows[ROWS];
	size_t count, columns;
	struct lk_layout *layout;
};

/* Kinds that mean the same to a column. */
enum group { NOTHING, PLAIN, NUMERIC, WHEN, OTHER };

static enum group group_of(enum lk_cell_kind kind)
{
	switch (kind) {
	case LK_CELL_EMPTY: case LK_CELL_NULL:
		return NOTHING;
	case LK_CELL_INTEGER: case LK_CELL_NUMBER: case LK_CELL_AMOUNT:
		return NUMERIC;
	case LK_CELL_DATE: case LK_CELL_TIME: case LK_CELL_DATETIME:
		return WHEN;
	case LK_CELL_BOOLEAN: case LK_CELL_ADDRESS:
		return OTHER;
	default:
		return PLAIN;
	}
}

static enum lk_status keep_cell(struct table *t, struct cell *out, const char *text, size_t len, struct lk_error *err)
{
	while (len && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	out->kind = lk_cell_look(text, len).kind;
	out->len = len;
	out->text = lk_arena_strndup(&t->arena, text, len < CELL_BYTES ? len : CELL_BYTES);
	return out->text ? LK_OK : lk_error_nomem(err);
}

static enum lk_status keep_row(struct table *t, struct lk_split *s, struct lk_str *room, struct lk_error *err)
{
	struct row *row = &t->rows[t->count];
	size_t kept = s->cell_count < COLUMNS ? s->cell_count : COLUMNS;

	*row = (struct row){.count = s->cell_count, .number = (int)s->row, .faulty = s->fault != NULL};
	row->cells = lk_arena_alloc(&t->arena, (kept + 1) * sizeof(*row->cells));
	if (!row->cells)
		return lk_error_nomem(err);
	for (size_t i = 0; i < kept; i++) {
		const struct lk_split_cell *cell = &s->cells[i];
		size_t len;
		const char *text = lk_split_text(s, cell, room, &len);

		if (!text)
			return lk_error_nomem(err);
		if (i && cell->end > cell->start && !cell->quoted) {
			t->layout->cells++;
			t->layout->blank_cells += s->buf[cell->start] == ' ';
		}
		LK_TRY(keep_cell(t, &row->cells[i], text, len, err));
		row->cells[i].quoted = cell->quoted;
		row->filled += row->cells[i].len > 0;
	}
	t->count++;
	return LK_OK;
}

/* A record that is cut at the end counts only where it is the only one. */
static enum lk_status read_rows(struct table *t, struct lk_split *s, struct lk_str *room, bool whole, struct lk_error *err)
{
	if (whole)
		lk_split_end(s);
	for (;;) {
		enum lk_split_what what;

		LK_TRY(lk_split_next(s, &what, err));
		if (what == LK_SPLIT_END || (what == LK_SPLIT_MORE && t->count))
			return LK_OK;
		if (what == LK_SPLIT_MORE)
			lk_split_end(s);
		if (what != LK_SPLIT_RECORD)
			continue;
		t->layout->flawed |= s->fault != NULL;
		if (t->count < ROWS)
			LK_TRY(keep_row(t, s, room, err));
	}
}

/* The number of cells that most records have; where two are as many, the greater one. *votes is how many. */
static size_t usual_width(const struct table *t, size_t *votes)
{
	size_t best = 0;

	for (size_t i = 0; i < t->count; i++) {
		size_t same = 0;

		for (size_t k = 0; k < t->count; k++)
			same += t->rows[k].count == t->rows[i].count;
		if (same > *votes || (same == *votes && t->rows[i].count > best)) {
			*votes = same;
			best = t->rows[i].count;
		}
	}
	return best;
}

/* How many cells are filled in the second half of the rows. */
static size_t usual_filled(const struct table *t)
{
	size_t sum = 0, n = 0;

	for (size_t i = t->count / 2; i < t->count; i++)
		if (t->rows[i].count == t->columns) {
			sum += t->rows[i].filled;
			n++;
		}
	return n ? sum / n : 0;
}

/* Titles and notes above the table: rows with hardly anything in them, where the table's have more. */
static size_t preamble(const struct table *t)
{
	size_t filled = usual_filled(t), i = 0;

	for (; i < t->count && i < LK_LAYOUT_SKIPPED; i++) {
		const struct row *row = &t->rows[i];
		bool narrow = row->count != t->columns && row->count * 2 <= t->columns;
		bool hollow = row->filled <= 1 && filled >= 3;

		if (row->filled && !narrow && !hollow)
			break;
	}
	return i < t->count && i < LK_LAYOUT_SKIPPED ? i : 0;
}

/* What a column holds in the rows from `first` on. */
struct column {
	size_t groups[OTHER + 1], filled;
	enum group main; /* of nearly all cells, else NOTHING */
	size_t shortest, longest, long_texts;
};

static void study(const struct table *t, size_t first, size_t at, struct column *c)
{
	*c = (struct column){.shortest = SIZE_MAX};
	for (size_t i = first; i < t->count; i++) {
		const struct cell *cell = &t->rows[i].cells[at];
		enum group group;

		if (t->rows[i].count != t->columns)
			continue;
		group = group_of(cell->kind);
		if (group == NOTHING)
			continue;
		c->groups[group]++;
		c->filled++;
		c->long_texts += cell->kind == LK_CELL_TEXT && cell->len > 30;
		if (cell->len < c->shortest)
			c->shortest = cell->len;
		if (cell->len > c->longest)
			c->longest = cell->len;
	}
	for (enum group g = PLAIN; g <= OTHER; g++)
		if (c->filled && c->groups[g] * 5 >= c->filled * 4)
			c->main = g;
}

static bool equal(const struct cell *a, const struct cell *b)
{
	return a->len == b->len && a->len < CELL_BYTES && !strncasecmp(a->text, b->text, a->len);
}

/* Words that columns are called all over the world. */
static bool column_word(const struct cell *cell)
{
	static const char *const WORDS[] = {"id", "name", "code", "type", "date", "time", "status", "value", "number", "key",
		"title", "description", "address", "city", "state", "country", "email", "phone", "url", "label", "category",
		"year", "month", "day", "count", "total", "amount", "price", "quantity", "lat", "lon", "latitude", "longitude",
		"comment", "comments", "gender", "sex", "age", "language", "text", "user", "version", "zip", "score", "unit",
		"units", "result", "timestamp", "level", "class", "size", "region", "county", "source", "position", NULL};
	size_t start = 0;

	if (cell->len >= CELL_BYTES)
		return false;
	for (size_t i = 0; i <= cell->len; i++) {
		bool end = i == cell->len || !isalnum((unsigned char)cell->text[i]) ||
			   (i > start && isupper((unsigned char)cell->text[i]) && islower((unsigned char)cell->text[i - 1]));

		if (!end)
			continue;
		for (const char *const *w = WORDS; *w; w++)
			if (strlen(*w) == i - start && !strncasecmp(*w, cell->text + start, i - start))
				return true;
		start = i < cell->len && isalnum((unsigned char)cell->text[i]) ? i : i + 1;
	}
	return false;
}

static bool in_column(const struct table *t, size_t first, size_t at)
{
	const struct cell *cell = &t->rows[first].cells[at];

	for (size_t i = first + 1; i < t->count; i++)
		if (t->rows[i].count == t->columns && equal(cell, &t->rows[i].cells[at]))
			return true;
	return false;
}

/* How much cell `at` of a row speaks for that row being a header of what follows it; *contrast tells that it is text above
 * cells that are none. */
static double name_score(const struct table *t, size_t row, size_t at, bool *contrast)
{
	const struct cell *cell = &t->rows[row].cells[at];
	enum group group = group_of(cell->kind);
	struct column c;
	double score = 0;

	study(t, row + 1, at, &c);
	if (!cell->len)
		return c.filled ? -0.3 : 0;
	if (c.main > PLAIN) {
		*contrast = group == PLAIN;
		if (group == PLAIN)
			return 2;
		if (group == c.main)
			return cell->kind == LK_CELL_INTEGER && cell->len == 4 && strchr("12", *cell->text) ? -0.5 : -2;
		return group == NOTHING ? -0.5 : 0;
	}
	if (group > PLAIN)
		return cell->kind == LK_CELL_BOOLEAN ? 0 : -1.5;
	if (column_word(cell))
		score += 1;
	if (cell->len > 60)
		score -= 1;
	if (!c.filled)
		return score;
	if (in_column(t, row, at))
		score -= 0.7;
	if (c.filled >= 3 && c.shortest == c.longest)
		score += cell->len == c.longest ? -0.2 : 1;
	if (c.long_texts * 2 > c.filled && cell->len <= 30)
		score += 0.5;
	return score;
}

static size_t repeats(const struct row *row)
{
	size_t n = 0;

	for (size_t i = 0; i < row->count && i < COLUMNS && row->count <= 400; i++)
		for (size_t k = 0; k < i; k++)
			if (row->cells[i].len && equal(&row->cells[i], &row->cells[k])) {
				n++;
				break;
			}
	return n;
}

/* How much speaks for a row being the header of those below; *contrasts counts its cells that are text above other cells. */
static double header_score(const struct table *t, size_t row, size_t *contrasts)
{
	size_t width = t->rows[row].count < t->columns ? t->rows[row].count : t->columns;
	double score = -(double)repeats(&t->rows[row]);

	*contrasts = 0;
	for (size_t at = 0; at < width && at < COLUMNS; at++) {
		bool contrast = false;

		score += name_score(t, row, at, &contrast);
		*contrasts += contrast;
	}
	return score;
}

/* The row that is the header, from `first` on, or t->count. A later row than the first one must be plainly better, as where rows
 * of totals stand above it. */
static size_t find_header(const struct table *t, size_t first)
{
	size_t contrasts;
	double score = header_score(t, first, &contrasts);

	if (score > 0 || (score == 0 && (t->count == first + 1 || !in_column(t, first, 0))))
		return first;
	for (size_t i = first + 1; i < t->count && i <= first + SEARCH && i < LK_LAYOUT_SKIPPED; i++) {
		if (t->rows[i].count != t->columns || t->rows[i].filled * 4 < t->columns * 3)
			continue;
		if (header_score(t, i, &contrasts) > 0 && contrasts >= 2 && contrasts * 4 >= t->columns && t->count - i > 3)
			return i;
	}
	return t->count;
}

/* Whether a row below the header belongs to it: names again, or text in each column that has none below. */
static bool continues(const struct table *t, size_t header, size_t row)
{
	const struct row *r = &t->rows[row];
	size_t typed = 0, text = 0, same = 0;

	if (r->count != t->columns || repeats(r) * 2 > r->filled)
		return false;
	for (size_t at = 0; at < r->count && at < COLUMNS; at++) {
		struct column c;
		enum group group = group_of(r->cells[at].kind);

		same += t->rows[header].count > at && equal(&r->cells[at], &t->rows[header].cells[at]);
		study(t, row + 1, at, &c);
		if (group > PLAIN)
			return false;
		if (c.main <= PLAIN || c.filled < 2)
			continue;
		typed++;
		text += group == PLAIN;
	}
	return same == r->count || (typed >= 2 && text * 2 > typed);
}

static void lay_out(struct table *t, struct lk_layout *out)
{
	size_t first, header;

	t->columns = out->columns = usual_width(t, &out->usual);
	out->records = t->count;
	if (!t->count)
		return;
	first = preamble(t);
	header = find_header(t, first);
	if (header < t->count)
		first = header;
	for (size_t i = 0; i < first; i++)
		out->skipped[out->skipped_count++] = t->rows[i].number;
	if (header == t->count)
		return;
	if (t->rows[header].faulty && header + 1 < t->count) { /* nobody can read it */
		out->skipped[out->skipped_count++] = t->rows[header].number;
		return;
	}
	out->header[out->header_count++] = t->rows[header].number;
	for (size_t i = header + 1; i < t->count && out->header_count < LK_LAYOUT_HEADER && continues(t, header, i); i++)
		out->header[out->header_count++] = t->rows[i].number;
}

/* Reads and lays out; width: how many cells a record should have, 0: who knows. */
static enum lk_status read_as(struct table *t, const struct lk_dialect *dialect, const char *text, size_t len, bool whole,
	size_t width, struct lk_error *err)
{
	struct lk_split split = {0};
	struct lk_str room = LK_STR_INIT;
	enum lk_status status;

	lk_split_init(&split, dialect);
	split.width = width;
	status = lk_split_feed(&split, text, len, err);
	if (status == LK_OK)
		status = read_rows(t, &split, &room, whole, err);
	if (status == LK_OK)
		lay_out(t, t->layout);
	lk_split_release(&split);
	lk_str_release(&room);
	lk_arena_release(&t->arena);
	return status;
}

enum lk_status lk_layout_guess(const struct lk_dialect *dialect, const char *text, size_t len, bool whole,
	struct lk_layout *out, struct lk_error *err)
{
	struct table *t = calloc(1, sizeof(*t));
	struct lk_dialect mending = *dialect;
	size_t width;
	enum lk_status status;

	*out = (struct lk_layout){0};
	if (!t)
		return lk_error_nomem(err);
	t->layout = out;
	status = read_as(t, dialect, text, len, whole, 0, err);
	width = out->columns;
	if (status == LK_OK && out->flawed && width > 1) { /* once more, as a reader that mends quotes would */
		memset(t, 0, sizeof(*t));
		*out = (struct lk_layout){.flawed = true};
		t->layout = out;
		mending.mend = true;
		status = read_as(t, &mending, text, len, whole, width, err);
	}
	free(t);
	return status;
}
