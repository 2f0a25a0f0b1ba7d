/*
 * A sorter of records in bounded memory: each has a key, which sorts as its bytes do, and data. Records of equal keys stay in the
 * order in which they came.
 *
 *	add, add, ... -> [memory] -> sorted runs on disk -> merged as they are read
 *
 * Runs lie in files without a name, in the folder that is given: nobody else can open them, and they are gone however the process
 * ends. Runs are merged into larger ones before there are too many, so that open files and buffers are bounded too.
 */
#ifndef LK_LAKE_SPILL_H
#define LK_LAKE_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct lk_sorter;

struct lk_record {
	const uint8_t *key, *data;
	size_t key_len, data_len;
};

/* folder: where runs are made, once memory_bytes do not suffice; it must be there by then. Copied. */
enum lk_status lk_sorter_create(struct lk_sorter **out, const char *folder, size_t memory_bytes, struct lk_error *err) LK_CHECKED;
void lk_sorter_free(struct lk_sorter *s); /* NULL is fine */

/* Copies the record. */
enum lk_status lk_sorter_add(struct lk_sorter *s, const struct lk_record *record, struct lk_error *err) LK_CHECKED;

/* Bytes held in memory, and writing them to a run, so that they are free. */
size_t lk_sorter_memory(const struct lk_sorter *s);
enum lk_status lk_sorter_spill(struct lk_sorter *s, struct lk_error *err) LK_CHECKED;
int64_t lk_sorter_count(const struct lk_sorter *s); /* of records added */
int lk_sorter_runs(const struct lk_sorter *s);	    /* on disk */

/* No more come: reading begins. */
enum lk_status lk_sorter_sort(struct lk_sorter *s, struct lk_error *err) LK_CHECKED;
/* The next record, borrowed until the next call; *more false at the end. */
enum lk_status lk_sorter_next(struct lk_sorter *s, struct lk_record *record, bool *more, struct lk_error *err) LK_CHECKED;

#endif
