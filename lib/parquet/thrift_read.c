#include "parquet/thrift_read.h"

#define MAX_DEPTH 32

static void fail(struct lk_thrift_reader *r)
{
	r->failed = true;
	r->p = r->end;
}

static uint64_t read_varint(struct lk_thrift_reader *r)
{
	uint64_t n = 0;

	for (int shift = 0; shift < 64 && r->p < r->end; shift += 7) {
		unsigned byte = *r->p++;

		n |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return n;
	}
	fail(r);
	return 0;
}

static int64_t read_zigzag(struct lk_thrift_reader *r)
{
	uint64_t n = read_varint(r);

	return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

static const char *read_bytes(struct lk_thrift_reader *r, size_t *len)
{
	uint64_t n = read_varint(r);
	const char *bytes = (const char *)r->p;

	if (r->failed || n > (uint64_t)(r->end - r->p)) {
		fail(r);
		*len = 0;
		return NULL;
	}
	r->p += n;
	*len = (size_t)n;
	return bytes;
}

bool lk_thrift_next(struct lk_thrift_reader *r, struct lk_thrift_field *field)
{
	int head, delta;
	int64_t id;

	if (r->failed)
		return false;
	if (r->p == r->end) {
		fail(r);
		return false;
	}
	head = *r->p++;
	if (!head)
		return false;
	delta = head >> 4;
	field->kind = head & 15;
	id = delta ? field->id + delta : read_zigzag(r);
	if (id < 0 || id > INT16_MAX || field->kind < LK_WIRE_TRUE || field->kind > LK_WIRE_STRUCT)
		fail(r);
	field->id = (int)id;
	return !r->failed;
}

int64_t lk_thrift_read_int(struct lk_thrift_reader *r, const struct lk_thrift_field *field)
{
	switch (field->kind) {
	case LK_WIRE_TRUE: return 1;
	case LK_WIRE_FALSE: return 0;
	case LK_WIRE_I16: case LK_WIRE_I32: case LK_WIRE_I64: return read_zigzag(r);
	default:
		lk_thrift_skip(r, field->kind);
		return 0;
	}
}

const char *lk_thrift_read_binary(struct lk_thrift_reader *r, const struct lk_thrift_field *field, size_t *len)
{
	if (field->kind == LK_WIRE_BINARY)
		return read_bytes(r, len);
	*len = 0;
	lk_thrift_skip(r, field->kind);
	return NULL;
}

static size_t read_list(struct lk_thrift_reader *r, int *kind)
{
	uint64_t count;
	int head;

	if (r->p == r->end) {
		fail(r);
		return 0;
	}
	head = *r->p++;
	*kind = head & 15;
	count = head >> 4;
	if (count == 15)
		count = read_varint(r);
	if (count > (uint64_t)(r->end - r->p))
		fail(r);
	return r->failed ? 0 : (size_t)count;
}

size_t lk_thrift_read_list(struct lk_thrift_reader *r, const struct lk_thrift_field *field, int *kind)
{
	if (field->kind == LK_WIRE_LIST || field->kind == LK_WIRE_SET)
		return read_list(r, kind);
	lk_thrift_skip(r, field->kind);
	*kind = 0;
	return 0;
}

static void skip_bytes(struct lk_thrift_reader *r, size_t n)
{
	if (n > (size_t)(r->end - r->p))
		fail(r);
	else
		r->p += n;
}

static void skip_items(struct lk_thrift_reader *r)
{
	int kind;
	size_t count = read_list(r, &kind);

	for (size_t i = 0; i < count && !r->failed; i++) {
		if (kind == LK_WIRE_TRUE || kind == LK_WIRE_FALSE)
			skip_bytes(r, 1); /* a bool in a list is a byte */
		else
			lk_thrift_skip(r, kind);
	}
}

static void skip_map(struct lk_thrift_reader *r)
{
	uint64_t count = read_varint(r);
	int kinds;

	if (!count || r->failed)
		return;
	if (r->p == r->end || count > (uint64_t)(r->end - r->p)) {
		fail(r);
		return;
	}
	kinds = *r->p++;
	for (uint64_t i = 0; i < count && !r->failed; i++) {
		lk_thrift_skip(r, kinds >> 4);
		lk_thrift_skip(r, kinds & 15);
	}
}

static void skip_struct(struct lk_thrift_reader *r)
{
	struct lk_thrift_field field = {0};

	while (lk_thrift_next(r, &field))
		lk_thrift_skip(r, field.kind);
}

void lk_thrift_skip(struct lk_thrift_reader *r, int kind)
{
	size_t len;

	if (++r->depth > MAX_DEPTH)
		fail(r);
	switch (r->failed ? 0 : kind) {
	case LK_WIRE_TRUE: case LK_WIRE_FALSE: break;
	case LK_WIRE_BYTE: skip_bytes(r, 1); break;
	case LK_WIRE_I16: case LK_WIRE_I32: case LK_WIRE_I64: read_varint(r); break;
	case LK_WIRE_DOUBLE: skip_bytes(r, 8); break;
	case LK_WIRE_BINARY: read_bytes(r, &len); break;
	case LK_WIRE_LIST: case LK_WIRE_SET: skip_items(r); break;
	case LK_WIRE_MAP: skip_map(r); break;
	case LK_WIRE_STRUCT: skip_struct(r); break;
	default: fail(r);
	}
	r->depth--;
}
