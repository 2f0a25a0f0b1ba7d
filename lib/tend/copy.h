/*
 * Copies of lakes: backups, restores, moves; and trial lakes that share the data files of another.
 *
 *	source catalog ──(one read)──► its copy in memory ──► which files ──► copied, rewritten ──► destination catalog, in one write
 *
 * Locations are absolute in every file that names another, so metadata, manifest lists, manifests and files of position deletes are
 * rewritten for where the copy lies; all other files are copied byte for byte. A file keeps its path below the lake. What is there
 * already is not copied again. The destination's catalog is written last, in one transaction: the copy is as before or as after.
 */
#ifndef LK_TEND_COPY_H
#define LK_TEND_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "lake/lake.h"

struct lk_copy_options {
	const char *source, *destination; /* folders */
	const char *const *tables;	  /* "ns.table", or "table" in `main`: only these, and no ledger */
	size_t table_count;		  /* 0: all, and the ledger */
	const char *at;			  /* one snapshot of each table (lake/at.h), and no ledger; NULL: all snapshots */
	bool shallow;			  /* data files and files of deletes stay where they are */
	bool replace;			  /* what the destination has, and was not copied from the source, goes */
	bool dry_run;
	void (*progress)(const char *table, int64_t files, int64_t bytes); /* may be NULL */
};

struct lk_copy_table {
	const char *name;
	int64_t snapshots;
	int64_t files, bytes;	/* copied, rewritten ones among them */
	int64_t there;		/* files that were there already */
	bool unchanged;		/* since the last copy */
};

struct lk_copy_report {
	struct lk_arena arena;
	struct lk_copy_table *tables;
	size_t table_count, table_cap;
	const char **left_out; /* why a table or view was not copied, each a sentence */
	size_t left_out_count, left_out_cap;
};
void lk_copy_report_release(struct lk_copy_report *report);

/* LK_CANTCREATE when the destination holds tables that are not copies of the source's as they were copied; LK_CONFLICT when the source
 * changed so that its files went meanwhile. The destination is unchanged unless LK_OK; files that nothing names may be left in it. */
enum lk_status lk_copy_run(const struct lk_copy_options *options, struct lk_copy_report *report, struct lk_error *err) LK_CHECKED;

#endif
