/* DuckDB's vectors as cells (change/cells.h), and functions of ours that DuckDB calls with them (private to lib/sql). */
#ifndef LK_SQL_VECTORS_H
#define LK_SQL_VECTORS_H

#include "change/cells.h"
#include "sql/session.h"

/* A column of the input of a function. type: Iceberg's, of the table's column, which must be one that lk_cells_vector_knows. */
void lk_cells_vector(struct lk_cells *cells, void *input, int column, const char *type);

/* Whether values of a type can be cells here; nested ones and uuid cannot. */
bool lk_cells_vector_knows(const char *type);

/* Text that a function was given; not null. */
const char *lk_vector_text(const struct lk_cells *cells, int64_t row, size_t *len);

#define LK_FUNCTION_ROWS 2048 /* that a function is called with at most */

/* The values of a column of a function's input or output: flat, none of them null. */
const void *lk_vector_input(void *input, int column);
void *lk_vector_output(void *output);
int64_t lk_vector_rows(void *input);

/* Gives a row of an output of bytes its value, which is copied. */
void lk_vector_put(void *output, int64_t row, const struct lk_str *bytes);

/*
 * Makes a function of the session, of any number of parameters of any type, which DuckDB calls from several threads, once for each row that
 * it is asked for: `call` gets the context by lk_function_context. Nulls come to it as all other values. context must outlive the
 * session's next statement. LK_MISSING where DuckDB was built to call with more rows.
 */
enum lk_status lk_function_register(struct lk_sql *sql, const char *name, enum lk_duckdb_type returns,
	void (*call)(void *info, void *input, void *output), void *context, struct lk_error *err) LK_CHECKED;
void *lk_function_context(void *info);

#endif
