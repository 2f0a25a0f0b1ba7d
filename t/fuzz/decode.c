/* Decoders: the first byte chooses an encoding, the second the size of pieces; the text must be the same in pieces and whole,
 * and hold no byte that UTF-8 has not but the one that stands for what is wrong. */
#include "fuzz.h"

#include "source/decode.h"

static const char *const encodings[] = {"UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE", "windows-1252", "ISO-8859-1", "IBM1047",
	"SHIFT_JIS", "GB18030", "EUC-JP", "BIG5-HKSCS", "KOI8-R", "CP1258", "CP437"};
#define ENCODINGS (sizeof(encodings) / sizeof(*encodings))

static enum lk_status add(void *arg, const char *text, size_t len, struct lk_error *err)
{
	lk_str_add(arg, text, len);
	return lk_str_check(arg, err);
}

static void decode(const struct lk_decoding *how, const char *data, size_t len, size_t piece, struct lk_str *out)
{
	struct lk_decoder *d;
	struct lk_error err;

	FUZZ_PROMISE(lk_decoder_open(&d, how, &err) == LK_OK, "%s", err.message);
	for (size_t at = 0; at < len; at += piece)
		FUZZ_PROMISE(lk_decoder_feed(d, data + at, len - at < piece ? len - at : piece, add, out, &err) == LK_OK, "%s",
			err.message);
	FUZZ_PROMISE(lk_decoder_finish(d, add, out, &err) == LK_OK, "%s", err.message);
	lk_decoder_close(d);
}

static void check_text(const struct lk_str *text)
{
	const unsigned char *p = (const unsigned char *)lk_str_text(text), *end = p + text->len;

	while (p < end) {
		size_t n = lk_utf8_len(p, end);

		FUZZ_PROMISE(n || *p == 0xff, "a byte of the text is 0x%02x", *p);
		p += n ? n : 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t which = fuzz_choice(&data, &len, ENCODINGS), piece = 1 + fuzz_choice(&data, &len, 40);
	struct lk_decoding how = {.encoding = encodings[which]};
	struct lk_str whole = LK_STR_INIT, pieces = LK_STR_INIT;
	const char *names[] = {"UTF-16", "UTF-8", "windows-1252"};
	struct lk_decoding chosen;

	decode(&how, (const char *)data, len, 1 + len, &whole);
	decode(&how, (const char *)data, len, piece, &pieces);
	FUZZ_PROMISE(whole.len == pieces.len && !memcmp(lk_str_text(&whole), lk_str_text(&pieces), whole.len),
		"%s in pieces of %zu bytes is another text", how.encoding, piece);
	check_text(&whole);
	lk_decoding_choose(names, 3, true, (const char *)data, len, &chosen);
	lk_str_clear(&whole);
	if (strcmp(chosen.encoding, LK_UTF8_NAME))
		decode(&chosen, (const char *)data, len, piece, &whole);
	check_text(&whole);
	lk_str_release(&whole);
	lk_str_release(&pieces);
	return 0;
}
