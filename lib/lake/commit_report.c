#include "lake/commit_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lake/counts.h"

enum lk_status lk_commit_report_init(struct lk_commit_report *r, struct lk_error *err)
{
	*r = (struct lk_commit_report){LK_ARENA_INIT, .counts = lk_commit_counts_new()};
	return r->counts ? lk_uuid(r->run, err) : lk_error_nomem(err);
}

void lk_commit_report_release(struct lk_commit_report *r)
{
	json_decref(r->counts);
	free(r->tables);
	free(r->committed.items);
	free(r->skipped.items);
	free(r->again.items);
	lk_arena_release(&r->arena);
	*r = (struct lk_commit_report){LK_ARENA_INIT};
}

enum lk_status lk_commit_report_add_table(struct lk_commit_report *r, const struct lk_target *t, const struct lk_merge *merge,
	bool committed, struct lk_error *err)
{
	struct lk_commit_report_table *made;
	const char *name = lk_arena_printf(&r->arena, "%s.%s", t->namespace_name, t->name);

	if (!name || !lk_grow((void **)&r->tables, &r->table_cap, r->table_count + 1, sizeof(*r->tables)))
		return lk_error_nomem(err);
	made = &r->tables[r->table_count++];
	*made = (struct lk_commit_report_table){.table = name, .snapshot_id = committed ? t->made.snapshot_id : -1, .rows = t->rows,
		.files = (int64_t)t->file_count, .bytes = t->bytes, .removed = t->deleted + t->made.counts.removed_rows};
	if (!merge)
		return LK_OK;
	made->rows -= merge->dead;
	made->removed -= merge->dead;
	made->merged = committed;
	made->counts = merge->counts;
	return LK_OK;
}

enum lk_status lk_commit_list_add(struct lk_commit_report_list *list, struct lk_arena *arena, const struct lk_delivery *d,
	struct lk_error *err)
{
	struct lk_commit_report_delivery named = {lk_arena_strdup(arena, d->path), lk_arena_strdup(arena, d->sender),
		lk_arena_strdup(arena, d->sha256)};

	if (!named.delivery || !named.sender || !named.sha256 ||
		!lk_grow((void **)&list->items, &list->cap, list->count + 1, sizeof(*list->items)))
		return lk_error_nomem(err);
	list->items[list->count++] = named;
	return LK_OK;
}

enum lk_status lk_commit_report_add_deliveries(struct lk_commit_report *r, const struct lk_deliveries *ds, struct lk_error *err)
{
	for (size_t i = 0; i < ds->count; i++) {
		const struct lk_delivery *d = ds->items[i];

		LK_TRY(lk_commit_list_add(d->news ? &r->committed : &r->skipped, &r->arena, d, err));
	}
	return LK_OK;
}

/* Members of a status that somebody has to look at. */
static void add_members(struct lk_str *out, const struct lk_commit_report *r, const char *status, const char *what)
{
	int64_t n = json_integer_value(json_object_get(json_object_get(r->counts, "members"), status));

	if (n)
		lk_str_addf(out, "%" PRId64 " member%s %s, as lk.files tells\n", n, lk_plural(n), what);
}

/* What became of rows; those that were held have a line of their own. */
static void add_merged(const struct lk_commit_report_table *t, struct lk_str *out)
{
	struct lk_merge_counts counts = t->counts;

	counts.held = counts.held_scopes = 0;
	for (int i = 0; i < LK_MERGE_COUNTS; i++)
		if (*lk_merge_count(&counts, i))
			lk_str_addf(out, ", %" PRId64 " %s", *lk_merge_count(&counts, i), lk_merge_words[i]);
}

/* Rows that a full list does not have, and that stay. */
static void add_held(const struct lk_commit_report_table *t, struct lk_str *out)
{
	const struct lk_merge_counts *c = &t->counts;

	if (c->held)
		lk_str_addf(out, "%s: %" PRId64 " row%s held, absent from full lists of %" PRId64 " scope%s: more than the limit allows (lk.maxVanish)\n",
			t->table, c->held, lk_plural(c->held), c->held_scopes, lk_plural(c->held_scopes));
}

void lk_commit_report_text(const struct lk_commit_report *r, struct lk_str *out)
{
	for (size_t i = 0; i < r->table_count; i++) {
		const struct lk_commit_report_table *t = &r->tables[i];

		lk_str_addf(out, "%s: %" PRId64 " row%s, %" PRId64 " file%s, %" PRId64 " byte%s", t->table, t->rows,
			lk_plural(t->rows), t->files, lk_plural(t->files), t->bytes, lk_plural(t->bytes));
		if (t->merged)
			add_merged(t, out);
		else if (t->removed)
			lk_str_addf(out, ", %" PRId64 " row%s removed", t->removed, lk_plural(t->removed));
		if (t->snapshot_id >= 0)
			lk_str_addf(out, ", snapshot %" PRId64, t->snapshot_id);
		lk_str_adds(out, r->staged ? ", staged\n" : "\n");
	}
	for (size_t i = 0; i < r->table_count; i++)
		add_held(&r->tables[i], out);
	add_members(out, r, "failed", "failed");
	add_members(out, r, "crashed", "crashed a worker");
	add_members(out, r, "unmatched", "fed no table");
	for (size_t i = 0; i < r->again.count; i++) {
		lk_str_adds(out, "set aside, to be loaded again: ");
		lk_str_add_shown(out, r->again.items[i].delivery);
		lk_str_addc(out, '\n');
	}
	if (r->nothing)
		lk_str_adds(out, r->skipped.count ? "already loaded\n"
				 : r->replayed	  ? "already replayed\n"
						  : "nothing to commit\n");
}

void lk_commit_list_json(const struct lk_commit_report_list *list, const char *key, struct lk_str *out)
{
	lk_str_addf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < list->count; i++) {
		const struct lk_commit_report_delivery *d = &list->items[i];

		lk_str_adds(out, i ? ",{\"delivery\":" : "{\"delivery\":");
		lk_str_add_json(out, d->delivery, strlen(d->delivery));
		lk_str_adds(out, ",\"sender\":");
		lk_str_add_json(out, d->sender, strlen(d->sender));
		lk_str_adds(out, ",\"sha256\":");
		lk_str_add_json(out, d->sha256, strlen(d->sha256));
		lk_str_addc(out, '}');
	}
	lk_str_addc(out, ']');
}

/* The members of the object, behind those that are there. */
static void add_counts(struct lk_str *out, const json_t *counts)
{
	char *text = json_dumps(counts, JSON_COMPACT | JSON_SORT_KEYS);

	if (text)
		lk_str_addf(out, ",%.*s", (int)strlen(text) - 2, text + 1);
	else
		out->failed = true;
	free(text);
}

static void add_counts_json(const struct lk_commit_report_table *t, struct lk_str *out)
{
	struct lk_merge_counts counts = t->counts;

	for (int i = 0; i < LK_MERGE_COUNTS; i++)
		lk_str_addf(out, ",\"%s\":%" PRId64, lk_merge_words[i], *lk_merge_count(&counts, i));
}

int64_t lk_commit_report_held(const struct lk_commit_report *r)
{
	int64_t held = 0;

	for (size_t i = 0; i < r->table_count; i++)
		held += r->tables[i].counts.held;
	return held;
}

void lk_commit_report_json(const struct lk_commit_report *r, struct lk_str *out)
{
	lk_str_addf(out, "{\"run\":\"%s\",\"staged\":", r->run);
	if (r->staged)
		lk_str_add_json(out, r->staged, strlen(r->staged));
	else
		lk_str_adds(out, "null");
	lk_str_adds(out, ",\"tables\":[");
	for (size_t i = 0; i < r->table_count; i++) {
		const struct lk_commit_report_table *t = &r->tables[i];

		lk_str_addf(out, "%s{\"table\":", i ? "," : "");
		lk_str_add_json(out, t->table, strlen(t->table));
		if (t->snapshot_id >= 0)
			lk_str_addf(out, ",\"snapshot\":%" PRId64, t->snapshot_id);
		else
			lk_str_adds(out, ",\"snapshot\":null");
		lk_str_addf(out, ",\"rows\":%" PRId64 ",\"files\":%" PRId64 ",\"bytes\":%" PRId64, t->rows, t->files, t->bytes);
		if (t->removed)
			lk_str_addf(out, ",\"removed\":%" PRId64, t->removed);
		if (t->merged)
			add_counts_json(t, out);
		lk_str_addc(out, '}');
	}
	lk_str_addc(out, ']');
	lk_commit_list_json(&r->committed, "committed", out);
	lk_commit_list_json(&r->skipped, "skipped", out);
	lk_commit_list_json(&r->again, "again", out);
	add_counts(out, r->counts);
	lk_str_adds(out, "}\n");
}
