#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "lake/metadata.h"

/* Field ids and paths met so far, each to the other. */
struct seen {
	json_t *ids, *paths;
	bool same;
};

static void visit_type(struct seen *seen, const json_t *type, const char *path);

/* A field inside of a column: its id must always have had this path, and the path this id. */
static void visit_field(struct seen *seen, const json_t *type, int64_t id, const char *parent, const char *name)
{
	struct lk_str path = LK_STR_INIT;
	const json_t *before;
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)id);
	lk_str_addf(&path, "%s.%s", parent, name);
	before = json_object_get(seen->ids, number);
	if (before && strcmp(json_string_value(before), lk_str_text(&path)))
		seen->same = false;
	before = json_object_get(seen->paths, lk_str_text(&path));
	if (before && json_integer_value(before) != id)
		seen->same = false;
	if (path.failed || json_object_set_new(seen->ids, number, json_string(lk_str_text(&path))) ||
		json_object_set_new(seen->paths, lk_str_text(&path), json_integer(id)))
		seen->same = false;
	visit_type(seen, type, lk_str_text(&path));
	lk_str_release(&path);
}

static void visit_type(struct seen *seen, const json_t *type, const char *path)
{
	const json_t *fields = json_object_get(type, "fields"), *field;
	static const char *const parts[] = {"element", "key", "value"};
	size_t i;

	json_array_foreach(fields, i, field)
		visit_field(seen, json_object_get(field, "type"), lk_metadata_number(field, "id", 0), path,
			lk_metadata_text(field, "name"));
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const json_t *part = json_object_get(type, parts[i]);
		char id[16];

		snprintf(id, sizeof(id), "%s-id", parts[i]);
		if (part)
			visit_field(seen, part, lk_metadata_number(type, id, 0), path, parts[i]);
	}
}

bool lk_metadata_nested_same(const json_t *root)
{
	struct seen seen = {json_object(), json_object(), true};
	const json_t *schemas = json_object_get(root, "schemas"), *schema, *field;
	char path[24];
	size_t i, j;

	json_array_foreach(schemas, i, schema)
		json_array_foreach(json_object_get(schema, "fields"), j, field) {
			snprintf(path, sizeof(path), "%lld", (long long)lk_metadata_number(field, "id", 0));
			visit_type(&seen, json_object_get(field, "type"), path);
		}
	json_decref(seen.ids);
	json_decref(seen.paths);
	return seen.same;
}
