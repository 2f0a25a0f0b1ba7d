#include "lake/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/ledger.h"

#define BUSY_MS 10000
#define LOCK_PAUSE_NS 1000000
#define LOCK_TRIES 10000 /* a writer that holds it for so many pauses has stopped */

static const char catalog_ddl[] =
	"CREATE TABLE IF NOT EXISTS iceberg_tables("
	" catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,"
	" metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5),"
	" PRIMARY KEY (catalog_name, table_namespace, table_name));"
	"CREATE TABLE IF NOT EXISTS iceberg_namespace_properties("
	" catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL,"
	" property_key VARCHAR(255), property_value VARCHAR(1000),"
	" PRIMARY KEY (catalog_name, namespace, property_key));";

/* What SQLite's last failure means as a status and sentence. */
static enum lk_status sqlite_error(struct lk_lake *lake, const char *what, struct lk_error *err)
{
	enum lk_status status;

	switch (sqlite3_errcode(lake->db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		status = LK_CONFLICT;
		break;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
	case SQLITE_FORMAT:
		status = LK_DATA;
		break;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		status = LK_NOPERM;
		break;
	case SQLITE_CANTOPEN:
		status = sqlite3_system_errno(lake->db) == EACCES ? LK_NOPERM : LK_CANTCREATE;
		break;
	case SQLITE_FULL:
	case SQLITE_IOERR:
		status = LK_IO;
		break;
	case SQLITE_NOMEM:
		return lk_error_nomem(err);
	default:
		status = LK_BUG;
	}
	return lk_error_set(err, status, "cannot %s '%s/catalog.db': %s", what, lake->path, sqlite3_errmsg(lake->db));
}

static enum lk_status bind_all(struct lk_lake *lake, sqlite3_stmt *stmt, const char *format, va_list args,
	struct lk_error *err)
{
	for (int i = 1; *format; format++, i++) {
		int rc;

		if (*format == 'i') {
			rc = sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
		} else {
			const char *text = va_arg(args, const char *);

			rc = sqlite3_bind_text(stmt, i, text, -1, SQLITE_TRANSIENT); /* NULL binds null */
		}
		if (rc != SQLITE_OK)
			return sqlite_error(lake, "use", err);
	}
	return LK_OK;
}

/* A kept statement, or a new one, which is kept where there is room. */
static sqlite3_stmt *find_statement(struct lk_lake *lake, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int room = -1;

	for (int i = 0; i < LK_CATALOG_STATEMENTS; i++) {
		if (lake->statements[i].sql == sql && !lake->statements[i].busy) {
			lake->statements[i].busy = true;
			return lake->statements[i].stmt;
		}
		if (!lake->statements[i].sql)
			room = i;
	}
	if (sqlite3_prepare_v2(lake->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return NULL;
	if (room >= 0) {
		lake->statements[room].sql = sql;
		lake->statements[room].stmt = stmt;
		lake->statements[room].busy = true;
	}
	return stmt;
}

void lk_catalog_done(struct lk_lake *lake, sqlite3_stmt *stmt)
{
	for (int i = 0; stmt && i < LK_CATALOG_STATEMENTS; i++)
		if (lake->statements[i].stmt == stmt) {
			sqlite3_reset(stmt);
			sqlite3_clear_bindings(stmt);
			lake->statements[i].busy = false;
			return;
		}
	sqlite3_finalize(stmt);
}

void lk_catalog_close(struct lk_lake *lake)
{
	for (int i = 0; i < LK_CATALOG_STATEMENTS; i++)
		sqlite3_finalize(lake->statements[i].stmt);
	sqlite3_close(lake->db);
}

static enum lk_status prepare(struct lk_lake *lake, sqlite3_stmt **stmt, const char *sql, const char *format, va_list args,
	struct lk_error *err)
{
	enum lk_status status;

	*stmt = find_statement(lake, sql);
	if (!*stmt)
		return sqlite_error(lake, "use", err);
	status = bind_all(lake, *stmt, format, args, err);
	if (status) {
		lk_catalog_done(lake, *stmt);
		*stmt = NULL;
	}
	return status;
}

enum lk_status lk_catalog_prepare(struct lk_lake *lake, sqlite3_stmt **stmt, struct lk_error *err, const char *sql,
	const char *format, ...)
{
	enum lk_status status;
	va_list args;

	va_start(args, format);
	status = prepare(lake, stmt, sql, format, args, err);
	va_end(args);
	return status;
}

enum lk_status lk_catalog_step(struct lk_lake *lake, sqlite3_stmt *stmt, bool *row, struct lk_error *err)
{
	int rc = sqlite3_step(stmt);

	*row = rc == SQLITE_ROW;
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? LK_OK : sqlite_error(lake, "use", err);
}

enum lk_status lk_catalog_run(struct lk_lake *lake, int *changed, struct lk_error *err, const char *sql,
	const char *format, ...)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	va_list args;
	bool row;

	va_start(args, format);
	status = prepare(lake, &stmt, sql, format, args, err);
	va_end(args);
	LK_TRY(status);
	status = lk_catalog_step(lake, stmt, &row, err);
	if (changed)
		*changed = sqlite3_changes(lake->db);
	lk_catalog_done(lake, stmt);
	return status;
}

const char *lk_catalog_text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	return text ? (const char *)text : "";
}

enum lk_status lk_catalog_begin(struct lk_lake *lake, struct lk_error *err)
{
	return lk_catalog_run(lake, NULL, err, "BEGIN IMMEDIATE", "");
}

void lk_catalog_rollback(struct lk_lake *lake)
{
	if (!sqlite3_get_autocommit(lake->db))
		sqlite3_exec(lake->db, "ROLLBACK", NULL, NULL, NULL);
}

enum lk_status lk_catalog_commit(struct lk_lake *lake, bool *unknown, struct lk_error *err)
{
	enum lk_status status = lk_catalog_run(lake, NULL, err, "COMMIT", "");

	if (unknown) /* a busy database was not touched; whatever else fails may fail after the deed */
		*unknown = status && status != LK_CONFLICT;
	if (status)
		lk_catalog_rollback(lake);
	return status;
}

/* ---- opening ---- */

static enum lk_status has_row(struct lk_lake *lake, const char *sql, bool *found, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;

	LK_TRY(lk_catalog_prepare(lake, &stmt, err, sql, ""));
	status = lk_catalog_step(lake, stmt, found, err);
	lk_catalog_done(lake, stmt);
	return status;
}

static enum lk_status look(struct lk_lake *lake, struct lk_error *err)
{
	bool anything;

	LK_TRY(has_row(lake, "SELECT 1 FROM sqlite_master", &anything, err));
	LK_TRY(has_row(lake, "SELECT 1 FROM sqlite_master WHERE name = 'iceberg_tables'", &lake->has_tables, err));
	if (anything && !lake->has_tables)
		return lk_error_set(err, LK_DATA, "'%s/catalog.db' is not an Iceberg catalog", lake->path);
	LK_TRY(has_row(lake, "SELECT 1 FROM pragma_table_info('iceberg_tables') WHERE name = 'iceberg_type'", &lake->has_type,
		err));
	LK_TRY(has_row(lake, "SELECT 1 FROM sqlite_master WHERE name = 'lk_ledger_history'", &lake->has_history, err));
	return has_row(lake, "SELECT 1 FROM sqlite_master WHERE name = 'lk_ledger'", &lake->has_ledger, err);
}

static enum lk_status make_tables(struct lk_lake *lake, struct lk_error *err)
{
	LK_TRY(lk_catalog_begin(lake, err));
	if (sqlite3_exec(lake->db, catalog_ddl, NULL, NULL, NULL) != SQLITE_OK ||
		sqlite3_exec(lake->db, lk_ledger_ddl, NULL, NULL, NULL) != SQLITE_OK) {
		enum lk_status status = sqlite_error(lake, "make tables in", err);

		lk_catalog_rollback(lake);
		return status;
	}
	return lk_catalog_commit(lake, NULL, err);
}

/* A writer that was killed within its commit leaves a journal, which only a writer can play back: a reader that may write
 * does that first. One that may not is told so when it reads. */
static void play_back(const char *file)
{
	char *journal = NULL;
	sqlite3 *db = NULL;

	if (asprintf(&journal, "%s-journal", file) < 0)
		return;
	if (access(journal, F_OK) == 0 && sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(db, BUSY_MS);
		sqlite3_exec(db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
	}
	sqlite3_close(db);
	free(journal);
}

enum lk_status lk_catalog_open(struct lk_lake *lake, unsigned flags, struct lk_error *err)
{
	int mode = flags & LK_LAKE_READONLY ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	struct lk_str file = LK_STR_INIT;
	int rc;

	lake->read_only = flags & LK_LAKE_READONLY;
	if (flags & LK_LAKE_CREATE)
		mode |= SQLITE_OPEN_CREATE;
	lk_str_addf(&file, "%s/catalog.db", lake->path);
	LK_TRY(lk_str_check(&file, err));
	if (lake->read_only)
		play_back(file.data);
	rc = sqlite3_open_v2(file.data, &lake->db, mode, NULL);
	lk_str_release(&file);
	if (!lake->db)
		return lk_error_nomem(err);
	sqlite3_extended_result_codes(lake->db, 1);
	if (rc != SQLITE_OK)
		return sqlite_error(lake, "open", err);
	sqlite3_busy_timeout(lake->db, BUSY_MS);
	/* EXTRA: once a commit is answered, no power cut takes it back; staged files are removed on that word. */
	if (sqlite3_exec(lake->db, "PRAGMA synchronous = EXTRA", NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_error(lake, "open", err);
	LK_TRY(look(lake, err));
	if (lake->read_only || (lake->has_tables && lake->has_history))
		return LK_OK;
	if (!lake->has_tables && !(flags & LK_LAKE_CREATE))
		return LK_OK;
	LK_TRY(make_tables(lake, err));
	return look(lake, err);
}

enum lk_status lk_catalog_check_whole(const struct lk_lake *lake, struct lk_error *err)
{
	if (lake->has_tables)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "'%s/catalog.db' is empty: what tables the lake has is lost, or it is just being made",
		lake->path);
}

/* ---- tables ---- */

enum lk_status lk_catalog_find(struct lk_lake *lake, const char *namespace_name, const char *name, char **location,
	struct lk_error *err)
{
	const char *sql = lake->has_type ? "SELECT metadata_location, iceberg_type FROM iceberg_tables"
					   " WHERE catalog_name = 'lk' AND table_namespace = ? AND table_name = ?"
					 : "SELECT metadata_location, NULL FROM iceberg_tables"
					   " WHERE catalog_name = 'lk' AND table_namespace = ? AND table_name = ?";
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	*location = NULL;
	if (!lake->has_tables)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err, sql, "ss", namespace_name, name));
	status = lk_catalog_step(lake, stmt, &row, err);
	if (!status && row) {
		if (!strcmp(lk_catalog_text(stmt, 1), "VIEW"))
			status = lk_error_set(err, LK_DATA, "'%s.%s' is a view", namespace_name, name);
		else if (!(*location = strdup(lk_catalog_text(stmt, 0))))
			status = lk_error_nomem(err);
	}
	lk_catalog_done(lake, stmt);
	return status;
}

static enum lk_status add_namespace(struct lk_lake *lake, const char *namespace_name, struct lk_error *err)
{
	return lk_catalog_run(lake, NULL, err,
		"INSERT OR IGNORE INTO iceberg_namespace_properties(catalog_name, namespace, property_key, property_value)"
		" VALUES ('lk', ?, 'exists', 'true')",
		"s", namespace_name);
}

enum lk_status lk_catalog_swap(struct lk_lake *lake, const char *namespace_name, const char *name, const char *old,
	const char *new, bool *moved, struct lk_error *err)
{
	int changed;

	if (!new) {
		LK_TRY(lk_catalog_run(lake, &changed, err,
			"DELETE FROM iceberg_tables WHERE catalog_name = 'lk' AND table_namespace = ? AND table_name = ?"
			" AND metadata_location = ?",
			"sss", namespace_name, name, old));
		*moved = changed == 1;
		return LK_OK;
	}
	if (strlen(new) > LK_LOCATION_MAX)
		return lk_error_set(err, LK_CANTCREATE, "'%s' is longer than the %d characters that a catalog holds", new,
			LK_LOCATION_MAX);
	if (old) {
		LK_TRY(lk_catalog_run(lake, &changed, err,
			lake->has_type
				? "UPDATE iceberg_tables SET metadata_location = ?1, previous_metadata_location = ?2"
				  " WHERE catalog_name = 'lk' AND table_namespace = ?3 AND table_name = ?4"
				  " AND metadata_location = ?2 AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)"
				: "UPDATE iceberg_tables SET metadata_location = ?1, previous_metadata_location = ?2"
				  " WHERE catalog_name = 'lk' AND table_namespace = ?3 AND table_name = ?4"
				  " AND metadata_location = ?2",
			"ssss", new, old, namespace_name, name));
		*moved = changed == 1;
		return LK_OK;
	}
	LK_TRY(lk_catalog_run(lake, &changed, err,
		lake->has_type ? "INSERT OR IGNORE INTO iceberg_tables(catalog_name, table_namespace, table_name,"
				 " metadata_location, iceberg_type) VALUES ('lk', ?, ?, ?, 'TABLE')"
			       : "INSERT OR IGNORE INTO iceberg_tables(catalog_name, table_namespace, table_name,"
				 " metadata_location) VALUES ('lk', ?, ?, ?)",
		"sss", namespace_name, name, new));
	*moved = changed == 1;
	return *moved ? add_namespace(lake, namespace_name, err) : LK_OK;
}

enum lk_status lk_catalog_rename(struct lk_lake *lake, const char *namespace_name, const char *name, const char *to_namespace,
	const char *to, bool *moved, struct lk_error *err)
{
	int changed;

	LK_TRY(lk_catalog_run(lake, &changed, err,
		"UPDATE OR IGNORE iceberg_tables SET table_namespace = ?1, table_name = ?2"
		" WHERE catalog_name = 'lk' AND table_namespace = ?3 AND table_name = ?4",
		"ssss", to_namespace, to, namespace_name, name));
	*moved = changed == 1;
	return *moved ? add_namespace(lake, to_namespace, err) : LK_OK;
}

enum lk_status lk_catalog_has_below(struct lk_lake *lake, const char *prefix, bool *found, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;

	*found = false;
	if (!lake->has_tables)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		"SELECT 1 FROM iceberg_tables WHERE catalog_name = 'lk' AND substr(metadata_location, 1, length(?1)) = ?1", "s", prefix));
	status = lk_catalog_step(lake, stmt, found, err);
	lk_catalog_done(lake, stmt);
	return status;
}

/* ---- the lock ---- */

int lk_catalog_lock(const struct lk_lake *lake)
{
	struct lk_str path = LK_STR_INIT;
	int fd;

	lk_str_addf(&path, "%s/catalog.lock", lake->path);
	fd = open(lk_str_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		fd = open(lk_str_text(&path), O_RDONLY | O_CLOEXEC); /* made by another user */
	lk_str_release(&path);
	for (int waited = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB); waited++) {
		if (errno != EWOULDBLOCK || waited >= LOCK_TRIES) {
			close(fd);
			return -1;
		}
		nanosleep(&(struct timespec){0, LOCK_PAUSE_NS}, NULL);
	}
	return fd;
}

void lk_catalog_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}
