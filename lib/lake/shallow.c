#include "lake/shallow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/tool.h"

static enum lk_status has_table(struct lk_lake *lake, const char *name, bool *found, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;

	LK_TRY(lk_catalog_prepare(lake, &stmt, err, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", "s", name));
	status = lk_catalog_step(lake, stmt, found, err);
	lk_catalog_done(lake, stmt);
	return status;
}

static enum lk_shallow_state state_of(const struct lk_shallow *s)
{
	struct lk_str file = LK_STR_INIT;
	bool absent;

	lk_str_addf(&file, "%s/catalog.db", s->path);
	absent = !file.failed && access(file.data, F_OK) && (errno == ENOENT || errno == ENOTDIR);
	lk_str_release(&file);
	if (!absent) /* or it cannot be looked at, as who opens it will see */
		return LK_SHALLOW_THERE;
	return lk_now_us() / 1000 - s->made_ms < LK_SHALLOW_GRACE_MS ? LK_SHALLOW_BEING_MADE : LK_SHALLOW_GONE;
}

/* The rows of a table of paths and numbers. */
static enum lk_status read_rows(struct lk_lake *lake, const char *sql, struct lk_arena *arena, struct lk_shallow **items,
	size_t *count, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	size_t cap = 0;
	bool row;

	LK_TRY(lk_catalog_prepare(lake, &stmt, err, sql, ""));
	while (!(status = lk_catalog_step(lake, stmt, &row, err)) && row) {
		if (!lk_grow((void **)items, &cap, *count + 1, sizeof(**items))) {
			status = lk_error_nomem(err);
			break;
		}
		(*items)[*count].path = lk_arena_strdup(arena, lk_catalog_text(stmt, 0));
		(*items)[*count].made_ms = sqlite3_column_int64(stmt, 1);
		if (!(*items)[*count].path) {
			status = lk_error_nomem(err);
			break;
		}
		++*count;
	}
	lk_catalog_done(lake, stmt);
	return status;
}

enum lk_status lk_shallow_list(struct lk_lake *lake, struct lk_arena *arena, struct lk_shallow **list, int *count,
	struct lk_error *err)
{
	struct lk_shallow *items = NULL;
	enum lk_status status;
	size_t n = 0;
	bool found;

	*list = NULL;
	*count = 0;
	LK_TRY(has_table(lake, "lk_shallow", &found, err));
	if (!found)
		return LK_OK;
	status = read_rows(lake, "SELECT path, made_ms FROM lk_shallow ORDER BY path", arena, &items, &n, err);
	if (!status && n && !(*list = lk_arena_alloc(arena, n * sizeof(*items))))
		status = lk_error_nomem(err);
	if (!status)
		*count = (int)n;
	for (size_t i = 0; !status && i < n; i++) {
		(*list)[i] = items[i];
		(*list)[i].state = state_of(&items[i]);
	}
	free(items);
	return status;
}

enum lk_status lk_shallow_register(struct lk_lake *parent, const char *path, struct lk_error *err)
{
	LK_TRY(lk_catalog_run(parent, NULL, err,
		"CREATE TABLE IF NOT EXISTS lk_shallow(path TEXT NOT NULL PRIMARY KEY, made_ms INTEGER NOT NULL)", ""));
	return lk_catalog_run(parent, NULL, err,
		"INSERT INTO lk_shallow(path, made_ms) VALUES (?1, ?2) ON CONFLICT(path) DO UPDATE SET made_ms = ?2", "si", path,
		lk_now_us() / 1000);
}

enum lk_status lk_shallow_forget(struct lk_lake *parent, const char *path, struct lk_error *err)
{
	bool found;

	LK_TRY(has_table(parent, "lk_shallow", &found, err));
	return found ? lk_catalog_run(parent, NULL, err, "DELETE FROM lk_shallow WHERE path = ?", "s", path) : LK_OK;
}

enum lk_status lk_shallow_parents(struct lk_lake *lake, struct lk_arena *arena, const char ***list, int *count,
	struct lk_error *err)
{
	struct lk_shallow *items = NULL;
	enum lk_status status;
	size_t n = 0;
	bool found;

	*list = NULL;
	*count = 0;
	LK_TRY(has_table(lake, "lk_parent", &found, err));
	if (!found)
		return LK_OK;
	status = read_rows(lake, "SELECT path, 0 FROM lk_parent ORDER BY path", arena, &items, &n, err);
	if (!status && n && !(*list = lk_arena_alloc(arena, n * sizeof(**list))))
		status = lk_error_nomem(err);
	if (!status)
		*count = (int)n;
	for (size_t i = 0; !status && i < n; i++)
		(*list)[i] = items[i].path;
	free(items);
	return status;
}
