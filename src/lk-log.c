/* lk-log: the history of a lake's tables. */
#include <stdlib.h>

#include "base/tool.h"
#include "lake/log.h"

static const char *lake_path, *format_word, *branch;
static struct lk_list tables;
static int64_t max_count = -1;
static bool json, all;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake; LK_LAKE, or the nearest folder upward, when not given"},
	{LK_OPTION_LIST, 't', "table", &tables, "TABLE", "only this table; may be repeated"},
	{LK_OPTION_TEXT, 0, "branch", &branch, "REF", "the history of this branch or tag instead of main's"},
	{LK_OPTION_FLAG, 0, "all", &all, NULL, "all snapshots, those too that no branch leads to"},
	{LK_OPTION_NUMBER, 0, "max-count", &max_count, "N", "the newest N snapshots"},
	{LK_OPTION_TEXT, 'F', "format", &format_word, "FORMAT", "table, csv, tsv, json or markdown"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "the same as -F json"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-log",
	.usage = "[-l LAKE] [-t TABLE] [--branch REF | --all] [--max-count N] [-F FORMAT] [--json]",
	.about = "Shows the history of a lake's tables, newest first. A line for each snapshot tells what was done, by whom and with "
		 "which deliveries.",
	.options = options,
};

static enum lk_status run(enum lk_format format, struct lk_error *err)
{
	const struct lk_log_options how = {tables.items, (int)tables.count, branch, all, max_count};
	struct lk_lake *lake = NULL;
	struct lk_log log;
	enum lk_status status;

	LK_TRY(lk_lake_open_found(&lake, lake_path, LK_LAKE_READONLY, err));
	status = lk_log_read(&log, lake, &how, err);
	if (!status)
		status = lk_log_write(&log, format, stdout, err);
	lk_log_release(&log);
	lk_lake_close(lake);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	enum lk_format format;

	lk_tool_start(&tool, &argc, &argv);
	if (argc)
		lk_tool_misuse("unexpected argument '%s': -t names a table", argv[0]);
	if (branch && all)
		lk_tool_misuse("--branch and --all exclude each other");
	if (!lk_format_choose(format_word, json, stdout, &format))
		lk_tool_misuse("'%s' is no format of lists", format_word);
	return lk_tool_finish(run(format, &err), &err);
}
