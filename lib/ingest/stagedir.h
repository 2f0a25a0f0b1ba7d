/*
 * The folder in which a run stages: LAKE/.stage-<random>, locked (flock) as long as its run lives. The dot keeps it from
 * being taken for a namespace; it lies in the lake so that it is where the lake is, and others can tell whose it was.
 */
#ifndef LK_INGEST_STAGEDIR_H
#define LK_INGEST_STAGEDIR_H

#include "base/error.h"

struct lk_stagedir {
	char *path; /* NULL when there is none */
	int lock;   /* -1 when there is none */
};

#define LK_STAGEDIR_INIT {.lock = -1}

/* Makes one, and removes those in this lake whose runs were killed. */
enum lk_status lk_stagedir_make(struct lk_stagedir *dir, const char *lake, struct lk_error *err) LK_CHECKED;

/* Removes it with all that is in it. Harmless when there is none. */
enum lk_status lk_stagedir_remove(struct lk_stagedir *dir, struct lk_error *err) LK_CHECKED;

#endif
