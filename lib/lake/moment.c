#include "lake/moment.h"

#include <inttypes.h>
#include <string.h>

#include "base/value.h"
#include "lake/at.h"
#include "lake/list.h"
#include "lake/metadata.h"
#include "lake/refs.h"

static const char *run_of(const json_t *snapshot)
{
	return lk_metadata_text(json_object_get(snapshot, "summary"), "lk.run");
}

static void pin(struct lk_lake_moment *m, struct lk_lake_moment_table *t, int64_t snapshot_id)
{
	int64_t at = lk_refs_time(t->table->metadata, snapshot_id);

	t->then = snapshot_id;
	t->pinned = t->exact = true;
	if (at > m->time_ms)
		m->time_ms = at;
}

/* ---- what was named ---- */

static bool pin_ref(struct lk_lake_moment *m, const char *ref)
{
	bool found = false;

	for (int i = 0; i < m->count; i++) {
		int64_t id;

		if (!lk_refs_find(m->tables[i].table->metadata, ref, &id))
			continue;
		found = true;
		if (id >= 0)
			pin(m, &m->tables[i], id);
	}
	return found;
}

/* The other tables of its run are pinned, too. */
static void pin_run(struct lk_lake_moment *m, const char *run)
{
	for (int i = 0; i < m->count; i++) {
		struct lk_lake_moment_table *t = &m->tables[i];
		json_t *snapshot;
		size_t k;

		json_array_foreach(json_object_get(t->table->metadata, "snapshots"), k, snapshot) {
			int64_t id = lk_metadata_number(snapshot, "snapshot-id", -1);

			if (!t->pinned && !strcmp(run_of(snapshot), run) && lk_refs_was_main(t->table->metadata, id))
				pin(m, t, id);
		}
	}
}

static enum lk_status pin_snapshot(struct lk_lake_moment *m, const struct lk_lake_at *at, struct lk_error *err)
{
	for (int i = 0; i < m->count; i++) {
		const json_t *root = m->tables[i].table->metadata, *snapshot = lk_metadata_snapshot(root, at->snapshot_id);

		if (!snapshot)
			continue;
		if (!lk_refs_was_main(root, at->snapshot_id))
			return lk_error_set(err, LK_DATA, "snapshot %" PRId64 " of table %s is not of main's history, but of another branch's",
				at->snapshot_id, m->tables[i].name);
		pin(m, &m->tables[i], at->snapshot_id);
		if (*run_of(snapshot))
			pin_run(m, run_of(snapshot));
		return LK_OK;
	}
	return lk_error_set(err, LK_DATA, "there is no snapshot %s in the lake, or it expired; lk-log --all lists them", at->text);
}

static enum lk_status find_named(struct lk_lake_moment *m, const char *text, struct lk_error *err)
{
	struct lk_lake_at at;

	LK_TRY(lk_lake_at_parse(text, &at, err));
	if (at.kind != LK_AT_REF && strcmp(text, LK_MAIN) && pin_ref(m, text))
		return LK_OK;
	switch (at.kind) {
	case LK_AT_TIME:
		m->time_ms = at.time_ms;
		return LK_OK;
	case LK_AT_SNAPSHOT:
		return pin_snapshot(m, &at, err);
	case LK_AT_REF:
		break;
	}
	if (pin_ref(m, text))
		return LK_OK;
	return lk_error_set(err, LK_DATA, "there is no branch or tag '%s' in the lake; lk-branch lists them", text);
}

/* ---- the others ---- */

static enum lk_status note_runs(struct lk_lake_moment *m, struct lk_error *err)
{
	json_decref(m->runs);
	m->runs = json_object();
	for (int i = 0; i < m->count; i++) {
		const char *run = run_of(lk_metadata_snapshot(m->tables[i].table->metadata, m->tables[i].then));

		if (*run && json_object_set_new(m->runs, run, json_true()))
			return lk_error_nomem(err);
	}
	return m->runs ? LK_OK : lk_error_nomem(err);
}

/* Moves the time on so that all of the runs of the heads are in it; false when they are. */
static bool complete_runs(struct lk_lake_moment *m)
{
	int64_t before = m->time_ms;

	for (int i = 0; i < m->count; i++) {
		const json_t *root = m->tables[i].table->metadata;
		json_t *snapshot;
		size_t k;

		json_array_foreach(json_object_get(root, "snapshots"), k, snapshot) {
			int64_t at = lk_metadata_number(snapshot, "timestamp-ms", 0);

			if (at > m->time_ms && json_object_get(m->runs, run_of(snapshot)) &&
				lk_refs_was_main(root, lk_metadata_number(snapshot, "snapshot-id", -1)))
				m->time_ms = at;
		}
	}
	return m->time_ms > before;
}

static enum lk_status find_others(struct lk_lake_moment *m, struct lk_error *err)
{
	do {
		for (int i = 0; i < m->count; i++)
			if (!m->tables[i].pinned)
				lk_refs_main_at(m->tables[i].table->metadata, m->time_ms, &m->tables[i].then, &m->tables[i].exact);
		LK_TRY(note_runs(m, err));
	} while (complete_runs(m));
	return LK_OK;
}

/* ---- the whole ---- */

static enum lk_status open_tables(struct lk_lake_moment *m, struct lk_error *err)
{
	m->tables = lk_arena_alloc(&m->pin.arena, (size_t)m->pin.table_count * sizeof(*m->tables) + 1);
	if (!m->tables)
		return lk_error_nomem(err);
	for (int i = 0; i < m->pin.table_count; i++) {
		struct lk_lake_table *t = &m->pin.tables[i];

		LK_TRY(lk_lake_table_open(&m->pin, t, NULL, err));
		m->tables[i] = (struct lk_lake_moment_table){.table = t, .exact = true};
		m->tables[i].now = m->tables[i].then = lk_metadata_snapshot_id(t->metadata);
		m->tables[i].name = lk_arena_printf(&m->pin.arena, "%s.%s", t->namespace_name, t->name);
		if (!m->tables[i].name)
			return lk_error_nomem(err);
		m->count++;
	}
	return LK_OK;
}

enum lk_status lk_lake_moment_find(struct lk_lake_moment *m, struct lk_lake *lake, const char *text, struct lk_error *err)
{
	*m = (struct lk_lake_moment){.pin = {.arena = LK_ARENA_INIT}};
	LK_TRY(lk_lake_pin(lake, &m->pin, err));
	LK_TRY(open_tables(m, err));
	if (!text)
		return note_runs(m, err);
	LK_TRY(find_named(m, text, err));
	return find_others(m, err);
}

void lk_lake_moment_release(struct lk_lake_moment *m)
{
	json_decref(m->runs);
	lk_pin_release(&m->pin);
	*m = (struct lk_lake_moment){.pin = {.arena = LK_ARENA_INIT}};
}

enum lk_status lk_lake_moment_check(const struct lk_lake_moment *m, const struct lk_lake_moment_table *t, struct lk_error *err)
{
	char time[LK_VALUE_TEXT], left[LK_VALUE_TEXT];

	if (t->exact)
		return LK_OK;
	lk_timestamp_text(m->time_ms * 1000, true, true, time);
	if (t->then < 0)
		return lk_error_set(err, LK_DATA, "what table %s was at %s has expired, with all before it", t->name, time);
	lk_timestamp_text(lk_refs_time(t->table->metadata, t->then) * 1000, true, true, left);
	return lk_error_set(err, LK_DATA, "what table %s was at %s has expired; the last before that is of %s (lk-log shows what is left)",
		t->name, time, left);
}

enum lk_status lk_lake_moment_choose(struct lk_lake_moment *m, const char *const *names, int name_count, bool *meant, struct lk_error *err)
{
	for (int i = 0; i < m->count; i++)
		meant[i] = !name_count;
	for (int i = 0; i < name_count; i++) {
		struct lk_lake_table *t;

		LK_TRY(lk_pin_find(&m->pin, names[i], &t, err));
		meant[t - m->pin.tables] = true;
	}
	return LK_OK;
}
