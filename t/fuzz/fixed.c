/* Text of fixed width: the first byte chooses a layout, the second the pieces. */
#include "fuzz.h"

#define FIELDS                                                                                                         \
	"\"schema\": {\"fields\": [{\"name\": \"a\", \"lk\": {\"path\": \"2:3\"}}, {\"name\": \"b\", \"type\": \"number\", "             \
	"\"lk\": {\"path\": \"5:4\", \"decimal\": [9, 2]}}, {\"name\": \"c\", \"lk\": {\"path\": \"8:\"}}]}"
#define RESOURCE(name, dialect, lk)                                                                                    \
	"{\"name\": \"" name "\", \"path\": \"*\", \"format\": \"fixed\", \"dialect\": {" dialect "}, \"lk\": {" lk "}, " FIELDS "}"

static const char package[] = "{\"name\": \"p\", \"resources\": ["
	RESOURCE("a", "", "") ","
	RESOURCE("b", "\"header\": true, \"commentChar\": \"#\"", "") ","
	RESOURCE("c", "\"headerRows\": [2], \"commentRows\": [4]", "") ","
	RESOURCE("d", "", "\"length\": 12") ","
	RESOURCE("e", "", "\"record\": \"D\", \"recordType\": \"1:1\", \"header\": \"H\", \"trailer\": {\"type\": \"T\", \"count\": \"2:3\", "
		"\"details\": \"5:3\", \"sums\": {\"b\": \"8:6\"}}")
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
	fuzz_member(sources, name, "fuzz.txt", (const char *)data, len, piece);
	return 0;
}
