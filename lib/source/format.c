#include "source/format.h"

#include <string.h>

static const struct lk_file_format *const formats[LK_FILE_FORMATS_MAX + 1] = {
	&lk_format_delimited,
	&lk_format_fixed,
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

void lk_file_format_list(struct lk_str *out)
{
	for (int i = 0; formats[i]; i++)
		for (const char *const *w = formats[i]->words; *w; w++)
			lk_str_addf(out, "%s%s", out->len ? ", " : "", *w);
}
