/* Compaction that meets other writers: which groups are lost, and that no row is. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lake/data_writer.h"
#include "lake/deletes.h"
#include "lake/metadata.h"
#include "stream/build.h"
#include "tap.h"
#include "tend/rewrite.h"

static char dir[] = "/tmp/lk-unit-compact.XXXXXX";
static struct lk_error err;
static struct lk_lake *lake;
static struct lk_sql *sql;

static enum lk_status run_target(struct lk_target *t)
{
	char id[LK_UUID_SIZE];
	struct lk_transaction tx = {.lake = lake, .run = id, .targets = &t, .count = 1};

	if (lk_uuid(id, &err))
		return err.status;
	return lk_transaction_run(&tx, &err);
}

/* Commits a file of `rows` rows. */
static void append(const char *table, int64_t first, int rows)
{
	static const struct lk_field fields[] = {{"a", LK_INT64}};
	char id[LK_UUID_SIZE];
	struct lk_data_writers writers = {.lake = lake, .run = id, .mode = LK_SCHEMA_FREEZE};
	const struct ArrowArrayView *view;
	struct lk_builder b;
	enum lk_status status = lk_uuid(id, &err);

	if (!status)
		status = lk_builder_init(&b, fields, 1, NULL, &err);
	for (int i = 0; !status && i < rows; i++) {
		lk_column_int64(&b.columns[0], first + i);
		status = lk_builder_end_row(&b, &err);
	}
	if (!status)
		status = lk_builder_view(&b, &view, &err);
	if (!status)
		status = lk_data_writers_write(&writers, table, NULL, 1, &b.schema, view, &err);
	if (!status)
		status = lk_data_writers_finish(&writers, &err);
	if (!status)
		status = run_target(&writers.items[0]->target);
	if (status)
		ok(false, "%s", err.message);
	lk_data_writers_release(&writers);
	lk_builder_release(&b);
}

struct seen {
	struct lk_pin pin;
	struct lk_lake_table table;
	char *location;
};

static void look(struct seen *s, const char *table)
{
	*s = (struct seen){.pin = {.arena = LK_ARENA_INIT}, .table = {.namespace_name = "main", .name = table}};
	if (lk_catalog_find(lake, "main", table, &s->location, &err))
		ok(false, "%s", err.message);
	s->table.metadata_location = s->location;
	if (lk_lake_table_load(&s->pin, &s->table, &err))
		ok(false, "%s", err.message);
}

static void unlook(struct seen *s)
{
	lk_pin_release(&s->pin);
	free(s->location);
}

static void is_table(const char *table, int files, int64_t rows, int64_t deleted, const char *title)
{
	struct seen s;

	look(&s, table);
	ok(s.table.file_count == files && s.table.rows == rows && s.table.deleted == deleted, "%s: %d files, %lld rows, %lld deleted", title,
		s.table.file_count, (long long)s.table.rows, (long long)s.table.deleted);
	unlook(&s);
}

/* Deletes the first row of a file. */
static void delete_row(const char *table, const char *uri)
{
	char id[LK_UUID_SIZE];
	struct lk_deletes_writer w;
	struct lk_target t;
	struct seen s;
	enum lk_status status;

	look(&s, table);
	status = lk_target_open(&t, lake, table, &err);
	if (!status)
		status = lk_uuid(id, &err);
	if (!status)
		status = lk_deletes_begin(&w, &t, id, &err);
	for (int i = 0; !status && i < s.table.file_count; i++)
		if (!strcmp(s.table.files[i].uri, uri))
			status = lk_deletes_add(&w, &s.table.files[i], 0, &err);
	if (!status)
		status = lk_deletes_finish(&w, &err);
	lk_deletes_release(&w);
	if (!status)
		status = run_target(&t);
	if (status)
		ok(false, "%s", err.message);
	lk_target_release(&t);
	unlook(&s);
}

static void remove_file(const char *table, const char *uri)
{
	struct lk_target t;

	if (lk_target_open(&t, lake, table, &err) || lk_target_remove_file(&t, uri, &err) || run_target(&t))
		ok(false, "%s", err.message);
	lk_target_release(&t);
}

static int count_data_files(const char *table)
{
	char command[600];
	int n = -1;
	FILE *f;

	snprintf(command, sizeof(command), "find '%s/lake/main/%s/data' -name '*.parquet' | wc -l", dir, table);
	f = popen(command, "r");
	if (!f || fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		pclose(f);
	return n;
}

/* Six files as three groups of two. */
static void make_table(const char *table, struct seen *s, struct lk_compact_plan *plan)
{
	int64_t largest = 0;
	char size[32];
	json_t *root;

	for (int i = 0; i < 6; i++)
		append(table, i * 100, 100);
	look(s, table);
	for (int i = 0; i < s->table.file_count; i++)
		largest = s->table.files[i].bytes > largest ? s->table.files[i].bytes : largest;
	snprintf(size, sizeof(size), "%lld", (long long)largest * 2);
	root = (json_t *)s->table.metadata;
	json_object_set_new(json_object_get(root, "properties"), "write.target-file-size-bytes", json_string(size));
	is_int(lk_compact_plan_make(plan, &s->table, &err), LK_OK, "a plan is made");
	if (!ok(plan->count == 3, "of three groups"))
		exit(1);
}

static void write_all(struct lk_rewrite *r, const struct lk_compact_plan *plan, const char *name)
{
	*r = (struct lk_rewrite){.lake = lake, .sql = sql, .plan = plan, .name = name};
	for (size_t g = 0; g < plan->count; g++)
		if (lk_rewrite_group(r, &plan->groups[g], &err))
			ok(false, "%s", err.message);
}

static const char *uri_of(const struct lk_compact_plan *plan, int group, int file)
{
	return plan->table->files[plan->groups[group].files[file]].uri;
}

static void test_lost(void)
{
	struct lk_compact_plan plan;
	struct lk_rewrite r;
	struct seen s;

	make_table("busy", &s, &plan);
	write_all(&r, &plan, "main.busy");
	append("busy", 600, 100);
	remove_file("busy", uri_of(&plan, 0, 1));
	delete_row("busy", uri_of(&plan, 1, 0));
	is_int(lk_rewrite_commit(&r, &err), LK_OK, "groups are committed beside an append, a removal and a delete");
	ok(r.groups[0].lost, "the one of which a file went is lost");
	ok(r.groups[1].lost, "the one of which a row was deleted is lost");
	ok(!r.groups[2].lost, "the third is not");
	is_table("busy", 5, 600, 1, "two of the third group became one");
	lk_rewrite_release(&r);
	is_int(count_data_files("busy"), 9, "files of lost groups are gone"); /* 7 of old, 1 of deletes, 1 new */
	lk_compact_plan_release(&plan);
	unlook(&s);

	look(&s, "busy");
	if (lk_compact_plan_make(&plan, &s.table, &err))
		ok(false, "%s", err.message);
	is_int(plan.count, 1, "planned anew, with the usual size");
	write_all(&r, &plan, "main.busy");
	is_int(lk_rewrite_commit(&r, &err), LK_OK, "it is all one");
	is_table("busy", 1, 599, 0, "the deleted row is gone, and so are the deletes");
	lk_rewrite_release(&r);
	lk_compact_plan_release(&plan);
	unlook(&s);
}

/* Another writer is first between the build and the swap: the hook finds out. */
static enum lk_status meddle(void *context, json_t *root, struct lk_error *e)
{
	struct lk_compact_plan **plan = context;

	(void)root, (void)e;
	if (*plan) {
		const struct lk_compact_plan *p = *plan;

		*plan = NULL;
		delete_row("raced", uri_of(p, 1, 1));
	}
	return LK_OK;
}

static void test_raced(void)
{
	struct lk_compact_plan plan, *once = &plan;
	struct lk_rewrite r;
	struct seen s;

	make_table("raced", &s, &plan);
	write_all(&r, &plan, "main.raced");
	r.target.edit = meddle;
	r.target.edit_context = &once;
	is_int(lk_rewrite_commit(&r, &err), LK_OK, "another writer deletes a row within the commit");
	ok(!r.groups[0].lost && r.groups[1].lost && !r.groups[2].lost, "its group is lost");
	is_table("raced", 4, 600, 1, "the others are not");
	lk_rewrite_release(&r);
	lk_compact_plan_release(&plan);
	unlook(&s);
}

/* A file of equality deletes, as other engines write them: rows whose `a` is one of those. */
static void delete_equal(const char *table, int64_t first, int count)
{
	static const struct lk_field fields[] = {{"a", LK_INT64}};
	const struct lk_parquet_column column = {.name = "a", .field_id = 1, .type = LK_INT64};
	struct lk_data_file file = {.content = LK_FILE_EQUALITY_DELETES, .sort_order = -1, .equality_count = 1};
	const struct ArrowArrayView *view;
	struct lk_parquet *parquet = NULL;
	struct lk_builder b;
	struct lk_target t;
	static int number;
	int source = 0;
	enum lk_status status = lk_builder_init(&b, fields, 1, NULL, &err);

	for (int i = 0; !status && i < count; i++) {
		lk_column_int64(&b.columns[0], first + i);
		status = lk_builder_end_row(&b, &err);
	}
	file.equality_ids = malloc(sizeof(*file.equality_ids));
	if (!file.equality_ids || asprintf(&file.path, "%s/lake/main/%s/data/equal-%d.parquet", dir, table, ++number) < 0 ||
		asprintf(&file.uri, "file://%s", file.path) < 0)
		status = lk_error_nomem(&err);
	if (!status)
		file.equality_ids[0] = 1;
	if (!status)
		status = lk_builder_view(&b, &view, &err);
	if (!status)
		status = lk_target_open(&t, lake, table, &err);
	if (!status)
		status = lk_parquet_create(&parquet, file.path, 0644, &column, 1, NULL, &err);
	if (!status)
		status = lk_parquet_write(parquet, view, &source, &err);
	if (!status)
		status = lk_parquet_close(parquet, &file.metrics, &err);
	if (!status)
		status = lk_target_add_deletes(&t, &file, &err);
	if (!status)
		status = run_target(&t);
	if (status)
		ok(false, "%s", err.message);
	lk_target_release(&t);
	lk_builder_release(&b);
}

static void test_equality(void)
{
	struct lk_compact_plan plan;
	struct lk_rewrite r;
	struct seen s;

	append("equal", 0, 100);
	delete_equal("equal", 10, 5);
	append("equal", 12, 1); /* behind the deletes: it stays */
	look(&s, "equal");
	is_int(s.table.equality_count, 1, "a table with equality deletes");
	if (lk_compact_plan_make(&plan, &s.table, &err))
		ok(false, "%s", err.message);
	is_int(plan.count, 1, "is worth it");
	write_all(&r, &plan, "main.equal");
	append("equal", 200, 1);
	is_int(lk_rewrite_commit(&r, &err), LK_OK, "is compacted beside an append");
	lk_rewrite_release(&r);
	lk_compact_plan_release(&plan);
	unlook(&s);
	look(&s, "equal");
	is_int(s.table.equality_count, 0, "the deletes are gone");
	is_int(s.table.rows, 97, "and so are the rows that they meant, and no other");
	unlook(&s);

	delete_equal("equal", 50, 1);
	look(&s, "equal");
	if (lk_compact_plan_make(&plan, &s.table, &err))
		ok(false, "%s", err.message);
	write_all(&r, &plan, "main.equal");
	delete_equal("equal", 60, 1);
	is_int(lk_rewrite_commit(&r, &err), LK_OK, "equality deletes come while it is written");
	ok(r.groups[0].lost, "its group is lost");
	lk_rewrite_release(&r);
	lk_compact_plan_release(&plan);
	unlook(&s);
}

static void test_all_lost(void)
{
	struct lk_compact_plan plan;
	struct lk_rewrite r;
	struct seen s;

	make_table("lost", &s, &plan);
	write_all(&r, &plan, "main.lost");
	for (int g = 0; g < 3; g++)
		remove_file("lost", uri_of(&plan, g, 0));
	is_int(lk_rewrite_commit(&r, &err), LK_OK, "all groups are lost");
	ok(r.groups[0].lost && r.groups[1].lost && r.groups[2].lost, "and marked");
	is_table("lost", 3, 300, 0, "the table is as the others left it");
	lk_rewrite_release(&r);
	is_int(count_data_files("lost"), 6, "nothing is left over");
	lk_compact_plan_release(&plan);
	unlook(&s);
}

int main(void)
{
	struct lk_sql_options options = {.threads = 1, .scratch = dir};
	char command[64], path[64];

	if (!mkdtemp(dir))
		return 70;
	snprintf(path, sizeof(path), "%s/lake", dir);
	is_int(lk_sql_open(&sql, &options, &err), LK_OK, "DuckDB is there");
	is_int(lk_lake_open(&lake, path, LK_LAKE_CREATE, &err), LK_OK, "a lake");
	test_lost();
	test_raced();
	test_all_lost();
	test_equality();
	lk_lake_close(lake);
	lk_sql_close(sql);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ok(system(command) == 0, "cleared away");
	return done();
}
