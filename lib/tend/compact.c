#include "tend/compact.h"

#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "lake/metadata.h"
#include "lake/types.h"
#include "sql/workspace.h"
#include "stream/side.h"
#include "tend/named.h"
#include "tend/rewrite.h"
#include "tend/versions.h"

#define ROUNDS 5 /* of planning anew what was lost to other writers */

/* When what was written is committed: after so many bytes read, files, or milliseconds. */
#define BATCH_BYTES (INT64_C(512) << 20)
#define BATCH_FILES 5000
#define BATCH_MS 10000

/* One table at work. */
struct work {
	struct lk_compact *c;
	struct lk_lake *lake;
	struct lk_sql *sql; /* opened when there is something to write */
	struct lk_workspace workspace;
	bool has_workspace;
	const struct lk_compact_options *o;
	struct lk_compact_table *t;
	const char *name; /* "ns.table" */
	int64_t done_bytes, all_bytes;
};

static enum lk_status open_sql(struct work *w, struct lk_error *err)
{
	struct lk_sql_options options = {.threads = w->o->threads, .memory_bytes = w->o->memory_bytes};

	if (w->sql)
		return LK_OK;
	if (!w->has_workspace) {
		LK_TRY(lk_workspace_init(&w->workspace, err));
		w->has_workspace = true;
	}
	options.scratch = w->workspace.folder;
	return lk_sql_open(&w->sql, &options, err);
}

/* Whatever lk does not write, compaction would lose. */
static enum lk_status check_table(const struct lk_lake_table *t, struct lk_error *err)
{
	if (lk_metadata_version(t->metadata) != 2)
		return lk_error_set(err, LK_MISSING, "it is of Iceberg format v%d; lk writes v2", lk_metadata_version(t->metadata));
	for (int i = 0; i < t->column_count; i++)
		if (lk_type_read(t->columns[i].type).type == LK_OTHER)
			return lk_error_set(err, LK_MISSING, "column %s is %s, a type that lk does not write", t->columns[i].name,
				*t->columns[i].type == '{' ? "nested" : t->columns[i].type);
	return LK_OK;
}

/* ---- batches ---- */

static void count_done(struct work *w, const struct lk_rewrite *r)
{
	struct lk_compact_table *t = w->t;

	for (size_t g = 0; g < r->count; g++) {
		const struct lk_rewritten *one = &r->groups[g];

		if (one->lost) {
			t->lost++;
			continue;
		}
		t->groups++;
		t->files += one->group->file_count;
		t->bytes += one->group->bytes;
		t->added_files += (int64_t)one->count;
		t->added_bytes += one->bytes;
		t->rows += one->rows;
	}
	t->delete_files += r->target.made.counts.removed_delete_files + r->target.made.counts.removed_equality_files;
	t->commits++;
}

/* *lost: a group is to be planned anew. */
static enum lk_status commit_batch(struct work *w, struct lk_rewrite *r, bool *lost, struct lk_error *err)
{
	enum lk_status status = lk_rewrite_commit(r, err);

	if (status) {
		lk_rewrite_discard(r);
		if (status != LK_CONFLICT)
			return status;
		w->t->lost += (int64_t)r->count;
		*lost = true;
		return LK_OK;
	}
	count_done(w, r);
	for (size_t g = 0; g < r->count; g++)
		*lost |= r->groups[g].lost;
	return LK_OK;
}

/* Writes and commits groups from *next on, as many as fit one commit. */
static enum lk_status do_batch(struct work *w, const struct lk_compact_plan *plan, size_t *next, bool *lost, struct lk_error *err)
{
	struct lk_rewrite r = {.lake = w->lake, .sql = w->sql, .plan = plan, .name = w->name};
	int64_t bytes = 0, files = 0, begin = lk_clock_ms();
	enum lk_status status = LK_OK;

	for (; !status && *next < plan->count && bytes < BATCH_BYTES && files < BATCH_FILES && lk_clock_ms() - begin < BATCH_MS; ++*next) {
		const struct lk_compact_group *group = &plan->groups[*next];

		if (w->o->progress)
			w->o->progress(w->o->progress_context, w->name, w->done_bytes, w->all_bytes);
		status = lk_rewrite_group(&r, group, err);
		bytes += group->bytes;
		files += group->file_count;
		w->done_bytes += group->bytes;
	}
	if (status)
		lk_rewrite_discard(&r);
	else
		status = commit_batch(w, &r, lost, err);
	lk_rewrite_release(&r);
	return status;
}

/* ---- a table ---- */

static void count_planned(struct work *w, const struct lk_compact_plan *plan)
{
	w->t->delete_files = (int64_t)plan->dangling;
	for (size_t g = 0; g < plan->count; g++) {
		w->t->groups++;
		w->t->files += plan->groups[g].file_count;
		w->t->bytes += plan->groups[g].bytes;
		w->t->rows += plan->groups[g].rows - plan->groups[g].deleted;
	}
}

static enum lk_status do_plan(struct work *w, const struct lk_compact_plan *plan, bool *lost, struct lk_error *err)
{
	size_t next = 0;

	if (w->o->dry_run) {
		count_planned(w, plan);
		return LK_OK;
	}
	if (!plan->count && !plan->dangling)
		return LK_OK;
	if (plan->count)
		LK_TRY(open_sql(w, err));
	w->done_bytes = w->all_bytes = 0;
	for (size_t g = 0; g < plan->count; g++)
		w->all_bytes += plan->groups[g].bytes;
	do {
		LK_TRY(do_batch(w, plan, &next, lost, err));
	} while (next < plan->count);
	return LK_OK;
}

/* Plans from how the table is now. */
static enum lk_status round_of(struct work *w, bool *lost, struct lk_error *err)
{
	struct lk_compact_plan plan = {0};
	struct lk_pin pin = {.arena = LK_ARENA_INIT};
	struct lk_lake_table table = {.namespace_name = w->t->namespace_name, .name = w->t->name};
	enum lk_status status;
	char *location;

	LK_TRY(lk_catalog_find(w->lake, table.namespace_name, table.name, &location, err));
	if (!location)
		return LK_OK; /* it was dropped meanwhile */
	table.metadata_location = location;
	status = lk_lake_table_load(&pin, &table, err);
	if (!status)
		status = check_table(&table, err);
	if (!status)
		status = lk_compact_plan_make(&plan, &table, err);
	if (!status)
		status = do_plan(w, &plan, lost, err);
	lk_compact_plan_release(&plan);
	lk_pin_release(&pin);
	free(location);
	return status;
}

static enum lk_status compact_table(struct work *w, struct lk_error *err)
{
	struct lk_error why = {0};
	enum lk_status status;
	bool lost = true;

	w->name = lk_arena_printf(&w->c->pin.arena, "%s.%s", w->t->namespace_name, w->t->name);
	if (!w->name)
		return lk_error_nomem(err);
	status = strcmp(w->name, LK_TABLE_VERSIONS) ? LK_OK : lk_versions_thin(w->lake, w->o->dry_run, &w->t->facts, &why);
	for (int round = 0; !status && lost && round < ROUNDS; round++) {
		lost = false;
		status = round_of(w, &lost, &why);
	}
	if (status) {
		w->t->problem = lk_arena_strdup(&w->c->pin.arena, why.message);
		w->t->conflict = status == LK_CONFLICT;
		return w->t->problem ? LK_OK : lk_error_nomem(err);
	}
	if (lost) {
		w->t->problem = "other writers changed files of it time and again; the rest is for the next run";
		w->t->conflict = true;
	}
	return LK_OK;
}

static enum lk_status run(struct work *w, struct lk_error *err)
{
	struct lk_compact *c = w->c;

	LK_TRY(lk_lake_pin(w->lake, &c->pin, err));
	LK_TRY(lk_check_named(w->o->tables, w->o->table_count, &c->pin, err));
	c->tables = calloc((size_t)c->pin.table_count + 1, sizeof(*c->tables));
	if (!c->tables)
		return lk_error_nomem(err);
	for (int i = 0; i < c->pin.table_count; i++) {
		const struct lk_lake_table *t = &c->pin.tables[i];

		if (!lk_is_named(w->o->tables, w->o->table_count, t->namespace_name, t->name))
			continue;
		w->t = &c->tables[c->count++];
		*w->t = (struct lk_compact_table){.namespace_name = t->namespace_name, .name = t->name};
		LK_TRY(compact_table(w, err));
	}
	return LK_OK;
}

enum lk_status lk_compact_run(struct lk_compact *c, struct lk_lake *lake, const struct lk_compact_options *options,
	struct lk_error *err)
{
	struct work w = {.c = c, .lake = lake, .o = options};
	enum lk_status status;

	*c = (struct lk_compact){.pin = {.arena = LK_ARENA_INIT}};
	status = run(&w, err);
	lk_sql_close(w.sql);
	if (w.has_workspace)
		lk_workspace_release(&w.workspace);
	return status;
}

void lk_compact_release(struct lk_compact *c)
{
	free(c->tables);
	lk_pin_release(&c->pin);
	*c = (struct lk_compact){.pin = {.arena = LK_ARENA_INIT}};
}

enum lk_status lk_compact_json(const struct lk_compact *c, const struct lk_compact_options *o, struct lk_str *out, struct lk_error *err)
{
	lk_str_addf(out, "{\"dry_run\":%s,\"tables\":[", o->dry_run ? "true" : "false");
	for (size_t i = 0; i < c->count; i++) {
		const struct lk_compact_table *t = &c->tables[i];

		lk_str_adds(out, i ? ",{\"table\":" : "{\"table\":");
		lk_add_table_json(out, t->namespace_name, t->name);
		lk_str_addf(out, ",\"groups\":%lld,\"rows\":%lld,\"files\":%lld,\"bytes\":%lld,\"added_files\":%lld,\"added_bytes\":%lld,"
			"\"delete_files\":%lld,\"lost_groups\":%lld,\"commits\":%lld", (long long)t->groups, (long long)t->rows,
			(long long)t->files, (long long)t->bytes, (long long)t->added_files, (long long)t->added_bytes, (long long)t->delete_files, (long long)t->lost,
			(long long)t->commits);
		if (t->facts)
			lk_str_addf(out, ",\"facts\":%lld", (long long)t->facts);
		if (t->problem) {
			lk_str_adds(out, ",\"problem\":");
			lk_str_add_json(out, t->problem, strlen(t->problem));
		}
		lk_str_addc(out, '}');
	}
	lk_str_adds(out, "]}\n");
	return lk_str_check(out, err);
}
