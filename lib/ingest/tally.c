#include "ingest/tally.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stream/stream.h"

#define QUARANTINE "quarantine." /* the raw text of rejects, which are counted apart */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct lk_tally_table *)a)->name, ((const struct lk_tally_table *)b)->name);
}

static struct lk_tally_table *find_table(struct lk_tally *r, const char *name)
{
	struct lk_tally_table key = {.name = name};

	return r->table_count ? bsearch(&key, r->tables, r->table_count, sizeof(key), by_name) : NULL;
}

static enum lk_status add_table(struct lk_tally *r, const char *name, struct lk_tally_table **out,
	struct lk_error *err)
{
	struct lk_tally_table table = {.name = lk_arena_strdup(&r->arena, name)};

	if (!table.name || !lk_grow((void **)&r->tables, &r->table_cap, r->table_count + 1, sizeof(table)))
		return lk_error_nomem(err);
	r->tables[r->table_count++] = table;
	qsort(r->tables, r->table_count, sizeof(table), by_name);
	*out = find_table(r, name);
	return LK_OK;
}

static enum lk_status not_understood(struct lk_error *err)
{
	return lk_error_set(err, LK_BUG, "lk-commit --json says nothing that lk-ingest understands");
}

/* Of a table with one row for each key. */
static void take_counts(struct lk_tally *r, struct lk_tally_table *table, const json_t *o)
{
	struct lk_merge_counts counts = {0};

	table->merged = true;
	for (int i = 0; i < LK_MERGE_COUNTS; i++) {
		*lk_merge_count(&counts, i) = json_integer_value(json_object_get(o, lk_merge_words[i]));
		*lk_merge_count(&table->counts, i) += *lk_merge_count(&counts, i);
	}
	r->came += counts.unchanged + counts.late + counts.repeated;
	r->held += counts.held;
}

static enum lk_status take_table(struct lk_tally *r, json_t *o, struct lk_error *err)
{
	struct lk_tally_table *table;
	long long rows, files, bytes;
	const char *name;

	if (json_unpack(o, "{s:s, s:I, s:I, s:I}", "table", &name, "rows", &rows, "files", &files, "bytes",
		    &bytes))
		return not_understood(err);
	if ((!rows && !json_object_get(o, lk_merge_words[0])) || lk_table_is_side(name) || !strncmp(name, QUARANTINE, strlen(QUARANTINE)))
		return LK_OK;
	table = find_table(r, name);
	if (!table)
		LK_TRY(add_table(r, name, &table, err));
	table->rows += rows;
	table->files += files;
	table->bytes += bytes;
	r->rows += rows;
	r->came += rows;
	if (json_object_get(o, lk_merge_words[0]))
		take_counts(r, table, o);
	return LK_OK;
}

static enum lk_status take_members(struct lk_tally *r, json_t *members, struct lk_error *err)
{
	const char *status;
	json_t *n;

	if (!json_is_object(members))
		return not_understood(err);
	json_object_foreach(members, status, n) {
		r->members += json_integer_value(n);
		if (!strcmp(status, "unmatched"))
			r->unmatched += json_integer_value(n);
		if (!strcmp(status, "failed") || !strcmp(status, "crashed"))
			r->failed += json_integer_value(n);
	}
	return LK_OK;
}

static int by_column(const void *a, const void *b)
{
	const struct lk_tally_reason *x = a, *y = b;
	int order = strcmp(x->table, y->table);

	return order ? order : strcmp(x->field, y->field);
}

static enum lk_status add_reason(struct lk_tally *r, const char *table, const char *field, int64_t records,
	struct lk_error *err)
{
	struct lk_tally_reason key = {.table = table, .field = field, .records = records}, *reason = NULL;

	r->rejected += records;
	if (r->reason_count)
		reason = bsearch(&key, r->reasons, r->reason_count, sizeof(key), by_column);
	if (reason) {
		reason->records += records;
		return LK_OK;
	}
	key.table = lk_arena_strdup(&r->arena, table);
	key.field = lk_arena_strdup(&r->arena, field);
	if (!key.table || !key.field ||
		!lk_grow((void **)&r->reasons, &r->reason_cap, r->reason_count + 1, sizeof(key)))
		return lk_error_nomem(err);
	r->reasons[r->reason_count++] = key;
	qsort(r->reasons, r->reason_count, sizeof(key), by_column);
	return LK_OK;
}

static enum lk_status take_rejects(struct lk_tally *r, json_t *tables, struct lk_error *err)
{
	const char *table, *field;
	json_t *fields, *n;

	if (!json_is_object(tables))
		return not_understood(err);
	json_object_foreach(tables, table, fields)
		json_object_foreach(fields, field, n)
			LK_TRY(add_reason(r, table, field, json_integer_value(n), err));
	return LK_OK;
}

static enum lk_status hand_on(json_t *list, lk_tally_delivery *call, void *context, struct lk_error *err)
{
	const char *sender, *sha256;
	json_t *o;
	size_t i;

	if (!json_is_array(list))
		return not_understood(err);
	json_array_foreach(list, i, o) {
		if (json_unpack(o, "{s:s, s:s}", "sender", &sender, "sha256", &sha256))
			return not_understood(err);
		call(context, sender, sha256);
	}
	return LK_OK;
}

static enum lk_status take_tables(struct lk_tally *r, json_t *list, struct lk_error *err)
{
	json_t *o;
	size_t i;

	if (!json_is_array(list))
		return not_understood(err);
	json_array_foreach(list, i, o)
		LK_TRY(take_table(r, o, err));
	return LK_OK;
}

enum lk_status lk_tally_add(struct lk_tally *r, const char *json, lk_tally_delivery *committed, lk_tally_delivery *again,
	void *context, struct lk_error *err)
{
	json_t *root = json_loads(json, 0, NULL);
	enum lk_status status = take_tables(r, json_object_get(root, "tables"), err);

	if (!status)
		status = take_members(r, json_object_get(root, "members"), err);
	if (!status)
		status = take_rejects(r, json_object_get(root, "rejects"), err);
	if (!status && committed)
		status = hand_on(json_object_get(root, "committed"), committed, context, err);
	if (!status && again)
		status = hand_on(json_object_get(root, "again"), again, context, err);
	json_decref(root);
	return status;
}

void lk_tally_release(struct lk_tally *r)
{
	free(r->tables);
	free(r->reasons);
	lk_arena_release(&r->arena);
	*r = (struct lk_tally){.arena = LK_ARENA_INIT};
}
