#include "sql/diff.h"

#include <stdlib.h>
#include <string.h>

#include "lake/at.h"
#include "lake/list.h"
#include "lake/metadata.h"
#include "lake/refs.h"
#include "sql/diff_inside.h"
#include "sql/view.h"
#include "stream/build.h"
#include "stream/side.h"

enum { TABLE, ADDED, REMOVED, CHANGED, COLUMNS, FILES };

static const struct lk_field stat_fields[] = {
	{.name = "table", .type = LK_UTF8, .required = true},
	{.name = "added", .type = LK_INT64, .required = true},
	{.name = "removed", .type = LK_INT64, .required = true},
	{.name = "changed", .type = LK_INT64},
	{.name = "columns", .type = LK_UTF8},
	{.name = "files", .type = LK_INT64, .required = true},
};

/* One table, on both sides. */
struct pair {
	const char *name;		/* with its namespace */
	struct lk_lake_table from, to;	/* copies; without the files that are the same */
	bool has_from, has_to;		/* the side has the table */
	struct lk_sql_touched touched;	/* files of both of which some rows come or go */
	struct lk_str unlike;		/* columns that one side alone has: +new -old */
	struct lk_sql_diff_columns columns;
};

struct diff {
	const struct lk_sql_diff_options *options;
	struct lk_lake *from_lake, *to_lake;
	struct lk_pin from_pin, to_pin;
	struct lk_lake_at from_at, to_at;
	struct lk_sql *sql;
	struct lk_sql_output *out;
	struct lk_builder stat;
	bool differs;
	int results; /* of rows, written */
};

/* ---- which tables ---- */

static bool has_snapshot(const struct lk_lake_table *t, int64_t id)
{
	return lk_metadata_snapshot(t->metadata, id) != NULL;
}

/* Whether a moment is one of just one table, which is not this one. */
static bool is_of_another(const struct lk_lake_at *at, const struct lk_lake_table *t)
{
	int64_t id;

	return at->text && at->kind == LK_AT_SNAPSHOT && !has_snapshot(t, at->snapshot_id) && !lk_refs_find(t->metadata, at->text, &id);
}

/* Whether the table lacks the branch or tag: of all tables, those have nothing to compare. */
static bool lacks_ref(const struct lk_lake_at *at, const struct lk_lake_table *t)
{
	int64_t id;

	return at->text && at->kind == LK_AT_REF && !lk_refs_find(t->metadata, at->text, &id);
}

static struct lk_lake_table *find_same(struct lk_pin *pin, const struct lk_lake_table *t)
{
	for (int i = 0; i < pin->table_count; i++)
		if (!strcmp(pin->tables[i].name, t->name) && !strcmp(pin->tables[i].namespace_name, t->namespace_name))
			return &pin->tables[i];
	return NULL;
}

/* ---- opening ---- */

/* As the table was at a time: nothing, before it had a snapshot. */
static enum lk_status open_time(struct lk_pin *pin, struct lk_lake_table *t, const struct lk_lake_at *at, struct lk_error *err)
{
	struct lk_lake_at snapshot = {.kind = LK_AT_SNAPSHOT, .text = at->text};
	int64_t ignored;
	bool exact;

	if (lk_refs_find(t->metadata, at->text, &ignored))
		return lk_lake_table_open(pin, t, at, err);
	lk_refs_main_at(t->metadata, at->time_ms, &snapshot.snapshot_id, &exact);
	if (exact && snapshot.snapshot_id < 0) {
		t->snapshot_id = -1;
		return LK_OK;
	}
	if (!exact)
		return lk_error_set(err, LK_DATA, "table %s.%s: what it was at %s has expired (lk-log shows what is left)", t->namespace_name,
			t->name, at->text);
	return lk_lake_table_open(pin, t, &snapshot, err);
}

/* Fills *out, a copy of the opened table, at the moment; *columns are those that it had then. */
static enum lk_status open_at(struct lk_pin *pin, const struct lk_lake_table *table, const struct lk_lake_at *at, struct lk_lake_table *out,
	struct lk_lake_table *then, struct lk_error *err)
{
	enum lk_status status;

	*out = *table;
	if (!at->text)
		status = lk_lake_table_open(pin, out, NULL, err);
	else if (at->kind == LK_AT_TIME)
		status = open_time(pin, out, at, err);
	else
		status = lk_lake_table_open(pin, out, at, err);
	*then = *out;
	out->columns = table->columns;
	out->column_count = table->column_count;
	return status;
}

/* ---- columns ---- */

static int find_name(const struct lk_lake_table *t, const char *name)
{
	for (int i = 0; i < t->column_count; i++)
		if (!strcmp(t->columns[i].name, name))
			return i;
	return -1;
}

static int find_id(const struct lk_lake_table *t, int32_t id)
{
	for (int i = 0; i < t->column_count; i++)
		if (t->columns[i].id == id)
			return i;
	return -1;
}

static bool has_column(const struct diff *d, const struct lk_lake_table *t, const struct lk_lake_column *c)
{
	return (d->from_lake == d->to_lake ? find_id(t, c->id) : find_name(t, c->name)) >= 0;
}

static void add_unlike(struct pair *p, char mark, const char *name)
{
	lk_str_addf(&p->unlike, "%s%c%s", p->unlike.len ? " " : "", mark, name);
}

static enum lk_status tell_columns(const struct diff *d, struct pair *p, const struct lk_lake_table *from,
	const struct lk_lake_table *to, struct lk_error *err)
{
	for (int i = 0; p->has_from && i < to->column_count; i++)
		if (!has_column(d, from, &to->columns[i]))
			add_unlike(p, '+', to->columns[i].name);
	for (int i = 0; p->has_to && i < from->column_count; i++)
		if (!has_column(d, to, &from->columns[i]))
			add_unlike(p, '-', from->columns[i].name);
	return lk_str_check(&p->unlike, err);
}

static enum lk_status choose_columns(const struct diff *d, struct pair *p, struct lk_error *err)
{
	const struct lk_sql_diff_options *o = d->options;
	struct lk_sql_diff_columns *c = &p->columns;

	c->items = calloc((size_t)p->to.column_count + 1, sizeof(*c->items));
	if (!c->items)
		return lk_error_nomem(err);
	for (int i = 0; i < p->to.column_count; i++) {
		const struct lk_lake_column *column = &p->to.columns[i];
		int from = find_name(&p->from, column->name);
		bool key = o->key ? lk_sql_diff_is_listed(o->key, column->name) : lk_sql_diff_is_key(&p->to, column);

		if (from < 0 || (lk_column_is_trace(column->name) && !o->trace && !key))
			continue;
		c->items[c->count++] = (struct lk_sql_diff_column){column->name, from, i, key ? LK_DIFF_KEY : LK_DIFF_VALUE};
		c->keys += key;
	}
	if (o->key)
		LK_TRY(lk_sql_diff_check_key(c, o->key, p->name, err));
	if (!c->count)
		return lk_error_set(err, LK_DATA, "the two sides of table %s have no column in common", p->name);
	return LK_OK;
}

/* ---- one table ---- */

static bool sides_differ(const struct pair *p)
{
	return p->from.file_count || p->to.file_count || p->touched.count;
}

static enum lk_status open_result(struct diff *d, struct pair *p, bool stat, struct lk_result **result, struct lk_error *err)
{
	bool exact = d->options->output.format == LK_FORMAT_ARROW || d->options->output.format == LK_FORMAT_PARQUET;
	struct lk_str s = LK_STR_INIT;
	struct lk_sql_diff_select select = {.form = stat ? LK_DIFF_STAT : LK_DIFF_ROWS, .columns = &p->columns,
		.from_count = p->from.column_count, .to_count = p->to.column_count};
	enum lk_status status = lk_sql_diff_views(d->sql, &p->from, &p->to, &p->touched, NULL, &select.sides, err);

	lk_sql_diff_add_select(&s, &select);
	if (!status)
		status = lk_str_check(&s, err);
	if (!status)
		status = lk_result_select(result, d->sql, s.data, exact, err);
	lk_str_release(&s);
	return status;
}

static enum lk_status write_rows(struct diff *d, struct pair *p, struct lk_result *result, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	enum lk_next next;
	bool begun = false;

	while ((next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH) {
		if (!view->length)
			continue;
		if (!begun && d->results++ && d->options->output.format != LK_FORMAT_ARROW)
			return lk_error_set(err, LK_USAGE, "several tables differ: name one with -t, or say --stat or -F arrow");
		if (!begun)
			LK_TRY(lk_sql_output_begin(d->out, p->name, lk_result_schema(result), err));
		begun = d->differs = true;
		LK_TRY(lk_sql_output_batch(d->out, view, err));
	}
	if (next != LK_NEXT_END)
		return err->status;
	return begun ? lk_sql_output_end(d->out, err) : LK_OK;
}

static enum lk_status diff_rows(struct diff *d, struct pair *p, struct lk_error *err)
{
	struct lk_result *result;
	enum lk_status status;

	if (p->unlike.len) {
		d->differs = true;
		if (d->options->say)
			d->options->say("table %s: columns of one side alone are not compared: %s", p->name, p->unlike.data);
	}
	if (!sides_differ(p))
		return LK_OK;
	LK_TRY(open_result(d, p, false, &result, err));
	status = write_rows(d, p, result, err);
	lk_result_close(result);
	return status;
}

static enum lk_status read_counts(struct lk_result *result, int64_t counts[3], struct lk_error *err)
{
	const struct ArrowArrayView *view;
	enum lk_next next;

	while ((next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH)
		for (int i = 0; view->length && i < 3; i++)
			counts[i] = ArrowArrayViewGetIntUnsafe(view->children[i], 0);
	return next == LK_NEXT_END ? LK_OK : err->status;
}

static int count_files(const struct pair *p)
{
	return p->from.file_count + p->to.file_count + p->touched.count;
}

static enum lk_status diff_stat(struct diff *d, struct pair *p, struct lk_error *err)
{
	struct lk_column *columns = d->stat.columns;
	int64_t counts[3] = {0};
	struct lk_result *result;
	enum lk_status status = LK_OK;

	if (sides_differ(p)) {
		LK_TRY(open_result(d, p, true, &result, err));
		status = read_counts(result, counts, err);
		lk_result_close(result);
	}
	if (status || (!counts[0] && !counts[1] && !counts[2] && !p->unlike.len))
		return status;
	d->differs = true;
	lk_column_text(&columns[TABLE], p->name);
	lk_column_int64(&columns[ADDED], counts[0]);
	lk_column_int64(&columns[REMOVED], counts[1]);
	if (p->columns.keys)
		lk_column_int64(&columns[CHANGED], counts[2]);
	else
		lk_column_null(&columns[CHANGED]);
	lk_column_text(&columns[COLUMNS], p->unlike.len ? p->unlike.data : NULL);
	lk_column_int64(&columns[FILES], count_files(p));
	return lk_builder_end_row(&d->stat, err);
}

/* A side that lacks the table has no rows of it. */
static void lend(struct lk_lake_table *to, const struct lk_lake_table *from)
{
	*to = *from;
	to->file_count = to->deletes_count = to->equality_count = 0;
}

static enum lk_status read_files(struct diff *d, struct pair *p, struct lk_error *err)
{
	if (d->from_lake == d->to_lake)
		return lk_sql_diff_load(&d->from_pin, &p->from, &p->to, 0, NULL, err);
	if (p->has_from)
		LK_TRY(lk_lake_table_read(&d->from_pin, &p->from, 0, NULL, err));
	return p->has_to ? lk_lake_table_read(&d->to_pin, &p->to, 0, NULL, err) : LK_OK;
}

static enum lk_status load_pair(struct diff *d, struct pair *p, const struct lk_lake_table *from, const struct lk_lake_table *to,
	struct lk_error *err)
{
	struct lk_lake_table from_then = {0}, to_then = {0};

	p->has_from = from != NULL;
	p->has_to = to != NULL;
	if (from)
		LK_TRY(open_at(&d->from_pin, from, &d->from_at, &p->from, &from_then, err));
	if (to)
		LK_TRY(open_at(&d->to_pin, to, &d->to_at, &p->to, &to_then, err));
	LK_TRY(read_files(d, p, err));
	if (!from)
		lend(&p->from, &p->to);
	if (!to)
		lend(&p->to, &p->from);
	LK_TRY(tell_columns(d, p, &from_then, &to_then, err));
	LK_TRY(lk_sql_diff_cancel(&p->from, &p->to, &p->touched, err));
	if (d->options->detail)
		d->options->detail("table %s: %d files are read", p->name, count_files(p));
	return choose_columns(d, p, err);
}

static enum lk_status diff_table(struct diff *d, struct lk_lake_table *from, struct lk_lake_table *to, struct lk_error *err)
{
	const struct lk_lake_table *any = from ? from : to;
	struct pair p = {.name = lk_arena_printf(&d->from_pin.arena, "%s.%s", any->namespace_name, any->name)};
	enum lk_status status = p.name ? load_pair(d, &p, from, to, err) : lk_error_nomem(err);

	if (!status)
		status = d->options->stat ? diff_stat(d, &p, err) : diff_rows(d, &p, err);
	lk_str_release(&p.unlike);
	free(p.touched.files);
	free(p.columns.items);
	return status;
}

/* ---- the whole ---- */

/* named: asked for, so that what it lacks is an error. */
static enum lk_status take_table(struct diff *d, struct lk_lake_table *from, struct lk_lake_table *to, bool named, struct lk_error *err)
{
	enum lk_status status = from ? lk_lake_table_open(&d->from_pin, from, NULL, err) : LK_OK;

	if (!status && to && to != from)
		status = lk_lake_table_open(&d->to_pin, to, NULL, err);
	if (status == LK_NOPERM && !named)
		return LK_OK;
	LK_TRY(status);
	if (!named && from && (is_of_another(&d->from_at, from) || lacks_ref(&d->from_at, from)))
		return LK_OK;
	if (!named && to && (is_of_another(&d->to_at, to) || lacks_ref(&d->to_at, to)))
		return LK_OK;
	return diff_table(d, from, to, err);
}

/* Tables of both lakes, and those of one alone. */
static enum lk_status take_all(struct diff *d, struct lk_error *err)
{
	for (int i = 0; i < d->from_pin.table_count; i++) {
		struct lk_lake_table *from = &d->from_pin.tables[i];

		LK_TRY(take_table(d, from, d->from_lake == d->to_lake ? from : find_same(&d->to_pin, from), false, err));
	}
	for (int i = 0; d->from_lake != d->to_lake && i < d->to_pin.table_count; i++)
		if (!find_same(&d->from_pin, &d->to_pin.tables[i]))
			LK_TRY(take_table(d, NULL, &d->to_pin.tables[i], false, err));
	return LK_OK;
}

static enum lk_status take_named(struct diff *d, const char *name, struct lk_error *err)
{
	struct lk_lake_table *from, *to;
	struct lk_error why;

	if (d->from_lake == d->to_lake) {
		LK_TRY(lk_pin_find(&d->from_pin, name, &from, err));
		return take_table(d, from, from, true, err);
	}
	if (!lk_pin_find(&d->from_pin, name, &from, &why))
		return take_table(d, from, find_same(&d->to_pin, from), true, err);
	LK_TRY(lk_pin_find(&d->to_pin, name, &to, err));
	return take_table(d, NULL, to, true, err);
}

static enum lk_status take_tables(struct diff *d, struct lk_error *err)
{
	if (!d->options->table_count)
		return take_all(d, err);
	for (int i = 0; i < d->options->table_count; i++)
		LK_TRY(take_named(d, d->options->tables[i], err));
	return LK_OK;
}

static enum lk_status write_stat(struct diff *d, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	LK_TRY(lk_builder_check(&d->stat, err));
	LK_TRY(lk_builder_view(&d->stat, &view, err));
	LK_TRY(lk_sql_output_begin(d->out, "diff", &d->stat.schema, err));
	if (view->length)
		LK_TRY(lk_sql_output_batch(d->out, view, err));
	return lk_sql_output_end(d->out, err);
}

/* Names a moment that is in no table, which the skipping of tables would hide. */
static enum lk_status check_moment(struct lk_pin *pin, const struct lk_lake_at *at, struct lk_error *err)
{
	if (!at->text || at->kind == LK_AT_TIME)
		return LK_OK;
	for (int i = 0; i < pin->table_count; i++) {
		struct lk_lake_table *t = &pin->tables[i];
		enum lk_status status = lk_lake_table_open(pin, t, NULL, err);

		if (!status && !is_of_another(at, t) && !lacks_ref(at, t))
			return LK_OK;
		if (status && status != LK_NOPERM)
			return status;
	}
	return lk_error_set(err, LK_DATA, "there is no %s '%s' in the lake", at->kind == LK_AT_REF ? "branch or tag" : "snapshot", at->text);
}

static enum lk_status prepare(struct diff *d, struct lk_error *err)
{
	const struct lk_sql_diff_options *o = d->options;
	struct lk_sql_options sql = {o->threads, o->memory_bytes, o->output.workspace->folder};

	if (o->from)
		LK_TRY(lk_lake_at_parse(o->from, &d->from_at, err));
	if (o->to)
		LK_TRY(lk_lake_at_parse(o->to, &d->to_at, err));
	LK_TRY(lk_lake_pin(d->from_lake, &d->from_pin, err));
	LK_TRY(lk_lake_pin(d->to_lake, &d->to_pin, err));
	LK_TRY(check_moment(&d->from_pin, &d->from_at, err));
	LK_TRY(check_moment(&d->to_pin, &d->to_at, err));
	LK_TRY(lk_builder_init(&d->stat, stat_fields, sizeof(stat_fields) / sizeof(*stat_fields), NULL, err));
	LK_TRY(lk_sql_open(&d->sql, &sql, err));
	return lk_sql_output_open(&d->out, &o->output, err);
}

enum lk_status lk_sql_diff(struct lk_lake *lake, struct lk_lake *other, const struct lk_sql_diff_options *options, bool *differs,
	struct lk_error *err)
{
	struct diff d = {.options = options, .from_lake = lake, .to_lake = other, .from_pin = {.arena = LK_ARENA_INIT},
		.to_pin = {.arena = LK_ARENA_INIT}};
	enum lk_status status = prepare(&d, err);

	if (!status)
		status = take_tables(&d, err);
	if (!status && options->stat)
		status = write_stat(&d, err);
	if (status)
		lk_sql_output_abort(d.out);
	else
		status = lk_sql_output_finish(d.out, err);
	*differs = d.differs;
	lk_builder_release(&d.stat);
	lk_sql_close(d.sql);
	lk_pin_release(&d.from_pin);
	lk_pin_release(&d.to_pin);
	return status;
}
