#include "tend/rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lake/data_writer.h"
#include "lake/metadata.h"
#include "sql/view.h"

/* ---- writing ---- */

/* The table, as if it had these files only. The array is malloc'd. */
static enum lk_status part_of(const struct lk_compact_plan *plan, const struct lk_compact_group *group, struct lk_lake_table *part,
	struct lk_error *err)
{
	*part = *plan->table;
	part->file_count = group->file_count;
	part->files = malloc((size_t)group->file_count * sizeof(*part->files));
	if (!part->files)
		return lk_error_nomem(err);
	for (int i = 0; i < group->file_count; i++)
		part->files[i] = plan->table->files[group->files[i]];
	return LK_OK;
}

/* Those of the table's deletes that may apply to the group. The array is malloc'd. */
static enum lk_status choose_deletes(const struct lk_compact_plan *plan, const struct lk_compact_group *group, const bool *inside,
	const struct lk_lake_deletes *all, int all_count, bool equality, struct lk_lake_deletes **out, int *count, struct lk_error *err)
{
	*count = 0;
	*out = malloc(((size_t)all_count + 1) * sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	for (int i = 0; i < all_count; i++) {
		int file = all[i].referenced ? lk_compact_find(plan, all[i].referenced) : -1;

		if (all[i].referenced ? file >= 0 && inside[file]
				      : lk_compact_shares_partition(plan, &all[i], equality, group))
			(*out)[(*count)++] = all[i];
	}
	return LK_OK;
}

static enum lk_status make_view(struct lk_rewrite *r, const struct lk_compact_group *group, struct lk_error *err)
{
	const struct lk_lake_table *t = r->plan->table;
	bool *inside = calloc((size_t)t->file_count + 1, sizeof(*inside));
	struct lk_lake_table part = {0};
	enum lk_status status = inside ? part_of(r->plan, group, &part, err) : lk_error_nomem(err);

	for (int i = 0; inside && i < group->file_count; i++)
		inside[group->files[i]] = true;
	part.deletes = part.equality = NULL;
	if (!status)
		status = choose_deletes(r->plan, group, inside, t->deletes, t->deletes_count, false, &part.deletes, &part.deletes_count, err);
	if (!status)
		status = choose_deletes(r->plan, group, inside, t->equality, t->equality_count, true, &part.equality, &part.equality_count, err);
	free(inside);
	if (!status)
		status = lk_sql_view_create(r->sql, "lk_compact", "part", &part, err);
	free(part.files);
	free(part.deletes);
	free(part.equality);
	return status;
}

static enum lk_status write_rows(struct lk_rewrite *r, struct lk_data_writers *writers, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	struct lk_result *result;
	enum lk_status status = LK_OK;
	enum lk_next next = LK_NEXT_END;

	LK_TRY(lk_result_select(&result, r->sql, "SELECT * FROM lk_compact.part", false, err));
	while (!status && (next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH)
		status = lk_data_writers_write(writers, r->name, NULL, 1, lk_result_schema(result), view, err);
	if (!status && next == LK_NEXT_ERROR)
		status = err->status;
	lk_result_close(result);
	return status ? status : lk_data_writers_finish(writers, err);
}

/* No row may be lost or come twice: without deletes there are as many as before, with them not more and not fewer than they allow. */
static enum lk_status check_rows(const struct lk_compact_plan *plan, const struct lk_compact_group *group, int64_t rows,
	struct lk_error *err)
{
	int64_t least = group->rows - group->deleted;

	for (int i = 0; i < group->file_count; i++)
		if (plan->equality[group->files[i]] || plan->deleted[group->files[i]])
			least = 0;
	if (rows <= group->rows && rows >= least)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "%lld rows were read of files that have %lld by their manifests", (long long)rows,
		(long long)group->rows);
}

/* Hands the files that a group's writers made to the target of all. */
static enum lk_status take_files(struct lk_rewrite *r, struct lk_target *from, const struct lk_compact_group *group, struct lk_error *err)
{
	struct lk_rewritten *w;

	if (!lk_grow((void **)&r->groups, &r->cap, r->count + 1, sizeof(*r->groups)))
		return lk_error_nomem(err);
	w = &r->groups[r->count];
	*w = (struct lk_rewritten){.group = group, .first = r->target.file_count, .rows = from->rows, .bytes = from->bytes};
	for (size_t i = 0; i < from->file_count; i++) {
		LK_TRY(lk_target_add_file(&r->target, &from->files[i], err));
		w->count++;
	}
	r->count++;
	from->file_count = 0;
	return LK_OK;
}

static enum lk_status write_group(struct lk_rewrite *r, struct lk_data_writers *writers, const struct lk_compact_group *group,
	struct lk_error *err)
{
	struct lk_target *made;

	LK_TRY(make_view(r, group, err));
	LK_TRY(write_rows(r, writers, err));
	LK_TRY(lk_data_writers_target(writers, r->name, NULL, &made, err));
	LK_TRY(check_rows(r->plan, group, made->rows, err));
	return take_files(r, made, group, err);
}

static enum lk_status open_target(struct lk_rewrite *r, struct lk_error *err)
{
	if (r->opened)
		return LK_OK;
	LK_TRY(lk_target_open(&r->target, r->lake, r->name, err));
	r->opened = true;
	r->target.replaces = true;
	return LK_OK;
}

enum lk_status lk_rewrite_group(struct lk_rewrite *r, const struct lk_compact_group *group, struct lk_error *err)
{
	char run[LK_UUID_SIZE];
	struct lk_data_writers writers = {.lake = r->lake, .run = run, .mode = LK_SCHEMA_FREEZE, .stretch = true};
	enum lk_status status;

	LK_TRY(open_target(r, err));
	LK_TRY(lk_uuid(run, err));
	status = write_group(r, &writers, group, err);
	if (status)
		lk_data_writers_discard(&writers);
	lk_data_writers_release(&writers);
	return status;
}

/* ---- what goes ---- */

static enum lk_status remove_deletes(void *context, const struct lk_lake_deletes *d, struct lk_error *err)
{
	struct lk_rewrite *r = context;

	r->removed_deletes++;
	return lk_target_remove_file(&r->target, d->uri, err);
}

/* Of the table as `now` has it: the old files of all groups that are not lost, and the deletes that are then about nothing. */
static enum lk_status choose_removed(struct lk_rewrite *r, const struct lk_compact_plan *now, struct lk_error *err)
{
	bool *gone = calloc((size_t)now->table->file_count + 1, sizeof(*gone));
	enum lk_status status = gone ? LK_OK : lk_error_nomem(err);

	r->removed_deletes = 0;
	for (size_t g = 0; !status && g < r->count; g++)
		for (int i = 0; !status && !r->groups[g].lost && i < r->groups[g].group->file_count; i++) {
			const char *uri = r->plan->table->files[r->groups[g].group->files[i]].uri;
			int file = lk_compact_find(now, uri);

			if (file >= 0)
				gone[file] = true;
			status = lk_target_remove_file(&r->target, uri, err);
		}
	if (!status)
		status = lk_compact_dangling(now, gone, remove_deletes, r, err);
	free(gone);
	return status;
}

/* ---- when another writer was first ---- */

static void lose(struct lk_rewrite *r, const struct lk_compact_plan *now, const struct lk_lake_deletes *d, bool equality,
	const int *group_of)
{
	int file = d->referenced ? lk_compact_find(now, d->referenced) : -1;

	if (file >= 0 && group_of[file] >= 0)
		r->groups[group_of[file]].lost = true;
	for (size_t g = 0; !d->referenced && g < r->count; g++)
		r->groups[g].lost |= lk_compact_shares_partition(r->plan, d, equality, r->groups[g].group);
}

/* A group is lost when a file of it is gone, or rows of it may be deleted by what came since it was read. group_of: for each file of
 * `now`, to be filled. */
static void find_lost(struct lk_rewrite *r, const struct lk_compact_plan *now, int *group_of)
{
	int64_t since = lk_metadata_number(r->plan->table->metadata, "last-sequence-number", 0);
	const struct lk_lake_table *t = now->table;

	for (int i = 0; i < t->file_count; i++)
		group_of[i] = -1;
	for (size_t g = 0; g < r->count; g++)
		for (int i = 0; i < r->groups[g].group->file_count; i++) {
			int file = lk_compact_find(now, r->plan->table->files[r->groups[g].group->files[i]].uri);

			if (file < 0)
				r->groups[g].lost = true;
			else
				group_of[file] = (int)g;
		}
	for (int i = 0; i < t->deletes_count; i++)
		if (t->deletes[i].sequence > since)
			lose(r, now, &t->deletes[i], false, group_of);
	for (int i = 0; i < t->equality_count; i++)
		if (t->equality[i].sequence > since)
			lose(r, now, &t->equality[i], true, group_of);
}

/* The files of lost groups are taken out of the target, and off the disk. */
static void drop_lost(struct lk_rewrite *r)
{
	struct lk_target *t = &r->target;
	size_t kept = 0;

	for (size_t g = 0; g < r->count; g++) {
		struct lk_rewritten *w = &r->groups[g];
		size_t first = kept;

		for (size_t i = w->first; i < w->first + w->count; i++)
			if (!w->lost) {
				t->files[kept++] = t->files[i];
			} else {
				t->rows -= t->files[i].metrics.rows;
				t->bytes -= t->files[i].metrics.file_bytes;
				(void)!lk_remove(t->files[i].path, NULL); /* else lk-gc does */
				lk_data_file_release(&t->files[i]);
			}
		w->count = w->lost ? 0 : w->count;
		w->first = first;
	}
	t->file_count = kept;
}

static enum lk_status judge(struct lk_rewrite *r, const struct lk_compact_plan *now, struct lk_error *err)
{
	int *group_of = malloc(((size_t)now->table->file_count + 1) * sizeof(*group_of));

	if (!group_of)
		return lk_error_nomem(err);
	find_lost(r, now, group_of);
	free(group_of);
	lk_snapshot_drop(&r->target, LK_CONTENT_DATA); /* it may have named files of a lost group */
	drop_lost(r);
	lk_target_clear_deletes(&r->target);
	LK_TRY(choose_removed(r, now, err));
	r->target.since = lk_metadata_number(now->table->metadata, "last-sequence-number", 0); /* seen up to here */
	return LK_OK;
}

/* Looks again, at the table as the target is based on it. */
static enum lk_status look_again(struct lk_rewrite *r, struct lk_error *err)
{
	struct lk_lake_table table = {.namespace_name = r->target.namespace_name, .name = r->target.name,
		.metadata_location = r->target.base_location};
	struct lk_pin pin = {.tables = &table, .table_count = 1};
	struct lk_compact_plan now = {0};
	enum lk_status status = lk_lake_table_load(&pin, &table, err);

	if (!status)
		status = lk_compact_plan_make(&now, &table, err);
	if (!status)
		status = judge(r, &now, err);
	lk_compact_plan_release(&now);
	lk_pin_release(&pin);
	return status;
}

static enum lk_status rebased(void *context, struct lk_target *target, bool *go, struct lk_error *err)
{
	struct lk_rewrite *r = context;

	LK_TRY(look_again(r, err));
	*go = target->removed_count > 0;
	return LK_OK;
}

/* ---- committing ---- */

static enum lk_status commit(struct lk_rewrite *r, struct lk_error *err)
{
	struct lk_target *targets[] = {&r->target};
	char run[LK_UUID_SIZE];
	struct lk_transaction tx = {.lake = r->lake, .run = run, .targets = targets, .count = 1, .rebased = rebased, .context = r};
	enum lk_status status;

	LK_TRY(lk_uuid(run, err));
	if (!strcmp(r->target.base_location, r->plan->table->metadata_location))
		LK_TRY(choose_removed(r, r->plan, err));
	else
		LK_TRY(look_again(r, err)); /* it moved since it was planned */
	if (!r->target.removed_count)
		return LK_OK;
	status = lk_transaction_run(&tx, err);
	if (tx.outcome == LK_OUTCOME_UNKNOWN)
		r->target.file_count = 0; /* may be named: not ours to remove */
	return status;
}

enum lk_status lk_rewrite_commit(struct lk_rewrite *r, struct lk_error *err)
{
	enum lk_status status;

	LK_TRY(open_target(r, err));
	status = commit(r, err);
	for (size_t g = 0; status == LK_CONFLICT && g < r->count; g++)
		r->groups[g].lost = true;
	return status;
}

void lk_rewrite_discard(struct lk_rewrite *r)
{
	if (r->opened)
		lk_target_discard(&r->target);
}

void lk_rewrite_release(struct lk_rewrite *r)
{
	if (r->opened)
		lk_target_release(&r->target);
	free(r->groups);
	r->opened = false;
	r->groups = NULL;
	r->count = r->cap = 0;
}
