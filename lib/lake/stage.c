#include "lake/stage.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lake/metadata.h"
#include "lake/staged_file.h"

#define FORMAT 1

/* How rows of a table with one row for each key are to be merged; nothing for others. */
static bool add_spec(json_t *table, const struct lk_merge *merge)
{
	json_t *spec;

	return !merge || (!lk_spec_json(&merge->spec, &spec, NULL) && !json_object_set_new(table, "spec", spec));
}

static json_t *table_json(const struct lk_target *t, const struct lk_merge *merge)
{
	struct lk_str name = LK_STR_INIT;
	json_t *files = json_array(), *table;

	for (size_t i = 0; i < t->file_count; i++)
		json_array_append_new(files, lk_staged_file_write(&t->files[i]));
	if (json_array_size(files) != t->file_count) {
		json_decref(files);
		return NULL;
	}
	lk_str_addf(&name, "%s.%s", t->namespace_name, t->name);
	table = json_pack("{s:s, s:s, s:I, s:I, s:o}", "table", lk_str_text(&name), "uuid",
		lk_metadata_text(t->base, "table-uuid"), "schema-id", (json_int_t)lk_metadata_number(t->schema, "schema-id", 0),
		"rows", (json_int_t)t->rows, "files", files);
	lk_str_release(&name);
	if (table && add_spec(table, merge))
		return table;
	json_decref(table);
	return NULL;
}

static json_t *delivery_json(const struct lk_delivery *d)
{
	json_t *again = json_array(), *failed = json_array(), *rejecting = json_array();

	for (size_t i = 0; i < d->was_count; i++)
		if (d->was[i].again)
			json_array_append_new(again, json_string(d->was[i].member));
	for (size_t i = 0; i < d->rejecting_count; i++)
		json_array_append_new(rejecting, json_string(d->rejecting[i]));
	for (size_t i = 0; i < d->failed_count; i++)
		json_array_append_new(failed, json_pack("{s:s, s:s, s:I, s:s}", "member", d->failed[i].member, "error",
						      d->failed[i].error, "rows", (json_int_t)d->failed[i].rows, "sources_sha256",
						      d->failed[i].sources));
	if (json_array_size(failed) != d->failed_count || json_array_size(rejecting) != d->rejecting_count) {
		json_decref(again);
		json_decref(failed);
		json_decref(rejecting);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:s, s:o, s:o, s:o}", "delivery",
		d->path, "path", d->absolute, "sender", d->sender, "sha256", d->sha256, "size", (json_int_t)d->size, "modified_us", (json_int_t)d->modified_us,
		"package_sha256", d->package_sha256, "members", (json_int_t)d->members, "loaded", (json_int_t)d->loaded, "rows",
		(json_int_t)d->rows, "rejected", (json_int_t)d->rejected, "crashed", (int)d->crashed, "anew", (int)d->anew, "seen_run", d->seen_run,
		"again", again, "failed", failed, "rejecting", rejecting);
}

static json_t *describe(const struct lk_data_writers *writers, const struct lk_deliveries *ds, const struct lk_merges *merges,
	const json_t *segments, json_t *counts)
{
	json_t *tables = json_array(), *deliveries = json_array(), *ids = json_array(), *value;
	size_t count = 0, news = 0;
	const char *segment;

	for (size_t i = 0; i < writers->count; i++) {
		const struct lk_target *t = &writers->items[i]->target;
		const struct lk_merge *merge = lk_merges_find(merges, t);

		if (t->file_count || merge) {
			count++;
			json_array_append_new(tables, table_json(t, merge));
		}
	}
	for (size_t i = 0; i < ds->count; i++)
		if (ds->items[i]->news) {
			news++;
			json_array_append_new(deliveries, delivery_json(ds->items[i]));
		}
	json_object_foreach((json_t *)segments, segment, value)
		json_array_append_new(ids, json_string(segment));
	if (json_array_size(tables) != count || json_array_size(deliveries) != news ||
		json_array_size(ids) != json_object_size(segments)) {
		json_decref(tables);
		json_decref(deliveries);
		json_decref(ids);
		return NULL;
	}
	return json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:O}", "lk-staged", FORMAT, "id", writers->run, "branch", ds->branch, "segments", ids, "tables", tables,
		"deliveries", deliveries, "counts", counts);
}

static enum lk_status sync_data(const struct lk_data_writers *writers, struct lk_error *err)
{
	for (size_t i = 0; i < writers->count; i++) {
		const char *data = lk_uri_path(writers->items[i]->target.data_uri);

		if (!writers->items[i]->target.file_count)
			continue;
		LK_TRY(lk_dir_sync(data, err));
		LK_TRY(lk_parent_sync(data, err));
	}
	return LK_OK;
}

enum lk_status lk_stage_write(const char *folder, const struct lk_data_writers *writers, const struct lk_deliveries *deliveries,
	const struct lk_merges *merges, const json_t *segments, struct lk_commit_report *report, struct lk_error *err)
{
	json_t *root = describe(writers, deliveries, merges, segments, report->counts);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL, *path;
	enum lk_status status = LK_OK;

	json_decref(root);
	path = lk_arena_printf(&report->arena, "%s/%s.json", folder, writers->run);
	if (!text || !path)
		status = lk_error_set(err, LK_DATA, "cannot describe the run: a name is not UTF-8, or memory ran out");
	if (!status)
		status = lk_mkdirs(folder, 0777, err);
	if (!status)
		status = sync_data(writers, err);
	if (!status) {
		status = lk_file_replace(path, 0600, text, strlen(text), err);
		if (status)
			(void)!lk_remove(path, NULL); /* it may be there, only not surely so */
	}
	free(text);
	report->staged = path;
	return status;
}
