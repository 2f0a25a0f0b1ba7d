#include "infer/sample.h"

#include <stdlib.h>
#include <string.h>

#include "infer/draft.h"
#include "infer/form.h"
#include "infer/like.h"

#define HEAD_BYTES (1024 * 1024)
#define FEED_BYTES (256 * 1024)
#define REASON_BYTES 200

static const struct lk_sample_form *const forms[] = {&lk_form_described, &lk_form_json, &lk_form_fixed, &lk_form_delimited};

/* ---- what is no text ---- */

/* Control characters that text has none of, more than one in this many bytes. NULs are counted by their places: in UTF-16 they
 * all stand at even, or all at odd ones. */
#define CONTROL_PART 10

static bool is_binary(const char *data, size_t len)
{
	size_t controls = 0, nuls[2] = {0, 0};

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];

		nuls[i & 1] += !c;
		controls += c && c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c < 0x1c && c != 1;
	}
	if (controls * CONTROL_PART > len)
		return true;
	if ((nuls[0] + nuls[1]) * CONTROL_PART <= len)
		return false;
	return nuls[0] > nuls[1] ? nuls[1] * CONTROL_PART > nuls[0] : nuls[0] * CONTROL_PART > nuls[1];
}

/* Why nothing can be made of a sample, NULL when something may. */
static const char *why_not(const struct lk_sample_head *head)
{
	static const struct {
		const char *magic, *what;
	} kinds[] = {{"%PDF-", "is a PDF document"}, {"PK\3\4", "is a zip archive, or a document kept in one"},
		{"\x89PNG", "is an image"}, {"\xff\xd8\xff", "is an image"}, {"GIF8", "is an image"},
		{"\xd0\xcf\x11\xe0", "is an Office document"}, {"PAR1", "is a Parquet file"}, {"ARROW1", "is an Arrow file"},
		{"SQLite format 3", "is an SQLite database"}, {"\x7f"
							       "ELF",
								"is a program"},
		{"{\\rtf", "is an RTF document"}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (head->len >= strlen(kinds[i].magic) && !memcmp(head->data, kinds[i].magic, strlen(kinds[i].magic)))
			return kinds[i].what;
	for (size_t i = 0; i < head->len; i++)
		if (!lk_is_white(head->data[i]))
			return is_binary(head->data, head->len) ? "is not text" : NULL;
	return "is empty";
}

/* ---- as lk-parse reads it ---- */

/* A record that lk-parse will reject. */
static enum lk_status note_reject(struct lk_sampler *s, const struct lk_place *place, const char *reason, struct lk_error *err)
{
	struct lk_table *t = s->table;

	if (t->rejected++)
		return LK_OK;
	t->reject = place && place->line
			    ? lk_arena_printf(s->arena, "line %lld %.*s", (long long)place->line, REASON_BYTES, reason)
			    : lk_arena_printf(s->arena, "%.*s", REASON_BYTES, reason);
	return t->reject ? LK_OK : lk_error_nomem(err);
}

static enum lk_status take_row(void *arg, const struct lk_sink *sink, const struct lk_value *values, const struct lk_text *rest,
	const struct lk_place *place, struct lk_error *err)
{
	struct lk_sampler *s = arg;
	struct lk_table *t = s->table;
	bool clean = true;

	t->partial |= s->full;
	if (s->full)
		return LK_OK;
	for (int i = 0; i < t->count; i++) {
		struct lk_profile *p = t->columns[i].profile;
		int64_t before = p->unclean;

		LK_TRY(lk_profile_add(p, &s->converts, s->arena, &values[i], err));
		clean &= p->unclean == before;
		if (t->columns[i].expected)
			lk_like_try(&t->columns[i], t->like, &values[i]);
	}
	if (!clean)
		LK_TRY(note_reject(s, place, "holds a NUL byte", err));
	t->records++;
	t->padded = sink->padded;
	t->mended = sink->mended;
	t->surplus |= rest != NULL;
	s->full = s->limits.rows && t->records >= s->limits.rows;
	return LK_OK;
}

static enum lk_status take_reject(void *arg, const struct lk_sink *sink, const char *field, const char *reason,
	const struct lk_place *place, struct lk_error *err)
{
	struct lk_sampler *s = arg;
	struct lk_table *t = s->table;

	(void)field;
	(void)sink;
	t->partial |= s->full;
	if (s->full)
		return LK_OK;
	t->records++;
	return note_reject(s, place, reason, err);
}

static enum lk_status take_end(void *arg, const struct lk_sink *sink, struct lk_error *err)
{
	struct lk_sampler *s = arg;

	if (!sink->failed || sink->record)
		return LK_OK;
	s->table->failed = lk_arena_printf(s->arena, "%.*s", REASON_BYTES, lk_str_text(&sink->error));
	return s->table->failed ? LK_OK : lk_error_nomem(err);
}

/* Opens a parser by a package in which all columns are texts. */
static enum lk_status open_parser(struct lk_sampler *s, struct lk_error *err)
{
	char *text = lk_draft_plain(s->table);
	enum lk_status status;

	if (!text)
		return lk_error_nomem(err);
	status = lk_sources_open_text(&s->sources, s->member.member, text, strlen(text), err);
	free(text);
	if (status == LK_CONFIG) { /* what was guessed is nothing that a package can say */
		s->table->failed = lk_arena_printf(s->arena, "cannot be read: %.*s", REASON_BYTES, err->message);
		return s->table->failed ? LK_OK : lk_error_nomem(err);
	}
	LK_TRY(status);
	LK_TRY(lk_parser_open(&s->parser, s->sources, "sample", NULL, err));
	lk_parser_watch(s->parser, &s->watch);
	return lk_parser_begin(s->parser, &s->member, err);
}

static enum lk_status feed_parser(struct lk_sampler *s, const char *data, size_t len, struct lk_error *err)
{
	while (len && !s->full && s->parser) {
		size_t n = len < FEED_BYTES ? len : FEED_BYTES;

		LK_TRY(lk_parser_feed(s->parser, data, n, err));
		data += n;
		len -= n;
	}
	s->table->partial |= len > 0;
	return LK_OK;
}

/* The sample ended. Bytes that are not in the encoding that was guessed are read as another, which has them. */
static void end_table(struct lk_table *t)
{
	bool foreign = false, to_windows = false;

	for (int i = 0; i < t->count; i++) {
		lk_profile_end(t->columns[i].profile);
		foreign |= t->columns[i].profile->foreign > 0;
		to_windows |= t->columns[i].profile->foreign_to_windows;
	}
	if (foreign)
		lk_table_add_encoding(t, to_windows ? "iso-8859-1" : "windows-1252");
}

/* ---- a sample's life ---- */

/* A resource whose fields have paths, which the sample may be of. Where fields stand in its lines is known by it. */
static enum lk_status find_other(struct lk_sampler *s, struct lk_table *t, struct lk_error *err)
{
	t->like = lk_like_find_other(s->known, s->member.member, t->format);
	if (!t->like || strcmp(t->format, "fixed"))
		return LK_OK;
	lk_table_drop_columns(t);
	for (int i = 0; i < t->like->field_count; i++) {
		const struct lk_source_field *f = &t->like->fields[i];

		if (f->origin == LK_ORIGIN_RECORD)
			LK_TRY(lk_table_add_column(t, f->name, f->path, err));
	}
	return LK_OK;
}

/* The head is there: finds the form, and reads what there is. */
static enum lk_status begin(struct lk_sampler *s, bool whole, struct lk_error *err)
{
	struct lk_sample_head head = {lk_str_text(&s->head), s->head.len, whole, s->member.member, NULL};
	struct lk_table *t = s->table;
	size_t i = 0;

	s->begun = true;
	t->failed = why_not(&head);
	if (t->failed)
		return LK_OK;
	if (s->known)
		head.like = lk_like_find(s->known, s->member.member);
	while (head.like ? forms[i] != &lk_form_delimited : !forms[i]->is(&head))
		i++;
	LK_TRY(forms[i]->draft(s->arena, &head, t, err));
	if (t->failed)
		return LK_OK;
	t->like = head.like;
	if (s->known && !t->like && t->columns[0].path)
		LK_TRY(find_other(s, t, err));
	if (t->like)
		lk_like_expect(t);
	LK_TRY(open_parser(s, err));
	if (t->failed)
		return LK_OK;
	return feed_parser(s, head.data, head.len, err);
}

enum lk_status lk_sampler_init(
	struct lk_sampler *s, struct lk_arena *arena, const struct lk_sample_limits *limits, struct lk_error *err)
{
	*s = (struct lk_sampler){.arena = arena, .limits = *limits};
	s->watch = (struct lk_watch){.arg = s, .row = take_row, .reject = take_reject, .end = take_end};
	return lk_maybe_converts_init(&s->converts, err);
}

static void close_sample(struct lk_sampler *s)
{
	lk_parser_close(s->parser);
	lk_sources_close(s->sources);
	s->parser = NULL;
	s->sources = NULL;
}

void lk_sampler_release(struct lk_sampler *s)
{
	close_sample(s);
	lk_str_release(&s->head);
}

void lk_sampler_begin(struct lk_sampler *s, const char *delivery, const char *member, struct lk_table *table)
{
	close_sample(s); /* of a member that broke off */
	s->member = (struct lk_source_member){.delivery = delivery, .sha256 = "", .sender = "", .member = member, .member_size = -1,
		.member_modified = INT64_MIN};
	s->table = table;
	lk_str_clear(&s->head);
	s->bytes = 0;
	s->begun = s->full = false;
}

enum lk_status lk_sampler_feed(struct lk_sampler *s, const char *data, size_t len, struct lk_error *err)
{
	if (s->limits.bytes && s->bytes + (int64_t)len > s->limits.bytes) {
		len = (size_t)(s->limits.bytes - s->bytes);
		s->table->partial = true;
	}
	s->bytes += (int64_t)len;
	if (s->begun)
		return feed_parser(s, data, len, err);
	lk_str_add(&s->head, data, len);
	LK_TRY(lk_str_check(&s->head, err));
	return s->head.len < HEAD_BYTES ? LK_OK : begin(s, false, err);
}

enum lk_status lk_sampler_end(struct lk_sampler *s, struct lk_error *err)
{
	enum lk_status status = LK_OK;

	if (!s->begun)
		status = begin(s, !s->table->partial, err);
	s->full |= s->table->partial; /* the record at the cut is none */
	if (status == LK_OK && s->parser)
		status = lk_parser_end(s->parser, s->table->partial ? "the rest is not looked at" : NULL, err);
	close_sample(s);
	end_table(s->table);
	return status;
}
