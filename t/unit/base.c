/* Units of lib/base: values as text and back, strings, arenas, hashes, durable files. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/value.h"
#include "tap.h"

static void test_dates(void)
{
	static const struct {
		const char *text;
		int days;
	} cases[] = {{"1970-01-01", 0}, {"1969-12-31", -1}, {"2000-02-29", 11016}, {"2017-11-16", 17486},
		{"0001-01-01", -719162}, {"9999-12-31", 2932896}};
	char out[LK_VALUE_TEXT];
	int32_t days;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ok(lk_date_parse(cases[i].text, strlen(cases[i].text), &days), "date %s parses", cases[i].text);
		is_int(days, cases[i].days, "date %s", cases[i].text);
		lk_date_text(days, out);
		is_text(out, cases[i].text, "date %s round trip", cases[i].text);
	}
	ok(!lk_date_parse("2023-02-29", 10, &days), "a day that does not exist is refused");
	ok(!lk_date_parse("2023-02-28 ", 11, &days), "text after a date is refused");
	ok(!lk_date_parse("2023-2-28", 9, &days), "a short month is refused");
}

static void test_timestamps(void)
{
	static const struct {
		const char *text;
		int64_t us;
		bool zone;
		const char *back;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0, true, "1970-01-01T00:00:00Z"},
		{"1969-12-31 23:59:59.5", -500000, false, "1969-12-31T23:59:59.5"},
		{"2026-03-01T12:30:00+05:30", 1772348400000000, true, "2026-03-01T07:00:00Z"},
		{"2026-03-01T12:30-0800", 1772397000000000, true, "2026-03-01T20:30:00Z"},
		{"2026-03-01T12:30:00.1234567", 1772368200123456, false, "2026-03-01T12:30:00.123456"},
	};
	char out[LK_VALUE_TEXT];
	int64_t us;
	bool zone;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ok(lk_timestamp_parse(cases[i].text, strlen(cases[i].text), &us, &zone), "timestamp %s parses", cases[i].text);
		is_int(us, cases[i].us, "timestamp %s", cases[i].text);
		is_int(zone, cases[i].zone, "zone of %s", cases[i].text);
		lk_timestamp_text(us, zone, true, out);
		is_text(out, cases[i].back, "timestamp %s as text", cases[i].text);
	}
	ok(!lk_timestamp_parse("2026-03-01T24:00:00", 19, &us, &zone), "hour 24 is refused");
	ok(!lk_timestamp_parse("2026-03-01", 10, &us, &zone), "a bare date is no timestamp");
	ok(lk_time_parse("23:59:59.999999", 15, &us) && us == LK_DAY_US - 1, "the last microsecond of the day");
}

static void test_decimals(void)
{
	static const struct {
		const char *text;
		int precision, scale;
		bool fits;
		const char *back;
	} cases[] = {{"12.50", 9, 2, true, "12.50"}, {"-0.05", 9, 2, true, "-0.05"}, {"1e3", 9, 2, true, "1000.00"},
		{"1.5E-1", 9, 2, true, "0.15"}, {"0", 9, 2, true, "0.00"}, {"12.505", 9, 2, false, ""},
		{"12.500", 9, 2, true, "12.50"}, {"12345678.00", 9, 2, false, ""}, {"", 9, 2, false, ""},
		{".", 9, 2, false, ""}, {"1.2.3", 9, 2, false, ""}, {"1e999999999", 9, 2, false, ""},
		{"99999999999999999999999999999999999999", 38, 0, true, "99999999999999999999999999999999999999"},
		{"100000000000000000000000000000000000000", 38, 0, false, ""}};
	char out[LK_VALUE_TEXT];
	lk_int128 value;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool fits = lk_decimal_parse(cases[i].text, strlen(cases[i].text), cases[i].precision, cases[i].scale, &value);

		is_int(fits, cases[i].fits, "decimal '%s' %s", cases[i].text, cases[i].fits ? "fits" : "does not fit");
		if (!fits)
			continue;
		lk_decimal_text(value, cases[i].scale, out);
		is_text(out, cases[i].back, "decimal '%s' as text", cases[i].text);
	}
}

static void test_numbers(void)
{
	char out[LK_VALUE_TEXT];
	int64_t n;
	double d;

	ok(lk_int64_parse("-9223372036854775808", 20, &n) && n == INT64_MIN, "the smallest int64");
	ok(lk_int64_parse("9223372036854775807", 19, &n) && n == INT64_MAX, "the largest int64");
	ok(!lk_int64_parse("9223372036854775808", 19, &n), "one more is refused");
	ok(!lk_int64_parse("-9223372036854775809", 20, &n), "one less is refused");
	ok(!lk_int64_parse("-", 1, &n) && !lk_int64_parse("", 0, &n) && !lk_int64_parse("1 ", 2, &n), "no number");
	ok(lk_float64_parse("1e-320", 6, &d) && d > 0, "a denormal");
	ok(!lk_float64_parse("1e999", 5, &d) && !lk_float64_parse("0x10", 4, &d), "overflow and hexadecimal are refused");
	lk_float64_text(0.1, out);
	is_text(out, "0.1", "shortest text of 0.1");
	lk_float64_text(100, out);
	is_text(out, "100.0", "a whole double shows its point");
}

/* path has this text, and the text is this path */
static void is_path(const char *path, const char *text)
{
	struct lk_str s = LK_STR_INIT;

	lk_path_text(&s, path);
	is_text(lk_str_text(&s), text, "a path as text");
	lk_str_clear(&s);
	lk_path_bytes(&s, text);
	is_text(lk_str_text(&s), path, "and back");
	lk_str_release(&s);
}

static void test_shown(void)
{
	struct lk_str s = LK_STR_INIT;

	lk_str_add_shown(&s, "a\033[2J\n\302\205\342\200\256\377 \303\251 \\x1b");
	is_text(lk_str_text(&s), "a\\x1b[2J\\n\\x85\\u{202e}\\xff \303\251 \\x1b", "what would speak to a terminal is escaped");
	lk_str_release(&s);
	is_path("in/\303\251 \\x.csv", "in/\303\251 \\x.csv");
	is_path("in/\377\n.csv", "in/\\xff\n.csv");
	is_path("in/\\xff.csv", "in/\\x5cxff.csv");
	is_path("in/\\x5cxff\\x0\303", "in/\\x5cx5cxff\\x0\\xc3");
}

static void test_text(void)
{
	struct lk_str s = LK_STR_INIT;
	struct lk_arena arena = LK_ARENA_INIT;
	char *p, *q;

	lk_str_add_json(&s, "a\"\\\n\x01\xff\xc3\xa9", 8);
	is_text(lk_str_text(&s), "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\"", "JSON escapes, and replaces what is not UTF-8");
	lk_str_release(&s);
	ok(lk_utf8_valid("\xed\x9f\xbf", 3) && !lk_utf8_valid("\xed\xa0\x80", 3), "surrogates are not UTF-8");
	ok(!lk_utf8_valid("\xc0\x80", 2) && !lk_utf8_valid("12345678\xe2\x82", 10), "overlong and cut sequences are not");
	for (size_t i = 0; i < 4; i++) {
		static const uint32_t points[] = {0x7f, 0x7ff, 0xffff, 0x10ffff};

		lk_str_clear(&s);
		lk_str_add_point(&s, points[i]);
		lk_str_add_point(&s, points[i] + (i < 3));
		ok(s.len == 2 * i + 3 - (i == 3) && lk_utf8_valid(s.data, s.len) &&
				lk_utf8_point((unsigned char *)s.data, i + 1) == points[i],
			"code point %x and the next one", points[i]);
	}
	lk_str_release(&s);
	test_shown();
	ok(lk_glob_match("*.zip", "in/a.zip") && !lk_glob_match("*.zip", "a.txt"), "globs");

	p = lk_arena_strdup(&arena, "first");
	q = lk_arena_alloc(&arena, 1 << 20);
	ok(p && q && !strcmp(p, "first") && (uintptr_t)q % 16 == 0 && !q[0], "an arena gives aligned, zeroed memory");
	lk_arena_clear(&arena);
	lk_arena_release(&arena);
}

static void test_files(void)
{
	char dir[] = "/tmp/lk-unit-XXXXXX", path[64];
	struct lk_str s = LK_STR_INIT;
	struct lk_error err;
	struct lk_out out;
	char sha[LK_SHA256_HEX];

	if (!ok(mkdtemp(dir) != NULL, "a scratch directory"))
		return;
	snprintf(path, sizeof(path), "%s/f", dir);
	ok(lk_file_replace(path, 0600, "one", 3, &err) == LK_OK && lk_file_replace(path, 0600, "two", 3, &err) == LK_OK,
		"a file is replaced");
	ok(lk_file_read(path, 100, &s, &err) == LK_OK && !strcmp(s.data, "two"), "and reads back");
	ok(lk_file_read(path, 2, &s, &err) == LK_DATA, "but not beyond the limit");
	ok(lk_file_create(path, 0600, "x", 1, &err) == LK_CANTCREATE, "what is there is not created again");
	lk_str_release(&s);
	unlink(path);
	ok(lk_out_create(&out, path, 0600, &err) == LK_OK && lk_out_add(&out, "abc", 3, &err) == LK_OK, "an output");
	lk_out_abandon(&out);
	ok(access(path, F_OK) != 0, "an abandoned output leaves nothing");
	rmdir(dir);
	ok(lk_sha256_of("abc", 3, sha, &err) == LK_OK, "SHA-256");
	is_text(sha, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "of abc");
}

int main(void)
{
	test_dates();
	test_timestamps();
	test_decimals();
	test_numbers();
	test_text();
	test_files();
	return done();
}
