/*
 * Delimited text: CSV and its relatives. split.h makes rows of it, heading.h reads the header and tells which of them are
 * records; here these become rows of a table and rejects.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/control.h"
#include "source/format.h"
#include "source/heading.h"

#define CHUNK_BYTES (256 * 1024)

struct delimited {
	struct lk_sink *sink;
	const struct lk_resource *resource;
	struct lk_split split;
	struct lk_heading heading;
	struct lk_control *control; /* NULL: none */

	struct lk_str context; /* the text of all rows before the first record, with blank ones for comments that may follow, and
				* of the header before the record */
	size_t context_rows;   /* bytes of the former */
	struct lk_value *values; /* by field */
	struct lk_str *texts;	 /* by field: values with their doubled quotes taken out */
	struct lk_str rest, rest_text;
	bool nomem;
};

/* ---- cells as values ---- */

static inline void cell_value(
	struct delimited *d, const struct lk_split_cell *cell, struct lk_str *room, struct lk_value *v)
{
	v->data = lk_split_text(&d->split, cell, room, &v->len);
	v->quoted = cell->quoted;
	v->unchecked = d->split.unchecked;
	d->nomem |= !v->data;
}

/* A record that is filled up lacks the last ones. */
static inline void field_value(struct delimited *d, size_t i, struct lk_str *room, struct lk_value *v)
{
	if (i < d->split.cell_count)
		cell_value(d, &d->split.cells[i], room, v);
	else
		*v = (struct lk_value){NULL};
}

static struct lk_place place_of(const struct delimited *d)
{
	const struct lk_split *s = &d->split;

	return (struct lk_place){.line = s->line, .raw = s->buf + s->start, .raw_len = s->end - s->start,
		.context = d->context.len ? d->context.data : NULL, .context_len = d->context.len};
}

/* ---- what makes records what they are ---- */

static void end_row(struct delimited *d)
{
	lk_str_adds(&d->context, d->resource->dialect.terminator ? d->resource->dialect.terminator : "\n");
}

/* A row that is no record, but makes the ones behind it what they are. */
static void add_context(struct delimited *d)
{
	const struct lk_split *s = &d->split;

	lk_str_add(&d->context, s->buf + s->start, s->end - s->start);
	end_row(d);
}

/* Rows are counted, and those of comments go by their number: a record behind the header alone must not become one. */
static void pad_context(struct delimited *d)
{
	const struct lk_dialect *dialect = &d->resource->dialect;
	int last = dialect->comment_row_count ? dialect->comment_rows[dialect->comment_row_count - 1] : 0;

	for (int64_t row = d->split.row; row < last && d->context.len < LK_RAW_BYTES; row++)
		end_row(d);
	d->context_rows = d->context.len;
}

/* ---- records ---- */

static bool has_text(const struct lk_split_cell *cell)
{
	return cell->quoted || cell->start < cell->end;
}

/* One cell more for lk_rest. False: its text cannot be kept. */
static bool add_rest(struct delimited *d, size_t i)
{
	const struct lk_split_cell *cell = &d->split.cells[i];
	const struct lk_columns *c = &d->heading.columns;
	struct lk_value v = {NULL};
	const char *why;

	cell_value(d, cell, &d->rest_text, &v);
	if (!v.data)
		return true;
	if (v.unchecked && !lk_sink_utf8(d->sink, &v, &why))
		return false;
	lk_str_addc(&d->rest, d->rest.len ? ',' : '{');
	if (i < c->width)
		lk_str_add_json(&d->rest, lk_str_text(&c->names[i]), c->names[i].len);
	else
		lk_str_addf(&d->rest, "\"column_%zu\"", i + 1);
	lk_str_addc(&d->rest, ':');
	lk_str_add_json(&d->rest, v.data, v.len);
	return true;
}

/* Columns that no field takes, and cells that no column has, as a JSON object; those without a text are left out. */
static bool make_rest(struct delimited *d)
{
	const struct lk_columns *c = &d->heading.columns;

	lk_str_clear(&d->rest);
	for (size_t i = 0; i < d->split.cell_count; i++)
		if ((i >= c->width || c->field_of[i] == LK_NOT_TAKEN) &&
			d->split.cells[i].start < d->split.cells[i].end && !add_rest(d, i))
			return false;
	if (d->rest.len)
		lk_str_addc(&d->rest, '}');
	return true;
}

/* Whether there are other cells than empty ones beyond the columns. */
static bool has_surplus(const struct delimited *d)
{
	for (size_t i = d->heading.columns.width; i < d->split.cell_count; i++)
		if (has_text(&d->split.cells[i]))
			return true;
	return false;
}

/* Whether the record has the columns, or can be made to. */
static bool has_shape(struct delimited *d)
{
	size_t count = d->split.cell_count, width = d->heading.columns.width;
	bool few = count < width, many = count > width && has_surplus(d);

	if (!few && !many)
		return true;
	if (!d->resource->pads || (many && !d->resource->rest))
		return false;
	d->sink->padded++;
	return true;
}

static const char *cell_field(const struct delimited *d, size_t cell)
{
	int field = cell < d->heading.columns.width ? d->heading.columns.field_of[cell] : LK_NOT_TAKEN;

	return field == LK_NOT_TAKEN ? NULL : d->resource->fields[field].column;
}

/* What stands in a column; borrowed until the next call. */
static struct lk_value get_cell(void *arg, const struct lk_window *w)
{
	struct delimited *d = arg;
	struct lk_value v = {NULL};

	if (w->start < d->split.cell_count)
		cell_value(d, &d->split.cells[w->start], &d->rest_text, &v);
	return v;
}

/* Whether the record is of the resource's type; the others are dealt with here. */
static enum lk_status look_at_type(struct delimited *d, const struct lk_place *place, bool *own, struct lk_error *err)
{
	*own = true;
	if (!d->control)
		return LK_OK;
	*own = false;
	if (d->split.fault)
		return lk_control_broken(d->control, d->split.fault, place, err);
	LK_TRY(lk_control_record(d->control, &(struct lk_control_source){get_cell, d}, place, own, err));
	if (!lk_control_at_header(d->control))
		return LK_OK;
	d->context.len = d->context_rows;
	add_context(d);
	return lk_str_check(&d->context, err);
}

static enum lk_status take_record(struct delimited *d, struct lk_error *err)
{
	const struct lk_split *s = &d->split;
	const struct lk_columns *c = &d->heading.columns;
	struct lk_place place = place_of(d);
	struct lk_text rest;
	char reason[96];
	bool own;

	LK_TRY(look_at_type(d, &place, &own, err));
	if (!own)
		return LK_OK;
	if (s->fault)
		return lk_sink_reject(d->sink, cell_field(d, s->fault_cell), s->fault, &place, err);
	if (!has_shape(d)) {
		snprintf(reason, sizeof(reason), "has %zu fields, not %zu", s->cell_count, c->width);
		return lk_sink_reject(d->sink, NULL, reason, &place, err);
	}
	d->sink->mended += s->mended;
	for (size_t i = 0; i < c->width; i++)
		if (c->field_of[i] != LK_NOT_TAKEN)
			field_value(d, i, &d->texts[c->field_of[i]], &d->values[c->field_of[i]]);
	if (d->nomem)
		return lk_error_nomem(err);
	if (d->control)
		lk_control_add(d->control, d->values);
	if (!d->resource->rest)
		return lk_sink_row(d->sink, d->values, NULL, &place, err);
	if (!make_rest(d))
		return lk_sink_reject(
			d->sink, LK_COLUMN_REST, "is not UTF-8, or holds a NUL byte", &place, err);
	if (d->nomem || d->rest.failed)
		return lk_error_nomem(err);
	rest = (struct lk_text){d->rest.data, d->rest.len};
	return lk_sink_row(d->sink, d->values, d->rest.len ? &rest : NULL, &place, err);
}

static enum lk_status take_row(struct delimited *d, bool blank, struct lk_error *err)
{
	struct lk_heading *h = &d->heading;
	bool record, before = !h->done;

	if (before && d->context.len <= LK_RAW_BYTES)
		add_context(d);
	LK_TRY(lk_heading_row(h, &d->split, blank, &record, err));
	if (record)
		return take_record(d, err);
	if (before && h->done)
		pad_context(d);
	LK_TRY(lk_str_check(&d->context, err));
	return h->wrong.len ? lk_sinks_fail(&d->sink, 1, &(struct lk_place){.line = h->line}, err, "%s", lk_str_text(&h->wrong))
			    : LK_OK;
}

/* ---- as a reader ---- */

static enum lk_status delimited_open(void **self, struct lk_sink *const *sinks, int count, struct lk_error *err)
{
	struct delimited *d = *self ? *self : calloc(1, sizeof(*d));

	(void)count;
	*self = d;
	if (!d)
		return lk_error_nomem(err);
	d->sink = sinks[0];
	d->resource = sinks[0]->resource;
	lk_split_init(&d->split, &d->resource->dialect);
	d->values = calloc((size_t)d->resource->field_count, sizeof(*d->values));
	d->texts = calloc((size_t)d->resource->field_count, sizeof(*d->texts));
	if (!d->values || !d->texts)
		return lk_error_nomem(err);
	LK_TRY(lk_control_open(&d->control, d->sink, err));
	LK_TRY(lk_heading_begin(&d->heading, d->sink, &d->split, err));
	if (d->heading.done)
		pad_context(d);
	return LK_OK;
}

/* The rows that are whole. */
static enum lk_status take_rows(struct delimited *d, struct lk_error *err)
{
	enum lk_split_what what;

	while (!d->sink->failed) {
		LK_TRY(lk_split_next(&d->split, &what, err));
		if (d->split.foreign_mark)
			return lk_sinks_fail(&d->sink, 1, NULL, err, "is UTF-16, not UTF-8");
		if (what >= LK_SPLIT_MORE)
			return LK_OK;
		LK_TRY(take_row(d, what == LK_SPLIT_BLANK, err));
	}
	return LK_OK;
}

static enum lk_status delimited_feed(void *self, const char *data, size_t len, struct lk_error *err)
{
	struct delimited *d = self;

	while (len && !d->sink->failed) {
		size_t n = len < CHUNK_BYTES ? len : CHUNK_BYTES;

		LK_TRY(lk_split_feed(&d->split, data, n, err));
		LK_TRY(take_rows(d, err));
		data += n;
		len -= n;
	}
	return LK_OK;
}

static enum lk_status delimited_finish(void *self, struct lk_error *err)
{
	struct delimited *d = self;

	if (d->sink->failed)
		return LK_OK;
	lk_split_end(&d->split);
	LK_TRY(take_rows(d, err));
	if (!d->sink->failed && d->control)
		LK_TRY(lk_control_finish(d->control, err));
	if (d->sink->padded)
		lk_sink_warn(d->sink, "%lld records have not as many fields as there are columns", (long long)d->sink->padded);
	if (d->sink->mended)
		lk_sink_warn(d->sink, "%lld records were read in spite of their quotes", (long long)d->sink->mended);
	if (d->sink->failed || d->heading.done)
		return LK_OK;
	return lk_sinks_fail(&d->sink, 1, NULL, err, "is empty: it has not even a header");
}

static void delimited_clear(void *self)
{
	struct delimited *d = self;
	struct delimited kept = {0};

	lk_split_clear(&d->split);
	lk_heading_release(&d->heading);
	lk_control_close(d->control);
	for (int i = 0; d->texts && i < d->resource->field_count; i++)
		lk_str_release(&d->texts[i]);
	lk_str_release(&d->rest);
	lk_str_release(&d->rest_text);
	lk_str_release(&d->context);
	free(d->values);
	free(d->texts);
	kept.split = d->split;
	*d = kept;
}

static void delimited_close(void *self)
{
	struct delimited *d = self;

	if (!d)
		return;
	delimited_clear(d);
	lk_split_release(&d->split);
	free(d);
}

static const char *const words[] = {"csv", "tsv", "txt", NULL};
static const char *const properties[] = {"recordType", "header", "trailer", "ragged", "quotes", NULL};

static enum lk_status delimited_load(struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r)
{
	return lk_control_load(l, json, true, r);
}

const struct lk_file_format lk_format_delimited = {
	.words = words,
	.properties = properties,
	.load = delimited_load,
	.agrees = lk_heading_agrees,
	.open = delimited_open,
	.feed = delimited_feed,
	.finish = delimited_finish,
	.clear = delimited_clear,
	.close = delimited_close,
};
