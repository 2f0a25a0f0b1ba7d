/*
 * DuckDB's C API, found at run time (private to lib/sql).
 *
 * The library is 70 MB and only some tools read, so nothing links to it: lk_duckdb_load opens it and fills a struct with the
 * functions that we call, under their names without `duckdb_`. Handles are void pointers here, as they are opaque there.
 * The functions are described in DuckDB's documentation, "C API Overview" and the pages below it.
 */
#ifndef LK_SQL_DUCKDB_H
#define LK_SQL_DUCKDB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "nanoarrow/nanoarrow.h"

/* duckdb_result: six machine words, passed by value to some functions. */
struct lk_duckdb_result {
	void *words[6];
};

/* duckdb_statement_type, as far as we ask for it. */
enum lk_duckdb_statement {
	LK_DUCKDB_SELECT = 1,
	LK_DUCKDB_EXPLAIN = 4,
};

/* duckdb_type, as far as we make some. */
enum lk_duckdb_type {
	LK_DUCKDB_BOOLEAN = 1,
	LK_DUCKDB_TINYINT = 2,
	LK_DUCKDB_BIGINT = 5,
	LK_DUCKDB_VARCHAR = 17,
	LK_DUCKDB_BLOB = 18,
	LK_DUCKDB_ANY = 34,
};

/* Each row: what it returns, its name, its parameters. Those that return int return 0 for success. */
#define LK_DUCKDB_FUNCTIONS(F)                                                                                        \
	F(int, create_config, (void **config))                                                                        \
	F(int, set_config, (void *config, const char *name, const char *value))                                       \
	F(void, destroy_config, (void **config))                                                                      \
	F(int, open_ext, (const char *path, void **db, void *config, char **error))                                   \
	F(void, close, (void **db))                                                                                   \
	F(int, connect, (void *db, void **connection))                                                                \
	F(void, interrupt, (void *connection))                                                                        \
	F(void, disconnect, (void **connection))                                                                      \
	F(void, free, (void *memory))                                                                                 \
	F(int, query, (void *connection, const char *sql, struct lk_duckdb_result *result))                           \
	F(void, destroy_result, (struct lk_duckdb_result * result))                                                   \
	F(const char *, result_error, (struct lk_duckdb_result * result))                                             \
	F(uint64_t, column_count, (struct lk_duckdb_result * result))                                                 \
	F(const char *, column_name, (struct lk_duckdb_result * result, uint64_t column))                             \
	F(void *, column_logical_type, (struct lk_duckdb_result * result, uint64_t column))                           \
	F(void, destroy_logical_type, (void **type))                                                                  \
	F(uint64_t, row_count, (struct lk_duckdb_result * result))                                                    \
	F(int64_t, value_int64, (struct lk_duckdb_result * result, uint64_t column, uint64_t row))                    \
	F(char *, value_varchar, (struct lk_duckdb_result * result, uint64_t column, uint64_t row))                   \
	F(int, prepare, (void *connection, const char *sql, void **prepared))                                         \
	F(const char *, prepare_error, (void *prepared))                                                              \
	F(void, destroy_prepare, (void **prepared))                                                                   \
	F(int, bind_varchar, (void *prepared, uint64_t index, const char *text))                                      \
	F(int, execute_prepared, (void *prepared, struct lk_duckdb_result *result))                                   \
	F(int, prepared_statement_type, (void *prepared))                                                             \
	F(uint64_t, extract_statements, (void *connection, const char *sql, void **extracted))                        \
	F(const char *, extract_statements_error, (void *extracted))                                                  \
	F(int, prepare_extracted_statement, (void *connection, void *extracted, uint64_t index, void **prepared))     \
	F(void, destroy_extracted, (void **extracted))                                                                \
	F(int, pending_prepared_streaming, (void *prepared, void **pending))                                          \
	F(const char *, pending_error, (void *pending))                                                               \
	F(int, execute_pending, (void *pending, struct lk_duckdb_result *result))                                     \
	F(void, destroy_pending, (void **pending))                                                                    \
	F(void *, fetch_chunk, (struct lk_duckdb_result result))                                                      \
	F(void, destroy_data_chunk, (void **chunk))                                                                   \
	F(void *, result_get_arrow_options, (struct lk_duckdb_result * result))                                       \
	F(void, destroy_arrow_options, (void **options))                                                              \
	F(void *, to_arrow_schema,                                                                                    \
		(void *options, void **types, const char **names, uint64_t count, struct ArrowSchema *schema))        \
	F(void *, data_chunk_to_arrow, (void *options, void *chunk, struct ArrowArray *array))                        \
	F(bool, error_data_has_error, (void *error))                                                                  \
	F(const char *, error_data_message, (void *error))                                                            \
	F(void, destroy_error_data, (void **error))                                                                   \
	F(int, arrow_scan, (void *connection, const char *view, struct ArrowArrayStream *stream))                    \
	F(uint64_t, data_chunk_get_size, (void *chunk))                                                               \
	F(void *, data_chunk_get_vector, (void *chunk, uint64_t column))                                              \
	F(void *, vector_get_data, (void *vector))                                                                    \
	F(uint64_t, vector_size, (void))                                                                              \
	F(uint64_t *, vector_get_validity, (void *vector))                                                            \
	F(void, vector_assign_string_element_len, (void *vector, uint64_t row, const char *text, uint64_t len))       \
	F(void *, create_logical_type, (int type))                                                                    \
	F(void *, create_scalar_function, (void))                                                                     \
	F(void, scalar_function_set_name, (void *function, const char *name))                                         \
	F(void, scalar_function_add_parameter, (void *function, void *type))                                          \
	F(void, scalar_function_set_return_type, (void *function, void *type))                                        \
	F(void, scalar_function_set_extra_info, (void *function, void *extra, void (*release)(void *)))               \
	F(void, scalar_function_set_function, (void *function, void (*call)(void *info, void *input, void *output)))  \
	F(void, scalar_function_set_varargs, (void *function, void *type))                                            \
	F(void, scalar_function_set_special_handling, (void *function))                                               \
	F(void, scalar_function_set_volatile, (void *function))                                                       \
	F(void *, scalar_function_get_extra_info, (void *info))                                                       \
	F(int, register_scalar_function, (void *connection, void *function))                                          \
	F(void, destroy_scalar_function, (void **function))

struct lk_duckdb {
#define LK_DUCKDB_MEMBER(type, name, parameters) type(*name) parameters;
	LK_DUCKDB_FUNCTIONS(LK_DUCKDB_MEMBER)
#undef LK_DUCKDB_MEMBER
};

/*
 * Finds libduckdb.so and its functions: $LK_DUCKDB when it is set; else where the build and the installation put it, seen from
 * the running program; else wherever the system's loader looks. LK_MISSING says what to do. It stays loaded until the process
 * ends: its threads and thread-local memory do not survive being unmapped.
 */
enum lk_status lk_duckdb_load(struct lk_duckdb *duckdb, struct lk_error *err) LK_CHECKED;

#endif
