#include "lake/replace.h"

#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "lake/value.h"

/* The partitions that come, as keys that compare as bytes, ascending. */
struct partitions {
	struct lk_target *target;
	struct lk_arena arena, scratch; /* of specs and lists; of what a manifest tells */
	struct lk_partition_spec *spec;
	struct lk_str *keys;
	size_t count;
	bool whole; /* the spec has no fields: all files go */
	struct lk_str key; /* of the file at hand */
};

static void release(struct partitions *p)
{
	for (size_t i = 0; i < p->count; i++)
		lk_str_release(&p->keys[i]);
	free(p->keys);
	lk_str_release(&p->key);
	lk_arena_release(&p->arena);
	lk_arena_release(&p->scratch);
}

/* A value that was written before its column was widened is the same all the same. */
static void add_value(const struct lk_partition_field *field, const struct lk_partition_value *v, struct lk_str *out)
{
	enum lk_value_kind kind = lk_value_kind(field->result_type);
	bool null = !v || v->null;
	size_t len = null ? 0 : v->value.len;
	int64_t n;
	double d;

	lk_str_addc(out, null ? 'n' : 'v');
	if (null)
		return;
	if (kind == LK_VALUE_INTEGER && lk_value_sound(kind, len)) {
		n = lk_value_integer(v->value.data, len);
		lk_str_add(out, &n, sizeof(n));
	} else if (kind == LK_VALUE_FLOAT && lk_value_sound(kind, len)) {
		d = lk_value_double(v->value.data, len);
		lk_str_add(out, &d, sizeof(d));
	} else {
		lk_str_add(out, &len, sizeof(len));
		lk_str_add(out, lk_str_text(&v->value), len);
	}
}

static void make_key(const struct partitions *p, const struct lk_data_file *file, struct lk_str *out)
{
	lk_str_clear(out);
	for (int i = 0; i < p->spec->count; i++)
		add_value(&p->spec->fields[i], lk_data_file_partition(file, p->spec->fields[i].field_id), out);
}

static int compare_keys(const void *a, const void *b)
{
	const struct lk_str *x = a, *y = b;
	size_t common = x->len < y->len ? x->len : y->len;
	int order = common ? memcmp(x->data, y->data, common) : 0;

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static enum lk_status gather_keys(struct partitions *p, struct lk_error *err)
{
	const struct lk_target *t = p->target;

	LK_TRY(lk_partition_spec_read(t->base, t->files[0].spec_id, &p->arena, &p->spec, err));
	p->whole = !p->spec->count;
	p->keys = calloc(t->file_count + 1, sizeof(*p->keys));
	if (!p->keys)
		return lk_error_nomem(err);
	for (size_t i = 0; i < t->file_count; i++) {
		make_key(p, &t->files[i], &p->keys[p->count++]);
		LK_TRY(lk_str_check(&p->keys[p->count - 1], err));
	}
	qsort(p->keys, p->count, sizeof(*p->keys), compare_keys);
	return LK_OK;
}

static enum lk_status of_other_spec(const struct partitions *p, const struct lk_data_file *file, struct lk_error *err)
{
	const struct lk_target *t = p->target;

	return lk_error_set(err, LK_DATA, "table %s.%s has files of partition spec %d, and rows come by spec %d: it cannot be told which of "
		"them are of the same partitions; nothing was changed (lk-compact rewrites them, --overwrite takes a predicate)",
		t->namespace_name, t->name, (int)file->spec_id, (int)p->spec->spec_id);
}

static enum lk_status take_file(void *context, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	const struct lk_data_file *file = &entry->file;
	struct partitions *p = context;

	if (entry->status == LK_ENTRY_DELETED)
		return LK_OK;
	if (!p->whole && file->spec_id != p->spec->spec_id)
		return file->content == LK_FILE_DATA ? of_other_spec(p, file, err) : LK_OK;
	make_key(p, file, &p->key);
	LK_TRY(lk_str_check(&p->key, err));
	if (!p->whole && !bsearch(&p->key, p->keys, p->count, sizeof(*p->keys), compare_keys))
		return LK_OK;
	return lk_target_remove_file(p->target, file->uri, err);
}

static enum lk_status find(struct partitions *p, struct lk_error *err)
{
	const struct lk_target *t = p->target;
	const json_t *head = lk_metadata_snapshot(t->base, lk_metadata_head(t->base, t->branch));
	struct lk_manifest_list list = {0};
	enum lk_status status;
	const char *path;

	if (!head)
		return LK_OK;
	path = lk_uri_path(lk_metadata_text(head, "manifest-list"));
	if (!path)
		return lk_error_set(err, LK_MISSING, "table %s.%s is not on local disk", t->namespace_name, t->name);
	LK_TRY(gather_keys(p, err));
	status = lk_manifest_list_read(path, &p->arena, &list, err);
	for (size_t i = 0; !status && i < list.count; i++) {
		lk_arena_clear(&p->scratch);
		if (list.items[i].added_files || list.items[i].existing_files)
			status = lk_manifest_read(&list.items[i], 0, &p->scratch, take_file, p, err);
	}
	lk_manifest_list_release(&list);
	return status;
}

enum lk_status lk_replace_partitions(struct lk_target *t, struct lk_error *err)
{
	struct partitions p = {.target = t};
	enum lk_status status = LK_OK;

	t->watched = true;
	if (!t->summary)
		t->summary = json_object();
	if (!t->summary || json_object_set_new(t->summary, "replace-partitions", json_string("true")))
		return lk_error_nomem(err);
	if (t->base && t->file_count)
		status = find(&p, err);
	release(&p);
	return status;
}

/* ---- again ---- */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files to be removed, ascending; malloc'd, and so is the list. */
static enum lk_status list_removed(const struct lk_target *t, char ***out, size_t *count, struct lk_error *err)
{
	*count = 0;
	*out = calloc(t->removed_count + 1, sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	for (; *count < t->removed_count; ++*count)
		if (!((*out)[*count] = strdup(t->removed[*count].uri)))
			return lk_error_nomem(err);
	qsort(*out, *count, sizeof(**out), compare_texts);
	return LK_OK;
}

static void free_list(char **list, size_t count)
{
	for (size_t i = 0; list && i < count; i++)
		free(list[i]);
	free(list);
}

static bool same_lists(char **a, size_t a_count, char **b, size_t b_count)
{
	for (size_t i = 0; i < a_count && i < b_count; i++)
		if (strcmp(a[i], b[i]))
			return false;
	return a_count == b_count;
}

enum lk_status lk_replace_again(struct lk_target *t, struct lk_error *err)
{
	char **before = NULL, **now = NULL;
	size_t before_count, now_count = 0;
	enum lk_status status = list_removed(t, &before, &before_count, err);

	if (!status) {
		lk_target_clear_deletes(t);
		status = lk_replace_partitions(t, err);
	}
	if (!status)
		status = list_removed(t, &now, &now_count, err);
	if (!status && !same_lists(before, before_count, now, now_count))
		status = lk_error_set(err, LK_CONFLICT, "another writer changed partitions of table %s.%s that this commit replaces; nothing was "
			"changed, try again", t->namespace_name, t->name);
	free_list(before, before_count);
	free_list(now, now_count);
	return status;
}
