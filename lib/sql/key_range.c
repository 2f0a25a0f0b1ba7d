/* Ranges of keys, coarsely: enough to leave out files and row groups that are far from all of them. */
#include <stdlib.h>
#include <string.h>

#include "lake/value.h"
#include "sql/lookup.h"

#define BUCKETS 4096
#define RANGES_MAX 8
#define GAPS_MAX 256

struct lk_key_ranges {
	const char *type;
	bool integers;	     /* the eight bytes are the value */
	bool texts;	     /* they may have fewer than eight, and other cells behind them */
	bool any, nulls;     /* there are keys whose first cell is not null; and such whose is */
	uint64_t low, high;  /* of all */
	unsigned shift;	     /* of (prefix - low) to the number of its bucket */
	uint64_t first[BUCKETS + 1], last[BUCKETS + 1]; /* of each bucket; first above last: it is empty */
	int next[BUCKETS + 2]; /* the first bucket from here on that is not empty; BUCKETS + 1: none */
};

/* The first eight bytes of an encoded value (change/cells.h), of a text no more than it has; false for null. */
static bool prefix_of(const struct lk_key_ranges *r, const void *key, size_t len, uint64_t *out)
{
	const unsigned char *p = key;
	uint64_t prefix = 0;
	bool ended = false;

	if (!len || !p[0])
		return false;
	for (size_t i = 1; i < 9; i++) {
		ended |= i >= len || (r->texts && !p[i]);
		prefix = prefix << 8 | (ended ? 0 : p[i]);
	}
	*out = prefix;
	return true;
}

static void find_ends(struct lk_key_ranges *r, const struct lk_keys *keys)
{
	uint64_t prefix;
	size_t len;

	r->low = UINT64_MAX;
	for (uint32_t i = 0; i < lk_keys_count(keys); i++) {
		const void *key = lk_keys_at(keys, i, &len);

		if (!prefix_of(r, key, len, &prefix)) {
			r->nulls = true;
			continue;
		}
		r->any = true;
		r->low = prefix < r->low ? prefix : r->low;
		r->high = prefix > r->high ? prefix : r->high;
	}
	while (r->any && (r->high - r->low) >> r->shift > BUCKETS)
		r->shift++;
}

static int bucket_of(const struct lk_key_ranges *r, uint64_t prefix)
{
	return (int)((prefix - r->low) >> r->shift);
}

static void fill(struct lk_key_ranges *r, const struct lk_keys *keys)
{
	uint64_t prefix;
	size_t len;

	for (int i = 0; i <= BUCKETS; i++) {
		r->first[i] = UINT64_MAX;
		r->last[i] = 0;
	}
	for (uint32_t i = 0; i < lk_keys_count(keys); i++) {
		const void *key = lk_keys_at(keys, i, &len);
		int b;

		if (!prefix_of(r, key, len, &prefix))
			continue;
		b = bucket_of(r, prefix);
		r->first[b] = prefix < r->first[b] ? prefix : r->first[b];
		r->last[b] = prefix > r->last[b] ? prefix : r->last[b];
	}
	r->next[BUCKETS + 1] = BUCKETS + 1;
	for (int i = BUCKETS; i >= 0; i--)
		r->next[i] = r->first[i] <= r->last[i] ? i : r->next[i + 1];
}

enum lk_status lk_key_ranges_make(struct lk_key_ranges **out, const struct lk_keys *keys, const char *type, struct lk_error *err)
{
	struct lk_key_ranges *r = calloc(1, sizeof(*r));

	*out = r;
	if (!r)
		return lk_error_nomem(err);
	r->type = type;
	r->texts = lk_value_kind(type) == LK_VALUE_BYTES && strcmp(type, "boolean") != 0;
	r->integers = !strcmp(type, "int") || !strcmp(type, "long");
	find_ends(r, keys);
	if (r->any)
		fill(r, keys);
	return LK_OK;
}

void lk_key_ranges_free(struct lk_key_ranges *r)
{
	free(r);
}

/* ---- files ---- */

/* The prefix of a single value (lake/value.h); false where it cannot be said. A bound that was cut stays one: 00 is the least byte. */
static bool prefix_of_bound(const struct lk_key_ranges *r, const struct lk_str *bound, uint64_t *out)
{
	enum lk_value_kind kind = lk_value_kind(r->type);
	uint64_t prefix = 0;

	if (!lk_value_sound(kind, bound->len))
		return false;
	if (kind == LK_VALUE_INTEGER) {
		*out = (uint64_t)lk_value_integer(bound->data, bound->len) ^ UINT64_C(1) << 63;
		return true;
	}
	if (kind != LK_VALUE_BYTES || !strcmp(r->type, "boolean"))
		return false;
	for (size_t i = 0; i < 8; i++) {
		unsigned char c = i < bound->len ? (unsigned char)bound->data[i] : 0;

		if (i < bound->len && !c)
			return false; /* it is written as two bytes */
		prefix = prefix << 8 | c;
	}
	*out = prefix;
	return true;
}

static bool overlaps(const struct lk_key_ranges *r, uint64_t low, uint64_t high)
{
	int first, last;

	if (low > r->high || high < r->low)
		return false;
	first = low > r->low ? bucket_of(r, low) : 0;
	last = high < r->high ? bucket_of(r, high) : BUCKETS;
	for (int b = r->next[first]; b <= last; b = r->next[b + 1])
		if (r->first[b] <= high && r->last[b] >= low)
			return true;
	return false;
}

bool lk_key_ranges_meet(const struct lk_key_ranges *r, const struct lk_lake_file *file, int32_t field_id)
{
	const struct lk_file_metrics *m = &file->entry.metrics;
	uint64_t low, high;

	if (r->nulls)
		return true;
	for (int i = 0; i < m->column_count; i++) {
		const struct lk_column_metrics *c = &m->columns[i];

		if (c->field_id != field_id || !c->has_lower || !c->has_upper || !prefix_of_bound(r, &c->lower, &low) ||
			!prefix_of_bound(r, &c->upper, &high))
			continue;
		return r->any && overlaps(r, low, high);
	}
	return true;
}

/* ---- rows ---- */

/* The gap behind a bucket that is not empty. */
static uint64_t gap_behind(const struct lk_key_ranges *r, int b)
{
	int next = r->next[b + 1];

	return next > BUCKETS ? 0 : r->first[next] - r->last[b];
}

/* A gap that at most RANGES_MAX - 1 are larger than; one that is small beside the whole would spare nothing, and cost for each row. */
static uint64_t least_gap(const struct lk_key_ranges *r)
{
	uint64_t largest[RANGES_MAX] = {0}, small = (r->high - r->low) / GAPS_MAX;

	for (int b = r->next[0]; b <= BUCKETS; b = r->next[b + 1]) {
		uint64_t gap = gap_behind(r, b);

		for (int i = 0; i < RANGES_MAX; i++)
			if (gap > largest[i]) {
				memmove(largest + i + 1, largest + i, (size_t)(RANGES_MAX - 1 - i) * sizeof(*largest));
				largest[i] = gap;
				break;
			}
	}
	return largest[RANGES_MAX - 1] > small ? largest[RANGES_MAX - 1] : small;
}

static void add_bound(int column, const char *comparison, uint64_t prefix, struct lk_str *out)
{
	lk_str_addf(out, "c%d %s %lld", column, comparison, (long long)(prefix ^ UINT64_C(1) << 63));
}

/* As "c0 >= 1 AND c0 <= 99 AND (c0 <= 9 OR c0 >= 90)": DuckDB holds each of these against what is told of row groups, and would
 * not do so with ranges that are joined by OR. */
void lk_key_ranges_add(const struct lk_key_ranges *r, int column, struct lk_str *out)
{
	uint64_t least;

	if (!r->any || !r->integers) {
		lk_str_adds(out, "true");
		return;
	}
	least = least_gap(r);
	lk_str_adds(out, "((");
	add_bound(column, ">=", r->low, out);
	lk_str_adds(out, " AND ");
	add_bound(column, "<=", r->high, out);
	for (int b = r->next[0]; r->next[b + 1] <= BUCKETS; b = r->next[b + 1]) {
		if (gap_behind(r, b) <= least)
			continue;
		lk_str_adds(out, " AND (");
		add_bound(column, "<=", r->last[b], out);
		lk_str_adds(out, " OR ");
		add_bound(column, ">=", r->first[r->next[b + 1]], out);
		lk_str_addc(out, ')');
	}
	lk_str_addc(out, ')');
	if (r->nulls)
		lk_str_addf(out, " OR c%d IS NULL", column);
	lk_str_addc(out, ')');
}
