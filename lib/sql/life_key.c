/* A key as text: which columns it is of, and what their values are. */
#include <stdlib.h>
#include <string.h>

#include "sql/constant.h"
#include "sql/diff_inside.h"
#include "sql/life_inside.h"
#include "sql/scan.h"

struct parse {
	const struct lk_lake_table *table;
	struct lk_arena *arena;
	struct lk_constants constants; /* a value for each column of the key */
	const struct lk_lake_column **columns;
	bool named; /* columns were */
};

static const struct lk_lake_column *find_column(const struct lk_lake_table *t, const char *name, size_t len)
{
	for (int i = 0; i < t->column_count; i++)
		if (strlen(t->columns[i].name) == len && !strncmp(t->columns[i].name, name, len))
			return &t->columns[i];
	return NULL;
}

static enum lk_status add_value(struct parse *p, const struct lk_lake_column *column, const char *text, size_t len, struct lk_error *err)
{
	struct lk_constants *c = &p->constants;
	struct lk_str literal = LK_STR_INIT;
	char *value = lk_arena_strndup(p->arena, text, len), *sql = NULL;

	for (size_t i = 0; i < c->count; i++)
		if (p->columns[i] == column)
			return lk_error_set(err, LK_USAGE, "the key has two values for column %s", column->name);
	if (value) {
		lk_sql_add_literal(&literal, value);
		sql = lk_arena_strdup(p->arena, lk_str_text(&literal));
	}
	lk_str_release(&literal);
	if (!sql || !lk_grow((void **)&c->items, &c->cap, c->count + 1, sizeof(*c->items)))
		return lk_error_nomem(err);
	p->columns[c->count] = column;
	c->items[c->count++] = (struct lk_constant){.sql = sql, .literal = true, .type = column->type};
	return LK_OK;
}

/* Values of the table's own key, in the order of its columns. */
static enum lk_status add_own(struct parse *p, const char *text, struct lk_error *err)
{
	const struct lk_lake_table *t = p->table;
	int keys = 0, left;

	for (int i = 0; i < t->column_count; i++)
		keys += lk_sql_diff_is_key(t, &t->columns[i]);
	if (!keys)
		return lk_error_set(err, LK_USAGE, "table %s.%s has no key: --key COLUMN=VALUE says which rows are meant", t->namespace_name, t->name);
	left = keys;
	for (int i = 0; i < t->column_count; i++) {
		size_t len = left > 1 ? strcspn(text, ",") : strlen(text);

		if (!lk_sql_diff_is_key(t, &t->columns[i]))
			continue;
		if (left > 1 && !text[len])
			return lk_error_set(err, LK_USAGE, "the key of table %s.%s has %d columns, and needs as many values, by commas",
				t->namespace_name, t->name, keys);
		LK_TRY(add_value(p, &t->columns[i], text, len, err));
		text += len + (left > 1);
		left--;
	}
	return LK_OK;
}

static enum lk_status parse_texts(struct parse *p, const struct lk_life_options *o, struct lk_error *err)
{
	for (int i = 0; i < o->key_count; i++) {
		size_t len = strcspn(o->keys[i], "=");
		const struct lk_lake_column *column = o->keys[i][len] ? find_column(p->table, o->keys[i], len) : NULL;

		if (!column && o->key_count > 1)
			return lk_error_set(err, LK_USAGE, "of several --key each is COLUMN=VALUE, with a column of table %s.%s",
				p->table->namespace_name, p->table->name);
		p->named |= column != NULL;
		if (column)
			LK_TRY(add_value(p, column, o->keys[i] + len + 1, strlen(o->keys[i] + len + 1), err));
		else
			LK_TRY(add_own(p, o->keys[i], err));
	}
	return LK_OK;
}

/* ---- as SQL ---- */

/* A value that is not of the type would compare with nothing. It is not told: it may be a patient's. */
static enum lk_status check_value(struct lk_sql *sql, const struct lk_lake_column *column, const char *value, const char *type,
	struct lk_error *err)
{
	struct lk_duckdb *d = &sql->duckdb;
	struct lk_duckdb_result result = {{0}};
	struct lk_str s = LK_STR_INIT;
	enum lk_status status = LK_OK;
	bool fine;

	lk_str_addf(&s, "SELECT CAST(TRY_CAST(%s AS %s) IS NOT NULL AS BIGINT)", value, type);
	fine = !s.failed && !d->query(sql->connection, s.data, &result) && d->value_int64(&result, 0, 0) == 1;
	d->destroy_result(&result);
	lk_str_release(&s);
	if (!fine)
		status = lk_error_set(err, LK_DATA, "the value for column %s is no %s", column->name, column->type);
	return status;
}

static enum lk_status add_condition(struct lk_sql *sql, const struct parse *p, size_t i, struct lk_str *where, struct lk_error *err)
{
	const struct lk_lake_column *column = p->columns[i];
	struct lk_str type = LK_STR_INIT, name = LK_STR_INIT;
	enum lk_status status = lk_scan_add_type(p->table, column, &type, err);

	if (!status)
		status = check_value(sql, column, p->constants.items[i].sql, lk_str_text(&type), err);
	lk_scan_add_name(p->table, (int)(column - p->table->columns), &name);
	lk_str_adds(where, i ? " AND " : "");
	lk_sql_add_identifier(where, lk_str_text(&name));
	lk_str_addf(where, " = CAST(%s AS %s)", p->constants.items[i].sql, lk_str_text(&type));
	lk_str_release(&type);
	lk_str_release(&name);
	return status;
}

/* ---- as a predicate ---- */

/* Of the values that have a form in which files tell their bounds. */
static enum lk_status make_predicate(struct lk_life_key *key, const struct parse *p, struct lk_error *err)
{
	size_t count = p->constants.count;
	struct lk_predicate *all = lk_arena_alloc(p->arena, sizeof(*all)), *leaves = lk_arena_alloc(p->arena, count * sizeof(*leaves));
	const struct lk_predicate **children = lk_arena_alloc(p->arena, count * sizeof(struct lk_predicate *));

	if (!all || !leaves || !children)
		return lk_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct lk_str *value = lk_arena_alloc(p->arena, sizeof(*value));

		if (!value)
			return lk_error_nomem(err);
		*value = p->constants.items[i].value;
		if (!value->data)
			continue;
		leaves[key->leaves] = (struct lk_predicate){.kind = LK_PREDICATE_COLUMN, .field_id = p->columns[i]->id,
			.type = lk_primitive_read(p->columns[i]->type), .comparison = LK_IS_IN, .values = value, .value_count = 1,
			.leaf = key->leaves};
		children[key->leaves] = &leaves[key->leaves];
		key->leaves++;
	}
	*all = (struct lk_predicate){.kind = LK_PREDICATE_AND, .children = children, .child_count = key->leaves};
	key->predicate = key->leaves ? all : NULL;
	return LK_OK;
}

static enum lk_status name_columns(struct lk_life_key *key, const struct parse *p, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;

	for (size_t i = 0; i < p->constants.count; i++)
		lk_str_addf(&s, "%s%s", i ? "," : "", p->columns[i]->name);
	key->names = lk_arena_strdup(p->arena, lk_str_text(&s));
	lk_str_release(&s);
	return key->names ? LK_OK : lk_error_nomem(err);
}

static enum lk_status make(struct lk_life_key *key, struct parse *p, struct lk_sql *sql, const struct lk_life_options *o, struct lk_str *where,
	struct lk_error *err)
{
	LK_TRY(parse_texts(p, o, err));
	for (size_t i = 0; i < p->constants.count; i++)
		LK_TRY(add_condition(sql, p, i, where, err));
	LK_TRY(lk_str_check(where, err));
	key->where = lk_arena_strdup(p->arena, where->data);
	if (!key->where)
		return lk_error_nomem(err);
	if (p->named)
		LK_TRY(name_columns(key, p, err));
	LK_TRY(lk_constants_evaluate(&p->constants, sql, p->arena, err));
	return make_predicate(key, p, err);
}

enum lk_status lk_life_key_make(struct lk_life_key *key, struct lk_sql *sql, const struct lk_lake_table *table,
	const struct lk_life_options *options, struct lk_arena *arena, struct lk_error *err)
{
	struct parse p = {.table = table, .arena = arena, .columns = calloc((size_t)table->column_count + 1, sizeof(struct lk_lake_column *))};
	struct lk_str where = LK_STR_INIT;
	enum lk_status status;

	*key = (struct lk_life_key){NULL, NULL, NULL, 0};
	status = p.columns ? make(key, &p, sql, options, &where, err) : lk_error_nomem(err);
	lk_str_release(&where);
	free(p.columns);
	free(p.constants.items);
	return status;
}
