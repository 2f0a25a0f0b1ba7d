/*
 * add-absent LAKE TABLE COUNT: adds data files to a table that are not there, so that whoever opens one of them fails. Each is told of
 * as the table's first file is, with the bounds of every integer column moved on by the file's number of rows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/tool.h"
#include "lake/transaction.h"
#include "lake/value.h"

static char *copy_text(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		exit(LK_MISSING);
	return copy;
}

static void move_bound(struct lk_str *bound, const struct lk_str *from, int64_t by)
{
	uint64_t n = (uint64_t)(lk_value_integer(from->data, from->len) + by);
	char bytes[8];

	for (size_t i = 0; i < from->len; i++)
		bytes[i] = (char)(n >> (8 * i));
	lk_str_add(bound, bytes, from->len);
}

static void move_column(struct lk_column_metrics *c, const struct lk_column_metrics *from, int64_t by)
{
	bool number = from->has_lower && from->has_upper && from->lower.len == 8 && from->upper.len == 8;

	*c = *from;
	c->lower = c->upper = (struct lk_str)LK_STR_INIT;
	c->has_lower = c->has_upper = number;
	if (number) {
		move_bound(&c->lower, &from->lower, by);
		move_bound(&c->upper, &from->upper, by);
	}
}

static void make_absent(struct lk_data_file *file, const struct lk_data_file *from, int number)
{
	char name[64];

	snprintf(name, sizeof(name), "file:///nowhere/absent-%06d.parquet", number);
	*file = (struct lk_data_file){.path = copy_text(name + 7), .uri = copy_text(name), .sort_order = -1,
		.metrics = {.rows = from->metrics.rows, .file_bytes = from->metrics.file_bytes,
			.column_count = from->metrics.column_count}};
	file->metrics.columns = calloc((size_t)from->metrics.column_count + 1, sizeof(*file->metrics.columns));
	if (!file->metrics.columns)
		exit(LK_MISSING);
	for (int i = 0; i < from->metrics.column_count; i++)
		move_column(&file->metrics.columns[i], &from->metrics.columns[i], from->metrics.rows * number);
}

static enum lk_status add_files(struct lk_lake *lake, const char *table, int count, const struct lk_data_file *from, struct lk_error *err)
{
	char run[LK_UUID_SIZE];
	struct lk_target t, *targets[] = {&t};
	struct lk_transaction tx = {.lake = lake, .run = run, .targets = targets, .count = 1};
	enum lk_status status;

	LK_TRY(lk_uuid(run, err));
	LK_TRY(lk_target_open(&t, lake, table, err));
	for (int i = 1; i <= count; i++) {
		struct lk_data_file file;

		make_absent(&file, from, i);
		LK_TRY(lk_target_add_file(&t, &file, err));
	}
	status = lk_transaction_run(&tx, err);
	lk_target_release(&t);
	return status;
}

static enum lk_status run(char **argv, struct lk_error *err)
{
	struct lk_lake *lake;
	struct lk_pin pin;
	enum lk_status status = LK_NOINPUT;

	LK_TRY(lk_lake_open(&lake, argv[1], 0, err));
	LK_TRY(lk_lake_pin(lake, &pin, err));
	for (int i = 0; i < pin.table_count; i++) {
		struct lk_lake_table *t = &pin.tables[i];

		if (strcmp(t->name, argv[2]) != 0)
			continue;
		LK_TRY(lk_lake_table_load_at(&pin, t, NULL, LK_LOAD_METRICS, err));
		status = t->file_count ? add_files(lake, argv[2], atoi(argv[3]), &t->files[0].entry, err) : LK_NOINPUT;
	}
	lk_pin_release(&pin);
	lk_lake_close(lake);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	enum lk_status status = argc == 4 ? run(argv, &err) : LK_USAGE;

	if (status)
		fprintf(stderr, "add-absent: %s\n", err.message);
	return (int)status;
}
