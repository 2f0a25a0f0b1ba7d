#include "sql/life.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lake/list.h"
#include "sql/changes.h"
#include "sql/changes_inside.h"
#include "sql/life_inside.h"

struct life {
	const struct lk_life_options *options;
	struct lk_pin pin;
	struct lk_lake_table *table;
	struct lk_sql *sql;
	struct lk_life_key key;
	struct lk_sql_diff_columns columns;
	struct lk_change_steps steps;
	struct lk_life_writer *writer;
};

static enum lk_status open_session(struct life *l, struct lk_error *err)
{
	const struct lk_sql_options options = {.scratch = l->options->workspace->folder};

	if (l->sql && !lk_change_session_is_full(l->sql))
		return LK_OK;
	lk_sql_close(l->sql);
	l->sql = NULL;
	return lk_sql_open(&l->sql, &options, err);
}

static enum lk_status prepare(struct life *l, struct lk_lake *lake, struct lk_error *err)
{
	const struct lk_life_options *o = l->options;
	struct lk_lake_at at = {.kind = LK_AT_REF, .text = o->branch};

	LK_TRY(lk_lake_pin(lake, &l->pin, err));
	LK_TRY(lk_pin_find(&l->pin, o->table, &l->table, err));
	LK_TRY(lk_lake_table_open(&l->pin, l->table, o->branch ? &at : NULL, err));
	LK_TRY(open_session(l, err));
	LK_TRY(lk_life_key_make(&l->key, l->sql, l->table, o, &l->pin.arena, err));
	LK_TRY(lk_change_columns(&l->columns, l->table, l->key.names, false, err));
	LK_TRY(lk_change_steps_find(&l->steps, l->table, -1, l->table->snapshot_id, err));
	if (l->steps.gaps && o->say)
		o->say("table %s.%s: snapshots before %zu of %zu have expired, and what they changed shows in those", l->table->namespace_name,
			l->table->name, l->steps.gaps, l->steps.count);
	return lk_life_writer_open(&l->writer, l->table, o, err);
}

static enum lk_status write_result(struct life *l, struct lk_result *result, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	enum lk_next next;

	while ((next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH)
		LK_TRY(lk_life_writer_add(l->writer, lk_result_schema(result), view, err));
	return next == LK_NEXT_END ? LK_OK : err->status;
}

static enum lk_status write_pair(struct life *l, const struct lk_change_step *step, unsigned sides, struct lk_error *err)
{
	const struct lk_sql_diff_select select = {.form = LK_DIFF_CHANGES, .columns = &l->columns, .from_count = l->table->column_count,
		.to_count = l->table->column_count, .sides = sides, .snapshot_id = step->to, .time_ms = step->time_ms};
	struct lk_result *result = NULL;
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	lk_sql_diff_add_select(&s, &select);
	status = lk_str_check(&s, err);
	if (!status)
		status = lk_result_select(&result, l->sql, s.data, false, err);
	lk_str_release(&s);
	if (!status)
		status = write_result(l, result, err);
	lk_result_close(result);
	return status;
}

/* A filter is of one version of the table's metadata, and knows nothing of snapshots: it does for all. */
static enum lk_status write_step(struct life *l, const struct lk_change_step *step, const struct lk_change_view *view, struct lk_error *err)
{
	struct lk_change_pair pair;
	enum lk_status status;

	LK_TRY(open_session(l, err));
	status = lk_change_pair_begin(&pair, l->sql, l->table, step->from, step->to, view, err);
	if (!status && pair.files && l->options->detail)
		l->options->detail("snapshot %" PRId64 ": %d files are read", step->to, pair.files);
	if (!status && pair.sides)
		status = write_pair(l, step, pair.sides, err);
	lk_change_pair_end(&pair);
	return status;
}

static enum lk_status write_steps(struct life *l, struct lk_error *err)
{
	struct lk_change_view view = {.flags = LK_LOAD_METRICS, .where = l->key.where};
	struct lk_lake_filter filter;
	struct lk_pruner *pruner;

	if (l->key.predicate) {
		LK_TRY(lk_pruner_make(l->key.predicate, l->key.leaves, l->table, &l->pin.arena, &pruner, err));
		filter = lk_pruner_filter(pruner);
		view.filter = &filter;
	}
	for (size_t i = l->steps.count; i-- > 0;) {
		if (l->options->max_count >= 0 && lk_life_writer_lines(l->writer) >= l->options->max_count)
			break;
		LK_TRY(write_step(l, &l->steps.items[i], &view, err));
	}
	return lk_life_writer_finish(l->writer, err);
}

enum lk_status lk_life_write(struct lk_lake *lake, const struct lk_life_options *options, int64_t *lines, struct lk_error *err)
{
	struct life l = {.options = options, .pin = {.arena = LK_ARENA_INIT}};
	enum lk_status status = prepare(&l, lake, err);

	if (!status)
		status = write_steps(&l, err);
	*lines = l.writer ? lk_life_writer_lines(l.writer) : 0;
	lk_life_writer_close(l.writer);
	lk_sql_close(l.sql);
	free(l.columns.items);
	free(l.steps.items);
	lk_pin_release(&l.pin);
	return status;
}
