#include "infer/maybe.h"

#include <ctype.h>
#include <string.h>

#define INTEGER_DIGITS 18

/* ---- shapes ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits_at(const char *s, size_t len, size_t at)
{
	size_t n = 0;

	while (at + n < len && is_digit(s[at + n]))
		n++;
	return n;
}

/* Digits of a whole number from `at` on, none of them a zero in front of others; 0 when it is none. */
static size_t whole_at(const char *s, size_t len, size_t at)
{
	size_t n = digits_at(s, len, at);

	return n > 1 && s[at] == '0' ? 0 : n;
}

/* The same in groups of three. */
static size_t grouped_at(const char *s, size_t len, size_t at, char group)
{
	size_t n = whole_at(s, len, at);

	if (!n || n > 3)
		return n;
	while (at + n < len && s[at + n] == group && digits_at(s, len, at + n + 1) == 3)
		n += 4;
	return n;
}

static bool is_integer(const char *s, size_t len)
{
	size_t sign = *s == '-', n = whole_at(s, len, sign);

	return n && n <= INTEGER_DIGITS && sign + n == len;
}

/* What follows the whole part: a fraction, or nothing. */
static bool ends_in_fraction(const char *s, size_t len, size_t at, char point)
{
	size_t n;

	if (at == len)
		return true;
	n = s[at] == point ? digits_at(s, len, at + 1) : 0;
	return n && at + 1 + n == len;
}

static bool is_number(const char *s, size_t len)
{
	size_t at = *s == '-', n = whole_at(s, len, at), fraction = 0;

	if (!n && at < len && is_digit(s[at]))
		return false;
	at += n;
	if (at < len && s[at] == '.') {
		fraction = digits_at(s, len, at + 1);
		at += 1 + fraction;
	}
	if (!n && !fraction)
		return false;
	if (at < len && (s[at] == 'e' || s[at] == 'E')) {
		at++;
		at += at < len && (s[at] == '-' || s[at] == '+');
		n = digits_at(s, len, at);
		return n && n <= 3 && at + n == len;
	}
	return at == len;
}

static bool is_grouped_integer(const char *s, size_t len)
{
	size_t sign = *s == '-', n = grouped_at(s, len, sign, ',');

	return n && sign + n == len && n <= INTEGER_DIGITS;
}

static bool is_grouped_number(const char *s, size_t len)
{
	size_t sign = *s == '-', n = grouped_at(s, len, sign, ',');

	return n && ends_in_fraction(s, len, sign + n, '.');
}

static bool is_comma_number(const char *s, size_t len)
{
	size_t sign = *s == '-', n = whole_at(s, len, sign);

	return n && ends_in_fraction(s, len, sign + n, ',');
}

static bool is_grouped_comma_number(const char *s, size_t len)
{
	size_t sign = *s == '-', n = grouped_at(s, len, sign, '.');

	return n && ends_in_fraction(s, len, sign + n, ',');
}

/* A number with a dollar sign before it, or a percent sign behind. */
static bool is_amount(const char *s, size_t len)
{
	if (*s == '$') {
		s++;
		len--;
	} else if (s[len - 1] == '%') {
		len--;
	} else {
		return len && is_grouped_number(s, len);
	}
	lk_text_trim(&s, &len);
	return len && is_grouped_number(s, len);
}

static bool is_boolean(const char *s, size_t len)
{
	return lk_boolean_word(s, len) >= 0;
}

/* A year that people of today write of. */
static bool is_recent(const char *s)
{
	return !memcmp(s, "18", 2) || !memcmp(s, "19", 2) || !memcmp(s, "20", 2) || !memcmp(s, "21", 2);
}

static bool is_compact_date(const char *s, size_t len)
{
	return len == 8 && digits_at(s, len, 0) == 8 && is_recent(s);
}

/* YYYYMMDDHHMM[SS[.f]], and an offset where there may be one. */
static bool is_compact_moment(const char *s, size_t len, bool zone)
{
	size_t n = digits_at(s, len, 0);

	if ((n != 12 && n != 14) || !is_recent(s))
		return false;
	if (n == 14 && n < len && s[n] == '.')
		n += 1 + digits_at(s, len, n + 1);
	if (n == len)
		return true;
	return zone && (s[n] == '+' || s[n] == '-') && n + 5 == len && digits_at(s, len, n + 1) == 4;
}

static bool is_compact_datetime(const char *s, size_t len)
{
	return is_compact_moment(s, len, false);
}

static bool is_compact_instant(const char *s, size_t len)
{
	return is_compact_moment(s, len, true);
}

static bool is_iso(const char *s, size_t len)
{
	return len >= 10 && digits_at(s, len, 0) == 4 && s[4] == '-';
}

static bool is_iso_moment(const char *s, size_t len)
{
	return is_iso(s, len) && len >= 16 && s[13] == ':';
}

/* The longest run of digits: a year is of four, or of two. */
static size_t longest_run(const char *s, size_t len)
{
	size_t longest = 0;

	for (size_t i = 0; i < len; i++) {
		size_t n = digits_at(s, len, i);

		if (n > longest)
			longest = n;
		i += n;
	}
	return longest;
}

static bool has_long_year(const char *s, size_t len)
{
	return longest_run(s, len) == 4;
}

static bool has_short_year(const char *s, size_t len)
{
	return longest_run(s, len) == 2;
}

static bool is_time(const char *s, size_t len)
{
	size_t n = digits_at(s, len, 0);

	return (n == 1 || n == 2) && n < len && s[n] == ':';
}

/* ---- the list ---- */

const struct lk_maybe lk_maybes[] = {
	[LK_MAYBE_BOOLEAN] = {"boolean", "default", is_boolean},
	[LK_MAYBE_DATE_COMPACT] = {"date", "any", is_compact_date},
	[LK_MAYBE_DATETIME_COMPACT] = {"datetime", "any", is_compact_datetime},
	[LK_MAYBE_DATETIME_COMPACT_ZONE] = {"datetime", "any", is_compact_instant, .zone = true},
	[LK_MAYBE_INTEGER] = {"integer", "default", is_integer},
	[LK_MAYBE_NUMBER] = {"number", "default", is_number},
	[LK_MAYBE_DATE] = {"date", "default", is_iso},
	[LK_MAYBE_DATETIME] = {"datetime", "default", is_iso},
	[LK_MAYBE_DATETIME_ZONE] = {"datetime", "default", is_iso, .zone = true},
	[LK_MAYBE_DATETIME_SHORT] = {"datetime", "any", is_iso_moment},
	[LK_MAYBE_DATETIME_SHORT_ZONE] = {"datetime", "any", is_iso_moment, .zone = true},
	[LK_MAYBE_DATETIME_ANY] = {"datetime", "any", is_iso},
	[LK_MAYBE_DATETIME_ANY_ZONE] = {"datetime", "any", is_iso, .zone = true},
	[LK_MAYBE_OTHERS] = {"integer", "default", is_grouped_integer, .group = ","},
	{"number", "default", is_grouped_number, .group = ","},
	{"number", "default", is_comma_number, .decimal = ","},
	{"number", "default", is_grouped_comma_number, .decimal = ",", .group = "."},
	{"number", "default", is_amount, .group = ",", .around = true},
	{"date", "%m/%d/%Y", has_long_year},
	{"date", "%d/%m/%Y", has_long_year},
	{"date", "%m-%d-%Y", has_long_year},
	{"date", "%d-%m-%Y", has_long_year},
	{"date", "%d.%m.%Y", has_long_year},
	{"date", "%Y/%m/%d", has_long_year},
	{"date", "%m/%d/%y", has_short_year},
	{"date", "%d/%m/%y", has_short_year},
	{"date", "%d.%m.%y", has_short_year},
	{"date", "%b %d, %Y", has_long_year},
	{"date", "%d %b %Y", has_long_year},
	{"date", "%d-%b-%Y", has_long_year},
	{"date", "%d-%b-%y", has_short_year},
	{"date", "%d%b%Y", has_long_year},
	{"datetime", "%m/%d/%Y %H:%M", has_long_year},
	{"datetime", "%d/%m/%Y %H:%M", has_long_year},
	{"datetime", "%m/%d/%Y %H:%M:%S", has_long_year},
	{"datetime", "%d/%m/%Y %H:%M:%S", has_long_year},
	{"datetime", "%m/%d/%Y %I:%M %p", has_long_year},
	{"datetime", "%d/%m/%Y %I:%M %p", has_long_year},
	{"datetime", "%m/%d/%Y %I:%M:%S %p", has_long_year},
	{"datetime", "%d/%m/%Y %I:%M:%S %p", has_long_year},
	{"datetime", "%m/%d/%y %H:%M", has_short_year},
	{"datetime", "%d/%m/%y %H:%M", has_short_year},
	{"datetime", "%d.%m.%Y %H:%M", has_long_year},
	{"datetime", "%d.%m.%Y %H:%M:%S", has_long_year},
	{"datetime", "%Y/%m/%d %H:%M", has_long_year},
	{"datetime", "%Y/%m/%d %H:%M:%S", has_long_year},
	{"datetime", "%d-%b-%Y %H:%M", has_long_year},
	{"datetime", "%d-%b-%Y %H:%M:%S", has_long_year},
	{"datetime", "%b %d, %Y %H:%M", has_long_year},
	{"datetime", "%d%b%Y:%H:%M:%S", has_long_year},
	{"time", "default", is_time},
	{"time", "any", is_time},
	{"time", "%H:%M", is_time},
	{"time", "%H:%M:%S", is_time},
	{"time", "%I:%M %p", is_time},
	{"time", "%I:%M:%S %p", is_time},
};
const int lk_maybe_count = sizeof(lk_maybes) / sizeof(*lk_maybes);
_Static_assert(sizeof(lk_maybes) / sizeof(*lk_maybes) <= LK_MAYBE_MAX, "more than a word has bits");

int lk_maybe_twin(int id)
{
	const char *format;

	if (id < 0)
		return LK_MAYBE_STRING;
	format = lk_maybes[id].format;
	if (strncmp(format, "%m", 2) || strncmp(format + 3, "%d", 2))
		return LK_MAYBE_STRING;
	for (int i = LK_MAYBE_OTHERS; i < lk_maybe_count; i++) {
		const char *other = lk_maybes[i].format;

		if (!strncmp(other, "%d", 2) && other[2] == format[2] && !strncmp(other + 3, "%m", 2) &&
			!strcmp(other + 5, format + 5))
			return i;
	}
	return LK_MAYBE_STRING;
}

/* ---- conversions ---- */

enum lk_status lk_maybe_converts_init(struct lk_maybe_converts *c, struct lk_error *err)
{
	for (int i = 0; i < lk_maybe_count; i++) {
		const struct lk_maybe *m = &lk_maybes[i];
		struct lk_convert *convert = &c->items[i];
		const char *problem;

		if (!lk_convert_init(convert, m->type, m->format, &problem))
			return lk_error_set(err, LK_BUG, "there is no %s of the format '%s'", m->type, m->format);
		if (m->decimal)
			convert->decimal = (struct lk_text){m->decimal, strlen(m->decimal)};
		if (m->group)
			convert->group = (struct lk_text){m->group, strlen(m->group)};
		convert->bare = !m->around;
		convert->zone |= m->zone;
	}
	return LK_OK;
}

bool lk_maybe_fits(const struct lk_maybe_converts *c, int id, const char *s, size_t len)
{
	const struct lk_maybe *m = &lk_maybes[id];
	struct lk_scalar value;
	const char *reason;

	if (m->shape && !m->shape(s, len))
		return false;
	/* booleans by words that the package will name */
	return id == LK_MAYBE_BOOLEAN || lk_convert_scalar(&c->items[id], s, len, &value, &reason);
}

/* ---- words ---- */

const char *const lk_boolean_words[LK_BOOLEAN_WORDS] = {"true", "false", "True", "False", "TRUE", "FALSE", "yes", "no", "Yes",
	"No", "YES", "NO", "y", "n", "Y", "N", "t", "f", "T", "F", ".true.", ".false.", ".T.", ".F."};

int lk_boolean_word(const char *s, size_t len)
{
	if (len > 7)
		return -1;
	for (int i = 0; i < LK_BOOLEAN_WORDS; i++)
		if (lk_boolean_words[i][0] == *s && strlen(lk_boolean_words[i]) == len && !memcmp(lk_boolean_words[i], s, len))
			return i;
	return -1;
}

const struct lk_null_word lk_null_words[LK_NULL_WORDS] = {{"NA", false}, {"N/A", true}, {"n/a", true}, {"na", false},
	{"#N/A", true}, {"NULL", true}, {"null", true}, {"Null", false}, {"(null)", true}, {"\\N", true}, {"NaN", false},
	{"nan", false}, {"None", false}, {"none", false}, {"-", false}, {"--", false}, {".", false}, {"?", false},
	{"Not Available", true}, {"NOT AVAILABLE", true}, {"Not available", true}, {"Not Applicable", true},
	{"NOT APPLICABLE", true}, {"Not applicable", true}, {"N.A.", false}, {"#NULL!", true}};

int lk_null_word(const char *s, size_t len)
{
	if (len > 14 || !strchr("Nn#(\\-.?", *s))
		return -1;
	for (int i = 0; i < LK_NULL_WORDS; i++)
		if (lk_null_words[i].word[0] == *s && strlen(lk_null_words[i].word) == len &&
			!memcmp(lk_null_words[i].word, s, len))
			return i;
	return -1;
}
