/* One merge: what a target is to do, found out against the bases as they are. */
#include "lake/merge.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "lake/history.h"
#include "lake/merge_rows.h"
#include "lake/merges.h"
#include "lake/table_layout.h"

struct merging {
	struct lk_merges *ms;
	struct lk_merge *m;
	struct lk_pin pin;
	struct lk_lake_table base, facts, added, added_facts;
	bool has_base, has_facts;
	struct lk_rowset old, new;
	struct lk_facts made;
	bool history;
	struct lk_made_rows rows; /* with history */
};

static void name_files(const struct merging *r, const char *what, char out[LK_MERGE_PREFIX])
{
	snprintf(out, LK_MERGE_PREFIX, "%s-%s%d", r->ms->run, what, r->ms->next_file++);
}

/* The facts that came, those about other tables among them. */
static enum lk_status load_added(struct merging *r, struct lk_error *err)
{
	struct lk_target came = *r->ms->versions;

	LK_TRY(lk_takeout_added(r->m->target, &r->pin.arena, &r->added, err));
	came.file_count = r->ms->facts_came;
	return lk_takeout_added(&came, &r->pin.arena, &r->added_facts, err);
}

/* ---- asking ---- */

static enum lk_status take(struct lk_rowset *set, const struct lk_lake_file *file, int64_t position, struct lk_error *err)
{
	struct lk_rowset_file *f = lk_rowset_find(set, file->uri);

	if (!f)
		return lk_error_set(err, LK_BUG, "a row was found in a file that is not the table's");
	return lk_rowset_add(set, f, position, err);
}

static enum lk_status take_old(void *context, const struct lk_lake_file *file, int64_t position, struct lk_error *err)
{
	return take(&((struct merging *)context)->old, file, position, err);
}

static enum lk_status take_new(void *context, const struct lk_lake_file *file, int64_t position, struct lk_error *err)
{
	return take(&((struct merging *)context)->new, file, position, err);
}

static enum lk_status take_fact(void *context, const struct lk_fact *fact, struct lk_error *err)
{
	struct merging *r = context;

	if (!r->made.writer) {
		name_files(r, "facts", r->m->facts_prefix);
		LK_TRY(lk_facts_begin(&r->made, r->ms->versions, r->m->facts_prefix, err));
	}
	LK_TRY(lk_facts_add(&r->made, r->m->target, fact, err));
	return lk_builder_full(&r->made.builder) ? lk_facts_flush(&r->made, err) : LK_OK;
}

static enum lk_status take_rows(void *context, const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
{
	return lk_made_rows_add(&((struct merging *)context)->rows, schema, view, err);
}

/* A snapshot that is not there any more was before all that are. */
static int64_t resolved_since(const struct merging *r)
{
	const json_t *snapshot;

	if (!r->m->change)
		return INT64_MAX;
	snapshot = r->has_base ? lk_metadata_snapshot(r->base.metadata, r->m->change->base) : NULL;
	return snapshot ? lk_metadata_number(snapshot, "sequence-number", 0) : 0;
}

static enum lk_status ask(struct merging *r, struct lk_error *err)
{
	const struct lk_merger *merger = r->ms->merger;
	struct lk_merge_request request = {.spec = &r->m->spec, .base = r->has_base ? &r->base : NULL, .added = &r->added,
		.facts = r->has_facts ? &r->facts : NULL, .added_facts = r->added_facts.file_count ? &r->added_facts : NULL,
		.uuid = r->m->target->uuid, .since = resolved_since(r), .history = r->history};
	const struct lk_merge_visitor visitor = {take_old, take_new, take_fact, take_rows, r};

	LK_TRY(lk_merges_tell(r->ms, r->m->target, &r->pin.arena, &request, err));
	if (r->history)
		LK_TRY(lk_made_rows_begin(&r->rows, r->ms, r->m, err));
	LK_TRY(merger->merge(merger->self, &request, &visitor, &r->m->counts, err));
	if (r->history)
		LK_TRY(lk_made_rows_end(&r->rows, err));
	return r->made.writer ? lk_facts_finish(&r->made, err) : LK_OK;
}

/* ---- doing ---- */

static enum lk_status remove_old(struct merging *r, const struct lk_rowset *old, struct lk_error *err)
{
	struct lk_target *t = r->m->target;
	char prefix[LK_MERGE_PREFIX];

	for (int i = 0; i < old->count; i++)
		if (lk_rowset_whole(&old->files[i]))
			LK_TRY(lk_target_remove_file(t, old->files[i].file->uri, err));
	if (!old->rows)
		return LK_OK;
	name_files(r, "old", prefix);
	return lk_rowset_delete(old, t, prefix, err);
}

/* Resolves the rows that came. */
static enum lk_status resolve(struct merging *r, struct lk_error *err)
{
	LK_TRY(lk_merge_check_again(r->m, err));
	LK_TRY(lk_merge_load(r->ms, r->m->target, -1, NULL, &r->pin, &r->base, &r->has_base, err));
	LK_TRY(load_added(r, err));
	LK_TRY(lk_rowset_init(&r->old, &r->base, err));
	LK_TRY(lk_rowset_init(&r->new, &r->added, err));
	LK_TRY(ask(r, err));
	if (!r->history)
		LK_TRY(lk_merge_new(r->ms, r->m, &r->added, &r->new, err));
	return remove_old(r, &r->old, err);
}

/* A change stream says what is to be done. */
static enum lk_status apply(struct merging *r, struct lk_error *err)
{
	r->m->counts = r->m->given_counts;
	LK_TRY(lk_merge_check_alive(r->ms, r->m, err));
	return remove_old(r, &r->m->given, err);
}

static enum lk_status ready(struct merging *r, struct lk_error *err)
{
	struct lk_merge *m = r->m;
	const char *location = m->target->base_location ? m->target->base_location : "";
	uint64_t base_mark = XXH64(location, strlen(location), 0), facts_mark;
	bool stands;

	LK_TRY(lk_merge_facts(r->ms, m->target, -1, &r->pin, &r->facts, &r->has_facts, &facts_mark, err));
	if (m->resolved && m->base == base_mark && m->facts == facts_mark)
		return LK_OK;
	LK_TRY(lk_merge_undo(r->ms, m, err));
	LK_TRY(lk_merge_stands(r->ms, m, facts_mark, &stands, err));
	r->history = lk_history_wanted(lk_table_layout_properties(m->target));
	LK_TRY(stands && !r->history ? apply(r, err) : resolve(r, err));
	m->resolved = true;
	m->base = base_mark;
	m->facts = facts_mark;
	m->target->redone = r->ms->versions->redone = true;
	return LK_OK;
}

enum lk_status lk_merge_ready(struct lk_merges *ms, struct lk_merge *m, struct lk_error *err)
{
	struct merging r = {.ms = ms, .m = m, .pin = {.arena = LK_ARENA_INIT}};
	enum lk_status status = ready(&r, err);

	lk_rowset_release(&r.old);
	lk_rowset_release(&r.new);
	lk_facts_release(&r.made);
	lk_made_rows_release(&r.rows);
	lk_pin_release(&r.pin);
	return status;
}
