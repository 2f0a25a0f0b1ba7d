/* Changes of tables: each by itself, and long random sequences of which nothing may break what Iceberg relies on. */
#include <stdlib.h>
#include <unistd.h>

#include "lake/alter.h"
#include "lake/metadata.h"
#include "lake/schema_text.h"
#include "tap.h"

static struct lk_error err;

/* ---- tables ---- */

static json_t *make_table(const char *columns)
{
	json_t *schema, *properties = json_object(), *root = NULL;
	int64_t last = 0;

	if (lk_schema_read_columns(columns, &schema, &err) || lk_tree_number(schema, &last, &err)) {
		ok(false, "%s", err.message);
		exit(1);
	}
	root = lk_metadata_new("f79c3e09-677c-4bbd-a479-3f349cb785e7", "file:///lake/main/t", schema, last, properties);
	json_decref(schema);
	json_decref(properties);
	return root;
}

/* Makes actions ('|' between them) on *root, which is left as it was after an error. */
static enum lk_status make(json_t **root, const char *actions)
{
	struct lk_alter alter = {0};
	json_t *next = json_deep_copy(*root);
	char *copy = strdup(actions), *rest = copy, *text;
	enum lk_status status = LK_OK;

	while (!status && (text = strsep(&rest, "|")))
		status = lk_alter_add(&alter, text, &err);
	if (!status)
		status = lk_alter_make(&alter, next, &err);
	if (!status) {
		json_t *old = *root;

		*root = json_incref(next);
		json_decref(old);
	}
	json_decref(next);
	lk_alter_release(&alter);
	free(copy);
	return status;
}

/* The columns of the current schema, as "1 id long!, 2 name string". */
static void columns_text(const json_t *root, struct lk_str *out)
{
	struct lk_tree tree;

	if (lk_tree_make(&tree, lk_metadata_schema(root), &err)) {
		lk_str_adds(out, err.message);
		return;
	}
	for (size_t i = 0; i < tree.count; i++) {
		const struct lk_tree_node *n = &tree.nodes[i];
		const char *type = json_is_string(n->type) ? json_string_value(n->type) : lk_metadata_text(n->type, "type");

		lk_str_addf(out, "%s%d %s %s%s", i ? ", " : "", (int)n->id, n->path, type, n->required ? "!" : "");
	}
	lk_tree_release(&tree);
}

static void is_columns(const json_t *root, const char *want, const char *title)
{
	struct lk_str text = LK_STR_INIT;

	columns_text(root, &text);
	is_text(lk_str_text(&text), want, "%s", title);
	lk_str_release(&text);
}

static void is_json(const json_t *value, const char *want, const char *title)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);

	is_text(text ? text : "nothing", want, "%s", title);
	free(text);
}

static const json_t *spec_of(const json_t *root)
{
	return json_object_get(lk_metadata_spec(root), "fields");
}

static const json_t *order_of(const json_t *root)
{
	int64_t id = lk_metadata_number(root, "default-sort-order-id", -1);
	json_t *order;
	size_t i;

	json_array_foreach(json_object_get(root, "sort-orders"), i, order)
		if (lk_metadata_number(order, "order-id", -1) == id)
			return json_object_get(order, "fields");
	return NULL;
}

/* Each line is an action on a table of these columns, and a part of the sentence that refuses it. */
static void refused(const char *columns, const char *const (*cases)[2], size_t count, enum lk_status want)
{
	for (size_t i = 0; i < count; i++) {
		json_t *root = make_table(columns), *before = json_deep_copy(root);
		enum lk_status status = make(&root, cases[i][0]);

		ok(status == want && strstr(err.message, cases[i][1]), "refused: %s", cases[i][0]);
		if (status != want || !strstr(err.message, cases[i][1]))
			printf("#   status %d: %s\n#   wanted: %s\n", status, status ? err.message : "done", cases[i][1]);
		json_decref(root);
		json_decref(before);
	}
}

/* ---- types ---- */

static void test_types(void)
{
	static const char *const same[] = {"long", "decimal(9, 2)", "fixed[16]", "list<string>", "map<string, long not null>",
		"struct<a: int not null, \"b c\": list<struct<x: double>>>", "timestamptz", "uuid", "binary"};
	static const char *const other[][2] = {{"BIGINT", "long"}, {"decimal(9,2)", "decimal(9, 2)"}, {"fixed(3)", "fixed[3]"},
		{"array<integer>", "list<int>"}, {"struct<a int,b:real>", "struct<a: int, b: float>"},
		{"struct<`a``b`: date comment 'it''s'>", "struct<\"a`b\": date>"}};
	static const char *const bad[] = {"varchar", "decimal(39, 1)", "decimal(2, 3)", "decimal", "list<>", "list<int", "map<int>",
		"struct<>", "struct<a>", "fixed(0)", "timestamp_ns", "", "fixed[99999999999999999999]", "decimal(9, 2", "struct<a: int,>"};
	struct lk_str text = LK_STR_INIT, deep = LK_STR_INIT;
	json_t *type;

	for (size_t i = 0; i < sizeof(same) / sizeof(*same) + sizeof(other) / sizeof(*other); i++) {
		size_t k = i - sizeof(same) / sizeof(*same);
		const char *from = i < sizeof(same) / sizeof(*same) ? same[i] : other[k][0];
		const char *to = i < sizeof(same) / sizeof(*same) ? same[i] : other[k][1];
		struct lk_lexer s = {from, from};

		lk_str_clear(&text);
		if (!lk_schema_read_type(&s, &type, &err))
			lk_schema_write_type(type, &text);
		is_text(lk_str_text(&text), to, "type %s", from);
		json_decref(type);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct lk_lexer s = {bad[i], bad[i]};

		is_int(lk_schema_read_type(&s, &type, &err), LK_USAGE, "no type: '%s': %s", bad[i], err.message);
	}
	for (int i = 0; i < 100000; i++)
		lk_str_adds(&deep, "list<");
	is_int(lk_schema_read_type(&(struct lk_lexer){deep.data, deep.data}, &type, &err), LK_USAGE, "types have a depth: %s",
		err.message);
	lk_str_release(&text);
	lk_str_release(&deep);
}

static void test_ids(void)
{
	json_t *root = make_table("a struct<x: int, y: struct<z: int>>, m map<struct<k: int>, list<int>>, b int not null");

	is_columns(root,
		"1 a struct, 4 a.x int, 5 a.y struct, 6 a.y.z int, 2 m map, 7 m.key struct!, 9 m.key.k int, 8 m.value list, "
		"10 m.value.element int, 3 b int!",
		"ids go struct by struct, as in Java");
	json_decref(root);
}

/* ---- columns ---- */

static void test_columns(void)
{
	json_t *root = make_table("id long not null, name string, n int, f float, d decimal(9, 2)");

	is_int(make(&root, "add column place struct<lat: double, lon: double> after id comment where, exactly"), LK_OK, "a struct is added");
	is_columns(root,
		"1 id long!, 6 place struct, 7 place.lat double, 8 place.lon double, 2 name string, 3 n int, 4 f float, 5 d decimal(9, 2)",
		"behind the column that was named");
	is_json(json_object_get(json_array_get(json_object_get(lk_metadata_schema(root), "fields"), 1), "doc"),
		"\"where, exactly\"", "with its comment");
	is_int(make(&root, "add column place.alt int before lat"), LK_OK, "a column is added to a struct");
	is_int(make(&root, "drop column place.lon|move column n first|rename column name to \"full name\""), LK_OK, "three at once");
	is_columns(root,
		"3 n int, 1 id long!, 6 place struct, 9 place.alt int, 7 place.lat double, 2 full name string, 4 f float, 5 d decimal(9, 2)",
		"each did what it says, and ids stay");
	is_int(make(&root, "alter column n type long|alter column f type double|alter column d type decimal(12, 2)"), LK_OK, "widened");
	is_int(make(&root, "alter column id drop not null"), LK_OK, "a column may become optional");
	is_columns(root,
		"3 n long, 1 id long, 6 place struct, 9 place.alt int, 7 place.lat double, 2 full name string, 4 f double, "
		"5 d decimal(12, 2)",
		"all of that is so");
	is_int((long long)json_array_size(json_object_get(root, "schemas")), 6, "a schema for each commit, not for each action");
	is_int(make(&root, "alter column n type long"), LK_OK, "the same type is no change");
	is_int((long long)json_array_size(json_object_get(root, "schemas")), 6, "and no schema");
	is_int(make(&root, "add column tmp int"), LK_OK, "a column comes");
	is_int(make(&root, "drop column tmp"), LK_OK, "and goes");
	is_int((long long)json_array_size(json_object_get(root, "schemas")), 7, "to a schema that was there");
	is_int(lk_metadata_number(root, "current-schema-id", -1), 5, "under its old number");
	is_int(make(&root, "add column tmp int"), LK_OK, "and comes again");
	is_int(lk_metadata_number(root, "last-column-id", -1), 11, "with an id of its own");
	json_decref(root);
}

static void test_refused_columns(void)
{
	static const char columns[] = "id long not null, Name string, d double not null, place struct<lat: double, lon: double>, "
				      "tags list<struct<k: string>>, m map<struct<k: int>, struct<v: int>>, o int";
	static const char *const data[][2] = {
		{"add column id int", "there is a column 'id' already"},
		{"add column name int", "differs in case only"},
		{"rename column o to ID", "differs in case only"},
		{"rename column o to id", "there is a column 'id' already"},
		{"add column x int not null", "cannot be required"},
		{"add column nothing.x int", "there is no column 'nothing'"},
		{"add column o.x int", "'o' is no struct"},
		{"add column m.key.x int", "is a map's key"},
		{"add column \"place.lat\" int", "'place.lat' is there twice"},
		{"add column x int after nothing", "there is no column 'nothing' beside it"},
		{"add column place.x int after id", "there is no column 'id' beside it"},
		{"drop column nothing", "there is no column 'nothing'"},
		{"drop column NAME", "there is no column 'NAME', but 'Name'"},
		{"drop column tags.element", "is no column but"},
		{"drop column tags.element.k", "is the only one there"},
		{"drop column m.key.k", "is a map's key"},
		{"rename column m.key to x", "is a map's key"},
		{"move column id after id", "cannot stand beside itself"},
		{"move column place.lat after id", "there is no column 'id' beside it"},
		{"alter column id type int", "is long and cannot become int"},
		{"alter column Name type binary", "cannot become binary"},
		{"alter column o type double", "only int becomes long"},
		{"alter column place type string", "is struct<lat: double, lon: double> and cannot become string"},
		{"alter column m.key.k type long", "is a map's key"},
		{"key by o", "it may be null"},
		{"key by d", "floating point"},
		{"key by place", "it is nested"},
		{"key by place.lat", "floating point"},
		{"key by tags.element.k", "it is inside of a list or map"},
		{"key by id, id", "twice"},
		{"key by id|drop column id", "is part of the key"},
		{"key by id|alter column id drop not null", "is part of the key"},
		{"partition by o|drop column o", "the table is partitioned by column 'o'"},
		{"sort by place.lat|drop column place", "the table is sorted by column 'place'"},
	};
	static const char *const usage[][2] = {
		{"", "it begins with none of"},
		{"truncate table", "it begins with none of"},
		{"add column", "a column is expected"},
		{"add column x", "a type is expected"},
		{"add column x int first last", "the end is expected at 'last'"},
		{"add column x int after", "a column is expected"},
		{"add column x nonsense", "'nonsense' is no type"},
		{"drop column a b", "the end is expected at 'b'"},
		{"rename column a b", "to is expected at 'b'"},
		{"move column a", "first, after or before is expected"},
		{"alter column a set not null", "cannot become required"},
		{"alter column a", "type, comment or drop not null is expected"},
		{"alter column a type struct<b: int not>", "null is expected"},
		{"drop column \"a", "is not closed"},
		{"drop column \"\"", "must not be empty"},
		{"set a", "KEY=VALUE is expected"},
		{"unset", "a property is expected"},
		{"partition by bucket(0, id)", "at least 1"},
		{"partition by bucket(id)", "',' is expected"},
		{"partition by shard(id)", "'shard' is no transform"},
		{"key by month(a)", "not of what is made of them"},
		{"sort by a upward", "the end is expected at 'upward'"},
		{"add column x int comment 'a' b", "the end is expected at 'b'"},
	};

	refused(columns, data, sizeof(data) / sizeof(*data), LK_DATA);
	refused(columns, usage, sizeof(usage) / sizeof(*usage), LK_USAGE);
}

/* ---- partitions and order ---- */

static void test_partitions(void)
{
	json_t *root = make_table("id long not null, name string, at timestamptz, place struct<ward: string>");

	is_int(make(&root, "partition by month(at), bucket(16, id), truncate(name, 10)"), LK_OK, "a spec");
	is_json(spec_of(root),
		"[{\"field-id\":1000,\"name\":\"at_month\",\"source-id\":3,\"transform\":\"month\"},"
		"{\"field-id\":1001,\"name\":\"id_bucket_16\",\"source-id\":1,\"transform\":\"bucket[16]\"},"
		"{\"field-id\":1002,\"name\":\"name_trunc_10\",\"source-id\":2,\"transform\":\"truncate[10]\"}]",
		"named and numbered as the reference implementation does");
	is_int(lk_metadata_number(root, "last-partition-id", 0), 1002, "the last id is kept");
	is_int(make(&root, "drop partition bucket(16, id)|replace partition month(at) with day(at) as the_day"), LK_OK, "another");
	is_json(spec_of(root),
		"[{\"field-id\":1002,\"name\":\"name_trunc_10\",\"source-id\":2,\"transform\":\"truncate[10]\"},"
		"{\"field-id\":1003,\"name\":\"the_day\",\"source-id\":3,\"transform\":\"day\"}]",
		"what stays keeps its id");
	is_int(make(&root, "add partition bucket(16, id)|add partition place.ward"), LK_OK, "one comes back, one is nested");
	is_json(json_array_get(spec_of(root), 2),
		"{\"field-id\":1001,\"name\":\"id_bucket_16\",\"source-id\":1,\"transform\":\"bucket[16]\"}", "under its old id");
	is_json(json_array_get(spec_of(root), 3), "{\"field-id\":1004,\"name\":\"place.ward\",\"source-id\":5,\"transform\":\"identity\"}",
		"and under a new one");
	is_int(make(&root, "partition by ()"), LK_OK, "no partitions");
	is_int(lk_metadata_number(root, "default-spec-id", -1), 0, "is the spec that was the first");
	is_int(make(&root, "partition by month(at), bucket(16, id), truncate(10, name)"), LK_OK, "what was once");
	is_int(lk_metadata_number(root, "default-spec-id", -1), 1, "is taken up again");
	is_int((long long)json_array_size(json_object_get(root, "partition-specs")), 4, "so there are four specs");
	is_int(make(&root, "rename partition at_month to m"), LK_OK, "a field is renamed");
	is_json(json_array_get(spec_of(root), 0), "{\"field-id\":1000,\"name\":\"m\",\"source-id\":3,\"transform\":\"month\"}",
		"and keeps its id");
	is_int(make(&root, "drop partition m"), LK_OK, "a field is dropped by its name");
	is_int(make(&root, "sort by at desc, name nulls last, bucket(4, id) asc"), LK_OK, "an order");
	is_json(order_of(root),
		"[{\"direction\":\"desc\",\"null-order\":\"nulls-last\",\"source-id\":3,\"transform\":\"identity\"},"
		"{\"direction\":\"asc\",\"null-order\":\"nulls-last\",\"source-id\":2,\"transform\":\"identity\"},"
		"{\"direction\":\"asc\",\"null-order\":\"nulls-first\",\"source-id\":1,\"transform\":\"bucket[4]\"}]",
		"with nulls where Java has them");
	is_int(lk_metadata_number(root, "default-sort-order-id", -1), 1, "is number 1");
	is_int(make(&root, "sort by ()"), LK_OK, "no order");
	is_int(lk_metadata_number(root, "default-sort-order-id", -1), 0, "is number 0");
	is_int(make(&root, "sort by at desc nulls last, name asc nulls last, bucket(4, id)"), LK_OK, "what was once");
	is_int(lk_metadata_number(root, "default-sort-order-id", -1), 1, "is number 1 again");
	is_int(make(&root, "rename column at to admitted|key by id"), LK_OK, "columns may change their names");
	is_json(json_object_get(lk_metadata_schema(root), "identifier-field-ids"), "[1]", "the key is there");
	is_int(make(&root, "key by ()"), LK_OK, "the key goes");
	ok(!json_object_get(lk_metadata_schema(root), "identifier-field-ids"), "without a trace");
	json_decref(root);
}

static void test_refused_partitions(void)
{
	static const char columns[] = "id long not null, x double, b boolean, day date, t time, tags list<string>, s struct<v: int>, u uuid";
	static const char *const cases[][2] = {
		{"partition by nothing", "there is no column 'nothing'"},
		{"partition by bucket(4, x)", "does not go with column 'x', which is double"},
		{"partition by hour(day)", "hour(day) does not go"},
		{"partition by truncate(4, u)", "does not go"},
		{"partition by month(t)", "does not go"},
		{"partition by s", "is nested"},
		{"partition by tags.element", "inside of a list or map"},
		{"partition by void(id)", "void keeps nothing apart"},
		{"partition by id, id", "there is a partition field 'id' already"},
		{"add partition bucket(4, id) as b4|add partition bucket(4, id) as c4", "'b4' is the same"},
		{"partition by month(day), year(day)", "say the same of one column"},
		{"add partition bucket(4, id) as x", "and a column have the same name"},
		{"add partition bucket(4, id) as id", "and a column have the same name"},
		{"partition by bucket(4, id)|add column id_bucket_4 int", "and a column have the same name"},
		{"partition by bucket(4, id)|rename column x to id_bucket_4", "and a column have the same name"},
		{"partition by id|rename column id to key|add column id int", "and a column have the same name"},
		{"drop partition bucket(4, id)", "the table is not partitioned by bucket(4, id)"},
		{"drop partition nothing", "the table is not partitioned by nothing"},
		{"rename partition a to b", "there is no partition field 'a'"},
		{"partition by id, bucket(4, id)|rename partition id to id_bucket_4", "already"},
		{"sort by id, id desc", "twice"},
		{"sort by bucket(3, b)", "does not go"},
		{"sort by void(id)", "puts nothing in order"},
	};
	json_t *root = make_table(columns);

	refused(columns, cases, sizeof(cases) / sizeof(*cases), LK_DATA);
	is_int(make(&root, "partition by day(day), x"), LK_OK, "a table is partitioned");
	is_int(make(&root, "drop partition x"), LK_OK, "no more by x");
	is_int(make(&root, "drop column x"), LK_DATA, "but files of before are: %s", err.message);
	json_decref(root);
}

/* ---- properties ---- */

static void test_properties(void)
{
	static const char *const cases[][2] = {
		{"set format-version=3", "'format-version' is not for properties"},
		{"set current-schema={}", "is not for properties"},
		{"set =x", "is not for properties"},
		{"set schema.name-mapping.default=[1]", "is a JSON list"},
		{"unset nothing", "there is no property 'nothing'"},
		{"set lk.key=[\"b\"]|drop column b", "is named by the table's property lk.key"},
	};
	json_t *root = make_table("a int, b int, s struct<x: int, y: int>");
	const json_t *p;

	refused("a int, b int", cases, sizeof(cases) / sizeof(*cases), LK_DATA);
	is_int(make(&root,
		       "set comment = a=b, c |set lk.key=[\"a\",\"s.x\"]|set lk.order=b|set lk.phi.a=direct|set lk.phi.b=quasi|"
		       "set write.metadata.metrics.column.s.x=full|set write.metadata.metrics.column.s.y=none|"
		       "set schema.name-mapping.default=[{\"field-id\":1,\"names\":[\"a\",\"A\"]},{\"field-id\":2,\"names\":[\"b\"]},"
		       "{\"field-id\":3,\"names\":[\"s\"],\"fields\":[{\"field-id\":4,\"names\":[\"x\"]}]}]"),
		LK_OK, "properties are set");
	is_text(lk_metadata_property(root, "comment"), "a=b, c ", "a value is all behind the first =");
	is_int(make(&root, "rename column a to t|rename column b to a|rename column t to b|rename column s to p"), LK_OK,
		"two columns change names with each other");
	p = json_object_get(root, "properties");
	is_json(p,
		"{\"comment\":\"a=b, c \",\"lk.key\":\"[\\\"b\\\",\\\"p.x\\\"]\",\"lk.order\":\"a\",\"lk.phi.a\":\"quasi\","
		"\"lk.phi.b\":\"direct\",\"schema.name-mapping.default\":\"[{\\\"field-id\\\":1,\\\"names\\\":[\\\"A\\\",\\\"b\\\"]},"
		"{\\\"field-id\\\":2,\\\"names\\\":[\\\"a\\\"]},{\\\"field-id\\\":3,\\\"names\\\":[\\\"s\\\",\\\"p\\\"],"
		"\\\"fields\\\":[{\\\"field-id\\\":4,\\\"names\\\":[\\\"x\\\"]}]}]\",\"write.metadata.metrics.column.p.x\":\"full\","
		"\"write.metadata.metrics.column.p.y\":\"none\"}",
		"and all that is said of them goes along");
	is_int(make(&root, "add column p.z list<int>|drop column p.y|unset comment"), LK_OK, "more changes");
	is_text(lk_metadata_property(root, "schema.name-mapping.default"),
		"[{\"field-id\":1,\"names\":[\"A\",\"b\"]},{\"field-id\":2,\"names\":[\"a\"]},{\"field-id\":3,\"names\":[\"s\",\"p\"],"
		"\"fields\":[{\"field-id\":4,\"names\":[\"x\"]},{\"field-id\":6,\"names\":[\"z\"],\"fields\":[{\"field-id\":7,"
		"\"names\":[\"element\"]}]}]}]",
		"new columns are in the mapping");
	ok(!lk_metadata_property(root, "write.metadata.metrics.column.p.y"), "what was said of a dropped column is gone");
	json_decref(root);
}

/* ---- other writers ---- */

static void test_again(void)
{
	json_t *base = make_table("a int, b int"), *first = json_deep_copy(base), *second = json_deep_copy(base);
	struct lk_alter alter = {0};

	is_int(lk_alter_add(&alter, "drop column b", &err), LK_OK, "b is to be dropped");
	is_int(lk_alter_make(&alter, first, &err), LK_OK, "that goes");
	is_int(make(&second, "add column c int"), LK_OK, "another writer was first");
	is_int(lk_alter_make(&alter, second, &err), LK_OK, "it still goes");
	is_columns(second, "1 a int, 3 c int", "both changes are there");
	json_decref(second);
	second = json_deep_copy(base);
	is_int(make(&second, "rename column b to c|add column b string"), LK_OK, "another writer has another b");
	is_int(lk_alter_make(&alter, second, &err), LK_CONFLICT, "which was not meant: %s", err.message);
	json_decref(second);
	second = json_deep_copy(base);
	is_int(make(&second, "drop column b"), LK_OK, "another writer did the same");
	is_int(lk_alter_make(&alter, second, &err), LK_CONFLICT, "so it is told: %s", err.message);
	lk_alter_release(&alter);
	json_decref(base);
	json_decref(first);
	json_decref(second);
}

/* ---- unsound metadata of others ---- */

static void test_unsound(void)
{
	static const char *const schemas[] = {
		"{\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"a\",\"type\":\"int\"},{\"id\":1,\"name\":\"b\",\"type\":\"int\"}]}",
		"{\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"a\",\"type\":\"int\"},{\"id\":2,\"name\":\"a\",\"type\":\"int\"}]}",
		"{\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"a\",\"type\":{\"type\":\"list\"}}]}",
		"{\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"a\"}]}",
		"{\"schema-id\":0,\"fields\":[{\"id\":0,\"name\":\"a\",\"type\":\"int\"}]}",
		"{\"schema-id\":0,\"fields\":[{\"id\":1,\"type\":\"int\"}]}",
		"{\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"a\",\"type\":{\"type\":\"bag\"}}]}",
	};
	json_t *root, *deep = json_string("int");

	for (size_t i = 0; i < sizeof(schemas) / sizeof(*schemas); i++) {
		root = make_table("a int");
		json_array_set_new(json_object_get(root, "schemas"), 0, json_loads(schemas[i], 0, NULL));
		is_int(make(&root, "set a=b"), LK_DATA, "unsound: %s", err.message);
		json_decref(root);
	}
	root = make_table("a int");
	for (int i = 100; i > 2; i--)
		deep = json_pack("{s:s, s:i, s:o, s:b}", "type", "list", "element-id", i, "element", deep, "element-required", 0);
	json_object_set_new(json_array_get(json_object_get(lk_metadata_schema(root), "fields"), 0), "type", deep);
	is_int(make(&root, "set a=b"), LK_DATA, "nested too deep: %s", err.message);
	json_object_set_new(root, "format-version", json_integer(1));
	is_int(make(&root, "set a=b"), LK_MISSING, "of v1: %s", err.message);
	json_decref(root);
}

/* ---- at random ---- */

static uint64_t state = 88172645463325252u;

static unsigned dice(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state % n);
}

static const char *pick_path(const json_t *root, struct lk_arena *arena)
{
	struct lk_tree tree;
	const char *path = "nothing";

	if (dice(20) && !lk_tree_make(&tree, lk_metadata_schema(root), &err)) {
		path = lk_arena_strdup(arena, tree.nodes[dice((unsigned)tree.count)].path);
		lk_tree_release(&tree);
	}
	return path;
}

static const char *pick_term(const json_t *root, struct lk_arena *arena)
{
	static const char *const forms[] = {"%s", "bucket(4, %s)", "bucket(8, %s)", "truncate(3, %s)", "day(%s)", "month(%s)", "hour(%s)"};
	const char *form = forms[dice(7)], *path = pick_path(root, arena), *at = strstr(form, "%s");

	return lk_arena_printf(arena, "%.*s%s%s", (int)(at - form), form, path, at + 2);
}

static const char *random_action(const json_t *root, struct lk_arena *arena)
{
	static const char *const types[] = {"int", "long", "float", "double", "date", "string", "timestamptz", "decimal(5, 2)",
		"decimal(9, 2)", "struct<p: int, q: string>", "list<struct<e: int>>", "map<string, int>"};
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "A", "p", "q", "a_bucket_4", "b_day"};
	const char *path = pick_path(root, arena), *name = names[dice(13)], *type = types[dice(12)];
	char inside[2] = {'.', 0};

	switch (dice(16)) {
	case 0:
	case 1:
		return lk_arena_printf(arena, "add column %s %s", name, type);
	case 2:
		return lk_arena_printf(arena, "add column %s%s%s %s", path, inside, name, type);
	case 3:
		return lk_arena_printf(arena, "add column %s %s %s", name, type, dice(2) ? "first" : "before id");
	case 4:
	case 5:
		return lk_arena_printf(arena, "drop column %s", path);
	case 6:
		return lk_arena_printf(arena, "rename column %s to %s", path, name);
	case 7:
		return lk_arena_printf(arena, "move column %s %s", path, dice(2) ? "first" : "after id");
	case 8:
		return lk_arena_printf(arena, "alter column %s type %s", path, type);
	case 9:
		return lk_arena_printf(arena, "alter column %s %s", path, dice(2) ? "drop not null" : "comment x");
	case 10:
		return lk_arena_printf(arena, "add partition %s", pick_term(root, arena));
	case 11:
		return lk_arena_printf(arena, "drop partition %s", pick_term(root, arena));
	case 12:
		return lk_arena_printf(arena, "partition by %s, %s", pick_term(root, arena), pick_term(root, arena));
	case 13:
		return lk_arena_printf(arena, "sort by %s desc", pick_term(root, arena));
	case 14:
		return dice(2) ? "sort by ()" : "key by ()";
	default:
		return lk_arena_printf(arena, "key by %s", path);
	}
}

/* What is wrong with a table, or NULL. */
static const char *check_schemas(const json_t *root, const json_t *before)
{
	int64_t last = lk_metadata_number(root, "last-column-id", 0), was = lk_metadata_number(before, "last-column-id", 0);
	json_t *schemas = json_object_get(root, "schemas"), *schema, *other;
	size_t i, k;

	if (last < was)
		return "last-column-id went back";
	json_array_foreach(schemas, i, schema) {
		struct lk_tree tree, now;

		if (lk_tree_make(&tree, schema, &err))
			return err.message;
		for (k = 0; k < tree.count; k++)
			if (tree.nodes[k].id > last)
				return "an id is above last-column-id";
		if (i >= json_array_size(json_object_get(before, "schemas"))) {
			if (lk_tree_make(&now, lk_metadata_schema(before), &err))
				return err.message;
			for (k = 0; k < tree.count; k++)
				if (tree.nodes[k].id <= was && !lk_tree_by_id(&now, tree.nodes[k].id))
					return "an id of before came back";
			lk_tree_release(&now);
		}
		lk_tree_release(&tree);
		json_array_foreach(schemas, k, other)
			if (k < i && (json_equal(json_object_get(schema, "schema-id"), json_object_get(other, "schema-id")) ||
					     (json_equal(json_object_get(schema, "fields"), json_object_get(other, "fields")) &&
						     json_equal(json_object_get(schema, "identifier-field-ids"),
							     json_object_get(other, "identifier-field-ids")))))
				return "a schema is there twice";
	}
	return lk_metadata_schema(root) ? NULL : "there is no current schema";
}

static const char *check_specs(const json_t *root, const struct lk_tree *tree, json_t *meanings)
{
	json_t *spec, *field;
	size_t i, k;

	json_array_foreach(json_object_get(root, "partition-specs"), i, spec)
		json_array_foreach(json_object_get(spec, "fields"), k, field) {
			const struct lk_tree_node *source = lk_tree_by_id(tree, lk_metadata_number(field, "source-id", 0));
			const struct lk_tree_node *named = lk_tree_find(tree, lk_metadata_text(field, "name"));
			json_t *meaning;
			char id[24];

			if (!source || !json_is_string(source->type))
				return "a partition field has no source";
			if (named && named != source)
				return "a partition field has the name of another column";
			if (lk_metadata_number(field, "field-id", 0) > lk_metadata_number(root, "last-partition-id", 0))
				return "an id is above last-partition-id";
			snprintf(id, sizeof(id), "%d", (int)lk_metadata_number(field, "field-id", 0));
			meaning = json_object_get(meanings, id);
			if (meaning && (!json_equal(json_object_get(meaning, "source-id"), json_object_get(field, "source-id")) ||
					       !json_equal(json_object_get(meaning, "transform"), json_object_get(field, "transform"))))
				return "an id of a partition field means two things";
			json_object_set(meanings, id, field);
		}
	return lk_metadata_spec(root) ? NULL : "there is no default spec";
}

static const char *check_rest(const json_t *root, const struct lk_tree *tree)
{
	json_t *item;
	size_t i;

	if (!order_of(root))
		return "there is no default order";
	json_array_foreach(order_of(root), i, item)
		if (!lk_tree_by_id(tree, lk_metadata_number(item, "source-id", 0)))
			return "the order has no source";
	json_array_foreach(json_object_get(lk_metadata_schema(root), "identifier-field-ids"), i, item) {
		const struct lk_tree_node *node = lk_tree_by_id(tree, json_integer_value(item));

		if (!node || !node->required || !json_is_string(node->type))
			return "the key is not one";
	}
	return NULL;
}

/* The name mapping must find every column of today by its name. */
static const char *check_mapping(const json_t *root, const struct lk_tree *tree)
{
	json_t *mapping = json_loads(lk_metadata_property(root, "schema.name-mapping.default"), 0, NULL);
	const char *wrong = NULL;

	for (size_t i = 0; i < tree->count && !wrong; i++) {
		const struct lk_tree_node *path[80], *n = &tree->nodes[i];
		json_t *level = mapping, *field, *name;
		size_t depth = 0, k, m;

		for (; n; n = lk_tree_parent(tree, n))
			path[depth++] = n;
		while (depth-- && !wrong) {
			json_t *inner = NULL;

			json_array_foreach(level, k, field)
				json_array_foreach(json_object_get(field, "names"), m, name)
					if (!strcmp(json_string_value(name), path[depth]->name)) {
						if (inner || lk_metadata_number(field, "field-id", -1) != path[depth]->id)
							wrong = "the name mapping finds another column";
						inner = field;
					}
			if (!inner)
				wrong = "the name mapping misses a column";
			level = json_object_get(inner, "fields");
		}
	}
	json_decref(mapping);
	return wrong;
}

static const char *check(const json_t *root, const json_t *before)
{
	const char *wrong = check_schemas(root, before);
	json_t *meanings = json_object();
	struct lk_tree tree;

	if (!wrong && lk_tree_make(&tree, lk_metadata_schema(root), &err))
		wrong = err.message;
	else if (!wrong) {
		wrong = check_specs(root, &tree, meanings);
		if (!wrong)
			wrong = check_rest(root, &tree);
		if (!wrong)
			wrong = check_mapping(root, &tree);
		lk_tree_release(&tree);
	}
	json_decref(meanings);
	return wrong;
}

static void test_random(void)
{
	int done_count = 0, refused_count = 0;

	for (int run = 0; run < 40; run++) {
		json_t *root = make_table("id long not null, a struct<p: int, q: string>, n int, at timestamptz, w decimal(5, 2) not null");
		const char *wrong = NULL, *text = "";
		struct lk_arena arena = LK_ARENA_INIT;

		if (make(&root, "set schema.name-mapping.default=[{\"field-id\":1,\"names\":[\"id\"]},{\"field-id\":2,\"names\":[\"a\"],"
				"\"fields\":[{\"field-id\":6,\"names\":[\"p\"]},{\"field-id\":7,\"names\":[\"q\"]}]},"
				"{\"field-id\":3,\"names\":[\"n\"]},{\"field-id\":4,\"names\":[\"at\"]},{\"field-id\":5,\"names\":[\"w\"]}]"))
			wrong = err.message;
		for (int i = 0; i < 60 && !wrong; i++) {
			json_t *before = json_incref(root);
			enum lk_status status;

			text = random_action(root, &arena);
			if (dice(3) == 0)
				text = lk_arena_printf(&arena, "%s|%s", text, random_action(root, &arena));
			status = make(&root, text);
			done_count += !status;
			refused_count += status == LK_DATA;
			if (status && status != LK_DATA)
				wrong = err.message;
			else if (!status)
				wrong = check(root, before);
			json_decref(before);
		}
		if (wrong)
			ok(false, "run %d, '%s': %s", run, text, wrong);
		lk_arena_release(&arena);
		json_decref(root);
	}
	ok(done_count > 300 && refused_count > 300, "%d random changes were made, %d refused", done_count, refused_count);
}

int main(void)
{
	test_types();
	test_ids();
	test_columns();
	test_refused_columns();
	test_partitions();
	test_refused_partitions();
	test_properties();
	test_again();
	test_unsound();
	test_random();
	return done();
}
