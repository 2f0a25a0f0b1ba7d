#include "lake/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lake/at.h"
#include "lake/ledger_history.h"
#include "lake/metadata.h"

enum lk_status lk_replay_take(struct lk_replay *r, const struct lk_reject_finder *finder, struct lk_batch *batch,
	struct lk_error *err)
{
	if (!finder)
		return lk_error_set(err, LK_USAGE, "rejects are replayed by a commit of their own: not with --stage, --once, --again or --overwrite");
	r->finder = finder;
	r->count += batch->rows;
	return batch->rows ? finder->take(finder->self, batch, err) : LK_OK;
}

/* ---- finding ---- */

static enum lk_status add_place(void *context, const struct lk_lake_file *file, int64_t position, struct lk_error *err)
{
	return lk_deletes_add(context, file, position, err);
}

/* Writes the target's deletes; *found is how many of the rejects are there. */
static enum lk_status write_deletes(struct lk_replay *r, struct lk_target *t, const struct lk_lake_table *table,
	struct lk_replay_counts *found, struct lk_error *err)
{
	struct lk_deletes_writer w;
	char prefix[LK_UUID_SIZE + 32];
	enum lk_status status;

	snprintf(prefix, sizeof(prefix), "%s-%d", r->run, r->next_search++);
	status = lk_deletes_begin(&w, t, prefix, err);
	if (!status)
		status = r->finder->find(r->finder->self, table, found, add_place, &w, err);
	if (!status && found->all)
		status = lk_deletes_finish(&w, err);
	if (!status && found->all && t->deleted != found->all)
		status = lk_error_set(err, LK_DATA, "table %s.%s has a reject twice, and it cannot be told which one was replayed",
			t->namespace_name, t->name);
	lk_deletes_release(&w);
	return status;
}

static enum lk_status find(struct lk_replay *r, struct lk_target *t, struct lk_replay_counts *found, struct lk_error *err)
{
	struct lk_lake_table table = {.namespace_name = t->namespace_name, .name = t->name,
		.metadata_location = t->base_location};
	struct lk_lake_at at = {.kind = LK_AT_REF, .text = r->branch};
	struct lk_pin pin = {.tables = &table, .table_count = 1};
	enum lk_status status;

	*found = (struct lk_replay_counts){0};
	if (!t->base_location)
		return LK_OK;
	status = lk_lake_table_load_at(&pin, &table, lk_metadata_ref(t->base, r->branch) < 0 ? NULL : &at, 0, err);
	if (!status && table.file_count)
		status = write_deletes(r, t, &table, found, err);
	lk_pin_release(&pin);
	return status;
}

/* What was rejected again is there again, under its old name: what became rows decides whether this is done already. */
static enum lk_status judge(const struct lk_replay *r, const struct lk_replay_counts *found, bool *go, struct lk_error *err)
{
	*go = r->counts.landed ? found->landed > 0 : found->all > 0;
	if (!*go || found->all == r->counts.all)
		return LK_OK;
	return lk_error_set(err, LK_CONFLICT,
		"%lld of these %lld rejects are in lk.rejects no more: they were replayed meanwhile; nothing was committed, "
		"replay those that are left",
		(long long)(r->counts.all - found->all), (long long)r->counts.all);
}

enum lk_status lk_replay_find(struct lk_replay *r, struct lk_target *rejects, struct lk_target *quarantine, bool *go,
	struct lk_error *err)
{
	struct lk_replay_counts found;

	LK_TRY(r->finder->check(r->finder->self, &r->counts, err));
	LK_TRY(find(r, rejects, &found, err));
	LK_TRY(judge(r, &found, go, err));
	return *go ? find(r, quarantine, &found, err) : LK_OK;
}

/* lk.rejects decides; quarantine has the same rows, or fewer where raw text was thrown away. */
enum lk_status lk_replay_find_again(struct lk_replay *r, struct lk_target *target, bool *go, struct lk_error *err)
{
	bool quarantined = target->mode == 0600;
	struct lk_replay_counts found;

	lk_target_clear_deletes(target);
	LK_TRY(find(r, target, &found, err));
	return quarantined ? LK_OK : judge(r, &found, go, err);
}

/* ---- the ledger ---- */

struct moving {
	const struct lk_replay *replay;
	struct lk_lake *lake;
};

/* The tables are what is so: a ledger that knows of fewer rejects is set right all the same, and one that does not know the
 * delivery has no count of it to keep. */
static enum lk_status move_counts(void *context, const char *sender, const char *sha256, int64_t landed, struct lk_error *err)
{
	const struct moving *m = context;

	LK_TRY(lk_ledger_note(m->lake, m->replay->branch, sender, sha256, NULL, m->replay->run, err));
	return lk_catalog_run(m->lake, NULL, err,
		"UPDATE lk_ledger SET rows = rows + ?, rejected = max(0, rejected - ?)"
		" WHERE branch = ? AND sender = ? AND sha256 = ?",
		"iisss", landed, landed, m->replay->branch, sender, sha256);
}

enum lk_status lk_replay_record(const struct lk_replay *r, struct lk_lake *lake, struct lk_error *err)
{
	struct moving moving = {r, lake};

	if (!r->count || !lake->has_ledger)
		return LK_OK;
	return r->finder->sums(r->finder->self, move_counts, &moving, err);
}
