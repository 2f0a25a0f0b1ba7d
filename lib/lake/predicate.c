#include "lake/predicate.h"

#include <math.h>
#include <string.h>

#include "lake/metadata.h"
#include "lake/value.h"

/* ---- one range ---- */

static enum lk_value_kind order_of(const struct lk_primitive *type)
{
	switch (type->kind) {
	case LK_PRIMITIVE_INT: case LK_PRIMITIVE_LONG: case LK_PRIMITIVE_DATE: case LK_PRIMITIVE_TIME:
	case LK_PRIMITIVE_TIMESTAMP: case LK_PRIMITIVE_TIMESTAMPTZ:
		return LK_VALUE_INTEGER;
	case LK_PRIMITIVE_FLOAT: case LK_PRIMITIVE_DOUBLE:
		return LK_VALUE_FLOAT;
	case LK_PRIMITIVE_DECIMAL:
		return LK_VALUE_DECIMAL;
	case LK_PRIMITIVE_BOOLEAN: case LK_PRIMITIVE_STRING: case LK_PRIMITIVE_BINARY: case LK_PRIMITIVE_FIXED:
		return LK_VALUE_BYTES;
	default:
		return LK_VALUE_NONE; /* by uuid writers do not agree */
	}
}

/* A bound that can be relied on: of the type's length, of its unit (a date that became a timestamp has days), and no NaN. */
static bool is_bound(const struct lk_primitive *type, enum lk_value_kind kind, const struct lk_str *bound)
{
	if (!bound || !lk_value_sound(kind, bound->len))
		return false;
	if (kind == LK_VALUE_FLOAT)
		return !isnan(lk_value_double(bound->data, bound->len));
	if (type->kind == LK_PRIMITIVE_TIME || type->kind == LK_PRIMITIVE_TIMESTAMP || type->kind == LK_PRIMITIVE_TIMESTAMPTZ)
		return bound->len == 8;
	return true;
}

/* As SQL compares: to it -0.0 and 0.0 are one. */
static int compare(enum lk_value_kind kind, const struct lk_str *a, const struct lk_str *b)
{
	double x, y;

	if (kind != LK_VALUE_FLOAT)
		return lk_value_compare(kind, a->data, a->len, b->data, b->len);
	x = lk_value_double(a->data, a->len);
	y = lk_value_double(b->data, b->len);
	return (x > y) - (x < y);
}

static bool may_be_in(const struct lk_predicate *leaf, enum lk_value_kind kind, const struct lk_str *lower, const struct lk_str *upper)
{
	for (int i = 0; i < leaf->value_count; i++)
		if ((!lower || compare(kind, lower, &leaf->values[i]) <= 0) && (!upper || compare(kind, upper, &leaf->values[i]) >= 0))
			return true;
	return false;
}

static bool may_have_prefix(const struct lk_str *prefix, const struct lk_str *lower, const struct lk_str *upper)
{
	struct lk_str head;

	if (upper && compare(LK_VALUE_BYTES, upper, prefix) < 0)
		return false;
	if (!lower)
		return true;
	head = *lower;
	if (head.len > prefix->len)
		head.len = prefix->len;
	return compare(LK_VALUE_BYTES, &head, prefix) <= 0;
}

bool lk_range_may_match(const struct lk_predicate *leaf, const struct lk_value_range *range)
{
	enum lk_value_kind kind = order_of(&leaf->type);
	const struct lk_str *lower = is_bound(&leaf->type, kind, range->lower) ? range->lower : NULL;
	const struct lk_str *upper = is_bound(&leaf->type, kind, range->upper) ? range->upper : NULL;
	bool maybe_nan = kind == LK_VALUE_FLOAT && !range->no_nan;

	if (leaf->comparison == LK_IS_NULL)
		return !range->no_null;
	if (range->all_null)
		return false;
	if (kind == LK_VALUE_NONE)
		return true;
	switch (leaf->comparison) {
	case LK_IS_IN: return may_be_in(leaf, kind, lower, upper);
	case LK_IS_BELOW: return !lower || compare(kind, lower, leaf->values) < 0;
	case LK_IS_AT_MOST: return !lower || compare(kind, lower, leaf->values) <= 0;
	case LK_IS_ABOVE: return maybe_nan || !upper || compare(kind, upper, leaf->values) > 0;
	case LK_IS_AT_LEAST: return maybe_nan || !upper || compare(kind, upper, leaf->values) >= 0;
	case LK_HAS_PREFIX: return may_have_prefix(leaf->values, lower, upper);
	default: return true;
	}
}

/* ---- a table's files ---- */

/* A leaf as it is of one field of a spec. */
struct projection {
	struct projection *next;
	int position; /* of the field in the spec */
	int32_t field_id;
	struct lk_predicate leaf;
};

struct by_spec {
	const struct lk_partition_spec *spec;
	struct projection **of_leaf;
};

struct lk_pruner {
	const struct lk_predicate *predicate;
	struct by_spec *specs;
	int spec_count;
};

static enum lk_status project_leaf(const struct lk_predicate *leaf, struct by_spec *by, struct lk_arena *arena, struct lk_error *err)
{
	for (int i = 0; i < by->spec->count; i++) {
		const struct lk_partition_field *field = &by->spec->fields[i];
		struct projection *p;

		if (field->source_id != leaf->field_id)
			continue;
		p = lk_arena_alloc(arena, sizeof(*p));
		if (!p)
			return lk_error_nomem(err);
		*p = (struct projection){by->of_leaf[leaf->leaf], i, field->field_id, {0}};
		LK_TRY(lk_predicate_project(leaf, field, arena, &p->leaf, err));
		if (p->leaf.kind == LK_PREDICATE_COLUMN)
			by->of_leaf[leaf->leaf] = p;
	}
	return LK_OK;
}

static enum lk_status project_all(const struct lk_predicate *p, struct by_spec *by, struct lk_arena *arena, struct lk_error *err)
{
	if (p->kind == LK_PREDICATE_COLUMN)
		return project_leaf(p, by, arena, err);
	for (int i = 0; i < p->child_count; i++)
		LK_TRY(project_all(p->children[i], by, arena, err));
	return LK_OK;
}

enum lk_status lk_pruner_make(const struct lk_predicate *predicate, int leaves, const struct lk_lake_table *table,
	struct lk_arena *arena, struct lk_pruner **out, struct lk_error *err)
{
	const json_t *specs = json_object_get(table->metadata, "partition-specs"), *item;
	struct lk_pruner *pruner = *out = lk_arena_alloc(arena, sizeof(*pruner));
	size_t i;

	if (!pruner)
		return lk_error_nomem(err);
	pruner->predicate = predicate;
	pruner->specs = lk_arena_alloc(arena, (json_array_size(specs) + 1) * sizeof(*pruner->specs));
	if (!pruner->specs)
		return lk_error_nomem(err);
	json_array_foreach(specs, i, item) {
		struct by_spec *by = &pruner->specs[pruner->spec_count];
		struct lk_partition_spec *spec;

		LK_TRY(lk_partition_spec_read(table->metadata, lk_metadata_number(item, "spec-id", -1), arena, &spec, err));
		by->spec = spec;
		by->of_leaf = lk_arena_alloc(arena, (size_t)(leaves + 1) * sizeof(struct projection *));
		if (!by->of_leaf)
			return lk_error_nomem(err);
		LK_TRY(project_all(predicate, by, arena, err));
		pruner->spec_count++;
	}
	return LK_OK;
}

static const struct by_spec *find_spec(const struct lk_pruner *pruner, int64_t spec_id)
{
	for (int i = 0; i < pruner->spec_count; i++)
		if (pruner->specs[i].spec->spec_id == spec_id)
			return &pruner->specs[i];
	return NULL;
}

/* A file, or a manifest of them, and the spec that it is of (NULL: not known). */
struct subject {
	const struct by_spec *by;
	const struct lk_data_file *file;
	const struct lk_manifest_file *manifest;
};

static bool partition_may_match(const struct lk_data_file *file, const struct projection *p)
{
	const struct lk_partition_value *value = lk_data_file_partition(file, p->field_id);
	struct lk_value_range range;

	if (!value)
		return true;
	range = (struct lk_value_range){&value->value, &value->value, !value->null, value->null, false};
	return lk_range_may_match(&p->leaf, &range);
}

static bool summary_may_match(const struct lk_manifest_file *manifest, const struct projection *p)
{
	const struct lk_partition_summary *s;
	struct lk_str lower, upper;
	struct lk_value_range range;

	if (p->position >= manifest->partition_count)
		return true;
	s = &manifest->partitions[p->position];
	lower = (struct lk_str){.data = (char *)s->lower, .len = s->lower_len};
	upper = (struct lk_str){.data = (char *)s->upper, .len = s->upper_len};
	/* Without bounds and without NaN there are but nulls. */
	range = (struct lk_value_range){s->lower ? &lower : NULL, s->upper ? &upper : NULL, !s->contains_null,
		s->contains_null && !s->lower && !s->upper && s->contains_nan == 0, s->contains_nan == 0};
	return lk_range_may_match(&p->leaf, &range);
}

static bool column_may_match(const struct lk_data_file *file, const struct lk_predicate *leaf)
{
	for (int i = 0; i < file->metrics.column_count; i++) {
		const struct lk_column_metrics *c = &file->metrics.columns[i];
		struct lk_value_range range;

		if (c->field_id != leaf->field_id)
			continue;
		range = (struct lk_value_range){c->has_lower ? &c->lower : NULL, c->has_upper ? &c->upper : NULL,
			c->null_count == 0 && c->value_count, c->value_count > 0 && c->null_count == c->value_count, c->nan_count == 0};
		return lk_range_may_match(leaf, &range);
	}
	return true;
}

static bool leaf_may_match(const struct subject *s, const struct lk_predicate *leaf)
{
	for (const struct projection *p = s->by ? s->by->of_leaf[leaf->leaf] : NULL; p; p = p->next)
		if (!(s->file ? partition_may_match(s->file, p) : summary_may_match(s->manifest, p)))
			return false;
	return !s->file || column_may_match(s->file, leaf);
}

static bool may_match(const struct subject *s, const struct lk_predicate *p)
{
	bool all = p->kind == LK_PREDICATE_AND;

	if (p->kind == LK_PREDICATE_ANY)
		return true;
	if (p->kind == LK_PREDICATE_COLUMN)
		return leaf_may_match(s, p);
	for (int i = 0; i < p->child_count; i++)
		if (may_match(s, p->children[i]) != all)
			return !all;
	return all;
}

static bool file_may_match(void *context, const struct lk_lake_table *table, const struct lk_manifest_entry *entry)
{
	const struct lk_pruner *pruner = context;
	struct subject s = {find_spec(pruner, entry->file.spec_id), &entry->file, NULL};

	(void)table;
	return may_match(&s, pruner->predicate);
}

static bool manifest_may_match(void *context, const struct lk_lake_table *table, const struct lk_manifest_file *manifest)
{
	const struct lk_pruner *pruner = context;
	struct subject s = {find_spec(pruner, manifest->spec_id), NULL, manifest};

	(void)table;
	return may_match(&s, pruner->predicate);
}

struct lk_lake_filter lk_pruner_filter(struct lk_pruner *pruner)
{
	return (struct lk_lake_filter){manifest_may_match, file_may_match, pruner};
}
