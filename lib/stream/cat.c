#include "stream/cat.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stream/side.h"
#include "stream/stream.h"

struct seen {
	char *table;
	int64_t rows, shown;
	struct ArrowSchema schema; /* of its last stream */
};

struct lk_cat {
	struct lk_cat_options options;
	struct seen *seen;
	size_t seen_count, seen_cap;
	size_t one_index; /* the table that came first, or that was asked for */
	bool has_one;
	bool left_out; /* a side table */

	struct lk_reader *reader; /* one for all inputs */
	struct lk_formatter *formatter;
	size_t formatted; /* the table it is at */
	int titles;	  /* aligned tables so far */
	struct lk_writer *writer;
	struct lk_builder report; /* of --schema and --count */
};

static const struct lk_field schema_fields[] = {
	{"table", LK_UTF8, .required = true},
	{"column", LK_UTF8},
	{"type", LK_UTF8},
	{"nullable", LK_BOOL},
	{"metadata", LK_UTF8},
};

static const struct lk_field count_fields[] = {
	{"table", LK_UTF8, .required = true},
	{"rows", LK_INT64, .required = true},
};

static enum lk_status open_impl(struct lk_cat *c, struct lk_error *err)
{
	const struct lk_cat_options *o = &c->options;

	if (o->what == LK_CAT_SCHEMA)
		return lk_builder_init(&c->report, schema_fields, 5, NULL, err);
	if (o->what == LK_CAT_COUNT)
		return lk_builder_init(&c->report, count_fields, 2, NULL, err);
	if (o->as || o->format == LK_FORMAT_ARROW)
		return lk_writer_open(&c->writer, o->fd, o->out_name, !o->as, err);
	return LK_OK;
}

enum lk_status lk_cat_open(struct lk_cat **out, const struct lk_cat_options *options, struct lk_error *err)
{
	struct lk_cat *c = calloc(1, sizeof(*c));
	enum lk_status status;

	*out = NULL;
	if (!c)
		return lk_error_nomem(err);
	c->options = *options;
	status = open_impl(c, err);
	if (status)
		lk_cat_abort(c);
	else
		*out = c;
	return status;
}

void lk_cat_abort(struct lk_cat *c)
{
	if (!c)
		return;
	lk_reader_close(c->reader);
	lk_formatter_abort(c->formatter);
	lk_writer_abort(c->writer);
	lk_builder_release(&c->report);
	for (size_t i = 0; i < c->seen_count; i++) {
		free(c->seen[i].table);
		if (c->seen[i].schema.release)
			ArrowSchemaRelease(&c->seen[i].schema);
	}
	free(c->seen);
	free(c);
}

/* ---- which table ---- */

static bool room_for_all(const struct lk_cat_options *o)
{
	return o->what != LK_CAT_ROWS || (o->format == LK_FORMAT_TABLE && !o->as);
}

/* Travels beside data in a segment. A plain stream has one table, which is what there is of it. */
static bool is_beside(const struct lk_batch *batch)
{
	struct ArrowStringView segment;

	return lk_meta_get(batch->schema, LK_META_SEGMENT, &segment) &&
	       (!strcmp(batch->table, LK_TABLE_FILES) || !strcmp(batch->table, LK_TABLE_REJECTS) ||
		       !strcmp(batch->table, LK_TABLE_REPLAYED) || !strcmp(batch->table, LK_TABLE_VERSIONS));
}

static bool wanted(struct lk_cat *c, const struct lk_batch *batch)
{
	const struct lk_cat_options *o = &c->options;

	if (o->table)
		return lk_table_is_named(batch->table, o->table);
	if (room_for_all(o) || !is_beside(batch))
		return true;
	c->left_out = true;
	return false;
}

static enum lk_status find_seen(struct lk_cat *c, const char *table, size_t *index, struct lk_error *err)
{
	for (*index = c->seen_count; (*index)-- > 0;)
		if (!strcmp(c->seen[*index].table, table))
			return LK_OK;
	*index = c->seen_count;
	if (!lk_grow((void **)&c->seen, &c->seen_cap, c->seen_count + 1, sizeof(*c->seen)))
		return lk_error_nomem(err);
	c->seen[*index] = (struct seen){.table = strdup(table)};
	if (!c->seen[*index].table)
		return lk_error_nomem(err);
	c->seen_count++;
	return LK_OK;
}

/* Where only one table has room: that it is the one that came first. */
static enum lk_status choose(struct lk_cat *c, size_t index, struct lk_error *err)
{
	const struct lk_cat_options *o = &c->options;

	if (!c->has_one) {
		c->has_one = true;
		c->one_index = index;
	}
	if (c->one_index == index || (room_for_all(o) && !o->table))
		return LK_OK;
	if (o->table)
		return lk_error_set(err, LK_USAGE, "'%s' is both '%s' and '%s': option -t takes the whole name", o->table,
			c->seen[c->one_index].table, c->seen[index].table);
	return lk_error_set(err, LK_USAGE, "there are several tables, '%s' and '%s': option -t chooses one",
		c->seen[c->one_index].table, c->seen[index].table);
}

/* ---- rows ---- */

static enum lk_status close_formatter(struct lk_cat *c, struct lk_error *err)
{
	struct lk_formatter *f = c->formatter;

	c->formatter = NULL;
	return f ? lk_formatter_close(f, err) : LK_OK;
}

static enum lk_status open_formatter(struct lk_cat *c, size_t index, const struct ArrowSchema *schema,
	struct lk_error *err)
{
	const struct lk_cat_options *o = &c->options;
	const char *title = c->seen[index].table;

	LK_TRY(close_formatter(c, err));
	if (c->titles++ && o->format == LK_FORMAT_TABLE && fputc('\n', o->out) == EOF)
		return lk_error_sys(err, LK_IO, "cannot write '%s'", o->out_name);
	c->formatted = index;
	return lk_formatter_open(&c->formatter, o->format, o->out, *title ? title : NULL, schema, err);
}

/* A formatter for the table, which knows the schema. */
static enum lk_status want_formatter(struct lk_cat *c, size_t index, const struct ArrowSchema *schema, bool changed,
	struct lk_error *err)
{
	enum lk_status status;

	if (c->formatter && c->formatted == index && !changed)
		return LK_OK;
	if (!c->formatter || c->options.format == LK_FORMAT_TABLE)
		return open_formatter(c, index, schema, err);
	status = lk_formatter_schema(c->formatter, schema, err);
	return status == LK_DATA ? lk_error_prefix(err, "table '%s'", c->seen[index].table) : status;
}

static enum lk_status write_rows(struct lk_cat *c, struct lk_batch *batch, const struct ArrowArrayView *view,
	struct lk_error *err)
{
	const char *table = c->options.as ? c->options.as : batch->table;

	if (view->length < batch->rows)
		return lk_writer_batch(c->writer, table, batch->schema, view, err);
	batch->table = table;
	return lk_writer_pass(c->writer, batch, err);
}

static enum lk_status show_rows(struct lk_cat *c, size_t index, struct lk_batch *batch, bool changed,
	struct lk_error *err)
{
	struct ArrowArrayView view = *batch->view; /* shorter where only the first rows are asked for */
	struct seen *s = &c->seen[index];

	if (c->options.head >= 0 && view.length > c->options.head - s->shown)
		view.length = c->options.head - s->shown;
	if (!view.length && s->shown) /* of an empty table the heading is shown */
		return LK_OK;
	s->shown += view.length;
	if (c->writer)
		return write_rows(c, batch, &view, err);
	LK_TRY(want_formatter(c, index, batch->schema, changed, err));
	return lk_formatter_batch(c->formatter, &view, err);
}

/* ---- reports ---- */

static bool is_key(struct ArrowStringView key, const char *wanted)
{
	return (size_t)key.size_bytes == strlen(wanted) && !memcmp(key.data, wanted, strlen(wanted));
}

/* The lk. keys and values as a JSON object, but for those that name table and segment; nothing when there are none. */
static void add_metadata(const struct ArrowSchema *schema, struct lk_str *out)
{
	struct ArrowMetadataReader reader;
	struct ArrowStringView key, value;

	if (ArrowMetadataReaderInit(&reader, schema->metadata) != NANOARROW_OK)
		return;
	while (ArrowMetadataReaderRead(&reader, &key, &value) == NANOARROW_OK) {
		if (key.size_bytes < 3 || memcmp(key.data, "lk.", 3) || is_key(key, LK_META_TABLE) ||
			is_key(key, LK_META_SEGMENT))
			continue;
		lk_str_adds(out, out->len ? "," : "{");
		lk_str_add_json(out, key.data, (size_t)key.size_bytes);
		lk_str_addc(out, ':');
		lk_str_add_json(out, value.data, (size_t)value.size_bytes);
	}
	if (out->len)
		lk_str_addc(out, '}');
}

/* A row for the column, or for the table itself when column is NULL. */
static enum lk_status report_column(struct lk_cat *c, const char *table, const struct ArrowSchema *schema,
	const struct ArrowSchema *column, struct lk_error *err)
{
	struct lk_column *out = c->report.columns;
	struct lk_str type = LK_STR_INIT, metadata = LK_STR_INIT;
	enum lk_status status = LK_OK;

	add_metadata(column ? column : schema, &metadata);
	if (column || metadata.len) {
		lk_column_text(&out[0], table);
		lk_column_text(&out[1], column ? column->name ? column->name : "" : NULL);
		if (column) {
			lk_type_name(column, &type);
			lk_column_text(&out[2], lk_str_text(&type));
			lk_column_bool(&out[3], column->flags & ARROW_FLAG_NULLABLE);
		} else {
			lk_column_null(&out[2]);
			lk_column_null(&out[3]);
		}
		lk_column_text(&out[4], metadata.len ? lk_str_text(&metadata) : NULL);
		status = lk_builder_end_row(&c->report, err);
	}
	lk_str_release(&type);
	lk_str_release(&metadata);
	return status;
}

static enum lk_status report_schema(struct lk_cat *c, const char *table, const struct ArrowSchema *schema,
	struct lk_error *err)
{
	LK_TRY(report_column(c, table, schema, NULL, err));
	for (int64_t i = 0; i < schema->n_children; i++)
		LK_TRY(report_column(c, table, schema, schema->children[i], err));
	return LK_OK;
}

static enum lk_status report_counts(struct lk_cat *c, struct lk_error *err)
{
	for (size_t i = 0; i < c->seen_count; i++) {
		lk_column_text(&c->report.columns[0], c->seen[i].table);
		lk_column_int64(&c->report.columns[1], c->seen[i].rows);
		LK_TRY(lk_builder_end_row(&c->report, err));
	}
	return LK_OK;
}

static enum lk_status show_report(struct lk_cat *c, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	if (c->options.what == LK_CAT_COUNT)
		LK_TRY(report_counts(c, err));
	LK_TRY(lk_builder_view(&c->report, &view, err));
	LK_TRY(lk_formatter_open(&c->formatter, c->options.format, c->options.out, NULL, &c->report.schema, err));
	return lk_formatter_batch(c->formatter, view, err);
}

/* ---- inputs ---- */

/* Whether the table's schema is not the one it had before, which is then kept. */
static enum lk_status note_schema(struct seen *s, const struct ArrowSchema *schema, bool *changed, struct lk_error *err)
{
	*changed = !s->schema.release || !lk_schema_equal(&s->schema, schema);
	if (!*changed)
		return LK_OK;
	if (s->schema.release)
		ArrowSchemaRelease(&s->schema);
	return lk_arrow_status(ArrowSchemaDeepCopy(schema, &s->schema), NULL, LK_BUG, "cannot copy a schema", err);
}

static enum lk_status take_batch(struct lk_cat *c, struct lk_batch *batch, struct lk_error *err)
{
	const struct lk_cat_options *o = &c->options;
	bool changed;
	size_t index;

	if (!wanted(c, batch))
		return LK_OK;
	LK_TRY(find_seen(c, batch->table, &index, err));
	LK_TRY(choose(c, index, err));
	LK_TRY(note_schema(&c->seen[index], batch->schema, &changed, err));
	c->seen[index].rows += batch->rows;
	if (o->what == LK_CAT_ROWS)
		return show_rows(c, index, batch, changed, err);
	return o->what == LK_CAT_SCHEMA && changed ? report_schema(c, batch->table, batch->schema, err) : LK_OK;
}

/* Whether all rows that were asked for are shown, so that nobody needs to read on. */
static bool satisfied(const struct lk_cat *c)
{
	const struct lk_cat_options *o = &c->options;

	return o->what == LK_CAT_ROWS && o->table && o->head >= 0 && c->has_one &&
		c->seen[c->one_index].shown >= o->head;
}

static enum lk_status read_all(struct lk_cat *c, struct lk_error *err)
{
	struct lk_batch batch;
	enum lk_next next = LK_NEXT_END;

	while (!satisfied(c) && (next = lk_reader_next(c->reader, &batch, err)) == LK_NEXT_BATCH)
		LK_TRY(take_batch(c, &batch, err));
	return next == LK_NEXT_ERROR ? err->status : LK_OK;
}

enum lk_status lk_cat_input(struct lk_cat *c, int fd, const char *name, struct lk_error *err)
{
	if (satisfied(c))
		return LK_OK;
	if (c->reader)
		LK_TRY(lk_reader_continue(c->reader, fd, name, err));
	else
		LK_TRY(lk_reader_open(&c->reader, fd, name, LK_READER_PLAIN | LK_READER_ANY_FORM, err));
	return read_all(c, err);
}

static enum lk_status close_impl(struct lk_cat *c, struct lk_error *err)
{
	struct lk_writer *w = c->writer;

	if (c->options.table && !c->has_one)
		return lk_error_set(err, LK_NOINPUT, "there is no table '%s'", c->options.table);
	if (w && c->left_out && !c->has_one)
		return lk_error_set(err, LK_NOINPUT, "there are only tables that go beside data: option -t chooses one");
	if (w && !c->options.as && !c->has_one)
		return lk_error_set(err, LK_NOINPUT, "there is no table to write");
	if (c->options.what != LK_CAT_ROWS)
		LK_TRY(show_report(c, err));
	LK_TRY(close_formatter(c, err));
	c->writer = NULL;
	return w ? lk_writer_close(w, err) : LK_OK;
}

enum lk_status lk_cat_close(struct lk_cat *c, struct lk_error *err)
{
	enum lk_status status = close_impl(c, err);

	lk_cat_abort(c);
	return status;
}
