#include "lake/schema_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lake/metadata.h"

/* The words for a type, and the one that Iceberg writes. */
static const struct {
	const char *word, *type;
} words[] = {
	{"boolean", "boolean"}, {"int", "int"}, {"integer", "int"}, {"long", "long"}, {"bigint", "long"}, {"float", "float"},
	{"real", "float"}, {"double", "double"}, {"date", "date"}, {"time", "time"}, {"timestamp", "timestamp"},
	{"timestamptz", "timestamptz"}, {"string", "string"}, {"uuid", "uuid"}, {"binary", "binary"},
};

static enum lk_status read_type(struct lk_lexer *s, int depth, json_t **type, struct lk_error *err);

static enum lk_status found(json_t *made, json_t **type, struct lk_error *err)
{
	*type = made;
	return made ? LK_OK : lk_error_nomem(err);
}

static enum lk_status read_not_null(struct lk_lexer *s, bool *required, struct lk_error *err)
{
	*required = lk_lexer_word(s, "not");
	if (*required && !lk_lexer_word(s, "null"))
		return lk_lexer_error(s, "null", err);
	return LK_OK;
}

static enum lk_status read_decimal(struct lk_lexer *s, json_t **type, struct lk_error *err)
{
	int64_t precision, scale;

	LK_TRY(lk_lexer_expect(s, '(', err));
	LK_TRY(lk_lexer_number(s, 38, &precision, err));
	LK_TRY(lk_lexer_expect(s, ',', err));
	LK_TRY(lk_lexer_number(s, 38, &scale, err));
	LK_TRY(lk_lexer_expect(s, ')', err));
	if (precision < 1 || scale > precision)
		return lk_error_set(err, LK_USAGE, "'%s': a decimal has 1 to 38 digits, and not more behind the point", s->text);
	return found(json_sprintf("decimal(%d, %d)", (int)precision, (int)scale), type, err);
}

static enum lk_status read_fixed(struct lk_lexer *s, json_t **type, struct lk_error *err)
{
	bool square = lk_lexer_take(s, '[');
	int64_t length;

	if (!square)
		LK_TRY(lk_lexer_expect(s, '(', err));
	LK_TRY(lk_lexer_number(s, INT32_MAX, &length, err));
	LK_TRY(lk_lexer_expect(s, square ? ']' : ')', err));
	if (length < 1)
		return lk_error_set(err, LK_USAGE, "'%s': fixed has a length", s->text);
	return found(json_sprintf("fixed[%d]", (int)length), type, err);
}

static enum lk_status read_field(struct lk_lexer *s, int depth, json_t **out, struct lk_error *err)
{
	struct lk_str name = LK_STR_INIT, doc = LK_STR_INIT;
	enum lk_status status = lk_lexer_name(s, "a name", &name, err);
	bool required = false, commented = false;
	json_t *type = NULL;

	*out = NULL;
	if (!status) {
		(void)lk_lexer_take(s, ':');
		status = read_type(s, depth, &type, err);
	}
	if (!status)
		status = read_not_null(s, &required, err);
	if (!status && lk_lexer_word(s, "comment")) {
		commented = true;
		status = lk_lexer_text(s, &doc, err);
	}
	if (!status) {
		*out = json_pack("{s:i, s:s, s:b, s:O}", "id", 0, "name", lk_str_text(&name), "required", required, "type", type);
		if (!*out || (commented && json_object_set_new(*out, "doc", json_string(lk_str_text(&doc)))))
			status = lk_error_nomem(err);
	}
	if (status) {
		json_decref(*out);
		*out = NULL;
	}
	json_decref(type);
	lk_str_release(&name);
	lk_str_release(&doc);
	return status;
}

/* Names in one struct must differ, and not in case only: many engines fold it. */
static enum lk_status check_name(json_t *names, const char *name, struct lk_error *err)
{
	char *folded = strdup(name);
	bool twice, failed = !folded;

	for (char *c = folded; c && *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	twice = folded && json_object_get(names, folded);
	failed = failed || json_object_set_new(names, folded, json_true());
	free(folded);
	if (twice)
		return lk_error_set(err, LK_USAGE, "column '%s' is there twice, case aside", name);
	return failed ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status read_fields_impl(struct lk_lexer *s, int depth, json_t *fields, json_t *names, struct lk_error *err)
{
	do {
		json_t *field;

		LK_TRY(read_field(s, depth, &field, err));
		if (json_array_append_new(fields, field))
			return lk_error_nomem(err);
		LK_TRY(check_name(names, lk_metadata_text(field, "name"), err));
		if (json_array_size(fields) > LK_SCHEMA_COLUMNS_MAX)
			return lk_error_set(err, LK_USAGE, "there are more than %d columns", LK_SCHEMA_COLUMNS_MAX);
	} while (lk_lexer_take(s, ','));
	return LK_OK;
}

static enum lk_status read_fields(struct lk_lexer *s, int depth, json_t *fields, struct lk_error *err)
{
	json_t *names = json_object();
	enum lk_status status = names ? read_fields_impl(s, depth, fields, names, err) : lk_error_nomem(err);

	json_decref(names);
	return status;
}

static enum lk_status read_struct(struct lk_lexer *s, int depth, json_t **type, struct lk_error *err)
{
	json_t *fields = json_array();
	enum lk_status status = found(json_pack("{s:s, s:o}", "type", "struct", "fields", fields), type, err);

	if (!status)
		status = read_fields(s, depth, fields, err);
	if (!status)
		status = lk_lexer_expect(s, '>', err);
	if (status) {
		json_decref(*type);
		*type = NULL;
	}
	return status;
}

static enum lk_status read_list(struct lk_lexer *s, int depth, json_t **type, struct lk_error *err)
{
	enum lk_status status;
	json_t *element;
	bool required;

	LK_TRY(read_type(s, depth, &element, err));
	status = read_not_null(s, &required, err);
	if (!status)
		status = lk_lexer_expect(s, '>', err);
	if (!status)
		status = found(json_pack("{s:s, s:i, s:O, s:b}", "type", "list", "element-id", 0, "element", element,
				       "element-required", required),
			type, err);
	json_decref(element);
	return status;
}

static enum lk_status read_map(struct lk_lexer *s, int depth, json_t **type, struct lk_error *err)
{
	json_t *key = NULL, *value = NULL;
	enum lk_status status = read_type(s, depth, &key, err);
	bool required = false;

	if (!status)
		status = lk_lexer_expect(s, ',', err);
	if (!status)
		status = read_type(s, depth, &value, err);
	if (!status)
		status = read_not_null(s, &required, err);
	if (!status)
		status = lk_lexer_expect(s, '>', err);
	if (!status)
		status = found(json_pack("{s:s, s:i, s:O, s:i, s:O, s:b}", "type", "map", "key-id", 0, "key", key, "value-id", 0,
				       "value", value, "value-required", required),
			type, err);
	json_decref(key);
	json_decref(value);
	return status;
}

static enum lk_status no_type(const struct lk_lexer *s, const char *word, struct lk_error *err)
{
	static const char *const later[] = {"timestamp_ns", "timestamptz_ns", "variant", "geometry", "geography", "unknown"};

	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++)
		if (!strcasecmp(word, later[i]))
			return lk_error_set(err, LK_USAGE, "'%s': %s is a type of Iceberg v3, and lk writes v2", s->text, word);
	return lk_error_set(err, LK_USAGE,
		"'%s': '%s' is no type: boolean, int, long, float, double, decimal(P, S), date, time, timestamp, timestamptz, "
		"string, uuid, fixed(N), binary, struct<...>, list<...> and map<...> are",
		s->text, word);
}

static enum lk_status read_named_type(struct lk_lexer *s, const char *word, int depth, json_t **type, struct lk_error *err)
{
	bool nests = !strcasecmp(word, "struct") || !strcasecmp(word, "map") || !strcasecmp(word, "list") ||
		     !strcasecmp(word, "array");

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcasecmp(word, words[i].word))
			return found(json_string(words[i].type), type, err);
	if (!strcasecmp(word, "decimal"))
		return read_decimal(s, type, err);
	if (!strcasecmp(word, "fixed"))
		return read_fixed(s, type, err);
	if (!nests)
		return no_type(s, word, err);
	if (depth == LK_SCHEMA_DEPTH)
		return lk_error_set(err, LK_USAGE, "types are nested deeper than %d levels", LK_SCHEMA_DEPTH);
	LK_TRY(lk_lexer_expect(s, '<', err));
	if (!strcasecmp(word, "struct"))
		return read_struct(s, depth + 1, type, err);
	return !strcasecmp(word, "map") ? read_map(s, depth + 1, type, err) : read_list(s, depth + 1, type, err);
}

static enum lk_status read_type(struct lk_lexer *s, int depth, json_t **type, struct lk_error *err)
{
	struct lk_str word = LK_STR_INIT;
	enum lk_status status = lk_lexer_name(s, "a type", &word, err);

	*type = NULL;
	if (!status)
		status = read_named_type(s, word.data, depth, type, err);
	lk_str_release(&word);
	return status;
}

enum lk_status lk_schema_read_type(struct lk_lexer *s, json_t **type, struct lk_error *err)
{
	return read_type(s, 0, type, err);
}

enum lk_status lk_schema_read_field(struct lk_lexer *s, json_t **field, struct lk_error *err)
{
	return read_field(s, 0, field, err);
}

enum lk_status lk_schema_read_columns(const char *text, json_t **schema, struct lk_error *err)
{
	struct lk_lexer s = {text, text};
	json_t *fields = json_array();
	enum lk_status status = found(json_pack("{s:s, s:o}", "type", "struct", "fields", fields), schema, err);

	if (!status)
		status = read_fields(&s, 0, fields, err);
	if (!status && !lk_lexer_end(&s))
		status = lk_lexer_error(&s, "','", err);
	if (status) {
		json_decref(*schema);
		*schema = NULL;
	}
	return status;
}

/* ---- writing ---- */

void lk_schema_write_name(const char *name, struct lk_str *out)
{
	struct lk_str bare = LK_STR_INIT;
	struct lk_lexer s = {name, name};
	struct lk_error ignored;

	if (*name != '"' && *name != '`' && !lk_lexer_name(&s, "", &bare, &ignored) && !*s.at &&
		bare.len == strlen(name)) {
		lk_str_adds(out, name);
	} else {
		lk_str_addc(out, '"');
		for (; *name; name++)
			lk_str_addf(out, *name == '"' ? "\"\"" : "%c", *name);
		lk_str_addc(out, '"');
	}
	lk_str_release(&bare);
}

static void write_not_null(const json_t *type, const char *key, struct lk_str *out)
{
	if (json_is_true(json_object_get(type, key)))
		lk_str_adds(out, " not null");
}

static void write_type(const json_t *type, int depth, struct lk_str *out);

static void write_struct(const json_t *type, int depth, struct lk_str *out)
{
	json_t *field;
	size_t i;

	lk_str_adds(out, "struct<");
	json_array_foreach(json_object_get(type, "fields"), i, field) {
		lk_str_adds(out, i ? ", " : "");
		lk_schema_write_name(lk_metadata_text(field, "name"), out);
		lk_str_adds(out, ": ");
		write_type(json_object_get(field, "type"), depth, out);
		write_not_null(field, "required", out);
	}
	lk_str_addc(out, '>');
}

static void write_json(const json_t *type, struct lk_str *out)
{
	char *text = json_dumps(type, JSON_COMPACT | JSON_ENCODE_ANY);

	lk_str_adds(out, text ? text : "?");
	free(text);
}

static void write_type(const json_t *type, int depth, struct lk_str *out)
{
	const char *kind = lk_metadata_text(type, "type");

	if (json_is_string(type)) {
		lk_str_adds(out, json_string_value(type));
	} else if (depth == LK_SCHEMA_DEPTH) {
		lk_str_adds(out, "...");
	} else if (!strcmp(kind, "struct")) {
		write_struct(type, depth + 1, out);
	} else if (!strcmp(kind, "list")) {
		lk_str_adds(out, "list<");
		write_type(json_object_get(type, "element"), depth + 1, out);
		write_not_null(type, "element-required", out);
		lk_str_addc(out, '>');
	} else if (!strcmp(kind, "map")) {
		lk_str_adds(out, "map<");
		write_type(json_object_get(type, "key"), depth + 1, out);
		lk_str_adds(out, ", ");
		write_type(json_object_get(type, "value"), depth + 1, out);
		write_not_null(type, "value-required", out);
		lk_str_addc(out, '>');
	} else {
		write_json(type, out);
	}
}

void lk_schema_write_type(const json_t *type, struct lk_str *out)
{
	write_type(type, 0, out);
}
