/*
 * The history of tables: a line for each snapshot, newest first, of one table or of the whole lake.
 *
 * What a line says is in the tables' metadata, whoever wrote them; deliveries are the ledger's (lake/ledger_history.h), found by the
 * run that the summary names.
 */
#ifndef LK_LAKE_LOG_H
#define LK_LAKE_LOG_H

#include <jansson.h>

#include "lake/lake.h"
#include "stream/format.h"

struct lk_log_options {
	const char *const *tables; /* names; none: all that may be read */
	int table_count;
	const char *branch; /* whose history; NULL: main's */
	bool all;	    /* all snapshots that there are, of all branches and of none */
	int64_t max_count;  /* lines; -1: all */
};

/* A snapshot. Texts are borrowed from the pin's metadata, "" where nothing is said; counts are -1 then. */
struct lk_log_line {
	const char *table;
	const json_t *snapshot;
	int64_t snapshot_id, parent_id, time_ms, sequence;
	const char *operation, *run, *engine;
	char *user;	 /* who owns the manifest list; owned; NULL when that cannot be told */
	int64_t added;	 /* rows */
	int64_t removed; /* by taking files away or by position deletes */
	int64_t rows;	 /* after it */
	json_t *refs;	 /* an array of objects: name, type */
	const json_t *deliveries; /* an array of objects: delivery, sender, sha256; NULL: none */
};

struct lk_log {
	struct lk_pin pin;
	struct lk_log_line *lines;
	size_t count, cap;
	json_t *deliveries; /* by run */
};

/* LK_DATA when a table or the branch is not there. Release the log in any case. */
enum lk_status lk_log_read(struct lk_log *log, struct lk_lake *lake, const struct lk_log_options *options,
	struct lk_error *err) LK_CHECKED;
void lk_log_release(struct lk_log *log);

/* In json an object a line with all there is; else columns. */
enum lk_status lk_log_write(const struct lk_log *log, enum lk_format format, FILE *out, struct lk_error *err) LK_CHECKED;

#endif
