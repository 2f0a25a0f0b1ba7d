/* The state of a run, shared by the files of this room: run.c hands out work, step.c commits it. */
#ifndef LK_INGEST_RUN_H
#define LK_INGEST_RUN_H

#include "ingest/ingest.h"
#include "ingest/known.h"
#include "ingest/share.h"
#include "ingest/stagedir.h"
#include "ingest/worker.h"

/* What is committed at once. Steps are worked on in their order; the last one that is not closed takes new shares. */
struct lk_step {
	struct lk_step *next;
	char *dir;	 /* where its shares are staged */
	uint32_t *items; /* its deliveries */
	size_t count, cap;
	uint32_t *crashed; /* those of them that ended their worker, to be recorded */
	size_t crashed_count, crashed_cap;
	size_t open_shares; /* being filled, waiting or running */
	size_t staged;	    /* deliveries of shares that are staged */
	bool closed;	    /* takes no more shares */
	int64_t opened_ms, not_before_ms;
	int64_t target; /* weight of a share */
	int attempts;	/* commits tried */
};

struct lk_slot {
	struct lk_worker worker;
	struct lk_share *share; /* NULL when the slot is free */
};

struct lk_run {
	const struct lk_ingest_options *o;
	struct lk_ingest_result *result;
	struct lk_lake *lake;
	struct lk_sources *sources;
	struct lk_known known;
	char *unpack, *parse, *surrogate, *commit; /* where the programs are; surrogate NULL: no rows get any */
	struct lk_stagedir stage;      /* the run's own; without a path when it only stages */
	int64_t started_ms;

	size_t next;	 /* deliveries before this one were looked at */
	uint32_t *again; /* and then these come once more */
	size_t again_count, again_cap;
	int64_t waiting_weight, waiting_count; /* of deliveries not yet looked at */
	struct lk_share *filling, *ready;      /* the share that grows, those that wait for a worker */
	struct lk_step *steps;
	int64_t step_number;
	struct lk_slot *slots;
	struct lk_worker committer; /* works on the first step */
	bool recording;		    /* it records crashed deliveries before the step's commit */
	bool news;		    /* it committed some delivery */

	struct lk_tally staged; /* what workers staged, for progress; what is committed is in result */
	struct lk_ingest_progress progress;
	int failures_in_row;
	enum lk_status failed; /* why no more work is begun */
	struct lk_error failure;
};

/* The step that takes new shares, opened when there is none. */
enum lk_status lk_step_current(struct lk_run *r, struct lk_step **step, struct lk_error *err) LK_CHECKED;
/* Whether a step has taken as much as one commit should. */
bool lk_step_is_full(const struct lk_run *r, const struct lk_step *step);
enum lk_status lk_step_add(struct lk_step *step, uint32_t item, struct lk_error *err) LK_CHECKED;
enum lk_status lk_step_add_crashed(struct lk_step *step, uint32_t item, struct lk_error *err) LK_CHECKED;
void lk_step_free(struct lk_step *step);

/* Begins what the first step needs next, when its shares are done and the committer is free. */
enum lk_status lk_step_advance(struct lk_run *r, struct lk_error *err) LK_CHECKED;
/* The committer's children have ended. */
enum lk_status lk_step_finish(struct lk_run *r, struct lk_error *err) LK_CHECKED;

/* No more work is begun; what runs is let end and is committed. The first call's reason stays. what: NULL for none. */
void lk_run_fail(struct lk_run *r, enum lk_status status, const char *what, const char *reason);

#endif
