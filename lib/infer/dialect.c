#include "infer/dialect.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "infer/guess_encoding.h"
#include "infer/guess_form.h"

#define SAMPLE (64 * 1024)

/* The readings that are weighed: each delimiter that the text has, with each quote that may be one. */
static const char *const DELIMITERS[] = {"", ",", ";", "\t", "|", ":", " ", "#", "~", "^", "$", "&", "*", "!", "%", "@", "=",
	"\x01", "\x1c", "\x1d", "\x1e", "\x1f", "||", "\xc2\xa6", "\xc2\xa7", NULL};

struct best {
	struct lk_form form;
	double bits, next; /* of the best form, and of the best with another delimiter */
};

static bool has_text(const struct lk_str *text, const char *what)
{
	return memmem(text->data, text->len, what, strlen(what)) != NULL;
}

/* Lines that begin with a hash are comments unless all do. */
static char comment_char(const struct lk_str *text)
{
	size_t lines = 0, hashes = 0;

	for (const char *p = text->data, *end = p + text->len; p < end; p++) {
		if ((p == text->data || p[-1] == '\n' || p[-1] == '\r') && *p != '\n' && *p != '\r') {
			lines++;
			hashes += *p == '#';
		}
	}
	return hashes && hashes < lines ? '#' : 0;
}

static enum lk_status weigh(const struct lk_str *text, struct lk_form *form, struct best *best, struct lk_error *err)
{
	double bits;

	LK_TRY(lk_form_bits(form, text->data, text->len, &bits, err));
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

static enum lk_status choose(const struct lk_str *text, struct best *best, struct lk_error *err)
{
	char comment = comment_char(text);

	*best = (struct best){.bits = 1e300, .next = 1e300};
	for (size_t i = 0; DELIMITERS[i]; i++) {
		struct lk_form form = {.comment = comment};

		if (*DELIMITERS[i] && !has_text(text, DELIMITERS[i]))
			continue;
		if (*DELIMITERS[i] == comment)
			form.comment = 0;
		form.delimiter_len = strlen(DELIMITERS[i]);
		memcpy(form.delimiter, DELIMITERS[i], form.delimiter_len);
		LK_TRY(weigh_quotes(text, &form, best, err));
	}
	return LK_OK;
}

static enum lk_status guess_impl(
	const char *data, size_t len, bool whole, struct lk_str *text, struct lk_guess *out, struct lk_error *err)
{
	struct best best;

	if (len > SAMPLE) {
		len = SAMPLE;
		whole = false;
	}
	out->encoding = lk_encoding_guess(data, len, whole);
	LK_TRY(lk_encoding_text(data, len, out->encoding, text, err));
	out->dialect = json_object();
	if (!out->dialect)
		return lk_error_nomem(err);
	if (!text->len)
		return LK_OK;
	LK_TRY(choose(text, &best, err));
	if (*best.form.delimiter && strcmp(best.form.delimiter, ","))
		json_object_set_new(out->dialect, "delimiter", json_string(best.form.delimiter));
	if (!best.form.quote)
		json_object_set_new(out->dialect, "quoteChar", json_null());
	else if (best.form.quote != '"')
		json_object_set_new(out->dialect, "quoteChar", json_stringn(&best.form.quote, 1));
	if (best.form.escape)
		json_object_set_new(out->dialect, "escapeChar", json_stringn(&best.form.escape, 1));
	out->confidence = best.next >= 1e300 ? 1 : 1 - best.bits / best.next;
	return LK_OK;
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
