#include "lake/merge_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lake/data_writer.h"

void lk_merge_add_deletes(struct lk_lake_table *t, const struct lk_data_file *file, int64_t sequence)
{
	t->deletes[t->deletes_count++] = (struct lk_lake_deletes){.path = file->path, .uri = file->uri, .rows = file->metrics.rows,
		.sequence = sequence, .referenced = file->referenced, .manifest = -1, .entry = *file};
	t->deleted += file->metrics.rows;
}

/* ---- files, in the target and aside ---- */

static enum lk_status put_aside(struct lk_merge *m, size_t at, struct lk_error *err)
{
	struct lk_target *t = m->target;

	if (!lk_grow((void **)&m->aside, &m->aside_cap, m->aside_count + 1, sizeof(*m->aside)))
		return lk_error_nomem(err);
	t->rows -= t->files[at].metrics.rows;
	t->bytes -= t->files[at].metrics.file_bytes;
	m->aside[m->aside_count++] = t->files[at];
	memmove(&t->files[at], &t->files[at + 1], (--t->file_count - at) * sizeof(*t->files));
	return LK_OK;
}

static bool begins(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix)) && name[strlen(prefix)] == '-';
}

/* Removes files of a target that were made here: all, or those whose names begin so. */
static void remove_made(struct lk_target *t, const char *prefix)
{
	size_t left = 0;

	for (size_t i = 0; i < t->file_count; i++) {
		struct lk_data_file *f = &t->files[i];

		if (prefix && !begins(lk_path_base(f->path), prefix)) {
			t->files[left++] = *f;
			continue;
		}
		t->rows -= f->metrics.rows;
		t->bytes -= f->metrics.file_bytes;
		(void)!lk_remove(f->path, NULL); /* else lk-gc does */
		lk_data_file_release(f);
	}
	t->file_count = left;
}

enum lk_status lk_merge_undo(struct lk_merges *ms, struct lk_merge *m, struct lk_error *err)
{
	struct lk_target *t = m->target;

	lk_target_clear_deletes(t);
	if (ms->versions && *m->facts_prefix)
		remove_made(ms->versions, m->facts_prefix);
	*m->facts_prefix = '\0';
	if (m->rewritten)
		remove_made(t, NULL);
	m->rewritten = m->resolved = false;
	while (m->aside_count) {
		LK_TRY(lk_target_add_file(t, &m->aside[m->aside_count - 1], err));
		m->aside_count--;
	}
	m->dead = 0;
	return LK_OK;
}

/* ---- writing what lives ---- */

enum lk_status lk_made_rows_begin(struct lk_made_rows *w, struct lk_merges *ms, struct lk_merge *m, struct lk_error *err)
{
	*w = (struct lk_made_rows){.target = m->target};
	snprintf(w->prefix, sizeof(w->prefix), "%s-rows%d", ms->run, ms->next_file++);
	m->rewritten = true;
	while (m->target->file_count)
		LK_TRY(put_aside(m, 0, err));
	return LK_OK;
}

static enum lk_status begin_writing(struct lk_made_rows *w, const struct ArrowSchema *schema, struct lk_error *err)
{
	struct lk_parquet_column *columns = NULL;
	enum lk_status status;
	int count;

	status = lk_target_columns(w->target, schema, NULL, &columns, &w->source, &count, err);
	if (!status)
		status = lk_partition_writer_create(&w->writer, w->target, columns, count, w->prefix, &w->next_file, err);
	free(columns);
	return status;
}

enum lk_status lk_made_rows_add(void *self, const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
{
	struct lk_made_rows *w = self;

	if (!w->writer)
		LK_TRY(begin_writing(w, schema, err));
	w->rows += view->length;
	if (lk_partition_writer_memory(w->writer) > LK_DATA_WRITER_MEMORY)
		LK_TRY(lk_partition_writer_shrink(w->writer, err));
	return lk_partition_writer_write(w->writer, view, w->source, err);
}

enum lk_status lk_made_rows_end(struct lk_made_rows *w, struct lk_error *err)
{
	bool more = w->writer != NULL;

	if (w->writer)
		LK_TRY(lk_partition_writer_end(w->writer, err));
	while (more)
		LK_TRY(lk_partition_writer_drain(w->writer, &more, err));
	return LK_OK;
}

void lk_made_rows_release(struct lk_made_rows *w)
{
	lk_partition_writer_free(w->writer);
	free(w->source);
	*w = (struct lk_made_rows){.target = NULL};
}

/* The files of which rows live, with the deletes of the others. */
static enum lk_status choose_living(struct lk_merge *m, struct lk_lake_table *live, const struct lk_rowset *gone, struct lk_arena *arena,
	struct lk_error *err)
{
	const struct lk_target *t = m->target;

	live->file_count = 0;
	live->files = lk_arena_alloc(arena, ((size_t)gone->count + 1) * sizeof(*live->files));
	live->deletes = lk_arena_alloc(arena, (t->delete_count + 1) * sizeof(*live->deletes));
	if (!live->files || !live->deletes)
		return lk_error_nomem(err);
	for (int i = 0; i < gone->count; i++)
		if (!lk_rowset_whole(&gone->files[i]))
			live->files[live->file_count++] = *gone->files[i].file;
	for (size_t i = 0; i < t->delete_count; i++)
		lk_merge_add_deletes(live, &t->deletes[i], 0);
	return LK_OK;
}

static enum lk_status read_living(struct lk_made_rows *w, struct lk_merges *ms, struct lk_merge *m, const struct lk_lake_table *added,
	const struct lk_rowset *gone, struct lk_arena *arena, struct lk_error *err)
{
	int64_t living = added->rows - gone->rows;
	struct lk_lake_table live = *added;
	char prefix[LK_MERGE_PREFIX];

	snprintf(prefix, sizeof(prefix), "%s-new%d", ms->run, ms->next_file++);
	LK_TRY(lk_rowset_delete(gone, m->target, prefix, err));
	LK_TRY(choose_living(m, &live, gone, arena, err));
	LK_TRY(lk_made_rows_begin(w, ms, m, err));
	LK_TRY(ms->merger->read(ms->merger->self, &live, lk_made_rows_add, w, err));
	LK_TRY(lk_made_rows_end(w, err));
	lk_target_clear_deletes(m->target);
	if (w->rows == living)
		return LK_OK;
	return lk_error_set(err, LK_BUG, "%lld rows live of those that came, and %lld were read", (long long)living, (long long)w->rows);
}

static enum lk_status rewrite(struct lk_merges *ms, struct lk_merge *m, const struct lk_lake_table *added, const struct lk_rowset *gone,
	struct lk_error *err)
{
	struct lk_made_rows w = {.target = NULL};
	struct lk_arena arena = LK_ARENA_INIT;
	enum lk_status status = read_living(&w, ms, m, added, gone, &arena, err);

	lk_made_rows_release(&w);
	lk_arena_release(&arena);
	return status;
}

/* ---- all of it ---- */

static enum lk_status drop_dead(struct lk_merge *m, const struct lk_rowset *gone, struct lk_error *err)
{
	for (size_t i = m->target->file_count; i-- > 0;) {
		const struct lk_rowset_file *f = lk_rowset_find((struct lk_rowset *)gone, m->target->files[i].uri);

		if (f && lk_rowset_whole(f))
			LK_TRY(put_aside(m, i, err));
	}
	return LK_OK;
}

enum lk_status lk_merge_new(struct lk_merges *ms, struct lk_merge *m, struct lk_lake_table *added, const struct lk_rowset *gone,
	struct lk_error *err)
{
	int64_t living = added->rows - gone->rows;
	char prefix[LK_MERGE_PREFIX];

	m->dead = 0;
	if (!gone->rows)
		return LK_OK;
	if (living && living < gone->rows)
		return rewrite(ms, m, added, gone, err);
	snprintf(prefix, sizeof(prefix), "%s-new%d", ms->run, ms->next_file++);
	LK_TRY(lk_rowset_delete(gone, m->target, prefix, err));
	m->dead = m->target->deleted;
	return drop_dead(m, gone, err);
}
