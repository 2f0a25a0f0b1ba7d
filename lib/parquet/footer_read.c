#include "parquet/footer_read.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "parquet/bits.h"
#include "parquet/thrift_read.h"

#define MAGIC "PAR1"
#define MAGIC_ENCRYPTED "PARE"
#define TAIL 8 /* the footer's length, and the magic */
#define FOOTER_MAX ((int64_t)64 << 20)
#define MAX_NESTED 64
#define HEADER_WINDOW (64 << 10) /* a page header is small, but for the statistics in it */
#define HEADER_MAX (16 << 20)
#define PIECE (1 << 20)

/* Fields of parquet.thrift. */
enum {
	FILE_SCHEMA = 2, FILE_ROWS = 3, FILE_GROUPS = 4,
	ELEMENT_TYPE = 1, ELEMENT_WIDTH = 2, ELEMENT_REPETITION = 3, ELEMENT_NAME = 4, ELEMENT_CHILDREN = 5, ELEMENT_ID = 9,
	GROUP_CHUNKS = 1, GROUP_ROWS = 3,
	CHUNK_META = 3,
	META_VALUES = 5, META_BYTES = 7, META_DATA_PAGE = 9, META_DICTIONARY_PAGE = 11,
	PAGE_TYPE = 1, PAGE_BYTES = 3, PAGE_CRC = 4,
};

struct parser {
	struct lk_thrift_reader r;
	struct lk_arena *arena;
	struct lk_parquet_footer *out;
	bool no_memory;
};

static enum lk_status unsound(const char *path, const char *what, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "'%s' is not a sound Parquet file: %s", path, what);
}

static void *room(struct parser *p, size_t count, size_t size)
{
	void *items = lk_arena_alloc(p->arena, count ? count * size : 1);

	if (!items) {
		p->no_memory = true;
		p->r.failed = true;
	}
	return items;
}

/* ---- the footer ---- */

static void read_element(struct parser *p, struct lk_parquet_element *e)
{
	struct lk_thrift_field f = {0};
	const char *name;
	size_t len;

	*e = (struct lk_parquet_element){.name = "", .field_id = -1, .physical = -1};
	while (lk_thrift_next(&p->r, &f))
		switch (f.id) {
		case ELEMENT_TYPE: e->physical = (int)lk_thrift_read_int(&p->r, &f); break;
		case ELEMENT_WIDTH: e->width = (int32_t)lk_thrift_read_int(&p->r, &f); break;
		case ELEMENT_REPETITION: e->repetition = (int)lk_thrift_read_int(&p->r, &f); break;
		case ELEMENT_CHILDREN: e->children = (int32_t)lk_thrift_read_int(&p->r, &f); break;
		case ELEMENT_ID: e->field_id = (int32_t)lk_thrift_read_int(&p->r, &f); break;
		case ELEMENT_NAME:
			name = lk_thrift_read_binary(&p->r, &f, &len);
			e->name = name ? lk_arena_strndup(p->arena, name, len) : "";
			if (!e->name)
				p->no_memory = p->r.failed = true;
			break;
		default: lk_thrift_skip(&p->r, f.kind);
		}
}

static void read_meta(struct parser *p, struct lk_parquet_extent *c)
{
	struct lk_thrift_field f = {0};
	int64_t dictionary = 0;

	while (lk_thrift_next(&p->r, &f))
		switch (f.id) {
		case META_VALUES: c->values = lk_thrift_read_int(&p->r, &f); break;
		case META_BYTES: c->bytes = lk_thrift_read_int(&p->r, &f); break;
		case META_DATA_PAGE: c->offset = lk_thrift_read_int(&p->r, &f); break;
		case META_DICTIONARY_PAGE: dictionary = lk_thrift_read_int(&p->r, &f); break;
		default: lk_thrift_skip(&p->r, f.kind);
		}
	if (dictionary > 0 && dictionary < c->offset)
		c->offset = dictionary;
}

static void read_chunk(struct parser *p, struct lk_parquet_extent *c)
{
	struct lk_thrift_field f = {0};

	*c = (struct lk_parquet_extent){.offset = -1, .bytes = -1, .values = -1};
	while (lk_thrift_next(&p->r, &f))
		if (f.id == CHUNK_META && f.kind == LK_WIRE_STRUCT)
			read_meta(p, c);
		else
			lk_thrift_skip(&p->r, f.kind);
}

/* The elements of a list of structs that follow: room for them, or NULL and *count 0. */
static void *begin_structs(struct parser *p, const struct lk_thrift_field *f, size_t size, size_t *count)
{
	int kind;

	*count = lk_thrift_read_list(&p->r, f, &kind);
	if (*count && kind != LK_WIRE_STRUCT)
		p->r.failed = true;
	if (p->r.failed)
		*count = 0;
	return *count ? room(p, *count, size) : NULL;
}

static void read_group(struct parser *p, struct lk_parquet_group *g)
{
	struct lk_thrift_field f = {0};

	*g = (struct lk_parquet_group){.rows = -1};
	while (lk_thrift_next(&p->r, &f))
		switch (f.id) {
		case GROUP_ROWS: g->rows = lk_thrift_read_int(&p->r, &f); break;
		case GROUP_CHUNKS:
			g->chunks = begin_structs(p, &f, sizeof(*g->chunks), &g->chunk_count);
			for (size_t i = 0; i < g->chunk_count && !p->r.failed; i++)
				read_chunk(p, &g->chunks[i]);
			break;
		default: lk_thrift_skip(&p->r, f.kind);
		}
	g->offset = g->chunk_count ? INT64_MAX : -1;
	for (size_t i = 0; i < g->chunk_count && !p->r.failed; i++)
		if (g->chunks[i].offset < g->offset)
			g->offset = g->chunks[i].offset;
}

static void read_file(struct parser *p)
{
	struct lk_parquet_footer *out = p->out;
	struct lk_thrift_field f = {0};

	out->rows = -1;
	while (lk_thrift_next(&p->r, &f))
		switch (f.id) {
		case FILE_ROWS: out->rows = lk_thrift_read_int(&p->r, &f); break;
		case FILE_SCHEMA:
			out->elements = begin_structs(p, &f, sizeof(*out->elements), &out->element_count);
			for (size_t i = 0; i < out->element_count && !p->r.failed; i++)
				read_element(p, &out->elements[i]);
			break;
		case FILE_GROUPS:
			out->groups = begin_structs(p, &f, sizeof(*out->groups), &out->group_count);
			for (size_t i = 0; i < out->group_count && !p->r.failed; i++)
				read_group(p, &out->groups[i]);
			break;
		default: lk_thrift_skip(&p->r, f.kind);
		}
}

/* ---- whether it makes sense ---- */

/* Children count up: *next is the element after the one at hand and all below it. */
static bool is_tree(const struct lk_parquet_footer *f, size_t *next, size_t *leaves, int depth)
{
	const struct lk_parquet_element *e = &f->elements[(*next)++];

	if (depth > MAX_NESTED || e->children < 0)
		return false;
	if (!e->children && depth) {
		++*leaves;
		return e->physical >= 0 && e->physical <= 7;
	}
	for (int32_t i = 0; i < e->children; i++)
		if (*next >= f->element_count || !is_tree(f, next, leaves, depth + 1))
			return false;
	return true;
}

static const char *check_group(const struct lk_parquet_footer *f, const struct lk_parquet_group *g, size_t leaves)
{
	if (g->rows < 0)
		return "a row group has no number of rows";
	if (g->chunk_count != leaves)
		return "a row group has not as many columns as the schema";
	for (size_t i = 0; i < g->chunk_count; i++) {
		const struct lk_parquet_extent *c = &g->chunks[i];

		if (c->offset < 4 || c->bytes < 0 || c->offset > f->offset || c->bytes > f->offset - c->offset)
			return "a column chunk lies outside of the file";
		if (c->values < 0)
			return "a column chunk has no number of values";
	}
	return NULL;
}

/* What is wrong, or NULL. */
static const char *check(const struct lk_parquet_footer *f)
{
	size_t next = 0, leaves = 0;
	int64_t rows = 0;
	const char *wrong;

	if (!f->element_count || !is_tree(f, &next, &leaves, 0) || next != f->element_count)
		return "its schema is no tree";
	for (size_t i = 0; i < f->group_count; i++) {
		wrong = check_group(f, &f->groups[i], leaves);
		if (wrong)
			return wrong;
		if (f->groups[i].rows > INT64_MAX - rows)
			return "its row groups have too many rows";
		rows += f->groups[i].rows;
	}
	return rows == f->rows ? NULL : "its row groups do not add up to its rows";
}

static enum lk_status parse(const char *path, const void *bytes, size_t len, struct lk_arena *arena,
	struct lk_parquet_footer *out, struct lk_error *err)
{
	struct parser p = {.r = {.p = bytes, .end = (const uint8_t *)bytes + len}, .arena = arena, .out = out};
	const char *wrong;

	read_file(&p);
	if (p.no_memory)
		return lk_error_nomem(err);
	if (p.r.failed)
		return unsound(path, "its footer is damaged", err);
	wrong = check(out);
	return wrong ? unsound(path, wrong, err) : LK_OK;
}

/* ---- files ---- */

static enum lk_status read_at(int fd, const char *path, int64_t offset, void *buf, size_t len, struct lk_error *err)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = pread(fd, (char *)buf + got, len - got, (off_t)(offset + (int64_t)got));

		if (n < 0)
			return lk_error_sys(err, LK_IO, "cannot read '%s'", path);
		if (!n)
			return unsound(path, "it ends early", err);
		got += (size_t)n;
	}
	return LK_OK;
}

static enum lk_status read_footer(int fd, const char *path, struct lk_arena *arena, struct lk_parquet_footer *out,
	struct lk_error *err)
{
	struct stat st;
	char head[4], tail[TAIL];
	int64_t len;
	char *bytes;

	if (fstat(fd, &st))
		return lk_error_sys(err, LK_IO, "cannot read '%s'", path);
	if (st.st_size < 4 + TAIL)
		return unsound(path, "it is too short", err);
	LK_TRY(read_at(fd, path, 0, head, sizeof(head), err));
	LK_TRY(read_at(fd, path, st.st_size - TAIL, tail, sizeof(tail), err));
	if (!memcmp(tail + 4, MAGIC_ENCRYPTED, 4))
		return lk_error_set(err, LK_MISSING, "'%s' is encrypted", path);
	if (memcmp(head, MAGIC, 4) || memcmp(tail + 4, MAGIC, 4))
		return unsound(path, "it does not begin and end with " MAGIC, err);
	len = lk_load32(tail);
	if (len > st.st_size - 4 - TAIL || len > FOOTER_MAX)
		return unsound(path, "its footer is longer than it is", err);
	bytes = malloc((size_t)len + 1);
	if (!bytes)
		return lk_error_nomem(err);
	*out = (struct lk_parquet_footer){.offset = st.st_size - TAIL - len};
	err->status = read_at(fd, path, out->offset, bytes, (size_t)len, err);
	if (!err->status)
		err->status = parse(path, bytes, (size_t)len, arena, out, err);
	free(bytes);
	return err->status;
}

enum lk_status lk_parquet_footer_read(const char *path, struct lk_arena *arena, struct lk_parquet_footer *out,
	struct lk_error *err)
{
	enum lk_status status;
	int fd;

	LK_TRY(lk_open_input(path, &fd, err));
	status = read_footer(fd, path, arena, out, err);
	lk_close_input(fd);
	return status;
}

/* ---- pages ---- */

struct page {
	int64_t type, bytes, crc; /* crc -1: none */
	size_t header;		  /* bytes of it */
};

/* The header at the front of the window. False when it does not end there. */
static bool read_header(const uint8_t *window, size_t len, struct page *page)
{
	struct lk_thrift_reader r = {.p = window, .end = window + len};
	struct lk_thrift_field f = {0};

	*page = (struct page){-1, -1, -1, 0};
	while (lk_thrift_next(&r, &f))
		switch (f.id) {
		case PAGE_TYPE: page->type = lk_thrift_read_int(&r, &f); break;
		case PAGE_BYTES: page->bytes = lk_thrift_read_int(&r, &f); break;
		case PAGE_CRC: page->crc = (uint32_t)lk_thrift_read_int(&r, &f); break;
		default: lk_thrift_skip(&r, f.kind);
		}
	page->header = (size_t)(r.p - window);
	return !r.failed;
}

static enum lk_status check_crc(int fd, const char *path, int64_t offset, const struct page *page, uint8_t *piece,
	struct lk_error *err)
{
	uint32_t crc = 0;

	for (int64_t done = 0; done < page->bytes;) {
		size_t n = page->bytes - done < PIECE ? (size_t)(page->bytes - done) : PIECE;

		LK_TRY(read_at(fd, path, offset + done, piece, n, err));
		crc = libdeflate_crc32(crc, piece, n);
		done += (int64_t)n;
	}
	if (crc == page->crc)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "'%s' is damaged: the page at byte %lld has not the checksum that its header tells", path,
		(long long)offset);
}

struct walk {
	int fd;
	const char *path;
	uint8_t *window;
	size_t room;
	int64_t checked;
};

static enum lk_status next_header(struct walk *w, int64_t at, int64_t end, struct page *page, struct lk_error *err)
{
	for (size_t want = HEADER_WINDOW;; want *= 8) {
		size_t n = end - at < (int64_t)want ? (size_t)(end - at) : want;

		if (n > w->room) {
			uint8_t *more = realloc(w->window, n > PIECE ? n : PIECE);

			if (!more)
				return lk_error_nomem(err);
			w->window = more;
			w->room = n > PIECE ? n : PIECE;
		}
		LK_TRY(read_at(w->fd, w->path, at, w->window, n, err));
		if (read_header(w->window, n, page))
			break;
		if (n < want || want >= HEADER_MAX)
			return lk_error_set(err, LK_DATA, "'%s' is damaged: there is no sound page header at byte %lld", w->path,
				(long long)at);
	}
	if (page->type >= 0 && page->bytes >= 0 && page->bytes <= end - at - (int64_t)page->header)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "'%s' is damaged: the page at byte %lld does not fit its column chunk", w->path, (long long)at);
}

static enum lk_status walk_chunk(struct walk *w, const struct lk_parquet_extent *c, struct lk_error *err)
{
	int64_t at = c->offset, end = c->offset + c->bytes;
	struct page page = {0};

	while (at < end) {
		LK_TRY(next_header(w, at, end, &page, err));
		at += (int64_t)page.header;
		if (page.crc >= 0) {
			LK_TRY(check_crc(w->fd, w->path, at, &page, w->window, err));
			w->checked++;
		}
		at += page.bytes;
	}
	return LK_OK;
}

enum lk_status lk_parquet_pages_check(const char *path, const struct lk_parquet_footer *footer, int64_t *checked,
	struct lk_error *err)
{
	struct walk w = {.path = path, .window = malloc(PIECE), .room = PIECE};
	enum lk_status status = w.window ? lk_open_input(path, &w.fd, err) : lk_error_nomem(err);

	if (status) {
		free(w.window);
		return status;
	}
	for (size_t g = 0; !status && g < footer->group_count; g++)
		for (size_t c = 0; !status && c < footer->groups[g].chunk_count; c++)
			status = walk_chunk(&w, &footer->groups[g].chunks[c], err);
	lk_close_input(w.fd);
	free(w.window);
	if (checked)
		*checked = w.checked;
	return status;
}
