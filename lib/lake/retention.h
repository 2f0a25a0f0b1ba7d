/*
 * Retention: which snapshots a table keeps. History is thinned as backups are: the newest ones all, then the newest of each
 * hour, day and month (UTC) that has any, for so many hours, days and months. Each commit applies it, so that metadata stay
 * small at a commit every two seconds.
 *
 *	now ──────────────────────────────────────────────────────────────► past
 *	last 6     │││││││
 *	hourly 4         │    │    │    │
 *	daily 3                                │           │           │
 *
 * A rule counts from the newest snapshot, and counts only hours (days, months) that have snapshots: a table that nobody writes to loses
 * nothing by time. A snapshot stays when any rule keeps it.
 *
 * References come first ("Snapshot References", "Snapshot Retention Policy" of Iceberg's specification): the head of each is kept. A
 * branch's `min-snapshots-to-keep` is a number of its newest snapshots that stay in any case; its `max-snapshot-age-ms` replaces
 * the policy for that branch: what is younger stays, what is older goes. A branch or tag (never main) whose head is older than its
 * `max-ref-age-ms` is dropped. Snapshots that no branch leads to (of dropped branches, of a reset) are thinned as a history of
 * their own; those that were staged for audit (`wap.id`) stay for `history.expire.max-snapshot-age-ms`.
 *
 * Thinning takes snapshots out of the middle of a chain, and parent-snapshot-id then names one that is not there. It is left so: to
 * an engine that reads what was appended between two snapshots, a bridge over the gap would hide rows. What lk needs itself, the
 * nearest ancestor that is kept, stands in the summary of the snapshot above the gap, as `lk.ancestor`.
 */
#ifndef LK_LAKE_RETENTION_H
#define LK_LAKE_RETENTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* 0: no such rule. Without any rule nothing is removed. */
struct lk_retention {
	int64_t last, hourly, daily, monthly; /* numbers of snapshots, hours, days, months */
	int64_t age_ms;			      /* whatever is younger than this stays */
	const json_t *pinned; /* an object: keys are ids of snapshots that stay in any case, as cursors need them; NULL: none; no rule */
};

/* What new tables of lk's get. */
#define LK_RETENTION_DEFAULT {.last = 50, .hourly = 24, .daily = 30, .monthly = 12}

bool lk_retention_is_set(const struct lk_retention *policy);

/* The policy of a table's properties lk.retention.keep-last, .keep-hourly, .keep-daily and .keep-monthly; all 0 when it has none.
 * LK_CONFIG when one is not a number. */
enum lk_status lk_retention_read(const json_t *root, struct lk_retention *policy, struct lk_error *err) LK_CHECKED;

/* The policy of Iceberg's own properties history.expire.min-snapshots-to-keep and .max-snapshot-age-ms; all 0 when the table has
 * neither. */
enum lk_status lk_retention_read_history(const json_t *root, struct lk_retention *policy, struct lk_error *err) LK_CHECKED;

/* Sets the properties that lk_retention_read reads (rules that are 0 are taken out). age_ms is no part of them. */
enum lk_status lk_retention_write(json_t *properties, const struct lk_retention *policy, struct lk_error *err) LK_CHECKED;

/*
 * Takes references and snapshots out of metadata by the policy, and out of snapshot-log the entries that are not true any more: that
 * of a snapshot which is gone and all before it, because a log with a gap would say of the time in the gap that an older
 * snapshot was current. removed (may be NULL) is an array that the snapshot objects are added to.
 */
enum lk_status lk_retention_apply(json_t *root, const struct lk_retention *policy, int64_t now_ms, json_t *removed,
	struct lk_error *err) LK_CHECKED;

/* The id of the snapshot before this one in its history: its parent or, where that was thinned out of `root`, the nearest
 * ancestor that was kept. -1: none, or not known. */
int64_t lk_retention_ancestor(const json_t *root, const json_t *snapshot);

#endif
