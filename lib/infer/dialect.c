#include "infer/dialect.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "infer/guess_choice.h"
#include "infer/guess_encoding.h"
#include "infer/guess_header.h"

#define SAMPLE (64 * 1024)
#define SAMPLE_BINARY (8 * 1024)
#define CONFIDENT_BITS 20 /* that halve the doubt */

/* The rows of the text under form, and whether blanks after delimiters are no part of the cells. */
static enum lk_status lay_out_as(
	const struct lk_excerpt *text, const struct lk_form *form, struct lk_layout *layout, bool *skip, struct lk_error *err)
{
	const char quote[2] = {form->quote, 0}, escape[2] = {form->escape, 0}, terminator[2] = {form->terminator, 0};
	struct lk_dialect dialect = {.delimiter = form->delimiter, .comment = form->comment};

	dialect.quote = form->quote ? quote : NULL;
	dialect.escape = form->escape ? escape : NULL;
	dialect.terminator = form->terminator ? terminator : NULL;
	dialect.double_quote = !form->escape;
	LK_TRY(lk_layout_guess(&dialect, text->data, text->len, text->whole, layout, err));
	*skip = strcmp(dialect.delimiter, " ") ? layout->cells && layout->blank_cells * 10 >= layout->cells * 9 :
						 lk_excerpt_has(text, "  ");
	if (!*skip)
		return LK_OK;
	dialect.skip_initial_space = true;
	return lk_layout_guess(&dialect, text->data, text->len, text->whole, layout, err);
}

/* A text that is shortest in one column: where commas make most of its records as wide they are its delimiter nevertheless, else one
 * is taken that occurs nowhere in data, of which text is the start. */
static enum lk_status undelimit(
	const struct lk_excerpt *text, const char *data, size_t len, struct lk_form *form, struct lk_error *err)
{
	static const char SPARE[] = ",\t;|\x1f";
	struct lk_layout layout;
	size_t i = 0;
	bool skip;

	form->delimiter[0] = ',';
	form->delimiter_len = 1;
	LK_TRY(lay_out_as(text, form, &layout, &skip, err));
	if (layout.columns > 1 && layout.usual * 2 >= layout.records)
		return LK_OK;
	while (SPARE[i + 1] && memchr(data, SPARE[i], len))
		i++;
	form->delimiter[0] = SPARE[i];
	return LK_OK;
}

/* As lay_out_as; where nothing names the columns but a first line that is a comment, such as "#id,name", that is the header. */
static enum lk_status lay_out(
	const struct lk_excerpt *text, struct lk_form *form, struct lk_layout *layout, bool *skip, struct lk_error *err)
{
	struct lk_form bare = *form;
	struct lk_layout other;
	bool other_skip;

	LK_TRY(lay_out_as(text, form, layout, skip, err));
	bare.comment = NULL;
	if (!form->comment || layout->header_count || layout->columns < 2 || strncmp(text->data, form->comment, strlen(form->comment)) ||
		lk_excerpt_lines(text, form->comment) > 1)
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
static bool binary(const struct lk_excerpt *text)
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

/* The start of data as UTF-8: whole lines, and little of binary rubbish. */
static enum lk_status excerpt(const char *data, size_t len, bool whole, struct lk_str *text, struct lk_excerpt *out,
	struct lk_guess *guess, struct lk_error *err)
{
	if (len > SAMPLE) {
		len = SAMPLE;
		whole = false;
	}
	guess->encoding = lk_encoding_guess(data, len, whole);
	LK_TRY(lk_encoding_text(data, len, guess->encoding, text, err));
	*out = (struct lk_excerpt){text->data, text->len, whole};
	if (out->len > SAMPLE_BINARY && binary(out)) {
		out->len = SAMPLE_BINARY;
		out->whole = false;
	}
	if (!out->whole)
		out->len = whole_lines(out->data, out->len);
	return LK_OK;
}

static enum lk_status guess_impl(
	const char *data, size_t len, bool whole, struct lk_str *room, struct lk_guess *out, struct lk_error *err)
{
	struct lk_excerpt text;
	struct lk_layout layout;
	struct lk_form form;
	double margin;
	bool skip;

	LK_TRY(excerpt(data, len, whole, room, &text, out, err));
	out->dialect = json_object();
	if (!out->dialect)
		return lk_error_nomem(err);
	if (!text.len)
		return LK_OK;
	LK_TRY(lk_form_choose(&text, &form, &margin, err));
	if (!form.delimiter_len)
		LK_TRY(undelimit(&text, data, len, &form, err));
	LK_TRY(lay_out(&text, &form, &layout, &skip, err));
	out->columns = layout.columns;
	out->flawed = layout.flawed;
	out->confidence = 1 - exp2(-margin / CONFIDENT_BITS);
	return describe(&form, &layout, skip, out, err);
}

enum lk_status lk_guess_dialect(const char *data, size_t len, bool whole, struct lk_guess *out, struct lk_error *err)
{
	struct lk_str room = LK_STR_INIT;
	enum lk_status status;

	*out = (struct lk_guess){.encoding = "utf-8"};
	status = guess_impl(data, len, whole, &room, out, err);
	lk_str_release(&room);
	if (status != LK_OK)
		lk_guess_release(out);
	return status;
}

void lk_guess_release(struct lk_guess *g)
{
	json_decref(g->dialect);
	*g = (struct lk_guess){.encoding = "utf-8"};
}
