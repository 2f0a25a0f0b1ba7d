#include "lake/ledger_history.h"

#include <string.h>

#include "base/tool.h"
#include "lake/metadata.h"

/* The row of a delivery as JSON, or null; l is the row of lk_ledger. */
#define ROW_JSON                                                                                                      \
	"json_object('state', l.state, 'generation', l.generation, 'package_sha256', l.package_sha256, 'run', l.run," \
	" 'members', l.members, 'failed', l.failed, 'rows', l.rows, 'rejected', l.rejected, 'delivery', l.delivery,"  \
	" 'size', l.size, 'modified_us', l.modified_us, 'committed_us', l.committed_us, 'failures',"                  \
	" (SELECT json_group_array(json_array(f.member, f.error, f.rows, f.sources_sha256)) FROM lk_ledger_failed f"  \
	"  WHERE f.branch = l.branch AND f.sender = l.sender AND f.sha256 = l.sha256))"

#define LEDGER_COLUMNS                                                                                                \
	"branch, sender, sha256, state, generation, package_sha256, run, members, failed, rows, rejected, delivery, size," \
	" modified_us, committed_us"

enum lk_status lk_ledger_note(struct lk_lake *lake, const char *branch, const char *sender, const char *sha256,
	const char *delivery, const char *run, struct lk_error *err)
{
	return lk_catalog_run(lake, NULL, err,
		"INSERT INTO lk_ledger_history(branch, sender, sha256, delivery, run, at_us, was) VALUES (?1, ?2, ?3, coalesce(?4,"
		" (SELECT delivery FROM lk_ledger WHERE branch = ?1 AND sender = ?2 AND sha256 = ?3), ''), ?5, ?6,"
		" (SELECT " ROW_JSON " FROM lk_ledger l WHERE l.branch = ?1 AND l.sender = ?2 AND l.sha256 = ?3))",
		"sssssi", branch, sender, sha256, delivery, run, lk_now_us());
}

/* ---- moments ---- */

static enum lk_status ask_number(struct lk_lake *lake, sqlite3_stmt *stmt, int64_t *number, struct lk_error *err)
{
	enum lk_status status;
	bool row;

	status = lk_catalog_step(lake, stmt, &row, err);
	if (!status && row)
		*number = sqlite3_column_int64(stmt, 0);
	lk_catalog_done(lake, stmt);
	return status;
}

enum lk_status lk_ledger_moment(struct lk_lake *lake, const char *branch, int64_t at_us, const json_t *runs, int64_t *moment,
	struct lk_error *err)
{
	sqlite3_stmt *stmt;
	const char *run;
	json_t *value;

	*moment = 0;
	if (!lake->has_history)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		"SELECT coalesce(max(seq), 0) FROM lk_ledger_history WHERE branch = ? AND at_us <= ?", "si", branch, at_us));
	LK_TRY(ask_number(lake, stmt, moment, err));
	json_object_foreach((json_t *)runs, run, value) {
		int64_t last = 0;

		LK_TRY(lk_catalog_prepare(lake, &stmt, err,
			"SELECT coalesce(max(seq), 0) FROM lk_ledger_history WHERE branch = ? AND run = ?", "ss", branch, run));
		LK_TRY(ask_number(lake, stmt, &last, err));
		*moment = last > *moment ? last : *moment;
	}
	return LK_OK;
}

/* What the rows of a branch were at a moment: of those that changed since, the first change says it. */
#define CHANGED_SINCE                                                                                                 \
	"SELECT sender, sha256, delivery, was, min(seq) AS first FROM lk_ledger_history"                              \
	" WHERE branch = ? AND seq > ? GROUP BY sender, sha256"

enum lk_status lk_ledger_since(struct lk_lake *lake, const char *branch, int64_t moment, json_t **out, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	sqlite3_stmt *stmt;
	bool row;

	*out = json_array();
	if (!*out)
		return lk_error_nomem(err);
	if (!lake->has_history)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		"SELECT c.sender, c.sha256, c.delivery, c.was IS NOT NULL FROM (" CHANGED_SINCE ") c"
		" LEFT JOIN lk_ledger l ON l.branch = ?1 AND l.sender = c.sender AND l.sha256 = c.sha256"
		" WHERE coalesce(" ROW_JSON ", '') IS NOT coalesce(c.was, '') AND (l.run IS NOT NULL OR c.was IS NOT NULL)"
		" ORDER BY c.delivery, c.sha256",
		"si", branch, moment));
	while (!(status = lk_catalog_step(lake, stmt, &row, err)) && row)
		if (json_array_append_new(*out, json_pack("{s:s, s:s, s:s, s:b}", "sender", lk_catalog_text(stmt, 0), "sha256",
							lk_catalog_text(stmt, 1), "delivery", lk_catalog_text(stmt, 2), "known",
							sqlite3_column_int(stmt, 3)))) {
			status = lk_error_nomem(err);
			break;
		}
	lk_catalog_done(lake, stmt);
	return status;
}

/* lk_past: rows of a branch that are to be made what `was` says. */
static enum lk_status clear_past(struct lk_lake *lake, struct lk_error *err)
{
	LK_TRY(lk_catalog_run(lake, NULL, err,
		"CREATE TEMP TABLE IF NOT EXISTS lk_past(sender TEXT, sha256 TEXT, delivery TEXT, was TEXT,"
		" PRIMARY KEY (sender, sha256))",
		""));
	return lk_catalog_run(lake, NULL, err, "DELETE FROM lk_past", "");
}

static enum lk_status list_past(struct lk_lake *lake, const char *branch, int64_t moment, struct lk_error *err)
{
	LK_TRY(clear_past(lake, err));
	return lk_catalog_run(lake, NULL, err,
		"INSERT INTO lk_past SELECT sender, sha256, delivery, was FROM (" CHANGED_SINCE ")", "si", branch, moment);
}

static enum lk_status note_past(struct lk_lake *lake, const char *branch, const char *run, int64_t at_us, struct lk_error *err)
{
	return lk_catalog_run(lake, NULL, err,
		"INSERT INTO lk_ledger_history(branch, sender, sha256, delivery, run, at_us, was)"
		" SELECT ?1, p.sender, p.sha256, p.delivery, ?2, ?3, CASE WHEN l.run IS NULL THEN NULL ELSE " ROW_JSON " END"
		" FROM lk_past p LEFT JOIN lk_ledger l ON l.branch = ?1 AND l.sender = p.sender AND l.sha256 = p.sha256",
		"ssi", branch, run, at_us);
}

static enum lk_status forget_past(struct lk_lake *lake, const char *branch, struct lk_error *err)
{
	LK_TRY(lk_catalog_run(lake, NULL, err,
		"DELETE FROM lk_ledger_failed WHERE branch = ? AND (sender, sha256) IN (SELECT sender, sha256 FROM lk_past)", "s",
		branch));
	return lk_catalog_run(lake, NULL, err,
		"DELETE FROM lk_ledger WHERE branch = ? AND (sender, sha256) IN (SELECT sender, sha256 FROM lk_past)", "s", branch);
}

/* Makes the branch's rows what lk_past says. */
static enum lk_status apply_past(struct lk_lake *lake, const char *branch, struct lk_error *err)
{
	LK_TRY(forget_past(lake, branch, err));
	LK_TRY(lk_catalog_run(lake, NULL, err,
		"INSERT INTO lk_ledger(" LEDGER_COLUMNS ") SELECT ?, sender, sha256, json_extract(was, '$.state'),"
		" json_extract(was, '$.generation'), json_extract(was, '$.package_sha256'), json_extract(was, '$.run'),"
		" json_extract(was, '$.members'), json_extract(was, '$.failed'), json_extract(was, '$.rows'),"
		" json_extract(was, '$.rejected'), json_extract(was, '$.delivery'), json_extract(was, '$.size'),"
		" json_extract(was, '$.modified_us'), json_extract(was, '$.committed_us') FROM lk_past WHERE was IS NOT NULL",
		"s", branch));
	return lk_catalog_run(lake, NULL, err,
		"INSERT INTO lk_ledger_failed SELECT ?, p.sender, p.sha256, json_extract(e.value, '$[0]'),"
		" json_extract(e.value, '$[1]'), json_extract(e.value, '$[2]'), json_extract(e.value, '$[3]')"
		" FROM lk_past p, json_each(p.was, '$.failures') e WHERE p.was IS NOT NULL",
		"s", branch);
}

enum lk_status lk_ledger_set_back(struct lk_lake *lake, const char *branch, int64_t moment, const char *run, int64_t at_us,
	struct lk_error *err)
{
	if (!lake->has_history)
		return LK_OK;
	LK_TRY(list_past(lake, branch, moment, err));
	LK_TRY(note_past(lake, branch, run, at_us, err));
	return apply_past(lake, branch, err);
}

/* ---- branches ---- */

enum lk_status lk_ledger_has_branch(struct lk_lake *lake, const char *branch, bool *known, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;

	*known = !strcmp(branch, LK_MAIN);
	if (*known || !lake->has_history)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err, "SELECT 1 FROM lk_branch WHERE name = ?", "s", branch));
	status = lk_catalog_step(lake, stmt, known, err);
	lk_catalog_done(lake, stmt);
	return status;
}

enum lk_status lk_ledger_check_branch(struct lk_lake *lake, const char *branch, struct lk_error *err)
{
	bool known;

	LK_TRY(lk_ledger_has_branch(lake, branch, &known, err));
	if (known)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "there is no branch '%s' in the lake: lk-branch makes one", branch);
}

enum lk_status lk_ledger_check_head(struct lk_lake *lake, const char *branch, const json_t *files, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool loaded;

	if (!strcmp(branch, LK_MAIN) || !lake->has_history || lk_metadata_ref(files, branch) >= 0)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err, "SELECT 1 FROM lk_ledger_history WHERE branch = ?", "s", branch));
	status = lk_catalog_step(lake, stmt, &loaded, err);
	lk_catalog_done(lake, stmt);
	if (status || !loaded)
		return status;
	return lk_error_set(err, LK_DATA, "the branch '%s' has expired, with what was loaded on it; lk-branch -d ends it", branch);
}

enum lk_status lk_ledger_began(struct lk_lake *lake, const char *branch, int64_t *at_us, struct lk_error *err)
{
	sqlite3_stmt *stmt;

	*at_us = INT64_MAX;
	if (!lake->has_history)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err, "SELECT began_us FROM lk_branch WHERE name = ?", "s", branch));
	return ask_number(lake, stmt, at_us, err);
}

enum lk_status lk_ledger_branch(struct lk_lake *lake, const char *branch, int64_t moment, int64_t at_us, struct lk_error *err)
{
	LK_TRY(lk_catalog_run(lake, NULL, err, "INSERT INTO lk_branch VALUES (?, ?)", "si", branch, at_us));
	LK_TRY(lk_catalog_run(lake, NULL, err,
		"INSERT INTO lk_ledger(" LEDGER_COLUMNS ") SELECT ?, sender, sha256, state, generation, package_sha256, run, members,"
		" failed, rows, rejected, delivery, size, modified_us, committed_us FROM lk_ledger WHERE branch = '" LK_MAIN "'",
		"s", branch));
	LK_TRY(lk_catalog_run(lake, NULL, err,
		"INSERT INTO lk_ledger_failed SELECT ?, sender, sha256, member, error, rows, sources_sha256 FROM lk_ledger_failed"
		" WHERE branch = '" LK_MAIN "'",
		"s", branch));
	if (moment < 0)
		return LK_OK;
	LK_TRY(list_past(lake, LK_MAIN, moment, err));
	return apply_past(lake, branch, err);
}

/* The row that a branch has of k's delivery, as JSON. */
#define ROW_OF(branch)                                                                                                \
	"(SELECT " ROW_JSON " FROM lk_ledger l WHERE l.branch = " branch " AND l.sender = k.sender AND l.sha256 = k.sha256)"
#define MAIN_BRANCH "'" LK_MAIN "'"

/* What main is to learn: all that the branch has otherwise, or what was changed on it. */
#define ALL_UNLIKE                                                                                                    \
	"SELECT k.sender, k.sha256, k.delivery, " ROW_OF("?1") " AS was"                                              \
	" FROM (SELECT sender, sha256, min(delivery) AS delivery FROM lk_ledger WHERE branch IN (?1, " MAIN_BRANCH ")" \
	" GROUP BY 1, 2) k WHERE was IS NOT " ROW_OF(MAIN_BRANCH)
#define ALL_CHANGED                                                                                                   \
	"SELECT k.sender, k.sha256, k.delivery, " ROW_OF("?1") " AS was"                                              \
	" FROM (SELECT sender, sha256, min(delivery) AS delivery FROM lk_ledger_history WHERE branch = ?1 GROUP BY 1, 2) k"

enum lk_status lk_ledger_unpublished(struct lk_lake *lake, const char *branch, bool whole, int64_t *count, struct lk_error *err)
{
	sqlite3_stmt *stmt;
	bool known;

	*count = 0;
	LK_TRY(lk_ledger_has_branch(lake, branch, &known, err));
	if (!known)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		whole ? "SELECT count(*) FROM (" ALL_UNLIKE ")" : "SELECT count(*) FROM (" ALL_CHANGED ")", "s", branch));
	return ask_number(lake, stmt, count, err);
}

enum lk_status lk_ledger_publish(struct lk_lake *lake, const char *branch, bool whole, const char *run, int64_t at_us,
	struct lk_error *err)
{
	bool known;

	LK_TRY(lk_ledger_has_branch(lake, branch, &known, err));
	if (!known)
		return LK_OK; /* another engine's, on which lk loaded nothing */
	LK_TRY(clear_past(lake, err));
	LK_TRY(lk_catalog_run(lake, NULL, err, whole ? "INSERT INTO lk_past " ALL_UNLIKE : "INSERT INTO lk_past " ALL_CHANGED, "s", branch));
	LK_TRY(note_past(lake, LK_MAIN, run, at_us, err));
	LK_TRY(apply_past(lake, LK_MAIN, err));
	LK_TRY(lk_catalog_run(lake, NULL, err, "UPDATE lk_ledger_history SET branch = '' WHERE branch = ?", "s", branch));
	return lk_catalog_run(lake, NULL, err,
		"INSERT OR REPLACE INTO lk_ledger_path SELECT '" LK_MAIN "', path, size, modified_us, sender, sha256"
		" FROM lk_ledger_path WHERE branch = ?",
		"s", branch);
}

enum lk_status lk_ledger_drop_branch(struct lk_lake *lake, const char *branch, struct lk_error *err)
{
	if (!lake->has_history)
		return LK_OK;
	LK_TRY(lk_catalog_run(lake, NULL, err, "DELETE FROM lk_ledger_failed WHERE branch = ?", "s", branch));
	LK_TRY(lk_catalog_run(lake, NULL, err, "DELETE FROM lk_ledger_path WHERE branch = ?", "s", branch));
	LK_TRY(lk_catalog_run(lake, NULL, err, "DELETE FROM lk_ledger_history WHERE branch = ?", "s", branch));
	LK_TRY(lk_catalog_run(lake, NULL, err, "DELETE FROM lk_ledger WHERE branch = ?", "s", branch));
	return lk_catalog_run(lake, NULL, err, "DELETE FROM lk_branch WHERE name = ?", "s", branch);
}

/* ---- for a log ---- */

static enum lk_status add_change(sqlite3_stmt *stmt, const json_t *runs, json_t *out, struct lk_error *err)
{
	const char *run = lk_catalog_text(stmt, 0);
	json_t *list = json_object_get(out, run);

	if (!json_object_get(runs, run))
		return LK_OK;
	if (!list) {
		json_object_set_new(out, run, json_array());
		list = json_object_get(out, run);
	}
	if (json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "delivery", lk_catalog_text(stmt, 1), "sender",
						lk_catalog_text(stmt, 2), "sha256", lk_catalog_text(stmt, 3))))
		return lk_error_nomem(err);
	return LK_OK;
}

enum lk_status lk_ledger_of_runs(struct lk_lake *lake, const json_t *runs, json_t **out, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	*out = json_object();
	if (!*out)
		return lk_error_nomem(err);
	if (!lake->has_history)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		"SELECT DISTINCT run, delivery, sender, sha256 FROM lk_ledger_history ORDER BY run, delivery, sha256", ""));
	while (!(status = lk_catalog_step(lake, stmt, &row, err)) && row)
		if ((status = add_change(stmt, runs, *out, err)))
			break;
	lk_catalog_done(lake, stmt);
	return status;
}
