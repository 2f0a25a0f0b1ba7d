#include <stdlib.h>
#include <string.h>

#include "sql/upsert_inside.h"

/*
 * Several patches of a key in one stream. The newest is the one that is written; an older one counts as well where it has columns that the
 * newest does not have, or deletes the key.
 */
struct lk_upsert_patches {
	struct lk_upsert_link *links;
	size_t count, cap;
	bool sorted;
	struct lk_str versions;
	struct values { /* of the links of a form */
		const struct lk_upsert_form *form;
		struct lk_builder b; /* the form's columns behind the marks */
		const struct ArrowArrayView *view;
	} *values;
	size_t value_count, value_cap;
};

void lk_upsert_patches_free(struct lk_upsert_patches *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->value_count; i++)
		lk_builder_release(&p->values[i].b);
	free(p->values);
	free(p->links);
	lk_str_release(&p->versions);
	free(p);
}

/* ---- collecting ---- */

static enum lk_status make_values(struct values *v, const struct lk_upsert_form *f, struct lk_error *err)
{
	int64_t count = f->out.n_children - LK_CHANGE_COLUMNS;
	struct lk_field *fields = calloc((size_t)count + 1, sizeof(*fields));
	enum lk_status status = fields ? LK_OK : lk_error_nomem(err);

	*v = (struct values){.form = f};
	for (int64_t i = 0; !status && i < count; i++) {
		const struct ArrowSchema *column = f->out.children[LK_CHANGE_COLUMNS + i];

		fields[i].name = column->name;
		fields[i].type = lk_type_of(column, &fields[i].precision, &fields[i].scale);
		if (fields[i].type == LK_OTHER)
			status = lk_error_set(err, LK_DATA, "column %s is of a type that lk does not write", column->name);
	}
	if (!status)
		status = lk_builder_init(&v->b, fields, (int)count, NULL, err);
	free(fields);
	return status;
}

static enum lk_status values_of(struct lk_upsert_patches *p, const struct lk_upsert_form *f, struct values **out, struct lk_error *err)
{
	for (size_t i = 0; i < p->value_count; i++)
		if (p->values[i].form == f) {
			*out = &p->values[i];
			return LK_OK;
		}
	if (!lk_grow((void **)&p->values, &p->value_cap, p->value_count + 1, sizeof(**out)))
		return lk_error_nomem(err);
	*out = &p->values[p->value_count];
	LK_TRY(make_values(*out, f, err));
	p->value_count++;
	return LK_OK;
}

/* The form of a candidate. */
static const struct lk_upsert_form *form_of(const struct lk_upserting *t, int64_t candidate)
{
	size_t low = 0, high = t->batch_count;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (t->batches[middle].first <= candidate)
			low = middle;
		else
			high = middle;
	}
	return t->batches[low].form;
}

static bool has_all(const struct lk_upsert_form *f, const struct lk_upsert_form *of)
{
	for (int64_t i = LK_CHANGE_COLUMNS; i < of->out.n_children; i++)
		if (lk_schema_find(&f->out, of->out.children[i]->name) < 0)
			return false;
	return true;
}

/* A batch in which patches are looked for. */
struct batch {
	const struct lk_upsert_form *form;
	const struct ArrowArrayView *in;
	struct lk_version_cells version;
	int op; /* its column, or -1 */
};

static bool deletes(const struct batch *b, int64_t row)
{
	struct ArrowStringView word;

	if (b->op < 0 || ArrowArrayViewIsNull(b->in->children[b->op], row))
		return false;
	word = ArrowArrayViewGetStringUnsafe(b->in->children[b->op], row);
	return lk_op_of(word.data, (size_t)word.size_bytes) == 'D';
}

static enum lk_status copy_values(struct lk_upsert_patches *p, const struct batch *b, int64_t row, struct lk_upsert_link *link, struct lk_error *err)
{
	struct values *v = NULL;

	LK_TRY(values_of(p, b->form, &v, err));
	link->row = v->b.rows;
	for (int c = 0; c < v->b.column_count; c++)
		lk_column_copy(&v->b.columns[c], b->in->children[b->form->column[c]], row);
	return lk_builder_end_row(&v->b, err);
}

static size_t bytes_held(const struct lk_upsert_patches *p)
{
	size_t bytes = p->versions.len + p->count * sizeof(*p->links);

	for (size_t i = 0; i < p->value_count; i++)
		bytes += lk_builder_bytes(&p->values[i].b);
	return bytes;
}

static enum lk_status add_link(struct lk_upserting *t, const struct batch *b, int64_t row, int64_t candidate, struct lk_error *err)
{
	struct lk_upsert_patches *p = t->patches;
	struct lk_upsert_link link = {.newest = lk_resolver_newest(t->resolver, candidate), .version = p->versions.len, .form = b->form,
		.deletes = deletes(b, row)};
	const void *deleted;
	size_t len;

	if (!link.deletes && has_all(form_of(t, link.newest), b->form))
		return LK_OK;
	lk_version_encode(&b->version, t->spec.load, row, candidate, &p->versions);
	LK_TRY(lk_str_check(&p->versions, err));
	link.version_len = p->versions.len - link.version;
	if (lk_resolver_deleted(t->resolver, candidate, &deleted, &len) &&
		lk_version_compare(p->versions.data + link.version, link.version_len, deleted, len) < 0)
		return LK_OK;
	if (!link.deletes)
		LK_TRY(copy_values(p, b, row, &link, err));
	if (!lk_grow((void **)&p->links, &p->cap, p->count + 1, sizeof(link)))
		return lk_error_nomem(err);
	p->links[p->count++] = link;
	if (bytes_held(p) > t->o->memory_bytes)
		return lk_error_set(err, LK_MISSING, "patches of different columns of one key take more than --memory");
	return LK_OK;
}

static const char *order_type(const struct lk_upserting *t)
{
	for (int c = 0; t->base && t->spec.order && c < t->base->column_count; c++)
		if (!strcmp(t->base->columns[c].name, t->spec.order))
			return t->base->columns[c].type;
	return NULL;
}

static enum lk_status collect_batch(struct lk_upserting *t, struct batch *b, int64_t first, struct lk_error *err)
{
	bool looked = false;

	for (int64_t row = 0; row < b->in->length; row++) {
		const struct lk_lake_file *file;
		int64_t position;

		if (lk_resolver_verdict(t->resolver, first + row, &file, &position) != LK_VERDICT_REPEATED)
			continue;
		if (!looked)
			LK_TRY(lk_version_columns(&b->version, &t->spec, order_type(t), &b->form->in, b->in, err));
		looked = true;
		LK_TRY(add_link(t, b, row, first + row, err));
	}
	return LK_OK;
}

enum lk_status lk_upsert_collect(struct lk_upserting *t, struct lk_upsert_rows *rows, struct lk_error *err)
{
	struct lk_upsert_form *form;
	const struct ArrowArrayView *in;
	int64_t first = 0;
	enum lk_next next;

	if (!t->o->patch || (t->form_count < 2 && !t->spec.op))
		return LK_OK;
	if (!t->patches)
		t->patches = calloc(1, sizeof(*t->patches));
	if (!t->patches)
		return lk_error_nomem(err);
	LK_TRY(lk_upsert_rewind(rows, t, err));
	while ((next = lk_upsert_next(rows, &form, &in, err)) == LK_NEXT_BATCH) {
		struct batch b = {.form = form, .in = in, .op = t->spec.op ? lk_schema_find(&form->in, t->spec.op) : -1};

		LK_TRY(collect_batch(t, &b, first, err));
		first += in->length;
	}
	return next == LK_NEXT_ERROR ? err->status : LK_OK;
}

/* ---- looking ---- */

static int by_newest(const void *a, const void *b, void *context)
{
	const struct lk_upsert_link *x = a, *y = b;
	const char *versions = context;

	if (x->newest != y->newest)
		return x->newest < y->newest ? -1 : 1;
	return lk_version_compare(versions + y->version, y->version_len, versions + x->version, x->version_len);
}

static enum lk_status sort(struct lk_upsert_patches *p, struct lk_error *err)
{
	if (p->sorted)
		return LK_OK;
	if (p->count)
		qsort_r(p->links, p->count, sizeof(*p->links), by_newest, p->versions.data);
	for (size_t i = 0; i < p->value_count; i++)
		LK_TRY(lk_builder_view(&p->values[i].b, &p->values[i].view, err));
	p->sorted = true;
	return LK_OK;
}

enum lk_status lk_upsert_links(struct lk_upserting *t, int64_t candidate, const struct lk_upsert_link **links, size_t *count, struct lk_error *err)
{
	struct lk_upsert_patches *p = t->patches;
	size_t low = 0, high;

	*count = 0;
	if (!p || !p->count)
		return LK_OK;
	LK_TRY(sort(p, err));
	for (high = p->count; low < high;) {
		size_t middle = (low + high) / 2;

		if (p->links[middle].newest < candidate)
			low = middle + 1;
		else
			high = middle;
	}
	*links = &p->links[low];
	while (low + *count < p->count && p->links[low + *count].newest == candidate)
		++*count;
	return LK_OK;
}

enum lk_status lk_upsert_live_links(struct lk_upserting *t, const struct lk_upsert_link *links, size_t *count, const struct ArrowSchema *schema,
	const struct ArrowArrayView *base, int64_t row, struct lk_error *err)
{
	struct lk_version_cells cells;
	struct lk_str version = LK_STR_INIT;
	enum lk_status status;
	size_t live = 0;

	LK_TRY(lk_version_columns(&cells, &t->spec, order_type(t), schema, base, err));
	lk_version_encode(&cells, t->spec.load, row, -1, &version);
	status = lk_str_check(&version, err);
	while (!status && live < *count && lk_version_compare(t->patches->versions.data + links[live].version, links[live].version_len,
						   version.data, version.len) > 0)
		live++;
	*count = live;
	lk_str_release(&version);
	return status;
}

bool lk_upsert_link_value(const struct lk_upserting *t, const struct lk_upsert_link *link, const char *column, const struct ArrowArrayView **view)
{
	const struct lk_upsert_patches *p = t->patches;
	int at = lk_schema_find(&link->form->out, column);

	for (size_t i = 0; at >= LK_CHANGE_COLUMNS && i < p->value_count; i++)
		if (p->values[i].form == link->form) {
			*view = p->values[i].view->children[at - LK_CHANGE_COLUMNS];
			return true;
		}
	return false;
}
