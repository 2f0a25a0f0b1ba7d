/*
 * What a process leaves on disk only while it runs: a private folder (mode 0700) under $TMPDIR for what a query spills, and an
 * output file under its temporary name. Both go when the process ends, by SIGINT, SIGTERM or SIGHUP too.
 */
#ifndef LK_SQL_WORKSPACE_H
#define LK_SQL_WORKSPACE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"

struct lk_workspace {
	char *folder;
	char *partial; /* an output being written; NULL when there is none */
	pthread_mutex_t lock; /* guards partial and interrupted */
	void (*interrupted)(void *context); /* called on SIGINT, by the watcher, in place of the end; NULL: the process ends */
	void *interrupted_context;
	pthread_t watcher;
	bool watching;
};

/* Makes the folder, and has a thread wait for those signals (which all threads made from here on leave to it): on one, it
 * removes what there is and lets the signal end the process. Call before other threads are made; workspace must not move. */
enum lk_status lk_workspace_init(struct lk_workspace *workspace, struct lk_error *err) LK_CHECKED;

/* From here on SIGINT calls this, in a thread of its own; NULL: ends the process again. */
void lk_workspace_on_interrupt(struct lk_workspace *workspace, void (*interrupted)(void *context), void *context);

/* Names the output being written (malloc'd, taken over), or with NULL forgets it without removing it. */
void lk_workspace_set_partial(struct lk_workspace *workspace, char *path);

/* Removes everything and ends the thread. */
void lk_workspace_release(struct lk_workspace *workspace);

#endif
