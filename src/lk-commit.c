/* lk-commit: rows on standard input become snapshots of Iceberg tables, all in one transaction. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/tool.h"
#include "lake/commit.h"
#include "sql/finder.h"
#include "sql/merger.h"
#include "sql/rejects.h"

static const char *lake_path, *schema_word, *branch, *stage, *staged, *as, *once, *overwrite;
static bool plain, again, replace_partitions, json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake, made where it is missing (LK_LAKE)"},
	{LK_OPTION_TEXT, 0, "schema", &schema_word, "MODE", "what may change in tables: freeze, add or widen"},
	{LK_OPTION_TEXT, 0, "branch", &branch, "BRANCH", "commit to this branch instead of main"},
	{LK_OPTION_TEXT, 0, "stage", &stage, "DIR", "write files, and a description into DIR; commit nothing"},
	{LK_OPTION_TEXT, 0, "staged", &staged, "DIR", "commit what others staged in DIR"},
	{LK_OPTION_FLAG, 0, "plain", &plain, NULL, "take plain Arrow streams, whose end is taken on trust"},
	{LK_OPTION_TEXT, 0, "as", &as, "TABLE", "the table that plain rows go into"},
	{LK_OPTION_TEXT, 0, "once", &once, "NAME", "load these rows once under this name"},
	{LK_OPTION_TEXT, 0, "overwrite", &overwrite, "WHERE", "replace the table's rows for which this SQL predicate holds"},
	{LK_OPTION_FLAG, 0, "replace-partitions", &replace_partitions, NULL, "replace the partitions that rows come for"},
	{LK_OPTION_FLAG, 0, "again", &again, NULL, "load deliveries anew, in place of what is there of them"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "say what was committed as JSON"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-commit",
	.usage = "[-l LAKE] [--schema freeze|add|widen] [--branch BRANCH] [--stage DIR | --staged DIR] [--plain --as TABLE] "
		 "[--once NAME | --again] [--overwrite WHERE | --replace-partitions] [--json]",
	.about = "Commits a stream of rows to Iceberg tables. It comes on standard input, and all of it is committed in one "
		 "transaction, or nothing.",
	.options = options,
};

static enum lk_schema_mode schema_mode(void)
{
	static const char *const words[] = {"freeze", "add", "widen"};

	if (!schema_word)
		return LK_SCHEMA_FREEZE;
	for (int i = 0; i < 3; i++)
		if (!strcmp(schema_word, words[i]))
			return (enum lk_schema_mode)i;
	lk_tool_misuse("--schema is freeze, add or widen, not '%s'", schema_word);
}

static void check_options(int argc, char **argv)
{
	if (argc)
		lk_tool_misuse("unexpected argument '%s': rows come on standard input", argv[0]);
	if (staged && (stage || plain || as || once || again || schema_word || branch))
		lk_tool_misuse("--staged goes with -l and --json only");
	if (plain != (as != NULL))
		lk_tool_misuse("--plain and --as go together");
	if (overwrite && (stage || staged || again))
		lk_tool_misuse("--overwrite commits at once: not with --stage, --staged or --again");
	if (replace_partitions && (stage || staged || again || overwrite))
		lk_tool_misuse("--replace-partitions commits at once: not with --stage, --staged, --again or --overwrite");
	if (once && again)
		lk_tool_misuse("--again takes deliveries, and rows under a name of --once are none");
	if (once && !*once)
		lk_tool_misuse("--once needs a name");
}

static enum lk_status print(const struct lk_commit_report *report, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	if (json)
		lk_commit_report_json(report, &text);
	else
		lk_commit_report_text(report, &text);
	status = lk_str_check(&text, err);
	if (!status && (json || !lk_is_quiet()))
		fputs(lk_str_text(&text), stdout);
	lk_str_release(&text);
	return status ? status : report->again.count || lk_commit_report_held(report) ? LK_WANTING : LK_OK;
}

/* reader is NULL for what was staged. */
static enum lk_status run(const char *path, struct lk_reader *reader, const struct lk_commit_options *how, struct lk_error *err)
{
	struct lk_commit_report report = {LK_ARENA_INIT};
	struct lk_lake *lake = NULL;
	enum lk_status status = lk_lake_open(&lake, path, reader ? LK_LAKE_CREATE : 0, err);

	if (!status && reader)
		status = lk_commit_stream(lake, reader, how, &report, err);
	else if (!status)
		status = lk_commit_staged(lake, staged, how->rows, how->merger, &report, err);
	if (!status)
		status = print(&report, err);
	lk_commit_report_release(&report);
	lk_lake_close(lake);
	return status;
}

/* Rows must have begun to come before a lake is made for them. */
static enum lk_status run_stdin(const char *path, const struct lk_commit_options *how, struct lk_error *err)
{
	struct lk_reader *reader;
	enum lk_status status;

	LK_TRY(lk_reader_open(&reader, STDIN_FILENO, "standard input", plain ? LK_READER_PLAIN | LK_READER_ANY_FORM : 0, err));
	status = lk_reader_start(reader, err);
	if (!status)
		status = run(path, reader, how, err);
	lk_reader_close(reader);
	return status;
}

static enum lk_status start(struct lk_error *err)
{
	struct lk_reject_finder finder;
	struct lk_row_finder rows;
	struct lk_merger merger;
	const struct lk_commit_options how = {.schema = schema_mode(), .once = once, .as = as, .stage = stage, .finder = &finder,
		.branch = branch, .again = again, .overwrite = overwrite, .replace_partitions = replace_partitions,
		.rows = &rows, .merger = &merger};
	struct lk_rejects *rejects;
	struct lk_finder *found = NULL;
	struct lk_mergers *mergers = NULL;
	enum lk_status status;
	char *path;

	if (!staged && isatty(STDIN_FILENO))
		lk_tool_misuse("rows come on standard input, which is a terminal");
	LK_TRY(lk_lake_find(lake_path, &path, err));
	status = lk_rejects_open(&rejects, &finder, err);
	if (!status)
		status = overwrite ? lk_finder_open_where(&found, &rows, overwrite, err) : lk_finder_open(&found, &rows, err);
	if (status && overwrite)
		lk_error_prefix(err, "option '--overwrite'");
	if (!status)
		status = lk_merger_open(&mergers, &merger, err);
	if (!status)
		status = staged ? run(path, NULL, &how, err) : run_stdin(path, &how, err);
	lk_merger_close(mergers);
	lk_finder_close(found);
	lk_rejects_close(rejects);
	free(path);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};

	lk_tool_start(&tool, &argc, &argv);
	check_options(argc, argv);
	return lk_tool_finish(start(&err), &err);
}
