#include "lake/reset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"
#include "lake/ledger_history.h"
#include "lake/list.h"
#include "lake/metadata.h"
#include "lake/moment.h"
#include "lake/ref_moves.h"

struct reset {
	const struct lk_reset_options *options;
	struct lk_reset_report *report;
	struct lk_lake_moment moment;
	struct lk_ref_moves moves;
	int64_t now_ms;
};

/* ---- planning ---- */

static int64_t rows_of(const struct lk_lake_table *t, int64_t snapshot_id)
{
	const json_t *snapshot = lk_metadata_snapshot(t->metadata, snapshot_id);
	int64_t rows = lk_summary_number(snapshot, "total-records"), deleted = lk_summary_number(snapshot, "total-position-deletes");

	if (!snapshot)
		return 0;
	return rows < 0 || deleted < 0 ? -1 : rows > deleted ? rows - deleted : 0;
}

static enum lk_status report_table(struct lk_reset_report *r, const struct lk_lake_moment_table *t, struct lk_error *err)
{
	struct lk_reset_table *to = &r->tables[r->table_count++];

	*to = (struct lk_reset_table){lk_arena_strdup(&r->arena, t->name), t->now, t->then, rows_of(t->table, t->now),
		rows_of(t->table, t->then)};
	return to->table ? LK_OK : lk_error_nomem(err);
}

/* All files of a table that had none yet. */
static enum lk_status empty(struct reset *r, struct lk_lake_moment_table *t, struct lk_target *target, struct lk_error *err)
{
	struct lk_lake_table *table = t->table;

	LK_TRY(lk_lake_table_read(&r->moment.pin, table, 0, NULL, err));
	for (int i = 0; i < table->file_count; i++)
		LK_TRY(lk_target_remove_file(target, table->files[i].uri, err));
	for (int i = 0; i < table->deletes_count; i++)
		LK_TRY(lk_target_remove_file(target, table->deletes[i].uri, err));
	for (int i = 0; i < table->equality_count; i++)
		LK_TRY(lk_target_remove_file(target, table->equality[i].uri, err));
	return LK_OK;
}

static bool has_rows(const struct lk_lake_moment_table *t)
{
	return rows_of(t->table, t->now) != 0 || lk_summary_number(lk_metadata_snapshot(t->table->metadata, t->now), "total-data-files");
}

/* A table that was unborn and has lost its rows already is as it was. */
static bool differs(const struct lk_lake_moment_table *t)
{
	return !t->exact || (t->then < 0 ? t->now >= 0 && has_rows(t) : t->now != t->then);
}

static enum lk_status plan_table(struct reset *r, struct lk_lake_moment_table *t, struct lk_error *err)
{
	struct lk_ref_move *move;

	LK_TRY(lk_lake_moment_check(&r->moment, t, err));
	LK_TRY(report_table(r->report, t, err));
	LK_TRY(lk_ref_moves_add(&r->moves, t->table, &move, err));
	move->expected = t->now;
	move->ref = LK_MAIN;
	move->to = t->then < 0 ? LK_MOVE_NOT : t->then;
	return t->then < 0 ? empty(r, t, &move->target, err) : LK_OK;
}

static enum lk_status plan(struct reset *r, bool *meant, struct lk_error *err)
{
	struct lk_reset_report *report = r->report;

	report->tables = lk_arena_alloc(&report->arena, (size_t)r->moment.count * sizeof(*report->tables) + 1);
	if (!report->tables)
		return lk_error_nomem(err);
	LK_TRY(lk_lake_moment_choose(&r->moment, r->options->tables, r->options->table_count, meant, err));
	for (int i = 0; i < r->moment.count; i++) {
		struct lk_lake_moment_table *t = &r->moment.tables[i];

		if (!r->options->table_count && lk_metadata_is_keymap(t->table->metadata))
			continue;
		if (meant[i] && differs(t))
			LK_TRY(plan_table(r, t, err));
		else if (!meant[i] && differs(t) && !report->keeps)
			report->keeps = lk_arena_strdup(&report->arena, t->name);
	}
	return LK_OK;
}

/* ---- the ledger ---- */

static enum lk_status ledger_moment(struct reset *r, struct lk_lake *lake, int64_t *moment, struct lk_error *err)
{
	return lk_ledger_moment(lake, LK_MAIN, r->moment.time_ms * 1000, r->moment.runs, moment, err);
}

static enum lk_status look_at_ledger(struct reset *r, struct lk_lake *lake, struct lk_error *err)
{
	int64_t moment;

	if (r->report->keeps) {
		r->report->deliveries = json_array();
		return r->report->deliveries ? LK_OK : lk_error_nomem(err);
	}
	LK_TRY(ledger_moment(r, lake, &moment, err));
	return lk_ledger_since(lake, LK_MAIN, moment, &r->report->deliveries, err);
}

static enum lk_status set_ledger_back(void *context, struct lk_lake *lake, bool *go, struct lk_error *err)
{
	struct reset *r = context;
	int64_t moment;

	(void)go;
	if (r->report->keeps)
		return LK_OK;
	LK_TRY(ledger_moment(r, lake, &moment, err));
	return lk_ledger_set_back(lake, LK_MAIN, moment, r->moves.run, r->now_ms * 1000, err);
}

/* ---- the whole ---- */

static enum lk_status reset(struct reset *r, struct lk_lake *lake, struct lk_error *err)
{
	enum lk_status status;
	bool *meant;

	LK_TRY(lk_lake_moment_find(&r->moment, lake, r->options->to, err));
	LK_TRY(lk_ref_moves_init(&r->moves, lake, err));
	memcpy(r->report->run, r->moves.run, sizeof(r->moves.run));
	r->report->time_ms = r->moment.time_ms;
	meant = calloc((size_t)r->moment.count + 1, sizeof(*meant));
	status = meant ? plan(r, meant, err) : lk_error_nomem(err);
	free(meant);
	LK_TRY(status);
	LK_TRY(look_at_ledger(r, lake, err));
	if (r->options->dry_run || (!r->moves.count && !json_array_size(r->report->deliveries)))
		return LK_OK;
	return lk_ref_moves_run(&r->moves, set_ledger_back, r, &r->now_ms, err);
}

enum lk_status lk_reset(struct lk_lake *lake, const struct lk_reset_options *options, struct lk_reset_report *report,
	struct lk_error *err)
{
	struct reset r = {.options = options, .report = report};
	enum lk_status status;

	*report = (struct lk_reset_report){LK_ARENA_INIT};
	status = reset(&r, lake, err);
	lk_ref_moves_release(&r.moves);
	lk_lake_moment_release(&r.moment);
	return status;
}

void lk_reset_report_release(struct lk_reset_report *r)
{
	json_decref(r->deliveries);
	lk_arena_release(&r->arena);
	*r = (struct lk_reset_report){LK_ARENA_INIT};
}

/* ---- telling ---- */

static void add_rows(struct lk_str *out, int64_t rows)
{
	if (rows < 0)
		lk_str_adds(out, "?");
	else
		lk_str_addf(out, "%" PRId64, rows);
}

void lk_reset_report_text(const struct lk_reset_report *r, struct lk_str *out)
{
	json_t *d;
	size_t k;

	for (int i = 0; i < r->table_count; i++) {
		const struct lk_reset_table *t = &r->tables[i];

		lk_str_addf(out, "%s: snapshot %" PRId64 " to ", t->table, t->from);
		if (t->to < 0)
			lk_str_adds(out, "none");
		else
			lk_str_addf(out, "%" PRId64, t->to);
		lk_str_adds(out, ", rows ");
		add_rows(out, t->rows_from);
		lk_str_adds(out, " to ");
		add_rows(out, t->rows_to);
		lk_str_addc(out, '\n');
	}
	json_array_foreach(r->deliveries, k, d) {
		lk_str_adds(out, json_is_true(json_object_get(d, "known")) ? "known as it was then: " : "not known any more: ");
		lk_str_add_shown(out, lk_metadata_text(d, "delivery"));
		lk_str_addc(out, '\n');
	}
}

static json_t *id_or_null(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

void lk_reset_report_json(const struct lk_reset_report *r, bool dry_run, struct lk_str *out)
{
	json_t *tables = json_array(), *root;
	char time[LK_VALUE_TEXT], *text;

	for (int i = 0; i < r->table_count; i++) {
		const struct lk_reset_table *t = &r->tables[i];

		json_array_append_new(tables, json_pack("{s:s, s:I, s:o, s:o, s:o}", "table", t->table, "from", (json_int_t)t->from, "to",
						      id_or_null(t->to), "rows_from", id_or_null(t->rows_from), "rows_to",
						      id_or_null(t->rows_to)));
	}
	lk_timestamp_text(r->time_ms * 1000, true, true, time);
	root = json_pack("{s:s, s:s, s:b, s:o, s:b, s:O}", "run", r->run, "time", time, "dry_run", dry_run, "tables", tables, "ledger",
		r->keeps == NULL, "deliveries", r->deliveries);
	text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	if (text)
		lk_str_addf(out, "%s\n", text);
	else
		out->failed = true;
	free(text);
	json_decref(root);
}
