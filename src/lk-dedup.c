/* lk-dedup: leaves out rows of a stream that are in it already. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lakedir.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/tool.h"
#include "sql/against.h"

#define DEFAULT_MEMORY (INT64_C(512) << 20)

static struct {
	struct lk_list tables;
	const char *key, *order, *dups, *against;
	bool whole;
	int64_t memory;
} args = {.memory = DEFAULT_MEMORY};

static const struct lk_option options[] = {
	{LK_OPTION_LIST, 't', "table", &args.tables, "TABLE", "only rows of this table; may be repeated"},
	{LK_OPTION_TEXT, 0, "key", &args.key, "COLUMN,...", "rows with the same values there are versions of one row"},
	{LK_OPTION_TEXT, 0, "order", &args.order, "COLUMN", "the version with the largest value there is the newest"},
	{LK_OPTION_FLAG, 'w', "whole", &args.whole, NULL, "compare whole rows, also of tables with a key"},
	{LK_OPTION_TEXT, 0, "against", &args.against, "LAKE", "leave out what this lake has just so, too"},
	{LK_OPTION_TEXT, 0, "dups", &args.dups, "FILE", "write what is left out to FILE, as a stream"},
	{LK_OPTION_NUMBER, 0, "memory", &args.memory, "SIZE", "spill to disk beyond SIZE, such as 512M or 4G"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-dedup",
	.usage = "[-t TABLE] [--key COLUMN,... [--order COLUMN] | -w] [--against LAKE] [--dups FILE] [--memory SIZE] [FILE ...]",
	.about = "Leaves out rows that a stream has already. Whole rows are compared or, where there is a key, the newest version stays.",
	.options = options,
};

/* The columns of --key; the text is cut in place. */
static enum lk_status split_key(char *text, struct lk_list *key, struct lk_error *err)
{
	for (char *next = text; next;) {
		char *name = strsep(&next, ",");

		if (!*name)
			lk_tool_misuse("--key needs names of columns, with commas between them");
		for (size_t i = 0; i < key->count; i++)
			if (!strcmp(key->items[i], name))
				lk_tool_misuse("--key names '%s' twice", name);
		if (!lk_grow((void **)&key->items, &key->cap, key->count + 1, sizeof(*key->items)))
			return lk_error_nomem(err);
		key->items[key->count++] = name;
	}
	return LK_OK;
}

static void check_arguments(void)
{
	if (args.key && args.whole)
		lk_tool_misuse("--key and --whole cannot be given together");
	if (args.order && args.whole)
		lk_tool_misuse("--order is for versions of a key, and --whole says that there is none");
	if (args.memory < 1 << 20)
		lk_tool_misuse("--memory must be 1M at least");
}

/* ---- reading ---- */

static enum lk_status read_batches(struct lk_reader *r, struct lk_dedup *d, struct lk_error *err)
{
	struct lk_batch batch;
	enum lk_next next;

	while ((next = lk_reader_next(r, &batch, err)) == LK_NEXT_BATCH)
		LK_TRY(lk_dedup_batch(d, &batch, err));
	return next == LK_NEXT_END ? LK_OK : err->status;
}

/* Goes on with one input. */
static enum lk_status read_input(struct lk_reader **r, const char *path, struct lk_dedup *d, struct lk_error *err)
{
	const char *name = strcmp(path, "-") ? path : "standard input";
	enum lk_status status;
	int fd;

	if (!strcmp(path, "-"))
		LK_TRY(lk_refuse_terminal(STDIN_FILENO, "an lk stream", err));
	LK_TRY(lk_open_input(path, &fd, err));
	status = *r ? lk_reader_continue(*r, fd, name, err) : lk_reader_open(r, fd, name, 0, err);
	if (!status)
		status = read_batches(*r, d, err);
	if (status == LK_DATA || status == LK_NOINPUT)
		lk_error_prefix(err, "'%s'", name);
	lk_close_input(fd);
	return status;
}

static enum lk_status read_all(struct lk_dedup *d, char **files, struct lk_error *err)
{
	struct lk_reader *r = NULL;
	enum lk_status status = LK_OK;

	if (!*files)
		status = read_input(&r, "-", d, err);
	for (; *files && !status; files++)
		status = read_input(&r, *files, d, err);
	lk_reader_close(r);
	return status ? status : lk_dedup_finish(d, err);
}

static void say_counts(const struct lk_dedup *d)
{
	struct lk_dedup_count c;

	for (size_t i = 0; lk_dedup_counts(d, i, &c); i++) {
		lk_detail("%s: %lld rows, %lld repeated, %lld in the lake already", c.table, (long long)c.read, (long long)c.repeated,
			(long long)c.known);
		if (c.keyless)
			lk_warn("%s: %lld row%s without a key (a column of it is null) went on", c.table, (long long)c.keyless,
				lk_plural(c.keyless));
	}
}

/* ---- writing ---- */

static enum lk_status dedup(struct lk_dedup_options *o, char **files, struct lk_error *err)
{
	struct lk_writer *writer;
	struct lk_dedup *d = NULL;
	enum lk_status status;

	LK_TRY(lk_writer_open(&writer, STDOUT_FILENO, "standard output", false, err));
	status = lk_dedup_open(&d, o, writer, err);
	if (!status)
		status = read_all(d, files, err);
	if (!status)
		say_counts(d);
	lk_dedup_close(d);
	if (!status)
		return lk_writer_close(writer, err);
	lk_writer_abort(writer);
	return status;
}

static void remove_dups(void)
{
	struct stat st;

	if (!stat(args.dups, &st) && S_ISREG(st.st_mode))
		unlink(args.dups);
}

/* The file of --dups is whole, or it is not there. */
static enum lk_status dedup_with_dups(struct lk_dedup_options *o, char **files, struct lk_error *err)
{
	enum lk_status status;
	int fd;

	LK_TRY(lk_lake_keep_out(args.dups, err));
	fd = open(args.dups, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return lk_error_sys(err, LK_CANTCREATE, "cannot create '%s'", args.dups);
	status = lk_writer_open(&o->dups, fd, args.dups, false, err);
	if (!status)
		status = dedup(o, files, err);
	if (status)
		lk_writer_abort(o->dups);
	else
		status = lk_writer_close(o->dups, err);
	if (close(fd) && !status)
		status = lk_error_sys(err, LK_IO, "cannot write '%s'", args.dups);
	if (status)
		remove_dups();
	return status;
}

static enum lk_status dedup_against(struct lk_dedup_options *o, char **files, struct lk_error *err)
{
	struct lk_dedup_against against;
	struct lk_against *a = NULL;
	enum lk_status status = LK_OK;

	if (args.against) {
		LK_TRY(lk_against_open(&a, args.against, &against, err));
		o->against = &against;
	}
	status = args.dups ? dedup_with_dups(o, files, err) : dedup(o, files, err);
	lk_against_close(a);
	return status;
}

static enum lk_status run(char **files, struct lk_error *err)
{
	struct lk_list key = {NULL, 0, 0};
	struct lk_dedup_options o = {.tables = args.tables.items, .table_count = args.tables.count, .whole = args.whole, .order = args.order,
		.memory_bytes = (size_t)args.memory, .say = lk_say};
	char *text = args.key ? strdup(args.key) : NULL;
	enum lk_status status = args.key && !text ? lk_error_nomem(err) : LK_OK;

	if (text)
		status = split_key(text, &key, err);
	o.key = key.items;
	o.key_count = (int)key.count;
	if (!status)
		status = lk_refuse_terminal(STDOUT_FILENO, "an lk stream", err);
	if (!status)
		status = dedup_against(&o, files, err);
	free(key.items);
	free(text);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {LK_OK, ""};
	enum lk_status status;

	lk_tool_start(&tool, &argc, &argv);
	check_arguments();
	lk_pipe_enlarge(STDIN_FILENO);
	signal(SIGPIPE, SIG_IGN); /* the file of --dups is to be removed then */
	status = run(argv, &err);
	if (status == LK_IO)
		lk_tool_end_by_pipe();
	return lk_tool_finish(status, &err);
}
