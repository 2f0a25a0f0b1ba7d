/* Inside of changes (private to lib/sql): which snapshots lie between two, and what each of them did. Also for a row's history. */
#ifndef LK_SQL_CHANGES_INSIDE_H
#define LK_SQL_CHANGES_INSIDE_H

#include "sql/diff_inside.h"

/* From one snapshot (-1: nothing) to the next that is looked at. */
struct lk_change_step {
	int64_t from, to;
	int64_t time_ms;       /* of `to` */
	const char *operation; /* of `to`; borrowed from the metadata */
	bool gap;	       /* snapshots between them have expired */
};

struct lk_change_steps {
	struct lk_change_step *items; /* oldest first; malloc'd */
	size_t count, cap;
	size_t gaps;
};

/* Those that led from one snapshot to the other; whole: `from` is -1, and the first step has what had become of all before it. LK_DATA when
 * `from` did not lead to `to`. */
enum lk_status lk_change_steps_find(struct lk_change_steps *steps, const struct lk_lake_table *table, int64_t from, int64_t to,
	struct lk_error *err) LK_CHECKED;

/* What differs between two snapshots, as views of the session: begin, and where sides is not 0 the select, then end. */
struct lk_change_pair {
	struct lk_pin pin;
	struct lk_lake_table from, to;
	struct lk_sql_touched touched;
	unsigned sides; /* that may have rows */
	int files;	/* that are read */
};

struct lk_change_view {
	unsigned flags; /* of lk_lake_table_read */
	const struct lk_lake_filter *filter; /* of data files; may be NULL */
	const char *where; /* of rows; may be NULL */
};

/* End it in any case. */
enum lk_status lk_change_pair_begin(struct lk_change_pair *p, struct lk_sql *sql, const struct lk_lake_table *table, int64_t from,
	int64_t to, const struct lk_change_view *view, struct lk_error *err) LK_CHECKED;
void lk_change_pair_end(struct lk_change_pair *p);

/* All columns of a table: those of the key, those that are compared, and with !trace those that travel. *out is the caller's to free. */
enum lk_status lk_change_columns(struct lk_sql_diff_columns *out, const struct lk_lake_table *table, const char *key, bool trace,
	struct lk_error *err) LK_CHECKED;

/* Says on a stream's schema, behind the first `skip` columns, what the table knows of its columns: lk.key, lk.phi, ... */
enum lk_status lk_change_describe(struct ArrowSchema *schema, int64_t skip, const struct lk_lake_table *table, const char *key,
	struct lk_error *err) LK_CHECKED;

/* A session in which so many functions of ours were made that it is better to begin a new one. */
bool lk_change_session_is_full(const struct lk_sql *sql);

#endif
