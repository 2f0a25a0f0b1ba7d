/* Units of lib/stream: writer to reader and back, segments, what damage does. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream/cell.h"
#include "stream/format.h"
#include "stream/side.h"
#include "stream/stream.h"
#include "tap.h"

static const struct lk_meta phi[] = {{"lk.phi", "direct"}, {NULL}};

static const struct lk_field all_types[] = {
	{"flag", LK_BOOL},
	{"small", LK_INT32},
	{"big", LK_INT64, .required = true},
	{"real", LK_FLOAT64},
	{"money", LK_DECIMAL128, .precision = 20, .scale = 2},
	{"text", LK_UTF8, .meta = phi},
	{"bytes", LK_BINARY},
	{"day", LK_DATE32},
	{"hour", LK_TIME64},
	{"local", LK_TIMESTAMP},
	{"instant", LK_TIMESTAMPTZ},
};
#define TYPES ((int)(sizeof(all_types) / sizeof(*all_types)))

/* A file without a name. */
static int scratch(void)
{
	FILE *f = tmpfile();
	int fd = f ? dup(fileno(f)) : -1;

	if (f)
		fclose(f);
	return fd;
}

/* Row i of rows; every third row is null wherever that is allowed. */
static void add_row(struct lk_builder *b, int64_t i)
{
	char text[32];

	snprintf(text, sizeof(text), "wert %lld \xc3\xa4", (long long)i);
	for (int c = 0; c < TYPES; c++) {
		struct lk_column *column = &b->columns[c];

		if (i % 3 == 2 && !all_types[c].required) {
			lk_column_null(column);
			continue;
		}
		switch (all_types[c].type) {
		case LK_BOOL:
			lk_column_bool(column, i % 2);
			break;
		case LK_INT32:
		case LK_DATE32:
			lk_column_int32(column, (int32_t)i);
			break;
		case LK_FLOAT64:
			lk_column_float64(column, (double)i / 4);
			break;
		case LK_DECIMAL128:
			lk_column_decimal(column, (lk_int128)i * -1000000007);
			break;
		case LK_UTF8:
		case LK_BINARY:
			lk_column_text(column, text);
			break;
		default:
			lk_column_int64(column, i * 1000003);
		}
	}
}

static bool row_is(const struct lk_batch *batch, int64_t row, int64_t i)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "wert %lld \xc3\xa4", (long long)i);

	for (int c = 0; c < TYPES; c++) {
		const struct ArrowArrayView *v = batch->view->children[c];
		struct ArrowBufferView bytes;
		struct ArrowDecimal decimal;
		bool null = i % 3 == 2 && !all_types[c].required;

		if (ArrowArrayViewIsNull(v, row) != null)
			return false;
		if (null)
			continue;
		switch (all_types[c].type) {
		case LK_BOOL:
			if (ArrowArrayViewGetIntUnsafe(v, row) != i % 2)
				return false;
			break;
		case LK_INT32:
		case LK_DATE32:
			if (ArrowArrayViewGetIntUnsafe(v, row) != i)
				return false;
			break;
		case LK_FLOAT64:
			if (ArrowArrayViewGetDoubleUnsafe(v, row) != (double)i / 4)
				return false;
			break;
		case LK_DECIMAL128:
			ArrowDecimalInit(&decimal, 128, 20, 2);
			ArrowArrayViewGetDecimalUnsafe(v, row, &decimal);
			if (ArrowDecimalGetIntUnsafe(&decimal) != i * -1000000007)
				return false;
			break;
		case LK_UTF8:
		case LK_BINARY:
			bytes = ArrowArrayViewGetBytesUnsafe(v, row);
			if (bytes.size_bytes != n || memcmp(bytes.data.data, text, (size_t)n))
				return false;
			break;
		default:
			if (ArrowArrayViewGetIntUnsafe(v, row) != i * 1000003)
				return false;
		}
	}
	return true;
}

static void write_rows(struct lk_writer *w, const char *table, int64_t first, int64_t count)
{
	struct lk_error err = {LK_OK, ""};
	struct lk_builder b;
	bool fine = !lk_builder_init(&b, all_types, TYPES, NULL, &err);

	for (int64_t i = first; fine && i < first + count; i++) {
		add_row(&b, i);
		fine = !lk_builder_end_row(&b, &err);
	}
	if (!fine || lk_writer_flush(w, table, &b, &err))
		ok(false, "write rows: %s", err.message);
	lk_builder_release(&b);
}

/* Reads on and expects `rows` rows of the table from row `first` on. */
static void expect_rows(struct lk_reader *r, const char *table, int64_t first, int64_t rows)
{
	struct lk_error err = {LK_OK, ""};
	struct lk_batch batch;
	bool same = true;

	if (!ok(lk_reader_next(r, &batch, &err) == LK_NEXT_BATCH, "a batch of %s comes (%s)", table, err.message))
		return;
	is_text(batch.table, table, "it is of %s", table);
	is_int(batch.rows, rows, "with its rows");
	for (int64_t i = 0; i < batch.rows && same; i++)
		same = row_is(&batch, i, first + i);
	ok(same, "and their values");
}

static void expect_end(struct lk_reader *r)
{
	struct lk_error err = {LK_OK, ""};
	struct lk_batch batch;

	ok(lk_reader_next(r, &batch, &err) == LK_NEXT_END, "the end comes (%s)", err.message);
	ok(lk_reader_next(r, &batch, &err) == LK_NEXT_END, "and stays");
}


static struct lk_reader *open_reader(int fd, unsigned flags)
{
	struct lk_error err = {LK_OK, ""};
	struct lk_reader *r;

	lseek(fd, 0, SEEK_SET);
	if (lk_reader_open(&r, fd, "scratch", flags, &err))
		ok(false, "open a reader: %s", err.message);
	return r;
}

static struct lk_writer *open_writer(int fd, bool plain)
{
	struct lk_error err = {LK_OK, ""};
	struct lk_writer *w;

	if (lk_writer_open(&w, fd, "scratch", plain, &err))
		ok(false, "open a writer: %s", err.message);
	return w;
}

static void close_writer(struct lk_writer *w)
{
	struct lk_error err = {LK_OK, ""};

	ok(!lk_writer_close(w, &err), "close the writer (%s)", err.message);
}

static void test_round_trip(void)
{
	struct lk_error err;
	struct lk_counts counts;
	struct lk_batch batch;
	struct ArrowStringView phi_value;
	int fd = scratch();
	struct lk_writer *w = open_writer(fd, false);
	struct lk_reader *r;

	write_rows(w, "main.a", 0, 1000);
	write_rows(w, "main.a", 1000, 7);
	write_rows(w, "main.b", 5, 0);
	write_rows(w, "main.a", 1007, 1);
	ok(!lk_writer_count(w, "main.a", 1010, 2, "repeats", &err), "count");
	ok(!lk_writer_count(w, "main.c", 3, 3, NULL, &err), "count for a table that is never written");
	close_writer(w);
	r = open_reader(fd, 0);
	expect_rows(r, "main.a", 0, 1000);
	expect_rows(r, "main.a", 1000, 7);
	expect_rows(r, "main.b", 5, 0);
	ok(lk_reader_next(r, &batch, &err) == LK_NEXT_BATCH && batch.stream == 3, "streams are counted");
	ok(lk_meta_get(batch.schema->children[5], "lk.phi", &phi_value) && phi_value.size_bytes == 6,
		"field metadata come along");
	ok(lk_schema_find(batch.schema, "instant") == 10 &&
			lk_type_of(batch.schema->children[10], NULL, NULL) == LK_TIMESTAMPTZ,
		"types come along");
	ok(!(batch.schema->children[2]->flags & ARROW_FLAG_NULLABLE) && batch.schema->children[3]->flags & ARROW_FLAG_NULLABLE,
		"nullability comes along");
	expect_end(r);
	lk_reader_counts(r, &counts);
	is_int(counts.rows, 1008, "the marker's rows");
	is_int(counts.streams, 3, "the marker's streams");
	is_int(counts.read, 1013, "the marker's records read");
	is_int(counts.dropped, 5, "the marker's records dropped");
	lk_reader_close(r);
	close(fd);
}

/* What an end marker counts beyond the rows themselves has nothing to agree with, and must not overflow. */
static void test_counts(void)
{
	static const int64_t reads[][2] = {{INT64_MAX, 1}, {-1, 0}, {INT64_MAX, -1}};

	for (size_t i = 0; i < sizeof(reads) / sizeof(*reads); i++) {
		struct lk_error err = {LK_OK, ""};
		struct lk_batch batch;
		int fd = scratch();
		struct lk_writer *w = open_writer(fd, false);
		struct lk_reader *r;

		ok(!lk_writer_count(w, "main.a", reads[i][0], 0, NULL, &err) && !lk_writer_count(w, "main.b", reads[i][1], 0, NULL, &err),
			"counts %zu are written", i);
		close_writer(w);
		r = open_reader(fd, 0);
		ok(lk_reader_next(r, &batch, &err) == LK_NEXT_ERROR && err.status == LK_DATA, "and refused: %s", err.message);
		lk_reader_close(r);
		close(fd);
	}
}

/* The rows of a table in a format, as one text. */
static void format_rows(enum lk_format format, int64_t first, int64_t count, char *out, size_t size)
{
	struct lk_error err = {LK_OK, ""};
	struct lk_formatter *f;
	struct lk_builder b;
	const struct ArrowArrayView *view;
	char *text = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);
	bool fine = !lk_builder_init(&b, all_types, TYPES, NULL, &err);

	for (int64_t i = first; fine && i < first + count; i++) {
		add_row(&b, i);
		fine = !lk_builder_end_row(&b, &err);
	}
	fine = fine && !lk_builder_view(&b, &view, &err) &&
		!lk_formatter_open(&f, format, memory, NULL, &b.schema, &err) && !lk_formatter_batch(f, view, &err) &&
		!lk_formatter_close(f, &err);
	ok(fine, "format (%s)", err.message);
	fclose(memory);
	snprintf(out, size, "%s", text);
	free(text);
	lk_builder_release(&b);
}

static void test_formats(void)
{
	char out[4096];

	format_rows(LK_FORMAT_CSV, 1, 2, out, sizeof(out));
	is_text(out,
		"flag,small,big,real,money,text,bytes,day,hour,local,instant\n"
		"true,1,1000003,0.25,-10000000.07,wert 1 \xc3\xa4,\\x77657274203120c3a4,1970-01-02,00:00:01.000003,"
		"1970-01-01 00:00:01.000003,1970-01-01 00:00:01.000003+00\n"
		",,2000006,,,,,,,,\n",
		"csv");
	format_rows(LK_FORMAT_JSON, 1, 2, out, sizeof(out));
	is_text(out,
		"{\"flag\":true,\"small\":1,\"big\":1000003,\"real\":0.25,\"money\":-10000000.07,"
		"\"text\":\"wert 1 \xc3\xa4\",\"bytes\":\"\\\\x77657274203120c3a4\",\"day\":\"1970-01-02\","
		"\"hour\":\"00:00:01.000003\",\"local\":\"1970-01-01T00:00:01.000003\","
		"\"instant\":\"1970-01-01T00:00:01.000003Z\"}\n"
		"{\"flag\":null,\"small\":null,\"big\":2000006,\"real\":null,\"money\":null,\"text\":null,"
		"\"bytes\":null,\"day\":null,\"hour\":null,\"local\":null,\"instant\":null}\n",
		"json");
}

/* ---- nested columns, slices ---- */

/* Three columns of rows i = 0, 1, ...: list<int32> of i values, struct {a: utf8, b: bool}, large utf8; every 4th null. */
static void make_nested(struct ArrowSchema *schema, struct ArrowArray *array, int rows)
{
	char text[32];

	ArrowSchemaInit(schema);
	ArrowSchemaSetTypeStruct(schema, 3);
	ArrowSchemaSetType(schema->children[0], NANOARROW_TYPE_LIST);
	ArrowSchemaSetType(schema->children[0]->children[0], NANOARROW_TYPE_INT32);
	ArrowSchemaSetName(schema->children[0], "list");
	ArrowSchemaSetTypeStruct(schema->children[1], 2);
	ArrowSchemaSetName(schema->children[1], "struct");
	ArrowSchemaSetType(schema->children[1]->children[0], NANOARROW_TYPE_STRING);
	ArrowSchemaSetName(schema->children[1]->children[0], "a");
	ArrowSchemaSetType(schema->children[1]->children[1], NANOARROW_TYPE_BOOL);
	ArrowSchemaSetName(schema->children[1]->children[1], "b");
	ArrowSchemaSetType(schema->children[2], NANOARROW_TYPE_LARGE_STRING);
	ArrowSchemaSetName(schema->children[2], "large");
	ArrowArrayInitFromSchema(array, schema, NULL);
	ArrowArrayStartAppending(array);
	for (int i = 0; i < rows; i++) {
		struct ArrowArray **c = array->children;

		snprintf(text, sizeof(text), "t%d", i);
		if (i % 4 == 3) {
			ArrowArrayAppendNull(array, 1);
			continue;
		}
		for (int k = 0; k < i; k++)
			ArrowArrayAppendInt(c[0]->children[0], i * 10 + k);
		ArrowArrayFinishElement(c[0]);
		ArrowArrayAppendString(c[1]->children[0], ArrowCharView(text));
		ArrowArrayAppendInt(c[1]->children[1], i % 2);
		ArrowArrayFinishElement(c[1]);
		ArrowArrayAppendString(c[2], ArrowCharView(text));
		ArrowArrayFinishElement(array);
	}
	ArrowArrayFinishBuildingDefault(array, NULL);
	/* rows are null in their columns, not as rows */
	array->null_count = 0;
}

static void json_of(const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_str *out)
{
	lk_str_clear(out);
	for (int64_t row = 0; row < view->length; row++)
		for (int64_t i = 0; i < view->n_children; i++)
			lk_cell_json(schema->children[i], view->children[i], view->offset + row, out);
}

/* Writes rows [from, from + count) of a nested table and reads them back. */
static void try_slice(const struct ArrowSchema *schema, struct ArrowArrayView *view, int64_t from, int64_t count)
{
	struct lk_error err = {LK_OK, ""};
	struct lk_str want = LK_STR_INIT, got = LK_STR_INIT;
	struct lk_batch batch;
	int fd = scratch();
	struct lk_writer *w = open_writer(fd, false);
	struct lk_reader *r;

	view->offset = from;
	view->length = count;
	json_of(schema, view, &want);
	ok(!lk_writer_batch(w, "main.nested", schema, view, &err), "write rows %d to %d (%s)", (int)from,
		(int)(from + count), err.message);
	close_writer(w);
	r = open_reader(fd, 0);
	if (ok(lk_reader_next(r, &batch, &err) == LK_NEXT_BATCH, "read them (%s)", err.message)) {
		json_of(batch.schema, batch.view, &got);
		is_text(lk_str_text(&got), lk_str_text(&want), "and they are the same");
		is_int(batch.rows, count, "as many");
	}
	expect_end(r);
	lk_reader_close(r);
	close(fd);
	lk_str_release(&want);
	lk_str_release(&got);
}

static void test_nested(void)
{
	struct ArrowSchema schema;
	struct ArrowArray array;
	struct ArrowArrayView view;

	make_nested(&schema, &array, 20);
	ok(ArrowArrayViewInitFromSchema(&view, &schema, NULL) == NANOARROW_OK &&
			ArrowArrayViewSetArray(&view, &array, NULL) == NANOARROW_OK,
		"a nested table");
	array.buffers[0] = NULL;
	view.buffer_views[0].size_bytes = 0;
	view.buffer_views[0].data.data = NULL;
	try_slice(&schema, &view, 0, 20);
	try_slice(&schema, &view, 3, 9);
	try_slice(&schema, &view, 8, 8);
	try_slice(&schema, &view, 19, 1);
	try_slice(&schema, &view, 20, 0);
	ArrowArrayViewReset(&view);
	ArrowArrayRelease(&array);
	ArrowSchemaRelease(&schema);
}

/* ---- passing on ---- */

static void test_pass(void)
{
	struct lk_error err = {LK_OK, ""};
	struct ArrowArray kept;
	struct lk_batch batch;
	char before[LK_SEGMENT_SIZE], after[LK_SEGMENT_SIZE];
	int from = scratch(), to = scratch();
	struct lk_writer *w = open_writer(from, false);
	struct lk_reader *r;

	write_rows(w, "main.a", 0, 3000);
	write_rows(w, "main.a", 3000, 10);
	write_rows(w, "main.b", 0, 1);
	close_writer(w);
	r = open_reader(from, 0);
	w = open_writer(to, false);
	kept.release = NULL;
	while (lk_reader_next(r, &batch, &err) == LK_NEXT_BATCH) {
		ok(batch.message != NULL && !lk_writer_pass(w, &batch, &err), "pass a batch of %s (%s)", batch.table,
			err.message);
		if (!kept.release)
			ArrowArrayMove(batch.array, &kept);
	}
	ok(!batch.schema, "at the end there is no batch");
	lk_reader_close(r);
	ok(kept.length == 3000 && ((const int64_t *)kept.children[2]->buffers[1])[2999] == INT64_C(2999) * 1000003,
		"rows that were kept outlive their reader");
	ArrowArrayRelease(&kept);
	close_writer(w);
	r = open_reader(to, 0);
	expect_rows(r, "main.a", 0, 3000);
	expect_rows(r, "main.a", 3000, 10);
	expect_rows(r, "main.b", 0, 1);
	expect_end(r);
	lk_reader_close(r);
	r = open_reader(from, 0);
	ok(lk_reader_next(r, &batch, &err) == LK_NEXT_BATCH &&
			lk_meta_text(batch.schema, LK_META_SEGMENT, before, sizeof(before)),
		"there is a segment");
	lk_reader_close(r);
	r = open_reader(to, 0);
	ok(lk_reader_next(r, &batch, &err) == LK_NEXT_BATCH &&
			lk_meta_text(batch.schema, LK_META_SEGMENT, after, sizeof(after)) && strcmp(before, after),
		"and another one behind the filter");
	lk_reader_close(r);
	close(from);
	close(to);
}

/* ---- what is wrong ---- */

static void expect_error(struct lk_reader *r, const char *text)
{
	struct lk_error err = {LK_OK, ""};
	struct lk_batch batch;
	enum lk_next next;

	while ((next = lk_reader_next(r, &batch, &err)) == LK_NEXT_BATCH)
		;
	ok(next == LK_NEXT_ERROR && err.status == LK_DATA && strstr(err.message, text), "error '%s' (%s)", text,
		err.message);
	ok(lk_reader_next(r, &batch, &err) == LK_NEXT_ERROR && strstr(err.message, text), "and stays");
	lk_reader_close(r);
}

/* A segment of one table; whole or without its end. Appended to fd. */
static void append_segment(int fd, const char *table, bool whole)
{
	struct lk_writer *w = open_writer(fd, false);

	write_rows(w, table, 0, 5);
	if (whole)
		close_writer(w);
	else
		lk_writer_abort(w);
}

static void test_segments(void)
{
	struct lk_error err;
	struct lk_writer *w;
	struct lk_reader *r;
	struct lk_batch batch;
	static char bytes[65536];
	ssize_t size;
	int fd = scratch();

	append_segment(fd, "main.a", true);
	size = pread(fd, bytes, sizeof(bytes), 0);
	append_segment(fd, "main.b", true);
	r = open_reader(fd, 0);
	expect_rows(r, "main.a", 0, 5);
	expect_rows(r, "main.b", 0, 5);
	expect_end(r);
	lk_reader_close(r);
	lseek(fd, 0, SEEK_END);
	ok(write(fd, bytes, (size_t)size) == size, "the first segment again");
	expect_error(open_reader(fd, 0), "the same stream was given twice");
	close(fd);

	fd = scratch();
	expect_error(open_reader(fd, 0), "it is empty");
	append_segment(fd, "main.a", false);
	expect_error(open_reader(fd, 0), "the writer of table 'main.a' died");
	lseek(fd, 0, SEEK_END);
	append_segment(fd, "main.b", true);
	expect_error(open_reader(fd, 0), "the writer of table 'main.a' died");
	close(fd);

	fd = scratch();
	close_writer(open_writer(fd, false));
	r = open_reader(fd, 0);
	expect_end(r);
	lk_reader_close(r);
	close(fd);

	fd = scratch();
	w = open_writer(fd, true);
	write_rows(w, "main.a", 0, 5);
	close_writer(w);
	expect_error(open_reader(fd, 0), "plain Arrow stream without lk.segment");
	r = open_reader(fd, LK_READER_PLAIN);
	expect_rows(r, "main.a", 0, 5);
	expect_end(r);
	lk_reader_close(r);
	ok(!ftruncate(fd, lseek(fd, 0, SEEK_END) - 8), "without its end mark");
	r = open_reader(fd, LK_READER_PLAIN);
	ok(lk_reader_next(r, &batch, &err) == LK_NEXT_BATCH, "a plain stream still reads");
	expect_end(r);
	lk_reader_close(r);
	close(fd);
}

static void test_failing_writer(void)
{
	struct lk_error err = {LK_OK, ""};
	struct lk_builder b;
	int fd = open("/dev/full", O_WRONLY);
	struct lk_writer *w = open_writer(fd, false);

	ok(!lk_builder_init(&b, all_types, TYPES, NULL, &err), "a builder");
	is_int(lk_writer_flush(w, "main.a", &b, &err), LK_IO, "a full disk is an error");
	is_int(lk_writer_flush(w, "main.a", &b, &err), LK_IO, "and stays one");
	is_int(lk_writer_close(w, &err), LK_IO, "to the end");
	ok(strstr(err.message, "No space left") != NULL, "with its reason (%s)", err.message);
	close(fd);
	fd = scratch();
	w = open_writer(fd, true);
	ok(!lk_writer_flush(w, "main.a", &b, &err), "a plain stream");
	is_int(lk_writer_flush(w, "main.b", &b, &err), LK_DATA, "holds no second table (%s)", err.message);
	is_int(lk_writer_close(w, &err), LK_DATA, "and its writer has failed");
	w = open_writer(fd, false);
	is_int(lk_writer_flush(w, LK_TABLE_END, &b, &err), LK_BUG, "nobody else writes lk.end");
	lk_writer_abort(w);
	lk_builder_release(&b);
	close(fd);
}

/* Values at the edge of what 64 bits hold: a date where there is a calendar for it, else the number. */
static void test_extremes(void)
{
	static const struct {
		const char *format;
		int64_t value;
		const char *text;
	} cases[] = {
		{"tdm", INT64_MIN, "-9223372036854775808"},
		{"tdm", -1, "1969-12-31"},
		{"tss:", INT64_MAX, "9223372036854775807"},
		{"tss:UTC", 253402300800, "+10000-01-01 00:00:00+00"},
		{"tsm:", -1, "1969-12-31 23:59:59.999"},
		{"tsu:", INT64_MIN, "-9223372036854775808"},
		{"tsn:UTC", INT64_MIN, "1677-09-21 00:12:43.145224192+00"},
		{"ttn", 86399999999999, "23:59:59.999999999"},
		{"ttu", -1, "-1"},
		{"tDn", INT64_MIN, "-9223372036854775808"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ArrowSchema schema;
		struct ArrowArray array;
		struct ArrowArrayView view;
		struct lk_str text = LK_STR_INIT;
		struct lk_cell cell;

		ArrowSchemaInit(&schema);
		ok(!ArrowSchemaSetFormat(&schema, cases[i].format) && !ArrowArrayInitFromSchema(&array, &schema, NULL) &&
				!ArrowArrayStartAppending(&array) && !ArrowArrayAppendInt(&array, cases[i].value) &&
				!ArrowArrayFinishBuildingDefault(&array, NULL) &&
				!ArrowArrayViewInitFromSchema(&view, &schema, NULL) &&
				!ArrowArrayViewSetArray(&view, &array, NULL),
			"a value of type %s", cases[i].format);
		lk_cell_init(&cell, &schema);
		lk_cell_add(&cell, &view, 0, false, &text);
		is_text(lk_str_text(&text), cases[i].text, "is shown");
		lk_str_release(&text);
		ArrowArrayViewReset(&view);
		ArrowArrayRelease(&array);
		ArrowSchemaRelease(&schema);
	}
}

int main(void)
{
	test_round_trip();
	test_counts();
	test_extremes();
	test_nested();
	test_pass();
	test_segments();
	test_failing_writer();
	test_formats();
	return done();
}
