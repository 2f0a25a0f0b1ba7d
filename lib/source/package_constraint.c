/* Constraints and categories of a field: their values are read as the field's own, so that wrong ones are found at once. */
#include <stdlib.h>
#include <string.h>

#include "source/property.h"

#define SHOWN_VALUES 8
#define SHOWN_BYTES 64

const char *const lk_known_constraints[] = {"required", "unique", "minLength", "maxLength", "minimum", "maximum",
	"exclusiveMinimum", "exclusiveMaximum", "jsonSchema", "pattern", "enum", NULL};

/* What loading the constraints of one field needs. */
struct site {
	struct lk_loading *l;
	const struct lk_source_field *field;
	const char *type;
	struct lk_constraints *out;
};

static enum lk_status not_for_type(struct site *s, const char *at)
{
	return lk_prop_wrong(s->l, at, "a field of type %s cannot have it", s->type);
}

static enum lk_status load_length(struct site *s, const json_t *object, const char *at, const char *key, int64_t *out)
{
	const json_t *value = json_object_get(object, key);
	const char *place = lk_prop_at(s->l, at, key);

	if (!value)
		return LK_OK;
	if (!(s->field->convert.takes & LK_TAKES_LENGTH))
		return not_for_type(s, place);
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return lk_prop_wrong(s->l, place, "must be a whole number, 0 or more");
	*out = json_integer_value(value);
	return LK_OK;
}

/* The text of a value as it would stand in a file. JSON numbers are in JSON's form, whatever decimalChar says. */
static enum lk_status value_text(struct site *s, const char *at, const json_t *value, struct lk_text *out)
{
	const struct lk_convert *c = &s->field->convert;
	char number[LK_VALUE_TEXT], *text;
	const char *copy;

	if (json_is_string(value)) {
		LK_TRY(lk_prop_copy_text(s->l, at, value, &out->data));
		out->len = strlen(out->data);
		return LK_OK;
	}
	if (json_is_boolean(value) && c->kind == LK_CONVERT_BOOLEAN) {
		const struct lk_texts *words = json_is_true(value) ? &c->trues : &c->falses;

		if (!words->count)
			return lk_prop_wrong(s->l, at, "trueValues or falseValues have no word for it");
		*out = words->items[0];
		return LK_OK;
	}
	if (json_is_real(value)) {
		lk_float64_text(json_real_value(value), number);
		copy = lk_arena_strdup(s->l->arena, number);
	} else {
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		copy = text ? lk_arena_strdup(s->l->arena, text) : NULL;
		free(text);
	}
	if (!copy)
		return lk_error_nomem(s->l->err);
	*out = (struct lk_text){copy, strlen(copy)};
	return LK_OK;
}

static enum lk_status load_value(struct site *s, const char *at, const json_t *value, struct lk_checked *out)
{
	struct lk_convert convert = s->field->convert;
	struct lk_text text;
	const char *reason;

	LK_TRY(value_text(s, at, value, &text));
	if (json_is_number(value)) {
		convert.decimal = (struct lk_text){".", 1};
		convert.group = (struct lk_text){NULL, 0};
	}
	*out = (struct lk_checked){.s = text.data, .len = text.len};
	if (lk_convert_scalar(&convert, text.data, text.len, &out->scalar, &reason))
		return LK_OK;
	if (reason)
		return lk_prop_wrong(s->l, at, "'%s' %s", text.data, reason);
	return lk_prop_wrong(s->l, at, "'%s' is not %s", text.data, convert.noun);
}

static enum lk_status load_bound(
	struct site *s, const json_t *object, const char *at, const char *key, struct lk_bound *out)
{
	const json_t *value = json_object_get(object, key);
	const char *place = lk_prop_at(s->l, at, key);

	if (!value)
		return LK_OK;
	if (!(s->field->convert.takes & LK_TAKES_ORDER))
		return not_for_type(s, place);
	LK_TRY(load_value(s, place, value, &out->value));
	out->text = out->value.s;
	return LK_OK;
}

/* ---- values that are allowed ---- */

static enum lk_status add_key(struct site *s, const struct lk_checked *value, struct lk_allowed *out)
{
	struct lk_str room = LK_STR_INIT;
	struct lk_text key;
	bool good = lk_checked_key(&s->field->convert, value, &room, &key);

	if (good) {
		key.data = lk_arena_strndup(s->l->arena, key.data ? key.data : "", key.len);
		out->keys[out->count++] = key;
	}
	lk_str_release(&room);
	return good && key.data ? LK_OK : lk_error_nomem(s->l->err);
}

static void add_shown(struct lk_str *shown, const struct lk_checked *value, int index)
{
	size_t len = value->len > SHOWN_BYTES ? SHOWN_BYTES : value->len;

	if (index > SHOWN_VALUES)
		return;
	if (index == SHOWN_VALUES) {
		lk_str_adds(shown, ", ...");
		return;
	}
	while (len < value->len && len && ((unsigned char)value->s[len] & 0xc0) == 0x80)
		len--;
	lk_str_addf(shown, "%s%.*s%s", index ? ", " : "", (int)len, value->s, len < value->len ? "..." : "");
}

static enum lk_status allowed_impl(
	struct site *s, const json_t *list, const char *at, struct lk_allowed *out, struct lk_str *shown)
{
	size_t i;
	json_t *item;

	json_array_foreach((json_t *)list, i, item)
	{
		const char *place = lk_prop_item(s->l, at, i);
		const json_t *value = json_is_object(item) && !s->field->convert.json ? json_object_get(item, "value") : item;
		struct lk_checked checked;

		if (json_is_null(item) || (json_is_string(value) && lk_texts_have(&s->field->missing, json_string_value(value),
									   json_string_length(value))))
			continue; /* no value is not forbidden by either */
		if (!value)
			return lk_prop_wrong(s->l, place, "must be a value, or an object that has one");
		LK_TRY(load_value(s, place, value, &checked));
		add_shown(shown, &checked, out->count);
		LK_TRY(add_key(s, &checked, out));
	}
	LK_TRY(lk_str_check(shown, s->l->err));
	out->shown = lk_arena_strdup(s->l->arena, shown->len ? lk_str_text(shown) : "no value at all");
	return out->shown ? LK_OK : lk_error_nomem(s->l->err);
}

static enum lk_status load_allowed(
	struct site *s, const json_t *object, const char *at, const char *key, struct lk_allowed *out)
{
	const json_t *list = json_object_get(object, key);
	const char *place = lk_prop_at(s->l, at, key);
	struct lk_str shown = LK_STR_INIT;
	enum lk_status status;

	if (!list)
		return LK_OK;
	if (!json_is_array(list))
		return lk_prop_wrong(s->l, place, "must be a list of values");
	out->keys = lk_arena_alloc(s->l->arena, (json_array_size(list) + 1) * sizeof(*out->keys));
	if (!out->keys)
		return lk_error_nomem(s->l->err);
	status = allowed_impl(s, list, place, out, &shown);
	lk_str_release(&shown);
	if (status == LK_OK)
		qsort(out->keys, (size_t)out->count, sizeof(*out->keys), lk_key_compare);
	return status;
}

/* ---- patterns ---- */

/* An expression of XML Schema is one of the whole value, in which a point is any character but those that end a line. */
static enum lk_status load_pattern(struct site *s, const json_t *object, const char *at)
{
	const char *place = lk_prop_at(s->l, at, "pattern");
	struct lk_constraints *c = s->out;
	pcre2_compile_context *context;
	PCRE2_UCHAR message[256];
	PCRE2_SIZE offset;
	int code;

	LK_TRY(lk_prop_text(s->l, object, at, "pattern", &c->pattern_text));
	if (!c->pattern_text)
		return LK_OK;
	if (!(s->field->convert.takes & LK_TAKES_PATTERN))
		return not_for_type(s, place);
	context = pcre2_compile_context_create(NULL);
	if (!context)
		return lk_error_nomem(s->l->err);
	pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
	c->pattern = pcre2_compile((PCRE2_SPTR)c->pattern_text, PCRE2_ZERO_TERMINATED,
		PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
		&code, &offset, context);
	pcre2_compile_context_free(context);
	if (!c->pattern) {
		pcre2_get_error_message(code, message, sizeof(message));
		return lk_prop_wrong(s->l, place, "%s at character %zu", (const char *)message, (size_t)offset + 1);
	}
	(void)pcre2_jit_compile(c->pattern, PCRE2_JIT_COMPLETE); /* without it, matching is slower and says the same */
	return LK_OK;
}

/* ---- all ---- */

static enum lk_status load_all(struct site *s, const json_t *field, const json_t *constraints, const char *at, bool *any)
{
	static const char *const bounds[LK_BOUNDS] = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};
	const char *place = lk_prop_at(s->l, at, "constraints");
	struct lk_constraints *c = s->out;

	if (json_object_get(constraints, "jsonSchema"))
		return lk_prop_wrong(s->l, lk_prop_at(s->l, place, "jsonSchema"), "is not supported: values cannot be held to it");
	LK_TRY(lk_prop_bool(s->l, constraints, place, "unique", &c->unique));
	LK_TRY(load_length(s, constraints, place, "minLength", &c->min_length));
	LK_TRY(load_length(s, constraints, place, "maxLength", &c->max_length));
	*any = c->unique || c->min_length >= 0 || c->max_length >= 0;
	for (int i = 0; i < LK_BOUNDS; i++) {
		LK_TRY(load_bound(s, constraints, place, bounds[i], &c->bounds[i]));
		*any |= c->bounds[i].text != NULL;
	}
	LK_TRY(load_allowed(s, constraints, place, "enum", &c->allowed[0]));
	LK_TRY(load_allowed(s, field, at, "categories", &c->allowed[1]));
	LK_TRY(load_pattern(s, constraints, place));
	*any |= c->allowed[0].shown || c->allowed[1].shown || c->pattern;
	return LK_OK;
}

enum lk_status lk_package_constraints(struct lk_loading *l, const json_t *field, const char *at, struct lk_source_field *f)
{
	struct site s = {.l = l, .field = f, .type = "string"};
	const char *place = lk_prop_at(l, at, "constraints");
	const json_t *constraints;
	enum lk_status status;
	bool any = false;

	LK_TRY(lk_prop_text(l, field, at, "type", &s.type));
	LK_TRY(lk_prop_object(l, field, at, "constraints", &constraints));
	lk_prop_typo(l, constraints, place, lk_known_constraints);
	LK_TRY(lk_prop_bool(l, constraints, place, "required", &f->required));
	s.out = lk_arena_alloc(l->arena, sizeof(*s.out));
	if (!s.out)
		return lk_error_nomem(l->err);
	s.out->min_length = s.out->max_length = -1;
	status = load_all(&s, field, constraints, at, &any);
	f->constraints = any || s.out->pattern ? s.out : NULL; /* whose pattern is released with the package */
	return status;
}
