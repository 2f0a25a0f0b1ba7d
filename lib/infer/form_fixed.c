/*
 * Fixed width: lines in which the same columns are blank throughout. Fields that touch each other are one: where one ends cannot
 * be seen.
 *
 *	00001 A00     0 Cholera
 *	00002 A000    1 Cholera due to Vibrio cholerae 01
 *	^     ^       ^ ^	fields begin behind columns that are blank in every line
 */
#include <stdlib.h>
#include <string.h>

#include "infer/dialect.h"
#include "infer/form.h"
#include "infer/guess_encoding.h"
#include "source/convert.h"

#define LINES 5000	/* that are looked at */
#define MANY_LINES 50	/* in which no column is blank by chance, whatever their lengths are */
#define FEW_LINES 5	/* the same of lines of one length */
#define COLUMNS 4000	/* of a line; what is behind them belongs to the last field */

struct ruler {
	bool used[COLUMNS];   /* some line has text there */
	int reached[COLUMNS]; /* lines that have this column */
	int lines, longest;
	size_t length;	    /* of the first line, in characters */
	bool same_length, tabs;
};

/* Marks a line, and tells where the next one begins. */
static const char *mark_line(struct ruler *r, const char *s, const char *end)
{
	size_t column = 0;
	bool blank = true;

	for (; s < end && *s != '\n' && *s != '\r'; s++) {
		bool used = *s != ' ';

		r->tabs |= *s == '\t';
		blank &= !used;
		if (((unsigned char)*s & 0xc0) == 0x80) /* within a character */
			continue;
		if (column < COLUMNS)
			r->used[column] |= used;
		column++;
	}
	while (s < end && (*s == '\n' || *s == '\r'))
		s++;
	if (blank)
		return s;
	for (size_t i = 0; i < column && i < COLUMNS; i++)
		r->reached[i]++;
	if (!r->lines++)
		r->length = column;
	r->same_length &= column == r->length;
	if (column < COLUMNS && (int)column > r->longest)
		r->longest = (int)column;
	return s;
}

/* The last line is left out where it may be cut. */
static void mark_lines(struct ruler *r, const struct lk_str *text, bool whole)
{
	const char *s = lk_str_text(text), *end = s + text->len;

	*r = (struct ruler){.same_length = true};
	while (!whole && end > s && end[-1] != '\n')
		end--;
	while (s < end && r->lines < LINES)
		s = mark_line(r, s, end);
}

/* What few lines reach is blank by chance. */
static bool is_gap(const struct ruler *r, int column)
{
	return !r->used[column] && r->reached[column] >= r->lines - r->lines / 10;
}

static int field_end(const struct ruler *r, int start)
{
	int end = start;

	while (end < r->longest && !is_gap(r, end))
		end++;
	return end;
}

static int count_fields(const struct ruler *r)
{
	int fields = 0;

	for (int at = 0; at < r->longest; at = field_end(r, at) + 1)
		fields += !is_gap(r, at);
	return fields;
}

/* Whether the text is of fixed width rather than delimited; its encoding, if so. */
static enum lk_status look(
	const struct lk_sample_head *head, struct ruler *r, const char **encoding, bool *found, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	*encoding = lk_encoding_guess(head->data, head->len, head->whole);
	status = lk_encoding_text(head->data, head->len, *encoding, &text, err);
	if (status == LK_OK)
		mark_lines(r, &text, head->whole);
	lk_str_release(&text);
	*found = status == LK_OK && !r->tabs && count_fields(r) > 1 &&
		 r->lines >= (r->same_length ? FEW_LINES : MANY_LINES);
	return status;
}

/* Whether most lines have no delimiter, which then parts them by chance. */
static bool is_rare(const struct lk_sample_head *head, const char *delimiter)
{
	const char *s = head->data, *end = s + head->len;
	int lines = 0, with = 0;

	while (s < end && lines < LINES) {
		const char *next = memchr(s, '\n', (size_t)(end - s));

		next = next ? next : end;
		lines++;
		with += memmem(s, (size_t)(next - s), delimiter, strlen(delimiter)) != NULL;
		s = next + 1;
	}
	return 2 * with < lines;
}

/* Blanks are what parts the cells, or nothing does, or nothing that most lines have. */
static bool is_parted_by_blanks(const struct lk_sample_head *head)
{
	struct lk_guess guess;
	const char *delimiter;
	bool blanks;

	if (lk_guess_dialect(head->data, head->len, head->whole, &guess, NULL) != LK_OK)
		return false;
	delimiter = json_string_value(json_object_get(guess.dialect, "delimiter"));
	delimiter = delimiter ? delimiter : ",";
	blanks = guess.columns <= 1 || !strcmp(delimiter, " ") || is_rare(head, delimiter);
	lk_guess_release(&guess);
	return blanks;
}

static bool is_fixed(const struct lk_sample_head *head)
{
	struct ruler *r = malloc(sizeof(*r));
	const char *encoding;
	bool found = false;

	if (r && look(head, r, &encoding, &found, NULL) != LK_OK)
		found = false;
	free(r);
	return found && is_parted_by_blanks(head);
}

static enum lk_status add_fields(struct lk_arena *arena, const struct ruler *r, struct lk_table *t, struct lk_error *err)
{
	int last = 0;

	for (int at = 0; at < r->longest; at = field_end(r, at) + 1)
		last = is_gap(r, at) ? last : at;
	for (int at = 0; at < r->longest; at = field_end(r, at) + 1) {
		int next = field_end(r, at);

		if (next == at)
			continue;
		LK_TRY(lk_table_add_column(t, lk_arena_printf(arena, "column_%d", t->count + 1),
			at == last ? lk_arena_printf(arena, "%d:", at + 1) : lk_arena_printf(arena, "%d:%d", at + 1, next - at),
			err));
	}
	return LK_OK;
}

static enum lk_status draft(struct lk_arena *arena, const struct lk_sample_head *head, struct lk_table *t, struct lk_error *err)
{
	struct ruler *r = malloc(sizeof(*r));
	const char *encoding = NULL;
	enum lk_status status = r ? LK_OK : lk_error_nomem(err);
	bool found;

	if (status == LK_OK)
		status = look(head, r, &encoding, &found, err);
	t->format = "fixed";
	t->same_order = true;
	if (status == LK_OK) {
		lk_table_add_encoding(t, encoding);
		status = add_fields(arena, r, t, err);
	}
	free(r);
	return status;
}

const struct lk_sample_form lk_form_fixed = {is_fixed, draft};
