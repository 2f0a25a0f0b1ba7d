/* Lines: whatever the pieces, the lines are the same. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "source/lines.h"

#include "tap.h"

/* Reads text in pieces of `size` bytes: "[1:a][2:b]". */
static void read_lines(struct lk_lines *l, enum lk_lines_end end, size_t characters, const char *text, size_t len, size_t size,
	struct lk_str *out)
{
	struct lk_error err;
	struct lk_line line;
	size_t at = 0;

	lk_str_clear(out);
	lk_lines_begin(l, end, characters);
	l->mark = "##";
	l->mark_len = 2;
	for (bool last = false; !last;) {
		size_t n = len - at < size ? len - at : size;

		last = n == 0;
		if (lk_lines_add(l, text + at, n, &err))
			return;
		at += n;
		while (lk_lines_next(l, last, &line)) {
			lk_str_addf(out, "[%d%s%s:", (int)line.number, line.odd ? "o" : "", line.too_long ? "l" : "");
			lk_str_add(out, line.data, line.len);
			lk_str_addc(out, ']');
		}
	}
}

static void check(enum lk_lines_end end, size_t characters, const char *text, size_t len, const char *want)
{
	struct lk_lines l = {0};
	struct lk_str out = LK_STR_INIT;
	bool same = true;

	for (size_t size = 1; size <= len + 1; size++) {
		read_lines(&l, end, characters, text, len, size, &out);
		same &= out.len == strlen(want) && !memcmp(lk_str_text(&out), want, out.len);
		if (!same) {
			printf("# pieces of %zu: %s\n", size, lk_str_text(&out));
			break;
		}
	}
	ok(same, "%s in pieces of any size", want);
	lk_str_release(&out);
	lk_lines_release(&l);
}

/* The length limit holds for each kind of line end, and what follows is read again. */
static void check_long(const char *end_of_line)
{
	static const struct {
		size_t len;
		const char *want;
	} cases[] = {{LK_LINE_BYTES, "1"}, {LK_LINE_BYTES + 1, "1l"}, {2 * LK_LINE_BYTES + 7, "1l"}};
	struct lk_str text = LK_STR_INIT;
	struct lk_lines l = {0};
	struct lk_error err;
	struct lk_line line;

	for (size_t i = 0; i < 3; i++) {
		char got[4] = "";

		lk_str_clear(&text);
		lk_str_reserve(&text, cases[i].len + 8);
		memset(text.data, 'x', cases[i].len);
		text.len = cases[i].len;
		lk_str_adds(&text, end_of_line);
		lk_str_adds(&text, "after");
		lk_lines_begin(&l, LK_LINES_ANY, 0);
		for (size_t at = 0; at < text.len; at += 1 << 20) {
			size_t n = text.len - at < 1 << 20 ? text.len - at : 1 << 20;

			if (lk_lines_add(&l, text.data + at, n, &err))
				break;
			if (!*got && lk_lines_next(&l, false, &line))
				snprintf(got, sizeof(got), "%d%s", (int)line.number, line.too_long ? "l" : "");
		}
		is_text(got, cases[i].want, "a line of %zu bytes", cases[i].len);
		ok(lk_lines_next(&l, true, &line) && line.number == 2 && line.len == 5 && !memcmp(line.data, "after", 5),
			"the line behind it");
	}
	lk_lines_release(&l);
	lk_str_release(&text);
}

int main(void)
{
#define TEXT(s) s, sizeof(s) - 1
	check(LK_LINES_ANY, 0, TEXT("a\nb\r\nc\rd"), "[1:a][2:b][3:c][4:d]");
	check(LK_LINES_ANY, 0, TEXT("\xef\xbb\xbf\r\r\n\n\nz\r"), "[1:][2:][3:][4:][5:z]");
	check(LK_LINES_ANY, 0, TEXT("\xc3\xa4\xc3\xb6\nb"), "[1o:\xc3\xa4\xc3\xb6][2:b]");
	check(LK_LINES_ANY, 0, TEXT(""), "");
	check(LK_LINES_ANY, 0, TEXT("\xef\xbb"), "[1o:\xef\xbb]");
	check(LK_LINES_LF, 0, TEXT("a\rb\r\nc\n\nd\r"), "[1:a\rb][2:c][3:][4:d\r]");
	check(LK_LINES_LENGTH, 3, TEXT("abc\xc3\xa4yz\n\r1\xe2\x82\xac"), "[0:abc][0o:\xc3\xa4yz][0:\n\r1][0o:\xe2\x82\xac]");
	check(LK_LINES_LENGTH, 2, TEXT("a\xff\xe2\x82\xe2\x82\xac"), "[0o:a\xff][0o:\xe2\x82][0o:\xe2\x82\xac]");
	check(LK_LINES_MARK, 0, TEXT("a#b\n##c##d#"), "[1:a#b\n][2:c][3:d#]");
	check(LK_LINES_MARK, 0, TEXT("##\xc3\xa4####"), "[1:][2o:\xc3\xa4][3:]");
	check_long("\n");
	check_long("\r\n");
	check_long("\r");
	return done();
}
