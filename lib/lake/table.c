#include "lake/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lake/list.h"
#include "lake/metadata.h"
#include "lake/retention.h"
#include "lake/transaction.h"
#include "lake/write_options.h"

void lk_table_change_release(struct lk_table_change *c)
{
	free(c->namespace_name);
	free(c->name);
	free(c->location);
	json_decref(c->root);
	*c = (struct lk_table_change){0};
}

/* ---- finding ---- */

static enum lk_status note(struct lk_table_change *c, const char *namespace_name, const char *name, const char *location,
	struct lk_error *err)
{
	lk_table_change_release(c);
	c->namespace_name = strdup(namespace_name);
	c->name = strdup(name);
	c->location = strdup(location ? location : "");
	return c->namespace_name && c->name && c->location ? LK_OK : lk_error_nomem(err);
}

static enum lk_status find(struct lk_lake *lake, const char *name, struct lk_table_change *c, struct lk_error *err)
{
	struct lk_lake_table *table;
	struct lk_pin pin;
	enum lk_status status;

	LK_TRY(lk_lake_pin(lake, &pin, err));
	status = lk_pin_find(&pin, name, &table, err);
	if (!status)
		status = note(c, table->namespace_name, table->name, table->metadata_location, err);
	lk_pin_release(&pin);
	return status;
}

enum lk_status lk_table_look(struct lk_lake *lake, const char *name, struct lk_table_change *found, struct lk_error *err)
{
	LK_TRY(find(lake, name, found, err));
	return lk_metadata_read(found->location, &found->root, err);
}

static enum lk_status open_target(struct lk_target *t, struct lk_lake *lake, const struct lk_table_change *c, struct lk_error *err)
{
	struct lk_str name = LK_STR_INIT;
	enum lk_status status;

	lk_str_addf(&name, "%s.%s", c->namespace_name, c->name);
	status = lk_str_check(&name, err);
	if (!status)
		status = lk_target_open(t, lake, name.data, err);
	lk_str_release(&name);
	return status;
}

static enum lk_status refuse_own(const struct lk_table_change *c, struct lk_error *err)
{
	const struct lk_target t = {.namespace_name = c->namespace_name};

	if (lk_target_is_own(&t))
		return lk_error_set(err, LK_NOPERM, "table %s.%s is lk's own", c->namespace_name, c->name);
	return LK_OK;
}

/* ---- committing ---- */

static enum lk_status commit(struct lk_lake *lake, struct lk_target *t, struct lk_error *err)
{
	char run[LK_UUID_SIZE];
	struct lk_transaction tx = {.lake = lake, .run = run, .targets = &t, .count = 1};

	LK_TRY(lk_uuid(run, err));
	return lk_transaction_run(&tx, err);
}

/* What the catalog names now. */
static enum lk_status read_back(struct lk_target *t, struct lk_table_change *c, struct lk_error *err)
{
	c->changed = true;
	free(c->location);
	json_decref(c->root);
	c->root = NULL;
	c->location = strdup(t->new_location);
	return c->location ? lk_metadata_read(c->location, &c->root, err) : lk_error_nomem(err);
}

/* ---- create ---- */

struct edit {
	struct lk_target *target;
	struct lk_alter *alter;
	bool fresh; /* the table must be a new one */
};

static bool same_number(const json_t *a, const json_t *b, const char *key)
{
	return lk_metadata_number(a, key, 0) == lk_metadata_number(b, key, 0);
}

/* Leaves of a list only the item that is current, under its first number. */
static enum lk_status keep_one(json_t *root, const char *list, const char *key, const char *current, int64_t first,
	struct lk_error *err)
{
	json_t *items = json_object_get(root, list), *item, *kept = json_array();
	int64_t id = lk_metadata_number(root, current, 0);
	bool good = kept;
	size_t i;

	json_array_foreach(items, i, item)
		if (lk_metadata_number(item, key, -1) == id)
			good = good && !json_object_set_new(item, key, json_integer(first)) && !json_array_append(kept, item);
	good = good && !json_object_set(root, list, kept) && !json_object_set_new(root, current, json_integer(first));
	json_decref(kept);
	return good ? LK_OK : lk_error_nomem(err);
}

/* A new table has no past: what it is made with is its first schema and spec, as Java makes it. */
static enum lk_status make_fresh(json_t *root, struct lk_error *err)
{
	int64_t order = lk_metadata_number(root, "default-sort-order-id", 0);

	LK_TRY(keep_one(root, "schemas", "schema-id", "current-schema-id", 0, err));
	LK_TRY(keep_one(root, "partition-specs", "spec-id", "default-spec-id", 0, err));
	return keep_one(root, "sort-orders", "order-id", "default-sort-order-id", order, err);
}

/* Whether lk's own writers take the table's properties: what they refuse would stop every commit to it. */
static enum lk_status check_properties(const json_t *root, struct lk_error *err)
{
	struct lk_write_options options;
	struct lk_retention policy;
	enum lk_status status = lk_write_options_read(json_object_get(root, "properties"), &options, err);

	if (status == LK_DATA)
		return status;
	if (lk_retention_read(root, &policy, err))
		err->status = LK_DATA;
	else
		*err = (struct lk_error){0};
	return err->status;
}

/* What was wrong before is not the fault of this change. */
static enum lk_status check_change(const json_t *base, const json_t *root, struct lk_error *err)
{
	struct lk_error before;

	return base && check_properties(base, &before) ? LK_OK : check_properties(root, err);
}

static enum lk_status make_edit(void *context, json_t *root, struct lk_error *err)
{
	struct edit *e = context;
	const struct lk_target *t = e->target;

	if (e->fresh && t->base)
		return lk_error_set(err, LK_CONFLICT, "another writer made table %s.%s meanwhile", t->namespace_name, t->name);
	if (lk_alter_make(e->alter, root, err) || check_change(t->base, root, err))
		return lk_error_prefix(err, "table %s.%s", t->namespace_name, t->name);
	if (e->fresh)
		return make_fresh(root, err);
	if (lk_target_is_own(t) && !(same_number(root, t->base, "current-schema-id") && same_number(root, t->base, "default-spec-id") &&
					   same_number(root, t->base, "default-sort-order-id")))
		return lk_error_set(err, LK_NOPERM, "table %s.%s is lk's own: only its properties may be set", t->namespace_name,
			t->name);
	return LK_OK;
}

static enum lk_status there_is(const struct lk_table_change *c, struct lk_error *err)
{
	return lk_error_set(err, LK_CANTCREATE, "table %s.%s is there already", c->namespace_name, c->name);
}

/* Before a folder is made for it. */
static enum lk_status try_alter(const struct lk_target *t, struct lk_alter *alter, struct lk_error *err)
{
	json_t *root = lk_metadata_new("", "", t->schema, t->last_column_id, t->properties);
	enum lk_status status = root ? lk_alter_make(alter, root, err) : lk_error_nomem(err);

	if (!status)
		status = check_properties(root, err);
	json_decref(root);
	return status;
}

static enum lk_status create(struct lk_lake *lake, struct lk_target *t, const json_t *schema, struct lk_alter *alter,
	struct lk_table_change *c, struct lk_error *err)
{
	struct edit edit = {t, alter, true};

	json_decref(t->schema);
	t->schema = json_deep_copy(schema);
	if (!t->schema)
		return lk_error_nomem(err);
	LK_TRY(lk_tree_number(t->schema, &t->last_column_id, err));
	t->schema_changed = true;
	LK_TRY(try_alter(t, alter, err));
	t->edit = make_edit;
	t->edit_context = &edit;
	LK_TRY(commit(lake, t, err));
	return read_back(t, c, err);
}

enum lk_status lk_table_create(struct lk_lake *lake, const char *name, const json_t *schema, struct lk_alter *alter,
	bool there_is_fine, struct lk_table_change *change, struct lk_error *err)
{
	struct lk_target t;
	enum lk_status status = lk_target_open(&t, lake, name, err);

	if (!status)
		status = note(change, t.namespace_name, t.name, t.base_location, err);
	if (!status)
		status = refuse_own(change, err);
	if (!status && t.base && !there_is_fine)
		status = there_is(change, err);
	if (!status && t.base)
		change->root = json_incref(t.base);
	else if (!status)
		status = create(lake, &t, schema, alter, change, err);
	lk_target_release(&t);
	return status;
}

/* ---- alter ---- */

static enum lk_status alter_target(struct lk_lake *lake, struct lk_target *t, struct lk_alter *alter, bool dry_run,
	struct lk_table_change *c, struct lk_error *err)
{
	struct edit edit = {t, alter, false};

	if (!t->base)
		return lk_error_set(err, LK_CONFLICT, "another writer dropped table %s.%s meanwhile", c->namespace_name, c->name);
	c->root = json_deep_copy(t->base);
	if (!c->root)
		return lk_error_nomem(err);
	LK_TRY(make_edit(&edit, c->root, err));
	if (dry_run || json_equal(c->root, t->base)) {
		c->changed = !json_equal(c->root, t->base);
		return LK_OK;
	}
	t->edit = make_edit;
	t->edit_context = &edit;
	LK_TRY(commit(lake, t, err));
	return read_back(t, c, err);
}

enum lk_status lk_table_alter(struct lk_lake *lake, const char *name, struct lk_alter *alter, bool dry_run,
	struct lk_table_change *change, struct lk_error *err)
{
	struct lk_target t = {0};
	enum lk_status status = find(lake, name, change, err);

	if (!status)
		status = open_target(&t, lake, change, err);
	if (!status)
		status = alter_target(lake, &t, alter, dry_run, change, err);
	lk_target_release(&t);
	return status;
}

/* ---- rename and drop: what the catalog does alone ---- */

/* What changes the catalog's row of a table, within a transaction. */
typedef enum lk_status catalog_change(struct lk_lake *lake, const struct lk_table_change *from, const struct lk_table_change *to,
	bool *moved, struct lk_error *err);

static enum lk_status move(struct lk_lake *lake, const struct lk_table_change *from, const struct lk_table_change *to, bool *moved,
	struct lk_error *err)
{
	return lk_catalog_rename(lake, from->namespace_name, from->name, to->namespace_name, to->name, moved, err);
}

static enum lk_status take_out(struct lk_lake *lake, const struct lk_table_change *from, const struct lk_table_change *to, bool *moved,
	struct lk_error *err)
{
	*moved = false;
	if (to && strcmp(to->location, from->location))
		return LK_OK;
	return lk_catalog_swap(lake, from->namespace_name, from->name, from->location, NULL, moved, err);
}

/* The row is read again within the transaction, as others may have committed to the table since. */
static enum lk_status change_row(struct lk_lake *lake, struct lk_table_change *from, const struct lk_table_change *to,
	catalog_change *change, struct lk_error *err)
{
	enum lk_status status;
	bool moved = false;

	free(from->location);
	from->location = NULL;
	status = lk_catalog_find(lake, from->namespace_name, from->name, &from->location, err);
	if (!status && from->location)
		status = change(lake, from, to, &moved, err);
	if (!status && !moved)
		status = lk_error_set(err, LK_CONFLICT, "another writer was first; nothing was changed, try again");
	return status;
}

static enum lk_status change_catalog(struct lk_lake *lake, struct lk_table_change *from, const struct lk_table_change *to,
	catalog_change *change, struct lk_error *err)
{
	int lock = lk_catalog_lock(lake);
	enum lk_status status = lk_catalog_begin(lake, err);

	if (!status) {
		status = change_row(lake, from, to, change, err);
		if (status)
			lk_catalog_rollback(lake);
		else
			status = lk_catalog_commit(lake, NULL, err);
	}
	lk_catalog_unlock(lock);
	return status;
}

/* What the metadata say is told where they can be read. */
static void read_root(struct lk_table_change *c)
{
	struct lk_error ignored;

	if (lk_metadata_read(c->location, &c->root, &ignored))
		c->root = NULL;
}

/* The new name, checked as that of any new table. */
static enum lk_status take_name(struct lk_lake *lake, const char *name, struct lk_table_change *to, struct lk_error *err)
{
	struct lk_target t;
	enum lk_status status = lk_target_open(&t, lake, name, err);

	if (!status)
		status = note(to, t.namespace_name, t.name, NULL, err);
	if (!status)
		status = refuse_own(to, err);
	if (!status && t.base)
		status = there_is(to, err);
	lk_target_release(&t);
	return status;
}

enum lk_status lk_table_rename(struct lk_lake *lake, const char *from, const char *to, struct lk_table_change *change,
	struct lk_error *err)
{
	struct lk_table_change old = {0};
	enum lk_status status = find(lake, from, &old, err);

	if (!status)
		status = refuse_own(&old, err);
	if (!status)
		status = take_name(lake, to, change, err);
	if (!status)
		status = change_catalog(lake, &old, change, move, err);
	if (!status) {
		free(change->location);
		change->location = old.location;
		old.location = NULL;
		change->changed = true;
		read_root(change);
	}
	lk_table_change_release(&old);
	return status;
}

/* Nobody is to find the dropped table by it; and its folder now has the time of the drop, from which on lk-gc counts its grace. */
static void remove_hint(const struct lk_table_change *c)
{
	char *folder = c->root ? lk_metadata_folder(c->root, true) : NULL;
	const char *path = folder ? lk_uri_path(folder) : NULL;
	struct lk_str hint = LK_STR_INIT;

	lk_str_addf(&hint, "%s/version-hint.text", path ? path : "");
	if (path && !hint.failed)
		(void)!lk_remove(hint.data, NULL);
	lk_str_release(&hint);
	free(folder);
}

enum lk_status lk_table_drop(struct lk_lake *lake, const char *name, bool dry_run, const char *only_at,
	struct lk_table_change *change, struct lk_error *err)
{
	struct lk_table_change only = {.location = (char *)only_at};

	LK_TRY(find(lake, name, change, err));
	LK_TRY(refuse_own(change, err));
	if (!dry_run)
		LK_TRY(change_catalog(lake, change, only_at ? &only : NULL, take_out, err));
	change->changed = true;
	read_root(change);
	if (!dry_run)
		remove_hint(change);
	return LK_OK;
}
