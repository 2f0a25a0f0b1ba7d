#include "source/json_split.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES (1024 * 1024)

void lk_json_split_begin(struct lk_json_split *s)
{
	*s = (struct lk_json_split){.buf = s->buf, .cap = s->cap, .line = 1};
}

void lk_json_split_release(struct lk_json_split *s)
{
	free(s->buf);
	*s = (struct lk_json_split){0};
}

void lk_json_split_clear(struct lk_json_split *s)
{
	if (s->cap > KEPT_BYTES)
		lk_json_split_release(s);
}

enum lk_status lk_json_split_add(struct lk_json_split *s, const char *data, size_t len, struct lk_error *err)
{
	size_t done = s->inside && !s->skipping ? s->start : s->at, cap = s->cap ? s->cap : 4096;

	if (done) {
		memmove(s->buf, s->buf + done, s->len - done);
		s->len -= done;
		s->at -= done;
		s->start = 0;
	}
	while (cap < s->len + len)
		cap *= 2;
	if (cap != s->cap) {
		char *grown = realloc(s->buf, cap);

		if (!grown)
			return lk_error_nomem(err);
		s->buf = grown;
		s->cap = cap;
	}
	if (len)
		memcpy(s->buf + s->len, data, len);
	s->len += len;
	return LK_OK;
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The value that begins or goes on here ended: hands it out, unless its beginning was. */
static bool hand_out(struct lk_json_split *s, size_t end, bool too_long, struct lk_line *value)
{
	bool told = s->skipping;

	*value = (struct lk_line){
		.data = s->buf + s->start, .len = end - s->start, .number = s->begun_line, .too_long = too_long};
	s->skipping = too_long;
	s->inside = too_long;
	return !told;
}

static void begin_value(struct lk_json_split *s, char c)
{
	s->inside = true;
	s->start = s->at;
	s->begun_line = s->line;
	s->depth = 0;
	s->escaped = false;
	s->comma = false;
	s->in_string = false;
	s->scalar = c != '{' && c != '[' && c != '"';
}

static void set_problem(struct lk_json_split *s, const char *problem)
{
	s->problem = problem;
	s->begun_line = s->line;
}

/* A character between values. */
static void take_between(struct lk_json_split *s, char c)
{
	if (c == '\n')
		s->line++;
	if (is_white(c)) {
		s->at++;
	} else if (!s->begun && c == '[') {
		s->begun = s->array = true;
		s->at++;
	} else if (s->ended) {
		set_problem(s, "text follows the array");
	} else if (s->array && c == ']') {
		s->ended = true;
		s->at++;
	} else if (s->array && c == ',' && !s->comma) {
		s->comma = true;
		s->at++;
	} else if (c == ']' || c == '}' || c == ',' || c == ':') {
		set_problem(s, "a value is missing between two others");
	} else {
		s->begun = true;
		begin_value(s, c);
	}
}

/* A character of a value. True: it is the last, or the one behind it when that is a number or a word. */
static bool take_inside(struct lk_json_split *s, char c)
{
	if (c == '\n')
		s->line++;
	if (s->in_string) {
		if (s->escaped)
			s->escaped = false;
		else if (c == '\\')
			s->escaped = true;
		else if (c == '"')
			s->in_string = false;
		return !s->in_string && !s->depth;
	}
	if (c == '"') {
		s->in_string = true;
	} else if (c == '{' || c == '[') {
		s->depth++;
	} else if (c == '}' || c == ']') {
		return --s->depth <= 0;
	}
	return false;
}

/* Where plain text within a string ends. */
static void skip_plain(struct lk_json_split *s)
{
	while (s->at < s->len && s->buf[s->at] != '"' && s->buf[s->at] != '\\' && s->buf[s->at] != '\n')
		s->at++;
}

static bool ends_scalar(char c)
{
	return is_white(c) || c == ',' || c == ']' || c == '}' || c == '[' || c == '{' || c == '"';
}

bool lk_json_split_next(struct lk_json_split *s, bool last, struct lk_line *value)
{
	if (!s->begun && s->len - s->at < 3 && !last)
		return false;
	if (!s->begun && !s->at && s->len >= 3 && !memcmp(s->buf, "\xef\xbb\xbf", 3))
		s->at = 3;
	while (s->at < s->len && !s->problem) {
		char c = s->buf[s->at];

		if (!s->inside) {
			take_between(s, c);
		} else if (s->scalar && ends_scalar(c)) {
			if (hand_out(s, s->at, false, value))
				return true;
		} else {
			s->at++;
			if (!s->scalar && take_inside(s, c) && hand_out(s, s->at, false, value))
				return true;
			if (s->in_string && !s->escaped)
				skip_plain(s);
			if (s->inside && !s->skipping && s->at - s->start > LK_LINE_BYTES)
				return hand_out(s, s->at, true, value);
		}
	}
	if (!last || s->problem)
		return false;
	if (s->inside && s->scalar && hand_out(s, s->len, false, value))
		return true;
	if (s->inside && !s->scalar)
		s->problem = "it ends within a value";
	else if (s->array && !s->ended)
		set_problem(s, "it ends within the array");
	return false;
}
