#include <string.h>

#include "stream/ipc.h"

/*
 * A flatbuffer is a tree by its meaning, but its offsets may point to one table from many places. Forty levels of fields,
 * each with two children at the same place, are two kilobytes that take a verifier, or a decoder, for ever; ten thousand
 * fields that share a name of a megabyte take ten gigabytes when they are copied. So before anything else walks over a
 * schema, this counts what walking costs, and gives up when it is far more than the message is long.
 *
 * The bytes are not verified yet: every read is checked here, and what lies outside is left for the verifier to find.
 */
struct walk {
	const uint8_t *data;
	size_t size;
	int64_t budget; /* bytes that may still be visited; below 0 when there were too many */
};

#define DEPTH_MAX 100 /* flatcc's verifier goes no deeper */
#define TYPE_TIMESTAMP 10
#define HEADER_SCHEMA 1

static bool spend(struct walk *w, int64_t bytes)
{
	w->budget = bytes > w->budget ? -1 : w->budget - bytes;
	return w->budget >= 0;
}

static uint32_t read_u32(const struct walk *w, size_t at)
{
	uint32_t value = 0;

	if (at + sizeof(value) <= w->size)
		memcpy(&value, w->data + at, sizeof(value));
	return value;
}

static uint16_t read_u16(const struct walk *w, size_t at)
{
	uint16_t value = 0;

	if (at + sizeof(value) <= w->size)
		memcpy(&value, w->data + at, sizeof(value));
	return value;
}

/* Where a table's field stands; 0 when it is absent. */
static size_t field_at(const struct walk *w, size_t table, int slot)
{
	size_t vtable = table - (size_t)(int64_t)(int32_t)read_u32(w, table), entry = 4 + 2 * (size_t)slot;
	uint16_t offset;

	if (!table || vtable >= w->size || entry + 2 > read_u16(w, vtable))
		return 0;
	offset = read_u16(w, vtable + entry);
	return offset ? table + offset : 0;
}

/* What the offset at `at` points to; 0 when that is nowhere. */
static size_t follow(const struct walk *w, size_t at)
{
	uint32_t offset = at ? read_u32(w, at) : 0;

	return offset && at + offset < w->size ? at + offset : 0;
}

static size_t child(const struct walk *w, size_t table, int slot)
{
	return follow(w, field_at(w, table, slot));
}

static uint8_t byte_field(const struct walk *w, size_t table, int slot)
{
	size_t at = field_at(w, table, slot);

	return at && at < w->size ? w->data[at] : 0;
}

static void visit_text(struct walk *w, size_t table, int slot)
{
	size_t text = child(w, table, slot);

	if (text)
		spend(w, 4 + (int64_t)read_u32(w, text));
}

/* How many entries of a vector of offsets lie inside. */
static size_t entries(const struct walk *w, size_t vector)
{
	size_t count = vector ? read_u32(w, vector) : 0, room = vector ? (w->size - vector) / 4 : 0;

	return count < room ? count : room;
}

static void visit_pairs(struct walk *w, size_t vector)
{
	size_t count = entries(w, vector);

	for (size_t i = 0; i < count && spend(w, 8); i++) {
		size_t pair = follow(w, vector + 4 + 4 * i);

		visit_text(w, pair, 0);
		visit_text(w, pair, 1);
	}
}

static void visit_fields(struct walk *w, size_t vector, int depth)
{
	size_t count = depth < DEPTH_MAX ? entries(w, vector) : 0;

	for (size_t i = 0; i < count && spend(w, 8); i++) {
		size_t field = follow(w, vector + 4 + 4 * i);

		visit_text(w, field, 0);
		if (byte_field(w, field, 2) == TYPE_TIMESTAMP)
			visit_text(w, child(w, field, 3), 1);
		visit_fields(w, child(w, field, 5), depth + 1);
		visit_pairs(w, child(w, field, 6));
	}
}

static void visit_schema(struct walk *w, size_t schema)
{
	visit_fields(w, child(w, schema, 1), 0);
	visit_pairs(w, child(w, schema, 2));
}

/* Some strings and tables may well be shared: sixteen times over is no attack. */
static struct walk begin(const void *data, size_t size)
{
	return (struct walk){data, size, 16 * (int64_t)size + 65536};
}

static enum lk_status verdict(const struct walk *w, struct lk_error *err)
{
	if (w->budget >= 0)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "it is damaged: its schema claims more than its bytes can hold");
}

enum lk_status lk_ipc_check_message_cost(const void *data, size_t size, struct lk_error *err)
{
	struct walk w = begin(data, size);
	size_t message = read_u32(&w, 0);

	if (byte_field(&w, message, 1) == HEADER_SCHEMA)
		visit_schema(&w, child(&w, message, 2));
	visit_pairs(&w, child(&w, message, 4));
	return verdict(&w, err);
}

enum lk_status lk_ipc_check_footer_cost(const void *data, size_t size, struct lk_error *err)
{
	struct walk w = begin(data, size);
	size_t footer = read_u32(&w, 0);

	visit_schema(&w, child(&w, footer, 1));
	visit_pairs(&w, child(&w, footer, 4));
	return verdict(&w, err);
}
