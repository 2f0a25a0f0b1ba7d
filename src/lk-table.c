/* lk-table: makes, describes, alters, renames and drops tables. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tool.h"
#include "lake/metadata.h"
#include "lake/schema_text.h"
#include "lake/table.h"
#include "source/source.h"
#include "stream/side.h"
#include "tend/purge.h"

static const char *lake_path, *sources_path, *partition, *sort, *key;
static struct lk_list set;
static bool there_is_fine, dry_run, purge, json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake; create makes it where it is missing (LK_LAKE)"},
	{LK_OPTION_TEXT, 's', "sources", &sources_path, "SOURCES", "create: the tables of these data packages"},
	{LK_OPTION_TEXT, 0, "partition", &partition, "TERMS", "create, alter: keep rows apart by these, as in 'month(admitted)'"},
	{LK_OPTION_TEXT, 0, "sort", &sort, "TERMS", "create, alter: write rows in this order, as in 'admitted desc'"},
	{LK_OPTION_TEXT, 0, "key", &key, "COLUMNS", "create, alter: the columns that identify a row"},
	{LK_OPTION_LIST, 0, "set", &set, "KEY=VALUE", "create, alter: a property; may be repeated"},
	{LK_OPTION_FLAG, 0, "if-not-exists", &there_is_fine, NULL, "create: a table that is there is left as it is"},
	{LK_OPTION_FLAG, 'n', "dry-run", &dry_run, NULL, "alter, drop: show what would be, and change nothing"},
	{LK_OPTION_FLAG, 0, "purge", &purge, NULL, "drop: remove the table's files at once, too"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "print the table, or what was done, as JSON"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-table",
	.usage = "create [-l LAKE] [--partition TERMS] [--sort TERMS] [--key COLUMNS] [--set KEY=VALUE] [--if-not-exists] [--json] "
		 "TABLE COLUMNS\n"
		 "create [-l LAKE] -s SOURCES [TABLE ...]\n"
		 "describe [-l LAKE] [--json] TABLE\n"
		 "alter [-l LAKE] [-n] [--partition TERMS] [--sort TERMS] [--key COLUMNS] [--set KEY=VALUE] [--json] TABLE [ACTION ...]\n"
		 "rename [-l LAKE] [--json] TABLE NAME\n"
		 "drop [-l LAKE] [-n] [--purge] [--json] TABLE ...",
	.about = "Makes, describes, alters, renames and drops the tables of a lake.",
	.options = options,
};

/* ---- saying ---- */

static enum lk_status print_json(json_t *value, struct lk_error *err)
{
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	json_decref(value);
	if (!text)
		return lk_error_nomem(err);
	puts(text);
	free(text);
	return LK_OK;
}

/* Takes the table as it is or would be to standard output. */
static enum lk_status describe(const struct lk_table_change *c, struct lk_error *err)
{
	struct lk_str name = LK_STR_INIT;
	json_t *description = NULL;
	enum lk_status status;

	lk_str_addf(&name, "%s.%s", c->namespace_name, c->name);
	status = lk_table_describe(lk_str_text(&name), c->location, c->root, &description, err);
	if (status)
		lk_error_prefix(err, "table %s", lk_str_text(&name));
	if (!status && json)
		status = print_json(json_incref(description), err);
	else if (!status)
		status = lk_table_describe_text(description, stdout, err);
	json_decref(description);
	lk_str_release(&name);
	return status;
}

/* ---- what the command line asks for, understood before a lake is looked at ---- */

static struct {
	json_t *schema;
	struct lk_alter alter;
} request;

/* What options say is the same in create and, after its actions, in alter. */
static enum lk_status read_options(struct lk_error *err)
{
	struct lk_alter *alter = &request.alter;

	for (size_t i = 0; i < set.count; i++)
		LK_TRY(lk_alter_add_words(alter, "set", set.items[i], err));
	if (key)
		LK_TRY(lk_alter_add_words(alter, "key by", key, err));
	if (partition)
		LK_TRY(lk_alter_add_words(alter, "partition by", partition, err));
	return sort ? lk_alter_add_words(alter, "sort by", sort, err) : LK_OK;
}

static enum lk_status read_create(int argc, char **argv, struct lk_error *err)
{
	(void)argc;
	if (sources_path)
		return LK_OK;
	LK_TRY(lk_schema_read_columns(argv[1], &request.schema, err));
	return read_options(err);
}

/* Each argument is an action; where the first is but a word, all are one, as a shell without quotes hands it on. */
static enum lk_status read_actions(int argc, char **argv, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status = LK_OK;

	if (!argc || strpbrk(argv[0], " \t")) {
		for (int i = 0; i < argc && !status; i++)
			status = lk_alter_add(&request.alter, argv[i], err);
		return status;
	}
	for (int i = 0; i < argc; i++)
		lk_str_addf(&text, "%s%s", i ? " " : "", argv[i]);
	status = lk_str_check(&text, err);
	if (!status)
		status = lk_alter_add(&request.alter, text.data, err);
	lk_str_release(&text);
	return status;
}

static enum lk_status read_alter(int argc, char **argv, struct lk_error *err)
{
	LK_TRY(read_actions(argc - 1, argv + 1, err));
	return read_options(err);
}

/* ---- create ---- */

static enum lk_status create(struct lk_lake *lake, const char *table, struct lk_error *err)
{
	struct lk_table_change change = {0};
	enum lk_status status = lk_table_create(lake, table, request.schema, &request.alter, there_is_fine, &change, err);

	if (!status)
		lk_say(change.changed ? "made %s.%s" : "%s.%s is there already", change.namespace_name, change.name);
	if (!status && json)
		status = describe(&change, err);
	lk_table_change_release(&change);
	return status;
}

/* Whether a schema's table is one of those that were named; with none, all are. */
static bool is_meant(const struct ArrowSchema *schema, int argc, char **argv, bool *used)
{
	struct ArrowStringView name = {NULL, 0};
	bool meant = !argc;

	if (!lk_meta_get(schema, LK_META_TABLE, &name))
		return false;
	for (int i = 0; i < argc; i++) {
		const char *bare = strncmp(argv[i], "main.", 5) ? argv[i] : argv[i] + 5;
		size_t skip = name.size_bytes > 5 && !strncmp(name.data, "main.", 5) ? 5 : 0;

		if (strlen(bare) == (size_t)name.size_bytes - skip && !strncmp(bare, name.data + skip, strlen(bare)))
			meant = used[i] = true;
	}
	return meant;
}

static enum lk_status prepare(struct lk_lake *lake, const struct ArrowSchema *const *all, int count, int argc, char **argv,
	struct lk_error *err)
{
	const struct ArrowSchema **some = calloc((size_t)count + 1, sizeof(const struct ArrowSchema *));
	bool *used = calloc((size_t)argc + 1, sizeof(*used));
	enum lk_status status = some && used ? LK_OK : lk_error_nomem(err);
	int n = 0;

	for (int i = 0; i < count && !status; i++)
		if (is_meant(all[i], argc, argv, used))
			some[n++] = all[i];
	for (int i = 0; i < argc && !status; i++)
		if (!used[i])
			status = lk_error_set(err, LK_DATA, "no data package has a table '%s'", argv[i]);
	if (!status)
		status = lk_lake_prepare(lake, some, n, err);
	if (!status)
		lk_say("the tables of %d resources are there", n);
	free(some);
	free(used);
	return status;
}

static enum lk_status create_of_sources(struct lk_lake *lake, int argc, char **argv, struct lk_error *err)
{
	const struct ArrowSchema *const *schemas;
	struct lk_sources *sources;
	enum lk_status status;
	int count;

	LK_TRY(lk_sources_open(&sources, sources_path, err));
	status = lk_sources_schemas(sources, &schemas, &count, err);
	if (!status)
		status = prepare(lake, schemas, count, argc, argv, err);
	lk_sources_close(sources);
	return status;
}

static enum lk_status run_create(struct lk_lake *lake, int argc, char **argv, struct lk_error *err)
{
	return sources_path ? create_of_sources(lake, argc, argv, err) : create(lake, argv[0], err);
}

/* ---- describe ---- */

static enum lk_status run_describe(struct lk_lake *lake, int argc, char **argv, struct lk_error *err)
{
	struct lk_table_change found = {0};
	enum lk_status status = lk_table_look(lake, argv[0], &found, err);

	(void)argc;
	if (!status)
		status = describe(&found, err);
	lk_table_change_release(&found);
	return status;
}

/* ---- alter ---- */

static void say_altered(const struct lk_table_change *c)
{
	if (!c->changed)
		lk_say("%s.%s is so already", c->namespace_name, c->name);
	else
		lk_say("altered %s.%s: schema %lld, partition spec %lld, sort order %lld", c->namespace_name, c->name,
			(long long)lk_metadata_number(c->root, "current-schema-id", 0),
			(long long)lk_metadata_number(c->root, "default-spec-id", 0),
			(long long)lk_metadata_number(c->root, "default-sort-order-id", 0));
}

static enum lk_status run_alter(struct lk_lake *lake, int argc, char **argv, struct lk_error *err)
{
	struct lk_table_change change = {0};
	enum lk_status status = lk_table_alter(lake, argv[0], &request.alter, dry_run, &change, err);

	(void)argc;
	if (!status && !dry_run)
		say_altered(&change);
	if (!status && (dry_run || json))
		status = describe(&change, err);
	lk_table_change_release(&change);
	return status;
}

/* ---- rename ---- */

static enum lk_status run_rename(struct lk_lake *lake, int argc, char **argv, struct lk_error *err)
{
	struct lk_table_change change = {0};
	enum lk_status status = lk_table_rename(lake, argv[0], argv[1], &change, err);

	(void)argc;
	if (!status)
		lk_say("renamed %s to %s.%s", argv[0], change.namespace_name, change.name);
	if (!status && json)
		status = describe(&change, err);
	lk_table_change_release(&change);
	return status;
}

/* ---- drop ---- */

/* purged is NULL where files are not to be removed. */
static json_t *dropped_json(const struct lk_table_change *c, const struct lk_purge *purged)
{
	json_t *out = json_pack("{s:o, s:s, s:s, s:b, s:I, s:I}", "table", json_sprintf("%s.%s", c->namespace_name, c->name), "location",
		c->root ? lk_metadata_text(c->root, "location") : "", "metadata_location", c->location, "dry_run", dry_run,
		"removed_files", (json_int_t)(purged ? purged->count : 0), "removed_bytes", (json_int_t)(purged ? purged->bytes : 0));
	json_t *files = json_array();

	for (size_t i = 0; purged && i < purged->count; i++) {
		struct lk_str path = LK_STR_INIT;

		lk_path_text(&path, purged->files[i].path);
		json_array_append_new(files, json_string(lk_str_text(&path)));
		lk_str_release(&path);
	}
	json_object_set_new(out, "files", files);
	return out;
}

static void list_files(const struct lk_purge *purged)
{
	struct lk_str line = LK_STR_INIT;

	for (size_t i = 0; i < purged->count; i++) {
		lk_str_clear(&line);
		lk_str_addf(&line, "%12lld  ", (long long)purged->files[i].bytes);
		lk_path_text(&line, purged->files[i].path);
		puts(lk_str_text(&line));
	}
	lk_str_release(&line);
}

static enum lk_status say_dropped(const struct lk_table_change *c, const struct lk_purge *purged, struct lk_error *err)
{
	const char *done = dry_run ? "would drop" : "dropped", *folder = c->root ? lk_metadata_text(c->root, "location") : c->location;

	if (dry_run && purged && !json)
		list_files(purged);
	if (purged)
		lk_say("%s %s.%s and %s %zu files of %lld bytes; %zu others stay", done, c->namespace_name, c->name,
			dry_run ? "remove" : "removed", purged->count, (long long)purged->bytes, purged->spared);
	else
		lk_say("%s %s.%s; its files stay in %s for lk-gc", done, c->namespace_name, c->name, folder);
	return json ? print_json(dropped_json(c, purged), err) : LK_OK;
}

static enum lk_status drop_and_purge(struct lk_lake *lake, const char *name, struct lk_error *err)
{
	struct lk_table_change found = {0}, change = {0};
	struct lk_purge files = {.files = NULL};
	enum lk_status status = lk_table_look(lake, name, &found, err);

	if (!status)
		status = lk_purge_find(&files, lake, &found, err);
	if (!status)
		status = lk_table_drop(lake, name, dry_run, found.location, &change, err);
	if (!status && !dry_run)
		status = lk_purge_remove(&files, lake, err);
	if (!status)
		status = say_dropped(&change, &files, err);
	lk_purge_release(&files);
	lk_table_change_release(&change);
	lk_table_change_release(&found);
	return status;
}

static enum lk_status drop(struct lk_lake *lake, const char *name, struct lk_error *err)
{
	struct lk_table_change change = {0};
	enum lk_status status = lk_table_drop(lake, name, dry_run, NULL, &change, err);

	if (!status)
		status = say_dropped(&change, NULL, err);
	lk_table_change_release(&change);
	return status;
}

static enum lk_status run_drop(struct lk_lake *lake, int argc, char **argv, struct lk_error *err)
{
	enum lk_status status = LK_OK;

	for (int i = 0; i < argc && !status; i++)
		status = purge ? drop_and_purge(lake, argv[i], err) : drop(lake, argv[i], err);
	return status;
}

/* ---- commands ---- */

static const struct command {
	const char *name;
	int least, most; /* arguments; -1: any number */
	unsigned flags;	 /* of lk_lake_open */
	enum lk_status (*read)(int argc, char **argv, struct lk_error *err); /* may be NULL */
	enum lk_status (*run)(struct lk_lake *lake, int argc, char **argv, struct lk_error *err);
	const char *wants;
} commands[] = {
	{"create", 2, 2, LK_LAKE_CREATE, read_create, run_create, "a table and its columns"},
	{"describe", 1, 1, LK_LAKE_READONLY, NULL, run_describe, "a table"},
	{"alter", 2, -1, 0, read_alter, run_alter, "a table and what is to be altered"},
	{"rename", 2, 2, 0, NULL, run_rename, "a table and its new name"},
	{"drop", 1, -1, 0, NULL, run_drop, "tables"},
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (name && !strcmp(name, commands[i].name))
			return &commands[i];
	if (!name)
		lk_tool_misuse("a command is needed: create, describe, alter, rename or drop");
	lk_tool_misuse("there is no command '%s': create, describe, alter, rename and drop are", name);
}

static void check_options(const struct command *c, int argc)
{
	bool creates = !strcmp(c->name, "create");
	bool alters = !strcmp(c->name, "alter"), layout = partition || sort || key || set.count;

	if (!creates && (there_is_fine || sources_path))
		lk_tool_misuse("only create takes -s and --if-not-exists");
	if (!creates && !alters && layout)
		lk_tool_misuse("only create and alter take --partition, --sort, --key and --set");
	if (sources_path && (layout || there_is_fine || json))
		lk_tool_misuse("with -s the data packages say all there is to say of a table");
	if (dry_run && strcmp(c->name, "alter") && strcmp(c->name, "drop"))
		lk_tool_misuse("only alter and drop take -n");
	if (purge && strcmp(c->name, "drop"))
		lk_tool_misuse("only drop takes --purge");
	if (!sources_path && (argc < (alters && layout ? 1 : c->least) || (c->most >= 0 && argc > c->most)))
		lk_tool_misuse("%s takes %s", c->name, c->wants);
}

static enum lk_status run(const struct command *c, int argc, char **argv, struct lk_error *err)
{
	struct lk_lake *lake = NULL;
	enum lk_status status;

	if (c->read)
		LK_TRY(c->read(argc, argv, err));
	status = lk_lake_open_found(&lake, lake_path, c->flags, err);
	if (!status)
		status = c->run(lake, argc, argv, err);
	lk_lake_close(lake);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	const struct command *command;
	enum lk_status status;

	lk_tool_start(&tool, &argc, &argv);
	command = find_command(argv[0]);
	check_options(command, argc - 1);
	status = run(command, argc - 1, argv + 1, &err);
	lk_alter_release(&request.alter);
	json_decref(request.schema);
	free(set.items);
	return lk_tool_finish(status, &err);
}
