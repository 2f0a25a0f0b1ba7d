/* Snapshots: files that come and go, manifests that are written again and merged, branches, edits. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/at.h"
#include "lake/metadata.h"
#include "lake/transaction.h"
#include "tap.h"

#define TABLE "main.t"

static char dir[] = "/tmp/lk-unit-snapshot.XXXXXX";
static struct lk_error err;
static struct lk_lake *lake;

/* ---- what the tests ask for ---- */

static void open_table(struct lk_target *t)
{
	static const struct lk_field fields[] = {{"a", LK_INT64}};
	struct ArrowSchema schema;

	if (lk_target_open(t, lake, TABLE, &err) || lk_schema_make(&schema, fields, 1, NULL, &err) ||
		lk_target_fit(t, &schema, NULL, LK_SCHEMA_ADD, &err))
		ok(false, "%s", err.message);
	ArrowSchemaRelease(&schema);
}

static enum lk_status commit(struct lk_target *t)
{
	char run[LK_UUID_SIZE];
	struct lk_transaction tx = {.lake = lake, .run = run, .targets = &t, .count = 1};
	enum lk_status status = lk_uuid(run, &err);

	return status ? status : lk_transaction_run(&tx, &err);
}

/* A file that no reader opens here; it is named by its letter. */
static struct lk_data_file file_of(char letter, int64_t rows, const char *referenced)
{
	char uri[64];

	snprintf(uri, sizeof(uri), "file:///nowhere/%c.parquet", letter);
	return (struct lk_data_file){.path = strdup(lk_uri_path(uri)), .uri = strdup(uri),
		.content = referenced ? LK_FILE_POSITION_DELETES : LK_FILE_DATA, .sort_order = referenced ? -1 : 0,
		.referenced = referenced ? strdup(referenced) : NULL, .metrics = {.rows = rows, .file_bytes = rows * 10}};
}

static void add(struct lk_target *t, char letter, int64_t rows)
{
	struct lk_data_file f = file_of(letter, rows, NULL);

	if (lk_target_add_file(t, &f, &err))
		ok(false, "%s", err.message);
}

static void append(char letter, int64_t rows)
{
	struct lk_target t;

	open_table(&t);
	add(&t, letter, rows);
	is_int(commit(&t), LK_OK, "%c is appended", letter);
	lk_target_release(&t);
}

static void take_out(struct lk_target *t, char letter)
{
	char uri[64];

	snprintf(uri, sizeof(uri), "file:///nowhere/%c.parquet", letter);
	if (lk_target_remove_file(t, uri, &err))
		ok(false, "%s", err.message);
}

/* ---- what they look at ---- */

static json_t *metadata(void)
{
	json_t *root = NULL;
	char *location;

	if (lk_catalog_find(lake, "main", "t", &location, &err) || !location || lk_metadata_read(location, &root, &err))
		ok(false, "%s", err.message);
	free(location);
	return root;
}

static const char *summary(const char *key)
{
	static char text[64];
	json_t *root = metadata();
	const char *value = json_string_value(
		json_object_get(json_object_get(lk_metadata_snapshot(root, lk_metadata_snapshot_id(root)), "summary"), key));

	snprintf(text, sizeof(text), "%s", value ? value : "none");
	json_decref(root);
	return text;
}

struct seen {
	char files[64]; /* their letters, in order of the alphabet */
	char sequences[64];
	int manifests;
};

static int by_letter(const void *a, const void *b)
{
	return strcmp(((const struct lk_lake_file *)a)->uri, ((const struct lk_lake_file *)b)->uri);
}

static void look(struct seen *seen, const char *branch)
{
	struct lk_lake_at at = {.kind = LK_AT_REF, .text = branch};
	struct lk_pin pin;

	*seen = (struct seen){.files = ""};
	if (lk_lake_pin(lake, &pin, &err) || lk_lake_table_load_at(&pin, &pin.tables[0], branch ? &at : NULL, 0, &err)) {
		ok(false, "%s", err.message);
		return;
	}
	if (pin.tables[0].file_count)
		qsort(pin.tables[0].files, (size_t)pin.tables[0].file_count, sizeof(struct lk_lake_file), by_letter);
	for (int i = 0; i < pin.tables[0].file_count && i < 60; i++) {
		seen->files[i] = lk_path_base(pin.tables[0].files[i].uri)[0];
		seen->sequences[i] = (char)('0' + pin.tables[0].files[i].sequence);
	}
	for (int i = 0; i < pin.tables[0].deletes_count; i++)
		strcat(seen->files, "-");
	seen->manifests = pin.tables[0].manifest_count;
	lk_pin_release(&pin);
}

/* ---- tests ---- */

static void test_removal(void)
{
	struct seen seen;
	struct lk_target t;

	append('a', 1);
	append('b', 2);
	append('c', 3);
	open_table(&t);
	take_out(&t, 'b');
	add(&t, 'd', 4);
	is_int(commit(&t), LK_OK, "b is replaced by d");
	lk_target_release(&t);
	look(&seen, NULL);
	is_text(seen.files, "acd", "which the table shows");
	is_text(seen.sequences, "134", "and when each came");
	is_text(summary("operation"), "overwrite", "it is an overwrite");
	is_text(summary("total-records"), "8", "rows add up");
	is_text(summary("deleted-records"), "2", "so do those that went");
	is_text(summary("total-data-files"), "3", "and files");
	open_table(&t);
	take_out(&t, 'b');
	is_int(commit(&t), LK_CONFLICT, "what is gone cannot go again: %s", err.message);
	lk_target_release(&t);
	look(&seen, NULL);
	is_text(seen.files, "acd", "and nothing changed");
}

static void add_deletes(char letter, const char *of)
{
	struct lk_data_file deletes = file_of(letter, 1, of);
	struct lk_target t;

	open_table(&t);
	is_int(lk_target_add_deletes(&t, &deletes, &err), LK_OK, "rows are deleted");
	is_int(commit(&t), LK_OK, "by a commit");
	lk_target_release(&t);
}

static void test_deletes(void)
{
	struct lk_target t;
	struct seen seen;

	open_table(&t);
	t.replaces = true;
	take_out(&t, 'a');
	add(&t, 'e', 1);
	add_deletes('x', "file:///nowhere/a.parquet");
	is_text(summary("operation"), "delete", "it is a delete");
	look(&seen, NULL);
	is_text(seen.files, "acd-", "there are deletes");
	is_int(commit(&t), LK_CONFLICT, "who did not see them cannot replace the file: %s", err.message);
	lk_target_release(&t);

	open_table(&t);
	t.replaces = true;
	take_out(&t, 'a');
	add(&t, 'e', 1);
	is_int(commit(&t), LK_OK, "who saw them can");
	lk_target_release(&t);
	look(&seen, NULL);
	is_text(seen.files, "cde", "and they go with their file");
	is_text(summary("operation"), "replace", "it is a replace");
	is_text(summary("total-delete-files"), "0", "the totals know");
	is_text(summary("total-position-deletes"), "0", "both");
}

static enum lk_status set_property(void *context, json_t *root, struct lk_error *e)
{
	int *calls = context;

	(void)e;
	++*calls;
	json_object_set_new(json_object_get(root, "properties"), "commit.manifest.min-count-to-merge", json_string("3"));
	return LK_OK;
}

static enum lk_status refuse(void *context, json_t *root, struct lk_error *e)
{
	(void)context, (void)root;
	return lk_error_set(e, LK_CONFLICT, "not any more");
}

static void test_edit(void)
{
	struct lk_target t;
	json_t *root;
	int calls = 0;

	open_table(&t);
	append('f', 1);
	t.edit = set_property;
	t.edit_context = &calls;
	is_int(commit(&t), LK_OK, "metadata are edited");
	lk_target_release(&t);
	is_int(calls, 1, "once, on the newest");
	root = metadata();
	is_text(lk_metadata_property(root, "commit.manifest.min-count-to-merge"), "3", "which shows");
	is_int(json_array_size(json_object_get(root, "snapshots")), 7, "and makes no snapshot");
	json_decref(root);
	open_table(&t);
	t.edit = refuse;
	add(&t, 'z', 1);
	is_int(commit(&t), LK_CONFLICT, "an edit refuses: %s", err.message);
	lk_target_release(&t);
}

static void test_merge(void)
{
	struct seen seen;

	look(&seen, NULL);
	ok(seen.manifests >= 3, "there are %d manifests", seen.manifests);
	append('g', 1);
	look(&seen, NULL);
	is_int(seen.manifests, 2, "they are merged into one, and a new one");
	is_text(seen.files, "cdefg", "with all files");
	is_int(seen.sequences[0], '3', "as old as they are");
	is_text(summary("total-records"), "10", "rows add up");
}

static enum lk_status make_branch(void *context, json_t *root, struct lk_error *e)
{
	json_t *refs = json_object_get(root, "refs");

	(void)context, (void)e;
	json_object_set_new(refs, "audit", json_deep_copy(json_object_get(refs, "main")));
	return LK_OK;
}

static void test_branch(void)
{
	struct lk_target t;
	struct seen seen;
	json_t *root;

	open_table(&t);
	t.branch = strdup("audit");
	add(&t, 'z', 5);
	is_int(commit(&t), LK_DATA, "there is no branch: %s", err.message);
	lk_target_release(&t);
	open_table(&t);
	t.edit = make_branch;
	is_int(commit(&t), LK_OK, "one is made");
	lk_target_release(&t);
	open_table(&t);
	t.branch = strdup("audit");
	add(&t, 'h', 5);
	is_int(commit(&t), LK_OK, "h goes to a branch");
	lk_target_release(&t);
	look(&seen, NULL);
	is_text(seen.files, "cdefg", "main has it not");
	look(&seen, "audit");
	is_text(seen.files, "cdefgh", "the branch has");
	append('i', 1);
	open_table(&t);
	t.branch = strdup("audit");
	take_out(&t, 'c');
	is_int(commit(&t), LK_OK, "it goes its own way");
	lk_target_release(&t);
	look(&seen, "audit");
	is_text(seen.files, "defgh", "from where it was");
	look(&seen, NULL);
	is_text(seen.files, "cdefgi", "as main does");
	root = metadata();
	json_object_set_new(json_object_get(json_object_get(root, "refs"), "audit"), "type", json_string("tag"));
	is_int(lk_metadata_append(root, &(struct lk_snapshot){.id = 1, .manifest_list = "x", .branch = "audit"}, &err), LK_DATA,
		"a tag stays: %s", err.message);
	json_decref(root);
}

/* Makes the log begin with a file that is no version of the table; its path. */
static const char *note_stranger(json_t *root)
{
	static char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/stranger", dir);
	f = fopen(path, "w");
	if (f)
		fclose(f);
	json_array_insert_new(json_object_get(root, "metadata-log"), 0,
		json_pack("{s:s, s:i}", "metadata-file", path, "timestamp-ms", 1));
	return path;
}

static void test_log(void)
{
	static char path[512];
	const char *stranger;
	struct lk_target t;
	json_t *root = metadata();
	char *old = strdup(lk_uri_path(
		lk_metadata_text(json_array_get(json_object_get(root, "metadata-log"), 0), "metadata-file")));

	json_decref(root);
	ok(!access(old, F_OK), "the oldest version is there");
	open_table(&t);
	json_object_set_new(json_object_get(t.base, "properties"), "write.metadata.previous-versions-max", json_string("2"));
	stranger = note_stranger(t.base);
	add(&t, 'j', 1);
	is_int(commit(&t), LK_OK, "a commit that keeps two");
	ok(access(old, F_OK), "it is gone");
	ok(!access(stranger, F_OK), "what the log names elsewhere is left");
	snprintf(path, sizeof(path), "%s/version-hint.text", lk_uri_path(t.metadata_uri));
	ok(!access(path, F_OK), "a hint is there");
	lk_target_release(&t);
	free(old);
}

int main(void)
{
	char path[64], command[64];

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/lake", dir);
	is_int(lk_lake_open(&lake, path, LK_LAKE_CREATE, &err), LK_OK, "a lake is made");
	test_removal();
	test_deletes();
	test_edit();
	test_merge();
	test_branch();
	test_log();
	lk_lake_close(lake);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ok(system(command) == 0, "nothing is left behind");
	return done();
}
