/* JSON lines and documents: the first byte chooses a resource, the second the pieces. */
#include "fuzz.h"

#define RESOURCE(name, format, lk, fields)                                                                             \
	"{\"name\": \"" name "\", \"path\": \"*\", \"format\": \"" format "\", \"lk\": {" lk "}, \"schema\": {\"fields\": [" fields "]}}"
#define PATH(name, path) "{\"name\": \"" name "\", \"lk\": {\"path\": \"" path "\"}}"
#define ALL(name, path) "{\"name\": \"" name "\", \"lk\": {\"path\": \"" path "\", \"join\": \",\"}}"

static const char package[] = "{\"name\": \"p\", \"resources\": ["
	RESOURCE("a", "jsonl", "", "{\"name\": \"id\"}," PATH("f", "/name/0/family") "," ALL("g", "/name/*/given/*") "," PATH("all", "")) ","
	RESOURCE("b", "jsonl", "\"record\": \"/name/*\"", PATH("id", "2/id") "," PATH("n", "0#") "," PATH("u", "/use") "," PATH("k", "1#")) ","
	RESOURCE("c", "json", "", "{\"name\": \"id\", \"type\": \"integer\"}," PATH("e", "/a~1b/~0c")) ","
	RESOURCE("d", "json", "\"record\": \"/*/x\"", PATH("id", "1/id") "," ALL("v", "/*")) ","
	RESOURCE("e", "jsonl", "\"where\": {\"/type\": [\"A\", \"B\"]}", "{\"name\": \"id\"}, {\"name\": \"n\", \"type\": \"number\"}")
	"]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct lk_sources *sources;
	char name[2] = "a";
	size_t piece;

	if (!sources)
		sources = fuzz_sources(package);
	name[0] = (char)('a' + (fuzz_choice(&data, &len, 256) - 'a' + 256 * 5) % 5);
	piece = 1 + fuzz_choice(&data, &len, 64);
	fuzz_member(sources, name, "fuzz.json", (const char *)data, len, piece);
	return 0;
}
