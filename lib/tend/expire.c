#include "tend/expire.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tool.h"
#include "lake/cursors.h"
#include "lake/metadata.h"
#include "lake/transaction.h"
#include "tend/named.h"

/* ---- the policy for a table ---- */

static enum lk_status policy_of(const struct lk_expire_options *o, const json_t *root, struct lk_retention *policy, struct lk_error *err)
{
	*policy = o->policy;
	if (lk_retention_is_set(policy))
		return LK_OK;
	LK_TRY(lk_retention_read(root, policy, err));
	return lk_retention_is_set(policy) ? LK_OK : lk_retention_read_history(root, policy, err);
}

/* Makes of metadata what they are to be. */
static enum lk_status thin(const struct lk_expire_options *o, json_t *root, int64_t now_ms, struct lk_error *err)
{
	struct lk_retention policy;
	enum lk_status status;
	json_t *pinned;

	LK_TRY(policy_of(o, root, &policy, err));
	if (o->store && !json_object_get(root, "properties") && json_object_set_new(root, "properties", json_object()))
		return lk_error_nomem(err);
	if (o->store)
		LK_TRY(lk_retention_write(json_object_get(root, "properties"), &policy, err));
	status = lk_lake_cursor_snapshots(o->lake, lk_metadata_text(root, "table-uuid"), &pinned, err);
	policy.pinned = pinned;
	if (!status)
		status = lk_retention_apply(root, &policy, now_ms, NULL, err);
	json_decref(pinned);
	return status;
}

static enum lk_status edit(void *context, json_t *root, struct lk_error *err)
{
	return thin(context, root, lk_now_us() / 1000, err);
}

/* ---- what has gone ---- */

static bool has_snapshot(const struct lk_fileset *ids, int64_t id)
{
	return lk_fileset_has(ids, (struct lk_filekey){1, (uint64_t)id});
}

/* The snapshots and references of `before` that `after` has no more. */
static enum lk_status compare(struct lk_expire_table *t, const json_t *before, const json_t *after, struct lk_error *err)
{
	struct lk_fileset ids = {0};
	enum lk_status status = LK_OK;
	json_t *item;
	const char *name;
	size_t i;

	t->kept = (int64_t)json_array_size(json_object_get(after, "snapshots"));
	json_array_foreach(json_object_get(after, "snapshots"), i, item)
		if (!status)
			status = lk_fileset_add(&ids, (struct lk_filekey){1, (uint64_t)lk_metadata_number(item, "snapshot-id", -1)}, NULL, err);
	json_array_foreach(json_object_get(before, "snapshots"), i, item)
		if (!status && !has_snapshot(&ids, lk_metadata_number(item, "snapshot-id", -1)) && json_array_append(t->removed, item))
			status = lk_error_nomem(err);
	json_object_foreach(json_object_get(before, "refs"), name, item)
		if (!status && !json_object_get(json_object_get(after, "refs"), name) &&
			json_array_append_new(t->refs, json_string(name)))
			status = lk_error_nomem(err);
	lk_fileset_release(&ids);
	return status;
}

/* ---- committing ---- */

static enum lk_status commit(struct lk_lake *lake, struct lk_target *t, const struct lk_expire_options *o, struct lk_error *err)
{
	char run[LK_UUID_SIZE];
	struct lk_transaction tx = {.lake = lake, .run = run, .targets = &t, .count = 1};

	LK_TRY(lk_uuid(run, err));
	t->edit = edit;
	t->edit_context = (void *)o;
	return lk_transaction_run(&tx, err);
}

/* The snapshots that went are those of the version on which the commit was made. */
static enum lk_status commit_table(struct lk_lake *lake, struct lk_expire_table *t, const char *name,
	const struct lk_expire_options *o, struct lk_error *err)
{
	struct lk_target target;
	json_t *after = NULL;
	enum lk_status status;

	LK_TRY(lk_target_open(&target, lake, name, err));
	status = commit(lake, &target, o, err);
	if (!status)
		status = lk_metadata_read(target.new_location, &after, err);
	if (!status)
		status = compare(t, target.base, after, err);
	if (!status)
		t->before = json_incref(target.base);
	json_decref(after);
	lk_target_release(&target);
	return status;
}

/* What a commit would do, found without one. */
static enum lk_status try_table(struct lk_expire_table *t, const char *location, const struct lk_expire_options *o, bool *changes,
	struct lk_error *err)
{
	json_t *before, *after;
	enum lk_status status;

	LK_TRY(lk_metadata_read(location, &before, err));
	after = json_deep_copy(before);
	status = !after ? lk_error_nomem(err)
		 : lk_metadata_version(before) != 2
			 ? lk_error_set(err, LK_MISSING, "it is of Iceberg format v%d; lk writes v2", lk_metadata_version(before))
			 : thin(o, after, lk_now_us() / 1000, err);
	if (!status)
		status = compare(t, before, after, err);
	t->stored = !status && !json_equal(json_object_get(before, "properties"), json_object_get(after, "properties"));
	*changes = !status && (t->stored || json_array_size(t->removed) || json_array_size(t->refs));
	if (*changes)
		t->before = json_incref(before);
	json_decref(after);
	json_decref(before);
	return status;
}

static void forget_try(struct lk_expire_table *t)
{
	json_array_clear(t->removed);
	json_array_clear(t->refs);
	json_decref(t->before);
	t->before = NULL;
}

static enum lk_status expire_table(struct lk_expire *e, struct lk_lake *lake, struct lk_expire_table *t,
	const struct lk_lake_table *table, const struct lk_expire_options *o, struct lk_error *err)
{
	const char *name = lk_arena_printf(&e->live.arena, "%s.%s", t->namespace_name, t->name);
	struct lk_error why = {0};
	bool changes = false;
	enum lk_status status;

	if (!name)
		return lk_error_nomem(err);
	status = try_table(t, table->metadata_location, o, &changes, &why);
	if (!status && changes && !o->dry_run) {
		forget_try(t);
		status = commit_table(lake, t, name, o, &why);
	}
	if (!status)
		return LK_OK;
	forget_try(t);
	t->problem = lk_arena_strdup(&e->live.arena, why.message);
	return t->problem ? LK_OK : lk_error_nomem(err);
}

/* ---- files ---- */

struct finder {
	struct lk_expire *e;
	struct lk_expire_table *t;
	const struct lk_lake *lake;
	struct lk_fileset seen;
};

static enum lk_status add_file(void *context, enum lk_reach_kind kind, const char *uri, struct lk_error *err)
{
	struct finder *f = context;
	struct lk_expire_table *t = f->t;
	struct stat st;
	char *path = lk_live_find(uri, &st), *real = path ? realpath(path, NULL) : NULL;
	enum lk_status status = LK_OK;
	bool fresh = false;

	if (real && !lk_fileset_has(&f->e->live.files, lk_filekey_of(&st)) && !lk_live_is_fenced(&f->e->live, real) &&
		lk_live_is_ours(f->lake, real))
		status = lk_fileset_add(&f->seen, lk_filekey_of(&st), &fresh, err);
	if (fresh && !lk_grow((void **)&t->files, &t->file_cap, t->file_count + 1, sizeof(*t->files)))
		status = lk_error_nomem(err);
	if (fresh && !status) {
		struct lk_expired_file *file = &t->files[t->file_count++];

		*file = (struct lk_expired_file){lk_arena_strdup(&f->e->live.arena, path), kind, (int64_t)st.st_size, lk_filekey_of(&st)};
		t->bytes += (int64_t)st.st_size;
		status = file->path ? LK_OK : lk_error_nomem(err);
	}
	free(path);
	free(real);
	return status;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t time_of(const json_t *snapshot)
{
	return lk_metadata_number(snapshot, "timestamp-ms", 0);
}

/* A snapshot is current until the next one comes: the time of the first one that still was after the cutoff. INT64_MAX: none. */
static enum lk_status first_young(const json_t *before, int64_t cutoff_ms, int64_t *at, struct lk_error *err)
{
	const json_t *snapshots = json_object_get(before, "snapshots");
	int64_t *times = malloc((json_array_size(snapshots) + 1) * sizeof(*times));
	size_t i, count = 0;
	json_t *snapshot;

	if (!times)
		return lk_error_nomem(err);
	json_array_foreach(snapshots, i, snapshot)
		times[count++] = time_of(snapshot);
	qsort(times, count, sizeof(*times), by_time);
	*at = INT64_MAX;
	for (i = 0; i + 1 < count && *at == INT64_MAX; i++)
		if (times[i + 1] > cutoff_ms)
			*at = times[i];
	free(times);
	return LK_OK;
}

/* The removed snapshots that nobody can be reading any more. */
static enum lk_status old_enough(const struct lk_expire_table *t, const struct lk_expire_options *o, json_t *out, struct lk_error *err)
{
	int64_t young = INT64_MAX;
	json_t *snapshot;
	size_t i;

	if (o->grace_ms)
		LK_TRY(first_young(t->before, lk_now_us() / 1000 - o->grace_ms, &young, err));
	json_array_foreach(t->removed, i, snapshot)
		if (time_of(snapshot) < young && json_array_append(out, snapshot))
			return lk_error_nomem(err);
	return LK_OK;
}

static enum lk_status reach_gone(struct lk_reach *reach, const struct lk_expire_table *t, const json_t *gone, struct lk_error *err)
{
	json_t *snapshot, *kept = json_array();
	struct lk_fileset ids = {0};
	enum lk_status status = kept ? LK_OK : lk_error_nomem(err);
	size_t i;

	json_array_foreach(t->removed, i, snapshot)
		if (!status)
			status = lk_fileset_add(&ids, (struct lk_filekey){1, (uint64_t)lk_metadata_number(snapshot, "snapshot-id", -1)}, NULL, err);
	json_array_foreach(json_object_get(t->before, "snapshots"), i, snapshot)
		if (!status && !has_snapshot(&ids, lk_metadata_number(snapshot, "snapshot-id", -1)) && json_array_append(kept, snapshot))
			status = lk_error_nomem(err);
	if (!status)
		status = lk_reach_skip(reach, kept, err);
	if (!status)
		status = lk_reach_snapshots(reach, gone, err);
	json_array_foreach(gone, i, snapshot)
		if (!status)
			status = lk_reach_statistics(reach, t->before, lk_metadata_number(snapshot, "snapshot-id", -1), err);
	lk_fileset_release(&ids);
	json_decref(kept);
	return status;
}

static enum lk_status find_files(struct lk_expire *e, struct lk_lake *lake, struct lk_expire_table *t, const struct lk_expire_options *o,
	struct lk_error *err)
{
	struct finder f = {.e = e, .t = t, .lake = lake};
	struct lk_reach reach = {.visit = add_file, .context = &f, .deleted = true, .missing_ok = true};
	json_t *gone = json_array();
	enum lk_status status = gone ? old_enough(t, o, gone, err) : lk_error_nomem(err);

	if (!status && json_array_size(gone))
		status = reach_gone(&reach, t, gone, err);
	lk_reach_release(&reach);
	lk_fileset_release(&f.seen);
	json_decref(gone);
	return status;
}

/* Why files of the table must not be removed; NULL when they may. */
static const char *objection(const struct lk_expire *e, const struct lk_expire_table *t)
{
	const char *problem = e->live.problem;

	for (size_t i = 0; i < e->live.table_count && !problem; i++) {
		const struct lk_live_table *l = &e->live.tables[i];

		if (!strcmp(l->namespace_name, t->namespace_name) && !strcmp(l->name, t->name) && !strcmp(l->catalog, LK_CATALOG_NAME))
			problem = l->problem;
	}
	return problem;
}

static enum lk_status remove_files(struct lk_expire *e, struct lk_lake *lake, struct lk_expire_table *t, const struct lk_expire_options *o,
	struct lk_error *err)
{
	struct lk_error why = {0};
	enum lk_status status;

	if (!t->before || !json_array_size(t->removed))
		return LK_OK;
	t->problem = objection(e, t);
	if (t->problem)
		return LK_OK;
	status = find_files(e, lake, t, o, &why);
	for (size_t i = 0; !status && !o->dry_run && i < t->file_count; i++)
		status = lk_remove(t->files[i].path, &why);
	if (!status)
		return LK_OK;
	t->problem = lk_arena_printf(&e->live.arena, "its snapshots are expired, and files were left for lk-gc: %s", why.message);
	return t->problem ? LK_OK : lk_error_nomem(err);
}

/* In a dry run the catalog still names the snapshots: what is alive is found as if it did not. */
static enum lk_status as_if_expired(void *context, const struct lk_live_table *table, json_t *root, struct lk_error *err)
{
	const struct lk_expire_options *o = context;

	if (strcmp(table->catalog, LK_CATALOG_NAME) || !lk_is_named(o->tables, o->table_count, table->namespace_name, table->name))
		return LK_OK;
	return lk_metadata_version(root) == 2 ? thin(o, root, lk_now_us() / 1000, err) : LK_OK;
}

/* ---- all of it ---- */

static enum lk_status run(struct lk_expire *e, struct lk_lake *lake, const struct lk_expire_options *o, struct lk_error *err)
{
	bool any = false;

	LK_TRY(lk_lake_pin(lake, &e->pin, err));
	LK_TRY(lk_check_named(o->tables, o->table_count, &e->pin, err));
	e->tables = calloc((size_t)e->pin.table_count + 1, sizeof(*e->tables));
	if (!e->tables)
		return lk_error_nomem(err);
	for (int i = 0; i < e->pin.table_count; i++) {
		const struct lk_lake_table *table = &e->pin.tables[i];
		struct lk_expire_table *t = &e->tables[e->count];

		if (!lk_is_named(o->tables, o->table_count, table->namespace_name, table->name))
			continue;
		*t = (struct lk_expire_table){table->namespace_name, table->name, .removed = json_array(), .refs = json_array()};
		e->count++;
		LK_TRY(expire_table(e, lake, t, table, o, err));
		any |= t->before && json_array_size(t->removed);
	}
	if (!any)
		return LK_OK;
	e->live.edit = o->dry_run ? as_if_expired : NULL;
	e->live.edit_context = (void *)o;
	LK_TRY(lk_live_load(&e->live, lake, INT64_MAX, err));
	for (size_t i = 0; i < e->count; i++)
		LK_TRY(remove_files(e, lake, &e->tables[i], o, err));
	return LK_OK;
}

enum lk_status lk_expire_run(struct lk_expire *e, struct lk_lake *lake, const struct lk_expire_options *options,
	struct lk_error *err)
{
	struct lk_expire_options own = *options;

	own.lake = lake;
	*e = (struct lk_expire){.live = {.arena = LK_ARENA_INIT}};
	return run(e, lake, &own, err);
}

void lk_expire_release(struct lk_expire *e)
{
	for (size_t i = 0; i < e->count; i++) {
		json_decref(e->tables[i].removed);
		json_decref(e->tables[i].refs);
		json_decref(e->tables[i].before);
		free(e->tables[i].files);
	}
	free(e->tables);
	lk_pin_release(&e->pin);
	lk_live_release(&e->live);
}
