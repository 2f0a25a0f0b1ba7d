/* Steps: what a run commits at once, from the first share staged to the ledger's answer. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tool.h"
#include "ingest/crash.h"
#include "ingest/move.h"
#include "ingest/run.h"

#define COMMIT_TRIES 8 /* of lk-commit, which itself tries again for a while */
#define COMMIT_WAIT_MS 250
#define MAX_TRIES 5 /* times that a delivery may be set aside by a commit */

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static enum lk_status make_dir(struct lk_run *r, struct lk_step *step, struct lk_error *err)
{
	if (asprintf(&step->dir, r->stage.path ? "%s/%lld" : "%s", r->stage.path ? r->stage.path : r->o->stage,
		    (long long)r->step_number++) < 0) {
		step->dir = NULL;
		return lk_error_nomem(err);
	}
	return lk_mkdirs(step->dir, r->stage.path ? 0700 : 0777, err);
}

enum lk_status lk_step_current(struct lk_run *r, struct lk_step **out, struct lk_error *err)
{
	struct lk_step **last = &r->steps, *step;
	double part = 1;

	while (*last && (*last)->closed)
		last = &(*last)->next;
	*out = *last;
	if (*last)
		return LK_OK;
	step = *last = calloc(1, sizeof(*step));
	if (!step)
		return lk_error_nomem(err);
	step->opened_ms = lk_clock_ms();
	if (r->waiting_count > r->o->commit_deliveries && !r->o->stage)
		part = (double)r->o->commit_deliveries / (double)r->waiting_count;
	step->target = lk_share_target((int64_t)((double)r->waiting_weight * part), r->o->jobs);
	*out = step;
	return make_dir(r, step, err);
}

bool lk_step_is_full(const struct lk_run *r, const struct lk_step *step)
{
	if (r->o->stage)
		return false;
	return (int64_t)step->count >= r->o->commit_deliveries ||
	       lk_clock_ms() - step->opened_ms >= r->o->commit_ms;
}

enum lk_status lk_step_add(struct lk_step *step, uint32_t item, struct lk_error *err)
{
	if (!lk_grow((void **)&step->items, &step->cap, step->count + 1, sizeof(*step->items)))
		return lk_error_nomem(err);
	step->items[step->count++] = item;
	return LK_OK;
}

enum lk_status lk_step_add_crashed(struct lk_step *step, uint32_t item, struct lk_error *err)
{
	if (!lk_grow((void **)&step->crashed, &step->crashed_cap, step->crashed_count + 1,
		    sizeof(*step->crashed)))
		return lk_error_nomem(err);
	step->crashed[step->crashed_count++] = item;
	return LK_OK;
}

void lk_step_free(struct lk_step *step)
{
	free(step->dir);
	free(step->items);
	free(step->crashed);
	free(step);
}

/* ---- committing ---- */

/* branch: NULL where descriptions say it. */
static enum lk_status start_commit(struct lk_run *r, const char *how, const char *branch, int in, struct lk_error *err)
{
	const char *const argv[] = {"lk-commit", "-l", r->o->lake, how, r->steps->dir, "--json", branch ? "--branch" : NULL, branch, NULL};
	const struct lk_command command = {"lk-commit", r->commit, argv};

	return lk_worker_start(&r->committer, &command, 1, in, err);
}

/* The crashed deliveries of the step are staged as what they are, to be committed with the others. */
static enum lk_status start_recording(struct lk_run *r, struct lk_error *err)
{
	struct lk_step *step = r->steps;
	enum lk_status status;
	int rows;

	LK_TRY(lk_memory_file("lk-crashed", &rows, err));
	status = lk_crash_stream(rows, &r->result->found, step->crashed, step->crashed_count, err);
	if (!status)
		status = start_commit(r, "--stage", r->o->branch, rows, err);
	close(rows);
	r->recording = !status;
	return status;
}

static enum lk_status start_staged(struct lk_run *r, struct lk_error *err)
{
	enum lk_status status;
	int nothing;

	LK_TRY(lk_memory_file("lk-nothing", &nothing, err));
	status = start_commit(r, "--staged", NULL, nothing, err);
	close(nothing);
	return status;
}

/* The first step is over. */
static enum lk_status leave_step(struct lk_run *r, struct lk_error *err)
{
	struct lk_step *step = r->steps;
	enum lk_status status = r->stage.path ? lk_remove_tree(step->dir, err) : LK_OK;

	r->steps = step->next;
	lk_step_free(step);
	return status;
}

enum lk_status lk_step_advance(struct lk_run *r, struct lk_error *err)
{
	struct lk_step *step = r->steps;

	if (!step || !step->closed || step->open_shares || r->committer.count ||
		lk_clock_ms() < step->not_before_ms)
		return LK_OK;
	/* When everything fails, it is not the deliveries: they are not recorded as what they may not be. */
	if (step->crashed_count && !r->failed)
		return start_recording(r, err);
	if (!step->staged || r->o->stage)
		return leave_step(r, err);
	return start_staged(r, err);
}

/* ---- what came of it ---- */

/* A delivery that was staged but is not in the ledger: its share was set aside, or it is gone. If what was committed were other
 * bytes than those that were hashed, it would be loaded twice: one that changed is left for another run. */
static enum lk_status do_again(struct lk_run *r, uint32_t index, struct lk_error *err)
{
	struct lk_landed *d = &r->result->found.items[index];

	if (lk_landed_changed(d) || (!d->set_aside && !access(d->path, R_OK))) {
		d->fate = LK_FATE_CHANGED;
		return LK_OK;
	}
	if (d->tries + 1 >= MAX_TRIES) {
		d->fate = LK_FATE_FAILED;
		d->reason =
			"other processes kept loading deliveries of the same share";
		lk_run_fail(r, LK_CONFLICT, d->path, d->reason);
		return LK_OK;
	}
	if (!lk_grow((void **)&r->again, &r->again_cap, r->again_count + 1, sizeof(*r->again)))
		return lk_error_nomem(err);
	r->progress.deliveries--;
	r->progress.bytes -= d->size;
	lk_landed_again(d);
	d->tries++;
	r->waiting_count++;
	r->waiting_weight += lk_share_weight(d->size);
	r->again[r->again_count++] = index;
	return LK_OK;
}

static void note_committed(void *context, const char *sender, const char *sha256)
{
	struct lk_run *r = context;
	struct lk_landed *d = lk_known_find(&r->known, &r->result->found, sender, sha256);

	r->news = true;
	if (d)
		d->committed = true;
}

static void note_set_aside(void *context, const char *sender, const char *sha256)
{
	struct lk_run *r = context;
	struct lk_landed *d = lk_known_find(&r->known, &r->result->found, sender, sha256);

	if (d)
		d->set_aside = true;
}

/* What the ledger's entry means for a delivery that was staged. */
static enum lk_fate fate_of(const struct lk_landed *d, const struct lk_ledger_entry *entry)
{
	switch (entry->state) {
	case LK_DELIVERY_COMPLETE:
		return d->committed ? LK_FATE_COMPLETE : LK_FATE_KNOWN;
	case LK_DELIVERY_PARTIAL:
		return d->committed ? LK_FATE_PARTIAL : LK_FATE_SAME;
	case LK_DELIVERY_HELD:
		return entry->again ? LK_FATE_HELD : LK_FATE_UNMATCHED;
	case LK_DELIVERY_CRASHED:
		return LK_FATE_PASSED;
	case LK_DELIVERY_UNKNOWN:
		break;
	}
	return LK_FATE_WAITING;
}

static enum lk_status ask_ledger(struct lk_run *r, const struct lk_step *step, struct lk_error *err)
{
	for (size_t i = 0; i < step->count; i++) {
		struct lk_landed *d = &r->result->found.items[step->items[i]];
		struct lk_ledger_entry entry;

		if (d->fate != LK_FATE_STAGED)
			continue;
		LK_TRY(lk_known_entry(&r->known, d, &entry, err));
		d->fate = fate_of(d, &entry);
		if (d->fate == LK_FATE_WAITING || (d->set_aside && (d->fate != LK_FATE_KNOWN || r->o->again)))
			LK_TRY(do_again(r, step->items[i], err));
		else if (d->fate == LK_FATE_PARTIAL || d->fate == LK_FATE_SAME || d->fate == LK_FATE_HELD ||
			 d->fate == LK_FATE_UNMATCHED)
			LK_TRY(lk_known_reason(&r->known, &r->result->found, d, err));
	}
	return LK_OK;
}

static enum lk_status committed(struct lk_run *r, struct lk_error *err)
{
	struct lk_str said = LK_STR_INIT;
	enum lk_status status = lk_memory_text(r->committer.out, &said, err);

	if (!status)
		status = lk_tally_add(&r->result->tally, lk_str_text(&said), note_committed, note_set_aside, r, err);
	lk_str_release(&said);
	LK_TRY(status);
	r->result->commits += r->news;
	r->news = false;
	LK_TRY(ask_ledger(r, r->steps, err));
	return leave_step(r, err);
}

/* Another writer was first, which is tried again for a while; else what was staged is lost with the run. */
static enum lk_status not_committed(struct lk_run *r, enum lk_status as, const char *reason, struct lk_error *err)
{
	struct lk_step *step = r->steps;

	if (as == LK_CONFLICT && ++step->attempts < COMMIT_TRIES) {
		step->not_before_ms = lk_clock_ms() + COMMIT_WAIT_MS * min64(step->attempts, 4);
		return LK_OK;
	}
	lk_run_fail(r, as, NULL, reason);
	/* What could not be recorded need not keep the others from being committed. */
	return r->recording ? LK_OK : leave_step(r, err);
}

enum lk_status lk_step_finish(struct lk_run *r, struct lk_error *err)
{
	struct lk_str reason = LK_STR_INIT;
	enum lk_status status, as = LK_OK;

	if (lk_worker_fate(&r->committer, &reason, &as) != LK_WORKER_DONE)
		status = not_committed(r, as, lk_str_text(&reason), err);
	else if (r->recording) {
		r->steps->staged += r->steps->crashed_count;
		r->steps->crashed_count = 0;
		status = LK_OK;
	} else
		status = committed(r, err);
	r->recording = false;
	lk_worker_end(&r->committer);
	lk_str_release(&reason);
	return status;
}
