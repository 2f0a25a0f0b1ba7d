#include "infer/guess_choice.h"

#include <math.h>
#include <string.h>

/* The readings that are weighed: each delimiter that the text has, with each quote that may be one. */
static const char *const DELIMITERS[] = {"", ",", ";", "\t", "|", ":", " ", "#", "~", "^", "$", "&", "*", "!", "%", "@", "=",
	"\x01", "\x1c", "\x1d", "\x1e", "\x1f", "||", "::", "\xc2\xa6", "\xc2\xa7", NULL};

static const char *const COMMENTS[] = {"#", "//", "--", "%", "!", NULL};

struct best {
	struct lk_form form;
	double bits, next; /* of the best form, and of the best with another delimiter */
};

bool lk_excerpt_has(const struct lk_excerpt *text, const char *what)
{
	return memmem(text->data, text->len, what, strlen(what)) != NULL;
}

static bool is_at(const char *text, size_t len, const char *mark)
{
	size_t n = strlen(mark);

	return len >= n && !memcmp(text, mark, n);
}

size_t lk_excerpt_lines(const struct lk_excerpt *text, const char *mark)
{
	bool begin = true;
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++) {
		bool end = text->data[i] == '\n' || text->data[i] == '\r';

		n += begin && !end && is_at(text->data + i, text->len - i, mark);
		begin = end;
	}
	return n;
}

static enum lk_status weigh(const struct lk_excerpt *text, struct lk_form *form, struct best *best, struct lk_error *err)
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

static enum lk_status weigh_quotes(const struct lk_excerpt *text, struct lk_form *form, struct best *best, struct lk_error *err)
{
	static const char QUOTES[] = {'"', 0, '\'', '`'}; /* where all are as good, the first one */

	for (size_t i = 0; i < sizeof(QUOTES); i++) {
		char pair[3] = {'\\', QUOTES[i], 0};

		form->quote = QUOTES[i];
		form->escape = 0;
		if (i && !memchr(text->data, form->quote ? form->quote : '"', text->len))
			continue;
		LK_TRY(weigh(text, form, best, err));
		if (!form->quote || !lk_excerpt_has(text, pair))
			continue;
		form->escape = '\\';
		LK_TRY(weigh(text, form, best, err));
	}
	return LK_OK;
}

/* A text without line ends, but with record separators, has records that end with these. */
static char terminator_of(const struct lk_excerpt *text)
{
	bool lines = memchr(text->data, '\n', text->len) || memchr(text->data, '\r', text->len);

	return !lines && memchr(text->data, '\x1e', text->len) ? '\x1e' : 0;
}

static enum lk_status weigh_delimiters(
	const struct lk_excerpt *text, const char *comment, struct best *best, struct lk_error *err)
{
	char terminator = terminator_of(text);

	for (size_t i = 0; DELIMITERS[i]; i++) {
		struct lk_form form = {.comment = comment, .terminator = terminator};

		if ((*DELIMITERS[i] && !lk_excerpt_has(text, DELIMITERS[i])) || (comment && *comment == *DELIMITERS[i]) ||
			(terminator && *DELIMITERS[i] == terminator))
			continue;
		form.delimiter_len = strlen(DELIMITERS[i]);
		memcpy(form.delimiter, DELIMITERS[i], form.delimiter_len);
		LK_TRY(weigh_quotes(text, &form, best, err));
	}
	return LK_OK;
}

/* Where comments are few they say nothing of the delimiter. */
static enum lk_status weigh_comments(
	const struct lk_excerpt *text, const char *mark, struct best *best, struct lk_error *err)
{
	size_t comments = lk_excerpt_lines(text, mark), lines = lk_excerpt_lines(text, "");
	struct lk_form form = best->form;

	if (!comments || comments == lines)
		return LK_OK;
	if (comments * 50 >= lines)
		return weigh_delimiters(text, mark, best, err);
	form.comment = mark;
	return weigh(text, &form, best, err);
}

/* Whether the byte beside nearly every delimiter, at its end or before its start, is the same, and may be a part of it. */
static bool beside(const struct lk_excerpt *text, const struct lk_form *form, bool before, char *out)
{
	const char *end = text->data + text->len, *p = text->data;
	size_t found = 0, same = 0, len = form->delimiter_len;

	*out = 0;
	while ((p = memmem(p, (size_t)(end - p), form->delimiter, len))) {
		const char *at = before ? p - 1 : p + len;
		char c = at >= text->data && at < end ? *at : 0;

		if (!found++)
			*out = c;
		same += c == *out;
		p += len;
	}
	return *out && strchr("|~^:;&", *out) && *out != form->delimiter[0] && same * 50 >= found * 49;
}

/* Delimiters of several characters, such as ~|~: what always stands beside the best one is tried as a part of it. */
static enum lk_status lengthen(const struct lk_excerpt *text, struct best *best, struct lk_error *err)
{
	for (int side = 0; side < 2; side++) {
		struct lk_form form = best->form;
		char c;

		if (!form.delimiter_len || form.delimiter_len >= LK_FORM_DELIMITER || !beside(text, &form, side, &c))
			continue;
		memmove(form.delimiter + side, best->form.delimiter, form.delimiter_len);
		form.delimiter[side ? 0 : form.delimiter_len] = c;
		form.delimiter[++form.delimiter_len] = 0;
		LK_TRY(weigh(text, &form, best, err));
	}
	return LK_OK;
}

enum lk_status lk_form_choose(const struct lk_excerpt *text, struct lk_form *form, double *margin, struct lk_error *err)
{
	struct best best = {.bits = INFINITY, .next = INFINITY};

	LK_TRY(weigh_delimiters(text, NULL, &best, err));
	for (size_t i = 0; COMMENTS[i]; i++)
		LK_TRY(weigh_comments(text, COMMENTS[i], &best, err));
	LK_TRY(lengthen(text, &best, err));
	*form = best.form;
	*margin = best.next - best.bits;
	return LK_OK;
}
