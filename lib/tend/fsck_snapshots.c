#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "lake/value.h"
#include "tend/fsck_table.h"

/* Counts come from outside: they may be any numbers, whose sum means nothing then. */
static void add(int64_t *sum, int64_t n)
{
	*sum = (int64_t)((uint64_t)*sum + (uint64_t)n);
}

static void add_file(struct lk_fsck_sums *s, int content, int64_t rows, int64_t bytes)
{
	add(&s->bytes, bytes);
	if (content == LK_FILE_DATA) {
		s->data_files++;
		add(&s->records, rows);
		return;
	}
	s->delete_files++;
	add(content == LK_FILE_POSITION_DELETES ? &s->position_deletes : &s->equality_deletes, rows);
}

static void add_sums(struct lk_fsck_sums *to, const struct lk_fsck_sums *more)
{
	to->data_files += more->data_files;
	to->delete_files += more->delete_files;
	add(&to->records, more->records);
	add(&to->bytes, more->bytes);
	add(&to->position_deletes, more->position_deletes);
	add(&to->equality_deletes, more->equality_deletes);
}

/* ---- a manifest ---- */

struct reading {
	struct lk_fsck_table *t;
	const struct lk_manifest_file *said;
	struct lk_fsck_manifest *m;
	struct lk_partition_summary *summaries; /* as the entries have it */
	const struct lk_fsck_spec *spec;
};

/* The number of a file, which is made known when it is new. */
static enum lk_status know_file(struct lk_fsck_table *t, const struct lk_data_file *file, size_t *number, struct lk_error *err)
{
	size_t len = strlen(file->uri);
	const char *uri = file->uri;
	bool added;

	*number = lk_index_find(&t->file_index, uri, len);
	if (*number != SIZE_MAX)
		return LK_OK;
	uri = lk_arena_strdup(&t->arena, uri);
	if (!uri)
		return lk_error_nomem(err);
	LK_TRY(lk_index_add(&t->file_index, uri, len, number, &added, err));
	if (!lk_grow((void **)&t->files, &t->file_cap, *number + 1, sizeof(*t->files)))
		return lk_error_nomem(err);
	t->files[*number] = (struct lk_fsck_file){.uri = uri, .path = lk_uri_path(uri), .content = file->content,
		.rows = file->metrics.rows, .bytes = file->metrics.file_bytes};
	if (file->referenced && !(t->files[*number].referenced = lk_arena_strdup(&t->arena, file->referenced)))
		return lk_error_nomem(err);
	return LK_OK;
}

static bool is_nan(const struct lk_str *value, const char *type)
{
	double d;

	if (lk_value_kind(type) != LK_VALUE_FLOAT || (value->len != 4 && value->len != 8))
		return false;
	d = lk_value_double(value->data, value->len);
	return d != d;
}

/* Widens what entries have of partition values; values live as long as the reading. */
static void summarize(struct reading *r, const struct lk_data_file *file)
{
	for (int i = 0; i < r->spec->count && r->summaries; i++) {
		const struct lk_partition_value *v = lk_data_file_partition(file, r->spec->fields[i].field_id);
		enum lk_value_kind kind = lk_value_kind(r->spec->fields[i].result_type);
		struct lk_partition_summary *s = &r->summaries[i];

		if (!v || v->null) {
			s->contains_null = 1;
		} else if (is_nan(&v->value, r->spec->fields[i].result_type)) {
			s->contains_nan = 1;
		} else if (lk_value_sound(kind, v->value.len)) {
			if (!s->lower || lk_value_compare(kind, v->value.data, v->value.len, s->lower, s->lower_len) < 0) {
				s->lower = v->value.data;
				s->lower_len = v->value.len;
			}
			if (!s->upper || lk_value_compare(kind, v->value.data, v->value.len, s->upper, s->upper_len) > 0) {
				s->upper = v->value.data;
				s->upper_len = v->value.len;
			}
		}
	}
}

static void count_entry(struct reading *r, const struct lk_manifest_entry *e, int64_t snapshot, int64_t sequence)
{
	struct lk_fsck_manifest *m = r->m;
	int64_t rows = e->file.metrics.rows, bytes = e->file.metrics.file_bytes;
	bool own = snapshot == r->said->snapshot_id;

	switch (e->status) {
	case LK_ENTRY_ADDED:
		m->added_files++;
		add(&m->added_rows, rows);
		if (own)
			add_file(&m->added, e->file.content, rows, bytes);
		break;
	case LK_ENTRY_EXISTING:
		m->existing_files++;
		add(&m->existing_rows, rows);
		break;
	default:
		m->deleted_files++;
		add(&m->deleted_rows, rows);
		if (own)
			add_file(&m->deleted, e->file.content, rows, bytes);
		return;
	}
	add_file(&m->live, e->file.content, rows, bytes);
	if (sequence < m->min_sequence)
		m->min_sequence = sequence;
}

/* What an entry says of itself, before what it inherits is filled in: -1 stands for nothing. */
static void check_entry(struct reading *r, const struct lk_manifest_entry *e)
{
	const struct lk_manifest_file *said = r->said;
	struct lk_fsck_table *t = r->t;

	if ((e->file.content == LK_FILE_DATA) != (said->content == LK_CONTENT_DATA))
		lk_fsck_found(t, "entry", said->path, "is one of %s and has an entry of %s", said->content ? "deletes" : "data",
			e->file.content ? "deletes" : "data");
	if (e->status != LK_ENTRY_ADDED && e->snapshot_id < 0)
		lk_fsck_found(t, "entry", said->path, "has an entry that is not new and has no snapshot id");
	if (e->status == LK_ENTRY_ADDED && e->snapshot_id >= 0 && e->snapshot_id != said->snapshot_id)
		lk_fsck_found(t, "entry", said->path, "has a new file of snapshot %" PRId64 ", but is of snapshot %" PRId64,
			e->snapshot_id, said->snapshot_id);
	if (t->version < 2 || said->sequence < 0)
		return;
	if (e->status != LK_ENTRY_ADDED && e->sequence < 0)
		lk_fsck_found(t, "sequence", said->path, "has an entry that is not new and has no sequence number");
	if (e->sequence > said->sequence || e->file_sequence > said->sequence)
		lk_fsck_found(t, "sequence", said->path, "has an entry of sequence number %" PRId64 ", above its own, %" PRId64,
			e->sequence > e->file_sequence ? e->sequence : e->file_sequence, said->sequence);
}

static enum lk_status visit(void *context, const struct lk_manifest_entry *e, struct lk_error *err)
{
	struct reading *r = context;
	int64_t snapshot = e->snapshot_id < 0 ? r->said->snapshot_id : e->snapshot_id;
	int64_t sequence = e->sequence < 0 ? r->said->sequence : e->sequence;
	struct lk_fsck_manifest *m = r->m;
	size_t number;

	check_entry(r, e);
	LK_TRY(know_file(r->t, &e->file, &number, err));
	count_entry(r, e, snapshot, sequence);
	if (r->spec && e->status != LK_ENTRY_DELETED)
		summarize(r, &e->file);
	if (!lk_grow((void **)&m->entries, &m->entry_cap, m->entry_count + 1, sizeof(*m->entries)))
		return lk_error_nomem(err);
	m->entries[m->entry_count++] = (struct lk_fsck_entry){number, e->status, snapshot};
	if (e->status == LK_ENTRY_DELETED)
		return LK_OK;
	r->t->files[number].live = true;
	return lk_fsck_entry(r->t, e, err);
}

/* Whether a summary's ends hold what the entries have. */
static bool holds(const struct lk_partition_summary *said, const struct lk_partition_summary *have, enum lk_value_kind kind)
{
	if (have->contains_null && !said->contains_null)
		return false;
	if (have->contains_nan > 0 && !said->contains_nan)
		return false;
	if (have->lower && said->lower && (!lk_value_sound(kind, said->lower_len) ||
		lk_value_compare(kind, said->lower, said->lower_len, have->lower, have->lower_len) > 0))
		return false;
	return !(have->upper && said->upper && (!lk_value_sound(kind, said->upper_len) ||
		lk_value_compare(kind, said->upper, said->upper_len, have->upper, have->upper_len) < 0));
}

static void check_summaries(struct reading *r)
{
	const struct lk_manifest_file *said = r->said;

	if (!r->spec || said->partition_count < 0)
		return;
	if (said->partition_count != r->spec->count) {
		lk_fsck_found(r->t, "manifest-partitions", said->path, "has %" PRId64 " summaries of partition values, its spec %d fields",
			said->partition_count, r->spec->count);
		return;
	}
	for (int i = 0; i < r->spec->count; i++)
		if (!holds(&said->partitions[i], &r->summaries[i], lk_value_kind(r->spec->fields[i].result_type)))
			lk_fsck_found(r->t, "manifest-partitions", said->path,
				"has files whose value of partition field %d its list does not tell", (int)r->spec->fields[i].field_id);
}

static enum lk_status read_manifest(struct reading *r, struct lk_error *err)
{
	struct lk_manifest_file raw = *r->said; /* with nothing to inherit, so that what is missing is seen */
	size_t count = r->spec ? (size_t)r->spec->count : 0;
	struct lk_error why;
	enum lk_status status;

	raw.sequence = raw.snapshot_id = -1;
	r->summaries = lk_arena_alloc(&r->t->scratch, (count + 1) * sizeof(*r->summaries));
	if (!r->summaries)
		return lk_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		r->summaries[i].contains_nan = -1;
	status = lk_manifest_read(&raw, LK_MANIFEST_METRICS, &r->t->scratch, visit, r, &why);
	if (status == LK_DATA || status == LK_IO || status == LK_NOINPUT || (status == LK_MISSING && !strstr(why.message, "memory"))) {
		lk_fsck_found(r->t, status == LK_MISSING ? "unsupported" : "manifest", r->said->path, "%s", why.message);
		return LK_OK;
	}
	if (status) {
		*err = why;
		return status;
	}
	r->m->readable = true;
	check_summaries(r);
	return LK_OK;
}

/* A manifest that is met for the first time. */
static enum lk_status check_manifest(struct lk_fsck_table *t, const struct lk_manifest_file *said, struct lk_fsck_manifest *m,
	struct lk_error *err)
{
	struct reading r = {.t = t, .said = said, .m = m, .spec = lk_fsck_spec_of(t, said->spec_id)};
	enum lk_status status;

	m->min_sequence = INT64_MAX;
	if (!r.spec)
		lk_fsck_found(t, "spec", said->path, "is of partition spec %" PRId64 ", which there is not", said->spec_id);
	if (said->key_metadata) {
		lk_fsck_found(t, "unsupported", said->path, "is encrypted");
		return LK_OK;
	}
	if (!lk_fsck_there(t, said->path, "manifest-missing", "a manifest list", &m->bytes))
		return LK_OK;
	status = read_manifest(&r, err);
	lk_arena_clear(&t->scratch);
	return status;
}

static void compare_count(struct lk_fsck_table *t, const char *uri, const char *what, int64_t said, int64_t have)
{
	if (said >= 0 && said != have)
		lk_fsck_found(t, "manifest-counts", uri, "has %" PRId64 " %s, its list says %" PRId64, have, what, said);
}

/* What a list says of a manifest. */
static void check_said(struct lk_fsck_table *t, const struct lk_manifest_file *said, const struct lk_fsck_manifest *m,
	const struct lk_fsck_snapshot *snapshot)
{
	if (m->bytes >= 0 && said->length != m->bytes)
		lk_fsck_found(t, "manifest-size", said->path, "has %" PRId64 " bytes, its list says %" PRId64, m->bytes, said->length);
	if (!m->readable)
		return;
	compare_count(t, said->path, "added files", said->added_files, m->added_files);
	compare_count(t, said->path, "existing files", said->existing_files, m->existing_files);
	compare_count(t, said->path, "deleted files", said->deleted_files, m->deleted_files);
	compare_count(t, said->path, "added rows", said->added_rows, m->added_rows);
	compare_count(t, said->path, "existing rows", said->existing_rows, m->existing_rows);
	compare_count(t, said->path, "deleted rows", said->deleted_rows, m->deleted_rows);
	if (t->version < 2 || !said->sequence)
		return;
	if (said->sequence > snapshot->sequence)
		lk_fsck_found(t, "sequence", said->path, "has sequence number %" PRId64 ", above its snapshot's", said->sequence);
	if (m->min_sequence != INT64_MAX && said->min_sequence != m->min_sequence)
		lk_fsck_found(t, "sequence", said->path, "has %" PRId64 " as the smallest sequence number, its list says %" PRId64,
			m->min_sequence, said->min_sequence);
	if (said->snapshot_id == snapshot->id && said->sequence != snapshot->sequence)
		lk_fsck_found(t, "sequence", said->path, "is new in snapshot %" PRId64 " and has not its sequence number", snapshot->id);
}

/* ---- a snapshot ---- */

static enum lk_status know_manifest(struct lk_fsck_table *t, const struct lk_manifest_file *said, size_t *number,
	struct lk_error *err)
{
	struct lk_fsck_manifest *m;
	bool added;

	LK_TRY(lk_index_add(&t->manifest_index, said->path, strlen(said->path), number, &added, err));
	if (!added)
		return LK_OK;
	if (!lk_grow((void **)&t->manifests, &t->manifest_cap, *number + 1, sizeof(*t->manifests)))
		return lk_error_nomem(err);
	m = &t->manifests[*number];
	*m = (struct lk_fsck_manifest){.uri = said->path, .bytes = -1};
	return check_manifest(t, said, m, err);
}

/* Each live file of a snapshot is in it once. */
static void check_duplicates(struct lk_fsck_table *t, const struct lk_fsck_manifest *m, int64_t stamp, const char *object)
{
	for (size_t i = 0; i < m->entry_count; i++) {
		struct lk_fsck_file *f = &t->files[m->entries[i].file];

		if (m->entries[i].status == LK_ENTRY_DELETED)
			continue;
		if (f->stamp == stamp)
			lk_fsck_found(t, "duplicate", object, "has '%s' twice", f->uri);
		f->stamp = stamp;
	}
}

/* A number in a summary; false when it has none. */
static bool summary_number(struct lk_fsck_table *t, const char *object, const json_t *summary, const char *key, int64_t *out)
{
	const char *text = json_string_value(json_object_get(summary, key));
	char *end;

	if (!text)
		return false;
	*out = strtoll(text, &end, 10);
	if (!*end && end != text && *out >= 0)
		return true;
	lk_fsck_found(t, "totals", object, "%s in its summary is no count", key);
	return false;
}

static const struct {
	const char *total, *added, *deleted;
	size_t at;
} keys[] = {
	{"total-data-files", "added-data-files", "deleted-data-files", offsetof(struct lk_fsck_sums, data_files)},
	{"total-delete-files", "added-delete-files", "removed-delete-files", offsetof(struct lk_fsck_sums, delete_files)},
	{"total-records", "added-records", "deleted-records", offsetof(struct lk_fsck_sums, records)},
	{"total-files-size", "added-files-size", "removed-files-size", offsetof(struct lk_fsck_sums, bytes)},
	{"total-position-deletes", "added-position-deletes", "removed-position-deletes",
		offsetof(struct lk_fsck_sums, position_deletes)},
	{"total-equality-deletes", "added-equality-deletes", "removed-equality-deletes",
		offsetof(struct lk_fsck_sums, equality_deletes)},
};

static int64_t sum_at(const struct lk_fsck_sums *s, size_t at)
{
	return *(const int64_t *)((const char *)s + at);
}

/* The summary says what the manifests have; and the total of the parent, what was added and what was deleted make its own. */
static void check_totals(struct lk_fsck_table *t, const struct lk_fsck_snapshot *s, const char *object,
	const struct lk_fsck_sums *live, const struct lk_fsck_sums *added, const struct lk_fsck_sums *deleted)
{
	const json_t *summary = json_object_get(s->json, "summary");
	int64_t said;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (summary_number(t, object, summary, keys[i].total, &said) && said != sum_at(live, keys[i].at))
			lk_fsck_found(t, "totals", object, "its summary says %s %" PRId64 ", its manifests have %" PRId64, keys[i].total,
				said, sum_at(live, keys[i].at));
		if (summary_number(t, object, summary, keys[i].added, &said) && said != sum_at(added, keys[i].at))
			lk_fsck_found(t, "totals", object, "its summary says %s %" PRId64 ", its manifests have %" PRId64, keys[i].added,
				said, sum_at(added, keys[i].at));
		if (summary_number(t, object, summary, keys[i].deleted, &said) && said != sum_at(deleted, keys[i].at))
			lk_fsck_found(t, "totals", object, "its summary says %s %" PRId64 ", its manifests have %" PRId64, keys[i].deleted,
				said, sum_at(deleted, keys[i].at));
	}
}

static enum lk_status check_list(struct lk_fsck_table *t, const struct lk_fsck_snapshot *s, const char *object, int64_t stamp,
	const struct lk_manifest_list *list, struct lk_error *err)
{
	struct lk_fsck_sums live = {0}, added = {0}, deleted = {0};
	bool whole = true;

	for (size_t i = 0; i < list->count; i++) {
		const struct lk_manifest_file *said = &list->items[i];
		const struct lk_fsck_manifest *m;
		size_t number;

		LK_TRY(know_manifest(t, said, &number, err));
		m = &t->manifests[number];
		check_said(t, said, m, s);
		check_duplicates(t, m, stamp, object);
		whole = whole && m->readable;
		add_sums(&live, &m->live);
		if (said->snapshot_id == s->id) {
			add_sums(&added, &m->added);
			add_sums(&deleted, &m->deleted);
		}
	}
	if (whole)
		check_totals(t, s, object, &live, &added, &deleted);
	return LK_OK;
}

static enum lk_status check_snapshot(struct lk_fsck_table *t, const struct lk_fsck_snapshot *s, int64_t stamp, struct lk_error *err)
{
	const char *uri = json_string_value(json_object_get(s->json, "manifest-list"));
	struct lk_manifest_list list = {0};
	enum lk_status status;
	struct lk_error why;
	char object[48];
	int64_t bytes;

	snprintf(object, sizeof(object), "snapshot %" PRId64, s->id);
	if (!uri) {
		if (t->version == 1 && json_is_array(json_object_get(s->json, "manifests")))
			lk_fsck_found(t, "unsupported", object, "has its manifests in the metadata");
		else
			lk_fsck_found(t, "snapshot", object, "has no manifest list");
		return LK_OK;
	}
	if (!lk_fsck_there(t, uri, "list-missing", object, &bytes))
		return LK_OK;
	if (lk_manifest_list_read(lk_uri_path(uri), &t->arena, &list, &why)) {
		lk_fsck_found(t, why.status == LK_MISSING ? "unsupported" : "list", uri, "%s", why.message);
		status = LK_OK;
	} else {
		status = check_list(t, s, object, stamp, &list, err);
	}
	lk_manifest_list_release(&list);
	return status;
}

enum lk_status lk_fsck_snapshots(struct lk_fsck_table *t, struct lk_error *err)
{
	for (size_t i = 0; i < t->snapshot_index.count; i++)
		LK_TRY(check_snapshot(t, &t->snapshots[i], (int64_t)i + 1, err));
	return LK_OK;
}
