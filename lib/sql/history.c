#include "sql/history.h"

#include <stdlib.h>
#include <string.h>

#include "lake/history.h"
#include "sql/history_inside.h"
#include "sql/view.h"
#include "stream/side.h"

/* ---- what goes ---- */

static int by_uri(const void *a, const void *b)
{
	return strcmp((*(const struct lk_lake_file *const *)a)->uri, (*(const struct lk_lake_file *const *)b)->uri);
}

static enum lk_status visit_gone(struct lk_history *h, const struct lk_lake_file **files, struct lk_error *err)
{
	struct lk_duckdb_result result = {{0}};
	enum lk_status status = lk_places_ask(h->p, "SELECT n, pos FROM (SELECT path, pos FROM lk_base EXCEPT ALL SELECT path, pos FROM lk_kept)"
		" JOIN lk_files USING (path) ORDER BY n, pos", &result, err);
	uint64_t count = status ? 0 : h->p->sql->duckdb.row_count(&result);

	for (uint64_t i = 0; !status && i < count; i++) {
		int64_t n = h->p->sql->duckdb.value_int64(&result, 0, i);

		status = h->visitor->old(h->visitor->context, files[n], h->p->sql->duckdb.value_int64(&result, 1, i), err);
	}
	h->p->sql->duckdb.destroy_result(&result);
	return status;
}

static enum lk_status give_gone(struct lk_history *h, struct lk_error *err)
{
	const struct lk_lake_table *t = h->rq->base;
	const struct lk_lake_file **files;
	enum lk_status status;

	if (!t || !t->file_count)
		return LK_OK;
	files = malloc((size_t)t->file_count * sizeof(*files));
	if (!files)
		return lk_error_nomem(err);
	for (int i = 0; i < t->file_count; i++)
		files[i] = &t->files[i];
	qsort(files, (size_t)t->file_count, sizeof(*files), by_uri);
	lk_str_adds(&h->s, "CREATE OR REPLACE TEMP TABLE lk_files AS FROM (VALUES ");
	for (int i = 0; i < t->file_count; i++) {
		lk_str_adds(&h->s, i ? ", (" : "(");
		lk_sql_add_literal(&h->s, files[i]->path);
		lk_str_addf(&h->s, ", %d)", i);
	}
	lk_str_adds(&h->s, ") w(path, n)");
	status = lk_history_run(h, err);
	if (!status)
		status = visit_gone(h, files, err);
	free(files);
	return status;
}

/* ---- what is written ---- */

static void add_time(struct lk_history *h, const char *number)
{
	if (!strcmp(h->time_type, "date"))
		lk_str_addf(&h->s, "DATE '1970-01-01' + %s::INTEGER", number);
	else
		lk_str_addf(&h->s, "make_timestamp(%s)%s", number, !strcmp(h->time_type, "timestamptz") ? "::TIMESTAMPTZ" : "");
}

static enum lk_status add_written(struct lk_history *h, const struct lk_lake_table *t, const char *ranks, struct lk_error *err)
{
	const struct lk_lake_table *a = h->rq->added;

	lk_str_adds(&h->s, "SELECT ");
	for (int i = 0; i < a->column_count; i++) {
		const char *name = a->columns[i].name;

		lk_str_adds(&h->s, i ? ", " : "");
		if (!strcmp(name, LK_COLUMN_FROM)) {
			add_time(h, "c.f");
		} else if (!strcmp(name, LK_COLUMN_TO)) {
			add_time(h, "c.u");
		} else if (!strcmp(name, LK_COLUMN_CURRENT)) {
			lk_str_adds(&h->s, "c.now");
		} else {
			const char *again = !strcmp(name, LK_COLUMN_SENT)   ? "c.sent" :
					    !strcmp(name, LK_COLUMN_FILE) ? "c.file" :
					    !strcmp(name, LK_COLUMN_ROW)  ? "c.line" :
									    NULL;

			if (again)
				lk_str_addf(&h->s, "coalesce(CASE WHEN c.kind = 2 THEN %s END, ", again);
			LK_TRY(lk_history_add_value(h, t, &a->columns[i], err));
			lk_str_adds(&h->s, again ? ")" : "");
		}
		lk_str_adds(&h->s, " AS ");
		lk_sql_add_identifier(&h->s, name);
	}
	lk_str_adds(&h->s, " FROM (");
	LK_TRY(lk_sql_add_places(h->p->sql, t, &h->s, err));
	lk_str_addf(&h->s, ") l JOIN lk_written c ON c.path = l.lk_path AND c.pos = l.lk_pos AND c.rank IN (%s)", ranks);
	return LK_OK;
}

static enum lk_status give_batches(struct lk_history *h, const char *select, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	struct lk_result *result;
	enum lk_next next = LK_NEXT_ERROR;
	enum lk_status status;

	LK_TRY(lk_result_select(&result, h->p->sql, select, true, err));
	status = LK_OK;
	while (!status && (next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH)
		status = h->visitor->rows(h->visitor->context, lk_result_schema(result), view, err);
	if (!status && next == LK_NEXT_ERROR)
		status = err->status;
	lk_result_close(result);
	return status;
}

static enum lk_status give_rows(struct lk_history *h, struct lk_error *err)
{
	struct lk_str select = LK_STR_INIT;
	bool base = h->rq->base && h->rq->base->file_count, added = h->rq->added->file_count;
	enum lk_status status = LK_OK;

	LK_TRY(lk_history_run_text(h, "CREATE OR REPLACE TEMP TABLE lk_written AS SELECT * FROM lk_chain WHERE starts AND NOT (rank = 2 AND (path, pos) IN"
		" (SELECT (path, pos) FROM lk_kept))", err));
	if (base)
		status = add_written(h, h->rq->base, "2, 3", err);
	if (!status && base && added)
		lk_str_adds(&h->s, " UNION ALL ");
	if (!status && added)
		status = add_written(h, h->rq->added, "1", err);
	select = h->s;
	h->s = (struct lk_str)LK_STR_INIT;
	if (!status)
		status = lk_str_check(&select, err);
	if (!status && (base || added))
		status = give_batches(h, select.data, err);
	lk_str_release(&select);
	return status;
}

/* ---- what is noted ---- */

/* Versions that say what the one before them says, but for those of lists that were complete, which say so themselves; and those lists. */
static const char *const sql_noted =
	"SELECT fact, k, v, epoch_us(sent) AS sent, file, line FROM (SELECT 'confirmed' AS fact, k, v, sent, file, line FROM lk_chain c"
	" WHERE NOT starts AND rank IN (1, 2) AND NOT EXISTS (FROM lk_lists n WHERE n.s = c.s AND n.l = %1$s(c.v))"
	" UNION ALL SELECT 'complete', s, l, sent, file, NULL FROM lk_lists WHERE NOT known) x"
	" WHERE NOT EXISTS (FROM lk_facts y WHERE y.fact = x.fact AND y.k = x.k AND y.v = x.v) ORDER BY ALL";

static enum lk_status give_fact(struct lk_history *h, const struct ArrowArrayView *view, int64_t row, struct lk_str *file, struct lk_error *err)
{
	const struct ArrowArrayView *const *c = (const struct ArrowArrayView *const *)view->children;
	int64_t at = view->offset + row;
	struct ArrowStringView word = ArrowArrayViewGetStringUnsafe(c[0], at), text = ArrowArrayViewGetStringUnsafe(c[4], at);
	struct ArrowBufferView key = ArrowArrayViewGetBytesUnsafe(c[1], at), version = ArrowArrayViewGetBytesUnsafe(c[2], at);
	struct lk_fact fact = {.kind = word.data[3] == 'f' ? LK_FACT_CONFIRMED : LK_FACT_COMPLETE, .key = key.data.data,
		.key_len = (size_t)key.size_bytes, .version = version.data.data, .version_len = (size_t)version.size_bytes,
		.has_sent = !ArrowArrayViewIsNull(c[3], at), .sent = ArrowArrayViewGetIntUnsafe(c[3], at),
		.has_row = !ArrowArrayViewIsNull(c[5], at), .row = ArrowArrayViewGetIntUnsafe(c[5], at)};

	lk_str_clear(file);
	lk_str_add(file, text.data, (size_t)text.size_bytes);
	LK_TRY(lk_str_check(file, err));
	fact.file = ArrowArrayViewIsNull(c[4], at) ? NULL : lk_str_text(file);
	return h->visitor->fact(h->visitor->context, &fact, err);
}

static enum lk_status give_facts(struct lk_history *h, struct lk_error *err)
{
	struct lk_str file = LK_STR_INIT;
	const struct ArrowArrayView *view;
	struct lk_result *result = NULL;
	enum lk_next next = LK_NEXT_ERROR;
	enum lk_status status;

	lk_history_add_list(h, sql_noted);
	LK_TRY(lk_str_check(&h->s, err));
	status = lk_result_select(&result, h->p->sql, h->s.data, true, err);
	while (!status && (next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH)
		for (int64_t row = 0; !status && row < view->length; row++)
			status = give_fact(h, view, row, &file, err);
	if (!status && next == LK_NEXT_ERROR)
		status = err->status;
	lk_result_close(result);
	lk_str_release(&file);
	return status;
}

/* ---- counting ---- */

/* Of keys: those that had no row that holds, those that have another one, and those that have none any more. Of rows that came: the others. */
static const char *const sql_counts =
	"WITH was AS (SELECT DISTINCT k FROM lk_base WHERE coalesce(now, u IS NULL)), c AS (SELECT * FROM lk_chain WHERE starts),"
	" same AS (SELECT c.k FROM c JOIN lk_base b ON c.rank = 2 AND c.path = b.path AND c.pos = b.pos AND coalesce(b.now, true) WHERE c.now)"
	" SELECT (SELECT count(*) FROM c WHERE now AND k NOT IN (FROM was)), (SELECT count(*) FROM c WHERE now AND k IN (FROM was) AND k NOT IN (FROM same)),"
	" (SELECT count(*) FROM was WHERE k NOT IN (SELECT k FROM c WHERE now)), (SELECT count(*) FROM lk_chain WHERE rank = 1 AND NOT starts),"
	" (SELECT count(*) FROM c WHERE rank = 1 AND NOT now), (SELECT count(*) FROM lk_added) - (SELECT count(*) FROM lk_chain WHERE rank = 1),"
	" (SELECT coalesce(sum(gone), 0)::BIGINT FROM lk_held), (SELECT count(*) FROM lk_held)";

static enum lk_status count_all(struct lk_history *h, struct lk_merge_counts *counts, struct lk_error *err)
{
	int64_t *const all[] = {&counts->inserted, &counts->updated, &counts->deleted, &counts->unchanged, &counts->late, &counts->repeated,
		&counts->held, &counts->held_scopes};
	struct lk_duckdb_result result = {{0}};
	enum lk_status status = lk_places_ask(h->p, sql_counts, &result, err);

	for (size_t i = 0; !status && i < sizeof(all) / sizeof(*all); i++)
		*all[i] = h->p->sql->duckdb.value_int64(&result, i, 0);
	h->p->sql->duckdb.destroy_result(&result);
	return status;
}

/* ---- all of it ---- */

static enum lk_status type_of(const struct lk_history *h, const char *name, const char **type, struct lk_error *err)
{
	const struct lk_lake_column *c = lk_history_find(h->rq->added, name);

	if (!c)
		return lk_error_set(err, LK_DATA, "the rows have no column '%s', which is needed to keep their past", name);
	*type = c->type;
	return LK_OK;
}

static enum lk_status find_types(struct lk_history *h, struct lk_error *err)
{
	const struct lk_spec *spec = h->rq->spec;
	const struct lk_lake_column *order = lk_history_find(h->rq->added, spec->order);

	h->f.key_types = calloc((size_t)spec->key_count + 1, sizeof(*h->f.key_types));
	h->f.scope_types = calloc((size_t)spec->scope_count + 1, sizeof(*h->f.scope_types));
	if (!h->f.key_types || !h->f.scope_types)
		return lk_error_nomem(err);
	for (int i = 0; i < spec->key_count; i++)
		LK_TRY(type_of(h, spec->key[i], &h->f.key_types[i], err));
	for (int i = 0; i < spec->scope_count; i++)
		LK_TRY(type_of(h, spec->scope[i], &h->f.scope_types[i], err));
	h->f.order_type = order ? order->type : NULL;
	h->by_order = lk_history_by_order(spec->load, h->f.order_type);
	return type_of(h, LK_COLUMN_FROM, &h->time_type, err);
}

static enum lk_status merge(struct lk_history *h, struct lk_merge_counts *counts, struct lk_error *err)
{
	LK_TRY(find_types(h, err));
	LK_TRY(lk_keys_create(&h->f.keys, err));
	LK_TRY(lk_history_functions_make(&h->f, h->p->sql, err));
	LK_TRY(lk_history_gather(h, err));
	LK_TRY(lk_history_make_chain(h, err));
	LK_TRY(give_rows(h, err));
	LK_TRY(give_gone(h, err));
	LK_TRY(give_facts(h, err));
	return count_all(h, counts, err);
}

enum lk_status lk_history_merge(struct lk_places *p, const struct lk_merge_request *request, const struct lk_merge_visitor *visitor,
	struct lk_merge_counts *counts, struct lk_error *err)
{
	struct lk_history h = {.p = p, .rq = request, .visitor = visitor, .f = {.spec = request->spec}};
	enum lk_status status = merge(&h, counts, err);

	lk_keys_free(h.f.keys);
	free(h.f.key_types);
	free(h.f.scope_types);
	lk_str_release(&h.s);
	return status;
}
