/* Sorting for the writers: records through a spill, rows as bytes, keys of sort orders, and the routing of rows to partitions. */
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lake/router.h"
#include "lake/row.h"
#include "lake/sort_order.h"
#include "lake/spill.h"
#include "lake/transform.h"
#include "stream/build.h"
#include "tap.h"

static char dir[] = "/tmp/lk-unit-spill.XXXXXX";
static struct lk_error err;

/* ---- the sorter ---- */

static uint32_t seed = 1;

static uint32_t next_random(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

/* A key of some bytes, of which many are equal, and as data the record's number and padding. */
static bool add_record(struct lk_sorter *s, uint32_t number, int key_bytes, int pad)
{
	uint8_t key[32], data[640] = {0};
	struct lk_record record = {key, data, 0, sizeof(number) + (size_t)(pad ? next_random() % (unsigned)pad : 0)};

	record.key_len = (size_t)(key_bytes > 4 ? next_random() % (unsigned)key_bytes : (unsigned)key_bytes);
	for (size_t i = 0; i < record.key_len; i++)
		key[i] = (uint8_t)(next_random() % (i < 9 ? 2 : 5));
	memcpy(data, &number, sizeof(number));
	return !lk_sorter_add(s, &record, &err);
}

/* Whether all come back, by key and, where keys are equal, by number. */
static bool comes_sorted(struct lk_sorter *s, uint32_t count)
{
	uint8_t last[32];
	size_t last_len = 0;
	uint32_t last_number = 0, n = 0;
	struct lk_record r;
	bool more, *seen = calloc(count, 1), good = !lk_sorter_sort(s, &err) && seen;

	while (good && !lk_sorter_next(s, &r, &more, &err) && more) {
		size_t common = r.key_len < last_len ? r.key_len : last_len;
		int order = n ? memcmp(last, r.key, common) : -1;
		uint32_t number;

		memcpy(&number, r.data, sizeof(number));
		if (n && !order)
			order = (last_len > r.key_len) - (last_len < r.key_len);
		good = number < count && !seen[number] && (order < 0 || (!order && last_number < number));
		if (good)
			seen[number] = true;
		memcpy(last, r.key, r.key_len);
		last_len = r.key_len;
		last_number = number;
		n++;
	}
	free(seen);
	return good && n == count;
}

static void test_sorter(void)
{
	static const struct {
		const char *what;
		uint32_t count;
		size_t memory;
		int key_bytes, pad, runs; /* at least */
	} cases[] = {
		{"nothing", 0, 1 << 20, 4, 0, 0},
		{"one record", 1, 1 << 20, 4, 0, 0},
		{"in memory, short keys", 20000, 64 << 20, 4, 0, 0},
		{"in memory, keys of any length", 20000, 64 << 20, 30, 50, 0},
		{"by a few runs", 30000, 3 << 20, 30, 300, 2},
		{"by so many runs that they are merged twice", 1200, 1, 30, 100, 2},
		{"records that no key tells apart", 3000, 2 << 20, 0, 600, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lk_sorter *s;
		bool good = !lk_sorter_create(&s, dir, cases[i].memory, &err);

		for (uint32_t n = 0; good && n < cases[i].count; n++)
			good = add_record(s, n, cases[i].key_bytes, cases[i].pad);
		ok(good && lk_sorter_runs(s) >= cases[i].runs && lk_sorter_count(s) == cases[i].count, "sorting %s: %d runs", cases[i].what,
			lk_sorter_runs(s));
		ok(lk_sorter_runs(s) < 100, "which are not many");
		ok(comes_sorted(s, cases[i].count), "sorted %s", cases[i].what);
		lk_sorter_free(s);
	}
	ok(rmdir(dir) == 0 && mkdir(dir, 0700) == 0, "no file had a name");
}

static void test_sorter_folder(void)
{
	struct lk_sorter *s;

	ok(!lk_sorter_create(&s, "/nonexistent/folder", 1, &err) && add_record(s, 0, 4, 0), "no folder is needed for what fits");
	is_int(add_record(s, 1, 4, 0) ? LK_OK : err.status, LK_CANTCREATE, "without one, a run is refused");
	lk_sorter_free(s);
}

/* ---- rows ---- */

static const struct lk_field row_fields[] = {
	{"b", LK_BOOL}, {"i", LK_INT32}, {"l", LK_INT64}, {"f", LK_FLOAT64}, {"d", LK_DECIMAL128, 38, 2}, {"t", LK_UTF8},
	{"bin", LK_BINARY}, {"day", LK_DATE32}, {"at", LK_TIMESTAMPTZ}, {"wide", LK_INT64},
};
enum { ROW_FIELDS = sizeof(row_fields) / sizeof(*row_fields) };

static void add_row(struct lk_builder *b, int i)
{
	char long_text[700];

	memset(long_text, 'a' + i % 26, sizeof(long_text));
	for (int c = 0; c < ROW_FIELDS; c++) {
		struct lk_column *column = &b->columns[c];

		if ((i + c) % 4 == 0) {
			lk_column_null(column);
			continue;
		}
		switch (c) {
		case 0: lk_column_bool(column, i % 3 == 0); break;
		case 1: case 7: case 9: lk_column_int32(column, i * 7 - 100); break;
		case 2: case 8: lk_column_int64(column, (int64_t)i * INT64_C(10000000000) - 7); break;
		case 3: lk_column_float64(column, i % 5 ? i / 8.0 : NAN); break;
		case 4: lk_column_decimal(column, (lk_int128)i * INT64_C(1000000000000000000) * -1000); break;
		default: lk_column_bytes(column, long_text, (size_t)(i % 7 == 0 ? 0 : i % 5 == 0 ? 254 + i % 4 : i % 20));
		}
	}
	if (lk_builder_end_row(b, NULL))
		abort();
}

/* Whether a row is the same in two builders, whose views begin where they do; of the last column one is int and one is long. */
static bool same_rows(const struct ArrowArrayView *a, const struct ArrowArrayView *b, int64_t row)
{
	for (int c = 0; c < ROW_FIELDS; c++) {
		const struct ArrowArrayView *x = a->children[c], *y = b->children[c];

		if (ArrowArrayViewIsNull(x, row) != ArrowArrayViewIsNull(y, row))
			return false;
		if (ArrowArrayViewIsNull(x, row))
			continue;
		if (c == 5 || c == 6) {
			struct ArrowBufferView s = ArrowArrayViewGetBytesUnsafe(x, row), t = ArrowArrayViewGetBytesUnsafe(y, row);

			if (s.size_bytes != t.size_bytes || (s.size_bytes && memcmp(s.data.data, t.data.data, (size_t)s.size_bytes)))
				return false;
		} else if (c == 3 || c == 4) {
			int width = c == 3 ? 8 : 16;

			if (memcmp(x->buffer_views[1].data.as_uint8 + width * row, y->buffer_views[1].data.as_uint8 + width * row,
				    (size_t)width))
				return false;
		} else if (ArrowArrayViewGetIntUnsafe(x, row) != ArrowArrayViewGetIntUnsafe(y, row)) {
			return false;
		}
	}
	return true;
}

static void test_rows(void)
{
	enum { ROWS = 200 };
	static const int source[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct lk_parquet_column columns[ROW_FIELDS];
	struct lk_field narrow[ROW_FIELDS];
	const struct ArrowArrayView *in, *out;
	struct lk_builder from, to;
	struct lk_row_codec *codec;
	struct lk_str bytes = LK_STR_INIT;
	bool good = true;

	memcpy(narrow, row_fields, sizeof(narrow));
	narrow[9].type = LK_INT32; /* an int that goes into a long column */
	for (int i = 0; i < ROW_FIELDS; i++)
		columns[i] = (struct lk_parquet_column){row_fields[i].name, i + 1, row_fields[i].type, row_fields[i].precision,
			row_fields[i].scale};
	good = !lk_builder_init(&from, narrow, ROW_FIELDS, NULL, &err) &&
	       !lk_row_codec_create(&codec, columns, ROW_FIELDS, &err) && !lk_row_builder(codec, &to, &err);
	for (int i = 0; i < ROWS; i++)
		add_row(&from, i);
	good = good && !lk_builder_view(&from, &in, &err) && !lk_row_begin(codec, in, source, &err);
	for (int64_t i = 0; good && i < ROWS; i++) {
		lk_str_clear(&bytes);
		lk_row_encode(codec, i, &bytes);
		good = !lk_row_decode(codec, (uint8_t *)bytes.data, bytes.len, &to, &err) && !lk_builder_end_row(&to, &err);
	}
	ok(good && !lk_builder_view(&to, &out, &err), "rows go to bytes and come back");
	for (int64_t i = 0; good && i < ROWS; i++)
		good = same_rows(in, out, i);
	ok(good, "and are the same");
	for (size_t len = 0; good && len < bytes.len; len++) {
		good = lk_row_decode(codec, (uint8_t *)bytes.data, len, &to, &err) == LK_BUG;
		lk_builder_undo_row(&to);
	}
	ok(good, "cut at any byte, a row is none");
	lk_str_release(&bytes);
	lk_row_codec_free(codec);
	lk_builder_release(&from);
	lk_builder_release(&to);
}

/* ---- keys of sort orders ---- */

static json_t *order_root(const char *fields)
{
	struct lk_str text = LK_STR_INIT;
	json_t *root;

	lk_str_addf(&text,
		"{\"current-schema-id\": 0, \"schemas\": [{\"schema-id\": 0, \"fields\": ["
		"{\"id\": 1, \"name\": \"l\", \"type\": \"long\"}, {\"id\": 2, \"name\": \"f\", \"type\": \"double\"},"
		"{\"id\": 3, \"name\": \"t\", \"type\": \"string\"}, {\"id\": 4, \"name\": \"d\", \"type\": \"decimal(38, 2)\"},"
		"{\"id\": 5, \"name\": \"s\", \"type\": {\"type\": \"struct\", \"fields\": []}}]}],"
		"\"default-sort-order-id\": 3, \"sort-orders\": [{\"order-id\": 0, \"fields\": []}, {\"order-id\": 3, \"fields\": [%s]}]}",
		fields);
	root = json_loads(lk_str_text(&text), 0, NULL);
	lk_str_release(&text);
	if (!root)
		abort();
	return root;
}

#define BY(source, transform, direction, nulls)                                                                                \
	"{\"source-id\": " source ", \"transform\": \"" transform "\", \"direction\": \"" direction "\", \"null-order\": \"nulls-" nulls "\"}"

static struct lk_builder keyed;

/* The order of rows by their keys: a list of row numbers such as "2 0 1". */
static const char *order_of(const char *fields, const int *source)
{
	static char text[256];
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_sort_order *order;
	struct lk_sort_keys *keys;
	const struct ArrowArrayView *view;
	struct lk_sorter *s;
	struct lk_record r;
	json_t *root = order_root(fields);
	bool more;
	size_t at = 0;

	if (lk_sort_order_read(root, &arena, &order, &err) || lk_sort_keys_create(&keys, order, &err) ||
		lk_builder_view(&keyed, &view, &err) || lk_sort_keys_begin(keys, view, source, 0, view->length, &err) ||
		lk_sorter_create(&s, dir, 1 << 24, &err))
		abort();
	for (int64_t i = 0; i < view->length; i++) {
		struct lk_str key = LK_STR_INIT;

		lk_sort_keys_add(keys, i, &key);
		r = (struct lk_record){(uint8_t *)lk_str_text(&key), (uint8_t *)&i, key.len, sizeof(i)};
		if (lk_sorter_add(s, &r, &err))
			abort();
		lk_str_release(&key);
	}
	if (lk_sorter_sort(s, &err))
		abort();
	*text = '\0';
	while (!lk_sorter_next(s, &r, &more, &err) && more) {
		int64_t i;

		memcpy(&i, r.data, sizeof(i));
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%d", at ? " " : "", (int)i);
	}
	lk_sorter_free(s);
	lk_sort_keys_free(keys);
	lk_arena_release(&arena);
	json_decref(root);
	return text;
}

static void test_keys(void)
{
	static const struct lk_field fields[] = {{"l", LK_INT64}, {"f", LK_FLOAT64}, {"t", LK_UTF8}, {"d", LK_DECIMAL128, 38, 2}};
	static const int64_t longs[] = {5, -1, 0, INT64_MAX, INT64_MIN / 2, 5};
	static const double doubles[] = {NAN, -0.0, 0.0, -INFINITY, INFINITY, -NAN};
	static const char *const texts[] = {"b", "", "a\0b", "a", "a\0", "\xc3\xa9"};
	static const size_t lens[] = {1, 0, 3, 1, 2, 2};
	int column[1];

	if (lk_builder_init(&keyed, fields, 4, NULL, &err))
		abort();
	for (int i = 0; i < 7; i++) {
		if (i == 6) {
			for (int c = 0; c < 4; c++)
				lk_column_null(&keyed.columns[c]);
		} else {
			lk_column_int64(&keyed.columns[0], longs[i]);
			lk_column_float64(&keyed.columns[1], doubles[i]);
			lk_column_bytes(&keyed.columns[2], texts[i], lens[i]);
			lk_column_decimal(&keyed.columns[3], (lk_int128)longs[i] * (i % 2 ? 3 : 1));
		}
		if (lk_builder_end_row(&keyed, &err))
			abort();
	}
	column[0] = 0;
	is_text(order_of(BY("1", "identity", "asc", "first"), column), "6 4 1 2 0 5 3", "numbers, nulls first, equals as they came");
	is_text(order_of(BY("1", "identity", "asc", "last"), column), "4 1 2 0 5 3 6", "nulls last");
	is_text(order_of(BY("1", "identity", "desc", "first"), column), "6 3 0 5 2 1 4", "descending, nulls first");
	is_text(order_of(BY("1", "identity", "desc", "last"), column), "3 0 5 2 1 4 6", "descending, nulls last");
	is_text(order_of(BY("1", "truncate[10]", "asc", "last"), column), "4 1 0 2 5 3 6", "by a transform");
	column[0] = 1;
	is_text(order_of(BY("2", "identity", "asc", "last"), column), "5 3 1 2 4 0 6", "-NaN, -inf, -0, 0, inf, NaN");
	column[0] = 2;
	is_text(order_of(BY("3", "identity", "asc", "first"), column), "6 1 3 4 2 0 5", "texts, zeros in them too");
	is_text(order_of(BY("3", "identity", "desc", "first"), column), "6 5 0 2 4 3 1", "texts descending");
	column[0] = 3;
	is_text(order_of(BY("4", "identity", "asc", "first"), column), "6 4 1 2 0 5 3", "decimals beyond 64 bits");
	is_text(order_of(BY("1", "truncate[100]", "asc", "first") ", " BY("3", "identity", "desc", "first"), (const int[]){0, 2}),
		"6 4 1 5 0 2 3", "by two columns");
	column[0] = -1;
	is_text(order_of(BY("1", "identity", "asc", "first"), column), "0 1 2 3 4 5 6", "a column that is not there is null");
	lk_builder_release(&keyed);
}

static void test_orders(void)
{
	static const char *const unknown[] = {"", BY("1", "zorder", "asc", "first"), BY("9", "identity", "asc", "first"),
		BY("5", "identity", "asc", "first"), BY("1", "bucket[0]", "asc", "first"), BY("1", "identity", "asc", "first") ", 7"};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		struct lk_arena arena = LK_ARENA_INIT;
		struct lk_sort_order *order;
		json_t *root = order_root(unknown[i]);

		ok(!lk_sort_order_read(root, &arena, &order, &err) && !order->count && !order->order_id, "an order that lk cannot make is none: %s",
			unknown[i]);
		json_decref(root);
		lk_arena_release(&arena);
	}
}

/* ---- routing ---- */

static void test_router(void)
{
	static const struct lk_field columns[] = {{"t", LK_UTF8}, {"l", LK_INT64}, {"f", LK_FLOAT64}, {"d", LK_DECIMAL128, 20, 0}};
	static const int source[] = {0, 1, 2, 3};
	struct lk_partition_field fields[] = {{3, 1000, "t", LK_TRANSFORM_TRUNCATE, 1, "string", "string"},
		{1, 1001, "l", LK_TRANSFORM_IDENTITY, 0, "int", "int"}, {2, 1002, "f", LK_TRANSFORM_IDENTITY, 0, "double", "double"},
		{4, 1003, "d", LK_TRANSFORM_IDENTITY, 0, "decimal(20, 0)", "decimal(20, 0)"}};
	static const struct {
		const char *t;
		int64_t l;
		double f;
		int d;
	} rows[] = {{"apple", 1, NAN, 5}, {"ant", 1, -NAN, 5}, {"bee", 1, NAN, 5}, {NULL, 1, NAN, 5}, {"", 1, NAN, 5}, {"apple", 2, NAN, 5},
		{"apple", 1, 0.0, 5}, {"apple", 1, -0.0, 5}, {"apple", 1, NAN, -300}, {"apple", 1, NAN, 5}, {NULL, 1, NAN, 5}};
	static const uint32_t want[] = {0, 0, 1, 2, 3, 4, 5, 6, 7, 0, 2};
	struct lk_partition_spec spec = {0, fields, 4};
	const struct lk_partition_value *v;
	const struct ArrowArrayView *view;
	struct lk_builder b;
	struct lk_router *r;
	uint32_t got[16];

	if (lk_builder_init(&b, columns, 4, NULL, &err) || lk_router_create(&r, &spec, &err))
		abort();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		lk_column_text(&b.columns[0], rows[i].t);
		lk_column_int64(&b.columns[1], rows[i].l);
		lk_column_float64(&b.columns[2], rows[i].f);
		lk_column_decimal(&b.columns[3], rows[i].d);
		if (lk_builder_end_row(&b, &err))
			abort();
	}
	ok(!lk_builder_view(&b, &view, &err) && !lk_router_route(r, view, source, 0, view->length, got, &err) &&
			!memcmp(got, want, sizeof(want)), "rows are routed: all NaN are one, zeros and nulls are told apart");
	is_int((long long)lk_router_count(r), 8, "to so many partitions");
	v = lk_router_values(r, 7);
	ok(v[0].field_id == 1000 && v[0].value.len == 1 && *v[0].value.data == 'a' && v[1].value.len == 4 && v[2].value.len == 8 &&
			v[3].value.len == 2 && !memcmp(v[3].value.data, "\xfe\xd4", 2), "their values are single values of their types");
	v = lk_router_values(r, 2);
	ok(v[0].null && !v[1].null, "nulls are null");
	v = lk_router_values(r, 3);
	ok(!v[0].null && !v[0].value.len && v[0].value.data, "no text is a value");
	ok(!lk_router_route(r, view, source, 8, 3, got, &err) && got[0] == 7 && got[1] == 0 && got[2] == 2, "from the middle of a batch too");
	lk_router_free(r);
	lk_builder_release(&b);
}

static void test_many_partitions(void)
{
	static const struct lk_field columns[] = {{"l", LK_INT64}};
	struct lk_partition_field field = {1, 1000, "l", LK_TRANSFORM_IDENTITY, 0, "long", "long"};
	struct lk_partition_spec spec = {0, &field, 1};
	static const int source[] = {0};
	const struct ArrowArrayView *view;
	static uint32_t got[LK_PARTITIONS_MAX + 1];
	struct lk_builder b;
	struct lk_router *r;
	bool good = true;

	if (lk_builder_init(&b, columns, 1, NULL, &err) || lk_router_create(&r, &spec, &err))
		abort();
	for (int64_t i = 0; i <= LK_PARTITIONS_MAX; i++) {
		lk_column_int64(&b.columns[0], i * 1024 * 1024 * 1024);
		if (lk_builder_end_row(&b, &err))
			abort();
	}
	good = !lk_builder_view(&b, &view, &err) && !lk_router_route(r, view, source, 0, LK_PARTITIONS_MAX, got, &err);
	for (uint32_t i = 0; good && i < LK_PARTITIONS_MAX; i++)
		good = got[i] == i;
	ok(good, "very many partitions are told apart");
	is_int(lk_router_route(r, view, source, LK_PARTITIONS_MAX, 1, got, &err), LK_DATA, "one more is refused");
	ok(strstr(err.message, "100000 partitions") != NULL, "with their number: %s", err.message);
	lk_router_free(r);
	lk_builder_release(&b);
}

int main(void)
{
	if (!ok(mkdtemp(dir) != NULL, "a scratch directory"))
		return done();
	test_sorter();
	test_sorter_folder();
	test_rows();
	test_keys();
	test_orders();
	test_router();
	test_many_partitions();
	rmdir(dir);
	return done();
}
