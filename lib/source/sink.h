/*
 * Sinks: where a reader's records become rows of one table, or rejects.
 *
 * A sink takes the records of one member for one resource. A reader hands it each record once, in order, as a
 * text for each field that comes from the record; the sink numbers it, converts it, adds the columns that are
 * the same for the whole member, and keeps count. So that records = rows + rejected holds, each record ends
 * in exactly one of lk_sink_row and lk_sink_reject.
 */
#ifndef LK_SOURCE_SINK_H
#define LK_SOURCE_SINK_H

#include "source/output.h"

/* The text of one field of a record. */
struct lk_value {
	const char *data; /* NULL when there is none */
	size_t len;
	bool quoted;	/* stood in quotes */
	bool unchecked; /* may not be UTF-8, may hold a NUL */
};

/* Where a record stands in its member. */
struct lk_place {
	int64_t line;	 /* physical line where it begins, from 1; 0 where lines mean nothing */
	const char *raw; /* its text; NULL: make_raw is called when it is needed */
	size_t raw_len;
	void (*make_raw)(void *arg, struct lk_str *out);
	/* What must stand before it for the record to be read by itself (lk-parse --replay) as it was in its member, such as a
	 * header; where it is NULL, make_context is called when it is needed. Neither: nothing. */
	const char *context;
	size_t context_len;
	void (*make_context)(void *arg, struct lk_str *out);
	void *arg; /* of both functions */
};

struct lk_sink;

/* Looks on in place of the output: gets each record as the reader read it, before its values are converted. No row is made then,
 * and nothing goes out. */
struct lk_watch {
	void *arg;
	/* A header was read: the names of its columns, as fields may go by them. NULL: nobody asks. */
	enum lk_status (*header)(void *arg, const struct lk_sink *s, const struct lk_str *names, size_t count, struct lk_error *err);
	/* values and rest: as lk_sink_row got them */
	enum lk_status (*row)(void *arg, const struct lk_sink *s, const struct lk_value *values, const struct lk_text *rest,
		const struct lk_place *place, struct lk_error *err);
	enum lk_status (*reject)(void *arg, const struct lk_sink *s, const char *field, const char *reason,
		const struct lk_place *place, struct lk_error *err);
	/* The member ended; s->failed and s->error say whether it was read. */
	enum lk_status (*end)(void *arg, const struct lk_sink *s, struct lk_error *err);
};

struct lk_sink {
	const struct lk_resource *resource;
	const struct lk_source_member *member;
	const struct lk_watch *watch; /* NULL: rows are made */
	struct lk_output *output;
	struct lk_output_table *table;
	struct lk_value *constants; /* by field; of those that do not come from the record */
	struct lk_constraint_state *states; /* by field; NULL when none has constraints */
	struct lk_str file;	    /* lk_file */
	int64_t sent;		    /* lk_sent; INT64_MIN when not known */
	struct lk_str room;	    /* the text of a constant made here */
	struct lk_delivery_match match;

	/* values whose bytes are not UTF-8 */
	const char *encoding; /* what the text was decoded from */
	struct lk_decoder *others[LK_ENCODINGS_MAX]; /* by the resource's encodings, opened when they are needed */
	int64_t others_read[LK_ENCODINGS_MAX];	     /* values that were read by them */
	int64_t replaced;			     /* values with something replaced in them */
	struct lk_str decoded;
	char digits[LK_PAD_MAX]; /* those of a value that lk.pad makes longer */
	int64_t context_left; /* bytes that rejects may repeat of what stood before them */
	int64_t record; /* records so far */
	int64_t rows, rejected;
	int64_t padded, mended; /* records, as lk.ragged and lk.quotes ask for */
	int64_t started;
	bool alone;	     /* the caller has named the resource: no other takes the member */
	bool replayed;	     /* one record is read again, without its member: totals and trailers mean nothing */
	int64_t line;	     /* of such a record in its member */
	bool failed;	     /* the member cannot be read (further) */
	struct lk_str error; /* why */
	struct lk_str warning; /* what is to be told of a member that was read */
	struct lk_str reason, value; /* of the record that does not fit */
	bool shows_value;	     /* the value may be told */
};

/* member and output must outlive the sink. */
enum lk_status lk_sink_open(struct lk_sink *s, const struct lk_resource *r, const struct lk_source_member *member,
	struct lk_output *output, struct lk_error *err) LK_CHECKED;
void lk_sink_release(struct lk_sink *s);

/* A record: values by field (those of other origins are not looked at). rest: JSON for lk_rest, NULL for
 * none. It becomes a row or, where a value does not fit, a reject. */
enum lk_status lk_sink_row(struct lk_sink *s, const struct lk_value *values, const struct lk_text *rest,
	const struct lk_place *place, struct lk_error *err) LK_CHECKED;

/* A record that is none: field is NULL when it is the whole record. reason must not hold values. */
enum lk_status lk_sink_reject(struct lk_sink *s, const char *field, const char *reason,
	const struct lk_place *place, struct lk_error *err) LK_CHECKED;

/*
 * The member cannot be read (further), for all of these sinks. Where nothing came out of it yet they are
 * failed, without a row; else what came stays, and the fault is one more reject of each: a file that is
 * failed has no rows, so that it can be tried again.
 */
enum lk_status lk_sinks_fail(struct lk_sink *const *sinks, int count, const struct lk_place *place,
	struct lk_error *err, const char *fmt, ...) LK_CHECKED LK_PRINTF(5, 6);

/* Makes UTF-8 without NUL of a value, as the resource's encodings allow; false when they do not: *why then says what is wrong
 * with it. What it makes is borrowed until the next call. For values that lk_sink_row does not see: it does so itself. */
bool lk_sink_utf8(struct lk_sink *s, struct lk_value *v, const char **why);

/* Adds a remark on the member for lk.files: it is read all the same. It must not hold values. */
void lk_sink_warn(struct lk_sink *s, const char *fmt, ...) LK_PRINTF(2, 3);

/* The member ended: checks the counts and adds its row to lk.files. */
enum lk_status lk_sink_finish(struct lk_sink *s, struct lk_error *err) LK_CHECKED;

#endif
