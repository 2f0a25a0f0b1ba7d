/*
 * Reading data files to see whether what manifests say of them is true (for lk-fsck): counts and ends of columns, places that
 * deletes name. Values never leave: what comes back are counts.
 */
#ifndef LK_SQL_VERIFY_H
#define LK_SQL_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "lake/lake.h"

struct lk_verify;

enum lk_status lk_verify_open(struct lk_verify **out, struct lk_error *err) LK_CHECKED;
void lk_verify_close(struct lk_verify *v); /* NULL is fine */

/* A column to be looked at. */
struct lk_verify_column {
	int32_t id;	  /* in the file's schema */
	const char *type; /* Iceberg's word for a type that is not nested */
	const struct lk_str *lower, *upper; /* single-value binary that is sound for the type; NULL: none */

	int64_t values, nulls, nans, below, above; /* found: all, nulls, NaNs, values beyond the bounds */
};

/* Fills what is found. LK_DATA when the file cannot be read. */
enum lk_status lk_verify_columns(struct lk_verify *v, const char *path, struct lk_verify_column *columns, size_t count,
	struct lk_error *err) LK_CHECKED;

/* What a file of position deletes names. */
typedef enum lk_status lk_verify_place(void *context, const char *uri, int64_t lowest, int64_t highest, struct lk_error *err);

/* Visits each data file that is named, with the ends of the positions in it. *sorted: by file and position, ascending, and none
 * twice; *nulls: there are rows without a file or position. */
enum lk_status lk_verify_deletes(struct lk_verify *v, const char *path, lk_verify_place *visit, void *context, bool *sorted,
	bool *nulls, struct lk_error *err) LK_CHECKED;

/* A delivery that lk.files has rows of: how many records they tell of, rows and rejects together. */
typedef enum lk_status lk_verify_delivery(void *context, const char *sender, const char *sha256, int64_t records,
	struct lk_error *err);

/* Visits the deliveries of lk.files, which is loaded. */
enum lk_status lk_verify_deliveries(struct lk_verify *v, const struct lk_lake_table *files, lk_verify_delivery *visit, void *context,
	struct lk_error *err) LK_CHECKED;

#endif
