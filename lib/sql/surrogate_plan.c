/* Which rules are for the rows of a stream, and where it has their columns. */
#include <stdlib.h>
#include <string.h>

#include "sql/surrogate_inside.h"
#include "stream/side.h"

bool lk_surrogates_means(const char *name, const char *table)
{
	const char *dot = strrchr(table, '.');

	if (!dot && !strncmp(name, "main.", 5))
		name += 5;
	return !strcmp(table, name) || (dot && !strcmp(dot + 1, name));
}

static enum lk_status find_map(struct lk_surrogates *s, const char *name, size_t *map, struct lk_error *err)
{
	struct lk_keymap *keys;

	LK_TRY(lk_keymap_create(&keys, name, err));
	for (*map = 0; *map < s->map_count; ++*map)
		if (!strcmp(lk_keymap_table(s->maps[*map].keys), lk_keymap_table(keys))) {
			lk_keymap_free(keys);
			return LK_OK;
		}
	if (!lk_grow((void **)&s->maps, &s->map_cap, s->map_count + 1, sizeof(*s->maps))) {
		lk_keymap_free(keys);
		return lk_error_nomem(err);
	}
	s->maps[s->map_count++] = (struct lk_surrogate_map){.keys = keys};
	return LK_OK;
}

/* The classes of privacy of the columns that a key is made of. */
static enum lk_status find_phi(struct lk_surrogates *s, const struct lk_surrogate_key *key, const struct ArrowSchema *schema,
	const char *phi[LK_SURROGATE_PARTS], struct lk_error *err)
{
	for (int i = 0; i < key->count; i++) {
		const struct ArrowSchema *column = schema->children[lk_schema_find(schema, key->parts[i].column)];
		char text[64];

		phi[i] = NULL;
		if (lk_meta_text(column, LK_META_PHI, text, sizeof(text)) && !(phi[i] = lk_arena_strdup(&s->arena, text)))
			return lk_error_nomem(err);
	}
	return LK_OK;
}

static enum lk_status add_key(struct lk_surrogates *s, struct lk_surrogate_use *use, const struct lk_surrogate_key *key,
	const struct lk_batch *batch, struct lk_error *err)
{
	const char *phi[LK_SURROGATE_PARTS];
	enum lk_status status = lk_natural_init(&use->naturals[use->count], key, batch->schema, err);

	if (status)
		return lk_error_prefix(err, "table %s", batch->table);
	LK_TRY(find_phi(s, key, batch->schema, phi, err));
	return lk_keymap_key(s->maps[use->map].keys, key, phi, &use->number[use->count++], err);
}

static bool is_integer(const struct ArrowSchema *column)
{
	struct ArrowSchemaView view;

	return ArrowSchemaViewInit(&view, column, NULL) == NANOARROW_OK && view.type >= NANOARROW_TYPE_UINT8 &&
	       view.type <= NANOARROW_TYPE_INT64 && view.type != NANOARROW_TYPE_UINT64;
}

/* The column of the rule: one that is there already, of an import, or one that is not there yet. */
static enum lk_status check_column(const struct lk_surrogates *s, struct lk_surrogate_use *use, const struct lk_batch *batch,
	struct lk_error *err)
{
	use->given = lk_schema_find(batch->schema, use->rule->column);
	if (!s->o->import && use->given >= 0)
		return lk_error_set(err, LK_DATA, "table %s has a column %s already", batch->table, use->rule->column);
	if (s->o->import && use->given < 0)
		return lk_error_set(err, LK_DATA, "table %s has no column %s that says the surrogates", batch->table, use->rule->column);
	if (s->o->import && !is_integer(batch->schema->children[use->given]))
		return lk_error_set(err, LK_DATA, "table %s: column %s is to be of integers, as surrogates are", batch->table, use->rule->column);
	for (int i = 0; i < s->plan.count; i++)
		if (!strcmp(s->plan.uses[i].rule->column, use->rule->column))
			return lk_error_set(err, LK_USAGE, "'%s': another rule makes a column %s of table %s, too", use->rule->text,
				use->rule->column, batch->table);
	return LK_OK;
}

/* *fits: the stream has all columns of one of its keys at least. */
static enum lk_status add_use(struct lk_surrogates *s, const struct lk_surrogate_rule *rule, const struct lk_batch *batch, bool *fits,
	struct lk_error *err)
{
	struct lk_surrogate_use *use = &s->plan.uses[s->plan.count];

	*fits = false;
	for (int i = 0; i < rule->count; i++)
		*fits |= lk_surrogate_key_fits(&rule->keys[i], batch->schema, s->missing ? NULL : &s->missing);
	if (!*fits)
		return LK_OK;
	*use = (struct lk_surrogate_use){.rule = rule};
	LK_TRY(check_column(s, use, batch, err));
	LK_TRY(find_map(s, rule->map, &use->map, err));
	for (int i = 0; i < rule->count; i++)
		if (lk_surrogate_key_fits(&rule->keys[i], batch->schema, NULL))
			LK_TRY(add_key(s, use, &rule->keys[i], batch, err));
	s->plan.count++;
	return LK_OK;
}

static enum lk_status no_columns(const struct lk_surrogates *s, const struct lk_surrogate_rule *rule, const char *table,
	struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "'%s': table %s has no column %s", rule->text, table, s->missing ? s->missing : "of its keys");
}

/* Rules that were told are for every table that has their columns; those of a table itself must be right. */
static enum lk_status add_uses(struct lk_surrogates *s, const struct lk_batch *batch, const struct lk_surrogate_rule *rules, size_t count,
	bool needed, struct lk_error *err)
{
	s->plan.uses = lk_arena_alloc(&s->plan_arena, (count + 1) * sizeof(*s->plan.uses));
	if (!s->plan.uses)
		return lk_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		bool fits, first = !s->missing;

		if (needed)
			s->missing = NULL;
		LK_TRY(add_use(s, &rules[i], batch, &fits, err));
		if (!fits && needed)
			return no_columns(s, &rules[i], batch->table, err);
		if (rules == s->rules)
			s->used[i] |= fits;
		if (first && s->missing && !(s->missing_of = lk_arena_strdup(&s->arena, batch->table)))
			return lk_error_nomem(err);
	}
	return LK_OK;
}

static enum lk_status plan(struct lk_surrogates *s, const struct lk_batch *batch, struct lk_error *err)
{
	struct lk_surrogate_rule *rules = s->rules;
	int count = (int)s->o->rule_count;

	if (!s->o->rule_count)
		LK_TRY(lk_surrogate_of_schema(batch->schema, &rules, &count, &s->arena, err));
	LK_TRY(add_uses(s, batch, rules, (size_t)count, !s->o->rule_count || s->o->table || s->o->import, err));
	if (s->plan.count && lk_meta_get(batch->schema, LK_META_CHANGE, &(struct ArrowStringView){NULL, 0}))
		return lk_error_set(err, LK_DATA, "table %s comes as changes: give it surrogates before lk-upsert compares its rows", batch->table);
	s->plan.file = lk_schema_find(batch->schema, "lk_file");
	s->plan.row = lk_schema_find(batch->schema, "lk_row");
	if (s->plan.file >= 0 && lk_type_of(batch->schema->children[s->plan.file], NULL, NULL) != LK_UTF8)
		s->plan.file = -1;
	if (s->plan.row >= 0 && !is_integer(batch->schema->children[s->plan.row]))
		s->plan.row = -1;
	return LK_OK;
}

enum lk_status lk_surrogates_plan(struct lk_surrogates *s, const struct lk_batch *batch, struct lk_error *err)
{
	bool data = !lk_table_is_side(batch->table), meant = !s->o->table || lk_surrogates_means(s->o->table, batch->table);

	if (s->plan.is_made && s->plan.stream == batch->stream)
		return LK_OK;
	lk_arena_clear(&s->plan_arena);
	s->plan = (struct lk_surrogate_plan){.stream = batch->stream, .is_made = true};
	s->any_data |= data;
	s->named |= data && meant;
	return data && meant ? plan(s, batch, err) : LK_OK;
}
