#include "lake/merges.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lake/metadata.h"
#include "stream/side.h"

struct lk_merge *lk_merges_find(const struct lk_merges *ms, const struct lk_target *t)
{
	for (size_t i = 0; i < ms->count; i++)
		if (ms->items[i]->target == t)
			return ms->items[i];
	return NULL;
}

/* ---- specs ---- */

static enum lk_status differ(const struct lk_target *t, const char *what, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "table %s.%s: %s; nothing was committed", t->namespace_name, t->name, what);
}

/* A table's rows are found by one key for ever. */
static enum lk_status check_key(const struct lk_target *t, const struct lk_spec *spec, struct lk_error *err)
{
	const char *text = lk_metadata_property(t->base, LK_META_KEY);
	json_t *key = text ? json_loads(text, 0, NULL) : NULL, *name;
	bool same = !key || json_array_size(key) == (size_t)spec->key_count;
	size_t i;

	json_array_foreach(key, i, name)
		same = same && json_is_string(name) && !strcmp(json_string_value(name), spec->key[i]);
	json_decref(key);
	return same ? LK_OK : differ(t, "its " LK_META_KEY " is another one than that of the rows that come", err);
}

enum lk_status lk_merges_add(struct lk_merges *ms, struct lk_target *t, const struct lk_spec *spec, struct lk_merge **out,
	struct lk_error *err)
{
	struct lk_merge *m = lk_merges_find(ms, t);

	*out = m;
	if (m)
		return lk_spec_same(&m->spec, spec) ? LK_OK : differ(t, "its rows come with two different keys, orders, scopes or ways to "
			"load (" LK_META_KEY ", " LK_META_ORDER ", " LK_META_SCOPE ", " LK_META_LOAD ")", err);
	if (!ms->merger)
		return lk_error_set(err, LK_USAGE, "table %s.%s has one row for each key, and is written by lk-commit alone", t->namespace_name,
			t->name);
	if (t->base)
		LK_TRY(check_key(t, spec, err));
	if (!lk_grow((void **)&ms->items, &ms->cap, ms->count + 1, sizeof(struct lk_merge *)))
		return lk_error_nomem(err);
	*out = m = calloc(1, sizeof(*m));
	if (!m)
		return lk_error_nomem(err);
	m->target = t;
	m->spec = *spec;
	t->watched = true;
	ms->items[ms->count++] = m;
	return LK_OK;
}

/* ---- what the table itself says ---- */

static bool copy_text(json_t *to, const char *name, const json_t *metadata, const char *key)
{
	const char *text = lk_metadata_property(metadata, key);

	return !text || !json_object_set_new(to, name, json_string(text));
}

static bool copy_list(json_t *to, const char *name, const json_t *metadata, const char *key)
{
	const char *text = lk_metadata_property(metadata, key);

	return !text || !json_object_set_new(to, name, json_loads(text, 0, NULL));
}

/* The columns that tell a table's rows apart, where no property says so: its identifier fields ("Identifier Field IDs"). */
static bool add_identifiers(json_t *said, const json_t *metadata)
{
	const json_t *schema = lk_metadata_schema(metadata), *id, *field;
	json_t *names = json_array();
	size_t i, j;

	json_array_foreach(json_object_get(schema, "identifier-field-ids"), i, id)
		json_array_foreach(json_object_get(schema, "fields"), j, field)
			if (json_equal(json_object_get(field, "id"), id))
				json_array_append(names, json_object_get(field, "name"));
	return !json_object_set_new(said, "key", names);
}

enum lk_status lk_merges_spec(struct lk_merges *ms, const json_t *metadata, struct lk_spec *spec, struct lk_error *err)
{
	json_t *said = json_object();
	enum lk_status status;

	if (said && copy_text(said, "load", metadata, LK_META_LOAD) && copy_list(said, "key", metadata, LK_META_KEY) &&
		(json_object_get(said, "key") || add_identifiers(said, metadata)) && copy_text(said, "order", metadata, LK_META_ORDER) && copy_list(said, "scope", metadata, LK_META_SCOPE) &&
		copy_text(said, "maxVanish", metadata, LK_META_MAX_VANISH))
		status = lk_spec_parse(spec, said, &ms->arena, err);
	else
		status = lk_error_set(err, LK_DATA, "the properties " LK_META_KEY " and " LK_META_SCOPE " are no JSON lists");
	json_decref(said);
	return status;
}

enum lk_status lk_merges_instead(struct lk_merges *ms, const struct lk_lake_table *table, lk_target_getter *get, void *context,
	bool *instead, struct lk_error *err)
{
	const char *load = lk_metadata_property(table->metadata, LK_META_LOAD);
	struct lk_target *target;
	struct lk_merge *merge;
	struct lk_spec spec;
	char *name = NULL;
	enum lk_status status;

	*instead = load && strcmp(load, "append") != 0;
	if (!*instead)
		return LK_OK;
	if (asprintf(&name, "%s.%s", table->namespace_name, table->name) < 0)
		return lk_error_nomem(err);
	status = get(context, name, &target, err);
	free(name);
	LK_TRY(status);
	if (lk_merges_find(ms, target))
		return LK_OK;
	LK_TRY(lk_merges_spec(ms, table->metadata, &spec, err));
	return lk_merges_add(ms, target, &spec, &merge, err);
}

enum lk_status lk_merges_gather(struct lk_merges *ms, struct lk_target *versions, struct lk_error *err)
{
	struct lk_facts none = {.made = false};
	enum lk_status status = LK_OK;

	ms->versions = versions;
	ms->facts_came = versions->file_count;
	versions->watched = true;
	if (versions->base)
		status = lk_facts_fit(&none, versions, err);
	lk_facts_release(&none);
	return status;
}

/* ---- lists that are not complete ---- */

static bool is_wanting(const struct lk_delivery *d, const struct lk_target *t)
{
	bool wanting = d->crashed || (d->seen != LK_DELIVERY_UNKNOWN && d->seen_rows + d->seen_rejected > 0); /* the rest came before */

	for (size_t i = 0; i < d->rejecting_count; i++)
		wanting = wanting || lk_target_is(t, d->rejecting[i]);
	for (size_t i = 0; i < d->failed_count; i++)
		wanting = wanting || !*d->failed[i].sources;
	return wanting;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum lk_status lk_merges_tell(const struct lk_merges *ms, const struct lk_target *t, struct lk_arena *arena,
	struct lk_merge_request *request, struct lk_error *err)
{
	const struct lk_deliveries *ds = ms->deliveries;
	const char **wanting = lk_arena_alloc(arena, (ds->count + 1) * sizeof(*wanting));
	const char **anew = lk_arena_alloc(arena, (ds->count + 1) * sizeof(*anew));

	if (!wanting || !anew)
		return lk_error_nomem(err);
	for (size_t i = 0; i < ds->count; i++) {
		const struct lk_delivery *d = ds->items[i];
		const char *digits = lk_arena_strndup(arena, d->sha256, strnlen(d->sha256, LK_DELIVERY_DIGITS));

		if (!digits)
			return lk_error_nomem(err);
		if (is_wanting(d, t))
			wanting[request->wanting_count++] = digits;
		if (d->anew && d->news)
			anew[request->anew_count++] = digits;
	}
	qsort(wanting, request->wanting_count, sizeof(*wanting), compare_texts);
	qsort(anew, request->anew_count, sizeof(*anew), compare_texts);
	request->wanting = wanting;
	request->anew = anew;
	request->all_wanting = ms->replayed;
	return LK_OK;
}

/* ---- all of them ---- */

enum lk_status lk_merges_ready(struct lk_merges *ms, struct lk_error *err)
{
	for (size_t i = 0; i < ms->count; i++) {
		struct lk_target *t = ms->items[i]->target;
		enum lk_status status = lk_merge_ready(ms, ms->items[i], err);

		if (status)
			return err->status == LK_CONFLICT ? status : lk_error_prefix(err, "table %s.%s", t->namespace_name, t->name);
	}
	return LK_OK;
}

static void remove_files(struct lk_data_file *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		(void)!lk_remove(files[i].path, NULL); /* else lk-gc does */
		lk_data_file_release(&files[i]);
	}
}

void lk_merges_finish(struct lk_merges *ms)
{
	for (size_t i = 0; i < ms->count; i++) {
		remove_files(ms->items[i]->aside, ms->items[i]->aside_count);
		ms->items[i]->aside_count = 0;
	}
}

void lk_merges_discard(struct lk_merges *ms)
{
	for (size_t i = 0; i < ms->count; i++)
		(void)!lk_merge_undo(ms, ms->items[i], NULL);
}

void lk_merges_release(struct lk_merges *ms)
{
	for (size_t i = 0; i < ms->count; i++) {
		struct lk_merge *m = ms->items[i];

		for (size_t k = 0; k < m->aside_count; k++)
			lk_data_file_release(&m->aside[k]);
		free(m->aside);
		lk_rowset_release(&m->given);
		free(m->given_files);
		lk_pin_release(&m->given_pin);
		free(m);
	}
	free(ms->items);
	lk_arena_release(&ms->arena);
	*ms = (struct lk_merges){.items = NULL};
}
