#include "lake/lake.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lakedir.h"
#include "lake/catalog.h"

/* ---- finding and opening ---- */

/* The nearest folder upward that holds a catalog.db; NULL when there is none. malloc'd. */
static char *find_upward(void)
{
	char *here = realpath(".", NULL), *lake = here ? lk_lake_above(here) : NULL;

	free(here);
	return lake;
}

enum lk_status lk_lake_find(const char *option, char **path, struct lk_error *err)
{
	const char *given = option ? option : getenv("LK_LAKE");

	if (given && *given) {
		*path = strdup(given);
		return *path ? LK_OK : lk_error_nomem(err);
	}
	*path = find_upward();
	if (*path)
		return LK_OK;
	return lk_error_set(err, LK_USAGE, "no lake: name one with -l or LK_LAKE, or go into a folder of one");
}

/* Characters that engines take for something else in a location, or that cannot stand in one line. */
static enum lk_status check_path(const char *path, struct lk_error *err)
{
	for (const char *p = path; *p; p++)
		if (strchr("?#%", *p) || (unsigned char)*p < ' ')
			return lk_error_set(err, LK_CANTCREATE,
				"cannot create a lake in '%s': engines do not take a '%c' in a path for what it is", path,
				(unsigned char)*p < ' ' ? '?' : *p);
	return LK_OK;
}

static bool is_empty(const char *file)
{
	struct stat st;

	return stat(file, &st) || !st.st_size;
}

/*
 * Whether the folder has metadata of tables as catalogs name them, and a catalog.db that is not there or empty. Of a lake that another
 * process makes meanwhile, the catalog is there before the tables: so it is looked at again behind them.
 */
static bool has_lost_catalog(const char *path, const char *file)
{
	struct lk_str pattern = LK_STR_INIT;
	glob_t found = {0};
	bool lost;

	if (!is_empty(file))
		return false;
	for (const char *p = path; *p; p++)
		lk_str_addf(&pattern, strchr("*?[\\", *p) ? "\\%c" : "%c", *p);
	lk_str_addf(&pattern, "/*/*/metadata/[0-9]*-*.metadata.json");
	lost = pattern.data && !glob(pattern.data, GLOB_NOSORT, NULL, &found) && is_empty(file);
	globfree(&found);
	lk_str_release(&pattern);
	return lost;
}

static enum lk_status open_at(struct lk_lake *lake, const char *path, unsigned flags, struct lk_error *err)
{
	struct lk_str file = LK_STR_INIT;
	bool there, lost;

	if (flags & LK_LAKE_CREATE)
		LK_TRY(lk_mkdirs(path, 0777, err));
	LK_TRY(lk_path_absolute(path, &lake->path, err));
	lk_str_addf(&file, "%s/catalog.db", lake->path);
	there = file.data && !access(file.data, F_OK);
	lost = file.data && (flags & LK_LAKE_CREATE) && !(flags & LK_LAKE_OVER) && has_lost_catalog(lake->path, file.data);
	lk_str_release(&file);
	if (!there && !(flags & LK_LAKE_CREATE))
		return lk_error_set(err, LK_NOINPUT, "there is no lake in '%s': it has no catalog.db", path);
	if (lost)
		return lk_error_set(err, LK_CANTCREATE,
			"'%s' has tables, and its catalog.db, which names them, is %s: it is lost; copy the lake back from a backup with"
			" lk-copy, or name a new folder",
			path, there ? "empty" : "not there");
	if (!there)
		LK_TRY(check_path(lake->path, err));
	return lk_catalog_open(lake, flags, err);
}

enum lk_status lk_lake_open(struct lk_lake **out, const char *path, unsigned flags, struct lk_error *err)
{
	struct lk_lake *lake = calloc(1, sizeof(*lake));
	enum lk_status status;

	*out = NULL;
	if (!lake)
		return lk_error_nomem(err);
	status = open_at(lake, path, flags, err);
	if (status)
		lk_lake_close(lake);
	else
		*out = lake;
	return status;
}

enum lk_status lk_lake_open_found(struct lk_lake **out, const char *option, unsigned flags, struct lk_error *err)
{
	enum lk_status status;
	char *path;

	*out = NULL;
	LK_TRY(lk_lake_find(option, &path, err));
	status = lk_lake_open(out, path, flags, err);
	free(path);
	return status;
}

void lk_lake_close(struct lk_lake *lake)
{
	if (!lake)
		return;
	lk_catalog_close(lake);
	free(lake->path);
	free(lake);
}

enum lk_status lk_lake_with(const char *option, unsigned flags, lk_lake_work *work, struct lk_error *err)
{
	struct lk_lake *lake;
	enum lk_status status;

	LK_TRY(lk_lake_open_found(&lake, option, flags, err));
	status = work(lake, err);
	lk_lake_close(lake);
	return status;
}

const char *lk_lake_path(const struct lk_lake *lake)
{
	return lake->path;
}
