/*
 * Keys: three arrays that hashes point into, and the bytes.
 *
 *	bloom	64-bit words; five bits of the one that a hash means are set for each key. Small enough for a near cache, so that a row whose
 *		key is not there, as most are not, costs no more than that
 *	slots	tag (the hash's upper half) | number + 1; open addressing. 0: free
 *	hashes	of each number, for growing
 *	bytes	the keys one after the other; ends is NULL as long as all are of one length
 */
#include "change/keys.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "change/cell_value.h"

#define FIRST_SLOTS 1024
#define SLOTS_PER_WORD 8 /* slots for each word of the bloom filter: 11 bits a key and more */
#define AT_ONCE 512	 /* rows that memory is asked for ahead */
#define HUGE_PAGE ((size_t)2 << 20)

struct lk_keys {
	uint64_t *slots, *bloom, *hashes;
	size_t slot_count; /* a power of two */
	uint64_t word_count;
	size_t hash_cap;
	uint32_t count;
	struct lk_str bytes;
	size_t fixed;	/* the length of all keys, as long as they have one */
	uint64_t *ends; /* where each key ends; NULL: at multiples of fixed */
	size_t end_cap;
};

/* ---- memory ---- */

/* Zeroed; in large pages where there are such, for it is looked at all over. */
static void *map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (bytes >= HUGE_PAGE)
		(void)madvise(p, bytes, MADV_HUGEPAGE); /* advice only */
	return p;
}

static void unmap(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

/* ---- finding ---- */

LK_CELL_INLINE uint64_t bloom_bits(uint64_t hash)
{
	return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) | UINT64_C(1) << (hash >> 12 & 63) | UINT64_C(1) << (hash >> 18 & 63) |
	       UINT64_C(1) << (hash >> 24 & 63);
}

LK_CELL_INLINE uint64_t bloom_word(const struct lk_keys *k, uint64_t hash)
{
	return (hash >> 32) * k->word_count >> 32;
}

LK_CELL_INLINE size_t first_slot(const struct lk_keys *k, uint64_t hash)
{
	return (size_t)hash & (k->slot_count - 1);
}

LK_CELL_INLINE uint64_t make_slot(uint64_t hash, uint32_t number)
{
	return (hash >> 32 << 32) | (number + 1);
}

LK_CELL_INLINE const uint8_t *key_at(const struct lk_keys *k, uint32_t number, size_t *len)
{
	size_t start = !k->ends ? number * k->fixed : number ? k->ends[number - 1] : 0;

	*len = k->ends ? k->ends[number] - start : k->fixed;
	return (const uint8_t *)k->bytes.data + start;
}

static bool row_matches(const struct lk_keys *k, uint32_t number, const struct lk_cells *columns, int column_count, int64_t row)
{
	struct lk_cell_reader r;
	size_t len;

	r.p = key_at(k, number, &len);
	r.end = r.p + len;
	for (int i = 0; i < column_count; i++)
		if (!lk_cell_matches(&columns[i], row, &r))
			return false;
	return r.p == r.end;
}

/* The next slot that may be a hash's, from one on: its number, or -1 at the end. */
LK_CELL_INLINE int64_t next_tagged(const struct lk_keys *k, uint64_t hash, size_t *slot)
{
	for (; k->slots[*slot]; *slot = (*slot + 1) & (k->slot_count - 1))
		if (k->slots[*slot] >> 32 == hash >> 32)
			return (int64_t)(uint32_t)k->slots[*slot] - 1;
	return -1;
}

/* From a slot on, which may be one of the row's. */
static int64_t find_row(const struct lk_keys *k, const struct lk_cells *columns, int column_count, uint64_t hash, int64_t row, size_t slot)
{
	int64_t number;

	while ((number = next_tagged(k, hash, &slot)) >= 0) {
		if (row_matches(k, (uint32_t)number, columns, column_count, row))
			return number;
		slot = (slot + 1) & (k->slot_count - 1);
	}
	return -1;
}

LK_CELL_INLINE void prefetch_key(const struct lk_keys *k, uint32_t number)
{
	if (k->ends)
		__builtin_prefetch(&k->ends[number]);
	else
		__builtin_prefetch(k->bytes.data + number * k->fixed);
}

/* Those of up to AT_ONCE rows that the bloom filter does not rule out. */
static int sift(const struct lk_keys *k, const uint64_t *hash, int count, uint16_t *maybe)
{
	int n = 0;

	for (int i = 0; i < count; i++) {
		uint64_t bits = bloom_bits(hash[i]);

		maybe[n] = (uint16_t)i;
		n += (k->bloom[bloom_word(k, hash[i])] & bits) == bits;
	}
	return n;
}

static void find_some(const struct lk_keys *k, const struct lk_cells *columns, int column_count, const uint64_t *hash, int64_t from, int count,
	int64_t *number)
{
	uint16_t maybe[AT_ONCE];
	size_t slot[AT_ONCE];
	int n = sift(k, hash, count, maybe);

	for (int i = 0; i < count; i++)
		number[i] = -1;
	for (int i = 0; i < n; i++)
		__builtin_prefetch(&k->slots[first_slot(k, hash[maybe[i]])]);
	for (int i = 0; i < n; i++) {
		slot[i] = first_slot(k, hash[maybe[i]]);
		number[maybe[i]] = next_tagged(k, hash[maybe[i]], &slot[i]);
		if (number[maybe[i]] >= 0)
			prefetch_key(k, (uint32_t)number[maybe[i]]);
	}
	for (int i = 0; k->ends && i < n; i++) {
		size_t len;

		if (number[maybe[i]] >= 0)
			__builtin_prefetch(key_at(k, (uint32_t)number[maybe[i]], &len));
	}
	for (int i = 0; i < n; i++)
		if (number[maybe[i]] >= 0)
			number[maybe[i]] = find_row(k, columns, column_count, hash[maybe[i]], from + maybe[i], slot[i]);
}

void lk_keys_find(const struct lk_keys *k, const struct lk_cells *columns, int column_count, const uint64_t *hash, int64_t count, int64_t *number)
{
	for (int64_t i = 0; i < count; i += AT_ONCE)
		find_some(k, columns, column_count, hash + i, i, count - i < AT_ONCE ? (int)(count - i) : AT_ONCE, number + i);
}

/* ---- adding ---- */

static void put(struct lk_keys *k, uint64_t hash, uint32_t number)
{
	size_t slot = first_slot(k, hash);

	while (k->slots[slot])
		slot = (slot + 1) & (k->slot_count - 1);
	k->slots[slot] = make_slot(hash, number);
	k->bloom[bloom_word(k, hash)] |= bloom_bits(hash);
}

static void rehash(struct lk_keys *k)
{
	for (uint32_t n = 0; n < k->count; n++) {
		if (n + 16 < k->count)
			__builtin_prefetch(&k->slots[first_slot(k, k->hashes[n + 16])], 1);
		put(k, k->hashes[n], n);
	}
}

/* Makes room for more keys: slots are at most five eighths full. */
static enum lk_status reserve(struct lk_keys *k, uint64_t more, struct lk_error *err)
{
	uint64_t need = k->count + more;
	size_t slot_count = k->slot_count ? k->slot_count : FIRST_SLOTS;
	uint64_t *slots, *bloom;

	if (!lk_grow((void **)&k->hashes, &k->hash_cap, (size_t)need, sizeof(*k->hashes)))
		return lk_error_nomem(err);
	while (need > slot_count / 8 * 5)
		slot_count *= 2;
	if (slot_count == k->slot_count)
		return LK_OK;
	slots = map(slot_count * sizeof(*slots));
	bloom = map(slot_count / SLOTS_PER_WORD * sizeof(*bloom));
	if (!slots || !bloom) {
		unmap(slots, slot_count * sizeof(*slots));
		unmap(bloom, slot_count / SLOTS_PER_WORD * sizeof(*bloom));
		return lk_error_nomem(err);
	}
	unmap(k->slots, k->slot_count * sizeof(*slots));
	unmap(k->bloom, (size_t)k->word_count * sizeof(*bloom));
	k->slots = slots;
	k->bloom = bloom;
	k->slot_count = slot_count;
	k->word_count = slot_count / SLOTS_PER_WORD;
	rehash(k);
	return LK_OK;
}

/* From now on each key has an end of its own. */
static enum lk_status make_ends(struct lk_keys *k, struct lk_error *err)
{
	if (!lk_grow((void **)&k->ends, &k->end_cap, k->hash_cap, sizeof(*k->ends)))
		return lk_error_nomem(err);
	for (uint32_t n = 0; n < k->count; n++)
		k->ends[n] = (n + UINT64_C(1)) * k->fixed;
	return LK_OK;
}

/* The bytes of a new key stand at the end of k->bytes, from `start` on; there is room for one more. */
static enum lk_status end_key(struct lk_keys *k, size_t start, uint64_t hash, struct lk_error *err)
{
	size_t len = k->bytes.len - start;

	LK_TRY(lk_str_check(&k->bytes, err));
	if (!k->count)
		k->fixed = len;
	if (!k->ends && len != k->fixed)
		LK_TRY(make_ends(k, err));
	if (k->ends) {
		if (!lk_grow((void **)&k->ends, &k->end_cap, k->count + (size_t)1, sizeof(*k->ends)))
			return lk_error_nomem(err);
		k->ends[k->count] = k->bytes.len;
	}
	k->hashes[k->count] = hash;
	put(k, hash, k->count++);
	return LK_OK;
}

static enum lk_status check_count(const struct lk_keys *k, struct lk_error *err)
{
	return k->count < UINT32_MAX - 1 ? LK_OK : lk_error_set(err, LK_MISSING, "there are more than %u keys", UINT32_MAX - 1);
}

static int64_t find_bytes(const struct lk_keys *k, uint64_t hash, const void *key, size_t len)
{
	size_t slot = first_slot(k, hash), own;
	int64_t number;

	while ((number = next_tagged(k, hash, &slot)) >= 0) {
		const uint8_t *bytes = key_at(k, (uint32_t)number, &own);

		if (own == len && !memcmp(bytes, key, len))
			return number;
		slot = (slot + 1) & (k->slot_count - 1);
	}
	return -1;
}

enum lk_status lk_keys_add(struct lk_keys *k, uint64_t hash, const void *key, size_t len, uint32_t *number, bool *is_new, struct lk_error *err)
{
	size_t start = k->bytes.len;
	int64_t found = find_bytes(k, hash, key, len);

	*is_new = found < 0;
	if (found >= 0) {
		*number = (uint32_t)found;
		return LK_OK;
	}
	LK_TRY(check_count(k, err));
	LK_TRY(reserve(k, 1, err));
	*number = k->count;
	lk_str_add(&k->bytes, key, len);
	return end_key(k, start, hash, err);
}

static enum lk_status add_row(struct lk_keys *k, const struct lk_cells *columns, int column_count, uint64_t hash, int64_t row, int64_t *number,
	bool *is_new, struct lk_error *err)
{
	size_t start = k->bytes.len;

	*number = find_row(k, columns, column_count, hash, row, first_slot(k, hash));
	*is_new = *number < 0;
	if (!*is_new)
		return LK_OK;
	LK_TRY(check_count(k, err));
	*number = k->count;
	for (int i = 0; i < column_count; i++)
		lk_cells_encode(&columns[i], row, &k->bytes);
	return end_key(k, start, hash, err);
}

/* Asks for all that adding up to AT_ONCE rows looks at. */
static void prefetch_rows(const struct lk_keys *k, const uint64_t *hash, int count)
{
	uint32_t maybe[AT_ONCE];
	int n = 0;

	for (int i = 0; i < count; i++) {
		__builtin_prefetch(&k->slots[first_slot(k, hash[i])], 1);
		__builtin_prefetch(&k->bloom[bloom_word(k, hash[i])], 1);
	}
	for (int i = 0; i < count; i++) {
		size_t slot = first_slot(k, hash[i]);
		int64_t number = next_tagged(k, hash[i], &slot);

		if (number >= 0)
			prefetch_key(k, maybe[n++] = (uint32_t)number);
	}
	for (int i = 0; k->ends && i < n; i++) {
		size_t len;

		__builtin_prefetch(key_at(k, maybe[i], &len));
	}
}

enum lk_status lk_keys_add_rows(struct lk_keys *k, const struct lk_cells *columns, int column_count, const uint64_t *hash, int64_t count,
	int64_t *number, bool *is_new, struct lk_error *err)
{
	bool unused;

	for (int64_t i = 0; i < count; i++) {
		if (i % AT_ONCE == 0) {
			int some = count - i < AT_ONCE ? (int)(count - i) : AT_ONCE;

			LK_TRY(reserve(k, (uint64_t)some, err));
			prefetch_rows(k, hash + i, some);
		}
		LK_TRY(add_row(k, columns, column_count, hash[i], i, &number[i], is_new ? &is_new[i] : &unused, err));
	}
	return LK_OK;
}

/* ---- the set ---- */

enum lk_status lk_keys_create(struct lk_keys **out, struct lk_error *err)
{
	struct lk_keys *k = calloc(1, sizeof(*k));
	enum lk_status status = k ? reserve(k, 0, err) : lk_error_nomem(err);

	if (status)
		lk_keys_free(k);
	*out = status ? NULL : k;
	return status;
}

void lk_keys_free(struct lk_keys *k)
{
	if (!k)
		return;
	unmap(k->slots, k->slot_count * sizeof(*k->slots));
	unmap(k->bloom, (size_t)k->word_count * sizeof(*k->bloom));
	free(k->hashes);
	free(k->ends);
	lk_str_release(&k->bytes);
	free(k);
}

int64_t lk_keys_number(const struct lk_keys *k, uint64_t hash, const void *key, size_t len)
{
	return find_bytes(k, hash, key, len);
}

uint32_t lk_keys_count(const struct lk_keys *k)
{
	return k->count;
}

const void *lk_keys_at(const struct lk_keys *k, uint32_t number, size_t *len)
{
	return key_at(k, number, len);
}

uint64_t lk_keys_hash(const struct lk_keys *k, uint32_t number)
{
	return k->hashes[number];
}

/* What is taken; room for more that is reserved is not touched yet. */
size_t lk_keys_bytes(const struct lk_keys *k)
{
	return k->slot_count * sizeof(*k->slots) + (size_t)k->word_count * sizeof(*k->bloom) + k->count * sizeof(*k->hashes) +
	       (k->ends ? k->count * sizeof(*k->ends) : 0) + k->bytes.len;
}
