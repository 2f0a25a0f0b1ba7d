/* Rows that came for a merge, and those of them that are not to be (private to lake/merge.c). */
#ifndef LK_LAKE_MERGE_ROWS_H
#define LK_LAKE_MERGE_ROWS_H

#include "lake/merges.h"

/* Has the target name what lives of the files that came. Where that is less than half of their rows it is written anew; of others, rows
 * that are in `gone` are deleted by position; a file without a living row is kept aside. added: the files, as a table. */
enum lk_status lk_merge_new(struct lk_merges *ms, struct lk_merge *m, struct lk_lake_table *added, const struct lk_rowset *gone,
	struct lk_error *err) LK_CHECKED;

/* Rows that a merge made, in new files of the target in the place of those that came: begin, add ..., end. */
struct lk_made_rows {
	struct lk_target *target;
	struct lk_partition_writer *writer;
	int *source, next_file;
	char prefix[LK_MERGE_PREFIX];
	int64_t rows;
};
enum lk_status lk_made_rows_begin(struct lk_made_rows *w, struct lk_merges *ms, struct lk_merge *m, struct lk_error *err) LK_CHECKED;
enum lk_status lk_made_rows_add(void *self, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	struct lk_error *err) LK_CHECKED;
enum lk_status lk_made_rows_end(struct lk_made_rows *w, struct lk_error *err) LK_CHECKED;
void lk_made_rows_release(struct lk_made_rows *w);

/* Adds a file of position deletes to those of a table, whose array has room. */
void lk_merge_add_deletes(struct lk_lake_table *t, const struct lk_data_file *file, int64_t sequence);

#endif
