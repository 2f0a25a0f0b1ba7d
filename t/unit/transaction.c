/* Transactions that meet other writers: what is tried again, and what is a conflict. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/metadata.h"
#include "lake/data_writer.h"
#include "lake/transaction.h"
#include "stream/build.h"
#include "tap.h"

static char dir[] = "/tmp/lk-unit-transaction.XXXXXX";
static struct lk_error err;
static struct lk_lake *lake;

static const struct lk_field plain[] = {{"a", LK_INT64}};
static const struct lk_field with_b[] = {{"a", LK_INT64}, {"b", LK_UTF8}};
static const struct lk_field with_c[] = {{"a", LK_INT64}, {"c", LK_UTF8}};

static void open_fitted(struct lk_target *t, const char *name, const struct lk_field *fields, int count)
{
	struct ArrowSchema schema;

	if (lk_target_open(t, lake, name, &err) || lk_schema_make(&schema, fields, count, NULL, &err))
		ok(false, "%s", err.message);
	is_int(lk_target_fit(t, &schema, NULL, LK_SCHEMA_ADD, &err), LK_OK, "%s is opened", name);
	ArrowSchemaRelease(&schema);
}

static enum lk_status run(struct lk_target **targets, size_t count, enum lk_outcome *outcome)
{
	char id[LK_UUID_SIZE];
	struct lk_transaction tx = {.lake = lake, .run = id, .targets = targets, .count = count};
	enum lk_status status = lk_uuid(id, &err);

	if (!status)
		status = lk_transaction_run(&tx, &err);
	*outcome = tx.outcome;
	return status;
}

static enum lk_status run_one(struct lk_target *t)
{
	enum lk_outcome outcome;

	return run(&t, 1, &outcome);
}

static int count_files(const char *table)
{
	char command[600];
	int n = -1;
	FILE *f;

	snprintf(command, sizeof(command), "find '%s/lake/main/%s' -type f ! -name version-hint.text 2>/dev/null | wc -l", dir, table);
	f = popen(command, "r");
	if (!f || fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		pclose(f);
	return n;
}

static void test_both_make(void)
{
	struct lk_target one, two, three;

	open_fitted(&one, "made", plain, 1);
	open_fitted(&two, "made", plain, 1);
	open_fitted(&three, "made", with_b, 2);
	is_int(run_one(&one), LK_OK, "a table is made");
	is_int(run_one(&two), LK_OK, "the same table by another writer: it is there");
	is_int(count_files("made"), 1, "and nothing is left over");
	is_int(run_one(&three), LK_CONFLICT, "with other columns: %s", err.message);
	is_int(count_files("made"), 1, "and nothing is left over");
	lk_target_release(&one);
	lk_target_release(&two);
	lk_target_release(&three);
}

static void test_both_change(void)
{
	struct lk_target one, two, three, four;

	open_fitted(&one, "made", with_b, 2);
	open_fitted(&two, "made", with_c, 2);
	open_fitted(&three, "made", with_b, 2);
	is_int(run_one(&one), LK_OK, "a column is added");
	is_int(run_one(&two), LK_CONFLICT, "another one, with the same id: %s", err.message);
	is_int(run_one(&three), LK_OK, "the same column by another writer: it is there");
	is_int(count_files("made"), 2, "and nothing is left over");
	open_fitted(&four, "made", with_c, 2);
	is_int(run_one(&four), LK_OK, "once it is tried again, the other one is added");
	is_int(four.last_column_id, 3, "with an id of its own");
	lk_target_release(&one);
	lk_target_release(&two);
	lk_target_release(&three);
	lk_target_release(&four);
}

/* Rows of `plain` through a data writer, up to the transaction. */
static void make_rows(struct lk_data_writers *writers, const char *run_id, const char *table, int rows)
{
	const struct ArrowArrayView *view;
	struct lk_builder b;
	enum lk_status status = lk_builder_init(&b, plain, 1, NULL, &err);

	*writers = (struct lk_data_writers){.lake = lake, .run = run_id};
	for (int i = 0; !status && i < rows; i++) {
		lk_column_int64(&b.columns[0], i);
		status = lk_builder_end_row(&b, &err);
	}
	if (!status)
		status = lk_builder_view(&b, &view, &err);
	if (!status)
		status = lk_data_writers_write(writers, table, NULL, 1, &b.schema, view, &err);
	if (!status)
		status = lk_data_writers_finish(writers, &err);
	is_int(status, LK_OK, "%d rows are written", rows);
	lk_builder_release(&b);
}

static int64_t rows_of(const char *table)
{
	struct lk_pin pin;
	int64_t rows = -1;

	if (lk_lake_pin(lake, &pin, &err))
		return -1;
	for (int i = 0; i < pin.table_count; i++)
		if (!strcmp(pin.tables[i].name, table) && !lk_lake_table_load(&pin, &pin.tables[i], &err))
			rows = pin.tables[i].rows;
	lk_pin_release(&pin);
	return rows;
}

static void test_appends(void)
{
	struct lk_data_writers one, two;
	struct lk_target column;
	enum lk_outcome outcome;

	make_rows(&one, "one", "rows", 3);
	make_rows(&two, "two", "rows", 4);
	is_int(run(&(struct lk_target *){&one.items[0]->target}, 1, &outcome), LK_OK, "one appends");
	open_fitted(&column, "rows", with_b, 2);
	is_int(run_one(&column), LK_OK, "another adds a column");
	is_int(run(&(struct lk_target *){&two.items[0]->target}, 1, &outcome), LK_OK, "a third, from before both, appends");
	is_int(outcome, LK_OUTCOME_DONE, "which is done");
	is_int(rows_of("rows"), 7, "nothing is lost");
	lk_data_writers_release(&one);
	lk_data_writers_release(&two);
	lk_target_release(&column);
}

static void test_all_or_nothing(void)
{
	struct lk_target good, bad, other;
	struct lk_target *both[] = {&good, &bad};
	enum lk_outcome outcome;

	open_fitted(&good, "good", plain, 1);
	open_fitted(&bad, "bad", with_b, 2);
	open_fitted(&other, "bad", with_c, 2);
	is_int(run_one(&other), LK_OK, "a table is made");
	is_int(run(both, 2, &outcome), LK_CONFLICT, "two tables of which one conflicts: %s", err.message);
	is_int(outcome, LK_OUTCOME_UNCHANGED, "change nothing");
	is_int(rows_of("good"), -1, "the other is not there");
	is_int(count_files("good"), 0, "nor are its files");
	lk_target_release(&good);
	lk_target_release(&bad);
	lk_target_release(&other);
}

static void test_dropped(void)
{
	struct lk_target t;

	open_fitted(&t, "made", (const struct lk_field[]){{"d", LK_BOOL}}, 1);
	is_int(lk_catalog_run(lake, NULL, &err, "DELETE FROM iceberg_tables WHERE table_name = 'made'", ""), LK_OK,
		"a table is dropped");
	is_int(run_one(&t), LK_CONFLICT, "%s", err.message);
	lk_target_release(&t);
}

/* What goes wrong in the ledger takes the tables with it. */
static enum lk_status fail_hook(void *context, struct lk_lake *l, bool *go, struct lk_error *e)
{
	(void)context, (void)l, (void)go;
	return lk_error_set(e, LK_CONFLICT, "no");
}

static void test_hook(void)
{
	struct lk_target t, *list[] = {&t};
	struct lk_transaction tx = {.lake = lake, .run = "hook", .targets = list, .count = 1, .hook = fail_hook};

	open_fitted(&t, "hooked", plain, 1);
	is_int(lk_transaction_run(&tx, &err), LK_CONFLICT, "the ledger refuses");
	is_int(rows_of("hooked"), -1, "and no table is made");
	is_int(count_files("hooked"), 0, "nor files");
	lk_target_release(&t);
}

int main(void)
{
	char path[64], command[64];

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/lake", dir);
	is_int(lk_lake_open(&lake, path, LK_LAKE_CREATE, &err), LK_OK, "a lake is made");
	test_both_make();
	test_both_change();
	test_appends();
	test_all_or_nothing();
	test_hook();
	test_dropped();
	lk_lake_close(lake);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ok(system(command) == 0, "nothing is left behind");
	return done();
}
