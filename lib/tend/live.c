#include "tend/live.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lakedir.h"
#include "lake/metadata.h"
#include "lake/shallow.h"

#define METADATA_MAX ((size_t)1 << 30)

bool lk_path_is_in(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return !strncmp(path, folder, len) && (!path[len] || path[len] == '/' || (len && folder[len - 1] == '/'));
}

bool lk_live_is_fenced(const struct lk_live *live, const char *path)
{
	for (size_t i = 0; i < live->fence_count; i++)
		if (lk_path_is_in(path, live->fences[i]))
			return true;
	return false;
}

bool lk_live_is_ours(const struct lk_lake *lake, const char *path)
{
	char *folder, *slash, *above = NULL;
	bool ours = lk_path_is_in(path, lake->path);

	if (ours)
		return true;
	folder = strdup(path);
	slash = folder ? strrchr(folder, '/') : NULL;
	if (slash) {
		*slash = '\0';
		above = lk_lake_above(*folder ? folder : "/");
	}
	ours = slash && !above;
	free(above);
	free(folder);
	return ours;
}

/* ---- names to files ---- */

/* What %XX stands for, in place. */
static void percent_decode(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		char hex[3] = {s[0] == '%' ? s[1] : '\0', s[0] == '%' && s[1] ? s[2] : '\0', '\0'};

		*to = *s;
		if (isxdigit((unsigned char)hex[0]) && isxdigit((unsigned char)hex[1])) {
			*to = (char)strtol(hex, NULL, 16);
			s += 2;
		}
	}
	*to = '\0';
}

/* Some writers encode the characters of a path, and others do not: the file that is there is the one that is meant. */
char *lk_live_find(const char *uri, struct stat *st)
{
	const char *path = lk_uri_path(uri);
	char *found = path ? strdup(path) : NULL;

	if (!found || stat(found, st) == 0)
		return found;
	percent_decode(found);
	if (strcmp(found, path) && stat(found, st) == 0)
		return found;
	free(found);
	return NULL;
}

static bool find_file(const char *uri, struct stat *st)
{
	char *path = lk_live_find(uri, st);

	free(path);
	return path != NULL;
}

/* Earlier metadata and statistics may be gone; all else must be there. */
static enum lk_status add_file(void *context, enum lk_reach_kind kind, const char *uri, struct lk_error *err)
{
	struct lk_live *live = context;
	struct stat st;

	if (find_file(uri, &st))
		return lk_fileset_add(&live->files, lk_filekey_of(&st), NULL, err);
	if (lk_uri_path(uri) && (kind == LK_REACH_METADATA || kind == LK_REACH_STATISTICS))
		return LK_OK;
	return lk_error_set(err, LK_DATA, "'%s' is named by it and cannot be found", uri);
}

/* ---- folders ---- */

/* The real path of a folder, into the arena; NULL when it is not there, or not local. */
static const char *real_folder(struct lk_live *live, const char *uri)
{
	const char *path = uri ? lk_uri_path(uri) : NULL, *kept;
	char *real = path ? realpath(path, NULL) : NULL;

	kept = real ? lk_arena_strdup(&live->arena, real) : NULL;
	free(real);
	return kept;
}

static enum lk_status add_fence(struct lk_live *live, const char *folder, struct lk_error *err)
{
	if (!folder)
		return LK_OK;
	if (!lk_grow((void **)&live->fences, &live->fence_cap, live->fence_count + 1, sizeof(*live->fences)))
		return lk_error_nomem(err);
	live->fences[live->fence_count++] = folder;
	return LK_OK;
}

static enum lk_status fence_table(struct lk_live *live, const struct lk_live_table *t, struct lk_error *err)
{
	LK_TRY(add_fence(live, t->location, err));
	LK_TRY(add_fence(live, t->data, err));
	return add_fence(live, t->metadata, err);
}

static enum lk_status find_folders(struct lk_live *live, struct lk_live_table *t, const json_t *root, struct lk_error *err)
{
	char *data = lk_metadata_folder(root, false), *metadata = lk_metadata_folder(root, true);

	if (data && metadata) {
		t->location = real_folder(live, lk_metadata_text(root, "location"));
		t->data = real_folder(live, data);
		t->metadata = real_folder(live, metadata);
	}
	free(data);
	free(metadata);
	return data && metadata ? LK_OK : lk_error_nomem(err);
}

/* Of what cannot be read otherwise: two levels above its metadata, and what it may say itself. */
static enum lk_status guess_folders(struct lk_live *live, struct lk_live_table *t, struct lk_error *err)
{
	const char *path = lk_uri_path(t->metadata_location);
	struct lk_str text = LK_STR_INIT;
	enum lk_status status = LK_OK;
	char *folder, *slash;
	json_t *root = NULL;

	if (!path)
		return LK_OK;
	if (!lk_file_read(path, METADATA_MAX, &text, NULL))
		root = json_loadb(lk_str_text(&text), text.len, 0, NULL);
	lk_str_release(&text);
	if (json_is_object(root))
		status = find_folders(live, t, root, err);
	json_decref(root);
	if (status || t->location)
		return status;
	folder = strdup(path);
	if (!folder)
		return lk_error_nomem(err);
	for (int i = 0; i < 2 && (slash = strrchr(folder, '/')); i++)
		*slash = '\0';
	t->location = *folder ? real_folder(live, folder) : NULL;
	free(folder);
	return LK_OK;
}

/* ---- tables ---- */

static enum lk_status load_metadata(struct lk_live *live, struct lk_live_table *t, json_t *root, struct lk_error *err)
{
	struct lk_reach reach = {.visit = add_file, .context = live};
	const char *enabled = lk_metadata_property(root, "gc.enabled");
	enum lk_status status;

	LK_TRY(find_folders(live, t, root, err));
	t->kept = enabled && !strcasecmp(enabled, "false");
	if (lk_metadata_version(root) > 2)
		return lk_error_set(err, LK_MISSING, "it is of Iceberg format v%d; lk removes files of v1 and v2 only",
			lk_metadata_version(root));
	if (live->edit)
		LK_TRY(live->edit(live->edit_context, t, root, err));
	status = lk_reach_table(&reach, root, t->metadata_location, err);
	lk_reach_release(&reach);
	return status;
}

/* A lake that was copied as plain files still means the files of the other one. */
static enum lk_status check_place(const struct lk_lake *lake, const struct lk_live_table *t, struct lk_error *err)
{
	const char *path = lk_uri_path(t->metadata_location);
	char *real = path ? realpath(path, NULL) : NULL;
	enum lk_status status = LK_OK;

	if (real && !lk_live_is_ours(lake, real))
		status = lk_error_set(err, LK_DATA, "its metadata lie in another lake, '%s', of which this one is a copy", real);
	free(real);
	return status;
}

/* Views have no files but their own metadata. */
static enum lk_status load_table(struct lk_live *live, const struct lk_lake *lake, struct lk_live_table *t, struct lk_error *err)
{
	struct lk_error why = {0};
	enum lk_status status = LK_OK;
	json_t *root = NULL;

	if (!t->view) {
		status = check_place(lake, t, &why);
		if (!status)
			status = lk_metadata_read(t->metadata_location, &root, &why);
		if (!status)
			status = load_metadata(live, t, root, &why);
		json_decref(root);
		if (!status)
			return t->kept ? fence_table(live, t, err) : LK_OK;
		if (!(t->problem = lk_arena_strdup(&live->arena, why.message)))
			return lk_error_nomem(err);
	}
	if (!t->location)
		LK_TRY(guess_folders(live, t, err));
	return fence_table(live, t, err);
}

static enum lk_status add_row(struct lk_live *live, sqlite3_stmt *stmt, struct lk_error *err)
{
	struct lk_live_table *t;

	if (!lk_grow((void **)&live->tables, &live->table_cap, live->table_count + 1, sizeof(*t)))
		return lk_error_nomem(err);
	t = &live->tables[live->table_count++];
	*t = (struct lk_live_table){.catalog = lk_arena_strdup(&live->arena, lk_catalog_text(stmt, 0)),
		.namespace_name = lk_arena_strdup(&live->arena, lk_catalog_text(stmt, 1)),
		.name = lk_arena_strdup(&live->arena, lk_catalog_text(stmt, 2)),
		.metadata_location = lk_arena_strdup(&live->arena, lk_catalog_text(stmt, 3)),
		.view = !strcmp(lk_catalog_text(stmt, 4), "VIEW")};
	return t->catalog && t->namespace_name && t->name && t->metadata_location ? LK_OK : lk_error_nomem(err);
}

/* All rows, whatever the name of their catalog: several may share the database, and the folders. */
static enum lk_status list_tables(struct lk_live *live, struct lk_lake *lake, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	LK_TRY(lk_catalog_check_whole(lake, err));
	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		lake->has_type
			? "SELECT catalog_name, table_namespace, table_name, metadata_location, iceberg_type FROM iceberg_tables"
			  " ORDER BY 1, 2, 3"
			: "SELECT catalog_name, table_namespace, table_name, metadata_location, NULL FROM iceberg_tables"
			  " ORDER BY 1, 2, 3",
		""));
	while (!(status = lk_catalog_step(lake, stmt, &row, err)) && row)
		if ((status = add_row(live, stmt, err)))
			break;
	lk_catalog_done(lake, stmt);
	return status;
}

static enum lk_status load_tables(struct lk_live *live, struct lk_lake *lake, struct lk_error *err)
{
	size_t first = live->table_count;

	LK_TRY(list_tables(live, lake, err));
	for (size_t i = first; i < live->table_count; i++)
		LK_TRY(load_table(live, lake, &live->tables[i], err));
	return LK_OK;
}

/* ---- trial lakes ---- */

static enum lk_status say_problem(struct lk_live *live, const char *path, const char *what, struct lk_error *err)
{
	live->problem = lk_arena_printf(&live->arena, "the trial lake '%s' %s; nothing is removed", path, what);
	return live->problem ? LK_OK : lk_error_nomem(err);
}

/* Its tables are not ours to tend: what they lead to is alive, and where one is not understood nothing may go. */
static enum lk_status load_trial(struct lk_live *live, const char *path, struct lk_error *err)
{
	struct lk_error why = {0};
	struct lk_live its = {0};
	struct lk_lake *lake;
	enum lk_status status;

	if (lk_lake_open(&lake, path, LK_LAKE_READONLY, &why))
		return say_problem(live, path, "cannot be opened", err);
	its.files = live->files;
	status = lake->has_tables ? load_tables(&its, lake, err) : say_problem(live, path, "has an empty catalog", err);
	live->files = its.files;
	its.files = (struct lk_fileset){0};
	for (size_t i = 0; !status && i < its.table_count && !live->problem; i++)
		if (its.tables[i].problem)
			status = say_problem(live, path, "has a table that cannot be read", err);
	lk_live_release(&its);
	lk_lake_close(lake);
	return status;
}

static enum lk_status load_trials(struct lk_live *live, struct lk_lake *lake, struct lk_error *err)
{
	struct lk_shallow *list;
	const char **parents;
	int count, parent_count;

	LK_TRY(lk_shallow_list(lake, &live->arena, &list, &count, err));
	live->gone = lk_arena_alloc(&live->arena, ((size_t)count + 1) * sizeof(*live->gone));
	if (!live->gone)
		return lk_error_nomem(err);
	for (int i = 0; i < count && !live->problem; i++)
		if (list[i].state == LK_SHALLOW_THERE)
			LK_TRY(load_trial(live, list[i].path, err));
		else if (list[i].state == LK_SHALLOW_GONE)
			live->gone[live->gone_count++] = list[i].path;
		else
			LK_TRY(say_problem(live, list[i].path, "is being made, or was removed less than a day after it was", err));
	LK_TRY(lk_shallow_parents(lake, &live->arena, &parents, &parent_count, err));
	for (int i = 0; i < parent_count; i++) /* a trial lake may lie inside of its parent: then that is its own folder */
		if (!lk_path_is_in(lake->path, parents[i]))
			LK_TRY(add_fence(live, real_folder(live, parents[i]), err));
	return LK_OK;
}

/* ---- what readers may still read ---- */

#define LIST_PREFIX "snap-"

struct list_name {
	int64_t snapshot_id;
	bool young;
	const char *path;
};

struct recent {
	struct lk_live *live;
	struct list_name *lists;
	size_t count, cap;
	int64_t since_ms;
};

static enum lk_status note_list(struct recent *r, const char *folder, const char *name, struct lk_error *err)
{
	struct list_name list = {0};
	struct stat st;
	char *end;

	list.snapshot_id = strtoll(name + strlen(LIST_PREFIX), &end, 10);
	list.path = lk_arena_printf(&r->live->arena, "%s/%s", folder, name);
	if (!list.path)
		return lk_error_nomem(err);
	if (*end != '-' || stat(list.path, &st) < 0)
		return LK_OK;
	list.young = (int64_t)st.st_mtim.tv_sec * 1000 >= r->since_ms;
	if (!lk_grow((void **)&r->lists, &r->cap, r->count + 1, sizeof(*r->lists)))
		return lk_error_nomem(err);
	r->lists[r->count++] = list;
	return LK_OK;
}

static int by_snapshot(const void *a, const void *b)
{
	int64_t x = ((const struct list_name *)a)->snapshot_id, y = ((const struct list_name *)b)->snapshot_id;

	return (x > y) - (x < y);
}

/* What a list leads to, as far as it can be read: it may be half of what a writer is writing, or have lost files long ago. */
static enum lk_status add_recent_file(void *context, enum lk_reach_kind kind, const char *uri, struct lk_error *err)
{
	struct lk_live *live = context;
	struct stat st;

	(void)kind;
	return find_file(uri, &st) ? lk_fileset_add(&live->files, lk_filekey_of(&st), NULL, err) : LK_OK;
}

/*
 * Each commit writes a list, and the snapshot before it was current until then: so what a reader saw who came since some moment is in
 * a list written since then, or in the parent of one.
 */
static enum lk_status add_lists(struct recent *r, struct lk_error *err)
{
	struct lk_reach reach = {.visit = add_recent_file, .context = r->live, .missing_ok = true};
	enum lk_status status = LK_OK;

	qsort(r->lists, r->count, sizeof(*r->lists), by_snapshot);
	for (size_t i = 0; !status && i < r->count; i++) {
		struct list_name key = {0}, *parent = NULL;

		if (!r->lists[i].young)
			continue;
		status = lk_reach_list(&reach, r->lists[i].path, NULL) == LK_MISSING ? lk_error_nomem(err) : LK_OK;
		if (!status && !lk_manifest_list_parent(r->lists[i].path, &key.snapshot_id, NULL) && key.snapshot_id >= 0)
			parent = bsearch(&key, r->lists, r->count, sizeof(*r->lists), by_snapshot);
		if (parent && lk_reach_list(&reach, parent->path, NULL) == LK_MISSING)
			status = lk_error_nomem(err);
	}
	lk_reach_release(&reach);
	return status;
}

static enum lk_status add_recent(struct lk_live *live, const char *folder, int64_t since_ms, struct lk_error *err)
{
	struct recent r = {.live = live, .since_ms = since_ms};
	enum lk_status status = LK_OK;
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? LK_OK : lk_error_sys(err, LK_IO, "cannot read '%s'", folder);
	while (!status && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, LIST_PREFIX, strlen(LIST_PREFIX)))
			status = note_list(&r, folder, entry->d_name, err);
	closedir(dir);
	if (!status && r.count)
		status = add_lists(&r, err);
	free(r.lists);
	return status;
}

/* ---- all of it ---- */

enum lk_status lk_live_load(struct lk_live *live, struct lk_lake *lake, int64_t since_ms, struct lk_error *err)
{
	enum lk_status status;

	status = load_tables(live, lake, err);
	if (!status)
		status = load_trials(live, lake, err);
	for (size_t i = 0; !status && since_ms < INT64_MAX && i < live->table_count; i++)
		if (!live->tables[i].view && !live->tables[i].problem && live->tables[i].metadata)
			status = add_recent(live, live->tables[i].metadata, since_ms, err);
	if (status)
		lk_live_release(live);
	return status;
}

static const struct lk_live_table *same_row(const struct lk_live *live, const struct lk_live_table *t)
{
	for (size_t i = live->table_count; i > 0; i--) { /* the last is the newest */
		const struct lk_live_table *l = &live->tables[i - 1];

		if (!strcmp(l->catalog, t->catalog) && !strcmp(l->namespace_name, t->namespace_name) && !strcmp(l->name, t->name))
			return l;
	}
	return NULL;
}

enum lk_status lk_live_refresh(struct lk_live *live, struct lk_lake *lake, bool *moved, struct lk_error *err)
{
	struct lk_live now = {.arena = LK_ARENA_INIT};
	enum lk_status status = list_tables(&now, lake, err);

	*moved = false;
	for (size_t i = 0; !status && i < now.table_count; i++) {
		const struct lk_live_table *before = same_row(live, &now.tables[i]);
		struct lk_live_table t = now.tables[i];

		if (before && !strcmp(before->metadata_location, t.metadata_location))
			continue;
		*moved = true;
		if (!lk_grow((void **)&live->tables, &live->table_cap, live->table_count + 1, sizeof(t))) {
			status = lk_error_nomem(err);
			break;
		}
		t.catalog = lk_arena_strdup(&live->arena, t.catalog);
		t.namespace_name = lk_arena_strdup(&live->arena, t.namespace_name);
		t.name = lk_arena_strdup(&live->arena, t.name);
		t.metadata_location = lk_arena_strdup(&live->arena, t.metadata_location);
		if (!t.catalog || !t.namespace_name || !t.name || !t.metadata_location) {
			status = lk_error_nomem(err);
			break;
		}
		live->tables[live->table_count++] = t;
		status = load_table(live, lake, &live->tables[live->table_count - 1], err);
	}
	lk_live_release(&now);
	return status;
}

static enum lk_status add_described(struct lk_live *live, const char *path, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status = lk_file_read(path, METADATA_MAX, &text, err);
	json_t *root = status ? NULL : json_loadb(lk_str_text(&text), text.len, 0, NULL), *table, *file;
	struct stat st;
	size_t i, j;

	lk_str_release(&text);
	json_array_foreach(json_object_get(root, "tables"), i, table)
		json_array_foreach(json_object_get(table, "files"), j, file) {
			const char *uri = json_string_value(json_object_get(file, "path"));

			if (!status && uri && find_file(uri, &st))
				status = lk_fileset_add(&live->files, lk_filekey_of(&st), NULL, err);
		}
	json_decref(root);
	return status;
}

enum lk_status lk_live_add_staged(struct lk_live *live, const char *folder, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char *path;

	if (!dir)
		return lk_error_sys(err, LK_NOINPUT, "cannot read '%s'", folder);
	while (!status && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (len < 5 || strcmp(entry->d_name + len - 5, ".json"))
			continue;
		if (asprintf(&path, "%s/%s", folder, entry->d_name) < 0) {
			status = lk_error_nomem(err);
			break;
		}
		status = add_described(live, path, err);
		free(path);
	}
	closedir(dir);
	return status;
}

void lk_live_release(struct lk_live *live)
{
	lk_arena_release(&live->arena);
	lk_fileset_release(&live->files);
	free(live->tables);
	free(live->fences);
	*live = (struct lk_live){.arena = LK_ARENA_INIT};
}
