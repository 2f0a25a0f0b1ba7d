/* Filling a report: lib/lake's own. */
#ifndef LK_LAKE_COMMIT_REPORT_H
#define LK_LAKE_COMMIT_REPORT_H

#include "lake/commit.h"
#include "lake/merges.h"

/* An empty one, with the id of a run. To be released whatever the status. */
enum lk_status lk_commit_report_init(struct lk_commit_report *r, struct lk_error *err) LK_CHECKED;

/* merge: of its rows; NULL where there is none. */
enum lk_status lk_commit_report_add_table(struct lk_commit_report *r, const struct lk_target *t, const struct lk_merge *merge,
	bool committed, struct lk_error *err) LK_CHECKED;
/* Those that are news as committed, the others as skipped. */
enum lk_status lk_commit_report_add_deliveries(struct lk_commit_report *r, const struct lk_deliveries *ds,
	struct lk_error *err) LK_CHECKED;

/* A delivery more in a list whose text lies in the arena; and the list as JSON: ,"key":[{...}, ...]. */
enum lk_status lk_commit_list_add(struct lk_commit_report_list *list, struct lk_arena *arena, const struct lk_delivery *d,
	struct lk_error *err) LK_CHECKED;
void lk_commit_list_json(const struct lk_commit_report_list *list, const char *key, struct lk_str *out);

#endif
