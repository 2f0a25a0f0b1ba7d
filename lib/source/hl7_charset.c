/* Messages in other character sets than UTF-8, by MSH-18 (table 0211). */
#include "source/hl7.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *hl7, *iconv;
} charsets[] = {
	{"8859/1", "ISO-8859-1"},
	{"8859/2", "ISO-8859-2"},
	{"8859/3", "ISO-8859-3"},
	{"8859/4", "ISO-8859-4"},
	{"8859/5", "ISO-8859-5"},
	{"8859/6", "ISO-8859-6"},
	{"8859/7", "ISO-8859-7"},
	{"8859/8", "ISO-8859-8"},
	{"8859/9", "ISO-8859-9"},
	{"8859/15", "ISO-8859-15"},
	{"GB 18030-2000", "GB18030"},
	{"KS X 1001", "EUC-KR"},
	{"CNS 11643-1992", "EUC-TW"},
	{"BIG-5", "BIG5"},
};

static const char *charset_of(struct lk_text name)
{
	for (size_t i = 0; name.data && i < sizeof(charsets) / sizeof(*charsets); i++)
		if (strlen(charsets[i].hl7) == name.len && !memcmp(charsets[i].hl7, name.data, name.len))
			return charsets[i].iconv;
	return NULL;
}

/* Appends a text decoded; false when it is not in this character set, or memory ran out. */
static bool decode_text(iconv_t cd, const char *text, size_t len, struct lk_str *out)
{
	char *in = (char *)text, *to;
	size_t in_left = len, room = 4 * len;

	if (!lk_str_reserve(out, room))
		return false;
	to = out->data + out->len;
	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in, &in_left, &to, &room) == (size_t)-1)
		return false;
	out->len = (size_t)(to - out->data);
	out->data[out->len] = '\0';
	return true;
}

/* Segment by segment, so that they are the same as before; `to` has room for as many. */
static bool decode_segments(
	iconv_t cd, const struct lk_hl7_message *m, struct lk_hl7_segment *to, struct lk_str *room, struct lk_str *others)
{
	lk_str_clear(room);
	for (size_t i = 0; i < m->count; i++) {
		const struct lk_hl7_segment *s = &m->segments[i];
		size_t start = room->len;

		if (!decode_text(cd, m->text + s->start, s->len, room) || room->len > UINT32_MAX)
			return false;
		to[i] = *s;
		to[i].start = (uint32_t)start;
		to[i].len = (uint32_t)(room->len - start);
	}
	return decode_text(cd, lk_str_text(&m->others), m->others.len, others);
}

static enum lk_status decode_impl(iconv_t cd, struct lk_hl7_message *m, struct lk_str *room, struct lk_error *err)
{
	struct lk_hl7_segment *segments = malloc(m->count * sizeof(*segments));
	struct lk_str others = LK_STR_INIT;
	bool done = segments && decode_segments(cd, m, segments, room, &others);

	if (!done) {
		m->unchecked = true;
		free(segments);
		lk_str_release(&others);
		return segments ? lk_str_check(room, err) : lk_error_nomem(err);
	}
	free(m->segments);
	lk_str_release(&m->others);
	m->segments = segments;
	m->cap = m->count;
	m->others = others;
	m->text = lk_str_text(room);
	m->len = room->len;
	m->unchecked = memchr(m->text, '\0', m->len);
	return LK_OK;
}

enum lk_status lk_hl7_decode(struct lk_hl7_message *m, struct lk_str *room, bool *known, struct lk_error *err)
{
	struct lk_text name = lk_hl7_part(lk_hl7_field(m, m->segments, 18), m->delimiters.repetition, 1);
	const char *charset = charset_of(name);
	enum lk_status status;
	iconv_t cd;

	m->unchecked = true;
	*known = charset || !name.len || (name.len == 13 && !memcmp(name.data, "UNICODE UTF-8", 13));
	if (!charset)
		return LK_OK;
	cd = iconv_open("UTF-8", charset);
	if (cd == (iconv_t)-1)
		return LK_OK;
	status = decode_impl(cd, m, room, err);
	iconv_close(cd);
	return status;
}
