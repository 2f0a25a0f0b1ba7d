/*
 * Files whose columns are not found by field id alone: those that another engine added as they were, without ids, which are read by
 * the table's name mapping ("Column Projection", "Name Mapping Serialization" of Iceberg's specification), and those with nested
 * fields that were renamed since. Their footers say what they have, and an expression for each column makes it what the table
 * has now.
 */
#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "sql/scan.h"
#include "sql/view.h"

#define DEPTH_MAX 50
#define NODES_MAX 100000

/* An element of a file's schema, in the order of its footer: a parent before its children. */
struct node {
	char *name;
	int64_t id; /* -1: none */
	bool repeated;
	int first_child, next; /* their numbers; -1: none */
};

struct footer {
	struct node *nodes; /* the root first */
	int count;
	size_t cap;
	bool has_ids;
};

static void footer_release(struct footer *f)
{
	for (int i = 0; i < f->count; i++)
		free(f->nodes[i].name);
	free(f->nodes);
	*f = (struct footer){NULL};
}

/* ---- reading footers ---- */

struct reader {
	struct lk_duckdb *d;
	struct lk_duckdb_result *result;
	uint64_t row, rows;
};

enum { COLUMN_NAME, COLUMN_CHILDREN, COLUMN_ID, COLUMN_REPETITION, COLUMN_FILE };

static int64_t number_at(struct reader *r, uint64_t column, int64_t otherwise)
{
	char *text = r->d->value_varchar(r->result, column, r->row);
	int64_t n = text ? strtoll(text, NULL, 10) : otherwise;

	r->d->free(text);
	return n;
}

/* Reads the element at the reader's row and all below it; its number, or -1. */
static int read_node(struct reader *r, struct footer *f, int depth)
{
	int64_t children;
	int self = f->count, last = -1;
	char *name, *repetition;

	if (r->row >= r->rows || depth > DEPTH_MAX || f->count >= NODES_MAX ||
		!lk_grow((void **)&f->nodes, &f->cap, (size_t)f->count + 1, sizeof(*f->nodes)))
		return -1;
	f->count++;
	name = r->d->value_varchar(r->result, COLUMN_NAME, r->row);
	repetition = r->d->value_varchar(r->result, COLUMN_REPETITION, r->row);
	f->nodes[self] = (struct node){strdup(name ? name : ""), number_at(r, COLUMN_ID, -1), repetition && !strcmp(repetition, "REPEATED"), -1, -1};
	r->d->free(name);
	r->d->free(repetition);
	f->has_ids = f->has_ids || f->nodes[self].id >= 0;
	children = number_at(r, COLUMN_CHILDREN, 0);
	r->row++;
	for (int64_t i = 0; i < children; i++) {
		int child = read_node(r, f, depth + 1);

		if (child < 0)
			return -1;
		if (last < 0)
			f->nodes[self].first_child = child;
		else
			f->nodes[last].next = child;
		last = child;
	}
	return f->nodes[self].name ? self : -1;
}

/* The footer as text, so that those which are alike have one. */
static void add_signature(const struct footer *f, int node, struct lk_str *s)
{
	const struct node *n = &f->nodes[node];

	lk_str_addf(s, "%zu:%s/%lld%s(", strlen(n->name), n->name, (long long)n->id, n->repeated ? "*" : "");
	for (int i = n->first_child; i >= 0; i = f->nodes[i].next)
		add_signature(f, i, s);
	lk_str_addc(s, ')');
}

/* ---- what is where ---- */

struct projection {
	const struct lk_lake_table *table;
	const struct footer *footer;
	const json_t *mapping; /* the table's; NULL: by id */
	int lambda;	       /* of the next variable */
};

/* The entry of a name mapping that is about a field. */
static const json_t *mapping_of(const json_t *mapping, int64_t id)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(mapping, i, entry)
		if (json_is_integer(json_object_get(entry, "field-id")) && json_integer_value(json_object_get(entry, "field-id")) == id)
			return entry;
	return NULL;
}

static bool has_name(const json_t *entry, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(entry, "names"), i, item)
		if (json_is_string(item) && !strcmp(json_string_value(item), name))
			return true;
	return false;
}

/* The child of an element that is the field; -1 when the file does not have it. */
static int find_child(const struct projection *p, int parent, int64_t id, const json_t *mapping)
{
	const json_t *entry = p->mapping ? mapping_of(mapping, id) : NULL;

	for (int i = p->footer->nodes[parent].first_child; i >= 0; i = p->footer->nodes[i].next)
		if (p->mapping ? has_name(entry, p->footer->nodes[i].name) : p->footer->nodes[i].id == id)
			return i;
	return -1;
}

static const json_t *below(const struct projection *p, const json_t *mapping, int64_t id)
{
	return p->mapping ? json_object_get(mapping_of(mapping, id), "fields") : NULL;
}

/* ---- expressions ---- */

static bool add_value(struct projection *p, const char *from, const json_t *type, int node, const json_t *mapping, struct lk_str *s);

static bool add_sql_type(const json_t *type, struct lk_str *s)
{
	char *text = json_is_string(type) ? NULL : json_dumps(type, JSON_COMPACT);
	bool known = lk_sql_iceberg_type(text ? text : json_string_value(type), s);

	free(text);
	return known;
}

static bool add_struct(struct projection *p, const char *from, const json_t *type, int node, const json_t *mapping, struct lk_str *s)
{
	const json_t *fields = json_object_get(type, "fields"), *field;
	bool known = json_array_size(fields) > 0;
	size_t i;

	lk_str_addf(s, "CASE WHEN %s IS NULL THEN NULL ELSE struct_pack(", from);
	json_array_foreach(fields, i, field) {
		int64_t id = lk_metadata_number(field, "id", -1);
		int child = find_child(p, node, id, mapping);
		struct lk_str inner = LK_STR_INIT;

		lk_str_adds(s, i ? ", " : "");
		lk_sql_add_identifier(s, lk_metadata_text(field, "name"));
		lk_str_adds(s, " := ");
		if (child >= 0) {
			lk_str_addf(&inner, "struct_extract(%s, ", from);
			lk_sql_add_literal(&inner, p->footer->nodes[child].name);
			lk_str_addc(&inner, ')');
			known = known && add_value(p, lk_str_text(&inner), json_object_get(field, "type"), child, below(p, mapping, id), s);
		} else {
			lk_str_adds(s, "CAST(NULL AS ");
			known = known && add_sql_type(json_object_get(field, "type"), s);
			lk_str_addc(s, ')');
		}
		lk_str_release(&inner);
	}
	lk_str_adds(s, ") END");
	return known;
}

/* The group of a list or map that repeats, and of a list its element ("LIST" of Parquet's logical types, with the older forms). */
static int repeated_of(const struct projection *p, int node)
{
	int child = p->footer->nodes[node].first_child;

	return child >= 0 && p->footer->nodes[child].repeated && p->footer->nodes[child].next < 0 ? child : -1;
}

static int element_of(const struct projection *p, int node)
{
	int repeated = repeated_of(p, node), only = repeated >= 0 ? p->footer->nodes[repeated].first_child : -1;

	if (repeated < 0 || only < 0 || p->footer->nodes[only].next >= 0 || !strcmp(p->footer->nodes[repeated].name, "array"))
		return repeated;
	return only;
}

static bool add_list(struct projection *p, const char *from, const json_t *type, int node, const json_t *mapping, struct lk_str *s)
{
	int element = element_of(p, node);
	char name[16];
	bool known;

	if (element < 0)
		return false;
	snprintf(name, sizeof(name), "x%d", p->lambda++);
	lk_str_addf(s, "list_transform(%s, lambda %s: ", from, name);
	known = add_value(p, name, json_object_get(type, "element"), element, below(p, mapping, lk_metadata_number(type, "element-id", -1)), s);
	lk_str_addc(s, ')');
	return known;
}

static bool add_map(struct projection *p, const char *from, const json_t *type, int node, const json_t *mapping, struct lk_str *s)
{
	int pair = repeated_of(p, node), key = pair >= 0 ? p->footer->nodes[pair].first_child : -1;
	int value = key >= 0 ? p->footer->nodes[key].next : -1;
	char name[16], part[32];
	bool known;

	if (value < 0)
		return false;
	snprintf(name, sizeof(name), "x%d", p->lambda++);
	lk_str_addf(s, "map_from_entries(list_transform(map_entries(%s), lambda %s: struct_pack(k := ", from, name);
	snprintf(part, sizeof(part), "%s.key", name);
	known = add_value(p, part, json_object_get(type, "key"), key, below(p, mapping, lk_metadata_number(type, "key-id", -1)), s);
	lk_str_adds(s, ", v := ");
	snprintf(part, sizeof(part), "%s.value", name);
	known = known && add_value(p, part, json_object_get(type, "value"), value,
				 below(p, mapping, lk_metadata_number(type, "value-id", -1)), s);
	lk_str_adds(s, ")))");
	return known;
}

/* An expression for a value of this type, of which `from` is what the file has. mapping: the fields within it. */
static bool add_value(struct projection *p, const char *from, const json_t *type, int node, const json_t *mapping, struct lk_str *s)
{
	const char *kind = lk_metadata_text(type, "type");

	if (json_is_string(type)) {
		lk_str_adds(s, from);
		return true;
	}
	if (!strcmp(kind, "struct"))
		return add_struct(p, from, type, node, mapping, s);
	if (!strcmp(kind, "list"))
		return add_list(p, from, type, node, mapping, s);
	return !strcmp(kind, "map") && add_map(p, from, type, node, mapping, s);
}

/* ---- columns that a file does not have ---- */

/* The field of a spec that has the column's very values; NULL when there is none. */
static const json_t *identity_field(const json_t *metadata, int32_t spec_id, int32_t source_id)
{
	const json_t *spec, *field;
	size_t i, j;

	json_array_foreach(json_object_get(metadata, "partition-specs"), i, spec)
		json_array_foreach(json_object_get(spec, "fields"), j, field)
			if (lk_metadata_number(spec, "spec-id", -1) == spec_id && lk_metadata_number(field, "source-id", -1) == source_id &&
				!strcmp(lk_metadata_text(field, "transform"), "identity"))
				return field;
	return NULL;
}

static const struct lk_partition_value *constant_of(const struct lk_lake_table *t, int file, int32_t column_id)
{
	const struct lk_data_file *f = &t->files[file].entry;
	const json_t *field = identity_field(t->metadata, f->spec_id, column_id);
	const struct lk_partition_value *v = field ? lk_data_file_partition(f, (int32_t)lk_metadata_number(field, "field-id", -1)) : NULL;

	return v && !v->null ? v : NULL;
}

/* What a column is in files that do not have it: the value of their partition, or else the column's default. \1 is the file's number. */
static void add_absent(const struct lk_lake_table *t, const struct lk_scan_group *g, const struct lk_lake_column *c, struct lk_str *s)
{
	bool constant = false;
	int next = 0;

	for (int i = 0; i < g->file_count; i++)
		constant = constant || constant_of(t, g->files[i], c->id);
	if (!constant) {
		lk_sql_add_default(s, c);
		return;
	}
	lk_str_adds(s, "([");
	for (int i = 0; i < t->file_count; i++) {
		const struct lk_partition_value *v = NULL;

		if (next < g->file_count && g->files[next] == i) {
			v = constant_of(t, i, c->id);
			next++;
		}
		lk_str_adds(s, i ? ", " : "");
		if (!v || !lk_sql_add_single(s, c->type, &v->value))
			lk_str_adds(s, "NULL");
	}
	lk_str_adds(s, "])[\1 + 1]");
}

/* ---- groups ---- */

static enum lk_status add_expression(struct projection *p, const struct lk_scan_group *g, const struct lk_lake_column *c, struct lk_str *s,
	struct lk_error *err)
{
	json_t *nested = *c->type == '{' ? json_loads(c->type, 0, NULL) : NULL, *word = nested ? NULL : json_string(c->type);
	int node = find_child(p, 0, c->id, p->mapping);
	struct lk_str from = LK_STR_INIT;
	bool known = true;
	enum lk_status status;

	lk_str_adds(s, "CAST(");
	if (node >= 0) {
		lk_sql_add_identifier(&from, p->footer->nodes[node].name);
		known = add_value(p, lk_str_text(&from), nested ? nested : word, node, below(p, p->mapping, c->id), s);
	} else {
		add_absent(p->table, g, c, s);
	}
	lk_str_adds(s, " AS ");
	status = known ? lk_scan_add_type(p->table, c, s, err)
		       : lk_error_set(err, LK_MISSING, "column %s of '%s' is nested in a way that is not known", c->name,
				 p->table->files[g->files[0]].path);
	lk_str_addc(s, ')');
	lk_str_release(&from);
	json_decref(nested);
	json_decref(word);
	return status;
}

/* Names that DuckDB would make others of. */
static enum lk_status check_names(const struct footer *f, const char *path, struct lk_error *err)
{
	static const char *const own[] = {"file_index", "file_row_number", "filename"};

	for (int i = f->nodes->first_child; i >= 0; i = f->nodes[i].next) {
		for (size_t k = 0; k < sizeof(own) / sizeof(*own); k++)
			if (!strcasecmp(f->nodes[i].name, own[k]))
				return lk_error_set(err, LK_MISSING, "'%s' has a column called %s, which cannot be read by its name", path, own[k]);
		for (int j = f->nodes[i].next; j >= 0; j = f->nodes[j].next)
			if (!strcasecmp(f->nodes[i].name, f->nodes[j].name))
				return lk_error_set(err, LK_MISSING, "'%s' has two columns called %s but for letter case, which cannot be told apart",
					path, f->nodes[i].name);
	}
	return LK_OK;
}

static enum lk_status make_expressions(struct lk_file_scan *scan, struct lk_scan_group *g, const struct footer *f, const json_t *mapping,
	struct lk_error *err)
{
	struct projection p = {scan->table, f, mapping, 0};
	const char *path = scan->table->files[g->files[0]].path;
	enum lk_status status;

	if (!f->has_ids && !mapping)
		return lk_error_set(err, LK_DATA, "'%s' has no field ids, and the table has no mapping of names", path);
	LK_TRY(check_names(f, path, err));
	g->expressions = calloc((size_t)scan->column_count + 1, sizeof(char *));
	if (!g->expressions)
		return lk_error_nomem(err);
	for (int i = 0; i < scan->column_count; i++) {
		struct lk_str s = LK_STR_INIT;

		status = add_expression(&p, g, &scan->columns[i], &s, err);
		g->expressions[i] = s.data;
		if (!status)
			status = lk_str_check(&s, err);
		if (status)
			return status;
	}
	return LK_OK;
}

/* Whether files of such footers can be read by field id as they are: all there is has its id, and nothing inside was renamed. */
static bool is_plain(const struct lk_file_scan *scan, const struct lk_scan_group *g, const struct footer *f)
{
	struct projection p = {scan->table, f, NULL, 0};

	if (!f->has_ids || !scan->table->nested_same)
		return false;
	for (int i = 0; i < scan->column_count; i++) {
		bool absent = find_child(&p, 0, scan->columns[i].id, NULL) < 0;

		for (int j = 0; absent && j < g->file_count; j++)
			if (constant_of(scan->table, g->files[j], scan->columns[i].id))
				return false;
	}
	return true;
}

struct kind {
	char *signature;
	struct footer footer;
};

struct sorter {
	struct lk_file_scan *scan;
	struct kind *kinds; /* one for each of the scan's groups */
	size_t cap;
};

/* Takes over the footer. */
static enum lk_status add_file(struct sorter *o, int file, struct footer *footer, struct lk_error *err)
{
	struct lk_file_scan *scan = o->scan;
	struct lk_str s = LK_STR_INIT;
	struct lk_scan_group *g;
	size_t i = 0;

	add_signature(footer, 0, &s);
	LK_TRY(lk_str_check(&s, err));
	while (i < scan->group_count && strcmp(o->kinds[i].signature, s.data) != 0)
		i++;
	if (i == scan->group_count) {
		if (!lk_grow((void **)&scan->groups, &scan->group_cap, i + 1, sizeof(*scan->groups)) ||
			!lk_grow((void **)&o->kinds, &o->cap, i + 1, sizeof(*o->kinds)))
			return lk_error_nomem(err);
		scan->groups[i] = (struct lk_scan_group){malloc((size_t)scan->table->file_count * sizeof(int)), 0, NULL};
		o->kinds[i] = (struct kind){s.data, *footer};
		*footer = (struct footer){NULL};
		scan->group_count++;
	} else {
		lk_str_release(&s);
		footer_release(footer);
	}
	g = &scan->groups[i];
	if (!g->files)
		return lk_error_nomem(err);
	g->files[g->file_count++] = file;
	return LK_OK;
}

static enum lk_status read_footers(struct sorter *o, struct reader *r, struct lk_error *err)
{
	const struct lk_lake_table *t = o->scan->table;

	for (int file = 0; file < t->file_count; file++) {
		struct footer footer = {NULL};
		char *path = r->row < r->rows ? r->d->value_varchar(r->result, COLUMN_FILE, r->row) : NULL;
		bool same = path && !strcmp(path, t->files[file].path);
		enum lk_status status = LK_OK;

		r->d->free(path);
		if (!same || read_node(r, &footer, 0) < 0)
			status = lk_error_set(err, LK_DATA, "the footer of '%s' cannot be understood", t->files[file].path);
		if (!status)
			status = add_file(o, file, &footer, err);
		footer_release(&footer);
		if (status)
			return status;
	}
	return LK_OK;
}

static enum lk_status ask_footers(struct sorter *o, struct lk_sql *sql, struct lk_error *err)
{
	const struct lk_lake_table *t = o->scan->table;
	struct lk_duckdb_result result = {{0}};
	struct lk_str s = LK_STR_INIT;
	struct reader r = {&sql->duckdb, &result, 0, 0};
	enum lk_status status;

	lk_str_adds(&s, "SELECT name, num_children, field_id, repetition_type, file_name FROM parquet_schema([");
	for (int i = 0; i < t->file_count; i++) {
		lk_str_adds(&s, i ? ", " : "");
		lk_sql_add_path(&s, t->files[i].path);
	}
	lk_str_adds(&s, "])");
	status = lk_str_check(&s, err);
	if (!status && sql->duckdb.query(sql->connection, s.data, &result))
		status = lk_sql_error(sql->duckdb.result_error(&result), NULL, NULL, err);
	if (!status) {
		r.rows = sql->duckdb.row_count(&result);
		status = read_footers(o, &r, err);
	}
	sql->duckdb.destroy_result(&result);
	lk_str_release(&s);
	return status;
}

static enum lk_status project(struct sorter *o, struct lk_sql *sql, const json_t *mapping, struct lk_error *err)
{
	LK_TRY(ask_footers(o, sql, err));
	for (size_t i = 0; i < o->scan->group_count; i++)
		if (!is_plain(o->scan, &o->scan->groups[i], &o->kinds[i].footer))
			LK_TRY(make_expressions(o->scan, &o->scan->groups[i], &o->kinds[i].footer, o->kinds[i].footer.has_ids ? NULL : mapping, err));
	return LK_OK;
}

enum lk_status lk_scan_project(struct lk_file_scan *scan, struct lk_sql *sql, struct lk_error *err)
{
	const struct lk_lake_table *t = scan->table;
	const char *text = lk_metadata_property(t->metadata, "schema.name-mapping.default");
	json_t *mapping = text ? json_loads(text, 0, NULL) : NULL;
	struct sorter o = {.scan = scan};
	enum lk_status status = LK_OK;

	if (text && !json_is_array(mapping))
		status = lk_error_set(err, LK_DATA, "its schema.name-mapping.default is not a list");
	if (!status && t->file_count)
		status = project(&o, sql, mapping, err);
	for (size_t i = 0; i < scan->group_count && o.kinds; i++) {
		free(o.kinds[i].signature);
		footer_release(&o.kinds[i].footer);
	}
	free(o.kinds);
	json_decref(mapping);
	return status ? lk_error_prefix(err, "table '%s.%s'", t->namespace_name, t->name) : LK_OK;
}
