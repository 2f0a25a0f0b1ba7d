/*
 * A worker: a pipeline of child processes over one piece of work, and how it ended.
 *
 *	in (a file) -> lk-unpack -> lk-parse (-> lk-surrogate) -> lk-commit -> out (a file in memory)
 *	                    \___________\____________\____________\______ -> log (likewise), their standard error
 *
 * lk-surrogate is there where packages have lk.surrogate.
 *
 * Files at both ends instead of pipes: nobody has to feed or drain them, so nothing can block. What lk-commit says is
 * what happened: it only stages a stream whose every segment came to its end (lk-stream(5)), so its status decides, and
 * the others' tell why it failed.
 */
#ifndef LK_INGEST_WORKER_H
#define LK_INGEST_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/process.h"
#include "base/str.h"

#define LK_WORKER_CHILDREN 4

/* One program of the pipeline. */
struct lk_command {
	const char *name;	 /* for messages */
	const char *path;	 /* where it is */
	const char *const *argv; /* ended by NULL */
};

struct lk_worker {
	struct lk_child children[LK_WORKER_CHILDREN];
	const char *names[LK_WORKER_CHILDREN];
	int count; /* of children; 0 when the worker is idle */
	int out, log;
};

#define LK_WORKER_INIT {.out = -1, .log = -1}

/* A new file in memory, empty, for a worker's input. */
enum lk_status lk_memory_file(const char *name, int *fd, struct lk_error *err) LK_CHECKED;
/* Everything written to such a file. */
enum lk_status lk_memory_text(int fd, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* Starts commands as a pipeline that reads `in`, which is rewound and stays the caller's. */
enum lk_status lk_worker_start(struct lk_worker *w, const struct lk_command *commands, int count, int in,
	struct lk_error *err) LK_CHECKED;

/* Whether all of its children have ended. Never waits. */
bool lk_worker_reap(struct lk_worker *w);

enum lk_worker_fate {
	LK_WORKER_DONE,	    /* the last command exited with 0 or 1 */
	LK_WORKER_DIED,	    /* something in its input ended it, and will again */
	LK_WORKER_REFUSED,  /* it could not do it this time: a file changed or could not be read, a schema does not fit */
	LK_WORKER_HELPLESS, /* it lacks something that other input would not give it: space, permission, a program */
};

/* How a worker ended whose children have all ended. reason: who failed and how, with the last line of what it said;
 * status: as what to report it. Both are set unless the fate is LK_WORKER_DONE. */
enum lk_worker_fate lk_worker_fate(const struct lk_worker *w, struct lk_str *reason, enum lk_status *status);

/* Kills what still runs, waits for it, closes the files. The worker is idle then. */
void lk_worker_end(struct lk_worker *w);

#endif
