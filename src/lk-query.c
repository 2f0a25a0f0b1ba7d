/* lk-query: SQL over a lake, and over the stream on standard input. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tool.h"
#include "sql/export.h"
#include "sql/query.h"
#include "sql/repl.h"

#define SCRIPT_MAX (16 << 20) /* bytes of a script */

static const char *lake, *format, *output, *script, *as, *at, *views;
static int64_t threads, memory;
static bool list;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake, "LAKE", "the lake; LK_LAKE, or the nearest folder upward, when not given"},
	{LK_OPTION_TEXT, 'F', "format", &format, "FORMAT", "table, csv, tsv, json, markdown, arrow or parquet"},
	{LK_OPTION_TEXT, 'o', "output", &output, "FILE", "write to FILE, which appears once it is whole"},
	{LK_OPTION_TEXT, 'f', "file", &script, "FILE", "read the SQL from FILE"},
	{LK_OPTION_FLAG, 0, "list", &list, NULL, "list the tables, as without SQL where there is no terminal"},
	{LK_OPTION_TEXT, 0, "at", &at, "MOMENT", "read tables as they were at a time, a snapshot, or a branch or tag"},
	{LK_OPTION_TEXT, 0, "export-views", &views, "FILE", "write a DuckDB database with a view of each table"},
	{LK_OPTION_TEXT, 0, "as", &as, "TABLE", "what the result is called on a stream"},
	{LK_OPTION_NUMBER, 'j', "jobs", &threads, "N", "use N threads; one for each processor when not given"},
	{LK_OPTION_NUMBER, 0, "memory", &memory, "SIZE", "spill to disk beyond SIZE, such as 512M or 4G"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-query",
	.usage = "[-l LAKE] [-F FORMAT] [-o FILE] [-j N] [--as TABLE] [--at MOMENT] [--memory SIZE] [--list | -f FILE | SQL]\n"
		 "[-l LAKE] [-j N] [--at MOMENT] [--memory SIZE] --export-views FILE",
	.about = "Answers SQL over the tables of a lake. An lk stream on standard input is the table stdin.\n"
		 "Without SQL it takes statements from a terminal, and elsewhere lists the lake's tables. Only SELECT runs, and it reads\n"
		 "nothing but those tables.",
	.options = options,
};

static enum lk_format choose_format(void)
{
	enum lk_format chosen;

	if (format) {
		if (!lk_format_parse(format, &chosen))
			lk_tool_misuse("there is no format '%s'", format);
		return chosen;
	}
	if (output && lk_format_of_path(output, &chosen))
		return chosen;
	return !output && isatty(STDOUT_FILENO) ? LK_FORMAT_TABLE : LK_FORMAT_CSV;
}

static enum lk_status read_script(struct lk_str *text, struct lk_error *err)
{
	LK_TRY(lk_file_read(script, SCRIPT_MAX, text, err));
	if (memchr(lk_str_text(text), 0, text->len))
		return lk_error_set(err, LK_DATA, "'%s' is not text", script);
	return LK_OK;
}

static enum lk_status run(struct lk_query *q, struct lk_error *err)
{
	struct lk_workspace workspace;
	enum lk_status status;

	LK_TRY(lk_workspace_init(&workspace, err));
	q->workspace = q->output.workspace = &workspace;
	status = lk_query_run(q, err);
	lk_workspace_release(&workspace);
	return status;
}

/* Without SQL, a person at a terminal is asked for it. */
static enum lk_status talk(struct lk_query *q, struct lk_error *err)
{
	struct lk_repl repl = {.say = lk_warn, .quiet = lk_is_quiet()};
	struct lk_workspace workspace;
	enum lk_status status;

	LK_TRY(lk_workspace_init(&workspace, err));
	q->workspace = q->output.workspace = &workspace;
	repl.query = *q;
	status = lk_repl_run(&repl, err);
	lk_workspace_release(&workspace);
	return status;
}

static enum lk_status export_views(struct lk_error *err)
{
	struct lk_workspace workspace;
	struct lk_export e = {.lake = lake, .at = at, .path = views, .threads = threads, .memory_bytes = memory, .workspace = &workspace,
		.left_out = lk_warn};
	enum lk_status status;

	LK_TRY(lk_workspace_init(&workspace, err));
	status = lk_export_views(&e, err);
	lk_workspace_release(&workspace);
	LK_TRY(status);
	lk_say("%d views in '%s', %d tables left out", e.views, views, e.missing);
	return e.missing ? LK_WANTING : LK_OK;
}

int main(int argc, char **argv)
{
	struct lk_query q = {.input = isatty(STDIN_FILENO) ? -1 : STDIN_FILENO};
	struct lk_str text = LK_STR_INIT;
	struct lk_error err = {0};
	enum lk_status status = LK_OK;

	lk_tool_start(&tool, &argc, &argv);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1)
		lk_tool_misuse("one SQL text at a time; quote it");
	if (argc && script)
		lk_tool_misuse("SQL comes from -f or from the command line, not from both");
	if (list && (argc || script))
		lk_tool_misuse("--list goes with no SQL");
	if (views && (argc || script || output || format || as))
		lk_tool_misuse("--export-views goes with no SQL, and with no output of its own");
	if (views)
		return lk_tool_finish(export_views(&err), &err);
	q.output = (struct lk_sql_output_options){.format = choose_format(), .path = output};
	q.lake = lake;
	q.as = as;
	q.at = at;
	q.detail = lk_detail;
	q.threads = threads;
	q.memory_bytes = memory;
	if (script)
		status = read_script(&text, &err);
	q.text = script ? lk_str_text(&text) : argc ? argv[0] : NULL;
	q.text_name = script;
	if (script && !strcmp(script, "-"))
		q.input = -1;
	if (!status && !q.text && !list && !output && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		status = talk(&q, &err);
	else if (!status)
		status = run(&q, &err);
	lk_str_release(&text);
	if (status == LK_IO || status == LK_OK)
		lk_tool_end_by_pipe();
	return lk_tool_finish(status, &err);
}
