#include "sql/thin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"
#include "lake/history.h"
#include "lake/metadata.h"
#include "sql/history_inside.h"
#include "sql/scan.h"
#include "sql/view.h"
#include "stream/side.h"

struct lk_thinner {
	struct lk_lake *lake;
	struct lk_places places;
	struct lk_pin pin; /* the tables that the facts are about */
	struct lk_arena arena;
	struct lk_str s;
};

static enum lk_status run(struct lk_thinner *t, struct lk_error *err)
{
	enum lk_status status = lk_str_check(&t->s, err);

	if (!status)
		status = lk_sql_run(t->places.sql, t->s.data, err);
	lk_str_clear(&t->s);
	return status;
}

/* ---- by what the facts say themselves ---- */

static enum lk_status gather_facts(struct lk_thinner *t, const struct lk_lake_table *versions, struct lk_error *err)
{
	lk_str_adds(&t->s, "CREATE OR REPLACE TEMP TABLE lk_thin AS SELECT lk_path AS path, lk_pos AS pos, table_uuid AS uuid, fact, key AS k,"
		" version AS v, lk_sent FROM (");
	LK_TRY(lk_sql_add_places(t->places.sql, versions, &t->s, err));
	lk_str_adds(&t->s, ")");
	return run(t, err);
}

static enum lk_status gather_tables(struct lk_thinner *t, struct lk_error *err)
{
	lk_pin_release(&t->pin);
	t->pin = (struct lk_pin){.arena = LK_ARENA_INIT};
	LK_TRY(lk_lake_pin(t->lake, &t->pin, err));
	lk_str_adds(&t->s, "CREATE OR REPLACE TEMP TABLE lk_thin_tables AS SELECT '' AS uuid, false AS history WHERE false");
	for (int i = 0; i < t->pin.table_count; i++) {
		LK_TRY(lk_lake_table_open(&t->pin, &t->pin.tables[i], NULL, err));
		lk_str_adds(&t->s, " UNION ALL SELECT ");
		lk_sql_add_literal(&t->s, t->pin.tables[i].uuid);
		lk_str_adds(&t->s, lk_history_wanted(json_object_get(t->pin.tables[i].metadata, "properties")) ? ", true" : ", false");
	}
	return run(t, err);
}

static enum lk_status read_days(const struct lk_lake_table *versions, int64_t *days, struct lk_error *err)
{
	const char *text = lk_metadata_property(versions->metadata, LK_THIN_DAYS);

	*days = LK_THIN_DAYS_DEFAULT;
	if (!text || (lk_int64_parse(text, strlen(text), days) && *days >= 0 && *days <= 1000000))
		return LK_OK;
	return lk_error_set(err, LK_CONFIG, "the property " LK_THIN_DAYS " of " LK_TABLE_VERSIONS " is '%s', which is no number of days", text);
}

/* history: whether the fact's table keeps rows of the past; null: there is no such table. */
static enum lk_status choose_facts(struct lk_thinner *t, int64_t days, struct lk_error *err)
{
	lk_str_adds(&t->s, "CREATE OR REPLACE TEMP TABLE lk_thin_gone AS SELECT path, pos FROM (SELECT f.*, history,"
		" row_number() OVER (PARTITION BY f.uuid, fact, k ORDER BY v DESC, path, pos) AS place,"
		" row_number() OVER (PARTITION BY f.uuid, fact, k, v ORDER BY path, pos) AS copy,"
		" max(v) FILTER (fact = 'deleted') OVER (PARTITION BY f.uuid, k) AS deleted,"
		" least(max(lk_sent) OVER (PARTITION BY f.uuid), now()) AS newest"
		" FROM lk_thin f LEFT JOIN lk_thin_tables t ON t.uuid = f.uuid) WHERE history IS NULL OR copy > 1"
		" OR (NOT history AND (place > 1 OR (fact = 'confirmed' AND coalesce(v < deleted, false))))");
	if (days)
		lk_str_addf(&t->s, " OR (fact IN ('deleted', 'confirmed') AND coalesce(lk_sent < newest - INTERVAL %" PRId64 " DAY, false))", days);
	return run(t, err);
}

/* ---- by the rows of their tables ---- */

static int find_column(const struct lk_lake_table *table, const char *name)
{
	for (int i = 0; name && i < table->column_count; i++)
		if (!strcmp(table->columns[i].name, name))
			return i;
	return -1;
}

static enum lk_status add_column(struct lk_thinner *t, const struct lk_lake_table *table, const char *name, const char *type, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	int at = find_column(table, name);
	enum lk_status status;

	if (at < 0) {
		lk_str_addf(&t->s, "CAST(NULL AS %s)", type);
		return LK_OK;
	}
	lk_scan_add_name(table, at, &text);
	status = lk_str_check(&text, err);
	if (!status)
		lk_sql_add_identifier(&t->s, text.data);
	lk_str_release(&text);
	return status;
}

static enum lk_status add_key(struct lk_thinner *t, const struct lk_lake_table *table, const struct lk_spec *spec, const char *function,
	struct lk_error *err)
{
	lk_str_addf(&t->s, "%s(", function);
	for (int i = 0; i < spec->key_count; i++) {
		lk_str_adds(&t->s, i ? ", " : "");
		LK_TRY(add_column(t, table, spec->key[i], "VARCHAR", err));
	}
	lk_str_addc(&t->s, ')');
	return LK_OK;
}

/* Confirmations that are not newer than the row that they confirmed, or than what replaced it. */
static enum lk_status choose_confirmed(struct lk_thinner *t, const struct lk_lake_table *table, const struct lk_history_functions *f,
	struct lk_error *err)
{
	lk_str_adds(&t->s, "INSERT INTO lk_thin_gone SELECT path, pos FROM lk_thin_confirmed c JOIN (SELECT ");
	LK_TRY(add_key(t, table, f->spec, f->key, err));
	lk_str_addf(&t->s, " AS k, %s(", f->version);
	if (f->order_type)
		LK_TRY(add_column(t, table, f->spec->order, "VARCHAR", err));
	lk_str_adds(&t->s, f->order_type ? ", " : "");
	LK_TRY(add_column(t, table, LK_COLUMN_SENT, "TIMESTAMPTZ", err));
	lk_str_adds(&t->s, ", ");
	LK_TRY(add_column(t, table, LK_COLUMN_FILE, "VARCHAR", err));
	lk_str_adds(&t->s, ", ");
	LK_TRY(add_column(t, table, LK_COLUMN_ROW, "BIGINT", err));
	lk_str_adds(&t->s, ") AS v FROM (");
	LK_TRY(lk_sql_add_places(t->places.sql, table, &t->s, err));
	lk_str_adds(&t->s, ") WHERE ");
	LK_TRY(add_key(t, table, f->spec, f->find, err));
	lk_str_adds(&t->s, " >= 0) r ON r.k = c.k GROUP BY path, pos, c.v HAVING max(r.v) >= c.v");
	LK_TRY(run(t, err));
	return f->failed ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status look_at_rows(struct lk_thinner *t, const struct lk_lake_table *table, struct lk_history_functions *f, struct lk_error *err)
{
	int order = find_column(table, f->spec->order);

	for (int i = 0; i < f->spec->key_count; i++) {
		int at = find_column(table, f->spec->key[i]);

		if (at < 0)
			return LK_OK; /* of another key, before */
		f->key_types[i] = table->columns[at].type;
	}
	f->order_type = order < 0 ? NULL : table->columns[order].type;
	LK_TRY(lk_keys_create(&f->keys, err));
	LK_TRY(lk_history_functions_make(f, t->places.sql, err));
	lk_str_adds(&t->s, "CREATE OR REPLACE TEMP TABLE lk_thin_confirmed AS SELECT path, pos, k, v FROM lk_thin ANTI JOIN lk_thin_gone USING (path, pos)"
		" WHERE fact = 'confirmed' AND uuid = ");
	lk_sql_add_literal(&t->s, table->uuid);
	LK_TRY(run(t, err));
	LK_TRY(lk_history_keep_keys(f, t->places.sql, "SELECT k FROM lk_thin_confirmed", err));
	return lk_keys_count(f->keys) ? choose_confirmed(t, table, f, err) : LK_OK;
}

/* Of the key and order alone, which versions are made of. */
static enum lk_status read_spec(struct lk_thinner *t, const struct lk_lake_table *table, struct lk_spec *spec, struct lk_error *err)
{
	const char *key = lk_metadata_property(table->metadata, LK_META_KEY), *order = lk_metadata_property(table->metadata, LK_META_ORDER);
	const char *load = lk_metadata_property(table->metadata, LK_META_LOAD);
	json_t *said = json_pack("{s:s*, s:o*, s:s*}", "load", load, "key", key ? json_loads(key, 0, NULL) : NULL, "order", order);
	enum lk_status status = said ? lk_spec_parse(spec, said, &t->arena, err) : lk_error_nomem(err);

	json_decref(said);
	return status;
}

static enum lk_status look_at(struct lk_thinner *t, struct lk_lake_table *table, struct lk_error *err)
{
	const char *load = lk_metadata_property(table->metadata, LK_META_LOAD);
	struct lk_spec spec;
	struct lk_history_functions f = {.spec = &spec};
	enum lk_status status;

	if (!load || !strcmp(load, "append") || lk_history_wanted(json_object_get(table->metadata, "properties")))
		return LK_OK;
	LK_TRY(read_spec(t, table, &spec, err));
	LK_TRY(lk_lake_table_read(&t->pin, table, 0, NULL, err));
	if (!spec.key_count || !table->file_count)
		return LK_OK;
	f.key_types = calloc((size_t)spec.key_count, sizeof(*f.key_types));
	spec.scope_count = 0;
	status = f.key_types ? look_at_rows(t, table, &f, err) : lk_error_nomem(err);
	lk_keys_free(f.keys);
	free(f.key_types);
	return status ? lk_error_prefix(err, "table %s.%s", table->namespace_name, table->name) : LK_OK;
}

/* ---- the finder ---- */

static enum lk_status choose(struct lk_thinner *t, const struct lk_lake_table *versions, struct lk_error *err)
{
	int64_t days;

	LK_TRY(lk_places_open(&t->places, err));
	LK_TRY(read_days(versions, &days, err));
	LK_TRY(gather_facts(t, versions, err));
	LK_TRY(gather_tables(t, err));
	LK_TRY(choose_facts(t, days, err));
	for (int i = 0; i < t->pin.table_count; i++)
		LK_TRY(look_at(t, &t->pin.tables[i], err));
	return LK_OK;
}

struct counting {
	const struct lk_thinner *t;
	const struct lk_lake_table *table;
	struct lk_file_rows *rows;
};

static enum lk_status count_file(void *context, const struct lk_lake_file *file, struct lk_duckdb_result *result, uint64_t row,
	struct lk_error *err)
{
	const struct counting *c = context;
	const struct lk_duckdb *d = &c->t->places.sql->duckdb;

	(void)err;
	for (int i = 0; i < c->table->file_count; i++)
		if (!strcmp(c->table->files[i].uri, file->uri))
			c->rows[i] = (struct lk_file_rows){.meant = d->value_int64(result, 1, row), .live = d->value_int64(result, 2, row)};
	return LK_OK;
}

#define IS_GONE "ON g.path = l.lk_path AND g.pos = l.lk_pos"

static enum lk_status count(void *self, const struct lk_lake_table *table, struct lk_file_rows *rows, struct lk_error *err)
{
	struct lk_thinner *t = self;
	struct counting c = {t, table, rows};
	const struct lk_search search = {.table = table, .select = "count(g.pos), count(*)", .rest = "LEFT JOIN lk_thin_gone g " IS_GONE,
		.group = "GROUP BY 1"};

	if (!table->file_count)
		return LK_OK;
	LK_TRY(choose(t, table, err));
	return lk_places_search(&t->places, &search, count_file, &c, err);
}

struct visiting {
	const struct lk_thinner *t;
	lk_place_visitor *visit;
	void *context;
};

static enum lk_status visit_place(void *context, const struct lk_lake_file *file, struct lk_duckdb_result *result, uint64_t row,
	struct lk_error *err)
{
	const struct visiting *v = context;

	return v->visit(v->context, file, v->t->places.sql->duckdb.value_int64(result, 1, row), err);
}

static enum lk_status visit_gone(void *self, const struct lk_lake_table *table, const bool *only, lk_place_visitor *visit, void *context,
	struct lk_error *err)
{
	struct lk_thinner *t = self;
	struct visiting v = {t, visit, context};
	const struct lk_search search = {.table = table, .only = only, .select = "l.lk_pos", .rest = "SEMI JOIN lk_thin_gone g " IS_GONE, .group = ""};

	return lk_places_search(&t->places, &search, visit_place, &v, err);
}

static bool may_have(void *self, const struct lk_lake_table *table)
{
	(void)self;
	return !strcmp(table->namespace_name, "lk") && !strcmp(table->name, "versions");
}

enum lk_status lk_thinner_open(struct lk_thinner **out, struct lk_row_finder *finder, struct lk_lake *lake, struct lk_error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	(*out)->lake = lake;
	(*out)->pin = (struct lk_pin){.arena = LK_ARENA_INIT};
	(*out)->arena = (struct lk_arena)LK_ARENA_INIT;
	*finder = (struct lk_row_finder){.self = *out, .may_have = may_have, .count = count, .visit = visit_gone};
	return LK_OK;
}

void lk_thinner_close(struct lk_thinner *t)
{
	if (!t)
		return;
	lk_places_close(&t->places);
	lk_pin_release(&t->pin);
	lk_arena_release(&t->arena);
	lk_str_release(&t->s);
	free(t);
}
