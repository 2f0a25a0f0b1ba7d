/*
 * Compaction: groups of data files of a table are written again as fewer, larger ones, without their deleted rows, in the table's
 * partitions and order, and replace the old ones (operation `replace`: the rows are the same).
 *
 *	plan	what is worth it (tend/plan.h)
 *	write	each group, through DuckDB and the table's own data writers, in bounded memory
 *	commit	after so many groups, so that progress stays; a group of which another writer changed a file, or deleted rows,
 *		meanwhile is lost, and only that
 *
 * Files of deletes that apply to no file any more go along. lk.versions is thinned first.
 */
#ifndef LK_TEND_COMPACT_H
#define LK_TEND_COMPACT_H

#include "lake/lake.h"

struct lk_compact_options {
	const char *const *tables; /* "ns.table", or "table" in `main` */
	size_t table_count;	   /* 0: all */
	int64_t threads, memory_bytes; /* as in struct lk_sql_options */
	bool dry_run;
	void (*progress)(void *context, const char *table, int64_t bytes, int64_t all_bytes); /* may be NULL */
	void *progress_context;
};

struct lk_compact_table {
	const char *namespace_name, *name;
	const char *problem;	/* why it, or some of it, was left; NULL when all went well */
	bool conflict;		/* groups were lost to other writers, time and again */
	int64_t files, added_files; /* data files that went, and that came; in a dry run none came */
	int64_t bytes, added_bytes;
	int64_t rows;		/* that were written again */
	int64_t delete_files;	/* that went, as far as they are known to */
	int64_t groups, lost, commits;
	int64_t facts; /* of lk.versions: rows that went before, as they say nothing any more (tend/versions.h) */
};

struct lk_compact {
	struct lk_pin pin;
	struct lk_compact_table *tables;
	size_t count;
};

/* Release c in any case. */
enum lk_status lk_compact_run(struct lk_compact *c, struct lk_lake *lake, const struct lk_compact_options *options,
	struct lk_error *err) LK_CHECKED;
void lk_compact_release(struct lk_compact *c);

enum lk_status lk_compact_json(const struct lk_compact *c, const struct lk_compact_options *options, struct lk_str *out,
	struct lk_error *err) LK_CHECKED;

#endif
