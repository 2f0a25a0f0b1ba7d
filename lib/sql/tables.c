#include "sql/tables.h"

#include <stdlib.h>
#include <string.h>

#include "base/commands.h"
#include "lake/list.h"
#include "sql/filter.h"
#include "sql/metatable.h"
#include "sql/spool.h"
#include "sql/view.h"

#define PRIVATE_NAMESPACE "quarantine" /* named in full or not at all */
#define DEFAULT_NAMESPACE "main"

typedef int compare_fn(const char *, const char *);

static bool is_match(const struct lk_lake_table *t, const struct lk_sql_name *n, compare_fn *compare)
{
	if (compare(t->name, n->table))
		return false;
	if (*n->schema)
		return !compare(t->namespace_name, n->schema);
	return strcmp(t->namespace_name, PRIVATE_NAMESPACE) != 0;
}

/* The table that a name means when names are compared so; *count is how many it could be. */
static struct lk_lake_table *find(struct lk_pin *pin, const struct lk_sql_name *n, compare_fn *compare, int *count)
{
	struct lk_lake_table *found = NULL;

	*count = 0;
	for (int i = 0; i < pin->table_count; i++) {
		struct lk_lake_table *t = &pin->tables[i];

		if (!is_match(t, n, compare))
			continue;
		if (!*n->schema && !strcmp(t->namespace_name, DEFAULT_NAMESPACE)) {
			*count = 1;
			return t;
		}
		found = t;
		++*count;
	}
	return found;
}

static enum lk_status ambiguous(struct lk_pin *pin, const struct lk_sql_name *n, compare_fn *compare, struct lk_error *err)
{
	struct lk_str could = LK_STR_INIT;

	for (int i = 0; i < pin->table_count; i++)
		if (is_match(&pin->tables[i], n, compare))
			lk_str_addf(&could, "%s%s.%s", could.len ? ", " : "", pin->tables[i].namespace_name,
				pin->tables[i].name);
	lk_error_set(err, LK_DATA, "table '%s' could be any of %s", n->table, lk_str_text(&could));
	lk_str_release(&could);
	return LK_DATA;
}

/* `stdin` alone is the stream, so main.stdin cannot be had beside it under the one name that both would have. */
static enum lk_status check_stdin(const struct lk_script *script, const struct lk_sql_name *n, struct lk_error *err)
{
	if (strcasecmp(n->schema, DEFAULT_NAMESPACE) || strcasecmp(n->table, "stdin"))
		return LK_OK;
	for (size_t i = 0; i < script->name_count; i++)
		if (!*script->names[i].schema && lk_spool_means(&script->names[i]))
			return lk_error_set(err, LK_DATA, "the table 'main.stdin' cannot be read together with stdin; say "
				"stdin.TABLE for the stream's");
	return LK_OK;
}

/* The nearest table's full name in the pin's arena, or NULL. */
static const char *nearest(struct lk_pin *pin, const struct lk_sql_name *n)
{
	size_t count = (size_t)pin->table_count;
	const char **names = calloc(2 * count + 1, sizeof(*names)), *near = NULL;
	struct lk_commands words = {.names = names};
	bool whole = *n->schema;
	char *typed = whole ? lk_arena_printf(&pin->arena, "%s.%s", n->schema, n->table) : NULL;

	for (size_t i = 0; names && i < count; i++) {
		names[words.count] = whole ? lk_arena_printf(&pin->arena, "%s.%s", pin->tables[i].namespace_name,
						     pin->tables[i].name)
					   : pin->tables[i].name;
		if (names[words.count])
			words.count++;
	}
	if (!whole || typed)
		near = lk_commands_nearest(&words, whole ? typed : n->table);
	for (size_t i = 0; near && !whole && i < count; i++)
		if (near == pin->tables[i].name) {
			near = lk_arena_printf(&pin->arena, "%s.%s", pin->tables[i].namespace_name, pin->tables[i].name);
			break;
		}
	/* The same name in another namespace is nearest of all. */
	for (size_t i = 0; i < count; i++)
		if (!strcasecmp(pin->tables[i].name, n->table))
			near = lk_arena_printf(&pin->arena, "%s.%s", pin->tables[i].namespace_name, pin->tables[i].name);
	free(names);
	return near;
}

static enum lk_status unknown(struct lk_pin *pin, const struct lk_sql_name *n, struct lk_error *err)
{
	const char *near = nearest(pin, n);

	return lk_error_set(err, LK_DATA, "there is no table '%s%s%s' in the lake%s%s%s", n->schema, *n->schema ? "." : "",
		n->table, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "; lk-query without SQL lists them");
}

static enum lk_status resolve_one(struct lk_pin *pin, const struct lk_sql_name *n, struct lk_lake_table **out,
	struct lk_error *err)
{
	int count;

	*out = find(pin, n, strcmp, &count);
	if (count > 1)
		return ambiguous(pin, n, strcmp, err);
	if (*out)
		return LK_OK;
	*out = find(pin, n, strcasecmp, &count);
	if (count > 1)
		return ambiguous(pin, n, strcasecmp, err);
	return *out ? LK_OK : unknown(pin, n, err);
}

/* ---- names to tables ---- */

/* What a name of the script means: TABLE, TABLE$KIND, TABLE@MOMENT or TABLE$KIND@MOMENT. */
struct meant {
	struct lk_lake_table table; /* opened */
	const char *kind;	    /* of metadata; NULL: rows */
};

/* The name without what follows its first `sign`, which is cut off and returned; NULL when there is none. */
static const char *cut(char *name, char sign)
{
	char *at = strchr(name, sign);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static enum lk_status open_name(struct lk_tables *tables, const struct lk_sql_name *n, struct meant *out, struct lk_error *err)
{
	struct lk_sql_name plain = *n;
	const char *moment = NULL;
	struct lk_lake_table *found;
	struct lk_lake_at at;
	char *name;
	int count;

	/* Other engines may have signs in names. */
	find(tables->pin, n, strcmp, &count);
	if (!count) {
		plain.table = name = lk_arena_strdup(&tables->pin->arena, n->table);
		if (!name)
			return lk_error_nomem(err);
		moment = cut(name, '@');
		out->kind = cut(name, '$');
	}
	if (moment)
		LK_TRY(lk_lake_at_parse(moment, &at, err));
	LK_TRY(resolve_one(tables->pin, &plain, &found, err));
	out->table = *found;
	return lk_lake_table_open(tables->pin, &out->table, moment ? &at : tables->at, err);
}

static enum lk_status check_name(const struct lk_script *script, const struct lk_sql_name *n, struct lk_error *err)
{
	if (*n->catalog)
		return lk_error_set(err, LK_DATA, "'%s.%s.%s': tables are NAMESPACE.TABLE; a namespace with a dot is quoted", n->catalog,
			n->schema, n->table);
	return check_stdin(script, n, err);
}

/* Reads which files there are, as far as the script needs them. */
static enum lk_status read_files(struct lk_tables *tables, struct lk_lake_table *t, const struct lk_filter *f, struct lk_error *err)
{
	struct lk_pruner *pruner;
	struct lk_lake_filter filter;

	if (!f->predicate)
		return lk_lake_table_read(tables->pin, t, 0, NULL, err);
	LK_TRY(lk_pruner_make(f->predicate, f->leaves, t, &tables->pin->arena, &pruner, err));
	filter = lk_pruner_filter(pruner);
	return lk_lake_table_read(tables->pin, t, LK_LOAD_METRICS, &filter, err);
}

static enum lk_status make_view(struct lk_tables *tables, const struct lk_sql_name *n, struct lk_lake_table *t,
	const struct lk_filter *f, struct lk_error *err)
{
	LK_TRY(read_files(tables, t, f, err));
	if (tables->detail)
		tables->detail("%s.%s: %d of %lld files", t->namespace_name, t->name, t->file_count, (long long)t->all_files);
	return lk_sql_view_create(tables->sql, *n->schema ? n->schema : DEFAULT_NAMESPACE, n->table, t, err);
}

/* meant, filters: one for each name. */
static enum lk_status make_all(struct lk_tables *tables, struct meant *meant, struct lk_filter *filters, struct lk_error *err)
{
	for (size_t i = 0; i < tables->script->name_count; i++) {
		const struct lk_sql_name *n = &tables->script->names[i];

		if (meant[i].kind)
			LK_TRY(lk_metatable_create(tables->sql, tables->pin, &meant[i].table, meant[i].kind,
				*n->schema ? n->schema : DEFAULT_NAMESPACE, n->table, err));
		else if (filters[i].table)
			LK_TRY(make_view(tables, n, &meant[i].table, &filters[i], err));
	}
	return LK_OK;
}

static enum lk_status resolve(struct lk_tables *tables, struct meant *meant, struct lk_filter *filters, struct lk_error *err)
{
	const struct lk_script *script = tables->script;
	const struct lk_lake_table *first = NULL;
	bool several = false;

	for (size_t i = 0; i < script->name_count; i++) {
		if (lk_spool_means(&script->names[i]))
			continue;
		LK_TRY(check_name(script, &script->names[i], err));
		LK_TRY(open_name(tables, &script->names[i], &meant[i], err));
		filters[i].table = meant[i].kind ? NULL : &meant[i].table;
		several = several || (first && strcmp(first->metadata_location, meant[i].table.metadata_location) != 0);
		first = &meant[i].table;
	}
	LK_TRY(lk_filter_find(script, tables->sql, filters, &tables->pin->arena, err));
	LK_TRY(make_all(tables, meant, filters, err));
	tables->only = several || !first ? NULL : first->name;
	return LK_OK;
}

enum lk_status lk_tables_resolve(struct lk_tables *tables, struct lk_error *err)
{
	size_t count = tables->script->name_count + 1;
	struct meant *meant = lk_arena_alloc(&tables->pin->arena, count * sizeof(*meant));
	struct lk_filter *filters = calloc(count, sizeof(*filters));
	enum lk_status status;

	tables->only = NULL;
	status = meant && filters ? resolve(tables, meant, filters, err) : lk_error_nomem(err);
	free(filters);
	return status;
}

/* ---- the list ---- */

static enum lk_status write_list(struct lk_builder *b, struct lk_sql_output *out, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	LK_TRY(lk_sql_output_begin(out, "tables", &b->schema, err));
	LK_TRY(lk_builder_view(b, &view, err));
	if (view->length)
		LK_TRY(lk_sql_output_batch(out, view, err));
	return lk_sql_output_end(out, err);
}

enum lk_status lk_tables_list(struct lk_pin *pin, struct lk_sql_output *out, struct lk_error *err)
{
	struct lk_builder b;
	enum lk_status status = lk_lake_list(pin, NULL, 0, &b, err);

	if (!status)
		status = write_list(&b, out, err);
	lk_builder_release(&b);
	return status;
}
