#include "sql/carry.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "change/change.h"
#include "stream/side.h"

/* Whether a column, or the column of a transform such as bucket(16, id), is one of the schema's. */
static bool has_column(const struct ArrowSchema *schema, const char *text)
{
	const char *open = strchr(text, '('), *comma = strrchr(text, ','), *close = strrchr(text, ')');
	const char *start = comma && open && comma > open ? comma + 1 : open + 1;
	char *name;
	bool found;

	if (!open || !close || close < start)
		return lk_schema_find(schema, text) >= 0;
	start += strspn(start, " ");
	name = strndup(start, (size_t)(close - start));
	found = name && lk_schema_find(schema, name) >= 0;
	free(name);
	return found;
}

/* The metadata's value is a column, or a JSON list of columns or transforms. */
static bool has_columns(const struct ArrowSchema *schema, const char *value)
{
	json_t *list = json_loads(value, 0, NULL), *item;
	bool found = true;
	size_t i;

	if (!json_is_array(list))
		found = has_column(schema, value);
	json_array_foreach(list, i, item)
		found = found && json_is_string(item) && has_column(schema, json_string_value(item));
	json_decref(list);
	return found;
}

static enum lk_status carry(const struct ArrowSchema *from, struct ArrowSchema *to, const char *key,
	const struct ArrowSchema *columns, struct lk_error *err)
{
	struct ArrowStringView value;
	enum lk_status status = LK_OK;
	char *text;

	if (!lk_meta_get(from, key, &value))
		return LK_OK;
	text = strndup(value.data, (size_t)value.size_bytes);
	if (!text)
		return lk_error_nomem(err);
	if (!columns || has_columns(columns, text))
		status = lk_meta_set(to, key, text, err);
	free(text);
	return status;
}

/* Rows of a change stream are changes as long as they say which row goes; without these columns they are just rows. */
static bool has_places(const struct ArrowSchema *schema)
{
	return lk_schema_find(schema, LK_COLUMN_OP) >= 0 && lk_schema_find(schema, LK_COLUMN_OLD_FILE) >= 0 &&
	       lk_schema_find(schema, LK_COLUMN_OLD_POS) >= 0;
}

enum lk_status lk_carry_metadata(const struct ArrowSchema *from, struct ArrowSchema *to, struct lk_error *err)
{
	static const char *const of_columns[] = {LK_META_KEY, LK_META_ORDER, LK_META_SCOPE, LK_META_PARTITION, LK_META_OP};
	static const char *const of_table[] = {LK_META_LOAD, LK_META_MAX_VANISH, LK_META_HISTORY, LK_META_PACKAGE};
	static const char *const of_field[] = {LK_META_PHI, LK_META_DOC};

	for (size_t i = 0; i < sizeof(of_columns) / sizeof(*of_columns); i++)
		LK_TRY(carry(from, to, of_columns[i], to, err));
	for (size_t i = 0; i < sizeof(of_table) / sizeof(*of_table); i++)
		LK_TRY(carry(from, to, of_table[i], NULL, err));
	if (has_places(to))
		LK_TRY(carry(from, to, LK_META_CHANGE, NULL, err));
	for (int64_t c = 0; c < to->n_children; c++) {
		int source = lk_schema_find(from, to->children[c]->name);

		for (size_t i = 0; source >= 0 && i < sizeof(of_field) / sizeof(*of_field); i++)
			LK_TRY(carry(from->children[source], to->children[c], of_field[i], NULL, err));
	}
	return LK_OK;
}
