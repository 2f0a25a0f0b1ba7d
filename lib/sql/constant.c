#include "sql/constant.h"

#include <string.h>

#include "base/value.h"
#include "lake/value.h"
#include "sql/session.h"
#include "sql/view.h"

#define DEPTH_MAX 20

static const char *text_of(const json_t *node, const char *key)
{
	const char *text = json_string_value(json_object_get(node, key));

	return text ? text : "";
}

/* Whether a word is one of a list: "a|b|c". */
static bool is_word(const char *word, const char *list)
{
	size_t len = strchr(word, '|') ? 0 : strlen(word);

	for (const char *p = list; len && (p = strcasestr(p, word)); p += len)
		if ((p == list || p[-1] == '|') && (p[len] == '|' || !p[len]))
			return true;
	return false;
}

/* ---- the parse tree to SQL ---- */

struct writer {
	struct lk_str out;
	lk_may_name_fn *may_name;
	const void *context;
	bool moving;
};

static bool add(struct writer *w, const json_t *e, int depth);

static bool add_type(struct writer *w, const json_t *type)
{
	const char *id = text_of(type, "id");
	const json_t *info = json_object_get(type, "type_info");

	if (!strcmp(id, "DECIMAL") && json_is_object(info)) {
		lk_str_addf(&w->out, "DECIMAL(%lld, %lld)", (long long)json_integer_value(json_object_get(info, "width")),
			(long long)json_integer_value(json_object_get(info, "scale")));
		return true;
	}
	if (json_is_object(info) || !is_word(id, "BOOLEAN|TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|FLOAT|DOUBLE|VARCHAR|DATE|TIME|"
			"TIMESTAMP|TIMESTAMP WITH TIME ZONE"))
		return false;
	lk_str_adds(&w->out, id);
	return true;
}

static bool add_value(struct writer *w, const json_t *constant)
{
	const json_t *type = json_object_get(constant, "type"), *value = json_object_get(constant, "value");
	const char *id = text_of(type, "id");
	char number[LK_VALUE_TEXT];

	if (json_is_string(value) && !strcmp(id, "VARCHAR")) {
		lk_sql_add_literal(&w->out, json_string_value(value));
		return true;
	}
	if (json_is_boolean(value) && !strcmp(id, "BOOLEAN")) {
		lk_str_adds(&w->out, json_is_true(value) ? "true" : "false");
		return true;
	}
	if (json_is_real(value) && !strcmp(id, "DOUBLE")) {
		lk_float64_text(json_real_value(value), number);
	} else if (json_is_integer(value) && !strcmp(id, "DECIMAL")) {
		const json_t *scale = json_object_get(json_object_get(type, "type_info"), "scale");

		lk_decimal_text(json_integer_value(value), (int)json_integer_value(scale), number);
	} else if (json_is_integer(value) && is_word(id, "TINYINT|SMALLINT|INTEGER|BIGINT")) {
		lk_int64_text(json_integer_value(value), number);
	} else {
		return false;
	}
	lk_str_addf(&w->out, "CAST('%s' AS ", number);
	if (!add_type(w, type))
		return false;
	lk_str_addc(&w->out, ')');
	return true;
}

/* (a + b), (-a) */
static bool add_operator(struct writer *w, const char *name, const json_t *children, int depth)
{
	size_t count = json_array_size(children);

	if (count < 1 || count > 2 || (count == 1 && strcmp(name, "-") != 0))
		return false;
	lk_str_addc(&w->out, '(');
	for (size_t i = 0; i < count; i++) {
		bool moved = w->moving;

		if (i || count == 1)
			lk_str_addf(&w->out, " %s ", name);
		w->moving = false;
		if (!add(w, json_array_get(children, i), depth))
			return false;
		/* What is taken away, or is a factor, does not make the whole grow. */
		if (w->moving && (*name == '*' || (*name == '-' && (i || count == 1))))
			return false;
		w->moving = w->moving || moved;
	}
	lk_str_addc(&w->out, ')');
	return true;
}

static bool add_call(struct writer *w, const char *name, const json_t *children, int depth)
{
	bool may_move = !strcasecmp(name, "date_trunc"), moved = w->moving;
	const json_t *child;
	size_t i;

	lk_str_addf(&w->out, "%s(", name);
	json_array_foreach(children, i, child) {
		lk_str_adds(&w->out, i ? ", " : "");
		w->moving = false;
		if (!add(w, child, depth) || (w->moving && !may_move))
			return false;
		moved = moved || w->moving;
	}
	w->moving = moved;
	lk_str_addc(&w->out, ')');
	return true;
}

static bool add_function(struct writer *w, const json_t *e, int depth)
{
	const char *name = text_of(e, "function_name");
	const json_t *children = json_object_get(e, "children");

	if (*text_of(e, "schema") || *text_of(e, "catalog") || json_is_object(json_object_get(e, "filter")) || json_is_true(json_object_get(e, "distinct")))
		return false;
	if (is_word(name, "+|-|*"))
		return add_operator(w, name, children, depth);
	if (is_word(name, "now|get_current_timestamp|today") && !json_array_size(children)) {
		w->moving = true;
		lk_str_addf(&w->out, "%s()", name);
		return true;
	}
	if (!is_word(name, "to_days|to_weeks|to_months|to_years|to_hours|to_minutes|to_seconds|trunc|date_trunc|make_date"))
		return false;
	return add_call(w, name, children, depth);
}

/* current_date and the like are names to the parser. */
static bool add_name(struct writer *w, const json_t *e)
{
	const json_t *names = json_object_get(e, "column_names");
	const char *name = json_string_value(json_array_get(names, 0));

	if (json_array_size(names) != 1 || !name || !is_word(name, "current_date|current_timestamp") || w->may_name(w->context, name))
		return false;
	w->moving = true;
	lk_str_adds(&w->out, name);
	return true;
}

static bool add(struct writer *w, const json_t *e, int depth)
{
	const char *class = text_of(e, "class");

	if (depth > DEPTH_MAX)
		return false;
	if (!strcmp(class, "CONSTANT"))
		return add_value(w, json_object_get(e, "value"));
	if (!strcmp(class, "FUNCTION"))
		return add_function(w, e, depth + 1);
	if (!strcmp(class, "COLUMN_REF"))
		return add_name(w, e);
	if (strcmp(class, "CAST") != 0 || json_is_true(json_object_get(e, "try_cast")))
		return false;
	lk_str_adds(&w->out, "CAST(");
	if (!add(w, json_object_get(e, "child"), depth + 1))
		return false;
	lk_str_adds(&w->out, " AS ");
	if (!add_type(w, json_object_get(e, "cast_type")))
		return false;
	lk_str_addc(&w->out, ')');
	return true;
}

const char *lk_constant_sql(const json_t *expression, struct lk_arena *arena, lk_may_name_fn *may_name, const void *context, bool *moving)
{
	struct writer w = {LK_STR_INIT, may_name, context, false};
	const char *sql = NULL;

	if (add(&w, expression, 0) && !w.out.failed)
		sql = lk_arena_strdup(arena, lk_str_text(&w.out));
	*moving = w.moving;
	lk_str_release(&w.out);
	return sql;
}

/* ---- values ---- */

#define INTEGERS "'TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT'"
#define MOMENTS "typeof(e) IN ('DATE', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE')"

/* How a value becomes one of a column's type: only one of a type that compares with the column without casting it to another kind. */
static const struct family {
	enum lk_primitive_kind kind;
	const char *fits;    /* a condition on e */
	bool literal;	     /* texts become the type just as a cast makes them */
	const char *as_text; /* v, a value of the type, as text */
} families[] = {
	{LK_PRIMITIVE_BOOLEAN, "typeof(e) = 'BOOLEAN'", true, "CAST(v AS VARCHAR)"},
	{LK_PRIMITIVE_INT, "(typeof(e) IN (" INTEGERS ") OR typeof(e) LIKE 'DECIMAL%')", true, "CAST(v AS VARCHAR)"},
	{LK_PRIMITIVE_LONG, "(typeof(e) IN (" INTEGERS ") OR typeof(e) LIKE 'DECIMAL%')", true, "CAST(v AS VARCHAR)"},
	{LK_PRIMITIVE_DECIMAL, "(typeof(e) IN (" INTEGERS ") OR typeof(e) LIKE 'DECIMAL%')", false, "CAST(v AS VARCHAR)"},
	{LK_PRIMITIVE_FLOAT, "(typeof(e) IN (" INTEGERS ", 'FLOAT', 'DOUBLE') OR typeof(e) LIKE 'DECIMAL%')", false, "CAST(v AS VARCHAR)"},
	{LK_PRIMITIVE_DOUBLE, "(typeof(e) IN (" INTEGERS ", 'FLOAT', 'DOUBLE') OR typeof(e) LIKE 'DECIMAL%')", false, "CAST(v AS VARCHAR)"},
	{LK_PRIMITIVE_DATE, MOMENTS, true, "CAST(v - DATE '1970-01-01' AS VARCHAR)"},
	{LK_PRIMITIVE_TIME, "typeof(e) = 'TIME'", true, "CAST(epoch_us(v) AS VARCHAR)"},
	{LK_PRIMITIVE_TIMESTAMP, MOMENTS, true, "CAST(epoch_us(v) AS VARCHAR)"},
	{LK_PRIMITIVE_TIMESTAMPTZ, MOMENTS, true, "CAST(epoch_us(v) AS VARCHAR)"},
	{LK_PRIMITIVE_STRING, "typeof(e) = 'VARCHAR'", true, "v"},
};

static const struct family *family_of(const char *type)
{
	struct lk_primitive primitive = lk_primitive_read(type);

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (families[i].kind == primitive.kind)
			return &families[i];
	return NULL;
}

/* Adds a pattern with e and v, where they stand alone, replaced. */
static void add_pattern(struct lk_str *s, const char *pattern, const char *e, const char *v)
{
	for (const char *p = pattern; *p; p++) {
		bool alone = (p == pattern || !strchr("abcdefghijklmnopqrstuvwxyz_", p[-1])) && !strchr("abcdefghijklmnopqrstuvwxyz_", p[1] ? p[1] : ' ');

		if (alone && (*p == 'e' || *p == 'v'))
			lk_str_adds(s, *p == 'e' ? e : v);
		else
			lk_str_addc(s, *p);
	}
}

/* The value as text, or null: where it is not a text that takes the type, it must be the same before and after the cast. */
static bool add_constant(struct lk_str *s, const struct lk_constant *c)
{
	const struct family *column = family_of(c->type), *own = c->as_date ? family_of("date") : column;
	struct lk_str type = LK_STR_INIT, value = LK_STR_INIT, moment = LK_STR_INIT;

	if (!column || (c->literal && !own->literal) || !lk_sql_iceberg_type(c->as_date ? "date" : c->type, &type))
		return false;
	lk_str_addf(&value, "TRY_CAST(%s AS %s)", c->sql, lk_str_text(&type));
	lk_str_adds(s, "CASE WHEN ");
	if (c->literal) {
		lk_str_adds(s, "true");
	} else {
		add_pattern(s, own->fits, c->sql, "");
		lk_str_addf(s, " AND %s = %s", lk_str_text(&value), c->sql);
	}
	lk_str_adds(s, " THEN ");
	lk_str_clear(&type);
	lk_sql_iceberg_type(c->type, &type);
	if (c->as_date)
		lk_str_addf(&moment, "CAST(%s + %d AS %s)", lk_str_text(&value), c->days, lk_str_text(&type));
	add_pattern(s, column->as_text, c->sql, lk_str_text(c->as_date ? &moment : &value));
	lk_str_adds(s, " END");
	lk_str_release(&type);
	lk_str_release(&value);
	lk_str_release(&moment);
	return true;
}

static bool set_integer(struct lk_str *out, struct lk_arena *arena, uint64_t value, size_t len)
{
	char bytes[8];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(value >> (8 * i));
	*out = (struct lk_str){.data = lk_arena_strndup(arena, bytes, len), .len = len};
	return out->data;
}

static bool set_decimal(struct lk_str *out, struct lk_arena *arena, const struct lk_primitive *type, const char *text)
{
	unsigned char bytes[16];
	lk_int128 n;
	size_t padding;

	if (!lk_decimal_parse(text, strlen(text), type->precision, type->scale, &n))
		return false;
	for (int i = 0; i < 16; i++)
		bytes[i] = (unsigned char)((unsigned __int128)n >> (8 * (15 - i)));
	padding = lk_value_padding(bytes, 16);
	*out = (struct lk_str){.data = lk_arena_strndup(arena, (char *)bytes + padding, 16 - padding), .len = 16 - padding};
	return out->data;
}

/* Text as families make it, to a single value. False where it is none. */
static bool set_value(struct lk_str *out, struct lk_arena *arena, const char *type_word, const char *text)
{
	struct lk_primitive type = lk_primitive_read(type_word);
	size_t len = strlen(text);
	uint64_t bits;
	int64_t n;
	double d;

	switch (type.kind) {
	case LK_PRIMITIVE_STRING:
		*out = (struct lk_str){.data = lk_arena_strndup(arena, text, len), .len = len};
		return out->data;
	case LK_PRIMITIVE_BOOLEAN:
		return set_integer(out, arena, !strcmp(text, "true"), 1);
	case LK_PRIMITIVE_DECIMAL:
		return set_decimal(out, arena, &type, text);
	case LK_PRIMITIVE_FLOAT:
	case LK_PRIMITIVE_DOUBLE:
		if (!lk_float64_parse(text, len, &d) || d != d)
			return false;
		if (type.kind == LK_PRIMITIVE_FLOAT)
			d = (float)d;
		memcpy(&bits, &d, 8);
		return set_integer(out, arena, bits, 8);
	default:
		if (!lk_int64_parse(text, len, &n))
			return false;
		return set_integer(out, arena, (uint64_t)n, type.kind == LK_PRIMITIVE_INT || type.kind == LK_PRIMITIVE_DATE ? 4 : 8);
	}
}

static void take_values(struct lk_constants *c, struct lk_sql *sql, struct lk_duckdb_result *result, struct lk_arena *arena)
{
	for (size_t i = 0; i < c->count; i++) {
		char *text = sql->duckdb.value_varchar(result, i, 0);

		if (text && !set_value(&c->items[i].value, arena, c->items[i].type, text))
			c->items[i].value = (struct lk_str)LK_STR_INIT;
		sql->duckdb.free(text);
	}
}

enum lk_status lk_constants_evaluate(struct lk_constants *c, struct lk_sql *sql, struct lk_arena *arena, struct lk_error *err)
{
	struct lk_duckdb_result result = {{0}};
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	if (!c->count)
		return LK_OK;
	lk_str_adds(&s, "SELECT ");
	for (size_t i = 0; i < c->count; i++) {
		lk_str_adds(&s, i ? ", " : "");
		if (!add_constant(&s, &c->items[i]))
			lk_str_adds(&s, "NULL");
	}
	status = lk_str_check(&s, err);
	if (!status && !sql->duckdb.query(sql->connection, s.data, &result))
		take_values(c, sql, &result, arena);
	sql->duckdb.destroy_result(&result);
	lk_str_release(&s);
	return status;
}
