/* Values: the first byte chooses a field, that is a type and what else is said of it; each line of the rest is a value. */
#include "fuzz.h"

#include "base/str.h"

static const char *const fields[] = {
	"\"type\": \"string\", \"format\": \"email\"",
	"\"type\": \"string\", \"format\": \"uri\"",
	"\"type\": \"string\", \"format\": \"uuid\"",
	"\"type\": \"string\", \"format\": \"binary\"",
	"\"type\": \"integer\"",
	"\"type\": \"integer\", \"groupChar\": \",\", \"bareNumber\": false",
	"\"type\": \"number\"",
	"\"type\": \"number\", \"decimalChar\": \",\", \"groupChar\": \".\", \"bareNumber\": false",
	"\"type\": \"number\", \"lk\": {\"decimal\": [38, 10]}",
	"\"type\": \"number\", \"lk\": {\"decimal\": [5, 0]}",
	"\"type\": \"boolean\", \"trueValues\": [\"Y\", \"yes\"]",
	"\"type\": \"date\"",
	"\"type\": \"date\", \"format\": \"any\"",
	"\"type\": \"date\", \"lk\": {\"partial\": true}",
	"\"type\": \"date\", \"format\": \"%d %b %Y\"",
	"\"type\": \"date\", \"format\": \"%m/%d/%y\"",
	"\"type\": \"date\", \"format\": \"%Y%j\"",
	"\"type\": \"time\"",
	"\"type\": \"time\", \"format\": \"any\"",
	"\"type\": \"time\", \"format\": \"%I:%M:%S %p\"",
	"\"type\": \"datetime\"",
	"\"type\": \"datetime\", \"format\": \"any\", \"lk\": {\"timezone\": \"UTC\"}",
	"\"type\": \"datetime\", \"format\": \"any\", \"lk\": {\"timezone\": \"Europe/Berlin\", \"partial\": true}",
	"\"type\": \"datetime\", \"format\": \"%b %d, %Y %H:%M:%S.%f %z\"",
	"\"type\": \"datetime\", \"lk\": {\"timezone\": \"-03:30\"}",
	"\"type\": \"year\"",
	"\"type\": \"yearmonth\"",
	"\"type\": \"duration\"",
	"\"type\": \"geopoint\"",
	"\"type\": \"geojson\"",
	"\"type\": \"object\"",
	"\"type\": \"array\"",
	"\"type\": \"list\"",
	"\"type\": \"any\"",
	"\"type\": \"string\", \"lk\": {\"bad\": \"text\", \"map\": {\"a\": \"b\", \"c\": null}}",
	"\"type\": \"integer\", \"lk\": {\"bad\": \"text\"}, \"constraints\": {\"minimum\": 3, \"maximum\": 900, \"unique\": true}",
	"\"type\": \"string\", \"constraints\": {\"minLength\": 2, \"maxLength\": 5, \"pattern\": \"[a-z]+[0-9]?\"}",
	"\"type\": \"string\", \"missingValues\": [\"\", \"NA\"], \"constraints\": {\"required\": true, \"enum\": [\"x\", \"y\"]}",
};
#define FIELDS (sizeof(fields) / sizeof(*fields))

static struct lk_sources *make_sources(void)
{
	struct lk_str text = LK_STR_INIT;
	struct lk_sources *sources;

	lk_str_adds(&text, "{\"name\": \"p\", \"resources\": [");
	for (size_t i = 0; i < FIELDS; i++)
		lk_str_addf(&text,
			"%s{\"name\": \"v%zu\", \"path\": \"*\", \"dialect\": {\"header\": false, \"quoteChar\": null, \"delimiter\": \"\\u0001\"}, "
			"\"schema\": {\"fields\": [{\"name\": \"v\", %s}]}}",
			i ? ", " : "", i, fields[i]);
	lk_str_adds(&text, "]}");
	sources = fuzz_sources(lk_str_text(&text));
	lk_str_release(&text);
	return sources;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct lk_sources *sources;
	char name[8];

	if (!sources)
		sources = make_sources();
	snprintf(name, sizeof(name), "v%zu", (fuzz_choice(&data, &len, 256) - '0' + 256 * FIELDS) % FIELDS);
	fuzz_member(sources, name, "fuzz.txt", (const char *)data, len, 1 + len);
	return 0;
}
