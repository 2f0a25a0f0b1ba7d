#include "lake/lexer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool begins_name(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool in_name(char c)
{
	return begins_name(c) || isdigit((unsigned char)c) || c == '$';
}

bool lk_lexer_end(struct lk_lexer *s)
{
	while (is_blank(*s->at))
		s->at++;
	return !*s->at;
}

enum lk_status lk_lexer_error(struct lk_lexer *s, const char *expected, struct lk_error *err)
{
	if (lk_lexer_end(s))
		return lk_error_set(err, LK_USAGE, "'%s': %s is expected behind it", s->text, expected);
	return lk_error_set(err, LK_USAGE, "'%s': %s is expected at '%.40s'", s->text, expected, s->at);
}

bool lk_lexer_take(struct lk_lexer *s, char c)
{
	if (lk_lexer_end(s) || *s->at != c)
		return false;
	s->at++;
	return true;
}

enum lk_status lk_lexer_expect(struct lk_lexer *s, char c, struct lk_error *err)
{
	const char expected[] = {'\'', c, '\'', 0};

	return lk_lexer_take(s, c) ? LK_OK : lk_lexer_error(s, expected, err);
}

bool lk_lexer_is(const struct lk_lexer *s, const char *word)
{
	const char *at = s->at;
	size_t len = strlen(word);

	while (is_blank(*at))
		at++;
	return !strncasecmp(at, word, len) && !in_name(at[len]);
}

bool lk_lexer_word(struct lk_lexer *s, const char *word)
{
	if (!lk_lexer_is(s, word))
		return false;
	lk_lexer_end(s);
	s->at += strlen(word);
	return true;
}

/* What stands between two of these quotes. */
static enum lk_status quoted(struct lk_lexer *s, char quote, struct lk_str *out, struct lk_error *err)
{
	const char *begin = s->at++;

	for (;; s->at++) {
		if (!*s->at)
			return lk_error_set(err, LK_USAGE, "'%s': the quote at '%.40s' is not closed", s->text, begin);
		if (*s->at == quote && s->at[1] == quote)
			s->at++;
		else if (*s->at == quote)
			break;
		lk_str_addc(out, *s->at);
	}
	s->at++;
	return lk_str_check(out, err);
}

enum lk_status lk_lexer_name(struct lk_lexer *s, const char *what, struct lk_str *out, struct lk_error *err)
{
	size_t len = 0, before = out->len;

	lk_lexer_end(s);
	if (*s->at == '"' || *s->at == '`') {
		LK_TRY(quoted(s, *s->at, out, err));
		if (out->len == before || !lk_utf8_valid(out->data + before, out->len - before))
			return lk_error_set(err, LK_USAGE, "'%s': a name must not be empty, and is UTF-8", s->text);
		return LK_OK;
	}
	if (!begins_name(*s->at))
		return lk_lexer_error(s, what, err);
	while (in_name(s->at[len]))
		len++;
	if (!lk_utf8_valid(s->at, len))
		return lk_error_set(err, LK_USAGE, "'%s': a name is not UTF-8", s->text);
	lk_str_add(out, s->at, len);
	s->at += len;
	return lk_str_check(out, err);
}

enum lk_status lk_lexer_path(struct lk_lexer *s, const char *what, struct lk_str *out, struct lk_error *err)
{
	LK_TRY(lk_lexer_name(s, what, out, err));
	while (lk_lexer_take(s, '.')) {
		lk_str_addc(out, '.');
		LK_TRY(lk_lexer_name(s, "a name", out, err));
	}
	return lk_str_check(out, err);
}

enum lk_status lk_lexer_text(struct lk_lexer *s, struct lk_str *out, struct lk_error *err)
{
	size_t before = out->len;

	if (lk_lexer_end(s) || *s->at != '\'')
		return lk_lexer_error(s, "a text in single quotes", err);
	LK_TRY(quoted(s, '\'', out, err));
	if (out->len > before && !lk_utf8_valid(out->data + before, out->len - before))
		return lk_error_set(err, LK_USAGE, "'%s': a text is not UTF-8", s->text);
	return LK_OK;
}

enum lk_status lk_lexer_number(struct lk_lexer *s, int64_t max, int64_t *out, struct lk_error *err)
{
	lk_lexer_end(s);
	if (!isdigit((unsigned char)*s->at))
		return lk_lexer_error(s, "a number", err);
	for (*out = 0; isdigit((unsigned char)*s->at); s->at++) {
		*out = *out * 10 + (*s->at - '0');
		if (*out > max)
			return lk_error_set(err, LK_USAGE, "'%s': a number is above %lld", s->text, (long long)max);
	}
	return LK_OK;
}
