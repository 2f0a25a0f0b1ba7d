#include "parquet/thrift.h"

static void add_varint(struct lk_str *out, uint64_t value)
{
	char bytes[10];
	size_t len = 0;

	while (value >= 0x80) {
		bytes[len++] = (char)(value | 0x80);
		value >>= 7;
	}
	bytes[len++] = (char)value;
	lk_str_add(out, bytes, len);
}

static void add_zigzag(struct lk_str *out, int64_t value)
{
	add_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static void add_field(struct lk_thrift *t, int id, int type)
{
	int delta = id - t->last[t->depth];

	if (delta >= 1 && delta <= 15) {
		lk_str_addc(t->out, (char)(delta << 4 | type));
	} else {
		lk_str_addc(t->out, (char)type);
		add_zigzag(t->out, id);
	}
	t->last[t->depth] = id;
}

struct lk_thrift lk_thrift_start(struct lk_str *out)
{
	return (struct lk_thrift){.out = out};
}

void lk_thrift_bool(struct lk_thrift *t, int id, bool value)
{
	add_field(t, id, value ? LK_THRIFT_TRUE : LK_THRIFT_FALSE);
}

void lk_thrift_i16(struct lk_thrift *t, int id, int16_t value)
{
	add_field(t, id, 4);
	add_zigzag(t->out, value);
}

void lk_thrift_i32(struct lk_thrift *t, int id, int32_t value)
{
	add_field(t, id, LK_THRIFT_I32);
	add_zigzag(t->out, value);
}

void lk_thrift_i64(struct lk_thrift *t, int id, int64_t value)
{
	add_field(t, id, LK_THRIFT_I64);
	add_zigzag(t->out, value);
}

void lk_thrift_binary(struct lk_thrift *t, int id, const void *data, size_t len)
{
	add_field(t, id, LK_THRIFT_BINARY);
	lk_thrift_item_binary(t, data, len);
}

void lk_thrift_struct(struct lk_thrift *t, int id)
{
	add_field(t, id, LK_THRIFT_STRUCT);
	lk_thrift_element(t);
}

void lk_thrift_encoded(struct lk_thrift *t, int id, const void *data, size_t len)
{
	add_field(t, id, LK_THRIFT_STRUCT);
	lk_str_add(t->out, data, len);
}

void lk_thrift_end(struct lk_thrift *t)
{
	lk_str_addc(t->out, 0);
	t->depth--;
}

void lk_thrift_list(struct lk_thrift *t, int id, enum lk_thrift_type element, size_t count)
{
	add_field(t, id, 9);
	if (count < 15) {
		lk_str_addc(t->out, (char)(count << 4 | element));
	} else {
		lk_str_addc(t->out, (char)(0xf0 | element));
		add_varint(t->out, count);
	}
}

void lk_thrift_element(struct lk_thrift *t)
{
	t->last[++t->depth] = 0;
}

void lk_thrift_item_bool(struct lk_thrift *t, bool value)
{
	lk_str_addc(t->out, value ? LK_THRIFT_TRUE : LK_THRIFT_FALSE);
}

void lk_thrift_item_int(struct lk_thrift *t, int64_t value)
{
	add_zigzag(t->out, value);
}

void lk_thrift_item_binary(struct lk_thrift *t, const void *data, size_t len)
{
	add_varint(t->out, len);
	lk_str_add(t->out, data, len);
}
