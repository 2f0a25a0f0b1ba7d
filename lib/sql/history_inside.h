/* The inside of lib/sql/history.h. */
#ifndef LK_SQL_HISTORY_INSIDE_H
#define LK_SQL_HISTORY_INSIDE_H

#include <stdatomic.h>

#include "change/keys.h"
#include "lake/merge.h"
#include "sql/places.h"

#define LK_HISTORY_NAME 48

/* Names of functions of the session, and what they work by; must not move while they are used. */
struct lk_history_functions {
	const struct lk_spec *spec;
	const char **key_types, **scope_types; /* Iceberg's, of the columns of the key and the scope */
	const char *order_type; /* NULL: there is no such column */
	struct lk_keys *keys;	/* that `find` looks for */
	atomic_bool failed;	/* memory ran out in one of them: what they said is not to be used */
	char key[LK_HISTORY_NAME];     /* (key columns) -> BLOB */
	char scope[LK_HISTORY_NAME];   /* (scope columns) -> BLOB; where there are any */
	char find[LK_HISTORY_NAME];    /* (key columns) -> BIGINT, of the set; -1: it is not there */
	char version[LK_HISTORY_NAME]; /* ([order,] lk_sent, lk_file, lk_row) -> BLOB */
	char list[LK_HISTORY_NAME];    /* (version) -> BLOB: which full list it is of */
	char time[LK_HISTORY_NAME];    /* (version) -> BIGINT: the order column; INT64_MIN: null */
};

enum lk_status lk_history_functions_make(struct lk_history_functions *f, struct lk_sql *sql, struct lk_error *err) LK_CHECKED;

/* Puts encoded keys into the set: the first column of a SELECT. */
enum lk_status lk_history_keep_keys(struct lk_history_functions *f, struct lk_sql *sql, const char *select, struct lk_error *err) LK_CHECKED;

struct lk_history {
	struct lk_places *p;
	const struct lk_merge_request *rq;
	const struct lk_merge_visitor *visitor;
	struct lk_history_functions f;
	const char *time_type; /* Iceberg's, of the two times */
	bool by_order;
	struct lk_str s; /* the statement that is being made */
};

/* A column, or NULL. t may be NULL. */
const struct lk_lake_column *lk_history_find(const struct lk_lake_table *t, const char *name);

/* Whether a column is what a row says, and not where it came from or when it held. */
bool lk_history_is_content(const char *name);

/* Adds a column of a table `l`, as the type that it has now; null where the table has none. */
enum lk_status lk_history_add_value(struct lk_history *h, const struct lk_lake_table *t, const struct lk_lake_column *c,
	struct lk_error *err) LK_CHECKED;

/* Runs the statement that was made, or one that is. */
enum lk_status lk_history_run(struct lk_history *h, struct lk_error *err) LK_CHECKED;
enum lk_status lk_history_run_text(struct lk_history *h, const char *statement, struct lk_error *err) LK_CHECKED;

/* Begins a statement in which %1$s is the function that says which list a version is of. */
void lk_history_add_list(struct lk_history *h, const char *format);

/* history_gather.c: all that is known of the keys; history_chain.c: what follows from it. */
enum lk_status lk_history_gather(struct lk_history *h, struct lk_error *err) LK_CHECKED;
enum lk_status lk_history_make_chain(struct lk_history *h, struct lk_error *err) LK_CHECKED;

#endif
