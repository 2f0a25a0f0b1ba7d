/*
 * Updates: what a package must say otherwise so that it takes new samples, too.
 *
 * Only what the samples need is changed, and only to take more: a column is added, a type widened, a word for what is missing
 * named. All else stays as it is and where it is, whoever wrote it.
 */
#ifndef LK_INFER_UPDATE_H
#define LK_INFER_UPDATE_H

#include <jansson.h>

#include "infer/table.h"

/* Changes the resource that t->like was made of; path: a glob that takes the table's files, added where none does. LK_CONFIG when
 * the resource is not in the package's own file. */
enum lk_status lk_update(json_t *package, const struct lk_table *t, const char *const *globs, int glob_count,
	struct lk_error *err) LK_CHECKED;

#endif
