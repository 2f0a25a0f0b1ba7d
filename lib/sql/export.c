#include "sql/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/lakedir.h"
#include "lake/lake.h"
#include "sql/view.h"

#define PRIVATE_NAMESPACE "quarantine"

/* All that a run holds. */
struct run {
	struct lk_export *e;
	struct lk_lake *lake;
	struct lk_pin pin;
	struct lk_sql *sql;
	struct lk_lake_at at;
	struct lk_str partial; /* the database under its temporary name */
};

static enum lk_status open_lake(struct run *run, struct lk_error *err)
{
	enum lk_status status;
	char *path;

	if (run->e->at)
		LK_TRY(lk_lake_at_parse(run->e->at, &run->at, err));
	LK_TRY(lk_lake_find(run->e->lake, &path, err));
	status = lk_lake_open(&run->lake, path, LK_LAKE_READONLY, err);
	free(path);
	return status ? status : lk_lake_pin(run->lake, &run->pin, err);
}

/* DIR/.NAME.<random>.tmp, which goes when the process ends. */
static enum lk_status name_partial(struct run *run, struct lk_error *err)
{
	const char *path = run->e->path, *base = lk_path_base(path);
	unsigned char random[8];
	char digits[2 * sizeof(random) + 1], *copy;
	struct stat st;

	LK_TRY(lk_lake_keep_out(path, err));
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return lk_error_set(err, LK_CANTCREATE, "'%s' is no plain file, which a database is", path);
	LK_TRY(lk_random(random, sizeof(random), err));
	lk_hex(random, sizeof(random), digits);
	lk_str_add(&run->partial, path, (size_t)(base - path));
	lk_str_addf(&run->partial, ".%s.%s.tmp", base, digits);
	LK_TRY(lk_str_check(&run->partial, err));
	copy = strdup(run->partial.data);
	if (!copy)
		return lk_error_nomem(err);
	lk_workspace_set_partial(run->e->workspace, copy);
	return LK_OK;
}

static enum lk_status attach(struct run *run, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;
	int fd = open(run->partial.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0) /* so that the reason is told as other outputs tell it */
		return lk_error_sys(err, errno == EACCES || errno == EPERM || errno == EROFS ? LK_NOPERM : LK_CANTCREATE, "cannot create '%s'",
			run->e->path);
	close(fd);
	LK_TRY(lk_remove(run->partial.data, err));
	lk_str_adds(&s, "ATTACH ");
	lk_sql_add_literal(&s, run->partial.data);
	lk_str_adds(&s, " AS lk_export; USE lk_export");
	status = lk_str_check(&s, err);
	if (!status)
		status = lk_sql_run(run->sql, s.data, err);
	lk_str_release(&s);
	return status;
}

/* To SQL, names that differ in letter case alone are one. */
static bool is_hidden(const struct lk_pin *pin, int table)
{
	for (int i = 0; i < table; i++)
		if (!strcasecmp(pin->tables[i].namespace_name, pin->tables[table].namespace_name) &&
			!strcasecmp(pin->tables[i].name, pin->tables[table].name))
			return true;
	return false;
}

static enum lk_status create_view(struct run *run, const struct lk_lake_table *t, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	lk_str_adds(&s, "CREATE SCHEMA IF NOT EXISTS ");
	lk_sql_add_identifier(&s, t->namespace_name);
	lk_str_adds(&s, "; CREATE VIEW ");
	lk_sql_add_identifier(&s, t->namespace_name);
	lk_str_addc(&s, '.');
	lk_sql_add_identifier(&s, t->name);
	lk_str_adds(&s, " AS ");
	status = lk_sql_add_rows(run->sql, t, &s, err);
	if (!status)
		status = lk_str_check(&s, err);
	if (!status && (status = lk_sql_run(run->sql, s.data, err)))
		lk_error_prefix(err, "table '%s.%s'", t->namespace_name, t->name);
	lk_str_release(&s);
	return status;
}

static enum lk_status add_table(struct run *run, int number, struct lk_error *err)
{
	struct lk_lake_table *t = &run->pin.tables[number];

	if (is_hidden(&run->pin, number))
		return lk_error_set(err, LK_DATA, "table '%s.%s' differs from another one in letter case alone", t->namespace_name, t->name);
	LK_TRY(lk_lake_table_load_at(&run->pin, t, run->e->at ? &run->at : NULL, 0, err));
	return create_view(run, t, err);
}

/* A table that cannot be read does not keep the others from being. */
static void add_tables(struct run *run)
{
	struct lk_error why;

	for (int i = 0; i < run->pin.table_count; i++) {
		if (!strcmp(run->pin.tables[i].namespace_name, PRIVATE_NAMESPACE))
			continue;
		if (!add_table(run, i, &why)) {
			run->e->views++;
			continue;
		}
		run->e->missing++;
		run->e->left_out("%s; it has no view", why.message);
	}
}

static enum lk_status detach(struct run *run, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	int fd;

	LK_TRY(lk_sql_run(run->sql, "USE memory; DETACH lk_export", err));
	fd = open(run->partial.data, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		status = lk_error_sys(err, LK_IO, "cannot sync '%s'", run->e->path);
	if (fd >= 0)
		close(fd);
	return status ? status : lk_rename(run->partial.data, run->e->path, err);
}

static enum lk_status export(struct run *run, struct lk_error *err)
{
	struct lk_sql_options options = {run->e->threads, run->e->memory_bytes, run->e->workspace->folder};

	LK_TRY(open_lake(run, err));
	LK_TRY(name_partial(run, err));
	LK_TRY(lk_sql_open(&run->sql, &options, err));
	LK_TRY(attach(run, err));
	add_tables(run);
	return detach(run, err);
}

enum lk_status lk_export_views(struct lk_export *e, struct lk_error *err)
{
	struct run run = {.e = e};
	enum lk_status status;

	e->views = e->missing = 0;
	status = export(&run, err);
	lk_sql_close(run.sql);
	if (status && run.partial.len)
		unlink(run.partial.data);
	lk_workspace_set_partial(e->workspace, NULL);
	lk_str_release(&run.partial);
	lk_pin_release(&run.pin);
	lk_lake_close(run.lake);
	return status;
}
