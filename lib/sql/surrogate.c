/* Surrogate keys for the rows of a stream: reading it, and asking the maps. */
#include "sql/surrogate.h"

#include <stdlib.h>
#include <string.h>

#include "sql/surrogate_inside.h"

/* ---- the whole ---- */

static enum lk_status open_impl(struct lk_surrogates *s, struct lk_error *err)
{
	s->rules = lk_arena_alloc(&s->arena, (s->o->rule_count + 1) * sizeof(*s->rules));
	s->used = lk_arena_alloc(&s->arena, s->o->rule_count + 1);
	if (!s->rules || !s->used)
		return lk_error_nomem(err);
	for (size_t i = 0; i < s->o->rule_count; i++)
		LK_TRY(lk_surrogate_parse(&s->rules[i], s->o->rules[i], &s->arena, err));
	return lk_store_create(&s->store, (size_t)s->o->memory_bytes, NULL, err);
}

enum lk_status lk_surrogates_open(struct lk_surrogates **out, const struct lk_surrogate_options *options, struct lk_error *err)
{
	struct lk_surrogates *s = calloc(1, sizeof(*s));
	enum lk_status status;

	*out = NULL;
	if (!s)
		return lk_error_nomem(err);
	s->o = options;
	status = open_impl(s, err);
	if (status)
		lk_surrogates_close(s);
	else
		*out = s;
	return status;
}

void lk_surrogates_close(struct lk_surrogates *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->map_count; i++)
		lk_keymap_free(s->maps[i].keys);
	free(s->maps);
	free(s->counts);
	lk_store_free(s->store);
	lk_str_release(&s->key);
	lk_arena_release(&s->plan_arena);
	lk_arena_release(&s->arena);
	free(s);
}

/* ---- rows ---- */

static struct lk_keymap_origin origin_of(const struct lk_surrogates *s, const struct lk_batch *batch, int64_t row)
{
	struct lk_keymap_origin origin = {.row = -1, .place = s->place + row + 1};
	const struct ArrowArrayView *file = s->plan.file < 0 ? NULL : batch->view->children[s->plan.file];
	const struct ArrowArrayView *number = s->plan.row < 0 ? NULL : batch->view->children[s->plan.row];

	if (file && !ArrowArrayViewIsNull(file, row)) {
		struct ArrowStringView text = ArrowArrayViewGetStringUnsafe(file, row);

		origin.file = text.data;
		origin.file_len = (size_t)text.size_bytes;
	}
	if (number && !ArrowArrayViewIsNull(number, row))
		origin.row = ArrowArrayViewGetIntUnsafe(number, row);
	return origin;
}

static enum lk_status take_given(struct lk_surrogates *s, const struct lk_surrogate_use *use, const struct lk_batch *batch, int64_t row,
	uint32_t entry, const struct lk_keymap_origin *origin, struct lk_error *err)
{
	const struct ArrowArrayView *column = batch->view->children[use->given];

	if (ArrowArrayViewIsNull(column, row))
		return lk_error_set(err, LK_DATA, "row %lld: column %s has no surrogate", (long long)origin->place, use->rule->column);
	return lk_keymap_give(s->maps[use->map].keys, entry, ArrowArrayViewGetIntUnsafe(column, row), origin, err);
}

/* The keys that a row has go to the map; *any: there was one. */
static enum lk_status take_keys(struct lk_surrogates *s, const struct lk_surrogate_use *use, const struct lk_batch *batch, int64_t row,
	bool *any, struct lk_error *err)
{
	struct lk_keymap *map = s->maps[use->map].keys;
	struct lk_keymap_origin origin = origin_of(s, batch, row);
	uint32_t first = 0, entry;

	*any = false;
	for (int i = 0; i < use->count; i++) {
		if (!lk_natural_encode(&use->naturals[i], batch->view, row, &s->key))
			continue;
		LK_TRY(lk_keymap_add(map, use->number[i], &s->key, &origin, &entry, err));
		if (s->o->import)
			LK_TRY(take_given(s, use, batch, row, entry, &origin, err));
		else if (*any)
			LK_TRY(lk_keymap_link(map, first, entry, &origin, err));
		else
			first = entry;
		*any = true;
	}
	return LK_OK;
}

static enum lk_status no_key(const struct lk_surrogates *s, const struct lk_surrogate_use *use, const struct lk_batch *batch, int64_t row,
	struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "table %s: row %lld has no key for %s", batch->table, (long long)(s->place + row + 1), use->rule->column);
}

static enum lk_status take_rows(struct lk_surrogates *s, const struct lk_batch *batch, struct lk_error *err)
{
	for (int64_t row = 0; row < batch->rows; row++)
		for (int i = 0; i < s->plan.count; i++) {
			const struct lk_surrogate_use *use = &s->plan.uses[i];
			bool any;

			LK_TRY(take_keys(s, use, batch, row, &any, err));
			s->maps[use->map].rows++;
			s->maps[use->map].without += !any;
			if (!any && (s->o->required || s->o->import))
				return no_key(s, use, batch, row, err);
		}
	s->place += batch->rows;
	return LK_OK;
}

static enum lk_status take_batch(struct lk_surrogates *s, struct lk_batch *batch, struct lk_error *err)
{
	LK_TRY(lk_surrogates_plan(s, batch, err));
	if (s->plan.count)
		LK_TRY(take_rows(s, batch, err));
	return s->o->import ? LK_OK : lk_store_add(s->store, batch, err);
}

/* Rules must have been for something, where there was data at all. */
static enum lk_status check_used(const struct lk_surrogates *s, struct lk_error *err)
{
	if (s->o->table && !s->named)
		return lk_error_set(err, LK_NOINPUT, "there is no table '%s' in the stream", s->o->table);
	for (size_t i = 0; i < s->o->rule_count && s->any_data; i++)
		if (!s->used[i])
			return lk_error_set(err, LK_DATA, "'%s': no table of the stream has the columns of its keys (%s has no column %s)",
				s->rules[i].text, s->missing_of ? s->missing_of : "none", s->missing ? s->missing : "of them");
	return LK_OK;
}

enum lk_status lk_surrogates_read(struct lk_surrogates *s, struct lk_reader *in, struct lk_error *err)
{
	struct lk_batch batch;
	enum lk_next next;

	while ((next = lk_reader_next(in, &batch, err)) == LK_NEXT_BATCH)
		LK_TRY(take_batch(s, &batch, err));
	return next == LK_NEXT_END ? check_used(s, err) : err->status;
}

/* ---- the maps ---- */

bool lk_surrogates_any(const struct lk_surrogates *s)
{
	return s->map_count > 0;
}

enum lk_status lk_surrogates_settle(struct lk_surrogates *s, struct lk_lake *lake, struct lk_error *err)
{
	struct lk_keymap **maps = calloc(s->map_count + 1, sizeof(*maps));
	enum lk_status status;

	if (!maps)
		return lk_error_nomem(err);
	for (size_t i = 0; i < s->map_count; i++)
		maps[i] = s->maps[i].keys;
	status = lk_keymaps_settle(maps, s->map_count, lake, s->o->look_only, err);
	free(maps);
	return status;
}

enum lk_status lk_surrogates_report(struct lk_surrogates *s, struct lk_surrogate_report *report, struct lk_error *err)
{
	free(s->counts);
	s->counts = calloc(s->map_count + 1, sizeof(*s->counts));
	if (!s->counts)
		return lk_error_nomem(err);
	for (size_t i = 0; i < s->map_count; i++) {
		const struct lk_surrogate_map *m = &s->maps[i];

		s->counts[i] = (struct lk_surrogate_counts){.map = lk_keymap_table(m->keys), .rows = m->rows, .without = m->without,
			.unknown = m->unknown};
		lk_keymap_count(m->keys, &s->counts[i].keys);
	}
	*report = (struct lk_surrogate_report){s->counts, s->map_count, lk_store_spilled(s->store)};
	return LK_OK;
}
