/* lk-cat: shows and converts streams of tables. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lakedir.h"
#include "base/tool.h"
#include "stream/cat.h"

static struct {
	const char *format, *table, *as, *output;
	bool schema, count;
	int64_t head;
} args = {.head = -1};

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'F', "format", &args.format, "FORMAT", "table, csv, tsv, json, markdown or arrow"},
	{LK_OPTION_TEXT, 't', "table", &args.table, "TABLE", "only this table"},
	{LK_OPTION_TEXT, 0, "as", &args.as, "TABLE", "make an lk stream in which the rows are of this table"},
	{LK_OPTION_FLAG, 0, "schema", &args.schema, NULL, "show the columns of the tables"},
	{LK_OPTION_NUMBER, 0, "head", &args.head, "N", "show the first N rows of a table"},
	{LK_OPTION_FLAG, 0, "count", &args.count, NULL, "show how many rows the tables have"},
	{LK_OPTION_TEXT, 'o', "output", &args.output, "FILE", "write to FILE; its ending says the format"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-cat",
	.usage = "[-F FORMAT] [-t TABLE] [--as TABLE] [--schema | --head N | --count] [-o FILE] [FILE ...]",
	.about = "Shows and converts lk streams, Arrow streams and Arrow files.",
	.options = options,
};

static enum lk_format choose_format(void)
{
	enum lk_format format = isatty(STDOUT_FILENO) && !args.output ? LK_FORMAT_TABLE : LK_FORMAT_CSV;

	if (args.output)
		lk_format_of_path(args.output, &format);
	if (args.format && !lk_format_parse(args.format, &format))
		lk_tool_misuse("there is no format '%s'", args.format);
	if (format == LK_FORMAT_PARQUET)
		lk_tool_misuse("lk-cat does not write Parquet; lk-query does");
	return format;
}

static struct lk_cat_options parse_arguments(void)
{
	struct lk_cat_options o = {
		.what = args.schema ? LK_CAT_SCHEMA : args.count ? LK_CAT_COUNT : LK_CAT_ROWS,
		.format = choose_format(),
		.table = args.table,
		.as = args.as,
		.head = args.head,
		.out = stdout,
		.fd = STDOUT_FILENO,
		.out_name = args.output ? args.output : "standard output",
	};

	if (args.schema + args.count + (args.head >= 0) > 1)
		lk_tool_misuse("only one of --schema, --head and --count can be given");
	if (args.as && (args.schema || args.count))
		lk_tool_misuse("--as makes a stream, --schema and --count do not");
	if (args.as && args.format && o.format != LK_FORMAT_ARROW)
		lk_tool_misuse("--as makes an lk stream, which is not %s", args.format);
	if (args.as && (!*args.as || !strncmp(args.as, "lk.", 3)))
		lk_tool_misuse("'%s' cannot be the name of a table of data", args.as);
	if (o.what != LK_CAT_ROWS && o.format == LK_FORMAT_ARROW)
		lk_tool_misuse("--schema and --count are shown as text, not as arrow");
	return o;
}

/* Puts the file in the place of standard output, so that it is flushed, closed and checked as that is. */
static enum lk_status open_output(struct lk_error *err)
{
	int fd;

	LK_TRY(lk_lake_keep_out(args.output, err));
	fd = open(args.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return lk_error_sys(err, LK_CANTCREATE, "cannot create '%s'", args.output);
	if (fd == STDOUT_FILENO)
		return LK_OK;
	if (dup2(fd, STDOUT_FILENO) < 0)
		return lk_error_sys(err, LK_IO, "cannot write '%s'", args.output);
	close(fd);
	return LK_OK;
}

/* Half a file must not pass for a whole one. */
static void remove_output(void)
{
	struct stat st;

	if (args.output && !stat(args.output, &st) && S_ISREG(st.st_mode))
		unlink(args.output);
}

static enum lk_status read_file(struct lk_cat *c, const char *path, struct lk_error *err)
{
	bool standard = !strcmp(path, "-");
	enum lk_status status;
	int fd;

	if (standard && isatty(STDIN_FILENO))
		lk_tool_misuse("standard input is a terminal; name a file, or pipe a stream into lk-cat");
	LK_TRY(lk_open_input(path, &fd, err));
	status = lk_cat_input(c, fd, standard ? "standard input" : path, err);
	lk_close_input(fd);
	return status;
}

static enum lk_status run(const struct lk_cat_options *o, int argc, char **argv, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	struct lk_cat *c;

	if (o->as || o->format == LK_FORMAT_ARROW)
		LK_TRY(lk_refuse_terminal(o->fd, "an Arrow stream", err));
	LK_TRY(lk_cat_open(&c, o, err));
	if (!argc)
		status = read_file(c, "-", err);
	for (int i = 0; i < argc && !status; i++)
		status = read_file(c, argv[i], err);
	if (!status)
		return lk_cat_close(c, err);
	lk_cat_abort(c);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {LK_OK, ""};
	struct lk_cat_options o;
	enum lk_status status;

	lk_tool_start(&tool, &argc, &argv);
	o = parse_arguments();
	status = args.output ? open_output(&err) : LK_OK;
	if (!status) {
		status = run(&o, argc, argv, &err);
		if (status)
			remove_output();
	}
	return lk_tool_finish(status, &err);
}
