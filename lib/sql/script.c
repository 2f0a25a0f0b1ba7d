#include "sql/script.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "sql/session.h"

/* Table functions that make rows out of their arguments and touch nothing else. */
static const char *const table_functions[] = {
	"range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree", "test_all_types", NULL,
};

/* Functions that tell of the process, leave something behind, or take SQL as text. */
static const char *const closed_functions[] = {
	"current_setting", "getenv", "write_log", "query", "query_table", "json_serialize_plan",
	"json_execute_serialized_sql", NULL,
};

static bool is_listed(const char *const *list, const char *word)
{
	while (*list && strcasecmp(*list, word))
		list++;
	return *list;
}

static const char *text_of(json_t *node, const char *key)
{
	const char *text = json_string_value(json_object_get(node, key));

	return text ? text : "";
}

static enum lk_status only_select(const struct lk_script *script, struct lk_error *err)
{
	/* DuckDB makes several statements of such a PIVOT, none of which tells any more what it was. */
	bool pivot = strcasestr(script->text, "pivot") && !strcasestr(script->text, " in ");

	return lk_error_set(err, LK_NOPERM, "%s%s%s%s", script->text_name ? "'" : "",
		script->text_name ? script->text_name : "", script->text_name ? "': " : "",
		pivot ? "a PIVOT needs its list of values here: PIVOT table ON column IN (value, ...) USING ..."
		      : "only SELECT runs here (or WITH, FROM, VALUES, DESCRIBE, SUMMARIZE, EXPLAIN)");
}

/* ---- the text to its tree ---- */

static const char *skip_blank(const char *s)
{
	for (;;) {
		const char *end;

		while (isspace((unsigned char)*s))
			s++;
		if (!strncmp(s, "--", 2)) {
			s += strcspn(s, "\n");
		} else if (!strncmp(s, "/*", 2) && (end = strstr(s + 2, "*/"))) {
			s = end + 2;
		} else {
			return s;
		}
	}
}

/* Whether s begins with this keyword; *after is what follows it. */
static bool keyword(const char *s, const char *word, const char **after)
{
	size_t len = strlen(word);

	if (strncasecmp(s, word, len) || isalnum((unsigned char)s[len]) || s[len] == '_')
		return false;
	*after = skip_blank(s + len);
	return true;
}

/* The text as json_serialize_sql has it, malloc'd by DuckDB. */
static enum lk_status serialize(struct lk_sql *sql, const char *text, char **json, struct lk_error *err)
{
	struct lk_duckdb *d = &sql->duckdb;
	struct lk_duckdb_result result = {{0}};
	void *prepared = NULL;
	enum lk_status status = LK_OK;

	*json = NULL;
	if (d->prepare(sql->connection, "SELECT json_serialize_sql(CAST($1 AS VARCHAR))", &prepared))
		status = lk_sql_error(d->prepare_error(prepared), NULL, NULL, err);
	else if (d->bind_varchar(prepared, 1, text))
		status = lk_error_set(err, LK_DATA, "the statement is not UTF-8");
	else if (d->execute_prepared(prepared, &result))
		status = lk_sql_error(d->result_error(&result), NULL, NULL, err);
	else if (!(*json = d->value_varchar(&result, 0, 0)))
		status = lk_error_set(err, LK_BUG, "DuckDB did not serialize the statement");
	d->destroy_result(&result);
	d->destroy_prepare(&prepared);
	return status;
}

/* What the serializer's own error says; *skipped is how much of script->text it did not see. */
static enum lk_status serializer_error(const struct lk_script *script, json_t *tree, size_t skipped, struct lk_error *err)
{
	json_t *said = json_object();
	const char *type = text_of(tree, "error_type"), *position = text_of(tree, "position");
	char *text, number[32];
	enum lk_status status;

	if (!strcmp(type, "not implemented")) {
		json_decref(said);
		return only_select(script, err);
	}
	json_object_set_new(said, "exception_type", json_string("Parser"));
	json_object_set(said, "exception_message", json_object_get(tree, "error_message"));
	if (*position) {
		snprintf(number, sizeof(number), "%lu", strtoul(position, NULL, 10) + (unsigned long)skipped);
		json_object_set_new(said, "position", json_string(number));
	}
	text = json_dumps(said, 0);
	status = lk_sql_error(text, script->text, script->text_name, err);
	free(text);
	json_decref(said);
	return status;
}

/* ---- the tree to names ---- */

/* A walk over the tree; what WITH has made is visible where it stands and below. */
struct walk {
	struct lk_script *script;
	const char **visible; /* borrowed from the tree */
	size_t count, cap;
};

static bool is_visible(const struct walk *w, const char *schema, const char *table)
{
	if (*schema && strcasecmp(schema, "recurring"))
		return false;
	for (size_t i = 0; i < w->count; i++)
		if (!strcasecmp(w->visible[i], table))
			return true;
	return false;
}

static enum lk_status make_visible(struct walk *w, const char *name, struct lk_error *err)
{
	if (!lk_grow((void **)&w->visible, &w->cap, w->count + 1, sizeof(*w->visible)))
		return lk_error_nomem(err);
	w->visible[w->count++] = name;
	return LK_OK;
}

static bool is_known(const struct lk_script *script, const char *catalog, const char *schema, const char *table)
{
	for (size_t i = 0; i < script->name_count; i++) {
		const struct lk_sql_name *n = &script->names[i];

		if (!strcasecmp(n->catalog, catalog) && !strcasecmp(n->schema, schema) && !strcasecmp(n->table, table))
			return true;
	}
	return false;
}

static enum lk_status add_name(struct walk *w, json_t *node, struct lk_error *err)
{
	const char *catalog = text_of(node, "catalog_name"), *schema = text_of(node, "schema_name");
	const char *table = text_of(node, "table_name");
	struct lk_script *script = w->script;
	struct lk_sql_name *n;

	if (is_known(script, catalog, schema, table) || (!*catalog && is_visible(w, schema, table)))
		return LK_OK;
	if (!lk_grow((void **)&script->names, &script->name_cap, script->name_count + 1, sizeof(*n)))
		return lk_error_nomem(err);
	n = &script->names[script->name_count++];
	n->catalog = lk_arena_strdup(&script->arena, catalog);
	n->schema = lk_arena_strdup(&script->arena, schema);
	n->table = lk_arena_strdup(&script->arena, table);
	return n->catalog && n->schema && n->table ? LK_OK : lk_error_nomem(err);
}

static enum lk_status check_function(const char *name, bool table, struct lk_error *err)
{
	if (table ? is_listed(table_functions, name) : !is_listed(closed_functions, name))
		return LK_OK;
	return lk_error_set(err, LK_NOPERM, "the function '%s' is closed here%s", name,
		table ? "; tables of the lake are named as they are" : "");
}

/* One object of the tree: what its type says. */
static enum lk_status check_node(struct walk *w, json_t *node, struct lk_error *err)
{
	const char *type = text_of(node, "type");

	if (!strcmp(type, "BASE_TABLE"))
		return add_name(w, node, err);
	if (!strcmp(type, "TABLE_FUNCTION"))
		return check_function(text_of(json_object_get(node, "function"), "function_name"), true, err);
	if (*text_of(node, "function_name"))
		return check_function(text_of(node, "function_name"), false, err);
	if (strcmp(type, "SHOW_REF") || json_is_object(json_object_get(node, "query")))
		return LK_OK;
	if (!strcmp(text_of(node, "table_name"), "\"tables\"")) {
		w->script->show_tables = true;
		return LK_OK;
	}
	return lk_error_set(err, LK_NOPERM, "of the SHOW statements only SHOW TABLES runs here; DESCRIBE tells of one table");
}

static enum lk_status walk(struct walk *w, json_t *node, struct lk_error *err);

/*
 * "cte_map": {"map": [{"key": name, "value": definition}, ...]}: a definition sees those before it, and itself only where it is
 * recursive, which its own node then says by "cte_name".
 */
static enum lk_status walk_with(struct walk *w, json_t *node, struct lk_error *err)
{
	json_t *map = json_object_get(json_object_get(node, "cte_map"), "map"), *entry;
	size_t i;

	json_array_foreach(map, i, entry) {
		LK_TRY(walk(w, json_object_get(entry, "value"), err));
		LK_TRY(make_visible(w, text_of(entry, "key"), err));
	}
	return *text_of(node, "cte_name") ? make_visible(w, text_of(node, "cte_name"), err) : LK_OK;
}

static enum lk_status walk(struct walk *w, json_t *node, struct lk_error *err)
{
	size_t outside = w->count, i;
	const char *key;
	json_t *child;

	if (json_is_object(node)) {
		LK_TRY(check_node(w, node, err));
		LK_TRY(walk_with(w, node, err));
		json_object_foreach(node, key, child)
			if (strcmp(key, "cte_map"))
				LK_TRY(walk(w, child, err));
	}
	json_array_foreach(node, i, child)
		LK_TRY(walk(w, child, err));
	w->count = outside;
	return LK_OK;
}

static enum lk_status walk_statements(struct lk_script *script, json_t *statements, struct lk_error *err)
{
	struct walk w = {.script = script};
	enum lk_status status = walk(&w, statements, err);

	free(w.visible);
	return status;
}

static enum lk_status parse_tree(struct lk_script *script, json_t *tree, size_t skipped, struct lk_error *err)
{
	json_t *statements = json_object_get(tree, "statements");

	if (json_is_true(json_object_get(tree, "error")))
		return serializer_error(script, tree, skipped, err);
	if (!json_is_array(statements))
		return lk_error_set(err, LK_BUG, "DuckDB's tree of the statement has no statements");
	script->statement_count = (int)json_array_size(statements);
	if (!script->statement_count)
		return lk_error_set(err, LK_DATA, "%s%s%sthere is no statement", script->text_name ? "'" : "",
			script->text_name ? script->text_name : "", script->text_name ? "': " : "");
	LK_TRY(walk_statements(script, statements, err));
	if ((script->explain || script->show_tables) && script->statement_count > 1)
		return lk_error_set(err, LK_NOPERM, "%s stands alone, without other statements",
			script->explain ? "EXPLAIN" : "SHOW TABLES");
	return LK_OK;
}

/* Places that DuckDB does not know are 2^64 - 1, which is no integer of jansson's: they become 0. No text within the tree reads so,
 * for its quotes are escaped. */
static void forget_places(char *json)
{
	static const char place[] = "\"query_location\":", unknown[] = "18446744073709551615";

	for (char *p = json; (p = strstr(p, place));) {
		p += sizeof(place) - 1;
		if (!strncmp(p, unknown, sizeof(unknown) - 1)) {
			memset(p, ' ', sizeof(unknown) - 1);
			*p = '0';
		}
	}
}

enum lk_status lk_script_parse(struct lk_script *script, struct lk_sql *sql, const char *text, const char *text_name,
	struct lk_error *err)
{
	const char *rest = skip_blank(text);
	json_error_t wrong;
	char *json;

	*script = (struct lk_script){.text = text, .text_name = text_name};
	if (keyword(rest, "explain", &rest)) {
		script->explain = true;
		keyword(rest, "analyze", &rest);
	} else {
		rest = text;
	}
	LK_TRY(serialize(sql, rest, &json, err));
	forget_places(json);
	script->tree = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	script->exact = script->tree != NULL;
	if (!script->tree)
		script->tree = json_loads(json, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &wrong);
	sql->duckdb.free(json);
	if (!script->tree)
		return lk_error_set(err, LK_DATA, "the statement cannot be checked: %s", wrong.text);
	return parse_tree(script, script->tree, (size_t)(rest - text), err);
}

/* ---- predicates ---- */

#define BEFORE_PREDICATE "SELECT 1 FROM lk_rows WHERE "

static bool is_absent(json_t *node, const char *key)
{
	json_t *value = json_object_get(node, key);

	return json_is_null(value) || (json_is_array(value) && !json_array_size(value));
}

/* A SELECT that has its WHERE and no other clause. */
static bool is_bare(json_t *node)
{
	static const char *const others[] = {"modifiers", "group_expressions", "group_sets", "having", "sample", "qualify"};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!is_absent(node, others[i]))
			return false;
	return !strcmp(text_of(node, "type"), "SELECT_NODE") && json_is_object(json_object_get(node, "where_clause")) &&
	       !strcmp(text_of(json_object_get(node, "from_table"), "type"), "BASE_TABLE");
}

static bool has_subquery(json_t *node)
{
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_object(node) && !strcmp(text_of(node, "class"), "SUBQUERY"))
		return true;
	json_object_foreach(node, key, child)
		if (has_subquery(child))
			return true;
	json_array_foreach(node, i, child)
		if (has_subquery(child))
			return true;
	return false;
}

static enum lk_status check_predicate(struct lk_script *script, json_t *tree, struct lk_error *err)
{
	json_t *node = json_object_get(json_array_get(json_object_get(tree, "statements"), 0), "node");

	/* Places count from the predicate's beginning. */
	if (strcmp(text_of(tree, "error_type"), "not implemented"))
		LK_TRY(parse_tree(script, tree, (size_t)0 - strlen(BEFORE_PREDICATE), err));
	if (script->statement_count == 1 && is_bare(node) && !has_subquery(json_object_get(node, "where_clause")))
		return LK_OK;
	return lk_error_set(err, LK_NOPERM, "'%s' is more than a predicate over the columns of one table", script->text);
}

enum lk_status lk_script_check_predicate(struct lk_sql *sql, const char *text, struct lk_error *err)
{
	struct lk_script script = {.text = text};
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;
	json_t *tree = NULL;
	char *json = NULL;

	lk_str_addf(&s, BEFORE_PREDICATE "%s", text);
	status = lk_str_check(&s, err);
	if (!status)
		status = serialize(sql, s.data, &json, err);
	lk_str_release(&s);
	if (status)
		return status;
	tree = json_loads(json, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
	sql->duckdb.free(json);
	status = tree ? check_predicate(&script, tree, err) : lk_error_set(err, LK_DATA, "the predicate cannot be checked");
	json_decref(tree);
	lk_script_release(&script);
	return status;
}

void lk_script_release(struct lk_script *script)
{
	free(script->names);
	json_decref(script->tree);
	lk_arena_release(&script->arena);
	*script = (struct lk_script){0};
}
