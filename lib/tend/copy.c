#include "tend/copy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tool.h"
#include "lake/at.h"
#include "lake/metadata.h"
#include "lake/shallow.h"
#include "tend/copy_catalog.h"
#include "tend/copy_files.h"
#include "tend/live.h"
#include "tend/named.h"

/* All that a run holds. */
struct run {
	const struct lk_copy_options *o;
	struct lk_copy_report *report;
	struct lk_lake *source;
	struct lk_copy_catalog catalog;
	struct lk_copy copy;
};

/* ---- where ---- */

/* The absolute folder of the copy, which need not be there. */
static enum lk_status find_destination(struct run *run, struct lk_error *err)
{
	const struct lk_copy_options *o = run->o;
	enum lk_status status;
	char *path;

	if (!o->dry_run)
		LK_TRY(lk_mkdirs(o->destination, 0777, err));
	status = lk_path_absolute(o->destination, &path, err);
	if (status)
		return status;
	run->copy.to = lk_arena_strdup(&run->copy.arena, path);
	free(path);
	if (!run->copy.to)
		return lk_error_nomem(err);
	for (const char *p = run->copy.to; *p; p++)
		if (strchr("?#%", *p) || (unsigned char)*p < ' ')
			return lk_error_set(err, LK_CANTCREATE, "cannot make a lake in '%s': engines do not take a '%c' in a path for "
				"what it is", run->copy.to, (unsigned char)*p < ' ' ? '?' : *p);
	if (lk_path_is_in(run->copy.to, run->copy.from) || lk_path_is_in(run->copy.from, run->copy.to))
		return lk_error_set(err, LK_USAGE, "'%s' and '%s' lie in each other", o->source, o->destination);
	return LK_OK;
}

/*
 * A lake that was moved as it is (mv, rsync) names its files where they were: <was>/<namespace>/<table>/metadata/... of a table whose
 * metadata are not there, but in the same place below the source.
 */
static enum lk_status find_old_place(struct run *run, struct lk_error *err)
{
	struct lk_copy *c = &run->copy;

	for (size_t i = 0; i < run->catalog.count && !c->was; i++) {
		const char *path = lk_uri_path(run->catalog.rows[i].location);
		char *guess;
		bool there;

		if (!path || lk_path_is_in(path, c->from) || !access(path, F_OK))
			continue;
		for (const char *rest = strchr(path + 1, '/'); rest && !c->was; rest = strchr(rest + 1, '/')) {
			guess = lk_arena_printf(&c->arena, "%s%s", c->from, rest);
			if (!guess)
				return lk_error_nomem(err);
			there = !access(guess, F_OK);
			if (there && !(c->was = lk_arena_strndup(&c->arena, path, (size_t)(rest - path))))
				return lk_error_nomem(err);
		}
	}
	return LK_OK;
}

/* ---- tables ---- */

/* Only one snapshot of a table is left in its metadata. */
static enum lk_status keep_one(json_t *root, const struct lk_lake_at *at, struct lk_error *err)
{
	int64_t id, schema;
	json_t *snapshot;

	LK_TRY(lk_lake_at_resolve(root, lk_lake_at_of(root, at), &id, &schema, err));
	snapshot = json_deep_copy(lk_metadata_snapshot(root, id));
	if (!snapshot)
		return id < 0 ? LK_OK : lk_error_nomem(err);
	json_object_del(snapshot, "parent-snapshot-id");
	if (json_object_set_new(root, "snapshot-log", json_pack("[{s:I, s:I}]", "timestamp-ms",
			(json_int_t)lk_metadata_number(snapshot, "timestamp-ms", 0), "snapshot-id", (json_int_t)id)) ||
		json_object_set_new(root, "snapshots", json_pack("[o]", snapshot)) ||
		json_object_set_new(root, "refs",
			json_pack("{s:{s:I, s:s}}", "main", "snapshot-id", (json_int_t)id, "type", "branch")) ||
		lk_metadata_set(root, "current-snapshot-id", id) || (schema >= 0 && lk_metadata_set(root, "current-schema-id", schema)))
		return lk_error_nomem(err);
	json_object_set_new(root, "statistics", json_array());
	json_object_set_new(root, "partition-statistics", json_array());
	return LK_OK;
}

static enum lk_status leave_out(struct run *run, const char *name, const char *why, struct lk_error *err)
{
	struct lk_copy_report *r = run->report;

	if (!lk_grow((void **)&r->left_out, &r->left_out_cap, r->left_out_count + 1, sizeof(*r->left_out)))
		return lk_error_nomem(err);
	r->left_out[r->left_out_count] = lk_arena_printf(&r->arena, "%s is not copied: %s", name, why);
	return r->left_out[r->left_out_count++] ? LK_OK : lk_error_nomem(err);
}

static enum lk_status add_report(struct run *run, const struct lk_copy_row *row, struct lk_error *err)
{
	struct lk_copy_report *r = run->report;
	struct lk_copy_table *t;

	if (!lk_grow((void **)&r->tables, &r->table_cap, r->table_count + 1, sizeof(*r->tables)))
		return lk_error_nomem(err);
	t = &r->tables[r->table_count++];
	*t = (struct lk_copy_table){.name = lk_arena_printf(&r->arena, "%s.%s", row->namespace_name, row->name)};
	run->copy.table = t;
	run->copy.namespace_name = row->namespace_name;
	run->copy.name = row->name;
	return t->name ? LK_OK : lk_error_nomem(err);
}

static enum lk_status read_metadata(struct run *run, const struct lk_copy_row *row, json_t **root, struct lk_error *err)
{
	struct lk_str location = LK_STR_INIT;
	const char *path;
	enum lk_status status;

	LK_TRY(lk_copy_find(&run->copy, row->location, &path, err));
	lk_str_addf(&location, "file://%s", path);
	status = lk_str_check(&location, err);
	if (!status)
		status = lk_metadata_read(location.data, root, err);
	lk_str_release(&location);
	return status;
}

static enum lk_status copy_root(struct run *run, struct lk_copy_row *row, json_t *root, bool *absent, struct lk_error *err)
{
	struct lk_lake_at at;

	if (run->o->at) {
		LK_TRY(lk_lake_at_parse(run->o->at, &at, err));
		if (keep_one(root, &at, err)) {
			*absent = err->status == LK_DATA && !run->o->table_count;
			return err->status;
		}
	}
	return lk_copy_files(&run->copy, root, row->location, &row->copied, err);
}

static enum lk_status copy_table(struct run *run, struct lk_copy_row *row, struct lk_error *err)
{
	enum lk_status status;
	bool absent = false;
	json_t *root;

	LK_TRY(add_report(run, row, err));
	if (row->unchanged && !run->o->at) {
		run->copy.table->unchanged = true;
		row->copied = row->there;
		return LK_OK;
	}
	status = read_metadata(run, row, &root, err);
	if (!status) {
		status = copy_root(run, row, root, &absent, err);
		json_decref(root);
	}
	if (!absent)
		return status ? lk_error_prefix(err, "table %s", run->copy.table->name) : LK_OK;
	run->report->table_count--; /* it was not there then */
	row->left_out = true;
	return leave_out(run, run->copy.table->name, err->message, err);
}

static enum lk_status copy_tables(struct run *run, struct lk_error *err)
{
	for (size_t i = 0; i < run->catalog.count; i++) {
		struct lk_copy_row *row = &run->catalog.rows[i];
		char *name;

		if (!lk_is_named(run->o->tables, run->o->table_count, row->namespace_name, row->name)) {
			row->left_out = true;
			continue;
		}
		if (!row->view) {
			LK_TRY(copy_table(run, row, err));
			continue;
		}
		row->left_out = true;
		name = lk_arena_printf(&run->copy.arena, "%s.%s", row->namespace_name, row->name);
		LK_TRY(name ? leave_out(run, name, "it is a view", err) : lk_error_nomem(err));
	}
	return LK_OK;
}

static enum lk_status check_named(struct run *run, struct lk_error *err)
{
	for (size_t k = 0; k < run->o->table_count; k++) {
		bool found = false;

		for (size_t i = 0; i < run->catalog.count && !found; i++)
			found = lk_is_named(&run->o->tables[k], 1, run->catalog.rows[i].namespace_name, run->catalog.rows[i].name);
		if (!found)
			return lk_error_set(err, LK_NOINPUT, "there is no table '%s' in '%s'", run->o->tables[k], run->o->source);
	}
	return LK_OK;
}

/* ---- the whole ---- */

/* The lakes whose files the trial lake will share, this one first. */
static enum lk_status register_trial(struct run *run, struct lk_error *err)
{
	struct lk_copy_catalog *catalog = &run->catalog;
	const char **above;
	int count;

	LK_TRY(lk_shallow_parents(run->source, &run->copy.arena, &above, &count, err));
	catalog->parents = lk_arena_alloc(&run->copy.arena, ((size_t)count + 1) * sizeof(*catalog->parents));
	if (!catalog->parents)
		return lk_error_nomem(err);
	catalog->parents[catalog->parent_count++] = run->copy.from;
	for (int i = 0; i < count; i++)
		catalog->parents[catalog->parent_count++] = above[i];
	for (int i = 0; i < catalog->parent_count && !run->o->dry_run; i++) {
		struct lk_lake *parent;
		enum lk_status status;

		LK_TRY(lk_lake_open(&parent, catalog->parents[i], 0, err));
		status = lk_shallow_register(parent, run->copy.to, err);
		lk_lake_close(parent);
		LK_TRY(status);
	}
	return LK_OK;
}

static enum lk_status run_impl(struct run *run, struct lk_error *err)
{
	const struct lk_copy_options *o = run->o;
	bool partial = o->table_count || o->at;

	LK_TRY(lk_lake_open(&run->source, o->source, LK_LAKE_READONLY, err));
	LK_TRY(lk_catalog_check_whole(run->source, err));
	run->copy.from = lk_lake_path(run->source);
	LK_TRY(find_destination(run, err));
	LK_TRY(lk_copy_catalog_look(&run->catalog, run->copy.to, run->copy.from, err));
	if (o->shallow)
		LK_TRY(register_trial(run, err));
	LK_TRY(lk_copy_catalog_read(&run->catalog, run->source, err));
	LK_TRY(check_named(run, err));
	LK_TRY(lk_copy_catalog_check(&run->catalog, o->tables, o->table_count, o->replace, o->shallow, err));
	LK_TRY(find_old_place(run, err));
	LK_TRY(copy_tables(run, err));
	if (o->dry_run)
		return LK_OK;
	LK_TRY(lk_copy_sync(&run->copy, err));
	/* Again: the copying took its time, and others may have written to the destination. */
	LK_TRY(lk_copy_catalog_check(&run->catalog, o->tables, o->table_count, o->replace, o->shallow, err));
	return lk_copy_catalog_write(&run->catalog, partial, err);
}

enum lk_status lk_copy_run(const struct lk_copy_options *options, struct lk_copy_report *report, struct lk_error *err)
{
	struct run run = {.o = options, .report = report, .copy = {.options = options}};
	enum lk_status status;

	*report = (struct lk_copy_report){.arena = LK_ARENA_INIT};
	status = run_impl(&run, err);
	lk_copy_catalog_release(&run.catalog);
	lk_lake_close(run.source);
	lk_places_close(&run.copy.places);
	lk_fileset_release(&run.copy.done);
	lk_fileset_release(&run.copy.folders);
	lk_index_release(&run.copy.manifests);
	free(run.copy.growth);
	free(run.copy.folder_names);
	lk_arena_release(&run.copy.arena);
	return status;
}

void lk_copy_report_release(struct lk_copy_report *report)
{
	free(report->tables);
	free(report->left_out);
	lk_arena_release(&report->arena);
}
