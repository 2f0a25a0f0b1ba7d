/* Partition values in manifests ("Partition Values" and appendix A, "Avro", of Iceberg's specification). */
#include <stdio.h>
#include <string.h>

#include "lake/avro.h"
#include "lake/partition.h"
#include "lake/value.h"

/* Bytes of a fixed type: of a decimal as many as its precision needs. 0: it is another type. */
static int fixed_size(const char *type, int *precision, int *scale)
{
	static const unsigned char bytes[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 6, 6, 6, 7, 7, 8, 8, 9, 9, 9, 10, 10, 11, 11, 11,
		12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16};
	int size;

	*precision = 0;
	if (!strcmp(type, "uuid"))
		return 16;
	if (sscanf(type, "fixed[%d]", &size) == 1)
		return size > 0 ? size : 0;
	if (sscanf(type, "decimal( %d , %d )", precision, scale) == 2 && *precision > 0 && *precision < (int)sizeof(bytes))
		return bytes[*precision];
	return 0;
}

static const char *simple_type(const char *type)
{
	static const char *const types[][2] = {
		{"boolean", "\"boolean\""}, {"int", "\"int\""}, {"long", "\"long\""}, {"float", "\"float\""}, {"double", "\"double\""},
		{"string", "\"string\""}, {"binary", "\"bytes\""}, {"date", "{\"type\":\"int\",\"logicalType\":\"date\"}"},
		{"time", "{\"type\":\"long\",\"logicalType\":\"time-micros\"}"},
		{"timestamp", "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":false}"},
		{"timestamptz", "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":true}"},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(type, types[i][0]))
			return types[i][1];
	return NULL;
}

/* Named types have the field's id in their name, so that none is defined twice. */
enum lk_status lk_partition_avro_type(const struct lk_partition_field *field, struct lk_str *out, struct lk_error *err)
{
	const char *type = field->result_type ? field->result_type : "", *simple = simple_type(type);
	int precision, scale, size = fixed_size(type, &precision, &scale);

	if (simple)
		lk_str_adds(out, simple);
	else if (!size)
		return lk_error_set(err, LK_MISSING, "partition field %s is of type %s, which lk does not write", field->name, type);
	else if (precision)
		lk_str_addf(out, "{\"type\":\"fixed\",\"name\":\"decimal_%d_%d_%d\",\"size\":%d,\"logicalType\":\"decimal\","
			"\"precision\":%d,\"scale\":%d}", precision, scale, field->field_id, size, precision, scale);
	else
		lk_str_addf(out, "{\"type\":\"fixed\",\"name\":\"%s_%d\",\"size\":%d%s}", *type == 'u' ? "uuid_fixed" : "fixed",
			field->field_id, size, *type == 'u' ? ",\"logicalType\":\"uuid\"" : "");
	return lk_str_check(out, err);
}

/* A decimal fills its type with its sign. */
static bool add_fixed(const struct lk_str *value, size_t size, bool decimal, struct lk_str *out)
{
	if (value->len > size || (!decimal && value->len != size) || !value->len)
		return false;
	for (size_t i = value->len; i < size; i++)
		lk_str_addc(out, (value->data[0] & 0x80) ? '\xff' : '\0');
	lk_str_add(out, value->data, value->len);
	return true;
}

enum lk_status lk_partition_encode(const struct lk_partition_field *field, const struct lk_str *value, struct lk_str *out,
	struct lk_error *err)
{
	enum lk_value_kind kind = lk_value_kind(field->result_type);
	int precision, scale, size = fixed_size(field->result_type ? field->result_type : "", &precision, &scale);
	bool good = lk_value_sound(kind, value->len);

	if (size)
		good = add_fixed(value, (size_t)size, precision > 0, out);
	else if (good && kind == LK_VALUE_INTEGER)
		lk_avro_long(out, lk_value_integer(value->data, value->len));
	else if (good && kind == LK_VALUE_FLOAT)
		lk_str_add(out, value->data, value->len);
	else if (good && !strcmp(field->result_type, "boolean"))
		lk_str_addc(out, value->len && value->data[0] ? 1 : 0);
	else if (good)
		lk_avro_bytes(out, lk_str_text(value), value->len);
	if (good && kind == LK_VALUE_FLOAT && value->len != (strcmp(field->result_type, "float") ? 8 : 4))
		good = false;
	if (!good)
		return lk_error_set(err, LK_DATA, "a value of partition field %s does not fit its type %s", field->name,
			field->result_type ? field->result_type : "");
	return lk_str_check(out, err);
}
