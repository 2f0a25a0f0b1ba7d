/* The dialect of a resource (Data Package standard, Table Dialect). */
#include <stdlib.h>
#include <string.h>

#include "source/property.h"

const char *const lk_known_dialect[] = {"$schema", "name", "title", "description", "header", "headerRows",
	"headerJoin", "commentRows", "commentChar", "delimiter", "lineTerminator", "quoteChar", "doubleQuote", "escapeChar",
	"nullSequence", "skipInitialSpace", "caseSensitiveHeader", "csvddfVersion", "property", "itemType", "itemKeys",
	"sheetNumber", "sheetName", "table", NULL};

/* How much text a property may be. */
enum extent {
	EXTENT_CHARACTER,
	EXTENT_TEXT,
};

/* Text that stands for itself in the file; null and "" are none where that is allowed. */
static enum lk_status load_mark(struct lk_loading *l, const json_t *object, const char *at, const char *key, bool may_be_none,
	enum extent extent, const char **out)
{
	const json_t *value = json_object_get(object, key);
	const char *text;
	size_t len;

	if (!value)
		return LK_OK;
	if (may_be_none && json_is_null(value)) {
		*out = NULL;
		return LK_OK;
	}
	at = lk_prop_at(l, at, key);
	LK_TRY(lk_prop_copy_text(l, at, value, &text));
	*out = *text ? text : NULL;
	if (!*text)
		return may_be_none ? LK_OK : lk_prop_wrong(l, at, "must not be empty");
	len = strlen(text);
	if (strpbrk(text, "\r\n"))
		return lk_prop_wrong(l, at, "must not hold the end of a line");
	if (extent == EXTENT_CHARACTER && lk_utf8_len((const unsigned char *)text, (const unsigned char *)text + len) != len)
		return lk_prop_wrong(l, at, "must be one character");
	return LK_OK;
}

static int compare_rows(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* A list of row numbers, from 1. */
static enum lk_status load_rows(
	struct lk_loading *l, const json_t *object, const char *at, const char *key, const int **out, int *count)
{
	const json_t *list = json_object_get(object, key), *item;
	int *rows;
	size_t i;

	if (!list || json_is_null(list))
		return LK_OK;
	at = lk_prop_at(l, at, key);
	if (!json_is_array(list))
		return lk_prop_wrong(l, at, "must be a list of row numbers");
	rows = lk_arena_alloc(l->arena, (json_array_size(list) + 1) * sizeof(*rows));
	if (!rows)
		return lk_error_nomem(l->err);
	json_array_foreach(list, i, item)
	{
		json_int_t row = json_integer_value(item);

		if (!json_is_integer(item) || row < 1 || row > INT32_MAX)
			return lk_prop_wrong(l, lk_prop_item(l, at, i), "must be a row's number, from 1");
		rows[i] = (int)row;
	}
	qsort(rows, i, sizeof(*rows), compare_rows);
	*out = rows;
	*count = (int)i;
	return LK_OK;
}

/* No header is `header` false, or an empty list of its rows. */
static enum lk_status load_header(struct lk_loading *l, const json_t *object, const char *at, struct lk_dialect *d)
{
	static const int first = 1;

	d->header_rows = &first;
	d->header_row_count = 1;
	d->header_join = " ";
	d->header = true;
	LK_TRY(load_rows(l, object, at, "headerRows", &d->header_rows, &d->header_row_count));
	d->header = d->header_row_count > 0;
	LK_TRY(lk_prop_bool(l, object, at, "header", &d->header));
	if (d->header && !d->header_row_count)
		return lk_prop_wrong(l, lk_prop_at(l, at, "headerRows"), "is empty, but there is a header");
	LK_TRY(lk_prop_text(l, object, at, "headerJoin", &d->header_join));
	LK_TRY(lk_prop_bool(l, object, at, "caseSensitiveHeader", &d->case_sensitive));
	return load_rows(l, object, at, "commentRows", &d->comment_rows, &d->comment_row_count);
}

/* What stands under lk: how much is made of text that is not as it should be. */
static enum lk_status load_tolerance(struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r)
{
	static const char *const ragged[] = {"reject", "pad", NULL}, *const quotes[] = {"reject", "mend", NULL};
	const char *place = lk_prop_at(l, json->at, "lk");
	int pads = 0, mends = 0;

	LK_TRY(lk_prop_word(l, json->lk, place, "ragged", ragged, &pads));
	LK_TRY(lk_prop_word(l, json->lk, place, "quotes", quotes, &mends));
	r->pads = pads;
	r->dialect.mend = mends;
	return LK_OK;
}

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

enum lk_status lk_package_dialect(
	struct lk_loading *l, const struct lk_resource_json *json, const char **null_sequence, struct lk_resource *r)
{
	const json_t *object = json->dialect;
	const char *place = lk_prop_at(l, json->at, "dialect"), *format = "csv";
	struct lk_dialect *d = &r->dialect;

	LK_TRY(lk_prop_text(l, json->resource, json->at, "format", &format));
	*d = (struct lk_dialect){.delimiter = !strcmp(format, "tsv") ? "\t" : ",", .quote = "\"", .double_quote = true};
	lk_prop_typo(l, object, place, lk_known_dialect);
	LK_TRY(load_mark(l, object, place, "delimiter", false, EXTENT_TEXT, &d->delimiter));
	LK_TRY(load_mark(l, object, place, "quoteChar", true, EXTENT_CHARACTER, &d->quote));
	LK_TRY(load_mark(l, object, place, "escapeChar", true, EXTENT_CHARACTER, &d->escape));
	LK_TRY(load_mark(l, object, place, "commentChar", true, EXTENT_TEXT, &d->comment));
	LK_TRY(lk_prop_bool(l, object, place, "doubleQuote", &d->double_quote));
	LK_TRY(lk_prop_bool(l, object, place, "skipInitialSpace", &d->skip_initial_space));
	LK_TRY(lk_prop_text(l, object, place, "nullSequence", null_sequence));
	LK_TRY(lk_prop_text(l, object, place, "lineTerminator", &d->terminator));
	LK_TRY(load_header(l, object, place, d));
	LK_TRY(load_tolerance(l, json, r));
	if (same(d->escape, d->quote)) {
		d->escape = NULL;
		d->double_quote = true;
	}
	if (same(d->delimiter, d->quote) || same(d->delimiter, d->escape) || same(d->comment, d->quote) ||
		same(d->comment, d->delimiter))
		return lk_prop_wrong(l, place, "delimiter, quoteChar, escapeChar and commentChar must differ");
	return LK_OK;
}
