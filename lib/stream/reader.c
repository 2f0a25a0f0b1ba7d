#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "stream/ipc.h"
#include "stream/segment.h"
#include "stream/side.h"
#include "stream/stream.h"

#define TABLE_SIZE 256 /* a table's name and the NUL */
#define MAGIC "ARROW1"
#define MAGIC_SIZE 6
#define TAIL_MAX (256u << 20) /* what may stand behind the batches of an Arrow file */

enum state {
	AT_START,
	BETWEEN, /* Arrow streams */
	WITHIN,	 /* one: its schema was read */
	DONE,
	FAILED,
};

struct lk_reader {
	struct lk_input in;
	unsigned flags;
	enum state state;
	bool file;	    /* the input is an Arrow file rather than a stream */
	bool file_began;    /* its schema was read */
	int64_t file_batches; /* batches of it so far */
	bool held;	      /* array is the next batch to hand out */
	struct lk_error failure;

	struct lk_ipc ipc;	/* of the Arrow stream that we are within */
	char table[TABLE_SIZE]; /* its lk.table */
	char segment[LK_SEGMENT_SIZE];
	uint64_t streams, batches; /* Arrow streams so far; batches of this one */

	struct lk_message message; /* behind the batch handed out last */
	struct ArrowArray array;   /* of it */
	struct lk_segments segments;
};

bool lk_table_is_side(const char *table)
{
	return !strcmp(table, LK_TABLE_END) || !strcmp(table, LK_TABLE_MEMBERS) || !strcmp(table, LK_TABLE_FILES) ||
		!strcmp(table, LK_TABLE_REJECTS) || !strcmp(table, LK_TABLE_REPLAYED) || !strcmp(table, LK_TABLE_VERSIONS);
}

bool lk_table_is_named(const char *table, const char *name)
{
	const char *dot = strrchr(table, '.');

	if (!dot && !strncmp(name, "main.", 5))
		name += 5;
	return !strcmp(table, name) || (dot && !strcmp(dot + 1, name));
}

void lk_pipe_enlarge(int fd)
{
	/* A user has a budget for all pipes, so less may be had than asked for. */
	for (int size = 1 << 20; size > 1 << 16 && fcntl(fd, F_SETPIPE_SZ, size) < 0; size /= 2)
		;
}

enum lk_status lk_reader_open(struct lk_reader **out, int fd, const char *name, unsigned flags, struct lk_error *err)
{
	struct lk_reader *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (!r)
		return lk_error_nomem(err);
	if (lk_input_open(&r->in, fd, name, err)) {
		free(r);
		return lk_error_nomem(err);
	}
	r->flags = flags;
	lk_pipe_enlarge(fd);
	*out = r;
	return LK_OK;
}

enum lk_status lk_reader_begins(struct lk_reader *r, bool *begins, struct lk_error *err)
{
	static const unsigned char mark[] = {0xff, 0xff, 0xff, 0xff};
	const unsigned char *data;
	size_t got;

	LK_TRY(lk_input_peek(&r->in, &data, sizeof(mark), &got, err));
	*begins = got >= sizeof(mark) && !memcmp(data, mark, sizeof(mark));
	return LK_OK;
}

enum lk_status lk_reader_text(struct lk_reader *r, void *buf, size_t len, size_t *got, struct lk_error *err)
{
	return lk_input_read(&r->in, buf, len, got, err);
}

static void release_batch(struct lk_reader *r)
{
	if (r->array.release)
		ArrowArrayRelease(&r->array);
	lk_message_release(&r->message);
}

void lk_reader_close(struct lk_reader *r)
{
	if (!r)
		return;
	release_batch(r);
	lk_ipc_close(&r->ipc);
	lk_segments_release(&r->segments);
	lk_input_close(&r->in);
	free(r);
}

enum lk_status lk_reader_continue(struct lk_reader *r, int fd, const char *name, struct lk_error *err)
{
	if (r->state != DONE)
		return lk_error_set(err, LK_BUG, "a reader that is not at its end cannot go on with '%s'", name);
	release_batch(r);
	lk_input_close(&r->in);
	LK_TRY(lk_input_open(&r->in, fd, name, err));
	lk_pipe_enlarge(fd);
	r->state = AT_START;
	r->file = r->file_began = false;
	r->file_batches = 0;
	return LK_OK;
}

void lk_reader_counts(const struct lk_reader *r, struct lk_counts *counts)
{
	*counts = r->segments.counts;
}

/* ---- the two forms of input ---- */

/* Steps over the magic of an Arrow file, if it is one. */
static enum lk_status start(struct lk_reader *r, struct lk_error *err)
{
	const unsigned char *data;
	char magic[8];
	size_t got;

	r->state = BETWEEN;
	LK_TRY(lk_input_peek(&r->in, &data, sizeof(magic), &got, err));
	if (got == 0)
		return lk_error_set(err, LK_DATA, "it is empty: whoever should have written it did not begin");
	if (got < sizeof(magic) || memcmp(data, MAGIC, MAGIC_SIZE))
		return LK_OK;
	if (!(r->flags & LK_READER_ANY_FORM))
		return lk_error_set(err, LK_DATA, "it is an Arrow file, not a stream: 'lk-cat --as TABLE' makes a stream of it");
	r->file = true;
	return lk_input_read(&r->in, magic, sizeof(magic), &got, err);
}

/* Reads what is left of the file, the footer at its end, and compares it with what came. */
static enum lk_status check_tail(struct lk_reader *r, struct lk_str *tail, struct lk_str *footer, struct lk_error *err)
{
	size_t got = 1;

	while (got) {
		if (!lk_str_reserve(tail, 65536))
			return lk_error_nomem(err);
		LK_TRY(lk_input_read(&r->in, tail->data + tail->len, 65536, &got, err));
		tail->len += got;
		if (tail->len > TAIL_MAX)
			return lk_error_set(err, LK_DATA, "the Arrow file goes on behind its end");
	}
	LK_TRY(lk_ipc_footer(tail, footer, err));
	if (lk_ipc_footer_batches(footer) != r->file_batches)
		return lk_error_set(err, LK_DATA, "the footer of the Arrow file names %lld batches, but %lld came",
			(long long)lk_ipc_footer_batches(footer), (long long)r->file_batches);
	return LK_OK;
}

static enum lk_status end_file(struct lk_reader *r, struct lk_error *err)
{
	struct lk_str tail = LK_STR_INIT, footer = LK_STR_INIT;
	enum lk_status status = check_tail(r, &tail, &footer, err);

	lk_str_release(&tail);
	lk_str_release(&footer);
	r->state = DONE;
	return status;
}

/* Some writers (arrow-js) put the schema of a file into its footer alone. */
static enum lk_status schema_of_footer(struct lk_reader *r, struct lk_message *schema, struct lk_error *err)
{
	struct lk_str tail = LK_STR_INIT, footer = LK_STR_INIT;
	enum lk_status status = lk_ipc_read_tail(r->in.fd, &tail, err);

	if (!status)
		status = lk_ipc_footer(&tail, &footer, err);
	if (!status)
		status = lk_ipc_footer_schema(&footer, schema, err);
	lk_str_release(&tail);
	lk_str_release(&footer);
	return status;
}

/* ---- Arrow streams ---- */

/* A name from the schema's metadata as a C string; "" when absent. */
static enum lk_status meta_name(const struct ArrowSchema *schema, const char *key, char *out, size_t size,
	struct lk_error *err)
{
	struct ArrowStringView value;

	*out = '\0';
	if (!lk_meta_get(schema, key, &value))
		return LK_OK;
	if (!lk_meta_text(schema, key, out, size) || strlen(out) != (size_t)value.size_bytes ||
		!lk_utf8_valid(out, strlen(out)))
		return lk_error_set(err, LK_DATA, "a schema has an %s that is no name", key);
	return LK_OK;
}

static enum lk_status begin_stream(struct lk_reader *r, const struct lk_message *schema, struct lk_error *err)
{
	r->table[0] = '\0';
	lk_ipc_close(&r->ipc);
	LK_TRY(lk_ipc_open(&r->ipc, schema, err));
	LK_TRY(meta_name(&r->ipc.schema, LK_META_TABLE, r->table, sizeof(r->table), err));
	LK_TRY(meta_name(&r->ipc.schema, LK_META_SEGMENT, r->segment, sizeof(r->segment), err));
	if (r->file)
		r->segment[0] = '\0';
	LK_TRY(lk_segments_stream(&r->segments, r->segment, r->table, err));
	if (!r->segment[0] && !(r->flags & LK_READER_PLAIN))
		return lk_error_set(err, LK_DATA, "it is a plain Arrow stream without lk.segment, so nobody can tell whether it is whole: 'lk-cat --as TABLE' makes an lk stream of it");
	if (!r->segment[0] && !strcmp(r->table, LK_TABLE_END))
		return lk_error_set(err, LK_DATA, "an end marker has no lk.segment");
	r->state = WITHIN;
	r->file_began = r->file;
	r->streams++;
	r->batches = 0;
	return LK_OK;
}

static bool is_marker(const struct lk_reader *r)
{
	return r->segment[0] && !strcmp(r->table, LK_TABLE_END);
}

/* The end of the Arrow stream that we are within; *handed when it had no batch and hands out an empty one. */
static enum lk_status end_stream(struct lk_reader *r, bool *handed, struct lk_error *err)
{
	if (is_marker(r))
		LK_TRY(lk_segments_end(&r->segments, err));
	else if (r->batches == 0) {
		LK_TRY(lk_ipc_empty(&r->ipc, &r->array, err));
		*handed = true;
	}
	r->state = BETWEEN;
	return LK_OK;
}

static enum lk_status take_batch(struct lk_reader *r, bool *handed, struct lk_error *err)
{
	LK_TRY(lk_ipc_batch(&r->ipc, &r->message, &r->array, err));
	r->batches++;
	r->file_batches++;
	if (is_marker(r)) {
		LK_TRY(lk_segments_marker(&r->segments, &r->ipc.schema, &r->ipc.view, err));
		release_batch(r);
		return LK_OK;
	}
	*handed = true;
	return r->segment[0] ? lk_segments_rows(&r->segments, r->table, r->array.length, err) : LK_OK;
}

static enum lk_status at_eof(struct lk_reader *r, bool *handed, struct lk_error *err)
{
	if (r->file)
		return lk_error_set(err, LK_DATA, "the Arrow file ends without a footer: it was cut");
	LK_TRY(lk_segments_finish(&r->segments, err));
	if (r->state == WITHIN)
		LK_TRY(end_stream(r, handed, err)); /* a plain stream may end by the file's end alone */
	if (!*handed)
		r->state = DONE;
	return LK_OK;
}

static enum lk_status within(struct lk_reader *r, bool *handed, struct lk_error *err)
{
	switch (r->message.kind) {
	case LK_MESSAGE_EOF:
		return at_eof(r, handed, err);
	case LK_MESSAGE_END:
		return end_stream(r, handed, err);
	case LK_MESSAGE_SCHEMA:
		return lk_error_set(err, LK_DATA, "the writer of table '%s' died: another stream begins before its own has ended",
			r->table);
	case LK_MESSAGE_DICTIONARY:
		return lk_ipc_dictionary(&r->ipc, &r->message, err);
	case LK_MESSAGE_BATCH:
		return take_batch(r, handed, err);
	}
	return LK_BUG;
}

static enum lk_status begin_file_without_schema(struct lk_reader *r, bool *handed, struct lk_error *err)
{
	struct lk_message schema = {0};
	enum lk_status status = schema_of_footer(r, &schema, err);

	if (!status)
		status = begin_stream(r, &schema, err);
	lk_message_release(&schema);
	return status ? status : within(r, handed, err);
}

static enum lk_status between(struct lk_reader *r, bool *handed, struct lk_error *err)
{
	switch (r->message.kind) {
	case LK_MESSAGE_EOF:
		return at_eof(r, handed, err);
	case LK_MESSAGE_SCHEMA:
		return begin_stream(r, &r->message, err);
	default:
		if (r->file)
			return begin_file_without_schema(r, handed, err);
		return lk_error_set(err, LK_DATA, "it is damaged: a message comes before its schema");
	}
}

/* Reads on until there is a batch to hand out, or the end. */
static enum lk_status advance(struct lk_reader *r, bool *handed, struct lk_error *err)
{
	*handed = false;
	release_batch(r);
	if (r->state == AT_START)
		LK_TRY(start(r, err));
	while (!*handed && r->state != DONE) {
		bool inside = r->state == WITHIN;
		enum lk_status status;

		if (r->file && !inside && r->file_began)
			return end_file(r, err);
		lk_message_release(&r->message);
		status = lk_message_read(&r->in, &r->message, err);
		if (status == LK_OK)
			status = inside ? within(r, handed, err) : between(r, handed, err);
		if (status == LK_DATA && inside && r->table[0] && err && !strstr(err->message, r->table))
			lk_error_prefix(err, "table '%s'", r->table);
		LK_TRY(status);
	}
	return LK_OK;
}

static void hand_out(struct lk_reader *r, struct lk_batch *batch)
{
	*batch = (struct lk_batch){.table = r->table, .schema = &r->ipc.schema, .stream = r->streams,
		.rows = r->array.length, .array = &r->array, .view = &r->ipc.view};
	if (r->message.as_read && !r->ipc.encoded) {
		batch->message = r->message.bytes.data;
		batch->message_len = (size_t)r->message.bytes.size_bytes;
	}
}

/* Goes to the next batch, which is held then, to the end, or to a failure. */
static void go_on(struct lk_reader *r)
{
	enum lk_status status = advance(r, &r->held, &r->failure);

	if (!status)
		return;
	r->held = false;
	r->state = FAILED;
	if (status == LK_DATA)
		lk_error_prefix(&r->failure, "%s", r->in.name);
}

enum lk_status lk_reader_start(struct lk_reader *r, struct lk_error *err)
{
	if (r->state == AT_START)
		go_on(r);
	if (r->state != FAILED)
		return LK_OK;
	if (err)
		*err = r->failure;
	return r->failure.status;
}

enum lk_next lk_reader_next(struct lk_reader *r, struct lk_batch *batch, struct lk_error *err)
{
	*batch = (struct lk_batch){0};
	if (!r->held && r->state != DONE && r->state != FAILED)
		go_on(r);
	if (r->held) {
		hand_out(r, batch);
		r->held = false;
		return LK_NEXT_BATCH;
	}
	if (r->state == DONE)
		return LK_NEXT_END;
	if (err)
		*err = r->failure;
	return LK_NEXT_ERROR;
}
