#include "infer/guess_cell.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define DIGIT_BITS 3.4

/* Bits of a byte of text, known which one comes next: a comma or semicolon before a blank is punctuation, and a quote before a
 * quote stands for one. */
static double char_bits(unsigned char c, unsigned char next)
{
	if (c >= 'a' && c <= 'z')
		return 4.2;
	if (c >= 'A' && c <= 'Z')
		return 5;
	if (c >= '0' && c <= '9')
		return 4.5;
	if (c >= 0x80)
		return 4;
	if (next == ' ' && (c == ',' || c == ';'))
		return c == ',' ? 3.5 : 7;
	if (next == c && c == '"')
		return 0;
	switch (c) {
	case ' ':
		return 3;
	case '.': case '-': case '_': case ',':
		return 5;
	case '\'': case '/': case '(': case ')': case ':': case '\n':
		return 6;
	case '|': case '\t': case ';': case '"':
		return 9;
	default:
		return c < ' ' ? 12 : 8;
	}
}

double lk_text_bits(const char *text, size_t len)
{
	double bits = 0;

	for (size_t i = 0; i < len; i++)
		bits += char_bits((unsigned char)text[i], i + 1 < len ? (unsigned char)text[i + 1] : 0);
	return bits;
}

bool lk_cell_typed(enum lk_cell_kind kind)
{
	return kind >= LK_CELL_NULL && kind <= LK_CELL_ADDRESS;
}

static size_t digits(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && isdigit((unsigned char)s[n]))
		n++;
	return n;
}

static bool one_of(const char *s, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == len && !strncasecmp(*words, s, len))
			return true;
	return false;
}

static const char *const NULLS[] = {"na", "n/a", "nan", "null", "none", "nil", "-", "--", "?", "#n/a", "\\n", NULL};
static const char *const BOOLEANS[] = {"true", "false", "yes", "no", "y", "n", "t", "f", NULL};
static const char *const MONTHS[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};

/* The length of a number at the start of s, or 0: groups of three, a point or comma, an exponent. */
static size_t number_len(const char *s, size_t len, bool *plain, size_t *n_digits)
{
	size_t i = len && (*s == '-' || *s == '+'), n = digits(s + i, len - i);

	*plain = true;
	*n_digits = n;
	i += n;
	for (int pass = 0; pass < 2; pass++) { /* groups, then a fraction */
		char separator = i < len ? s[i] : 0;

		if (!pass && (separator == ',' || separator == '.' || separator == ' ' || separator == '\'')) {
			size_t end = i;

			while (n && n <= 3 && end < len && s[end] == separator && digits(s + end + 1, len - end - 1) == 3)
				end += 4;
			if (separator != ' ' && end == i + 4 && (end == len || (s[end] != '.' && s[end] != ',')))
				end = i; /* 1,234 alone is rather 1.234: the same length */
			*n_digits += end - i - (end - i) / 4;
			*plain &= end == i;
			i = end;
		} else if (pass && (separator == ',' || separator == '.')) {
			size_t fraction = digits(s + i + 1, len - i - 1);

			if (!*n_digits && !fraction)
				return 0;
			if (!fraction && separator == ',')
				break;
			*n_digits += fraction;
			i += 1 + fraction;
			*plain = false;
		}
	}
	if (!*n_digits)
		return 0;
	if (i + 1 < len && (s[i] == 'e' || s[i] == 'E')) {
		size_t sign = s[i + 1] == '-' || s[i + 1] == '+', n_exponent = digits(s + i + 1 + sign, len - i - 1 - sign);

		if (n_exponent && n_exponent <= 3) {
			*n_digits += n_exponent;
			i += 1 + sign + n_exponent;
			*plain = false;
		}
	}
	return i;
}

static size_t month_name(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && isalpha((unsigned char)s[n]))
		n++;
	return n >= 3 && n <= 9 && one_of(s, 3, MONTHS) ? n : 0;
}

/* The length of a date at the start of s, or 0. */
static size_t date_len(const char *s, size_t len)
{
	size_t part[3] = {0}, value[3] = {0}, i = 0, name = 0;
	char separator = 0;

	if (len >= 8 && digits(s, len) == 8 && (!strncmp(s, "19", 2) || !strncmp(s, "20", 2))) {
		unsigned month = (unsigned)(s[4] - '0') * 10 + (unsigned)(s[5] - '0');
		unsigned day = (unsigned)(s[6] - '0') * 10 + (unsigned)(s[7] - '0');

		return month >= 1 && month <= 12 && day >= 1 && day <= 31 ? 8 : 0;
	}
	for (int k = 0; k < 3; k++) {
		size_t n = digits(s + i, len - i);

		if (!n && !name && (n = name = month_name(s + i, len - i)))
			value[k] = 1;
		else
			for (size_t d = 0; d < n && n <= 4; d++)
				value[k] = value[k] * 10 + (size_t)(s[i + d] - '0');
		if (!n || (n > 4 && !name) || n == 3)
			if (!(n && name))
				return 0;
		part[k] = n;
		i += n;
		if (k == 2)
			break;
		if (i >= len || (s[i] != '-' && s[i] != '/' && s[i] != '.' && !(name && (s[i] == ' ' || s[i] == ','))
			&& !(s[i] == ' ' && !k && month_name(s + i + 1, len - i - 1))))
			return 0;
		if (!separator)
			separator = s[i];
		else if (!name && s[i] != separator)
			return 0;
		i++;
		if (name && i < len && s[i] == ' ')
			i++;
	}
	if (name)
		return i;
	if (part[0] == 4)
		return value[1] >= 1 && value[1] <= 12 && value[2] >= 1 && value[2] <= 31 && part[2] <= 2 ? i : 0;
	if (part[0] > 2 || part[1] > 2 || part[2] == 3 || part[2] == 1)
		return 0;
	return value[0] >= 1 && value[1] >= 1 && value[0] <= 31 && value[1] <= 31 &&
			       (value[0] <= 12 || value[1] <= 12) ?
		       i :
		       0;
}

/* The length of an offset or the name of a zone at the start of s, such as Z, +01:00 or UTC after a blank, or 0. */
static size_t zone_len(const char *s, size_t len)
{
	size_t blank = len && *s == ' ', n, letters = 0;

	if (len && *s == 'Z')
		return 1;
	s += blank;
	len -= blank;
	while (letters < len && isupper((unsigned char)s[letters]))
		letters++;
	if (blank && letters >= 2 && letters <= 4)
		return 1 + letters;
	if (!len || (*s != '+' && *s != '-'))
		return 0;
	n = digits(s + 1, len - 1);
	if (n == 2 && len >= 6 && s[3] == ':' && digits(s + 4, 2) == 2)
		return blank + 6;
	return n == 2 || n == 4 ? blank + 1 + n : 0;
}

/* The length of a time of day at the start of s, or 0. */
static size_t time_len(const char *s, size_t len)
{
	size_t n = digits(s, len), i = n;
	int parts = 1;

	if (!n || n > 2)
		return 0;
	while (parts < 3 && i + 2 < len && s[i] == ':' && digits(s + i + 1, len - i - 1) == 2) {
		if (s[i + 1] > '5')
			return 0;
		i += 3;
		parts++;
	}
	if (parts < 2)
		return 0;
	if (parts == 3 && i < len && (s[i] == '.' || s[i] == ',') && digits(s + i + 1, len - i - 1))
		i += 1 + digits(s + i + 1, len - i - 1);
	n = i < len && s[i] == ' ';
	if (i + n + 1 < len && strchr("aApP", s[i + n]) && strchr("mM", s[i + n + 1]))
		return i + n + 2;
	return i + zone_len(s + i, len - i);
}

static bool address(const char *s, size_t len)
{
	static const char *const SCHEMES[] = {"http://", "https://", "ftp://", "www.", "urn:", "file://", "mailto:", NULL};
	const char *at;

	if (memchr(s, ' ', len) || len < 5)
		return false;
	for (const char *const *scheme = SCHEMES; *scheme; scheme++)
		if (len > strlen(*scheme) && !strncasecmp(s, *scheme, strlen(*scheme)))
			return true;
	at = memchr(s, '@', len);
	if (at && at > s && memchr(at, '.', len - (size_t)(at - s))) {
		for (size_t i = 0; i < len; i++)
			if (!isalnum((unsigned char)s[i]) && !strchr("@._-+", s[i]))
				return false;
		return true;
	}
	if (isdigit((unsigned char)*s)) { /* 127.0.0.1 */
		int dots = 0;

		for (size_t i = 0; i < len; i++) {
			if (s[i] == '.')
				dots++;
			else if (!isdigit((unsigned char)s[i]))
				return false;
		}
		return dots == 3 && len <= 15;
	}
	return false;
}

static struct lk_cell_look look_typed(const char *s, size_t len)
{
	struct lk_cell_look look = {LK_CELL_TEXT, 0};
	size_t n, rest, n_digits;
	bool plain;

	if (len <= 5 && one_of(s, len, NULLS))
		return (struct lk_cell_look){LK_CELL_NULL, 3};
	if (len <= 5 && one_of(s, len, BOOLEANS))
		return (struct lk_cell_look){LK_CELL_BOOLEAN, 2};
	n = date_len(s, len);
	if (n == len)
		return (struct lk_cell_look){LK_CELL_DATE, 14};
	rest = n && (s[n] == ' ' || s[n] == 'T' || s[n] == '_' || (s[n] == ',' && n + 1 < len && s[n + 1] == ' '));
	if (rest && s[n] == ',')
		rest = 2;
	if (rest && time_len(s + n + rest, len - n - rest) == len - n - rest)
		return (struct lk_cell_look){LK_CELL_DATETIME, 24};
	if (time_len(s, len) == len)
		return (struct lk_cell_look){LK_CELL_TIME, 10};
	n = number_len(s, len, &plain, &n_digits);
	if (n == len)
		return (struct lk_cell_look){plain ? LK_CELL_INTEGER : LK_CELL_NUMBER,
			DIGIT_BITS * (double)n_digits + (plain ? 0 : 1) + (*s == '-')};
	if (n && n < len && len - n <= 3 &&
		(s[len - 1] == '%' || (unsigned char)s[len - 1] == 0xac)) /* 12 %, or the end of a euro sign */
		return (struct lk_cell_look){LK_CELL_AMOUNT, DIGIT_BITS * (double)n_digits + 1};
	if (*s == '$' || (len > 3 && !memcmp(s, "\xe2\x82\xac", 3)) || (len > 2 && !memcmp(s, "\xc2\xa3", 2))) {
		size_t sign = *s == '$' ? 1 : (unsigned char)*s == 0xe2 ? 3 : 2;

		sign += sign < len && s[sign] == ' ';
		n = number_len(s + sign, len - sign, &plain, &n_digits);
		if (n && n == len - sign)
			return (struct lk_cell_look){LK_CELL_AMOUNT, DIGIT_BITS * (double)n_digits + 1};
	}
	if (address(s, len))
		return (struct lk_cell_look){LK_CELL_ADDRESS, 4.5 * (double)len};
	return look;
}

static struct lk_cell_look look_text(const char *s, size_t len)
{
	bool alpha = false, digit = false, other = false;
	double bits = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (isalpha(c) || c >= 0x80)
			alpha = true;
		else if (isdigit(c))
			digit = true;
		else if (c == '-' || c == '_' || c == '.' || c == '/' || c == ':')
			digit = true;
		else
			other = true;
		bits += char_bits(c, i + 1 < len ? (unsigned char)s[i + 1] : 0);
	}
	if (!other && alpha && !digit)
		return (struct lk_cell_look){LK_CELL_WORD, bits};
	if (!other && !memchr(s, ':', len))
		return (struct lk_cell_look){LK_CELL_CODE, bits};
	return (struct lk_cell_look){LK_CELL_TEXT, bits};
}

struct lk_cell_look lk_cell_look(const char *text, size_t len)
{
	size_t start = 0, end = len;
	struct lk_cell_look look = {LK_CELL_EMPTY, 0};

	while (start < end && (text[start] == ' ' || text[start] == '\t'))
		start++;
	while (end > start && (text[end - 1] == ' ' || text[end - 1] == '\t'))
		end--;
	if (end > start) {
		if (end - start <= 64 || end - start > 400)
			look = end - start <= 64 ? look_typed(text + start, end - start) : (struct lk_cell_look){LK_CELL_TEXT, 0};
		else
			look = address(text + start, end - start) ?
				       (struct lk_cell_look){LK_CELL_ADDRESS, 4.5 * (double)(end - start)} :
				       (struct lk_cell_look){LK_CELL_TEXT, 0};
		if (look.kind == LK_CELL_TEXT)
			look = look_text(text + start, end - start);
	}
	for (size_t i = 0; i < start; i++)
		look.bits += i && text[i] == text[i - 1] ? 0.5 : char_bits((unsigned char)text[i], 0);
	for (size_t i = end; i < len; i++)
		look.bits += i > end && text[i] == text[i - 1] ? 0.5 : char_bits((unsigned char)text[i], 0);
	return look;
}
