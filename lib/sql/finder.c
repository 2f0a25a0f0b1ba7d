#include "sql/finder.h"

#include <stdlib.h>
#include <string.h>

#include "sql/places.h"
#include "sql/script.h"
#include "sql/view.h"

/* ---- by the bounds of files ---- */

/* Texts as DuckDB has them, ascending. */
struct texts {
	char **items;
	uint64_t count;
};

/* Whether a text, or with begins what begins with it, comes before a bound (< 0), may be it (0), or comes after it; as bytes. */
static int compare_bound(const char *text, bool begins, const struct lk_str *bound)
{
	size_t len = strlen(text), least = len < bound->len ? len : bound->len;
	int order = least ? memcmp(text, bound->data, least) : 0;

	if (order || (begins && len <= bound->len))
		return order;
	return (len > bound->len) - (len < bound->len);
}

/* Whether any of the texts lies between a column's bounds; where it has none, it may. */
static bool may_hold(const struct lk_column_metrics *column, const struct texts *texts, bool begins)
{
	uint64_t low = 0, high = texts->count;

	while (column->has_lower && low < high) { /* the first that is not below */
		uint64_t middle = low + (high - low) / 2;

		if (compare_bound(texts->items[middle], begins, &column->lower) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < texts->count && (!column->has_upper || compare_bound(texts->items[low], begins, &column->upper) <= 0);
}

static bool may_have_text(const struct lk_lake_file *file, int32_t column, const struct texts *texts, bool begins)
{
	const struct lk_file_metrics *m = &file->entry.metrics;

	for (int i = 0; i < m->column_count; i++)
		if (m->columns[i].field_id == column)
			return may_hold(&m->columns[i], texts, begins);
	return true;
}

/* -1: there is none. */
static int32_t column_id(const struct lk_lake_table *t, const char *name)
{
	for (int i = 0; i < t->column_count; i++)
		if (!strcmp(t->columns[i].name, name))
			return t->columns[i].id;
	return -1;
}

struct lk_finder {
	struct lk_places places;
	char *where;	    /* NULL: deliveries are meant */
	struct texts digests; /* the first 12 digits of the SHA-256 of the deliveries */
	struct texts files; /* what lk_file is in the rows that are meant */
	struct lk_str range; /* of them: a condition; empty when there are none */
	bool meaning;	     /* deliveries were told */
	bool shared;	     /* some lk_file is another sender's, too */
};

/* ---- which deliveries ---- */

static void forget_texts(struct lk_finder *f, struct texts *texts)
{
	for (uint64_t i = 0; i < texts->count; i++)
		f->places.sql->duckdb.free(texts->items[i]);
	free(texts->items);
	*texts = (struct texts){NULL};
}

static enum lk_status take_texts(struct lk_finder *f, struct lk_duckdb_result *result, struct texts *texts, struct lk_error *err)
{
	const struct lk_duckdb *d = &f->places.sql->duckdb;
	uint64_t count = d->row_count(result);

	texts->items = calloc(count + 1, sizeof(*texts->items));
	if (!texts->items)
		return lk_error_nomem(err);
	while (texts->count < count) {
		char *text = d->value_varchar(result, 0, texts->count);

		if (!text)
			return lk_error_nomem(err);
		texts->items[texts->count++] = text;
	}
	return LK_OK;
}

/* question: in order. */
static enum lk_status list_texts(struct lk_finder *f, const char *question, struct texts *texts, struct lk_error *err)
{
	struct lk_duckdb_result result;
	enum lk_status status = lk_places_ask(&f->places, question, &result, err);

	forget_texts(f, texts);
	if (!status)
		status = take_texts(f, &result, texts, err);
	f->places.sql->duckdb.destroy_result(&result);
	return status;
}

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

/* Adds a SELECT of the rows of lk.files that may be about such digests. */
static enum lk_status add_file_rows(struct lk_finder *f, const struct lk_lake_table *files, struct lk_str *s, struct lk_error *err)
{
	struct lk_lake_table some = files ? *files : (struct lk_lake_table){.file_count = 0};
	int32_t column = column_id(&some, "sha256");
	enum lk_status status = LK_OK;

	some.files = malloc(((size_t)some.file_count + 1) * sizeof(*some.files));
	if (!some.files)
		return lk_error_nomem(err);
	some.file_count = 0;
	for (int i = 0; files && i < files->file_count; i++)
		if (may_have_text(&files->files[i], column, &f->digests, true))
			some.files[some.file_count++] = files->files[i];
	if (some.file_count)
		status = lk_sql_add_places(f->places.sql, &some, s, err);
	else
		lk_str_adds(s, "SELECT '' AS sender, '' AS sha256, '' AS delivery, '' AS member, '' AS lk_path WHERE false");
	free(some.files);
	return status;
}

/* What lk.files says of members: of the deliveries that are meant, and of others whose lk_file begins the same way. writer: the
 * process that wrote the row, by which it named its files. */
static enum lk_status read_members(struct lk_finder *f, const struct lk_lake_table *files, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	lk_str_adds(&s, "CREATE OR REPLACE TABLE lk_members AS SELECT sender, sha256, string_split(delivery, '/')[-1] || '@' || "
		"left(sha256, 12) || '!' || member AS lk_file, left(string_split(lk_path, '/')[-1], 36) AS writer FROM (");
	status = add_file_rows(f, files, &s, err);
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

/* What lk_file is to be: it spares opening files, and reading parts of them, by their bounds. */
static enum lk_status find_files(struct lk_finder *f, struct lk_error *err)
{
	LK_TRY(list_texts(f, "SELECT lk_file FROM lk_meant_files ORDER BY 1", &f->files, err));
	lk_str_clear(&f->range);
	if (!f->files.count)
		return LK_OK;
	lk_str_adds(&f->range, "l.lk_file >= ");
	lk_sql_add_literal(&f->range, f->files.items[0]);
	lk_str_adds(&f->range, " AND l.lk_file <= ");
	lk_sql_add_literal(&f->range, f->files.items[f->files.count - 1]);
	return lk_str_check(&f->range, err);
}

static enum lk_status find_shared(struct lk_finder *f, struct lk_error *err)
{
	struct lk_duckdb_result result;
	enum lk_status status = lk_places_ask(&f->places, "SELECT count(*) FILTER (shared) FROM lk_meant_files", &result, err);

	f->shared = !status && f->places.sql->duckdb.value_int64(&result, 0, 0);
	f->places.sql->duckdb.destroy_result(&result);
	return status;
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
	LK_TRY(list_texts(f, "SELECT DISTINCT left(sha256, 12) FROM lk_meant ORDER BY 1", &f->digests, err));
	LK_TRY(read_members(f, files, err));
	LK_TRY(check_members(f, err));
	LK_TRY(lk_sql_run(f->places.sql, "CREATE OR REPLACE TABLE lk_writers AS SELECT lk_file, writer, bool_or(m.sender IS NOT NULL) AS"
		" mine, bool_or(m.sender IS NULL) AS theirs FROM lk_members t LEFT JOIN lk_meant m ON t.sender = m.sender AND"
		" t.sha256 = m.sha256 GROUP BY ALL; CREATE OR REPLACE TABLE lk_meant_files AS SELECT lk_file, bool_or(theirs) AS shared"
		" FROM lk_writers GROUP BY ALL HAVING bool_or(mine)", err));
	f->meaning = true;
	LK_TRY(find_shared(f, err));
	return find_files(f, err);
}

/* ---- in tables ---- */

/* lk's own tables have sender and SHA-256 in columns, but for facts about rows, which say where they come from as rows do. */
static bool is_own(const struct lk_lake_table *t)
{
	if (!strcmp(t->namespace_name, "lk") && !strcmp(t->name, "versions"))
		return false;
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
	lk_str_adds(s, "JOIN lk_meant_files x ON l.lk_file = x.lk_file");
	if (f->shared)
		lk_str_adds(s, " LEFT JOIN lk_writers m ON x.shared AND m.lk_file = x.lk_file AND"
			" m.writer = left(string_split(l.lk_path, '/')[-1], 36)");
	lk_str_addf(s, " WHERE %s AND %s", f->range.data, f->shared ? condition : "true");
}

/* The files that have to be asked. */
static void choose_files(const struct lk_finder *f, const struct lk_lake_table *t, const struct lk_file_rows *rows, bool *only)
{
	bool own = is_own(t);
	int32_t column = column_id(t, own ? "sha256" : "lk_file");

	for (int i = 0; i < t->file_count; i++)
		only[i] = !rows[i].whole && (f->where || may_have_text(&t->files[i], column, own ? &f->digests : &f->files, own));
}

/* ---- counting and visiting ---- */

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
	if (d->value_int64(result, 2, row) && !c->unclear)
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
	struct lk_search search = {.table = t, .by = "", .select = "sum(l.n)", .rest = "", .group = "GROUP BY 1"};
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
	bool *only = calloc((size_t)c->table->file_count + 1, sizeof(*only));
	struct lk_str rest = LK_STR_INIT;
	enum lk_status status = only ? LK_OK : lk_error_nomem(err);

	if (!status)
		choose_files(f, c->table, c->rows, only);
	search.only = only;
	search.by = f->where ? "" : by_file ? ", lk_file" : ", sender, sha256";
	search.select = by_file && f->shared ? "sum(l.n) FILTER (" IS_MEANT "), sum(l.n) FILTER (" IS_UNCLEAR ")" : "sum(l.n), 0";
	add_rest(f, c->table, "true", &rest);
	search.rest = lk_str_text(&rest);
	if (!status)
		status = lk_str_check(&rest, err);
	if (!status && may_have(f, c->table))
		status = lk_places_search(&f->places, &search, count_meant, c, err);
	lk_str_release(&rest);
	free(only);
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
	forget_texts(f, &f->digests);
	forget_texts(f, &f->files);
	lk_places_close(&f->places);
	lk_str_release(&f->range);
	free(f->where);
	free(f);
}
