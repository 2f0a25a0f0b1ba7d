#include <stdlib.h>
#include <string.h>

#include "sql/recast.h"
#include "sql/script.h"
#include "sql/session.h"

struct lk_result {
	struct lk_sql *sql;
	const struct lk_script *script; /* NULL: the statement is ours */
	void *prepared, *pending, *arrow_options;
	struct lk_duckdb_result result;
	struct ArrowSchema wire; /* as DuckDB has it */
	struct ArrowArray array;
	struct ArrowArrayView view; /* over array */
	struct lk_recast recast;
};

static enum lk_status said(const struct lk_result *r, const char *text, struct lk_error *err)
{
	if (!r->script)
		return lk_sql_error(text, NULL, NULL, err);
	return lk_sql_error(text, r->script->text, r->script->text_name, err);
}

/* DuckDB's error object, which may be NULL; destroyed here. */
static enum lk_status arrow_error(const struct lk_result *r, void *error, struct lk_error *err)
{
	const struct lk_duckdb *d = &r->sql->duckdb;
	enum lk_status status = LK_OK;

	if (error && d->error_data_has_error(error))
		status = said(r, d->error_data_message(error), err);
	if (error)
		d->destroy_error_data(&error);
	return status;
}

/* The statement once more, as DuckDB takes the text apart: it must be one of as many, and a SELECT. */
static enum lk_status prepare(struct lk_result *r, int statement, struct lk_error *err)
{
	const struct lk_duckdb *d = &r->sql->duckdb;
	int want = r->script->explain ? LK_DUCKDB_EXPLAIN : LK_DUCKDB_SELECT;
	void *extracted = NULL;
	uint64_t count = d->extract_statements(r->sql->connection, r->script->text, &extracted);
	enum lk_status status = LK_OK;

	if (!count)
		status = said(r, d->extract_statements_error(extracted), err);
	else if (count != (uint64_t)r->script->statement_count)
		status = lk_error_set(err, LK_NOPERM, "the text reads as %d statements in one way and %llu in another",
			r->script->statement_count, (unsigned long long)count);
	else if (d->prepare_extracted_statement(r->sql->connection, extracted, (uint64_t)statement, &r->prepared))
		status = said(r, d->prepare_error(r->prepared), err);
	else if (d->prepared_statement_type(r->prepared) != want)
		status = lk_error_set(err, LK_NOPERM, "only SELECT runs here");
	if (extracted)
		d->destroy_extracted(&extracted);
	return status;
}

/* One of ours. */
static enum lk_status prepare_own(struct lk_result *r, const char *select, struct lk_error *err)
{
	const struct lk_duckdb *d = &r->sql->duckdb;

	if (d->prepare(r->sql->connection, select, &r->prepared))
		return said(r, d->prepare_error(r->prepared), err);
	return LK_OK;
}

static enum lk_status execute(struct lk_result *r, struct lk_error *err)
{
	const struct lk_duckdb *d = &r->sql->duckdb;

	if (d->pending_prepared_streaming(r->prepared, &r->pending))
		return said(r, d->pending_error(r->pending), err);
	if (d->execute_pending(r->pending, &r->result))
		return said(r, d->result_error(&r->result), err);
	r->arrow_options = d->result_get_arrow_options(&r->result);
	return r->arrow_options ? LK_OK : lk_error_set(err, LK_BUG, "DuckDB has no Arrow options for the result");
}

static enum lk_status take_schema(struct lk_result *r, struct lk_error *err)
{
	const struct lk_duckdb *d = &r->sql->duckdb;
	uint64_t count = d->column_count(&r->result);
	void **types = calloc(count + 1, sizeof(*types)), *error;
	const char **names = calloc(count + 1, sizeof(*names));
	enum lk_status status = types && names ? LK_OK : lk_error_nomem(err);

	for (uint64_t i = 0; !status && i < count; i++) {
		types[i] = d->column_logical_type(&r->result, i);
		names[i] = d->column_name(&r->result, i);
	}
	if (!status) {
		error = d->to_arrow_schema(r->arrow_options, types, names, count, &r->wire);
		status = arrow_error(r, error, err);
	}
	for (uint64_t i = 0; types && i < count; i++)
		if (types[i])
			d->destroy_logical_type(&types[i]);
	free(types);
	free(names);
	return status;
}

/* What was prepared begins to run. */
static enum lk_status begin(struct lk_result *r, bool exact, struct lk_error *err)
{
	struct ArrowError arrow = {{0}};
	int code;

	LK_TRY(execute(r, err));
	LK_TRY(take_schema(r, err));
	code = ArrowArrayViewInitFromSchema(&r->view, &r->wire, &arrow);
	LK_TRY(lk_arrow_status(code, &arrow, LK_DATA, "a type of the result is not known here", err));
	return lk_recast_init(&r->recast, &r->wire, exact, err);
}

enum lk_status lk_result_open(struct lk_result **out, struct lk_sql *sql, const struct lk_script *script, int statement,
	bool exact, struct lk_error *err)
{
	struct lk_result *r;
	enum lk_status status;

	*out = NULL;
	if (!sql->locked)
		return lk_error_set(err, LK_BUG, "a statement was to run before the doors were closed");
	r = calloc(1, sizeof(*r));
	if (!r)
		return lk_error_nomem(err);
	r->sql = sql;
	r->script = script;
	status = prepare(r, statement, err);
	if (!status)
		status = begin(r, exact, err);
	if (status)
		lk_result_close(r);
	else
		*out = r;
	return status;
}

enum lk_status lk_result_select(struct lk_result **out, struct lk_sql *sql, const char *select, bool exact, struct lk_error *err)
{
	struct lk_result *r = calloc(1, sizeof(*r));
	enum lk_status status;

	*out = NULL;
	if (!r)
		return lk_error_nomem(err);
	r->sql = sql;
	status = prepare_own(r, select, err);
	if (!status)
		status = begin(r, exact, err);
	if (status)
		lk_result_close(r);
	else
		*out = r;
	return status;
}

const struct ArrowSchema *lk_result_schema(const struct lk_result *r)
{
	return &r->recast.schema;
}

/* One chunk of DuckDB's into r->array and r->view. */
static enum lk_status take_chunk(struct lk_result *r, void *chunk, struct lk_error *err)
{
	struct ArrowError arrow = {{0}};

	LK_TRY(arrow_error(r, r->sql->duckdb.data_chunk_to_arrow(r->arrow_options, chunk, &r->array), err));
	return lk_arrow_status(ArrowArrayViewSetArray(&r->view, &r->array, &arrow), &arrow, LK_BUG, "cannot read a batch of DuckDB",
		err);
}

enum lk_next lk_result_next(struct lk_result *r, const struct ArrowArrayView **view, struct lk_error *err)
{
	const struct lk_duckdb *d = &r->sql->duckdb;
	enum lk_status status;
	const char *wrong;
	void *chunk;

	if (r->array.release)
		ArrowArrayRelease(&r->array);
	chunk = d->fetch_chunk(r->result);
	if (!chunk) {
		wrong = d->result_error(&r->result);
		if (!wrong || !*wrong)
			return LK_NEXT_END;
		said(r, wrong, err);
		return LK_NEXT_ERROR;
	}
	status = take_chunk(r, chunk, err);
	d->destroy_data_chunk(&chunk);
	if (!status)
		status = lk_recast_batch(&r->recast, &r->wire, &r->view, view, err);
	return status ? LK_NEXT_ERROR : LK_NEXT_BATCH;
}

void lk_result_close(struct lk_result *r)
{
	const struct lk_duckdb *d;

	if (!r)
		return;
	d = &r->sql->duckdb;
	lk_recast_release(&r->recast);
	ArrowArrayViewReset(&r->view);
	if (r->array.release)
		ArrowArrayRelease(&r->array);
	if (r->wire.release)
		ArrowSchemaRelease(&r->wire);
	if (r->arrow_options)
		d->destroy_arrow_options(&r->arrow_options);
	d->destroy_result(&r->result);
	if (r->pending)
		d->destroy_pending(&r->pending);
	if (r->prepared)
		d->destroy_prepare(&r->prepared);
	free(r);
}
