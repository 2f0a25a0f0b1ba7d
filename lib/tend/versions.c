#include "tend/versions.h"

#include <stdlib.h>

#include "lake/takeout.h"
#include "lake/transaction.h"
#include "sql/thin.h"
#include "stream/stream.h"

struct thinning {
	struct lk_lake *lake;
	struct lk_takeout takeout;
	struct lk_takeout_counts counts;
};

static enum lk_status rebased(void *context, struct lk_target *target, bool *go, struct lk_error *err)
{
	struct thinning *t = context;

	LK_TRY(lk_takeout_find_again(&t->takeout, target, &t->counts, err));
	*go = t->counts.rows > 0;
	return LK_OK;
}

static enum lk_status thin_target(struct thinning *t, struct lk_target *target, struct lk_error *err)
{
	struct lk_transaction tx = {.lake = t->lake, .run = t->takeout.run, .targets = &target, .count = 1, .rebased = rebased, .context = t};
	enum lk_status status = lk_takeout_find(&t->takeout, target, &t->counts, err);

	if (!status && t->counts.rows)
		status = lk_transaction_run(&tx, err);
	if (status && tx.outcome == LK_OUTCOME_UNCHANGED)
		lk_target_clear_deletes(target);
	return status;
}

static enum lk_status thin(struct thinning *t, struct lk_error *err)
{
	struct lk_target target;
	enum lk_status status = lk_target_open(&target, t->lake, LK_TABLE_VERSIONS, err);

	if (!status)
		status = thin_target(t, &target, err);
	lk_target_release(&target);
	return status;
}

static enum lk_status look(struct thinning *t, const char *location, struct lk_error *err)
{
	struct lk_lake_table table = {.namespace_name = "lk", .name = "versions", .metadata_location = location};
	struct lk_pin pin = {.arena = LK_ARENA_INIT, .tables = &table, .table_count = 1};
	enum lk_status status = lk_takeout_look(&t->takeout, &pin, &table, &t->counts, err);

	pin.tables = NULL;
	lk_pin_release(&pin);
	return status;
}

enum lk_status lk_versions_thin(struct lk_lake *lake, bool dry_run, int64_t *facts, struct lk_error *err)
{
	char run[LK_UUID_SIZE], *location;
	struct lk_row_finder finder;
	struct thinning t = {.lake = lake, .takeout = {.finder = &finder, .run = run}};
	struct lk_thinner *thinner;
	enum lk_status status;

	*facts = 0;
	LK_TRY(lk_catalog_find(lake, "lk", "versions", &location, err));
	if (!location)
		return LK_OK;
	status = lk_uuid(run, err);
	if (!status)
		status = lk_thinner_open(&thinner, &finder, lake, err);
	if (!status) {
		status = dry_run ? look(&t, location, err) : thin(&t, err);
		lk_thinner_close(thinner);
	}
	free(location);
	*facts = t.counts.rows;
	return status;
}
