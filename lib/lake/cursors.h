/*
 * Cursors: up to which snapshot the changes of a table were taken by somebody who has a name for it (lk-changes(1)).
 *
 *	lk_cursor (of catalog.db, made when the first cursor is):
 *		table_uuid, name   whose it is; the table may be renamed
 *		table_name	   what the table was called when it moved last
 *		snapshot_id	   what was taken; null: nothing yet
 *		next_id		   what is being taken, or was when that was cut short
 *		moved_us
 *
 * Whoever takes changes holds the cursor's lock meanwhile: a byte of LAKE/.cursors, so that it is let go when the process ends. Both
 * snapshots are kept by commits and lk-expire (lake/retention.h), so what is taken can be gone on with.
 */
#ifndef LK_LAKE_CURSORS_H
#define LK_LAKE_CURSORS_H

#include "lake/lake.h"

#define LK_LAKE_CURSOR_NAME_MAX 200

/* Whether a cursor may have this name: LK_USAGE when it is empty, too long, or has control characters. */
enum lk_status lk_lake_cursor_check_name(const char *name, struct lk_error *err) LK_CHECKED;

/* *lock is held until it is closed. LK_CONFLICT when another process holds it. */
enum lk_status lk_lake_cursor_lock(const struct lk_lake *lake, const char *table_uuid, const char *name, int *lock,
	struct lk_error *err) LK_CHECKED;

/* *snapshot_id: what was taken; *next_id: what was being taken when that was cut short. -1: nothing, or there is no such cursor. */
enum lk_status lk_lake_cursor_find(struct lk_lake *lake, const char *table_uuid, const char *name, int64_t *snapshot_id, int64_t *next_id,
	struct lk_error *err) LK_CHECKED;

/* Says what is about to be taken, and makes the cursor when it is new. */
enum lk_status lk_lake_cursor_begin(struct lk_lake *lake, const char *table_uuid, const char *name, const char *table, int64_t next_id,
	struct lk_error *err) LK_CHECKED;

/* It was taken. LK_CONFLICT when the cursor is being used for something else meanwhile, which only a file system without locks allows. */
enum lk_status lk_lake_cursor_move(struct lk_lake *lake, const char *table_uuid, const char *name, int64_t next_id, struct lk_error *err) LK_CHECKED;

/* *found: there was one. */
enum lk_status lk_lake_cursor_forget(struct lk_lake *lake, const char *table_uuid, const char *name, bool *found, struct lk_error *err) LK_CHECKED;

struct lk_lake_cursor {
	const char *name, *table_uuid, *table;
	int64_t snapshot_id; /* -1: nothing was taken yet */
	int64_t moved_us;
};
/* All of the lake, by table and name: *out is malloc'd, its texts lie in the arena. */
enum lk_status lk_lake_cursor_list(struct lk_lake *lake, struct lk_arena *arena, struct lk_lake_cursor **out, size_t *count,
	struct lk_error *err) LK_CHECKED;

/* The snapshots of a table that cursors need, as keys of *ids (the caller's to json_decref); NULL when there are none. */
enum lk_status lk_lake_cursor_snapshots(struct lk_lake *lake, const char *table_uuid, json_t **ids, struct lk_error *err) LK_CHECKED;

#endif
