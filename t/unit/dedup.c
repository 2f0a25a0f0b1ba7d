/* Dedup against a model: random rows of several tables in several Arrow streams, with little memory and with much. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "change/dedup.h"
#include "stream/side.h"
#include "tap.h"

static struct lk_error err;
static uint64_t seed;
static int says;

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	(void)fmt;
	says++;
}

static uint32_t next_random(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

/* A row: a key of two columns (-1: null), an order, a value, and one more that only some streams have. */
struct row {
	int table, id, part, order, value, more;
	int64_t place;
};

#define ROWS 20000
#define BATCH 500
#define VALUES 100000 /* of the key, at most */

static struct row rows[ROWS];

/* Values repeat; text of the second column is long, so that memory is used. */
static void make_rows(int distinct)
{
	for (int i = 0; i < ROWS; i++)
		rows[i] = (struct row){.table = (int)next_random(3), .id = (int)next_random((uint32_t)distinct) - 1, .part = (int)next_random(3),
			.order = (int)next_random(5), .value = (int)next_random(2), .more = -1, .place = i};
}

static void add_int(struct lk_column *c, bool wide, int value)
{
	if (value < 0)
		lk_column_null(c);
	else if (wide)
		lk_column_int64(c, value);
	else
		lk_column_int32(c, value);
}

static void write_batch(struct lk_writer *w, int from)
{
	int table = rows[from].table;
	bool wide = next_random(2), more = next_random(2);
	const struct lk_field fields[] = {{"id", wide ? LK_INT64 : LK_INT32}, {"part", LK_UTF8}, {"v", LK_INT64}, {"value", LK_FLOAT64},
		{LK_COLUMN_ROW, LK_INT64}, {"more", LK_INT32}};
	const struct lk_meta key[] = {{LK_META_KEY, "[\"id\",\"part\"]"}, {LK_META_ORDER, "v"}, {NULL}};
	char text[100];
	struct lk_builder b;

	if (lk_builder_init(&b, fields, more ? 6 : 5, table == 1 ? key : NULL, &err))
		exit(1);
	for (int i = from; i < from + BATCH; i++) {
		rows[i].table = table;
		rows[i].more = more ? (int)next_random(3) - 1 : -1;
		snprintf(text, sizeof(text), "a part of a key, which is rather long: %d", rows[i].part);
		add_int(&b.columns[0], wide, rows[i].id);
		lk_column_text(&b.columns[1], text);
		lk_column_int64(&b.columns[2], rows[i].order);
		lk_column_float64(&b.columns[3], rows[i].value);
		lk_column_int64(&b.columns[4], i);
		if (more)
			add_int(&b.columns[5], false, rows[i].more);
		if (lk_builder_end_row(&b, &err))
			exit(1);
	}
	if (lk_writer_flush(w, (const char *[]){"main.whole", "main.keyed", "main.other"}[table], &b, &err))
		exit(1);
	lk_builder_release(&b);
}

static void write_stream(int fd)
{
	struct lk_writer *w;

	if (lk_writer_open(&w, fd, "stream", false, &err))
		exit(1);
	for (int i = 0; i < ROWS; i += BATCH)
		write_batch(w, i);
	if (lk_writer_close(w, &err))
		exit(1);
}

/* ---- the model ---- */

static bool same_row(const struct row *a, const struct row *b)
{
	return a->id == b->id && a->part == b->part && a->order == b->order && a->value == b->value && a->more == b->more;
}

/* Whether a row loses against another one of its table. */
static bool loses(const struct row *a, const struct row *b, bool whole)
{
	if (a->table != b->table || a->place == b->place || (!whole && (a->id < 0 || b->id < 0)))
		return false;
	if (whole)
		return same_row(a, b) && b->place < a->place;
	return a->id == b->id && a->part == b->part && (b->order > a->order || (b->order == a->order && b->place > a->place));
}

/* By buckets of (table, id), so that it is no square of all rows. */
static void model(bool whole, bool other_too, bool *stays)
{
	static int next[ROWS], head[3][VALUES + 1];

	memset(head, -1, sizeof(head));
	for (int i = 0; i < ROWS; i++) {
		next[i] = head[rows[i].table][rows[i].id + 1];
		head[rows[i].table][rows[i].id + 1] = i;
	}
	for (int i = 0; i < ROWS; i++) {
		stays[i] = true;
		if (rows[i].table == 2 && !other_too)
			continue;
		for (int j = head[rows[i].table][rows[i].id + 1]; j >= 0; j = next[j])
			stays[i] = stays[i] && !loses(&rows[i], &rows[j], whole || rows[i].table != 1);
	}
}

/* ---- what comes out ---- */

static enum lk_status run(int in, int out, struct lk_dedup_options *o)
{
	struct lk_batch batch;
	struct lk_writer *w;
	struct lk_reader *r;
	struct lk_dedup *d;
	enum lk_status status;
	enum lk_next next;

	lseek(in, 0, SEEK_SET);
	if (lk_writer_open(&w, out, "out", false, &err) || lk_reader_open(&r, in, "in", 0, &err))
		exit(1);
	status = lk_dedup_open(&d, o, w, &err);
	while (!status && (next = lk_reader_next(r, &batch, &err)) != LK_NEXT_END)
		status = next == LK_NEXT_ERROR ? err.status : lk_dedup_batch(d, &batch, &err);
	if (!status)
		status = lk_dedup_finish(d, &err);
	lk_dedup_close(d);
	lk_reader_close(r);
	if (status)
		lk_writer_abort(w);
	else
		status = lk_writer_close(w, &err);
	return status;
}

/* Which rows came out: how often, and whether in the order in which they went in, table by table. */
static bool read_rows(int fd, int *seen, struct lk_counts *counts)
{
	int64_t last[256] = {0};
	struct lk_batch batch;
	struct lk_reader *r;
	bool in_order = true;

	memset(seen, 0, ROWS * sizeof(*seen));
	lseek(fd, 0, SEEK_SET);
	if (lk_reader_open(&r, fd, "out", 0, &err))
		exit(1);
	while (lk_reader_next(r, &batch, &err) == LK_NEXT_BATCH) {
		int64_t *before = &last[(unsigned char)batch.table[5]];

		for (int64_t i = 0; i < batch.rows; i++) {
			int64_t place = ArrowArrayViewGetIntUnsafe(batch.view->children[4], i);

			in_order = in_order && (!*before || place > *before);
			*before = place;
			seen[place]++;
		}
	}
	lk_reader_counts(r, counts);
	lk_reader_close(r);
	return in_order;
}

static void check(int in, struct lk_dedup_options *o, bool other_too, const char *title)
{
	static bool stays[ROWS];
	static int seen[ROWS], dropped[ROWS];
	int out = memfd_create("out", 0), dups = memfd_create("dups", 0), wrong = 0, wrong_dups = 0, stay = 0;
	struct lk_counts counts, dup_counts;
	bool in_order;

	model(o->whole, other_too, stays);
	says = 0;
	if (lk_writer_open(&o->dups, dups, "dups", false, &err))
		exit(1);
	ok(!run(in, out, o) && !lk_writer_close(o->dups, &err), "%s: all is read and written", title);
	in_order = read_rows(out, seen, &counts);
	in_order = read_rows(dups, dropped, &dup_counts) && in_order;
	for (int i = 0; i < ROWS; i++) {
		wrong += seen[i] != stays[i];
		wrong_dups += dropped[i] != !stays[i];
		stay += stays[i];
	}
	is_int(wrong, 0, "as the model says, %d rows of %d stay", stay, ROWS);
	is_int(wrong_dups, 0, "the others are in the other stream");
	ok(in_order, "all in the order in which they came");
	ok(counts.rows == stay && counts.dropped == ROWS - stay && dup_counts.rows == ROWS - stay, "the end markers count them");
	close(out);
	close(dups);
}

static void test_model(uint64_t start, int distinct)
{
	static const char *const some[] = {"whole", "main.keyed"};
	static const char *key[] = {"id", "part"};
	struct lk_dedup_options o = {.memory_bytes = 64 << 20, .say = say};
	int in = memfd_create("in", 0), out = memfd_create("out", 0);

	seed = start;
	make_rows(distinct);
	write_stream(in);
	printf("# seed %llu, %d values\n", (unsigned long long)start, distinct);
	check(in, &o, true, "as the tables say");
	ok(!says, "in memory");
	o.memory_bytes = 200 << 10;
	check(in, &o, true, "with little memory");
	ok(says == 1 || distinct < 100, "it says once that it needs more");
	o.memory_bytes = 1;
	check(in, &o, true, "with next to none");
	o.whole = true;
	check(in, &o, true, "whole rows");
	o.memory_bytes = 64 << 20;
	check(in, &o, true, "whole rows in memory");
	o.whole = false;
	o.tables = some;
	o.table_count = 2;
	check(in, &o, false, "of two tables");
	o.tables = (const char *const[]){"keyed"};
	o.table_count = 1;
	o.key = key;
	o.key_count = 2;
	o.order = "missing";
	ok(run(in, out, &o) == LK_DATA && strstr(err.message, "table main.keyed: there is no column 'missing'"), "%s", err.message);
	close(in);
	close(out);
}

/* Columns that change their type, or that hold what cannot be a cell. */
static enum lk_status run_fields(const struct lk_field *a, const struct lk_field *b)
{
	struct lk_dedup_options o = {.memory_bytes = 1 << 20};
	const struct lk_field *const fields[] = {a, b};
	int in = memfd_create("in", 0), out = memfd_create("out", 0);
	struct lk_builder builder;
	struct lk_writer *w;
	enum lk_status status;

	if (lk_writer_open(&w, in, "in", false, &err))
		exit(1);
	for (int i = 0; i < 2; i++) {
		if (lk_builder_init(&builder, fields[i], 1, NULL, &err))
			exit(1);
		lk_column_null(&builder.columns[0]);
		if (lk_builder_end_row(&builder, &err) || lk_writer_flush(w, "main.t", &builder, &err))
			exit(1);
		lk_builder_release(&builder);
	}
	if (lk_writer_close(w, &err))
		exit(1);
	status = run(in, out, &o);
	close(in);
	close(out);
	return status;
}

static void test_types(void)
{
	static const struct lk_field narrow = {"x", LK_INT32}, wide = {"x", LK_INT64}, text = {"x", LK_UTF8}, small = {"x", LK_DECIMAL128, 9, 2},
				     large = {"x", LK_DECIMAL128, 12, 2}, fine = {"x", LK_DECIMAL128, 9, 3};

	ok(!run_fields(&narrow, &wide) && !run_fields(&wide, &narrow), "integers of two widths are one type");
	ok(!run_fields(&small, &large) && !run_fields(&large, &small), "and decimals of two precisions");
	ok(run_fields(&small, &fine) == LK_DATA, "of two scales not: %s", err.message);
	ok(run_fields(&wide, &text) == LK_DATA, "neither text and integers: %s", err.message);
}

/* Lists of integers: nullable ones, and none of them a cell. */
static void test_lists(void)
{
	struct lk_dedup_options o = {.memory_bytes = 1 << 20};
	int in = memfd_create("in", 0), out = memfd_create("out", 0);
	struct ArrowSchema schema;
	struct ArrowArray array;
	struct ArrowArrayView view;
	struct lk_counts counts;
	struct lk_reader *r;
	struct lk_batch batch;
	struct lk_writer *w;

	ArrowSchemaInit(&schema);
	ok(!ArrowSchemaSetTypeStruct(&schema, 1) && !ArrowSchemaSetType(schema.children[0], NANOARROW_TYPE_LIST) &&
			!ArrowSchemaSetName(schema.children[0], "x") && !ArrowSchemaSetType(schema.children[0]->children[0], NANOARROW_TYPE_INT32) &&
			!ArrowArrayInitFromSchema(&array, &schema, NULL) && !ArrowArrayStartAppending(&array), "a column of lists");
	for (int i = 0; i < 6; i++) {
		for (int n = 0; n < i % 3; n++)
			ArrowArrayAppendInt(array.children[0]->children[0], n);
		ArrowArrayFinishElement(array.children[0]);
		ArrowArrayFinishElement(&array);
	}
	ArrowArrayFinishBuildingDefault(&array, NULL);
	ArrowArrayViewInitFromSchema(&view, &schema, NULL);
	ArrowArrayViewSetArray(&view, &array, NULL);
	ok(!lk_writer_open(&w, in, "in", false, &err) && !lk_writer_batch(w, "main.t", &schema, &view, &err) && !lk_writer_close(w, &err), "is written");
	ok(!run(in, out, &o), "and read");
	lseek(out, 0, SEEK_SET);
	ok(!lk_reader_open(&r, out, "out", 0, &err) && lk_reader_next(r, &batch, &err) == LK_NEXT_BATCH && batch.rows == 3 &&
			lk_reader_next(r, &batch, &err) == LK_NEXT_END, "the same lists are the same rows");
	lk_reader_counts(r, &counts);
	ok(counts.read == 6 && counts.dropped == 3, "as the end marker says");
	lk_reader_close(r);
	ArrowArrayViewReset(&view);
	ArrowArrayRelease(&array);
	ArrowSchemaRelease(&schema);
	close(in);
	close(out);
}

int main(void)
{
	test_model(88172645463325252u, 2000);
	test_model(12345678901234567u, 7);
	test_model(424242424242u, VALUES);
	test_types();
	test_lists();
	return done();
}
