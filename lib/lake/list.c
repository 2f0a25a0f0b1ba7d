#include "lake/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/commands.h"
#include "lake/metadata.h"

#define DEFAULT_NAMESPACE "main"

enum { TABLE, ROWS, FILES, DELETE_FILES, BYTES, CHANGED };

static const struct lk_field fields[] = {
	{.name = "table", .type = LK_UTF8, .required = true},
	{.name = "rows", .type = LK_INT64},
	{.name = "files", .type = LK_INT64},
	{.name = "delete_files", .type = LK_INT64},
	{.name = "bytes", .type = LK_INT64},
	{.name = "changed", .type = LK_TIMESTAMPTZ},
};

struct figures {
	int64_t rows, files, delete_files, bytes;
};

int64_t lk_summary_number(const json_t *snapshot, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(snapshot, "summary"), key));
	long long n;
	char *end;

	if (!text)
		return -1;
	n = strtoll(text, &end, 10);
	return end == text || *end || n < 0 ? -1 : n;
}

/* Whether the snapshot's own totals say all. Rows under equality deletes are not counted there. */
static bool read_totals(const struct lk_lake_table *t, struct figures *f)
{
	const json_t *snapshot = lk_metadata_snapshot(t->metadata, t->snapshot_id);
	int64_t deleted = lk_summary_number(snapshot, "total-position-deletes");

	*f = (struct figures){0};
	if (t->snapshot_id < 0)
		return true;
	f->rows = lk_summary_number(snapshot, "total-records");
	f->files = lk_summary_number(snapshot, "total-data-files");
	f->delete_files = lk_summary_number(snapshot, "total-delete-files");
	f->bytes = lk_summary_number(snapshot, "total-files-size");
	if (f->rows < 0 || f->files < 0 || f->delete_files < 0 || f->bytes < 0 || deleted < 0)
		return false;
	f->rows = f->rows > deleted ? f->rows - deleted : 0;
	return true;
}

static enum lk_status add_up(struct lk_pin *pin, struct lk_lake_table *t, struct figures *f, struct lk_error *err)
{
	LK_TRY(lk_lake_table_read(pin, t, 0, NULL, err));
	*f = (struct figures){t->rows > t->deleted ? t->rows - t->deleted : 0, t->file_count,
		t->deletes_count + t->equality_count, 0};
	for (int i = 0; i < t->file_count; i++)
		f->bytes += t->files[i].bytes;
	for (int i = 0; i < t->deletes_count; i++)
		f->bytes += t->deletes[i].entry.metrics.file_bytes;
	for (int i = 0; i < t->equality_count; i++)
		f->bytes += t->equality[i].entry.metrics.file_bytes;
	return LK_OK;
}

static enum lk_status list_one(struct lk_builder *b, struct lk_pin *pin, struct lk_lake_table *t, const char *name,
	struct lk_error *err)
{
	struct figures f = {0};
	enum lk_status status = lk_lake_table_open(pin, t, NULL, err);

	if (!status && !read_totals(t, &f))
		status = add_up(pin, t, &f, err);
	if (status && status != LK_NOPERM)
		return status;
	lk_column_text(&b->columns[TABLE], name);
	for (int i = ROWS; status && i <= CHANGED; i++)
		lk_column_null(&b->columns[i]);
	if (!status) {
		lk_column_int64(&b->columns[ROWS], f.rows);
		lk_column_int64(&b->columns[FILES], f.files);
		lk_column_int64(&b->columns[DELETE_FILES], f.delete_files);
		lk_column_int64(&b->columns[BYTES], f.bytes);
		lk_column_int64(&b->columns[CHANGED], t->updated_ms * 1000);
	}
	return lk_builder_end_row(b, err);
}

static bool is_meant(const char *const *patterns, int count, bool *used, const struct lk_lake_table *t, const char *name)
{
	bool meant = !count;

	for (int i = 0; i < count; i++)
		if (lk_glob_match(patterns[i], name) || lk_glob_match(patterns[i], t->name))
			meant = used[i] = true;
	return meant;
}

static enum lk_status list(struct lk_pin *pin, const char *const *patterns, int count, bool *used, struct lk_builder *b,
	struct lk_error *err)
{
	for (int i = 0; i < pin->table_count; i++) {
		struct lk_lake_table *t = &pin->tables[i];
		const char *name = lk_arena_printf(&pin->arena, "%s.%s", t->namespace_name, t->name);

		if (!name)
			return lk_error_nomem(err);
		if (is_meant(patterns, count, used, t, name))
			LK_TRY(list_one(b, pin, t, name, err));
	}
	for (int i = 0; i < count; i++)
		if (!used[i])
			return lk_error_set(err, LK_NOINPUT, "there is no table '%s' in the lake", patterns[i]);
	return lk_builder_check(b, err);
}

enum lk_status lk_lake_list(struct lk_pin *pin, const char *const *patterns, int count, struct lk_builder *b, struct lk_error *err)
{
	bool *used = calloc((size_t)count + 1, sizeof(*used));
	enum lk_status status;

	*b = (struct lk_builder){.columns = NULL};
	if (!used)
		return lk_error_nomem(err);
	status = lk_builder_init(b, fields, sizeof(fields) / sizeof(*fields), NULL, err);
	if (!status)
		status = list(pin, patterns, count, used, b, err);
	free(used);
	return status;
}

/* ---- one table ---- */

static const char *nearest(struct lk_pin *pin, const char *name)
{
	const char **names = lk_arena_alloc(&pin->arena, 2 * (size_t)pin->table_count * sizeof(*names) + 1);
	size_t count = 0;

	for (int i = 0; names && i < pin->table_count; i++) {
		const struct lk_lake_table *t = &pin->tables[i];

		names[count] = lk_arena_printf(&pin->arena, "%s.%s", t->namespace_name, t->name);
		count += names[count] != NULL;
		names[count++] = t->name;
	}
	return names ? lk_nearest(names, count, name) : NULL;
}

static enum lk_status not_found(struct lk_pin *pin, const char *name, int candidates, struct lk_error *err)
{
	const char *near = candidates ? NULL : nearest(pin, name);

	if (candidates)
		return lk_error_set(err, LK_DATA, "table '%s' could be any of %d: name its namespace, too", name, candidates);
	return lk_error_set(err, LK_NOINPUT, "there is no table '%s' in the lake%s%s%s", name, near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "");
}

enum lk_status lk_pin_find(struct lk_pin *pin, const char *name, struct lk_lake_table **out, struct lk_error *err)
{
	const char *dot = strrchr(name, '.');
	int candidates = 0;

	*out = NULL;
	for (int i = 0; i < pin->table_count; i++) {
		struct lk_lake_table *t = &pin->tables[i];
		bool same = !strcmp(t->name, dot ? dot + 1 : name);

		if (dot)
			same = same && strlen(t->namespace_name) == (size_t)(dot - name) &&
			       !strncmp(t->namespace_name, name, (size_t)(dot - name));
		if (!same)
			continue;
		*out = t;
		if (dot || !strcmp(t->namespace_name, DEFAULT_NAMESPACE))
			return LK_OK;
		candidates++;
	}
	return candidates == 1 ? LK_OK : not_found(pin, name, candidates, err);
}
