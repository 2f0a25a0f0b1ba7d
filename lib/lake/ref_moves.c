#include "lake/ref_moves.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lake/metadata.h"

enum lk_status lk_ref_moves_init(struct lk_ref_moves *m, struct lk_lake *lake, struct lk_error *err)
{
	*m = (struct lk_ref_moves){.lake = lake};
	return lk_uuid(m->run, err);
}

void lk_ref_moves_release(struct lk_ref_moves *m)
{
	for (size_t i = 0; i < m->count; i++) {
		lk_target_release(&m->items[i]->target);
		free(m->items[i]);
	}
	free(m->items);
	*m = (struct lk_ref_moves){0};
}

enum lk_status lk_ref_moves_conflict(const struct lk_ref_move *move, struct lk_error *err)
{
	if (!move->forward)
		return lk_error_set(err, LK_CONFLICT, "another writer changed table %s.%s meanwhile; nothing was changed, try again",
			move->target.namespace_name, move->target.name);
	return lk_error_set(err, LK_CONFLICT,
		"%s has moved on in table %s.%s since the branch '%s' began, which cannot become what it is; nothing was changed "
		"(delete the branch, and load on a new one)",
		LK_MAIN, move->target.namespace_name, move->target.name, move->branch);
}

static enum lk_status apply(void *context, json_t *root, struct lk_error *err)
{
	const struct lk_ref_move *move = context;
	int64_t current = lk_metadata_snapshot_id(root), to = move->to == LK_MOVE_TO_MAIN ? current : move->to;

	if (move->expected != LK_MOVE_NOT && current != move->expected)
		return lk_ref_moves_conflict(move, err);
	if (move->forward && current >= 0 && !lk_refs_led_to(root, current, to))
		return lk_ref_moves_conflict(move, err);
	if (to >= 0 && !lk_metadata_snapshot(root, to))
		return lk_error_set(err, LK_CONFLICT, "snapshot %" PRId64 " of table %s.%s expired meanwhile; nothing was changed", to,
			move->target.namespace_name, move->target.name);
	if (to >= 0)
		LK_TRY(lk_refs_set(root, move->ref, move->tag, to, move->retention, err));
	if (move->remove)
		lk_refs_remove(root, move->remove);
	return LK_OK;
}

enum lk_status lk_ref_moves_add(struct lk_ref_moves *m, const struct lk_lake_table *table, struct lk_ref_move **out,
	struct lk_error *err)
{
	struct lk_ref_move *move;
	struct lk_str name = LK_STR_INIT;
	enum lk_status status;

	if (!lk_grow((void **)&m->items, &m->cap, m->count + 1, sizeof(*m->items)))
		return lk_error_nomem(err);
	*out = move = calloc(1, sizeof(*move));
	if (!move)
		return lk_error_nomem(err);
	m->items[m->count++] = move;
	move->expected = move->to = LK_MOVE_NOT;
	lk_str_addf(&name, "%s.%s", table->namespace_name, table->name);
	status = lk_str_check(&name, err);
	if (!status)
		status = lk_target_open(&move->target, m->lake, name.data, err);
	lk_str_release(&name);
	move->target.edit = apply;
	move->target.edit_context = move;
	return status;
}

/* Files that go were found in a table that is another one by now. */
static enum lk_status rebased(void *context, struct lk_target *target, bool *go, struct lk_error *err)
{
	const struct lk_ref_move *move = target->edit_context;

	(void)context;
	(void)go;
	return lk_ref_moves_conflict(move, err);
}

struct hooked {
	lk_ledger_hook *hook;
	void *context;
	const struct lk_transaction *tx;
	int64_t *now_ms;
};

static enum lk_status write_ledger(void *context, struct lk_lake *lake, bool *go, struct lk_error *err)
{
	struct hooked *h = context;

	if (h->now_ms)
		*h->now_ms = h->tx->now_ms;
	return h->hook ? h->hook(h->context, lake, go, err) : LK_OK;
}

enum lk_status lk_ref_moves_run(struct lk_ref_moves *m, lk_ledger_hook *hook, void *context, int64_t *now_ms, struct lk_error *err)
{
	struct lk_target **targets = calloc(m->count + 1, sizeof(*targets));
	struct hooked hooked = {hook, context, NULL, now_ms};
	struct lk_transaction tx = {.lake = m->lake, .run = m->run, .targets = targets, .count = m->count, .hook = write_ledger,
		.rebased = rebased, .context = &hooked, .force = true};
	enum lk_status status;

	if (!targets)
		return lk_error_nomem(err);
	hooked.tx = &tx;
	for (size_t i = 0; i < m->count; i++)
		targets[i] = &m->items[i]->target;
	status = lk_transaction_run(&tx, err);
	free(targets);
	return status;
}
