#include "lake/term.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lake/schema_text.h"

static const struct {
	const char *word;
	enum lk_transform transform;
} words[] = {
	{"identity", LK_TRANSFORM_IDENTITY}, {"bucket", LK_TRANSFORM_BUCKET}, {"truncate", LK_TRANSFORM_TRUNCATE},
	{"year", LK_TRANSFORM_YEAR}, {"month", LK_TRANSFORM_MONTH}, {"day", LK_TRANSFORM_DAY}, {"hour", LK_TRANSFORM_HOUR},
	{"void", LK_TRANSFORM_VOID}, {"years", LK_TRANSFORM_YEAR}, {"months", LK_TRANSFORM_MONTH}, {"days", LK_TRANSFORM_DAY},
	{"hours", LK_TRANSFORM_HOUR},
};

/* The word of a transform and the parenthesis behind it. */
static bool take_transform(struct lk_lexer *s, enum lk_transform *transform)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		struct lk_lexer ahead = *s;

		if (lk_lexer_word(&ahead, words[i].word) && lk_lexer_take(&ahead, '(')) {
			*s = ahead;
			*transform = words[i].transform;
			return true;
		}
	}
	return false;
}

static enum lk_status read_width(struct lk_lexer *s, struct lk_term *term, struct lk_error *err)
{
	int64_t width;

	LK_TRY(lk_lexer_number(s, INT32_MAX, &width, err));
	if (width < 1)
		return lk_error_set(err, LK_USAGE, "'%s': a number of a transform is at least 1", s->text);
	term->width = (int32_t)width;
	return LK_OK;
}

static enum lk_status read_arguments(struct lk_lexer *s, struct lk_term *term, struct lk_error *err)
{
	bool wide = term->transform == LK_TRANSFORM_BUCKET || term->transform == LK_TRANSFORM_TRUNCATE;

	if (wide && !lk_lexer_end(s) && isdigit((unsigned char)*s->at)) {
		LK_TRY(read_width(s, term, err));
		LK_TRY(lk_lexer_expect(s, ',', err));
	}
	LK_TRY(lk_lexer_path(s, "a column", &term->path, err));
	if (wide && !term->width) {
		LK_TRY(lk_lexer_expect(s, ',', err));
		LK_TRY(read_width(s, term, err));
	}
	return lk_lexer_expect(s, ')', err);
}

enum lk_status lk_term_read(struct lk_lexer *s, struct lk_term *term, struct lk_error *err)
{
	*term = (struct lk_term){LK_STR_INIT, LK_TRANSFORM_IDENTITY, 0};
	if (take_transform(s, &term->transform))
		return read_arguments(s, term, err);
	LK_TRY(lk_lexer_path(s, "a column or a transform of one", &term->path, err));
	if (lk_lexer_take(s, '('))
		return lk_error_set(err, LK_USAGE,
			"'%s': '%s' is no transform: identity, bucket, truncate, year, month, day, hour and void are", s->text,
			lk_str_text(&term->path));
	return LK_OK;
}

enum lk_status lk_term_parse(const char *text, struct lk_term *term, struct lk_error *err)
{
	struct lk_lexer s = {text, text};

	LK_TRY(lk_term_read(&s, term, err));
	return lk_lexer_end(&s) ? LK_OK : lk_lexer_error(&s, "the end", err);
}

void lk_term_release(struct lk_term *term)
{
	lk_str_release(&term->path);
}

static const char *word_of(enum lk_transform transform)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (words[i].transform == transform)
			return words[i].word;
	return "unknown";
}

void lk_term_name(const struct lk_term *term, struct lk_str *out)
{
	lk_str_adds(out, lk_str_text(&term->path));
	switch (term->transform) {
	case LK_TRANSFORM_IDENTITY:
		break;
	case LK_TRANSFORM_BUCKET:
		lk_str_addf(out, "_bucket_%d", (int)term->width);
		break;
	case LK_TRANSFORM_TRUNCATE:
		lk_str_addf(out, "_trunc_%d", (int)term->width);
		break;
	case LK_TRANSFORM_VOID:
		lk_str_adds(out, "_null");
		break;
	default:
		lk_str_addf(out, "_%s", word_of(term->transform));
	}
}

/* Each name of a path, quoted where it has to be. */
static void write_path(const char *path, struct lk_str *out)
{
	while (*path) {
		size_t len = strcspn(path, ".");
		char *name = strndup(path, len);

		lk_schema_write_name(name ? name : "", out);
		free(name);
		path += len;
		if (*path) {
			lk_str_addc(out, '.');
			path++;
		}
	}
}

void lk_term_write(const struct lk_term *term, struct lk_str *out)
{
	if (term->transform == LK_TRANSFORM_IDENTITY) {
		write_path(lk_str_text(&term->path), out);
		return;
	}
	lk_str_addf(out, "%s(", word_of(term->transform));
	if (term->width)
		lk_str_addf(out, "%d, ", (int)term->width);
	write_path(lk_str_text(&term->path), out);
	lk_str_addc(out, ')');
}
