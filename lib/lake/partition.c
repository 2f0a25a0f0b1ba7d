#include "lake/partition.h"

#include <inttypes.h>
#include <string.h>

#include "lake/metadata.h"
#include "lake/primitive.h"
#include "lake/transform.h"

#define FIRST_FIELD_ID 1000
#define MAX_FIELDS 1000
#define MAX_DEPTH 100

/* ---- reading ---- */

/* Fields of structs only: what lies in lists and maps is no source ("Partitioning"). */
static const json_t *find_type(const json_t *fields, int64_t id, int depth)
{
	const json_t *field;
	size_t i;

	json_array_foreach(fields, i, field) {
		const json_t *type = json_object_get(field, "type"), *inner;

		if (lk_metadata_number(field, "id", -1) == id)
			return type;
		inner = depth < MAX_DEPTH ? find_type(json_object_get(type, "fields"), id, depth + 1) : NULL;
		if (inner)
			return inner;
	}
	return NULL;
}

const json_t *lk_partition_source(const json_t *root, int64_t source_id)
{
	const json_t *schemas = json_object_get(root, "schemas"), *type;

	type = find_type(json_object_get(lk_metadata_schema(root), "fields"), source_id, 0);
	for (size_t i = json_array_size(schemas); !type && i-- > 0;)
		type = find_type(json_object_get(json_array_get(schemas, i), "fields"), source_id, 0);
	return type;
}

static const char *result_type(const struct lk_partition_field *f)
{
	switch (f->transform) {
	case LK_TRANSFORM_BUCKET:
	case LK_TRANSFORM_YEAR:
	case LK_TRANSFORM_MONTH:
	case LK_TRANSFORM_HOUR:
		return "int";
	case LK_TRANSFORM_DAY:
		return "date";
	case LK_TRANSFORM_UNKNOWN:
		return NULL;
	default:
		return f->source_type;
	}
}

static enum lk_status unsound(int64_t spec_id, const char *what, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "partition spec %" PRId64 " of the table is not sound: %s", spec_id, what);
}

/* Fields of format v1 may be without an id: they count from 1000. */
static enum lk_status read_field(const json_t *root, const json_t *item, int64_t spec_id, int at, struct lk_arena *arena,
	struct lk_partition_field *f, struct lk_error *err)
{
	int64_t source = lk_metadata_number(item, "source-id", -1);
	int64_t id = lk_metadata_number(item, "field-id", FIRST_FIELD_ID + at);
	const char *type = json_string_value(lk_partition_source(root, source));

	if (source < 0 || source > INT32_MAX || id < 0 || id > INT32_MAX || !*lk_metadata_text(item, "name"))
		return unsound(spec_id, "a field has no source, id or name", err);
	if (!lk_transform_read(lk_metadata_text(item, "transform"), &f->transform, &f->width))
		return unsound(spec_id, "the width of a transform is missing or out of range", err);
	f->source_id = (int32_t)source;
	f->field_id = (int32_t)id;
	f->name = lk_arena_strdup(arena, lk_metadata_text(item, "name"));
	f->source_type = type ? lk_arena_strdup(arena, type) : NULL;
	f->result_type = result_type(f);
	return f->name && (f->source_type || !type) ? LK_OK : lk_error_nomem(err);
}

static const json_t *find_spec(const json_t *root, int64_t spec_id)
{
	const json_t *specs = json_object_get(root, "partition-specs"), *spec;
	size_t i;

	json_array_foreach(specs, i, spec)
		if (lk_metadata_number(spec, "spec-id", -1) == spec_id)
			return json_object_get(spec, "fields");
	return specs ? NULL : json_object_get(root, "partition-spec"); /* format v1 */
}

enum lk_status lk_partition_spec_read(const json_t *root, int64_t spec_id, struct lk_arena *arena,
	struct lk_partition_spec **out, struct lk_error *err)
{
	const json_t *fields = find_spec(root, spec_id), *item;
	size_t count = json_array_size(fields), i;

	if (!json_is_array(fields) || spec_id < 0 || spec_id > INT32_MAX)
		return lk_error_set(err, LK_DATA, "the table has no partition spec %" PRId64, spec_id);
	if (count > MAX_FIELDS)
		return unsound(spec_id, "it has too many fields", err);
	*out = lk_arena_alloc(arena, sizeof(**out));
	if (!*out || !((*out)->fields = lk_arena_alloc(arena, (count + 1) * sizeof(*(*out)->fields))))
		return lk_error_nomem(err);
	(*out)->spec_id = (int32_t)spec_id;
	json_array_foreach(fields, i, item)
		LK_TRY(read_field(root, item, spec_id, (int)i, arena, &(*out)->fields[(*out)->count++], err));
	return LK_OK;
}

enum lk_status lk_partition_spec_check(const struct lk_partition_spec *spec, struct lk_error *err)
{
	struct lk_str word = LK_STR_INIT;
	enum lk_status status = LK_OK;

	for (int i = 0; !status && i < spec->count; i++) {
		const struct lk_partition_field *f = &spec->fields[i];
		struct lk_primitive type = lk_primitive_read(f->source_type);

		if (f->transform == LK_TRANSFORM_VOID)
			continue;
		lk_str_clear(&word);
		lk_transform_word(f->transform, f->width, &word);
		if (f->transform == LK_TRANSFORM_UNKNOWN)
			status = lk_error_set(err, LK_MISSING, "partition field %s is of a transform that lk does not know", f->name);
		else if (!f->source_type)
			status = lk_error_set(err, LK_MISSING, "partition field %s is of column %d, which no schema has, or a nested one",
				f->name, (int)f->source_id);
		else if (!lk_transform_takes(f->transform, &type))
			status = lk_error_set(err, LK_MISSING, "partition field %s: %s does not go with a column of type %s", f->name,
				lk_str_text(&word), f->source_type);
	}
	lk_str_release(&word);
	return status;
}
