/*
 * Moments of a table: a snapshot by its id, by the name of a branch or tag, or as the table was at a time.
 *
 * A time means what the table's snapshot log says was current then ("Point in Time Reads" of Iceberg's specification), so a
 * snapshot that was rolled back is not found by it afterwards, and one of another branch never is.
 */
#ifndef LK_LAKE_AT_H
#define LK_LAKE_AT_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"

enum lk_at_kind { LK_AT_TIME, LK_AT_SNAPSHOT, LK_AT_REF };

struct lk_lake_at {
	enum lk_at_kind kind; /* by the form of the text */
	const char *text;     /* as it was given; borrowed */
	int64_t time_ms;      /* of LK_AT_TIME */
	int64_t snapshot_id;  /* of LK_AT_SNAPSHOT */
};

/* A date (its first moment), or date and time (in UTC where no zone is given), is a time; digits are a snapshot id; all else is the
 * name of a ref. LK_USAGE for empty text. */
enum lk_status lk_lake_at_parse(const char *text, struct lk_lake_at *at, struct lk_error *err) LK_CHECKED;

/*
 * The snapshot of table metadata that is meant; at NULL is the current one, -1 when there is none. A ref of just this name goes
 * before what the text looks like. *schema_id, where not NULL, is what rows are read by: the snapshot's own schema, for a branch
 * the table's (-1: the current one). LK_DATA with what there is when it is not there, or expired.
 */
enum lk_status lk_lake_at_resolve(const json_t *root, const struct lk_lake_at *at, int64_t *snapshot_id, int64_t *schema_id,
	struct lk_error *err) LK_CHECKED;

/* What `at` means to a table: now (NULL) where it names a ref that a map of surrogate keys has not, for branches leave maps out; else at. */
const struct lk_lake_at *lk_lake_at_of(const json_t *root, const struct lk_lake_at *at);

#endif
