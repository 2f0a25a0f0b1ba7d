#include <stdlib.h>
#include <string.h>

#include "lake/types.h"
#include "sql/upsert_inside.h"

struct wide {
	struct lk_upserting *t;
	struct lk_writer *out;
	struct lk_builder b; /* lk_op, lk_old_file, lk_old_pos, the table's columns, and what else the rows have */
	struct lk_base_rows *base;
	int base_count; /* of the table's columns, which are the first ones behind the marks */
	const struct lk_upsert_form *form;
	int *source; /* for each column behind the marks its place in the form's rows, or -1 */
	int64_t candidate;
};

/* ---- columns ---- */

static enum lk_status base_fields(const struct lk_upserting *t, struct lk_field *fields, int *count, struct lk_error *err)
{
	for (int c = 0; t->base && c < t->base->column_count; c++) {
		const struct lk_lake_column *own = &t->base->columns[c];
		struct lk_column_type type = lk_type_read(own->type);

		if (type.type == LK_OTHER)
			return lk_error_set(err, LK_MISSING, "column %s is %s, which lk does not write: %s of it cannot be told", own->name, own->type,
				t->o->patch ? "the values to keep" : "what was before");
		fields[(*count)++] = (struct lk_field){.name = own->name, .type = type.type, .precision = type.precision, .scale = type.scale};
	}
	return LK_OK;
}

static bool has_field(const struct lk_field *fields, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(fields[i].name, name))
			return true;
	return false;
}

/* Those that the table does not have. */
static enum lk_status further_fields(const struct lk_upsert_form *f, struct lk_field *fields, int *count, struct lk_error *err)
{
	for (int64_t i = LK_CHANGE_COLUMNS; i < f->out.n_children; i++) {
		struct lk_field field = {.name = f->out.children[i]->name};

		if (has_field(fields, *count, field.name))
			continue;
		field.type = lk_type_of(f->out.children[i], &field.precision, &field.scale);
		if (field.type == LK_OTHER)
			return lk_error_set(err, LK_DATA, "column %s is of a type that lk does not write", field.name);
		fields[(*count)++] = field;
	}
	return LK_OK;
}

/* What is said of a column in any form of the rows. */
static int carry_column(const struct lk_upserting *t, struct ArrowSchema *column)
{
	for (size_t f = 0; f < t->form_count; f++) {
		int from = lk_schema_find(&t->forms[f]->in, column->name);

		if (from >= 0)
			return ArrowSchemaSetMetadata(column, t->forms[f]->in.children[from]->metadata);
	}
	return NANOARROW_OK;
}

static enum lk_status make_builder(struct wide *w, struct lk_field *fields, struct lk_error *err)
{
	static const struct lk_field marks[LK_CHANGE_COLUMNS] = {{LK_COLUMN_OP, LK_UTF8, .required = true},
		{LK_COLUMN_OLD_FILE, LK_INT32}, {LK_COLUMN_OLD_POS, LK_INT64}};
	struct lk_upserting *t = w->t;
	struct ArrowSchema schema;
	int count = LK_CHANGE_COLUMNS, code;
	enum lk_status status;

	memcpy(fields, marks, sizeof(marks));
	LK_TRY(base_fields(t, fields, &count, err));
	w->base_count = count - LK_CHANGE_COLUMNS;
	for (size_t f = 0; f < t->form_count; f++)
		LK_TRY(further_fields(t->forms[f], fields, &count, err));
	LK_TRY(lk_schema_make(&schema, fields, count, NULL, err));
	code = ArrowSchemaSetMetadata(&schema, t->forms[0]->out.metadata);
	for (int i = LK_CHANGE_COLUMNS; code == NANOARROW_OK && i < count; i++)
		code = carry_column(t, schema.children[i]);
	status = lk_arrow_status(code, NULL, LK_BUG, "cannot copy what a schema says", err);
	if (!status)
		status = lk_upsert_form_finish(t, &schema, err);
	if (!status)
		return lk_builder_init_schema(&w->b, &schema, err);
	ArrowSchemaRelease(&schema);
	return status;
}

static enum lk_status make(struct wide *w, struct lk_error *err)
{
	size_t most = LK_CHANGE_COLUMNS + (size_t)(w->t->base ? w->t->base->column_count : 0);
	struct lk_field *fields;
	enum lk_status status;

	for (size_t f = 0; f < w->t->form_count; f++)
		most += (size_t)w->t->forms[f]->out.n_children;
	fields = calloc(most, sizeof(*fields));
	w->source = calloc(most, sizeof(*w->source));
	status = fields && w->source ? make_builder(w, fields, err) : lk_error_nomem(err);
	free(fields);
	return status;
}

static void use_form(struct wide *w, const struct lk_upsert_form *f)
{
	if (w->form == f)
		return;
	w->form = f;
	for (int c = LK_CHANGE_COLUMNS; c < w->b.column_count; c++)
		w->source[c - LK_CHANGE_COLUMNS] = lk_schema_find(&f->in, w->b.schema.children[c]->name);
}

/* ---- rows of the table, in the order in which they are wanted ---- */

static enum lk_status add_place(struct lk_base_place **places, size_t *cap, size_t *count, int32_t file, int64_t position, struct lk_error *err)
{
	if (!lk_grow((void **)places, cap, *count + 1, sizeof(**places)))
		return lk_error_nomem(err);
	(*places)[(*count)++] = (struct lk_base_place){file, position};
	return LK_OK;
}

static enum lk_status open_base(struct wide *w, struct lk_error *err)
{
	struct lk_upserting *t = w->t;
	struct lk_base_place *places = NULL;
	int *columns = calloc((size_t)w->base_count + 1, sizeof(*columns));
	size_t cap = 0, count = 0;
	enum lk_status status = columns ? LK_OK : lk_error_nomem(err);

	for (int64_t i = 0; !status && i < t->rows; i++) {
		struct lk_upsert_outcome outcome = lk_upsert_outcome(t, i);

		if (outcome.file >= 0)
			status = add_place(&places, &cap, &count, outcome.file, outcome.position, err);
	}
	for (size_t i = 0; !status && i < t->vanished_count; i++)
		status = add_place(&places, &cap, &count, t->vanished[i].file, t->vanished[i].position, err);
	for (int i = 0; !status && i < w->base_count; i++)
		columns[i] = i;
	if (!status)
		status = lk_base_rows_open(&w->base, t, places, count, columns, w->base_count, err);
	free(places);
	free(columns);
	return status;
}

/* ---- writing ---- */

/* A row as it came and as the table has it; either may not be there. */
struct row {
	const struct ArrowArrayView *came, *base;
	int64_t at, base_at;
	const struct lk_upsert_link *links; /* older patches of its key, the newest first */
	size_t link_count;
};

static void add_marks(struct wide *w, char op, int32_t file, int64_t position)
{
	lk_column_bytes(&w->b.columns[LK_CHANGE_OP], &op, 1);
	if (file >= 0) {
		lk_column_int32(&w->b.columns[LK_CHANGE_FILE], file);
		lk_column_int64(&w->b.columns[LK_CHANGE_POS], position);
	} else {
		lk_column_null(&w->b.columns[LK_CHANGE_FILE]);
		lk_column_null(&w->b.columns[LK_CHANGE_POS]);
	}
}

static enum lk_status end_row(struct wide *w, struct lk_error *err)
{
	LK_TRY(lk_builder_end_row(&w->b, err));
	return lk_builder_full(&w->b) ? lk_writer_flush(w->out, w->t->name, &w->b, err) : LK_OK;
}

static enum lk_status add_before(struct wide *w, const struct row *r, struct lk_error *err)
{
	if (!w->t->o->before || !r->base)
		return LK_OK;
	add_marks(w, 'B', -1, 0);
	for (int c = LK_CHANGE_COLUMNS; c < w->b.column_count; c++)
		if (c - LK_CHANGE_COLUMNS < w->base_count)
			lk_column_copy(&w->b.columns[c], r->base->children[c - LK_CHANGE_COLUMNS], r->base_at);
		else
			lk_column_null(&w->b.columns[c]);
	return end_row(w, err);
}

/* Of a patch what did not come is as an older one has it, or as it was. */
static void add_kept(struct wide *w, int own, const struct row *r)
{
	struct lk_column *to = &w->b.columns[LK_CHANGE_COLUMNS + own];
	const struct ArrowArrayView *view;

	for (size_t i = 0; i < r->link_count; i++) {
		if (r->links[i].deletes) {
			lk_column_null(to);
			return;
		}
		if (lk_upsert_link_value(w->t, &r->links[i], w->b.schema.children[LK_CHANGE_COLUMNS + own]->name, &view)) {
			lk_column_copy(to, view, r->links[i].row);
			return;
		}
	}
	if (r->base && own < w->base_count)
		lk_column_copy(to, r->base->children[own], r->base_at);
	else
		lk_column_null(to);
}

static void add_values(struct wide *w, char op, const struct row *r)
{
	for (int c = LK_CHANGE_COLUMNS; c < w->b.column_count; c++) {
		int own = c - LK_CHANGE_COLUMNS, from = w->source[own];

		if (from >= 0)
			lk_column_copy(&w->b.columns[c], r->came->children[from], r->at);
		else if (w->t->o->patch && op != 'D')
			add_kept(w, own, r);
		else
			lk_column_null(&w->b.columns[c]);
	}
}

/* Older patches that count beside a row; with any, one that would change nothing is an update. */
static enum lk_status find_links(struct wide *w, struct row *r, int64_t candidate, char *op, struct lk_error *err)
{
	LK_TRY(lk_upsert_links(w->t, candidate, &r->links, &r->link_count, err));
	if (r->base && r->link_count)
		LK_TRY(lk_upsert_live_links(w->t, r->links, &r->link_count, lk_base_rows_schema(w->base), r->base, r->base_at - r->base->offset, err));
	if (*op || !r->link_count)
		return LK_OK;
	*op = 'U';
	w->t->patched++;
	return LK_OK;
}

static enum lk_status write_row(struct wide *w, struct row *r, struct lk_error *err)
{
	int64_t candidate = w->candidate++;
	struct lk_upsert_outcome outcome = lk_upsert_outcome(w->t, candidate);
	char op = lk_change_op(outcome.verdict);

	r->base = NULL;
	r->link_count = 0;
	if (outcome.file >= 0)
		LK_TRY(lk_base_rows_next(w->base, &r->base, &r->base_at, err));
	if (w->t->patches && (op == 'I' || op == 'U' || r->base))
		LK_TRY(find_links(w, r, candidate, &op, err));
	if (!op)
		return LK_OK;
	w->t->written++;
	LK_TRY(add_before(w, r, err));
	add_marks(w, op, outcome.file, outcome.position);
	add_values(w, op, r);
	return end_row(w, err);
}

static enum lk_status write_vanished(struct wide *w, const struct lk_base_place *place, struct lk_error *err)
{
	struct row r = {.came = NULL};

	LK_TRY(lk_base_rows_next(w->base, &r.base, &r.base_at, err));
	LK_TRY(add_before(w, &r, err));
	add_marks(w, 'D', place->file, place->position);
	for (int c = LK_CHANGE_COLUMNS; c < w->b.column_count; c++)
		if (c - LK_CHANGE_COLUMNS < w->base_count && lk_upsert_tells(w->t, w->b.schema.children[c]->name))
			lk_column_copy(&w->b.columns[c], r.base->children[c - LK_CHANGE_COLUMNS], r.base_at);
		else
			lk_column_null(&w->b.columns[c]);
	return end_row(w, err);
}

static enum lk_status write_all(struct wide *w, struct lk_upsert_rows *rows, struct lk_error *err)
{
	const struct ArrowArrayView *in;
	struct lk_upsert_form *form;
	bool any = false;
	enum lk_next next;

	LK_TRY(lk_upsert_rewind(rows, w->t, err));
	while ((next = lk_upsert_next(rows, &form, &in, err)) == LK_NEXT_BATCH) {
		struct row r = {.came = in};

		use_form(w, form);
		for (r.at = 0; r.at < in->length; r.at++)
			LK_TRY(write_row(w, &r, err));
		if (!any)
			LK_TRY(lk_writer_flush(w->out, w->t->name, &w->b, err));
		any = true;
	}
	if (next == LK_NEXT_ERROR)
		return err->status;
	for (size_t i = 0; i < w->t->vanished_count; i++)
		LK_TRY(write_vanished(w, &w->t->vanished[i], err));
	return w->b.rows ? lk_writer_flush(w->out, w->t->name, &w->b, err) : LK_OK;
}

enum lk_status lk_upsert_write_wide(struct lk_upserting *t, struct lk_upsert_rows *rows, struct lk_writer *out, struct lk_error *err)
{
	struct wide w = {.t = t, .out = out};
	enum lk_status status;

	for (int64_t i = 0; t->patches && i < t->rows; i++)
		lk_upsert_outcome(t, i); /* lists files, which lk.change names */
	status = make(&w, err);
	if (!status)
		status = open_base(&w, err);
	if (!status)
		status = write_all(&w, rows, err);
	lk_base_rows_close(w.base);
	lk_builder_release(&w.b);
	free(w.source);
	return status;
}
