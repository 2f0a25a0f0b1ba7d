/*
 * HL7 v2 (ER7, the encoding of chapter 2): what the files of the format share, each with a section below. Private to them; others
 * see lk_format_hl7 (format.h).
 *
 * A message is lines: segments of a three-letter name and fields. The delimiters are the message's own, from MSH-1 and
 * MSH-2. Text of a message is never copied but where an escape has to be resolved; values point into it.
 *
 *	PID|1||4711^^^A^MR~0815^^^B^SS||Eve&von^Adam          PID-3[2].1 is 0815, PID-5.1.2 is von
 *	    field |   repetition ~   component ^   sub-component &
 */
#ifndef LK_SOURCE_HL7_H
#define LK_SOURCE_HL7_H

#include "source/format.h"

/* A segment's name as a number. */
#define LK_HL7_ID(a, b, c) ((uint32_t)(unsigned char)(a) << 16 | (uint32_t)(unsigned char)(b) << 8 | (unsigned char)(c))
#define LK_HL7_MSH LK_HL7_ID('M', 'S', 'H')
#define LK_HL7_FIELDS_MAX 999 /* of a segment that paths may name */
#define LK_HL7_SEGMENTS_MAX 1000000 /* of a message */

/* 0 where the message has no such delimiter. */
struct lk_hl7_delimiters {
	char field, component, repetition, escape, sub, truncation;
};

/* ---- messages (hl7_message.c) ---- */

struct lk_hl7_segment {
	uint32_t start, len; /* in the message's text */
	uint32_t id;
	uint32_t line; /* from the message's first, which is 0 */
	uint8_t depth; /* hl7_depth.c */
};

struct lk_hl7_message {
	const char *text; /* in UTF-8, where it could be decoded */
	size_t len;
	const char *raw; /* as it stands in the member */
	size_t raw_len;
	int64_t line, number; /* where it begins in the member; how many messages came, it included */
	int64_t before; /* segments of the record's name that stood before in it, where it is a part of one that is read again */
	struct lk_hl7_delimiters delimiters;
	const char *fault; /* what is wrong with them; NULL when nothing is */
	bool escapes;	/* there are escape characters in it */
	bool unchecked; /* it may not be UTF-8, or may hold a NUL */
	struct lk_hl7_segment *segments; /* the first is MSH */
	size_t count, cap;
	struct lk_str others; /* lines that are no segments, joined by line feeds */
	int64_t other_count;
};

/* Reads MSH-1 and MSH-2 of a line that begins with MSH and a punctuation character. NULL, or what is wrong with them. */
const char *lk_hl7_delimiters_read(const char *msh, size_t len, struct lk_hl7_delimiters *d);

/* The name of a segment on a line, 0 when it is none. */
uint32_t lk_hl7_segment_id(const char *line, size_t len, char field_delimiter);

/* Adds a line, which begins at `start` of the text; one that is no segment is kept among the others. */
enum lk_status lk_hl7_message_add(struct lk_hl7_message *m, const char *text, size_t start, size_t len, uint32_t line,
	struct lk_error *err) LK_CHECKED;
void lk_hl7_message_clear(struct lk_hl7_message *m);
void lk_hl7_message_release(struct lk_hl7_message *m);

/* A field of a segment with all its repetitions; MSH-1 and MSH-2 as they are counted. data is NULL when it is not there. */
struct lk_text lk_hl7_field(const struct lk_hl7_message *m, const struct lk_hl7_segment *s, int number);
/* The part `number` (from 1) of a text between delimiters; data is NULL when it is not there. */
struct lk_text lk_hl7_part(struct lk_text text, char delimiter, int number);

/* Appends a text with its escapes resolved; those that cannot be stay. composite: those for delimiters stay. */
void lk_hl7_unescape(const struct lk_hl7_delimiters *d, struct lk_text text, bool composite, struct lk_str *out);

/* The line that stands before a record of a reject, and says where it was in its member: a batch header with a comment. */
void lk_hl7_add_origin(struct lk_str *out, int64_t message, int64_t segment);
/* False when the line is none. */
bool lk_hl7_read_origin(const char *line, size_t len, int64_t *message, int64_t *segment);

/* ---- character sets (hl7_charset.c) ---- */

/* Turns a message that is not UTF-8 into such, by the character set that its MSH-18 names: it moves into `room`. Sets
 * m->unchecked where that cannot be done; *known: whether the character set is one. */
enum lk_status lk_hl7_decode(struct lk_hl7_message *m, struct lk_str *room, bool *known, struct lk_error *err) LK_CHECKED;

/* ---- what belongs to what (hl7_depth.c) ---- */

#define LK_HL7_DEPTHS 18 /* from 0; even: of segments that begin a group, which ends those as deep or deeper */

/* Says of each segment of a message how deep it stands. */
void lk_hl7_set_depths(struct lk_hl7_message *m);

static inline bool lk_hl7_begins_group(const struct lk_hl7_segment *s)
{
	return s->depth % 2 == 0;
}

/* Whether segments of this name are about the one directly before them: notes and their like. */
bool lk_hl7_is_remark(uint32_t id);

/* ---- paths (hl7_path.c) ---- */

enum lk_hl7_what {
	LK_HL7_FIELD,
	LK_HL7_MESSAGE_NUMBER,
	LK_HL7_MESSAGE_SEGMENTS,
	LK_HL7_MESSAGE_OTHERS,
	LK_HL7_SEGMENT_NUMBER,
};

#define LK_HL7_ALL (-1)

struct lk_hl7_path {
	enum lk_hl7_what what;
	int slot;	    /* of the program: the segment */
	int occurrence; /* which of them, from 1; LK_HL7_ALL; 0: the one that the record belongs to */
	int field;
	int repetition; /* from 1; LK_HL7_ALL */
	int component, sub; /* from 1; 0: the whole */
};

/* A segment that paths name. */
struct lk_hl7_slot {
	uint32_t id;
	int fields; /* the last one that is named without an occurrence */
};

/* What a resource says of HL7, compiled. */
struct lk_hl7_program {
	uint32_t record;
	struct lk_hl7_path *paths; /* by field */
	struct lk_hl7_slot *slots;
	int slot_count;
};

enum lk_status lk_hl7_load(struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r) LK_CHECKED;

/* ---- records (hl7_records.c) ---- */

/* What one sink needs for one member. */
struct lk_hl7_target;

enum lk_status lk_hl7_target_open(struct lk_hl7_target **out, struct lk_sink *sink, struct lk_error *err) LK_CHECKED;
void lk_hl7_target_close(struct lk_hl7_target *t); /* NULL is fine */
/* Hands the records of a message to the sink. */
enum lk_status lk_hl7_target_take(struct lk_hl7_target *t, const struct lk_hl7_message *m, struct lk_error *err) LK_CHECKED;

#endif
