/* The dialect of a resource (Data Package standard, Table Dialect). */
#include <string.h>

#include "source/property.h"

const char *const lk_known_dialect[] = {"$schema", "name", "title", "description", "header", "headerRows",
	"headerJoin", "commentRows", "commentChar", "delimiter", "lineTerminator", "quoteChar", "doubleQuote", "escapeChar",
	"nullSequence", "skipInitialSpace", "caseSensitiveHeader", "csvddfVersion", "property", "itemType", "itemKeys",
	"sheetNumber", "sheetName", "table", NULL};

enum lk_status lk_package_dialect(
	struct lk_load *l, const struct lk_resource_json *json, const char **null_sequence, struct lk_resource *r)
{
	static const char *const terminators[] = {"\n", "\r", "\r\n", "\n\r", NULL};
	const json_t *object = json->dialect, *rows;
	const char *place = lk_prop_at(l, json->at, "dialect"), *format = "csv";
	struct lk_dialect *d = &r->dialect;
	int terminator;

	LK_TRY(lk_prop_text(l, json->resource, json->at, "format", &format));
	*d = (struct lk_dialect){
		.delimiter = !strcmp(format, "tsv") ? '\t' : ',', .quote = '"', .double_quote = true, .header = true};
	lk_prop_typo(l, object, place, lk_known_dialect);
	LK_TRY(lk_prop_char(l, object, place, "delimiter", false, &d->delimiter));
	LK_TRY(lk_prop_char(l, object, place, "quoteChar", true, &d->quote));
	LK_TRY(lk_prop_char(l, object, place, "escapeChar", true, &d->escape));
	LK_TRY(lk_prop_char(l, object, place, "commentChar", true, &d->comment));
	LK_TRY(lk_prop_bool(l, object, place, "doubleQuote", &d->double_quote));
	LK_TRY(lk_prop_bool(l, object, place, "header", &d->header));
	LK_TRY(lk_prop_bool(l, object, place, "skipInitialSpace", &d->skip_initial_space));
	LK_TRY(lk_prop_bool(l, object, place, "caseSensitiveHeader", &d->case_sensitive));
	LK_TRY(lk_prop_text(l, object, place, "nullSequence", null_sequence));
	LK_TRY(lk_prop_word(l, object, place, "lineTerminator", terminators, &terminator));
	rows = json_object_get(object, "headerRows");
	if (rows && (json_array_size(rows) != 1 || json_integer_value(json_array_get(rows, 0)) != 1))
		return lk_prop_wrong(l, lk_prop_at(l, place, "headerRows"), "only [1] is supported");
	if (json_array_size(json_object_get(object, "commentRows")))
		return lk_prop_wrong(l, lk_prop_at(l, place, "commentRows"), "is not supported");
	if (d->escape && d->escape == d->quote)
		d->escape = 0;
	if (d->delimiter == d->quote || d->delimiter == d->escape ||
		(d->comment && (d->comment == d->quote || d->comment == d->delimiter)))
		return lk_prop_wrong(
			l, place, "delimiter, quoteChar, escapeChar and commentChar must differ");
	return LK_OK;
}

