/* Inside of the life of a row (private to lib/sql). */
#ifndef LK_SQL_LIFE_INSIDE_H
#define LK_SQL_LIFE_INSIDE_H

#include "lake/predicate.h"
#include "sql/life.h"
#include "sql/sql.h"

/* ---- the key (life_key.c) ---- */

/* A key of a table as it is asked for. All of it lies in the arena that it was made in. */
struct lk_life_key {
	const char *names; /* of its columns, by commas; NULL: the table's own */
	const char *where; /* the predicate as SQL */
	const struct lk_predicate *predicate; /* and as files are left out by; NULL: none can be */
	int leaves;
};

enum lk_status lk_life_key_make(struct lk_life_key *key, struct lk_sql *sql, const struct lk_lake_table *table,
	const struct lk_life_options *options, struct lk_arena *arena, struct lk_error *err) LK_CHECKED;

/* ---- lines (life_write.c) ---- */

struct lk_life_writer;
enum lk_status lk_life_writer_open(struct lk_life_writer **out, const struct lk_lake_table *table, const struct lk_life_options *options,
	struct lk_error *err) LK_CHECKED;

/* What a snapshot did, as lk_sql_diff_add_select has it of changes. */
enum lk_status lk_life_writer_add(struct lk_life_writer *w, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	struct lk_error *err) LK_CHECKED;
int64_t lk_life_writer_lines(const struct lk_life_writer *w);

/* Writes what was held back. */
enum lk_status lk_life_writer_finish(struct lk_life_writer *w, struct lk_error *err) LK_CHECKED;
void lk_life_writer_close(struct lk_life_writer *w); /* NULL is fine */

#endif
