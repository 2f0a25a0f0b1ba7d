#include "base/lakedir.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

/* Cuts the last component of path off. False when there is none. */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || !slash[1])
		return false;
	slash[slash == path] = '\0';
	return true;
}

char *lk_lake_above(const char *path)
{
	char *dir = strdup(path);

	while (dir) {
		struct lk_str file = LK_STR_INIT;
		bool found;

		lk_str_addf(&file, "%s/catalog.db", strcmp(dir, "/") ? dir : "");
		found = file.data && !access(file.data, F_OK);
		lk_str_release(&file);
		if (found)
			return dir;
		if (!go_up(dir))
			break;
	}
	free(dir);
	return NULL;
}

static enum lk_status keep_out(const char *resolved, const char *path, struct lk_error *err)
{
	char *lake = lk_lake_above(resolved);

	if (lake)
		lk_error_set(err, LK_NOPERM, "'%s' lies in the lake '%s', where only what is loaded is written", path, lake);
	free(lake);
	return lake ? LK_NOPERM : LK_OK;
}

/* The folders of path that are there, resolved; NULL when none is or memory ran out. malloc'd. */
static char *resolve_parent(const char *path)
{
	struct lk_str above = LK_STR_INIT;
	char *resolved = NULL;
	size_t len;

	lk_str_addf(&above, "%s%s", *path == '/' ? "" : "./", path);
	while (above.data && !resolved) {
		for (len = strlen(above.data); len && above.data[len - 1] == '/'; len--)
			;
		for (; len && above.data[len - 1] != '/'; len--)
			;
		if (!len)
			break;
		above.data[len] = '\0';
		resolved = realpath(above.data, NULL);
	}
	lk_str_release(&above);
	return resolved;
}

enum lk_status lk_lake_keep_out(const char *path, struct lk_error *err)
{
	char *resolved = realpath(path, NULL);
	enum lk_status status = resolved ? keep_out(resolved, path, err) : LK_OK;

	free(resolved);
	if (status)
		return status;
	resolved = resolve_parent(path);
	status = resolved ? keep_out(resolved, path, err) : LK_OK;
	free(resolved);
	return status;
}
