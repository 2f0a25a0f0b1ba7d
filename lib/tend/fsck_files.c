#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lake/metadata.h"
#include "lake/value.h"
#include "parquet/footer_read.h"
#include "sql/verify.h"
#include "tend/fsck_table.h"

#define DELETE_PATH 2147483546 /* the columns of files of position deletes */
#define DELETE_POSITION 2147483545

/* Physical types of parquet.thrift. */
enum { BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED };

bool lk_fsck_there(struct lk_fsck_table *t, const char *uri, const char *code, const char *what, int64_t *bytes)
{
	const char *path = lk_uri_path(uri);
	struct stat st;

	*bytes = -1;
	if (!path) {
		lk_fsck_found(t, "unsupported", uri, "is not a local file; lk checks local ones only");
		return false;
	}
	if (stat(path, &st)) {
		lk_fsck_found(t, code, uri, "is named by %s, and cannot be found: %s", what, strerror(errno));
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		lk_fsck_found(t, code, uri, "is named by %s, and is no file", what);
		return false;
	}
	*bytes = st.st_size;
	return true;
}

/* ---- the schema of a file ---- */

/* Whether values of a column of this type, or of one that it was widened from, lie in such a physical type. */
static bool is_stored(const char *type, int physical)
{
	if (!strcmp(type, "boolean"))
		return physical == BOOLEAN;
	if (!strcmp(type, "int") || !strcmp(type, "date"))
		return physical == INT32;
	if (!strcmp(type, "long"))
		return physical == INT64 || physical == INT32;
	if (!strcmp(type, "time"))
		return physical == INT64 || physical == INT32;
	if (!strncmp(type, "timestamp", 9))
		return physical == INT64 || physical == INT96;
	if (!strcmp(type, "float"))
		return physical == FLOAT;
	if (!strcmp(type, "double"))
		return physical == DOUBLE || physical == FLOAT;
	if (!strncmp(type, "decimal", 7))
		return physical == INT32 || physical == INT64 || physical == FIXED || physical == BYTE_ARRAY;
	if (!strcmp(type, "string") || !strcmp(type, "binary"))
		return physical == BYTE_ARRAY;
	return physical == FIXED || physical == BYTE_ARRAY; /* uuid, fixed */
}

static const char *type_of(const struct lk_fsck_table *t, const struct lk_data_file *file, int32_t id, const char **name)
{
	const struct lk_fsck_field *f;

	*name = "";
	if (file->content == LK_FILE_POSITION_DELETES && (id == DELETE_PATH || id == DELETE_POSITION))
		return id == DELETE_PATH ? "string" : "long";
	f = lk_fsck_field_of(t, id);
	if (f)
		*name = f->name;
	return f ? f->type : NULL;
}

static bool has_id(const struct lk_parquet_footer *footer, int32_t id)
{
	for (size_t i = 1; i < footer->element_count; i++)
		if (footer->elements[i].field_id == id)
			return true;
	return false;
}

static enum lk_status check_ids(struct lk_fsck_table *t, const struct lk_data_file *file, const struct lk_parquet_footer *footer,
	struct lk_error *err)
{
	struct lk_index ids = {0};
	enum lk_status status = LK_OK;
	bool added, any = false;
	size_t number;

	for (size_t i = 1; !status && i < footer->element_count; i++) {
		const struct lk_parquet_element *e = &footer->elements[i];
		const char *name, *type;

		if (e->field_id < 0)
			continue;
		any = true;
		status = lk_index_add(&ids, &e->field_id, sizeof(e->field_id), &number, &added, err);
		if (!status && !added)
			lk_fsck_found(t, "field-ids", file->uri, "has the field id %d twice", (int)e->field_id);
		type = type_of(t, file, e->field_id, &name);
		if (type && (e->children || !is_stored(type, e->physical)))
			lk_fsck_found(t, "field-ids", file->uri, "has a column of field id %d that is no %s", (int)e->field_id, type);
	}
	lk_index_release(&ids);
	if (!status && !any && footer->element_count > 1 && !t->mapped)
		lk_fsck_found(t, "field-ids", file->uri, "has no field ids, and the table no name mapping");
	if (file->content == LK_FILE_POSITION_DELETES && any && (!has_id(footer, DELETE_PATH) || !has_id(footer, DELETE_POSITION)))
		lk_fsck_found(t, "field-ids", file->uri, "has not the columns of position deletes");
	for (int i = 0; any && i < file->equality_count; i++)
		if (!has_id(footer, file->equality_ids[i]))
			lk_fsck_found(t, "field-ids", file->uri, "has not field %d, by which it deletes", (int)file->equality_ids[i]);
	return status;
}

/* ---- footers ---- */

static bool begins_group(const struct lk_parquet_footer *footer, int64_t offset)
{
	size_t low = 0, high = footer->group_count;

	while (low < high) { /* row groups stand in the order of the file */
		size_t middle = low + (high - low) / 2;

		if (footer->groups[middle].offset == offset)
			return true;
		if (footer->groups[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void check_splits(struct lk_fsck_table *t, const struct lk_data_file *file, const struct lk_parquet_footer *footer)
{
	for (int i = 0; i < file->metrics.split_count; i++)
		if (!begins_group(footer, file->metrics.split_offsets[i])) {
			lk_fsck_found(t, "splits", file->uri, "has a split offset at which no row group begins");
			return;
		}
}

static enum lk_status check_footer(struct lk_fsck_table *t, const struct lk_data_file *file, const char *path,
	struct lk_parquet_footer *footer, bool *sound, struct lk_error *err)
{
	struct lk_error why = {LK_OK, ""};

	if (lk_parquet_footer_read(path, &t->scratch, footer, &why)) {
		lk_fsck_found(t, why.status == LK_MISSING ? "unsupported" : "file", file->uri, "%s", why.message);
		return LK_OK;
	}
	*sound = true;
	if (footer->rows != file->metrics.rows)
		lk_fsck_found(t, "rows", file->uri, "has %" PRId64 " rows, its manifest says %" PRId64, footer->rows, file->metrics.rows);
	check_splits(t, file, footer);
	return check_ids(t, file, footer, err);
}

/* ---- values ---- */

static const struct lk_str *bound_of(bool has, const struct lk_str *bound, const char *type)
{
	if (!has || !lk_value_sound(lk_value_kind(type), bound->len))
		return NULL;
	return !strcmp(type, "boolean") && bound->len != 1 ? NULL : bound;
}

/* The columns whose values can be held against the metrics: not those inside of others. */
static struct lk_verify_column *choose_columns(struct lk_fsck_table *t, const struct lk_data_file *file,
	const struct lk_parquet_footer *footer, size_t *count)
{
	const struct lk_file_metrics *m = &file->metrics;
	struct lk_verify_column *columns = lk_arena_alloc(&t->scratch, ((size_t)m->column_count + 1) * sizeof(*columns));

	*count = 0;
	for (int i = 0; columns && i < m->column_count; i++) {
		const struct lk_column_metrics *c = &m->columns[i];
		const struct lk_fsck_field *f = lk_fsck_field_of(t, c->field_id);
		const char *name, *type = type_of(t, file, c->field_id, &name);

		if (!type || (f && !f->top) || !has_id(footer, c->field_id))
			continue;
		columns[(*count)++] = (struct lk_verify_column){.id = c->field_id, .type = type,
			.lower = bound_of(c->has_lower, &c->lower, type), .upper = bound_of(c->has_upper, &c->upper, type)};
	}
	return columns;
}

static const struct lk_column_metrics *metrics_of(const struct lk_data_file *file, int32_t id)
{
	int i = 0;

	while (file->metrics.columns[i].field_id != id)
		i++;
	return &file->metrics.columns[i];
}

static void compare_column(struct lk_fsck_table *t, const struct lk_data_file *file, const struct lk_verify_column *found)
{
	const struct lk_column_metrics *c = metrics_of(file, found->id);
	const struct lk_fsck_field *f = lk_fsck_field_of(t, found->id);
	const char *name = f ? f->name : found->id == DELETE_PATH ? "file_path" : "pos";

	if (c->value_count >= 0 && c->value_count != found->values)
		lk_fsck_found(t, "data-counts", file->uri, "has %" PRId64 " values in column %s, its manifest says %" PRId64,
			found->values, name, c->value_count);
	if (c->null_count >= 0 && c->null_count != found->nulls)
		lk_fsck_found(t, "data-counts", file->uri, "has %" PRId64 " nulls in column %s, its manifest says %" PRId64, found->nulls,
			name, c->null_count);
	if (c->nan_count >= 0 && c->nan_count != found->nans && lk_value_kind(found->type) == LK_VALUE_FLOAT)
		lk_fsck_found(t, "data-counts", file->uri, "has %" PRId64 " NaNs in column %s, its manifest says %" PRId64, found->nans,
			name, c->nan_count);
	if (found->below)
		lk_fsck_found(t, "data-bounds", file->uri, "has %" PRId64 " values in column %s below its lower bound", found->below, name);
	if (found->above)
		lk_fsck_found(t, "data-bounds", file->uri, "has %" PRId64 " values in column %s above its upper bound", found->above, name);
	if (f && f->required && f->current && f->top && found->nulls)
		lk_fsck_found(t, "data-counts", file->uri, "has %" PRId64 " nulls in column %s, which is required", found->nulls, name);
}

static enum lk_status check_values(struct lk_fsck_table *t, const struct lk_data_file *file, const char *path,
	const struct lk_parquet_footer *footer, struct lk_error *err)
{
	struct lk_verify_column *columns;
	struct lk_error why = {LK_OK, ""};
	size_t count;

	if (lk_parquet_pages_check(path, footer, NULL, &why)) {
		lk_fsck_found(t, "checksum", file->uri, "%s", why.message);
		return LK_OK;
	}
	columns = choose_columns(t, file, footer, &count);
	if (!columns)
		return lk_error_nomem(err);
	if (!count)
		return LK_OK;
	if (lk_verify_columns(t->verify, path, columns, count, &why)) {
		lk_fsck_found(t, "file", file->uri, "cannot be read: %s", why.message);
		return LK_OK;
	}
	for (size_t i = 0; i < count; i++)
		compare_column(t, file, &columns[i]);
	return LK_OK;
}

/* ---- files ---- */

enum lk_status lk_fsck_file(struct lk_fsck_table *t, const struct lk_data_file *file, bool *there, struct lk_error *err)
{
	const char *path = lk_uri_path(file->uri);
	struct lk_parquet_footer footer;
	bool sound = false;
	int64_t bytes;

	*there = false;
	if (!lk_fsck_there(t, file->uri, "file-missing", "a manifest", &bytes))
		return LK_OK;
	if (bytes != file->metrics.file_bytes)
		lk_fsck_found(t, "file-size", file->uri, "has %" PRId64 " bytes, its manifest says %" PRId64, bytes,
			file->metrics.file_bytes);
	if (!file->format || strcasecmp(file->format, "parquet"))
		return LK_OK;
	if (file->key_metadata.len) {
		lk_fsck_found(t, "unsupported", file->uri, "is encrypted");
		return LK_OK;
	}
	LK_TRY(check_footer(t, file, path, &footer, &sound, err));
	*there = sound;
	return sound && t->verify ? check_values(t, file, path, &footer, err) : LK_OK;
}

/* ---- positions of deletes ---- */

struct deletes {
	struct lk_fsck_table *t;
	const struct lk_fsck_file *file;
};

static enum lk_status visit_place(void *context, const char *uri, int64_t lowest, int64_t highest, struct lk_error *err)
{
	struct deletes *d = context;
	size_t number = lk_index_find(&d->t->file_index, uri, strlen(uri));
	const struct lk_fsck_file *data = number == SIZE_MAX ? NULL : &d->t->files[number];

	(void)err;
	if (d->file->referenced && strcmp(uri, d->file->referenced))
		lk_fsck_found(d->t, "delete-reference", d->file->uri, "is said to be about one file, and names '%s'", uri);
	if (!data) /* it was deleted since: the rest dangles, which does no harm */
		return LK_OK;
	if (data->content != LK_FILE_DATA)
		lk_fsck_found(d->t, "delete-reference", d->file->uri, "names '%s', which is no data file", uri);
	else if (lowest < 0 || highest >= data->rows)
		lk_fsck_found(d->t, "delete-position", d->file->uri, "names rows %" PRId64 " to %" PRId64 " of '%s', which has %" PRId64,
			lowest, highest, uri, data->rows);
	return LK_OK;
}

void lk_fsck_deletes(struct lk_fsck_table *t)
{
	for (size_t i = 0; t->verify && i < t->file_index.count; i++) {
		const struct lk_fsck_file *f = &t->files[i];
		struct deletes d = {t, f};
		struct lk_error why = {LK_OK, ""};
		bool sorted = true, nulls = false;

		if (f->content != LK_FILE_POSITION_DELETES || !f->there)
			continue;
		if (lk_verify_deletes(t->verify, f->path, visit_place, &d, &sorted, &nulls, &why))
			lk_fsck_found(t, "file", f->uri, "cannot be read: %s", why.message);
		if (!sorted)
			lk_fsck_found(t, "delete-order", f->uri, "is not in the order of files and positions");
		if (nulls)
			lk_fsck_found(t, "delete-reference", f->uri, "has rows without file or position");
	}
}
