#include "lake/primitive.h"

#include <stdio.h>
#include <string.h>

#include "base/value.h"

#define FIXED_MAX (1 << 30)

static const char *const words[] = {
	[LK_PRIMITIVE_BOOLEAN] = "boolean",	[LK_PRIMITIVE_INT] = "int",
	[LK_PRIMITIVE_LONG] = "long",		[LK_PRIMITIVE_FLOAT] = "float",
	[LK_PRIMITIVE_DOUBLE] = "double",	[LK_PRIMITIVE_DATE] = "date",
	[LK_PRIMITIVE_TIME] = "time",		[LK_PRIMITIVE_TIMESTAMP] = "timestamp",
	[LK_PRIMITIVE_TIMESTAMPTZ] = "timestamptz", [LK_PRIMITIVE_STRING] = "string",
	[LK_PRIMITIVE_UUID] = "uuid",		[LK_PRIMITIVE_BINARY] = "binary",
};

struct lk_primitive lk_primitive_read(const char *word)
{
	struct lk_primitive p = {LK_PRIMITIVE_NONE};
	int end = 0;

	if (!word)
		return p;
	if (sscanf(word, "decimal ( %9d , %9d ) %n", &p.precision, &p.scale, &end) == 2 && end && !word[end] &&
		p.precision >= 1 && p.precision <= 38 && p.scale >= 0 && p.scale <= p.precision) {
		p.kind = LK_PRIMITIVE_DECIMAL;
		return p;
	}
	p = (struct lk_primitive){LK_PRIMITIVE_NONE};
	if (sscanf(word, "fixed [ %10d ] %n", &p.length, &end) == 1 && end && !word[end] && p.length >= 1 &&
		p.length <= FIXED_MAX) {
		p.kind = LK_PRIMITIVE_FIXED;
		return p;
	}
	p.length = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (words[i] && !strcmp(word, words[i]))
			p.kind = (enum lk_primitive_kind)i;
	return p;
}

int lk_decimal_bytes(int precision)
{
	lk_int128 most = 1;
	int bytes = 1;

	while (precision-- > 0)
		most *= 10;
	while (bytes < 16 && (most - 1) >> (8 * bytes - 1))
		bytes++;
	return bytes;
}
