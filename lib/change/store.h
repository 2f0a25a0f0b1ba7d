/*
 * A store: batches of a stream, kept to be read again, in the order in which they came and as often as is wanted.
 *
 *	add, add, ... -> rewind, next, next, ... end -> rewind, next, ...
 *
 * They stay where they are in memory, up to a limit; what is beyond it is Arrow IPC in a file that has no name and that nobody else can open,
 * gone however the process ends.
 */
#ifndef LK_CHANGE_STORE_H
#define LK_CHANGE_STORE_H

#include "stream/stream.h"

struct lk_store;

/* folder: where the file is made, once memory_bytes do not suffice; NULL: TMPDIR, or /tmp. */
enum lk_status lk_store_create(struct lk_store **out, size_t memory_bytes, const char *folder, struct lk_error *err) LK_CHECKED;
void lk_store_free(struct lk_store *s); /* NULL is fine */

/* Takes a batch, whose array it may move away: what the batch points to is valid no longer than the reader says. LK_IO where the disk is
 * full. */
enum lk_status lk_store_add(struct lk_store *s, struct lk_batch *batch, struct lk_error *err) LK_CHECKED;

/* To the first batch; no more may be added from then on. */
enum lk_status lk_store_rewind(struct lk_store *s, struct lk_error *err) LK_CHECKED;

/* The next batch, with the table, schema (metadata and all) and stream that it came with. All of it is borrowed until the next call, but for
 * table and schema, which stay until the store is freed; the array is not to be moved. */
enum lk_next lk_store_next(struct lk_store *s, struct lk_batch *batch, struct lk_error *err) LK_CHECKED;

size_t lk_store_memory(const struct lk_store *s);   /* bytes in memory */
int64_t lk_store_spilled(const struct lk_store *s); /* bytes on disk */

#endif
