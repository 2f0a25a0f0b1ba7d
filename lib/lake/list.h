/* What a lake holds: a row for each table, from its metadata alone where they say enough. */
#ifndef LK_LAKE_LIST_H
#define LK_LAKE_LIST_H

#include "lake/lake.h"
#include "stream/build.h"

/*
 * Makes *b of the tables whose name a pattern matches (shell globs of NAMESPACE.TABLE, or of TABLE alone; none: all): table, rows,
 * files, delete_files, bytes, changed. Rows and bytes are those of the current snapshot; rows that deletes take out are not
 * counted. A table that is not for this user to read is named and no more. The caller releases *b in any case. LK_NOINPUT when a
 * pattern matches nothing.
 */
enum lk_status lk_lake_list(struct lk_pin *pin, const char *const *patterns, int count, struct lk_builder *b,
	struct lk_error *err) LK_CHECKED;

/* The pinned table that a name means: NAMESPACE.TABLE, or TABLE alone, which is that of `main` or else the only one of that name.
 * LK_NOINPUT with the nearest name when there is none, LK_DATA when there are several. */
enum lk_status lk_pin_find(struct lk_pin *pin, const char *name, struct lk_lake_table **out, struct lk_error *err) LK_CHECKED;

/* A summary's number, such as total-records; -1 when it does not say. */
int64_t lk_summary_number(const json_t *snapshot, const char *key);

#endif
