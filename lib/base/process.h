/*
 * Child processes: finding our own tools, starting them, waiting for many at once.
 *
 * A child dies with its parent (PR_SET_PDEATHSIG), starts with default signals and an empty signal mask, and has no
 * descriptors but the three it is given, as all of ours are opened with O_CLOEXEC. Its pidfd becomes readable when it
 * ends, so that one poll waits for many.
 */
#ifndef LK_BASE_PROCESS_H
#define LK_BASE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/* Where the tool `name` is: in the directory $LK_EXEC_PATH when that is set, else beside the running program, else on
 * the PATH. *path is malloc'd. LK_MISSING when it is nowhere. */
enum lk_status lk_program_find(const char *name, char **path, struct lk_error *err) LK_CHECKED;

struct lk_child {
	pid_t pid;   /* 0 when there is none */
	int pidfd;   /* readable once it has ended; for poll */
	int outcome; /* as waitpid left it; valid after lk_child_reap */
};

/* Runs path with argv (ended by NULL) and the descriptors in, out and err as 0, 1 and 2; they stay the caller's. */
enum lk_status lk_child_start(struct lk_child *child, const char *path, const char *const *argv, const int fds[3],
	struct lk_error *err) LK_CHECKED;

/* Whether it has ended; if so its outcome is filled and it needs no more care. Never waits. */
bool lk_child_reap(struct lk_child *child);

/* Kills it (SIGKILL) and waits for its end. Harmless when there is none. */
void lk_child_end(struct lk_child *child);

/* Exit status of an outcome; -1 when a signal ended it. */
int lk_outcome_status(int outcome);

/* Adds how it ended: "was killed by signal 11 (Segmentation fault)", "exited with status 70". */
void lk_outcome_text(int outcome, struct lk_str *out);

#endif
