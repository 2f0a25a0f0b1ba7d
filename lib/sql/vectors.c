#include "sql/vectors.h"

#include <stdio.h>
#include <string.h>

/* As in gone_bits.c: functions get handles of DuckDB's, and no way to the functions that open them. */
static struct lk_duckdb calls;

static const struct {
	const char *type;
	enum lk_cells_kind kind;
	enum lk_cells_layout layout;
} layouts[] = {
	{"boolean", LK_CELLS_INT, LK_CELLS_U8}, {"int", LK_CELLS_INT, LK_CELLS_I32}, {"long", LK_CELLS_INT, LK_CELLS_I64},
	{"float", LK_CELLS_FLOAT, LK_CELLS_F32}, {"double", LK_CELLS_FLOAT, LK_CELLS_F64}, {"date", LK_CELLS_INT, LK_CELLS_I32},
	{"time", LK_CELLS_INT, LK_CELLS_I64}, {"timestamp", LK_CELLS_INT, LK_CELLS_I64}, {"timestamptz", LK_CELLS_INT, LK_CELLS_I64},
	{"string", LK_CELLS_BYTES, LK_CELLS_DUCK}, {"binary", LK_CELLS_BYTES, LK_CELLS_DUCK},
};

static bool find_layout(const char *type, struct lk_cells *cells)
{
	int precision, scale, length;
	char end;

	*cells = (struct lk_cells){.factor = 1};
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (!strcmp(type, layouts[i].type)) {
			cells->kind = layouts[i].kind;
			cells->layout = layouts[i].layout;
			return true;
		}
	cells->kind = LK_CELLS_DECIMAL;
	if (sscanf(type, "decimal( %d , %d %c", &precision, &scale, &end) == 3 && end == ')') {
		cells->layout = precision <= 4 ? LK_CELLS_I16 : precision <= 9 ? LK_CELLS_I32 : precision <= 18 ? LK_CELLS_I64 : LK_CELLS_I128;
		return true;
	}
	cells->kind = LK_CELLS_BYTES;
	cells->layout = LK_CELLS_DUCK;
	return sscanf(type, "fixed[ %d %c", &length, &end) == 2 && end == ']';
}

bool lk_cells_vector_knows(const char *type)
{
	struct lk_cells cells;

	return find_layout(type, &cells);
}

void lk_cells_vector(struct lk_cells *cells, void *input, int column, const char *type)
{
	void *vector = calls.data_chunk_get_vector(input, (uint64_t)column);

	(void)find_layout(type, cells);
	cells->data = calls.vector_get_data(vector);
	cells->valid = (const uint8_t *)calls.vector_get_validity(vector);
}

/* duckdb_string_t: text of up to twelve bytes stands in place of prefix and pointer. */
const char *lk_vector_text(const struct lk_cells *cells, int64_t row, size_t *len)
{
	const char *text = (const char *)cells->data + (size_t)(cells->offset + row) * 16, *data;
	uint32_t length;

	memcpy(&length, text, sizeof(length));
	*len = length;
	memcpy(&data, text + 8, sizeof(data));
	return length <= 12 ? text + 4 : data;
}

const void *lk_vector_input(void *input, int column)
{
	return calls.vector_get_data(calls.data_chunk_get_vector(input, (uint64_t)column));
}

void *lk_vector_output(void *output)
{
	return calls.vector_get_data(output);
}

void lk_vector_put(void *output, int64_t row, const struct lk_str *bytes)
{
	calls.vector_assign_string_element_len(output, (uint64_t)row, lk_str_text(bytes), bytes->len);
}

int64_t lk_vector_rows(void *input)
{
	return (int64_t)calls.data_chunk_get_size(input);
}

void *lk_function_context(void *info)
{
	return calls.scalar_function_get_extra_info(info);
}

enum lk_status lk_function_register(struct lk_sql *sql, const char *name, enum lk_duckdb_type returns,
	void (*call)(void *info, void *input, void *output), void *context, struct lk_error *err)
{
	struct lk_duckdb *d = &sql->duckdb;
	void *function, *any, *type;
	int failed;

	if (d->vector_size() > LK_FUNCTION_ROWS)
		return lk_error_set(err, LK_MISSING, "this DuckDB has vectors of more than %d rows", LK_FUNCTION_ROWS);
	function = d->create_scalar_function();
	any = d->create_logical_type(LK_DUCKDB_ANY);
	type = d->create_logical_type(returns);
	calls = *d;
	d->scalar_function_set_name(function, name);
	d->scalar_function_set_varargs(function, any);
	d->scalar_function_set_return_type(function, type);
	d->scalar_function_set_function(function, call);
	d->scalar_function_set_extra_info(function, context, NULL);
	d->scalar_function_set_special_handling(function);
	d->scalar_function_set_volatile(function); /* so that it is not asked again for what it was asked already */
	failed = d->register_scalar_function(sql->connection, function);
	d->destroy_logical_type(&any);
	d->destroy_logical_type(&type);
	d->destroy_scalar_function(&function);
	return failed ? lk_error_set(err, LK_BUG, "DuckDB does not take the function %s", name) : LK_OK;
}
