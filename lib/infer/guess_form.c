#include "infer/guess_form.h"

#include <string.h>

#define UNCLOSED_MAX 16

void lk_form_start(struct lk_form_reader *r, const struct lk_form *form, const char *text, size_t len)
{
	*r = (struct lk_form_reader){.form = form, .pos = text, .end = text + len};
}

static bool line_end(const struct lk_form *form, const char *p, const char *end)
{
	return p >= end || (form->terminator ? *p == form->terminator : *p == '\n' || *p == '\r');
}

static bool delimiter_at(const struct lk_form *form, const char *p, const char *end)
{
	return form->delimiter_len && p < end && *p == form->delimiter[0] && (size_t)(end - p) >= form->delimiter_len &&
	       !memcmp(p, form->delimiter, form->delimiter_len);
}

static const char *skip_blanks(const struct lk_form *form, const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t') && (!delimiter_at(form, p, end) || *p == ' '))
		p++;
	return p;
}

static void skip_line_end(struct lk_form_reader *r)
{
	bool cr = r->pos < r->end && *r->pos == '\r';

	if (r->pos < r->end)
		r->pos++;
	if (cr && !r->form->terminator && r->pos < r->end && *r->pos == '\n')
		r->pos++;
}

static bool is_comment(const struct lk_form *form, const char *p, const char *end)
{
	size_t len = form->comment ? strlen(form->comment) : 0;

	return len && (size_t)(end - p) >= len && !memcmp(p, form->comment, len);
}

bool lk_form_comment(struct lk_form_reader *r, const char **line, size_t *len)
{
	while (r->pos < r->end && line_end(r->form, r->pos, r->end))
		r->pos++;
	if (r->pos >= r->end || !is_comment(r->form, r->pos, r->end))
		return false;
	*line = r->pos;
	while (!line_end(r->form, r->pos, r->end))
		r->pos++;
	*len = (size_t)(r->pos - *line);
	skip_line_end(r);
	return true;
}

/* The quote that closes the cell whose text begins at p, or NULL. */
static const char *closing(struct lk_form_reader *r, const char *p, bool *flawed)
{
	const struct lk_form *form = r->form;

	if (r->unclosed >= UNCLOSED_MAX)
		return NULL;
	for (; p < r->end; p++) {
		const char *after;

		if (form->escape && *p == form->escape && p + 1 < r->end && p[1] == form->quote) {
			p++;
			continue;
		}
		if (*p != form->quote)
			continue;
		if (!form->escape && p + 1 < r->end && p[1] == form->quote) {
			p++;
			continue;
		}
		after = skip_blanks(form, p + 1, r->end);
		if (line_end(form, after, r->end) || delimiter_at(form, after, r->end) || delimiter_at(form, p + 1, r->end))
			return p;
		*flawed = true;
	}
	r->unclosed++;
	return NULL;
}

bool lk_form_cell(struct lk_form_reader *r, struct lk_form_cell *out)
{
	const struct lk_form *form = r->form;
	const char *start, *end;

	if (r->pos > r->end)
		return false;
	*out = (struct lk_form_cell){.text = r->pos};
	start = skip_blanks(form, r->pos, r->end);
	if (form->quote && start < r->end && *start == form->quote) {
		end = closing(r, start + 1, &out->flawed);
		if (end) {
			out->blanks = (size_t)(start - r->pos);
			out->text = start + 1;
			out->len = (size_t)(end - out->text);
			out->quoted = true;
			r->pos = end + 1;
			if (!delimiter_at(form, r->pos, r->end))
				r->pos = skip_blanks(form, r->pos, r->end);
		} else {
			out->flawed = true;
		}
	}
	if (!out->quoted) {
		if (form->delimiter_len && form->delimiter[0] == ' ') {
			out->blanks = (size_t)(start - r->pos);
			out->text = r->pos = start;
		}
		while (!line_end(r->form, r->pos, r->end) && !delimiter_at(form, r->pos, r->end))
			r->pos++;
		out->len = (size_t)(r->pos - out->text);
	}
	if (delimiter_at(form, r->pos, r->end)) {
		r->pos += form->delimiter_len;
	} else {
		out->last = true;
		skip_line_end(r);
	}
	return true;
}
