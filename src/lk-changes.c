/* lk-changes: what became of a table's rows, as a stream. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/tool.h"
#include "sql/take.h"

static const char *lake_path, *table, *from, *to, *key, *cursor, *reset, *format_word, *output;
static bool net, trace, forget, cursors, json;
static int64_t threads, memory;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake; LK_LAKE, or the nearest folder upward, when not given"},
	{LK_OPTION_TEXT, 't', "table", &table, "TABLE", "whose changes"},
	{LK_OPTION_TEXT, 0, "from", &from, "MOMENT", "behind this snapshot, time, branch or tag; from the oldest snapshot on when not given"},
	{LK_OPTION_TEXT, 0, "to", &to, "MOMENT", "up to this one, and with it; up to now when not given"},
	{LK_OPTION_TEXT, 0, "key", &key, "COLUMN,...", "rows with the same values there are one row, changed"},
	{LK_OPTION_FLAG, 0, "net", &net, NULL, "the difference between the two moments alone"},
	{LK_OPTION_FLAG, 0, "trace", &trace, NULL, "a row that came from elsewhere has changed, too"},
	{LK_OPTION_TEXT, 0, "cursor", &cursor, "NAME", "begin where NAME was, and move it once the changes are taken"},
	{LK_OPTION_TEXT, 0, "reset", &reset, "MOMENT", "put the cursor there, and write nothing"},
	{LK_OPTION_FLAG, 0, "forget", &forget, NULL, "forget the cursor, and write nothing"},
	{LK_OPTION_FLAG, 0, "cursors", &cursors, NULL, "list the cursors of the lake"},
	{LK_OPTION_TEXT, 'F', "format", &format_word, "FORMAT", "arrow, table, csv, tsv, json, markdown or parquet"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "the same as -F json"},
	{LK_OPTION_TEXT, 'o', "output", &output, "FILE", "write to FILE, which appears once it is whole"},
	{LK_OPTION_NUMBER, 'j', "jobs", &threads, "N", "use N threads; one for each processor when not given"},
	{LK_OPTION_NUMBER, 0, "memory", &memory, "SIZE", "spill to disk beyond SIZE, such as 512M or 4G"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-changes",
	.usage = "[-l LAKE] -t TABLE [--from MOMENT] [--to MOMENT] [--key COLUMN,...] [--net] [--trace] [--cursor NAME] [-F FORMAT] "
		 "[--json] [-o FILE] [-j N] [--memory SIZE] [-- COMMAND [ARG ...]]\n"
		 "[-l LAKE] -t TABLE --cursor NAME --reset MOMENT | --forget\n"
		 "[-l LAKE] --cursors [-F FORMAT] [--json]",
	.about = "Streams the changes of a table, snapshot by snapshot. Rows were inserted (I), updated (B before, U after) or deleted (D).\n"
		 "With a cursor it goes on where it was; COMMAND gets the stream, and has taken it when it ends well.",
	.options = options,
};

/* What stands behind `--`; NULL when nothing does. The arguments before it are ended there. */
static const char *const *split_command(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++)
		if (!strcmp(argv[i], "--")) {
			*argc = i;
			argv[i] = NULL;
			return (const char *const *)&argv[i + 1];
		}
	return NULL;
}

static enum lk_format choose_format(bool command)
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
	return !output && !command && isatty(STDOUT_FILENO) ? LK_FORMAT_TABLE : LK_FORMAT_ARROW;
}

static void check_options(bool command)
{
	bool change = reset || forget;

	if (cursors && (table || cursor || change || command || from || to || output))
		lk_tool_misuse("--cursors goes with no table, cursor, moment or output");
	if (!cursors && !table)
		lk_tool_misuse("which table? -t names one");
	if (change && !cursor)
		lk_tool_misuse("--reset and --forget are about a cursor: --cursor names it");
	if (change && ((reset && forget) || command || from || to || output || net))
		lk_tool_misuse("--reset and --forget write no changes, and exclude each other");
	if (key && !*key)
		lk_tool_misuse("--key needs the name of a column");
	if (command && output)
		lk_tool_misuse("the changes go to a command or to a file, not to both");
}

static enum lk_status list(struct lk_lake *lake, struct lk_error *err)
{
	enum lk_format format;

	if (!lk_format_choose(format_word, json, stdout, &format))
		lk_tool_misuse("'%s' is no format of lists", format_word);
	return lk_take_list(lake, format, stdout, err);
}

static enum lk_status change(struct lk_lake *lake, struct lk_error *err)
{
	if (forget) {
		LK_TRY(lk_take_forget(lake, table, cursor, err));
		lk_say("cursor '%s' of %s is forgotten", cursor, table);
		return LK_OK;
	}
	LK_TRY(lk_take_reset(lake, table, cursor, reset, err));
	lk_say("cursor '%s' of %s is at %s now", cursor, table, reset);
	return LK_OK;
}

static enum lk_status take(struct lk_lake *lake, const char *const *command, struct lk_error *err)
{
	struct lk_workspace workspace;
	struct lk_take t = {
		.changes = {.table = table, .from = from, .to = to, .key = key, .net = net, .trace = trace, .threads = threads,
			.memory_bytes = memory, .output = {.format = choose_format(command), .path = output}, .say = lk_say,
			.detail = lk_detail},
		.cursor = cursor,
		.command = command,
	};
	enum lk_status status;

	LK_TRY(lk_workspace_init(&workspace, err));
	t.changes.output.workspace = &workspace;
	status = lk_take_run(&t, lake, err);
	lk_workspace_release(&workspace);
	if (t.moved)
		lk_say("cursor '%s' of %s is at %lld now: %lld changes of %lld snapshots", cursor, t.table, (long long)t.head,
			(long long)t.report.rows, (long long)t.report.snapshots);
	return status;
}

static enum lk_status run(const char *const *command, struct lk_error *err)
{
	struct lk_lake *lake = NULL;
	enum lk_status status;

	LK_TRY(lk_lake_open_found(&lake, lake_path, cursor ? 0 : LK_LAKE_READONLY, err));
	status = cursors ? list(lake, err) : reset || forget ? change(lake, err) : take(lake, command, err);
	lk_lake_close(lake);
	return status;
}

int main(int argc, char **argv)
{
	const char *const *command = split_command(&argc, argv);
	struct lk_error err = {0};
	enum lk_status status;

	lk_tool_start(&tool, &argc, &argv);
	if (argc)
		lk_tool_misuse("unexpected argument '%s': -t names a table, and a command stands behind --", argv[0]);
	if (command && !*command)
		lk_tool_misuse("a command is needed behind --");
	check_options(command);
	signal(SIGPIPE, SIG_IGN);
	status = run(command, &err);
	if (status == LK_IO || status == LK_OK)
		lk_tool_end_by_pipe();
	return lk_tool_finish(status, &err);
}
