/* lib/lake without rows: Avro, manifests, metadata, the catalog and the ledger. */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/file.h"
#include "lake/avro.h"
#include "lake/catalog.h"
#include "lake/codec.h"
#include "lake/ledger.h"
#include "lake/manifest.h"
#include "lake/metadata.h"
#include "lake/types.h"
#include "tap.h"

static char dir[] = "/tmp/lk-unit-lake.XXXXXX";
static struct lk_error err;

static const char *in_dir(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* ---- types ---- */

static void test_types(void)
{
	struct lk_column_type t = lk_type_read("decimal(9,2)"), wide = {LK_DECIMAL128, 12, 2}, other = {LK_DECIMAL128, 12, 3};
	struct lk_column_type i = {LK_INT32}, l = {LK_INT64};
	char text[LK_TYPE_TEXT];

	ok(t.type == LK_DECIMAL128 && t.precision == 9 && t.scale == 2, "a decimal without a blank is read");
	lk_type_write(&t, text);
	is_text(text, "decimal(9, 2)", "and written as Java does");
	ok(lk_type_read("decimal(39,2)").type == LK_OTHER && lk_type_read("decimal(9,2)x").type == LK_OTHER,
		"what is no decimal is not taken for one");
	ok(lk_type_read("float").type == LK_OTHER && lk_type_read(NULL).type == LK_OTHER, "float and nested types are others");
	for (int n = 0; n < LK_OTHER; n++) {
		struct lk_column_type one = {(enum lk_type)n, 9, 2};

		lk_type_write(&one, text);
		ok(lk_type_read(text).type == (enum lk_type)n, "%s reads back", text);
	}
	ok(lk_type_fit(&l, &i) == LK_FIT_AS_IS && lk_type_fit(&i, &l) == LK_FIT_WIDEN, "int fits long, long widens int");
	ok(lk_type_fit(&wide, &t) == LK_FIT_AS_IS && lk_type_fit(&t, &wide) == LK_FIT_WIDEN, "decimals widen by precision");
	ok(lk_type_fit(&wide, &other) == LK_FIT_NOT && lk_type_fit(&i, &t) == LK_FIT_NOT, "nothing else fits");
}

/* ---- Avro ---- */

struct seen {
	struct lk_str text;
};

static enum lk_status note(void *context, const struct lk_avro_value *v, struct lk_error *e)
{
	struct seen *s = context;

	(void)e;
	switch (v->kind) {
	case LK_AVRO_RECORD: lk_str_adds(&s->text, "("); break;
	case LK_AVRO_END: lk_str_adds(&s->text, ")"); break;
	case LK_AVRO_ARRAY: lk_str_addf(&s->text, " %d:", v->id); break;
	case LK_AVRO_ITEM: lk_str_adds(&s->text, " []"); break;
	case LK_AVRO_NULL: lk_str_addf(&s->text, " %d:null", v->id); break;
	case LK_AVRO_LONG: lk_str_addf(&s->text, " %d:%" PRId64, v->id, v->number); break;
	case LK_AVRO_DOUBLE: lk_str_addf(&s->text, " %d:double", v->id); break;
	case LK_AVRO_BYTES: lk_str_addf(&s->text, " %d:'%.*s'", v->id, (int)v->len, v->data); break;
	}
	return LK_OK;
}

static const char avro_schema[] =
	"{\"type\":\"record\",\"name\":\"x\",\"fields\":["
	"{\"name\":\"n\",\"type\":\"long\",\"field-id\":7},"
	"{\"name\":\"t\",\"type\":[\"null\",\"string\"],\"field-id\":8},"
	"{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":\"int\",\"element-id\":10},\"field-id\":9},"
	"{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"f4\",\"size\":4},\"field-id\":11},"
	"{\"name\":\"g\",\"type\":\"f4\",\"field-id\":12}]}";

static void make_avro(struct lk_avro_writer *w)
{
	const struct lk_meta header[] = {{"avro.schema", avro_schema}, {NULL, NULL}};
	enum lk_status status = lk_avro_begin(w, header, &err);

	lk_avro_long(&w->block, INT64_MIN);
	lk_avro_long(&w->block, 1);
	lk_avro_text(&w->block, "one");
	lk_avro_long(&w->block, 1);
	lk_avro_long(&w->block, 5);
	lk_avro_long(&w->block, -2); /* a block that says its size */
	lk_avro_long(&w->block, 2);
	lk_avro_long(&w->block, 6);
	lk_avro_long(&w->block, 7);
	lk_avro_long(&w->block, 0);
	lk_str_adds(&w->block, "abcdefgh");
	status |= lk_avro_end_record(w, &err);
	lk_avro_long(&w->block, 64);
	lk_avro_long(&w->block, 0);
	lk_avro_long(&w->block, 0);
	lk_str_adds(&w->block, "ABCDEFGH");
	status |= lk_avro_end_record(w, &err);
	status |= lk_avro_finish(w, &err);
	is_int(status, LK_OK, "an Avro file is written");
}

static void test_avro(void)
{
	struct lk_avro_writer w;
	struct seen seen = {LK_STR_INIT};
	size_t bad = 0, survived = 0;

	make_avro(&w);
	is_int(lk_avro_read(w.file.data, w.file.len, "x", note, &seen, &err), LK_OK, "and read");
	is_text(lk_str_text(&seen.text),
		"( 7:-9223372036854775808 8:'one' 9: [] 10:5 [] 10:6 [] 10:7 11:'abcd' 12:'efgh')"
		"( 7:64 8:null 9: 11:'ABCD' 12:'EFGH')",
		"value by value");
	for (size_t len = 0; len < w.file.len; len++) {
		char *part = malloc(len + 1); /* of exactly this size, so that a sanitizer sees a read beyond */

		memcpy(part, w.file.data, len);
		lk_str_clear(&seen.text);
		bad += lk_avro_read(part, len, "x", note, &seen, &err) != LK_OK;
		free(part);
	}
	ok(bad >= w.file.len - 1, "cut anywhere it is an error, but for the header alone (%zu of %zu)", bad, w.file.len);
	for (size_t i = 0; i < w.file.len * 4; i++) {
		w.file.data[i / 4] ^= (char)(1 << (i % 4 * 2));
		lk_str_clear(&seen.text);
		survived += lk_avro_read(w.file.data, w.file.len, "x", note, &seen, &err) == LK_OK;
		w.file.data[i / 4] ^= (char)(1 << (i % 4 * 2));
	}
	ok(survived < w.file.len * 4, "flipped bits crash nothing");
	lk_avro_writer_release(&w);
	lk_str_release(&seen.text);
}

/* "abcdabcdabcdabcd" and "xyz": a literal of 4, a copy of 12 from 4 back, a literal of 3; as snappy packs it for Avro. */
static const unsigned char snappy[] = {19, 3 << 2, 'a', 'b', 'c', 'd', 11 << 2 | 2, 4, 0, 2 << 2, 'x', 'y', 'z',
	0, 0, 0, 0};

static void test_codecs(void)
{
	static const char plain[] = "abcdabcdabcdabcdxyz";
	unsigned char block[sizeof(snappy)], zstd[200];
	uint32_t crc = libdeflate_crc32(0, plain, sizeof(plain) - 1);
	size_t len = ZSTD_compress(zstd, sizeof(zstd), plain, sizeof(plain) - 1, 1), good = 0;
	struct lk_str out = LK_STR_INIT;

	memcpy(block, snappy, sizeof(snappy));
	for (int i = 0; i < 4; i++)
		block[sizeof(block) - 4 + i] = (unsigned char)(crc >> (24 - 8 * i));
	is_int(lk_block_decompress("snappy", block, sizeof(block), &out, &err), LK_OK, "snappy is read");
	is_text(lk_str_text(&out), plain, "to what it was");
	for (size_t i = 0; i < sizeof(block) * 8; i++) {
		block[i / 8] ^= (unsigned char)(1 << i % 8);
		lk_str_clear(&out);
		good += !lk_block_decompress("snappy", block, sizeof(block), &out, &err);
		block[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	is_int(good, 0, "any bit of it flipped is found out");
	lk_str_clear(&out);
	is_int(lk_block_decompress("zstandard", zstd, len, &out, &err), LK_OK, "zstandard is read");
	is_text(lk_str_text(&out), plain, "to what it was");
	is_int(lk_block_decompress("zstandard", zstd, len - 3, &out, &err), LK_DATA, "and not when it is cut");
	is_int(lk_block_decompress("deflate", zstd, len, &out, &err), LK_DATA, "what is no deflate is damaged");
	is_int(lk_block_decompress("bzip2", zstd, len, &out, &err), LK_MISSING, "%s", err.message);
	lk_str_release(&out);
}

/* A record of records without bytes, 2^30 of them: refused before it takes an hour. */
static void test_avro_bomb(void)
{
	struct lk_str schema = LK_STR_INIT;
	struct lk_meta header[] = {{"avro.schema", NULL}, {NULL, NULL}};
	struct seen seen = {LK_STR_INIT};
	struct lk_avro_writer w;

	for (int i = 0; i < 15; i++)
		lk_str_addf(&schema, "{\"type\":\"record\",\"name\":\"r%d\",\"fields\":[{\"name\":\"a\",\"type\":", i);
	lk_str_adds(&schema, "{\"type\":\"record\",\"name\":\"r15\",\"fields\":[]}");
	for (int i = 14; i >= 0; i--) {
		for (int n = 0; n < 3; n++)
			lk_str_addf(&schema, "},{\"name\":\"b%d\",\"type\":\"r%d\"", n, i + 1);
		lk_str_adds(&schema, "}]}");
	}
	header[0].value = lk_str_text(&schema);
	ok(lk_avro_begin(&w, header, &err) == LK_OK, "a file of empty records");
	lk_str_adds(&w.block, "x");
	ok(!lk_avro_end_record(&w, &err) && !lk_avro_finish(&w, &err), "is written");
	is_int(lk_avro_read(w.file.data, w.file.len, "x", note, &seen, &err), LK_DATA, "and refused: %s", err.message);
	lk_avro_writer_release(&w);
	lk_str_release(&schema);
	lk_str_release(&seen.text);
}

/* ---- a lake without rows, made by hand ---- */

static enum lk_status count_entry(void *context, const struct lk_manifest_entry *entry, struct lk_error *e)
{
	int64_t *rows = context;

	(void)e;
	*rows += entry->file.metrics.rows;
	return LK_OK;
}

static const char schema_text[] = "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
				  "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\",\"doc\":\"the key\"},"
				  "{\"id\":2,\"name\":\"tags\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":3,"
				  "\"element\":\"string\",\"element-required\":false}}]}";

static void write_file(const char *path, const struct lk_str *text)
{
	is_int(lk_file_create(path, 0644, text->data, text->len, &err), LK_OK, "%s is written", lk_path_base(path));
}

static void make_manifest(const char *manifest_path, int64_t *length)
{
	int64_t splits[] = {4};
	struct lk_column_metrics column = {.field_id = 1, .compressed_bytes = 10, .value_count = 3, .nan_count = -1,
		.has_lower = true, .lower = {(char *)"\1\0\0\0\0\0\0\0", 8, 9, false}};
	struct lk_manifest_entry entry = {LK_ENTRY_ADDED, 77, -1, -1, {.uri = (char *)"file:///d/a.parquet",
		.metrics = {.rows = 3, .file_bytes = 1000, .split_offsets = splits, .split_count = 1, .columns = &column, .column_count = 1}}};
	struct lk_partition_spec spec = {0};
	struct lk_manifest_table table = {schema_text, 0, &spec, "[]"};
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_str text = LK_STR_INIT;
	struct lk_manifest_writer w;
	struct lk_manifest_file file;
	int64_t rows = 0;

	is_int(lk_manifest_begin(&w, &table, LK_CONTENT_DATA, &arena, &err), LK_OK, "a manifest is begun");
	is_int(lk_manifest_add(&w, &entry, &err), LK_OK, "a file is added");
	is_int(lk_manifest_finish(&w, &text, &file, &err), LK_OK, "and it is made");
	ok(file.added_files == 1 && file.added_rows == 3 && file.length == (int64_t)text.len, "with its counts");
	write_file(manifest_path, &text);
	*length = (int64_t)text.len;
	file.path = manifest_path;
	is_int(lk_manifest_read(&file, 0, &arena, count_entry, &rows, &err), LK_OK, "and read");
	is_int(rows, 3, "with its rows");
	lk_str_release(&text);
	lk_arena_release(&arena);
}

static void make_list(const char *list_path, const char *manifest_uri, int64_t length)
{
	struct lk_partition_summary summary = {.contains_null = 1, .contains_nan = 0, .lower = "a", .lower_len = 1};
	struct lk_manifest_file manifests[] = {
		{.path = manifest_uri, .length = length, .sequence = 1, .min_sequence = 1, .snapshot_id = 77, .added_files = 1,
			.added_rows = 3, .partitions = &summary, .partition_count = 1},
		{.path = "file:///gone.avro", .length = 1, .content = LK_CONTENT_DELETES, .snapshot_id = 77, .deleted_files = 2,
			.partition_count = -1},
	};
	struct lk_str text = LK_STR_INIT;
	struct lk_manifest_list list = {0};
	struct lk_arena arena = LK_ARENA_INIT;

	is_int(lk_manifest_list_write(manifests, 2, 77, -1, 1, &text, &err), LK_OK, "a manifest list is made");
	write_file(list_path, &text);
	is_int(lk_manifest_list_read(list_path, &arena, &list, &err), LK_OK, "and read");
	ok(list.count == 2 && list.items[0].added_rows == 3 && list.items[0].partition_count == 1 &&
			list.items[0].partitions->contains_null == 1 && list.items[0].partitions->contains_nan == 0 &&
			list.items[0].partitions->lower_len == 1 && !list.items[0].partitions->upper,
		"with counts and partitions");
	ok(list.items[1].partition_count == -1 && list.items[1].deleted_files == 2 && list.items[1].content == 1,
		"and a second manifest");
	lk_manifest_list_release(&list);
	lk_arena_release(&arena);
	lk_str_release(&text);
}

static json_t *make_metadata(const char *list_uri)
{
	json_t *schema = json_loads(schema_text, 0, NULL), *properties = json_pack("{s:s}", "a", "b");
	json_t *first = lk_metadata_new("9c12d441-03fe-4693-9a96-a0705ddf69c1", "file:///t", schema, 3, properties);
	struct lk_snapshot append = {.id = 77, .manifest_list = list_uri, .run = "run", .counts = {.data_files = 1, .rows = 3, .bytes = 1000}};
	json_t *next = lk_metadata_next(first, "file:///t/metadata/00000-x.metadata.json", 1000, NULL);

	is_int(lk_metadata_append(next, &append, &err), LK_OK, "a snapshot is appended");
	is_int(lk_metadata_add_schema(next, schema, 3, &err), LK_OK, "a schema is added");
	json_decref(first);
	json_decref(schema);
	json_decref(properties);
	return next;
}

static void write_metadata(const char *path, const json_t *root)
{
	struct lk_str text = LK_STR_INIT;
	char *dumped = json_dumps(root, JSON_COMPACT);

	lk_str_adds(&text, dumped);
	write_file(path, &text);
	free(dumped);
	lk_str_release(&text);
}

/* Numbers that the next commit adds to. */
static void test_metadata_ranges(void)
{
	static const struct {
		const char *key;
		json_int_t value;
		enum lk_status status;
	} cases[] = {{"last-column-id", 3, LK_OK}, {"last-column-id", INT32_MAX, LK_DATA}, {"last-column-id", -1, LK_DATA},
		{"last-sequence-number", INT64_MAX, LK_DATA}, {"last-sequence-number", -1, LK_DATA}};
	char path[600];

	snprintf(path, sizeof(path), "%s", in_dir("ranges.metadata.json"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *root = make_metadata("file:///t/metadata/list.avro"), *read;

		json_object_set_new(root, cases[i].key, json_integer(cases[i].value));
		write_metadata(path, root);
		is_int(lk_metadata_read(path, &read, &err), (int)cases[i].status, "%s %lld", cases[i].key, (long long)cases[i].value);
		json_decref(read);
		json_decref(root);
		unlink(path);
	}
}

static void make_lake(struct lk_lake *lake)
{
	char manifest[600], list[600], metadata[600];
	int64_t length;
	json_t *root;
	bool moved = false;

	snprintf(manifest, sizeof(manifest), "file://%s", in_dir("m0.avro"));
	snprintf(list, sizeof(list), "file:%s", in_dir("snap.avro"));
	snprintf(metadata, sizeof(metadata), "%s", in_dir("00001-x.metadata.json"));
	make_manifest(manifest + 7, &length);
	make_list(list + 5, manifest, length);
	root = make_metadata(list);
	write_metadata(metadata, root);
	json_decref(root);
	is_int(lk_catalog_begin(lake, &err), LK_OK, "a transaction begins");
	is_int(lk_catalog_swap(lake, "main", "t", NULL, metadata, &moved, &err), LK_OK, "a table is put in");
	ok(moved, "and is new");
	is_int(lk_catalog_swap(lake, "main", "t", NULL, metadata, &moved, &err), LK_OK, "it is put in again");
	ok(!moved, "and was there");
	is_int(lk_catalog_swap(lake, "main", "t", "elsewhere", metadata, &moved, &err), LK_OK, "it is moved from elsewhere");
	ok(!moved, "and was not there");
	is_int(lk_catalog_commit(lake, NULL, &err), LK_OK, "the transaction ends");
}

static void test_load(struct lk_lake *lake)
{
	struct lk_lake_table *t;
	struct lk_pin pin;

	is_int(lk_lake_pin(lake, &pin, &err), LK_OK, "the lake is pinned");
	is_int(pin.table_count, 1, "it has a table");
	t = pin.tables;
	is_int(lk_lake_table_load(&pin, t, &err), LK_OK, "which loads");
	is_text(t->namespace_name, "main", "its namespace");
	is_text(t->name, "t", "its name");
	is_int(t->snapshot_id, 77, "its snapshot");
	is_int(t->rows, 3, "its rows");
	is_int(t->updated_ms, 1000, "its time");
	ok(t->file_count == 1 && !strcmp(t->files[0].path, "/d/a.parquet") && !strcmp(t->files[0].uri, "file:///d/a.parquet"),
		"its file");
	is_int(t->column_count, 2, "its columns");
	ok(t->columns[0].id == 1 && t->columns[0].required && !strcmp(t->columns[0].doc, "the key"), "the first one");
	ok(!strncmp(t->columns[1].type, "{\"type\":\"list\"", 14), "the nested one");
	lk_pin_release(&pin);
}

static void test_lake(void)
{
	struct lk_lake *lake;

	is_int(lk_lake_open(&lake, dir, 0, &err), LK_NOINPUT, "no lake: %s", err.message);
	is_int(lk_lake_open(&lake, in_dir("a#b"), LK_LAKE_CREATE, &err), LK_CANTCREATE, "no such name: %s", err.message);
	is_int(lk_lake_open(&lake, in_dir("lake"), LK_LAKE_CREATE, &err), LK_OK, "a lake is made");
	make_lake(lake);
	test_load(lake);
	lk_lake_close(lake);
	is_int(lk_lake_open(&lake, in_dir("lake"), LK_LAKE_READONLY, &err), LK_OK, "it opens read-only");
	test_load(lake);
	lk_lake_close(lake);
}

/* ---- the ledger ---- */

static void record(struct lk_lake *lake, const struct lk_delivery *d, const char *run)
{
	is_int(lk_catalog_begin(lake, &err), LK_OK, "a transaction");
	is_int(lk_ledger_record(lake, "main", d, run, &err), LK_OK, "records a delivery");
	is_int(lk_catalog_commit(lake, NULL, &err), LK_OK, "in run %s", run);
}

static void test_ledger(void)
{
	struct lk_failed failed[] = {{"b.csv", "damaged", "", 0}, {"c.csv", "damaged", "", 5}, {"d.csv", "no resource", "s1", 0}};
	struct lk_delivery d = {"FAC1", "abc", "", "", 10, 20, .seen_run = "", .package_sha256 = "", .members = 3, .loaded = 1,
		.rows = 7, .failed = failed, .failed_count = 3};
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_ledger_entry entry;
	struct lk_ledger_path path;
	const char **members;
	struct lk_lake *lake;
	int count;
	bool same;

	is_int(lk_lake_open(&lake, in_dir("lake"), 0, &err), LK_OK, "the lake opens");
	record(lake, &d, "r1");
	is_int(lk_ledger_find(lake, "main", "FAC1", "abc", "s1", &entry, &err), LK_OK, "the ledger is asked");
	is_int(entry.state, LK_DELIVERY_PARTIAL, "the delivery is partial");
	ok(entry.again == 1 && entry.unmatched == 1, "with a member to try again, and one that fits no resource");
	is_int(lk_ledger_find(lake, "main", "FAC2", "abc", "s1", &entry, &err), LK_OK, "the ledger is asked");
	is_int(entry.state, LK_DELIVERY_UNKNOWN, "another sender's is unknown");
	is_int(lk_ledger_failed(lake, "main", "FAC1", "abc", "s1", &arena, &members, &count, &err), LK_OK, "its failed members");
	ok(count == 1 && !strcmp(members[0], "b.csv"), "are those of which nothing was loaded");
	is_int(lk_ledger_failed(lake, "main", "FAC1", "abc", "s2", &arena, &members, &count, &err), LK_OK, "for other sources");
	ok(count == 2 && !strcmp(members[1], "d.csv"), "also what fitted no resource");

	is_int(lk_ledger_unchanged(lake, "main", &d, &same, &err), LK_OK, "it is compared");
	ok(!same, "and is not as it was before");
	d = (struct lk_delivery){"FAC1", "abc", "", "", 10, 20, .package_sha256 = "", .loaded = 1, .rows = 2};
	is_int(lk_ledger_look(lake, "main", &d, &arena, &err), LK_OK, "it is looked at for a retry");
	ok(d.seen == LK_DELIVERY_PARTIAL && d.was_count == 3 && d.seen_rows == 7, "and found as recorded");
	is_int(lk_ledger_unchanged(lake, "main", &d, &same, &err), LK_OK, "it is compared");
	ok(same, "and is as it was");
	d.was[0].again = d.was[1].again = d.was[2].again = true;
	record(lake, &d, "r2");
	is_int(lk_ledger_find(lake, "main", "FAC1", "abc", "s1", &entry, &err), LK_OK, "the ledger is asked");
	is_int(entry.state, LK_DELIVERY_COMPLETE, "the delivery is complete");

	path = (struct lk_ledger_path){in_dir("x.zip"), 10, 20, "FAC1", "abc"};
	is_int(lk_ledger_add_paths(lake, "main", &path, 1, &err), LK_OK, "a path is added");
	is_int(lk_ledger_find_path(lake, "main", in_dir("./x.zip"), 10, 20, NULL, &entry, &err), LK_OK, "and asked for");
	ok(entry.state == LK_DELIVERY_COMPLETE && !strcmp(entry.sha256, "abc"), "it is known");
	is_int(lk_ledger_find_path(lake, "main", in_dir("x.zip"), 11, 20, NULL, &entry, &err), LK_OK, "of another size");
	is_int(entry.state, LK_DELIVERY_UNKNOWN, "it is not");
	lk_lake_close(lake);
	lk_arena_release(&arena);
}

/* ---- moments ---- */

static void test_at_parse(void)
{
	static const struct {
		const char *text;
		enum lk_at_kind kind;
		int64_t number;
	} cases[] = {{"1970-01-02", LK_AT_TIME, 86400000}, {"1970-01-01 00:00:01", LK_AT_TIME, 1000},
		{"1970-01-01T01:00:00.5+01:00", LK_AT_TIME, 500}, {"1969-12-31T23:59:59.9999Z", LK_AT_TIME, -1},
		{"77", LK_AT_SNAPSHOT, 77}, {"9223372036854775807", LK_AT_SNAPSHOT, INT64_MAX}, {"main", LK_AT_REF, 0},
		{"2026-02-30", LK_AT_REF, 0}, {"9223372036854775808", LK_AT_REF, 0}, {"7-a", LK_AT_REF, 0}};
	struct lk_lake_at at;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		is_int(lk_lake_at_parse(cases[i].text, &at, &err), LK_OK, "a moment: %s", cases[i].text);
		ok(at.kind == cases[i].kind && (at.kind == LK_AT_TIME ? at.time_ms : at.snapshot_id) == cases[i].number, "is of its kind");
	}
	is_int(lk_lake_at_parse("", &at, &err), LK_USAGE, "nothing is no moment");
}

/* What a moment of this metadata is; expect -1: refused, with the text. */
static void at_is(const json_t *root, const char *text, int64_t expect, int64_t expect_schema, const char *said)
{
	int64_t id, schema;
	struct lk_lake_at at;
	enum lk_status status = lk_lake_at_parse(text, &at, &err);

	if (!status)
		status = lk_lake_at_resolve(root, &at, &id, &schema, &err);
	if (expect < 0) {
		is_int(status, LK_DATA, "%s: %s", text, err.message);
		ok(strstr(err.message, said) != NULL, "which says '%s'", said);
		return;
	}
	is_int(status, LK_OK, "%s is found", text);
	ok(id == expect && schema == expect_schema, "and is the right one");
}

static void test_at(void)
{
	json_t *root = json_loads(
		"{\"format-version\":2,\"current-snapshot-id\":3,\"snapshots\":["
		"{\"snapshot-id\":1,\"timestamp-ms\":1000,\"schema-id\":0},"
		"{\"snapshot-id\":3,\"parent-snapshot-id\":1,\"timestamp-ms\":3000,\"schema-id\":1},"
		"{\"snapshot-id\":9,\"parent-snapshot-id\":1,\"timestamp-ms\":2500,\"schema-id\":0}],"
		"\"snapshot-log\":[{\"snapshot-id\":1,\"timestamp-ms\":1000},{\"snapshot-id\":2,\"timestamp-ms\":2000},"
		"{\"snapshot-id\":3,\"timestamp-ms\":3000}],"
		"\"refs\":{\"main\":{\"snapshot-id\":3,\"type\":\"branch\"},\"trial\":{\"snapshot-id\":9,\"type\":\"branch\"},"
		"\"1970-01-01\":{\"snapshot-id\":9,\"type\":\"tag\"}}}", 0, NULL);
	json_t *bare = json_loads("{\"format-version\":1,\"current-snapshot-id\":3,\"snapshots\":["
		"{\"snapshot-id\":1,\"timestamp-ms\":1000},{\"snapshot-id\":3,\"parent-snapshot-id\":1,\"timestamp-ms\":3000}]}", 0, NULL);

	at_is(root, "1", 1, 0, NULL);
	at_is(root, "main", 3, -1, NULL);
	at_is(root, "trial", 9, -1, NULL);
	at_is(root, "1970-01-01", 9, 0, NULL);
	at_is(root, "1970-01-01 00:00:01", 1, 0, NULL);
	at_is(root, "1970-01-01 00:00:03", 3, 1, NULL);
	at_is(root, "2026-01-01", 3, 1, NULL);
	at_is(root, "1970-01-01 00:00:02.9", -1, 0, "3 snapshots, from 1 of 1970-01-01T00:00:01Z to 9 of");
	at_is(root, "1970-01-01 00:00:00.9", -1, 0, "begins at 1970-01-01T00:00:01Z");
	at_is(root, "2", -1, 0, "3 snapshots, from 1");
	at_is(root, "none", -1, 0, "its refs are main, trial, 1970-01-01");
	at_is(bare, "main", 3, -1, NULL);
	at_is(bare, "1970-01-01 00:00:02", 1, -1, NULL);
	at_is(bare, "1970-01-01", -1, 0, "begins at");
	at_is(bare, "none", -1, 0, "it has no refs");
	json_decref(bare);
	json_decref(root);
}

/* ---- compressed metadata ---- */

static void test_gzip(void)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	json_t *root = make_metadata("file:///t/metadata/list.avro"), *read;
	char *text = json_dumps(root, 0), *packed = malloc(strlen(text) + 1000), path[600];
	struct lk_str file = LK_STR_INIT;

	file.len = libdeflate_gzip_compress(c, text, strlen(text), packed, strlen(text) + 1000);
	file.data = packed;
	snprintf(path, sizeof(path), "%s", in_dir("v1.gz.metadata.json"));
	write_file(path, &file);
	is_int(lk_metadata_read(path, &read, &err), LK_OK, "compressed metadata are read");
	ok(read && json_equal(read, root), "as they were");
	json_decref(read);
	unlink(path);
	for (size_t cut = 2; cut < file.len; cut += 7) {
		struct lk_str plain = LK_STR_INIT;

		if (lk_gzip_decompress(packed, cut, 1 << 20, &plain, &err) != LK_DATA)
			ok(false, "%zu bytes of it were taken for the whole", cut);
		lk_str_release(&plain);
	}
	memset(packed + file.len - 4, 0xff, 4);
	write_file(path, &file);
	is_int(lk_metadata_read(path, &read, &err), LK_DATA, "a length that is not true: %s", err.message);
	unlink(path);
	libdeflate_free_compressor(c);
	json_decref(root);
	free(packed);
	free(text);
}

/* ---- other people's files ---- */

static const char *public_data(void)
{
	const char *given = getenv("LK_DATA");

	return given && *given ? given : "../shared/data";
}

static void check_public(const char *path)
{
	const char *name = lk_path_base(path);
	bool sound = strstr(name, "Valid") || strstr(name, "V1Compat") || strstr(name, "example") || strstr(name, "V1SchemasWithoutCurrentId") ||
		     strstr(name, "V1PartitionSpecsWithoutDefaultId");
	enum lk_status status;
	json_t *root;

	if (strstr(name, "NoValid"))
		sound = false;
	status = lk_metadata_read(path, &root, &err);
	if (sound)
		is_int(status, LK_OK, "%s is read", name);
	else
		ok(status == LK_DATA || status == LK_MISSING, "%s: %s", name, err.message);
	json_decref(root);
}

static void test_public(void)
{
	struct lk_manifest_list list = {0};
	struct lk_arena arena = LK_ARENA_INIT;
	char pattern[512];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/iceberg/table_metadata/*.json", public_data());
	if (glob(pattern, 0, NULL, &found)) {
		ok(true, "public metadata # skip no public data here");
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *path = realpath(found.gl_pathv[i], NULL);

		check_public(path);
		free(path);
	}
	globfree(&found);
	snprintf(pattern, sizeof(pattern), "%s/iceberg/manifests_lists/manifest-list-v2-1.avro", public_data());
	is_int(lk_manifest_list_read(pattern, &arena, &list, &err), LK_OK, "a public manifest list is read");
	ok(list.count > 0 && list.items[0].added_files >= 0 && list.items[0].path, "with its manifests");
	lk_manifest_list_release(&list);
	lk_arena_release(&arena);
}

int main(void)
{
	char command[600];

	if (!mkdtemp(dir))
		return 1;
	test_types();
	test_avro();
	test_codecs();
	test_avro_bomb();
	test_lake();
	test_ledger();
	test_metadata_ranges();
	test_at_parse();
	test_at();
	test_gzip();
	test_public();
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ok(system(command) == 0, "nothing is left behind");
	return done();
}
