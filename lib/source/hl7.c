/*
 * HL7 v2 (lk-source(5), HL7 v2): members to messages.
 *
 * Pieces are copied into one buffer, in which lines are found; a message is the lines from one that begins with MSH to
 * the next such line, or to one of the envelope (FHS, BHS, BTS, FTS). It stays in the buffer until it is whole, and is
 * then handed to each sink (hl7_records.c).
 *
 *	buf: [ messages done | message at `start` ... line at `at` ... len | room ]
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "source/hl7.h"
#include "source/hl7_remarks.h"

#define CHUNK_BYTES (256 * 1024)
#define MESSAGE_BYTES (16 * 1024 * 1024)
#define KEPT_BYTES (1024 * 1024) /* of a buffer, for the next member */

#define START_BLOCK '\x0b' /* of MLLP, which some files were cut from */
#define END_BLOCK '\x1c'
#define MARK "\xef\xbb\xbf" /* byte order mark */

struct hl7 {
	struct lk_sink *const *sinks;
	struct lk_hl7_target **targets;
	int count;

	char *buf;
	size_t len, cap;
	size_t start; /* of the message, where one has begun */
	size_t at;    /* of the line that is looked at */
	size_t lf, cr; /* there is none from `at` to before here */
	int64_t line;  /* of the line at `at` */
	int64_t before; /* of the next message */
	bool in_message;
	bool any;	/* message or envelope */
	bool dropping;	/* what is left of a message that was too long */
	bool drop_line; /* what is left of a line that was too long */

	struct lk_hl7_message message;
	struct lk_str decoded; /* its text, where it had to be decoded */
	struct lk_hl7_remarks remarks;
};

/* ---- messages ---- */

static void make_context(void *arg, struct lk_str *out)
{
	const struct hl7 *h = arg;

	lk_hl7_add_origin(out, h->message.number, 1);
}

static enum lk_status reject(struct hl7 *h, const char *reason, struct lk_error *err)
{
	const struct lk_hl7_message *m = &h->message;
	struct lk_place place = {
		.line = m->line, .raw = m->raw, .raw_len = m->raw_len, .make_context = make_context, .arg = h};

	for (int i = 0; i < h->count; i++)
		LK_TRY(lk_sink_reject(h->sinks[i], NULL, reason, &place, err));
	return LK_OK;
}

/* Sees to the message's characters. */
static enum lk_status check_text(struct hl7 *h, struct lk_error *err)
{
	struct lk_hl7_message *m = &h->message;
	bool known = true;

	m->unchecked = memchr(m->text, '\0', m->len);
	if (lk_utf8_valid(m->text, m->len))
		return LK_OK;
	LK_TRY(lk_hl7_decode(m, &h->decoded, &known, err));
	if (!known)
		lk_hl7_remark(&h->remarks, LK_HL7_ODD_CHARSET, m->line);
	return LK_OK;
}

static enum lk_status begin_message(struct hl7 *h, size_t start, size_t len, struct lk_error *err)
{
	struct lk_hl7_message *m = &h->message;

	h->in_message = h->any = true;
	h->dropping = false;
	h->start = start;
	lk_hl7_message_clear(m);
	m->line = h->line;
	m->number++;
	m->fault = lk_hl7_delimiters_read(h->buf + start, len, &m->delimiters);
	h->remarks.batch_messages++;
	return lk_hl7_message_add(m, h->buf + start, 0, len, 0, err);
}

/* The message ended before `end`. */
static enum lk_status end_message(struct hl7 *h, size_t end, struct lk_error *err)
{
	struct lk_hl7_message *m = &h->message;
	size_t head = m->segments[0].len < 7 ? m->segments[0].len : 7; /* with the escape character's own place */

	h->in_message = false;
	m->before = h->before;
	h->before = 0;
	m->text = m->raw = h->buf + h->start;
	m->len = m->raw_len = end - h->start;
	if (m->fault)
		return reject(h, m->fault, err);
	m->escapes = m->delimiters.escape && memchr(m->text + head, m->delimiters.escape, m->len - head);
	LK_TRY(check_text(h, err));
	LK_TRY(lk_hl7_remark_message(&h->remarks, m, err));
	lk_hl7_set_depths(m);
	for (int i = 0; i < h->count; i++)
		LK_TRY(lk_hl7_target_take(h->targets[i], m, err));
	return LK_OK;
}

/* The message is too much to be held: what is left of it goes. */
static enum lk_status drop_message(struct hl7 *h, const char *reason, struct lk_error *err)
{
	h->message.raw = h->buf + h->start;
	h->message.raw_len = h->at - h->start;
	h->in_message = false;
	h->dropping = true;
	return reject(h, reason, err);
}

/* ---- lines ---- */

static bool begins_message(const char *line, size_t len)
{
	return len > 3 && !memcmp(line, "MSH", 3) && ispunct((unsigned char)line[3]);
}

static bool is_envelope(const char *line, size_t len)
{
	return len >= 3 && (line[0] == 'F' || line[0] == 'B') && (line[1] == 'H' || line[1] == 'T') && line[2] == 'S' &&
	       (len == 3 || ispunct((unsigned char)line[3]));
}

static bool is_blank(const char *line, size_t len)
{
	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	return !len;
}

static enum lk_status take_line(struct hl7 *h, size_t start, size_t end, struct lk_error *err)
{
	struct lk_hl7_message *m = &h->message;
	const char *line;
	size_t len;

	while (start < end && (h->buf[start] == START_BLOCK || h->buf[start] == END_BLOCK))
		start++;
	while (start < end && h->buf[end - 1] == END_BLOCK)
		end--;
	if (end - start >= 3 && !memcmp(h->buf + start, MARK, 3)) /* of files that were put together */
		start += 3;
	line = h->buf + start;
	len = end - start;
	if (is_blank(line, len))
		return LK_OK;
	if (begins_message(line, len) || is_envelope(line, len)) {
		if (h->in_message)
			LK_TRY(end_message(h, start, err));
		if (*line == 'M')
			return begin_message(h, start, len, err);
		h->any = true;
		h->dropping = false;
		if (h->line == 1 && lk_hl7_read_origin(line, len, &m->number, &h->before)) {
			m->number--;
			h->before--;
		}
		lk_hl7_remark_envelope(&h->remarks, line, len, h->line);
	} else if (h->in_message) {
		if (m->count == LK_HL7_SEGMENTS_MAX)
			return drop_message(h, "has more than 1,000,000 segments", err);
		return lk_hl7_message_add(
			m, h->buf + h->start, start - h->start, len, (uint32_t)(h->line - m->line), err);
	} else if (!h->dropping) {
		lk_hl7_remark(&h->remarks, LK_HL7_OUTSIDE, h->line);
	}
	return LK_OK;
}

/* The first c at `*from` or behind; len when there is none yet. */
static size_t find(const struct hl7 *h, size_t *from, char c)
{
	const char *found;

	if (*from < h->at)
		*from = h->at;
	found = memchr(h->buf + *from, c, h->len - *from);
	*from = found ? (size_t)(found - h->buf) : h->len;
	return *from;
}

/* A line that is too long to be held, of which the buffer has the beginning. */
static enum lk_status drop_line(struct hl7 *h, struct lk_error *err)
{
	if (h->in_message) {
		h->at = h->len;
		LK_TRY(drop_message(h, "is longer than 16 MiB", err));
	} else if (!h->dropping && !h->drop_line) {
		lk_hl7_remark(&h->remarks, LK_HL7_OUTSIDE, h->line);
	}
	h->drop_line = true;
	h->at = h->len;
	return LK_OK;
}

/* Takes the lines that are whole, or all of them when this is the last of the text. */
static enum lk_status take_lines(struct hl7 *h, bool last, struct lk_error *err)
{
	while (h->at < h->len) {
		size_t lf = find(h, &h->lf, '\n'), cr = find(h, &h->cr, '\r'), end = lf < cr ? lf : cr, next = end + 1;

		if (end == h->len && !last)
			return h->len - (h->in_message ? h->start : h->at) > MESSAGE_BYTES ? drop_line(h, err) : LK_OK;
		if (end + 1 == h->len && end == cr && !last)
			return LK_OK;
		if (end == cr && end + 1 == lf)
			next++;
		if (h->drop_line)
			h->drop_line = false;
		else
			LK_TRY(take_line(h, h->at, end, err));
		h->at = next < h->len ? next : h->len;
		h->line++;
		if (h->in_message && h->at - h->start > MESSAGE_BYTES)
			LK_TRY(drop_message(h, "is longer than 16 MiB", err));
	}
	return LK_OK;
}

/* ---- the buffer ---- */

static bool make_room(struct hl7 *h, size_t extra)
{
	size_t done = h->in_message ? h->start : h->at, cap = h->cap ? h->cap : 4096;
	char *grown;

	if (done) {
		memmove(h->buf, h->buf + done, h->len - done);
		h->len -= done;
		h->at -= done;
		h->start = 0;
		h->lf -= h->lf < done ? h->lf : done;
		h->cr -= h->cr < done ? h->cr : done;
	}
	while (cap < h->len + extra)
		cap *= 2;
	if (cap == h->cap)
		return true;
	grown = realloc(h->buf, cap);
	if (!grown)
		return false;
	h->buf = grown;
	h->cap = cap;
	return true;
}

static enum lk_status feed_chunk(struct hl7 *h, const char *data, size_t len, bool last, struct lk_error *err)
{
	if (!make_room(h, len))
		return lk_error_nomem(err);
	if (len)
		memcpy(h->buf + h->len, data, len);
	h->len += len;
	return take_lines(h, last, err);
}

/* ---- as a reader ---- */

static enum lk_status hl7_open(void **self, struct lk_sink *const *sinks, int count, struct lk_error *err)
{
	struct hl7 *h = *self ? *self : calloc(1, sizeof(*h));

	*self = h;
	if (!h)
		return lk_error_nomem(err);
	h->sinks = sinks;
	h->line = 1;
	h->targets = calloc((size_t)count, sizeof(struct lk_hl7_target *));
	if (!h->targets)
		return lk_error_nomem(err);
	h->count = count;
	for (int i = 0; i < count; i++)
		LK_TRY(lk_hl7_target_open(&h->targets[i], sinks[i], err));
	return LK_OK;
}

static enum lk_status hl7_feed(void *self, const char *data, size_t len, struct lk_error *err)
{
	struct hl7 *h = self;

	while (len && !h->sinks[0]->failed) {
		size_t n = len < CHUNK_BYTES ? len : CHUNK_BYTES;

		LK_TRY(feed_chunk(h, data, n, false, err));
		data += n;
		len -= n;
	}
	return LK_OK;
}

/* What is to be told of the member is told to the sinks of messages, or to the first where there is none. */
static void tell(struct hl7 *h)
{
	bool told = false;

	for (int i = 0; i < h->count; i++) {
		const struct lk_hl7_program *program = h->sinks[i]->resource->program;

		if (program->record == LK_HL7_MSH) {
			lk_hl7_remarks_tell(&h->remarks, h->sinks[i]);
			told = true;
		}
	}
	if (!told)
		lk_hl7_remarks_tell(&h->remarks, h->sinks[0]);
}

static enum lk_status hl7_finish(void *self, struct lk_error *err)
{
	struct hl7 *h = self;

	if (h->sinks[0]->failed)
		return LK_OK;
	LK_TRY(feed_chunk(h, NULL, 0, true, err));
	if (h->in_message)
		LK_TRY(end_message(h, h->len, err));
	if (!h->any)
		return lk_sinks_fail(h->sinks, h->count, NULL, err, "no line begins a message (MSH)");
	tell(h);
	return LK_OK;
}

static void hl7_clear(void *self)
{
	struct hl7 *h = self, kept = {.buf = h->buf, .cap = h->cap};

	for (int i = 0; h->targets && i < h->count; i++)
		lk_hl7_target_close(h->targets[i]);
	free(h->targets);
	lk_hl7_message_clear(&h->message);
	lk_hl7_remarks_clear(&h->remarks);
	if (h->message.cap > KEPT_BYTES / sizeof(struct lk_hl7_segment) || h->message.others.cap > KEPT_BYTES)
		lk_hl7_message_release(&h->message);
	lk_str_release(&h->decoded);
	if (kept.cap > KEPT_BYTES) {
		free(kept.buf);
		kept.buf = NULL;
		kept.cap = 0;
	}
	kept.message = h->message;
	kept.message.number = 0;
	kept.remarks = h->remarks;
	*h = kept;
}

static void hl7_close(void *self)
{
	struct hl7 *h = self;

	if (!h)
		return;
	hl7_clear(h);
	lk_hl7_message_release(&h->message);
	lk_hl7_remarks_release(&h->remarks);
	free(h->buf);
	free(h);
}

/* ---- the look ---- */

static const bool is_hl7 = true, is_not_hl7 = false;

static enum lk_status hl7_look(const struct lk_head *head, void **seen, struct lk_error *err)
{
	const char *p = head->data, *end = p + head->len;

	(void)err;
	*seen = (void *)&is_not_hl7;
	if (head->len >= 3 && !memcmp(p, MARK, 3))
		p += 3;
	while (p < end) {
		while (p < end && (*p == START_BLOCK || *p == END_BLOCK || *p == '\n' || *p == '\r'))
			p++;
		if (begins_message(p, (size_t)(end - p)) || (end - p > 3 && p[1] == 'H' && is_envelope(p, 4))) {
			*seen = (void *)&is_hl7;
			return LK_OK;
		}
		while (p < end && *p != '\n' && *p != '\r')
			p++;
	}
	return LK_OK;
}

static bool hl7_fits(const struct lk_resource *r, const void *seen, const char **why)
{
	(void)r;
	*why = "no line begins a message (MSH), a batch (BHS) or a file (FHS)";
	return *(const bool *)seen;
}

static void hl7_forget(void *seen)
{
	(void)seen;
}

static const char *const words[] = {"hl7v2", "hl7", NULL};
static const char *const properties[] = {NULL};

const struct lk_file_format lk_format_hl7 = {
	.words = words,
	.properties = properties,
	.path_noun = "an HL7 path",
	.load = lk_hl7_load,
	.look = hl7_look,
	.fits = hl7_fits,
	.forget = hl7_forget,
	.shared = true,
	.open = hl7_open,
	.feed = hl7_feed,
	.finish = hl7_finish,
	.clear = hl7_clear,
	.close = hl7_close,
};
