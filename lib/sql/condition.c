#include "sql/condition.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 200	   /* of conditions */
#define CONSTANTS_MAX 5000 /* beyond it further ones are not looked at */

const struct lk_predicate lk_predicate_any = {.kind = LK_PREDICATE_ANY};

static const char *text_of(const json_t *node, const char *key)
{
	const char *text = json_string_value(json_object_get(node, key));

	return text ? text : "";
}

static void *alloc(struct lk_filter_finder *f, size_t size)
{
	void *p = lk_arena_alloc(f->arena, size);

	f->failed = f->failed || !p;
	return p;
}

/* ---- predicates ---- */

const struct lk_predicate *lk_condition_join(struct lk_filter_finder *f, enum lk_predicate_kind kind, const struct lk_predicate *a,
	const struct lk_predicate *b)
{
	struct lk_predicate *p;

	if (kind == LK_PREDICATE_AND && (a->kind == LK_PREDICATE_ANY || b->kind == LK_PREDICATE_ANY))
		return a->kind == LK_PREDICATE_ANY ? b : a;
	if (a->kind == LK_PREDICATE_ANY || b->kind == LK_PREDICATE_ANY)
		return &lk_predicate_any;
	p = alloc(f, sizeof(*p));
	if (!p || !(p->children = alloc(f, 2 * sizeof(struct lk_predicate *))))
		return &lk_predicate_any;
	p->kind = kind;
	p->children[0] = a;
	p->children[1] = b;
	p->child_count = 2;
	return p;
}

/* ---- columns ---- */

static const struct lk_lake_column *find_column(const struct lk_lake_table *t, const char *name)
{
	const struct lk_lake_column *found = NULL;

	for (int i = 0; t && i < t->column_count; i++)
		if (!strcasecmp(t->columns[i].name, name)) {
			if (found)
				return NULL; /* two that differ in letter case alone have other names here */
			found = &t->columns[i];
		}
	return found;
}

static const struct lk_lake_table *table_of(const struct lk_filter_finder *f, const struct lk_scope_item *item)
{
	return item->name ? f->filters[item->number].table : NULL;
}

/* Whether a word could be a column where the condition stands. */
static bool may_name(const void *context, const char *word)
{
	const struct lk_filter_finder *f = context;

	for (int i = 0; i < f->scope->count; i++) {
		const struct lk_lake_table *t = table_of(f, &f->scope->items[i]);

		for (int j = 0; t && j < t->column_count; j++)
			if (!strcasecmp(t->columns[j].name, word))
				return true;
		if (!t)
			return true;
	}
	return false;
}

static bool is_only_alias(const struct lk_filter_finder *f, const char *alias)
{
	int count = 0;

	for (int i = 0; i < f->scope->count; i++)
		count += !strcasecmp(f->scope->items[i].alias, alias);
	return count == 1;
}

/* A bare name is a column of the item when no other table here has one so called. */
static bool is_only_owner(const struct lk_filter_finder *f, const char *name)
{
	for (int i = 0; i < f->scope->count; i++) {
		const struct lk_lake_table *t = table_of(f, &f->scope->items[i]);

		for (int j = 0; &f->scope->items[i] != f->item && t && j < t->column_count; j++)
			if (!strcasecmp(t->columns[j].name, name))
				return false;
	}
	return true;
}

/* The item's column that an expression is; NULL when it is something else. */
static const struct lk_lake_column *column_of(const struct lk_filter_finder *f, const json_t *e)
{
	const json_t *names = json_object_get(e, "column_names");
	const char *first = json_string_value(json_array_get(names, 0)), *second = json_string_value(json_array_get(names, 1));
	const char *third = json_string_value(json_array_get(names, 2));

	if (strcmp(text_of(e, "class"), "COLUMN_REF") != 0 || !first)
		return NULL;
	switch (json_array_size(names)) {
	case 1:
		return is_only_owner(f, first) ? find_column(table_of(f, f->item), first) : NULL;
	case 2:
		if (strcasecmp(first, f->item->alias) != 0 || !is_only_alias(f, first))
			return NULL;
		return find_column(table_of(f, f->item), second);
	case 3:
		if (f->item->is_aliased || strcasecmp(first, f->item->schema) != 0 || strcasecmp(second, f->item->alias) != 0)
			return NULL;
		return find_column(table_of(f, f->item), third);
	default:
		return NULL;
	}
}

/* ---- comparisons ---- */

/* A column, or one that is cast to a date, beside constants. */
struct operand {
	const struct lk_lake_column *column;
	bool as_date;
};

static struct operand operand_of(const struct lk_filter_finder *f, const json_t *e)
{
	struct operand o = {column_of(f, e), false};
	struct lk_primitive type;

	if (o.column || strcmp(text_of(e, "class"), "CAST") != 0 || strcmp(text_of(json_object_get(e, "cast_type"), "id"), "DATE") != 0)
		return o;
	o.column = column_of(f, json_object_get(e, "child"));
	type = lk_primitive_read(o.column ? o.column->type : NULL);
	o.as_date = type.kind == LK_PRIMITIVE_TIMESTAMP || type.kind == LK_PRIMITIVE_TIMESTAMPTZ;
	if (!o.as_date && type.kind != LK_PRIMITIVE_DATE)
		o.column = NULL;
	return o;
}

/* Notes a constant; false where it is not taken. may_grow: a greater value makes the comparison true of no more, so that it may be one
 * that has grown by the time that the statement runs. */
static bool add_constant(struct lk_filter_finder *f, const struct operand *o, const json_t *e, int days, bool may_grow)
{
	bool moving, literal = !strcmp(text_of(e, "class"), "CONSTANT") &&
			       !strcmp(text_of(json_object_get(json_object_get(e, "value"), "type"), "id"), "VARCHAR");
	const char *sql;

	if (f->constants.count >= CONSTANTS_MAX || !(sql = lk_constant_sql(e, f->arena, may_name, f, &moving)) || (moving && !may_grow))
		return false;
	if (!lk_grow((void **)&f->constants.items, &f->constants.cap, f->constants.count + 1, sizeof(*f->constants.items))) {
		f->failed = true;
		return false;
	}
	f->constants.items[f->constants.count++] = (struct lk_constant){.sql = sql, .literal = literal && strcmp(o->column->type, "string") != 0,
		.type = o->column->type, .as_date = o->as_date, .days = days};
	return true;
}

static struct lk_predicate *make_leaf(struct lk_filter_finder *f, const struct lk_lake_column *column, enum lk_comparison comparison)
{
	struct lk_predicate *p = alloc(f, sizeof(*p));

	if (p)
		*p = (struct lk_predicate){.kind = LK_PREDICATE_COLUMN, .field_id = column->id, .type = lk_primitive_read(column->type),
			.comparison = comparison, .leaf = f->filters[f->item->number].leaves++};
	return p;
}

/* A leaf whose values are the last `count` constants that were noted. */
static const struct lk_predicate *compare_last(struct lk_filter_finder *f, const struct operand *o, enum lk_comparison comparison, size_t count)
{
	struct lk_predicate *leaf = make_leaf(f, o->column, comparison);

	if (!leaf || !lk_grow((void **)&f->pendings, &f->pending_cap, f->pending_count + 1, sizeof(*f->pendings))) {
		f->failed = true;
		return &lk_predicate_any;
	}
	f->pendings[f->pending_count++] = (struct lk_pending){leaf, f->constants.count - count, count, f->constants.count - count, count};
	return leaf;
}

/* column < e, as far as the column is cast to a date: ts::date <= d is ts < d + 1. */
static const struct lk_predicate *compare_one(struct lk_filter_finder *f, const struct operand *o, enum lk_comparison comparison, const json_t *e)
{
	bool above = comparison == LK_IS_ABOVE || comparison == LK_IS_AT_LEAST;
	int days = 0;

	if (o->as_date && (comparison == LK_IS_ABOVE || comparison == LK_IS_AT_MOST)) {
		comparison = comparison == LK_IS_ABOVE ? LK_IS_AT_LEAST : LK_IS_BELOW;
		days = 1;
	}
	return add_constant(f, o, e, days, above) ? compare_last(f, o, comparison, 1) : &lk_predicate_any;
}

static const struct lk_predicate *compare_equal(struct lk_filter_finder *f, const struct operand *o, const json_t *e)
{
	const struct lk_predicate *from, *to;

	if (!o->as_date)
		return add_constant(f, o, e, 0, false) ? compare_last(f, o, LK_IS_IN, 1) : &lk_predicate_any;
	from = compare_one(f, o, LK_IS_AT_LEAST, e);
	to = compare_one(f, o, LK_IS_AT_MOST, e);
	return lk_condition_join(f, LK_PREDICATE_AND, from, to);
}

static const char *const comparisons[][3] = {
	/* as it stands, with its sides changed, and denied */
	{"COMPARE_EQUAL", "COMPARE_EQUAL", "COMPARE_NOTEQUAL"},
	{"COMPARE_NOTEQUAL", "COMPARE_NOTEQUAL", "COMPARE_EQUAL"},
	{"COMPARE_LESSTHAN", "COMPARE_GREATERTHAN", "COMPARE_GREATERTHANOREQUALTO"},
	{"COMPARE_GREATERTHAN", "COMPARE_LESSTHAN", "COMPARE_LESSTHANOREQUALTO"},
	{"COMPARE_LESSTHANOREQUALTO", "COMPARE_GREATERTHANOREQUALTO", "COMPARE_GREATERTHAN"},
	{"COMPARE_GREATERTHANOREQUALTO", "COMPARE_LESSTHANOREQUALTO", "COMPARE_LESSTHAN"},
	{"COMPARE_NOT_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM", ""},
};

static const char *turn(const char *type, int way)
{
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(*comparisons); i++)
		if (!strcmp(type, comparisons[i][0]))
			return comparisons[i][way];
	return "";
}

static const struct lk_predicate *compare(struct lk_filter_finder *f, const struct operand *o, const char *type, const json_t *e)
{
	if (!strcmp(type, "COMPARE_EQUAL") || !strcmp(type, "COMPARE_NOT_DISTINCT_FROM"))
		return compare_equal(f, o, e);
	if (!strcmp(type, "COMPARE_LESSTHAN"))
		return compare_one(f, o, LK_IS_BELOW, e);
	if (!strcmp(type, "COMPARE_GREATERTHAN"))
		return compare_one(f, o, LK_IS_ABOVE, e);
	if (!strcmp(type, "COMPARE_LESSTHANOREQUALTO"))
		return compare_one(f, o, LK_IS_AT_MOST, e);
	return !strcmp(type, "COMPARE_GREATERTHANOREQUALTO") ? compare_one(f, o, LK_IS_AT_LEAST, e) : &lk_predicate_any;
}

static const struct lk_predicate *from_comparison(struct lk_filter_finder *f, const json_t *e, bool denied)
{
	const json_t *left = json_object_get(e, "left"), *right = json_object_get(e, "right");
	const char *type = text_of(e, "type");
	struct operand o = operand_of(f, left);

	if (denied)
		type = turn(type, 2);
	if (o.column)
		return compare(f, &o, type, right);
	o = operand_of(f, right);
	return o.column ? compare(f, &o, turn(type, 1), left) : &lk_predicate_any;
}

/* The bounds are compared by one type, so that neither says anything when the other does not. */
static const struct lk_predicate *from_between(struct lk_filter_finder *f, const json_t *e, bool denied)
{
	struct operand o = operand_of(f, json_object_get(e, "input"));
	const json_t *lower = json_object_get(e, "lower"), *upper = json_object_get(e, "upper");
	size_t constants = f->constants.count, pendings = f->pending_count;
	const struct lk_predicate *a, *b;

	if (!o.column || strcmp(text_of(e, "type"), "COMPARE_BETWEEN") != 0)
		return &lk_predicate_any;
	a = compare_one(f, &o, denied ? LK_IS_BELOW : LK_IS_AT_LEAST, lower);
	b = compare_one(f, &o, denied ? LK_IS_ABOVE : LK_IS_AT_MOST, upper);
	if (a == &lk_predicate_any || b == &lk_predicate_any)
		return &lk_predicate_any;
	for (size_t i = pendings; i < f->pending_count; i++) {
		f->pendings[i].first = constants;
		f->pendings[i].count = f->constants.count - constants;
	}
	return lk_condition_join(f, denied ? LK_PREDICATE_OR : LK_PREDICATE_AND, a, b);
}

/* ---- IN, IS NULL, LIKE ---- */

static const struct lk_predicate *from_in(struct lk_filter_finder *f, const json_t *e, bool denied)
{
	const json_t *children = json_object_get(e, "children");
	struct operand o = operand_of(f, json_array_get(children, 0));
	size_t count = json_array_size(children);

	if (!o.column || o.as_date || count < 2 || denied != !strcmp(text_of(e, "type"), "COMPARE_NOT_IN"))
		return &lk_predicate_any;
	for (size_t i = 1; i < count; i++)
		if (!add_constant(f, &o, json_array_get(children, i), 0, false))
			return &lk_predicate_any;
	return compare_last(f, &o, LK_IS_IN, count - 1);
}

static const struct lk_predicate *from_null(struct lk_filter_finder *f, const json_t *e, bool is_null)
{
	const struct lk_lake_column *column = column_of(f, json_array_get(json_object_get(e, "children"), 0));
	const struct lk_predicate *leaf = column ? make_leaf(f, column, is_null ? LK_IS_NULL : LK_IS_NOT_NULL) : NULL;

	return leaf ? leaf : &lk_predicate_any;
}

/* The text before the first sign that LIKE takes for something else. */
static const struct lk_predicate *from_prefix(struct lk_filter_finder *f, const json_t *e, bool pattern)
{
	const json_t *children = json_object_get(e, "children"), *value = json_object_get(json_array_get(children, 1), "value");
	const struct lk_lake_column *column = column_of(f, json_array_get(children, 0));
	const char *text = json_string_value(json_object_get(value, "value"));
	struct lk_predicate *leaf;
	struct lk_str *prefix;
	size_t len;

	if (!column || json_array_size(children) != 2 || strcmp(column->type, "string") != 0 || !text ||
		strcmp(text_of(json_object_get(value, "type"), "id"), "VARCHAR") != 0)
		return &lk_predicate_any;
	len = pattern ? strcspn(text, "%_\\") : strlen(text);
	prefix = alloc(f, sizeof(*prefix));
	leaf = make_leaf(f, column, pattern && !text[len] ? LK_IS_IN : LK_HAS_PREFIX);
	if (!len || !prefix || !leaf)
		return &lk_predicate_any;
	*prefix = (struct lk_str){.data = lk_arena_strndup(f->arena, text, len), .len = len};
	f->failed = f->failed || !prefix->data;
	leaf->values = prefix;
	leaf->value_count = 1;
	return leaf;
}

static const struct lk_predicate *from_function(struct lk_filter_finder *f, const json_t *e, bool denied)
{
	const char *name = text_of(e, "function_name");

	if (denied || *text_of(e, "schema"))
		return &lk_predicate_any;
	if (!strcmp(name, "~~"))
		return from_prefix(f, e, true);
	return !strcmp(name, "^@") || !strcasecmp(name, "starts_with") || !strcasecmp(name, "prefix") ? from_prefix(f, e, false) : &lk_predicate_any;
}

/* A column of booleans that stands for itself. */
static const struct lk_predicate *from_boolean(struct lk_filter_finder *f, const json_t *e, bool denied)
{
	const struct lk_lake_column *column = column_of(f, e);
	struct lk_predicate *leaf;
	struct lk_str *value;

	if (!column || strcmp(column->type, "boolean") != 0)
		return &lk_predicate_any;
	leaf = make_leaf(f, column, LK_IS_IN);
	value = alloc(f, sizeof(*value));
	if (!leaf || !value)
		return &lk_predicate_any;
	*value = (struct lk_str){.data = lk_arena_strndup(f->arena, denied ? "\0" : "\1", 1), .len = 1};
	f->failed = f->failed || !value->data;
	leaf->values = value;
	leaf->value_count = 1;
	return leaf;
}

/* ---- conditions ---- */

static const struct lk_predicate *from_condition(struct lk_filter_finder *f, const json_t *e, bool denied, int depth);

static const struct lk_predicate *from_conjunction(struct lk_filter_finder *f, const json_t *e, bool denied, int depth)
{
	bool all = !strcmp(text_of(e, "type"), "CONJUNCTION_AND") != denied;
	const struct lk_predicate *p = NULL;
	const json_t *child;
	size_t i;

	json_array_foreach(json_object_get(e, "children"), i, child) {
		const struct lk_predicate *one = from_condition(f, child, denied, depth);

		p = p ? lk_condition_join(f, all ? LK_PREDICATE_AND : LK_PREDICATE_OR, p, one) : one;
	}
	return p ? p : &lk_predicate_any;
}

static const struct lk_predicate *from_operator(struct lk_filter_finder *f, const json_t *e, bool denied, int depth)
{
	const char *type = text_of(e, "type");

	if (!strcmp(type, "OPERATOR_NOT"))
		return from_condition(f, json_array_get(json_object_get(e, "children"), 0), !denied, depth);
	if (!strcmp(type, "OPERATOR_IS_NULL") || !strcmp(type, "OPERATOR_IS_NOT_NULL"))
		return from_null(f, e, !strcmp(type, "OPERATOR_IS_NULL") != denied);
	return !strcmp(type, "COMPARE_IN") || !strcmp(type, "COMPARE_NOT_IN") ? from_in(f, e, denied) : &lk_predicate_any;
}

/* What a condition, or with `denied` its contrary, says of the item's rows. SQL's third value is false to both. */
static const struct lk_predicate *from_condition(struct lk_filter_finder *f, const json_t *e, bool denied, int depth)
{
	const char *class = text_of(e, "class");

	if (depth > DEPTH_MAX)
		return &lk_predicate_any;
	if (!strcmp(class, "CONJUNCTION"))
		return from_conjunction(f, e, denied, depth + 1);
	if (!strcmp(class, "COMPARISON"))
		return from_comparison(f, e, denied);
	if (!strcmp(class, "BETWEEN"))
		return from_between(f, e, denied);
	if (!strcmp(class, "OPERATOR"))
		return from_operator(f, e, denied, depth + 1);
	if (!strcmp(class, "FUNCTION"))
		return from_function(f, e, denied);
	return !strcmp(class, "COLUMN_REF") ? from_boolean(f, e, denied) : &lk_predicate_any;
}

const struct lk_predicate *lk_condition_predicate(struct lk_filter_finder *f, const json_t *condition)
{
	return from_condition(f, condition, false, 0);
}
