#include "lake/commit.h"

#include <stdlib.h>
#include <string.h>

#include "lake/commit_report.h"
#include "lake/keyed.h"
#include "lake/counts.h"
#include "lake/data_writer.h"
#include "lake/ledger_history.h"
#include "lake/replace.h"
#include "lake/replay.h"
#include "lake/stage.h"
#include "lake/transaction.h"
#include "stream/side.h"

#define QUARANTINE_TABLE "quarantine.rejects"

struct run {
	struct lk_lake *lake;
	const struct lk_commit_options *options;
	struct lk_commit_report *report;
	struct lk_data_writers writers;
	struct lk_deliveries deliveries;
	struct lk_replay replay;
	struct lk_takeout takeout;
	struct lk_merges merges;
	struct lk_keyed keyed;
	json_t *segments; /* ids, as an object's keys */
	bool *keep;	  /* of the rows of a batch of lk.files */
	size_t keep_cap;
	int64_t received, dropped, stored; /* rows; those stored twice count once */
	uint64_t stream;
};

/* ---- side tables ---- */

/* Where the rejects' reasons go: everybody may read them. */
static bool is_public(const char *column)
{
	return strcmp(column, "raw") != 0 && strcmp(column, "context") != 0;
}

static enum lk_status store_rejects(struct run *run, const struct lk_batch *batch, struct lk_error *err)
{
	LK_TRY(lk_commit_counts_rejects(run->report->counts, batch->schema, batch->view, err));
	LK_TRY(lk_data_writers_write(&run->writers, LK_TABLE_REJECTS, is_public, batch->stream, batch->schema, batch->view, err));
	return lk_data_writers_write(&run->writers, QUARANTINE_TABLE, NULL, batch->stream, batch->schema, batch->view, err);
}

/* The rows that are to be kept, run by run. */
static enum lk_status store_kept(struct run *run, const struct lk_batch *batch, struct lk_error *err)
{
	struct ArrowArrayView part = *batch->view; /* its children are shared: the offset of the struct selects rows */
	int64_t end;

	part.length = 0;
	LK_TRY(lk_data_writers_write(&run->writers, LK_TABLE_FILES, NULL, batch->stream, batch->schema, &part, err));
	for (int64_t at = 0; at < batch->rows; at = end) {
		for (end = at; end < batch->rows && run->keep[end] == run->keep[at];)
			end++;
		part.offset = batch->view->offset + at;
		part.length = end - at;
		if (!run->keep[at])
			run->dropped += part.length;
		else
			LK_TRY(lk_data_writers_write(&run->writers, LK_TABLE_FILES, NULL, batch->stream, batch->schema, &part, err));
	}
	return LK_OK;
}

static enum lk_status store_files(struct run *run, const struct lk_batch *batch, struct lk_error *err)
{
	if (!lk_grow((void **)&run->keep, &run->keep_cap, (size_t)batch->rows + 1, sizeof(*run->keep)))
		return lk_error_nomem(err);
	LK_TRY(lk_deliveries_take(&run->deliveries, run->lake, batch->schema, batch->view, run->keep, err));
	LK_TRY(lk_commit_counts_files(run->report->counts, batch->schema, batch->view, run->keep, err));
	return store_kept(run, batch, err);
}

/* ---- reading ---- */

static bool is_reserved(const char *table)
{
	return !strncmp(table, "lk.", 3) || !strncmp(table, "quarantine.", 11);
}

static enum lk_status store_replayed(struct run *run, struct lk_batch *batch, struct lk_error *err)
{
	const struct lk_commit_options *o = run->options;
	bool alone = !o->stage && !o->once && !o->again && !o->overwrite;

	run->dropped += batch->rows;
	return lk_replay_take(&run->replay, alone ? o->finder : NULL, batch, err);
}

static enum lk_status store_batch(struct run *run, struct lk_batch *batch, struct lk_error *err)
{
	const char *table = batch->table;

	if (!strcmp(table, LK_TABLE_FILES))
		return store_files(run, batch, err);
	if (!strcmp(table, LK_TABLE_REJECTS))
		return store_rejects(run, batch, err);
	if (!strcmp(table, LK_TABLE_REPLAYED))
		return store_replayed(run, batch, err);
	if (!strcmp(table, LK_TABLE_VERSIONS))
		return lk_keyed_facts(&run->keyed, batch, err);
	if (!strcmp(table, LK_TABLE_MEMBERS))
		return lk_error_set(err, LK_DATA, "the stream has members of archives (%s) and not rows: lk-parse makes rows of them",
			table);
	if (run->options->as)
		table = run->options->as;
	if (is_reserved(table))
		return lk_error_set(err, LK_DATA, "'%s' is a name that lk keeps for its own tables", table);
	return lk_keyed_write(&run->keyed, table, batch, err);
}

static enum lk_status note_segment(struct run *run, const struct lk_batch *batch, struct lk_error *err)
{
	char segment[LK_SEGMENT_SIZE];

	if (batch->stream == run->stream)
		return LK_OK;
	run->stream = batch->stream;
	if (lk_meta_text(batch->schema, LK_META_SEGMENT, segment, sizeof(segment)) &&
		json_object_set_new(run->segments, segment, json_true()))
		return lk_error_nomem(err);
	return LK_OK;
}

/* All batches; with store false they are only checked and counted. */
static enum lk_status read_all(struct run *run, struct lk_reader *reader, bool store, struct lk_error *err)
{
	struct lk_batch batch;
	struct lk_counts counts;
	enum lk_next next;

	while ((next = lk_reader_next(reader, &batch, err)) == LK_NEXT_BATCH) {
		run->received += batch.rows;
		LK_TRY(note_segment(run, &batch, err));
		if (store)
			LK_TRY(store_batch(run, &batch, err));
	}
	if (next == LK_NEXT_ERROR)
		return err->status;
	lk_reader_counts(reader, &counts);
	if (json_object_size(run->segments) && counts.rows != run->received)
		return lk_error_set(err, LK_BUG, "the stream declares %lld rows and %lld came", (long long)counts.rows,
			(long long)run->received);
	return lk_deliveries_finish(&run->deliveries, err);
}

/* Whatever came is in a file, or was dropped as no news. */
static enum lk_status check_stored(const struct run *run, struct lk_error *err)
{
	int64_t stored = 0;

	for (size_t i = 0; i < run->writers.count; i++)
		if (strcmp(run->writers.items[i]->table, QUARANTINE_TABLE))
			stored += run->writers.items[i]->target.rows;
	if (stored + run->dropped + run->keyed.dropped == run->received)
		return LK_OK;
	return lk_error_set(err, LK_BUG, "%lld rows came, %lld are stored and %lld known", (long long)run->received,
		(long long)stored, (long long)(run->dropped + run->keyed.dropped));
}

/* ---- committing ---- */

enum verdict { COMMIT, NOTHING };

/* Whether there is anything to commit: a stream of which all is known changes nothing, one of which some is known is refused. */
static enum lk_status weigh(const struct run *run, enum verdict *verdict, struct lk_error *err)
{
	const struct lk_delivery *known = NULL, *repeated = NULL, *lost = NULL;
	size_t news = 0;

	for (size_t i = 0; i < run->deliveries.count; i++) {
		const struct lk_delivery *d = run->deliveries.items[i];

		news += d->news;
		if (d->seen == LK_DELIVERY_COMPLETE)
			known = d;
		if (d->repeated)
			repeated = d;
		if (d->anew && !d->loaded && d->failed_count && d->seen_rows + d->seen_rejected > 0)
			lost = d;
	}
	*verdict = run->deliveries.count && !news ? NOTHING : COMMIT;
	if (lost)
		return lk_error_set(err, LK_DATA, "nothing of '%s' could be loaded anew (%s): it stays as it was", lost->path,
			lost->failed[0].error);
	if (repeated && news)
		return lk_error_set(err, LK_CONFLICT,
			"'%s!%s' is loaded already, and only members that had failed may come again; nothing was committed",
			repeated->path, repeated->repeated);
	if (!known || !news)
		return LK_OK;
	return lk_error_set(err, LK_CONFLICT,
		"'%s' is loaded already and others of the stream are not; nothing was committed (lk-unpack -l leaves out what is loaded)",
		known->path);
}

static enum lk_status write_ledger(void *context, struct lk_lake *lake, bool *go, struct lk_error *err)
{
	const struct run *run = context;
	bool loaded;

	LK_TRY(lk_ledger_check_branch(lake, run->deliveries.branch, err));
	LK_TRY(lk_deliveries_recheck(&run->deliveries, lake, &loaded, err));
	*go = !loaded;
	if (loaded)
		return LK_OK;
	LK_TRY(lk_replay_record(&run->replay, lake, err));
	return lk_deliveries_record(&run->deliveries, lake, run->writers.run, err);
}

static enum lk_status report_nothing(struct run *run, struct lk_error *err)
{
	for (size_t i = 0; i < run->deliveries.count; i++)
		run->deliveries.items[i]->news = false;
	run->report->nothing = true;
	json_decref(run->report->counts);
	run->report->counts = lk_commit_counts_new();
	if (!run->report->counts)
		return lk_error_nomem(err);
	return lk_commit_report_add_deliveries(run->report, &run->deliveries, err);
}

static enum lk_status report_tables(struct run *run, bool committed, struct lk_error *err)
{
	for (size_t i = 0; i < run->writers.count; i++) {
		const struct lk_target *t = &run->writers.items[i]->target;

		if (t != run->merges.versions || t->new_location) /* no news of facts are none to tell */
			LK_TRY(lk_commit_report_add_table(run->report, t, lk_merges_find(&run->merges, t), committed, err));
	}
	return lk_commit_report_add_deliveries(run->report, &run->deliveries, err);
}

/* The rejects that were replayed, in the tables as they are now; those that come in this commit are not yet among them. */
static enum lk_status find_replayed(struct run *run, bool *go, struct lk_error *err)
{
	struct lk_target *rejects, *quarantine;

	*go = true;
	if (!run->replay.count)
		return LK_OK;
	if (run->deliveries.count)
		return lk_error_set(err, LK_DATA, "the stream has new deliveries and replayed rejects: commit them one after the other");
	run->replay.run = run->writers.run;
	run->report->replayed = run->replay.count;
	LK_TRY(lk_data_writers_target(&run->writers, LK_TABLE_REJECTS, is_public, &rejects, err));
	LK_TRY(lk_data_writers_target(&run->writers, QUARANTINE_TABLE, NULL, &quarantine, err));
	return lk_replay_find(&run->replay, rejects, quarantine, go, err);
}

static enum lk_status find_again(void *context, struct lk_target *target, bool *go, struct lk_error *err)
{
	struct lk_takeout_counts counts;
	struct run *run = context;

	if (lk_merges_find(&run->merges, target))
		return LK_OK; /* decided once all bases are known */
	if (run->replay.count)
		return lk_replay_find_again(&run->replay, target, go, err);
	if (target->watched && target != run->merges.versions)
		return lk_replace_again(target, err);
	return lk_takeout_find_again(&run->takeout, target, &counts, err);
}

static lk_column_filter *filter_of(const char *table)
{
	return strcmp(table, LK_TABLE_REJECTS) ? NULL : is_public;
}

static enum lk_status get_target(void *context, const char *name, struct lk_target **out, struct lk_error *err)
{
	struct run *run = context;

	for (size_t i = 0; i < run->writers.count; i++) {
		struct lk_target *t = &run->writers.items[i]->target;
		size_t len = strlen(t->namespace_name);

		if (!strncmp(name, t->namespace_name, len) && name[len] == '.' && !strcmp(name + len + 1, t->name)) {
			*out = t;
			return LK_OK;
		}
	}
	return lk_data_writers_target(&run->writers, name, filter_of(name), out, err);
}

static enum lk_status make_ready(void *context, struct lk_error *err)
{
	return lk_merges_ready(&((struct run *)context)->merges, err);
}

/* Rows that are found by their key are the merge's to take out. */
static enum lk_status merge_instead(void *context, const struct lk_lake_table *table, bool *instead, struct lk_error *err)
{
	struct run *run = context;

	return lk_merges_instead(&run->merges, table, get_target, run, instead, err);
}

/* The rows of deliveries that are loaded anew, in the tables as they are now. */
static enum lk_status take_out_before(struct run *run, struct lk_error *err)
{
	return lk_deliveries_take_out(&run->deliveries, run->lake, &run->takeout, get_target, run, err);
}

/* What rows mean to tables that have one row for each key, as these are now. */
static enum lk_status merge(struct run *run, struct lk_error *err)
{
	struct lk_target *versions;

	if (!run->merges.count)
		return LK_OK;
	run->merges.replayed = run->replay.count > 0;
	LK_TRY(lk_data_writers_target(&run->writers, LK_TABLE_VERSIONS, NULL, &versions, err));
	LK_TRY(lk_merges_gather(&run->merges, versions, err));
	return lk_merges_ready(&run->merges, err);
}

/* Tables with one row for each key are more than their rows. */
static enum lk_status refuse_keyed(const struct run *run, const char *option, struct lk_error *err)
{
	const struct lk_target *t;

	if (!run->merges.count)
		return LK_OK;
	t = run->merges.items[0]->target;
	return lk_error_set(err, LK_DATA, "%s replaces rows as they stand, and those of table %s.%s are versions of their keys (" LK_META_LOAD
		"); nothing was committed", option, t->namespace_name, t->name);
}

/* The one table that the stream has rows for, besides lk's own. */
static enum lk_status only_table(const struct run *run, struct lk_target **out, struct lk_error *err)
{
	*out = NULL;
	for (size_t i = 0; i < run->writers.count; i++) {
		struct lk_target *t = &run->writers.items[i]->target;

		if (lk_target_is_own(t))
			continue;
		if (*out)
			return lk_error_set(err, LK_DATA, "--overwrite replaces rows of one table, and the stream has rows of %s.%s and of "
				"%s.%s; nothing was committed", (*out)->namespace_name, (*out)->name, t->namespace_name, t->name);
		*out = t;
	}
	if (*out)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "the stream has no table, so it is not known in which one rows are to be replaced");
}

static enum lk_status overwrite(struct run *run, struct lk_error *err)
{
	struct lk_takeout_counts counts;
	struct lk_target *target;

	LK_TRY(refuse_keyed(run, "--overwrite", err));
	LK_TRY(only_table(run, &target, err));
	LK_TRY(lk_takeout_check_added(&run->takeout, target, err));
	return lk_takeout_find(&run->takeout, target, &counts, err);
}

static enum lk_status replace_partitions(struct run *run, struct lk_error *err)
{
	LK_TRY(refuse_keyed(run, "--replace-partitions", err));
	if (run->replay.count)
		return lk_error_set(err, LK_DATA, "--replace-partitions would take out what is there, and rejects that are replayed add to it; "
			"nothing was committed");
	for (size_t i = 0; i < run->writers.count; i++)
		if (!lk_target_is_own(&run->writers.items[i]->target))
			LK_TRY(lk_replace_partitions(&run->writers.items[i]->target, err));
	return LK_OK;
}

static enum lk_status commit_tables(struct run *run, enum lk_outcome *outcome, struct lk_error *err)
{
	size_t count = run->writers.count;
	struct lk_target **targets = calloc(count + 1, sizeof(*targets));
	struct lk_transaction tx = {.lake = run->lake, .run = run->writers.run, .targets = targets, .count = count,
		.hook = write_ledger, .rebased = find_again, .ready = make_ready, .context = run, .force = run->deliveries.count > 0};
	enum lk_status status;

	if (!targets)
		return lk_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		targets[i] = &run->writers.items[i]->target;
	status = lk_transaction_run(&tx, err);
	free(targets);
	*outcome = tx.outcome;
	if (status)
		return status;
	if (tx.outcome == LK_OUTCOME_UNCHANGED && (run->deliveries.count || run->replay.count))
		return report_nothing(run, err);
	return report_tables(run, true, err);
}

static enum lk_status take_stream(struct run *run, struct lk_reader *reader, enum lk_outcome *outcome, struct lk_error *err)
{
	const struct lk_delivery *once = NULL;
	enum verdict verdict;
	bool go;

	LK_TRY(lk_ledger_check_branch(run->lake, run->deliveries.branch, err));
	if (run->options->once) {
		LK_TRY(lk_deliveries_add_once(&run->deliveries, run->lake, run->options->once, err));
		once = run->deliveries.items[0];
	}
	LK_TRY(read_all(run, reader, !once || once->news, err));
	if (once && !once->news)
		return report_nothing(run, err);
	LK_TRY(weigh(run, &verdict, err));
	if (verdict == NOTHING)
		return report_nothing(run, err);
	LK_TRY(lk_keyed_finish(&run->keyed, err));
	LK_TRY(lk_data_writers_finish(&run->writers, err));
	LK_TRY(check_stored(run, err));
	LK_TRY(find_replayed(run, &go, err));
	if (!go)
		return report_nothing(run, err);
	if (run->options->overwrite)
		LK_TRY(overwrite(run, err));
	else if (run->options->replace_partitions)
		LK_TRY(replace_partitions(run, err));
	else if (!run->options->stage)
		LK_TRY(take_out_before(run, err));
	if (!run->options->stage)
		LK_TRY(merge(run, err));
	if (!run->options->stage)
		return commit_tables(run, outcome, err);
	LK_TRY(lk_stage_write(run->options->stage, &run->writers, &run->deliveries, &run->merges, run->segments, run->report, err));
	*outcome = LK_OUTCOME_DONE;
	return report_tables(run, false, err);
}

enum lk_status lk_commit_stream(struct lk_lake *lake, struct lk_reader *reader, const struct lk_commit_options *options,
	struct lk_commit_report *report, struct lk_error *err)
{
	struct run run = {.lake = lake, .options = options, .report = report, .segments = json_object()};
	enum lk_outcome outcome = LK_OUTCOME_UNCHANGED;
	enum lk_status status;
	struct lk_error own;

	if (!err)
		err = &own;
	status = lk_commit_report_init(report, err);
	if (!status && !run.segments)
		status = lk_error_nomem(err);
	run.takeout = (struct lk_takeout){.finder = options->rows, .run = report->run, .branch = options->branch, .instead = merge_instead,
		.context = &run};
	run.merges = (struct lk_merges){.lake = lake, .merger = options->merger, .run = report->run, .branch = options->branch,
		.deliveries = &run.deliveries};
	run.keyed = (struct lk_keyed){.merges = &run.merges, .writers = &run.writers, .stage = options->stage != NULL};
	run.deliveries.anew = options->again;
	run.deliveries.branch = run.replay.branch = options->branch ? options->branch : LK_MAIN;
	run.writers = (struct lk_data_writers){.lake = lake, .run = report->run, .branch = options->branch, .mode = options->schema, .ahead = options->stage};
	if (!status)
		status = take_stream(&run, reader, &outcome, err);
	if (outcome == LK_OUTCOME_UNCHANGED) {
		lk_merges_discard(&run.merges);
		lk_data_writers_discard(&run.writers);
	} else if (outcome == LK_OUTCOME_DONE) {
		lk_merges_finish(&run.merges);
	}
	lk_keyed_release(&run.keyed);
	lk_merges_release(&run.merges);
	lk_data_writers_release(&run.writers);
	lk_deliveries_release(&run.deliveries);
	json_decref(run.segments);
	free(run.keep);
	return status;
}
