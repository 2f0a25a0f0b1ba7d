/*
 * One Arrow stream: its schema, its dictionaries, and how its batches become arrays that may be trusted. Inside of
 * lib/stream.
 *
 *	wire     the schema as it was sent, dictionaries and all
 *	storage  the same with every dictionary-encoded field as its integer index: what is decoded
 *	schema   the same with every dictionary-encoded field as its values: what is handed out
 *
 * A batch is checked before nanoarrow decodes it (lengths, offsets into the body, decompressed sizes; no two buffers
 * share bytes, so that a short message cannot stand for a huge table) and after (offsets, null counts, UTF-8).
 * nanoarrow's own decoding of dictionaries is not used: it neither checks their buffers' count nor decompresses them.
 */
#ifndef LK_STREAM_IPC_H
#define LK_STREAM_IPC_H

#include "stream/message.h"
#include "stream/schema.h"

#define LK_IPC_DECODED_MAX (INT64_C(1) << 30) /* bytes that one batch may become */

struct lk_dictionary;

struct lk_ipc {
	struct ArrowSchema wire, storage, schema;
	struct ArrowIpcDictionaryEncodings encodings;
	struct ArrowIpcDecoder decoder; /* of batches, set to storage */
	struct ArrowArrayView view;	/* over the array that lk_ipc_batch made last */
	struct lk_dictionary *dictionaries; /* a list */
	bool encoded;			    /* there are dictionary-encoded fields */
	int64_t dictionary_bytes;	    /* held by all dictionaries: at most LK_IPC_DECODED_MAX */
};

/* From a schema message. */
enum lk_status lk_ipc_open(struct lk_ipc *ipc, const struct lk_message *m, struct lk_error *err) LK_CHECKED;
void lk_ipc_close(struct lk_ipc *ipc); /* harmless on one that is zeroed */

/* Takes in a dictionary batch. */
enum lk_status lk_ipc_dictionary(struct lk_ipc *ipc, const struct lk_message *m, struct lk_error *err) LK_CHECKED;

/* Decodes a record batch into *out, which the caller releases, and sets ipc->view over it. */
enum lk_status lk_ipc_batch(struct lk_ipc *ipc, const struct lk_message *m, struct ArrowArray *out,
	struct lk_error *err) LK_CHECKED;

/* The same for a batch of no rows. */
enum lk_status lk_ipc_empty(struct lk_ipc *ipc, struct ArrowArray *out, struct lk_error *err) LK_CHECKED;

/* ---- ipc_check.c ---- */

/* That lk can read every field of a schema message (verified as a flatbuffer): names the column that it cannot. */
enum lk_status lk_ipc_check_types(const struct lk_message *m, struct lk_error *err) LK_CHECKED;
/* What the flatbuffer does not tell: widths that overflow, names that are no text. */
enum lk_status lk_ipc_check_schema(const struct ArrowSchema *schema, struct lk_error *err) LK_CHECKED;
/* That a record batch's nodes and buffers fit its body; m is a record batch, or a dictionary batch with one inside.
 * *bytes: all its buffers, once decompressed. */
enum lk_status lk_ipc_check_layout(const struct lk_message *m, int64_t *bytes, struct lk_error *err) LK_CHECKED;
/* Null counts, UTF-8, lengths of columns, columns that are never null. view is over array, which is corrected where
 * its null count was left open. */
enum lk_status lk_ipc_check_values(const struct ArrowSchema *schema, struct ArrowArrayView *view,
	struct ArrowArray *array, struct lk_error *err) LK_CHECKED;

/* ---- ipc_footer.c: what stands behind the batches of an Arrow file ---- */

/* Takes the footer out of the last bytes of a file: LK_DATA when they do not end in one. The caller releases it. */
enum lk_status lk_ipc_footer(const struct lk_str *tail, struct lk_str *footer, struct lk_error *err) LK_CHECKED;
/* How many record batches it names. */
int64_t lk_ipc_footer_batches(const struct lk_str *footer);
/* The schema in it as a message of its own. */
enum lk_status lk_ipc_footer_schema(const struct lk_str *footer, struct lk_message *out, struct lk_error *err) LK_CHECKED;
/* The last bytes of the file at fd, enough for its footer; LK_DATA when fd cannot seek. */
enum lk_status lk_ipc_read_tail(int fd, struct lk_str *tail, struct lk_error *err) LK_CHECKED;

/* ---- dictionary.c ---- */

/* Releases the list. */
void lk_dictionaries_free(struct lk_dictionary *list);
/* Makes storage and schema out of wire. */
enum lk_status lk_dictionary_schemas(struct lk_ipc *ipc, struct lk_error *err) LK_CHECKED;
/* Turns an array of ipc->storage into one of ipc->schema: in place of every index its value. Releases *storage. */
enum lk_status lk_dictionary_decode(struct lk_ipc *ipc, struct ArrowArray *storage, struct ArrowArray *out,
	struct lk_error *err) LK_CHECKED;

/* Decodes a record batch message by a schema of its own (ipc.c). */
enum lk_status lk_ipc_decode(struct ArrowIpcDecoder *decoder, const struct lk_message *m, struct ArrowBufferView header,
	struct ArrowArray *out, struct lk_error *err) LK_CHECKED;

#endif
