/*
 * Encapsulated IPC messages, one at a time, as they arrive on a file descriptor. Inside of lib/stream.
 *
 *	FF FF FF FF | int32 size of the header | header (a flatbuffer, padded) | body
 *	FF FF FF FF | 0                                                          end of an Arrow stream
 *
 * Before Arrow 0.15 the FF FF FF FF was missing. Nothing here believes a length: memory grows by what has arrived, and
 * the header is a verified flatbuffer before anybody looks at it.
 */
#ifndef LK_STREAM_MESSAGE_H
#define LK_STREAM_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "nanoarrow/nanoarrow_ipc.h"

#include "base/error.h"

#define LK_MESSAGE_HEADER_MAX (INT32_C(64) << 20)
#define LK_MESSAGE_BODY_MAX (INT64_C(2) << 30)

struct lk_input {
	int fd;
	const char *name;
	unsigned char *buf; /* small reads come through it: buf[at .. end) is not yet consumed */
	size_t at, end;
	bool eof;
	struct lk_pool *pool; /* where the memory of messages comes from and goes back to */
};

enum lk_message_kind {
	LK_MESSAGE_EOF,	       /* the file ended before the first byte of a message */
	LK_MESSAGE_END,	       /* the mark that ends an Arrow stream */
	LK_MESSAGE_SCHEMA,
	LK_MESSAGE_DICTIONARY,
	LK_MESSAGE_BATCH,
};

/*
 * One message in memory, in today's framing whatever it came in:
 *
 *	bytes: [ FF FF FF FF, size, header ... ][ body ... ]
 *	       0                                body_at    size_bytes
 */
struct lk_message {
	enum lk_message_kind kind;
	struct ArrowBuffer bytes; /* a shared buffer; empty for LK_MESSAGE_EOF and LK_MESSAGE_END */
	int64_t body_at;
	bool as_read; /* bytes are exactly what was read, V5 metadata: may be passed on */
};

enum lk_status lk_input_open(struct lk_input *in, int fd, const char *name, struct lk_error *err) LK_CHECKED;
void lk_input_close(struct lk_input *in);

/* The next bytes without consuming them: *got < len only at the end of the file. len up to 64. */
enum lk_status lk_input_peek(struct lk_input *in, const unsigned char **data, size_t len, size_t *got,
	struct lk_error *err) LK_CHECKED;
/* Up to len bytes; *got < len only at the end of the file. */
enum lk_status lk_input_read(struct lk_input *in, void *dst, size_t len, size_t *got, struct lk_error *err) LK_CHECKED;

/* LK_DATA when it is cut short or is no message. The caller releases *m (lk_message_release). */
enum lk_status lk_message_read(struct lk_input *in, struct lk_message *m, struct lk_error *err) LK_CHECKED;
void lk_message_release(struct lk_message *m); /* harmless on one that is zeroed */

/* The header, with its prefix, for ArrowIpcDecoder. */
struct ArrowBufferView lk_message_header(const struct lk_message *m);

/* ipc_cost.c: that a flatbuffer, not yet verified, costs no more to walk over than its size allows. */
enum lk_status lk_ipc_check_message_cost(const void *data, size_t size, struct lk_error *err) LK_CHECKED;
enum lk_status lk_ipc_check_footer_cost(const void *data, size_t size, struct lk_error *err) LK_CHECKED;

#endif
