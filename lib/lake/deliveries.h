/*
 * The deliveries of a stream, told by its rows of lk.files and held against the ledger: what of them is news, what is
 * known, and what must not come (lk-lake(7), "The ledger").
 *
 * Memory grows with the number of deliveries and of failed members, not with rows.
 */
#ifndef LK_LAKE_DELIVERIES_H
#define LK_LAKE_DELIVERIES_H

#include "lake/takeout.h"

struct lk_deliveries {
	bool anew; /* those that the ledger knows are loaded anew; set by the caller, too */
	const char *branch; /* whose ledger; the caller's, set before the first is taken */
	struct lk_arena arena;
	struct lk_delivery **items;
	size_t count, cap;
	size_t *slots, slot_count; /* hash of sender and SHA-256 to index + 1 */
	size_t last;		   /* index of the one met last */
	struct lk_str key; /* sender and SHA-256 of the row at hand, each with a NUL */
	struct lk_str member, before; /* of the row at hand, and of the one before it that was news, */
	const struct lk_delivery *before_of; /* of this delivery */
};

/* Takes the rows of a batch of lk.files. keep[i] tells whether row i is to be stored: not when it is no news. */
enum lk_status lk_deliveries_take(struct lk_deliveries *ds, struct lk_lake *lake, const struct ArrowSchema *schema,
	const struct ArrowArrayView *view, bool *keep, struct lk_error *err) LK_CHECKED;

/* Adds rows that carry no delivery under a name of the caller's. */
enum lk_status lk_deliveries_add_once(struct lk_deliveries *ds, struct lk_lake *lake, const char *name,
	struct lk_error *err) LK_CHECKED;

/* The delivery of that identity, or NULL. */
struct lk_delivery *lk_deliveries_find(const struct lk_deliveries *ds, const char *sender, const char *sha256);
/* Adds one whose identity is not there yet; text is borrowed. */
enum lk_status lk_deliveries_add(struct lk_deliveries *ds, struct lk_delivery **out, const char *sender, const char *sha256,
	struct lk_error *err) LK_CHECKED;

/* After the last row. */
enum lk_status lk_deliveries_finish(struct lk_deliveries *ds, struct lk_error *err) LK_CHECKED;

/* Has the tables take out the rows of those that are loaded anew; nothing where none is. LK_BUG without a finder. */
enum lk_status lk_deliveries_take_out(const struct lk_deliveries *ds, struct lk_lake *lake, struct lk_takeout *takeout,
	lk_target_getter *get, void *context, struct lk_error *err) LK_CHECKED;

/* Within a transaction: LK_CONFLICT when the ledger changed for one that is news, except that *loaded is set when all of them are
 * complete now. */
enum lk_status lk_deliveries_recheck(const struct lk_deliveries *ds, struct lk_lake *lake, bool *loaded,
	struct lk_error *err) LK_CHECKED;
/* Within a transaction: records all that are news. */
enum lk_status lk_deliveries_record(const struct lk_deliveries *ds, struct lk_lake *lake, const char *run,
	struct lk_error *err) LK_CHECKED;

void lk_deliveries_release(struct lk_deliveries *ds);

#endif
