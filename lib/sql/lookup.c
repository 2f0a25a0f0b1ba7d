#include "sql/lookup.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql/vectors.h"
#include "sql/view.h"

#define NAME 48

struct search {
	const struct lk_lookup *l;
	struct lk_places *p;
	struct lk_lake_table table; /* with the files that may have such rows, by their uris */
	const struct lk_lake_file **own; /* those files, as the caller has them */
	char find[NAME], scope[NAME], weigh[NAME]; /* names of functions */
	atomic_bool failed; /* memory ran out in one of them */
	struct lk_duckdb_result result;
};

/* ---- called by DuckDB ---- */

/* Cells of columns of the input, from the first one on. NULL when there is no memory, which is noted. */
static struct lk_cells *input_cells(struct search *s, const struct lk_column_list *columns, void *input, int first)
{
	struct lk_cells *cells = malloc(((size_t)columns->count + 1) * sizeof(*cells));

	for (int i = 0; cells && i < columns->count; i++)
		lk_cells_vector(&cells[i], input, first + i, s->table.columns[columns->items[i]].type);
	if (!cells)
		s->failed = true;
	return cells;
}

/* The numbers of the keys that columns of the input make. */
static void find_keys(struct search *s, const struct lk_keys *keys, const struct lk_column_list *columns, void *input, void *output)
{
	int64_t count = lk_vector_rows(input), *number = lk_vector_output(output);
	struct lk_cells *cells = input_cells(s, columns, input, 0);
	uint64_t hash[LK_FUNCTION_ROWS] = {0};

	for (int i = 0; cells && i < columns->count; i++)
		lk_cells_hash(&cells[i], count, hash);
	if (cells)
		lk_keys_find(keys, cells, columns->count, hash, count, number);
	for (int64_t i = 0; !cells && i < count; i++)
		number[i] = -1;
	free(cells);
}

static void call_find(void *info, void *input, void *output)
{
	struct search *s = lk_function_context(info);

	find_keys(s, s->l->keys, &s->l->key, input, output);
}

static void call_scope(void *info, void *input, void *output)
{
	struct search *s = lk_function_context(info);

	find_keys(s, s->l->scopes, &s->l->scope, input, output);
}

static void call_weigh(void *info, void *input, void *output)
{
	struct search *s = lk_function_context(info);
	struct lk_cells *cells = input_cells(s, &s->l->also, input, 2);

	if (cells)
		s->l->weigh(s->l->context, cells, lk_vector_input(input, 0), lk_vector_input(input, 1), lk_vector_rows(input),
			lk_vector_output(output));
	free(cells);
}

/* ---- what is read ---- */

static int by_uri(const void *a, const void *b)
{
	return strcmp((*(const struct lk_lake_file *const *)a)->uri, (*(const struct lk_lake_file *const *)b)->uri);
}

static enum lk_status choose_files(struct search *s, const struct lk_key_ranges *ranges, struct lk_error *err)
{
	const struct lk_lake_table *t = s->l->table;
	int32_t field_id = t->columns[s->l->key.items[0]].id;
	int count = 0;

	s->table = *t;
	s->table.files = malloc(((size_t)t->file_count + 1) * sizeof(*s->table.files));
	s->own = malloc(((size_t)t->file_count + 1) * sizeof(*s->own));
	if (!s->table.files || !s->own)
		return lk_error_nomem(err);
	for (int i = 0; i < t->file_count; i++)
		if (!ranges || lk_key_ranges_meet(ranges, &t->files[i], field_id))
			s->own[count++] = &t->files[i];
	qsort(s->own, (size_t)count, sizeof(*s->own), by_uri);
	for (int i = 0; i < count; i++)
		s->table.files[i] = *s->own[i];
	s->table.file_count = count;
	return LK_OK;
}

static enum lk_status check_columns(const struct lk_lake_table *t, const struct lk_column_list *columns, struct lk_error *err)
{
	for (int i = 0; i < columns->count; i++) {
		const struct lk_lake_column *c = &t->columns[columns->items[i]];

		if (!lk_cells_vector_knows(c->type))
			return lk_error_set(err, LK_MISSING, "column %s: values of type %s cannot be compared here", c->name, c->type);
	}
	return LK_OK;
}

static enum lk_status register_functions(struct search *s, struct lk_error *err)
{
	struct lk_sql *sql = s->p->sql;

	snprintf(s->find, NAME, "lk_find_%d", sql->functions++);
	LK_TRY(lk_function_register(sql, s->find, LK_DUCKDB_BIGINT, call_find, s, err));
	if (s->l->scopes) {
		snprintf(s->scope, NAME, "lk_scope_%d", sql->functions++);
		LK_TRY(lk_function_register(sql, s->scope, LK_DUCKDB_BIGINT, call_scope, s, err));
	}
	if (!s->l->weigh)
		return LK_OK;
	snprintf(s->weigh, NAME, "lk_weigh_%d", sql->functions++);
	return lk_function_register(sql, s->weigh, LK_DUCKDB_TINYINT, call_weigh, s, err);
}

/* ---- the question ---- */

static void add_call(const char *function, const struct lk_column_list *columns, const char *before, struct lk_str *out)
{
	lk_str_addf(out, "%s(%s", function, before);
	for (int i = 0; i < columns->count; i++)
		lk_str_addf(out, "%sc%d", i || *before ? ", " : "", columns->items[i]);
	lk_str_addc(out, ')');
}

static enum lk_status add_question(const struct search *s, const struct lk_key_ranges *ranges, struct lk_str *out, struct lk_error *err)
{
	struct lk_str where = LK_STR_INIT;
	enum lk_status status;

	lk_str_adds(out, "SELECT f, pos, k, s, ");
	if (s->l->weigh)
		add_call(s->weigh, &s->l->also, "k, s", out);
	else
		lk_str_adds(out, "0::TINYINT");
	lk_str_adds(out, " FROM (SELECT *, ");
	add_call(s->find, &s->l->key, "", out);
	lk_str_adds(out, " AS k, ");
	if (s->l->scopes && !s->l->scope.count)
		lk_str_adds(out, "0::BIGINT"); /* all rows are of one */
	else if (s->l->scopes)
		add_call(s->scope, &s->l->scope, "", out);
	else
		lk_str_adds(out, "-1::BIGINT");
	lk_str_adds(out, " AS s FROM (");
	if (ranges)
		lk_key_ranges_add(ranges, s->l->key.items[0], &where);
	else
		lk_str_adds(&where, "true");
	status = lk_sql_add_numbered(s->p->sql, &s->table, lk_str_text(&where), out, err);
	lk_str_release(&where);
	lk_str_adds(out, ")) WHERE k >= 0");
	lk_str_adds(out, s->l->scope_rows ? " OR s >= 0" : "");
	for (size_t i = 0; i < s->l->wanted_count; i++)
		lk_str_addf(out, " OR contains(c%d, '@%.12s!')", s->l->file_column, s->l->wanted[i]);
	return status ? status : lk_str_check(out, err);
}

/* ---- the answer ---- */

struct place {
	int file; /* of those that were read */
	int64_t position, key, scope;
	int8_t verdict;
};

static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return (x->position > y->position) - (x->position < y->position);
}

static enum lk_status take_chunk(const struct search *s, void *chunk, struct place **at, struct lk_error *err)
{
	const struct lk_duckdb *d = &s->p->sql->duckdb;
	const int64_t *file = d->vector_get_data(d->data_chunk_get_vector(chunk, 0)), *pos = d->vector_get_data(d->data_chunk_get_vector(chunk, 1));
	const int64_t *key = d->vector_get_data(d->data_chunk_get_vector(chunk, 2)), *scope = d->vector_get_data(d->data_chunk_get_vector(chunk, 3));
	const int8_t *verdict = d->vector_get_data(d->data_chunk_get_vector(chunk, 4));
	uint64_t count = d->data_chunk_get_size(chunk);

	for (uint64_t i = 0; i < count; i++, ++*at) {
		if (file[i] < 0 || file[i] >= s->table.file_count)
			return lk_error_set(err, LK_BUG, "DuckDB found a row in no file");
		**at = (struct place){(int)file[i], pos[i], key[i], scope[i], verdict[i]};
	}
	return LK_OK;
}

static enum lk_status visit_all(const struct search *s, struct place *places, size_t count, struct lk_error *err)
{
	bool sorted = true;

	for (size_t i = 1; sorted && i < count; i++)
		sorted = by_place(&places[i - 1], &places[i]) < 0;
	if (!sorted)
		qsort(places, count, sizeof(*places), by_place);
	for (size_t i = 0; i < count; i++)
		LK_TRY(s->l->visit(s->l->context, s->own[places[i].file], places[i].position, places[i].key, places[i].scope,
			places[i].verdict, err));
	return LK_OK;
}

static enum lk_status take_result(struct search *s, struct lk_error *err)
{
	const struct lk_duckdb *d = &s->p->sql->duckdb;
	size_t count = (size_t)d->row_count(&s->result);
	struct place *places = malloc((count + 1) * sizeof(*places)), *at = places;
	enum lk_status status = places ? LK_OK : lk_error_nomem(err);
	void *chunk;

	while (!status && (chunk = d->fetch_chunk(s->result))) {
		status = take_chunk(s, chunk, &at, err);
		d->destroy_data_chunk(&chunk);
	}
	if (!status)
		status = visit_all(s, places, count, err);
	free(places);
	return status;
}

static enum lk_status ask(struct search *s, const struct lk_key_ranges *ranges, struct lk_error *err)
{
	struct lk_str question = LK_STR_INIT;
	enum lk_status status = register_functions(s, err);

	if (!status)
		status = add_question(s, ranges, &question, err);
	if (!status)
		status = lk_places_ask(s->p, question.data, &s->result, err);
	if (!status && s->failed)
		status = lk_error_nomem(err);
	if (!status)
		status = take_result(s, err);
	s->p->sql->duckdb.destroy_result(&s->result);
	lk_str_release(&question);
	return status;
}

/* Rows of a scope or of a delivery may have any key. */
static enum lk_status search(struct search *s, struct lk_error *err)
{
	const struct lk_lookup *l = s->l;
	struct lk_key_ranges *ranges = NULL;
	enum lk_status status = LK_OK;

	LK_TRY(check_columns(l->table, &l->key, err));
	LK_TRY(check_columns(l->table, &l->scope, err));
	LK_TRY(check_columns(l->table, &l->also, err));
	if (!l->scope_rows && !l->wanted_count)
		LK_TRY(lk_key_ranges_make(&ranges, l->keys, l->table->columns[l->key.items[0]].type, err));
	status = choose_files(s, ranges, err);
	if (!status && s->table.file_count)
		status = ask(s, ranges, err);
	lk_key_ranges_free(ranges);
	return status;
}

enum lk_status lk_lookup_run(const struct lk_lookup *lookup, struct lk_places *p, struct lk_error *err)
{
	struct search s = {.l = lookup, .p = p};
	enum lk_status status = search(&s, err);

	free(s.table.files);
	free(s.own);
	return status ? lk_error_prefix(err, "table %s.%s", lookup->table->namespace_name, lookup->table->name) : LK_OK;
}
