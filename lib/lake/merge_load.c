/* Tables for a merge: the base, and the facts about it. */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "lake/at.h"
#include "lake/merge_rows.h"
#include "lake/merges.h"
#include "lake/metadata.h"
#include "lake/predicate.h"
#include "stream/side.h"

/* Where the branch does not know the table it is as main has it: so a branch begins. */
enum lk_status lk_merge_load(const struct lk_merges *ms, const struct lk_target *t, int64_t snapshot_id, const struct lk_lake_filter *filter,
	struct lk_pin *pin, struct lk_lake_table *table, bool *has, struct lk_error *err)
{
	const struct lk_lake_at branch = {.kind = LK_AT_REF, .text = ms->branch};
	const struct lk_lake_at snapshot = {.kind = LK_AT_SNAPSHOT, .text = "", .snapshot_id = snapshot_id};
	bool known = t->base && ms->branch && lk_metadata_ref(t->base, ms->branch) >= 0;

	*table = (struct lk_lake_table){.namespace_name = t->namespace_name, .name = t->name, .metadata_location = t->base_location};
	*has = t->base_location != NULL;
	if (!*has)
		return LK_OK;
	LK_TRY(lk_lake_table_open(pin, table, snapshot_id >= 0 ? &snapshot : known ? &branch : NULL, err));
	return lk_lake_table_read(pin, table, LK_LOAD_METRICS, filter, err);
}

/* ---- facts ---- */

static int32_t column_id(const struct lk_lake_table *table, const char *name)
{
	for (int i = 0; i < table->column_count; i++)
		if (!strcmp(table->columns[i].name, name))
			return table->columns[i].id;
	return -1;
}

/* Only files that may have facts about the table. */
static enum lk_status make_filter(const struct lk_target *versions, const char *uuid, struct lk_pin *pin, struct lk_lake_filter *filter,
	struct lk_error *err)
{
	struct lk_lake_table table = {.namespace_name = versions->namespace_name, .name = versions->name,
		.metadata_location = versions->base_location};
	struct lk_predicate *p = lk_arena_alloc(&pin->arena, sizeof(*p));
	struct lk_str *value = lk_arena_alloc(&pin->arena, sizeof(*value));
	char *text = lk_arena_strdup(&pin->arena, uuid);
	struct lk_pruner *pruner;

	if (!p || !value || !text)
		return lk_error_nomem(err);
	LK_TRY(lk_lake_table_open(pin, &table, NULL, err));
	*value = (struct lk_str){.data = text, .len = strlen(text)};
	*p = (struct lk_predicate){.kind = LK_PREDICATE_COLUMN, .field_id = column_id(&table, lk_versions_fields[LK_VERSIONS_UUID].name),
		.type = {.kind = LK_PRIMITIVE_STRING}, .comparison = LK_IS_IN, .values = value, .value_count = 1};
	if (p->field_id < 0)
		return lk_error_set(err, LK_DATA, "table " LK_TABLE_VERSIONS " has no column %s", lk_versions_fields[LK_VERSIONS_UUID].name);
	LK_TRY(lk_pruner_make(p, 1, &table, &pin->arena, &pruner, err));
	*filter = lk_pruner_filter(pruner);
	return LK_OK;
}

static bool is_removed(const struct lk_target *t, const char *uri)
{
	for (size_t i = 0; i < t->removed_count; i++)
		if (!strcmp(t->removed[i].uri, uri))
			return true;
	return false;
}

/* What the commit itself takes out, of deliveries that are loaded anew, is no fact. */
static enum lk_status leave_out(const struct lk_target *versions, struct lk_pin *pin, struct lk_lake_table *t, struct lk_error *err)
{
	struct lk_lake_deletes *deletes = lk_arena_alloc(&pin->arena, ((size_t)t->deletes_count + versions->delete_count + 1) * sizeof(*deletes));
	int kept = 0;

	if (!deletes)
		return lk_error_nomem(err);
	for (int i = 0; i < t->file_count; i++)
		if (!is_removed(versions, t->files[i].uri))
			t->files[kept++] = t->files[i];
	t->file_count = kept;
	if (t->deletes_count)
		memcpy(deletes, t->deletes, (size_t)t->deletes_count * sizeof(*deletes));
	t->deletes = deletes;
	for (size_t i = 0; i < versions->delete_count; i++)
		lk_merge_add_deletes(t, &versions->deletes[i], INT64_MAX);
	return LK_OK;
}

static uint64_t mark_of(const struct lk_lake_table *t)
{
	uint64_t mark = LK_MERGE_NO_FACTS;

	for (int i = 0; i < t->file_count; i++)
		mark = XXH64(t->files[i].uri, strlen(t->files[i].uri), mark);
	for (int i = 0; i < t->deletes_count; i++)
		mark = XXH64(t->deletes[i].uri, strlen(t->deletes[i].uri), mark);
	return mark;
}

enum lk_status lk_merge_facts(const struct lk_merges *ms, const struct lk_target *of, int64_t snapshot_id, struct lk_pin *pin,
	struct lk_lake_table *facts, bool *has, uint64_t *mark, struct lk_error *err)
{
	const struct lk_target *versions = ms->versions;
	struct lk_lake_filter filter;

	*facts = (struct lk_lake_table){.snapshot_id = -1};
	*has = versions->base_location != NULL;
	if (*has) {
		LK_TRY(make_filter(versions, of->uuid, pin, &filter, err));
		LK_TRY(lk_merge_load(ms, versions, snapshot_id, &filter, pin, facts, has, err));
	}
	if (*has && snapshot_id < 0)
		LK_TRY(leave_out(versions, pin, facts, err));
	*mark = mark_of(facts);
	return LK_OK;
}
