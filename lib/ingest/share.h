/*
 * Shares: how deliveries are cut into pieces of work.
 *
 * A share is what one worker stages in one go: for each table it makes at least one data file, so shares are large;
 * and they are even, so that no worker is left alone at the end. The work in a delivery is told by its weight: its
 * bytes and a constant for what every file costs.
 */
#ifndef LK_INGEST_SHARE_H
#define LK_INGEST_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LK_SHARE_FILE_WEIGHT (16 * 1024)	   /* what a delivery costs apart from its bytes */
#define LK_SHARE_MAX_WEIGHT (INT64_C(128) << 20) /* more is cut, so that progress shows and a crash costs little */
#define LK_SHARE_MIN_WEIGHT (512 * 1024)	   /* less is not worth a worker of its own */

static inline int64_t lk_share_weight(int64_t size)
{
	return size + LK_SHARE_FILE_WEIGHT;
}

/* How heavy each share should be when this much is to be done by so many workers: as many shares as workers, or a
 * multiple of that, unless they would be too light. */
int64_t lk_share_target(int64_t weight, int64_t jobs);

struct lk_step;

/* A list of indexes of deliveries. */
struct lk_share {
	struct lk_share *next;
	struct lk_step *step; /* the commit that it is for */
	uint32_t *items;
	size_t count, cap;
	int64_t weight;
	bool retried;	   /* it failed before, so it is halved when it fails again */
	uint8_t conflicts; /* times that other processes were first, which are no failures */
};

enum lk_status lk_share_add(struct lk_share *s, uint32_t item, int64_t weight, struct lk_error *err) LK_CHECKED;

/* Whether s is done when a delivery of this weight is next: it has reached the target, or is nearer to it without. */
bool lk_share_is_full(const struct lk_share *s, int64_t target, int64_t next_weight);

/* Moves the second half of s (at least 2 items) to a new share, which follows s. */
enum lk_status lk_share_halve(struct lk_share *s, struct lk_error *err) LK_CHECKED;

void lk_share_free(struct lk_share *s);

#endif
