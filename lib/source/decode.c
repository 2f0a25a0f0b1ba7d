#include "source/decode.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#define IN_BYTES (32 * 1024)
#define OUT_BYTES (4 * IN_BYTES) /* no byte becomes more than a character of four */
#define CARRY_BYTES 64		 /* more than any character has */
#define SHIFT_BYTES 16		 /* what a change of state may add */

/* What each byte of an encoding of one byte a character is in UTF-8; a length of 0: nothing. */
struct table {
	char text[256][4];
	unsigned char len[256];
	bool ascii; /* bytes below 0x80 are ASCII */
};

struct lk_decoder {
	struct lk_decoding how;
	iconv_t cd;
	size_t unit; /* bytes that are skipped where there is no character */
	struct table *table, *second; /* or NULL */
	char carry[CARRY_BYTES];      /* the start of a character */
	size_t carried;
	size_t skip; /* bytes of the byte order mark still to come */
	int64_t seconded, wrong;
	char *out;
	size_t filled;
};

/* ---- names ---- */

static bool iconv_knows(const char *name)
{
	iconv_t cd = iconv_open("UTF-8", name);

	if (cd == (iconv_t)-1)
		return false;
	iconv_close(cd);
	return true;
}

bool lk_encoding_known(const char *name, char out[LK_ENCODING_NAME])
{
	static const char *const ours[][2] = {{"UTF8", "UTF-8"}, {"UTF8SIG", "UTF-8"}, {"USASCII", "UTF-8"}, {"ASCII", "UTF-8"},
		{"ANSIX3.41968", "UTF-8"}, {"UTF16", "UTF-16"}, {"UTF16LE", "UTF-16LE"}, {"UTF16BE", "UTF-16BE"},
		{"UTF32", "UTF-32"}, {"UTF32LE", "UTF-32LE"}, {"UTF32BE", "UTF-32BE"}};
	char plain[LK_ENCODING_NAME];
	size_t n = 0, len = strlen(name);

	if (!len || len >= LK_ENCODING_NAME)
		return false;
	for (size_t i = 0; i <= len; i++) {
		char c = name[i];

		if (c && !isalnum((unsigned char)c) && !strchr("-_.:+()", c))
			return false; /* such as //TRANSLIT */
		out[i] = c == '_' ? '-' : c;
		if (c != '-' && c != '_')
			plain[n++] = (char)toupper((unsigned char)c);
	}
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (!strcmp(plain, ours[i][0])) {
			memcpy(out, ours[i][1], strlen(ours[i][1]) + 1);
			return true;
		}
	if (iconv_knows(out))
		return true;
	memcpy(out, iconv_knows(name) ? name : plain, iconv_knows(name) ? len + 1 : n); /* plain: latin-1, as Python calls it */
	return iconv_knows(out);
}

/* ---- what a text says of itself ---- */

/* By where NUL bytes are: most characters of most texts are below U+0100. */
static const char *encoding_of_nuls(const char *data, size_t len)
{
	size_t nuls[4] = {0}, quarter = len / 4;

	for (size_t i = 0; i < 4 * quarter; i++)
		nuls[i % 4] += !data[i];
	if (!quarter)
		return NULL;
	if (nuls[3] == quarter && nuls[2] == quarter && nuls[0] < quarter)
		return "UTF-32LE";
	if (nuls[0] == quarter && nuls[1] == quarter && nuls[3] < quarter)
		return "UTF-32BE";
	if (nuls[1] + nuls[3] > quarter && nuls[0] + nuls[2] <= quarter / 8)
		return "UTF-16LE";
	if (nuls[0] + nuls[2] > quarter && nuls[1] + nuls[3] <= quarter / 8)
		return "UTF-16BE";
	return NULL;
}

const char *lk_encoding_of_head(const char *data, size_t len, size_t *mark)
{
	static const struct {
		const char *mark;
		size_t len;
		const char *name;
	} marks[] = {{"\xff\xfe\0\0", 4, "UTF-32LE"}, {"\0\0\xfe\xff", 4, "UTF-32BE"}, {"\xff\xfe", 2, "UTF-16LE"},
		{"\xfe\xff", 2, "UTF-16BE"}, {"\xef\xbb\xbf", 3, LK_UTF8_NAME}};

	*mark = 0;
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (len >= marks[i].len && !memcmp(data, marks[i].mark, marks[i].len)) {
			*mark = marks[i].len;
			return marks[i].name;
		}
	return encoding_of_nuls(data, len);
}

bool lk_encoding_is_wide(const char *name)
{
	return !strncmp(name, "UTF-16", 6) || !strncmp(name, "UTF-32", 6);
}

/* Whether a wide encoding can be that of a text whose NUL bytes tell another, or none (NULL). */
static bool allows(const char *name, const char *told)
{
	return told && !strncmp(name, told, strlen(name));
}

void lk_decoding_choose(const char *const *names, int count, bool replace, const char *data, size_t len, struct lk_decoding *out)
{
	const char *told = lk_encoding_of_head(data, len, &out->mark);
	int i = 0;

	out->replace = replace;
	out->second = NULL;
	if (out->mark) {
		out->encoding = told;
		return;
	}
	while (i + 1 < count && lk_encoding_is_wide(names[i]) && !allows(names[i], told))
		i++;
	out->encoding = names[i];
	if (!strcmp(names[i], "UTF-16"))
		out->encoding = allows(names[i], told) ? told : "UTF-16LE";
	else if (!strcmp(names[i], "UTF-32"))
		out->encoding = allows(names[i], told) ? told : "UTF-32LE";
	else if (strcmp(names[i], LK_UTF8_NAME) && !lk_encoding_is_wide(names[i]) && i + 1 < count)
		out->second = names[i + 1];
}

static bool texts_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool lk_decoding_equal(const struct lk_decoding *a, const struct lk_decoding *b)
{
	return texts_equal(a->encoding, b->encoding) && texts_equal(a->second, b->second) && a->replace == b->replace;
}

/* ---- tables ---- */

/* False when some byte is only part of a character. */
static bool fill_table(struct table *t, iconv_t cd)
{
	t->ascii = true;
	for (int byte = 0; byte < 256; byte++) {
		char in = (char)byte, *from = &in, *to = t->text[byte];
		size_t left = 1, room = 4;

		iconv(cd, NULL, NULL, NULL, NULL);
		if (iconv(cd, &from, &left, &to, &room) == (size_t)-1) {
			if (errno != EILSEQ)
				return false;
			continue;
		}
		if (room == 4)
			return false; /* a change of state */
		t->len[byte] = (unsigned char)(4 - room);
		t->ascii &= byte >= 0x80 || (room == 3 && t->text[byte][0] == in);
	}
	return true;
}

/* *out stays NULL when the encoding has characters of more bytes. */
static enum lk_status make_table(const char *encoding, struct table **out, struct lk_error *err)
{
	iconv_t cd = iconv_open("UTF-8", encoding);
	struct table *t = calloc(1, sizeof(*t));

	if (cd == (iconv_t)-1 || !t) {
		if (cd != (iconv_t)-1)
			iconv_close(cd);
		free(t);
		return t ? lk_error_set(err, LK_MISSING, "this system's iconv does not know '%s'", encoding)
			 : lk_error_nomem(err);
	}
	if (!lk_encoding_is_wide(encoding) && fill_table(t, cd))
		*out = t;
	else
		free(t);
	iconv_close(cd);
	return LK_OK;
}

/* ---- opening ---- */

static enum lk_status open_impl(struct lk_decoder *d, struct lk_error *err)
{
	LK_TRY(make_table(d->how.encoding, &d->table, err));
	if (d->how.second)
		LK_TRY(make_table(d->how.second, &d->second, err));
	if (!d->table)
		d->cd = iconv_open("UTF-8", d->how.encoding);
	if (!d->table && d->cd == (iconv_t)-1)
		return lk_error_set(err, LK_MISSING, "this system's iconv does not know '%s'", d->how.encoding);
	d->unit = !lk_encoding_is_wide(d->how.encoding) ? 1 : !strncmp(d->how.encoding, "UTF-16", 6) ? 2 : 4;
	d->out = malloc(OUT_BYTES + SHIFT_BYTES);
	return d->out ? LK_OK : lk_error_nomem(err);
}

enum lk_status lk_decoder_open(struct lk_decoder **out, const struct lk_decoding *how, struct lk_error *err)
{
	struct lk_decoder *d = calloc(1, sizeof(*d));
	enum lk_status status;

	*out = d;
	if (!d)
		return lk_error_nomem(err);
	d->how = *how;
	d->skip = how->mark;
	d->cd = (iconv_t)-1;
	status = open_impl(d, err);
	if (status) {
		lk_decoder_close(d);
		*out = NULL;
	}
	return status;
}

void lk_decoder_close(struct lk_decoder *d)
{
	if (!d)
		return;
	if (d->cd != (iconv_t)-1)
		iconv_close(d->cd);
	free(d->table);
	free(d->second);
	free(d->out);
	free(d);
}

int64_t lk_decoder_seconded(const struct lk_decoder *d)
{
	return d->seconded;
}

int64_t lk_decoder_wrong(const struct lk_decoder *d)
{
	return d->wrong;
}

/* ---- decoding ---- */

/* Bytes that are no character of the encoding; d->out has room. */
static void put_wrong(struct lk_decoder *d, const char *data, size_t len)
{
	unsigned char byte = (unsigned char)*data;
	const char *text = d->how.replace ? LK_REPLACEMENT : LK_WRONG_BYTE;
	size_t n = strlen(text);

	if (len == 1 && d->second && d->second->len[byte]) {
		text = d->second->text[byte];
		n = d->second->len[byte];
		d->seconded++;
	} else {
		d->wrong++;
	}
	memcpy(d->out + d->filled, text, n);
	d->filled += n;
}

/* At most IN_BYTES by the table. */
static void decode_table(struct lk_decoder *d, const char *data, size_t len)
{
	const struct table *t = d->table;
	char *out = d->out + d->filled;

	for (size_t i = 0; i < len;) {
		unsigned char byte;
		uint64_t eight;

		if (t->ascii && i + 8 <= len) {
			memcpy(&eight, data + i, 8);
			if (!(eight & UINT64_C(0x8080808080808080))) {
				memcpy(out, &eight, 8);
				out += 8;
				i += 8;
				continue;
			}
		}
		byte = (unsigned char)data[i];
		if (t->len[byte]) {
			memcpy(out, t->text[byte], 4);
			out += t->len[byte];
		} else {
			d->filled = (size_t)(out - d->out);
			put_wrong(d, data + i, 1);
			out = d->out + d->filled;
		}
		i++;
	}
	d->filled = (size_t)(out - d->out);
}

/* At most IN_BYTES by iconv; *len becomes what it took. What it leaves is the start of a character. */
static void decode_iconv(struct lk_decoder *d, const char *data, size_t *len)
{
	char *from = (char *)data;
	size_t left = *len;

	while (left) {
		char *to = d->out + d->filled;
		size_t room = OUT_BYTES + SHIFT_BYTES - d->filled, got = iconv(d->cd, &from, &left, &to, &room), n;

		d->filled = (size_t)(to - d->out);
		if (got != (size_t)-1 || errno != EILSEQ)
			break;
		n = left < d->unit ? left : d->unit;
		put_wrong(d, from, n);
		from += n;
		left -= n;
	}
	*len -= left;
}

static enum lk_status hand_on(struct lk_decoder *d, lk_decoded to, void *arg, struct lk_error *err)
{
	size_t len = d->filled;

	d->filled = 0;
	return len ? to(arg, d->out, len, err) : LK_OK;
}

/* The start of a character that was kept, with enough of what follows to end it. Takes *used bytes of the piece. */
static void decode_carry(struct lk_decoder *d, const char *data, size_t len, size_t *used)
{
	char joined[CARRY_BYTES];
	size_t kept = d->carried, n = len < CARRY_BYTES / 2 ? len : CARRY_BYTES / 2, taken;

	memcpy(joined, d->carry, kept);
	memcpy(joined + kept, data, n);
	taken = kept + n;
	decode_iconv(d, joined, &taken);
	if (taken >= kept) {
		*used = taken - kept;
		d->carried = 0;
	} else if (kept + n < CARRY_BYTES / 2) { /* a tiny piece: still not enough */
		memcpy(d->carry, joined + taken, kept + n - taken);
		d->carried = kept + n - taken;
		*used = n;
	} else { /* no character is so long */
		put_wrong(d, joined, 1);
		memmove(d->carry, d->carry + 1, kept - 1);
		d->carried = kept - 1;
		*used = 0;
	}
}

enum lk_status lk_decoder_feed(
	struct lk_decoder *d, const char *data, size_t len, lk_decoded to, void *arg, struct lk_error *err)
{
	size_t mark = d->skip < len ? d->skip : len;

	d->skip -= mark;
	data += mark;
	len -= mark;
	while (d->carried && len) {
		size_t used = 0;

		decode_carry(d, data, len, &used);
		data += used;
		len -= used;
		LK_TRY(hand_on(d, to, arg, err));
	}
	while (len) {
		size_t n = len < IN_BYTES ? len : IN_BYTES, taken = n;

		if (d->table && d->table->ascii && lk_ascii(data, n)) {
			LK_TRY(to(arg, data, n, err));
		} else if (d->table) {
			decode_table(d, data, n);
		} else {
			decode_iconv(d, data, &taken);
		}
		LK_TRY(hand_on(d, to, arg, err));
		data += taken;
		len -= taken;
		if (taken == n)
			continue;
		if (n < IN_BYTES || !taken) { /* the start of a character ends the piece */
			d->carried = n - taken < CARRY_BYTES / 2 ? n - taken : CARRY_BYTES / 2;
			memcpy(d->carry, data, d->carried);
			len -= d->carried;
			data += d->carried;
		}
	}
	return LK_OK;
}

enum lk_status lk_decoder_finish(struct lk_decoder *d, lk_decoded to, void *arg, struct lk_error *err)
{
	char *out;
	size_t room;

	if (d->carried)
		put_wrong(d, d->carry, d->carried);
	d->carried = 0;
	if (!d->table) {
		out = d->out + d->filled;
		room = OUT_BYTES + SHIFT_BYTES - d->filled;
		iconv(d->cd, NULL, NULL, &out, &room);
		d->filled = (size_t)(out - d->out);
	}
	return hand_on(d, to, arg, err);
}

static enum lk_status add_text(void *arg, const char *text, size_t len, struct lk_error *err)
{
	struct lk_str *out = arg;

	(void)err;
	lk_str_add(out, text, len);
	return LK_OK;
}

bool lk_decoder_text(struct lk_decoder *d, const char *data, size_t len, struct lk_str *out)
{
	int64_t wrong = d->wrong;
	size_t before = out->len;
	bool good = lk_decoder_feed(d, data, len, add_text, out, NULL) == LK_OK &&
		    lk_decoder_finish(d, add_text, out, NULL) == LK_OK && d->wrong == wrong && !out->failed;

	if (!good && out->len > before) {
		out->len = before;
		out->data[before] = '\0';
	}
	return good;
}
