/*
 * Delimited text: the dialect is guessed, and the header read by the reader itself, as it names columns that have no name, or one
 * that another has.
 */
#include <stdlib.h>
#include <string.h>

#include "infer/dialect.h"
#include "infer/draft.h"
#include "infer/form.h"
#include "infer/guess_encoding.h"
#include "source/package.h"
#include "source/parse.h"
#include "source/split.h"

#define WIDTH_RECORDS 1000 /* that say how many columns a text without a header has */

static bool is_any(const struct lk_sample_head *head)
{
	(void)head;
	return true;
}

/* ---- the header ---- */

struct names {
	struct lk_arena *arena;
	struct lk_table *table;
};

static enum lk_status take_header(
	void *arg, const struct lk_sink *s, const struct lk_str *names, size_t count, struct lk_error *err)
{
	struct names *n = arg;

	(void)s;
	for (size_t i = 0; i < count; i++) {
		struct lk_str name = LK_STR_INIT;
		const char *kept;

		lk_add_clean(&name, lk_str_text(&names[i]), names[i].len);
		kept = name.failed ? NULL : lk_arena_strdup(n->arena, lk_str_text(&name));
		lk_str_release(&name);
		LK_TRY(lk_table_add_column(n->table, kept, NULL, err));
	}
	return LK_OK;
}

static enum lk_status pass_row(void *arg, const struct lk_sink *s, const struct lk_value *values, const struct lk_text *rest,
	const struct lk_place *place, struct lk_error *err)
{
	(void)arg, (void)s, (void)values, (void)rest, (void)place, (void)err;
	return LK_OK;
}

static enum lk_status pass_reject(void *arg, const struct lk_sink *s, const char *field, const char *reason,
	const struct lk_place *place, struct lk_error *err)
{
	(void)arg, (void)s, (void)field, (void)reason, (void)place, (void)err;
	return LK_OK;
}

/* The header is not that of the package by which it is read. */
static enum lk_status pass_end(void *arg, const struct lk_sink *s, struct lk_error *err)
{
	struct names *n = arg;

	if (n->table->count)
		return LK_OK;
	n->table->failed = lk_arena_strdup(n->arena, lk_str_text(&s->error));
	return n->table->failed ? LK_OK : lk_error_nomem(err);
}

static enum lk_status read_header(
	struct lk_arena *arena, const struct lk_sample_head *head, struct lk_table *t, struct lk_sources *sources, struct lk_error *err)
{
	struct names names = {arena, t};
	struct lk_watch watch = {&names, take_header, pass_row, pass_reject, pass_end};
	struct lk_source_member member = {.delivery = "sample", .sha256 = "", .sender = "", .member = "sample"};
	struct lk_parser *parser;
	enum lk_status status;

	LK_TRY(lk_parser_open(&parser, sources, "sample", NULL, err));
	lk_parser_watch(parser, &watch);
	status = lk_parser_begin(parser, &member, err);
	if (status == LK_OK)
		status = lk_parser_feed(parser, head->data, head->len, err);
	if (status == LK_OK)
		status = lk_parser_end(parser, NULL, err);
	lk_parser_close(parser);
	return status;
}

/* ---- no header ---- */

/* How many cells most of the first records have; of equally many, the larger number. */
static enum lk_status count_columns(
	struct lk_split *split, const struct lk_str *text, bool whole, size_t *width, struct lk_error *err)
{
	size_t *counts = NULL, cap = 0, most = 0;
	enum lk_status status = lk_split_feed(split, lk_str_text(text), text->len, err);
	enum lk_split_what what;
	int records = 0;

	*width = 1;
	if (whole)
		lk_split_end(split);
	while (status == LK_OK && records < WIDTH_RECORDS) {
		size_t n, old = cap;

		status = lk_split_next(split, &what, err);
		if (status != LK_OK || what >= LK_SPLIT_MORE)
			break;
		if (what == LK_SPLIT_BLANK)
			continue;
		n = split->cell_count;
		if (!lk_grow((void **)&counts, &cap, n + 1, sizeof(*counts))) {
			status = lk_error_nomem(err);
			break;
		}
		memset(counts + old, 0, (cap - old) * sizeof(*counts));
		records++;
		if (++counts[n] > most || (counts[n] == most && n > *width)) {
			most = counts[n];
			*width = n;
		}
	}
	free(counts);
	return status;
}

static enum lk_status name_columns(struct lk_arena *arena, struct lk_table *t, size_t count, struct lk_error *err)
{
	for (size_t i = 0; i < count; i++)
		LK_TRY(lk_table_add_column(t, lk_arena_printf(arena, "column_%zu", i + 1), NULL, err));
	return LK_OK;
}

static enum lk_status find_width(const struct lk_sample_head *head, const struct lk_table *t, const struct lk_dialect *dialect,
	size_t *width, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	struct lk_split split = {0};
	enum lk_status status = lk_encoding_text(head->data, head->len, t->encodings[0], &text, err);

	if (status == LK_OK) {
		lk_split_init(&split, dialect);
		status = count_columns(&split, &text, head->whole, width, err);
	}
	lk_split_release(&split);
	lk_str_release(&text);
	return status;
}

/* ---- the whole ---- */

/* A package of the table with `count` columns that have no names. Where there is none, t->failed says why. */
static enum lk_status open_plain(struct lk_arena *arena, const struct lk_sample_head *head, struct lk_table *t, size_t count,
	struct lk_sources **sources, struct lk_error *err)
{
	struct lk_table plain = *t;
	enum lk_status status;
	char *text;

	plain.columns = lk_arena_alloc(arena, count * sizeof(*plain.columns));
	plain.count = (int)count;
	if (!plain.columns)
		return lk_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		plain.columns[i].name = "column";
	text = lk_draft_plain(&plain);
	if (!text)
		return lk_error_nomem(err);
	*sources = NULL;
	status = lk_sources_open_text(sources, head->name, text, strlen(text), err);
	free(text);
	if (status != LK_CONFIG)
		return status;
	t->failed = lk_arena_strdup(arena, err->message); /* what was guessed is nothing that a package can say */
	return t->failed ? LK_OK : lk_error_nomem(err);
}

static enum lk_status add_columns_by(struct lk_arena *arena, const struct lk_sample_head *head, struct lk_table *t,
	struct lk_sources **sources, struct lk_error *err)
{
	const struct lk_dialect *dialect = &(*sources)->packages[0]->resources[0].dialect;
	size_t width = 1;

	t->has_header = dialect->header;
	if (!t->has_header || t->flawed)
		LK_TRY(find_width(head, t, dialect, &width, err));
	if (!t->has_header)
		return name_columns(arena, t, width, err);
	if (width > 1) { /* a header whose quotes are wrong is mended to as many */
		lk_sources_close(*sources);
		LK_TRY(open_plain(arena, head, t, width, sources, err));
	}
	return t->failed ? LK_OK : read_header(arena, head, t, *sources, err);
}

static enum lk_status add_columns(
	struct lk_arena *arena, const struct lk_sample_head *head, struct lk_table *t, struct lk_error *err)
{
	struct lk_sources *sources;
	enum lk_status status;

	LK_TRY(open_plain(arena, head, t, 1, &sources, err));
	if (t->failed)
		return LK_OK;
	status = add_columns_by(arena, head, t, &sources, err);
	lk_sources_close(sources);
	return status;
}

static enum lk_status guess(const struct lk_sample_head *head, struct lk_table *t, struct lk_error *err)
{
	struct lk_guess guess;

	LK_TRY(lk_guess_dialect(head->data, head->len, head->whole, &guess, err));
	lk_table_add_encoding(t, guess.encoding);
	t->dialect = guess.dialect;
	t->flawed = guess.flawed;
	return LK_OK;
}

static int set_mark(json_t *dialect, const char *key, const char *mark)
{
	return json_object_set_new(dialect, key, mark ? json_string(mark) : json_null());
}

static int set_rows(json_t *dialect, const char *key, const int *rows, int count)
{
	json_t *list = json_array();
	int failures = 0;

	for (int i = 0; i < count; i++)
		failures |= json_array_append_new(list, json_integer(rows[i]));
	return failures | json_object_set_new(dialect, key, list);
}

/* As a resource that is known is written. */
static enum lk_status take_dialect(const struct lk_resource *r, struct lk_table *t, struct lk_error *err)
{
	const struct lk_dialect *d = &r->dialect;
	int failures = 0;

	t->dialect = json_pack("{ss sb sb}", "delimiter", d->delimiter, "doubleQuote", d->double_quote, "skipInitialSpace",
		d->skip_initial_space);
	failures |= set_mark(t->dialect, "quoteChar", d->quote);
	failures |= set_mark(t->dialect, "escapeChar", d->escape);
	failures |= set_mark(t->dialect, "commentChar", d->comment);
	if (d->terminator)
		failures |= set_mark(t->dialect, "lineTerminator", d->terminator);
	failures |= set_rows(t->dialect, "commentRows", d->comment_rows, d->comment_row_count);
	if (d->header) {
		failures |= set_rows(t->dialect, "headerRows", d->header_rows, d->header_row_count);
		failures |= set_mark(t->dialect, "headerJoin", d->header_join);
	} else {
		failures |= json_object_set_new(t->dialect, "header", json_false());
	}
	for (int i = 0; i < r->encodings.count; i++)
		lk_table_add_encoding(t, r->encodings.names[i]);
	return failures ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status draft(struct lk_arena *arena, const struct lk_sample_head *head, struct lk_table *t, struct lk_error *err)
{
	t->format = "csv";
	t->same_order = true;
	LK_TRY(head->like ? take_dialect(head->like, t, err) : guess(head, t, err));
	return add_columns(arena, head, t, err);
}

const struct lk_sample_form lk_form_delimited = {is_any, draft};
