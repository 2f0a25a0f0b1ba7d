/* lk-gc: removes files of a lake that nothing leads to. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/tool.h"
#include "tend/gc.h"

#define DEFAULT_GRACE_MS (INT64_C(24) * 3600 * 1000)

static const char *lake_path;
static struct lk_list tables, staged;
static int64_t grace_ms = -1;
static bool dry_run, json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake"},
	{LK_OPTION_LIST, 't', "table", &tables, "TABLE", "only what lies in the folders of this table; may be repeated"},
	{LK_OPTION_TIME, 0, "grace", &grace_ms, "TIME", "leave what was changed in the last TIME; 24h unless given"},
	{LK_OPTION_LIST, 0, "staged", &staged, "DIR", "spare the files of the staged runs in DIR; may be repeated"},
	{LK_OPTION_FLAG, 'n', "dry-run", &dry_run, NULL, "remove nothing, and list what would be removed"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "write the outcome to standard output as JSON"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-gc",
	.usage = "[-l LAKE] [-t TABLE] [--grace TIME] [--staged DIR] [-n] [--json]",
	.about = "Removes files of a lake that nothing leads to. Writers leave them when they are killed, and commits that thin the history.",
	.options = options,
};

static enum lk_status show(const struct lk_gc *gc, const struct lk_gc_options *o, struct lk_error *err)
{
	struct lk_str out = LK_STR_INIT;
	enum lk_status status = LK_OK;

	if (json)
		status = lk_gc_json(gc, o, &out, err);
	for (size_t i = 0; !json && dry_run && i < gc->count; i++) {
		lk_str_addf(&out, "%12lld  ", (long long)gc->orphans[i].bytes);
		lk_path_text(&out, gc->orphans[i].path);
		lk_str_addc(&out, '\n');
	}
	if (!status)
		status = lk_str_check(&out, err);
	if (!status)
		fputs(lk_str_text(&out), stdout);
	lk_str_release(&out);
	return status;
}

static enum lk_status say(const struct lk_gc *gc)
{
	for (size_t i = 0; i < gc->problem_count; i++)
		if (*gc->problems[i].table)
			lk_warn("table %s is left alone: %s", gc->problems[i].table, gc->problems[i].text);
		else
			lk_warn("%s", gc->problems[i].text);
	lk_say("%s %zu file%s of %lld bytes", dry_run ? "would remove" : "removed", gc->count, gc->count == 1 ? "" : "s",
		(long long)gc->bytes);
	return gc->problem_count ? LK_WANTING : LK_OK;
}

static enum lk_status collect(struct lk_lake *lake, struct lk_error *err)
{
	const struct lk_gc_options o = {.tables = tables.items, .table_count = tables.count, .staged = staged.items,
		.staged_count = staged.count, .grace_ms = grace_ms < 0 ? DEFAULT_GRACE_MS : grace_ms, .dry_run = dry_run};
	struct lk_gc gc;
	enum lk_status status = lk_gc_run(&gc, lake, &o, err);

	if (!status)
		status = show(&gc, &o, err);
	if (!status)
		status = say(&gc);
	lk_gc_release(&gc);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};

	lk_tool_start(&tool, &argc, &argv);
	if (argc > 0)
		lk_tool_misuse("unexpected argument '%s'", argv[0]);
	return lk_tool_finish(lk_lake_with(lake_path, dry_run ? LK_LAKE_READONLY : 0, collect, &err), &err);
}
