/*
 * Records of a message: the message itself, or each of its segments of one name, with fields of the segments that it
 * belongs to and of those that belong to it (hl7_depth.c).
 *
 * Records are taken in order, in one walk over the segments, so that their parents are known without looking back; what
 * a field takes from a parent is taken again only when the parent is another one.
 */
#include "source/hl7.h"

#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX
#define PARENTS_MAX (16 * 1024) /* bytes of parents that stand before a reject: they are repeated in each, */
#define CONTEXT_MAX (64 * 1024 * 1024) /* and as many of a message's; rejects beyond that are not to be read again */
#define DIGITS 20

/* A segment that paths name. */
struct slot {
	uint32_t id;
	bool remark, may_follow;
	uint8_t depth;
	size_t first; /* of the message */
	size_t last;  /* that the place in the message belongs to */
	size_t at;    /* the one that the values are taken from */
	bool changed; /* it is another one than that of the record before */
	size_t from, until, found; /* looking ahead, from any place from `from` to before `until` `found` is found */
	struct lk_text *cells;	   /* of the segment at `at`: its name, then its fields, as far as paths name them */
	int cell_count, cell_max;
};

struct lk_hl7_target {
	struct lk_sink *sink;
	const struct lk_hl7_program *program;
	const struct lk_hl7_message *message;
	struct slot *slots;
	struct lk_value *values; /* by field */
	struct lk_str *rooms;	 /* by field: texts that had to be made */
	struct lk_str piece;
	size_t parents[LK_HL7_DEPTHS]; /* by depth: the segment that the place belongs to */
	size_t record;		       /* the segment that is the record */
	int64_t record_number;	       /* of its kind in the message */
	size_t context_bytes;	       /* that stood before rejects of the message */
	char numbers[LK_HL7_SEGMENT_NUMBER + 1][DIGITS]; /* by what they are */
};

/* ---- texts ---- */

/* Whether there are parts in a text that the path names as a whole. */
static bool is_composite(const struct lk_hl7_delimiters *d, struct lk_text text, const struct lk_hl7_path *path)
{
	if (path->sub)
		return false;
	if (d->sub && memchr(text.data, d->sub, text.len))
		return true;
	return !path->component && d->component && memchr(text.data, d->component, text.len);
}

/* The part of a repetition that the path names: borrowed where it stands there, else made in room. */
static struct lk_text part_text(
	const struct lk_hl7_message *m, struct lk_text text, const struct lk_hl7_path *path, struct lk_str *room)
{
	const struct lk_hl7_delimiters *d = &m->delimiters;

	if (path->component)
		text = lk_hl7_part(text, d->component, path->component);
	if (path->sub)
		text = lk_hl7_part(text, d->sub, path->sub);
	if (text.data && text.len == 2 && text.data[0] == '"' && text.data[1] == '"')
		return (struct lk_text){NULL, 0};
	if (!text.data || !m->escapes || !memchr(text.data, d->escape, text.len))
		return text;
	lk_str_clear(room);
	lk_hl7_unescape(d, text, is_composite(d, text, path), room);
	return (struct lk_text){lk_str_text(room), room->len};
}

/* The same of a field with all its repetitions. */
static struct lk_text one_text(
	const struct lk_hl7_message *m, struct lk_text field, const struct lk_hl7_path *path, struct lk_str *room)
{
	return part_text(m, lk_hl7_part(field, m->delimiters.repetition, path->repetition), path, room);
}

/* Several values in one text. */
struct joined {
	struct lk_str *out;
	const char *with;
	int count;
	bool any; /* one of them has a text */
};

static void add_text(struct joined *j, struct lk_text text)
{
	if (j->count++)
		lk_str_adds(j->out, j->with);
	lk_str_add(j->out, text.data ? text.data : "", text.len);
	j->any |= text.len > 0;
}

static void add_segment(struct lk_hl7_target *t, size_t segment, const struct lk_hl7_path *path, struct joined *j)
{
	const struct lk_hl7_message *m = t->message;
	const struct lk_hl7_segment *s = &m->segments[segment];
	struct lk_text rest;

	if (path->repetition != LK_HL7_ALL) {
		add_text(j, one_text(m, lk_hl7_field(m, s, path->field), path, &t->piece));
		return;
	}
	rest = lk_hl7_field(m, s, path->field);
	while (rest.data) {
		struct lk_text one = lk_hl7_part(rest, m->delimiters.repetition, 1);

		add_text(j, part_text(m, one, path, &t->piece));
		rest.data = one.len < rest.len ? rest.data + one.len + 1 : NULL;
		rest.len -= one.len < rest.len ? one.len + 1 : rest.len;
	}
}

/* ---- which segment ---- */

/* The next segment of the slot, from `i` on, that belongs to the record. */
static size_t next_below(const struct lk_hl7_target *t, const struct slot *slot, size_t i)
{
	const struct lk_hl7_message *m = t->message;
	const struct lk_hl7_segment *record = &m->segments[t->record];

	for (; i < m->count; i++) {
		const struct lk_hl7_segment *s = &m->segments[i];
		bool begins = lk_hl7_begins_group(s);

		if (s->id == record->id || (begins && s->depth <= record->depth))
			return NONE;
		if (s->id == slot->id)
			return i;
		if (slot->remark && (begins || (!lk_hl7_begins_group(record) && !lk_hl7_is_remark(s->id))))
			return NONE;
	}
	return NONE;
}

/* A parent that comes after what belongs to it. */
static size_t look_ahead(const struct lk_hl7_target *t, struct slot *slot)
{
	const struct lk_hl7_message *m = t->message;
	size_t i = t->record + 1;

	if (slot->from != NONE && t->record >= slot->from && t->record < slot->until)
		return slot->found;
	while (i < m->count && m->segments[i].id != slot->id &&
		!(lk_hl7_begins_group(&m->segments[i]) && m->segments[i].depth < slot->depth))
		i++;
	slot->from = t->record;
	slot->until = i;
	slot->found = i < m->count && m->segments[i].id == slot->id ? i : NONE;
	return slot->found;
}

static bool is_parent(const struct lk_hl7_target *t, const struct slot *slot)
{
	return slot->depth < t->message->segments[t->record].depth;
}

/* The segment of the slot that the record has, the first of them where it has several. */
static size_t find_segment(const struct lk_hl7_target *t, struct slot *slot)
{
	if (slot->first == NONE || t->program->record == LK_HL7_MSH)
		return slot->first;
	if (slot->id == t->program->record)
		return t->record;
	if (!is_parent(t, slot))
		return next_below(t, slot, t->record + 1);
	return slot->last == NONE && slot->may_follow ? look_ahead(t, slot) : slot->last;
}

/* The one after `at`. */
static size_t next_segment(const struct lk_hl7_target *t, const struct slot *slot, size_t at)
{
	const struct lk_hl7_message *m = t->message;

	if (t->program->record != LK_HL7_MSH)
		return slot->id == t->program->record || is_parent(t, slot) ? NONE : next_below(t, slot, at + 1);
	for (at++; at < m->count; at++)
		if (m->segments[at].id == slot->id)
			return at;
	return NONE;
}

/* ---- fields ---- */

static struct lk_text several_texts(
	struct lk_hl7_target *t, const struct lk_hl7_path *path, const char *join, struct lk_str *room)
{
	const struct slot *slot = &t->slots[path->slot];
	struct joined j = {.out = room, .with = join};
	size_t at = slot->at;

	lk_str_clear(room);
	for (int n = 1; at != NONE && n < path->occurrence; n++)
		at = next_segment(t, slot, at);
	while (at != NONE) {
		add_segment(t, at, path, &j);
		at = path->occurrence == LK_HL7_ALL ? next_segment(t, slot, at) : NONE;
	}
	return j.any ? (struct lk_text){lk_str_text(room), room->len} : (struct lk_text){NULL, 0};
}

static struct lk_text special_text(const struct lk_hl7_target *t, enum lk_hl7_what what)
{
	const struct lk_hl7_message *m = t->message;

	if (what != LK_HL7_MESSAGE_OTHERS)
		return (struct lk_text){t->numbers[what], strlen(t->numbers[what])};
	return m->other_count ? (struct lk_text){lk_str_text(&m->others), m->others.len} : (struct lk_text){NULL, 0};
}

/* Splits the segment that a slot has come to. */
static void split_slot(const struct lk_hl7_message *m, struct slot *slot)
{
	const struct lk_hl7_segment *s = &m->segments[slot->at];
	const char *p = m->text + s->start, *end = p + s->len;

	slot->cell_count = 0;
	while (slot->cell_count < slot->cell_max) {
		const char *stop = memchr(p, m->delimiters.field, (size_t)(end - p));

		slot->cells[slot->cell_count++] = (struct lk_text){p, (size_t)((stop ? stop : end) - p)};
		if (!stop)
			return;
		p = stop + 1;
	}
}

/* A field without an index, of the segment that its slot has come to. */
static struct lk_text slot_text(
	const struct lk_hl7_message *m, const struct slot *slot, const struct lk_hl7_path *path, struct lk_str *room)
{
	int cell = slot->id == LK_HL7_MSH ? path->field - 1 : path->field;

	if (slot->at == NONE || cell >= slot->cell_count)
		return (struct lk_text){NULL, 0};
	if (slot->id == LK_HL7_MSH && path->field == 1)
		return (struct lk_text){slot->cells[0].data + 3, 1};
	if (slot->id == LK_HL7_MSH && path->field == 2)
		return slot->cells[1];
	return one_text(m, slot->cells[cell], path, room);
}

static enum lk_status take_field(struct lk_hl7_target *t, int i, struct lk_error *err)
{
	const struct lk_hl7_path *path = &t->program->paths[i];
	const struct slot *slot = &t->slots[path->slot];
	struct lk_text text = {NULL, 0};

	if (path->what != LK_HL7_FIELD)
		text = special_text(t, path->what);
	else if (!slot->changed)
		return LK_OK;
	else if (path->occurrence || path->repetition == LK_HL7_ALL)
		text = several_texts(t, path, t->sink->resource->fields[i].join, &t->rooms[i]);
	else
		text = slot_text(t->message, slot, path, &t->rooms[i]);
	t->values[i] = (struct lk_value){.data = text.data, .len = text.len, .unchecked = t->message->unchecked};
	return t->rooms[i].failed || t->piece.failed ? lk_error_nomem(err) : LK_OK;
}

/* ---- records ---- */

static void write_number(int64_t n, char out[DIGITS])
{
	char digits[DIGITS];
	int count = 0;

	do
		digits[count++] = (char)('0' + n % 10);
	while ((n /= 10) && count < DIGITS - 1);
	while (count)
		*out++ = digits[--count];
	*out = '\0';
}

static void add_line(struct lk_str *out, const struct lk_hl7_message *m, size_t segment)
{
	lk_str_add(out, m->text + m->segments[segment].start, m->segments[segment].len);
	lk_str_addc(out, '\r');
}

/* The beginning of a message that holds the record alone: where it was, and its parents. */
static void make_context(void *arg, struct lk_str *out)
{
	struct lk_hl7_target *t = arg;
	const struct lk_hl7_message *m = t->message;
	int depth = m->segments[t->record].depth;
	size_t begun = out->len;

	lk_hl7_add_origin(out, m->number, t->record_number);
	for (int d = 0; d < depth && out->len - begun <= PARENTS_MAX; d++) {
		if (t->parents[d] != NONE)
			add_line(out, m, t->parents[d]);
		for (int i = 0; i < t->program->slot_count && d % 2; i++)
			if (t->slots[i].depth == d && t->slots[i].first != NONE && t->slots[i].last != NONE)
				add_line(out, m, t->slots[i].last);
	}
	t->context_bytes += out->len - begun;
	if (out->len - begun > PARENTS_MAX || t->context_bytes > CONTEXT_MAX) {
		out->len = begun;
		lk_str_adds(out, LK_CONTEXT_CUT);
	}
}

/* The record and what belongs to it. */
static void make_raw(void *arg, struct lk_str *out)
{
	const struct lk_hl7_target *t = arg;
	const struct lk_hl7_message *m = t->message;
	const struct lk_hl7_segment *record = &m->segments[t->record];

	add_line(out, m, t->record);
	for (size_t i = t->record + 1; i < m->count; i++) {
		const struct lk_hl7_segment *s = &m->segments[i];

		if (s->id == record->id || (lk_hl7_begins_group(s) && s->depth <= record->depth))
			break;
		add_line(out, m, i);
	}
	for (int i = 0; i < t->program->slot_count; i++) /* parents that come after it */
		if (t->slots[i].may_follow && t->slots[i].at != NONE && t->slots[i].at > t->record && is_parent(t, &t->slots[i]))
			add_line(out, m, t->slots[i].at);
}

static enum lk_status take_record(struct lk_hl7_target *t, size_t at, struct lk_error *err)
{
	const struct lk_hl7_message *m = t->message;
	struct lk_place place = {
		.line = m->line + m->segments[at].line, .make_raw = make_raw, .make_context = make_context, .arg = t};
	bool first = t->record_number++ == m->before;

	t->record = at;
	write_number(t->record_number, t->numbers[LK_HL7_SEGMENT_NUMBER]);
	for (int i = 0; i < t->program->slot_count; i++) {
		struct slot *slot = &t->slots[i];
		size_t found = find_segment(t, slot);

		/* What comes after the record may be several segments, of which the first is the same. */
		slot->changed = first || found != slot->at || (found != NONE && found > at);
		slot->at = found;
		if (slot->changed && found != NONE)
			split_slot(m, slot);
	}
	for (int i = 0; i < t->sink->resource->field_count; i++)
		if (t->sink->resource->fields[i].origin == LK_ORIGIN_RECORD)
			LK_TRY(take_field(t, i, err));
	if (t->program->record == LK_HL7_MSH) {
		place.raw = m->raw;
		place.raw_len = m->raw_len;
	}
	return lk_sink_row(t->sink, t->values, NULL, &place, err);
}

/* The place moves on behind a segment: it becomes a parent, and the groups that it ends have none. */
static void pass_segment(struct lk_hl7_target *t, size_t at)
{
	const struct lk_hl7_segment *s = &t->message->segments[at];
	bool begins = lk_hl7_begins_group(s);

	for (int i = 0; i < t->program->slot_count; i++) {
		if (t->slots[i].id == s->id)
			t->slots[i].last = at;
		else if (begins && t->slots[i].depth > s->depth)
			t->slots[i].last = NONE;
	}
	if (!begins)
		return;
	t->parents[s->depth] = at;
	for (int d = s->depth + 1; d < LK_HL7_DEPTHS; d++)
		t->parents[d] = NONE;
}

static void begin_message(struct lk_hl7_target *t, const struct lk_hl7_message *m)
{
	int missing = t->program->slot_count;

	t->message = m;
	t->record_number = m->before;
	t->context_bytes = 0;
	for (int d = 0; d < LK_HL7_DEPTHS; d++)
		t->parents[d] = NONE;
	write_number(m->number, t->numbers[LK_HL7_MESSAGE_NUMBER]);
	write_number((int64_t)m->count, t->numbers[LK_HL7_MESSAGE_SEGMENTS]);
	for (int i = 0; i < t->program->slot_count; i++)
		t->slots[i].first = t->slots[i].last = t->slots[i].at = t->slots[i].from = NONE;
	for (size_t at = 0; at < m->count && missing; at++)
		for (int i = 0; i < t->program->slot_count; i++)
			if (t->slots[i].id == m->segments[at].id && t->slots[i].first == NONE) {
				t->slots[i].first = at;
				t->slots[i].depth = m->segments[at].depth;
				missing--;
			}
}

enum lk_status lk_hl7_target_take(struct lk_hl7_target *t, const struct lk_hl7_message *m, struct lk_error *err)
{
	begin_message(t, m);
	if (t->program->record == LK_HL7_MSH)
		return take_record(t, 0, err);
	for (size_t at = 0; at < m->count; at++) {
		if (m->segments[at].id == t->program->record)
			LK_TRY(take_record(t, at, err));
		pass_segment(t, at);
	}
	return LK_OK;
}

/* ---- a target's life ---- */

static enum lk_status open_impl(struct lk_hl7_target *t, struct lk_error *err)
{
	size_t fields = (size_t)t->sink->resource->field_count;

	t->slots = calloc((size_t)t->program->slot_count + 1, sizeof(*t->slots));
	t->values = calloc(fields, sizeof(*t->values));
	t->rooms = calloc(fields, sizeof(*t->rooms));
	if (!t->slots || !t->values || !t->rooms)
		return lk_error_nomem(err);
	for (int i = 0; i < t->program->slot_count; i++) {
		uint32_t id = t->program->slots[i].id;

		t->slots[i].id = id;
		t->slots[i].cell_max = t->program->slots[i].fields + 1;
		t->slots[i].cells = calloc((size_t)t->slots[i].cell_max, sizeof(*t->slots[i].cells));
		if (!t->slots[i].cells)
			return lk_error_nomem(err);
		t->slots[i].remark = lk_hl7_is_remark(id);
		t->slots[i].may_follow = id == LK_HL7_ID('P', 'V', '1') || id == LK_HL7_ID('S', 'P', 'M');
	}
	return LK_OK;
}

enum lk_status lk_hl7_target_open(struct lk_hl7_target **out, struct lk_sink *sink, struct lk_error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	(*out)->sink = sink;
	(*out)->program = sink->resource->program;
	return open_impl(*out, err);
}

void lk_hl7_target_close(struct lk_hl7_target *t)
{
	if (!t)
		return;
	for (int i = 0; t->rooms && i < t->sink->resource->field_count; i++)
		lk_str_release(&t->rooms[i]);
	for (int i = 0; t->slots && i < t->program->slot_count; i++)
		free(t->slots[i].cells);
	lk_str_release(&t->piece);
	free(t->slots);
	free(t->values);
	free(t->rooms);
	free(t);
}
