#include "sql/rejects.h"

#include <stdlib.h>
#include <string.h>

#include "sql/places.h"
#include "stream/side.h"

struct lk_rejects {
	struct lk_places places; /* opened with the first row */
	int64_t rows;
};

static enum lk_status open_places(struct lk_rejects *r, struct lk_error *err)
{
	LK_TRY(lk_places_open(&r->places, err));
	return lk_sql_run(r->places.sql, "CREATE TABLE lk_replayed(sha256 VARCHAR, sender VARCHAR, member VARCHAR, \"table\" VARCHAR,"
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

	if (r->places.sql->duckdb.arrow_scan(r->places.sql->connection, "lk_batch", &stream))
		return lk_error_set(err, LK_BUG, "DuckDB does not take a batch of lk.replayed");
	status = lk_sql_run(r->places.sql, "INSERT INTO lk_replayed SELECT sha256, sender, member, \"table\", resource, record, landed"
		" FROM lk_batch", err);
	if (!status)
		status = lk_sql_run(r->places.sql, "DROP VIEW lk_batch", err);
	return status;
}

static enum lk_status take(void *self, struct lk_batch *batch, struct lk_error *err)
{
	struct lk_rejects *r = self;
	struct feed feed = {{0}};
	enum lk_status status;

	LK_TRY(check_columns(batch->schema, err));
	if (!r->places.sql)
		LK_TRY(open_places(r, err));
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
	enum lk_status status = lk_places_ask(&r->places, "SELECT count(*), count(*) FILTER (landed) FROM lk_replayed", &result, err);

	if (!status)
		*counts = (struct lk_replay_counts){r->places.sql->duckdb.value_int64(&result, 0, 0),
			r->places.sql->duckdb.value_int64(&result, 1, 0)};
	r->places.sql->duckdb.destroy_result(&result);
	return status;
}

static enum lk_status check(void *self, struct lk_replay_counts *counts, struct lk_error *err)
{
	struct lk_rejects *r = self;
	struct lk_duckdb_result result;
	enum lk_status status;

	status = lk_places_ask(&r->places, "SELECT member, record FROM lk_replayed GROUP BY sha256, sender, member, \"table\", resource, record"
		" HAVING count(*) > 1 ORDER BY ALL LIMIT 1", &result, err);
	if (!status && r->places.sql->duckdb.row_count(&result)) {
		char *member = r->places.sql->duckdb.value_varchar(&result, 0, 0);

		status = lk_error_set(err, LK_DATA, "record %lld of '%s' was replayed twice in this stream",
			(long long)r->places.sql->duckdb.value_int64(&result, 1, 0), member ? member : "");
		r->places.sql->duckdb.free(member);
	}
	r->places.sql->duckdb.destroy_result(&result);
	if (!status)
		status = count(r, counts, err);
	if (status)
		return status;
	/* Now, as they are asked for while the catalog is locked. */
	return lk_sql_run(r->places.sql, "CREATE TABLE lk_sums AS SELECT sender, sha256, count(*) AS landed FROM lk_replayed WHERE landed"
		" GROUP BY ALL", err);
}

/* ---- finding ---- */

/* What a search has found so far. */
struct findings {
	struct lk_rejects *rejects;
	bool *seen; /* of the rejects, by their rowid */
	struct lk_replay_counts *found;
	lk_place_visitor *visit;
	void *context;
};

static enum lk_status visit_reject(void *context, const struct lk_lake_file *file, struct lk_duckdb_result *result, uint64_t row,
	struct lk_error *err)
{
	struct findings *f = context;
	const struct lk_duckdb *d = &f->rejects->places.sql->duckdb;
	int64_t which = d->value_int64(result, 2, row);

	if (which < 0 || which >= f->rejects->rows)
		return lk_error_set(err, LK_BUG, "DuckDB found a reject that was not replayed");
	f->found->all += !f->seen[which];
	f->found->landed += !f->seen[which] && d->value_int64(result, 3, row);
	f->seen[which] = true;
	return f->visit(f->context, file, d->value_int64(result, 1, row), err);
}

static enum lk_status find(void *self, const struct lk_lake_table *table, struct lk_replay_counts *found,
	lk_place_visitor *visit, void *context, struct lk_error *err)
{
	struct lk_rejects *r = self;
	struct findings findings = {r, calloc((size_t)r->rows + 1, sizeof(bool)), found, visit, context};
	struct lk_str join = LK_STR_INIT;
	enum lk_status status = findings.seen ? LK_OK : lk_error_nomem(err);

	*found = (struct lk_replay_counts){0};
	lk_str_adds(&join, "JOIN lk_replayed r ON l.sha256 = r.sha256 AND l.sender = r.sender AND l.member = r.member"
		" AND l.record = r.record AND l.\"table\" IS NOT DISTINCT FROM r.\"table\"");
	if (lk_places_has_column(table, "resource"))
		lk_str_adds(&join, " AND l.resource IS NOT DISTINCT FROM r.resource");
	if (!status)
		status = lk_str_check(&join, err);
	if (!status) {
		const struct lk_search search = {.table = table, .select = "l.lk_pos, r.rowid, CAST(r.landed AS BIGINT)",
			.rest = join.data, .group = ""};

		status = lk_places_search(&r->places, &search, visit_reject, &findings, err);
	}
	lk_str_release(&join);
	free(findings.seen);
	return status;
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

	status = lk_places_ask(&r->places, "SELECT sender, sha256, landed FROM lk_sums ORDER BY ALL", &result, err);
	for (uint64_t i = 0; !status && i < r->places.sql->duckdb.row_count(&result); i++)
		status = visit_sum(&r->places.sql->duckdb, &result, i, visit, context, err);
	r->places.sql->duckdb.destroy_result(&result);
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
	lk_places_close(&r->places);
	free(r);
}
