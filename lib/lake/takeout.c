#include "lake/takeout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lake/deletes.h"
#include "lake/metadata.h"

#define ROWS_AT_ONCE (4 << 20) /* positions that are asked for in one question, beyond those of one file */

static int by_uri(const void *a, const void *b)
{
	return strcmp(((const struct lk_lake_file *)a)->uri, ((const struct lk_lake_file *)b)->uri);
}

/* As the branch has the table or, where it does not know it, as main does: so a branch begins. */
static enum lk_status load(const struct lk_takeout *t, struct lk_pin *pin, struct lk_lake_table *table, struct lk_error *err)
{
	struct lk_lake_at at = {.kind = LK_AT_REF, .text = t->branch};
	struct lk_lake_table now = *table;
	bool known = false;

	if (t->branch && strcmp(t->branch, LK_MAIN)) {
		LK_TRY(lk_lake_table_open(pin, &now, NULL, err));
		known = lk_metadata_ref(now.metadata, t->branch) >= 0;
	}
	return lk_lake_table_load_at(pin, table, known ? &at : NULL, LK_LOAD_METRICS, err);
}

/* ---- counting ---- */

static enum lk_status ask(const struct lk_takeout *t, const struct lk_lake_table *table, struct lk_file_rows *rows,
	struct lk_takeout_counts *counts, struct lk_error *err)
{
	for (int i = 0; i < table->file_count; i++)
		rows[i].whole = t->is_whole && t->is_whole(t->context, table, &table->files[i]);
	LK_TRY(t->finder->count(t->finder->self, table, rows, err));
	for (int i = 0; i < table->file_count; i++) {
		bool goes = rows[i].meant && rows[i].meant == rows[i].live;

		counts->rows += rows[i].meant;
		counts->files += goes;
		counts->positions += goes ? 0 : rows[i].meant;
	}
	return LK_OK;
}

static bool any_whole(const struct lk_takeout *t, const struct lk_lake_table *table)
{
	for (int i = 0; t->is_whole && i < table->file_count; i++)
		if (t->is_whole(t->context, table, &table->files[i]))
			return true;
	return false;
}

/* *rows is malloc'd; NULL where the table has nothing that is meant. */
static enum lk_status look(const struct lk_takeout *t, struct lk_pin *pin, struct lk_lake_table *table, struct lk_file_rows **rows,
	struct lk_takeout_counts *counts, struct lk_error *err)
{
	enum lk_status status;

	*rows = NULL;
	*counts = (struct lk_takeout_counts){0};
	if (!table->uuid)
		LK_TRY(load(t, pin, table, err));
	if (!table->file_count || (!t->finder->may_have(t->finder->self, table) && !any_whole(t, table)))
		return LK_OK;
	qsort(table->files, (size_t)table->file_count, sizeof(*table->files), by_uri);
	*rows = calloc((size_t)table->file_count, sizeof(**rows));
	if (!*rows)
		return lk_error_nomem(err);
	status = ask(t, table, *rows, counts, err);
	if (!status && counts->rows)
		return LK_OK;
	free(*rows);
	*rows = NULL;
	return status;
}

enum lk_status lk_takeout_look(const struct lk_takeout *t, struct lk_pin *pin, struct lk_lake_table *table,
	struct lk_takeout_counts *counts, struct lk_error *err)
{
	struct lk_file_rows *rows;
	enum lk_status status = look(t, pin, table, &rows, counts, err);

	free(rows);
	return status;
}

/* ---- taking out ---- */

static enum lk_status remove_files(struct lk_target *target, const struct lk_lake_table *table, const struct lk_file_rows *rows,
	struct lk_error *err)
{
	for (int i = 0; i < table->file_count; i++)
		if (rows[i].meant && rows[i].meant == rows[i].live)
			LK_TRY(lk_target_remove_file(target, table->files[i].uri, err));
	return LK_OK;
}

struct deleting {
	struct lk_deletes_writer *writer;
	const struct lk_lake_table *table;
	const struct lk_lake_file *visited, *file; /* the last one, as the finder has it and as the table has it */
	int64_t count;
};

/* The writer keeps files by their address, and the finder's may be gone after it was asked. */
static const struct lk_lake_file *own_file(struct deleting *d, const struct lk_lake_file *visited)
{
	if (d->visited != visited) {
		d->visited = visited;
		d->file = bsearch(visited, d->table->files, (size_t)d->table->file_count, sizeof(*d->file), by_uri);
	}
	return d->file;
}

static enum lk_status delete_row(void *context, const struct lk_lake_file *file, int64_t position, struct lk_error *err)
{
	struct deleting *d = context;

	file = own_file(d, file);
	if (!file)
		return lk_error_set(err, LK_BUG, "a row was found in a file that the table does not have");
	d->count++;
	return lk_deletes_add(d->writer, file, position, err);
}

/* The files of which some rows go, a number of them at a time. */
static enum lk_status delete_rows(const struct lk_takeout *t, struct lk_deletes_writer *writer, const struct lk_lake_table *table,
	const struct lk_file_rows *rows, bool *only, struct lk_error *err)
{
	struct deleting deleting = {.writer = writer, .table = table};
	int64_t wanted = 0, asked = 0;

	for (int i = 0; i < table->file_count; i++) {
		only[i] = rows[i].meant && rows[i].meant < rows[i].live;
		wanted += only[i] ? rows[i].meant : 0;
		if (i + 1 < table->file_count && wanted - asked < ROWS_AT_ONCE)
			continue;
		deleting.visited = NULL;
		if (wanted > asked)
			LK_TRY(t->finder->visit(t->finder->self, table, only, delete_row, &deleting, err));
		asked = wanted;
		memset(only, 0, (size_t)table->file_count * sizeof(*only));
	}
	if (deleting.count == wanted)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "table %s.%s: %lld rows were to go, and then %lld were found", table->namespace_name,
		table->name, (long long)wanted, (long long)deleting.count);
}

static enum lk_status write_deletes(struct lk_takeout *t, struct lk_target *target, const struct lk_lake_table *table,
	const struct lk_file_rows *rows, struct lk_error *err)
{
	bool *only = calloc((size_t)table->file_count, sizeof(*only));
	struct lk_deletes_writer writer;
	char name[LK_UUID_SIZE + 32];
	enum lk_status status;

	if (!only)
		return lk_error_nomem(err);
	snprintf(name, sizeof(name), "%s-out%d", t->run, t->next_file++);
	status = lk_deletes_begin(&writer, target, name, err);
	if (!status)
		status = delete_rows(t, &writer, table, rows, only, err);
	if (!status)
		status = lk_deletes_finish(&writer, err);
	lk_deletes_release(&writer);
	free(only);
	return status;
}

static enum lk_status find(struct lk_takeout *t, struct lk_target *target, struct lk_pin *pin, struct lk_lake_table *table,
	struct lk_takeout_counts *counts, struct lk_error *err)
{
	struct lk_file_rows *rows;
	enum lk_status status;

	LK_TRY(look(t, pin, table, &rows, counts, err));
	if (!rows)
		return LK_OK;
	status = remove_files(target, table, rows, err);
	if (!status && counts->positions)
		status = write_deletes(t, target, table, rows, err);
	free(rows);
	return status;
}

enum lk_status lk_takeout_find(struct lk_takeout *t, struct lk_target *target, struct lk_takeout_counts *counts, struct lk_error *err)
{
	struct lk_lake_table table = {.namespace_name = target->namespace_name, .name = target->name,
		.metadata_location = target->base_location};
	struct lk_pin pin = {.tables = &table, .table_count = 1};
	enum lk_status status;

	*counts = (struct lk_takeout_counts){0};
	if (!t->finder || !target->base_location)
		return LK_OK;
	status = find(t, target, &pin, &table, counts, err);
	pin.tables = NULL;
	pin.table_count = 0;
	lk_pin_release(&pin);
	return status;
}

enum lk_status lk_takeout_find_again(struct lk_takeout *t, struct lk_target *target, struct lk_takeout_counts *counts,
	struct lk_error *err)
{
	lk_target_clear_deletes(target);
	return lk_takeout_find(t, target, counts, err);
}

/* ---- what comes ---- */

enum lk_status lk_takeout_added(const struct lk_target *target, struct lk_arena *arena, struct lk_lake_table *table,
	struct lk_error *err)
{
	*table = (struct lk_lake_table){.namespace_name = target->namespace_name, .name = target->name, .nested_same = true,
		.uuid = target->uuid, .snapshot_id = -1};
	table->files = lk_arena_alloc(arena, (target->file_count + 1) * sizeof(*table->files));
	if (!table->files)
		return lk_error_nomem(err);
	for (size_t i = 0; i < target->file_count; i++) {
		const struct lk_data_file *file = &target->files[i];

		table->files[table->file_count++] = (struct lk_lake_file){.number = (int)i, .path = file->path, .uri = file->uri,
			.rows = file->metrics.rows, .bytes = file->metrics.file_bytes, .spec_id = file->spec_id,
			.partition = file->partition, .partition_count = file->partition_count, .entry = *file};
		table->rows += file->metrics.rows;
	}
	qsort(table->files, (size_t)table->file_count, sizeof(*table->files), by_uri);
	return lk_lake_table_columns(table, arena, target->schema, err);
}

static enum lk_status check_added(const struct lk_takeout *t, const struct lk_target *target, struct lk_arena *arena,
	struct lk_error *err)
{
	struct lk_file_rows *rows = lk_arena_alloc(arena, (target->file_count + 1) * sizeof(*rows));
	struct lk_lake_table table;
	int64_t meant = 0;

	if (!rows)
		return lk_error_nomem(err);
	memset(rows, 0, (target->file_count + 1) * sizeof(*rows));
	LK_TRY(lk_takeout_added(target, arena, &table, err));
	LK_TRY(t->finder->count(t->finder->self, &table, rows, err));
	for (int i = 0; i < table.file_count; i++)
		meant += rows[i].meant;
	if (meant == target->rows)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "table %s.%s: of %lld rows that come %lld do not match the predicate of those that they are to"
		" replace; nothing was committed", target->namespace_name, target->name, (long long)target->rows,
		(long long)(target->rows - meant));
}

enum lk_status lk_takeout_check_added(const struct lk_takeout *t, const struct lk_target *target, struct lk_error *err)
{
	struct lk_arena arena = LK_ARENA_INIT;
	enum lk_status status = target->file_count ? check_added(t, target, &arena, err) : LK_OK;

	lk_arena_release(&arena);
	return status;
}

/* ---- of all tables ---- */

enum lk_status lk_takeout_mean(const struct lk_takeout *t, struct lk_pin *pin, struct lk_delivery *const *items, size_t count,
	struct lk_error *err)
{
	struct lk_lake_table *files = NULL;

	for (int i = 0; i < pin->table_count; i++)
		if (!strcmp(pin->tables[i].namespace_name, "lk") && !strcmp(pin->tables[i].name, "files"))
			files = &pin->tables[i];
	if (files && !files->uuid)
		LK_TRY(load(t, pin, files, err));
	return t->finder->deliveries(t->finder->self, files, items, count, err);
}

static enum lk_status take_out(struct lk_takeout *t, const struct lk_lake_table *table, lk_target_getter *get, void *context,
	struct lk_error *err)
{
	struct lk_takeout_counts counts;
	struct lk_str name = LK_STR_INIT;
	struct lk_target *target;
	enum lk_status status;
	bool instead = false;

	if (t->instead)
		LK_TRY(t->instead(t->context, table, &instead, err));
	if (instead)
		return LK_OK;
	lk_str_addf(&name, "%s.%s", table->namespace_name, table->name);
	status = lk_str_check(&name, err);
	if (!status)
		status = get(context, name.data, &target, err);
	if (!status)
		status = lk_takeout_find(t, target, &counts, err);
	lk_str_release(&name);
	return status;
}

enum lk_status lk_takeout_all(struct lk_takeout *t, struct lk_pin *pin, lk_target_getter *get, void *context, struct lk_error *err)
{
	for (int i = 0; i < pin->table_count; i++) {
		struct lk_takeout_counts counts;

		LK_TRY(lk_takeout_look(t, pin, &pin->tables[i], &counts, err));
		if (counts.rows)
			LK_TRY(take_out(t, &pin->tables[i], get, context, err));
	}
	return LK_OK;
}
