#include "tend/copy_catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tend/named.h"

#define BUSY_TRIES 200 /* of 50 ms */

static const char copy_ddl[] =
	"CREATE TABLE IF NOT EXISTS lk_copy(source TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS lk_copy_table(catalog_name TEXT NOT NULL, table_namespace TEXT NOT NULL, table_name TEXT NOT NULL,"
	" source TEXT NOT NULL, source_location TEXT NOT NULL, location TEXT NOT NULL, PRIMARY KEY (catalog_name, table_namespace, table_name)) WITHOUT ROWID;";

/* ---- statements on the copy of the source's catalog ---- */

static enum lk_status sql_error(sqlite3 *db, struct lk_error *err)
{
	return lk_error_set(err, LK_IO, "cannot copy the catalog: %s", sqlite3_errmsg(db));
}

static enum lk_status run_sql(sqlite3 *db, const char *sql, const char *const *texts, int count, struct lk_error *err)
{
	sqlite3_stmt *stmt = NULL;
	enum lk_status status = LK_OK;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return sql_error(db, err);
	for (int i = 0; i < count; i++)
		sqlite3_bind_text(stmt, i + 1, texts[i], -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		status = sql_error(db, err);
	sqlite3_finalize(stmt);
	return status;
}

static enum lk_status run_script(sqlite3 *db, const char *sql, struct lk_error *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? LK_OK : sql_error(db, err);
}

/* One database becomes the other, in one read of one and one write of the other. */
static enum lk_status back_up(sqlite3 *to, sqlite3 *from, struct lk_error *err)
{
	const struct timespec pause = {0, 50 * 1000 * 1000};
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int rc = SQLITE_OK;

	if (!backup)
		return sql_error(to, err);
	for (int i = 0; i < BUSY_TRIES; i++) {
		rc = sqlite3_backup_step(backup, -1);
		if (rc != SQLITE_BUSY && rc != SQLITE_LOCKED)
			break;
		nanosleep(&pause, NULL);
	}
	sqlite3_backup_finish(backup);
	if (rc == SQLITE_DONE)
		return LK_OK;
	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return lk_error_set(err, LK_CONFLICT, "the catalog is in use; nothing was changed, try again");
	return sql_error(to, err);
}

static bool has_table(sqlite3 *db, const char *name)
{
	sqlite3_stmt *stmt = NULL;
	bool found = false;

	if (sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", -1, &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
		found = sqlite3_step(stmt) == SQLITE_ROW;
	}
	sqlite3_finalize(stmt);
	return found;
}

/* ---- the source ---- */

static enum lk_status add_row(struct lk_copy_catalog *c, sqlite3_stmt *stmt, struct lk_error *err)
{
	struct lk_copy_row row = {.view = !strcmp(lk_catalog_text(stmt, 4), "VIEW")};

	if (!lk_grow((void **)&c->rows, &c->cap, c->count + 1, sizeof(*c->rows)))
		return lk_error_nomem(err);
	row.catalog = lk_arena_strdup(&c->arena, lk_catalog_text(stmt, 0));
	row.namespace_name = lk_arena_strdup(&c->arena, lk_catalog_text(stmt, 1));
	row.name = lk_arena_strdup(&c->arena, lk_catalog_text(stmt, 2));
	row.location = lk_arena_strdup(&c->arena, lk_catalog_text(stmt, 3));
	c->rows[c->count++] = row;
	return row.catalog && row.namespace_name && row.name && row.location ? LK_OK : lk_error_nomem(err);
}

static enum lk_status read_rows(struct lk_copy_catalog *c, bool has_type, struct lk_error *err)
{
	const char *sql = has_type ? "SELECT catalog_name, table_namespace, table_name, metadata_location, iceberg_type FROM iceberg_tables"
				     " ORDER BY 1, 2, 3"
				   : "SELECT catalog_name, table_namespace, table_name, metadata_location, NULL FROM iceberg_tables"
				     " ORDER BY 1, 2, 3";
	sqlite3_stmt *stmt = NULL;
	enum lk_status status = LK_OK;
	int rc;

	if (!has_table(c->db, "iceberg_tables"))
		return LK_OK;
	if (sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return sql_error(c->db, err);
	while (!status && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		status = add_row(c, stmt, err);
	if (!status && rc != SQLITE_DONE)
		status = sql_error(c->db, err);
	sqlite3_finalize(stmt);
	return status;
}

enum lk_status lk_copy_catalog_read(struct lk_copy_catalog *c, struct lk_lake *source, struct lk_error *err)
{
	if (sqlite3_open_v2("", &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
		return sql_error(c->db, err);
	LK_TRY(back_up(c->db, source->db, err));
	return read_rows(c, source->has_type, err);
}

/* ---- the destination ---- */

static enum lk_status open_destination(const struct lk_copy_catalog *c, unsigned flags, struct lk_lake **out, struct lk_error *err)
{
	*out = NULL;
	return lk_lake_open(out, c->to, flags, err);
}

static enum lk_status look(struct lk_copy_catalog *c, struct lk_lake *lake, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	c->exists = lake->has_tables;
	if (!has_table(lake->db, "lk_copy"))
		return LK_OK;
	LK_TRY(lk_catalog_prepare(lake, &stmt, err, "SELECT 1 FROM lk_copy WHERE source = ?", "s", c->from));
	status = lk_catalog_step(lake, stmt, &row, err);
	c->ours = row;
	lk_catalog_done(lake, stmt);
	return status;
}

enum lk_status lk_copy_catalog_look(struct lk_copy_catalog *c, const char *to, const char *from, struct lk_error *err)
{
	struct lk_str file = LK_STR_INIT;
	struct lk_lake *lake;
	enum lk_status status;
	bool there;

	c->to = to;
	c->from = from;
	lk_str_addf(&file, "%s/catalog.db", to);
	LK_TRY(lk_str_check(&file, err));
	there = !access(file.data, F_OK);
	lk_str_release(&file);
	if (!there)
		return LK_OK;
	LK_TRY(open_destination(c, LK_LAKE_READONLY, &lake, err));
	status = look(c, lake, err);
	lk_lake_close(lake);
	return status;
}

static struct lk_copy_row *find_row(struct lk_copy_catalog *c, const char *catalog, const char *namespace_name, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->rows[i].catalog, catalog) && !strcmp(c->rows[i].namespace_name, namespace_name) &&
			!strcmp(c->rows[i].name, name))
			return &c->rows[i];
	return NULL;
}

static const char no_copies[] = "SELECT catalog_name, table_namespace, table_name, metadata_location, '', '', '' FROM iceberg_tables";
static const char with_copies[] =
	"SELECT t.catalog_name, t.table_namespace, t.table_name, t.metadata_location, coalesce(c.location, ''),"
	" coalesce(c.source_location, ''), coalesce(c.source, '') FROM iceberg_tables t"
	" LEFT JOIN lk_copy_table c USING (catalog_name, table_namespace, table_name)";

/* A table of the destination: it must be as it was copied. */
static enum lk_status check_row(struct lk_copy_catalog *c, sqlite3_stmt *stmt, const char *const *tables, size_t table_count,
	bool replace, struct lk_error *err)
{
	const char *namespace_name = lk_catalog_text(stmt, 1), *name = lk_catalog_text(stmt, 2);
	const char *location = lk_catalog_text(stmt, 3), *copied = lk_catalog_text(stmt, 4), *source = lk_catalog_text(stmt, 5);
	struct lk_copy_row *row = find_row(c, lk_catalog_text(stmt, 0), namespace_name, name);
	bool ours = !strcmp(lk_catalog_text(stmt, 6), c->from);

	if (!lk_is_named(tables, table_count, namespace_name, name))
		return LK_OK;
	if (!ours || strcmp(location, copied)) {
		if (replace)
			return LK_OK;
		return lk_error_set(err, LK_CANTCREATE, "'%s' has a table %s.%s that %s; --replace gives it up", c->to, namespace_name, name,
			ours ? "was changed since it was copied" : "is no copy of that");
	}
	if (!row)
		return LK_OK;
	row->there = lk_arena_strdup(&c->arena, location);
	row->unchanged = !strcmp(row->location, source);
	return row->there ? LK_OK : lk_error_nomem(err);
}

enum lk_status lk_copy_catalog_check(struct lk_copy_catalog *c, const char *const *tables, size_t table_count, bool replace,
	bool shallow, struct lk_error *err)
{
	enum lk_status status;
	struct lk_lake *lake;
	sqlite3_stmt *stmt;
	bool row;

	if (!c->exists)
		return LK_OK;
	if (shallow && !replace)
		return lk_error_set(err, LK_CANTCREATE, "there is a lake in '%s'; --replace gives it up", c->to);
	if (!c->ours && !table_count && !replace)
		return lk_error_set(err, LK_CANTCREATE, "the lake in '%s' is no copy of '%s'; --replace gives it up", c->to, c->from);
	LK_TRY(open_destination(c, LK_LAKE_READONLY, &lake, err));
	status = lk_catalog_prepare(lake, &stmt, err, has_table(lake->db, "lk_copy_table") ? with_copies : no_copies, "");
	if (!status) {
		while (!(status = lk_catalog_step(lake, stmt, &row, err)) && row)
			if ((status = check_row(c, stmt, tables, table_count, replace, err)))
				break;
		lk_catalog_done(lake, stmt);
	}
	lk_lake_close(lake);
	return status;
}

/* ---- writing ---- */

/* A table's row in the copy, and what it is a copy of. */
static enum lk_status write_row(const struct lk_copy_catalog *c, sqlite3 *db, const struct lk_copy_row *row, bool insert, struct lk_error *err)
{
	const char *const texts[] = {row->copied, row->catalog, row->namespace_name, row->name};
	const char *const names[] = {row->catalog, row->namespace_name};
	const char *const made[] = {row->catalog, row->namespace_name, row->name, c->from, row->location, row->copied};

	if (strlen(row->copied) > LK_LOCATION_MAX)
		return lk_error_set(err, LK_CANTCREATE, "'%s' is longer than the %d characters that a catalog holds", row->copied,
			LK_LOCATION_MAX);
	LK_TRY(run_sql(db, insert ? "INSERT INTO iceberg_tables(metadata_location, catalog_name, table_namespace, table_name) VALUES (?, ?, ?, ?)"
				    " ON CONFLICT DO UPDATE SET metadata_location = excluded.metadata_location,"
				    " previous_metadata_location = NULL"
				  : "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = NULL"
				    " WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?",
		texts, 4, err));
	if (insert)
		LK_TRY(run_sql(db, "INSERT OR IGNORE INTO iceberg_namespace_properties(catalog_name, namespace, property_key, property_value)"
				   " VALUES (?, ?, 'exists', 'true')", names, 2, err));
	return run_sql(db, "INSERT OR REPLACE INTO lk_copy_table VALUES (?, ?, ?, ?, ?, ?)", made, 6, err);
}

static enum lk_status write_marks(struct lk_copy_catalog *c, sqlite3 *db, struct lk_error *err)
{
	const char *const source[] = {c->from};

	if (c->parent_count)
		LK_TRY(run_script(db, "CREATE TABLE IF NOT EXISTS lk_parent(path TEXT NOT NULL PRIMARY KEY)", err));
	for (int i = 0; i < c->parent_count; i++)
		LK_TRY(run_sql(db, "INSERT OR IGNORE INTO lk_parent VALUES (?)", &c->parents[i], 1, err));
	return c->parent_count ? LK_OK : run_sql(db, "INSERT INTO lk_copy VALUES (?)", source, 1, err);
}

/* The catalog as the copy will have it. */
static enum lk_status change_all(struct lk_copy_catalog *c, struct lk_error *err)
{
	LK_TRY(run_script(c->db, "DROP TABLE IF EXISTS lk_shallow; DROP TABLE IF EXISTS lk_parent; DROP TABLE IF EXISTS lk_copy;"
				 " DROP TABLE IF EXISTS lk_copy_table;", err));
	LK_TRY(run_script(c->db, copy_ddl, err));
	for (size_t i = 0; i < c->count; i++) {
		const struct lk_copy_row *row = &c->rows[i];
		const char *const key[] = {row->catalog, row->namespace_name, row->name};

		if (row->left_out)
			LK_TRY(run_sql(c->db, "DELETE FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?",
				key, 3, err));
		else
			LK_TRY(write_row(c, c->db, row, false, err));
	}
	return write_marks(c, c->db, err);
}

static enum lk_status write_all(struct lk_copy_catalog *c, struct lk_lake *lake, struct lk_error *err)
{
	LK_TRY(change_all(c, err));
	return back_up(lake->db, c->db, err);
}

static enum lk_status write_some_impl(struct lk_copy_catalog *c, struct lk_lake *lake, struct lk_error *err)
{
	LK_TRY(run_script(lake->db, copy_ddl, err));
	for (size_t i = 0; i < c->count; i++)
		if (!c->rows[i].left_out)
			LK_TRY(write_row(c, lake->db, &c->rows[i], true, err));
	return c->exists ? LK_OK : write_marks(c, lake->db, err);
}

static enum lk_status write_some(struct lk_copy_catalog *c, struct lk_lake *lake, struct lk_error *err)
{
	enum lk_status status;

	LK_TRY(lk_catalog_begin(lake, err));
	status = write_some_impl(c, lake, err);
	if (!status)
		return lk_catalog_commit(lake, NULL, err);
	lk_catalog_rollback(lake);
	return status;
}

enum lk_status lk_copy_catalog_write(struct lk_copy_catalog *c, bool partial, struct lk_error *err)
{
	enum lk_status status;
	struct lk_lake *lake;
	int lock;

	LK_TRY(open_destination(c, LK_LAKE_CREATE | LK_LAKE_OVER, &lake, err));
	lock = lk_catalog_lock(lake);
	status = partial ? write_some(c, lake, err) : write_all(c, lake, err);
	if (lock >= 0)
		lk_catalog_unlock(lock);
	lk_lake_close(lake);
	return status ? status : lk_dir_sync(c->to, err);
}

void lk_copy_catalog_release(struct lk_copy_catalog *c)
{
	sqlite3_close(c->db);
	free(c->rows);
	lk_arena_release(&c->arena);
}
