#include "tend/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/metadata.h"

#define MAX_DEPTH 64
#define STAGE_PREFIX ".stage-"
#define HINT "version-hint.text"

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len >= n && !strcmp(name + len - n, end);
}

enum lk_status lk_gc_add_problem(struct lk_gc *gc, const char *table, const char *text, struct lk_error *err)
{
	if (!lk_grow((void **)&gc->problems, &gc->problem_cap, gc->problem_count + 1, sizeof(*gc->problems)))
		return lk_error_nomem(err);
	gc->problems[gc->problem_count++] = (struct lk_gc_problem){table, lk_arena_strdup(&gc->live.arena, text)};
	return gc->problems[gc->problem_count - 1].text ? LK_OK : lk_error_nomem(err);
}

static enum lk_status add_folder(struct lk_gc *gc, const char *path, struct lk_error *err)
{
	if (!lk_grow((void **)&gc->folders, &gc->folder_cap, gc->folder_count + 1, sizeof(*gc->folders)))
		return lk_error_nomem(err);
	gc->folders[gc->folder_count++] = lk_arena_strdup(&gc->live.arena, path);
	return gc->folders[gc->folder_count - 1] ? LK_OK : lk_error_nomem(err);
}

static int64_t modified_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

/* ---- a file ---- */

static enum lk_status add_orphan(struct lk_gc_walk *w, const char *folder, const char *name, const struct stat *st,
	struct lk_error *err)
{
	struct lk_gc *gc = w->gc;
	struct lk_orphan *o;

	if (!lk_grow((void **)&gc->orphans, &gc->cap, gc->count + 1, sizeof(*gc->orphans)))
		return lk_error_nomem(err);
	o = &gc->orphans[gc->count];
	*o = (struct lk_orphan){.why = w->why, .table = w->table, .bytes = (int64_t)st->st_size, .modified_ms = modified_ms(st),
		.key = lk_filekey_of(st)};
	o->path = lk_arena_printf(&gc->live.arena, "%s/%s", folder, name);
	if (!o->path)
		return lk_error_nomem(err);
	gc->count++;
	return LK_OK;
}

/* Hadoop's checksum of a file lies beside it, and goes with it: the name of the file, or NULL when it is no such thing. */
static const char *checked_file(const char *name, char out[NAME_MAX + 1])
{
	if (*name != '.' || !ends_in(name, ".crc") || strlen(name) < 6)
		return NULL;
	snprintf(out, NAME_MAX + 1, "%.*s", (int)(strlen(name) - 5), name + 1);
	return out;
}

static bool is_alive(const struct lk_gc_walk *w, int folder, const char *name)
{
	char checked[NAME_MAX + 1];
	const char *other = checked_file(name, checked);
	struct stat st;

	if (other)
		name = other;
	if (w->why == LK_ORPHAN_UNNAMED && !strcmp(name, HINT))
		return true;
	if (fstatat(folder, name, &st, 0) < 0) /* through a link, as readers go */
		return false;
	if (S_ISDIR(st.st_mode) || lk_fileset_has(&w->gc->live.files, lk_filekey_of(&st)))
		return true;
	return other && modified_ms(&st) > w->cutoff_ms;
}

/* In a folder of no table only what looks like a table's file is taken for one. */
static bool looks_ours(const char *name)
{
	static const char *const ends[] = {".parquet", ".avro", ".orc", ".puffin", ".stats", ".metadata.json", ".crc", HINT};

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (ends_in(name, ends[i]))
			return true;
	return false;
}

/* ---- a folder ---- */

static enum lk_status walk_folder(struct lk_gc_walk *w, const char *path, int depth, struct lk_error *err);

static enum lk_status walk_entry(struct lk_gc_walk *w, int folder, const char *path, const char *name, int depth,
	struct lk_error *err)
{
	enum lk_status status;
	struct stat st;
	char *inner;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? LK_OK : lk_error_sys(err, LK_IO, "cannot look at '%s/%s'", path, name);
	if (!S_ISDIR(st.st_mode)) {
		if ((!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) || modified_ms(&st) > w->cutoff_ms || is_alive(w, folder, name))
			return LK_OK;
		if (w->why == LK_ORPHAN_DROPPED && !looks_ours(name))
			return LK_OK;
		return add_orphan(w, path, name, &st, err);
	}
	if (asprintf(&inner, "%s/%s", path, name) < 0)
		return lk_error_nomem(err);
	status = walk_folder(w, inner, depth + 1, err);
	free(inner);
	return status;
}

/* Each folder once; none that is fenced. */
static enum lk_status walk_folder(struct lk_gc_walk *w, const char *path, int depth, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	struct dirent *entry;
	bool fresh = false;
	struct stat st;
	DIR *dir;

	if (depth > MAX_DEPTH || lk_live_is_fenced(&w->gc->live, path))
		return LK_OK;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? LK_OK : lk_error_sys(err, LK_IO, "cannot read '%s'", path);
	if (fstat(dirfd(dir), &st) < 0)
		status = lk_error_sys(err, LK_IO, "cannot look at '%s'", path);
	if (!status)
		status = lk_fileset_add(&w->folders, lk_filekey_of(&st), &fresh, err);
	while (!status && fresh && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			status = walk_entry(w, dirfd(dir), path, entry->d_name, depth, err);
	closedir(dir);
	if (!status && fresh && w->why != LK_ORPHAN_UNNAMED) /* inner ones come first */
		status = add_folder(w->gc, path, err);
	return status;
}

/* ---- tables ---- */

/* Garbage is looked for in the lake's own folder only: other folders may be shared with who knows whom. */
static bool is_its_own(const struct lk_gc_walk *w, const char *folder)
{
	return folder && lk_path_is_in(folder, w->lake->path) && strcmp(folder, w->lake->path) != 0;
}

static enum lk_status walk_inner(struct lk_gc_walk *w, const char *location, const char *name, struct lk_error *err)
{
	enum lk_status status;
	char *path;

	if (asprintf(&path, "%s/%s", location, name) < 0)
		return lk_error_nomem(err);
	status = walk_folder(w, path, 0, err);
	free(path);
	return status;
}

enum lk_status lk_gc_walk_table(struct lk_gc_walk *w, const struct lk_live_table *t, struct lk_error *err)
{
	w->why = LK_ORPHAN_UNNAMED;
	w->table = lk_arena_printf(&w->gc->live.arena, "%s.%s", t->namespace_name, t->name);
	if (!w->table)
		return lk_error_nomem(err);
	if (is_its_own(w, t->data))
		LK_TRY(walk_folder(w, t->data, 0, err));
	if (is_its_own(w, t->metadata))
		LK_TRY(walk_folder(w, t->metadata, 0, err));
	if (!is_its_own(w, t->location))
		return LK_OK;
	LK_TRY(walk_inner(w, t->location, "data", err));
	return walk_inner(w, t->location, "metadata", err);
}

/* ---- folders of no table ---- */

static bool has(const char *folder, const char *name)
{
	struct stat st;
	char *path;
	bool found;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return false;
	found = lstat(path, &st) == 0;
	free(path);
	return found;
}

/* Whether something in a metadata folder, or the folder itself, was changed after the grace time began, or it is the work of a
 * catalog of files alone (v1.metadata.json), which is nobody's garbage. */
static bool is_in_use(const struct lk_gc_walk *w, const char *folder)
{
	struct dirent *entry;
	bool used = false;
	struct stat st;
	char *path;
	DIR *dir;

	if (asprintf(&path, "%s/metadata", folder) < 0)
		return true;
	dir = opendir(path);
	free(path);
	if (!dir)
		return errno != ENOENT;
	used = fstat(dirfd(dir), &st) < 0 || modified_ms(&st) > w->cutoff_ms;
	while (!used && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		used = fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && modified_ms(&st) > w->cutoff_ms;
		used |= *entry->d_name == 'v' && entry->d_name[1] >= '0' && entry->d_name[1] <= '9' &&
			ends_in(entry->d_name, ".metadata.json");
	}
	closedir(dir);
	return used;
}

static enum lk_status walk_unclaimed(struct lk_gc_walk *w, const char *folder, struct lk_error *err)
{
	if ((!has(folder, "metadata") && !has(folder, "data")) || is_in_use(w, folder))
		return LK_OK;
	w->why = LK_ORPHAN_DROPPED;
	w->table = lk_arena_strdup(&w->gc->live.arena, folder + strlen(w->lake->path) + 1);
	if (!w->table)
		return lk_error_nomem(err);
	LK_TRY(walk_inner(w, folder, "data", err));
	LK_TRY(walk_inner(w, folder, "metadata", err));
	return add_folder(w->gc, folder, err);
}

/* Namespaces, and folders of tables in them. A folder with a catalog is another lake. */
static enum lk_status search(struct lk_gc_walk *w, const char *path, int depth, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (depth > MAX_DEPTH || lk_live_is_fenced(&w->gc->live, path))
		return LK_OK;
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? LK_OK : lk_error_sys(err, LK_IO, "cannot read '%s'", path);
	while (!status && (entry = readdir(dir))) {
		char *inner;

		if (*entry->d_name == '.' || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode) ||
			lk_fileset_has(&w->folders, lk_filekey_of(&st)))
			continue;
		if (asprintf(&inner, "%s/%s", path, entry->d_name) < 0) {
			status = lk_error_nomem(err);
			break;
		}
		if (!has(inner, "catalog.db"))
			status = walk_unclaimed(w, inner, err);
		if (!status && !has(inner, "catalog.db"))
			status = search(w, inner, depth + 1, err);
		free(inner);
	}
	closedir(dir);
	return status;
}

/* Folders of tables are walked by now, or must not be: also the one above the metadata, wherever the table says that it is. */
static enum lk_status claim(struct lk_gc_walk *w, const char *folder, struct lk_error *err)
{
	struct stat st;

	return folder && stat(folder, &st) == 0 ? lk_fileset_add(&w->folders, lk_filekey_of(&st), NULL, err) : LK_OK;
}

static enum lk_status claim_above(struct lk_gc_walk *w, const char *path, struct lk_error *err)
{
	char *folder = path ? strdup(path) : NULL, *slash;
	enum lk_status status = LK_OK;

	for (int i = 0; folder && !status && i < 2 && (slash = strrchr(folder, '/')) && slash != folder; i++) {
		*slash = '\0';
		if (strcmp(folder, w->lake->path))
			status = claim(w, folder, err);
	}
	free(folder);
	return status;
}

static enum lk_status claim_all(struct lk_gc_walk *w, struct lk_error *err)
{
	const struct lk_live *live = &w->gc->live;

	for (size_t i = 0; i < live->table_count; i++) {
		LK_TRY(claim(w, live->tables[i].location, err));
		LK_TRY(claim(w, live->tables[i].data, err));
		LK_TRY(claim(w, live->tables[i].metadata, err));
		LK_TRY(claim_above(w, lk_uri_path(live->tables[i].metadata_location), err));
	}
	return LK_OK;
}

/* ---- staged runs ---- */

typedef enum lk_status stage_visitor(struct lk_gc_walk *w, const char *path, bool running, struct lk_error *err);

/* A run locks its folder as long as it lives. */
static bool is_locked(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool locked = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0;

	if (fd >= 0)
		close(fd);
	return locked;
}

static enum lk_status each_stage(struct lk_gc_walk *w, stage_visitor *visit, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	DIR *dir = opendir(w->lake->path);
	struct dirent *entry;
	char *path;

	if (!dir)
		return lk_error_sys(err, LK_IO, "cannot read '%s'", w->lake->path);
	while (!status && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, STAGE_PREFIX, strlen(STAGE_PREFIX)))
			continue;
		if (asprintf(&path, "%s/%s", w->lake->path, entry->d_name) < 0) {
			status = lk_error_nomem(err);
			break;
		}
		status = visit(w, path, is_locked(path), err);
		free(path);
	}
	closedir(dir);
	return status;
}

static enum lk_status spare_one(struct lk_gc_walk *w, const char *path, bool running, struct lk_error *err)
{
	return running ? lk_live_add_staged(&w->gc->live, path, err) : LK_OK;
}

enum lk_status lk_gc_spare_staged(struct lk_gc_walk *w, struct lk_error *err)
{
	return each_stage(w, spare_one, err);
}

static enum lk_status walk_stage(struct lk_gc_walk *w, const char *path, bool running, struct lk_error *err)
{
	struct stat st;

	if (running || stat(path, &st) < 0 || modified_ms(&st) > w->cutoff_ms)
		return LK_OK;
	w->why = LK_ORPHAN_STAGED;
	w->table = lk_arena_strdup(&w->gc->live.arena, lk_path_base(path));
	return w->table ? walk_folder(w, path, 0, err) : lk_error_nomem(err);
}

/* As long as a table is not understood nobody can tell which folders are its own: a lake that was moved has only such tables. */
static bool knows_all(const struct lk_live *live)
{
	for (size_t i = 0; i < live->table_count; i++)
		if (live->tables[i].problem)
			return false;
	return true;
}

enum lk_status lk_gc_walk_rest(struct lk_gc_walk *w, struct lk_error *err)
{
	LK_TRY(claim_all(w, err));
	if (knows_all(&w->gc->live))
		LK_TRY(search(w, w->lake->path, 0, err));
	return each_stage(w, walk_stage, err);
}
