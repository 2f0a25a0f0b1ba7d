#include "ingest/find.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

struct finder {
	struct lk_found *found;
	const struct lk_find_options *options;
	struct identity {
		dev_t dev;
		ino_t ino;
	} * excluded;
	size_t excluded_count;
};

static bool is_excluded(const struct finder *f, const struct stat *st)
{
	for (size_t i = 0; i < f->excluded_count; i++)
		if (f->excluded[i].dev == st->st_dev && f->excluded[i].ino == st->st_ino)
			return true;
	return false;
}

static bool is_ignored(const struct finder *f, const char *relative)
{
	for (size_t i = 0; i < f->options->ignore_count; i++) {
		const char *glob = f->options->ignore[i];

		if (lk_glob_match(glob, strchr(glob, '/') ? relative : lk_path_base(relative)))
			return true;
	}
	return false;
}

static enum lk_status warn(struct finder *f, const char *path, int code, struct lk_error *err)
{
	char *message;

	if (asprintf(&message, "cannot read '%s': %s", path, strerror(code)) < 0)
		return lk_error_nomem(err);
	f->found->unread++;
	if (f->options->warn)
		f->options->warn(message, f->options->user);
	free(message);
	return LK_OK;
}

static int64_t microseconds(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void take_stat(struct lk_landed *d, const struct stat *st)
{
	d->size = st->st_size;
	d->modified_us = microseconds(st->st_mtim);
}

static enum lk_status take_text(struct lk_found *found, struct lk_landed *d, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	lk_path_text(&text, d->path);
	status = lk_str_check(&text, err);
	d->text = d->path;
	if (!status && strcmp(lk_str_text(&text), d->path))
		d->text = lk_arena_strdup(&found->arena, text.data);
	lk_str_release(&text);
	return status || d->text ? status : lk_error_nomem(err);
}

static enum lk_status add(struct finder *f, const struct lk_root *root, const char *path,
	const struct stat *st, struct lk_error *err)
{
	struct lk_found *found = f->found;
	struct lk_landed *d;
	char *copy = lk_arena_strdup(&found->arena, path);

	if (!copy || found->count >= UINT32_MAX ||
		!lk_grow((void **)&found->items, &found->cap, found->count + 1, sizeof(*found->items)))
		return lk_error_nomem(err);
	d = &found->items[found->count++];
	*d = (struct lk_landed){.path = copy, .root = root};
	LK_TRY(take_text(found, d, err));
	take_stat(d, st);
	d->relative = lk_path_base(copy);
	if (strcmp(copy, root->given))
		d->relative = copy + strlen(root->given) + (root->given[strlen(root->given) - 1] != '/');
	return LK_OK;
}

/* A time of change that is yet to come is one that somebody set: when that was done counts then. */
static bool has_settled(const struct finder *f, const struct stat *st)
{
	int64_t changed = microseconds(st->st_mtim);

	if (changed > f->options->now_us)
		changed = microseconds(st->st_ctim);
	return changed <= f->options->now_us - f->options->settle_us;
}

/* One entry of the walk. The root itself is neither ignored nor has it to settle: the user named it. */
static enum lk_status visit(struct finder *f, const struct lk_root *root, FTS *fts, FTSENT *e, struct lk_error *err)
{
	bool named = e->fts_level == FTS_ROOTLEVEL;

	switch (e->fts_info) {
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return e->fts_errno == ENOENT ? LK_OK : warn(f, e->fts_path, e->fts_errno, err);
	case FTS_D:
	case FTS_F:
		break;
	default:
		return LK_OK;
	}
	if (is_excluded(f, e->fts_statp)) {
		fts_set(fts, e, FTS_SKIP);
		return LK_OK;
	}
	if (!named && is_ignored(f, e->fts_path + strlen(root->given) +
				            (root->given[strlen(root->given) - 1] != '/'))) {
		f->found->ignored++;
		fts_set(fts, e, FTS_SKIP);
		return LK_OK;
	}
	if (e->fts_info == FTS_D)
		return LK_OK;
	if (!named && !has_settled(f, e->fts_statp)) {
		f->found->settling++;
		return LK_OK;
	}
	return add(f, root, e->fts_path, e->fts_statp, err);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum lk_status walk(struct finder *f, const struct lk_root *root, struct lk_error *err)
{
	char *paths[] = {(char *)root->given, NULL};
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	enum lk_status status = LK_OK;
	FTSENT *e;

	if (!fts)
		return lk_error_sys(err, LK_NOINPUT, "cannot read '%s'", root->given);
	while (!status && (errno = 0, e = fts_read(fts)))
		status = visit(f, root, fts, e, err);
	if (!status && errno)
		status = lk_error_sys(err, LK_IO, "cannot read '%s'", root->given);
	fts_close(fts);
	return status;
}

static enum lk_status make_root(struct lk_found *found, const char *path, struct lk_root **out, struct lk_error *err)
{
	struct lk_root *root = lk_arena_alloc(&found->arena, sizeof(*root));
	size_t len = strlen(path);
	char *absolute;
	struct stat st;

	if (!*path)
		return lk_error_set(err, LK_USAGE, "an empty path is no place for deliveries");
	if (stat(path, &st) < 0)
		return lk_error_sys(err, errno == EACCES ? LK_NOPERM : LK_NOINPUT, "cannot read '%s'", path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	LK_TRY(lk_path_absolute(path, &absolute, err));
	if (root) {
		root->given = lk_arena_strndup(&found->arena, path, len);
		root->absolute = lk_arena_strdup(&found->arena, absolute);
	}
	free(absolute);
	if (!root || !root->given || !root->absolute)
		return lk_error_nomem(err);
	*out = root;
	return LK_OK;
}

static enum lk_status find_impl(struct finder *f, const char *const *paths, size_t count, struct lk_error *err)
{
	struct lk_root **roots = lk_arena_alloc(&f->found->arena, (count + 1) * sizeof(struct lk_root *));
	struct stat st;

	f->excluded =
		lk_arena_alloc(&f->found->arena, (f->options->exclude_count + 1) * sizeof(*f->excluded));
	if (!roots || !f->excluded)
		return lk_error_nomem(err);
	for (size_t i = 0; i < f->options->exclude_count; i++)
		if (f->options->exclude[i] && stat(f->options->exclude[i], &st) == 0)
			f->excluded[f->excluded_count++] = (struct identity){st.st_dev, st.st_ino};
	/* All of them first, so that a misspelt path is told before any work is done. */
	for (size_t i = 0; i < count; i++)
		LK_TRY(make_root(f->found, paths[i], &roots[i], err));
	for (size_t i = 0; i < count; i++)
		LK_TRY(walk(f, roots[i], err));
	return LK_OK;
}

enum lk_status lk_find(struct lk_found *found, const char *const *paths, size_t path_count,
	const struct lk_find_options *options, struct lk_error *err)
{
	struct finder f = {.found = found, .options = options};
	enum lk_status status;

	*found = (struct lk_found){.arena = LK_ARENA_INIT};
	status = find_impl(&f, paths, path_count, err);
	if (status)
		lk_found_release(found);
	return status;
}

void lk_found_release(struct lk_found *found)
{
	free(found->items);
	lk_arena_release(&found->arena);
	*found = (struct lk_found){.arena = LK_ARENA_INIT};
}

bool lk_landed_changed(const struct lk_landed *d)
{
	struct stat st;

	return !stat(d->path, &st) && (st.st_size != d->size || microseconds(st.st_mtim) != d->modified_us);
}

void lk_landed_again(struct lk_landed *d)
{
	d->fate = LK_FATE_WAITING;
	d->sha256[0] = '\0';
	d->committed = d->set_aside = false;
}

enum lk_status lk_landed_absolute(const struct lk_landed *d, struct lk_str *out, struct lk_error *err)
{
	lk_str_clear(out);
	lk_str_adds(out, d->root->absolute);
	if (strcmp(d->path, d->root->given)) {
		if (out->len > 1)
			lk_str_addc(out, '/');
		lk_str_adds(out, d->relative);
	}
	return lk_str_check(out, err);
}
