/*
 * What is worth compacting: groups of data files of a table that become fewer, larger, or free of deletes.
 *
 * Files of one partition are packed in the order of their sequence numbers into groups of about the target size. Chosen are small
 * ones (below three quarters of it), those of which many rows are deleted, those that equality deletes apply to, and those of an
 * earlier partition spec, which go into the current one, all of them together, as their rows may go to any partition. A single small
 * file is left alone; so is one of some size beside crumbs that do not make up for writing it again.
 */
#ifndef LK_TEND_PLAN_H
#define LK_TEND_PLAN_H

#include "lake/lake.h"
#include "tend/fileset.h"

struct lk_compact_group {
	int *files; /* of the table, by sequence */
	int file_count;
	int64_t rows, deleted, bytes; /* deleted: as far as it can be told */
};

struct lk_compact_plan {
	const struct lk_lake_table *table;
	int64_t target_bytes; /* write.target-file-size-bytes */
	struct lk_compact_group *groups;
	size_t count, cap;
	size_t dangling; /* files of deletes that apply to no file */
	/* inside: */
	struct lk_filekey *partitions; /* of each file */
	int *order;		       /* files by partition and sequence */
	int *by_uri;		       /* files by uri */
	int64_t *deleted;	       /* rows, of each file */
	bool *equality;		       /* of each file: equality deletes apply */
};

/* table: loaded, with or without metrics; it must outlive the plan. */
enum lk_status lk_compact_plan_make(struct lk_compact_plan *plan, const struct lk_lake_table *table, struct lk_error *err) LK_CHECKED;
void lk_compact_plan_release(struct lk_compact_plan *plan);

/* Whether a file of deletes that names no data file may apply to one of a group, as far as partitions tell. */
bool lk_compact_shares_partition(const struct lk_compact_plan *plan, const struct lk_lake_deletes *deletes, bool equality,
	const struct lk_compact_group *group);

/* Visits the files of deletes that apply to no other files than those that go (gone[file], NULL: none goes). */
typedef enum lk_status lk_dangling_visitor(void *context, const struct lk_lake_deletes *deletes, struct lk_error *err);
enum lk_status lk_compact_dangling(const struct lk_compact_plan *plan, const bool *gone, lk_dangling_visitor *visit, void *context,
	struct lk_error *err) LK_CHECKED;

/* The index of a live file; -1 when there is none of that uri. */
int lk_compact_find(const struct lk_compact_plan *plan, const char *uri);

#endif
