#include "sql/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql/session.h"
#include "stream/side.h"

#define INPUT "standard input"

bool lk_spool_means(const struct lk_sql_name *n)
{
	if (*n->schema)
		return !*n->catalog && !strcasecmp(n->schema, "stdin");
	return !strcasecmp(n->table, "stdin");
}

/* Whether a name of the script means this table: stdin.visits is the table `visits`, or else `main.visits`. */
static bool name_matches(const struct lk_sql_name *n, const char *table)
{
	const char *dot = strrchr(table, '.');

	if (!lk_spool_means(n))
		return false;
	if (!*n->schema)
		return !lk_table_is_side(table);
	return !strcasecmp(n->table, table) || (dot && !strcasecmp(n->table, dot + 1));
}

static bool is_wanted(const struct lk_script *script, const char *table)
{
	for (size_t i = 0; i < script->name_count; i++)
		if (name_matches(&script->names[i], table))
			return true;
	return false;
}

/* ---- an Arrow stream of the input, as DuckDB pulls it ---- */

/* The run of batches that belong to one Arrow stream; `batch` is the next one to hand out, or what ended the run. */
struct feed {
	struct lk_reader *reader;
	struct lk_batch batch;
	enum lk_next next;
	struct ArrowSchema schema;
	uint64_t stream;
	int64_t rows;
	struct lk_error err;
};

static void lent_release(struct ArrowSchema *schema)
{
	schema->release = NULL;
}

/* DuckDB asks twice and releases neither, so the schema is lent and stays the feed's. */
static int feed_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	*out = ((struct feed *)stream->private_data)->schema;
	out->release = lent_release;
	return NANOARROW_OK;
}

static bool feed_goes_on(const struct feed *f)
{
	return f->next == LK_NEXT_BATCH && f->batch.stream == f->stream;
}

static int feed_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	struct feed *f = stream->private_data;

	out->release = NULL;
	while (feed_goes_on(f) && !f->batch.rows)
		f->next = lk_reader_next(f->reader, &f->batch, &f->err);
	if (feed_goes_on(f)) {
		f->rows += f->batch.rows;
		ArrowArrayMove(f->batch.array, out);
		f->next = lk_reader_next(f->reader, &f->batch, &f->err);
	}
	if (f->next == LK_NEXT_ERROR && !out->release)
		return EIO;
	return 0;
}

static const char *feed_error(struct ArrowArrayStream *stream)
{
	return ((struct feed *)stream->private_data)->err.message;
}

static void feed_release(struct ArrowArrayStream *stream)
{
	stream->release = NULL;
}

/* ---- tables and their parts ---- */

static struct lk_spooled *find_table(struct lk_spool *spool, const char *table)
{
	for (size_t i = 0; i < spool->count; i++)
		if (!strcmp(spool->tables[i].table, table))
			return &spool->tables[i];
	return NULL;
}

static enum lk_status add_table(struct lk_spool *spool, const char *table, const struct ArrowSchema *schema,
	struct lk_spooled **out, struct lk_error *err)
{
	struct lk_spooled *t = find_table(spool, table);

	*out = t;
	if (t)
		return LK_OK;
	if (!lk_grow((void **)&spool->tables, &spool->cap, spool->count + 1, sizeof(*t)))
		return lk_error_nomem(err);
	t = &spool->tables[spool->count];
	*t = (struct lk_spooled){.table = strdup(table)};
	if (!t->table)
		return lk_error_nomem(err);
	spool->count++;
	*out = t;
	return lk_arrow_status(ArrowSchemaDeepCopy(schema, &t->schema), NULL, LK_BUG, "cannot copy a schema", err);
}

/* A column that a later stream of the table has with another type. */
static enum lk_status check_types(const struct lk_spooled *t, const struct ArrowSchema *schema, struct lk_error *err)
{
	for (size_t p = 0; p < t->part_count; p++)
		for (int64_t i = 0; i < schema->n_children; i++) {
			const struct ArrowSchema *column = schema->children[i];
			int before = lk_schema_find(&t->parts[p], column->name);

			if (before >= 0 && strcmp(t->parts[p].children[before]->format, column->format))
				return lk_error_set(err, LK_DATA, INPUT ": table '%s' comes with two types of column %s",
					t->table, column->name);
		}
	return LK_OK;
}

static enum lk_status find_part(struct lk_spooled *t, const struct ArrowSchema *schema, size_t *part, bool *is_new,
	struct lk_error *err)
{
	for (*part = 0; *part < t->part_count; ++*part)
		if (lk_schema_equal(&t->parts[*part], schema)) {
			*is_new = false;
			return LK_OK;
		}
	LK_TRY(check_types(t, schema, err));
	*is_new = true;
	if (!lk_grow((void **)&t->parts, &t->part_cap, t->part_count + 1, sizeof(*t->parts)))
		return lk_error_nomem(err);
	LK_TRY(lk_arrow_status(ArrowSchemaDeepCopy(schema, &t->parts[t->part_count]), NULL, LK_BUG, "cannot copy a schema", err));
	t->part_count++;
	return LK_OK;
}

/* Hands one Arrow stream to DuckDB; f->batch is its first batch, and afterwards what follows it. */
static enum lk_status load_part(struct lk_sql *sql, struct lk_spool *spool, struct lk_spooled *t, struct feed *f,
	struct lk_error *err)
{
	struct ArrowArrayStream stream = {feed_schema, feed_next, feed_error, feed_release, f};
	char statement[160];
	enum lk_status status;
	size_t part;
	bool is_new;

	LK_TRY(find_part(t, &f->schema, &part, &is_new, err));
	if (sql->duckdb.arrow_scan(sql->connection, "lk_feed", &stream))
		return lk_error_set(err, LK_DATA, INPUT ": table '%s' has types that DuckDB cannot read", t->table);
	snprintf(statement, sizeof(statement), "%s lk_stream.\"%zu_%zu\" %s lk_feed",
		is_new ? "CREATE TABLE" : "INSERT INTO", (size_t)(t - spool->tables), part, is_new ? "AS FROM" : "FROM");
	status = lk_sql_run(sql, statement, err);
	if (f->next == LK_NEXT_ERROR) {
		*err = f->err;
		return f->err.status;
	}
	return status ? lk_error_prefix(err, INPUT ": table '%s'", t->table) : LK_OK;
}

static enum lk_status load(struct lk_sql *sql, struct lk_spool *spool, struct feed *f, struct lk_error *err)
{
	struct lk_spooled *t;
	enum lk_status status;

	LK_TRY(add_table(spool, f->batch.table, f->batch.schema, &t, err));
	f->stream = f->batch.stream;
	f->rows = 0;
	LK_TRY(lk_arrow_status(ArrowSchemaDeepCopy(f->batch.schema, &f->schema), NULL, LK_BUG, "cannot copy a schema", err));
	status = load_part(sql, spool, t, f, err);
	ArrowSchemaRelease(&f->schema);
	t->rows += f->rows;
	return status;
}

/* Facts about rows that a script may leave out are facts no more: who commits what is left is to be told nothing of the others. */
static bool is_outdated(const struct lk_spool *spool, const char *table)
{
	struct ArrowStringView change;

	if (strcmp(table, LK_TABLE_VERSIONS) != 0)
		return false;
	for (size_t i = 0; i < spool->count; i++)
		if (lk_meta_get(&spool->tables[i].schema, LK_META_CHANGE, &change))
			return true;
	return false;
}

static enum lk_status read_all(struct lk_sql *sql, struct lk_spool *spool, const struct lk_script *script, struct feed *f,
	struct lk_writer *pass, struct lk_error *err)
{
	f->next = lk_reader_next(f->reader, &f->batch, &f->err);
	while (f->next == LK_NEXT_BATCH) {
		if (is_wanted(script, f->batch.table)) {
			LK_TRY(load(sql, spool, f, err));
			continue;
		}
		if (pass && is_outdated(spool, f->batch.table))
			LK_TRY(lk_writer_count(pass, f->batch.table, f->batch.rows, f->batch.rows, "their rows were asked for by SQL", err));
		else if (pass)
			LK_TRY(lk_writer_pass(pass, &f->batch, err));
		f->next = lk_reader_next(f->reader, &f->batch, &f->err);
	}
	if (f->next == LK_NEXT_END)
		return LK_OK;
	*err = f->err;
	return f->err.status;
}

/* ---- names to views ---- */

static void list_tables(const struct lk_spool *spool, struct lk_str *out)
{
	for (size_t i = 0; i < spool->count; i++)
		lk_str_addf(out, "%s%s", i ? ", " : "", spool->tables[i].table);
}

/* The one table that a name means, or NULL when there is none. */
static enum lk_status resolve(struct lk_spool *spool, const struct lk_sql_name *n, struct lk_spooled **out,
	struct lk_error *err)
{
	struct lk_str tables = LK_STR_INIT;
	int matches = 0;

	*out = NULL;
	for (size_t i = 0; i < spool->count; i++) {
		if (!name_matches(n, spool->tables[i].table))
			continue;
		*out = &spool->tables[i];
		matches++;
	}
	if (matches < 2)
		return LK_OK;
	list_tables(spool, &tables);
	lk_error_set(err, LK_DATA, "'%s%s' could be several tables of " INPUT ": %s; say stdin.\"TABLE\"", *n->schema ? "stdin." : "",
		n->table, lk_str_text(&tables));
	lk_str_release(&tables);
	return LK_DATA;
}

static enum lk_status make_view(struct lk_sql *sql, const struct lk_spool *spool, const struct lk_sql_name *n,
	const struct lk_spooled *t, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	if (*n->schema)
		lk_str_adds(&s, "CREATE SCHEMA IF NOT EXISTS stdin; ");
	lk_str_addf(&s, "CREATE VIEW %s.", *n->schema ? "stdin" : "main");
	lk_sql_add_identifier(&s, n->table);
	lk_str_adds(&s, " AS ");
	for (size_t part = 0; part < t->part_count; part++)
		lk_str_addf(&s, "%sFROM lk_stream.\"%zu_%zu\"", part ? " UNION ALL BY NAME " : "",
			(size_t)(t - spool->tables), part);
	status = lk_str_check(&s, err);
	if (!status)
		status = lk_sql_run(sql, s.data, err);
	lk_str_release(&s);
	return status;
}

static enum lk_status make_views(struct lk_sql *sql, struct lk_spool *spool, const struct lk_script *script,
	struct lk_error *err)
{
	for (size_t i = 0; i < script->name_count; i++) {
		const struct lk_sql_name *n = &script->names[i];
		struct lk_spooled *t;

		if (!lk_spool_means(n))
			continue;
		LK_TRY(resolve(spool, n, &t, err));
		if (t)
			LK_TRY(make_view(sql, spool, n, t, err));
		else if (*n->schema)
			return lk_error_set(err, LK_DATA, INPUT " has no table '%s'", n->table);
		else
			spool->no_data = true;
	}
	return LK_OK;
}

enum lk_status lk_spool_read(struct lk_spool *spool, struct lk_sql *sql, const struct lk_script *script, int fd,
	struct lk_writer *pass, struct lk_error *err)
{
	struct feed f = {.reader = NULL};
	enum lk_status status;

	*spool = (struct lk_spool){.tables = NULL};
	LK_TRY(lk_sql_run(sql, "CREATE SCHEMA lk_stream", err));
	LK_TRY(lk_reader_open(&f.reader, fd, INPUT, 0, err));
	lk_pipe_enlarge(fd);
	status = read_all(sql, spool, script, &f, pass, err);
	lk_reader_close(f.reader);
	return status ? status : make_views(sql, spool, script, err);
}

void lk_spool_release(struct lk_spool *spool)
{
	for (size_t i = 0; i < spool->count; i++) {
		struct lk_spooled *t = &spool->tables[i];

		for (size_t p = 0; p < t->part_count; p++)
			ArrowSchemaRelease(&t->parts[p]);
		free(t->parts);
		if (t->schema.release)
			ArrowSchemaRelease(&t->schema);
		free(t->table);
	}
	free(spool->tables);
	*spool = (struct lk_spool){.tables = NULL};
}
