#include "lake/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/file.h"
#include "lake/refs.h"
#include "lake/target.h"

#define MERGE_COUNT 100		 /* commit.manifest.min-count-to-merge */
#define MERGE_BYTES (8 << 20)	 /* commit.manifest.target-size-bytes */

struct build {
	struct lk_target *t;
	json_t *root;
	const char *run;
	int64_t sequence;
	char *schema; /* as JSON */
	struct lk_snapshot_counts counts;
	uint64_t *partitions; /* hashes of those that change */
	size_t partition_count, partition_cap;
	struct lk_manifest_list base, kept;
	struct lk_arena scratch; /* of entries read */
	struct lk_manifest_entry *entries; /* of a manifest of the base, those that live */
	size_t entry_count, entry_cap;
	struct lk_error *err;
};

bool lk_snapshot_wanted(const struct lk_target *t)
{
	return t->file_count || t->delete_count || t->removed_count;
}

/* ---- writing a manifest ---- */

struct manifest {
	struct lk_manifest_table table;
	struct lk_partition_spec *spec;
	char *fields;
	struct lk_manifest_writer writer;
};

static enum lk_status begin_manifest(struct build *b, struct manifest *m, enum lk_content content, int64_t spec_id)
{
	const json_t *spec = lk_metadata_spec_of(b->root, spec_id);

	*m = (struct manifest){.fields = json_dumps(json_object_get(spec, "fields"), JSON_COMPACT)};
	LK_TRY(lk_partition_spec_read(b->root, spec_id, &b->scratch, &m->spec, b->err));
	if (!m->fields)
		return lk_error_nomem(b->err);
	m->table = (struct lk_manifest_table){b->schema, lk_metadata_number(lk_metadata_schema(b->root), "schema-id", 0), m->spec,
		m->fields};
	return lk_manifest_begin(&m->writer, &m->table, content, &b->t->made.arena, b->err);
}

static enum lk_status write_manifest(struct build *b, struct manifest *m, struct lk_manifest_list *list)
{
	struct lk_made *made = &b->t->made;
	struct lk_str text = LK_STR_INIT, uri = LK_STR_INIT;
	struct lk_manifest_file *item;
	char name[LK_UUID_SIZE + 24];
	enum lk_status status;

	if (!lk_grow((void **)&list->items, &list->cap, list->count + 1, sizeof(*list->items)))
		return lk_error_nomem(b->err);
	item = &list->items[list->count];
	status = lk_manifest_finish(&m->writer, &text, item, b->err);
	snprintf(name, sizeof(name), "%s-m%d.avro", b->run, made->manifest_number++);
	if (!status)
		status = lk_target_write(b->t, name, text.data, text.len, NULL, &uri, b->err);
	lk_str_release(&text);
	item->path = status ? NULL : lk_arena_strdup(&made->arena, lk_str_text(&uri));
	item->snapshot_id = made->snapshot_id;
	lk_str_release(&uri);
	if (status)
		return status;
	if (!item->path)
		return lk_error_nomem(b->err);
	list->count++;
	b->counts.manifests_made++;
	return LK_OK;
}

static void end_manifest(struct manifest *m)
{
	lk_manifest_writer_release(&m->writer);
	free(m->fields);
}

/* ---- what it adds ---- */

static enum lk_status note_partition(struct build *b, const struct lk_data_file *f)
{
	XXH64_hash_t hash = XXH64(&f->spec_id, sizeof(f->spec_id), 0);

	for (int i = 0; i < f->partition_count; i++)
		hash = XXH64(lk_str_text(&f->partition[i].value), f->partition[i].value.len, hash + f->partition[i].null);
	if (!lk_grow((void **)&b->partitions, &b->partition_cap, b->partition_count + 1, sizeof(*b->partitions)))
		return lk_error_nomem(b->err);
	b->partitions[b->partition_count++] = hash;
	return LK_OK;
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int64_t count_partitions(struct build *b)
{
	int64_t n = b->partition_count > 0;

	if (b->partition_count)
		qsort(b->partitions, b->partition_count, sizeof(*b->partitions), compare_hashes);
	for (size_t i = 1; i < b->partition_count; i++)
		n += b->partitions[i] != b->partitions[i - 1];
	return n;
}

static enum lk_status count_added(struct build *b, const struct lk_data_file *files, size_t count, enum lk_content content)
{
	for (size_t i = 0; i < count; i++) {
		*(content == LK_CONTENT_DATA ? &b->counts.data_files : &b->counts.delete_files) += 1;
		*(content == LK_CONTENT_DATA ? &b->counts.rows : &b->counts.deletes) += files[i].metrics.rows;
		b->counts.bytes += files[i].metrics.file_bytes;
		LK_TRY(note_partition(b, &files[i]));
	}
	return LK_OK;
}

static enum lk_status add_fresh(struct build *b, struct manifest *m, const struct lk_data_file *files, size_t count, int32_t spec_id)
{
	for (size_t i = 0; i < count; i++) {
		struct lk_manifest_entry entry = {LK_ENTRY_ADDED, b->t->made.snapshot_id, -1, -1, files[i]};

		if (files[i].spec_id == spec_id)
			LK_TRY(lk_manifest_add(&m->writer, &entry, b->err));
	}
	return LK_OK;
}

/* One manifest for each spec that files of these are of. */
static enum lk_status make_fresh(struct build *b, const struct lk_data_file *files, size_t count, enum lk_content content)
{
	const struct lk_made *made = &b->t->made;
	enum lk_status status = LK_OK;

	LK_TRY(count_added(b, files, count, content));
	for (size_t i = 0; i < made->fresh.count; i++)
		if (made->fresh.items[i].content == content)
			return LK_OK; /* an earlier try wrote them */
	for (size_t i = 0; !status && i < count; i++) {
		struct manifest m;
		bool done = false;

		for (size_t k = 0; k < i && !done; k++)
			done = files[k].spec_id == files[i].spec_id;
		if (done)
			continue;
		status = begin_manifest(b, &m, content, files[i].spec_id);
		if (!status)
			status = add_fresh(b, &m, files, count, files[i].spec_id);
		if (!status)
			status = write_manifest(b, &m, &b->t->made.fresh);
		end_manifest(&m);
	}
	return status;
}

/* ---- what it removes ---- */

static enum lk_status keep_entry(void *context, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	struct build *b = context;

	if (entry->status == LK_ENTRY_DELETED)
		return LK_OK;
	if (!lk_grow((void **)&b->entries, &b->entry_cap, b->entry_count + 1, sizeof(*b->entries)))
		return lk_error_nomem(err);
	b->entries[b->entry_count++] = *entry;
	return LK_OK;
}

static enum lk_status read_entries(struct build *b, const struct lk_manifest_file *m)
{
	b->entry_count = 0;
	return lk_manifest_read(m, LK_MANIFEST_METRICS, &b->scratch, keep_entry, b, b->err);
}

/* Whether a file goes: it was named, or it deletes rows of nothing but a file that was. */
static bool goes(const struct build *b, const struct lk_data_file *f)
{
	bool named = lk_target_removes(b->t, f->uri, true);

	return named || (f->content == LK_FILE_POSITION_DELETES && f->referenced && lk_target_removes(b->t, f->referenced, false));
}

static enum lk_status count_removed(struct build *b, const struct lk_data_file *f)
{
	struct lk_snapshot_counts *c = &b->counts;

	c->removed_bytes += f->metrics.file_bytes;
	switch (f->content) {
	case LK_FILE_DATA:
		c->removed_data_files++;
		c->removed_rows += f->metrics.rows;
		break;
	case LK_FILE_POSITION_DELETES:
		c->removed_delete_files++;
		c->removed_deletes += f->metrics.rows;
		break;
	default:
		c->removed_equality_files++;
		c->removed_equality_deletes += f->metrics.rows;
	}
	return note_partition(b, f);
}

/* Deletes that came after the rows were read, and may be of rows that are about to stand in other files. */
static enum lk_status check_newer_deletes(const struct build *b)
{
	for (size_t i = 0; i < b->entry_count; i++) {
		const struct lk_manifest_entry *e = &b->entries[i];
		const struct lk_data_file *f = &e->file;

		if (e->sequence > b->t->since && f->content != LK_FILE_DATA &&
			(!f->referenced || lk_target_removes(b->t, f->referenced, false)))
			return lk_error_set(b->err, LK_CONFLICT, "another writer deleted rows of table %s.%s meanwhile; nothing was changed, "
				"try again", b->t->namespace_name, b->t->name);
	}
	return LK_OK;
}

static enum lk_status add_entries(struct build *b, struct manifest *m)
{
	for (size_t i = 0; i < b->entry_count; i++)
		LK_TRY(lk_manifest_add(&m->writer, &b->entries[i], b->err));
	return LK_OK;
}

/* The entries at hand, into a manifest of this try. */
static enum lk_status rewrite(struct build *b, enum lk_content content, int64_t spec_id)
{
	struct manifest m;
	enum lk_status status = begin_manifest(b, &m, content, spec_id);

	if (!status)
		status = add_entries(b, &m);
	if (!status)
		status = write_manifest(b, &m, &b->t->made.again);
	end_manifest(&m);
	return status;
}

static enum lk_status keep_manifest(struct build *b, const struct lk_manifest_file *m)
{
	if (!lk_grow((void **)&b->kept.items, &b->kept.cap, b->kept.count + 1, sizeof(*b->kept.items)))
		return lk_error_nomem(b->err);
	b->kept.items[b->kept.count++] = *m;
	return LK_OK;
}

/* A manifest of the base, without what goes. */
static enum lk_status filter_manifest(struct build *b, const struct lk_manifest_file *m)
{
	bool any = false;

	LK_TRY(read_entries(b, m));
	if (b->t->replaces && m->content == LK_CONTENT_DELETES)
		LK_TRY(check_newer_deletes(b));
	for (size_t i = 0; i < b->entry_count; i++) {
		struct lk_manifest_entry *e = &b->entries[i];

		e->status = LK_ENTRY_EXISTING;
		if (!goes(b, &e->file))
			continue;
		any = true;
		e->status = LK_ENTRY_DELETED;
		e->snapshot_id = b->t->made.snapshot_id;
		LK_TRY(count_removed(b, &e->file));
	}
	if (!any)
		return keep_manifest(b, m);
	b->counts.manifests_replaced++;
	return rewrite(b, (enum lk_content)m->content, m->spec_id);
}

/* Lists of format v1 need not say how many files a manifest has. */
static enum lk_status count_manifest(struct build *b, struct lk_manifest_file *m)
{
	if (m->added_files >= 0 && m->existing_files >= 0 && m->deleted_files >= 0 && m->added_rows >= 0 && m->existing_rows >= 0 &&
		m->deleted_rows >= 0)
		return LK_OK;
	LK_TRY(read_entries(b, m));
	m->added_files = m->deleted_files = m->added_rows = m->deleted_rows = m->existing_rows = 0;
	m->existing_files = (int64_t)b->entry_count;
	for (size_t i = 0; i < b->entry_count; i++)
		m->existing_rows += b->entries[i].file.metrics.rows;
	return LK_OK;
}

/*
 * A branch that is new in the table begins at main's head. It may where that has the rows of when the branch began: what came to
 * main since is of deliveries that the branch does not know, and that would load once more beside it.
 */
static enum lk_status check_beginning(struct build *b)
{
	const struct lk_target *t = b->t;

	if (!t->branch || lk_metadata_ref(b->root, t->branch) >= 0 ||
		lk_refs_has_rows_of(b->root, lk_metadata_snapshot_id(b->root), t->began_ms))
		return LK_OK;
	return lk_error_set(b->err, LK_DATA,
		"table %s.%s has not the branch '%s', and main of it has changed since that branch began: delete it, and load on a new one",
		t->namespace_name, t->name, t->branch);
}

static enum lk_status take_base(struct build *b)
{
	const json_t *parent = lk_metadata_snapshot(b->root, lk_metadata_head(b->root, b->t->branch));
	const char *path;

	LK_TRY(check_beginning(b));
	if (!parent)
		return LK_OK;
	path = lk_uri_path(lk_metadata_text(parent, "manifest-list"));
	if (!path)
		return lk_error_set(b->err, LK_MISSING, "table %s.%s is not on local disk", b->t->namespace_name, b->t->name);
	LK_TRY(lk_manifest_list_read(path, &b->t->made.arena, &b->base, b->err));
	for (size_t i = 0; i < b->base.count; i++) {
		struct lk_manifest_file *m = &b->base.items[i];

		LK_TRY(count_manifest(b, m));
		if (!m->added_files && !m->existing_files)
			continue; /* nothing lives in it */
		LK_TRY(b->t->removed_count ? filter_manifest(b, m) : keep_manifest(b, m));
	}
	return LK_OK;
}

static enum lk_status check_removed(const struct build *b)
{
	const char *missing = lk_target_not_removed(b->t);

	if (!missing)
		return LK_OK;
	return lk_error_set(b->err, LK_CONFLICT, "another writer removed '%s' from table %s.%s meanwhile; nothing was changed, try again",
		missing, b->t->namespace_name, b->t->name);
}

/* ---- merging ---- */

static int64_t property(const struct build *b, const char *key, int64_t otherwise)
{
	const char *text = lk_metadata_property(b->root, key);
	char *end;
	long long n = text ? strtoll(text, &end, 10) : 0;

	return text && end != text && !*end && n > 0 ? n : otherwise;
}

static int by_length(const void *a, const void *b)
{
	const struct lk_manifest_file *x = a, *y = b;

	if (x->content != y->content)
		return x->content < y->content ? -1 : 1;
	if (x->spec_id != y->spec_id)
		return x->spec_id < y->spec_id ? -1 : 1;
	return (x->length > y->length) - (x->length < y->length);
}

static enum lk_status merge_these(struct build *b, const struct lk_manifest_file *items, size_t count)
{
	b->entry_count = 0;
	for (size_t i = 0; i < count; i++)
		LK_TRY(lk_manifest_read(&items[i], LK_MANIFEST_METRICS, &b->scratch, keep_entry, b, b->err));
	for (size_t i = 0; i < b->entry_count; i++)
		b->entries[i].status = LK_ENTRY_EXISTING;
	b->counts.manifests_replaced += (int64_t)count;
	return rewrite(b, (enum lk_content)items->content, items->spec_id);
}

/*
 * Of manifests of one content and spec, ordered by size: the small ones up to one that is more than twice as large as all before it
 * together, so that each entry is written again only as often as the number of entries doubles.
 */
static size_t worth_merging(const struct lk_manifest_file *items, size_t count, int64_t target)
{
	int64_t sum = 0;
	size_t n = 0;

	for (; n < count && sum + items[n].length <= target && (n < 2 || items[n].length <= 2 * sum); n++)
		sum += items[n].length;
	return n;
}

static enum lk_status merge(struct build *b)
{
	int64_t min = property(b, "commit.manifest.min-count-to-merge", MERGE_COUNT);
	int64_t target = property(b, "commit.manifest.target-size-bytes", MERGE_BYTES);
	const char *enabled = lk_metadata_property(b->root, "commit.manifest-merge.enabled");
	struct lk_manifest_file *items = b->kept.items;
	size_t left = 0, end;

	if ((int64_t)b->kept.count < min || (enabled && !strcmp(enabled, "false")))
		return LK_OK;
	qsort(items, b->kept.count, sizeof(*items), by_length);
	for (size_t at = 0; at < b->kept.count; at = end) {
		size_t n;

		for (end = at; end < b->kept.count && items[end].content == items[at].content && items[end].spec_id == items[at].spec_id;)
			end++;
		n = (int64_t)(end - at) >= min ? worth_merging(&items[at], end - at, target) : 0;
		if (n > 1)
			LK_TRY(merge_these(b, &items[at], n));
		else
			n = 0;
		memmove(&items[left], &items[at + n], (end - at - n) * sizeof(*items));
		left += end - at - n;
	}
	b->kept.count = left;
	return LK_OK;
}

/* ---- the list ---- */

static enum lk_status add_items(struct build *b, struct lk_manifest_list *out, const struct lk_manifest_list *from)
{
	if (!lk_grow((void **)&out->items, &out->cap, out->count + from->count + 1, sizeof(*out->items)))
		return lk_error_nomem(b->err);
	for (size_t i = 0; i < from->count; i++) {
		struct lk_manifest_file *item = &out->items[out->count++];

		*item = from->items[i];
		if (item->sequence < 0)
			item->sequence = b->sequence;
		if (item->min_sequence < 0)
			item->min_sequence = b->sequence;
	}
	return LK_OK;
}

static enum lk_status list_text(struct build *b, struct lk_str *text)
{
	const struct lk_made *made = &b->t->made;
	struct lk_manifest_list all = {0};
	enum lk_status status = add_items(b, &all, &made->fresh);

	if (!status)
		status = add_items(b, &all, &made->again);
	if (!status)
		status = add_items(b, &all, &b->kept);
	if (!status)
		status = lk_manifest_list_write(all.items, all.count, made->snapshot_id, lk_metadata_head(b->root, b->t->branch), b->sequence,
			text, b->err);
	lk_manifest_list_release(&all);
	return status;
}

static enum lk_status add_snapshot(struct build *b, int try)
{
	struct lk_made *made = &b->t->made;
	struct lk_str text = LK_STR_INIT, uri = LK_STR_INIT;
	char name[LK_UUID_SIZE + 64];
	enum lk_status status = list_text(b, &text);

	snprintf(name, sizeof(name), "snap-%" PRId64 "-%d-%s.avro", made->snapshot_id, try, b->run);
	if (!status)
		status = lk_target_write(b->t, name, text.data, text.len, &made->list_path, &uri, b->err);
	b->counts.partitions = count_partitions(b);
	b->counts.manifests_kept = (int64_t)b->kept.count;
	made->counts = b->counts;
	if (!status) {
		struct lk_snapshot snapshot = {made->snapshot_id, lk_str_text(&uri), b->run, b->t->branch, b->t->replaces, b->t->summary,
			b->counts};

		status = lk_metadata_append(b->root, &snapshot, b->err);
	}
	lk_str_release(&text);
	lk_str_release(&uri);
	return status;
}

/* ---- the whole ---- */

static enum lk_status new_snapshot_id(int64_t *id, struct lk_error *err)
{
	uint64_t n;

	do {
		LK_TRY(lk_random(&n, sizeof(n), err));
		*id = (int64_t)(n & INT64_MAX);
	} while (*id == 0);
	return LK_OK;
}

static enum lk_status make(struct build *b, int try)
{
	struct lk_target *t = b->t;

	b->schema = json_dumps(lk_metadata_schema(b->root), JSON_COMPACT);
	if (!b->schema)
		return lk_error_nomem(b->err);
	if (t->made.snapshot_id < 0)
		LK_TRY(new_snapshot_id(&t->made.snapshot_id, b->err));
	lk_target_begin_removing(t);
	LK_TRY(make_fresh(b, t->files, t->file_count, LK_CONTENT_DATA));
	LK_TRY(make_fresh(b, t->deletes, t->delete_count, LK_CONTENT_DELETES));
	LK_TRY(take_base(b));
	LK_TRY(check_removed(b));
	LK_TRY(merge(b));
	return add_snapshot(b, try);
}

enum lk_status lk_snapshot_make(struct lk_target *t, json_t *root, const char *run, int try, struct lk_error *err)
{
	struct build b = {.t = t, .root = root, .run = run, .sequence = lk_metadata_next_sequence(root), .scratch = LK_ARENA_INIT,
		.err = err};
	enum lk_status status = make(&b, try);

	lk_manifest_list_release(&b.base);
	lk_manifest_list_release(&b.kept);
	lk_arena_release(&b.scratch);
	free(b.entries);
	free(b.partitions);
	free(b.schema);
	return status;
}

static void remove_items(struct lk_manifest_list *list, bool all, enum lk_content content)
{
	size_t left = 0;

	for (size_t i = 0; i < list->count; i++)
		if (all || list->items[i].content == content)
			(void)!lk_remove(lk_uri_path(list->items[i].path), NULL);
		else
			list->items[left++] = list->items[i];
	list->count = left;
}

void lk_snapshot_unmake(struct lk_target *t)
{
	struct lk_made *made = &t->made;

	remove_items(&made->again, true, LK_CONTENT_DATA);
	if (made->list_path)
		(void)!lk_remove(made->list_path, NULL);
	free(made->list_path);
	made->list_path = NULL;
}

void lk_snapshot_drop(struct lk_target *t, enum lk_content content)
{
	remove_items(&t->made.fresh, false, content);
}

void lk_made_release(struct lk_made *made)
{
	lk_manifest_list_release(&made->fresh);
	lk_manifest_list_release(&made->again);
	free(made->list_path);
	lk_arena_release(&made->arena);
	*made = (struct lk_made){.snapshot_id = -1};
}
