#include "lake/deletes.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lake/metadata.h"

/* "Reserved Field IDs". Bounds in full: readers skip files, and row groups, by them. */
static const struct lk_parquet_column columns[] = {
	{.name = "file_path", .field_id = 2147483546, .type = LK_UTF8, .required = true, .full_bounds = true},
	{.name = "pos", .field_id = 2147483545, .type = LK_INT64, .required = true, .full_bounds = true},
};
static const struct lk_field fields[] = {
	{.name = "file_path", .type = LK_UTF8, .required = true},
	{.name = "pos", .type = LK_INT64, .required = true},
};

enum lk_status lk_deletes_begin(struct lk_deletes_writer *w, struct lk_target *t, const char *name, struct lk_error *err)
{
	struct lk_str path = LK_STR_INIT;

	*w = (struct lk_deletes_writer){.target = t};
	LK_TRY(lk_target_make_folders(t, err));
	LK_TRY(lk_builder_init(&w->builder, fields, 2, NULL, err));
	lk_str_addf(&path, "%s/%s", lk_uri_path(t->data_uri), name);
	LK_TRY(lk_str_check(&path, err));
	w->path = path.data;
	return lk_parquet_create(&w->file, w->path, t->mode, columns, 2, NULL, err);
}

static enum lk_status flush(struct lk_deletes_writer *w, struct lk_error *err)
{
	static const int source[] = {0, 1};
	const struct ArrowArrayView *view;

	LK_TRY(lk_builder_check(&w->builder, err));
	LK_TRY(lk_builder_view(&w->builder, &view, err));
	if (view->length)
		LK_TRY(lk_parquet_write(w->file, view, source, err));
	lk_builder_clear(&w->builder);
	return LK_OK;
}

enum lk_status lk_deletes_add(struct lk_deletes_writer *w, const char *uri, int64_t position, struct lk_error *err)
{
	if (!w->first && !(w->first = strdup(uri)))
		return lk_error_nomem(err);
	w->several = w->several || strcmp(w->first, uri) != 0;
	lk_column_text(&w->builder.columns[0], uri);
	lk_column_int64(&w->builder.columns[1], position);
	LK_TRY(lk_builder_end_row(&w->builder, err));
	return lk_builder_full(&w->builder) ? flush(w, err) : LK_OK;
}

enum lk_status lk_deletes_finish(struct lk_deletes_writer *w, struct lk_error *err)
{
	struct lk_data_file *file = &w->target->deletes;
	struct lk_str uri = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(flush(w, err));
	lk_str_addf(&uri, "%s/%s", w->target->data_uri, strrchr(w->path, '/') + 1);
	status = lk_str_check(&uri, err);
	if (!status) {
		status = lk_parquet_close(w->file, &file->metrics, err);
		w->file = NULL;
	}
	if (status) {
		lk_str_release(&uri);
		return status;
	}
	file->path = w->path;
	file->uri = uri.data;
	file->referenced = w->several ? NULL : w->first;
	w->path = NULL;
	if (!w->several)
		w->first = NULL;
	return LK_OK;
}

void lk_deletes_release(struct lk_deletes_writer *w)
{
	lk_parquet_abandon(w->file);
	lk_builder_release(&w->builder);
	free(w->path);
	free(w->first);
	*w = (struct lk_deletes_writer){NULL};
}

void lk_deletes_drop(struct lk_target *t)
{
	if (t->deletes.path)
		(void)!lk_remove(t->deletes.path, NULL);
	lk_data_file_release(&t->deletes);
}
