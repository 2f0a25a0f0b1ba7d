/*
 * Position deletes: files that say which rows of which data files are gone ("Position Delete Files" of Iceberg's specification,
 * format v2).
 *
 * Rows come by data file and, within one, by position, both ascending, as readers want them in the file. Each partition gets a file
 * of its own, as a file of deletes is of the partition that its data files are of.
 */
#ifndef LK_LAKE_DELETES_H
#define LK_LAKE_DELETES_H

#include "lake/target.h"

struct lk_deletes_part;

struct lk_deletes_writer {
	struct lk_target *target;
	char *prefix;
	int next_file;
	struct lk_deletes_part **parts; /* open files, one for each partition, the oldest first */
	size_t count, cap;
	struct lk_deletes_part *current; /* of the data file that was named last */
	const struct lk_lake_file *file; /* that */
};

/* prefix: of the files' names, unique in the table's folder. */
enum lk_status lk_deletes_begin(struct lk_deletes_writer *w, struct lk_target *t, const char *prefix, struct lk_error *err) LK_CHECKED;

/* position: from 0. */
enum lk_status lk_deletes_add(struct lk_deletes_writer *w, const struct lk_lake_file *file, int64_t position,
	struct lk_error *err) LK_CHECKED;

/* Hands the files, synced, to the target; none when nothing was added. */
enum lk_status lk_deletes_finish(struct lk_deletes_writer *w, struct lk_error *err) LK_CHECKED;

/* Ends a writer, finished or not; files are removed unless the target has them. */
void lk_deletes_release(struct lk_deletes_writer *w);

/* The columns of such a file: file_path and pos, with the field ids that are reserved for them. */
extern const struct lk_parquet_column lk_delete_columns[2];

#endif
