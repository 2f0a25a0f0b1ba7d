/*
 * Refs of table metadata: branches and tags ("Snapshot References" of Iceberg's specification), and what main was at a time.
 *
 * main is the current snapshot; a table without refs (format v1) has it all the same.
 */
#ifndef LK_LAKE_REFS_H
#define LK_LAKE_REFS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* What a ref keeps alive, and for how long; 0: not said, the table's own rules hold. Only the first is for tags. */
struct lk_ref_retention {
	int64_t max_ref_age_ms, max_snapshot_age_ms, min_snapshots;
};

/* Whether lk makes refs of this name: letters, digits and _ - . / that are not taken for a snapshot or a time. LK_USAGE when not. */
enum lk_status lk_refs_check_name(const char *name, struct lk_error *err) LK_CHECKED;

/* The ref's snapshot; of main -1 when there is none. False when there is no such ref. */
bool lk_refs_find(const json_t *root, const char *name, int64_t *snapshot_id);
bool lk_refs_is_tag(const json_t *root, const char *name);

/* Makes a ref or moves it, keeping its type and, with retention NULL, what it says of that. main moves the table's current
 * snapshot and its log with it, at last-updated-ms. */
enum lk_status lk_refs_set(json_t *root, const char *name, bool tag, int64_t snapshot_id, const struct lk_ref_retention *retention,
	struct lk_error *err) LK_CHECKED;
void lk_refs_remove(json_t *root, const char *name); /* not main */

/*
 * A snapshot and those that it came from, one after the other; also over snapshots that are thinned out (lk_retention_ancestor).
 * Snapshots stand behind their parents nearly always, so the next one is looked for there first, and the whole way costs what it is
 * long.
 */
struct lk_lineage {
	const json_t *root, *snapshot; /* where it is; NULL at the end */
	size_t at, left;
};
void lk_lineage_start(struct lk_lineage *l, const json_t *root, int64_t snapshot_id);
void lk_lineage_start_at(struct lk_lineage *l, const json_t *root, size_t index); /* of the list of snapshots */
void lk_lineage_next(struct lk_lineage *l);
int64_t lk_lineage_id(const struct lk_lineage *l); /* -1 at the end */

/* Whether `old` is `new` or one that it came from; also over snapshots that are thinned out. */
bool lk_refs_led_to(const json_t *root, int64_t old, int64_t new);

/* Whether main was at a snapshot that led to this one, and is now at an earlier one. */
bool lk_refs_set_back(const json_t *root, int64_t snapshot_id);

/* Whether the snapshot is, or was, main's. */
bool lk_refs_was_main(const json_t *root, int64_t snapshot_id);

/* When the snapshot became main's first, as far as the log knows; else when it was made. */
int64_t lk_refs_time(const json_t *root, int64_t snapshot_id);

/* What main was at a time: -1: it had no snapshot yet. *exact is false when snapshots of about that time are thinned out, and this
 * is what is left before. */
void lk_refs_main_at(const json_t *root, int64_t time_ms, int64_t *snapshot_id, bool *exact);

/* Whether the snapshot has the rows that main had at that time: it is what main was, or was written anew from it. */
bool lk_refs_has_rows_of(const json_t *root, int64_t snapshot_id, int64_t time_ms);

#endif
