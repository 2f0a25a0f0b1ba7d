#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/file.h"
#include "lake/metadata.h"
#include "tend/copy_files.h"

/* What of path follows the folder and its slash; NULL when it does not lie in it. */
static const char *below(const char *path, const char *folder)
{
	size_t len = folder ? strlen(folder) : 0;

	return len && !strncmp(path, folder, len) && path[len] == '/' ? path + len + 1 : NULL;
}

static enum lk_status local(const char *uri, const char **path, struct lk_error *err)
{
	*path = lk_uri_path(uri);
	return *path ? LK_OK : lk_error_set(err, LK_MISSING, "'%s' is not a local file; lk copies local tables only", uri);
}

/* Whether a path leads out of where it lies: metadata that others wrote must not say what is written outside of the copy. */
static bool climbs(const char *path)
{
	for (const char *at = path; (at = strstr(at, "..")); at += 2)
		if ((at == path || at[-1] == '/') && (!at[2] || at[2] == '/'))
			return true;
	return false;
}

static enum lk_status keep(char *text, const char **out, struct lk_error *err)
{
	*out = text;
	return text ? LK_OK : lk_error_nomem(err);
}

enum lk_status lk_copy_find(struct lk_copy *c, const char *uri, const char **path, struct lk_error *err)
{
	const char *rest;

	LK_TRY(local(uri, path, err));
	rest = below(*path, c->was);
	return rest ? keep(lk_arena_printf(&c->arena, "%s/%s", c->from, rest), path, err) : LK_OK;
}

enum lk_status lk_copy_map(struct lk_copy *c, const char *uri, const char **mapped, struct lk_error *err)
{
	const char *path, *rest;

	LK_TRY(local(uri, &path, err));
	rest = below(path, c->was ? c->was : c->from);
	if (!rest && c->was)
		rest = below(path, c->from);
	if (climbs(path) || climbs(c->namespace_name) || climbs(c->name))
		return lk_error_set(err, LK_DATA, "'%s' of table %s.%s leads upward: its copy would lie elsewhere", uri, c->namespace_name,
			c->name);
	if (rest)
		return keep(lk_arena_printf(&c->arena, "file://%s/%s", c->to, rest), mapped, err);
	/* It lies outside of the lake: among the table's data, under a name that no other file has. */
	return keep(lk_arena_printf(&c->arena, "file://%s/%s/%s/data/%016llx-%s", c->to, c->namespace_name, c->name,
			    (unsigned long long)XXH3_64bits(path, strlen(path)), lk_path_base(path)), mapped, err);
}
