#include "sql/content.h"

#include <stdlib.h>
#include <string.h>

#include "change/spec.h"

void lk_content_release(struct lk_row_content *content)
{
	for (size_t i = 0; i < content->count; i++)
		free(content->names[i]);
	free(content->names);
	*content = (struct lk_row_content){NULL};
}

bool lk_content_counts(const char *name)
{
	return !lk_column_is_trace(name);
}

bool lk_content_has(const struct lk_row_content *content, const char *name)
{
	for (size_t i = 0; i < content->count; i++)
		if (!strcmp(content->names[i], name))
			return true;
	return false;
}

bool lk_content_is_text(const char *type)
{
	enum lk_cells_kind kind;

	return lk_cells_kind_of(type, &kind) && kind == LK_CELLS_BYTES;
}

static enum lk_status note(struct lk_row_content *content, const char *name, struct lk_error *err)
{
	if (lk_content_has(content, name))
		return LK_OK;
	if (!lk_grow((void **)&content->names, &content->cap, content->count + 1, sizeof(*content->names)))
		return lk_error_nomem(err);
	content->names[content->count] = strdup(name);
	return content->names[content->count++] ? LK_OK : lk_error_nomem(err);
}

/* FNV-1a. */
static uint64_t seed_of(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return h;
}

/* A sum, so that order does not count; nulls add nothing. */
static void add_column(const char *name, const struct lk_cells *cells, int64_t count, uint64_t *out)
{
	uint64_t hash[LK_CONTENT_ROWS], seed = seed_of(name);
	struct lk_cells part = *cells;

	for (int64_t at = 0; at < count; at += LK_CONTENT_ROWS) {
		int64_t n = count - at < LK_CONTENT_ROWS ? count - at : LK_CONTENT_ROWS;

		part.offset = cells->offset + at;
		for (int64_t i = 0; i < n; i++)
			hash[i] = seed;
		lk_cells_hash(&part, n, hash);
		for (int64_t i = 0; i < n; i++)
			if (!lk_cells_is_null(&part, i))
				out[at + i] += hash[i];
	}
}

static const char *type_in(const struct lk_lake_table *table, const char *name)
{
	for (int i = 0; table && i < table->column_count; i++)
		if (!strcmp(table->columns[i].name, name))
			return table->columns[i].type;
	return NULL;
}

enum lk_status lk_content_arrow(struct lk_row_content *content, const struct lk_lake_table *table, const char *op, const struct ArrowSchema *schema,
	const struct ArrowArrayView *view, uint64_t *numbers, uint64_t *texts, struct lk_error *err)
{
	for (int64_t i = 0; i < schema->n_children; i++) {
		const char *name = schema->children[i]->name, *type = type_in(table, name);
		bool is_text;
		struct lk_cells cells;

		if (!lk_content_counts(name) || (op && !strcmp(name, op)))
			continue;
		LK_TRY(note(content, name, err));
		if (lk_cells_arrow(&cells, schema->children[i], view->children[i], type, err))
			return lk_error_prefix(err, "column %s", name);
		cells.offset += view->offset;
		is_text = type ? lk_content_is_text(type) : cells.kind == LK_CELLS_BYTES;
		add_column(name, &cells, view->length, is_text ? texts : numbers);
	}
	return LK_OK;
}

void lk_content_columns(const struct lk_lake_table *table, const int *columns, const struct lk_cells *cells, int column_count, int64_t count,
	uint64_t *out)
{
	memset(out, 0, (size_t)count * sizeof(*out));
	for (int i = 0; i < column_count; i++)
		add_column(table->columns[columns[i]].name, &cells[i], count, out);
}
