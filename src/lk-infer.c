/* lk-infer: data packages drafted from samples (lk-infer(1)). */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lakedir.h"
#include "base/tool.h"
#include "infer/diff.h"
#include "infer/infer.h"
#include "infer/pretty.h"
#include "source/source.h"

static struct {
	const char *passphrase_file, *keyring, *output, *format, *name, *update;
	int64_t passphrase_fd, rows;
	bool nested, all, report;
} want = {.passphrase_fd = -1, .rows = -1};

#define SAMPLE_BYTES (INT64_C(256) << 20)

static const struct lk_option options[] = {
	{LK_OPTION_FLAG, 0, "report", &want.report, NULL, "show the evidence, a row for each column, instead of the package"},
	{LK_OPTION_TEXT, 'F', "format", &want.format, "FORMAT", "of --report: table (default), csv, tsv, json, markdown"},
	{LK_OPTION_TEXT, 'o', "output", &want.output, "FILE", "write the package to FILE"},
	{LK_OPTION_TEXT, 0, "update", &want.update, "PACKAGE", "show what PACKAGE must say otherwise to take the samples, as a diff"},
	{LK_OPTION_TEXT, 0, "name", &want.name, "NAME", "name of the package"},
	{LK_OPTION_NUMBER, 0, "rows", &want.rows, "N", "read the first N records of each sample"},
	{LK_OPTION_FLAG, 0, "all", &want.all, NULL, "read samples whole, however large (the first 256 MiB)"},
	{LK_OPTION_TEXT, 0, "passphrase-file", &want.passphrase_file, "FILE", "the first line of FILE is the passphrase"},
	{LK_OPTION_NUMBER, 0, "passphrase-fd", &want.passphrase_fd, "N", "the first line from descriptor N is the passphrase"},
	{LK_OPTION_TEXT, 0, "keyring", &want.keyring, "FILE", "FILE lists passphrase files by glob of deliveries"},
	{LK_OPTION_FLAG, 0, "nested", &want.nested, NULL, "open archives inside archives, one level"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-infer",
	.usage = "[--report [-F FORMAT]] [-o FILE] [--name NAME] [--rows N | --all] "
		 "[--passphrase-file FILE | --passphrase-fd N | --keyring FILE] [--nested] [FILE ...]\n"
		 "--update PACKAGE [-o FILE] [--rows N | --all] "
		 "[--passphrase-file FILE | --passphrase-fd N | --keyring FILE] [--nested] [FILE ...]",
	.about = "Drafts a data package from samples. They are files, members of archives, or an lk stream of members.",
	.options = options,
};

static enum lk_format report_format(void)
{
	enum lk_format format = LK_FORMAT_TABLE;

	if (want.format && (!lk_format_parse(want.format, &format) || format == LK_FORMAT_ARROW || format == LK_FORMAT_PARQUET))
		lk_tool_misuse("--report has no format '%s'", want.format);
	return format;
}

static void check_options(void)
{
	if ((want.passphrase_file != NULL) + (want.passphrase_fd >= 0) + (want.keyring != NULL) > 1)
		lk_tool_misuse("only one of --passphrase-file, --passphrase-fd and --keyring can be given");
	if (want.format && !want.report)
		lk_tool_misuse("-F is for --report");
	if (want.update && (want.report || want.name))
		lk_tool_misuse("--update shows a diff, and takes neither --report nor --name");
	if (want.rows >= 0 && want.all)
		lk_tool_misuse("only one of --rows and --all can be given");
	if (!want.rows)
		lk_tool_misuse("option '--rows' takes a number of 1 or more");
	if (want.passphrase_fd > INT32_MAX)
		lk_tool_misuse("option '--passphrase-fd' takes a descriptor");
}

/* ---- input ---- */

static enum lk_status read_input(struct lk_infer *infer, struct lk_error *err)
{
	struct lk_reader *reader;
	enum lk_status status;

	if (isatty(STDIN_FILENO))
		lk_tool_misuse("standard input is a terminal; name a file, or pipe a stream into lk-infer");
	LK_TRY(lk_reader_open(&reader, STDIN_FILENO, "standard input", 0, err));
	status = lk_infer_stream(infer, reader, err);
	lk_reader_close(reader);
	return status;
}

static enum lk_status read_samples(struct lk_infer *infer, char **files, struct lk_error *err)
{
	if (!*files)
		return read_input(infer, err);
	for (; *files; files++)
		LK_TRY(!strcmp(*files, "-") ? read_input(infer, err) : lk_infer_delivery(infer, *files, err));
	return LK_OK;
}

/* ---- output ---- */

/* path: NULL for standard output. */
static enum lk_status write_text(const char *path, const struct lk_str *text, struct lk_error *err)
{
	LK_TRY(lk_str_check(text, err));
	if (path)
		return lk_file_replace(path, 0666, lk_str_text(text), text->len, err);
	if (fwrite(lk_str_text(text), 1, text->len, stdout) != text->len)
		return lk_error_sys(err, LK_IO, "cannot write standard output");
	return LK_OK;
}

static enum lk_status write_package(const json_t *package, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	lk_json_pretty(&text, package);
	status = write_text(want.output, &text, err);
	lk_str_release(&text);
	return status;
}

static enum lk_status draft(struct lk_infer *infer, char **files, enum lk_format format, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	json_t *package;
	bool wanting;

	LK_TRY(read_samples(infer, files, err));
	LK_TRY(lk_infer_finish(infer, &package, &wanting, err));
	if (want.output || !want.report)
		status = write_package(package, err);
	json_decref(package);
	if (status == LK_OK && want.report)
		status = lk_infer_report(infer, format, stdout, err);
	return status == LK_OK && wanting ? LK_WANTING : status;
}

/* The package before and after, as texts. */
struct versions {
	struct lk_str before, after, diff;
};

static enum lk_status compare(struct lk_infer *infer, json_t *package, struct versions *v, bool *wanting, struct lk_error *err)
{
	lk_json_pretty(&v->before, package);
	LK_TRY(lk_infer_update(infer, package, wanting, err));
	lk_json_pretty(&v->after, package);
	LK_TRY(lk_str_check(&v->before, err));
	LK_TRY(lk_str_check(&v->after, err));
	LK_TRY(lk_diff(&v->diff, want.update, lk_str_text(&v->before), want.output ? want.output : want.update, lk_str_text(&v->after),
		err));
	LK_TRY(write_text(NULL, &v->diff, err));
	return want.output ? write_text(want.output, &v->after, err) : LK_OK;
}

static enum lk_status update(struct lk_infer *infer, char **files, struct lk_error *err)
{
	struct versions v = {LK_STR_INIT, LK_STR_INIT, LK_STR_INIT};
	enum lk_status status;
	json_error_t problem;
	json_t *package;
	bool wanting = false, changed;

	LK_TRY(read_samples(infer, files, err));
	package = json_load_file(want.update, JSON_REJECT_DUPLICATES, &problem);
	if (!package)
		return lk_error_set(err, LK_CONFIG, "'%s' line %d: %s", want.update, problem.line, problem.text);
	status = compare(infer, package, &v, &wanting, err);
	changed = v.diff.len > 0;
	lk_str_release(&v.before);
	lk_str_release(&v.after);
	lk_str_release(&v.diff);
	json_decref(package);
	return status == LK_OK && (wanting || changed) ? LK_WANTING : status;
}

static enum lk_status infer_all(struct lk_infer_options *o, char **files, enum lk_format format, struct lk_error *err)
{
	struct lk_infer *infer;
	enum lk_status status;

	LK_TRY(lk_infer_open(&infer, o, err));
	status = want.update ? update(infer, files, err) : draft(infer, files, format, err);
	lk_infer_close(infer);
	return status;
}

/* A folder of packages is none that can be changed. */
static enum lk_status open_known(struct lk_sources **known, struct lk_error *err)
{
	struct stat st;

	*known = NULL;
	if (!want.update)
		return LK_OK;
	if (stat(want.update, &st) == 0 && S_ISDIR(st.st_mode))
		return lk_error_set(err, LK_USAGE, "'%s' is a folder: name the package in it", want.update);
	return lk_sources_open(known, want.update, err);
}

static enum lk_status run(struct lk_keys *keys, char **files, enum lk_format format, struct lk_error *err)
{
	struct lk_infer_options o = {
		.name = want.name,
		.limits = {want.rows > 0 ? want.rows : 0, want.all || want.rows > 0 ? 0 : SAMPLE_BYTES},
		.archive = LK_ARCHIVE_DEFAULTS,
		.warn = lk_warn,
		.say = lk_say,
	};
	struct lk_sources *known;
	enum lk_status status;

	LK_TRY(lk_keys_add_given(keys, want.keyring, (int)want.passphrase_fd, want.passphrase_file, err));
	if (want.output)
		LK_TRY(lk_lake_keep_out(want.output, err));
	LK_TRY(open_known(&known, err));
	o.known = known;
	o.archive.keys = keys;
	o.archive.nested = want.nested;
	status = infer_all(&o, files, format, err);
	lk_sources_close(known);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_keys keys = LK_KEYS_INIT;
	struct lk_error err = {.message = ""};
	enum lk_status status;
	enum lk_format format;

	lk_tool_start(&tool, &argc, &argv);
	check_options();
	format = report_format();
	/* Times in archives that do not name their zone are taken for UTC, wherever this runs. */
	setenv("TZ", "UTC", 1);
	status = run(&keys, argv, format, &err);
	lk_keys_release(&keys);
	return lk_tool_finish(status, &err);
}
