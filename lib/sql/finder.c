#include "sql/finder.h"

#include <stdlib.h>
#include <string.h>

#include "sql/places.h"
#include "sql/script.h"
#include "sql/view.h"

struct lk_finder {
	struct lk_places places;
	char *where;	    /* NULL: deliveries are meant */
	struct lk_str range; /* of lk_file: a condition; empty when no row of a data file is meant */
	bool meaning;	     /* deliveries were told */
};

/* ---- which deliveries ---- */

static enum lk_status insert_deliveries(struct lk_finder *f, struct lk_delivery *const *items, size_t count, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	lk_str_adds(&s, "INSERT INTO lk_meant VALUES ");
	for (size_t i = 0; i < count; i++) {
		lk_str_adds(&s, i ? ", (" : "(");
		lk_sql_add_literal(&s, items[i]->sender);
		lk_str_adds(&s, ", ");
		lk_sql_add_literal(&s, items[i]->sha256);
		lk_str_adds(&s, ", ");
		lk_sql_add_literal(&s, items[i]->path);
		lk_str_addf(&s, ", %lld)", (long long)items[i]->seen_rows);
	}
	status = lk_str_check(&s, err);
	if (!status)
		status = lk_sql_run(f->places.sql, s.data, err);
	lk_str_release(&s);
	return status;
}

/* What lk.files says of members: of the deliveries that are meant, and of others whose lk_file begins the same way. writer: the
 * process that wrote the row, by which it named its files. */
static enum lk_status read_members(struct lk_finder *f, const struct lk_lake_table *files, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status = LK_OK;

	lk_str_adds(&s, "CREATE OR REPLACE TABLE lk_members AS SELECT sender, sha256, string_split(delivery, '/')[-1] || '@' || "
		"left(sha256, 12) || '!' || member AS lk_file, left(string_split(lk_path, '/')[-1], 36) AS writer FROM (");
	if (files && files->file_count)
		status = lk_sql_add_places(f->places.sql, files, &s, err);
	else
		lk_str_adds(&s, "SELECT '' AS sender, '' AS sha256, '' AS delivery, '' AS member, '' AS lk_path WHERE false");
	lk_str_adds(&s, ") WHERE left(sha256, 12) IN (SELECT left(sha256, 12) FROM lk_meant)");
	if (!status)
		status = lk_str_check(&s, err);
	if (!status)
		status = lk_sql_run(f->places.sql, s.data, err);
	lk_str_release(&s);
	return status;
}

/* A delivery of which rows were loaded, and of which lk.files tells nothing. */
static enum lk_status check_members(struct lk_finder *f, struct lk_error *err)
{
	struct lk_duckdb_result result;
	enum lk_status status = lk_places_ask(&f->places, "SELECT path FROM lk_meant m ANTI JOIN lk_members t ON t.sender = m.sender"
		" AND t.sha256 = m.sha256 WHERE loaded > 0 ORDER BY 1 LIMIT 1", &result, err);

	if (!status && f->places.sql->duckdb.row_count(&result)) {
		char *path = f->places.sql->duckdb.value_varchar(&result, 0, 0);

		status = lk_error_set(err, LK_DATA, "lk.files does not tell what came of '%s', so its rows cannot be found",
			path ? path : "");
		f->places.sql->duckdb.free(path);
	}
	f->places.sql->duckdb.destroy_result(&result);
	return status;
}

/* The least and the greatest lk_file: what spares reading files by their bounds. */
static enum lk_status find_range(struct lk_finder *f, struct lk_error *err)
{
	struct lk_duckdb_result result;
	enum lk_status status = lk_places_ask(&f->places, "SELECT min(lk_file), max(lk_file) FROM lk_meant_files", &result, err);
	char *low = status ? NULL : f->places.sql->duckdb.value_varchar(&result, 0, 0);
	char *high = status ? NULL : f->places.sql->duckdb.value_varchar(&result, 1, 0);

	lk_str_clear(&f->range);
	if (low && high) {
		lk_str_adds(&f->range, "l.lk_file >= ");
		lk_sql_add_literal(&f->range, low);
		lk_str_adds(&f->range, " AND l.lk_file <= ");
		lk_sql_add_literal(&f->range, high);
	}
	f->places.sql->duckdb.free(low);
	f->places.sql->duckdb.free(high);
	f->places.sql->duckdb.destroy_result(&result);
	return status ? status : lk_str_check(&f->range, err);
}

static enum lk_status mean_deliveries(void *self, const struct lk_lake_table *files, struct lk_delivery *const *items, size_t count,
	struct lk_error *err)
{
	struct lk_finder *f = self;

	LK_TRY(lk_places_open(&f->places, err));
	LK_TRY(lk_sql_run(f->places.sql, "CREATE OR REPLACE TABLE lk_meant(sender VARCHAR, sha256 VARCHAR, path VARCHAR, loaded BIGINT)",
		err));
	if (count)
		LK_TRY(insert_deliveries(f, items, count, err));
	LK_TRY(read_members(f, files, err));
	LK_TRY(check_members(f, err));
	LK_TRY(lk_sql_run(f->places.sql, "CREATE OR REPLACE TABLE lk_writers AS SELECT lk_file, writer, bool_or(m.sender IS NOT NULL) AS"
		" mine, bool_or(m.sender IS NULL) AS theirs FROM lk_members t LEFT JOIN lk_meant m ON t.sender = m.sender AND"
		" t.sha256 = m.sha256 GROUP BY ALL; CREATE OR REPLACE TABLE lk_meant_files AS SELECT lk_file, bool_or(theirs) AS shared"
		" FROM lk_writers GROUP BY ALL HAVING bool_or(mine)", err));
	f->meaning = true;
	return find_range(f, err);
}

/* ---- in tables ---- */

/* lk's own tables have sender and SHA-256 in columns. */
static bool is_own(const struct lk_lake_table *t)
{
	return !strcmp(t->namespace_name, "lk") || !strcmp(t->namespace_name, "quarantine");
}

static bool may_have(void *self, const struct lk_lake_table *t)
{
	const struct lk_finder *f = self;

	if (f->where)
		return true;
	if (!f->meaning)
		return false;
	if (is_own(t))
		return lk_places_has_column(t, "sender") && lk_places_has_column(t, "sha256");
	for (int i = 0; f->range.len && i < t->column_count; i++)
		if (!strcmp(t->columns[i].name, "lk_file"))
			return !strcmp(t->columns[i].type, "string");
	return false;
}

/* A row whose lk_file is shared with another sender's is meant where its writer wrote that member for this sender alone. */
#define IS_MEANT "(NOT x.shared OR (m.mine AND NOT m.theirs))"
#define IS_UNCLEAR "(x.shared AND (m.writer IS NULL OR (m.mine AND m.theirs)))"

/* Joins and conditions by which a table's rows are those that are meant, or may be. */
static void add_rest(const struct lk_finder *f, const struct lk_lake_table *t, const char *condition, struct lk_str *s)
{
	if (f->where)
		return;
	if (is_own(t)) {
		lk_str_adds(s, "SEMI JOIN lk_meant x ON l.sender = x.sender AND l.sha256 = x.sha256");
		return;
	}
	lk_str_addf(s, "JOIN lk_meant_files x ON l.lk_file = x.lk_file LEFT JOIN lk_writers m ON x.shared AND m.lk_file = x.lk_file"
		" AND m.writer = left(string_split(l.lk_path, '/')[-1], 36) WHERE %s AND %s", f->range.data, condition);
}

struct counting {
	const struct lk_finder *finder;
	const struct lk_lake_table *table;
	struct lk_file_rows *rows;
	const char *unclear; /* the first file whose rows cannot be told from those of others; NULL: none */
};

static int by_uri(const void *key, const void *file)
{
	return strcmp(key, ((const struct lk_lake_file *)file)->uri);
}

static struct lk_file_rows *rows_of(const struct counting *c, const struct lk_lake_file *file)
{
	const struct lk_lake_table *t = c->table;
	const struct lk_lake_file *it = bsearch(file->uri, t->files, (size_t)t->file_count, sizeof(*it), by_uri);

	return &c->rows[it - t->files];
}

static enum lk_status count_meant(void *context, const struct lk_lake_file *file, struct lk_duckdb_result *result, uint64_t row,
	struct lk_error *err)
{
	const struct lk_duckdb *d;
	struct counting *c = context;
	struct lk_file_rows *rows = rows_of(c, file);

	(void)err;
	d = &c->finder->places.sql->duckdb;
	rows->meant = d->value_int64(result, 1, row);
	if (d->value_int64(result, 2, row) && !c->unclear && !rows->whole)
		c->unclear = file->uri;
	return LK_OK;
}

static enum lk_status count_live(void *context, const struct lk_lake_file *file, struct lk_duckdb_result *result, uint64_t row,
	struct lk_error *err)
{
	struct counting *c = context;

	(void)err;
	rows_of(c, file)->live = c->finder->places.sql->duckdb.value_int64(result, 1, row);
	return LK_OK;
}

/* How many rows live in the files of which any are meant. */
static enum lk_status count_all(struct lk_finder *f, struct counting *c, struct lk_error *err)
{
	const struct lk_lake_table *t = c->table;
	struct lk_search search = {.table = t, .select = "count(*)", .rest = "", .group = "GROUP BY 1"};
	bool *only = calloc((size_t)t->file_count + 1, sizeof(*only));
	enum lk_status status = only ? LK_OK : lk_error_nomem(err);

	for (int i = 0; !status && i < t->file_count; i++)
		only[i] = c->rows[i].meant || c->rows[i].whole;
	search.only = only;
	if (!status && (t->deletes_count || t->equality_count))
		status = lk_places_search(&f->places, &search, count_live, c, err);
	else
		for (int i = 0; !status && i < t->file_count; i++)
			c->rows[i].live = only[i] ? t->files[i].rows : 0;
	for (int i = 0; !status && i < t->file_count; i++)
		if (c->rows[i].whole)
			c->rows[i].meant = c->rows[i].live;
	free(only);
	return status;
}

static enum lk_status count_rows(struct lk_finder *f, struct counting *c, struct lk_error *err)
{
	bool by_file = !f->where && !is_own(c->table);
	struct lk_search search = {.table = c->table, .where = f->where, .group = "GROUP BY 1"};
	struct lk_str rest = LK_STR_INIT;
	enum lk_status status;

	search.select = by_file ? "count(*) FILTER (" IS_MEANT "), count(*) FILTER (" IS_UNCLEAR ")" : "count(*), 0";
	add_rest(f, c->table, "true", &rest);
	search.rest = lk_str_text(&rest);
	status = lk_str_check(&rest, err);
	if (!status && may_have(f, c->table))
		status = lk_places_search(&f->places, &search, count_meant, c, err);
	lk_str_release(&rest);
	return status;
}

static enum lk_status count(void *self, const struct lk_lake_table *table, struct lk_file_rows *rows, struct lk_error *err)
{
	struct lk_finder *f = self;
	struct counting c = {.finder = f, .table = table, .rows = rows};

	LK_TRY(lk_places_open(&f->places, err));
	LK_TRY(count_rows(f, &c, err));
	LK_TRY(count_all(f, &c, err));
	if (!c.unclear)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "'%s' has rows of deliveries of the same name and bytes from several senders, which cannot"
		" be told apart; nothing was changed", c.unclear);
}

struct visiting {
	const struct lk_finder *finder;
	lk_place_visitor *visit;
	void *context;
};

static enum lk_status visit_place(void *context, const struct lk_lake_file *file, struct lk_duckdb_result *result, uint64_t row,
	struct lk_error *err)
{
	const struct visiting *v = context;

	return v->visit(v->context, file, v->finder->places.sql->duckdb.value_int64(result, 1, row), err);
}

static enum lk_status visit_meant(void *self, const struct lk_lake_table *table, const bool *only, lk_place_visitor *visit,
	void *context, struct lk_error *err)
{
	struct lk_finder *f = self;
	struct visiting v = {f, visit, context};
	struct lk_search search = {.table = table, .only = only, .select = "l.lk_pos", .where = f->where, .group = ""};
	struct lk_str rest = LK_STR_INIT;
	enum lk_status status;

	add_rest(f, table, IS_MEANT, &rest);
	search.rest = lk_str_text(&rest);
	status = lk_str_check(&rest, err);
	if (!status)
		status = lk_places_search(&f->places, &search, visit_place, &v, err);
	lk_str_release(&rest);
	return status;
}

/* ---- the finder ---- */

enum lk_status lk_finder_open(struct lk_finder **out, struct lk_row_finder *finder, struct lk_error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	*finder = (struct lk_row_finder){*out, mean_deliveries, may_have, count, visit_meant};
	return LK_OK;
}

enum lk_status lk_finder_open_where(struct lk_finder **out, struct lk_row_finder *finder, const char *predicate,
	struct lk_error *err)
{
	struct lk_finder *f;

	LK_TRY(lk_finder_open(&f, finder, err));
	*out = f;
	LK_TRY(lk_places_open(&f->places, err));
	LK_TRY(lk_script_check_predicate(f->places.sql, predicate, err));
	f->where = strdup(predicate);
	return f->where ? LK_OK : lk_error_nomem(err);
}

void lk_finder_close(struct lk_finder *f)
{
	if (!f)
		return;
	lk_places_close(&f->places);
	lk_str_release(&f->range);
	free(f->where);
	free(f);
}
