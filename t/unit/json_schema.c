/* The published JSON Schema of packages (contrib/schema) and what the loader knows are the same. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "source/format.h"

#include "tap.h"

#define SCHEMA "contrib/schema/lk-source.schema.json"
#define PAGE "man/lk-source.5"
#define MOST 128

static json_t *schema;

/* "resource_lk" is #/definitions/resource_lk/properties; "lk" and "" are the package's own. */
static const json_t *properties_of(const char *definition)
{
	const json_t *object = *definition ? json_object_get(json_object_get(schema, "definitions"), definition) : schema;

	return json_object_get(object, "properties");
}

static bool listed(const char *const *list, const char *word)
{
	while (*list && strcmp(*list, word))
		list++;
	return *list;
}

/* extra: a word that is no property of the list, but of the object; NULL for none. */
static void same_properties(const char *definition, const char *const *known, const char *extra)
{
	const json_t *properties = properties_of(definition);
	const char *key;
	json_t *value;
	bool same = json_object_size(properties) > 0;

	for (const char *const *p = known; *p; p++)
		if (!json_object_get(properties, *p)) {
			printf("#   %s: %s lacks '%s'\n", SCHEMA, definition, *p);
			same = false;
		}
	json_object_foreach((json_t *)properties, key, value)
	{
		if (!listed(known, key) && !(extra && !strcmp(extra, key))) {
			printf("#   %s: %s has '%s', which the loader does not know\n", SCHEMA, definition, key);
			same = false;
		}
		if (!json_object_get(value, "description") && !json_object_get(value, "$ref")) {
			printf("#   %s: %s does not describe '%s'\n", SCHEMA, definition, key);
			same = false;
		}
	}
	ok(same, "the properties of %s are those that the loader knows", *definition ? definition : "the package");
}

/* What may stand under a resource's lk, whatever its format is. */
static void test_resource_lk(void)
{
	const char *known[MOST];
	int n = 0;

	for (const char *const *p = lk_known_resource_lk; *p; p++)
		known[n++] = *p;
	for (int i = 0; lk_file_format_at(i); i++)
		for (const char *const *p = lk_file_format_at(i)->properties; *p && n + 1 < MOST; p++)
			known[n++] = *p;
	known[n] = NULL;
	same_properties("resource_lk", known, NULL);
}

static void test_properties(void)
{
	same_properties("", lk_known_package, "lk");
	same_properties("package_lk", lk_known_package_lk, NULL);
	same_properties("resource", lk_known_resource, "lk");
	same_properties("dialect", lk_known_dialect, NULL);
	same_properties("schema", lk_known_schema, NULL);
	same_properties("field", lk_known_field, "lk");
	same_properties("field_lk", lk_known_field_lk, NULL);
	same_properties("constraints", lk_known_constraints, NULL);
	test_resource_lk();
}

/* ---- words ---- */

static void same_words(const char *what, const json_t *words, const char *const *known)
{
	size_t n = 0;
	bool same = true;

	for (; known[n]; n++) {
		const char *word = json_string_value(json_array_get(words, n));

		same = same && word && !strcmp(word, known[n]);
	}
	ok(same && n && n == json_array_size(words), "the words of %s are those that the loader takes, in order", what);
}

static void test_formats_and_types(void)
{
	const char *known[MOST];
	int n = 0;

	for (int i = 0; lk_file_format_at(i); i++)
		for (const char *const *p = lk_file_format_at(i)->words; *p && n + 1 < MOST; p++)
			known[n++] = *p;
	known[n] = NULL;
	same_words("format", json_object_get(json_object_get(properties_of("resource"), "format"), "enum"), known);
	for (n = 0; n + 1 < MOST && (known[n] = lk_convert_type_name((size_t)n));)
		n++;
	same_words("type", json_object_get(json_object_get(properties_of("field"), "type"), "enum"), known);
}

/* The words that a message names: "... is none of a, b, c; did you ...". They live as long as the message. */
static void words_of(char *message, const char **words)
{
	char *p = strstr(message, " is none of ");
	int n = 0;

	p = p ? p + strlen(" is none of ") : NULL;
	while (p && n + 1 < MOST) {
		char *end = p + strcspn(p, ",;");

		words[n++] = p;
		p = *end == ',' ? end + 2 : NULL;
		*end = '\0';
	}
	words[n] = NULL;
}

/* A package in which this property is none of its words is refused with all of them. */
static void test_words(const char *what, const json_t *words, const char *package)
{
	char file[] = "/tmp/lk-schema-XXXXXX";
	const char *known[MOST];
	struct lk_sources *s;
	struct lk_error err = {0};
	FILE *f = fdopen(mkstemp(file), "w");

	fputs(package, f);
	fclose(f);
	if (lk_sources_open(&s, file, &err) == LK_OK)
		lk_sources_close(s);
	unlink(file);
	words_of(err.message, known);
	same_words(what, words, known);
}

static void test_enum(const char *definition, const char *property, const char *package)
{
	test_words(property, json_object_get(json_object_get(properties_of(definition), property), "enum"), package);
}

#define RESOURCE "{\"resources\": [{\"name\": \"r\", \"path\": \"*\", "
#define FIELDS "\"schema\": {\"fields\": [{\"name\": \"a\"}]}}]}"

static void test_enums(void)
{
	test_enum("resource_lk", "load", RESOURCE "\"lk\": {\"load\": \"zzz\"}, " FIELDS);
	test_enum("resource_lk", "missing", RESOURCE "\"lk\": {\"missing\": \"zzz\"}, " FIELDS);
	test_enum("resource_lk", "ragged", RESOURCE "\"lk\": {\"ragged\": \"zzz\"}, " FIELDS);
	test_enum("resource_lk", "quotes", RESOURCE "\"lk\": {\"quotes\": \"zzz\"}, " FIELDS);
	test_enum("resource_lk", "wrongBytes", RESOURCE "\"lk\": {\"wrongBytes\": \"zzz\"}, " FIELDS);
	test_enum("package_lk", "wrongBytes",
		"{\"lk\": {\"wrongBytes\": \"zzz\"}, \"resources\": [{\"name\": \"r\", \"path\": \"*\", " FIELDS);
	test_enum("field_lk", "bad", RESOURCE "\"schema\": {\"fields\": [{\"name\": \"a\", \"lk\": {\"bad\": \"zzz\"}}]}}]}");
	test_enum("field", "itemType",
		RESOURCE "\"schema\": {\"fields\": [{\"name\": \"a\", \"type\": \"list\", \"itemType\": \"zzz\"}]}}]}");
	test_words("fieldsMatch", json_object_get(json_object_get(json_object_get(schema, "definitions"), "fieldsMatch"), "enum"),
		RESOURCE "\"schema\": {\"fieldsMatch\": \"zzz\", \"fields\": [{\"name\": \"a\"}]}}]}");
}

/* ---- the manual ---- */

static void test_manual(const char *definition)
{
	const json_t *properties = properties_of(definition);
	struct lk_str page = LK_STR_INIT;
	struct lk_error err = {0};
	bool all = lk_file_read(PAGE, 1024 * 1024, &page, &err) == LK_OK;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)properties, key, value)
	{
		char name[64];

		snprintf(name, sizeof(name), "lk.%s", key);
		if (!strstr(lk_str_text(&page), name)) {
			printf("#   %s says nothing of %s\n", PAGE, name);
			all = false;
		}
	}
	lk_str_release(&page);
	ok(all, "the manual knows the properties of %s", definition);
}

int main(void)
{
	const char *top = getenv("LK_TOP");
	json_error_t problem;

	if (access(SCHEMA, R_OK) && top && chdir(top))
		return 70;
	schema = json_load_file(SCHEMA, JSON_REJECT_DUPLICATES, &problem);
	if (ok(schema != NULL, "%s is JSON", SCHEMA)) {
		test_properties();
		test_formats_and_types();
		test_enums();
		test_manual("package_lk");
		test_manual("resource_lk");
		test_manual("field_lk");
	} else {
		printf("#   line %d: %s\n", problem.line, problem.text);
	}
	json_decref(schema);
	return done();
}
