#include "source/hl7_remarks.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#define IDS_MAX 65536 /* control ids that are compared, of one member */

void lk_hl7_remark(struct lk_hl7_remarks *r, enum lk_hl7_remark what, int64_t line)
{
	if (!r->items[what].count++)
		r->items[what].line = line;
}

/* ---- control ids ---- */

static void put_id(uint64_t *ids, size_t cap, uint64_t id)
{
	size_t i = id & (cap - 1);

	while (ids[i])
		i = (i + 1) & (cap - 1);
	ids[i] = id;
}

static bool has_id(const struct lk_hl7_remarks *r, uint64_t id)
{
	size_t i = id & (r->id_cap - 1);

	while (r->id_cap && r->ids[i] && r->ids[i] != id)
		i = (i + 1) & (r->id_cap - 1);
	return r->id_cap && r->ids[i];
}

static bool grow_ids(struct lk_hl7_remarks *r)
{
	size_t cap = r->id_cap ? 2 * r->id_cap : 256;
	uint64_t *ids = calloc(cap, sizeof(*ids));

	if (!ids)
		return false;
	for (size_t i = 0; i < r->id_cap; i++)
		if (r->ids[i])
			put_id(ids, cap, r->ids[i]);
	free(r->ids);
	r->ids = ids;
	r->id_cap = cap;
	return true;
}

static enum lk_status note_id(struct lk_hl7_remarks *r, struct lk_text text, int64_t line, struct lk_error *err)
{
	uint64_t id = XXH3_64bits(text.data, text.len) | 1;

	if (has_id(r, id)) {
		lk_hl7_remark(r, LK_HL7_SAME_CONTROL_ID, line);
		return LK_OK;
	}
	if (r->id_count == IDS_MAX)
		return LK_OK;
	if (2 * (r->id_count + 1) > r->id_cap && !grow_ids(r))
		return lk_error_nomem(err);
	put_id(r->ids, r->id_cap, id);
	r->id_count++;
	return LK_OK;
}

/* ---- headers ---- */

static bool is_version(struct lk_text v)
{
	static const char *const published[] = {"2.0", "2.0D", "2.1", "2.2", "2.3", "2.3.1", "2.3.2", "2.4", "2.5", "2.5.1",
		"2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2", "2.9", "2.9.1"};

	for (size_t i = 0; i < sizeof(published) / sizeof(*published); i++)
		if (strlen(published[i]) == v.len && !memcmp(published[i], v.data, v.len))
			return true;
	return false;
}

enum lk_status lk_hl7_remark_message(struct lk_hl7_remarks *r, const struct lk_hl7_message *m, struct lk_error *err)
{
	const struct lk_hl7_segment *msh = &m->segments[0];
	struct lk_text id = lk_hl7_field(m, msh, 10), version;

	version = lk_hl7_part(lk_hl7_field(m, msh, 12), m->delimiters.component, 1);
	if (!lk_hl7_part(lk_hl7_field(m, msh, 9), m->delimiters.component, 1).len)
		lk_hl7_remark(r, LK_HL7_NO_TYPE, m->line);
	if (!version.len)
		lk_hl7_remark(r, LK_HL7_NO_VERSION, m->line);
	else if (!is_version(version))
		lk_hl7_remark(r, LK_HL7_ODD_VERSION, m->line);
	if (m->other_count) {
		lk_hl7_remark(r, LK_HL7_OTHERS, m->line);
		r->items[LK_HL7_OTHERS].count += m->other_count - 1;
	}
	if (id.len)
		return note_id(r, id, m->line, err);
	lk_hl7_remark(r, LK_HL7_NO_CONTROL_ID, m->line);
	return LK_OK;
}

/* ---- envelopes ---- */

/* The number in the first field of a trailer; -1 when there is none. */
static int64_t trailer_count(const char *line, size_t len)
{
	int64_t n = 0;
	size_t i = 4;

	while (i < len && line[i] >= '0' && line[i] <= '9' && n < INT64_C(1000000000000))
		n = 10 * n + line[i++] - '0';
	return i == 4 || (i < len && line[i] != line[3]) ? -1 : n;
}

static void check_count(struct lk_hl7_remarks *r, enum lk_hl7_remark what, int64_t said, int64_t found, int64_t line)
{
	if (said < 0 || said == found)
		return;
	lk_hl7_remark(r, what, line);
	if (r->items[what].count > 1)
		return;
	r->items[what].said = said;
	r->items[what].found = found;
}

void lk_hl7_remark_envelope(struct lk_hl7_remarks *r, const char *line, size_t len, int64_t number)
{
	if (*line == 'B' && line[1] == 'H') {
		r->batch_messages = 0;
	} else if (*line == 'B') {
		check_count(r, LK_HL7_BATCH_COUNT, trailer_count(line, len), r->batch_messages, number);
		r->batch_messages = 0;
		r->batches++;
	} else if (line[1] == 'H') {
		r->batches = 0;
	} else {
		check_count(r, LK_HL7_FILE_COUNT, trailer_count(line, len), r->batches, number);
		r->batches = 0;
	}
}

/* ---- the end ---- */

static const char *const said[LK_HL7_REMARKS][2] = {
	[LK_HL7_OUTSIDE] = {"line outside of messages was skipped", "lines outside of messages were skipped"},
	[LK_HL7_OTHERS] = {"line within a message is no segment", "lines within messages are no segments"},
	[LK_HL7_NO_TYPE] = {"message has no type (MSH-9)", "messages have no type (MSH-9)"},
	[LK_HL7_NO_CONTROL_ID] = {"message has no control id (MSH-10)", "messages have no control id (MSH-10)"},
	[LK_HL7_NO_VERSION] = {"message has no version (MSH-12)", "messages have no version (MSH-12)"},
	[LK_HL7_ODD_VERSION] = {"message has a version (MSH-12) that is none of the standard's",
		"messages have a version (MSH-12) that is none of the standard's"},
	[LK_HL7_SAME_CONTROL_ID] = {"message has the control id (MSH-10) of one before it",
		"messages have the control id (MSH-10) of one before them"},
	[LK_HL7_ODD_CHARSET] = {"message is not UTF-8, and names a character set (MSH-18) that is not known",
		"messages are not UTF-8, and name a character set (MSH-18) that is not known"},
	[LK_HL7_BATCH_COUNT] = {"batch", "batches"},
	[LK_HL7_FILE_COUNT] = {"file", "files"},
};

void lk_hl7_remarks_tell(const struct lk_hl7_remarks *r, struct lk_sink *sink)
{
	for (int i = 0; i < LK_HL7_REMARKS; i++) {
		long long count = r->items[i].count, line = r->items[i].line;
		const char *what = said[i][count > 1];

		if (!count)
			continue;
		if (i >= LK_HL7_BATCH_COUNT)
			lk_sink_warn(sink, "%lld %s said to hold another number of %s: %lld, not %lld, on line %lld", count, what,
				i == LK_HL7_BATCH_COUNT ? "messages (BTS-1)" : "batches (FTS-1)", (long long)r->items[i].said,
				(long long)r->items[i].found, line);
		else if (count == 1)
			lk_sink_warn(sink, "line %lld: %lld %s", line, count, what);
		else
			lk_sink_warn(sink, "%lld %s, the first on line %lld", count, what, line);
	}
}

void lk_hl7_remarks_clear(struct lk_hl7_remarks *r)
{
	uint64_t *ids = r->ids;
	size_t cap = r->id_cap;

	if (cap > 1024) {
		free(ids);
		ids = NULL;
		cap = 0;
	}
	if (ids)
		memset(ids, 0, cap * sizeof(*ids));
	*r = (struct lk_hl7_remarks){.ids = ids, .id_cap = cap};
}

void lk_hl7_remarks_release(struct lk_hl7_remarks *r)
{
	free(r->ids);
	r->ids = NULL;
	r->id_cap = 0;
}
