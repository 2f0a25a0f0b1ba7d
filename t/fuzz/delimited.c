/* Delimited text: the first byte chooses a dialect, the second the pieces. */
#include "fuzz.h"

#define FIELDS                                                                                                         \
	"\"fields\": [{\"name\": \"a\"}, {\"name\": \"b\", \"type\": \"integer\"}, {\"name\": \"c\", \"type\": \"date\", \"format\": \"any\"}]"
#define RESOURCE(name, dialect, schema, lk)                                                                            \
	"{\"name\": \"" name "\", \"path\": \"*\", \"format\": \"csv\", \"dialect\": {" dialect "}, \"schema\": {" schema FIELDS "}, \"lk\": {" lk "}}"
#define PARTIAL "\"fieldsMatch\": \"partial\", "

static const char package[] = "{\"name\": \"p\", \"resources\": [" /* by name: a letter each */
	RESOURCE("a", "", "", "") ","
	RESOURCE("b", "\"delimiter\": \";\", \"quoteChar\": \"'\"", PARTIAL, "\"rest\": true") ","
	RESOURCE("c", "\"delimiter\": \"\\t\", \"quoteChar\": null, \"header\": false", "", "") ","
	RESOURCE("d", "\"escapeChar\": \"\\\\\", \"doubleQuote\": false", "\"fieldsMatch\": \"subset\", ", "\"rest\": true") ","
	RESOURCE("e", "\"delimiter\": \"||\", \"commentChar\": \"#\"", PARTIAL, "") ","
	RESOURCE("f", "\"headerRows\": [2, 3], \"commentRows\": [1]", PARTIAL, "") ","
	RESOURCE("g", "\"delimiter\": \" \", \"skipInitialSpace\": true, \"lineTerminator\": \"\\n\"", PARTIAL, "") ","
	RESOURCE("h", "\"lineTerminator\": \"~\", \"header\": false", "", "\"ragged\": \"pad\"") ","
	RESOURCE("i", "", "\"fieldsMatch\": \"subset\", ", "\"quotes\": \"mend\", \"ragged\": \"pad\", \"rest\": true") ","
	RESOURCE("j", "\"header\": false", "",
		"\"record\": \"D\", \"header\": \"H\", \"trailer\": {\"type\": \"T\", \"count\": 2, \"sums\": {\"b\": 3}}") ","
	RESOURCE("k", "\"delimiter\": \"\xc2\xbb\", \"quoteChar\": \"\xc2\xa6\"", PARTIAL, "\"missing\": \"unquoted\"")
	"]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct lk_sources *sources;
	char name[2] = "a";
	size_t piece;

	if (!sources)
		sources = fuzz_sources(package);
	name[0] = (char)('a' + (fuzz_choice(&data, &len, 256) - 'a' + 256 * 11) % 11);
	piece = 1 + fuzz_choice(&data, &len, 64);
	fuzz_member(sources, name, "fuzz.csv", (const char *)data, len, piece);
	return 0;
}
