/* Rows whose places are known: DuckDB reads those alone, and calls back for a number of each. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql/gone.h"
#include "sql/lookup.h"
#include "sql/vectors.h"
#include "sql/view.h"

struct search {
	const struct lk_rehash *h;
	struct lk_places *p;
	struct lk_lake_table table; /* with the files of the places, in their order */
	struct lk_row_bits *bits;
	char wanted[LK_GONE_NAME], hash[LK_GONE_NAME]; /* names of functions */
	atomic_bool failed; /* memory ran out in one of them */
	struct lk_duckdb_result result;
};

static void call_hash(void *info, void *input, void *output)
{
	struct search *s = lk_function_context(info);
	const struct lk_column_list *columns = &s->h->columns;
	struct lk_cells *cells = malloc(((size_t)columns->count + 1) * sizeof(*cells));

	for (int i = 0; cells && i < columns->count; i++)
		lk_cells_vector(&cells[i], input, i, s->table.columns[columns->items[i]].type);
	if (cells)
		s->h->hash((void *)s->h, cells, lk_vector_rows(input), lk_vector_output(output));
	else
		s->failed = true;
	free(cells);
}

/* ---- which rows ---- */

static struct lk_row_bits *make_bits(int files)
{
	struct lk_row_bits *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	*b = (struct lk_row_bits){calloc((size_t)files + 1, sizeof(*b->of_file)), calloc((size_t)files + 1, sizeof(*b->rows)), files};
	if (b->of_file && b->rows)
		return b;
	lk_row_bits_free(b);
	return NULL;
}

/* The files of the places, and a bit for each place. */
static enum lk_status mark_places(struct search *s, struct lk_error *err)
{
	const struct lk_lake_file *last = NULL;
	int file = -1;

	for (size_t i = 0; i < s->h->place_count; i++) {
		const struct lk_lookup_place *place = &s->h->places[i];

		if (place->file != last) {
			last = place->file;
			s->table.files[++file] = *last;
			s->bits->rows[file] = last->rows;
			s->bits->of_file[file] = calloc((size_t)last->rows / 64 + 1, sizeof(uint64_t));
			if (!s->bits->of_file[file])
				return lk_error_nomem(err);
		}
		s->bits->of_file[file][place->position / 64] |= UINT64_C(1) << (place->position % 64);
	}
	s->table.file_count = s->bits->count = file + 1;
	return LK_OK;
}

static enum lk_status choose(struct search *s, struct lk_error *err)
{
	s->table = *s->h->table;
	s->table.files = malloc(((size_t)s->table.file_count + 1) * sizeof(*s->table.files));
	s->bits = make_bits(s->table.file_count);
	return s->table.files && s->bits ? mark_places(s, err) : lk_error_nomem(err);
}

static enum lk_status register_functions(struct search *s, struct lk_error *err)
{
	struct lk_row_bits *bits = s->bits;

	s->bits = NULL; /* the session has them */
	LK_TRY(lk_row_bits_register(bits, s->p->sql, s->wanted, err));
	snprintf(s->hash, sizeof(s->hash), "lk_hash_%d", s->p->sql->functions++);
	return lk_function_register(s->p->sql, s->hash, LK_DUCKDB_BIGINT, call_hash, s, err);
}

/* ---- asking ---- */

static enum lk_status add_question(const struct search *s, struct lk_str *out, struct lk_error *err)
{
	char where[LK_GONE_NAME + 32];

	lk_str_addf(out, "SELECT f, pos, %s(", s->hash);
	for (int i = 0; i < s->h->columns.count; i++)
		lk_str_addf(out, "%sc%d", i ? ", " : "", s->h->columns.items[i]);
	lk_str_adds(out, ") FROM (");
	snprintf(where, sizeof(where), "%s(l.f, l.pos)", s->wanted);
	LK_TRY(lk_sql_add_numbered(s->p->sql, &s->table, where, out, err));
	lk_str_addc(out, ')');
	return lk_str_check(out, err);
}

struct hashed {
	int64_t file, position, hash;
};

static int by_place(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	return (x->position > y->position) - (x->position < y->position);
}

static enum lk_status visit_all(const struct search *s, struct hashed *items, size_t count, struct lk_error *err)
{
	bool sorted = true;

	if (count != s->h->place_count)
		return lk_error_set(err, LK_DATA, "%zu rows were asked for again and %zu were found", s->h->place_count, count);
	for (size_t i = 1; sorted && i < count; i++)
		sorted = by_place(&items[i - 1], &items[i]) < 0;
	if (!sorted)
		qsort(items, count, sizeof(*items), by_place);
	for (size_t i = 0; i < count; i++)
		LK_TRY(s->h->visit(s->h->context, i, items[i].hash, err));
	return LK_OK;
}

static enum lk_status take_result(struct search *s, struct lk_error *err)
{
	const struct lk_duckdb *d = &s->p->sql->duckdb;
	size_t rows = (size_t)d->row_count(&s->result), count = 0;
	struct hashed *items = malloc((rows + 1) * sizeof(*items));
	enum lk_status status;
	void *chunk;

	if (!items)
		return lk_error_nomem(err);
	while ((chunk = d->fetch_chunk(s->result))) {
		const int64_t *file = d->vector_get_data(d->data_chunk_get_vector(chunk, 0));
		const int64_t *pos = d->vector_get_data(d->data_chunk_get_vector(chunk, 1));
		const int64_t *hash = d->vector_get_data(d->data_chunk_get_vector(chunk, 2));

		for (uint64_t i = 0; i < d->data_chunk_get_size(chunk) && count < rows; i++)
			items[count++] = (struct hashed){file[i], pos[i], hash[i]};
		d->destroy_data_chunk(&chunk);
	}
	status = visit_all(s, items, count, err);
	free(items);
	return status;
}

static enum lk_status ask(struct search *s, struct lk_error *err)
{
	struct lk_str question = LK_STR_INIT;
	enum lk_status status = register_functions(s, err);

	if (!status)
		status = add_question(s, &question, err);
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

enum lk_status lk_rehash_run(const struct lk_rehash *rehash, struct lk_places *p, struct lk_error *err)
{
	struct search s = {.h = rehash, .p = p};
	enum lk_status status = LK_OK;

	if (!rehash->columns.count) { /* there is nothing to read */
		for (size_t i = 0; !status && i < rehash->place_count; i++)
			status = rehash->visit(rehash->context, i, 0, err);
		return status;
	}
	status = choose(&s, err);
	if (!status)
		status = ask(&s, err);
	free(s.table.files);
	lk_row_bits_free(s.bits);
	return status ? lk_error_prefix(err, "table %s.%s", rehash->table->namespace_name, rehash->table->name) : LK_OK;
}
