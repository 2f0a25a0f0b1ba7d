#include "lake/revert.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lake/commit_report.h"
#include "lake/metadata.h"
#include "lake/revert_what.h"
#include "lake/transaction.h"
#include "stream/side.h"

struct revert {
	struct lk_lake *lake;
	const struct lk_revert_options *options;
	struct lk_revert_report *report;
	struct lk_pin pin;
	struct lk_revert_what what;
	struct lk_takeout takeout;
	struct lk_target **targets;
	size_t count, cap;
	enum lk_outcome outcome;
};

static bool is_whole(void *context, const struct lk_lake_table *table, const struct lk_lake_file *file)
{
	(void)table;
	return lk_revert_has_file(context, file);
}

/* ---- what cannot be found ---- */

/* Rows that a run's snapshots added to a table, and those of them that stand where they were added. */
static void count_added(const struct revert *r, const struct lk_lake_table *t, int64_t *added, int64_t *there, bool *rewritten)
{
	int64_t first = INT64_MAX;
	json_t *snapshot;
	size_t k;

	*added = *there = 0;
	*rewritten = false;
	json_array_foreach(json_object_get(t->metadata, "snapshots"), k, snapshot) {
		const json_t *summary = json_object_get(snapshot, "summary");
		int64_t sequence = lk_metadata_number(snapshot, "sequence-number", 0);

		if (json_object_get(r->what.runs, lk_metadata_text(summary, "lk.run"))) {
			*added += strtoll(lk_metadata_text(summary, "added-records"), NULL, 10);
			first = sequence < first ? sequence : first;
		}
	}
	json_array_foreach(json_object_get(t->metadata, "snapshots"), k, snapshot)
		*rewritten |= lk_metadata_number(snapshot, "sequence-number", 0) > first &&
			      !strcmp(lk_metadata_text(json_object_get(snapshot, "summary"), "operation"), "replace");
	for (int i = 0; i < t->file_count; i++)
		if (lk_revert_has_file(&r->what, &t->files[i]))
			*there += t->files[i].rows;
}

/* A run's rows that no delivery names, and that stand in files with others' by now. */
static enum lk_status check_table(const struct revert *r, const struct lk_lake_table *t, struct lk_error *err)
{
	int64_t added, there;
	bool rewritten;

	count_added(r, t, &added, &there, &rewritten);
	if (there >= added || !rewritten)
		return LK_OK;
	if (r->what.deliveries.count && !r->what.once && r->takeout.finder->may_have(r->takeout.finder->self, t))
		return LK_OK; /* its deliveries name them */
	return lk_error_set(err, LK_DATA, "table %s.%s: %" PRId64 " of the run's %" PRId64 " rows were written anew together with "
		"others since, and cannot be told from them any more; nothing was changed", t->namespace_name, t->name, added - there,
		added);
}

/* Rows of --once whose run's snapshots are expired, and whose files are not there any more. */
static enum lk_status check_once(const struct revert *r, struct lk_error *err)
{
	if (!r->what.once || r->what.snapshot_count || r->report->table_count)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "rows that were loaded by --once cannot be told from others any more: their snapshot is "
		"expired, and their files were written anew; nothing was changed");
}

/* ---- looking ---- */

static enum lk_status report_table(struct revert *r, const char *namespace_name, const char *name, int64_t snapshot_id,
	const struct lk_takeout_counts *counts, struct lk_error *err)
{
	struct lk_revert_report *report = r->report;
	struct lk_revert_table *t;

	if (!lk_grow((void **)&report->tables, &report->table_cap, report->table_count + 1, sizeof(*report->tables)))
		return lk_error_nomem(err);
	t = &report->tables[report->table_count++];
	*t = (struct lk_revert_table){lk_arena_printf(&report->arena, "%s.%s", namespace_name, name), snapshot_id, *counts};
	return t->table ? LK_OK : lk_error_nomem(err);
}

static enum lk_status get_target(struct revert *r, const char *name, struct lk_target **out, struct lk_error *err)
{
	if (!lk_grow((void **)&r->targets, &r->cap, r->count + 1, sizeof(*r->targets)))
		return lk_error_nomem(err);
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	r->targets[r->count++] = *out;
	return lk_target_open(*out, r->lake, name, err);
}

/* Of rows with keys the newest alone is kept: what it replaced cannot be had back row by row. */
static enum lk_status check_versions(const struct lk_lake_table *t, struct lk_error *err)
{
	const char *load = lk_metadata_property(t->metadata, LK_META_LOAD);
	bool facts = !strcmp(t->namespace_name, "lk") && !strcmp(t->name, "versions");

	if (!facts && (!load || !strcmp(load, "append")))
		return LK_OK;
	if (facts)
		return lk_error_set(err, LK_DATA, "it deleted or confirmed rows of tables that keep the newest row of each key (" LK_META_LOAD
			" upsert or full), which cannot be taken back; nothing was changed (lk-reset puts tables back to a moment)");
	return lk_error_set(err, LK_DATA, "table %s.%s keeps the newest row of each key (" LK_META_LOAD " %s): what these rows replaced is not "
		"there any more; nothing was changed (lk-reset puts tables back to a moment)", t->namespace_name, t->name, load);
}

static enum lk_status look_at(struct revert *r, struct lk_lake_table *t, struct lk_error *err)
{
	struct lk_takeout_counts counts;
	struct lk_target *target = NULL;

	LK_TRY(check_table(r, t, err));
	LK_TRY(lk_takeout_look(&r->takeout, &r->pin, t, &counts, err));
	if (!counts.rows)
		return LK_OK;
	LK_TRY(check_versions(t, err));
	LK_TRY(report_table(r, t->namespace_name, t->name, -1, &counts, err));
	if (r->options->dry)
		return LK_OK;
	LK_TRY(get_target(r, r->report->tables[r->report->table_count - 1].table, &target, err));
	return lk_takeout_find(&r->takeout, target, &r->report->tables[r->report->table_count - 1].counts, err);
}

static enum lk_status look(struct revert *r, struct lk_error *err)
{
	struct lk_delivery **named = calloc(r->what.deliveries.count + 1, sizeof(*named));
	enum lk_status status = LK_OK;
	size_t count = 0;

	if (!named)
		return lk_error_nomem(err);
	for (size_t i = 0; i < r->what.deliveries.count; i++)
		if (strcmp(r->what.deliveries.items[i]->sender, LK_ONCE_SENDER))
			named[count++] = r->what.deliveries.items[i];
	for (int i = 0; !status && i < r->pin.table_count; i++)
		status = lk_lake_table_read(&r->pin, &r->pin.tables[i], LK_LOAD_METRICS, NULL, err);
	if (!status && count)
		status = lk_takeout_mean(&r->takeout, &r->pin, named, count, err);
	free(named);
	for (int i = 0; !status && i < r->pin.table_count; i++)
		status = look_at(r, &r->pin.tables[i], err);
	return status ? status : check_once(r, err);
}

/* ---- doing it ---- */

static enum lk_status find_again(void *context, struct lk_target *target, bool *go, struct lk_error *err)
{
	struct revert *r = context;
	struct lk_takeout_counts *counts = &r->report->tables[0].counts, before;

	(void)go;
	for (size_t i = 0; i < r->count; i++)
		if (r->targets[i] == target)
			counts = &r->report->tables[i].counts;
	before = *counts;
	LK_TRY(lk_takeout_find_again(&r->takeout, target, counts, err));
	/* Files that were the run's may have been written anew, together with others. */
	if (counts->rows == before.rows || !json_object_size(r->what.runs))
		return LK_OK;
	return lk_error_set(err, LK_CONFLICT, "another writer changed rows of the run in table %s.%s meanwhile; nothing was changed, try "
		"again", target->namespace_name, target->name);
}

static enum lk_status write_ledger(void *context, struct lk_lake *lake, bool *go, struct lk_error *err)
{
	const struct revert *r = context;

	*go = true;
	for (size_t i = 0; i < r->what.deliveries.count; i++) {
		const struct lk_delivery *d = r->what.deliveries.items[i];
		bool same;

		LK_TRY(lk_ledger_unchanged(lake, LK_MAIN, d, &same, err));
		if (!same)
			return lk_error_set(err, LK_CONFLICT, "another writer changed '%s' meanwhile; nothing was changed, try again",
				d->path);
		LK_TRY(lk_ledger_remove(lake, LK_MAIN, d, r->report->run, err));
	}
	return r->what.deliveries.count ? lk_ledger_remove_paths(lake, LK_MAIN, err) : LK_OK;
}

static void note_snapshots(struct revert *r)
{
	for (size_t i = 0; i < r->count; i++)
		r->report->tables[i].snapshot_id = r->targets[i]->made.snapshot_id;
}

static enum lk_status commit(struct revert *r, struct lk_error *err)
{
	struct lk_transaction tx = {.lake = r->lake, .run = r->report->run, .targets = r->targets, .count = r->count,
		.hook = write_ledger, .rebased = find_again, .context = r, .force = r->what.deliveries.count > 0};
	enum lk_status status = lk_transaction_run(&tx, err);

	r->outcome = tx.outcome;
	if (!status)
		note_snapshots(r);
	return status;
}

static enum lk_status report_what(struct revert *r, struct lk_error *err)
{
	struct lk_revert_report *report = r->report;
	const char *run;
	json_t *value;

	json_object_foreach(r->what.runs, run, value) {
		if (!lk_grow((void **)&report->runs, &report->run_cap, report->run_count + 1, sizeof(*report->runs)))
			return lk_error_nomem(err);
		report->runs[report->run_count] = lk_arena_strdup(&report->arena, run);
		if (!report->runs[report->run_count++])
			return lk_error_nomem(err);
	}
	for (size_t i = 0; i < r->what.deliveries.count; i++)
		LK_TRY(lk_commit_list_add(&report->deliveries, &report->arena, r->what.deliveries.items[i], err));
	return LK_OK;
}

static enum lk_status revert(struct revert *r, struct lk_error *err)
{
	LK_TRY(lk_lake_pin(r->lake, &r->pin, err));
	LK_TRY(lk_revert_find(&r->what, r->lake, &r->pin, r->options, err));
	LK_TRY(report_what(r, err));
	LK_TRY(look(r, err));
	return r->options->dry ? LK_OK : commit(r, err);
}

enum lk_status lk_revert(struct lk_lake *lake, const struct lk_revert_options *options, struct lk_revert_report *report,
	struct lk_error *err)
{
	struct revert r = {.lake = lake, .options = options, .report = report};
	enum lk_status status;

	*report = (struct lk_revert_report){.arena = LK_ARENA_INIT, .dry = options->dry};
	LK_TRY(lk_uuid(report->run, err));
	r.takeout = (struct lk_takeout){.finder = options->rows, .run = report->run, .is_whole = is_whole, .context = &r.what};
	status = revert(&r, err);
	for (size_t i = 0; i < r.count; i++) {
		if (r.outcome == LK_OUTCOME_UNCHANGED)
			lk_target_clear_deletes(r.targets[i]);
		lk_target_release(r.targets[i]);
		free(r.targets[i]);
	}
	free(r.targets);
	lk_revert_what_release(&r.what);
	lk_pin_release(&r.pin);
	return status;
}

void lk_revert_report_release(struct lk_revert_report *r)
{
	free(r->runs);
	free(r->deliveries.items);
	free(r->tables);
	lk_arena_release(&r->arena);
	*r = (struct lk_revert_report){.arena = LK_ARENA_INIT};
}

/* ---- telling ---- */

void lk_revert_report_text(const struct lk_revert_report *r, struct lk_str *out)
{
	const char *would = r->dry ? "to be " : "";

	for (size_t i = 0; i < r->table_count; i++) {
		const struct lk_revert_table *t = &r->tables[i];

		lk_str_addf(out, "%s: %" PRId64 " row%s", t->table, t->counts.rows, lk_plural(t->counts.rows));
		if (t->counts.files)
			lk_str_addf(out, ", %" PRId64 " file%s %sremoved", t->counts.files, lk_plural(t->counts.files), would);
		if (t->counts.positions)
			lk_str_addf(out, ", %" PRId64 " row%s %sdeleted by position", t->counts.positions, lk_plural(t->counts.positions),
				would);
		if (t->snapshot_id >= 0)
			lk_str_addf(out, ", snapshot %" PRId64, t->snapshot_id);
		lk_str_addc(out, '\n');
	}
	for (size_t i = 0; i < r->deliveries.count; i++) {
		lk_str_adds(out, r->dry ? "would be unknown: " : "unknown now: ");
		lk_str_add_shown(out, r->deliveries.items[i].delivery);
		lk_str_addc(out, '\n');
	}
	if (!r->table_count && !r->deliveries.count)
		lk_str_adds(out, "nothing to take out\n");
}

static void add_table(const struct lk_revert_table *t, struct lk_str *out)
{
	lk_str_adds(out, "{\"table\":");
	lk_str_add_json(out, t->table, strlen(t->table));
	if (t->snapshot_id >= 0)
		lk_str_addf(out, ",\"snapshot\":%" PRId64, t->snapshot_id);
	else
		lk_str_adds(out, ",\"snapshot\":null");
	lk_str_addf(out, ",\"rows\":%" PRId64 ",\"files\":%" PRId64 ",\"positions\":%" PRId64 "}", t->counts.rows, t->counts.files,
		t->counts.positions);
}

void lk_revert_report_json(const struct lk_revert_report *r, struct lk_str *out)
{
	lk_str_addf(out, "{\"run\":\"%s\",\"dry_run\":%s,\"runs\":[", r->run, r->dry ? "true" : "false");
	for (size_t i = 0; i < r->run_count; i++) {
		lk_str_adds(out, i ? "," : "");
		lk_str_add_json(out, r->runs[i], strlen(r->runs[i]));
	}
	lk_str_addc(out, ']');
	lk_commit_list_json(&r->deliveries, "deliveries", out);
	lk_str_adds(out, ",\"tables\":[");
	for (size_t i = 0; i < r->table_count; i++) {
		lk_str_adds(out, i ? "," : "");
		add_table(&r->tables[i], out);
	}
	lk_str_adds(out, "]}\n");
}
