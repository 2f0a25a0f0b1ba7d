/*
 * Makes streams for tests on standard output.
 *
 *	stream-make WORD...
 *
 * people, visits, rejects, odd, many, long, latin1   tables of one segment, in that order
 * die      the segment has no end marker
 * lie      one batch is taken out, so that the end marker's counts are wrong
 * bomb, rows, dictionary, knot   a plain stream by a writer that means no good
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nanoarrow/ipc/flatcc_generated.h"

#include "base/file.h"
#include "stream/encode.h"
#include "stream/side.h"
#include "stream/stream.h"

#define ns(x) FLATBUFFERS_WRAP_NAMESPACE(org_apache_arrow_flatbuf, x)

static struct lk_error error;

static void must(enum lk_status status)
{
	if (status) {
		fprintf(stderr, "stream-make: %s\n", error.message);
		exit(status);
	}
}

/* ---- tables ---- */

static const struct lk_meta phi[] = {{LK_META_PHI, "direct"}, {NULL}};
static const struct lk_meta key[] = {{LK_META_KEY, "[\"id\"]"}, {NULL}};

static const struct lk_field people_fields[] = {
	{"id", LK_INT64, .required = true},
	{"name", LK_UTF8, .meta = phi},
	{"born", LK_DATE32},
	{"weight", LK_DECIMAL128, .precision = 9, .scale = 2},
};

static void people(struct lk_writer *w)
{
	struct lk_builder b;
	struct lk_column *c;

	must(lk_builder_init(&b, people_fields, 4, key, &error));
	c = b.columns;
	lk_column_int64(&c[0], 1);
	lk_column_text(&c[1], "Zo\xc3\xab");
	lk_column_int32(&c[2], -1);
	lk_column_decimal(&c[3], 7150);
	must(lk_builder_end_row(&b, &error));
	lk_column_int64(&c[0], 2);
	lk_column_text(&c[1], "\xe5\x90\x8d\xe5\x89\x8d");
	lk_column_int32(&c[2], 11356);
	lk_column_null(&c[3]);
	must(lk_builder_end_row(&b, &error));
	must(lk_writer_flush(w, "main.people", &b, &error));
	lk_column_int64(&c[0], 3);
	for (int i = 1; i < 4; i++)
		lk_column_null(&c[i]);
	must(lk_builder_end_row(&b, &error));
	must(lk_writer_flush(w, "main.people", &b, &error));
	lk_builder_release(&b);
}

static void visits(struct lk_writer *w)
{
	static const struct lk_field fields[] = {{"visit", LK_INT64}, {"at", LK_TIMESTAMPTZ}};
	struct lk_builder b;

	must(lk_builder_init(&b, fields, 2, NULL, &error));
	lk_column_int64(&b.columns[0], 10);
	lk_column_int64(&b.columns[1], INT64_C(1769903999) * 1000000);
	must(lk_builder_end_row(&b, &error));
	must(lk_writer_flush(w, "main.visits", &b, &error));
	lk_builder_release(&b);
}

/* A table of one column of text. */
static void texts(struct lk_writer *w, const char *table, const char *column, const char *const *values)
{
	const struct lk_field field = {column, LK_UTF8};
	struct lk_builder b;

	must(lk_builder_init(&b, &field, 1, NULL, &error));
	for (; *values; values++) {
		lk_column_text(&b.columns[0], *values);
		must(lk_builder_end_row(&b, &error));
	}
	must(lk_writer_flush(w, table, &b, &error));
	lk_builder_release(&b);
}

static void rejects(struct lk_writer *w)
{
	texts(w, LK_TABLE_REJECTS, "reason", (const char *const[]){"no key", NULL});
}

static void latin1(struct lk_writer *w)
{
	texts(w, "main.latin1", "name", (const char *const[]){"Zoe", "Zo\xeb", NULL});
}

static void long_text(struct lk_writer *w)
{
	static char text[201];

	memset(text, 'x', sizeof(text) - 1);
	texts(w, "main.long", "text", (const char *const[]){text, NULL});
}

static void odd(struct lk_writer *w)
{
	static const struct lk_field fields[] = {{"text", LK_UTF8}, {"flag", LK_BOOL}, {"bytes", LK_BINARY}};
	static const char *const text[] = {"a,\"b\"", "line\nline", "", NULL, "\t\\|\033[31m"};
	struct lk_builder b;

	must(lk_builder_init(&b, fields, 3, NULL, &error));
	for (int i = 0; i < 5; i++) {
		lk_column_text(&b.columns[0], text[i]);
		if (i < 2) {
			lk_column_bool(&b.columns[1], i == 0);
			lk_column_bytes(&b.columns[2], "\0\xff", i == 0 ? 2 : 0);
		} else {
			lk_column_null(&b.columns[1]);
			lk_column_null(&b.columns[2]);
		}
		must(lk_builder_end_row(&b, &error));
	}
	must(lk_writer_flush(w, "main.odd", &b, &error));
	lk_builder_release(&b);
}

/* 5,000 rows in batches of 100. */
static void many(struct lk_writer *w)
{
	static const struct lk_field field = {"n", LK_INT64};
	struct lk_builder b;

	must(lk_builder_init(&b, &field, 1, NULL, &error));
	for (int i = 0; i < 5000; i++) {
		lk_column_int64(&b.columns[0], i);
		must(lk_builder_end_row(&b, &error));
		if (i % 100 == 99)
			must(lk_writer_flush(w, "main.many", &b, &error));
	}
	lk_builder_release(&b);
}

static const struct {
	const char *word;
	void (*write)(struct lk_writer *w);
} tables[] = {{"people", people}, {"visits", visits}, {"rejects", rejects}, {"odd", odd}, {"many", many},
	{"long", long_text}, {"latin1", latin1}};

/* ---- writers that mean no good ---- */

static void out(const void *data, size_t len)
{
	must(lk_write(STDOUT_FILENO, "standard output", data, len, &error));
}

static void schema(const char *format, const char *dictionary)
{
	struct ArrowSchema s;
	struct ArrowBuffer message;

	ArrowSchemaInit(&s);
	ArrowBufferInit(&message);
	if (ArrowSchemaSetTypeStruct(&s, 1) || ArrowSchemaSetFormat(s.children[0], format) ||
		ArrowSchemaSetName(s.children[0], "x"))
		exit(70);
	if (dictionary) {
		if (ArrowSchemaAllocateDictionary(s.children[0]))
			exit(70);
		ArrowSchemaInit(s.children[0]->dictionary);
		if (ArrowSchemaSetFormat(s.children[0]->dictionary, dictionary))
			exit(70);
	}
	must(lk_encode_schema(&s, &message, &error));
	out(message.data, (size_t)message.size_bytes);
	ArrowBufferReset(&message);
	ArrowSchemaRelease(&s);
}

struct batch {
	int64_t rows, nulls;
	int64_t lengths[3]; /* of its buffers, one behind the other */
	size_t buffers;
	bool compressed, dictionary;
	const void *body;
	int64_t body_size;
};

static ns(RecordBatch_ref_t) record_batch(flatcc_builder_t *b, const struct batch *batch)
{
	ns(FieldNode_t) node = {batch->rows, batch->nulls};
	ns(Buffer_t) buffers[3];
	int64_t at = 0;

	for (size_t i = 0; i < batch->buffers; i++) {
		buffers[i] = (ns(Buffer_t)){at, batch->lengths[i]};
		at += (batch->lengths[i] + 7) / 8 * 8;
	}
	ns(RecordBatch_start(b));
	ns(RecordBatch_length_add(b, batch->rows));
	ns(RecordBatch_nodes_create(b, &node, 1));
	ns(RecordBatch_buffers_create(b, buffers, batch->buffers));
	if (batch->compressed)
		ns(RecordBatch_compression_create(b, ns(CompressionType_ZSTD), ns(BodyCompressionMethod_BUFFER)));
	return ns(RecordBatch_end(b));
}

static void message(const struct batch *batch)
{
	flatcc_builder_t b;
	ns(RecordBatch_ref_t) ref;
	int32_t prefix[2] = {-1, 0};
	char header[4096] = "";

	flatcc_builder_init(&b);
	ns(Message_start_as_root(&b));
	ns(Message_version_add(&b, ns(MetadataVersion_V5)));
	if (batch->dictionary) {
		ns(Message_header_DictionaryBatch_start(&b));
		ref = record_batch(&b, batch);
		ns(DictionaryBatch_id_add(&b, 0));
		ns(DictionaryBatch_data_add(&b, ref));
		ns(Message_header_DictionaryBatch_end(&b));
	} else {
		ref = record_batch(&b, batch);
		ns(Message_header_RecordBatch_add(&b, ref));
	}
	ns(Message_bodyLength_add(&b, batch->body_size));
	ns(Message_end_as_root(&b));
	prefix[1] = (int32_t)(flatcc_builder_get_buffer_size(&b) + 7) / 8 * 8;
	if (!flatcc_builder_copy_buffer(&b, header, sizeof(header)))
		exit(70);
	flatcc_builder_clear(&b);
	out(prefix, sizeof(prefix));
	out(header, (size_t)prefix[1]);
	out(batch->body, (size_t)batch->body_size);
}

/* Claims to become 2 GiB of int64 out of 16 bytes. */
static void bomb(void)
{
	const int64_t body[2] = {INT64_C(2) << 30, 0};

	schema("l", NULL);
	message(&(struct batch){.rows = INT64_C(1) << 28, .lengths = {0, 16}, .buffers = 2, .compressed = true,
		.body = body, .body_size = 16});
}

/* Claims 2^30 rows of nothing. */
static void rows(void)
{
	schema("n", NULL);
	message(&(struct batch){.rows = INT64_C(1) << 30, .nulls = INT64_C(1) << 30, .body = ""});
}

/* A dictionary of one value of 4 MiB, and 1,000 rows that all are it. */
static void dictionary(void)
{
	static char values[8 + (4 << 20)];
	static const char indices[1000];
	int32_t end = 4 << 20;

	memset(values, 'x', sizeof(values));
	memset(values, 0, 4);
	memcpy(values + 4, &end, 4);
	schema("c", "u");
	message(&(struct batch){.rows = 1, .lengths = {0, 8, 4 << 20}, .buffers = 3, .dictionary = true, .body = values,
		.body_size = sizeof(values)});
	message(&(struct batch){.rows = 1000, .lengths = {0, 1000}, .buffers = 2, .body = indices, .body_size = 1000});
}

/* A field of which both children are one field, of which both children are ... 40 levels deep. */
static void knot(void)
{
	flatcc_builder_t b;
	flatbuffers_ref_t field = 0, type, name, children, refs[2];
	int32_t prefix[2] = {-1, 0};
	char header[8192] = "";

	flatcc_builder_init(&b);
	ns(Message_start_as_root(&b));
	ns(Message_version_add(&b, ns(MetadataVersion_V5)));
	for (int level = 0; level < 40; level++) {
		refs[0] = refs[1] = field;
		children = flatcc_builder_create_offset_vector(&b, refs, level ? 2 : 0);
		name = flatbuffers_string_create_str(&b, "x");
		type = ns(Struct__create(&b));
		ns(Field_start(&b));
		ns(Field_name_add(&b, name));
		ns(Field_type_add(&b, ns(Type_as_Struct_(type))));
		ns(Field_children_add(&b, children));
		field = ns(Field_end(&b));
	}
	children = flatcc_builder_create_offset_vector(&b, &field, 1);
	ns(Message_header_Schema_start(&b));
	ns(Schema_fields_add(&b, children));
	ns(Message_header_Schema_end(&b));
	ns(Message_end_as_root(&b));
	prefix[1] = (int32_t)(flatcc_builder_get_buffer_size(&b) + 7) / 8 * 8;
	if (!flatcc_builder_copy_buffer(&b, header, sizeof(header)))
		exit(70);
	flatcc_builder_clear(&b);
	out(prefix, sizeof(prefix));
	out(header, (size_t)prefix[1]);
}

/* Writes what is in fd, but for the bytes of the batch that comes second. */
static void lie(int fd)
{
	struct lk_str bytes = LK_STR_INIT;
	struct lk_reader *r;
	struct lk_batch batch;
	char path[64];
	const char *at;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	must(lk_file_read(path, 1 << 20, &bytes, &error));
	lseek(fd, 0, SEEK_SET);
	must(lk_reader_open(&r, fd, "memory", 0, &error));
	for (int i = 0; i < 2; i++)
		if (lk_reader_next(r, &batch, &error) != LK_NEXT_BATCH)
			exit(70);
	at = memmem(bytes.data, bytes.len, batch.message, batch.message_len);
	out(bytes.data, (size_t)(at - bytes.data));
	out(at + batch.message_len, bytes.len - (size_t)(at - bytes.data) - batch.message_len);
	lk_reader_close(r);
	lk_str_release(&bytes);
}

static bool has(char **words, const char *word)
{
	for (; *words; words++)
		if (!strcmp(*words, word))
			return true;
	return false;
}

static void segment(char **words)
{
	int fd = has(words, "lie") ? memfd_create("segment", 0) : STDOUT_FILENO;
	struct lk_writer *w;

	must(lk_writer_open(&w, fd, "standard output", false, &error));
	for (char **word = words; *word; word++)
		for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
			if (!strcmp(tables[i].word, *word))
				tables[i].write(w);
	if (has(words, "die"))
		lk_writer_abort(w);
	else
		must(lk_writer_close(w, &error));
	if (fd != STDOUT_FILENO)
		lie(fd);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "bomb"))
		bomb();
	else if (argc == 2 && !strcmp(argv[1], "rows"))
		rows();
	else if (argc == 2 && !strcmp(argv[1], "dictionary"))
		dictionary();
	else if (argc == 2 && !strcmp(argv[1], "knot"))
		knot();
	else
		segment(argv + 1);
	return 0;
}
