/* Data packages and the conversion of values. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "source/package.h"
#include "source/pattern.h"
#include "stream/side.h"

#include "tap.h"

/* ---- conversion ---- */

static bool convert(
	const char *type, const char *format, const char *text, struct lk_column *column, const char **reason)
{
	struct lk_convert c;
	const char *problem;

	*column = (struct lk_column){0};
	ArrowBitmapInit(&column->validity);
	ArrowBufferInit(&column->offsets);
	ArrowBufferInit(&column->data);
	if (!lk_convert_init(&c, type, format, &problem))
		return false;
	if (c.pattern && lk_pattern_parts(c.pattern) & LK_PATTERN_ZONE)
		c.zone = true;
	column->type = lk_convert_type(&c);
	if (column->type == LK_UTF8)
		ArrowBufferAppendInt32(&column->offsets, 0);
	return lk_convert_append(&c, text, strlen(text), column, reason);
}

static void column_release(struct lk_column *c)
{
	ArrowBitmapReset(&c->validity);
	ArrowBufferReset(&c->offsets);
	ArrowBufferReset(&c->data);
}

/* The value as text, or "-" when it does not fit. */
static const char *value_of(const char *type, const char *format, const char *text)
{
	static char out[128];
	struct lk_column c;
	const char *reason;
	int32_t number;
	int64_t big;
	double real;

	if (!convert(type, format, text, &c, &reason)) {
		column_release(&c);
		return "-";
	}
	switch (c.type) {
	case LK_INT32:
	case LK_DATE32:
		memcpy(&number, c.data.data, 4);
		if (c.type == LK_DATE32)
			lk_date_text(number, out);
		else
			sprintf(out, "%d", number);
		break;
	case LK_INT64:
	case LK_TIME64:
	case LK_TIMESTAMP:
	case LK_TIMESTAMPTZ:
		memcpy(&big, c.data.data, 8);
		if (c.type == LK_TIME64)
			lk_time_text(big, out);
		else if (c.type == LK_INT64)
			sprintf(out, "%lld", (long long)big);
		else
			lk_timestamp_text(big, c.type == LK_TIMESTAMPTZ, true, out);
		break;
	case LK_FLOAT64:
		memcpy(&real, c.data.data, 8);
		lk_float64_text(real, out);
		break;
	default:
		snprintf(out, sizeof(out), "%.*s", (int)c.data.size_bytes, (const char *)c.data.data);
	}
	column_release(&c);
	return out;
}

static void test_conversion(void)
{
	static const struct {
		const char *type, *format, *text, *want;
	} cases[] = {
		{"integer", "default", "42", "42"},
		{"integer", "default", " -42 ", "-42"},
		{"integer", "default", "9223372036854775807", "9223372036854775807"},
		{"integer", "default", "9223372036854775808", "-"},
		{"integer", "default", "1.0", "-"},
		{"integer", "default", "1,000", "-"},
		{"number", "default", "1259.76", "1259.76"},
		{"number", "default", "-0.1", "-0.1"},
		{"number", "default", "NaN", "nan"},
		{"number", "default", "-INF", "-inf"},
		{"number", "default", "123456789012345678901", "1.2345678901234568e+20"},
		{"number", "default", "1e3", "1000.0"},
		{"number", "default", "0.3", "0.3"},
		{"number", "default", "-", "-"},
		{"number", "default", "0.00", "0.0"},
		{"number", "default", "-0", "-0.0"},
		{"number", "default", "999999999999999999", "1e+18"},
		{"number", "default", "1.2.3", "-"},
		{"integer", "default", "-9223372036854775808", "-9223372036854775808"},
		{"integer", "default", "000000000000000000000042", "42"},
		{"integer", "default", "5.", "-"},
		{"integer", "default", "-", "-"},
		{"number", "default", ".", "-"},
		{"number", "default", "0x10", "-"},
		{"number", "default", "12 ml", "-"},
		{"date", "default", "2026-01-31", "2026-01-31"},
		{"date", "default", "2026-02-29", "-"},
		{"date", "default", "20260131", "-"},
		{"date", "any", "20260131", "2026-01-31"},
		{"date", "any", "20260131235959.123+0100", "2026-01-31"},
		{"date", "any", "2026-01-31T10:00:00Z", "2026-01-31"},
		{"date", "any", "2026", "-"},
		{"date", "%d/%m/%Y", "31/1/2026", "2026-01-31"},
		{"date", "%d/%m/%Y", "31/02/2026", "-"},
		{"date", "%b %d, %Y", "Jul 13, 2026", "2026-07-13"},
		{"date", "%b %d, %Y", "July 13, 2026", "2026-07-13"},
		{"date", "%Y%j", "2024366", "2024-12-31"},
		{"date", "%Y%j", "2023366", "-"},
		{"date", "%m/%d/%y", "01/31/68", "2068-01-31"},
		{"date", "%m/%d/%y", "01/31/69", "1969-01-31"},
		{"time", "default", "23:59:59.5", "23:59:59.5"},
		{"time", "default", "24:00:00", "-"},
		{"time", "any", "2359", "23:59:00"},
		{"time", "%I:%M %p", "12:30 am", "00:30:00"},
		{"time", "%I:%M %p", "13:30 PM", "-"},
		{"datetime", "default", "2026-01-31T10:00:00", "2026-01-31T10:00:00"},
		{"datetime", "default", "2026-01-31 10:00:00", "2026-01-31T10:00:00"},
		{"datetime", "default", "2026-01-31T10:00", "-"},
		{"datetime", "any", "2026-01-31T10:00", "2026-01-31T10:00:00"},
		{"datetime", "default", "2026-01-31T10:00:00Z", "-"},
		{"datetime", "default", "2026-01-31", "-"},
		{"datetime", "any", "2026-01-31", "2026-01-31T00:00:00"},
		{"datetime", "any", "20260131101112", "2026-01-31T10:11:12"},
		{"datetime", "any", "2026013110", "2026-01-31T10:00:00"},
		{"datetime", "%Y%m%d%H%M%S%z", "20260131101112+0130", "2026-01-31T08:41:12Z"},
		{"year", "default", "2026", "2026"},
		{"year", "default", "12345", "-"},
		{"yearmonth", "default", "2026-12", "2026-12"},
		{"yearmonth", "default", "2026-13", "-"},
		{"string", "default", " as it is ", " as it is "},
		{"string", "uuid", "9d188916-8390-282b-3ec2-73fce6e08649",
			"9d188916-8390-282b-3ec2-73fce6e08649"},
		{"string", "uuid", "9d188916-8390-282b-3ec2-73fce6e0864", "-"},
		{"string", "email", "a@b.example", "a@b.example"},
		{"string", "email", "a@b@c", "-"},
		{"string", "uri", "urn:oid:1.2.3", "urn:oid:1.2.3"},
		{"string", "uri", "not a uri", "-"},
		{"string", "binary", "aGk=", "aGk="},
		{"string", "binary", "aGk", "-"},
		{"object", "default", "{\"a\": 1}", "{\"a\": 1}"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		is_text(value_of(cases[i].type, cases[i].format, cases[i].text), cases[i].want,
			"%s (%s) of '%s'", cases[i].type, cases[i].format, cases[i].text);
}

static const char *decimal_of(int precision, int scale, const char *text)
{
	static char out[LK_VALUE_TEXT];
	struct lk_convert c = {.kind = LK_CONVERT_DECIMAL,
		.precision = precision,
		.scale = scale,
		.decimal = {".", 1},
		.bare = true};
	struct lk_column column = {.type = LK_DECIMAL128};
	const char *reason = NULL;
	lk_int128 value;

	ArrowBitmapInit(&column.validity);
	ArrowBufferInit(&column.offsets);
	ArrowBufferInit(&column.data);
	snprintf(out, sizeof(out), "%s", "-");
	if (lk_convert_append(&c, text, strlen(text), &column, &reason)) {
		memcpy(&value, column.data.data, sizeof(value));
		lk_decimal_text(value, scale, out);
	} else if (reason) {
		snprintf(out, sizeof(out), "does not fit");
	}
	column_release(&column);
	return out;
}

static void test_decimals(void)
{
	is_text(decimal_of(9, 2, "12.5"), "12.50", "a decimal gets its scale");
	is_text(decimal_of(9, 2, "-0.01"), "-0.01", "a negative one");
	is_text(decimal_of(4, 2, "99.99"), "99.99", "the largest that fits");
	is_text(decimal_of(4, 2, "100"), "does not fit", "one more does not");
	is_text(decimal_of(4, 2, "1.234"), "does not fit", "no digit is lost");
	is_text(decimal_of(4, 2, "1.2300"), "1.23", "but zeros may go");
	is_text(decimal_of(38, 10, "1234567890123456789012345678.0123456789"),
		"1234567890123456789012345678.0123456789", "38 digits");
	is_text(decimal_of(9, 2, "x"), "-", "what is no number");
}

/* ---- names ---- */

static void test_names(void)
{
	static const char *const cases[][2] = {{"START", "start"}, {"BirthDate", "birth_date"},
		{"City/Town", "city_town"}, {"30 Day Rate", "c_30_day_rate"}, {"HbA1c", "hb_a1c"},
		{"  x (y) ", "x_y"}, {"BASE_COST", "base_cost"}, {"%", ""}, {"primaryid", "primaryid"},
		{"DESCRIPTION1", "description1"}};
	struct lk_arena arena = LK_ARENA_INIT;
	static const char *const globs[] = {"demo*.txt", "ascii/*.csv"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		is_text(lk_column_name(&arena, cases[i][0]), cases[i][1], "column of field '%s'", cases[i][0]);
	lk_arena_release(&arena);
	ok(lk_globs_take(globs, 2, "ascii/DEMO17Q2.TXT"),
		"a glob without a slash is for the base name, in any case");
	ok(lk_globs_take(globs, 2, "inner.zip!demo.txt"), "an exclamation mark ends a folder too");
	ok(lk_globs_take(globs, 2, "ASCII/x.csv"), "a glob with a slash is for the path");
	ok(!lk_globs_take(globs, 2, "other/x.csv"), "and not for another folder");
	ok(!lk_globs_take(globs, 2, "demo.txt/readme"), "a folder is not a base name");
}

/* ---- packages ---- */

static char file[64] = "/tmp/lk-source-XXXXXX";

static enum lk_status open_text(const char *text, struct lk_sources **s, struct lk_error *err)
{
	FILE *f = fopen(file, "w");

	fputs(text, f);
	fclose(f);
	return lk_sources_open(s, file, err);
}

#define FIELDS "\"schema\": {\"fields\": [{\"name\": \"Id\"}, {\"name\": \"When\", \"type\": \"date\"}]}"
#define RESOURCE "\"name\": \"r\", \"path\": \"*.csv\", "

static void test_wrong_packages(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"{", "line 1: "},
		{"[]", "must be an object"},
		{"{}", "resources: must be a list"},
		{"{\"resources\": [{}]}", "resources[0]: a resource needs a name"},
		{"{\"resources\": [{" RESOURCE "\"schema\": \"x.json\"}]}",
			"resources[0].schema: there is no file"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"encoding\": \"latin99\"}]}",
			"resources[0].encoding: 'latin99' is no encoding"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"tabel\": \"x\"}}]}",
			"resources[0].lk.tabel: there is no such property"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"table\": \"lk.x\"}}]}",
			"namespace of 'lk.x' is taken"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"table\": \"Bad\"}}]}",
			"'Bad' is not the name of a table"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"order\": \"Nope\"}}]}",
			"resources[0].lk.order: there is no field 'Nope'"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"load\": \"upsert\"}}]}",
			"resources[0].schema.primaryKey: the resource 'r' needs one: lk.load is upsert"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"partition\": [\"week(When)\"]}}]}",
			"resources[0].lk.partition[0]: "},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"partition\": [\"Id\", \"day(Nope)\"]}}]}",
			"resources[0].lk.partition[1]: there is no field 'Nope'"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"partition\": [\"day(Id)\"]}}]}",
			"resources[0].lk.partition[0]: 'day' of field 'Id': it must be a date or datetime"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"partition\": [\"hour(When)\"]}}]}",
			"resources[0].lk.partition[0]: 'hour' of field 'When': it must be a datetime"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"partition\": [\"truncate(3, When)\"]}}]}",
			"resources[0].lk.partition[0]: 'truncate' of field 'When': it must be an integer, a decimal or a text"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"partition\": [\"bucket(0, Id)\"]}}]}",
			"resources[0].lk.partition[0]: 'bucket(0, Id)' must be bucket(N, FIELD)"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"lk\": {\"partition\": [\"month(When)\", \"Id\", \"day(When)\"]}}]}",
			"resources[0].lk.partition[2]: 'day(when)' is there already, as 'month(when)'"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"dialect\": {\"quoteChar\": \"||\"}}]}",
			"resources[0].dialect.quoteChar: must be one"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"dialect\": {\"delimiter\": \"\"}}]}",
			"resources[0].dialect.delimiter: must not be empty"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"dialect\": {\"headerRows\": [2, 0]}}]}",
			"resources[0].dialect.headerRows[1]: must be a row's number"},
		{"{\"resources\": [{" RESOURCE FIELDS ", \"dialect\": {\"headerRows\": [], \"header\": true}}]}",
			"resources[0].dialect.headerRows: is empty, but"},
		{"{\"resources\": [{" RESOURCE
		 "\"schema\": {\"fields\": [{\"name\": \"A b\"}, {\"name\": \"a_B\"}]}}]}",
			"'A b' and 'a_B' both become the column 'a_b'"},
		{"{\"resources\": [{" RESOURCE "\"schema\": {\"fields\": [{\"name\": \"lk_file\"}]}}]}",
			"lk's own"},
		{"{\"resources\": [{" RESOURCE
		 "\"schema\": {\"fields\": [{\"name\": \"a\", \"type\": \"int\"}]}}]}",
			"resources[0].schema.fields[0].type: there is no type 'int'"},
		{"{\"resources\": [{" RESOURCE
		 "\"schema\": {\"fields\": [{\"name\": \"a\", \"type\": \"date\", \"format\": \"%Q\"}]}}]}",
			"resources[0].schema.fields[0].format: '%Q' must be"},
		{"{\"resources\": [{" RESOURCE
		 "\"schema\": {\"fields\": [{\"name\": \"a\", \"lk\": {\"path\": \"delivery:x\"}}]}}]}",
			"the package has no lk.delivery"},
		{"{\"lk\": {\"delivery\": \"(\"}, \"resources\": [{" RESOURCE FIELDS "}]}",
			"lk.delivery: missing closing parenthesis"},
		{"{\"resources\": [{\"name\": \"x\", \"path\": \"*.xml\", \"format\": \"xml\", " FIELDS "}]}",
			"XML needs lk.record"},
		{"{\"resources\": [{" RESOURCE FIELDS
		 "}, {\"name\": \"q\", \"path\": \"*.q\", \"lk\": {\"table\": \"r\"}, "
		 "\"schema\": {\"fields\": [{\"name\": \"when\"}]}}]}",
			"table r gets column when from the resources r and q"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lk_sources *s = NULL;
		struct lk_error err = {0};
		enum lk_status status = open_text(cases[i].text, &s, &err);

		if (!ok(status == LK_CONFIG && strstr(err.message, cases[i].want) &&
				    strstr(err.message, file),
			    "wrong: %s", cases[i].want))
			printf("#   %d %s\n", status, err.message);
		lk_sources_close(s);
	}
}

static void test_package(void)
{
	static const char text[] =
		"{\"name\": \"p\", \"lk\": {\"delivery\": \"(?<sender>FAC[0-9]+)/(?<sent>[0-9]{8})?\", \"ignore\": [\"*.pdf\"]},"
		"\"resources\": [{" RESOURCE "\"schema\": {\"primaryKey\": [\"Id\"], \"fields\": ["
		"{\"name\": \"Id\", \"constraints\": {\"required\": true}, \"lk\": {\"phi\": \"id\"}},"
		"{\"name\": \"When\", \"type\": \"datetime\", \"lk\": {\"timezone\": \"UTC\"}},"
		"{\"name\": \"Cost\", \"type\": \"number\", \"lk\": {\"decimal\": [9, 2]}}]},"
		"\"lk\": {\"partition\": [\"day(When)\", \"bucket(8, Id)\"], \"order\": \"When\"}}]}";
	const struct ArrowSchema *const *schemas;
	struct lk_str types = LK_STR_INIT;
	struct lk_sources *s;
	struct lk_error err;
	char meta[64], *sender;
	int count;

	if (!ok(open_text(text, &s, &err) == LK_OK, "a right package"))
		return;
	ok(lk_sources_schemas(s, &schemas, &count, &err) == LK_OK && count == 1, "one schema");
	for (int i = 0; i < schemas[0]->n_children; i++) {
		lk_str_addf(&types, "%s%s ", i ? ", " : "", schemas[0]->children[i]->name);
		lk_type_name(schemas[0]->children[i], &types);
	}
	is_text(lk_str_text(&types),
		"id utf8, when timestamp[us, UTC], cost decimal(9,2), lk_file utf8, lk_row int64",
		"its columns");
	lk_str_release(&types);
	ok(lk_meta_text(schemas[0], LK_META_KEY, meta, sizeof(meta)), "a key");
	is_text(meta, "[\"id\"]", "the key is a JSON list of columns");
	ok(lk_meta_text(schemas[0], LK_META_PARTITION, meta, sizeof(meta)), "a partitioning");
	is_text(meta, "[\"day(when)\", \"bucket(8, id)\"]", "transforms name columns");
	ok(lk_meta_text(schemas[0]->children[0], LK_META_PHI, meta, sizeof(meta)) && !strcmp(meta, "id"),
		"the privacy class");
	ok(!(schemas[0]->children[0]->flags & ARROW_FLAG_NULLABLE), "a required field is never null");
	ok(lk_sources_sender(s, "in/FAC007/20260131/x.zip", &sender, &err) == LK_OK, "a sender");
	is_text(sender, "FAC007", "taken from the path");
	free(sender);
	ok(lk_sources_sender(s, "in/x.zip", &sender, &err) == LK_OK && !*sender, "or nobody");
	free(sender);
	ok(lk_sources_ignores(s, "FAC1/x.zip", "doc/A.PDF"), "ignored members");
	ok(!lk_sources_ignores(s, "x.zip", "doc/A.PDF"), "not of another's delivery");
	is_int(strlen(lk_sources_sha256(s)), 64, "a hash");
	lk_sources_close(s);
}

int main(void)
{
	close(mkstemp(file));
	test_conversion();
	test_decimals();
	test_names();
	test_wrong_packages();
	test_package();
	unlink(file);
	return done();
}
