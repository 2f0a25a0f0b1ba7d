#include "sql/rejects.h"

#include <stdlib.h>
#include <string.h>

#include "sql/session.h"
#include "sql/view.h"
#include "sql/workspace.h"
#include "stream/side.h"

struct lk_rejects {
	struct lk_sql *sql; /* NULL before the first row */
	struct lk_workspace workspace;
	bool has_workspace;
	int64_t rows;
};

/* ---- statements ---- */

/* Runs a statement and keeps its result, the caller's to destroy in any case. */
static enum lk_status ask(struct lk_rejects *r, const char *statement, struct lk_duckdb_result *result, struct lk_error *err)
{
	*result = (struct lk_duckdb_result){{0}};
	if (r->sql->duckdb.query(r->sql->connection, statement, result))
		return lk_sql_error(r->sql->duckdb.result_error(result), NULL, NULL, err);
	return LK_OK;
}

static enum lk_status open_sql(struct lk_rejects *r, struct lk_error *err)
{
	struct lk_sql_options options = {0};

	LK_TRY(lk_workspace_init(&r->workspace, err));
	r->has_workspace = true;
	options.scratch = r->workspace.folder;
	LK_TRY(lk_sql_open(&r->sql, &options, err));
	return lk_sql_run(r->sql, "CREATE TABLE lk_replayed(sha256 VARCHAR, sender VARCHAR, member VARCHAR, \"table\" VARCHAR,"
		" resource VARCHAR, record BIGINT, landed BOOLEAN)", err);
}

/* ---- taking ---- */

/* One batch, as DuckDB pulls it. */
struct feed {
	struct ArrowSchema schema;
	struct ArrowArray array;
};

static void lent_release(struct ArrowSchema *schema)
{
	schema->release = NULL;
}

static int feed_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	*out = ((struct feed *)stream->private_data)->schema;
	out->release = lent_release;
	return 0;
}

static int feed_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	struct feed *f = stream->private_data;

	out->release = NULL;
	if (f->array.release)
		ArrowArrayMove(&f->array, out);
	return 0;
}

static const char *feed_error(struct ArrowArrayStream *stream)
{
	(void)stream;
	return NULL;
}

static void feed_release(struct ArrowArrayStream *stream)
{
	stream->release = NULL;
}

static enum lk_status check_columns(const struct ArrowSchema *schema, struct lk_error *err)
{
	for (int i = 0; i < LK_REPLAYED_COLUMNS; i++) {
		int at = lk_schema_find(schema, lk_replayed_fields[i].name);

		if (at < 0 || lk_type_of(schema->children[at], NULL, NULL) != lk_replayed_fields[i].type)
			return lk_error_set(err, LK_DATA, "lk.replayed has no column '%s' of its type", lk_replayed_fields[i].name);
	}
	return LK_OK;
}

static enum lk_status insert(struct lk_rejects *r, struct feed *feed, struct lk_error *err)
{
	struct ArrowArrayStream stream = {feed_schema, feed_next, feed_error, feed_release, feed};
	enum lk_status status = LK_OK;

	if (r->sql->duckdb.arrow_scan(r->sql->connection, "lk_batch", &stream))
		return lk_error_set(err, LK_BUG, "DuckDB does not take a batch of lk.replayed");
	status = lk_sql_run(r->sql, "INSERT INTO lk_replayed SELECT sha256, sender, member, \"table\", resource, record, landed"
		" FROM lk_batch", err);
	if (!status)
		status = lk_sql_run(r->sql, "DROP VIEW lk_batch", err);
	return status;
}

static enum lk_status take(void *self, struct lk_batch *batch, struct lk_error *err)
{
	struct lk_rejects *r = self;
	struct feed feed = {{0}};
	enum lk_status status;

	LK_TRY(check_columns(batch->schema, err));
	if (!r->sql)
		LK_TRY(open_sql(r, err));
	LK_TRY(lk_arrow_status(ArrowSchemaDeepCopy(batch->schema, &feed.schema), NULL, LK_BUG, "cannot copy a schema", err));
	r->rows += batch->rows;
	ArrowArrayMove(batch->array, &feed.array);
	status = insert(r, &feed, err);
	if (feed.array.release)
		ArrowArrayRelease(&feed.array);
	ArrowSchemaRelease(&feed.schema);
	return status;
}

static enum lk_status count(struct lk_rejects *r, struct lk_replay_counts *counts, struct lk_error *err)
{
	struct lk_duckdb_result result;
	enum lk_status status = ask(r, "SELECT count(*), count(*) FILTER (landed) FROM lk_replayed", &result, err);

	if (!status)
		*counts = (struct lk_replay_counts){r->sql->duckdb.value_int64(&result, 0, 0),
			r->sql->duckdb.value_int64(&result, 1, 0)};
	r->sql->duckdb.destroy_result(&result);
	return status;
}

static enum lk_status check(void *self, struct lk_replay_counts *counts, struct lk_error *err)
{
	struct lk_rejects *r = self;
	struct lk_duckdb_result result;
	enum lk_status status;

	status = ask(r, "SELECT member, record FROM lk_replayed GROUP BY sha256, sender, member, \"table\", resource, record"
		" HAVING count(*) > 1 ORDER BY ALL LIMIT 1", &result, err);
	if (!status && r->sql->duckdb.row_count(&result)) {
		char *member = r->sql->duckdb.value_varchar(&result, 0, 0);

		status = lk_error_set(err, LK_DATA, "record %lld of '%s' was replayed twice in this stream",
			(long long)r->sql->duckdb.value_int64(&result, 1, 0), member ? member : "");
		r->sql->duckdb.free(member);
	}
	r->sql->duckdb.destroy_result(&result);
	if (!status)
		status = count(r, counts, err);
	if (status)
		return status;
	/* Now, as they are asked for while the catalog is locked. */
	return lk_sql_run(r->sql, "CREATE TABLE lk_sums AS SELECT sender, sha256, count(*) AS landed FROM lk_replayed WHERE landed"
		" GROUP BY ALL", err);
}

/* ---- finding ---- */

static bool has_column(const struct lk_lake_table *t, const char *name)
{
	for (int i = 0; i < t->column_count; i++)
		if (!strcmp(t->columns[i].name, name))
			return true;
	return false;
}

/* The index of the file, the position in it, which of the rejects it is, and whether that became a row. */
static enum lk_status add_search(const struct lk_lake_table *t, struct lk_str *s, struct lk_error *err)
{
	lk_str_adds(s, "SELECT w.file, l.lk_pos, r.rowid, CAST(r.landed AS BIGINT) FROM (");
	LK_TRY(lk_sql_add_places(t, s, err));
	lk_str_adds(s, ") l JOIN lk_replayed r ON l.sha256 = r.sha256 AND l.sender = r.sender AND l.member = r.member"
		" AND l.record = r.record AND l.\"table\" IS NOT DISTINCT FROM r.\"table\"");
	if (has_column(t, "resource"))
		lk_str_adds(s, " AND l.resource IS NOT DISTINCT FROM r.resource");
	lk_str_adds(s, " JOIN (VALUES ");
	for (int i = 0; i < t->file_count; i++) {
		lk_str_adds(s, i ? ", (" : "(");
		lk_sql_add_literal(s, t->files[i].path);
		lk_str_addf(s, ", %d)", i);
	}
	lk_str_adds(s, ") AS w(path, file) ON w.path = l.lk_path ORDER BY 1, 2");
	return lk_str_check(s, err);
}

static int by_uri(const void *a, const void *b)
{
	return strcmp(((const struct lk_lake_file *)a)->uri, ((const struct lk_lake_file *)b)->uri);
}

static enum lk_status visit_all(struct lk_rejects *r, const struct lk_lake_table *t, struct lk_duckdb_result *result, bool *seen,
	struct lk_replay_counts *found, lk_place_visitor *visit, void *context, struct lk_error *err)
{
	const struct lk_duckdb *d = &r->sql->duckdb;
	uint64_t count = d->row_count(result);

	for (uint64_t i = 0; i < count; i++) {
		int64_t file = d->value_int64(result, 0, i), which = d->value_int64(result, 2, i);

		if (file < 0 || file >= t->file_count || which < 0 || which >= r->rows)
			return lk_error_set(err, LK_BUG, "DuckDB found a row in no file");
		found->all += !seen[which];
		found->landed += !seen[which] && d->value_int64(result, 3, i);
		seen[which] = true;
		LK_TRY(visit(context, &t->files[file], d->value_int64(result, 1, i), err));
	}
	return LK_OK;
}

static enum lk_status search(struct lk_rejects *r, struct lk_lake_table *t, struct lk_replay_counts *found,
	lk_place_visitor *visit, void *context,	struct lk_error *err)
{
	bool *seen = calloc((size_t)r->rows + 1, sizeof(*seen));
	struct lk_duckdb_result result = {{0}};
	struct lk_str s = LK_STR_INIT;
	enum lk_status status = seen ? add_search(t, &s, err) : lk_error_nomem(err);

	if (!status)
		status = ask(r, s.data, &result, err);
	if (!status)
		status = visit_all(r, t, &result, seen, found, visit, context, err);
	r->sql->duckdb.destroy_result(&result);
	lk_str_release(&s);
	free(seen);
	return status;
}

static enum lk_status find(void *self, const struct lk_lake_table *table, struct lk_replay_counts *found,
	lk_place_visitor *visit, void *context, struct lk_error *err)
{
	struct lk_lake_table sorted = *table;
	enum lk_status status;

	*found = (struct lk_replay_counts){0};
	sorted.files = malloc((size_t)table->file_count * sizeof(*sorted.files));
	if (!sorted.files)
		return lk_error_nomem(err);
	memcpy(sorted.files, table->files, (size_t)table->file_count * sizeof(*sorted.files));
	qsort(sorted.files, (size_t)sorted.file_count, sizeof(*sorted.files), by_uri);
	status = search(self, &sorted, found, visit, context, err);
	free(sorted.files);
	return status ? lk_error_prefix(err, "table %s.%s", table->namespace_name, table->name) : LK_OK;
}

/* ---- sums ---- */

static enum lk_status visit_sum(const struct lk_duckdb *d, struct lk_duckdb_result *result, uint64_t row, lk_sums_visitor *visit,
	void *context, struct lk_error *err)
{
	char *sender = d->value_varchar(result, 0, row), *sha256 = d->value_varchar(result, 1, row);
	enum lk_status status = sender && sha256 ? visit(context, sender, sha256, d->value_int64(result, 2, row), err)
						 : lk_error_nomem(err);

	d->free(sender);
	d->free(sha256);
	return status;
}

static enum lk_status sums(void *self, lk_sums_visitor *visit, void *context, struct lk_error *err)
{
	struct lk_rejects *r = self;
	struct lk_duckdb_result result;
	enum lk_status status;

	status = ask(r, "SELECT sender, sha256, landed FROM lk_sums ORDER BY ALL", &result, err);
	for (uint64_t i = 0; !status && i < r->sql->duckdb.row_count(&result); i++)
		status = visit_sum(&r->sql->duckdb, &result, i, visit, context, err);
	r->sql->duckdb.destroy_result(&result);
	return status;
}

/* ---- the finder ---- */

enum lk_status lk_rejects_open(struct lk_rejects **out, struct lk_reject_finder *finder, struct lk_error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	*finder = (struct lk_reject_finder){*out, take, check, find, sums};
	return LK_OK;
}

void lk_rejects_close(struct lk_rejects *r)
{
	if (!r)
		return;
	lk_sql_close(r->sql);
	if (r->has_workspace)
		lk_workspace_release(&r->workspace);
	free(r);
}
