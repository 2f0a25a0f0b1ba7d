#include "tend/gc.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tool.h"
#include "base/value.h"
#include "lake/shallow.h"
#include "tend/named.h"
#include "tend/walk.h"

/* ---- finding ---- */

/* Every row of the catalog may be named, those of other catalogs' names too. */
static enum lk_status check_names(const struct lk_gc *gc, const struct lk_gc_options *o, struct lk_error *err)
{
	for (size_t i = 0; i < o->table_count; i++) {
		bool found = false;

		for (size_t j = 0; j < gc->live.table_count && !found; j++)
			found = lk_is_named(&o->tables[i], 1, gc->live.tables[j].namespace_name, gc->live.tables[j].name);
		if (!found)
			return lk_error_set(err, LK_NOINPUT, "there is no table '%s'", o->tables[i]);
	}
	return LK_OK;
}

static enum lk_status walk_table(struct lk_gc_walk *w, const struct lk_live_table *t, struct lk_error *err)
{
	const char *name = lk_arena_printf(&w->gc->live.arena, "%s.%s", t->namespace_name, t->name);

	if (!name)
		return lk_error_nomem(err);
	if (t->problem)
		return lk_gc_add_problem(w->gc, name, t->problem, err);
	if (t->view || t->kept)
		return LK_OK;
	if (t->location && lk_live_is_fenced(&w->gc->live, t->location))
		return lk_gc_add_problem(w->gc, name, "it lies in a folder that must be left alone", err);
	return lk_gc_walk_table(w, t, err);
}

static enum lk_status find(struct lk_gc *gc, struct lk_lake *lake, const struct lk_gc_options *o, int64_t cutoff_ms,
	struct lk_error *err)
{
	struct lk_gc_walk w = {.gc = gc, .lake = lake, .cutoff_ms = cutoff_ms};
	enum lk_status status = lk_gc_spare_staged(&w, err);

	for (size_t i = 0; !status && i < o->staged_count; i++)
		status = lk_live_add_staged(&gc->live, o->staged[i], err);
	for (size_t i = 0; !status && i < gc->live.table_count; i++)
		if (lk_is_named(o->tables, o->table_count, gc->live.tables[i].namespace_name, gc->live.tables[i].name))
			status = walk_table(&w, &gc->live.tables[i], err);
	if (!status && !o->table_count)
		status = lk_gc_walk_rest(&w, err);
	lk_fileset_release(&w.folders);
	return status;
}

/* Takes out what has become alive while the folders were walked. */
static enum lk_status recheck(struct lk_gc *gc, struct lk_lake *lake, struct lk_error *err)
{
	size_t kept;
	bool moved;

	do {
		LK_TRY(lk_live_refresh(&gc->live, lake, &moved, err));
	} while (moved);
	kept = 0;
	for (size_t i = 0; i < gc->count; i++)
		if (!lk_fileset_has(&gc->live.files, gc->orphans[i].key) && !lk_live_is_fenced(&gc->live, gc->orphans[i].path))
			gc->orphans[kept++] = gc->orphans[i];
	gc->count = kept;
	return LK_OK;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct lk_orphan *)a)->path, ((const struct lk_orphan *)b)->path);
}

/* ---- removing ---- */

static enum lk_status remove_all(struct lk_gc *gc, struct lk_lake *lake, struct lk_error *err)
{
	for (size_t i = 0; i < gc->count; i++)
		LK_TRY(lk_remove(gc->orphans[i].path, err));
	for (size_t i = 0; i < gc->folder_count; i++)
		LK_TRY(lk_remove_folder(gc->folders[i], err));
	for (int i = 0; i < gc->live.gone_count; i++)
		LK_TRY(lk_shallow_forget(lake, gc->live.gone[i], err));
	return LK_OK;
}

static enum lk_status run(struct lk_gc *gc, struct lk_lake *lake, const struct lk_gc_options *o, struct lk_error *err)
{
	int64_t cutoff_ms = lk_now_us() / 1000 - o->grace_ms;

	LK_TRY(lk_live_load(&gc->live, lake, o->grace_ms ? cutoff_ms : INT64_MAX, err));
	LK_TRY(check_names(gc, o, err));
	if (gc->live.problem)
		return lk_gc_add_problem(gc, "", gc->live.problem, err);
	LK_TRY(find(gc, lake, o, cutoff_ms, err));
	LK_TRY(recheck(gc, lake, err));
	if (gc->count)
		qsort(gc->orphans, gc->count, sizeof(*gc->orphans), by_path);
	for (size_t i = 0; i < gc->count; i++)
		gc->bytes += gc->orphans[i].bytes;
	return o->dry_run ? LK_OK : remove_all(gc, lake, err);
}

enum lk_status lk_gc_run(struct lk_gc *gc, struct lk_lake *lake, const struct lk_gc_options *options, struct lk_error *err)
{
	*gc = (struct lk_gc){.live = {.arena = LK_ARENA_INIT}};
	return run(gc, lake, options, err);
}

void lk_gc_release(struct lk_gc *gc)
{
	lk_live_release(&gc->live);
	free(gc->orphans);
	free(gc->problems);
	free(gc->folders);
	*gc = (struct lk_gc){.live = {.arena = LK_ARENA_INIT}};
}

/* ---- telling ---- */

static const char *const why_words[] = {"unnamed", "dropped", "staged"};

static void add_orphan(const struct lk_orphan *o, struct lk_str *out)
{
	struct lk_str path = LK_STR_INIT;
	char time[LK_VALUE_TEXT];

	lk_path_text(&path, o->path);
	lk_timestamp_text(o->modified_ms * 1000, true, true, time);
	lk_str_adds(out, "{\"table\":");
	lk_str_add_json(out, o->table, strlen(o->table));
	lk_str_adds(out, ",\"path\":");
	lk_str_add_json(out, lk_str_text(&path), path.len);
	lk_str_addf(out, ",\"bytes\":%lld,\"modified\":\"%s\",\"why\":\"%s\"}", (long long)o->bytes, time, why_words[o->why]);
	lk_str_release(&path);
}

enum lk_status lk_gc_json(const struct lk_gc *gc, const struct lk_gc_options *o, struct lk_str *out, struct lk_error *err)
{
	lk_str_addf(out, "{\"dry_run\":%s,\"files\":%zu,\"bytes\":%lld,\"orphans\":[", o->dry_run ? "true" : "false", gc->count,
		(long long)gc->bytes);
	for (size_t i = 0; i < gc->count; i++) {
		if (i)
			lk_str_addc(out, ',');
		add_orphan(&gc->orphans[i], out);
	}
	lk_str_adds(out, "],\"problems\":[");
	for (size_t i = 0; i < gc->problem_count; i++) {
		lk_str_adds(out, i ? ",{\"table\":" : "{\"table\":");
		lk_str_add_json(out, gc->problems[i].table, strlen(gc->problems[i].table));
		lk_str_adds(out, ",\"problem\":");
		lk_str_add_json(out, gc->problems[i].text, strlen(gc->problems[i].text));
		lk_str_addc(out, '}');
	}
	lk_str_adds(out, "]}\n");
	return lk_str_check(out, err);
}
