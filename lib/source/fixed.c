/*
 * Text of fixed width: each field stands in the same columns of every line.
 *
 *	1........10........20........30
 *	A0000 A000    Cholera due to V...
 *	1:5   7:7     15:               START:WIDTH, START: to the line's end
 *
 * Columns are characters, not bytes; most lines are plain ASCII, where these are the same. Lines may end before their last
 * field (ragged right), and after it. Where lk.length is given nothing ends a line, and each has that many characters.
 */
#include "source/fixed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/format.h"

#define CHUNK_BYTES (256 * 1024)
#define COLUMNS_MAX (16 * 1024 * 1024)
#define LENGTH_MAX (1024 * 1024)
#define END_OF_FILE '\x1a' /* that DOS puts behind its texts */

/* ---- windows ---- */

/* A number from 1; where it ends. */
static const char *parse_number(const char *p, size_t *number)
{
	*number = 0;
	while (*p >= '0' && *p <= '9' && *number <= COLUMNS_MAX)
		*number = *number * 10 + (size_t)(*p++ - '0');
	return *number >= 1 && *number <= COLUMNS_MAX ? p : NULL;
}

bool lk_window_parse(const char *text, struct lk_window *w)
{
	const char *p = parse_number(text, &w->start);
	size_t width;

	if (!p || *p != ':')
		return false;
	w->start--;
	w->end = SIZE_MAX;
	if (!*++p)
		return true;
	p = parse_number(p, &width);
	if (!p)
		return false;
	w->end = w->start + width;
	return !*p;
}

bool lk_ruler_measure(struct lk_ruler *r, const struct lk_line *line, size_t end)
{
	const char *p = line->data, *stop = line->data + line->len;

	r->line = line;
	r->count = 0;
	if (!line->odd)
		return true;
	while (p < stop && r->count < end) {
		if (!lk_grow((void **)&r->offsets, &r->cap, r->count + 2, sizeof(*r->offsets)))
			return false;
		r->offsets[r->count++] = (size_t)(p - line->data);
		p += lk_lines_character(p, stop);
	}
	if (!lk_grow((void **)&r->offsets, &r->cap, r->count + 1, sizeof(*r->offsets)))
		return false;
	r->offsets[r->count] = (size_t)(p - line->data);
	return true;
}

struct lk_value lk_ruler_value(const struct lk_ruler *r, const struct lk_window *w)
{
	const struct lk_line *line = r->line;
	size_t start = w->start, end = w->end;

	if (line->odd) {
		end = w->end == SIZE_MAX ? line->len : r->offsets[end < r->count ? end : r->count];
		start = start <= r->count ? r->offsets[start] : line->len;
	}
	if (start >= line->len)
		return (struct lk_value){NULL};
	if (end > line->len)
		end = line->len;
	return (struct lk_value){.data = line->data + start, .len = end - start, .unchecked = line->odd};
}

void lk_ruler_release(struct lk_ruler *r)
{
	free(r->offsets);
	*r = (struct lk_ruler){NULL};
}

/* ---- the package's side ---- */

struct program {
	struct lk_window *windows; /* by field */
	size_t columns;		   /* as far as lines are looked at, but for windows without an end */
	size_t length;		   /* of a line that nothing ends; 0: lines end */
	bool to_end;		   /* a window has no end */
	int header_rows; /* lines up to its last; 0 where there is none */
};

static enum lk_status load_windows(struct lk_loading *l, const char *at, struct lk_resource *r, struct program *p)
{
	p->windows = lk_arena_alloc(l->arena, (size_t)r->field_count * sizeof(*p->windows));
	if (!p->windows)
		return lk_error_nomem(l->err);
	for (int i = 0; i < r->field_count; i++) {
		const struct lk_source_field *f = &r->fields[i];
		struct lk_window *w = &p->windows[i];
		const char *place = lk_prop_item(l, lk_prop_at(l, at, "schema.fields"), (size_t)i);
		size_t end;

		if (f->origin != LK_ORIGIN_RECORD)
			continue;
		if (f->path == f->name)
			return lk_prop_wrong(l, place,
				"a field of fixed width needs lk.path: START:WIDTH, the first column being 1");
		if (!lk_window_parse(f->path, w))
			return lk_prop_wrong(l, lk_prop_at(l, place, "lk.path"),
				"'%s' must be START:WIDTH, or START: to the line's end, the first column being 1", f->path);
		end = w->end == SIZE_MAX ? w->start + 1 : w->end;
		if (p->length && end > p->length)
			return lk_prop_wrong(l, lk_prop_at(l, place, "lk.path"), "'%s' goes beyond lk.length, %zu", f->path,
				p->length);
		p->columns = end > p->columns ? end : p->columns;
		p->to_end |= w->end == SIZE_MAX;
	}
	return LK_OK;
}

static enum lk_status load_length(struct lk_loading *l, const struct lk_resource_json *json, struct program *p)
{
	const json_t *value = json_object_get(json->lk, "length");

	if (!value)
		return LK_OK;
	if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > LENGTH_MAX)
		return lk_prop_wrong(l, lk_prop_at(l, json->at, "lk.length"), "must be a number of characters, 1 to %d", LENGTH_MAX);
	p->length = (size_t)json_integer_value(value);
	return LK_OK;
}

static enum lk_status fixed_load(struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r)
{
	struct program *p = lk_arena_alloc(l->arena, sizeof(*p));

	if (!p)
		return lk_error_nomem(l->err);
	r->program = p;
	if (r->dialect.header && (json_object_get(json->dialect, "header") || json_object_get(json->dialect, "headerRows")))
		p->header_rows = r->dialect.header_rows[r->dialect.header_row_count - 1];
	LK_TRY(load_length(l, json, p));
	LK_TRY(lk_control_load(l, json, false, r));
	if (r->control)
		p->columns = lk_control_columns(r->control);
	return load_windows(l, json->at, r, p);
}

/* ---- the member's side ---- */

struct fixed {
	struct lk_sink *sink;
	const struct lk_resource *resource;
	const struct program *program;
	struct lk_lines lines;
	struct lk_ruler ruler;
	struct lk_control *control; /* NULL: none */
	struct lk_str context; /* as many lines as may be no records for where they stand, and the header before the record */
	size_t context_lines;  /* bytes of the former */
	struct lk_value *values; /* by field */
	int64_t longer; /* lines that have text behind all fields */
};

/* Nothing that could be seen, and what ends pages and files. */
static bool is_blank(const struct lk_line *line)
{
	for (size_t i = 0; i < line->len; i++)
		if (!lk_is_white(line->data[i]) && line->data[i] != '\f' && line->data[i] != END_OF_FILE)
			return false;
	return true;
}

/* Whether the line's number is among those of comments. */
static bool is_comment_row(const struct lk_dialect *dialect, int64_t number)
{
	for (int i = 0; i < dialect->comment_row_count && dialect->comment_rows[i] <= number; i++)
		if (dialect->comment_rows[i] == number)
			return true;
	return false;
}

/* Whether the line is there for people, or names the columns. */
static bool is_no_record(const struct fixed *f, struct lk_line *line)
{
	const char *comment = f->resource->dialect.comment;

	if (f->program->length)
		return false;
	while (line->len && *line->data == '\f') {
		line->data++;
		line->len--;
	}
	while (line->len && line->data[line->len - 1] == END_OF_FILE)
		line->len--;
	if (is_blank(line))
		return true;
	if (comment && line->len >= strlen(comment) && !memcmp(line->data, comment, strlen(comment)))
		return true;
	return line->number <= f->program->header_rows || is_comment_row(&f->resource->dialect, line->number);
}

/* Whether text stands behind all fields. */
static bool has_more(const struct fixed *f)
{
	struct lk_value v = lk_ruler_value(&f->ruler, &(struct lk_window){f->program->columns, SIZE_MAX});

	lk_text_trim(&v.data, &v.len);
	return v.len > 0;
}

static struct lk_value get_window(void *arg, const struct lk_window *w)
{
	return lk_ruler_value(arg, w);
}

/* Ends a line of the context as lines of the member end. */
static void end_context_line(struct fixed *f)
{
	if (f->lines.end == LK_LINES_MARK)
		lk_str_add(&f->context, f->lines.mark, f->lines.mark_len);
	else if (f->lines.end == LK_LINES_ANY)
		lk_str_addc(&f->context, '\n');
}

static enum lk_status keep_header(struct fixed *f, const struct lk_line *line, struct lk_error *err)
{
	f->context.len = f->context_lines;
	lk_str_add(&f->context, line->data, line->len);
	end_context_line(f);
	return lk_str_check(&f->context, err);
}

/* Lines are counted, so that one behind a header alone must not become a part of it. */
static enum lk_status make_context(struct fixed *f, struct lk_error *err)
{
	const struct lk_dialect *d = &f->resource->dialect;
	int last = d->comment_row_count ? d->comment_rows[d->comment_row_count - 1] : 0;

	if (last < f->program->header_rows)
		last = f->program->header_rows;
	for (int i = 0; !f->program->length && i < last && i < LK_RAW_BYTES; i++)
		end_context_line(f);
	f->context_lines = f->context.len;
	return lk_str_check(&f->context, err);
}

static enum lk_status take_record(struct fixed *f, const struct lk_line *line, const struct lk_place *place, struct lk_error *err)
{
	const struct program *p = f->program;
	bool own = true;

	if (!lk_ruler_measure(&f->ruler, line, p->columns))
		return lk_error_nomem(err);
	if (f->control)
		LK_TRY(lk_control_record(f->control, &(struct lk_control_source){get_window, &f->ruler}, place, &own, err));
	if (f->control && lk_control_at_header(f->control))
		LK_TRY(keep_header(f, line, err));
	if (!own)
		return LK_OK;
	for (int i = 0; i < f->resource->field_count; i++)
		if (f->resource->fields[i].origin == LK_ORIGIN_RECORD)
			f->values[i] = lk_ruler_value(&f->ruler, &p->windows[i]);
	if (f->control)
		lk_control_add(f->control, f->values);
	if (line->len > p->columns && !p->to_end)
		f->longer += has_more(f);
	return lk_sink_row(f->sink, f->values, NULL, place, err);
}

static enum lk_status reject(struct fixed *f, const char *reason, const struct lk_place *place, struct lk_error *err)
{
	return f->control ? lk_control_broken(f->control, reason, place, err)
			  : lk_sink_reject(f->sink, NULL, reason, place, err);
}

/* The end of a file whose lines have a length: something may be left, and line ends there mean nothing. */
static enum lk_status take_short(struct fixed *f, const struct lk_line *line, const struct lk_place *place, struct lk_error *err)
{
	char reason[96];

	if (is_blank(line))
		return LK_OK;
	snprintf(reason, sizeof(reason), "has fewer than %zu characters, and nothing follows it", f->program->length);
	return reject(f, reason, place, err);
}

static bool is_short(const struct fixed *f, const struct lk_line *line)
{
	size_t count = 0;

	if (!f->program->length || line->len >= 4 * f->program->length)
		return false;
	for (const char *p = line->data; p < line->data + line->len; count++)
		p += lk_lines_character(p, line->data + line->len);
	return count < f->program->length;
}

static enum lk_status take_lines(struct fixed *f, bool last, struct lk_error *err)
{
	struct lk_line line;

	while (lk_lines_next(&f->lines, last, &line)) {
		struct lk_place place = {.line = line.number, .raw = line.data, .raw_len = line.len,
			.context = f->context.data, .context_len = f->context.len};

		if (line.too_long)
			LK_TRY(reject(f, "is longer than 16 MiB", &place, err));
		else if (last && is_short(f, &line))
			LK_TRY(take_short(f, &line, &place, err));
		else if (!is_no_record(f, &line))
			LK_TRY(take_record(f, &line, &place, err));
	}
	return LK_OK;
}

/* ---- as a reader ---- */

/* A terminator that is no usual line end, as those of EBCDIC are none. */
static void begin_lines(struct fixed *f)
{
	const char *mark = f->resource->dialect.terminator;
	bool own = mark && *mark && strspn(mark, "\r\n") < strlen(mark);

	lk_lines_begin(&f->lines, f->program->length ? LK_LINES_LENGTH : own ? LK_LINES_MARK : LK_LINES_ANY, f->program->length);
	f->lines.mark = mark;
	f->lines.mark_len = mark ? strlen(mark) : 0;
}

static enum lk_status fixed_open(void **self, struct lk_sink *const *sinks, int count, struct lk_error *err)
{
	struct fixed *f = *self ? *self : calloc(1, sizeof(*f));

	(void)count;
	*self = f;
	if (!f)
		return lk_error_nomem(err);
	f->sink = sinks[0];
	f->resource = sinks[0]->resource;
	f->program = f->resource->program;
	f->longer = 0;
	begin_lines(f);
	f->values = calloc((size_t)f->resource->field_count, sizeof(*f->values));
	if (!f->values)
		return lk_error_nomem(err);
	LK_TRY(make_context(f, err));
	return lk_control_open(&f->control, f->sink, err);
}

static enum lk_status fixed_feed(void *self, const char *data, size_t len, struct lk_error *err)
{
	struct fixed *f = self;

	while (len && !f->sink->failed) {
		size_t n = len < CHUNK_BYTES ? len : CHUNK_BYTES;

		LK_TRY(lk_lines_add(&f->lines, data, n, err));
		LK_TRY(take_lines(f, false, err));
		data += n;
		len -= n;
	}
	return LK_OK;
}

static enum lk_status fixed_finish(void *self, struct lk_error *err)
{
	struct fixed *f = self;

	if (!f->sink->failed)
		LK_TRY(take_lines(f, true, err));
	if (f->longer)
		lk_sink_warn(f->sink, "%lld records have text behind column %zu, where no field is", (long long)f->longer,
			f->program->columns);
	return f->sink->failed || !f->control ? LK_OK : lk_control_finish(f->control, err);
}

static void fixed_clear(void *self)
{
	struct fixed *f = self;

	lk_control_close(f->control);
	f->control = NULL;
	free(f->values);
	lk_str_release(&f->context);
	f->values = NULL;
	lk_lines_clear(&f->lines);
}

static void fixed_close(void *self)
{
	struct fixed *f = self;

	if (!f)
		return;
	lk_control_close(f->control);
	free(f->values);
	lk_str_release(&f->context);
	lk_lines_release(&f->lines);
	lk_ruler_release(&f->ruler);
	free(f);
}

static const char *const words[] = {"fixed", NULL};
static const char *const properties[] = {"length", "recordType", "header", "trailer", NULL};

const struct lk_file_format lk_format_fixed = {
	.words = words,
	.properties = properties,
	.path_noun = "START:WIDTH",
	.trims = true,
	.load = fixed_load,
	.open = fixed_open,
	.feed = fixed_feed,
	.finish = fixed_finish,
	.clear = fixed_clear,
	.close = fixed_close,
};
