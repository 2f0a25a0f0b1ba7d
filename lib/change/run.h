/* A file of what is known of keys, without a name, written once and then read once (private to lib/change). */
#ifndef LK_CHANGE_RUN_H
#define LK_CHANGE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_run;

struct lk_run_record {
	uint64_t hash, row;
	uint32_t set, cells;
	const void *key;
	size_t key_len;
	const char *version;
	size_t version_len;
};

/* folder NULL: TMPDIR, or /tmp. */
enum lk_status lk_run_create(struct lk_run **out, const char *folder, struct lk_error *err) LK_CHECKED;
void lk_run_free(struct lk_run *r); /* NULL is fine */

enum lk_status lk_run_add(struct lk_run *r, const struct lk_run_record *record, struct lk_error *err) LK_CHECKED;

/* To the first record, which are read from then on. */
enum lk_status lk_run_rewind(struct lk_run *r, struct lk_error *err) LK_CHECKED;
/* Borrowed until the next call; *got false at the end. */
enum lk_status lk_run_next(struct lk_run *r, struct lk_run_record *record, bool *got, struct lk_error *err) LK_CHECKED;

#endif
