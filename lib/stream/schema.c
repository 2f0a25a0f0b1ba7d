#include "stream/schema.h"

#include <errno.h>
#include <string.h>

enum lk_status lk_arrow_status(int code, const struct ArrowError *arrow, enum lk_status otherwise, const char *what,
	struct lk_error *err)
{
	const char *reason = arrow && arrow->message[0] ? arrow->message : strerror(code);

	if (code == NANOARROW_OK)
		return LK_OK;
	if (code == ENOMEM)
		return lk_error_nomem(err);
	if (what)
		return lk_error_set(err, otherwise, "%s: %s", what, reason);
	return lk_error_set(err, otherwise, "%s", reason);
}

static int set_type(struct ArrowSchema *column, const struct lk_field *field)
{
	static const enum ArrowType simple[] = {
		[LK_BOOL] = NANOARROW_TYPE_BOOL,
		[LK_INT32] = NANOARROW_TYPE_INT32,
		[LK_INT64] = NANOARROW_TYPE_INT64,
		[LK_FLOAT64] = NANOARROW_TYPE_DOUBLE,
		[LK_UTF8] = NANOARROW_TYPE_STRING,
		[LK_BINARY] = NANOARROW_TYPE_BINARY,
		[LK_DATE32] = NANOARROW_TYPE_DATE32,
	};

	switch (field->type) {
	case LK_DECIMAL128:
		return ArrowSchemaSetTypeDecimal(column, NANOARROW_TYPE_DECIMAL128, field->precision, field->scale);
	case LK_TIME64:
		return ArrowSchemaSetTypeDateTime(column, NANOARROW_TYPE_TIME64, NANOARROW_TIME_UNIT_MICRO, NULL);
	case LK_TIMESTAMP:
		return ArrowSchemaSetTypeDateTime(column, NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MICRO, NULL);
	case LK_TIMESTAMPTZ:
		return ArrowSchemaSetTypeDateTime(column, NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MICRO, "UTC");
	case LK_OTHER:
		return EINVAL;
	default:
		return ArrowSchemaSetType(column, simple[field->type]);
	}
}

static int set_meta(struct ArrowSchema *schema, const struct lk_meta *meta)
{
	struct ArrowBuffer buffer;
	int code;

	if (!meta || !meta->key)
		return NANOARROW_OK;
	code = ArrowMetadataBuilderInit(&buffer, schema->metadata);
	for (; code == NANOARROW_OK && meta->key; meta++)
		code = ArrowMetadataBuilderAppend(&buffer, ArrowCharView(meta->key), ArrowCharView(meta->value));
	if (code == NANOARROW_OK)
		code = ArrowSchemaSetMetadata(schema, (const char *)buffer.data);
	ArrowBufferReset(&buffer);
	return code;
}

static int make(struct ArrowSchema *out, const struct lk_field *fields, int count, const struct lk_meta *meta)
{
	NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(out, count));
	for (int i = 0; i < count; i++) {
		struct ArrowSchema *column = out->children[i];

		NANOARROW_RETURN_NOT_OK(set_type(column, &fields[i]));
		NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(column, fields[i].name));
		if (fields[i].required)
			column->flags &= ~(int64_t)ARROW_FLAG_NULLABLE;
		NANOARROW_RETURN_NOT_OK(set_meta(column, fields[i].meta));
	}
	return set_meta(out, meta);
}

enum lk_status lk_schema_make(struct ArrowSchema *out, const struct lk_field *fields, int count,
	const struct lk_meta *meta, struct lk_error *err)
{
	int code;

	ArrowSchemaInit(out);
	code = make(out, fields, count, meta);
	if (code != NANOARROW_OK)
		ArrowSchemaRelease(out);
	return lk_arrow_status(code, NULL, LK_BUG, "cannot make a schema", err);
}

static enum lk_type timestamp_type(const struct ArrowSchemaView *view)
{
	if (view->time_unit != NANOARROW_TIME_UNIT_MICRO)
		return LK_OTHER;
	return view->timezone && view->timezone[0] ? LK_TIMESTAMPTZ : LK_TIMESTAMP;
}

enum lk_type lk_type_of(const struct ArrowSchema *column, int *precision, int *scale)
{
	struct ArrowSchemaView view;

	if (ArrowSchemaViewInit(&view, column, NULL) != NANOARROW_OK || column->dictionary)
		return LK_OTHER;
	switch (view.type) {
	case NANOARROW_TYPE_BOOL:
		return LK_BOOL;
	case NANOARROW_TYPE_INT32:
		return LK_INT32;
	case NANOARROW_TYPE_INT64:
		return LK_INT64;
	case NANOARROW_TYPE_DOUBLE:
		return LK_FLOAT64;
	case NANOARROW_TYPE_DECIMAL128:
		if (precision)
			*precision = view.decimal_precision;
		if (scale)
			*scale = view.decimal_scale;
		return LK_DECIMAL128;
	case NANOARROW_TYPE_STRING:
	case NANOARROW_TYPE_LARGE_STRING:
		return LK_UTF8;
	case NANOARROW_TYPE_BINARY:
	case NANOARROW_TYPE_LARGE_BINARY:
		return LK_BINARY;
	case NANOARROW_TYPE_DATE32:
		return LK_DATE32;
	case NANOARROW_TYPE_TIME64:
		return view.time_unit == NANOARROW_TIME_UNIT_MICRO ? LK_TIME64 : LK_OTHER;
	case NANOARROW_TYPE_TIMESTAMP:
		return timestamp_type(&view);
	default:
		return LK_OTHER;
	}
}

static void nested_name(const struct ArrowSchema *column, const char *word, struct lk_str *out)
{
	lk_str_addf(out, "%s<", word);
	for (int64_t i = 0; i < column->n_children; i++) {
		lk_str_adds(out, i ? ", " : "");
		if (column->format[1] == 's')
			lk_str_addf(out, "%s: ", column->children[i]->name ? column->children[i]->name : "");
		lk_type_name(column->children[i], out);
	}
	lk_str_addc(out, '>');
}

void lk_type_name(const struct ArrowSchema *column, struct lk_str *out)
{
	struct ArrowSchemaView view;

	if (ArrowSchemaViewInit(&view, column, NULL) != NANOARROW_OK) {
		lk_str_addf(out, "unknown type '%s'", column->format ? column->format : "");
		return;
	}
	switch (view.type) {
	case NANOARROW_TYPE_STRING:
		lk_str_adds(out, "utf8");
		break;
	case NANOARROW_TYPE_LARGE_STRING:
		lk_str_adds(out, "large_utf8");
		break;
	case NANOARROW_TYPE_DOUBLE:
		lk_str_adds(out, "float64");
		break;
	case NANOARROW_TYPE_FLOAT:
		lk_str_adds(out, "float32");
		break;
	case NANOARROW_TYPE_DECIMAL128:
		lk_str_addf(out, "decimal(%d,%d)", view.decimal_precision, view.decimal_scale);
		break;
	case NANOARROW_TYPE_TIME32:
	case NANOARROW_TYPE_TIME64:
		lk_str_addf(out, "time[%s]", ArrowTimeUnitString(view.time_unit));
		break;
	case NANOARROW_TYPE_TIMESTAMP:
		lk_str_addf(out, "timestamp[%s%s%s]", ArrowTimeUnitString(view.time_unit),
			view.timezone && view.timezone[0] ? ", " : "", view.timezone ? view.timezone : "");
		break;
	case NANOARROW_TYPE_NA:
		lk_str_adds(out, "null");
		break;
	case NANOARROW_TYPE_HALF_FLOAT:
		lk_str_adds(out, "float16");
		break;
	case NANOARROW_TYPE_LIST:
		nested_name(column, "list", out);
		break;
	case NANOARROW_TYPE_LARGE_LIST:
		nested_name(column, "large_list", out);
		break;
	case NANOARROW_TYPE_FIXED_SIZE_LIST:
		nested_name(column, "fixed_size_list", out);
		break;
	case NANOARROW_TYPE_MAP:
		nested_name(column, "map", out);
		break;
	case NANOARROW_TYPE_STRUCT:
		nested_name(column, "struct", out);
		break;
	default:
		lk_str_adds(out, ArrowTypeString(view.type));
	}
}

bool lk_meta_get(const struct ArrowSchema *schema, const char *key, struct ArrowStringView *value)
{
	value->data = NULL;
	value->size_bytes = 0;
	return schema->metadata && ArrowMetadataGetValue(schema->metadata, ArrowCharView(key), value) == NANOARROW_OK &&
		value->data;
}

bool lk_meta_text(const struct ArrowSchema *schema, const char *key, char *out, size_t size)
{
	struct ArrowStringView value;

	if (!lk_meta_get(schema, key, &value) || (size_t)value.size_bytes >= size)
		return false;
	memcpy(out, value.data, (size_t)value.size_bytes);
	out[value.size_bytes] = '\0';
	return true;
}

enum lk_status lk_meta_set(struct ArrowSchema *schema, const char *key, const char *value, struct lk_error *err)
{
	struct ArrowBuffer buffer;
	int code = ArrowMetadataBuilderInit(&buffer, schema->metadata);

	if (code == NANOARROW_OK && value)
		code = ArrowMetadataBuilderSet(&buffer, ArrowCharView(key), ArrowCharView(value));
	else if (code == NANOARROW_OK)
		code = ArrowMetadataBuilderRemove(&buffer, ArrowCharView(key));
	if (code == NANOARROW_OK)
		code = ArrowSchemaSetMetadata(schema, (const char *)buffer.data);
	ArrowBufferReset(&buffer);
	return lk_arrow_status(code, NULL, LK_BUG, "cannot set schema metadata", err);
}

int lk_schema_find(const struct ArrowSchema *schema, const char *name)
{
	for (int64_t i = 0; i < schema->n_children; i++)
		if (schema->children[i]->name && !strcmp(schema->children[i]->name, name))
			return (int)i;
	return -1;
}

bool lk_schema_equal(const struct ArrowSchema *a, const struct ArrowSchema *b)
{
	if (a == b)
		return true;
	if (strcmp(a->format, b->format) || strcmp(a->name ? a->name : "", b->name ? b->name : "") ||
		(a->flags & ARROW_FLAG_NULLABLE) != (b->flags & ARROW_FLAG_NULLABLE) || a->n_children != b->n_children)
		return false;
	if (!a->dictionary != !b->dictionary || (a->dictionary && !lk_schema_equal(a->dictionary, b->dictionary)))
		return false;
	for (int64_t i = 0; i < a->n_children; i++)
		if (!lk_schema_equal(a->children[i], b->children[i]))
			return false;
	return true;
}
