/* What a revert takes out: runs and deliveries as people name them, found in the ledger and in snapshots (inside of lib/lake). */
#ifndef LK_LAKE_REVERT_WHAT_H
#define LK_LAKE_REVERT_WHAT_H

#include "lake/deliveries.h"
#include "lake/revert.h"

struct lk_revert_what {
	struct lk_lake *lake;
	struct lk_pin *pin; /* its tables' metadata are read */
	struct lk_deliveries deliveries; /* as the ledger has them */
	json_t *runs;			 /* ids in full, as keys */
	int64_t *snapshots; /* of these runs, of any table, that brought rows; ascending */
	size_t snapshot_count, snapshot_cap;
	bool once; /* rows without a delivery are among them */
};

/* Finds all that is asked for. Release what either way. */
enum lk_status lk_revert_find(struct lk_revert_what *what, struct lk_lake *lake, struct lk_pin *pin,
	const struct lk_revert_options *options, struct lk_error *err) LK_CHECKED;
void lk_revert_what_release(struct lk_revert_what *what);

/* Whether a data file holds rows of these runs and of no others. */
bool lk_revert_has_file(const struct lk_revert_what *what, const struct lk_lake_file *file);

#endif
