#include "lake/merge.h"

const char *const lk_merge_words[LK_MERGE_COUNTS] = {"inserted", "updated", "deleted", "unchanged", "late", "repeated", "held", "held_scopes"};

int64_t *lk_merge_count(struct lk_merge_counts *c, int number)
{
	int64_t *const counts[LK_MERGE_COUNTS] = {&c->inserted, &c->updated, &c->deleted, &c->unchanged, &c->late, &c->repeated, &c->held,
		&c->held_scopes};

	return counts[number];
}
