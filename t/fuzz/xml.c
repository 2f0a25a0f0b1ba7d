/* XML paths: the first line is the record's XPath, the second a field's, the third the root's name or nothing; then the document. */
#include "fuzz.h"

#include <jansson.h>

/* Cuts the first line off; NULL when there is none. */
static const char *cut_line(const char **data, size_t *len, size_t *line_len)
{
	const char *line = *data, *end = memchr(*data, '\n', *len);

	if (!end)
		return NULL;
	*line_len = (size_t)(end - line);
	*len -= *line_len + 1;
	*data = end + 1;
	return line;
}

static struct lk_sources *open_package(json_t *root, const char *lk, bool value)
{
	json_t *resource = json_array_get(json_object_get(root, "resources"), 0);
	struct lk_sources *sources = NULL;
	struct lk_error err;
	char *text;

	json_object_set_new(json_object_get(resource, "lk"), lk, json_boolean(value));
	text = json_dumps(root, JSON_COMPACT);
	if (lk_sources_open_text(&sources, "fuzz.json", text, strlen(text), &err) != LK_OK)
		FUZZ_PROMISE(err.status == LK_CONFIG, "a wrong path ends with %d: %s", (int)err.status, err.message);
	free(text);
	return sources;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	unsigned which = fuzz_choice(&bytes, &len, 4);
	size_t piece = 1 + fuzz_choice(&bytes, &len, 64), record_len = 0, field_len = 0, root_len = 0;
	const char *data = (const char *)bytes, *record = cut_line(&data, &len, &record_len);
	const char *field = cut_line(&data, &len, &field_len), *root_name = cut_line(&data, &len, &root_len);
	struct lk_sources *sources;
	json_t *root;

	if (!record || !field || !root_name)
		return 0;
	root = json_pack("{s:s, s:{s:{s:s}}, s:[{s:s, s:s, s:s, s:{s:s%}, s:{s:[{s:s, s:{s:s%}}, {s:s, s:{s:s%, s:s}}]}}]}", "name", "p", "lk",
		"namespaces", "h", "urn:h", "resources", "name", "t", "path", "*", "format", "xml", "lk", "record", record, record_len,
		"schema", "fields", "name", "one", "lk", "path", field, field_len, "name", "all", "lk", "path", field, field_len, "join",
		",");
	if (!root) /* it is no UTF-8 */
		return 0;
	if (root_len)
		json_object_set_new(json_object_get(json_array_get(json_object_get(root, "resources"), 0), "lk"), "root",
			json_stringn(root_name, root_len));
	sources = open_package(root, which & 1 ? "fragments" : "ignoreNamespaces", which & 2);
	if (sources)
		fuzz_member(sources, NULL, "fuzz.xml", data, len, piece);
	lk_sources_close(sources);
	json_decref(root);
	return 0;
}
