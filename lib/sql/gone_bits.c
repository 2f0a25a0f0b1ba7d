/* Position deletes as a function of the session: a bit for each row of the files that have some. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql/gone.h"

#define ROWS_MAX ((int64_t)1 << 33) /* a gigabyte of bits */

void lk_row_bits_free(struct lk_row_bits *b)
{
	if (!b)
		return;
	for (int i = 0; b->of_file && i < b->count; i++)
		free(b->of_file[i]);
	free(b->of_file);
	free(b->rows);
	free(b);
}

/* NULL when there is not memory enough. */
static struct lk_row_bits *bits_make(const struct lk_gone *g)
{
	size_t count = (size_t)g->table->file_count + 1;
	struct lk_row_bits *b = calloc(1, sizeof(*b));
	bool fine;

	if (!b)
		return NULL;
	*b = (struct lk_row_bits){calloc(count, sizeof(uint64_t *)), calloc(count, sizeof(int64_t)), g->table->file_count};
	fine = b->of_file && b->rows;
	for (int i = 0; fine && i < b->count; i++) {
		if (!g->by_position[i])
			continue;
		b->rows[i] = g->table->files[i].rows;
		b->of_file[i] = calloc((size_t)b->rows[i] / 64 + 1, sizeof(uint64_t));
		fine = b->of_file[i];
	}
	if (!fine)
		lk_row_bits_free(b);
	return fine ? b : NULL;
}

/*
 * DuckDB calls back with handles of its own, and no way to the functions that open them. Where those are is a fact of the process, in
 * which the library is loaded once and for good.
 */
static struct lk_duckdb calls;

/* BIGINT f, BIGINT pos -> BOOLEAN: whether the row's bit is set. Vectors are flat here. */
static void is_set(void *info, void *input, void *output)
{
	const struct lk_row_bits *b = calls.scalar_function_get_extra_info(info);
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

/* duckdb_string_t: text of up to twelve bytes stands in place of prefix and data. */
struct text {
	uint32_t len;
	char prefix[4];
	const char *data;
};
#define TEXT_INLINE 12

static const char *data_of(const struct text *t)
{
	return t->len <= TEXT_INLINE ? (const char *)t + offsetof(struct text, prefix) : t->data;
}

/* Data files by their uris, and the one that was found last: deletes come file by file. */
struct finder {
	const struct lk_lake_file **sorted;
	const struct lk_lake_file *last;
	int count;
};

static int compare_uri(const struct text *t, const struct lk_lake_file *f)
{
	size_t len = strlen(f->uri);
	int order = memcmp(data_of(t), f->uri, t->len < len ? t->len : len);

	return order ? order : (t->len > len) - (t->len < len);
}

static const struct lk_lake_file *find(struct finder *f, const struct text *uri)
{
	int low = 0, high = f->count;

	if (f->last && !compare_uri(uri, f->last))
		return f->last;
	while (low < high) {
		int middle = low + (high - low) / 2, order = compare_uri(uri, f->sorted[middle]);

		if (!order)
			return f->last = f->sorted[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int by_uri(const void *a, const void *b)
{
	return strcmp((*(const struct lk_lake_file *const *)a)->uri, (*(const struct lk_lake_file *const *)b)->uri);
}

/* uri, pos, seq; none is null. A delete names a data file by the very text that the manifest has. */
static void take_chunk(struct lk_row_bits *b, const struct lk_gone *g, struct finder *finder, struct lk_duckdb *d, void *chunk)
{
	const struct text *uri = d->vector_get_data(d->data_chunk_get_vector(chunk, 0));
	const int64_t *pos = d->vector_get_data(d->data_chunk_get_vector(chunk, 1));
	const int64_t *sequence = d->vector_get_data(d->data_chunk_get_vector(chunk, 2));
	uint64_t count = d->data_chunk_get_size(chunk);

	for (uint64_t i = 0; i < count; i++) {
		const struct lk_lake_file *f = find(finder, &uri[i]);
		int64_t n = f ? f - g->table->files : 0;

		if (f && b->of_file[n] && f->sequence <= sequence[i] && pos[i] >= 0 && pos[i] < b->rows[n])
			b->of_file[n][pos[i] / 64] |= UINT64_C(1) << (pos[i] % 64);
	}
}

static enum lk_status read_deletes(struct lk_row_bits *b, const struct lk_gone *g, struct finder *finder, struct lk_sql *sql, struct lk_error *err)
{
	struct lk_duckdb_result result = {{0}};
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;
	void *chunk;

	lk_gone_add_rows(g, &s);
	status = lk_str_check(&s, err);
	if (!status && sql->duckdb.query(sql->connection, s.data, &result))
		status = lk_sql_error(sql->duckdb.result_error(&result), NULL, NULL, err);
	while (!status && (chunk = sql->duckdb.fetch_chunk(result))) {
		take_chunk(b, g, finder, &sql->duckdb, chunk);
		sql->duckdb.destroy_data_chunk(&chunk);
	}
	sql->duckdb.destroy_result(&result);
	lk_str_release(&s);
	return status;
}

static enum lk_status fill(struct lk_row_bits *b, const struct lk_gone *g, struct lk_sql *sql, struct lk_error *err)
{
	struct finder finder = {malloc(((size_t)g->table->file_count + 1) * sizeof(struct lk_lake_file *)), NULL, 0};
	enum lk_status status;

	if (!finder.sorted)
		return lk_error_nomem(err);
	for (int i = 0; i < g->table->file_count; i++)
		if (g->by_position[i])
			finder.sorted[finder.count++] = &g->table->files[i];
	qsort(finder.sorted, (size_t)finder.count, sizeof(*finder.sorted), by_uri);
	status = read_deletes(b, g, &finder, sql, err);
	free(finder.sorted);
	return status;
}

static bool has_room(const struct lk_gone *g)
{
	int64_t left = ROWS_MAX;

	for (int i = 0; i < g->table->file_count; i++)
		if (g->by_position[i]) {
			if (g->table->files[i].rows > left)
				return false;
			left -= g->table->files[i].rows;
		}
	return true;
}

enum lk_status lk_gone_read(const struct lk_gone *g, struct lk_sql *sql, struct lk_row_bits **out, struct lk_error *err)
{
	enum lk_status status;

	*out = has_room(g) ? bits_make(g) : NULL;
	if (!*out || !g->by_position_count)
		return LK_OK;
	status = fill(*out, g, sql, err);
	if (status) {
		lk_row_bits_free(*out);
		*out = NULL;
	}
	return status;
}

/* ---- sets of rows ---- */

void lk_row_bits_cancel(struct lk_row_bits *a, struct lk_row_bits *b)
{
	for (int i = 0; i < a->count && i < b->count; i++) {
		int64_t words = a->rows[i] / 64 + 1;

		if (!a->of_file[i] || !b->of_file[i] || a->rows[i] != b->rows[i])
			continue;
		for (int64_t k = 0; k < words; k++) {
			uint64_t common = a->of_file[i][k] & b->of_file[i][k];

			a->of_file[i][k] ^= common;
			b->of_file[i][k] ^= common;
		}
	}
}

int64_t lk_row_bits_count(const struct lk_row_bits *b, int file)
{
	int64_t words = b->rows[file] / 64 + 1, count = 0;

	for (int64_t i = 0; b->of_file[file] && i < words; i++)
		count += __builtin_popcountll(b->of_file[file][i]);
	return count;
}

/* ---- the function ---- */

static void free_bits(void *context)
{
	lk_row_bits_free(context);
}

enum lk_status lk_row_bits_register(struct lk_row_bits *b, struct lk_sql *sql, char name[LK_GONE_NAME], struct lk_error *err)
{
	struct lk_duckdb *d = &sql->duckdb;
	void *function = d->create_scalar_function(), *number = d->create_logical_type(LK_DUCKDB_BIGINT);
	void *truth = d->create_logical_type(LK_DUCKDB_BOOLEAN);
	int failed;

	calls = *d;
	snprintf(name, LK_GONE_NAME, "lk_gone_%d", sql->functions++);
	d->scalar_function_set_name(function, name);
	d->scalar_function_add_parameter(function, number);
	d->scalar_function_add_parameter(function, number);
	d->scalar_function_set_return_type(function, truth);
	d->scalar_function_set_function(function, is_set);
	d->scalar_function_set_extra_info(function, b, free_bits);
	failed = d->register_scalar_function(sql->connection, function);
	d->destroy_logical_type(&number);
	d->destroy_logical_type(&truth);
	d->destroy_scalar_function(&function);
	return failed ? lk_error_set(err, LK_BUG, "DuckDB does not take the function %s", name) : LK_OK;
}

enum lk_status lk_gone_register(const struct lk_gone *g, struct lk_sql *sql, char name[LK_GONE_NAME], struct lk_error *err)
{
	struct lk_row_bits *b;

	*name = '\0';
	LK_TRY(lk_gone_read(g, sql, &b, err));
	return b ? lk_row_bits_register(b, sql, name, err) : LK_OK;
}
