#include "stream/format.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "stream/cell.h"
#include "stream/grid.h"

#define FLUSH_AT 65536

static const struct {
	const char *word;
	enum lk_format format;
} words[] = {
	{"table", LK_FORMAT_TABLE},
	{"csv", LK_FORMAT_CSV},
	{"tsv", LK_FORMAT_TSV},
	{"json", LK_FORMAT_JSON},
	{"markdown", LK_FORMAT_MARKDOWN},
	{"arrow", LK_FORMAT_ARROW},
	{"parquet", LK_FORMAT_PARQUET},
};

static const struct {
	const char *suffix;
	enum lk_format format;
} suffixes[] = {
	{".csv", LK_FORMAT_CSV},
	{".tsv", LK_FORMAT_TSV},
	{".json", LK_FORMAT_JSON},
	{".jsonl", LK_FORMAT_JSON},
	{".ndjson", LK_FORMAT_JSON},
	{".md", LK_FORMAT_MARKDOWN},
	{".arrow", LK_FORMAT_ARROW},
	{".arrows", LK_FORMAT_ARROW},
	{".parquet", LK_FORMAT_PARQUET},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

bool lk_format_parse(const char *word, enum lk_format *out)
{
	for (size_t i = 0; i < COUNT(words); i++)
		if (!strcmp(words[i].word, word)) {
			*out = words[i].format;
			return true;
		}
	return false;
}

bool lk_format_of_path(const char *path, enum lk_format *out)
{
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < COUNT(suffixes); i++)
		if (!strcasecmp(suffixes[i].suffix, dot)) {
			*out = suffixes[i].format;
			return true;
		}
	return false;
}

bool lk_format_choose(const char *word, bool json, FILE *out, enum lk_format *format)
{
	*format = json ? LK_FORMAT_JSON : isatty(fileno(out)) ? LK_FORMAT_TABLE : LK_FORMAT_CSV;
	if (!word)
		return true;
	return lk_format_parse(word, format) && *format != LK_FORMAT_ARROW && *format != LK_FORMAT_PARQUET &&
	       (!json || *format == LK_FORMAT_JSON);
}

struct lk_formatter {
	enum lk_format format;
	FILE *out;
	int columns;
	struct ArrowSchema schema; /* a copy */
	struct lk_cell *cells;	   /* one a column, over schema */
	struct lk_str text;	   /* lines to be written */
	struct lk_str cell;	   /* the one at hand */
	struct lk_grid grid;	   /* of table and markdown */
};

static enum lk_status write_failed(const struct lk_formatter *f, struct lk_error *err)
{
	return lk_error_sys(err, LK_IO, "cannot write %s", f->out == stdout ? "standard output" : "the rows");
}

static enum lk_status write_out(struct lk_formatter *f, struct lk_error *err)
{
	LK_TRY(lk_str_check(&f->text, err));
	if (f->text.len && fwrite(f->text.data, 1, f->text.len, f->out) != f->text.len)
		return write_failed(f, err);
	lk_str_clear(&f->text);
	return LK_OK;
}

static bool is_grid(const struct lk_formatter *f)
{
	return f->format == LK_FORMAT_TABLE || f->format == LK_FORMAT_MARKDOWN;
}

/* ---- delimited text ---- */

static void add_csv(struct lk_str *out, const char *text, size_t len)
{
	bool quote = len == 0;

	for (size_t i = 0; i < len && !quote; i++)
		quote = text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
	if (!quote) {
		lk_str_add(out, text, len);
		return;
	}
	lk_str_addc(out, '"');
	while (len) {
		const char *mark = memchr(text, '"', len);
		size_t run = mark ? (size_t)(mark - text) + 1 : len;

		lk_str_add(out, text, run);
		if (mark)
			lk_str_addc(out, '"');
		text += run;
		len -= run;
	}
	lk_str_addc(out, '"');
}

static void add_tsv(struct lk_str *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char *escape = text[i] == '\t' ? "\\t" :
				     text[i] == '\n' ? "\\n" :
				     text[i] == '\r' ? "\\r" :
				     text[i] == '\\' ? "\\\\" :
						       NULL;

		if (escape)
			lk_str_adds(out, escape);
		else
			lk_str_addc(out, text[i]);
	}
}

static void add_delimited(struct lk_formatter *f, const char *text, size_t len)
{
	if (f->format == LK_FORMAT_CSV)
		add_csv(&f->text, text, len);
	else
		add_tsv(&f->text, text, len);
}

static void delimited_row(struct lk_formatter *f, const struct ArrowArrayView *view, int64_t row)
{
	for (int i = 0; i < f->columns; i++) {
		const struct ArrowArrayView *column = view->children[i];

		if (i)
			lk_str_addc(&f->text, f->format == LK_FORMAT_CSV ? ',' : '\t');
		if (ArrowArrayViewIsNull(column, row))
			continue;
		if (!lk_cell_is_free_text(&f->cells[i]) && f->format == LK_FORMAT_CSV) {
			lk_cell_add(&f->cells[i], column, row, false, &f->text);
			continue;
		}
		lk_str_clear(&f->cell);
		lk_cell_add(&f->cells[i], column, row, false, &f->cell);
		add_delimited(f, lk_str_text(&f->cell), f->cell.len);
	}
	lk_str_addc(&f->text, '\n');
}

/* ---- json ---- */

static void json_row(struct lk_formatter *f, const struct ArrowArrayView *view, int64_t row)
{
	lk_str_addc(&f->text, '{');
	for (int i = 0; i < f->columns; i++) {
		const char *name = f->schema.children[i]->name;

		if (i)
			lk_str_addc(&f->text, ',');
		lk_str_add_json(&f->text, name ? name : "", name ? strlen(name) : 0);
		lk_str_addc(&f->text, ':');
		lk_cell_add(&f->cells[i], view->children[i], row, true, &f->text);
	}
	lk_str_adds(&f->text, "}\n");
}

/* ---- tables ---- */

static enum lk_status grid_row(struct lk_formatter *f, const struct ArrowArrayView *view, int64_t row,
	struct lk_error *err)
{
	for (int i = 0; i < f->columns; i++) {
		lk_str_clear(&f->cell);
		lk_cell_add(&f->cells[i], view->children[i], row, false, &f->cell);
		LK_TRY(lk_str_check(&f->cell, err));
		LK_TRY(lk_grid_cell(&f->grid, lk_str_text(&f->cell), f->cell.len, err));
	}
	return LK_OK;
}

/* ---- opening and closing ---- */

static enum lk_status heading(struct lk_formatter *f, const char *title, struct lk_error *err)
{
	if (title && f->format == LK_FORMAT_TABLE && fprintf(f->out, "%s\n", title) < 0)
		return write_failed(f, err);
	if (f->format == LK_FORMAT_JSON)
		return LK_OK;
	for (int i = 0; i < f->columns; i++) {
		const char *name = f->schema.children[i]->name ? f->schema.children[i]->name : "";

		if (is_grid(f)) {
			f->grid.column[i].right = lk_cell_is_number(&f->cells[i]);
			LK_TRY(lk_grid_cell(&f->grid, name, strlen(name), err));
			continue;
		}
		if (i)
			lk_str_addc(&f->text, f->format == LK_FORMAT_CSV ? ',' : '\t');
		add_delimited(f, name, strlen(name));
	}
	if (!is_grid(f))
		lk_str_addc(&f->text, '\n');
	return LK_OK;
}

static void drop_schema(struct lk_formatter *f)
{
	if (f->schema.release)
		ArrowSchemaRelease(&f->schema);
	free(f->cells);
	f->cells = NULL;
}

static enum lk_status take_schema(struct lk_formatter *f, const struct ArrowSchema *schema, struct lk_error *err)
{
	drop_schema(f);
	LK_TRY(lk_arrow_status(ArrowSchemaDeepCopy(schema, &f->schema), NULL, LK_BUG, "cannot copy a schema", err));
	f->columns = (int)schema->n_children;
	f->cells = calloc((size_t)f->columns + 1, sizeof(*f->cells));
	if (!f->cells)
		return lk_error_nomem(err);
	for (int i = 0; i < f->columns; i++)
		lk_cell_init(&f->cells[i], f->schema.children[i]);
	return LK_OK;
}

static bool same_names(const struct ArrowSchema *a, const struct ArrowSchema *b)
{
	bool same = a->n_children == b->n_children;

	for (int64_t i = 0; same && i < a->n_children; i++) {
		const char *one = a->children[i]->name, *other = b->children[i]->name;

		same = !strcmp(one ? one : "", other ? other : "");
	}
	return same;
}

enum lk_status lk_formatter_schema(struct lk_formatter *f, const struct ArrowSchema *schema, struct lk_error *err)
{
	if (f->format != LK_FORMAT_JSON && !same_names(&f->schema, schema))
		return lk_error_set(err, LK_DATA, "its columns change on the way, and only json can show that");
	return take_schema(f, schema, err);
}

static enum lk_status open_impl(struct lk_formatter *f, const char *title, const struct ArrowSchema *schema,
	struct lk_error *err)
{
	LK_TRY(take_schema(f, schema, err));
	if (is_grid(f))
		LK_TRY(lk_grid_open(&f->grid, f->out, f->columns, f->format == LK_FORMAT_MARKDOWN, err));
	return heading(f, title, err);
}

enum lk_status lk_formatter_open(struct lk_formatter **out, enum lk_format format, FILE *file, const char *title,
	const struct ArrowSchema *schema, struct lk_error *err)
{
	struct lk_formatter *f = calloc(1, sizeof(*f));
	enum lk_status status;

	*out = NULL;
	if (!f)
		return lk_error_nomem(err);
	f->format = format;
	f->out = file;
	status = open_impl(f, title, schema, err);
	if (status)
		lk_formatter_abort(f);
	else
		*out = f;
	return status;
}

enum lk_status lk_formatter_batch(struct lk_formatter *f, const struct ArrowArrayView *view, struct lk_error *err)
{
	for (int64_t i = 0; i < view->length; i++) {
		int64_t row = view->offset + i;

		if (is_grid(f))
			LK_TRY(grid_row(f, view, row, err));
		else if (f->format == LK_FORMAT_JSON)
			json_row(f, view, row);
		else
			delimited_row(f, view, row);
		if (f->text.len >= FLUSH_AT)
			LK_TRY(write_out(f, err));
	}
	return LK_OK;
}

enum lk_status lk_formatter_close(struct lk_formatter *f, struct lk_error *err)
{
	enum lk_status status = is_grid(f) ? lk_grid_finish(&f->grid, err) : write_out(f, err);

	lk_formatter_abort(f);
	return status;
}

void lk_formatter_abort(struct lk_formatter *f)
{
	if (!f)
		return;
	drop_schema(f);
	lk_str_release(&f->text);
	lk_str_release(&f->cell);
	lk_grid_release(&f->grid);
	free(f);
}

enum lk_status lk_format_all(enum lk_format format, FILE *out, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	struct lk_error *err)
{
	struct lk_formatter *f;
	enum lk_status status;

	LK_TRY(lk_formatter_open(&f, format, out, NULL, schema, err));
	status = lk_formatter_batch(f, view, err);
	if (!status)
		return lk_formatter_close(f, err);
	lk_formatter_abort(f);
	return status;
}
