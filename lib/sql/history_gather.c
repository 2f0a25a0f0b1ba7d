/* What is known of the keys that come, as tables of the session: lk_facts, lk_added, lk_lists, lk_keys, lk_base. */
#include <string.h>

#include "lake/history.h"
#include "sql/history_inside.h"
#include "sql/scan.h"
#include "sql/view.h"
#include "stream/side.h"

#define NO_TIME "-9223372036854775808" /* INT64_MIN */

const struct lk_lake_column *lk_history_find(const struct lk_lake_table *t, const char *name)
{
	for (int i = 0; t && name && i < t->column_count; i++)
		if (!strcmp(t->columns[i].name, name))
			return &t->columns[i];
	return NULL;
}

enum lk_status lk_history_run(struct lk_history *h, struct lk_error *err)
{
	enum lk_status status = lk_str_check(&h->s, err);

	if (!status)
		status = lk_sql_run(h->p->sql, h->s.data, err);
	lk_str_clear(&h->s);
	if (!status && h->f.failed)
		status = lk_error_nomem(err);
	return status;
}

enum lk_status lk_history_run_text(struct lk_history *h, const char *statement, struct lk_error *err)
{
	lk_str_clear(&h->s);
	lk_str_adds(&h->s, statement);
	return lk_history_run(h, err);
}

enum lk_status lk_history_add_value(struct lk_history *h, const struct lk_lake_table *t, const struct lk_lake_column *c, struct lk_error *err)
{
	struct lk_str name = LK_STR_INIT;
	enum lk_status status;

	lk_str_adds(&h->s, "CAST(");
	if (lk_history_find(t, c->name)) {
		lk_scan_add_name(t, (int)(lk_history_find(t, c->name) - t->columns), &name);
		lk_str_adds(&h->s, "l.");
		lk_sql_add_identifier(&h->s, lk_str_text(&name));
		h->s.failed |= name.failed;
	} else {
		lk_str_adds(&h->s, "NULL");
	}
	lk_str_release(&name);
	lk_str_adds(&h->s, " AS ");
	status = lk_scan_add_type(h->rq->added, c, &h->s, err);
	lk_str_adds(&h->s, ")");
	return status;
}

/* The same by name; of a column that no table has, a null of that type. */
static enum lk_status add_named(struct lk_history *h, const struct lk_lake_table *t, const char *name, const char *type, struct lk_error *err)
{
	const struct lk_lake_column *c = lk_history_find(h->rq->added, name);

	if (c)
		return lk_history_add_value(h, t, c, err);
	lk_str_addf(&h->s, "CAST(NULL AS %s)", type);
	return LK_OK;
}

static enum lk_status add_names(struct lk_history *h, const struct lk_lake_table *t, const char *function, const char *const *names, int count,
	struct lk_error *err)
{
	lk_str_addf(&h->s, "%s(", function);
	for (int i = 0; i < count; i++) {
		lk_str_adds(&h->s, i ? ", " : "");
		LK_TRY(add_named(h, t, names[i], "VARCHAR", err));
	}
	lk_str_addc(&h->s, ')');
	return LK_OK;
}

/* A time as a number: days, or microseconds. */
static enum lk_status add_number(struct lk_history *h, const struct lk_lake_table *t, const char *name, struct lk_error *err)
{
	bool date = !strcmp(h->time_type, "date");

	lk_str_adds(&h->s, date ? "(" : "epoch_us(");
	LK_TRY(add_named(h, t, name, "TIMESTAMPTZ", err));
	lk_str_adds(&h->s, date ? " - DATE '1970-01-01')::BIGINT" : ")");
	return LK_OK;
}

/* ---- what a row says ---- */

bool lk_history_is_content(const char *name)
{
	return !lk_column_is_trace(name) && !lk_history_column(name);
}

/* As two numbers, of the columns in one order and the other. */
static enum lk_status add_content(struct lk_history *h, const struct lk_lake_table *t, struct lk_error *err)
{
	const struct lk_lake_table *a = h->rq->added;

	lk_str_adds(&h->s, "{a: hash(1");
	for (int i = 0; i < a->column_count; i++)
		if (lk_history_is_content(a->columns[i].name)) {
			lk_str_adds(&h->s, ", ");
			LK_TRY(lk_history_add_value(h, t, &a->columns[i], err));
		}
	lk_str_adds(&h->s, "), b: hash(2");
	for (int i = a->column_count - 1; i >= 0; i--)
		if (lk_history_is_content(a->columns[i].name)) {
			lk_str_adds(&h->s, ", ");
			LK_TRY(lk_history_add_value(h, t, &a->columns[i], err));
		}
	lk_str_adds(&h->s, ")}");
	return LK_OK;
}

static void add_deliveries(struct lk_history *h, const char *const *digests, size_t count)
{
	lk_str_adds(&h->s, "(false");
	for (size_t i = 0; i < count; i++)
		lk_str_addf(&h->s, " OR coalesce(contains(file, '@%.12s!'), false)", digests[i]);
	lk_str_adds(&h->s, ")");
}

/* SELECT path, pos, k, v, s, t, h, f, u, now, file, sent, line of rows of a table, all but nulls where it has no files. */
static enum lk_status add_rows(struct lk_history *h, const struct lk_lake_table *t, bool wanted, struct lk_error *err)
{
	lk_str_adds(&h->s, "SELECT lk_path AS path, lk_pos AS pos, ");
	LK_TRY(add_names(h, t, h->f.key, h->rq->spec->key, h->rq->spec->key_count, err));
	lk_str_addf(&h->s, " AS k, %s(", h->f.version);
	if (h->f.order_type)
		LK_TRY(add_named(h, t, h->rq->spec->order, "VARCHAR", err));
	lk_str_adds(&h->s, h->f.order_type ? ", " : "");
	LK_TRY(add_named(h, t, LK_COLUMN_SENT, "TIMESTAMPTZ", err));
	lk_str_adds(&h->s, ", ");
	LK_TRY(add_named(h, t, LK_COLUMN_FILE, "VARCHAR", err));
	lk_str_adds(&h->s, ", ");
	LK_TRY(add_named(h, t, LK_COLUMN_ROW, "BIGINT", err));
	lk_str_adds(&h->s, ") AS v, ");
	if (h->rq->spec->scope_count)
		LK_TRY(add_names(h, t, h->f.scope, h->rq->spec->scope, h->rq->spec->scope_count, err));
	else
		lk_str_adds(&h->s, "''::BLOB");
	lk_str_adds(&h->s, " AS s, ");
	LK_TRY(add_number(h, t, h->by_order ? h->rq->spec->order : LK_COLUMN_SENT, err));
	lk_str_adds(&h->s, " AS t, ");
	LK_TRY(add_content(h, t, err));
	lk_str_adds(&h->s, " AS h, ");
	LK_TRY(add_number(h, t, LK_COLUMN_FROM, err));
	lk_str_adds(&h->s, " AS f, ");
	LK_TRY(add_number(h, t, LK_COLUMN_TO, err));
	lk_str_adds(&h->s, " AS u, ");
	LK_TRY(add_named(h, t, LK_COLUMN_CURRENT, "BOOLEAN", err));
	lk_str_adds(&h->s, " AS now, ");
	LK_TRY(add_named(h, t, LK_COLUMN_FILE, "VARCHAR", err));
	lk_str_adds(&h->s, " AS file, ");
	LK_TRY(add_named(h, t, LK_COLUMN_SENT, "TIMESTAMPTZ", err));
	lk_str_adds(&h->s, " AS sent, ");
	LK_TRY(add_named(h, t, LK_COLUMN_ROW, "BIGINT", err));
	lk_str_adds(&h->s, " AS line FROM (");
	if (t->file_count) {
		LK_TRY(lk_sql_add_places(h->p->sql, t, &h->s, err));
		lk_str_adds(&h->s, ") l");
	} else {
		lk_str_adds(&h->s, "SELECT NULL::VARCHAR AS lk_path, NULL::BIGINT AS lk_pos");
		for (int i = 0; i < t->column_count; i++) {
			lk_str_adds(&h->s, ", NULL AS ");
			lk_sql_add_identifier(&h->s, t->columns[i].name);
		}
		lk_str_adds(&h->s, ") l WHERE false");
	}
	if (wanted && t->file_count) {
		lk_str_adds(&h->s, " WHERE ");
		LK_TRY(add_names(h, t, h->f.find, h->rq->spec->key, h->rq->spec->key_count, err));
		lk_str_adds(&h->s, " >= 0");
	}
	return LK_OK;
}

/* ---- gathering ---- */

/* What lk.versions has of this table. */
static enum lk_status add_facts(struct lk_history *h, const struct lk_lake_table *t, bool known, struct lk_error *err)
{
	lk_str_addf(&h->s, "SELECT fact, key AS k, version AS v, lk_sent, lk_file, lk_row, %s AS known FROM (", known ? "true" : "false");
	LK_TRY(lk_sql_add_rows(h->p->sql, t, &h->s, err));
	lk_str_adds(&h->s, ") WHERE table_uuid = ");
	lk_sql_add_literal(&h->s, h->rq->uuid);
	return LK_OK;
}

static enum lk_status gather_facts(struct lk_history *h, struct lk_error *err)
{
	const struct lk_lake_table *tables[] = {h->rq->facts, h->rq->added_facts};

	lk_str_adds(&h->s, "CREATE OR REPLACE TEMP TABLE lk_facts AS SELECT *, ");
	if (h->by_order)
		lk_str_addf(&h->s, "nullif(%s(v), " NO_TIME ")", h->f.time);
	else
		lk_str_adds(&h->s, "epoch_us(lk_sent)");
	lk_str_adds(&h->s, " AS t FROM (SELECT NULL::VARCHAR AS fact, NULL::BLOB AS k, NULL::BLOB AS v, NULL::TIMESTAMPTZ AS lk_sent,"
		" NULL::VARCHAR AS lk_file, NULL::BIGINT AS lk_row, true AS known WHERE false");
	for (int i = 0; i < 2; i++)
		if (tables[i] && tables[i]->file_count) {
			lk_str_adds(&h->s, " UNION ALL ");
			LK_TRY(add_facts(h, tables[i], i == 0, err));
		}
	lk_str_adds(&h->s, ")");
	return lk_history_run(h, err);
}

static enum lk_status gather_added(struct lk_history *h, struct lk_error *err)
{
	lk_str_adds(&h->s, "CREATE OR REPLACE TEMP TABLE lk_added AS ");
	LK_TRY(add_rows(h, h->rq->added, false, err));
	return lk_history_run(h, err);
}

/* The complete lists that come: of each value of a scope, by their versions; l: which list it is. */
static enum lk_status gather_lists(struct lk_history *h, struct lk_error *err)
{
	lk_str_adds(&h->s, "CREATE OR REPLACE TEMP TABLE lk_lists AS SELECT k AS s, v AS l, min(t) AS t, min(lk_sent) AS sent, min(lk_file) AS file,"
		" bool_or(known) AS known FROM lk_facts WHERE fact = 'complete' GROUP BY ALL");
	if (h->rq->spec->load == LK_LOAD_FULL && !h->rq->all_wanting) {
		lk_str_addf(&h->s, " UNION ALL SELECT s, %s(v) AS l, min(t), make_timestamp(min(t))::TIMESTAMPTZ, min(file), false FROM lk_added WHERE NOT ",
			h->f.list);
		add_deliveries(h, h->rq->wanting, h->rq->wanting_count);
		lk_str_adds(&h->s, " GROUP BY ALL");
	}
	LK_TRY(lk_history_run(h, err));
	return lk_history_run_text(h, "CREATE OR REPLACE TEMP TABLE lk_lists AS SELECT s, l, min(t) AS t, min(sent) AS sent, min(file) AS file,"
		" bool_or(known) AS known FROM lk_lists GROUP BY s, l", err);
}

/* Rows that have not been given their times yet: the table has just begun to keep history. */
static bool is_first(const struct lk_history *h)
{
	return h->rq->base && !lk_history_find(h->rq->base, LK_COLUMN_CURRENT);
}

static enum lk_status add_base_keys(struct lk_history *h, const char *where, struct lk_error *err)
{
	lk_str_adds(&h->s, " UNION SELECT k FROM (");
	LK_TRY(add_rows(h, h->rq->base, false, err));
	lk_str_addf(&h->s, ") WHERE %s", where);
	return LK_OK;
}

/* The keys that are to be looked at. */
static enum lk_status choose_keys(struct lk_history *h, struct lk_error *err)
{
	lk_str_adds(&h->s, "CREATE OR REPLACE TEMP TABLE lk_keys AS SELECT DISTINCT k FROM lk_added UNION SELECT k FROM lk_facts"
		" WHERE NOT known AND fact <> 'complete'");
	if (h->rq->base && h->rq->base->file_count) {
		if (is_first(h))
			LK_TRY(add_base_keys(h, "true", err));
		else if (h->rq->spec->load == LK_LOAD_FULL)
			LK_TRY(add_base_keys(h, "now IS NULL OR s IN (SELECT s FROM lk_lists WHERE NOT known)", err));
		if (h->rq->anew_count) {
			LK_TRY(add_base_keys(h, "", err));
			add_deliveries(h, h->rq->anew, h->rq->anew_count);
		}
	}
	LK_TRY(lk_history_run(h, err));
	return lk_history_keep_keys(&h->f, h->p->sql, "SELECT k FROM lk_keys", err);
}

/*
 * undone: a row of a delivery that comes anew. closed: at which time the row was, where nothing that is known says so any more; where rows are
 * undone, what they closed is not to be trusted.
 */
static const char *const sql_closed =
	"CREATE OR REPLACE TEMP TABLE lk_base AS SELECT *, CASE WHEN u IS NOT NULL AND k NOT IN (SELECT k FROM lk_base WHERE undone) AND NOT EXISTS"
	" (FROM lk_base o WHERE o.k = b.k AND o.v > b.v AND o.t = b.u) AND NOT EXISTS (FROM lk_facts o WHERE o.known AND o.fact = 'deleted' AND"
	" o.k = b.k AND o.v > b.v AND o.t = b.u) THEN u END AS closed FROM lk_base b";

static enum lk_status gather_base(struct lk_history *h, struct lk_error *err)
{
	const struct lk_lake_table none = {.columns = h->rq->added->columns, .column_count = h->rq->added->column_count,
		.namespace_name = h->rq->added->namespace_name, .name = h->rq->added->name};

	lk_str_adds(&h->s, "CREATE OR REPLACE TEMP TABLE lk_base AS SELECT *, ");
	add_deliveries(h, h->rq->anew, h->rq->anew_count);
	lk_str_adds(&h->s, " AS undone FROM (");
	LK_TRY(add_rows(h, h->rq->base ? h->rq->base : &none, true, err));
	lk_str_adds(&h->s, ")");
	LK_TRY(lk_history_run(h, err));
	return lk_history_run_text(h, sql_closed, err);
}

enum lk_status lk_history_gather(struct lk_history *h, struct lk_error *err)
{
	LK_TRY(gather_facts(h, err));
	LK_TRY(gather_added(h, err));
	LK_TRY(gather_lists(h, err));
	LK_TRY(choose_keys(h, err));
	return gather_base(h, err);
}
