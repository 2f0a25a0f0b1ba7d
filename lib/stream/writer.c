#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "stream/encode.h"
#include "stream/segment.h"
#include "stream/side.h"
#include "stream/stream.h"

struct lk_writer {
	int fd;
	const char *name;
	bool plain;
	char segment[LK_SEGMENT_SIZE];
	struct lk_error failure; /* what went wrong first; status LK_OK while nothing did */

	struct ArrowSchema schema; /* of the Arrow stream that is open; released when none is */
	size_t table;		   /* the tally of the Arrow stream begun last */
	bool began;		   /* there was one */
	struct lk_segment_tallies tallies;

	struct lk_encoder encoder;
	struct ArrowBuffer pending; /* small things that wait for the next batch: ends and schemas */
};

enum lk_status lk_writer_open(struct lk_writer **out, int fd, const char *name, bool plain, struct lk_error *err)
{
	struct lk_writer *w = calloc(1, sizeof(*w));
	unsigned char id[(LK_SEGMENT_SIZE - 1) / 2];
	enum lk_status status;

	*out = NULL;
	if (!w)
		return lk_error_nomem(err);
	w->fd = fd;
	w->name = name;
	w->plain = plain;
	ArrowBufferInit(&w->pending);
	status = lk_random(id, sizeof(id), err);
	if (!status)
		status = lk_encoder_init(&w->encoder, err);
	if (status) {
		free(w);
		return status;
	}
	lk_hex(id, sizeof(id), w->segment);
	lk_pipe_enlarge(fd);
	*out = w;
	return LK_OK;
}

void lk_writer_abort(struct lk_writer *w)
{
	if (!w)
		return;
	if (w->schema.release)
		ArrowSchemaRelease(&w->schema);
	lk_segment_tallies_release(&w->tallies);
	lk_encoder_release(&w->encoder);
	ArrowBufferReset(&w->pending);
	free(w);
}

/* ---- bytes ---- */

/* Steps over what was written. */
static void advance(struct iovec **pieces, size_t *count, size_t written)
{
	while (*count && written >= (*pieces)->iov_len) {
		written -= (*pieces)->iov_len;
		(*pieces)++;
		(*count)--;
	}
	if (*count) {
		(*pieces)->iov_base = (char *)(*pieces)->iov_base + written;
		(*pieces)->iov_len -= written;
	}
}

static enum lk_status write_pieces(struct lk_writer *w, struct iovec *pieces, size_t count, struct lk_error *err)
{
	while (count) {
		ssize_t n = writev(w->fd, pieces, count < IOV_MAX ? (int)count : IOV_MAX);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lk_error_sys(err, LK_IO, "cannot write '%s'", w->name);
		if (n == 0)
			return lk_error_set(err, LK_IO, "cannot write '%s': no progress", w->name);
		advance(&pieces, &count, (size_t)n);
	}
	return LK_OK;
}

static enum lk_status flush_pending(struct lk_writer *w, struct lk_error *err)
{
	struct iovec piece = {w->pending.data, (size_t)w->pending.size_bytes};
	enum lk_status status = piece.iov_len ? write_pieces(w, &piece, 1, err) : LK_OK;

	w->pending.size_bytes = 0;
	return status;
}

/* What is pending and the first piece, which is small, in one go with the rest. */
static enum lk_status write_batch(struct lk_writer *w, struct iovec *pieces, size_t count, struct lk_error *err)
{
	if (ArrowBufferAppend(&w->pending, pieces[0].iov_base, (int64_t)pieces[0].iov_len) != NANOARROW_OK)
		return lk_error_nomem(err);
	pieces[0] = (struct iovec){w->pending.data, (size_t)w->pending.size_bytes};
	w->pending.size_bytes = 0;
	return write_pieces(w, pieces, count, err);
}

/* ---- Arrow streams ---- */

static enum lk_status end_stream(struct lk_writer *w, struct lk_error *err)
{
	static const int32_t end[2] = {-1, 0};

	if (!w->schema.release)
		return LK_OK;
	ArrowSchemaRelease(&w->schema);
	return ArrowBufferAppend(&w->pending, end, sizeof(end)) == NANOARROW_OK ? LK_OK : lk_error_nomem(err);
}

static enum lk_status copy_schema(struct lk_writer *w, const char *table, const struct ArrowSchema *schema,
	struct lk_error *err)
{
	LK_TRY(lk_arrow_status(ArrowSchemaDeepCopy(schema, &w->schema), NULL, LK_BUG, "cannot copy a schema", err));
	LK_TRY(lk_meta_set(&w->schema, LK_META_TABLE, *table ? table : NULL, err));
	return lk_meta_set(&w->schema, LK_META_SEGMENT, w->plain ? NULL : w->segment, err);
}

/* Makes sure that the open Arrow stream is of this table and schema. */
static enum lk_status want_stream(struct lk_writer *w, const char *table, const struct ArrowSchema *schema,
	struct lk_error *err)
{
	struct lk_segment_tally *tally;

	if (w->schema.release && !strcmp(w->tallies.items[w->table].table, table) && lk_schema_equal(&w->schema, schema))
		return LK_OK;
	if (w->plain && w->began)
		return lk_error_set(err, LK_DATA, "a plain Arrow stream holds one table of one schema, but '%s'%s comes after '%s'",
			table, strcmp(table, w->tallies.items[w->table].table) ? "" : " with another schema",
			w->tallies.items[w->table].table);
	LK_TRY(end_stream(w, err));
	tally = lk_segment_tally_get(&w->tallies, table);
	if (!tally)
		return lk_error_nomem(err);
	tally->streams++;
	w->table = (size_t)(tally - w->tallies.items);
	w->began = true;
	LK_TRY(copy_schema(w, table, schema, err));
	return lk_encode_schema(&w->schema, &w->pending, err);
}

/* Keeps the first failure, so that a writer that failed never goes on behind a gap. */
static enum lk_status keep(struct lk_writer *w, enum lk_status status, struct lk_error *err)
{
	if (status && !w->failure.status)
		w->failure = *err;
	return status;
}

static enum lk_status failed(const struct lk_writer *w, struct lk_error *err)
{
	*err = w->failure;
	return err->status;
}

static enum lk_status batch_impl(struct lk_writer *w, const char *table, const struct ArrowSchema *schema,
	const struct ArrowArrayView *view, struct lk_error *err)
{
	LK_TRY(want_stream(w, table, schema, err));
	LK_TRY(lk_encode_batch(&w->encoder, view, err));
	LK_TRY(write_batch(w, w->encoder.pieces, w->encoder.piece_count, err));
	w->tallies.items[w->table].rows += view->length;
	return LK_OK;
}

enum lk_status lk_writer_batch(struct lk_writer *w, const char *table, const struct ArrowSchema *schema,
	const struct ArrowArrayView *view, struct lk_error *err)
{
	struct lk_error local;

	err = err ? err : &local;
	if (w->failure.status)
		return failed(w, err);
	if (!w->plain && (!*table || !strcmp(table, LK_TABLE_END)))
		return lk_error_set(err, LK_BUG, "rows of table '%s' cannot be written to a segment", table);
	return keep(w, batch_impl(w, table, schema, view, err), err);
}

enum lk_status lk_writer_flush(struct lk_writer *w, const char *table, struct lk_builder *b, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	LK_TRY(lk_builder_view(b, &view, err));
	LK_TRY(lk_writer_batch(w, table, &b->schema, view, err));
	lk_builder_clear(b);
	return LK_OK;
}

static enum lk_status pass_impl(struct lk_writer *w, const struct lk_batch *batch, struct lk_error *err)
{
	struct iovec pieces[2] = {{NULL, 0}, {(void *)batch->message, batch->message_len}};

	LK_TRY(want_stream(w, batch->table, batch->schema, err));
	LK_TRY(write_batch(w, pieces, 2, err));
	w->tallies.items[w->table].rows += batch->rows;
	return LK_OK;
}

enum lk_status lk_writer_pass(struct lk_writer *w, const struct lk_batch *batch, struct lk_error *err)
{
	struct lk_error local;

	err = err ? err : &local;
	if (!batch->message || w->failure.status || !*batch->table)
		return lk_writer_batch(w, batch->table, batch->schema, batch->view, err);
	return keep(w, pass_impl(w, batch, err), err);
}

enum lk_status lk_writer_count(struct lk_writer *w, const char *table, int64_t read, int64_t dropped,
	const char *reason, struct lk_error *err)
{
	struct lk_segment_tally *tally = lk_segment_tally_get(&w->tallies, table);

	if (!tally)
		return lk_error_nomem(err);
	tally->read += read;
	tally->dropped += dropped;
	if (reason && !tally->reason) {
		tally->reason = strdup(reason);
		if (!tally->reason)
			return lk_error_nomem(err);
	}
	return LK_OK;
}

/* ---- the end ---- */

static enum lk_status fill_marker(const struct lk_segment_tallies *tallies, struct lk_builder *b, struct lk_error *err)
{
	for (size_t i = 0; i < tallies->count; i++) {
		const struct lk_segment_tally *t = &tallies->items[i];

		lk_column_text(&b->columns[LK_END_TABLE], t->table);
		lk_column_int64(&b->columns[LK_END_STREAMS], t->streams);
		lk_column_int64(&b->columns[LK_END_ROWS], t->rows);
		lk_column_int64(&b->columns[LK_END_READ], t->read);
		lk_column_int64(&b->columns[LK_END_DROPPED], t->dropped);
		lk_column_text(&b->columns[LK_END_REASON], t->reason);
		LK_TRY(lk_builder_end_row(b, err));
	}
	return LK_OK;
}

/* The end marker: a table as any other, which counts all but itself. */
static enum lk_status write_marker(struct lk_writer *w, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	struct lk_builder b;
	enum lk_status status;

	LK_TRY(lk_builder_init(&b, lk_end_fields, LK_END_COLUMNS, NULL, err));
	status = fill_marker(&w->tallies, &b, err);
	if (!status)
		status = lk_builder_view(&b, &view, err);
	if (!status)
		status = batch_impl(w, LK_TABLE_END, &b.schema, view, err);
	lk_builder_release(&b);
	return status;
}

static enum lk_status close_impl(struct lk_writer *w, struct lk_error *err)
{
	if (w->failure.status)
		return failed(w, err);
	LK_TRY(end_stream(w, err));
	if (!w->plain)
		LK_TRY(write_marker(w, err));
	LK_TRY(end_stream(w, err));
	return flush_pending(w, err);
}

enum lk_status lk_writer_close(struct lk_writer *w, struct lk_error *err)
{
	struct lk_error local;
	enum lk_status status = close_impl(w, err ? err : &local);

	lk_writer_abort(w);
	return status;
}
