#include "change/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "change/scratch.h"

/* An Arrow stream that batches came in. */
struct stream {
	char *table;
	struct ArrowSchema schema;
	uint64_t number;
	struct ArrowArrayView view; /* over the array that is read */
};

struct kept {
	size_t stream;
	int64_t rows;
	struct ArrowArray array; /* released where it is in the file */
};

struct lk_store {
	size_t limit, held; /* bytes in memory */
	char *folder, *name; /* of the file, for messages */
	struct stream *streams;
	size_t stream_count, stream_cap;
	struct kept *batches;
	size_t batch_count, batch_cap;
	int fd; /* -1: all is in memory */
	struct lk_writer *writer;
	struct lk_reader *reader;
	bool reading;
	size_t next;
};

enum lk_status lk_store_create(struct lk_store **out, size_t memory_bytes, const char *folder, struct lk_error *err)
{
	struct lk_store *s = calloc(1, sizeof(*s));
	struct lk_str name = LK_STR_INIT;

	*out = NULL;
	if (!s)
		return lk_error_nomem(err);
	folder = lk_scratch_folder(folder);
	lk_str_addf(&name, LK_SCRATCH_NAME " in %s", folder);
	*s = (struct lk_store){.limit = memory_bytes, .folder = strdup(folder), .name = strdup(lk_str_text(&name)), .fd = -1};
	lk_str_release(&name);
	if (!s->folder || !s->name) {
		lk_store_free(s);
		return lk_error_nomem(err);
	}
	*out = s;
	return LK_OK;
}

void lk_store_free(struct lk_store *s)
{
	if (!s)
		return;
	lk_reader_close(s->reader);
	lk_writer_abort(s->writer);
	if (s->fd >= 0)
		close(s->fd);
	for (size_t i = 0; i < s->batch_count; i++)
		if (s->batches[i].array.release)
			ArrowArrayRelease(&s->batches[i].array);
	for (size_t i = 0; i < s->stream_count; i++) {
		free(s->streams[i].table);
		ArrowArrayViewReset(&s->streams[i].view);
		if (s->streams[i].schema.release)
			ArrowSchemaRelease(&s->streams[i].schema);
	}
	free(s->streams);
	free(s->batches);
	free(s->folder);
	free(s->name);
	free(s);
}

/* ---- adding ---- */

static enum lk_status stream_init(struct stream *st, const struct lk_batch *batch, struct lk_error *err)
{
	struct ArrowError arrow = {""};
	int code = ArrowSchemaDeepCopy(batch->schema, &st->schema);

	if (code == NANOARROW_OK)
		code = ArrowArrayViewInitFromSchema(&st->view, batch->schema, &arrow);
	st->table = strdup(batch->table);
	if (!st->table)
		return lk_error_nomem(err);
	return lk_arrow_status(code, &arrow, LK_BUG, "cannot keep a schema", err);
}

/* The batch's stream, which is the last one or a new one. */
static enum lk_status find_stream(struct lk_store *s, const struct lk_batch *batch, struct lk_error *err)
{
	struct stream *st;

	if (s->stream_count && s->streams[s->stream_count - 1].number == batch->stream)
		return LK_OK;
	if (!lk_grow((void **)&s->streams, &s->stream_cap, s->stream_count + 1, sizeof(*s->streams)))
		return lk_error_nomem(err);
	st = &s->streams[s->stream_count++];
	*st = (struct stream){.number = batch->stream};
	ArrowArrayViewInitFromType(&st->view, NANOARROW_TYPE_UNINITIALIZED);
	return stream_init(st, batch, err);
}

static int64_t bytes_of(const struct ArrowArrayView *view)
{
	int64_t bytes = 0;

	for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; i++)
		bytes += view->buffer_views[i].size_bytes;
	for (int64_t i = 0; i < view->n_children; i++)
		bytes += bytes_of(view->children[i]);
	return bytes;
}

static enum lk_status spill(struct lk_store *s, const struct lk_batch *batch, struct lk_error *err)
{
	struct lk_batch own = *batch;

	if (!s->writer) {
		LK_TRY(lk_temp_open(s->folder, &s->fd, err));
		LK_TRY(lk_writer_open(&s->writer, s->fd, s->name, false, err));
	}
	own.table = "rows"; /* which table it is stands in streams; plain rows have none */
	return lk_writer_pass(s->writer, &own, err);
}

/* Once one is in the file all are, so that order is kept. */
enum lk_status lk_store_add(struct lk_store *s, struct lk_batch *batch, struct lk_error *err)
{
	struct kept *kept;
	size_t bytes;

	if (s->reading)
		return lk_error_set(err, LK_BUG, "a store that is read does not take batches");
	LK_TRY(find_stream(s, batch, err));
	bytes = (size_t)bytes_of(batch->view);
	if (!lk_grow((void **)&s->batches, &s->batch_cap, s->batch_count + 1, sizeof(*s->batches)))
		return lk_error_nomem(err);
	kept = &s->batches[s->batch_count];
	*kept = (struct kept){.stream = s->stream_count - 1, .rows = batch->rows};
	if (!s->writer && bytes <= s->limit - s->held) {
		ArrowArrayMove(batch->array, &kept->array);
		s->held += bytes;
	} else {
		LK_TRY(spill(s, batch, err));
	}
	s->batch_count++;
	return LK_OK;
}

/* ---- reading ---- */

static enum lk_status end_writing(struct lk_store *s, struct lk_error *err)
{
	struct lk_writer *w = s->writer;

	if (!s->reading && w) {
		s->writer = NULL;
		LK_TRY(lk_writer_close(w, err));
	}
	s->reading = true;
	return LK_OK;
}

enum lk_status lk_store_rewind(struct lk_store *s, struct lk_error *err)
{
	LK_TRY(end_writing(s, err));
	s->next = 0;
	lk_reader_close(s->reader);
	s->reader = NULL;
	if (s->fd < 0)
		return LK_OK;
	if (lseek(s->fd, 0, SEEK_SET) < 0)
		return lk_error_sys(err, LK_IO, "cannot read %s", s->name);
	return lk_reader_open(&s->reader, s->fd, s->name, 0, err);
}

static enum lk_next next_of_file(struct lk_store *s, struct lk_batch *batch, struct lk_error *err)
{
	enum lk_next next = lk_reader_next(s->reader, batch, err);

	if (next == LK_NEXT_END) {
		lk_error_set(err, LK_IO, "%s ended too early", s->name);
		return LK_NEXT_ERROR;
	}
	return next;
}

static enum lk_next next_of_memory(struct stream *st, struct kept *kept, struct lk_batch *batch, struct lk_error *err)
{
	struct ArrowError arrow = {""};

	if (lk_arrow_status(ArrowArrayViewSetArray(&st->view, &kept->array, &arrow), &arrow, LK_BUG, "cannot read a batch again", err))
		return LK_NEXT_ERROR;
	*batch = (struct lk_batch){.rows = kept->rows, .array = &kept->array, .view = &st->view};
	return LK_NEXT_BATCH;
}

enum lk_next lk_store_next(struct lk_store *s, struct lk_batch *batch, struct lk_error *err)
{
	struct kept *kept;
	struct stream *st;
	enum lk_next next;

	if (!s->reading) {
		lk_error_set(err, LK_BUG, "a store is read once it is rewound");
		return LK_NEXT_ERROR;
	}
	if (s->next == s->batch_count)
		return LK_NEXT_END;
	kept = &s->batches[s->next++];
	st = &s->streams[kept->stream];
	next = kept->array.release ? next_of_memory(st, kept, batch, err) : next_of_file(s, batch, err);
	batch->table = st->table;
	batch->schema = &st->schema;
	batch->stream = st->number;
	return next;
}

size_t lk_store_memory(const struct lk_store *s)
{
	return s->held;
}

int64_t lk_store_spilled(const struct lk_store *s)
{
	struct stat st;

	return s->fd >= 0 && !fstat(s->fd, &st) ? st.st_size : 0;
}
