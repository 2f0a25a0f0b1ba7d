#include "lake/types.h"

#include <stdio.h>
#include <string.h>

static const char *const words[] = {
	[LK_BOOL] = "boolean",	   [LK_INT32] = "int",	 [LK_INT64] = "long",  [LK_FLOAT64] = "double",
	[LK_DECIMAL128] = "decimal", [LK_UTF8] = "string", [LK_BINARY] = "binary", [LK_DATE32] = "date",
	[LK_TIME64] = "time",	   [LK_TIMESTAMP] = "timestamp", [LK_TIMESTAMPTZ] = "timestamptz",
};

void lk_type_write(const struct lk_column_type *type, char out[LK_TYPE_TEXT])
{
	if (type->type == LK_DECIMAL128)
		snprintf(out, LK_TYPE_TEXT, "decimal(%d, %d)", type->precision, type->scale);
	else
		snprintf(out, LK_TYPE_TEXT, "%s", words[type->type]);
}

struct lk_column_type lk_type_read(const char *text)
{
	struct lk_column_type t = {.type = LK_OTHER};
	int end = 0;

	if (!text)
		return t;
	if (sscanf(text, "decimal ( %d , %d ) %n", &t.precision, &t.scale, &end) == 2 && end && !text[end] &&
		t.precision >= 1 && t.precision <= 38 && t.scale >= 0 && t.scale <= t.precision) {
		t.type = LK_DECIMAL128;
		return t;
	}
	t.precision = t.scale = 0;
	for (int i = 0; i < LK_OTHER; i++)
		if (i != LK_DECIMAL128 && !strcmp(text, words[i]))
			t.type = (enum lk_type)i;
	return t;
}

enum lk_fit lk_type_fit(const struct lk_column_type *column, const struct lk_column_type *values)
{
	if (column->type == LK_OTHER || values->type == LK_OTHER)
		return LK_FIT_NOT;
	if (column->type == LK_INT64 && values->type == LK_INT32)
		return LK_FIT_AS_IS;
	if (column->type == LK_INT32 && values->type == LK_INT64)
		return LK_FIT_WIDEN;
	if (column->type != values->type)
		return LK_FIT_NOT;
	if (column->type != LK_DECIMAL128)
		return LK_FIT_AS_IS;
	if (column->scale != values->scale)
		return LK_FIT_NOT;
	return values->precision <= column->precision ? LK_FIT_AS_IS : LK_FIT_WIDEN;
}
