#include "lake/branch.h"

#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "lake/ledger_history.h"
#include "lake/metadata.h"
#include "lake/moment.h"
#include "lake/ref_moves.h"

struct work {
	struct lk_lake *lake;
	const struct lk_branch_options *options;
	struct lk_branch_report *report;
	struct lk_lake_moment moment;
	struct lk_ref_moves moves;
	bool *meant; /* of the moment's tables */
	bool known;  /* the ledger has the branch */
	int64_t began_us; /* the time of what it began with there */
	int left;    /* tables that have it and are not meant */
	bool part;   /* tables of main lack it */
	int64_t now_ms;
};

/* ---- what all do ---- */

static enum lk_status report_table(struct work *w, const struct lk_lake_moment_table *t, int64_t from, int64_t to, struct lk_error *err)
{
	struct lk_branch_table *r = &w->report->tables[w->report->table_count++];

	*r = (struct lk_branch_table){lk_arena_strdup(&w->report->arena, t->name), from, to};
	return r->table ? LK_OK : lk_error_nomem(err);
}

static enum lk_status prepare(struct work *w, const char *start, struct lk_error *err)
{
	LK_TRY(lk_lake_moment_find(&w->moment, w->lake, start, err));
	LK_TRY(lk_ref_moves_init(&w->moves, w->lake, err));
	w->meant = calloc((size_t)w->moment.count + 1, sizeof(*w->meant));
	w->report->tables = lk_arena_alloc(&w->report->arena, (size_t)w->moment.count * sizeof(*w->report->tables) + 1);
	if (!w->meant || !w->report->tables)
		return lk_error_nomem(err);
	LK_TRY(lk_lake_moment_choose(&w->moment, w->options->tables, w->options->table_count, w->meant, err));
	return lk_ledger_has_branch(w->lake, w->options->name, &w->known, err);
}

typedef enum lk_status work_fn(struct work *w, struct lk_error *err);

static enum lk_status run(struct lk_lake *lake, const struct lk_branch_options *options, struct lk_branch_report *report,
	work_fn *work, struct lk_error *err)
{
	struct work w = {.lake = lake, .options = options, .report = report};
	enum lk_status status;

	*report = (struct lk_branch_report){LK_ARENA_INIT};
	if (!strcmp(options->name, LK_MAIN))
		return lk_error_set(err, LK_USAGE, "%s is the branch that all others come from: it is there, and stays", LK_MAIN);
	status = work(&w, err);
	free(w.meant);
	lk_ref_moves_release(&w.moves);
	lk_lake_moment_release(&w.moment);
	return status;
}

void lk_branch_report_release(struct lk_branch_report *r)
{
	lk_arena_release(&r->arena);
	*r = (struct lk_branch_report){LK_ARENA_INIT};
}

static enum lk_status no_such(const struct work *w, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "there is no branch or tag '%s'%s; lk-branch lists them", w->options->name,
		w->options->table_count ? " in these tables" : " in the lake");
}

/* ---- creating ---- */

/* A branch that another engine made in a table is taken for what it is, until lk knows the branch. */
static enum lk_status plan_create(struct work *w, struct lk_lake_moment_table *t, struct lk_error *err)
{
	const struct lk_branch_options *o = w->options;
	struct lk_ref_move *move;
	int64_t id;

	if (lk_metadata_is_keymap(t->table->metadata) && !o->tag)
		return !o->table_count ? LK_OK : lk_error_set(err, LK_DATA,
			"table %s is a map of surrogate keys: it has no branches, as keys are the same on all of them", t->name);
	if (lk_refs_find(t->table->metadata, o->name, &id)) {
		if (w->known || o->tag || lk_refs_is_tag(t->table->metadata, o->name))
			return lk_error_set(err, LK_DATA, "table %s has a %s '%s' already", t->name,
				lk_refs_is_tag(t->table->metadata, o->name) ? "tag" : "branch", o->name);
		return LK_OK;
	}
	LK_TRY(lk_lake_moment_check(&w->moment, t, err));
	if (t->then < 0)
		return LK_OK;
	if (w->known && !o->tag && !lk_refs_has_rows_of(t->table->metadata, t->then, w->began_us / 1000))
		return lk_error_set(err, LK_DATA,
			"the branch '%s' began with other rows of table %s, as its ledger has it: name the moment when it began", o->name,
			t->name);
	LK_TRY(report_table(w, t, -1, t->then, err));
	LK_TRY(lk_ref_moves_add(&w->moves, t->table, &move, err));
	move->ref = o->name;
	move->tag = o->tag;
	move->to = o->start ? t->then : LK_MOVE_TO_MAIN;
	move->retention = &o->retention;
	return LK_OK;
}

static enum lk_status begin_ledger(void *context, struct lk_lake *lake, bool *go, struct lk_error *err)
{
	struct work *w = context;
	int64_t moment = -1, at_us = lk_now_us();

	(void)go;
	LK_TRY(lk_ledger_has_branch(lake, w->options->name, &w->known, err));
	if (w->options->tag || w->known)
		return LK_OK;
	if (w->options->start) {
		at_us = w->moment.time_ms * 1000;
		LK_TRY(lk_ledger_moment(lake, LK_MAIN, at_us, w->moment.runs, &moment, err));
	}
	return lk_ledger_branch(lake, w->options->name, moment, at_us, err);
}

static enum lk_status create(struct work *w, struct lk_error *err)
{
	LK_TRY(lk_refs_check_name(w->options->name, err));
	LK_TRY(prepare(w, w->options->start, err));
	LK_TRY(lk_ledger_began(w->lake, w->options->name, &w->began_us, err));
	for (int i = 0; i < w->moment.count; i++)
		if (w->meant[i])
			LK_TRY(plan_create(w, &w->moment.tables[i], err));
	if (!w->moves.count && (w->known || w->options->tag))
		return lk_error_set(err, LK_DATA, "%s", w->known ? "there is a branch of that name already"
								    : "no table has a snapshot to tag");
	if (!w->moves.count && w->options->start)
		return lk_error_set(err, LK_DATA, "no table had a snapshot at '%s' for '%s' to begin at", w->options->start, w->options->name);
	return w->options->dry_run ? LK_OK : lk_ref_moves_run(&w->moves, begin_ledger, w, &w->now_ms, err);
}

enum lk_status lk_branch_create(struct lk_lake *lake, const struct lk_branch_options *options, struct lk_branch_report *report,
	struct lk_error *err)
{
	return run(lake, options, report, create, err);
}

/* ---- deleting ---- */

static enum lk_status plan_delete(struct work *w, int table, struct lk_error *err)
{
	struct lk_lake_moment_table *t = &w->moment.tables[table];
	struct lk_ref_move *move;
	int64_t id;

	if (!lk_refs_find(t->table->metadata, w->options->name, &id))
		return LK_OK;
	if (!w->meant[table]) {
		w->left++;
		return LK_OK;
	}
	LK_TRY(report_table(w, t, id, -1, err));
	LK_TRY(lk_ref_moves_add(&w->moves, t->table, &move, err));
	move->remove = w->options->name;
	return LK_OK;
}

static enum lk_status count_deliveries(struct work *w, struct lk_error *err)
{
	json_t *since;
	enum lk_status status = lk_ledger_since(w->lake, w->options->name, 0, &since, err);

	w->report->deliveries = (int64_t)json_array_size(since);
	json_decref(since);
	return status;
}

static enum lk_status end_ledger(void *context, struct lk_lake *lake, bool *go, struct lk_error *err)
{
	struct work *w = context;

	(void)go;
	return w->left ? LK_OK : lk_ledger_drop_branch(lake, w->options->name, err);
}

static enum lk_status delete(struct work *w, struct lk_error *err)
{
	LK_TRY(prepare(w, NULL, err));
	for (int i = 0; i < w->moment.count; i++)
		LK_TRY(plan_delete(w, i, err));
	if (!w->moves.count && (!w->known || w->left))
		return no_such(w, err);
	if (!w->left)
		LK_TRY(count_deliveries(w, err));
	return w->options->dry_run ? LK_OK : lk_ref_moves_run(&w->moves, end_ledger, w, &w->now_ms, err);
}

enum lk_status lk_branch_delete(struct lk_lake *lake, const struct lk_branch_options *options, struct lk_branch_report *report,
	struct lk_error *err)
{
	return run(lake, options, report, delete, err);
}

/* ---- publishing ---- */

static enum lk_status plan_publish(struct work *w, struct lk_lake_moment_table *t, struct lk_error *err)
{
	const json_t *root = t->table->metadata;
	struct lk_ref_move *move;
	int64_t id;

	if (!lk_refs_find(root, w->options->name, &id)) {
		w->part |= t->now >= 0 && !lk_metadata_is_keymap(root);
		return LK_OK;
	}
	if (lk_refs_is_tag(root, w->options->name))
		return lk_error_set(err, LK_DATA, "'%s' is a tag; branches are published", w->options->name);
	if (t->now != id)
		LK_TRY(report_table(w, t, t->now, id, err));
	LK_TRY(lk_ref_moves_add(&w->moves, t->table, &move, err));
	move->forward = true;
	move->ref = LK_MAIN;
	move->branch = w->options->name;
	move->to = id;
	move->remove = w->options->keep ? NULL : w->options->name;
	if (t->now >= 0 && !lk_refs_led_to(root, t->now, id))
		return lk_ref_moves_conflict(move, err);
	return LK_OK;
}

/* Of a branch of some tables, the ledger cannot tell what main forgot by a reset from what it never knew. */
static enum lk_status check_part(const struct work *w, struct lk_error *err)
{
	for (int i = 0; i < w->moment.count; i++) {
		const struct lk_lake_moment_table *t = &w->moment.tables[i];
		int64_t id;

		if (lk_refs_find(t->table->metadata, w->options->name, &id) && lk_refs_set_back(t->table->metadata, id))
			return lk_error_set(err, LK_CONFLICT,
				"%s of table %s was set back since the branch '%s' began, which not all tables have; nothing was changed",
				LK_MAIN, t->name, w->options->name);
	}
	return LK_OK;
}

static enum lk_status publish_ledger(void *context, struct lk_lake *lake, bool *go, struct lk_error *err)
{
	struct work *w = context;

	(void)go;
	LK_TRY(lk_ledger_publish(lake, w->options->name, !w->part, w->moves.run, w->now_ms * 1000, err));
	return w->options->keep ? LK_OK : lk_ledger_drop_branch(lake, w->options->name, err);
}

static enum lk_status publish(struct work *w, struct lk_error *err)
{
	LK_TRY(prepare(w, NULL, err));
	for (int i = 0; i < w->moment.count; i++)
		LK_TRY(plan_publish(w, &w->moment.tables[i], err));
	if (!w->moves.count && !w->known)
		return no_such(w, err);
	if (w->part)
		LK_TRY(check_part(w, err));
	LK_TRY(lk_ledger_unpublished(w->lake, w->options->name, !w->part, &w->report->deliveries, err));
	return w->options->dry_run ? LK_OK : lk_ref_moves_run(&w->moves, publish_ledger, w, &w->now_ms, err);
}

enum lk_status lk_branch_publish(struct lk_lake *lake, const struct lk_branch_options *options, struct lk_branch_report *report,
	struct lk_error *err)
{
	return run(lake, options, report, publish, err);
}
