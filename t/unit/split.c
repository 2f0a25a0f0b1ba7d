/* Splitting delimited text: the same records in pieces of any size, in every dialect, of any rubbish. */
#include <stdio.h>
#include <string.h>

#include "source/split.h"
#include "tap.h"

/* Records as text: cells in brackets, quoted ones in quotes, then what is wrong. */
static void show(struct lk_split *s, enum lk_split_what what, struct lk_str *out)
{
	struct lk_str room = LK_STR_INIT;

	lk_str_addf(out, "%d@%d:", (int)s->row, (int)s->line);
	for (size_t i = 0; what == LK_SPLIT_RECORD && i < s->cell_count; i++) {
		size_t len = 0;
		const char *text = lk_split_text(s, &s->cells[i], &room, &len);

		lk_str_adds(out, s->cells[i].quoted ? "\"" : "[");
		lk_str_add(out, text, len);
		lk_str_adds(out, s->cells[i].quoted ? "\"" : "]");
	}
	if (what == LK_SPLIT_BLANK)
		lk_str_adds(out, " blank");
	if (s->fault)
		lk_str_addf(out, " !%s", s->fault);
	if (s->mended)
		lk_str_adds(out, " mended");
	lk_str_adds(out, "\n");
	lk_str_release(&room);
}

static bool take(struct lk_split *s, struct lk_str *out)
{
	enum lk_split_what what;
	struct lk_error err;

	for (;;) {
		if (lk_split_next(s, &what, &err) != LK_OK)
			return false;
		if (what >= LK_SPLIT_MORE)
			return true;
		show(s, what, out);
	}
}

static bool split(struct lk_split *s, const struct lk_dialect *d, size_t width, const char *text, size_t len, size_t piece,
	struct lk_str *out)
{
	struct lk_error err;

	lk_str_clear(out);
	lk_split_clear(s);
	lk_split_init(s, d);
	s->width = width;
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		if (lk_split_feed(s, text + at, n, &err) != LK_OK || !take(s, out))
			return false;
	}
	lk_split_end(s);
	return take(s, out) && !out->failed;
}

static void test_records(void)
{
	static const struct {
		const char *title;
		struct lk_dialect dialect;
		size_t width;
		const char *text, *want;
	} cases[] = {
		{"cells", {.delimiter = ",", .quote = "\"", .double_quote = true}, 0, "a,\"b\"\"c\" ,\n\n\"\r\n\",\"\"\r\rx",
			"1@1:[a]\"b\"c\"[]\n2@2: blank\n3@3:\"\r\n\"\"\"\n4@5: blank\n5@6:[x]\n"},
		{"no quotes, a comment, blanks that are skipped",
			{.delimiter = "\t", .comment = "//", .skip_initial_space = true}, 0, "//x\"\r\n//\r\n\" \t  b\n",
			"1@1: blank\n2@2: blank\n3@3:[\" ][b]\n"},
		{"escapes", {.delimiter = ",", .quote = "'", .escape = "\\"}, 0, "a\\,b,'c\\'d\\\n\\\\'\n",
			"1@1:[a,b]\"c'd\n\\\"\n"},
		{"marks of several bytes", {.delimiter = "::", .quote = "§", .escape = "¬", .double_quote = true}, 0,
			"a:b::§c::§§§::¬::§\n", "1@1:[a:b]\"c::§\"[::§]\n"},
		{"a terminator", {.delimiter = "|", .quote = "\"", .terminator = "|#", .double_quote = true}, 0, "a|b|#\"|#\"|\n|#",
			"1@1:[a][b]\n2@2:\"|#\"[\n]\n"},
		{"open quotes", {.delimiter = ",", .quote = "\"", .double_quote = true}, 0, "1,\"a\n2,\"b\"\n\"3\n",
			"1@1:[1][a] !a quote is never closed: reading went on at the next line\n2@2:[2]\"b\"\n"
			"3@3:[3] !a quote is never closed: reading went on at the next line\n"},
		{"mended", {.delimiter = ",", .quote = "\"", .double_quote = true, .mend = true}, 2,
			"\"a\" b\",c\n\"d,e\n\"f,\"g\nh,i\"\n\"j\"k\n",
			"1@1:\"a\" b\"[c] mended\n2@2:[\"d][e] mended\n3@3:[\"f][\"g] mended\n4@4:[h][i\"]\n"
			"5@5:[\"j\"k] !text follows a closing quote\n"},
		{"a line alone", {.delimiter = ",", .quote = "\"", .double_quote = true, .mend = true}, 2, "\"a,b\nc,d\"\ne,\"f\ng\"\n",
			"1@1:[\"a][b] mended\n2@2:[c][d\"]\n3@3:[e]\"f\ng\"\n"},
	};
	struct lk_str out = LK_STR_INIT;
	struct lk_split s = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t piece = 1; piece < 64; piece = piece < 4 ? piece + 1 : piece * 4) {
			split(&s, &cases[i].dialect, cases[i].width, cases[i].text, strlen(cases[i].text), piece, &out);
			is_text(lk_str_text(&out), cases[i].want, "%s, in pieces of %zu", cases[i].title, piece);
		}
	lk_str_release(&out);
	lk_split_release(&s);
}

/* Rubbish of what matters, in pieces of each size as in one. */
static void test_pieces(void)
{
	static const struct lk_dialect dialects[] = {
		{.delimiter = ",", .quote = "\"", .double_quote = true},
		{.delimiter = ",", .quote = "\"", .double_quote = true, .mend = true},
		{.delimiter = ",", .quote = "\"", .escape = "a", .comment = "b", .mend = true},
		{.delimiter = ",,", .quote = "\"", .double_quote = true, .skip_initial_space = true},
		{.delimiter = ",", .quote = "\"", .double_quote = true, .terminator = "\n"},
		{.delimiter = ",", .quote = "\"", .double_quote = true, .terminator = "\r"},
		{.delimiter = "a", .quote = "é", .double_quote = true, .terminator = ",\n", .mend = true},
	};
	struct lk_str text = LK_STR_INIT, whole = LK_STR_INIT, cut = LK_STR_INIT;
	struct lk_split s = {0};
	uint32_t state = 1;

	for (size_t i = 0; i < sizeof(dialects) / sizeof(*dialects); i++) {
		bool same = true;

		for (int round = 0; round < 60 && same; round++) {
			lk_str_clear(&text);
			for (int k = 0; k < 200; k++) {
				state = state * 1664525 + 1013904223;
				lk_str_adds(&text, (const char *[]){",", ",", "\"", "\"", "\n", "\r", "a", "b", " ", "é", "\xc3"}[(state >> 16) % 11]);
			}
			same = split(&s, &dialects[i], 3, text.data, text.len, text.len, &whole);
			for (size_t piece = 1; piece < 10 && same; piece++)
				same = split(&s, &dialects[i], 3, text.data, text.len, piece, &cut) &&
				       !strcmp(lk_str_text(&whole), lk_str_text(&cut));
		}
		ok(same, "dialect %zu: rubbish is the same in pieces", i);
	}
	lk_str_release(&text);
	lk_str_release(&whole);
	lk_str_release(&cut);
	lk_split_release(&s);
}

/* A record of 16 MiB that a quote opened is given up, and lines behind it are read. */
static void test_long(void)
{
	static const struct lk_dialect dialect = {.delimiter = ",", .quote = "\"", .double_quote = true};
	struct lk_split s = {0};
	struct lk_error err;
	enum lk_split_what what = LK_SPLIT_MORE;
	char line[1024];
	int records = 0, faults = 0;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	lk_split_init(&s, &dialect);
	ok(lk_split_feed(&s, "\"", 1, &err) == LK_OK, "an open quote");
	for (int i = 0; i < 20 * 1024; i++) {
		if (lk_split_feed(&s, line, sizeof(line), &err) != LK_OK)
			break;
		while (lk_split_next(&s, &what, &err) == LK_OK && what < LK_SPLIT_MORE) {
			records++;
			faults += s.fault != NULL;
		}
	}
	lk_split_end(&s);
	while (lk_split_next(&s, &what, &err) == LK_OK && what < LK_SPLIT_MORE)
		records++;
	is_int(records, 20 * 1024, "each line behind it is a record");
	is_int(faults, 1, "and one is at fault");
	lk_split_release(&s);
}

int main(void)
{
	test_records();
	test_pieces();
	test_long();
	return done();
}
