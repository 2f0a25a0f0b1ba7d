#include "lake/router.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lake/transform.h"

#define VALUES_MAX_BYTES ((size_t)256 << 20)
#define FIRST_SLOTS 256

/* Numbers of values, by a hash table of places in `items` + 1. */
struct numbers {
	struct lk_bytes *items;
	size_t count, cap;
	uint32_t *slots;
	size_t slot_count;
};

struct field {
	struct lk_primitive type; /* of the result */
	struct lk_values values;
	struct numbers numbers;
};

struct lk_router {
	const struct lk_partition_spec *spec;
	struct field *fields;
	struct lk_arena arena; /* of values */
	int64_t *keys; /* of partition i: the spec's count of them from i * count on */
	uint64_t *nulls; /* a bit for each field */
	struct lk_partition_value *values; /* as keys */
	size_t count, keys_cap, nulls_cap, values_cap;
	uint32_t *slots; /* partitions + 1 */
	size_t slot_count;
};

enum lk_status lk_router_create(struct lk_router **out, const struct lk_partition_spec *spec, struct lk_error *err)
{
	struct lk_router *r;

	*out = NULL;
	if (spec->count > LK_ROUTER_FIELDS)
		return lk_error_set(err, LK_MISSING, "the partition spec has %d fields, and lk writes %d at most", spec->count,
			LK_ROUTER_FIELDS);
	r = calloc(1, sizeof(*r));
	if (!r || !(r->fields = calloc((size_t)spec->count + 1, sizeof(*r->fields)))) {
		free(r);
		return lk_error_nomem(err);
	}
	r->spec = spec;
	for (int i = 0; i < spec->count; i++)
		r->fields[i].type = lk_primitive_read(spec->fields[i].result_type);
	*out = r;
	return LK_OK;
}

void lk_router_free(struct lk_router *r)
{
	if (!r)
		return;
	for (int i = 0; i < r->spec->count; i++) {
		lk_values_release(&r->fields[i].values);
		free(r->fields[i].numbers.items);
		free(r->fields[i].numbers.slots);
	}
	for (size_t i = 0; i < r->count * (size_t)r->spec->count; i++)
		lk_str_release(&r->values[i].value);
	free(r->fields);
	free(r->keys);
	free(r->nulls);
	free(r->values);
	free(r->slots);
	lk_arena_release(&r->arena);
	free(r);
}

size_t lk_router_count(const struct lk_router *r)
{
	return r->count;
}

const struct lk_partition_value *lk_router_values(const struct lk_router *r, uint32_t partition)
{
	return &r->values[partition * (size_t)r->spec->count];
}

/* ---- numbers of values ---- */

static size_t find_number(const struct numbers *n, struct lk_bytes value)
{
	size_t i = XXH3_64bits(value.data, value.len) & (n->slot_count - 1);

	while (n->slots[i]) {
		const struct lk_bytes *other = &n->items[n->slots[i] - 1];

		if (other->len == value.len && (!value.len || !memcmp(other->data, value.data, value.len)))
			break;
		i = (i + 1) & (n->slot_count - 1);
	}
	return i;
}

static enum lk_status more_numbers(struct numbers *n, struct lk_error *err)
{
	size_t count = n->slot_count ? n->slot_count * 2 : FIRST_SLOTS;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return lk_error_nomem(err);
	free(n->slots);
	n->slots = slots;
	n->slot_count = count;
	for (size_t i = 0; i < n->count; i++)
		n->slots[find_number(n, n->items[i])] = (uint32_t)i + 1;
	return LK_OK;
}

static enum lk_status too_many(struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "rows are of more than %d partitions, which one commit does not write", LK_PARTITIONS_MAX);
}

static enum lk_status number_of(struct lk_router *r, struct numbers *n, struct lk_bytes value, int64_t *number, struct lk_error *err)
{
	size_t slot;
	char *copy;

	if (n->count * 2 >= n->slot_count)
		LK_TRY(more_numbers(n, err));
	slot = find_number(n, value);
	if (!n->slots[slot]) {
		if (n->count >= LK_PARTITIONS_MAX || r->arena.used_bytes > VALUES_MAX_BYTES)
			return too_many(err);
		copy = lk_arena_strndup(&r->arena, (const char *)value.data, value.len);
		if (!copy || !lk_grow((void **)&n->items, &n->cap, n->count + 1, sizeof(*n->items)))
			return lk_error_nomem(err);
		n->items[n->count++] = (struct lk_bytes){(const uint8_t *)copy, value.len};
		n->slots[slot] = (uint32_t)n->count;
	}
	*number = n->slots[slot] - 1;
	return LK_OK;
}

/* Text tends to repeat from row to row. */
static enum lk_status number_bytes(struct lk_router *r, struct field *f, int64_t n, struct lk_error *err)
{
	struct lk_values *v = &f->values;
	int64_t last = -1;

	for (int64_t i = 0; i < n; i++) {
		const struct lk_bytes *value = &v->bytes[i];

		if (v->null[i])
			v->ints[i] = 0;
		else if (last >= 0 && value->len == v->bytes[last].len && !memcmp(value->data, v->bytes[last].data, value->len))
			v->ints[i] = v->ints[last];
		else
			LK_TRY(number_of(r, &f->numbers, *value, &v->ints[i], err));
		last = v->null[i] ? last : i;
	}
	return LK_OK;
}

static enum lk_status number_wides(struct lk_router *r, struct field *f, int64_t n, struct lk_error *err)
{
	struct lk_values *v = &f->values;

	for (int64_t i = 0; i < n; i++)
		LK_TRY(number_of(r, &f->numbers, (struct lk_bytes){(const uint8_t *)&v->wides[i], sizeof(v->wides[i])}, &v->ints[i], err));
	return LK_OK;
}

/* All NaN are one value. */
static void unite_nans(struct lk_values *v, int64_t n)
{
	double nan = NAN, d;

	for (int64_t i = 0; i < n; i++) {
		memcpy(&d, &v->ints[i], 8);
		if (d != d)
			memcpy(&v->ints[i], &nan, 8);
	}
}

/* ---- partitions ---- */

static inline uint64_t hash_row(const struct lk_router *r, int64_t row, uint64_t nulls)
{
	uint64_t h = nulls * UINT64_C(0x9e3779b97f4a7c15);

	for (int f = 0; f < r->spec->count; f++) {
		h = (h ^ (uint64_t)r->fields[f].values.ints[row]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	return h;
}

static uint64_t hash_partition(const struct lk_router *r, size_t partition)
{
	const int64_t *keys = &r->keys[partition * (size_t)r->spec->count];
	uint64_t h = r->nulls[partition] * UINT64_C(0x9e3779b97f4a7c15);

	for (int f = 0; f < r->spec->count; f++) {
		h = (h ^ (uint64_t)keys[f]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 32;
	}
	return h;
}

static inline bool is_row_of(const struct lk_router *r, int64_t row, uint64_t nulls, size_t partition)
{
	const int64_t *keys = &r->keys[partition * (size_t)r->spec->count];

	for (int f = 0; f < r->spec->count; f++)
		if (keys[f] != r->fields[f].values.ints[row])
			return false;
	return nulls == r->nulls[partition];
}

static enum lk_status more_slots(struct lk_router *r, struct lk_error *err)
{
	size_t count = r->slot_count ? r->slot_count * 2 : FIRST_SLOTS;
	uint32_t *slots = calloc(count, sizeof(*slots));

	if (!slots)
		return lk_error_nomem(err);
	free(r->slots);
	r->slots = slots;
	r->slot_count = count;
	for (size_t p = 0; p < r->count; p++) {
		size_t i = hash_partition(r, p) & (count - 1);

		while (slots[i])
			i = (i + 1) & (count - 1);
		slots[i] = (uint32_t)p + 1;
	}
	return LK_OK;
}

static void add_value(const struct field *f, int64_t row, bool null, struct lk_partition_value *out)
{
	out->null = null;
	if (!null)
		lk_values_single(&f->values, row, &f->type, &out->value);
}

static enum lk_status add_partition(struct lk_router *r, int64_t row, uint64_t nulls, uint32_t *partition, struct lk_error *err)
{
	size_t fields = (size_t)r->spec->count, first = r->count * fields;

	if (r->count >= LK_PARTITIONS_MAX)
		return too_many(err);
	if (!lk_grow((void **)&r->keys, &r->keys_cap, first + fields, sizeof(*r->keys)) ||
		!lk_grow((void **)&r->nulls, &r->nulls_cap, r->count + 1, sizeof(*r->nulls)) ||
		!lk_grow((void **)&r->values, &r->values_cap, first + fields, sizeof(*r->values)))
		return lk_error_nomem(err);
	memset(&r->values[first], 0, fields * sizeof(*r->values));
	r->nulls[r->count] = nulls;
	*partition = (uint32_t)r->count++;
	for (size_t f = 0; f < fields; f++) {
		r->keys[first + f] = r->fields[f].values.ints[row];
		r->values[first + f].field_id = r->spec->fields[f].field_id;
		add_value(&r->fields[f], row, nulls >> f & 1, &r->values[first + f]);
		LK_TRY(lk_str_check(&r->values[first + f].value, err));
	}
	return LK_OK;
}

static enum lk_status find_partition(struct lk_router *r, int64_t row, uint64_t nulls, uint32_t *partition, struct lk_error *err)
{
	size_t i;

	if (r->count * 2 >= r->slot_count)
		LK_TRY(more_slots(r, err));
	i = hash_row(r, row, nulls) & (r->slot_count - 1);
	while (r->slots[i] && !is_row_of(r, row, nulls, r->slots[i] - 1))
		i = (i + 1) & (r->slot_count - 1);
	if (!r->slots[i]) {
		LK_TRY(add_partition(r, row, nulls, partition, err));
		r->slots[i] = *partition + 1;
	}
	*partition = r->slots[i] - 1;
	return LK_OK;
}

static enum lk_status transform_field(struct lk_router *r, int f, const struct ArrowArrayView *view, int source, int64_t at,
	int64_t n, struct lk_error *err)
{
	const struct lk_partition_field *field = &r->spec->fields[f];
	const struct ArrowArrayView *child = source < 0 ? NULL : view->children[source];
	struct lk_values *v = &r->fields[f].values;

	LK_TRY(lk_transform_apply(field->transform, field->width, child, child ? view->offset + child->offset + at : 0, n, v, err));
	if (v->floating)
		unite_nans(v, n);
	if (v->form == LK_VALUES_BYTES)
		return number_bytes(r, &r->fields[f], n, err);
	return v->form == LK_VALUES_WIDE ? number_wides(r, &r->fields[f], n, err) : LK_OK;
}

static inline uint64_t nulls_of(const struct lk_router *r, int64_t row)
{
	uint64_t nulls = 0;

	for (int f = 0; f < r->spec->count; f++)
		nulls |= (uint64_t)r->fields[f].values.null[row] << f;
	return nulls;
}

enum lk_status lk_router_route(struct lk_router *r, const struct ArrowArrayView *view, const int *source, int64_t at, int64_t n,
	uint32_t *partitions, struct lk_error *err)
{
	bool any_null = false;

	for (int f = 0; f < r->spec->count; f++) {
		LK_TRY(transform_field(r, f, view, source[f], at, n, err));
		any_null |= r->fields[f].values.any_null;
	}
	for (int64_t i = 0; i < n; i++) {
		uint64_t nulls = any_null ? nulls_of(r, i) : 0;

		if (i && is_row_of(r, i, nulls, partitions[i - 1]))
			partitions[i] = partitions[i - 1];
		else
			LK_TRY(find_partition(r, i, nulls, &partitions[i], err));
	}
	return LK_OK;
}
