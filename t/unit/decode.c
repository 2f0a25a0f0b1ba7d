/* Decoders: the same text in pieces of any size, and what wrong bytes become. */
#include <iconv.h>
#include <stdlib.h>

#include "source/decode.h"

#include "tap.h"

static enum lk_status add(void *arg, const char *text, size_t len, struct lk_error *err)
{
	lk_str_add(arg, text, len);
	return lk_str_check(arg, err);
}

/* Decodes in pieces of this size. */
static void decode(const struct lk_decoding *how, const char *data, size_t len, size_t piece, struct lk_str *out)
{
	struct lk_decoder *d;
	struct lk_error err;

	lk_str_clear(out);
	if (lk_decoder_open(&d, how, &err) != LK_OK) {
		lk_str_adds(out, err.message);
		return;
	}
	for (size_t at = 0; at < len; at += piece)
		if (lk_decoder_feed(d, data + at, len - at < piece ? len - at : piece, add, out, &err) != LK_OK)
			lk_str_adds(out, "failed");
	if (lk_decoder_finish(d, add, out, &err) != LK_OK)
		lk_str_adds(out, "failed");
	lk_decoder_close(d);
}

/* A text of all kinds of characters, longer than a decoder's own pieces. */
static void make_text(struct lk_str *text)
{
	for (uint32_t i = 0; text->len < 200000; i++) {
		lk_str_addf(text, "plain %u,", i);
		lk_str_add_point(text, 0xa0 + i % 0x50);
		if (i % 3)
			lk_str_add_point(text, 0x20ac);
	}
}

static void encode(const char *encoding, const struct lk_str *text, struct lk_str *out)
{
	iconv_t cd = iconv_open(encoding, "UTF-8");
	char *from = text->data, *to;
	size_t left = text->len, room = 4 * text->len;

	lk_str_clear(out);
	if (cd == (iconv_t)-1 || !lk_str_reserve(out, room))
		return;
	to = out->data;
	iconv(cd, &from, &left, &to, &room);
	iconv(cd, NULL, NULL, &to, &room);
	out->len = (size_t)(to - out->data);
	iconv_close(cd);
}

static void test_pieces(void)
{
	static const char *const encodings[] = {"windows-1252", "ISO-8859-15", "UTF-16LE", "UTF-16BE", "UTF-32LE", "GB18030", "IBM1047"};
	static const size_t pieces[] = {1, 2, 3, 7, 4096, 32 * 1024, 32 * 1024 + 1, 1000000};
	struct lk_str text = LK_STR_INIT, encoded = LK_STR_INIT, got = LK_STR_INIT, want = LK_STR_INIT;

	make_text(&text);
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		struct lk_decoding how = {.encoding = encodings[i]};

		lk_str_clear(&want);
		lk_str_add(&want, text.data, text.len);
		if (i == 1 || i == 6) { /* what it has no letter for */
			lk_str_clear(&want);
			for (int k = 0; k < 20000; k++)
				lk_str_addf(&want, "%d: \xc3\xa9,", k);
		}
		encode(encodings[i], &want, &encoded);
		for (size_t j = 0; j < sizeof(pieces) / sizeof(*pieces); j++) {
			decode(&how, encoded.data, encoded.len, pieces[j], &got);
			ok(encoded.len && got.len == want.len && !memcmp(got.data, want.data, want.len), "%s in pieces of %zu bytes",
				encodings[i], pieces[j]);
		}
	}
	lk_str_release(&text);
	lk_str_release(&encoded);
	lk_str_release(&got);
	lk_str_release(&want);
}

static void test_wrong(void)
{
	struct lk_decoding how = {.encoding = "windows-1252"}, wide = {.encoding = "UTF-16LE", .replace = true};
	struct lk_str got = LK_STR_INIT;

	decode(&how, "a\x81" "b", 3, 1, &got);
	is_text(lk_str_text(&got), "a\xff" "b", "a byte that is no character becomes one that UTF-8 has not");
	how.second = "ISO-8859-1";
	decode(&how, "a\x81" "b", 3, 3, &got);
	is_text(lk_str_text(&got), "a\xc2\x81" "b", "or is read by the second encoding");
	how.second = NULL;
	how.replace = true;
	decode(&how, "a\x81" "b", 3, 2, &got);
	is_text(lk_str_text(&got), "a\xef\xbf\xbd" "b", "or is replaced");
	for (size_t piece = 1; piece < 9; piece++) {
		decode(&wide, "a\0\0\xd8" "b\0\0\xdc" "c\0\x3d\xd8\0\xde" "d", 15, piece, &got);
		is_text(lk_str_text(&got), "a\xef\xbf\xbd" "b\xef\xbf\xbd" "c\xf0\x9f\x98\x80\xef\xbf\xbd",
			"surrogates alone, in pieces of %zu bytes", piece);
	}
	lk_str_release(&got);
}

static void test_names(void)
{
	char name[LK_ENCODING_NAME];

	ok(lk_encoding_known("utf8", name) && !strcmp(name, "UTF-8"), "utf8");
	ok(lk_encoding_known("us-ascii", name) && !strcmp(name, "UTF-8"), "ASCII is UTF-8");
	ok(lk_encoding_known("utf-16-le", name) && !strcmp(name, "UTF-16LE"), "utf-16-le");
	ok(lk_encoding_known("latin-1", name), "latin-1");
	ok(lk_encoding_known("iso8859_15", name), "iso8859_15");
	ok(!lk_encoding_known("utf-8//IGNORE", name), "no options of iconv");
	ok(!lk_encoding_known("", name), "nothing");
	ok(!lk_encoding_known("a-name-that-is-much-too-long-for-an-encoding", name), "too long");
}

int main(void)
{
	test_pieces();
	test_wrong();
	test_names();
	return done();
}
