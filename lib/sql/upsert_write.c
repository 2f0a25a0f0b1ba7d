#include <stdlib.h>
#include <string.h>

#include "sql/upsert_inside.h"

/* ---- marks: the three columns in front ---- */

enum lk_status lk_marks_reserve(struct lk_marks *m, int64_t rows, struct lk_error *err)
{
	size_t need = (size_t)rows + 1;

	m->rows = 0;
	if (m->cap >= need)
		return LK_OK;
	for (int i = 0; i < LK_MARK_BUFFERS; i++) {
		static const size_t width[LK_MARK_BUFFERS] = {sizeof(*m->ops), sizeof(*m->offsets), sizeof(*m->files), sizeof(*m->positions),
			sizeof(*m->valid)};
		void **buffers[LK_MARK_BUFFERS] = {(void **)&m->ops, (void **)&m->offsets, (void **)&m->files, (void **)&m->positions,
			(void **)&m->valid};
		void *grown = realloc(*buffers[i], need * width[i]);

		if (!grown)
			return lk_error_nomem(err);
		*buffers[i] = grown;
	}
	for (size_t i = m->cap; i < need; i++)
		m->offsets[i] = (int32_t)i;
	m->cap = need;
	return LK_OK;
}

void lk_marks_release(struct lk_marks *m)
{
	free(m->ops);
	free(m->offsets);
	free(m->files);
	free(m->positions);
	free(m->valid);
	*m = (struct lk_marks){0};
}

void lk_marks_add(struct lk_marks *m, char op, int32_t file, int64_t position)
{
	int64_t i = m->rows++;

	if (i % 8 == 0)
		m->valid[i / 8] = 0;
	m->valid[i / 8] |= (uint8_t)((file >= 0) << (i % 8));
	m->ops[i] = op;
	m->files[i] = file >= 0 ? file : 0;
	m->positions[i] = file >= 0 ? position : 0;
	m->nulls = (i ? m->nulls : 0) + (file < 0);
}

static void show(struct ArrowArrayView *view, int buffer, const void *data, int64_t bytes)
{
	view->buffer_views[buffer].data.data = data;
	view->buffer_views[buffer].size_bytes = bytes;
}

/* The columns of a view, which was made for the schema that is written. */
void lk_marks_show(const struct lk_marks *m, struct ArrowArrayView *const *columns)
{
	int64_t n = m->rows, bits = m->nulls ? (n + 7) / 8 : 0;

	for (int i = 0; i < LK_CHANGE_COLUMNS; i++) {
		columns[i]->length = n;
		columns[i]->null_count = i == LK_CHANGE_OP ? 0 : m->nulls;
		show(columns[i], 0, m->valid, i == LK_CHANGE_OP ? 0 : bits);
	}
	show(columns[LK_CHANGE_OP], 1, m->offsets, (n + 1) * (int64_t)sizeof(*m->offsets));
	show(columns[LK_CHANGE_OP], 2, m->ops, n);
	show(columns[LK_CHANGE_FILE], 1, m->files, n * (int64_t)sizeof(*m->files));
	show(columns[LK_CHANGE_POS], 1, m->positions, n * (int64_t)sizeof(*m->positions));
}

/* ---- rows as they came ---- */

struct writing {
	struct lk_upserting *t;
	struct lk_writer *out;
	struct lk_marks marks;
	int64_t *rows; /* of a batch, those that are written */
	size_t row_cap;
	int64_t candidate; /* the next one */
	const struct lk_upsert_form *form; /* that `view` is for */
	struct ArrowArrayView view; /* of form->out: only its first columns are used */
	struct ArrowArrayView **columns;
};

/* What becomes of a candidate: 0 where it is not written. */
char lk_change_op(enum lk_verdict verdict)
{
	switch (verdict) {
	case LK_VERDICT_INSERT: return 'I';
	case LK_VERDICT_UPDATE: return 'U';
	case LK_VERDICT_DELETE: return 'D';
	default: return 0;
	}
}

/* Which rows of the batch are written, and their marks. */
static enum lk_status choose(struct writing *w, int64_t rows, struct lk_error *err)
{
	struct lk_upserting *t = w->t;

	if (!lk_grow((void **)&w->rows, &w->row_cap, (size_t)rows + 1, sizeof(*w->rows)))
		return lk_error_nomem(err);
	LK_TRY(lk_marks_reserve(&w->marks, rows, err));
	for (int64_t row = 0; row < rows; row++) {
		struct lk_upsert_outcome outcome = lk_upsert_outcome(t, w->candidate++);
		char op = lk_change_op(outcome.verdict);

		if (!op)
			continue;
		w->rows[w->marks.rows] = row;
		lk_marks_add(&w->marks, op, outcome.file, outcome.position);
	}
	t->written += w->marks.rows;
	return LK_OK;
}

static enum lk_status use_form(struct writing *w, struct lk_upsert_form *f, struct lk_error *err)
{
	if (w->form == f)
		return LK_OK;
	if (w->form)
		ArrowArrayViewReset(&w->view);
	free(w->columns);
	w->form = NULL;
	w->columns = calloc((size_t)f->out.n_children + 1, sizeof(*w->columns));
	if (!w->columns)
		return lk_error_nomem(err);
	LK_TRY(lk_arrow_status(ArrowArrayViewInitFromSchema(&w->view, &f->out, NULL), NULL, LK_BUG, "cannot make a view", err));
	w->form = f;
	return LK_OK;
}

/* All rows go as they are, else those that are chosen are gathered. */
static enum lk_status write_chosen(struct writing *w, struct lk_upsert_form *f, const struct ArrowArrayView *in, struct lk_error *err)
{
	struct ArrowArrayView out;

	LK_TRY(use_form(w, f, err));
	if (w->marks.rows != in->length && !f->gather)
		LK_TRY(lk_gather_create(&f->gather, &f->in, err));
	if (w->marks.rows != in->length)
		LK_TRY(lk_gather_rows(f->gather, in, w->rows, w->marks.rows, &in, err));
	lk_marks_show(&w->marks, w->view.children);
	out = w->view;
	out.length = w->marks.rows;
	out.children = w->columns;
	for (int i = 0; i < LK_CHANGE_COLUMNS; i++)
		w->columns[i] = w->view.children[i];
	for (int64_t i = LK_CHANGE_COLUMNS; i < f->out.n_children; i++)
		w->columns[i] = in->children[f->column[i - LK_CHANGE_COLUMNS]];
	return lk_writer_batch(w->out, w->t->name, &f->out, &out, err);
}

/* Batches of which nothing is left are left out; but for the first, so that the table's columns are known. */
static enum lk_status write_batches(struct writing *w, struct lk_upsert_rows *rows, struct lk_error *err)
{
	const struct ArrowArrayView *in;
	struct lk_upsert_form *form;
	bool first = true;
	enum lk_next next;

	LK_TRY(lk_upsert_rewind(rows, w->t, err));
	while ((next = lk_upsert_next(rows, &form, &in, err)) == LK_NEXT_BATCH) {
		LK_TRY(choose(w, in->length, err));
		if (w->marks.rows || first)
			LK_TRY(write_chosen(w, form, in, err));
		first = false;
	}
	return next == LK_NEXT_ERROR ? err->status : LK_OK;
}

/* ---- rows of the table that vanish ---- */

/* The columns that say which row it was: the key's and the order, by their number in the table. */
static enum lk_status identity(const struct lk_upserting *t, int **columns, int *count, struct lk_error *err)
{
	*count = 0;
	*columns = calloc((size_t)t->base->column_count + 1, sizeof(**columns));
	if (!*columns)
		return lk_error_nomem(err);
	for (int c = 0; c < t->base->column_count; c++)
		if (lk_upsert_tells(t, t->base->columns[c].name))
			(*columns)[(*count)++] = c;
	return LK_OK;
}

bool lk_upsert_tells(const struct lk_upserting *t, const char *column)
{
	for (int k = 0; k < t->spec.key_count; k++)
		if (!strcmp(t->spec.key[k], column))
			return true;
	return t->spec.order && !strcmp(t->spec.order, column);
}

static enum lk_status add_vanished(struct lk_upserting *t, struct lk_builder *b, const struct ArrowSchema *schema, const struct lk_base_place *place,
	const struct ArrowArrayView *view, int64_t row, struct lk_error *err)
{
	lk_column_text(&b->columns[LK_CHANGE_OP], "D");
	lk_column_int32(&b->columns[LK_CHANGE_FILE], place->file);
	lk_column_int64(&b->columns[LK_CHANGE_POS], place->position);
	for (int c = LK_CHANGE_COLUMNS; c < b->column_count; c++) {
		int from = lk_schema_find(schema, b->schema.children[c]->name);

		if (from >= 0 && lk_upsert_tells(t, b->schema.children[c]->name))
			lk_column_copy(&b->columns[c], view->children[from], row);
		else
			lk_column_null(&b->columns[c]);
	}
	return lk_builder_end_row(b, err);
}

static enum lk_status write_vanished(struct lk_upserting *t, struct lk_builder *b, struct lk_base_rows *base, struct lk_writer *out,
	struct lk_error *err)
{
	const struct ArrowArrayView *view;
	int64_t row;

	for (size_t i = 0; i < t->vanished_count; i++) {
		LK_TRY(lk_base_rows_next(base, &view, &row, err));
		LK_TRY(add_vanished(t, b, lk_base_rows_schema(base), &t->vanished[i], view, row, err));
		if (lk_builder_full(b))
			LK_TRY(lk_writer_flush(out, t->name, b, err));
	}
	return b->rows ? lk_writer_flush(out, t->name, b, err) : LK_OK;
}

static enum lk_status delete_vanished(struct lk_upserting *t, struct lk_writer *out, struct lk_error *err)
{
	struct lk_base_rows *base = NULL;
	struct lk_builder b = {.rows = 0};
	struct ArrowSchema schema;
	int *columns = NULL, count;
	enum lk_status status;

	if (!t->vanished_count)
		return LK_OK;
	LK_TRY(lk_arrow_status(ArrowSchemaDeepCopy(&t->forms[0]->out, &schema), NULL, LK_BUG, "cannot copy a schema", err));
	LK_TRY(lk_builder_init_schema(&b, &schema, err));
	status = identity(t, &columns, &count, err);
	if (!status)
		status = lk_base_rows_open(&base, t, t->vanished, t->vanished_count, columns, count, err);
	if (!status)
		status = write_vanished(t, &b, base, out, err);
	lk_base_rows_close(base);
	lk_builder_release(&b);
	free(columns);
	return status;
}

/* ---- all of them ---- */

/* Whether rows of such columns can be built, and not only passed on. */
static bool can_build(const struct ArrowSchema *schema)
{
	for (int64_t i = 0; i < schema->n_children; i++)
		if (lk_type_of(schema->children[i], NULL, NULL) == LK_OTHER || strchr("UZ", *schema->children[i]->format))
			return false;
	return true;
}

static bool is_wide(const struct lk_upserting *t)
{
	if (!t->base)
		return t->patches != NULL;
	return t->o->before || t->o->patch || (t->vanished_count && !can_build(&t->forms[0]->out));
}

enum lk_status lk_upsert_write(struct lk_upserting *t, struct lk_upsert_rows *rows, struct lk_writer *out, struct lk_error *err)
{
	struct writing w = {.t = t, .out = out};
	enum lk_status status = LK_OK;

	if (is_wide(t))
		return lk_upsert_write_wide(t, rows, out, err);
	for (size_t i = 0; !status && i < t->form_count; i++)
		status = lk_upsert_form_finish(t, &t->forms[i]->out, err);
	if (!status)
		status = write_batches(&w, rows, err);
	if (!status)
		status = delete_vanished(t, out, err);
	if (w.form)
		ArrowArrayViewReset(&w.view);
	free(w.columns);
	free(w.rows);
	lk_marks_release(&w.marks);
	return status;
}
