#include "tend/purge.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lake/metadata.h"

/* ---- what the table leads to ---- */

struct gathering {
	struct lk_purge *p;
	struct lk_lake *lake;
	struct lk_fileset seen;
};

static enum lk_status add_path(struct gathering *g, const char *path, const struct stat *st, bool current, struct lk_error *err)
{
	struct lk_purge *p = g->p;
	struct lk_purge_file *f;
	bool fresh;

	LK_TRY(lk_fileset_add(&g->seen, lk_filekey_of(st), &fresh, err));
	if (!fresh)
		return LK_OK;
	if (!lk_grow((void **)&p->files, &p->cap, p->count + 1, sizeof(*p->files)))
		return lk_error_nomem(err);
	f = &p->files[p->count];
	*f = (struct lk_purge_file){lk_arena_strdup(&p->live.arena, path), (int64_t)st->st_size, lk_filekey_of(st), current};
	if (!f->path)
		return lk_error_nomem(err);
	if (lk_path_is_in(path, lk_lake_path(g->lake)))
		p->count++;
	else
		p->spared++;
	return LK_OK;
}

/* What is not there any more needs no removing. */
static enum lk_status gather(void *context, enum lk_reach_kind kind, const char *uri, struct lk_error *err)
{
	struct gathering *g = context;
	struct stat st;
	char *path = lk_live_find(uri, &st), *real = path ? realpath(path, NULL) : NULL;
	enum lk_status status = LK_OK;

	if (real && S_ISREG(st.st_mode))
		status = add_path(g, real, &st, kind == LK_REACH_METADATA && !strcmp(uri, g->p->table->location), err);
	free(path);
	free(real);
	return status;
}

/* The hint at the newest version lies beside the metadata, and nothing leads to it. */
static enum lk_status gather_hint(struct gathering *g, const json_t *root, struct lk_error *err)
{
	char *folder = lk_metadata_folder(root, true);
	struct lk_str uri = LK_STR_INIT;
	enum lk_status status;

	lk_str_addf(&uri, "%s/version-hint.text", folder ? folder : "");
	free(folder);
	status = lk_str_check(&uri, err);
	if (!status)
		status = gather(g, LK_REACH_STATISTICS, uri.data, err);
	lk_str_release(&uri);
	return status;
}

static enum lk_status gather_all(struct lk_purge *p, struct lk_lake *lake, struct lk_error *err)
{
	struct gathering g = {.p = p, .lake = lake};
	struct lk_reach reach = {.visit = gather, .context = &g, .deleted = true};
	enum lk_status status = lk_reach_table(&reach, p->table->root, p->table->location, err);

	if (!status)
		status = gather_hint(&g, p->table->root, err);
	lk_reach_release(&reach);
	lk_fileset_release(&g.seen);
	return status;
}

/* ---- what others lead to ---- */

static bool is_this(const struct lk_purge *p, const struct lk_live_table *t)
{
	return !strcmp(t->catalog, LK_CATALOG_NAME) && !strcmp(t->namespace_name, p->table->namespace_name) &&
	       !strcmp(t->name, p->table->name) && !strcmp(t->metadata_location, p->table->location);
}

/* The table itself will lead to nothing. */
static enum lk_status forget_table(void *context, const struct lk_live_table *t, json_t *root, struct lk_error *err)
{
	static const char *const lists[] = {"snapshots", "metadata-log", "statistics", "partition-statistics"};

	if (!is_this(context, t))
		return LK_OK;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (json_object_set_new(root, lists[i], json_array()))
			return lk_error_nomem(err);
	return LK_OK;
}

static enum lk_status refuse(const struct lk_purge *p, const char *why, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "table %s.%s is not dropped, as its files cannot be: %s", p->table->namespace_name,
		p->table->name, why);
}

static enum lk_status check_table(const struct lk_purge *p, struct lk_error *err)
{
	if (p->live.problem)
		return refuse(p, p->live.problem, err);
	for (size_t i = 0; i < p->live.table_count; i++) {
		const struct lk_live_table *t = &p->live.tables[i];

		if (is_this(p, t) && t->problem)
			return refuse(p, t->problem, err);
		if (is_this(p, t) && t->kept)
			return refuse(p, "it says gc.enabled=false", err);
		if (!is_this(p, t) && !strcmp(t->metadata_location, p->table->location))
			return refuse(p, "another table has the same metadata", err);
	}
	return LK_OK;
}

static void spare_live(struct lk_purge *p)
{
	size_t kept = 0;

	p->bytes = 0;
	for (size_t i = 0; i < p->count; i++) {
		const struct lk_purge_file *f = &p->files[i];

		if (lk_live_is_fenced(&p->live, f->path) || (!f->current && lk_fileset_has(&p->live.files, f->key))) {
			p->spared++;
			continue;
		}
		p->bytes += f->bytes;
		p->files[kept++] = *f;
	}
	p->count = kept;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct lk_purge_file *)a)->path, ((const struct lk_purge_file *)b)->path);
}

enum lk_status lk_purge_find(struct lk_purge *p, struct lk_lake *lake, const struct lk_table_change *table, struct lk_error *err)
{
	*p = (struct lk_purge){.live = {.arena = LK_ARENA_INIT, .edit = forget_table, .edit_context = p}, .table = table};
	LK_TRY(lk_live_load(&p->live, lake, INT64_MAX, err));
	LK_TRY(check_table(p, err));
	if (gather_all(p, lake, err))
		return lk_error_prefix(err, "table %s.%s is not dropped, as its files cannot be", table->namespace_name, table->name);
	spare_live(p);
	if (p->count)
		qsort(p->files, p->count, sizeof(*p->files), by_path);
	return LK_OK;
}

/* ---- removing ---- */

/* The folders around a file that are empty now, up to the lake's own. */
static enum lk_status remove_folders(const char *file, const char *lake, struct lk_error *err)
{
	char *folder = strdup(file), *slash;
	enum lk_status status = folder ? LK_OK : lk_error_nomem(err);

	while (!status && (slash = strrchr(folder, '/'))) {
		*slash = '\0';
		if (strlen(folder) <= strlen(lake))
			break;
		status = lk_remove_folder(folder, err);
	}
	free(folder);
	return status;
}

enum lk_status lk_purge_remove(struct lk_purge *p, struct lk_lake *lake, struct lk_error *err)
{
	bool moved;

	do
		LK_TRY(lk_live_refresh(&p->live, lake, &moved, err));
	while (moved);
	spare_live(p);
	for (size_t i = 0; i < p->count; i++)
		LK_TRY(lk_remove(p->files[i].path, err));
	for (size_t i = 0; i < p->count; i++)
		LK_TRY(remove_folders(p->files[i].path, lk_lake_path(lake), err));
	return LK_OK;
}

void lk_purge_release(struct lk_purge *p)
{
	lk_live_release(&p->live);
	free(p->files);
	*p = (struct lk_purge){.live = {.arena = LK_ARENA_INIT}};
}
