/*
 * prune-check LAKE TABLE <CONDITIONS: for each line, a condition on the table's rows, says which of its files are kept for it and which
 * have rows of it: "KEPT MATCHING ALL condition". Ends with 1 when a file is left out that has such rows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "sql/filter.h"
#include "sql/places.h"
#include "sql/view.h"

struct check {
	struct lk_places places;
	struct lk_pin pin;
	struct lk_lake_table *table;
	bool *kept, *matching;
	bool failed;
};

static enum lk_status find_kept(struct check *c, const char *statement, struct lk_error *err)
{
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_filter filter = {.table = c->table};
	struct lk_lake_filter keep;
	struct lk_pruner *pruner;
	struct lk_script script;
	enum lk_status status = lk_script_parse(&script, c->places.sql, statement, NULL, err);

	if (!status)
		status = lk_filter_find(&script, c->places.sql, &filter, &arena, err);
	for (int i = 0; i < c->table->file_count; i++)
		c->kept[i] = true;
	if (!status && filter.predicate && !(status = lk_pruner_make(filter.predicate, filter.leaves, c->table, &arena, &pruner, err))) {
		keep = lk_pruner_filter(pruner);
		for (int i = 0; i < c->table->file_count; i++) {
			const struct lk_lake_file *f = &c->table->files[i];
			struct lk_manifest_entry entry = {.file = f->entry};

			c->kept[i] = keep.manifest(keep.context, c->table, &c->table->manifests[f->manifest]) &&
				     keep.file(keep.context, c->table, &entry);
		}
	}
	lk_script_release(&script);
	lk_arena_release(&arena);
	return status;
}

static enum lk_status find_matching(struct check *c, const char *condition, struct lk_error *err)
{
	struct lk_duckdb *d = &c->places.sql->duckdb;
	struct lk_duckdb_result result;
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	memset(c->matching, 0, (size_t)c->table->file_count);
	lk_str_addf(&s, "SELECT DISTINCT lk_path FROM t WHERE %s", condition);
	status = lk_places_ask(&c->places, s.data, &result, err);
	for (uint64_t row = 0; !status && row < d->row_count(&result); row++) {
		char *path = d->value_varchar(&result, 0, row);

		for (int i = 0; i < c->table->file_count; i++)
			c->matching[i] = c->matching[i] || !strcmp(c->table->files[i].path, path);
		d->free(path);
	}
	d->destroy_result(&result);
	lk_str_release(&s);
	return status;
}

static enum lk_status check_line(struct check *c, const char *condition, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	int kept = 0, matching = 0;
	enum lk_status status;

	lk_str_addf(&s, "SELECT * FROM t WHERE %s", condition);
	status = find_kept(c, lk_str_text(&s), err);
	lk_str_release(&s);
	if (!status)
		status = find_matching(c, condition, err);
	if (status)
		return lk_error_prefix(err, "%s", condition);
	for (int i = 0; i < c->table->file_count; i++) {
		kept += c->kept[i];
		matching += c->matching[i];
		if (c->matching[i] && !c->kept[i]) {
			printf("LOST %s\n", c->table->files[i].path);
			c->failed = true;
		}
	}
	printf("%d %d %d %s\n", kept, matching, c->table->file_count, condition);
	return LK_OK;
}

static enum lk_status check_lines(struct check *c, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	char line[4096];
	enum lk_status status;

	LK_TRY(lk_places_open(&c->places, err));
	lk_str_adds(&s, "CREATE TABLE t AS ");
	status = lk_sql_add_places(c->places.sql, c->table, &s, err);
	if (!status)
		status = lk_sql_run(c->places.sql, lk_str_text(&s), err);
	lk_str_release(&s);
	while (!status && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		status = check_line(c, line, err);
	}
	return status;
}

static enum lk_status run(struct check *c, char **argv, struct lk_error *err)
{
	struct lk_lake *lake;

	LK_TRY(lk_lake_open(&lake, argv[1], LK_LAKE_READONLY, err));
	LK_TRY(lk_lake_pin(lake, &c->pin, err));
	lk_lake_close(lake);
	for (int i = 0; i < c->pin.table_count; i++)
		if (!strcmp(c->pin.tables[i].name, argv[2]))
			c->table = &c->pin.tables[i];
	if (!c->table)
		return lk_error_set(err, LK_DATA, "there is no such table");
	LK_TRY(lk_lake_table_load_at(&c->pin, c->table, NULL, LK_LOAD_METRICS, err));
	c->kept = calloc((size_t)c->table->file_count + 1, sizeof(bool));
	c->matching = calloc((size_t)c->table->file_count + 1, sizeof(bool));
	return c->kept && c->matching ? check_lines(c, err) : lk_error_nomem(err);
}

int main(int argc, char **argv)
{
	struct check c = {.failed = false};
	struct lk_error err = {0};
	enum lk_status status = argc == 3 ? run(&c, argv, &err) : LK_USAGE;

	lk_places_close(&c.places);
	lk_pin_release(&c.pin);
	free(c.kept);
	free(c.matching);
	if (status)
		fprintf(stderr, "prune-check: %s\n", err.message);
	return status ? (int)status : c.failed;
}
