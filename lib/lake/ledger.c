#include "lake/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tool.h"
#include "lake/ledger_history.h"

#define STAGED_DAYS 90 /* how long committed descriptions are remembered */

const char lk_ledger_ddl[] =
	"CREATE TABLE IF NOT EXISTS lk_ledger("
	" branch TEXT NOT NULL, sender TEXT NOT NULL, sha256 TEXT NOT NULL,"
	" state TEXT NOT NULL, generation INTEGER NOT NULL, package_sha256 TEXT NOT NULL, run TEXT NOT NULL,"
	" members INTEGER NOT NULL, failed INTEGER NOT NULL, rows INTEGER NOT NULL, rejected INTEGER NOT NULL,"
	" delivery TEXT NOT NULL, size INTEGER NOT NULL, modified_us INTEGER NOT NULL, committed_us INTEGER NOT NULL,"
	" PRIMARY KEY (branch, sender, sha256)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS lk_ledger_failed("
	" branch TEXT NOT NULL, sender TEXT NOT NULL, sha256 TEXT NOT NULL, member TEXT NOT NULL,"
	" error TEXT NOT NULL, rows INTEGER NOT NULL, sources_sha256 TEXT NOT NULL,"
	" PRIMARY KEY (branch, sender, sha256, member)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS lk_ledger_path("
	" branch TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, modified_us INTEGER NOT NULL,"
	" sender TEXT NOT NULL, sha256 TEXT NOT NULL,"
	" PRIMARY KEY (branch, path)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS lk_staged("
	" id TEXT NOT NULL PRIMARY KEY, run TEXT NOT NULL, committed_us INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS lk_branch(name TEXT NOT NULL PRIMARY KEY, began_us INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS lk_ledger_history("
	" seq INTEGER PRIMARY KEY, branch TEXT NOT NULL, sender TEXT NOT NULL, sha256 TEXT NOT NULL,"
	" delivery TEXT NOT NULL, run TEXT NOT NULL, at_us INTEGER NOT NULL, was TEXT);"
	/* of a lake whose ledger is older than its history: each row came about at once */
	"INSERT INTO lk_ledger_history(branch, sender, sha256, delivery, run, at_us, was)"
	" SELECT branch, sender, sha256, delivery, run, committed_us, NULL FROM lk_ledger"
	" WHERE NOT EXISTS (SELECT 1 FROM lk_ledger_history) ORDER BY committed_us;";

static const char *const state_words[] = {
	[LK_DELIVERY_UNKNOWN] = "unknown",
	[LK_DELIVERY_COMPLETE] = "complete",
	[LK_DELIVERY_PARTIAL] = "partial",
	[LK_DELIVERY_HELD] = "held",
	[LK_DELIVERY_CRASHED] = "crashed",
};

static enum lk_delivery_state state_of(const char *word)
{
	for (int i = LK_DELIVERY_COMPLETE; i <= LK_DELIVERY_CRASHED; i++)
		if (!strcmp(word, state_words[i]))
			return (enum lk_delivery_state)i;
	return LK_DELIVERY_UNKNOWN;
}

/* ---- what tools ask ---- */

enum lk_status lk_ledger_path_of(const char *path, struct lk_str *out, struct lk_error *err)
{
	char *absolute;

	LK_TRY(lk_path_absolute(path, &absolute, err));
	lk_path_text(out, absolute);
	free(absolute);
	return lk_str_check(out, err);
}

/* Of lk_ledger_failed, what is worth another try with the sources that are bound to it. */
#define IS_WORTH_A_TRY "(rows = 0 AND (sources_sha256 = '' OR sources_sha256 <> ?))"

static enum lk_status count_failed(struct lk_lake *lake, const char *branch, const char *sender, const char *sources,
	struct lk_ledger_entry *entry, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		"SELECT count(*) FILTER (WHERE " IS_WORTH_A_TRY "),"
		" count(*) FILTER (WHERE sources_sha256 <> '' AND sources_sha256 = ?)"
		" FROM lk_ledger_failed WHERE branch = ? AND sender = ? AND sha256 = ?",
		"sssss", sources, sources, branch, sender, entry->sha256));
	status = lk_catalog_step(lake, stmt, &row, err);
	if (!status && row) {
		entry->again = sqlite3_column_int64(stmt, 0);
		entry->unmatched = sqlite3_column_int64(stmt, 1);
	}
	lk_catalog_done(lake, stmt);
	return status;
}

/* stmt gives state, sender and SHA-256. */
static enum lk_status read_entry(struct lk_lake *lake, sqlite3_stmt *stmt, const char *branch, const char *sources,
	struct lk_ledger_entry *entry, struct lk_error *err)
{
	bool row;

	LK_TRY(lk_catalog_step(lake, stmt, &row, err));
	if (!row)
		return LK_OK;
	entry->state = state_of(lk_catalog_text(stmt, 0));
	snprintf(entry->sha256, sizeof(entry->sha256), "%s", lk_catalog_text(stmt, 2));
	if (entry->state != LK_DELIVERY_PARTIAL && entry->state != LK_DELIVERY_HELD)
		return LK_OK;
	return count_failed(lake, branch, lk_catalog_text(stmt, 1), sources ? sources : "", entry, err);
}

enum lk_status lk_ledger_find_path(struct lk_lake *lake, const char *branch, const char *path, int64_t size,
	int64_t modified_us, const char *sources, struct lk_ledger_entry *entry, struct lk_error *err)
{
	struct lk_str absolute = LK_STR_INIT;
	enum lk_status status;
	sqlite3_stmt *stmt;

	*entry = (struct lk_ledger_entry){.state = LK_DELIVERY_UNKNOWN};
	if (!lake->has_ledger)
		return LK_OK;
	status = lk_ledger_path_of(path, &absolute, err);
	if (!status)
		status = lk_catalog_prepare(lake, &stmt, err,
			"SELECT l.state, l.sender, l.sha256 FROM lk_ledger_path p JOIN lk_ledger l"
			" ON l.branch = ?1 AND l.sender = p.sender AND l.sha256 = p.sha256"
			" WHERE p.branch IN (?1, '" LK_MAIN "') AND p.path = ?2 AND p.size = ?3 AND p.modified_us = ?4",
			"ssii", branch, absolute.data, size, modified_us);
	lk_str_release(&absolute);
	LK_TRY(status);
	status = read_entry(lake, stmt, branch, sources, entry, err);
	lk_catalog_done(lake, stmt);
	return status;
}

enum lk_status lk_ledger_find(struct lk_lake *lake, const char *branch, const char *sender, const char *sha256,
	const char *sources, struct lk_ledger_entry *entry, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;

	*entry = (struct lk_ledger_entry){.state = LK_DELIVERY_UNKNOWN};
	if (!lake->has_ledger)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		"SELECT state, sender, sha256 FROM lk_ledger WHERE branch = ? AND sender = ? AND sha256 = ?", "sss", branch,
		sender, sha256));
	status = read_entry(lake, stmt, branch, sources, entry, err);
	lk_catalog_done(lake, stmt);
	return status;
}

static enum lk_status add_absolute(struct lk_lake *lake, const char *branch, const char *path, int64_t size,
	int64_t modified_us, const char *sender, const char *sha256, struct lk_error *err)
{
	return lk_catalog_run(lake, NULL, err, "INSERT OR REPLACE INTO lk_ledger_path VALUES (?, ?, ?, ?, ?, ?)", "ssiiss",
		branch, path, size, modified_us, sender, sha256);
}

static enum lk_status add_path(struct lk_lake *lake, const char *branch, const struct lk_ledger_path *p, struct lk_error *err)
{
	struct lk_str absolute = LK_STR_INIT;
	enum lk_status status = lk_ledger_path_of(p->path, &absolute, err);

	if (!status)
		status = add_absolute(lake, branch, absolute.data, p->size, p->modified_us, p->sender, p->sha256, err);
	lk_str_release(&absolute);
	return status;
}

enum lk_status lk_ledger_add_paths(struct lk_lake *lake, const char *branch, const struct lk_ledger_path *paths, size_t count,
	struct lk_error *err)
{
	enum lk_status status;

	LK_TRY(lk_catalog_begin(lake, err));
	for (size_t i = 0; i < count; i++) {
		status = add_path(lake, branch, &paths[i], err);
		if (status) {
			lk_catalog_rollback(lake);
			return status;
		}
	}
	return lk_catalog_commit(lake, NULL, err);
}

/* The failed members of a delivery, in order of their names; all: also those that are not worth another try. */
static enum lk_status read_failed(struct lk_lake *lake, const char *branch, const char *sender, const char *sha256,
	bool all, const char *sources, struct lk_arena *arena, struct lk_failed **out, size_t *count, struct lk_error *err)
{
	struct lk_failed *list = NULL;
	enum lk_status status;
	sqlite3_stmt *stmt;
	size_t cap = 0;
	bool row;

	*out = NULL;
	*count = 0;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		"SELECT member, error, rows, sources_sha256 FROM lk_ledger_failed"
		" WHERE branch = ? AND sender = ? AND sha256 = ? AND (? OR " IS_WORTH_A_TRY ") ORDER BY member",
		"sssis", branch, sender, sha256, (int64_t)all, sources ? sources : ""));
	while (!(status = lk_catalog_step(lake, stmt, &row, err)) && row) {
		struct lk_failed f = {.rows = sqlite3_column_int64(stmt, 2)};

		f.member = lk_arena_strdup(arena, lk_catalog_text(stmt, 0));
		f.error = lk_arena_strdup(arena, lk_catalog_text(stmt, 1));
		f.sources = lk_arena_strdup(arena, lk_catalog_text(stmt, 3));
		if (!f.member || !f.error || !f.sources || !lk_grow((void **)&list, &cap, *count + 1, sizeof(f))) {
			status = lk_error_nomem(err);
			break;
		}
		list[(*count)++] = f;
	}
	lk_catalog_done(lake, stmt);
	if (!status && *count) {
		*out = lk_arena_alloc(arena, *count * sizeof(*list));
		if (*out)
			memcpy(*out, list, *count * sizeof(*list));
		else
			status = lk_error_nomem(err);
	}
	free(list);
	return status;
}

enum lk_status lk_ledger_failed(struct lk_lake *lake, const char *branch, const char *sender, const char *sha256,
	const char *sources, struct lk_arena *arena, const char ***members, int *count, struct lk_error *err)
{
	struct lk_failed *failed;
	size_t n = 0;

	*members = NULL;
	*count = 0;
	if (!lake->has_ledger)
		return LK_OK;
	LK_TRY(read_failed(lake, branch, sender, sha256, false, sources, arena, &failed, &n, err));
	*members = lk_arena_alloc(arena, n * sizeof(**members));
	if (!*members)
		return lk_error_nomem(err);
	for (size_t i = 0; i < n; i++)
		(*members)[i] = failed[i].member;
	*count = (int)n;
	return LK_OK;
}

enum lk_status lk_ledger_reason(struct lk_lake *lake, const char *branch, const char *sender, const char *sha256,
	struct lk_arena *arena, const char **reason, struct lk_error *err)
{
	struct lk_failed *failed = NULL;
	size_t n = 0;

	*reason = NULL;
	if (lake->has_ledger)
		LK_TRY(read_failed(lake, branch, sender, sha256, true, NULL, arena, &failed, &n, err));
	if (!n)
		return LK_OK;
	*reason = lk_arena_printf(arena, "%s%s%s", failed->member, *failed->member ? ": " : "", failed->error);
	if (*reason && n > 1)
		*reason = lk_arena_printf(arena, "%s; and %zu more", *reason, n - 1);
	return *reason ? LK_OK : lk_error_nomem(err);
}

/* ---- what a commit asks and writes ---- */

static enum lk_status look(struct lk_lake *lake, sqlite3_stmt *stmt, struct lk_delivery *d, struct lk_arena *arena,
	struct lk_error *err)
{
	bool row;

	LK_TRY(lk_catalog_step(lake, stmt, &row, err));
	if (!row)
		return LK_OK;
	d->seen = state_of(lk_catalog_text(stmt, 0));
	d->seen_run = lk_arena_strdup(arena, lk_catalog_text(stmt, 1));
	d->seen_members = sqlite3_column_int64(stmt, 2);
	d->seen_rows = sqlite3_column_int64(stmt, 3);
	d->seen_rejected = sqlite3_column_int64(stmt, 4);
	return d->seen_run ? LK_OK : lk_error_nomem(err);
}

enum lk_status lk_ledger_look(struct lk_lake *lake, const char *branch, struct lk_delivery *d, struct lk_arena *arena,
	struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;

	d->seen = LK_DELIVERY_UNKNOWN;
	d->seen_run = "";
	if (!lake->has_ledger)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		"SELECT state, run, members, rows, rejected FROM lk_ledger"
		" WHERE branch = ? AND sender = ? AND sha256 = ?",
		"sss", branch, d->sender, d->sha256));
	status = look(lake, stmt, d, arena, err);
	lk_catalog_done(lake, stmt);
	if (status || d->seen == LK_DELIVERY_UNKNOWN || d->seen == LK_DELIVERY_COMPLETE)
		return status;
	return read_failed(lake, branch, d->sender, d->sha256, true, NULL, arena, &d->was, &d->was_count, err);
}

enum lk_status lk_ledger_unchanged(struct lk_lake *lake, const char *branch, const struct lk_delivery *d, bool *same,
	struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		"SELECT run, rows, rejected FROM lk_ledger WHERE branch = ? AND sender = ? AND sha256 = ?", "sss", branch, d->sender,
		d->sha256));
	status = lk_catalog_step(lake, stmt, &row, err);
	*same = !status && !strcmp(row ? lk_catalog_text(stmt, 0) : "", d->seen_run);
	/* A replay moves rows, and leaves the run. */
	if (*same && d->anew)
		*same = sqlite3_column_int64(stmt, 1) == d->seen_rows && sqlite3_column_int64(stmt, 2) == d->seen_rejected;
	lk_catalog_done(lake, stmt);
	return status;
}

void lk_ledger_forget(struct lk_delivery *d)
{
	d->anew = d->seen != LK_DELIVERY_UNKNOWN;
	d->seen = LK_DELIVERY_UNKNOWN;
	d->was = NULL;
	d->was_count = 0;
}

/* Members that failed before and did not come again are as they were. */
static size_t remaining(const struct lk_delivery *d)
{
	size_t n = d->failed_count;

	for (size_t i = 0; i < d->was_count; i++)
		n += !d->was[i].again;
	return n;
}

/* The state that a delivery has once it is recorded. */
static enum lk_delivery_state outcome_of(const struct lk_delivery *d)
{
	if (!remaining(d))
		return LK_DELIVERY_COMPLETE;
	if (d->loaded || d->seen == LK_DELIVERY_PARTIAL)
		return LK_DELIVERY_PARTIAL;
	return d->crashed ? LK_DELIVERY_CRASHED : LK_DELIVERY_HELD;
}

static enum lk_status forget_failed(struct lk_lake *lake, const char *branch, const struct lk_delivery *d, struct lk_error *err)
{
	return lk_catalog_run(lake, NULL, err, "DELETE FROM lk_ledger_failed WHERE branch = ? AND sender = ? AND sha256 = ?", "sss",
		branch, d->sender, d->sha256);
}

static enum lk_status record_failed(struct lk_lake *lake, const char *branch, const struct lk_delivery *d, struct lk_error *err)
{
	if (d->anew)
		LK_TRY(forget_failed(lake, branch, d, err));
	for (size_t i = 0; i < d->was_count; i++)
		if (d->was[i].again)
			LK_TRY(lk_catalog_run(lake, NULL, err,
				"DELETE FROM lk_ledger_failed"
				" WHERE branch = ? AND sender = ? AND sha256 = ? AND member = ?",
				"ssss", branch, d->sender, d->sha256, d->was[i].member));
	for (size_t i = 0; i < d->failed_count; i++)
		LK_TRY(lk_catalog_run(lake, NULL, err,
			"INSERT OR REPLACE INTO lk_ledger_failed VALUES (?, ?, ?, ?, ?, ?, ?)", "sssssis", branch, d->sender,
			d->sha256, d->failed[i].member, d->failed[i].error, d->failed[i].rows, d->failed[i].sources));
	return LK_OK;
}

enum lk_status lk_ledger_record(struct lk_lake *lake, const char *branch, const struct lk_delivery *d, const char *run,
	struct lk_error *err)
{
	int64_t members = d->members, rows = d->rows, rejected = d->rejected;

	if (!d->anew) {
		members += d->seen_members;
		rows += d->seen_rows;
		rejected += d->seen_rejected;
	}
	LK_TRY(lk_ledger_note(lake, branch, d->sender, d->sha256, d->path, run, err));
	LK_TRY(lk_catalog_run(lake, NULL, err,
		"INSERT INTO lk_ledger VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT DO UPDATE SET state = excluded.state, package_sha256 = excluded.package_sha256,"
		" run = excluded.run, members = excluded.members, failed = excluded.failed, rows = excluded.rows,"
		" rejected = excluded.rejected, committed_us = excluded.committed_us, generation = generation + ?",
		"ssssssiiiisiiii", branch, d->sender, d->sha256, state_words[outcome_of(d)], d->package_sha256, run,
		members, (int64_t)remaining(d), rows, rejected, d->path, d->size, d->modified_us, lk_now_us(), (int64_t)d->anew));
	LK_TRY(record_failed(lake, branch, d, err));
	if (!*d->absolute)
		return LK_OK; /* the file was not where its reader could see it: known by its SHA-256 */
	return add_absolute(lake, branch, d->absolute, d->size, d->modified_us, d->sender, d->sha256, err);
}

enum lk_status lk_ledger_remove(struct lk_lake *lake, const char *branch, const struct lk_delivery *d, const char *run,
	struct lk_error *err)
{
	LK_TRY(lk_ledger_note(lake, branch, d->sender, d->sha256, NULL, run, err));
	LK_TRY(forget_failed(lake, branch, d, err));
	return lk_catalog_run(lake, NULL, err, "DELETE FROM lk_ledger WHERE branch = ? AND sender = ? AND sha256 = ?", "sss", branch,
		d->sender, d->sha256);
}

enum lk_status lk_ledger_remove_paths(struct lk_lake *lake, const char *branch, struct lk_error *err)
{
	return lk_catalog_run(lake, NULL, err,
		"DELETE FROM lk_ledger_path WHERE branch = ?1 AND NOT EXISTS (SELECT 1 FROM lk_ledger l WHERE l.branch = ?1 AND"
		" l.sender = lk_ledger_path.sender AND l.sha256 = lk_ledger_path.sha256)", "s", branch);
}

enum lk_status lk_ledger_staged(struct lk_lake *lake, const char *id, bool *known, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;

	*known = false;
	if (!lake->has_ledger)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err, "SELECT 1 FROM lk_staged WHERE id = ?", "s", id));
	status = lk_catalog_step(lake, stmt, known, err);
	lk_catalog_done(lake, stmt);
	return status;
}

enum lk_status lk_ledger_add_staged(struct lk_lake *lake, const char *id, const char *run, struct lk_error *err)
{
	int64_t now = lk_now_us();

	LK_TRY(lk_catalog_run(lake, NULL, err, "DELETE FROM lk_staged WHERE committed_us < ?", "i",
		now - STAGED_DAYS * INT64_C(86400000000)));
	return lk_catalog_run(lake, NULL, err, "INSERT OR IGNORE INTO lk_staged VALUES (?, ?, ?)", "ssi", id, run, now);
}
