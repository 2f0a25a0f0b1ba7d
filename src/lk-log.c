/* lk-log: the history of a lake's tables, and of one row. */
#include <signal.h>

#include "base/tool.h"
#include "lake/log.h"
#include "sql/life.h"

static const char *lake_path, *format_word, *branch;
static struct lk_list tables, keys;
static int64_t max_count = -1;
static bool json, all, show_private;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake; LK_LAKE, or the nearest folder upward, when not given"},
	{LK_OPTION_LIST, 't', "table", &tables, "TABLE", "only this table; may be repeated"},
	{LK_OPTION_LIST, 0, "key", &keys, "KEY", "the life of the row with this key: VALUE,... or COLUMN=VALUE; may be repeated"},
	{LK_OPTION_FLAG, 0, "private", &show_private, NULL, "with --key, show values of private columns, too"},
	{LK_OPTION_TEXT, 0, "branch", &branch, "REF", "the history of this branch or tag instead of main's"},
	{LK_OPTION_FLAG, 0, "all", &all, NULL, "all snapshots, those too that no branch leads to"},
	{LK_OPTION_NUMBER, 0, "max-count", &max_count, "N", "the newest N snapshots"},
	{LK_OPTION_TEXT, 'F', "format", &format_word, "FORMAT", "table, csv, tsv, json or markdown"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "the same as -F json"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-log",
	.usage = "[-l LAKE] [-t TABLE] [--branch REF | --all] [--max-count N] [-F FORMAT] [--json]\n"
		 "[-l LAKE] -t TABLE --key KEY [--private] [--branch REF] [--max-count N] [-F FORMAT] [--json]",
	.about = "Shows the history of a lake's tables, newest first. A line for each snapshot tells what was done, by whom and with "
		 "which deliveries; with --key, what became of one row.",
	.options = options,
};

static enum lk_status show_life(struct lk_lake *lake, enum lk_format format, struct lk_error *err)
{
	struct lk_workspace workspace;
	struct lk_life_options how = {.table = tables.items[0], .keys = keys.items, .key_count = (int)keys.count, .branch = branch,
		.max_count = max_count, .show_private = show_private, .format = format, .out = stdout, .say = lk_say, .detail = lk_detail};
	enum lk_status status;
	int64_t lines;

	LK_TRY(lk_workspace_init(&workspace, err));
	how.workspace = &workspace;
	status = lk_life_write(lake, &how, &lines, err);
	lk_workspace_release(&workspace);
	if (!status && !lines && max_count)
		lk_say("no row of %s has had that key, as far as its history goes", how.table);
	return status;
}

static enum lk_status show_log(struct lk_lake *lake, enum lk_format format, struct lk_error *err)
{
	const struct lk_log_options how = {tables.items, (int)tables.count, branch, all, max_count};
	struct lk_log log;
	enum lk_status status = lk_log_read(&log, lake, &how, err);

	if (!status)
		status = lk_log_write(&log, format, stdout, err);
	lk_log_release(&log);
	return status;
}

static enum lk_status run(enum lk_format format, struct lk_error *err)
{
	struct lk_lake *lake = NULL;
	enum lk_status status;

	LK_TRY(lk_lake_open_found(&lake, lake_path, LK_LAKE_READONLY, err));
	status = keys.count ? show_life(lake, format, err) : show_log(lake, format, err);
	lk_lake_close(lake);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	enum lk_status status;
	enum lk_format format;

	lk_tool_start(&tool, &argc, &argv);
	if (argc)
		lk_tool_misuse("unexpected argument '%s': -t names a table", argv[0]);
	if (branch && all)
		lk_tool_misuse("--branch and --all exclude each other");
	if (keys.count && (tables.count != 1 || all))
		lk_tool_misuse("--key is about a row of one table: -t names it, and --all does not go with it");
	if (show_private && !keys.count)
		lk_tool_misuse("--private is about the values of a row: --key says which");
	if (!lk_format_choose(format_word, json, stdout, &format))
		lk_tool_misuse("'%s' is no format of lists", format_word);
	if (keys.count)
		signal(SIGPIPE, SIG_IGN); /* a folder of ours is removed first */
	status = run(format, &err);
	if (keys.count)
		lk_tool_end_by_pipe();
	return lk_tool_finish(status, &err);
}
