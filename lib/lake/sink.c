#include "lake/sink.h"

#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "lake/prepare.h"

static void sink_free(struct lk_sink *sink)
{
	lk_parquet_abandon(sink->writer);
	lk_target_release(&sink->target);
	free(sink->columns);
	free(sink->source);
	free(sink->path);
	free(sink->table);
	free(sink);
}

static enum lk_status find_sink(struct lk_sinks *s, const char *table, lk_column_filter *filter, struct lk_sink **out,
	struct lk_error *err)
{
	struct lk_sink *sink;
	enum lk_status status;

	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->items[i]->table, table)) {
			*out = s->items[i];
			return LK_OK;
		}
	if (!lk_grow((void **)&s->items, &s->cap, s->count + 1, sizeof(*s->items)))
		return lk_error_nomem(err);
	*out = sink = calloc(1, sizeof(*sink));
	if (!sink || !(sink->table = strdup(table))) {
		free(sink);
		return lk_error_nomem(err);
	}
	sink->filter = filter;
	status = lk_target_open(&sink->target, s->lake, table, err);
	if (status)
		sink_free(sink);
	else
		s->items[s->count++] = sink;
	return status;
}

/* Ends the open file and hands it to the target. */
static enum lk_status end_file(struct lk_sink *sink, struct lk_error *err)
{
	struct lk_data_file file = {.path = sink->path};
	struct lk_str uri = LK_STR_INIT;
	enum lk_status status;

	if (!sink->writer)
		return LK_OK;
	status = lk_parquet_close(sink->writer, &file.metrics, err);
	sink->writer = NULL;
	sink->path = NULL;
	lk_str_addf(&uri, "%s/%s", sink->target.data_uri, strrchr(file.path, '/') + 1);
	file.uri = uri.data;
	if (!status)
		status = lk_str_check(&uri, err);
	if (!status)
		status = lk_target_add_file(&sink->target, &file, err);
	lk_data_file_release(&file);
	return status;
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

/* Makes the table's next version, without rows, at once. */
static enum lk_status make_ready(struct lk_sinks *s, struct lk_sink *sink, const struct ArrowSchema *schema,
	struct lk_error *err)
{
	LK_TRY(lk_prepare_table(s->lake, sink->table, schema, sink->filter, s->mode, err));
	LK_TRY(lk_target_refresh(&sink->target, s->lake, err));
	return lk_target_fit(&sink->target, schema, sink->filter, LK_SCHEMA_FREEZE, err);
}

/* Fits table and file to the schema of a stream that begins. */
static enum lk_status begin_stream(struct lk_sinks *s, struct lk_sink *sink, const struct ArrowSchema *schema,
	struct lk_error *err)
{
	struct lk_parquet_column *columns = NULL;
	int *source = NULL, count = 0;
	bool fresh = s->ahead && (!sink->target.base || s->mode != LK_SCHEMA_FREEZE);
	enum lk_status status;

	if (fresh)
		LK_TRY(make_ready(s, sink, schema, err));
	else
		LK_TRY(lk_target_fit(&sink->target, schema, sink->filter, s->ahead ? LK_SCHEMA_FREEZE : s->mode, err));
	status = lk_target_columns(&sink->target, schema, sink->filter, &columns, &source, &count, err);
	if (!status && !same_columns(columns, count, sink->columns, sink->column_count))
		status = end_file(sink, err);
	free(sink->columns);
	free(sink->source);
	sink->columns = columns;
	sink->source = source;
	sink->column_count = count;
	return status;
}

static enum lk_status begin_file(struct lk_sinks *s, struct lk_sink *sink, struct lk_error *err)
{
	struct lk_str path = LK_STR_INIT;

	LK_TRY(lk_target_make_folders(&sink->target, err));
	lk_str_addf(&path, "%s/%s-%05d.parquet", lk_uri_path(sink->target.data_uri), s->run, s->next_file++);
	LK_TRY(lk_str_check(&path, err));
	sink->path = path.data;
	return lk_parquet_create(&sink->writer, sink->path, sink->target.mode, sink->columns, sink->column_count, NULL, err);
}

static enum lk_status keep_budget(struct lk_sinks *s, struct lk_error *err)
{
	for (;;) {
		struct lk_sink *largest = NULL;
		int64_t sum = 0;

		for (size_t i = 0; i < s->count; i++) {
			struct lk_sink *sink = s->items[i];

			if (!sink->writer)
				continue;
			sum += lk_parquet_buffered(sink->writer);
			if (!largest || lk_parquet_buffered(sink->writer) > lk_parquet_buffered(largest->writer))
				largest = sink;
		}
		if (sum <= LK_SINK_MEMORY)
			return LK_OK;
		LK_TRY(lk_parquet_flush(largest->writer, err));
		if (lk_parquet_buffered(largest->writer) >= sum)
			return LK_OK; /* it cannot be had smaller */
	}
}

enum lk_status lk_sinks_write(struct lk_sinks *s, const char *table, lk_column_filter *filter, uint64_t stream,
	const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
{
	struct lk_sink *sink = NULL;
	enum lk_status status;

	LK_TRY(find_sink(s, table, filter, &sink, err));
	if (sink->stream != stream) {
		LK_TRY(begin_stream(s, sink, schema, err));
		sink->stream = stream;
	}
	if (!view->length)
		return LK_OK;
	if (!sink->writer)
		LK_TRY(begin_file(s, sink, err));
	status = lk_parquet_write(sink->writer, view, sink->source, err);
	if (status)
		return err ? lk_error_prefix(err, "table %s", table) : status;
	sink->rows += view->length;
	if (lk_parquet_size(sink->writer) >= LK_SINK_FILE)
		return end_file(sink, err);
	return keep_budget(s, err);
}

enum lk_status lk_sinks_finish(struct lk_sinks *s, struct lk_error *err)
{
	for (size_t i = 0; i < s->count; i++) {
		struct lk_sink *sink = s->items[i];

		LK_TRY(end_file(sink, err));
		if (sink->rows != sink->target.rows)
			return lk_error_set(err, LK_BUG, "table %s: %lld rows came and %lld were written", sink->table,
				(long long)sink->rows, (long long)sink->target.rows);
	}
	return LK_OK;
}

void lk_sinks_discard(struct lk_sinks *s)
{
	for (size_t i = 0; i < s->count; i++) {
		lk_parquet_abandon(s->items[i]->writer);
		s->items[i]->writer = NULL;
		lk_target_discard(&s->items[i]->target);
	}
}

void lk_sinks_release(struct lk_sinks *s)
{
	for (size_t i = 0; i < s->count; i++)
		sink_free(s->items[i]);
	free(s->items);
	s->items = NULL;
	s->count = s->cap = 0;
}
