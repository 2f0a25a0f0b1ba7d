/*
 * Lookups: the live rows of a table whose keys are in a set, and where they stand (private to lib/sql).
 *
 * DuckDB reads the table, and for each row calls back to have its key looked up in the set (change/keys.h); so only the rows that are
 * there come out, and nothing is built for a join. Files are left out by the bounds of their keys, and row groups by ranges of them.
 */
#ifndef LK_SQL_LOOKUP_H
#define LK_SQL_LOOKUP_H

#include "change/keys.h"
#include "sql/places.h"

/* Columns of the table, by their number in it. */
struct lk_column_list {
	const int *items;
	int count;
};

/* Says of rows that were found what the visitor is told: from several threads at once. cells: of `also`; key and scope: numbers, or -1. */
typedef void lk_weigher(void *context, const struct lk_cells *cells, const int64_t *key, const int64_t *scope, int64_t count, int8_t *verdict);

/* By the file's uri and by position, both ascending. file is one of the table's. */
typedef enum lk_status lk_lookup_visitor(void *context, const struct lk_lake_file *file, int64_t position, int64_t key, int64_t scope,
	int8_t verdict, struct lk_error *err);

struct lk_lookup {
	const struct lk_lake_table *table; /* loaded with metrics */
	struct lk_column_list key, scope, also;
	const struct lk_keys *keys;
	const struct lk_keys *scopes; /* to tell of which of them a row is; NULL: none */
	bool scope_rows;	      /* rows of these are wanted too, whatever their keys */
	const char *const *wanted; /* 12 digits of the SHA-256 of deliveries: rows whose lk_file has one are wanted as well */
	size_t wanted_count;
	int file_column; /* which of the table's lk_file is; where there are such */
	lk_weigher *weigh;	      /* NULL: the verdict is 0 */
	lk_lookup_visitor *visit;
	void *context; /* of both */
};

/* LK_MISSING for columns of types that cannot be looked up. Errors name the table. */
enum lk_status lk_lookup_run(const struct lk_lookup *lookup, struct lk_places *p, struct lk_error *err) LK_CHECKED;

/* ---- rows whose places are known ---- */

struct lk_lookup_place {
	const struct lk_lake_file *file;
	int64_t position;
};

/* Asks for one number of each of some rows, made of columns. */
struct lk_rehash {
	const struct lk_lake_table *table;
	const struct lk_lookup_place *places; /* by the file's uri and by position, ascending */
	size_t place_count;
	struct lk_column_list columns;
	void (*hash)(void *context, const struct lk_cells *cells, int64_t count, int64_t *out); /* from several threads; context: the lk_rehash */
	enum lk_status (*visit)(void *context, size_t place, int64_t hash, struct lk_error *err);
	void *context;
};
enum lk_status lk_rehash_run(const struct lk_rehash *rehash, struct lk_places *p, struct lk_error *err) LK_CHECKED;

/* ---- what is left out (sql/key_range.c) ---- */

/* Where the first cells of a set's keys lie: ranges of the first eight bytes that order them. */
struct lk_key_ranges;
enum lk_status lk_key_ranges_make(struct lk_key_ranges **out, const struct lk_keys *keys, const char *type, struct lk_error *err) LK_CHECKED;
void lk_key_ranges_free(struct lk_key_ranges *ranges); /* NULL is fine */

/* Whether a file may hold any of them, by the bounds of the column. */
bool lk_key_ranges_meet(const struct lk_key_ranges *ranges, const struct lk_lake_file *file, int32_t field_id);

/* Adds a condition that is true of them all, such as "((c0 >= 1 AND c0 <= 99 AND (c0 <= 9 OR c0 >= 90)))"; "true" where there is none to say. */
void lk_key_ranges_add(const struct lk_key_ranges *ranges, int column, struct lk_str *out);

#endif
