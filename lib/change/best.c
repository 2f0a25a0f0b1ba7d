#include "change/best.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "change/run.h"
#include "change/version.h"

#define NONE UINT64_MAX /* instead of a row: nothing is compared with it */
#define RUNS 64
#define RUN_BITS 6
#define AHEAD 16 /* rows that memory is asked for ahead */
#define LEVELS 8 /* of spilling what was spilled: 48 bits of hashes */

/* The keys of a table: of each, the best row and its version. */
struct set {
	struct lk_keys *keys;
	int cells;
	uint64_t *row;
	size_t row_cap;
	struct place {
		size_t start;
		uint32_t len;
	} *version;
	size_t version_cap;
	struct lk_str versions;
};

struct lk_best {
	char *folder;
	struct set *sets;
	size_t set_count, set_cap;
	uint64_t *lost; /* a bit a row */
	size_t lost_cap, lost_words;
	int64_t rows;
	struct lk_run *runs[RUNS]; /* NULL: nothing was spilled */
	/* of the batch */
	int64_t *number;
	bool *is_new;
	size_t number_cap, new_cap;
	struct lk_str room;
};

/* ---- sets ---- */

static enum lk_status set_begin(struct set *s, struct lk_error *err)
{
	lk_keys_free(s->keys);
	s->keys = NULL;
	lk_str_release(&s->versions);
	return lk_keys_create(&s->keys, err);
}

static void set_release(struct set *s)
{
	lk_keys_free(s->keys);
	free(s->row);
	free(s->version);
	lk_str_release(&s->versions);
}

static size_t set_bytes(const struct set *s)
{
	return lk_keys_bytes(s->keys) + s->versions.len + lk_keys_count(s->keys) * (sizeof(*s->row) + sizeof(*s->version));
}

enum lk_status lk_best_create(struct lk_best **out, const char *folder, struct lk_error *err)
{
	struct lk_best *b = calloc(1, sizeof(*b));

	*out = NULL;
	if (!b)
		return lk_error_nomem(err);
	if (folder && !(b->folder = strdup(folder))) {
		lk_best_free(b);
		return lk_error_nomem(err);
	}
	*out = b;
	return LK_OK;
}

void lk_best_free(struct lk_best *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->set_count; i++)
		set_release(&b->sets[i]);
	for (int i = 0; i < RUNS; i++)
		lk_run_free(b->runs[i]);
	free(b->sets);
	free(b->lost);
	free(b->number);
	free(b->is_new);
	free(b->folder);
	lk_str_release(&b->room);
	free(b);
}

enum lk_status lk_best_set(struct lk_best *b, int cells, int *set, struct lk_error *err)
{
	if (!lk_grow((void **)&b->sets, &b->set_cap, b->set_count + 1, sizeof(*b->sets)))
		return lk_error_nomem(err);
	*set = (int)b->set_count;
	b->sets[b->set_count] = (struct set){.cells = cells};
	return set_begin(&b->sets[b->set_count++], err);
}

/* ---- what is known of a key ---- */

static enum lk_status make_room(struct set *s, size_t keys, struct lk_error *err)
{
	if (!lk_grow((void **)&s->row, &s->row_cap, keys, sizeof(*s->row)) ||
		!lk_grow((void **)&s->version, &s->version_cap, keys, sizeof(*s->version)))
		return lk_error_nomem(err);
	return LK_OK;
}

static void set_version(struct set *s, uint32_t number, const char *version, size_t len, bool is_new)
{
	struct place *p = &s->version[number];

	if (is_new || len > p->len) {
		p->start = s->versions.len;
		lk_str_add(&s->versions, version, len);
	} else if (len) {
		memcpy(s->versions.data + p->start, version, len);
	}
	p->len = s->versions.failed ? 0 : (uint32_t)len;
}

static void lose(struct lk_best *b, uint64_t row)
{
	b->lost[row / 64] |= UINT64_C(1) << (row % 64);
}

/* A row of a key came. */
static void meet(struct lk_best *b, struct set *s, uint32_t number, bool is_new, uint64_t row, const char *version, size_t len)
{
	int order;

	if (is_new) {
		s->row[number] = row;
		set_version(s, number, version, len, true);
		return;
	}
	order = lk_version_compare(version, len, lk_str_text(&s->versions) + s->version[number].start, s->version[number].len);
	if (order < 0 || (!order && row > s->row[number])) {
		lose(b, row);
		return;
	}
	lose(b, s->row[number]);
	s->row[number] = row;
	set_version(s, number, version, len, false);
}

/* ---- rows ---- */

static enum lk_status reserve_batch(struct lk_best *b, struct set *s, int64_t count, struct lk_error *err)
{
	size_t words = (size_t)(b->rows + count) / 64 + 1;

	if (!lk_grow((void **)&b->lost, &b->lost_cap, words, sizeof(*b->lost)) ||
		!lk_grow((void **)&b->number, &b->number_cap, (size_t)count + 1, sizeof(*b->number)) ||
		!lk_grow((void **)&b->is_new, &b->new_cap, (size_t)count + 1, sizeof(*b->is_new)))
		return lk_error_nomem(err);
	memset(b->lost + b->lost_words, 0, (words - b->lost_words) * sizeof(*b->lost));
	b->lost_words = words;
	return make_room(s, lk_keys_count(s->keys) + (size_t)count, err);
}

static void meet_rows(struct lk_best *b, struct set *s, const struct lk_best_rows *rows)
{
	for (int64_t i = 0; i < rows->count; i++) {
		uint32_t number = (uint32_t)b->number[i];
		uint64_t start = rows->version_ends && i ? rows->version_ends[i - 1] : 0, end = rows->version_ends ? rows->version_ends[i] : 0;

		if (i + AHEAD < rows->count) {
			__builtin_prefetch(&s->row[b->number[i + AHEAD]], 1);
			__builtin_prefetch(&s->version[b->number[i + AHEAD]], 1);
		}
		if (rows->ignored && rows->ignored[i]) {
			s->row[number] = NONE;
			s->version[number] = (struct place){0, 0};
		} else {
			meet(b, s, number, b->is_new[i], (uint64_t)(b->rows + i), rows->versions + start, end - start);
		}
	}
}

enum lk_status lk_best_add(struct lk_best *b, const struct lk_best_rows *rows, int64_t *first, struct lk_error *err)
{
	struct set *s = &b->sets[rows->set];

	LK_TRY(reserve_batch(b, s, rows->count, err));
	LK_TRY(lk_keys_add_rows(s->keys, rows->cells, s->cells, rows->hash, rows->count, b->number, b->is_new, err));
	meet_rows(b, s, rows);
	*first = b->rows;
	b->rows += rows->count;
	return lk_str_check(&s->versions, err);
}

/* Encoded cells with further ones that are null. */
static const char *pad(struct lk_best *b, const void *key, size_t *len, int cells)
{
	lk_str_clear(&b->room);
	lk_str_add(&b->room, key, *len);
	while (cells-- > 0)
		lk_str_addc(&b->room, 0);
	*len = b->room.len;
	return b->room.data;
}

enum lk_status lk_best_widen(struct lk_best *b, int set, int cells, struct lk_error *err)
{
	struct set *s = &b->sets[set];
	struct lk_keys *wide;
	enum lk_status status;
	uint32_t number;
	bool is_new;
	size_t len;

	if (cells == s->cells)
		return LK_OK;
	status = lk_keys_create(&wide, err);
	for (uint32_t n = 0; !status && n < lk_keys_count(s->keys); n++) {
		const void *key = lk_keys_at(s->keys, n, &len);

		key = pad(b, key, &len, cells - s->cells);
		status = lk_str_check(&b->room, err);
		if (!status)
			status = lk_keys_add(wide, lk_keys_hash(s->keys, n), key, len, &number, &is_new, err);
	}
	if (status) {
		lk_keys_free(wide);
		return status;
	}
	lk_keys_free(s->keys);
	s->keys = wide;
	s->cells = cells;
	return LK_OK;
}

/* ---- spilling ---- */

size_t lk_best_bytes(const struct lk_best *b)
{
	size_t bytes = b->lost_words * sizeof(*b->lost);

	for (size_t i = 0; i < b->set_count; i++)
		bytes += set_bytes(&b->sets[i]);
	return bytes;
}

static int run_of(uint64_t hash, int level)
{
	return (int)(hash >> (64 - RUN_BITS * (level + 1))) & (RUNS - 1);
}

static enum lk_status spill_set(struct lk_best *b, size_t set, struct lk_run **runs, int level, struct lk_error *err)
{
	struct set *s = &b->sets[set];

	for (uint32_t n = 0; n < lk_keys_count(s->keys); n++) {
		struct lk_run_record r = {.hash = lk_keys_hash(s->keys, n), .row = s->row[n], .set = (uint32_t)set, .cells = (uint32_t)s->cells,
			.version = lk_str_text(&s->versions) + s->version[n].start, .version_len = s->version[n].len};

		if (r.row == NONE)
			continue;
		r.key = lk_keys_at(s->keys, n, &r.key_len);
		LK_TRY(lk_run_add(runs[run_of(r.hash, level)], &r, err));
	}
	return set_begin(s, err);
}

static enum lk_status spill(struct lk_best *b, struct lk_run **runs, int level, struct lk_error *err)
{
	for (int i = 0; i < RUNS; i++)
		if (!runs[i])
			LK_TRY(lk_run_create(&runs[i], b->folder, err));
	for (size_t i = 0; i < b->set_count; i++)
		LK_TRY(spill_set(b, i, runs, level, err));
	return LK_OK;
}

enum lk_status lk_best_spill(struct lk_best *b, struct lk_error *err)
{
	return spill(b, b->runs, 0, err);
}

bool lk_best_has_spilled(const struct lk_best *b)
{
	return b->runs[0] != NULL;
}

/* ---- merging ---- */

static enum lk_status take_record(struct lk_best *b, const struct lk_run_record *r, struct lk_error *err)
{
	struct set *s = &b->sets[r->set];
	const void *key = r->key;
	size_t len = r->key_len;
	uint32_t number;
	bool is_new;

	if (r->cells < (uint32_t)s->cells) {
		key = pad(b, key, &len, s->cells - (int)r->cells);
		LK_TRY(lk_str_check(&b->room, err));
	}
	LK_TRY(make_room(s, lk_keys_count(s->keys) + (size_t)1, err));
	LK_TRY(lk_keys_add(s->keys, r->hash, key, len, &number, &is_new, err));
	meet(b, s, number, is_new, r->row, r->version, r->version_len);
	return lk_str_check(&s->versions, err);
}

static enum lk_status merge_all(struct lk_best *b, struct lk_run **runs, int level, size_t memory, struct lk_error *err);

/* What is in a run does not depend on any other; where it is more than memory has room for, it is spilled once more. */
static enum lk_status merge(struct lk_best *b, struct lk_run *run, int level, size_t memory, struct lk_run **more, struct lk_error *err)
{
	struct lk_run_record r;
	int64_t count = 0;
	bool got;

	LK_TRY(lk_run_rewind(run, err));
	for (;;) {
		LK_TRY(lk_run_next(run, &r, &got, err));
		if (!got)
			break;
		LK_TRY(take_record(b, &r, err));
		if (++count % 1024 == 0 && level + 1 < LEVELS && lk_best_bytes(b) > memory)
			LK_TRY(spill(b, more, level + 1, err));
	}
	if (more[0]) {
		LK_TRY(spill(b, more, level + 1, err));
		return merge_all(b, more, level + 1, memory, err);
	}
	for (size_t i = 0; i < b->set_count; i++)
		LK_TRY(set_begin(&b->sets[i], err));
	return LK_OK;
}

static enum lk_status merge_all(struct lk_best *b, struct lk_run **runs, int level, size_t memory, struct lk_error *err)
{
	for (int i = 0; i < RUNS; i++) {
		struct lk_run *more[RUNS] = {NULL};
		enum lk_status status = merge(b, runs[i], level, memory, more, err);

		for (int j = 0; j < RUNS; j++)
			lk_run_free(more[j]);
		LK_TRY(status);
		lk_run_free(runs[i]);
		runs[i] = NULL;
	}
	return LK_OK;
}

enum lk_status lk_best_finish(struct lk_best *b, size_t memory, struct lk_error *err)
{
	if (!lk_best_has_spilled(b))
		return LK_OK;
	LK_TRY(lk_best_spill(b, err));
	return merge_all(b, b->runs, 0, memory, err);
}

bool lk_best_is_lost(const struct lk_best *b, int64_t row)
{
	return b->lost[row / 64] >> (row % 64) & 1;
}
