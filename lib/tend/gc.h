/*
 * Garbage: files in a lake that nothing leads to.
 *
 *	below a table's data and metadata folders	what killed writers left, what thinned snapshots led to, old metadata.json
 *	folders of tables				that the catalog does not have (any more)
 *	.stage-*					what a killed ingest left
 *
 * Only what is older than a grace time goes: a writer's files are named by nothing until it commits, and a reader may still read
 * what has just been expired. What is not understood is left alone, and said.
 */
#ifndef LK_TEND_GC_H
#define LK_TEND_GC_H

#include "tend/live.h"

enum lk_orphan_why {
	LK_ORPHAN_UNNAMED, /* in a table's folder, and its metadata do not lead to it */
	LK_ORPHAN_DROPPED, /* in a folder of no table */
	LK_ORPHAN_STAGED,  /* of a run that was killed */
};

struct lk_orphan {
	enum lk_orphan_why why;
	const char *table; /* "ns.name", or the folder in the lake where there is no such table */
	const char *path;  /* absolute */
	int64_t bytes, modified_ms;
	struct lk_filekey key;
};

/* A table of which nothing was removed, and why. table "": the lake. */
struct lk_gc_problem {
	const char *table, *text;
};

struct lk_gc_options {
	const char *const *tables; /* "ns.table", or "table" in `main`; only what lies in their folders */
	size_t table_count;	   /* 0: all, and what is of no table */
	int64_t grace_ms;
	const char *const *staged; /* folders of staged runs whose files are spared */
	size_t staged_count;
	bool dry_run;
};

struct lk_gc {
	struct lk_live live;
	struct lk_orphan *orphans; /* by path */
	size_t count, cap;
	struct lk_gc_problem *problems;
	size_t problem_count, problem_cap;
	const char **folders; /* that are removed when they are empty then */
	size_t folder_count, folder_cap;
	int64_t bytes;
};

/* Finds garbage, and removes it unless it is a dry run. Release gc in any case. */
enum lk_status lk_gc_run(struct lk_gc *gc, struct lk_lake *lake, const struct lk_gc_options *options, struct lk_error *err) LK_CHECKED;
void lk_gc_release(struct lk_gc *gc);

/* The outcome as one JSON object. */
enum lk_status lk_gc_json(const struct lk_gc *gc, const struct lk_gc_options *options, struct lk_str *out, struct lk_error *err) LK_CHECKED;

#endif
