#include "source/raw.h"

#include <string.h>

#define ESCAPE_BYTES 4 /* \xNN */

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that \xNN at p stands for, or -1 when there is no such thing. */
static int escaped_byte(const char *p, const char *end)
{
	if (end - p < ESCAPE_BYTES || p[0] != '\\' || p[1] != 'x' || digit(p[2]) < 0 || digit(p[3]) < 0)
		return -1;
	return digit(p[2]) << 4 | digit(p[3]);
}

void lk_raw_text(struct lk_str *out, const char *data, size_t len)
{
	const char *end = data + len, *start = data;

	while (data < end) {
		size_t n = *data ? lk_utf8_len((const unsigned char *)data, (const unsigned char *)end) : 0;

		if (n && escaped_byte(data, end) < 0) {
			data += n;
			continue;
		}
		lk_str_add(out, start, (size_t)(data - start));
		lk_str_addf(out, "\\x%02x", (unsigned char)*data);
		start = ++data;
	}
	lk_str_add(out, start, (size_t)(data - start));
}

void lk_raw_bytes(struct lk_str *out, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *next = memchr(text, '\\', (size_t)(end - text));
		int byte;

		lk_str_add(out, text, (size_t)((next ? next : end) - text));
		if (!next)
			return;
		byte = escaped_byte(next, end);
		lk_str_addc(out, byte >= 0 ? (char)byte : '\\');
		text = next + (byte >= 0 ? ESCAPE_BYTES : 1);
	}
}
