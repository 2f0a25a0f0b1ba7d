/*
 * The lk stream: tables on a pipe (lk-stream(5)).
 *
 * One or more Arrow IPC streams back to back. Each carries rows of one table, named by `lk.table` in its schema's
 * metadata. All that one process writes is a segment: its streams carry the same `lk.segment`, and the last of them is
 * the end marker, the table `lk.end`, whose counts must agree with what came. A reader that reaches the end of the
 * file, or another segment, while one is open knows that the writer died.
 *
 *	[schema batch batch ... eos] [schema batch ... eos] ... [lk.end eos]   [another segment ...]
 *	 \__ one Arrow stream ____/                                        \__ a segment ends here
 *
 * Implements "IPC Streaming Format" of the Arrow columnar format (Columnar.rst) through nanoarrow; every buffer is
 * verified against its length before a batch is handed out.
 */
#ifndef LK_STREAM_STREAM_H
#define LK_STREAM_STREAM_H

#include "stream/build.h"
#include "stream/schema.h"

#define LK_SEGMENT_SIZE 33 /* 32 hexadecimal digits and the NUL */

/* Names of the tables that travel beside the data. */
#define LK_TABLE_END "lk.end"
#define LK_TABLE_MEMBERS "lk.members"
#define LK_TABLE_FILES "lk.files"
#define LK_TABLE_REJECTS "lk.rejects"
#define LK_TABLE_REPLAYED "lk.replayed"
#define LK_TABLE_VERSIONS "lk.versions"

/* Whether a table is one of those, rather than data. */
bool lk_table_is_side(const char *table);
/* Whether somebody who says `name` means the table: one without a namespace is in `main`; a name without one is of any. */
bool lk_table_is_named(const char *table, const char *name);

/* ---- reading ---- */

enum lk_next {
	LK_NEXT_ERROR = -1,
	LK_NEXT_END = 0,
	LK_NEXT_BATCH = 1,
};

enum lk_reader_flags {
	LK_READER_PLAIN = 1,	/* streams without lk.segment are taken too, and may end without a marker */
	LK_READER_ANY_FORM = 2, /* an Arrow IPC file ("ARROW1") is taken as well */
};

struct lk_reader;

/* A record batch and where it belongs. All of it is borrowed until the next lk_reader_next or lk_reader_close, except that
 * a consumer may keep the rows by ArrowArrayMove(batch.array, ...). Dictionaries are already decoded and bodies
 * decompressed. An Arrow stream that came without a batch is handed out as one of no rows, so that its schema is seen. */
struct lk_batch {
	const char *table;		  /* lk.table; "" on a plain stream without one */
	const struct ArrowSchema *schema; /* a struct; the same pointer for all batches of one Arrow stream */
	uint64_t stream;		  /* counts the Arrow streams of this reader: it changes when the schema may */
	int64_t rows;
	struct ArrowArray *array;	  /* released by the reader unless moved away */
	const struct ArrowArrayView *view; /* over array, validated in full: offsets, null counts, UTF-8; offset 0 */
	const void *message;		  /* the batch's IPC message as it was read, for lk_writer_pass; NULL when */
	size_t message_len;		  /* it was decoded into something else (dictionaries, old framing) */
};

/* Reads fd, which stays the caller's to close; name is for messages ("standard input"). */
enum lk_status lk_reader_open(struct lk_reader **out, int fd, const char *name, unsigned flags,
	struct lk_error *err) LK_CHECKED;

/* Before the first batch: whether the input begins as a stream does (FF FF FF FF), which no text does. Nothing is taken. */
enum lk_status lk_reader_begins(struct lk_reader *r, bool *begins, struct lk_error *err) LK_CHECKED;
/* Of an input that is no stream, its bytes: up to len; *got < len only at the end. */
enum lk_status lk_reader_text(struct lk_reader *r, void *buf, size_t len, size_t *got, struct lk_error *err) LK_CHECKED;

/* Reads up to the first batch, which lk_reader_next hands out then; fails as that would. For who makes something for the
 * rows, and wants to know first that they come. */
enum lk_status lk_reader_start(struct lk_reader *r, struct lk_error *err) LK_CHECKED;

/* The next batch, or LK_NEXT_END when the input ended well: at least one byte came, and no segment is open. Batches of
 * lk.end are consumed here and never handed out. After an error or the end it keeps answering the same. */
enum lk_next lk_reader_next(struct lk_reader *r, struct lk_batch *batch, struct lk_error *err) LK_CHECKED;

/* Goes on with another input once the end was reached, as if it stood behind the first on one pipe: a segment that came
 * before must not come again. The batch handed out last is no longer valid. */
enum lk_status lk_reader_continue(struct lk_reader *r, int fd, const char *name, struct lk_error *err) LK_CHECKED;

/* What the end markers seen so far say in sum. */
struct lk_counts {
	int64_t streams, rows; /* written, without lk.end itself */
	int64_t read, dropped; /* records that the writers read, and that they dropped on purpose */
};
void lk_reader_counts(const struct lk_reader *r, struct lk_counts *counts);

void lk_reader_close(struct lk_reader *r); /* NULL is fine */

/* ---- writing ---- */

struct lk_writer;

/* Begins a segment on fd (the caller's to close). plain: one Arrow stream without segment marks, for other tools. */
enum lk_status lk_writer_open(struct lk_writer **out, int fd, const char *name, bool plain,
	struct lk_error *err) LK_CHECKED;

/* Writes rows of a table. schema's metadata are kept, with lk.table and lk.segment added. A new Arrow stream begins
 * when the table is not that of the batch before, or its schema is another one (by lk_schema_equal). */
enum lk_status lk_writer_batch(struct lk_writer *w, const char *table, const struct ArrowSchema *schema,
	const struct ArrowArrayView *view, struct lk_error *err) LK_CHECKED;

/* Sends what a builder holds (a batch without rows too) and clears it. */
enum lk_status lk_writer_flush(struct lk_writer *w, const char *table, struct lk_builder *b,
	struct lk_error *err) LK_CHECKED;

/* Passes a batch on unchanged: its bytes are copied under our own schema message and segment. */
enum lk_status lk_writer_pass(struct lk_writer *w, const struct lk_batch *batch, struct lk_error *err) LK_CHECKED;

/* Adds to what the end marker will say of a table: records read for it, records dropped on purpose, and why (may be
 * NULL; kept as the first reason given). */
enum lk_status lk_writer_count(struct lk_writer *w, const char *table, int64_t read, int64_t dropped,
	const char *reason, struct lk_error *err) LK_CHECKED;

/* Ends the last Arrow stream, writes the end marker (unless plain) and frees w. */
enum lk_status lk_writer_close(struct lk_writer *w, struct lk_error *err) LK_CHECKED;

/* Frees w without an end marker: whoever reads will know that the segment is broken. NULL is fine. */
void lk_writer_abort(struct lk_writer *w);

/* Makes the pipe at fd as large as it may be (F_SETPIPE_SZ); harmless on anything else. */
void lk_pipe_enlarge(int fd);

#endif
