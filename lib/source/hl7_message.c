/* A message of HL7 v2: delimiters, segments, fields and their parts, escapes. */
#include "source/hl7.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- delimiters ---- */

const char *lk_hl7_delimiters_read(const char *msh, size_t len, struct lk_hl7_delimiters *d)
{
	const char *given = msh + 4, *end = len > 4 ? memchr(given, msh[3], len - 4) : NULL;
	size_t count = end ? (size_t)(end - given) : len > 4 ? len - 4 : 0;
	char all[6] = {msh[3]};

	*d = (struct lk_hl7_delimiters){.field = msh[3]};
	if (!count)
		return "delimiters: MSH-2 is empty";
	if (count > 5)
		return "delimiters: MSH-2 has more than 5 characters";
	memcpy(all + 1, given, count);
	for (size_t i = 1; i <= count; i++) {
		if (!ispunct((unsigned char)all[i]))
			return "delimiters: MSH-2 has a character that is no punctuation";
		if (memchr(all, all[i], i))
			return "delimiters: the characters of MSH-1 and MSH-2 are not distinct";
	}
	d->component = all[1];
	d->repetition = all[2];
	d->escape = all[3];
	d->sub = all[4];
	d->truncation = all[5];
	return NULL;
}

/* ---- segments ---- */

static bool is_name(const char *s)
{
	return s[0] >= 'A' && s[0] <= 'Z' && (isupper((unsigned char)s[1]) || isdigit((unsigned char)s[1])) &&
	       (isupper((unsigned char)s[2]) || isdigit((unsigned char)s[2]));
}

uint32_t lk_hl7_segment_id(const char *line, size_t len, char field_delimiter)
{
	if (len < 3 || !is_name(line) || (len > 3 && line[3] != field_delimiter))
		return 0;
	return LK_HL7_ID(line[0], line[1], line[2]);
}

enum lk_status lk_hl7_message_add(struct lk_hl7_message *m, const char *text, size_t start, size_t len, uint32_t line,
	struct lk_error *err)
{
	uint32_t id = lk_hl7_segment_id(text + start, len, m->delimiters.field);

	if (!id) {
		if (m->other_count++)
			lk_str_addc(&m->others, '\n');
		lk_str_add(&m->others, text + start, len);
		return lk_str_check(&m->others, err);
	}
	if (m->count == m->cap && !lk_grow((void **)&m->segments, &m->cap, m->count + 1, sizeof(*m->segments)))
		return lk_error_nomem(err);
	m->segments[m->count++] =
		(struct lk_hl7_segment){.start = (uint32_t)start, .len = (uint32_t)len, .id = id, .line = line};
	return LK_OK;
}

void lk_hl7_message_clear(struct lk_hl7_message *m)
{
	m->count = 0;
	m->other_count = 0;
	lk_str_clear(&m->others);
}

void lk_hl7_message_release(struct lk_hl7_message *m)
{
	lk_str_release(&m->others);
	free(m->segments);
	*m = (struct lk_hl7_message){NULL};
}

/* ---- fields ---- */

struct lk_text lk_hl7_part(struct lk_text text, char delimiter, int number)
{
	const char *p = text.data, *end, *stop;

	if (!p || (!delimiter && number > 1))
		return (struct lk_text){NULL, 0};
	if (!delimiter)
		return text;
	end = p + text.len;
	for (;;) {
		stop = memchr(p, delimiter, (size_t)(end - p));
		if (--number == 0)
			return (struct lk_text){p, (size_t)((stop ? stop : end) - p)};
		if (!stop)
			return (struct lk_text){NULL, 0};
		p = stop + 1;
	}
}

struct lk_text lk_hl7_field(const struct lk_hl7_message *m, const struct lk_hl7_segment *s, int number)
{
	struct lk_text text = {m->text + s->start, s->len};

	if (s->id == LK_HL7_MSH && number == 1)
		return (struct lk_text){text.data + 3, 1};
	return lk_hl7_part(text, m->delimiters.field, s->id == LK_HL7_MSH ? number : number + 1);
}

/* ---- where a record was ---- */

#define ORIGIN "BHS|^~\\&||||||||lk-replay "

void lk_hl7_add_origin(struct lk_str *out, int64_t message, int64_t segment)
{
	lk_str_addf(out, ORIGIN "%lld %lld\r", (long long)message, (long long)segment);
}

/* A number from 1 in decimal digits, which moves on. */
static bool read_count(const char **p, const char *end, int64_t *out)
{
	int64_t n = 0;

	while (*p < end && isdigit((unsigned char)**p) && n < INT64_MAX / 10 - 9)
		n = 10 * n + *(*p)++ - '0';
	*out = n;
	return n > 0;
}

bool lk_hl7_read_origin(const char *line, size_t len, int64_t *message, int64_t *segment)
{
	const char *p = line + sizeof(ORIGIN) - 1, *end = line + len;

	return len > sizeof(ORIGIN) - 1 && !memcmp(line, ORIGIN, sizeof(ORIGIN) - 1) && read_count(&p, end, message) && p < end &&
	       *p++ == ' ' && read_count(&p, end, segment) && p == end;
}

/* ---- escapes ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* \Xdddd\: bytes. False, with nothing added, when they are no text in UTF-8. */
static bool add_hex(struct lk_text digits, struct lk_str *out)
{
	size_t before = out->len;

	for (size_t i = 0; i + 1 < digits.len; i += 2) {
		int high = hex_digit(digits.data[i]), low = hex_digit(digits.data[i + 1]);

		if (high < 0 || low < 0 || high + low == 0)
			break;
		lk_str_addc(out, (char)(high << 4 | low));
	}
	if (digits.len && digits.len % 2 == 0 && out->len - before == digits.len / 2 &&
		lk_utf8_valid(out->data + before, out->len - before))
		return true;
	if (out->data)
		out->data[out->len = before] = '\0';
	return false;
}

/* The count of a command such as .sp+3; 1 without one, at most 100. */
static int command_count(struct lk_text digits)
{
	int count = 0;

	if (digits.len && *digits.data == '+') {
		digits.data++;
		digits.len--;
	}
	if (!digits.len)
		return 1;
	for (size_t i = 0; i < digits.len && count < 100; i++) {
		if (!isdigit((unsigned char)digits.data[i]))
			return -1;
		count = 10 * count + digits.data[i] - '0';
	}
	return count < 100 ? count : 100;
}

/* Commands of formatted text (2.7.5 of the standard's chapter 2): what moves to another line or column does, the rest goes. */
static bool add_command(struct lk_text command, struct lk_str *out)
{
	static const struct {
		char name[3];
		char gives; /* 0: nothing */
	} known[] = {{"br", '\n'}, {"sp", '\n'}, {"ce", '\n'}, {"sk", ' '}, {"fi", 0}, {"nf", 0}, {"in", 0}, {"ti", 0}};
	struct lk_text digits = {command.data + 2, command.len - 2};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		int count;

		if (memcmp(command.data, known[i].name, 2))
			continue;
		if (!known[i].gives)
			return true;
		count = command_count(digits);
		for (int n = 0; n < count; n++)
			lk_str_addc(out, known[i].gives);
		return count >= 0;
	}
	return false;
}

/* The delimiter that a letter stands for, 0 when it is none. */
static char delimiter_of(const struct lk_hl7_delimiters *d, char letter)
{
	switch (letter) {
	case 'F':
		return d->field;
	case 'S':
		return d->component;
	case 'T':
		return d->sub;
	case 'R':
		return d->repetition;
	case 'E':
		return d->escape;
	case 'P':
		return d->truncation;
	default:
		return 0;
	}
}

/* What stands between two escape characters: false when it is to stay as it stands. */
static bool add_escape(const struct lk_hl7_delimiters *d, struct lk_text code, bool composite, struct lk_str *out)
{
	char delimiter;

	if (!code.len)
		return false;
	if (code.len == 1) {
		delimiter = delimiter_of(d, *code.data);
		if (delimiter && !composite)
			lk_str_addc(out, delimiter);
		return delimiter ? !composite : *code.data == 'H' || *code.data == 'N';
	}
	if (*code.data == 'X')
		return add_hex((struct lk_text){code.data + 1, code.len - 1}, out);
	if (*code.data == '.' && code.len >= 3)
		return add_command((struct lk_text){code.data + 1, code.len - 1}, out);
	return false;
}

void lk_hl7_unescape(const struct lk_hl7_delimiters *d, struct lk_text text, bool composite, struct lk_str *out)
{
	const char *p = text.data, *end = p + text.len;

	while (p < end) {
		const char *open = memchr(p, d->escape, (size_t)(end - p)), *close;

		if (!open)
			break;
		lk_str_add(out, p, (size_t)(open - p));
		close = memchr(open + 1, d->escape, (size_t)(end - open - 1));
		p = open;
		if (!close)
			break;
		if (add_escape(d, (struct lk_text){open + 1, (size_t)(close - open - 1)}, composite, out)) {
			p = close + 1;
			continue;
		}
		/* Not an escape: a letter's delimiter keeps its two signs together, else the second sign may open another. */
		p = composite && close == open + 2 && delimiter_of(d, open[1]) ? close + 1 : close;
		lk_str_add(out, open, (size_t)(p - open));
	}
	lk_str_add(out, p, (size_t)(end - p));
}
