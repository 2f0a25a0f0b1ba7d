/*
 * The Parquet writer, its files read back by an independent reader: libduckdb.so, loaded at run time.
 *
 * What a file must hold is stated twice, in C where the rows are built and in SQL where they are compared: row i of a
 * column is a formula of i.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <libdeflate.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/codec.h"
#include "parquet/bits.h"
#include "parquet/compress.h"
#include "parquet/encode.h"
#include "parquet/parquet.h"
#include "parquet/range.h"
#include "stream/build.h"
#include "tap.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof(*(a))))

static char dir[] = "/tmp/lk-unit-parquet.XXXXXX";
static struct lk_error err;

static const char *in_dir(const char *name)
{
	static char path[4][512];
	static int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", dir, name);
	return path[next];
}

/* ---- DuckDB ---- */

typedef struct {
	void *opaque[6];
} duckdb_result; /* as large as duckdb.h declares it */

static struct {
	int (*open)(const char *, void **);
	int (*connect)(void *, void **);
	int (*query)(void *, const char *, duckdb_result *);
	char *(*value)(duckdb_result *, uint64_t, uint64_t);
	const char *(*error)(duckdb_result *);
	uint64_t (*columns)(duckdb_result *);
	uint64_t (*rows)(duckdb_result *);
	void (*destroy)(duckdb_result *);
	void (*disconnect)(void **);
	void (*close)(void **);
	void (*free)(void *);
	void *database, *connection;
} duckdb;

static bool load_duckdb(void)
{
	void *library = dlopen(getenv("LK_DUCKDB") ? getenv("LK_DUCKDB") : "build/deps/duckdb/libduckdb.so", RTLD_NOW);

	if (!library)
		return false;
#define LOAD(member, name) *(void **)&duckdb.member = dlsym(library, name)
	LOAD(open, "duckdb_open");
	LOAD(connect, "duckdb_connect");
	LOAD(query, "duckdb_query");
	LOAD(value, "duckdb_value_varchar");
	LOAD(error, "duckdb_result_error");
	LOAD(columns, "duckdb_column_count");
	LOAD(rows, "duckdb_row_count");
	LOAD(destroy, "duckdb_destroy_result");
	LOAD(disconnect, "duckdb_disconnect");
	LOAD(close, "duckdb_close");
	LOAD(free, "duckdb_free");
#undef LOAD
	return !duckdb.open(NULL, &duckdb.database) && !duckdb.connect(duckdb.database, &duckdb.connection) &&
		!duckdb.query(duckdb.connection, "set threads = 1", NULL);
}

/* The first row of a query's answer, columns parted by `|`; or the error. Each FILE in sql is the file's name. */
static const char *ask(const char *file, const char *sql)
{
	static struct lk_str answer, text;
	duckdb_result result = {0};

	lk_str_clear(&answer);
	lk_str_clear(&text);
	for (const char *p = sql, *hit; *p; p = hit + 4) {
		hit = strstr(p, "FILE");
		if (!hit) {
			lk_str_adds(&text, p);
			break;
		}
		lk_str_add(&text, p, (size_t)(hit - p));
		lk_str_addf(&text, "'%s'", in_dir(file));
	}
	if (duckdb.query(duckdb.connection, text.data, &result)) {
		lk_str_adds(&answer, duckdb.error(&result));
	} else {
		for (uint64_t i = 0; i < duckdb.columns(&result); i++) {
			char *value = duckdb.rows(&result) ? duckdb.value(&result, i, 0) : NULL;

			lk_str_addf(&answer, "%s%s", i ? "|" : "", value ? value : "NULL");
			duckdb.free(value);
		}
	}
	duckdb.destroy(&result);
	return lk_str_text(&answer);
}

#define answers(file, sql, want, ...) is_text(ask(file, sql), want, __VA_ARGS__)

/* ---- writing ---- */

static const struct lk_field all_fields[] = {
	{"i", LK_INT64, .required = true},
	{"b", LK_BOOL},
	{"i32", LK_INT32},
	{"i64", LK_INT64},
	{"f", LK_FLOAT64},
	{"d9", LK_DECIMAL128, 9, 2},
	{"d18", LK_DECIMAL128, 18, 4},
	{"d38", LK_DECIMAL128, 38, 6},
	{"few", LK_UTF8},
	{"many", LK_UTF8},
	{"bin", LK_BINARY},
	{"day", LK_DATE32},
	{"time", LK_TIME64},
	{"ts", LK_TIMESTAMP},
	{"tz", LK_TIMESTAMPTZ},
	{"nothing", LK_UTF8},
	{"nothing64", LK_INT64},
};

/* The same rows in SQL. */
#define ALL_ROWS                                                                                                      \
	"select i, case when i % 3 = 0 then null else i % 2 = 0 end b, "                                              \
	"case when i % 7 = 0 then null else (i * 7919) % 100003 - 50000 end i32, "                                    \
	"case when i % 5 = 0 then null else i * 1000000007 - 35000000000000 end i64, "                                \
	"case when i % 11 = 0 then null when i % 13 = 0 then 'nan'::double else i / 8.0::double end f, "              \
	"case when i % 9 = 0 then null else (((i * 31) % 1999999 - 999999)::decimal(7,0) * 0.01)::decimal(9,2) end d9, "                    \
	"case when i % 2 = 0 then null else ((i * 123456789)::decimal(13,0) * 0.0001)::decimal(18,4) end d18, "                                 \
	"case when i % 4 = 0 then null else ((i - 30000)::decimal(18,0) * 10000000000000::decimal(14,0))::decimal(38,6) end d38, "\
	"case when i % 6 = 0 then null else 'code ' || (i % 17) end few, "                                            \
	"case when i % 10 = 0 then null else repeat('é', (i % 5)::int) || i end many, "                               \
	"case when i % 8 = 0 then null else ('v' || (i % if(i < 1000, 10, 3000)))::blob end bin, "                                      \
	"case when i % 12 = 0 then null else date '1970-01-01' + ((i % 40000) - 20000)::int end as \"day\", "         \
	"case when i % 15 = 0 then null else time '00:00:00' + to_microseconds(i * 1000) end as \"time\", "           \
	"case when i % 14 = 0 then null else make_timestamp(i * 60000001 - 1000000000000) end ts, "                   \
	"case when i % 16 = 0 then null else i * 3600000000 end tz, "                                 \
	"null::varchar as \"nothing\", null::bigint as nothing64"

static void text_row(struct lk_builder *b, int column, bool null, const char *fmt, int64_t i)
{
	char text[64];

	if (null)
		lk_column_null(&b->columns[column]);
	else
		lk_column_bytes(&b->columns[column], text, (size_t)snprintf(text, sizeof(text), fmt, (long long)i));
}

#define PUT(column, null, call, value)                                                                                \
	do {                                                                                                          \
		if (null)                                                                                             \
			lk_column_null(&b->columns[column]);                                                          \
		else                                                                                                  \
			call(&b->columns[column], value);                                                             \
	} while (0)

static void all_row(struct lk_builder *b, int64_t i)
{
	static const char *const accents[] = {"", "é", "éé", "ééé", "éééé"};
	char fmt[32];

	lk_column_int64(&b->columns[0], i);
	PUT(1, i % 3 == 0, lk_column_bool, i % 2 == 0);
	PUT(2, i % 7 == 0, lk_column_int32, (int32_t)(i * 7919 % 100003 - 50000));
	PUT(3, i % 5 == 0, lk_column_int64, i * 1000000007 - 35000000000000);
	PUT(4, i % 11 == 0, lk_column_float64, i % 13 == 0 ? NAN : (double)i / 8);
	PUT(5, i % 9 == 0, lk_column_decimal, i * 31 % 1999999 - 999999);
	PUT(6, i % 2 == 0, lk_column_decimal, i * 123456789);
	PUT(7, i % 4 == 0, lk_column_decimal, (lk_int128)(i - 30000) * INT64_C(1000000000000000000) * 10);
	text_row(b, 8, i % 6 == 0, "code %lld", i % 17);
	snprintf(fmt, sizeof(fmt), "%s%%lld", accents[i % 5]);
	text_row(b, 9, i % 10 == 0, fmt, i);
	text_row(b, 10, i % 8 == 0, "v%lld", i % (i < 1000 ? 10 : 3000));
	PUT(11, i % 12 == 0, lk_column_int32, (int32_t)(i % 40000 - 20000));
	PUT(12, i % 15 == 0, lk_column_int64, i * 1000);
	PUT(13, i % 14 == 0, lk_column_int64, i * 60000001 - 1000000000000);
	PUT(14, i % 16 == 0, lk_column_int64, i * 3600000000);
	lk_column_null(&b->columns[15]);
	lk_column_null(&b->columns[16]);
}

static void describe(const struct lk_field *fields, int count, struct lk_parquet_column *columns)
{
	for (int i = 0; i < count; i++)
		columns[i] = (struct lk_parquet_column){fields[i].name, i + 1, fields[i].type, fields[i].precision,
			fields[i].scale, fields[i].required, false};
}

static struct lk_parquet *create(const char *file, const struct lk_field *fields, int count,
	const struct lk_parquet_options *options)
{
	struct lk_parquet_column columns[32];
	struct lk_parquet *w;

	describe(fields, count, columns);
	if (!ok(!lk_parquet_create(&w, in_dir(file), 0644, columns, count, options, &err), "%s: create", file))
		printf("# %s\n", err.message);
	return w;
}

static const int identity[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};

static bool choose_rows; /* rows are written in another order, one by one */

/* The odd rows, then the even ones. */
static bool write_chosen(struct lk_parquet *w, const struct ArrowArrayView *view)
{
	int32_t *rows = calloc((size_t)view->length + 1, sizeof(*rows));
	int64_t n = 0;
	bool good;

	for (int odd = 1; odd >= 0; odd--)
		for (int32_t i = odd; i < view->length; i += 2)
			rows[n++] = i;
	good = !lk_parquet_write_rows(w, view, identity, rows, n, &err);
	free(rows);
	return good;
}

static bool flush_rows(struct lk_parquet *w, struct lk_builder *b)
{
	const struct ArrowArrayView *view;
	bool good = !lk_builder_check(b, &err) && !lk_builder_view(b, &view, &err) &&
		(choose_rows ? write_chosen(w, view) : !lk_parquet_write(w, view, identity, &err));

	lk_builder_clear(b);
	return good;
}

/* Rows 0 .. rows-1 in batches of batch_rows. */
static struct lk_file_metrics write_all(const char *file, int64_t rows, int64_t batch_rows,
	const struct lk_parquet_options *options)
{
	struct lk_parquet *w = create(file, all_fields, COUNT(all_fields), options);
	struct lk_file_metrics metrics = {0};
	struct lk_builder b;
	bool good = !lk_builder_init(&b, all_fields, COUNT(all_fields), NULL, &err);

	for (int64_t i = 0; good && i < rows; i++) {
		all_row(&b, i);
		good = !lk_builder_end_row(&b, &err) && (b.rows < batch_rows || flush_rows(w, &b));
	}
	good = good && flush_rows(w, &b);
	lk_builder_release(&b);
	good = !lk_parquet_close(w, &metrics, &err) && good;
	if (!ok(good, "%s: %lld rows are written", file, (long long)rows))
		printf("# %s\n", err.message);
	return metrics;
}

static void compare_all(const char *file, const char *rows)
{
	char sql[8192], want[64];

	snprintf(sql, sizeof(sql),
		"with p as (select * replace (epoch_us(tz) as tz) "
		"from read_parquet(FILE)), q as (%s from range(%s) t(i)) "
		"select (select count(*) from p), (select count(*) from p full join q on p.i = q.i where p is distinct from q)",
		ALL_ROWS, rows);
	snprintf(want, sizeof(want), "%s|0", rows);
	answers(file, sql, want, "%s: every row is read back as it was", file);
}

static void test_all_types(void)
{
	struct lk_parquet_options small = {LK_CODEC_ZSTD, 1, 200000, 20000, 1000, 2 << 20, 0};
	struct lk_parquet_options counted = {LK_CODEC_ZSTD, 1, 128 << 20, 1 << 20, 1000, 2 << 20, 4100};
	struct lk_parquet_options tight = {LK_CODEC_ZSTD, 1, 128 << 20, 1 << 20, 300, 4096, 0};
	struct lk_file_metrics m;

	m = write_all("plain.parquet", 50000, 65536, NULL);
	compare_all("plain.parquet", "50000");
	is_int(m.rows, 50000, "metrics count the rows");
	is_int(m.split_count, 1, "a small file has one row group");
	is_int(m.split_offsets[0], 4, "it starts after the magic");
	is_int(m.columns[2].null_count, 7143, "and nulls");
	is_int(m.columns[4].nan_count, 3497, "and NaN");
	is_int(m.columns[2].nan_count, -1, "which only floats have");
	is_int(m.columns[15].null_count, 50000, "a column of nulls has nothing else");
	ok(!m.columns[15].has_lower && !m.columns[15].has_upper, "and no bounds");
	lk_file_metrics_release(&m);

	m = write_all("groups.parquet", 30011, 7001, &small);
	compare_all("groups.parquet", "30011");
	ok(m.split_count > 5, "small row groups make many (%d)", m.split_count);
	lk_file_metrics_release(&m);

	m = write_all("counted.parquet", 10000, 7001, &counted);
	compare_all("counted.parquet", "10000");
	is_int(m.split_count, 3, "row groups end at a number of rows");
	lk_file_metrics_release(&m);
	answers("counted.parquet", "select string_agg(n, ' ') from (select distinct row_group_id g, row_group_num_rows n from "
		"parquet_metadata(FILE) order by g)", "4100 4100 1800", "just there");

	m = write_all("tight.parquet", 30000, 30000, &tight);
	compare_all("tight.parquet", "30000");
	lk_file_metrics_release(&m);
	answers("tight.parquet",
		"select encodings like '%PLAIN%' and encodings like '%RLE_DICTIONARY%' from parquet_metadata(FILE) "
		"where path_in_schema = 'bin'", "true", "a dictionary that grows too large goes on in PLAIN");

	m = write_all("empty.parquet", 0, 1, NULL);
	compare_all("empty.parquet", "0");
	is_int(m.split_count, 0, "a file without rows has no row group");
	lk_file_metrics_release(&m);
	m = write_all("one.parquet", 1, 1, NULL);
	compare_all("one.parquet", "1");
	lk_file_metrics_release(&m);
}

static void test_chosen_rows(void)
{
	struct lk_parquet_options small = {LK_CODEC_ZSTD, 1, 200000, 20000, 1000, 2 << 20, 0};
	struct lk_file_metrics m;

	choose_rows = true;
	m = write_all("chosen.parquet", 30011, 7001, &small);
	choose_rows = false;
	compare_all("chosen.parquet", "30011");
	is_int(m.columns[2].null_count, 30011 / 7 + 1, "their nulls are counted");
	lk_file_metrics_release(&m);
	answers("chosen.parquet", "select string_agg(i, ' ') from (select i from read_parquet(FILE) limit 3)", "1 3 5",
		"they are in the order that was asked for");
}

static void test_codecs(void)
{
	static const struct {
		const char *file, *name;
		enum lk_codec codec;
		int level;
	} codecs[] = {{"plain-codec.parquet", "UNCOMPRESSED", LK_CODEC_UNCOMPRESSED, 0}, {"snappy.parquet", "SNAPPY", LK_CODEC_SNAPPY, 0},
		{"gzip.parquet", "GZIP", LK_CODEC_GZIP, 0}, {"gzip9.parquet", "GZIP", LK_CODEC_GZIP, 9},
		{"zstd.parquet", "ZSTD", LK_CODEC_ZSTD, 3}};
	int64_t plain = 0;

	for (int i = 0; i < COUNT(codecs); i++) {
		struct lk_parquet_options options = LK_PARQUET_DEFAULTS;
		struct lk_file_metrics m;

		options.codec = codecs[i].codec;
		options.level = codecs[i].level;
		m = write_all(codecs[i].file, 50000, 65536, &options);
		compare_all(codecs[i].file, "50000");
		answers(codecs[i].file, "select string_agg(distinct compression, ',') from parquet_metadata(FILE)", codecs[i].name,
			"all of it is in %s", codecs[i].name);
		if (!i)
			plain = m.file_bytes;
		else
			ok(m.file_bytes < plain * 3 / 4, "%s is smaller than nothing compressed (%d %%)", codecs[i].file,
				(int)(m.file_bytes * 100 / plain));
		lk_file_metrics_release(&m);
	}
}

/* Texts of which some repeat near, some far, and some not at all, of every length about the limits of the format. */
static void test_snappy(void)
{
	enum { MOST = 200000 };
	char *text = malloc(MOST + 3 * 8);
	struct lk_str packed = LK_STR_INIT, framed = LK_STR_INIT, back = LK_STR_INIT;
	uint32_t seed = 7;
	bool good = text != NULL;

	for (int round = 0; good && round < 300; round++) {
		size_t len = round < 150 ? (size_t)round : seed % MOST;
		uint32_t crc;

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			if (round % 3 == 0)
				text[i] = (char)(seed >> 24);
			else if (i >= 7 && seed >> 28)
				text[i] = text[i - (round % 3 == 1 ? 7 : i > 3000 ? 3000 : 1)];
			else
				text[i] = (char)('a' + (seed >> 16) % 20);
		}
		lk_str_clear(&packed);
		good = !lk_snappy_compress(text, len, &packed, &err) && packed.len <= len + len / 6 + 32;
		crc = __builtin_bswap32(libdeflate_crc32(0, text, len));
		lk_str_clear(&framed);
		lk_str_add(&framed, packed.data, packed.len);
		lk_str_add(&framed, &crc, 4);
		lk_str_clear(&back);
		good = good && !lk_block_decompress("snappy", (unsigned char *)framed.data, framed.len, &back, &err) && back.len == len &&
		       !memcmp(lk_str_text(&back), text, len);
	}
	ok(good, "what snappy packed is the same when unpacked");
	lk_str_release(&packed);
	lk_str_release(&framed);
	lk_str_release(&back);
	free(text);
}

static void test_metadata(void)
{
	answers("plain.parquet",
		"select string_agg(name || ' ' || type || coalesce(' ' || type_length, '') || ' ' || repetition_type || "
		"coalesce(' ' || converted_type, '') || ' ' || field_id, ', ') "
		"from (from parquet_schema(FILE) offset 1)",
		"i INT64 REQUIRED 1, b BOOLEAN OPTIONAL 2, i32 INT32 OPTIONAL 3, i64 INT64 OPTIONAL 4, "
		"f DOUBLE OPTIONAL 5, d9 INT32 OPTIONAL DECIMAL 6, d18 INT64 OPTIONAL DECIMAL 7, "
		"d38 FIXED_LEN_BYTE_ARRAY 16 OPTIONAL DECIMAL 8, few BYTE_ARRAY OPTIONAL UTF8 9, "
		"many BYTE_ARRAY OPTIONAL UTF8 10, bin BYTE_ARRAY OPTIONAL 11, day INT32 OPTIONAL DATE 12, "
		"time INT64 OPTIONAL TIME_MICROS 13, ts INT64 OPTIONAL 14, tz INT64 OPTIONAL TIMESTAMP_MICROS 15, "
		"nothing BYTE_ARRAY OPTIONAL UTF8 16, nothing64 INT64 OPTIONAL 17",
		"physical and converted types, repetition and field ids");
	answers("plain.parquet",
		"select string_agg(column_type, ', ') from (describe from read_parquet(FILE))",
		"BIGINT, BOOLEAN, INTEGER, BIGINT, DOUBLE, DECIMAL(9,2), DECIMAL(18,4), DECIMAL(38,6), VARCHAR, "
		"VARCHAR, BLOB, DATE, TIME, TIMESTAMP, TIMESTAMP WITH TIME ZONE, VARCHAR, BIGINT",
		"logical types");
	answers("plain.parquet",
		"select created_by, num_rows, num_row_groups, format_version from parquet_file_metadata(FILE)",
		"lk version 0.1.0 (build c)|50000|1|2", "the file says who wrote it");
}


/* A reader that trusts statistics finds what is there: row groups are left out by them. */
static void test_pruning(void)
{
	static const char *const conditions[] = {
		"i = 20000", "i32 > 50000", "i64 < -34990000000000", "f > 3750", "d9 = 1.23", "d38 > 0", "few = 'code 3'",
		"many >= 'éééé29'", "bin = 'v2999'::blob", "b", "\"day\" > date '2020-01-01'", "ts < timestamp '1969-12-25'",
		"\"time\" > time '00:00:29'", "tz > timestamptz '1973-01-01 00:00:00+00'", "nothing is null", "i64 is null",
	};

	for (int i = 0; i < COUNT(conditions); i++) {
		char sql[512], all[64];

		snprintf(sql, sizeof(sql), "select count(*) from (select (%s) c from read_parquet(FILE)) where c", conditions[i]);
		snprintf(all, sizeof(all), "%s", ask("groups.parquet", sql));
		snprintf(sql, sizeof(sql), "select count(*) from read_parquet(FILE) where %s", conditions[i]);
		answers("groups.parquet", sql, all, "%s finds %s", conditions[i], all);
	}
}

/* ---- views of other shapes ---- */

static void test_views(void)
{
	static const struct lk_field fields[] = {{"n", LK_INT64}, {"t", LK_UTF8}, {"b", LK_BOOL}, {"none", LK_UTF8}};
	static const int source[] = {0, 1, 2, -1};
	static const int32_t numbers[] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
	static const int64_t offsets[] = {0, 1, 3, 6, 6, 6, 7, 8, 9, 10, 11};
	static const uint8_t bits[] = {0x55, 0x01}, valid[] = {0xfb, 0xff};
	struct ArrowArrayView root = {0}, n = {0}, t = {0}, b = {0}, *children[] = {&n, &t, &b};
	struct lk_parquet *w = create("views.parquet", fields, COUNT(fields), NULL);
	struct lk_file_metrics m;

	n.storage_type = NANOARROW_TYPE_INT32;
	n.buffer_views[1].data.as_int32 = numbers;
	t.storage_type = NANOARROW_TYPE_LARGE_STRING;
	t.buffer_views[0].data.as_uint8 = valid;
	t.buffer_views[1].data.as_int64 = offsets;
	t.buffer_views[2].data.as_char = "abbcccdefgh";
	t.null_count = -1;
	b.storage_type = NANOARROW_TYPE_BOOL;
	b.buffer_views[1].data.as_uint8 = bits;
	n.offset = 1;
	root.offset = 1;
	root.length = 6;
	root.n_children = 3;
	root.children = children;
	ok(!lk_parquet_write(w, &root, source, &err), "a view of rows from the middle is written");
	ok(!lk_parquet_close(w, &m, &err), "and the file closed");
	answers("views.parquet",
		"select string_agg(concat_ws(' ', n, coalesce(t, 'NULL'), b::int, coalesce(none, '-')), ',') from "
		"read_parquet(FILE)",
		"7 bb 0 -,6 NULL 1 -,5  0 -,4  1 -,3 d 0 -,2 e 1 -",
		"offsets of the batch and of its columns add up; int32 widens; a column without source is null");
	is_int(m.columns[0].value_count, 6, "metrics count what was written");
	lk_file_metrics_release(&m);
}

/* ---- metrics ---- */

static const char *hex(const struct lk_str *s, bool has)
{
	static char text[4][512];
	static int next;

	next = (next + 1) % 4;
	if (!has)
		return "none";
	for (size_t i = 0; i < s->len && i < 255; i++)
		sprintf(text[next] + 2 * i, "%02x", (unsigned char)s->data[i]);
	text[next][2 * s->len] = '\0';
	return text[next];
}

static void test_bounds(void)
{
	static const struct lk_field fields[] = {
		{"b", LK_BOOL}, {"i", LK_INT32}, {"l", LK_INT64}, {"f", LK_FLOAT64}, {"nan", LK_FLOAT64},
		{"d4", LK_DECIMAL128, 9, 2}, {"d16", LK_DECIMAL128, 38, 0}, {"t", LK_UTF8}, {"top", LK_UTF8},
		{"bin", LK_BINARY}, {"ff", LK_BINARY}, {"path", LK_UTF8},
	};
	static const char *const want[][2] = {
		{"00", "01"},
		{"00000080", "ffffff7f"},
		{"0000000000000080", "ffffffffffffff7f"},
		{"0000000000000080", "0000000000000000"},
		{"none", "none"},
		{"fa74", "058c"},
		{"ff", "00c097ce7bc90715b34b9f1000000000"},
		{"c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9",
			"f09f9880f09f9880f09f9880f09f9880f09f9880f09f9880f09f9880f09f9880"
			"f09f9880f09f9880f09f9880f09f9880f09f9880f09f9880f09f9880f09f9881"},
		{"61", "none"},
		{"00010203040506070809000102030405", "fe"},
		{"ff", "none"},
		{"66696c653a2f2f2f6c616b652f612f76657279", "66696c653a2f2f2f6c616b652f612f76657279"},
	};
	char accents[48], faces[100], tops[84], run[24], fe[24], ff[80];
	struct lk_parquet_column columns[COUNT(fields)];
	struct lk_file_metrics m;
	struct lk_parquet *w;
	struct lk_builder b;
	const struct ArrowArrayView *view;

	for (int i = 0; i < 20; i++) {
		memcpy(accents + 2 * i, "é", 3);
		memcpy(faces + 4 * i, "😀", 5);
		memcpy(tops + 4 * i, "\xf4\x8f\xbf\xbf", 5);
		run[i] = (char)(i % 10);
		fe[i] = i ? (char)0xff : (char)0xfd;
	}
	memset(ff, 0xff, sizeof(ff));
	describe(fields, COUNT(fields), columns);
	columns[11].full_bounds = true;
	ok(!lk_parquet_create(&w, in_dir("bounds.parquet"), 0644, columns, COUNT(fields), NULL, &err) &&
			!lk_builder_init(&b, fields, COUNT(fields), NULL, &err), "bounds.parquet: create");
	for (int low = 0; low < 2; low++) {
		lk_column_bool(&b.columns[0], low);
		lk_column_int32(&b.columns[1], low ? INT32_MIN : INT32_MAX);
		lk_column_int64(&b.columns[2], low ? INT64_MIN : INT64_MAX);
		lk_column_float64(&b.columns[3], low ? 0.0 : -0.0);
		lk_column_float64(&b.columns[4], NAN);
		lk_column_decimal(&b.columns[5], low ? -1420 : 1420);
		lk_column_decimal(&b.columns[6], low ? -1 : (lk_int128)1000000000000000000 * 1000000000000000000);
		lk_column_text(&b.columns[7], low ? accents : faces);
		lk_column_text(&b.columns[8], low ? "a" : tops);
		lk_column_bytes(&b.columns[9], low ? run : fe, 20);
		lk_column_bytes(&b.columns[10], ff, low ? 1 : sizeof(ff));
		lk_column_text(&b.columns[11], "file:///lake/a/very");
		ok(!lk_builder_end_row(&b, &err), "a row of extremes");
	}
	ok(!lk_builder_view(&b, &view, &err) && !lk_parquet_write(w, view, identity, &err) &&
			!lk_parquet_close(w, &m, &err), "bounds.parquet is written");
	for (int i = 0; i < m.column_count; i++) {
		is_text(hex(&m.columns[i].lower, m.columns[i].has_lower), want[i][0], "%s: lower bound", fields[i].name);
		is_text(hex(&m.columns[i].upper, m.columns[i].has_upper), want[i][1], "%s: upper bound", fields[i].name);
	}
	is_int(m.columns[4].nan_count, 2, "NaN is counted");
	lk_file_metrics_release(&m);
	lk_builder_release(&b);
	answers("bounds.parquet",
		"select string_agg(concat_ws(' ', path_in_schema, stats_min_value is not null, stats_max_value is not null, "
		"min_is_exact, max_is_exact), ', ') from parquet_metadata(FILE) where path_in_schema in "
		"('l', 'nan', 't', 'top', 'bin', 'ff', 'path')",
		"l true true true true, nan false false, t true true true false, top true false true, "
		"bin true true true true, ff true false true, path true true true true",
		"statistics say whether they are exact, and are absent where nothing sorts higher");
	answers("bounds.parquet", "select count(*) from read_parquet(FILE) where t > 'é' and top > 'b' and f = 0 and l > 0", "1",
		"and hide no row");
}

/* The modes of what is told of a column. */
static void test_metrics_modes(void)
{
	static const struct lk_field fields[] = {
		{"none", LK_FLOAT64}, {"counts", LK_FLOAT64}, {"three", LK_UTF8}, {"forty", LK_UTF8}, {"full", LK_UTF8}, {"n", LK_INT64}};
	struct lk_parquet_column columns[COUNT(fields)];
	struct lk_file_metrics m;
	struct lk_parquet *w;
	struct lk_builder b;
	char text[101];
	bool good;

	describe(fields, COUNT(fields), columns);
	columns[0].metrics = LK_METRICS_NONE;
	columns[1].metrics = LK_METRICS_COUNTS;
	columns[2].points = 3;
	columns[3].points = 40;
	columns[4].metrics = LK_METRICS_FULL;
	columns[5].points = 3;
	memset(text, 'x', 100);
	text[100] = '\0';
	good = !lk_parquet_create(&w, in_dir("modes.parquet"), 0644, columns, COUNT(fields), NULL, &err) &&
	       !lk_builder_init(&b, fields, COUNT(fields), NULL, &err);
	lk_column_float64(&b.columns[0], 1);
	lk_column_float64(&b.columns[1], 1);
	for (int i = 2; i < 5; i++)
		lk_column_text(&b.columns[i], text);
	lk_column_int64(&b.columns[5], 1);
	good = good && !lk_builder_end_row(&b, &err) && flush_rows(w, &b) && !lk_parquet_close(w, &m, &err);
	lk_builder_release(&b);
	if (!ok(good, "a file of all modes"))
		return;
	ok(m.columns[0].compressed_bytes > 0 && m.columns[0].value_count == -1 && m.columns[0].null_count == -1 &&
			m.columns[0].nan_count == -1 && !m.columns[0].has_lower, "none: a size only");
	ok(m.columns[1].value_count == 1 && m.columns[1].nan_count == 0 && !m.columns[1].has_lower && !m.columns[1].has_upper,
		"counts: no bounds");
	is_text(hex(&m.columns[2].upper, m.columns[2].has_upper), "787879", "truncate(3)");
	ok(m.columns[3].lower.len == 40 && m.columns[3].upper.len == 40 && m.columns[3].upper.data[39] == 'y', "truncate(40)");
	ok(m.columns[4].lower.len == 100 && m.columns[4].upper.len == 100, "full");
	ok(m.columns[5].lower.len == 8, "numbers are never cut");
	lk_file_metrics_release(&m);
	answers("modes.parquet", "select string_agg(length(stats_max_value), ',') from parquet_metadata(FILE) where path_in_schema "
		"in ('three', 'forty', 'full')", "64,64,64", "statistics in the file are cut as always");
}

/* A long value ends in a page of its own; memory is what is held, not what was written. */
static void test_memory(void)
{
	static struct lk_field fields[120];
	static char names[120][8], text[100000];
	struct lk_parquet_column columns[120];
	struct lk_file_metrics m;
	struct lk_parquet *w;
	struct lk_builder b;
	int source[120];
	int64_t most = 0;
	bool good;

	for (int i = 0; i < 120; i++) {
		snprintf(names[i], sizeof(names[i]), "c%d", i);
		fields[i] = (struct lk_field){names[i], i < 60 ? LK_UTF8 : LK_INT64};
		source[i] = i;
	}
	describe(fields, 120, columns);
	good = !lk_parquet_create(&w, in_dir("wide.parquet"), 0644, columns, 120, NULL, &err) &&
		!lk_builder_init(&b, fields, 120, NULL, &err);
	for (int64_t row = 0; good && row < 20000; row++) {
		const struct ArrowArrayView *view;

		for (int i = 0; i < 60; i++) {
			int len = snprintf(text, sizeof(text), "%llx value of column %d", (long long)(row * 7919 * (i + 1)), i);

			lk_column_bytes(&b.columns[i], text, (size_t)len);
			lk_column_int64(&b.columns[60 + i], row * (i + 1));
		}
		good = !lk_builder_end_row(&b, &err);
		if (row % 2000 == 1999) {
			good = good && !lk_builder_view(&b, &view, &err) && !lk_parquet_write(w, view, source, &err);
			lk_builder_clear(&b);
			most = lk_parquet_buffered(w) > most ? lk_parquet_buffered(w) : most;
		}
	}
	ok(good, "120 columns are written");
	ok(most > 1 << 20 && most < 100 << 20, "they hold %lld MiB at most", (long long)most >> 20);
	ok(lk_parquet_size(w) > 1 << 20, "the file will have some size");
	ok(!lk_parquet_flush(w, &err), "the row group is ended");
	is_int(lk_parquet_buffered(w), 0, "then nothing is held");
	lk_builder_release(&b);
	ok(!lk_parquet_close(w, &m, &err), "wide.parquet is closed");
	lk_file_metrics_release(&m);
	answers("wide.parquet", "select count(*), sum(c60), sum(c119), count(distinct c59) from read_parquet(FILE)",
		"20000|199990000|11999400000|20000", "and read back");
}

/* ---- what is refused ---- */

static void test_errors(void)
{
	static const struct lk_field fields[] = {{"id", LK_INT64, .required = true}, {"d", LK_DECIMAL128, 4, 2}};
	static const int missing[] = {-1, -1}, swapped[] = {1, 0};
	struct lk_file_metrics m;
	const struct ArrowArrayView *view;
	struct lk_parquet_column columns[2];
	struct lk_parquet *w;
	struct lk_builder b;
	enum lk_status status;
	struct rlimit limit, none;

	describe(fields, 2, columns);
	w = create("bad.parquet", fields, 2, NULL);
	ok(lk_parquet_create(&(struct lk_parquet *){NULL}, in_dir("bad.parquet"), 0644, columns, 2, NULL, &err) == LK_CANTCREATE,
		"a file that exists is not written over");
	ok(lk_parquet_create(&(struct lk_parquet *){NULL}, in_dir("no/bad.parquet"), 0644, columns, 2, NULL, &err) == LK_CANTCREATE,
		"nor one made where there is no folder");
	status = lk_builder_init(&b, fields, 2, NULL, &err);
	for (int i = 0; i < 3; i++) {
		lk_column_int64(&b.columns[0], i);
		lk_column_decimal(&b.columns[1], i == 2 ? 10000 : 9999);
		status = status ? status : lk_builder_end_row(&b, &err);
	}
	ok(!status && !lk_builder_view(&b, &view, &err), "three rows");
	ok(lk_parquet_write(w, view, swapped, &err) == LK_BUG, "columns must be of the file's types");
	ok(lk_parquet_write(w, view, identity, &err) == LK_DATA && strstr(err.message, "column 'd'"),
		"a decimal with too many digits is refused");
	ok(lk_parquet_close(w, &m, &err) == LK_BUG && access(in_dir("bad.parquet"), F_OK),
		"a file that lacks rows cannot be closed; it is removed");
	w = create("bad.parquet", fields, 2, NULL);
	ok(lk_parquet_write(w, view, missing, &err) == LK_DATA, "a required column must have values");
	is_text(err.message, "column 'id' is required, but row 1 of the table has none", "which is said");
	lk_parquet_abandon(w);
	ok(access(in_dir("bad.parquet"), F_OK), "an abandoned file is removed");
	lk_builder_release(&b);

	w = create("bad.parquet", fields, 2, NULL);
	getrlimit(RLIMIT_FSIZE, &limit);
	none = limit;
	none.rlim_cur = 2;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	status = lk_parquet_close(w, &m, &err);
	setrlimit(RLIMIT_FSIZE, &limit);
	ok(status == LK_IO && access(in_dir("bad.parquet"), F_OK), "a file that cannot be written is an error, and removed");
}

/* ---- encodings, decoded by the book ---- */

static uint64_t varint(const uint8_t **p)
{
	uint64_t v = 0;
	int shift = 0;

	do {
		v |= (uint64_t)(**p & 0x7f) << shift;
		shift += 7;
	} while (*(*p)++ & 0x80);
	return v;
}

/* Whether the hybrid runs in [p, end) hold exactly these values, and no more than a group's padding after them. */
static bool decodes(const uint8_t *p, const uint8_t *end, int width, const uint32_t *want, int64_t n)
{
	int64_t i = 0;

	while (p < end && i < n) {
		uint64_t header = varint(&p), count = header >> 1;

		if (header & 1) {
			for (uint64_t j = 0; j < count * 8; j++, i++)
				if (i < n && lk_bits_load(p, (int64_t)j * width, width) != want[i])
					return false;
			p += count * (uint64_t)width;
		} else {
			uint32_t value = 0;

			memcpy(&value, p, (size_t)(width + 7) / 8);
			p += (width + 7) / 8;
			for (uint64_t j = 0; j < count; j++, i++)
				if (i >= n || want[i] != value)
					return false;
		}
	}
	return p == end && i >= n && i < n + 8;
}

static void test_encodings(void)
{
	enum { MOST = 3000 };
	static uint32_t values[MOST];
	static uint8_t out[LK_INDICES_ROOM(MOST, 16) + 16], bits[MOST / 8 + 16];
	uint32_t seed = 1;
	bool indices_good = true, levels_good = true, fits = true;

	for (int round = 0; round < 2000; round++) {
		int width = round % 16 + 1;
		int64_t n = round % 7 ? (int)(seed % MOST) : round % 40, ones = 0;
		uint32_t value = 0, run = 0;
		size_t len;

		for (int64_t i = 0; i < n; i++, run--) {
			if (!run) {
				seed = seed * 1664525 + 1013904223;
				run = seed >> 28 ? (seed >> 8) % 12 + 1 : (seed >> 8) % 500 + 1;
				value = seed >> 12 & ((1u << width) - 1);
			}
			values[i] = value;
		}
		seed = seed * 1664525 + 1013904223;
		len = lk_encode_indices(values, n, width, out);
		fits &= len <= LK_INDICES_ROOM(n, width);
		indices_good &= out[0] == width && decodes(out + 1, out + len, width, values, n);
		memset(bits, 0, sizeof(bits));
		for (int64_t i = 0; i < n; i++) {
			values[i] &= 1;
			ones += values[i];
			bits[i / 8] |= (uint8_t)(values[i] << i % 8);
		}
		len = lk_encode_levels(bits, n, ones, out);
		fits &= len <= LK_LEVELS_ROOM(n);
		levels_good &= !n || decodes(out, out + len, 1, values, n);
	}
	ok(indices_good, "indices of every width come back");
	ok(levels_good, "levels come back");
	ok(fits, "neither takes more room than was promised");
}

static void remove_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		unlink(in_dir(entry->d_name));
	if (d)
		closedir(d);
	rmdir(dir);
}

int main(void)
{
	if (!ok(mkdtemp(dir) != NULL, "a scratch directory"))
		return done();
	if (!ok(load_duckdb(), "libduckdb.so is loaded"))
		return done();
	test_all_types();
	test_chosen_rows();
	test_codecs();
	test_snappy();
	test_metadata();
	test_pruning();
	test_views();
	test_bounds();
	test_metrics_modes();
	test_memory();
	test_errors();
	test_encodings();
	duckdb.disconnect(&duckdb.connection);
	duckdb.close(&duckdb.database);
	if (!getenv("LK_KEEP"))
		remove_dir();
	return done();
}
