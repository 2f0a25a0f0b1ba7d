#include "stream/message.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "stream/schema.h"

#define INPUT_SIZE 65536
#define FIRST_GROWTH (1 << 20)
#define PREFIX 8

/*
 * Fresh memory costs more than reading into it, so the memory of one message serves the next: a block goes back to the
 * pool when the last array over it is released, on whatever thread, maybe after the input was closed.
 */
struct block {
	struct lk_pool *pool;
	uint8_t *data;
	size_t cap;
};

struct lk_pool {
	atomic_int refs; /* the input and every block that is out */
	_Atomic(struct block *) spare;
};

static void block_free(struct block *b)
{
	if (b)
		free(b->data);
	free(b);
}

static void pool_unref(struct lk_pool *pool)
{
	if (!pool || atomic_fetch_sub(&pool->refs, 1) > 1)
		return;
	block_free(atomic_load(&pool->spare));
	free(pool);
}

static struct block *block_get(struct lk_pool *pool)
{
	struct block *b = atomic_exchange(&pool->spare, NULL);

	if (!b)
		b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->pool = pool;
	atomic_fetch_add(&pool->refs, 1);
	return b;
}

static void block_put(struct block *b)
{
	struct lk_pool *pool = b->pool;

	block_free(atomic_exchange(&pool->spare, b));
	pool_unref(pool);
}

static bool block_grow(struct block *b, size_t need)
{
	uint8_t *data;

	if (need <= b->cap)
		return true;
	data = realloc(b->data, need);
	if (!data)
		return false;
	b->data = data;
	b->cap = need;
	return true;
}

static void release_block(struct ArrowBufferAllocator *allocator, uint8_t *ptr, int64_t size)
{
	(void)ptr;
	(void)size;
	block_put(allocator->private_data);
}

/* The first `len` bytes of the block as a shared buffer, which owns it from then on; not after an error. */
static enum lk_status share_block(struct block *b, size_t len, struct ArrowBuffer *out, struct lk_error *err)
{
	struct ArrowBuffer whole;

	ArrowBufferInit(&whole);
	whole.data = b->data;
	whole.size_bytes = whole.capacity_bytes = (int64_t)len;
	whole.allocator = ArrowBufferDeallocator(release_block, b);
	return ArrowSharedBufferInit(out, &whole) == NANOARROW_OK ? LK_OK : lk_error_nomem(err);
}

enum lk_status lk_input_open(struct lk_input *in, int fd, const char *name, struct lk_error *err)
{
	*in = (struct lk_input){.fd = fd, .name = name};
	in->buf = malloc(INPUT_SIZE);
	in->pool = calloc(1, sizeof(*in->pool));
	if (!in->buf || !in->pool) {
		lk_input_close(in);
		return lk_error_nomem(err);
	}
	atomic_init(&in->pool->refs, 1);
	return LK_OK;
}

void lk_input_close(struct lk_input *in)
{
	free(in->buf);
	pool_unref(in->pool);
	*in = (struct lk_input){.fd = -1};
}

/* More bytes behind those that are in the buffer already; sets eof when there are none. */
static enum lk_status fill(struct lk_input *in, struct lk_error *err)
{
	size_t got;

	if (in->at) {
		memmove(in->buf, in->buf + in->at, in->end - in->at);
		in->end -= in->at;
		in->at = 0;
	}
	LK_TRY(lk_read(in->fd, in->name, in->buf + in->end, INPUT_SIZE - in->end, &got, err));
	in->end += got;
	in->eof = got == 0;
	return LK_OK;
}

enum lk_status lk_input_peek(struct lk_input *in, const unsigned char **data, size_t len, size_t *got,
	struct lk_error *err)
{
	while (in->end - in->at < len && !in->eof)
		LK_TRY(fill(in, err));
	*data = in->buf + in->at;
	*got = in->end - in->at;
	return LK_OK;
}

enum lk_status lk_input_read(struct lk_input *in, void *dst, size_t len, size_t *got, struct lk_error *err)
{
	size_t n;

	for (*got = 0; *got < len; *got += n) {
		size_t left = len - *got;

		if (in->at == in->end && in->eof)
			break;
		if (in->at < in->end) {
			n = in->end - in->at < left ? in->end - in->at : left;
			memcpy((char *)dst + *got, in->buf + in->at, n);
			in->at += n;
		} else if (left >= INPUT_SIZE) {
			LK_TRY(lk_read(in->fd, in->name, (char *)dst + *got, left, &n, err));
			in->eof = n == 0;
		} else {
			LK_TRY(fill(in, err));
			n = 0;
		}
	}
	return LK_OK;
}

static enum lk_status cut_short(struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "it ends in the middle of a message: its writer died, or it was cut");
}

/* len more bytes into the block at `at`; room is made as bytes arrive. */
static enum lk_status read_into(struct lk_input *in, struct block *b, size_t at, size_t len, struct lk_error *err)
{
	size_t have = 0;

	while (have < len) {
		size_t want = len - have, got;

		if (at + len > b->cap && want > FIRST_GROWTH + have)
			want = FIRST_GROWTH + have;
		if (!block_grow(b, at + have + want))
			return lk_error_nomem(err);
		LK_TRY(lk_input_read(in, b->data + at + have, want, &got, err));
		have += got;
		if (got < want)
			return cut_short(err);
	}
	return LK_OK;
}

/* The size of the header, 0 at the end mark; *old when it came without FF FF FF FF; *eof when there was nothing. */
static enum lk_status read_prefix(struct lk_input *in, int32_t *size, bool *old, bool *eof, struct lk_error *err)
{
	size_t got;

	*old = *eof = false;
	LK_TRY(lk_input_read(in, size, 4, &got, err));
	if (got == 4 && *size == -1)
		LK_TRY(lk_input_read(in, size, 4, &got, err));
	else if (got == 4)
		*old = true;
	else if (got == 0) {
		*eof = true;
		return LK_OK;
	}
	if (got < 4)
		return cut_short(err);
	if (*size < 0 || *size > LK_MESSAGE_HEADER_MAX)
		return lk_error_set(err, LK_DATA, "it is not an Arrow stream, or damaged: no message begins where one should");
	return LK_OK;
}

static enum lk_status set_kind(struct lk_message *m, enum ArrowIpcMessageType type, struct lk_error *err)
{
	switch (type) {
	case NANOARROW_IPC_MESSAGE_TYPE_SCHEMA:
		m->kind = LK_MESSAGE_SCHEMA;
		return LK_OK;
	case NANOARROW_IPC_MESSAGE_TYPE_DICTIONARY_BATCH:
		m->kind = LK_MESSAGE_DICTIONARY;
		return LK_OK;
	case NANOARROW_IPC_MESSAGE_TYPE_RECORD_BATCH:
		m->kind = LK_MESSAGE_BATCH;
		return LK_OK;
	default:
		return lk_error_set(err, LK_DATA, "it holds a message that is neither a schema nor a batch (type %d)",
			(int)type);
	}
}

/* Verifies the header in data[0 .. size) and says what kind of message it is and how long its body. */
static enum lk_status verify_header(struct lk_message *m, const uint8_t *data, int64_t size, bool old, int64_t *body,
	struct lk_error *err)
{
	struct ArrowBufferView view = {.data.as_uint8 = data, .size_bytes = size};
	struct ArrowIpcDecoder decoder;
	struct ArrowError arrow = {""};
	enum lk_status status;

	if (ArrowIpcDecoderInit(&decoder) != NANOARROW_OK)
		return lk_error_nomem(err);
	status = lk_arrow_status(ArrowIpcDecoderVerifyHeader(&decoder, view, &arrow), &arrow, LK_DATA,
		"it is not an Arrow stream, or damaged", err);
	if (!status)
		status = set_kind(m, decoder.message_type, err);
	*body = decoder.body_size_bytes;
	m->as_read = !old && decoder.metadata_version == NANOARROW_IPC_METADATA_VERSION_V5;
	if (!status && (decoder.metadata_version < NANOARROW_IPC_METADATA_VERSION_V4 ||
			       decoder.metadata_version > NANOARROW_IPC_METADATA_VERSION_V5))
		status = lk_error_set(err, LK_DATA, "it has metadata of version V%d, which lk does not read",
			(int)decoder.metadata_version + 1);
	ArrowIpcDecoderReset(&decoder);
	if (!status && (*body < 0 || *body > LK_MESSAGE_BODY_MAX))
		status = lk_error_set(err, LK_DATA, "it holds a message that claims %lld bytes", (long long)*body);
	return status;
}

static enum lk_status read_message(struct lk_input *in, struct lk_message *m, struct block *b, int32_t size, bool old,
	struct lk_error *err)
{
	int32_t mark = -1;
	int64_t body;

	if (!block_grow(b, PREFIX))
		return lk_error_nomem(err);
	memcpy(b->data, &mark, 4);
	memcpy(b->data + 4, &size, 4);
	LK_TRY(read_into(in, b, PREFIX, (size_t)size, err));
	LK_TRY(lk_ipc_check_message_cost(b->data + PREFIX, (size_t)size, err));
	LK_TRY(verify_header(m, b->data, PREFIX + size, old, &body, err));
	m->body_at = (PREFIX + (int64_t)size + 7) / 8 * 8;
	m->as_read = m->as_read && m->body_at == PREFIX + size && body % 8 == 0;
	if (!block_grow(b, (size_t)m->body_at))
		return lk_error_nomem(err);
	LK_TRY(read_into(in, b, (size_t)m->body_at, (size_t)body, err));
	return share_block(b, (size_t)(m->body_at + body), &m->bytes, err);
}

enum lk_status lk_message_read(struct lk_input *in, struct lk_message *m, struct lk_error *err)
{
	struct block *b;
	enum lk_status status;
	int32_t size;
	bool old, eof;

	*m = (struct lk_message){.kind = LK_MESSAGE_EOF};
	ArrowBufferInit(&m->bytes);
	LK_TRY(read_prefix(in, &size, &old, &eof, err));
	if (eof || size == 0) {
		m->kind = eof ? LK_MESSAGE_EOF : LK_MESSAGE_END;
		return LK_OK;
	}
	b = block_get(in->pool);
	if (!b)
		return lk_error_nomem(err);
	status = read_message(in, m, b, size, old, err);
	if (status)
		block_put(b);
	return status;
}

void lk_message_release(struct lk_message *m)
{
	if (m->bytes.data)
		ArrowBufferReset(&m->bytes);
}

struct ArrowBufferView lk_message_header(const struct lk_message *m)
{
	return (struct ArrowBufferView){.data.as_uint8 = m->bytes.data, .size_bytes = m->body_at};
}
