#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "sql/session.h"

/* DuckDB's exception types that are not about the statement. */
static enum lk_status status_of(const char *type)
{
	static const struct {
		const char *type;
		enum lk_status status;
	} kinds[] = {
		{"Permission", LK_NOPERM},
		{"IO", LK_IO},
		{"Out of Memory", LK_MISSING},
		{"INTERNAL", LK_BUG},
		{"FATAL", LK_BUG},
	};

	for (size_t i = 0; type && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(type, kinds[i].type))
			return kinds[i].status;
	return LK_DATA;
}

/* Line and column, from 1, of a byte of text; columns count characters. */
static void place_of(const char *text, size_t position, int *line, int *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < position && text[i]; i++) {
		if (text[i] == '\n') {
			++*line;
			*column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			++*column;
		}
	}
}

/*
 * The reason as one line: a line's end becomes "; " (or " " where the line already ends in a mark), the excerpt of the statement
 * that DuckDB draws ("LINE 1: ..." and a caret) goes, the first letter is made small unless a capital or digit follows.
 */
static void add_reason(struct lk_str *s, const char *reason)
{
	size_t first = s->len;

	while (*reason && strncmp(reason, "LINE ", 5)) {
		size_t len = strcspn(reason, "\n");

		if (len) {
			if (s->len > first)
				lk_str_adds(s, strchr(":;,", s->data[s->len - 1]) ? " " : "; ");
			while (len && isspace((unsigned char)*reason))
				reason++, len--;
			lk_str_add(s, reason, len);
			while (s->len > first && strchr("!. \t", s->data[s->len - 1]))
				s->data[--s->len] = 0;
		}
		reason += len;
		reason += *reason == '\n';
	}
	if (!s->failed && s->len > first + 1 && islower((unsigned char)s->data[first + 1]))
		s->data[first] = (char)tolower((unsigned char)s->data[first]);
}

static void add_place(struct lk_str *s, json_t *said, const char *text, const char *text_name)
{
	const char *position = json_string_value(json_object_get(said, "position"));
	int line, column;

	if (!text || !position)
		return;
	place_of(text, strtoul(position, NULL, 10), &line, &column);
	if (text_name)
		lk_str_addf(s, "'%s' line %d, column %d: ", text_name, line, column);
	else if (strchr(text, '\n'))
		lk_str_addf(s, "line %d, column %d: ", line, column);
	else
		lk_str_addf(s, "column %d: ", column);
}

/* What follows "Invalid Input Error: ", where DuckDB says that in plain text. */
static const char *without_kind(const char *said)
{
	const char *end = strstr(said, "Error: ");

	return end && end - said < 32 && !memchr(said, '\n', (size_t)(end - said)) ? end + strlen("Error: ") : said;
}

/* In place of what DuckDB advises, which are settings that nobody can set here. */
static void mend_advice(struct lk_str *s)
{
	char *advice = s->failed ? NULL : strstr(s->data, "; Possible solutions:");

	if (!advice)
		return;
	*advice = '\0';
	s->len = (size_t)(advice - s->data);
	lk_str_adds(s, "; --memory gives more, and fewer threads (-j 1) need less");
}

/* A file that is not there DuckDB calls a pattern, or, where it comes late in a list, looks for as a folder, which it may not. */
static bool mend_missing(struct lk_str *s)
{
	static const char *const said[][2] = {
		{"no files found that match the pattern \"", "\""},
		{"cannot access file \"", "/**/*.parquet\" - file system operations are disabled by configuration"},
	};

	for (size_t i = 0; !s->failed && i < sizeof(said) / sizeof(*said); i++) {
		char *start = strstr(s->data, said[i][0]), *path = start ? start + strlen(said[i][0]) : NULL;
		char *end = path ? strstr(path, said[i][1]) : NULL;
		struct lk_str mended = LK_STR_INIT;

		if (!end)
			continue;
		lk_str_add(&mended, s->data, (size_t)(start - s->data));
		lk_str_addf(&mended, "file '%.*s' is not there", (int)(end - path), path);
		lk_str_release(s);
		*s = mended;
		return true;
	}
	return false;
}

enum lk_status lk_sql_error(const char *said, const char *text, const char *text_name, struct lk_error *err)
{
	const char *brace = said ? strchr(said, '{') : NULL;
	json_t *json = brace ? json_loads(brace, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	const char *type = json_string_value(json_object_get(json, "exception_type"));
	const char *reason = json_string_value(json_object_get(json, "exception_message"));
	struct lk_str s = LK_STR_INIT;
	enum lk_status status = status_of(type);

	add_place(&s, json, text, text_name);
	add_reason(&s, reason ? reason : said ? without_kind(said) : "DuckDB gave no reason");
	mend_advice(&s);
	if (mend_missing(&s))
		status = LK_IO;
	lk_error_set(err, status, "%s", lk_str_text(&s));
	lk_str_release(&s);
	json_decref(json);
	return status;
}
