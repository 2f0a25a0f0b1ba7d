#include "lake/cursors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/tool.h"
#include "lake/catalog.h"

static const char ddl[] =
	"CREATE TABLE IF NOT EXISTS lk_cursor("
	" table_uuid TEXT NOT NULL, name TEXT NOT NULL, table_name TEXT NOT NULL,"
	" snapshot_id INTEGER, next_id INTEGER, moved_us INTEGER NOT NULL,"
	" PRIMARY KEY (table_uuid, name)) WITHOUT ROWID";

enum lk_status lk_lake_cursor_check_name(const char *name, struct lk_error *err)
{
	size_t len = strlen(name);

	if (!len || len > LK_LAKE_CURSOR_NAME_MAX)
		return lk_error_set(err, LK_USAGE, "a cursor has a name of 1 to %d bytes", LK_LAKE_CURSOR_NAME_MAX);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return lk_error_set(err, LK_USAGE, "the name of a cursor has no control characters");
	if (!lk_utf8_valid(name, len))
		return lk_error_set(err, LK_USAGE, "the name of a cursor is UTF-8");
	return LK_OK;
}

/* ---- the lock ---- */

/* The cursor's byte of the file. Two cursors that share one only keep each other waiting. */
static enum lk_status place_of(const char *table_uuid, const char *name, off_t *place, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	char digits[LK_SHA256_HEX];
	enum lk_status status;

	lk_str_addf(&s, "%s/%s", table_uuid, name);
	status = lk_str_check(&s, err);
	if (!status)
		status = lk_sha256_of(s.data, s.len, digits, err);
	lk_str_release(&s);
	LK_TRY(status);
	digits[12] = '\0';
	*place = (off_t)strtoll(digits, NULL, 16);
	return LK_OK;
}

enum lk_status lk_lake_cursor_lock(const struct lk_lake *lake, const char *table_uuid, const char *name, int *lock, struct lk_error *err)
{
	struct flock wanted = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	struct lk_str path = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(place_of(table_uuid, name, &wanted.l_start, err));
	lk_str_addf(&path, "%s/.cursors", lake->path);
	status = lk_str_check(&path, err);
	*lock = status ? -1 : open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (!status && *lock < 0)
		status = lk_error_sys(err, errno == EACCES || errno == EROFS ? LK_NOPERM : LK_CANTCREATE, "cannot create '%s'", path.data);
	else if (!status && fcntl(*lock, F_OFD_SETLK, &wanted) < 0)
		status = errno == EAGAIN || errno == EACCES
				 ? lk_error_set(err, LK_CONFLICT, "the cursor '%s' is in use by another process", name)
				 : lk_error_sys(err, LK_IO, "cannot lock '%s'", path.data);
	lk_str_release(&path);
	if (status && *lock >= 0) {
		close(*lock);
		*lock = -1;
	}
	return status;
}

/* ---- the table ---- */

/* A lake that nobody takes changes of has no such table. */
static enum lk_status has_table(struct lk_lake *lake, bool *found, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;

	LK_TRY(lk_catalog_prepare(lake, &stmt, err, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'lk_cursor'", ""));
	status = lk_catalog_step(lake, stmt, found, err);
	lk_catalog_done(lake, stmt);
	return status;
}

static int64_t id_at(sqlite3_stmt *stmt, int column)
{
	return sqlite3_column_type(stmt, column) == SQLITE_NULL ? -1 : sqlite3_column_int64(stmt, column);
}

enum lk_status lk_lake_cursor_find(struct lk_lake *lake, const char *table_uuid, const char *name, int64_t *snapshot_id, int64_t *next_id,
	struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	*snapshot_id = *next_id = -1;
	LK_TRY(has_table(lake, &row, err));
	if (!row)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err, "SELECT snapshot_id, next_id FROM lk_cursor WHERE table_uuid = ? AND name = ?", "ss",
		table_uuid, name));
	status = lk_catalog_step(lake, stmt, &row, err);
	if (!status && row) {
		*snapshot_id = id_at(stmt, 0);
		*next_id = id_at(stmt, 1);
	}
	lk_catalog_done(lake, stmt);
	return status;
}

enum lk_status lk_lake_cursor_begin(struct lk_lake *lake, const char *table_uuid, const char *name, const char *table, int64_t next_id,
	struct lk_error *err)
{
	bool there;

	LK_TRY(has_table(lake, &there, err));
	if (!there)
		LK_TRY(lk_catalog_run(lake, NULL, err, ddl, ""));
	return lk_catalog_run(lake, NULL, err,
		"INSERT INTO lk_cursor(table_uuid, name, table_name, next_id, moved_us) VALUES (?, ?, ?, ?, ?)"
		" ON CONFLICT DO UPDATE SET table_name = excluded.table_name, next_id = excluded.next_id",
		"sssii", table_uuid, name, table, next_id, lk_now_us());
}

enum lk_status lk_lake_cursor_move(struct lk_lake *lake, const char *table_uuid, const char *name, int64_t next_id, struct lk_error *err)
{
	int changed;

	LK_TRY(lk_catalog_run(lake, &changed, err,
		"UPDATE lk_cursor SET snapshot_id = next_id, next_id = NULL, moved_us = ?"
		" WHERE table_uuid = ? AND name = ? AND next_id = ?",
		"issi", lk_now_us(), table_uuid, name, next_id));
	if (changed == 1)
		return LK_OK;
	return lk_error_set(err, LK_CONFLICT, "the cursor '%s' was used by another process meanwhile, and was not moved", name);
}

enum lk_status lk_lake_cursor_forget(struct lk_lake *lake, const char *table_uuid, const char *name, bool *found, struct lk_error *err)
{
	int changed = 0;
	bool there;

	LK_TRY(has_table(lake, &there, err));
	if (there)
		LK_TRY(lk_catalog_run(lake, &changed, err, "DELETE FROM lk_cursor WHERE table_uuid = ? AND name = ?", "ss", table_uuid, name));
	*found = changed > 0;
	return LK_OK;
}

/* ---- all of them ---- */

static enum lk_status add_cursor(struct lk_arena *arena, struct lk_lake_cursor *c, sqlite3_stmt *stmt, struct lk_error *err)
{
	*c = (struct lk_lake_cursor){.snapshot_id = id_at(stmt, 3), .moved_us = sqlite3_column_int64(stmt, 4)};
	c->table_uuid = lk_arena_strdup(arena, lk_catalog_text(stmt, 0));
	c->name = lk_arena_strdup(arena, lk_catalog_text(stmt, 1));
	c->table = lk_arena_strdup(arena, lk_catalog_text(stmt, 2));
	return c->table_uuid && c->name && c->table ? LK_OK : lk_error_nomem(err);
}

enum lk_status lk_lake_cursor_list(struct lk_lake *lake, struct lk_arena *arena, struct lk_lake_cursor **out, size_t *count, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	size_t cap = 0;
	bool row;

	*out = NULL;
	*count = 0;
	LK_TRY(has_table(lake, &row, err));
	if (!row)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		"SELECT table_uuid, name, table_name, snapshot_id, moved_us FROM lk_cursor ORDER BY table_name, name", ""));
	while (!(status = lk_catalog_step(lake, stmt, &row, err)) && row) {
		status = lk_grow((void **)out, &cap, *count + 1, sizeof(**out)) ? add_cursor(arena, &(*out)[*count], stmt, err)
										: lk_error_nomem(err);
		if (status)
			break;
		(*count)++;
	}
	lk_catalog_done(lake, stmt);
	return status;
}

static enum lk_status note_id(json_t **ids, int64_t id, struct lk_error *err)
{
	char text[24];

	if (id < 0)
		return LK_OK;
	if (!*ids)
		*ids = json_object();
	snprintf(text, sizeof(text), "%" PRId64, id);
	return json_object_set_new(*ids, text, json_true()) ? lk_error_nomem(err) : LK_OK;
}

enum lk_status lk_lake_cursor_snapshots(struct lk_lake *lake, const char *table_uuid, json_t **ids, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	*ids = NULL;
	LK_TRY(has_table(lake, &row, err));
	if (!row)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err, "SELECT snapshot_id, next_id FROM lk_cursor WHERE table_uuid = ?", "s", table_uuid));
	while (!(status = lk_catalog_step(lake, stmt, &row, err)) && row) {
		status = note_id(ids, id_at(stmt, 0), err);
		if (!status)
			status = note_id(ids, id_at(stmt, 1), err);
		if (status)
			break;
	}
	lk_catalog_done(lake, stmt);
	return status;
}
