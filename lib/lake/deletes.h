/*
 * Position deletes: files that say which rows of which data files are gone ("Position Delete Files" of Iceberg's specification,
 * format v2).
 *
 * Rows come by data file and, within one, by position, both ascending, as readers want them in the file.
 */
#ifndef LK_LAKE_DELETES_H
#define LK_LAKE_DELETES_H

#include "lake/target.h"
#include "stream/build.h"

struct lk_deletes_writer {
	struct lk_target *target;
	struct lk_builder builder;
	struct lk_parquet *file;
	char *path;
	char *first; /* the uri of the first data file that was named */
	bool several;
};

/* Begins the target's file of deletes: it must have none. name: of the file, unique in the table's folder. */
enum lk_status lk_deletes_begin(struct lk_deletes_writer *w, struct lk_target *t, const char *name, struct lk_error *err) LK_CHECKED;

/* uri: the data file's, exactly as its manifest has it; position: from 0. */
enum lk_status lk_deletes_add(struct lk_deletes_writer *w, const char *uri, int64_t position, struct lk_error *err) LK_CHECKED;

/* Hands the file, synced, to the target. */
enum lk_status lk_deletes_finish(struct lk_deletes_writer *w, struct lk_error *err) LK_CHECKED;

/* Ends a writer, finished or not; the file is removed unless the target has it. */
void lk_deletes_release(struct lk_deletes_writer *w);

/* Takes the deletes back from a target, and removes their file. */
void lk_deletes_drop(struct lk_target *t);

#endif
