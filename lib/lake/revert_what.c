#include "lake/revert_what.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lake/metadata.h"

#define MIN_PREFIX 8

/* ---- names ---- */

/* An id or the beginning of one, in lower case; NULL when it cannot be. */
static const char *clean_prefix(struct lk_arena *arena, const char *text, size_t max)
{
	size_t len = strlen(text);
	char *copy;

	if (len < MIN_PREFIX || len > max || strspn(text, "0123456789abcdefABCDEF-") != len)
		return NULL;
	copy = lk_arena_strdup(arena, text);
	for (size_t i = 0; copy && i < len; i++)
		copy[i] = (char)tolower((unsigned char)copy[i]);
	return copy;
}

static enum lk_status misnamed(const char *what, const char *text, struct lk_error *err)
{
	return lk_error_set(err, LK_USAGE, "'%s' is not %s: at least %d of its hexadecimal digits are needed", text, what, MIN_PREFIX);
}

/* ---- runs ---- */

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* Takes a run's id into *found (in the arena); LK_USAGE when another one was there. */
static enum lk_status found_run(struct lk_revert_what *w, const char *prefix, const char *run, const char **found, struct lk_error *err)
{
	if (!begins(run, prefix) || (*found && !strcmp(*found, run)))
		return LK_OK;
	if (*found)
		return lk_error_set(err, LK_USAGE, "several runs begin with '%s': %s, %s", prefix, *found, run);
	*found = lk_arena_strdup(&w->deliveries.arena, run);
	return *found ? LK_OK : lk_error_nomem(err);
}

static enum lk_status runs_of_ledger(struct lk_revert_what *w, const char *prefix, const char **found, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	if (!w->lake->has_ledger || !w->lake->has_history)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(w->lake, &stmt, err,
		"SELECT run FROM lk_ledger WHERE branch = '" LK_MAIN "' AND substr(run, 1, length(?1)) = ?1"
		" UNION SELECT run FROM lk_ledger_history WHERE branch = '" LK_MAIN "' AND substr(run, 1, length(?1)) = ?1",
		"s", prefix));
	while (!(status = lk_catalog_step(w->lake, stmt, &row, err)) && row)
		if ((status = found_run(w, prefix, lk_catalog_text(stmt, 0), found, err)))
			break;
	lk_catalog_done(w->lake, stmt);
	return status;
}

/* The run that made a snapshot; "" where it does not say. */
static const char *run_of(const json_t *snapshot)
{
	return lk_metadata_text(json_object_get(snapshot, "summary"), "lk.run");
}

static enum lk_status runs_of_snapshots(struct lk_revert_what *w, const char *prefix, const char **found, struct lk_error *err)
{
	json_t *snapshot;
	size_t k;

	for (int i = 0; i < w->pin->table_count; i++)
		json_array_foreach(json_object_get(w->pin->tables[i].metadata, "snapshots"), k, snapshot)
			LK_TRY(found_run(w, prefix, run_of(snapshot), found, err));
	return LK_OK;
}

static enum lk_status add_snapshot(struct lk_revert_what *w, int64_t id, struct lk_error *err)
{
	if (!lk_grow((void **)&w->snapshots, &w->snapshot_cap, w->snapshot_count + 1, sizeof(*w->snapshots)))
		return lk_error_nomem(err);
	w->snapshots[w->snapshot_count++] = id;
	return LK_OK;
}

/* The run's snapshots, but for those that only wrote rows anew. */
static enum lk_status find_snapshots(struct lk_revert_what *w, const char *run, struct lk_error *err)
{
	bool rewrote = false;
	json_t *snapshot;
	size_t before = w->snapshot_count, k;

	for (int i = 0; i < w->pin->table_count; i++)
		json_array_foreach(json_object_get(w->pin->tables[i].metadata, "snapshots"), k, snapshot) {
			bool replaces = !strcmp(lk_metadata_text(json_object_get(snapshot, "summary"), "operation"), "replace");

			if (strcmp(run_of(snapshot), run))
				continue;
			rewrote |= replaces;
			if (!replaces)
				LK_TRY(add_snapshot(w, lk_metadata_number(snapshot, "snapshot-id", -1), err));
		}
	if (rewrote && w->snapshot_count == before)
		return lk_error_set(err, LK_DATA, "run %s only wrote rows anew: it brought none", run);
	return LK_OK;
}

/* ---- the ledger's past ---- */

/* A row of the ledger before or after a change. */
struct state {
	bool known;
	int64_t generation;
	const char *run;
};
struct change {
	const char *run;
	struct state before;
};
struct past {
	const char *sender, *sha256, *path; /* whose */
	struct change *changes;		    /* in order */
	size_t count, cap;
	struct state now;
};

static struct state after(const struct past *p, size_t change)
{
	return change + 1 < p->count ? p->changes[change + 1].before : p->now;
}

/* The change that began the generation that is there now. */
static size_t beginning(const struct past *p)
{
	size_t begin = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct state s = after(p, i);

		if (s.known && (!p->changes[i].before.known || p->changes[i].before.generation != s.generation))
			begin = i;
	}
	return begin;
}

/* A run that loads members is the one that the row names then; a replay moves counts and leaves the name. */
static bool loads(const struct past *p, size_t change)
{
	struct state s = after(p, change);

	return s.known && !strcmp(s.run, p->changes[change].run);
}

/* Whether the delivery is the run's to take out; *mine false when none of its rows are the run's any more. */
static enum lk_status judge(const struct past *p, const char *run, const char *path, bool *mine, struct lk_error *err)
{
	size_t begin = beginning(p), at = begin;

	*mine = false;
	if (!p->now.known)
		return LK_OK;
	while (at < p->count && strcmp(p->changes[at].run, run))
		at++;
	if (at == p->count && strcmp(p->now.run, run))
		return LK_OK; /* of an earlier generation */
	if (at < p->count && at > begin && !loads(p, at))
		return lk_error_set(err, LK_DATA, "run %s replayed rejects of '%s', which would be lost without it: --delivery takes "
			"all of it out, and lk-reset goes back to before the run", run, path);
	for (size_t i = begin + 1; i < p->count; i++)
		if (loads(p, i))
			return lk_error_set(err, LK_DATA, "runs %s and %s loaded different members of '%s': --delivery takes all of it out",
				p->changes[begin].run, p->changes[i].run, path);
	*mine = true;
	return LK_OK;
}

/* ---- deliveries ---- */

static enum lk_status add_delivery(struct lk_revert_what *w, const char *sender, const char *sha256, const char *path,
	struct lk_error *err)
{
	struct lk_delivery *d;

	if (lk_deliveries_find(&w->deliveries, sender, sha256))
		return LK_OK;
	sender = lk_arena_strdup(&w->deliveries.arena, sender);
	sha256 = lk_arena_strdup(&w->deliveries.arena, sha256);
	path = lk_arena_strdup(&w->deliveries.arena, path);
	if (!sender || !sha256 || !path)
		return lk_error_nomem(err);
	LK_TRY(lk_deliveries_add(&w->deliveries, &d, sender, sha256, err));
	d->path = path;
	LK_TRY(lk_ledger_look(w->lake, LK_MAIN, d, &w->deliveries.arena, err));
	lk_ledger_forget(d);
	return LK_OK;
}

/* The delivery whose past was read to its end. */
static enum lk_status end_past(struct lk_revert_what *w, const char *run, struct past *p, struct lk_error *err)
{
	bool mine = false;

	if (!p->sender)
		return LK_OK;
	LK_TRY(judge(p, run, p->path, &mine, err));
	return mine ? add_delivery(w, p->sender, p->sha256, p->path, err) : LK_OK;
}

static enum lk_status begin_past(struct lk_revert_what *w, sqlite3_stmt *stmt, struct past *p, struct lk_error *err)
{
	struct lk_arena *arena = &w->deliveries.arena;

	p->count = 0;
	p->sender = lk_arena_strdup(arena, lk_catalog_text(stmt, 0));
	p->sha256 = lk_arena_strdup(arena, lk_catalog_text(stmt, 1));
	p->path = lk_arena_strdup(arena, lk_catalog_text(stmt, 2));
	p->now = (struct state){true, sqlite3_column_int64(stmt, 3), lk_arena_strdup(arena, lk_catalog_text(stmt, 4))};
	return p->sender && p->sha256 && p->path && p->now.run ? LK_OK : lk_error_nomem(err);
}

static enum lk_status read_change(struct lk_revert_what *w, const char *run, sqlite3_stmt *stmt, struct past *p, struct lk_error *err)
{
	struct lk_arena *arena = &w->deliveries.arena;
	struct change *c;

	if (!p->sender || strcmp(p->sha256, lk_catalog_text(stmt, 1)) || strcmp(p->sender, lk_catalog_text(stmt, 0))) {
		LK_TRY(end_past(w, run, p, err));
		LK_TRY(begin_past(w, stmt, p, err));
	}
	if (!lk_grow((void **)&p->changes, &p->cap, p->count + 1, sizeof(*p->changes)))
		return lk_error_nomem(err);
	c = &p->changes[p->count++];
	*c = (struct change){lk_arena_strdup(arena, lk_catalog_text(stmt, 5)),
		{sqlite3_column_int(stmt, 6), sqlite3_column_int64(stmt, 7), lk_arena_strdup(arena, lk_catalog_text(stmt, 8))}};
	return c->run && c->before.run ? LK_OK : lk_error_nomem(err);
}

/* The deliveries that are there and that the run ever changed, with all that became of them, in one pass. */
static enum lk_status deliveries_of_run(struct lk_revert_what *w, const char *run, struct lk_error *err)
{
	struct past past = {NULL};
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	if (!w->lake->has_ledger || !w->lake->has_history)
		return LK_OK;
	LK_TRY(lk_catalog_prepare(w->lake, &stmt, err,
		"SELECT l.sender, l.sha256, l.delivery, l.generation, l.run, h.run, h.was IS NOT NULL,"
		" json_extract(h.was, '$.generation'), json_extract(h.was, '$.run') FROM lk_ledger_history h JOIN lk_ledger l"
		" ON l.branch = h.branch AND l.sender = h.sender AND l.sha256 = h.sha256 WHERE h.branch = '" LK_MAIN "'"
		" AND (l.run = ?1 OR (h.sender, h.sha256) IN (SELECT sender, sha256 FROM lk_ledger_history WHERE branch = '" LK_MAIN "'"
		" AND run = ?1)) ORDER BY l.delivery, l.sender, l.sha256, h.seq", "s", run));
	while (!(status = lk_catalog_step(w->lake, stmt, &row, err)) && row)
		if ((status = read_change(w, run, stmt, &past, err)))
			break;
	lk_catalog_done(w->lake, stmt);
	if (!status)
		status = end_past(w, run, &past, err);
	free(past.changes);
	return status;
}

static enum lk_status add_run(struct lk_revert_what *w, const char *text, struct lk_error *err)
{
	const char *prefix = clean_prefix(&w->deliveries.arena, text, LK_UUID_SIZE - 1), *run = NULL;

	if (!prefix)
		return misnamed("the id of a run", text, err);
	LK_TRY(runs_of_ledger(w, prefix, &run, err));
	LK_TRY(runs_of_snapshots(w, prefix, &run, err));
	if (!run)
		return lk_error_set(err, LK_NOINPUT, "the lake knows of no run '%s'", text);
	if (json_object_set_new(w->runs, run, json_true()))
		return lk_error_nomem(err);
	LK_TRY(find_snapshots(w, run, err));
	return deliveries_of_run(w, run, err);
}

/* A delivery as the ledger has or had it. */
struct match {
	const char *sender, *sha256, *path;
	bool known;
	int count;
};

static enum lk_status match_delivery(struct lk_revert_what *w, const char *prefix, const char *sender, struct match *m,
	struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	LK_TRY(lk_catalog_prepare(w->lake, &stmt, err,
		"SELECT sender, sha256, max(delivery), max(known) FROM ("
		"SELECT sender, sha256, delivery, 1 AS known FROM lk_ledger WHERE branch = '" LK_MAIN "' UNION ALL"
		" SELECT sender, sha256, delivery, 0 FROM lk_ledger_history WHERE branch = '" LK_MAIN "')"
		" WHERE substr(sha256, 1, length(?1)) = ?1 AND sender = coalesce(?2, sender) GROUP BY sender, sha256"
		" ORDER BY max(known) DESC", "ss", prefix, sender));
	while (!(status = lk_catalog_step(w->lake, stmt, &row, err)) && row) {
		bool known = sqlite3_column_int(stmt, 3);

		if (m->count && !known)
			continue; /* it is there no more, and another one is, or was */
		if (++m->count > 1 && !strcmp(m->sha256, lk_catalog_text(stmt, 1)))
			status = lk_error_set(err, LK_USAGE, "'%s' came from several senders ('%s', '%s'): --sender says whose is meant",
				m->path, m->sender, lk_catalog_text(stmt, 0));
		else if (m->count > 1)
			status = lk_error_set(err, LK_USAGE, "several deliveries begin with '%s': %s, %s", prefix, m->sha256,
				lk_catalog_text(stmt, 1));
		if (status)
			break;
		m->sender = lk_arena_strdup(&w->deliveries.arena, lk_catalog_text(stmt, 0));
		m->sha256 = lk_arena_strdup(&w->deliveries.arena, lk_catalog_text(stmt, 1));
		m->path = lk_arena_strdup(&w->deliveries.arena, lk_catalog_text(stmt, 2));
		m->known = known;
		if (!m->sender || !m->sha256 || !m->path)
			status = lk_error_nomem(err);
	}
	lk_catalog_done(w->lake, stmt);
	return status;
}

static enum lk_status add_named(struct lk_revert_what *w, const char *text, const char *sender, struct lk_error *err)
{
	const char *prefix = clean_prefix(&w->deliveries.arena, text, LK_SHA256_HEX - 1);
	struct match match = {NULL};

	if (!prefix)
		return misnamed("the SHA-256 of a delivery", text, err);
	if (w->lake->has_ledger && w->lake->has_history)
		LK_TRY(match_delivery(w, prefix, sender, &match, err));
	if (!match.count)
		return lk_error_set(err, LK_NOINPUT, "the lake knows of no delivery '%s'%s%s%s", text, sender ? " of '" : "",
			sender ? sender : "", sender ? "'" : "");
	return match.known ? add_delivery(w, match.sender, match.sha256, match.path, err) : LK_OK;
}

/* ---- all ---- */

/* Rows that --once loaded say nothing of where they are from: they are their run's. */
static enum lk_status runs_of_once(struct lk_revert_what *w, struct lk_error *err)
{
	for (size_t i = 0; i < w->deliveries.count; i++) {
		const struct lk_delivery *d = w->deliveries.items[i];

		if (strcmp(d->sender, LK_ONCE_SENDER))
			continue;
		w->once = true;
		if (json_object_get(w->runs, d->seen_run))
			continue;
		if (json_object_set_new(w->runs, d->seen_run, json_true()))
			return lk_error_nomem(err);
		LK_TRY(find_snapshots(w, d->seen_run, err));
	}
	return LK_OK;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

enum lk_status lk_revert_find(struct lk_revert_what *w, struct lk_lake *lake, struct lk_pin *pin,
	const struct lk_revert_options *options, struct lk_error *err)
{
	*w = (struct lk_revert_what){.lake = lake, .pin = pin, .deliveries.branch = LK_MAIN, .runs = json_object()};
	if (!w->runs)
		return lk_error_nomem(err);
	for (int i = 0; i < pin->table_count; i++)
		LK_TRY(lk_lake_table_open(pin, &pin->tables[i], NULL, err));
	for (size_t i = 0; i < options->run_count; i++)
		LK_TRY(add_run(w, options->runs[i], err));
	for (size_t i = 0; i < options->delivery_count; i++)
		LK_TRY(add_named(w, options->deliveries[i], options->sender, err));
	LK_TRY(runs_of_once(w, err));
	if (w->snapshot_count)
		qsort(w->snapshots, w->snapshot_count, sizeof(*w->snapshots), by_value);
	return LK_OK;
}

void lk_revert_what_release(struct lk_revert_what *w)
{
	json_decref(w->runs);
	free(w->snapshots);
	lk_deliveries_release(&w->deliveries);
	*w = (struct lk_revert_what){NULL};
}

/* A file tells its run by the snapshot that added it or, where that is expired, by its name. */
bool lk_revert_has_file(const struct lk_revert_what *w, const struct lk_lake_file *file)
{
	const char *name = lk_path_base(file->uri), *run;
	json_t *value;

	if (w->snapshot_count && bsearch(&file->snapshot_id, w->snapshots, w->snapshot_count, sizeof(*w->snapshots), by_value))
		return true;
	json_object_foreach(w->runs, run, value)
		if (begins(name, run) && name[strlen(run)] == '-')
			return true;
	return false;
}
