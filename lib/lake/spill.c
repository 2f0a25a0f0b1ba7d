#include "lake/spill.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lake/spill_run.h"

#define CHUNK_BYTES ((size_t)1 << 20)
#define FAN_IN 32 /* runs of one level become one of the next */
#define LEVELS 8
#define FEW 64   /* records that are sorted by comparing them */
#define DEEP 128 /* bytes of keys that are looked at eight by eight */
#define RECORD_MAX ((size_t)1 << 30)

/* A record in memory. */
struct entry {
	uint64_t prefix; /* eight bytes of the key, big-endian: those that it is being sorted by */
	const uint8_t *record;
};

struct chunk {
	struct chunk *next;
	size_t used, size;
	uint8_t data[];
};

/* Sources of a merge, the smallest on top; those of equal keys by age. */
struct heap {
	struct lk_spill_run **runs;
	int count;
};

struct lk_sorter {
	char *folder;
	size_t limit;
	struct chunk *chunks; /* the newest first */
	size_t bytes;	      /* of all chunks */
	struct entry *entries, *other;
	size_t count, cap, other_cap;
	int64_t records;
	int64_t next_age;
	struct {
		struct lk_spill_run runs[FAN_IN];
		int count;
	} levels[LEVELS];
	bool sorted;
	size_t next;		  /* entry, when all is in memory */
	struct lk_spill_run **sources;  /* else */
	struct heap heap;
	bool started;
};

enum lk_status lk_sorter_create(struct lk_sorter **out, const char *folder, size_t memory_bytes, struct lk_error *err)
{
	struct lk_sorter *s = *out = calloc(1, sizeof(*s));

	if (!s || !(s->folder = strdup(folder))) {
		free(s);
		*out = NULL;
		return lk_error_nomem(err);
	}
	s->limit = memory_bytes;
	return LK_OK;
}

static void free_memory(struct lk_sorter *s)
{
	while (s->chunks) {
		struct chunk *next = s->chunks->next;

		free(s->chunks);
		s->chunks = next;
	}
	free(s->entries);
	free(s->other);
	s->entries = s->other = NULL;
	s->count = s->cap = s->other_cap = s->bytes = 0;
}

void lk_sorter_free(struct lk_sorter *s)
{
	if (!s)
		return;
	free_memory(s);
	for (int l = 0; l < LEVELS; l++)
		for (int i = 0; i < s->levels[l].count; i++)
			lk_spill_run_release(&s->levels[l].runs[i]);
	free(s->sources);
	free(s->folder);
	free(s);
}

size_t lk_sorter_memory(const struct lk_sorter *s)
{
	return s->bytes + 2 * s->cap * sizeof(struct entry); /* sorting takes as many again */
}

int64_t lk_sorter_count(const struct lk_sorter *s)
{
	return s->records;
}

int lk_sorter_runs(const struct lk_sorter *s)
{
	int n = 0;

	for (int l = 0; l < LEVELS; l++)
		n += s->levels[l].count;
	return n;
}

/* ---- in memory ---- */

static uint8_t *allocate(struct lk_sorter *s, size_t len)
{
	struct chunk *c = s->chunks;

	if (!c || c->size - c->used < len) {
		size_t size = len > CHUNK_BYTES ? len : CHUNK_BYTES;

		c = malloc(sizeof(*c) + size);
		if (!c)
			return NULL;
		*c = (struct chunk){.next = s->chunks, .size = size};
		s->chunks = c;
		s->bytes += sizeof(*c) + size;
	}
	c->used += len;
	return c->data + c->used - len;
}

static uint64_t prefix_of(const uint8_t *key, size_t len)
{
	uint64_t prefix = 0;

	memcpy(&prefix, key, len < sizeof(prefix) ? len : sizeof(prefix));
	return be64toh(prefix);
}

enum lk_status lk_sorter_add(struct lk_sorter *s, const struct lk_record *record, struct lk_error *err)
{
	size_t len = LK_RECORD_HEAD + record->key_len + record->data_len;
	uint8_t *place;

	if (len > RECORD_MAX)
		return lk_error_set(err, LK_DATA, "a row of %zu bytes is too long to be sorted", len);
	if (s->count && lk_sorter_memory(s) + len > s->limit)
		LK_TRY(lk_sorter_spill(s, err));
	place = allocate(s, len);
	if (!place || !lk_grow((void **)&s->entries, &s->cap, s->count + 1, sizeof(*s->entries)))
		return lk_error_nomem(err);
	lk_record_put(place, record);
	s->entries[s->count++] = (struct entry){0, place};
	s->records++;
	return LK_OK;
}

static int compare_keys(const struct lk_record *a, const struct lk_record *b)
{
	size_t common = a->key_len < b->key_len ? a->key_len : b->key_len;
	int order = memcmp(a->key, b->key, common);

	return order ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

static int compare_entries(const struct entry *a, const struct entry *b)
{
	struct lk_record x = lk_record_get(a->record), y = lk_record_get(b->record);

	return compare_keys(&x, &y);
}

/* Merge sort by whole keys, which keeps the order of equals; `room` is as large as `items`. */
static void sort_by_key(struct entry *items, struct entry *room, size_t count)
{
	size_t half = count / 2, a = 0, b = half, n = 0;

	if (count < 2)
		return;
	sort_by_key(items, room, half);
	sort_by_key(items + half, room, count - half);
	if (compare_entries(&items[half - 1], &items[half]) <= 0)
		return;
	memcpy(room, items, half * sizeof(*items));
	while (a < half && b < count)
		items[n++] = compare_entries(&room[a], &items[b]) <= 0 ? room[a++] : items[b++];
	memcpy(items + n, room + a, (half - a) * sizeof(*items));
}

static uint64_t bytes_at(const struct lk_record *r, size_t depth)
{
	return depth < r->key_len ? prefix_of(r->key + depth, r->key_len - depth) : 0;
}

/* Sorts by prefixes, byte by byte from the last, which keeps the order of equals; bytes that are the same in all cost nothing. */
static void sort_by_prefix(struct entry *items, struct entry *room, size_t count)
{
	size_t starts[8][256] = {{0}};
	struct entry *from = items, *to = room;

	for (size_t i = 0; i < count; i++)
		for (int b = 0; b < 8; b++)
			starts[b][items[i].prefix >> 8 * b & 0xff]++;
	for (int b = 0; b < 8; b++) {
		struct entry *swap = from;
		size_t sum = 0;

		if (starts[b][items[0].prefix >> 8 * b & 0xff] == count)
			continue;
		for (int v = 0; v < 256; v++) {
			size_t n = starts[b][v];

			starts[b][v] = sum;
			sum += n;
		}
		for (size_t i = 0; i < count; i++)
			to[starts[b][from[i].prefix >> 8 * b & 0xff]++] = from[i];
		from = to;
		to = swap;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(*items));
}

/* Whether keys that are equal up to `end` are all as long as the first and no longer than that. */
static bool all_told(const struct entry *items, size_t count, size_t end)
{
	size_t len = lk_record_get(items[0].record).key_len;

	for (size_t i = 1; i < count; i++)
		if (lk_record_get(items[i].record).key_len != len)
			return false;
	return len <= end;
}

/* Sorts keys that are equal in their first `depth` bytes: by the next eight, and where these are equal, by those behind them. */
static void sort_from(struct entry *items, struct entry *room, size_t count, size_t depth)
{
	if (count < FEW || depth > DEEP) {
		sort_by_key(items, room, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct lk_record r = lk_record_get(items[i].record);

		items[i].prefix = bytes_at(&r, depth);
	}
	sort_by_prefix(items, room, count);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && items[end].prefix == items[i].prefix;)
			end++;
		if (end - i > 1 && !all_told(items + i, end - i, depth + sizeof(uint64_t)))
			sort_from(items + i, room, end - i, depth + sizeof(uint64_t));
	}
}

static enum lk_status sort_memory(struct lk_sorter *s, struct lk_error *err)
{
	if (s->other_cap < s->cap) {
		free(s->other);
		s->other = malloc((s->cap + 1) * sizeof(*s->other));
		if (!s->other)
			return lk_error_nomem(err);
		s->other_cap = s->cap;
	}
	sort_from(s->entries, s->other, s->count, 0);
	return LK_OK;
}

/* ---- runs ---- */

static bool is_before(const struct lk_spill_run *a, const struct lk_spill_run *b)
{
	int order = compare_keys(&a->record, &b->record);

	return order ? order < 0 : a->age < b->age;
}

static void sift_down(struct heap *h, int at)
{
	for (;;) {
		int least = at;

		for (int child = 2 * at + 1; child <= 2 * at + 2 && child < h->count; child++)
			if (is_before(h->runs[child], h->runs[least]))
				least = child;
		if (least == at)
			return;
		struct lk_spill_run *swap = h->runs[at];

		h->runs[at] = h->runs[least];
		h->runs[least] = swap;
		at = least;
	}
}

/* The runs' first records; those without any are left out. */
static enum lk_status begin_merge(struct heap *h, struct lk_error *err)
{
	int kept = 0;

	for (int i = 0; i < h->count; i++) {
		LK_TRY(lk_spill_run_next(h->runs[i], err));
		if (!h->runs[i]->ended)
			h->runs[kept++] = h->runs[i];
	}
	h->count = kept;
	for (int i = h->count / 2; i-- > 0;)
		sift_down(h, i);
	return LK_OK;
}

/* Behind the record on top. */
static enum lk_status advance(struct heap *h, struct lk_error *err)
{
	LK_TRY(lk_spill_run_next(h->runs[0], err));
	if (h->runs[0]->ended)
		h->runs[0] = h->runs[--h->count];
	sift_down(h, 0);
	return LK_OK;
}

static enum lk_status merge(struct heap *h, struct lk_spill_run *out, struct lk_error *err)
{
	LK_TRY(begin_merge(h, err));
	while (h->count) {
		LK_TRY(lk_spill_run_add(out, &h->runs[0]->record, err));
		LK_TRY(advance(h, err));
	}
	return lk_spill_run_finish(out, err);
}

/* Adds a run to a level; when that is full, all of it becomes a run of the next one. */
static enum lk_status add_run(struct lk_sorter *s, int level, struct lk_spill_run *run, struct lk_error *err)
{
	struct lk_spill_run *pointers[FAN_IN], merged;
	struct heap heap = {pointers, FAN_IN};
	enum lk_status status;

	s->levels[level].runs[s->levels[level].count++] = *run;
	if (s->levels[level].count < FAN_IN || level + 1 == LEVELS)
		return LK_OK;
	for (int i = 0; i < FAN_IN; i++)
		pointers[i] = &s->levels[level].runs[i];
	LK_TRY(lk_spill_run_create(&merged, s->folder, err));
	merged.age = pointers[0]->age;
	status = merge(&heap, &merged, err);
	if (status) {
		lk_spill_run_release(&merged);
		return status;
	}
	for (int i = 0; i < FAN_IN; i++)
		lk_spill_run_release(&s->levels[level].runs[i]);
	s->levels[level].count = 0;
	return add_run(s, level + 1, &merged, err);
}

static enum lk_status write_run(struct lk_sorter *s, struct lk_spill_run *run, struct lk_error *err)
{
	for (size_t i = 0; i < s->count; i++) {
		struct lk_record record = lk_record_get(s->entries[i].record);

		LK_TRY(lk_spill_run_add(run, &record, err));
	}
	return lk_spill_run_finish(run, err);
}

enum lk_status lk_sorter_spill(struct lk_sorter *s, struct lk_error *err)
{
	struct lk_spill_run run;
	enum lk_status status;

	if (!s->count)
		return LK_OK;
	LK_TRY(sort_memory(s, err));
	LK_TRY(lk_spill_run_create(&run, s->folder, err));
	run.age = s->next_age++;
	status = write_run(s, &run, err);
	if (status) {
		lk_spill_run_release(&run);
		return status;
	}
	free_memory(s);
	return add_run(s, 0, &run, err);
}

/* ---- reading ---- */

static enum lk_status open_runs(struct lk_sorter *s, struct lk_error *err)
{
	int n = 0;

	s->sources = calloc((size_t)lk_sorter_runs(s) + 1, sizeof(*s->sources));
	if (!s->sources)
		return lk_error_nomem(err);
	for (int l = LEVELS; l-- > 0;)
		for (int i = 0; i < s->levels[l].count; i++)
			s->sources[n++] = &s->levels[l].runs[i];
	s->heap = (struct heap){s->sources, n};
	return begin_merge(&s->heap, err);
}

enum lk_status lk_sorter_sort(struct lk_sorter *s, struct lk_error *err)
{
	if (lk_sorter_runs(s))
		LK_TRY(lk_sorter_spill(s, err));
	s->sorted = true;
	return lk_sorter_runs(s) ? open_runs(s, err) : sort_memory(s, err);
}

enum lk_status lk_sorter_next(struct lk_sorter *s, struct lk_record *record, bool *more, struct lk_error *err)
{
	if (!s->sources) {
		*more = s->next < s->count;
		if (*more)
			*record = lk_record_get(s->entries[s->next++].record);
		return LK_OK;
	}
	if (s->started && s->heap.count)
		LK_TRY(advance(&s->heap, err));
	s->started = true;
	*more = s->heap.count > 0;
	if (*more)
		*record = s->heap.runs[0]->record;
	return LK_OK;
}
