/* The life of a row as lines: what changed, from what to what. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "sql/diff_inside.h"
#include "sql/life_inside.h"
#include "stream/build.h"
#include "stream/cell.h"
#include "stream/side.h"

#define OWN_COLUMNS 3 /* lk_op, lk_snapshot, lk_committed */

enum { TIME, SNAPSHOT, OPERATION, CHANGES, FILE_COLUMN, ROW };

static const struct lk_field fields[] = {
	{.name = "time", .type = LK_TIMESTAMPTZ, .required = true},
	{.name = "snapshot", .type = LK_INT64, .required = true},
	{.name = "operation", .type = LK_UTF8, .required = true},
	{.name = "changes", .type = LK_UTF8},
	{.name = "lk_file", .type = LK_UTF8},
	{.name = "lk_row", .type = LK_INT64},
};

/* A column of the table: its value in the row at hand, and what it was before, as JSON. */
struct cell {
	const char *name;
	bool trace, hidden;
	struct lk_str now, before;
};

struct lk_life_writer {
	const struct lk_life_options *options;
	struct cell *cells;
	int count;
	int file, row; /* columns of where a row came from; -1: the table has none */
	struct lk_builder builder;
	struct lk_str text;
	int64_t lines;
};

static bool is_private(const struct lk_lake_table *t, const char *name)
{
	struct lk_str property = LK_STR_INIT;
	bool found;

	lk_str_addf(&property, LK_META_PHI ".%s", name);
	found = property.failed || lk_metadata_property(t->metadata, lk_str_text(&property));
	lk_str_release(&property);
	return found;
}

enum lk_status lk_life_writer_open(struct lk_life_writer **out, const struct lk_lake_table *t, const struct lk_life_options *o,
	struct lk_error *err)
{
	struct lk_life_writer *w = *out = calloc(1, sizeof(*w));

	if (!w)
		return lk_error_nomem(err);
	*w = (struct lk_life_writer){.options = o, .cells = calloc((size_t)t->column_count + 1, sizeof(*w->cells)), .file = -1, .row = -1};
	if (!w->cells)
		return lk_error_nomem(err);
	for (int i = 0; i < t->column_count; i++) {
		struct cell *c = &w->cells[w->count++];

		*c = (struct cell){.name = t->columns[i].name, .now = LK_STR_INIT, .before = LK_STR_INIT};
		c->trace = lk_column_is_trace(c->name);
		c->hidden = !o->show_private && is_private(t, c->name);
		if (!strcmp(c->name, "lk_file"))
			w->file = i;
		if (!strcmp(c->name, "lk_row"))
			w->row = i;
	}
	return lk_builder_init(&w->builder, fields, sizeof(fields) / sizeof(*fields), NULL, err);
}

int64_t lk_life_writer_lines(const struct lk_life_writer *w)
{
	return w->lines;
}

void lk_life_writer_close(struct lk_life_writer *w)
{
	if (!w)
		return;
	for (int i = 0; i < w->count; i++) {
		lk_str_release(&w->cells[i].now);
		lk_str_release(&w->cells[i].before);
	}
	lk_builder_release(&w->builder);
	lk_str_release(&w->text);
	free(w->cells);
	free(w);
}

/* ---- what changed ---- */

static void read_row(struct lk_life_writer *w, const struct ArrowSchema *schema, const struct ArrowArrayView *view, int64_t row)
{
	for (int i = 0; i < w->count; i++) {
		struct lk_cell cell;

		lk_cell_init(&cell, schema->children[OWN_COLUMNS + i]);
		lk_str_clear(&w->cells[i].now);
		lk_cell_add(&cell, view->children[OWN_COLUMNS + i], row, true, &w->cells[i].now);
	}
}

/* The row is what another one was before, or there was none: null. */
static void keep_before(struct lk_life_writer *w, bool row)
{
	for (int i = 0; i < w->count; i++) {
		lk_str_clear(&w->cells[i].before);
		lk_str_adds(&w->cells[i].before, row ? lk_str_text(&w->cells[i].now) : "null");
	}
}

static bool has_changed(const struct cell *c)
{
	return !c->trace && strcmp(lk_str_text(&c->before), lk_str_text(&c->now)) != 0;
}

/* name: "b" -> "bb"; of a row that came or went the value alone. */
static void add_text(struct lk_str *s, const struct cell *c, char op)
{
	lk_str_addf(s, "%s%s: ", s->len ? ", " : "", c->name);
	if (c->hidden)
		lk_str_adds(s, "(private)");
	else if (op == 'U')
		lk_str_addf(s, "%s -> %s", lk_str_text(&c->before), lk_str_text(&c->now));
	else
		lk_str_adds(s, lk_str_text(op == 'D' ? &c->before : &c->now));
}

/* "name":{"old":"b","new":"bb"} */
static void add_json(struct lk_str *s, const struct cell *c, bool first)
{
	if (!first)
		lk_str_addc(s, ',');
	lk_str_add_json(s, c->name, strlen(c->name));
	if (c->hidden)
		lk_str_adds(s, ":{\"private\":true}");
	else
		lk_str_addf(s, ":{\"old\":%s,\"new\":%s}", lk_str_text(&c->before), lk_str_text(&c->now));
}

static enum lk_status add_changes(struct lk_life_writer *w, char op, bool json, struct lk_error *err)
{
	bool first = true;

	lk_str_clear(&w->text);
	for (int i = 0; i < w->count; i++) {
		const struct cell *c = &w->cells[i];

		if (!has_changed(c))
			continue;
		if (json)
			add_json(&w->text, c, first);
		else
			add_text(&w->text, c, op);
		first = false;
		LK_TRY(lk_str_check(&c->before, err));
		LK_TRY(lk_str_check(&c->now, err));
	}
	return lk_str_check(&w->text, err);
}

/* ---- lines ---- */

static const char *word_of(char op)
{
	return op == 'I' ? "insert" : op == 'D' ? "delete" : "update";
}

static void add_json_cell(struct lk_str *s, const char *name, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	int64_t column, int64_t row)
{
	lk_str_addf(s, ",\"%s\":", name);
	if (column >= 0)
		lk_cell_json(schema->children[column], view->children[column], row, s);
	else
		lk_str_adds(s, "null");
}

static enum lk_status write_json(struct lk_life_writer *w, char op, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	int64_t row, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(add_changes(w, op, true, err));
	lk_str_adds(&s, "{\"time\":");
	lk_cell_json(schema->children[2], view->children[2], row, &s);
	add_json_cell(&s, "snapshot", schema, view, 1, row);
	lk_str_addf(&s, ",\"operation\":\"%s\",\"changes\":{%s}", word_of(op), lk_str_text(&w->text));
	add_json_cell(&s, "lk_file", schema, view, w->file < 0 ? -1 : OWN_COLUMNS + w->file, row);
	add_json_cell(&s, "lk_row", schema, view, w->row < 0 ? -1 : OWN_COLUMNS + w->row, row);
	lk_str_adds(&s, "}\n");
	status = lk_str_check(&s, err);
	if (!status)
		fputs(s.data, w->options->out);
	lk_str_release(&s);
	return status;
}

static void add_source(struct lk_life_writer *w, const struct ArrowSchema *schema, const struct ArrowArrayView *view, int64_t row)
{
	struct lk_column *file = &w->builder.columns[FILE_COLUMN], *number = &w->builder.columns[ROW];
	struct lk_cell cell;

	if (w->file < 0 || ArrowArrayViewIsNull(view->children[OWN_COLUMNS + w->file], row)) {
		lk_column_null(file);
	} else {
		lk_str_clear(&w->text);
		lk_cell_init(&cell, schema->children[OWN_COLUMNS + w->file]);
		lk_cell_add(&cell, view->children[OWN_COLUMNS + w->file], row, false, &w->text);
		lk_column_text(file, lk_str_text(&w->text));
	}
	if (w->row < 0 || ArrowArrayViewIsNull(view->children[OWN_COLUMNS + w->row], row))
		lk_column_null(number);
	else
		lk_column_int64(number, ArrowArrayViewGetIntUnsafe(view->children[OWN_COLUMNS + w->row], row));
}

static enum lk_status write_columns(struct lk_life_writer *w, char op, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	int64_t row, struct lk_error *err)
{
	struct lk_column *columns = w->builder.columns;

	LK_TRY(add_changes(w, op, false, err));
	lk_column_int64(&columns[TIME], ArrowArrayViewGetIntUnsafe(view->children[2], row));
	lk_column_int64(&columns[SNAPSHOT], ArrowArrayViewGetIntUnsafe(view->children[1], row));
	lk_column_text(&columns[OPERATION], word_of(op));
	lk_column_text(&columns[CHANGES], lk_str_text(&w->text));
	add_source(w, schema, view, row);
	return lk_builder_end_row(&w->builder, err);
}

static enum lk_status add_line(struct lk_life_writer *w, char op, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	int64_t row, struct lk_error *err)
{
	read_row(w, schema, view, row);
	if (op == 'B') {
		keep_before(w, true);
		return LK_OK;
	}
	if (op != 'U')
		keep_before(w, op == 'D');
	for (int i = 0; op == 'D' && i < w->count; i++) {
		lk_str_clear(&w->cells[i].now);
		lk_str_adds(&w->cells[i].now, "null");
	}
	if (w->options->max_count >= 0 && w->lines >= w->options->max_count)
		return LK_OK;
	w->lines++;
	return w->options->format == LK_FORMAT_JSON ? write_json(w, op, schema, view, row, err)
						    : write_columns(w, op, schema, view, row, err);
}

enum lk_status lk_life_writer_add(struct lk_life_writer *w, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	struct lk_error *err)
{
	for (int64_t row = 0; row < view->length; row++) {
		struct ArrowStringView op = ArrowArrayViewGetStringUnsafe(view->children[0], row);

		LK_TRY(add_line(w, op.size_bytes ? *op.data : '\0', schema, view, row, err));
	}
	return LK_OK;
}

enum lk_status lk_life_writer_finish(struct lk_life_writer *w, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	if (w->options->format == LK_FORMAT_JSON)
		return LK_OK;
	LK_TRY(lk_builder_check(&w->builder, err));
	LK_TRY(lk_builder_view(&w->builder, &view, err));
	return lk_format_all(w->options->format, w->options->out, &w->builder.schema, view, err);
}
