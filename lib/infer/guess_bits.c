/* What a text costs under a supposed dialect. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "infer/guess_cell.h"
#include "infer/guess_form.h"

#define FLAW_BITS 8
#define MARK_BITS 20	 /* that comments begin with another mark than the usual one */
#define QUOTE_BITS 15	 /* that another quote than the usual one is used */
#define NO_QUOTE_BITS 15 /* that none is, though it begins a cell */

/* What is known of a column from the cells so far. */
struct column {
	unsigned kinds[LK_CELL_KINDS];
	unsigned cells, quoted;
};

struct tally {
	struct column *columns;
	size_t n_columns, cap_columns;
	unsigned *lengths; /* records so far of each number of cells */
	size_t cap_lengths;
	size_t records, same; /* records so far, and those as long as the one before */
	size_t length;	      /* of the record before */
	double bits;
};

static double bits_of(double p)
{
	return -log2(p);
}

/* How usual a delimiter is, in bits. */
struct usage {
	const char *delimiter;
	double once;	   /* that it is the delimiter of this text */
	double unexpected; /* each time, where it is not expected */
	double least;	   /* each time */
};

static const struct usage *usage_of(const char *delimiter)
{
	static const struct usage KNOWN[] = {{",", 0, 3, 0}, {";", 3, 4, 0}, {"\t", 3, 4, 0}, {"|", 5, 5, 0}, {"", 10, 0, 0},
		{":", 12, 7, 2}, {" ", 12, 3.2, 2.2}, {"#", 12, 8, 1}, {"~", 8, 7, 0}, {"^", 8, 7, 0}, {"$", 8, 8, 0},
		{"\x01", 8, 7, 0}, {"||", 25, 8, 0}, {"::", 12, 8, 0}, {"\xc2\xa6", 8, 8, 0}, {"\xc2\xa7", 8, 8, 0}};
	static const struct usage OTHER = {NULL, 12, 9, 3};

	for (size_t i = 0; i < sizeof(KNOWN) / sizeof(*KNOWN); i++)
		if (!strcmp(KNOWN[i].delimiter, delimiter))
			return &KNOWN[i];
	return &OTHER;
}

static enum lk_status add_cell(struct tally *t, size_t at, const struct lk_form_cell *cell, struct lk_error *err)
{
	struct lk_cell_look look = lk_cell_look(cell->text, cell->len);
	struct column *c;

	if (at >= t->n_columns) {
		if (!lk_grow((void **)&t->columns, &t->cap_columns, at + 1, sizeof(*t->columns)))
			return lk_error_nomem(err);
		memset(t->columns + t->n_columns, 0, (at + 1 - t->n_columns) * sizeof(*t->columns));
		t->n_columns = at + 1;
	}
	c = &t->columns[at];
	t->bits += look.bits + bits_of((c->kinds[look.kind] + 0.3) / (c->cells + 0.3 * LK_CELL_KINDS));
	t->bits += bits_of(((cell->quoted ? c->quoted : c->cells - c->quoted) + 0.5) / (c->cells + 1.0));
	if (cell->flawed)
		t->bits += FLAW_BITS;
	if (cell->blanks)
		t->bits += 0.5 * (double)cell->blanks;
	c->kinds[look.kind]++;
	c->cells++;
	c->quoted += cell->quoted;
	return LK_OK;
}

static enum lk_status add_length(
	struct tally *t, size_t length, const struct usage *usage, struct lk_error *err)
{
	size_t old = t->cap_lengths;
	double p_same = ((double)t->same + 0.5) / ((double)t->records + 1), p, expected;

	if (!lk_grow((void **)&t->lengths, &t->cap_lengths, length + 1, sizeof(*t->lengths)))
		return lk_error_nomem(err);
	memset(t->lengths + old, 0, (t->cap_lengths - old) * sizeof(*t->lengths));
	p = (1 - p_same) * (t->lengths[length] + 0.3) / ((double)t->records + 2);
	expected = t->records ? t->lengths[length] / ((double)t->records + 1) : 0;
	if (t->records && length == t->length) {
		p += p_same;
		expected = expected > p_same ? expected : p_same;
	}
	t->bits += bits_of(p) + (double)(length - 1) * (usage->least + (usage->unexpected - usage->least) * (1 - expected));
	t->lengths[length]++;
	t->same += t->records && length == t->length;
	t->records++;
	t->length = length;
	return LK_OK;
}

/* What it costs that a line is a comment: in prose of one column nothing but the mark speaks for that. */
static double comment_bits(const struct lk_form *form)
{
	return !form->delimiter_len ? 10 : *form->comment == '#' ? 2 : 6;
}

static enum lk_status bits_impl(struct tally *t, const struct lk_form *form, const char *text, size_t len, double limit,
	struct lk_error *err)
{
	struct lk_form_reader r;
	struct lk_form_cell cell;
	const struct usage *usage = usage_of(form->delimiter);

	t->bits = usage->once;
	if (form->comment && *form->comment != '#')
		t->bits += MARK_BITS;
	if (form->quote != '"')
		t->bits += form->quote ? QUOTE_BITS : NO_QUOTE_BITS;
	lk_form_start(&r, form, text, len);
	while (t->bits <= limit) {
		const char *line;
		size_t length = 0;

		while (lk_form_comment(&r, &line, &length))
			t->bits += lk_text_bits(line, length) + comment_bits(form);
		length = 0;
		if (r.pos >= r.end)
			return LK_OK;
		do {
			if (!lk_form_cell(&r, &cell))
				return LK_OK;
			LK_TRY(add_cell(t, length++, &cell, err));
		} while (!cell.last);
		LK_TRY(add_length(t, length, usage, err));
	}
	return LK_OK;
}

enum lk_status lk_form_bits(
	const struct lk_form *form, const char *text, size_t len, double limit, double *bits, struct lk_error *err)
{
	struct tally t = {0};
	enum lk_status status = bits_impl(&t, form, text, len, limit, err);

	*bits = t.bits;
	free(t.columns);
	free(t.lengths);
	return status;
}
