/*
 * The dictionary of a column chunk: each distinct value once, in the order they came, and its index.
 *
 *	slots (open addressing): [ tag | index + 1 ] ...     tag: high bits of the value's hash
 *	words:  values[index]
 *	bytes:  offsets[index] -> text: [ u32 length | bytes ] ...
 *
 * A chunk's dictionary holds values of 8 bytes (words) or byte strings, never both. It is bounded in bytes and
 * entries; what does not fit is for the caller to write another way. Long probes count as full too, so values made to
 * collide cost no more than others.
 */
#ifndef LK_PARQUET_DICTIONARY_H
#define LK_PARQUET_DICTIONARY_H

#include <string.h>

#include "parquet/range.h"

#define LK_DICTIONARY_ENTRIES 65536

struct lk_dictionary {
	bool words;
	bool runs; /* of the last values, most were equal to the one before */
	uint32_t count, max_count;
	size_t bytes, max_bytes; /* of the values, each with 4 bytes for its length where they are strings */
	uint64_t *slots;
	uint32_t slot_mask; /* slots - 1; 0 when there are none yet */
	int64_t *values;
	uint32_t *offsets;
	uint32_t *seen; /* byte strings: page in which the value was met last */
	size_t room;	/* entries that the arrays above have room for */
	struct lk_str text;
};

void lk_dictionary_init(struct lk_dictionary *d, bool words, size_t max_bytes);
void lk_dictionary_release(struct lk_dictionary *d);
/* Memory held. */
size_t lk_dictionary_memory(const struct lk_dictionary *d);

/* Finds or adds n values and leaves their indices. *done is less than n when the dictionary is full: values from there
 * on are not in it. */
enum lk_status lk_dictionary_words(struct lk_dictionary *d, const int64_t *values, int n, uint32_t *indices,
	int *done, struct lk_error *err) LK_CHECKED;
enum lk_status lk_dictionary_bytes(struct lk_dictionary *d, const struct lk_bytes *values, int n, uint32_t *indices,
	int *done, struct lk_error *err) LK_CHECKED;

/* A byte string by its index. Borrowed until the next addition. */
static inline struct lk_bytes lk_dictionary_get(const struct lk_dictionary *d, uint32_t index)
{
	const uint8_t *p = (const uint8_t *)d->text.data + d->offsets[index];
	uint32_t len;

	memcpy(&len, p, 4);
	return (struct lk_bytes){p + 4, len};
}

#endif
