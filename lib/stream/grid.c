#include "stream/grid.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/mem.h"

#define CELL_ON_TERMINAL 60
#define WIDEST 200		/* what columns are padded to; a wider cell pushes the rest of its row */
#define HELD_BYTES (1 << 20)	/* rows with large cells are held back only so far */

enum lk_status lk_grid_open(struct lk_grid *g, FILE *out, int columns, bool markdown, struct lk_error *err)
{
	*g = (struct lk_grid){.out = out, .columns = columns, .markdown = markdown};
	g->cut = !markdown && isatty(fileno(out)) ? CELL_ON_TERMINAL : 0;
	g->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	g->column = calloc((size_t)columns + 1, sizeof(*g->column));
	return g->column ? LK_OK : lk_error_nomem(err);
}

void lk_grid_release(struct lk_grid *g)
{
	if (g->utf8)
		freelocale(g->utf8);
	free(g->column);
	free(g->cells);
	lk_str_release(&g->text);
	lk_str_release(&g->line);
	*g = (struct lk_grid){0};
}

/* ---- characters ---- */

/* Columns of the terminal that a character takes; -1 when it should not go to one. */
static int char_width(uint32_t c)
{
	if (lk_is_control(c))
		return -1;
	return c < 0x7f ? 1 : wcwidth((wchar_t)c);
}

static int add_escape(struct lk_str *out, uint32_t c)
{
	size_t start = out->len;

	lk_str_add_escape(out, c);
	return (int)(out->len - start);
}

/* One character as it may be shown; the columns it takes. */
static int add_char(const struct lk_grid *g, const unsigned char *p, size_t n, struct lk_str *out)
{
	uint32_t c = lk_utf8_point(p, n);
	int width = char_width(c);

	if (width < 0)
		return add_escape(out, c);
	if (g->markdown && c == '|')
		lk_str_addc(out, '\\');
	lk_str_add(out, p, n);
	return width + (g->markdown && c == '|');
}

/* Appends the text, cut where it would be too wide for a terminal; its width. Text is valid UTF-8. */
static int add_shown(const struct lk_grid *g, const char *text, size_t len, struct lk_str *out)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	size_t fits = out->len; /* what fits with the mark of a cut behind it */
	int width = 0, fits_width = 0;

	while (p < end) {
		size_t n = lk_utf8_len(p, end);

		if (!n)
			break;
		width += add_char(g, p, n, out);
		p += n;
		if (!g->cut || width < g->cut) {
			fits = out->len;
			fits_width = width;
		} else if (width > g->cut && !out->failed) {
			out->len = fits;
			lk_str_adds(out, "\xe2\x80\xa6");
			return fits_width + 1;
		}
	}
	return width;
}

/* ---- lines ---- */

static void add_padding(struct lk_str *line, int width)
{
	while (width-- > 0)
		lk_str_addc(line, ' ');
}

static void add_aligned(struct lk_grid *g, int column, const char *text, size_t len, int width)
{
	int padding = g->column[column].width - width;
	bool last = column == g->columns - 1 && !g->markdown;

	if (column)
		lk_str_adds(&g->line, g->markdown ? " | " : "  ");
	else if (g->markdown)
		lk_str_adds(&g->line, "| ");
	if (g->column[column].right)
		add_padding(&g->line, padding);
	lk_str_add(&g->line, text, len);
	if (!g->column[column].right && !last)
		add_padding(&g->line, padding);
	if (column == g->columns - 1)
		lk_str_adds(&g->line, g->markdown ? " |\n" : "\n");
}

/* Between the heading and the rows. */
static void add_rule(struct lk_grid *g)
{
	for (int i = 0; i < g->columns; i++) {
		bool right = g->column[i].right;

		lk_str_adds(&g->line, g->markdown ? i ? " | " : "| " : i ? "  " : "");
		for (int n = 0; n < g->column[i].width - (g->markdown && right); n++)
			lk_str_addc(&g->line, '-');
		if (g->markdown && right)
			lk_str_addc(&g->line, ':');
	}
	lk_str_adds(&g->line, g->markdown ? " |\n" : "\n");
}

/* An empty cell at the end would leave blanks behind. */
static void trim(struct lk_str *line)
{
	size_t len = line->len ? line->len - 1 : 0;

	while (len && line->data[len - 1] == ' ')
		len--;
	if (len + 1 < line->len) {
		line->data[len++] = '\n';
		line->len = len;
	}
}

static enum lk_status write_line(struct lk_grid *g, struct lk_error *err)
{
	LK_TRY(lk_str_check(&g->line, err));
	if (!g->markdown)
		trim(&g->line);
	if (g->line.len && fwrite(g->line.data, 1, g->line.len, g->out) != g->line.len)
		return lk_error_sys(err, LK_IO, "cannot write %s", g->out == stdout ? "standard output" : "the table");
	lk_str_clear(&g->line);
	return LK_OK;
}

/* Writes the rows that are held back, with the heading, and holds back none from now on. */
static enum lk_status flow(struct lk_grid *g, struct lk_error *err)
{
	g->flowing = true;
	LK_TRY(lk_str_check(&g->text, err));
	for (int i = 0; i < g->columns; i++)
		if (g->column[i].width < 3 && g->markdown)
			g->column[i].width = 3;
	for (size_t i = 0; i < g->cell_count; i++) {
		const struct lk_grid_cell *cell = &g->cells[i];
		int column = (int)(i % (size_t)g->columns);

		add_aligned(g, column, lk_str_text(&g->text) + cell->start, cell->len, cell->width);
		if (column == g->columns - 1)
			LK_TRY(write_line(g, err));
		if (i == (size_t)g->columns - 1) {
			add_rule(g);
			LK_TRY(write_line(g, err));
		}
	}
	lk_str_release(&g->text);
	return LK_OK;
}

static enum lk_status hold(struct lk_grid *g, const char *text, size_t len, struct lk_error *err)
{
	struct lk_grid_cell *cell;
	int column = (int)(g->cell_count % (size_t)g->columns);

	if (!lk_grow((void **)&g->cells, &g->cell_cap, g->cell_count + 1, sizeof(*g->cells)))
		return lk_error_nomem(err);
	cell = &g->cells[g->cell_count++];
	cell->start = g->text.len;
	cell->width = add_shown(g, text, len, &g->text);
	cell->len = g->text.len - cell->start;
	if (cell->width > g->column[column].width)
		g->column[column].width = cell->width < WIDEST ? cell->width : WIDEST;
	if (column < g->columns - 1)
		return LK_OK;
	if (g->cell_count >= (LK_GRID_HELD + 1) * (size_t)g->columns || g->text.len > HELD_BYTES)
		return flow(g, err);
	return LK_OK;
}

static enum lk_status pour(struct lk_grid *g, const char *text, size_t len, struct lk_error *err)
{
	int column = (int)(g->cell_count++ % (size_t)g->columns), width;

	lk_str_clear(&g->text);
	width = add_shown(g, text, len, &g->text);
	add_aligned(g, column, lk_str_text(&g->text), g->text.len, width);
	return column == g->columns - 1 ? write_line(g, err) : LK_OK;
}

enum lk_status lk_grid_cell(struct lk_grid *g, const char *text, size_t len, struct lk_error *err)
{
	locale_t before = g->utf8 ? uselocale(g->utf8) : (locale_t)0;
	enum lk_status status = g->flowing ? pour(g, text, len, err) : hold(g, text, len, err);

	if (g->utf8)
		uselocale(before);
	return status;
}

enum lk_status lk_grid_finish(struct lk_grid *g, struct lk_error *err)
{
	return g->flowing ? LK_OK : flow(g, err);
}
