/* What a stream of changes says of its columns: which there are, and what the table knows of them. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "sql/changes_inside.h"
#include "stream/schema.h"
#include "stream/side.h"

static const char *const own[] = {"lk_op", "lk_snapshot", "lk_committed"};

static enum lk_status check_own(const struct lk_lake_table *t, struct lk_error *err)
{
	for (int i = 0; i < t->column_count; i++)
		for (size_t k = 0; k < sizeof(own) / sizeof(*own); k++)
			if (!strcmp(t->columns[i].name, own[k]))
				return lk_error_set(err, LK_DATA, "table %s.%s has a column %s, which a stream of changes needs for itself: it holds"
					" changes already, and lk-query reads them", t->namespace_name, t->name, own[k]);
	return LK_OK;
}

static enum lk_sql_diff_role role_of(const struct lk_lake_table *t, const struct lk_lake_column *c, const char *key, bool trace)
{
	if (key ? lk_sql_diff_is_listed(key, c->name) : lk_sql_diff_is_key(t, c))
		return LK_DIFF_KEY;
	return lk_column_is_trace(c->name) && !trace ? LK_DIFF_CARRIED : LK_DIFF_VALUE;
}

enum lk_status lk_change_columns(struct lk_sql_diff_columns *out, const struct lk_lake_table *t, const char *key, bool trace,
	struct lk_error *err)
{
	struct lk_str name = LK_STR_INIT;
	enum lk_status status;

	*out = (struct lk_sql_diff_columns){calloc((size_t)t->column_count + 1, sizeof(*out->items)), 0, 0, 0};
	if (!out->items)
		return lk_error_nomem(err);
	LK_TRY(check_own(t, err));
	for (int i = 0; i < t->column_count; i++) {
		enum lk_sql_diff_role role = role_of(t, &t->columns[i], key, trace);

		out->items[out->count++] = (struct lk_sql_diff_column){t->columns[i].name, i, i, role};
		out->keys += role == LK_DIFF_KEY;
		out->carried += role == LK_DIFF_CARRIED;
	}
	lk_str_addf(&name, "%s.%s", t->namespace_name, t->name);
	status = lk_str_check(&name, err);
	if (!status && key)
		status = lk_sql_diff_check_key(out, key, name.data, err);
	lk_str_release(&name);
	return status;
}

/* ---- metadata ---- */

/* What has a key is to be applied by it, however the table itself is loaded: no part of it is a complete list. */
static enum lk_status set_key(struct ArrowSchema *schema, const struct lk_lake_table *t, const char *key, struct lk_error *err)
{
	json_t *names = json_array();
	enum lk_status status = LK_OK;
	char *text;

	for (int i = 0; i < t->column_count; i++)
		if (role_of(t, &t->columns[i], key, true) == LK_DIFF_KEY)
			json_array_append_new(names, json_string(t->columns[i].name));
	text = json_array_size(names) ? json_dumps(names, JSON_COMPACT) : NULL;
	if (text)
		status = lk_meta_set(schema, LK_META_KEY, text, err);
	if (text && !status)
		status = lk_meta_set(schema, LK_META_LOAD, "upsert", err);
	if (text && !status)
		status = lk_meta_set(schema, LK_META_OP, "lk_op", err);
	free(text);
	json_decref(names);
	return status;
}

static enum lk_status describe_column(struct ArrowSchema *column, const struct lk_lake_table *t, const struct lk_lake_column *c,
	struct lk_error *err)
{
	struct lk_str property = LK_STR_INIT;
	const char *phi;

	lk_str_addf(&property, LK_META_PHI ".%s", c->name);
	phi = lk_metadata_property(t->metadata, lk_str_text(&property));
	lk_str_release(&property);
	if (c->required)
		column->flags &= ~(int64_t)ARROW_FLAG_NULLABLE;
	if (phi)
		LK_TRY(lk_meta_set(column, LK_META_PHI, phi, err));
	return c->doc ? lk_meta_set(column, LK_META_DOC, c->doc, err) : LK_OK;
}

enum lk_status lk_change_describe(struct ArrowSchema *schema, int64_t skip, const struct lk_lake_table *t, const char *key,
	struct lk_error *err)
{
	static const char *const kept[] = {LK_META_ORDER, LK_META_PARTITION};

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		const char *value = lk_metadata_property(t->metadata, kept[i]);

		if (value)
			LK_TRY(lk_meta_set(schema, kept[i], value, err));
	}
	for (int64_t i = 0; i < skip; i++)
		schema->children[i]->flags &= ~(int64_t)ARROW_FLAG_NULLABLE;
	for (int i = 0; i < t->column_count && skip + i < schema->n_children; i++)
		LK_TRY(describe_column(schema->children[skip + i], t, &t->columns[i], err));
	return set_key(schema, t, key, err);
}
