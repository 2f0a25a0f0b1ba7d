/* lk-diff: rows that were added, removed and changed. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/tool.h"
#include "sql/diff.h"

static const char *lake_path, *with, *key, *format_word, *output;
static struct lk_list tables;
static bool trace, stat, json;
static int64_t threads, memory;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake; LK_LAKE, or the nearest folder upward, when not given"},
	{LK_OPTION_LIST, 't', "table", &tables, "TABLE", "only this table; may be repeated"},
	{LK_OPTION_TEXT, 0, "with", &with, "LAKE", "compare with this lake, in which TO is"},
	{LK_OPTION_TEXT, 0, "key", &key, "COLUMN,...", "rows with the same values there are one row, changed"},
	{LK_OPTION_FLAG, 0, "trace", &trace, NULL, "compare lk_file and lk_row, too"},
	{LK_OPTION_FLAG, 0, "stat", &stat, NULL, "count differences by table"},
	{LK_OPTION_TEXT, 'F', "format", &format_word, "FORMAT", "table, csv, tsv, json, markdown, arrow or parquet"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "the same as -F json"},
	{LK_OPTION_TEXT, 'o', "output", &output, "FILE", "write to FILE, which appears once it is whole"},
	{LK_OPTION_NUMBER, 'j', "jobs", &threads, "N", "use N threads; one for each processor when not given"},
	{LK_OPTION_NUMBER, 0, "memory", &memory, "SIZE", "spill to disk beyond SIZE, such as 512M or 4G"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-diff",
	.usage = "[-l LAKE] [-t TABLE] [--with LAKE] [--key COLUMN,...] [--trace] [--stat] [-F FORMAT] [--json] [-o FILE] [-j N] "
		 "[--memory SIZE] [FROM [TO]]",
	.about = "Shows which rows were added, removed and changed. FROM and TO are times, snapshots, branches or tags; without TO, "
		 "it is now.",
	.options = options,
};

static enum lk_format choose_format(void)
{
	enum lk_format chosen;

	if (format_word && (!lk_format_parse(format_word, &chosen) || (json && chosen != LK_FORMAT_JSON)))
		lk_tool_misuse("there is no format '%s' here", format_word);
	if (format_word)
		return chosen;
	if (json)
		return LK_FORMAT_JSON;
	if (output && lk_format_of_path(output, &chosen))
		return chosen;
	return !output && isatty(STDOUT_FILENO) ? LK_FORMAT_TABLE : LK_FORMAT_CSV;
}

static enum lk_status diff(const struct lk_sql_diff_options *how, struct lk_error *err)
{
	struct lk_lake *lake = NULL, *other = NULL;
	enum lk_status status;
	bool differs = false;

	status = lk_lake_open_found(&lake, lake_path, LK_LAKE_READONLY, err);
	if (!status && with)
		status = lk_lake_open(&other, with, LK_LAKE_READONLY, err);
	if (!status)
		status = lk_sql_diff(lake, with ? other : lake, how, &differs, err);
	lk_lake_close(other);
	lk_lake_close(lake);
	return status ? status : differs ? LK_WANTING : LK_OK;
}

static enum lk_status run(int argc, char **argv, struct lk_error *err)
{
	struct lk_workspace workspace;
	struct lk_sql_diff_options how = {.from = argc ? argv[0] : NULL, .to = argc > 1 ? argv[1] : NULL, .tables = tables.items,
		.table_count = (int)tables.count, .key = key, .trace = trace, .stat = stat, .threads = threads,
		.memory_bytes = memory, .output = {.format = choose_format(), .path = output}, .say = lk_say, .detail = lk_detail};
	enum lk_status status;

	LK_TRY(lk_workspace_init(&workspace, err));
	how.output.workspace = &workspace;
	status = diff(&how, err);
	lk_workspace_release(&workspace);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	enum lk_status status;

	lk_tool_start(&tool, &argc, &argv);
	if (argc > 2)
		lk_tool_misuse("two moments are compared, not more");
	if (!argc && !with)
		lk_tool_misuse("from when? A time, snapshot, branch or tag is needed");
	if (key && !*key)
		lk_tool_misuse("--key needs the name of a column");
	signal(SIGPIPE, SIG_IGN);
	status = run(argc, argv, &err);
	if (status == LK_IO || status == LK_OK || status == LK_WANTING)
		lk_tool_end_by_pipe();
	return lk_tool_finish(status, &err);
}
