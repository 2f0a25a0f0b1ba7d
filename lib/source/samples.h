/*
 * Samples: files that lie beside a package, with the rows that they must become (lk-source(5), "Tests of packages").
 *
 * Beside `datapackage.json` lies the folder `samples`, beside `NAME.json` the folder `NAME.samples`. Each file below it is a
 * delivery that is its own only member, called as it is there; below a folder whose name ends in `!`, it is a member of the
 * delivery of that name. `FILE.expect/TABLE.jsonl` beside it holds the rows of one table.
 */
#ifndef LK_SOURCE_SAMPLES_H
#define LK_SOURCE_SAMPLES_H

#include <stdio.h>

#include "source/source.h"

struct lk_samples_totals {
	int64_t samples, wrong; /* wrong: how many became something else than they must */
	int64_t written;	/* expectations */
};

/* Parses every sample of every package by all of them, in the order of names, and writes to `out` what differs, as a diff.
 * accept: expectations that do not hold are written anew. LK_CONFIG for expectations that cannot be read. */
enum lk_status lk_samples_check(struct lk_sources *s, bool accept, FILE *out, struct lk_samples_totals *totals,
	struct lk_error *err) LK_CHECKED;

#endif
