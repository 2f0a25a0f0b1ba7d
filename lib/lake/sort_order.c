#include "lake/sort_order.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "lake/transform.h"

/* ---- reading ---- */

static const json_t *find_order(const json_t *root)
{
	const json_t *orders = json_object_get(root, "sort-orders"), *order;
	int64_t id = lk_metadata_number(root, "default-sort-order-id", 0);
	size_t i;

	json_array_foreach(orders, i, order)
		if (id > 0 && id <= INT32_MAX && lk_metadata_number(order, "order-id", 0) == id)
			return order;
	return NULL;
}

/* False where the field is none that lk can sort by. */
static bool read_field(const json_t *root, const json_t *item, struct lk_sort_field *f)
{
	int64_t source = lk_metadata_number(item, "source-id", -1);
	struct lk_primitive type = lk_primitive_read(json_string_value(lk_partition_source(root, source)));

	if (source < 0 || source > INT32_MAX || !lk_transform_read(lk_metadata_text(item, "transform"), &f->transform, &f->width))
		return false;
	f->source_id = (int32_t)source;
	f->descending = !strcmp(lk_metadata_text(item, "direction"), "desc");
	f->nulls_first = !strcmp(lk_metadata_text(item, "null-order"), "nulls-first");
	return f->transform != LK_TRANSFORM_UNKNOWN && lk_transform_takes(f->transform, &type);
}

enum lk_status lk_sort_order_read(const json_t *root, struct lk_arena *arena, struct lk_sort_order **out, struct lk_error *err)
{
	const json_t *order = find_order(root), *fields = json_object_get(order, "fields"), *item;
	struct lk_sort_order *o = *out = lk_arena_alloc(arena, sizeof(*o));
	size_t i;

	if (!o || !(o->fields = lk_arena_alloc(arena, (json_array_size(fields) + 1) * sizeof(*o->fields))))
		return lk_error_nomem(err);
	json_array_foreach(fields, i, item)
		if (!read_field(root, item, &o->fields[o->count++])) {
			o->count = 0;
			return LK_OK;
		}
	if (o->count)
		o->order_id = (int32_t)lk_metadata_number(order, "order-id", 0);
	return LK_OK;
}

/* ---- keys ---- */

struct lk_sort_keys {
	const struct lk_sort_order *order;
	struct lk_values *values; /* of each field */
};

enum lk_status lk_sort_keys_create(struct lk_sort_keys **out, const struct lk_sort_order *order, struct lk_error *err)
{
	struct lk_sort_keys *k = *out = calloc(1, sizeof(*k));

	if (!k || !(k->values = calloc((size_t)order->count + 1, sizeof(*k->values)))) {
		free(k);
		*out = NULL;
		return lk_error_nomem(err);
	}
	k->order = order;
	return LK_OK;
}

void lk_sort_keys_free(struct lk_sort_keys *k)
{
	if (!k)
		return;
	for (int f = 0; f < k->order->count; f++)
		lk_values_release(&k->values[f]);
	free(k->values);
	free(k);
}

enum lk_status lk_sort_keys_begin(struct lk_sort_keys *k, const struct ArrowArrayView *view, const int *source, int64_t at,
	int64_t n, struct lk_error *err)
{
	for (int f = 0; f < k->order->count; f++) {
		const struct lk_sort_field *field = &k->order->fields[f];
		const struct ArrowArrayView *child = source[f] < 0 ? NULL : view->children[source[f]];

		LK_TRY(lk_transform_apply(field->transform, field->width, child, child ? view->offset + child->offset + at : 0, n,
			&k->values[f], err));
	}
	return LK_OK;
}

/* Total order of doubles: of negative ones all bits are turned, of others the sign. */
static uint64_t order_of_double(uint64_t bits)
{
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static void add_number(struct lk_str *out, uint64_t number)
{
	number = htobe64(number);
	lk_str_add(out, &number, sizeof(number));
}

static void add_bytes(struct lk_str *out, const struct lk_bytes *value)
{
	const uint8_t *p = value->data, *end = p + value->len;

	while (p < end) {
		const uint8_t *zero = memchr(p, 0, (size_t)(end - p)), *stop = zero ? zero : end;

		lk_str_add(out, p, (size_t)(stop - p));
		if (zero)
			lk_str_add(out, "\0\xff", 2);
		p = stop + (zero != NULL);
	}
	lk_str_add(out, "\0\0", 2);
}

static void add_value(const struct lk_values *v, int64_t i, struct lk_str *out)
{
	const uint64_t sign = UINT64_C(1) << 63;

	switch (v->form) {
	case LK_VALUES_INT:
		add_number(out, v->floating ? order_of_double((uint64_t)v->ints[i]) : (uint64_t)v->ints[i] ^ sign);
		break;
	case LK_VALUES_WIDE:
		add_number(out, (uint64_t)(v->wides[i] >> 64) ^ sign);
		add_number(out, (uint64_t)v->wides[i]);
		break;
	case LK_VALUES_BYTES:
		add_bytes(out, &v->bytes[i]);
	}
}

void lk_sort_keys_add(const struct lk_sort_keys *k, int64_t i, struct lk_str *out)
{
	for (int f = 0; f < k->order->count; f++) {
		const struct lk_sort_field *field = &k->order->fields[f];
		const struct lk_values *v = &k->values[f];
		size_t start;

		lk_str_addc(out, (char)(v->null[i] != field->nulls_first));
		start = out->len;
		if (v->null[i])
			continue;
		add_value(v, i, out);
		for (size_t b = start; field->descending && b < out->len; b++)
			out->data[b] = (char)~out->data[b];
	}
}
