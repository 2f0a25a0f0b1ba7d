/* HL7 v2: the first byte chooses a resource, or a path on the first line of the input; the second the pieces. */
#include "fuzz.h"

#include <jansson.h>

#define F(path) "{\"name\": \"" path "\"}"
#define ALL(name, path) "{\"name\": \"" name "\", \"lk\": {\"path\": \"" path "\", \"join\": \"~\"}}"
#define RESOURCE(name, lk, fields)                                                                                     \
	"{\"name\": \"" name "\", \"path\": \"*\", \"format\": \"hl7\", \"lk\": {" lk "}, \"schema\": {\"fields\": [" fields "]}}"

static const char package[] = "{\"name\": \"p\", \"resources\": ["
	RESOURCE("a", "", F("MSH-1") "," F("MSH-2") "," F("MSH-9.1") "," F("PID-3") "," F("PID-5.1.1") "," F("message:others") ","
		ALL("x", "OBX[*]-5[*]") "," ALL("y", "PID-3[*].4.1")) ","
	RESOURCE("b", "\"record\": \"OBX\"", F("segment:number") "," F("OBX-5") "," F("OBR-3") "," F("PV1-2") "," F("SPM-4.1") ","
		F("PID-3.1") "," F("MSH-10") "," ALL("x", "NTE[*]-3")) ","
	RESOURCE("c", "\"record\": \"PID\"", F("PID-3") "," F("PV1-2") "," F("MRG-1") "," F("NTE[2]-3") "," ALL("x", "DG1[*]-3.1")) ","
	RESOURCE("d", "\"record\": \"ORC\"", F("ORC-2") "," F("OBR-4.2") "," F("EVN-1") "," ALL("x", "OBX[*]-3.1"))
	"]}";

/* A package with this path. */
static struct lk_sources *sources_of(const char *path, size_t len)
{
	json_t *root = json_pack("{s:s, s:[{s:s, s:s, s:s, s:{s:s}, s:{s:[{s:s, s:{s:s%}}, {s:s, s:{s:s%, s:s}}]}}]}", "name", "p", "resources",
		"name", "t", "path", "*", "format", "hl7", "lk", "record", "OBX", "schema", "fields", "name", "one", "lk", "path", path,
		len, "name", "all", "lk", "path", path, len, "join", ",");
	struct lk_sources *sources = NULL;
	struct lk_error err;
	char *text;

	if (!root) /* it is no UTF-8 */
		return NULL;
	json_array_remove(json_object_get(json_object_get(json_array_get(json_object_get(root, "resources"), 0), "schema"), "fields"),
		memchr(path, '*', len) ? 0 : 1);
	text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	if (lk_sources_open_text(&sources, "fuzz.json", text, strlen(text), &err) != LK_OK)
		FUZZ_PROMISE(err.status == LK_CONFIG, "a wrong path ends with %d: %s", (int)err.status, err.message);
	free(text);
	return sources;
}

static void try_path(const char *data, size_t len, size_t piece)
{
	const char *end = memchr(data, '\n', len);
	struct lk_sources *sources = end ? sources_of(data, (size_t)(end - data)) : NULL;

	if (!sources)
		return;
	fuzz_member(sources, NULL, "fuzz.hl7", end + 1, len - (size_t)(end + 1 - data), piece);
	lk_sources_close(sources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct lk_sources *sources;
	char name[2] = "a";
	size_t piece;
	unsigned which;

	if (!sources)
		sources = fuzz_sources(package);
	which = (fuzz_choice(&data, &len, 256) - 'a' + 256 * 6) % 6;
	piece = 1 + fuzz_choice(&data, &len, 64);
	name[0] = (char)('a' + which);
	if (which == 5)
		try_path((const char *)data, len, piece);
	else
		fuzz_member(sources, which == 4 ? NULL : name, "fuzz.hl7", (const char *)data, len, piece);
	return 0;
}
