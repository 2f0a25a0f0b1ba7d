/*
 * Commits: a stream of rows becomes a snapshot of every table that it touches, in one transaction with the ledger
 * (lk-lake(7)); or is staged as files for a later commit to take.
 *
 * Rows of lk.files feed the ledger and are stored but for those that are no news; rows of lk.rejects are stored without
 * their raw text in lk.rejects, and with it in quarantine.rejects, whose files only their owner reads.
 */
#ifndef LK_LAKE_COMMIT_H
#define LK_LAKE_COMMIT_H

#include "base/hash.h"
#include "base/mem.h"
#include "lake/lake.h"
#include "lake/target.h"
#include "stream/stream.h"

struct lk_commit_options {
	enum lk_schema_mode schema;
	const char *once;  /* identity of rows that carry no delivery; NULL: none */
	const char *as;	   /* the table of plain rows; NULL: as the stream says */
	const char *stage; /* folder for a description instead of a commit; NULL: commit */
};

struct lk_commit_report_table {
	const char *table;
	int64_t snapshot_id; /* -1: no rows were added, or they are staged */
	int64_t rows, files, bytes;
};
struct lk_commit_report_delivery {
	const char *delivery, *sender, *sha256;
};
struct lk_commit_report_list {
	struct lk_commit_report_delivery *items;
	size_t count, cap;
};

/* What was done. */
struct lk_commit_report {
	struct lk_arena arena; /* of all text in it */
	char run[LK_UUID_SIZE];
	struct lk_commit_report_table *tables;
	size_t table_count, table_cap;
	struct lk_commit_report_list committed; /* deliveries */
	struct lk_commit_report_list skipped;	 /* known before, or without news */
	struct lk_commit_report_list again;	 /* of staged runs that were set aside: not loaded, to be done again */
	size_t set_aside;		 /* staged runs */
	json_t *counts;			 /* of members and rejects (lake/counts.h) */
	const char *staged;		 /* the description; NULL when none was written */
	bool nothing;			 /* the lake is as it was, and should be */
};
void lk_commit_report_release(struct lk_commit_report *r);

/* For people (a line a table) and for programs (one JSON object and a newline). */
void lk_commit_report_text(const struct lk_commit_report *r, struct lk_str *out);
void lk_commit_report_json(const struct lk_commit_report *r, struct lk_str *out);

/* Reads to the end and commits or stages. On an error the lake is as it was, unless the message says otherwise. */
enum lk_status lk_commit_stream(struct lk_lake *lake, struct lk_reader *reader, const struct lk_commit_options *options,
	struct lk_commit_report *report, struct lk_error *err) LK_CHECKED;

/* Commits what other processes staged in a folder, and removes their descriptions. */
enum lk_status lk_commit_staged(struct lk_lake *lake, const char *folder, struct lk_commit_report *report,
	struct lk_error *err) LK_CHECKED;

/* Removes a description (the file) that will not be committed, and the data files that it names. */
enum lk_status lk_commit_discard(struct lk_lake *lake, const char *description, struct lk_error *err) LK_CHECKED;

#endif
