#include "infer/editions.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "infer/names.h"
#include "infer/words.h"
#include "source/package.h"

#define SAME_NAME_COLUMNS 0.3	/* columns of the smaller that both have, where the files have one name */
#define SAME_KEY_COLUMNS 0.34	/* the same, where the names differ, but the keys are the same: tables of one study share a few columns, too */
#define SAME_KEY 0.2		/* of the values of the smaller key */
#define KEY_VALUES 20		/* that tell something */
#define SAME_VALUES 0.3		/* of a column that was renamed, where it has so many values that this is no chance */
#define MANY_VALUES 20

int lk_table_find(const struct lk_table *t, const char *name)
{
	for (int i = 0; i < t->count; i++) {
		const struct lk_table_column *c = &t->columns[i];

		if (!strcasecmp(c->name, name))
			return i;
		for (int k = 0; k < c->alias_count; k++)
			if (!strcasecmp(c->aliases[k], name))
				return i;
	}
	return -1;
}

/* ---- which are one ---- */

static int columns_shared(const struct lk_table *a, const struct lk_table *b)
{
	int shared = 0;

	for (int i = 0; i < b->count; i++)
		shared += lk_table_find(a, b->columns[i].name) >= 0;
	return shared;
}

/* Written in one way, so that one resource can read both. */
static bool same_writing(const struct lk_table *a, const struct lk_table *b)
{
	return a->like == b->like && !strcmp(a->format, b->format) && (a->dialect == b->dialect || json_equal(a->dialect, b->dialect)) &&
	       (a->lk == b->lk || json_equal(a->lk, b->lk)) && a->has_header == b->has_header;
}

static bool same_shape(const struct lk_table *a, const struct lk_table *b)
{
	struct lk_str shape_a = LK_STR_INIT, shape_b = LK_STR_INIT;
	bool same;

	lk_name_shape(&shape_a, lk_member_base(a->files[0].member));
	lk_name_shape(&shape_b, lk_member_base(b->files[0].member));
	same = !strcmp(lk_str_text(&shape_a), lk_str_text(&shape_b));
	lk_str_release(&shape_a);
	lk_str_release(&shape_b);
	return same;
}

static const struct lk_profile *key_of(const struct lk_table *t)
{
	for (int i = 0; i < t->count; i++) {
		const struct lk_profile *p = t->columns[i].profile;

		if (p->is_unique && p->values >= KEY_VALUES && lk_name_is_id(t->columns[i].name))
			return p;
	}
	return NULL;
}

static bool same_keys(const struct lk_table *a, const struct lk_table *b)
{
	const struct lk_profile *of_a = key_of(a), *of_b = key_of(b);

	return of_a && of_b && lk_sketch_shared(&of_a->sketch, &of_b->sketch) >= SAME_KEY;
}

bool lk_tables_are_one(const struct lk_table *a, const struct lk_table *b)
{
	int smaller = a->count < b->count ? a->count : b->count, shared;

	if (!same_writing(a, b))
		return false;
	if (!a->has_header && !a->columns[0].path) /* columns go by their places */
		return a->count == b->count && same_shape(a, b);
	shared = columns_shared(a, b);
	if (same_shape(a, b))
		return shared >= SAME_NAME_COLUMNS * smaller;
	return shared >= SAME_KEY_COLUMNS * smaller && same_keys(a, b);
}

/* ---- columns that were renamed ---- */

static bool same_type(const struct lk_table_column *a, const struct lk_table_column *b)
{
	struct lk_choice of_a, of_b;

	lk_choice_make(&of_a, a->name, a->profile);
	lk_choice_make(&of_b, b->name, b->profile);
	return !a->profile->values || !b->profile->values || of_a.id == of_b.id;
}

/* Whether a column of one edition is that of the other under another name. What has few values, as flags and counts do, has
 * those of many columns: there only its name tells. */
static bool is_renamed(const struct lk_table_column *a, const struct lk_table_column *b)
{
	const struct lk_sketch *of_a = &a->profile->sketch, *of_b = &b->profile->sketch;
	bool many = lk_sketch_distinct(of_a) >= MANY_VALUES && lk_sketch_distinct(of_b) >= MANY_VALUES;

	if (!same_type(a, b))
		return false;
	return lk_names_alike(a->name, b->name) == 1 || (many && lk_sketch_shared(of_a, of_b) >= SAME_VALUES);
}

static enum lk_status add_alias(
	struct lk_arena *arena, struct lk_table_column *c, const char *name, struct lk_error *err)
{
	const char **aliases;

	if (!strcasecmp(c->name, name))
		return LK_OK;
	for (int i = 0; i < c->alias_count; i++)
		if (!strcasecmp(c->aliases[i], name))
			return LK_OK;
	aliases = lk_arena_alloc(arena, ((size_t)c->alias_count + 1) * sizeof(*aliases));
	if (!aliases)
		return lk_error_nomem(err);
	if (c->alias_count)
		memcpy(aliases, c->aliases, (size_t)c->alias_count * sizeof(*aliases));
	aliases[c->alias_count++] = name;
	c->aliases = aliases;
	return LK_OK;
}

/*
 * Columns of two editions, matched: those of the same name first; then, between two such pairs, those that were renamed.
 *
 *	into:  Provider ID   Hospital Name   City       State
 *	from:  Facility ID   Facility Name   City/Town  State
 */
struct matching {
	int *of_from; /* by column of from: that of into, or -1 */
	bool *taken;  /* by column of into */
};

static void match_names(const struct lk_table *into, const struct lk_table *from, struct matching *m)
{
	for (int i = 0; i < from->count; i++) {
		int at = lk_table_find(into, from->columns[i].name);

		m->of_from[i] = at >= 0 && !m->taken[at] ? at : -1;
		if (m->of_from[i] >= 0)
			m->taken[at] = true;
	}
}

/* The stretch of into's columns between those that from's neighbours of column i are matched with. */
static void find_gap(const struct lk_table *into, const struct lk_table *from, const struct matching *m, int i, int *low, int *high)
{
	*low = 0;
	*high = into->count;
	for (int k = i - 1; k >= 0; k--)
		if (m->of_from[k] >= 0) {
			*low = m->of_from[k] + 1;
			break;
		}
	for (int k = i + 1; k < from->count; k++)
		if (m->of_from[k] >= *low) {
			*high = m->of_from[k];
			break;
		}
}

static enum lk_status match_renamed(
	struct lk_arena *arena, struct lk_table *into, const struct lk_table *from, struct matching *m, struct lk_error *err)
{
	for (int i = 0; i < from->count; i++) {
		int low, high;

		if (m->of_from[i] >= 0)
			continue;
		find_gap(into, from, m, i, &low, &high);
		for (int k = low; k < high && m->of_from[i] < 0; k++) {
			if (m->taken[k] || lk_table_find(from, into->columns[k].name) >= 0 ||
				!is_renamed(&into->columns[k], &from->columns[i]))
				continue;
			m->of_from[i] = k;
			m->taken[k] = true;
			LK_TRY(add_alias(arena, &into->columns[k], from->columns[i].name, err));
		}
	}
	return LK_OK;
}

static void match_places(const struct lk_table *from, struct matching *m)
{
	for (int i = 0; i < from->count; i++) {
		m->of_from[i] = i;
		m->taken[i] = true;
	}
}

/* ---- merging ---- */

/* Puts a column of from behind `at`, the place of the one before it. */
static enum lk_status insert_column(struct lk_table *into, struct lk_table_column *c, int at, struct lk_error *err)
{
	size_t cap = (size_t)into->cap;

	if (!lk_grow((void **)&into->columns, &cap, (size_t)into->count + 1, sizeof(*into->columns)))
		return lk_error_nomem(err);
	into->cap = (int)cap;
	memmove(&into->columns[at + 1], &into->columns[at], (size_t)(into->count - at) * sizeof(*into->columns));
	into->columns[at] = *c;
	into->columns[at].always = false;
	into->count++;
	return LK_OK;
}

static enum lk_status merge_columns(struct lk_table *into, struct lk_table *from, struct matching *m, struct lk_error *err)
{
	int last = -1;

	for (int k = 0; k < into->count; k++)
		into->columns[k].always &= m->taken[k];
	for (int i = 0; i < from->count; i++) {
		int at = m->of_from[i];

		into->same_order &= at == i;
		if (at >= 0) {
			lk_profile_merge(into->columns[at].profile, from->columns[i].profile);
			into->columns[at].always &= from->columns[i].always;
			into->columns[at].missing += from->columns[i].missing;
			into->columns[at].misfits += from->columns[i].misfits;
			last = at;
			continue;
		}
		LK_TRY(insert_column(into, &from->columns[i], ++last, err));
		from->columns[i].profile = NULL;
		for (int k = i + 1; k < from->count; k++)
			m->of_from[k] += m->of_from[k] >= last;
	}
	return LK_OK;
}

static enum lk_status merge_files(
	struct lk_arena *arena, struct lk_table *into, const struct lk_table *from, struct lk_error *err)
{
	struct lk_table_file *files = lk_arena_alloc(arena, (size_t)(into->file_count + from->file_count) * sizeof(*files));

	if (!files)
		return lk_error_nomem(err);
	memcpy(files, into->files, (size_t)into->file_count * sizeof(*files));
	memcpy(files + into->file_count, from->files, (size_t)from->file_count * sizeof(*files));
	into->files = files;
	into->file_count += from->file_count;
	into->records += from->records;
	into->rejected += from->rejected;
	into->padded += from->padded;
	into->mended += from->mended;
	into->flawed |= from->flawed;
	into->surplus |= from->surplus;
	into->partial |= from->partial;
	if (!into->reject)
		into->reject = from->reject;
	for (int i = 0; i < from->encoding_count; i++)
		lk_table_add_encoding(into, from->encodings[i]);
	return LK_OK;
}

enum lk_status lk_table_merge(struct lk_arena *arena, struct lk_table *into, struct lk_table *from, struct lk_error *err)
{
	struct matching m = {calloc((size_t)from->count + 1, sizeof(int)), calloc((size_t)into->count + 1, sizeof(bool))};
	enum lk_status status = m.of_from && m.taken ? LK_OK : lk_error_nomem(err);

	if (status == LK_OK && !into->has_header && !into->columns[0].path) {
		match_places(from, &m);
	} else if (status == LK_OK) {
		match_names(into, from, &m);
		status = match_renamed(arena, into, from, &m, err);
	}
	if (status == LK_OK)
		status = merge_columns(into, from, &m, err);
	if (status == LK_OK)
		status = merge_files(arena, into, from, err);
	free(m.of_from);
	free(m.taken);
	lk_table_release(from);
	return status;
}

enum lk_status lk_tables_unite(struct lk_arena *arena, struct lk_table *tables, int *count, struct lk_error *err)
{
	for (int i = 0; i < *count; i++)
		for (int k = i + 1; k < *count;) {
			if (!lk_tables_are_one(&tables[i], &tables[k])) {
				k++;
				continue;
			}
			LK_TRY(lk_table_merge(arena, &tables[i], &tables[k], err));
			memmove(&tables[k], &tables[k + 1], (size_t)(*count - k - 1) * sizeof(*tables));
			--*count;
			k = i + 1; /* what was told apart may be near to the union */
		}
	return LK_OK;
}
