/*
 * Changes: what became of a table's rows, snapshot by snapshot, as a stream for others: replicas, derived tables, other systems.
 *
 *	main:  s1 --> s2 --> s3 --> s4        from s2 to s4: the differences s2-s3 and s3-s4, one after the other,
 *	                                      each in the order of the key
 *
 * A difference is that of sql/diff.h: rows are matched by the key, a row that was written anew and says the same is none, and only the
 * rows that came and went are read. Columns are those of the table at the end, by their ids. Snapshots that say that they change no row
 * (`replace`) are not looked at. Where snapshots between two others have expired, what they did is in the difference of those.
 *
 * A row of the stream is lk_op (I insert, U update, B what the U behind it was before, D delete), lk_snapshot, lk_committed, and the
 * table's columns; lk_file, lk_row and lk_sent, which are no part of what a row says, travel with it.
 */
#ifndef LK_SQL_CHANGES_H
#define LK_SQL_CHANGES_H

#include "lake/lake.h"
#include "sql/output.h"

struct lk_changes_options {
	const char *table;
	const char *from, *to; /* moments (lake/at.h); from NULL: before the oldest snapshot there is; to NULL: now */
	const char *key;       /* columns, by commas; NULL: the table's own */
	bool net;	       /* the difference between the two moments alone */
	bool trace;	       /* lk_file, lk_row and lk_sent are part of what a row says */
	int64_t threads, memory_bytes;
	struct lk_sql_output_options output;
	void (*say)(const char *fmt, ...) LK_PRINTF(1, 2);    /* what has expired */
	void (*detail)(const char *fmt, ...) LK_PRINTF(1, 2); /* how many files of each snapshot were read */
};

/* What was written. */
struct lk_changes_report {
	int64_t rows;	   /* without what was before */
	int64_t snapshots; /* that had some */
};

/* Finds the table, the moments and the snapshots between them. LK_DATA when one has expired, or did not lead to the other. */
struct lk_changes;
enum lk_status lk_changes_open(struct lk_changes **out, struct lk_lake *lake, const struct lk_changes_options *options,
	struct lk_error *err) LK_CHECKED;

/* The table, and the snapshot up to which the changes go (-1: it has none). Borrowed. */
const struct lk_lake_table *lk_changes_table(const struct lk_changes *c);
int64_t lk_changes_head(const struct lk_changes *c);

/* Has the changes begin behind this snapshot instead of options->from; -1: with all rows that the table has, as one difference. */
enum lk_status lk_changes_begin_at(struct lk_changes *c, int64_t snapshot_id, struct lk_error *err) LK_CHECKED;

/* Writes them all. The output is whole then; standard output is flushed, and not closed. */
enum lk_status lk_changes_write(struct lk_changes *c, struct lk_changes_report *report, struct lk_error *err) LK_CHECKED;

void lk_changes_close(struct lk_changes *c); /* NULL is fine */

/* The snapshot of an opened table that a moment means: -1 is before its first. LK_DATA when it has expired. */
enum lk_status lk_changes_moment(const struct lk_lake_table *table, const char *text, int64_t *snapshot_id, struct lk_error *err) LK_CHECKED;

#endif
