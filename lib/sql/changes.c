#include "sql/changes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lake/at.h"
#include "lake/list.h"
#include "lake/metadata.h"
#include "sql/changes_inside.h"

#define OWN_COLUMNS 3 /* lk_op, lk_snapshot, lk_committed */

struct lk_changes {
	const struct lk_changes_options *options;
	struct lk_pin pin;
	struct lk_lake_table *table; /* of the end */
	const char *name;	     /* with its namespace */
	int64_t from, to;	     /* snapshots; -1: none */
	bool whole;		     /* all rows of the end are the one difference */
	struct lk_sql *sql;
	struct lk_sql_output *out;
	struct lk_sql_diff_columns columns;
	struct lk_changes_report *report;
};

/* ---- what is meant ---- */

static enum lk_status open_table(struct lk_changes *c, struct lk_error *err)
{
	const struct lk_changes_options *o = c->options;
	struct lk_lake_at at;

	LK_TRY(lk_pin_find(&c->pin, o->table, &c->table, err));
	if (o->to)
		LK_TRY(lk_lake_at_parse(o->to, &at, err));
	LK_TRY(lk_lake_table_open(&c->pin, c->table, o->to ? &at : NULL, err));
	c->name = lk_arena_printf(&c->pin.arena, "%s.%s", c->table->namespace_name, c->table->name);
	c->to = c->table->snapshot_id;
	return c->name ? LK_OK : lk_error_nomem(err);
}

/* A cursor's snapshot is kept by lk, but other engines may expire it. */
static enum lk_status check_there(const struct lk_changes *c, int64_t id, struct lk_error *err)
{
	const json_t *oldest = json_array_get(json_object_get(c->table->metadata, "snapshots"), 0);

	if (id < 0 || lk_metadata_snapshot(c->table->metadata, id))
		return LK_OK;
	return lk_error_set(err, LK_DATA, "table %s: there is no snapshot %" PRId64 " (any more), and the oldest left is %" PRId64
		": go on from that (--from, or --reset of a cursor), without what was changed before, or begin with all rows", c->name, id,
		lk_metadata_number(oldest, "snapshot-id", -1));
}

static enum lk_status find_from(struct lk_changes *c, struct lk_error *err)
{
	struct lk_lake_at at;

	LK_TRY(lk_lake_at_parse(c->options->from, &at, err));
	if (at.kind == LK_AT_SNAPSHOT)
		LK_TRY(check_there(c, at.snapshot_id, err));
	return lk_changes_moment(c->table, c->options->from, &c->from, err);
}

static enum lk_status prepare(struct lk_changes *c, struct lk_lake *lake, struct lk_error *err)
{
	LK_TRY(lk_lake_pin(lake, &c->pin, err));
	LK_TRY(open_table(c, err));
	LK_TRY(lk_change_columns(&c->columns, c->table, c->options->key, c->options->trace, err));
	return c->options->from ? find_from(c, err) : LK_OK;
}

enum lk_status lk_changes_open(struct lk_changes **out, struct lk_lake *lake, const struct lk_changes_options *options,
	struct lk_error *err)
{
	struct lk_changes *c = calloc(1, sizeof(*c));
	enum lk_status status;

	*out = NULL;
	if (!c)
		return lk_error_nomem(err);
	*c = (struct lk_changes){.options = options, .pin = {.arena = LK_ARENA_INIT}, .from = -1, .to = -1};
	status = prepare(c, lake, err);
	if (status)
		lk_changes_close(c);
	else
		*out = c;
	return status;
}

const struct lk_lake_table *lk_changes_table(const struct lk_changes *c)
{
	return c->table;
}

int64_t lk_changes_head(const struct lk_changes *c)
{
	return c->to;
}

enum lk_status lk_changes_begin_at(struct lk_changes *c, int64_t snapshot_id, struct lk_error *err)
{
	c->from = snapshot_id;
	c->whole = snapshot_id < 0;
	return check_there(c, snapshot_id, err);
}

void lk_changes_close(struct lk_changes *c)
{
	if (!c)
		return;
	lk_sql_output_abort(c->out);
	lk_sql_close(c->sql);
	free(c->columns.items);
	lk_pin_release(&c->pin);
	free(c);
}

/* ---- the steps ---- */

static enum lk_status find_steps(struct lk_changes *c, struct lk_change_steps *steps, struct lk_error *err)
{
	const json_t *snapshot = lk_metadata_snapshot(c->table->metadata, c->to);

	if (!c->options->net && !c->whole) {
		LK_TRY(lk_change_steps_find(steps, c->table, c->from, c->to, err));
		if (steps->gaps && c->options->say)
			c->options->say("table %s: snapshots before %zu of %zu have expired, and what they changed comes with those", c->name,
				steps->gaps, steps->count);
		return LK_OK;
	}
	if (c->from == c->to)
		return LK_OK;
	steps->items = calloc(1, sizeof(*steps->items));
	if (!steps->items)
		return lk_error_nomem(err);
	steps->items[steps->count++] =
		(struct lk_change_step){.from = c->from, .to = c->to, .time_ms = lk_metadata_number(snapshot, "timestamp-ms", 0)};
	return LK_OK;
}

static enum lk_status open_session(struct lk_changes *c, struct lk_error *err)
{
	const struct lk_changes_options *o = c->options;
	const struct lk_sql_options sql = {o->threads, o->memory_bytes, o->output.workspace->folder};

	if (c->sql && !lk_change_session_is_full(c->sql))
		return LK_OK;
	lk_sql_close(c->sql);
	c->sql = NULL;
	return lk_sql_open(&c->sql, &sql, err);
}

/* ---- writing ---- */

static int64_t count_before(const struct ArrowArrayView *view)
{
	const struct ArrowArrayView *op = view->children[0];
	int64_t count = 0;

	for (int64_t i = 0; i < view->length; i++)
		count += *ArrowArrayViewGetStringUnsafe(op, i).data == 'B';
	return count;
}

static enum lk_status write_result(struct lk_changes *c, struct lk_result *result, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	int64_t rows = 0;
	enum lk_next next;

	while ((next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH) {
		if (!view->length)
			continue;
		rows += view->length - count_before(view);
		LK_TRY(lk_sql_output_batch(c->out, view, err));
	}
	c->report->rows += rows;
	c->report->snapshots += rows > 0;
	return next == LK_NEXT_END ? LK_OK : err->status;
}

static enum lk_status open_result(struct lk_changes *c, const struct lk_change_step *step, unsigned sides, struct lk_result **result,
	struct lk_error *err)
{
	bool exact = c->options->output.format == LK_FORMAT_ARROW || c->options->output.format == LK_FORMAT_PARQUET;
	const struct lk_sql_diff_select select = {.form = LK_DIFF_CHANGES, .columns = &c->columns, .from_count = c->table->column_count,
		.to_count = c->table->column_count, .sides = sides, .snapshot_id = step->to, .time_ms = step->time_ms};
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	lk_sql_diff_add_select(&s, &select);
	status = lk_str_check(&s, err);
	if (!status)
		status = lk_result_select(result, c->sql, s.data, exact, err);
	lk_str_release(&s);
	return status;
}

static enum lk_status write_pair(struct lk_changes *c, const struct lk_change_step *step, unsigned sides, struct lk_error *err)
{
	struct lk_result *result;
	enum lk_status status;

	LK_TRY(open_result(c, step, sides, &result, err));
	status = write_result(c, result, err);
	lk_result_close(result);
	return status;
}

static enum lk_status write_step(struct lk_changes *c, const struct lk_change_step *step, struct lk_error *err)
{
	struct lk_change_view view = {0};
	struct lk_change_pair pair;
	enum lk_status status;

	LK_TRY(open_session(c, err));
	status = lk_change_pair_begin(&pair, c->sql, c->table, step->from, step->to, &view, err);
	if (!status && c->options->detail)
		c->options->detail("table %s, snapshot %" PRId64 ": %d files are read", c->name, step->to, pair.files);
	if (!status && pair.sides)
		status = write_pair(c, step, pair.sides, err);
	lk_change_pair_end(&pair);
	return status;
}

/* A result that is not read to its end leaves a transaction open, with which functions that are made next would go. */
static enum lk_status read_nothing(struct lk_result *result, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	enum lk_next next;

	while ((next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH)
		;
	return next == LK_NEXT_END ? LK_OK : err->status;
}

/* The columns, which the result of no rows tells. */
static enum lk_status begin_output(struct lk_changes *c, struct lk_error *err)
{
	const struct lk_sql_touched none = {0};
	struct lk_lake_table from = *c->table, to = *c->table;
	struct lk_change_step step = {0};
	struct ArrowSchema schema;
	struct lk_result *result;
	enum lk_status status;
	unsigned sides;

	from.file_count = to.file_count = 0;
	LK_TRY(open_session(c, err));
	LK_TRY(lk_sql_diff_views(c->sql, &from, &to, &none, NULL, &sides, err));
	LK_TRY(open_result(c, &step, LK_SIDE_TO, &result, err));
	status = read_nothing(result, err);
	if (!status)
		status = lk_arrow_status(ArrowSchemaDeepCopy(lk_result_schema(result), &schema), NULL, LK_BUG, "cannot copy a schema", err);
	lk_result_close(result);
	LK_TRY(status);
	status = lk_change_describe(&schema, OWN_COLUMNS, c->table, c->options->key, err);
	if (!status)
		status = lk_sql_output_open(&c->out, &c->options->output, err);
	if (!status)
		status = lk_sql_output_begin(c->out, c->name, &schema, err);
	ArrowSchemaRelease(&schema);
	return status;
}

static enum lk_status write_steps(struct lk_changes *c, const struct lk_change_steps *steps, struct lk_error *err)
{
	struct lk_sql_output *out;

	LK_TRY(begin_output(c, err));
	for (size_t i = 0; i < steps->count; i++)
		LK_TRY(write_step(c, &steps->items[i], err));
	LK_TRY(lk_sql_output_end(c->out, err));
	out = c->out;
	c->out = NULL;
	return lk_sql_output_finish(out, err);
}

enum lk_status lk_changes_write(struct lk_changes *c, struct lk_changes_report *report, struct lk_error *err)
{
	struct lk_change_steps steps = {0};
	enum lk_status status;

	*report = (struct lk_changes_report){0, 0};
	c->report = report;
	status = find_steps(c, &steps, err);
	if (!status)
		status = write_steps(c, &steps, err);
	free(steps.items);
	return status;
}
