/* Partition values in manifests ("Partition Values" and appendix A, "Avro", of Iceberg's specification). */
#include <stdio.h>
#include <string.h>

#include "lake/avro.h"
#include "lake/partition.h"
#include "lake/primitive.h"

/* A named type: in full the first time, by its name from then on, as Avro wants it. */
static void add_named(struct lk_str *out, const char *name, const char *rest)
{
	char definition[64];

	snprintf(definition, sizeof(definition), "\"name\":\"%s\",\"size\"", name);
	if (strstr(lk_str_text(out), definition))
		lk_str_addf(out, "\"%s\"", name);
	else
		lk_str_addf(out, "{\"type\":\"fixed\",\"name\":\"%s\",\"size\":%s}", name, rest);
}

static void add_decimal(struct lk_str *out, const struct lk_primitive *p)
{
	char name[32], rest[96];

	snprintf(name, sizeof(name), "decimal_%d_%d", p->precision, p->scale);
	snprintf(rest, sizeof(rest), "%d,\"logicalType\":\"decimal\",\"precision\":%d,\"scale\":%d", lk_decimal_bytes(p->precision),
		p->precision, p->scale);
	add_named(out, name, rest);
}

static void add_fixed(struct lk_str *out, int length)
{
	char name[32], rest[16];

	snprintf(name, sizeof(name), "fixed_%d", length);
	snprintf(rest, sizeof(rest), "%d", length);
	add_named(out, name, rest);
}

enum lk_status lk_partition_avro_type(const struct lk_partition_field *field, struct lk_str *out, struct lk_error *err)
{
	static const char *const types[] = {
		[LK_PRIMITIVE_BOOLEAN] = "\"boolean\"",
		[LK_PRIMITIVE_INT] = "\"int\"",
		[LK_PRIMITIVE_LONG] = "\"long\"",
		[LK_PRIMITIVE_FLOAT] = "\"float\"",
		[LK_PRIMITIVE_DOUBLE] = "\"double\"",
		[LK_PRIMITIVE_DATE] = "{\"type\":\"int\",\"logicalType\":\"date\"}",
		[LK_PRIMITIVE_TIME] = "{\"type\":\"long\",\"logicalType\":\"time-micros\"}",
		[LK_PRIMITIVE_TIMESTAMP] = "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":false}",
		[LK_PRIMITIVE_TIMESTAMPTZ] = "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":true}",
		[LK_PRIMITIVE_STRING] = "\"string\"",
		[LK_PRIMITIVE_BINARY] = "\"bytes\"",
	};
	struct lk_primitive p = lk_primitive_read(field->result_type);

	switch (p.kind) {
	case LK_PRIMITIVE_NONE:
		return lk_error_set(err, LK_MISSING, "partition field %s is of a transform or a type that lk does not know",
			field->name);
	case LK_PRIMITIVE_DECIMAL:
		add_decimal(out, &p);
		break;
	case LK_PRIMITIVE_FIXED:
		add_fixed(out, p.length);
		break;
	case LK_PRIMITIVE_UUID:
		add_named(out, "uuid_fixed", "16,\"logicalType\":\"uuid\"");
		break;
	default:
		lk_str_adds(out, types[p.kind]);
	}
	return lk_str_check(out, err);
}

static enum lk_status misfit(const struct lk_partition_field *field, size_t len, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "a value of partition field %s has %zu bytes, which is none of its type %s", field->name,
		len, field->result_type ? field->result_type : "");
}

/* A file that is older than the widening of its column has the narrow value. */
static bool encode_number(const struct lk_str *value, struct lk_str *out)
{
	int32_t narrow;
	int64_t wide;

	if (value->len == 4) {
		memcpy(&narrow, value->data, 4);
		wide = narrow;
	} else if (value->len == 8) {
		memcpy(&wide, value->data, 8);
	} else {
		return false;
	}
	lk_avro_long(out, wide);
	return true;
}

static bool encode_float(const struct lk_str *value, size_t len, struct lk_str *out)
{
	float narrow;
	double wide;

	if (value->len == len) {
		lk_str_add(out, value->data, len);
	} else if (value->len == 4) {
		memcpy(&narrow, value->data, 4);
		wide = narrow;
		lk_str_add(out, &wide, 8);
	} else {
		return false;
	}
	return true;
}

static bool encode_decimal(const struct lk_str *value, size_t len, struct lk_str *out)
{
	char sign;

	if (!value->len || value->len > len)
		return false;
	sign = (char)((unsigned char)value->data[0] >= 0x80 ? 0xff : 0);
	for (size_t i = value->len; i < len; i++)
		lk_str_addc(out, sign);
	lk_str_add(out, value->data, value->len);
	return true;
}

static bool encode_fixed(const struct lk_str *value, size_t len, struct lk_str *out)
{
	if (value->len != len)
		return false;
	lk_str_add(out, value->data, len);
	return true;
}

enum lk_status lk_partition_encode(const struct lk_partition_field *field, const struct lk_str *value, struct lk_str *out,
	struct lk_error *err)
{
	struct lk_primitive p = lk_primitive_read(field->result_type);
	bool good;

	switch (p.kind) {
	case LK_PRIMITIVE_NONE:
		good = false;
		break;
	case LK_PRIMITIVE_BOOLEAN:
		good = encode_fixed(value, 1, out);
		break;
	case LK_PRIMITIVE_FLOAT:
	case LK_PRIMITIVE_DOUBLE:
		good = encode_float(value, p.kind == LK_PRIMITIVE_FLOAT ? 4 : 8, out);
		break;
	case LK_PRIMITIVE_DECIMAL:
		good = encode_decimal(value, (size_t)lk_decimal_bytes(p.precision), out);
		break;
	case LK_PRIMITIVE_UUID:
		good = encode_fixed(value, 16, out);
		break;
	case LK_PRIMITIVE_FIXED:
		good = encode_fixed(value, (size_t)p.length, out);
		break;
	case LK_PRIMITIVE_STRING:
	case LK_PRIMITIVE_BINARY:
		lk_avro_bytes(out, lk_str_text(value), value->len);
		good = true;
		break;
	default:
		good = encode_number(value, out);
	}
	return good ? lk_str_check(out, err) : misfit(field, value->len, err);
}
