/* Surrogate keys for the rows of a stream: writing it, with the columns that they are in. */
#include <stdlib.h>

#include "sql/surrogate_inside.h"

/* What is written of one Arrow stream. */
struct output {
	struct ArrowSchema schema;
	int at; /* where the new columns are */
	struct lk_builder b;
	struct ArrowArrayView **children;
};

static void output_release(struct output *o)
{
	if (o->schema.release)
		ArrowSchemaRelease(&o->schema);
	if (o->b.columns)
		lk_builder_release(&o->b);
	free(o->children);
	*o = (struct output){0};
}

/* ---- the schema ---- */

static enum lk_status make_builder(const char *const *columns, int count, struct lk_builder *b, struct lk_error *err)
{
	struct lk_field *fields = calloc((size_t)count + 1, sizeof(*fields));
	enum lk_status status;

	if (!fields)
		return lk_error_nomem(err);
	for (int i = 0; i < count; i++)
		fields[i] = (struct lk_field){columns[i], LK_INT64};
	status = lk_builder_init(b, fields, count, NULL, err);
	free(fields);
	return status;
}

static enum lk_status begin(struct output *o, struct lk_surrogates *s, const struct lk_batch *batch, struct lk_error *err)
{
	const char **columns = lk_arena_alloc(&s->arena, ((size_t)s->plan.count + 1) * sizeof(*columns));

	output_release(o);
	o->children = calloc((size_t)(batch->schema->n_children + s->plan.count) + 1, sizeof(*o->children));
	if (!o->children || !columns)
		return lk_error_nomem(err);
	for (int i = 0; i < s->plan.count; i++)
		columns[i] = s->plan.uses[i].rule->column;
	LK_TRY(make_builder(columns, s->plan.count, &o->b, err));
	return lk_surrogate_schema(batch->schema, columns, s->plan.count, &o->schema, &o->at, err);
}

/* ---- rows ---- */

/* Of the keys that a row has all have the same surrogate. */
static enum lk_status add_surrogate(struct lk_surrogates *s, const struct lk_surrogate_use *use, const struct lk_batch *batch, int64_t row,
	struct lk_column *column, struct lk_error *err)
{
	struct lk_surrogate_map *map = &s->maps[use->map];
	const struct lk_keymap_origin none = {.row = -1};
	int64_t surrogate;
	uint32_t entry;

	for (int i = 0; i < use->count; i++) {
		if (!lk_natural_encode(&use->naturals[i], batch->view, row, &s->key))
			continue;
		LK_TRY(lk_keymap_add(map->keys, use->number[i], &s->key, &none, &entry, err));
		if (lk_keymap_surrogate(map->keys, entry, &surrogate)) {
			lk_column_int64(column, surrogate);
			return LK_OK;
		}
		map->unknown++;
		break;
	}
	lk_column_null(column);
	return LK_OK;
}

static enum lk_status add_surrogates(struct lk_surrogates *s, struct output *o, const struct lk_batch *batch, struct lk_error *err)
{
	lk_builder_clear(&o->b);
	for (int64_t row = 0; row < batch->rows; row++) {
		for (int i = 0; i < s->plan.count; i++)
			LK_TRY(add_surrogate(s, &s->plan.uses[i], batch, row, &o->b.columns[i], err));
		LK_TRY(lk_builder_end_row(&o->b, err));
	}
	return lk_builder_check(&o->b, err);
}

/* The batch with the new columns between its own, none of which is copied. */
static enum lk_status write_batch(struct lk_surrogates *s, struct output *o, const struct lk_batch *batch, struct lk_writer *out,
	struct lk_error *err)
{
	int64_t count = batch->schema->n_children, added = s->plan.count;
	struct ArrowArrayView view = *batch->view;
	const struct ArrowArrayView *new;

	LK_TRY(lk_builder_view(&o->b, &new, err));
	for (int64_t i = 0; i < count + added; i++)
		o->children[i] = i < o->at ? view.children[i] : i < o->at + added ? new->children[i - o->at] : view.children[i - added];
	view.children = o->children;
	view.n_children = count + added;
	return lk_writer_batch(out, batch->table, &o->schema, &view, err);
}

static enum lk_status write_all(struct lk_surrogates *s, struct output *o, struct lk_writer *out, struct lk_error *err)
{
	struct lk_batch batch;
	enum lk_next next;

	s->plan.is_made = false;
	LK_TRY(lk_store_rewind(s->store, err));
	while ((next = lk_store_next(s->store, &batch, err)) == LK_NEXT_BATCH) {
		bool first = !s->plan.is_made || s->plan.stream != batch.stream;

		LK_TRY(lk_surrogates_plan(s, &batch, err));
		LK_TRY(lk_writer_count(out, batch.table, batch.rows, 0, NULL, err));
		if (!s->plan.count) {
			LK_TRY(lk_writer_pass(out, &batch, err));
			continue;
		}
		if (first)
			LK_TRY(begin(o, s, &batch, err));
		LK_TRY(add_surrogates(s, o, &batch, err));
		LK_TRY(write_batch(s, o, &batch, out, err));
	}
	return next == LK_NEXT_END ? LK_OK : err->status;
}

enum lk_status lk_surrogates_write(struct lk_surrogates *s, struct lk_writer *out, struct lk_error *err)
{
	struct output o = {0};
	enum lk_status status = write_all(s, &o, out, err);

	output_release(&o);
	return status;
}
