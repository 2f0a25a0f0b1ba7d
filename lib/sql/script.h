/*
 * Scripts: what people write, understood before it runs.
 *
 * The text is taken apart by DuckDB's own parser and serializer (json_serialize_sql), which takes SELECT and nothing else. What
 * it hands back is searched whole: every table named anywhere is listed, and every function that could reach outside, or whose
 * argument is SQL, ends it. Table functions are a list of those known to be harmless; all others are refused.
 */
#ifndef LK_SQL_SCRIPT_H
#define LK_SQL_SCRIPT_H

#include <jansson.h>

#include "base/mem.h"
#include "sql/sql.h"

/* A table as the text names it, where no WITH made it. schema and catalog are "" where they are not given. */
struct lk_sql_name {
	const char *catalog, *schema, *table;
};

struct lk_script {
	struct lk_arena arena;
	const char *text, *text_name; /* borrowed; text_name is the file's, NULL for the command line */
	int statement_count;
	bool explain;	  /* one EXPLAIN of a SELECT */
	bool show_tables; /* one SHOW TABLES: the caller's to answer */
	struct lk_sql_name *names; /* each once, letter case aside */
	size_t name_count, name_cap;
	json_t *tree; /* DuckDB's, of all statements */
	bool exact;   /* integers of the tree are whole; else they are doubles, for one of them was too large */
};

/* LK_DATA with the place when the text is not SQL, LK_NOPERM when it is more than SELECT may. Release the script either way. */
enum lk_status lk_script_parse(struct lk_script *script, struct lk_sql *sql, const char *text, const char *text_name,
	struct lk_error *err) LK_CHECKED;
void lk_script_release(struct lk_script *script);

/* Whether text is one predicate, such as stands behind WHERE: over columns alone, with nothing behind it. LK_DATA when it is not
 * SQL, LK_NOPERM when it is more. */
enum lk_status lk_script_check_predicate(struct lk_sql *sql, const char *text, struct lk_error *err) LK_CHECKED;

#endif
