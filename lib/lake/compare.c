#include "lake/compare.h"

#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "lake/target.h"
#include "stream/side.h"

#define TABLE_SIZE 256

/* One table, and the schemas that feed it. */
struct comparison {
	struct lk_lake *lake;
	const struct ArrowSchema *const *schemas;
	int count;
	char table[TABLE_SIZE];
	FILE *out;
	bool broken;
};

/* What goes before the table's name, so that it is there in full. */
static const char *namespace_of(const struct comparison *c)
{
	return strchr(c->table, '.') ? "" : "main.";
}

static bool feeds(const struct comparison *c, int i)
{
	char table[TABLE_SIZE];

	return lk_meta_text(c->schemas[i], LK_META_TABLE, table, sizeof(table)) && !strcmp(table, c->table);
}

static void add_name(struct lk_str *list, const char *name)
{
	lk_str_addf(list, "%s%s", list->len ? ", " : "", name);
}

static enum lk_status say(const struct comparison *c, const char *what, struct lk_str *list, struct lk_error *err)
{
	LK_TRY(lk_str_check(list, err));
	if (list->len)
		fprintf(c->out, "%s%s: %s %s\n", namespace_of(c), c->table, what, lk_str_text(list));
	lk_str_clear(list);
	return LK_OK;
}

static bool has_field(const json_t *fields, const char *name)
{
	json_t *field;
	size_t i;

	json_array_foreach((json_t *)fields, i, field)
		if (!strcmp(lk_metadata_text(field, "name"), name))
			return true;
	return false;
}

static bool is_filled(const struct comparison *c, const char *name)
{
	for (int i = 0; i < c->count; i++)
		if (feeds(c, i) && lk_schema_find(c->schemas[i], name) >= 0)
			return true;
	return false;
}

/* What becomes of the columns of a table that takes the schemas. */
static enum lk_status tell_columns(const struct comparison *c, const struct lk_target *t, struct lk_str *list, struct lk_error *err)
{
	const json_t *before = json_object_get(lk_metadata_schema(t->base), "fields");
	json_t *field;
	size_t i;

	json_array_foreach(json_object_get(t->schema, "fields"), i, field)
		if (!has_field(before, lk_metadata_text(field, "name")))
			add_name(list, lk_metadata_text(field, "name"));
	LK_TRY(say(c, "gets", list, err));
	json_array_foreach((json_t *)before, i, field)
		if (!is_filled(c, lk_metadata_text(field, "name")))
			add_name(list, lk_metadata_text(field, "name"));
	return say(c, "has columns that are filled no more:", list, err);
}

static void tell_break(struct comparison *c, int i, const char *why)
{
	char package[TABLE_SIZE] = "";

	lk_meta_text(c->schemas[i], LK_META_PACKAGE, package, sizeof(package));
	fprintf(c->out, "%s%s: breaks, by the package '%s': %s\n", namespace_of(c), c->table, package, why);
	c->broken = true;
}

/* lk_target_fit takes a column that may be null now; the first row without it would end the commit. */
static void check_nulls(struct comparison *c, int i, const struct lk_target *t)
{
	json_t *field;
	size_t k;

	json_array_foreach(json_object_get(lk_metadata_schema(t->base), "fields"), k, field)
	{
		const char *name = lk_metadata_text(field, "name");
		char why[512];
		int at = lk_schema_find(c->schemas[i], name);

		if (at < 0 || !json_is_true(json_object_get(field, "required")) ||
			!(c->schemas[i]->children[at]->flags & ARROW_FLAG_NULLABLE))
			continue;
		snprintf(why, sizeof(why), "column %s is required by the table, and may be missing now", name);
		tell_break(c, i, why);
	}
}

static enum lk_status fit_all(struct comparison *c, struct lk_target *t, struct lk_error *err)
{
	struct lk_str list = LK_STR_INIT;
	struct lk_error why;
	enum lk_status status;

	for (int i = 0; i < c->count; i++) {
		if (!feeds(c, i))
			continue;
		status = lk_target_fit(t, c->schemas[i], NULL, LK_SCHEMA_ADD, &why);
		if (status == LK_DATA)
			tell_break(c, i, why.message);
		else if (status)
			return lk_error_set(err, status, "%s", why.message);
		if (t->base)
			check_nulls(c, i, t);
	}
	if (!t->base)
		fprintf(c->out, "%s%s: is new\n", namespace_of(c), c->table);
	status = t->base ? tell_columns(c, t, &list, err) : LK_OK;
	lk_str_release(&list);
	return status;
}

/* first: of the schemas that feed the table. */
static enum lk_status compare_table(struct comparison *c, int first, struct lk_error *err)
{
	struct lk_error why;
	struct lk_target t;
	enum lk_status status = lk_target_open(&t, c->lake, c->table, &why);

	if (status == LK_MISSING) { /* there, but not for lk to write */
		tell_break(c, first, why.message);
		status = LK_OK;
	} else {
		status = status ? lk_error_set(err, status, "%s", why.message) : fit_all(c, &t, err);
	}
	lk_target_release(&t);
	return status;
}

enum lk_status lk_lake_compare(struct lk_lake *lake, const struct ArrowSchema *const *schemas, int count, FILE *out,
	struct lk_compare_totals *totals, struct lk_error *err)
{
	*totals = (struct lk_compare_totals){0};
	for (int i = 0; i < count; i++) {
		struct comparison c = {.lake = lake, .schemas = schemas, .count = count, .out = out};
		bool first = true;

		if (!lk_meta_text(schemas[i], LK_META_TABLE, c.table, sizeof(c.table)))
			return lk_error_set(err, LK_BUG, "a schema without %s cannot be compared", LK_META_TABLE);
		for (int k = 0; k < i && first; k++)
			first = !feeds(&c, k);
		if (!first)
			continue;
		LK_TRY(compare_table(&c, i, err));
		totals->tables++;
		totals->broken += c.broken;
	}
	return LK_OK;
}
