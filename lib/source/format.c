#include "source/format.h"

#include <string.h>
#include <strings.h>

static const struct lk_file_format *const formats[LK_FILE_FORMATS_MAX + 1] = {
	&lk_format_delimited,
	&lk_format_fixed,
	&lk_format_hl7,
	&lk_format_json_lines,
	&lk_format_json,
	&lk_format_xml,
};

const struct lk_file_format *lk_file_format_at(int i)
{
	return formats[i];
}

const struct lk_file_format *lk_file_format_named(const char *word)
{
	for (int i = 0; formats[i]; i++)
		for (const char *const *w = formats[i]->words; *w; w++)
			if (!strcmp(*w, word))
				return formats[i];
	return NULL;
}

const char *lk_file_format_of_media(const char *mediatype)
{
	static const struct {
		const char *type, *word;
	} known[] = {
		{"text/csv", "csv"},
		{"application/csv", "csv"},
		{"text/plain", "txt"},
		{"text/tab-separated-values", "tsv"},
		{"text/xml", "xml"},
		{"application/xml", "xml"},
		{"application/jsonl", "jsonl"},
		{"application/x-ndjson", "jsonl"},
		{"application/fhir+ndjson", "jsonl"},
		{"application/json", "json"},
		{"application/fhir+json", "json"},
		{"x-application/hl7-v2+er7", "hl7"},
	};
	size_t len = strcspn(mediatype, "; ");

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strlen(known[i].type) == len && !strncasecmp(known[i].type, mediatype, len))
			return known[i].word;
	return NULL;
}

void lk_file_format_list(struct lk_str *out)
{
	for (int i = 0; formats[i]; i++)
		for (const char *const *w = formats[i]->words; *w; w++)
			lk_str_addf(out, "%s%s", out->len ? ", " : "", *w);
}
