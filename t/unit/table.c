/* Alterations of a table between the writing of rows and their commit: the rows are right, or nothing is changed. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/data_writer.h"
#include "lake/list.h"
#include "lake/metadata.h"
#include "lake/schema_text.h"
#include "lake/table.h"
#include "lake/transaction.h"
#include "stream/build.h"
#include "tap.h"

static char dir[] = "/tmp/lk-unit-table.XXXXXX";
static struct lk_error err;
static struct lk_lake *lake;

static const struct lk_field fields[] = {{"id", LK_INT64, .required = true}, {"name", LK_UTF8}, {"n", LK_INT64}};
static const struct lk_field more[] = {{"id", LK_INT64, .required = true}, {"name", LK_UTF8}, {"n", LK_INT64}, {"extra", LK_UTF8}};

static void make_table(const char *name)
{
	struct lk_table_change change = {0};
	struct lk_alter alter = {0};
	json_t *schema = NULL;
	enum lk_status status = lk_schema_read_columns("id long not null, name string, n long", &schema, &err);

	if (!status)
		status = lk_table_create(lake, name, schema, &alter, false, &change, &err);
	is_int(status, LK_OK, "table %s is made", name);
	lk_table_change_release(&change);
	lk_alter_release(&alter);
	json_decref(schema);
}

static enum lk_status alter(const char *name, const char *action)
{
	struct lk_table_change change = {0};
	struct lk_alter actions = {0};
	enum lk_status status = lk_alter_add(&actions, action, &err);

	if (!status)
		status = lk_table_alter(lake, name, &actions, false, &change, &err);
	lk_table_change_release(&change);
	lk_alter_release(&actions);
	return status;
}

/* 100 rows are written to files of the table as it is now, up to the transaction. */
static void begin_rows(struct lk_data_writers *writers, const char *run, const char *table, const struct lk_field *columns, int count)
{
	const struct ArrowArrayView *view;
	struct lk_builder b;
	enum lk_status status = lk_builder_init(&b, columns, count, NULL, &err);

	*writers = (struct lk_data_writers){.lake = lake, .run = run, .mode = LK_SCHEMA_ADD};
	for (int i = 0; !status && i < 100; i++) {
		lk_column_int64(&b.columns[0], i);
		lk_column_text(&b.columns[1], "name");
		lk_column_int64(&b.columns[2], i);
		if (count > 3)
			lk_column_text(&b.columns[3], "extra");
		status = lk_builder_end_row(&b, &err);
	}
	if (!status)
		status = lk_builder_view(&b, &view, &err);
	if (!status)
		status = lk_data_writers_write(writers, table, NULL, 1, &b.schema, view, &err);
	if (!status)
		status = lk_data_writers_finish(writers, &err);
	ok(!status, "rows are written%s%s", status ? ": " : "", status ? err.message : "");
	lk_builder_release(&b);
}

static enum lk_status commit(struct lk_data_writers *writers)
{
	struct lk_target *t = &writers->items[0]->target;
	char run[LK_UUID_SIZE];
	struct lk_transaction tx = {.lake = lake, .run = run, .targets = &t, .count = 1};
	enum lk_status status = lk_uuid(run, &err);

	if (!status)
		status = lk_transaction_run(&tx, &err);
	if (status)
		lk_target_discard(t);
	lk_data_writers_release(writers);
	return status;
}

/* The table as it is in the catalog, in full. */
static struct lk_lake_table *load(struct lk_pin *pin, const char *name)
{
	struct lk_lake_table *t = NULL;

	if (lk_lake_pin(lake, pin, &err) || lk_pin_find(pin, name, &t, &err) || lk_lake_table_load(pin, t, &err))
		ok(false, "%s is loaded: %s", name, err.message);
	return t;
}

static void is_rows(const char *name, int64_t rows, int files, const char *title)
{
	struct lk_pin pin;
	struct lk_lake_table *t = load(&pin, name);

	ok(t && t->rows == rows && t->file_count == files, "%s", title);
	if (t && (t->rows != rows || t->file_count != files))
		printf("#   %lld rows in %d files\n", (long long)t->rows, t->file_count);
	lk_pin_release(&pin);
}

/* Each is made while rows of before are on their way. */
static void test_in_flight(void)
{
	static const char *const actions[] = {"rename column name to called", "drop column n", "alter column n type long",
		"add column name2 string first", "alter column id drop not null", "key by id", "sort by n desc",
		"partition by bucket(4, id)", "set write.parquet.compression-codec=snappy", "set write.data.path=file:///nowhere/data"};
	struct lk_data_writers writers;
	char name[16];

	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		snprintf(name, sizeof(name), "flight%zu", i);
		make_table(name);
		begin_rows(&writers, name, name, fields, 3);
		is_int(alter(name, actions[i]), LK_OK, "meanwhile: %s", actions[i]);
		is_int(commit(&writers), LK_OK, "the rows are committed");
		is_rows(name, 100, 1, "and are there");
	}
}

/* A file is of the spec by which it was written, whatever the table's is by now. */
static void test_specs(void)
{
	struct lk_data_writers writers;
	struct lk_lake_table *t;
	struct lk_pin pin;

	make_table("spec");
	is_int(alter("spec", "partition by bucket(4, id)"), LK_OK, "a table is partitioned");
	begin_rows(&writers, "spec", "spec", fields, 3);
	is_int(alter("spec", "replace partition bucket(4, id) with n"), LK_OK, "and otherwise while rows are on their way");
	is_int(commit(&writers), LK_OK, "which are committed");
	begin_rows(&writers, "spec2", "spec", fields, 3);
	is_int(alter("spec", "drop partition n"), LK_OK, "and once more");
	is_int(commit(&writers), LK_OK, "which are committed, too");
	t = load(&pin, "spec");
	for (int i = 0; t && i < t->file_count; i++) {
		const struct lk_data_file *f = &t->files[i].entry;
		int want = f->spec_id == 1 ? 1000 : 1001;

		if (f->partition_count != 1 || f->partition[0].field_id != want || (f->spec_id != 1 && f->spec_id != 2))
			ok(false, "file %d is of spec %d, field %d", i, (int)f->spec_id, (int)f->partition[0].field_id);
	}
	ok(t && t->rows == 200 && t->file_count == 104, "4 files of one spec and 100 of the other");
	lk_pin_release(&pin);
}

/* Rows that bring a column of their own meet one who adds columns. */
static void test_both_add(void)
{
	struct lk_data_writers writers;

	make_table("both");
	begin_rows(&writers, "both1", "both", more, 4);
	is_int(alter("both", "add column extra string"), LK_OK, "the same column is added");
	is_int(commit(&writers), LK_OK, "so the rows fit");
	is_rows("both", 100, 1, "and are there");
	make_table("clash");
	begin_rows(&writers, "both2", "clash", more, 4);
	is_int(alter("clash", "add column extra date"), LK_OK, "a column of the same name and another type is added");
	is_int(commit(&writers), LK_CONFLICT, "so the rows do not fit: %s", err.message);
	is_rows("clash", 0, 0, "and nothing is changed");
	make_table("other");
	begin_rows(&writers, "both3", "other", more, 4);
	is_int(alter("other", "add column third int"), LK_OK, "another column is added, under the same id");
	is_int(commit(&writers), LK_CONFLICT, "so the rows do not fit: %s", err.message);
	is_rows("other", 0, 0, "and nothing is changed");
}

static void test_gone(void)
{
	struct lk_table_change change = {0};
	struct lk_data_writers writers;

	make_table("gone");
	begin_rows(&writers, "gone1", "gone", fields, 3);
	is_int(lk_table_drop(lake, "gone", false, NULL, &change, &err), LK_OK, "a table is dropped");
	lk_table_change_release(&change);
	is_int(commit(&writers), LK_CONFLICT, "rows for it: %s", err.message);
	make_table("gone");
	begin_rows(&writers, "gone2", "gone", fields, 3);
	is_int(lk_table_drop(lake, "gone", false, NULL, &change, &err), LK_OK, "a table is dropped");
	lk_table_change_release(&change);
	make_table("gone");
	is_int(commit(&writers), LK_CONFLICT, "rows for one of the same name that is another: %s", err.message);
	is_rows("gone", 0, 0, "are not in it");
	make_table("moved");
	begin_rows(&writers, "gone3", "moved", fields, 3);
	is_int(lk_table_rename(lake, "moved", "ward.moved", &change, &err), LK_OK, "a table is renamed");
	lk_table_change_release(&change);
	is_int(commit(&writers), LK_CONFLICT, "rows for its old name: %s", err.message);
	is_rows("ward.moved", 0, 0, "are nowhere");
	is_int(lk_table_drop(lake, "ward.moved", false, "file:///elsewhere", &change, &err), LK_CONFLICT, "dropped only where it is");
	lk_table_change_release(&change);
}

int main(void)
{
	char path[64], command[64];

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/lake", dir);
	is_int(lk_lake_open(&lake, path, LK_LAKE_CREATE, &err), LK_OK, "a lake is made");
	test_in_flight();
	test_specs();
	test_both_add();
	test_gone();
	lk_lake_close(lake);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ok(system(command) == 0, "nothing is left behind");
	return done();
}
