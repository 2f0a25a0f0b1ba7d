/*
 * Commits: a stream of rows becomes a snapshot of every table that it touches, in one transaction with the ledger
 * (lk-lake(7)); or is staged as files for a later commit to take.
 *
 * Rows of lk.files feed the ledger and are stored but for those that are no news; rows of lk.rejects are stored without
 * their raw text in lk.rejects, and with it in quarantine.rejects, whose files only their owner reads. Rejects that rows of
 * lk.replayed name are taken out of both.
 */
#ifndef LK_LAKE_COMMIT_H
#define LK_LAKE_COMMIT_H

#include "base/hash.h"
#include "base/mem.h"
#include "lake/lake.h"
#include "lake/merge.h"
#include "lake/target.h"
#include "stream/stream.h"

/* Counts of rejects: of all that were replayed, and of those that became rows. */
struct lk_replay_counts {
	int64_t all, landed;
};

/* How many of a delivery's rejects became rows. */
typedef enum lk_status lk_sums_visitor(
	void *context, const char *sender, const char *sha256, int64_t landed, struct lk_error *err);

/*
 * Finds rows of lk.rejects by what lk.replayed says of them: lib/sql's, for lib/lake knows no SQL (sql/rejects.h).
 *
 *	take, take, ... --> check --> find lk.rejects, find quarantine.rejects --> (another writer was first) find, find --> sums
 */
struct lk_reject_finder {
	void *self;
	/* A batch of lk.replayed, whose array may be moved. */
	enum lk_status (*take)(void *self, struct lk_batch *batch, struct lk_error *err);
	/* All have come, so many: LK_DATA when one was named twice. */
	enum lk_status (*check)(void *self, struct lk_replay_counts *counts, struct lk_error *err);
	/* Visits the live rows that are meant, by the file's uri and by position, both ascending, as files of deletes want them;
	 * *found is how many of the rejects are there. For any table of rejects, as often as it is asked. */
	enum lk_status (*find)(void *self, const struct lk_lake_table *table, struct lk_replay_counts *found,
		lk_place_visitor *visit, void *context, struct lk_error *err);
	/* Visits the deliveries of which something landed. Within the catalog's transaction, which others wait for: it shall have
	 * little to do. */
	enum lk_status (*sums)(void *self, lk_sums_visitor *visit, void *context, struct lk_error *err);
};

struct lk_commit_options {
	enum lk_schema_mode schema;
	const char *once;  /* identity of rows that carry no delivery; NULL: none */
	const char *as;	   /* the table of plain rows; NULL: as the stream says */
	const char *stage; /* folder for a description instead of a commit; NULL: commit */
	const struct lk_reject_finder *finder; /* NULL: a stream with replayed rejects is refused */
	bool again; /* deliveries that are loaded already are loaded anew: their rows of before go in the same commit */
	bool overwrite; /* the rows that `rows` finds in the one table of the stream go in the same commit; what comes must be such rows */
	bool replace_partitions; /* partitions that rows come for lose what they had (lake/replace.h) */
	const struct lk_row_finder *rows; /* finds those; NULL without either */
	const struct lk_merger *merger; /* what rows mean to tables with one row for each key; NULL: such rows are refused */
	const char *branch; /* that the snapshots go on, and whose ledger it is; NULL: main */
};

struct lk_commit_report_table {
	const char *table;
	int64_t snapshot_id; /* -1: no rows were added, or they are staged */
	int64_t rows, files, bytes;
	int64_t removed; /* rows taken out */
	bool merged; /* it has one row for each key: rows are those that were inserted or updated */
	struct lk_merge_counts counts;
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
	int64_t replayed;		 /* rejects that the stream replayed */
};
void lk_commit_report_release(struct lk_commit_report *r);

/* Rows that full lists do not have and that stay, for they are more than the limit allows. */
int64_t lk_commit_report_held(const struct lk_commit_report *r);

/* For people (a line a table) and for programs (one JSON object and a newline). */
void lk_commit_report_text(const struct lk_commit_report *r, struct lk_str *out);
void lk_commit_report_json(const struct lk_commit_report *r, struct lk_str *out);

/* Reads to the end and commits or stages. On an error the lake is as it was, unless the message says otherwise. */
enum lk_status lk_commit_stream(struct lk_lake *lake, struct lk_reader *reader, const struct lk_commit_options *options,
	struct lk_commit_report *report, struct lk_error *err) LK_CHECKED;

/* Commits what other processes staged in a folder, and removes their descriptions. rows: finds the rows of deliveries that are
 * loaded anew; merger: as above. */
enum lk_status lk_commit_staged(struct lk_lake *lake, const char *folder, const struct lk_row_finder *rows,
	const struct lk_merger *merger, struct lk_commit_report *report, struct lk_error *err) LK_CHECKED;

/* Removes a description (the file) that will not be committed, and the data files that it names. */
enum lk_status lk_commit_discard(struct lk_lake *lake, const char *description, struct lk_error *err) LK_CHECKED;

#endif
