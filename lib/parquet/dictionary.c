#include "parquet/dictionary.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "parquet/bits.h"

#define FIRST_SLOTS 1024
#define MAX_PROBES 128

void lk_dictionary_init(struct lk_dictionary *d, bool words, size_t max_bytes)
{
	*d = (struct lk_dictionary){.words = words, .max_bytes = max_bytes};
	d->max_count = max_bytes / 8 < LK_DICTIONARY_ENTRIES ? (uint32_t)(max_bytes / 8) : LK_DICTIONARY_ENTRIES;
}

void lk_dictionary_release(struct lk_dictionary *d)
{
	free(d->slots);
	free(d->values);
	free(d->offsets);
	free(d->seen);
	lk_str_release(&d->text);
	lk_dictionary_init(d, d->words, d->max_bytes);
}

size_t lk_dictionary_memory(const struct lk_dictionary *d)
{
	return (d->slot_mask ? ((size_t)d->slot_mask + 1) * sizeof(*d->slots) : 0) + d->room * 8 + d->text.cap;
}

static uint64_t hash_word(int64_t value)
{
	unsigned __int128 product = (unsigned __int128)((uint64_t)value ^ UINT64_C(0x9e3779b97f4a7c15)) *
		UINT64_C(0xd6e8feb86659fd93);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_bytes(const uint8_t *data, size_t len)
{
	return XXH3_64bits(data, len);
}

static uint64_t make_slot(uint64_t hash, uint32_t index)
{
	return (hash & UINT64_C(0xffffffff00000000)) | (index + 1);
}

static uint64_t entry_hash(const struct lk_dictionary *d, uint32_t index)
{
	struct lk_bytes value;

	if (d->words)
		return hash_word(d->values[index]);
	value = lk_dictionary_get(d, index);
	return hash_bytes(value.data, value.len);
}

/* Twice the slots and room for half as many entries. False when out of memory. */
static bool grow(struct lk_dictionary *d)
{
	size_t slots = d->slot_mask ? ((size_t)d->slot_mask + 1) * 2 : FIRST_SLOTS, room = slots / 2;
	uint32_t mask = (uint32_t)slots - 1;
	void *p;

	if (d->words) {
		if (!(p = realloc(d->values, room * sizeof(*d->values))))
			return false;
		d->values = p;
	} else {
		if (!(p = realloc(d->offsets, room * sizeof(*d->offsets))))
			return false;
		d->offsets = p;
		if (!(p = realloc(d->seen, room * sizeof(*d->seen))))
			return false;
		d->seen = p;
	}
	if (!(p = calloc(slots, sizeof(*d->slots))))
		return false;
	free(d->slots);
	d->slots = p;
	d->slot_mask = mask;
	d->room = room;
	for (uint32_t i = 0; i < d->count; i++) {
		uint64_t hash = entry_hash(d, i);
		uint32_t at = (uint32_t)hash & mask;

		while (d->slots[at])
			at = (at + 1) & mask;
		d->slots[at] = make_slot(hash, i);
	}
	return true;
}

/* Room for n more values, or for as many as the dictionary may still take: so the loops below need not look. */
static enum lk_status make_room(struct lk_dictionary *d, int n, struct lk_error *err)
{
	uint32_t need = d->max_count - d->count < (uint32_t)n ? d->max_count : d->count + (uint32_t)n;

	while (d->room < need)
		if (!grow(d))
			return lk_error_nomem(err);
	return LK_OK;
}

static inline bool is_full(const struct lk_dictionary *d, size_t bytes)
{
	return d->count == d->max_count || bytes > d->max_bytes - d->bytes;
}

enum lk_status lk_dictionary_words(struct lk_dictionary *d, const int64_t *values, int n, uint32_t *indices,
	int *done, struct lk_error *err)
{
	int i;

	LK_TRY(make_room(d, n, err));
	for (i = 0; i < n; i++) {
		uint64_t hash = hash_word(values[i]), slot;
		uint32_t at = (uint32_t)hash & d->slot_mask;
		int probes = 0;

		while ((slot = d->slots[at]) && d->values[(uint32_t)slot - 1] != values[i] && probes++ < MAX_PROBES)
			at = (at + 1) & d->slot_mask;
		if (probes > MAX_PROBES || (!slot && is_full(d, 8)))
			break;
		if (!slot) {
			d->values[d->count] = values[i];
			d->slots[at] = slot = make_slot(hash, d->count++);
			d->bytes += 8;
		}
		indices[i] = (uint32_t)slot - 1;
	}
	*done = i;
	return LK_OK;
}

static inline bool bytes_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (len >= 8) {
		for (size_t i = 0; i + 8 < len; i += 8)
			if (lk_load64(a + i) != lk_load64(b + i))
				return false;
		return lk_load64(a + len - 8) == lk_load64(b + len - 8);
	}
	if (len >= 4)
		return lk_load32(a) == lk_load32(b) && lk_load32(a + len - 4) == lk_load32(b + len - 4);
	for (size_t i = 0; i < len; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static inline bool is_entry(const struct lk_dictionary *d, uint64_t slot, uint64_t hash, const struct lk_bytes *value)
{
	struct lk_bytes entry;

	if ((slot ^ hash) >> 32)
		return false;
	entry = lk_dictionary_get(d, (uint32_t)slot - 1);
	return entry.len == value->len && bytes_equal(entry.data, value->data, value->len);
}

static bool add_bytes(struct lk_dictionary *d, const struct lk_bytes *value)
{
	uint32_t len = (uint32_t)value->len;

	if (!lk_str_reserve(&d->text, 4 + (size_t)len))
		return false;
	d->offsets[d->count] = (uint32_t)d->text.len;
	d->seen[d->count++] = 0;
	lk_str_add(&d->text, &len, 4);
	lk_str_add(&d->text, value->data, len);
	d->bytes += 4 + (size_t)len;
	return true;
}

static int repeats(const uint32_t *indices, int n)
{
	int same = 0;

	for (int i = 1; i < n; i++)
		same += indices[i] == indices[i - 1];
	return same;
}

/* Comparing with the value before saves the hash where values come in runs, and costs a mispredicted branch where
 * they do not: the last call tells which to expect. */
enum lk_status lk_dictionary_bytes(struct lk_dictionary *d, const struct lk_bytes *values, int n, uint32_t *indices,
	int *done, struct lk_error *err)
{
	int i;

	LK_TRY(make_room(d, n, err));
	for (i = 0; i < n; i++) {
		uint64_t hash, slot;
		uint32_t at;
		int probes = 0;

		if (d->runs && i && values[i].len == values[i - 1].len &&
			bytes_equal(values[i].data, values[i - 1].data, values[i].len)) {
			indices[i] = indices[i - 1];
			continue;
		}
		hash = hash_bytes(values[i].data, values[i].len);
		at = (uint32_t)hash & d->slot_mask;
		while ((slot = d->slots[at]) && !is_entry(d, slot, hash, &values[i]) && probes++ < MAX_PROBES)
			at = (at + 1) & d->slot_mask;
		if (probes > MAX_PROBES || (!slot && is_full(d, values[i].len + 4)))
			break;
		if (!slot) {
			d->slots[at] = slot = make_slot(hash, d->count);
			if (!add_bytes(d, &values[i]))
				return lk_error_nomem(err);
		}
		indices[i] = (uint32_t)slot - 1;
	}
	*done = i;
	d->runs = repeats(indices, i) > i / 8 * 7;
	return LK_OK;
}
