/* Batches kept in memory and on disk, read again and again. */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "change/store.h"
#include "stream/side.h"
#include "tap.h"

#define BATCHES 40

static struct lk_error err;

static const struct lk_field fields[] = {{"n", LK_INT64}, {"text", LK_UTF8}};

/* Batches of 100 rows, the table another one each 10 batches, and the metadata each 5. */
static void write_batches(int fd)
{
	struct lk_writer *w;
	struct lk_builder b;
	int n = 0;

	if (lk_writer_open(&w, fd, "stream", false, &err))
		exit(1);
	for (int i = 0; i < BATCHES; i++) {
		const struct lk_meta meta[] = {{LK_META_ORDER, i / 5 % 2 ? "n" : "text"}, {NULL}};
		const struct lk_field more[] = {fields[0], fields[1], {"more", LK_BOOL}};

		if (lk_builder_init(&b, more, i / 5 % 2 ? 3 : 2, meta, &err))
			exit(1);
		for (int row = 0; row < 100; row++) {
			lk_column_int64(&b.columns[0], n++);
			lk_column_text(&b.columns[1], row % 7 ? "some text" : NULL);
			if (i / 5 % 2)
				lk_column_bool(&b.columns[2], true);
			if (lk_builder_end_row(&b, &err))
				exit(1);
		}
		if (lk_writer_flush(w, i / 10 % 2 ? "main.b" : "main.a", &b, &err))
			exit(1);
		lk_builder_release(&b);
	}
	if (lk_writer_close(w, &err))
		exit(1);
}

static enum lk_status fill(struct lk_store *s, int fd)
{
	struct lk_batch batch;
	struct lk_reader *r;
	enum lk_status status;
	enum lk_next next;

	lseek(fd, 0, SEEK_SET);
	status = lk_reader_open(&r, fd, "stream", 0, &err);
	if (status)
		return status;
	while (!status && (next = lk_reader_next(r, &batch, &err)) != LK_NEXT_END)
		status = next == LK_NEXT_ERROR ? err.status : lk_store_add(s, &batch, &err);
	lk_reader_close(r);
	return status;
}

/* Every batch is as it was written. */
static int count_wrong(struct lk_store *s)
{
	struct lk_batch batch;
	uint64_t stream = 0;
	char order[16];
	int wrong = 0, i = 0;

	if (lk_store_rewind(s, &err))
		return -1;
	for (; lk_store_next(s, &batch, &err) == LK_NEXT_BATCH; i++) {
		bool more = i / 5 % 2;

		wrong += strcmp(batch.table, i / 10 % 2 ? "main.b" : "main.a") || batch.schema->n_children != 2 + more || batch.rows != 100;
		wrong += !lk_meta_text(batch.schema, LK_META_ORDER, order, sizeof(order)) || strcmp(order, more ? "n" : "text");
		wrong += (batch.stream == stream) != (i % 5 != 0);
		stream = batch.stream;
		for (int row = 0; row < 100; row++) {
			wrong += ArrowArrayViewGetIntUnsafe(batch.view->children[0], row) != i * 100 + row;
			wrong += ArrowArrayViewIsNull(batch.view->children[1], row) != (row % 7 == 0);
		}
	}
	return wrong + (i != BATCHES);
}

static void check(int fd, size_t memory, bool spills)
{
	struct lk_batch batch;
	struct lk_store *s;

	ok(!lk_store_create(&s, memory, NULL, &err) && !fill(s, fd), "a stream is kept with %zu bytes of memory", memory);
	ok((lk_store_spilled(s) > 0) == spills, "%s", spills ? "some of it on disk" : "all in memory");
	ok(lk_store_next(s, &batch, &err) == LK_NEXT_ERROR, "it is read once it is rewound");
	is_int(count_wrong(s), 0, "it is read as it was");
	is_int(count_wrong(s), 0, "and again");
	ok(!lk_store_rewind(s, &err) && lk_store_next(s, &batch, &err) == LK_NEXT_BATCH, "also when it was left half way");
	is_int(count_wrong(s), 0, "in the middle");
	ok(lk_store_add(s, &batch, &err) == LK_BUG, "it takes no more then");
	lk_store_free(s);
}

static void test_empty(void)
{
	struct lk_batch batch;
	struct lk_store *s;

	ok(!lk_store_create(&s, 0, NULL, &err) && !lk_store_rewind(s, &err) && lk_store_next(s, &batch, &err) == LK_NEXT_END, "an empty store");
	ok(lk_store_next(s, &batch, &err) == LK_NEXT_END, "stays at its end");
	lk_store_free(s);
}

static void test_errors(int fd)
{
	struct rlimit limit = {1 << 14, RLIM_INFINITY};
	struct lk_store *s;

	ok(!lk_store_create(&s, 0, "/nowhere", &err) && fill(s, fd) == LK_CANTCREATE, "a folder that is not there: %s", err.message);
	lk_store_free(s);
	setrlimit(RLIMIT_FSIZE, &limit); /* as a full disk would be */
	signal(SIGXFSZ, SIG_IGN);
	ok(!lk_store_create(&s, 0, NULL, &err) && fill(s, fd) == LK_IO && strstr(err.message, "cannot write 'a temporary file in "),
		"a full disk: %s", err.message);
	lk_store_free(s);
}

int main(void)
{
	int fd = memfd_create("stream", 0);

	write_batches(fd);
	check(fd, 1 << 20, false);
	check(fd, 20000, true);
	check(fd, 0, true);
	test_empty();
	test_errors(fd);
	close(fd);
	return done();
}
