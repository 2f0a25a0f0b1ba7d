#include "base/str.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool lk_str_reserve(struct lk_str *s, size_t extra)
{
	size_t need, cap = s->cap ? s->cap : 64;
	char *p;

	if (s->failed)
		return false;
	if (extra >= SIZE_MAX / 2 - s->len)
		goto failed;
	need = s->len + extra + 1;
	if (need <= s->cap)
		return true;
	while (cap < need)
		cap *= 2;
	p = realloc(s->data, cap);
	if (!p)
		goto failed;
	s->data = p;
	s->cap = cap;
	return true;
failed:
	s->failed = true;
	return false;
}

void lk_str_add(struct lk_str *s, const void *data, size_t len)
{
	if (!lk_str_reserve(s, len))
		return;
	if (len)
		memcpy(s->data + s->len, data, len);
	s->len += len;
	s->data[s->len] = '\0';
}

void lk_str_adds(struct lk_str *s, const char *text)
{
	lk_str_add(s, text, strlen(text));
}

void lk_str_addc(struct lk_str *s, char c)
{
	lk_str_add(s, &c, 1);
}

void lk_str_addf(struct lk_str *s, const char *fmt, ...)
{
	va_list args, again;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	if (n >= 0 && lk_str_reserve(s, (size_t)n)) {
		vsnprintf(s->data + s->len, (size_t)n + 1, fmt, again);
		s->len += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

const char *lk_plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

void lk_str_add_json(struct lk_str *s, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)text, *end = p + len;

	lk_str_addc(s, '"');
	while (p < end) {
		const unsigned char *run = p;
		size_t n;

		while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
			p++;
		lk_str_add(s, run, (size_t)(p - run));
		if (p == end)
			break;
		n = lk_utf8_len(p, end);
		if (n > 1) {
			lk_str_add(s, p, n);
			p += n;
			continue;
		}
		switch (n ? *p : 0x80) {
		case 0x80:
			lk_str_adds(s, "\xef\xbf\xbd");
			break;
		case '"':
			lk_str_adds(s, "\\\"");
			break;
		case '\\':
			lk_str_adds(s, "\\\\");
			break;
		case '\n':
			lk_str_adds(s, "\\n");
			break;
		case '\r':
			lk_str_adds(s, "\\r");
			break;
		case '\t':
			lk_str_adds(s, "\\t");
			break;
		default:
			lk_str_adds(s, "\\u00");
			lk_str_addc(s, hex[*p >> 4]);
			lk_str_addc(s, hex[*p & 15]);
		}
		p++;
	}
	lk_str_addc(s, '"');
}

void lk_str_add_point(struct lk_str *s, uint32_t point)
{
	static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	int len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	char bytes[4];

	for (int i = len - 1; i > 0; i--, point >>= 6)
		bytes[i] = (char)(0x80 | (point & 0x3f));
	bytes[0] = (char)(leads[len] | point);
	lk_str_add(s, bytes, (size_t)len);
}

enum lk_status lk_str_check(const struct lk_str *s, struct lk_error *err)
{
	return s->failed ? lk_error_nomem(err) : LK_OK;
}

const char *lk_str_text(const struct lk_str *s)
{
	return s->data ? s->data : "";
}

void lk_str_clear(struct lk_str *s)
{
	s->len = 0;
	s->failed = false;
	if (s->data)
		s->data[0] = '\0';
}

void lk_str_release(struct lk_str *s)
{
	free(s->data);
	*s = (struct lk_str)LK_STR_INIT;
}

static bool is_tail(const unsigned char *p, unsigned char low, unsigned char high)
{
	return *p >= low && *p <= high;
}

/* The table of well-formed sequences is Unicode 15, section 3.9, table 3-7. */
size_t lk_utf8_len(const unsigned char *p, const unsigned char *end)
{
	size_t left = (size_t)(end - p);

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return left >= 2 && is_tail(p + 1, 0x80, 0xbf) ? 2 : 0;
	if (p[0] >= 0xe0 && p[0] <= 0xef)
		return left >= 3 && is_tail(p + 1, p[0] == 0xe0 ? 0xa0 : 0x80, p[0] == 0xed ? 0x9f : 0xbf) &&
				       is_tail(p + 2, 0x80, 0xbf) ?
			3 :
			0;
	if (p[0] >= 0xf0 && p[0] <= 0xf4)
		return left >= 4 && is_tail(p + 1, p[0] == 0xf0 ? 0x90 : 0x80, p[0] == 0xf4 ? 0x8f : 0xbf) &&
				       is_tail(p + 2, 0x80, 0xbf) && is_tail(p + 3, 0x80, 0xbf) ?
			4 :
			0;
	return 0;
}

uint32_t lk_utf8_point(const unsigned char *p, size_t len)
{
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t point = p[0] & masks[len];

	for (size_t i = 1; i < len; i++)
		point = point << 6 | (p[i] & 0x3f);
	return point;
}

/* Where the first 8-byte word with a byte beyond ASCII may be; the hot loop takes 4 words at a time. */
static const unsigned char *skip_ascii(const unsigned char *p, const unsigned char *end)
{
	uint64_t w[4];

	for (; end - p >= 32; p += 32) {
		memcpy(w, p, 32);
		if ((w[0] | w[1] | w[2] | w[3]) & 0x8080808080808080u)
			break;
	}
	for (; end - p >= 8; p += 8) {
		memcpy(w, p, 8);
		if (w[0] & 0x8080808080808080u)
			break;
	}
	return p;
}

bool lk_ascii(const char *data, size_t len)
{
	const unsigned char *end = (const unsigned char *)data + len;
	const unsigned char *p = skip_ascii((const unsigned char *)data, end);

	while (p < end && *p < 0x80)
		p++;
	return p == end;
}

bool lk_is_control(uint32_t c)
{
	if (c < 0xa0)
		return c < 0x20 || c >= 0x7f;
	return c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

void lk_str_add_escape(struct lk_str *s, uint32_t c)
{
	switch (c) {
	case '\n':
		lk_str_adds(s, "\\n");
		break;
	case '\r':
		lk_str_adds(s, "\\r");
		break;
	case '\t':
		lk_str_adds(s, "\\t");
		break;
	default:
		lk_str_addf(s, c < 0x100 ? "\\x%02x" : "\\u{%x}", c);
	}
}

void lk_str_add_shown(struct lk_str *s, const char *text)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text), *start = p;

	while (p < end) {
		size_t n = lk_utf8_len(p, end);
		uint32_t c = n ? lk_utf8_point(p, n) : *p;

		if (n && !lk_is_control(c)) {
			p += n;
			continue;
		}
		lk_str_add(s, start, (size_t)(p - start));
		lk_str_add_escape(s, c);
		start = p += n ? n : 1;
	}
	lk_str_add(s, start, (size_t)(p - start));
}

bool lk_utf8_valid(const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data, *end = p + len;

	while ((p = skip_ascii(p, end)) < end) {
		size_t n;

		n = lk_utf8_len(p, end);
		if (!n)
			return false;
		p += n;
	}
	return true;
}

bool lk_glob_match(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, 0) == 0;
}
