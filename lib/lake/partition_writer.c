#include "lake/partition_writer.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lake/metadata.h"
#include "lake/router.h"
#include "lake/row.h"
#include "lake/spill.h"
#include "lake/table_layout.h"
#include "lake/write_options.h"

#define SLICE_ROWS 16384
#define IDLE_ROWS 65536 /* a file that got none of so many rows makes room for another */
#define REOPENED_MAX 64 /* so many partitions may come back, and get one more file, before rows are sorted */
#define SMALL_FILE (64 << 20)
#define SMALL_SLICE_ROWS 4096 /* of files that end earlier than that */

struct open_file {
	uint32_t partition;
	struct lk_parquet *file;
	char *path;
	int64_t last; /* how many rows the writer had got when this file got its last */
};

/* What is known of a partition beside its values. */
struct place {
	int32_t open; /* its file's number + 1; 0: none is open */
	uint32_t rows; /* of the slice at hand */
	bool written; /* to a file */
	bool sorted;  /* rows of it are in the sorter, and all others go there too */
};

struct lk_partition_writer {
	struct lk_target *target;
	struct lk_parquet_column *columns;
	int column_count;
	const char *run;
	int *next_file;
	struct lk_arena arena;
	struct lk_partition_spec *spec;
	struct lk_sort_order *order;
	struct lk_write_options options;
	int *partition_columns, *sort_columns; /* of each field: which column, or -1 */
	int *sources;			       /* of each field, in the batch */
	int *identity;			       /* 0, 1, 2, ... */

	struct open_file open[LK_OPEN_PARTITIONS];
	int open_count, reopened;
	int64_t rows;

	struct lk_router *router; /* of a partitioned table; else all rows are of partition 0 */
	struct place *places;
	size_t place_count, place_cap;
	uint32_t partitions[SLICE_ROWS], touched[SLICE_ROWS];
	int32_t chosen[SLICE_ROWS];

	struct lk_sorter *sorter; /* NULL until rows are to be sorted */
	struct lk_sort_keys *keys;
	struct lk_row_codec *codec;
	const struct ArrowArrayView *coded; /* the batch that codec looks at */
	struct lk_str key, row;
	struct lk_builder builder;
	bool has_builder, draining;
};

/* ---- making ---- */

static int column_of(const struct lk_partition_writer *w, int32_t field_id)
{
	for (int i = 0; i < w->column_count; i++)
		if (w->columns[i].field_id == field_id)
			return i;
	return -1;
}

static enum lk_status find_columns(struct lk_partition_writer *w, struct lk_error *err)
{
	size_t fields = (size_t)(w->spec->count > w->order->count ? w->spec->count : w->order->count) + 1;

	w->partition_columns = calloc(fields, sizeof(int));
	w->sort_columns = calloc(fields, sizeof(int));
	w->sources = calloc(fields, sizeof(int));
	w->identity = calloc((size_t)w->column_count + 1, sizeof(int));
	if (!w->partition_columns || !w->sort_columns || !w->sources || !w->identity)
		return lk_error_nomem(err);
	for (int i = 0; i < w->spec->count; i++)
		w->partition_columns[i] = column_of(w, w->spec->fields[i].source_id);
	for (int i = 0; i < w->order->count; i++)
		w->sort_columns[i] = column_of(w, w->order->fields[i].source_id);
	for (int i = 0; i < w->column_count; i++)
		w->identity[i] = i;
	return LK_OK;
}

static enum lk_status begin_sorting(struct lk_partition_writer *w, struct lk_error *err)
{
	LK_TRY(lk_sorter_create(&w->sorter, lk_uri_path(w->target->data_uri), LK_SORTER_MEMORY, err));
	LK_TRY(lk_sort_keys_create(&w->keys, w->order, err));
	return lk_row_codec_create(&w->codec, w->columns, w->column_count, err);
}

static enum lk_status create(struct lk_partition_writer *w, const struct lk_parquet_column *columns, struct lk_error *err)
{
	const json_t *properties = lk_table_layout_properties(w->target);

	w->columns = calloc((size_t)w->column_count + 1, sizeof(*w->columns));
	if (!w->columns)
		return lk_error_nomem(err);
	memcpy(w->columns, columns, (size_t)w->column_count * sizeof(*columns));
	for (int i = 0; i < w->column_count; i++)
		if (!(w->columns[i].name = lk_arena_strdup(&w->arena, columns[i].name)))
			return lk_error_nomem(err);
	LK_TRY(lk_table_layout_read(w->target, &w->arena, &w->spec, &w->order, err));
	LK_TRY(lk_write_options_read(properties, &w->options, err));
	LK_TRY(lk_write_metrics(properties, w->target->schema, w->order, w->columns, w->column_count, err));
	LK_TRY(find_columns(w, err));
	LK_TRY(lk_target_make_folders(w->target, err));
	if (w->spec->count)
		LK_TRY(lk_router_create(&w->router, w->spec, err));
	return w->order->count ? begin_sorting(w, err) : LK_OK;
}

enum lk_status lk_partition_writer_create(struct lk_partition_writer **out, struct lk_target *t,
	const struct lk_parquet_column *columns, int count, const char *run, int *next_file, struct lk_error *err)
{
	struct lk_partition_writer *w = calloc(1, sizeof(*w));
	enum lk_status status;

	*out = NULL;
	if (!w)
		return lk_error_nomem(err);
	w->target = t;
	w->column_count = count;
	w->run = run;
	w->next_file = next_file;
	status = create(w, columns, err);
	if (!status) {
		*out = w;
		return LK_OK;
	}
	lk_partition_writer_free(w);
	return err ? lk_error_prefix(err, "table %s.%s", t->namespace_name, t->name) : status;
}

void lk_partition_writer_stretch(struct lk_partition_writer *w)
{
	w->options.file_bytes += w->options.file_bytes / 4;
}

void lk_partition_writer_free(struct lk_partition_writer *w)
{
	if (!w)
		return;
	for (int i = 0; i < w->open_count; i++) {
		lk_parquet_abandon(w->open[i].file);
		free(w->open[i].path);
	}
	lk_router_free(w->router);
	lk_sorter_free(w->sorter);
	lk_sort_keys_free(w->keys);
	lk_row_codec_free(w->codec);
	if (w->has_builder)
		lk_builder_release(&w->builder);
	lk_str_release(&w->key);
	lk_str_release(&w->row);
	lk_arena_release(&w->arena);
	free(w->places);
	free(w->partition_columns);
	free(w->sort_columns);
	free(w->sources);
	free(w->identity);
	free(w->columns);
	free(w);
}

/* ---- files ---- */

/* The folder of a partition's files. */
static void add_folder(const struct lk_partition_writer *w, uint32_t partition, struct lk_str *out)
{
	lk_str_adds(out, lk_uri_path(w->target->data_uri));
	if (!w->router)
		return;
	lk_str_addc(out, '/');
	lk_partition_path(w->spec, lk_router_values(w->router, partition), out);
}

static enum lk_status more_places(struct lk_partition_writer *w, struct lk_error *err)
{
	size_t count = w->router ? lk_router_count(w->router) : 1;

	if (count <= w->place_count)
		return LK_OK;
	if (!lk_grow((void **)&w->places, &w->place_cap, count, sizeof(*w->places)))
		return lk_error_nomem(err);
	memset(w->places + w->place_count, 0, (count - w->place_count) * sizeof(*w->places));
	w->place_count = count;
	return LK_OK;
}

static enum lk_status begin_file(struct lk_partition_writer *w, uint32_t partition, struct open_file **out, struct lk_error *err)
{
	struct open_file *f = *out = &w->open[w->open_count];
	struct lk_str path = LK_STR_INIT;
	enum lk_status status;

	add_folder(w, partition, &path);
	status = lk_str_check(&path, err);
	if (!status && w->router && !w->places[partition].written)
		status = lk_mkdirs(path.data, w->target->mode == 0600 ? 0700 : 0777, err);
	lk_str_addf(&path, "/%s-%05d.parquet", w->run, *w->next_file);
	if (!status)
		status = lk_str_check(&path, err);
	if (!status)
		status = lk_parquet_create(&f->file, path.data, w->target->mode, w->columns, w->column_count, &w->options.parquet, err);
	if (status) {
		lk_str_release(&path);
		return status;
	}
	++*w->next_file;
	f->path = path.data;
	f->partition = partition;
	f->last = w->rows;
	w->reopened += w->places[partition].written;
	w->places[partition].written = true;
	w->places[partition].open = ++w->open_count;
	return LK_OK;
}

static enum lk_status describe(const struct lk_partition_writer *w, uint32_t partition, struct lk_data_file *file, struct lk_error *err)
{
	struct lk_data_file model = {.spec_id = w->spec->spec_id, .partition_count = w->spec->count};
	struct lk_str uri = LK_STR_INIT;

	lk_str_addf(&uri, "%s%s", w->target->data_uri, file->path + strlen(lk_uri_path(w->target->data_uri)));
	LK_TRY(lk_str_check(&uri, err));
	file->uri = uri.data;
	file->sort_order = w->order->order_id;
	if (w->router)
		model.partition = (struct lk_partition_value *)lk_router_values(w->router, partition);
	return lk_data_file_copy_partition(file, &model, err);
}

/* Ends an open file and hands it to the target; the last one takes its place. */
static enum lk_status end_file(struct lk_partition_writer *w, int at, struct lk_error *err)
{
	struct open_file ended = w->open[at];
	struct lk_data_file file = {.path = ended.path};
	enum lk_status status;

	w->places[ended.partition].open = 0;
	w->open[at] = w->open[--w->open_count];
	if (at < w->open_count)
		w->places[w->open[at].partition].open = at + 1;
	status = lk_parquet_close(ended.file, &file.metrics, err);
	if (!status)
		status = describe(w, ended.partition, &file, err);
	if (!status)
		status = lk_target_add_file(w->target, &file, err);
	lk_data_file_release(&file);
	return status;
}

static enum lk_status end_if_full(struct lk_partition_writer *w, struct open_file *f, struct lk_error *err)
{
	f->last = w->rows;
	if (lk_parquet_size(f->file) < w->options.file_bytes)
		return LK_OK;
	w->reopened--; /* that the partition gets another file is no sign of disorder */
	return end_file(w, (int)(f - w->open), err);
}

static struct open_file *oldest(struct lk_partition_writer *w)
{
	struct open_file *f = &w->open[0];

	for (int i = 1; i < w->open_count; i++)
		if (w->open[i].last < f->last)
			f = &w->open[i];
	return f;
}

/* The open file of a partition, or a new one; NULL: its rows are to be sorted. */
static enum lk_status choose_file(struct lk_partition_writer *w, uint32_t partition, struct open_file **out, struct lk_error *err)
{
	struct place *p = &w->places[partition];

	*out = p->open ? &w->open[p->open - 1] : NULL;
	if (p->open || p->sorted || (p->written && w->reopened >= REOPENED_MAX))
		return LK_OK;
	if (w->open_count == LK_OPEN_PARTITIONS) {
		struct open_file *idle = oldest(w);

		if (w->rows - idle->last < IDLE_ROWS || w->reopened >= REOPENED_MAX)
			return LK_OK;
		LK_TRY(end_file(w, (int)(idle - w->open), err));
	}
	return begin_file(w, partition, out, err);
}

/* ---- rows ---- */

/* Sorting takes rows from where they came, so what a file would say of them is said here. */
static enum lk_status check_required(const struct lk_partition_writer *w, const struct ArrowArrayView *view, const int *source,
	struct lk_error *err)
{
	for (int c = 0; c < w->column_count; c++) {
		const struct ArrowArrayView *child = source[c] < 0 ? NULL : view->children[source[c]];
		const uint8_t *validity = child && child->null_count ? child->buffer_views[0].data.as_uint8 : NULL;

		for (int64_t i = 0; w->columns[c].required && validity && i < view->length; i++)
			if (!ArrowBitGet(validity, view->offset + child->offset + i))
				return lk_error_set(err, LK_DATA, "column '%s' is required, but row %lld of the table has none",
					w->columns[c].name, (long long)(w->rows + i + 1));
	}
	return LK_OK;
}

static const int *sources_of(struct lk_partition_writer *w, const int *columns, int count, const int *source)
{
	for (int i = 0; i < count; i++)
		w->sources[i] = columns[i] < 0 ? -1 : source[columns[i]];
	return w->sources;
}

/* Row `row` of the batch, which is row `i` of the slice that the keys were begun with. */
static enum lk_status sort_row(struct lk_partition_writer *w, uint32_t partition, int64_t row, int64_t i, struct lk_error *err)
{
	struct lk_record record;

	partition = htobe32(partition);
	lk_str_clear(&w->key);
	lk_str_clear(&w->row);
	lk_str_add(&w->key, &partition, sizeof(partition));
	lk_sort_keys_add(w->keys, i, &w->key);
	lk_row_encode(w->codec, row, &w->row);
	LK_TRY(lk_str_check(&w->key, err));
	LK_TRY(lk_str_check(&w->row, err));
	record = (struct lk_record){(const uint8_t *)w->key.data, (const uint8_t *)w->row.data, w->key.len, w->row.len};
	return lk_sorter_add(w->sorter, &record, err);
}

static enum lk_status begin_batch(struct lk_partition_writer *w, const struct ArrowArrayView *view, const int *source,
	struct lk_error *err)
{
	if (!w->sorter)
		LK_TRY(begin_sorting(w, err));
	if (w->coded == view)
		return LK_OK;
	w->coded = view;
	return lk_row_begin(w->codec, view, source, err);
}

/* Rows that are to be sorted: chosen[0 .. n) of the slice that begins at row `at`. */
static enum lk_status sort_rows(struct lk_partition_writer *w, const struct ArrowArrayView *view, const int *source, uint32_t partition,
	int64_t at, const int32_t *chosen, int64_t n, struct lk_error *err)
{
	LK_TRY(begin_batch(w, view, source, err));
	w->places[partition].sorted = true;
	for (int64_t i = 0; i < n; i++)
		LK_TRY(sort_row(w, partition, at + chosen[i], chosen[i], err));
	return LK_OK;
}

/* All rows of a slice of a sorted table. */
static enum lk_status sort_slice(struct lk_partition_writer *w, const struct ArrowArrayView *view, const int *source, int64_t at,
	int64_t n, struct lk_error *err)
{
	LK_TRY(begin_batch(w, view, source, err));
	LK_TRY(lk_sort_keys_begin(w->keys, view, sources_of(w, w->sort_columns, w->order->count, source), at, n, err));
	for (int64_t i = 0; i < n; i++)
		LK_TRY(sort_row(w, w->router ? w->partitions[i] : 0, at + i, i, err));
	return LK_OK;
}

static enum lk_status write_part(struct lk_partition_writer *w, const struct ArrowArrayView *view, const int *source, uint32_t partition,
	int64_t at, int64_t slice, const int32_t *chosen, int64_t n, struct lk_error *err)
{
	struct ArrowArrayView part = *view;
	struct open_file *f = NULL;

	LK_TRY(choose_file(w, partition, &f, err));
	if (!f)
		return sort_rows(w, view, source, partition, at, chosen, n, err);
	part.offset += at;
	part.length = slice;
	if (n == slice)
		LK_TRY(lk_parquet_write(f->file, &part, source, err));
	else
		LK_TRY(lk_parquet_write_rows(f->file, &part, source, chosen, n, err));
	return end_if_full(w, f, err);
}

/* The slice's rows, partition by partition: chosen lists them in that order. */
static enum lk_status split_slice(struct lk_partition_writer *w, const struct ArrowArrayView *view, const int *source, int64_t at,
	int64_t n, struct lk_error *err)
{
	uint32_t count = 0, end = 0;

	for (int64_t i = 0; i < n; i++)
		if (!w->places[w->partitions[i]].rows++)
			w->touched[count++] = w->partitions[i];
	for (uint32_t t = 0; t < count; t++) {
		uint32_t rows = w->places[w->touched[t]].rows;

		w->places[w->touched[t]].rows = end;
		end += rows;
	}
	for (int64_t i = 0; i < n; i++)
		w->chosen[w->places[w->partitions[i]].rows++] = (int32_t)i;
	for (uint32_t t = 0, start = 0; t < count; t++) {
		end = w->places[w->touched[t]].rows;
		w->places[w->touched[t]].rows = 0;
		LK_TRY(write_part(w, view, source, w->touched[t], at, n, w->chosen + start, end - start, err));
		start = end;
	}
	return LK_OK;
}

static enum lk_status write_slice(struct lk_partition_writer *w, const struct ArrowArrayView *view, const int *source, int64_t at,
	int64_t n, struct lk_error *err)
{
	if (w->router)
		LK_TRY(lk_router_route(w->router, view, sources_of(w, w->partition_columns, w->spec->count, source), at, n,
			w->partitions, err));
	LK_TRY(more_places(w, err));
	w->rows += n;
	if (w->order->count)
		return sort_slice(w, view, source, at, n, err);
	return w->router ? split_slice(w, view, source, at, n, err) : write_part(w, view, source, 0, at, n, NULL, n, err);
}

enum lk_status lk_partition_writer_write(struct lk_partition_writer *w, const struct ArrowArrayView *view, const int *source,
	struct lk_error *err)
{
	int64_t slice = w->router || w->order->count		 ? SLICE_ROWS :
			w->options.file_bytes < SMALL_FILE ? SMALL_SLICE_ROWS :
							     view->length;

	if (w->router || w->order->count)
		LK_TRY(check_required(w, view, source, err));
	w->coded = NULL;
	for (int64_t at = 0; at < view->length; at += slice)
		LK_TRY(write_slice(w, view, source, at, view->length - at < slice ? view->length - at : slice, err));
	return LK_OK;
}

/* ---- memory ---- */

static int64_t sorter_memory(const struct lk_partition_writer *w)
{
	return w->sorter ? (int64_t)lk_sorter_memory(w->sorter) : 0;
}

static int largest_file(const struct lk_partition_writer *w, int64_t *bytes)
{
	int largest = -1;

	*bytes = 0;
	for (int i = 0; i < w->open_count; i++)
		if (lk_parquet_buffered(w->open[i].file) > *bytes) {
			*bytes = lk_parquet_buffered(w->open[i].file);
			largest = i;
		}
	return largest;
}

int64_t lk_partition_writer_memory(const struct lk_partition_writer *w)
{
	int64_t sum = sorter_memory(w);

	for (int i = 0; i < w->open_count; i++)
		sum += lk_parquet_buffered(w->open[i].file);
	return sum;
}

int64_t lk_partition_writer_largest(const struct lk_partition_writer *w)
{
	int64_t bytes, sorter = w->draining ? 0 : sorter_memory(w);

	largest_file(w, &bytes);
	return bytes > sorter ? bytes : sorter;
}

enum lk_status lk_partition_writer_shrink(struct lk_partition_writer *w, struct lk_error *err)
{
	int64_t bytes;
	int file = largest_file(w, &bytes);

	if (!w->draining && sorter_memory(w) > bytes)
		return lk_sorter_spill(w->sorter, err);
	return file < 0 ? LK_OK : lk_parquet_flush(w->open[file].file, err);
}

/* ---- the end ---- */

enum lk_status lk_partition_writer_end(struct lk_partition_writer *w, struct lk_error *err)
{
	while (w->open_count)
		LK_TRY(end_file(w, w->open_count - 1, err));
	return LK_OK;
}

static enum lk_status begin_draining(struct lk_partition_writer *w, struct lk_error *err)
{
	if (w->draining)
		return LK_OK;
	w->draining = true;
	w->has_builder = true;
	LK_TRY(lk_row_builder(w->codec, &w->builder, err));
	return lk_sorter_sort(w->sorter, err);
}

/* Writes the rows at hand to the open file. */
static enum lk_status write_builder(struct lk_partition_writer *w, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	LK_TRY(lk_builder_check(&w->builder, err));
	LK_TRY(lk_builder_view(&w->builder, &view, err));
	if (view->length) {
		LK_TRY(lk_parquet_write(w->open[0].file, view, w->identity, err));
		LK_TRY(end_if_full(w, &w->open[0], err));
	}
	lk_builder_clear(&w->builder);
	return LK_OK;
}

static enum lk_status take_record(struct lk_partition_writer *w, const struct lk_record *record, struct lk_error *err)
{
	struct open_file *f;
	uint32_t partition;

	memcpy(&partition, record->key, sizeof(partition));
	partition = be32toh(partition);
	if (w->open_count && w->open[0].partition != partition) {
		LK_TRY(write_builder(w, err));
		LK_TRY(lk_partition_writer_end(w, err));
	}
	if (!w->open_count)
		LK_TRY(begin_file(w, partition, &f, err));
	LK_TRY(lk_row_decode(w->codec, record->data, record->data_len, &w->builder, err));
	return lk_builder_end_row(&w->builder, err);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folder of each partition and those around it, once. */
static enum lk_status sync_list(struct lk_partition_writer *w, char **list, struct lk_error *err)
{
	size_t data = strlen(lk_uri_path(w->target->data_uri)), n = 0, levels = (size_t)w->spec->count;

	for (uint32_t p = 0; p < w->place_count; p++) {
		struct lk_str path = LK_STR_INIT;

		add_folder(w, p, &path);
		LK_TRY(lk_str_check(&path, err));
		for (size_t l = 0; w->places[p].written && l < levels && path.len > data; l++) {
			if (!(list[n++] = strdup(path.data))) {
				lk_str_release(&path);
				return lk_error_nomem(err);
			}
			path.len = (size_t)(strrchr(path.data, '/') - path.data);
			path.data[path.len] = '\0';
		}
		lk_str_release(&path);
	}
	qsort(list, n, sizeof(*list), compare_texts);
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(list[i], list[i - 1]))
			LK_TRY(lk_dir_sync(list[i], err));
	return LK_OK;
}

static enum lk_status sync_folders(struct lk_partition_writer *w, struct lk_error *err)
{
	size_t most = w->place_count * (size_t)w->spec->count;
	char **list;
	enum lk_status status;

	if (!w->router)
		return LK_OK;
	list = calloc(most + 1, sizeof(*list));
	if (!list)
		return lk_error_nomem(err);
	status = sync_list(w, list, err);
	for (size_t i = 0; i < most; i++)
		free(list[i]);
	free(list);
	return status;
}

enum lk_status lk_partition_writer_drain(struct lk_partition_writer *w, bool *more, struct lk_error *err)
{
	struct lk_record record;

	*more = w->sorter != NULL;
	if (w->sorter)
		LK_TRY(begin_draining(w, err));
	while (*more) {
		LK_TRY(lk_sorter_next(w->sorter, &record, more, err));
		if (!*more)
			break;
		LK_TRY(take_record(w, &record, err));
		if (lk_builder_full(&w->builder) || (w->options.file_bytes < SMALL_FILE && w->builder.rows >= SMALL_SLICE_ROWS))
			return write_builder(w, err);
	}
	if (w->sorter)
		LK_TRY(write_builder(w, err));
	LK_TRY(lk_partition_writer_end(w, err));
	return sync_folders(w, err);
}
