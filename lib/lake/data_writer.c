#include "lake/data_writer.h"

#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "lake/prepare.h"

static void writer_free(struct lk_data_writer *w)
{
	lk_partition_writer_free(w->writer);
	lk_target_release(&w->target);
	free(w->columns);
	free(w->source);
	free(w->table);
	free(w);
}

static enum lk_status find_writer(struct lk_data_writers *s, const char *table, lk_column_filter *filter, struct lk_data_writer **out,
	struct lk_error *err)
{
	struct lk_data_writer *w;
	enum lk_status status;

	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->items[i]->table, table) || lk_target_is(&s->items[i]->target, table)) {
			*out = s->items[i];
			return LK_OK;
		}
	if (!lk_grow((void **)&s->items, &s->cap, s->count + 1, sizeof(*s->items)))
		return lk_error_nomem(err);
	*out = w = calloc(1, sizeof(*w));
	if (!w || !(w->table = strdup(table))) {
		free(w);
		return lk_error_nomem(err);
	}
	w->filter = filter;
	status = lk_target_open(&w->target, s->lake, table, err);
	if (!status)
		status = lk_target_branch(&w->target, s->lake, s->branch, err);
	if (status)
		writer_free(w);
	else
		s->items[s->count++] = w;
	return status;
}

static enum lk_status keep_budget(struct lk_data_writers *s, struct lk_error *err)
{
	for (;;) {
		struct lk_partition_writer *largest = NULL;
		int64_t sum = 0, bytes = 0, before;

		for (size_t i = 0; i < s->count; i++) {
			struct lk_partition_writer *w = s->items[i]->writer;

			if (!w)
				continue;
			sum += lk_partition_writer_memory(w);
			if (lk_partition_writer_largest(w) > bytes) {
				bytes = lk_partition_writer_largest(w);
				largest = w;
			}
		}
		if (sum <= LK_DATA_WRITER_MEMORY || !largest)
			return LK_OK;
		before = lk_partition_writer_memory(largest);
		LK_TRY(lk_partition_writer_shrink(largest, err));
		if (lk_partition_writer_memory(largest) >= before)
			return LK_OK; /* it cannot be had smaller */
	}
}

/* Writes what was sorted, and hands all files to the target. */
static enum lk_status end_writer(struct lk_data_writers *s, struct lk_data_writer *w, struct lk_error *err)
{
	bool more = true;

	if (!w->writer)
		return LK_OK;
	LK_TRY(lk_partition_writer_end(w->writer, err));
	while (more) {
		LK_TRY(lk_partition_writer_drain(w->writer, &more, err));
		LK_TRY(keep_budget(s, err));
	}
	lk_partition_writer_free(w->writer);
	w->writer = NULL;
	return LK_OK;
}

static bool same_columns(const struct lk_parquet_column *a, int a_count, const struct lk_parquet_column *b, int b_count)
{
	if (a_count != b_count)
		return false;
	for (int i = 0; i < a_count; i++)
		if (a[i].field_id != b[i].field_id || a[i].type != b[i].type || a[i].precision != b[i].precision ||
			a[i].scale != b[i].scale || a[i].required != b[i].required)
			return false;
	return true;
}

/* What lk tells of files and rejects grows with it: a lake that an older lk made takes the new columns. */
static enum lk_schema_mode mode_of(const struct lk_data_writers *s, const struct lk_data_writer *w)
{
	return s->mode == LK_SCHEMA_FREEZE && lk_target_is_own(&w->target) ? LK_SCHEMA_ADD : s->mode;
}

/* Makes the table's next version, without rows, at once. */
static enum lk_status make_ready(struct lk_data_writers *s, struct lk_data_writer *w, const struct ArrowSchema *schema,
	struct lk_error *err)
{
	LK_TRY(lk_prepare_table(s->lake, w->table, schema, w->filter, mode_of(s, w), err));
	LK_TRY(lk_target_refresh(&w->target, s->lake, err));
	return lk_target_fit(&w->target, schema, w->filter, LK_SCHEMA_FREEZE, err);
}

/* Fits table and file to the schema of a stream that begins. */
static enum lk_status begin_stream(struct lk_data_writers *s, struct lk_data_writer *w, const struct ArrowSchema *schema,
	struct lk_error *err)
{
	struct lk_parquet_column *columns = NULL;
	int *source = NULL, count = 0;
	bool fresh = s->ahead && (!w->target.base || mode_of(s, w) != LK_SCHEMA_FREEZE);
	enum lk_status status;

	if (fresh)
		LK_TRY(make_ready(s, w, schema, err));
	else
		LK_TRY(lk_target_fit(&w->target, schema, w->filter, s->ahead ? LK_SCHEMA_FREEZE : mode_of(s, w), err));
	status = lk_target_columns(&w->target, schema, w->filter, &columns, &source, &count, err);
	if (!status && !same_columns(columns, count, w->columns, w->column_count))
		status = end_writer(s, w, err);
	free(w->columns);
	free(w->source);
	w->columns = columns;
	w->source = source;
	w->column_count = count;
	return status;
}

enum lk_status lk_data_writers_write(struct lk_data_writers *s, const char *table, lk_column_filter *filter, uint64_t stream,
	const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
{
	struct lk_data_writer *w = NULL;
	enum lk_status status;

	LK_TRY(find_writer(s, table, filter, &w, err));
	if (w->stream != stream) {
		LK_TRY(begin_stream(s, w, schema, err));
		w->stream = stream;
	}
	if (!view->length)
		return LK_OK;
	if (!w->writer) {
		LK_TRY(lk_partition_writer_create(&w->writer, &w->target, w->columns, w->column_count, s->run, &s->next_file, err));
		if (s->stretch)
			lk_partition_writer_stretch(w->writer);
	}
	status = lk_partition_writer_write(w->writer, view, w->source, err);
	if (status)
		return err ? lk_error_prefix(err, "table %s", table) : status;
	w->rows += view->length;
	return keep_budget(s, err);
}

enum lk_status lk_data_writers_target(struct lk_data_writers *s, const char *table, lk_column_filter *filter,
	struct lk_target **out, struct lk_error *err)
{
	struct lk_data_writer *w = NULL;

	LK_TRY(find_writer(s, table, filter, &w, err));
	*out = &w->target;
	return LK_OK;
}

enum lk_status lk_data_writers_finish(struct lk_data_writers *s, struct lk_error *err)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i]->writer)
			LK_TRY(lk_partition_writer_end(s->items[i]->writer, err));
	for (size_t i = 0; i < s->count; i++) {
		struct lk_data_writer *w = s->items[i];

		LK_TRY(end_writer(s, w, err));
		if (w->rows != w->target.rows)
			return lk_error_set(err, LK_BUG, "table %s: %lld rows came and %lld were written", w->table,
				(long long)w->rows, (long long)w->target.rows);
	}
	return LK_OK;
}

void lk_data_writers_discard(struct lk_data_writers *s)
{
	for (size_t i = 0; i < s->count; i++) {
		lk_partition_writer_free(s->items[i]->writer);
		s->items[i]->writer = NULL;
		lk_target_discard(&s->items[i]->target);
	}
}

void lk_data_writers_release(struct lk_data_writers *s)
{
	for (size_t i = 0; i < s->count; i++)
		writer_free(s->items[i]);
	free(s->items);
	s->items = NULL;
	s->count = s->cap = 0;
}
