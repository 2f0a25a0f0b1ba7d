#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change/version.h"
#include "sql/history_inside.h"
#include "sql/vectors.h"

/* ---- called by DuckDB ---- */

static struct lk_cells *input_cells(struct lk_history_functions *f, void *input, const char *const *types, int count)
{
	struct lk_cells *cells = malloc(((size_t)count + 1) * sizeof(*cells));

	if (!cells)
		f->failed = true;
	for (int i = 0; cells && i < count; i++)
		lk_cells_vector(&cells[i], input, i, types[i]);
	return cells;
}

/* Gives a row its bytes, and takes them for the next. */
static void put(struct lk_history_functions *f, void *output, int64_t row, struct lk_str *bytes)
{
	if (bytes->failed)
		f->failed = true;
	lk_vector_put(output, row, bytes);
	lk_str_clear(bytes);
}

static void encode(struct lk_history_functions *f, void *input, void *output, const char *const *types, int count)
{
	struct lk_cells *cells = input_cells(f, input, types, count);
	struct lk_str text = LK_STR_INIT;

	for (int64_t row = 0; row < lk_vector_rows(input); row++) {
		for (int i = 0; cells && i < count; i++)
			lk_cells_encode(&cells[i], row, &text);
		put(f, output, row, &text);
	}
	free(cells);
	lk_str_release(&text);
}

static void call_key(void *info, void *input, void *output)
{
	struct lk_history_functions *f = lk_function_context(info);

	encode(f, input, output, f->key_types, f->spec->key_count);
}

static void call_scope(void *info, void *input, void *output)
{
	struct lk_history_functions *f = lk_function_context(info);

	encode(f, input, output, f->scope_types, f->spec->scope_count);
}

static void call_find(void *info, void *input, void *output)
{
	struct lk_history_functions *f = lk_function_context(info);
	int64_t count = lk_vector_rows(input), *number = lk_vector_output(output);
	struct lk_cells *cells = input_cells(f, input, f->key_types, f->spec->key_count);
	uint64_t hash[LK_FUNCTION_ROWS] = {0};

	for (int i = 0; cells && i < f->spec->key_count; i++)
		lk_cells_hash(&cells[i], count, hash);
	if (cells)
		lk_keys_find(f->keys, cells, f->spec->key_count, hash, count, number);
	free(cells);
}

static void call_version(void *info, void *input, void *output)
{
	struct lk_history_functions *f = lk_function_context(info);
	struct lk_version_cells v = {.has_order = f->order_type != NULL, .has_sent = true, .has_file = true, .has_row = true};
	int64_t count = lk_vector_rows(input);
	struct lk_str version = LK_STR_INIT;
	int column = 0;

	if (v.has_order)
		lk_cells_vector(&v.order, input, column++, f->order_type);
	lk_cells_vector(&v.sent, input, column++, "timestamptz");
	lk_cells_vector(&v.file, input, column++, "string");
	lk_cells_vector(&v.row, input, column, "long");
	for (int64_t row = 0; row < count; row++) {
		lk_version_encode(&v, f->spec->load, row, -1, &version);
		put(f, output, row, &version);
	}
	lk_str_release(&version);
}

static void call_list(void *info, void *input, void *output)
{
	struct lk_history_functions *f = lk_function_context(info);
	int64_t count = lk_vector_rows(input);
	struct lk_str list = LK_STR_INIT;
	struct lk_cells cells;

	lk_cells_vector(&cells, input, 0, "binary");
	for (int64_t row = 0; row < count; row++) {
		size_t len = 0;
		const char *version = lk_cells_is_null(&cells, row) ? NULL : lk_vector_text(&cells, row, &len);

		if (version)
			lk_str_add(&list, version, lk_version_list(version, len));
		put(f, output, row, &list);
	}
	lk_str_release(&list);
}

/* The first cell, an integer: "01", and eight bytes, big endian with the sign turned (change/cells.h). */
static int64_t first_number(const char *version, size_t len)
{
	uint64_t value = 0;

	if (len < 9 || version[0] != 1)
		return INT64_MIN;
	for (int i = 1; i <= 8; i++)
		value = value << 8 | (unsigned char)version[i];
	return (int64_t)(value ^ UINT64_C(1) << 63);
}

static void call_time(void *info, void *input, void *output)
{
	int64_t count = lk_vector_rows(input), *number = lk_vector_output(output);
	struct lk_cells cells;

	(void)info;
	lk_cells_vector(&cells, input, 0, "binary");
	for (int64_t row = 0; row < count; row++) {
		size_t len = 0;
		const char *version = lk_cells_is_null(&cells, row) ? NULL : lk_vector_text(&cells, row, &len);

		number[row] = version ? first_number(version, len) : INT64_MIN;
	}
}

/* ---- making them ---- */

static enum lk_status make(struct lk_history_functions *f, struct lk_sql *sql, char *name, const char *word, enum lk_duckdb_type returns,
	void (*call)(void *info, void *input, void *output), struct lk_error *err)
{
	snprintf(name, LK_HISTORY_NAME, "lk_history_%s_%d", word, sql->functions++);
	return lk_function_register(sql, name, returns, call, f, err);
}

static enum lk_status check_type(const char *column, const char *type, struct lk_error *err)
{
	if (lk_cells_vector_knows(type))
		return LK_OK;
	return lk_error_set(err, LK_MISSING, "column %s: values of type %s cannot be compared here", column, type);
}

enum lk_status lk_history_functions_make(struct lk_history_functions *f, struct lk_sql *sql, struct lk_error *err)
{
	for (int i = 0; i < f->spec->key_count; i++)
		LK_TRY(check_type(f->spec->key[i], f->key_types[i], err));
	for (int i = 0; i < f->spec->scope_count; i++)
		LK_TRY(check_type(f->spec->scope[i], f->scope_types[i], err));
	if (f->order_type)
		LK_TRY(check_type(f->spec->order, f->order_type, err));
	if (f->spec->scope_count)
		LK_TRY(make(f, sql, f->scope, "scope", LK_DUCKDB_BLOB, call_scope, err));
	LK_TRY(make(f, sql, f->key, "key", LK_DUCKDB_BLOB, call_key, err));
	LK_TRY(make(f, sql, f->find, "find", LK_DUCKDB_BIGINT, call_find, err));
	LK_TRY(make(f, sql, f->version, "version", LK_DUCKDB_BLOB, call_version, err));
	LK_TRY(make(f, sql, f->list, "list", LK_DUCKDB_BLOB, call_list, err));
	return make(f, sql, f->time, "time", LK_DUCKDB_BIGINT, call_time, err);
}

/* ---- the set ---- */

static enum lk_status keep_batch(struct lk_history_functions *f, const enum lk_cells_kind *kinds, const struct ArrowArrayView *view,
	struct lk_error *err)
{
	for (int64_t row = 0; row < view->length; row++) {
		struct ArrowBufferView key = ArrowArrayViewGetBytesUnsafe(view->children[0], view->offset + row);
		uint64_t hash = 0;
		uint32_t number;
		bool is_new;

		if (!lk_encoded_hash(key.data.data, (size_t)key.size_bytes, kinds, f->spec->key_count, &hash))
			return lk_error_set(err, LK_DATA, "a key of lk.versions is not sound");
		LK_TRY(lk_keys_add(f->keys, hash, key.data.data, (size_t)key.size_bytes, &number, &is_new, err));
	}
	return LK_OK;
}

enum lk_status lk_history_keep_keys(struct lk_history_functions *f, struct lk_sql *sql, const char *select, struct lk_error *err)
{
	enum lk_cells_kind *kinds = calloc((size_t)f->spec->key_count + 1, sizeof(*kinds));
	const struct ArrowArrayView *view;
	struct lk_result *result = NULL;
	enum lk_next next = LK_NEXT_ERROR;
	enum lk_status status = kinds ? LK_OK : lk_error_nomem(err);

	for (int i = 0; !status && i < f->spec->key_count; i++)
		(void)lk_cells_kind_of(f->key_types[i], &kinds[i]); /* lk_history_functions_make has seen to it */
	if (!status)
		status = lk_result_select(&result, sql, select, true, err);
	while (!status && (next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH)
		status = keep_batch(f, kinds, view, err);
	if (!status && next == LK_NEXT_ERROR)
		status = err->status;
	lk_result_close(result);
	free(kinds);
	return status;
}
