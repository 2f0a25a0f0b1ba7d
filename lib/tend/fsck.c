#include "tend/fsck.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lake/catalog.h"
#include "sql/verify.h"
#include "tend/fsck_ledger.h"
#include "tend/fsck_table.h"

#define TRIES 3 /* at a table that others change */

struct run {
	struct lk_lake *lake;
	const struct lk_fsck_options *options;
	lk_fsck_visitor *visit;
	void *context;
	struct lk_fsck_totals *totals;
	struct lk_verify *verify;
};

void lk_fsck_found(struct lk_fsck_table *t, const char *code, const char *object, const char *fmt, ...)
{
	struct lk_fsck_finding f = {.code = code, .table = t->name};
	char text[LK_ERROR_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	f.object = lk_arena_strdup(&t->arena, object);
	f.text = lk_arena_strdup(&t->arena, text);
	if (!f.object || !f.text || !lk_grow((void **)&t->findings, &t->finding_cap, t->finding_count + 1, sizeof(f)))
		t->no_memory = true;
	else
		t->findings[t->finding_count++] = f;
}

static void release_table(struct lk_fsck_table *t)
{
	for (size_t i = 0; i < t->manifest_index.count; i++)
		free(t->manifests[i].entries);
	json_decref(t->root);
	lk_index_release(&t->field_index);
	lk_index_release(&t->snapshot_index);
	lk_index_release(&t->manifest_index);
	lk_index_release(&t->file_index);
	free(t->fields);
	free(t->snapshots);
	free(t->manifests);
	free(t->files);
	free(t->findings);
	lk_arena_release(&t->arena);
	lk_arena_release(&t->scratch);
}

static enum lk_status check_table(struct lk_fsck_table *t, struct lk_error *err)
{
	LK_TRY(lk_fsck_metadata(t, err));
	if (t->root) {
		LK_TRY(lk_fsck_snapshots(t, err));
		lk_fsck_deletes(t);
	}
	return t->no_memory ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status report(struct run *run, const struct lk_fsck_table *t, struct lk_error *err)
{
	struct lk_fsck_totals *totals = run->totals;

	totals->tables++;
	totals->snapshots += (int64_t)t->snapshot_index.count;
	totals->manifests += (int64_t)t->manifest_index.count;
	totals->files += (int64_t)t->file_index.count;
	totals->bytes += t->bytes;
	totals->findings += (int64_t)t->finding_count;
	for (size_t i = 0; i < t->finding_count; i++)
		LK_TRY(run->visit(run->context, &t->findings[i], err));
	return LK_OK;
}

/* Where the table's metadata are now; *moved when that is elsewhere than they were, or it is gone (*location NULL then). */
static enum lk_status look_again(struct run *run, const struct lk_lake_table *pinned, const char *was, char **location, bool *moved,
	struct lk_error *err)
{
	LK_TRY(lk_catalog_find(run->lake, pinned->namespace_name, pinned->name, location, err));
	*moved = !*location || strcmp(*location, was) != 0;
	return LK_OK;
}

/* Files of old snapshots may go while they are checked: what is found in a table that has moved on is not trusted. */
static enum lk_status run_table(struct run *run, const struct lk_lake_table *pinned, const char *name, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	char *location = strdup(pinned->metadata_location), *next;
	bool moved = true;

	for (int i = 0; location && !status && moved && i < TRIES; i++) {
		struct lk_fsck_table t = {.options = run->options, .verify = run->verify, .name = name, .location = location};

		next = NULL;
		moved = false;
		status = check_table(&t, err);
		if (!status && t.finding_count && i + 1 < TRIES)
			status = look_again(run, pinned, location, &next, &moved, err);
		if (!status && !moved)
			status = report(run, &t, err);
		release_table(&t);
		if (moved) {
			free(location);
			location = next; /* NULL: it was dropped meanwhile */
		} else {
			free(next);
		}
	}
	free(location);
	return status;
}

/* ---- which tables ---- */

static bool is_meant(const char *want, const struct lk_lake_table *t)
{
	const char *dot = strrchr(want, '.');
	size_t len = dot ? (size_t)(dot - want) : 0;

	if (!dot)
		return !strcmp(t->namespace_name, "main") && !strcmp(t->name, want);
	return strlen(t->namespace_name) == len && !memcmp(t->namespace_name, want, len) && !strcmp(t->name, dot + 1);
}

static bool is_wanted(const struct lk_fsck_options *o, const struct lk_lake_table *t)
{
	for (size_t i = 0; i < o->table_count; i++)
		if (is_meant(o->tables[i], t))
			return true;
	return !o->table_count;
}

static enum lk_status check_wanted(const struct lk_fsck_options *o, const struct lk_pin *pin, struct lk_error *err)
{
	for (size_t i = 0; i < o->table_count; i++) {
		int k = 0;

		while (k < pin->table_count && !is_meant(o->tables[i], &pin->tables[k]))
			k++;
		if (k == pin->table_count)
			return lk_error_set(err, LK_NOINPUT, "there is no table '%s' in the lake", o->tables[i]);
	}
	return LK_OK;
}

static enum lk_status run_tables(struct run *run, struct lk_pin *pin, struct lk_error *err)
{
	LK_TRY(check_wanted(run->options, pin, err));
	for (int i = 0; i < pin->table_count; i++) {
		const char *name = lk_arena_printf(&pin->arena, "%s.%s", pin->tables[i].namespace_name, pin->tables[i].name);

		if (!name)
			return lk_error_nomem(err);
		if (!is_wanted(run->options, &pin->tables[i]))
			continue;
		if (run->options->progress)
			run->options->progress(name, i + 1, pin->table_count);
		LK_TRY(run_table(run, &pin->tables[i], name, err));
	}
	return LK_OK;
}

/* ---- the whole ---- */

static enum lk_status found_in_ledger(void *context, const char *object, const char *text, struct lk_error *err)
{
	struct run *run = context;
	struct lk_fsck_finding f = {"ledger", "", object, text};

	run->totals->findings++;
	return run->visit(run->context, &f, err);
}

static enum lk_status run_impl(struct run *run, struct lk_error *err)
{
	struct lk_pin pin;
	enum lk_status status;

	if (run->options->data)
		LK_TRY(lk_verify_open(&run->verify, err));
	status = lk_lake_pin(run->lake, &pin, err);
	if (!status)
		status = run_tables(run, &pin, err);
	if (!status && run->options->data && !run->options->table_count)
		status = lk_fsck_ledger(run->lake, run->verify, found_in_ledger, run, err);
	lk_pin_release(&pin);
	return status;
}

enum lk_status lk_fsck_run(struct lk_lake *lake, const struct lk_fsck_options *options, lk_fsck_visitor *visit, void *context,
	struct lk_fsck_totals *totals, struct lk_error *err)
{
	struct run run = {.lake = lake, .options = options, .visit = visit, .context = context, .totals = totals};
	enum lk_status status;

	*totals = (struct lk_fsck_totals){0};
	LK_TRY(lk_catalog_check_whole(lake, err));
	status = run_impl(&run, err);
	lk_verify_close(run.verify);
	return status;
}
