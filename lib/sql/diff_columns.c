/* Columns of differences: what is compared, and what tells rows apart. */
#include <string.h>

#include "lake/metadata.h"
#include "sql/diff_inside.h"
#include "stream/side.h"

bool lk_sql_diff_is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; *at; at += *at == ',') {
		size_t n = strcspn(at, ",");

		if (n == len && !strncmp(at, name, len))
			return true;
		at += n;
	}
	return false;
}

bool lk_sql_diff_is_key(const struct lk_lake_table *t, const struct lk_lake_column *c)
{
	const json_t *ids = json_object_get(lk_metadata_schema(t->metadata), "identifier-field-ids"), *id;
	const char *property = lk_metadata_property(t->metadata, LK_META_KEY);
	json_t *names;
	bool found = false;
	size_t i;

	json_array_foreach(ids, i, id)
		found |= json_integer_value(id) == c->id;
	if (json_array_size(ids) || !property)
		return found;
	names = json_loads(property, 0, NULL);
	json_array_foreach(names, i, id)
		found |= json_is_string(id) && !strcmp(json_string_value(id), c->name);
	json_decref(names);
	return found;
}

enum lk_status lk_sql_diff_check_key(const struct lk_sql_diff_columns *columns, const char *key, const char *table, struct lk_error *err)
{
	for (const char *at = key; *at; at += *at == ',') {
		size_t n = strcspn(at, ",");
		bool found = false;

		for (int i = 0; i < columns->count; i++) {
			const struct lk_sql_diff_column *c = &columns->items[i];

			found |= c->role == LK_DIFF_KEY && strlen(c->name) == n && !strncmp(c->name, at, n);
		}
		if (!found)
			return lk_error_set(err, LK_DATA, "table %s has no column '%.*s' for a key", table, (int)n, at);
		at += n;
	}
	return LK_OK;
}
