/* lk-compact: small files to large ones, deletes applied. */
#include <stdio.h>
#include <stdlib.h>

#include "base/tool.h"
#include "tend/compact.h"

static const char *lake_path;
static struct lk_list tables;
static int64_t jobs, memory;
static bool dry_run, json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake"},
	{LK_OPTION_LIST, 't', "table", &tables, "TABLE", "this table; may be repeated; all of them unless given"},
	{LK_OPTION_NUMBER, 'j', "jobs", &jobs, "N", "read with N threads; one for each processor when not given"},
	{LK_OPTION_NUMBER, 0, "memory", &memory, "SIZE", "read with so much memory, such as 512M or 4G"},
	{LK_OPTION_FLAG, 'n', "dry-run", &dry_run, NULL, "change nothing, and say what would be done"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "write the outcome to standard output as JSON"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-compact",
	.usage = "[-l LAKE] [-t TABLE] [-j N] [--memory SIZE] [-n] [--json]",
	.about = "Makes few large files of many small ones, and applies deletes.",
	.options = options,
};

static void show_progress(void *context, const char *table, int64_t bytes, int64_t all_bytes)
{
	(void)context;
	lk_progress("%s: %lld of %lld MB", table, (long long)(bytes >> 20), (long long)(all_bytes >> 20));
}

static enum lk_status say(const struct lk_compact *c)
{
	enum lk_status status = LK_OK;
	struct lk_compact_table sum = {0};

	for (size_t i = 0; i < c->count; i++) {
		const struct lk_compact_table *t = &c->tables[i];

		if (t->problem) {
			lk_warn("table %s.%s: %s", t->namespace_name, t->name, t->problem);
			status = t->conflict && status != LK_WANTING ? LK_CONFLICT : LK_WANTING;
		}
		sum.files += t->files;
		sum.bytes += t->bytes;
		sum.added_files += t->added_files;
		sum.added_bytes += t->added_bytes;
		sum.delete_files += t->delete_files;
		if (t->facts)
			lk_say("%s.%s: %lld facts that say nothing any more %s", t->namespace_name, t->name, (long long)t->facts,
				dry_run ? "would go" : "went");
		if (t->files || t->delete_files)
			lk_detail("%s.%s: %lld rows in %lld groups, %lld files became %lld", t->namespace_name, t->name,
				(long long)t->rows, (long long)t->groups, (long long)t->files, (long long)t->added_files);
	}
	if (dry_run)
		lk_say("would compact %lld files of %lld bytes", (long long)sum.files, (long long)sum.bytes);
	else
		lk_say("compacted %lld files of %lld bytes to %lld of %lld; %lld files of deletes went", (long long)sum.files,
			(long long)sum.bytes, (long long)sum.added_files, (long long)sum.added_bytes, (long long)sum.delete_files);
	return status;
}

/* What a dry run would do, for people. */
static void show_plan(const struct lk_compact *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct lk_compact_table *t = &c->tables[i];

		if (t->files || t->delete_files)
			printf("%s.%s  %lld files in %lld groups, %lld rows, %lld bytes; %lld files of deletes that apply to nothing\n",
				t->namespace_name, t->name, (long long)t->files, (long long)t->groups, (long long)t->rows,
				(long long)t->bytes, (long long)t->delete_files);
	}
}

static enum lk_status compact(struct lk_lake *lake, struct lk_error *err)
{
	const struct lk_compact_options o = {.tables = tables.items, .table_count = tables.count, .threads = jobs,
		.memory_bytes = memory, .dry_run = dry_run, .progress = lk_progress_wanted() ? show_progress : NULL};
	struct lk_str out = LK_STR_INIT;
	struct lk_compact c;
	enum lk_status status = lk_compact_run(&c, lake, &o, err);

	lk_progress_end();
	if (!status && json)
		status = lk_compact_json(&c, &o, &out, err);
	if (!status && json)
		fputs(lk_str_text(&out), stdout);
	if (!status && !json && dry_run)
		show_plan(&c);
	if (!status)
		status = say(&c);
	lk_str_release(&out);
	lk_compact_release(&c);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};

	lk_tool_start(&tool, &argc, &argv);
	if (argc > 0)
		lk_tool_misuse("unexpected argument '%s'", argv[0]);
	return lk_tool_finish(lk_lake_with(lake_path, dry_run ? LK_LAKE_READONLY : 0, compact, &err), &err);
}
