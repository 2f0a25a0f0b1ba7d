/* Partition transforms, specs, folders and the Avro form of values (Iceberg's specification, "Partitioning", appendix B). */
#include <stdlib.h>

#include "base/value.h"
#include "lake/partition.h"
#include "lake/predicate.h"
#include "lake/transform.h"
#include "lake/value.h"
#include "stream/build.h"
#include "tap.h"

/* ---- hashes: the specification's examples, and some of PyIceberg's answers ---- */

static void test_hashes(void)
{
	static const unsigned char uuid[16] = {0xf7, 0x9c, 0x3e, 0x09, 0x67, 0x7c, 0x4b, 0xbd, 0xa4, 0x79, 0x3f, 0x34, 0x9c, 0xb7,
		0x85, 0xe7};
	int32_t date;
	int64_t time, at, next;
	bool zone;

	ok(lk_date_parse("2017-11-16", 10, &date) && lk_time_parse("22:31:08", 8, &time) &&
			lk_timestamp_parse("2017-11-16T22:31:08", 19, &at, &zone) &&
			lk_timestamp_parse("2017-11-16T22:31:08.000001", 26, &next, &zone),
		"times to hash");
	is_int(lk_bucket_hash_int(34), 2017239379, "34");
	is_int(lk_bucket_hash_int(0), 1669671676, "0");
	is_int(lk_bucket_hash_int(-1), 1651860712, "-1");
	is_int(lk_bucket_hash_int(date), -653330422, "a date");
	is_int(lk_bucket_hash_int(time), -662762989, "a time");
	is_int(lk_bucket_hash_int(at), -2047944441, "a timestamp");
	is_int(lk_bucket_hash_int(next), -1207196810, "a microsecond later");
	is_int(lk_bucket_hash_decimal(1420), -500754589, "decimal 14.20");
	is_int(lk_bucket_hash_decimal(-1), -43192051, "decimal -1, one byte");
	is_int(lk_bucket_hash_decimal(128), 1544076949, "decimal 128, two bytes");
	is_int(lk_bucket_hash_bytes("iceberg", 7), 1210000089, "text");
	is_int(lk_bucket_hash_bytes("", 0), 0, "no text");
	is_int(lk_bucket_hash_bytes("a", 1), 1009084850, "one letter");
	is_int(lk_bucket_hash_bytes("\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80", 9), -1784784923, "text beyond ASCII");
	is_int(lk_bucket_hash_bytes("\0\1\2\3", 4), -188683207, "bytes");
	is_int(lk_bucket_hash_bytes(uuid, 16), 1488055340, "a UUID");
}

/* ---- transforms of a column ---- */

struct column {
	struct lk_builder builder;
	const struct ArrowArrayView *view;
	struct lk_values values;
};

static struct lk_column *begin(struct column *c, enum lk_type type, int precision, int scale)
{
	struct lk_field field = {.name = "c", .type = type, .precision = precision, .scale = scale};

	*c = (struct column){0};
	if (lk_builder_init(&c->builder, &field, 1, NULL, NULL))
		abort();
	return &c->builder.columns[0];
}

static void end_row(struct column *c)
{
	if (lk_builder_end_row(&c->builder, NULL))
		abort();
}

static enum lk_status apply(struct column *c, enum lk_transform transform, int width)
{
	struct lk_error err;

	if (lk_builder_view(&c->builder, &c->view, &err))
		abort();
	return lk_transform_apply(transform, width, c->view->children[0], 0, c->view->length, &c->values, &err);
}

static void release(struct column *c)
{
	lk_values_release(&c->values);
	lk_builder_release(&c->builder);
}

static int64_t of_int64(enum lk_type type, int64_t value, enum lk_transform transform, int width)
{
	struct column c;
	struct lk_column *column = begin(&c, type, 0, 0);
	int64_t got;

	lk_column_null(column);
	end_row(&c);
	if (type == LK_INT32 || type == LK_DATE32)
		lk_column_int32(column, (int32_t)value);
	else
		lk_column_int64(column, value);
	end_row(&c);
	if (apply(&c, transform, width) || c.values.form != LK_VALUES_INT || !c.values.null[0] || c.values.null[1])
		abort();
	got = c.values.ints[1];
	release(&c);
	return got;
}

static void test_integers(void)
{
	is_int(of_int64(LK_INT64, 34, LK_TRANSFORM_BUCKET, 16), 3, "bucket[16] of 34");
	is_int(of_int64(LK_INT32, 34, LK_TRANSFORM_BUCKET, 16), 3, "of the int 34 too");
	is_int(of_int64(LK_INT64, -1, LK_TRANSFORM_BUCKET, 16), 8, "of -1");
	is_int(of_int64(LK_INT64, 1, LK_TRANSFORM_TRUNCATE, 10), 0, "truncate[10] of 1");
	is_int(of_int64(LK_INT64, -1, LK_TRANSFORM_TRUNCATE, 10), -10, "of -1: towards minus infinity");
	is_int(of_int64(LK_INT32, -10, LK_TRANSFORM_TRUNCATE, 10), -10, "of -10");
	is_int(of_int64(LK_INT64, INT64_MAX, LK_TRANSFORM_TRUNCATE, INT32_MAX), INT64_MAX - INT64_MAX % INT32_MAX,
		"of the largest, by the largest width");
	is_int(of_int64(LK_INT64, -7, LK_TRANSFORM_IDENTITY, 0), -7, "identity");
}

static void test_times(void)
{
	const int64_t day = LK_DAY_US, hour = LK_DAY_US / 24;
	int32_t date;

	if (!lk_date_parse("2017-11-16", 10, &date))
		abort();
	is_int(of_int64(LK_DATE32, date, LK_TRANSFORM_YEAR, 0), 47, "year of a date");
	is_int(of_int64(LK_DATE32, date, LK_TRANSFORM_MONTH, 0), 47 * 12 + 10, "month of a date");
	is_int(of_int64(LK_DATE32, date, LK_TRANSFORM_DAY, 0), date, "day of a date");
	is_int(of_int64(LK_DATE32, -1, LK_TRANSFORM_YEAR, 0), -1, "1969-12-31 is in year -1");
	is_int(of_int64(LK_DATE32, -1, LK_TRANSFORM_MONTH, 0), -1, "and in month -1");
	is_int(of_int64(LK_DATE32, -365, LK_TRANSFORM_MONTH, 0), -12, "1969-01-01 is in month -12");
	is_int(of_int64(LK_DATE32, -366, LK_TRANSFORM_YEAR, 0), -2, "1968-12-31 is in year -2");
	is_int(of_int64(LK_DATE32, 11016, LK_TRANSFORM_MONTH, 0), 361, "a leap day of a century");
	is_int(of_int64(LK_TIMESTAMP, -1, LK_TRANSFORM_HOUR, 0), -1, "the microsecond before 1970 is in hour -1");
	is_int(of_int64(LK_TIMESTAMP, -1, LK_TRANSFORM_DAY, 0), -1, "in day -1");
	is_int(of_int64(LK_TIMESTAMPTZ, -1, LK_TRANSFORM_MONTH, 0), -1, "in month -1");
	is_int(of_int64(LK_TIMESTAMPTZ, -1, LK_TRANSFORM_YEAR, 0), -1, "in year -1");
	is_int(of_int64(LK_TIMESTAMP, -hour, LK_TRANSFORM_HOUR, 0), -1, "an hour before it");
	is_int(of_int64(LK_TIMESTAMP, date * day + 22 * hour, LK_TRANSFORM_HOUR, 0), date * 24 + 22, "hour");
	is_int(of_int64(LK_TIMESTAMP, date * day + 22 * hour, LK_TRANSFORM_DAY, 0), date, "day");
	is_int(of_int64(LK_TIMESTAMP, date * day, LK_TRANSFORM_MONTH, 0), 574, "month");
	is_int(of_int64(LK_TIMESTAMP, date * day, LK_TRANSFORM_YEAR, 0), 47, "year");
}

static void test_decimals(void)
{
	static const lk_int128 in[] = {1065, -1, -5, 0, 1420}, out[] = {1050, -50, -50, 0, 1400};
	struct lk_primitive type = lk_primitive_read("decimal(9, 2)");
	struct lk_str single = LK_STR_INIT;
	struct column c;
	struct lk_column *column = begin(&c, LK_DECIMAL128, 9, 2);
	bool right = true;

	for (int i = 0; i < 5; i++) {
		lk_column_decimal(column, in[i]);
		end_row(&c);
	}
	ok(!apply(&c, LK_TRANSFORM_TRUNCATE, 50) && c.values.form == LK_VALUES_WIDE, "truncate[50] of decimals");
	for (int i = 0; i < 5; i++)
		right = right && c.values.wides[i] == out[i];
	ok(right, "10.65 is cut to 10.50, and -0.01 to -0.50");
	lk_values_single(&c.values, 0, &type, &single);
	ok(single.len == 2 && !memcmp(single.data, "\x04\x1a", 2), "a decimal as a single value has the fewest bytes");
	ok(!apply(&c, LK_TRANSFORM_BUCKET, 100) && c.values.form == LK_VALUES_INT && c.values.ints[4] == (-500754589 & INT32_MAX) % 100,
		"bucket of a decimal");
	lk_str_release(&single);
	release(&c);
}

static void test_text(void)
{
	struct column c;
	struct lk_column *column = begin(&c, LK_UTF8, 0, 0);

	lk_column_text(column, "\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x98\x80");
	end_row(&c);
	lk_column_text(column, "ab");
	end_row(&c);
	lk_column_null(column);
	end_row(&c);
	lk_column_text(column, "iceberg");
	end_row(&c);
	ok(!apply(&c, LK_TRANSFORM_TRUNCATE, 2), "truncate[2] of text");
	ok(c.values.bytes[0].len == 5 && c.values.bytes[1].len == 2 && c.values.null[2] && c.values.bytes[3].len == 2,
		"cuts between characters");
	ok(!apply(&c, LK_TRANSFORM_BUCKET, 16) && c.values.ints[3] == 9 && c.values.null[2], "bucket of text");
	ok(!apply(&c, LK_TRANSFORM_VOID, 0) && c.values.null[0] && c.values.null[3], "void is always null");
	is_int(apply(&c, LK_TRANSFORM_DAY, 0), LK_BUG, "no day of a text");
	is_int(apply(&c, LK_TRANSFORM_UNKNOWN, 0), LK_BUG, "nor anything by an unknown transform");
	release(&c);
	column = begin(&c, LK_BINARY, 0, 0);
	lk_column_bytes(column, "\xc3\xa9\0\1", 4);
	end_row(&c);
	ok(!apply(&c, LK_TRANSFORM_TRUNCATE, 1) && c.values.bytes[0].len == 1, "binary is cut between bytes");
	release(&c);
}

/* A view of rows that begin in the middle of a column. */
static void test_slice(void)
{
	struct column c;
	struct lk_column *column = begin(&c, LK_INT64, 0, 0);
	struct lk_error err;

	for (int i = 0; i < 20; i++) {
		if (i % 3)
			lk_column_int64(column, i);
		else
			lk_column_null(column);
		end_row(&c);
	}
	if (lk_builder_view(&c.builder, &c.view, &err))
		abort();
	ok(!lk_transform_apply(LK_TRANSFORM_TRUNCATE, 10, c.view->children[0], 11, 5, &c.values, &err) && c.values.ints[0] == 10 &&
			c.values.null[1] && c.values.ints[1] == 0 && !c.values.null[2],
		"rows from the middle, with their nulls");
	release(&c);
}

/* ---- specs ---- */

static enum lk_status read_spec(const char *fields, struct lk_arena *arena, struct lk_partition_spec **spec, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;
	json_t *root;

	lk_str_addf(&text,
		"{\"current-schema-id\": 1, \"schemas\": ["
		"{\"schema-id\": 0, \"fields\": [{\"id\": 9, \"name\": \"gone\", \"type\": \"string\"}]},"
		"{\"schema-id\": 1, \"fields\": [{\"id\": 1, \"name\": \"id\", \"type\": \"long\"},"
		" {\"id\": 2, \"name\": \"at\", \"type\": \"timestamptz\"}, {\"id\": 3, \"name\": \"d\", \"type\": \"decimal(9,2)\"},"
		" {\"id\": 4, \"name\": \"x\", \"type\": \"double\"},"
		" {\"id\": 5, \"name\": \"s\", \"type\": {\"type\": \"struct\", \"fields\":"
		" [{\"id\": 6, \"name\": \"in\", \"type\": \"string\"}]}},"
		" {\"id\": 7, \"name\": \"l\", \"type\": {\"type\": \"list\", \"element-id\": 8, \"element\": \"int\"}}]}],"
		"\"partition-specs\": [{\"spec-id\": 3, \"fields\": %s}]}",
		fields);
	root = json_loads(lk_str_text(&text), 0, NULL);
	lk_str_release(&text);
	if (!root)
		abort();
	status = lk_partition_spec_read(root, 3, arena, spec, err);
	json_decref(root);
	return status;
}

#define FIELD(source, transform) "{\"source-id\": " #source ", \"field-id\": 1000, \"name\": \"f\", \"transform\": \"" transform "\"}"

static void test_specs(void)
{
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_partition_spec *spec = NULL;
	struct lk_error err = {0};

	ok(!read_spec("[" FIELD(2, "day") ", " FIELD(1, "bucket[16]") ", " FIELD(9, "truncate[4]") ", " FIELD(6, "identity") "]", &arena,
		   &spec, &err) &&
			spec->count == 4 && spec->spec_id == 3,
		"a spec");
	is_text(spec->fields[0].source_type, "timestamptz", "its source's type");
	is_text(spec->fields[0].result_type, "date", "a day is a date");
	ok(spec->fields[1].transform == LK_TRANSFORM_BUCKET && spec->fields[1].width == 16, "a bucket");
	is_text(spec->fields[1].result_type, "int", "is an int");
	is_text(spec->fields[2].result_type, "string", "a column that the current schema has no more");
	is_text(spec->fields[3].result_type, "string", "a field of a struct");
	ok(!lk_partition_spec_check(spec, &err), "files can be written by it");
	ok(!read_spec("[]", &arena, &spec, &err) && !spec->count, "no fields");
	ok(!read_spec("[" FIELD(99, "void") "]", &arena, &spec, &err) && !spec->fields[0].result_type && !lk_partition_spec_check(spec, &err),
		"void of a column that never was");
	ok(!read_spec("[{\"source-id\": 1, \"name\": \"a\", \"transform\": \"year\"}]", &arena, &spec, &err) &&
			spec->fields[0].field_id == 1000,
		"format v1 has no ids of fields");
	lk_arena_release(&arena);
}

static void test_hostile(void)
{
	static const struct {
		const char *fields;
		enum lk_status read, check;
		const char *what;
	} cases[] = {
		{"[" FIELD(1, "bucket[0]") "]", LK_DATA, LK_OK, "a width of 0"},
		{"[" FIELD(1, "bucket[-1]") "]", LK_DATA, LK_OK, "below 0"},
		{"[" FIELD(1, "bucket[99999999999999999999]") "]", LK_DATA, LK_OK, "beyond all bounds"},
		{"[" FIELD(1, "truncate[2147483648]") "]", LK_DATA, LK_OK, "beyond an int"},
		{"[" FIELD(1, "bucket") "]", LK_DATA, LK_OK, "no width"},
		{"[" FIELD(1, "bucket[16") "]", LK_DATA, LK_OK, "half a width"},
		{"[" FIELD(1, "zorder") "]", LK_OK, LK_MISSING, "an unknown transform"},
		{"[" FIELD(2, "day[3]") "]", LK_OK, LK_MISSING, "a width that is not wanted"},
		{"[" FIELD(99, "identity") "]", LK_OK, LK_MISSING, "a column that never was"},
		{"[" FIELD(8, "identity") "]", LK_OK, LK_MISSING, "an element of a list"},
		{"[" FIELD(5, "identity") "]", LK_OK, LK_MISSING, "a struct"},
		{"[" FIELD(1, "day") "]", LK_OK, LK_MISSING, "the day of a number"},
		{"[" FIELD(4, "bucket[4]") "]", LK_OK, LK_MISSING, "the bucket of a double"},
		{"[" FIELD(-1, "identity") "]", LK_DATA, LK_OK, "a negative source"},
		{"[3]", LK_DATA, LK_OK, "a field that is none"},
		{"{}", LK_DATA, LK_OK, "no list"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lk_arena arena = LK_ARENA_INIT;
		struct lk_partition_spec *spec;
		struct lk_error err = {0};
		enum lk_status read = read_spec(cases[i].fields, &arena, &spec, &err);

		ok(read == cases[i].read && (read || lk_partition_spec_check(spec, &err) == cases[i].check), "refused: %s (%s)",
			cases[i].what, err.message);
		lk_arena_release(&arena);
	}
}

/* ---- folders ---- */

static struct lk_partition_value value_of(const void *data, size_t len)
{
	struct lk_partition_value v = {0};

	lk_str_adds(&v.value, "");
	lk_str_add(&v.value, data, len);
	return v;
}

static void is_path(enum lk_transform transform, const char *type, const void *data, size_t len, const char *want)
{
	struct lk_partition_field field = {.name = "f", .transform = transform, .result_type = type};
	struct lk_partition_spec spec = {.fields = &field, .count = 1};
	struct lk_partition_value v = value_of(data, len);
	struct lk_str out = LK_STR_INIT;

	lk_partition_path(&spec, &v, &out);
	is_text(lk_str_text(&out), want, "folder %s", want);
	lk_str_release(&out);
	lk_str_release(&v.value);
}

static void is_path_int(enum lk_transform transform, const char *type, int64_t value, const char *want)
{
	is_path(transform, type, &value, !strcmp(type, "int") || !strcmp(type, "date") ? 4 : 8, want);
}

static void test_paths(void)
{
	struct lk_partition_field fields[2] = {
		{.name = "day of", .transform = LK_TRANSFORM_DAY, .result_type = "date"},
		{.name = "\xc3\xa9", .transform = LK_TRANSFORM_IDENTITY, .result_type = "string"}};
	struct lk_partition_spec spec = {.fields = fields, .count = 2};
	struct lk_partition_value values[2] = {{.null = true}, value_of("a/b", 3)};
	struct lk_str out = LK_STR_INIT;
	char long_text[3000];
	double x = 1.5;

	is_path_int(LK_TRANSFORM_DAY, "date", 17486, "f=2017-11-16");
	is_path_int(LK_TRANSFORM_IDENTITY, "date", -1, "f=1969-12-31");
	is_path_int(LK_TRANSFORM_MONTH, "int", 574, "f=2017-11");
	is_path_int(LK_TRANSFORM_MONTH, "int", -1, "f=1969-12");
	is_path_int(LK_TRANSFORM_YEAR, "int", -1, "f=1969");
	is_path_int(LK_TRANSFORM_HOUR, "int", -1, "f=1969-12-31-23");
	is_path_int(LK_TRANSFORM_BUCKET, "int", 7, "f=7");
	is_path_int(LK_TRANSFORM_IDENTITY, "long", INT64_MIN, "f=-9223372036854775808");
	is_path_int(LK_TRANSFORM_IDENTITY, "timestamptz", 1510871468000001, "f=2017-11-16T22%3A31%3A08.000001%2B00%3A00");
	is_path_int(LK_TRANSFORM_IDENTITY, "timestamp", 1510871468000000, "f=2017-11-16T22%3A31%3A08");
	is_path(LK_TRANSFORM_IDENTITY, "decimal(9, 2)", "\xff\x38", 2, "f=-2.00");
	is_path(LK_TRANSFORM_IDENTITY, "boolean", "\1", 1, "f=true");
	is_path(LK_TRANSFORM_IDENTITY, "double", &x, 8, "f=1.5");
	is_path(LK_TRANSFORM_IDENTITY, "binary", "\0\1\2\3", 4, "f=AAECAw%3D%3D");
	is_path(LK_TRANSFORM_IDENTITY, "string", "a b/c=%\n..", 10, "f=a+b%2Fc%3D%25%0A..");
	is_path(LK_TRANSFORM_IDENTITY, "string", "", 0, "f=");
	is_path(LK_TRANSFORM_TRUNCATE, "string", "\xe6\xbc\xa2", 3, "f=%E6%BC%A2");
	lk_partition_path(&spec, values, &out);
	is_text(lk_str_text(&out), "day+of=null/%C3%A9=a%2Fb", "two fields, a null and a name beyond ASCII");
	memset(long_text, '/', sizeof(long_text));
	lk_str_release(&values[1].value);
	values[1] = value_of(long_text, sizeof(long_text));
	lk_str_clear(&out);
	lk_partition_path(&spec, values, &out);
	ok(out.len < 255 && out.data[out.len - 1] == 'F', "a long value is cut at a character of the folder's name");
	lk_str_release(&values[1].value);
	lk_str_release(&out);
}

/* ---- Avro ---- */

static void is_avro(const char *type, const void *data, size_t len, const char *avro, const void *want, size_t want_len)
{
	struct lk_partition_field field = {.name = "f", .result_type = type};
	struct lk_partition_value v = value_of(data, len);
	struct lk_str out = LK_STR_INIT;
	struct lk_error err;

	ok(!lk_partition_avro_type(&field, &out, &err) && !strcmp(lk_str_text(&out), avro), "Avro of %s: %s", type, lk_str_text(&out));
	lk_str_clear(&out);
	ok(!lk_partition_encode(&field, &v.value, &out, &err) && out.len == want_len && !memcmp(out.data, want, want_len),
		"and a value of it");
	lk_str_release(&out);
	lk_str_release(&v.value);
}

static void test_avro(void)
{
	struct lk_partition_field field = {.name = "f", .result_type = "decimal(9, 2)"};
	struct lk_str out = LK_STR_INIT, bad = LK_STR_INIT;
	struct lk_error err;

	is_avro("int", "\xff\xff\xff\xff", 4, "\"int\"", "\x01", 1);
	is_avro("long", "\xff\xff\xff\xff", 4, "\"long\"", "\x01", 1);
	is_avro("date", "\x02\0\0\0", 4, "{\"type\":\"int\",\"logicalType\":\"date\"}", "\x04", 1);
	is_avro("boolean", "\1", 1, "\"boolean\"", "\1", 1);
	is_avro("string", "ab", 2, "\"string\"", "\x04" "ab", 3);
	is_avro("double", "\0\0\x80\x3f", 4, "\"double\"", "\0\0\0\0\0\0\xf0\x3f", 8);
	is_avro("decimal(9, 2)", "\xff", 1,
		"{\"type\":\"fixed\",\"name\":\"decimal_9_2\",\"size\":4,\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}",
		"\xff\xff\xff\xff", 4);
	is_avro("fixed[3]", "abc", 3, "{\"type\":\"fixed\",\"name\":\"fixed_3\",\"size\":3}", "abc", 3);
	is_avro("uuid", "0123456789abcdef", 16, "{\"type\":\"fixed\",\"name\":\"uuid_fixed\",\"size\":16,\"logicalType\":\"uuid\"}",
		"0123456789abcdef", 16);
	ok(!lk_partition_avro_type(&field, &out, &err) && !lk_partition_avro_type(&field, &out, &err) &&
			strstr(out.data, "}\"decimal_9_2\""),
		"a named type is defined once");
	lk_str_adds(&bad, "12345");
	is_int(lk_partition_encode(&field, &bad, &out, &err), LK_DATA, "a decimal of too many bytes is refused");
	field.result_type = "int";
	is_int(lk_partition_encode(&field, &bad, &out, &err), LK_DATA, "an int of 5 bytes too");
	field.result_type = NULL;
	is_int(lk_partition_avro_type(&field, &out, &err), LK_MISSING, "no type is no Avro type");
	lk_str_release(&out);
	lk_str_release(&bad);
}

/* ---- comparisons carried over to partitions ---- */

static int64_t project_date(int64_t days, enum lk_transform transform, struct lk_arena *arena)
{
	struct lk_partition_field field = {.transform = transform, .source_type = "date", .result_type = "int"};
	char bytes[4] = {(char)days, (char)(days >> 8), (char)(days >> 16), (char)(days >> 24)};
	struct lk_str value = {.data = bytes, .len = 4};
	struct lk_predicate leaf = {.kind = LK_PREDICATE_COLUMN, .type = {.kind = LK_PRIMITIVE_DATE}, .comparison = LK_IS_IN,
		.values = &value, .value_count = 1}, out;
	struct lk_error err;

	if (lk_predicate_project(&leaf, &field, arena, &out, &err) || out.kind != LK_PREDICATE_COLUMN)
		abort();
	return lk_value_integer(out.values->data, out.values->len);
}

/* The first and the last days of years, 1970 far and near. */
static void test_projected_dates(void)
{
	int wrong = 0;

	for (int64_t year = 1; year <= 9999; year++) {
		int64_t first = lk_days_from_civil(year, 1, 1), last = lk_days_from_civil(year, 12, 31), since = year - 1970;
		struct lk_arena arena = {0};

		wrong += project_date(first, LK_TRANSFORM_YEAR, &arena) != since;
		wrong += project_date(last, LK_TRANSFORM_YEAR, &arena) != since;
		wrong += project_date(first, LK_TRANSFORM_MONTH, &arena) != since * 12;
		wrong += project_date(last, LK_TRANSFORM_MONTH, &arena) != since * 12 + 11;
		lk_arena_release(&arena);
	}
	is_int(wrong, 0, "years and months that dates are looked for in");
}

int main(void)
{
	test_projected_dates();
	test_hashes();
	test_integers();
	test_times();
	test_decimals();
	test_text();
	test_slice();
	test_specs();
	test_hostile();
	test_paths();
	test_avro();
	return done();
}
