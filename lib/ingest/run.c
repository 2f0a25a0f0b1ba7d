#include "ingest/run.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tool.h"
#include "ingest/move.h"
#include "lake/commit.h"

#define TICK_MS 200
#define PREPARE_TRIES 20
#define MAX_CONFLICTS 5
#define MAX_FAILURES_IN_ROW 20 /* with no share staged between them: then it is not the deliveries */

void lk_run_fail(struct lk_run *r, enum lk_status status, const char *what, const char *reason)
{
	if (!r->failed)
		r->failed = lk_error_set(&r->failure, status, "%s%s%s", what ? what : "", what ? ": " : "", reason);
}

static void detail(const struct lk_run *r, const char *message)
{
	if (r->o->detail)
		r->o->detail(message, r->o->user);
}

/* ---- handing out deliveries ---- */

/* The next delivery that waits, or false when there is none (any more, or yet). */
static bool next_waiting(struct lk_run *r, uint32_t *index)
{
	const struct lk_found *found = &r->result->found;

	for (; r->next < found->count; r->next++)
		if (found->items[r->next].fate == LK_FATE_WAITING) {
			*index = (uint32_t)r->next++;
			return true;
		}
	if (!r->again_count)
		return false;
	*index = r->again[--r->again_count];
	return true;
}

/* The share that grows gets no more: it waits for a worker. */
static void finish_filling(struct lk_run *r)
{
	struct lk_share **last = &r->ready;

	if (!r->filling)
		return;
	while (*last)
		last = &(*last)->next;
	*last = r->filling;
	r->filling = NULL;
}

static enum lk_status begin_filling(struct lk_run *r, struct lk_error *err)
{
	struct lk_step *step;

	LK_TRY(lk_step_current(r, &step, err));
	r->filling = calloc(1, sizeof(*r->filling));
	if (!r->filling)
		return lk_error_nomem(err);
	r->filling->step = step;
	step->open_shares++;
	return LK_OK;
}

static enum lk_status hand_out(struct lk_run *r, uint32_t index, struct lk_error *err)
{
	int64_t weight = lk_share_weight(r->result->found.items[index].size);

	if (r->filling && lk_share_is_full(r->filling, r->filling->step->target, weight))
		finish_filling(r);
	if (!r->filling)
		LK_TRY(begin_filling(r, err));
	LK_TRY(lk_share_add(r->filling, index, weight, err));
	LK_TRY(lk_step_add(r->filling->step, index, err));
	if (lk_step_is_full(r, r->filling->step)) {
		r->filling->step->closed = true;
		finish_filling(r);
	}
	return LK_OK;
}

/* Looks at one more delivery and hands it out if it is to be loaded. *more is false when none waits. */
static enum lk_status feed(struct lk_run *r, bool *more, struct lk_error *err)
{
	struct lk_found *found = &r->result->found;
	struct lk_landed *d;
	uint32_t index;

	*more = next_waiting(r, &index);
	if (!*more) {
		finish_filling(r);
		return LK_OK;
	}
	d = &found->items[index];
	LK_TRY(lk_known_examine(&r->known, found, index, err));
	if (d->fate == LK_FATE_WAITING && d->sha256[0])
		LK_TRY(hand_out(r, index, err));
	else { /* known after all, or not there: it does not count among those to be loaded */
		r->progress.total_deliveries--;
		r->progress.total_bytes -= d->size;
	}
	r->waiting_count--;
	r->waiting_weight -= lk_share_weight(d->size);
	return LK_OK;
}

/* ---- workers ---- */

/* The names of a share's deliveries, each with a NUL after it, as lk-unpack --files-from reads them. */
static enum lk_status write_names(const struct lk_run *r, const struct lk_share *share, int *fd, struct lk_error *err)
{
	struct lk_str names = LK_STR_INIT;
	enum lk_status status;

	for (size_t i = 0; i < share->count; i++) {
		const char *path = r->result->found.items[share->items[i]].path;

		lk_str_add(&names, path, strlen(path) + 1);
	}
	status = lk_str_check(&names, err);
	if (!status)
		status = lk_memory_file("lk-names", fd, err);
	if (!status) {
		status = lk_write(*fd, "a worker's input", names.data, names.len, err);
		if (status)
			close(*fd);
	}
	lk_str_release(&names);
	return status;
}

static enum lk_status start_share(struct lk_run *r, struct lk_slot *slot, struct lk_share *share, struct lk_error *err)
{
	const char *unpack[10 + LK_MAX_UNPACK_ARGS] = {"lk-unpack", "-s", r->o->sources, "-l", r->o->lake, "--branch", r->o->branch, "--files-from",
		"-"};
	const char *const parse[] = {"lk-parse", "-s", r->o->sources, NULL};
	const char *const surrogate[] = {"lk-surrogate", "-l", r->o->lake, NULL};
	const char *const commit[] = {"lk-commit", "-l", r->o->lake, "--branch", r->o->branch, "--stage", share->step->dir, "--json",
		r->o->again ? "--again" : NULL, NULL};
	struct lk_command commands[LK_WORKER_CHILDREN] = {{"lk-unpack", r->unpack, unpack}, {"lk-parse", r->parse, parse}};
	enum lk_status status;
	int names, count = 2;

	if (r->surrogate)
		commands[count++] = (struct lk_command){"lk-surrogate", r->surrogate, surrogate};
	commands[count++] = (struct lk_command){"lk-commit", r->commit, commit};

	for (size_t i = 0; i < LK_MAX_UNPACK_ARGS && r->o->unpack_args[i]; i++)
		unpack[9 + i] = r->o->unpack_args[i];
	LK_TRY(write_names(r, share, &names, err));
	status = lk_worker_start(&slot->worker, commands, count, names, err);
	close(names);
	if (!status)
		slot->share = share;
	return status;
}

static enum lk_status start_shares(struct lk_run *r, struct lk_error *err)
{
	for (int64_t i = 0; i < r->o->jobs && r->ready; i++) {
		struct lk_share *share = r->ready;

		if (r->slots[i].share)
			continue;
		LK_TRY(start_share(r, &r->slots[i], share, err));
		r->ready = share->next;
		share->next = NULL;
	}
	return LK_OK;
}

static void drop_share(struct lk_share *share)
{
	share->step->open_shares--;
	lk_share_free(share);
}

/* Begins no more work: what no worker has yet keeps waiting for another run. */
static void drop_waiting(struct lk_run *r)
{
	struct lk_share *share;

	finish_filling(r);
	while ((share = r->ready)) {
		r->ready = share->next;
		drop_share(share);
	}
	r->next = r->result->found.count;
	r->again_count = 0;
}

/* What the children said goes to who asked for details, a line at a time. */
static void tell_log(const struct lk_run *r, const struct lk_worker *w)
{
	struct lk_str log = LK_STR_INIT;

	if (r->o->detail && lk_memory_text(w->log, &log, NULL) == LK_OK)
		for (char *line = log.data, *end; line && *line; line = end) {
			end = line + strcspn(line, "\n");
			if (*end)
				*end++ = '\0';
			detail(r, line);
		}
	lk_str_release(&log);
}

static enum lk_status share_staged(struct lk_run *r, const struct lk_worker *w, const struct lk_share *share,
	struct lk_error *err)
{
	struct lk_tally *tally = r->o->stage ? &r->result->tally : &r->staged;
	struct lk_str said = LK_STR_INIT;
	enum lk_status status = lk_memory_text(w->out, &said, err);

	if (!status)
		status = lk_tally_add(tally, lk_str_text(&said), NULL, NULL, NULL, err);
	lk_str_release(&said);
	LK_TRY(status);
	r->failures_in_row = 0;
	for (size_t i = 0; i < share->count; i++) {
		struct lk_landed *d = &r->result->found.items[share->items[i]];

		d->fate = LK_FATE_STAGED;
		r->progress.deliveries++;
		r->progress.bytes += d->size;
	}
	r->progress.members = tally->members;
	r->progress.rows = tally->rows;
	share->step->staged += share->count;
	return LK_OK;
}

/* A single delivery failed its worker, again: it is to be recorded, unless another run may have better luck. */
static enum lk_status share_failed(struct lk_run *r, const struct lk_share *share, enum lk_worker_fate fate, const char *reason,
	struct lk_error *err)
{
	struct lk_landed *d = &r->result->found.items[share->items[0]];

	d->reason = lk_arena_strdup(&r->result->found.arena, reason);
	if (!d->reason)
		return lk_error_nomem(err);
	d->fate = fate == LK_WORKER_DIED ? LK_FATE_CRASHED : LK_FATE_FAILED;
	r->progress.deliveries++;
	r->progress.bytes += d->size;
	if (++r->failures_in_row >= MAX_FAILURES_IN_ROW)
		lk_run_fail(r, LK_MISSING, "workers fail whatever the delivery, lately because of this", reason);
	return d->fate == LK_FATE_CRASHED ? lk_step_add_crashed(share->step, share->items[0], err) : LK_OK;
}

/* The share is tried once more, then halved until the one delivery is found that fails its worker. */
static enum lk_status share_again(struct lk_run *r, struct lk_share *share, enum lk_status as, struct lk_error *err)
{
	share->next = r->ready;
	r->ready = share;
	if (as == LK_CONFLICT && ++share->conflicts < MAX_CONFLICTS)
		return LK_OK;
	if (share->retried) {
		LK_TRY(lk_share_halve(share, err));
		share->step->open_shares++;
	}
	share->retried = true;
	return LK_OK;
}

/* Takes those deliveries out of a share that were written to since they were found: what was staged of them may be a part of
 * what they will be. True if there were any. */
static bool leave_changed(struct lk_run *r, struct lk_share *share)
{
	size_t kept = 0, before = share->count;

	for (size_t i = 0; i < before; i++) {
		struct lk_landed *d = &r->result->found.items[share->items[i]];

		if (lk_landed_changed(d)) {
			d->fate = LK_FATE_CHANGED;
			r->progress.total_deliveries--;
			r->progress.total_bytes -= d->size;
		} else {
			share->items[kept++] = share->items[i];
		}
	}
	share->count = kept;
	return kept < before;
}

/* What a worker staged will not be committed. */
static enum lk_status discard(struct lk_run *r, const struct lk_worker *w, struct lk_error *err)
{
	struct lk_str said = LK_STR_INIT;
	enum lk_status status = lk_memory_text(w->out, &said, err);
	json_t *root = status ? NULL : json_loads(lk_str_text(&said), 0, NULL);
	const char *description = json_string_value(json_object_get(root, "staged"));

	if (description)
		status = lk_commit_discard(r->lake, description, err);
	json_decref(root);
	lk_str_release(&said);
	return status;
}

/* The rest of a share of which some deliveries changed, as if it was new. */
static enum lk_status share_shrunk(struct lk_run *r, const struct lk_worker *w, struct lk_share *share, enum lk_worker_fate fate,
	enum lk_status *as, bool *again, struct lk_error *err)
{
	*again = share->count > 0;
	*as = LK_OK;
	share->retried = false;
	share->conflicts = 0;
	return fate == LK_WORKER_DONE ? discard(r, w, err) : LK_OK;
}

/* What comes of a share whose worker has ended. *again: it is worked on once more, and else over. */
static enum lk_status share_ended(struct lk_run *r, const struct lk_worker *w, struct lk_share *share,
	enum lk_status *as, bool *again, struct lk_error *err)
{
	struct lk_str reason = LK_STR_INIT;
	enum lk_worker_fate fate = lk_worker_fate(w, &reason, as);
	bool last = share->retried && (*as != LK_CONFLICT || share->conflicts >= MAX_CONFLICTS);
	enum lk_status status = LK_OK;

	*again = false;
	if (leave_changed(r, share))
		status = share_shrunk(r, w, share, fate, as, again, err);
	else if (fate == LK_WORKER_DONE)
		status = share_staged(r, w, share, err);
	else if (fate == LK_WORKER_HELPLESS && last)
		lk_run_fail(r, *as, NULL, lk_str_text(&reason));
	else if (share->count == 1 && last)
		status = share_failed(r, share, fate, lk_str_text(&reason), err);
	else
		*again = true;
	if (reason.len)
		detail(r, reason.data);
	lk_str_release(&reason);
	return status;
}

static enum lk_status finish_share(struct lk_run *r, struct lk_slot *slot, struct lk_error *err)
{
	struct lk_share *share = slot->share;
	enum lk_status status, as = LK_OK;
	bool again;

	tell_log(r, &slot->worker);
	status = share_ended(r, &slot->worker, share, &as, &again, err);
	slot->share = NULL;
	lk_worker_end(&slot->worker);
	if (again)
		return share_again(r, share, as, err);
	drop_share(share);
	return status;
}

/* ---- the loop ---- */

static bool is_working(const struct lk_run *r)
{
	for (int64_t i = 0; i < r->o->jobs; i++)
		if (r->slots[i].share)
			return true;
	return r->committer.count > 0;
}

static int add_children(struct pollfd *fds, int count, const struct lk_worker *w)
{
	for (int i = 0; i < w->count; i++)
		if (w->children[i].pid)
			fds[count++] = (struct pollfd){.fd = w->children[i].pidfd, .events = POLLIN};
	return count;
}

/* Until a child ends, the run is to stop, or timeout_ms are over. */
static bool wait_for_children(struct lk_run *r, struct pollfd *fds, int timeout_ms)
{
	int count = 0;

	fds[count++] = (struct pollfd){.fd = r->o->stop_fd, .events = POLLIN};
	for (int64_t i = 0; i < r->o->jobs; i++)
		count = add_children(fds, count, &r->slots[i].worker);
	count = add_children(fds, count, &r->committer);
	return poll(fds, (nfds_t)count, timeout_ms) <= 0 || !fds[0].revents;
}

static enum lk_status reap_children(struct lk_run *r, struct lk_error *err)
{
	for (int64_t i = 0; i < r->o->jobs; i++)
		if (r->slots[i].share && lk_worker_reap(&r->slots[i].worker))
			LK_TRY(finish_share(r, &r->slots[i], err));
	if (r->committer.count && lk_worker_reap(&r->committer))
		LK_TRY(lk_step_finish(r, err));
	return LK_OK;
}

/* Deliveries are looked at just ahead of the workers, so that their bytes are still in memory when a worker
 * comes, and no faster than commits follow. */
static bool wants_feeding(const struct lk_run *r)
{
	bool idle = false;

	for (int64_t i = 0; i < r->o->jobs; i++)
		idle |= !r->slots[i].share;
	if (r->ready && !idle)
		return false;
	return !r->steps || !r->steps->next || !r->steps->next->closed;
}

/* Nothing waits for a worker: the step that takes shares is as full as it gets, for now. */
static void close_steps(struct lk_run *r)
{
	for (struct lk_step *step = r->steps; step; step = step->next)
		if (!step->open_shares)
			step->closed = true;
}

static void tell_progress(struct lk_run *r)
{
	r->progress.elapsed_ms = lk_clock_ms() - r->started_ms;
	if (r->o->progress)
		r->o->progress(&r->progress, r->o->user);
}

static enum lk_status loop(struct lk_run *r, struct pollfd *fds, struct lk_error *err)
{
	bool more = true, fed;

	do {
		if (r->failed)
			drop_waiting(r);
		LK_TRY(start_shares(r, err));
		fed = more && !r->failed && wants_feeding(r);
		if (fed)
			LK_TRY(feed(r, &more, err));
		if (!more)
			close_steps(r);
		LK_TRY(lk_step_advance(r, err));
		if (!wait_for_children(r, fds, fed || !r->steps ? 0 : TICK_MS)) {
			r->result->stopped = true;
			return LK_OK;
		}
		LK_TRY(reap_children(r, err));
		more |= r->again_count > 0;
		tell_progress(r);
	} while ((more && !r->failed) || r->ready || r->steps || is_working(r));
	return LK_OK;
}

static void end_workers(struct lk_run *r)
{
	for (int64_t i = 0; r->slots && i < r->o->jobs; i++)
		lk_worker_end(&r->slots[i].worker);
}

/* Told to stop: workers end at once, but a commit that has begun is seen through. */
static enum lk_status stop(struct lk_run *r, struct lk_error *err)
{
	struct pollfd fds[LK_WORKER_CHILDREN];

	end_workers(r);
	while (!lk_worker_reap(&r->committer))
		poll(fds, (nfds_t)add_children(fds, 0, &r->committer), TICK_MS);
	return r->committer.count && !r->recording ? lk_step_finish(r, err) : LK_OK;
}

/* ---- beginning and end ---- */

static enum lk_status prepare_tables(struct lk_run *r, struct lk_error *err)
{
	const struct ArrowSchema *const *schemas;
	enum lk_status status;
	int count;

	LK_TRY(lk_sources_schemas(r->sources, &schemas, &count, err));
	for (int i = 0;; i++) {
		status = lk_lake_prepare(r->lake, schemas, count, err);
		if (status != LK_CONFLICT || i == PREPARE_TRIES)
			return status;
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
}

static enum lk_status find_deliveries(struct lk_run *r, const char *const *paths, size_t count, struct lk_error *err)
{
	const char *exclude[] = {r->o->lake, r->o->sources, r->o->stage, r->o->done};
	struct lk_find_options options = {
		.ignore = r->o->ignore,
		.ignore_count = r->o->ignore_count,
		.exclude = exclude,
		.exclude_count = sizeof(exclude) / sizeof(*exclude),
		.now_us = lk_now_us(),
		.settle_us = r->o->settle_ms * 1000,
		.warn = r->o->warn,
		.user = r->o->user,
	};

	return lk_find(&r->result->found, paths, count, &options, err);
}

static enum lk_status make_stage(struct lk_run *r, struct lk_error *err)
{
	if (r->o->stage)
		return lk_mkdirs(r->o->stage, 0777, err);
	return lk_stagedir_make(&r->stage, lk_lake_path(r->lake), err);
}

static void count_waiting(struct lk_run *r)
{
	const struct lk_found *found = &r->result->found;

	for (size_t i = 0; i < found->count; i++)
		if (found->items[i].fate == LK_FATE_WAITING) {
			r->waiting_count++;
			r->waiting_weight += lk_share_weight(found->items[i].size);
			r->progress.total_bytes += found->items[i].size;
		}
	r->progress.total_deliveries = r->waiting_count;
}

/* Repeats are known once the first of them is in the ledger, which learns where all known deliveries lie. */
static enum lk_status settle_known(struct lk_run *r, struct lk_error *err)
{
	const struct lk_found *found = &r->result->found;

	for (size_t i = 0; i < found->count; i++) {
		struct lk_landed *d = &found->items[i];

		if (d->fate == LK_FATE_PASSED || d->fate == LK_FATE_STILL)
			LK_TRY(lk_known_reason(&r->known, &r->result->found, d, err));
		if (d->fate != LK_FATE_REPEAT)
			continue;
		switch (found->items[d->same_as].fate) {
		case LK_FATE_COMPLETE:
		case LK_FATE_PARTIAL:
		case LK_FATE_SAME:
		case LK_FATE_HELD:
		case LK_FATE_UNMATCHED:
		case LK_FATE_KNOWN:
			LK_TRY(lk_known_place(&r->known, (uint32_t)i, err));
			break;
		case LK_FATE_WAITING:
		case LK_FATE_CHANGED:
		case LK_FATE_GONE:
			d->fate = LK_FATE_WAITING;
		}
	}
	return lk_known_flush(&r->known, found, err);
}

static bool is_loaded(const struct lk_found *found, const struct lk_landed *d)
{
	if (d->fate == LK_FATE_REPEAT)
		d = &found->items[d->same_as];
	return d->fate == LK_FATE_COMPLETE || d->fate == LK_FATE_KNOWN;
}

static enum lk_status move_loaded(struct lk_run *r, struct lk_error *err)
{
	const struct lk_found *found = &r->result->found;

	for (size_t i = 0; i < found->count && r->o->done; i++)
		if (is_loaded(found, &found->items[i]) && !lk_landed_changed(&found->items[i]))
			LK_TRY(lk_move_away(found->items[i].path, r->o->done, found->items[i].relative, err));
	return LK_OK;
}

static enum lk_status work(struct lk_run *r, struct lk_error *err)
{
	size_t jobs = (size_t)r->o->jobs;
	struct pollfd *fds = calloc(1 + (jobs + 1) * LK_WORKER_CHILDREN, sizeof(*fds));
	enum lk_status status;

	r->slots = calloc(jobs, sizeof(*r->slots));
	if (!fds || !r->slots) {
		free(fds);
		return lk_error_nomem(err);
	}
	for (size_t i = 0; i < jobs; i++)
		r->slots[i].worker = (struct lk_worker)LK_WORKER_INIT;
	status = loop(r, fds, err);
	free(fds);
	if (!status && r->result->stopped)
		status = stop(r, err);
	return status;
}

static enum lk_status run_impl(struct lk_run *r, const char *const *paths, size_t path_count, struct lk_error *err)
{
	LK_TRY(lk_program_find("lk-unpack", &r->unpack, err));
	LK_TRY(lk_program_find("lk-parse", &r->parse, err));
	LK_TRY(lk_program_find("lk-commit", &r->commit, err));
	LK_TRY(lk_sources_open(&r->sources, r->o->sources, err));
	if (lk_sources_surrogates(r->sources))
		LK_TRY(lk_program_find("lk-surrogate", &r->surrogate, err));
	LK_TRY(find_deliveries(r, paths, path_count, err));
	LK_TRY(lk_lake_open(&r->lake, r->o->lake, strcmp(r->o->branch, LK_MAIN) ? 0 : LK_LAKE_CREATE, err));
	LK_TRY(lk_ledger_check_branch(r->lake, r->o->branch, err));
	LK_TRY(prepare_tables(r, err));
	r->known = (struct lk_known){
		.lake = r->lake, .sources = r->sources, .branch = r->o->branch, .retry = r->o->retry, .again = r->o->again,
		.stop_fd = r->o->stop_fd};
	LK_TRY(lk_known_by_path(&r->known, &r->result->found, err));
	r->result->began = true;
	count_waiting(r);
	if (r->waiting_count || r->o->stage) /* where nothing waits it is committed as nothing */
		LK_TRY(make_stage(r, err));
	if (r->waiting_count)
		LK_TRY(work(r, err));
	LK_TRY(settle_known(r, err));
	LK_TRY(move_loaded(r, err));
	return r->failed ? lk_error_set(err, r->failed, "%s", r->failure.message) : LK_OK;
}

static void release(struct lk_run *r)
{
	struct lk_share *share;
	struct lk_step *step;

	for (int64_t i = 0; r->slots && i < r->o->jobs; i++)
		lk_share_free(r->slots[i].share);
	lk_share_free(r->filling);
	while ((share = r->ready)) {
		r->ready = share->next;
		lk_share_free(share);
	}
	while ((step = r->steps)) {
		r->steps = step->next;
		lk_step_free(step);
	}
	free(r->again);
	free(r->slots);
	free(r->unpack);
	free(r->parse);
	free(r->surrogate);
	free(r->commit);
	lk_known_release(&r->known);
	lk_tally_release(&r->staged);
	lk_sources_close(r->sources);
	lk_lake_close(r->lake);
}

static void count_fates(struct lk_ingest_result *result)
{
	for (size_t i = 0; i < result->found.count; i++) {
		struct lk_landed *d = &result->found.items[i];

		if (d->fate == LK_FATE_STAGED && !result->only_staged)
			d->fate = LK_FATE_WAITING; /* and never committed */
		result->fates[d->fate]++;
		if (d->fate == LK_FATE_COMPLETE || d->fate == LK_FATE_PARTIAL || d->fate == LK_FATE_STAGED)
			result->bytes += d->size;
	}
}

enum lk_status lk_ingest(const struct lk_ingest_options *options, const char *const *paths, size_t path_count,
	struct lk_ingest_result *result, struct lk_error *err)
{
	struct lk_run r = {.o = options, .result = result, .committer = LK_WORKER_INIT, .stage = LK_STAGEDIR_INIT,
		.started_ms = lk_clock_ms()};
	enum lk_status status, cleared = LK_OK;

	*result = (struct lk_ingest_result){.found.arena = LK_ARENA_INIT, .only_staged = options->stage};
	status = run_impl(&r, paths, path_count, err);
	end_workers(&r); /* they write into the folder that is removed */
	lk_worker_end(&r.committer);
	cleared = lk_stagedir_remove(&r.stage, status ? NULL : err);
	release(&r);
	count_fates(result);
	result->elapsed_ms = lk_clock_ms() - r.started_ms;
	return status ? status : cleared;
}

void lk_ingest_result_release(struct lk_ingest_result *result)
{
	lk_found_release(&result->found);
	lk_tally_release(&result->tally);
}
