#include <stdlib.h>
#include <string.h>

#include "sql/scan.h"
#include "sql/upsert_inside.h"
#include "sql/view.h"

struct lk_base_rows {
	struct lk_upserting *t;
	struct lk_result *result;
	const struct ArrowArrayView *view; /* NULL: the next batch is to be had */
	int64_t row;
};

/* ---- telling DuckDB which rows ---- */

/* Places as a stream of batches, with their number. */
struct feed {
	const struct lk_base_place *places;
	size_t count, next;
	struct ArrowSchema schema;
};

static void lent_release(struct ArrowSchema *schema)
{
	schema->release = NULL;
}

/* DuckDB asks twice and releases neither, so the schema is lent and stays the feed's. */
static int feed_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	*out = ((struct feed *)stream->private_data)->schema;
	out->release = lent_release;
	return NANOARROW_OK;
}

static int fill(struct feed *f, struct ArrowArray *out)
{
	for (int n = 0; n < LK_BATCH_ROWS && f->next < f->count; n++, f->next++) {
		NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(out->children[0], f->places[f->next].file));
		NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(out->children[1], f->places[f->next].position));
		NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(out->children[2], (int64_t)f->next));
		NANOARROW_RETURN_NOT_OK(ArrowArrayFinishElement(out));
	}
	return ArrowArrayFinishBuildingDefault(out, NULL);
}

static int feed_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	struct feed *f = stream->private_data;
	int code;

	out->release = NULL;
	if (f->next == f->count)
		return NANOARROW_OK;
	NANOARROW_RETURN_NOT_OK(ArrowArrayInitFromSchema(out, &f->schema, NULL));
	code = ArrowArrayStartAppending(out);
	if (code == NANOARROW_OK)
		code = fill(f, out);
	if (code != NANOARROW_OK)
		ArrowArrayRelease(out);
	return code;
}

static const char *feed_error(struct ArrowArrayStream *stream)
{
	(void)stream;
	return "out of memory";
}

static void feed_release(struct ArrowArrayStream *stream)
{
	stream->release = NULL;
}

static enum lk_status load_places(struct lk_base_rows *b, const struct lk_base_place *places, size_t count, struct lk_error *err)
{
	static const struct lk_field fields[] = {{"file", LK_INT32}, {"pos", LK_INT64}, {"seq", LK_INT64}};
	struct feed feed = {.places = places, .count = count};
	struct ArrowArrayStream stream = {feed_schema, feed_next, feed_error, feed_release, &feed};
	const struct lk_upserting *t = b->t;
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(lk_schema_make(&feed.schema, fields, 3, NULL, err));
	lk_str_adds(&s, "CREATE OR REPLACE TEMP TABLE lk_wanted AS SELECT w.path, f.pos, f.seq FROM lk_wanted_feed f JOIN (VALUES ");
	for (int i = 0; i < t->goes_count; i++) {
		lk_str_adds(&s, i ? ", (" : "(");
		lk_sql_add_literal(&s, t->goes[i]->path);
		lk_str_addf(&s, ", %d)", i);
	}
	lk_str_adds(&s, ") w(path, file) ON w.file = f.file");
	status = lk_str_check(&s, err);
	if (!status && t->places->sql->duckdb.arrow_scan(t->places->sql->connection, "lk_wanted_feed", &stream))
		status = lk_error_set(err, LK_BUG, "DuckDB does not take places of rows");
	if (!status)
		status = lk_sql_run(t->places->sql, s.data, err);
	if (!status)
		status = lk_sql_run(t->places->sql, "DROP VIEW IF EXISTS lk_wanted_feed", err);
	lk_str_release(&s);
	ArrowSchemaRelease(&feed.schema);
	return status;
}

/* ---- asking for them ---- */

static enum lk_status add_select(const struct lk_upserting *t, const int *columns, int count, struct lk_str *s, struct lk_error *err)
{
	struct lk_lake_table only = *t->base;
	struct lk_str name = LK_STR_INIT;
	enum lk_status status;

	lk_str_adds(s, "SELECT ");
	for (int i = 0; i < count; i++) {
		lk_str_clear(&name);
		lk_scan_add_name(t->base, columns[i], &name);
		lk_str_adds(s, i ? ", l." : "l.");
		lk_sql_add_identifier(s, lk_str_text(&name));
	}
	lk_str_release(&name);
	only.files = calloc((size_t)t->goes_count + 1, sizeof(*only.files));
	if (!only.files)
		return lk_error_nomem(err);
	for (only.file_count = 0; only.file_count < t->goes_count; only.file_count++)
		only.files[only.file_count] = *t->goes[only.file_count];
	lk_str_adds(s, " FROM (");
	status = lk_sql_add_places(t->places->sql, &only, s, err);
	lk_str_adds(s, ") l JOIN lk_wanted v ON v.path = l.lk_path AND v.pos = l.lk_pos ORDER BY v.seq");
	free(only.files);
	return status ? status : lk_str_check(s, err);
}

static enum lk_status base_open(struct lk_base_rows *b, const struct lk_base_place *places, size_t count, const int *columns, int column_count,
	struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status = load_places(b, places, count, err);

	if (!status)
		status = add_select(b->t, columns, column_count, &s, err);
	if (!status)
		status = lk_result_select(&b->result, b->t->places->sql, s.data, true, err);
	lk_str_release(&s);
	return status;
}

enum lk_status lk_base_rows_open(struct lk_base_rows **out, struct lk_upserting *t, const struct lk_base_place *places, size_t count,
	const int *columns, int column_count, struct lk_error *err)
{
	struct lk_base_rows *b = calloc(1, sizeof(*b));
	enum lk_status status;

	*out = NULL;
	if (!b)
		return lk_error_nomem(err);
	b->t = t;
	status = count ? base_open(b, places, count, columns, column_count, err) : LK_OK;
	if (status)
		lk_base_rows_close(b);
	else
		*out = b;
	return status;
}

enum lk_status lk_base_rows_next(struct lk_base_rows *b, const struct ArrowArrayView **view, int64_t *row, struct lk_error *err)
{
	enum lk_next next;

	while (!b->view || b->row == b->view->length) {
		b->row = 0;
		b->view = NULL;
		next = b->result ? lk_result_next(b->result, &b->view, err) : LK_NEXT_END;
		if (next == LK_NEXT_ERROR)
			return err->status;
		if (next == LK_NEXT_END)
			return lk_error_set(err, LK_BUG, "a row that was found in the table is not there when it is read");
	}
	*view = b->view;
	*row = b->view->offset + b->row++;
	return LK_OK;
}

const struct ArrowSchema *lk_base_rows_schema(const struct lk_base_rows *b)
{
	return lk_result_schema(b->result);
}

void lk_base_rows_close(struct lk_base_rows *b)
{
	if (!b)
		return;
	lk_result_close(b->result);
	free(b);
}

/* ---- values ---- */

static lk_int128 decimal_at(const struct ArrowArrayView *from, int64_t row)
{
	const uint8_t *data = from->buffer_views[1].data.as_uint8;
	int64_t width = from->layout.element_size_bits[1] / 8;
	lk_int128 value = 0;

	row += from->offset;
	if (width == 16)
		memcpy(&value, data + 16 * row, 16);
	else
		value = width == 8 ? from->buffer_views[1].data.as_int64[row] : from->buffer_views[1].data.as_int32[row];
	return value;
}

void lk_column_copy(struct lk_column *to, const struct ArrowArrayView *from, int64_t row)
{
	struct ArrowBufferView bytes;

	if (ArrowArrayViewIsNull(from, row)) {
		lk_column_null(to);
		return;
	}
	switch (to->type) {
	case LK_BOOL: lk_column_bool(to, ArrowArrayViewGetIntUnsafe(from, row)); break;
	case LK_INT32:
	case LK_DATE32: lk_column_int32(to, (int32_t)ArrowArrayViewGetIntUnsafe(from, row)); break;
	case LK_INT64:
	case LK_TIME64:
	case LK_TIMESTAMP:
	case LK_TIMESTAMPTZ: lk_column_int64(to, ArrowArrayViewGetIntUnsafe(from, row)); break;
	case LK_FLOAT64: lk_column_float64(to, ArrowArrayViewGetDoubleUnsafe(from, row)); break;
	case LK_DECIMAL128: lk_column_decimal(to, decimal_at(from, row)); break;
	default:
		bytes = ArrowArrayViewGetBytesUnsafe(from, row);
		lk_column_bytes(to, bytes.data.data, (size_t)bytes.size_bytes);
	}
}
