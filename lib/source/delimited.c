/*
 * Delimited text: CSV and its relatives (RFC 4180 and the dialects of lk-source(5)).
 *
 * Pieces are copied into one buffer, in which whole records are found by a structural scan (scan.h) and split
 * into cells; what is left of a record at the end moves to the front and waits for more.
 *
 *	buf: [ records done | record at `start` ........ len | room, and LK_SCAN_BLOCK bytes for the scan ]
 *
 * The buffer holds one record of at most 16 MiB; one that is longer is rejected and skipped to its
 * end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "source/format.h"
#include "source/scan.h"

#define CHUNK_BYTES (256 * 1024)
#define RECORD_BYTES (16 * 1024 * 1024)
#define KEPT_BYTES (1024 * 1024) /* of a buffer, for the next member */
#define COLUMNS_MAX 100000 /* of a header: each is looked for among all fields */
#define MISMATCH_NAMES 5 /* named in a message about a header */

#define NOT_TAKEN -1

struct cell {
	size_t start, end;
	bool quoted, doubled; /* doubled: quotes or escapes stand in it that are to go */
};

struct delimited {
	struct lk_sink *sink;
	const struct lk_resource *resource;
	struct lk_dialect dialect;

	char *buf;
	size_t len, cap;
	size_t start;	 /* of the record that is being read */
	size_t patience; /* a record that is longer than the buffer is not tried again before len reaches this */
	struct lk_scan scan;
	bool begun;  /* the byte order mark has been looked for */
	bool skipping, skip_quoted; /* within a record that was too long */
	int64_t line; /* of the record at start */

	/* the record that was split last */
	struct cell *cells;
	size_t cell_count, cell_cap;
	size_t end, next;      /* of its text; where the next begins */
	int64_t lines;	       /* line ends in it */
	const char *fault;     /* what is wrong with its quotes; NULL when nothing is */
	int64_t fault_line;    /* of a quote that is never closed; 0 for other faults */
	size_t fault_cell;

	/* the header */
	bool has_width;
	size_t width, name_count;
	int *field_of;	   /* by column: index of the field, or NOT_TAKEN */
	struct lk_str *names; /* by column, of those that are not taken, for lk_rest and messages */
	struct lk_value *values; /* by field */
	struct lk_str *texts;	 /* by field: values with their doubled quotes taken out */
	struct lk_str rest, rest_text;
	bool nomem;
};

/* ---- splitting ---- */

static bool add_cell(struct delimited *d, struct cell cell)
{
	if (d->cell_count == d->cell_cap &&
		!lk_grow((void **)&d->cells, &d->cell_cap, d->cell_count + 1, sizeof(*d->cells)))
		return false;
	d->cells[d->cell_count++] = cell;
	return true;
}

static void set_fault(struct delimited *d, const char *what)
{
	if (d->fault)
		return;
	d->fault = what;
	d->fault_cell = d->cell_count;
}

/* Finishes a cell that was open since `cell->start`, at `end`. closed: where its closing quote stands. */
static bool end_cell(struct delimited *d, struct cell *cell, size_t closed, size_t end)
{
	cell->end = end;
	if (cell->quoted) {
		for (size_t i = closed + 1; i < end; i++)
			if (d->buf[i] != ' ' && d->buf[i] != '\t')
				set_fault(d, "text follows a closing quote");
		cell->end = closed;
	}
	return add_cell(d, *cell);
}

enum split {
	SPLIT_NOMEM = -1,
	SPLIT_MORE, /* the record goes on beyond the buffer */
	SPLIT_EMPTY, /* an empty line, or a comment: not a record */
	SPLIT_RECORD,
	SPLIT_END, /* nothing is left */
};

static size_t cell_start(const struct delimited *d, size_t at)
{
	while (d->dialect.skip_initial_space && at < d->len && d->buf[at] == ' ')
		at++;
	return at;
}

/* A line end at `at`: where the next line begins, or 0 when that cannot be told yet. */
static size_t line_end(const struct delimited *d, size_t at, bool last)
{
	if (d->buf[at] == '\n')
		return at + 1;
	if (at + 1 == d->len)
		return last ? at + 1 : 0;
	return d->buf[at + 1] == '\n' ? at + 2 : at + 1;
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* Line ends within quotes: CRLF counts once. */
static void count_line(struct delimited *d, size_t at)
{
	d->lines += d->buf[at] == '\r' || at == d->start || d->buf[at - 1] != '\r';
}

static enum split split_comment(struct delimited *d, bool last)
{
	for (;;) {
		size_t at = lk_scan_next(&d->scan);

		if (at == d->len && !last)
			return SPLIT_MORE;
		if (at < d->len && !is_line_end(d->buf[at]))
			continue;
		d->next = at == d->len ? at : line_end(d, at, last);
		d->lines = 1;
		return d->next ? SPLIT_EMPTY : SPLIT_MORE;
	}
}

/* The record that is being split. */
struct progress {
	struct cell cell; /* that is open */
	bool in_quotes;
	size_t closed;	/* its closing quote */
	size_t ignore;	/* special bytes before this position are text */
	int64_t quote_line; /* of its opening quote */
};

/* Ends the record at the end of the text. */
static enum split split_last(struct delimited *d, struct progress *p)
{
	if (p->in_quotes) {
		set_fault(d, "a quote is never closed: what follows it could not be read");
		d->fault_line = p->quote_line;
		p->cell.quoted = false;
	}
	d->end = d->next = d->len;
	d->lines++;
	return end_cell(d, &p->cell, p->closed, d->len) ? SPLIT_RECORD : SPLIT_NOMEM;
}

/* Ends the record at a line end. */
static enum split split_line(struct delimited *d, struct progress *p, size_t at, bool last)
{
	d->next = line_end(d, at, last);
	if (!d->next)
		return SPLIT_MORE;
	d->end = at;
	d->lines++;
	if (at == d->start)
		return SPLIT_EMPTY;
	return end_cell(d, &p->cell, p->closed, at) ? SPLIT_RECORD : SPLIT_NOMEM;
}

/* A special byte within quotes. False when what it means depends on bytes that are not there yet. */
static bool pass_quoted(struct delimited *d, struct progress *p, size_t at, bool last)
{
	if (is_line_end(d->buf[at])) {
		count_line(d, at);
	} else if (d->buf[at] == d->dialect.quote) {
		if (at + 1 == d->len && !last)
			return false;
		if (d->dialect.double_quote && at + 1 < d->len && d->buf[at + 1] == d->dialect.quote) {
			p->cell.doubled = true;
			p->ignore = at + 2;
		} else {
			p->in_quotes = false;
			p->closed = at;
		}
	}
	return true;
}

/* Splits the record at d->start, where it is not empty. The scan stands there. */
static enum split split_record(struct delimited *d, bool last)
{
	const struct lk_dialect *dialect = &d->dialect;
	struct progress p = {.cell = {.start = cell_start(d, d->start)}, .ignore = d->start};

	for (;;) {
		size_t at = lk_scan_next(&d->scan);
		char c;

		if (at == d->len)
			return last ? split_last(d, &p) : SPLIT_MORE;
		c = d->buf[at];
		if (at < p.ignore) {
			if (at > d->start && is_line_end(c))
				count_line(d, at);
		} else if (dialect->escape && c == dialect->escape) {
			p.cell.doubled = true;
			p.ignore = at + 2;
		} else if (p.in_quotes) {
			if (!pass_quoted(d, &p, at, last))
				return SPLIT_MORE;
		} else if (dialect->quote && c == dialect->quote) {
			if (at != p.cell.start || p.cell.quoted)
				continue;
			p.in_quotes = p.cell.quoted = true;
			p.quote_line = d->line + d->lines;
			p.cell.start = at + 1;
		} else if (is_line_end(c)) {
			return split_line(d, &p, at, last);
		} else if (c == dialect->delimiter) {
			if (!end_cell(d, &p.cell, p.closed, at))
				return SPLIT_NOMEM;
			p.cell = (struct cell){.start = cell_start(d, at + 1)};
		}
	}
}

static enum split split(struct delimited *d, bool last)
{
	d->cell_count = 0;
	d->fault = NULL;
	d->fault_line = 0;
	d->lines = 0;
	if (d->start == d->len)
		return last ? SPLIT_END : SPLIT_MORE;
	if (d->dialect.comment && d->buf[d->start] == d->dialect.comment)
		return split_comment(d, last);
	return split_record(d, last);
}

/* ---- cells as values ---- */

/* The text of a cell in `room`, without its escapes and with doubled quotes once. */
static void resolve(struct delimited *d, const struct cell *cell, struct lk_str *room, struct lk_value *v)
{
	char *out;

	lk_str_clear(room);
	if (!lk_str_reserve(room, v->len)) {
		d->nomem = true;
		return;
	}
	out = room->data;
	for (size_t i = cell->start; i < cell->end; i++) {
		char c = d->buf[i];
		bool escape = d->dialect.escape && c == d->dialect.escape;
		bool twice = cell->quoted && d->dialect.quote && c == d->dialect.quote;

		if ((escape || twice) && i + 1 < cell->end)
			i++;
		*out++ = d->buf[i];
	}
	v->data = room->data;
	v->len = room->len = (size_t)(out - room->data);
}

static inline void cell_value(
	struct delimited *d, const struct cell *cell, struct lk_str *room, struct lk_value *v)
{
	v->data = d->buf + cell->start;
	v->len = cell->end - cell->start;
	v->quoted = cell->quoted;
	v->unchecked = d->scan.odd;
	if (cell->doubled)
		resolve(d, cell, room, v);
}

static struct lk_place place_of(const struct delimited *d)
{
	return (struct lk_place){.line = d->line, .raw = d->buf + d->start, .raw_len = d->end - d->start};
}

/* ---- the header ---- */

static bool names_equal(
	const struct lk_dialect *dialect, const char *a, size_t a_len, const char *b, size_t b_len)
{
	lk_text_trim(&a, &a_len);
	lk_text_trim(&b, &b_len);
	return a_len == b_len && !(dialect->case_sensitive ? memcmp(a, b, a_len) : strncasecmp(a, b, a_len));
}

static bool field_has_name(
	const struct delimited *d, const struct lk_source_field *f, const struct lk_str *name)
{
	if (names_equal(&d->dialect, f->name, strlen(f->name), lk_str_text(name), name->len))
		return true;
	for (int i = 0; i < f->aliases.count; i++)
		if (names_equal(&d->dialect, f->aliases.items[i].data, f->aliases.items[i].len,
			    lk_str_text(name), name->len))
			return true;
	return false;
}

static int find_field(const struct delimited *d, const struct lk_str *name)
{
	for (int i = 0; i < d->resource->field_count; i++)
		if (d->resource->fields[i].origin == LK_ORIGIN_RECORD &&
			field_has_name(d, &d->resource->fields[i], name))
			return i;
	return NOT_TAKEN;
}

/* What is wrong with a header, as one sentence for lk.files. */
struct complaint {
	struct lk_str missing, extra, order;
	int missing_count, extra_count, known_count;
};

static void add_name(struct lk_str *list, int *count, const char *name, size_t len)
{
	if (++*count > MISMATCH_NAMES)
		return;
	lk_str_adds(list, *count > 1 ? ", '" : "'");
	lk_add_clean(list, name, len > 64 ? 64 : len);
	lk_str_adds(list, "'");
}

static void add_list(struct lk_str *text, const char *what, const struct lk_str *list, int count)
{
	if (!count)
		return;
	lk_str_addf(text, "%s%s %s", text->len ? "; " : "", what, lk_str_text(list));
	if (count > MISMATCH_NAMES)
		lk_str_addf(text, " and %d more", count - MISMATCH_NAMES);
}

/* Fills field_of by name. Notes columns without a field, and fields whose column stands twice or elsewhere
 * than it should. */
static void map_columns(struct delimited *d, bool *seen, struct complaint *c)
{
	int expected = 0;

	for (size_t i = 0; i < d->width; i++) {
		int field = find_field(d, &d->names[i]);

		d->field_of[i] = field;
		if (field == NOT_TAKEN) {
			add_name(&c->extra, &c->extra_count, lk_str_text(&d->names[i]), d->names[i].len);
			continue;
		}
		if (seen[field] && !c->order.len) {
			lk_str_adds(&c->order, "column '");
			lk_add_clean(&c->order, lk_str_text(&d->names[i]), d->names[i].len);
			lk_str_adds(&c->order, "' stands twice");
		}
		if (field < expected && !c->order.len && d->resource->match == LK_FIELDS_EXACT)
			lk_str_addf(&c->order, "columns stand in another order, from '%s' on",
				d->resource->fields[field].name);
		c->known_count++;
		expected = field;
		seen[field] = true;
	}
}

/* Unknown names are told where most names are known. Else the header may have been forgotten, and they may be the values of the
 * first record, which are nobody's to read. */
static void add_extra(struct lk_str *text, const struct complaint *c)
{
	const char *what = text->len ? "and has" : "the header has";

	if (c->known_count > c->extra_count)
		add_list(text, what, &c->extra, c->extra_count);
	else if (c->extra_count)
		lk_str_addf(text, "%s%s %d column%s of other names", text->len ? "; " : "", what, c->extra_count,
			c->extra_count == 1 ? "" : "s");
}

static void judge_header(struct delimited *d, const bool *seen, struct complaint *c, struct lk_str *text)
{
	const struct lk_resource *r = d->resource;
	bool extra_allowed = r->match == LK_FIELDS_SUBSET || r->match == LK_FIELDS_PARTIAL;
	bool missing_allowed = r->match == LK_FIELDS_SUPERSET || r->match == LK_FIELDS_PARTIAL;
	bool any = false;

	for (int i = 0; i < r->field_count; i++) {
		const struct lk_source_field *f = &r->fields[i];

		any |= seen[i];
		if (f->origin == LK_ORIGIN_RECORD && !seen[i] && (!missing_allowed || f->required))
			add_name(&c->missing, &c->missing_count, f->name, strlen(f->name));
	}
	add_list(text, "the header lacks", &c->missing, c->missing_count);
	if (!extra_allowed)
		add_extra(text, c);
	if (!text->len)
		lk_str_add(text, lk_str_text(&c->order), c->order.len);
	if (!text->len && !any)
		lk_str_adds(text, "the header has none of the fields");
}

static enum lk_status match_header(struct delimited *d, struct lk_error *err)
{
	bool *seen = calloc((size_t)d->resource->field_count, sizeof(*seen));
	struct complaint c = {0};
	struct lk_str text = LK_STR_INIT;
	struct lk_place place = {.line = d->line};
	enum lk_status status = LK_OK;

	if (!seen)
		return lk_error_nomem(err);
	map_columns(d, seen, &c);
	judge_header(d, seen, &c, &text);
	if (text.failed || c.missing.failed || c.extra.failed || c.order.failed)
		status = lk_error_nomem(err);
	else if (text.len)
		status = lk_sinks_fail(&d->sink, 1, &place, err, "%s", lk_str_text(&text));
	lk_str_release(&c.missing);
	lk_str_release(&c.extra);
	lk_str_release(&c.order);
	lk_str_release(&text);
	free(seen);
	return status;
}

static enum lk_status read_header(struct delimited *d, struct lk_error *err)
{
	size_t width = d->cell_count;

	if (width > COLUMNS_MAX)
		return lk_sinks_fail(&d->sink, 1, &(struct lk_place){.line = d->line}, err,
			"the header has %zu columns, more than %d", width, COLUMNS_MAX);
	d->names = calloc(d->cell_count, sizeof(*d->names));
	d->field_of = calloc(d->cell_count, sizeof(*d->field_of));
	if (!d->names || !d->field_of)
		return lk_error_nomem(err);
	d->width = d->name_count = width;
	for (size_t i = 0; i < width; i++) {
		struct lk_str room = LK_STR_INIT;
		struct lk_value v;

		cell_value(d, &d->cells[i], &room, &v);
		lk_text_trim(&v.data, &v.len);
		lk_str_add(&d->names[i], v.data, v.len);
		LK_TRY(lk_str_check(&d->names[i], err));
		lk_str_release(&room);
	}
	while (d->width > 1 && d->names[d->width - 1].len == 0)
		d->width--;
	d->has_width = true;
	if (d->fault)
		return lk_sinks_fail(
			&d->sink, 1, &(struct lk_place){.line = d->line}, err, "the header: %s", d->fault);
	return match_header(d, err);
}

/* Without a header the fields are the columns. */
static enum lk_status assume_header(struct delimited *d, struct lk_error *err)
{
	d->field_of = calloc((size_t)d->resource->field_count, sizeof(*d->field_of));
	if (!d->field_of)
		return lk_error_nomem(err);
	for (int i = 0; i < d->resource->field_count; i++)
		if (d->resource->fields[i].origin == LK_ORIGIN_RECORD)
			d->field_of[d->width++] = i;
	d->has_width = true;
	return LK_OK;
}

/* ---- records ---- */

/* Columns that no field takes as a JSON object; those without a text are left out. false: their text cannot
 * be kept. */
static bool make_rest(struct delimited *d)
{
	lk_str_clear(&d->rest);
	for (size_t i = 0; i < d->width; i++) {
		struct lk_value v;

		if (d->field_of[i] != NOT_TAKEN || d->cells[i].start >= d->cells[i].end)
			continue;
		lk_str_clear(&d->rest_text);
		cell_value(d, &d->cells[i], &d->rest_text, &v);
		if (v.unchecked && (!lk_utf8_valid(v.data, v.len) || memchr(v.data, '\0', v.len)))
			return false;
		lk_str_addc(&d->rest, d->rest.len ? ',' : '{');
		lk_str_add_json(&d->rest, lk_str_text(&d->names[i]), d->names[i].len);
		lk_str_addc(&d->rest, ':');
		lk_str_add_json(&d->rest, v.data, v.len);
	}
	if (d->rest.len)
		lk_str_addc(&d->rest, '}');
	return true;
}

/* Cells that the header has no column for must be empty. */
static bool has_surplus(const struct delimited *d)
{
	for (size_t i = d->width; i < d->cell_count; i++)
		if (d->cells[i].quoted || d->cells[i].start < d->cells[i].end)
			return true;
	return false;
}

static const char *cell_field(const struct delimited *d, size_t cell)
{
	int field = cell < d->width ? d->field_of[cell] : NOT_TAKEN;

	return field == NOT_TAKEN ? NULL : d->resource->fields[field].column;
}

/* A quote that is never closed takes what follows it along: that is said of the file, too. */
static enum lk_status reject_fault(struct delimited *d, struct lk_error *err)
{
	struct lk_place place = place_of(d);

	if (d->fault_line)
		lk_str_addf(&d->sink->error, "line %lld: %s", (long long)d->fault_line, d->fault);
	return lk_sink_reject(d->sink, cell_field(d, d->fault_cell), d->fault, &place, err);
}

static enum lk_status take_record(struct delimited *d, struct lk_error *err)
{
	struct lk_place place = place_of(d);
	struct lk_text rest;
	char reason[96];

	if (d->fault)
		return reject_fault(d, err);
	if (d->cell_count < d->width || (d->cell_count > d->width && has_surplus(d))) {
		snprintf(reason, sizeof(reason), "has %zu fields, not %zu", d->cell_count, d->width);
		return lk_sink_reject(d->sink, NULL, reason, &place, err);
	}
	for (size_t i = 0; i < d->width; i++)
		if (d->field_of[i] != NOT_TAKEN)
			cell_value(d, &d->cells[i], &d->texts[d->field_of[i]], &d->values[d->field_of[i]]);
	if (d->nomem)
		return lk_error_nomem(err);
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

static enum lk_status take_first(struct delimited *d, struct lk_error *err)
{
	if (d->dialect.header)
		return read_header(d, err);
	LK_TRY(assume_header(d, err));
	return take_record(d, err);
}

/* ---- the buffer ---- */

/* Rejects the record in the buffer, which is too long, and forgets it but for whether it ended within
 * quotes. */
static enum lk_status begin_skipping(struct delimited *d, struct lk_error *err)
{
	struct lk_place place = {.line = d->line, .raw = d->buf + d->start, .raw_len = d->len - d->start};

	d->skipping = true;
	d->skip_quoted = false;
	if (!d->has_width)
		return lk_sinks_fail(&d->sink, 1, &place, err, "the first record is longer than %d MiB",
			RECORD_BYTES >> 20);
	return lk_sink_reject(d->sink, NULL, "is longer than 16 MiB", &place, err);
}

/* Goes on to the end of a record that was too long; a doubled quote is two that cancel out. */
static void skip(struct delimited *d, bool last)
{
	for (;;) {
		size_t at = lk_scan_next(&d->scan), next;

		if (at == d->len) {
			d->start = d->len;
			return;
		}
		if (d->dialect.quote && d->buf[at] == d->dialect.quote) {
			d->skip_quoted = !d->skip_quoted;
			continue;
		}
		if (!is_line_end(d->buf[at]))
			continue;
		next = line_end(d, at, last);
		if (!next) {
			d->start = at;
			return;
		}
		d->line += d->skip_quoted ? d->buf[at] == '\n' : 1;
		if (!d->skip_quoted) {
			d->skipping = false;
			d->start = next;
			return;
		}
	}
}

/* Takes the records that are whole, or all of them when this is the last of the text. */
static enum lk_status take_records(struct delimited *d, bool last, struct lk_error *err)
{
	d->scan.data = (const unsigned char *)d->buf;
	d->scan.len = d->len;
	lk_scan_start(&d->scan, d->start);
	if (d->skipping)
		skip(d, last);
	while (!d->sink->failed && !d->skipping) {
		enum split what;

		lk_scan_mark(&d->scan);
		what = split(d, last);
		if (what == SPLIT_NOMEM)
			return lk_error_nomem(err);
		if (what == SPLIT_MORE && d->len - d->start > RECORD_BYTES) {
			LK_TRY(begin_skipping(d, err));
			lk_scan_start(&d->scan, d->start);
			skip(d, last);
			continue;
		}
		if (what == SPLIT_MORE || what == SPLIT_END)
			return LK_OK;
		if (what == SPLIT_RECORD)
			LK_TRY(d->has_width ? take_record(d, err) : take_first(d, err));
		d->line += d->lines;
		d->start = d->next;
	}
	return LK_OK;
}

/* A byte order mark: UTF-8's goes, others say that the text is not ours to read. */
static enum lk_status look_for_mark(struct delimited *d, struct lk_error *err)
{
	d->begun = true;
	if (d->len >= 3 && !memcmp(d->buf, "\xef\xbb\xbf", 3))
		d->start = 3;
	if (d->len >= 2 && (!memcmp(d->buf, "\xff\xfe", 2) || !memcmp(d->buf, "\xfe\xff", 2)))
		return lk_sinks_fail(&d->sink, 1, NULL, err, "is UTF-16, not UTF-8");
	return LK_OK;
}

static bool make_room(struct delimited *d, size_t extra)
{
	size_t cap = d->cap ? d->cap : 4096;
	char *grown;

	if (d->start) {
		memmove(d->buf, d->buf + d->start, d->len - d->start);
		d->len -= d->start;
		d->start = 0;
	}
	while (cap < d->len + extra + LK_SCAN_BLOCK)
		cap *= 2;
	if (cap == d->cap)
		return true;
	grown = realloc(d->buf, cap);
	if (!grown)
		return false;
	memset(grown + d->cap, 0, cap - d->cap);
	d->buf = grown;
	d->cap = cap;
	return true;
}

static enum lk_status feed_chunk(
	struct delimited *d, const char *data, size_t len, bool last, struct lk_error *err)
{
	size_t left;

	if (!make_room(d, len))
		return lk_error_nomem(err);
	if (len)
		memcpy(d->buf + d->len, data, len);
	d->len += len;
	if (!d->begun && (d->len >= 3 || last))
		LK_TRY(look_for_mark(d, err));
	if (!d->begun || (!last && d->len < d->patience))
		return LK_OK;
	LK_TRY(take_records(d, last, err));
	left = d->len - d->start;
	d->patience = 2 * left < RECORD_BYTES ? 2 * left : RECORD_BYTES + 1;
	return LK_OK;
}

/* ---- as a reader ---- */

static enum lk_status delimited_open(void **self, struct lk_sink *const *sinks, int count, struct lk_error *err)
{
	struct delimited *d = *self ? *self : calloc(1, sizeof(*d));
	const struct lk_dialect *dialect;

	(void)count;
	*self = d;
	if (!d)
		return lk_error_nomem(err);
	d->sink = sinks[0];
	d->resource = sinks[0]->resource;
	d->dialect = d->resource->dialect;
	d->line = 1;
	d->values = calloc((size_t)d->resource->field_count, sizeof(*d->values));
	d->texts = calloc((size_t)d->resource->field_count, sizeof(*d->texts));
	if (!d->values || !d->texts)
		return lk_error_nomem(err);
	dialect = &d->dialect;
	memcpy(d->scan.specials, "\n\n\n\n\r", LK_SCAN_SPECIALS);
	d->scan.specials[0] = (unsigned char)dialect->delimiter;
	if (dialect->quote)
		d->scan.specials[1] = (unsigned char)dialect->quote;
	if (dialect->escape)
		d->scan.specials[2] = (unsigned char)dialect->escape;
	return LK_OK;
}

static enum lk_status delimited_feed(void *self, const char *data, size_t len, struct lk_error *err)
{
	struct delimited *d = self;

	while (len && !d->sink->failed) {
		size_t n = len < CHUNK_BYTES ? len : CHUNK_BYTES;

		LK_TRY(feed_chunk(d, data, n, false, err));
		data += n;
		len -= n;
	}
	return LK_OK;
}

static enum lk_status delimited_finish(void *self, struct lk_error *err)
{
	struct delimited *d = self;

	if (!d->sink->failed)
		LK_TRY(feed_chunk(d, NULL, 0, true, err));
	if (!d->sink->failed && d->dialect.header && !d->has_width)
		return lk_sinks_fail(&d->sink, 1, NULL, err, "is empty: it has not even a header");
	return LK_OK;
}

static void delimited_clear(void *self)
{
	struct delimited *d = self;
	struct delimited kept = {.buf = d->buf, .cap = d->cap, .cells = d->cells, .cell_cap = d->cell_cap};

	for (size_t i = 0; d->names && i < d->name_count; i++)
		lk_str_release(&d->names[i]);
	for (int i = 0; d->texts && i < d->resource->field_count; i++)
		lk_str_release(&d->texts[i]);
	lk_str_release(&d->rest);
	lk_str_release(&d->rest_text);
	free(d->names);
	free(d->field_of);
	free(d->values);
	free(d->texts);
	if (kept.cap > KEPT_BYTES) {
		free(kept.buf);
		kept.buf = NULL;
		kept.cap = 0;
	}
	*d = kept;
}

static void delimited_close(void *self)
{
	struct delimited *d = self;

	if (!d)
		return;
	delimited_clear(d);
	free(d->cells);
	free(d->buf);
	free(d);
}

static const char *const words[] = {"csv", "tsv", "txt", NULL};
static const char *const properties[] = {NULL};

const struct lk_file_format lk_format_delimited = {
	.words = words,
	.properties = properties,
	.open = delimited_open,
	.feed = delimited_feed,
	.finish = delimited_finish,
	.clear = delimited_clear,
	.close = delimited_close,
};
