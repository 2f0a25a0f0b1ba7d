#include "sql/verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"
#include "lake/value.h"
#include "sql/places.h"
#include "sql/view.h"

struct lk_verify {
	struct lk_places places;
};

enum lk_status lk_verify_open(struct lk_verify **out, struct lk_error *err)
{
	struct lk_verify *v = calloc(1, sizeof(*v));
	enum lk_status status;

	*out = NULL;
	if (!v)
		return lk_error_nomem(err);
	status = lk_places_open(&v->places, err);
	if (status)
		lk_verify_close(v);
	else
		*out = v;
	return status;
}

void lk_verify_close(struct lk_verify *v)
{
	if (v)
		lk_places_close(&v->places);
	free(v);
}

/* Runs a statement and keeps its result, the caller's to destroy in any case. */
static enum lk_status ask(struct lk_verify *v, const struct lk_str *statement, struct lk_duckdb_result *result, struct lk_error *err)
{
	*result = (struct lk_duckdb_result){{0}};
	LK_TRY(lk_str_check(statement, err));
	return lk_places_ask(&v->places, statement->data, result, err);
}

/* ---- columns ---- */

/* The value of column c<i> as something that compares as Iceberg has it, whose bounds add_bound writes. */
static void add_comparable(struct lk_str *s, const char *type, size_t i)
{
	if (!strcmp(type, "date"))
		lk_str_addf(s, "date_diff('day', DATE '1970-01-01', c%zu)", i);
	else if (!strcmp(type, "time"))
		lk_str_addf(s, "epoch_us(DATE '1970-01-01' + c%zu)", i);
	else if (!strncmp(type, "timestamp", 9))
		lk_str_addf(s, "epoch_us(c%zu)", i);
	else if (!strcmp(type, "string"))
		lk_str_addf(s, "encode(c%zu)", i);
	else if (!strcmp(type, "uuid"))
		lk_str_addf(s, "unhex(replace(CAST(c%zu AS VARCHAR), '-', ''))", i);
	else
		lk_str_addf(s, "c%zu", i);
}

static void add_blob(struct lk_str *s, const struct lk_str *value)
{
	lk_str_adds(s, "unhex('");
	for (size_t i = 0; i < value->len; i++)
		lk_str_addf(s, "%02x", (unsigned char)value->data[i]);
	lk_str_adds(s, "')");
}

static void add_decimal(struct lk_str *s, const char *type, const struct lk_str *value)
{
	const char *comma = strchr(type, ',');
	int scale = comma ? (int)strtol(comma + 1, NULL, 10) : 0;
	lk_int128 n = (unsigned char)value->data[0] >= 0x80 ? -1 : 0;
	char text[LK_VALUE_TEXT];

	for (size_t i = 0; i < value->len; i++)
		n = (lk_int128)((unsigned __int128)n << 8 | (unsigned char)value->data[i]);
	lk_decimal_text(n, scale, text);
	lk_str_addf(s, "CAST('%s' AS DECIMAL(38,%d))", text, scale);
}

/* False for a bound that cannot be compared with. */
static bool add_bound(struct lk_str *s, const char *type, const struct lk_str *value)
{
	char text[LK_VALUE_TEXT];

	switch (lk_value_kind(type)) {
	case LK_VALUE_INTEGER:
		lk_str_addf(s, "%" PRId64, lk_value_integer(value->data, value->len));
		return true;
	case LK_VALUE_FLOAT:
		lk_float64_text(lk_value_double(value->data, value->len), text);
		lk_str_addf(s, "CAST('%s' AS DOUBLE)", text);
		return true;
	case LK_VALUE_DECIMAL:
		if (value->len > 16)
			return false;
		add_decimal(s, type, value);
		return true;
	case LK_VALUE_BYTES:
		if (!strcmp(type, "boolean"))
			lk_str_adds(s, *value->data ? "true" : "false");
		else
			add_blob(s, value);
		return true;
	default:
		return false;
	}
}

/* count(*) FILTER (c0 < bound), or 0 */
static void add_beyond(struct lk_str *s, const struct lk_verify_column *c, size_t i, const struct lk_str *bound, const char *op)
{
	size_t before = s->len;

	if (bound) {
		lk_str_adds(s, ", count(*) FILTER (WHERE ");
		if (lk_value_kind(c->type) == LK_VALUE_FLOAT)
			lk_str_addf(s, "NOT isnan(c%zu) AND ", i);
		add_comparable(s, c->type, i);
		lk_str_adds(s, op);
		if (add_bound(s, c->type, bound)) {
			lk_str_addc(s, ')');
			return;
		}
		s->len = before;
	}
	lk_str_adds(s, ", 0");
}

static enum lk_status add_columns(struct lk_str *s, const char *path, const struct lk_verify_column *columns, size_t count,
	struct lk_error *err)
{
	struct lk_str type = LK_STR_INIT;

	lk_str_adds(s, "SELECT count(*)");
	for (size_t i = 0; i < count; i++) {
		lk_str_addf(s, ", count(c%zu)", i);
		if (lk_value_kind(columns[i].type) == LK_VALUE_FLOAT)
			lk_str_addf(s, ", count(*) FILTER (WHERE isnan(c%zu))", i);
		else
			lk_str_adds(s, ", 0");
		add_beyond(s, &columns[i], i, columns[i].lower, " < ");
		add_beyond(s, &columns[i], i, columns[i].upper, " > ");
	}
	lk_str_adds(s, " FROM read_parquet(");
	lk_sql_add_path(s, path);
	lk_str_adds(s, ", hive_partitioning = false, can_have_nan = true, schema = MAP {");
	for (size_t i = 0; i < count; i++) {
		lk_str_clear(&type);
		if (!lk_sql_iceberg_type(columns[i].type, &type))
			break;
		lk_str_addf(s, "%s%d: {name: 'c%zu', type: '%s', default_value: NULL}", i ? ", " : "", (int)columns[i].id, i,
			lk_str_text(&type));
	}
	lk_str_release(&type);
	lk_str_adds(s, "})");
	return lk_str_check(s, err);
}

static enum lk_status verify(struct lk_verify *v, const char *path, struct lk_verify_column *columns, size_t count,
	struct lk_error *err)
{
	struct lk_duckdb *d = &v->places.sql->duckdb;
	struct lk_duckdb_result result;
	struct lk_str s = LK_STR_INIT;
	enum lk_status status = add_columns(&s, path, columns, count, err);

	if (!status) {
		status = ask(v, &s, &result, err);
		for (size_t i = 0; !status && i < count; i++) {
			columns[i].values = d->value_int64(&result, 0, 0);
			columns[i].nulls = columns[i].values - d->value_int64(&result, 4 * i + 1, 0);
			columns[i].nans = d->value_int64(&result, 4 * i + 2, 0);
			columns[i].below = d->value_int64(&result, 4 * i + 3, 0);
			columns[i].above = d->value_int64(&result, 4 * i + 4, 0);
		}
		d->destroy_result(&result);
	}
	lk_str_release(&s);
	return status;
}

#define COLUMNS_AT_ONCE 200 /* so that no statement grows beyond reason */

enum lk_status lk_verify_columns(struct lk_verify *v, const char *path, struct lk_verify_column *columns, size_t count,
	struct lk_error *err)
{
	for (size_t i = 0; i < count; i += COLUMNS_AT_ONCE)
		LK_TRY(verify(v, path, columns + i, count - i < COLUMNS_AT_ONCE ? count - i : COLUMNS_AT_ONCE, err));
	return LK_OK;
}

/* ---- deletes ---- */

static void add_delete_rows(struct lk_str *s, const char *path)
{
	lk_str_adds(s, "(SELECT uri, pos, file_row_number AS n FROM read_parquet(");
	lk_sql_add_path(s, path);
	lk_str_adds(s, ", hive_partitioning = false, schema = MAP {"
		"2147483546: {name: 'uri', type: 'VARCHAR', default_value: NULL}, "
		"2147483545: {name: 'pos', type: 'BIGINT', default_value: NULL}}))");
}

static enum lk_status visit_places(struct lk_verify *v, const char *path, lk_verify_place *visit, void *context, struct lk_error *err)
{
	struct lk_duckdb *d = &v->places.sql->duckdb;
	struct lk_duckdb_result result;
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	lk_str_adds(&s, "SELECT uri, min(pos), max(pos) FROM ");
	add_delete_rows(&s, path);
	lk_str_adds(&s, " WHERE uri IS NOT NULL AND pos IS NOT NULL GROUP BY uri ORDER BY uri");
	status = ask(v, &s, &result, err);
	for (uint64_t row = 0; !status && row < d->row_count(&result); row++) {
		char *uri = d->value_varchar(&result, 0, row);

		status = uri ? visit(context, uri, d->value_int64(&result, 1, row), d->value_int64(&result, 2, row), err)
			     : lk_error_nomem(err);
		if (uri)
			d->free(uri);
	}
	d->destroy_result(&result);
	lk_str_release(&s);
	return status;
}

enum lk_status lk_verify_deletes(struct lk_verify *v, const char *path, lk_verify_place *visit, void *context, bool *sorted,
	bool *nulls, struct lk_error *err)
{
	struct lk_duckdb *d = &v->places.sql->duckdb;
	struct lk_duckdb_result result;
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	lk_str_adds(&s, "SELECT count(*) FILTER (WHERE uri IS NULL OR pos IS NULL),"
			" count(*) FILTER (WHERE last_uri > uri OR (last_uri = uri AND last_pos >= pos)) FROM"
			" (SELECT uri, pos, lag(uri) OVER w AS last_uri, lag(pos) OVER w AS last_pos FROM ");
	add_delete_rows(&s, path);
	lk_str_adds(&s, " WINDOW w AS (ORDER BY n))");
	status = ask(v, &s, &result, err);
	if (!status) {
		*nulls = d->value_int64(&result, 0, 0) > 0;
		*sorted = d->value_int64(&result, 1, 0) == 0;
	}
	d->destroy_result(&result);
	lk_str_release(&s);
	return status ? status : visit_places(v, path, visit, context, err);
}

/* ---- deliveries ---- */

static enum lk_status visit_deliveries(struct lk_verify *v, const struct lk_str *statement, lk_verify_delivery *visit, void *context,
	struct lk_error *err)
{
	struct lk_duckdb *d = &v->places.sql->duckdb;
	struct lk_duckdb_result result;
	enum lk_status status = ask(v, statement, &result, err);

	for (uint64_t row = 0; !status && row < d->row_count(&result); row++) {
		char *sender = d->value_varchar(&result, 0, row), *sha256 = d->value_varchar(&result, 1, row);

		status = sender && sha256 ? visit(context, sender, sha256, d->value_int64(&result, 2, row), err) : lk_error_nomem(err);
		if (sender)
			d->free(sender);
		if (sha256)
			d->free(sha256);
	}
	d->destroy_result(&result);
	return status;
}

enum lk_status lk_verify_deliveries(struct lk_verify *v, const struct lk_lake_table *files, lk_verify_delivery *visit, void *context,
	struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	if (!files->file_count)
		return LK_OK;
	lk_str_adds(&s, "SELECT sender, sha256, CAST(coalesce(sum(rows), 0) + coalesce(sum(rejected), 0) AS BIGINT) FROM (");
	status = lk_sql_add_places(v->places.sql, files, &s, err);
	lk_str_adds(&s, ") WHERE sender IS NOT NULL AND sha256 IS NOT NULL GROUP BY ALL ORDER BY ALL");
	if (!status)
		status = visit_deliveries(v, &s, visit, context, err);
	lk_str_release(&s);
	return status;
}
