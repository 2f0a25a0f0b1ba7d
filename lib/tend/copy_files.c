#include "tend/copy_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "lake/metadata.h"

#define FILE_MAX ((size_t)1 << 30)
#define DELETE_PATH 2147483546 /* "Reserved Field IDs" */

/* Field ids of the specification. */
enum {
	LIST_PATH = 500, LIST_LENGTH = 501,
	FILE_PATH = 100, FILE_BYTES = 104, FILE_SIZES = 108, FILE_SPLITS = 132, FILE_REFERENCED = 143,
	LOWER_KEY = 126, LOWER = 127, UPPER_KEY = 129, UPPER = 130,
};

/* ---- folders ---- */

static enum lk_status split(struct lk_copy *c, const char *path, const char **folder, struct lk_error *err)
{
	const char *base = lk_path_base(path);

	*folder = lk_arena_strndup(&c->arena, path, base > path + 1 ? (size_t)(base - path - 1) : 1);
	return *folder ? LK_OK : lk_error_nomem(err);
}

/* Makes a folder of the copy, and those above it, with the permissions of the source's. */
static enum lk_status make_folder(struct lk_copy *c, const char *to, const char *from, struct lk_error *err)
{
	const char *to_parent, *from_parent;
	struct stat st;

	if (!access(to, F_OK))
		return LK_OK;
	if (stat(from, &st) || !S_ISDIR(st.st_mode))
		st.st_mode = 0777;
	LK_TRY(split(c, to, &to_parent, err));
	LK_TRY(split(c, from, &from_parent, err));
	if (strcmp(to_parent, to))
		LK_TRY(make_folder(c, to_parent, from_parent, err));
	if (mkdir(to, st.st_mode & 0777) && errno != EEXIST)
		return lk_error_sys(err, errno == EACCES || errno == EROFS ? LK_NOPERM : LK_CANTCREATE, "cannot create '%s'", to);
	return LK_OK;
}

/* The folder of a file that is about to be written: it is made, and will be synced. */
static enum lk_status begin_file(struct lk_copy *c, const char *to, const char *from, struct lk_error *err)
{
	const char *folder, *source, *above;
	bool fresh;

	LK_TRY(split(c, to, &folder, err));
	LK_TRY(split(c, from, &source, err));
	LK_TRY(make_folder(c, folder, source, err));
	for (;;) { /* and those above it, up to the lake */
		LK_TRY(lk_fileset_add(&c->folders, lk_filekey_of_name(folder), &fresh, err));
		if (!fresh)
			return LK_OK;
		if (!lk_grow((void **)&c->folder_names, &c->folder_cap, c->folder_count + 1, sizeof(*c->folder_names)))
			return lk_error_nomem(err);
		c->folder_names[c->folder_count++] = folder;
		if (strlen(folder) <= strlen(c->to))
			return LK_OK;
		LK_TRY(split(c, folder, &above, err));
		folder = above;
	}
}

enum lk_status lk_copy_sync(struct lk_copy *c, struct lk_error *err)
{
	for (size_t i = 0; i < c->folder_count; i++)
		LK_TRY(lk_dir_sync(c->folder_names[i], err));
	return LK_OK;
}

/* ---- files that are copied as they are ---- */

static void count(struct lk_copy *c, int64_t bytes)
{
	c->table->files++;
	c->table->bytes += bytes;
	if (c->options->progress)
		c->options->progress(c->table->name, c->table->files, c->table->bytes);
}

/* Whether a file of the source is handled for the first time. */
static enum lk_status is_new(struct lk_copy *c, const char *uri, bool *fresh, struct lk_error *err)
{
	return lk_fileset_add(&c->done, lk_filekey_of_name(uri), fresh, err);
}

/* from and to: paths. */
static enum lk_status copy_path(struct lk_copy *c, const char *from, const char *to, struct lk_error *err)
{
	struct stat source, there;

	if (stat(from, &source))
		return lk_error_sys(err, errno == EACCES ? LK_NOPERM : LK_NOINPUT, "cannot open '%s'", from);
	if (!S_ISREG(source.st_mode))
		return lk_error_set(err, LK_DATA, "'%s' is no file", from);
	if (!stat(to, &there) && there.st_size == source.st_size) {
		c->table->there++;
		return LK_OK;
	}
	count(c, source.st_size);
	if (c->options->dry_run)
		return LK_OK;
	LK_TRY(begin_file(c, to, from, err));
	return lk_file_copy(from, to, err);
}

static enum lk_status copy_plain(struct lk_copy *c, const char *uri, const char *mapped, struct lk_error *err)
{
	const char *from;
	bool fresh;

	LK_TRY(is_new(c, uri, &fresh, err));
	if (!fresh)
		return LK_OK;
	LK_TRY(lk_copy_find(c, uri, &from, err));
	return copy_path(c, from, lk_uri_path(mapped), err);
}

/* ---- files that are written anew ---- */

/* Puts an edited file in its place. */
static enum lk_status write_edited(struct lk_copy *c, const char *from, const char *to, const struct lk_avro_editor *editor,
	struct lk_error *err)
{
	struct lk_str before = LK_STR_INIT, after = LK_STR_INIT;
	struct stat st;
	enum lk_status status = lk_file_read(from, FILE_MAX, &before, err);

	if (!status)
		status = lk_avro_edit(lk_str_text(&before), before.len, from, editor, &after, err);
	if (!status)
		count(c, (int64_t)after.len);
	if (!status && !c->options->dry_run) {
		status = begin_file(c, to, from, err);
		if (!status)
			status = lk_file_replace(to, stat(from, &st) ? 0666 : st.st_mode & 0777, after.data, after.len, err);
	}
	lk_str_release(&before);
	lk_str_release(&after);
	return status;
}

/* ---- a manifest ---- */

/* What becomes of an entry. */
struct entry {
	const char *path, *referenced;
	struct lk_file_metrics *metrics; /* of deletes that are written anew; NULL: as they are */
};

struct manifest {
	struct lk_copy *c;
	struct lk_arena arena; /* of the reading, and of the entries */
	bool there;	       /* it is in the copy already: files are only looked for */
	int64_t snapshot_id;   /* that it is new in */
	struct lk_copy_growth growth;
	struct entry *entries;
	size_t count, cap;
	/* of the editor */
	size_t at; /* the entry after the one at hand */
	int64_t key;
};

static enum lk_status copy_deletes(struct manifest *m, const struct lk_data_file *file, struct entry *e, struct lk_error *err)
{
	struct lk_copy *c = m->c;
	const char *from, *to = lk_uri_path(e->path);
	char temp[32];
	struct lk_str path = LK_STR_INIT;
	enum lk_status status;

	if (file->format && strcasecmp(file->format, "parquet"))
		return lk_error_set(err, LK_MISSING, "'%s' holds deletes in format %s, whose locations cannot be rewritten; "
			"rewrite the table's deletes with the engine that wrote them", file->uri, file->format);
	if (m->there && !access(to, F_OK)) {
		c->table->there++;
		return LK_OK;
	}
	LK_TRY(lk_copy_find(c, file->uri, &from, err));
	if (c->options->dry_run) {
		count(c, file->metrics.file_bytes);
		return LK_OK;
	}
	e->metrics = lk_arena_alloc(&m->arena, sizeof(*e->metrics));
	if (!e->metrics)
		return lk_error_nomem(err);
	LK_TRY(begin_file(c, to, from, err));
	snprintf(temp, sizeof(temp), ".%ld.tmp", (long)getpid());
	lk_str_addf(&path, "%s%s", to, temp);
	status = lk_str_check(&path, err);
	if (!status)
		status = lk_copy_deletes(c, from, path.data, e->metrics, err);
	if (!status)
		status = lk_rename(path.data, to, err);
	if (!status)
		count(c, e->metrics->file_bytes);
	lk_str_release(&path);
	return status;
}

static void note_growth(struct manifest *m, const struct lk_manifest_entry *entry, const struct entry *e)
{
	struct stat st;
	int64_t more;

	if (stat(lk_uri_path(e->path), &st)) /* a dry run */
		return;
	more = st.st_size - entry->file.metrics.file_bytes;
	m->growth.live += more;
	if (entry->status == LK_ENTRY_ADDED && entry->snapshot_id == m->snapshot_id)
		m->growth.added += more;
}

/* An entry is met: its file is copied, and what will stand in the manifest is noted. */
static enum lk_status visit(void *context, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	struct manifest *m = context;
	const struct lk_data_file *file = &entry->file;
	struct entry *e;

	if (!lk_grow((void **)&m->entries, &m->cap, m->count + 1, sizeof(*m->entries)))
		return lk_error_nomem(err);
	e = &m->entries[m->count++];
	*e = (struct entry){NULL, NULL, NULL};
	LK_TRY(lk_copy_map(m->c, file->uri, &e->path, err));
	if (file->referenced)
		LK_TRY(lk_copy_map(m->c, file->referenced, &e->referenced, err));
	if (entry->status == LK_ENTRY_DELETED) /* gone, maybe for long */
		return LK_OK;
	if (file->content != LK_FILE_POSITION_DELETES)
		return copy_plain(m->c, file->uri, e->path, err);
	LK_TRY(copy_deletes(m, file, e, err));
	note_growth(m, entry, e);
	return LK_OK;
}

static bool drop_value(void *context, int id)
{
	const struct manifest *m = context;

	return m->at && m->entries[m->at - 1].metrics && (id == FILE_SIZES || id == FILE_SPLITS);
}

/* A bound of the column of locations, in deletes that were written anew. */
static void change_bound(const struct lk_file_metrics *metrics, struct lk_avro_value *v)
{
	for (int i = 0; i < metrics->column_count; i++) {
		const struct lk_column_metrics *column = &metrics->columns[i];
		const struct lk_str *bound = v->id == LOWER ? &column->lower : &column->upper;

		if (column->field_id == DELETE_PATH && (v->id == LOWER ? column->has_lower : column->has_upper)) {
			v->data = lk_str_text(bound);
			v->len = bound->len;
		}
	}
}

static enum lk_status change_entry(void *context, struct lk_avro_value *v, struct lk_error *err)
{
	struct manifest *m = context;
	const struct entry *e;

	if (v->kind == LK_AVRO_RECORD) {
		m->at++;
		return m->at <= m->count ? LK_OK : lk_error_set(err, LK_BUG, "a manifest has got more entries");
	}
	e = &m->entries[m->at - 1];
	if (v->kind == LK_AVRO_LONG && (v->id == LOWER_KEY || v->id == UPPER_KEY))
		m->key = v->number;
	if (v->kind == LK_AVRO_LONG && v->id == FILE_BYTES && e->metrics)
		v->number = e->metrics->file_bytes;
	if (v->kind != LK_AVRO_BYTES)
		return LK_OK;
	if ((v->id == LOWER || v->id == UPPER) && m->key == DELETE_PATH && e->metrics)
		change_bound(e->metrics, v);
	if (v->id == FILE_PATH || (v->id == FILE_REFERENCED && e->referenced)) {
		v->data = v->id == FILE_PATH ? e->path : e->referenced;
		v->len = strlen(v->data);
	}
	return LK_OK;
}

static enum lk_status read_manifest(struct manifest *m, const struct lk_manifest_file *said, const char *mapped, struct lk_error *err)
{
	const struct lk_avro_editor editor = {m, drop_value, change_entry};
	struct lk_manifest_file found = *said;
	struct lk_copy *c = m->c;

	LK_TRY(lk_copy_find(c, said->path, &found.path, err));
	if (c->options->shallow)
		return copy_path(c, found.path, lk_uri_path(mapped), err);
	LK_TRY(lk_manifest_read(&found, 0, &m->arena, visit, m, err));
	if (!m->there)
		return write_edited(c, found.path, lk_uri_path(mapped), &editor, err);
	c->table->there++;
	return LK_OK;
}

/* Each is handled once; *number is its place in c->growth. */
static enum lk_status copy_manifest(struct lk_copy *c, const struct lk_manifest_file *said, const char *mapped, size_t *number,
	struct lk_error *err)
{
	struct manifest m = {.c = c, .there = !access(lk_uri_path(mapped), F_OK), .snapshot_id = said->snapshot_id};
	enum lk_status status;
	bool fresh;

	LK_TRY(lk_index_add(&c->manifests, mapped, strlen(mapped), number, &fresh, err));
	if (!fresh)
		return LK_OK;
	if (!lk_grow((void **)&c->growth, &c->growth_cap, *number + 1, sizeof(*c->growth)))
		return lk_error_nomem(err);
	status = read_manifest(&m, said, mapped, err);
	c->growth[*number] = m.growth;
	for (size_t i = 0; i < m.count; i++)
		if (m.entries[i].metrics)
			lk_file_metrics_release(m.entries[i].metrics);
	free(m.entries);
	lk_arena_release(&m.arena);
	return status;
}

/* ---- a manifest list ---- */

struct list {
	const char **paths;
	int64_t *lengths;
	size_t at;
	int64_t snapshot_id;
	struct lk_copy_growth growth; /* of all in it; added: of those that are new in the snapshot */
};

static bool drop_nothing(void *context, int id)
{
	(void)context;
	(void)id;
	return false;
}

static enum lk_status change_list(void *context, struct lk_avro_value *v, struct lk_error *err)
{
	struct list *l = context;

	(void)err;
	if (v->kind == LK_AVRO_RECORD)
		l->at++;
	if (v->kind == LK_AVRO_LONG && v->id == LIST_LENGTH)
		v->number = l->lengths[l->at - 1];
	if (v->kind == LK_AVRO_BYTES && v->id == LIST_PATH) {
		v->data = l->paths[l->at - 1];
		v->len = strlen(v->data);
	}
	return LK_OK;
}

static enum lk_status copy_manifests(struct lk_copy *c, const struct lk_manifest_list *list, struct list *out, struct lk_error *err)
{
	struct stat st;
	size_t number;

	out->paths = lk_arena_alloc(&c->arena, (list->count + 1) * sizeof(*out->paths));
	out->lengths = lk_arena_alloc(&c->arena, (list->count + 1) * sizeof(*out->lengths));
	if (!out->paths || !out->lengths)
		return lk_error_nomem(err);
	for (size_t i = 0; i < list->count; i++) {
		LK_TRY(lk_copy_map(c, list->items[i].path, &out->paths[i], err));
		LK_TRY(copy_manifest(c, &list->items[i], out->paths[i], &number, err));
		out->growth.live += c->growth[number].live;
		if (list->items[i].snapshot_id == out->snapshot_id)
			out->growth.added += c->growth[number].added;
		out->lengths[i] = list->items[i].length;
		if (!stat(lk_uri_path(out->paths[i]), &st))
			out->lengths[i] = st.st_size;
	}
	return LK_OK;
}

static enum lk_status copy_list(struct lk_copy *c, const char *uri, int64_t snapshot_id, const char **mapped,
	struct lk_copy_growth *growth, struct lk_error *err)
{
	struct lk_manifest_list list = {0};
	struct list out = {.snapshot_id = snapshot_id};
	const struct lk_avro_editor editor = {&out, drop_nothing, change_list};
	enum lk_status status;
	const char *from;

	LK_TRY(lk_copy_map(c, uri, mapped, err));
	LK_TRY(lk_copy_find(c, uri, &from, err));
	status = lk_manifest_list_read(from, &c->arena, &list, err);
	if (!status)
		status = copy_manifests(c, &list, &out, err);
	lk_manifest_list_release(&list);
	*growth = out.growth;
	LK_TRY(status);
	if (access(lk_uri_path(*mapped), F_OK))
		return write_edited(c, from, lk_uri_path(*mapped), &editor, err);
	c->table->there++;
	return LK_OK;
}

/* ---- metadata ---- */

static enum lk_status set_text(json_t *object, const char *key, const char *text, struct lk_error *err)
{
	return json_object_set_new(object, key, json_string(text)) ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status map_member(struct lk_copy *c, json_t *object, const char *key, struct lk_error *err)
{
	const char *text = json_string_value(json_object_get(object, key)), *mapped;

	if (!text || !lk_uri_path(text))
		return LK_OK;
	LK_TRY(lk_copy_map(c, text, &mapped, err));
	return set_text(object, key, mapped, err);
}

/* A size in a snapshot's summary. */
static enum lk_status grow_text(json_t *summary, const char *key, int64_t more, struct lk_error *err)
{
	const char *text = json_string_value(json_object_get(summary, key));
	char number[24], *end;
	long long n = text ? strtoll(text, &end, 10) : 0;

	if (!text || !more || end == text || *end)
		return LK_OK;
	snprintf(number, sizeof(number), "%lld", n + (long long)more);
	return set_text(summary, key, number, err);
}

static enum lk_status copy_snapshot(struct lk_copy *c, json_t *snapshot, struct lk_error *err)
{
	const char *uri = json_string_value(json_object_get(snapshot, "manifest-list")), *mapped;
	int64_t id = lk_metadata_number(snapshot, "snapshot-id", -1);
	json_t *summary = json_object_get(snapshot, "summary");
	struct lk_copy_growth growth = {0, 0};

	if (!uri)
		return lk_error_set(err, LK_MISSING, "snapshot %lld has no manifest list", (long long)id);
	LK_TRY(copy_list(c, uri, id, &mapped, &growth, err));
	LK_TRY(set_text(snapshot, "manifest-list", mapped, err));
	LK_TRY(grow_text(summary, "total-files-size", growth.live, err));
	LK_TRY(grow_text(summary, "added-files-size", growth.added, err));
	c->table->snapshots++;
	return LK_OK;
}

static enum lk_status copy_snapshots(struct lk_copy *c, json_t *root, struct lk_error *err)
{
	json_t *snapshot;
	size_t i;

	json_array_foreach(json_object_get(root, "snapshots"), i, snapshot)
		LK_TRY(copy_snapshot(c, snapshot, err));
	return LK_OK;
}

/* A trial lake names the statistics where they are. */
static enum lk_status copy_statistics(struct lk_copy *c, json_t *root, const char *list, struct lk_error *err)
{
	const char *uri, *mapped;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(root, list), i, item) {
		uri = json_string_value(json_object_get(item, "statistics-path"));
		if (!uri || c->options->shallow)
			continue;
		LK_TRY(lk_copy_map(c, uri, &mapped, err));
		LK_TRY(copy_plain(c, uri, mapped, err));
		LK_TRY(set_text(item, "statistics-path", mapped, err));
	}
	return LK_OK;
}

static enum lk_status map_metadata(struct lk_copy *c, json_t *root, struct lk_error *err)
{
	static const char *const folders[] = {
		"write.data.path", "write.metadata.path", "write.object-storage.path", "write.folder-storage.path"};

	LK_TRY(map_member(c, root, "location", err));
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		LK_TRY(map_member(c, json_object_get(root, "properties"), folders[i], err));
	/* Earlier versions name the files of the source: the copy's log begins anew. */
	if (json_object_set_new(root, "metadata-log", json_array()))
		return lk_error_nomem(err);
	LK_TRY(copy_statistics(c, root, "statistics", err));
	LK_TRY(copy_statistics(c, root, "partition-statistics", err));
	return copy_snapshots(c, root, err);
}

/* The version of the source's, under a name of its own beside where that would be. */
static enum lk_status name_metadata(struct lk_copy *c, const char *location, const char **out, struct lk_error *err)
{
	int64_t version = lk_metadata_file_version(location);
	const char *mapped, *folder;
	char id[LK_UUID_SIZE];

	LK_TRY(lk_uuid(id, err));
	LK_TRY(lk_copy_map(c, location, &mapped, err));
	LK_TRY(split(c, mapped, &folder, err));
	*out = lk_arena_printf(&c->arena, "%s/%05lld-%s.metadata.json", folder, (long long)(version < 0 ? 0 : version), id);
	return *out ? LK_OK : lk_error_nomem(err);
}

static enum lk_status write_metadata(struct lk_copy *c, const json_t *root, const char *from, const char *location, struct lk_error *err)
{
	const char *path = lk_uri_path(location), *folder, *base = lk_path_base(path), *end = strstr(base, ".metadata.json");
	struct lk_str hint = LK_STR_INIT;
	enum lk_status status;
	struct stat st;
	char *text;
	mode_t mode;

	LK_TRY(begin_file(c, path, from, err));
	mode = stat(from, &st) ? 0666 : st.st_mode & 0777;
	text = json_dumps(root, JSON_COMPACT);
	if (!text)
		return lk_error_nomem(err);
	status = lk_file_create(path, mode, text, strlen(text), err);
	free(text);
	LK_TRY(status);
	LK_TRY(split(c, path, &folder, err));
	lk_str_addf(&hint, "%s/version-hint.text", folder); /* for engines without a catalog; it may fail */
	if (!hint.failed)
		(void)!lk_file_hint(hint.data, mode, base, (size_t)(end - base), NULL);
	lk_str_release(&hint);
	return LK_OK;
}

enum lk_status lk_copy_files(struct lk_copy *c, json_t *root, const char *location, const char **new_location,
	struct lk_error *err)
{
	const char *from;

	LK_TRY(map_metadata(c, root, err));
	LK_TRY(lk_copy_find(c, location, &from, err));
	LK_TRY(name_metadata(c, location, new_location, err));
	count(c, 0);
	return c->options->dry_run ? LK_OK : write_metadata(c, root, from, *new_location, err);
}
