/* Data packages: the input is one. What is taken for right then reads a little of everything. */
#include "fuzz.h"

static const struct sample {
	const char *name, *text;
} samples[] = {
	{"a.csv", "id,name,day\n1,\"x\"\"y\",2026-01-31\n2,,\n\n3,z\n"},
	{"a.txt", "H1  20260131\nD1  0005.50\nT   1\n"},
	{"a.xml", "<r xmlns='urn:h'><p id='1'><n>x</n><n>y</n></p><p id='2'/></r>"},
	{"a.hl7", "MSH|^~\\&|A|||||||1\rPID|1||p^^^a~q\rOBX|1|NM|c||5\rNTE|1||t\r"},
	{"a.jsonl", "{\"id\": 1, \"name\": [{\"family\": \"x\", \"given\": [\"y\"]}]}\n{}\n"},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct lk_sources *sources = NULL;
	struct lk_error err = {0};

	if (lk_sources_open_text(&sources, "fuzz.json", (const char *)data, len, &err) != LK_OK) {
		FUZZ_PROMISE(err.status == LK_CONFIG, "a wrong package ends with %d: %s", (int)err.status, err.message);
		FUZZ_PROMISE(strstr(err.message, "fuzz.json"), "an error without the package's name: %s", err.message);
		return 0;
	}
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		fuzz_member(sources, NULL, samples[i].name, samples[i].text, strlen(samples[i].text), 1000);
	lk_sources_close(sources);
	return 0;
}
