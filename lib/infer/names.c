#include "infer/names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define COMMON_LETTERS 3 /* at the start of names of one kind */

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

static int number(const char *s, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
		n = n * 10 + (s[i] - '0');
	return n;
}

static bool is_year(const char *s)
{
	int year = number(s, 4);

	return year >= 1900 && year < 2100;
}

/* Whether a run of digits is a date or a time: a year, YYYYMM, YYYYMMDD, MMDDYYYY, and what is longer. */
static bool is_dated(const char *s, size_t len)
{
	switch (len) {
	case 4:
	case 6:
		return is_year(s);
	case 8:
		return is_year(s) || is_year(s + 4);
	default:
		return len > 8;
	}
}

/* A day such as 2026-01-31: its length, or 0. */
static size_t day(const char *s)
{
	if (digits(s) != 4 || !is_year(s) || !strchr("-_.", s[4]) || digits(s + 5) != 2 || s[7] != s[4] || digits(s + 8) != 2)
		return 0;
	return 10;
}

/* A day, or a quarter such as 17Q2 or 2017q2: its length, or 0. */
static size_t period(const char *s)
{
	size_t n = digits(s);

	if (day(s))
		return day(s);
	if ((n != 2 && n != 4) || (s[n] != 'q' && s[n] != 'Q') || s[n + 1] < '1' || s[n + 1] > '4' || digits(s + n + 1) != 1)
		return 0;
	return n + 2;
}

void lk_name_shape(struct lk_str *out, const char *base)
{
	while (*base) {
		size_t n = period(base);

		if (!n)
			n = digits(base);
		if (n)
			lk_str_addc(out, '*');
		else
			lk_str_addc(out, (char)tolower((unsigned char)*base));
		base += n ? n : 1;
	}
}

/* ---- globs ---- */

static void add_literal(struct lk_str *out, char c)
{
	if (strchr("*?[]\\", c))
		lk_str_addc(out, '\\');
	lk_str_addc(out, c);
}

static void add_star(struct lk_str *out)
{
	bool escaped = out->len > 1 && out->data[out->len - 2] == '\\';

	if (!out->len || out->data[out->len - 1] != '*' || escaped)
		lk_str_addc(out, '*');
}

/* A separator between two dated runs, as in 2026-01-31: a star stands before and after it. */
static void join_stars(struct lk_str *out)
{
	while (out->len >= 3 && out->data[out->len - 1] == '*' && out->data[out->len - 3] == '*' &&
		strchr("-_.", out->data[out->len - 2]) && (out->len == 3 || out->data[out->len - 4] != '\\')) {
		out->len -= 2;
		out->data[out->len] = '\0';
	}
}

/* Names of one shape, told apart by their digits. */
static void glob_of_shape(struct lk_str *out, const char *const *names, int count)
{
	const char **at = calloc((size_t)count, sizeof(*at));

	if (!at) {
		out->failed = true;
		return;
	}
	memcpy(at, names, (size_t)count * sizeof(*at));
	while (*at[0]) {
		size_t n = period(at[0]);
		bool differ = n != 0;

		if (!n)
			n = digits(at[0]);
		differ |= n && is_dated(at[0], n);
		for (int i = 1; i < count && n; i++) {
			size_t other = period(at[i]);

			other = other ? other : digits(at[i]);
			differ |= other != n || memcmp(at[i], at[0], n) != 0;
		}
		if (differ)
			add_star(out);
		for (size_t k = 0; k < (n ? n : 1) && !differ; k++)
			add_literal(out, at[0][k]);
		join_stars(out);
		for (int i = 0; i < count; i++) {
			size_t own = period(at[i]);

			own = own ? own : digits(at[i]);
			at[i] += own ? own : 1;
		}
	}
	free(at);
}

static bool same_shape(const char *const *names, int count)
{
	struct lk_str first = LK_STR_INIT, other = LK_STR_INIT;
	bool same = true;

	lk_name_shape(&first, names[0]);
	for (int i = 1; i < count && same; i++) {
		lk_str_clear(&other);
		lk_name_shape(&other, names[i]);
		same = !strcmp(lk_str_text(&first), lk_str_text(&other));
	}
	lk_str_release(&first);
	lk_str_release(&other);
	return same;
}

/* How many bytes all names begin with, back to the end of a word. */
static size_t common_start(const char *const *names, int count)
{
	size_t n = strlen(names[0]);

	for (int i = 1; i < count; i++) {
		size_t k = 0;

		while (k < n && tolower((unsigned char)names[0][k]) == tolower((unsigned char)names[i][k]))
			k++;
		n = k;
	}
	while (n && isalnum((unsigned char)names[0][n - 1]))
		n--;
	return n;
}

static const char *extension(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name ? dot : name + strlen(name);
}

bool lk_names_glob(struct lk_str *out, const char *const *names, int count)
{
	size_t n, letters = 0;

	if (same_shape(names, count)) {
		glob_of_shape(out, names, count);
		return true;
	}
	n = common_start(names, count);
	for (size_t i = 0; i < n; i++)
		letters += isalpha((unsigned char)names[0][i]) != 0;
	if (letters < COMMON_LETTERS)
		return false;
	for (size_t i = 0; i < n; i++)
		add_literal(out, names[0][i]);
	lk_str_addc(out, '*');
	for (int i = 1; i < count; i++)
		if (strcmp(extension(names[0]), extension(names[i])))
			return true;
	for (const char *p = extension(names[0]); *p; p++)
		add_literal(out, *p);
	return true;
}

void lk_glob_name(struct lk_str *out, const char *glob)
{
	const char *end = extension(glob);

	if (end == glob || !*glob)
		end = glob + strlen(glob);
	for (const char *p = glob; p < end; p++) {
		if (isalnum((unsigned char)*p)) {
			if (!out->len && !isalpha((unsigned char)*p))
				lk_str_adds(out, "t-");
			lk_str_addc(out, (char)tolower((unsigned char)*p));
		} else if (out->len && out->data[out->len - 1] != '-') {
			lk_str_addc(out, '-');
		}
	}
	while (out->len && out->data[out->len - 1] == '-')
		out->data[--out->len] = '\0';
	if (!out->len)
		lk_str_adds(out, "data");
}
