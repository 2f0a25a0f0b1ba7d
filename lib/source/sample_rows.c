#include "source/sample_rows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "source/parse.h"
#include "stream/format.h"
#include "stream/side.h"

#define PIECE_BYTES (1024 * 1024)

/* ---- into the parser, as lk-unpack would send it ---- */

/* Samples are as old as their checkout, so all of them get one time. */
static void append_piece(struct lk_column *c, const struct lk_sample *sample, const char *sender, const char *sha256,
	const struct lk_str *content, size_t offset)
{
	size_t len = content->len - offset;
	bool last = len <= PIECE_BYTES;

	lk_column_text(&c[LK_MEMBERS_DELIVERY], sample->delivery);
	lk_column_text(&c[LK_MEMBERS_SHA256], sha256);
	lk_column_int64(&c[LK_MEMBERS_SIZE], (int64_t)content->len);
	lk_column_int64(&c[LK_MEMBERS_MODIFIED], 0);
	lk_column_text(&c[LK_MEMBERS_SENDER], sender);
	lk_column_text(&c[LK_MEMBERS_MEMBER], sample->member);
	lk_column_int64(&c[LK_MEMBERS_INDEX], 0);
	lk_column_int64(&c[LK_MEMBERS_MEMBER_SIZE], (int64_t)content->len);
	lk_column_int64(&c[LK_MEMBERS_MEMBER_MODIFIED], 0);
	lk_column_int64(&c[LK_MEMBERS_OFFSET], (int64_t)offset);
	lk_column_bool(&c[LK_MEMBERS_LAST], last);
	lk_column_bytes(&c[LK_MEMBERS_CONTENT], lk_str_text(content) + offset, last ? len : PIECE_BYTES);
	lk_column_text(&c[LK_MEMBERS_STATUS], "ok");
	lk_column_null(&c[LK_MEMBERS_ERROR]);
	lk_column_null(&c[LK_MEMBERS_PASSPHRASE]);
}

static enum lk_status send_pieces(struct lk_parser *parser, struct lk_builder *b, const struct lk_sample *sample,
	const char *sender, const struct lk_str *content, struct lk_error *err)
{
	char sha256[LK_SHA256_HEX];
	size_t offset = 0;

	LK_TRY(lk_sha256_of(lk_str_text(content), content->len, sha256, err));
	do {
		struct lk_batch batch = {.table = LK_TABLE_MEMBERS, .schema = &b->schema};

		append_piece(b->columns, sample, sender, sha256, content, offset);
		LK_TRY(lk_builder_end_row(b, err));
		LK_TRY(lk_builder_check(b, err));
		LK_TRY(lk_builder_view(b, &batch.view, err));
		batch.rows = b->rows;
		LK_TRY(lk_parser_batch(parser, &batch, err));
		lk_builder_clear(b);
		offset += PIECE_BYTES;
	} while (offset < content->len);
	return LK_OK;
}

static enum lk_status send_sample(struct lk_parser *parser, struct lk_sources *s, const struct lk_sample *sample,
	const struct lk_str *content, struct lk_error *err)
{
	struct lk_builder b;
	enum lk_status status;
	char *sender;

	LK_TRY(lk_sources_sender(s, sample->delivery, &sender, err));
	status = lk_builder_init(&b, lk_members_fields, LK_MEMBERS_COLUMNS, NULL, err);
	if (!status) {
		status = send_pieces(parser, &b, sample, sender, content, err);
		lk_builder_release(&b);
	}
	free(sender);
	return status;
}

static enum lk_status parse_sample(struct lk_sources *s, const struct lk_sample *sample, const struct lk_str *content,
	struct lk_writer *writer, struct lk_error *err)
{
	struct lk_output_totals totals;
	struct lk_parser *parser;
	enum lk_status status;

	LK_TRY(lk_parser_open(&parser, s, NULL, writer, err));
	status = send_sample(parser, s, sample, content, err);
	if (!status)
		status = lk_parser_finish(parser, &totals, err);
	lk_parser_close(parser);
	return status;
}

/* ---- out of the stream ---- */

static struct lk_sample_table *find_or_add(struct lk_sample_result *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->tables[i].name, name))
			return &r->tables[i];
	if (!lk_grow((void **)&r->tables, &r->cap, r->count + 1, sizeof(*r->tables)))
		return NULL;
	r->tables[r->count] = (struct lk_sample_table){.name = lk_arena_strdup(&r->arena, name)};
	return r->tables[r->count].name ? &r->tables[r->count++] : NULL;
}

static struct lk_shape *make_shape(struct lk_arena *arena, const struct ArrowSchema *schema)
{
	size_t n = (size_t)schema->n_children;
	struct lk_shape *shape = lk_arena_alloc(arena, sizeof(*shape));

	if (!shape || !(shape->names = lk_arena_alloc(arena, (n + 1) * sizeof(*shape->names))) ||
		!(shape->decimal = lk_arena_alloc(arena, n + 1)))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		shape->names[i] = lk_arena_strdup(arena, schema->children[i]->name);
		shape->decimal[i] = lk_type_of(schema->children[i], NULL, NULL) == LK_DECIMAL128;
		if (!shape->names[i])
			return NULL;
	}
	shape->count = (int)n;
	return shape;
}

static enum lk_status add_row(struct lk_sample_result *r, struct lk_sample_table *t, const struct lk_shape *shape,
	const struct lk_batch *batch, int64_t at, struct lk_str *cell, struct lk_error *err)
{
	struct lk_sample_row row = {shape, lk_arena_alloc(&r->arena, (size_t)(shape->count + 1) * sizeof(*row.cells))};

	if (!row.cells || !lk_grow((void **)&t->rows, &t->cap, t->count + 1, sizeof(*t->rows)))
		return lk_error_nomem(err);
	for (int i = 0; i < shape->count; i++) {
		lk_str_clear(cell);
		lk_cell_json(batch->schema->children[i], batch->view->children[i], at, cell);
		LK_TRY(lk_str_check(cell, err));
		row.cells[i] = lk_arena_strdup(&r->arena, lk_str_text(cell));
		if (!row.cells[i])
			return lk_error_nomem(err);
	}
	t->rows[t->count++] = row;
	return LK_OK;
}

static enum lk_status take_batch(
	struct lk_sample_result *r, const struct lk_batch *batch, struct lk_str *cell, struct lk_error *err)
{
	struct lk_sample_table *t = find_or_add(r, batch->table);
	struct lk_shape *shape = make_shape(&r->arena, batch->schema);

	if (!t || !shape)
		return lk_error_nomem(err);
	for (int64_t i = 0; i < batch->rows; i++)
		LK_TRY(add_row(r, t, shape, batch, i, cell, err));
	return LK_OK;
}

static enum lk_status read_rows(struct lk_sample_result *r, int fd, const char *name, struct lk_error *err)
{
	struct lk_str cell = LK_STR_INIT;
	struct lk_reader *reader;
	struct lk_batch batch;
	enum lk_next next;
	enum lk_status status = LK_OK;

	LK_TRY(lk_reader_open(&reader, fd, name, 0, err));
	while (!status && (next = lk_reader_next(reader, &batch, err)) != LK_NEXT_END)
		status = next == LK_NEXT_BATCH ? take_batch(r, &batch, &cell, err) : err->status;
	lk_reader_close(reader);
	lk_str_release(&cell);
	return status;
}

/* ---- the whole way ---- */

static enum lk_status run_impl(struct lk_sources *s, const struct lk_sample *sample, const struct lk_str *content, int fd,
	struct lk_sample_result *r, struct lk_error *err)
{
	struct lk_writer *writer;
	enum lk_status status;

	LK_TRY(lk_writer_open(&writer, fd, sample->path, false, err));
	status = parse_sample(s, sample, content, writer, err);
	if (status) {
		lk_writer_abort(writer);
		return status;
	}
	LK_TRY(lk_writer_close(writer, err));
	if (lseek(fd, 0, SEEK_SET) != 0)
		return lk_error_sys(err, LK_IO, "cannot read what became of '%s'", sample->path);
	return read_rows(r, fd, sample->path, err);
}

enum lk_status lk_sample_run(
	struct lk_sources *s, const struct lk_sample *sample, struct lk_sample_result *r, struct lk_error *err)
{
	struct lk_str content = LK_STR_INIT;
	enum lk_status status;
	int fd;

	*r = (struct lk_sample_result){.arena = LK_ARENA_INIT};
	fd = memfd_create("lk-sample", MFD_CLOEXEC);
	if (fd < 0)
		return lk_error_sys(err, LK_IO, "cannot hold what becomes of '%s'", sample->path);
	status = lk_file_read(sample->path, LK_SAMPLE_BYTES, &content, err);
	if (!status)
		status = run_impl(s, sample, &content, fd, r, err);
	lk_str_release(&content);
	close(fd);
	return status;
}

void lk_sample_result_release(struct lk_sample_result *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->tables[i].rows);
	free(r->tables);
	lk_arena_release(&r->arena);
	*r = (struct lk_sample_result){.arena = LK_ARENA_INIT};
}

const struct lk_sample_table *lk_sample_find(const struct lk_sample_result *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->tables[i].name, name))
			return &r->tables[i];
	return NULL;
}

const char *lk_sample_cell(const struct lk_sample_row *row, const char *column, bool *decimal)
{
	for (int i = 0; i < row->shape->count; i++)
		if (!strcmp(row->shape->names[i], column)) {
			*decimal = row->shape->decimal[i];
			return row->cells[i];
		}
	return NULL;
}
