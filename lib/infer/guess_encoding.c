#include "infer/guess_encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>

#define PROBE (64 * 1024)

/* UTF-16 without a mark: text has NUL in every other byte, nearly always. */
static const char *utf16(const unsigned char *p, size_t len)
{
	size_t even = 0, odd = 0, pairs = len / 2;

	for (size_t i = 0; i < pairs; i++) {
		even += !p[2 * i];
		odd += !p[2 * i + 1];
	}
	if (pairs < 2)
		return NULL;
	if (odd * 10 >= pairs * 7 && even * 20 <= pairs)
		return "utf-16le";
	return even * 10 >= pairs * 7 && odd * 20 <= pairs ? "utf-16be" : NULL;
}

/* Whether it is UTF-8: all of it but for a character cut at the end, or nearly all that is not ASCII, so that what is left is damage. */
static bool utf8(const unsigned char *p, size_t len, bool whole)
{
	const unsigned char *end = p + len;
	size_t good = 0, bad = 0;

	while (p < end) {
		size_t n = *p < 0x80 ? 1 : lk_utf8_len(p, end);

		if (!n && !whole && end - p < 4 && *p >= 0xc2 && *p < 0xf5 && (p + 1 == end || (p[1] & 0xc0) == 0x80))
			break;
		good += n > 1;
		bad += !n;
		p += n ? n : 1;
	}
	return bad * 10 <= good;
}

/* Shift JIS: each lead byte has its trail, and the two syllabaries, 82 9F to 83 96, are a good part of the characters. */
static bool shift_jis(const unsigned char *p, size_t len)
{
	size_t pairs = 0, syllables = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char lead = p[i], trail = i + 1 < len ? p[i + 1] : 0x40;

		if (lead < 0x80 || (lead >= 0xa1 && lead <= 0xdf)) /* ASCII, narrow syllables */
			continue;
		if (lead == 0x80 || lead == 0xa0 || lead > 0xfc || trail < 0x40 || trail == 0x7f || trail > 0xfc)
			return false;
		i++;
		pairs++;
		syllables += (lead == 0x82 && trail >= 0x9f) || (lead == 0x83 && trail <= 0x96);
	}
	return pairs >= 4 && syllables * 4 >= pairs;
}

/*
 * Of the 8-bit encodings: windows-1251 (or KOI8-R) where letters above ASCII stand together in words, most of them small; else
 * ISO-8859-1 where no byte is one of its control characters; else windows-1252, or, where a byte stands for nothing in that, 1250.
 */
static const char *eight_bit(const unsigned char *p, size_t len)
{
	size_t high = 0, beside = 0, small = 0, controls = 0;
	bool western = true, central = true;

	for (size_t i = 0; i < len; i++) {
		if (p[i] < 0x80)
			continue;
		if (p[i] < 0xa0) {
			controls++;
			western &= !memchr("\x81\x8d\x8f\x90\x9d", p[i], 5);
			central &= !memchr("\x81\x83\x88\x90\x98", p[i], 5);
		}
		if (p[i] < 0xc0)
			continue;
		high++;
		small += p[i] >= 0xe0;
		beside += i && p[i - 1] >= 0xc0;
	}
	if (high >= 8 && beside * 2 > high)
		return small * 2 > high ? "windows-1251" : small ? "koi8-r" : "windows-1251";
	if (!controls)
		return "iso-8859-1";
	return western ? "windows-1252" : central ? "windows-1250" : "iso-8859-1";
}

const char *lk_encoding_guess(const char *data, size_t len, bool whole)
{
	const unsigned char *p = (const unsigned char *)data;
	size_t probe = len < PROBE ? len : PROBE;
	const char *name;

	if (len >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		return "utf-8";
	if (len >= 2 && p[0] == 0xff && p[1] == 0xfe)
		return "utf-16";
	if (len >= 2 && p[0] == 0xfe && p[1] == 0xff)
		return "utf-16";
	name = utf16(p, probe);
	if (name)
		return name;
	if (utf8(p, len, whole))
		return "utf-8";
	return shift_jis(p, len) ? "shift_jis" : eight_bit(p, len);
}

static enum lk_status text_impl(iconv_t cd, char *data, size_t len, struct lk_str *out, struct lk_error *err)
{
	char buffer[8192];

	while (len) {
		char *to = buffer;
		size_t room = sizeof(buffer), done = iconv(cd, &data, &len, &to, &room);

		lk_str_add(out, buffer, (size_t)(to - buffer));
		if (done != (size_t)-1 || errno == E2BIG)
			continue;
		lk_str_adds(out, "\xef\xbf\xbd");
		if (errno == EINVAL || !len)
			break;
		data++;
		len--;
	}
	return lk_str_check(out, err);
}

enum lk_status lk_encoding_text(
	const char *data, size_t len, const char *encoding, struct lk_str *out, struct lk_error *err)
{
	enum lk_status status;
	iconv_t cd;

	if (!strcmp(encoding, "utf-8")) {
		size_t mark = len >= 3 && !memcmp(data, "\xef\xbb\xbf", 3) ? 3 : 0;

		lk_str_add(out, data + mark, len - mark);
		return lk_str_check(out, err);
	}
	cd = iconv_open("UTF-8", encoding);
	if (cd == (iconv_t)-1)
		return lk_error_set(err, LK_MISSING, "this system's iconv does not know '%s'", encoding);
	status = text_impl(cd, (char *)(uintptr_t)data, len, out, err);
	iconv_close(cd);
	return status;
}
