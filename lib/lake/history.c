#include "lake/history.h"

#include <string.h>

bool lk_history_wanted(const json_t *properties)
{
	const char *value = json_string_value(json_object_get(properties, LK_META_HISTORY));

	return value && !strcmp(value, "true");
}

bool lk_history_column(const char *name)
{
	return !strcmp(name, LK_COLUMN_FROM) || !strcmp(name, LK_COLUMN_TO) || !strcmp(name, LK_COLUMN_CURRENT);
}

bool lk_history_by_order(enum lk_load load, const char *order_type)
{
	return load == LK_LOAD_UPSERT && order_type &&
	       (!strcmp(order_type, "date") || !strcmp(order_type, "timestamp") || !strcmp(order_type, "timestamptz"));
}
