/* Position deletes as a function of the session: a bit for each row of the files that have some. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql/gone.h"

#define ROWS_MAX ((int64_t)1 << 33) /* a gigabyte of bits */

struct bits {
	uint64_t **of_file; /* NULL: all rows live */
	int64_t *rows;
	int count;
};

static void bits_free(void *context)
{
	struct bits *b = context;

	for (int i = 0; b->of_file && i < b->count; i++)
		free(b->of_file[i]);
	free(b->of_file);
	free(b->rows);
	free(b);
}

/* NULL when there is not memory enough. */
static struct bits *bits_make(const struct lk_gone *g)
{
	size_t count = (size_t)g->table->file_count + 1;
	struct bits *b = calloc(1, sizeof(*b));
	bool fine;

	if (!b)
		return NULL;
	*b = (struct bits){calloc(count, sizeof(uint64_t *)), calloc(count, sizeof(int64_t)), g->table->file_count};
	fine = b->of_file && b->rows;
	for (int i = 0; fine && i < b->count; i++) {
		if (!g->by_position[i])
			continue;
		b->rows[i] = g->table->files[i].rows;
		b->of_file[i] = calloc((size_t)b->rows[i] / 64 + 1, sizeof(uint64_t));
		fine = b->of_file[i];
	}
	if (!fine)
		bits_free(b);
	return fine ? b : NULL;
}

/*
 * DuckDB calls back with handles of its own, and no way to the functions that open them. Where those are is a fact of the process, in
 * which the library is loaded once and for good.
 */
static struct lk_duckdb calls;

/* BIGINT f, BIGINT pos -> BOOLEAN: whether the row is gone. Vectors are flat here. */
static void is_gone(void *info, void *input, void *output)
{
	const struct bits *b = calls.scalar_function_get_extra_info(info);
	const int64_t *file = calls.vector_get_data(calls.data_chunk_get_vector(input, 0));
	const int64_t *pos = calls.vector_get_data(calls.data_chunk_get_vector(input, 1));
	bool *gone = calls.vector_get_data(output);
	uint64_t count = calls.data_chunk_get_size(input);

	for (uint64_t i = 0; i < count; i++) {
		int64_t f = file[i], p = pos[i];

		gone[i] = f >= 0 && f < b->count && b->of_file[f] && p >= 0 && p < b->rows[f] && (b->of_file[f][p / 64] >> (p % 64) & 1);
	}
}

/* ---- filling ---- */

static void take_chunk(struct bits *b, struct lk_duckdb *d, void *chunk)
{
	const int64_t *file = d->vector_get_data(d->data_chunk_get_vector(chunk, 0));
	const int64_t *pos = d->vector_get_data(d->data_chunk_get_vector(chunk, 1));
	uint64_t count = d->data_chunk_get_size(chunk);

	for (uint64_t i = 0; i < count; i++)
		if (file[i] >= 0 && file[i] < b->count && b->of_file[file[i]] && pos[i] >= 0 && pos[i] < b->rows[file[i]])
			b->of_file[file[i]][pos[i] / 64] |= UINT64_C(1) << (pos[i] % 64);
}

static enum lk_status fill(struct bits *b, const struct lk_gone *g, struct lk_sql *sql, struct lk_error *err)
{
	struct lk_duckdb_result result = {{0}};
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;
	void *chunk;

	lk_str_adds(&s, "SELECT f, coalesce(pos, error('a file of position deletes lacks the field ids of its columns')) FROM ");
	lk_gone_add_places(g, &s);
	status = lk_str_check(&s, err);
	if (!status && sql->duckdb.query(sql->connection, s.data, &result))
		status = lk_sql_error(sql->duckdb.result_error(&result), NULL, NULL, err);
	while (!status && (chunk = sql->duckdb.fetch_chunk(result))) {
		take_chunk(b, &sql->duckdb, chunk);
		sql->duckdb.destroy_data_chunk(&chunk);
	}
	sql->duckdb.destroy_result(&result);
	lk_str_release(&s);
	return status;
}

/* Takes over the bits, unless it fails. */
static enum lk_status register_function(struct lk_sql *sql, struct bits *b, const char *name, struct lk_error *err)
{
	struct lk_duckdb *d = &sql->duckdb;
	void *function = d->create_scalar_function(), *number = d->create_logical_type(LK_DUCKDB_BIGINT);
	void *truth = d->create_logical_type(LK_DUCKDB_BOOLEAN);
	int failed;

	calls = *d;
	d->scalar_function_set_name(function, name);
	d->scalar_function_add_parameter(function, number);
	d->scalar_function_add_parameter(function, number);
	d->scalar_function_set_return_type(function, truth);
	d->scalar_function_set_function(function, is_gone);
	d->scalar_function_set_extra_info(function, b, bits_free);
	failed = d->register_scalar_function(sql->connection, function);
	d->destroy_logical_type(&number);
	d->destroy_logical_type(&truth);
	d->destroy_scalar_function(&function);
	return failed ? lk_error_set(err, LK_BUG, "DuckDB does not take the function %s", name) : LK_OK;
}

enum lk_status lk_gone_register(const struct lk_gone *g, struct lk_sql *sql, char name[LK_GONE_NAME], struct lk_error *err)
{
	struct bits *b;
	int64_t rows = 0;
	enum lk_status status;

	*name = '\0';
	for (int i = 0; i < g->table->file_count; i++)
		if (g->by_position[i]) {
			if (g->table->files[i].rows > ROWS_MAX - rows)
				return LK_OK;
			rows += g->table->files[i].rows;
		}
	b = bits_make(g);
	if (!b)
		return LK_OK;
	status = fill(b, g, sql, err);
	if (status) {
		bits_free(b);
		return status;
	}
	snprintf(name, LK_GONE_NAME, "lk_gone_%d", sql->functions++);
	return register_function(sql, b, name, err);
}
