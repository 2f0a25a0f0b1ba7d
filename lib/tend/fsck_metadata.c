#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lake/metadata.h"
#include "lake/transform.h"
#include "lake/value.h"
#include "tend/fsck_table.h"

#define METADATA_MAX ((size_t)1 << 30)
#define SKEW_MS 60000 /* how far a clock may go back */
#define RESERVED_ID 2147483447 /* ids above are Iceberg's own */
#define PARTITION_FIRST 1000

static bool number_of(const json_t *object, const char *key, int64_t *out)
{
	const json_t *n = json_object_get(object, key);

	if (!json_is_integer(n))
		return false;
	*out = json_integer_value(n);
	return true;
}

/* An object in which `key` is a number; a finding, and false, where it is not. */
static bool need_number(struct lk_fsck_table *t, const char *code, const char *object, const json_t *json, const char *key,
	int64_t *out)
{
	if (number_of(json, key, out))
		return true;
	lk_fsck_found(t, code, object, "has no %s", key);
	return false;
}

/* ---- schemas ---- */

static enum lk_status add_field(struct lk_fsck_table *t, const struct lk_fsck_field *field, struct lk_error *err)
{
	int32_t *key = lk_arena_alloc(&t->arena, sizeof(*key));
	size_t number;
	bool added;

	if (!key)
		return lk_error_nomem(err);
	*key = field->id;
	LK_TRY(lk_index_add(&t->field_index, key, sizeof(*key), &number, &added, err));
	if (!lk_grow((void **)&t->fields, &t->field_cap, number + 1, sizeof(*t->fields)))
		return lk_error_nomem(err);
	if (added || field->current)
		t->fields[number] = *field;
	return LK_OK;
}

const struct lk_fsck_field *lk_fsck_field_of(const struct lk_fsck_table *t, int32_t id)
{
	size_t number = lk_index_find(&t->field_index, &id, sizeof(id));

	return number == SIZE_MAX ? NULL : &t->fields[number];
}

/* A schema being walked. */
struct schema {
	struct lk_fsck_table *t;
	const char *object;
	struct lk_index ids;
	bool current;
	struct lk_error *err;
};

static bool is_type(const char *word)
{
	int precision, scale, length;
	char end;

	if (lk_value_kind(word) != LK_VALUE_NONE && !strchr(word, '(') && !strchr(word, '['))
		return true;
	if (sscanf(word, "decimal( %d , %d %c", &precision, &scale, &end) == 3 && end == ')')
		return precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision;
	return sscanf(word, "fixed[ %d %c", &length, &end) == 2 && end == ']' && length > 0;
}

static enum lk_status walk_type(struct schema *s, const json_t *type, struct lk_fsck_field field);

/* A field, element, key or value: its id is new within the schema, and not above last-column-id. */
static enum lk_status walk_field(struct schema *s, const json_t *holder, const char *id_key, const json_t *type,
	struct lk_fsck_field field)
{
	int32_t *key = lk_arena_alloc(&s->t->arena, sizeof(*key)); /* of the index, which borrows it */
	struct lk_fsck_table *t = s->t;
	size_t number;
	int64_t id;
	bool added;

	if (!key)
		return lk_error_nomem(s->err);
	if (!need_number(t, "schema", s->object, holder, id_key, &id))
		return LK_OK;
	if (id < 1 || id > RESERVED_ID) {
		lk_fsck_found(t, "schema", s->object, "has the field id %" PRId64 ", which is out of range", id);
		return LK_OK;
	}
	if (id > t->last_column)
		lk_fsck_found(t, "schema", s->object, "has the field id %" PRId64 ", which is above last-column-id %" PRId64, id,
			t->last_column);
	field.id = *key = (int32_t)id;
	LK_TRY(lk_index_add(&s->ids, key, sizeof(*key), &number, &added, s->err));
	if (!added)
		lk_fsck_found(t, "schema", s->object, "has the field id %" PRId64 " twice", id);
	return walk_type(s, type, field);
}

static enum lk_status walk_struct(struct schema *s, const json_t *fields, struct lk_fsck_field parent, bool top)
{
	struct lk_index names = {0};
	enum lk_status status = LK_OK;
	json_t *item;
	size_t i;

	json_array_foreach(fields, i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		struct lk_fsck_field field = {.name = name ? name : "", .top = top, .repeated = parent.repeated, .current = s->current,
			.required = json_is_true(json_object_get(item, "required"))};
		size_t number;
		bool added;

		if (!name)
			lk_fsck_found(s->t, "schema", s->object, "has a field without a name");
		status = lk_index_add(&names, field.name, strlen(field.name), &number, &added, s->err);
		if (status)
			break;
		if (name && !added)
			lk_fsck_found(s->t, "schema", s->object, "has two fields of the name '%s'", name);
		status = walk_field(s, item, "id", json_object_get(item, "type"), field);
		if (status)
			break;
	}
	lk_index_release(&names);
	return status;
}

static enum lk_status walk_type(struct schema *s, const json_t *type, struct lk_fsck_field field)
{
	const char *word = json_string_value(type), *kind = json_string_value(json_object_get(type, "type"));
	struct lk_fsck_field part = {.name = field.name, .repeated = true, .current = s->current};

	if (word) {
		if (!is_type(word))
			lk_fsck_found(s->t, "schema", s->object, "field %s is of type '%.60s', which there is not", field.name, word);
		field.type = word;
		return add_field(s->t, &field, s->err);
	}
	LK_TRY(add_field(s->t, &field, s->err));
	if (kind && !strcmp(kind, "struct") && json_is_array(json_object_get(type, "fields")))
		return walk_struct(s, json_object_get(type, "fields"), field, false);
	if (kind && !strcmp(kind, "list"))
		return walk_field(s, type, "element-id", json_object_get(type, "element"), part);
	if (kind && !strcmp(kind, "map")) {
		LK_TRY(walk_field(s, type, "key-id", json_object_get(type, "key"), part));
		return walk_field(s, type, "value-id", json_object_get(type, "value"), part);
	}
	lk_fsck_found(s->t, "schema", s->object, "field %s has no sound type", field.name);
	return LK_OK;
}

static void check_identifiers(struct schema *s, const json_t *schema)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(schema, "identifier-field-ids"), i, item) {
		int32_t id = (int32_t)json_integer_value(item);
		const struct lk_fsck_field *f;

		if (lk_index_find(&s->ids, &id, sizeof(id)) == SIZE_MAX) {
			lk_fsck_found(s->t, "schema", s->object, "names the identifier field %d, which it has not", (int)id);
			continue;
		}
		f = lk_fsck_field_of(s->t, id);
		if (!f || !f->current || !s->current)
			continue;
		if (!f->required || !f->type || f->repeated || !strcmp(f->type, "float") || !strcmp(f->type, "double"))
			lk_fsck_found(s->t, "schema", s->object, "field %s cannot be an identifier field", f->name);
	}
}

static enum lk_status check_schema(struct lk_fsck_table *t, const json_t *schema, bool current, struct lk_error *err)
{
	struct schema s = {.t = t, .current = current, .err = err};
	enum lk_status status;
	char object[48];

	snprintf(object, sizeof(object), "schema %" PRId64, lk_metadata_number(schema, "schema-id", 0));
	s.object = object;
	if (!json_is_array(json_object_get(schema, "fields"))) {
		lk_fsck_found(t, "schema", object, "has no fields");
		return LK_OK;
	}
	status = walk_struct(&s, json_object_get(schema, "fields"), (struct lk_fsck_field){.id = 0}, true);
	if (!status)
		check_identifiers(&s, schema);
	lk_index_release(&s.ids);
	return status;
}

/* The objects of a list have each its own number under `key`. */
static enum lk_status check_unique(struct lk_fsck_table *t, const char *list, const char *key, const char *code, struct lk_error *err)
{
	const json_t *items = json_object_get(t->root, list);
	size_t n = json_array_size(items), number;
	int64_t *ids = lk_arena_alloc(&t->arena, (n + 1) * sizeof(*ids));
	struct lk_index seen = {0};
	enum lk_status status = ids ? LK_OK : lk_error_nomem(err);
	bool added;

	for (size_t i = 0; !status && i < n; i++) {
		if (!need_number(t, code, list, json_array_get(items, i), key, &ids[i]))
			continue;
		status = lk_index_add(&seen, &ids[i], sizeof(*ids), &number, &added, err);
		if (!status && !added)
			lk_fsck_found(t, code, list, "has %s %" PRId64 " twice", key, ids[i]);
	}
	lk_index_release(&seen);
	return status;
}

static enum lk_status check_schemas(struct lk_fsck_table *t, struct lk_error *err)
{
	const json_t *schemas = json_object_get(t->root, "schemas"), *current = lk_metadata_schema(t->root);
	json_t *schema;
	size_t i;

	if (t->version > 1 && !json_array_size(schemas))
		lk_fsck_found(t, "schema", "schemas", "there are none");
	LK_TRY(check_unique(t, "schemas", "schema-id", "schema", err));
	json_array_foreach(schemas, i, schema)
		if (schema != current)
			LK_TRY(check_schema(t, schema, false, err));
	if (current)
		return check_schema(t, current, true, err);
	lk_fsck_found(t, "schema", "schemas", "the current one, %" PRId64 ", is not among them",
		lk_metadata_number(t->root, "current-schema-id", -1));
	return LK_OK;
}

/* ---- partition specs, sort orders ---- */

/* LK_TRANSFORM_UNKNOWN for one that cannot be read, too. */
static enum lk_transform transform_of(const char *word, int32_t *width)
{
	enum lk_transform transform;

	return word && lk_transform_read(word, &transform, width) ? transform : LK_TRANSFORM_UNKNOWN;
}

static const char *result_of(const struct lk_fsck_spec_field *f)
{
	switch (f->transform) {
	case LK_TRANSFORM_IDENTITY: case LK_TRANSFORM_TRUNCATE: case LK_TRANSFORM_VOID: return f->source_type;
	case LK_TRANSFORM_UNKNOWN: return NULL;
	default: return "int"; /* days are dates, which lie in as many bytes */
	}
}

static bool takes(enum lk_transform transform, const char *type)
{
	bool time = !strncmp(type, "timestamp", 9), date = !strcmp(type, "date");

	switch (transform) {
	case LK_TRANSFORM_HOUR: return time;
	case LK_TRANSFORM_YEAR: case LK_TRANSFORM_MONTH: case LK_TRANSFORM_DAY: return time || date;
	case LK_TRANSFORM_BUCKET: return strcmp(type, "float") && strcmp(type, "double") && strcmp(type, "boolean");
	case LK_TRANSFORM_TRUNCATE:
		return !strcmp(type, "int") || !strcmp(type, "long") || !strcmp(type, "string") || !strcmp(type, "binary") ||
			!strncmp(type, "decimal", 7);
	default: return true;
	}
}

static void check_spec_field(struct lk_fsck_table *t, const char *object, const json_t *json, size_t place, bool is_default,
	struct lk_fsck_spec_field *out)
{
	const char *word = json_string_value(json_object_get(json, "transform"));
	int64_t source = -1, id = PARTITION_FIRST + (int64_t)place;
	const struct lk_fsck_field *field;

	out->transform = transform_of(word, &out->width);
	need_number(t, "spec", object, json, "source-id", &source);
	if (!number_of(json, "field-id", &id) && t->version > 1)
		lk_fsck_found(t, "spec", object, "has a field without field-id");
	out->source_id = (int32_t)source;
	out->field_id = (int32_t)id;
	if (!word)
		lk_fsck_found(t, "spec", object, "has a field without transform");
	if (t->version > 1 && (id < PARTITION_FIRST || id > lk_metadata_number(t->root, "last-partition-id", INT64_MAX)))
		lk_fsck_found(t, "spec", object, "has the field id %" PRId64 ", which is not from 1000 to last-partition-id", id);
	field = source >= 1 && source <= RESERVED_ID ? lk_fsck_field_of(t, (int32_t)source) : NULL;
	if (field && field->type && !field->repeated)
		out->source_type = field->type;
	if (is_default && out->transform != LK_TRANSFORM_VOID && !(field && field->current && field->type && !field->repeated))
		lk_fsck_found(t, "spec", object, "is of the field %" PRId64 ", which is no column to partition by", source);
	else if (out->source_type && !takes(out->transform, out->source_type))
		lk_fsck_found(t, "spec", object, "has transform %s of a %s", word ? word : "?", out->source_type);
	out->result_type = result_of(out);
}

static enum lk_status check_spec(struct lk_fsck_table *t, const json_t *fields, int64_t id, bool is_default, struct lk_error *err)
{
	struct lk_fsck_spec *out = &t->specs[t->spec_count++];
	char object[48];

	snprintf(object, sizeof(object), "partition spec %" PRId64, id);
	out->id = id;
	out->count = (int)json_array_size(fields);
	out->fields = lk_arena_alloc(&t->arena, ((size_t)out->count + 1) * sizeof(*out->fields));
	if (!out->fields)
		return lk_error_nomem(err);
	for (int i = 0; i < out->count; i++) {
		check_spec_field(t, object, json_array_get(fields, (size_t)i), (size_t)i, is_default, &out->fields[i]);
		for (int k = 0; k < i && out->count < 1000; k++)
			if (out->fields[k].field_id == out->fields[i].field_id)
				lk_fsck_found(t, "spec", object, "has the field id %d twice", (int)out->fields[i].field_id);
	}
	return LK_OK;
}

const struct lk_fsck_spec *lk_fsck_spec_of(const struct lk_fsck_table *t, int64_t id)
{
	for (size_t i = 0; i < t->spec_count; i++)
		if (t->specs[i].id == id)
			return &t->specs[i];
	return NULL;
}

static enum lk_status check_specs(struct lk_fsck_table *t, struct lk_error *err)
{
	const json_t *specs = json_object_get(t->root, "partition-specs");
	int64_t chosen = lk_metadata_number(t->root, "default-spec-id", t->version > 1 ? -1 : 0), id;
	json_t *spec;
	size_t i;

	t->specs = lk_arena_alloc(&t->arena, (json_array_size(specs) + 1) * sizeof(*t->specs));
	if (!t->specs)
		return lk_error_nomem(err);
	if (!json_array_size(specs)) {
		if (t->version > 1)
			lk_fsck_found(t, "spec", "partition-specs", "there are none");
		return check_spec(t, json_object_get(t->root, "partition-spec"), 0, true, err);
	}
	json_array_foreach(specs, i, spec) {
		if (!need_number(t, "spec", "partition-specs", spec, "spec-id", &id))
			continue;
		if (lk_fsck_spec_of(t, id))
			lk_fsck_found(t, "spec", "partition-specs", "has spec-id %" PRId64 " twice", id);
		LK_TRY(check_spec(t, json_object_get(spec, "fields"), id, id == chosen, err));
	}
	if (!lk_fsck_spec_of(t, chosen) && (t->version > 1 || json_object_get(t->root, "default-spec-id")))
		lk_fsck_found(t, "spec", "partition-specs", "the default one, %" PRId64 ", is not among them", chosen);
	return LK_OK;
}

static enum lk_status check_sort_orders(struct lk_fsck_table *t, struct lk_error *err)
{
	int64_t chosen = lk_metadata_number(t->root, "default-sort-order-id", t->version > 1 ? -1 : 0), id, source;
	const json_t *orders = json_object_get(t->root, "sort-orders");
	bool found = false;
	json_t *order, *field;
	size_t i, k;
	int32_t width;

	if (!json_array_size(orders)) {
		if (t->version > 1)
			lk_fsck_found(t, "sort-order", "sort-orders", "there are none");
		return LK_OK;
	}
	LK_TRY(check_unique(t, "sort-orders", "order-id", "sort-order", err));
	json_array_foreach(orders, i, order) {
		bool is_default = number_of(order, "order-id", &id) && id == chosen;

		found = found || is_default;
		json_array_foreach(json_object_get(order, "fields"), k, field) {
			const char *word = json_string_value(json_object_get(field, "transform"));
			const struct lk_fsck_field *f;

			if (!need_number(t, "sort-order", "sort-orders", field, "source-id", &source))
				continue;
			f = source >= 1 && source <= RESERVED_ID ? lk_fsck_field_of(t, (int32_t)source) : NULL;
			if (is_default && transform_of(word, &width) != LK_TRANSFORM_VOID && !(f && f->current))
				lk_fsck_found(t, "sort-order", "sort-orders", "the default one is by field %" PRId64 ", which there is not",
					source);
		}
	}
	if (!found)
		lk_fsck_found(t, "sort-order", "sort-orders", "the default one, %" PRId64 ", is not among them", chosen);
	return LK_OK;
}

/* ---- snapshots, references, logs ---- */

static enum lk_status add_snapshot(struct lk_fsck_table *t, const json_t *json, struct lk_error *err)
{
	struct lk_fsck_snapshot s = {.parent = lk_metadata_number(json, "parent-snapshot-id", -1),
		.sequence = lk_metadata_number(json, "sequence-number", -1), .json = json};
	int64_t *key = lk_arena_alloc(&t->arena, sizeof(*key));
	size_t number;
	bool added;

	if (!key)
		return lk_error_nomem(err);
	if (!need_number(t, "snapshot", "snapshots", json, "snapshot-id", &s.id))
		return LK_OK;
	*key = s.id;
	LK_TRY(lk_index_add(&t->snapshot_index, key, sizeof(*key), &number, &added, err));
	if (!added) {
		lk_fsck_found(t, "snapshot", "snapshots", "has snapshot %" PRId64 " twice", s.id);
		return LK_OK;
	}
	if (!lk_grow((void **)&t->snapshots, &t->snapshot_cap, number + 1, sizeof(*t->snapshots)))
		return lk_error_nomem(err);
	t->snapshots[number] = s;
	return LK_OK;
}

static const struct lk_fsck_snapshot *snapshot_of(const struct lk_fsck_table *t, int64_t id)
{
	size_t number = lk_index_find(&t->snapshot_index, &id, sizeof(id));

	return number == SIZE_MAX ? NULL : &t->snapshots[number];
}

static void check_snapshot(struct lk_fsck_table *t, const struct lk_fsck_snapshot *s)
{
	const json_t *summary = json_object_get(s->json, "summary"), *value;
	const struct lk_fsck_snapshot *parent = s->parent >= 0 ? snapshot_of(t, s->parent) : NULL;
	int64_t at = 0, schema;
	char object[48];
	const char *key;

	snprintf(object, sizeof(object), "snapshot %" PRId64, s->id);
	if (s->id < 0)
		lk_fsck_found(t, "snapshot", object, "has a negative id");
	need_number(t, "snapshot", object, s->json, "timestamp-ms", &at);
	if (number_of(s->json, "schema-id", &schema) && json_object_get(t->root, "schemas") && !lk_metadata_schema_of(t->root, schema))
		lk_fsck_found(t, "snapshot", object, "names schema %" PRId64 ", which there is not", schema);
	if (t->version > 1 && s->sequence < 0)
		lk_fsck_found(t, "sequence", object, "has no sequence number");
	if (t->version > 1 && s->sequence > t->last_sequence)
		lk_fsck_found(t, "sequence", object, "has sequence number %" PRId64 ", above last-sequence-number %" PRId64, s->sequence,
			t->last_sequence);
	if (parent && t->version > 1 && s->sequence >= 0 && parent->sequence >= s->sequence && s->sequence > 0)
		lk_fsck_found(t, "sequence", object, "has sequence number %" PRId64 ", which is not above its parent's", s->sequence);
	if (parent && at < lk_metadata_number(parent->json, "timestamp-ms", at) - SKEW_MS)
		lk_fsck_found(t, "snapshot", object, "is older than its parent");
	if (t->version > 1 && !json_is_string(json_object_get(summary, "operation")))
		lk_fsck_found(t, "snapshot", object, "has no summary with an operation");
	json_object_foreach((json_t *)summary, key, value)
		if (!json_is_string(value))
			lk_fsck_found(t, "snapshot", object, "%s in its summary is no text", key);
}

/* Whether following parents comes to an end. */
static void check_cycles(struct lk_fsck_table *t)
{
	for (size_t i = 0; i < t->snapshot_index.count; i++) {
		const struct lk_fsck_snapshot *s = &t->snapshots[i];
		size_t steps = 0;

		if (t->version > 1) /* sequence numbers that ascend have no cycles */
			return;
		while (s && s->parent >= 0 && steps++ <= t->snapshot_index.count)
			s = snapshot_of(t, s->parent);
		if (steps > t->snapshot_index.count) {
			lk_fsck_found(t, "snapshot", "snapshots", "are each other's ancestors");
			return;
		}
	}
}

static enum lk_status check_snapshot_list(struct lk_fsck_table *t, struct lk_error *err)
{
	int64_t current = lk_metadata_snapshot_id(t->root);
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(t->root, "snapshots"), i, item)
		LK_TRY(add_snapshot(t, item, err));
	for (size_t k = 0; k < t->snapshot_index.count; k++)
		check_snapshot(t, &t->snapshots[k]);
	check_cycles(t);
	if (current >= 0 && !snapshot_of(t, current))
		lk_fsck_found(t, "snapshot", "snapshots", "the current one, %" PRId64 ", is not among them", current);
	return LK_OK;
}

static void check_ref(struct lk_fsck_table *t, const char *name, const json_t *ref)
{
	static const char *const ages[] = {"max-ref-age-ms", "max-snapshot-age-ms", "min-snapshots-to-keep"};
	const char *type = json_string_value(json_object_get(ref, "type"));
	bool branch = type && !strcmp(type, "branch");
	int64_t id, number;

	if (!type || (!branch && strcmp(type, "tag")))
		lk_fsck_found(t, "ref", name, "is no branch and no tag");
	if (need_number(t, "ref", name, ref, "snapshot-id", &id) && !snapshot_of(t, id))
		lk_fsck_found(t, "ref", name, "names snapshot %" PRId64 ", which there is not", id);
	for (int i = 0; i < 3; i++)
		if (number_of(ref, ages[i], &number) && (number <= 0 || (i && type && !branch)))
			lk_fsck_found(t, "ref", name, "has a %s that it cannot have", ages[i]);
}

static void check_refs(struct lk_fsck_table *t)
{
	json_t *refs = json_object_get(t->root, "refs"), *ref;
	int64_t current = lk_metadata_snapshot_id(t->root), main_id;
	const char *name;

	json_object_foreach(refs, name, ref)
		check_ref(t, name, ref);
	ref = json_object_get(refs, "main");
	if (ref && strcmp(lk_metadata_text(ref, "type"), "branch"))
		lk_fsck_found(t, "ref", "main", "is not a branch");
	if (ref && number_of(ref, "snapshot-id", &main_id) && main_id != current)
		lk_fsck_found(t, "ref", "main", "is snapshot %" PRId64 ", but the current one is %" PRId64, main_id, current);
}

static void check_log(struct lk_fsck_table *t, const char *key, int64_t updated)
{
	int64_t last = INT64_MIN, at;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(t->root, key), i, item) {
		if (!need_number(t, "log", key, item, "timestamp-ms", &at))
			continue;
		if (last != INT64_MIN && at < last - SKEW_MS)
			lk_fsck_found(t, "log", key, "entry %zu is older than the one before it", i + 1);
		last = at;
	}
	if (last != INT64_MIN && updated < last - SKEW_MS)
		lk_fsck_found(t, "log", key, "is newer than last-updated-ms");
}

static void check_snapshot_log(struct lk_fsck_table *t)
{
	const json_t *log = json_object_get(t->root, "snapshot-log");
	size_t n = json_array_size(log);
	int64_t current = lk_metadata_snapshot_id(t->root), id;

	if (n && number_of(json_array_get(log, n - 1), "snapshot-id", &id) && current >= 0 && id != current)
		lk_fsck_found(t, "log", "snapshot-log", "ends in snapshot %" PRId64 ", but the current one is %" PRId64, id, current);
}

/* Files that the metadata name beside manifest lists. */
static void check_files(struct lk_fsck_table *t)
{
	static const char *const lists[][2] = {{"statistics", "statistics-path"}, {"partition-statistics", "statistics-path"},
		{"metadata-log", "metadata-file"}};
	json_t *item;
	size_t i;

	for (size_t k = 0; k < sizeof(lists) / sizeof(*lists); k++)
		json_array_foreach(json_object_get(t->root, lists[k][0]), i, item) {
			const char *uri = json_string_value(json_object_get(item, lists[k][1]));
			int64_t bytes, said;

			if (!uri)
				lk_fsck_found(t, "log", lists[k][0], "has an entry without %s", lists[k][1]);
			else if (k < 2 && lk_fsck_there(t, uri, "statistics-missing", lists[k][0], &bytes) &&
				number_of(item, "file-size-in-bytes", &said) && said != bytes)
				lk_fsck_found(t, "statistics-size", uri, "has %" PRId64 " bytes, the metadata say %" PRId64, bytes, said);
			else if (k == 2)
				lk_fsck_there(t, uri, "log-missing", lists[k][0], &bytes);
		}
}

/* ---- the whole ---- */

static bool is_uuid(const char *text)
{
	for (int i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-' : !text[i] || !strchr("0123456789abcdefABCDEF", text[i]))
			return false;
	return !text[36];
}

static void check_top(struct lk_fsck_table *t)
{
	json_t *properties = json_object_get(t->root, "properties"), *value;
	const char *uuid = lk_metadata_text(t->root, "table-uuid"), *key;
	int64_t number;

	if ((t->version > 1 || *uuid) && !is_uuid(uuid))
		lk_fsck_found(t, "metadata", "table-uuid", "is no UUID");
	if (!*lk_metadata_text(t->root, "location"))
		lk_fsck_found(t, "metadata", "location", "is missing");
	if (!need_number(t, "metadata", "last-updated-ms", t->root, "last-updated-ms", &number) ||
		!need_number(t, "metadata", "last-column-id", t->root, "last-column-id", &t->last_column))
		return;
	if (t->version > 1) {
		need_number(t, "metadata", "last-sequence-number", t->root, "last-sequence-number", &t->last_sequence);
		need_number(t, "metadata", "last-partition-id", t->root, "last-partition-id", &number);
	}
	if (properties && !json_is_object(properties))
		lk_fsck_found(t, "property", "properties", "are no object");
	json_object_foreach(properties, key, value)
		if (!json_is_string(value))
			lk_fsck_found(t, "property", key, "is no text");
}

static enum lk_status check_all(struct lk_fsck_table *t, struct lk_error *err)
{
	int64_t updated = lk_metadata_number(t->root, "last-updated-ms", 0);

	t->mapped = lk_metadata_property(t->root, "schema.name-mapping.default") != NULL;
	check_top(t);
	LK_TRY(check_schemas(t, err));
	LK_TRY(check_specs(t, err));
	LK_TRY(check_sort_orders(t, err));
	LK_TRY(check_snapshot_list(t, err));
	check_refs(t);
	check_log(t, "snapshot-log", updated);
	check_log(t, "metadata-log", updated);
	check_snapshot_log(t);
	check_files(t);
	return LK_OK;
}

/* What the reader of all other commands says, where this check says nothing. */
static void check_reader(struct lk_fsck_table *t)
{
	struct lk_error why;
	json_t *root;

	if (lk_metadata_read(t->location, &root, &why))
		lk_fsck_found(t, why.status == LK_MISSING ? "unsupported" : "metadata", t->location, "%s", why.message);
	else
		json_decref(root);
}

static void parse(struct lk_fsck_table *t, const struct lk_str *text)
{
	json_error_t why;

	t->root = json_loadb(lk_str_text(text), text->len, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(t->root))
		return;
	if (t->root)
		lk_fsck_found(t, "metadata", t->location, "is no JSON object");
	else
		lk_fsck_found(t, "metadata", t->location, "is not JSON: line %d: %s", why.line, why.text);
	json_decref(t->root);
	t->root = NULL;
}

/* The tree as it is, which the reader of all other commands may refuse; compressed metadata only that one can read. */
static void load(struct lk_fsck_table *t)
{
	struct lk_str text = LK_STR_INIT;
	struct lk_error why;
	bool packed = strstr(t->location, ".gz.metadata.json") || strstr(t->location, ".metadata.json.gz");

	if (packed && lk_metadata_read(t->location, &t->root, &why))
		lk_fsck_found(t, "metadata", t->location, "%s", why.message);
	else if (!packed && lk_file_read(lk_uri_path(t->location), METADATA_MAX, &text, &why))
		lk_fsck_found(t, "metadata", t->location, "%s", why.message);
	else if (!packed)
		parse(t, &text);
	lk_str_release(&text);
}

enum lk_status lk_fsck_metadata(struct lk_fsck_table *t, struct lk_error *err)
{
	int64_t bytes;

	if (!lk_fsck_there(t, t->location, "metadata-missing", "the catalog", &bytes))
		return LK_OK;
	load(t);
	t->version = t->root ? lk_metadata_version(t->root) : 0;
	if (t->root && t->version >= 1 && t->version <= 3) {
		LK_TRY(check_all(t, err));
		if (!t->finding_count)
			check_reader(t);
		return LK_OK;
	}
	if (t->root && t->version < 1)
		lk_fsck_found(t, "metadata", "format-version", "is missing");
	else if (t->root)
		lk_fsck_found(t, "unsupported", t->location, "is of format v%d; lk checks v1 to v3", t->version);
	json_decref(t->root);
	t->root = NULL;
	return LK_OK;
}
