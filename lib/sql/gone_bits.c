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

/* Makes a function of the session that returns BOOLEAN. */
static enum lk_status register_function(struct lk_sql *sql, const char *name, const enum lk_duckdb_type *types, int count,
	void (*call)(void *info, void *input, void *output), void *context, void (*release)(void *), struct lk_error *err)
{
	struct lk_duckdb *d = &sql->duckdb;
	void *function = d->create_scalar_function(), *truth = d->create_logical_type(LK_DUCKDB_BOOLEAN);
	int failed;

	calls = *d;
	d->scalar_function_set_name(function, name);
	for (int i = 0; i < count; i++) {
		void *type = d->create_logical_type(types[i]);

		d->scalar_function_add_parameter(function, type);
		d->destroy_logical_type(&type);
	}
	d->scalar_function_set_return_type(function, truth);
	d->scalar_function_set_function(function, call);
	d->scalar_function_set_extra_info(function, context, release);
	failed = d->register_scalar_function(sql->connection, function);
	d->destroy_logical_type(&truth);
	d->destroy_scalar_function(&function);
	return failed ? lk_error_set(err, LK_BUG, "DuckDB does not take the function %s", name) : LK_OK;
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

/* What deletes are held against while DuckDB reads them. */
struct marking {
	struct lk_row_bits *bits;
	const struct lk_lake_table *table;
	const struct lk_lake_file **sorted; /* data files by their uris */
	int sorted_count;
	int64_t *sequence; /* of the files of deletes that are read */
	int64_t sequence_count;
};

static int compare_uri(const struct text *t, const struct lk_lake_file *f)
{
	size_t len = strlen(f->uri);
	int order = memcmp(data_of(t), f->uri, t->len < len ? t->len : len);

	return order ? order : (t->len > len) - (t->len < len);
}

/* A delete names a data file by the very text that the manifest has. */
static const struct lk_lake_file *find(const struct marking *m, const struct text *uri)
{
	int low = 0, high = m->sorted_count;

	while (low < high) {
		int middle = low + (high - low) / 2, order = compare_uri(uri, m->sorted[middle]);

		if (!order)
			return m->sorted[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Deletes come file by file, and their texts from a dictionary. */
static bool is_same(const struct text *a, const struct text *b)
{
	return a->len == b->len && (data_of(a) == data_of(b) || !memcmp(data_of(a), data_of(b), a->len));
}

/* VARCHAR uri, BIGINT pos, BIGINT d -> BOOLEAN: sets the row's bit, from several threads at once. */
static void mark(void *info, void *input, void *output)
{
	const struct marking *m = calls.scalar_function_get_extra_info(info);
	const struct text *uri = calls.vector_get_data(calls.data_chunk_get_vector(input, 0)), *last = NULL;
	const int64_t *pos = calls.vector_get_data(calls.data_chunk_get_vector(input, 1));
	const int64_t *d = calls.vector_get_data(calls.data_chunk_get_vector(input, 2));
	bool *fine = calls.vector_get_data(output);
	uint64_t count = calls.data_chunk_get_size(input);
	const struct lk_lake_file *f = NULL;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t *words;
		int64_t n;

		fine[i] = d[i] >= 0 && d[i] < m->sequence_count;
		if (!last || !is_same(last, &uri[i]))
			f = find(m, &uri[i]);
		last = &uri[i];
		n = f ? f - m->table->files : 0;
		words = f ? m->bits->of_file[n] : NULL;
		if (fine[i] && words && f->sequence <= m->sequence[d[i]] && pos[i] >= 0 && pos[i] < m->bits->rows[n])
			__atomic_fetch_or(&words[pos[i] / 64], UINT64_C(1) << (pos[i] % 64), __ATOMIC_RELAXED);
	}
}

static int by_uri(const void *a, const void *b)
{
	return strcmp((*(const struct lk_lake_file *const *)a)->uri, (*(const struct lk_lake_file *const *)b)->uri);
}

static bool marking_init(struct marking *m, struct lk_row_bits *b, const struct lk_gone *g)
{
	const struct lk_lake_table *t = g->table;

	*m = (struct marking){b, t, malloc(((size_t)t->file_count + 1) * sizeof(*m->sorted)), 0,
		malloc(((size_t)t->deletes_count + 1) * sizeof(*m->sequence)), 0};
	if (!m->sorted || !m->sequence)
		return false;
	for (int i = 0; i < t->file_count; i++)
		if (g->by_position[i])
			m->sorted[m->sorted_count++] = &t->files[i];
	qsort(m->sorted, (size_t)m->sorted_count, sizeof(*m->sorted), by_uri);
	for (int i = 0; i < t->deletes_count; i++)
		if (g->deletes[i])
			m->sequence[m->sequence_count++] = t->deletes[i].sequence;
	return true;
}

/* The rows do not leave DuckDB: their texts are long, and all but the bit is known of them. */
static enum lk_status read_deletes(struct marking *m, const struct lk_gone *g, struct lk_sql *sql, struct lk_error *err)
{
	static const enum lk_duckdb_type types[] = {LK_DUCKDB_VARCHAR, LK_DUCKDB_BIGINT, LK_DUCKDB_BIGINT};
	struct lk_str s = LK_STR_INIT;
	char name[LK_GONE_NAME];
	enum lk_status status;

	snprintf(name, sizeof(name), "lk_mark_%d", sql->functions++);
	LK_TRY(register_function(sql, name, types, 3, mark, m, NULL, err)); /* m is needed by the one statement */
	lk_str_addf(&s, "SELECT bool_and(%s(uri, pos, d)) FROM (", name);
	lk_gone_add_rows(g, &s);
	lk_str_addc(&s, ')');
	status = lk_str_check(&s, err);
	if (!status)
		status = lk_sql_run(sql, s.data, err);
	lk_str_release(&s);
	return status;
}

static enum lk_status fill(struct lk_row_bits *b, const struct lk_gone *g, struct lk_sql *sql, struct lk_error *err)
{
	struct marking m;
	enum lk_status status = marking_init(&m, b, g) ? read_deletes(&m, g, sql, err) : lk_error_nomem(err);

	free(m.sorted);
	free(m.sequence);
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
	static const enum lk_duckdb_type types[] = {LK_DUCKDB_BIGINT, LK_DUCKDB_BIGINT};

	snprintf(name, LK_GONE_NAME, "lk_gone_%d", sql->functions++);
	return register_function(sql, name, types, 2, is_set, b, free_bits, err);
}

enum lk_status lk_gone_register(const struct lk_gone *g, struct lk_sql *sql, char name[LK_GONE_NAME], struct lk_error *err)
{
	struct lk_row_bits *b;

	*name = '\0';
	LK_TRY(lk_gone_read(g, sql, &b, err));
	return b ? lk_row_bits_register(b, sql, name, err) : LK_OK;
}
