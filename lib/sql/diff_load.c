/* Reading no more of two snapshots than may differ: manifests that both name are the same files. */
#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "sql/diff_inside.h"

struct overlap {
	char **paths; /* of manifests that both have; sorted */
	size_t count;
	bool same_deletes; /* both have the same manifests of deletes */
	const struct lk_lake_filter *also;
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct lk_manifest_file *)a)->path, ((const struct lk_manifest_file *)b)->path);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A list that cannot be read here is told of when the table is read: it overlaps with none. */
static void read_list(const struct lk_lake_table *t, struct lk_arena *arena, struct lk_manifest_list *list)
{
	const json_t *snapshot = lk_metadata_snapshot(t->metadata, t->snapshot_id);
	const char *path = lk_uri_path(lk_metadata_text(snapshot, "manifest-list"));
	struct lk_error ignored;

	if (!path || json_object_get(snapshot, "key-id") || lk_manifest_list_read(path, arena, list, &ignored))
		list->count = 0;
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), by_path);
}

/* Both are sorted. */
static enum lk_status compare(struct overlap *o, struct lk_arena *arena, const struct lk_manifest_list *a,
	const struct lk_manifest_list *b, struct lk_error *err)
{
	size_t i = 0, k = 0;

	o->same_deletes = true;
	o->paths = calloc(a->count + 1, sizeof(char *));
	if (!o->paths)
		return lk_error_nomem(err);
	while (i < a->count || k < b->count) {
		int order = i == a->count ? 1 : k == b->count ? -1 : by_path(&a->items[i], &b->items[k]);
		const struct lk_manifest_file *m = order <= 0 ? &a->items[i] : &b->items[k];

		if (!order && !(o->paths[o->count++] = lk_arena_strdup(arena, m->path)))
			return lk_error_nomem(err);
		if (order)
			o->same_deletes &= m->content == LK_CONTENT_DATA;
		i += order <= 0;
		k += order >= 0;
	}
	return LK_OK;
}

static bool take_manifest(void *context, const struct lk_lake_table *t, const struct lk_manifest_file *m)
{
	const struct overlap *o = context;
	const char *path = m->path;

	if (o->same_deletes && bsearch(&path, o->paths, o->count, sizeof(char *), by_text))
		return false;
	return !o->also || o->also->manifest(o->also->context, t, m);
}

static bool take_file(void *context, const struct lk_lake_table *t, const struct lk_manifest_entry *entry)
{
	const struct overlap *o = context;

	return !o->also || o->also->file(o->also->context, t, entry);
}

static enum lk_status load(struct overlap *o, struct lk_pin *pin, struct lk_lake_table *from, struct lk_lake_table *to, unsigned flags,
	struct lk_error *err)
{
	const struct lk_lake_filter filter = {take_manifest, take_file, o};
	struct lk_manifest_list a = {0}, b = {0};
	enum lk_status status;

	read_list(from, &pin->arena, &a);
	read_list(to, &pin->arena, &b);
	status = compare(o, &pin->arena, &a, &b, err);
	lk_manifest_list_release(&a);
	lk_manifest_list_release(&b);
	if (!status)
		status = lk_lake_table_read(pin, from, flags, &filter, err);
	return status ? status : lk_lake_table_read(pin, to, flags, &filter, err);
}

enum lk_status lk_sql_diff_load(struct lk_pin *pin, struct lk_lake_table *from, struct lk_lake_table *to, unsigned flags,
	const struct lk_lake_filter *filter, struct lk_error *err)
{
	struct overlap o = {.also = filter};
	enum lk_status status = load(&o, pin, from, to, flags, err);

	free(o.paths);
	return status;
}
