#include "sql/against.h"

#include <stdlib.h>
#include <string.h>

#include "lake/list.h"
#include "sql/resolve.h"

struct lk_against {
	struct lk_lake *lake;
	struct lk_pin pin;
	bool pinned;
	struct lk_places places;
	/* the table that is asked about */
	struct lk_lake_table base;
	struct lk_spec spec;
	struct lk_resolver_options options;
	struct lk_resolver *resolver;
	bool *other; /* of each row: it has what the table has no column for */
	size_t other_cap;
	int64_t rows;
};

/* The table of the lake that a stream's is: in `main` where it has no namespace. */
static enum lk_status find(struct lk_against *a, const char *table, struct lk_lake_table **out, struct lk_error *err)
{
	struct lk_str name = LK_STR_INIT;
	enum lk_status status;

	lk_str_addf(&name, "%s%s", strchr(table, '.') ? "" : "main.", table);
	status = lk_str_check(&name, err);
	if (!status)
		status = lk_pin_find(&a->pin, name.data, out, err);
	lk_str_release(&name);
	return status;
}

static enum lk_status begin(void *self, const char *table, const struct lk_spec *spec, bool *is_there, struct lk_error *err)
{
	struct lk_against *a = self;
	struct lk_lake_table *found = NULL;
	struct lk_error why;
	enum lk_status status = find(a, table, &found, &why);

	*is_there = !status;
	a->rows = 0;
	lk_resolver_close(a->resolver);
	a->resolver = NULL;
	if (status == LK_NOINPUT)
		return LK_OK;
	if (status) {
		*err = why;
		return status;
	}
	a->base = *found;
	LK_TRY(lk_lake_table_load_at(&a->pin, &a->base, NULL, LK_LOAD_METRICS, err));
	/* whether lists are complete is not asked; a column of operations is stored where rows are only added */
	a->spec = (struct lk_spec){.load = spec->key_count ? LK_LOAD_UPSERT : LK_LOAD_APPEND, .key = spec->key, .key_count = spec->key_count,
		.op = spec->load == LK_LOAD_APPEND ? NULL : spec->op, .limit = spec->limit};
	a->options = (struct lk_resolver_options){.spec = &a->spec, .base = &a->base, .passes = 1, .alike = true};
	LK_TRY(lk_places_open(&a->places, err));
	return lk_resolver_open(&a->resolver, &a->places, &a->options, err);
}

static bool has_column(const struct lk_against *a, const char *name)
{
	return lk_column_is_trace(name) || (a->spec.op && !strcmp(a->spec.op, name)) || lk_places_has_column(&a->base, name);
}

static enum lk_status take(void *self, const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
{
	struct lk_against *a = self;
	bool *other;

	if (!lk_grow((void **)&a->other, &a->other_cap, (size_t)(a->rows + view->length), sizeof(*a->other)))
		return lk_error_nomem(err);
	other = a->other + a->rows;
	memset(other, 0, (size_t)view->length * sizeof(*other));
	for (int64_t c = 0; c < schema->n_children; c++)
		for (int64_t i = 0; !has_column(a, schema->children[c]->name) && i < view->length; i++)
			other[i] |= !ArrowArrayViewIsNull(view->children[c], i);
	a->rows += view->length;
	return lk_resolver_take(a->resolver, schema, view, err);
}

static enum lk_status run(void *self, struct lk_error *err)
{
	return lk_resolver_run(((struct lk_against *)self)->resolver, err);
}

static bool has(void *self, int64_t row)
{
	const struct lk_against *a = self;
	const struct lk_lake_file *file;
	int64_t position;

	return !a->other[row] && lk_resolver_verdict(a->resolver, row, &file, &position) == LK_VERDICT_UNCHANGED;
}

enum lk_status lk_against_open(struct lk_against **out, const char *path, struct lk_dedup_against *dedup, struct lk_error *err)
{
	struct lk_against *a = calloc(1, sizeof(*a));
	enum lk_status status;

	*out = NULL;
	if (!a)
		return lk_error_nomem(err);
	status = lk_lake_open(&a->lake, path, LK_LAKE_READONLY, err);
	if (!status)
		status = lk_lake_pin(a->lake, &a->pin, err);
	a->pinned = !status;
	if (status) {
		lk_against_close(a);
		return status;
	}
	*dedup = (struct lk_dedup_against){a, begin, take, run, has};
	*out = a;
	return LK_OK;
}

void lk_against_close(struct lk_against *a)
{
	if (!a)
		return;
	lk_resolver_close(a->resolver);
	lk_places_close(&a->places);
	if (a->pinned)
		lk_pin_release(&a->pin);
	lk_lake_close(a->lake);
	free(a->other);
	free(a);
}
