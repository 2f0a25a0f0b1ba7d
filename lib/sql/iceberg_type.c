/* Iceberg's types and values as DuckDB's. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/value.h"
#include "lake/primitive.h"
#include "lake/value.h"
#include "sql/scan.h"
#include "sql/view.h"

static bool add_type(json_t *type, struct lk_str *out);

static bool add_primitive(const char *type, struct lk_str *out)
{
	static const char *const types[][2] = {
		{"boolean", "BOOLEAN"}, {"int", "INTEGER"}, {"long", "BIGINT"}, {"float", "FLOAT"}, {"double", "DOUBLE"},
		{"date", "DATE"}, {"time", "TIME"}, {"timestamp", "TIMESTAMP"}, {"timestamptz", "TIMESTAMPTZ"},
		{"timestamp_ns", "TIMESTAMP_NS"}, {"string", "VARCHAR"}, {"uuid", "UUID"}, {"binary", "BLOB"},
	};
	int precision, scale, length;
	char end;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(type, types[i][0])) {
			lk_str_adds(out, types[i][1]);
			return true;
		}
	if (sscanf(type, "decimal( %d , %d %c", &precision, &scale, &end) == 3 && end == ')') {
		lk_str_addf(out, "DECIMAL(%d,%d)", precision, scale);
		return true;
	}
	if (sscanf(type, "fixed[ %d %c", &length, &end) == 2 && end == ']') {
		lk_str_adds(out, "BLOB");
		return true;
	}
	return false;
}

static bool add_struct(json_t *type, struct lk_str *out)
{
	json_t *fields = json_object_get(type, "fields"), *field;
	size_t i;

	if (!json_array_size(fields))
		return false;
	lk_str_adds(out, "STRUCT(");
	json_array_foreach(fields, i, field) {
		const char *name = json_string_value(json_object_get(field, "name"));

		if (!name)
			return false;
		lk_str_adds(out, i ? ", " : "");
		lk_sql_add_identifier(out, name);
		lk_str_addc(out, ' ');
		if (!add_type(json_object_get(field, "type"), out))
			return false;
	}
	lk_str_addc(out, ')');
	return true;
}

static bool add_type(json_t *type, struct lk_str *out)
{
	const char *kind = json_string_value(json_object_get(type, "type"));
	bool known = true;

	if (json_is_string(type))
		return add_primitive(json_string_value(type), out);
	if (!kind)
		return false;
	if (!strcmp(kind, "struct"))
		return add_struct(type, out);
	if (!strcmp(kind, "list")) {
		known = add_type(json_object_get(type, "element"), out);
		lk_str_adds(out, "[]");
		return known;
	}
	if (strcmp(kind, "map"))
		return false;
	lk_str_adds(out, "MAP(");
	known = add_type(json_object_get(type, "key"), out);
	lk_str_adds(out, ", ");
	known = known && add_type(json_object_get(type, "value"), out);
	lk_str_addc(out, ')');
	return known;
}

bool lk_sql_iceberg_type(const char *type, struct lk_str *out)
{
	json_t *json;
	bool known;

	if (*type != '{')
		return add_primitive(type, out);
	json = json_loads(type, 0, NULL);
	known = add_type(json, out);
	json_decref(json);
	return known;
}

/* ---- values ---- */

static lk_int128 decimal_of(const struct lk_str *value)
{
	const unsigned char *p = (const unsigned char *)value->data;
	unsigned __int128 n = value->len && *p >= 0x80 ? ~(unsigned __int128)0 : 0;

	for (size_t i = 0; i < value->len && i < 16; i++)
		n = n << 8 | p[i];
	return (lk_int128)n;
}

static void add_bytes(struct lk_str *out, const struct lk_str *value, const char *before, const char *after)
{
	char hex[3];

	lk_str_adds(out, before);
	for (size_t i = 0; i < value->len; i++) {
		lk_hex(value->data + i, 1, hex);
		lk_str_adds(out, hex);
	}
	lk_str_adds(out, after);
}

bool lk_sql_add_single(struct lk_str *out, const char *type_word, const struct lk_str *value)
{
	struct lk_primitive type = lk_primitive_read(type_word);
	enum lk_value_kind kind = lk_value_kind(type_word);
	char text[LK_VALUE_TEXT];
	int64_t n = 0;

	if (!lk_value_sound(kind, value->len))
		return false;
	if (kind == LK_VALUE_INTEGER)
		n = lk_value_integer(value->data, value->len);
	switch (type.kind) {
	case LK_PRIMITIVE_BOOLEAN: lk_str_adds(out, value->len && *value->data ? "true" : "false"); break;
	case LK_PRIMITIVE_INT: case LK_PRIMITIVE_LONG: lk_str_addf(out, "(%lld)", (long long)n); break;
	case LK_PRIMITIVE_DATE: lk_str_addf(out, "(DATE '1970-01-01' + (%lld)::INTEGER)", (long long)n); break;
	case LK_PRIMITIVE_TIME: lk_str_addf(out, "(TIME '00:00:00' + to_microseconds(%lld))", (long long)n); break;
	case LK_PRIMITIVE_TIMESTAMP: lk_str_addf(out, "make_timestamp(%lld)", (long long)n); break;
	case LK_PRIMITIVE_TIMESTAMPTZ: lk_str_addf(out, "make_timestamp(%lld)::TIMESTAMPTZ", (long long)n); break;
	case LK_PRIMITIVE_FLOAT: case LK_PRIMITIVE_DOUBLE:
		lk_float64_text(lk_value_double(value->data, value->len), text);
		lk_str_addf(out, "'%s'", text);
		break;
	case LK_PRIMITIVE_DECIMAL:
		lk_decimal_text(decimal_of(value), type.scale, text);
		lk_str_addf(out, "'%s'", text);
		break;
	case LK_PRIMITIVE_UUID: add_bytes(out, value, "'", "'"); break;
	case LK_PRIMITIVE_FIXED: case LK_PRIMITIVE_BINARY: add_bytes(out, value, "from_hex('", "')"); break;
	case LK_PRIMITIVE_STRING: lk_sql_add_literal(out, value->data); break;
	default: return false;
	}
	return true;
}

bool lk_sql_add_default(struct lk_str *out, const struct lk_lake_column *column)
{
	enum lk_primitive_kind kind = lk_primitive_read(column->type).kind;
	json_t *value = column->initial ? json_loads(column->initial, JSON_DECODE_ANY, NULL) : NULL;
	bool known = true;

	if (!value)
		lk_str_adds(out, "NULL");
	else if (json_is_string(value) && (kind == LK_PRIMITIVE_BINARY || kind == LK_PRIMITIVE_FIXED || kind == LK_PRIMITIVE_NONE))
		known = false;
	else if (json_is_string(value))
		lk_sql_add_literal(out, json_string_value(value));
	else if (json_is_object(value) || json_is_array(value))
		known = false;
	else
		lk_sql_add_literal(out, column->initial);
	json_decref(value);
	return known;
}
