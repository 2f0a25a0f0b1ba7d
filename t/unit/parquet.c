/*
 * The Parquet writer, its files read back by an independent reader: libduckdb.so, loaded at run time.
 *
 * What a file must hold is stated twice, in C where the rows are built and in SQL where they are compared: row i of a
 * column is a formula of i.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "parquet/bits.h"
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
	return !duckdb.open(NULL, &duckdb.database) && !duckdb.connect(duckdb.database, &duckdb.connection);
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
	"case when i % 9 = 0 then null else (((i * 31) % 1999999 - 999999)::decimal(18,0) * 0.01)::decimal(9,2) end d9, "                    \
	"case when i % 2 = 0 then null else ((i * 123456789)::decimal(18,0) * 0.0001)::decimal(18,4) end d18, "                                 \
	"case when i % 4 = 0 then null else ((i - 30000)::varchar || '0000000000000')::decimal(38,6) end d38, "\
	"case when i % 6 = 0 then null else 'code ' || (i % 17) end few, "                                            \
	"case when i % 10 = 0 then null else repeat('é', (i % 5)::int) || i end many, "                               \
	"case when i % 8 = 0 then null else ('v' || (i % if(i < 1000, 10, 3000)))::blob end bin, "                                      \
	"case when i % 12 = 0 then null else date '1970-01-01' + ((i % 40000) - 20000)::int end as \"day\", "         \
	"case when i % 15 = 0 then null else time '00:00:00' + to_microseconds(i * 1000) end as \"time\", "           \
	"case when i % 14 = 0 then null else make_timestamp(i * 60000001 - 1000000000000) end ts, "                   \
	"case when i % 16 = 0 then null else make_timestamp(i * 3600000000) end tz, "                                 \
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

static bool flush_rows(struct lk_parquet *w, struct lk_builder *b)
{
	const struct ArrowArrayView *view;
	bool good = !lk_builder_check(b, &err) && !lk_builder_view(b, &view, &err) &&
		!lk_parquet_write(w, view, identity, &err);

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
	char sql[8192];

	snprintf(sql, sizeof(sql),
		"with p as (select * replace (timezone('UTC', tz) as tz) "
		"from read_parquet(FILE)), q as (%s from range(%s) t(i)) "
		"select (select count(*) from p), (select count(*) from (select * from p except all select * from q)), "
		"(select count(*) from (select * from q except all select * from p))", ALL_ROWS, rows);
	char want[64];
	snprintf(want, sizeof(want), "%s|0|0", rows);
	answers(file, sql, want, "%s: every row is read back as it was", file);
}

static void test_all_types(void)
{
	struct lk_parquet_options small = {1, 200000, 20000, 1000, 2 << 20};
	struct lk_parquet_options tight = {1, 128 << 20, 1 << 20, 300, 4096};
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
	test_metadata();
	duckdb.disconnect(&duckdb.connection);
	duckdb.close(&duckdb.database);
	if (!getenv("LK_KEEP"))
		remove_dir();
	return done();
}
