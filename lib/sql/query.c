#include "sql/query.h"

#include <stdlib.h>
#include <string.h>

#include "lake/lake.h"
#include "sql/carry.h"
#include "sql/script.h"
#include "sql/spool.h"
#include "sql/tables.h"

/* All that a run holds, so that it is released in one place. */
struct run {
	const struct lk_query *q;
	struct lk_sql *sql;
	struct lk_script script;
	struct lk_lake *lake;
	struct lk_pin pin;
	struct lk_spool spool;
	struct lk_sql_output *out;
	const char *only; /* the one lake table that is named */
};

/* ---- the lake ---- */

static bool names_lake(const struct lk_script *script)
{
	for (size_t i = 0; i < script->name_count; i++)
		if (!lk_spool_means(&script->names[i]))
			return true;
	return false;
}

/* Opens and pins the lake when it was given, or when a table of it is meant. */
static enum lk_status open_lake(struct run *run, struct lk_error *err)
{
	const struct lk_query *q = run->q;
	enum lk_status status;
	char *path;

	if (q->text && !q->lake && !run->script.show_tables && !names_lake(&run->script))
		return LK_OK;
	LK_TRY(lk_lake_find(q->lake, &path, err));
	status = lk_lake_open(&run->lake, path, LK_LAKE_READONLY, err);
	free(path);
	return status ? status : lk_lake_pin(run->lake, &run->pin, err);
}

/* ---- results ---- */

/* What the result is called on a stream: --as, the stream's table, the lake's, or `result`. */
static const char *result_name(const struct run *run)
{
	if (run->q->as)
		return run->q->as;
	if (run->spool.count == 1)
		return run->spool.tables[0].table;
	return run->only && !run->spool.count ? run->only : "result";
}

static enum lk_status write_rows(struct run *run, struct lk_result *result, int64_t *rows, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	enum lk_next next;

	while ((next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH) {
		*rows += view->length;
		LK_TRY(lk_sql_output_batch(run->out, view, err));
	}
	return next == LK_NEXT_END ? LK_OK : err->status;
}

/* What the end marker says: a filter's rows that did not come out were dropped on purpose. */
static enum lk_status count_rows(struct run *run, int64_t rows, struct lk_error *err)
{
	struct lk_writer *writer = lk_sql_output_writer(run->out);
	int64_t read = run->spool.count == 1 ? run->spool.tables[0].rows : 0;

	if (!writer || !read)
		return LK_OK;
	return lk_writer_count(writer, result_name(run), read, read > rows ? read - rows : 0, "not in the result of lk-query",
		err);
}

static enum lk_status write_result(struct run *run, struct lk_result *result, struct lk_error *err)
{
	struct ArrowSchema schema;
	enum lk_status status;
	int64_t rows = 0;

	LK_TRY(lk_arrow_status(ArrowSchemaDeepCopy(lk_result_schema(result), &schema), NULL, LK_BUG, "cannot copy a schema", err));
	status = run->spool.count == 1 ? lk_carry_metadata(&run->spool.tables[0].schema, &schema, err) : LK_OK;
	if (!status)
		status = lk_sql_output_begin(run->out, result_name(run), &schema, err);
	ArrowSchemaRelease(&schema);
	if (!status)
		status = write_rows(run, result, &rows, err);
	if (!status)
		status = lk_sql_output_end(run->out, err);
	if (run->q->rows)
		*run->q->rows += rows;
	return status ? status : count_rows(run, rows, err);
}

/* EXPLAIN for people: the plan as it is drawn, which is the last column. */
static enum lk_status write_plan(struct run *run, struct lk_result *result, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	enum lk_next next;

	while ((next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH)
		for (int64_t row = 0; row < view->length; row++) {
			struct ArrowStringView text =
				ArrowArrayViewGetStringUnsafe(view->children[view->n_children - 1], row);

			LK_TRY(lk_sql_output_text(run->out, text.data, (size_t)text.size_bytes, err));
		}
	return next == LK_NEXT_END ? LK_OK : err->status;
}

static bool is_text(enum lk_format format)
{
	return format != LK_FORMAT_ARROW && format != LK_FORMAT_PARQUET;
}

static enum lk_status run_statement(struct run *run, int statement, struct lk_error *err)
{
	bool plan = run->script.explain && run->q->output.format == LK_FORMAT_TABLE;
	struct lk_result *result;
	enum lk_status status;

	LK_TRY(lk_result_open(&result, run->sql, &run->script, statement, !is_text(run->q->output.format), err));
	status = plan ? write_plan(run, result, err) : write_result(run, result, err);
	lk_result_close(result);
	return status;
}

/* ---- the whole ---- */

static enum lk_status read_stream(struct run *run, struct lk_error *err)
{
	const struct lk_query *q = run->q;
	bool wanted = false;

	for (size_t i = 0; i < run->script.name_count; i++)
		wanted = wanted || lk_spool_means(&run->script.names[i]);
	if (!wanted)
		return LK_OK;
	if (q->input < 0)
		return lk_error_set(err, LK_NOINPUT, "the statement reads stdin, which is a terminal; pipe an lk stream into it");
	return lk_spool_read(&run->spool, run->sql, &run->script, q->input, lk_sql_output_writer(run->out), err);
}

static enum lk_status check_count(const struct run *run, struct lk_error *err)
{
	if (is_text(run->q->output.format) || run->script.statement_count == 1)
		return LK_OK;
	return lk_error_set(err, LK_USAGE, "%s holds one result, and the script has %d statements",
		run->q->output.format == LK_FORMAT_ARROW ? "an lk stream" : "a Parquet file", run->script.statement_count);
}

static enum lk_status resolve_tables(struct run *run, struct lk_error *err)
{
	const struct lk_query *q = run->q;
	struct lk_tables tables = {.sql = run->sql, .script = &run->script, .pin = &run->pin, .detail = q->detail};
	struct lk_lake_at at;

	if (q->at) {
		LK_TRY(lk_lake_at_parse(q->at, &at, err));
		tables.at = &at;
	}
	LK_TRY(lk_tables_resolve(&tables, err));
	run->only = tables.only;
	return LK_OK;
}

static enum lk_status run_script(struct run *run, struct lk_error *err)
{
	const struct lk_query *q = run->q;
	struct lk_sql_options options = {q->threads, q->memory_bytes, q->workspace->folder};

	LK_TRY(lk_sql_open(&run->sql, &options, err));
	if (q->running)
		q->running(q->running_context, run->sql);
	LK_TRY(lk_script_parse(&run->script, run->sql, q->text, q->text_name, err));
	LK_TRY(check_count(run, err));
	LK_TRY(open_lake(run, err));
	LK_TRY(lk_sql_output_open(&run->out, &q->output, err));
	if (run->script.show_tables)
		return lk_tables_list(&run->pin, run->out, err);
	LK_TRY(read_stream(run, err));
	if (run->lake)
		LK_TRY(resolve_tables(run, err));
	LK_TRY(lk_sql_lock(run->sql, err));
	if (run->spool.no_data && lk_sql_output_writer(run->out))
		return LK_OK;
	if (run->spool.no_data)
		return lk_error_set(err, LK_DATA, "standard input has no table of data");
	for (int i = 0; i < run->script.statement_count; i++)
		LK_TRY(run_statement(run, i, err));
	return LK_OK;
}

static enum lk_status list(struct run *run, struct lk_error *err)
{
	LK_TRY(open_lake(run, err));
	LK_TRY(lk_sql_output_open(&run->out, &run->q->output, err));
	return lk_tables_list(&run->pin, run->out, err);
}

enum lk_status lk_query_run(const struct lk_query *q, struct lk_error *err)
{
	struct run run = {.q = q};
	enum lk_status status = q->text ? run_script(&run, err) : list(&run, err);

	if (status)
		lk_sql_output_abort(run.out);
	else
		status = lk_sql_output_finish(run.out, err);
	lk_spool_release(&run.spool);
	lk_script_release(&run.script);
	if (q->running)
		q->running(q->running_context, NULL);
	lk_sql_close(run.sql);
	lk_pin_release(&run.pin);
	lk_lake_close(run.lake);
	return status;
}
