#include "ingest/share.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int64_t divide_up(int64_t n, int64_t by)
{
	return n / by + (n % by != 0);
}

int64_t lk_share_target(int64_t weight, int64_t jobs)
{
	int64_t shares = divide_up(divide_up(weight, LK_SHARE_MAX_WEIGHT), jobs) * jobs;
	int64_t most = weight / LK_SHARE_MIN_WEIGHT;

	if (shares > most)
		shares = most;
	return shares > 1 ? divide_up(weight, shares) : weight > 0 ? weight : 1;
}

enum lk_status lk_share_add(struct lk_share *s, uint32_t item, int64_t weight, struct lk_error *err)
{
	if (!lk_grow((void **)&s->items, &s->cap, s->count + 1, sizeof(*s->items)))
		return lk_error_nomem(err);
	s->items[s->count++] = item;
	s->weight += weight;
	return LK_OK;
}

bool lk_share_is_full(const struct lk_share *s, int64_t target, int64_t next_weight)
{
	return s->count && (s->weight >= target || s->weight + next_weight - target > target - s->weight);
}

enum lk_status lk_share_halve(struct lk_share *s, struct lk_error *err)
{
	struct lk_share *half = calloc(1, sizeof(*half));
	size_t keep = s->count / 2;

	if (!half || !lk_grow((void **)&half->items, &half->cap, s->count - keep, sizeof(*half->items))) {
		free(half);
		return lk_error_nomem(err);
	}
	half->count = s->count - keep;
	memcpy(half->items, s->items + keep, half->count * sizeof(*half->items));
	half->step = s->step;
	half->retried = s->retried;
	half->next = s->next;
	s->next = half;
	s->count = keep;
	return LK_OK;
}

void lk_share_free(struct lk_share *s)
{
	if (s)
		free(s->items);
	free(s);
}
