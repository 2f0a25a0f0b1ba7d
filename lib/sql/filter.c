#include "sql/filter.h"

#include <stdlib.h>
#include <string.h>

#include "sql/condition.h"

#define DEPTH_MAX 200 /* of joins */

static const char *text_of(const json_t *node, const char *key)
{
	const char *text = json_string_value(json_object_get(node, key));

	return text ? text : "";
}

/* ---- FROM ---- */

static int number_of(const struct lk_script *script, const json_t *node)
{
	for (size_t i = 0; i < script->name_count; i++) {
		const struct lk_sql_name *n = &script->names[i];

		if (!strcasecmp(n->catalog, text_of(node, "catalog_name")) && !strcasecmp(n->schema, text_of(node, "schema_name")) &&
			!strcasecmp(n->table, text_of(node, "table_name")))
			return (int)i;
	}
	return -1;
}

/* Takes in what one place needs of a table. */
static void need(struct lk_filter_finder *f, int number, const struct lk_predicate *p)
{
	struct lk_filter *filter = &f->filters[number];

	filter->predicate = filter->predicate ? lk_condition_join(f, LK_PREDICATE_OR, filter->predicate, p) : p;
}

static void need_all(struct lk_filter_finder *f)
{
	for (size_t i = 0; i < f->script->name_count; i++)
		need(f, (int)i, &lk_predicate_any);
}

/* How rows of a part of FROM are filtered: by WHERE, and by conditions of joins above it. */
struct reach {
	bool by_where;
	const json_t *conditions[LK_CONDITIONS_MAX];
	int count;
};

static struct reach with_condition(struct reach r, const json_t *condition)
{
	if (json_is_object(condition) && r.count < LK_CONDITIONS_MAX)
		r.conditions[r.count++] = condition;
	return r;
}

/* Whether the place of a table is one that can be filtered at all. */
static bool is_filtered(const struct lk_filter_finder *f, const json_t *from, int number)
{
	return number >= 0 && f->filters[number].table && !json_array_size(json_object_get(from, "column_name_alias")) &&
	       !json_is_object(json_object_get(from, "sample"));
}

static void add_item(struct lk_filter_finder *f, struct lk_scope *scope, const json_t *from, const struct reach *reach)
{
	bool table = !strcmp(text_of(from, "type"), "BASE_TABLE");
	int number = table ? number_of(f->script, from) : -1;
	struct lk_scope_item *item = &scope->items[scope->count++];

	*item = (struct lk_scope_item){.alias = text_of(from, "alias"), .schema = text_of(from, "schema_name"), .number = number};
	item->is_aliased = *item->alias;
	if (!item->is_aliased)
		item->alias = text_of(from, "table_name");
	if (is_filtered(f, from, number)) {
		item->name = &f->script->names[number];
		item->by_where = reach->by_where;
		item->condition_count = reach->count;
		memcpy(item->conditions, reach->conditions, sizeof(item->conditions));
	} else if (number >= 0) {
		need(f, number, &lk_predicate_any);
	}
}

static void add_from(struct lk_filter_finder *f, struct lk_scope *scope, const json_t *from, const struct reach *reach, int depth);

static void add_join(struct lk_filter_finder *f, struct lk_scope *scope, const json_t *from, const struct reach *reach, int depth)
{
	const char *type = text_of(from, "join_type"), *kind = text_of(from, "ref_type");
	const json_t *on = json_object_get(from, "condition");
	struct reach left = {.by_where = false}, right = left, none = left;
	bool plain = strcmp(kind, "POSITIONAL") && strcmp(kind, "ASOF") && !json_is_object(json_object_get(from, "sample"));

	if (plain && !strcmp(type, "INNER")) {
		left = right = with_condition(*reach, on);
	} else if (plain && !strcmp(type, "LEFT")) {
		left = *reach;
		right = with_condition(none, on);
	} else if (plain && !strcmp(type, "RIGHT")) {
		left = with_condition(none, on);
		right = *reach;
	} else if (plain && !strcmp(type, "SEMI")) {
		left = with_condition(*reach, on);
		right = with_condition(none, on);
	} else if (plain && !strcmp(type, "ANTI")) {
		left = *reach;
		right = with_condition(none, on);
	}
	add_from(f, scope, json_object_get(from, "left"), &left, depth + 1);
	add_from(f, scope, json_object_get(from, "right"), &right, depth + 1);
}

static void add_from(struct lk_filter_finder *f, struct lk_scope *scope, const json_t *from, const struct reach *reach, int depth)
{
	if (scope->count == LK_SCOPE_MAX || depth > DEPTH_MAX)
		scope->is_full = true;
	else if (!strcmp(text_of(from, "type"), "JOIN"))
		add_join(f, scope, from, reach, depth);
	else
		add_item(f, scope, from, reach);
}

/* ---- the whole ---- */

static const struct lk_predicate *predicate_of(struct lk_filter_finder *f, const json_t *where)
{
	const struct lk_predicate *p = f->item->by_where && json_is_object(where) ? lk_condition_predicate(f, where) : &lk_predicate_any;

	for (int i = 0; i < f->item->condition_count; i++)
		p = lk_condition_join(f, LK_PREDICATE_AND, p, lk_condition_predicate(f, f->item->conditions[i]));
	return p;
}

static void find_in_select(struct lk_filter_finder *f, const json_t *node)
{
	struct reach reach = {.by_where = !json_is_object(json_object_get(node, "sample"))};
	struct lk_scope *scope = calloc(1, sizeof(*scope));

	if (!scope) {
		f->failed = true;
		return;
	}
	add_from(f, scope, json_object_get(node, "from_table"), &reach, 0);
	if (scope->is_full)
		need_all(f);
	for (int i = 0; i < scope->count; i++)
		if (scope->items[i].name) {
			f->scope = scope;
			f->item = &scope->items[i];
			need(f, f->item->number, predicate_of(f, json_object_get(node, "where_clause")));
		}
	free(scope);
}

/* The tables of FROM are told of by their SELECT; those that stand anywhere else are needed whole. */
static void walk(struct lk_filter_finder *f, const json_t *node, bool in_from)
{
	const json_t *child;
	const char *type = text_of(node, "type"), *key;
	size_t i;

	if (!strcmp(type, "SELECT_NODE"))
		find_in_select(f, node);
	if (!strcmp(type, "BASE_TABLE") && !in_from && number_of(f->script, node) >= 0)
		need(f, number_of(f->script, node), &lk_predicate_any);
	if (json_is_object(node))
		json_object_foreach((json_t *)node, key, child) {
			bool joined = in_from && !strcmp(type, "JOIN") && (!strcmp(key, "left") || !strcmp(key, "right"));

			walk(f, child, joined || (!strcmp(type, "SELECT_NODE") && !strcmp(key, "from_table")));
		}
	json_array_foreach(node, i, child)
		walk(f, child, false);
}

/* Puts the values in; a leaf that lacks one says nothing. */
static void fill(struct lk_filter_finder *f)
{
	for (size_t i = 0; i < f->pending_count; i++) {
		struct lk_pending *p = &f->pendings[i];
		struct lk_str *values = lk_arena_alloc(f->arena, p->value_count * sizeof(*values));

		for (size_t j = 0; j < p->count; j++)
			if (!f->constants.items[p->first + j].value.data)
				p->leaf->kind = LK_PREDICATE_ANY;
		for (size_t j = 0; values && j < p->value_count; j++)
			values[j] = f->constants.items[p->value + j].value;
		p->leaf->values = values;
		p->leaf->value_count = (int)p->value_count;
		if (!values) {
			p->leaf->kind = LK_PREDICATE_ANY;
			f->failed = true;
		}
	}
}

static enum lk_status find(struct lk_filter_finder *f, struct lk_sql *sql, struct lk_error *err)
{
	walk(f, f->script->tree, false);
	LK_TRY(lk_constants_evaluate(&f->constants, sql, f->arena, err));
	fill(f);
	for (size_t i = 0; i < f->script->name_count; i++)
		if (f->filters[i].predicate && f->filters[i].predicate->kind == LK_PREDICATE_ANY)
			f->filters[i].predicate = NULL;
	return f->failed ? lk_error_nomem(err) : LK_OK;
}

enum lk_status lk_filter_find(const struct lk_script *script, struct lk_sql *sql, struct lk_filter *filters, struct lk_arena *arena,
	struct lk_error *err)
{
	struct lk_filter_finder f = {.script = script, .filters = filters, .arena = arena};
	enum lk_status status = script->exact ? find(&f, sql, err) : LK_OK;

	free(f.constants.items);
	free(f.pendings);
	return status;
}
