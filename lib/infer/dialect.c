#include "infer/dialect.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "infer/guess_encoding.h"
#include "infer/guess_form.h"
#include "infer/guess_header.h"

#define SAMPLE (64 * 1024)
#define SAMPLE_BINARY (8 * 1024)
#define CONFIDENT_BITS 20 /* that halve the doubt */

/* The readings that are weighed: each delimiter that the text has, with each quote that may be one. */
static const char *const DELIMITERS[] = {"", ",", ";", "\t", "|", ":", " ", "#", "~", "^", "$", "&", "*", "!", "%", "@", "=",
	"\x01", "\x1c", "\x1d", "\x1e", "\x1f", "||", "\xc2\xa6", "\xc2\xa7", NULL};

static const char *const COMMENTS[] = {"#", "//", "--", "%", "!", NULL};

struct best {
	struct lk_form form;
	double bits, next; /* of the best form, and of the best with another delimiter */
};

static bool has_text(const struct lk_str *text, const char *what)
{
	return memmem(text->data, text->len, what, strlen(what)) != NULL;
}

static bool is_at(const char *text, size_t len, const char *mark)
{
	size_t n = strlen(mark);

	return len >= n && !memcmp(text, mark, n);
}

/* How many lines begin with mark. */
static size_t lines_with(const struct lk_str *text, const char *mark)
{
	bool begin = true;
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++) {
		n += begin && is_at(text->data + i, text->len - i, mark);
		begin = text->data[i] == '\n' || text->data[i] == '\r';
	}
	return n;
}

static enum lk_status weigh(const struct lk_str *text, struct lk_form *form, struct best *best, struct lk_error *err)
{
	double bits;

	LK_TRY(lk_form_bits(form, text->data, text->len, best->next, &bits, err));
	if (bits < best->bits) {
		if (strcmp(form->delimiter, best->form.delimiter))
			best->next = best->bits;
		best->bits = bits;
		best->form = *form;
	} else if (bits < best->next && strcmp(form->delimiter, best->form.delimiter)) {
		best->next = bits;
	}
	return LK_OK;
}

static enum lk_status weigh_quotes(const struct lk_str *text, struct lk_form *form, struct best *best, struct lk_error *err)
{
	static const char QUOTES[] = {'"', 0, '\'', '`'}; /* where all are as good, the first one */

	for (size_t i = 0; i < sizeof(QUOTES); i++) {
		char pair[3] = {'\\', QUOTES[i], 0};

		form->quote = QUOTES[i];
		form->escape = 0;
		if (i && !memchr(text->data, form->quote ? form->quote : '"', text->len))
			continue;
		LK_TRY(weigh(text, form, best, err));
		if (!form->quote || !has_text(text, pair))
			continue;
		form->escape = '\\';
		LK_TRY(weigh(text, form, best, err));
	}
	return LK_OK;
}

/* A text without line ends, but with record separators, has records that end with these. */
static char terminator_of(const struct lk_str *text)
{
	bool lines = memchr(text->data, '\n', text->len) || memchr(text->data, '\r', text->len);

	return !lines && memchr(text->data, '\x1e', text->len) ? '\x1e' : 0;
}

static enum lk_status weigh_delimiters(
	const struct lk_str *text, const char *comment, struct best *best, struct lk_error *err)
{
	char terminator = terminator_of(text);

	for (size_t i = 0; DELIMITERS[i]; i++) {
		struct lk_form form = {.comment = comment, .terminator = terminator};

		if ((*DELIMITERS[i] && !has_text(text, DELIMITERS[i])) || (comment && *comment == *DELIMITERS[i]) ||
			(terminator && *DELIMITERS[i] == terminator))
			continue;
		form.delimiter_len = strlen(DELIMITERS[i]);
		memcpy(form.delimiter, DELIMITERS[i], form.delimiter_len);
		LK_TRY(weigh_quotes(text, &form, best, err));
	}
	return LK_OK;
}

static enum lk_status choose(const struct lk_str *text, struct best *best, struct lk_error *err)
{
	*best = (struct best){.bits = 1e300, .next = 1e300};
	LK_TRY(weigh_delimiters(text, NULL, best, err));
	for (size_t i = 0; COMMENTS[i]; i++)
		if (lines_with(text, COMMENTS[i]))
			LK_TRY(weigh_delimiters(text, COMMENTS[i], best, err));
	return LK_OK;
}

/* The rows of the text under form, and whether blanks after delimiters are no part of the cells. */
static enum lk_status lay_out_as(
	const struct lk_str *text, const struct lk_form *form, struct lk_layout *layout, bool *skip, struct lk_error *err)
{
	const char quote[2] = {form->quote, 0}, escape[2] = {form->escape, 0}, terminator[2] = {form->terminator, 0};
	struct lk_dialect dialect = {.delimiter = form->delimiter, .comment = form->comment};

	dialect.quote = form->quote ? quote : NULL;
	dialect.escape = form->escape ? escape : NULL;
	dialect.terminator = form->terminator ? terminator : NULL;
	dialect.double_quote = !form->escape;
	LK_TRY(lk_layout_guess(&dialect, text->data, text->len, layout, err));
	*skip = strcmp(dialect.delimiter, " ") ? layout->cells && layout->blank_cells * 10 >= layout->cells * 9 :
						 has_text(text, "  ");
	if (!*skip)
		return LK_OK;
	dialect.skip_initial_space = true;
	return lk_layout_guess(&dialect, text->data, text->len, layout, err);
}

/* A text that is shortest in one column: where commas make most of its records as wide they are its delimiter nevertheless, else one
 * is taken that does not occur in it. */
static enum lk_status undelimit(const struct lk_str *text, struct lk_form *form, struct lk_error *err)
{
	static const char *const SPARE[] = {"\t", ";", "|", "\x1f", NULL};
	struct lk_layout layout;
	size_t i = 0;
	bool skip;

	form->delimiter[0] = ',';
	form->delimiter_len = 1;
	LK_TRY(lay_out_as(text, form, &layout, &skip, err));
	if (layout.columns == 1 ? layout.usual == layout.records : layout.usual * 2 >= layout.records)
		return LK_OK;
	while (SPARE[i] && memchr(text->data, *SPARE[i], text->len))
		i++;
	if (SPARE[i])
		form->delimiter[0] = *SPARE[i];
	return LK_OK;
}

/* As lay_out_as; where nothing names the columns but a first line that is a comment, such as "#id,name", that is the header. */
static enum lk_status lay_out(
	const struct lk_str *text, struct lk_form *form, struct lk_layout *layout, bool *skip, struct lk_error *err)
{
	struct lk_form bare = *form;
	struct lk_layout other;
	bool other_skip;

	LK_TRY(lay_out_as(text, form, layout, skip, err));
	bare.comment = NULL;
	if (!form->comment || layout->header_count || layout->columns < 2 || !is_at(text->data, text->len, form->comment) ||
		lines_with(text, form->comment) > 1)
		return LK_OK;
	LK_TRY(lay_out_as(text, &bare, &other, &other_skip, err));
	if (other.columns != layout->columns || other.header_count != 1 || other.header[0] != 1)
		return LK_OK;
	*form = bare;
	*layout = other;
	*skip = other_skip;
	return LK_OK;
}

static json_t *rows_json(const int *rows, int count)
{
	json_t *list = json_array();

	for (int i = 0; i < count && list; i++)
		if (json_array_append_new(list, json_integer(rows[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* Says in out's dialect what differs from the standard's defaults. */
static enum lk_status describe(
	const struct lk_form *form, const struct lk_layout *layout, bool skip, struct lk_guess *out, struct lk_error *err)
{
	json_t *d = out->dialect;
	int failed = 0;

	if (form->delimiter_len && strcmp(form->delimiter, ","))
		failed |= json_object_set_new(d, "delimiter", json_string(form->delimiter));
	if (!form->quote)
		failed |= json_object_set_new(d, "quoteChar", json_null());
	else if (form->quote != '"')
		failed |= json_object_set_new(d, "quoteChar", json_stringn(&form->quote, 1));
	if (form->escape)
		failed |= json_object_set_new(d, "escapeChar", json_stringn(&form->escape, 1));
	if (skip)
		failed |= json_object_set_new(d, "skipInitialSpace", json_true());
	if (form->terminator)
		failed |= json_object_set_new(d, "lineTerminator", json_stringn(&form->terminator, 1));
	if (form->comment)
		failed |= json_object_set_new(d, "commentChar", json_string(form->comment));
	if (layout->skipped_count)
		failed |= json_object_set_new(d, "commentRows", rows_json(layout->skipped, layout->skipped_count));
	if (!layout->header_count && layout->columns)
		failed |= json_object_set_new(d, "header", json_false());
	else if (layout->header_count && (layout->header_count > 1 || layout->header[0] != 1))
		failed |= json_object_set_new(d, "headerRows", rows_json(layout->header, layout->header_count));
	return failed ? lk_error_nomem(err) : LK_OK;
}

/* Whether there are control characters all over. */
static bool binary(const struct lk_str *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += !text->data[i] || ((unsigned char)text->data[i] < 0x20 && !strchr("\t\n\r\f\x01\x1c\x1d\x1e\x1f", text->data[i]));
	return n * 50 > text->len;
}

/* A sample ends with a whole line, where it has one. */
static size_t whole_lines(const char *data, size_t len)
{
	size_t end = len;

	while (end && data[end - 1] != '\n' && data[end - 1] != '\r')
		end--;
	return end ? end : len;
}

static enum lk_status guess_impl(
	const char *data, size_t len, bool whole, struct lk_str *text, struct lk_guess *out, struct lk_error *err)
{
	struct lk_layout layout;
	struct best best;
	bool skip;

	if (len > SAMPLE) {
		len = SAMPLE;
		whole = false;
	}
	out->encoding = lk_encoding_guess(data, len, whole);
	LK_TRY(lk_encoding_text(data, len, out->encoding, text, err));
	if (text->len > SAMPLE_BINARY && binary(text)) {
		text->len = SAMPLE_BINARY;
		whole = false;
	}
	if (!whole)
		text->len = whole_lines(text->data, text->len);
	out->dialect = json_object();
	if (!out->dialect)
		return lk_error_nomem(err);
	if (!text->len)
		return LK_OK;
	LK_TRY(choose(text, &best, err));
	if (!best.form.delimiter_len)
		LK_TRY(undelimit(text, &best.form, err));
	LK_TRY(lay_out(text, &best.form, &layout, &skip, err));
	out->columns = layout.columns;
	out->ragged = layout.ragged;
	out->flawed = layout.flawed;
	out->confidence = best.next >= 1e300 ? 1 : 1 - exp2((best.bits - best.next) / CONFIDENT_BITS);
	return describe(&best.form, &layout, skip, out, err);
}

enum lk_status lk_guess_dialect(const char *data, size_t len, bool whole, struct lk_guess *out, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	*out = (struct lk_guess){.encoding = "utf-8"};
	status = guess_impl(data, len, whole, &text, out, err);
	lk_str_release(&text);
	if (status != LK_OK)
		lk_guess_release(out);
	return status;
}

void lk_guess_release(struct lk_guess *g)
{
	json_decref(g->dialect);
	*g = (struct lk_guess){.encoding = "utf-8"};
}
