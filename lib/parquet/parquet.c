#include "parquet/parquet.h"

#include <limits.h>
#include <stdlib.h>

#include "parquet/footer.h"

#define MAGIC "PAR1"

struct lk_parquet {
	struct lk_out out;
	int64_t row_group_bytes, row_group_rows;
	int64_t rows, group_rows; /* group_rows of them in the open row group */
	struct lk_scratch scratch;
	struct lk_footer footer;
	struct lk_chunk *columns;
	int column_count;
	bool failed; /* the open row group is not whole: nothing more can be written */
};

void lk_file_metrics_release(struct lk_file_metrics *m)
{
	for (int i = 0; i < m->column_count; i++) {
		lk_str_release(&m->columns[i].lower);
		lk_str_release(&m->columns[i].upper);
	}
	free(m->columns);
	free(m->split_offsets);
	*m = (struct lk_file_metrics){0};
}

static void free_writer(struct lk_parquet *w)
{
	for (int i = 0; i < w->column_count; i++)
		lk_chunk_release(&w->columns[i]);
	free(w->columns);
	lk_footer_release(&w->footer);
	lk_scratch_release(&w->scratch);
	lk_out_abandon(&w->out);
	free(w);
}

void lk_parquet_abandon(struct lk_parquet *w)
{
	if (w)
		free_writer(w);
}

/* ---- create ---- */

static enum lk_status check_column(const struct lk_parquet_column *column, struct lk_error *err)
{
	if (column->type >= LK_OTHER)
		return lk_error_set(err, LK_BUG, "column '%s': no Parquet type for it", column->name);
	if (column->type == LK_DECIMAL128 &&
		(column->precision < 1 || column->precision > 38 || column->scale < 0 ||
			column->scale > column->precision))
		return lk_error_set(err, LK_DATA, "column '%s': decimal(%d,%d) cannot be stored", column->name,
			column->precision, column->scale);
	return LK_OK;
}

static enum lk_status create_impl(struct lk_parquet *w, const char *path, mode_t mode,
	const struct lk_parquet_column *columns, int count, const struct lk_parquet_options *options,
	struct lk_error *err)
{
	w->columns = calloc((size_t)count + 1, sizeof(*w->columns));
	if (!w->columns)
		return lk_error_nomem(err);
	for (int i = 0; i < count; i++) {
		LK_TRY(check_column(&columns[i], err));
		LK_TRY(lk_chunk_init(&w->columns[w->column_count++], &columns[i], err));
	}
	w->row_group_bytes = options->row_group_bytes;
	w->row_group_rows = options->row_group_rows ? options->row_group_rows : INT64_MAX;
	w->footer.codec = options->codec;
	LK_TRY(lk_scratch_init(&w->scratch, options, count, err));
	LK_TRY(lk_out_create(&w->out, path, mode, err));
	return lk_out_add(&w->out, MAGIC, 4, err);
}

enum lk_status lk_parquet_create(struct lk_parquet **out, const char *path, mode_t mode,
	const struct lk_parquet_column *columns, int count, const struct lk_parquet_options *options,
	struct lk_error *err)
{
	static const struct lk_parquet_options defaults = LK_PARQUET_DEFAULTS;
	struct lk_parquet *w = calloc(1, sizeof(*w));
	enum lk_status status;

	*out = NULL;
	if (!w)
		return lk_error_nomem(err);
	w->out.fd = -1;
	status = create_impl(w, path, mode, columns, count, options ? options : &defaults, err);
	if (status)
		free_writer(w);
	else
		*out = w;
	return status;
}

/* ---- row groups ---- */

static enum lk_status write_chunk(struct lk_parquet *w, struct lk_chunk *c, struct lk_error *err)
{
	int64_t offset = (int64_t)w->out.offset, dictionary_bytes;
	struct lk_scratch *s = &w->scratch;

	LK_TRY(lk_chunk_dictionary_page(c, s, err));
	dictionary_bytes = (int64_t)(s->header.len + s->packed.len);
	LK_TRY(lk_out_add(&w->out, lk_str_text(&s->header), s->header.len, err));
	LK_TRY(lk_out_add(&w->out, lk_str_text(&s->packed), s->packed.len, err));
	LK_TRY(lk_out_add(&w->out, lk_str_text(&c->pages), c->pages.len, err));
	LK_TRY(lk_footer_add_chunk(&w->footer, c, offset, dictionary_bytes, err));
	if (lk_range_failed(&c->page_range) || lk_range_failed(&c->range) || lk_range_failed(&c->total_range))
		return lk_error_nomem(err);
	c->total_bytes += (int64_t)w->out.offset - offset;
	lk_chunk_next(c);
	return LK_OK;
}

static enum lk_status flush_impl(struct lk_parquet *w, struct lk_error *err)
{
	for (int i = 0; i < w->column_count; i++)
		LK_TRY(lk_chunk_end_page(&w->columns[i], &w->scratch, err));
	LK_TRY(lk_footer_begin_group(&w->footer, (int64_t)w->out.offset, w->group_rows, err));
	for (int i = 0; i < w->column_count; i++)
		LK_TRY(write_chunk(w, &w->columns[i], err));
	lk_scratch_shrink(&w->scratch);
	w->group_rows = 0;
	return LK_OK;
}

static enum lk_status check_usable(const struct lk_parquet *w, struct lk_error *err)
{
	return w->failed ? lk_error_set(err, LK_BUG, "'%s' is written to after an error", w->out.path) : LK_OK;
}

enum lk_status lk_parquet_flush(struct lk_parquet *w, struct lk_error *err)
{
	enum lk_status status;

	LK_TRY(check_usable(w, err));
	if (!w->group_rows)
		return LK_OK;
	status = flush_impl(w, err);
	w->failed = status != LK_OK;
	return status;
}

/* ---- rows ---- */

static bool fits(const struct ArrowArrayView *view, enum lk_type type)
{
	switch (view->storage_type) {
	case NANOARROW_TYPE_BOOL:
		return type == LK_BOOL;
	case NANOARROW_TYPE_INT32:
		return type == LK_INT32 || type == LK_INT64 || type == LK_DATE32;
	case NANOARROW_TYPE_INT64:
		return type == LK_INT64 || type == LK_TIME64 || type == LK_TIMESTAMP || type == LK_TIMESTAMPTZ;
	case NANOARROW_TYPE_DOUBLE:
		return type == LK_FLOAT64;
	case NANOARROW_TYPE_DECIMAL128:
		return type == LK_DECIMAL128;
	case NANOARROW_TYPE_STRING:
	case NANOARROW_TYPE_LARGE_STRING:
		return type == LK_UTF8;
	case NANOARROW_TYPE_BINARY:
	case NANOARROW_TYPE_LARGE_BINARY:
		return type == LK_BINARY;
	default:
		return false;
	}
}

static enum lk_status check_sources(const struct lk_parquet *w, const struct ArrowArrayView *view, const int *source,
	struct lk_error *err)
{
	for (int i = 0; i < w->column_count; i++) {
		const struct lk_parquet_column *column = &w->columns[i].column;

		if (source[i] < 0)
			continue;
		if (source[i] >= view->n_children)
			return lk_error_set(err, LK_BUG, "column '%s': the batch has no column %d", column->name, source[i]);
		if (view->children[source[i]]->dictionary || !fits(view->children[source[i]], column->type))
			return lk_error_set(err, LK_BUG, "column '%s': the batch has another type", column->name);
	}
	return LK_OK;
}

static int64_t group_bytes(const struct lk_parquet *w)
{
	int64_t bytes = 0;

	for (int i = 0; i < w->column_count; i++)
		bytes += w->columns[i].uncompressed_bytes + (int64_t)w->columns[i].dictionary.bytes;
	return bytes;
}

static int64_t slice_rows(const struct lk_parquet *w, int64_t rows)
{
	int64_t room = w->row_group_rows - w->group_rows;

	if (rows > w->scratch.page_rows)
		rows = w->scratch.page_rows;
	return rows < room ? rows : room;
}

/* Rows go in by slices of a page's rows, so that a row group ends near its size however large a batch is. */
static enum lk_status write_impl(struct lk_parquet *w, const struct ArrowArrayView *view, const int *source,
	const int32_t *rows, int64_t count, struct lk_error *err)
{
	for (int64_t at = 0, n; at < count; at += n) {
		n = slice_rows(w, count - at);
		for (int i = 0; i < w->column_count; i++) {
			const struct ArrowArrayView *child = source[i] < 0 ? NULL : view->children[source[i]];
			int64_t first = child ? view->offset + child->offset + (rows ? 0 : at) : 0;

			LK_TRY(lk_chunk_append(&w->columns[i], &w->scratch, child, first, rows ? rows + at : NULL, n, err));
		}
		w->group_rows += n;
		w->rows += n;
		if (w->group_rows == w->row_group_rows || group_bytes(w) >= w->row_group_bytes)
			LK_TRY(flush_impl(w, err));
	}
	return LK_OK;
}

enum lk_status lk_parquet_write_rows(struct lk_parquet *w, const struct ArrowArrayView *view, const int *source,
	const int32_t *rows, int64_t count, struct lk_error *err)
{
	enum lk_status status;

	LK_TRY(check_usable(w, err));
	LK_TRY(check_sources(w, view, source, err));
	status = write_impl(w, view, source, rows, count, err);
	w->failed = status != LK_OK;
	return status;
}

enum lk_status lk_parquet_write(struct lk_parquet *w, const struct ArrowArrayView *view, const int *source,
	struct lk_error *err)
{
	return lk_parquet_write_rows(w, view, source, NULL, view->length, err);
}

int64_t lk_parquet_buffered(const struct lk_parquet *w)
{
	size_t bytes = lk_scratch_memory(&w->scratch);

	for (int i = 0; i < w->column_count; i++)
		bytes += lk_chunk_memory(&w->columns[i]);
	return (int64_t)bytes;
}

int64_t lk_parquet_size(const struct lk_parquet *w)
{
	int64_t bytes = (int64_t)w->out.offset;

	for (int i = 0; i < w->column_count; i++)
		bytes += lk_chunk_size(&w->columns[i]);
	return bytes;
}

/* ---- close ---- */

static enum lk_status column_metrics(const struct lk_chunk *c, struct lk_column_metrics *m, struct lk_error *err)
{
	enum lk_metrics_mode mode = c->column.metrics;
	bool exact;

	*m = (struct lk_column_metrics){.field_id = c->column.field_id, .compressed_bytes = c->total_bytes, .value_count = -1,
		.null_count = -1, .nan_count = -1};
	if (mode == LK_METRICS_NONE)
		return LK_OK;
	*m = (struct lk_column_metrics){.field_id = c->column.field_id,
		.compressed_bytes = c->total_bytes,
		.value_count = c->total_rows,
		.null_count = c->total_nulls,
		.nan_count = c->kind == LK_KIND_FLOAT ? c->total_nans : -1};
	if (mode == LK_METRICS_COUNTS)
		return LK_OK;
	m->has_lower = lk_range_low(&c->total_range, &c->iceberg_form, &m->lower, &exact);
	m->has_upper = lk_range_high(&c->total_range, &c->iceberg_form, &m->upper, &exact);
	LK_TRY(lk_str_check(&m->lower, err));
	return lk_str_check(&m->upper, err);
}

static enum lk_status fill_metrics(const struct lk_parquet *w, struct lk_file_metrics *m, struct lk_error *err)
{
	m->rows = w->rows;
	m->file_bytes = (int64_t)w->out.offset;
	m->columns = calloc((size_t)w->column_count + 1, sizeof(*m->columns));
	m->split_offsets = calloc(w->footer.group_count + 1, sizeof(*m->split_offsets));
	if (!m->columns || !m->split_offsets)
		return lk_error_nomem(err);
	for (size_t i = 0; i < w->footer.group_count; i++)
		m->split_offsets[m->split_count++] = w->footer.groups[i].offset;
	for (int i = 0; i < w->column_count; i++)
		LK_TRY(column_metrics(&w->columns[i], &m->columns[m->column_count++], err));
	return LK_OK;
}

static enum lk_status close_impl(struct lk_parquet *w, struct lk_file_metrics *metrics, struct lk_error *err)
{
	LK_TRY(lk_parquet_flush(w, err));
	LK_TRY(lk_footer_write(&w->footer, w->columns, w->column_count, w->rows, &w->out, err));
	LK_TRY(fill_metrics(w, metrics, err));
	return lk_out_sync(&w->out, err);
}

enum lk_status lk_parquet_close(struct lk_parquet *w, struct lk_file_metrics *metrics, struct lk_error *err)
{
	enum lk_status status;

	*metrics = (struct lk_file_metrics){0};
	status = close_impl(w, metrics, err);
	if (status)
		lk_file_metrics_release(metrics);
	free_writer(w);
	return status;
}
