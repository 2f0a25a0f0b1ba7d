/*
 * Record batches as IPC messages, without copying the columns. Inside of lib/stream.
 *
 *	pieces: [ header ][ column 0 validity ][ zeros ][ column 0 data ][ zeros ] ...
 *
 * Every piece but the header and what had to be cut or shifted points into the caller's arrays. Buffers are padded to
 * 64 bytes, as Arrow advises.
 */
#ifndef LK_STREAM_ENCODE_H
#define LK_STREAM_ENCODE_H

#include <sys/uio.h>

#include "nanoarrow/nanoarrow_ipc.h"

#include "base/error.h"
#include "base/mem.h"

struct lk_encoder {
	void *builder; /* flatcc's */
	struct ArrowBuffer header, nodes, buffers;
	struct lk_arena scratch; /* offsets and bits that had to be rewritten */
	struct iovec *pieces;
	size_t piece_count, piece_cap;
	int64_t body; /* bytes of it so far */
};

enum lk_status lk_encoder_init(struct lk_encoder *e, struct lk_error *err) LK_CHECKED;
void lk_encoder_release(struct lk_encoder *e);

/* A schema message, appended to out. */
enum lk_status lk_encode_schema(const struct ArrowSchema *schema, struct ArrowBuffer *out, struct lk_error *err) LK_CHECKED;

/* A batch of the rows of view, a struct: e->pieces are the message, valid until the next call or a change of view. */
enum lk_status lk_encode_batch(struct lk_encoder *e, const struct ArrowArrayView *view, struct lk_error *err) LK_CHECKED;

#endif
