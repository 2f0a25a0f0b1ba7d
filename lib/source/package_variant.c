/* A resource that extends another must not take what that one takes: each row would come twice. */
#include <string.h>

#include "source/format.h"
#include "source/property.h"

static bool same_paths(const struct lk_resource *a, const struct lk_resource *b)
{
	bool same = a->path_count == b->path_count;

	for (int i = 0; same && i < a->path_count; i++)
		same = !strcmp(a->paths[i], b->paths[i]);
	return same;
}

static bool same_names(const struct lk_resource *a, const struct lk_resource *b)
{
	bool same = a->field_count == b->field_count;

	for (int i = 0; same && i < a->field_count; i++)
		same = !strcmp(a->fields[i].name, b->fields[i].name);
	return same;
}

/* Whether headers with other columns agree too. */
static bool takes_more(const struct lk_resource *r)
{
	return r->match != LK_FIELDS_EXACT && r->match != LK_FIELDS_EQUAL;
}

/* Whether no header of delimited text agrees with both; what tells members of other formats apart is theirs to know. */
static bool told_apart(const struct lk_resource *a, const struct lk_resource *b)
{
	if (a->format != b->format || a->format != &lk_format_delimited)
		return true;
	if (!a->dialect.header || !b->dialect.header)
		return false;
	return strcmp(a->dialect.delimiter, b->dialect.delimiter) ||
	       (!takes_more(a) && !takes_more(b) && !same_names(a, b));
}

enum lk_status lk_package_variant(
	struct lk_loading *l, const json_t *resource, const char *at, const struct lk_resource *r)
{
	const char *extends = json_string_value(json_object_get(json_object_get(resource, "lk"), "extends"));

	for (int i = 0; extends && i < l->package->resource_count; i++) {
		const struct lk_resource *base = &l->package->resources[i];

		if (!strcmp(base->name, extends) && !strcmp(base->table, r->table) && same_paths(base, r) && !told_apart(base, r))
			return lk_prop_wrong(l, at,
				"takes the members that '%s' takes, into the same table: a variant needs a path, a delimiter or fields that "
				"tell them apart", extends);
	}
	return LK_OK;
}
