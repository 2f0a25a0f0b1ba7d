/* lk-upsert: a stream of rows becomes a stream of changes against a lake. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/tool.h"
#include "sql/upsert.h"

static const char *lake_path, *key, *order, *op, *scope, *max_vanish, *branch;
static struct lk_list tables;
static bool full, patch, before, json;
static int64_t memory;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake; LK_LAKE, or the nearest folder upward, when not given"},
	{LK_OPTION_LIST, 't', "table", &tables, "TABLE", "only this table of the stream; may be repeated"},
	{LK_OPTION_TEXT, 0, "key", &key, "COLUMN,...", "the columns that tell rows apart"},
	{LK_OPTION_TEXT, 0, "order", &order, "COLUMN", "the column that says which version of a row is newest"},
	{LK_OPTION_TEXT, 0, "op", &op, "COLUMN", "the column that says insert, update or delete"},
	{LK_OPTION_FLAG, 0, "full", &full, NULL, "deliveries are complete lists: what is absent is deleted"},
	{LK_OPTION_TEXT, 0, "scope", &scope, "COLUMN,...", "lists are complete within the values of these columns"},
	{LK_OPTION_FLAG, 0, "patch", &patch, NULL, "columns that rows do not have keep their values"},
	{LK_OPTION_FLAG, 0, "before", &before, NULL, "write rows of before as well, with lk_op B"},
	{LK_OPTION_TEXT, 0, "branch", &branch, "BRANCH", "compare with this branch instead of main"},
	{LK_OPTION_TEXT, 0, "max-vanish", &max_vanish, "N|P%", "how many rows a complete list may delete of a scope: 50% when not given"},
	{LK_OPTION_NUMBER, 0, "memory", &memory, "SIZE", "spill to disk beyond SIZE, such as 512M or 4G: 1G when not given"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "say on standard error as JSON what became of the rows"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-upsert",
	.usage = "[-l LAKE] [-t TABLE] [--key COLUMN,...] [--order COLUMN] [--op COLUMN] [--full [--scope COLUMN,...] | --patch] [--before] "
		 "[--branch BRANCH] [--max-vanish N|P%] [--memory SIZE] [--json]",
	.about = "Turns a stream of rows into a stream of changes. By key each row is an insert, an update, a delete, or left out because the "
		 "lake has it or knows better. Nothing is written to the lake.",
	.options = options,
};

static void check_options(int argc, char **argv, struct lk_limit *limit)
{
	if (argc)
		lk_tool_misuse("unexpected argument '%s': rows come on standard input", argv[0]);
	if (full && patch)
		lk_tool_misuse("only one of --full and --patch can be given");
	if (scope && !full)
		lk_tool_misuse("--scope goes with --full");
	if (max_vanish && patch)
		lk_tool_misuse("--max-vanish is about complete lists, and --patch takes parts of rows");
	if (max_vanish && !lk_limit_parse(max_vanish, limit))
		lk_tool_misuse("--max-vanish is a number of rows or a percentage such as 10%%, not '%s'", max_vanish);
	if ((key && !*key) || (order && !*order) || (op && !*op) || (scope && !*scope))
		lk_tool_misuse("--key, --order, --op and --scope need the name of a column");
	if (memory && memory < 1 << 20)
		lk_tool_misuse("--memory of less than 1M is too small to work with");
}

static enum lk_status tell(const struct lk_upsert_report *report, struct lk_error *err)
{
	enum lk_status status = LK_OK;

	for (size_t i = 0; i < report->count; i++) {
		struct lk_str line = LK_STR_INIT;

		if (json)
			lk_upserted_json(&report->items[i], &line);
		else
			lk_upserted_text(&report->items[i], &line);
		if (lk_str_check(&line, err))
			status = err->status;
		else if (json)
			fprintf(stderr, "%s\n", line.data);
		else
			lk_say("%s", line.data);
		lk_str_release(&line);
		if (!status && report->items[i].counts.held)
			status = LK_WANTING;
	}
	return status;
}

static enum lk_status upsert(struct lk_lake *lake, struct lk_reader *in, const struct lk_upsert_options *how, struct lk_error *err)
{
	struct lk_upsert_report report = {.items = NULL};
	struct lk_writer *out;
	enum lk_status status;

	LK_TRY(lk_writer_open(&out, STDOUT_FILENO, "standard output", false, err));
	status = lk_upsert(lake, in, out, how, &report, err);
	if (status)
		lk_writer_abort(out);
	else
		status = lk_writer_close(out, err);
	if (!status)
		status = tell(&report, err);
	lk_upsert_report_release(&report);
	return status;
}

/* A lake that is not there yet has no rows. */
static enum lk_status open_lake(struct lk_lake **lake, struct lk_error *err)
{
	enum lk_status status;
	char *path;

	*lake = NULL;
	LK_TRY(lk_lake_find(lake_path, &path, err));
	status = lk_lake_open(lake, path, LK_LAKE_READONLY, err);
	if (status == LK_NOINPUT) {
		lk_say("there is no lake '%s' yet: all rows are new", path);
		status = LK_OK;
	}
	free(path);
	return status;
}

static enum lk_status run(const struct lk_upsert_options *how, struct lk_error *err)
{
	struct lk_lake *lake = NULL;
	struct lk_reader *in;
	enum lk_status status;

	if (isatty(STDIN_FILENO))
		lk_tool_misuse("rows come on standard input, which is a terminal");
	LK_TRY(lk_refuse_terminal(STDOUT_FILENO, "an lk stream", err));
	LK_TRY(lk_reader_open(&in, STDIN_FILENO, "standard input", 0, err));
	lk_pipe_enlarge(STDIN_FILENO);
	status = lk_reader_start(in, err);
	if (!status)
		status = open_lake(&lake, err);
	if (!status)
		status = upsert(lake, in, how, err);
	lk_lake_close(lake);
	lk_reader_close(in);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	struct lk_limit limit = LK_LIMIT_DEFAULT;
	struct lk_upsert_options how;

	lk_tool_start(&tool, &argc, &argv);
	check_options(argc, argv, &limit);
	how = (struct lk_upsert_options){.tables = tables.items, .table_count = tables.count, .key = key, .order = order, .op = op,
		.scope = scope, .full = full, .patch = patch, .before = before, .limit = max_vanish ? &limit : NULL, .branch = branch,
		.memory_bytes = memory ? (size_t)memory : LK_UPSERT_MEMORY, .say = lk_say};
	return lk_tool_finish(run(&how, &err), &err);
}
