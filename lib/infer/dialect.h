/*
 * The dialect of a sample of delimited text, guessed from its bytes alone.
 */
#ifndef LK_INFER_DIALECT_H
#define LK_INFER_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/error.h"

struct lk_guess {
	const char *encoding; /* as a resource's `encoding` names it; static */
	json_t *dialect;      /* a Table Dialect, with what differs from the standard's defaults; the caller's to release */
	size_t columns;	      /* of most records; 0: there are none */
	double confidence;    /* 0 to 1: by how much the next best delimiter is worse */
	bool flawed;	      /* quotes are wrong in some record of the sample */
};

/* whole: the sample is the whole file, and not only its start. Binary rubbish gets the likeliest answer, too. */
enum lk_status lk_guess_dialect(
	const char *data, size_t len, bool whole, struct lk_guess *out, struct lk_error *err) LK_CHECKED;
void lk_guess_release(struct lk_guess *g);

#endif
