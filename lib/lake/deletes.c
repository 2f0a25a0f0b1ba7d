#include "lake/deletes.h"

#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "stream/build.h"

#define MAX_OPEN 64

/* The file of a partition. */
struct lk_deletes_part {
	struct lk_data_file file; /* what will be handed to the target */
	struct lk_builder builder;
	struct lk_parquet *writer;
	char *first; /* the uri of the first data file that was named */
	bool several;
};

/* "Reserved Field IDs". Bounds in full: readers skip files, and row groups, by them. */
const struct lk_parquet_column lk_delete_columns[2] = {
	{.name = "file_path", .field_id = 2147483546, .type = LK_UTF8, .required = true, .full_bounds = true},
	{.name = "pos", .field_id = 2147483545, .type = LK_INT64, .required = true, .full_bounds = true},
};
static const struct lk_field fields[] = {
	{.name = "file_path", .type = LK_UTF8, .required = true},
	{.name = "pos", .type = LK_INT64, .required = true},
};

enum lk_status lk_deletes_begin(struct lk_deletes_writer *w, struct lk_target *t, const char *prefix, struct lk_error *err)
{
	*w = (struct lk_deletes_writer){.target = t, .prefix = strdup(prefix)};
	return w->prefix ? LK_OK : lk_error_nomem(err);
}

/* ---- parts ---- */

static void free_part(struct lk_deletes_part *p)
{
	lk_parquet_abandon(p->writer);
	lk_builder_release(&p->builder);
	lk_data_file_release(&p->file);
	free(p->first);
	free(p);
}

static enum lk_status open_part(struct lk_deletes_writer *w, struct lk_deletes_part *p, const struct lk_data_file *of, struct lk_error *err)
{
	struct lk_str uri = LK_STR_INIT;

	p->file.content = LK_FILE_POSITION_DELETES;
	p->file.sort_order = -1;
	LK_TRY(lk_data_file_copy_partition(&p->file, of, err));
	LK_TRY(lk_builder_init(&p->builder, fields, 2, NULL, err));
	lk_str_addf(&uri, "%s/%s-%05d-deletes.parquet", w->target->data_uri, w->prefix, w->next_file++);
	p->file.uri = uri.data;
	LK_TRY(lk_str_check(&uri, err));
	p->file.path = strdup(lk_uri_path(uri.data));
	if (!p->file.path)
		return lk_error_nomem(err);
	return lk_parquet_create(&p->writer, p->file.path, w->target->mode, lk_delete_columns, 2, NULL, err);
}

static enum lk_status flush(struct lk_deletes_part *p, struct lk_error *err)
{
	static const int source[] = {0, 1};
	const struct ArrowArrayView *view;

	LK_TRY(lk_builder_check(&p->builder, err));
	LK_TRY(lk_builder_view(&p->builder, &view, err));
	if (view->length)
		LK_TRY(lk_parquet_write(p->writer, view, source, err));
	lk_builder_clear(&p->builder);
	return LK_OK;
}

static enum lk_status finish_part(struct lk_deletes_writer *w, struct lk_deletes_part *p, struct lk_error *err)
{
	struct lk_parquet *writer = p->writer;

	LK_TRY(flush(p, err));
	p->writer = NULL;
	LK_TRY(lk_parquet_close(writer, &p->file.metrics, err));
	if (!p->several) {
		p->file.referenced = p->first;
		p->first = NULL;
	}
	return lk_target_add_deletes(w->target, &p->file, err);
}

/* Ends the oldest: its partition may come again, in another file. */
static enum lk_status end_oldest(struct lk_deletes_writer *w, struct lk_error *err)
{
	enum lk_status status = finish_part(w, w->parts[0], err);

	free_part(w->parts[0]);
	memmove(w->parts, w->parts + 1, --w->count * sizeof(*w->parts));
	return status;
}

static enum lk_status add_part(struct lk_deletes_writer *w, const struct lk_data_file *of, struct lk_error *err)
{
	struct lk_deletes_part *p;
	enum lk_status status;

	if (w->count >= MAX_OPEN)
		LK_TRY(end_oldest(w, err));
	p = calloc(1, sizeof(*p));
	if (!p || !lk_grow((void **)&w->parts, &w->cap, w->count + 1, sizeof(struct lk_deletes_part *))) {
		free(p);
		return lk_error_nomem(err);
	}
	status = open_part(w, p, of, err);
	if (status) {
		free_part(p);
		return status;
	}
	w->current = w->parts[w->count++] = p;
	return LK_OK;
}

static enum lk_status choose_part(struct lk_deletes_writer *w, const struct lk_lake_file *file, struct lk_error *err)
{
	w->current = NULL;
	for (size_t i = 0; !w->current && i < w->count; i++)
		if (lk_data_file_same_partition(&w->parts[i]->file, &file->entry))
			w->current = w->parts[i];
	if (!w->current)
		LK_TRY(add_part(w, &file->entry, err));
	w->file = file;
	if (!w->current->first) {
		w->current->first = strdup(file->uri);
		return w->current->first ? LK_OK : lk_error_nomem(err);
	}
	w->current->several = w->current->several || strcmp(w->current->first, file->uri) != 0;
	return LK_OK;
}

/* ---- the whole ---- */

enum lk_status lk_deletes_add(struct lk_deletes_writer *w, const struct lk_lake_file *file, int64_t position, struct lk_error *err)
{
	struct lk_builder *b;

	if (w->file != file) {
		LK_TRY(lk_target_make_folders(w->target, err));
		LK_TRY(choose_part(w, file, err));
	}
	b = &w->current->builder;
	lk_column_text(&b->columns[0], file->uri);
	lk_column_int64(&b->columns[1], position);
	LK_TRY(lk_builder_end_row(b, err));
	return lk_builder_full(b) ? flush(w->current, err) : LK_OK;
}

enum lk_status lk_deletes_finish(struct lk_deletes_writer *w, struct lk_error *err)
{
	while (w->count)
		LK_TRY(end_oldest(w, err));
	return LK_OK;
}

void lk_deletes_release(struct lk_deletes_writer *w)
{
	for (size_t i = 0; i < w->count; i++)
		free_part(w->parts[i]);
	free(w->parts);
	free(w->prefix);
	*w = (struct lk_deletes_writer){NULL};
}
