#include "infer/pretty.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH 110

static void add_value(struct lk_str *out, const json_t *value, int indent, size_t used);

static void add_line(struct lk_str *out, int indent)
{
	lk_str_addc(out, '\n');
	for (int i = 0; i < indent; i++)
		lk_str_adds(out, "  ");
}

static void add_members(struct lk_str *out, const json_t *object, int indent)
{
	const char *key, *separator = "";
	json_t *value;

	lk_str_addc(out, '{');
	json_object_foreach((json_t *)object, key, value)
	{
		size_t start;

		lk_str_adds(out, separator);
		add_line(out, indent + 1);
		start = out->len;
		lk_str_add_json(out, key, strlen(key));
		lk_str_adds(out, ": ");
		add_value(out, value, indent + 1, out->len - start);
		separator = ",";
	}
	add_line(out, indent);
	lk_str_addc(out, '}');
}

static void add_items(struct lk_str *out, const json_t *array, int indent)
{
	json_t *value;
	size_t i;

	lk_str_addc(out, '[');
	json_array_foreach((json_t *)array, i, value)
	{
		lk_str_adds(out, i ? "," : "");
		add_line(out, indent + 1);
		add_value(out, value, indent + 1, 0);
	}
	add_line(out, indent);
	lk_str_addc(out, ']');
}

/* used: how much of the line is taken behind the indent. One more character follows, a comma. */
static void add_value(struct lk_str *out, const json_t *value, int indent, size_t used)
{
	char *flat = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

	if (!flat)
		out->failed = true;
	else if (2 * (size_t)indent + used + strlen(flat) < WIDTH || (!json_is_object(value) && !json_is_array(value)))
		lk_str_adds(out, flat);
	else if (json_is_object(value))
		add_members(out, value, indent);
	else
		add_items(out, value, indent);
	free(flat);
}

void lk_json_pretty(struct lk_str *out, const json_t *value)
{
	add_value(out, value, 0, 0);
	lk_str_addc(out, '\n');
}
