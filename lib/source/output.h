/*
 * What lk-parse writes: a builder for each resource that took a member, and the side tables lk.files and
 * lk.rejects.
 *
 * All builders share one budget of memory. A table goes out when its batch is full, or, the largest first,
 * when the budget is used up; every table that was asked for goes out at least once, if only as a schema.
 */
#ifndef LK_SOURCE_OUTPUT_H
#define LK_SOURCE_OUTPUT_H

#include "source/package.h"
#include "stream/stream.h"

#define LK_RAW_BYTES (1024 * 1024) /* of a record's text, and of its context, that are kept */
#define LK_CONTEXT_CUT "..." /* in place of a context that is too long to be repeated: its record cannot be read again */
#define LK_OUTPUT_BUDGET (64 * 1024 * 1024)

/* A member of a delivery, as lk.members tells of it. Texts are borrowed. */
struct lk_source_member {
	const char *delivery, *sha256, *sender, *member;
	const char *passphrase;	 /* NULL when none was needed */
	int64_t size, modified;	 /* of the delivery: bytes, microseconds (INT64_MIN when not known) */
	int64_t member_size;	 /* -1 when not known */
	int64_t member_modified; /* INT64_MIN when not known */
};

/* How it went for one member and one table. */
struct lk_file_report {
	const struct lk_resource *resource; /* NULL when none took the member */
	int64_t rows, rejected;
	const char *status, *error; /* error: NULL when ok */
	const char *warning;	    /* NULL when there is nothing to tell */
	const char *encoding;	    /* what its text was decoded from; NULL where nobody looked */
	const char *sources;	    /* the hash of all sources when none of their resources takes it, else NULL */
	int64_t started, finished;  /* microseconds */
};

struct lk_reject {
	const struct lk_resource *resource;
	int64_t record, line; /* line: 0 where lines mean nothing */
	const char *field;    /* NULL: the whole record */
	const char *reason;   /* without values */
	const char *value;    /* the one at fault, or NULL */
	const char *raw;      /* its bytes, or NULL */
	size_t raw_len;
	const char *context;  /* what must stand before them to read them as they were, or NULL */
	size_t context_len;
};

/* Sums over the whole run, for the summary and the exit status. */
struct lk_output_totals {
	int64_t files, rows, rejected, skipped, failed, unmatched;
};

struct lk_output_table {
	const struct lk_resource *resource; /* NULL for side tables */
	struct lk_builder builder;
	bool sent;
	int64_t read, rejected;
};

struct lk_tap;

struct lk_output {
	struct lk_writer *writer;
	const struct lk_tap *tap; /* takes all in place of the writer; or NULL */
	struct lk_output_table *tables; /* by resource id; allocated once, so pointers stay valid */
	int table_count;
	struct lk_output_table files, rejects, replayed;
	bool replays; /* rejects are read again: there is lk.replayed, and no lk.files */
	struct lk_output_totals totals;
	size_t unbalanced; /* bytes appended since the budget was looked at */
};

/* writer stays the caller's. */
enum lk_status lk_output_open(struct lk_output *o, const struct lk_sources *sources, struct lk_writer *writer,
	struct lk_error *err) LK_CHECKED;
/* The table that a resource's rows go to; its builder is ready for a row. Valid until lk_output_release. */
enum lk_status lk_output_table(struct lk_output *o, const struct lk_resource *r, struct lk_output_table **table,
	struct lk_error *err) LK_CHECKED;
/* After each row: sends what is full. bytes: about how many the row has. */
enum lk_status lk_output_row_added(struct lk_output *o, struct lk_output_table *table, size_t bytes,
	struct lk_error *err) LK_CHECKED;

enum lk_status lk_output_reject(struct lk_output *o, const struct lk_source_member *m, const struct lk_reject *reject,
	struct lk_error *err) LK_CHECKED;
enum lk_status lk_output_file(struct lk_output *o, const struct lk_source_member *m,
	const struct lk_file_report *report, struct lk_error *err) LK_CHECKED;

/* A record that was read again, and whether it became a row. table and resource are as the reject had them; NULL: null. */
enum lk_status lk_output_replayed(struct lk_output *o, const struct lk_source_member *m, const struct lk_resource *r,
	const char *table, const char *resource, int64_t record, bool landed, struct lk_error *err) LK_CHECKED;
/* Before the first of them. */
enum lk_status lk_output_begin_replay(struct lk_output *o, struct lk_error *err) LK_CHECKED;

/* Sends what is left and the counts for the end marker. */
enum lk_status lk_output_finish(struct lk_output *o, struct lk_error *err) LK_CHECKED;
void lk_output_release(struct lk_output *o);

/* Adds bytes as text: those that are not UTF-8, and NUL, as \xNN. */
void lk_add_clean(struct lk_str *out, const char *data, size_t len);

#endif
