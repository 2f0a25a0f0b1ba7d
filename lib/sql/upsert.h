/*
 * Upserts: a stream of rows becomes a stream of changes against a lake (lk-upsert(1), lk-stream(5)).
 *
 *	rows -> kept, table by table -> resolved at the end of the input (sql/resolve.h) -> written, with lk_op and what they replace
 *
 * Nothing is written to the lake. Tables that have no key, and those that are not data, pass unchanged.
 */
#ifndef LK_SQL_UPSERT_H
#define LK_SQL_UPSERT_H

#include "change/spec.h"
#include "lake/lake.h"
#include "lake/merge.h"
#include "stream/stream.h"

#define LK_UPSERT_MEMORY ((size_t)1 << 30)

struct lk_upsert_options {
	const char *const *tables; /* only these, whatever they say of themselves; none: all that have a key */
	size_t table_count;
	const char *key, *order, *op, *scope; /* columns, with commas between; NULL: what the stream says, or the lake's table */
	bool full, patch;		      /* at most one */
	bool before;			      /* with rows of what was before */
	const struct lk_limit *limit;	      /* NULL: as above */
	const char *branch;		      /* NULL: main */
	size_t memory_bytes;
	void (*say)(const char *fmt, ...) LK_PRINTF(1, 2);
};

/* What came of a table's rows. */
struct lk_upserted {
	char *table;
	bool is_new; /* the lake does not have it */
	int64_t rows; /* that came */
	struct lk_merge_counts counts;
};

struct lk_upsert_report {
	struct lk_upserted *items;
	size_t count, cap;
};
void lk_upsert_report_release(struct lk_upsert_report *report);

/* One line for people, one object for programs; appended. */
void lk_upserted_text(const struct lk_upserted *table, struct lk_str *out);
void lk_upserted_json(const struct lk_upserted *table, struct lk_str *out);

/* lake: NULL where there is none yet. LK_NOINPUT for a table of the options that never came. */
enum lk_status lk_upsert(struct lk_lake *lake, struct lk_reader *in, struct lk_writer *out, const struct lk_upsert_options *options,
	struct lk_upsert_report *report, struct lk_error *err) LK_CHECKED;

#endif
