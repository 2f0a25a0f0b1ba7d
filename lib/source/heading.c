#include "source/heading.h"

#include <stdlib.h>
#include <string.h>

#include "source/tap.h"

/* ---- names ---- */

/* A row of the header: its names follow those of the rows above. */
static enum lk_status add_names(struct lk_heading *h, struct lk_split *s, struct lk_error *err)
{
	struct lk_str room = LK_STR_INIT;
	const char *ignored;
	bool nomem = false;

	if (!h->columns.names)
		h->line = s->line;
	LK_TRY(lk_columns_widen(&h->columns, s->cell_count, err));
	for (size_t i = 0; i < s->cell_count && !nomem; i++) {
		struct lk_str *name = &h->columns.names[i];
		struct lk_value v = {NULL};

		v.data = lk_split_text(s, &s->cells[i], &room, &v.len);
		nomem = !v.data;
		if (!v.data)
			break;
		if (s->unchecked)
			(void)lk_sink_utf8(h->sink, &v, &ignored); /* a name that is no text agrees with none */
		lk_text_trim(&v.data, &v.len);
		if (v.len && name->len)
			lk_str_adds(name, h->sink->resource->dialect.header_join);
		lk_str_add(name, v.data, v.len);
		nomem = name->failed;
	}
	lk_str_release(&room);
	return nomem ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status read_names(struct lk_heading *h, struct lk_split *s, struct lk_error *err)
{
	if (s->fault)
		lk_str_addf(&h->wrong, "the header: %s", s->fault);
	else if (s->cell_count > LK_COLUMNS_MAX)
		lk_str_addf(&h->wrong, "the header has %zu columns, more than %d", s->cell_count, LK_COLUMNS_MAX);
	else
		return add_names(h, s, err);
	if (!h->columns.names)
		h->line = s->line;
	return lk_str_check(&h->wrong, err);
}

/* All rows of the header are there. */
static enum lk_status match_names(struct lk_heading *h, struct lk_split *s, struct lk_error *err)
{
	const struct lk_watch *watch = h->sink->watch;
	const struct lk_tap *tap = h->sink->output ? h->sink->output->tap : NULL;

	h->done = true;
	LK_TRY(lk_columns_match(&h->columns, h->sink->resource, &h->wrong, err));
	s->width = h->columns.width;
	if (tap && !h->wrong.len)
		LK_TRY(tap->columns(tap->arg, h->sink->member, h->sink->resource, &h->columns, err));
	if (watch && watch->header)
		return watch->header(watch->arg, h->sink, h->columns.names, h->columns.width, err);
	return LK_OK;
}

/* ---- rows ---- */

/* Whether the row is on an ascending list, of which *seen are behind us. */
static bool is_listed(const int *rows, int count, int *seen, int64_t row)
{
	while (*seen < count && rows[*seen] < row)
		++*seen;
	if (*seen == count || rows[*seen] > row)
		return false;
	++*seen;
	return true;
}

/* A row up to the header's last: part of the header, or before it. Where those of the header are empty, it is the next one that is
 * not. */
static enum lk_status take_row(struct lk_heading *h, struct lk_split *s, bool empty, struct lk_error *err)
{
	const struct lk_dialect *d = &h->sink->resource->dialect;
	int64_t last = d->header_rows[d->header_row_count - 1];
	bool listed = is_listed(d->header_rows, d->header_row_count, &h->rows, s->row);

	if (!empty && (listed || s->row > last))
		LK_TRY(read_names(h, s, err));
	return s->row >= last && h->columns.names && !h->wrong.len ? match_names(h, s, err) : LK_OK;
}

/* A line of nothing but blanks, or what ends files of DOS, is no record where that has several fields. */
static bool is_void(const struct lk_heading *h, const struct lk_split *s)
{
	const struct lk_split_cell *cell = s->cells;

	if (s->fault || s->cell_count != 1 || h->columns.width == 1 || cell->quoted || cell->marked)
		return false;
	for (size_t i = cell->start; i < cell->end; i++)
		if (!memchr(" \t\f\x1a", s->buf[i], 4))
			return false;
	return true;
}

enum lk_status lk_heading_row(struct lk_heading *h, struct lk_split *s, bool blank, bool *record, struct lk_error *err)
{
	const struct lk_dialect *d = &h->sink->resource->dialect;
	bool empty = is_listed(d->comment_rows, d->comment_row_count, &h->comments, s->row) || blank || is_void(h, s);

	*record = h->done && !empty;
	return h->done ? LK_OK : take_row(h, s, empty, err);
}

/* ---- a heading's life ---- */

/* How many columns a header must have; 0 where that cannot be told. */
static size_t expected_width(const struct lk_resource *r)
{
	size_t width = 0;

	if (r->dialect.header && r->match != LK_FIELDS_EXACT && r->match != LK_FIELDS_EQUAL)
		return 0;
	for (int i = 0; i < r->field_count; i++)
		width += r->fields[i].origin == LK_ORIGIN_RECORD;
	return width;
}

enum lk_status lk_heading_begin(
	struct lk_heading *h, struct lk_sink *sink, struct lk_split *s, struct lk_error *err)
{
	const struct lk_resource *r = sink->resource;

	h->sink = sink;
	s->width = expected_width(r);
	h->done = !r->dialect.header;
	return h->done ? lk_columns_assume(&h->columns, r, err) : LK_OK;
}

void lk_heading_release(struct lk_heading *h)
{
	lk_columns_release(&h->columns);
	lk_str_release(&h->wrong);
	*h = (struct lk_heading){0};
}

/* ---- choosing ---- */

static enum lk_status read_head(struct lk_heading *h, struct lk_split *s, struct lk_sink *sink, const struct lk_head *head,
	struct lk_error *err)
{
	lk_split_init(s, &sink->resource->dialect);
	LK_TRY(lk_heading_begin(h, sink, s, err));
	LK_TRY(lk_split_feed(s, head->data, head->len, err));
	lk_split_end(s);
	while (!h->done && !h->wrong.len) {
		enum lk_split_what what;
		bool record;

		LK_TRY(lk_split_next(s, &what, err));
		if (what >= LK_SPLIT_MORE)
			break;
		LK_TRY(lk_heading_row(h, s, what == LK_SPLIT_BLANK, &record, err));
	}
	return LK_OK;
}

enum lk_status lk_heading_agrees(const struct lk_resource *r, const struct lk_head *head, const char *encoding, bool *agrees,
	struct lk_error *err)
{
	struct lk_sink sink = {.resource = r, .encoding = encoding}; /* that no record reaches */
	struct lk_heading h = {0};
	struct lk_split s = {0};
	enum lk_status status = read_head(&h, &s, &sink, head, err);

	*agrees = h.done && !h.wrong.len;
	lk_heading_release(&h);
	lk_split_release(&s);
	lk_sink_release(&sink);
	return status;
}
