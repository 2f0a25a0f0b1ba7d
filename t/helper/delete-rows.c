/*
 * delete-rows LAKE TABLE EVERY: deletes each row whose place in its file is a multiple of EVERY, by position, in one commit. Rows that
 * are deleted already are deleted again, as a careless writer would.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "lake/catalog.h"
#include "lake/deletes.h"
#include "lake/transaction.h"

static int by_uri(const void *a, const void *b)
{
	return strcmp(((const struct lk_lake_file *)a)->uri, ((const struct lk_lake_file *)b)->uri);
}

static enum lk_status delete_rows(struct lk_target *t, struct lk_lake_table *table, const char *run, int64_t every, struct lk_error *err)
{
	struct lk_deletes_writer w;
	enum lk_status status = lk_deletes_begin(&w, t, run, err);

	qsort(table->files, (size_t)table->file_count, sizeof(*table->files), by_uri);
	for (int i = 0; i < table->file_count; i++)
		for (int64_t row = 0; !status && row < table->files[i].rows; row += every)
			status = lk_deletes_add(&w, &table->files[i], row, err);
	if (!status)
		status = lk_deletes_finish(&w, err);
	lk_deletes_release(&w);
	return status;
}

static enum lk_status run(struct lk_lake *lake, const char *name, int64_t every, struct lk_error *err)
{
	struct lk_target t, *targets[] = {&t};
	struct lk_lake_table table = {.namespace_name = "main", .name = name};
	struct lk_pin pin = {.arena = LK_ARENA_INIT};
	char id[LK_UUID_SIZE];
	struct lk_transaction tx = {.lake = lake, .run = id, .targets = targets, .count = 1};
	enum lk_status status;

	LK_TRY(lk_uuid(id, err));
	LK_TRY(lk_target_open(&t, lake, name, err));
	table.metadata_location = t.base_location;
	status = lk_lake_table_load(&pin, &table, err);
	if (!status)
		status = delete_rows(&t, &table, id, every, err);
	if (!status)
		status = lk_transaction_run(&tx, err);
	lk_pin_release(&pin);
	lk_target_release(&t);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	struct lk_lake *lake;
	enum lk_status status;

	if (argc != 4)
		return 64;
	status = lk_lake_open(&lake, argv[1], 0, &err);
	if (!status)
		status = run(lake, argv[2], strtoll(argv[3], NULL, 10), &err);
	lk_lake_close(lake);
	if (status)
		fprintf(stderr, "delete-rows: %s\n", err.message);
	return (int)status;
}
