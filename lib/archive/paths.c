#include "archive/paths.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define LIST_MAX ((size_t)1 << 30)

enum lk_status lk_paths_add(struct lk_paths *paths, const char *path, struct lk_error *err)
{
	if (!lk_grow((void **)&paths->items, &paths->cap, paths->count + 1, sizeof(*paths->items)))
		return lk_error_nomem(err);
	paths->items[paths->count++] = path;
	return LK_OK;
}

static enum lk_status add_copy(struct lk_paths *paths, const char *path, size_t len, struct lk_error *err)
{
	const char *copy = lk_arena_strndup(&paths->arena, path, len);

	return copy ? lk_paths_add(paths, copy, err) : lk_error_nomem(err);
}

enum lk_status lk_paths_add_list(struct lk_paths *paths, const char *file, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status = lk_file_read(file, LIST_MAX, &text, err);
	const char *p = lk_str_text(&text), *end = p + text.len;
	char separator = memchr(p, '\0', text.len) ? '\0' : '\n';

	while (!status && p < end) {
		const char *next = memchr(p, separator, (size_t)(end - p));
		size_t len = (size_t)((next ? next : end) - p);

		if (len)
			status = add_copy(paths, p, len, err);
		p += len + 1;
	}
	lk_str_release(&text);
	return status;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum lk_status walk_tree(struct lk_paths *paths, FTS *tree, struct lk_error *err)
{
	for (FTSENT *e; (e = fts_read(tree));) {
		if (e->fts_level > 0 && *e->fts_name == '.') {
			fts_set(tree, e, FTS_SKIP);
			continue;
		}
		switch (e->fts_info) {
		case FTS_F:
			LK_TRY(add_copy(paths, e->fts_path, e->fts_pathlen, err));
			break;
		case FTS_DNR:
		case FTS_ERR:
		case FTS_NS:
			errno = e->fts_errno;
			return lk_error_sys(err, LK_NOINPUT, "cannot read '%s'", e->fts_path);
		default:
			break;
		}
	}
	return errno ? lk_error_sys(err, LK_IO, "cannot read folder") : LK_OK;
}

enum lk_status lk_paths_add_tree(struct lk_paths *paths, const char *path, struct lk_error *err)
{
	char *roots[] = {(char *)(uintptr_t)path, NULL};
	enum lk_status status;
	struct stat st;
	FTS *tree;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return lk_paths_add(paths, path, err);
	tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	if (!tree)
		return lk_error_sys(err, LK_NOINPUT, "cannot read '%s'", path);
	status = walk_tree(paths, tree, err);
	fts_close(tree);
	return status;
}

void lk_paths_release(struct lk_paths *paths)
{
	free(paths->items);
	lk_arena_release(&paths->arena);
	*paths = (struct lk_paths)LK_PATHS_INIT;
}
