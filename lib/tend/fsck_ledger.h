/* Whether the ledger and lk.files tell of the same deliveries (private to lk_fsck_run). */
#ifndef LK_TEND_FSCK_LEDGER_H
#define LK_TEND_FSCK_LEDGER_H

#include "lake/lake.h"
#include "sql/verify.h"

typedef enum lk_status lk_ledger_finding(void *context, const char *object, const char *text, struct lk_error *err);

/* Of the branch main, as both are now. Nothing where the lake has no lk.files that can be read: that is found elsewhere. */
enum lk_status lk_fsck_ledger(struct lk_lake *lake, struct lk_verify *verify, lk_ledger_finding *visit, void *context,
	struct lk_error *err) LK_CHECKED;

#endif
