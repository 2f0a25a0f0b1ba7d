/* Which snapshots lie between two, and what differs between each and the next. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"
#include "lake/metadata.h"
#include "lake/refs.h"
#include "sql/changes.h"
#include "sql/changes_inside.h"
#include "sql/session.h"

#define FUNCTIONS_MAX 32 /* each holds bits of rows until the session ends */

/* ---- moments ---- */

static enum lk_status resolve_time(const struct lk_lake_table *t, const struct lk_lake_at *at, int64_t *id, struct lk_error *err)
{
	bool exact;

	lk_refs_main_at(t->metadata, at->time_ms, id, &exact);
	if (exact)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "what it was at %s has expired (lk-log shows what is left)", at->text);
}

static enum lk_status resolve(const struct lk_lake_table *t, const char *text, int64_t *id, struct lk_error *err)
{
	struct lk_lake_at at;
	int64_t ignored;

	LK_TRY(lk_lake_at_parse(text, &at, err));
	if (at.kind == LK_AT_TIME && !lk_refs_find(t->metadata, text, &ignored))
		return resolve_time(t, &at, id, err);
	return lk_lake_at_resolve(t->metadata, &at, id, NULL, err);
}

enum lk_status lk_changes_moment(const struct lk_lake_table *t, const char *text, int64_t *id, struct lk_error *err)
{
	enum lk_status status = resolve(t, text, id, err);

	return status ? lk_error_prefix(err, "table %s.%s", t->namespace_name, t->name) : LK_OK;
}

/* ---- steps ---- */

/* The step of the snapshot that a lineage is at, which it leaves. Two such without rows of their own between them are one. */
static enum lk_status add_step(struct lk_change_steps *steps, struct lk_lineage *l, struct lk_error *err)
{
	const json_t *snapshot = l->snapshot;
	struct lk_change_step *step;
	int64_t parent = lk_metadata_number(snapshot, "parent-snapshot-id", -1);

	if (!lk_grow((void **)&steps->items, &steps->cap, steps->count + 1, sizeof(*steps->items)))
		return lk_error_nomem(err);
	step = &steps->items[steps->count++];
	*step = (struct lk_change_step){.to = lk_lineage_id(l), .time_ms = lk_metadata_number(snapshot, "timestamp-ms", 0)};
	step->operation = lk_metadata_text(json_object_get(snapshot, "summary"), "operation");
	lk_lineage_next(l);
	step->from = lk_lineage_id(l);
	step->gap = parent >= 0 && parent != step->from;
	return LK_OK;
}

/* Whether the snapshot says that rows are the same in other files. */
static bool is_rewrite(const struct lk_change_step *step)
{
	return !step->gap && step->from >= 0 && !strcmp(step->operation, "replace");
}

/* Oldest first, without those that change nothing. */
static void settle(struct lk_change_steps *steps)
{
	size_t kept = 0;

	for (size_t i = 0, k = steps->count; i + 1 < k; i++) {
		struct lk_change_step step = steps->items[i];

		steps->items[i] = steps->items[--k];
		steps->items[k] = step;
	}
	for (size_t i = 0; i < steps->count; i++)
		if (!is_rewrite(&steps->items[i])) {
			steps->items[kept++] = steps->items[i];
			steps->gaps += steps->items[i].gap;
		}
	steps->count = kept;
}

static enum lk_status no_way(const struct lk_lake_table *t, int64_t from, int64_t to, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "table %s.%s: snapshot %" PRId64 " did not lead to %" PRId64 ": the table was set back, or they are"
		" of two branches; --net gives the difference", t->namespace_name, t->name, from, to);
}

enum lk_status lk_change_steps_find(struct lk_change_steps *steps, const struct lk_lake_table *t, int64_t from, int64_t to,
	struct lk_error *err)
{
	struct lk_lineage l;

	*steps = (struct lk_change_steps){NULL, 0, 0, 0};
	for (lk_lineage_start(&l, t->metadata, to); l.snapshot && lk_lineage_id(&l) != from;)
		LK_TRY(add_step(steps, &l, err));
	if (from >= 0 && !l.snapshot)
		return no_way(t, from, to, err);
	settle(steps);
	return LK_OK;
}

/* ---- one step ---- */

bool lk_change_session_is_full(const struct lk_sql *sql)
{
	return sql->functions >= FUNCTIONS_MAX;
}

enum lk_status lk_change_pair_begin(struct lk_change_pair *p, struct lk_sql *sql, const struct lk_lake_table *table, int64_t from,
	int64_t to, const struct lk_change_view *view, struct lk_error *err)
{
	*p = (struct lk_change_pair){.pin = {.arena = LK_ARENA_INIT}, .from = *table, .to = *table};
	p->from.snapshot_id = from;
	p->to.snapshot_id = to;
	LK_TRY(lk_sql_diff_load(&p->pin, &p->from, &p->to, view->flags, view->filter, err));
	LK_TRY(lk_sql_diff_cancel(&p->from, &p->to, &p->touched, err));
	p->files = p->from.file_count + p->to.file_count + p->touched.count;
	return p->files ? lk_sql_diff_views(sql, &p->from, &p->to, &p->touched, view->where, &p->sides, err) : LK_OK;
}

void lk_change_pair_end(struct lk_change_pair *p)
{
	free(p->touched.files);
	lk_pin_release(&p->pin);
}
