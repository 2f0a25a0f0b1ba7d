#include "change/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "change/cell_value.h"
#include "stream/format.h"

void lk_rows_release(struct lk_rows *r)
{
	for (size_t i = 0; i < r->count; i++) {
		struct lk_row_column *c = &r->columns[i];

		free(c->name);
		free(c->word);
		free(c->type);
		free(c->ends);
		lk_str_release(&c->text);
	}
	free(r->columns);
	free(r->cells);
	free(r->hash);
	free(r->column_hash);
	*r = (struct lk_rows){NULL};
}

/* ---- streams ---- */

void lk_rows_add_word(const struct ArrowSchema *schema, struct lk_str *out)
{
	struct ArrowSchemaView v;

	if (ArrowSchemaViewInit(&v, schema, NULL) != NANOARROW_OK)
		return;
	switch (v.type) {
	case NANOARROW_TYPE_BOOL: lk_str_adds(out, "boolean"); break;
	case NANOARROW_TYPE_INT8: case NANOARROW_TYPE_INT16: case NANOARROW_TYPE_INT32: case NANOARROW_TYPE_INT64:
	case NANOARROW_TYPE_UINT8: case NANOARROW_TYPE_UINT16: case NANOARROW_TYPE_UINT32: lk_str_adds(out, "long"); break;
	case NANOARROW_TYPE_FLOAT: case NANOARROW_TYPE_DOUBLE: lk_str_adds(out, "double"); break;
	case NANOARROW_TYPE_DATE32: lk_str_adds(out, "date"); break;
	case NANOARROW_TYPE_STRING: case NANOARROW_TYPE_LARGE_STRING: lk_str_adds(out, "string"); break;
	case NANOARROW_TYPE_BINARY: case NANOARROW_TYPE_LARGE_BINARY: case NANOARROW_TYPE_FIXED_SIZE_BINARY: lk_str_adds(out, "binary"); break;
	case NANOARROW_TYPE_DECIMAL32: case NANOARROW_TYPE_DECIMAL64: case NANOARROW_TYPE_DECIMAL128:
		lk_str_addf(out, "decimal(%d, %d)", v.decimal_precision, v.decimal_scale);
		break;
	case NANOARROW_TYPE_TIME32: case NANOARROW_TYPE_TIME64:
		lk_str_adds(out, v.time_unit == NANOARROW_TIME_UNIT_NANO ? "" : "time");
		break;
	case NANOARROW_TYPE_TIMESTAMP:
		lk_str_adds(out, v.time_unit == NANOARROW_TIME_UNIT_NANO ? "" : v.timezone && v.timezone[0] ? "timestamptz" : "timestamp");
		break;
	default: break;
	}
}

static enum lk_status copy(const struct lk_str *s, bool even_empty, char **out, struct lk_error *err)
{
	LK_TRY(lk_str_check(s, err));
	*out = s->len || even_empty ? strdup(lk_str_text(s)) : NULL;
	return *out || !(s->len || even_empty) ? LK_OK : lk_error_nomem(err);
}

static enum lk_status add_column(struct lk_rows *r, const struct ArrowSchema *schema, struct lk_error *err)
{
	struct lk_str word = LK_STR_INIT, type = LK_STR_INIT;
	struct lk_row_column *c;
	enum lk_status status;

	if (!lk_grow((void **)&r->columns, &r->cap, r->count + 1, sizeof(*r->columns)) ||
		!lk_grow((void **)&r->cells, &r->cell_cap, r->count + 1, sizeof(*r->cells)))
		return lk_error_nomem(err);
	c = &r->columns[r->count++];
	*c = (struct lk_row_column){.name = strdup(schema->name), .at = -1};
	lk_rows_add_word(schema, &word);
	lk_type_name(schema, &type);
	status = c->name ? copy(&word, false, &c->word, err) : lk_error_nomem(err);
	if (!status)
		status = copy(&type, true, &c->type, err);
	lk_str_release(&word);
	lk_str_release(&type);
	return status;
}

static struct lk_row_column *find_column(struct lk_rows *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->columns[i].name, name))
			return &r->columns[i];
	return NULL;
}

static enum lk_status check_type(const struct lk_row_column *c, const struct ArrowSchema *schema, struct lk_error *err)
{
	struct lk_str type = LK_STR_INIT;
	enum lk_status status;

	if (c->word)
		return LK_OK; /* lk_cells_arrow tells */
	lk_type_name(schema, &type);
	status = lk_str_check(&type, err);
	if (!status && strcmp(type.data, c->type))
		status = lk_error_set(err, LK_DATA, "column '%s' is of type %s, and of type %s before", c->name, type.data, c->type);
	lk_str_release(&type);
	return status;
}

enum lk_status lk_rows_stream(struct lk_rows *r, const struct ArrowSchema *schema, const char *const *names, int count, struct lk_error *err)
{
	for (size_t i = 0; i < r->count; i++)
		r->columns[i].at = -1;
	for (int i = 0; i < count; i++) {
		int at = lk_schema_find(schema, names[i]);
		struct lk_row_column *c;

		if (!find_column(r, names[i]))
			LK_TRY(add_column(r, schema->children[at], err));
		c = find_column(r, names[i]);
		c->at = at;
		c->json = false;
		LK_TRY(check_type(c, schema->children[at], err));
	}
	return LK_OK;
}

/* ---- batches ---- */

/* What has no word and is no cell: its JSON is. */
static enum lk_status fill_json(struct lk_row_column *c, const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_cells *cells,
	struct lk_error *err)
{
	size_t rows = (size_t)view->length;

	if (!lk_grow((void **)&c->ends, &c->end_cap, rows + 1, sizeof(*c->ends)))
		return lk_error_nomem(err);
	lk_str_clear(&c->text);
	c->ends[0] = 0;
	for (size_t i = 0; i < rows; i++) {
		lk_cell_json(schema, view, (int64_t)i, &c->text);
		c->ends[i + 1] = (int64_t)c->text.len;
	}
	*cells = (struct lk_cells){.kind = LK_CELLS_BYTES, .layout = LK_CELLS_TEXT64, .data = c->ends, .text = lk_str_text(&c->text), .factor = 1};
	return lk_str_check(&c->text, err);
}

static enum lk_status fill_cells(struct lk_row_column *c, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	struct lk_cells *cells, struct lk_error *err)
{
	if (c->at < 0) {
		*cells = (struct lk_cells){.kind = LK_CELLS_INT, .layout = LK_CELLS_NULL, .factor = 1};
		return LK_OK;
	}
	schema = schema->children[c->at];
	view = view->children[c->at];
	if (!c->json) {
		enum lk_status status = lk_cells_arrow(cells, schema, view, c->word, err);

		if (status != LK_DATA || c->word)
			return status;
		c->json = true;
	}
	return fill_json(c, schema, view, cells, err);
}

/* Sums of columns' hashes, each begun with a number of its own; null adds nothing. */
static void add_hashes(struct lk_rows *r, size_t column, int64_t rows)
{
	const struct lk_cells *c = &r->cells[column];

	if (c->layout == LK_CELLS_NULL)
		return;
	for (int64_t i = 0; i < rows; i++)
		r->column_hash[i] = column + 1;
	lk_cells_hash(c, rows, r->column_hash);
	if (!c->valid)
		for (int64_t i = 0; i < rows; i++)
			r->hash[i] += r->column_hash[i];
	else
		for (int64_t i = 0; i < rows; i++)
			r->hash[i] += lk_cell_is_valid(c, c->offset + i) ? r->column_hash[i] : 0;
}

enum lk_status lk_rows_batch(struct lk_rows *r, const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
{
	size_t rows = (size_t)view->length;

	if (!lk_grow((void **)&r->hash, &r->hash_cap, rows + 1, sizeof(*r->hash)) ||
		!lk_grow((void **)&r->column_hash, &r->column_hash_cap, rows + 1, sizeof(*r->column_hash)))
		return lk_error_nomem(err);
	memset(r->hash, 0, rows * sizeof(*r->hash));
	for (size_t i = 0; i < r->count; i++) {
		LK_TRY(fill_cells(&r->columns[i], schema, view, &r->cells[i], err));
		add_hashes(r, i, view->length);
	}
	return LK_OK;
}
