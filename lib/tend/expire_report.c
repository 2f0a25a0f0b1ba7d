#include <string.h>

#include "base/file.h"
#include "base/value.h"
#include "lake/metadata.h"
#include "tend/expire.h"
#include "tend/named.h"

static const char *const kinds[] = {"metadata", "statistics", "list", "manifest", "data", "deletes"};

static const char *operation_of(const json_t *snapshot)
{
	return lk_metadata_text(json_object_get(snapshot, "summary"), "operation");
}

static void add_time(struct lk_str *out, const json_t *snapshot)
{
	char time[LK_VALUE_TEXT];

	lk_timestamp_text(lk_metadata_number(snapshot, "timestamp-ms", 0) * 1000, true, true, time);
	lk_str_adds(out, time);
}

static void add_file(const struct lk_expired_file *f, struct lk_str *out)
{
	struct lk_str path = LK_STR_INIT;

	lk_path_text(&path, f->path);
	lk_str_adds(out, "{\"path\":");
	lk_str_add_json(out, lk_str_text(&path), path.len);
	lk_str_addf(out, ",\"kind\":\"%s\",\"bytes\":%lld}", kinds[f->kind], (long long)f->bytes);
	lk_str_release(&path);
}

static void add_table(const struct lk_expire_table *t, struct lk_str *out)
{
	json_t *item;
	size_t i;

	lk_str_adds(out, "{\"table\":");
	lk_add_table_json(out, t->namespace_name, t->name);
	lk_str_addf(out, ",\"kept\":%lld,\"policy_changed\":%s,\"removed\":[", (long long)t->kept, t->stored ? "true" : "false");
	json_array_foreach(t->removed, i, item) {
		lk_str_addf(out, "%s{\"snapshot\":%lld,\"time\":\"", i ? "," : "",
			(long long)lk_metadata_number(item, "snapshot-id", -1));
		add_time(out, item);
		lk_str_adds(out, "\",\"operation\":");
		lk_str_add_json(out, operation_of(item), strlen(operation_of(item)));
		lk_str_addc(out, '}');
	}
	lk_str_adds(out, "],\"refs\":[");
	json_array_foreach(t->refs, i, item) {
		if (i)
			lk_str_addc(out, ',');
		lk_str_add_json(out, json_string_value(item), json_string_length(item));
	}
	lk_str_adds(out, "],\"files\":[");
	for (i = 0; i < t->file_count; i++) {
		if (i)
			lk_str_addc(out, ',');
		add_file(&t->files[i], out);
	}
	lk_str_addf(out, "],\"bytes\":%lld", (long long)t->bytes);
	if (t->problem) {
		lk_str_adds(out, ",\"problem\":");
		lk_str_add_json(out, t->problem, strlen(t->problem));
	}
	lk_str_addc(out, '}');
}

enum lk_status lk_expire_json(const struct lk_expire *e, const struct lk_expire_options *o, struct lk_str *out, struct lk_error *err)
{
	lk_str_addf(out, "{\"dry_run\":%s,\"tables\":[", o->dry_run ? "true" : "false");
	for (size_t i = 0; i < e->count; i++) {
		if (i)
			lk_str_addc(out, ',');
		add_table(&e->tables[i], out);
	}
	lk_str_adds(out, "]}\n");
	return lk_str_check(out, err);
}

enum lk_status lk_expire_text(const struct lk_expire *e, struct lk_str *out, struct lk_error *err)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct lk_expire_table *t = &e->tables[i];
		json_t *item;
		size_t k;

		json_array_foreach(t->removed, k, item) {
			lk_str_addf(out, "snapshot  %s.%s  %lld  ", t->namespace_name, t->name,
				(long long)lk_metadata_number(item, "snapshot-id", -1));
			add_time(out, item);
			lk_str_addf(out, "  %s\n", operation_of(item));
		}
		json_array_foreach(t->refs, k, item)
			lk_str_addf(out, "ref  %s.%s  %s\n", t->namespace_name, t->name, json_string_value(item));
		for (k = 0; k < t->file_count; k++) {
			lk_str_addf(out, "file  %s.%s  %lld  ", t->namespace_name, t->name, (long long)t->files[k].bytes);
			lk_path_text(out, t->files[k].path);
			lk_str_addc(out, '\n');
		}
	}
	return lk_str_check(out, err);
}
