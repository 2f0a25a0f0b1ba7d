/* Units of lib/stream: writer to reader and back, segments, what damage does. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

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

int main(void)
{
	test_round_trip();
	test_formats();
	return done();
}
